"""Domain sheet C05, a death and whom it concerns: its acceptance scenarios by their names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect
from support.browser import LAPTOP, PHONE, Open, Walker
from support.documents import DOCUMENTS as STORIES
from support.hands import Invitation, Registrar, at_desk, at_office, invited, opened_wallet
from support.holdings import minted, put_document
from support.inboxes import DEATH, FOURTEEN, Town
from support.long_values import decoded
from support.offices import BANK, DIED, ENTRY, GRO, GUARDIAN, NINE, OPG, Street, given, open_street, show_live
from support.registry import LPA_1
from support.signing import AT
from support.trial_verify import ISSUER
from support.wallets import Site, serve_wallet

from issuer import deciding_news, following
from issuer.records import documents, news
from issuer.sessions import Actor, Standing
from shared import addressed
from shared.clock import DAY
from shared.codec import base64url
from wallet import register
from wallet.records import HISTORY
from wallet.upkeep import upkeep

CLERK = Actor(role="clerk", name="Cleo Clerk")


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    async with open_street(tmp_path, at=NINE) as opened:
        yield opened


async def stands(street: Street, office: str, number: str) -> Standing:
    found = await street.offices[office].office.storage.read(lambda tx: documents.get(tx, number))
    return found.standing


@pytest.mark.real
async def test_at_c05_5_every_representation_of_the_donor_ends_in_the_same_cycle(street: Street, tmp_path: Path, open_page: Open) -> None:
    """The death arrives at the Public Guardian: NORA's and PETER's documents end together, those for MARGARET-2 do not, and no hub is asked."""
    donor = {**LPA_1["represented"], "address": {"postal_code": "ZZ99 7XY"}}
    async with AsyncExitStack() as stack:
        joan, nora, stranger = [
            await stack.enter_async_context(opened_wallet(street, tmp_path / name, open_page)) for name in ("joan", "nora", "stranger")
        ]
        peter = await given(street, OPG, "representation", LPA_1 | {"proxy": {"given_name": "Peter", "family_name": "Ashdown"}})
        hers = await invited(street, OPG, "representation", LPA_1)
        others = await invited(street, OPG, "representation", LPA_1 | {"represented": donor})
        await nora.collects(hers)
        await stranger.collects(others)
        registrar, guardian = await at_office(street, GRO, open_page), await at_desk(street, GUARDIAN, open_page)
        await joan.collects(await registrar.makes("life-event", ENTRY))
        street.asked.clear()
        await joan.answers(await guardian.asks("life-event/donor-died"), "Postcode")
        await expect(guardian.walker.page.get_by_role("heading", name="You can rely on this")).to_be_visible()
        await street.tell(street.desks[GUARDIAN])
        assert {urlsplit(each).path for each in street.asked if each.startswith(OPG)} == {"/api/events"}
        assert [await stands(street, OPG, each) for each in (hers.document, peter.made["id"], others.document)] == [
            Standing.CANCELLED,
            Standing.CANCELLED,
            Standing.IN_FORCE,
        ]
        street.clock.at += 3_600
        await street.cycle()
        bank = await at_desk(street, BANK, open_page)
        said = []
        for holder in (nora, stranger):
            await holder.enters()
            said.append(await bank.opens(await holder.writes(BANK, "Northwold Bank", "representation/bank")))
        assert said == [("Do not rely on this", "revoked"), ("You can rely on this", "")]


@pytest.mark.real
async def test_at_c05_4_a_wrong_death_brings_new_documents_and_never_the_old_ones(street: Street, tmp_path: Path, open_page: Open) -> None:
    """The entry was a mis-registration and is cancelled: copies of it fail within one cycle, and the Public Guardian's office, which its own desk
    tells so, offers what had ended by it as new documents, to NORA and to MARGARET, who lives.
    """
    async with AsyncExitStack() as stack:
        joan, nora, margaret = [
            await stack.enter_async_context(opened_wallet(street, tmp_path / name, open_page)) for name in ("joan", "nora", "margaret")
        ]
        registrar, opg = await at_office(street, GRO, open_page), await at_office(street, OPG, open_page)
        guardian, bank = await at_desk(street, GUARDIAN, open_page), await at_desk(street, BANK, open_page)
        power = await opg.makes("representation", LPA_1, reference="LPA M-7890-0400-4000")
        hers = await opg.makes_for_donor(power.document)
        card, side = await nora.collects(power), await margaret.collects(hers)
        old = await nora.writes(BANK, "Northwold Bank", "representation/bank")
        entry = await registrar.makes("life-event", ENTRY)
        await joan.collects(entry)
        mailed = await joan.writes(BANK, "Northwold Bank", "life-event/tell-of-death")
        assert await bank.opens(mailed) == ("You can rely on this", "")
        await joan.answers(await guardian.asks("life-event/donor-died"), "Postcode")
        await expect(guardian.walker.page.get_by_role("heading", name="You can rely on this")).to_be_visible()
        await street.tell(street.desks[GUARDIAN])
        assert await opg.finds("LPA M-7890-0400-4000") == {power.document: "Cancelled"}

        street.clock.at += 3_600
        await registrar.enters()
        await registrar.changes(entry.document, "Cancel this document", "The entry was cancelled")
        street.clock.at += 60
        await street.cycle()
        for holder, address in ((nora, card), (margaret, side)):
            await holder.enters()
            await upkeep(holder.site.host.means, holder.vault)
            await holder.walker.go(address)
            await expect(holder.walker.page.get_by_text("The office that made this document has cancelled it.")).to_be_visible()
        await bank.enters()
        assert await bank.opens(mailed) == ("Do not rely on this", "revoked"), "within one cycle"
        await opg.enters()
        back = await made_again(opg, power.document)
        assert await opg.finds("LPA M-7890-0400-4000") == {power.document: "Cancelled", back.document: "Waiting to be collected"}
        hers_again = await donors_side(opg, back.document)
        assert hers_again.document != hers.document
        await street.cycle()
        card, side = await nora.collects(back), await margaret.collects(hers_again)
        await margaret.walker.go(side)
        await expect(margaret.walker.page.get_by_text("has cancelled it")).to_have_count(0)
        await margaret.walker.look("wallet-the-donor-has-her-side-again")
        assert await bank.opens(await nora.writes(BANK, "Northwold Bank", "representation/bank")) == ("You can rely on this", "")
        assert await bank.opens(old) == ("Do not rely on this", "revoked"), "never in force again"
        for each in (power.document, hers.document):
            await opg.walker.go(f"{opg.office.base}/console/documents/{each}")
            await expect(opg.walker.page.get_by_text("Cancelled", exact=True).first).to_be_visible()


async def made_again(opg: Registrar, document: str) -> Invitation:
    """The clerk decides about the only news there are: what ended is made again."""
    walker, page = opg.walker, opg.walker.page
    await walker.go(f"{opg.office.base}/console/events")
    await walker.enter(page.get_by_role("table").get_by_role("link"))
    await expect(page.get_by_role("heading", name="Entry in a civil register: counts no longer")).to_be_visible()
    await walker.look("office-was-it-a-mistake")
    await walker.tick(page.locator(f'input[name=documents][value="{document}"]'))
    await walker.press("Make the chosen ones again")
    await expect(page.get_by_text("Decided", exact=True)).to_be_visible()
    await walker.look("office-made-again")
    await walker.enter(page.get_by_role("link", name="The new document"))
    return await opg.invites(page.url.rpartition("/")[2])


async def donors_side(opg: Registrar, document: str) -> Invitation:
    """What came again with the attorney's document."""
    await opg.walker.go(f"{opg.office.base}/console/documents/{document}")
    await opg.walker.follow("The donor’s side of it")
    address = await opg.walker.page.locator('main p a[href^="/console/documents/"]').first.get_attribute("href") or ""
    return await opg.invites(address.rpartition("/")[2])


