"""One certificate, read once and kept as plain facts; and the two ways in which certificates travel, ``x5c`` and PEM."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

import pybase64
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import NameOID

from ..errors import Malformed, TooLarge, VcError
from ..keys import PublicKey, Role

# A placeholder arc of our own: 2.25 takes any UUID as a number without asking anybody (ITU-T X.667). This one is
# 18974590-8374-4a66-8466-35dc0c938316; below it .1 stands for roles of certified keys.
_ARC = "2.25.32686919660277916968822841162291446550"
ROLE_OIDS: dict[Role, x509.ObjectIdentifier] = {
    Role.CREDENTIAL_ISSUER: x509.ObjectIdentifier(f"{_ARC}.1.1"),
    Role.RELYING_PARTY: x509.ObjectIdentifier(f"{_ARC}.1.2"),
    Role.BUNDLE: x509.ObjectIdentifier(f"{_ARC}.1.3"),
    Role.WALLET_PROVIDER: x509.ObjectIdentifier(f"{_ARC}.1.4"),
}
DOCUMENT_SIGNER = x509.ObjectIdentifier("1.0.18013.5.1.2")  # the purpose that ISO/IEC 18013-5 annex B gives to whoever signs mdocs
_ROLES = {oid: role for role, oid in ROLE_OIDS.items()}

MAX_CERTIFICATE = 16_384
MAX_X5C = 4

# All that the library raises over the bytes of a stranger; a warning where warnings are told to be errors.
UNREADABLE: tuple[type[Exception], ...] = (
    ValueError,
    TypeError,
    UserWarning,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)

E_ = TypeVar("E_", bound=x509.ExtensionType)


@dataclass(frozen=True, slots=True)
class Cert:
    """A parsed certificate; nothing is verified yet. Two are equal if their DER bytes are.

    ``subject`` is the common name, or the whole name where there is none; ``uris`` and ``dns`` are its alternative names; the times are
    seconds since the epoch, both inclusive; ``roles`` are those of our own extended key usages; ``is_document_signer`` says that the one
    usage is that of ISO/IEC 18013-5 annex B; the key identifiers are raw bytes, empty where absent.
    """

    der: bytes = field(repr=False)
    subject: str = field(compare=False)
    uris: tuple[str, ...] = field(compare=False)
    dns: tuple[str, ...] = field(compare=False)
    not_before: int = field(compare=False)
    not_after: int = field(compare=False)
    public: PublicKey = field(compare=False)
    is_ca: bool = field(compare=False)
    is_self_issued: bool = field(compare=False)
    roles: tuple[Role, ...] = field(compare=False)
    is_document_signer: bool = field(compare=False)
    serial: int = field(compare=False)
    subject_key_id: bytes = field(compare=False)
    authority_key_id: bytes = field(compare=False)
    parsed: x509.Certificate = field(compare=False, repr=False)

    @property
    def sha256(self) -> bytes:
        """SHA-256 of the DER bytes, the ``x5t#S256`` of RFC 7515 section 4.1.8."""
        return hashlib.sha256(self.der).digest()


def load_certificate(der_or_b64: bytes | str, where: str = "") -> Cert:
    """Read DER bytes, PEM (bytes or text) or the standard base64 of an ``x5c`` element. ``Malformed`` or ``TooLarge`` with ``where``."""
    try:
        return _load(_der(der_or_b64))
    except VcError as error:
        raise error.within(where) from error.__cause__


