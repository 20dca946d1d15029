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
from support.superior import add_ben

from issuer.federation import collect, publish
from shared.credentials import all_types
from shared.web.context import FETCHER

pytestmark = pytest.mark.real

HOST = ("localhost:*",)
KIND = next(each for each in all_types().values() if each.id == "representation")


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


@pytest.mark.parametrize(("size", "name"), [(LAPTOP, "1280"), (PHONE, "320")])
async def test_from_the_invitation_to_the_public_list(two: Two, open_page: Open, size: dict[str, int], name: str) -> None:
    async with two() as (ministry, court):
        iris = Walker(await open_page(size), f"federation-{name}")
        code = await _invite(iris, ministry, court.url)
        await _join(iris, ministry, code)
        ben = Walker(await open_page(size), f"federation-{name}-second")
        await _decide(ben, ministry)
        await _change_and_end(iris)
        await _be_seen(Walker(await open_page(size), f"federation-{name}-court"), ministry, court)


async def _invite(walker: Walker, ministry: Registry, entity: str) -> str:
    page = walker.page
    await sign_in(page, ministry.base, "Iris Admin", ministry.passphrase)
    await page.get_by_role("link", name="Federation").click()
    await expect(page.get_by_text("Nobody is below this office yet.")).to_be_visible()
    await walker.look("empty")
    await page.get_by_role("link", name="Invite a body").click()
    await page.get_by_role("button", name="Make the invitation").click()
    await expect(page.get_by_role("alert")).to_contain_text("Enter what the body is called")
    await walker.look("invite-errors")
    await page.get_by_label("Its identifier").fill(entity)
    await page.get_by_label("What it is called").fill("Court of Protection (test)")
    await page.get_by_label("Types of document that it may make").fill(KIND.vct)
    await page.get_by_label("Trust marks that it is given").fill("https://justice.example/marks/inspected")
    await page.get_by_label("Last day of what it may make").fill("2030-03-31")
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


async def _change_and_end(walker: Walker) -> None:
    page = walker.page
    await page.reload()
    await page.get_by_text("Propose other terms").click()
    await page.get_by_label("Last day of what it may make").fill("yesterday")
    await page.get_by_role("button", name="Propose", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("Enter a date")
    await walker.look("propose-errors")
    await page.get_by_label("Last day of what it may make").fill("2031-03-31")
    await page.get_by_role("button", name="Propose", exact=True).click()
    await expect(page.get_by_text("Other terms were proposed")).to_be_visible()
    await walker.look("proposed")
    await page.get_by_text("End it", exact=True).click()
    await page.get_by_role("button", name="End it now").click()
    await expect(page.get_by_role("alert")).to_contain_text("Say why")


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
