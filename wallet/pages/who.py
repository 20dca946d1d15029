"""Who may ask for what: the whole register as this wallet keeps it. Looking somebody up fetches nothing, and nobody hears of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from shared.credentials import all_types
from shared.errors import Missing
from shared.trust.registered_use import RegisteredUse, parse_uses, widening
from shared.trust.relying_party import RpCertificate
from shared.web.finding import fits, wanted_of
from shared.web.pages import render
from shared.web.registered_view import use_view
from wallet import register
from wallet.known_uses import KnownUse
from wallet.pages.desk import Desk, Words
from wallet.registered import known_uses

PER_PAGE = 50


class WhoPages:
    """``/who``: the list, and one organisation by ``?entity=``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: web.Application) -> None:
        """Register the page."""
        app.router.add_get("/who", self.show)

    async def show(self, request: web.Request) -> web.StreamResponse:
        sitting, words = await self._desk.sitting(request), self._desk.words(request)
        known = await register.directory(self._desk.means)
        remembered = await self._desk.means.storage.read(lambda tx: known_uses(tx, sitting.vault))
        entity = request.query.get("entity", "")
        if entity:
            one = known.register.certificates.get(entity)
            if one is None:
                raise Missing("nobody of this name is in the register that your wallet keeps")
            mine = [item.value for item in remembered if item.value.entity == entity]
            return await render(request, "wallet/who_one.html", **_party(one, mine, words))
        wanted = wanted_of(request.query)
        found = [one for one in known.register.certificates.values() if fits_party(one, wanted)]
        found.sort(key=lambda one: one.name.in_(words.locale).casefold())
        return await render(
            request,
            "wallet/who.html",
            parties=[_line(one, words) for one in found[:PER_PAGE]],
            more=max(0, len(found) - PER_PAGE),
            total=len(known.register.certificates),
            wanted=wanted,
            until=known.until,
        )


def fits_party(one: RpCertificate, wanted: str) -> bool:
    """Whether all words of ``wanted`` are in its names or in what it may ask for."""
    said = [one.name.en, one.name.cy, one.entity, *(text for use in one.uses for text in (use.title.en, use.title.cy))]
    return fits(wanted, said)


def _line(one: RpCertificate, words: Words) -> dict[str, Any]:
    return {
        "entity": one.entity,
        "name": one.name.in_(words.locale),
        "uses": [use.title.in_(words.locale) for use in one.uses],
        "registrar": _registrar(one, words),
    }


def _registrar(one: RpCertificate, words: Words) -> str:
    return one.anchor if one.registrar is None else one.registrar.name.in_(words.locale)


def _party(one: RpCertificate, mine: Sequence[KnownUse], words: Words) -> dict[str, Any]:
    before = {use.id: use for item in mine for use in parse_uses(item.use)}
    kinds = tuple(all_types().values())
    return {
        "name": one.name.in_(words.locale),
        "entity": one.entity,
        "registrar": _registrar(one, words),
        "address": one.registrar.address if one.registrar is not None else None,
        "until": one.expires_at,
        "over_asked": sum(item.over_asked for item in mine),
        "uses": [use_view(use, kinds, words.locale) | {"wider": _wider(before.get(use.id), use)} for use in one.uses],
    }


def _wider(before: RegisteredUse | None, now: RegisteredUse) -> bool:
    return before is not None and bool(widening(before, now))
