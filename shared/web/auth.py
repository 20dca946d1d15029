"""Who is asking: sessions of people, API keys of programs, forms that came from our own pages, throttled sign-in.

What a service does with it:

    use_auth(app)                                            # once, after make_app; MIGRATIONS went to storage.migrate first
    await throttle_sign_in(request, account=name)            # before looking at the passphrase
    await passphrases(request).check(passphrase, phc)        # phc None if there is no such account; raises WrongPassphrase
    await forgive_sign_in(request, account=name)
    response = web.HTTPSeeOther("/")                         # any response, returned or raised
    await sign_in(request, response, subject=operator_id, data={"role": "clerk"})
    session = await require_session(request)                 # SignInRequired becomes a redirect to the sign-in page for people
    form = await read_form(request)                          # same origin and session token checked, then the fields
    key = await require_scope(request, "issue")              # a guard for openapi.add_routes

Sessions are rows, unless ``use_auth(app, keep=…)`` brings another ``SessionKeeper``: a wallet keeps its open sittings in memory only.
It begins them by itself and calls ``set_session(request, response, cookie, session)``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

from aiohttp import web
from multidict import MultiDict, MultiDictProxy

from ..errors import CrossSiteRefused, InsufficientScope, InvalidToken, Malformed, SignInRequired
from ..storage import Tx, read_migrations
from . import api_keys, rates, sessions
from .api_keys import ApiKey
from .context import CLOCK, ENTROPY, SERVICE, SETTINGS, STORAGE, now, storage
from .passphrases import Passphrases
from .problem import SIGN_IN_PATH
from .rates import Limit
from .security import client_address
from .sessions import Session

MIGRATIONS = read_migrations("shared.web", "web")
"""Pass these to ``storage.migrate`` before the service's own."""

SIGN_IN_BY_ACCOUNT = Limit("sign-in-account", 10, 15 * 60)
SIGN_IN_BY_ADDRESS = Limit("sign-in-address", 50, 15 * 60)

PASSPHRASES: web.AppKey[Passphrases] = web.AppKey("PASSPHRASES", Passphrases)
SESSION: web.RequestKey[Session | None] = web.RequestKey("session")
"""The session of this request once it was looked up; ``None`` for none. ``current_session`` is how to ask for it."""

FORM_TOKEN_FIELD = "form_token"  # noqa: S105 - the name of a field


class SessionKeeper(Protocol):
    """Who remembers sessions. ``cookie`` is the secret that the browser (or, as a bearer token, a program) holds."""

    async def find(self, request: web.Request, cookie: str) -> Session | None:
        """The session in force for ``cookie``; being asked keeps it awake."""

    async def peek(self, request: web.Request, cookie: str) -> Session | None:
        """The same; being asked does not keep it awake."""

    async def end(self, request: web.Request, session: Session) -> None:
        """End ``session``."""


class SessionRows:
    """Sessions as rows of the service's storage."""

    async def find(self, request: web.Request, cookie: str) -> Session | None:
        """As ``SessionKeeper``."""
        at, session = now(request), await self.peek(request, cookie)
        if session is not None and sessions.wants_touch(session, at=at):
            return await storage(request).write(lambda tx: sessions.touch(tx, session, at=at))
        return session

    async def peek(self, request: web.Request, cookie: str) -> Session | None:
        """As ``SessionKeeper``."""
        at = now(request)
        return await storage(request).read(lambda tx: sessions.find(tx, cookie, at=at))

    async def end(self, request: web.Request, session: Session) -> None:
        """As ``SessionKeeper``."""
        await storage(request).write(lambda tx: sessions.end(tx, session.key))


KEEPER: web.AppKey[SessionKeeper] = web.AppKey("KEEPER")


def use_auth(app: web.Application, *, sign_in_path: str = "/sign-in", keep: SessionKeeper | None = None) -> None:
    """Give ``app`` (made by ``make_app`` with storage) sessions, passphrases and the page that people are sent to."""
    keeper: SessionKeeper = keep if keep is not None else SessionRows()
    app[SIGN_IN_PATH] = sign_in_path
    app[KEEPER] = keeper

    async def resource(app: web.Application) -> AsyncIterator[None]:
        app[PASSPHRASES] = Passphrases(app[ENTROPY])
        yield
        app[PASSPHRASES].close()

    app.cleanup_ctx.append(resource)


