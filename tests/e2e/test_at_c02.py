"""Domain sheet C02, acting for somebody: its acceptance scenarios by their names."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect
from support.agents import LPA_2, NORA, PETER, WELFARE, Anytown, asks_by_page, clerk_enters, holder_enters, holder_opens, of, open_agents
from support.browser import LAPTOP, Open
from support.hands import at_desk, at_office, invited, opened_wallet
from support.offices import ACCOUNT, BANK, COUNCIL, ENTRY, GRO, GUARDIAN, NINE, OPG, Street, bring, copy_for, given, open_street
from support.registry import LPA_1
from support.trial_verify import CLAIMS
from support.walk import Walker

from shared.clock import DAY
from shared.web import log
from verifier.app import one_round
from wallet import register
from wallet.upkeep import upkeep


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    async with open_street(tmp_path, at=NINE) as opened:
        yield opened


@pytest.mark.real
async def test_at_c02_4_a_death_ends_the_authority_within_one_list_cycle(street: Street, tmp_path: Path, open_page: Open) -> None:
    """MARGARET's death is registered at 10:00. BANK, with a list of 09:00 and 24 hours' patience, still accepts at 10:05 and says so in
    its receipt, with how long it may not know better; from its next list on the power is cancelled, and by an older one nothing is accepted.
    """
    other = await given(street, OPG, "representation", LPA_1 | {"represented": {**LPA_1["represented"], "given_name": "Mary"}})
    await one_round(street.desks[BANK].app)
    async with opened_wallet(street, tmp_path / "nora", open_page) as nora, opened_wallet(street, tmp_path / "joan", open_page) as joan:
        await nora.collects(await invited(street, OPG, "representation", LPA_1))
        mailed = await nora.writes(BANK, "Northwold Bank", "representation/bank")  # before her wallet can know better
        await register.refresh(nora.site.host.means, now=True)
        street.clock.at = NINE + 3_600
        registrar = await at_office(street, GRO, open_page)
        await joan.enters()
        await joan.collects(await registrar.makes("life-event", ENTRY))
        guardian = await at_desk(street, GUARDIAN, open_page)
        await joan.answers(await guardian.asks("life-event/donor-died"), "Postcode")
        await expect(guardian.walker.page.get_by_role("heading", name="You can rely on this")).to_be_visible()
        await street.tell(street.desks[GUARDIAN])

        street.clock.at = NINE + 3_900
        bank = await at_desk(street, BANK, open_page)
        assert await bank.opens(mailed) == ("You can rely on this", "")
        receipt = await bank.receipt()
        assert (receipt["status_list_iat"], receipt["status_max_age"]) == (NINE, DAY), "the window that remains is told"
        said = await bank.walker.text()
        assert (
            "The list of cancelled documents is of 1 March 2027 at 09:00, 1 hour old; what was cancelled since is not known here." in said
        )
        assert "It is relied on until 2 March 2027 at 09:00, or until a newer one comes." in said
        await bank.walker.look("desk-before-its-next-list")
        await nora.enters()
        await nora.takes_in(await bank.signs())
        assert await nora.walker.row("Cancelled documents") == (
            "They know what was cancelled before 1 March 2027 at 09:00. What is cancelled later they may not know until 2 March 2027 at 09:00."
        )
        await nora.walker.look("wallet-how-far-they-may-be-behind")

        street.clock.at = NINE + 3 * 3_600
        await street.cycle()
        await bank.enters()
        await nora.enters()
        assert await bank.opens(await nora.writes(BANK, "Northwold Bank", "representation/bank")) == ("Do not rely on this", "revoked")
        await bank.walker.look("desk-after-its-next-list")
        assert "It is relied on until" not in await bank.walker.text()
    judged = []
    for late in (DAY, DAY + 1):
        street.clock.at = NINE + 3 * 3_600 + late
        copy = copy_for(BANK, other, purpose="bank", paths=ACCOUNT, at=street.clock.at, seed=f"{late}")
        judged.append((await bring(street, BANK, copy)).decision)
    assert [(each.decision, each.code) for each in judged] == [("accepted", ""), ("undecided", "status_stale")]


# --- acting together, and within limits --------------------------------------------------------------------------------------------------


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Anytown]:
    """A bank's desk, and NORA and PETER with wallets of their own."""
    async with open_agents(tmp_path, people=2) as opened:
        yield opened


