"""A wallet in a town of organisations with inboxes, and the short ways that tests of telling them take."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from support.documents import DOCUMENTS as STORIES
from support.holdings import put_document
from support.inboxes import DEATH, Body, Town
from support.wallets import Wallet, open_wallet

from wallet import register, replies, telling
from wallet.outbox import Outbox
from wallet.records import DOCUMENTS, SENT, Item
from wallet.sent import Sent, Telling, state_of
from wallet.telling import Picked

ARTHUR = STORIES["life-event"]


@dataclass
class Joan:
    """Joan's wallet: she holds what the registrar says of Arthur."""

    wallet: Wallet
    town: Town
    outbox: Outbox
    document: str
    told: int = 0

    async def hear(self, seq: int = 2) -> None:
        """The wallet's register as it stands now."""
        self.town.clock.at += 600
        for each in self.town.bodies:
            each.register(seq)
        await register.refresh(self.wallet.means, now=True)

    async def picked(self, *bodies: Body, **how: Any) -> Picked:
        keys = [f"{body.entity} {use.id}" for body in bodies for use in body.uses]
        return Picked(document=self.document, keys=keys, **how)

    async def tell(self, *bodies: Body, name: str = "", **how: Any) -> Item[Telling]:
        self.told += 1
        picked = await self.picked(*bodies, **how)
        return await telling.tell(self.wallet.means, self.wallet.vault, self.outbox, name or f"telling-{self.told}", picked)

    async def post(self, seconds: int = 0) -> int:
        """Time passes; the service posts and asks what is due, and the wallet looks at what came."""
        self.town.clock.at += seconds
        tried = await self.outbox.work()
        await replies.collect(self.wallet.means, self.wallet.vault, self.outbox)
        return tried

    async def sent(self) -> list[Sent]:
        items = await self.wallet.storage.read(lambda tx: SENT.all(tx, self.wallet.vault))
        return sorted((item.value for item in items), key=lambda one: (one.body.name, one.at))

    async def states(self) -> dict[str, str]:
        return {one.body.name: state_of(one, self.town.clock()) for one in await self.sent()}

    async def state(self, body: Body) -> str:
        return (await self.states())[body.name]

    async def rows(self) -> int:
        found = await self.wallet.storage.read(lambda tx: tx.fetch("SELECT id FROM outbox"))
        return len(found)

    async def change(self, **values: Any) -> None:
        """The document becomes something else, as by a new batch or a look at its status."""
        item = await self.wallet.storage.read(lambda tx: DOCUMENTS.get(tx, self.wallet.vault, self.document))
        await self.wallet.replace(item, msgspec.structs.replace(item.value, **values))


@asynccontextmanager
async def joan(uri: str, *names: str, copies: int = 20, forms: tuple[str, ...] = ("dc+sd-jwt",), **how: Any) -> AsyncIterator[Joan]:
    """Her wallet, and organisations of these names that it has heard of."""
    town = Town()
    async with open_wallet(uri, world=town, holder="Joan Penhale") as wallet:
        town.settle(*names, **how)
        outbox = Outbox(storage=wallet.storage, custodian=wallet.custodian, fetch=town, clock=town.clock, entropy=wallet.means.entropy)
        document = await put_document(wallet.means, wallet.vault, forms, vct=DEATH.vct, claims=ARTHUR, copies=copies)
        one = Joan(wallet, town, outbox, document)
        await one.hear()
        yield one
