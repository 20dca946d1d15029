"""Permissions at the desk: find one, see what it allows, write down what is told by it; and ask for one."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, Final

from aiohttp import web

from shared.credentials import Text
from shared.errors import Conflict, InvalidRequest, OutsidePermission, VcError
from shared.openid4vp import Body, category_text, permission_kind, sentence_of
from shared.storage import Tx
from shared.web import auth
from shared.web.entrance import seated
from shared.web.finding import fits, wanted_of
from shared.web.forms import Form
from shared.web.pages import locale_of, render, translator
from verifier import granting, permissions
from verifier.desk import Desk
from verifier.granting import Wish
from verifier.material import Store
from verifier.pages.seat import spoken
from verifier.permissions import State, Tell
from verifier.records import permissions as records
from verifier.records.permissions import Kept, Use
from verifier.words import N_, Spoken

_PATH: Final = "/desk/permissions"
_SHOWN: Final = 200
_SEARCHED: Final = 1_000  # of which a search reads who is told; by its reference any is found
_NUMBER: Final = re.compile(r"[A-Za-z0-9_-]+")  # the beginning of one
_TAGS: Final[dict[State, tuple[str, str]]] = {
    "in-force": (N_("in force"), "green"),
    "withdrawn": (N_("withdrawn"), "red"),
    "used-up": (N_("used up"), "grey"),
    "over": (N_("over"), "grey"),
}
_TOLD, _REFUSED = (N_("told"), "green"), (N_("not allowed"), "red")
_WHY: Final = {
    "/withdrawn": N_("It was withdrawn. Do not tell this."),
    "/max_uses": N_("It has been used up. Do not tell this; ask for a new permission."),
    "/data_categories": N_("It does not allow all that you ticked. Take out what it does not name."),
    "/recipient": N_("It allows telling somebody else only."),
    "/authority": N_(
        "The document with which it was given has ended, is on hold or is too old. Do not tell this; ask for a new permission."
    ),
    "/not_before": N_("It does not count yet."),
    "/expires": N_("It has ended. Do not tell this; ask for a new permission."),
}


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """Routes of this part."""
    part = PermissionPages(desk, store)
    app.router.add_get(_PATH, seated(part.list))
    app.router.add_get(f"{_PATH}/new", seated(part.form))
    app.router.add_post(f"{_PATH}/new", seated(part.ask))
    app.router.add_get(f"{_PATH}/{{id}}", seated(part.show))
    app.router.add_post(f"{_PATH}/{{id}}", seated(part.tell))
    app.router.add_post(f"{_PATH}/{{id}}/withdraw", seated(part.withdraw))


class PermissionPages:
    def __init__(self, desk: Desk, store: Store) -> None:
        self._desk = desk
        self._store = store

    async def list(self, request: web.Request) -> web.StreamResponse:
        """By reference and recipient; nobody is found by name here."""
        at, talk, wanted = self._desk.clock(), spoken(request), wanted_of(request.query)
        limit, number = _SEARCHED if wanted else _SHOWN, wanted if _NUMBER.fullmatch(wanted) else ""

        async def unit(tx: Tx) -> tuple[list[Kept], list[Kept]]:
            return await records.recent(tx, at, limit), await records.called(tx, number, at, _SHOWN) if number else []

        recent, called = await self._desk.storage.read(unit)
        names = {each.id for each in called}
        found = [*called, *(each for each in recent if each.id not in names and _fits(each, wanted))][:_SHOWN]
        rows = [self._row(each, at, talk) for each in found]
        looked = limit if len(recent) == limit else 0
        return await render(request, "desk/permissions.html", form=Form(), rows=rows, wanted=wanted, looked=looked)

    def _row(self, kept: Kept, at: int, talk: Spoken) -> dict[str, Any]:
        tag, colour = _TAGS[permissions.state_of(self._desk, kept, at)]
        return {
            "id": kept.id,
            "reference": kept.permission.reference,
            "recipient": kept.permission.recipient.name,
            "what": ", ".join(category_text(each, talk.locale) for each in kept.permission.categories),
            "tag": talk.translate(tag),
            "colour": colour,
        }

    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request, Form())

    async def _page(self, request: web.Request, form: Form) -> web.Response:
        kept, uses = await permissions.find(self._desk, request.match_info["id"])
        talk, at, _ = spoken(request), self._desk.clock(), translator(request)
        who = await granting.opened(self._desk, kept)
        row = self._row(kept, at, talk)
        told = [
            {"label": _("Who allows it"), "value": who["signer"] or _("not shown")},
            {"label": _("Whom it is about"), "value": who["subject"] or _("not shown")},
            {"label": _("Used"), "value": _("%(used)s of %(most)s") % {"used": kept.used, "most": kept.permission.max_uses}},
            {"label": _("How it stands"), "value": row["tag"]},
        ]
        ticked = form.values("category")
        return await render(
            request,
            "desk/permission.html",
            form=form,
            id=kept.id,
            reference=row["reference"],
            heading=row["recipient"],
            sentence=sentence_of(kept.permission).in_(talk.locale),
            rows=told,
            open=permissions.state_of(self._desk, kept, at) == "in-force",
            choices=_choices(talk.locale, ticked),
            uses=[_use(each, talk) for each in uses],
            before=next((each.at for each in uses if str(each.number) == request.query.get("before")), None),
        )

    async def tell(self, request: web.Request) -> web.StreamResponse:
        """Written down first; what is refused is not told."""
        form, _ = Form(await auth.read_form(request)), translator(request)
        wanted = Tell(categories=form.values("category"), reference=form.value("reference")[:200], made_by="desk")
        if not wanted.categories:
            form.error("category", _("Tick what you tell"))
            return await self._page(request, form)
        _kept, uses = await permissions.find(self._desk, request.match_info["id"])
        try:
            use = await permissions.tell(self._desk, self._store, request.match_info["id"], wanted)
        except OutsidePermission as error:
            form.error("category", _(_WHY.get(error.where, _WHY["/data_categories"])))
            return await self._page(request, form)
        except Conflict:
            form.error("reference", _("This reference was used for something else. Choose another one."))
            return await self._page(request, form)
        before = f"?before={use.number}" if use.number <= len(uses) else ""
        raise web.HTTPSeeOther(f"{_PATH}/{request.match_info['id']}{before}")

    async def withdraw(self, request: web.Request) -> web.StreamResponse:
        """Its giver says at the desk that it is over; her wallet hears it when it asks next."""
        form, _ = Form(await auth.read_form(request)), translator(request)
        kept, _uses = await permissions.find(self._desk, request.match_info["id"])
        if not form.value("sure"):
            form.error("sure", _("First make sure who it is"))
            return await self._page(request, form)
        await permissions.withdraw(self._desk, kept, made_by="desk")
        raise web.HTTPSeeOther(f"{_PATH}/{kept.id}")

    async def form(self, request: web.Request) -> web.StreamResponse:
        return await self._form(request, Form({"max_uses": "1"}))

    async def _form(self, request: web.Request, form: Form) -> web.Response:
        locale = locale_of(request)
        uses = [
            {
                "value": f"{use.type.id}/{use.query.id}",
                "text": f"{use.type.title.in_(locale)}: {use.query.title.in_(locale)}",
                "checked": form.value("use") == f"{use.type.id}/{use.query.id}",
            }
            for use in self._desk.uses()
            if use.type.holder is not None
        ]
        return await render(request, "desk/permission_new.html", form=form, choices=_choices(locale, form.values("category")), uses=uses)

    async def ask(self, request: web.Request) -> web.StreamResponse:
        """One request a form; its page shows the square code."""
        form, _ = Form(await auth.read_form(request)), translator(request)
        wish, type_id, query_id = self._wish(form, request), *form.value("use").partition("/")[::2]
        if not query_id:
            form.error("use", _("Choose the document"))
        if wish is not None and not form.wrong:
            try:
                asked = await permissions.ask(self._desk, wish, type_id=type_id, query_id=query_id, made_by="desk")
            except InvalidRequest as error:
                self._put_right(form, error, request)
            else:
                raise web.HTTPSeeOther(f"/desk/requests/{asked.id}")
        return await self._form(request, form)

    def _wish(self, form: Form, request: web.Request) -> Wish | None:
        _ = translator(request)
        name = form.need("recipient_name", _("Enter who is to be told"))
        identifier = form.need("recipient", _("Enter its address in the register"))
        purpose = form.need("purpose", _("Enter why"))
        categories = form.values("category")
        if not categories:
            form.error("category", _("Tick what may be told"))
        times = form.value("max_uses")
        if not (times.isascii() and times.isdigit() and 1 <= int(times[:6]) <= 1_000):
            form.error("max_uses", _("Enter a number from 1 to 1,000"))
        try:
            until = dt.date.fromisoformat(form.value("until"))
        except ValueError:
            form.error("until", _("Enter the last day as in 2027-06-30"))
            return None
        if form.wrong:
            return None
        return Wish(
            recipient=Body(id=identifier, name=name),
            categories=categories,
            purpose=Text(purpose, form.value("purpose_cy") or purpose),
            until=until,
            max_uses=int(times),
        )

    def _put_right(self, form: Form, error: VcError, request: web.Request) -> None:
        _ = translator(request)
        if error.where == "/until":
            form.error("until", _("Choose a day within half a year from now"))
        else:
            field = error.where.strip("/").partition("/")[0]
            form.error(field if field in {"recipient", "recipient_name", "purpose"} else "category", _("This is too long or not right"))


def _fits(kept: Kept, wanted: str) -> bool:
    limits = kept.permission
    return fits(wanted, [limits.recipient.name, limits.recipient.id])


def _choices(locale: str, ticked: list[str]) -> list[dict[str, Any]]:
    claim = permission_kind().claim(("data_categories", None))
    choices = () if claim is None else claim.choices
    return [{"value": each.value, "text": each.label.in_(locale), "checked": each.value in ticked} for each in choices]


def _use(use: Use, talk: Spoken) -> dict[str, Any]:
    tag, colour = _REFUSED if use.code else _TOLD
    what = ", ".join(category_text(each, talk.locale) for each in use.categories)
    return {"at": use.at, "what": what, "reference": use.reference, "tag": talk.translate(tag), "colour": colour}
