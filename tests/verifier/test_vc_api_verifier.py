"""The W3C's endpoints of a verifier, and DIDs that its owner pinned: off, behind an API key, and never asking anybody about a document."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.desk import Running, Site, Template, opened, serving
from support.signing import AT, Signer
from support.trial_verify import DAY, IDX, LIST, holder, issue, status_token

from shared import did
from shared.did import did_key, render_document
from shared.errors import Unavailable
from shared.flow import Fetch, Fetched
from shared.formats import Binding
from shared.keys import KeyId
from shared.status.bitstring import bits_of, encode_list, prepare_list
from shared.status.token_status_list import MIN_SIZE, StatusList
from shared.trust.anchors import parse_trust, render_trust
from shared.trust.dids import DidPin
from shared.vc_api import prepare_credential, prepare_presentation
from shared.vcdm import CONTEXT, envelope
from verifier.cli import main
from verifier.material import DID_AGE, Store
from verifier.records import knowledge

OFFICE = Signer.new()
DID = did_key(OFFICE.public)
WEB = "did:web:office.example"
ADDRESS = "https://office.example/.well-known/did.json"
CREDENTIALS, PRESENTATIONS = "/credentials/verify", "/presentations/verify"
OPTIONS = {"challenge": "n-0123456789-0123456789", "domain": "https://verifier.example"}


def issued(name: str = DID, kid: str = "", **more: Any) -> str:
    credential = {
        "@context": [CONTEXT, "https://www.w3.org/ns/credentials/examples/v2"],
        "type": ["VerifiableCredential", "ExampleDegree"],
        "credentialSubject": {"id": "did:example:subject", "degree": "BA"},
        **more,
    }
    key = kid or f"{name}#{name.removeprefix('did:key:')}"
    return OFFICE.finish(prepare_credential(credential, did=name, name=key, key=KeyId("w3c")))


def pin(directory: Path, *names: str) -> None:
    file = directory / "trust.json"
    trust = parse_trust(file.read_bytes())
    for name in names:
        trust = trust.add_did(DidPin(did=name, name="Office"))
    file.write_bytes(render_trust(trust))


def held(token: str) -> dict[str, Any]:
    return {"verifiableCredential": envelope("application/vc+jwt", token), "options": {"checks": ["proof"]}}


async def ask(running: Running, path: str, body: Any, key: str | None = None) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {running.api_key if key is None else key}"}
    async with running.http.post(running.base + path, json=body, headers=headers) as answer:
        return answer.status, await answer.json()


def site(document: bytes | None, asked: list[str]) -> Callable[[Fetch], Awaitable[Fetched]]:
    registry = Site()

    async def fetch(wanted: Fetch) -> Fetched:
        if wanted.url != ADDRESS:
            return await registry(wanted)
        asked.append(wanted.url)
        if document is None:
            raise Unavailable("nobody answers")
        return Fetched(status=200 if document else 404, body=document)

    return fetch


async def test_off_by_default(desk: Running) -> None:
    for path in (CREDENTIALS, PRESENTATIONS):
        async with desk.http.post(desk.base + path, json=held(issued())) as answer:
            assert answer.status == 404


@pytest.mark.parametrize("on", [True, False])
async def test_the_document_of_the_api_has_them_where_they_are_served(template: Template, tmp_path: Path, *, on: bool) -> None:
    async with serving(template, tmp_path / "desk", vc_api=on) as running, running.http.get(f"{running.base}/api/openapi.json") as answer:
        paths = (await answer.json())["paths"]
    assert [path in paths for path in (CREDENTIALS, PRESENTATIONS)] == [on, on]
    if on:
        answers = paths[CREDENTIALS]["post"]["responses"]["400"]["content"]
        assert set(answers) == {"application/json", "application/problem+json"}


async def test_credentials(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk", vc_api=True) as running:
        status, answer = await ask(running, CREDENTIALS, held(issued()))
        assert (status, answer["verified"], answer["problemDetails"][0]["title"]) == (400, False, "untrusted")
        pin(running.desk.directory, DID)
        assert await ask(running, CREDENTIALS, held(issued())) == (200, {"verified": True})
        status, answer = await ask(running, CREDENTIALS, held(issued()[:-8] + "AAAAAAAA"))
        assert (status, answer["problemDetails"][0]["title"]) == (400, "bad_signature")
        bodies: list[Any] = [{}, {"verifiableCredential": {}}, [], {"verifiableCredential": "x"}]
        for body in bodies:
            status, answer = await ask(running, CREDENTIALS, body)
            assert (status, answer["verified"]) == (400, False)
        for key in ("", "mun_x"):
            status, _ = await ask(running, CREDENTIALS, held(issued()), key)
            assert status == 401
        async with running.http.post(
            running.base + CREDENTIALS, data=b"x", headers={"Authorization": f"Bearer {running.api_key}"}
        ) as refused:
            assert refused.status == 415


async def test_presentations_and_what_lists_teach(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk", vc_api=True) as running:
        binding = Binding(audience=OPTIONS["domain"], nonce=OPTIONS["challenge"])
        unsigned = prepare_presentation([("vc+jwt", issue("vc+jwt"))], binding, key=KeyId("h"), at=running.desk.clock(), alg="ES256")
        shown = envelope("application/vp+jwt", holder().finish(unsigned), "EnvelopedVerifiablePresentation")
        body = {"verifiablePresentation": shown, "options": OPTIONS}
        assert await ask(running, PRESENTATIONS, body) == (200, {"verified": True})
        status, answer = await ask(running, PRESENTATIONS, body | {"options": OPTIONS | {"challenge": "another"}})
        assert (status, answer["problemDetails"][0]["title"]) == (400, "wrong_nonce")
        status, answer = await ask(running, CREDENTIALS, held(issue("vc+jwt")))  # S2: whoever brings it is not its holder
        assert (status, answer["problemDetails"][0]["title"]) == (400, "not_bound")
        site_with = Site()
        site_with.lists[LIST] = status_token({IDX: 1}, iat=AT)
        await Store(running.desk).refresh(site_with)
        status, answer = await ask(running, PRESENTATIONS, body)
        assert (status, answer["problemDetails"][0]["title"]) == (400, "revoked")
        known = await running.desk.storage.read(knowledge.memory)
        assert any(idx == IDX for _, _, idx in known.invalid)


async def test_a_did_web_is_looked_up_by_the_clock_alone(template: Template, tmp_path: Path) -> None:
    """S21: what is asked of an issuer never follows from a document that came."""
    async with serving(template, tmp_path / "desk", vc_api=True) as running:
        pin(running.desk.directory, WEB)
        body = held(issued(WEB, f"{WEB}#key-1"))
        status, answer = await ask(running, CREDENTIALS, body)
        assert (status, answer["problemDetails"][0]["title"]) == (400, "issuer_keys_unknown")
        store, asked = Store(running.desk), list[str]()
        assert WEB in store.issuers()
        for document, title in (
            (None, "issuer_keys_unknown"),
            (b"", "issuer_keys_unknown"),
            (render_document("did:web:x", OFFICE.public), "issuer_keys_unknown"),
        ):
            visits = {each.entity: each for each in await store.refresh(site(document, asked))}
            assert visits[WEB].faults
            assert (await ask(running, CREDENTIALS, body))[1]["problemDetails"][0]["title"] == title
        visits = {each.entity: each for each in await store.refresh(site(render_document(WEB, OFFICE.public), asked))}
        assert not visits[WEB].faults
        assert asked == [ADDRESS] * 4
        assert await ask(running, CREDENTIALS, body) == (200, {"verified": True})
        running.clock.at += DID_AGE + DAY
        assert (await ask(running, CREDENTIALS, body))[1]["problemDetails"][0]["title"] == "issuer_keys_unknown"


LISTED = "https://office.example/lists/1"


def bits(*cancelled: int, uri: str = LISTED, by: Signer = OFFICE, iat: int = AT - 3_600, name: str = DID) -> bytes:
    """The office's own list of what it cancelled."""
    values = StatusList(1, MIN_SIZE)
    for idx in cancelled:
        values.set(idx, 1)
    encoded = encode_list(bits_of(values, 1))
    unsigned = prepare_list(encoded=encoded, purpose="revocation", uri=uri, issuer=name, iat=iat, key=KeyId("w3c"))
    return by.finish(unsigned).encode()


