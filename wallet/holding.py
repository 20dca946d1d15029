"""Holder keys: one a copy and format (S1), made here, proved to the issuer, and later used to sign one copy's presentations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.clock import Entropy
from shared.custody.memory import MemoryCustodian
from shared.formats import Binding, Parsed, formats
from shared.keys import KeyId, PublicKey, Role, sign
from shared.openid4vci import prepare_key_proof
from wallet.sessions import Copy


class KeyRing:
    """Keys of one batch while it is on its way; in memory only."""

    def __init__(self, custodian: MemoryCustodian) -> None:
        self._custodian = custodian
        self.public: dict[KeyId, PublicKey] = {}

    async def create(self, key: KeyId) -> None:
        """One more key of role holder."""
        await self._custodian.create(key, Role.HOLDER)
        self.public[key] = await self._custodian.public(key)

    async def prove(
        self, *, audience: str, nonce: str | None, at: int, client_id: str | None = None, key_attestation: str | None = None
    ) -> Sequence[str]:
        """A key proof for each key (OpenID4VCI appendix F.1)."""
        return [
            await sign(
                prepare_key_proof(
                    key=key, public=public, audience=audience, nonce=nonce, at=at, client_id=client_id, key_attestation=key_attestation
                ),
                self._custodian,
            )
            for key, public in self.public.items()
        ]

    def private(self, key: KeyId) -> bytes:
        """PKCS #8, to be sealed with the copy."""
        return self._custodian.private_bytes(key)

    def sealable(self) -> dict[str, bytes]:
        """All private keys by name, for what is kept while copies are on their way."""
        return {str(key): self.private(key) for key in self.public}


async def make_keys(count: int, entropy: Entropy) -> KeyRing:
    """A ring of ``count`` new keys."""
    ring = KeyRing(MemoryCustodian(entropy=entropy))
    for _ in range(count):
        await ring.create(KeyId(entropy(12).hex()))
    return ring


async def load_keys(keys: Mapping[str, bytes], entropy: Entropy) -> KeyRing:
    """A ring of keys that were kept."""
    custodian = MemoryCustodian(entropy=entropy)
    ring = KeyRing(custodian)
    for name, private in keys.items():
        custodian.add(KeyId(name), Role.HOLDER, private)
        ring.public[KeyId(name)] = await custodian.public(KeyId(name))
    return ring


async def sign_presentation(copy: Copy, presented: Parsed, binding: Binding, *, at: int, entropy: Entropy) -> str:
    """``presented`` bound to ``binding`` by the copy's own key, which is in memory only while it signs."""
    key = KeyId("copy")
    custodian = MemoryCustodian(entropy=entropy)
    custodian.add(key, Role.HOLDER, copy.private)
    unsigned = formats()[presented.format].present(presented, binding, key=key, at=at, alg=copy.alg)
    try:
        return await sign(unsigned, custodian)
    finally:
        await custodian.close()
