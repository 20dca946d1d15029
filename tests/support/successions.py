"""One body that takes over from another, for tests: both halves, each bent where a test wants it, and published by their superior."""

from __future__ import annotations

from typing import Any

from support.federation import Body, signed
from support.federations import Realm
from support.signing import AT, Signer

from shared.jose.jwk import render_jwk
from shared.trust.artefact import SUCCESSOR, Artefact, name_of
from shared.trust.succession import ACCEPTANCE_TYP, TYP, render_succession

DAY = 86_400


def statement(
    by: Body, outgoing: str, heir: str, /, *, signer: Signer | None = None, typ: str = TYP, since: int = AT - DAY, **said: Any
) -> str:
    """``by`` says that one body takes over from another; a member that is ``None`` is left out."""
    claims = {
        "iss": by.entity, "sub": outgoing, "successor": heir, "iat": AT - 2 * DAY, "from": since, "purposes_carried": [],
        "status_duty": False, "may_cancel": False, "private": False, **said,
    }  # fmt: skip
    key = signer or by.signer
    return signed(claims, key, typ=typ, jwk=render_jwk(key.public))


def acceptance(by: Body, outgoing: str, token: str, *, signer: Signer | None = None, typ: str = ACCEPTANCE_TYP, **said: Any) -> str:
    """``by`` takes over what that statement says."""
    claims = {"iss": by.entity, "sub": outgoing, "accepts": name_of(token.encode()), "iat": AT - 2 * DAY + 60, **said}
    key = signer or by.signer
    return signed(claims, key, typ=typ, jwk=render_jwk(key.public))


def handed(by: Body, outgoing: str, successor: Body, **said: Any) -> bytes:
    """Both halves."""
    token = statement(by, outgoing, successor.entity, **said)
    return render_succession(token, acceptance(successor, outgoing, token))


def publish(realm: Realm, superior: str, *found: bytes) -> Realm:
    """The superior publishes these beside all else, in a newer snapshot than before."""
    realm[superior].more = (
        *(each for each in realm[superior].more if each.media_type != SUCCESSOR),
        *(Artefact(media_type=SUCCESSOR, data=each) for each in found),
    )
    realm.again(superior)
    return realm
