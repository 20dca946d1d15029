"""What ties a browser that has not signed in yet to the page where it is asked to: a cookie of ours that holds all there is to know.

It holds what a passkey has to sign, what ties an outside login to this browser, and where the browser wanted to go, under a MAC. A row is
written only when somebody signs in, so that nobody fills the database, or uses up anybody's tries, by asking for the page. That row closes
the door: an answer serves once, in the browser that asked.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field

from aiohttp import web
from multidict import MultiDictProxy

from ..codec import base64url
from ..errors import CrossSiteRefused, SignInRequired
from ..storage import Tx
from . import auth, sessions
from .context import SETTINGS, entropy, now, storage
from .oidc import Attempt
from .ways import WAYS

LIFE = 30 * 60  # seconds
_MAX_AFTER = 1_000  # characters; whoever wants to go further begins at the first page
_COOKIE = re.compile(r"([A-Za-z0-9_-]{43}\.([0-9]{1,15})\.([A-Za-z0-9_-]*))\.([A-Za-z0-9_-]{43})")
_SUBJECT = "door:"


@dataclass(frozen=True, slots=True)
class Door:
    """``after`` is where the browser wanted to go; ``new`` if the cookie is to be set."""

    cookie: str = field(repr=False)
    after: str
    until: int
    new: bool

    def _draw(self, purpose: bytes) -> bytes:
        return hmac.digest(self.cookie.encode(), purpose, "sha256")

    @property
    def challenge(self) -> bytes:
        """What a passkey has to sign."""
        return self._draw(b"passkey")

    @property
    def attempt(self) -> Attempt:
        return Attempt(self._draw(b"outside login"), began=self.until - LIFE)

    @property
    def form_token(self) -> str:
        return sessions.form_token(self.cookie)

    @property
    def key(self) -> str:
        """Of the row that closes it: no hash of a cookie looks like it, so that no session is it."""
        return _SUBJECT + sessions.hashed(self.cookie)


def _cookie_name(request: web.Request) -> str:
    return f"{auth.cookie_name(request)}-door"


async def find(request: web.Request) -> Door | None:
    """The door before which this browser stands, if it is ours and not closed yet."""
    cookie = request.cookies.get(_cookie_name(request), "")
    found = _COOKIE.fullmatch(cookie) if len(cookie) <= 2 * _MAX_AFTER else None
    if found is None or int(found[2]) <= now(request) or not hmac.compare_digest(await _mac(request, found[1]), found[4]):
        return None
    door = Door(cookie, base64url.decode(found[3]).decode(), int(found[2]), new=False)
    closed = await storage(request).read(lambda tx: tx.fetchrow("SELECT 1 AS one FROM web_session WHERE id_hash = $1", door.key))
    return door if closed is None else None


async def come(request: web.Request, after: str) -> Door:
    """That one, or a new one. ``keep`` gives the browser what it needs of it."""
    known = await find(request)
    wanted = after.encode("utf-8", "ignore")
    if len(wanted) > _MAX_AFTER:
        wanted = b""
    if known is not None and known.after == wanted.decode():
        return known
    until = now(request) + LIFE
    text = f"{base64url.encode(entropy(request)(32))}.{until}.{base64url.encode(wanted)}"
    return Door(f"{text}.{await _mac(request, text)}", wanted.decode(), until, new=True)


async def _mac(request: web.Request, text: str) -> str:
    return base64url.encode(await request.config_dict[WAYS].mac(f"{_SUBJECT}{text}"))


def keep(request: web.Request, response: web.StreamResponse, door: Door) -> None:
    """Set the cookie of a new door."""
    if door.new:
        secure = request.config_dict[SETTINGS].secure
        response.set_cookie(_cookie_name(request), door.cookie, max_age=LIFE, httponly=True, samesite="Lax", secure=secure, path="/")


def forget(request: web.Request, response: web.StreamResponse) -> None:
    """Once somebody is in, her browser needs it no more."""
    secure = request.config_dict[SETTINGS].secure
    response.del_cookie(_cookie_name(request), path="/", secure=secure, httponly=True, samesite="Lax")


async def read_form(request: web.Request, door: Door) -> MultiDictProxy[str]:
    """A form of the page that was made for this door; ``CrossSiteRefused``."""
    posted = await auth.read_form(request, signed_in=False)
    if not hmac.compare_digest(door.form_token.encode(), posted.get(auth.FORM_TOKEN_FIELD, "").encode("utf-8", "replace")):
        raise CrossSiteRefused("this form was not made for this page, or somebody has signed in since")
    return posted


async def close(tx: Tx, door: Door, at: int) -> None:
    """Somebody comes in. ``SignInRequired`` if it was closed before: what came through it serves once."""
    closed = await tx.execute(
        "INSERT INTO web_session (id_hash, subject, data, created_at, seen_at, idle_until, expires_at) VALUES ($1, $2, '{}', $3, $3, $4, $4) "
        "ON CONFLICT (id_hash) DO NOTHING",
        door.key,
        _SUBJECT,
        at,
        door.until,
    )
    if closed != 1:
        raise SignInRequired("somebody has signed in here already: begin again")
