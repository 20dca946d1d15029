"""This organisation applies to a registrar of a federation: what it may ask for, under the very key with which it asks."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from shared.codec import base64url, strict_json
from shared.cose import thumbprint
from shared.errors import ConfigError
from shared.flow import Fetch
from shared.keys import sign
from shared.trust.application import prepare_application
from shared.trust.federation import Federation
from shared.trust.policy import Policy
from shared.trust.registered_use import RegisteredUse
from shared.trust.registrars import Registered, registered
from shared.trust.relying_party import Register
from shared.urls import LOOPBACK, check_identifier
from shared.web.entity import name_of
from shared.web.fetch import Fetcher
from shared.web.handing import refusal_of
from verifier import registering
from verifier.desk import Desk
from verifier.inbox_file import registered_inbox

_REGISTER, _REGISTERED = "/federation/register", "/registered"


async def apply(desk: Desk, registrar: str, code: str) -> list[str]:
    """Hand over all uses as they are stated here; what to tell. Without ``code`` where this key is registered there already.

    ``ConfigError`` where nothing is asked here; ``Refused`` with the registrar's words if it does not take it.
    """
    check_identifier(registrar, where="registrar", plain_http=LOOPBACK)
    uses = applied(desk)
    if not uses:
        raise ConfigError("nothing is asked for here: see the setting purposes", where="purposes")
    signer = desk.signer
    unsigned = prepare_application(
        entity=desk.entity,
        registrar=registrar,
        name=name_of(desk.settings, desk.settings.name),
        uses=uses,
        at=desk.clock(),
        key=signer.key,
        public=signer.public,
    )
    body = {"application": await sign(unsigned, desk.custodian), **({"code": code} if code else {})}
    await _post(desk, registrar.removesuffix("/") + _REGISTER, strict_json.dumps(body))
    lacking = [f"  {use.id} lacks {words}" for use in uses for words in registering.lacking(use)]
    return [
        f"Applied to {registrar} with {len(uses)} uses: people look at it there now. The fingerprint of the key that they see:",
        f"  {base64url.encode(thumbprint(signer.public))}",
        f"Once it counts it stands at {registrar.removesuffix('/')}{_REGISTERED}?{urlencode({'entity': desk.entity})}",
        *(["They will ask about:", *lacking] if lacking else []),
    ]


def applied(desk: Desk) -> list[RegisteredUse]:
    """All uses as they are stated here, each with the inbox that takes copies for it."""
    inbox = registered_inbox(desk.directory, desk.settings)
    return [replace(use, inbox=use.inbox or inbox) for use in registering.registered(desk.directory, desk.settings)]


def standing(desk: Desk, federation: Federation) -> Registered | None:
    """As a registrar has registered this organisation, by what was heard last; ``None`` where none has, as far as is known here."""
    policy = Policy(desk.trust, federation=federation)
    return registered(policy, Register(), at=desk.clock()).get(desk.entity)


async def _post(desk: Desk, url: str, body: bytes) -> None:
    fetcher = Fetcher.of(desk.settings)
    try:
        got = await fetcher(Fetch(url=url, method="POST", headers={"content-type": "application/json"}, body=body))
    finally:
        await fetcher.close()
    if got.status != 202:
        raise refusal_of(got, "registrar")
