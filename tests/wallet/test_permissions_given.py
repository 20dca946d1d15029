"""Nora permits the bank to tell the Pensions department something, gets a receipt for each time, and takes it back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from support.desk import BANK, URL, Site, Template, make_template, serving
from support.permitting import ASSESSMENT, DWP, LISTS, Street, ask, tell
from support.signing import AT
from support.wallets import Wallet, open_wallet
from support.world import COUNCIL

from shared.asks import DAYS, render_told
from shared.clock import DAY
from shared.credentials import Text
from shared.errors import InvalidTransactionData, Untrusted, VcError
from shared.openid4vp import Body, Permission, permission_members, render_permission
from shared.receipts import peek_receipt
from wallet import permissions
from wallet.cards import iso_day
from wallet.cut_off import AGAIN, CUT_OFF, settle_cut_off
from wallet.holding import sign_presentation
from wallet.means import Means
from wallet.permitted import Permitted
from wallet.present import agree, read_request, request_object, send
from wallet.records import PERMITTED, REQUESTS, Item
from wallet.sessions import Answered, Asker, Unanswered
from wallet.statement import keeps_longer


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(make_template(tmp_path_factory.mktemp("verifier") / "desk"))


@pytest.fixture
async def street() -> Street:
    return Street()


@pytest.fixture
async def nora(street: Street, sqlite_uri: str, template: Template, tmp_path: Path) -> AsyncIterator[Wallet]:
    async with (
        serving(template, tmp_path / "desk", site=Site(lists=LISTS), clock=street.clock) as desk,
        open_wallet(sqlite_uri, world=street) as wallet,
    ):
        street.desk = desk
        await wallet.collect()
        yield wallet


NUMBER = "AAECAwQFBgcICQoLDA0ODw"
ALLOWED = Permission(
    id=NUMBER,
    discloser=Body(id=BANK, name="Northwold Bank"),
    recipient=Body(id=DWP, name="the Pensions department"),
    categories=(ASSESSMENT,),
    purpose=Text("so that it is right", "fel bod hyn yn iawn"),
    not_before="2027-01-15",
    expires="2027-06-30",
    max_uses=1,
    withdraw_at=f"{URL}/permissions",
    on_behalf_of=True,
)


async def permit(nora: Wallet, street: Street, **changes: Any) -> Item[Permitted]:
    await nora.share(await ask(street, **changes))
    (item,) = await permissions.given(nora.means, nora.vault)
    return item


async def bend(nora: Wallet, item: Item[Permitted], **changes: Any) -> None:
    async def unit(tx: Any) -> None:
        found = await PERMITTED.get(tx, nora.vault, item.id)
        await PERMITTED.replace(tx, nora.vault, found, msgspec.structs.replace(found.value, **changes), entropy=nora.means.entropy)

    await nora.storage.write(unit)


async def test_it_is_shown_in_the_words_of_its_limits(nora: Wallet, street: Street) -> None:
    view = await nora.ask(await ask(street))
    (agreeing,) = view.agreeing
    assert agreeing.permits
    assert agreeing.statement == (
        "I allow Northwold Bank to tell the Pensions department (https://dwp.example) this, once, until 30 June 2027: assessment of the care "
        "contribution. The reason: so that her Pension Credit is right. Nothing else. I can withdraw this. Nobody has registered "
        "https://dwp.example: what it is called here is only what Northwold Bank says."
    )
    assert view.keeps.endswith(" To prove your permission, it keeps all that you show until 1 July 2028.")
    assert view.keeps in view.sentence
    assert "Y rheswm: fel bod ei Chredyd Pensiwn yn iawn. Dim byd arall. Gallaf dynnu hyn yn ôl." in agreeing.translation


async def test_it_says_whom_the_register_knows_whatever_they_are_called(
    nora: Wallet, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bank would tell somebody else than it says, and calls itself another."""
    named = {"discloser": {"id": BANK, "name": "The Crown"}, "recipient": {"id": COUNCIL, "name": "the Pensions department"}}
    monkeypatch.setattr("verifier.granting.permission_members", lambda permission: permission_members(permission) | named)
    council = SimpleNamespace(name=Text("Anytown Borough Council", "Cyngor Anytown"))
    monkeypatch.setattr("wallet.register.register", partial(_knows, {COUNCIL: council}))
    item = await permit(nora, street, recipient=COUNCIL)
    assert item.value.recipient == "Anytown Borough Council"
    entry = (await nora.lines())[-1].entry
    assert entry.agreed
    for said in (item.value.statement, entry.agreed[0].statement):
        assert said[0].content.startswith(f"I allow Northwold Bank to tell Anytown Borough Council ({COUNCIL}) this, once,")
        assert said[1].content.startswith(f"Rwy’n caniatáu i Northwold Bank ddweud hyn wrth Cyngor Anytown ({COUNCIL}), unwaith,")
        assert "Nobody has registered" not in said[0].content


