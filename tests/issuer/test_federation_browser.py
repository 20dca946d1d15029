"""Two people let a body in, as each of them, the body itself and a citizen see it: in a real browser, at two sizes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from support.browser import LAPTOP, PHONE, Open, Walker
from support.registry import Registry, Template, make_template, serving
from support.superior import COURT, Below, add_ben, enrolled
from support.walk import Typist

from issuer.federation import collect, publish
from issuer.federation.terms import Terms
from issuer.pages.federated import link
from shared.credentials import all_types
from shared.trust.entitlements import Entitlement, Grants
from shared.web.context import FETCHER

pytestmark = pytest.mark.real

HOST = ("localhost:*",)
KIND = next(each for each in all_types().values() if each.id == "representation")
LIMITED = Entitlement(vct=KIND.vct, since=1_800_000_000, until=1_900_000_000, jurisdiction=("GB-EAW",), attestation_basis=("register",))
WIDE = Terms(
    grants=Grants(entitlements=(LIMITED,), accredits=(Entitlement(vct=KIND.vct, since=1_800_000_000),), may_register=("GB",)),
    constraints={
        "max_path_length": 0,
        "allowed_entity_types": ["openid_credential_issuer"],
        "naming_constraints": {"permitted": [".example"]},
    },
    policy={"openid_credential_issuer": {"contacts": {"essential": True}}},
    trust_marks=("https://justice.example/marks/inspected",),
)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """An office with keys of its own."""
    return asyncio.run(make_template(tmp_path_factory.mktemp("court") / "court"))


Two = Callable[[], AbstractAsyncContextManager[tuple[Registry, Registry]]]


@pytest.fixture
def two(template: Template, other: Template, tmp_path: Path) -> Two:
    """A ministry and a court that names it, under the addresses where they listen."""

    @asynccontextmanager
    async def open_() -> AsyncIterator[tuple[Registry, Registry]]:
        async with (
            serving(template, tmp_path / "ministry", local=True, superior=True, outbound_allow=HOST) as ministry,
            serving(other, tmp_path / "court", local=True, authority_hints=(ministry.url,), outbound_allow=HOST) as court,
        ):
            yield ministry, court

    return open_


async def sign_in(page: Page, base: str, name: str, passphrase: str) -> None:
    await page.goto(f"{base}/console/sign-in")
    await page.get_by_label("Your name").fill(name)
    await page.get_by_label("Passphrase", exact=True).fill(passphrase)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.get_by_role("link", name="Federation")).to_be_visible()


async def test_a_name_without_a_space_stays_within_a_narrow_window(template: Template, tmp_path: Path, open_page: Open) -> None:
    async with serving(template, tmp_path / "ministry", local=True, superior=True) as ministry:
        await enrolled(ministry, Below(superior=ministry.url), name="Llanfair" * 15)
        watched = await open_page(PHONE)
        await sign_in(watched.page, ministry.base, "Iris Admin", ministry.passphrase)
        for path in ("body", "propose", "end"):
            await watched.page.goto(ministry.base + link(f"/console/federation/{path}", COURT))
            await watched.check_shape()


@pytest.mark.parametrize(("size", "name"), [(LAPTOP, "1280"), (PHONE, "320")])
async def test_from_the_invitation_to_the_public_list(two: Two, open_page: Open, size: dict[str, int], name: str) -> None:
    async with two() as (ministry, court):
        iris = Walker(await open_page(size), f"federation-{name}")
        code = await _invite(iris, ministry, court.url)
        await _join(iris, ministry, code)
        ben = Walker(await open_page(size), f"federation-{name}-second")
        await _decide(ben, ministry)
        await _change(iris)
        admin = Walker(await open_page(size), f"federation-{name}-court")
        await _be_seen(admin, ministry, court)
        await _pin(admin, ministry, court)
        await _end(iris)


async def _invite(walker: Walker, ministry: Registry, entity: str) -> str:
    page = walker.page
    await sign_in(page, ministry.base, "Iris Admin", ministry.passphrase)
    await page.get_by_role("link", name="Federation").click()
    await expect(page.get_by_text("Nobody is below this office yet.")).to_be_visible()
    await walker.look("empty")
    await page.get_by_role("link", name="Invite a body").click()
    await page.get_by_role("button", name="Check the answers").click()
    await expect(page.get_by_role("alert")).to_contain_text("Enter what the body is called")
    await walker.look("invite-errors")
    await page.get_by_label("Its identifier").fill(entity)
    await page.get_by_label("What it is called").fill("Court of Protection (test)")
    await page.get_by_role("group", name="Types of document that it may make").get_by_label(KIND.title.en).check()
    await page.get_by_label("Last day").fill("2030-03-31")
    await page.get_by_text("Only of some places").click()
    await page.get_by_label("Jurisdictions").fill("GB-EAW\nGB-SCT")
    await page.get_by_text("What it may let others do").click()
    await page.get_by_label("Trust marks that it is given").fill("https://justice.example/marks/inspected")
    await page.get_by_text("Rules for it and those below it").click()
    await page.get_by_label("Levels of bodies").fill("0")
    await page.get_by_label("makers of documents").check()
    await walker.look("invite")
    await page.get_by_role("button", name="Check the answers").click()
    await expect(page.get_by_role("heading", name="Check the answers")).to_be_visible()
    await expect(page.get_by_text("only for GB-EAW, GB-SCT")).to_be_visible()
    await walker.look("invite-check")
    await page.get_by_role("button", name="Change the answers").click()
    await expect(page.get_by_label("Last day")).to_have_value("2030-03-31")
    await expect(page.get_by_label("Jurisdictions")).to_have_value("GB-EAW\nGB-SCT")
    await page.get_by_role("button", name="Check the answers").click()
    await page.get_by_role("button", name="Make the invitation").click()
    await expect(page.get_by_role("heading", name="is invited")).to_be_visible()
    await walker.look("invited")
    return await page.locator("#code").inner_text()


async def _join(walker: Walker, ministry: Registry, code: str) -> None:
    page = walker.page
    await page.goto(f"{ministry.base}/federated/join")
    await walker.look("join")
    await page.get_by_label("Code of the invitation").fill("wrong")
    await page.get_by_role("button", name="Join").click()
    await expect(page.get_by_role("alert")).to_contain_text("unknown")
    await walker.look("join-errors")
    await page.get_by_label("Code of the invitation").fill(code)
    await page.get_by_role("button", name="Join").click()
    await expect(page.get_by_role("heading", name="has joined")).to_be_visible()
    await walker.look("joined")
    await page.goto(f"{ministry.base}/console/federation")
    await page.get_by_role("link", name="Court of Protection (test)").click()
    await expect(page.get_by_text("You wrote this.")).to_be_visible()
    await walker.look("own-proposal")


async def _decide(walker: Walker, ministry: Registry) -> None:
    page = walker.page
    await sign_in(page, ministry.base, "Ben", await add_ben(ministry))
    await page.get_by_role("link", name="Federation").click()
    await page.get_by_role("link", name="Court of Protection (test)").click()
    await expect(page.get_by_text("Its own address shows the same keys")).to_be_visible()
    await walker.look("review")
    await page.get_by_role("button", name="Approve it").click()
    await expect(page.get_by_text("Approved", exact=True)).to_be_visible()
    await walker.look("approved")
    await page.goto(f"{ministry.base}/console/federation")
    await walker.look("list")


async def _change(walker: Walker) -> None:
    page = walker.page
    await page.reload()
    await walker.look("in-force")
    await page.get_by_role("link", name="Propose other terms").click()
    await expect(page.get_by_label("Jurisdictions")).to_have_value("GB-EAW\nGB-SCT")
    await page.get_by_label("Last day").fill("yesterday")
    await page.get_by_role("button", name="Check the answers").click()
    await expect(page.get_by_role("alert")).to_contain_text("Enter a date")
    await walker.look("propose-errors")
    await page.get_by_label("Last day").fill("2031-03-31")
    await page.get_by_label("Trust marks that it is given").fill("")
    await page.get_by_role("button", name="Check the answers").click()
    await expect(page.get_by_role("heading", name="What would end")).to_be_visible()
    await walker.look("propose-check")
    await page.get_by_role("button", name="Propose it").click()
    await expect(page.get_by_text("Other terms were proposed")).to_be_visible()
    await walker.look("proposed")


async def _end(walker: Walker) -> None:
    page = walker.page
    await page.get_by_role("link", name="End it", exact=True).click()
    await walker.look("end")
    await page.get_by_role("button", name="See what it does").click()
    await expect(page.get_by_role("alert")).to_contain_text("Say why")
    await page.get_by_label("Why does it end?").fill("Merged with another court")
    await page.get_by_label("Its keys are in other hands").check()
    await page.get_by_role("button", name="See what it does").click()
    await expect(page.get_by_text("This cannot be taken back.")).to_be_visible()
    await walker.look("end-compromised")
    await page.get_by_role("link", name="Go back without doing this").click()
    await page.get_by_role("link", name="End it", exact=True).click()
    await page.get_by_label("Why does it end?").fill("Merged with another court")
    await page.get_by_role("button", name="See what it does").click()
    await walker.look("end-check")
    await page.get_by_role("button", name="End it now").click()
    await expect(page.get_by_text("Merged with another court")).to_be_visible()
    await walker.look("ended")


async def _pin(walker: Walker, ministry: Registry, court: Registry) -> None:
    """The court's admin trusts the wallets that the ministry's federation vouches for: by its address, with the fingerprint compared by eye."""
    page = walker.page
    await page.goto(f"{court.base}/console/settings")
    await page.get_by_role("link", name="Whose wallets we trust").click()
    await expect(page.get_by_text("Nobody is trusted here yet.")).to_be_visible()
    await walker.look("trust-nobody")
    await page.get_by_role("link", name="Trust a federation").click()
    await page.get_by_role("button", name="See whom you would trust").click()
    await expect(page.get_by_role("alert")).to_contain_text("Enter the address")
    await walker.look("trust-errors")
    await page.get_by_label("Address of the anchor").fill(ministry.url)
    await page.get_by_role("button", name="See whom you would trust").click()
    await expect(page.get_by_role("heading", name="Is this whom you want to trust?")).to_be_visible()
    await walker.look("trust-compare")
    await page.get_by_role("button", name="Trust it").click()
    await expect(page.get_by_role("alert")).to_contain_text("Compare the fingerprint first")
    await walker.look("trust-compare-errors")
    await page.get_by_label("I have compared the fingerprint").check()
    await page.get_by_role("button", name="Trust it").click()
    await expect(page.get_by_text("It was not heard yet.")).to_be_visible()
    await walker.look("trust-list")
    await page.goto(f"{court.base}/console/trust/certificate")
    await walker.look("trust-certificate")
    await page.goto(f"{court.base}/console/trust")
    await page.get_by_role("link", name="No longer trust").click()
    await expect(page.get_by_role("heading", name="No longer trust")).to_be_visible()
    await walker.look("trust-remove")
    await page.get_by_role("button", name="No longer trust it").click()
    await expect(page.get_by_text("Nobody is trusted here yet.")).to_be_visible()


async def _be_seen(walker: Walker, ministry: Registry, court: Registry) -> None:
    page = walker.page
    await collect.visit(ministry.office, ministry.app[FETCHER])
    await publish.publish(ministry.office)
    await court.office.storage.write(lambda tx: tx.execute("DELETE FROM own_superior"))
    await collect.visit(court.office, court.app[FETCHER])
    await page.goto(f"{ministry.base}/federated")
    await expect(page.get_by_text(KIND.title.en)).to_be_visible()
    await walker.look("public")
    await page.goto(f"{ministry.base}/federated?lang=cy")
    await walker.look("public-welsh")
    await page.goto(f"{court.base}/console/sign-in?lang=en")
    await sign_in(page, court.base, "Iris Admin", court.passphrase)
    await page.get_by_role("link", name="Federation").click()
    await expect(page.get_by_text("Its word counts until")).to_be_visible()
    await walker.look("own-view")


async def test_the_pages_of_a_superior_in_welsh_without_a_mouse(template: Template, tmp_path: Path, open_page: Open) -> None:
    async with serving(template, tmp_path / "ministry", local=True, superior=True) as ministry:
        await enrolled(ministry, Below(superior=ministry.url), WIDE)
        ben = Typist(watched=await open_page(LAPTOP))
        await sign_in(ben.page, ministry.base, "Ben", await add_ben(ministry))
        await ben.go(f"{ministry.base}/console/federation?lang=cy")
        for name, path in (
            ("list", "/console/federation"),
            ("body", link("/console/federation/body", COURT)),
            ("terms", link("/console/federation/propose", COURT)),
            ("invite", "/console/federation/invite"),
            ("end", link("/console/federation/end", COURT)),
            ("join", "/federated/join"),
            ("public", "/federated"),
            ("trust", "/console/settings"),
        ):
            await ben.go(ministry.base + path)
            await expect(ben.page.locator("html")).to_have_attribute("lang", "cy")
            await ben.look(f"federation-welsh-{name}")
        await ben.go(ministry.base + link("/console/federation/propose", COURT))
        await ben.fill(ben.page.locator("#marks"), " ")
        await ben.enter(ben.page.locator("main form button").first)
        await expect(ben.page.locator("h2")).to_have_count(2)
        await ben.look("federation-welsh-check")
        await ben.go(ministry.base + link("/console/federation/end", COURT))
        await ben.fill(ben.page.locator("#why_end"), "Unwyd â llys arall")
        await ben.enter(ben.page.locator("main form button").first)
        await expect(ben.page.locator(".govuk-button--warning")).to_be_visible()
        await ben.look("federation-welsh-end-check")
