"""Killed at each write of a desk's receipt, on both databases: none is lost, none stands twice in the history, and it is confirmed once (S10)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.desk_killed import run_until_killed
from support.given import Given, given_by_council, with_receipt
from support.wallets import Site, Wallet, serve_wallet
from support.world import COUNCIL

from shared.clock import DAY
from shared.codec import base64url
from shared.ovp.envelope import parse_text
from shared.trust.anchors import render_trust
from wallet import history
from wallet.confirming import tend
from wallet.entries import Entry
from wallet.given import take_in
from wallet.showings import Showing, add

pytestmark = pytest.mark.real
ROOT = Path(__file__).parents[2]
MOMENTS = ("before", "after")


@dataclass
class Killed:
    """A wallet whose service dies, and is run again."""

    folder: Path
    site: Site
    handed: Given
    receipt: str = ""

    async def dies(self, action: str, point: str, showing: Showing | None = None) -> None:
        own = {
            "passphrase": self.site.made.passphrase,
            "seq": await self.handed.seq(),
            "receipt": self.receipt,
            "confirmation": self.handed.confirmation(parse_text(self.receipt)[1]),
            "showing": None if showing is None else {name: getattr(showing, name) for name in showing.__struct_fields__},
        }
        (self.folder / "given.json").write_text(json.dumps(own))
        (self.folder / "trust.json").write_bytes(render_trust(self.site.world.policy().anchors))
        await run_until_killed("support.given_story", str(self.folder), action, point, str(self.site.world.clock()))

    async def answers(self) -> list[Entry]:
        wallet = self.handed.wallet
        await wallet.storage.read(lambda tx: history.check(tx, wallet.vault))
        return [line.entry for line in await wallet.lines() if line.entry.transaction_type == "answer"]

    async def tend(self) -> None:
        """The service is there again, on the next day."""
        self.site.world.clock.at += DAY
        await tend(self.handed.wallet.means, self.handed.wallet.vault)


@pytest.fixture
async def killed(tmp_path: Path, storage_uri: str) -> AsyncIterator[Killed]:
    async with serve_wallet(tmp_path / "wallet", storage=storage_uri) as site:
        host = site.host
        opened = await host.doors.open(site.made.holder, site.made.passphrase)
        handed = await given_by_council(Wallet(site.world, host.storage, host.custodian, host.means, host.doors, opened))
        made = Killed(tmp_path, site, handed)
        made.receipt = handed.at_desk()
        handed.counter.party.says = lambda fetch: with_receipt(handed.confirmation(fetch.body or b""))
        yield made


@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed_while_taking_one_in(killed: Killed, moment: str) -> None:
    await killed.dies("take", f"receipt-given:{moment}")
    assert len(await killed.answers()) == int(moment == "after")
    wallet = killed.handed.wallet
    line = await take_in(wallet.means, wallet.vault, await killed.handed.seq(), killed.receipt)
    assert await killed.answers() == [line]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed_while_a_phone_tells_of_one(killed: Killed, moment: str) -> None:
    """The showing and its receipt are there together, or neither."""
    wallet = killed.handed.wallet
    showing = Showing(
        id="ab" * 16, at=wallet.world.clock(), document=killed.handed.made.value.document, entity=COUNCIL, name="Council", use="council-tax",
        level=3, receipt=base64url.encode(parse_text(killed.receipt)[1]),
    )  # fmt: skip
    before = len(await wallet.lines())
    await killed.dies("tell", f"phone-showings:{moment}", showing)
    assert len(await wallet.lines()) == before + 2 * int(moment == "after")
    await add(wallet.means, wallet.vault, [showing])
    assert len(await wallet.lines()) == before + 2
    (line,) = await killed.answers()
    assert (line.provisional, line.receipt_problem) == (killed.receipt, "")


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("point", ["confirm-due", "receipt-given"])
async def test_killed_while_it_is_confirmed(killed: Killed, point: str, moment: str) -> None:
    """What was asked and not written down is asked again on the next day; what was written down is asked no more."""
    wallet = killed.handed.wallet
    given = await take_in(wallet.means, wallet.vault, await killed.handed.seq(), killed.receipt)
    wallet.world.clock.at += DAY
    await killed.dies("confirm", f"{point}:{moment}")
    written = (point, moment) == ("receipt-given", "after")
    assert len(await killed.answers()) == 1 + int(written)
    await killed.tend()
    first, second = await killed.answers()
    assert first == given
    assert (second.provisional, bool(second.receipt), second.receipt_problem) == (killed.receipt, True, "")
    await killed.tend()
    assert await killed.answers() == [first, second]
