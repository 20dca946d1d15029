"""The pages around webhooks and same-device requests in a real browser, small and large, in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.browser import LAPTOP, PHONE, Open
from support.desk import Template, serving
from support.receiver import HOOK, Receiver
from support.twin_kind import both_kinds
from support.walk import Walker

pytestmark = pytest.mark.real
NAMES = ("represented/given_name", "represented/family_name")


async def walker(open_page: Open, size: dict[str, int]) -> Walker:
    return Walker(watched=await open_page(size))


async def test_the_webhooks_page_sends_a_test(template: Template, tmp_path: Path, open_page: Open) -> None:
    site = Receiver(statuses=[204, 500])
    async with serving(template, tmp_path / "desk", site=site, local=True, webhook_url=HOOK, webhook_details=NAMES) as desk:
        walk = await walker(open_page, LAPTOP)
        page = walk.page
        await walk.go(f"{desk.base}/desk/webhook")
        await page.get_by_label("Your name").fill("Bea Clerk")
        await page.get_by_role("textbox", name="Passphrase").fill("correct-horse-battery")
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Tell our own program").wait_for()
        await walk.look("desk-webhook")
        await walk.press("Send a test")
        await page.get_by_text("The test was taken").wait_for()
        await walk.press("Send a test")
        await page.get_by_text("The test was not taken: http_500").wait_for()
        await walk.look("desk-webhook-tested")
        await walk.go(f"{desk.base}/desk/webhook?lang=cy")
        await page.get_by_role("heading", name="Rhoi gwybod i’n rhaglen ein hunain").wait_for()
        await walk.look("desk-webhook-welsh")


async def test_same_device_pages(template: Template, tmp_path: Path, open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verifier.opening.chosen_types", both_kinds)
    async with serving(template, tmp_path / "desk", local=True, outbound_allow=("localhost:*",)) as desk:
        asked = await desk.ask(same_device=True, redirect_uri=f"{desk.base}/desk/", type="")
        mine, other = await walker(open_page, PHONE), await walker(open_page, PHONE)
        await mine.go(asked["link"])
        await mine.look("request-same-device")
        await other.go(asked["link"], status=403)
        await other.page.get_by_role("heading", name="This was begun in another browser").wait_for()
        await other.look("request-elsewhere")
        await other.go(f"{asked['link']}&lang=cy", status=403)
        await other.look("request-elsewhere-welsh")
        asked = await desk.ask(same_device=True, redirect_uri=f"{desk.base}/desk/")
        await mine.go(asked["link"])
        _, told = await desk.answer(asked)
        await mine.page.goto(told["redirect_uri"])
        await mine.page.wait_for_url(f"{desk.base}/desk/**")
