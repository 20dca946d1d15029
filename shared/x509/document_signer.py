"""Document signers and their authority, the IACA, as ISO/IEC 18013-5 annex B has them.

The certificate of such a signer names a purpose, and neither a role of ours nor the body that it signs for: whoever pins the authority says
that. What the annex demands for the sake of others than a verifier (a serial number's bits, where its owner is reached) is not asked here.
"""

from __future__ import annotations

from collections.abc import Collection

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtensionOID, NameOID, SignatureAlgorithmOID

from ..clock import DAY
from ..errors import NotEntitled
from .certificate import Cert, extension
from .prepare import ANCHOR_USAGE, LEAF_USAGE

MAX_DAYS = 457
_ALGORITHMS = frozenset({"ES256", "ES384"})
_SIGNATURES = frozenset({SignatureAlgorithmOID.ECDSA_WITH_SHA256, SignatureAlgorithmOID.ECDSA_WITH_SHA384})
_AUTHORITY = frozenset({ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE})
_SIGNER = frozenset({ExtensionOID.KEY_USAGE, ExtensionOID.EXTENDED_KEY_USAGE})


def check_iaca(cert: Cert) -> None:
    """Annex B.1.2: certified by itself, for signers right below it, in one country. ``NotEntitled`` for any other authority."""
    limits = extension(cert.parsed, x509.BasicConstraints)
    if limits is None or not limits.ca or limits.path_length != 0:
        raise NotEntitled("an authority of document signers certifies them itself (path length 0)")
    if extension(cert.parsed, x509.KeyUsage) != ANCHOR_USAGE:
        raise NotEntitled("an authority of document signers certifies and withdraws, and does nothing else")
    _check_critical(cert, _AUTHORITY, _AUTHORITY)
    _check_algorithm(cert)
    if not cert.subject_key_id:
        raise NotEntitled("an authority of document signers names its key")
    country_of(cert)
    try:
        cert.parsed.verify_directly_issued_by(cert.parsed)
    except (InvalidSignature, ValueError, TypeError) as error:
        raise NotEntitled("an authority of document signers is certified by itself") from error


def check_document_signer(leaf: Cert, iaca: Cert) -> None:
    """Annex B.1.4, of a certificate that ``iaca`` has signed. ``NotEntitled`` for whatever differs."""
    if not leaf.is_document_signer:
        raise NotEntitled("this certificate is not one of a document signer, and of nothing else")
    if leaf.is_ca or extension(leaf.parsed, x509.KeyUsage) != LEAF_USAGE:
        raise NotEntitled("a document signer signs, and does nothing else")
    _check_critical(leaf, _SIGNER, _SIGNER | {ExtensionOID.BASIC_CONSTRAINTS})
    _check_algorithm(leaf)
    if leaf.not_after - leaf.not_before > MAX_DAYS * DAY:
        raise NotEntitled(f"a document signer's certificate lasts {MAX_DAYS} days at most")
    if leaf.authority_key_id != iaca.subject_key_id:
        raise NotEntitled("a document signer names the key of its authority")
    if country_of(leaf) != country_of(iaca):
        raise NotEntitled("a document signer is in the country of its authority")
    provinces = [each for each in (_named(cert, NameOID.STATE_OR_PROVINCE_NAME) for cert in (leaf, iaca)) if each]
    if any(each != provinces[0] for each in provinces):
        raise NotEntitled("a document signer is in the state or province of its authority")


def _check_critical(cert: Cert, needed: Collection[x509.ObjectIdentifier], known: Collection[x509.ObjectIdentifier]) -> None:
    critical = {each.oid for each in cert.parsed.extensions if each.critical}
    if not critical.issuperset(needed):
        raise NotEntitled("what limits a certificate of this kind is marked as critical")
    if not critical.issubset(known):
        raise NotEntitled("a critical extension is not understood here")


def _check_algorithm(cert: Cert) -> None:
    if cert.public.alg not in _ALGORITHMS or cert.parsed.signature_algorithm_oid not in _SIGNATURES:
        raise NotEntitled("document signers and their authority use P-256 and P-384 with SHA-256 and SHA-384")


def country_of(cert: Cert) -> str:
    """Two letters (ISO 3166-1) as the certificate of an authority, or of a signer below one, has them; ``NotEntitled`` without one."""
    found = _named(cert, NameOID.COUNTRY_NAME)
    if len(found) != 1:
        raise NotEntitled("document signers and their authority name one country")
    return found[0]


def _named(cert: Cert, attribute: x509.ObjectIdentifier) -> tuple[str, ...]:
    return tuple(str(each.value) for each in cert.parsed.subject.get_attributes_for_oid(attribute))
