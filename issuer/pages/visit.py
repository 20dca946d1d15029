"""A holder's visit: one sign-in that a wallet began, in one browser, until she has answered.

It has a cookie and a row of its own, beside those of operators, and is worth nothing at their pages. Signing in changes the cookie, so
that nobody who planted one is signed in along with her; a visit belongs to one pending request and ends with it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from multidict import MultiDictProxy

from issuer.office import Office
from issuer.records import authorizations, people
from shared.codec import base64url
from shared.errors import InvalidRequest
from shared.storage import Tx
from shared.web import auth, passkeys, sessions
from shared.web.context import SETTINGS
from shared.web.oidc import Attempt
from shared.web.pages import render
from shared.web.sessions import Session


@dataclass(frozen=True, slots=True)
class Visit:
    """``pending`` is the id of the request; ``holder`` who has signed in, if somebody has; ``challenge`` what a passkey has to sign;
    ``attempt`` ties an outside login to this browser. Both change when somebody signs in. ``beside``: who was signed in just before, and
    may be the same person.
    """

    session: Session
    pending: str
    holder: str | None
    challenge: bytes
    attempt: Attempt
    beside: str | None


def _cookie_name(request: web.Request) -> str:
    return f"{auth.cookie_name(request)}-holder"


async def begin(
    request: web.Request,
    response: web.StreamResponse,
    office: Office,
    pending: str,
    holder: str | None = None,
    *,
    beside: str | None = None,
) -> None:
    """A new visit, which takes the place of the one that this browser had."""
    at, before = office.clock(), request.cookies.get(_cookie_name(request), "")
    data = {"pending": pending, "holder": holder, "challenge": office.secret(passkeys.CHALLENGE_SIZE), "beside": beside}

    async def unit(tx: Tx) -> str:
        await sessions.end(tx, sessions.hashed(before))
        life = office.settings.sign_in_minutes * 60
        cookie, _ = await sessions.begin(tx, subject=people.subject(holder or ""), at=at, entropy=office.entropy, data=data, idle=life)
        return cookie

    cookie = await office.storage.write(unit)
    secure = request.config_dict[SETTINGS].secure
    response.set_cookie(_cookie_name(request), cookie, httponly=True, samesite="Lax", secure=secure, path="/")


async def current(request: web.Request, office: Office) -> Visit:
    """The visit of this browser; ``InvalidRequest`` where there is none, or no more. Whoever was joined to another meanwhile signs in anew."""
    cookie, at = request.cookies.get(_cookie_name(request), ""), office.clock()

    async def unit(tx: Tx) -> tuple[Session | None, str | None]:
        found = await sessions.find(tx, cookie, at=at)
        holder = None if found is None else found.data.get("holder")
        return found, holder if holder is not None and await people.is_known(tx, holder) else None

    found, holder = await office.storage.read(unit) if 0 < len(cookie) <= 128 else (None, None)
    if found is None or not found.subject.startswith(people.subject("")):
        raise InvalidRequest("this sign-in is over: begin again in the wallet")
    said, challenge = found.data, base64url.decode(found.data["challenge"])
    return Visit(found, str(said["pending"]), holder, challenge, _attempt(cookie, found), said.get("beside"))


def _attempt(cookie: str, session: Session) -> Attempt:
    """From the cookie, of which the database knows a hash only."""
    return Attempt(hmac.digest(cookie.encode(), b"outside login", "sha256"), began=session.created_at)


async def stay(office: Office, visit: Visit) -> None:
    """She has as much time as at the beginning, from now on and up to ``sessions.ABSOLUTE`` in all."""
    at, life = office.clock(), office.settings.sign_in_minutes * 60

    async def unit(tx: Tx) -> None:
        await authorizations.extend(tx, visit.pending, at=at, until=at + life, most=sessions.ABSOLUTE)
        await sessions.touch(tx, visit.session, at=at, idle=life)

    await office.storage.write(unit)


async def end(request: web.Request, response: web.StreamResponse, office: Office, visit: Visit) -> None:
    """After the answer."""
    await office.storage.write(lambda tx: sessions.end(tx, visit.session.key))
    secure = request.config_dict[SETTINGS].secure
    response.del_cookie(_cookie_name(request), path="/", secure=secure, httponly=True, samesite="Lax")


async def read_form(request: web.Request, visit: Visit) -> MultiDictProxy[str]:
    """A form of our own page, made for this visit."""
    posted = await auth.read_form(request, signed_in=False)
    sessions.check_form_token(visit.session, posted.get(auth.FORM_TOKEN_FIELD, ""))
    return posted


async def show(request: web.Request, visit: Visit, template: str, **context: Any) -> web.Response:
    """A page for a holder: without the operators' navigation, even where one is signed in beside her."""
    return await render(
        request,
        f"holder/{template}.html",
        **{"session": None, "stay": None, "navigation": [], "form_token": visit.session.form_token, **context},
    )
