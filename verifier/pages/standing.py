"""How a request or a copy stands: the square code while it waits, then the verdict that a counter clerk understands at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from shared.credentials import CredentialType
from shared.errors import Conflict, Untrusted
from shared.verify import Check
from shared.web import auth
from shared.web.context import FETCHER
from shared.web.dates import Dates
from shared.web.entrance import seated
from shared.web.forms import Form
from shared.web.missing_view import missing_view
from shared.web.pages import render, translator
from verifier import giving, known, own_issuer, words
from verifier import request as requests
from verifier.admission import accepted_here
from verifier.again import FETCH_FIRST, READ_FIRST, look_again
from verifier.desk import Desk
from verifier.details import details
from verifier.material import Store
from verifier.pages import seen
from verifier.pages.acting import acting
from verifier.pages.listing import asked_beside, title_of
from verifier.pages.seat import spoken
from verifier.receipts import receipt_number
from verifier.sessions import Answered, Asked, Declined, Exchange, Expired, state_of
from verifier.settle import Opened, behind, open_verdict
from verifier.words import N_, Spoken

_PATH = "/desk/requests/{id}"
_STATES = {
    "requested": N_("Waiting for the square code to be scanned."),
    "retrieved": N_("A wallet has opened the request. Its holder is deciding."),
    "declined": N_(
        "The answer was “don’t share”, or there is nothing in the wallet that fits. A yes may still come until the time is over."
    ),
    "unable": N_("The wallet said that it cannot answer this request. Another wallet can still do so until the time is over."),
    "expired": N_("Nobody answered in time."),
    "answered": N_("Answered."),
}


def _text(exchange: Exchange) -> str:
    """Where the answer was an error, whether somebody said no or a wallet could not."""
    if isinstance(exchange, Declined) and exchange.error != "access_denied":
        return _STATES["unable"]
    return _STATES[state_of(exchange)]


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """Routes of this part."""
    part = Standing(desk, store)
    app.router.add_get(_PATH, seated(part.show))
    app.router.add_get(f"{_PATH}/state", seated(part.state))
    app.router.add_post(f"{_PATH}/again", seated(part.again))


class Standing:
    def __init__(self, desk: Desk, store: Store) -> None:
        self._desk = desk
        self._store = store

    async def show(self, request: web.Request) -> web.StreamResponse:
        exchange = await seen.find(self._desk, request)
        if exchange.asked.terms.kind == "letter":
            raise web.HTTPSeeOther(f"/desk/inbox/{exchange.asked.id}")
        if isinstance(exchange, Answered):
            return await self._verdict(request, exchange, Form())
        return await self._waiting(request, exchange)

    async def _waiting(self, request: web.Request, exchange: Exchange) -> web.Response:
        asked, talk = exchange.asked, spoken(request)
        return await render(
            request,
            "desk/waiting.html",
            asked=asked,
            title=title_of(asked.terms, self._desk, talk),
            state=state_of(exchange),
            text=talk.translate(_text(exchange)),
            over=isinstance(exchange, Expired),
            links=requests.links(self._desk, asked),
            until=self._dates(talk).time(asked.expires_at),
            asks=self._asks(asked, talk),
            beside=asked_beside(asked.terms, talk),
        )

    def _dates(self, talk: Spoken) -> Dates:
        return Dates(talk.locale, self._desk.settings.time_zone)

    def _asks(self, asked: Asked, talk: Spoken) -> dict[str, list[str]]:
        """What a ready question asks for; empty for one of the caller's own."""
        uses = self._desk.uses_of(asked.terms.type, asked.terms.ready)
        return {
            "details": [label for use in uses for label in use.labels(use.query.paths, talk.locale)],
            "optional": [label for use in uses for label in use.labels(use.query.optional, talk.locale)],
        }

    async def state(self, request: web.Request) -> web.StreamResponse:
        """For the page that waits."""
        exchange = await seen.find(self._desk, request)
        told = {"state": state_of(exchange), "text": spoken(request).translate(_text(exchange))}
        if isinstance(exchange, Answered | Expired):
            told["href"] = f"/desk/requests/{exchange.asked.id}"
        return web.json_response(told)

    async def again(self, request: web.Request) -> web.StreamResponse:
        """Fetch lists, or say what was read, and look once more."""
        form, _ = Form(await auth.read_form(request)), translator(request)
        identifier = request.match_info["id"]
        exchange = await seen.find(self._desk, request)
        if not isinstance(exchange, Answered) or exchange.decision != "undecided":
            raise web.HTTPSeeOther(f"/desk/requests/{identifier}")
        more: dict[str, Any] = {}
        if exchange.code in READ_FIRST:
            said = form.value("allow")
            if said not in {"yes", "no"}:
                form.error("allow", _("Say yes or no"))
                return await self._verdict(request, exchange, form)
            more = {READ_FIRST[exchange.code]: said == "yes"}
        if exchange.code in FETCH_FIRST:
            await self._store.refresh(request.config_dict[FETCHER])
        try:
            await look_again(self._desk, self._store, identifier, more=more)
        except Conflict:
            form.error("again", _("It still cannot be told. The lists that we have now say no more than before"), anchor="verdict-title")
            return await self._verdict(request, exchange, form)
        raise web.HTTPSeeOther(f"/desk/requests/{identifier}")

    async def _verdict(self, request: web.Request, answered: Answered, form: Form) -> web.Response:
        opened = await open_verdict(self._desk, answered)
        talk = spoken(request)
        reason = (
            None
            if answered.decision == "accepted"
            else words.reason_of(answered.code, "" if opened is None else words.detail_of(opened.verdict))
        )
        common: dict[str, Any] = {
            "form": form,
            "answered": answered,
            "heading": talk.translate(words.VERDICTS[answered.decision]),
            "why": "" if reason is None else talk.translate(reason.why),
            "next": "" if reason is None or not reason.next else talk.translate(reason.next),
            "title": title_of(answered.asked.terms, self._desk, talk),
            "beside": asked_beside(answered.asked.terms, talk),
            "minutes": self._desk.settings.keep_minutes,
            "acting": await acting(self._desk, answered),
            "before": answered.asked.entity if answered.asked.entity != self._desk.entity else "",
            "number": await receipt_number(self._desk, answered),
            "printed": answered.basis is not None,
        }
        if opened is None:
            return await render(request, "desk/decided.html", **common)
        missing = await missing_view(request, (each.detail for each in words.checks_of(opened.verdict) if each.code == Untrusted.code))
        return await render(request, "desk/verdict.html", **common, **self._shown(answered, opened, talk), missing=missing)

    def _shown(self, answered: Answered, opened: Opened, talk: Spoken) -> dict[str, Any]:
        verdict = opened.verdict
        copy = answered.asked.terms.kind == "copy"
        return {
            "accepted_here": accepted_here(verdict, talk.locale),
            "open": [words.line_of(check, talk.translate) for check in self._open(answered, verdict)],
            "checks": [words.line_of(check, talk.translate) for check in words.checks_of(verdict)],
            "disputed": words.disputed(verdict, talk),
            "knowledge": words.knowledge(verdict, talk, within=behind(self._desk, answered, verdict["status"])),
            "level": words.level(verdict["level"]["name"], seen="checked" if copy and answered.decision == "accepted" else "", spoken=talk),
            "documents": [self._document(each, talk) for each in verdict["credentials"]],
            "until": self._dates(talk).time(answered.keep_until),
            "receipt": opened.receipt is not None,
            "record": giving.may_give(self._desk, answered, opened),
            "known": bool(known.reference_in(self._desk, answered, opened)),
            "may_know": own_issuer.is_named(self._desk) and answered.decision == "accepted",
            "copy": copy,
            "fetch": answered.decision == "undecided" and answered.code in FETCH_FIRST and bool(opened.vp_token),
            "read": READ_FIRST.get(answered.code, "") if answered.decision == "undecided" and opened.vp_token else "",
        }

    def _open(self, answered: Answered, verdict: Mapping[str, Any]) -> list[Check]:
        """What stays unchecked beside the reason that is told anyway; below a no it does not matter."""
        return [] if answered.decision == "rejected" else [check for check in words.open_lines(verdict) if check.code != answered.code]

    def _document(self, credential: Mapping[str, Any], talk: Spoken) -> dict[str, Any]:
        kind: CredentialType = self._desk.types[credential["vct"]]
        claims = credential["claims"]
        rows = details(kind, claims, talk.locale)
        return {
            "title": kind.title.in_(talk.locale),
            "acting": words.acting_words(kind, claims, talk),
            "issuer": credential["issuer_name"],
            "keeper": credential.get("succeeded_by", {}).get("name", {}).get(talk.locale, ""),
            "expires_at": credential["expires_at"],
            "restrictions": claims.get("restrictions_text", ""),
            "rows": [{"label": row.label, "value": list(row.values) if len(row.values) > 1 else row.values[0]} for row in rows],
        }
