"""The checking page in a real browser: set up, opened, asked and answered as people would, at the time of the small world."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from support.browser import FLAGS, LAPTOP, Watched, picture
from support.desk import BANK
from support.desk_scan import WHOLE, shown
from support.signing import AT
from support.trial_verify import Dice, issue, show

from shared import addressed
from shared.clock import system_entropy
from shared.codec import frames, qr
from shared.ovp.answer import Answer, live_binding, seal_answer
from shared.ovp.challenge import Challenge, parse_challenge
from shared.ovp.envelope import BEARER, CHALLENGE, SEALED, parse_text, render_text, to_message

PASSPHRASE = "eight green lamps sing"
SIZES = {"1280": {"width": 1280, "height": 800}, "360": {"width": 360, "height": 740}}
SCREENS = Path(__file__).resolve().parents[2] / ".screens" / "checking-page"
PATIENCE = 60_000  # milliseconds, on a machine that does much else
_PATIENT = "{ const real = AbortSignal.timeout.bind(AbortSignal); AbortSignal.timeout = (ms) => real(10 * ms); }"
"""The page decides alone where its service says nothing for seconds. That is for a test to bring about, not for a busy machine."""


@dataclass
class ScanPage:
    """One page of one browser profile. ``sent`` are the addresses that it asked for since the last ``forget``."""

    context: BrowserContext
    page: Page
    watched: Watched
    base: str
    sent: list[str] = field(default_factory=list)

    @classmethod
    async def open(cls, context: BrowserContext, base: str, *, at: int) -> ScanPage:
        context.set_default_timeout(PATIENCE)
        page = await context.new_page()
        await page.add_init_script(_PATIENT)
        await page.set_viewport_size({"width": LAPTOP["width"], "height": 800})
        await page.clock.set_fixed_time(at)
        watched = Watched(page)
        page.on("console", lambda message: None if "ERR_INTERNET_DISCONNECTED" in message.text else watched.on_console(message))
        page.on("pageerror", lambda error: watched.faults.append(str(error)))
        made = cls(context, page, watched, base)
        page.on("request", lambda request: made.sent.append(request.url))
        return made

    async def at(self, seconds: int) -> None:
        """What the page's clock shows."""
        await self.page.clock.set_fixed_time(seconds)

    async def view(self, name: str) -> None:
        """Wait until that view is there."""
        await self.page.wait_for_selector(f"#scan[data-view={name}]", timeout=PATIENCE)

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).first.click()

    async def go(self) -> None:
        await self.page.goto(f"{self.base}/desk/scan/")
        await self.page.wait_for_selector("#scan[data-view]", timeout=PATIENCE)

    # --- from nothing to an open desk

    async def sign_in(self) -> None:
        page = self.page
        await page.goto(f"{self.base}/desk/sign-in?next=/desk/scan/")
        await page.get_by_label("Your name").fill("Bea Clerk")
        await page.get_by_role("textbox", name="Passphrase").fill("correct-horse-battery")
        await page.keyboard.press("Enter")
        await self.view("enrol")

    async def set_up(self, name: str = "Counter 3") -> None:
        """Signed in, and now a desk."""
        page = self.page
        await page.get_by_label("Name of this desk").fill(name)
        await page.get_by_label("Passphrase for this desk").fill(PASSPHRASE)
        await page.get_by_label("The same passphrase again").fill(PASSPHRASE)
        await self.press("Set up this desk")
        await self.view("home")

    async def enrol(self, name: str = "Counter 3") -> None:
        """Signed in, set up, with its checking pack, and kept by the service worker."""
        page = self.page
        await self.set_up(name)
        await page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
        await page.wait_for_function("() => document.querySelector('[data-part=knowledge]').textContent.includes('dated')")

    async def unlock(self, passphrase: str = PASSPHRASE) -> None:
        await self.view("locked")
        await self.page.get_by_label("Passphrase for this desk").fill(passphrase)
        await self.press("Open")

    # --- at the counter

    async def ask(self, use: str = "Bank account") -> Challenge:
        """Ask, and read the square code off the screen as a wallet's camera would."""
        await self.page.get_by_role("button", name=use).click()
        await self.view("ask")
        return await self.challenge()

    async def challenge(self) -> Challenge:
        plate = self.page.locator(".scan-code__plate")
        await plate.scroll_into_view_if_needed()
        (text,) = qr.read(await plate.screenshot())
        prefix, data = parse_text(text)
        assert prefix == CHALLENGE
        return parse_challenge(data)

    async def digits(self) -> str:
        return re.sub(r"\D", "", await self.page.locator(".scan-digits").inner_text())

    async def scan(self, text: str) -> None:
        """A hand scanner types it."""
        await self.page.keyboard.type(text)
        await self.page.keyboard.press("Enter")

    async def paste(self, text: str) -> None:
        await self.page.get_by_text("Paste the text instead").click()
        await self.page.locator("[data-part=paste]").fill(text)
        await self.press("Check this text")

    async def choose(self, file: Path | dict[str, Any]) -> None:
        await self.page.locator("#scan input[type=file]").set_input_files(file)  # type: ignore[arg-type] # its own kinds of file

    async def result(self) -> str:
        """The heading of the result."""
        await self.view("result")
        return " ".join((await self.page.locator("h1").inner_text()).split())

    async def text(self) -> str:
        return " ".join((await self.page.locator("main").inner_text()).split())

    async def note(self, part: str) -> None:
        """Wait for what is said beside the camera."""
        await self.page.locator("[data-part=note]").get_by_text(part).wait_for()

    async def storage(self) -> str:
        """Everything that this browser keeps for the site, as text: for looking whether something is in it."""
        return str(await self.page.evaluate(_DUMP))

    # --- the eye

    async def look(self, name: str, *, dark: bool = False) -> None:
        """Check this view at both sizes, before somebody who wants no motion, and take its picture."""
        await self.page.emulate_media(reduced_motion="reduce")
        for size, box in SIZES.items():
            await self.page.set_viewport_size({"width": box["width"], "height": box["height"]})
            await self.watched.check()
            await picture(self.page, SCREENS, f"{name}-{size}")
        await self.watched.check_large_text_in_hand()
        await self.page.set_viewport_size({"width": 1280, "height": 800})
        if dark:
            await self.page.emulate_media(color_scheme="dark")
            await self.watched.check()
            await picture(self.page, SCREENS, f"{name}-dark")
            await self.page.emulate_media(color_scheme="light")
        await self.page.emulate_media(reduced_motion="no-preference")


