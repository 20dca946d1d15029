"""What browsers and clocks refuse the checking page, and what it says then."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser
from support.desk import Running, Template, serving
from support.scan_page import ScanPage, answer, as_code, browser_with_camera, copy_text, video
from support.signing import AT
from support.trial_verify import DAY

from shared.codec import qr

pytestmark = pytest.mark.real


async def test_camera_refused_missing_and_no_webassembly(template: Template, tmp_path: Path) -> None:
    film = tmp_path / "camera.mjpeg"
    video(film, [""])
    async with serving(template, tmp_path / "desk", local=True) as desk:
        for seen, flags, said in (
            (film, ("--deny-permission-prompts",), "The camera was refused"),
            (None, ("--use-fake-ui-for-media-stream",), "There is no camera here"),
        ):
            async with browser_with_camera(seen, *flags) as browser:
                context = await browser.new_context(locale="en-GB")
                counter = await ScanPage.open(context, desk.base, at=AT)
                await counter.sign_in()
                await counter.enrol()
                challenge = await counter.ask()
                start = counter.page.get_by_role("button", name="Start the camera")
                if seen is not None:
                    await start.click()
                await counter.note(said)
                await counter.look(f"camera-{'refused' if seen else 'missing'}")
                await counter.scan(as_code(answer(challenge)))
                assert await counter.result() == "You can rely on this"
        async with browser_with_camera(film, "--use-fake-ui-for-media-stream") as browser:
            context = await browser.new_context(locale="en-GB")
            await context.add_init_script("delete globalThis.WebAssembly")
            counter = await ScanPage.open(context, desk.base, at=AT)
            await counter.sign_in()
            await counter.enrol()
            challenge = await counter.ask()
            await counter.note("it refuses WebAssembly")
            await counter.look("no-webassembly")
            await counter.choose(
                {"name": "code.png", "mimeType": "image/png", "buffer": qr.png(as_code(answer(challenge)), ec="L", scale=6)}
            )
            assert await counter.result() == "You can rely on this"


async def test_storage_refused(local: Running, chromium: Browser) -> None:
    context = await chromium.new_context(locale="en-GB")
    await context.add_init_script(
        "Object.defineProperty(IDBFactory.prototype, 'open', { value() { throw new DOMException('no', 'SecurityError'); } })"
    )
    counter = await ScanPage.open(context, local.base, at=AT)
    await counter.go()
    await counter.page.get_by_role("heading", name="This browser keeps nothing").wait_for()
    await counter.look("storage-refused")
    await context.close()


async def test_storage_gone_while_an_answer_is_judged(counter: ScanPage) -> None:
    """Nothing is decided where it could not be written down that this was shown."""
    challenge = await counter.ask()
    await counter.page.evaluate(
        "() => { IDBDatabase.prototype.transaction = () => { throw new DOMException('closed', 'InvalidStateError'); }; }"
    )
    await counter.scan(as_code(answer(challenge)))
    await counter.page.get_by_role("heading", name="This browser keeps nothing").wait_for()


async def test_browser_that_threw_the_desk_away(counter: ScanPage) -> None:
    await counter.page.evaluate("() => new Promise((done) => { indexedDB.deleteDatabase('muniment-desk').onsuccess = done; })")
    await counter.go()
    await counter.page.get_by_role("heading", name="This desk has to be set up again").wait_for()
    await counter.look("lost")
    await counter.press("Set up again")
    await counter.view("enrol")


async def test_profile_holds_no_private_key(counter: ScanPage) -> None:
    """S12: a copied disk opens nothing; what is private lies there wrapped by what the passphrase derives."""
    await counter.ask()
    kept = await counter.storage()
    for mark in ("PRIVATE", '"d":"', "Counter 3", "northwold-bank", counter.base + "/desk/scan/api"):
        assert mark not in kept


async def test_clock_pack_and_certificate(counter: ScanPage) -> None:
    """Each state is said, and none of them makes a yes."""
    page, bank = counter.page, counter.page.get_by_role("button", name="Bank account")
    await counter.context.set_offline(True)

    async def open_at(at: int) -> None:
        await counter.at(at)
        await counter.go()
        await counter.unlock()
        await counter.view("home")

    await open_at(AT - 3_600)
    await page.get_by_text("The clock of this device was set back").wait_for()
    await bank.click()
    await page.locator("#scan-urgent").get_by_text("The clock of this device was set back").wait_for(state="attached")
    await counter.press("Check a copy")
    await counter.scan(copy_text("clock"))
    assert await counter.result() == "Can’t tell yet: do this next"
    assert "Put the clock right" in await counter.text()
    await open_at(AT + 6 * DAY)
    challenge = await counter.ask()
    await counter.scan(as_code(answer(challenge)))
    assert await counter.result() == "Can’t tell yet: do this next"
    assert "Our list of cancelled documents is older than this purpose allows." in await counter.text()
    await open_at(AT + 8 * DAY)
    await page.get_by_text("This desk’s certificate has run out").wait_for()
    await page.get_by_text("The checking pack is too old to rely on").wait_for()
    await bank.click()
    await page.locator("#scan-urgent").get_by_text("certificate has run out").wait_for(state="attached")
    await counter.press("Check a copy")
    await counter.scan(copy_text("too old a pack"))
    assert await counter.result() == "Can’t tell yet: do this next"
