"""Errors as HTTP, in the dialect of whoever is asking. Handlers only raise.

    app[DIALECT] = oauth                      # a sub-application of wallets
    speak(app, PROBLEM, "/api")               # or: everything under a path of this application
    speak(app, OAUTH, "/token", "/nonce", "/credential", "/.well-known")

``OAUTH`` is JSON of OAuth and OpenID4VC for wallets (RFC 6749 section 5.2, RFC 6750 section 3), ``PROBLEM`` is RFC 9457 for operators
and relying parties, ``HTML`` is a page for people. What is not a ``VcError`` is a bug: logged whole, told as ``server_error`` and
nothing more.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from enum import StrEnum
from urllib.parse import urlencode

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from ..errors import (
    InsufficientScope,
    InvalidDpopProof,
    InvalidToken,
    Malformed,
    MethodRefused,
    Missing,
    SignInRequired,
    TooLarge,
    Unavailable,
    UnsupportedMediaType,
    UseDpopNonce,
    VcError,
)
from ..oauth import DPOP_ALGS, render_challenge
from .context import REQUEST_ID, public_url

log = logging.getLogger("muniment.web")


class Dialect(StrEnum):
    """How errors are told."""

    OAUTH = "oauth"
    PROBLEM = "problem"
    HTML = "html"


OAUTH, PROBLEM, HTML = Dialect.OAUTH, Dialect.PROBLEM, Dialect.HTML
DIALECT: web.AppKey[Dialect] = web.AppKey("DIALECT", Dialect)
"""The dialect of an application or sub-application; ``HTML`` where nothing is said."""

PATHS: web.AppKey[dict[str, Dialect]] = web.AppKey("PATHS")
ERROR_PAGE: web.AppKey[Callable[[web.Request, VcError], Awaitable[web.StreamResponse]]] = web.AppKey("ERROR_PAGE")
"""How the HTML page is made; ``pages.use_pages`` sets it."""

SIGN_IN_PATH: web.AppKey[str] = web.AppKey("SIGN_IN_PATH", str)
"""Where a person without a session is sent, with ``?next=`` saying where they wanted to go."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457. ``type`` links to what the code means; ``pointer`` is a JSON pointer into the request body."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    pointer: str = ""
    request_id: str = ""


def speak(app: web.Application, dialect: Dialect, *paths: str) -> None:
    """Tell errors under each of ``paths`` (whole segments, longest wins) in ``dialect``, the errors "no such page" included."""
    if PATHS not in app:
        app[PATHS] = {}
    app[PATHS].update(dict.fromkeys(paths, dialect))


