"""A wallet of the donor or of her attorney is lost: from then on it neither reads nor leaves a report, and nobody else loses more than has to be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.family import CLERK, Family, Person, family
from support.registry import Template, make_template
from support.world import BANK, COUNCIL

from issuer import donors, offers, reports, revoke
from issuer.lost import replace_lost
from issuer.records import donors as records
from issuer.records.donors import Kept
from issuer.revoke import Wish
from issuer.sessions import Action
from shared import donor
from shared.clock import DAY
from shared.errors import Missing, Refused, VcError
from shared.jose import jwe
from shared.storage import Tx
from wallet import at_office, history, reported, reporting
from wallet.at_office import post
from wallet.entries import Entry, Party

HOUR = 3_600


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(make_template(tmp_path_factory.mktemp("office") / "registry"))


@pytest.fixture
async def they(template: Template, tmp_path: Path, storage_uri: str) -> AsyncIterator[Family]:
    async with family(template, tmp_path, storage=storage_uri, how_to_contest="Ring 01632 960000") as all_of_them:
        yield all_of_them


async def heard(who: Person) -> list[tuple[int, str, bool]]:
    """What a donor's wallet was told: the number of each use, where, and whether it fits."""
    state = await reported.state_of(who.wallet.means, who.wallet.vault, (await who.item()).id)
    return [] if state is None else [(use.number, use.entity, use.fits) for use in state.uses]


async def refused(they: Family, who: Person, path: str, body: dict[str, Any]) -> None:
    with pytest.raises((Missing, Refused)):
        await post(who.wallet.means, f"{they.registry.url}{path}", body)


async def lose(they: Family, number: str, who: Person) -> Person:
    """``who`` has lost the wallet with that document, and collects with another; which is theirs from now on."""
    made = await replace_lost(they.registry.office, number, actor=CLERK)
    new = await they.another(f"{who.wallet.opened.holder} again")
    if who is they.nora:
        they.nora = new
    else:
        they.margaret = new
    await they.redeem(new, made)
    return new


async def reads_nothing(they: Family, finder: Person, secret: str) -> None:
    """Whoever has found the donor's wallet, by all that it has."""
    key = donor.public_key(jwe.generate_ephemeral())
    await refused(they, finder, "/reports/collect", {"secret": secret, "had": []})
    await refused(they, finder, "/reports/to", {"secret": secret})
    await refused(they, finder, "/reports/key", {"secret": secret, "key": key})
    await refused(they, finder, "/reports/why", {"secret": secret})
    for ask in donor.ASKS:
        with pytest.raises(VcError):
            await at_office.ask(finder.wallet.means, finder.wallet.vault, await finder.item(), ask)


async def test_a_lost_wallet_of_the_donor_reads_nothing_more(they: Family) -> None:
    """What lay there unread for the lost one is told again; her attorney's copies, which may be on a phone or on paper, stay as they are."""
    number = await they.appoint()
    hers = await they.grant(number)
    await they.go(0)
    finder, tag = they.margaret, (await they.nora.item()).value.claims["report_tag"]
    secret = (await finder.item()).value.claims["report_secret"]
    await they.show("bank")
    finder.down = True
    await they.go(21 * DAY)  # the report lies there, locked for the wallet that is lost
    finder.down = False
    assert len(they.nora.to("/reports")) == 1
    margaret = await lose(they, hers.document, finder)
    await reads_nothing(they, finder, secret)
    item = await margaret.item()
    assert item.value.claims["report_secret"] != secret
    await they.go(0)
    await they.show("council-tax")
    await they.go(20 * DAY)
    await they.go(DAY)
    assert await heard(margaret) == [(1, BANK, True), (2, COUNCIL, True)]
    await reads_nothing(they, finder, secret)
    assert (await they.nora.item()).value.claims["report_tag"] == tag
    state = await reported.state_of(margaret.wallet.means, margaret.wallet.vault, item.id)
    assert state is not None
    assert (state.unread, state.elsewhere_at) == (1, 0)
    assert await heard(finder) == []


