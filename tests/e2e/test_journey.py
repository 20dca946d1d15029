"""The main job in a real browser, through the three sites as people would: make, collect, show, decide, copy, cancel, refuse.

Once with a mouse and a close look at every page, once by keyboard alone, once without JavaScript. Then the ways on which it goes wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from playwright.async_api import expect
from support.browser import LAPTOP, Open
from support.house import STRANGER, House
from support.scenes import (
    clerk_signs_in,
    collected,
    desk_asks,
    desk_checks_copy,
    desk_fetches_lists,
    desk_signs_in,
    fill_in_document,
    nora_collects,
    nora_makes_copy,
    nora_opens_request,
    nora_signs_in,
    open_in_wallet,
    sign_in,
    type_code,
)
from support.walk import PATIENCE, Typist, Walker

from demo.poa import COUNCIL, REGISTRY

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("journey")]

SHOWN = {"Power": "Council tax", "Donor’s first names": "Margaret", "Donor’s last name": "Ashdown", "Donor’s postcode": "ZZ99 4CD"}
SECRET = ("14 March 1968", "2 November 1938", "urn:fdc:opg")


@dataclass(slots=True, kw_only=True)
class Cast:
    """Three people, each with a browser of their own."""

    clerk: Walker
    nora: Walker
    counter: Walker
    live: bool = True  # pages change by themselves


@pytest.mark.parametrize("hand", ["mouse", "keyboard", "no-javascript"])
async def test_the_main_job(house: House, open_page: Open, hand: str) -> None:
    kind = Typist if hand == "keyboard" else Walker
    people = [
        kind(watched=await open_page(LAPTOP, javascript=hand != "no-javascript"), careful=hand == "mouse")
        for _ in ("clerk", "nora", "counter")
    ]
    cast = Cast(clerk=people[0], nora=people[1], counter=people[2], live=hand != "no-javascript")
    invitation, document = await make(cast, house)
    await collect(cast, house, invitation, document)
    await show(cast, house)
    await look_back(cast.nora, house)
    await copy(cast, house)
    await cancel(cast, house, document)


async def make(cast: Cast, house: House) -> tuple[str, str]:
    """The clerk makes LPA-1, once with mistakes; the link of the invitation and the address of the document."""
    clerk, page = cast.clerk, cast.clerk.page
    await clerk_signs_in(clerk, house)
    await clerk.look("start")
    await clerk.follow("Make a document")
    await clerk.look("choose")
    await clerk.follow("Power of attorney")
    await clerk.look("form")
    await clerk.fill(page.locator('[id="detail.represented.birthdate.day"]'), "31")
    await clerk.fill(page.locator('[id="detail.represented.birthdate.month"]'), "2")
    await clerk.fill(page.locator('[id="detail.represented.birthdate.year"]'), "1938")
    await clerk.press("Check the answers")
    await expect(page.get_by_text("There is a problem")).to_be_visible()
    await clerk.look("form with mistakes")
    links = page.locator(".govuk-error-summary a")
    targets = [await link.get_attribute("href") for link in await links.all()]
    assert "#detail.represented.birthdate.day" in targets
    assert len(targets) >= 8
    for target in targets:
        assert target is not None
        assert await page.locator(f'[id="{target[1:]}"]').count() == 1, target
        assert await page.locator(f'.govuk-form-group--error [id="{target[1:]}"]').count() == 1, target
    if cast.live:
        await links.first.click()
        assert await page.evaluate("document.activeElement.id") == (targets[0] or "")[1:]
        await clerk.go(page.url)
    await fill_in_document(clerk)
    await clerk.press("Check the answers")
    assert await clerk.heading() == "Check the answers"
    assert await clerk.row("Donor’s date of birth") == "2 November 1938"
    assert await clerk.row("Attorney’s first names") == "Nora"
    await clerk.look("answers")
    await clerk.press("Make the document")
    assert await clerk.heading() == "Document made"
    await clerk.look("made")
    document = page.url.removesuffix("/made")
    await clerk.follow("Show the invitation on screen")
    return await page.locator("#invitation-link").inner_text(), document


async def collect(cast: Cast, house: House, invitation: str, document: str) -> None:
    """The invitation on screen, its code apart, the letter; then Nora's way from the link to the card."""
    clerk, nora = cast.clerk, cast.nora
    await clerk.look("invitation")
    assert await clerk.code() == invitation
    beside = await clerk.text()
    await clerk.go(f"{document}/letter")
    await clerk.look("letter")
    await clerk.go(f"{document}/code")
    await clerk.look("code")
    code = (await clerk.page.locator(".mu-code__value").inner_text()).strip()
    assert code not in beside
    await clerk.go(f"{document}/invitation")

    await nora.go(invitation)
    assert await nora.heading() == "You have been invited to collect a document"
    assert REGISTRY in await nora.text()
    assert "Margaret" not in await nora.text()
    await nora.look("offer")
    await open_in_wallet(nora, house)
    assert await nora.heading() == "Open my wallet"
    await nora.look("sign in")
    await sign_in(nora, "Name of your wallet", house.nora["holder"], house.nora["passphrase"], "Open")
    assert await nora.heading() == "An invitation for you"
    await nora.look("an invitation for you")
    await nora.press("Look at it")
    assert await nora.heading() == f"Invitation from {REGISTRY}"
    await nora.look("invitation")
    await type_code(nora, code)
    await collected(nora)
    await nora.look("collected")
    assert await nora.row("Copies left") == "20 more uses Each copy goes to one organisation and to no one else.".replace(" Each", "\nEach")
    await nora.go(house.wallet)
    assert "Margaret Ashdown" in await nora.text()
    await nora.look("my documents")
    if not cast.live:
        await clerk.follow("Look again")
        assert clerk.page.url == document, "the invitation is used up: its page leads to the document"
        assert "Collected" in await clerk.text()
    else:
        await expect(clerk.page.get_by_role("status")).to_contain_text("Collected", timeout=PATIENCE)


