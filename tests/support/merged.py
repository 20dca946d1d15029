"""Two councils that become one, as a desk hears of it that passes from the one to the other with all that lies in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from support.desk import PATHS, Running, Site, Template, place, serving, settings_of
from support.federation import MINISTRY, critical, says
from support.federations import Member, Realm, justice
from support.signing import AT, Signer
from support.successions import handed, publish
from support.trial_verify import ISSUER, VCT, Authority
from support.trial_web import Watch

from shared.clock import system_entropy
from shared.flow import Fetch, Fetched
from shared.keys import Role
from shared.trust.anchors import TrustAnchors, render_trust
from shared.trust.publication import DOCUMENT
from shared.urls import well_known
from verifier import upkeep
from verifier.desk import Desk

HEIR = "https://greater-anytown.example"
HEIR_LIST = f"{HEIR}/status/1"
NAMES = {"federation_entity": {"organization_name": "Greater Anytown", "organization_name#cy": "Anytown Fwyaf"}}


@cache
def heir() -> Authority:
    return Authority.new(HEIR)


def county() -> Realm:
    """The realm with a body that has no document to make yet."""
    realm = justice()
    realm.members[HEIR] = Member(HEIR, superiors=(MINISTRY,), keys={Role.CREDENTIAL_ISSUER: heir().signer}, metadata=NAMES)
    return realm


def merge(realm: Realm, outgoing: str = ISSUER, **said: Any) -> None:
    """The ministry publishes that the successor takes over, and lets it say what the outgoing body said."""
    realm[MINISTRY].about[HEIR] = critical(entitlements=[says(VCT)])
    publish(realm, MINISTRY, handed(realm[outgoing], outgoing, realm[HEIR], **said))


@dataclass
class Town(Site):
    """The registry's site and all superiors of a federation."""

    trust: Any = None
    realm: Realm = field(default_factory=county)

    async def __call__(self, fetch: Fetch) -> Fetched:
        if fetch.url in {well_known(each, DOCUMENT) for each in self.realm.members}:
            return self.realm.street().answer(fetch)
        return await super().__call__(fetch)


def pin(desk: Desk, realm: Realm, *signers: str) -> None:
    """``trust add`` for the ministry, and nobody else."""
    trust = TrustAnchors(federation=(realm.pin(MINISTRY),), bundle_signers=signers)
    (desk.directory / "trust.json").write_bytes(render_trust(trust))


ABC = "https://abc-council.example"
SETTINGS: dict[str, Any] = {"keep_minutes": 10_080, "request_hours": 720}


async def certify(template: Template, directory: Path, entity: str) -> None:
    """The installation speaks in that name from now on."""
    place(template, directory)
    await upkeep.renew(directory, settings_of(directory, entity=entity), clock=Watch(AT - 3600), entropy=system_entropy)


def councils() -> Realm:
    """ABC council and Greater Anytown, below the ministry."""
    realm = county()
    realm.members[ABC] = Member(ABC, superiors=(MINISTRY,), keys={Role.RELYING_PARTY: Signer.new()})
    return realm


async def answered(running: Running, **order: Any) -> dict[str, Any]:
    """Asked and shown."""
    asked = await running.ask(**order)
    paths = TAX_PATHS if order["query"] == "council-tax" else PATHS
    status, got = await running.answer(asked, paths=paths, seed=asked["id"])
    assert status == 200, got
    return asked


@asynccontextmanager
async def in_the_name_of(template: Template, directory: Path, entity: str, town: Town, **how: Any) -> AsyncIterator[Running]:
    """The one installation, which passes from ABC council to Greater Anytown with all that lies in it."""
    await certify(template, directory, entity)
    async with serving(template, directory, site=town, entity=entity, refresh=False, **SETTINGS, **how) as running:
        pin(running.desk, town.realm)
        await running.store.refresh(town)
        yield running


TAX_PATHS = (("represented", "given_name"), ("represented", "family_name"), ("represented", "address", "postal_code"), ("powers", 0))
PARKING = {"query": "bank", "purpose_id": "parking", "purpose": "give you a parking permit"}


async def kept(running: Running) -> int:
    """Of how many answers the details are on the disk."""
    return len(await running.desk.storage.read(lambda tx: tx.fetch("SELECT id FROM exchange WHERE verdict IS NOT NULL")))