@pytest.mark.parametrize("certain", [True, False])
async def test_a_typing_error_at_the_registrars_is_no_cancelled_death(street: Street, certain: bool) -> None:
    """Only the district is corrected. What was to be decided stays so, nothing comes back by itself, and whoever decides is told what is not
    known; the corrected entry, shown anew, is as good as any.
    """
    nora = await given(street, OPG, "representation", LPA_1)
    entry = dict(ENTRY)
    if not certain:
        entry["subject"] = {name: value for name, value in ENTRY["subject"].items() if name != "address"}
    joan = await given(street, GRO, "life-event", entry)
    paths = DIED if certain else tuple(path for path in DIED if "postal_code" not in path)
    await show_live(street, GUARDIAN, joan, {"type": "life-event", "query": "donor-died"}, paths)
    await street.tell(street.desks[GUARDIAN])
    gro, opg = street.offices[GRO], street.offices[OPG]
    street.clock.at += 3_600
    right = {"claims": {**entry, "registration_district": "Anytown"}, "reason": "typing error"}
    status, body = await gro.call("POST", f"/api/credentials/{joan.made['id']}/correction", right)
    assert status == 200, body
    street.clock.at += 60
    await street.cycle()
    (task,) = await opg.office.storage.read(lambda tx: news.page(tx, open_only=True, offset=0, limit=5))
    case = await deciding_news.case(opg.office, task.id)
    assert (task.became, case.doubted) == ("cancelled" if certain else "shown", True)
    assert [each.concerned.action for each in case.compared] == [following.AGAIN if certain else "cancel"]
    await deciding_news.decide(opg.office, task.id, [] if certain else [nora.made["id"]], CLERK, version=task.version)
    assert await stands(street, OPG, nora.made["id"]) is Standing.CANCELLED
    _, listed = await opg.call("GET", "/api/credentials")
    assert [each["id"] for each in listed["items"]] == [nora.made["id"]], "nothing comes back of somebody who is dead"


