"""A real Chromium, driven as a person would; every page that it shows is watched for what the house forbids."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urljoin

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Page, async_playwright, expect

from demo.browser import QUIET
from shared.clock import monotonic

FLAGS = list(QUIET)
PATIENCE = 30_000  # milliseconds, on a machine that does much else
SCREENS = Path(os.environ["MUNIMENT_SCREENS"]) if os.environ.get("MUNIMENT_SCREENS") else None
"""Where pictures of pages are kept: `make screens` says so."""
_OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
_MOVES = """() => {
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) return [];
  const still = (one, part) => {
    const { animationName, transitionDuration } = getComputedStyle(one, part);
    return animationName === "none" && /^0s(, 0s)*$/.test(transitionDuration);
  };
  return [...document.querySelectorAll("*")].filter((one) => [null, "::before", "::after"].some((part) => !still(one, part)))
    .map((one) => one.outerHTML.slice(0, 120));
}"""
"""What is animated, or changes not at once, where somebody wants no motion (WCAG 2.2, 2.3.3)."""
_LARGE_TEXT = """() => {
  const root = document.documentElement;
  const all = [root, ...document.body.querySelectorAll("*")].filter((each) => each.style && each.checkVisibility());
  const sizes = all.map((each) => parseFloat(getComputedStyle(each).fontSize));
  const before = all.map((each) => each.style.fontSize);
  all.forEach((each, n) => { each.style.fontSize = `${2 * sizes[n]}px`; });
  const wide = root.scrollWidth - root.clientWidth;
  const cut = [], apart = [];
  for (const each of all) {
    const { overflowX, overflowY, position } = getComputedStyle(each);
    const hides = (how) => how === "hidden" || how === "clip";
    const tall = each.scrollHeight > each.clientHeight + 2, long = each.scrollWidth > each.clientWidth + 2;
    if (each.clientWidth > 1 && each.textContent.trim() && !each.matches(".govuk-visually-hidden, svg, svg *")
      && ((hides(overflowY) && tall) || (hides(overflowX) && long))) cut.push(each);
    if (position === "fixed" || position === "sticky" || (each !== root && overflowX !== "visible" && (tall || long))) apart.push(each);
  }
  const lines = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
  const shown = new Set(all);
  while (texts.nextNode()) {
    const node = texts.currentNode, of = node.parentElement;
    if (!node.data.trim() || !shown.has(of) || apart.some((each) => each.contains(of))) continue;
    range.selectNodeContents(node);
    for (const { left, right, top, bottom } of range.getClientRects()) lines.push({ node, left, right, top, bottom });
  }
  lines.sort((one, other) => one.top - other.top);
  const over = [];
  lines.forEach((one, n) => {
    for (let m = n + 1; m < lines.length && lines[m].top < one.bottom; m++) {
      const other = lines[m], shared = Math.min(one.bottom, other.bottom) - other.top;
      if (one.node !== other.node && Math.min(one.right, other.right) - Math.max(one.left, other.left) > 2
        && shared > 0.3 * Math.min(one.bottom - one.top, other.bottom - other.top)) over.push([one.node.data.trim(), other.node.data.trim()]);
    }
  });
  all.forEach((each, n) => { each.style.fontSize = before[n]; });
  return [wide, cut.map((each) => each.outerHTML.slice(0, 120)), over.slice(0, 5)];
}"""
"""With the text alone at twice its size (WCAG 2.2, 1.4.4): how much wider than the window the page is, what is cut off, and which texts lie
over each other."""
LAPTOP, PHONE = {"width": 1280, "height": 900}, {"width": 320, "height": 640}
HAND = {"width": 390, "height": 844}
SIZES = {"1280": LAPTOP, "320": PHONE}
LANGUAGE = "muniment-lang"  # the cookie of the pages


def _wish(rules: tuple[str, ...]) -> dict[str, object]:
    return {"resultTypes": ["violations"]} | ({"runOnly": {"type": "rule", "values": list(rules)}} if rules else {})


@dataclass
class Watched:
    """A page and what went wrong on it: violations of the content security policy, script errors, failed loads."""

    page: Page
    faults: list[str] = field(default_factory=list)
    borne: set[str] = field(default_factory=set)

    def on_console(self, message: ConsoleMessage) -> None:
        known = ("status of 4", *self.borne)  # a refused form is answered with 4xx on purpose
        if message.type == "error" and not any(each in message.text for each in known):
            self.faults.append(message.text)

    async def check(self) -> None:
        """No fault so far, no axe violation now, nothing wider than the window, one heading, a title and a language."""
        await self.judge()
        await self.check_shape()

    async def judge(self, *rules: str) -> None:
        """No fault so far and no violation of axe's ``rules``, all of them where none is named."""
        await self._calmly(partial(self._judge, *rules))

    async def _calmly(self, look: Callable[[], Awaitable[None]]) -> None:
        """A page that waits for something may go on by itself while it is looked at: then the one that has come is."""
        for _ in range(5):
            began = await self._began()
            try:
                return await look()
            except (Error, AssertionError):
                if await self._began() == began:
                    raise
        return await look()

    async def _began(self) -> float:
        """When the document in the window was begun: another one has another time."""
        for _ in range(5):
            try:
                await self.page.wait_for_load_state()
                return float(await self.page.evaluate("performance.timeOrigin"))
            except Error as error:
                if "Execution context was destroyed" not in error.message:
                    raise
        return float(await self.page.evaluate("performance.timeOrigin"))

    async def _judge(self, *rules: str) -> None:
        assert self.faults == [], f"{self.page.url}: {self.faults}"
        if not await self.page.evaluate("'axe' in window"):  # half a megabyte to read: once for each page, however often it is judged
            await self.page.evaluate(AXE_SCRIPT)
        found = await self.page.evaluate("(wish) => axe.run(document, wish).then((all) => all.violations)", _wish(rules))
        violations = [f"{each['id']}: {[node['html'][:200] for node in each['nodes'][:3]]}" for each in found]
        assert violations == [], f"{self.page.url}: {violations}"

    async def check_shape(self) -> None:
        """What can be told without axe: no fault so far, nothing wider than the window, one heading, mistakes said once, a title and a language,
        nothing that moves before those who want no motion, and on a window for two columns all of it whole with letters of twice the size: a window of 320 px *is* a page at 400 % (WCAG 2.2, 1.4.10).
        """
        await self._calmly(self._check_shape)

    async def _check_shape(self) -> None:
        assert self.faults == [], f"{self.page.url}: {self.faults}"
        overflow = await self.page.evaluate(_OVERFLOW)
        for _ in range(20):  # a window that was just made narrower lays its page out once more, on a busy machine not at once
            if overflow <= 0:
                break
            await self.page.wait_for_timeout(250)
            overflow = await self.page.evaluate(_OVERFLOW)
        assert overflow <= 0, f"{self.page.url} is {overflow} px wider than the window"
        assert await self.page.locator("h1").count() == 1, self.page.url
        assert await self.page.locator(".govuk-error-summary").count() <= 1, f"{self.page.url} says twice what is wrong"
        assert await self.page.title()
        assert await self.page.locator("html").get_attribute("lang")
        await self.check_still()
        if (self.page.viewport_size or LAPTOP)["width"] >= 640:
            await self.check_large_text()

    async def check_still(self) -> None:
        """Where somebody wants no motion, nothing is animated or slides to its place."""
        moves = await self.page.evaluate(_MOVES)
        assert moves == [], f"{self.page.url} moves: {moves}"

    async def check_large_text(self) -> None:
        """With letters of twice the size nothing is cut off or lies over another, and the page is read without moving it sideways."""
        wide, cut, over = await self.page.evaluate(_LARGE_TEXT)
        assert wide <= 0, f"{self.page.url} is {wide} px wider than the window when its text is twice as large"
        assert cut == [], f"{self.page.url} cuts off text of twice the size: {cut}"
        assert over == [], f"{self.page.url}: texts of twice the size lie over each other: {over}"

    async def check_large_text_in_hand(self) -> None:
        """The same in a window as wide as a phone of today; it is as it was afterwards."""
        before = self.page.viewport_size or LAPTOP
        await self.page.set_viewport_size({"width": HAND["width"], "height": HAND["height"]})
        await self.check_large_text()
        await self.page.set_viewport_size({"width": before["width"], "height": before["height"]})