async def show(cast: Cast, house: House) -> None:
    """The counter asks, Nora sees what for and what not, agrees once, and the counter's page says what came of it."""
    counter, nora = cast.counter, cast.nora
    await desk_signs_in(counter, house)
    await counter.look("start")
    await desk_fetches_lists(counter, house)
    await counter.look("trust")
    link = await desk_asks(counter, house)
    await counter.look("waiting")
    assert await counter.code() == link

    await nora.go(link)
    assert await nora.heading() == f"{COUNCIL} asks to see a document"
    await nora.look("request")
    await open_in_wallet(nora, house)
    assert await nora.heading() == "A request to you"
    await nora.look("a request to you")
    await nora.press("Look at it")
    await consent(nora, house)
    await nora.press("Share once")
    assert await nora.heading() == "Shared once"
    assert await nora.row("What they decided") == "They can rely on this"
    await nora.look("shared")

    if not cast.live:
        await counter.follow("Look again")
    await expect(counter.page.get_by_role("heading", name="You can rely on this")).to_be_visible(timeout=PATIENCE)
    for label, value in SHOWN.items():
        assert await counter.row(label) == value
    verdict = await counter.text()
    assert "acting for Margaret Ashdown" in verdict
    assert "Nora" not in verdict
    assert not [secret for secret in SECRET if secret in verdict]
    assert await counter.page.locator(".mu-check--passed").count() == 10
    await counter.look("verdict")


async def consent(nora: Walker, house: House) -> None:
    """Who asks, why, what they see and what not; what is optional stays off."""
    page = nora.page
    assert await nora.heading() == f"{COUNCIL} asks to see details of a document"
    said = await nora.text()
    assert f"We checked who this is: {house.council['entity']}" in said
    assert "Record that you may deal with this person’s council tax" in said
    assert "You are acting for Margaret Ashdown" in said
    for label, value in SHOWN.items():
        assert await nora.row(label) == value
    seen, _, unseen = said.partition("They will not see")
    for label in ("Attorney’s first names", "Attorney’s date of birth", "Register entry", "Power: Benefits and pensions"):
        assert label in unseen
        assert label not in seen
    assert "14 March 1968" not in said
    optional = page.get_by_role("checkbox", name="Donor’s date of birth")
    assert not await optional.is_checked()
    await nora.look("consent")


