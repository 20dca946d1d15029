"""The page that checks without a network, in a real Chromium: set up, asked, answered, cold-started with the service stopped."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser
from support.desk import Running, Template, serving
from support.scan_page import ScanPage, answer, as_code, as_loop
from support.signing import AT

pytestmark = pytest.mark.real


@pytest.fixture
async def desk(template: Template, tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(template, tmp_path / "desk", local=True) as running:
        yield running


@pytest.fixture
async def counter(desk: Running, chromium: Browser) -> AsyncIterator[ScanPage]:
    """A desk that is set up and open, in a profile of its own."""
    folder = os.environ.get("MUNIMENT_SCREENS")  # noqa: TID251 - set by `make screens`
    context = await chromium.new_context(locale="en-GB")
    page = await ScanPage.open(context, desk.base, at=AT, folder=Path(folder) if folder else None)
    await page.sign_in()
    await page.enrol()
    yield page
    await context.close()


async def test_shown_live(counter: ScanPage) -> None:
    challenge = await counter.ask()
    await counter.scan(as_code(answer(challenge)))
    assert await counter.result() == "You can rely on this"
    said = await counter.text()
    assert "acting for Margaret Ashdown" in said
    assert "Shown live to you" in said
    assert "Checked twice: by this desk, and by the service." in said
