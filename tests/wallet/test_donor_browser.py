"""Margaret at her own wallet, in a browser: what was done for her, stopping it, letting it go on, and ending it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import expect
from support.browser import LAPTOP, PHONE, Open
from support.family import CLERK, Family, family
from support.registry import URL, Template, make_template
from support.walk import Typist, Walker
from support.wallets import Site, serve_wallet
from support.world import World

from issuer import donors, reports
from issuer.app import one_round
from shared.clock import DAY
from shared.donor import tag_of
from shared.errors import Unavailable
from shared.flow import Fetch, Fetched
from shared.keys import Role
from shared.trust.anchors import TrustAnchors
from shared.trust.policy import Policy
from shared.web.setup import read_anchor
from wallet.enter import Opened
from wallet.invite import read_invitation
from wallet.upkeep import collect_and_look, upkeep

pytestmark = pytest.mark.real

HANDS = {"mouse-en-1280": (Walker, LAPTOP, "en"), "keyboard-cy-320": (Typist, PHONE, "cy")}


class Hers(World):
    """The network as Margaret's service sees it."""

    def __init__(self, they: Family) -> None:
        super().__init__(clock=they.world.clock)
        self.registry = they.registry
        self.loses = ""

    async def __call__(self, fetch: Fetch) -> Fetched:
        got = await self.registry.fetch(fetch)
        if self.loses and fetch.url.endswith(self.loses):
            self.loses = ""
            raise Unavailable("the answer was lost")
        return got

    def policy(self) -> Policy:
        return Policy(TrustAnchors(anchors=(read_anchor(self.registry.directory / "anchor.pem", Role.CREDENTIAL_ISSUER, entity=URL),)))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(make_template(tmp_path_factory.mktemp("office") / "registry"))


async def later(they: Family, site: Site, opened: Opened, seconds: int) -> None:
    they.registry.clock.at += seconds
    they.world.clock.at = they.registry.clock.at
    await one_round(they.registry.app)
    for means, vault in (
        (site.host.means, opened.vault),
        (they.nora.wallet.means, they.nora.wallet.vault),
        (site.host.means, opened.vault),
    ):
        await upkeep(means, vault)


async def see(margaret: Walker, site: Site, document: str) -> None:
    """Her document's page; her wallet closes by itself where time has gone on."""
    await margaret.go(f"{site.base}/sign-in")
    await margaret.fill(margaret.page.locator("#holder"), site.made.holder)
    await margaret.fill(margaret.page.locator("#passphrase"), site.made.passphrase)
    await margaret.enter(margaret.page.locator("main form button[type=submit], main form button:not([type])").first)
    await margaret.go(f"{site.base}/cards/{document}")


async def decide(margaret: Walker, button: str, yes: str) -> None:
    """Press what leads to the question, read it, and press the same again."""
    await margaret.enter(margaret.page.get_by_role("button", name=button, exact=True))
    await expect(margaret.page.get_by_role("heading", name=yes)).to_be_visible()
    await margaret.look(f"asked-whether-to-{button}")
    await margaret.press(button)


@pytest.mark.parametrize("how", HANDS)
async def test_the_donor_sees_stops_lets_go_on_and_ends(template: Template, tmp_path: Path, open_page: Open, how: str) -> None:
    hand, size, language = HANDS[how]
    words = {
        "en": ("Stop for now", "Let them act again", "End it", "Do you want to stop Nora Ashdown for now?", "let Nora Ashdown act", "end it for good?", "Nothing was reported so far.", "It may have done it."),
        "cy": ("Atal am y tro", "Gadael iddynt weithredu eto", "Dod ag ef i ben", "Ydych chi am atal Nora Ashdown am y tro?", "adael i Nora Ashdown", "am byth?", "Ni roddwyd gwybod am ddim hyd yma.", "Efallai iddi wneud hyn."),
    }[language]  # fmt: skip
    async with family(template, tmp_path) as they, serve_wallet(tmp_path / "margaret", world=(network := Hers(they))) as site:
        number = await they.appoint()
        made = await donors.make(they.registry.office, number, actor=CLERK)
        opened = await site.host.doors.open(site.made.holder, site.made.passphrase)
        link = f"openid-credential-offer://?credential_offer_uri={URL}/credential-offer/{made.secrets.token}"
        invitation = await read_invitation(site.host.means, opened.vault, link)
        document = await collect_and_look(site.host.means, opened.vault, invitation.id, made.secrets.code)
        await later(they, site, opened, 0)
        margaret = hand(watched=await open_page(size))
        await see(margaret, site, document.id)
        await margaret.go(f"{site.base}/cards/{document.id}?lang={language}")
        await expect(margaret.page.get_by_text(words[6])).to_be_visible()
        await expect(margaret.page.get_by_text("Show it to someone who asks")).to_have_count(0)
        await margaret.look("nothing-reported")

        await they.show()
        await later(they, site, opened, 21 * DAY)
        await later(they, site, opened, DAY)
        await see(margaret, site, document.id)
        await expect(margaret.page.locator("#told tbody tr")).to_have_count(1)
        await margaret.look("reported")

        network.loses = "/holder/hold"
        await decide(margaret, words[0], words[3])
        await expect(margaret.page.locator("#ask-error, .govuk-error-summary").get_by_text(words[7]).first).to_be_visible()
        await margaret.press(words[0])
        await expect(margaret.page.get_by_role("button", name=words[1])).to_be_visible()
        await margaret.look("stopped")
        await later(they, site, opened, 3_600)
        assert (await they.nora.item()).value.status.value == "suspended"
        await see(margaret, site, document.id)
        await decide(margaret, words[1], words[4])
        await later(they, site, opened, 3_600)
        assert (await they.nora.item()).value.status.value == "valid"
        await see(margaret, site, document.id)
        await decide(margaret, words[2], words[5])
        await expect(margaret.page.locator("#stop")).to_have_count(0)
        await margaret.look("ended")
        await later(they, site, opened, 3_600)
        assert (await they.nora.item()).value.status.value == "invalid"


async def test_the_donor_takes_back_what_a_sheet_has_locked_for_somebody_else(template: Template, tmp_path: Path, open_page: Open) -> None:
    async with family(template, tmp_path) as they, serve_wallet(tmp_path / "margaret", world=Hers(they)) as site:
        office, number = they.registry.office, await they.appoint()
        made = await donors.make(office, number, actor=CLERK)
        opened = await site.host.doors.open(site.made.holder, site.made.passphrase)
        link = f"openid-credential-offer://?credential_offer_uri={URL}/credential-offer/{made.secrets.token}"
        invitation = await read_invitation(site.host.means, opened.vault, link)
        document = await collect_and_look(site.host.means, opened.vault, invitation.id, made.secrets.code)
        await later(they, site, opened, 0)
        await reports.new_sheet(office, number, tag_of(await donors.secret_of(office, number)), CLERK)
        await later(they, site, opened, DAY)
        margaret = Walker(watched=await open_page(PHONE))
        await see(margaret, site, document.id)
        await expect(margaret.page.get_by_text("new reports are locked for somebody else")).to_be_visible()
        await margaret.look("locked-for-another")
        await margaret.enter(margaret.page.get_by_role("button", name="Lock reports for this wallet again"))
        await expect(margaret.page.locator("#told")).to_be_visible()
        await expect(margaret.page.locator("#elsewhere")).to_have_count(0)
