"""Every page and every state of the three sites, looked at: 1280 and 320 pixels, dark, printed, and in Welsh. ``make screens``.

The pictures lie in ``.screens/``. Each page is also checked: axe, console, content security policy, width, heading, title, language.
"""

from __future__ import annotations

import pytest
from playwright.async_api import expect
from support.browser import LAPTOP, Open
from support.documents import document
from support.house import House
from support.scenes import (
    clerk_signs_in,
    desk_asks,
    desk_checks_copy,
    desk_fetches_lists,
    desk_signs_in,
    fill_in_document,
    nora_collects,
    nora_makes_copy,
    nora_opens_request,
    nora_signs_in,
    sign_in,
    type_code,
)
from support.walk import Walker

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("screens")]


@pytest.fixture
async def walker(open_page: Open) -> Walker:
    return Walker(watched=await open_page(LAPTOP))


async def test_registry(house: House, walker: Walker) -> None:
    page, base = walker.page, house.issuer
    await walker.go(f"{base}/console/")
    await walker.look("sign-in", dark=True)
    await sign_in(walker, "Your name", "admin", "not the passphrase", "Sign in")
    await walker.look("sign-in-wrong")
    await clerk_signs_in(walker, house)
    await walker.look("start", dark=True)
    await walker.go(f"{base}/console/documents")
    await walker.look("documents-none")
    await walker.go(f"{base}/console/make")
    await walker.look("choose")
    await walker.follow("Power of attorney")
    await walker.look("form", dark=True)
    await walker.press("Check the answers")
    await walker.look("form-mistakes", dark=True)
    await fill_in_document(walker)
    await walker.press("Check the answers")
    await walker.look("answers")
    await walker.press("Make the document")
    await walker.look("made", dark=True)
    document = page.url.removesuffix("/made")
    await walker.follow("Show the invitation on screen")
    await walker.look("invitation", dark=True)
    link = await page.locator("#invitation-link").inner_text()
    await walker.go(f"{document}/code")
    await walker.look("code", dark=True)
    await walker.go(f"{document}/letter")
    await walker.look("letter", paper=True)
    await walker.go(link)
    await walker.look("offer", dark=True)
    await page.get_by_label("Open in my wallet").fill("my wallet")
    await walker.press("Use this wallet")
    await walker.look("offer-wrong-wallet")
    await page.get_by_label("Open in my wallet").fill(house.wallet.removeprefix("http://"))
    await walker.press("Use this wallet")
    await walker.look("offer-wallet-known")
    await walker.go(f"{base}/offer/nowhere", status=404)
    await walker.look("offer-unknown")
    await walker.go(f"{base}/console/documents?reference=M-7890-0400-4000")
    await walker.look("documents-found")
    await walker.go(f"{base}/console/documents?reference=M-1")
    await walker.look("documents-not-found")
    await walker.go(document)
    await walker.look("document", dark=True)
    await walker.go(f"{document}/hold")
    await walker.look("hold")
    await page.get_by_label("Under investigation").check()
    await walker.press("Put on hold")
    await walker.look("document-on-hold")
    await walker.go(f"{document}/invite")
    await walker.look("new-invitation")
    await walker.go(f"{document}/cancel")
    await walker.look("cancel")
    await walker.press("Cancel this document")
    await walker.look("cancel-without-reason")
    await page.get_by_label("The donor has died").check()
    await walker.press("Cancel this document")
    await walker.look("document-cancelled")
    await walker.go(link, status=404)
    await walker.look("offer-of-cancelled")
    await house.invite()
    await walker.go(f"{base}/console/documents")
    await walker.look("documents", dark=True)
    await walker.go(f"{base}/console/many")
    await walker.look("many")
    await walker.press("See what this would do")
    await walker.look("many-mistakes")
    await page.get_by_label("Put on hold").check()
    await page.get_by_label("Why?").select_option("Under investigation")
    await page.get_by_label("Your own references").fill("M-7890-0400-4000\nM-1\nM-2")
    await walker.press("See what this would do")
    await walker.look("many-preview")
    await walker.go(f"{base}/console/settings")
    await walker.look("settings", dark=True)
    await page.get_by_text("Add somebody").click()
    await page.get_by_label("Name", exact=True).fill("Iris Clerk")
    await page.get_by_label("Clerk").check()
    await walker.look("settings-add")
    await walker.press("Add")
    await walker.look("settings-added")
    await walker.go(f"{base}/console/passphrase")
    await walker.look("passphrase")
    await walker.press("Change it")
    await walker.look("passphrase-mistakes")
    await walker.go(f"{base}/console/nowhere", status=404)
    await walker.look("nowhere", dark=True)
    await walker.go(f"{base}/api/docs")
    await walker.look("programs")
    await walker.go(f"{base}/errors")
    await walker.look("errors")


