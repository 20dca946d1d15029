"""The page that checks without a network, in a real Chromium: set up, asked, answered, cold-started with the service stopped."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from support.desk import BANK, Running, Template, copy_file, serving
from support.desk_scan import WHOLE, shown
from support.scan_page import ScanPage, answer, as_code, as_loop, browser_with_camera, copy_text, video
from support.signing import AT
from support.trial_verify import CLAIMS, IDX, LIST, status_token

from shared.codec import qr
from shared.ovp.answer import code_binding
from shared.verify import CHECKS
from verifier import scan
from verifier.desk import RELYING_PARTY
from verifier.records import scan as records
from verifier.words import A_COPY

pytestmark = pytest.mark.real


async def test_shown_live(counter: ScanPage) -> None:
    challenge = await counter.ask()
    await counter.scan(as_code(answer(challenge)))
    assert await counter.result() == "You can rely on this"
    said = await counter.text()
    assert "acting for Margaret Ashdown" in said
    assert "Shown live to you" in said
    assert "Checked twice: by this desk, and by the service." in said


async def test_consumed_nonce_never_lower_level(counter: ScanPage) -> None:
    """S6: once answered, nothing that answers the same question counts for anything, in any view."""
    challenge = await counter.ask()
    first, second = answer(challenge), answer(challenge, seed="other copy")
    await counter.scan(as_code(first))
    assert await counter.result() == "You can rely on this"
    await counter.press("Next customer")
    await counter.ask()
    for again in (first, second):
        await counter.scan(as_code(again))
        await counter.note("This answers another code")
        assert await counter.page.locator("#scan").get_attribute("data-view") == "ask"
    await counter.press("Next customer")
    await counter.press("Check a copy")
    await counter.scan(as_code(first))
    await counter.note("This is an answer to a question")


async def test_service_cannot_raise_level(counter: ScanPage, local: Running) -> None:
    """S11: of two verdicts the stricter is shown, whichever judge it is by."""
    page = counter.page
    yes = {
        "decision": "accepted", "code": "", "level": {"name": "live", "number": 3}, "checked_at": AT, "status": None, "pack": None,
        "checks": [{"name": name, "state": "passed", "code": "", "detail": "", "where": "", "needed": True} for name in CHECKS], "credentials": [],
    }  # fmt: skip
    await page.route("**/desk/scan/api/judge", lambda route: route.fulfill(json={"verdict": yes}))
    challenge = await counter.ask()
    await counter.scan(as_code(answer(challenge, paths=WHOLE[:4])))
    assert await counter.result() == "Do not rely on this"
    await counter.page.get_by_text("Checked twice").first.wait_for()  # the service answers after the page
    await counter.press("Next customer")
    await counter.press("Check a copy")
    await counter.scan(copy_text("raise"))
    assert await counter.result() == A_COPY
    await counter.press("Next customer")
    no = yes | {"decision": "rejected", "code": "revoked"}
    await page.unroute("**/desk/scan/api/judge")
    await page.route("**/desk/scan/api/judge", lambda route: route.fulfill(json={"verdict": no}))
    challenge = await counter.ask()
    await counter.scan(as_code(answer(challenge)))
    assert await counter.result() == "Do not rely on this"
    assert "The service was stricter than this desk" in await counter.text()
    await page.unroute("**/desk/scan/api/judge")
    local.site.lists[LIST] = status_token({IDX: 1}, iat=AT + 60)
    local.clock.at += 120
    await local.store.refresh(local.site)
    await counter.press("Next customer")
    challenge = await counter.ask()
    await counter.scan(as_code(answer(challenge)))
    assert await counter.result() == "Do not rely on this"
    assert "The service was stricter than this desk" in await counter.text()


async def test_cold_start_with_the_service_stopped(template: Template, tmp_path: Path, chromium: Browser) -> None:
    """Both sides in airplane mode: the page starts, opens, asks, and decides, and asks nobody for anything."""
    context = await chromium.new_context(locale="en-GB")
    async with serving(template, tmp_path / "desk", local=True) as desk:
        counter = await ScanPage.open(context, desk.base, at=AT)
        await counter.sign_in()
        await counter.enrol()
        before = await counter.ask()
        await counter.page.close()
    await context.set_offline(True)
    counter = await ScanPage.open(context, desk.base, at=AT + 30)
    await counter.go()
    await counter.unlock("seven green lamps sing")
    await counter.page.get_by_text("This is not the passphrase of this desk").wait_for()
    await counter.unlock()
    await counter.view("home")
    challenge = await counter.ask()
    assert challenge.nonce != before.nonce
    await counter.scan(as_code(answer(before, seed="before the restart")))
    assert await counter.result() == "You can rely on this"
    assert "Checked by this desk alone" in await counter.text()
    await counter.press("Next customer")
    await counter.scan(as_code(answer(before, seed="again")))  # nobody listens to a scanner on the first view
    challenge = await counter.ask()
    for text in as_loop(answer(challenge, seed="loop"))[1:]:
        await counter.scan(text)
    assert await counter.result() == "You can rely on this"
    await counter.page.goto(f"{desk.base}/desk/scan/?lang=cy")
    await counter.page.get_by_role("heading", name="Agor y ddesg hon").wait_for()
    await counter.go()
    await counter.page.get_by_role("heading", name="Agor y ddesg hon").wait_for()
    await context.close()


async def test_camera_reads_a_loop(template: Template, tmp_path: Path) -> None:
    """The camera is opened anew after each question; an answer from before a restart is still taken, once."""
    film = tmp_path / "camera.mjpeg"
    video(film, ["OVM1:NOTHING"])
    async with (
        serving(template, tmp_path / "desk", local=True) as desk,
        browser_with_camera(film, "--use-fake-ui-for-media-stream") as browser,
    ):
        context = await browser.new_context(locale="en-GB")
        counter = await ScanPage.open(context, desk.base, at=AT)
        await counter.sign_in()
        await counter.enrol()
        challenge = await counter.ask()
        video(film, as_loop(answer(challenge)))
        await counter.go()
        await counter.unlock()
        await counter.page.get_by_role("button", name="Bank account").click()
        assert await counter.result() == "You can rely on this"
        await counter.press("Next customer")
        await counter.page.get_by_role("button", name="Bank account").click()
        await counter.note("This answers another code")


async def test_typed_code_and_copies(counter: ScanPage, local: Running) -> None:
    await counter.press("Make a code to type")
    await counter.page.get_by_role("button", name="Bank account").click()
    await counter.view("code")
    digits = await counter.digits()
    public = await local.desk.custodian.public(RELYING_PARTY)
    text = shown(code_binding(digits, entity=BANK, use="bank", public=public))
    await counter.scan(text)
    assert await counter.result() == "You can rely on this"
    said = await counter.text()
    assert "Shown live, could be passed on" in said
    await expect(counter.page.locator(".mu-verdict--limited")).to_have_count(1)
    await counter.press("Next customer")
    for number, bring in enumerate((counter.scan, counter.paste)):
        text = copy_text(f"copy {number}")
        for expected in (A_COPY, "Do not rely on this"):
            await counter.press("Check a copy")
            await bring(text)
            assert await counter.result() == expected
            await expect(counter.page.locator(".mu-verdict--accepted")).to_have_count(0)
            await counter.press("Next customer")
    await counter.press("Check a copy")
    await counter.choose({"name": "copy.png", "mimeType": "image/png", "buffer": qr.png(copy_text("picture"), ec="L", scale=4)})
    assert await counter.result() == A_COPY
    await counter.press("Next customer")
    await counter.press("Check a copy")
    await counter.choose({"name": "copy.json", "mimeType": "application/json", "buffer": copy_file(seed="a file")})
    assert await counter.result() == A_COPY
    await counter.press("Next customer")
    await counter.ask()
    await counter.scan(copy_text("in the wrong view"))
    await counter.note("This is a copy, not an answer to your code")


async def test_next_customer_leaves_nothing(counter: ScanPage) -> None:
    challenge = await counter.ask()
    await counter.scan(as_code(answer(challenge)))
    await counter.result()
    assert "Ashdown" in await counter.page.content()
    await counter.press("Next customer")
    await counter.view("home")
    for kept in (await counter.page.content(), await counter.storage()):
        for value in ("Ashdown", "Margaret", "ZZ99", "1938"):
            assert value not in kept
    await counter.press("What was decided here")
    await counter.view("history")
    said = await counter.text()
    assert "Bank account You can rely on this" in said
    assert "Donor’s last name" in said
    assert "Ashdown" not in said
    await counter.press("Go back")
    await counter.press("This desk")
    await counter.page.get_by_label("Keep a list of decisions").uncheck()
    await counter.press("Go back")
    await counter.press("What was decided here")
    await counter.view("history")
    await expect(counter.page.locator("main")).to_contain_text("Nothing was decided here yet")


async def test_restrictions_are_read_by_a_person(counter: ScanPage) -> None:
    limited = CLAIMS | {"has_restrictions": True, "restrictions_text": "Not to sell Poplar Court while I live."}
    for said, expected in (("Yes", "You can rely on this"), ("No", "Do not rely on this")):
        challenge = await counter.ask()
        await counter.scan(as_code(answer(challenge, claims=limited, paths=(*WHOLE, ("restrictions_text",)), seed=said)))
        assert await counter.result() == "Can’t tell yet: do this next"
        await counter.page.get_by_label(said, exact=True).check()
        await counter.press("Decide")
        await counter.page.get_by_role("heading", name=expected).wait_for()
        await counter.press("Next customer")


async def test_nothing_is_sent_but_to_the_own_service(counter: ScanPage, local: Running) -> None:
    asked = list(local.site.asked)
    counter.sent.clear()
    challenge = await counter.ask()
    await counter.scan(as_code(answer(challenge)))
    await counter.result()
    assert [address for address in counter.sent if "/static/" not in address] == [f"{counter.base}/desk/scan/api/judge"]
    assert local.site.asked == asked


async def test_ended_desk_says_so(counter: ScanPage, local: Running) -> None:
    (one,) = await local.desk.storage.read(records.everybody)
    await scan.end(local.desk, one.id)
    await counter.press("This desk")
    await counter.press("Fetch certificate and checking pack now")
    await counter.page.get_by_text("This desk was ended").wait_for()
