"""The consent page with several documents, a choice among them, and something to agree to: on a phone and a laptop, in both languages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect
from support.browser import LAPTOP, PHONE, SCREENS, Open, Watched, picture
from support.holdings import put_document
from support.suite_verifier import Suite, wanted
from support.trial_verify import CLAIMS
from support.wallets import Site, serve_wallet

from shared.credentials import Text
from shared.openid4vp import Agreement, VpResponse, render_agreement

pytestmark = pytest.mark.real
BACK = "https://council.example/done?step=2#response_code=091535f699ea575c7937fa5f0f454aee"
STATEMENT = Text("I let the council collect the council tax of 12 Mill Lane.", "Rwy’n gadael i’r cyngor gasglu treth gyngor 12 Mill Lane.")


def question() -> dict[str, Any]:
    """Two documents, one of them in one of two ways, and a third that need not be shown."""
    detail = (("represented", "given_name"), ("represented", "family_name"))
    return {
        "credentials": [
            wanted(paths=detail, id="power"),
            wanted("vc+sd-jwt", detail, id="other"),
            wanted("mso_mdoc", (("powers", None),), id="more"),
        ],
        "credential_sets": [{"options": [["power"], ["other"]]}, {"options": [["more"]], "required": False}],
    }


class Looker:
    """Keeps pictures of the pages when MUNIMENT_SCREENS names a folder."""

    def __init__(self, watched: Watched, size: str) -> None:
        self.watched, self.page, self.size = watched, watched.page, size

    async def look(self, name: str) -> None:
        await self.watched.check()
        if SCREENS is not None:
            await picture(self.page, SCREENS, f"wallet-ways-{self.size}-{name}")


async def _open(page: Page, site: Site) -> None:
    await page.goto(f"{site.base}/sign-in")
    await page.locator("input[name=holder]").fill(site.made.holder)
    await page.locator("input[name=passphrase]").fill(site.made.passphrase)
    await page.get_by_role("button", name="Open").click()
    await page.wait_for_url(f"{site.base}/")


async def _lay(site: Site) -> None:
    [vault] = site.host.unlocked.vaults()
    held = (("Maud", ["vc+sd-jwt"]), ("Maud", ["dc+sd-jwt"]), ("Margaret", ["dc+sd-jwt", "mso_mdoc"]))
    for later, (name, forms) in enumerate(held):
        claims = {**CLAIMS, "represented": {**CLAIMS["represented"], "given_name": name}}
        await put_document(site.host.means, vault, forms, claims=claims, later=later)


@pytest.mark.parametrize(("size", "name"), [(LAPTOP, "1280"), (PHONE, "320")])
async def test_everything_is_chosen_and_agreed_to_on_one_page(tmp_path: Path, open_page: Open, size: dict[str, int], name: str) -> None:
    async with serve_wallet(tmp_path / "wallet") as site:
        looker = Looker(await open_page(size), name)
        page = looker.page
        asking = Suite(site.world.clock, query=question(), redirect=BACK)
        site.world.council = asking
        await _open(page, site)
        await _lay(site)
        link = asking.begin(transaction_data=(render_agreement(Agreement(statement=STATEMENT, reference="CT/7"), ["power", "other"]),))
        await page.goto(f"{site.base}/authorize{link.removeprefix('openid4vp://')}")
        await page.get_by_role("button", name="Look at it").click()
        await expect(page.get_by_text(STATEMENT.en)).to_be_visible()
        await expect(page.locator("blockquote[lang=cy]")).to_have_text(STATEMENT.cy)  # it is signed as well
        await expect(page.locator("input[name='way.0']")).to_have_value("power")  # what is looked at is named, chosen or not
        await expect(page.locator("input[name='way.1']")).to_have_value("")
        await looker.look("consent")
        documents = page.locator("section", has=page.get_by_role("heading", name="Choose which document to show"))
        extra = page.locator("section", has=page.get_by_role("heading", name="It is up to you"))
        await documents.get_by_role("link", name="Maud").click()
        await expect(documents.locator("[aria-current]", has_text="Maud")).to_be_visible()
        await extra.get_by_role("link", name="Power of attorney").click()
        await expect(page.get_by_role("heading", name="From:")).to_have_count(2)
        await expect(documents.locator("[aria-current]", has_text="Maud")).to_be_visible()  # chosen before, and still
        await looker.look("consent-more")
        await page.get_by_role("link", name="Cymraeg").first.click()
        await expect(page.locator("blockquote[lang=en]")).to_have_text(STATEMENT.en)
        await looker.look("consent-cy")
        await page.get_by_role("link", name="English").first.click()
        await extra.get_by_role("link", name="Do not show it").click()
        await expect(page.get_by_role("heading", name="From:")).to_have_count(1)
        await page.get_by_role("button", name="Agree and share once").click()
        await page.get_by_text("Shared once").wait_for()
        await looker.look("shared")
        assert await page.get_by_role("button", name="Go back to").get_attribute("href") == BACK  # theirs, to its last character
        [answer] = asking.answers
        assert isinstance(answer, VpResponse)
        assert list(answer.vp_token) == ["power"]
        await page.get_by_role("link", name="See it in my history").click()
        await page.locator("tbody a").first.click()
        await expect(page.get_by_text(STATEMENT.en)).to_be_visible()
        await expect(page.locator("blockquote[lang=cy]")).to_have_text(STATEMENT.cy)
        await expect(page.get_by_text("credentialSubject")).to_have_count(0)  # what was asked is named in words, of each format
        await expect(page.get_by_text("Power", exact=True)).to_have_count(1)
        await looker.look("history")


@pytest.mark.parametrize("mode", ["unsigned", "site"])
async def test_it_is_said_how_little_is_known_of_who_asks(tmp_path: Path, open_page: Open, mode: str) -> None:
    async with serve_wallet(tmp_path / "wallet", accept_unsigned=True) as site:
        looker = Looker(await open_page(PHONE), "320")
        asking = Suite(site.world.clock, prefix="redirect_uri" if mode == "unsigned" else "x509_hash")
        site.world.council = asking
        await _open(looker.page, site)
        await site.open()
        await _lay(site)
        if mode == "unsigned":
            _, view = await site.call("POST", "/api/requests", {"link": asking.begin()})
        else:
            asking.way, asking.mode = "openid4vp-v1-unsigned", "dc_api.jwt"
            body = {"protocol": asking.way, "data": asking.begin(), "origin": "https://council.example"}
            _, view = await site.call("POST", "/api/platform-requests", body)
        await looker.page.goto(f"{site.base}/present/{view['id']}")
        said = "Nobody signed this request" if mode == "unsigned" else "Your browser says that the site is"
        await expect(looker.page.get_by_text(said)).to_be_visible()
        await looker.look(f"consent-{mode}")
