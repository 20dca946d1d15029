"""Who belongs to a federation that we trust, and what each may make: by the newest word of its superiors that is known here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from shared.errors import Missing, VcError
from shared.trust.entitlements import Grants
from shared.trust.federation import Federation
from shared.trust.federation_anchor import FederationAnchor
from shared.web import heard
from shared.web.entrance import seated
from shared.web.finding import fits, wanted_of
from shared.web.granted_view import Words, grants_view
from shared.web.pages import locale_of, render, translator
from verifier.desk import Desk
from verifier.material import Store

PATH: Final = "/desk/trust/members"
PER_PAGE: Final = 50


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """The page."""
    del store
    app.router.add_get(PATH, seated(Members(desk).show))


@dataclass(frozen=True, slots=True)
class Members:
    """The page of one anchor's federation."""

    desk: Desk

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Those whose name or address has the words that are looked for. ``Missing`` for an anchor that is not pinned."""
        trust, named, wanted = self.desk.trust, request.query.get("anchor", ""), wanted_of(request.query)
        anchor = next((each for each in trust.federation if each.entity == named), None)
        if anchor is None:
            raise Missing("no such federation is trusted here")
        said = (await self.desk.storage.read(lambda tx: heard.heard(tx, trust))).federation
        names = _names(said, anchor)
        found = sorted((name, entity) for entity, name in names.items() if fits(wanted, [name, entity]))
        locale, words, at = locale_of(request), translator(request), self.desk.clock()
        rows = [{"name": name, "entity": entity, "granted": _granted(said, anchor, entity, at)} for name, entity in found[:PER_PAGE]]
        shown = [_row(each, locale, words) for each in rows]
        return await render(
            request, "desk/members.html", anchor=anchor, wanted=wanted, total=len(names), more=max(0, len(found) - PER_PAGE), rows=shown
        )


def _names(said: Federation, anchor: FederationAnchor) -> dict[str, str]:
    """What each body calls itself, by its identifier."""
    words = [each for each in said.words if each.path[0] == anchor.entity]
    own = {entity: configuration.name for word in words for entity, configuration in word.configurations.items()}
    return {sub: own.get(sub, sub) for word in words for sub in word.about}


def _granted(said: Federation, anchor: FederationAnchor, entity: str, at: int) -> Grants | None:
    """What superiors below that anchor let it do; ``None`` where no chain to it is in force."""
    try:
        chains = [each.chain for each in said.chains(entity, at) if each.chain.anchor == anchor]
    except VcError:
        return None
    if not chains:
        return None
    entitlements = dict.fromkeys(each for chain in chains for each in chain.entitlements)
    countries = dict.fromkeys(each for chain in chains for each in chain.may_register)
    return Grants(entitlements=tuple(entitlements), may_register=tuple(countries))


def _row(row: dict[str, Any], locale: str, words: Words) -> dict[str, Any]:
    granted = row["granted"]
    return row | {"counts": granted is not None, "granted": [] if granted is None else grants_view(granted, (), locale, words)}
