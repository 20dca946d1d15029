"""What everybody may read of a superior, without signing in: who is below it and what each may say; and where a body joins with its code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from issuer.federation import collect, enrol
from issuer.federation.terms import Terms, parse_terms
from issuer.office import Office
from issuer.pages import succession_view
from issuer.pages.public_roll import PublicRoll
from issuer.records import subordinates
from issuer.records.subordinates import State, Subordinate
from shared.errors import Conflict, Missing, Rejected, Unavailable, VcError
from shared.trust.constraints import parse_constraints
from shared.trust.entitlements import Entitlement
from shared.trust.metadata_policy import parse_policy
from shared.web import auth
from shared.web.context import FETCHER
from shared.web.forms import Form
from shared.web.granted_view import Words, grants_view, limits_view, title
from shared.web.pages import locale_of, render, translator

PATH = "/federated"


def add_to(app: web.Application, office: Office) -> None:
    """Routes of this part, where this office is a superior."""
    if office.settings.superior:
        part = Federated(office)
        app.router.add_get(PATH, part.show)
        app.router.add_get(f"{PATH}/join", part.ask)
        app.router.add_post(f"{PATH}/join", part.join)


class Federated:
    def __init__(self, office: Office) -> None:
        self._office = office
        self._public = PublicRoll(office, subordinates.ROLL, _is_public)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """In force, and lately ended: documents that were made before still count."""
        locale, words = locale_of(request), translator(request)
        rows = await self._public.rows(locale, lambda each: _public_row(each, locale, words))
        return await render(
            request,
            "federated.html",
            rows=rows,
            office=self._office.settings.name,
            handed=await succession_view.published(self._office, locale),
        )

    async def ask(self, request: web.Request) -> web.StreamResponse:
        return await render(request, "federated_join.html", joined="", office=self._office.settings.name)

    async def join(self, request: web.Request) -> web.StreamResponse:
        """The code says who it is for; what that body says of itself is read at its own address. A stranger's code reads nothing."""
        form, _ = Form(await auth.read_form(request, signed_in=False)), translator(request)
        code, joined = form.need("code", _("Enter the code of the invitation")), ""
        if not form.wrong:
            try:
                joined = await self._join(request, code)
            except Missing:
                form.error("code", _("This code is unknown, was used, or its time is over"))
            except (Unavailable, Rejected):
                form.error("code", _("The body’s own address does not show that it belongs below this office. See below what it needs"))
            except Conflict:
                form.error("code", _("The body has keys that another body has, or that have ended. It needs keys of its own"))
            except VcError:
                form.error("code", _("What the body says of itself could not be read"))
        return await render(request, "federated_join.html", form=form, joined=joined, office=self._office.settings.name)

    async def _join(self, request: web.Request, code: str) -> str:
        invited = await enrol.invited(self._office, code)
        said = await collect.read_configuration(invited.entity, request.config_dict[FETCHER])
        return (await enrol.join(self._office, code, said.wire, published=True)).name


def _is_public(each: Subordinate) -> bool:
    return each.state is State.ACTIVE or (each.state is State.ENDED and bool(each.keys))


def _public_row(each: Subordinate, locale: str, words: Words) -> dict[str, object]:
    granted, _ = view(parse_terms(each.terms), locale, words)
    return {"name": each.name, "entity": each.entity, "ended": each.state is State.ENDED, "granted": granted}


def link(path: str, entity: str) -> str:
    """A page about one body."""
    return f"{path}?{urlencode({'entity': entity})}"


def lines(entries: Sequence[Entitlement], locale: str, at: int) -> list[dict[str, object]]:
    """What may be said now, and until when."""
    return [
        {"title": title(each.vct, locale), "until": each.until, "since": each.since, "over": each.until is not None and each.until <= at}
        for each in entries
    ]


def view(terms: Terms, locale: str, words: Words) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All that is granted, and under which conditions."""
    return (
        grants_view(terms.grants, terms.trust_marks, locale, words),
        limits_view(parse_constraints(terms.limits), parse_policy(terms.policy or {}), words),
    )