async def test_nothing_is_locked_for_a_lost_wallet_before_the_new_one_is_there(they: Family) -> None:
    number = await they.appoint()
    hers = await they.grant(number)
    await they.go(0)
    made = await replace_lost(they.registry.office, hers.document, actor=CLERK)
    await they.show("bank")
    await they.go(21 * DAY)
    assert they.nora.to("/reports") == []
    they.margaret = await they.another("Margaret again")
    await they.redeem(they.margaret, made)
    await they.go(0)
    await they.go(20 * DAY)
    await they.go(DAY)
    assert await heard(they.margaret) == [(1, BANK, True)]


async def test_a_sheet_of_paper_goes_on_opening_what_comes_while_the_wallet_is_lost(they: Family) -> None:
    number = await they.appoint()
    hers = await they.grant(number)
    await they.go(0)
    office = they.registry.office
    tag = await donors.mark_of(office, number)
    words = await reports.new_sheet(office, number, tag, CLERK)
    await replace_lost(office, hers.document, actor=CLERK)
    await they.show("bank")
    await they.go(21 * DAY)
    aloud = await reports.read_aloud(office, tag, words)
    assert [(use.number, use.entity, use.fits) for use in aloud or []] == [(1, BANK, True)]


async def test_a_donors_document_that_is_made_anew_opens_to_her_alone(they: Family) -> None:
    """As where the details of the lost one were no longer held, so that it was cancelled first."""
    number = await they.appoint()
    first = await they.grant(number)
    await they.go(0)
    finder = they.margaret
    secret = (await finder.item()).value.claims["report_secret"]
    await revoke.change_one(they.registry.office, first.document, Wish(action=Action.CANCEL, reason="device-lost", actor=CLERK))
    they.margaret = await they.another("Margaret again")
    await they.grant(number)
    await reads_nothing(they, finder, secret)
    await they.go(0)
    await they.show("bank")
    for _ in range(2):
        await they.go(21 * DAY)
    assert await heard(they.margaret) == [(1, BANK, True)]


async def test_a_lost_wallet_of_the_attorney_leaves_no_report_and_hears_nothing(they: Family) -> None:
    """The new one counts from 1 again, which is no contradiction; nor does anything that the lost one left stand in its way."""
    number = await they.appoint()
    await they.grant(number)
    await they.go(0)
    await they.show("bank")
    await they.go(21 * DAY)
    await they.go(DAY)
    finder, office = they.nora, they.registry.office
    item = await finder.item()
    proof = {"tag": item.value.claims["report_tag"], "pass": item.value.report_pass}
    key = donor.parse_key(await reports.key_for(office, donor.read_tag(proof["tag"])))
    nora = await lose(they, number, finder)
    report, _ = donor.seal_report([FORGED], key)
    await refused(they, finder, "/reports", {**proof, "report": report})
    await refused(they, finder, "/reports/to", proof)
    await refused(they, finder, "/reports/why", proof)
    new = (await nora.item()).value
    assert (new.claims["report_tag"], new.report_pass != proof["pass"]) == (proof["tag"], True)
    await they.go(0)
    await they.show("council-tax")
    await they.go(20 * DAY)
    await they.go(DAY)
    assert await heard(they.margaret) == [(1, BANK, True), (1, COUNCIL, True)]
    await revoke.change_one(office, number, Wish(action=Action.HOLD, reason="investigation", actor=CLERK))
    await they.go(HOUR)
    told = await at_office.standing_of(nora.wallet.means, nora.wallet.vault, (await nora.item()).id)
    assert told is not None
    assert (told.reason, told.contest) == ("investigation", "Ring 01632 960000")


