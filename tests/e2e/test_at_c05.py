"""Domain sheet C05, a death and whom it concerns: its acceptance scenarios by their names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect
from support.browser import LAPTOP, PHONE, Open
from support.documents import DOCUMENTS as STORIES
from support.fourteen import PENSION, REGISTERED, TELL, UNDO, Crowd, Made, make_fourteen, open_fourteen
from support.hands import Clerk, Holder, Invitation, Registrar, at_desk, at_office, invited, opened_wallet
from support.inboxes import FOURTEEN
from support.long_values import decoded
from support.offices import BANK, DIED, ENTRY, GRO, GUARDIAN, NINE, OPG, Street, given, open_street, show_live
from support.registry import LPA_1

from issuer import deciding_news, following
from issuer.records import documents, news
from issuer.sessions import Actor, Standing
from shared import addressed
from shared.addressed import AddressedPresentation
from shared.clock import DAY
from shared.codec import base64url
from shared.formats import formats
from shared.web.operators import everybody
from verifier import inbox_desk
from verifier.inbox_desk import Post
from wallet import register
from wallet.records import ADDRESSED, HISTORY, SENT
from wallet.sent import Sent
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


LEARNS = {
    TELL: {"event_type", "subject/given_name", "subject/family_name", "subject/address/postal_code", "death_date/value"},
    PENSION: {"event_type", "subject/given_name", "subject/family_name", "subject/birthdate", "death_date/value"},
}
SEEN = {"registration_state", "issuing_authority", "issuing_country", "issuing_jurisdiction"}  # what such a document never hides
BODIES = tuple(REGISTERED)
DOWN, LIAR, SLOW = BODIES[1:4], BODIES[5], BODIES[9]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return asyncio.run(make_fourteen(tmp_path_factory.mktemp("fourteen")))


@dataclass(frozen=True, kw_only=True)
class Home:
    """JOAN, those around her, and the ``entry`` with the address of its ``card`` in her wallet."""

    joan: Holder
    crowd: Crowd
    registrar: Registrar
    entry: Invitation
    card: str


@asynccontextmanager
async def joan_at_home(made: Made, folder: Path, open_page: Open, size: dict[str, int]) -> AsyncIterator[Home]:
    """JOAN in a town of fourteen real desks, with ARTHUR's entry in her wallet, and another document that says of what he died."""
    async with open_fourteen(made, folder) as street:
        crowd = Crowd(street)
        async with opened_wallet(street, folder / "wallet", open_page, careful=True, world=crowd, size=size) as joan:
            registrar = await at_office(street, GRO, open_page)
            await joan.collects(await invited(street, GRO, "life-event-full", STORIES["life-event-full"]))
            entry = await registrar.makes("life-event", STORIES["life-event"])
            card = await joan.collects(entry)
            await register.refresh(joan.site.host.means, now=True)
            yield Home(joan=joan, crowd=crowd, registrar=registrar, entry=entry, card=card)


async def tells_all(joan: Holder, *looks: str) -> str:
    """Everybody, in one sitting and with one yes; the page of what comes of it."""
    walker, page = joan.walker, joan.walker.page
    await walker.press("Choose all in this list")
    await page.get_by_text("14 chosen").wait_for()
    await walker.look(looks[0])
    await walker.press("See what each would learn")
    await page.get_by_role("heading", name="This is what each would learn").wait_for()
    for count in (11, 3):
        await expect(page.get_by_role("heading", name=f"{count} organisations would learn this")).to_be_visible()
    await walker.look(looks[1])
    await expect(page.get_by_text("Cause of death")).to_have_count(0)
    await walker.press("Agree and tell 14 organisations")
    return page.url


async def counts(page: Page, **states: int) -> None:
    for state, count in states.items():
        await expect(page.locator(f'[data-state="{state.replace("_", "-")}"]')).to_have_count(count)


