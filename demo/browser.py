"""Two people with a browser each, whose cameras see what we film, and a listener that hears every call which leaves them."""

from __future__ import annotations

import asyncio
import base64
import io
import shutil
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from playwright.async_api import BrowserContext, Page, Playwright, Request, async_playwright

from demo.stage import StageError

PHONE, LAPTOP = {"width": 390, "height": 780}, {"width": 1280, "height": 860}
PATIENCE = 45_000  # milliseconds, on a machine that does much else
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
)


@dataclass(slots=True, kw_only=True)
class Person:
    """A profile of its own. ``film`` is what the camera sees from its next opening on; ``sent`` are calls that the browser's own store did
    not answer.
    """

    name: str
    context: BrowserContext
    page: Page
    film: Path
    pictures: Path
    sent: list[str] = field(default_factory=list)
    count: int = 0

    def sees(self, frames: Iterable[bytes]) -> None:
        """Put these pictures before the camera."""
        fresh = self.film.with_suffix(".new")
        fresh.write_bytes(b"".join(frames))
        fresh.replace(self.film)

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).first.click()

    async def heading(self, text: str) -> None:
        """Wait until the page says this."""
        await self.page.get_by_role("heading", level=1, name=text, exact=True).wait_for(timeout=PATIENCE)

    async def allow_camera(self) -> None:
        """What a browser asks a person once; the camera begins with what is put before it then."""
        await self.context.grant_permissions(["camera"])

    async def airplane(self) -> None:
        """No network from here on; what is asked of it is noted."""
        await self.context.set_offline(offline=True)
        self.context.on("request", self.sent_out())

    def sent_out(self) -> Callable[[Request], None]:
        """Notes what is asked of the network."""

        def note(request: Request) -> None:
            if request.url.startswith("http"):
                self.sent.append(request.url)

        return note

    async def picture(self, name: str) -> None:
        self.count += 1
        await self.page.screenshot(path=self.pictures / f"{self.name}-{self.count:02d}-{name}.png", full_page=True)

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
    pictures = folder / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        playwright = await stack.enter_async_context(async_playwright())
        made = []
        for name, size in who:
            context, film = await _profile(playwright, program, folder, name, size)
            page = context.pages[0] if context.pages else await context.new_page()
            person = Person(name=name, context=context, page=page, film=film, pictures=pictures)
            stack.push_async_callback(person.context.close)
            made.append(person)
        try:
            yield made
        except Exception:
            for person in made:
                await person.picture("where-it-broke-off")
            raise


async def _profile(playwright: Playwright, program: str, folder: Path, name: str, size: dict[str, int]) -> tuple[BrowserContext, Path]:
    film = (folder / f"{name}.mjpeg").resolve()
    film.write_bytes(_dark())
    context = await playwright.chromium.launch_persistent_context(
        folder / f"{name}-profile",
        executable_path=program,
        args=[*FLAGS, f"--use-file-for-fake-video-capture={film}"],
        viewport={"width": size["width"], "height": size["height"]},
        locale="en-GB",
    )
    context.set_default_timeout(PATIENCE)
    return context, film


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
