"""The vault: everything that a wallet holds lies encrypted under one random key (security rule S29).

The vault key is wrapped twice, once for each of two doors: by the holder's passphrase (Argon2id) and by the recovery code that was
shown once. Each wrap lies inside a second one, by the custodian's SEAL key, so that a stolen database without the custodian's file
gives nothing to guess at, and the custodian's file without a passphrase opens nothing. No third door exists: the host cannot reset it.

In the database stand opaque ids, sizes (rounded up to 256 bytes) and days. Names, claims, addresses and keys stand only under seal.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import unicodedata
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from typing import TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.clock import Entropy
from shared.custody import argon2
from shared.errors import BadSignature, Malformed, SignInRequired, TooMany
from shared.keys import Custodian, KeyId
from shared.web.passphrases import LONGEST_TYPED, check_new_passphrase

T = TypeVar("T")

STORAGE = KeyId("storage")  # the custodian's SEAL key
REFERENCES = KeyId("references")  # the custodian's MAC key, for names
_NONCE = 12
_BLOCK = 256
_LENGTH = 4
_CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U
_CODE_SIZE = 25  # symbols of 5 bits: 125 bits
_QUEUE = 64
_LONGEST_NAME = 1_000  # characters as typed: bringing more to one spelling takes time that grows with its square


class Door(StrEnum):
    """What opens a wallet."""

    PASSPHRASE = "passphrase"  # noqa: S105 - the name of a door
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardness:
    """Argon2id parameters; the defaults are RFC 9106's second recommended option."""

    memory_kib: int = 65_536
    iterations: int = 3
    lanes: int = 4

    def render(self, salt: bytes) -> str:
        """One line to keep beside the wraps; it holds no secret."""
        return f"argon2id$m={self.memory_kib},t={self.iterations},p={self.lanes}${salt.hex()}"

    @staticmethod
    def parse(line: str) -> tuple[Hardness, bytes]:
        """Read what ``render`` wrote."""
        _, numbers, salt = line.split("$")
        memory, iterations, lanes = (int(part.partition("=")[2]) for part in numbers.split(","))
        return Hardness(memory_kib=memory, iterations=iterations, lanes=lanes), bytes.fromhex(salt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """A wallet as it lies on the disk: ``kdf`` is public, both wraps are under the custodian's key."""

    id: str
    name_mac: bytes
    kdf: str
    by_passphrase: bytes
    by_recovery: bytes
    opened_on: int


class Vault:
    """An open wallet's cipher. Values are bound to the place that they lie in: a row moved elsewhere does not open."""

    def __init__(self, wallet: str, key: bytes, entropy: Entropy) -> None:
        self.wallet = wallet
        self._entropy = entropy
        self._cipher = AESGCM(_derive(key, "rows", wallet))
        self._names = _derive(key, "names", wallet)

    def seal(self, shelf: str, item: str, value: msgspec.Struct) -> bytes:
        """``value`` under AES-256-GCM, its length hidden within blocks of 256 bytes."""
        plain = msgspec.msgpack.encode(value)
        padding = -(_LENGTH + len(plain)) % _BLOCK
        nonce = self._entropy(_NONCE)
        padded = len(plain).to_bytes(_LENGTH, "big") + plain + bytes(padding)
        return nonce + self._cipher.encrypt(nonce, padded, self._place(shelf, item))

    def unseal(self, shelf: str, item: str, sealed: bytes, as_type: type[T]) -> T:
        """What ``seal`` took; ``BadSignature`` when bytes, key or place differ."""
        try:
            padded = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], self._place(shelf, item))
        except InvalidTag as error:
            raise BadSignature("a row of this wallet was changed outside it") from error
        size = int.from_bytes(padded[:_LENGTH], "big")
        return msgspec.msgpack.decode(padded[_LENGTH : _LENGTH + size], type=as_type)

    def tag(self, *parts: str) -> str:
        """An opaque, stable name for ``parts``, the same only inside this wallet."""
        return hmac.digest(self._names, json.dumps(parts).encode(), "sha256")[:16].hex()

    def _place(self, shelf: str, item: str) -> bytes:
        return json.dumps([self.wallet, shelf, item]).encode()


