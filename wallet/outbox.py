"""Letters on their way to the inboxes of organisations, and the answers that came: what this service does while wallets are closed.

A row knows an address, a sealed letter and its ticket: not whose it is, nor what is in it. Which wallet it is of stands in that wallet alone.
A letter that was posted twice is one letter, by its ticket; answers lie here as they came until the wallet that asked for them is open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from shared import inbox
from shared.clock import DAY, Clock, Entropy
from shared.codec import base64url, strict_json
from shared.errors import AddressRefused, Conflict, Missing, VcError
from shared.flow import Fetch, Fetched
from shared.keys import Custodian
from shared.receipts import MAX_RECEIPT, Receipt, peek_receipt
from shared.storage import Storage, Tx
from wallet.keep import STORAGE

TRIES: Final = (60, 5 * 60, 30 * 60, 2 * 3_600, 6 * 3_600)
"""Seconds after each try that failed; then daily, until the copy inside runs out."""
ASKS: Final = (60, 10 * 60, 3_600)
"""Seconds after each asking for the answer of a person; then hourly until the day that was promised, then daily."""
CARRIED: Final = 6 * 3_600
"""Seconds between two askings for the answer to a letter that its holder hands in, until there is one."""
PATIENCE: Final = 31 * DAY
"""For how long after the copy's end an answer is still asked for."""
KEPT: Final = 90 * DAY
"""For how long an answer waits for its wallet to be opened."""
MOST_ANSWERS: Final = 32
"""Different answers to one letter after which nobody asks for another: each is a line of the history for good."""
_LEASE: Final = 120  # seconds in which nobody else tries the same letter
_AT_ONCE, _A_ROUND = 8, 64
_BLOCK, _LENGTH = 1_024, 4
_FOR_GOOD = frozenset({400, 409, 410, 413, 415})
WAITING: Final = frozenset({inbox.WAITS, inbox.NO_ANSWER, inbox.PASSED_ON})
"""Reasons of an undecided answer after which another one comes."""


