"""Private keys for tests, made when asked for, that finish what ``prepare_…`` gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from shared.keys import ALGORITHMS, KeyId, PublicKey, Role, Unsigned
from shared.x509 import Cert, load_certificate, prepare_anchor, prepare_leaf

T = TypeVar("T")
AT = 1_800_000_000  # 2027-01-15T08:00:00Z, the "now" of the tests


@dataclass(frozen=True)
class Signer:
    """A key pair used with one algorithm."""

    private: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
    public: PublicKey

    @classmethod
    def new(cls, alg: str = "ES256") -> Signer:
        curve = ALGORITHMS[alg].curve
        private = ed25519.Ed25519PrivateKey.generate() if curve is None else ec.generate_private_key(curve)
        return cls(private, PublicKey.of(private.public_key()))

    def raw(self, data: bytes) -> bytes:
        """Fixed-length r||s, or Ed25519's 64 bytes."""
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(data)
        algorithm = ALGORITHMS[self.public.alg]
        assert algorithm.digest is not None
        r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(algorithm.digest)))
        half = algorithm.size // 2
        return r.to_bytes(half, "big") + s.to_bytes(half, "big")

    def finish(self, unsigned: Unsigned[T]) -> T:
        return unsigned.complete(self.raw(unsigned.signing_input))


def anchor(
    signer: Signer, *, subject: str = "Test anchor", at: int = AT, days: int = 3650, path_length: int | None = 0, country: str = ""
) -> Cert:
    """A self-signed anchor."""
    unsigned = prepare_anchor(
        subject=subject, public=signer.public, key=KeyId("anchor"), at=at, days=days, serial=1, path_length=path_length, country=country
    )
    return load_certificate(signer.finish(unsigned))


def leaf(
    signer: Signer,
    issuer: Cert,
    issuer_signer: Signer,
    *,
    role: Role = Role.CREDENTIAL_ISSUER,
    uri: str = "https://issuer.example",
    dns: Sequence[str] = (),
    at: int = AT,
    days: int = 365,
    serial: int = 2,
) -> bytes:
    """A leaf for ``signer``'s key by ``issuer``."""
    unsigned = prepare_leaf(
        subject="Test leaf",
        uris=[uri],
        dns=dns,
        role=role,
        public=signer.public,
        issuer=issuer,
        key=KeyId("anchor"),
        at=at,
        days=days,
        serial=serial,
    )
    return issuer_signer.finish(unsigned)
