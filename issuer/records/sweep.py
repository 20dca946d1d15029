"""What has had its time goes: nonces, tokens, answers, deliveries, uncollected claims."""

from __future__ import annotations

from issuer.records import authorizations, documents, donors, invitations, named, news, people, statuses
from issuer.sessions import SERVICE, Event
from shared.storage import Tx
from shared.web import log


async def spend_nonce(tx: Tx, digest: bytes, expires_at: int) -> bool:
    """Use a nonce up; false if it was."""
    sql = "INSERT INTO spent_nonce (digest, expires_at) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING"
    return await tx.execute(sql, digest, expires_at) == 1


async def add_delivery(tx: Tx, digest: bytes, document: str, expires_at: int) -> None:
    await tx.execute("INSERT INTO delivery (digest, document, told, expires_at) VALUES ($1, $2, '', $3)", digest, document, expires_at)


async def delivered(tx: Tx, digest: bytes) -> str | None:
    """The document that a delivery was of."""
    row = await tx.fetchrow("SELECT document FROM delivery WHERE digest = $1", digest)
    return None if row is None else str(row["document"])


async def tell_delivery(tx: Tx, digest: bytes, document: str, event: str) -> bool | None:
    """Record an event of a delivery once; ``None`` if there is no such delivery to that document, false if it was told before."""
    row = await tx.fetchrow("SELECT told FROM delivery WHERE digest = $1 AND document = $2", digest, document)
    if row is None:
        return None
    told = str(row["told"]).split()
    if event in told:
        return False
    await tx.execute("UPDATE delivery SET told = $1 WHERE digest = $2", " ".join((*told, event)), digest)
    return True


async def sweep(tx: Tx, at: int) -> None:
    """One pass. Expired status entries are unlinked but stay taken."""
    for table in ("spent_nonce", "delivery", "idempotency"):
        await tx.execute(f"DELETE FROM {table} WHERE expires_at <= $1", at)  # noqa: S608 - the three names above
    await authorizations.purge(tx, at)
    await invitations.purge(tx, at)
    for document in await invitations.lapse(tx, at):
        await documents.note(tx, document, Event(at=at, kind="lapsed", actor=SERVICE, reason="", copies=0))
        if (await documents.get(tx, document)).collected_at is None:
            await documents.drop_claims(tx, document)
    await documents.drop_old_claims(tx, at)
    await people.purge(tx, at)
    await donors.purge(tx, at)
    await named.purge(tx, at)
    await news.purge(tx, at)
    await statuses.unlink(tx, at)
    await log.purge(tx, at)
