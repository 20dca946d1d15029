"""No wrong door: somebody hands in a sealed letter for another body. It is taken, passed on unopened, and answered with a receipt."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from shared import inbox
from shared.errors import Malformed, Refused, Rejected
from shared.inbox import MAX_LETTER
from shared.storage import Tx
from shared.web import auth
from shared.web.app import bound_body
from shared.web.entrance import seated
from shared.web.finding import page_of
from shared.web.forms import Form
from shared.web.pages import locale_of, render, translator
from verifier import inbox as own
from verifier import passing
from verifier.desk import Desk
from verifier.material import Store
from verifier.records import letters, passed
from verifier.records.passed import Passed
from verifier.words import N_

PATH: Final = "/desk/pass-on"
_LISTED: Final = 50
_ON_ITS_WAY, _ARRIVED, _LOST = N_("on its way"), N_("arrived"), N_("could not be delivered")
_DEALT_WITH = N_("could not be delivered, dealt with")


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """Routes of this part."""
    part = PassingOn(desk, store)
    app.router.add_get(PATH, seated(part.show))
    app.router.add_post(PATH, seated(part.take))
    app.router.add_get(f"{PATH}/{{id}}", seated(part.one))
    app.router.add_get(f"{PATH}/{{id}}/receipt", seated(part.receipt))
    app.router.add_post(f"{PATH}/{{id}}/dealt-with", seated(part.dealt_with))
    bound_body(app, PATH, MAX_LETTER + 100_000)


class PassingOn:
    def __init__(self, desk: Desk, store: Store) -> None:
        self._desk = desk
        self._store = store

    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request, Form())

    async def _page(self, request: web.Request, form: Form) -> web.Response:
        page = page_of(request.query.get("page", ""))

        async def unit(tx: Tx) -> tuple[list[Passed], int, int]:
            pages = max(1, -(-await passed.count(tx) // _LISTED))
            return await passed.recent(tx, _LISTED, (min(page, pages) - 1) * _LISTED), min(page, pages), pages

        found, page, pages = await self._desk.storage.read(unit)
        names = await passing.bodies(self._desk)
        locale, _ = locale_of(request), translator(request)
        rows = [self._row(each, names[each.entity].name.in_(locale) if each.entity in names else each.entity, _) for each in found]
        return await render(request, "desk/pass_on.html", form=form, rows=rows, page=page, pages=pages)

    def _row(self, one: Passed, name: str, translate: Any) -> dict[str, Any]:
        tag, colour = (_ON_ITS_WAY, "blue") if one.done_at is None else (_ARRIVED, "green")
        if one.lost:
            tag, colour = (_LOST, "red") if one.dealt_with_at is None else (_DEALT_WITH, "grey")
        reference = str(one.basis["receipt_id"])[:10]
        return {"id": one.id, "name": name, "taken_at": one.taken_at, "reference": reference, "tag": translate(tag), "colour": colour}

    async def take(self, request: web.Request) -> web.StreamResponse:
        """A letter for ourselves is taken like one that was posted."""
        posted, files = await auth.read_files(request)
        form, _ = Form(posted), translator(request)
        token = (files.get("file") or form.value("text").encode()).decode("ascii", "replace").strip()
        if not token:
            form.error("file", _("Choose the file of a sealed letter, or paste it"))
            return await self._page(request, form)
        try:
            if inbox.peek_kid(token) in {each.kid for each in await self._desk.storage.read(letters.keys)}:
                exchange = await own.hand_in(self._desk, self._store, token)
                raise web.HTTPSeeOther(f"/desk/inbox/{exchange}")
            one = await passing.take(self._desk, token)
        except (Malformed, Rejected, Refused) as error:
            unknown = _("Nobody whom we know can open this. Look in the register for the body that it is for, and give it back unopened.")
            form.error("file", unknown if error.where == "/kid" else _("This is no sealed letter"))
            return await self._page(request, form)
        raise web.HTTPSeeOther(f"{PATH}/{one.id}")

    async def one(self, request: web.Request) -> web.StreamResponse:
        """The receipt, to be printed or saved."""
        one = await passing.find(self._desk, request.match_info["id"])
        name = (await passing.name_of(self._desk, one.entity)).in_(locale_of(request))
        row, desk = self._row(one, name, translator(request)), self._desk
        return await render(request, "desk/passed_on.html", row=row, one=one, organisation=desk.settings.name)

    async def dealt_with(self, request: web.Request) -> web.StreamResponse:
        """It is nothing to do any more; the log says that somebody dealt with it."""
        await auth.read_form(request)
        name = request.match_info["id"]
        await passing.deal_with(self._desk, name)
        raise web.HTTPSeeOther(f"{PATH}/{name}")

    async def receipt(self, request: web.Request) -> web.StreamResponse:
        one = await passing.find(self._desk, request.match_info["id"])
        headers = {"Content-Disposition": 'attachment; filename="receipt.jwt"'}
        return web.Response(text=await passing.receipt_of(self._desk, one), content_type="application/jwt", headers=headers)
