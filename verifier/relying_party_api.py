"""The JSON API of the organisation: ask, see what came of it, check copies, fetch lists. Errors are RFC 9457 with a pointer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from shared.addressed import MEDIA_TYPE as COPY
from shared.codec import base64url
from shared.errors import Conflict, InvalidRequest, Malformed, PurposeMismatch, PurposeNotCarried, TooLarge, UnknownCredentialType
from shared.sealed_link import MAX_FILE
from shared.verify import VERDICT_SCHEMA
from shared.web import log
from shared.web.app import bound_body
from shared.web.auth import require_scope
from shared.web.context import FETCHER
from shared.web.openapi import Reply, Route, add_routes
from verifier import copies, giving_api, inherited, inherited_api, matching_api, permissions_api, together_api, webhook_api, words
from verifier import request as asking
from verifier.again import look_again
from verifier.ask_api import Ask, Use, order_of
from verifier.check import MAX_COPY
from verifier.desk import SCOPES, Desk
from verifier.material import Store
from verifier.records import exchanges
from verifier.same_device import collect
from verifier.sessions import Answered, Declined, Exchange, state_of
from verifier.sessions import Asked as Exchanged
from verifier.settle import Opened, Outcome, open_verdict, sign_receipt
from verifier.telling import agreed_of
from verifier.together import standing_of
from verifier.vc_api import VcApi
from verifier.webhook_api import Limit, moment

CREATE, READ, COPIES, REFRESH, LOG, _ = SCOPES
PICTURES = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp")


class Recheck(Struct, frozen=True, forbid_unknown_fields=True):
    """What is known now beyond what was known then."""

    use: Use = Use()
    response_code: Annotated[str, Meta(max_length=64, description="As when asking how the request stands.")] = ""


class Locked(Struct, frozen=True, forbid_unknown_fields=True):
    """A link as it came, or the saved page whole; and the words that came by another way, unless it was locked for the key of your inbox."""

    link: Annotated[str, Meta(max_length=MAX_FILE)]
    words: Annotated[str, Meta(max_length=400)] = ""


class Asked(Struct, frozen=True):
    """A request that can be answered once. Show the square code, or send the link."""

    id: str
    state: Literal["requested"]
    link: Annotated[str, Meta(description="A page that anybody's camera can open; a wallet finds the request in its query.")]
    scheme_link: Annotated[str, Meta(description="The same for wallets that registered the scheme `openid4vp`.")]
    request_uri: Annotated[str, Meta(description="Where the signed request lies.")]
    client_id: str
    qr: Annotated[str, Meta(description="Address of the link as a square code (SVG).")]
    qr_png: str
    expires_at: dt.datetime


class Agreed(Struct, frozen=True):
    """One transaction. `by` names the credential query of the document that agreed; null until one has."""

    type: str
    reference: str
    by: str | None


class State(Struct, frozen=True):
    """How a request or a brought copy stands. What was shown is in `verdict`, until `details_until`."""

    id: str
    kind: Literal["request", "copy", "letter"]
    state: Literal["requested", "retrieved", "declined", "expired", "answered"]
    purpose_id: str
    made_at: dt.datetime
    expires_at: dt.datetime
    decision: Annotated[
        Literal["accepted", "rejected", "undecided"] | None,
        Meta(description="Null until answered, and until its `response_code` was brought, where there is one."),
    ] = None
    code: Annotated[str, Meta(description="Why not accepted; of a declined request, what the wallet said.")] = ""
    answered_at: dt.datetime | None = None
    details_until: dt.datetime | None = None
    verdict: Annotated[
        dict[str, Any] | None,
        Meta(
            description="As `/api/schemas/verdict` describes, with `sentence`, `level_sentence` and `knowledge` for people. Null once deleted."
        ),
    ] = None
    agreed: Annotated[list[Agreed], Meta(description="What the holder was asked to agree to.")] = []
    receipt: Annotated[str | None, Meta(description="What the holder got: a signed statement (`receipt+jwt`).")] = None
    together: Annotated[
        together_api.Together | None,
        Meta(description="Where several people have to agree, each in an answer of their own: how that stands."),
    ] = None


class Recent(Struct, frozen=True):
    """Newest first, without what was shown."""

    items: list[State]


class Code(Struct, frozen=True, forbid_unknown_fields=True):
    response_code: Annotated[
        str,
        Meta(
            max_length=64,
            description="From the address that the holder's browser came back to; needed where the request named one. Bring it only from "
            "the session that the request was made in.",
        ),
    ] = ""
    use: Annotated[
        str,
        Meta(
            max_length=1_000,
            description="What you use it for; empty means what it was asked for. Refused with `purpose_mismatch` for another purpose, and with "
            "`purpose_not_carried` for what a body before you received and did not hand over for it.",
        ),
    ] = ""


class Before(Struct, frozen=True, forbid_unknown_fields=True):
    before: Annotated[int, Meta(ge=1, le=2**53 - 1, description="Lines with a smaller number.")] = 2**53 - 1
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class Visit(Struct, frozen=True):
    """The last visit to an issuer; `faults` say what it did not bring."""

    entity: str
    tried_at: dt.datetime
    fetched_at: dt.datetime | None
    faults: list[str]


class Visits(Struct, frozen=True):
    issuers: list[Visit]


class UseLine(Struct, frozen=True):
    """A ready question; `details` are asked for, `optional` may be left out by the holder."""

    type: str
    query: str
    title: str
    purpose: str
    details: list[str]
    optional: list[str]


class Uses(Struct, frozen=True):
    items: list[UseLine]


class LogLine(Struct, frozen=True):
    """One decision: names of details, never values. `entry` is null when its time is over; the commitment stays."""

    number: int
    at: dt.datetime
    commitment: str
    salt: str | None
    entry: dict[str, Any] | None


class LogPage(Struct, frozen=True):
    """Newest first. `head` is what receipts name: SHA-256 over the chain of commitments."""

    size: int
    head: str
    items: list[LogLine]


class RelyingPartyApi:
    """The operations of one desk."""

    def __init__(self, desk: Desk, store: Store) -> None:
        self._desk = desk
        self._store = store

    def add_to(self, app: web.Application) -> None:
        """Register the routes; ``/api/openapi.json`` and ``/api/docs`` come with them."""
        bound_body(app, "/api/copies", MAX_COPY)
        permissions_api.add_to(app, self._desk)
        add_routes(
            app,
            self.routes(),
            title="Relying organisation",
            guard=require_scope,
            description="Ask for documents, and check what is shown. Needs an API key: `Authorization: Bearer mun_…`.",
        )

    def routes(self) -> list[Route]:
        one = "/api/presentation-requests/{id}"
        return [
            Route(
                "POST", "/api/presentation-requests", self.ask, body=Ask, out=Asked, status=201, scope=CREATE,
                errors=(InvalidRequest, UnknownCredentialType), summary="Ask for a document",
            ),
            Route("GET", "/api/presentation-requests", self.recent, query=Limit, out=Recent, scope=READ, summary="Recent requests and copies"),
            Route("GET", one, self.show, query=Code, out=State, scope=READ, errors=(InvalidRequest, PurposeMismatch, PurposeNotCarried), summary="How a request stands"),
            Route(
                "POST", f"{one}/recheck", self.recheck, body=Recheck, out=State, scope=CREATE, errors=(Conflict,),
                summary="Look again at what could not be decided",
                description="After fetching lists, or once a person has read what no program can judge. Possible while details are kept. "
                "The key needs the scope `requests:read` as well.",
            ),
            Route(
                "POST", "/api/copies", self.check_copy, raw=("application/json", COPY, "text/plain", *PICTURES), out=State, status=201,
                scope=COPIES, summary="Check a copy made out to this organisation", max_body=MAX_COPY,
                description="The file as it came, the text of its square code, or a picture of that.",
            ),
            Route(
                "POST", "/api/locked-links", self.check_locked, body=Locked, out=State, status=201, scope=COPIES, errors=(Malformed,),
                summary="Open a locked link that was made out to this organisation, and check the copy inside", max_body=MAX_FILE + 10_000,
                description="Where the words do not fit the error says so at `words`, and nothing else; where it was locked for a key that your inbox does not have, at `/kid`.",
            ),
            Route("POST", "/api/refresh", self.refresh, out=Visits, scope=REFRESH, summary="Fetch lists of cancelled documents now"),
            Route("GET", "/api/uses", self.uses, out=Uses, scope=READ, summary="Ready questions"),
            Route("GET", "/api/log", self.show_log, query=Before, out=LogPage, scope=LOG, summary="The log of decisions"),
            Route("GET", "/api/schemas/verdict", self.schema, out=dict[str, Any], summary="JSON Schema of a verdict"),
            *inherited_api.routes(self._desk, self._store),
            *matching_api.routes(self._desk),
            *together_api.routes(self._desk, Asked, self._asked),
            *webhook_api.routes(self._desk),
            *giving_api.routes(self._desk),
            *permissions_api.routes(self._desk, self._store, Asked, self._asked),
            *VcApi(self._desk, self._store).routes(),
        ]  # fmt: skip

    async def ask(self, _: web.Request, *, body: Ask) -> Reply:
        return self._asked(await asking.make(self._desk, order_of(body), made_by="program"))

    def _asked(self, asked: Exchanged) -> Reply:
        links = asking.links(self._desk, asked)
        page = self._desk.url(f"/request/{asked.id}")
        told = Asked(
            id=asked.id,
            state="requested",
            link=links.https,
            scheme_link=links.scheme,
            request_uri=self._desk.url(f"/vp/request/{asked.id}"),
            client_id=asked.terms.client_id,
            qr=f"{page}/qr.svg",
            qr_png=f"{page}/qr.png",
            expires_at=moment(asked.expires_at),
        )
        return Reply(told, headers={"Location": f"/api/presentation-requests/{asked.id}"})

    async def recent(self, _: web.Request, *, query: Limit) -> Recent:
        at = self._desk.clock()
        found = await self._desk.storage.read(lambda tx: exchanges.recent(tx, at, query.limit))
        return Recent([_state(each, None, None) for each in found])

    async def show(self, request: web.Request, *, query: Code) -> State:
        asked = (await asking.find(self._desk, request.match_info["id"])).asked
        await inherited.check_use(self._desk, asked, query.use)
        exchange, opened = await self._find(request, query.response_code)
        return await self._told(exchange, opened) if isinstance(exchange, Answered) else _state(exchange, None, None)

    async def _find(self, request: web.Request, response_code: str) -> tuple[Exchange, Opened | None]:
        """The request and what came of it, for whoever may know that."""
        exchange = await asking.find(self._desk, request.match_info["id"])
        opened = await open_verdict(self._desk, exchange) if isinstance(exchange, Answered) else None
        if isinstance(exchange, Answered):
            exchange = await collect(self._desk, exchange, opened, response_code)
        return exchange, opened

    async def _told(self, answered: Answered, opened: Opened | None) -> State:
        receipt = None if opened is None else await sign_receipt(self._desk, answered, opened)
        state = _state(answered, None if opened is None else spoken(answered, opened.verdict), receipt)
        together = together_api.told(await standing_of(self._desk, answered.asked))
        return msgspec.structs.replace(state, together=None if answered.withheld or answered.decision == "rejected" else together)

    async def recheck(self, request: web.Request, *, body: Recheck) -> State:
        await require_scope(request, READ)  # the answer is all that was shown
        await self._find(request, body.response_code)
        outcome = await look_again(self._desk, self._store, request.match_info["id"], more=msgspec.to_builtins(body.use))
        return await self._told(outcome.answered, await open_verdict(self._desk, outcome.answered))

    async def check_copy(self, request: web.Request, *, body: bytes) -> Reply:
        if len(body) > MAX_COPY:
            raise TooLarge("this is larger than any copy")
        del request
        return await self._brought(await copies.bring(self._desk, self._store, body, made_by="program"))

    async def check_locked(self, request: web.Request, *, body: Locked) -> Reply:
        del request
        return await self._brought(await copies.bring(self._desk, self._store, body.link.encode(), made_by="program", words=body.words))

    async def _brought(self, outcome: Outcome) -> Reply:
        told = await self._told(outcome.answered, await open_verdict(self._desk, outcome.answered))
        return Reply(told, headers={"Location": f"/api/presentation-requests/{outcome.answered.asked.id}"})

    async def refresh(self, request: web.Request) -> Visits:
        visits = await self._store.refresh(request.config_dict[FETCHER])
        return Visits(
            [
                Visit(each.entity, moment(each.tried_at), None if each.fetched_at is None else moment(each.fetched_at), list(each.faults))
                for each in visits
            ]
        )

    async def uses(self, _: web.Request) -> Uses:
        return Uses(
            [
                UseLine(
                    type=use.type.id,
                    query=use.query.id,
                    title=use.query.title.en,
                    purpose=use.query.purpose.en,
                    details=use.labels(use.query.paths),
                    optional=use.labels(use.query.optional),
                )
                for use in self._desk.uses()
            ]
        )

    async def show_log(self, _: web.Request, *, query: Before) -> LogPage:
        lines = await self._desk.storage.read(lambda tx: log.page(tx, before=query.before, limit=query.limit))
        head = await self._desk.storage.read(log.head)
        return LogPage(head.size, base64url.encode(head.digest), [_log_line(each) for each in lines])

    async def schema(self, _: web.Request) -> dict[str, Any]:
        return VERDICT_SCHEMA


def spoken(answered: Answered, verdict: Mapping[str, Any]) -> dict[str, Any]:
    """A verdict with its sentences in English."""
    seen = "checked" if answered.asked.terms.kind == "copy" and answered.decision != "rejected" else ""
    return {
        **verdict,
        "sentence": words.sentence(verdict),
        "level_sentence": words.level(verdict["level"]["name"], seen=seen),
        "knowledge": words.knowledge(verdict),
    }


def _state(exchange: Exchange, verdict: Mapping[str, Any] | None, receipt: str | None) -> State:
    asked = exchange.asked
    answered = exchange if isinstance(exchange, Answered) and not exchange.withheld else None
    return msgspec.convert(
        {
            "id": asked.id,
            "kind": asked.terms.kind,
            "state": state_of(exchange),
            "purpose_id": asked.terms.purpose_id,
            "made_at": moment(asked.made_at),
            "expires_at": moment(asked.expires_at),
            "decision": None if answered is None else answered.decision,
            "code": exchange.error if isinstance(exchange, Declined) else "" if answered is None else answered.code,
            "answered_at": None if answered is None else moment(answered.at),
            "details_until": None if answered is None else moment(answered.keep_until),
            "verdict": None if verdict is None else dict(verdict),
            "agreed": agreed_of(asked.terms, verdict),
            "receipt": receipt,
        },
        State,
    )


def _log_line(line: log.Line) -> LogLine:
    entry = line.entry
    return LogLine(
        number=line.number,
        at=moment(line.at),
        commitment=base64url.encode(entry.commitment),
        salt=None if entry.salt is None else base64url.encode(entry.salt),
        entry=None if entry.entry is None else dict(entry.entry),
    )
