"""Requests: signed by the verifier, checked by the wallet (OpenID4VP 1.0 sections 5 and 8.3, appendix A, HAIP 1.0 section 5)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..codec import reader
from ..dcql import DcqlQuery, parse_query, render_query
from ..errors import InvalidRequest, Malformed, VcError
from ..formats import Binding, Handover
from ..jose import jwe, jwt
from ..jose.jwk import parse_public_jwk, thumbprint_bytes
from ..keys import KeyId, Unsigned
from ..urls import check_https
from ..x509 import x5c_header
from ._client import ORIGIN, ClientId, Prefix, check_response_uri, parse_client_id
from ._metadata import ENCS, VP_FORMATS
from ._transaction import TransactionData, agreed_members, parse_transactions
from ._use import VerifierInfo, parse_verifier_info

TYP = "oauth-authz-req+jwt"
MEDIA_TYPE = "application/oauth-authz-req+jwt"
AUDIENCE = "https://self-issued.me/v2"
RESPONSE_MODE = "direct_post.jwt"
POST_MODES: Final = ("direct_post.jwt", "direct_post")
DC_API_MODES: Final = ("dc_api.jwt", "dc_api")
_URL_SAFE = re.compile(r"[A-Za-z0-9\-._~]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestObject:
    """What is asked, in which transaction, and how to answer. ``nonce`` and ``state`` have at least 128 random bits when we ask.

    ``encryption_keys`` are public JWKs for the answer, ``enc_values`` the content encryptions that the verifier reads. Over the Digital
    Credentials API there is neither ``response_uri`` nor ``state``; a signed request then has ``expected_origins``, an unsigned one no
    ``client_id``, and ``origin`` is where the platform says that the request came from.
    """

    client_id: str
    nonce: str
    query: DcqlQuery
    response_uri: str = ""
    response_mode: str = RESPONSE_MODE
    encryption_keys: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    enc_values: tuple[str, ...] = ("A128GCM", "A256GCM")
    state: str | None = None
    verifier_info: tuple[VerifierInfo, ...] = ()
    transaction_data: tuple[TransactionData, ...] = ()
    wallet_nonce: str | None = None
    expires_at: int | None = None
    expected_origins: tuple[str, ...] = ()
    origin: str = ""

    @property
    def locked(self) -> bool:
        """Whether the answer is encrypted."""
        return self.response_mode.endswith(".jwt")

    @property
    def audience(self) -> str:
        """Whom an answer is for: the whole client id with its prefix (section 14.10), or the origin, also of a signed request (appendix A)."""
        return f"{ORIGIN}{self.origin}" if self.origin else self.client_id

    def encryption(self) -> tuple[Mapping[str, Any], str]:
        """The first usable key and the content encryption to answer with; ``InvalidRequest`` if there is none (section 8.3)."""
        enc = next((name for name in ENCS if name in self.enc_values), None)
        key = next((key for key in self.encryption_keys if _usable(key)), None)
        if enc is None or key is None:
            raise InvalidRequest("the request offers no key that an answer can be locked with", where="/client_metadata/jwks")
        return key, enc

    def binding(self, agreed: Sequence[TransactionData] = ()) -> Binding:
        """What the holder signs with a document that answers, and agrees to these entries; in a form for every format."""
        thumbprint = thumbprint_bytes(parse_public_jwk(_point(self.encryption()[0]))) if self.locked else None
        return Binding(
            audience=self.audience,
            nonce=self.nonce,
            extra=agreed_members(agreed),
            handover=Handover(response_uri=self.response_uri, key_thumbprint=thumbprint),
        )


def _usable(key: Mapping[str, Any]) -> bool:
    """P-256, for encryption, with ``alg`` and ``kid`` (sections 5.1 and 8.3); whatever else is in the set is passed over."""
    try:
        jwe.check_recipient(key)
    except VcError:
        return False
    return key.get("alg") == jwe.ALG and "kid" in key


def _point(key: Mapping[str, Any]) -> dict[str, Any]:
    return {name: key[name] for name in ("kty", "crv", "x", "y")}


# --- the verifier signs ----------------------------------------------------------------------------------------------------------------


def prepare_request_object(request: RequestObject, *, key: KeyId, x5c: Sequence[bytes], at: int, alg: str = "ES256") -> Unsigned[str]:
    """The request object, lacking its signature by the leaf's key. ``x5c`` is DER, leaf first, the anchor left out."""
    return jwt.prepare_jwt(render_request(request, at=at), typ=TYP, key=key, alg=alg, header={"x5c": x5c_header(x5c)})


def render_request(request: RequestObject, *, at: int) -> dict[str, Any]:
    """The claims. There is no ``redirect_uri``: the answer to the wallet's post carries it (section 8.2)."""
    claims: dict[str, Any] = {
        "aud": AUDIENCE,
        "iat": at,
        "response_type": "vp_token",
        "response_mode": request.response_mode,
        "nonce": request.nonce,
        "dcql_query": render_query(request.query),
        "client_metadata": _client_metadata(request),
    }
    optional = {
        "iss": request.client_id,
        "client_id": request.client_id,
        "response_uri": request.response_uri,
        "exp": request.expires_at,
        "state": request.state,
        "wallet_nonce": request.wallet_nonce,
        "verifier_info": [_render_info(entry) for entry in request.verifier_info],
        "transaction_data": [entry.raw for entry in request.transaction_data],
        "expected_origins": list(request.expected_origins),
    }
    return claims | {name: value for name, value in optional.items() if value}


