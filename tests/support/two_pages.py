"""The wallet's page and the desk's page, both real: set up once with a network, and then opened, as often as a test likes, without any.

Texts of square codes are read from what a page draws and given to the other page by its paste field, unless a camera is the point.
"""

from __future__ import annotations

import asyncio
import base64
import re
import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright
from support.browser import Watched
from support.house import House, close_house, open_house
from support.photos import photo

from demo.browser import LAPTOP, PHONE, Person
from demo.no_network import strongest
from demo.poa import LPA_1
from shared.codec import qr

PHONE_PASSPHRASE = "carry it without signal"
DESK_PASSPHRASE = "eight green lamps sing"
SCREENS = Path(__file__).resolve().parents[2] / ".screens" / "airplane"
ISOLATION = strongest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parted:
    """Profiles of browsers that were set up while there was a network, and where the services were that have ended since."""

    folder: Path
    wallet: str
    desk: str
    stranger: str


def programs() -> str:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program is not None, "Chromium is not installed: `make system` brings it"
    return program


def part(folder: Path) -> Parted:
    """Set up a registry, a wallet, a council and a stranger; a phone and two desks; then end every service."""
    house = asyncio.run(open_house(folder / "house", known=True))
    try:
        asyncio.run(_set_up(house, folder))
    finally:
        close_house(house)
    return Parted(folder=folder, wallet=house.wallet, desk=house.desk, stranger=house.side.url("verifier"))


async def _set_up(house: House, folder: Path) -> None:
    await settle(house)
    async with async_playwright() as playwright:
        phone = Phone.of("phone", folder, PHONE, playwright, house.wallet)
        desk = Desk.of("desk", folder, LAPTOP, playwright, house.desk)
        stranger = Desk.of("stranger", folder, LAPTOP, playwright, house.side.url("verifier"))
        await asyncio.gather(phone.set_up(house.nora), desk.set_up(house.council), stranger.set_up(house.stranger))


async def settle(house: House) -> None:
    """Nora has a document with a photo in her wallet, and the desks know what is in force."""
    face = base64.b64encode(photo()).decode()
    made = await house.invite(proxy=LPA_1["proxy"] | {"portrait": face})
    sign_in = {"holder": house.nora["holder"], "passphrase": house.nora["passphrase"]}
    session = await house.call("POST", f"{house.wallet}/api/session", key="", body=sign_in)
    await house.call(
        "POST", f"{house.wallet}/api/receive", key=session["token"], body={"link": made["invitation_link"], "code": made["code"]}
    )
    for base, desk in ((house.desk, house.council), (house.side.url("verifier"), house.stranger)):
        await house.call("POST", f"{base}/api/refresh", key=desk["api_key"])


@dataclass(kw_only=True)
class Side:
    """One of the two pages in its browser."""

    person: Person
    base: str
    watched: Watched

    @classmethod
    def of(cls, name: str, folder: Path, size: dict[str, int], playwright: Any, base: str) -> Any:
        person = Person(name=name, folder=folder, size=size, program=programs(), playwright=playwright)
        return cls(person=person, base=base, watched=None)  # type: ignore[arg-type] # there is none before the browser is open

    @property
    def page(self) -> Any:
        return self.person.page

    def watch(self) -> None:
        """That there is no network is no fault of a page: it looks for one now and then."""
        self.watched = watched = Watched(self.page)
        self.page.on("console", lambda message: None if "ERR_INTERNET_DISCONNECTED" in message.text else watched.on_console(message))
        self.page.on("pageerror", lambda error: watched.faults.append(str(error)))

    async def start(self, *, ahead: int = 0) -> None:
        """Open the browser where there is no network; its clock is ``ahead`` of the time."""
        await self.person.airplane(ISOLATION)
        self.watch()
        if ahead:
            await self.go_on(ahead)

    async def go_on(self, seconds: int) -> None:
        """Put the clock of this device forward, or back."""
        at = await self.page.evaluate("Date.now() / 1000")
        await self.page.clock.set_fixed_time(at + seconds)

    async def press(self, name: str) -> None:
        await self.person.press(name)

    async def heading(self) -> str:
        return " ".join((await self.page.locator("h1").inner_text()).split())

    async def text(self) -> str:
        return " ".join((await self.page.locator("main").inner_text()).split())

    async def look(self, name: str) -> None:
        """Nothing wrong on this view, on a phone and on a laptop; pictures of both, and of the phone's in the dark."""
        SCREENS.mkdir(parents=True, exist_ok=True)
        for size in (PHONE, LAPTOP):
            long = 0
            for _ in range(2):  # what sticks to an edge of the window belongs to its place on the whole page
                await self.page.set_viewport_size({"width": size["width"], "height": max(size["height"], long)})
                long = await self.page.evaluate("document.documentElement.scrollHeight")
            await self.page.screenshot(path=SCREENS / f"{self.person.name}-{name}-{size['width']}.png")
            await self.watched.check_shape()
        await self.page.set_viewport_size({"width": self.person.size["width"], "height": self.person.size["height"]})

    async def code(self, selector: str) -> str:
        """What the square code in this canvas says."""
        out = BytesIO()
        (await self.person.canvas(selector)).save(out, "PNG")
        (text,) = qr.read(out.getvalue())
        return text