def render_pem(der: bytes, *, label: str = "CERTIFICATE") -> str:
    """PEM text of DER bytes (RFC 7468); ``label`` is ``CERTIFICATE`` or ``X509 CRL``."""
    text = pybase64.b64encode_as_string(der)
    lines = "\n".join(text[start : start + 64] for start in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def parse_pem(text: str, *, label: str = "CERTIFICATE") -> bytes:
    """The DER bytes of the one PEM block in ``text``; explanatory text around it is allowed (RFC 7468 section 2)."""
    blocks: list[str] = re.findall(rf"-----BEGIN {label}-----([A-Za-z0-9+/=\s]+)-----END {label}-----", text)
    if len(blocks) != 1:
        raise Malformed(f"exactly one PEM block of a {label} is demanded here")
    return _standard_base64("".join(blocks[0].split()))


def x5c_header(certs: Sequence[bytes]) -> list[str]:
    """The ``x5c`` header member (RFC 7515 section 4.1.6): standard base64, leaf first, without the anchor."""
    return [pybase64.b64encode_as_string(der) for der in certs]


def parse_x5c(value: object, where: str = "") -> tuple[bytes, ...]:
    """The DER bytes in an ``x5c`` header member, 1 to 4 of them, none of them read yet."""
    if not isinstance(value, list | tuple) or not value:
        raise Malformed("an array of certificates is demanded here", where=where)
    if len(value) > MAX_X5C:
        raise TooLarge(f"more than {MAX_X5C} certificates", where=where)
    return tuple(_x5c_element(item, f"{where}/{index}") for index, item in enumerate(value))


def _x5c_element(item: object, where: str) -> bytes:
    if not isinstance(item, str):
        raise Malformed("a base64 text is demanded here", where=where)
    try:
        return _standard_base64(item)
    except Malformed as error:
        raise error.within(where) from error.__cause__


def _der(given: bytes | str) -> bytes:
    if isinstance(given, bytes) and not given.startswith(b"-----"):
        return given
    text = given.decode("latin-1") if isinstance(given, bytes) else given
    return parse_pem(text) if "-----BEGIN" in text else _standard_base64(text)


def _standard_base64(text: str) -> bytes:
    if len(text) > MAX_CERTIFICATE * 4 // 3 + 4:
        raise TooLarge(f"a certificate of more than {MAX_CERTIFICATE} bytes")
    try:
        raw = pybase64.b64decode(text, validate=True)
    except ValueError as error:
        raise Malformed("not standard base64") from error
    if pybase64.b64encode_as_string(raw) != text:
        raise Malformed("not standard base64 in its one spelling")
    return raw


@lru_cache(maxsize=256)
def _load(der: bytes) -> Cert:
    if len(der) > MAX_CERTIFICATE:
        raise TooLarge(f"a certificate of more than {MAX_CERTIFICATE} bytes")
    try:
        return _facts(x509.load_der_x509_certificate(der), der)
    except UNREADABLE as error:
        raise Malformed("not a certificate that is used here") from error


def _facts(parsed: x509.Certificate, der: bytes) -> Cert:
    if parsed.serial_number <= 0:
        raise Malformed("a serial number is positive")
    if der[-len(parsed.signature) - 1]:
        raise Malformed("a signature has no unused bits")  # the library does not look, so that one certificate would have two spellings
    constraints = extension(parsed, x509.BasicConstraints)
    names = extension(parsed, x509.SubjectAlternativeName)
    usages = extension(parsed, x509.ExtendedKeyUsage) or ()
    own_id = extension(parsed, x509.SubjectKeyIdentifier)
    authority = extension(parsed, x509.AuthorityKeyIdentifier)
    return Cert(
        der=der,
        subject=_subject(parsed.subject),
        uris=tuple(names.get_values_for_type(x509.UniformResourceIdentifier)) if names else (),
        dns=tuple(names.get_values_for_type(x509.DNSName)) if names else (),
        not_before=int(parsed.not_valid_before_utc.timestamp()),
        not_after=int(parsed.not_valid_after_utc.timestamp()),
        public=PublicKey.of(parsed.public_key()),
        is_ca=constraints is not None and constraints.ca,
        is_self_issued=parsed.issuer == parsed.subject,
        roles=tuple(_ROLES[oid] for oid in usages if oid in _ROLES),
        is_document_signer=list(usages) == [DOCUMENT_SIGNER],
        serial=parsed.serial_number,
        subject_key_id=own_id.digest if own_id else b"",
        authority_key_id=(authority.key_identifier or b"") if authority else b"",
        parsed=parsed,
    )


def extension(parsed: x509.Certificate, kind: type[E_]) -> E_ | None:
    """The value of an extension, or ``None`` where the certificate has none of this kind."""
    try:
        return parsed.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _subject(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string()