async def _knows(named: Mapping[str, Any], _: Means) -> Any:
    def find(entity: str, *, at: int) -> Any:
        if entity not in named or not at:
            raise Untrusted("nobody registered this")
        return named[entity]

    return SimpleNamespace(find=find)


async def test_it_is_kept_with_the_key_that_gave_it(nora: Wallet, street: Street) -> None:
    item = await permit(nora, street)
    assert (item.value.state, item.value.entity, item.value.recipient) == ("in-force", BANK, "the Pensions department")
    newest = (await nora.lines())[-1].entry
    assert newest.agreed
    assert newest.agreed[0].reference == item.value.permission
    receipt = peek_receipt(newest.receipt)
    assert receipt.retain_until == newest.agreed[0].kept_until == int(datetime(2028, 7, 1, tzinfo=UTC).timestamp())
    assert not keeps_longer(newest, receipt, 30), "its giver was told that it is kept to prove it"
    assert keeps_longer(msgspec.structs.replace(newest, agreed=msgspec.UNSET), receipt, 30)
    assert keeps_longer(newest, replace(receipt, retain_until=receipt.retain_until + 1), 30)


async def test_each_use_comes_with_a_receipt_and_a_line(nora: Wallet, street: Street) -> None:
    item = await permit(nora, street, max_uses=2)
    await tell(street, item.value.permission)
    item = await permissions.look(nora.means, nora.vault, item.id)
    assert (item.value.state, len(item.value.receipts), item.value.problem) == ("in-force", 1, "")
    line = (await nora.lines())[-1].entry
    assert (line.transaction_type, line.claims_presented[0].credential_identifier, line.claims_presented[0].claims) == (
        "told-by-permission", DWP, (ASSESSMENT,),
    )  # fmt: skip
    await tell(street, item.value.permission)
    item = await permissions.look(nora.means, nora.vault, item.id)
    assert (item.value.state, len(item.value.receipts)) == ("used-up", 2)
    assert len({line.entry.seq for line in await nora.lines() if line.entry.transaction_type == "told-by-permission"}) == 2


async def test_it_asks_by_the_clock_whether_or_not_it_was_used(nora: Wallet, street: Street) -> None:
    item = await permit(nora, street, max_uses=2)
    await permissions.tend(nora.means, nora.vault)
    assert street.posted == []
    await tell(street, item.value.permission)
    for day in range(1, 4):
        street.clock.at = AT + day * DAY
        await permissions.tend(nora.means, nora.vault)
        await permissions.tend(nora.means, nora.vault)
        assert len(street.posted) == day
    assert len({fetch.body for fetch in street.posted}) == 1
    assert len((await permissions.find(nora.means, nora.vault, item.id)).value.receipts) == 1


