"""The relying party of OpenID Connect, answered by a dictionary: each check of the answer and of the ID token has its own refusal."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st
from support.signing import AT, Signer

from shared.codec import base64url
from shared.errors import Refused, VcError
from shared.flow import Fetch, Fetched, run
from shared.jose.jwk import render_jwk
from shared.oauth import challenge_of
from shared.web import oidc
from shared.web.oidc import Attempt, Provider

PROVIDER = Provider(
    issuer="https://login.example", client_id="office", secret="s:e c", redirect_uri="https://office.example/authorize/login/back"
)
ATTEMPT = Attempt(b"\x01" * 32, began=AT - 1_000)
DOCUMENT = {
    "issuer": PROVIDER.issuer,
    "authorization_endpoint": "https://login.example/auth?x=1",
    "token_endpoint": "https://login.example/token",
    "jwks_uri": "https://login.example/keys",
    "authorization_response_iss_parameter_supported": True,
}
CLAIMS: dict[str, Any] = {
    "iss": PROVIDER.issuer,
    "aud": "office",
    "sub": "nora",
    "iat": AT,
    "exp": AT + 300,
    "nonce": ATTEMPT.nonce,
    "auth_time": AT - 300,
}
SIGNER, OTHER = Signer.new(), Signer.new()
RSA_KEY = rsa.generate_private_key(65537, 2048)
RSA_SHORT = rsa.generate_private_key(65537, 1024)  # noqa: S505 - it is to be refused


def _b64(value: object) -> str:
    return base64url.encode(value if isinstance(value, bytes) else json.dumps(value).encode())


def token(header: dict[str, Any], claims: dict[str, Any], sign: Callable[[bytes], bytes] = SIGNER.raw) -> str:
    signing_input = f"{_b64(header)}.{_b64(claims)}"
    return f"{signing_input}.{base64url.encode(sign(signing_input.encode()))}"


def rsa_jwk(key: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {"kty": "RSA", "kid": "r", "e": "AQAB", "n": base64url.encode(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big"))}


KEYS: list[dict[str, Any]] = [{"kty": "oct", "k": "AAAA"}, {**render_jwk(SIGNER.public), "kid": "k"}, rsa_jwk(RSA_KEY)]


@dataclass
class World:
    """A provider as it should be; change a member to misbehave."""

    document: dict[str, Any] = field(default_factory=lambda: dict(DOCUMENT))
    id_token: str = field(default_factory=lambda: token({"alg": "ES256", "kid": "k"}, CLAIMS))
    keys: list[dict[str, Any]] = field(default_factory=lambda: list(KEYS))
    status: int = 200
    asked: list[Fetch] = field(default_factory=list)

    def answer(self, wanted: Fetch) -> Fetched:
        self.asked.append(wanted)
        answers: dict[str, Any] = {
            "/.well-known/openid-configuration": self.document,
            "/token": {"id_token": self.id_token, "access_token": "a", "token_type": "Bearer"},
            "/keys": {"keys": self.keys},
        }
        return Fetched(status=self.status, body=json.dumps(answers[urlsplit(wanted.url).path]).encode())


def back(**changes: str) -> str:
    said = {"code": "c", "state": ATTEMPT.state, "iss": PROVIDER.issuer} | changes
    return f"{PROVIDER.redirect_uri}?{urlencode({name: value for name, value in said.items() if value})}"


def sign_in(world: World, url: str | None = None, provider: Provider = PROVIDER) -> str:
    metadata = run(oidc.fetch_provider(provider), world.answer)
    return run(oidc.finish(provider, metadata, ATTEMPT, back() if url is None else url, at=AT), world.answer)


def code_of(world: World, url: str | None = None) -> str:
    with pytest.raises(VcError) as told:
        sign_in(world, url)
    return told.value.code


def test_code_for_a_name() -> None:
    world = World()
    assert sign_in(world) == "nora"
    asked = {urlsplit(each.url).path: each for each in world.asked}
    sent = asked["/token"]
    form = parse_qs((sent.body or b"").decode())
    assert form["code_verifier"] == [ATTEMPT.verifier]
    assert form["redirect_uri"] == [PROVIDER.redirect_uri]
    assert base64.b64decode(sent.headers["Authorization"].removeprefix("Basic ")) == b"office:s%3Ae+c"
    public = World()
    assert sign_in(public, provider=replace(PROVIDER, secret="")) == "nora"
    assert all("Authorization" not in each.headers for each in public.asked)


def test_where_the_browser_goes() -> None:
    metadata = run(oidc.fetch_provider(PROVIDER), World().answer)
    parts = parse_qs(urlsplit(oidc.sign_in_url(PROVIDER, metadata, ATTEMPT)).query)
    assert parts["x"] == ["1"]
    assert parts["code_challenge"] == [challenge_of(ATTEMPT.verifier)]
    assert parts["code_challenge_method"] == ["S256"]
    assert parts["scope"] == ["openid"]
    assert (parts["prompt"], parts["max_age"]) == (["login"], ["0"])
    assert len({ATTEMPT.state, ATTEMPT.nonce, ATTEMPT.verifier, replace(ATTEMPT, secret=b"\x02" * 32).state}) == 4
    assert "\\x01" not in repr(ATTEMPT)
    assert "s:e c" not in repr(PROVIDER)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"state": "x"}, "refused"),
        ({"state": ""}, "refused"),
        ({"iss": "https://evil.example"}, "refused"),
        ({"iss": ""}, "refused"),
        ({"code": ""}, "malformed"),
        ({"error": "access_denied"}, "access_denied"),
    ],
)
def test_answers_that_will_not_do(changes: dict[str, str], code: str) -> None:
    world = World()
    assert code_of(world, back(**changes)) == code
    assert [urlsplit(each.url).path for each in world.asked] == ["/.well-known/openid-configuration"]  # no code is tried


def test_answer_to_another_address() -> None:
    assert code_of(World(), back().replace("/back", "/other")) == "refused"


def test_provider_that_does_not_name_itself() -> None:
    world = World(document={**DOCUMENT, "authorization_response_iss_parameter_supported": False})
    assert sign_in(world, back(iss="")) == "nora"
    assert code_of(world, back(iss="https://evil.example")) == "refused"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"nonce": "x"}, "refused"),
        ({"nonce": None}, "malformed"),
        ({"iss": "https://evil.example"}, "untrusted"),
        ({"aud": "other"}, "wrong_audience"),
        ({"aud": ["office", "other"]}, "wrong_audience"),
        ({"aud": []}, "wrong_audience"),
        ({"azp": "other"}, "wrong_audience"),
        ({"exp": AT - 61}, "expired"),
        ({"exp": None}, "malformed"),
        ({"iat": AT + 61}, "not_yet_valid"),
        ({"iat": None}, "malformed"),
        ({"auth_time": AT - 301}, "refused"),
        ({"auth_time": AT + 61}, "refused"),
        ({"auth_time": None}, "malformed"),
        ({"sub": ""}, "malformed"),
        ({"sub": "x" * 256}, "malformed"),
        ({"sub": 7}, "malformed"),
    ],
)
def test_claims_that_will_not_do(changes: dict[str, Any], code: str) -> None:
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    assert code_of(World(id_token=token({"alg": "ES256", "kid": "k"}, claims))) in {code, "too_large"}


@pytest.mark.parametrize(("began", "taken"), [(AT - 240, True), (AT - 239, False), (AT, False)])
def test_a_login_of_before_she_was_asked(began: int, taken: bool) -> None:
    """A provider may forget that it was to ask anew: a minute is all that clocks may differ by."""
    world = World()
    metadata, attempt = run(oidc.fetch_provider(PROVIDER), world.answer), replace(ATTEMPT, began=began)

    def finish() -> str:
        return run(oidc.finish(PROVIDER, metadata, attempt, back(), at=AT), world.answer)

    if taken:
        assert finish() == "nora"
    else:
        with pytest.raises(Refused):
            finish()


@pytest.mark.parametrize(
    ("query", "answers"), [(f"state={ATTEMPT.state}", True), ("state=x", False), ("", False), ("state=x&state=x", False)]
)
def test_what_is_an_answer_at_all(query: str, answers: bool) -> None:
    assert oidc.is_answer(ATTEMPT, f"{PROVIDER.redirect_uri}?{query}") is answers


def test_one_audience_in_a_list() -> None:
    assert sign_in(World(id_token=token({"alg": "ES256", "kid": "k", "typ": "JWT"}, CLAIMS | {"aud": ["office"]}))) == "nora"


@pytest.mark.parametrize(
    ("id_token", "code"),
    [
        (token({"alg": "none"}, CLAIMS, lambda _: b""), "algorithm_refused"),
        (token({"alg": "HS256", "kid": "k"}, CLAIMS, lambda _: b"\0" * 32), "algorithm_refused"),
        (token({"alg": "RS1", "kid": "r"}, CLAIMS), "algorithm_refused"),
        (token({"alg": "ES256", "kid": "k"}, CLAIMS, OTHER.raw), "bad_signature"),
        (token({"alg": "ES256", "kid": "r"}, CLAIMS), "bad_signature"),
        (token({"alg": "ES256", "kid": "unknown"}, CLAIMS), "bad_signature"),
        (token({"alg": "ES384", "kid": "k"}, CLAIMS), "bad_signature"),
        (token({"alg": "RS256", "kid": "k"}, CLAIMS), "bad_signature"),
        (token({"alg": "ES256", "kid": "k", "typ": "dpop+jwt"}, CLAIMS), "wrong_typ"),
        ("a.b", "malformed"),
        ("", "malformed"),
    ],
)
def test_downgrades_and_forgeries(id_token: str, code: str) -> None:
    """No algorithm of the token's own choice: `none` and HMAC with a public key are not even known."""
    assert code_of(World(id_token=id_token)) == code


