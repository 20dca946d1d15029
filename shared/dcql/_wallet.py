"""The wallet's side: which held documents answer a query, and with exactly which claims (OpenID4VP 1.0 section 6.4)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..credentials import ClaimPath
from ..errors import AccessDenied
from ._query import ClaimQuery, CredentialQuery, DcqlQuery
from ._select import kind_fits, matching, related, select, with_groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A document in the wallet, as ``CredentialFormat.peek`` shows it. ``authority_keys``: the authority key identifiers of its chain."""

    id: str
    format: str
    vct: str
    document: Mapping[str, Any] = field(repr=False)
    disclosable: tuple[ClaimPath, ...] = ()
    authority_keys: tuple[str, ...] = ()  # base64url
    bound: bool = True  # to a holder's key


@dataclass(frozen=True, slots=True)
class Selection:
    """One way to answer: the selected paths into the document, and which withholdable parts that shows."""

    paths: tuple[ClaimPath, ...]
    shown: tuple[ClaimPath, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A held document that answers a credential query, in one or more ways, the verifier's preferred one first."""

    query_id: str
    held: Held
    options: tuple[Selection, ...]

    def least(self) -> Selection:
        """The way that shows least."""
        return min(self.options, key=lambda option: len(option.shown))

    def optional(self) -> tuple[ClaimPath, ...]:
        """Selected paths that a person may leave out, because ``least`` does without them."""
        least = set(self.least().paths)
        more = (path for option in self.options if least <= set(option.paths) for path in option.paths)
        return tuple(dict.fromkeys(path for path in more if path not in least))

    def choose(self, ticked: Collection[ClaimPath]) -> Selection:
        """The fullest way that shows nothing beyond ``least`` and what the person ticked."""
        least = self.least()
        allowed = {*least.paths, *ticked}
        fitting = [option for option in self.options if set(least.paths) <= set(option.paths) <= allowed]
        return max(fitting, key=lambda option: len(option.paths))


@dataclass(frozen=True, slots=True)
class SetChoice:
    """A credential set with those of its options that can be answered, the preferred one first."""

    required: bool
    options: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Match:
    """``candidates`` by credential query id (only of those that have any), and how the sets can be met."""

    candidates: Mapping[str, tuple[Candidate, ...]]
    sets: tuple[SetChoice, ...]

    def least(self) -> tuple[str, ...]:
        """The credential queries to answer when nothing optional is wanted."""
        return tuple(dict.fromkeys(name for choice in self.sets if choice.required for name in choice.options[0]))


def match(query: DcqlQuery, held: Sequence[Held]) -> Match:
    """What can be answered. ``AccessDenied`` if a required set cannot: then nothing at all is sent (section 6.4.2)."""
    found = {each.id: tuple(_candidates(each, held)) for each in query.credentials}
    candidates = {query_id: answers for query_id, answers in found.items() if answers}
    sets = tuple(
        SetChoice(each.required, tuple(option for option in each.options if set(option) <= set(candidates))) for each in query.sets()
    )
    if any(choice.required and not choice.options for choice in sets):
        raise AccessDenied("nothing held here answers this request")
    return Match(candidates, tuple(choice for choice in sets if choice.options))


def _candidates(query: CredentialQuery, held: Sequence[Held]) -> Iterator[Candidate]:
    for each in held:
        if each.format == query.format and _answers(query, each):
            options = tuple(_selections(query, each))
            if options:
                yield Candidate(query.id, each, options)


def _answers(query: CredentialQuery, held: Held) -> bool:
    if query.holder_binding and not held.bound:
        return False
    return kind_fits(query, held.vct, held.document) and _authority_fits(query, held.authority_keys)


def _authority_fits(query: CredentialQuery, keys: tuple[str, ...]) -> bool:
    """A hint (section 6.1.1): only a list of nothing but key identifiers can say no, the other kinds are not resolved here."""
    if any(each.type != "aki" for each in query.trusted_authorities):
        return True
    wanted = {value.rstrip("=") for each in query.trusted_authorities for value in each.values}
    return not wanted or not wanted.isdisjoint(keys)


_Answer = tuple[tuple[ClaimPath, ...], frozenset[int]]


def _selections(query: CredentialQuery, held: Held) -> Iterator[Selection]:
    """Each claim is looked up once, however many sets name it: sets are short to write, and a stranger writes them."""
    answers: dict[int, _Answer] = {}
    for claims in query.claim_options():
        unique = {id(claim): claim for claim in claims}
        found = [answers.get(key) or answers.setdefault(key, _answer(claim, held)) for key, claim in unique.items()]
        if all(paths for paths, _ in found):
            shown = frozenset[int]().union(*(parts for _, parts in found))
            yield Selection(
                tuple(dict.fromkeys(path for paths, _ in found for path in paths)),
                tuple(part for position, part in enumerate(held.disclosable) if position in shown),
            )


def _answer(claim: ClaimQuery, held: Held) -> _Answer:
    """The paths that ``claim`` selects, and the positions of what has to be disclosed for them."""
    paths = with_groups(held.format, held.vct, held.document, matching(select(held.document, claim.path), claim.values))
    return paths, frozenset(at for at, part in enumerate(held.disclosable) if any(related(part, path) for path in paths))
