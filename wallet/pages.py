"""Pages."""

from __future__ import annotations

from aiohttp import web

from .config import WalletSettings
from .enter import Doors
from .means import Means
from .unlocked import Unlocked


class Pages:
    """The pages of the wallet."""

    def __init__(self, means: Means, doors: Doors, unlocked: Unlocked, settings: WalletSettings) -> None:
        self._means = means

    def add_to(self, app: web.Application) -> None:
        """Nothing yet."""
