"""What an issuer publishes about itself (OpenID4VCI 1.0 section 12.2), plain or signed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..codec import reader, strict_json
from ..errors import Malformed, WrongTyp
from ..jose import jwt
from ..keys import KeyId, Unsigned
from ..oauth import CheckProvider
from ..urls import check_https, check_identifier
from ..x509 import parse_x5c, x5c_header
from ._encryption import (
    RequestEncryption,
    ResponseEncryption,
    parse_request_encryption,
    parse_response_encryption,
    render_request_encryption,
    render_response_encryption,
)
from ._key_attestation import KeyDemand, parse_demand, render_demand

ISSUER_DOCUMENT = "openid-credential-issuer"
METADATA_TYP = "openidvci-issuer-metadata+jwt"
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
    key_demand: KeyDemand | None = None  # a key attestation in each ``jwt`` proof
    attestation_algs: tuple[str, ...] = ()  # of the ``attestation`` proof type; empty = the type is not offered
    attestation_demand: KeyDemand | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)  # credential_metadata: display, claims

    @property
    def bound(self) -> bool:
        """Whether copies are tied to a holder's key, which then has to be proved."""
        return bool(self.binding_methods)

    @property
    def needs_attestation(self) -> bool:
        """Whether a ``jwt`` proof has to say where its key is held, which a wallet cannot say of itself."""
        return self.key_demand is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerMetadata:
    issuer: str
    credential_endpoint: str
    configurations: Mapping[str, Configuration]
    authorization_servers: tuple[str, ...] = ()  # empty = the issuer itself
    nonce_endpoint: str | None = None
    notification_endpoint: str | None = None
    deferred_endpoint: str | None = None
    correction_endpoint: str | None = None  # ours: where holders say that a detail is wrong
    batch_size: int = 1  # copies a request
    request_encryption: RequestEncryption | None = None
    response_encryption: ResponseEncryption | None = None
    display: tuple[Mapping[str, Any], ...] = ()

    @property
    def needs_encryption(self) -> bool:
        """Whether requests or answers have to be encrypted."""
        return any(each is not None and each.required for each in (self.request_encryption, self.response_encryption))

    def name(self, locale: str = "en") -> str | None:
        """The issuer's own word for itself, in ``locale`` or the nearest; untrusted text."""
        return _display_name(self.display, locale)


def _display_name(display: tuple[Mapping[str, Any], ...], locale: str) -> str | None:
    def rank(entry: Mapping[str, Any]) -> tuple[bool, bool]:
        own = str(entry.get("locale", ""))
        return (own.partition("-")[0] != locale.partition("-")[0], own != locale)

    names = [entry for entry in sorted(display, key=rank) if isinstance(entry.get("name"), str)]
    return str(names[0]["name"])[:200] if names else None


def parse_issuer_metadata(data: bytes | str, *, issuer: str, plain_http: Collection[str] = ()) -> IssuerMetadata:
    """The issuer's document; refused unless it says exactly the identifier that it was asked for (section 12.2.4)."""
    return _read(strict_json.load_object(data, max_bytes=_MAX_METADATA), issuer, plain_http)


def _read(doc: Mapping[str, Any], issuer: str, plain_http: Collection[str]) -> IssuerMetadata:
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
        correction_endpoint=_endpoint(doc, "correction_endpoint", plain_http),
        batch_size=_batch_size(doc),
        request_encryption=parse_request_encryption(doc),
        response_encryption=parse_response_encryption(doc),
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


def _configuration(id_: str, entry: Mapping[str, Any]) -> Configuration:
    where = reader.pointer("/credential_configurations_supported", id_)
    methods = reader.get_strings(entry, "cryptographic_binding_methods_supported", where, optional=True, max_items=_MAX_ITEMS) or ()
    proof_types = reader.get_object(entry, "proof_types_supported", where, optional=True) or {}
    proof_algs, key_demand = _proof_type(proof_types, "jwt", f"{where}/proof_types_supported")
    attestation_algs, attestation_demand = _proof_type(proof_types, "attestation", f"{where}/proof_types_supported")
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
        proof_algs=proof_algs,
        key_demand=key_demand,
        attestation_algs=attestation_algs,
        attestation_demand=attestation_demand,
        metadata=metadata,
    )


def _types(definition: Mapping[str, Any] | None, where: str) -> tuple[str, ...]:
    return reader.get_strings(definition or {}, "type", where, optional=True, max_items=_MAX_ITEMS) or ()


def _proof_type(types: Mapping[str, Any], name: str, where: str) -> tuple[tuple[str, ...], KeyDemand | None]:
    """The algorithms of one proof type, none where it is not offered, and what its keys have to be attested as."""
    proof = reader.get_object(types, name, where, optional=True)
    if proof is None:
        return (), None
    algs = reader.get_strings(proof, "proof_signing_alg_values_supported", f"{where}/{name}", max_items=_MAX_ITEMS)
    return algs, parse_demand(proof, f"{where}/{name}")


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
        "correction_endpoint": metadata.correction_endpoint,
    }
    doc.update({name: url for name, url in endpoints.items() if url is not None})
    if metadata.request_encryption is not None:
        doc["credential_request_encryption"] = render_request_encryption(metadata.request_encryption)
    if metadata.response_encryption is not None:
        doc["credential_response_encryption"] = render_response_encryption(metadata.response_encryption)
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
    offered = {
        "jwt": (configuration.proof_algs, configuration.key_demand),
        "attestation": (configuration.attestation_algs, configuration.attestation_demand),
    }
    return {
        name: {"proof_signing_alg_values_supported": list(algs)} | ({} if demand is None else render_demand(demand))
        for name, (algs, demand) in offered.items()
        if algs
    }


# --- signed (section 12.2.3) -----------------------------------------------------------------------------------------------------------


def prepare_signed_metadata(
    metadata: IssuerMetadata, *, key: KeyId, alg: str, x5c: Sequence[bytes], at: int, expires_at: int | None = None
) -> Unsigned[str]:
    """The same document as a JWT, lacking its signature: for whoever asks for ``application/jwt``."""
    claims = render_issuer_metadata(metadata) | {"sub": metadata.issuer, "iat": at}
    if expires_at is not None:
        claims["exp"] = expires_at
    return jwt.prepare_jwt(claims, typ=METADATA_TYP, key=key, alg=alg, header={"x5c": x5c_header(x5c)})


def verify_signed_metadata(
    token: str, *, issuer: str, check_signer: CheckProvider, at: int, plain_http: Collection[str] = ()
) -> IssuerMetadata:
    """The document, if ``check_signer`` (chain, time) knows who signed it; ``Malformed`` or ``Rejected`` otherwise, and nothing is used."""
    parsed = jwt.parse_jwt(token, max_bytes=_MAX_METADATA)
    if parsed.jws.typ != METADATA_TYP:
        raise WrongTyp("these are no signed metadata", where="/typ")
    signer = check_signer(parse_x5c(parsed.header.get("x5c"), "/x5c"), at)
    claims = jwt.verify_jwt(parsed, signer.public, typ=METADATA_TYP, at=at)
    jwt.get_time(claims, "iat")
    if reader.get_str(claims, "sub") != issuer:
        raise Malformed("the signed metadata are about another issuer", where="/sub")
    return _read(claims, issuer, plain_http)