def album() -> Path | None:
    """The folder of the running test's pictures: ``e2e/at_c05/at_c05_1_joan_tells…`` below ``SCREENS``. None where none are kept."""
    if SCREENS is None:
        return None
    file, _, name = os.environ["PYTEST_CURRENT_TEST"].rpartition(" ")[0].partition("::")
    place = Path(file)
    return SCREENS / place.parent.name / place.stem.removeprefix("test_") / re.sub(r"\W+", "-", name.removeprefix("test_")).strip("-")


@dataclass
class Walker:
    """``look`` checks the page, and keeps its pictures when MUNIMENT_SCREENS names a folder: numbered, as ``name`` walks."""

    watched: Watched
    name: str
    count: int = 0
    folder: Path | None = field(default_factory=album)

    @property
    def page(self) -> Page:
        return self.watched.page

    async def look(self, name: str) -> None:
        await self.watched.check()
        if self.folder is not None:
            self.count += 1
            named = f"{self.name}-{self.count:02d}-{name}"
            await in_both_sizes(self.page, self.folder, named)
            await in_the_other_language(self.page, self.folder, named)


expect.set_options(timeout=PATIENCE)
Open = Callable[..., Awaitable[Watched]]  # (size, javascript=True)


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium; its absence is a failure of the test, never a reason to skip."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.fail("Chromium is not installed: `make system` brings it")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def open_page(chromium: Browser) -> AsyncIterator[Open]:
    """``await open_page(LAPTOP)``: a page in a profile of its own, of somebody who wants no motion. axe needs the policy out of the way, so a twin runs it."""
    contexts: list[BrowserContext] = []

    async def open_(size: dict[str, int], *, javascript: bool = True) -> Watched:
        context = await chromium.new_context(
            viewport={"width": size["width"], "height": size["height"]},
            locale="en-GB",
            java_script_enabled=javascript,
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = await context.new_page()
        watched = Watched(page)
        page.on("console", watched.on_console)
        page.on("pageerror", lambda error: watched.faults.append(str(error)))
        return watched

    yield open_
    for context in contexts:
        await context.close()


async def until(page: Page, script: str) -> None:
    """Wait until the promise of ``script`` is true: ``wait_for_function`` takes a promise itself for true."""
    ends = monotonic() + PATIENCE / 1000
    while not await page.evaluate(script):
        assert monotonic() < ends, f"never true: {script}"
        await page.wait_for_timeout(100)


async def picture(page: Page, folder: Path, name: str) -> None:
    """A screenshot of the whole page."""
    await page.screenshot(path=folder / f"{name}.png", full_page=True)


async def in_both_sizes(page: Page, folder: Path, name: str) -> None:
    """Two pictures of the page; its window is as it was afterwards."""
    before = page.viewport_size
    for size, box in SIZES.items():
        await page.set_viewport_size({"width": box["width"], "height": box["height"]})
        await picture(page, folder, f"{name}-{size}")
    if before is not None:
        await page.set_viewport_size(before)


async def in_the_other_language(page: Page, folder: Path, name: str) -> None:
    """The same page in a tab beside it, where its address may be asked for again; a page that asks by itself is left alone."""
    switch = page.locator(".mu-languages a[rel=alternate]")  # not the one of an answer to a form
    if await switch.count() != 1 or await page.locator("[data-poll]").count():
        return
    address = urljoin(page.url, await switch.get_attribute("href"))
    tab, before = await page.context.new_page(), await page.context.cookies()
    await tab.goto(address)
    await in_both_sizes(tab, folder, f"{name}-{await switch.get_attribute('hreflang')}")
    await tab.close()
    await page.context.clear_cookies(name=LANGUAGE)
    kept = [each["value"] for each in before if each.get("name") == LANGUAGE]
    await page.context.add_cookies([{"name": LANGUAGE, "value": value, "url": urljoin(page.url, "/")} for value in kept])
