"""Certificate revocation lists (RFC 5280 section 5): whole lists by the certifying key itself, neither delta nor indirect."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from ..clock import DAY
from ..errors import Malformed, TooLarge, VcError
from ..keys import KeyId, Unsigned
from .certificate import UNREADABLE, Cert, parse_pem
from .prepare import completer, instant, throwaway

CRL_TYP = "x509-crl"
MAX_CRL = 4_000_000


@dataclass(frozen=True, slots=True)
class Crl:
    """A parsed list; nothing is verified yet. Times are seconds since the epoch; ``serials`` are the withdrawn serial numbers.

    ``sha256`` is that of the DER bytes.
    """

    der: bytes = field(repr=False)
    issuer: x509.Name = field(compare=False)
    this_update: int = field(compare=False)
    next_update: int = field(compare=False)
    serials: frozenset[int] = field(compare=False, repr=False)
    parsed: x509.CertificateRevocationList = field(compare=False, repr=False)
    sha256: bytes = field(compare=False, repr=False)

    def is_by(self, issuer: Cert) -> bool:
        """Whether the list bears the name of ``issuer`` and the signature of its key."""
        key = issuer.public.key
        return self.issuer == issuer.parsed.subject and isinstance(key, ec.EllipticCurvePublicKey) and self.parsed.is_signature_valid(key)


def prepare_crl(*, issuer: Cert, key: KeyId, revoked: Sequence[tuple[int, int]], at: int, days: int, number: int) -> Unsigned[bytes]:
    """The list number ``number`` of ``issuer``: ``revoked`` holds serial numbers with the second from which each is withdrawn.

    It speaks for ``days`` days; afterwards nobody can tell from it.
    """
    private, digest = throwaway(issuer.public)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.parsed.subject)
        .last_update(instant(at))
        .next_update(instant(at + days * DAY))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(issuer.subject_key_id, None, None), critical=False)
    )
    for serial, since in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(instant(since)).build()
        builder = builder.add_revoked_certificate(entry)
    tbs = builder.sign(private, digest).tbs_certlist_bytes

    def check(der: bytes, signature: bytes) -> None:
        issuer.public.verify(signature, parse_crl(der).parsed.tbs_certlist_bytes)

    return Unsigned(key=key, typ=CRL_TYP, signing_input=tbs, complete=completer(tbs, issuer.public, check))


def parse_crl(der: bytes, where: str = "") -> Crl:
    """Read DER or PEM. ``Malformed`` also for what cannot be judged here: delta and indirect lists, unknown critical extensions."""
    try:
        return _load(parse_pem(der.decode("latin-1"), label="X509 CRL") if der.startswith(b"-----") else der)
    except VcError as error:
        raise error.within(where) from error.__cause__


def parse_crls(ders: Iterable[bytes]) -> tuple[Crl, ...]:
    """Those that can be read. What cannot is no list: the certificates of its authority stay unchecked, and nobody else's do."""
    found: list[Crl] = []
    for der in ders:
        with suppress(VcError):
            found.append(parse_crl(der))
    return tuple(found)


@lru_cache(maxsize=64)
def _load(der: bytes) -> Crl:
    if len(der) > MAX_CRL:
        raise TooLarge(f"a revocation list of more than {MAX_CRL} bytes")
    try:
        parsed = x509.load_der_x509_crl(der)
        if any(part.critical for part in parsed.extensions):
            raise Malformed("a revocation list with conditions is not understood here")
        if parsed.next_update_utc is None:
            raise Malformed("a revocation list without an end is not used here")
        return Crl(
            der=der,
            issuer=parsed.issuer,
            this_update=int(parsed.last_update_utc.timestamp()),
            next_update=int(parsed.next_update_utc.timestamp()),
            serials=frozenset(entry.serial_number for entry in parsed),
            parsed=parsed,
            sha256=hashlib.sha256(der).digest(),
        )
    except UNREADABLE as error:
        raise Malformed("not a revocation list that is used here") from error
