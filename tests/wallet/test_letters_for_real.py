"""Letters from a wallet to a verifier's own inbox, over HTTP: decided at once, by a person, called back, and answered when it is down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.desk import URL, Running, Template, make_template, serving
from support.desk import Site as Issuers
from support.holdings import put_document
from support.letters import Joan
from support.real_bank import WithBank
from support.trial_verify import LIST, status_token
from support.wallets import open_wallet
from support.world import BANK

from shared.clock import DAY
from shared.receipts import peek_receipt
from shared.web import operators
from verifier import app as verifier_app
from verifier import inbox_desk, registering
from verifier.inbox_desk import Said
from wallet import register, resend, telling
from wallet.outbox import Outbox
from wallet.sent import Sent, state_of
from wallet.sessions import StatusSeen
from wallet.telling import Picked

pytestmark = pytest.mark.real
TO = f"{BANK} bank"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(make_template(tmp_path_factory.mktemp("bank") / "desk"))


@pytest.fixture
async def nora(sqlite_uri: str, template: Template, tmp_path: Path) -> AsyncIterator[Joan]:
    town = WithBank()
    async with serving(template, tmp_path / "desk", clock=town.clock) as running, open_wallet(sqlite_uri, world=town) as wallet:
        town.running = running
        await verifier_app.one_round(running.app)
        outbox = Outbox(storage=wallet.storage, custodian=wallet.custodian, fetch=town, clock=town.clock, entropy=wallet.means.entropy)
        document = await put_document(wallet.means, wallet.vault, copies=6)
        await register.refresh(wallet.means, now=True)
        yield Joan(wallet, town, outbox, document)


def bank_of(nora: Joan) -> Running:
    assert isinstance(nora.town, WithBank)
    assert nora.town.running is not None
    return nora.town.running


async def tell(nora: Joan) -> None:
    picked = Picked(document=nora.document, keys=[TO])
    await telling.tell(nora.wallet.means, nora.wallet.vault, nora.outbox, f"n{nora.town.clock()}", picked)
    await nora.post()


async def newest(nora: Joan) -> Sent:
    return max(await nora.sent(), key=lambda one: one.at)


async def test_decided_at_once(nora: Joan) -> None:
    await tell(nora)
    sent = await newest(nora)
    assert (sent.decision, sent.problem, sent.reason, await nora.rows()) == ("accepted", "", "", 0)
    receipt = peek_receipt(sent.receipt)
    assert (receipt.entity, receipt.purpose_id) == (BANK, "bank")


async def test_only_the_power_that_the_bank_asks_for_is_shown(nora: Joan) -> None:
    await tell(nora)
    sent = await newest(nora)
    assert b"council-tax" not in sent.presentation
    assert {"represented/given_name", "powers/*"} <= set(sent.shown)


async def test_a_person_decides_late(nora: Joan) -> None:
    desk = bank_of(nora)
    registering.state(desk.desk.directory, desk.desk.settings, "bank", {"decides": "person"})
    await tell(nora)
    sent = await newest(nora)
    assert (sent.reason, sent.answer_by > nora.town.clock()) == ("waits_for_person", True)
    nora.town.clock.at += 4 * DAY
    await verifier_app.one_round(desk.app)
    await nora.post()
    assert (await newest(nora)).reason == "no_answer_yet"
    assert set((await nora.states()).values()) == {"unanswered"}
    (bea, *_) = await desk.desk.storage.read(operators.everybody)
    (letter,) = await inbox_desk.listed(desk.desk, bea)
    await desk.store.refresh(desk.site)
    await inbox_desk.decide(desk.desk, desk.store, letter, Said(accept=False, reason="no_account"))
    await nora.post(DAY)
    sent = await newest(nora)
    assert (sent.decision, sent.reason, sent.problem, await nora.rows()) == ("rejected", "no_account", "", 0)


async def test_down_and_back_again(nora: Joan) -> None:
    nora.town.down.add(URL)
    await tell(nora)
    assert (await newest(nora)).tries == 1
    nora.town.down.clear()
    await nora.post(61)
    assert (await newest(nora)).decision == "accepted"


async def test_it_is_called_back(nora: Joan) -> None:
    desk = bank_of(nora)
    await tell(nora)
    first = await newest(nora)
    nora.town.clock.at += 60
    issuers = desk.site
    assert isinstance(issuers, Issuers)
    issuers.lists[LIST] = status_token(dict.fromkeys(range(10), 1), iat=nora.town.clock())
    await desk.store.refresh(issuers)
    await nora.change(status=StatusSeen(value="invalid", checked_at=nora.town.clock()))
    told = await resend.told_of(nora.wallet.means, nora.wallet.vault, nora.document)
    assert [(one.stale, one.jti) for one in told] == [(True, first.jti)]
    await resend.resend(nora.wallet.means, nora.wallet.vault, nora.outbox, nora.document, told, name="again")
    await nora.post()
    sent = await newest(nora)
    assert (sent.word, sent.decision, sent.reason) == ("cancelled", "rejected", "revoked")
    assert state_of(sent, nora.town.clock()) == "called-back"
    assert sent.problem == ""
