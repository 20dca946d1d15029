from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from support.trial_web import Build, Client, Serve, Watch

from shared.clock import system_entropy
from shared.storage import Storage, open_storage
from shared.web import auth
from shared.web.app import make_app
from shared.web.settings import Common


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Storage]:
    opened = open_storage(f"sqlite://{tmp_path / 'web.db'}")
    await opened.migrate(auth.MIGRATIONS)
    yield opened
    await opened.close()


@pytest.fixture
async def rows(storage_uri: str) -> AsyncIterator[Storage]:
    """As ``store``, on each kind of database in turn."""
    opened = open_storage(storage_uri)
    await opened.migrate(auth.MIGRATIONS)
    yield opened
    await opened.close()


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """``await serve(app)``: a client of the application, listening on loopback."""
    clients: list[Client] = []

    async def start(app: web.Application) -> Client:
        client = TestClient(TestServer(app, access_log=None, auto_decompress=False))
        clients.append(client)
        await client.start_server()
        return client

    yield start
    for client in clients:
        await client.close()


@pytest.fixture
def app_of(store: Storage, watch: Watch) -> Build:
    """``app_of(max_body=2048)``: an application with storage and the settings given."""

    def build(**settings: object) -> web.Application:
        return make_app("issuer", Common(**settings), storage=store, clock=watch, entropy=system_entropy)  # type: ignore[arg-type]

    return build
