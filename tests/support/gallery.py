"""One page with every part of ``parts.html``, as the tests of the look and of accessibility see it."""

from __future__ import annotations

from aiohttp import web
from support.trial_web import Build

from shared.web import pages
from shared.web.auth import use_auth
from shared.web.forms import Form

QR = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 29 29'%3E%3Cpath fill='%23fff' d='M0 0h29v29H0z'/%3E"
    "%3Cpath d='M4 4h7v7H4zM18 4h7v7h-7zM4 18h7v7H4zM13 4h2v3h-2zM13 9h3v2h-3zM13 13h3v3h-3zM18 13h2v2h-2zM22 18h3v3h-3zM18 22h2v3h-2z'/%3E%3C/svg%3E"
)


def gallery(app_of: Build, **settings: object) -> web.Application:
    """An application that shows the page at ``/``, with errors at ``/wrong``, and an ordinary error page elsewhere."""
    app = app_of(**settings)
    use_auth(app)
    navigation = [pages.Link("Documents", "/", signed_in=False), pages.Link("Make one", "/make", signed_in=False)]
    pages.use_pages(app, package="support", title="Make documents", navigation=navigation)

    async def show(request: web.Request) -> web.StreamResponse:
        form = Form({"reference": "x"})
        if request.path == "/wrong":
            form.error("reference", "Enter the reference as it stands on the letter")
            form.error("passphrase", "Enter your passphrase")
        return await pages.render(request, "gallery.html", form=form, src=QR)

    async def state(_: web.Request) -> web.Response:
        return web.json_response({"state": "done", "text": "The wallet has answered"})

    app.router.add_get("/", show)
    app.router.add_get("/wrong", show)
    app.router.add_get("/state", state)
    return app
