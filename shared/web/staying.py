"""No time limit without a warning and a way to extend it (WCAG 2.2, success criterion 2.2.1).

Every page of somebody who is signed in warns two minutes before she would be signed out for doing nothing (``static/js/stay.js``). First
it asks here how long is left, as another tab may have kept her in; whoever presses the button stays as if she had opened a page.
"""

from __future__ import annotations

from aiohttp import web

from . import auth
from .context import now
from .problem import PROBLEM, speak

PATH = "/signed-in"


def add_to(app: web.Application) -> None:
    """Routes of this part."""
    speak(app, PROBLEM, PATH)
    app.router.add_get(PATH, _look)
    app.router.add_post(PATH, _stay)


async def _look(request: web.Request) -> web.Response:
    """Keeps nobody signed in."""
    return web.json_response({"seconds": await auth.seconds_left(request)})


async def _stay(request: web.Request) -> web.Response:
    request[auth.SESSION] = await auth.peek_session(request)  # a form that is refused extends nothing
    await auth.read_form(request)
    del request[auth.SESSION]
    session = await auth.require_session(request)
    return web.json_response({"seconds": session.idle_until - now(request)})
