"""What an authorization server publishes about itself (RFC 8414, OpenID4VCI 1.0 section 12.3; HAIP 1.0 section 4)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ..codec import reader, strict_json
from ..errors import Malformed
from ..oauth import ATTEST_AUTH, METHOD
from ..urls import check_https, check_identifier
from ._offer import PRE_AUTHORIZED

SERVER_DOCUMENT = "oauth-authorization-server"
AUTHORIZATION_CODE = "authorization_code"
_MAX_METADATA = 1_000_000  # bytes
_MAX_ITEMS = 256
_CODE_DEFAULTS = ("authorization_code", "implicit")  # RFC 8414 section 2


@dataclass(frozen=True, slots=True, kw_only=True)
class AsMetadata:
    """An authorization server; ``anonymous``: no client id is needed for a pre-authorized code.

    ``names_itself`` is the promise of ``iss`` in authorization responses (RFC 9207). Empty lists are left out of the document.
    """

    issuer: str
    token_endpoint: str
    grant_types: tuple[str, ...] = (PRE_AUTHORIZED, "refresh_token")
    anonymous: bool = True
    authorization_endpoint: str | None = None
    par_endpoint: str | None = None
    requires_par: bool = False
    challenge_endpoint: str | None = None
    jwks_uri: str | None = None
    names_itself: bool = False
    response_types: tuple[str, ...] = ()
    response_modes: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    detail_types: tuple[str, ...] = ()
    pkce_methods: tuple[str, ...] = ()
    auth_methods: tuple[str, ...] = ("none",)
    dpop_algs: tuple[str, ...] = ()
    attestation_algs: tuple[str, ...] = ()
    attestation_pop_algs: tuple[str, ...] = ()

    @property
    def attests(self) -> bool:
        """Whether clients prove who made them (draft-ietf-oauth-attestation-based-client-auth section 10.1)."""
        return ATTEST_AUTH in self.auth_methods

    @property
    def takes_codes(self) -> bool:
        """Whether a wallet of high assurance can sign somebody in here (FAPI 2.0 section 5.3.2, HAIP 1.0 section 4).

        Pushed requests and S256, its name in its answers, without which servers can be mixed up, and tokens that are tied to a key.
        """
        return (
            AUTHORIZATION_CODE in self.grant_types
            and self.authorization_endpoint is not None
            and self.par_endpoint is not None
            and METHOD in self.pkce_methods
            and self.names_itself
            and bool(self.dpop_algs)
        )


_LISTS = {
    "response_types_supported": "response_types",
    "response_modes_supported": "response_modes",
    "scopes_supported": "scopes",
    "authorization_details_types_supported": "detail_types",
    "code_challenge_methods_supported": "pkce_methods",
    "dpop_signing_alg_values_supported": "dpop_algs",
    "client_attestation_signing_alg_values_supported": "attestation_algs",
    "client_attestation_pop_signing_alg_values_supported": "attestation_pop_algs",
}
_ADDRESSES = {
    "authorization_endpoint": "authorization_endpoint",
    "pushed_authorization_request_endpoint": "par_endpoint",
    "challenge_endpoint": "challenge_endpoint",
    "jwks_uri": "jwks_uri",
}
_FLAGS = {
    "require_pushed_authorization_requests": "requires_par",
    "authorization_response_iss_parameter_supported": "names_itself",
    "pre-authorized_grant_anonymous_access_supported": "anonymous",
}


def parse_as_metadata(data: bytes | str, *, issuer: str, plain_http: Collection[str] = ()) -> AsMetadata:
    """An authorization server's document; refused unless its ``issuer`` is exactly the one asked for (RFC 8414 section 3.3)."""
    doc = strict_json.load_object(data, max_bytes=_MAX_METADATA)
    if reader.get_str(doc, "issuer") != issuer:
        raise Malformed("the metadata belong to another authorization server", where="/issuer")
    check_identifier(issuer, where="/issuer", plain_http=plain_http)
    members: dict[str, Any] = {own: _strings(doc, name) for name, own in _LISTS.items()}
    members |= {own: _address(doc, name, plain_http) for name, own in _ADDRESSES.items()}
    members |= {own: reader.get_bool(doc, name, optional=True) or False for name, own in _FLAGS.items()}
    return AsMetadata(
        issuer=issuer,
        token_endpoint=check_https(reader.get_str(doc, "token_endpoint"), where="/token_endpoint", plain_http=plain_http),
        grant_types=_strings(doc, "grant_types_supported") or _CODE_DEFAULTS,
        auth_methods=_strings(doc, "token_endpoint_auth_methods_supported") or ("client_secret_basic",),
        **members,
    )


def _strings(doc: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return reader.get_strings(doc, name, optional=True, max_items=_MAX_ITEMS) or ()


def _address(doc: Mapping[str, Any], name: str, plain_http: Collection[str]) -> str | None:
    url = reader.get_str(doc, name, optional=True)
    return None if url is None else check_https(url, where=f"/{name}", plain_http=plain_http)


def render_as_metadata(metadata: AsMetadata) -> dict[str, Any]:
    """The document for ``/.well-known/oauth-authorization-server``; a server without redirects has no response types (section 12.3)."""
    lists = {name: list(getattr(metadata, own)) for name, own in _LISTS.items()}
    addresses = {name: getattr(metadata, own) for name, own in _ADDRESSES.items()}
    return {
        "issuer": metadata.issuer,
        "token_endpoint": metadata.token_endpoint,
        "grant_types_supported": list(metadata.grant_types),
        "token_endpoint_auth_methods_supported": list(metadata.auth_methods),
        **{name: url for name, url in addresses.items() if url is not None},
        **{name: values for name, values in lists.items() if values},
        "response_types_supported": list(metadata.response_types),
        **{name: getattr(metadata, own) for name, own in _FLAGS.items()},
    }
