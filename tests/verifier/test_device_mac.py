"""An mdoc whose device does not sign but makes a MAC with the key that our request is answered to (ISO/IEC 18013-5 section 9.1.3.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from support.desk import PATHS, Running, Template, serving
from support.mdocs import Draft
from support.signing import Signer
from support.trial_verify import CLAIMS, credential_type, holder, issue, registry

from shared.formats import Binding
from shared.jose.jwk import parse_public_jwk
from shared.openid4vp import RequestObject, render_response

STRANGER = Signer.new()


@pytest.fixture
async def desk(template: Template, tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(template, tmp_path / "desk") as running:
        yield running


def shared_secret(device: Signer, key: Mapping[str, Any]) -> bytes:
    """What the device shares with the key of a request, by the library alone."""
    theirs = parse_public_jwk({name: key[name] for name in ("kty", "crv", "x", "y")}).key
    assert isinstance(device.private, ec.EllipticCurvePrivateKey)
    assert isinstance(theirs, ec.EllipticCurvePublicKey)
    return device.private.exchange(ec.ECDH(), theirs)


def response(request: RequestObject, *, secret: bytes = b"", paths: Any = PATHS, **bent: Any) -> bytes:
    """The trial document in a DeviceResponse with a MAC, as the body of the answer."""
    claims = bent.pop("claims", CLAIMS)
    names = [claim.mdoc_element for claim in credential_type().claims if claim.path in paths]
    draft = Draft.of(issue("mso_mdoc", seed="mac", claims=claims)).keep(*names, "powers")
    draft.digested, draft.signer = False, registry().signer
    secret = secret or shared_secret(holder(), request.encryption()[0])
    binding: Binding = replace(request.binding(), **bent)
    (query,) = request.query.credentials
    return render_response(request, {query.id: [draft.shown(secret=secret, binding=binding)]})


async def test_a_device_that_shares_a_secret_with_our_key_is_believed(desk: Running) -> None:
    asked = await desk.ask(format="mso_mdoc")
    request = await desk.read(asked)
    assert (await desk.post(asked, response(request)))[0] == 200
    state = await desk.state(asked)
    assert (state["decision"], state["verdict"]["level"]["number"]) == ("accepted", 3)
    assert (await desk.post(asked, response(request)))[0] == 400


@pytest.mark.parametrize("how", ["another device", "key of another request", "another nonce", "guessed"])
async def test_a_mac_by_anybody_else_is_refused(desk: Running, how: str) -> None:
    asked, other = await desk.ask(format="mso_mdoc"), await desk.read(await desk.ask(format="mso_mdoc"))
    request = await desk.read(asked)
    bents: dict[str, dict[str, Any]] = {
        "another device": {"secret": shared_secret(STRANGER, request.encryption()[0])},
        "key of another request": {"secret": shared_secret(holder(), other.encryption()[0])},
        "another nonce": {"nonce": other.nonce},
        "guessed": {"secret": bytes(32)},
    }
    status, told = await desk.post(asked, response(request, **bents[how]))
    assert (status, told["error_description"].partition(":")[0]) == (400, "not_bound")


async def test_an_answer_in_clear_shares_no_secret(desk: Running) -> None:
    asked = await desk.ask(format="mso_mdoc", encrypted=False)
    status, told = await desk.post(asked, response(await desk.read(asked), secret=bytes(32)))
    assert (status, told["error_description"].partition(":")[0]) == (400, "not_bound")


async def test_a_mac_can_be_checked_once_more_when_the_restrictions_were_read(desk: Running) -> None:
    """What is undecided is checked whole again, the proof of the device with it; afterwards the key is gone."""
    asked = await desk.ask(format="mso_mdoc")
    restricted = CLAIMS | {"has_restrictions": True, "restrictions_text": "Not the house."}
    body = response(await desk.read(asked), claims=restricted, paths=(*PATHS, ("restrictions_text",)))
    assert (await desk.post(asked, body))[0] == 200
    assert (await desk.state(asked))["code"] == "restrictions_to_read"
    status, told = await desk.call("POST", f"/api/presentation-requests/{asked['id']}/recheck", {"use": {"restrictions_allow": True}})
    assert (status, told["decision"]) == (200, "accepted")
