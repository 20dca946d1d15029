"""The page of checking packs in a real browser, in every state, without JavaScript too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import expect
from support.browser import LAPTOP, PHONE, SCREENS, Open
from support.desk import Template, opened, refreshed, serving
from support.signing import AT
from support.trial_verify import DAY
from support.trial_web import Watch
from support.walk import Walker

from shared.jose.jwk import thumbprint
from shared.trust.anchors import render_trust
from verifier import packs
from verifier.desk import BUNDLE

pytestmark = pytest.mark.real


@pytest.mark.parametrize(("size", "javascript"), [(LAPTOP, True), (PHONE, False)])
async def test_packs_from_empty_to_run_out(
    size: dict[str, int], javascript: bool, template: Template, tmp_path: Path, open_page: Open
) -> None:
    async with opened(template, tmp_path / "head", clock=Watch(AT)) as head:
        await refreshed(head)
        (tmp_path / "monday.json").write_bytes((await packs.make(head)).data)
        signer = thumbprint(await head.custodian.public(BUNDLE))
    (tmp_path / "letter.json").write_text("{}")
    url = "https://head-office.example/packs/newest"
    async with serving(template, tmp_path / "branch", local=True, refresh=False, visit_issuers=False, pack_url=url) as desk:
        watched = await open_page(size, javascript=javascript)
        walker = Walker(watched=watched, folder=SCREENS if javascript else None, careful=javascript)
        page = walker.page
        await walker.go(f"{desk.base}/desk/")
        await page.get_by_label("Your name").fill("Bea Clerk")
        await page.locator("#passphrase").fill("correct-horse-battery")
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Northwold Bank").wait_for()

        await walker.go(f"{desk.base}/desk/trust/packs")
        await walker.look("packs-empty", dark=True)
        await walker.upload(tmp_path / "letter.json")
        await walker.press("Use this checking pack")
        await page.get_by_text("There is a problem").wait_for()
        await walker.look("packs-refused")

        trust = replace(desk.desk.trust, bundle_signers=(signer,))
        (desk.desk.directory / "trust.json").write_bytes(render_trust(trust))
        await walker.go(f"{desk.base}/desk/trust/packs")
        await walker.upload(tmp_path / "monday.json")
        await walker.press("Use this checking pack")
        await page.get_by_role("heading", name="The checking pack is in use").wait_for()
        await walker.look("packs-taken", dark=True)
        await walker.go(f"{desk.base}/desk/trust/packs?lang=cy")
        await expect(page.locator("html")).to_have_attribute("lang", "cy")
        await walker.look("packs-welsh")
        await walker.go(f"{desk.base}/desk/trust?lang=en")
        await walker.look("packs-trust")

        desk.clock.at += 8 * DAY
        await walker.go(f"{desk.base}/desk/")
        if await page.get_by_label("Your name").count():
            await page.get_by_label("Your name").fill("Bea Clerk")
            await page.locator("#passphrase").fill("correct-horse-battery")
            await page.keyboard.press("Enter")
            await page.get_by_role("heading", name="Northwold Bank").wait_for()
        await walker.look("packs-start-run-out")
        await walker.go(f"{desk.base}/desk/trust/packs")
        await page.get_by_text("past its end").wait_for()
        await walker.look("packs-run-out", dark=True)
