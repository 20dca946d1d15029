"""Domain check T-EX-1 for sheets C01 and C03: a clerk at the counter, a computer in the library and paper, with the decision of the way online.

NORA has no smartphone. What she carries is printed; what she reads is a page in a browser that remembers nothing and runs no script.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import expect
from support.browser import LAPTOP, Open
from support.house import House
from support.knowing import open_bodies
from support.neighbours import Neighbour
from support.offices import OPG
from support.registry import LPA_1
from support.scenes import (
    clerk_signs_in,
    collected,
    desk_checks_copy,
    desk_fetches_lists,
    desk_signs_in,
    nora_signs_in,
    open_in_wallet,
    sign_in,
    type_code,
)
from support.walk import Typist, Walker
from support.wallets import serve_wallet

from demo.poa import COUNCIL

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("counter-twins")]

PAPER = "A copy made out to you: its holder made it for you and for this purpose, not necessarily today."
SHEET = "It does not show who hands it over or sends it."
"""What a copy is worth, as the desk reads it and as it stands on the sheet."""


async def prints(walker: Walker, page: str, target: Path) -> Path:
    """A sheet of paper with the square code of this page, as a scanner sees it."""
    await walker.go(page)
    await walker.page.emulate_media(media="print")
    await walker.page.screenshot(path=target, full_page=True, scale="css")
    await walker.page.emulate_media(media="screen")
    return target


async def writes_copy(nora: Walker, wallet: str, *, name: str, entity: str, question: str) -> str:
    """A copy made out to a body; the address of its page. What it is worth is said on it, also where it is printed."""
    await nora.go(f"{wallet}/copies/new")
    await nora.write("Organisation", name)
    await nora.write("The organisation’s own address", entity)
    await nora.tick(nora.page.locator(f'input[value="{question}"]'))
    await nora.press("Look at it first")
    await nora.press("Make this copy")
    assert await nora.heading() == f"Copy for {name}"
    await nora.page.emulate_media(media="print")
    await expect(nora.page.get_by_text(SHEET)).to_be_visible()
    await nora.page.emulate_media(media="screen")
    return nora.page.url


async def verdict(walker: Walker) -> tuple[str, str]:
    """What the desk's page says to do, and why."""
    return await walker.heading(), await walker.page.locator("#verdict-title + p").inner_text()


async def test_t_ex_1_c01_who_is_presenting_without_a_phone(house: House, open_page: Open) -> None:
    """A clerk makes NORA's proof of identity and prints the letter and the slip; she prints a copy, and the council's desk decides about the
    sheet as about what she shows online: while it is in force, and on hold.
    """
    clerk, counter = Walker(watched=await open_page(LAPTOP)), Walker(watched=await open_page(LAPTOP))
    nora = Walker(watched=await open_page(LAPTOP, javascript=False), careful=False)
    await clerk_signs_in(clerk, house)
    letter, code, document = await makes_person(clerk, house)
    await nora_signs_in(nora, house)
    await nora.go(letter)
    await open_in_wallet(nora, house)
    await nora.press("Look at it")
    await type_code(nora, code)
    await collected(nora)
    await desk_signs_in(counter, house)
    for action, expected in (("", "You can rely on this"), ("hold", "Do not rely on this")):
        if action:
            await clerk.go(document)
            await clerk.press("Put on hold")
            await clerk.choose("The device was lost")
            await clerk.press("Put on hold")
        await desk_fetches_lists(counter, house)
        online = await shows_online(nora, counter, house.wallet, house.desk, "Who is presenting")
        page = await writes_copy(nora, house.wallet, name=COUNCIL, entity=house.council["entity"], question="person/same-person")
        await desk_checks_copy(counter, house, await prints(nora, page, house.folder / f"person{action}.png"))
        assert await verdict(counter) == online
        assert online[0] == expected
        assert PAPER in await counter.text()


async def makes_person(clerk: Walker, house: House) -> tuple[str, str, str]:
    """What the letter's square code says, the code of the slip, and the address of the document."""
    await clerk.go(f"{house.issuer}/console/")
    await clerk.follow("Make a document")
    await clerk.follow("Proof of identity")
    for name, text in {
        "given_name": "Nora",
        "family_name": "Ashdown",
        "birthdate.day": "14",
        "birthdate.month": "3",
        "birthdate.year": "1968",
    }.items():
        await clerk.fill(clerk.page.locator(f'[id="detail.{name}"]'), text)
    await clerk.choose("England and Wales")
    await clerk.press("Check the answers")
    await clerk.press("Make the document")
    document = clerk.page.url.removesuffix("/made")
    await clerk.follow("Show the invitation on screen")
    await clerk.go(f"{document}/letter")
    await clerk.page.emulate_media(media="print")
    letter, code = await clerk.code(), await clerk.page.locator(".mu-sheet--slip .mu-code__value").inner_text()
    await clerk.page.emulate_media(media="screen")
    return letter, code.strip(), document


