"""A phone in a real Chromium: its wallet page, driven as its holder would, and what its squares say to a desk."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import BrowserContext, Page, async_playwright, expect
from support.airplane import Counter
from support.browser import FLAGS, PATIENCE, SCREENS, Watched, picture
from support.walk import Walker
from support.wallets import PASSPHRASE, Site, serve_wallet
from support.world import CODE, World

from shared.codec import qr
from shared.codec.frames import PREFIX, Assembly
from shared.ovp.envelope import of_message, parse_text
from wallet import register

SMALL, LARGE = {"width": 360, "height": 740}, {"width": 1280, "height": 800}


@dataclass
class Pocket:
    """One profile of a browser with the wallet page in it."""

    site: Site
    context: BrowserContext
    page: Page
    watched: Watched
    size: str = "360"
    shots: int = 0
    asked: list[str] = field(default_factory=list)
    hand: Walker = field(init=False)

    def __post_init__(self) -> None:
        self.hand = Walker(watched=self.watched)

    async def look(self, name: str) -> None:
        """Nothing wrong on this view, nor moving before somebody who wants no motion; a picture of it when MUNIMENT_SCREENS names a folder."""
        await self.page.emulate_media(reduced_motion="reduce")
        await self.watched.check()
        if self.page.viewport_size == SMALL:
            await self.watched.check_large_text_in_hand()
        await self.page.emulate_media(reduced_motion="no-preference")
        await self.keep_picture(name)

    async def keep_picture(self, name: str) -> None:
        if SCREENS is not None:
            self.shots += 1
            await picture(self.page, SCREENS, f"phone-{self.size}-{self.shots:02d}-{name}")

    def forgive(self, text: str) -> None:
        """What a test did on purpose is no fault of the page."""
        self.watched.faults[:] = [fault for fault in self.watched.faults if text not in fault]

    def cut_off(self) -> None:
        """From here on there is no network, and the page, which looks for one now and then, finds none: no fault of the page either."""
        self.watched.borne.add("ERR_INTERNET_DISCONNECTED")
        self.forgive("ERR_INTERNET_DISCONNECTED")

    async def press(self, name: str) -> None:
        await self.hand.hit(self.page.get_by_role("button", name=name, exact=True))

    async def bigger(self) -> None:
        """From usual squares to bigger ones, though the page may make them so by itself: it does once, where nobody is done after a while."""
        button = self.page.locator('[data-do="bigger"]')
        await expect(button).to_have_text(re.compile("Bigger squares|Smaller squares"))
        await self.hand.hit(button)
        if await button.get_attribute("aria-pressed") == "false":  # the page was first, and does it no second time
            await self.hand.hit(button)
        await self.page.get_by_role("button", name="Smaller squares", exact=True).wait_for()

    async def wait(self, view: str) -> None:
        await self.page.locator(f'#view[data-view="{view}"]').wait_for()

    async def open(self, path: str = "/phone/") -> None:
        await self.page.goto(self.site.base + path)

    async def sign_in(self) -> None:
        await self.open("/sign-in")
        await self.hand.write("Name of your wallet", self.site.made.holder)
        await self.hand.fill(self.page.locator("#passphrase"), self.site.made.passphrase)
        await self.press("Open")
        await self.page.get_by_role("button", name="Sign out").wait_for()

    async def sign_in_again(self) -> None:
        """The wallet has closed meanwhile."""
        await self.context.clear_cookies()
        await self.sign_in()

    async def renewed(self) -> None:
        """After an unlocking of a page that was just opened: everything is up to date, here and at the service."""
        await self.page.locator('#signal[data-reach="online"]').wait_for()

    async def ready(self) -> None:
        """The service worker has everything."""
        await self.page.locator("#ready").wait_for()
        await self.page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")

    async def keep(self, document: str, passphrase: str = PASSPHRASE) -> None:
        """Signed in, with nothing on the phone yet, to the documents on the phone."""
        await self.open(f"/phone/#keep/{document}")
        await self.wait("keep")
        await self.hand.fill(self.page.locator("#new_passphrase"), passphrase)
        await self.hand.fill(self.page.locator("#repeat"), passphrase)
        await self.press("Keep on this phone")
        await self.wait("kept")
        await self.press("Go to my documents")
        await self.wait("home")
        await self.ready()

    async def unlock(self, passphrase: str = PASSPHRASE) -> None:
        await self.wait("unlock")
        await self.page.locator("#passphrase").fill(passphrase)
        await self.press("Unlock")
        await self.wait("home")

    async def uses(self, left: int) -> None:
        """Wait until the card says that."""
        await expect(self.page.locator('#view[data-view="home"] .mu-card dd').first).to_have_text(str(left))

    async def showings(self, count: int) -> None:
        """Wait until the list of showings has that many."""
        await self.wait("history")
        await expect(self.page.locator(".ph-history li")).to_have_count(count)

    async def paste(self, text: str) -> None:
        """Give the desk's question as text."""
        await self.press("Show at a desk")
        await self.wait("scan")
        await self.page.locator("details[data-ways][open]").wait_for()
        await self.page.locator("#pasted").fill(text)
        await self.press("Use this text")

    async def agree(self) -> bytes:
        """Show once, and read the squares as the desk's camera would: the content of the answer."""
        await self.press("Show once")
        await self.wait("frames")
        return await self.read()

    async def read(self) -> bytes:
        assembly = Assembly()
        for _ in range(100):
            for text in qr.read(await self.page.locator("canvas").screenshot()):
                if not text.startswith(PREFIX):
                    return parse_text(text)[1]
                message = assembly.add(text)
                if message is not None:
                    return of_message(message)[1]
        raise AssertionError("the squares never said all")

    async def go(self, days: float) -> None:
        """The phone's clock and the world's go forward."""
        self.site.world.clock.at += int(days * 86_400)
        await self.page.evaluate(
            "ms => localStorage.setItem('test-clock', String(Number(localStorage.getItem('test-clock') ?? 0) + ms))", days * 86_400_000
        )


