"""Domain sheet C02, acting for somebody: the scenarios in which NORA writes to bodies, by their names."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect
from support import desk as desks
from support.browser import LAPTOP, PHONE, Open
from support.neighbours import Neighbour
from support.offices import COUNCIL, NINE, OPG, Street, bring, open_street, set_up_desk
from support.registry import LPA_1
from support.scenes import sign_in
from support.thrift import easy_seal
from support.walk import Walker
from support.wallets import Site, serve_wallet

from shared.clock import DAY
from shared.jose.jwt import parse_jwt
from verifier.settle import Outcome
from wallet.enter import Opened
from wallet.invite import read_invitation
from wallet.share import Wish, make_out
from wallet.upkeep import collect_and_look

PARKING, PENSIONS = "https://parking.anytown-bc.example", "https://dwp.example"
NAMES = {COUNCIL: "Anytown Borough Council", PARKING: "Anytown parking", PENSIONS: "Pensions department (test)"}
NEVER = ("1938", "1968", "1971", "Peter", "M-7890-0400-4000")


@dataclass
class Nora:
    """With LPA-1 in a wallet of her own."""

    site: Site
    opened: Opened

    async def writes(self, body: str, query: str) -> bytes:
        """The file of a copy made out to a body."""
        wish = Wish(entity=body, name=NAMES[body], purpose_id=query, query=query)
        return (await make_out(self.site.host.means, self.opened.vault, wish)).value.file.encode()


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    """The Public Guardian, and three desks: council tax, the same council's parking, and pensions."""
    async with open_street(tmp_path, at=NINE) as opened, AsyncExitStack() as stack:
        trust = [f"{each.directory / 'anchor.pem'}:credential-issuer:{name}" for name, each in opened.offices.items()]
        with easy_seal():
            made = {url: await set_up_desk(tmp_path / url[8:12], url, name, trust, opened.clock) for url, name in NAMES.items()}
        for url, template in made.items():
            serving = desks.serving(template, template.directory, site=opened, clock=opened.clock, refresh=False, public_url=url)
            opened.desks[url] = await stack.enter_async_context(serving)
        await opened.cycle()
        yield opened


@pytest.fixture
async def nora(street: Street, tmp_path: Path) -> AsyncIterator[Nora]:
    powers = ["council-tax", "benefits", "banking", "parking"]
    made = await street.offices[OPG].make(
        claims=LPA_1 | {"powers": powers, "register_entry": "urn:fdc:opg.example:2027:lpa:M-7890-0400-4000"}
    )
    async with serve_wallet(tmp_path / "nora", world=Neighbour(street)) as site:
        opened = await site.host.doors.open(site.made.holder, site.made.passphrase)
        invitation = await read_invitation(site.host.means, opened.vault, made["invitation_link"])
        await collect_and_look(site.host.means, opened.vault, invitation.id, made["code"])
        yield Nora(site, opened)


def said(outcome: Outcome) -> tuple[str, str]:
    return outcome.decision.decision, outcome.decision.code


def shown(outcome: Outcome) -> str:
    """Everything that came to a body, as text."""
    return json.dumps([each.claims.claims for each in outcome.decision.credentials], ensure_ascii=False)


async def test_at_c02_1_a_copy_by_mail_is_accepted_without_a_network(street: Street, nora: Nora) -> None:
    """Council tax has keys and a list of three hours ago, and no network: accepted, with a receipt that takes effect the same day."""
    street.clock.at = NINE + 3 * 3_600
    file = await nora.writes(COUNCIL, "council-tax")
    street.asked.clear()
    outcome = await bring(street, COUNCIL, file)
    assert said(outcome) == ("accepted", "")
    assert street.asked == []
    assert outcome.decision.status_iat == NINE
    assert outcome.receipt is not None
    told: dict[str, Any] = dict(parse_jwt(outcome.receipt).claims)
    assert told["decision"] == "accepted"
    assert told["effective_from"] // DAY == street.clock() // DAY
    text = shown(outcome)
    for value in ("Margaret", "Ashdown", "ZZ99 1AB", "council-tax"):
        assert value in text
    for value in NEVER:
        assert value not in text, value


