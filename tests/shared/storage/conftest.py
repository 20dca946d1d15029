from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from support.ledger import STEPS

from shared.storage import Storage, open_storage


@pytest.fixture
async def storage(storage_uri: str) -> AsyncIterator[Storage]:
    opened = open_storage(storage_uri)
    await opened.migrate(STEPS)
    yield opened
    await opened.close()
