"""The worst day as an admin sees it: in a real browser, at two sizes, and in Welsh."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from support.browser import LAPTOP, PHONE, Open, Walker
from support.registry import Registry, Template, collect, serving

from issuer import recall

pytestmark = pytest.mark.real

REASON = "A stick with a copy of the key is missing"


async def _sign_in(page: Page, registry: Registry) -> None:
    await page.goto(f"{registry.base}/console/sign-in")
    await page.get_by_label("Your name").fill("Iris Admin")
    await page.get_by_label("Passphrase", exact=True).fill(registry.passphrase)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.get_by_role("link", name="Settings").click()
    await page.get_by_role("link", name="Keys of documents, and what each signed").click()


@pytest.mark.parametrize(("size", "name"), [(LAPTOP, "1280"), (PHONE, "320")])
async def test_the_worst_day(template: Template, tmp_path: Path, open_page: Open, size: dict[str, int], name: str) -> None:
    async with serving(template, tmp_path / "registry", local=True) as registry:
        for place in range(3):
            await (await collect(registry, await registry.make(reference=f"case {place}"))).copies(2)
        kid = (await recall.keys(registry.office))[0].kid
        walker = Walker(await open_page(size), f"keys-{name}")
        page = walker.page
        await _sign_in(page, registry)
        await expect(page.get_by_role("heading", name="Keys of documents")).to_be_visible()
        await walker.look("keys")
        await page.get_by_role("link", name=kid).click()
        await expect(page.get_by_text("While this key signs, nothing by it can be called in")).to_be_visible()
        await walker.look("key")
        await page.get_by_text("Only what it signed from a moment on").click()
        await page.get_by_label("Day", exact=True).fill("32")
        await page.get_by_role("button", name="Show", exact=True).click()
        await expect(page.get_by_role("alert")).to_contain_text("Enter a real day")
        await walker.look("wrong-moment")
        await page.goto(f"{registry.base}/console/keys/next")
        await expect(page.get_by_role("heading", name="Do you want another key")).to_be_visible()
        await walker.look("next")
        await page.goto(f"{registry.base}/console/keys/{kid}/compromised")
        await page.get_by_label("Why?").fill(REASON)
        await walker.look("in-other-hands")
        await page.get_by_role("button", name="Say that it is in other hands").click()
        await expect(page.get_by_text("In other hands: nothing by it counts")).to_be_visible()
        await walker.look("reported")
        await page.get_by_role("button", name="Call these in").click()
        await expect(page.get_by_role("heading", name=f"Call in what key {kid} signed")).to_be_visible()
        await page.get_by_role("button", name="Call these in").click()
        await expect(page.get_by_role("alert")).to_contain_text("Say why")
        await walker.look("call-in-wrong")
        await page.get_by_label("Why?").fill(REASON)
        await page.get_by_label("Type the number of documents to confirm").fill("3")
        await page.get_by_role("button", name="Call these in").click()
        await expect(page.get_by_text("Documents done: 3 of 3. Copies cancelled: 6")).to_be_visible()
        await walker.look("under-way")
        await recall.tend(registry.office)
        await expect(page.get_by_text("Nothing that can still be used.")).to_be_visible()
        await expect(page.get_by_text("Done on")).to_be_visible()  # the page came again by itself
        await walker.look("done")
        for path in ("", f"/{kid}", "/next"):
            await page.goto(f"{registry.base}/console/keys{path}?lang=cy")
            await expect(page.locator("html")).to_have_attribute("lang", "cy")
            await walker.look(f"cy-{path.strip('/').replace(kid, 'key') or 'keys'}")