def passphrases(request: web.Request) -> Passphrases:
    """Where passphrases are hashed and checked."""
    return request.config_dict[PASSPHRASES]


# --- sessions ----------------------------------------------------------------------------------------------------------------------

WAITING = "Muniment-Waiting"
"""The header of a question that a page asks by itself while somebody waits (``static/js/poll.js``): it keeps nobody signed in."""


def cookie_name(request: web.Request) -> str:
    """Ports of one host share their cookies: each service has its own name. ``__Host-`` ties it to this host and TLS."""
    prefix = "__Host-" if request.config_dict[SETTINGS].secure else ""
    return f"{prefix}muniment-{request.config_dict[SERVICE]}"


async def current_session(request: web.Request) -> Session | None:
    """The session of this request's cookie, if there is one in force; looked up once. ``None`` where there is no sign-in at all."""
    if SESSION not in request:
        cookie = request.cookies.get(cookie_name(request), "")
        request[SESSION] = await _find(request, cookie)
    return request[SESSION]


async def peek_session(request: web.Request) -> Session | None:
    """The same, which keeps nobody signed in."""
    return await _find(request, request.cookies.get(cookie_name(request), ""), used=False)


async def _find(request: web.Request, cookie: str, *, used: bool = True) -> Session | None:
    if not 0 < len(cookie) <= 128 or KEEPER not in request.config_dict:
        return None
    keeper = request.config_dict[KEEPER]
    return await (keeper.find if used and WAITING not in request.headers else keeper.peek)(request, cookie)


async def seconds_left(request: web.Request) -> int:
    """After so many seconds without use whoever sits at this browser is signed out; 0 if nobody is in. Asking keeps nobody in."""
    session = await peek_session(request)
    return 0 if session is None else session.idle_until - now(request)


async def require_session(request: web.Request) -> Session:
    """The session, or ``SignInRequired``: a redirect to the sign-in page for people, 401 for programs."""
    session = await current_session(request)
    if session is None:
        raise SignInRequired("sign in first")
    return session


async def require_api_session(request: web.Request, scope: str = "") -> Session:
    """A guard for the JSON API of a signed-in person: a bearer token, or the cookie of a page of ours (checked to be of our origin)."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        request[SESSION] = await _find(request, token.strip())
    elif request.method not in {"GET", "HEAD"}:
        check_same_origin(request)
    session = await require_session(request)
    if scope and scope not in session.data.get("scopes", (scope,)):
        raise InsufficientScope(f"this session does not have the scope {scope}")
    return session


async def sign_in(
    request: web.Request,
    response: web.StreamResponse,
    *,
    subject: str,
    data: Mapping[str, Any] | None = None,
    absolute: int = sessions.ABSOLUTE,
) -> Session:
    """Begin a session (a row) of ``absolute`` seconds at most and set its cookie; the session that this browser had before ends."""
    before = await current_session(request)
    at, entropy = now(request), request.config_dict[ENTROPY]

    async def work(tx: Tx) -> tuple[str, Session]:
        if before is not None:
            await sessions.end(tx, before.key)
        return await sessions.begin(tx, subject=subject, at=at, entropy=entropy, data=data, absolute=absolute)

    cookie, session = await storage(request).write(work)
    set_session(request, response, cookie, session)
    return session


def set_session(request: web.Request, response: web.StreamResponse, cookie: str, session: Session) -> None:
    """Give the browser the cookie of a session that just began."""
    secure = request.config_dict[SETTINGS].secure
    response.set_cookie(cookie_name(request), cookie, httponly=True, samesite="Lax", secure=secure, path="/")
    request[SESSION] = session


async def sign_out(request: web.Request, response: web.StreamResponse) -> Session | None:
    """End the session and drop its cookie; return the session that ended."""
    session = await current_session(request)
    if session is not None:
        await request.config_dict[KEEPER].end(request, session)
    secure = request.config_dict[SETTINGS].secure
    response.del_cookie(cookie_name(request), path="/", secure=secure, httponly=True, samesite="Lax")
    request[SESSION] = None
    return session


async def throttle_sign_in(request: web.Request, account: str) -> None:
    """Count one attempt for the account and for the address, before the passphrase is looked at; ``TooMany`` beyond the limits."""
    at, address = now(request), client_address(request)

    async def work(tx: Tx) -> None:
        await rates.take(tx, SIGN_IN_BY_ADDRESS, address, at=at)
        await rates.take(tx, SIGN_IN_BY_ACCOUNT, account.casefold().strip(), at=at)

    await storage(request).write(work)


async def forgive_sign_in(request: web.Request, account: str) -> None:
    """After the right passphrase: the account's count begins anew."""
    await storage(request).write(lambda tx: rates.forget(tx, SIGN_IN_BY_ACCOUNT, account.casefold().strip()))


