"""Walking through the sites as people do: with a mouse or by keyboard alone, looking at every page on the way."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Error, FilePayload, Locator, Page, Response
from support.browser import LAPTOP, SCREENS, SIZES, Watched, album, in_the_other_language, picture

from shared.codec import qr

PATIENCE = 30_000  # milliseconds, on a machine that does much else
WENT_ON = ("net::ERR_ABORTED", "interrupted by another navigation")
BY_SIZE = ("color-contrast", "target-size", "scrollable-region-focusable", "link-in-text-block")
"""The rules of axe that look at colours and places. The others read the document alone, as far as it is shown."""
SHOWN = "[...document.querySelectorAll('*')].map((each) => +each.checkVisibility()).join('')"
FOCUS = """(wanted) => {
  const here = document.activeElement;
  if (here === document.body) return [false, true];
  const ring = here.matches("input[type=radio], input[type=checkbox]") ? [here.nextElementSibling, "::before"] : [here, null];
  const seen = () => {
    const now = getComputedStyle(...ring);
    return [now.outlineStyle, now.outlineWidth, now.outlineColor, now.boxShadow, now.backgroundColor, now.borderColor].join();
  };
  const lit = seen();
  here.blur();
  const dark = seen();
  here.focus({ focusVisible: true });
  const same = wanted.type === "radio" ? here.name === wanted.name : here === wanted;
  return [same, lit !== dark];
}"""


@dataclass(slots=True, kw_only=True)
class Walker:
    """Somebody with a mouse. ``folder``: where pictures go, the test's own unless another is named; ``careful``: axe on every page."""

    watched: Watched
    folder: Path | None = field(default_factory=album)
    careful: bool = True
    names: list[str] = field(default_factory=list)

    @property
    def page(self) -> Page:
        return self.watched.page

    async def go(self, url: str, *, status: int = 200) -> None:
        """Open an address, which answers with ``status``."""
        answer = await self._goto(url, left=5)
        assert answer is not None
        assert answer.status == status, f"{url} was answered {answer.status}"

    async def _goto(self, url: str, *, left: int) -> Response | None:
        try:
            return await self.page.goto(url)
        except Error as error:  # a page that waits for something went on by itself in that very moment
            if left == 1 or not any(each in error.message for each in WENT_ON):
                raise
        await self.page.wait_for_load_state()
        return await self._goto(url, left=left - 1)

    async def press(self, name: str) -> None:
        """Press the button of that name, exactly; the page that comes has loaded."""
        await self.enter(self.page.get_by_role("button", name=name, exact=True).first)

    async def follow(self, name: str) -> None:
        """Follow the link of that name, exactly."""
        await self.enter(self.page.get_by_role("link", name=name, exact=True).first)

    async def enter(self, what: Locator) -> None:
        """Hit something that leads to another page, which has loaded when this returns."""
        async with self.page.expect_navigation(timeout=PATIENCE):
            await self.hit(what)

    async def write(self, label: str, text: str) -> None:
        """Fill in the field of that label, exactly."""
        await self.fill(self.page.get_by_role("textbox", name=label, exact=True), text)

    async def choose(self, label: str) -> None:
        """Tick the box, or choose the answer, of that label."""
        await self.tick(self.page.get_by_label(label, exact=True).first)

    # --- the hand

    async def hit(self, what: Locator) -> None:
        await what.click()

    async def fill(self, what: Locator, text: str) -> None:
        await what.fill(text)

    async def tick(self, what: Locator) -> None:
        await what.check()

    async def untick(self, what: Locator) -> None:
        await what.uncheck()

    async def upload(self, file: Path | FilePayload) -> None:
        await self.page.locator("input[type=file]").set_input_files(file)

    # --- the eye

    async def heading(self) -> str:
        return " ".join((await self.page.locator("h1").inner_text()).split())

    async def text(self) -> str:
        """What the page says, header and footer left out, in one line."""
        return " ".join((await self.page.locator("main").inner_text()).split())

    async def code(self) -> str:
        """What the square code on this page says, read from the screen."""
        await self.page.locator(".mu-qr__picture").scroll_into_view_if_needed()
        (said,) = qr.read(await self.page.locator(".mu-qr__plate").screenshot())
        return said

    async def row(self, label: str) -> str:
        """The value beside ``label`` in a list of details."""
        rows = self.page.locator(".govuk-summary-list__row")
        return (await rows.filter(has=self.page.get_by_text(re.compile(f"^{re.escape(label)}$"))).first.locator("dd").inner_text()).strip()

    async def look(self, name: str, *, dark: bool = False, paper: bool = False) -> None:
        """Check this page at both sizes. ``dark`` also looks at it on a dark screen, ``paper`` as it would be printed."""
        before = self.page.viewport_size or LAPTOP
        judged = ""
        for size, box in SIZES.items():
            await self.page.set_viewport_size({"width": box["width"], "height": box["height"]})
            shown = await self.page.evaluate(SHOWN)
            await self._check(*(BY_SIZE if shown == judged else ()))
            await self._take(f"{name}-{size}")
            judged = shown
        await self.page.set_viewport_size({"width": before["width"], "height": before["height"]})
        if SCREENS is not None and self.folder is not None:
            await in_the_other_language(self.page, self.folder, name)
        if dark:
            await self.page.emulate_media(color_scheme="dark")
            if self.careful:
                await self.watched.judge(BY_SIZE[0])  # nothing else of it can differ in the dark
            await self._take(f"{name}-dark")
            await self.page.emulate_media(color_scheme="light")
        if paper:
            await self.page.emulate_media(media="print")
            await self._take(f"{name}-paper")
            await self.page.emulate_media(media="screen")
        self.names.append(name)

    async def _check(self, *rules: str) -> None:
        if self.careful:
            await self.watched.judge(*rules)
        await self.watched.check_shape()

    async def _take(self, name: str) -> None:
        if self.folder is not None:
            await picture(self.page, self.folder, name)


class Typist(Walker):
    """Somebody without a mouse: Tab, Enter and Space, arrows within one question; every stop on the way shows where it is."""

    async def hit(self, what: Locator) -> None:
        await self._reach(what)
        await self.page.keyboard.press("Enter")

    async def fill(self, what: Locator, text: str) -> None:
        await self._reach(what)
        await self.page.keyboard.press("Control+A")
        await self.page.keyboard.type(text)

    async def tick(self, what: Locator) -> None:
        await self._reach(what)
        for _ in range(await what.evaluate("(one) => document.getElementsByName(one.name).length")):
            if await what.evaluate("(one) => one === document.activeElement"):
                break
            await self.page.keyboard.press("ArrowDown")
        if not await what.is_checked():
            await self.page.keyboard.press("Space")
        assert await what.is_checked()

    async def untick(self, what: Locator) -> None:
        await self._reach(what)
        await self.page.keyboard.press("Space")
        assert not await what.is_checked()

    async def upload(self, file: Path | FilePayload) -> None:
        async with self.page.expect_file_chooser() as waiting:  # begun early: Chromium takes a moment to hand its choosers over
            await self._reach(self.page.locator("button.govuk-file-upload-button"))
            await self.page.keyboard.press("Enter")
        await (await waiting.value).set_files(file)

    async def _reach(self, what: Locator) -> None:
        for _ in range(200):
            await self.page.keyboard.press("Tab")
            there, lit = await what.evaluate(FOCUS)
            assert lit, f"{self.page.url}: nothing shows that this has the focus: {await self._focused()}"
            if there:
                return
        raise AssertionError(f"{self.page.url}: Tab never comes to {what}")

    async def _focused(self) -> str:
        outer: str = await self.page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        return outer