def _derive(key: bytes, use: str, wallet: str) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=json.dumps(["muniment wallet 1", use, wallet]).encode()).derive(key)


def _normal(passphrase: str) -> bytes:
    """One spelling of each character, whichever keyboard typed it (RFC 8265 section 4.2)."""
    return unicodedata.normalize("NFC", passphrase.strip()).encode("utf-8", "replace")


def check_name(name: str, where: str = "holder") -> str:
    """The wallet's name, trimmed; ``Malformed`` when empty, too long or with control characters."""
    if len(name) > _LONGEST_NAME:
        raise Malformed("a wallet's name has between 1 and 100 printable characters", where=where)
    trimmed = " ".join(unicodedata.normalize("NFC", name).split())
    if not 1 <= len(trimmed) <= 100 or not trimmed.isprintable():
        raise Malformed("a wallet's name has between 1 and 100 printable characters", where=where)
    return trimmed


async def name_mac(custodian: Custodian, name: str) -> bytes:
    """How a wallet is found by its name without the name being on the disk. Case and spaces do not matter."""
    return await custodian.mac(REFERENCES, b"wallet name\0" + check_name(name).casefold().encode())


def make_recovery_code(entropy: Entropy) -> str:
    """25 symbols (125 bits) in groups of five."""
    symbols = spell(entropy(16), _CODE_SIZE)
    return "-".join(symbols[start : start + 5] for start in range(0, _CODE_SIZE, 5))


def spell(value: bytes, symbols: int) -> str:
    """The lowest bits of a number, five a symbol: what a person can type."""
    number = int.from_bytes(value, "big")
    return "".join(_CODE_ALPHABET[number >> (5 * place) & 31] for place in range(symbols))


def as_spelt(typed: str) -> str:
    """What a person typed, with the symbols that are easily confused put right."""
    plain = "".join(symbol for symbol in typed.upper() if symbol.isalnum())
    return plain.translate(str.maketrans("OIL", "011"))


def stretch(passphrase: str, salt: bytes, hardness: Hardness) -> bytes:
    """32 bytes by Argon2id; takes its time, so never on the event loop."""
    return argon2.stretch(
        _normal(passphrase),
        salt=salt,
        length=32,
        iterations=hardness.iterations,
        lanes=hardness.lanes,
        memory_kib=hardness.memory_kib,
    )