async def test_t_fc_5_nothing_is_signed_by_the_clock_for_a_permission(
    nora: Wallet, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was told is asked with a ticket; that it is over is signed once, when its holder says so, and said again as it is."""
    item = await permit(nora, street)
    signed: list[str] = []

    async def sign(*args: Any, **how: Any) -> str:
        signed.append("")
        return await sign_presentation(*args, **how)

    monkeypatch.setattr(permissions, "sign_presentation", sign)
    street.clock.at += DAY
    await permissions.tend(nora.means, nora.vault)
    await permissions.look(nora.means, nora.vault, item.id)
    assert (len(street.posted), signed) == (2, [])
    street.down.add(URL)
    await permissions.withdraw(nora.means, nora.vault, item.id)
    for _ in range(3):
        street.clock.at += DAY
        await permissions.tend(nora.means, nora.vault)
    street.down.clear()
    street.clock.at += DAY
    await permissions.tend(nora.means, nora.vault)
    assert ((await permissions.find(nora.means, nora.vault, item.id)).value.state, len(signed)) == ("withdrawn", 1)


async def test_what_nobody_heard_for_two_weeks_is_to_be_said_once_more(nora: Wallet, street: Street) -> None:
    item = await permit(nora, street)
    street.down.add(URL)
    await permissions.withdraw(nora.means, nora.vault, item.id)
    street.clock.at += DAYS * DAY
    await permissions.tend(nora.means, nora.vault)
    value = (await permissions.find(nora.means, nora.vault, item.id)).value
    assert (value.state, value.problem, value.next_at) == (
        "withdrawing", "unavailable: they did not hear that it is over: take it back once more", 0,
    )  # fmt: skip
    street.down.clear()
    assert (await permissions.withdraw(nora.means, nora.vault, item.id)).value.state == "withdrawn"


async def test_an_answer_that_got_lost_is_found_out_about(nora: Wallet, street: Street) -> None:
    """It arrived, and nobody heard so, nor when it was posted again: the wallet has what it sent, and asks with that."""
    link = await ask(street)
    view = await nora.ask(link)
    street.deaf = True
    await agree(nora.means, nora.vault, view.id)
    for later in (CUT_OFF, AGAIN):
        street.clock.at += later
        await settle_cut_off(nora.means, nora.vault)
    street.deaf = False
    (item,) = await permissions.given(nora.means, nora.vault)
    assert item.value.state == "sent"
    item = await permissions.look(nora.means, nora.vault, item.id)
    assert (item.value.state, item.value.problem) == ("in-force", "")


@pytest.mark.parametrize("settled", [True, False])
async def test_what_was_taken_back_before_anybody_was_heard_stays_so(nora: Wallet, street: Street, *, settled: bool) -> None:
    """The answer is not posted again then; and where the two crossed, what came of the answer changes nothing."""
    view = await nora.ask(await ask(street))
    street.deaf = True
    await agree(nora.means, nora.vault, view.id)
    street.deaf = False
    (item,) = await permissions.given(nora.means, nora.vault)
    assert (await permissions.withdraw(nora.means, nora.vault, item.id)).value.state == "withdrawn"
    asked = await nora.storage.read(lambda tx: REQUESTS.get(tx, nora.vault, view.id))
    if settled:
        street.clock.at += CUT_OFF
        await settle_cut_off(nora.means, nora.vault)
    else:
        await send(nora.means, nora.vault, asked)
    after = await nora.storage.read(lambda tx: REQUESTS.get(tx, nora.vault, view.id))
    assert isinstance(after.value.state, Unanswered if settled else Answered)
    assert (await permissions.find(nora.means, nora.vault, item.id)).value.state == "withdrawn"


@pytest.mark.parametrize(("ago", "state"), [(DAY, Unanswered), (0, Answered)])
async def test_what_ran_out_before_anybody_was_heard_is_not_posted_again(
    nora: Wallet, street: Street, ago: int, state: type[Unanswered | Answered]
) -> None:
    """The last day itself still counts."""
    view = await nora.ask(await ask(street))
    street.deaf = True
    await agree(nora.means, nora.vault, view.id)
    street.deaf = False
    (item,) = await permissions.given(nora.means, nora.vault)
    street.clock.at += CUT_OFF
    await bend(nora, item, expires=iso_day(street.clock.at - ago))
    await settle_cut_off(nora.means, nora.vault)
    after = await nora.storage.read(lambda tx: REQUESTS.get(tx, nora.vault, view.id))
    assert isinstance(after.value.state, state)


async def test_what_was_cut_off_while_it_was_sent_can_only_be_taken_back(nora: Wallet, street: Street) -> None:
    item = await permit(nora, street)
    await bend(nora, item, state="sent", presentation=b"")
    item = await permissions.look(nora.means, nora.vault, item.id)
    assert item.value.problem.startswith("not_found: nobody knows whether they got it")
    assert (await permissions.withdraw(nora.means, nora.vault, item.id)).value.state == "withdrawn"


async def test_withdrawn_from_the_wallet(nora: Wallet, street: Street) -> None:
    item = await permit(nora, street)
    item = await permissions.withdraw(nora.means, nora.vault, item.id)
    assert (item.value.state, item.value.withdrawn_at, item.value.next_at) == ("withdrawn", AT, 0)
    assert (await nora.lines())[-1].entry.transaction_type == "permission-withdrawn"
    street.clock.at += 1
    assert (await tell(street, item.value.permission))[1]["pointer"] == "/withdrawn"
    assert (await permissions.withdraw(nora.means, nora.vault, item.id)).value == item.value


async def test_long_after_the_copy_ran_out(nora: Wallet, street: Street) -> None:
    item = await permit(nora, street)
    street.clock.at = AT + 100 * DAY
    assert (await permissions.withdraw(nora.means, nora.vault, item.id)).value.state == "withdrawn"


async def test_what_was_not_heard_is_said_again(nora: Wallet, street: Street) -> None:
    item = await permit(nora, street)
    street.down.add(URL)
    item = await permissions.withdraw(nora.means, nora.vault, item.id)
    assert (item.value.state, item.value.problem.partition(":")[0]) == ("withdrawing", "unavailable")
    street.down.clear()
    street.clock.at += DAY
    await permissions.tend(nora.means, nora.vault)
    assert (await permissions.find(nora.means, nora.vault, item.id)).value.state == "withdrawn"


async def test_one_that_nobody_took_is_none(nora: Wallet, street: Street) -> None:
    assert street.desk is not None
    link = await ask(street)
    street.desk.clock.at += 3_600
    with pytest.raises(VcError, match="run out"):
        await nora.share(link)
    assert await permissions.given(nora.means, nora.vault) == []


async def test_a_receipt_for_something_else_is_told(nora: Wallet, street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    item = await permit(nora, street)
    await tell(street, item.value.permission)
    monkeypatch.setattr(permissions, "_asked", partial(_asks, item.value.presentation))
    await bend(nora, item, presentation=b"other")
    item = await permissions.look(nora.means, nora.vault, item.id)
    assert (item.value.problem.partition(":")[0], item.value.receipts) == ("other_presentation", ())


def _asks(presentation: bytes, value: Permitted, _: int) -> bytes:
    return render_told(value.permission, presentation)


async def test_a_permission_is_never_given_in_place_of_another(nora: Wallet, street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bank asks again under the number of the first, for other limits: the first stays, and can be taken back."""
    monkeypatch.setattr("verifier.granting.permission_members", lambda permission: permission_members(permission) | {"permission": NUMBER})
    read_before = await read_request(nora.means, nora.vault, await ask(street, max_uses=9))
    first = await permit(nora, street)
    for again in (
        read_request(nora.means, nora.vault, await ask(street, until="2027-05-30")),
        agree(nora.means, nora.vault, read_before.id),
    ):
        with pytest.raises(VcError) as caught:
            await again
        assert (caught.value.code, caught.value.where) == ("invalid_transaction_data", "/transaction_data/0/permission")
    assert await permissions.given(nora.means, nora.vault) == [first]
    assert (await permissions.withdraw(nora.means, nora.vault, first.id)).value.state == "withdrawn"


async def test_numbers_of_two_organisations_are_two_permissions(nora: Wallet, street: Street) -> None:
    """Whoever knows the number of another organisation's permission replaces nothing with it."""
    first = await permit(nora, street)

    async def elsewhere(tx: Any) -> None:
        asker = Asker(party=DWP, name="Pensions", proved=True, client_id=DWP)
        limits = replace(ALLOWED, id=first.value.permission, discloser=Body(id=DWP, name="Pensions"))
        shown = [(first.value.document, first.value.copy, first.value.format, [render_permission(limits, ["poa"])])]
        await permissions.keep(tx, nora.means, nora.vault, asker, {}, nonce="n", shown=shown)

    await nora.storage.write(elsewhere)
    given = await permissions.given(nora.means, nora.vault)
    assert {(item.value.entity, item.value.permission) for item in given} == {(entity, first.value.permission) for entity in (BANK, DWP)}
    assert first in given


@pytest.mark.parametrize(
    "change",
    [
        {"discloser": {"id": DWP, "name": "somebody else"}},
        {"withdraw_at": "https://elsewhere.example/permissions"},
        {"withdraw_at": "javascript:alert(1)"},
    ],
)
async def test_only_who_tells_may_ask_and_hears_the_end_at_home(
    nora: Wallet, street: Street, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    monkeypatch.setattr("verifier.granting.permission_members", lambda permission: permission_members(permission) | change)
    link = await ask(street)
    with pytest.raises(VcError) as caught:
        await nora.ask(link)
    assert caught.value.where.startswith("/transaction_data/0")


@pytest.mark.parametrize(("origin", "fits"), [(URL, True), ("https://elsewhere.example", False)])
async def test_a_site_hears_at_home_that_it_is_over(nora: Wallet, street: Street, origin: str, *, fits: bool) -> None:
    """A question of the Digital Credentials API has no address to answer to: it is taken back on the very site that asked."""
    item = await read_request(nora.means, nora.vault, await ask(street))
    asked = replace(request_object(nora.means, item.value), response_uri="", response_mode="dc_api.jwt", origin=origin)
    if fits:
        permissions.check_asked(nora.means, asked, item.value.asker)
        return
    with pytest.raises(InvalidTransactionData) as caught:
        permissions.check_asked(nora.means, asked, item.value.asker)
    assert caught.value.where == "/transaction_data/0/withdraw_at"
