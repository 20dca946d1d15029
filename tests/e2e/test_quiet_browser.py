"""The Chromium of the tests and stories does nothing but what it is told: its own pages would cost more than ours."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser

pytestmark = pytest.mark.real


async def test_a_window_brings_no_pages_of_the_browser_own(chromium: Browser) -> None:
    page = await chromium.new_page()
    await page.goto("about:blank")
    session = await chromium.new_browser_cdp_session()
    for _ in range(4):  # they come a moment after the window
        await page.wait_for_timeout(250)
        found = (await session.send("Target.getTargets", {"filter": [{"exclude": False}]}))["targetInfos"]
        assert [each["url"] for each in found if each["type"] == "page"] == ["about:blank"]
        assert [each["url"] for each in found if each["type"] == "browser_ui" or each["url"].startswith("chrome:")] == []


async def test_what_playwright_switches_off_stays_off(chromium: Browser) -> None:
    page = await chromium.new_page()
    await page.goto("chrome://version")
    lists = re.findall(r"--disable-features=(\S+)", await page.locator("#command_line").inner_text())
    assert len(lists) >= 2, "Playwright's list, and ours after it"
    theirs, ours = (set(each.split(",")) for each in (lists[0], lists[-1]))
    assert theirs - ours == set()
