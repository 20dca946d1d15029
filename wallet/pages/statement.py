"""The statement for a year: who asked, for what, who asked for more than is registered, and who still keeps something."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from shared.credentials import label_in
from shared.errors import Malformed
from shared.openid4vp import category_text
from shared.web.pages import render
from wallet import cut_off, logs, register
from wallet.pages.desk import Desk
from wallet.pages.past import labels, said
from wallet.statement import AskedBy, Keeps, PassedOn, Statement, make, year_of, years

_Named = TypeVar("_Named", AskedBy, Keeps, PassedOn)


class StatementPages:
    """``/statement``, and the same as a file."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: web.Application) -> None:
        """Register the pages."""
        app.router.add_get("/statement", self.show)
        app.router.add_get("/statement/{year:\\d{4}}.json", self.file)

    async def _made(self, request: web.Request, text: str) -> tuple[Statement, list[int]]:
        """The statement for the year ``text``, this year if it is empty; and the years that there are."""
        sitting, at = await self._desk.sitting(request), self._desk.means.clock()
        if text and not (text.isascii() and text.isdecimal() and len(text) == 4):
            raise Malformed("a year has four digits", where="year")
        lines, intact = await cut_off.read_checked(self._desk.means, sitting.vault)
        year = int(text) if text else year_of(at)
        known = await logs.seen(self._desk.means, sitting.vault)
        statement = make(lines, holder=sitting.holder, year=year, at=at, intact=intact, logs=known)
        return statement, sorted({*years(lines), year_of(at), year}, reverse=True)

    async def show(self, request: web.Request) -> web.StreamResponse:
        statement, listed = await self._made(request, request.query.get("year", ""))
        locale = self._desk.words(request).locale
        statement = _in_words(statement, await register.calling(self._desk.means, locale))
        called = {each.entity: each.name for each in statement.keeping} | {each.entity: each.name for each in statement.asked}
        return await render(
            request,
            "wallet/statement.html",
            told=statement,
            years=listed,
            rows=[_row(each, locale) for each in statement.asked],
            unregistered={each.entity + each.use: labels(each.unregistered, locale) for each in statement.asked_for_more},
            passed_on=[(each, [category_text(one, locale) for one in each.what]) for each in statement.passed_on],
            keeping=[(each, [label_in(one, locale) for one in each.what] or labels(each.names, locale)) for each in statement.keeping],
            called=called,
        )

    async def file(self, request: web.Request) -> web.StreamResponse:
        statement, _ = await self._made(request, request.match_info["year"])
        return web.Response(
            body=json.dumps(msgspec.to_builtins(statement), ensure_ascii=False, indent=1).encode(),
            content_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="statement-{statement.year}.json"'},
        )


def _in_words(told: Statement, called: Callable[[str, str], str]) -> Statement:
    """The same with organisations called as the reader calls them, by that name; the file for programs keeps the names that were written down."""

    def named(found: Sequence[_Named]) -> tuple[_Named, ...]:
        return tuple(msgspec.structs.replace(each, name=called(each.entity, each.name)) for each in found)

    return msgspec.structs.replace(
        told,
        asked=tuple(sorted(named(told.asked), key=lambda one: (one.name.casefold(), one.use))),
        keeping=tuple(sorted(named(told.keeping), key=lambda one: (one.name.casefold(), one.use, one.seq))),
        passed_on=named(told.passed_on),
    )


def _row(asked: AskedBy, locale: str) -> dict[str, Any]:
    seen = labels(asked.seen, locale)
    perhaps = [each for each in labels(asked.may_have_seen, locale) if each not in seen]
    return {"asked": asked, "purpose": said(asked.purpose, locale) or asked.use, "seen": seen, "perhaps": perhaps}
