"""Passphrases: Argon2id in its PHC form, worked out in few threads so that a crowd of sign-ins cannot starve everybody else."""

from __future__ import annotations

import asyncio
import base64
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from ..clock import Entropy
from ..errors import Malformed, TooMany, WrongPassphrase

T = TypeVar("T")

_MEMORY_KIB, _ITERATIONS, _LANES = 19_456, 2, 1
"""The first choice of OWASP's password storage guidance for Argon2id."""
_SALT, _DIGEST = 16, 32  # bytes

MIN_LENGTH, MAX_LENGTH = 12, 256
LONGEST_TYPED = 4 * MAX_LENGTH
"""Characters of a passphrase as some keyboards type it. Bringing more to one spelling takes time that grows with its square."""
_WAITING = 64
_CONSONANTS, _VOWELS = "bdfghjklmnprstvz", "aeiou"


def hash_passphrase(passphrase: str, entropy: Entropy) -> str:
    """A PHC string with its own salt. Takes about 30 ms of a core: on a server use ``Passphrases``."""
    kdf = Argon2id(salt=entropy(_SALT), length=_DIGEST, iterations=_ITERATIONS, lanes=_LANES, memory_cost=_MEMORY_KIB)
    return kdf.derive_phc_encoded(_bytes(passphrase))


def _of_nobody(entropy: Entropy) -> str:
    """A PHC string that takes as long to check as any other and that no passphrase is known to fit."""
    salt, digest = (base64.b64encode(entropy(size)).rstrip(b"=").decode() for size in (_SALT, _DIGEST))
    return f"$argon2id$v=19$m={_MEMORY_KIB},t={_ITERATIONS},p={_LANES}${salt}${digest}"


def check_passphrase(passphrase: str, phc: str) -> None:
    """Raise ``WrongPassphrase`` unless ``phc`` was made from ``passphrase``."""
    if len(passphrase) > LONGEST_TYPED:
        raise WrongPassphrase("name and passphrase do not match")
    try:
        Argon2id.verify_phc_encoded(_bytes(passphrase), phc)
    except InvalidKey as error:
        raise WrongPassphrase("name and passphrase do not match") from error


def check_new_passphrase(passphrase: str, *, where: str = "/passphrase") -> None:
    """Raise ``Malformed`` for a passphrase too short or too long to be taken."""
    if not MIN_LENGTH <= len(passphrase.strip()) <= MAX_LENGTH:
        raise Malformed(f"a passphrase has {MIN_LENGTH} to {MAX_LENGTH} characters", where=where)


def generate_passphrase(entropy: Entropy, words: int = 5) -> str:
    """Invented words that can be read out and typed, e.g. ``bavok-lirem-tupas-gonid-hefut``: about 16.6 bits a word."""
    return "-".join(_word(entropy) for _ in range(words))


def _word(entropy: Entropy) -> str:
    number = int.from_bytes(entropy(8), "big")
    letters = ""
    for alphabet in (_CONSONANTS, _VOWELS, _CONSONANTS, _VOWELS, _CONSONANTS):
        number, index = divmod(number, len(alphabet))
        letters += alphabet[index]
    return letters


def _bytes(passphrase: str) -> bytes:
    """One spelling of each character, whichever keyboard typed it (RFC 8265 section 4.2), spaces around it dropped."""
    return unicodedata.normalize("NFC", passphrase.strip()).encode("utf-8", "surrogatepass")


class Passphrases:
    """Hashing and checking off the event loop, at most ``threads`` at once and a bounded queue behind them (``TooMany``)."""

    def __init__(self, entropy: Entropy, *, threads: int = 2) -> None:
        self._entropy = entropy
        self._pool = ThreadPoolExecutor(threads, "passphrase")
        self._waiting = 0
        self._nobody = _of_nobody(entropy)

    async def hash(self, passphrase: str) -> str:
        """The PHC string to keep."""
        return await self._run(lambda: hash_passphrase(passphrase, self._entropy))

    async def check(self, passphrase: str, phc: str | None) -> None:
        """Raise ``WrongPassphrase`` unless they belong together. ``None`` (no such account) takes as long and always raises."""
        await self._run(lambda: check_passphrase(passphrase, self._nobody if phc is None else phc))
        if phc is None:
            raise WrongPassphrase("name and passphrase do not match")

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= _WAITING:
            raise TooMany("too many people are signing in at this moment", retry_after=5)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Release the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)
