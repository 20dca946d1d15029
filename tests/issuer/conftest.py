from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.attested import Wallet, attested
from support.levels import HOST
from support.registry import Registry, Template, make_template, serving
from support.visitor import Visitor, visitor


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(make_template(tmp_path_factory.mktemp("issuer") / "registry"))


@pytest.fixture
async def registry(template: Template, tmp_path: Path) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "registry") as running:
        yield running


@pytest.fixture
async def wallet(registry: Registry) -> Wallet:
    return await attested(registry)


@pytest.fixture
async def nora(registry: Registry, wallet: Wallet) -> AsyncIterator[Visitor]:
    """Her phone, with a request of her wallet at hand."""
    async with visitor(registry) as one:
        await one.come(wallet, (await wallet.push())[1])
        yield one


# --- two offices, one above the other ---


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """An office with keys of its own."""
    return asyncio.run(make_template(tmp_path_factory.mktemp("courts") / "courts"))


@pytest.fixture
async def ministry(template: Template, tmp_path: Path) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "ministry", local=True, superior=True, outbound_allow=HOST) as running:
        yield running


@pytest.fixture
async def courts(other: Template, tmp_path: Path, ministry: Registry) -> AsyncIterator[Registry]:
    hints = (ministry.url,)
    async with serving(other, tmp_path / "courts", local=True, superior=True, authority_hints=hints, outbound_allow=HOST) as running:
        yield running
