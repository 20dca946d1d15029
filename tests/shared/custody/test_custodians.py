"""What every key custodian has to do."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable

import pytest

from shared.errors import AlgorithmRefused, BadSignature, Conflict, KeyRoleRefused, Missing
from shared.keys import ALGORITHMS, SIGNS, Custodian, KeyId, Role, Unsigned, sign

ISSUER, MAC, SEAL = KeyId("issuer"), KeyId("references"), KeyId("storage")
TYPS = sorted({typ for typs in SIGNS.values() for typ in typs} | {"JWT", "", "dpop+jwt"})


def unsigned(key: KeyId, typ: str = "dc+sd-jwt", data: bytes = b"header.payload") -> Unsigned[bytes]:
    return Unsigned(key=key, typ=typ, signing_input=data, complete=lambda signature: data + b"." + signature)


@pytest.mark.parametrize("alg", sorted(ALGORITHMS))
async def test_sign(custodian: Custodian, alg: str) -> None:
    await custodian.create(ISSUER, Role.CREDENTIAL_ISSUER, alg=alg)
    public = await custodian.public(ISSUER)
    assert public.alg == alg
    for number in range(20):  # short r and s are padded
        data = b"input %d" % number
        signature = await custodian.sign(unsigned(ISSUER, data=data))
        assert len(signature) == ALGORITHMS[alg].size
        public.verify(signature, data)
        with pytest.raises(BadSignature):
            public.verify(signature, data + b"!")
    assert (await sign(unsigned(ISSUER), custodian)).startswith(b"header.payload.")


async def test_es256_unless_told_otherwise(custodian: Custodian) -> None:
    await custodian.create(ISSUER, Role.CREDENTIAL_ISSUER)
    assert (await custodian.public(ISSUER)).alg == "ES256"


async def test_an_unknown_algorithm(custodian: Custodian) -> None:
    for alg in ("RS256", "ES512", "none", "ES256K", ""):
        with pytest.raises(AlgorithmRefused):
            await custodian.create(ISSUER, Role.CREDENTIAL_ISSUER, alg=alg)
    with pytest.raises(Missing):
        await custodian.public(ISSUER)


@pytest.mark.parametrize("role", sorted(Role))
async def test_key_role_refuses_other_typ(custodian: Custodian, role: Role) -> None:
    """Security rule S1: every role against every typ that we sign, and some that we never sign."""
    key = KeyId("key")
    await custodian.create(key, role)
    for typ in TYPS:
        if typ in SIGNS[role]:
            assert await custodian.sign(unsigned(key, typ))
        else:
            with pytest.raises(KeyRoleRefused):
                await custodian.sign(unsigned(key, typ))


async def test_mac(custodian: Custodian) -> None:
    await custodian.create(MAC, Role.MAC)
    await custodian.create(KeyId("other"), Role.MAC)
    first = await custodian.mac(MAC, b"LP12 3456")
    assert len(first) == 32
    assert hmac.compare_digest(first, await custodian.mac(MAC, b"LP12 3456"))
    assert first != await custodian.mac(MAC, b"LP12 3457")
    assert first != await custodian.mac(KeyId("other"), b"LP12 3456")


async def test_seal(custodian: Custodian) -> None:
    await custodian.create(SEAL, Role.SEAL)
    await custodian.create(KeyId("other"), Role.SEAL)
    for plaintext in (b"", b"x", b"margaret" * 1000):
        sealed = await custodian.seal(SEAL, plaintext, context=b"offer 1")
        assert sealed != await custodian.seal(SEAL, plaintext, context=b"offer 1")
        assert b"margaret" not in sealed
        assert await custodian.unseal(SEAL, sealed, context=b"offer 1") == plaintext
        for key, context in ((SEAL, b"offer 2"), (SEAL, b""), (KeyId("other"), b"offer 1")):
            with pytest.raises(BadSignature):
                await custodian.unseal(key, sealed, context=context)


async def test_every_changed_byte_of_sealed_bytes(custodian: Custodian) -> None:
    await custodian.create(SEAL, Role.SEAL)
    sealed = await custodian.seal(SEAL, b"plain", context=b"c")
    changed = [sealed[:n] + bytes([sealed[n] ^ 1]) + sealed[n + 1 :] for n in range(len(sealed))]
    for wrong in [*changed, *(sealed[:n] for n in range(len(sealed))), sealed + b"\0"]:
        with pytest.raises(BadSignature):
            await custodian.unseal(SEAL, wrong, context=b"c")


@pytest.mark.parametrize("role", sorted(Role))
async def test_symmetric_work_is_for_its_own_role(custodian: Custodian, role: Role) -> None:
    key = KeyId("key")
    await custodian.create(key, role)
    calls: dict[Role, list[Callable[[], Awaitable[bytes]]]] = {
        Role.MAC: [lambda: custodian.mac(key, b"")],
        Role.SEAL: [lambda: custodian.seal(key, b"", context=b""), lambda: custodian.unseal(key, b"\1" + bytes(28), context=b"")],
    }
    for allowed, works in calls.items():
        for work in works if role is not allowed else []:
            with pytest.raises(KeyRoleRefused):
                await work()


@pytest.mark.parametrize("role", [Role.MAC, Role.SEAL])
async def test_a_symmetric_key_has_no_public_half(custodian: Custodian, role: Role) -> None:
    await custodian.create(MAC, role)
    with pytest.raises(KeyRoleRefused):
        await custodian.public(MAC)


async def test_a_key_is_made_once(custodian: Custodian) -> None:
    results = await asyncio.gather(*(custodian.create(ISSUER, Role.CREDENTIAL_ISSUER) for _ in range(5)), return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [Conflict] * 4
    public = await custodian.public(ISSUER)
    for role in Role:
        with pytest.raises(Conflict):
            await custodian.create(ISSUER, role)
    assert await custodian.public(ISSUER) == public


async def test_keys_differ(custodian: Custodian) -> None:
    for name in ("copy-1", "copy-2"):
        await custodian.create(KeyId(name), Role.HOLDER)
    signature = await custodian.sign(unsigned(KeyId("copy-1"), "kb+jwt"))
    (await custodian.public(KeyId("copy-1"))).verify(signature, b"header.payload")
    with pytest.raises(BadSignature):
        (await custodian.public(KeyId("copy-2"))).verify(signature, b"header.payload")


async def test_a_missing_key(custodian: Custodian) -> None:
    calls = [
        custodian.public(ISSUER),
        custodian.sign(unsigned(ISSUER)),
        custodian.mac(MAC, b""),
        custodian.seal(SEAL, b"", context=b""),
        custodian.unseal(SEAL, bytes(40), context=b""),
    ]
    for call in calls:
        with pytest.raises(Missing):
            await call


async def test_closed(custodian: Custodian) -> None:
    await custodian.create(ISSUER, Role.CREDENTIAL_ISSUER)
    await custodian.close()
    await custodian.close()
    with pytest.raises(Missing):
        await custodian.sign(unsigned(ISSUER))
