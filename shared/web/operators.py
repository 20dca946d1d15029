"""Operators of a service: people who sign in. Which roles there are, and what each may do, the service says."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from ..clock import Entropy
from ..codec import base64url
from ..errors import Conflict, Missing
from ..storage import Row, Storage, Tx
from . import api_keys, passkeys, sessions
from .passphrases import hash_passphrase

Leaves = Callable[[Tx, str, int], Awaitable[None]]
"""What else ends in a service, in the same unit of work, when an operator is out: of whom, and when."""
# what is drawn as nothing (default ignorables, Unicode 16 DerivedCoreProperties), but for those that are drawn as a blank
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_BLANK = re.compile("[\u115f\u1160\u2800\u3164\uffa0]")
FIRST_KEY = "first key"
"""What the key is called that an office is set up with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    id: str
    name: str
    role: str
    passphrase: str  # PHC; empty for somebody with an account elsewhere
    made_at: int
    ended_at: int | None
    let_in_by: str = ""  # the name of who made this record, where somebody did
    handed: bool = False  # somebody else knows the passphrase: nothing is open before she has chosen her own

    @property
    def elsewhere(self) -> bool:
        """Whether she signs in elsewhere, and in no other way: then her groups there say what she may do."""
        return not self.passphrase


async def nothing_more(_tx: Tx, _operator: str, _at: int) -> None:
    """``Leaves`` where nothing else ends."""


def fold(name: str) -> str:
    """Names that differ in case, spaces, forms of letters or what nobody sees are the same."""
    seen = _UNSEEN.sub("", _BLANK.sub(" ", unicodedata.normalize("NFKC", name)))
    return " ".join(unicodedata.normalize("NFKC", seen.casefold()).split())


async def add(tx: Tx, operator: Operator) -> None:
    """``Conflict`` if somebody has that name."""
    made = await tx.execute(
        "INSERT INTO operator (id, name, folded, passphrase, role, made_at, ended_at, let_in_by, handed) "
        "VALUES ($1, $2, $3, $4, $5, $6, NULL, $7, $8) ON CONFLICT (folded) DO NOTHING",
        operator.id,
        operator.name,
        fold(operator.name),
        operator.passphrase,
        operator.role,
        operator.made_at,
        operator.let_in_by,
        int(operator.handed),
    )
    if made != 1:
        raise Conflict("somebody has that name already", where="/name")


async def find(tx: Tx, name: str) -> Operator | None:
    """The operator of that name who may still sign in."""
    row = await tx.fetchrow("SELECT * FROM operator WHERE folded = $1 AND ended_at IS NULL", fold(name))
    return None if row is None else _operator(row)


async def by_id(tx: Tx, identifier: str) -> Operator | None:
    row = await tx.fetchrow("SELECT * FROM operator WHERE id = $1 AND ended_at IS NULL", identifier)
    return None if row is None else _operator(row)


async def everybody(tx: Tx) -> list[Operator]:
    return [_operator(row) for row in await tx.fetch("SELECT * FROM operator ORDER BY folded")]


async def set_passphrase(tx: Tx, identifier: str, passphrase: str) -> None:
    """One that nobody else knows."""
    await tx.execute("UPDATE operator SET passphrase = $1, handed = 0 WHERE id = $2", passphrase, identifier)


async def end(tx: Tx, identifier: str, at: int) -> None:
    """Somebody leaves: her sessions and passkeys end too. The last admin who has a passphrase cannot: nobody could let anybody in again
    when the provider of those who sign in elsewhere is gone.
    """
    row = await tx.fetchrow(
        "SELECT count(*) AS n FROM operator WHERE role = 'admin' AND passphrase <> '' AND ended_at IS NULL AND id <> $1", identifier
    )
    if row is None or int(row["n"]) == 0:
        raise Conflict("the last admin cannot be removed")
    if await tx.execute("UPDATE operator SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL", at, identifier) != 1:
        raise Missing("there is no such operator")
    await passkeys.remove_all(tx, subject(identifier))
    await sessions.end_all(tx, identifier)


def subject(identifier: str) -> str:
    """What an operator is called among those who have passkeys; no holder is called so."""
    return f"operator:{identifier}"


def of_subject(name: str) -> str:
    """The operator that ``subject`` was made of; empty for anybody else."""
    prefix = subject("")
    return name.removeprefix(prefix) if name.startswith(prefix) else ""


async def first_operator(storage: Storage, name: str, passphrase: str, *, scopes: Collection[str], at: int, entropy: Entropy) -> str:
    """The first operator of a service that is being set up, an admin, and a key for programs; the key's token."""
    phc = await asyncio.to_thread(hash_passphrase, passphrase, entropy)
    operator = Operator(id=base64url.encode(entropy(12)), name=name, role="admin", passphrase=phc, made_at=at, ended_at=None)

    async def unit(tx: Tx) -> str:
        known = await find(tx, name)
        if known is None:
            await add(tx, operator)
        else:  # a set-up that was broken off has told its passphrase to nobody
            await set_passphrase(tx, known.id, phc)
        key = await api_keys.create(tx, name=FIRST_KEY, scopes=scopes, at=at, entropy=entropy)
        return key.token

    return await storage.write(unit)


def _operator(row: Row) -> Operator:
    return Operator(
        id=row["id"],
        name=row["name"],
        role=row["role"],
        passphrase=row["passphrase"],
        made_at=int(row["made_at"]),
        ended_at=row["ended_at"],
        let_in_by=row["let_in_by"],
        handed=bool(row["handed"]),
    )
