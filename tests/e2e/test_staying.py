"""No time limit without a way to extend it (WCAG 2.2, 2.2.1), in a real browser: at the desk and in the wallet, on a clock that jumps.

The browser's clock and the service's go forward together; between them only what the page asks for goes over the network.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
from playwright.async_api import Page, expect
from support.browser import LAPTOP, PHONE, Open
from support.desk import make_template
from support.desk import serving as serve_desk
from support.wallets import serve_wallet

from shared.web import sessions
from shared.web.staying import PATH

pytestmark = pytest.mark.real
WARNING = 120  # seconds


class Clock(Protocol):
    at: int


@dataclass(frozen=True, kw_only=True)
class Place:
    """A service with the page that somebody has open; ``idle`` in seconds."""

    base: str
    page: str
    clock: Clock
    idle: int
    name: str
    passphrase: str
    label: str


@asynccontextmanager
async def at_the_desk(folder: Path) -> AsyncIterator[Place]:
    async with serve_desk(await make_template(folder / "template"), folder / "desk", local=True, refresh=False) as desk:
        yield Place(
            base=desk.base, page="/desk/ask", clock=desk.clock, idle=sessions.IDLE, name="Bea Clerk", passphrase="correct-horse-battery",
            label="Your name",
        )  # fmt: skip


@asynccontextmanager
async def in_the_wallet(folder: Path) -> AsyncIterator[Place]:
    async with serve_wallet(folder / "wallet") as site:
        yield Place(
            base=site.base, page="/receive", clock=site.world.clock, idle=site.host.place.settings.idle_minutes * 60, name=site.made.holder,
            passphrase=site.made.passphrase, label="Name of your wallet",
        )  # fmt: skip


async def enter(page: Page, place: Place) -> None:
    await page.goto(place.base + place.page)
    await page.get_by_label(place.label).fill(place.name)
    await page.get_by_role("textbox", name="Passphrase").fill(place.passphrase)
    await page.keyboard.press("Enter")
    await page.wait_for_url(place.base + place.page)  # the address of signing in ends alike


async def forward(page: Page, place: Place, seconds: int) -> None:
    """So much time goes by."""
    place.clock.at += seconds
    await page.clock.fast_forward(seconds * 1000)


async def passes(page: Page, place: Place, seconds: int) -> None:
    """The same; the page then asks the server how long is left, and has its answer."""
    async with page.expect_response(f"**{PATH}") as answer:
        await forward(page, place, seconds)
    await (await answer.value).finished()


@pytest.mark.parametrize(("opens", "size"), [(at_the_desk, LAPTOP), (in_the_wallet, PHONE)], ids=["desk", "wallet"])
async def test_nobody_is_signed_out_without_a_warning_and_a_way_to_stay(
    tmp_path: Path, open_page: Open, opens: Callable[[Path], AbstractAsyncContextManager[Place]], size: dict[str, int]
) -> None:
    async with opens(tmp_path) as place:
        watched = await open_page(size)
        page, asked = watched.page, list[str]()
        page.on("request", lambda request: asked.append(request.method) if request.url.endswith(PATH) else None)
        await page.clock.install()
        await enter(page, place)
        banner, button = page.locator("[data-stay]"), page.get_by_role("button", name="Stay signed in")
        await expect(banner).to_be_hidden()

        await forward(page, place, 300)
        other = await page.context.new_page()
        await other.goto(place.base + place.page)  # another tab is in use: that counts here
        await other.close()
        await passes(page, place, place.idle - WARNING - 300)
        await expect(banner).to_be_hidden()

        typed = page.locator("main").locator("input:visible, a:visible, button:visible").first
        await typed.focus()
        await passes(page, place, 300)
        await expect(banner).to_have_role("alert")
        await expect(banner).to_contain_text("You will be signed out within two minutes, and what you have typed is lost.")
        await watched.check()
        await expect(typed).to_be_focused()  # nobody is taken away from where she types
        for _ in range(40):  # by keyboard alone, backwards from the form
            if await button.evaluate("here => here === document.activeElement"):
                break
            await page.keyboard.press("Shift+Tab")
        await forward(page, place, WARNING // 2)
        async with page.expect_response(f"**{PATH}"):
            await page.keyboard.press("Enter")
        await expect(banner).to_be_hidden()
        await expect(typed).to_be_focused()
        await forward(page, place, WARNING // 2)  # the old end: she is still there
        await expect(banner).to_be_hidden()
        await passes(page, place, place.idle - WARNING // 2 - WARNING)
        await expect(button).to_be_visible()
        await page.context.set_offline(True)  # without an answer, the page keeps the time by itself
        await forward(page, place, WARNING)
        await expect(banner).to_contain_text("You are signed out, because the time is over.")
        await expect(button).to_be_hidden()
        await page.context.set_offline(False)
        assert asked == ["GET", "GET", "POST", "GET", "GET"], "somebody is kept in who did not say so"
        watched.faults.clear()  # that it was offline
        await watched.check()
        await page.get_by_role("link", name="Sign in again").click()
        await expect(page.get_by_role("textbox", name="Passphrase")).to_be_visible()
        assert "/sign-in?next=" in page.url
