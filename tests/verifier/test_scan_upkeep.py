"""The checking page over time: downloads that break off, packs by nobody, a newer page, and a desk that nobody touches."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, expect
from playwright.async_api import Error as Interrupted
from support.browser import until
from support.desk import Running, Template, make_template, serving
from support.scan_page import PASSPHRASE, ScanPage, answer, as_code
from support.signing import AT

from shared.web.pages import PAGES
from verifier import scan_api
from verifier.scan import Packs
from verifier.scan_api import ScanApi

pytestmark = pytest.mark.real


async def test_download_that_broke_off_goes_on(
    template: Template, tmp_path: Path, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    whole, arrived = ScanApi.pack, asyncio.Event()

    async def pack(self: ScanApi, request: web.Request) -> web.StreamResponse:
        asked.append(request.headers.get("Range", ""))
        if len(asked) > 1:
            return await whole(self, request)
        current = await self._packs.current()
        response = web.StreamResponse(headers={"ETag": f'"{current.etag}"', "Content-Length": str(len(current.data))})
        await response.prepare(request)
        await response.write(current.data[: len(current.data) // 2])
        assert request.transport is not None
        await asyncio.wait_for(arrived.wait(), 60)  # what breaks off before the page has read any of it leaves nothing to go on with
        request.transport.close()
        return response

    monkeypatch.setattr(scan_api.ScanApi, "pack", pack)
    context = await chromium.new_context(locale="en-GB")
    async with serving(template, tmp_path / "desk", local=True) as desk:
        counter = await ScanPage.open(context, desk.base, at=AT)
        await context.expose_function("arrived", arrived.set)
        await context.add_init_script(_SAYS_WHAT_IT_READS)
        await counter.sign_in()
        counter.watched.faults.clear()
        await counter.set_up()
        await counter.page.get_by_text("There is no checking pack here yet").wait_for()
        await counter.press("This desk")
        await counter.press("Fetch certificate and checking pack now")
        await counter.page.get_by_text("less than a minute old").wait_for()
        assert asked[0] == ""
        assert int(asked[1].removeprefix("bytes=").removesuffix("-")) > 0
        counter.watched.faults.clear()  # the browser tells of the broken connection
        await counter.press("Go back")
        await counter.scan(as_code(answer(await counter.ask())))
        assert await counter.result() == "You can rely on this"
    await context.close()


_SAYS_WHAT_IT_READS = """(() => {
  const read = ReadableStreamDefaultReader.prototype.read;
  ReadableStreamDefaultReader.prototype.read = async function () {
    const got = await read.call(this);
    if (!got.done) void arrived();
    return got;
  };
})()"""


async def test_a_download_in_progress_is_kept_part_by_part(counter: ScanPage) -> None:
    """What is kept already is not written again; parts that do not join are as if there were none."""
    place = await counter.page.locator("#scan").get_attribute("data-static")
    told = await counter.page.evaluate(_PARTS, [place, PASSPHRASE])
    assert told == [None, {"etag": "e", "bytes": [1, 2, 3, 4, 5]}, 2, None, None, 0]


_PARTS = """async ([place, passphrase]) => {
  const { Store } = await import(place + "scan/store.js");
  const store = await Store.open(passphrase);
  const told = [await store.begunPack()];
  const look = async () => {
    const found = await store.begunPack();
    told.push(found && { ...found, bytes: Array.from(found.bytes) });
  };
  await store.keepBegunPack("e", 0, new Uint8Array([1, 2]));
  await store.keepBegunPack("e", 2, new Uint8Array([3, 4, 5]));
  await look();
  told.push((await store.vault.all("begun")).length);
  await store.keepBegunPack("e", 9, new Uint8Array([6]));
  await look();
  await store.dropBegunPack();
  await look();
  told.push((await store.vault.all("begun")).length);
  return told;
}"""


async def test_pack_by_another_signer_is_refused(counter: ScanPage, local: Running, tmp_path: Path) -> None:
    """S17: the signer was pinned when the desk was set up; what anybody else signs never takes the place of what is here."""
    async with serving(await make_template(tmp_path / "another" / "desk"), tmp_path / "served") as other:
        foreign = (await Packs(other.desk).current()).data
    bent = foreign.replace(b"A", b"B", 1)
    for data in (foreign, bent, b"{}", b""):

        async def answer_with(route: Any, _request: Any, data: bytes = data) -> None:
            await route.fulfill(body=data, headers={"etag": '"other"', "content-type": scan_api.MEDIA_TYPE})

        await counter.page.route("**/desk/scan/api/pack", answer_with)
        await counter.press("This desk")
        await counter.press("Fetch certificate and checking pack now")
        await counter.view("settings")
        await counter.press("Go back")
        await counter.page.unroute("**/desk/scan/api/pack")
        await counter.scan(as_code(answer(await counter.ask(), seed=str(len(data)))))
        assert await counter.result() == "You can rely on this"
        await counter.press("Next customer")
    assert local.base == counter.base


async def test_newer_page_takes_over_when_nothing_is_open(counter: ScanPage, local: Running) -> None:
    page = counter.page
    before, newer = await _script(page), page.locator("script[src*='0123456789ab']").first
    local.app[PAGES].assets.build = "0123456789ab"
    await page.evaluate("async () => { await (await navigator.serviceWorker.getRegistration()).update(); }")
    await until(page, "async () => (await navigator.serviceWorker.getRegistration()).waiting !== null")
    await counter.ask()
    assert await _script(page) == before
    for _ in range(12):  # Chromium puts it off while the page before is at work: whoever opens it again finds the newer one
        with suppress(Interrupted):  # the page opens itself again as soon as the newer one has taken over, perhaps in that moment
            await counter.go()
        with suppress(Interrupted):
            await newer.wait_for(state="attached", timeout=5_000)
            break
    await expect(newer).to_be_attached()
    await until(page, _ONLY_NEWER)
    await counter.unlock()
    await counter.view("home")


_ONLY_NEWER = """async () => {
  const names = (await caches.keys()).filter((name) => name.startsWith('muniment-desk-') && name !== 'muniment-desk-choice');
  return names.length === 1 && names[0].startsWith('muniment-desk-0123456789ab-');
}"""


async def _script(page: Page) -> str | None:
    return await page.locator("script[type=module]").last.get_attribute("src")


async def test_hands_free_asks_the_same_again(counter: ScanPage) -> None:
    await counter.press("This desk")
    await counter.page.get_by_label("Hands-free").check()
    await counter.press("Go back")
    first = await counter.ask()
    await counter.scan(as_code(answer(first)))
    await counter.result()
    await counter.page.get_by_text("Goes on to the next customer in").wait_for()
    await counter.press("Next customer")
    await counter.view("ask")
    assert (await counter.challenge()).nonce != first.nonce
    assert "Ashdown" not in await counter.page.content()


async def test_a_desk_that_is_closed_while_it_reads_stays_closed(counter: ScanPage) -> None:
    """What was under way then finds its store closed: that is no fault of the browser's storage."""
    page = counter.page
    await counter.press("This desk")
    await counter.view("settings")
    await page.evaluate("() => ['next', 'lock'].forEach((act) => document.querySelector(`[data-on=${act}]`).click())")
    await page.wait_for_timeout(500)  # whatever the page says about what broke off, it says by then
    await counter.unlock()
    await counter.view("home")


async def test_a_desk_that_nobody_touches_is_closed(counter: ScanPage) -> None:
    page = counter.page
    await counter.press("What was decided here")
    await counter.view("history")
    await page.clock.fast_forward("13:00")
    await counter.press("Go back")  # somebody is here
    await counter.view("home")
    await page.clock.fast_forward("13:00")
    assert await page.locator("#scan").get_attribute("data-view") == "home"
    await page.clock.fast_forward("03:00")
    await counter.unlock()
    await counter.view("home")
    await counter.press("This desk")
    await page.get_by_label("Hands-free").check()
    await counter.press("Go back")
    await counter.view("home")
    await page.clock.fast_forward("16:00")
    await counter.press("This desk")
    await counter.view("settings")
