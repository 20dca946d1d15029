"""The JSON API of the office: make documents, ask how they stand, change their standing. Errors are RFC 9457 with a pointer."""

from __future__ import annotations

import datetime as dt

import msgspec
from aiohttp import web

from issuer import donors, offers, replace, revoke
from issuer.events_api import routes as event_routes
from issuer.lost import replace_lost
from issuer.office import Office, reference_mac
from issuer.operator_bodies import (
    Changed,
    Correction,
    Detail,
    Found,
    Happening,
    Made,
    ManyChanges,
    Order,
    ReasonLine,
    RegisterWord,
    Renewal,
    Search,
    Standing,
    State,
    TypeLine,
    Types,
    Why,
)
from issuer.people import Opening
from issuer.portrait import MAX_BYTES
from issuer.records import documents, listing, statuses
from issuer.register_says import Said, follow_register
from issuer.revoke import Many, Wish
from issuer.sessions import Action, Actor, Document, Event, state_of
from issuer.vc_api import VcApi
from shared.clock import DAY
from shared.credentials._derive import json_schema
from shared.errors import Conflict, InvalidRequest, Malformed, Missing, UnknownCredentialType
from shared.openid4vci import render_offer
from shared.storage import Tx
from shared.web.api_keys import ApiKey
from shared.web.app import bound_body
from shared.web.auth import require_scope
from shared.web.openapi import IDEMPOTENCY, Param, Reply, Route, add_routes, idempotency_key

CREATE, READ, CHANGE = "credentials:create", "credentials:read", "status:change"
_KEY: web.RequestKey[ApiKey] = web.RequestKey("API_KEY", ApiKey)