@pytest.mark.real
async def test_at_c05_3_a_date_known_in_part_is_asked_about_and_never_completed(street: Street, tmp_path: Path, open_page: Open) -> None:
    """ARTHUR was found on 3 March and died in February: who asks whether he died by the end of March is told yes, who needs the day nothing."""
    street.clock.at += 4 * DAY
    await street.cycle()
    found = {"value": "2027-02", "description": "Deceased found on 3 March 2027"}
    entry = {**STORIES["life-event"], "death_date": found, "registered_at": "2027-03-04"}
    said = []
    async with opened_wallet(street, tmp_path / "joan", open_page) as joan:
        registrar, bank = await at_office(street, GRO, open_page), await at_desk(street, BANK, open_page)
        await joan.collects(await registrar.makes("life-event", entry))
        for died_by in ("2027-03-31", "", "2027-02-15", "2027-01-31"):
            link = await bank.asks("life-event/tell-of-death", died_by=died_by, whole_day=not died_by)
            number = bank.walker.page.url.rpartition("/")[2]
            await joan.answers(link)
            said.append((await joan.walker.heading(), *await bank.reads(number)))
            read = await bank.walker.text()
            assert ("You asked for the very day of the death." in read) == (not died_by)
            assert ("You asked whether they died on" in read) == bool(died_by)
            assert ("They died after the day that was asked about." in read) == (died_by == "2027-01-31")
            assert ("Date of death February 2027" in read) == ("What was shown" in read), "no day is made up"
            assert "What was shown" in read or said[-1][-1] == "outside_scope"
            if said[-1][-1] == "not_determined":
                assert "They cannot tell yet" in await joan.walker.text()
                await bank.walker.look("desk-known-in-part")
    assert said == [
        ("Shared once", "You can rely on this", ""),
        ("Shared once", "Can’t tell yet", "not_determined"),
        ("Shared once", "Can’t tell yet", "not_determined"),
        ("They did not take it", "Do not rely on this", "outside_scope"),
    ]


# --- telling many at once ------------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def joan_at_home(folder: Path) -> AsyncIterator[tuple[Site, Town]]:
    """JOAN's wallet with ARTHUR's entry in it, in a town of fourteen: three are down, one lies, one has it looked at by a person."""
    town = Town()
    town.settle(*FOURTEEN)
    town.bodies[5].how, town.bodies[9].how, town.bodies[9].answer_days = "presentation", "person", 4
    async with serve_wallet(folder, world=town) as site:
        await site.open()
        vault = next(iter(site.host.unlocked.vaults()))
        await put_document(site.host.means, vault, vct=DEATH.vct, claims=STORIES["life-event"], copies=20, listed=True)
        town.clock.at += 600
        for body in town.bodies:
            body.register(2)
        await register.refresh(site.host.means, now=True)
        town.down.update(body.entity for body in town.bodies[1:4])
        yield site, town


async def signs_in(page: Page, site: Site) -> None:
    await page.goto(f"{site.base}/sign-in")
    await page.locator("input[name=holder]").fill(site.made.holder)
    await page.locator("input[name=passphrase]").fill(site.made.passphrase)
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="My documents").wait_for()


async def counts(page: Page, **states: int) -> None:
    for state, count in states.items():
        await expect(page.locator(f'[data-state="{state.replace("_", "-")}"]')).to_have_count(count)