async def test_wallet(house: House, walker: Walker) -> None:
    page, base = walker.page, house.wallet
    await walker.go(base)
    await walker.look("welcome", dark=True)
    await walker.go(f"{base}/sign-in")
    await walker.look("sign-in")
    await sign_in(walker, "Name of your wallet", "Nora Ashdown", "not the passphrase", "Open")
    await walker.look("sign-in-wrong")
    await walker.go(f"{base}/forgotten")
    await walker.look("forgotten")
    await walker.go(f"{base}/recover")
    await walker.look("recover")
    await walker.press("Open with the new passphrase")
    await walker.look("recover-mistakes")
    made = await house.invite()
    await nora_signs_in(walker, house)
    await walker.look("documents-none")
    for path in ("history", "copies", "copies/new"):
        await walker.go(f"{base}/{path}")
        await walker.look(f"{path.replace('/', '-')}-none")
    await walker.go(f"{base}/receive")
    await walker.look("receive")
    await page.get_by_label("Link of the invitation").fill("not a link")
    await walker.press("Continue")
    await walker.look("receive-mistake")
    await walker.go(f"{base}/offer?credential_offer_uri={house.issuer}/credential-offer/x")
    await walker.look("opened-invitation")
    await walker.go(f"{base}/receive")
    await page.get_by_label("Link of the invitation").fill(made["invitation_link"])
    await walker.press("Continue")
    await walker.look("invitation", dark=True)
    await type_code(walker, "0000")
    await walker.look("invitation-wrong-code")
    await type_code(walker, made["code"])
    await expect(page.get_by_role("heading", name="Document collected")).to_be_visible(timeout=20_000)
    await walker.look("collected", dark=True)
    card = page.url.partition("?")[0]
    await walker.go(base)
    await walker.look("documents", dark=True)
    await walker.go(card)
    await walker.look("card")
    await walker.go(f"{card}/renew")
    await walker.look("renew")
    await walker.go(f"{card}/remove")
    await walker.look("remove")
    await walker.go(f"{base}/present")
    await walker.look("present")
    await page.get_by_label("Link of the request").fill("https://nowhere.example/")
    await walker.press("Continue")
    await walker.look("present-mistake")
    request = await house.ask()
    await walker.go(f"{base}/authorize?{request['link'].partition('?')[2]}")
    await walker.look("opened-request")
    await walker.press("Look at it")
    await walker.look("consent", dark=True)
    await walker.press("Share once")
    await walker.look("shared", dark=True)
    await nora_opens_request(walker, house, (await house.ask())["link"])
    await walker.press("Don’t share")
    await walker.look("not-shared")
    await nora_opens_request(walker, house, (await house.ask(stranger=True))["link"])
    await walker.look("consent-stranger", dark=True)
    await walker.go(f"{base}/copies/new")
    await walker.look("copy-form")
    await walker.press("Look at it first")
    await walker.look("copy-form-mistakes")
    await page.get_by_label("Organisation", exact=True).fill("Northwold Bank")
    await page.get_by_label("The organisation’s own address").fill("https://northwold-bank.example")
    await page.locator('input[name="question"]').first.check()
    await walker.press("Look at it first")
    await walker.look("copy-look")
    await walker.press("Make this copy")
    await walker.look("copy", dark=True, paper=True)
    await walker.go(f"{base}/copies")
    await walker.look("copies")
    await walker.go(f"{base}/history")
    await walker.look("history", dark=True)
    await walker.go(f"{base}/history?q=nobody")
    await walker.look("history-not-found")
    await walker.go(f"{base}/history")
    await page.locator("table a", has_text="Anytown").last.click()
    await walker.look("history-line")
    await walker.go(f"{base}/settings")
    await walker.look("settings")
    await walker.go(f"{base}/move")
    await walker.look("move")
    await walker.press("Show the code")
    await walker.look("move-code")
    await walker.press("Stop")
    await walker.look("move-stopped")
    await walker.go(f"{base}/settings/remove")
    await walker.look("remove-wallet")
    await walker.go(f"{base}/nowhere", status=404)
    await walker.look("nowhere")


