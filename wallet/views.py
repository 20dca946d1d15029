"""Locked copies that the service itself shows, for bodies that can open no page of their own: the told alternative to a locked link.

Closed, a view is a locked link that the service keeps and cannot read. Tries with wrong words are counted over its whole life, uses as
well; what whoever opens it types as their organisation is kept for the holder, and proved by nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

import msgspec

from shared import sealed_link
from shared.clock import DAY, Clock, Entropy
from shared.codec import base64url
from shared.errors import Conflict, Expired, Malformed, Missing
from shared.keys import Custodian
from shared.sealed_link import Link
from shared.storage import Storage, Tx
from wallet.keep import STORAGE

TRIES: Final = 20
"""Wrong words over the whole life of a view; then it is closed for good."""
MAX_USES: Final = 20
KEPT: Final = 30 * DAY
"""For how long after its end the holder can still see who looked."""
MAX_ORGANISATION: Final = 120


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody had the words. ``organisation`` is what they typed, proved by nothing."""

    at: int
    organisation: str


class View(msgspec.Struct, frozen=True, kw_only=True):
    """``token`` is the locked link, empty once the view is closed."""

    token: str
    until: int
    tries_left: int = TRIES
    uses_left: int = MAX_USES
    openings: tuple[Opening, ...] = ()


@dataclass(frozen=True, slots=True)
class _Row:
    stamp: bytes
    view: View


@dataclass(frozen=True, slots=True)
class Ready:
    """A view that was sealed for its row, and can be put there in the unit of work of the link that its holder sees."""

    id: str
    stamp: bytes
    ends_on: int
    body: bytes

    async def put(self, tx: Tx) -> None:
        sql = "INSERT INTO views (id, stamp, ends_on, body) VALUES ($1, $2, $3, $4)"
        await tx.execute(sql, self.id, self.stamp, self.ends_on, self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """All views of this service. ``Missing`` where there is none, or it is closed: nobody learns which."""

    storage: Storage
    custodian: Custodian
    clock: Clock
    entropy: Entropy
    working: asyncio.Lock = field(default_factory=asyncio.Lock)  # words are stretched one at a time, for that takes a processor

    async def ready(self, token: str, *, until: int, uses: int) -> Ready:
        """A new view; its name is random. ``Malformed`` for more uses than are allowed, or none."""
        if not 1 <= uses <= MAX_USES:
            raise Malformed(f"a copy is shown here 1 to {MAX_USES} times", where="uses")
        name = base64url.encode(self.entropy(16))
        body = await self._sealed(name, View(token=token, until=until, uses_left=uses))
        return Ready(name, self.entropy(8), (until + KEPT) // DAY * DAY + DAY, body)

    async def find(self, name: str) -> View | None:
        """What the holder sees of it; ``None`` once it is gone."""
        row = await self._row(name)
        return None if row is None else row.view

    async def check_open(self, name: str) -> None:
        """``Missing`` unless words can open it now."""
        self._open(await self._row(name))

    async def close(self, name: str) -> None:
        """For good: what was sealed leaves the service, who looked stays for the holder. Nothing happens if it is gone."""
        async with self.working:
            row = await self._row(name)
            if row is not None:
                await self._save(name, row, msgspec.structs.replace(row.view, token=""), point="view-closed")

    async def open(self, name: str, words: str, organisation: str) -> Link:
        """What is inside. The try is on the disk before the words are looked at; ``Malformed`` at ``words`` where they do not fit."""
        async with self.working:
            row = self._open(await self._row(name))
            token = row.view.token
            tried = await self._save(name, row, _tried(row.view), point="view-tried")
            link = await asyncio.to_thread(sealed_link.open_with_words, token, words)
            if link.until <= self.clock():
                raise Expired("this link is past its end")
            opening = Opening(at=self.clock(), organisation=organisation)
            await self._save(name, tried, _used(row.view, opening), point="view-opened")
            return link

    async def sweep(self) -> None:
        """Drop what nobody needs any more."""
        at = self.clock()
        await self.storage.write(lambda tx: tx.execute("DELETE FROM views WHERE ends_on <= $1", at), point="views-over")

    def _open(self, row: _Row | None) -> _Row:
        if row is None or not row.view.token or row.view.until <= self.clock():
            raise Missing("there is nothing to open here, or no longer")
        return row

    async def _row(self, name: str) -> _Row | None:
        row = await self.storage.read(lambda tx: tx.fetchrow("SELECT stamp, body FROM views WHERE id = $1", name))
        if row is None:
            return None
        plain = await self.custodian.unseal(STORAGE, bytes(row["body"]), context=_context(name))
        return _Row(bytes(row["stamp"]), msgspec.msgpack.decode(plain, type=View))

    async def _save(self, name: str, row: _Row, view: View, *, point: str) -> _Row:
        body, stamp = await self._sealed(name, view), self.entropy(8)

        async def save(tx: Tx) -> None:
            sql = "UPDATE views SET stamp = $1, body = $2 WHERE id = $3 AND stamp = $4"
            if await tx.execute(sql, stamp, body, name, row.stamp) != 1:
                raise Conflict("somebody opened this at the same moment; try again")

        await self.storage.write(save, point=point)
        return _Row(stamp, view)

    async def _sealed(self, name: str, view: View) -> bytes:
        return await self.custodian.seal(STORAGE, msgspec.msgpack.encode(view), context=_context(name))


async def take_back(tx: Tx, name: str) -> None:
    """Nothing of a view stays."""
    await tx.execute("DELETE FROM views WHERE id = $1", name)


def _tried(view: View) -> View:
    left = view.tries_left - 1
    return msgspec.structs.replace(view, tries_left=left, token=view.token if left else "")


def _used(view: View, opening: Opening) -> View:
    """As before the try, for it was none; with one use less."""
    left = view.uses_left - 1
    return msgspec.structs.replace(view, uses_left=left, token=view.token if left else "", openings=(*view.openings, opening))


def _context(name: str) -> bytes:
    return f"view/{name}".encode()
