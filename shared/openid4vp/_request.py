"""Request objects: signed by the verifier, checked by the wallet (OpenID4VP 1.0 sections 5 and 8.3, HAIP 1.0 section 5)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..codec import reader
from ..dcql import DcqlQuery, parse_query, render_query
from ..errors import InvalidRequest, InvalidTransactionData, Malformed
from ..jose import jwe, jwt
from ..jose.jwk import parse_public_jwk
from ..keys import KeyId, Unsigned
from ..urls import check_https
from ..x509 import x5c_header
from ._use import VerifierInfo, parse_verifier_info

TYP = "oauth-authz-req+jwt"
MEDIA_TYPE = "application/oauth-authz-req+jwt"
AUDIENCE = "https://self-issued.me/v2"
RESPONSE_MODE = "direct_post.jwt"
ALGS = ("ES256", "ES384", "EdDSA")
ENCS = ("A256GCM", "A128GCM")  # in the order of our preference
_URL_SAFE = re.compile(r"[A-Za-z0-9\-._~]+")
_FORMATS: Mapping[str, Mapping[str, Any]] = {
    "dc+sd-jwt": {"sd-jwt_alg_values": list(ALGS), "kb-jwt_alg_values": list(ALGS)},
    "vc+jwt": {"alg_values": list(ALGS)},
    "vc+sd-jwt": {"sd-jwt_alg_values": list(ALGS), "kb-jwt_alg_values": list(ALGS)},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestObject:
    """What is asked, in which transaction, and how to answer. ``nonce`` and ``state`` have at least 128 random bits when we ask.

    ``encryption_keys`` are public JWKs for the answer, ``enc_values`` the content encryptions that the verifier reads.
    """

    client_id: str
    response_uri: str
    nonce: str
    query: DcqlQuery
    encryption_keys: tuple[Mapping[str, Any], ...] = field(repr=False)
    enc_values: tuple[str, ...] = ("A128GCM", "A256GCM")
    state: str | None = None
    verifier_info: tuple[VerifierInfo, ...] = ()
    wallet_nonce: str | None = None
    expires_at: int | None = None

    def encryption(self) -> tuple[Mapping[str, Any], str]:
        """The first usable key and the content encryption to answer with; ``InvalidRequest`` if there is none (section 8.3)."""
        enc = next((name for name in ENCS if name in self.enc_values), None)
        key = next((key for key in self.encryption_keys if _usable(key)), None)
        if enc is None or key is None:
            raise InvalidRequest("the request offers no key that an answer can be locked with", where="/client_metadata/jwks")
        return key, enc


def _usable(key: Mapping[str, Any]) -> bool:
    """P-256, for encryption, with ``alg`` and ``kid`` (sections 5.1 and 8.3); whatever else is in the set is passed over."""
    if key.get("alg") != jwe.ALG or key.get("use", "enc") != "enc" or "kid" not in key:
        return False
    point = {name: key[name] for name in ("kty", "crv", "x", "y", "d") if name in key}
    try:
        return parse_public_jwk(point).alg == "ES256"
    except Malformed:
        return False


# --- the verifier signs ----------------------------------------------------------------------------------------------------------------


def prepare_request_object(request: RequestObject, *, key: KeyId, x5c: Sequence[bytes], at: int, alg: str = "ES256") -> Unsigned[str]:
    """The request object, lacking its signature by the leaf's key. ``x5c`` is DER, leaf first, the anchor left out."""
    return jwt.prepare_jwt(render_request(request, at=at), typ=TYP, key=key, alg=alg, header={"x5c": x5c_header(x5c)})


def render_request(request: RequestObject, *, at: int) -> dict[str, Any]:
    """The claims. There is no ``redirect_uri``: the answer to the wallet's post carries it (section 8.2)."""
    claims: dict[str, Any] = {
        "iss": request.client_id,
        "aud": AUDIENCE,
        "iat": at,
        "client_id": request.client_id,
        "response_type": "vp_token",
        "response_mode": RESPONSE_MODE,
        "response_uri": request.response_uri,
        "nonce": request.nonce,
        "dcql_query": render_query(request.query),
        "client_metadata": _client_metadata(request),
    }
    optional = {"exp": request.expires_at, "state": request.state, "wallet_nonce": request.wallet_nonce}
    claims.update({name: value for name, value in optional.items() if value is not None})
    if request.verifier_info:
        claims["verifier_info"] = [_render_info(entry) for entry in request.verifier_info]
    return claims