async def test_desk(house: House, walker: Walker, open_page: Open) -> None:
    page, base = walker.page, house.desk
    nora = Walker(watched=await open_page(LAPTOP))
    made = await house.invite()
    await nora_signs_in(nora, house)
    await nora_collects(nora, house, made)
    await walker.go(f"{base}/desk/")
    await walker.look("sign-in", dark=True)
    await sign_in(walker, "Your name", "admin", "not the passphrase", "Sign in")
    await walker.look("sign-in-wrong")
    await desk_signs_in(walker, house)
    await walker.look("start", dark=True)
    for path in ("requests", "decisions", "copies"):
        await walker.go(f"{base}/desk/{path}")
        await walker.look(f"{path}-none")
    await walker.press("Check it")
    await walker.look("copies-mistake")
    await walker.go(f"{base}/desk/ask")
    await walker.look("ask", dark=True)
    await walker.press("Show the square code")
    await walker.look("ask-mistake")
    await page.get_by_label("Council tax", exact=True).check()
    await walker.press("Show the square code")
    await walker.look("waiting", dark=True)
    waiting, link = page.url, await page.locator("#request-link").inner_text()
    await walker.go(link)
    await walker.look("request", dark=True)
    await page.get_by_label("Open in my wallet").fill("my wallet")
    await walker.press("Use this wallet")
    await walker.look("request-wrong-wallet")
    await page.get_by_label("Open in my wallet").fill(house.wallet.removeprefix("http://"))
    await walker.press("Use this wallet")
    await walker.look("request-wallet-known")
    await nora_opens_request(nora, house, link)
    await nora.press("Share once")
    await walker.go(waiting)
    if await walker.page.get_by_role("button", name="Fetch the lists and check again").is_visible():
        await walker.look("verdict-undecided", dark=True)
        await walker.press("Fetch the lists and check again")
    await walker.look("verdict-accepted", dark=True, paper=True)
    await walker.go(link)
    await walker.look("request-over")
    await walker.go(f"{base}/request/nowhere", status=404)
    await walker.look("request-unknown")
    copy = await nora_makes_copy(nora, house)
    await desk_checks_copy(walker, house, copy.file)
    await walker.look("verdict-copy", dark=True)
    await walker.follow("Print the receipt")
    await walker.look("receipt", dark=True, paper=True)
    await walker.go(f"{base}/desk/copies")
    await page.get_by_label("Or paste the text").fill("a letter that is no copy")
    await walker.press("Check it")
    await walker.look("verdict-rejected", dark=True)
    await walker.go(f"{base}/desk/requests")
    await walker.look("requests")
    await walker.go(f"{base}/desk/")
    await walker.look("start-later")
    await walker.go(f"{base}/desk/decisions")
    await walker.look("decisions", dark=True)
    await walker.go(f"{base}/desk/trust")
    await walker.look("trust", dark=True)
    await walker.go(f"{base}/desk/passphrase")
    await walker.look("passphrase")
    await walker.go(f"{base}/limits")
    await walker.look("limits")
    await walker.go(f"{base}/api/docs")
    await walker.look("programs")
    await walker.go(f"{base}/desk/nowhere", status=404)
    await walker.look("nowhere")