class OperatorApi:
    """The operations of one office."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def add_to(self, app: web.Application) -> None:
        """Register the routes; ``/api/openapi.json`` and ``/api/docs`` come with them."""
        add_routes(
            app,
            [*self.routes(), *event_routes(self._office), *VcApi(self._office).routes()],
            title="Issuing office",
            guard=_guard,
            description="Make documents, ask how they stand, cancel them. Needs an API key: `Authorization: Bearer mun_…`.",
        )
        for path in ("/api/credentials", "/api/credentials/{id}/correction"):
            bound_body(app, path, 2 * MAX_BYTES)

    def routes(self) -> list[Route]:
        key = Param(
            IDEMPOTENCY,
            required=True,
            description="A value of your own for this one document: repeating the request with it makes no second document.",
            schema={"type": "string", "minLength": 1, "maxLength": 200},
        )
        one = "/api/credentials/{id}"
        changes = [
            Route("POST", f"{one}/{action}", handler, body=Why, out=Detail, scope=CHANGE, errors=(Conflict,), summary=words)
            for action, handler, words in (
                ("cancel", self.cancel, "Cancel a document, for good"),
                ("hold", self.hold, "Put a document on hold"),
                ("reinstate", self.reinstate, "End a hold"),
            )
        ]
        return [
            Route(
                "POST", "/api/credentials", self.make, body=Order, out=Made, status=201, scope=CREATE, params=(key,),
                errors=(Conflict, UnknownCredentialType, InvalidRequest), summary="Make a document and an invitation to collect it",
            ),
            Route("GET", "/api/credentials", self.find, query=Search, out=Found, scope=READ, summary="Find documents"),
            Route("GET", one, self.show, out=Detail, scope=READ, summary="How a document stands, with its history"),
            Route(
                "POST", f"{one}/invitation", self.invite, body=Renewal, out=Made, status=201, scope=CREATE, errors=(Conflict,),
                summary="A new invitation; earlier ones and their tokens end",
            ),
            Route(
                "POST", f"{one}/lost", self.lose, body=Renewal, out=Made, status=201, scope=f"{CREATE} {CHANGE}", errors=(Conflict,),
                summary="The holder's phone or wallet is lost: all copies are on hold for good, and there is a new invitation",
                nothing="All copies are on hold for good. There is no invitation: the document is on hold, or its details are no longer held.",
            ),
            Route(
                "POST", f"{one}/donor", self.make_donors, body=Renewal, out=Made, status=201, scope=CREATE, errors=(Conflict,),
                summary="Make the document of whoever gave the power of attorney that this is of, and an invitation for them",
            ),
            Route(
                "POST", f"{one}/correction", self.correct, body=Correction, out=Detail, scope=CREATE, errors=(Conflict,),
                summary="Correct a document: its copies are cancelled, wallets find the new details when they next renew",
            ),
            *changes,
            Route(
                "POST", "/api/status-changes", self.change_many, body=ManyChanges, out=Changed, scope=CHANGE, errors=(Conflict,),
                summary="Change all documents under a list of references, with a preview",
            ),
            Route(
                "POST", "/api/register-words", self.register_word, body=RegisterWord, out=Changed, scope=CHANGE,
                errors=(Conflict, UnknownCredentialType), summary="Do what a register's word about its entry means, with a preview",
            ),
            Route("GET", "/api/types", self.types, out=Types, scope=READ, summary="Kinds of document, with the schema of their details"),
        ]  # fmt: skip

    async def make(self, request: web.Request, *, body: Order) -> Reply:
        order = offers.Order(
            type=body.type,
            claims=body.claims,
            reference=body.reference,
            needs_code=body.tx_code,
            valid_until=None if body.valid_until is None else after(body.valid_until),
            opening=Opening(birth_date=None if body.birth_date is None else body.birth_date.isoformat(), account=body.account),
        )
        made = await offers.make(self._office, order, actor=_actor(request), idempotency_key=_idempotency_key(request))
        return Reply(self._told(made), headers={"Location": f"/api/credentials/{made.document}"})

    async def invite(self, request: web.Request, *, body: Renewal) -> Made:
        made = await offers.invite_again(self._office, number(request), actor=_actor(request), needs_code=body.tx_code)
        return self._told(made)

    async def lose(self, request: web.Request, *, body: Renewal) -> Made | None:
        made = await replace_lost(self._office, number(request), actor=_actor(request), needs_code=body.tx_code)
        return None if made is None else self._told(made)

    async def make_donors(self, request: web.Request, *, body: Renewal) -> Made:
        return self._told(await donors.make(self._office, number(request), actor=_actor(request), needs_code=body.tx_code))

    def _told(self, made: offers.Made) -> Made:
        links, by_value = offers.links(self._office, made.secrets.token), offers.links_by_value(self._office, made)
        page = self._office.url(f"/offer/{made.secrets.token}")
        offer = offers.credential_offer(self._office, made.type, made.secrets.token, needs_code=made.secrets.code is not None)
        return Made(
            id=made.document,
            state="invited",
            invitation_link=links.https,
            invitation_link_by_value=by_value.https,
            offer_uri=links.scheme,
            offer_uri_by_value=by_value.scheme,
            offer=render_offer(offer),
            offer_qr=f"{page}/qr.svg",
            offer_qr_png=f"{page}/qr.png",
            code=made.secrets.code,
            sign_in_link=offers.letter_links(self._office, made.secrets.token).https,
            sign_in_offer=render_offer(offers.sign_in_offer(self._office, made.type, made.secrets.token)),
            activation_code=made.secrets.activation,
            expires_at=moment(made.expires_at),
        )

    async def find(self, _: web.Request, *, query: Search) -> Found:
        mac = None if query.reference is None else await reference_mac(self._office, query.reference)

        async def unit(tx: Tx) -> Found:
            if mac is not None:
                items = await listing.by_reference(tx, mac)
                return Found([_standing(each) for each in items[query.offset : query.offset + query.limit]], len(items))
            items = await listing.page(tx, offset=query.offset, limit=query.limit)
            return Found([_standing(each) for each in items], await listing.count(tx))

        return await self._office.storage.read(unit)

    async def show(self, request: web.Request) -> Detail:
        return await self._detail(number(request))

    async def _detail(self, document: str) -> Detail:
        at = self._office.clock()

        async def unit(tx: Tx) -> Detail:
            standing = _standing(await listing.listed(tx, document))
            return Detail(
                **{name: getattr(standing, name) for name in standing.__struct_fields__},
                version=await documents.written(tx, document),
                copies=await statuses.live_copies(tx, document, at),
                history=[_happening(event) for event in await documents.history(tx, document)],
            )

        return await self._office.storage.read(unit)

    async def correct(self, request: web.Request, *, body: Correction) -> Detail:
        document = number(request)
        await replace.replace(
            self._office, document, body.claims, reason=body.reason, actor=_actor(request), version=body.version, correction=body.answers
        )
        return await self._detail(document)

    async def cancel(self, request: web.Request, *, body: Why) -> Detail:
        return await self._change(request, Action.CANCEL, body)

    async def hold(self, request: web.Request, *, body: Why) -> Detail:
        return await self._change(request, Action.HOLD, body)

    async def reinstate(self, request: web.Request, *, body: Why) -> Detail:
        return await self._change(request, Action.REINSTATE, body)

    async def _change(self, request: web.Request, action: Action, body: Why) -> Detail:
        document = number(request)
        await revoke.change_one(self._office, document, Wish(action=action, reason=body.reason, actor=_actor(request)))
        return await self._detail(document)

    async def change_many(self, request: web.Request, *, body: ManyChanges) -> Changed:
        wish = Wish(action=Action(body.action), reason=body.reason, actor=_actor(request))
        many = await revoke.change_many(self._office, body.references, wish, preview=body.preview, confirm_count=body.confirm_count)
        return _changed(many, wish)

    async def register_word(self, request: web.Request, *, body: RegisterWord) -> Changed:
        said = Said(type=body.type, reference=body.reference, word=body.word, reason=body.reason, document=body.document)
        wish, many = await follow_register(self._office, said, _actor(request), preview=body.preview, confirm_count=body.confirm_count)
        return _changed(many, wish)

    async def types(self, _: web.Request) -> Types:
        return Types(
            [
                TypeLine(
                    id=each.id,
                    vct=each.vct,
                    title=each.title.en,
                    description=each.description.en,
                    configurations=list(self._office.configurations_of(each.id)),
                    states=dict(each.states),
                    of_holder=list(each.of_holder),
                    reasons=[ReasonLine(reason.value, reason.label.en, list(reason.actions)) for reason in each.reasons],
                    schema=json_schema(each),
                )
                for each in self._office.types
            ]
        )


def _changed(many: Many, wish: Wish) -> Changed:
    return Changed(
        documents=many.documents,
        unchanged=many.unchanged,
        unknown=list(many.unknown),
        done=many.done,
        summary=summary(many, wish.action),
    )


async def _guard(request: web.Request, scope: str) -> None:
    request[_KEY] = await require_scope(request, scope)


def _actor(request: web.Request) -> Actor:
    return Actor(role="program", name=request[_KEY].name)


def _idempotency_key(request: web.Request) -> str:
    """Making a document twice by accident is not harmless, so the key is demanded."""
    key = idempotency_key(request)  # there is one: the route demands it
    return f"{request[_KEY].id} {key}"  # two API keys may have one name


def number(request: web.Request) -> str:
    """The document's number as it is stored, whether it was typed with dashes or in small letters."""
    plain = request.match_info["id"].replace("-", "").upper()
    if len(plain) != 16 or not plain.isascii() or not plain.isalnum():
        raise Missing("there is no document of that number")
    return plain


