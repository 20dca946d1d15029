"""Fourteen organisations with a real desk each, and the registrar of deaths with a real office, all in one process; JOAN lives among them.

Each has registered one use, and not all the same one: pensions are found by the date of birth, customers by their postcode.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Final

from aiohttp import ClientSession
from support import desk as desks
from support.desk import Running, Template
from support.inboxes import FOURTEEN
from support.neighbours import Neighbour
from support.offices import GRO, NINE, Street, open_office, set_up_desk, set_up_office
from support.thrift import easy_seal
from support.trial_web import Watch

from issuer.init import SetUp
from shared.flow import Fetch, Fetched
from shared.keys import sign
from shared.receipts import peek_receipt, prepare_receipt
from shared.trust.policy import Policy
from verifier import registering
from verifier.app import one_round

TELL, PENSION = "tell-of-death", "death-for-pension"
UNDO = {
    TELL: "Open the account again, charge nothing for the time that it was closed, and take back letters that were sent.",
    PENSION: "Pay again from the day on which it was stopped, with what is owed, and tell whoever pays from your list.",
}
"""What each of them does once it hears that it was told something wrong."""
REGISTERED: Final = MappingProxyType(
    {
        f"https://body-{number:02}.example": PENSION
        if name in {"Northwold Pensions", "Pensions department (test)", "Tax Records (test)"}
        else TELL
        for number, name in enumerate(FOURTEEN)
    }
)
"""The use that each has registered, in the order of their names."""


@dataclass(frozen=True)
class Made:
    """The folders of all of them, for tests to copy."""

    folder: Path
    office: SetUp
    desks: Mapping[str, Template]


async def make_fourteen(folder: Path) -> Made:
    clock = Watch(NINE)
    with easy_seal():
        office = await set_up_office(folder / "office", GRO, "General Register Office (test)", clock)
        trust = (f"{office.anchor}:credential-issuer:{GRO}",)
        names = zip(REGISTERED, FOURTEEN, strict=True)
        made = {entity: await set_up_desk(folder / entity[8:15], entity, name, trust, clock) for entity, name in names}
    return Made(folder, office, made)


class Crowd(Neighbour):
    """The street as JOAN's wallet sees it: those in ``down`` do not answer, and for those in ``lies`` something else does that has their key."""

    def __init__(self, street: Street) -> None:
        super().__init__(street)
        self.lies: set[str] = set()
        self._policy = super().policy()  # of many files; whom she trusts stays the same

    async def __call__(self, fetch: Fetch) -> Fetched:
        told = await super().__call__(fetch)
        liar = next((name for name in self.lies if fetch.url == f"{name}/inbox"), None)
        return told if liar is None else await _for_something_else(self.street.desks[liar], told)

    def policy(self) -> Policy:
        return self._policy


async def _for_something_else(running: Running, told: Fetched) -> Fetched:
    """The desk's own receipt, but for a presentation that nobody made; well signed."""
    desk, receipt = running.desk, peek_receipt(json.loads(told.body)["receipt"])
    other = replace(receipt, presentation_digest=sha256(b"something else").digest())
    token = await sign(prepare_receipt(other, key=desk.signer.key, x5c=desk.x5c, at=receipt.received_at, alg=desk.alg), desk.custodian)
    return replace(told, body=json.dumps({"receipt": token}).encode())


@asynccontextmanager
async def open_fourteen(made: Made, folder: Path, *, answer_days: int = 4, by_hand: Collection[str] = ()) -> AsyncIterator[Street]:
    """All are open, and have visited the office. A person who decides has ``answer_days`` working days; those ``by_hand`` have no inbox."""
    clock = Watch(NINE)
    shutil.copytree(made.folder / "office", folder / "office")
    async with AsyncExitStack() as stack:
        street = Street(clock=clock, http=await stack.enter_async_context(ClientSession()))
        kinds = ("life-event", "life-event-full")
        street.offices[GRO] = await stack.enter_async_context(open_office(folder / "office", GRO, made.office, clock, types=kinds))
        for entity, use in REGISTERED.items():
            serving = desks.serving(
                made.desks[entity], folder / entity[8:15], site=street, clock=clock, refresh=False, public_url=entity,
                types=("life-event",), purposes=(use,), retention_days=366, inbox_answer_days=answer_days,
                inbox=entity not in by_hand,
            )  # fmt: skip
            street.desks[entity] = desk = await stack.enter_async_context(serving)
            registering.state(desk.desk.directory, desk.desk.settings, use, {"undo": UNDO[use]})
            await one_round(desk.app)  # it registers its use and its inbox
        await street.cycle()
        yield street