async def asked_on(clerk: Walker) -> dict[str, str]:
    """The ``link`` that the square code on the clerk's screen says, and the ``id`` of the request."""
    await expect(clerk.page.get_by_role("heading", name="Scan this with your wallet or camera")).to_be_visible()
    return {"link": await clerk.code(), "id": clerk.page.url.partition("?")[0].rpartition("/")[2]}


async def said_of(town: Anytown, asked: Mapping[str, str]) -> tuple[str, str]:
    """The decision on what was shown, and its code."""
    state = await town.desk.state(asked)
    return state["decision"], state["code"]


async def act_of(town: Anytown, asked: Mapping[str, str]) -> str:
    """By what the request knows the one act to which several have to agree."""
    (entry,) = (await town.desk.read(asked)).transaction_data
    return str(entry.members["reference"])


@pytest.mark.real
async def test_at_c02_5_two_attorneys_who_must_act_together(town: Anytown, open_page: Open) -> None:
    """LPA-2 shown by NORA alone is 1 of 2; PETER adds his for the same transaction on the fifth day, and it is accepted."""
    nora, peter = town.people
    await nora.holds(of(LPA_2, NORA, 1))
    await peter.holds(of(LPA_2, PETER, 2))
    clerk, first, second = [Walker(watched=await open_page(LAPTOP), careful=False) for _ in range(3)]
    await clerk_enters(clerk, town)
    await clerk.follow("Ask for a document")
    await clerk.hit(clerk.page.get_by_role("group", name="Power of attorney").get_by_text("For people who must act together"))
    await clerk.tick(clerk.page.locator('input[value="representation/bank-together"]'))
    await clerk.press("Show the square code")
    asked = await asked_on(clerk)
    act = await act_of(town, asked)

    await holder_enters(first, nora)
    await holder_opens(first, nora, asked["link"])
    await expect(first.page.get_by_text("You are the first of 2 who have to agree.")).to_be_visible()
    await expect(first.page.get_by_text("You are acting for Margaret Ashdown as attorney.")).to_be_visible()
    await first.look("wallet-first-of-two")
    for box in await first.page.get_by_role("checkbox").all():
        await first.tick(box)
    await first.enter(first.page.get_by_role("button", name=re.compile("^Agree and share once")))
    await expect(first.page.get_by_text("They cannot tell yet")).to_be_visible()
    await expect(first.page.get_by_text("A person will decide.")).to_be_visible()
    await first.look("wallet-waits-for-the-second")

    await expect(clerk.page.get_by_role("heading", name="Can’t tell yet")).to_be_visible()
    await clerk.look("desk-restrictions-to-read")
    await clerk.choose("Yes")  # these restrictions are about the house, not about the account
    await clerk.press("Decide")
    await expect(clerk.page.get_by_text("1 of 2 have agreed.")).to_be_visible()
    await clerk.look("desk-one-of-two")
    assert await said_of(town, asked) == ("undecided", "needs_more_attorneys")
    here = clerk.page.url
    await town.later(5 * DAY)
    await clerk_enters(clerk, town)
    await clerk.go(here)
    await clerk.press("Ask the next person")
    joined = await asked_on(clerk)
    assert joined["id"] != asked["id"]
    assert await act_of(town, joined) == act, "for the same transaction"

    await holder_enters(second, peter)
    await holder_opens(second, peter, joined["link"])
    await expect(second.page.get_by_text("They say that 1 of 2 have agreed to the same. With you it counts.")).to_be_visible()
    await second.look("wallet-second-of-two")
    for box in await second.page.get_by_role("checkbox").all():
        await second.tick(box)
    await second.enter(second.page.get_by_role("button", name=re.compile("^Agree and share once")))
    await expect(clerk.page.get_by_role("heading", name="Can’t tell yet")).to_be_visible()
    await clerk.choose("Yes")
    await clerk.press("Decide")
    await expect(clerk.page.get_by_text("2 of 2 have agreed.")).to_be_visible()
    await clerk.go(here)
    await expect(clerk.page.get_by_role("heading", name="You can rely on this")).to_be_visible()
    await expect(clerk.page.get_by_text("2 of 2 have agreed.")).to_be_visible()
    await clerk.look("desk-two-of-two")
    assert [await said_of(town, each) for each in (asked, joined)] == [("accepted", "")] * 2


