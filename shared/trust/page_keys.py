"""Whom to believe, flattened for a page that checks by itself: artefact ``application/vnd.muniment.keys+json`` (security rule S17).

``{"version": 2, "floor": int, "issuers": [{"iss", "name", "kid": text | null, "x5c": text | null, "key": JWK, "vcts": [vct, …] | null,
"not_before", "not_after", "state", "ended_at": int | null, "federated": bool, "rights"?, "stale_at"?}], "successions": […], "self": {"entity",
"name", "kid", "key": JWK}}``. Only a page reads it, and only from the verifier of its own organisation, whose signature is pinned there; Python
asks anchors and snapshots instead (``policy``), and never this. Pages read version 1 too: it has no successions, and of each right of a federation
an entry with ``said_from``.

One entry for each certificate of a key below an anchor. ``x5c`` is the SHA-256 of its chain, the DER bytes one after another, as documents
and lists carry it. What brings only a name is by the entry of this ``kid``, which is null in all but the one that lasts longest. The dates are
those within which the whole chain is in force. ``federated``: superiors in a federation speak of ``iss``.

``state`` is "active"; "verify-only" for a retired key until ``ended_at``; "ended" once that has passed; "compromised" for a key that proves
nothing, because somebody else may have it; "withdrawn" where only this certificate of it was. A reader refuses the last two as
``certificate_revoked`` and a key from ``ended_at`` on, or outside its dates, as ``untrusted``, whatever ``state`` was when the pack was made.
A key that is over in one of these entries is so in all of its entity, under whichever anchor; a certificate withdrawn is that one alone.

Of an issuer that federations carry there is one entry for each of its keys on each way down to it, with ``rights`` and without ``x5c``: what brings
certificates that no anchor carries is by the entry whose key is that of the first of them, as ``policy`` has it, and what a right says is judged as
``FederatedIssuer`` does. After ``not_after`` its chain has run out (``expired``), from ``stale_at`` on nobody can tell (``snapshot_stale``). A right is ``{"vct", "from", "until": int | null, "jurisdiction": [text, …] | null, "attestation_basis": [text, …] | null}``.

A succession is ``{"outgoing", "successor", "name": {"en", "cy"}, "from", "not_before", "not_after", "vcts": [vct, …] | null, "not_vcts": [vct, …],
"status_duty", "may_cancel"}``: who keeps the records of ``outgoing`` from ``from`` on, by what counts between the two other dates (``successors``), but for
kinds of document that cannot pass to that successor. ``floor`` is
the date of the newest snapshot: the time cannot be before it (S18).

Of all that federations say as much is here as there is room for, the smallest entries first: what is left out, pages refuse.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ..codec import base64url, strict_json
from ..cose import kid_of
from ..errors import CertificateRevoked, Rejected, Undecided, VcError
from ..jose.jwk import render_jwk
from ..keys import PublicKey, Role
from ..x509 import load_certificate
from .anchors import TrustAnchors
from .carried import Carried, Key
from .certificates import Chain, chains_of, every_chain
from .entitlements import Entitlement
from .federation import Federation
from .policy import Policy
from .snapshot import COPY_LIFE, KeyHistory, KeyState
from .statements import AHEAD

ROOM: Final = 8_000_000  # bytes of what federations say: an artefact may have 10 MB
_ANY = "urn:any"
Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """The organisation whose pages read this."""

    entity: str
    name: str
    public: PublicKey


def page_keys(policy: Policy, certificates: Iterable[bytes], own: Own, *, at: int, floor: int = 0) -> bytes:
    """Every issuer's key that ``policy`` can tell something about. What nobody vouches for, and what cannot be decided, is left out."""
    known, trusted = list(certificates), policy.anchors.with_role(Role.CREDENTIAL_ISSUER)
    named = chains_of(known, trusted)
    found = sorted(
        every_chain(known, trusted), key=lambda each: (trusted.index(each.anchor), each.entity, _kid(each.leaf.public), each.chain)
    )
    issuers = [
        entry
        for each in found
        if (entry := _issuer(policy, each, named[each.entity, kid_of(each.leaf.public)] == each.chain, at)) is not None
    ]
    successions, room = _fitting(_successions(policy.federation, at), ROOM)
    federated, _ = _fitting(_federated(policy, at), room)
    told = {"version": 2, "floor": floor, "issuers": [*issuers, *federated], "successions": successions, "self": _self(own)}
    return strict_json.dumps(told)


def _fitting(entries: Iterable[Entry], room: int) -> tuple[list[Entry], int]:
    """Those that fit into so many bytes, the smallest first, in their order; and what room is left."""
    sized = [(len(strict_json.dumps(each)), place, each) for place, each in enumerate(entries)]
    fitting = []
    for size, place, each in sorted(sized, key=lambda one: one[:2]):
        if size > room:
            break
        fitting.append((place, each))
        room -= size
    return [each for _, each in sorted(fitting, key=lambda one: one[0])], room


