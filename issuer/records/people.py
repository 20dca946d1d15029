"""Holders, which documents are theirs, and what opens them: activation codes and accounts elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.storage import Tx
from shared.web import passkeys


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """What a letter opens. ``code`` is the HMAC of its code, ``birth`` that of the holder's date of birth."""

    document: str
    invitation: str
    code: bytes
    birth: bytes
    expires_at: int


async def add_holder(tx: Tx, holder: str, at: int) -> None:
    await tx.execute("INSERT INTO holder (id, made_at) VALUES ($1, $2)", holder, at)


def subject(holder: str) -> str:
    """What a holder is called among those who have sessions and passkeys; no operator is called so."""
    return f"holder:{holder}"


async def holder_of(tx: Tx, document: str) -> str | None:
    row = await tx.fetchrow("SELECT holder FROM held WHERE document = $1", document)
    return None if row is None else str(row["holder"])


async def give(tx: Tx, document: str, holder: str) -> None:
    """The document is that holder's, whoever's it was."""
    sql = "INSERT INTO held (document, holder) VALUES ($1, $2) ON CONFLICT (document) DO UPDATE SET holder = $2"
    await tx.execute(sql, document, holder)


async def documents_of(tx: Tx, holder: str) -> list[str]:
    """Numbers, the newest document first."""
    rows = await tx.fetch(
        "SELECT h.document FROM held h JOIN document d ON d.id = h.document WHERE h.holder = $1 ORDER BY d.made_at DESC, d.id", holder
    )
    return [str(row["document"]) for row in rows]


async def is_known(tx: Tx, holder: str) -> bool:
    """Whether there is such a holder, and she was not joined to another."""
    return await tx.fetchrow("SELECT id FROM holder WHERE id = $1", holder) is not None


async def join(tx: Tx, holder: str, other: str) -> None:
    """Whatever opened ``other`` opens ``holder`` from now on: somebody has shown that both are the same person.

    Nothing happens where one of them was joined to another meanwhile.
    """
    if not await is_known(tx, holder) or not await is_known(tx, other):
        return
    await tx.execute("UPDATE held SET holder = $1 WHERE holder = $2", holder, other)
    await tx.execute("UPDATE login SET holder = $1 WHERE holder = $2", holder, other)
    await passkeys.move(tx, subject(holder), subject(other))
    await tx.execute("DELETE FROM holder WHERE id = $1", other)


# --- activation codes --------------------------------------------------------------------------------------------------------------------


async def put_activation(tx: Tx, new: Activation) -> None:
    """The one of an earlier letter ends."""
    await tx.execute("DELETE FROM activation WHERE document = $1", new.document)
    await tx.execute(
        "INSERT INTO activation (document, invitation, code, birth, attempts, agreed_at, expires_at) VALUES ($1, $2, $3, $4, 0, NULL, $5)",
        new.document,
        new.invitation,
        new.code,
        new.birth,
        new.expires_at,
    )


async def end_code(tx: Tx, document: str, at: int) -> None:
    """That of its letter opens nothing any more."""
    await tx.execute("UPDATE activation SET expires_at = $2 WHERE document = $1 AND expires_at > $2", document, at)


async def birth_of(tx: Tx, document: str) -> bytes | None:
    """The HMAC of the date of birth that letters about the document ask for, if they ask for one."""
    row = await tx.fetchrow("SELECT birth FROM activation WHERE document = $1", document)
    return None if row is None else bytes(row["birth"])


async def births_of(tx: Tx, holder: str) -> list[tuple[str, bytes]]:
    """As ``birth_of`` for each document of a holder that a letter was made for, with its number."""
    rows = await tx.fetch("SELECT a.document, a.birth FROM activation a JOIN held h ON h.document = a.document WHERE h.holder = $1", holder)
    return [(str(row["document"]), bytes(row["birth"])) for row in rows]


async def document_of(tx: Tx, code: bytes) -> str | None:
    row = await tx.fetchrow("SELECT document FROM activation WHERE code = $1", code)
    return None if row is None else str(row["document"])


async def count_try(tx: Tx, code: bytes, *, limit: int, at: int, agreed_after: int) -> tuple[str, bytes, int] | None:
    """Count one try at a code that still opens something: its document, the HMAC of the right date of birth, and how many tries there
    were. ``None`` if there is none, it was blocked, its invitation was used otherwise, or its holder agreed before ``agreed_after``.
    """
    row = await tx.fetchrow(
        "UPDATE activation SET attempts = attempts + 1 WHERE code = $1 AND attempts < $2 AND expires_at > $3 "
        "AND (agreed_at IS NULL OR agreed_at > $4) "
        "AND EXISTS (SELECT 1 FROM document d WHERE d.id = activation.document AND d.standing <> 1 AND d.claims IS NOT NULL) "
        "AND EXISTS (SELECT 1 FROM invitation i WHERE i.id = activation.invitation AND i.state IN ('offered', 'locked')) "
        "RETURNING document, birth, attempts",
        code,
        limit,
        at,
        agreed_after,
    )
    return None if row is None else (str(row["document"]), bytes(row["birth"]), int(row["attempts"]))


async def forgive(tx: Tx, code: bytes) -> None:
    await tx.execute("UPDATE activation SET attempts = 0 WHERE code = $1", code)


async def agree(tx: Tx, documents: Sequence[str], at: int) -> None:
    """The codes of these documents do not serve much longer."""
    for document in documents:
        await tx.execute("UPDATE activation SET agreed_at = $2 WHERE document = $1 AND agreed_at IS NULL", document, at)


# --- accounts elsewhere ------------------------------------------------------------------------------------------------------------------


async def by_login(tx: Tx, account: bytes) -> str | None:
    """The holder whom an account elsewhere signs in."""
    row = await tx.fetchrow("SELECT holder FROM login WHERE account = $1", account)
    return None if row is None else str(row["holder"])


async def add_login(tx: Tx, account: bytes, holder: str) -> None:
    await tx.execute("INSERT INTO login (account, holder) VALUES ($1, $2) ON CONFLICT (account) DO NOTHING", account, holder)


async def purge(tx: Tx, at: int) -> None:
    """Codes past their time go when a new letter cannot be made any more."""
    await tx.execute("DELETE FROM activation WHERE expires_at <= $1 AND document IN (SELECT id FROM document WHERE claims IS NULL)", at)
