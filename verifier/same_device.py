"""A request that belongs to the browser which began it (HAIP 1.0 section 5.1, OpenID4VP 1.0 sections 13.3 and 14.3).

The first browser that opens the request's page gets a random number in a cookie, of which a hash is kept. The answer sends the holder's
browser back here with another number, which only whoever got the answer knows. Only where both meet, and only once, anybody learns what
came of it: an answer that somebody was talked into by a link of another person's session is of no use to that session.
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import quote

from shared.errors import Forbidden, InvalidRequest
from shared.storage import Tx
from verifier.desk import Desk
from verifier.records import events, exchanges
from verifier.request import find
from verifier.sessions import Answered, Asked, Exchange
from verifier.settle import open_verdict
from verifier.telling import decided


async def enter(desk: Desk, exchange: Exchange, cookie: str) -> str:
    """A new cookie for the first browser that opens the request, empty for that browser later on.

    ``Forbidden`` for any other browser. A cookie that a browser brings along at first is never taken up: somebody else may know it.
    """
    asked = exchange.asked
    fresh = desk.secret(32)
    if await desk.storage.write(lambda tx: exchanges.bind_browser(tx, asked.id, _hash(fresh)), point="browser"):
        return fresh
    await check_browser(desk, asked.id, cookie)
    return ""


async def come_back(desk: Desk, identifier: str, cookie: str, response_code: str) -> Answered:
    """What the browser came back for. ``Forbidden`` for another browser, ``InvalidRequest`` for another number or a second time."""
    exchange = await find(desk, identifier)
    if not exchange.asked.terms.same_device:
        raise InvalidRequest("nobody comes back for this request")
    browser = await check_browser(desk, identifier, cookie)
    opened = await open_verdict(desk, exchange) if isinstance(exchange, Answered) else None
    if opened is None or not isinstance(exchange, Answered):
        raise InvalidRequest("this request was not answered, or its details were deleted")
    check_response_code(opened.response_code, response_code)
    at, verdict = desk.clock(), opened.verdict
    event = decided(desk, exchange.asked, verdict, at) if verdict["decision"] != "rejected" else None

    async def unit(tx: Tx) -> bool:
        if not await exchanges.come_back(tx, identifier, browser, at):
            return False
        if event is not None:
            await events.add(tx, event)
        return True

    if not await desk.storage.write(unit, point="return"):
        raise InvalidRequest("the browser has come back already")
    return exchange


async def check_browser(desk: Desk, identifier: str, cookie: str) -> str:
    """The hash of the cookie; ``Forbidden`` unless it is that of the browser that began."""
    browser, mine = await desk.storage.read(lambda tx: exchanges.browser_of(tx, identifier)), _hash(cookie)
    if not hmac.compare_digest(browser, mine):
        raise Forbidden("this request belongs to another browser")
    return mine


def _hash(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()


def check_response_code(expected: str, given: str) -> None:
    """``InvalidRequest`` unless it is the number that went with the answer."""
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise InvalidRequest("the response_code of the address that the holder came back to is needed", where="response_code")


async def check_returned(desk: Desk, asked: Asked) -> None:
    """``InvalidRequest`` while the browser that began has not come back: until then nobody knows in whose session the answer was given."""
    if asked.terms.same_device and not await desk.storage.read(lambda tx: exchanges.has_returned(tx, asked.id)):
        raise InvalidRequest("the browser that began has not come back yet", where="response_code")


def way_back(desk: Desk, asked: Asked, response_code: str) -> str | None:
    """Where the holder's browser goes after the answer, with a number that only whoever got this answer knows (section 8.2)."""
    own = desk.url(f"/request/{asked.id}/return") if asked.terms.same_device else ""
    return onwards(own or asked.terms.redirect_uri, response_code)


def onwards(uri: str, response_code: str) -> str | None:
    """``uri`` with the number in its query; ``None`` where there is no way on."""
    if not uri:
        return None
    before, _, fragment = uri.partition("#")
    mark = "&" if "?" in before else "?"
    return f"{before}{mark}response_code={quote(response_code)}{'#' + fragment if fragment else ''}"
