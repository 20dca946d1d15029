"""Sign-ins that were asked for, from the pushed request to the code that was changed for tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.storage import Row, Tx


class State(StrEnum):
    PUSHED = "pushed"
    BEGUN = "begun"
    GRANTED = "granted"
    REDEEMED = "redeemed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Which wallet asks. ``instance`` is the thumbprint of its attested key, ``jkt`` that of the key that the code will be tied to."""

    client: str
    name: str
    provider: str
    instance: str
    jkt: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """One row. ``until`` is the end of the present state; ``request`` is the form that was pushed, and could be opened until ``reference_until``."""

    id: str
    asker: Asker
    request: str
    state: State
    until: int
    reference_until: int
    documents: tuple[str, ...]
    entitlement: str | None


async def insert(tx: Tx, sign_in: SignIn, *, reference: bytes, expires_at: int) -> None:
    asker = sign_in.asker
    await tx.execute(
        "INSERT INTO authorization_request (id, reference, reference_until, client, client_name, provider, instance, jkt, request, state, "
        "until, documents, code, entitlement, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'pushed', $3, '', NULL, NULL, $10)",
        sign_in.id,
        reference,
        sign_in.until,
        asker.client,
        asker.name,
        asker.provider,
        asker.instance,
        asker.jkt,
        sign_in.request,
        expires_at,
    )


async def begin(tx: Tx, reference: bytes, client: str, *, at: int, until: int) -> SignIn | None:
    """Open what was pushed by ``client``; the first opening decides how long it stays open. ``None`` where there is nothing to open."""
    await tx.execute(
        "UPDATE authorization_request SET state = 'begun', until = $4, expires_at = $4 "
        "WHERE reference = $1 AND client = $2 AND state = 'pushed' AND until > $3",
        reference,
        client,
        at,
        until,
    )
    row = await tx.fetchrow(
        f"{_SELECT} WHERE reference = $1 AND client = $2 AND state = 'begun' AND reference_until > $3 AND until > $3", reference, client, at
    )
    return None if row is None else _sign_in(row)


async def open_one(tx: Tx, name: str, *, at: int) -> SignIn | None:
    """One that waits for its person's answer."""
    row = await tx.fetchrow(f"{_SELECT} WHERE id = $1 AND state = 'begun' AND until > $2", name, at)
    return None if row is None else _sign_in(row)


async def extend(tx: Tx, name: str, *, at: int, until: int, most: int) -> None:
    """Somebody who still answers has more time; ``most`` seconds after its request could last be opened it ends whatever she says."""
    await tx.execute(
        "UPDATE authorization_request SET until = CASE WHEN $3 < reference_until + $4 THEN $3 ELSE reference_until + $4 END, "
        "expires_at = CASE WHEN $3 < reference_until + $4 THEN $3 ELSE reference_until + $4 END WHERE id = $1 AND state = 'begun' AND until > $2",
        name,
        at,
        until,
        most,
    )


async def grant(tx: Tx, name: str, documents: Sequence[str], *, code: bytes, until: int) -> None:
    await tx.execute(
        "UPDATE authorization_request SET state = 'granted', documents = $2, code = $3, until = $4, expires_at = $4 WHERE id = $1",
        name,
        " ".join(documents),
        code,
        until,
    )


async def forget(tx: Tx, name: str) -> None:
    await tx.execute("DELETE FROM authorization_request WHERE id = $1", name)


async def withdraw(tx: Tx, document: str) -> None:
    """Codes that somebody agreed to for this document, alone or among others, and has not changed yet."""
    await tx.execute(
        "DELETE FROM authorization_request WHERE state = 'granted' AND ' ' || documents || ' ' LIKE '% ' || $1 || ' %'", document
    )


async def by_code(tx: Tx, code: bytes) -> SignIn | None:
    row = await tx.fetchrow(f"{_SELECT} WHERE code = $1", code)
    return None if row is None else _sign_in(row)


async def redeem(tx: Tx, name: str, entitlement: str, *, expires_at: int) -> None:
    """The code is used up; the row stays, without what was pushed, as long as its tokens may live."""
    await tx.execute(
        "UPDATE authorization_request SET state = 'redeemed', request = '', entitlement = $2, expires_at = $3 WHERE id = $1",
        name,
        entitlement,
        expires_at,
    )


async def purge(tx: Tx, at: int) -> None:
    await tx.execute("DELETE FROM authorization_request WHERE expires_at <= $1", at)


_SELECT = (
    "SELECT id, client, client_name, provider, instance, jkt, request, state, until, reference_until, documents, entitlement "
    "FROM authorization_request"
)


def _sign_in(row: Row) -> SignIn:
    return SignIn(
        id=row["id"],
        asker=Asker(client=row["client"], name=row["client_name"], provider=row["provider"], instance=row["instance"], jkt=row["jkt"]),
        request=row["request"],
        state=State(row["state"]),
        until=int(row["until"]),
        reference_until=int(row["reference_until"]),
        documents=tuple(str(row["documents"]).split()),
        entitlement=row["entitlement"],
    )
