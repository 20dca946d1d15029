"""Status lists: which index belongs to which document, its value, and the tokens that were last published."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from shared.storage import Tx


@dataclass(frozen=True, slots=True)
class ListSize:
    id: int
    size: int
    bits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """``version`` is what the entries say now, ``published`` what ``token`` tells, and ``cwt`` in its other form.

    A list of one bit has no ``token``. Its entries are 0 or 1, and once 1 for good. ``signed_by`` is the thumbprint of the key that signed
    it; ``spoilt``: that key was reported as compromised since.
    """

    size: int
    bits: int
    version: int
    published: int
    issued_at: int
    token: str
    cwt: bytes
    signed_by: str = ""
    spoilt: bool = False


# The version that is about to tell a value: units of work are serialised, and each one that changes values ends with ``touch``.
_NEXT = "(SELECT version + 1 FROM status_list WHERE status_list.id = status_entry.list)"
_LASTING = "(SELECT bits FROM status_list WHERE status_list.id = status_entry.list) = 1"
_UNLINKED = "document = NULL, delivery = NULL, signed_by = '', signed_at = 0"
USUAL, LASTING = 2, 1
"""Bits of a list, and with them what kind it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedBy:
    """Copies by one key: its thumbprint, and from which instant on. ``is_first``: those that do not name their key are by it."""

    thumbprint: str
    is_first: bool
    since: int

    @property
    def values(self) -> tuple[str, str, int]:
        """What stands for ``signed_by IN ($n, $n+1) AND signed_at >= $n+2``."""
        return self.thumbprint, "" if self.is_first else self.thumbprint, self.since


class CollisionError(Exception):
    """Another request took one of these indices first; nothing was written."""


async def current(tx: Tx, bits: int = USUAL) -> ListSize | None:
    """The list that new indices come from."""
    row = await tx.fetchrow("SELECT id, size FROM status_list WHERE bits = $1 ORDER BY id DESC LIMIT 1", bits)
    return None if row is None else ListSize(int(row["id"]), int(row["size"]), bits)


async def open_list(tx: Tx, size: int, bits: int = USUAL) -> None:
    """Begin a list."""
    await tx.execute(
        "INSERT INTO status_list (id, size, version, published, issued_at, token, bits) "
        "SELECT coalesce(max(id), 0) + 1, $1, 1, 0, 0, '', $2 FROM status_list",
        size,
        bits,
    )


async def bits_of(tx: Tx, number: int) -> int:
    row = await tx.fetchrow("SELECT bits FROM status_list WHERE id = $1", number)
    return USUAL if row is None else int(row["bits"])


async def size_of(tx: Tx, number: int) -> int:
    row = await tx.fetchrow("SELECT size FROM status_list WHERE id = $1", number)
    return 0 if row is None else int(row["size"])


async def numbers(tx: Tx) -> list[int]:
    return [int(row["id"]) for row in await tx.fetch("SELECT id FROM status_list ORDER BY id")]


async def taken(tx: Tx, number: int, candidates: Sequence[int]) -> set[int]:
    """Which of ``candidates`` were ever given away."""
    rows = await tx.fetch(_taken(len(candidates)), number, *candidates)
    return {int(row["idx"]) for row in rows}


async def fill(tx: Tx, number: int) -> int:
    """How many indices of a list were ever given away."""
    row = await tx.fetchrow("SELECT count(*) AS n FROM status_entry WHERE list = $1", number)
    return 0 if row is None else int(row["n"])


async def reserve(
    tx: Tx,
    number: int,
    indices: Collection[int],
    *,
    document: str | None,
    delivery: bytes | None,
    value: int,
    expires_at: int,
    lost: bool = False,
    signed_by: str = "",
    signed_at: int = 0,
) -> None:
    """Take ``indices`` for one delivery of a document (``None``: decoys), all or ``CollisionError``. In order, so that two takers never
    deadlock. ``signed_by`` is the thumbprint of the key that signed the copies.
    """
    places = sorted(indices)
    sql = _reserve(len(places), changes=value != 0)
    made = await tx.execute(sql, number, document, delivery, value, expires_at, int(lost), signed_by, signed_at, *places)
    if made != len(indices):
        raise CollisionError


