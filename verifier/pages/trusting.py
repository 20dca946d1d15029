"""Whom we trust, how old our lists of cancelled documents are, and fetching them now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from shared.keys import Role
from shared.trust.snapshot import Snapshot
from shared.web import auth, heard
from shared.web.context import FETCHER
from shared.web.entrance import OPERATOR, seated
from shared.web.federation_pins import fingerprints
from shared.web.heard import Heard, Site
from shared.web.pages import render
from shared.web.seat import check_admin
from shared.web.trust_pages import TrustPages, changes
from verifier import config
from verifier.desk import Desk
from verifier.material import Store
from verifier.pages.seat import spoken
from verifier.records import knowledge, packs
from verifier.words import N_, Spoken

_PATH = "/desk/trust"


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """Routes of this part."""
    part = Trusting(desk, store)
    app.router.add_get(_PATH, seated(part.show))
    app.router.add_post(f"{_PATH}/refresh", seated(part.refresh, check=check_admin))
    pinning(desk).add_to(app, listing=False)


def pinning(desk: Desk) -> TrustPages:
    """Where an admin changes whom we trust."""

    async def may(request: web.Request) -> bool:
        return OPERATOR in request and request[OPERATOR].role == "admin"

    return TrustPages(
        path=_PATH,
        title=N_("Who we trust"),
        base="desk/base.html",
        back=_PATH,
        file=config.trust(desk.directory),
        roles=(Role.CREDENTIAL_ISSUER, Role.RELYING_PARTY),
        guard=lambda handler: seated(handler, check=check_admin),
        may=may,
        who=lambda request: request[OPERATOR].name,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """How old the knowledge is that checks rest on. ``as_of`` is the date of the oldest list; empty texts where there is none.

    ``run_out`` are the issuers of whose certificates nobody can tell any more which are in force.
    """

    issuers: int
    lists: int
    as_of: str
    age: str
    faults: tuple[str, ...]
    run_out: tuple[str, ...]


async def knowledge_of(desk: Desk, store: Store, talk: Spoken) -> Known:
    """For the first page and for the page of trust."""
    at = desk.clock()
    kept = await desk.storage.read(knowledge.lists)
    said = await desk.storage.read(lambda tx: heard.heard(tx, desk.trust))
    oldest = min((each.iat for each in kept), default=None)
    return Known(
        issuers=len(desk.trust.with_role(Role.CREDENTIAL_ISSUER))
        + len(desk.trust.iacas)
        + len(desk.trust.dids)
        + len(desk.trust.federation),
        lists=len(kept),
        as_of="" if oldest is None else talk.moment(oldest),
        age="" if oldest is None else talk.age(max(0, at - oldest)),
        faults=tuple(fault for visit in await store.visits() for fault in visit.faults),
        run_out=tuple(run_out(desk, said)),
    )


class Trusting:
    def __init__(self, desk: Desk, store: Store) -> None:
        self._desk = desk
        self._store = store

    async def show(self, request: web.Request) -> web.StreamResponse:
        desk, talk, at = self._desk, spoken(request), self._desk.clock()
        visits = {each.entity: each for each in await self._store.visits()}
        kept = await desk.storage.read(knowledge.lists)
        said = await desk.storage.read(lambda tx: heard.heard(tx, desk.trust))
        places = {each.site: each for each in await desk.storage.read(heard.visits)}
        pack = await desk.storage.read(packs.in_use)
        history = await desk.storage.read(changes)
        anchors = [
            {
                "name": anchor.name,
                "entity": anchor.entity or "",
                "role": anchor.role.value,
                "doctypes": ", ".join(anchor.vcts or ()) if anchor.profile else "",
                "fingerprint": anchor.fingerprint,
                "visit": visits.get(anchor.entity or ""),
                "in_force": _in_force(said.snapshots.get(anchor.fingerprint), talk, at),
                "needs": not anchor.without_snapshot,
                "fault": places[anchor.site].fault if anchor.site in places else "",
                "lists": [
                    {"as_of": talk.moment(each.iat), "age": talk.age(max(0, at - each.iat))}
                    for each in kept
                    if each.entity == anchor.entity
                ],
            }
            for anchor in desk.trust.anchors
        ]
        return await render(
            request,
            "desk/trust.html",
            anchors=anchors,
            federations=_federations(said, places, talk, at),
            changes=history,
            above=bool(desk.settings.authority_hints),
            path=_PATH,
            admin=request[OPERATOR].role == "admin",
            pack=None if pack is None else {"as_of": talk.moment(pack.iat), "age": talk.age(max(0, at - pack.iat)), "number": pack.seq},
            minutes=desk.settings.refresh_minutes,
            visits=desk.settings.visit_issuers,
            known=await knowledge_of(desk, self._store, talk),
            entity=desk.entity,
        )

    async def refresh(self, request: web.Request) -> web.StreamResponse:
        """All lists of all issuers, so that nobody can tell what is about to be checked."""
        await auth.read_form(request)
        await self._store.refresh(request.config_dict[FETCHER])
        raise web.HTTPSeeOther(_PATH)


def _in_force(snapshot: Snapshot | None, talk: Spoken, at: int) -> dict[str, object] | None:
    """When the anchor last said which certificates are in force, and until when that counts."""
    if snapshot is None:
        return None
    return {"as_of": talk.moment(snapshot.iat), "until": talk.moment(snapshot.next_update), "over": at >= snapshot.next_update}


def run_out(desk: Desk, said: Heard) -> list[str]:
    """The issuers whose anchors have said nothing that still counts: their documents are undecided until something newer comes."""
    at = desk.clock()
    certified = [
        anchor.name
        for anchor in desk.trust.with_role(Role.CREDENTIAL_ISSUER)
        if anchor.fingerprint in said.snapshots and at >= said.snapshots[anchor.fingerprint].next_update
    ]
    return [*certified, *said.federation.run_out(at)]


def _federations(said: Heard, places: Mapping[str, Site], talk: Spoken, at: int) -> list[dict[str, object]]:
    """Each pinned anchor with the superiors below it, as far as they were heard."""
    told: list[dict[str, object]] = []
    for anchor in said.federation.anchors:
        words = [each for each in said.federation.words if each.path[0] == anchor.entity]
        place = places.get(anchor.entity)
        told.append(
            {
                "name": anchor.name,
                "entity": anchor.entity,
                "fingerprints": fingerprints(anchor),
                "in_force": _in_force(words[0].snapshot, talk, at) if words else None,
                "bodies": len({sub for each in words for sub in each.about}),
                "fault": "" if place is None else place.fault,
                "silent": [each.entity for each in words[1:] if each.entity in places and places[each.entity].fault],
            }
        )
    return told
