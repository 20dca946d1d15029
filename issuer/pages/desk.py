"""Who sits at the desk: the signed-in operator, asked anew for every page, and what each role may do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from issuer.office import Office
from issuer.records import people
from issuer.records.people import Operator
from issuer.sessions import Actor
from shared.errors import Forbidden, SignInRequired
from shared.web import auth

OPERATOR: web.RequestKey[Operator] = web.RequestKey("OPERATOR", Operator)
_RANK = {"clerk": 0, "approver": 1, "admin": 2}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def operator(request: web.Request, office: Office) -> Operator:
    """The operator of this session; one who was removed since is signed out at once."""
    session = await auth.require_session(request)
    found = await office.storage.read(lambda tx: people.by_id(tx, session.subject))
    if found is None:
        raise SignInRequired("sign in first")
    return found


def seated(office: Office, handler: Handler, *, role: str = "clerk") -> Handler:
    """``handler`` for operators of ``role`` or above only. The operator is ``request[OPERATOR]``."""

    async def serve(request: web.Request) -> web.StreamResponse:
        found = await operator(request, office)
        check_role(found, role)
        request[OPERATOR] = found
        return await handler(request)

    return serve


def check_role(found: Operator, role: str) -> None:
    """Raise ``Forbidden`` unless the operator has ``role`` or more."""
    if _RANK[found.role] < _RANK[role]:
        raise Forbidden(f"this needs the role {role}")


def may(found: Operator, role: str) -> bool:
    """Only for what a page shows; what it does is checked by ``seated``."""
    return _RANK[found.role] >= _RANK[role]


def actor(request: web.Request) -> Actor:
    found = request[OPERATOR]
    return Actor(role=found.role, name=found.name)