@pytest.mark.real
@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["1280", "320"])
async def test_at_c05_1_joan_tells_fourteen_in_one_sitting(tmp_path: Path, open_page: Open, size: dict[str, int]) -> None:
    """One screen, one agreement, fourteen copies that share nothing; fourteen right states, and fourteen receipts in the end."""
    async with joan_at_home(tmp_path / "wallet") as (site, town):
        walker = Walker(await open_page(size), f"tell-{size['width']}")
        page = walker.page
        await signs_in(page, site)
        await page.goto(f"{site.base}/tell")
        await walker.look("nothing-yet")
        await page.get_by_role("button", name="Tell organisations something").click()
        await page.get_by_role("heading", name="Who shall know?").wait_for()
        await page.get_by_role("button", name="Choose all in this list").click()
        await page.get_by_text("14 chosen").wait_for()
        await walker.look("chosen")
        await page.get_by_role("button", name="See what each would learn").click()
        await page.get_by_role("heading", name="This is what each would learn").wait_for()
        await walker.look("each-learns")
        await expect(page.get_by_text("Cause of death")).to_have_count(0)
        await page.get_by_role("button", name="Agree and tell 14 organisations").click()
        await counts(page, accepted=9, waiting=3, misfit=1, sent=1)
        await walker.look("under-way")
        where = page.url

        town.clock.at += 2 * DAY
        town.bodies[9].decides = "accepted"
        town.down.discard(town.bodies[1].entity)
        town.down.discard(town.bodies[2].entity)
        await signs_in(page, site)
        await page.goto(where)
        await counts(page, accepted=12, waiting=1, misfit=1)
        town.clock.at += 13 * DAY
        await signs_in(page, site)
        await page.goto(where)
        await counts(page, accepted=12, undelivered=1, misfit=1)
        await page.get_by_text("They may not have it, for no receipt came.").wait_for()
        await walker.look("over")
        await page.goto(f"{where}?lang=cy")
        await walker.look("over-welsh")
        await page.goto(f"{site.base}/history?kind=addressed-copy&lang=en")
        await expect(page.locator("tbody tr")).to_have_count(14)
        await page.goto(f"{site.base}/history?kind=answer")
        await expect(page.locator("tbody tr")).to_have_count(15)  # the one that was looked at answered twice, one never came
        await walker.look("answers")
        share_nothing(town)


@pytest.mark.real
async def test_at_c05_4_joan_is_offered_to_tell_them_that_it_was_cancelled(tmp_path: Path, open_page: Open) -> None:
    """All fourteen have answered with a receipt. The entry was wrong: the wallet knows who was told, offers to tell each of them so, and its
    office learns of nobody.
    """
    async with joan_at_home(tmp_path / "wallet") as (site, town):
        town.down.clear()
        town.bodies[5].how, town.bodies[9].how = "accepts", "accepts"
        walker = Walker(await open_page(PHONE), "call-back")
        page = walker.page
        await signs_in(page, site)
        await page.goto(f"{site.base}/tell/new")
        await page.get_by_role("button", name="Choose all in this list").click()
        await page.get_by_text("14 chosen").wait_for()
        await page.get_by_role("button", name="See what each would learn").click()
        await page.get_by_role("button", name="Agree and tell 14 organisations").click()
        await counts(page, accepted=14)
        held = await site.host.means.storage.read(lambda tx: HISTORY.all(tx, next(iter(site.host.unlocked.vaults()))))
        assert sum(bool(line.value.entry.receipt) for line in held) == 14
        town.office.statuses.update(dict.fromkeys(range(20), 1))  # the office cancels it, and its list says so
        town.clock.at += DAY
        await signs_in(page, site)
        await upkeep(site.host.means, next(iter(site.host.unlocked.vaults())))
        asked = [fetch.url for fetch in town.fetches if fetch.url.startswith(ISSUER)]
        await page.goto(f"{site.base}/")
        await page.get_by_role("link", name="Entry in a civil register").click()
        await page.get_by_role("heading", name="14 organisations have heard otherwise from you").wait_for()
        await expect(page.get_by_role("button", name="Show it to someone who asks")).to_have_count(0)
        await walker.look("card")
        await page.get_by_role("button", name="Tell them that it was cancelled").click()
        await page.get_by_text("14 chosen").wait_for()
        await walker.look("whom")
        await page.get_by_role("button", name="See what each would learn").click()
        await page.get_by_text("Each gets a copy of the cancelled document.").wait_for()
        await walker.look("each-learns")
        await page.get_by_role("button", name="Agree and tell 14 organisations").click()
        await page.get_by_role("heading", name="Told that it was cancelled").wait_for()
        await counts(page, accepted=14)
        for body in town.bodies:
            assert [letter.about for letter in body.letters] == ["", body.seen[0].binding_claims["jti"]]
        assert [fetch.url for fetch in town.fetches if fetch.url.startswith(ISSUER)] == asked


def share_nothing(town: Town) -> None:
    """No two copies share a value of 16 bytes or more, but what the office says in everybody's; none says why Arthur died."""
    claims: dict[str, Any] = {**STORIES["life-event"], "subject": {"given_name": "Amy", "family_name": "Penn"}}
    stranger, _ = minted("dc+sd-jwt", DEATH.vct, claims, index=99, at=AT)
    constants = decoded("dc+sd-jwt", stranger) | {base64url.encode(b'{"alg":"ES256","typ":"kb+jwt"}').encode()}
    copies = [addressed.parse_file(letter.copy) for body in town.bodies for letter in body.letters]
    found = [decoded(copy.format, wire) for copy in copies for wires in copy.vp_token.values() for wire in wires]
    assert len(found) == 13
    for one, other in combinations(found, 2):
        assert one & other - constants == set()
    assert not any("cause_of_death" in body.seen[-1].claims for body in town.bodies if body.seen)
