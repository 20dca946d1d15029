"""The official modules for an OpenID4VP 1.0 verifier under HAIP, re-created: each test has a module's name and does what its summary says.

The wallet is emulated, as the suite's is: it reads links and requests by itself, and posts what it made by hand.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from aiohttp import ClientSession, CookieJar
from cryptography import x509
from support.desk import PATHS, URL, Running, Template, make_template, read_anchor, serving
from support.signing import AT, Signer
from support.trial_verify import DAY, credential_type, holder, issue, show

from shared.codec import base64url
from shared.formats import Binding, Handover
from shared.jose import jwe
from shared.jose.jwk import parse_public_jwk, thumbprint_bytes
from shared.jose.jws import parse_jws, prepare_jws
from shared.jose.jwt import parse_jwt, verify_jwt
from shared.keys import KeyId
from shared.openid4vp import client_id_of
from shared.x509 import load_certificate, parse_x5c

YEAR = 365 * DAY
FORM = {"content-type": "application/x-www-form-urlencoded"}
BACK = "https://northwold-bank.example/account"
Bend = Callable[[str], str]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(make_template(tmp_path_factory.mktemp("verifier") / "desk"))


@pytest.fixture
async def desk(template: Template, tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(template, tmp_path / "desk") as running:
        yield running


@dataclass
class Emulated:
    """A wallet on the device of the browser that began. ``seen`` are the encryption keys of all requests so far."""

    desk: Running
    browser: ClientSession
    form: str
    asked: Mapping[str, Any]
    outer: Mapping[str, str]
    claims: Mapping[str, Any]

    @property
    def key(self) -> Mapping[str, Any]:
        (key,) = self.claims["client_metadata"]["jwks"]["keys"]
        return dict(key)

    def binding(self, **changes: Any) -> Binding:
        key = parse_public_jwk({name: self.key[name] for name in ("kty", "crv", "x", "y")})
        handover = Handover(response_uri=self.claims["response_uri"], key_thumbprint=thumbprint_bytes(key))
        return replace(Binding(audience=self.claims["client_id"], nonce=self.claims["nonce"], handover=handover), **changes)

    def present(self, *, at: int = AT, wire: str = "", **changes: Any) -> str:
        wire = wire or issue(self.form, seed=self.asked["id"])
        return show(wire, format_name=self.form, paths=_paths(self.form), binding=self.binding(**changes), at=at)

    async def post(self, presentation: str, *, enc: str = "A256GCM") -> tuple[int, dict[str, Any]]:
        (query,) = self.claims["dcql_query"]["credentials"]
        answer = {"vp_token": {query["id"]: [presentation]}, "state": self.claims["state"]}
        token = jwe.encrypt(json.dumps(answer).encode(), self.key, enc=enc)
        url = self.claims["response_uri"].replace(URL, self.desk.base)
        async with self.browser.post(url, data=urlencode({"response": token}), headers=FORM, allow_redirects=False) as got:
            assert got.content_type == "application/json"
            return got.status, await got.json()

    async def accepted(self, presentation: str, **how: Any) -> None:
        """The verifier takes it, sends the browser back with a fresh number, and shows that it was verified."""
        status, told = await self.post(presentation, **how)
        assert status == 200, told
        back = urlsplit(told["redirect_uri"])
        (code,) = parse_qs(back.query)["response_code"]
        assert len(base64url.decode(code)) >= 16
        async with self.browser.get(self.desk.base + back.path, params={"response_code": code}, allow_redirects=False) as got:
            assert got.status == 303
            assert got.headers["Location"] == f"{BACK}?response_code={code}"
        assert (await self.desk.state(self.asked, response_code=code))["decision"] == "accepted"

    async def refused(self, presentation: str, code: str) -> None:
        """4xx at once, no way back, and nothing verified."""
        status, told = await self.post(presentation)
        assert (status, told["error"], told["error_description"].partition(":")[0]) == (400, "invalid_request", code)
        assert "redirect_uri" not in told


def _paths(form: str) -> list[Any]:
    if form != "mso_mdoc":
        return list(PATHS)
    space = credential_type().doctype
    names = {claim.path: claim.mdoc_element for claim in credential_type().claims}
    return [*((space, element) for path, element in names.items() if path in PATHS), (space, "powers")]


async def fetch(desk: Running, outer: Mapping[str, str], nonce: str | None = None) -> str:
    url = outer["request_uri"].replace(URL, desk.base)
    body = None if nonce is None else urlencode({"wallet_nonce": nonce, "wallet_metadata": "{}"})
    async with desk.http.request("GET" if nonce is None else "POST", url, data=body, headers={} if nonce is None else FORM) as got:
        assert (got.status, got.content_type) == (200, "application/oauth-authz-req+jwt")
        return await got.text()


def check_request(desk: Running, outer: Mapping[str, str], token: str, form: str) -> Mapping[str, Any]:
    """The suite's own checks of every request."""
    jwt = parse_jwt(token)
    leaf, *others = (load_certificate(each) for each in parse_x5c(jwt.header["x5c"], "/x5c"))
    anchor = x509.load_pem_x509_certificate(read_anchor(desk.desk))
    leaf.parsed.verify_directly_issued_by(anchor)
    assert leaf.parsed.issuer != leaf.parsed.subject
    assert not others
    claims = verify_jwt(jwt, leaf.public, typ="oauth-authz-req+jwt", at=AT)
    assert set(outer) >= {"client_id", "request_uri"}
    assert outer["client_id"] == claims["client_id"] == client_id_of(leaf.der)
    assert (claims["response_type"], claims["response_mode"]) == ("vp_token", "direct_post.jwt")
    assert claims["aud"] == "https://self-issued.me/v2"
    assert claims["response_uri"].startswith("https://")
    for name in ("client_id_scheme", "presentation_definition", "presentation_definition_uri", "redirect_uri", "scope"):
        assert name not in claims
        assert name not in outer
    assert len(base64url.decode(claims["nonce"])) >= 16
    metadata = claims["client_metadata"]
    assert set(metadata["encrypted_response_enc_values_supported"]) >= {"A128GCM", "A256GCM"}
    (key,) = metadata["jwks"]["keys"]
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "enc", "ECDH-ES")
    assert key["kid"]
    assert "d" not in key
    assert form in metadata["vp_formats_supported"]
    (query,) = claims["dcql_query"]["credentials"]
    assert query["format"] == form
    assert query["meta"]
    return claims


