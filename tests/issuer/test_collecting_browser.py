"""A holder's way through the office in a real browser: with a letter, with a passkey, by keyboard, without JavaScript, on a phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect
from support.attested import CALLBACK, Wallet, attested
from support.browser import LAPTOP, PHONE, Open, Walker, Watched
from support.registry import NOON, Registry, Template, serving
from support.visitor import letter
from support.walk import Typist

from issuer import people
from issuer.offers import Made
from shared.openid4vci import sign_in_url

pytestmark = pytest.mark.real

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
async def registry(template: Template, tmp_path: Path) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "registry", local=True) as running:
        running.clock.at = NOON  # when the certificates of the test's wallet maker are in force
        yield running


async def come(page: Page, wallet: Wallet, **more: Any) -> Any:
    """From the wallet, whose own page is played by the browser."""
    sign_in, pushed = await wallet.push(**more)
    await page.goto(sign_in_url(wallet.metadata.server, wallet.client_id, pushed))
    await page.get_by_role("heading", name="Sign in to collect your document").wait_for()
    return sign_in


async def play_wallet(page: Page) -> None:
    async def answer(route: Route) -> None:
        await route.fulfill(body="<!doctype html><html lang=en><title>Wallet</title><h1>Back in the wallet</h1>", content_type="text/html")

    await page.route(f"{CALLBACK}**", answer)


async def fill_in(page: Page, code: str, day: str = "14") -> None:
    await page.get_by_label("Code from the letter").fill(code)
    for name, value in {"Day": day, "Month": "3", "Year": "1968"}.items():
        await page.get_by_label(name, exact=True).fill(value)


@pytest.mark.parametrize(("size", "name", "javascript"), [(LAPTOP, "1280", True), (PHONE, "320", True), (PHONE, "plain", False)])
async def test_letter_choice_and_agreement(
    registry: Registry, open_page: Open, size: dict[str, int], name: str, *, javascript: bool
) -> None:
    first = await letter(registry)
    second = await letter(registry, register_entry="urn:fdc:opg.example:2027:lpa:M-7890-0400-4001")
    watched = await open_page(size, javascript=javascript)
    walker = Walker(watched, f"holder-{name}")
    page = watched.page
    look = walker.look if javascript else _only_shape(watched)
    await play_wallet(page)
    wallet = await attested(registry)
    sign_in = await come(page, wallet)
    await look("sign-in")
    await fill_in(page, first.secrets.activation or "", day="15")
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_text("There is a problem").wait_for()
    await look("sign-in-wrong")
    await fill_in(page, first.secrets.activation or "")
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("heading", name="Check and agree").wait_for()
    await look("agree")
    await page.goto(f"{registry.base}/authorize/sign-in")
    await fill_in(page, (second.secrets.activation or "").lower())
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("heading", name="Are both letters for you?").wait_for()
    await look("same")
    await page.get_by_role("button", name="Both are for me").click()
    await page.get_by_role("heading", name="Which document do you want to collect?").wait_for()
    await look("choose")
    await page.get_by_label(offers_number(first)).check()
    await page.get_by_role("button", name="Go on").click()
    await page.get_by_role("heading", name="Check and agree").wait_for()
    await page.goto(f"{page.url}&lang=cy")
    await look("agree-cy")
    await page.goto(page.url.replace("lang=cy", "lang=en"))
    await page.get_by_role("button", name="Agree and make it").click()
    await page.get_by_role("heading", name="Back in the wallet").wait_for()
    assert page.url.startswith(f"{CALLBACK}?code=")
    token = await wallet.change(sign_in, page.url)
    assert len((await wallet.copies(token)).credentials) == 1
    assert watched.faults == []


def offers_number(made: Made) -> str:
    return "-".join(made.document[start : start + 4] for start in range(0, 16, 4))


def _only_shape(watched: Watched) -> Any:
    """axe itself is a script."""

    async def look(_: str) -> None:
        await watched.check_shape()

    return look


async def test_by_keyboard_alone(registry: Registry, open_page: Open) -> None:
    """Tab, type, Enter; the focus stands where a person sees it, a no is as near as a yes, and who needs more time than most has it."""
    made = await letter(registry)
    watched = await open_page(LAPTOP)
    page, hand = watched.page, Typist(watched=watched)
    await play_wallet(page)
    wallet = await attested(registry)
    await page.clock.install()
    await come(page, wallet)
    life = registry.office.settings.sign_in_minutes * 60
    for _ in range(2):
        async with page.expect_response("**/authorize/stay"):
            registry.clock.at += life - 100
            await page.clock.fast_forward((life - 100) * 1000)
        await expect(page.get_by_role("alert")).to_contain_text("Your time here ends within two minutes, and what you have typed is lost.")
        await hand.hit(page.get_by_role("button", name="Give me more time"))
        await expect(page.locator("[data-stay]")).to_be_hidden()
    await watched.check()
    await page.get_by_label("Code from the letter").focus()
    for text in (made.secrets.activation or "", "14", "3", "1968"):
        await page.keyboard.type(text)
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Check and agree").wait_for()
    await page.get_by_role("button", name="Agree and make it").focus()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="I do not agree")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Back in the wallet").wait_for()
    assert "error=access_denied" in page.url


async def test_passkey_added_used_and_removed(registry: Registry, open_page: Open) -> None:
    """Added after a first sign-in, it signs her in for the next wallet; removed, it does not."""
    made, watched = await letter(registry), await open_page(PHONE)
    walker, page = Walker(watched, "holder-passkey"), watched.page
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    await play_wallet(page)
    wallet = await attested(registry)
    await come(page, wallet)
    await page.get_by_role("button", name="Use a passkey").click()
    await page.get_by_text("Nothing came of it. Try again, or use your letter.").wait_for()
    await walker.look("none-yet")
    await fill_in(page, made.secrets.activation or "")
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("link", name="add a passkey").click()
    await page.get_by_role("heading", name="Your passkeys here").wait_for()
    await walker.look("passkeys")
    await page.get_by_label("What do you want to call it?").fill("Nora’s phone")
    await page.get_by_role("button", name="Add a passkey").click()
    await page.get_by_role("button", name="Remove Nora’s phone").wait_for()
    await walker.look("added")
    await page.get_by_role("link", name="Back to your document").click()
    await page.get_by_role("button", name="I do not agree").click()
    await page.get_by_role("heading", name="Back in the wallet").wait_for()
    sign_in = await come(page, wallet)
    await page.get_by_role("button", name="Use a passkey").click()
    await page.get_by_role("heading", name="Check and agree").wait_for()
    await page.get_by_role("link", name="add a passkey").click()
    await page.get_by_text("Last used").wait_for()
    await page.get_by_role("button", name="Remove Nora’s phone").click()
    await page.get_by_text("There are none yet.").wait_for()
    await page.get_by_role("link", name="Back to your document").click()
    await page.get_by_role("button", name="Agree and make it").click()
    await page.get_by_role("heading", name="Back in the wallet").wait_for()
    assert (await wallet.copies(await wallet.change(sign_in, page.url))).credentials
    await come(page, wallet)
    await page.get_by_role("button", name="Use a passkey").click()
    await page.get_by_role("link", name="That passkey does not sign anybody in here").wait_for()
    await walker.look("removed")
    holder = await people.sign_in(registry.office, made.secrets.activation or "", "1968-03-14")
    assert await people.passkeys_of(registry.office, holder) == []
