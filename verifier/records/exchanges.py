"""Requests, brought copies, and which presentations were seen before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.errors import NeedsMoreAttorneys
from shared.receipts import LogHead
from shared.storage import Row, Tx
from verifier.sessions import Answered, Asked, Declined, Exchange, Expired, Requested, Retrieved, parse_terms, render_terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An answer about to be kept. ``sealed`` holds the verdict, ``basis`` what the receipt of a copy is made of."""

    at: int
    decision: str
    code: str
    sealed: bytes = field(repr=False)
    keep_until: int
    basis: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Details that are kept: in whose name they were received (``Asked.entity``), and for which use."""

    id: str
    entity: str
    use: str


async def add_request(tx: Tx, asked: Asked, secrets: bytes, *, forget_at: int) -> None:
    await _insert(tx, asked, "requested", secrets, forget_at)


async def add_copy(tx: Tx, asked: Asked, ended: Ended, head: LogHead, *, forget_at: int) -> None:
    """A copy that was brought in is decided at once."""
    await _insert(tx, asked, "copy", None, forget_at)
    await _end(tx, asked.id, ended, head)


async def _insert(tx: Tx, asked: Asked, state: str, secrets: bytes | None, forget_at: int) -> None:
    await tx.execute(
        "INSERT INTO exchange (id, kind, state, made_by, terms, secrets, made_at, expires_at, decision, code, forget_at, entity) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', '', $9, $10)",
        asked.id,
        asked.terms.kind,
        state,
        asked.made_by,
        render_terms(asked.terms),
        secrets,
        asked.made_at,
        asked.expires_at,
        forget_at,
        asked.entity,
    )


async def find(tx: Tx, identifier: str, at: int) -> Exchange | None:
    """How it stands; what has had its time is not there any more, whether or not it was taken off the disk yet."""
    row = await tx.fetchrow("SELECT * FROM exchange WHERE id = $1 AND forget_at > $2", identifier, at)
    return None if row is None else _exchange(row, at)


async def find_open(tx: Tx, identifier: str, at: int) -> tuple[Exchange, bytes] | None:
    """As ``find``, with the sealed secrets, which are empty once it was answered."""
    row = await tx.fetchrow("SELECT * FROM exchange WHERE id = $1 AND kind = 'request' AND forget_at > $2", identifier, at)
    return None if row is None else (_exchange(row, at), bytes(row["secrets"] or b""))


async def recent(tx: Tx, at: int, limit: int) -> list[Exchange]:
    """Newest first; letters are listed as post."""
    rows = await tx.fetch("SELECT * FROM exchange WHERE forget_at > $1 AND kind <> 'letter' ORDER BY made_at DESC, id LIMIT $2", at, limit)
    return [_exchange(row, at) for row in rows]


async def count_undecided(tx: Tx, at: int, codes: Iterable[str]) -> int:
    """How many could not be decided for one of these reasons and can be looked at again, as what was shown is still kept; letters are post."""
    sql = (
        "SELECT count(*) AS n FROM exchange WHERE keep_until > $1 AND decision = 'undecided' AND kind <> 'letter' AND code = $2 "
        "AND verdict IS NOT NULL AND forget_at > $1"
    )
    rows = [await tx.fetchrow(sql, at, code) for code in codes]
    return sum(int(row["n"]) for row in rows if row is not None)


async def retrieve(tx: Tx, identifier: str) -> None:
    """A wallet has fetched it; the first time counts."""
    await tx.execute("UPDATE exchange SET state = 'retrieved' WHERE id = $1 AND state = 'requested'", identifier)


async def decline(tx: Tx, identifier: str, error: str, at: int) -> bool:
    """Somebody said no; false if it was answered, or has run out, in the meantime."""
    sql = "UPDATE exchange SET state = 'declined', code = $2 WHERE id = $1 AND state <> 'answered' AND expires_at > $3"
    return await tx.execute(sql, identifier, error, at) == 1


async def answer(tx: Tx, identifier: str, ended: Ended) -> bool:
    """Take the one answer; false if another one was taken before, or the time is over. Its secrets go with it."""
    sql = "UPDATE exchange SET state = 'answered', secrets = NULL WHERE id = $1 AND state <> 'answered' AND expires_at > $2"
    return await tx.execute(sql, identifier, ended.at) == 1


async def reopen(tx: Tx, identifier: str, ended: Ended) -> bool:
    """Take the one decision that follows an undecided one; false if it was taken before, or the details are gone."""
    sql = "UPDATE exchange SET decision = '' WHERE id = $1 AND state = 'answered' AND decision = 'undecided' AND keep_until > $2"
    return await tx.execute(sql, identifier, ended.at) == 1


async def agree(tx: Tx, identifier: str, code: str = NeedsMoreAttorneys.code) -> bool:
    """Take the decision that follows once enough have agreed together, or for what else it waits by its ``code``, also where the details are
    gone; false if it was taken before.
    """
    sql = "UPDATE exchange SET decision = '' WHERE id = $1 AND state = 'answered' AND decision = 'undecided' AND code = $2"
    return await tx.execute(sql, identifier, code) == 1


async def is_undecided(tx: Tx, identifier: str) -> bool:
    """Whether it was answered, and nobody has decided otherwise since; its details may be gone."""
    sql = "SELECT id FROM exchange WHERE id = $1 AND state = 'answered' AND decision = 'undecided'"
    return await tx.fetchrow(sql, identifier) is not None


async def remember(tx: Tx, identifier: str, until: int) -> None:
    """The row, without details, stays at least until then."""
    await tx.execute("UPDATE exchange SET forget_at = $2 WHERE id = $1 AND forget_at < $2", identifier, until)


async def keep_answer(tx: Tx, identifier: str, ended: Ended, head: LogHead) -> None:
    """What the answer came to, in the same unit of work as ``answer``."""
    await _end(tx, identifier, ended, head)


async def _end(tx: Tx, identifier: str, ended: Ended, head: LogHead) -> None:
    await tx.execute(
        "UPDATE exchange SET state = 'answered', ended_at = $2, decision = $3, code = $4, verdict = $5, keep_until = $6, log_size = $7, "
        "log_digest = $8, receipt = $9 WHERE id = $1",
        identifier,
        ended.at,
        ended.decision,
        ended.code,
        ended.sealed,
        ended.keep_until,
        head.size,
        head.digest,
        ended.basis,
    )


async def bind_browser(tx: Tx, identifier: str, browser: str) -> bool:
    """The request belongs to this browser from now on; false if it belongs to one already."""
    return await tx.execute("UPDATE exchange SET browser = $2 WHERE id = $1 AND browser IS NULL", identifier, browser) == 1


async def browser_of(tx: Tx, identifier: str) -> str:
    """The browser that the request belongs to; empty for none."""
    row = await tx.fetchrow("SELECT browser FROM exchange WHERE id = $1", identifier)
    return "" if row is None else str(row["browser"] or "")


async def come_back(tx: Tx, identifier: str, browser: str, at: int) -> bool:
    """The browser is back with the answer; false if it was before."""
    sql = "UPDATE exchange SET returned_at = $3 WHERE id = $1 AND browser = $2 AND returned_at IS NULL AND state = 'answered'"
    return await tx.execute(sql, identifier, browser, at) == 1


async def collect(tx: Tx, identifier: str, at: int) -> bool:
    """The organisation has brought the number of the answer; false if it did before."""
    sql = "UPDATE exchange SET collected_at = $2 WHERE id = $1 AND collected_at IS NULL AND state = 'answered'"
    return await tx.execute(sql, identifier, at) == 1


async def has_returned(tx: Tx, identifier: str) -> bool:
    return await tx.fetchrow("SELECT id FROM exchange WHERE id = $1 AND returned_at IS NOT NULL", identifier) is not None


async def first_seen(tx: Tx, keys: Iterable[bytes]) -> int | None:
    """When the first of these presentations was relied upon; ``None`` if none was."""
    for key in keys:
        row = await tx.fetchrow("SELECT first_at FROM seen_presentation WHERE key = $1", key)
        if row is not None:
            return int(row["first_at"])
    return None


async def mark_seen(tx: Tx, keys: Iterable[bytes], at: int, until: int) -> bool:
    """Remember them; false if one was seen before, and then the unit of work must not be kept."""
    sql = "INSERT INTO seen_presentation (key, first_at, expires_at) VALUES ($1, $2, $3) ON CONFLICT (key) DO NOTHING"
    marked = [await tx.execute(sql, key, at, until) for key in keys]
    return all(count == 1 for count in marked)


async def held(tx: Tx, at: int) -> list[Held]:
    """All details that are kept, oldest first."""
    sql = "SELECT id, entity, terms FROM exchange WHERE verdict IS NOT NULL AND keep_until > $1 ORDER BY made_at, id"
    return _held(await tx.fetch(sql, at))


async def held_of_others(tx: Tx, own: str, at: int) -> list[Held]:
    """Those of them that were not received in the name ``own``."""
    sql = "SELECT id, entity, terms FROM exchange WHERE verdict IS NOT NULL AND keep_until > $1 AND entity NOT IN ('', $2) ORDER BY made_at, id"
    return _held(await tx.fetch(sql, at, own))


def _held(rows: Iterable[Row]) -> list[Held]:
    return [Held(id=row["id"], entity=row["entity"], use=parse_terms(row["terms"]).purpose_id) for row in rows]


async def drop_details(tx: Tx, identifiers: Iterable[str], at: int) -> int:
    """What was shown goes, before its time; of how many it was still here."""
    sql = "UPDATE exchange SET verdict = NULL, keep_until = $2 WHERE id = $1 AND verdict IS NOT NULL"
    return sum([await tx.execute(sql, identifier, at) for identifier in identifiers])


async def purge(tx: Tx, at: int) -> int:
    """What has had its time goes: first what was shown, then the rows. How many rows that changed."""
    changed = [
        await tx.execute(sql, at)
        for sql in (
            "UPDATE exchange SET verdict = NULL WHERE verdict IS NOT NULL AND keep_until <= $1",
            "UPDATE exchange SET secrets = NULL WHERE secrets IS NOT NULL AND expires_at <= $1",
            "DELETE FROM exchange WHERE forget_at <= $1",
            "DELETE FROM seen_presentation WHERE expires_at <= $1",
        )
    ]
    return sum(changed)


def _exchange(row: Row, at: int) -> Exchange:
    asked = Asked(
        id=row["id"],
        entity=row["entity"],
        terms=parse_terms(row["terms"]),
        made_by=row["made_by"],
        made_at=int(row["made_at"]),
        expires_at=int(row["expires_at"]),
    )
    if row["state"] == "answered":
        keep_until = int(row["keep_until"])
        sealed, basis = row["verdict"] if at < keep_until else None, row["receipt"]
        return Answered(
            asked=asked,
            at=int(row["ended_at"]),
            decision=row["decision"],
            code=row["code"],
            keep_until=keep_until,
            log_head=LogHead(size=int(row["log_size"]), digest=bytes(row["log_digest"])),
            sealed=None if sealed is None else bytes(sealed),
            basis=None if basis is None else bytes(basis),
            collected=row["collected_at"] is not None,
        )
    if at >= asked.expires_at:
        return Expired(asked)
    if row["state"] == "declined":
        return Declined(asked, row["code"])
    return Retrieved(asked) if row["state"] == "retrieved" else Requested(asked)
