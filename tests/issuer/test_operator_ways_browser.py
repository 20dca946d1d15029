"""Operators' ways in with a real browser: a passkey added, used, seen and removed by an admin; the pages on a phone and in Welsh."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page
from support.browser import LAPTOP, PHONE, Open, Walker
from support.console import add
from support.registry import Registry, Template, serving

pytestmark = pytest.mark.real

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
ELSEWHERE: dict[str, Any] = {
    "operator_login_issuer": "https://login.example",
    "operator_login_client_id": "office",
    "operator_login_name": "Staff Account",
    "operator_login_roles": ("heads=admin",),
}


@pytest.fixture
async def registry(template: Template, tmp_path: Path) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "registry", local=True, **ELSEWHERE) as running:
        yield running


async def sign_in(page: Page, base: str, name: str) -> None:
    await page.goto(f"{base}/console/sign-in")
    await page.get_by_label("Your name").fill(name)
    await page.get_by_label("Passphrase", exact=True).fill("correct-horse-battery")
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.get_by_role("button", name="Sign out").wait_for()


@pytest.mark.parametrize(("size", "name"), [(LAPTOP, "operator-ways-1280"), (PHONE, "operator-ways-320")])
async def test_operators_passkey_in_a_browser(registry: Registry, open_page: Open, size: dict[str, int], name: str) -> None:
    await add(registry, "Cora Clerk", "clerk")
    watched = await open_page(size)
    walker, page, base = Walker(watched, name), watched.page, registry.base
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    await page.goto(f"{base}/console/sign-in")
    await page.get_by_role("button", name="Use a passkey").click()
    await page.get_by_text("Nothing came of it. Try again, or sign in in another way.").wait_for()
    await walker.look("sign-in")
    await page.get_by_role("button", name="Sign in with Staff Account").click()
    await page.get_by_role("link", name="Staff Account does not answer at this moment").wait_for()
    await walker.look("elsewhere-silent")
    await sign_in(page, base, "Cora Clerk")
    await page.get_by_role("link", name="Settings").click()
    await page.get_by_role("link", name="Your passkeys").click()
    await page.get_by_text("There are none yet.").wait_for()
    await walker.look("none-yet")
    await page.reload()  # a picture in the other language was a page of its own, with the challenge that counts
    await page.get_by_label("What do you want to call it?").fill("Cora’s phone")
    await page.get_by_role("button", name="Add a passkey").click()
    await page.get_by_role("button", name="Remove Cora’s phone").wait_for()
    await walker.look("added")
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_role("button", name="Use a passkey").click()
    await page.get_by_role("button", name="Sign out").wait_for()
    await page.goto(f"{base}/console/passkeys?lang=cy")
    await walker.look("used-cy")
    registry.clock.at += 11 * 60
    await page.goto(f"{base}/console/passkeys?lang=en")
    await page.get_by_text("To add one, sign out and in again").wait_for()
    await walker.look("too-late")
    await page.get_by_role("button", name="Sign out").click()
    await sign_in(page, base, "Iris Admin")
    await page.goto(f"{base}/console/settings")
    await page.get_by_role("link", name="Who signs in how").click()
    await page.get_by_text("With the passkey “Cora’s phone”.").wait_for()
    await walker.look("everybody")
    await page.get_by_role("button", name="Remove “Cora’s phone” of Cora Clerk").click()
    await page.get_by_role("button", name="Remove “Cora’s phone” of Cora Clerk").wait_for(state="detached")
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_role("button", name="Use a passkey").click()
    await page.get_by_role("link", name="That passkey does not sign anybody in here").wait_for()
    await walker.look("removed")