@pytest.mark.real
async def test_at_c05_1_joan_tells_fourteen_in_one_sitting(made: Made, tmp_path: Path, open_page: Open) -> None:
    """One screen, one agreement, fourteen copies that share nothing; three are down, one lies, at one somebody decides on the third day: fourteen
    right states in the end. Each has what it has registered for, and nothing else.
    """
    async with joan_at_home(made, tmp_path, open_page, PHONE) as home:
        joan, crowd, street = home.joan, home.crowd, home.crowd.street
        walker, page = joan.walker, joan.walker.page
        crowd.down.update(DOWN)
        crowd.lies.add(LIAR)
        slow = await at_desk(street, SLOW, open_page)
        await slow.walker.go(f"{slow.desk.base}/desk/uses/{REGISTERED[SLOW]}")
        await slow.walker.choose("A person, within the promised time")
        await slow.walker.press("Register this")

        await walker.go(f"{joan.site.base}/tell")
        await walker.look("nothing-yet")
        await walker.press("Tell organisations something")
        await page.get_by_role("heading", name="Who shall know?").wait_for()
        where = await tells_all(joan, "chosen", "each-learns")
        await counts(page, accepted=9, waiting=3, misfit=1, sent=1)
        await page.get_by_text("They answer by 5 March 2027.").wait_for()
        await walker.look("under-way")

        street.clock.at += 2 * DAY
        crowd.down.difference_update(DOWN[:2])
        await street.cycle()
        await decides(slow)
        street.clock.at += 3_600  # her wallet asks again by itself
        await joan.enters()
        await walker.go(where)
        await counts(page, accepted=12, waiting=1, misfit=1)
        street.clock.at += 13 * DAY
        await joan.enters()
        await walker.go(where)
        await counts(page, accepted=12, undelivered=1, misfit=1)
        await page.get_by_text("They may not have it, for no receipt came, and the copy in it has run out.").wait_for()
        await walker.look("over")
        await walker.go(f"{where}?lang=cy")
        await walker.look("over-welsh")
        await walker.go(f"{joan.site.base}/history?kind=addressed-copy&lang=en")
        await expect(page.locator("tbody tr")).to_have_count(14)
        await walker.go(f"{joan.site.base}/history?kind=answer")
        await expect(page.locator("tbody tr")).to_have_count(15)  # the one that was looked at answered twice, one never came
        await walker.look("answers")
        told = {one.body.entity: copy for one, copy in await copies(joan)}
        assert list(map(told_of, told.values())) == [LEARNS[REGISTERED[entity]] | SEEN for entity in told]
        assert sorted(told) == sorted(BODIES)
        share_nothing(await constants(street), list(told.values()))
        for entity in BODIES:
            holds = [set(paths(each["claims"])) for post in await post_of(street, entity) for each in credentials(post)]
            assert holds == ([] if entity == DOWN[2] else [LEARNS[REGISTERED[entity]] | SEEN]), entity


async def decides(clerk: Clerk) -> None:
    """The third day: somebody looks, and accepts it."""
    await clerk.enters()
    await clerk.walker.go(f"{clerk.desk.base}/desk/inbox")
    await clerk.walker.follow("A customer has died")
    await clerk.walker.choose("Accept it")
    await clerk.walker.press("Decide and tell the sender")
    await expect(clerk.walker.page.get_by_text("The sender got a signed receipt")).to_be_visible()


@pytest.mark.real
async def test_at_c05_4_joan_is_offered_to_tell_them_that_it_was_cancelled(made: Made, tmp_path: Path, open_page: Open) -> None:
    """All fourteen have answered with a receipt. The entry was wrong: the wallet knows who was told, offers to tell each of them so, and its
    office learns of nobody. Every one of them has seen that it counts no longer, and has something to undo.
    """
    async with joan_at_home(made, tmp_path, open_page, LAPTOP) as home:
        joan, registrar, street = home.joan, home.registrar, home.crowd.street
        walker, page = joan.walker, joan.walker.page
        await walker.go(f"{joan.site.base}/tell/new")
        await tells_all(joan, "chosen", "each-learns")
        await counts(page, accepted=14)
        held = await joan.site.host.means.storage.read(lambda tx: HISTORY.all(tx, joan.vault))
        assert sum(bool(line.value.entry.receipt) for line in held) == 14
        first = {one.body.entity: one.jti for one, _ in await copies(joan)}

        street.clock.at += DAY
        await registrar.enters()
        await registrar.changes(home.entry.document, "Cancel this document", "The entry was cancelled")
        street.clock.at += 60
        await street.cycle()
        await joan.enters()
        await upkeep(joan.site.host.means, joan.vault)
        asked = [url for url in street.asked if url.startswith(GRO)]
        await walker.go(home.card)
        await page.get_by_role("heading", name="14 organisations have heard otherwise from you").wait_for()
        await expect(page.get_by_role("button", name="Show it to someone who asks")).to_have_count(0)
        await walker.look("card")
        await walker.press("Tell them that it was cancelled")
        await page.get_by_text("14 chosen").wait_for()
        await walker.press("See what each would learn")
        await page.get_by_text("Each gets a copy of the cancelled document.").wait_for()
        await walker.look("each-learns-again")
        await walker.press("Agree and tell 14 organisations")
        await page.get_by_role("heading", name="Told that it was cancelled").wait_for()
        await counts(page, called_back=14)
        await walker.look("they-know")
        assert [url for url in street.asked if url.startswith(GRO)] == asked
        for entity in BODIES:
            called, earlier = await post_of(street, entity)
            assert (called.exchange.decision, called.exchange.code, called.letter.undo) == ("rejected", "revoked", "open"), entity
            assert (called.letter.about, earlier.exchange.decision) == (earlier.letter.mark, "accepted"), entity
        again = {one.body.entity: one.body.about for one, _ in await copies(joan) if one.word}
        assert again == first
        one_of_each = {use: entity for entity, use in REGISTERED.items()}
        assert one_of_each.keys() == UNDO.keys()
        for use, entity in one_of_each.items():
            await undoes(await at_desk(street, entity, open_page), UNDO[use])
            assert sorted(post.letter.undo for post in await post_of(street, entity)) == ["", "done"]


