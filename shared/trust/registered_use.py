"""What an organisation may ask for and why, as it was registered: the map inside a certificate (docs/ovp.md section 5.1), and what widened.

Words are in English and Welsh. What a registration should say and this one does not is named (domain sheet C23), never made up.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..codec import cbor
from ..codec.reader import pointer
from ..cose import parse_cose_key, render_cose_key
from ..cose.members import Members, array, as_array, as_map, as_uint, text, uint
from ..credentials import Text
from ..errors import Malformed
from ..inbox import Inbox, check_key
from ..jose.jwk import parse_public_jwk, render_jwk

_MAX_GROUPS = 64
_MAX_GROUP = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """What is asked of one kind of document: numbers of the type (``vct_int``) and of its groups (``Group.cwt``)."""

    vct: int
    required: tuple[int, ...]
    optional: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredUse:
    """One purpose as it was registered: what a wallet shows, and the most that may be asked for it.

    ``benefit`` says what good the asking does and ``could_stop`` why it cannot end; ``authority`` names who supervises the organisation,
    ``authority_contact`` how to reach it; ``evidence`` is the address of what was measured. ``inbox`` takes copies for this use alone.
    """

    id: str
    title: Text
    purpose: Text
    wants: tuple[Want, ...]
    retention_days: int | None = None
    privacy_policy: str | None = None  # URL
    contact: str | None = None
    benefit: Text | None = None
    could_stop: Text | None = None
    authority: Text | None = None
    authority_contact: str | None = None
    support: str | None = None  # URL
    evidence: str | None = None  # URL
    inbox: Inbox | None = None

    def lacks(self) -> tuple[str, ...]:
        """What a registration should say and this one does not, by the names of its members (domain sheet C23)."""
        return tuple(name for name in _ARGUED if getattr(self, name) is None)


_ARGUED = ("retention_days", "privacy_policy", "contact", "benefit", "could_stop", "authority", "authority_contact", "support", "evidence")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registrar:
    """Who registers the organisation: its identifier, its name, and where its whole register lies, if anywhere."""

    entity: str
    name: Text
    address: str | None = None  # URL


@dataclass(frozen=True, slots=True, kw_only=True)
class Widening:
    """By how much one registration is wider than another. Groups are pairs of the type's number and the group's."""

    new: tuple[tuple[int, int], ...] = ()
    demanded: tuple[tuple[int, int], ...] = ()  # could be left out before
    keeps_longer: bool = False

    def __bool__(self) -> bool:
        return bool(self.new or self.demanded or self.keeps_longer)


def widening(before: RegisteredUse, now: RegisteredUse) -> Widening:
    """What ``now`` may ask, demand or keep that ``before`` could not. Who says nothing of keeping may keep for ever."""
    had, must = _asked(before.wants), _demanded(before.wants)
    kept = math.inf if before.retention_days is None else before.retention_days
    return Widening(
        new=tuple(sorted(_asked(now.wants) - had)),
        demanded=tuple(sorted((_demanded(now.wants) - must) & had)),
        keeps_longer=(math.inf if now.retention_days is None else now.retention_days) > kept,
    )


def _asked(wants: Iterable[Want]) -> set[tuple[int, int]]:
    return {(want.vct, group) for want in wants for group in (*want.required, *want.optional)}


def _demanded(wants: Iterable[Want]) -> set[tuple[int, int]]:
    return {(want.vct, group) for want in wants for group in want.required}


def render_use(use: RegisteredUse) -> dict[int, Any]:
    """The map of one registered use."""
    members: dict[int, Any] = {
        1: use.id,
        2: render_words(use.title),
        3: render_words(use.purpose),
        4: render_wants(use.wants),
        5: use.retention_days,
        6: use.privacy_policy,
        7: use.contact,
        8: None if use.benefit is None else render_words(use.benefit),
        9: None if use.could_stop is None else render_words(use.could_stop),
        10: None if use.authority is None else render_words(use.authority),
        11: use.authority_contact,
        12: use.support,
        13: use.evidence,
        14: None if use.inbox is None else render_inbox(use.inbox),
    }
    return {key: value for key, value in members.items() if value is not None}


def read_use(value: object, where: str) -> RegisteredUse:
    members = as_map(value, where, needed=(1, 2, 3, 4), optional=range(5, 15))
    return RegisteredUse(
        id=text(members, 1, where, max_length=200),
        title=read_words(members[2], pointer(where, 2), 200),
        purpose=read_words(members[3], pointer(where, 3), 1_000),
        wants=read_wants(members, 4, where),
        retention_days=uint(members, 5, where, maximum=36_525) if 5 in members else None,
        privacy_policy=_address(members, 6, where),
        contact=text(members, 7, where, max_length=1_000) if 7 in members else None,
        benefit=read_words(members[8], pointer(where, 8), 1_000) if 8 in members else None,
        could_stop=read_words(members[9], pointer(where, 9), 1_000) if 9 in members else None,
        authority=read_words(members[10], pointer(where, 10), 200) if 10 in members else None,
        authority_contact=text(members, 11, where, max_length=1_000) if 11 in members else None,
        support=_address(members, 12, where),
        evidence=_address(members, 13, where),
        inbox=read_inbox(members[14], pointer(where, 14)) if 14 in members else None,
    )


def _address(members: Members, key: int, where: str) -> str | None:
    return _needed_address(members, key, where) if key in members else None


def _needed_address(members: Members, key: int, where: str) -> str:
    address = text(members, key, where, max_length=2_000)
    if not address.startswith(("https://", "http://")):
        raise Malformed("an address is demanded here", where=pointer(where, key))
    return address


def render_inbox(inbox: Inbox) -> dict[int, Any]:
    """``{1: address, 2: COSE_Key}``"""
    return {1: inbox.url, 2: render_cose_key(parse_public_jwk(check_key(inbox.key)))}


def read_inbox(value: object, where: str) -> Inbox:
    """The inverse; ``Malformed`` also for a key that nothing can be sealed for."""
    members = as_map(value, where, needed=(1, 2))
    address, key = _needed_address(members, 1, where), pointer(where, 2)
    if "#" in address:
        raise Malformed("an address here has no fragment", where=pointer(where, 1))
    public = parse_cose_key(members[2], key)
    if public.alg != "ES256":
        raise Malformed("letters are sealed for keys on P-256", where=key)
    return Inbox(address, render_jwk(public))


def render_registrar(registrar: Registrar) -> dict[int, Any]:
    members = {1: registrar.entity, 2: render_words(registrar.name)}
    return members if registrar.address is None else members | {3: registrar.address}


def read_registrar(value: object, where: str) -> Registrar:
    members = as_map(value, where, needed=(1, 2), optional=(3,))
    return Registrar(
        entity=text(members, 1, where),
        name=read_words(members[2], pointer(where, 2), 200),
        address=_address(members, 3, where),
    )


def render_uses(uses: Iterable[RegisteredUse]) -> bytes:
    """Several uses as one item, to be kept."""
    return cbor.dumps([render_use(use) for use in uses], canonical=True)


def parse_uses(data: bytes) -> tuple[RegisteredUse, ...]:
    """The inverse."""
    return tuple(read_use(each, f"/{index}") for index, each in enumerate(as_array(cbor.loads(data))))


def render_wants(wants: Iterable[Want]) -> list[list[Any]]:
    """``[+ [vct, [* group], [* optional group]]]``"""
    return [[want.vct, list(want.required), list(want.optional)] for want in wants]


def read_wants(members: Members, key: int, where: str = "") -> tuple[Want, ...]:
    """The inverse. ``Malformed`` for a kind of document or a group that is there twice."""
    items = array(members, key, where, min_items=1, max_items=16)
    wants = tuple(_read_want(each, f"{where}/{key}/{index}") for index, each in enumerate(items))
    if len({want.vct for want in wants}) != len(wants):
        raise Malformed("one kind of document is there twice", where=pointer(where, key))
    return wants


def _read_want(value: object, where: str) -> Want:
    vct, required, optional = as_array(value, where, min_items=3, max_items=3)
    want = Want(vct=as_uint(vct, f"{where}/0"), required=_groups(required, f"{where}/1"), optional=_groups(optional, f"{where}/2"))
    if len({*want.required, *want.optional}) != len(want.required) + len(want.optional):
        raise Malformed("one group is there twice", where=where)
    return want


def _groups(value: object, where: str) -> tuple[int, ...]:
    items = as_array(value, where, max_items=_MAX_GROUPS)
    return tuple(as_uint(each, f"{where}/{index}", minimum=1, maximum=_MAX_GROUP) for index, each in enumerate(items))


def render_words(words: Text) -> dict[str, str]:
    return {"en": words.en, "cy": words.cy}


def read_words(value: object, where: str, max_length: int) -> Text:
    members = as_map(value, where, needed=("en", "cy"))
    return Text(text(members, "en", where, max_length=max_length), text(members, "cy", where, max_length=max_length))
