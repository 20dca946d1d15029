"""Whose the keys are that bodies below this office name: one key, one body (security rule S1), and what is proved beats what is only named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any, Final

from issuer.federation.own import entity_of
from issuer.federation.terms import DEFAULT_KINDS, parse_terms
from issuer.office import Office
from issuer.records import subordinates
from issuer.records.roll import Event
from issuer.records.subordinates import State, Subordinate
from issuer.sessions import Actor
from shared.codec import base64url, strict_json
from shared.cose import thumbprint
from shared.errors import Conflict
from shared.keys import PublicKey, Role
from shared.storage import Tx
from shared.trust.constraints import parse_constraints
from shared.trust.federation_keys import FederationKey, parse_jwks, render_jwks
from shared.trust.key_proofs import ROLES, compromised_keys, key_ends, proven, proven_federation_keys
from shared.trust.snapshot import KeyHistory, KeyState
from shared.trust.statements import EntityStatement
from shared.web import own_trust

DOCUMENTS: Final = {kind: role for kind, role in ROLES.items() if role is not Role.FEDERATION}
"""The role of the keys in the metadata of each entity type, but those of federations."""
FOLLOWED, OUTPROVED, REPORTED = "followed", "outproved", "reported"


def read_keys(text: str) -> tuple[FederationKey, ...]:
    """The keys of a row; none where there are none yet."""
    return parse_jwks({"jwks": strict_json.load_object(text)}) if text else ()


def render_keys(keys: Iterable[FederationKey]) -> str:
    """What ``read_keys`` reads back."""
    return strict_json.dumps(render_jwks(keys)).decode()


def name_of(public: PublicKey) -> str:
    """Under which the keys below are kept: the thumbprint (RFC 9679)."""
    return base64url.encode(thumbprint(public))


def names_of(keys: Iterable[FederationKey]) -> set[str]:
    return {name_of(each.public) for each in keys}


async def own_names(office: Office) -> set[str]:
    """Of the keys of this office itself, with which it speaks in federations and signs documents, those before among them."""
    await entity_of(office).key()
    return {each.thumbprint for each in await office.storage.read(own_trust.keys)}


async def check_apart(tx: Tx, entity: str, keys: Iterable[FederationKey], own: AbstractSet[str]) -> None:
    """``Conflict`` unless these keys, which ``entity`` proves, can be its federation keys: whoever has another's could speak for it."""
    known, sure = {each.thumbprint: each for each in await subordinates.keys(tx)}, await subordinates.proven_keys(tx)
    others = [each for each in await subordinates.everybody(tx) if each.entity != entity]
    taken = own | {name for each in others for name in names_of(read_keys(each.wanted_keys or ""))}
    for name in names_of(keys):
        before = known.get(name)
        if before is not None and before.entity != entity and name not in sure:
            before = None  # whoever named it never proved it
        if before is not None and (before.entity != entity or before.role is not Role.FEDERATION or before.state is not KeyState.ACTIVE):
            raise Conflict("one of these keys is another body's, has another use, or has ended", where="/jwks")
        if name in taken:
            raise Conflict("one of these keys is another body's", where="/jwks")


async def approved(tx: Tx, entity: str, keys: Iterable[FederationKey], *, at: int) -> None:
    """The federation keys with which ``entity`` joined count from now on, instead of those before. Errors as ``subordinates.note_keys``."""
    own = [KeyHistory.of(each.public, role=Role.FEDERATION, entity=entity, since=at) for each in keys]
    await _note(tx, entity, own, [Role.FEDERATION], {each.thumbprint for each in own}, at=at)


async def heard(tx: Tx, body: Subordinate, said: EntityStatement, own: AbstractSet[str], *, at: int) -> Subordinate:
    """What ``said``, by a federation key that is known, names from now on: keys of documents, and the body's next federation keys.

    Of federation keys those that prove themselves follow by themselves, and those that it names no longer are dropped; the others that it
    names are left out. ``Malformed`` where a key cannot be read; ``Conflict`` for a key of this office, and as ``subordinates.note_keys``.
    """
    found, sure = [], set[str]()
    for kind, keys, members in _documents(body, said):
        ends = key_ends(members, keys)
        found += [_history(each, DOCUMENTS[kind], body.entity, said.iat, ends.get(each.kid)) for each in keys]
        sure |= names_of(proven(body.entity, kind, keys, members, at=at))
    before = after = read_keys(body.keys)
    roles = _roles(body)
    if body.state is State.ACTIVE:
        after = _following(before, said, at)
        found += [KeyHistory.of(each.public, role=Role.FEDERATION, entity=body.entity, since=said.iat) for each in after]
        sure |= names_of(after)
        roles.append(Role.FEDERATION)
    if any(each.thumbprint in own for each in found):
        raise Conflict("one of these keys is this office's own")
    await _note(tx, body.entity, found, roles, sure, at=at)
    for kind, role in ROLES.items():
        if await subordinates.report_keys(tx, body.entity, role, compromised_keys(said.metadata.get(kind, {})), at=at):
            await subordinates.note(tx, body.entity, Event(at=at, kind=REPORTED, actor=Actor(role="service", name=body.entity)))
    if names_of(after) == names_of(before):
        return body
    followed = Event(at=at, kind=FOLLOWED, actor=Actor(role="service", name=body.entity))
    return await subordinates.ROLL.change(tx, replace(body, keys=render_keys(after)), followed, before=body)


def _history(key: FederationKey, role: Role, entity: str, since: int, end: int | None) -> KeyHistory:
    """Of a key that a body names; it signs no more from ``end`` on."""
    new = KeyHistory.of(key.public, role=role, entity=entity, since=since)
    return new if end is None else replace(new, state=KeyState.VERIFY_ONLY, until=end, reason="superseded")


def _documents(body: Subordinate, said: EntityStatement) -> Iterator[tuple[str, tuple[FederationKey, ...], Mapping[str, Any]]]:
    """The keys of documents, questions and wallets that a body names, in so far as it may be of that type."""
    limits = parse_constraints(parse_terms(body.terms).limits)
    for kind, members in limits.filter_types(said.metadata).items():
        if kind in DOCUMENTS and "jwks" in members:
            yield kind, parse_jwks(members, f"/metadata/{kind}"), members


def _roles(body: Subordinate) -> list[Role]:
    """The uses of keys that end where they are named no longer. Of kinds on which nobody has decided, what was known before stays."""
    decided = "allowed_entity_types" in (parse_terms(body.terms).constraints or {})
    return [role for kind, role in DOCUMENTS.items() if decided or kind in DEFAULT_KINDS]


def _following(known: Sequence[FederationKey], said: EntityStatement, at: int) -> tuple[FederationKey, ...]:
    sure = proven_federation_keys(said, at=at)
    return tuple(each for each in said.keys if each in sure or each in known)


async def _note(tx: Tx, entity: str, found: Iterable[KeyHistory], roles: Iterable[Role], sure: AbstractSet[str], *, at: int) -> None:
    for other in sorted(await subordinates.note_keys(tx, entity, found, roles, proven=sure, at=at)):
        await subordinates.note(tx, other, Event(at=at, kind=OUTPROVED, actor=Actor(role="service", name=entity)))
