"""Two people look at who takes over from whom, and a citizen reads it: in a real browser, at two sizes and in both languages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect
from support.browser import LAPTOP, PHONE, Open, Walker
from support.registry import Registry, Template, serving
from support.successions import acceptance, statement
from support.superior import COURT, Below, add_ben, enrolled

from shared.trust.succession import render_succession

pytestmark = pytest.mark.real

HEIR = "https://greater.example"
WORDS: dict[str, Any] = {
    "note": "Your council tax record has moved to Greater Anytown. Nothing changes for you.",
    "note#cy": "Mae eich cofnod treth gyngor wedi symud i Anytown Fwyaf. Nid oes dim yn newid i chi.",
}
Serve = Callable[[], AbstractAsyncContextManager[Registry]]


@pytest.fixture
def ministry(template: Template, tmp_path: Path) -> Serve:
    """With two bodies below it."""

    @asynccontextmanager
    async def open_() -> AsyncIterator[Registry]:
        async with serving(template, tmp_path / "ministry", local=True, superior=True) as running:
            yield running

    return open_


async def sign_in(page: Page, base: str, name: str, passphrase: str) -> None:
    await page.goto(f"{base}/console/sign-in")
    await page.get_by_label("Your name").fill(name)
    await page.get_by_label("Passphrase", exact=True).fill(passphrase)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.get_by_role("link", name="Federation")).to_be_visible()


@pytest.mark.parametrize(("size", "name"), [(LAPTOP, "1280"), (PHONE, "320")])
async def test_from_the_file_to_the_citizen(ministry: Serve, open_page: Open, size: dict[str, int], name: str) -> None:
    async with ministry() as registry:
        old, new = Below(COURT, superior=registry.url), Below(HEIR, superior=registry.url)
        for body, called in ((old, "Anytown Borough Council"), (new, "Greater Anytown")):
            await enrolled(registry, body, name=called)
        at = registry.clock()
        token = statement(
            old, COURT, HEIR, iat=at, purposes_carried=["council-tax"], status_duty=True, may_cancel=True, private=True, since=at, **WORDS
        )  # fmt: skip
        halves = render_succession(token, acceptance(new, COURT, token, iat=at)).decode()
        await _bring(Walker(await open_page(size), f"succession-{name}"), registry, halves)
        await _publish(Walker(await open_page(size), f"succession-{name}-second"), registry)


async def _bring(walker: Walker, registry: Registry, halves: str) -> None:
    page = walker.page
    await sign_in(page, registry.base, "Iris Admin", registry.passphrase)
    await page.get_by_role("link", name="Federation").click()
    await page.get_by_role("link", name="Who takes over from whom").click()
    await expect(page.get_by_text("Nobody takes over from anybody yet.")).to_be_visible()
    await page.get_by_role("button", name="Look at it").click()
    await expect(page.get_by_role("alert")).to_contain_text("Paste what the successor’s program has written")
    await walker.look("errors")
    await page.get_by_label("The successor’s file").fill(halves)
    await page.get_by_role("button", name="Look at it").click()
    await expect(page.get_by_text("Somebody else has to look at it too.")).to_be_visible()
    await walker.look("first-look")


async def _publish(walker: Walker, registry: Registry) -> None:
    page = walker.page
    await sign_in(page, registry.base, "Ben", await add_ben(registry))
    await page.goto(f"{registry.base}/console/federation/successions")
    await expect(page.get_by_text("Waits for a second person")).to_be_visible()
    await walker.look("list")
    await page.get_by_role("link", name="Greater Anytown after Anytown Borough Council").click()
    await walker.look("second-look")
    await page.get_by_role("button", name="Publish it").click()
    await expect(page.get_by_role("heading", name="Published")).to_be_visible()
    await walker.look("published")
    await page.get_by_text("Withdraw it", exact=True).click()
    await page.get_by_role("button", name="Withdraw it now").click()
    await expect(page.get_by_role("alert")).to_contain_text("Say why")
    await walker.look("withdraw-errors")
    await page.goto(f"{registry.base}/console/federation/successions?lang=cy")
    await walker.look("list-welsh")
    await page.goto(f"{registry.base}/federated?lang=en")
    await expect(page.get_by_text("it is now kept by Greater Anytown")).to_be_visible()
    await walker.look("public")
    await page.goto(f"{registry.base}/federated?lang=cy")
    await expect(page.get_by_text("Greater Anytown sy’n ei gadw bellach")).to_be_visible()
    await walker.look("public-welsh")
