"""The recovery code as a sheet to print: shown once, when a wallet is made and whenever its passphrase changes."""

from __future__ import annotations

from base64 import b64encode

from aiohttp import web

from shared.codec import qr
from shared.web.pages import render
from wallet.enter import Opened
from wallet.pages.desk import Desk


async def show_sheet(desk: Desk, request: web.Request, opened: Opened) -> web.StreamResponse:
    """The square code leads to the page that takes the code, which stands in the fragment: no server sees it in an address."""
    place = f"{desk.settings.public_url}/recover"
    drawn = b64encode(qr.svg(f"{place}#{opened.recovery_code}").encode()).decode()
    return await render(
        request,
        "wallet/recovery_code.html",
        code=opened.recovery_code,
        holder=opened.holder,
        address=place,
        picture=f"data:image/svg+xml;base64,{drawn}",
        at=desk.means.clock(),
    )