# --- the donor ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.real
async def test_at_c02_10_the_donor_stops_it_at_a_counter(street: Street, tmp_path: Path, open_page: Open) -> None:
    """MARGARET, who has no telephone, has NORA's copies stopped at the counter. What NORA shows after the next list fails, and her wallet says
    why and where to turn.
    """
    async with opened_wallet(street, tmp_path / "nora", open_page, careful=True) as nora:
        power = await invited(street, OPG, "representation", LPA_1)
        card = await nora.collects(power)
        bank = await at_desk(street, BANK, open_page)
        assert await bank.opens(await nora.writes(BANK, "Northwold Bank", "representation/bank")) == ("You can rely on this", "")

        clerk = (await at_office(street, OPG, open_page, careful=True)).walker
        await clerk.go(f"{street.offices[OPG].base}/console/documents/{power.document}")
        await clerk.follow("The donor’s side of it")
        await clerk.look("office-donor")
        await clerk.choose("Stop the attorney for now")
        await clerk.tick(clerk.page.get_by_role("checkbox", name="I have made sure that it is the donor"))
        await clerk.press("Do what the donor asks")
        await expect(clerk.page.get_by_text("On hold", exact=True)).to_be_visible()

        street.clock.at += 3_600
        await street.cycle()
        await bank.enters()
        await nora.enters()
        assert await bank.opens(await nora.writes(BANK, "Northwold Bank", "representation/bank")) == ("Do not rely on this", "suspended")
        await upkeep(nora.site.host.means, nora.vault)
        await nora.walker.go(card)
        await expect(nora.walker.page.get_by_text("Why: The donor asked for it, since 1 March 2027.")).to_be_visible()
        await expect(nora.walker.page.get_by_text("If you think this is wrong, tell the office that made the document.")).to_be_visible()
        await nora.walker.look("wallet-stopped-by-the-donor")


@pytest.mark.real
async def test_at_c02_6_a_restriction_that_is_kept_back_is_no_yes(town: Anytown, open_page: Open) -> None:
    """LPA-2 for selling the house: without the restrictions ``restricted_undisclosed``; with them, read by a clerk, ``outside_scope``."""
    nora = town.people[0]
    await nora.holds(of(LPA_2, NORA, 1))
    clerk, holder = [Walker(watched=await open_page(LAPTOP), careful=False) for _ in range(2)]
    await clerk_enters(clerk, town)
    asked = await asks_by_page(clerk, town, "representation/property-sale")
    await holder_enters(holder, nora)
    await holder_opens(holder, nora, asked["link"])
    await expect(holder.page.get_by_text("limit that you would not show")).to_be_visible()
    await holder.look("wallet-restrictions-kept-back")
    await holder.enter(holder.page.get_by_role("button", name=re.compile("^Share once")))
    await expect(holder.page.get_by_text("They cannot tell yet")).to_be_visible()
    state = await town.desk.state(asked)
    assert (state["decision"], state["code"]) == ("undecided", "restricted_undisclosed")
    assert "Poplar" not in str(state["verdict"])
    await expect(clerk.page.get_by_role("heading", name="Can’t tell yet")).to_be_visible()
    assert "Poplar" not in await clerk.page.content()

    asked = await asks_by_page(clerk, town, "representation/property-sale")
    await holder_opens(holder, nora, asked["link"])
    await holder.tick(holder.page.get_by_role("checkbox", name="Restrictions and conditions"))
    await holder.enter(holder.page.get_by_role("button", name=re.compile("^Share once")))
    await expect(holder.page.get_by_text("They cannot tell yet")).to_be_visible()
    await expect(clerk.page.get_by_text("Not to sell Poplar Court while I live").first).to_be_visible()
    await clerk.choose("No")
    await clerk.press("Decide")
    await expect(clerk.page.get_by_role("heading", name="Do not rely on this")).to_be_visible()
    await clerk.look("desk-outside-scope")
    state = await town.desk.state(asked)
    assert (state["decision"], state["code"]) == ("rejected", "outside_scope")


