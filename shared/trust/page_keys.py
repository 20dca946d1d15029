"""Whom to believe, flattened for a page that checks by itself: artefact ``application/vnd.muniment.keys+json`` (security rule S17).

``{"version": 1, "floor": int, "issuers": [{"iss", "name", "kid", "key": JWK, "vcts": [vct, …] | null, "not_before", "not_after", "state",
"ended_at": int | null}], "self": {"entity", "name", "kid", "key": JWK}}``. Only a page reads it, and only from the verifier of its own
organisation, whose signature is pinned there; Python asks anchors and snapshots instead (``policy``), and never this.

``state`` is "active"; "verify-only" for a retired key until ``ended_at``; "ended" once that has passed; "compromised" for a key that proves
nothing, because somebody else may have it; "withdrawn" where only this certificate of it was. A reader refuses the last two as
``certificate_revoked`` and a key from ``ended_at`` on, or outside its dates, as ``untrusted``, whatever ``state`` was when the pack was made.
A key that is over in one entry is so in all of its entity, under whichever anchor; a certificate withdrawn is that one alone. ``floor`` is
the date of the newest snapshot: the time cannot be before it (S18).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..codec import base64url, strict_json
from ..cose import kid_of
from ..errors import CertificateRevoked, Rejected, Undecided
from ..jose.jwk import render_jwk
from ..keys import PublicKey, Role
from ..x509 import Cert, load_certificate
from .anchors import Anchor, TrustAnchors
from .certificates import chains_of
from .policy import Policy
from .snapshot import KeyHistory, KeyState

_ANY = "urn:any"
_OVER = ("compromised", "ended")


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """The organisation whose pages read this."""

    entity: str
    name: str
    public: PublicKey


def page_keys(policy: Policy, certificates: Iterable[bytes], own: Own, *, at: int, floor: int = 0) -> bytes:
    """Every issuer's key that ``policy`` can tell something about. What nobody vouches for, and what cannot be decided, is left out."""
    issuers = [
        entry
        for anchor in policy.anchors.with_role(Role.CREDENTIAL_ISSUER)
        for (entity, _), chain in sorted(chains_of(certificates, policy.anchors.anchors).items())
        if (entry := _issuer(policy, anchor, entity, chain, at)) is not None
    ]
    return strict_json.dumps({"version": 1, "floor": floor, "issuers": issuers, "self": _self(own)})


def _self(own: Own) -> dict[str, Any]:
    return {"entity": own.entity, "name": own.name, "kid": _kid(own.public), "key": render_jwk(own.public)}


def _issuer(policy: Policy, anchor: Anchor, entity: str, chain: tuple[bytes, ...], at: int) -> Mapping[str, Any] | None:
    leaf = load_certificate(chain[0])
    fate = policy.fate(leaf)
    alone = replace(policy, anchors=TrustAnchors(anchors=(replace(anchor, vcts=None),)))
    try:
        alone.check_issuer(chain, entity, _ANY, at)
    except CertificateRevoked:
        state, ended_at = _state(fate, at)
        return _entry(anchor, entity, leaf, *((state, ended_at) if state == "compromised" else ("withdrawn", at)))
    except Undecided:
        state, ended_at = _state(fate, at)
        return _entry(anchor, entity, leaf, state, ended_at) if state in _OVER else None
    except Rejected:
        snapshot = policy.snapshots.get(anchor.fingerprint)
        history = None if snapshot is None else snapshot.history(leaf.der)
        if history is None or history.ends_at is None or at < history.ends_at:
            return None
        return _entry(anchor, entity, leaf, "ended", history.ends_at)
    return _entry(anchor, entity, leaf, *_state(fate, at))


def _state(fate: KeyHistory | None, at: int) -> tuple[str, int | None]:
    if fate is None or fate.ends_at is None:
        return "active", None
    if fate.state is KeyState.COMPROMISED:
        return "compromised", fate.ends_at
    return "verify-only" if at < fate.ends_at else "ended", fate.ends_at


def _entry(anchor: Anchor, entity: str, leaf: Cert, state: str, ended_at: int | None) -> Mapping[str, Any]:
    return {
        "iss": entity,
        "name": leaf.subject,
        "kid": _kid(leaf.public),
        "key": render_jwk(leaf.public),
        "vcts": None if anchor.vcts is None else list(anchor.vcts),
        "not_before": max(leaf.not_before, anchor.certificate.not_before),
        "not_after": min(leaf.not_after, anchor.certificate.not_after),
        "state": state,
        "ended_at": ended_at,
    }


def _kid(public: PublicKey) -> str:
    return base64url.encode(kid_of(public))
