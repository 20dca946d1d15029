"""Post at the desk in a real browser, by keyboard alone: every state of a letter, at two sizes, the last of it in Welsh."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect
from support.browser import LAPTOP, Open
from support.desk import PATHS, Running, Template, serving
from support.posting import Sent, check, post, written
from support.scenes import sign_in
from support.trial_verify import CLAIMS, IDX, LIST, status_token
from support.walk import Typist, Walker

from shared.clock import DAY
from verifier import registering
from verifier.app import one_round

pytestmark = pytest.mark.real
UNDO = "Lift the freeze, and make the payments that were missed."
LIMITED = CLAIMS | {"has_restrictions": True, "restrictions_text": "Not to sell Poplar Court while I live."}


async def test_post_from_nothing_to_late(template: Template, tmp_path: Path, open_page: Open) -> None:
    async with serving(template, tmp_path / "desk", local=True, retention_days=365) as desk:
        said = {"decides": "person", "team": "Accounts", "undo": UNDO}
        registering.state(desk.desk.directory, desk.desk.settings, "bank", said)
        walker = Typist(watched=await open_page(LAPTOP))
        await _enter(walker, desk)
        await _decide(walker, desk)
        await _called_back(walker, desk)
        await _late(walker, desk)


async def _enter(walker: Walker, desk: Running) -> None:
    await walker.go(f"{desk.base}/desk/inbox")
    await sign_in(walker, "Your name", "Bea Clerk", "correct-horse-battery", "Sign in")
    await expect(walker.page.get_by_text("Nothing has come yet")).to_be_visible()
    await walker.look("desk-inbox-empty")
    await walker.follow("Who sees which post")
    await walker.choose("Bea Clerk")
    await walker.press("Save")
    await expect(walker.page.get_by_label("Bea Clerk")).to_be_checked()
    await walker.look("desk-inbox-teams")
    await walker.go(f"{desk.base}/desk/uses/bank")
    await walker.look("desk-use-post")


async def _sent(desk: Running, seed: str, about: str = "") -> tuple[Sent, str]:
    """A letter, with its reference."""
    letter = written(desk, seed=seed, claims=LIMITED, paths=(*PATHS, ("restrictions_text",)), about=about)
    return letter, check(desk, letter, (await post(desk, letter))[1]).receipt_id[:10]


async def _open(walker: Walker, desk: Running, reference: str) -> None:
    await walker.go(f"{desk.base}/desk/inbox?q={reference}")
    await walker.follow("Bank account")


async def _decide(walker: Walker, desk: Running) -> None:
    page = walker.page
    _, reference = await _sent(desk, "one")
    await _open(walker, desk, reference)
    await walker.look("desk-letter-waiting", dark=True)
    await walker.press("Decide and tell the sender")
    await page.get_by_text("There is a problem").wait_for()
    await walker.look("desk-letter-unsaid")
    await walker.tick(page.get_by_label("Accept it"))
    await walker.tick(page.get_by_label("Yes"))
    await walker.write("Whose record it is (you may leave it out)", "ACC 12")
    await walker.press("Decide and tell the sender")
    await expect(page.get_by_text("Whose record it is: ACC 12.")).to_be_visible()
    await walker.look("desk-letter-accepted")
    await walker.go(f"{desk.base}/desk/inbox?q=nobody")
    await walker.look("desk-inbox-nothing-fits")


async def _called_back(walker: Walker, desk: Running) -> None:
    first, _ = await _sent(desk, "two")
    desk.site.lists[LIST] = status_token({IDX: 1}, iat=desk.clock() + 60)
    desk.clock.at += 60
    await desk.store.refresh(desk.site)
    _, reference = await _sent(desk, "three", about=first.claims["jti"])
    await _open(walker, desk, reference)
    await expect(walker.page.get_by_role("heading", name="What to undo")).to_be_visible()
    await expect(walker.page.get_by_text(UNDO)).to_be_visible()
    await walker.look("desk-letter-called-back")
    await walker.press("It was undone")
    await expect(walker.page.get_by_role("button", name="It was undone")).to_have_count(0)
    await walker.look("desk-letter-undone")


async def _late(walker: Walker, desk: Running) -> None:
    page = walker.page
    desk.site.lists[LIST] = status_token(iat=desk.clock() + 5 * DAY)
    desk.clock.at += 5 * DAY
    await one_round(desk.app)
    await walker.go(f"{desk.base}/desk/sign-in")
    await sign_in(walker, "Your name", "Bea Clerk", "correct-horse-battery", "Sign in")
    await expect(page.get_by_text("1 letter is late.")).to_be_visible()
    await walker.look("desk-start-late")
    await walker.go(f"{desk.base}/desk/inbox?lang=cy")
    await expect(page.get_by_text("Mae 1 llythyr yn hwyr.")).to_be_visible()
    await walker.look("desk-inbox-late-cy")
    await walker.go(f"{desk.base}/desk/pass-on")
    await walker.look("desk-pass-on-cy")
