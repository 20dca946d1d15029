"""Every view of the checking page, looked at: at two sizes, in the dark, in Welsh, by keyboard alone, and its camera on trial."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from playwright.async_api import Browser
from support.desk import BANK, Running, Template, serving
from support.desk_scan import WHOLE, shown
from support.scan_page import ScanPage, answer, as_code, as_loop, browser_with_camera, copy_text, trial_loop, video
from support.signing import AT
from support.trial_verify import CLAIMS, DAY
from support.walk import Typist

from shared.ovp.answer import code_binding
from verifier.desk import RELYING_PARTY

pytestmark = pytest.mark.real


async def test_every_view_is_looked_at(local: Running, chromium: Browser) -> None:
    context = await chromium.new_context(locale="en-GB")
    counter = await ScanPage.open(context, local.base, at=AT)
    page = counter.page
    await counter.go()
    await counter.view("signin")
    await counter.look("sign-in")
    await counter.sign_in()
    await counter.look("enrol")
    await counter.press("Set up this desk")
    await page.get_by_text("Enter a name for this desk").wait_for()
    await counter.look("enrol-wrong")
    await counter.enrol()
    await counter.look("home", dark=True)
    challenge = await counter.ask()
    await page.get_by_text("What they are asked for").click()
    await counter.look("ask", dark=True)
    loop = as_loop(answer(challenge))
    await counter.scan(loop[0])
    await page.get_by_text("1 of ").first.wait_for()
    await counter.look("progress")
    await counter.scan("OVM1:JUNK")
    await counter.note("This code is something else")
    await counter.look("other-code")
    for text in loop[1:]:
        await counter.scan(text)
    assert await counter.result() == "You can rely on this"
    await counter.look("level-3", dark=True)
    await counter.press("Next customer")
    await counter.press("Make a code to type")
    await counter.look("typed")
    await page.get_by_role("button", name="Bank account").click()
    await counter.view("code")
    await counter.look("code")
    public = await local.desk.custodian.public(RELYING_PARTY)
    await counter.scan(shown(code_binding(await counter.digits(), entity=BANK, use="bank", public=public)))
    await counter.result()
    await counter.look("level-2")
    await counter.press("Next customer")
    await counter.press("Check a copy")
    await counter.look("copy")
    text = copy_text("looked at")
    await counter.scan(text)
    await counter.result()
    await counter.look("level-1", dark=True)
    await counter.press("Next customer")
    await counter.press("Check a copy")
    await counter.scan(text)
    assert await counter.result() == "Do not rely on this"
    await counter.look("replayed", dark=True)
    await counter.press("Next customer")
    limited = CLAIMS | {"has_restrictions": True, "restrictions_text": "Not to sell Poplar Court while I live."}
    challenge = await counter.ask()
    await counter.scan(as_code(answer(challenge, claims=limited, paths=(*WHOLE, ("restrictions_text",)))))
    await counter.result()
    await counter.look("to-read")
    await counter.press("Next customer")
    await counter.press("What was decided here")
    await counter.view("history")
    await counter.look("history")
    await counter.press("Go back")
    await counter.press("This desk")
    await counter.view("settings")
    await counter.look("this-desk")
    await counter.press("Go back")
    await counter.press("What a check cannot tell")
    await counter.look("limits")
    await counter.press("Go back")
    await page.goto(f"{local.base}/desk/scan/desks")
    await counter.look("desks")
    await counter.go()
    await counter.view("locked")
    await counter.look("locked")
    await page.goto(f"{local.base}/desk/scan/?lang=cy")
    await counter.view("locked")
    await counter.look("locked-welsh")
    await page.locator("#scan-passphrase").fill("eight green lamps sing")
    await page.keyboard.press("Enter")
    await counter.view("home")
    await counter.look("home-welsh")
    await page.get_by_role("button", name="Cyfrif banc").click()
    await counter.view("ask")
    await counter.scan(as_code(answer(await counter.challenge(), seed="cy")))
    assert await counter.result() == "Gallwch ddibynnu ar hyn"
    await counter.look("level-3-welsh")
    await counter.at(AT + 8 * DAY)
    await context.set_offline(True)
    await counter.go()
    await page.locator("#scan-passphrase").fill("eight green lamps sing")
    await page.keyboard.press("Enter")
    await counter.view("home")
    await page.locator(".govuk-warning-text").first.wait_for()
    await counter.look("stale")
    await context.close()


async def test_by_keyboard_alone(counter: ScanPage) -> None:
    """Tab and Enter lead through a whole round; the heading of each view gets the focus, so that it is read out."""
    page = counter.page
    keys = Typist(watched=counter.watched)
    await keys.hit(page.get_by_role("button", name="Bank account"))
    await counter.view("ask")
    assert await page.evaluate("document.activeElement.tagName") == "H1"
    await keys.hit(page.locator("details").filter(has_text="Paste the text instead").locator("summary"))
    await keys.fill(page.locator("[data-part=paste]"), as_code(answer(await counter.challenge())))
    await keys.hit(page.get_by_role("button", name="Check this text"))
    assert await counter.result() == "You can rely on this"
    assert await page.evaluate("document.activeElement.tagName") == "H1"
    await keys.hit(page.get_by_role("button", name="Next customer").first)
    await counter.view("home")
    await keys.hit(page.get_by_role("button", name="This desk"))
    await counter.view("settings")


async def test_camera_on_trial(template: Template, tmp_path: Path) -> None:
    film = tmp_path / "camera.mjpeg"
    trial = trial_loop()
    video(film, trial)
    async with (
        serving(template, tmp_path / "desk", local=True) as desk,
        browser_with_camera(film, "--use-fake-ui-for-media-stream") as browser,
    ):
        context = await browser.new_context(locale="en-GB")
        counter = await ScanPage.open(context, desk.base, at=AT)
        await counter.sign_in()
        await counter.enrol()
        await counter.press("Try your camera")
        figures = counter.page.locator("[data-part=figures]")
        await figures.wait_for()
        await counter.look("trial")
        await counter.page.get_by_label("Which device is this?").fill("Simulated, 25 cm")
        await counter.press("Keep these figures")
        await counter.page.get_by_text("1 kept on this device").wait_for()
        async with counter.page.expect_download() as saving:
            await counter.press("Save all figures as a file")
        path = await (await saving.value).path()
        saved = json.loads(await asyncio.to_thread(path.read_text))
        assert (saved[0]["device"], saved[0]["parts"], saved[0]["size"]) == ("Simulated, 25 cm", 3, "1280 × 720")
        assert saved[0]["pictures"] >= 1
