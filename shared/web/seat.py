"""Who sits at the pages for operators: asked anew for each of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from ..errors import Forbidden, SignInRequired
from . import auth, operators
from .context import storage
from .operators import Operator

OPERATOR: web.RequestKey[Operator] = web.RequestKey("OPERATOR", Operator)
PASSPHRASE_PATH: web.AppKey[str] = web.AppKey("PASSPHRASE_PATH", str)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def seat(request: web.Request) -> Operator:
    """The operator of this session, asked anew for every page: one who was removed since is signed out at once."""
    session = await auth.require_session(request)
    found = await storage(request).read(lambda tx: operators.by_id(tx, session.subject))
    if found is None:
        raise SignInRequired("sign in first")
    request[OPERATOR] = found
    return found


def seated(handler: Handler, *, check: Callable[[Operator], None] | None = None, handed: bool = False) -> Handler:
    """``handler`` for operators only, who are ``request[OPERATOR]``; ``check`` raises for those who may not.

    Whoever has a passphrase that somebody else knows chooses her own first, except where ``handed`` says that she is let in as she is.
    """

    async def serve(request: web.Request) -> web.StreamResponse:
        found = await seat(request)
        if found.handed and not handed:
            raise web.HTTPSeeOther(request.config_dict[PASSPHRASE_PATH])
        if check is not None:
            check(found)
        return await handler(request)

    return serve


def check_admin(found: Operator) -> None:
    if found.role != "admin":
        raise Forbidden("this needs the role admin")
