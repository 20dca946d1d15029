from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.desk import Running, Template, make_template, serving


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(make_template(tmp_path_factory.mktemp("verifier") / "desk"))


@pytest.fixture
async def desk(template: Template, tmp_path: Path) -> AsyncIterator[Running]:
    """A verifier that answers, with its issuer's lists fetched."""
    async with serving(template, tmp_path / "desk") as running:
        yield running