class Phone(Side):
    """The wallet's page."""

    async def set_up(self, nora: dict[str, Any]) -> None:
        await self.person.open(self.person.program)
        page = self.page
        await page.goto(f"{self.base}/sign-in?next=/phone/")
        await page.get_by_label("Name of your wallet").fill(nora["holder"])
        await page.locator("#passphrase").fill(nora["passphrase"])
        await self.press("Open")
        await self.view("empty")
        await self.press("Keep on this phone")
        await self.view("keep")
        await page.locator("#new_passphrase").fill(PHONE_PASSPHRASE)
        await page.locator("#repeat").fill(PHONE_PASSPHRASE)
        await self.press("Keep on this phone")
        await self.view("kept")
        await page.locator("#ready").wait_for()
        await self.press("Go to my documents")
        await self.view("home")
        await self.person.close()

    async def view(self, name: str) -> None:
        await self.page.locator(f'#view[data-view="{name}"]').wait_for()

    async def unlock(self, *, ahead: int = 0) -> None:
        await self.start(ahead=ahead)
        await self.page.goto(f"{self.base}/phone/")
        await self.view("unlock")
        await self.page.locator("#passphrase").fill(PHONE_PASSPHRASE)
        await self.press("Unlock")
        await self.view("home")

    async def home(self) -> None:
        await self.page.locator("#view [data-do=home]").first.click()
        await self.view("home")

    async def asked(self, question: str) -> str:
        """Give the text of a desk's question to the page; the view that follows."""
        if await self.page.locator("#view").get_attribute("data-view") != "scan":
            await self.press("Show at a desk")
            await self.view("scan")
        await self.page.locator("details[data-ways][open]").wait_for()
        await self.page.locator("#pasted").fill(question)
        await self.press("Use this text")
        return await self.left("scan")

    async def left(self, view: str) -> str:
        """Wait until the page shows another view than ``view``, or says at a field what is wrong."""
        there = f'#view:not([data-view="{view}"]), #view .govuk-error-message:not([hidden])'
        await self.page.locator(there).first.wait_for()
        return str(await self.page.locator("#view").get_attribute("data-view"))

    async def agree(self) -> list[str]:
        """Show once: the texts of all squares, in their order."""
        await self.press("Show once")
        await self.view("frames")
        canvas, pause = self.page.locator("canvas"), self.page.locator("[data-do=pause]")
        if not await pause.is_visible():
            single = await self.code("canvas")
            if not await pause.is_visible():  # else the page has made the squares bigger meanwhile, and it takes several
                return [single]
        await pause.click()
        count = max(map(int, re.findall(r"\d+", str(await canvas.get_attribute("aria-label")))))
        texts = []
        for _ in range(count):
            texts.append(await self.code("canvas"))
            await self.press("Next square")
        return texts

    async def answer(self, question: str) -> list[str]:
        assert await self.asked(question) == "consent", await self.heading()
        return await self.agree()

    async def again(self) -> None:
        """Done with these squares: back to the documents."""
        await self.press("Done")
        await self.view("shown")
        await self.press("My documents")
        await self.view("home")

    async def answer_digits(self, digits: str, *, organisation: str, use: str) -> list[str]:
        await self.press("Type a code instead")
        await self.view("code")
        await self.page.locator("#body").select_option(label=organisation)
        await self.page.locator("#use").select_option(label=use)
        await self.page.locator("#digits").fill(digits)
        await self.press("Continue")
        assert await self.left("code") == "consent", await self.text()
        await self.look("consent-by-code")
        return await self.agree()

    async def paper(self, *, organisation: str, use: str) -> bytes:
        """A printed copy, photographed."""
        await self.press("Print a copy for one organisation")
        await self.view("paper")
        await self.page.locator("#body").select_option(label=organisation)
        await self.page.locator("#use").select_option(label=use)
        await self.press("Continue")
        await self.view("consent")
        await self.press("Show once")
        await self.view("printed")
        await self.look("printed")
        picture: bytes = await self.page.locator(".ph-paper__code").screenshot()
        return picture


