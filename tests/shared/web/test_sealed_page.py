"""The page of a locked link as people get it: a saved file, or a page that anybody serves, in Chromium and Firefox, without a connection."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Page, expect
from support.browser import LAPTOP, PHONE, SCREENS, Open, picture
from support.firefox import firefox
from support.locked import NAME, WELSH_NAME, WORDS, WRONG, link_to, locked

from shared import sealed_link
from shared.clock import system_clock
from shared.inbox import Inbox, check_key
from shared.jose import jwe
from shared.sealed_link import seal_for
from shared.web.sealed_page import page, policy

COPY = json.dumps(
    {"format": "dc+sd-jwt", "aud": "a:https://utilities.example", "purpose_id": "close", "vp_token": {"a": ["eyJ.eyJ.x~"]}}
).encode()


INBOX = Inbox("https://utilities.example/inbox", check_key(jwe.public_half(jwe.generate_ephemeral())))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "locked.html"
    made.write_text(page(locked(COPY, until=system_clock() + 86_400)), encoding="utf-8")
    return made


async def type_words(page_: Page, words: str) -> None:
    """By keyboard alone."""
    await page_.get_by_label("The seven words").focus()
    await page_.keyboard.type(words)
    await page_.keyboard.press("Enter")


def test_nothing_in_it_but_what_is_sealed() -> None:
    """No name, no script but its own by digest, no address to call, and the link is found in it again."""
    sealed = locked(COPY, until=2_000_000_000)
    html = page(sealed, locale="cy")
    assert sealed_link.find(html) == sealed
    assert sealed_link.find(page()) is None
    assert NAME not in html
    assert "Ashdown" not in html
    assert 'lang="cy"' in html
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy()
    assert policy() in html
    assert "connect-src 'none'" in policy()
    assert not re.search(r'(src|href)="(?!data:,")', html)
    assert not re.search(r"innerHTML|eval\(|fetch\(|XMLHttpRequest|localStorage|import ", script)
    assert page(locale="de").count('lang="en"')


DRAFT = "Cyfieithiad drafft: heb ei wirio eto gan siaradwr Cymraeg. Lle nad oes Cymraeg eto, Saesneg yw'r testun."


def test_welsh_that_nobody_signed_off_says_so() -> None:
    """In the words of every other page, and without a script too; English says nothing."""
    assert f'data-text="draft">{DRAFT}</p>' in page(locale="cy")
    for locale in ("en", "de"):
        assert '<html lang="en">' in page(locale=locale)
        assert re.search(r'data-text="draft" hidden>Draft translation: [^<]+</p>', page(locale=locale))


@pytest.mark.real
async def test_the_draft_mark_goes_with_the_language(open_page: Open, file: Path) -> None:
    watched = await open_page(PHONE)
    page_ = watched.page
    await page_.goto(file.as_uri())
    draft = page_.locator("#draft")
    await expect(draft).to_be_hidden()
    await page_.get_by_role("button", name="Cymraeg").click()
    await expect(draft).to_be_visible()
    await expect(draft).to_have_text(DRAFT)
    await watched.check()
    await page_.get_by_role("button", name="English").click()
    await expect(draft).to_be_hidden()


@pytest.mark.real
async def test_opens_from_a_file(open_page: Open, file: Path) -> None:
    watched = await open_page(LAPTOP)
    page_ = watched.page
    asked: list[str] = []
    page_.on("request", lambda request: asked.append(request.url))
    await page_.goto(file.as_uri())
    await watched.check()
    await type_words(page_, WRONG)
    await expect(page_.get_by_role("alert")).to_have_text("These words do not open it. Check each word with whoever told them to you.")
    await expect(page_.locator("#shown")).to_be_hidden()
    await expect(page_.get_by_label("The seven words")).to_be_focused()
    assert "Ashdown" not in await page_.content()
    await type_words(page_, f" {WORDS.replace('-', ' ').upper()} ")
    await expect(page_.get_by_role("heading", name=f"For {NAME}")).to_be_focused()
    await expect(page_.get_by_text("Ashdown")).to_be_visible()
    await expect(page_.get_by_text("It cannot prove who signed it")).to_be_visible()
    await watched.check()
    assert WORDS not in await page_.content()
    assert page_.url == file.as_uri()
    assert [address for address in asked if not address.startswith(("file:", "data:"))] == []
    async with page_.expect_download() as coming:
        await page_.get_by_role("button", name="Save the copy that was inside").click()
    saved = await (await coming.value).path()
    assert json.loads(saved.read_bytes())["aud"] == "a:https://utilities.example"
    if SCREENS is not None:
        await picture(page_, SCREENS, "locked-link-opened")
    await page_.get_by_role("button", name="Close it again").click()
    await expect(page_.locator("#shown")).to_be_hidden()
    assert "Ashdown" not in await page_.content(), "what is hidden is still there for whoever looks into the page"


@pytest.mark.real
async def test_narrow_in_welsh_and_in_print(open_page: Open, file: Path) -> None:
    watched = await open_page(PHONE)
    page_ = watched.page
    await page_.goto(file.as_uri())
    await page_.keyboard.press("Tab")
    await page_.keyboard.press("Tab")
    await page_.keyboard.press("Enter")
    await expect(page_.get_by_role("heading", level=1)).to_have_text("Copi dan glo o ddogfen")
    await watched.check()
    await page_.keyboard.press("Tab")
    await page_.keyboard.type(WORDS)
    await page_.keyboard.press("Enter")
    await expect(page_.get_by_role("heading", name=f"I {WELSH_NAME}")).to_be_focused()
    await expect(page_.get_by_text("Cyfenw")).to_be_visible()
    await watched.check()
    await page_.emulate_media(media="print")
    await expect(page_.get_by_role("button")).to_have_count(0)
    await expect(page_.get_by_text("Ashdown")).to_be_visible()


@pytest.mark.real
async def test_over_and_cut_short(open_page: Open, tmp_path: Path) -> None:
    """After its end it shows no detail; half a link is none."""
    watched = await open_page(LAPTOP)
    page_, old, cut = watched.page, tmp_path / "old.html", tmp_path / "cut.html"
    sealed = locked(COPY, until=1_700_000_000)
    old.write_text(page(sealed), encoding="utf-8")
    cut.write_text(page(sealed[: sealed.rindex(".")]), encoding="utf-8")
    await page_.goto(old.as_uri())
    await type_words(page_, WORDS)
    await expect(page_.get_by_text("Its time is over since")).to_be_visible()
    await expect(page_.get_by_text("Ashdown")).to_be_hidden()
    assert "Ashdown" not in await page_.content()
    await page_.goto(cut.as_uri())
    await expect(page_.get_by_role("alert")).to_contain_text("the link was cut short")


@pytest.mark.real
async def test_behind_the_address_of_a_page_that_anybody_serves(open_page: Open) -> None:
    """The server never sees what stands behind ``#``, and the address bar loses it at once."""
    paths: list[str] = []

    async def serve(request: web.Request) -> web.Response:
        paths.append(f"{request.raw_path} {dict(request.headers)}")
        return web.Response(text=page(), content_type="text/html")

    app = web.Application()
    app.router.add_get("/{any:.*}", serve)
    sealed = locked(COPY, until=system_clock() + 86_400)
    async with TestServer(app) as server:
        watched = await open_page(LAPTOP)
        page_ = watched.page
        address = str(server.make_url("/locked"))
        await page_.goto(f"{address}#{sealed}")
        assert page_.url == address
        await type_words(page_, WORDS)
        await expect(page_.get_by_role("heading", name=f"For {NAME}")).to_be_focused()
        await watched.check()
        await page_.goto(f"{address}#")
        await page_.reload()
        await expect(page_.get_by_role("alert")).to_contain_text("There is no locked copy here")
    assert len(paths) >= 2
    assert not any(sealed[:40] in seen or WORDS in seen or "ey" in seen.split(" ", 1)[0] for seen in paths)


