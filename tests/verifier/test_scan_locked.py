"""Locked links on the checking page, in a real Chromium with the network cut: AT-C05-2 of the people's stories."""

from __future__ import annotations

import pytest
from playwright.async_api import expect
from support.desk import BANK, copy_file
from support.locked import NAME, WORDS, WRONG, locked
from support.scan_page import ScanPage
from support.signing import AT

from shared.web.sealed_page import page
from verifier.words import A_COPY

pytestmark = pytest.mark.real
UTIL = "https://brightwater-utilities.example"
UNTIL = AT + 14 * 86_400


async def bring(counter: ScanPage, text: str, words: str) -> None:
    await counter.press("Check a copy")
    await counter.choose({"name": "locked.html", "mimeType": "text/html", "buffer": text.encode()})
    await counter.view("words")
    await answer(counter, words)


async def answer(counter: ScanPage, words: str) -> None:
    await counter.page.get_by_label("The seven words").fill(words)
    await counter.page.keyboard.press("Enter")


async def test_at_c05_2_on_the_checking_page(counter: ScanPage) -> None:
    await counter.context.set_offline(True)
    await bring(counter, page(locked(copy_file(seed="ours"), until=UNTIL)), WRONG)
    await counter.page.get_by_text("These words do not open it.").wait_for()
    await counter.view("words")
    assert "Ashdown" not in await counter.page.content()
    await expect(counter.page.get_by_label("The seven words")).to_have_value("")
    await counter.watched.check()
    await answer(counter, WORDS.replace("-", " "))
    assert await counter.result() == A_COPY
    assert "Ashdown" in await counter.text()
    assert WORDS not in await counter.page.content()
    await counter.press("Next customer")
    await bring(counter, page(locked(copy_file(to=UTIL), until=UNTIL)), WORDS)
    assert await counter.result() == "Do not rely on this"
    await counter.page.get_by_text(f"It was made for {NAME}.").wait_for()
    assert "Ashdown" not in await counter.text()
    await counter.press("Next customer")
    await bring(counter, page(locked(copy_file(seed="over"), until=AT)), WORDS)
    assert await counter.result() == "Do not rely on this"
    await expect(counter.page.locator("main")).to_contain_text("It has run out.")


async def test_a_link_is_pasted_and_its_copy_judged(counter: ScanPage) -> None:
    """What stands around the copy is not believed; and once is enough."""
    stolen = copy_file(to=UTIL).replace(f'"aud":"a:{UTIL}"'.encode(), f'"aud":"a:{BANK}"'.encode())
    good = copy_file(seed="pasted")
    for text, heading in (
        (locked(stolen, until=UNTIL), "Do not rely on this"),
        (locked(good, until=UNTIL), A_COPY),
        (locked(good, until=UNTIL), "Do not rely on this"),
    ):
        await counter.press("Check a copy")
        await counter.paste(f"https://view.example/locked#{text}")
        await counter.view("words")
        await answer(counter, WORDS)
        assert await counter.result() == heading
        await counter.press("Next customer")
    await counter.ask()
    await counter.scan("x")
    await counter.paste(locked(copy_file(), until=UNTIL))
    await counter.note("This is a copy, not an answer to your code")