_PASTE = """text => {
  const field = document.querySelector("[data-part=paste]");
  if (field === null) return false;
  field.value = text;
  field.closest("details").querySelector("[data-on=paste]").click();
  return true;
}"""


class Desk(Side):
    """The checking page."""

    async def set_up(self, who: dict[str, Any]) -> None:
        await self.person.open(self.person.program)
        page = self.page
        await page.goto(f"{self.base}/desk/sign-in?next=/desk/scan/")
        await page.get_by_label("Your name").fill(who["operator"])
        await page.locator("#passphrase").fill(who["passphrase"])
        await self.press("Sign in")
        await self.view("enrol")
        await page.locator("#scan-name").fill("Counter 3")
        await page.locator("#scan-passphrase").fill(DESK_PASSPHRASE)
        await page.locator("#scan-again").fill(DESK_PASSPHRASE)
        await self.press("Set up this desk")
        await self.view("home")
        await page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
        await page.get_by_text("Checking pack: dated").wait_for()
        await self.person.close()

    async def view(self, name: str) -> None:
        await self.page.locator(f'#scan[data-view="{name}"]').wait_for()

    async def unlock(self, *, ahead: int = 0) -> None:
        await self.start(ahead=ahead)
        await self.page.goto(f"{self.base}/desk/scan/")
        await self.view("locked")
        await self.page.locator("#scan-passphrase").fill(DESK_PASSPHRASE)
        await self.press("Open")
        await self.view("home")

    async def ask(self, use: str = "Bank account") -> str:
        """The text of a new question."""
        await self.page.locator(".scan-use", has_text=use).click()
        await self.view("ask")
        return await self.code("[data-part=code]")

    async def ask_digits(self, use: str = "Bank account") -> str:
        await self.press("Make a code to type")
        await self.view("typed")
        await self.page.locator(".scan-use", has_text=use).click()
        await self.view("code")
        return re.sub(r"\D", "", await self.page.locator(".scan-digits").inner_text())

    async def take(self, texts: Iterable[str]) -> None:
        """Paste the texts of squares, one after the other, until the page has all that it needs and asks for no more."""
        for text in texts:
            if not await self.page.evaluate(_PASTE, text):
                return

    async def scanner(self, text: str) -> None:
        """A hand scanner types it."""
        await self.page.keyboard.type(text)
        await self.page.keyboard.press("Enter")

    async def photograph(self, picture: bytes) -> None:
        await self.page.locator("#scan input[type=file]").set_input_files({"name": "copy.png", "mimeType": "image/png", "buffer": picture})

    async def verdict(self) -> tuple[str, str]:
        """The level and the heading of the result."""
        await self.view("result")
        return str(await self.page.locator("[data-part=verdict]").get_attribute("data-level")), await self.heading()

    async def note(self) -> str:
        """What is said beside the camera."""
        await self.page.locator("[data-part=note]:not([hidden])").wait_for()
        return " ".join((await self.page.locator("[data-part=note]").inner_text()).split())

    async def next(self) -> None:
        await self.press("Next customer")
        await self.view("home")


@asynccontextmanager
async def opened(parted: Parted, folder: Path, *names: str, ahead: dict[str, int] | None = None) -> AsyncIterator[list[Any]]:
    """Both pages, or those in ``names`` ("phone", "desk", "stranger"), unlocked on copies of what was set up."""
    async with async_playwright() as playwright:
        sides: list[Any] = []
        try:
            for name in names or ("phone", "desk"):
                kind, size, base = {
                    "phone": (Phone, PHONE, parted.wallet),
                    "desk": (Desk, LAPTOP, parted.desk),
                    "stranger": (Desk, LAPTOP, parted.stranger),
                }[name]
                await asyncio.to_thread(shutil.copytree, parted.folder / f"{name}-profile", folder / f"{name}-profile", symlinks=True)
                sides.append(kind.of(name, folder, size, playwright, base))
            await asyncio.gather(*(each.unlock(ahead=(ahead or {}).get(each.person.name, 0)) for each in sides))
            yield sides
        finally:
            for each in sides:
                await each.person.close()
