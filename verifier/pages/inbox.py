"""Post at the desk: what waits, what came about something that came before, and deciding about one letter at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web

from shared import inbox
from shared.errors import Conflict, NeedsMoreAttorneys
from shared.storage import Tx
from shared.verify import Decision, render_verdict
from shared.web import auth, operators
from shared.web.context import FETCHER
from shared.web.entrance import OPERATOR, seated
from shared.web.finding import wanted_of
from shared.web.forms import Form
from shared.web.pages import render, translator
from shared.web.seat import check_admin
from verifier import giving, inbox_desk, registering, words
from verifier.again import FETCH_FIRST, READ_FIRST
from verifier.desk import Desk
from verifier.inbox_desk import Post, Said
from verifier.material import Store
from verifier.pages.acting import acting
from verifier.pages.listing import tag_of, title_of
from verifier.pages.seat import spoken
from verifier.pages.standing import Standing
from verifier.records import letters
from verifier.settle import Opened
from verifier.words import N_, Spoken

PATH: Final = "/desk/inbox"
_SHOWN: Final = 50
_OTHERS = N_("Waits for others")
_WAITS, _LATE, _UNDO, _UNDONE = N_("Decide"), N_("Late: decide now"), N_("Undo what rested on it"), N_("Undone")


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """Routes of this part."""
    part, teams = Inbox(desk, store), Teams(desk)
    app.router.add_get(PATH, seated(part.list))
    app.router.add_get(f"{PATH}/teams", seated(teams.show, check=check_admin))
    app.router.add_post(f"{PATH}/teams", seated(teams.change, check=check_admin))
    app.router.add_get(f"{PATH}/{{id}}", seated(part.letter))
    app.router.add_post(f"{PATH}/{{id}}", seated(part.decide))
    app.router.add_post(f"{PATH}/{{id}}/undone", seated(part.undone))
    app.router.add_post(f"{PATH}/{{id}}/fetch", seated(part.fetch))


class Inbox(Standing):
    """Letters are shown as any verdict is."""

    async def list(self, request: web.Request) -> web.StreamResponse:
        """First what has to be done first."""
        desk, talk, wanted = self._desk, spoken(request), wanted_of(request.query)
        total = await inbox_desk.count(desk, request[OPERATOR])
        found = await inbox_desk.listed(desk, request[OPERATOR], wanted, limit=inbox_desk.SEARCHED if wanted else _SHOWN)
        rows = [self._line(each, talk) for each in found[:_SHOWN]]
        more = max(0, (len(found) if wanted else total) - _SHOWN)
        looked = inbox_desk.SEARCHED if wanted and total > inbox_desk.SEARCHED else 0
        admin = request[OPERATOR].role == "admin"
        late = (await inbox_desk.count_open(desk, request[OPERATOR])).late
        return await render(request, "desk/inbox.html", rows=rows, more=more, looked=looked, wanted=wanted, admin=admin, late=late)

    def _line(self, post: Post, talk: Spoken) -> dict[str, Any]:
        tag, colour = self._tag(post)
        return {
            "id": post.letter.exchange,
            "title": title_of(post.exchange.asked.terms, self._desk, talk),
            "reference": post.reference,
            "team": post.letter.team,
            "got_at": post.letter.got_at,
            "answer_by": post.letter.answer_by if post.letter.waits else None,
            "about": bool(post.letter.about),
            "tag": talk.translate(tag),
            "colour": colour,
        }

    def _tag(self, post: Post) -> tuple[str, str]:
        letter = post.letter
        if letter.waits:
            if self._desk.clock() >= (letter.answer_by or 0):
                return _LATE, "red"
            return (_OTHERS, "grey") if post.exchange.code == NeedsMoreAttorneys.code else (_WAITS, "blue")
        if letter.undo:
            return (_UNDO, "orange") if letter.undo == "open" else (_UNDONE, "green")
        return tag_of(post.exchange)

    async def letter(self, request: web.Request) -> web.StreamResponse:
        return await self._letter(request, await self._one(request), Form())

    async def _one(self, request: web.Request) -> Post:
        return await inbox_desk.one(self._desk, request[OPERATOR], request.match_info["id"])

    async def _letter(self, request: web.Request, post: Post, form: Form) -> web.Response:
        desk, talk = self._desk, spoken(request)
        now = await inbox_desk.thought(desk, self._store, post) if post.letter.waits else None
        earlier, later = await inbox_desk.about(desk, request[OPERATOR], post)
        return await render(
            request,
            "desk/letter.html",
            form=form,
            line=self._line(post, talk),
            number=post.number,
            letter=post.letter,
            earlier=None if earlier is None else self._line(earlier, talk),
            later=[self._line(each, talk) for each in later],
            account=await inbox_desk.account_of(desk, post.letter),
            waits=post.letter.waits,
            answered=post.exchange,
            acting=await acting(desk, post.exchange),
            late=post.letter.waits and desk.clock() >= (post.letter.answer_by or 0),
            undo=registering.argued_of(desk.directory, post.exchange.asked.terms.purpose_id).undo if post.letter.undo else "",
            reasons={code: inbox.REASONS[code].in_(talk.locale) for code in inbox.REFUSALS},
            **self._told(post, now, talk),
        )

    def _told(self, post: Post, now: Decision | None, talk: Spoken) -> dict[str, Any]:
        """Of a letter that waits what is thought of it now, else what was decided."""
        decision, code = (post.exchange.decision, post.exchange.code) if now is None else (str(now.decision), now.code)
        shown = post.opened if now is None or post.opened is None else _with(post.opened, render_verdict(now))
        told: dict[str, Any] = {
            "decision": decision,
            "heading": talk.translate(words.VERDICTS[decision]),
            "why": why(code, talk),
            "fetch": decision == "undecided" and code in FETCH_FIRST and now is not None,
            "read": READ_FIRST.get(code, "") if now is not None else "",
            "record": post.opened is not None and now is None and giving.may_give(self._desk, post.exchange, post.opened),
            "documents": [],
            "checks": [],
            "disputed": "",
            "until": self._dates(talk).moment(post.exchange.keep_until),
        }
        if shown is not None:
            told |= {
                "documents": [self._document(each, talk) for each in shown.verdict["credentials"]],
                "checks": [words.line_of(check, talk.translate) for check in words.checks_of(shown.verdict)],
                "disputed": words.disputed(shown.verdict, talk),
            }
        return told

    async def decide(self, request: web.Request) -> web.StreamResponse:
        """Accept or refuse, with a reason; what the program has decided meanwhile stands."""
        form, _, post = Form(await auth.read_form(request)), translator(request), await self._one(request)
        said = form.value("decision")
        if said not in {"accept", "refuse"}:
            form.error("decision", _("Say whether you accept it"))
        if said == "refuse" and form.value("reason") not in inbox.REFUSALS:
            form.error("reason", _("Choose why you refuse it"))
        now = await inbox_desk.thought(self._desk, self._store, post)
        read = READ_FIRST.get("" if now is None else now.code, "")
        if said == "accept" and read and form.value("allow") not in {"yes", "no"}:
            form.error("allow", _("Say yes or no"))
        if len(form.value("account")) > _SHOWN * 2:
            form.error("account", _("Use at most 100 characters"))
        if form.wrong:
            return await self._letter(request, post, form)
        more = {read: form.value("allow") == "yes"} if read and said == "accept" else {}
        try:
            choice = Said(accept=said == "accept", reason=form.value("reason"), more=more, account=form.value("account"))
            await inbox_desk.decide(self._desk, self._store, post, choice)
        except Conflict as error:
            post = await self._one(request)
            if error.where:
                form.error("decision", why(error.where, spoken(request)))
            elif post.letter.waits:
                form.error("decision", _("What was shown is no longer kept. You can only refuse it"))
            else:
                form.error("decision", _("It was decided in the meantime. What you chose changes nothing"), anchor="verdict-title")
            return await self._letter(request, post, form)
        raise web.HTTPSeeOther(f"{PATH}/{post.letter.exchange}")

    async def undone(self, request: web.Request) -> web.StreamResponse:
        """What rested on the cancelled document was undone."""
        await auth.read_form(request)
        post = await self._one(request)
        await inbox_desk.undone(self._desk, post)
        raise web.HTTPSeeOther(f"{PATH}/{post.letter.exchange}")

    async def fetch(self, request: web.Request) -> web.StreamResponse:
        """Fetch lists, then look once more."""
        await auth.read_form(request)
        post = await self._one(request)
        await self._store.refresh(request.config_dict[FETCHER])
        raise web.HTTPSeeOther(f"{PATH}/{post.letter.exchange}")


def why(code: str, talk: Spoken) -> str:
    """Why it was not accepted, by whoever decided; nothing where it was."""
    if code in inbox.REASONS:
        return inbox.REASONS[code].in_(talk.locale)
    return talk.translate(words.reason_of(code).why) if code else ""


def _with(opened: Opened, verdict: dict[str, Any]) -> Opened:
    return Opened(verdict=verdict, receipt=opened.receipt, response_code="", vp_token=opened.vp_token, format=opened.format)


class Teams:
    """Which of the staff belong to which group, by the groups that the uses name."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: web.Request) -> web.StreamResponse:
        async def unit(tx: Tx) -> tuple[Sequence[operators.Operator], dict[str, set[str]]]:
            return await operators.everybody(tx), await letters.members(tx)

        people, members = await self._desk.storage.read(unit)
        staff = [each for each in people if each.ended_at is None]
        groups = [{"name": name, "members": members.get(name, set())} for name in self._names()]
        return await render(request, "desk/teams.html", staff=staff, groups=groups)

    def _names(self) -> list[str]:
        return sorted({each.team for each in registering.read(self._desk.directory).values() if each.team})

    async def change(self, request: web.Request) -> web.StreamResponse:
        form = Form(await auth.read_form(request))
        name = form.value("team")
        if name in self._names():
            chosen = form.values("member")

            async def unit(tx: Tx) -> None:
                staff = {each.id for each in await operators.everybody(tx) if each.ended_at is None}
                await letters.set_members(tx, name, [each for each in chosen if each in staff])

            await self._desk.storage.write(unit, point="inbox-team")
        raise web.HTTPSeeOther(f"{PATH}/teams")