def dialect_of(request: web.Request) -> Dialect:
    """The dialect for this request: the longest spoken path, else the innermost application's, else the page for people."""
    apps = request.match_info.apps
    spoken = apps[0].get(PATHS, {}) if apps else {}
    path = request.path
    while path and path not in spoken:
        path = path.rpartition("/")[0]
    if (path or "/") in spoken:
        return spoken[path or "/"]
    for app in reversed(apps):
        if DIALECT in app:
            return app[DIALECT]
    return HTML


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The one place where an exception becomes an answer."""
    try:
        response = await handler(request)
    except VcError as error:
        if error.status >= 500:
            log.warning("%s: %s", error.code, error, exc_info=error.status == 500)
        return await tell(request, error)
    except web.HTTPException as answer:
        if answer.status < 400:
            raise
        return await tell(request, _from_aiohttp(answer), allow=answer.headers.get("Allow", ""))
    except TimeoutError:
        log.warning("a request took too long", exc_info=True)
        return await tell(request, Unavailable("this took too long"))
    except Exception:
        log.exception("a bug answered a request")
        return await tell(request, VcError("something went wrong here"))
    if isinstance(response, web.HTTPException):  # a redirect may be returned as well as raised; aiohttp wants it raised
        raise response
    return response


def _from_aiohttp(answer: web.HTTPException) -> VcError:
    known: dict[int, type[VcError]] = {404: Missing, 405: MethodRefused, 413: TooLarge, 415: UnsupportedMediaType}
    said = {
        404: "there is nothing at this address",
        405: "this address does not know that method",
        413: "the request is larger than this address takes",
        415: "this media type is not taken here",
    }
    kind = known.get(answer.status, Malformed if answer.status < 500 else VcError)
    return kind(said.get(answer.status, "the request could not be read"))


async def tell(request: web.Request, error: VcError, *, allow: str = "") -> web.StreamResponse:
    """``error`` as a response in the dialect of ``request``."""
    dialect = dialect_of(request)
    if dialect is HTML and _wants_json(request):
        dialect = PROBLEM
    response = await _TELL[dialect](request, error)
    if allow:
        response.headers["Allow"] = allow
    if (retry_after := getattr(error, "retry_after", None)) is not None:
        response.headers["Retry-After"] = str(retry_after)
    response.headers["Cache-Control"] = "no-store"
    return response


def _wants_json(request: web.Request) -> bool:
    accept = request.headers.get("Accept", "")
    return "json" in accept and "text/html" not in accept


async def _oauth(request: web.Request, error: VcError) -> web.StreamResponse:
    """RFC 6749 section 5.2; the characters of ``error_description`` are those that it allows."""
    place = f" (at {error.where})" if error.where else ""
    body = {"error": error.error, "error_description": _plain(_detail(error) + place)}
    status = 401 if _asks_for_proof(request, error) else error.status
    response = web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")
    if status == 401:
        scheme = "DPoP" if request.headers.get("Authorization", "").lower().startswith("dpop ") else "Bearer"
        response.headers["WWW-Authenticate"] = _challenge(request, error, scheme)
    return response


def _asks_for_proof(request: web.Request, error: VcError) -> bool:
    """Where tokens are used, a DPoP proof that will not do is a challenge; where they are given, it is a bad request (RFC 9449 section 7.1)."""
    return isinstance(error, InvalidDpopProof | UseDpopNonce) and "Authorization" in request.headers


async def _problem(request: web.Request, error: VcError) -> web.StreamResponse:
    body = Problem(
        type=public_url(request, f"/errors#{error.code}"),
        title=title_of(error),
        status=error.status,
        detail=_detail(error),
        code=error.code,
        pointer=error.where,
        request_id=REQUEST_ID.get(),
    )
    response = web.Response(status=error.status, body=msgspec.json.encode(body), content_type="application/problem+json")
    if error.status == 401 or isinstance(error, InsufficientScope):
        response.headers["WWW-Authenticate"] = _challenge(request, error, "Bearer")
    return response


async def _html(request: web.Request, error: VcError) -> web.StreamResponse:
    if type(error) is SignInRequired and SIGN_IN_PATH in request.config_dict:
        raise web.HTTPSeeOther(sign_in_address(request))
    if ERROR_PAGE in request.config_dict:
        try:
            return await request.config_dict[ERROR_PAGE](request, error)
        except Exception:
            log.exception("the error page itself failed")
    return web.Response(status=error.status, text=f"{title_of(error)} ({REQUEST_ID.get()})\n")


def sign_in_address(request: web.Request) -> str:
    """The page to sign in on, which leads back to this one; an answer to a form cannot be asked for again."""
    after = request.path_qs if request.method in {"GET", "HEAD"} else "/"
    return f"{request.config_dict[SIGN_IN_PATH]}?{urlencode({'next': after})}"


_TELL: dict[Dialect, Callable[[web.Request, VcError], Awaitable[web.StreamResponse]]] = {OAUTH: _oauth, PROBLEM: _problem, HTML: _html}


def _detail(error: VcError) -> str:
    return error.detail if error.status != 500 else "something went wrong here; the request id finds it in the log"


def title_of(error: VcError | type[VcError]) -> str:
    """``invalid_token`` as "Invalid token": the same for every occurrence of a code, as RFC 9457 section 3.1.3 asks."""
    return error.code.replace("_", " ").capitalize()


def _challenge(request: web.Request, error: VcError, scheme: str) -> str:
    """RFC 6750 section 3: no error code for a request that brought no token at all."""
    if _asks_for_proof(request, error):
        return render_challenge(error, algs=DPOP_ALGS)
    if "Authorization" not in request.headers or not isinstance(error, InvalidToken | InsufficientScope):
        return f'{scheme} realm="muniment"'
    return f'{scheme} realm="muniment", error="{error.error}", error_description="{_plain(error.detail)}"'


def _plain(text: str) -> str:
    return re.sub(r"[^ !#-\[\]-~]", "'", text)