async def test_at_c02_2_another_department_needs_its_own_copy_and_asks_nobody(street: Street, nora: Nora) -> None:
    """Forwarded by council tax, the same file is not for parking; NORA's own copy for parking is accepted, and council tax hears nothing."""
    file = await nora.writes(COUNCIL, "council-tax")
    assert said(await bring(street, COUNCIL, file)) == ("accepted", "")
    assert said(await bring(street, PARKING, file)) == ("rejected", "wrong_audience")
    own = await nora.writes(PARKING, "parking")
    street.asked.clear()
    outcome = await bring(street, PARKING, own)
    assert said(outcome) == ("accepted", "")
    assert street.asked == []
    for value in NEVER:
        assert value not in shown(outcome), value


async def test_at_c02_3_pensions_need_no_form_and_no_certified_copy(street: Street, nora: Nora) -> None:
    """The power over benefits is enough; in all that was sent there is one file, and nothing that NORA had to fill in or post."""
    street.asked.clear()
    outcome = await bring(street, PENSIONS, await nora.writes(PENSIONS, "pensions"))
    assert said(outcome) == ("accepted", "")
    assert street.asked == []
    (document,) = outcome.decision.credentials
    assert "benefits" in document.claims.claims["powers"]
    assert "register_entry" not in document.claims.claims
    assert "certified" not in shown(outcome)


# --- with hands ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.real
async def test_at_c02_1_by_hand_on_both_pages(tmp_path: Path, open_page: Open) -> None:
    """NORA makes the copy on her wallet's pages, and the clerk opens it at council tax; neither makes any service ask another."""
    async with open_street(tmp_path, at=NINE) as street, AsyncExitStack() as stack:
        trust = [f"{each.directory / 'anchor.pem'}:credential-issuer:{name}" for name, each in street.offices.items()]
        with easy_seal():
            template = await set_up_desk(tmp_path / "council", COUNCIL, NAMES[COUNCIL], trust, street.clock)
        serving = desks.serving(template, template.directory, site=street, clock=street.clock, refresh=False, local=True, entity=COUNCIL)
        council = street.desks[COUNCIL] = await stack.enter_async_context(serving)
        await street.cycle()
        made = await street.offices[OPG].make(claims=LPA_1)
        site = await stack.enter_async_context(serve_wallet(tmp_path / "nora", world=Neighbour(street)))
        opened = await site.host.doors.open(site.made.holder, site.made.passphrase)
        invitation = await read_invitation(site.host.means, opened.vault, made["invitation_link"])
        await collect_and_look(site.host.means, opened.vault, invitation.id, made["code"])
        street.clock.at += 3 * 3_600
        street.asked.clear()

        nora, clerk = Walker(watched=await open_page(PHONE)), Walker(watched=await open_page(LAPTOP))
        await nora.go(f"{site.base}/sign-in")
        await sign_in(nora, "Name of your wallet", site.made.holder, site.made.passphrase, "Open")
        await nora.go(f"{site.base}/copies/new")
        await nora.write("Organisation", NAMES[COUNCIL])
        await nora.write("The organisation’s own address", COUNCIL)
        await nora.tick(nora.page.locator('input[value="representation/council-tax"]'))
        await nora.press("Look at it first")
        await expect(nora.page.get_by_text("ZZ99 1AB")).to_be_visible()
        for value in NEVER:
            assert value not in await nora.text(), value
        await nora.press("Make this copy")
        async with nora.page.expect_download() as saving:
            await nora.page.get_by_role("link", name="Save the copy as a file, to send by e-mail").click()
        mailed = await (await saving.value).path()

        await clerk.go(f"{council.base}/desk/copies")
        await sign_in(clerk, "Your name", "Bea Clerk", "correct-horse-battery", "Sign in")
        await clerk.go(f"{council.base}/desk/copies")
        await clerk.page.locator("input[type=file]").set_input_files(
            {"name": "copy.json", "mimeType": "application/json", "buffer": mailed.read_bytes()}
        )
        await clerk.press("Check it")
        await expect(clerk.page.get_by_role("heading", name="You can rely on this")).to_be_visible()
        for value in NEVER:
            assert value not in await clerk.text(), value
        async with clerk.page.expect_download() as saving:
            await clerk.page.get_by_role("link", name="Save the receipt").click()
        receipt = parse_jwt((await (await saving.value).path()).read_text()).claims
        assert (receipt["decision"], receipt["effective_from"] // DAY) == ("accepted", street.clock() // DAY)
        assert street.asked == []
