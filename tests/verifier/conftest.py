from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser
from support.desk import Running, Template, make_template, serving
from support.scan_page import ScanPage
from support.signing import AT


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(make_template(tmp_path_factory.mktemp("verifier") / "desk"))


@pytest.fixture
async def desk(template: Template, tmp_path: Path) -> AsyncIterator[Running]:
    """A verifier that answers, with its issuer's lists fetched."""
    async with serving(template, tmp_path / "desk") as running:
        yield running


@pytest.fixture
async def local(template: Template, tmp_path: Path) -> AsyncIterator[Running]:
    """The same, under the address where it truly listens, as a browser needs it."""
    async with serving(template, tmp_path / "desk", local=True) as running:
        yield running


@pytest.fixture
async def counter(local: Running, chromium: Browser) -> AsyncIterator[ScanPage]:
    """A checking page that is set up and open, in a profile of its own."""
    context = await chromium.new_context(locale="en-GB")
    page = await ScanPage.open(context, local.base, at=AT)
    await page.sign_in()
    await page.enrol()
    yield page
    await context.close()
