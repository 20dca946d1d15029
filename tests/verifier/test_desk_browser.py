"""The checking desk in a real browser: with a keyboard, at two sizes, watched for violations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.browser import LAPTOP, Open
from support.desk import PATHS, Running, Template, copy_file, make_copy, present, serving
from support.signing import AT
from support.trial_verify import CLAIMS, IDX, LIST, status_token
from support.walk import Walker

from shared import addressed
from shared.codec import qr
from shared.errors import AccessDenied
from shared.formats import StatusReference
from shared.openid4vp import render_refusal, render_response

pytestmark = pytest.mark.real


async def test_counter_from_sign_in_to_log(template: Template, tmp_path: Path, open_page: Open) -> None:
    told: dict[str, Any] = {
        "privacy_policy": "https://northwold-bank.example/privacy", "claims_kept": ("donor’s name", "postcode"), "retention_days": 365,
        "contact": "privacy@northwold-bank.example", "how_to_complain": "https://northwold-bank.example/complain",
    }  # fmt: skip
    async with serving(template, tmp_path / "desk", local=True, refresh=False, **told) as desk:
        walker = Walker(watched=await open_page(LAPTOP))
        await _enter(walker, desk)
        await _ask(walker, desk)
        await _copies(walker, desk, tmp_path)
        await _records(walker, desk)


async def _enter(walker: Walker, desk: Running) -> None:
    page = walker.page
    await walker.go(f"{desk.base}/desk/")
    await walker.look("desk-sign-in")
    await page.get_by_label("Your name").fill("Bea Clerk")
    await page.get_by_role("textbox", name="Passphrase").fill("wrong wrong wrong")
    await page.keyboard.press("Enter")
    await page.get_by_text("There is a problem").wait_for()
    await walker.look("desk-sign-in-wrong")
    await page.get_by_role("textbox", name="Passphrase").fill("correct-horse-battery")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Northwold Bank").wait_for()
    await walker.look("desk-start-empty")
    await walker.go(f"{desk.base}/desk/decisions")
    await walker.look("desk-decisions-empty")
    await walker.go(f"{desk.base}/desk/trust")
    await walker.look("desk-trust-empty")
    await walker.press("Fetch all lists now")
    await walker.look("desk-trust")


async def _ask(walker: Walker, desk: Running) -> None:
    page = walker.page
    await walker.go(f"{desk.base}/desk/ask")
    await walker.look("desk-ask")
    await walker.press("Show the square code")
    await page.get_by_text("There is a problem").wait_for()
    await walker.look("desk-ask-nothing-chosen")
    await page.get_by_label("Bank account", exact=True).check()
    await walker.press("Show the square code")
    await walker.look("desk-waiting")
    link = await page.locator("#request-link").text_content() or ""
    asked = {"id": page.url.rpartition("/")[2], "link": link}
    request = await desk.read(asked)
    await page.get_by_text("A wallet has opened the request").wait_for()
    await desk.post(asked, render_refusal(AccessDenied("no"), request.state))
    await page.get_by_text("don’t share").wait_for()
    await walker.look("desk-declined")
    await desk.post(asked, render_response(request, present(request, at=AT)))
    await page.get_by_role("heading", name="You can rely on this").wait_for()
    await walker.look("desk-verdict-yes", dark=True)
    await walker.go(f"{desk.base}/desk/ask")
    await page.get_by_label("Council tax", exact=True).check()
    await walker.press("Show the square code")
    link = await page.locator("#request-link").text_content() or ""
    await walker.go(link)
    await walker.look("request-page")
    await page.get_by_label("Open in my wallet").fill("localhost:8102")
    await walker.press("Use this wallet")
    await walker.look("request-page-wallet-known")
    desk.clock.at += 601
    await walker.go(link)
    await walker.look("request-page-over")
    await walker.go(f"{desk.base}/desk/requests/{link.split('/request/')[1].split('?')[0]}")
    await walker.look("desk-nobody-answered")


async def _copies(walker: Walker, desk: Running, folder: Path) -> None:
    page = walker.page

    async def bring(data: bytes, name: str) -> None:
        file = folder / name
        file.write_bytes(data)
        await walker.go(f"{desk.base}/desk/copies")
        await page.locator("input[type=file]").set_input_files(file)
        await walker.press("Check it")

    await walker.go(f"{desk.base}/desk/copies")
    await walker.look("desk-copies")
    data = qr.png(addressed.render_qr(make_copy()), ec="L")
    await bring(data, "copy.png")
    await walker.look("desk-verdict-copy")
    await bring(data, "copy.png")
    await page.get_by_text("It was shown here before, or answers no question that is open here.", exact=True).wait_for()
    await walker.look("desk-verdict-seen-before")
    limited = CLAIMS | {"has_restrictions": True, "restrictions_text": "Not to sell Poplar Court while I live."}
    await bring(copy_file(claims=limited, paths=(*PATHS, ("restrictions_text",))), "limited.json")
    await walker.look("desk-verdict-restrictions")
    await walker.press("Decide")
    await page.get_by_text("There is a problem").wait_for()
    await walker.look("desk-verdict-restrictions-unsaid")
    await page.get_by_label("Yes").check()
    await walker.press("Decide")
    await walker.look("desk-verdict-restrictions-allowed")
    await bring(b"not a copy", "junk.json")
    await walker.look("desk-verdict-junk")
    other = "https://opg.example/status/9"
    await bring(copy_file(status=StatusReference(uri=other, idx=7)), "unknown.json")
    await page.get_by_role("heading", name="Can’t tell yet").wait_for()
    await walker.look("desk-verdict-undecided", dark=True)
    desk.site.lists[LIST] = status_token({IDX: 1}, iat=desk.clock.at)
    await walker.go(f"{desk.base}/desk/trust")
    await walker.press("Fetch all lists now")
    await bring(copy_file(seed="late"), "late.json")
    await walker.look("desk-verdict-no", dark=True)


async def _records(walker: Walker, desk: Running) -> None:
    await walker.go(f"{desk.base}/desk/")
    await walker.look("desk-start")
    await walker.go(f"{desk.base}/desk/decisions")
    await walker.look("desk-decisions")
    await walker.go(f"{desk.base}/limits")
    await walker.look("desk-limits")
    await walker.go(f"{desk.base}/desk/passphrase")
    await walker.look("desk-passphrase")
    desk.clock.at += 16 * 60
    await walker.go(f"{desk.base}/desk/requests")
    await walker.look("desk-requests")
    await walker.page.locator("table a").first.click()
    await walker.look("desk-details-deleted")
