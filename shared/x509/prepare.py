"""Making certificates with a key that we do not hold.

``cryptography`` builds a certificate only together with its signature. So it builds one with a key that is thrown away, of the algorithm
of the real key; of that we keep the part to be signed (``TBSCertificate``, RFC 5280 section 4.1), have the custodian sign it, and put
the three parts together: ``SEQUENCE { tbs, AlgorithmIdentifier, BIT STRING signature }``. The result is read again and checked.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509.oid import NameOID

from ..clock import DAY, floor_day
from ..errors import AlgorithmRefused, BadSignature, Malformed
from ..keys import ALGORITHMS, KeyId, PublicKey, Role, Unsigned
from .certificate import DOCUMENT_SIGNER, ROLE_OIDS, Cert, extension, load_certificate

CERTIFICATE_TYP = "x509-certificate"

# Verifiers that know nothing of our roles look for the document signer's purpose on whoever signs credentials.
_USAGES: dict[Role, tuple[x509.ObjectIdentifier, ...]] = {
    Role.CREDENTIAL_ISSUER: (ROLE_OIDS[Role.CREDENTIAL_ISSUER], DOCUMENT_SIGNER),
    Role.RELYING_PARTY: (ROLE_OIDS[Role.RELYING_PARTY],),
    Role.BUNDLE: (ROLE_OIDS[Role.BUNDLE],),
    Role.WALLET_PROVIDER: (ROLE_OIDS[Role.WALLET_PROVIDER],),
}

# ecdsa-with-SHA256 and -SHA384 (RFC 5758 section 3.2), as complete AlgorithmIdentifiers.
_ALGORITHM_IDENTIFIERS = {
    "ES256": bytes.fromhex("300a06082a8648ce3d040302"),
    "ES384": bytes.fromhex("300a06082a8648ce3d040303"),
}
_SIGNING: dict[str, tuple[ec.EllipticCurve, hashes.SHA256 | hashes.SHA384]] = {
    "ES256": (ec.SECP256R1(), hashes.SHA256()),
    "ES384": (ec.SECP384R1(), hashes.SHA384()),
}
_EARLY = 300  # seconds that other clocks may lag
_COUNTRY = re.compile("[A-Z]{2}")
LEAF_USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
ANCHOR_USAGE = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def prepare_anchor(
    *,
    subject: str,
    public: PublicKey,
    key: KeyId,
    at: int,
    days: int,
    serial: int,
    path_length: int | None = 0,
    uri: str = "",
    country: str = "",
) -> Unsigned[bytes]:
    """A self-signed certificate that may certify leaves (and ``path_length`` further authorities below it).

    ``subject`` is a common name of 1 to 64 characters, ``serial`` a positive number of at most 159 random bits. ``uri`` is where its owner
    is reached and ``country`` (ISO 3166-1, two letters) where it is, which ISO/IEC 18013-5 annex B demands of an authority over document
    signers.
    """
    name = _name(subject, country)
    builder = (
        _builder(name=name, issuer=name, public=public, at=at, days=days, serial=serial)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(ANCHOR_USAGE, critical=True)
    )
    if uri:
        builder = builder.add_extension(x509.IssuerAlternativeName([_uri(uri)]), critical=False)
    return _unsigned(builder, key, public)


def prepare_leaf(
    *,
    subject: str,
    uris: Sequence[str],
    dns: Sequence[str] = (),
    role: Role,
    public: PublicKey,
    issuer: Cert,
    key: KeyId,
    at: int,
    days: int,
    serial: int,
    crl_url: str | None = None,
) -> Unsigned[bytes]:
    """A certificate by ``issuer``, whose key ``key`` is, for the key ``public`` in exactly one ``role`` that is an end of a chain.

    ``uris`` holds the entity's identifier, which others look for as the ``iss`` of what it signs. The leaf is in the country of ``issuer``.
    """
    if role not in _USAGES:
        raise Malformed(f"a {role} key has no leaf certificate", where="/role")
    names = [*map(_uri, uris), *map(_dns, dns)]
    builder = (
        _builder(name=_name(subject, _country(issuer)), issuer=issuer.parsed.subject, public=public, at=at, days=days, serial=serial)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(LEAF_USAGE, critical=True)
        .add_extension(x509.ExtendedKeyUsage(_USAGES[role]), critical=role is Role.CREDENTIAL_ISSUER)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(issuer.subject_key_id, None, None), critical=False)
    )
    if role is Role.CREDENTIAL_ISSUER:  # annex B again: who is answerable for the signer
        owner = extension(issuer.parsed, x509.IssuerAlternativeName)
        builder = builder.add_extension(owner or x509.IssuerAlternativeName(names[:1]), critical=False)
    if crl_url is not None:
        point = x509.DistributionPoint([_uri(crl_url)], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    return _unsigned(builder, key, issuer.public)


def _builder(*, name: x509.Name, issuer: x509.Name, public: PublicKey, at: int, days: int, serial: int) -> x509.CertificateBuilder:
    try:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer)
            .public_key(public.key)
            .serial_number(serial)
            .not_valid_before(
                instant(floor_day(at - _EARLY))
            )  # a document is dated by its day, and no certificate is younger than what it signs
            .not_valid_after(instant(at + days * DAY))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public.key), critical=False)
        )
    except (ValueError, OverflowError) as error:
        raise Malformed("not a possible serial number or period of validity") from error


def _unsigned(builder: x509.CertificateBuilder, key: KeyId, signer: PublicKey) -> Unsigned[bytes]:
    private, digest = throwaway(signer)
    tbs = builder.sign(private, digest).tbs_certificate_bytes

    def check(der: bytes, signature: bytes) -> None:
        signer.verify(signature, load_certificate(der).parsed.tbs_certificate_bytes)

    return Unsigned(key=key, typ=CERTIFICATE_TYP, signing_input=tbs, complete=completer(tbs, signer, check))


def throwaway(signer: PublicKey) -> tuple[ec.EllipticCurvePrivateKey, hashes.SHA256 | hashes.SHA384]:
    """The private key 1 on the curve of ``signer``: nothing secret, its signature is thrown away."""
    if signer.alg not in _SIGNING:
        raise AlgorithmRefused("certificates are signed with P-256 and P-384 keys only")
    curve, digest = _SIGNING[signer.alg]
    return ec.derive_private_key(1, curve), digest


def completer(tbs: bytes, signer: PublicKey, check: Callable[[bytes, bytes], None]) -> Callable[[bytes], bytes]:
    """Take a raw r||s, give the whole DER object, after ``check(der, signature)`` has read and verified it."""
    size = ALGORITHMS[signer.alg].size

    def complete(signature: bytes) -> bytes:
        if len(signature) != size:
            raise BadSignature("the custodian's signature does not have the length of its algorithm")
        r, s = (int.from_bytes(half, "big") for half in (signature[: size // 2], signature[size // 2 :]))
        bits = _tlv(0x03, b"\x00" + encode_dss_signature(r, s))  # RFC 3279 section 2.2.3, no unused bits
        der = _tlv(0x30, tbs + _ALGORITHM_IDENTIFIERS[signer.alg] + bits)
        check(der, signature)
        return der

    return complete


def _tlv(tag: int, content: bytes) -> bytes:
    """One DER element: tag, definite length in the fewest bytes, content (X.690 section 10.1)."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def instant(at: int) -> dt.datetime:
    """``at`` as the library wants it."""
    return dt.datetime.fromtimestamp(at, dt.UTC)


def _name(subject: str, country: str = "") -> x509.Name:
    if country and not _COUNTRY.fullmatch(country):
        raise Malformed("a country has two capital letters, as in ISO 3166-1", where="/country")
    where = [x509.NameAttribute(NameOID.COUNTRY_NAME, country)] if country else []
    try:
        return x509.Name([*where, x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    except ValueError as error:
        raise Malformed("a name in a certificate has 1 to 64 characters", where="/subject") from error


def _country(cert: Cert) -> str:
    return next((str(each.value) for each in cert.parsed.subject.get_attributes_for_oid(NameOID.COUNTRY_NAME)), "")


def _uri(text: str) -> x509.UniformResourceIdentifier:
    try:
        return x509.UniformResourceIdentifier(text)
    except ValueError as error:
        raise Malformed("an address in a certificate is plain ASCII", where="/uris") from error


def _dns(text: str) -> x509.DNSName:
    try:
        return x509.DNSName(text)
    except ValueError as error:
        raise Malformed("a host name in a certificate is plain ASCII", where="/dns") from error