async def test_bitstring_lists_of_others_are_fetched_by_the_clock_alone(template: Template, tmp_path: Path) -> None:
    """S21 and S19: never because a document came; what the list's issuer did not sign, or says of earlier, changes nothing."""
    entry = {"type": "BitstringStatusListEntry", "statusPurpose": "revocation", "statusListIndex": "7", "statusListCredential": LISTED}
    served: dict[str, bytes] = {}
    asked: list[str] = []
    registry = Site()

    async def fetch(wanted: Fetch) -> Fetched:
        asked.append(wanted.url)
        return (
            Fetched(status=200 if LISTED in served else 404, body=served.get(LISTED, b""))
            if wanted.url == LISTED
            else await registry(wanted)
        )

    async with serving(template, tmp_path / "desk", vc_api=True, bitstring_lists=(LISTED,)) as running:
        pin(running.desk.directory, DID)
        store, body = Store(running.desk), held(issued(credentialStatus=entry))

        async def judged() -> str:
            status, answer = await ask(running, CREDENTIALS, body)
            return "" if status == 200 else str(answer["problemDetails"][0]["title"])

        async def visited(data: bytes | None) -> bool:
            served.update({LISTED: data} if data is not None else {})
            visits = {each.entity: each for each in await store.refresh(fetch)}
            return not visits[LISTED].faults

        assert await judged() == "status_unknown"
        assert asked == []
        assert LISTED in store.issuers()
        assert not await visited(None)
        assert await visited(bits())
        assert await judged() == ""
        for bad in (bits(7, by=Signer.new(), iat=AT), bits(7, uri=f"{LISTED}0", iat=AT), bits(7, name="did:example:x", iat=AT), b"x"):
            assert not await visited(bad)
            assert await judged() == ""
        before = len(asked)
        assert await visited(bits(7, iat=AT - 60))
        assert await judged() == "revoked"
        assert await visited(bits(iat=AT - 1_800))
        assert await judged() == "revoked"
        assert asked[before:].count(LISTED) == 2


