"""Who sits at the desk, and what each role may do."""

from __future__ import annotations

from aiohttp import web

from issuer.office import Office
from issuer.sessions import Actor
from shared.errors import Forbidden
from shared.web import entrance
from shared.web.entrance import OPERATOR, Handler
from shared.web.operators import Operator
from shared.web.pages import locale_of

_RANK = {"clerk": 0, "approver": 1, "admin": 2}
ROLES = tuple(_RANK)


def seated(handler: Handler, *, role: str = "clerk") -> Handler:
    """``handler`` for operators of ``role`` or above only. The operator is ``request[OPERATOR]``."""
    return entrance.seated(handler, check=lambda found: check_role(found, role))


def check_role(found: Operator, role: str) -> None:
    """Raise ``Forbidden`` unless the operator has ``role`` or more."""
    if _RANK[found.role] < _RANK[role]:
        raise Forbidden(f"this needs the role {role}")


def may(found: Operator, role: str) -> bool:
    """Only for what a page shows; what it does is checked by ``seated``."""
    return _RANK[found.role] >= _RANK[role]


def title_of(request: web.Request, office: Office, type_id: str) -> str:
    """What a kind of document is called; the name of the kind itself where this office makes it no longer."""
    kind = office.find_type(type_id)
    return type_id if kind is None else kind.title.in_(locale_of(request))


def actor(request: web.Request) -> Actor:
    found = request[OPERATOR]
    return Actor(role=found.role, name=found.name)