async def shows_online(nora: Walker, counter: Walker, wallet: str, desk: str, question: str) -> tuple[str, str]:
    """The desk asks, she agrees: what the desk's page says then."""
    await counter.go(f"{desk}/desk/ask")
    await counter.choose(question)
    await counter.press("Show the square code")
    link = await counter.page.locator("#request-link").inner_text()
    await nora.go(f"{wallet}/present")
    await nora.write("Link of the request", link)
    await nora.press("Continue")
    await nora.press("Share once")
    await expect(counter.page.locator("#verdict-title")).to_be_visible()
    return await verdict(counter)


async def scans(counter: Walker, desk: str, sheet: Path) -> None:
    """What lies on the counter is checked."""
    await counter.go(f"{desk}/desk/copies")
    await counter.upload(sheet)
    await counter.press("Check it")


async def collects(nora: Walker, wallet: str, link: str, code: str) -> None:
    """With the link and the code of two sheets, typed."""
    await nora.go(f"{wallet}/receive")
    await nora.write("Link of the invitation", link)
    await nora.press("Continue")
    await type_code(nora, code)
    await collected(nora)


async def test_t_ex_1_c03_a_recorded_authority_without_a_phone(tmp_path: Path, open_page: Open) -> None:
    """Council tax accepts NORA's printed power, records it, and prints the invitation and a slip for her. Another counter decides about the
    sheet that she prints of the record as about what she shows online: while the power is in force, and on hold. The clerk goes by
    keyboard alone.
    """
    async with (
        open_bodies(tmp_path, council="Anytown Borough Council") as (street, bodies),
        serve_wallet(tmp_path / "nora", world=Neighbour(street)) as site,
    ):
        council, wallet = bodies["council"], site.base
        counter = Typist(watched=await open_page(LAPTOP))
        nora = Walker(watched=await open_page(LAPTOP, javascript=False), careful=False)
        power = await street.offices[OPG].make(claims=LPA_1)
        await nora.go(f"{wallet}/sign-in")
        await sign_in(nora, "Name of your wallet", site.made.holder, site.made.passphrase, "Open")
        await collects(nora, wallet, power["invitation_link"], power["code"])
        await counter.go(f"{council.desk.base}/desk/")
        await sign_in(counter, "Your name", "Bea Clerk", "correct-horse-battery", "Sign in")

        where = {"name": "Anytown Borough Council", "entity": council.entity}
        page = await writes_copy(nora, wallet, **where, question="representation/council-tax")
        await scans(counter, council.desk.base, await prints(nora, page, tmp_path / "power.png"))
        assert await counter.heading() == "You can rely on this"
        await collects(nora, wallet, *await gives_record(counter))
        for action, expected in (("", "You can rely on this"), ("hold", "Do not rely on this")):
            if action:
                path = f"/api/credentials/{power['id']}/{action}"
                status, told = await street.offices[OPG].call("POST", path, {"reason": "investigation"})
                assert status == 200, told
                street.clock.at += 600
                await street.cycle()
                await street.cycle()
            online = await shows_online(nora, counter, wallet, council.desk.base, "Already recorded by the same body")
            page = await writes_copy(nora, wallet, **where, question="mandate-receipt/already-recorded")
            await scans(counter, council.desk.base, await prints(nora, page, tmp_path / f"record{action}.png"))
            assert await verdict(counter) == online
            assert online[0] == expected
            assert PAPER in await counter.text()


async def gives_record(counter: Walker) -> tuple[str, str]:
    """The record that the desk's page is about; the link that its printed sheet says, and the code of the other sheet."""
    page = counter.page
    await counter.follow("Give a record of this")
    await counter.write("First names of the person who acts", "Nora")
    await counter.write("Last name of the person who acts", "Ashdown")
    await counter.press("Make it")
    await counter.look("record-given", paper=True)
    await page.emulate_media(media="print")
    for words in ("Anytown Borough Council", "type the address below into any browser", "Collect it by 31 March 2027"):
        await expect(page.get_by_text(words).first).to_be_visible()
    link, code = await counter.code(), await page.locator(".mu-sheet--slip .mu-code__value").inner_text()
    assert await page.locator(".mu-sheet code").first.inner_text() == link.partition("?")[0], "short enough to be typed"
    sheets = re.findall(rb"/Type /Page\b", await page.pdf())
    await page.emulate_media(media="screen")
    assert len(sheets) == 2, "the code is apart from the link on paper too"
    return link, code.strip()
