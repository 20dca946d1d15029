"""The wallet's SQL: two tables, one of locked wallets, one of sealed items (``migrations/0001_wallets.sql``).

Every function runs inside a unit of work. An item is read with its ``stamp`` and replaced only if the stamp is still the same, so that
of two writers one loses and sees it. What an item holds is known only to the open vault.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from shared.clock import Entropy
from shared.errors import Conflict, Missing
from shared.storage import Row, Tx
from wallet.deliveries import Delivery
from wallet.entries import Head, Sealed
from wallet.keep import Locked, Vault
from wallet.known_uses import KnownUse
from wallet.links import LockedLink
from wallet.permitted import Permitted
from wallet.said_wrong import Correction
from wallet.sent import Sent, Telling
from wallet.sessions import Addressed, ClientSecrets, Copy, Document, Profile, Receiving, Request, StatusCopy

S = TypeVar("S", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Item(Generic[S]):
    """One sealed thing, open, as it was when it was read."""

    id: str
    stamp: bytes
    value: S


@dataclass(frozen=True, slots=True)
class Shelf(Generic[S]):
    """A kind of item. Its name stands in the database only as a tag that differs from wallet to wallet."""

    name: str
    type: type[S]

    async def put(self, tx: Tx, vault: Vault, item: str, value: S, *, entropy: Entropy) -> Item[S]:
        """Add; ``Conflict`` if there is one of this id."""
        stamp = entropy(8)
        added = await tx.execute(
            "INSERT INTO items (wallet, shelf, id, stamp, body) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            vault.wallet,
            self._tag(vault),
            item,
            stamp,
            vault.seal(self.name, item, value),
        )
        if not added:
            raise Conflict("this is here already")
        return Item(item, stamp, value)

    async def find(self, tx: Tx, vault: Vault, item: str) -> Item[S] | None:
        """The item, or ``None``."""
        row = await tx.fetchrow(
            "SELECT id, stamp, body FROM items WHERE wallet = $1 AND shelf = $2 AND id = $3", vault.wallet, self._tag(vault), item
        )
        return None if row is None else self._open(vault, row)

    async def get(self, tx: Tx, vault: Vault, item: str) -> Item[S]:
        """The item; ``Missing`` if there is none."""
        found = await self.find(tx, vault, item)
        if found is None:
            raise Missing("there is no such thing in this wallet")
        return found

    async def all(self, tx: Tx, vault: Vault) -> list[Item[S]]:
        """Every item of this kind, in no order."""
        rows = await tx.fetch("SELECT id, stamp, body FROM items WHERE wallet = $1 AND shelf = $2", vault.wallet, self._tag(vault))
        return [self._open(vault, row) for row in rows]

    async def replace(self, tx: Tx, vault: Vault, item: Item[S], value: S, *, entropy: Entropy) -> Item[S]:
        """Compare and swap; ``Conflict`` if somebody else changed it since it was read."""
        stamp = entropy(8)
        changed = await tx.execute(
            "UPDATE items SET stamp = $1, body = $2 WHERE wallet = $3 AND shelf = $4 AND id = $5 AND stamp = $6",
            stamp,
            vault.seal(self.name, item.id, value),
            vault.wallet,
            self._tag(vault),
            item.id,
            item.stamp,
        )
        if changed != 1:
            raise Conflict("this was changed at the same moment; look again")
        return Item(item.id, stamp, value)

    async def save(self, tx: Tx, vault: Vault, item: str, value: S, *, entropy: Entropy) -> None:
        """Add or overwrite, for what has no history of its own."""
        found = await self.find(tx, vault, item)
        if found is None:
            await self.put(tx, vault, item, value, entropy=entropy)
        else:
            await self.replace(tx, vault, found, value, entropy=entropy)

    async def drop(self, tx: Tx, vault: Vault, item: str) -> None:
        """Take it away; nothing happens if it is gone."""
        await tx.execute("DELETE FROM items WHERE wallet = $1 AND shelf = $2 AND id = $3", vault.wallet, self._tag(vault), item)

    def _tag(self, vault: Vault) -> str:
        return vault.tag("shelf", self.name)

    def _open(self, vault: Vault, row: Row) -> Item[S]:
        item = str(row["id"])
        return Item(item, bytes(row["stamp"]), vault.unseal(self.name, item, bytes(row["body"]), self.type))


PROFILE = Shelf("profile", Profile)
RECEIVING = Shelf("receiving", Receiving)
CLIENTS = Shelf("clients", ClientSecrets)
DOCUMENTS = Shelf("documents", Document)
COPIES = Shelf("copies", Copy)
STATUS = Shelf("status", StatusCopy)
REQUESTS = Shelf("requests", Request)
PERMITTED = Shelf("permitted", Permitted)
KNOWN_USES = Shelf("known-uses", KnownUse)
CORRECTIONS = Shelf("corrections", Correction)
ADDRESSED = Shelf("addressed", Addressed)
LOCKED = Shelf("locked-links", LockedLink)
DELIVERIES = Shelf("deliveries", Delivery)
TELLINGS = Shelf("tellings", Telling)
SENT = Shelf("sent", Sent)
HISTORY = Shelf("history", Sealed)
HEAD = Shelf("head", Head)


async def add_wallet(tx: Tx, locked: Locked) -> None:
    """``Conflict`` if a wallet of this name is here."""
    added = await tx.execute(
        "INSERT INTO wallets (id, name_mac, kdf, by_passphrase, by_recovery, opened_on) VALUES ($1, $2, $3, $4, $5, $6) "
        "ON CONFLICT DO NOTHING",
        locked.id,
        locked.name_mac,
        locked.kdf,
        locked.by_passphrase,
        locked.by_recovery,
        locked.opened_on,
    )
    if not added:
        raise Conflict("a wallet of this name is here already; choose another name", where="holder")


async def find_wallet(tx: Tx, name_mac: bytes) -> Locked | None:
    """The locked wallet that a name's digest leads to."""
    row = await tx.fetchrow("SELECT * FROM wallets WHERE name_mac = $1", name_mac)
    return None if row is None else _locked(row)


