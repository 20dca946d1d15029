"""What an issuer and its authorization server publish about themselves (OpenID4VCI 1.0 section 12, RFC 8414)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..codec import reader, strict_json
from ..errors import Malformed
from ..urls import check_https, check_identifier
from ._offer import PRE_AUTHORIZED

ISSUER_DOCUMENT = "openid-credential-issuer"
SERVER_DOCUMENT = "oauth-authorization-server"
_MAX_METADATA = 1_000_000  # bytes
_MAX_ITEMS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One entry of ``credential_configurations_supported``: type x format x algorithms."""

    id: str
    format: str
    vct: str | None = None  # dc+sd-jwt
    types: tuple[str, ...] = ()  # credential_definition.type of the W3C formats
    doctype: str | None = None  # mso_mdoc
    scope: str | None = None
    signing_algs: tuple[str | int, ...] = ()
    binding_methods: tuple[str, ...] = ()
    proof_algs: tuple[str, ...] = ()  # of the ``jwt`` proof type; empty = the type is not offered
    needs_attestation: bool = False  # key attestations, which a software wallet does not have
    metadata: Mapping[str, Any] = field(default_factory=dict)  # credential_metadata: display, claims

    @property
    def bound(self) -> bool:
        """Whether copies are tied to a holder's key, which then has to be proved."""
        return bool(self.binding_methods)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerMetadata:
    issuer: str
    credential_endpoint: str
    configurations: Mapping[str, Configuration]
    authorization_servers: tuple[str, ...] = ()  # empty = the issuer itself
    nonce_endpoint: str | None = None
    notification_endpoint: str | None = None
    deferred_endpoint: str | None = None
    batch_size: int = 1  # copies a request
    needs_encryption: bool = False
    display: tuple[Mapping[str, Any], ...] = ()

    def name(self, locale: str = "en") -> str | None:
        """The issuer's own word for itself, in ``locale`` or the nearest; untrusted text."""
        return _display_name(self.display, locale)


@dataclass(frozen=True, slots=True, kw_only=True)
class AsMetadata:
    """An authorization server (RFC 8414); ``anonymous``: no client id is needed for a pre-authorized code."""

    issuer: str
    token_endpoint: str
    grant_types: tuple[str, ...] = (PRE_AUTHORIZED, "refresh_token")
    anonymous: bool = True


def _display_name(display: tuple[Mapping[str, Any], ...], locale: str) -> str | None:
    def rank(entry: Mapping[str, Any]) -> tuple[bool, bool]:
        own = str(entry.get("locale", ""))
        return (own.partition("-")[0] != locale.partition("-")[0], own != locale)

    names = [entry for entry in sorted(display, key=rank) if isinstance(entry.get("name"), str)]
    return str(names[0]["name"])[:200] if names else None


def parse_issuer_metadata(data: bytes | str, *, issuer: str, plain_http: Collection[str] = ()) -> IssuerMetadata:
    """The issuer's document; refused unless it says exactly the identifier that it was asked for (section 12.2.4)."""
    doc = strict_json.load_object(data, max_bytes=_MAX_METADATA)
    if reader.get_str(doc, "credential_issuer") != issuer:
        raise Malformed("the issuer's metadata belong to another issuer", where="/credential_issuer")
    check_identifier(issuer, where="/credential_issuer", plain_http=plain_http)
    configurations = reader.get_object(doc, "credential_configurations_supported")
    if len(configurations) > _MAX_ITEMS:
        raise Malformed("the issuer offers too many kinds of document", where="/credential_configurations_supported")
    return IssuerMetadata(
        issuer=issuer,
        credential_endpoint=check_https(reader.get_str(doc, "credential_endpoint"), where="/credential_endpoint", plain_http=plain_http),
        configurations={
            name: _configuration(name, reader.get_object(configurations, name, "/credential_configurations_supported"))
            for name in configurations
        },
        authorization_servers=_servers(doc, plain_http),
        nonce_endpoint=_endpoint(doc, "nonce_endpoint", plain_http),
        notification_endpoint=_endpoint(doc, "notification_endpoint", plain_http),
        deferred_endpoint=_endpoint(doc, "deferred_credential_endpoint", plain_http),
        batch_size=_batch_size(doc),
        needs_encryption=_needs_encryption(doc),
        display=reader.get_objects(doc, "display", optional=True, max_items=_MAX_ITEMS) or (),
    )


def _servers(doc: Mapping[str, Any], plain_http: Collection[str]) -> tuple[str, ...]:
    servers = reader.get_strings(doc, "authorization_servers", optional=True, max_items=_MAX_ITEMS) or ()
    for position, server in enumerate(servers):
        check_identifier(server, where=f"/authorization_servers/{position}", plain_http=plain_http)
    return servers


def _endpoint(doc: Mapping[str, Any], name: str, plain_http: Collection[str]) -> str | None:
    url = reader.get_str(doc, name, optional=True)
    return None if url is None else check_https(url, where=f"/{name}", plain_http=plain_http)


def _batch_size(doc: Mapping[str, Any]) -> int:
    batch = reader.get_object(doc, "batch_credential_issuance", optional=True)
    if batch is None:
        return 1
    return reader.get_int(batch, "batch_size", "/batch_credential_issuance", minimum=2)


def _needs_encryption(doc: Mapping[str, Any]) -> bool:
    either = ("credential_request_encryption", "credential_response_encryption")
    return any(
        reader.get_bool(part, "encryption_required", f"/{name}")
        for name in either
        if (part := reader.get_object(doc, name, optional=True)) is not None
    )