async def undoes(clerk: Clerk, words: str) -> None:
    """What each body wrote down for this is before whoever opens the letter."""
    await clerk.walker.go(f"{clerk.desk.base}/desk/inbox")
    await clerk.walker.enter(clerk.walker.page.get_by_role("link").filter(has_text="died").first)
    await expect(clerk.walker.page.get_by_role("heading", name="What to undo")).to_be_visible()
    await expect(clerk.walker.page.get_by_text(words)).to_be_visible()
    await clerk.walker.press("It was undone")
    await expect(clerk.walker.page.get_by_text("Undone", exact=True)).to_be_visible()


# --- what was told, and what is held -------------------------------------------------------------------------------------------------------


async def copies(joan: Holder) -> list[tuple[Sent, AddressedPresentation]]:
    """Every letter of hers with the copy that was in it, whether it arrived or not."""
    storage, vault = joan.site.host.means.storage, joan.vault
    sent = [item.value for item in await storage.read(lambda tx: SENT.all(tx, vault))]
    kept = {item.id: item.value.file for item in await storage.read(lambda tx: ADDRESSED.all(tx, vault))}
    return [(one, addressed.parse_file(kept[one.copy])) for one in sent]


async def post_of(street: Street, entity: str) -> list[Post]:
    """What lies at a desk, first what has to be done first."""
    desk = street.desks[entity].desk
    (bea,) = await desk.storage.read(everybody)
    return list(await inbox_desk.listed(desk, bea))


def credentials(post: Post) -> list[Mapping[str, Any]]:
    assert post.opened is not None
    return list(post.opened.verdict["credentials"])


def told_of(copy: AddressedPresentation) -> set[str]:
    """By name, all that a copy says."""
    form = formats()[copy.format]
    ((wire,),) = copy.vp_token.values()
    return set(paths(form.peek(form.parse(wire)).claims))


def paths(claims: Mapping[str, Any], before: str = "") -> Iterator[str]:
    for name, value in claims.items():
        if isinstance(value, Mapping):
            yield from paths(value, f"{before}{name}/")
        else:
            yield before + name


async def constants(street: Street) -> set[bytes]:
    """What the office says in everybody's copies, and what a use is called."""
    amy = await given(street, GRO, "life-event", {**STORIES["life-event"], "subject": {"given_name": "Amy", "family_name": "Penn"}})
    return decoded("dc+sd-jwt", amy.wires[0]) | {base64url.encode(b'{"alg":"ES256","typ":"kb+jwt"}').encode(), *map(str.encode, LEARNS)}


def share_nothing(constants: set[bytes], copies: list[AddressedPresentation]) -> None:
    """No two of the fourteen share a value of 16 bytes or more, but what the office says in everybody's; none says why Arthur died."""
    found = [decoded(copy.format, wire) for copy in copies for wires in copy.vp_token.values() for wire in wires]
    assert len(found) == len(FOURTEEN) == 14
    for one, other in combinations(found, 2):
        assert one & other - constants == set()
    assert not any(b"Pneumonia" in value for one in found for value in one)