# --- forms -------------------------------------------------------------------------------------------------------------------------


def check_same_origin(request: web.Request) -> None:
    """Raise ``CrossSiteRefused`` for what another site's page made a browser send.

    Browsers say so themselves in `Sec-Fetch-Site`, older ones in `Origin`; a program sends neither and has no cookies to abuse.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site not in {"same-origin", "none"}:
            raise CrossSiteRefused("this was sent from another site")
        return
    origin = request.headers.get("Origin")
    if origin is not None and origin.lower() != request.config_dict[SETTINGS].origin:
        raise CrossSiteRefused("this was sent from another site")


async def read_form(request: web.Request, *, signed_in: bool = True) -> MultiDictProxy[str]:
    """The text fields of a form of our own page. ``signed_in=False`` is for the sign-in form, which has no session to belong to.

    Files are read with ``read_files``. Raises ``CrossSiteRefused``, ``SignInRequired`` or ``Malformed``.
    """
    return (await read_files(request, signed_in=signed_in))[0]


async def read_files(request: web.Request, *, signed_in: bool = True) -> tuple[MultiDictProxy[str], dict[str, bytes]]:
    """As ``read_form``, and the uploaded files by field name (empty ones left out), bounded by the route's body size."""
    check_same_origin(request)
    try:
        posted = await request.post()
    except (ValueError, LookupError, RuntimeError) as error:  # the last two: an encoding that nobody knows, of the text or of a part
        raise Malformed("this form could not be read") from error
    fields: MultiDict[str] = MultiDict()
    files: dict[str, bytes] = {}
    for name, value in posted.items():
        if isinstance(value, str):
            fields.add(name, value)
        elif isinstance(value, web.FileField):
            with value.file:
                if content := value.file.read():
                    files[name] = content
        elif value:  # bytes without a file name; a file field that was left empty arrives so as well
            files[name] = bytes(value)
    if signed_in:
        sessions.check_form_token(await require_session(request), fields.get(FORM_TOKEN_FIELD, ""))
    return MultiDictProxy(fields), files


# --- API keys ----------------------------------------------------------------------------------------------------------------------


async def require_scope(request: web.Request, scope: str) -> ApiKey:
    """The API key of the request. ``InvalidToken`` (401) without a good one, ``InsufficientScope`` (403) without the scope."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise InvalidToken("an API key is needed: Authorization: Bearer mun_…")
    at = now(request)
    key = await storage(request).read(lambda tx: api_keys.check(tx, token.strip(), at=at))
    key.check_scope(scope)
    if key.wants_touch(at=at):
        await storage(request).write(lambda tx: api_keys.touch(tx, key.id, at=at))
    return key


async def sweep(app: web.Application) -> list[str]:
    """Drop ended sessions and counters; return the keys of the sessions, for what a service holds in memory. Call it now and then."""
    at = app[CLOCK]()

    async def work(tx: Tx) -> list[str]:
        await rates.purge(tx, at=at)
        return await sessions.purge(tx, at=at)

    return await app[STORAGE].write(work)
