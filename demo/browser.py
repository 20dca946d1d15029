"""Two people with a browser each, whose cameras see what we film, and a listener that hears every call which leaves them."""

from __future__ import annotations

import asyncio
import base64
import io
import shlex
import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from playwright.async_api import BrowserContext, Error, Page, Playwright, Request, async_playwright

from demo.no_network import Isolation
from demo.stage import StageError

PHONE, LAPTOP = {"width": 390, "height": 780}, {"width": 1280, "height": 860}
PATIENCE = 90_000  # milliseconds, on a machine that does much else
_ALONE = (
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
)
"""For every window that opens, Chromium loads two pages of its own to show what is typed into an address bar: here nobody types there."""
_AS_PLAYWRIGHT_WISHES = (
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "TcpPortRandomizationWin",
    "ThirdPartyStoragePartitioning",
    "msEdgeUpdateLaunchServicesPreferredVersion",
    "msForceBrowserSignIn",
)
"""What Playwright switches off by itself. Of two lists Chromium reads the last alone, which is ours; a test holds it against Playwright's."""
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join((*_AS_PLAYWRIGHT_WISHES, *_ALONE))}",
)
"""A Chromium that does nothing but what it is told."""
FLAGS = (*QUIET, "--use-fake-device-for-media-stream")
NOWHERE = ("--proxy-server=127.0.0.1:9", "--proxy-bypass-list=<-loopback>")  # where a process cannot be kept from the network


@dataclass(kw_only=True)  # no slots: Playwright notes on the object what it calls
class Person:
    """A profile of its own in a folder, with a camera that sees what lies in ``film``.

    ``sent`` are the addresses that its pages asked for and that the browser's own store did not answer, whether or not anybody else did.
    """

    name: str
    folder: Path
    size: dict[str, int]
    program: str
    playwright: Playwright
    sent: list[str] = field(default_factory=list)
    count: int = 0
    _context: BrowserContext | None = None
    _page: Page | None = None

    @property
    def film(self) -> Path:
        return (self.folder / f"{self.name}.mjpeg").resolve()

    @property
    def page(self) -> Page:
        if self._page is None:
            raise StageError(f"{self.name} has no browser open")
        return self._page

    # --- the browser

    async def open(self, program: str, *flags: str) -> None:
        """Start the browser on this profile."""
        if not self.film.exists():
            self.film.write_bytes(_dark())
        self._context = context = await self.playwright.chromium.launch_persistent_context(
            self.folder / f"{self.name}-profile",
            executable_path=program,
            args=[*FLAGS, f"--use-file-for-fake-video-capture={self.film}", *flags],
            viewport={"width": self.size["width"], "height": self.size["height"]},
            locale="en-GB",
            timeout=PATIENCE,
        )
        context.set_default_timeout(PATIENCE)
        self._page = context.pages[0] if context.pages else await context.new_page()

    async def close(self) -> None:
        if self._context is not None:
            await self._context.close()
            self._context = self._page = None

    async def airplane(self, isolation: Isolation) -> None:
        """The browser is closed, and opened again where there is no network: none at all, if this machine can do that."""
        await self.close()
        if isolation.prefix is None:
            await self.open(self.program, *NOWHERE)
            await self.page.context.set_offline(offline=True)
        else:
            program = self.folder / f"without-network-{self.name}"  # its own: the other's may be starting
            program.write_text(f'#!/bin/sh\nexec {shlex.join((*isolation.prefix, self.program))} "$@"\n', encoding="utf-8")
            program.chmod(0o700)
            await self.open(str(program.resolve()))
        self.page.context.on("requestfinished", self._finished)
        self.page.context.on("requestfailed", self._note)

    async def _finished(self, request: Request) -> None:
        response = await request.response()
        if response is None or not response.from_service_worker:
            self._note(request)

    def _note(self, request: Request) -> None:
        if request.url.startswith("http"):
            self.sent.append(request.url)

    # --- what a person does and sees

    def sees(self, frames: Iterable[bytes]) -> None:
        """Put these pictures before the camera."""
        fresh = self.film.with_suffix(".new")
        fresh.write_bytes(b"".join(frames))
        fresh.replace(self.film)

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).first.click()

    async def heading(self, text: str) -> None:
        """Wait until the page says this."""
        await self.page.get_by_role("heading", level=1, name=text, exact=True).wait_for()

    async def allow_camera(self) -> None:
        """What a browser asks a person once; the camera begins with what is put before it then."""
        await self.page.context.grant_permissions(["camera"])

    async def picture(self, name: str) -> None:
        """The whole page, as it would look on a screen that is long enough for it."""
        self.count += 1
        long: int = await self.page.evaluate("document.documentElement.scrollHeight")
        await self.page.set_viewport_size({"width": self.size["width"], "height": max(long, self.size["height"])})
        await self.page.screenshot(path=self.folder / "pictures" / f"{self.name}-{self.count:02d}-{name}.png")
        await self.page.set_viewport_size({"width": self.size["width"], "height": self.size["height"]})

    async def canvas(self, selector: str) -> Image.Image:
        """What is drawn in a canvas, with the white around it that the page gives it."""
        url = await self.page.eval_on_selector(selector, "canvas => canvas.toDataURL()")
        return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("L")


@asynccontextmanager
async def people(folder: Path, *who: tuple[str, dict[str, int]]) -> AsyncIterator[list[Person]]:
    """Each in a Chromium with a profile and a camera of its own; ``StageError`` where there is no Chromium."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise StageError("Chromium is not installed; `make demo STORY=airplane` brings it on Debian")
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        made = [Person(name=name, folder=folder, size=size, program=program, playwright=playwright) for name, size in who]
        try:
            await asyncio.gather(*(person.open(program) for person in made))
            yield made
        except Error as error:
            for person in made:
                with suppress(Error, StageError):
                    await person.picture("where-it-broke-off")
            raise StageError(f"a browser did not come along: {error}") from error
        finally:
            for person in made:
                await person.close()


def _dark() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (1280, 720), (30, 30, 30)).save(out, "JPEG")
    return out.getvalue() * 2


@dataclass(slots=True)
class Silence:
    """Listens where the services were; ``heard`` counts whoever calls."""

    heard: int = 0
    servers: list[asyncio.Server] = field(default_factory=list)

    async def begin(self, ports: Iterable[int]) -> None:
        for port in ports:
            self.servers.append(await asyncio.start_server(self._hear, "127.0.0.1", port))

    def _hear(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard += 1
        writer.close()

    def end(self) -> None:
        for server in self.servers:
            server.close()
