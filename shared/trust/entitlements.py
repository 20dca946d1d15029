"""What a superior lets those below it say: critical claims of its statements about them (security rule S14).

``entitlements`` is what the subject itself may say, ``accredits`` for which types it may entitle others in turn; ``may_register`` is in which
countries it may register those who ask for documents, ``accredits_registrars`` in which it may make others registrars. Times are seconds
since the epoch, ``until`` is the first one that no longer counts. What has ended stays in the statement with its end, for facts made before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

from ..codec.reader import get_int, get_objects, get_str, get_strings, pointer
from ..errors import Malformed

ENTITLEMENTS, ACCREDITS = "entitlements", "accredits"
MAY_REGISTER, ACCREDITS_REGISTRARS = "may_register", "accredits_registrars"
CLAIMS: Final = frozenset({ENTITLEMENTS, ACCREDITS, MAY_REGISTER, ACCREDITS_REGISTRARS})
MAX_ENTRIES: Final = 64
_KNOWN: Final = frozenset({"vct", "from", "until", "jurisdiction", "attestation_basis"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entitlement:
    """One type of document, from ``since`` on and before ``until``. Where ``jurisdiction`` or ``attestation_basis`` is ``None`` it is not limited."""

    vct: str
    since: int
    until: int | None = None
    jurisdiction: tuple[str, ...] | None = None
    attestation_basis: tuple[str, ...] | None = None

    def covers(self, at: int) -> bool:
        """Whether a fact made at that second is within it."""
        return self.since <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """All that one statement grants. Silence grants nothing."""

    entitlements: tuple[Entitlement, ...] = ()
    accredits: tuple[Entitlement, ...] = ()
    may_register: tuple[str, ...] = ()
    accredits_registrars: tuple[str, ...] = ()

    def narrowed(self, above: Grants) -> Grants:
        """What is left of it where the superior itself was only given ``above``."""
        return Grants(
            entitlements=narrow(self.entitlements, above.accredits),
            accredits=self.accredits,
            may_register=tuple(each for each in self.may_register if each in above.accredits_registrars),
            accredits_registrars=self.accredits_registrars,
        )

    def within(self, vcts: Collection[str] | None) -> Grants:
        """Only those types, if any are named."""
        if vcts is None or all(each.vct in vcts for each in self.entitlements):
            return self
        return replace(self, entitlements=tuple(each for each in self.entitlements if each.vct in vcts))


def narrow(granted: Sequence[Entitlement], accredited: Sequence[Entitlement]) -> tuple[Entitlement, ...]:
    """Each grant in so far as whoever made it was accredited for that type at that time, for those jurisdictions, on that basis."""
    both = [_both(each, frame) for each in granted for frame in accredited if frame.vct == each.vct]
    return tuple(each for each in both if (each.until is None or each.since < each.until) and () not in _limits(each))


def _limits(each: Entitlement) -> tuple[tuple[str, ...] | None, ...]:
    return each.jurisdiction, each.attestation_basis


def _both(one: Entitlement, frame: Entitlement) -> Entitlement:
    ends = [each for each in (one.until, frame.until) if each is not None]
    return Entitlement(
        vct=one.vct,
        since=max(one.since, frame.since),
        until=min(ends, default=None),
        jurisdiction=_common(one.jurisdiction, frame.jurisdiction),
        attestation_basis=_common(one.attestation_basis, frame.attestation_basis),
    )


def _common(one: tuple[str, ...] | None, frame: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """What both allow; nothing said is no limit, and an empty one allows nothing."""
    if one is None or frame is None:
        return frame if one is None else one
    return tuple(each for each in one if each in frame)


def parse_grants(claims: Mapping[str, Any]) -> Grants:
    """The four claims of a statement, any of which may be absent. ``Malformed`` or ``TooLarge`` with a pointer; members that are not known
    are refused, as they might narrow.
    """
    return Grants(
        entitlements=_parse_list(claims, ENTITLEMENTS),
        accredits=_check_apart(_parse_list(claims, ACCREDITS)),
        may_register=get_strings(claims, MAY_REGISTER, optional=True, min_items=1, max_items=MAX_ENTRIES) or (),
        accredits_registrars=get_strings(claims, ACCREDITS_REGISTRARS, optional=True, min_items=1, max_items=MAX_ENTRIES) or (),
    )


def _parse_list(claims: Mapping[str, Any], name: str) -> tuple[Entitlement, ...]:
    entries = get_objects(claims, name, optional=True, min_items=1, max_items=MAX_ENTRIES) or ()
    return tuple(_parse_entry(each, pointer(pointer("", name), index)) for index, each in enumerate(entries))


def _parse_entry(obj: Mapping[str, Any], where: str) -> Entitlement:
    if not _KNOWN.issuperset(obj):
        raise Malformed("this entry says something that is not understood here", where=where)
    since, until = get_int(obj, "from", where), get_int(obj, "until", where, optional=True)
    if until is not None and until <= since:
        raise Malformed("it ends before it begins", where=pointer(where, "until"))
    return Entitlement(
        vct=get_str(obj, "vct", where),
        since=since,
        until=until,
        jurisdiction=get_strings(obj, "jurisdiction", where, optional=True, min_items=1, max_items=MAX_ENTRIES),
        attestation_basis=get_strings(obj, "attestation_basis", where, optional=True, min_items=1, max_items=MAX_ENTRIES),
    )


def _check_apart(entries: tuple[Entitlement, ...]) -> tuple[Entitlement, ...]:
    """Times of one type that overlap would multiply from level to level."""
    ordered = sorted(entries, key=lambda each: (each.vct, each.since))
    for before, after in pairwise(ordered):
        if before.vct == after.vct and (before.until is None or before.until > after.since):
            raise Malformed("one type is accredited twice at the same time", where=pointer("", ACCREDITS))
    return entries


def render_grants(grants: Grants) -> dict[str, Any]:
    """The claims that ``parse_grants`` reads back to the same value, and ``crit``, which names them; nothing if nothing is granted."""
    claims: dict[str, Any] = {
        ENTITLEMENTS: [_render_entry(each) for each in grants.entitlements],
        ACCREDITS: [_render_entry(each) for each in grants.accredits],
        MAY_REGISTER: list(grants.may_register),
        ACCREDITS_REGISTRARS: list(grants.accredits_registrars),
    }
    said = {name: value for name, value in claims.items() if value}
    return {**said, "crit": list(said)} if said else {}


def _render_entry(each: Entitlement) -> dict[str, Any]:
    limits = {"jurisdiction": each.jurisdiction, "attestation_basis": each.attestation_basis}
    return {
        "vct": each.vct,
        "from": each.since,
        **({} if each.until is None else {"until": each.until}),
        **{name: list(texts) for name, texts in limits.items() if texts is not None},
    }