async def look_back(nora: Walker, house: House) -> None:
    """The history says who saw what, and holds the receipt."""
    await nora.go(f"{house.wallet}/history")
    await nora.look("history")
    await nora.enter(nora.page.locator("table a", has_text=COUNCIL).first)
    assert await nora.heading() == COUNCIL
    said = await nora.text()
    assert "Their receipt, signed by them" in said
    assert "They can rely on this" in said
    assert "Margaret" not in said, "the history holds what was shown, not what it said"
    await nora.look("history line")


async def copy(cast: Cast, house: House) -> None:
    """A copy made out to the council, brought as a file; another as a picture; each good once."""
    nora, counter = cast.nora, cast.counter
    first = await nora_makes_copy(nora, house)
    await nora.look("copy")
    await nora.page.emulate_media(media="print")
    assert await nora.page.locator(".mu-qr__picture").is_visible()
    assert not await nora.page.get_by_role("link", name="Save the square code as a picture").is_visible()
    await nora.page.emulate_media(media="screen")
    first_file = first.file.rename(house.folder / "first.json")
    await desk_checks_copy(counter, house, first_file)
    assert await counter.heading() == "You can rely on this"
    assert "A copy made out to you" in await counter.text()
    await counter.look("verdict on a copy")
    await desk_checks_copy(counter, house, first.picture)
    assert await counter.heading() == "Do not rely on this"
    await counter.look("verdict on a copy that was brought before")
    second = await nora_makes_copy(nora, house)
    await desk_checks_copy(counter, house, second.picture)
    assert await counter.heading() == "You can rely on this"


async def cancel(cast: Cast, house: House, document: str) -> None:
    """The clerk cancels, with a reason and after being asked; the counter's next check refuses, and says why."""
    clerk, nora, counter = cast.clerk, cast.nora, cast.counter
    await clerk.go(document)
    await clerk.look("document")
    await clerk.press("Cancel this document")
    assert await clerk.heading() == "Do you want to cancel this document?"
    await clerk.look("cancel")
    await clerk.choose("The donor has ended it")
    await clerk.press("Cancel this document")
    assert "Reason: The donor has ended it" in await clerk.text()
    await clerk.look("cancelled")
    await desk_fetches_lists(counter, house)
    link = await desk_asks(counter, house)
    await nora_opens_request(nora, house, link)
    await nora.press("Share once")
    assert await nora.heading() == "They did not take it"
    assert "They said: “The issuer has cancelled this document”" in await nora.text()
    assert await nora.row("What they decided") == "They do not rely on this"
    await nora.look("not taken")
    if not cast.live:
        await counter.follow("Look again")
    await expect(counter.page.get_by_role("heading", name="Do not rely on this")).to_be_visible(timeout=PATIENCE)
    assert "cancelled" in (await counter.page.locator("#verdict-title + p").inner_text()).lower()
    await counter.look("refused")


# --- the ways on which it goes wrong


@pytest.fixture
async def nora(house: House, open_page: Open) -> Walker:
    """Nora, signed in, with one document in her wallet."""
    walker = Walker(watched=await open_page(LAPTOP))
    await nora_signs_in(walker, house)
    if not await walker.page.get_by_role("link", name="Power of attorney").count():
        await nora_collects(walker, house, await house.invite())
    return walker


async def test_dont_share_tells_only_that(house: House, nora: Walker, open_page: Open) -> None:
    counter = Walker(watched=await open_page(LAPTOP))
    await desk_signs_in(counter, house)
    await nora_opens_request(nora, house, await desk_asks(counter, house))
    await nora.press("Don’t share")
    assert await nora.heading() == "Nothing was shared"
    assert f"{COUNCIL} hears that it is not available." in await nora.text()
    await nora.look("not shared")
    await expect(counter.page.get_by_role("status")).to_contain_text("don’t share", timeout=PATIENCE)
    assert "Margaret" not in await counter.text()
    await counter.look("not shown")