@asynccontextmanager
async def begun(desk: Running, *, form: str = "dc+sd-jwt") -> AsyncIterator[Emulated]:
    """The flow as far as a wallet that has the request."""
    asked = await desk.ask(same_device=True, redirect_uri=BACK, format=form)
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
        async with browser.get(asked["link"].replace(URL, desk.base)) as page:
            assert page.status == 200
            for name, cookie in page.cookies.items():  # it listens without TLS here, whatever its name says
                browser.cookie_jar.update_cookies({name: cookie.value})
                browser.headers["Cookie"] = f"{name}={cookie.value}"
        outer = {name: values[0] for name, values in parse_qs(urlsplit(asked["scheme_link"]).query).items()}
        claims = check_request(desk, outer, await fetch(desk, outer), form)
        yield Emulated(desk, browser, form, asked, outer, claims)


FORMS = pytest.mark.parametrize("form", ["dc+sd-jwt", "mso_mdoc"])


@FORMS
async def test_oid4vp_1final_verifier_happy_flow(desk: Running, form: str) -> None:
    keys = set()
    for enc in ("A256GCM", "A128GCM"):
        async with begun(desk, form=form) as wallet:
            keys.add(wallet.key["x"])
            await wallet.accepted(wallet.present(), enc=enc)
    assert len(keys) == 2


@FORMS
async def test_oid4vp_1final_verifier_request_uri_fetched_twice(desk: Running, form: str) -> None:
    async with begun(desk, form=form) as wallet:
        assert check_request(desk, wallet.outer, await fetch(desk, wallet.outer), form) == wallet.claims
        await wallet.accepted(wallet.present())


@FORMS
async def test_oid4vp_1final_verifier_request_uri_method_post(desk: Running, form: str) -> None:
    async with begun(desk, form=form) as wallet:
        assert wallet.outer["request_uri_method"] == "post"
        claims = check_request(desk, wallet.outer, await fetch(desk, wallet.outer, "wallet-nonce-of-128-bits"), form)
        assert claims["wallet_nonce"] == "wallet-nonce-of-128-bits"
        await replace(wallet, claims=claims).accepted(wallet.present())