ACCOUNTS = (("CT-1", "ZZ99 4CD"), ("CT-2", "ZZ99 7XY"))
"""Of MARGARET and of MARGARET-2 at ABC: numbers and postcodes, all else is the same."""


@pytest.mark.real
async def test_at_c02_7_two_donors_of_one_name_are_not_confused(tmp_path: Path, open_page: Open) -> None:
    """ABC's accounts of MARGARET and MARGARET-2: name and date of birth are ``ambiguous_match``, one more item decides, no address is on the screen,
    and nothing at all has changed for either of them until then.
    """
    async with open_agents(tmp_path, bodies=[(COUNCIL, "Anytown Borough Council")]) as town:
        nora = town.people[0]
        await nora.holds(of(CLAIMS | {"powers": ["care-contract"]}, NORA))
        clerk, holder = [Walker(watched=await open_page(LAPTOP)) for _ in range(2)]
        await clerk_enters(clerk, town)
        asked = await asks_by_page(clerk, town, "representation/care-contract")  # it asks for no address
        await holder_enters(holder, nora)
        await holder_opens(holder, nora, asked["link"])
        await holder.enter(holder.page.get_by_role("button", name=re.compile("^Share once")))
        await expect(clerk.page.get_by_role("heading", name="You can rely on this")).to_be_visible()
        storage = town.desk.desk.storage
        before, head = await known_of(town, asked), await storage.read(log.head)
        await clerk.follow("Which of our accounts is it?")
        await expect(clerk.page.get_by_text("People of no fixed address share one postcode")).to_be_visible()
        await clerk.look("desk-which-account")
        accounts = "\n".join(f"{number}; Margaret; Ashdown; 02/11/1938; {postcode}" for number, postcode in ACCOUNTS)
        await clerk.fill(clerk.page.locator("#records"), accounts)
        await clerk.press("Compare")
        await expect(
            clerk.page.get_by_text("It may be more than one of them. Ask for one more item, and change none of them")
        ).to_be_visible()
        await clerk.look("desk-more-than-one")
        source = await said_by(clerk.page)
        assert not [word for word in ("ZZ99", "4CD", "7XY", "CT-1", "CT-2") if word in source]
        who = {"given_name": "Margaret", "family_name": "Ashdown", "birthdate": "1938-11-02"}
        records = [{"reference": number, **who, "postal_code": postcode} for number, postcode in ACCOUNTS]
        _, found = await town.desk.call("POST", f"/api/presentation-requests/{asked['id']}/match", {"records": records})
        assert found == {"outcome": "ambiguous", "reference": None, "code": "ambiguous_match"}
        assert (await known_of(town, asked), await storage.read(log.head)) == (before, head), "nothing is known or done by it"
        await clerk.write("Postcode of the person, if they told you", "zz99 4cd")
        await clerk.press("Compare")
        await expect(clerk.page.get_by_text("It is CT-1.")).to_be_visible()
        await clerk.look("desk-the-one")
        assert "7XY" not in await said_by(clerk.page)


async def said_by(page: Page) -> str:
    """The whole of it, but for what is drawn for each page, where three letters may come together by chance: tokens of forms and the like."""
    return re.sub(r"(?<![\w-])(?:[\w-]{22}|[\w-]{32}|[\w-]{100,})(?![\w-])", "", await page.content())


async def known_of(town: Anytown, asked: Mapping[str, str]) -> dict[str, Any]:
    """What a desk knows of an answer; its receipt is signed anew whenever it is asked for."""
    return {**await town.desk.state(asked), "receipt": None}