def after(day: dt.date) -> int:
    """The first second after a day, in UTC."""
    try:
        return int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp()) + DAY
    except (OverflowError, ValueError) as error:
        raise Malformed("this day is too far away", where="/valid_until") from error


def moment(at: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(at, dt.UTC)


def summary(many: Many, action: Action) -> str:
    """The sentence that a person reads before and after a change of many."""
    verb = {Action.CANCEL: "cancel", Action.HOLD: "put on hold", Action.REINSTATE: "reinstate"}[action]
    done = {Action.CANCEL: "cancelled", Action.HOLD: "put on hold", Action.REINSTATE: "reinstated"}[action]
    noun = "document" if many.documents == 1 else "documents"
    return f"this has {done} {many.documents:,} {noun}" if many.done else f"this would {verb} {many.documents:,} {noun}"


def _standing(listed: listing.Listed) -> Standing:
    document: Document = listed.document
    state = state_of(document, listed.invitation)
    return Standing(
        id=document.id,
        type=document.type,
        state=msgspec.convert(state, State),
        made_at=moment(document.made_at),
        collected_at=None if document.collected_at is None else moment(document.collected_at),
        valid_until=None if document.valid_until is None else moment(document.valid_until - DAY).date(),
    )


def _happening(event: Event) -> Happening:
    return Happening(
        at=moment(event.at), what=event.kind, role=event.actor.role, who=event.actor.name, reason=event.reason, copies=event.copies
    )