async def test_oid4vp_1final_verifier_minimal_cnf_jwk(desk: Running) -> None:
    async with begun(desk) as wallet:
        wire = issue(seed="minimal")
        assert sorted(json.loads(parse_jws(wire.partition("~")[0]).payload)["cnf"]["jwk"]) == ["crv", "kty", "x", "y"]
        await wallet.accepted(wallet.present(wire=wire))


async def test_oid4vp_1final_verifier_invalid_credential_signature(desk: Running) -> None:
    async with begun(desk) as wallet:
        await wallet.refused(_rebound(wallet, _corrupt_issuer), "bad_signature")


async def test_oid4vp_1final_verifier_invalid_kb_jwt_signature(desk: Running) -> None:
    async with begun(desk) as wallet:
        before, _, binding = wallet.present().rpartition("~")
        await wallet.refused(f"{before}~{_corrupt(binding)}", "not_bound")


async def test_oid4vp_1final_verifier_invalid_sd_hash(desk: Running) -> None:
    async with begun(desk) as wallet:
        await wallet.refused(_rebound(wallet, lambda wire: wire, sd_hash=base64url.encode(bytes(32))), "other_presentation")


async def test_oid4vp_1final_verifier_invalid_kb_jwt_nonce(desk: Running) -> None:
    async with begun(desk) as wallet:
        await wallet.refused(wallet.present(nonce="another-nonce-of-128-bits"), "wrong_nonce")


async def test_oid4vp_1final_verifier_invalid_kb_jwt_aud(desk: Running) -> None:
    for audience in ("x509_hash:invalid", "https://verifier.example", "", "origin:" + URL):
        async with begun(desk) as wallet:
            await wallet.refused(wallet.present(audience=audience), "wrong_audience")


async def test_oid4vp_1final_verifier_kb_jwt_iat_in_past(desk: Running) -> None:
    async with begun(desk) as wallet:
        await wallet.refused(wallet.present(at=AT - YEAR), "stale_binding")


async def test_oid4vp_1final_verifier_kb_jwt_iat_in_future(desk: Running) -> None:
    async with begun(desk) as wallet:
        await wallet.refused(wallet.present(at=AT + YEAR), "stale_binding")


@pytest.mark.parametrize("part", ["nonce", "audience", "response_uri", "key"])
async def test_oid4vp_1final_verifier_invalid_session_transcript(desk: Running, part: str) -> None:
    async with begun(desk, form="mso_mdoc") as wallet:
        handover = wallet.binding().handover
        assert handover is not None
        bent: dict[str, dict[str, Any]] = {
            "nonce": {"nonce": "another-nonce-of-128-bits"},
            "audience": {"audience": "x509_hash:invalid"},
            "response_uri": {"handover": replace(handover, response_uri="https://evil.example/response")},
            "key": {"handover": replace(handover, key_thumbprint=bytes(32))},
        }
        await wallet.refused(wallet.present(**bent[part]), "not_bound")


def _rebound(wallet: Emulated, bend: Bend, **claims: Any) -> str:
    """A presentation whose issued part was bent before the holder signed, with other members in what was signed."""
    from shared.formats._sd_jwt import digest

    shown, _, binding = wallet.present().rpartition("~")
    shown = bend(shown + "~")
    said = {**parse_jwt(binding).claims, "sd_hash": digest("sha-256", shown), **claims}
    return shown + _signed(said, holder())


def _signed(claims: Mapping[str, Any], by: Signer) -> str:
    return by.finish(prepare_jws(typ="kb+jwt", payload=json.dumps(claims).encode(), key=KeyId("copy")))


def _corrupt(token: str) -> str:
    head, _, signature = token.rpartition(".")
    raw = bytearray(base64url.decode(signature))
    raw[20] ^= 1
    return f"{head}.{base64url.encode(bytes(raw))}"


def _corrupt_issuer(shown: str) -> str:
    token, _, rest = shown.partition("~")
    return f"{_corrupt(token)}~{rest}"
