"""What ties a browser that has not signed in yet to the page where it is asked to: a short session of nobody's.

It has a cookie and a row of its own, holds what a passkey has to sign and, by its cookie, what ties an outside login to this browser,
and ends when somebody signs in: an answer serves once, in the browser that asked.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from aiohttp import web
from multidict import MultiDictProxy

from ..codec import base64url
from ..errors import SignInRequired
from ..storage import Tx
from . import auth, passkeys, rates, sessions
from .context import SETTINGS, entropy, now, storage
from .oidc import Attempt
from .rates import Limit
from .security import client_address
from .sessions import Session

LIFE = 30 * 60  # seconds
BY_ADDRESS = Limit("door", 300, 15 * 60)
_SUBJECT = "door:"


@dataclass(frozen=True, slots=True)
class Door:
    """``after`` is where the browser wanted to go; ``cookie`` is to be set if the door is new."""

    session: Session
    challenge: bytes
    attempt: Attempt
    after: str
    cookie: str = ""


def _cookie_name(request: web.Request) -> str:
    return f"{auth.cookie_name(request)}-door"


async def find(request: web.Request) -> Door | None:
    """The door before which this browser stands, if it is not closed yet."""
    cookie, at = request.cookies.get(_cookie_name(request), ""), now(request)
    found = await storage(request).read(lambda tx: sessions.find(tx, cookie, at=at)) if 0 < len(cookie) <= 128 else None
    return _door(found, cookie) if found is not None and found.subject == _SUBJECT else None


async def come(request: web.Request, after: str) -> Door:
    """That one, or a new one; ``TooMany``. ``keep`` gives the browser what it needs of it."""
    known = await find(request)
    if known is not None and known.after == after:
        return known
    at = now(request)
    data = {"challenge": base64url.encode(entropy(request)(passkeys.CHALLENGE_SIZE)), "after": after}

    async def unit(tx: Tx) -> tuple[str, Session]:
        await rates.take(tx, BY_ADDRESS, client_address(request), at=at)
        return await sessions.begin(tx, subject=_SUBJECT, at=at, entropy=entropy(request), data=data, idle=LIFE, absolute=LIFE)

    cookie, session = await storage(request).write(unit)
    return _door(session, cookie, new=True)


def _door(session: Session, cookie: str, *, new: bool = False) -> Door:
    attempt = Attempt(hmac.digest(cookie.encode(), b"outside login", "sha256"))  # the database knows a hash of the cookie only
    challenge = base64url.decode(str(session.data["challenge"]))
    return Door(session, challenge, attempt, str(session.data["after"]), cookie if new else "")


def keep(request: web.Request, response: web.StreamResponse, door: Door) -> None:
    """Set the cookie of a new door."""
    if door.cookie:
        secure = request.config_dict[SETTINGS].secure
        response.set_cookie(_cookie_name(request), door.cookie, max_age=LIFE, httponly=True, samesite="Lax", secure=secure, path="/")


def forget(request: web.Request, response: web.StreamResponse) -> None:
    """Once somebody is in, her browser needs it no more."""
    secure = request.config_dict[SETTINGS].secure
    response.del_cookie(_cookie_name(request), path="/", secure=secure, httponly=True, samesite="Lax")


async def read_form(request: web.Request, door: Door) -> MultiDictProxy[str]:
    """A form of the page that was made for this door; ``CrossSiteRefused``."""
    posted = await auth.read_form(request, signed_in=False)
    sessions.check_form_token(door.session, posted.get(auth.FORM_TOKEN_FIELD, ""))
    return posted


async def close(tx: Tx, door: Door) -> None:
    """Somebody comes in. ``SignInRequired`` if it was closed before: what came through it serves once."""
    if await tx.execute("DELETE FROM web_session WHERE id_hash = $1", door.session.key) != 1:
        raise SignInRequired("somebody has signed in here already: begin again")
