"""What anybody can open without a wallet: the page for locked links, and locked copies that this service shows for their words."""

from __future__ import annotations

from base64 import b64encode

from aiohttp import web

from shared.addressed import MEDIA_TYPE, render_file
from shared.errors import Malformed
from shared.web.auth import read_form
from shared.web.forms import Form
from shared.web.pages import locale_of, render
from shared.web.sealed_page import page, policy
from wallet.links_api import OPENER, SHOWN
from wallet.pages.desk import Desk
from wallet.views import MAX_ORGANISATION


class ViewPages:
    """``/locked`` and ``/view/{id}``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: web.Application) -> None:
        """Register the pages."""
        app.router.add_get(OPENER, self.opener)
        app.router.add_get(f"{SHOWN}{{id}}", self.show)
        app.router.add_post(f"{SHOWN}{{id}}", self.open)

    async def opener(self, request: web.Request) -> web.StreamResponse:
        """The page that opens what stands behind ``#`` of its address. Its own policy is stricter than ours, and it keeps no referrer."""
        headers = {
            "Content-Security-Policy": f"{policy()}; frame-ancestors 'none'",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-cache",
        }
        return web.Response(text=page(locale=locale_of(request)), content_type="text/html", headers=headers)

    async def show(self, request: web.Request) -> web.StreamResponse:
        await self._desk.views.check_open(request.match_info["id"])
        return await render(request, "wallet/view.html", form=Form(), id=request.match_info["id"])

    async def open(self, request: web.Request) -> web.StreamResponse:
        """Words and all that they open go by this answer alone: no address, no cookie, no log has them."""
        name, form, words = request.match_info["id"], Form(await read_form(request, signed_in=False)), self._desk.words(request)
        await self._desk.views.check_open(name)
        typed = form.need("words", words._("Enter the seven words"))
        organisation = form.need("organisation", words._("Enter the name of your organisation"))
        if not organisation.isprintable() or len(organisation) > MAX_ORGANISATION:
            form.error("organisation", words._("The name of your organisation has at most 120 letters"))
        if form.wrong:
            return await render(request, "wallet/view.html", form=form, id=name)
        try:
            link = await self._desk.views.open(name, typed, organisation)
        except Malformed as error:
            if error.where != "words":
                raise
            form.error("words", words._("These words do not open it. Check each word with whoever told them to you."))
            return await render(request, "wallet/view.html", form=form, id=name)
        if form.value("want") == "file":
            headers = {"Content-Disposition": 'attachment; filename="copy.json"'}
            return web.Response(body=render_file(link.copy), content_type=MEDIA_TYPE, headers=headers)
        file = f"data:{MEDIA_TYPE};base64,{b64encode(render_file(link.copy)).decode()}"  # seen and saved is one use
        return await render(request, "wallet/viewed.html", link=link, locale_=words.locale, file=file)
