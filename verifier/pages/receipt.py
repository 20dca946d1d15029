"""The receipt of a decision, for whoever came on foot: a page to print, its square code, and the file (domain rules R6 and R9)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from aiohttp import web

from shared.codec import qr
from shared.credentials import label_in
from shared.errors import Missing, TooLarge
from shared.receipts import Receipt, peek_receipt
from shared.web.dates import Dates
from shared.web.entrance import seated
from shared.web.pages import render, translator
from verifier.desk import Desk
from verifier.material import Store
from verifier.pages import seen
from verifier.pages.inbox import why
from verifier.pages.listing import title_of
from verifier.pages.seat import spoken
from verifier.receipts import receipt_again
from verifier.sessions import Answered
from verifier.words import N_, Spoken

_PATH = "/desk/requests/{id}/receipt"
_DECISIONS = {"accepted": N_("We accept it"), "rejected": N_("We do not accept it"), "undecided": N_("We cannot tell yet")}


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """Routes of this part."""
    del store
    part = Receipts(desk)
    app.router.add_get(_PATH, seated(part.file))
    app.router.add_get(f"{_PATH}/print", seated(part.show))
    app.router.add_get(f"{_PATH}/qr.svg", seated(part.code))


class Receipts:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def _signed(self, request: web.Request) -> tuple[Answered, str]:
        exchange = await seen.find(self._desk, request)
        token = await receipt_again(self._desk, exchange) if isinstance(exchange, Answered) else None
        if token is None or not isinstance(exchange, Answered):
            raise Missing("there is no receipt, or its time is over")
        return exchange, token

    async def file(self, request: web.Request) -> web.StreamResponse:
        """For whoever made the copy elsewhere."""
        headers = {"Content-Disposition": 'attachment; filename="receipt.jwt"'}
        return web.Response(text=(await self._signed(request))[1], content_type="application/jwt", headers=headers)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """What the signed receipt says, in words, on one sheet."""
        answered, token = await self._signed(request)
        receipt, talk = peek_receipt(token), spoken(request)
        return await render(
            request,
            "desk/receipt.html",
            here=request.path.removesuffix("/print"),
            back_to=f"/desk/requests/{answered.asked.id}",
            office=self._desk.settings.name,
            rows=self._rows(receipt, title_of(answered.asked.terms, self._desk, talk), translator(request), talk),
            code=bool(_code(token)),
        )

    def _rows(self, receipt: Receipt, title: str, _: Any, talk: Spoken) -> list[dict[str, Any]]:
        dates = Dates(talk.locale, self._desk.settings.time_zone)
        since, late, until = receipt.status_list_iat, receipt.may_not_know_until, receipt.retain_until
        known = "" if since is None else _("We know what was cancelled before %(moment)s.") % {"moment": dates.moment(since)}
        if late is not None:
            known += " " + _("What is cancelled later we may not know until %(moment)s.") % {"moment": dates.moment(late)}
        held = bool(receipt.claims_kept) or until is None or until > receipt.received_at
        end = dates.moment(until) if held and until is not None else ""
        rows = {
            _("Number"): receipt.receipt_id,
            _("Received"): dates.moment(receipt.received_at),
            _("What for"): title,
            _("Decision"): _(_DECISIONS[receipt.decision]),
            _("Why"): "" if receipt.decision == "accepted" else why(receipt.reason_code, talk),
            _("Takes effect"): "" if receipt.effective_from is None else dates.date(receipt.effective_from),
            _("Cancelled documents"): known,
            _("What we keep"): [label_in(each, talk.locale) for each in receipt.claims_kept]
            or (_("what we saw") if held else _("nothing")),
            _("Until"): end or (_("we have not said") if held else ""),
            _("Questions"): receipt.contact,
            _("How to complain"): receipt.how_to_complain,
        }
        return [{"label": label, "value": value} for label, value in rows.items() if value]

    async def code(self, request: web.Request) -> web.StreamResponse:
        """The same receipt for a wallet, where it fits in one code."""
        picture = _code((await self._signed(request))[1])
        if not picture:
            raise Missing("this receipt is too long for a square code: save it as a file")
        return web.Response(text=picture, content_type="image/svg+xml")


def _code(token: str) -> str:
    with suppress(TooLarge):
        return qr.svg(token, ec="L")
    return ""