async def live_copies(tx: Tx, document: str, at: int) -> int:
    """Copies that have not run out and that a wallet still has; an mdoc that was on hold is of no more use."""
    sql = f"SELECT count(*) AS n FROM status_entry WHERE document = $1 AND expires_at > $2 AND lost = 0 AND NOT (value = 1 AND {_LASTING})"  # noqa: S608 - no value in it
    row = await tx.fetchrow(sql, document, at)
    return 0 if row is None else int(row["n"])


async def flip(tx: Tx, document: str, value: int, at: int) -> list[tuple[int, bool]]:
    """Set all unexpired copies of a document; for each the list it stands in, and whether it is lost (security rule S23).

    Lost copies follow into cancellation alone: ending a hold does not bring them back, nor any copy in a list of one bit.
    """
    rows = await tx.fetch(
        f"UPDATE status_entry SET value = CASE WHEN {_LASTING} THEN 1 ELSE $1 END, since = {_NEXT} "  # noqa: S608 - no value in it
        "WHERE document = $2 AND expires_at > $3 AND (lost = 0 OR $1 = 1) "
        f"AND value <> $1 AND NOT ({_LASTING} AND ($1 = 0 OR value = 1)) RETURNING list, lost",
        value,
        document,
        at,
    )
    return [(int(row["list"]), bool(row["lost"])) for row in rows]


async def supersede(tx: Tx, document: str, at: int, *, by: SignedBy | None = None) -> list[tuple[int, bool]]:
    """Cancel all unexpired copies of a document that gets new ones, and unlink them: whatever becomes of it later does not touch them.

    For each the list that it stands in, and whether it was lost. ``by``: only the copies by that key.
    """
    only, values = ("", ()) if by is None else ("AND signed_by IN ($3, $4) AND signed_at >= $5 ", by.values)
    rows = await tx.fetch(
        f"UPDATE status_entry SET value = 1, since = {_NEXT}, {_UNLINKED} "  # noqa: S608 - no value in it
        f"WHERE document = $1 AND expires_at > $2 AND value <> 1 {only}RETURNING list, lost",
        document,
        at,
        *values,
    )
    return [(int(row["list"]), bool(row["lost"])) for row in rows]


async def lose(tx: Tx, delivery: bytes, at: int) -> list[int]:
    """The copies of one delivery are lost, and on hold from now on; the list that each stands in."""
    return await _lose(tx, "delivery", delivery, at)


async def lose_all(tx: Tx, document: str, at: int) -> list[int]:
    """As ``lose`` for all copies of a document."""
    return await _lose(tx, "document", document, at)


async def _lose(tx: Tx, column: str, which: str | bytes, at: int) -> list[int]:
    rows = await tx.fetch(
        f"UPDATE status_entry SET value = CASE WHEN {_LASTING} THEN 1 ELSE 2 END, lost = 1, since = CASE value WHEN 2 THEN since ELSE {_NEXT} END "  # noqa: S608 - no value in it
        f"WHERE {column} = $1 AND expires_at > $2 AND value <> 1 AND lost = 0 RETURNING list",
        which,
        at,
    )
    return [int(row["list"]) for row in rows]


async def flip_decoys(tx: Tx, number: int, *, before: int, after: int, count: int, lost: bool) -> int:
    """Change up to ``count`` decoys that stand at ``before``: those of lost copies, or those of all others."""
    return await tx.execute(
        f"UPDATE status_entry SET value = $1, since = {_NEXT} WHERE list = $2 AND idx IN "  # noqa: S608 - no value in it
        "(SELECT idx FROM status_entry WHERE list = $2 AND document IS NULL AND value = $3 AND expires_at = 0 AND lost = $5 LIMIT $4)",
        after,
        number,
        before,
        count,
        int(lost),
    )


async def touch(tx: Tx, number: int) -> None:
    """Say that the values of a list have changed."""
    await tx.execute("UPDATE status_list SET version = version + 1 WHERE id = $1", number)


