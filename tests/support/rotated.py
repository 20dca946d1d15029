"""An anchor of a federation after its key has changed."""

from __future__ import annotations

from dataclasses import replace

from support.federations import Member
from support.signing import AT, Signer

from shared.keys import KeyId
from shared.trust.constraints import FEDERATION_ENTITY
from shared.trust.federation_keys import FederationKey, render_jwks
from shared.trust.key_proofs import MEMBER, prepare_key_proof
from shared.trust.snapshot import MAX_LIFE


def rotated(
    anchor: Member, *, at: int = AT - 30, signs: Signer | None = None, proves: bool = True
) -> tuple[bytes, tuple[FederationKey, ...]]:
    """What it says of itself then, and the keys to pin: the one that ``signs``, and the next one if that ``proves`` itself.

    The one before is still named.
    """
    signs, ahead = signs or Signer.new(), Signer.new()
    old, now, then = (FederationKey.of(each.public) for each in (anchor.signer, signs, ahead))
    unsigned = prepare_key_proof(entity=anchor.entity, kind=FEDERATION_ENTITY, at=at, exp=at + MAX_LIFE, key=KeyId("next"), public=then)
    own = anchor.own | ({MEMBER: [ahead.finish(unsigned)]} if proves else {})
    said = replace(anchor, signer=signs).itself(jwks=render_jwks((old, now, then)), metadata={FEDERATION_ENTITY: own})
    return said.encode(), (now, then) if proves else (now,)