def _successions(federation: Federation, at: int) -> Iterator[Entry]:
    """All that count now, or will before the word that says so runs out."""
    for each, until in federation.successors.counting(at):
        name = federation.name(each.successor)
        yield {
            "outgoing": each.outgoing,
            "successor": each.successor,
            "name": {"en": name.en, "cy": name.cy},
            "from": each.since,
            "not_before": max(each.since, max(each.iat, each.accepted_at) - AHEAD),
            "not_after": until - 1,
            "vcts": None if each.vcts is None else list(each.vcts),
            "not_vcts": list(each.left_behind),
            "status_duty": each.status_duty,
            "may_cancel": each.may_cancel,
        }


def _federated(policy: Policy, at: int) -> Iterator[Entry]:
    """The keys of issuers that federations carry; what cannot be decided now is left out."""
    for entity in policy.federation.entities:
        try:
            chains = policy.federation.chains(entity, at)
        except VcError:
            continue
        for carried in chains:
            for key in carried.published_keys(Role.CREDENTIAL_ISSUER):
                entry = _carried(policy, carried, key, at)
                if entry is not None:
                    yield entry


def _carried(policy: Policy, carried: Carried, key: Key, at: int) -> Entry | None:
    entity = carried.chain.subject
    state, ended_at = _state(policy.ended(key, entity, carried), at)
    try:
        carried.check_key(key, Role.CREDENTIAL_ISSUER, at)
        policy.check_withdrawn(Role.CREDENTIAL_ISSUER, (), entity, at)
    except (Rejected, Undecided):
        if state not in {"compromised", "ended"}:
            return None
    return {
        "iss": entity,
        "name": carried.name,
        "kid": base64url.encode(key.kid),
        "x5c": None,
        "key": render_jwk(key.public),
        "vcts": None,
        "not_before": max(each.iat for each in carried.chain.statements) - AHEAD,
        "not_after": carried.until - 1,
        "stale_at": min(each.snapshot.next_update for each in carried.words),
        "state": state,
        "ended_at": ended_at,
        "federated": True,
        "rights": [_right(each) for each in carried.chain.entitlements if each.until is None or at < each.until + COPY_LIFE],
    }


def _right(each: Entitlement) -> Entry:
    return {
        "vct": each.vct,
        "from": each.since,
        "until": each.until,
        "jurisdiction": None if each.jurisdiction is None else list(each.jurisdiction),
        "attestation_basis": None if each.attestation_basis is None else list(each.attestation_basis),
    }


def _self(own: Own) -> Entry:
    return {"entity": own.entity, "name": own.name, "kid": _kid(own.public), "key": render_jwk(own.public)}


def _issuer(policy: Policy, one: Chain, named: bool, at: int) -> Entry | None:
    state, ended_at = _state(policy.fate(one.leaf), at)
    federated = policy.federation.knows(one.entity)
    alone = replace(policy, anchors=TrustAnchors(anchors=(replace(one.anchor, vcts=None),)), federation=Federation())
    try:
        alone.check_issuer(one.chain, one.entity, _ANY, at)
    except CertificateRevoked:
        return _entry(one, named, *((state, ended_at) if state == "compromised" else ("withdrawn", at)), federated=federated)
    except Rejected:
        return _entry(one, named, state, ended_at, federated=federated) if state == "ended" else None
    except Undecided:
        return _entry(one, named, state, ended_at, federated=federated) if state in {"compromised", "ended"} else None
    return _entry(one, named, state, ended_at, federated=federated)


def _state(fate: KeyHistory | None, at: int) -> tuple[str, int | None]:
    if fate is None or fate.ends_at is None:
        return "active", None
    if fate.state is KeyState.COMPROMISED:
        return "compromised", fate.ends_at
    if fate.state is KeyState.ENDED or at >= fate.ends_at:
        return "ended", min(at, fate.ends_at)
    return "verify-only", fate.ends_at


def _entry(one: Chain, named: bool, state: str, ended_at: int | None, *, federated: bool) -> Entry:
    whole = [one.anchor.certificate, *map(load_certificate, one.chain)]
    return {
        "iss": one.entity,
        "name": one.leaf.subject,
        "kid": _kid(one.leaf.public) if named else None,
        "x5c": base64url.encode(hashlib.sha256(b"".join(one.chain)).digest()),
        "key": render_jwk(one.leaf.public),
        "vcts": None if one.anchor.vcts is None else list(one.anchor.vcts),
        "not_before": max(each.not_before for each in whole),
        "not_after": min(each.not_after for each in whole),
        "state": state,
        "ended_at": ended_at,
        "federated": federated,
    }


def _kid(public: PublicKey) -> str:
    return base64url.encode(kid_of(public))
