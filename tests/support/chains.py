"""Certificates of any shape, by another hand than ours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID
from support.signing import AT

from shared.clock import DAY
from shared.keys import Role
from shared.trust.federation import FederatedIssuer
from shared.x509 import Cert, load_certificate
from shared.x509.certificate import DOCUMENT_SIGNER, ROLE_OIDS


@dataclass(frozen=True)
class Authority:
    key: ec.EllipticCurvePrivateKey
    cert: x509.Certificate

    @property
    def ours(self) -> Cert:
        return load_certificate(der(self.cert))


def der(cert: x509.Certificate) -> bytes:
    return cert.public_bytes(serialization.Encoding.DER)


def name(common: str, *, country: Sequence[str] = (), province: str | None = None) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COUNTRY_NAME, each) for each in country]
    parts += [] if province is None else [x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, province)]
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def usage(**allowed: bool) -> x509.KeyUsage:
    all_off = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return x509.KeyUsage(**{**all_off, **allowed})


def made(
    subject: str | x509.Name,
    key: Any,
    issuer: Authority | None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]],
    *,
    start: int = AT - DAY,
    end: int = AT + 365 * DAY,
    signing_key: Any = None,
    issuer_name: str | None = None,
    digest: hashes.SHA224 | hashes.SHA256 | hashes.SHA384 | None = None,
    key_id: Any = None,
) -> x509.Certificate:
    signer = signing_key or (issuer.key if issuer else key)
    own = subject if isinstance(subject, x509.Name) else name(subject)
    builder = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(name(issuer_name) if issuer_name else issuer.cert.subject if issuer else own)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dt.datetime.fromtimestamp(start, dt.UTC))
        .not_valid_after(dt.datetime.fromtimestamp(end, dt.UTC))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key_id or signer.public_key()), critical=False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else digest or hashes.SHA256())


def authority(
    subject: str,
    issuer: Authority | None = None,
    *,
    path_length: int | None = None,
    more: Sequence[tuple[x509.ExtensionType, bool]] = (),
    **options: Any,
) -> Authority:
    key = options.pop("key", None) or ec.generate_private_key(ec.SECP256R1())
    base: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=True, path_length=path_length), True),
        (usage(key_cert_sign=True, crl_sign=True), True),
    ]
    return Authority(key, made(subject, key, issuer, [*base, *more], **options))


def end_entity(
    issuer: Authority,
    *,
    key: Any = None,
    usages: Sequence[x509.ObjectIdentifier] = (ROLE_OIDS[Role.CREDENTIAL_ISSUER],),
    key_usage: x509.KeyUsage | None = None,
    names: Sequence[x509.GeneralName] = (x509.UniformResourceIdentifier("https://issuer.example"),),
    more: Sequence[tuple[x509.ExtensionType, bool]] = (),
    **options: Any,
) -> bytes:
    extensions: list[tuple[x509.ExtensionType, bool]] = [(key_usage or usage(digital_signature=True), True), *more]
    if usages:
        extensions.append((x509.ExtendedKeyUsage(usages), False))
    if names:
        extensions.append((x509.SubjectAlternativeName(names), False))
    return der(made("Foreign leaf", key or ec.generate_private_key(ec.SECP256R1()), issuer, extensions, **options))


# --- ISO/IEC 18013-5 annex B --------------------------------------------------------------------------------------------------------------

LASTING: dict[str, Any] = {"start": AT - 400 * DAY, "end": AT + 3_000 * DAY}
_HARMLESS = [(x509.IssuerAlternativeName([x509.RFC822Name("iaca@utopia.example")]), False)]


def iaca(
    *,
    country: Sequence[str] = ("GB",),
    province: str | None = None,
    limits: tuple[x509.ExtensionType, bool] | None = (x509.BasicConstraints(ca=True, path_length=0), True),
    uses: tuple[x509.ExtensionType, bool] | None = (usage(key_cert_sign=True, crl_sign=True), True),
    more: Sequence[tuple[x509.ExtensionType, bool]] = (),
    common: str = "Utopia IACA",
    **options: Any,
) -> Authority:
    """An authority over document signers that knows nothing of our roles."""
    key = options.pop("key", None) or ec.generate_private_key(ec.SECP256R1())
    extensions = [*_HARMLESS, *more, *(each for each in (limits, uses) if each is not None)]
    subject = name(common, country=country, province=province)
    return Authority(key, made(subject, key, None, extensions, **{**LASTING, **options}))


def document_signer(
    issuer: Authority,
    *,
    country: Sequence[str] = ("GB",),
    province: str | None = None,
    uses: tuple[x509.ExtensionType, bool] | None = (usage(digital_signature=True), True),
    purposes: tuple[x509.ExtensionType, bool] | None = (x509.ExtendedKeyUsage([DOCUMENT_SIGNER]), True),
    more: Sequence[tuple[x509.ExtensionType, bool]] = (),
    **options: Any,
) -> bytes:
    """A document signer with neither a role of ours nor a URI."""
    key = options.pop("key", None) or ec.generate_private_key(ec.SECP256R1())
    extensions = [*_HARMLESS, *more, *(each for each in (uses, purposes) if each is not None)]
    subject = name("Utopia DS", country=country, province=province)
    return der(made(subject, key, issuer, extensions, **{"start": AT - 60 * DAY, "end": AT + 300 * DAY, **options}))


def named(issuer: Cert | FederatedIssuer) -> tuple[str, ...]:
    """Whom the certificate names that carried an issuer; one that a federation carries is none."""
    assert isinstance(issuer, Cert)
    return issuer.uris