async def test_a_new_invitation_without_a_loss_makes_no_liar_of_the_attorney(they: Family) -> None:
    """The wallet that collects next counts from 1 again; that of before leaves no report any more."""
    number = await they.appoint()
    await they.grant(number)
    await they.go(0)
    await they.show("bank")
    await they.go(21 * DAY)
    await they.go(DAY)
    earlier = (await they.nora.item()).value
    proof = {"tag": earlier.claims["report_tag"], "pass": earlier.report_pass}
    made = await offers.invite_again(they.registry.office, number, actor=CLERK)
    before, they.nora = they.nora, await they.another("Nora anew")
    await they.redeem(they.nora, made)
    await refused(they, before, "/reports/to", proof)
    await they.go(0)
    await they.show("council-tax")
    await they.go(20 * DAY)
    await they.go(DAY)
    assert await heard(they.margaret) == [(1, BANK, True), (1, COUNCIL, True)]


async def test_what_a_new_wallet_of_the_attorney_tells_in_two_ways_stands_there_twice(they: Family) -> None:
    """A loss is no way out for one that was changed: under each number of the same wallet there is one use."""
    number = await they.appoint()
    await they.grant(number)
    await they.go(0)
    nora = await lose(they, number, they.nora)
    item = (await nora.item()).value
    key = donor.parse_key(await reports.key_for(they.registry.office, donor.read_tag(item.claims["report_tag"])))
    report, _ = donor.seal_report([FORGED], key)
    proof = {"tag": item.claims["report_tag"], "pass": item.report_pass}
    await post(nora.wallet.means, f"{they.registry.url}/reports", {**proof, "report": report})
    await they.go(0)
    await they.show("bank")
    for _ in range(2):
        await they.go(21 * DAY)
    assert await heard(they.margaret) == [(1, FORGED.entity, False), (1, BANK, False)]


FORGED = donor.Use(number=1, at=1, name="Harmless Ltd", entity="https://x.example", purpose="nothing", result="success", live=True)


async def by_letter(who: Person, kind: str, result: str, **more: Any) -> None:
    """A line of the attorney's history about one letter to the bank: the copy, or what became of it."""
    line = Entry(
        seq=0,
        time=who.wallet.means.clock(),
        transaction_identifier="the-letter",
        transaction_type=kind,
        transaction_result=result,
        interacting_party_identifier=Party(type="uri", identifier=BANK),
        interacting_party_name="Northwold Bank",
        **more,
    )
    means, vault = who.wallet.means, who.wallet.vault
    await who.wallet.storage.write(lambda tx: history.append(tx, vault, line, entropy=means.entropy))


async def came_out(who: Person) -> list[tuple[int, str, bool]]:
    state = await reported.state_of(who.wallet.means, who.wallet.vault, (await who.item()).id)
    return [] if state is None else [(use.number, use.result, use.fits) for use in state.uses]


async def test_a_letter_that_was_told_of_and_did_not_arrive_is_told_of_again(they: Family) -> None:
    """With what is new, and nothing else; once more where the wallet that it was locked for is lost."""
    number = await they.appoint()
    hers = await they.grant(number)
    await they.go(0)
    await by_letter(they.nora, "addressed-copy", "success", on_behalf_of=(await they.nora.item()).id)
    await they.show("council-tax")
    await they.go(21 * DAY)
    await they.go(DAY)
    assert await came_out(they.margaret) == [(1, "success", True), (2, "success", True)]
    await by_letter(they.nora, "answer", "failed", reason_of_noncompletion="not delivered: expired")
    await they.show("bank")
    await they.go(20 * DAY)
    await they.go(DAY)
    assert await came_out(they.margaret) == [(1, "failed", True), (2, "success", True), (3, "success", True)]
    margaret = await lose(they, hers.document, they.margaret)
    await they.go(0)
    await they.go(20 * DAY)
    await they.go(DAY)
    assert await came_out(margaret) == [(1, "failed", True), (3, "success", True)]
    await they.go(20 * DAY)
    await they.go(DAY)
    state = await reporting.state_of(they.nora.wallet.means, they.nora.wallet.vault, (await they.nora.item()).id)
    assert state is not None
    assert (state.told, state.failed) == (3, (1,))
    assert await came_out(margaret) == [(1, "failed", True), (3, "success", True)]


