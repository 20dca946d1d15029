"""What is asked, cut down to what is registered: whatever goes beyond it is taken out of the question and named (domain checks T-OA-1, 2).

A registration speaks of groups of details (docs/ovp.md section 5.1), a question of single ones. A detail may be asked for if its group is
registered for that use, and demanded if its group is registered as necessary; what lies in clear in every document needs no leave.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from shared.credentials import Claim, ClaimPath, CredentialType, Disclosure, Text, all_types
from shared.credentials._derive import leaves, path_in
from shared.credentials._joint import NUMBER, TAG
from shared.dcql import ClaimQuery, CredentialQuery, CredentialSet, DcqlQuery
from shared.errors import OverDisclosed
from shared.trust.registered_use import RegisteredUse

_MANY = 5  # details that are made optional one by one; more of them go together


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """``query`` is ``None`` if nothing of it is left that could be answered.

    ``left_out`` are the details and kinds of document that were taken out, ``freed`` those that were demanded and may be left out.
    """

    query: DcqlQuery | None
    left_out: tuple[Text, ...] = ()
    freed: tuple[Text, ...] = ()


@dataclass(slots=True)
class _Found:
    """What is taken out on the way."""

    left_out: list[Text] = field(default_factory=list)
    freed: list[Text] = field(default_factory=list)


def narrow(query: DcqlQuery, use: RegisteredUse) -> Narrowed:
    """The question as far as ``use`` is registered for it; the same object where all of it is."""
    found = _Found()
    credentials = [each for asked in query.credentials if (each := _credential(asked, use, found)) is not None]
    left = {each.id for each in credentials}
    sets = tuple(one for asked in query.sets() if (one := _set(asked, left)) is not None)
    told = Narrowed(query=query, left_out=_distinct(found.left_out), freed=_distinct(found.freed))
    if any(each.required and not each.options for each in sets) or not sets:
        return replace(told, query=None)
    if tuple(credentials) == query.credentials:
        return told
    return replace(told, query=DcqlQuery(credentials=tuple(credentials), credential_sets=sets if query.credential_sets else ()))


def apart(query: DcqlQuery) -> tuple[DcqlQuery, tuple[Text, ...]]:
    """The question without the marks of people who act together, which serve nothing else (security rule S26), and what that leaves out.

    Of whatever kind of document it is: a question may name none. What leads above a mark never shows it (``choose``).
    """
    found = _Found()
    credentials = tuple(_unmarked(asked, found) for asked in query.credentials)
    if credentials == query.credentials:
        return query, ()
    return replace(query, credentials=credentials), _distinct(found.left_out)


def _unmarked(asked: CredentialQuery, found: _Found) -> CredentialQuery:
    marks = {
        path_in(kind, claim.path, asked.format): claim.label
        for kind in all_types().values()
        for claim in kind.claims
        if claim.path in {TAG, NUMBER}
    }
    dropped = [claim for claim in asked.claims or () if claim.path in marks]
    if not dropped:
        return asked
    found.left_out += [marks[claim.path] for claim in dropped]
    kept = tuple(claim for claim in asked.claims or () if claim not in dropped)
    gone = {claim.id for claim in dropped}
    sets = tuple(tuple(name for name in option if name not in gone) for option in asked.claim_sets or ())
    return replace(asked, claims=kept or None, claim_sets=sets if kept and sets else None)


def check_shown(use: RegisteredUse, kind: CredentialType, claims: Mapping[str, Any]) -> None:
    """``OverDisclosed`` if ``claims``, as they would be shown, go beyond what is registered: some documents can hold nothing back."""
    allowed = _allowed(use, kind)
    if allowed is None:
        raise OverDisclosed(f"they did not register for this kind of document: {kind.title.en}")
    for _, claim, _ in leaves(kind, claims):
        number = _number(kind, claim)
        if number is not None and number not in allowed:
            raise OverDisclosed(f"they did not register for this detail: {claim.label.en}")


def _set(asked: CredentialSet, left: set[str]) -> CredentialSet | None:
    """Without the options that need what was taken out; ``None`` for one that need not be answered and cannot be."""
    options = tuple(option for option in asked.options if set(option) <= left)
    return CredentialSet(options=options, required=asked.required) if options or asked.required else None


def _credential(asked: CredentialQuery, use: RegisteredUse, found: _Found) -> CredentialQuery | None:
    kinds = list(kinds_of(asked))
    registered = [kind for kind in kinds if _allowed(use, kind) is not None]
    if not registered:
        found.left_out += [kind.title for kind in kinds] or [Text(_name(asked), _name(asked))]
        return None
    if asked.vct_values is not None and len(registered) < len(asked.vct_values):
        found.left_out += [kind.title for kind in kinds if kind not in registered]
        asked = replace(asked, vct_values=tuple(kind.vct for kind in registered))
    if asked.type_values is not None:
        asked = replace(asked, type_values=_alternatives(asked.type_values, kinds, registered, found))
    return asked if asked.claims is None else _claims(asked, asked.claims, registered, use, found)


def _alternatives(
    asked: Sequence[Sequence[str]], kinds: Sequence[CredentialType], registered: Sequence[CredentialType], found: _Found
) -> tuple[tuple[str, ...], ...]:
    """Those that ask for a registered kind: of the others each would be answered by something else, or by anything."""
    ours = {name for kind in registered for name in (kind.vcdm_type, kind.vct)}
    kept = tuple(tuple(names) for names in asked if not ours.isdisjoint(names))
    if len(kept) < len(asked):
        others = [kind.title for kind in kinds if kind not in registered]
        found.left_out += others or [Text(each, each) for each in (", ".join(names) for names in asked if ours.isdisjoint(names))]
    return kept


def kinds_of(asked: CredentialQuery) -> Iterator[CredentialType]:
    """The kinds of document of this installation that a credential query is about."""
    named = {name for names in asked.type_values or () for name in names}
    for kind in all_types().values():
        if kind.vct in {*(asked.vct_values or ()), *named} or kind.doctype == asked.doctype_value or kind.vcdm_type in named:
            yield kind


def _name(asked: CredentialQuery) -> str:
    return ", ".join(asked.vct_values or ()) or asked.doctype_value or asked.format


def _claims(
    asked: CredentialQuery, claims: Sequence[ClaimQuery], kinds: Sequence[CredentialType], use: RegisteredUse, found: _Found
) -> CredentialQuery:
    named = tuple(claim if claim.id is not None else replace(claim, id=f"registered-{at}") for at, claim in enumerate(claims))
    kept, free = [], set()
    demanded = _demanded(asked)
    for plain, claim in zip(claims, named, strict=True):
        details = [detail for kind in kinds for detail in _details(kind, asked.format, claim.path)]
        if not details or any(number not in _all(use, kind) for kind, number, _ in details if number is not None):
            found.left_out += [label for _, _, label in details] or [Text(_said(claim.path), _said(claim.path))]
            continue
        kept.append(claim)
        if plain in demanded and not all(number in _necessary(use, kind) for kind, number, _ in details if number is not None):
            found.freed += [label for _, _, label in details]
            free.add(str(claim.id))
    if len(kept) == len(claims) and not free:
        return asked
    options = [tuple(name for name in option if name in {each.id for each in kept}) for option in _options(asked, claims, named)]
    sets = tuple(dict.fromkeys(each for option in options for each in _without(option, free)))
    return replace(asked, claims=tuple(kept) or None, claim_sets=sets if kept else None)


def _demanded(asked: CredentialQuery) -> set[ClaimQuery]:
    """What stands in each of the combinations that answer."""
    first, *others = (set(option) for option in asked.claim_options())
    return first.intersection(*others)


def _options(asked: CredentialQuery, claims: Sequence[ClaimQuery], named: Sequence[ClaimQuery]) -> list[tuple[str, ...]]:
    names = {id(plain): str(claim.id) for plain, claim in zip(claims, named, strict=True)}
    return [tuple(names[id(claim)] for claim in option) for option in asked.claim_options()]


def _without(option: tuple[str, ...], free: set[str]) -> Iterator[tuple[str, ...]]:
    """An option whole, and with the details left out that may be, in every combination while they are few."""
    here = [name for name in option if name in free]
    sizes = range(len(here) + 1) if len(here) <= _MANY else (0, len(here))
    for size in sizes:
        for less in combinations(here, size):
            yield tuple(name for name in option if name not in less)


def _details(kind: CredentialType, format_name: str, path: ClaimPath) -> Iterator[tuple[CredentialType, int | None, Text]]:
    """The details of the kind that a path leads to, into or above, with the numbers of their groups."""
    plain = tuple(None if isinstance(part, int) else part for part in path)
    for claim in kind.claims:
        place = path_in(kind, claim.path, format_name)
        if place[: len(plain)] == plain or plain[: len(place)] == place:
            yield kind, _number(kind, claim), claim.label


def _number(kind: CredentialType, claim: Claim) -> int | None:
    """Of the group that it lies in; ``None`` for what is always in clear."""
    if claim.disclosure is Disclosure.ALWAYS:
        return None
    return next(group.cwt for group in kind.groups if group.id == claim.group)


def _allowed(use: RegisteredUse, kind: CredentialType) -> frozenset[int] | None:
    """The groups that may be asked for; ``None`` if no document of the kind may be."""
    want = next((each for each in use.wants if each.vct == kind.vct_int), None)
    return None if want is None else frozenset((*want.required, *want.optional))


def _all(use: RegisteredUse, kind: CredentialType) -> frozenset[int]:
    return _allowed(use, kind) or frozenset()


def _necessary(use: RegisteredUse, kind: CredentialType) -> frozenset[int]:
    return frozenset(number for each in use.wants if each.vct == kind.vct_int for number in each.required)


def _said(path: ClaimPath) -> str:
    return "/".join("*" if part is None else str(part) for part in path)


def _distinct(labels: Iterable[Text]) -> tuple[Text, ...]:
    return tuple(dict.fromkeys(labels))
