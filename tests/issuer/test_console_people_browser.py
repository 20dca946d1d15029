"""The console's letter, second person and correction in a real browser: two people, two sizes, both languages, and by keyboard alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect
from support.browser import LAPTOP, PHONE, Open, Walker
from support.console import add
from support.registry import LPA_1, Registry, Template, serving

pytestmark = pytest.mark.real


@pytest.fixture
async def careful(template: Template, tmp_path: Path) -> AsyncIterator[Registry]:
    """An office where a second person looks at each power of attorney; Iris and Ana both may."""
    async with serving(template, tmp_path / "registry", local=True, approve_types=("representation",)) as running:
        await add(running, "Ana Approver", "approver")
        yield running


async def enter(page: Page, registry: Registry, name: str) -> None:
    await page.goto(f"{registry.base}/console/sign-in")
    await page.get_by_label("Your name").fill(name)
    await page.get_by_role("textbox", name="Passphrase").fill(registry.passphrase)
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Office of the Public Guardian (test)").wait_for()


@pytest.mark.parametrize(("size", "name"), [(LAPTOP, "1280"), (PHONE, "320")])
async def test_second_person_and_correction(careful: Registry, open_page: Open, size: dict[str, int], name: str) -> None:
    made = await careful.make(birth_date="1968-03-14", reference="M-7890-0400-4000")
    document = f"{careful.base}/console/documents/{made['id']}"
    clerk, approver = Walker(await open_page(size), f"clerk-{name}"), Walker(await open_page(size), f"approver-{name}")
    await enter(clerk.page, careful, "Iris Admin")
    await _letter(clerk, document)
    await _send_back(approver, careful)
    await _correct(clerk, document)
    await _own(clerk, document)
    await _approve(approver, careful)


async def _letter(clerk: Walker, document: str) -> None:
    await clerk.page.goto(document)
    await clerk.look("document")
    await clerk.page.goto(f"{document}/sign-in-letter")
    await clerk.page.get_by_role("heading", name="A document for you to collect").wait_for()
    await expect(clerk.page.locator("img")).to_have_js_property("complete", value=True)
    await clerk.look("sign-in-letter")


async def _send_back(approver: Walker, careful: Registry) -> None:
    page = approver.page
    await enter(page, careful, "Ana Approver")
    await approver.look("start")
    await page.get_by_role("link", name="Look at what others made").click()
    await page.get_by_role("heading", name="Waiting for a second person").wait_for()
    await approver.look("waiting")
    await page.locator("tbody a").click()
    await page.get_by_role("heading", name="Is everything right?").wait_for()
    await approver.look("decide")
    await page.get_by_role("button", name="Send it back").click()
    await page.get_by_role("link", name="Say what is to be put right").wait_for()
    await approver.look("decide-wrong")
    await page.get_by_label("What is to be put right?").fill("The deed says banking only")
    await page.get_by_role("button", name="Send it back").click()
    await page.get_by_text("The deed says banking only").wait_for()
    await approver.look("sent-back")


async def _correct(clerk: Walker, document: str) -> None:
    page = clerk.page
    await page.goto(document)
    await page.get_by_text("The deed says banking only").wait_for()
    await clerk.look("sent-back")
    await page.get_by_role("button", name="Correct this document").click()
    await page.get_by_role("heading", name="Correct this document").wait_for()
    await page.get_by_role("checkbox", name="Council tax").uncheck()
    await clerk.look("correct")
    await page.get_by_role("button", name="Check the answers").click()
    await page.get_by_role("link", name="Say what was wrong").wait_for()
    await clerk.look("correct-wrong")
    await page.get_by_label("What was wrong?").fill("Council tax is not in the deed")
    await page.get_by_role("button", name="Check the answers").click()
    await page.get_by_role("heading", name="Check the correction").wait_for()
    await clerk.look("correct-answers")
    await page.goto(f"{document}/correct?lang=cy")
    await clerk.look("correct-cy")
    await page.goto(f"{document}/correct?lang=en")
    await page.get_by_role("checkbox", name="Council tax").uncheck()
    await page.get_by_label("What was wrong?").fill("Council tax is not in the deed")
    await page.get_by_role("button", name="Check the answers").click()
    await page.get_by_role("heading", name="Check the correction").wait_for()
    await page.locator('button[value="make"]').click()
    await page.get_by_text("Council tax is not in the deed").wait_for()
    await clerk.look("corrected")


async def _own(clerk: Walker, document: str) -> None:
    """Who wrote the details is told why she does not decide."""
    await clerk.page.goto(f"{document}/decide")
    await clerk.page.get_by_text("You wrote these details").wait_for()
    await expect(clerk.page.get_by_role("button", name="Approve it")).to_have_count(0)
    await clerk.look("decide-own")


async def _approve(approver: Walker, careful: Registry) -> None:
    page = approver.page
    await page.goto(f"{careful.base}/console/waiting?lang=cy")
    await approver.look("waiting-cy")
    await page.locator("tbody a").click()
    await page.get_by_role("heading", level=1).wait_for()
    await approver.look("decide-cy")
    await page.goto(f"{page.url}?lang=en")
    await page.get_by_role("button", name="Approve it").click()
    await page.get_by_text("Approved by a second person").wait_for()
    await approver.look("approved")
    await page.goto(f"{careful.base}/console/waiting")
    await page.get_by_text("Nothing waits").wait_for()
    await approver.look("nothing-waits")


async def reach(page: Page, wanted: Locator) -> None:
    """As a person without a mouse: on and on with Tab."""
    for _ in range(40):
        await page.keyboard.press("Tab")
        if await wanted.evaluate("element => element === document.activeElement"):
            return
    pytest.fail("never reached")


async def test_second_person_by_keyboard_and_without_scripts(careful: Registry, open_page: Open) -> None:
    await careful.make(claims=LPA_1)
    page = (await open_page(PHONE, javascript=False)).page
    await enter(page, careful, "Ana Approver")
    await page.goto(f"{careful.base}/console/waiting")
    await reach(page, page.locator("tbody a"))
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Is everything right?").wait_for()
    await reach(page, page.get_by_role("button", name="Approve it"))
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("What is to be put right?")).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Enter")
    await page.get_by_text("Approved by a second person").wait_for()
