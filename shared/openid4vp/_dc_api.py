"""The Digital Credentials API, from the wallet's side (OpenID4VP 1.0 appendix A): a platform brings a request and the origin that it is from.

The origin is what the platform says, compared as the text that it is. Nothing is sent anywhere: the answer goes back to the platform.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ..codec import base64url, reader, strict_json
from ..errors import InvalidRequest, Malformed, VcError
from ..flow import Flow
from ..jose.jwt import parse_jwt
from ..trust.policy import Policy
from ..x509 import Crl
from ._client import STRICT, Admission, Prefix, parse_client_id
from ._request import parse_request
from ._resolved import ResolvedRequest, resolved_of
from ._signed import MAX_REQUEST, SignedRequest, find_asker, open_request

UNSIGNED: Final = "openid4vp-v1-unsigned"
SIGNED: Final = "openid4vp-v1-signed"
MULTISIGNED: Final = "openid4vp-v1-multisigned"
PROTOCOLS: Final = (UNSIGNED, SIGNED, MULTISIGNED)
_MAX_SIGNATURES: Final = 8
_MAX_ORIGIN: Final = 2_048
_Trusts = Callable[[SignedRequest], bool]
_IN_HEADERS: Final[tuple[str, ...]] = ("client_id", "verifier_info")


def resolve_dc_api_request(
    protocol: str,
    data: Mapping[str, Any],
    origin: str,
    *,
    policy: Policy,
    at: int,
    crls: Sequence[Crl] = (),
    admit: Admission = STRICT,
) -> Flow[ResolvedRequest]:
    """Check the request that a platform brought. The class that names the fault; only a ``did:web`` yields a ``Fetch``.

    Of several signatures one that counts is enough, a trusted one before others (appendix A.3.2.2). ``expected_origins`` of a signed
    request must have exactly ``origin``; from an unsigned one it is ignored, as its ``client_id`` is.
    """
    if not 0 < len(origin) <= _MAX_ORIGIN:
        raise InvalidRequest("the platform does not say where the request is from", where="/origin")
    signed: SignedRequest | None = None
    claims = dict(data)
    if protocol == UNSIGNED:
        for name in ("client_id", "expected_origins"):
            claims.pop(name, None)
    elif protocol in PROTOCOLS:
        signed = yield from _open(protocol, data, at, admit, lambda found: find_asker(found.chain, policy, at, crls) is not None)
        claims = dict(signed.claims)
        _check_origin(claims, origin)
    else:
        raise InvalidRequest(f"the protocols that are spoken here are {', '.join(PROTOCOLS)}", where="/protocol")
    return resolved_of(parse_request(claims, origin=origin), signed, policy=policy, at=at, crls=crls, admit=admit)


def _check_origin(claims: Mapping[str, Any], origin: str) -> None:
    """Compared as the texts that they are, "without any prior processing" (appendix A.2)."""
    try:
        expected = reader.get_strings(claims, "expected_origins", min_items=1, max_items=64)
    except Malformed as error:
        raise InvalidRequest(error.detail, where=error.where) from error
    if origin not in expected:
        raise InvalidRequest("the request was made for another site", where="/expected_origins")


def _open(protocol: str, data: Mapping[str, Any], at: int, admit: Admission, trusts: _Trusts) -> Flow[SignedRequest]:
    if protocol == SIGNED:
        token = reader.get_str(data, "request", max_length=MAX_REQUEST)
        client_id = reader.get_str(parse_jwt(token, where="/request").claims, "client_id")  # a peek: it says which key to ask
        return (yield from _by(token, client_id, None, at, admit))
    request = reader.get_object(data, "request") if "request" in data else data
    payload = reader.get_str(request, "payload", max_length=MAX_REQUEST)
    stated = strict_json.load_object(base64url.decode(payload, where="/payload"), max_bytes=MAX_REQUEST, where="/payload")
    if any(name in stated for name in _IN_HEADERS):
        raise InvalidRequest("who asks stands beside each signature, and only there", where="/payload")
    signatures = reader.get_objects(request, "signatures", min_items=1, max_items=_MAX_SIGNATURES)
    return (yield from _best(signatures, payload, at, admit, trusts))


def _best(signatures: Sequence[Mapping[str, Any]], payload: str, at: int, admit: Admission, trusts: _Trusts) -> Flow[SignedRequest]:
    """The one that counts by somebody who is trusted, else the first that counts; the first fault where none does."""
    good: list[SignedRequest] = []
    faults: list[VcError] = []
    for position, entry in enumerate(signatures):
        try:
            found = yield from _open_signature(entry, payload, f"/signatures/{position}", at, admit)
            trusted = trusts(found)
        except VcError as error:
            faults.append(error)
        else:
            good.insert(0 if trusted else len(good), found)
    if not good:
        raise faults[0]
    return good[0]


def _open_signature(entry: Mapping[str, Any], payload: str, where: str, at: int, admit: Admission) -> Flow[SignedRequest]:
    protected = reader.get_str(entry, "protected", where, max_length=MAX_REQUEST)
    header = strict_json.load_object(base64url.decode(protected, where=f"{where}/protected"), where=where)
    moved = {name: header[name] for name in _IN_HEADERS if name in header}
    token = f"{protected}.{payload}.{reader.get_str(entry, 'signature', where, max_length=1_024)}"
    return (yield from _by(token, reader.get_str(header, "client_id", where), moved, at, admit))


def _by(token: str, client_id: str, moved: Mapping[str, Any] | None, at: int, admit: Admission) -> Flow[SignedRequest]:
    if parse_client_id(client_id, "/client_id").prefix is Prefix.REDIRECT_URI:
        raise InvalidRequest("who is named by an address cannot sign", where="/client_id")
    return (yield from open_request(token, client_id=client_id, at=at, admit=admit, moved=moved))