async def test_both_wallets_are_lost_and_reports_come_as_before(they: Family) -> None:
    number = await they.appoint()
    hers = await they.grant(number)
    await they.go(0)
    await they.show("bank")
    await they.go(21 * DAY)
    await they.go(DAY)
    margaret = await lose(they, hers.document, they.margaret)
    nora = await lose(they, number, they.nora)
    await they.go(0)
    await they.show("council-tax")
    await they.go(20 * DAY)
    await they.go(DAY)
    assert await heard(margaret) == [(1, COUNCIL, True)]
    state = await reporting.state_of(nora.wallet.means, nora.wallet.vault, (await nora.item()).id)
    assert state is not None
    assert state.told == 1


async def test_two_clerks_say_it_at_the_same_moment(they: Family) -> None:
    """However that ends, one invitation counts, and what it brings opens the box."""
    number = await they.appoint()
    hers = await they.grant(number)
    await they.go(0)
    office = they.registry.office
    said = await asyncio.gather(*(replace_lost(office, hers.document, actor=CLERK) for _ in range(3)), return_exceptions=True)
    assert any(not isinstance(each, BaseException) for each in said)
    they.margaret = await they.another("Margaret again")
    made = await replace_lost(office, hers.document, actor=CLERK)
    await they.redeem(they.margaret, made)
    await they.go(0)
    await they.show("bank")
    for _ in range(2):
        await they.go(21 * DAY)
    assert await heard(they.margaret) == [(1, BANK, True)]


async def fill(they: Family, number: str, count: int) -> None:
    """With what opens for nobody, as whoever found the attorney's wallet leaves it in some days, before the loss is said."""
    office = they.registry.office
    tag = await donors.mark_of(office, number)
    sealed, _ = donor.seal_report([FORGED], donor.public_key(jwe.generate_ephemeral()))

    async def unit(tx: Tx) -> None:
        for each in range(count):
            await records.add(tx, tag, Kept(id=f"0{each:03}", sealed=sealed), they.world.clock() - DAY)

    await office.storage.write(unit)


async def test_a_box_that_a_finder_has_filled_hides_nothing_that_comes_after(they: Family) -> None:
    number = await they.appoint()
    await they.grant(number)
    await they.go(0)
    await they.show("bank")
    await fill(they, number, records.MOST - 10)
    await lose(they, number, they.nora)
    await they.go(0)
    await they.show("council-tax")
    for _ in range(3):
        await they.go(21 * DAY)
    assert (1, COUNCIL, True) in await heard(they.margaret)
    left = await they.registry.office.storage.read(lambda tx: tx.fetch("SELECT turn FROM report WHERE turn > 0"))
    assert len(left) <= 1, "what she had goes"


async def test_many_reports_are_fetched_at_once_and_let_go_of_once_they_are_kept(they: Family) -> None:
    """More than the office gives or takes back in one answer."""
    number = await they.appoint()
    await they.grant(number)
    await they.go(0)
    office, tag = they.registry.office, await donors.mark_of(they.registry.office, number)
    key = donor.parse_key(await reports.key_for(office, tag))
    told = [donor.seal_report([replace(FORGED, number=each + 1)], key)[0] for each in range(120)]

    async def unit(tx: Tx) -> None:
        for at, sealed in enumerate(told):
            await records.add(tx, tag, Kept(id=f"{at:03}", sealed=sealed), they.world.clock() - DAY)

    await office.storage.write(unit)
    await they.go(DAY)
    assert [number for number, _, _ in await heard(they.margaret)] == list(range(1, 121))
    assert len(await office.storage.read(lambda tx: records.reports(tx, tag, 1_000))) == 120
    await they.go(DAY)
    assert await office.storage.read(lambda tx: records.reports(tx, tag, 1_000)) == []
