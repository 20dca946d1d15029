"""A request that belongs to one browser and one session (HAIP 1.0 section 5.1, OpenID4VP 1.0 sections 13.3 and 14.3).

The first browser that opens the request's page gets a random number in a cookie, of which a hash is kept. The answer sends the holder's
browser back here with another number, which only whoever got the answer knows. Only where both meet, and only once, it goes on to the
organisation's own address with the number. That browser need not be the one in whose session the organisation began: somebody may have
passed the link on unopened. So nobody learns what came of it before the organisation's server has brought the number as well, which it has
only from the session that the number arrived in: an answer that somebody was talked into is of no use to another person's session.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from urllib.parse import quote

from shared.errors import Forbidden, InvalidRequest
from shared.storage import Tx
from verifier.desk import Desk
from verifier.records import events, exchanges
from verifier.request import find
from verifier.sessions import Answered, Asked, Exchange
from verifier.settle import Opened, open_verdict
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
    at = desk.clock()
    if not await desk.storage.write(lambda tx: exchanges.come_back(tx, identifier, browser, at), point="return"):
        raise InvalidRequest("the browser has come back already")
    return exchange


async def collect(desk: Desk, answered: Answered, opened: Opened | None, response_code: str) -> Answered:
    """For the organisation's server, which brings the number: the exchange, of which it and its webhook may know from now on.

    ``InvalidRequest`` without the number, before the browser is back, or where the number can no longer be compared and never was.
    """
    if answered.decision == "rejected":
        return answered
    if opened is None:
        if answered.withheld:
            raise InvalidRequest("nobody brought its response_code while its details were kept", where="response_code")
        return answered
    if not opened.response_code:
        return answered
    check_response_code(opened.response_code, response_code)
    await check_returned(desk, answered.asked)
    event = decided(desk, answered.asked, opened.verdict, desk.clock()) if answered.asked.terms.same_device else None

    async def unit(tx: Tx) -> None:
        if await exchanges.collect(tx, answered.asked.id, desk.clock()) and event is not None:
            await events.add(tx, event)

    if not answered.collected:
        await desk.storage.write(unit, point="collect")
    return replace(answered, collected=True)


async def check_browser(desk: Desk, identifier: str, cookie: str) -> str:
    """The hash of the cookie; ``Forbidden`` unless it is that of the browser that the request belongs to."""
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
    """``InvalidRequest`` while the browser that the request belongs to has not come back."""
    if asked.terms.same_device and not await desk.storage.read(lambda tx: exchanges.has_returned(tx, asked.id)):
        raise InvalidRequest("the browser that the request belongs to has not come back yet", where="response_code")


def way_back(desk: Desk, asked: Asked, response_code: str) -> str | None:
    """Where the holder's browser goes after the answer, with a number that only whoever got this answer knows (section 8.2); ``None`` without one."""
    own = desk.url(f"/request/{asked.id}/return") if asked.terms.same_device else ""
    uri = own or asked.terms.redirect_uri
    return onwards(uri, response_code) if uri and response_code else None


def onwards(uri: str, response_code: str) -> str:
    """``uri`` with the number in its query."""
    before, _, fragment = uri.partition("#")
    mark = "&" if "?" in before else "?"
    return f"{before}{mark}response_code={quote(response_code)}{'#' + fragment if fragment else ''}"