def _client_metadata(request: RequestObject) -> dict[str, Any]:
    """Exactly these members, the formats being those that the query names (section 11.1, appendix B); no keys if nothing is locked."""
    asked = dict.fromkeys(query.format for query in request.query.credentials)
    metadata: dict[str, Any] = {"vp_formats_supported": {name: dict(VP_FORMATS.get(name, {})) for name in asked}}
    if request.locked:
        metadata["jwks"] = {"keys": [dict(key) for key in request.encryption_keys]}
        metadata["encrypted_response_enc_values_supported"] = list(request.enc_values)
    return metadata


def _render_info(entry: VerifierInfo) -> dict[str, Any]:
    rendered: dict[str, Any] = {"format": entry.format, "data": entry.data}
    if entry.credential_ids is not None:
        rendered["credential_ids"] = list(entry.credential_ids)
    return rendered


# --- the wallet reads ------------------------------------------------------------------------------------------------------------------


def check_way_back(claims: Mapping[str, Any], *, plain_http: Collection[str] = ()) -> tuple[str, str | None]:
    """``response_uri`` and ``state``: what it takes to send even a refusal. ``InvalidRequest`` (sections 5.9.3 and 8.2)."""
    if claims.get("response_mode") not in POST_MODES:
        raise InvalidRequest(f"answers go back by {' or '.join(POST_MODES)}", where="/response_mode")
    try:
        client = parse_client_id(reader.get_str(claims, "client_id"), "/client_id")
        uri = check_https(_response_uri(claims, client), where="/response_uri", plain_http=plain_http)
        state = reader.get_str(claims, "state", optional=True, max_length=1_024)
    except Malformed as error:
        raise InvalidRequest(error.detail, where=error.where) from error
    check_response_uri(client, uri)
    if state is not None and not _URL_SAFE.fullmatch(state):
        raise InvalidRequest("state is made of URL-safe characters", where="/state")
    return uri, state


def _response_uri(claims: Mapping[str, Any], client: ClientId) -> str:
    """Whoever is named by the address that it answers from need not repeat it (section 5.9.3)."""
    if client.prefix is Prefix.REDIRECT_URI and "response_uri" not in claims:
        return client.name
    return reader.get_str(claims, "response_uri")


def parse_request(claims: Mapping[str, Any], *, plain_http: Collection[str] = (), origin: str = "") -> RequestObject:
    """The claims of a request whose signature, if any, has been verified. ``InvalidRequest`` or ``InvalidTransactionData``.

    Unknown members are ignored (section 5), ``iss`` as well. With ``origin`` it came over the Digital Credentials API.
    """
    uri, state = ("", None) if origin else check_way_back(claims, plain_http=plain_http)
    if origin and claims.get("response_mode") not in DC_API_MODES:
        raise InvalidRequest(f"answers go back by {' or '.join(DC_API_MODES)}", where="/response_mode")
    if claims.get("response_type") != "vp_token":
        raise InvalidRequest("only vp_token is answered here", where="/response_type")
    if "redirect_uri" in claims and not origin:
        raise InvalidRequest("redirect_uri does not go with response_uri", where="/redirect_uri")
    if "scope" in claims:
        raise InvalidRequest("a request names its query in dcql_query, and only there", where="/scope")
    try:
        query = parse_query(reader.get_object(claims, "dcql_query"), "/dcql_query")
        request = _request(claims, query, uri, state, origin)
    except Malformed as error:
        raise InvalidRequest(error.detail, where=error.where) from error
    if request.locked:
        request.encryption()
    return request


def _request(claims: Mapping[str, Any], query: DcqlQuery, uri: str, state: str | None, origin: str) -> RequestObject:
    nonce = reader.get_str(claims, "nonce", max_length=1_024)
    if not _URL_SAFE.fullmatch(nonce):
        raise InvalidRequest("nonce is made of URL-safe characters", where="/nonce")
    if state is None and not origin and not all(each.holder_binding for each in query.credentials):
        raise InvalidRequest("a request for unbound documents has a state", where="/state")
    mode = claims["response_mode"]
    keys, encs = _encryption(claims, needed=mode in ("direct_post.jwt", "dc_api.jwt"))
    return RequestObject(
        client_id=reader.get_str(claims, "client_id", optional=bool(origin)) or "",
        response_uri=uri,
        response_mode=mode,
        nonce=nonce,
        query=query,
        encryption_keys=keys,
        enc_values=encs,
        state=state,
        verifier_info=parse_verifier_info(claims, [each.id for each in query.credentials]),
        transaction_data=parse_transactions(claims, {each.id: each.format for each in query.credentials}),
        wallet_nonce=reader.get_str(claims, "wallet_nonce", optional=True, max_length=1_024),
        expires_at=reader.get_int(claims, "exp", optional=True),
        expected_origins=reader.get_strings(claims, "expected_origins", optional=True, max_items=64) or () if origin else (),
        origin=origin,
    )


def _encryption(claims: Mapping[str, Any], *, needed: bool) -> tuple[tuple[Mapping[str, Any], ...], tuple[str, ...]]:
    """Keys and content encryptions; nothing of it is read where the answer is not to be locked."""
    if not needed:
        return (), ("A128GCM",)
    where = "/client_metadata"
    metadata = reader.get_object(claims, "client_metadata")
    jwks = reader.get_object(metadata, "jwks", where)
    encs = reader.get_strings(metadata, "encrypted_response_enc_values_supported", where, optional=True, min_items=1, max_items=64)
    return reader.get_objects(jwks, "keys", f"{where}/jwks", max_items=64), encs or ("A128GCM",)
