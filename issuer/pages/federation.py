"""Who is below this office and what each may say, who waits for a second person, and what those above say of us."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from aiohttp import web

from issuer.federation import collect, enrol, successions
from issuer.federation.keys import FOLLOWED, OUTPROVED, REPORTED, read_keys
from issuer.federation.own import entity_of
from issuer.federation.terms import parse_terms
from issuer.office import Office
from issuer.pages import federated
from issuer.pages.deciding import Answer, Deciding, body_of
from issuer.pages.desk import actor, may, seated
from issuer.pages.granting import PATH, Granting
from issuer.records import subordinates
from issuer.records.roll import Event
from issuer.records.subordinates import State, Subordinate
from shared.clock import DAY
from shared.keys import Role
from shared.storage import Tx
from shared.trust.snapshot import KeyHistory
from shared.trust.statements import parse_statement
from shared.web.context import FETCHER
from shared.web.entrance import OPERATOR
from shared.web.forms import Form
from shared.web.granted_view import said_of_us
from shared.web.i18n import N_
from shared.web.pages import locale_of, render, translator

__all__ = ["PATH", "Federation", "add_to", "is_member"]

SOON = 60 * DAY  # before something ends, it is worth a word
STATES = {
    State.INVITED: (N_("Invited"), "blue"),
    State.WAITING: (N_("Waits for a second person"), "yellow"),
    State.ACTIVE: (N_("In force"), "green"),
    State.ENDED: (N_("Ended"), "grey"),
}
KINDS = {
    "invited": N_("Invited"),
    "joined": N_("Joined with its keys"),
    "proposed": N_("Other terms were proposed"),
    "approved": N_("Approved"),
    "refused": N_("Sent back"),
    "ended": N_("Ended"),
    "compromised": N_("Ended at once: its keys are in other hands"),
    FOLLOWED: N_("Its federation keys changed, by its own signed word"),
    OUTPROVED: N_("It named a key that another body has proved to be its own"),
    REPORTED: N_("It says that a key of its own is in other hands: nothing by that key counts"),
    successions.OFFERED: N_("Another body is to take over from it"),
    successions.LOOKED_AT: N_("A first person looked at who takes over from it"),
    successions.PUBLISHED: N_("Who takes over from it was published"),
    successions.REFUSED: N_("Who takes over from it was sent back"),
    successions.WITHDRAWN: N_("Who takes over from it was withdrawn"),
}
_LINES = re.compile(r"[\s,]+")


def add_to(app: web.Application, office: Office) -> None:
    """Routes of this part; only its own view for an office that is nobody's superior."""
    part = Federation(office)
    app.router.add_get(PATH, seated(part.show))
    if not office.settings.superior:
        return
    app.router.add_get(f"{PATH}/body", seated(part.body))
    Granting(office, part.deciding).add_to(app)
    for path, handler in (("approve", part.approve), ("send-back", part.send_back)):
        app.router.add_post(f"{PATH}/{path}", seated(handler, role="approver"))


def is_member(office: Office) -> bool:
    """Whether there is anything to see."""
    return office.settings.superior or bool(office.settings.authority_hints)


class Federation:
    def __init__(self, office: Office) -> None:
        self._office = office
        self.deciding = Deciding(office, body_of, self._body, partial(federated.link, f"{PATH}/body"))

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Both directions: below, and above."""
        words, locale, at = translator(request), locale_of(request), self._office.clock()
        below = await self._office.storage.read(subordinates.everybody) if self._office.settings.superior else []
        return await render(
            request,
            "console/federation.html",
            superior=self._office.settings.superior,
            entity=self._office.settings.public_url,
            rows=[_row(each, words, locale, at) for each in below],
            above=await said_of_us(entity_of(self._office), locale, words),
            decides=may(request[OPERATOR], "approver"),
        )

    async def body(self, request: web.Request) -> web.StreamResponse:
        return await self._body(request, request.query.get("entity", ""), Form())

    async def _body(self, request: web.Request, entity: str, form: Form, *, changed: bool = False) -> web.StreamResponse:
        words, locale, at = translator(request), locale_of(request), self._office.clock()

        async def unit(tx: Tx) -> tuple[Subordinate, list[Event], list[KeyHistory], set[str]]:
            body, history = await subordinates.get(tx, entity), await subordinates.history(tx, entity)
            return body, history, await subordinates.keys(tx, entity), await subordinates.proven_keys(tx)

        body, history, known, proven = await self._office.storage.read(unit)
        terms = parse_terms(body.terms)
        wanted = None if body.wanted_terms is None else parse_terms(body.wanted_terms)
        granted, limits = federated.view(terms, locale, words)
        proposed, wanted_limits = (None, []) if wanted is None else federated.view(wanted, locale, words)
        return await render(
            request,
            "console/federation_body.html",
            status=409 if changed else 200,
            form=form,
            changed=changed,
            body=body,
            row=_row(body, words, locale, at),
            granted=granted,
            limits=limits,
            wanted=proposed,
            wanted_limits=wanted_limits,
            keys=[each.kid for each in read_keys(body.keys)],
            new_keys=[each.kid for each in read_keys(body.wanted_keys or "")],
            documents=[
                {"name": each.thumbprint, "proven": each.thumbprint in proven}
                for each in known
                if each.role is not Role.FEDERATION and each.ends_at is None
            ],
            lines=[_line(each, words) for each in history],
            own=body.wanted_by == actor(request).name,
            decides=may(request[OPERATOR], "approver"),
        )

    async def approve(self, request: web.Request) -> web.StreamResponse:
        async def act(entity: str, said: Answer) -> None:
            body = await enrol.approve(self._office, entity, said.by, version=said.version, compared=said.compared)
            await collect.visit_below(self._office, body, request.config_dict[FETCHER])

        words = translator(request)
        return await self.deciding.decide(request, act, compare=words("Compare the fingerprints with the body itself first"))

    async def send_back(self, request: web.Request) -> web.StreamResponse:
        async def act(entity: str, said: Answer) -> None:
            await enrol.refuse(self._office, entity, said.reason, said.by, version=said.version)

        return await self.deciding.decide(request, act, why="why_back")


Words = Callable[[str], str]


def _row(each: Subordinate, words: Words, locale: str, at: int) -> dict[str, object]:
    terms, notes = parse_terms(each.terms), []
    ends = [one.until for one in terms.grants.entitlements + terms.grants.accredits if one.until is not None and one.until > at]
    if each.state is State.ACTIVE and ends and min(ends) < at + SOON:
        notes.append(words("Something that it may say or accredit ends soon"))
    if each.state is State.ACTIVE and each.configuration and parse_statement(each.configuration).exp <= at + DAY:
        notes.append(words("What it says of itself runs out: its address shows nothing newer"))
    if each.fault:
        notes.append(words("At the last visit nothing was taken of what it says of itself: %(fault)s") % {"fault": each.fault})
    if each.waits and each.state is State.ACTIVE:
        notes.append(words("A change waits for a second person"))
    text, colour = STATES[each.state]
    return {
        "name": each.name,
        "entity": each.entity,
        "href": federated.link(f"{PATH}/body", each.entity),
        "state": words(text),
        "colour": colour,
        "says": federated.lines(terms.grants.entitlements, locale, at),
        "notes": notes,
        "tried_at": each.tried_at,
    }


def _line(event: Event, words: Words) -> dict[str, object]:
    return {"what": words(KINDS[event.kind]), "at": event.at, "who": event.actor.name, "more": event.reason}