class Got(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt as it came, unverified."""

    at: int
    receipt: str


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """One letter. ``jwe`` is empty once it was taken or given up; ``until`` is the end of the copy inside. ``carried_at``, unless 0, is since when
    its holder hands it in at some counter: it is not posted from here, and its answer is asked for all the same.

    ``answer_by`` is what the newest answer promises; ``got`` are answers that the wallet has not seen yet, ``last`` says which came last, ``heard``
    how many there were. ``fault`` is why it was given up: an error code, or ``http-`` and a status.
    """

    url: str
    jwe: str
    ticket: bytes
    until: int
    tries: int = 0
    asks: int = 0
    taken_at: int = 0
    carried_at: int = 0
    answer_by: int = 0
    got: tuple[Got, ...] = ()
    last: tuple[str, ...] = ()
    heard: int = 0
    fault: str = ""
    done: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A letter with the stamp of its row, which changes with every change."""

    id: str
    stamp: bytes
    post: Post


@dataclass(frozen=True, slots=True)
class Ready:
    """A letter that was sealed for its row, and can be put there in the unit of work of what it belongs to."""

    id: str
    stamp: bytes
    next_at: int
    ends_on: int
    body: bytes

    async def put(self, tx: Tx) -> None:
        sql = "INSERT INTO outbox (id, stamp, next_at, ends_on, body) VALUES ($1, $2, $3, $4, $5)"
        await tx.execute(sql, self.id, self.stamp, self.next_at, self.ends_on, self.body)


async def take_back(tx: Tx, name: str) -> None:
    """Nothing of a letter stays, sent or not."""
    await tx.execute("DELETE FROM outbox WHERE id = $1", name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """All letters of this service."""

    storage: Storage
    custodian: Custodian
    fetch: Callable[[Fetch], Awaitable[Fetched]]
    clock: Clock
    entropy: Entropy
    working: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ready(self, *, url: str, jwe: str, ticket: bytes, until: int) -> Ready:
        """A new letter, to be tried at once; its name is random."""
        name, post = base64url.encode(self.entropy(16)), Post(url=url, jwe=jwe, ticket=ticket, until=until)
        body = await self._sealed(name, post)
        return Ready(name, self.entropy(8), self.clock(), _ends_on(post), body)

    async def find(self, name: str, *, but: bytes = b"") -> Row | None:
        """A letter; ``None`` once it is gone, or where it is still as it was with the stamp ``but``."""
        row = await self.storage.read(lambda tx: tx.fetchrow("SELECT stamp, body FROM outbox WHERE id = $1", name))
        return None if row is None or bytes(row["stamp"]) == but else await self._open(name, bytes(row["stamp"]), bytes(row["body"]))

    async def exists(self, name: str) -> bool:
        """Whether it is still here."""
        return await self.storage.read(lambda tx: tx.fetchrow("SELECT id FROM outbox WHERE id = $1", name)) is not None

    async def collected(self, row: Row) -> bytes:
        """The wallet has these answers: they leave the service, and so does a letter that is done. The stamp that the row has now, or none."""
        if row.post.done:
            await self.drop(row.id)
            return b""
        if not row.post.got:
            return row.stamp
        return await self._save(row, msgspec.structs.replace(row.post, got=()), point="outbox-collected") or b""

    async def drop(self, name: str) -> None:
        """Take a letter back, sent or not."""
        await self.storage.write(lambda tx: take_back(tx, name), point="outbox-dropped")

    async def carry(self, name: str, *, by_hand: bool) -> None:
        """From now on its holder hands it in and it is only asked after, or the other way round: it is posted from here, at once.

        Said again it changes nothing. ``Missing`` once it is gone; ``Conflict`` where ``can_carry`` says no, or it changed in this moment.
        """
        row, at = await self.find(name), self.clock()
        if row is None:
            raise Missing("there is no such letter any more")
        if not can_carry(row.post, at):
            raise Conflict("it has arrived, or the copy in it has run out")
        if bool(row.post.carried_at) == by_hand:
            return
        after = msgspec.structs.replace(row.post, carried_at=at if by_hand else 0, tries=0, asks=0)
        if await self._save(row, after, point="outbox-carried") is None:
            raise Conflict("it was on its way in this moment; look again")

    async def sweep(self) -> None:
        """Drop answers that nobody fetched."""
        at = self.clock()
        await self.storage.write(lambda tx: tx.execute("DELETE FROM outbox WHERE ends_on <= $1", at), point="outbox-over")

    async def work(self) -> int:
        """Post and ask whatever is due now; how many were tried."""
        if self.working.locked():
            return 0
        async with self.working:
            at = self.clock()
            sql = "SELECT id FROM outbox WHERE next_at <= $1 ORDER BY next_at, id LIMIT $2"
            due = [str(row["id"]) for row in await self.storage.read(lambda tx: tx.fetch(sql, at, _A_ROUND))]
            gate = asyncio.Semaphore(_AT_ONCE)
            await asyncio.gather(*(self._try(name, at, gate) for name in due))
            return len(due)

    async def _try(self, name: str, at: int, gate: asyncio.Semaphore) -> None:
        async with gate:
            row = await self._leased(name, at)
            if row is None:
                return
            after = await (self._asked if row.post.taken_at or row.post.carried_at else self._posted)(row.post)
            await self._save(row, after, point="outbox-tried")

    async def _leased(self, name: str, at: int) -> Row | None:
        """The letter, for this process alone for a while; ``None`` where another one was faster."""
        stamp = self.entropy(8)

        async def lease(tx: Tx) -> bytes | None:
            row = await tx.fetchrow("SELECT body FROM outbox WHERE id = $1 AND next_at <= $2", name, at)
            sql = "UPDATE outbox SET stamp = $1, next_at = $2 WHERE id = $3 AND next_at <= $4"
            taken = row is not None and await tx.execute(sql, stamp, at + _LEASE, name, at) == 1
            return bytes(row["body"]) if row is not None and taken else None

        body = await self.storage.write(lease, point="outbox-lease")
        return None if body is None else await self._open(name, stamp, body)

    async def _posted(self, post: Post) -> Post:
        if self.clock() >= post.until:
            return _given_up(post, "expired")
        fetch = Fetch(
            url=post.url, method="POST", headers={"Content-Type": inbox.MEDIA_TYPE}, body=post.jwe.encode(), max_bytes=2 * MAX_RECEIPT
        )
        try:
            answer = await self.fetch(fetch)
        except AddressRefused as error:
            return _given_up(post, error.code)
        except VcError:
            return msgspec.structs.replace(post, tries=post.tries + 1)
        if answer.status in _FOR_GOOD:
            return _given_up(post, f"http-{answer.status}")
        found = read_answer(answer)
        if found is None:
            return msgspec.structs.replace(post, tries=post.tries + 1)
        taken = msgspec.structs.replace(post, jwe="", taken_at=self.clock())
        return heard(taken, *found, waits=answer.status == 202, at=self.clock())

    async def _asked(self, post: Post) -> Post:
        asked = msgspec.structs.replace(post, asks=post.asks + 1, jwe=post.jwe if self.clock() < post.until else "")
        if self.clock() >= post.until + PATIENCE:
            return msgspec.structs.replace(asked, done=True) if post.taken_at else _given_up(asked, "expired")
        body = strict_json.dumps({"ticket": base64url.encode(post.ticket)})
        headers = {"Content-Type": "application/json"}
        try:
            answer = await self.fetch(Fetch(url=f"{post.url}/answer", method="POST", headers=headers, body=body, max_bytes=2 * MAX_RECEIPT))
        except VcError:
            return asked
        found = read_answer(answer)
        if found is None:
            return asked
        if not post.taken_at:  # the counter's letter has arrived
            asked = msgspec.structs.replace(asked, jwe="", taken_at=self.clock(), asks=0)
        return heard(asked, *found, waits=answer.status == 202, at=self.clock())

    async def _open(self, name: str, stamp: bytes, body: bytes) -> Row:
        plain = await self.custodian.unseal(STORAGE, body, context=_context(name))
        size = int.from_bytes(plain[:_LENGTH], "big")
        return Row(name, stamp, msgspec.msgpack.decode(plain[_LENGTH : _LENGTH + size], type=Post))

    async def _save(self, row: Row, post: Post, *, point: str) -> bytes | None:
        """The new stamp; ``None`` where the row was changed or dropped meanwhile."""
        body, stamp = await self._sealed(row.id, post), self.entropy(8)
        next_at, ends_on = next_of(post, self.clock()), _ends_on(post)
        sql = "UPDATE outbox SET stamp = $1, next_at = $2, ends_on = $3, body = $4 WHERE id = $5 AND stamp = $6"
        kept = await self.storage.write(lambda tx: tx.execute(sql, stamp, next_at, ends_on, body, row.id, row.stamp), point=point)
        return stamp if kept == 1 else None

    async def _sealed(self, name: str, post: Post) -> bytes:
        """Sealed for its row; how long the address is does not show."""
        plain = msgspec.msgpack.encode(post)
        padded = len(plain).to_bytes(_LENGTH, "big") + plain + bytes(-(_LENGTH + len(plain)) % _BLOCK)
        return await self.custodian.seal(STORAGE, padded, context=_context(name))


def heard(post: Post, token: str, receipt: Receipt, *, waits: bool, at: int) -> Post:
    """After an answer. It is kept once however often it is given, and the last one ends the matter."""
    said = (receipt.receipt_id, receipt.decision, receipt.reason_code, str(promised(receipt) or ""))
    waits = receipt.decision == "undecided" and (waits or receipt.reason_code in WAITING)
    news = () if said == post.last else (Got(at=at, receipt=token),)
    number = post.heard + len(news)
    done = not waits or number >= MOST_ANSWERS
    return msgspec.structs.replace(post, got=(*post.got, *news)[-8:], last=said, heard=number, answer_by=promised(receipt), done=done)


def next_of(post: Post, at: int) -> int:
    """When it is due again; what is done is due never."""
    if post.done:
        return _ends_on(post)
    if post.carried_at and not post.taken_at:
        return at + CARRIED
    if not post.taken_at:
        waits = (0, *TRIES)  # what was never tried is due at once
        return min(at + (waits[post.tries] if post.tries < len(waits) else DAY), max(post.until, at + 1))
    if post.asks < len(ASKS):
        return at + ASKS[post.asks]
    return at + (3_600 if at < post.answer_by else DAY)


def can_carry(post: Post, at: int) -> bool:
    """Whether the letter is there still, for its holder to hand in or for this service to post."""
    return bool(post.jwe) and not post.done and at < post.until


def promised(receipt: Receipt) -> int:
    """By when a person answers, where that was said; else 0."""
    return receipt.answer_by or 0


def _given_up(post: Post, fault: str) -> Post:
    return msgspec.structs.replace(post, jwe="", fault=fault, done=True)


def read_answer(answer: Fetched) -> tuple[str, Receipt] | None:
    """The receipt as it came and what it says; ``None`` for anything else, such as the page of something in between."""
    if answer.status not in {200, 202}:
        return None
    try:
        token = strict_json.load_object(answer.body, max_bytes=2 * MAX_RECEIPT, max_depth=4).get("receipt")
        return (token, peek_receipt(token)) if isinstance(token, str) else None
    except VcError:
        return None


def _ends_on(post: Post) -> int:
    return (post.until + KEPT) // DAY * DAY + DAY


def _context(name: str) -> bytes:
    return f"outbox/{name}".encode()
