from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from support.two_phones import new, old, site
from support.wallets import Wallet, open_wallet

__all__ = ["new", "old", "site", "wallet"]


@pytest.fixture
async def wallet(sqlite_uri: str) -> AsyncIterator[Wallet]:
    async with open_wallet(sqlite_uri) as opened:
        yield opened
