"""From a leaf in ``x5c`` to a pinned anchor, at a given time, for one role (RFC 5280 section 6; HAIP 1.0 section 6.1.1).

The library walks the path: signatures, names, validity, path length, name constraints, unknown critical extensions. What is ours is
checked here: that the chain is exactly the one that was sent, that no anchor is in it, the one role, and the revocation lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, Policy, PolicyBuilder, Store, VerificationError

from ..errors import CertificateRevoked, CrlStale, Malformed, TooLarge, Untrusted
from ..keys import Role
from .certificate import MAX_X5C, ROLE_OIDS, UNREADABLE, Cert, extension, load_certificate
from .crl import Crl
from .document_signer import check_document_signer, check_iaca
from .prepare import instant

MAX_CERTIFICATES = MAX_X5C


def verify_chain(
    x5c: Sequence[bytes],
    anchors: Sequence[Cert],
    *,
    at: int,
    role: Role,
    crls: Sequence[Crl] = (),
    current: Sequence[Crl] | None = None,
) -> Cert:
    """The leaf of ``x5c`` (DER, leaf first, anchor left out), if a chain through it leads to one of ``anchors`` at ``at`` for ``role``.

    ``crls`` are the known revocation lists; those not by an authority of the chain are not looked at. With ``current``, every authority
    must have a list among these in force, and what the others do not name means nothing. Raises ``Malformed``, ``TooLarge``, ``Untrusted``,
    ``CertificateRevoked``, or ``CrlStale`` (undecided) where an authority's list has run out or is missing.
    """
    key = (tuple(x5c), tuple(anchors), role, tuple(crls), None if current is None else tuple(current))
    known = _VERIFIED.get(key)
    if known is not None and known.since <= at <= known.until:
        return known.leaf
    sent = _load(x5c)
    _check_leaf(sent[0], role)
    _check_no_anchor(sent, anchors)
    path = _build(sent, anchors, at)
    _check_authorities(path[1:], role)
    return _in_force(key, path, at)


def verify_document_signer(
    x5c: Sequence[bytes], iaca: Cert, *, at: int, crls: Sequence[Crl] = (), current: Sequence[Crl] | None = None
) -> Cert:
    """As ``verify_chain``, of a document signer right below ``iaca`` and by the rules of ISO/IEC 18013-5 annex B, in no role of ours.

    ``NotEntitled`` where either of the two, both in force, is not as the annex has it.
    """
    key = (tuple(x5c), (iaca,), None, tuple(crls), None if current is None else tuple(current))
    known = _VERIFIED.get(key)
    if known is not None and known.since <= at <= known.until:
        return known.leaf
    sent = _load(x5c)
    _check_no_anchor(sent, (iaca,))
    if len(sent) > 1:
        raise Untrusted("a document signer is certified by its authority itself")
    path = _build(sent, (iaca,), at)
    check_iaca(iaca)
    check_document_signer(sent[0], iaca)
    return _in_force(key, path, at)


def _in_force(key: _Key, path: Sequence[Cert], at: int) -> Cert:
    """The leaf of a path that stands, unless a certificate in it was withdrawn. It is remembered for as long as that holds."""
    _, _, _, crls, current = key
    steps = list(pairwise(path))
    for cert, issuer in steps:
        _check_withdrawn(cert, issuer, crls)
    limits = [
        limit for _, issuer in steps for limit in _speaking(issuer, crls if current is None else current, at, demanded=current is not None)
    ]
    _remember(key, _Verified(path[0], _since(path, limits), _until(path, limits)))
    return path[0]


def leads_elsewhere(x5c: Sequence[bytes], anchors: Sequence[Cert]) -> bool:
    """Whether the certificates are one chain, and the authority that it names above it is none of ``anchors``, neither by name nor by key.

    Such a one is by somebody who is not known here; whatever ``verify_chain`` refuses otherwise is no chain, or a pretence.
    """
    try:
        sent = _load(x5c)
        _check_no_anchor(sent, anchors)
        for cert, issuer in pairwise(sent):
            cert.parsed.verify_directly_issued_by(issuer.parsed)
    except (Malformed, TooLarge, Untrusted, InvalidSignature):
        return False
    except UNREADABLE:
        return False
    last = sent[-1]
    return not any(
        last.parsed.issuer == anchor.parsed.subject or (last.authority_key_id and last.authority_key_id == anchor.subject_key_id)
        for anchor in anchors
    )


@dataclass(frozen=True, slots=True)
class _Verified:
    """A chain that stands, and the seconds from which and until which it does; both inclusive."""

    leaf: Cert
    since: int
    until: int


_Key = tuple[tuple[bytes, ...], tuple[Cert, ...], Role | None, tuple[Crl, ...], tuple[Crl, ...] | None]
_VERIFIED: dict[_Key, _Verified] = {}
_KEPT = 256


def _remember(key: _Key, verified: _Verified) -> None:
    # Only chains under pinned anchors get here, so no stranger can fill it.
    if len(_VERIFIED) >= _KEPT:
        _VERIFIED.clear()
    _VERIFIED[key] = verified


def _since(path: Sequence[Cert], limits: Sequence[Crl]) -> int:
    return max([cert.not_before for cert in path] + [crl.this_update for crl in limits])


def _until(path: Sequence[Cert], limits: Sequence[Crl]) -> int:
    return min([cert.not_after for cert in path] + [crl.next_update for crl in limits])


def _load(x5c: Sequence[bytes]) -> list[Cert]:
    if not x5c:
        raise Malformed("a certificate is missing", where="/x5c")
    if len(x5c) > MAX_CERTIFICATES:
        raise TooLarge(f"more than {MAX_CERTIFICATES} certificates", where="/x5c")
    return [load_certificate(der, f"/x5c/{index}") for index, der in enumerate(x5c)]


def _check_leaf(leaf: Cert, role: Role) -> None:
    if leaf.is_ca:
        raise Untrusted("the signer's certificate is one that certifies others")
    if leaf.roles != (role,) and not (role in _MAY_NAME_NO_PURPOSE and _names_no_purpose(leaf)):
        raise Untrusted(f"the signer's certificate is not for the one role {role}")


_MAY_NAME_NO_PURPOSE = frozenset({Role.RELYING_PARTY, Role.WALLET_PROVIDER})


def _names_no_purpose(leaf: Cert) -> bool:
    """Certificates of askers, and of wallets' makers, that others made name no purpose of ours. Without any (RFC 5280 section 4.2.1.12: any
    purpose) the pin decides: an anchor is pinned for these alone. Whoever is to *issue* must say so in the certificate.
    """
    return extension(leaf.parsed, x509.ExtendedKeyUsage) is None


def _check_no_anchor(sent: Sequence[Cert], anchors: Sequence[Cert]) -> None:
    points = {_spki(anchor) for anchor in anchors}
    for cert in sent:
        if cert.is_self_issued or _spki(cert) in points:
            raise Untrusted("a self-signed certificate or an anchor was sent where only certified ones belong")


def _spki(cert: Cert) -> bytes:
    return cert.public.key.public_bytes(*_SPKI)


def _build(sent: Sequence[Cert], anchors: Sequence[Cert], at: int) -> list[Cert]:
    if not anchors:
        raise Untrusted("no trust anchor is known")
    verifier = (
        PolicyBuilder()
        .store(Store([anchor.parsed for anchor in anchors]))
        .time(instant(at))
        .max_chain_depth(MAX_CERTIFICATES)
        .extension_policies(ca_policy=_CA_POLICY, ee_policy=_LEAF_POLICY)
        .build_client_verifier()
    )
    try:
        found = verifier.verify(sent[0].parsed, [cert.parsed for cert in sent[1:]]).chain
    except (VerificationError, ValueError) as error:
        raise Untrusted("no chain of certificates in force leads to a trust anchor") from error
    # RFC 7515 section 4.1.6: each certificate certifies the one before it. Anything else sent along is not harmless but unexplained.
    if found[:-1] != [cert.parsed for cert in sent]:
        raise Untrusted("the certificates sent are not one chain in its order")
    anchor = next(anchor for anchor in anchors if anchor.parsed == found[-1])
    return [*sent, anchor]


def _check_authorities(authorities: Sequence[Cert], role: Role) -> None:
    """An authority that names purposes certifies only for those (as all current path validators have it)."""
    for cert in authorities:
        usages = extension(cert.parsed, x509.ExtendedKeyUsage)
        if usages is not None and ROLE_OIDS[role] not in usages and ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE not in usages:
            raise Untrusted(f"an authority in the chain may not certify for the role {role}")


def _check_withdrawn(cert: Cert, issuer: Cert, crls: Sequence[Crl]) -> None:
    """A serial number on any list of ``issuer``, however old or new, counts: what was withdrawn once stays withdrawn."""
    if any(cert.serial in crl.serials and crl.is_by(issuer) for crl in crls):
        raise CertificateRevoked("a certificate in the chain was withdrawn")


def _speaking(issuer: Cert, crls: Sequence[Crl], at: int, *, demanded: bool) -> list[Crl]:
    """The list of ``issuer`` that limits the time of the verdict: that a number is missing counts only while a list is in force."""
    ours = [crl for crl in crls if crl.is_by(issuer)]
    fresh = [crl for crl in ours if crl.this_update <= at <= crl.next_update]
    if ours and not fresh:
        raise CrlStale("the list of withdrawn certificates has run out")
    if demanded and not fresh:
        raise CrlStale("the list of withdrawn certificates is not here")
    return fresh[:1]


def _check_key_usage(_policy: Policy, _cert: x509.Certificate, usage: x509.KeyUsage) -> None:
    if not usage.digital_signature:
        detail = "the leaf may not sign"
        raise ValueError(detail)


_SPKI = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
# The library would demand client authentication of an authority that names purposes; ``_check_authorities`` demands the role.
_CA_POLICY = ExtensionPolicy.webpki_defaults_ca().may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, None)
_LEAF_POLICY = (
    ExtensionPolicy.permit_all()
    .require_present(x509.KeyUsage, Criticality.AGNOSTIC, _check_key_usage)
    .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, None)  # ``_check_leaf`` demands the role
)