_DUMP = """async () => {
  const said = [JSON.stringify(localStorage), JSON.stringify(sessionStorage)];
  for (const { name } of await indexedDB.databases()) {
    const db = await new Promise((resolve) => { const r = indexedDB.open(name); r.onsuccess = () => resolve(r.result); });
    for (const store of db.objectStoreNames) {
      const rows = await new Promise((resolve) => { const r = db.transaction(store).objectStore(store).getAll(); r.onsuccess = () => resolve(r.result); });
      for (const row of rows) for (const value of Object.values(row)) said.push(value instanceof Uint8Array ? new TextDecoder("latin1").decode(value) : String(value));
    }
    db.close();
  }
  for (const name of await caches.keys()) for (const request of await (await caches.open(name)).keys()) said.push(request.url);
  return said.join("\\n");
}"""


@asynccontextmanager
async def browser_with_camera(film: Path | None, *more: str) -> AsyncIterator[Browser]:
    """Chromium with a camera that sees ``film``, or with none."""
    seen = [] if film is None else ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=[*FLAGS, *seen, *more])
        yield browser
        await browser.close()


# --- a wallet without a page -----------------------------------------------------------------------------------------------------------


def answer(challenge: Challenge, *, format_name: str = "dc+sd-cwt", seed: str = "live", at: int | None = None, **changes: Any) -> bytes:
    """A sealed answer; ``changes`` are those of the document, ``paths`` what is shown of it."""
    paths = changes.pop("paths", WHOLE)
    when = challenge.issued_at if at is None else at
    wire = show(issue(format_name, seed=seed, **changes), format_name=format_name, paths=paths, binding=live_binding(challenge), at=when)
    return seal_answer(Answer(format_name, wire), challenge, entropy=system_entropy)


def as_code(sealed: bytes) -> str:
    """The text of one still code."""
    return render_text(SEALED, sealed)


def copy_text(seed: str, *, to: str = BANK) -> str:
    """A copy made out to the bank, or to somebody else, as the text of its square code."""
    return shown(addressed.make_binding(entity=to, purpose_id="bank", at=AT, entropy=Dice(seed)), seed=seed)


def as_loop(sealed: bytes) -> list[str]:
    """The texts of a loop of codes."""
    return frames.split(to_message(SEALED, sealed))


def video(file: Path, texts: list[str], *, pictures: int = 6) -> None:
    """What a good camera sees of a loop of codes, nothing for an empty text: a row of JPEG pictures, for Chromium's fake camera."""
    with file.open("wb") as stream:
        for text in texts:
            frame = Image.new("RGB", (1280, 720), "#777")
            if text:
                code = Image.open(BytesIO(qr.png(text, ec="L", scale=6))).convert("RGB")
                frame.paste(code, ((1280 - code.width) // 2, (720 - code.height) // 2))
            jpeg = BytesIO()
            frame.save(jpeg, "JPEG", quality=80)
            stream.write(jpeg.getvalue() * pictures)


def trial_loop() -> list[str]:
    """What the page shows to try a camera with."""
    content = block = b"muniment trial 1 "
    while len(content) < 880:
        block = sha256(block).digest()
        content += block
    return frames.split(to_message(BEARER, content[:880]))
