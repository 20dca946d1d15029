"""Changing many documents at once: a list of references, a preview, and a number that has to be typed. For approvers."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from issuer import revoke
from issuer.office import Office
from issuer.pages import words as phrases
from issuer.pages.desk import actor, seated
from issuer.revoke import Many, Wish
from issuer.sessions import Action
from shared.errors import Conflict, Malformed
from shared.web import auth
from shared.web.app import bound_body
from shared.web.forms import Form
from shared.web.pages import locale_of, render, translator

PATH = "/console/many"


def add_to(app: web.Application, office: Office) -> None:
    """Routes of this part."""
    part = ManyPages(office)
    app.router.add_get(PATH, seated(part.ask, role="approver"))
    app.router.add_post(PATH, seated(part.answer, role="approver"))
    bound_body(app, PATH, 4_000_000)


class ManyPages:
    def __init__(self, office: Office) -> None:
        self._office = office

    async def ask(self, request: web.Request) -> web.StreamResponse:
        return await self._show(request, Form())

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """First what would happen; then, with the number typed in, it happens."""
        form, words = Form(await auth.read_form(request)), translator(request)
        references = [line.strip() for line in form.value("references").splitlines() if line.strip()]
        wish = self._wish(request, form, references)
        if form.wrong or wish is None:
            return await self._show(request, form)
        seen = await self._change(form, references, wish, words, preview=True, count=None)
        if seen is None:
            return await self._show(request, form)
        if form.value("step") != "confirm":
            return await self._show_preview(request, form, references, wish, seen)
        typed = form.value("count").replace(",", "").replace(" ", "")
        if typed != str(seen.documents):
            form.error("count", words("Type the number of documents shown above to confirm"))
            return await self._show_preview(request, form, references, wish, seen)
        done = await revoke.change_many(self._office, references, wish, preview=False, confirm_count=int(typed))
        return await render(request, "console/many_done.html", done=done, sentence=_sentence(done, wish.action, words))

    def _wish(self, request: web.Request, form: Form, references: Sequence[str]) -> Wish | None:
        words = translator(request)
        if not references:
            form.error("references", words("Enter one reference or more, each on its own line"))
        if len(references) > revoke.MAX_MANY:
            form.error("references", words("At most 10,000 references are taken at once"))
        action = form.need("action", words("Choose what to do"))
        reason = form.need("reason", words("Choose a reason"))
        if form.wrong or action not in set(Action):
            return None
        return Wish(action=Action(action), reason=reason, actor=actor(request))

    async def _change(
        self, form: Form, references: Sequence[str], wish: Wish, words: phrases.Words, *, preview: bool, count: int | None
    ) -> Many | None:
        try:
            return await revoke.change_many(self._office, references, wish, preview=preview, confirm_count=count)
        except Malformed:
            form.error("reason", words("This reason does not fit what you want to do"))
        except Conflict:
            form.error("references", words("These documents were changed in the meantime"))
        return None

    async def _show(self, request: web.Request, form: Form) -> web.StreamResponse:
        locale = locale_of(request)
        reasons = {reason.value: reason.label.in_(locale) for each in self._office.types for reason in each.reasons}
        return await render(
            request, "console/many.html", form=form, reasons=[{"value": value, "text": text} for value, text in reasons.items()]
        )

    async def _show_preview(
        self, request: web.Request, form: Form, references: Sequence[str], wish: Wish, seen: Many
    ) -> web.StreamResponse:
        return await render(
            request,
            "console/many_preview.html",
            form=form,
            seen=seen,
            sentence=_sentence(seen, wish.action, translator(request)),
            unknown=[references[place] for place in seen.unknown[:50]],
            hidden={"references": form.value("references"), "action": wish.action.value, "reason": wish.reason, "step": "confirm"},
        )


def _sentence(many: Many, action: Action, words: phrases.Words) -> str:
    would = {
        Action.CANCEL: words("This would cancel %(count)s documents"),
        Action.HOLD: words("This would put %(count)s documents on hold"),
        Action.REINSTATE: words("This would end the hold of %(count)s documents"),
    }
    has = {
        Action.CANCEL: words("%(count)s documents were cancelled"),
        Action.HOLD: words("%(count)s documents were put on hold"),
        Action.REINSTATE: words("The hold of %(count)s documents has ended"),
    }
    return (has if many.done else would)[action] % {"count": f"{many.documents:,}"}
