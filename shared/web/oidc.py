"""Signing people in with an account elsewhere: an OpenID Connect relying party with code, PKCE, state and nonce (OpenID Connect Core 1.0).

    metadata = await arun(fetch_provider(provider), fetcher)
    address  = sign_in_url(provider, metadata, attempt)                      where the browser goes
    subject  = await arun(finish(provider, metadata, attempt, url, at=…), fetcher)   ``url`` is what it came back with

``attempt`` holds what ties the answer to the browser that asked; derive it from a cookie that changes when somebody has signed in, and
an answer serves once, in that browser. Of a holder's ID token only ``sub`` is used; ``finish_with_claims`` gives the whole of it, for
operators, whose groups say what they may do.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from ..codec import base64url, reader, strict_json
from ..errors import AlgorithmRefused, BadSignature, Malformed, Refused, Unavailable, Untrusted, VcError, WrongAudience, WrongTyp
from ..flow import Fetch, Fetched, Flow
from ..jose import jwk
from ..jose.jws import ALGS, Jws
from ..jose.jwt import check_times, get_time, parse_jwt
from ..oauth import METHOD, challenge_of, check_authorization_response
from ..urls import check_https, query_of, render_form, with_query

RSA_ALGS = ("RS256", "PS256")
_MIN_RSA, _MAX_RSA = 2048, 8192  # bits
_MAX_SUBJECT = 255  # characters (section 2)
_MAX_DOCUMENT = 256_000  # bytes
_LEEWAY = 60  # seconds by which clocks may differ
_LOGIN_AGE = 5 * 60  # seconds from signing in there to coming back here


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Who signs people in, and as whom we are known there. An empty ``secret`` is that of a public client."""

    issuer: str
    client_id: str
    secret: str = field(default="", repr=False)
    redirect_uri: str
    scopes: tuple[str, ...] = ("openid",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderMetadata:
    """What is used of OpenID Connect Discovery 1.0 section 3. ``names_itself``: answers say whose they are (RFC 9207)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    names_itself: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in of one browser, from a secret of its session, and when it began at the earliest."""

    secret: bytes = field(repr=False)
    began: int

    def _draw(self, purpose: str) -> str:
        return base64url.encode(hmac.digest(self.secret, purpose.encode(), "sha256"))

    @property
    def state(self) -> str:
        return self._draw("state")

    @property
    def nonce(self) -> str:
        return self._draw("nonce")

    @property
    def verifier(self) -> str:
        return self._draw("code verifier")


def is_answer(attempt: Attempt, url: str) -> bool:
    """Whether this answers ``attempt``. Any page can send a browser back here: what is no answer makes us neither ask anybody nor count."""
    try:
        state = query_of(url).get("state", "")
    except VcError:
        return False
    return hmac.compare_digest(state.encode(), attempt.state.encode())


def fetch_provider(provider: Provider) -> Flow[ProviderMetadata]:
    """Its document; ``Unavailable``, ``Malformed``, ``Untrusted`` if it speaks for another (Discovery section 4.3)."""
    got = yield Fetch(url=f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration", max_bytes=_MAX_DOCUMENT)
    doc = _document(got)
    if reader.get_str(doc, "issuer") != provider.issuer:
        raise Untrusted("this provider's document speaks for another", where="/issuer")
    return ProviderMetadata(
        authorization_endpoint=check_https(reader.get_str(doc, "authorization_endpoint"), where="/authorization_endpoint"),
        token_endpoint=check_https(reader.get_str(doc, "token_endpoint"), where="/token_endpoint"),
        jwks_uri=check_https(reader.get_str(doc, "jwks_uri"), where="/jwks_uri"),
        names_itself=doc.get("authorization_response_iss_parameter_supported") is True,
    )


def sign_in_url(provider: Provider, metadata: ProviderMetadata, attempt: Attempt) -> str:
    """Where the browser goes (section 3.1.2.1), to be asked anew who is there: others may use this computer too."""
    asked = {
        "response_type": "code",
        "scope": " ".join(provider.scopes),
        "client_id": provider.client_id,
        "redirect_uri": provider.redirect_uri,
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": challenge_of(attempt.verifier),
        "code_challenge_method": METHOD,
        "prompt": "login",
        "max_age": "0",  # which obliges the provider to say when that was (section 2)
    }
    return with_query(metadata.authorization_endpoint, asked)


def finish(provider: Provider, metadata: ProviderMetadata, attempt: Attempt, url: str, *, at: int) -> Flow[str]:
    """The provider's name for whoever signed in there; errors as ``finish_with_claims``."""
    return str((yield from finish_with_claims(provider, metadata, attempt, url, at=at))["sub"])


def finish_with_claims(provider: Provider, metadata: ProviderMetadata, attempt: Attempt, url: str, *, at: int) -> Flow[Mapping[str, Any]]:
    """Everything that the provider's ID token says of whoever signed in there, ``sub`` among it.

    ``Refused`` for an answer to another attempt, by another provider, or a no; ``Malformed``, ``BadSignature``, ``AlgorithmRefused``,
    ``WrongAudience``, ``Untrusted``, ``Expired`` for an ID token that will not do; ``Unavailable``.
    """
    code = check_authorization_response(
        url, redirect_uri=provider.redirect_uri, issuer=provider.issuer, state=attempt.state, names_itself=metadata.names_itself
    )
    token = reader.get_str(_document((yield _exchange(provider, metadata, attempt, code))), "id_token", max_length=65_536)
    keys = _document((yield Fetch(url=metadata.jwks_uri, max_bytes=_MAX_DOCUMENT)))
    return verify_id_token(token, keys, provider=provider, nonce=attempt.nonce, since=attempt.began, at=at)


def _exchange(provider: Provider, metadata: ProviderMetadata, attempt: Attempt, code: str) -> Fetch:
    """The token request (section 3.1.3.1), with the secret as HTTP Basic if there is one (RFC 6749 section 2.3.1)."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": provider.redirect_uri,
        "client_id": provider.client_id,
        "code_verifier": attempt.verifier,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if provider.secret:
        pair = f"{quote_plus(provider.client_id)}:{quote_plus(provider.secret)}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return Fetch(url=metadata.token_endpoint, method="POST", headers=headers, body=render_form(form), max_bytes=_MAX_DOCUMENT)


def _document(got: Fetched) -> dict[str, Any]:
    if got.status != 200:
        raise Unavailable("the provider of the sign-in did not answer as it should")
    return strict_json.load_object(got.body)


def verify_id_token(token: str, keys: Mapping[str, Any], *, provider: Provider, nonce: str, since: int, at: int) -> Mapping[str, Any]:
    """The claims of an ID token that answers ``nonce``, a ``sub`` among them; every check of section 3.1.3.7.

    One audience only: we are nobody's fellow client. Whoever it names signed in minutes ago, and since she was asked to, whatever a provider
    makes of ``prompt`` and ``max_age``.
    """
    jwt = parse_jwt(token, max_bytes=65_536)
    if jwt.header.get("typ", "JWT") != "JWT":
        raise WrongTyp("this signed object is of another kind")
    _verify_signature(jwt.jws, keys)
    claims = jwt.claims
    if reader.get_str(claims, "iss") != provider.issuer:
        raise Untrusted("this ID token is by another provider", where="/iss")
    if claims.get("aud") not in (provider.client_id, [provider.client_id]) or claims.get("azp", provider.client_id) != provider.client_id:
        raise WrongAudience("this ID token is for another client", where="/aud")
    get_time(claims, "exp")
    get_time(claims, "iat")
    check_times(claims, at=at)
    if not hmac.compare_digest(reader.get_str(claims, "nonce").encode(), nonce.encode()):
        raise Refused("this ID token answers another sign-in", where="/nonce")
    if not max(at - _LOGIN_AGE, since - _LEEWAY) <= get_time(claims, "auth_time") <= at + _LEEWAY:
        raise Refused("whoever is there was not asked anew", where="/auth_time")
    if not reader.get_str(claims, "sub", max_length=_MAX_SUBJECT):
        raise Malformed("an ID token names somebody", where="/sub")
    return claims


def _verify_signature(jws: Jws, keys: Mapping[str, Any]) -> None:
    """By one of the provider's keys for that algorithm and, if the header names one, of that name. Only asymmetric algorithms are known."""
    alg, kid = jws.header["alg"], jws.header.get("kid")
    if alg not in (*ALGS, *RSA_ALGS):
        raise AlgorithmRefused("this signature algorithm is not allowed here")
    named = [each for each in reader.get_list(keys, "keys") if isinstance(each, dict) and kid in (None, each.get("kid"))]
    fitting = [each for each in named if each.get("alg", alg) == alg and each.get("use", "sig") == "sig"]
    if not any(_is_signed_by(jws, each) for each in fitting):
        raise BadSignature("no key of the provider has signed this ID token")


def _is_signed_by(jws: Jws, key: Mapping[str, Any]) -> bool:
    try:
        if jws.header["alg"] in RSA_ALGS:
            _verify_rsa(jws, key)
            return True
        public = jwk.parse_public_jwk(key)
        if public.alg != jws.header["alg"]:
            return False
        public.verify(jws.signature, jws.signing_input)
    except VcError:
        return False
    return True


def _verify_rsa(jws: Jws, key: Mapping[str, Any]) -> None:
    if key.get("kty") != "RSA":
        raise AlgorithmRefused("this key is for another algorithm")
    modulus, exponent = (int.from_bytes(base64url.decode(reader.get_str(key, name, max_length=2_048)), "big") for name in ("n", "e"))
    if not _MIN_RSA <= modulus.bit_length() <= _MAX_RSA:
        raise AlgorithmRefused("an RSA key has 2048 bits or more")
    padding = PKCS1v15() if jws.header["alg"] == "RS256" else PSS(MGF1(SHA256()), SHA256.digest_size)
    try:
        RSAPublicNumbers(exponent, modulus).public_key().verify(jws.signature, jws.signing_input, padding, SHA256())
    except (InvalidSignature, ValueError) as error:
        raise BadSignature("the signature is not right") from error