async def test_nobody_else_who_is_trusted_has_a_word_at_the_address_of_a_list(template: Template, tmp_path: Path) -> None:
    """While the list that is kept lasts, it is its issuer's alone; afterwards whoever is trusted may be there."""
    mallory, when = Signer.new(), {"at": AT}
    served = {"list": bits()}

    async def fetch(wanted: Fetch) -> Fetched:
        return Fetched(status=200, body=served["list"]) if wanted.url == LISTED else await Site()(wanted)

    async with opened(template, tmp_path / "desk", bitstring_lists=(LISTED,)) as desk:
        for name in (DID, did_key(mallory.public)):
            pin(desk.directory, name)
        store = Store(replace(desk, clock=lambda: when["at"]))

        async def visited(data: bytes) -> bool:
            served["list"] = data
            return not next(each for each in await store.refresh(fetch) if each.entity == LISTED).faults

        foreign: Any = {"by": mallory, "name": did_key(mallory.public)}
        own = bits()
        assert await visited(own)
        assert not await visited(bits(7, iat=AT + 50, **foreign))
        assert (await store.picture()).bitstrings[LISTED].encode() == own
        assert await visited(bits(7, iat=AT - 30))
        when["at"] += 8 * DAY
        assert await visited(bits(7, iat=when["at"], **foreign))


async def test_a_list_that_the_settings_name_no_longer_is_forgotten(template: Template, tmp_path: Path) -> None:
    async def fetch(wanted: Fetch) -> Fetched:
        return Fetched(status=200, body=bits()) if wanted.url == LISTED else await Site()(wanted)

    async with opened(template, tmp_path / "desk", bitstring_lists=(LISTED,)) as desk:
        pin(desk.directory, DID)
        await Store(desk).refresh(fetch)
        assert (await Store(desk).picture()).bitstrings.keys() == {LISTED}
    async with opened(template, tmp_path / "desk") as desk:
        await Store(desk).refresh(fetch)
        assert await desk.storage.read(knowledge.bitstrings) == {}


async def test_the_owner_pins_a_did(template: Template, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with opened(template, tmp_path / "desk") as desk:
        for _ in range(2):
            assert main(["bundle", "trust", DID, "--name", "Office", "--dir", str(desk.directory)]) == 0
        assert "Office" in capsys.readouterr().out
        trust = json.loads((desk.directory / "trust.json").read_text())
        assert trust["dids"] == [{"did": DID, "name": "Office"}]
        assert main(["bundle", "trust", "did:example:1", "--dir", str(desk.directory)]) == 78
        assert did.is_did(DID)