@pytest.mark.real
async def test_at_c02_9_the_wrong_kind_is_not_shown_at_all(town: Anytown, open_page: Open) -> None:
    """A power for welfare at BANK: the request names the instruments, the wallet shows nothing; shown all the same it is ``wrong_instrument``,
    which the bank can tell without a word about the donor.
    """
    nora, peter = town.people
    await nora.holds(of(WELFARE, NORA))
    clerk, hers, his = [Walker(watched=await open_page(LAPTOP), careful=False) for _ in range(3)]
    await clerk_enters(clerk, town)
    await clerk.go(f"{town.desk.base}/desk/uses/bank")
    await clerk.choose("Lasting power of attorney: property and financial affairs")
    await clerk.look("desk-admits-one-instrument")
    await clerk.press("Register this")
    await clerk.go(f"{town.desk.base}/desk/uses/bank")
    await expect(clerk.page.get_by_label("Lasting power of attorney: property and financial affairs")).to_be_checked()
    await clerk.go(f"{town.desk.base}/desk/")
    await clerk.follow("Ask for a document")
    await clerk.tick(clerk.page.locator('input[value="representation/bank"]'))
    await clerk.press("Show the square code")
    asked = await asked_on(clerk)
    request = await town.desk.read(asked)
    named = [claim.values for claim in request.query.credentials[0].claims or () if claim.path == ("instrument_type",)]
    assert named == [("lpa-property-and-affairs",)]

    await holder_enters(hers, nora)
    await holder_opens(hers, nora, asked["link"])
    await expect(hers.page.get_by_role("heading", name="Northwold Bank asks to see details of a document")).to_be_visible()
    await expect(hers.page.get_by_text("Nothing in your wallet answers what they ask for.")).to_be_visible()
    await expect(hers.page.get_by_role("button", name=re.compile("hare once"))).to_have_count(0)
    await hers.look("wallet-has-no-such-document")
    assert (await town.desk.state(asked))["state"] == "retrieved"
    assert "Margaret" not in await clerk.text()

    await peter.holds(of(CLAIMS, PETER))
    await peter.holds(of(WELFARE, PETER))
    await holder_enters(his, peter)
    await holder_opens(his, peter, asked["link"])
    await his.press("Share once")  # of two documents the right one answers by itself
    await expect(clerk.page.get_by_role("heading", name="You can rely on this")).to_be_visible()

    await clerk.go(f"{town.desk.base}/desk/copies")
    carried = await given(town.street, OPG, "representation", of(WELFARE, NORA))  # a wallet that shows it all the same
    forced = copy_for(BANK, carried, purpose="bank", paths=(), at=town.street.clock(), seed="forced")
    await clerk.page.locator("input[type=file]").set_input_files({"name": "copy.json", "mimeType": "application/json", "buffer": forced})
    await clerk.press("Check it")
    await expect(clerk.page.get_by_role("heading", name="Do not rely on this")).to_be_visible()
    await expect(clerk.page.get_by_text("This kind of authority is not enough for this purpose.").first).to_be_visible()
    await expect(clerk.page.get_by_text("Accepted here: Lasting power of attorney: property and financial affairs.")).to_be_visible()
    assert "Margaret" not in await clerk.text()
    await clerk.look("desk-wrong-kind")


async def test_at_c02_9_without_a_word_of_the_bank_either(town: Anytown) -> None:
    """Where a question names no instrument, a wallet that knows it still shows no kind that could never serve."""
    nora = town.people[0]
    await nora.holds(of(WELFARE, NORA))
    assert (await nora.look((await town.desk.ask(query="bank"))["link"])).problem
    assert not (await nora.look((await town.desk.ask(query="social-care"))["link"])).problem


async def test_a_power_for_later_waits_for_evidence_and_nothing_of_it_is_kept(town: Anytown) -> None:
    """``when-capacity-lost``: undecided until somebody has seen a separate statement; the decision says only that it was seen."""
    nora = town.people[0]
    await nora.holds(of(CLAIMS | {"usable_when": "when-capacity-lost"}, NORA))
    asked = await town.desk.ask(query="bank")
    view = await nora.look(asked["link"])
    assert any("only once the donor has lost capacity" in line for part in view.parts for line in part.choices[0].advice)
    await nora.share(asked["link"])
    state = await town.desk.state(asked)
    assert (state["decision"], state["code"]) == ("undecided", "needs_capacity_evidence")
    path = f"/api/presentation-requests/{asked['id']}/recheck"
    assert (await town.desk.call("POST", path, {"use": {"capacity_evidence": False}}))[0] == 409
    status, state = await town.desk.call("POST", path, {"use": {"capacity_evidence": True}})
    assert (status, state["decision"]) == (200, "accepted")
