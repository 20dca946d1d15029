"""An organisation that applies to a registrar, and what whoever pinned the ministry above that registrar knows of it then."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from support.airplane import COUNCIL_TAX
from support.federation import MINISTRY, critical
from support.federations import Member
from support.registry import Registry, Template, serving
from support.signing import Signer
from support.superior import ANA, BEN, Below, Street

from issuer.app import one_round
from issuer.federation import publish, registrar
from issuer.federation.own import entity_of
from issuer.records import askers
from issuer.records.askers import Asker
from shared.credentials import Text
from shared.flow import Fetch, Fetched, arun
from shared.keys import KeyId, Role
from shared.trust.anchors import TrustAnchors
from shared.trust.application import prepare_application
from shared.trust.artefact import ENTITY_STATEMENT, Artefact
from shared.trust.federation import Federation
from shared.trust.federation_keys import FederationKey, render_jwks
from shared.trust.policy import Policy
from shared.trust.publication import DOCUMENT, render_publication
from shared.trust.registered_use import RegisteredUse
from shared.trust.registrars import Registered, registered
from shared.trust.relying_party import Register
from shared.trust.snapshot import FEDERATION_TYP, KeyHistory, prepare_snapshot
from shared.trust.superiors import gather
from shared.urls import well_known

COUNCIL = "https://council.example"
WIDER = replace(COUNCIL_TAX, retention_days=90)


@asynccontextmanager
async def registering(template: Template, folder: Path, storage: str) -> AsyncIterator[Registry]:
    """An office that a ministry above it lets register, after one round; what two persons agreed to counts at once."""
    how: dict[str, Any] = {"superior": True, "authority_hints": (MINISTRY,), "objection_days": 0}
    async with serving(template, folder, storage=storage, **how) as running:
        await one_round(running.app)
        yield running


@dataclass
class Applicant:
    """Who wants to be registered; ``at_home`` says of it what its own address shows."""

    registry: Registry
    entity: str = COUNCIL
    signer: Signer = field(default_factory=Signer.new)
    uses: tuple[RegisteredUse, ...] = (COUNCIL_TAX,)

    @property
    def at_home(self) -> Below:
        jwks = render_jwks([FederationKey.of(self.signer.public)])
        return Below(self.entity, metadata={"openid_credential_verifier": {"jwks": jwks}})

    @property
    def street(self) -> Street:
        return Street(self.registry, [self.at_home])

    def token(self, **changes: Any) -> str:
        how: dict[str, Any] = {
            "entity": self.entity,
            "registrar": self.registry.url,
            "name": Text("The council", "Y cyngor"),
            "uses": self.uses,
            "at": self.registry.clock(),
        }
        return self.signer.finish(prepare_application(**how | changes, key=KeyId("relying-party"), public=self.signer.public))

    async def row(self) -> Asker:
        return await self.registry.office.storage.read(lambda tx: askers.get(tx, self.entity))

    async def invited(self, country: str = "GB") -> str:
        return await registrar.invite(self.registry.office, self.entity, "Council", country, ANA)

    async def apply(self, *, shown: bool = True, country: str = "GB", **changes: Any) -> Asker:
        """Invited by Ana, and applied for."""
        code = await self.invited(country)
        return await registrar.apply(self.registry.office, self.token(**changes), code, shown=shown)

    async def enter(self, **changes: Any) -> Asker:
        """All the way: approved by Ben, and published."""
        found = await self.apply(**changes)
        approved = await registrar.approve(self.registry.office, self.entity, BEN, version=found.version)
        await publish.publish(self.registry.office)
        return approved


async def known(registry: Registry, *, may: tuple[str, ...] = ("GB",), own: Register | None = None) -> dict[str, Registered]:
    """Who is registered there, for somebody who pinned the ministry and listened just now."""
    top, at = Member(MINISTRY), registry.clock()
    own_key = await entity_of(registry.office).key()
    granted = critical(may_register=list(may)) if may else {}
    below: Any = SimpleNamespace(entity=registry.url, key=own_key)
    dates = {"iat": at - 60, "exp": at + 86_400}
    tokens = [top.itself(**dates), top.of(below, **dates, **granted), await entity_of(registry.office).configure()]
    files = tuple(Artefact(media_type=ENTITY_STATEMENT, data=each.encode()) for each in tokens)
    histories = [(MINISTRY, top.key), (registry.url, own_key)]
    snapshot = prepare_snapshot(
        issuer=MINISTRY, entity=MINISTRY, seq=1, at=at, next_update=at + 86_400, statements=files,
        keys=[KeyHistory.of(key.public, role=Role.FEDERATION, entity=entity, since=at) for entity, key in histories],
        key=KeyId("federation"), public=top.signer.public, typ=FEDERATION_TYP,
    )  # fmt: skip
    said = render_publication(top.signer.finish(snapshot), files)

    async def fetch(asked: Fetch) -> Fetched:
        if asked.url == well_known(MINISTRY, DOCUMENT):
            return Fetched(status=200, body=said)
        answer = await registry.get(asked.url.removeprefix(registry.url))
        return Fetched(status=answer.status, body=await answer.read())

    anchor = top.pin()
    gathered = await arun(gather(anchor, at=at), fetch)
    federation = Federation((anchor,), gathered.words)
    return registered(Policy(TrustAnchors(federation=(anchor,)), federation=federation), own or Register(), at=at)


async def posted(registry: Registry, body: object) -> tuple[int, dict[str, Any]]:
    """An application as it comes in."""
    answer = await registry.http.post(f"{registry.base}/federation/register", data=json.dumps(body))
    told: dict[str, Any] = json.loads(await answer.text())
    return answer.status, told
