"""What every page has at hand: the use cases' means, the open wallet of this browser, and the reader's words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from aiohttp import web

from shared.errors import Malformed, VcError
from shared.urls import same_house
from shared.web.auth import require_session
from shared.web.dates import Dates
from shared.web.entity import OwnEntity
from shared.web.pages import locale_of, translator
from wallet.backup import BackupTools
from wallet.config import WalletSettings
from wallet.enter import Doors
from wallet.holder_api import link_in
from wallet.keys import Vouching
from wallet.means import Means
from wallet.moving import Moves
from wallet.outbox import Outbox
from wallet.unlocked import Sitting, Unlocked
from wallet.views import Views

PICTURE = 12_000_000  # bytes of a form with a picture


@dataclass(frozen=True, slots=True)
class Words:
    """The reader's language."""

    _: Callable[[str], str]
    locale: str
    dates: Dates


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Handed to every group of pages."""

    means: Means
    doors: Doors
    unlocked: Unlocked
    settings: WalletSettings
    backups: BackupTools
    views: Views
    outbox: Outbox
    moves: Moves
    trust_file: Path
    entity: OwnEntity
    vouching: Vouching | None

    async def sitting(self, request: web.Request) -> Sitting:
        """The open wallet of this browser; ``SignInRequired`` sends people to the sign-in page."""
        return self.unlocked.get((await require_session(request)).key)

    def runs(self, *addresses: str) -> bool:
        """Whether whoever runs this service is at one of these addresses too, as far as addresses tell: it is to be neither the office of what lies here
        nor a body to which it is shown (security rule S29).
        """
        return any(same_house(self.settings.public_url, address) for address in addresses)

    def words(self, request: web.Request) -> Words:
        """Translations and dates for this request."""
        locale = locale_of(request)
        return Words(translator(request), locale, Dates(locale, self.settings.time_zone))


async def link_from(means: Means, typed: str, picture: bytes | None) -> str:
    """A pasted link, or the one in an uploaded picture; ``Malformed`` names the field.

    Pictures are read off the event loop, for they take their time, and one at a time, for they take memory.
    """
    if picture is not None:
        try:
            async with means.reading:
                return await asyncio.to_thread(link_in, picture)
        except VcError as error:
            raise error.within("picture") from error
    if not typed:
        raise Malformed("paste a link or choose a picture", where="link")
    return typed


def see(path: str) -> NoReturn:
    """Go on at ``path`` after a form was sent."""
    raise web.HTTPSeeOther(path)