async def get_wallet(tx: Tx, wallet: str) -> Locked:
    """A locked wallet by id; ``Missing``."""
    row = await tx.fetchrow("SELECT * FROM wallets WHERE id = $1", wallet)
    if row is None:
        raise Missing("there is no such wallet")
    return _locked(row)


async def list_wallets(tx: Tx) -> list[Locked]:
    """All locked wallets of this host."""
    return [_locked(row) for row in await tx.fetch("SELECT * FROM wallets ORDER BY opened_on, id")]


async def replace_doors(tx: Tx, before: Locked, after: Locked) -> None:
    """New wraps in place of the old ones, all at once; ``Conflict`` if they changed meanwhile."""
    changed = await tx.execute(
        "UPDATE wallets SET kdf = $1, by_passphrase = $2, by_recovery = $3 WHERE id = $4 AND by_recovery = $5",
        after.kdf,
        after.by_passphrase,
        after.by_recovery,
        before.id,
        before.by_recovery,
    )
    if changed != 1:
        raise Conflict("this wallet was changed at the same moment; try again")


async def delete_wallet(tx: Tx, wallet: str) -> None:
    """A wallet and everything in it."""
    await tx.execute("DELETE FROM items WHERE wallet = $1", wallet)
    await tx.execute("DELETE FROM wallets WHERE id = $1", wallet)


def _locked(row: Row) -> Locked:
    return Locked(
        id=str(row["id"]),
        name_mac=bytes(row["name_mac"]),
        kdf=str(row["kdf"]),
        by_passphrase=bytes(row["by_passphrase"]),
        by_recovery=bytes(row["by_recovery"]),
        opened_on=int(row["opened_on"]),
    )
