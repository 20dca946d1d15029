"""What this office was told of documents of others: the list, one with the documents that may be meant side by side, and telling by hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from issuer import deciding_news, following
from issuer.claims import Fault
from issuer.deciding_news import Case, Compared
from issuer.following import AGAIN, News
from issuer.office import Office
from issuer.pages import form as questions
from issuer.pages import words as phrases
from issuer.pages.desk import actor, may, seated
from issuer.records import news
from issuer.sessions import Action, Actor
from shared.credentials import CredentialType, all_types
from shared.credentials._tree import check_shape
from shared.errors import Conflict, Malformed, Missing
from shared.storage import Tx
from shared.web import auth
from shared.web.entrance import OPERATOR
from shared.web.finding import fits, number_in, page_of, wanted_of
from shared.web.forms import Form
from shared.web.i18n import N_
from shared.web.pages import locale_of, render, translator

PATH = "/console/events"
PAGE = 20
STATES = {
    "nothing": (N_("No document of ours is meant"), "grey"),
    "blank": (N_("Came without the details to compare"), "orange"),
    "done": (N_("Done"), "green"),
    "open": (N_("To be decided"), "yellow"),
    "second": (N_("Waiting for a second person"), "yellow"),
    "making": (N_("New documents are being made"), "blue"),
    "settled": (N_("Decided"), "green"),
}
BECAME = {
    "shown": N_("%(document)s: shown to us"),
    "valid": N_("%(document)s: in force again"),
    "on-hold": N_("%(document)s: put on hold"),
    "cancelled": N_("%(document)s: counts no longer"),
}
LIKENESS = {
    "same": N_("Names, date of birth and one more item agree"),
    "near": N_("Names agree and nothing differs, but one more item is missing"),
    "far": N_("Some of it agrees and some differs"),
    "": N_("It was made for the very document that was shown"),
}
DOING = {
    "cancel": N_("Cancel the chosen ones"),
    "hold": N_("Put the chosen ones on hold"),
    "reinstate": N_("End the hold of the chosen ones"),
    AGAIN: N_("Make the chosen ones again"),
}
OUTCOMES = {
    "cancel": N_("Cancelled"),
    "hold": N_("Put on hold"),
    "reinstate": N_("Hold ended"),
    AGAIN: N_("Made again as a new document"),
    "open": N_("To be decided"),
    "chosen": N_("Chosen"),
    "left": N_("Left as it is"),
    "gone": N_("Not made again, as its details or its time were over: make it anew from your own records"),
    "doubted": N_("To be decided, and what was shown counts no longer"),
}

Act = Callable[[str, Actor, int], Awaitable[object]]


def add_to(app: web.Application, office: Office) -> None:
    """Routes of this part."""
    part = Events(office)
    one = PATH + "/{id:[0-9A-Z]{16}}"
    for method, path, handler, role in (
        ("GET", PATH, part.find, "clerk"),
        ("GET", f"{PATH}/tell", part.ask, "clerk"),
        ("POST", f"{PATH}/tell", part.tell, "clerk"),
        ("GET", one, part.show, "clerk"),
        ("POST", f"{one}/decide", part.decide, "clerk"),
        ("POST", f"{one}/confirm", part.confirm, "approver"),
        ("POST", f"{one}/send-back", part.send_back, "approver"),
        ("POST", f"{one}/mistake", part.mistake, "clerk"),
    ):
        app.router.add_route(method, path, seated(handler, role=role))


class Events:
    def __init__(self, office: Office) -> None:
        self._office = office
        self._kinds = {each.vct: each for each in all_types().values()}

    # --- the list ------------------------------------------------------------------------------------------------------------------

    async def find(self, request: web.Request) -> web.StreamResponse:
        """What is to be decided, oldest first; with ``all`` everything, newest first."""
        everything, page = request.query.get("all") == "1", page_of(request.query.get("page", ""))
        wanted = wanted_of(request.query)

        async def unit(tx: Tx) -> tuple[list[news.News], int, int, dict[str, int], dict[str, int]]:
            looked = None
            if wanted:
                said = [each for each in await news.told_of(tx) if fits(wanted, [self._what(request, *each)])]
                looked = news.Wanted(number=number_in(wanted), said=said)
            total = await news.count(tx, open_only=not everything, wanted=looked)
            pages = max(1, -(-total // PAGE))
            found = await news.page(tx, open_only=not everything, wanted=looked, offset=(min(page, pages) - 1) * PAGE, limit=PAGE)
            return found, total, pages, await news.concerned_count(tx, [each.id for each in found]), await news.counts(tx)

        found, total, pages, documents, counts = await self._office.storage.read(unit)
        return await render(
            request,
            "console/events.html",
            rows=[self._row(request, each) | {"documents": documents.get(each.id, 0)} for each in found],
            everything=everything,
            wanted=wanted,
            total=total,
            counts=counts,
            page=min(page, pages),
            pages=pages,
        )

    def _row(self, request: web.Request, each: news.News) -> dict[str, Any]:
        words, (text, colour) = translator(request), STATES[each.state]
        return {
            "id": each.id,
            "number": phrases.spaced(each.id),
            "at": each.at,
            "what": self._what(request, each.vct, each.became),
            "state": words(text),
            "colour": colour,
        }

    def _what(self, request: web.Request, vct: str, became: str) -> str:
        kind = self._kinds.get(vct)
        return translator(request)(BECAME[became]) % {"document": vct if kind is None else kind.title.in_(locale_of(request))}

    # --- one ---------------------------------------------------------------------------------------------------------------------------

    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._show(request, Form())

    async def _show(self, request: web.Request, form: Form, *, changed: bool = False) -> web.StreamResponse:
        case = await deciding_news.case(self._office, request.match_info["id"])
        found, operator, words = case.news, request[OPERATOR], translator(request)
        actions = {each.concerned.action for each in case.compared if each.concerned.outcome in {"open", "chosen"}}
        return await render(
            request,
            "console/event.html",
            status=409 if changed else 200,
            form=form,
            changed=changed,
            news=found,
            row=self._row(request, found),
            compared=[self._compared(request, case, each) for each in case.compared],
            doubted=case.doubted,
            again=any(each.concerned.action == AGAIN for each in case.compared),
            doing=words(DOING[min(actions)]) if len(actions) == 1 else words("Do it to the chosen ones"),
            consequences=[phrases.consequence(Action(each), words) for each in sorted(actions - {AGAIN})],
            own=found.first_by == operator.name,
            may_confirm=may(operator, "approver"),
            can_undo=any(each.concerned.outcome == "changed" and each.concerned.claims is not None for each in case.compared),
        )

    def _compared(self, request: web.Request, case: Case, one: Compared) -> dict[str, Any]:
        words, locale, told = translator(request), locale_of(request), one.concerned
        key = told.action if told.outcome == "changed" else "doubted" if case.doubted and told.outcome == "open" else told.outcome
        reasons = {each.value: each.label.in_(locale) for each in one.kind.reasons}
        return {
            "id": told.document,
            "number": phrases.spaced(told.document),
            "title": one.kind.title.in_(locale),
            "outcome": words(OUTCOMES[key]),
            "open": told.outcome == "open" and (told.action != AGAIN or told.claims is not None),
            "gone": told.outcome == "open" and told.action == AGAIN and told.claims is None,
            "likeness": words(LIKENESS[told.likeness]),
            "reason": reasons.get(told.reason, ""),
            "made": told.made,
            "made_number": phrases.spaced(told.made),
            "pairs": [] if case.shown is None or one.details is None else self._pairs(request, case.news, case.shown, one),
        }

    def _pairs(self, request: web.Request, found: news.News, shown: Mapping[str, Any], one: Compared) -> list[dict[str, str]]:
        """Each detail that is compared: what was shown, and what our document says."""
        other, locale, words = self._kinds.get(found.vct), locale_of(request), translator(request)
        known = (each for each in one.kind.follows if (each.vct, each.on, each.reason) == (found.vct, found.became, one.concerned.reason))
        follow = next(known, None)
        pairs = []
        for own, theirs in () if follow is None else follow.match:
            claim, said = one.kind.claim(own), None if other is None else other.claim(theirs)
            if claim is not None and said is not None:
                values = ((said, following.value_at(shown, theirs)), (claim, following.value_at(one.details or {}, own)))
                left, right = ("" if value is None else questions.said(each, value, locale, words) for each, value in values)
                pairs.append({"label": claim.label.in_(locale), "shown": left, "ours": right})
        return pairs

    async def decide(self, request: web.Request) -> web.StreamResponse:
        form, words = Form(await auth.read_form(request)), translator(request)
        chosen = form.values("documents")
        if not chosen or ("none" in chosen and len(chosen) > 1):
            form.error("documents", words("Choose the documents that are meant, or none of them"))
            return await self._show(request, form)
        taken = [each for each in chosen if each != "none"]
        return await self._settle(request, form, lambda number, who, version: deciding_news.decide(
            self._office, number, taken, who, version=version))  # fmt: skip

    async def confirm(self, request: web.Request) -> web.StreamResponse:
        form = Form(await auth.read_form(request))
        return await self._settle(request, form, lambda number, who, version: deciding_news.confirm(
            self._office, number, who, version=version))  # fmt: skip

    async def send_back(self, request: web.Request) -> web.StreamResponse:
        form = Form(await auth.read_form(request))
        return await self._settle(request, form, lambda number, who, version: deciding_news.send_back(
            self._office, number, who, version=version))  # fmt: skip

    async def _settle(self, request: web.Request, form: Form, act: Act) -> web.StreamResponse:
        """Whoever looked at what was decided meanwhile looks again."""
        number = request.match_info["id"]
        try:
            await act(number, actor(request), questions.version_of(form.value("version")))
        except Conflict as error:
            if error.where != "/version":
                raise
            return await self._show(request, Form(), changed=True)
        raise web.HTTPSeeOther(f"{PATH}/{number}")

    async def mistake(self, request: web.Request) -> web.StreamResponse:
        await auth.read_form(request)
        task = await deciding_news.mistake(self._office, request.match_info["id"])
        raise web.HTTPSeeOther(f"{PATH}/{task.id}")

    # --- by hand -----------------------------------------------------------------------------------------------------------------------

    def _tellable(self) -> list[tuple[str, str]]:
        """What documents of this office end, wait or go on with, of the kinds that are known here."""
        found = {(follow.vct, follow.on): None for kind in self._office.types for follow in kind.follows}
        return [each for each in found if each[0] in self._kinds]

    def _told_of(self, request: web.Request) -> tuple[str, str, CredentialType]:
        """What it is, and the other's kind with those details alone that are compared or that decide whether it counts."""
        vct, _, became = request.query.get("what", "").rpartition(" ")
        if (vct, became) not in self._tellable():
            raise Missing("no document of this office ends with that")
        follows = [follow for kind in self._office.types for follow in kind.follows if (follow.vct, follow.on) == (vct, became)]
        wanted = {theirs for follow in follows for _, theirs in follow.match} | {path for follow in follows for path in follow.values}
        kind = self._kinds[vct]
        kept = tuple(replace(claim, required=claim.required and claim.path in wanted) for claim in kind.claims if claim.path in wanted)
        return vct, became, replace(kind, claims=kept)

    async def ask(self, request: web.Request) -> web.StreamResponse:
        if "what" in request.query:
            return await self._ask(request, Form({"once": self._office.secret(16)}))
        choices = [
            {"what": f"{vct} {became}", "text": self._what(request, vct, became), "description": self._kinds[vct].description.in_(locale_of(request))}
            for vct, became in self._tellable()
        ]  # fmt: skip
        return await render(request, "console/tell_choose.html", choices=choices)

    async def _ask(self, request: web.Request, form: Form) -> web.StreamResponse:
        vct, became, kind = self._told_of(request)
        return await render(
            request,
            "console/tell.html",
            form=form,
            title=self._what(request, vct, became),
            what=f"{vct} {became}",
            sections=questions.sections(kind, locale_of(request), {}, translator(request)),
        )

    async def tell(self, request: web.Request) -> web.StreamResponse:
        """``step`` is check (from the form), change (back to it) or make."""
        form, words, locale = Form(await auth.read_form(request)), translator(request), locale_of(request)
        vct, became, kind = self._told_of(request)
        claims = questions.read_claims(kind, form)
        if form.value("step") != "change":
            try:
                check_shape(kind.tree, claims, whole=True)
            except Malformed as error:
                questions.put_errors(kind, form, [Fault(error.where, error.detail)], locale, words)
        if form.wrong or form.value("step") == "change":
            return await self._ask(request, form)
        if form.value("step") != "make":
            return await render(
                request,
                "console/tell_answers.html",
                title=self._what(request, vct, became),
                what=f"{vct} {became}",
                told=questions.answers(kind, claims, locale, words),
                hidden=[(name, value) for name, value in form.sent() if name not in {"step", "form_token"}],
            )
        told = News(id=f"form {form.value('once')}", vct=vct, became=became, claims=claims)
        heard = await following.hear(self._office, told, by=actor(request))
        raise web.HTTPSeeOther(f"{PATH}/{heard.id}")