async def changed(tx: Tx, number: int) -> list[tuple[int, int]]:
    """(index, value) of all entries that are not valid."""
    rows = await tx.fetch("SELECT idx, value FROM status_entry WHERE list = $1 AND value <> 0", number)
    return [(int(row["idx"]), int(row["value"])) for row in rows]


async def changed_since(tx: Tx, number: int, version: int) -> list[tuple[int, int]]:
    """(index, value) of all entries that say something else than they did in ``version``."""
    rows = await tx.fetch("SELECT idx, value FROM status_entry WHERE list = $1 AND since <> 0 AND since > $2", number, version)
    return [(int(row["idx"]), int(row["value"])) for row in rows]


async def values_of(tx: Tx, number: int, indices: Sequence[int]) -> dict[int, int]:
    """What single entries say; one that was never given away is not among them."""
    places = ", ".join(f"${n}" for n in range(2, len(indices) + 2))
    sql = f"SELECT idx, value FROM status_entry WHERE list = $1 AND idx IN ({places})"  # noqa: S608 - placeholders only
    return {int(row["idx"]): int(row["value"]) for row in await tx.fetch(sql, number, *indices)}


async def document_of(tx: Tx, number: int, index: int) -> str | None:
    """The document that a copy is of, unless the copy was lost, replaced, or has run out."""
    row = await tx.fetchrow("SELECT document FROM status_entry WHERE list = $1 AND idx = $2 AND lost = 0", number, index)
    return None if row is None or row["document"] is None else str(row["document"])


async def published(tx: Tx, number: int) -> Published | None:
    row = await tx.fetchrow(
        "SELECT size, bits, version, published, issued_at, token, cwt, signed_by, "
        "EXISTS (SELECT 1 FROM own_key k WHERE k.thumbprint = status_list.signed_by AND k.state = 'compromised') AS spoilt FROM status_list WHERE id = $1",
        number,
    )
    if row is None:
        return None
    return Published(
        size=int(row["size"]),
        bits=int(row["bits"]),
        version=int(row["version"]),
        published=int(row["published"]),
        issued_at=int(row["issued_at"]),
        token=row["token"],
        cwt=bytes(row["cwt"] or b""),
        signed_by=row["signed_by"],
        spoilt=bool(row["spoilt"]),
    )


async def publish(tx: Tx, number: int, *, version: int, issued_at: int, token: str, cwt: bytes, signed_by: str) -> bool:
    """Keep both signed forms of one version for all processes. False if a version as new was kept already: no two share an ``iat`` (S19)."""
    return (
        await tx.execute(
            "UPDATE status_list SET published = $1, issued_at = $2, token = $3, cwt = $4, signed_by = $6 "
            "WHERE id = $5 AND issued_at < $2 AND published <= $1",
            version,
            issued_at,
            token,
            cwt,
            number,
            signed_by,
        )
        == 1
    )


async def unlink(tx: Tx, at: int) -> None:
    """Copies that have expired no longer point at their document; their indices stay taken."""
    await tx.execute(f"UPDATE status_entry SET {_UNLINKED} WHERE expires_at <= $1 AND document IS NOT NULL", at)  # noqa: S608 - no value in it


@lru_cache(maxsize=256)
def _taken(count: int) -> str:
    places = ", ".join(f"${n}" for n in range(2, count + 2))
    return f"SELECT idx FROM status_entry WHERE list = $1 AND idx IN ({places})"  # noqa: S608 - placeholders only


@lru_cache(maxsize=256)
def _reserve(count: int, *, changes: bool) -> str:
    since = "(SELECT version + 1 FROM status_list WHERE id = $1)" if changes else "0"
    rows = ", ".join(f"($1, ${n}, $2, $3, $4, $5, $6, {since}, $7, $8)" for n in range(9, count + 9))
    into = "status_entry (list, idx, document, delivery, value, expires_at, lost, since, signed_by, signed_at)"
    return f"INSERT INTO {into} VALUES {rows} ON CONFLICT (list, idx) DO NOTHING"  # noqa: S608 - placeholders only
