"""The key that a service signs with at present, and the certificates that it shows for it: another one after a rotation."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..codec import base64url
from ..cose import thumbprint
from ..errors import Unavailable
from ..keys import KeyId, PublicKey
from ..x509 import Cert


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """``key`` names it to the custodian; ``x5c`` is in DER, the key's own first, without the anchor. Read once for each thing that is signed."""

    key: KeyId
    x5c: tuple[bytes, ...] = field(repr=False)
    public: PublicKey

    @classmethod
    def of(cls, key: KeyId, leaf: Cert) -> Signer:
        """The key of a certificate right below the anchor."""
        return cls(key=key, x5c=(leaf.der,), public=leaf.public)

    @property
    def alg(self) -> str:
        """The JOSE name of its algorithm."""
        return self.public.alg

    @property
    def thumbprint(self) -> str:
        """How the key is called in histories (RFC 9679)."""
        return base64url.encode(thumbprint(self.public))


class Signing:
    """Whoever signs at present, where a running service can be told of another."""

    def __init__(self, signer: Signer) -> None:
        self._signer: Signer | None = signer

    @property
    def signer(self) -> Signer:
        """``Unavailable`` while nobody signs."""
        if self._signer is None:
            raise Unavailable("the key that signs here is over, and no other follows yet")
        return self._signer

    @property
    def is_stopped(self) -> bool:
        """Whether nobody signs."""
        return self._signer is None

    def follow(self, signer: Signer | None) -> None:
        """From now on ``signer`` signs, or nobody; what is being signed meanwhile is finished as it was begun."""
        self._signer = signer