@pytest.mark.real
async def test_pasted_into_the_address_of_the_open_page(open_page: Open, tmp_path: Path) -> None:
    """Nothing is loaded by that, and yet it opens, and leaves the address."""
    empty = tmp_path / "empty.html"
    empty.write_text(page(), encoding="utf-8")
    watched = await open_page(LAPTOP)
    page_ = watched.page
    await page_.goto(empty.as_uri())
    await expect(page_.get_by_role("alert")).to_contain_text("There is no locked copy here")
    await page_.evaluate("token => { location.hash = token; }", locked(COPY, until=system_clock() + 86_400))
    await type_words(page_, WORDS)
    await expect(page_.get_by_role("heading", name=f"For {NAME}")).to_be_focused()
    assert page_.url == empty.as_uri()


@pytest.mark.real
async def test_a_stranger_writes_on_the_outside(open_page: Open, tmp_path: Path) -> None:
    """What stands on a link for a key is shown as text, or is no link: nothing of it runs, hides or is followed."""
    watched = await open_page(LAPTOP)
    page_, file = watched.page, tmp_path / "keyed.html"
    good = seal_for(link_to(COPY, until=system_clock() + 86_400), INBOX)
    header = json.loads(base64.urlsafe_b64decode(good.split(".", maxsplit=1)[0] + "=="))
    tag = "<img src=x onerror=alert(1)>"
    for changes, shown in (
        ({}, NAME), ({"name": tag}, tag), ({"name": "a\u202eb"}, ""), ({"name": "a\u2028b"}, ""), ({"name": "x" * 201}, ""), ({"aud": ["x"]}, ""),
        ({"cty": "x"}, ""), ({"enc": "A128GCM"}, ""), ({"p2c": 1}, ""),
    ):  # fmt: skip
        outside = base64.urlsafe_b64encode(json.dumps({**header, **changes}).encode()).decode().rstrip("=")
        file.write_text(page(".".join((outside, *good.split(".")[1:]))), encoding="utf-8")
        await page_.goto(file.as_uri())
        if shown:
            await expect(page_.get_by_role("heading", name=f"For {shown}")).to_be_visible()
            await expect(page_.locator("#keyed-only")).to_have_text(f"Only {shown} can open it.")
        else:
            await expect(page_.get_by_role("alert")).to_contain_text("There is no locked copy here")
            await expect(page_.locator("#keyed")).to_be_hidden()
        await expect(page_.get_by_label("The seven words")).to_be_hidden()
        await watched.check()


@pytest.mark.real
async def test_opens_in_firefox(file: Path, tmp_path: Path) -> None:
    async with firefox(tmp_path / "profile") as window:
        await window.goto(file.as_uri())
        for words, there in ((WRONG, "!document.getElementById('state').hidden && document.getElementById('open').disabled === false"), (WORDS, "!document.getElementById('shown').hidden")):  # fmt: skip
            await window.run(f"document.getElementById('words').value = {json.dumps(words)}")
            await window.run("document.getElementById('open').click()")
            await window.until(there)
        assert "Ashdown" in await window.run("document.getElementById('rows').textContent")
        assert await window.run("document.getElementById('for').textContent") == f"For {NAME}"
