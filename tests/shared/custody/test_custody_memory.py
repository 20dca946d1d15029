"""Keys in memory: from given entropy, taken out and put back; what a signature costs beside the signature."""

from __future__ import annotations

import hashlib
import itertools

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from shared.clock import Entropy, system_entropy
from shared.custody import open_custodian
from shared.custody.memory import MemoryCustodian
from shared.errors import AlgorithmRefused, ConfigError, Conflict, Malformed, Missing
from shared.keys import ALGORITHMS, Custodian, KeyId, Role, Unsigned

KEY = KeyId("copy")


def dice(seed: bytes) -> Entropy:
    numbers = itertools.count()
    return lambda size: hashlib.shake_256(seed + b"%d" % next(numbers)).digest(size)


def unsigned(typ: str = "kb+jwt", data: bytes = b"x" * 500) -> Unsigned[bytes]:
    return Unsigned(key=KEY, typ=typ, signing_input=data, complete=lambda signature: signature)


@pytest.mark.parametrize("alg", sorted(ALGORITHMS))
async def test_the_key_comes_from_the_given_entropy_and_nowhere_else(alg: str) -> None:
    keys = []
    for seed in (b"one", b"one", b"two"):
        custodian = MemoryCustodian(entropy=dice(seed))
        await custodian.create(KEY, Role.HOLDER, alg=alg)
        keys.append(custodian.private_bytes(KEY))
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize("fill", [b"\x00", b"\xff"])
async def test_the_edges_of_entropy_still_make_keys(fill: bytes) -> None:
    for alg in ALGORITHMS:
        custodian = MemoryCustodian(entropy=lambda size: fill * size)
        await custodian.create(KEY, Role.HOLDER, alg=alg)
        (await custodian.public(KEY)).verify(await custodian.sign(unsigned()), b"x" * 500)


@pytest.mark.parametrize(("role", "alg"), [*((Role.HOLDER, alg) for alg in ALGORITHMS), (Role.MAC, "ES256"), (Role.SEAL, "ES256")])
async def test_out_and_in_again(role: Role, alg: str) -> None:
    first = MemoryCustodian(entropy=system_entropy)
    await first.create(KEY, role, alg=alg)
    private = first.private_bytes(KEY)
    second = MemoryCustodian(entropy=system_entropy)
    second.add(KEY, role, private)
    assert second.private_bytes(KEY) == private
    assert second.roles() == {KEY: role}
    if role is Role.HOLDER:
        assert (await second.public(KEY)).alg == alg
        (await first.public(KEY)).verify(await second.sign(unsigned()), b"x" * 500)
    with pytest.raises(Conflict):
        second.add(KEY, role, private)
    second.remove(KEY)
    for call in (lambda: second.remove(KEY), lambda: second.private_bytes(KEY)):
        with pytest.raises(Missing):
            call()


@pytest.mark.parametrize(
    ("role", "private"),
    [(Role.HOLDER, b""), (Role.HOLDER, b"\x30\x03\x02\x01\x00"), (Role.HOLDER, bytes(32)), (Role.MAC, bytes(31)), (Role.SEAL, b"")],
)
def test_what_is_no_key(role: Role, private: bytes) -> None:
    custodian = MemoryCustodian(entropy=system_entropy)
    with pytest.raises(Malformed):
        custodian.add(KEY, role, private)
    assert custodian.roles() == {}


def test_kinds_of_keys_that_we_do_not_use() -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    for key in (ec.generate_private_key(ec.SECP521R1()), ec.generate_private_key(ec.SECP256K1()), rsa.generate_private_key(65537, 2048)):
        with pytest.raises(AlgorithmRefused):
            MemoryCustodian(entropy=system_entropy).add(
                KEY, Role.HOLDER, key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
            )


def test_addresses() -> None:
    assert isinstance(open_custodian("memory:", entropy=system_entropy), MemoryCustodian)
    for uri in ("memory", "memory:x", "memory://x"):
        with pytest.raises(ConfigError):
            open_custodian(uri, entropy=system_entropy)
    with pytest.raises(ConfigError, match="file, memory"):
        open_custodian("abacus:1", entropy=system_entropy)


async def test_signing_hops_no_thread_and_waits_for_nothing(custodian: Custodian) -> None:
    await custodian.create(KEY, Role.HOLDER)
    steps = custodian.sign(unsigned())
    with pytest.raises(StopIteration) as done:
        steps.send(None)
    assert len(done.value.value) == 64