async def test_a_wrong_code_collects_nothing_and_the_right_one_still_does(house: House, nora: Walker) -> None:
    made = await house.invite()
    await nora.go(f"{house.wallet}/receive")
    await nora.write("Link of the invitation", made["invitation_link"])
    await nora.press("Continue")
    await nora.press("Collect the document")
    assert "Enter the collection code" in await nora.page.locator(".govuk-error-summary").inner_text()
    await type_code(nora, "00000000" if made["code"] != "00000000" else "11111111")
    link = nora.page.locator(".govuk-error-summary a")
    assert "This code is not right" in await link.inner_text()
    await nora.look("wrong code")
    await link.click()
    assert await nora.page.evaluate("document.activeElement.id") == "code"
    await type_code(nora, made["code"])
    await collected(nora)


@pytest.mark.parametrize("name", ["the right name", "Nobody At All"])
async def test_a_wrong_passphrase_opens_nothing_and_says_the_same_for_every_name(house: House, open_page: Open, name: str) -> None:
    walker, right = Walker(watched=await open_page(LAPTOP)), name == "the right name"
    doors = (
        (f"{house.issuer}/console/sign-in", "Your name", house.registry["operator"], "Sign in", "Name and passphrase do not match"),
        (f"{house.wallet}/sign-in", "Name of your wallet", house.nora["holder"], "Open", "Name and passphrase do not open a wallet here"),
        (f"{house.desk}/desk/sign-in", "Your name", house.council["operator"], "Sign in", "Name and passphrase do not match"),
    )
    for address, label, known, button, words in doors:
        await walker.go(address)
        await sign_in(walker, label, known if right else name, "not the passphrase at all", button)
        assert words in await walker.page.locator(".govuk-error-summary").inner_text()
        assert await walker.page.get_by_role("textbox", name="Passphrase", exact=True).input_value() == ""
        await walker.look("wrong passphrase")


async def test_a_stranger_is_not_called_by_the_name_that_it_gives_itself(house: House, nora: Walker) -> None:
    await nora_opens_request(nora, house, (await house.ask(stranger=True))["link"])
    assert await nora.heading() == "Somebody asks to see details of a document"
    said = await nora.text()
    assert "We could not check who this is" in said
    assert f"It calls itself “{STRANGER}”, but anybody can say that" in said
    assert "We checked who this is" not in said
    buttons = [" ".join(text.split()) for text in await nora.page.locator("main form button").all_inner_texts()]
    assert buttons == ["Don’t share", "Share once, although we could not check who this is"]
    await nora.look("stranger")
    await nora.press("Don’t share")
    assert await nora.heading() == "Nothing was shared"


async def test_links_that_are_over_or_wrong_say_what_to_do(house: House, nora: Walker) -> None:
    made = await house.invite()
    await nora_collects(nora, house, made)
    request = await house.ask()
    await nora_opens_request(nora, house, request["link"])
    await nora.press("Share once")
    assert await nora.heading() == "Shared once"
    for address, status, words in (
        (made["invitation_link"], 404, "The link may have been used already, or be too old."),
        (f"{house.issuer}/offer/nowhere", 404, "The link may have been used already, or be too old."),
        (request["link"], 200, "This request is over"),
        (f"{house.desk}/request/nowhere", 404, "The link may have been used already, or be too old."),
        (f"{house.wallet}/cards/nowhere", 404, "The link may have been used already, or be too old."),
    ):
        await nora.go(address, status=status)
        assert words in await nora.text(), address
        await nora.look("over")
    for page, label, link, words in (
        ("receive", "Link of the invitation", made["invitation_link"], "Document collected"),  # their own: the card, not a second one
        ("receive", "Link of the invitation", request["link"], "This is not the link of an invitation"),
        ("receive", "Link of the invitation", "a letter, typed in", "This is not the link of an invitation"),
        ("present", "Link of the request", made["invitation_link"], "This is not the link of a request"),
        ("present", "Link of the request", (await house.ask())["link"].replace("request%2F", "request%2Fno"), "ask for a new one"),
    ):
        await nora.go(f"{house.wallet}/{page}")
        await nora.write(label, link)
        await nora.press("Continue")
        assert words in await nora.text(), link
        await nora.look("wrong link")
