"""Those who ask for documents and are registered here: the pages on which two persons decide, and the public register."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from aiohttp import hdrs, web

from issuer.federation import registered, registrar
from issuer.federation.admission import MAX_NAME
from issuer.federation.keys import name_of
from issuer.office import Office
from issuer.pages import federated
from issuer.pages.deciding import Answer, Deciding, body_of
from issuer.pages.desk import actor, may, seated
from issuer.pages.public_roll import PublicRoll
from issuer.records import askers
from issuer.records.askers import Asker, State
from issuer.records.roll import Event
from shared.clock import DAY
from shared.credentials import all_types
from shared.errors import Conflict, Malformed, Missing
from shared.storage import Tx
from shared.trust.application import parse_application
from shared.trust.register_json import Version, changes
from shared.trust.registered_use import RegisteredUse
from shared.web import auth
from shared.web.entrance import OPERATOR
from shared.web.forms import Form
from shared.web.i18n import N_
from shared.web.pages import locale_of, render, translator
from shared.web.registered_view import change_view, use_view

PATH, PUBLIC = "/console/register", registered.REGISTERED
SOON = 60 * DAY  # before a registration has to be argued again, it is worth a word
STATES = {State.INVITED: (N_("Invited"), "blue"), State.ACTIVE: (N_("Registered"), "green"), State.ENDED: (N_("Ended"), "grey")}
WAITS, ANNOUNCED = N_("Waits for a second person"), N_("Announced")
KINDS = {
    "invited": N_("Invited"),
    "applied": N_("Applied"),
    "approved": N_("Approved: it counts"),
    "announced": N_("Approved and announced to everybody"),
    "refused": N_("Sent back"),
    "ended": N_("Ended"),
    "compromised": N_("Ended at once: its key is in other hands"),
    "lapsed": N_("Ended by the clock: nobody argued it again"),
}

Words = Callable[[str], str]


def add_to(app: web.Application, office: Office) -> None:
    """Routes of this part, where this office speaks for others."""
    if not office.settings.superior:
        return
    part, public = Registering(office), Register(office)
    app.router.add_get(PUBLIC, public.show)
    app.router.add_get(registered.REGISTERED_JSON, public.download)
    app.router.add_get(PATH, seated(part.show))
    app.router.add_get(f"{PATH}/one", seated(part.one))
    app.router.add_get(f"{PATH}/invite", seated(part.ask_invitation, role="approver"))
    for path, handler in (("invite", part.invite), ("approve", part.approve), ("send-back", part.send_back), ("end", part.end)):
        app.router.add_post(f"{PATH}/{path}", seated(handler, role="approver"))


def _uses(uses: Sequence[RegisteredUse], locale: str) -> list[dict[str, Any]]:
    return [use_view(use, tuple(all_types().values()), locale) | {"lacks": len(use.lacks())} for use in uses]


def _changes(before: Version | None, now: Version, locale: str) -> list[dict[str, Any]]:
    return [change_view(each, locale) for each in changes(before, now, tuple(all_types().values()))]


def _versions(versions: Sequence[Version], locale: str) -> list[dict[str, Any]]:
    """Newest first."""
    pairs = zip((None, *versions), versions, strict=False)
    return [{"n": now.n, "at": now.at, "changes": _changes(before, now, locale)} for before, now in pairs][::-1]


# --- for everybody -----------------------------------------------------------------------------------------------------------------------


class Register:
    """The whole register, as a page and as a file that is made once after each change too."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._public = PublicRoll(office, askers.ROLL, _is_public)
        self._file = (-1, b"")

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Who is registered, and what was announced; of one organisation everything, with what changed when."""
        locale, entity = locale_of(request), request.query.get("entity", "")
        row = partial(_public_row, locale=locale)
        rows, versions = await self._one(entity, locale) if entity else (await self._public.rows(locale, row), [])
        return await render(
            request,
            "registered.html",
            office=self._office.settings.name,
            rows=rows,
            one=bool(entity),
            versions=_versions(versions, locale),
            json_path=self._office.url(registered.REGISTERED_JSON),
        )

    async def _one(self, entity: str, locale: str) -> tuple[list[dict[str, object]], list[Version]]:
        async def unit(tx: Tx) -> tuple[Asker | None, list[Version]]:
            return await askers.find(tx, entity), await askers.versions(tx, entity)

        found, versions = await self._office.storage.read(unit)
        if found is None or not _is_public(found):
            raise Missing("nobody of that name is registered here")
        return [_public_row(found, locale)], versions

    async def download(self, _: web.Request) -> web.StreamResponse:
        """The same for everybody: no address, cookie or header of the one who asks changes it."""
        headers = {
            hdrs.CACHE_CONTROL: "public, max-age=300",
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        now = await self._office.storage.read(askers.newest_event)
        if now != self._file[0]:  # what changes while it is read is read again at the next question
            self._file = now, json.dumps(await registered.register_json(self._office)).encode()
        return web.Response(body=self._file[1], content_type="application/json", charset="utf-8", headers=headers)


def _is_public(each: Asker) -> bool:
    return each.state is State.ACTIVE or each.counts_at is not None


def _public_row(each: Asker, locale: str) -> dict[str, object]:
    said = None if each.counts_at is None or each.wanted is None else parse_application(each.wanted)
    return {
        "name": each.name_cy if locale == "cy" else each.name,
        "entity": each.entity,
        "href": federated.link(PUBLIC, each.entity),
        "country": each.country,
        "until": each.ends_at if each.state is State.ACTIVE else None,
        "uses": _uses(each.uses if each.state is State.ACTIVE else (), locale),
        "counts_at": each.counts_at,
        "wanted_country": None if said is None or each.next_country == each.country else each.next_country,
        "announced": [] if said is None else _uses(said.uses, locale),
    }


# --- at the desk -------------------------------------------------------------------------------------------------------------------------


class Registering:
    def __init__(self, office: Office) -> None:
        self._office = office
        self._deciding = Deciding(office, body_of, self._one, partial(federated.link, f"{PATH}/one"))

    async def show(self, request: web.Request) -> web.StreamResponse:
        words, at = translator(request), self._office.clock()
        everybody = await self._office.storage.read(askers.everybody)
        return await render(
            request,
            "console/register.html",
            rows=[_row(each, words, at) for each in everybody],
            countries=await registrar.countries(self._office),
            decides=may(request[OPERATOR], "approver"),
        )

    async def ask_invitation(self, request: web.Request) -> web.StreamResponse:
        return await self._invitation(request, Form())

    async def _invitation(self, request: web.Request, form: Form, *, code: str = "") -> web.Response:
        return await render(
            request,
            "console/register_invite.html",
            form=form,
            code=code,
            name=form.value("name"),
            command=f"muniment-verifier uses apply {self._office.settings.public_url} {code}",
            countries=await registrar.countries(self._office),
        )

    async def invite(self, request: web.Request) -> web.StreamResponse:
        form, _ = Form(await auth.read_form(request)), translator(request)
        entity = form.need("entity", _("Enter the identifier of the organisation, an https address")).rstrip("/")
        name = form.need("name", _("Enter what the organisation is called"))
        country = form.need("country", _("Enter a country, such as GB")).upper()
        if len(name) > MAX_NAME:
            form.error("name", _("A name has 120 characters or fewer"))
        if not form.wrong:
            try:
                code = await registrar.invite(self._office, entity, name, country, actor(request))
            except (Malformed, Conflict) as error:
                wrong = {"/country": ("country", _("A country is two letters, such as GB"))}
                form.error(*wrong.get(error.where, ("entity", _("This cannot be the identifier of an organisation"))))
            else:
                return await self._invitation(request, form, code=code)
        return await self._invitation(request, form)

    async def one(self, request: web.Request) -> web.StreamResponse:
        return await self._one(request, request.query.get("entity", ""), Form())

    async def _one(self, request: web.Request, entity: str, form: Form, *, changed: bool = False) -> web.StreamResponse:
        words, locale, at = translator(request), locale_of(request), self._office.clock()

        async def unit(tx: Tx) -> tuple[Asker, list[Event], list[Version]]:
            return await askers.get(tx, entity), await askers.history(tx, entity), await askers.versions(tx, entity)

        found, history, versions = await self._office.storage.read(unit)
        said = None if found.wanted is None else parse_application(found.wanted)
        before = versions[-1] if versions and found.uses else None
        wanted = None if said is None else Version(n=0, at=said.issued_at, uses=said.uses)
        return await render(
            request,
            "console/register_one.html",
            status=409 if changed else 200,
            form=form,
            changed=changed,
            asker=found,
            row=_row(found, words, at),
            uses=_uses(found.uses if found.state is State.ACTIVE else (), locale),
            said=said,
            wanted=[] if said is None else _uses(said.uses, locale),
            differs=[] if wanted is None or before is None else _changes(before, wanted, locale),
            key="" if said is None else name_of(said.public),
            new_key=said is not None and (not found.jwk or name_of(registrar.read_key(found.jwk)) != name_of(said.public)),
            versions=_versions(versions, locale),
            lines=[{"what": words(KINDS[each.kind]), "at": each.at, "who": each.actor.name, "more": each.reason} for each in history],
            own=found.wanted_by == actor(request).name,
            decides=may(request[OPERATOR], "approver"),
            days=self._office.settings.objection_days,
        )

    async def approve(self, request: web.Request) -> web.StreamResponse:
        async def act(entity: str, said: Answer) -> None:
            await registrar.approve(self._office, entity, said.by, version=said.version, compared=said.compared)

        words = translator(request)
        return await self._deciding.decide(request, act, compare=words("Compare the fingerprint with the organisation itself first"))

    async def send_back(self, request: web.Request) -> web.StreamResponse:
        async def act(entity: str, said: Answer) -> None:
            await registrar.refuse(self._office, entity, said.reason, said.by, version=said.version)

        return await self._deciding.decide(request, act, why="why_back")

    async def end(self, request: web.Request) -> web.StreamResponse:
        async def act(entity: str, said: Answer) -> None:
            await registrar.end(self._office, entity, said.reason, said.by, compromised=said.compromised)

        return await self._deciding.decide(request, act, why="why_end")


def _row(each: Asker, words: Words, at: int) -> dict[str, object]:
    notes = []
    if each.waits:
        notes.append(words("An application waits for a second person"))
    if each.counts_at is not None:
        notes.append(words("An application was announced"))
    if each.state is State.ACTIVE and (each.ends_at or 0) < at + SOON:
        notes.append(words("It has to be argued again soon"))
    text, colour = STATES[each.state]
    if each.state is not State.ACTIVE and (each.waits or each.counts_at is not None):
        text, colour = (WAITS if each.waits else ANNOUNCED), "yellow"
    return {
        "name": each.name,
        "entity": each.entity,
        "href": federated.link(f"{PATH}/one", each.entity),
        "country": each.country,
        "state": words(text),
        "colour": colour,
        "until": each.ends_at if each.state is State.ACTIVE else None,
        "uses": len(each.uses) if each.state is State.ACTIVE else 0,
        "notes": notes,
    }
