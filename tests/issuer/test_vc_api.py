"""The W3C's endpoint of an issuer: off, behind an API key, and answering as its suites ask."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from support.registry import URL, Registry, Template, serving

from issuer.office import ISSUER
from issuer.vc_api import KEY
from shared import did
from shared.errors import Missing
from shared.flow import run
from shared.jose.jws import parse_jws, verify_jws
from shared.vcdm import CONTEXT

CREDENTIAL: dict[str, Any] = {
    "@context": [CONTEXT, "https://www.w3.org/ns/credentials/examples/v2"],
    "type": ["VerifiableCredential", "ExampleDegree"],
    "credentialSubject": {"id": "did:example:subject", "degree": "BA"},
}
PATH = "/credentials/issue"


def token_in(answer: Any) -> str:
    held = answer["verifiableCredential"]
    assert (held["@context"], held["type"]) == (CONTEXT, "EnvelopedVerifiableCredential")
    text: str = held["id"].removeprefix("data:application/vc+jwt,")
    return text


async def test_off_by_default(registry: Registry) -> None:
    headers = {"Authorization": f"Bearer {registry.api_key}"}
    async with registry.http.post(registry.base + PATH, json={"credential": CREDENTIAL}, headers=headers) as answer:
        assert answer.status == 404
    assert (await registry.get("/.well-known/did.json")).status == 404
    with pytest.raises(Missing):
        await registry.office.custodian.public(KEY)


async def test_under_a_did_key(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "registry", vc_api="did:key") as registry:
        answers = await asyncio.gather(*(registry.call("POST", PATH, {"credential": CREDENTIAL, "options": {}}) for _ in range(3)))
        assert {status for status, _ in answers} == {201}
        public = await registry.office.custodian.public(KEY)
        name = did.did_key(public)
        for _, answer in answers:
            parsed = parse_jws(token_in(answer))
            verify_jws(parsed, public, typ="vc+jwt")
            assert json.loads(parsed.payload) == CREDENTIAL | {"issuer": name}
            found = run(did.resolve(name), lambda _: pytest.fail("nothing is fetched"))
            assert found.key(parsed.header["kid"], did.ASSERTION) == public
        assert public != await registry.office.custodian.public(ISSUER)
        status, answer = await registry.call("POST", PATH, {"credential": CREDENTIAL | {"issuer": {"id": name, "name": "Office"}}})
        assert (status, json.loads(parse_jws(token_in(answer)).payload)["issuer"]) == (201, {"id": name, "name": "Office"})
        assert (await registry.get("/.well-known/did.json")).status == 404


async def test_under_a_did_web(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "registry", vc_api="did:web") as registry:
        status, answer = await registry.call("POST", PATH, {"credential": CREDENTIAL})
        assert status == 201
        name = did.did_web(URL)
        parsed = parse_jws(token_in(answer))
        document = await registry.run(did.resolve(name))
        verify_jws(parsed, document.key(parsed.header["kid"], did.ASSERTION), typ="vc+jwt")
        assert json.loads(parsed.payload)["issuer"] == name


async def test_refusals(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "registry", vc_api="did:key") as registry:
        for key in ("", "mun_wrong"):
            status, _ = await registry.call("POST", PATH, {"credential": CREDENTIAL}, key=key)
            assert status == 401
        bodies: tuple[dict[str, Any], ...] = (
            {},
            {"credential": {}},
            {"credential": CREDENTIAL | {"issuer": "https://other.example"}},
            {"credential": CREDENTIAL | {"exp": 1}},
        )
        for body in bodies:
            status, answer = await registry.call("POST", PATH, body)
            assert (status, answer["status"]) == (400, 400)
            assert answer["pointer"].startswith("/credential")
        status, _ = await registry.call("POST", PATH, {"credential": CREDENTIAL | {"name": "x" * 600_000}})
        assert status == 413
        status, _ = await registry.call("GET", PATH)
        assert status in {404, 405}
