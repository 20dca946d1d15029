"""The verifier's side, which believes nothing that a wallet was asked to do (OpenID4VP 1.0 sections 6.4.1 and 14.11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..codec import reader
from ..credentials import ClaimPath
from ..errors import NotBound, OverDisclosed, RequestNotSatisfied
from ..formats import Claims
from ._query import ClaimQuery, CredentialQuery, DcqlQuery
from ._select import Selected, kind_fits, matching, related, walk, with_groups


def check_satisfied(query: DcqlQuery, presented: Mapping[str, Sequence[Claims]], *, or_more: bool = False) -> None:
    """Raise unless ``presented`` (verified claims by credential query id) answers ``query``, and shows no more of each document.

    ``or_more``: unless the holder was asked by nobody and chose what to show.

    ``RequestNotSatisfied``, ``OverDisclosed`` or, for a document without a holder where one is demanded, ``NotBound``. ``values`` are
    checked here as if the wallet had never heard of them (section 6.4.1).
    """
    for query_id, answers in presented.items():
        asked = query.credential(query_id)
        if asked is None:
            raise OverDisclosed("a document came that was not asked for", where=reader.pointer("/vp_token", query_id))
        _check_answers(asked, answers)
    _check_sets(query, presented)
    if not or_more:
        _check_not_more(query, presented)


def _check_answers(asked: CredentialQuery, answers: Sequence[Claims]) -> None:
    where = f"/vp_token/{asked.id}"
    if not answers or (len(answers) > 1 and not asked.multiple):
        raise RequestNotSatisfied("one document is expected here", where=where)
    for position, claims in enumerate(answers):
        if asked.holder_binding and claims.holder is None:
            raise NotBound("this document is not tied to its holder", where=f"{where}/{position}")
        if not kind_fits(asked, claims.vct, claims.document):
            raise RequestNotSatisfied("this is another kind of document than asked for", where=f"{where}/{position}")
        if not any(_option_met(option, claims) for option in asked.claim_options()):
            raise RequestNotSatisfied("a detail that was asked for is missing or has another value", where=f"{where}/{position}")


def _selected(claim: ClaimQuery, claims: Claims) -> Selected:
    """What of a presented document a claim query meant.

    Withheld array elements leave no gap, so the element at a position that was asked for may have moved down, never up.
    """
    return matching(walk(claims.document, claim.path, lambda index, size: range(min(index + 1, size))), claim.values)


def _option_met(option: tuple[ClaimQuery, ...], claims: Claims) -> bool:
    return all(_selected(claim, claims) for claim in option)


def _check_sets(query: DcqlQuery, presented: Mapping[str, Sequence[Claims]]) -> None:
    met = [[set(option) for option in each.options if set(option) <= set(presented)] for each in query.sets()]
    if any(each.required and not options for each, options in zip(query.sets(), met, strict=True)):
        raise RequestNotSatisfied("a document that was asked for is missing", where="/vp_token")
    for query_id in presented:
        if not any(query_id in option for options in met for option in options):
            raise OverDisclosed("a document came that completes nothing that was asked for", where=f"/vp_token/{query_id}")


def _check_not_more(query: DcqlQuery, presented: Mapping[str, Sequence[Claims]]) -> None:
    """Section 6.4: one presentation may answer several queries, and then show what they ask together."""
    asked: dict[bytes, list[CredentialQuery]] = {}
    for query_id, answers in presented.items():
        for claims in answers:
            asked.setdefault(claims.signing_input_digest, []).extend(each for each in query.credentials if each.id == query_id)
    for query_id, answers in presented.items():
        for position, claims in enumerate(answers):
            if not _within(asked[claims.signing_input_digest], claims):
                raise OverDisclosed("more is shown than was asked for", where=f"/vp_token/{query_id}/{position}")


def _within(queries: Sequence[CredentialQuery], claims: Claims) -> bool:
    """Whether everything that could have been withheld belongs, query by query, to one met combination of claims."""
    left = set(claims.disclosed)
    for query in queries:
        met = [option for option in query.claim_options() if _option_met(option, claims)]
        left = min((_beyond(left, query, option, claims) for option in met), key=len)
    return not left


def _beyond(disclosed: set[ClaimPath], query: CredentialQuery, option: tuple[ClaimQuery, ...], claims: Claims) -> set[ClaimPath]:
    selected = tuple(found for claim in option for found in _selected(claim, claims))
    allowed = with_groups(query.format, claims.vct, claims.document, selected)
    return {path for path in disclosed if not any(related(path, other) for other in allowed)}