def _configuration(id_: str, entry: Mapping[str, Any]) -> Configuration:
    where = reader.pointer("/credential_configurations_supported", id_)
    methods = reader.get_strings(entry, "cryptographic_binding_methods_supported", where, optional=True, max_items=_MAX_ITEMS) or ()
    proof_types = reader.get_object(entry, "proof_types_supported", where, optional=True)
    proof = reader.get_object(proof_types or {}, "jwt", f"{where}/proof_types_supported", optional=True)
    definition = reader.get_object(entry, "credential_definition", where, optional=True)
    metadata = reader.get_object(entry, "credential_metadata", where, optional=True) or {}
    for name in ("display", "claims"):
        reader.get_objects(metadata, name, f"{where}/credential_metadata", optional=True, max_items=_MAX_ITEMS)
    return Configuration(
        id=id_,
        format=reader.get_str(entry, "format", where),
        vct=reader.get_str(entry, "vct", where, optional=True),
        types=_types(definition, f"{where}/credential_definition"),
        doctype=reader.get_str(entry, "doctype", where, optional=True),
        scope=reader.get_str(entry, "scope", where, optional=True),
        signing_algs=_signing_algs(entry, where),
        binding_methods=methods,
        proof_algs=_proof_algs(proof, f"{where}/proof_types_supported/jwt"),
        needs_attestation=proof is not None and "key_attestations_required" in proof,
        metadata=metadata,
    )


def _types(definition: Mapping[str, Any] | None, where: str) -> tuple[str, ...]:
    return reader.get_strings(definition or {}, "type", where, optional=True, max_items=_MAX_ITEMS) or ()


def _proof_algs(proof: Mapping[str, Any] | None, where: str) -> tuple[str, ...]:
    return () if proof is None else reader.get_strings(proof, "proof_signing_alg_values_supported", where, max_items=_MAX_ITEMS)


def _signing_algs(entry: Mapping[str, Any], where: str) -> tuple[str | int, ...]:
    """JOSE names, or COSE numbers for ``mso_mdoc`` (appendix A.2.2)."""
    algs = reader.get_list(entry, "credential_signing_alg_values_supported", where, optional=True, max_items=_MAX_ITEMS) or []
    if not all(isinstance(alg, str | int) for alg in algs):
        raise Malformed("an algorithm is a name or a number", where=f"{where}/credential_signing_alg_values_supported")
    return tuple(algs)


def render_issuer_metadata(metadata: IssuerMetadata) -> dict[str, Any]:
    """The document for ``/.well-known/openid-credential-issuer`` (inserted: ``shared.urls.well_known``)."""
    doc: dict[str, Any] = {"credential_issuer": metadata.issuer}
    if metadata.authorization_servers:
        doc["authorization_servers"] = list(metadata.authorization_servers)
    doc["credential_endpoint"] = metadata.credential_endpoint
    endpoints = {
        "nonce_endpoint": metadata.nonce_endpoint,
        "notification_endpoint": metadata.notification_endpoint,
        "deferred_credential_endpoint": metadata.deferred_endpoint,
    }
    doc.update({name: url for name, url in endpoints.items() if url is not None})
    if metadata.batch_size > 1:
        doc["batch_credential_issuance"] = {"batch_size": metadata.batch_size}
    if metadata.display:
        doc["display"] = [dict(entry) for entry in metadata.display]
    doc["credential_configurations_supported"] = {
        name: _render_configuration(configuration) for name, configuration in metadata.configurations.items()
    }
    return doc


def _render_configuration(configuration: Configuration) -> dict[str, Any]:
    optional: dict[str, Any] = {
        "scope": configuration.scope,
        "vct": configuration.vct,
        "doctype": configuration.doctype,
        "credential_definition": {"type": list(configuration.types)} if configuration.types else None,
        "credential_signing_alg_values_supported": list(configuration.signing_algs) or None,
        "cryptographic_binding_methods_supported": list(configuration.binding_methods) or None,
        "proof_types_supported": _render_proof_types(configuration) if configuration.bound else None,
        "credential_metadata": dict(configuration.metadata) or None,
    }
    return {"format": configuration.format} | {name: value for name, value in optional.items() if value is not None}


def _render_proof_types(configuration: Configuration) -> dict[str, Any]:
    return {"jwt": {"proof_signing_alg_values_supported": list(configuration.proof_algs)}}


def parse_as_metadata(data: bytes | str, *, issuer: str, plain_http: Collection[str] = ()) -> AsMetadata:
    """An authorization server's document; refused unless its ``issuer`` is exactly the one asked for (RFC 8414 section 3.3)."""
    doc = strict_json.load_object(data, max_bytes=_MAX_METADATA)
    if reader.get_str(doc, "issuer") != issuer:
        raise Malformed("the metadata belong to another authorization server", where="/issuer")
    check_identifier(issuer, where="/issuer", plain_http=plain_http)
    grants = reader.get_strings(doc, "grant_types_supported", optional=True, max_items=_MAX_ITEMS)
    return AsMetadata(
        issuer=issuer,
        token_endpoint=check_https(reader.get_str(doc, "token_endpoint"), where="/token_endpoint", plain_http=plain_http),
        grant_types=grants or ("authorization_code", "implicit"),  # RFC 8414 section 2: the default
        anonymous=reader.get_bool(doc, "pre-authorized_grant_anonymous_access_supported", optional=True) or False,
    )


def render_as_metadata(metadata: AsMetadata) -> dict[str, Any]:
    """The document for ``/.well-known/oauth-authorization-server``; a server without redirects has no response types (section 12.3)."""
    return {
        "issuer": metadata.issuer,
        "token_endpoint": metadata.token_endpoint,
        "grant_types_supported": list(metadata.grant_types),
        "token_endpoint_auth_methods_supported": ["none"],
        "response_types_supported": [],
        "pre-authorized_grant_anonymous_access_supported": metadata.anonymous,
    }
