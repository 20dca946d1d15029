"""What a superior grants a body below it, and under which conditions: the part of a subordinate statement that people decide on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from shared.clock import floor_day
from shared.codec import strict_json
from shared.codec.reader import get_object, get_strings
from shared.errors import Malformed
from shared.trust.constraints import parse_constraints
from shared.trust.entitlements import CLAIMS, MAX_ENTRIES, Entitlement, Grants, parse_grants, render_grants
from shared.trust.metadata_policy import parse_policy

MAX_BYTES: Final = 32_000  # of all terms of one body: its statement has to stay below 64 kB
MAX_MARKS: Final = 16
DEFAULT_KINDS: Final = ("openid_credential_issuer", "openid_credential_verifier")
"""What a body may be, and those below it, where nobody decided on its entity types: a maker of wallets only by name."""
_KNOWN: Final = CLAIMS | {"constraints", "metadata_policy", "trust_marks"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """``grants`` are what it may say, accredit and register; ``constraints`` and ``policy`` in the form in which they are sent;
    ``trust_marks`` the types of marks that it is given.
    """

    grants: Grants = field(default_factory=Grants)
    constraints: Mapping[str, Any] | None = None
    policy: Mapping[str, Any] | None = None
    trust_marks: tuple[str, ...] = ()

    @property
    def limits(self) -> Mapping[str, Any]:
        """The constraints as they are published: with the entity types in any case (security rule S14)."""
        return {"allowed_entity_types": list(DEFAULT_KINDS), **(self.constraints or {})}

    def replacing(self, before: Terms, at: int, *, proposed_at: int | None = None) -> Terms:
        """These instead of ``before``: what is no longer granted, or within other limits, stays with its end, for documents that were made
        before it (S14). What was to begin on the day of ``proposed_at`` or later begins on the day of ``at`` at the earliest.
        """
        then = at if proposed_at is None else proposed_at
        grants = replace(
            self.grants,
            entitlements=_replaced(self.grants.entitlements, before.grants.entitlements, at, then),
            accredits=_replaced(self.grants.accredits, before.grants.accredits, at, then, apart=True),
        )
        return replace(self, grants=grants)

    def ended(self, at: int) -> Terms:
        """Nothing is granted from ``at`` on; what was said before it stands."""
        return Terms(constraints=self.constraints, policy=self.policy).replacing(self, at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a person chooses of terms: types, countries and marks, and when all of it ends."""

    says: Sequence[str] = ()
    accredits: Sequence[str] = ()
    registers: Sequence[str] = ()
    marks: Sequence[str] = ()
    until: int | None = None

    def terms(self, before: Terms, at: int) -> Terms:
        """These, beside the constraints and the policy of ``before``; what is granted already keeps its beginning.

        Errors as ``parse_terms``.
        """
        grants = Grants(
            entitlements=_granted(self.says, before.grants.entitlements, at, self.until),
            accredits=_granted(self.accredits, before.grants.accredits, at, self.until),
            may_register=tuple(dict.fromkeys(self.registers)),
            accredits_registrars=before.grants.accredits_registrars,
        )
        marks = tuple(dict.fromkeys(self.marks))
        return parse_terms(render_terms(replace(before, grants=grants, trust_marks=marks)))


def _granted(vcts: Sequence[str], held: Sequence[Entitlement], at: int, until: int | None) -> tuple[Entitlement, ...]:
    running = {each.vct: each for each in held if not is_over(each, at)}
    today = floor_day(at)  # copies tell no more of when they were made than the day
    return tuple(replace(running.get(vct, Entitlement(vct=vct, since=today)), until=until) for vct in dict.fromkeys(vcts))


def but_end(each: Entitlement) -> Entitlement:
    """What it is, whenever it ends: of two that differ in this, the one does not go on as the other."""
    return replace(each, until=None)


def is_over(each: Entitlement, at: int) -> bool:
    return each.until is not None and each.until <= at


def _replaced(
    now: Sequence[Entitlement], before: Sequence[Entitlement], at: int, proposed_at: int, *, apart: bool = False
) -> tuple[Entitlement, ...]:
    """``now`` with what goes; ``apart``: times of one type do not overlap."""
    held, known = {but_end(each): each for each in before}, {(each.vct, each.since) for each in before}
    begun = [_begun(each, held.get(but_end(each)), (each.vct, each.since) in known, at, proposed_at) for each in now]
    staying = {but_end(each) for each in begun}
    gone = [each for each in before if but_end(each) not in staying and each.since < at]
    gone = [each if is_over(each, at) else replace(each, until=at) for each in gone]
    if apart:
        begun = [_after(each, gone) if but_end(each) not in held else each for each in begun]
    found = (*(each for each in begun if each.until is None or each.since < each.until), *gone)
    if len(found) > MAX_ENTRIES:
        raise Malformed(f"what ended stays: at most {MAX_ENTRIES} entries", where="/entitlements")
    return found


def _begun(each: Entitlement, held: Entitlement | None, known: bool, at: int, proposed_at: int) -> Entitlement:
    """What goes on ends now at the earliest; what was not granted so before does not reach back behind the day of ``at``, unless two persons
    named an earlier day.
    """
    if held is not None and not is_over(held, at):
        return replace(each, until=at) if is_over(each, at) else each
    if (held is not None and held.until == each.until) or not (known or each.since >= floor_day(proposed_at)):
        return each
    return replace(each, since=max(each.since, floor_day(at)))


def _after(each: Entitlement, gone: Sequence[Entitlement]) -> Entitlement:
    return replace(each, since=max([each.since, *(one.until or 0 for one in gone if one.vct == each.vct)]))


def parse_terms(data: bytes | str, where: str = "") -> Terms:
    """``{"entitlements"?, "accredits"?, "may_register"?, "accredits_registrars"?, "constraints"?, "metadata_policy"?, "trust_marks"?}``.

    ``Malformed``, ``TooLarge`` or ``PolicyError`` with a pointer, also for members that nobody knows.
    """
    obj = strict_json.load_object(data.encode() if isinstance(data, str) else data, max_bytes=MAX_BYTES, where=where)
    if unknown := obj.keys() - _KNOWN:
        raise Malformed("nobody knows this member", where=f"{where}/{min(unknown)}")
    constraints, policy = get_object(obj, "constraints", optional=True), get_object(obj, "metadata_policy", optional=True)
    parse_constraints(constraints or {}, "/constraints")
    parse_policy(policy or {}, "/metadata_policy")
    return Terms(
        grants=parse_grants(obj),
        constraints=constraints or None,
        policy=policy or None,
        trust_marks=tuple(dict.fromkeys(get_strings(obj, "trust_marks", optional=True, max_items=MAX_MARKS) or ())),
    )


def render_terms(terms: Terms) -> str:
    """What ``parse_terms`` reads back to the same value."""
    said = {"constraints": terms.constraints, "metadata_policy": terms.policy, "trust_marks": list(terms.trust_marks) or None}
    grants = {name: value for name, value in render_grants(terms.grants).items() if name != "crit"}
    return strict_json.dumps({**grants, **{name: value for name, value in said.items() if value is not None}}).decode()
