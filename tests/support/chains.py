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
from shared.x509 import Cert, load_certificate
from shared.x509.certificate import ROLE_OIDS


@dataclass(frozen=True)
class Authority:
    key: ec.EllipticCurvePrivateKey
    cert: x509.Certificate

    @property
    def ours(self) -> Cert:
        return load_certificate(der(self.cert))


def der(cert: x509.Certificate) -> bytes:
    return cert.public_bytes(serialization.Encoding.DER)


def name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


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
    subject: str,
    key: Any,
    issuer: Authority | None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]],
    *,
    start: int = AT - DAY,
    end: int = AT + 365 * DAY,
    signing_key: Any = None,
    issuer_name: str | None = None,
) -> x509.Certificate:
    signer = signing_key or (issuer.key if issuer else key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer_name) if issuer_name else issuer.cert.subject if issuer else name(subject))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dt.datetime.fromtimestamp(start, dt.UTC))
        .not_valid_after(dt.datetime.fromtimestamp(end, dt.UTC))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256())


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
