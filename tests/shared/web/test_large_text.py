"""What the walkers of pages find with letters of twice the size, held to pages on which something is wrong."""

from __future__ import annotations

import pytest
from support.browser import PHONE, Open

pytestmark = pytest.mark.real

PAGE = """<!doctype html><html lang="en"><title>A page</title><meta name="viewport" content="width=device-width">
<style>body { margin: 0; font: 16px/1.3 sans-serif } p { margin: 0 0 10px }</style><h1>A page</h1>"""
FAULTS = {
    '<p style="width: 200px; height: 20px; overflow: hidden">A line that fits.</p>': "cuts off",
    '<p style="height: 12px; line-height: 12px">One.</p><p style="line-height: 12px">The next.</p>': "lie over each other",
    '<p style="position: relative; height: 20px"><b style="position: absolute; left: 0">One</b><i style="position: absolute; left: 120px">Two</i>'
    "</p>": "",
    '<p style="white-space: nowrap">This is as wide as a phone is.</p>': "wider than the window",
    "<p>Words that go on in the next line where there is no room for them.</p><p>The next one.</p>": "",
    '<pre style="height: 40px; overflow: auto">one\ntwo\nthree\nfour</pre><p>What is moved inside of its own box.</p>': "",
}


@pytest.mark.parametrize("body", FAULTS)
async def test_what_is_wrong_with_letters_of_twice_the_size(open_page: Open, body: str) -> None:
    watched = await open_page(PHONE)
    await watched.page.set_content(PAGE + body)
    before = await watched.page.locator("h1").evaluate("(one) => getComputedStyle(one).fontSize")
    if FAULTS[body]:
        with pytest.raises(AssertionError, match=FAULTS[body]):
            await watched.check_large_text()
    else:
        await watched.check_large_text()
    assert await watched.page.locator("h1").evaluate("(one) => getComputedStyle(one).fontSize") == before