def _clock(world: World) -> str:
    """The phone's clock shows the time of the small world."""
    away = world.clock() * 1000 - int(time.time() * 1000)  # noqa: TID251 - the browser's own clock is the real one
    return f"{{ const real = Date.now.bind(Date); Date.now = () => real() + {away} + Number(localStorage.getItem('test-clock') ?? 0); }}"


def _program() -> str:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.fail("Chromium is not installed: `make system` brings it")
    return program


@asynccontextmanager
async def open_pocket(
    site: Site,
    profile: Path,
    *,
    size: dict[str, int] | None = None,
    camera: bytes | None = None,
    fake: bool = False,
    allow: Sequence[str] = (),
    more: Sequence[str] = (),
    **how: object,
) -> AsyncIterator[Pocket]:
    """A profile folder of its own. ``camera`` is what a fake camera sees (JPEG), ``fake`` one that nobody allowed, ``more`` are flags."""
    size = size or SMALL
    flags = [*FLAGS, *more]
    if camera is not None or fake:
        flags.append("--use-fake-device-for-media-stream")
    if camera is not None:
        film = profile.with_suffix(".mjpeg")
        film.write_bytes(camera * 3)
        flags += [f"--use-file-for-fake-video-capture={film}", "--use-fake-ui-for-media-stream"]
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            profile,
            executable_path=_program(),
            args=flags,
            viewport={"width": size["width"], "height": size["height"]},
            locale="en-GB",
            permissions=list(allow),
            **how,  # type: ignore[arg-type]
        )
        await context.add_init_script(_clock(site.world))
        context.set_default_timeout(PATIENCE)
        page = context.pages[0] if context.pages else await context.new_page()
        watched = Watched(page)
        pocket = Pocket(site, context, page, watched, size=str(size["width"]))
        page.on("console", watched.on_console)
        page.on("pageerror", lambda error: watched.faults.append(str(error)))
        page.on("request", lambda request: pocket.asked.append(request.url))
        try:
            yield pocket
        finally:
            await context.close()


@dataclass
class Place:
    """A wallet service with one document in it, and a desk whose party is registered."""

    site: Site
    world: World
    counter: Counter
    document: str


@asynccontextmanager
async def open_place(folder: Path, *, made: type[Counter] = Counter, **changes: object) -> AsyncIterator[Place]:
    """``made``: registered by its own anchor, or by a registrar."""
    world = World()
    world.office.formats = ("dc+sd-jwt", "dc+sd-cwt")
    counter = made(world, world.council, **changes)  # type: ignore[arg-type]
    counter.register()
    async with serve_wallet(folder, world=world) as site:
        await register.refresh(site.host.means)
        await site.open()
        status, told = await site.call("POST", "/api/receive", {"link": world.office.link(), "code": CODE})
        assert status == 200, told
        yield Place(site, world, counter, str(told["document"]))


def seen_by_camera(text: str) -> bytes:
    """A code on a desk's screen as a camera sees it, 1280 by 720."""
    code = Image.open(BytesIO(qr.png(text, scale=8))).convert("RGB")
    code.thumbnail((680, 680))
    frame = Image.new("RGB", (1280, 720), "#777")
    frame.paste(code, ((1280 - code.width) // 2, (720 - code.height) // 2))
    out = BytesIO()
    frame.save(out, "JPEG", quality=90)
    return out.getvalue()