def _client_metadata(request: RequestObject) -> dict[str, Any]:
    """Exactly these three members; the formats are those that the query names (section 11.1, appendix B)."""
    asked = dict.fromkeys(query.format for query in request.query.credentials)
    return {
        "jwks": {"keys": [dict(key) for key in request.encryption_keys]},
        "encrypted_response_enc_values_supported": list(request.enc_values),
        "vp_formats_supported": {name: dict(_FORMATS.get(name, {})) for name in asked},
    }


def _render_info(entry: VerifierInfo) -> dict[str, Any]:
    rendered: dict[str, Any] = {"format": entry.format, "data": entry.data}
    if entry.credential_ids is not None:
        rendered["credential_ids"] = list(entry.credential_ids)
    return rendered


# --- the wallet reads ------------------------------------------------------------------------------------------------------------------


def check_way_back(claims: Mapping[str, Any], *, plain_http: Collection[str] = ()) -> tuple[str, str | None]:
    """``response_uri`` and ``state``: what it takes to send even a refusal. ``InvalidRequest`` (section 8.2)."""
    if claims.get("response_mode") != RESPONSE_MODE:
        raise InvalidRequest(f"answers go back by {RESPONSE_MODE} only", where="/response_mode")
    try:
        uri = check_https(reader.get_str(claims, "response_uri"), where="/response_uri", plain_http=plain_http)
        state = reader.get_str(claims, "state", optional=True, max_length=1_024)
    except Malformed as error:
        raise InvalidRequest(error.detail, where=error.where) from error
    if state is not None and not _URL_SAFE.fullmatch(state):
        raise InvalidRequest("state is made of URL-safe characters", where="/state")
    return uri, state


def parse_request(claims: Mapping[str, Any], *, plain_http: Collection[str] = ()) -> RequestObject:
    """The claims of a request object whose signature has been verified. ``InvalidRequest`` or ``InvalidTransactionData``.

    Unknown members are ignored (section 5), ``iss`` as well.
    """
    uri, state = check_way_back(claims, plain_http=plain_http)
    if claims.get("response_type") != "vp_token":
        raise InvalidRequest("only vp_token is answered here", where="/response_type")
    if "redirect_uri" in claims:
        raise InvalidRequest("redirect_uri does not go with response_uri", where="/redirect_uri")
    if "scope" in claims:
        raise InvalidRequest("a request names its query in dcql_query, and only there", where="/scope")
    try:
        query = parse_query(reader.get_object(claims, "dcql_query"), "/dcql_query")
        request = _request(claims, query, uri, state)
    except Malformed as error:
        raise InvalidRequest(error.detail, where=error.where) from error
    _check_transaction_data(claims)
    request.encryption()
    return request


def _request(claims: Mapping[str, Any], query: DcqlQuery, uri: str, state: str | None) -> RequestObject:
    nonce = reader.get_str(claims, "nonce", max_length=1_024)
    if not _URL_SAFE.fullmatch(nonce):
        raise InvalidRequest("nonce is made of URL-safe characters", where="/nonce")
    if state is None and not all(each.holder_binding for each in query.credentials):
        raise InvalidRequest("a request for unbound documents has a state", where="/state")
    metadata = reader.get_object(claims, "client_metadata")
    jwks = reader.get_object(metadata, "jwks", "/client_metadata")
    encs = reader.get_strings(
        metadata, "encrypted_response_enc_values_supported", "/client_metadata", optional=True, min_items=1, max_items=64
    )
    return RequestObject(
        client_id=reader.get_str(claims, "client_id"),
        response_uri=uri,
        nonce=nonce,
        query=query,
        encryption_keys=reader.get_objects(jwks, "keys", "/client_metadata/jwks", max_items=64),
        enc_values=encs or ("A128GCM",),
        state=state,
        verifier_info=parse_verifier_info(claims, [each.id for each in query.credentials]),
        wallet_nonce=reader.get_str(claims, "wallet_nonce", optional=True, max_length=1_024),
        expires_at=reader.get_int(claims, "exp", optional=True),
    )


def _check_transaction_data(claims: Mapping[str, Any]) -> None:
    """No type of transaction is known here, so that whatever is asked to be agreed to is refused (sections 5.1 and 8.5)."""
    if "transaction_data" in claims:
        raise InvalidTransactionData("this wallet knows no transaction that it could agree to", where="/transaction_data")
