from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from support.abroad import Counter, counter_for, office_template
from support.registry import Registry, Template, serving

from demo.authority import Authority


@pytest.fixture(scope="session")
def office_folder(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(office_template(tmp_path_factory.mktemp("office") / "registry"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def office(office_folder: Template, tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> AsyncIterator[Registry]:
    """Our issuer over https."""
    async with serving(office_folder, tmp_path_factory.mktemp("served") / "registry", local=True, tls=authority) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def desk(office: Registry, tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> AsyncIterator[Counter]:
    """Our verifier over https, which trusts ``office``."""
    async with counter_for(tmp_path_factory.mktemp("desk") / "desk", authority, office) as running:
        yield running
