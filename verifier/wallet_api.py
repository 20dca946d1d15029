"""What wallets speak with: OpenID4VP 1.0 under HAIP. Signed requests by GET and POST, encrypted answers. Errors are OAuth JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from shared.errors import UnsupportedMediaType
from shared.openid4vp import MAX_RESPONSE, MEDIA_TYPE, parse_request_uri_post, render_accepted
from shared.web.app import bound_body
from shared.web.problem import OAUTH, speak
from verifier.desk import Desk
from verifier.material import Store
from verifier.receive import Again, receive
from verifier.request import Requests
from verifier.same_device import way_back
from verifier.settle import Outcome

_FORM = "application/x-www-form-urlencoded"


class WalletApi:
    """The routes of one desk."""

    def __init__(self, desk: Desk, store: Store) -> None:
        self._desk = desk
        self._store = store
        self._requests = Requests(desk)

    def add_to(self, app: web.Application) -> None:
        """Register the routes below the path of ``public_url``."""
        base = urlsplit(self._desk.settings.public_url).path
        app.router.add_get(f"{base}/vp/request/{{id}}", self.fetch)
        app.router.add_post(f"{base}/vp/request/{{id}}", self.fetch_for)
        app.router.add_post(f"{base}/vp/response/{{id}}", self.answer)
        bound_body(app, f"{base}/vp/request/{{id}}", 65_536)
        bound_body(app, f"{base}/vp/response/{{id}}", MAX_RESPONSE)
        speak(app, OAUTH, f"{base}/vp")

    async def fetch(self, request: web.Request) -> web.Response:
        """OpenID4VP section 5; may be fetched again, and is then the same."""
        return _signed(await self._requests.fetch(request.match_info["id"]))

    async def fetch_for(self, request: web.Request) -> web.Response:
        """OpenID4VP section 5.10: the wallet's nonce comes back inside what is signed."""
        _need_form(request)
        nonce = parse_request_uri_post(await request.read())
        return _signed(await self._requests.fetch(request.match_info["id"], wallet_nonce=nonce))

    async def answer(self, request: web.Request) -> web.Response:
        """OpenID4VP section 8.2. A presentation that failed is answered with 400, and its receipt goes with it all the same.

        The same bytes once more get the same receipt, and the same way back until the organisation's program has brought the number in it.
        """
        _need_form(request)
        outcome = await receive(self._desk, self._store, request.match_info["id"], await request.read())
        if outcome is None:
            return _json({})
        answered = outcome.answered
        if answered.decision == "rejected":
            told = {"error": "invalid_request", "error_description": _why(answered.code, _failed(outcome))}
            return _json(told | render_accepted(receipt=outcome.receipt), status=400)
        back = way_back(self._desk, answered.asked, outcome.response_code)
        return _json(render_accepted(redirect_uri=back, receipt=outcome.receipt))


def _failed(outcome: Outcome | Again) -> Iterable[str]:
    """What the checks that failed say, in their order."""
    if isinstance(outcome, Again):
        return (str(each["detail"]) for each in outcome.opened.verdict["checks"] if each["state"] == "failed")
    return (each.detail for each in outcome.decision.checks if each.state == "failed")


def _why(code: str, failed: Iterable[str]) -> str:
    """In the characters that OAuth allows (RFC 6749 section 5.2); our words, never a value."""
    detail = next(iter(failed), "the presentation failed")
    return "".join(char if " " <= char <= "~" and char not in '"\\' else "'" for char in f"{code}: {detail}")


def _need_form(request: web.Request) -> None:
    if request.content_type != _FORM:
        raise UnsupportedMediaType(f"this address takes {_FORM}")


def _signed(token: str) -> web.Response:
    return web.Response(body=token.encode("ascii"), content_type=MEDIA_TYPE, headers={hdrs.CACHE_CONTROL: "no-store"})


def _json(doc: dict[str, str], *, status: int = 200) -> web.Response:
    body = json.dumps(doc, separators=(",", ":")).encode()
    return web.Response(body=body, status=status, content_type="application/json", headers={hdrs.CACHE_CONTROL: "no-store"})