class Keeper:
    """Makes and opens vaults; at most ``at_once`` memory-hard derivations at a time and a bounded queue behind them (``TooMany``)."""

    def __init__(self, custodian: Custodian, entropy: Entropy, hardness: Hardness, *, at_once: int = 2) -> None:
        self.custodian = custodian
        self._entropy = entropy
        self._hardness = hardness
        self._gate = asyncio.Semaphore(at_once)
        self._waiting = 0

    async def make(self, name: str, passphrase: str, *, at: int) -> tuple[Locked, Vault, str]:
        """A new wallet: what to store, the open vault, and the recovery code to show once."""
        check_new_passphrase(passphrase)
        wallet, key, salt = self._entropy(16).hex(), self._entropy(32), self._entropy(16)
        code = make_recovery_code(self._entropy)
        unlock = await self.stretch(passphrase, salt, self._hardness)
        locked = Locked(
            id=wallet,
            name_mac=await name_mac(self.custodian, name),
            kdf=self._hardness.render(salt),
            by_passphrase=await self._wrap(key, unlock, wallet, Door.PASSPHRASE),
            by_recovery=await self._wrap(key, as_spelt(code).encode(), wallet, Door.RECOVERY),
            opened_on=at - at % 86_400,
        )
        return locked, Vault(wallet, key, self._entropy), code

    async def open(self, locked: Locked | None, passphrase: str) -> Vault:
        """The open vault; ``SignInRequired``, after the same work, for an unknown name and for a wrong passphrase."""
        hardness, salt = (self._hardness, bytes(16)) if locked is None else Hardness.parse(locked.kdf)
        unlock = await self.stretch(passphrase, salt, hardness)
        if locked is None:
            raise SignInRequired("no wallet opens with this name and passphrase")
        key = await self._unwrap(locked.by_passphrase, unlock, locked.id, Door.PASSPHRASE)
        return Vault(locked.id, key, self._entropy)

    async def recover(self, locked: Locked | None, code: str, passphrase: str) -> tuple[Locked, Vault, str]:
        """Open by the recovery code and set a new passphrase; the old code dies and a new one is returned."""
        check_new_passphrase(passphrase)  # first: what is said of it must not tell whether there is such a wallet
        if locked is None:
            raise SignInRequired("no wallet opens with this name and recovery code")
        key = await self._unwrap(locked.by_recovery, as_spelt(code).encode(), locked.id, Door.RECOVERY)
        return await self._new_doors(locked, key, passphrase)

    async def change(self, locked: Locked, old: str, passphrase: str) -> tuple[Locked, Vault, str]:
        """A new passphrase and a new recovery code, by someone who knows the old passphrase."""
        check_new_passphrase(passphrase)
        hardness, salt = Hardness.parse(locked.kdf)
        key = await self._unwrap(locked.by_passphrase, await self.stretch(old, salt, hardness), locked.id, Door.PASSPHRASE)
        return await self._new_doors(locked, key, passphrase)

    async def _new_doors(self, locked: Locked, key: bytes, passphrase: str) -> tuple[Locked, Vault, str]:
        salt, code = self._entropy(16), make_recovery_code(self._entropy)
        unlock = await self.stretch(passphrase, salt, self._hardness)
        renewed = replace(
            locked,
            kdf=self._hardness.render(salt),
            by_passphrase=await self._wrap(key, unlock, locked.id, Door.PASSPHRASE),
            by_recovery=await self._wrap(key, as_spelt(code).encode(), locked.id, Door.RECOVERY),
        )
        return renewed, Vault(locked.id, key, self._entropy), code

    async def stretch(self, passphrase: str, salt: bytes, hardness: Hardness) -> bytes:
        """As the function of this name, off the event loop."""
        if len(passphrase) > LONGEST_TYPED:
            raise SignInRequired("no wallet opens with a passphrase this long")
        if self._waiting >= _QUEUE:
            raise TooMany("too many wallets are being opened at this moment", retry_after=5)
        self._waiting += 1
        try:
            async with self._gate:
                return await asyncio.to_thread(stretch, passphrase, salt, hardness)
        finally:
            self._waiting -= 1

    async def _wrap(self, key: bytes, unlock: bytes, wallet: str, door: Door) -> bytes:
        nonce = self._entropy(_NONCE)
        inner = nonce + AESGCM(_kek(unlock, wallet, door)).encrypt(nonce, key, _context(wallet, door))
        return await self.custodian.seal(STORAGE, inner, context=_context(wallet, door))

    async def _unwrap(self, sealed: bytes, unlock: bytes, wallet: str, door: Door) -> bytes:
        inner = await self.custodian.unseal(STORAGE, sealed, context=_context(wallet, door))
        try:
            return AESGCM(_kek(unlock, wallet, door)).decrypt(inner[:_NONCE], inner[_NONCE:], _context(wallet, door))
        except InvalidTag as error:
            raise SignInRequired(f"no wallet opens with this name and {_WORDS[door]}") from error


_WORDS = {Door.PASSPHRASE: "passphrase", Door.RECOVERY: "recovery code"}


def _kek(unlock: bytes, wallet: str, door: Door) -> bytes:
    return _derive(sha256(unlock).digest() if door is Door.RECOVERY else unlock, f"door {door}", wallet)


def _context(wallet: str, door: Door) -> bytes:
    return json.dumps(["muniment wallet door", wallet, door]).encode()
