"""Whom to believe, flattened for a page that checks by itself: artefact ``application/vnd.muniment.keys+json`` (security rule S17).

``{"version": 1, "floor": int, "issuers": [{"iss", "name", "kid": text | null, "x5c", "key": JWK, "vcts": [vct, …] | null, "not_before",
"not_after", "state", "ended_at": int | null}], "self": {"entity", "name", "kid", "key": JWK}}``. Only a page reads it, and only from the
verifier of its own organisation, whose signature is pinned there; Python asks anchors and snapshots instead (``policy``), and never this.

One entry for each certificate of a key below an anchor. ``x5c`` is the SHA-256 of its chain, the DER bytes one after another, as documents
and lists carry it: what brings certificates is by an entry of this chain or by nobody. What brings only a name is by the entry of this
``kid``, which is null in all but the one that lasts longest. The dates are those within which the whole chain is in force.

``state`` is "active"; "verify-only" for a retired key until ``ended_at``; "ended" once that has passed; "compromised" for a key that proves
nothing, because somebody else may have it; "withdrawn" where only this certificate of it was. A reader refuses the last two as
``certificate_revoked`` and a key from ``ended_at`` on, or outside its dates, as ``untrusted``, whatever ``state`` was when the pack was made.
An issuer whom superiors in a federation let say a type has one entry for each time that they do, dates and type as they say, with the
``kid``; its ``x5c`` is that key's own thumbprint, which no chain has: of its documents only those that bring a key's name can be read by a
page. ``said_from`` is there then, when that right began, or one before it without a gap: what was made before it is refused as ``not_entitled``, whenever it is shown. A right
with limits inside the type is left out, as pages do not know them.
A key that is over in one entry is so in all of its entity, under whichever anchor; a certificate withdrawn is that one alone. ``floor`` is
the date of the newest snapshot: the time cannot be before it (S18).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

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
from .snapshot import KeyHistory, KeyState

_ANY = "urn:any"


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
    issuers += _federated(policy, at)
    return strict_json.dumps({"version": 1, "floor": floor, "issuers": issuers, "self": _self(own)})


def _federated(policy: Policy, at: int) -> Iterator[Mapping[str, Any]]:
    """The keys of issuers that federations carry; what cannot be decided now is left out."""
    for entity in policy.federation.entities:
        try:
            chains = policy.federation.chains(entity, at)
        except VcError:
            continue
        for carried in chains:
            for key in carried.published_keys(Role.CREDENTIAL_ISSUER):
                yield from _entries(policy, carried, key, at)


def _entries(policy: Policy, carried: Carried, key: Key, at: int) -> Iterator[Mapping[str, Any]]:
    entity = carried.chain.subject
    state, ended_at = _state(policy.ended(key, entity, carried), at)
    try:
        carried.check_key(key, Role.CREDENTIAL_ISSUER, at)
        policy.check_withdrawn(Role.CREDENTIAL_ISSUER, (), entity, at)
    except (Rejected, Undecided):
        if state not in {"compromised", "ended"}:
            return
    whole = [each for each in carried.chain.entitlements if each.jurisdiction is None and each.attestation_basis is None]
    for each in whole:
        yield {
            "iss": entity,
            "name": carried.name,
            "kid": base64url.encode(key.kid),
            "x5c": key.name,
            "key": render_jwk(key.public),
            "vcts": [each.vct],
            "not_before": each.since,
            "said_from": _begun(each, whole),
            "not_after": min(carried.until, carried.until if each.until is None else each.until) - 1,
            "state": state,
            "ended_at": ended_at,
        }


def _begun(right: Entitlement, others: Sequence[Entitlement]) -> int:
    """When it began, with those before it that it follows without a gap."""
    since = right.since
    for each in sorted(others, key=lambda one: one.since, reverse=True):
        if each.vct == right.vct and each.since < since and (each.until is None or each.until >= since):
            since = each.since
    return since


def _self(own: Own) -> dict[str, Any]:
    return {"entity": own.entity, "name": own.name, "kid": _kid(own.public), "key": render_jwk(own.public)}


def _issuer(policy: Policy, one: Chain, named: bool, at: int) -> Mapping[str, Any] | None:
    state, ended_at = _state(policy.fate(one.leaf), at)
    alone = replace(policy, anchors=TrustAnchors(anchors=(replace(one.anchor, vcts=None),)), federation=Federation())
    try:
        alone.check_issuer(one.chain, one.entity, _ANY, at)
    except CertificateRevoked:
        return _entry(one, named, *((state, ended_at) if state == "compromised" else ("withdrawn", at)))
    except Rejected:
        return _entry(one, named, state, ended_at) if state == "ended" else None
    except Undecided:
        return _entry(one, named, state, ended_at) if state in {"compromised", "ended"} else None
    return _entry(one, named, state, ended_at)


def _state(fate: KeyHistory | None, at: int) -> tuple[str, int | None]:
    if fate is None or fate.ends_at is None:
        return "active", None
    if fate.state is KeyState.COMPROMISED:
        return "compromised", fate.ends_at
    if fate.state is KeyState.ENDED or at >= fate.ends_at:
        return "ended", min(at, fate.ends_at)
    return "verify-only", fate.ends_at


def _entry(one: Chain, named: bool, state: str, ended_at: int | None) -> Mapping[str, Any]:
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
    }


def _kid(public: PublicKey) -> str:
    return base64url.encode(kid_of(public))