async def test_welsh(house: House, open_page: Open) -> None:
    """The pages of all three sites once more in Welsh, after what happens on them has happened in English."""
    clerk, nora, counter, stranger = [Walker(watched=await open_page(LAPTOP)) for _ in range(4)]
    await clerk_signs_in(clerk, house)
    await nora_signs_in(nora, house)
    await desk_signs_in(counter, house)
    await desk_fetches_lists(counter, house)
    made = await house.invite()
    card = await nora_collects(nora, house, made)
    link = await desk_asks(counter, house)
    await nora_opens_request(nora, house, link)
    request = nora.page.url
    await nora.press("Share once")
    verdict, shared = counter.page.url, nora.page.url
    assert request == shared
    copy = await nora_makes_copy(nora, house)
    waiting = await house.invite()
    await nora.go(f"{house.wallet}/receive")
    await nora.write("Link of the invitation", waiting["invitation_link"])
    await nora.press("Continue")
    invitation = nora.page.url
    await desk_asks(counter, house)
    asking = counter.page.url
    await nora_opens_request(nora, house, (await house.ask())["link"])
    consent = nora.page.url
    document, other = f"{house.issuer}/console/documents/{made['id']}", f"{house.issuer}/console/documents/{waiting['id']}"
    for person, prefix, pages in (
        (clerk, "registry", (f"{house.issuer}/console/", f"{house.issuer}/console/make/representation", f"{house.issuer}/console/documents",
                             document, f"{document}/cancel", f"{document}/lost", f"{other}/invitation", f"{other}/letter", f"{house.issuer}/console/settings",
                             waiting["invitation_link"])),
        (nora, "wallet", (house.wallet, card, f"{house.wallet}/receive", f"{house.wallet}/present", consent, shared, copy.page,
                          f"{house.wallet}/copies/new", f"{house.wallet}/history", f"{house.wallet}/settings", invitation,
                          f"{card}/renew", f"{card}/remove", f"{house.wallet}/copies", f"{house.wallet}/history/1", f"{house.wallet}/settings/remove",
                          f"{house.wallet}/move")),
        (stranger, "wallet-closed", (house.wallet, *(f"{house.wallet}/{page}" for page in ("sign-in", "forgotten", "recover", "move/new")))),
        (counter, "desk", (f"{house.desk}/desk/", f"{house.desk}/desk/ask", asking, verdict, f"{house.desk}/desk/copies",
                           f"{house.desk}/desk/trust", f"{house.desk}/desk/decisions", f"{house.desk}/limits")),
    ):  # fmt: skip
        await person.go(f"{pages[0]}?lang=cy")
        for place, address in enumerate(pages):
            await person.go(address)
            assert await person.page.locator("html").get_attribute("lang") == "cy"
            await person.look(f"{prefix}-{place}")


async def test_a_death(house: House, walker: Walker) -> None:
    """A kind of document with dates that are known in part: the clerk's form and the holder's card."""
    page, event = (
        walker.page,
        document("life-event", death_date={"value": "2027-02", "description": "On or about"}, registered_at="2027-03-05"),
    )
    await clerk_signs_in(walker, house)
    await walker.go(f"{house.issuer}/console/make")
    await walker.look("choose")
    await walker.go(f"{house.issuer}/console/make/life-event")
    await walker.look("form")
    await walker.press("Check the answers")
    await walker.look("form-mistakes")
    body = {"type": "life-event", "claims": event}
    made = await house.call(
        "POST", f"{house.issuer}/api/credentials", key=house.registry["api_key"], headers={"Idempotency-Key": "death"}, body=body
    )
    await walker.go(f"{house.issuer}/console/documents/{made['id']}")
    await walker.look("document")
    await nora_signs_in(walker, house)
    card = await nora_collects(walker, house, made)
    await walker.go(card)
    await expect(page.get_by_role("heading", name="Arthur Penhale")).to_be_visible()
    await expect(page.get_by_text("February 2027")).to_be_visible()
    await walker.look("card")
    await walker.go(f"{house.wallet}/")
    await walker.look("home")