def test_rsa_of_providers() -> None:
    signs = {
        "RS256": lambda data: RSA_KEY.sign(data, padding.PKCS1v15(), SHA256()),
        "PS256": lambda data: RSA_KEY.sign(data, padding.PSS(padding.MGF1(SHA256()), 32), SHA256()),
    }
    for alg, sign in signs.items():
        assert sign_in(World(id_token=token({"alg": alg, "kid": "r"}, CLAIMS, sign))) == "nora"
        assert code_of(World(id_token=token({"alg": "RS256" if alg == "PS256" else "PS256", "kid": "r"}, CLAIMS, sign))) == "bad_signature"
        fixed = [{**rsa_jwk(RSA_KEY), "alg": "RS512"}, {**rsa_jwk(RSA_KEY), "use": "enc"}]
        assert code_of(World(id_token=token({"alg": alg, "kid": "r"}, CLAIMS, sign), keys=fixed)) == "bad_signature"
    short = token({"alg": "RS256"}, CLAIMS, lambda data: RSA_SHORT.sign(data, padding.PKCS1v15(), SHA256()))
    assert code_of(World(id_token=short, keys=[rsa_jwk(RSA_SHORT), {"kty": "RSA", "n": "AQ", "e": "AA"}])) == "bad_signature"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"issuer": "https://evil.example"}, "untrusted"),
        ({"issuer": "https://login.example/"}, "untrusted"),
        ({"token_endpoint": "http://login.example/token"}, "malformed"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "malformed"),
        ({"jwks_uri": None}, "malformed"),
    ],
)
def test_documents_that_will_not_do(changes: dict[str, Any], code: str) -> None:
    assert code_of(World(document=DOCUMENT | changes)) == code


def test_provider_that_fails() -> None:
    assert code_of(World(status=500)) == "unavailable"


@given(
    st.text(max_size=200)
    | st.builds(
        lambda header, body: f"{_b64(header)}.{_b64(body)}.AA",
        st.dictionaries(st.text(), st.text()),
        st.dictionaries(st.text(), st.integers()),
    )
)
def test_any_text_is_a_name_or_an_error(text: str) -> None:
    with pytest.raises(VcError):
        oidc.verify_id_token(text, {"keys": KEYS}, provider=PROVIDER, nonce=ATTEMPT.nonce, since=AT, at=AT)
