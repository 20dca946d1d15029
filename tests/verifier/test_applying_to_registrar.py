"""Three services that talk to each other: a ministry lets a registrar register, a verifier applies there, and wallets know it."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support import registry as offices
from support.clerk import Clerk
from support.desk import Running, Template, serving
from support.posting import inbox_of
from support.registry import Registry
from support.signing import AT
from support.superior import ANA, BEN
from support.trial_web import Watch

from issuer.federation import collect, enrol, publish, registrar
from issuer.federation.own import entity_of
from issuer.federation.terms import Terms
from issuer.records import askers
from shared.clock import DAY
from shared.cose import kid_of
from shared.errors import ConfigError, Refused, Unavailable
from shared.storage import open_storage
from shared.trust.anchors import TrustAnchors, render_trust
from shared.trust.entitlements import Grants
from shared.trust.federation_anchor import FederationAnchor
from shared.web import heard
from shared.web.context import FETCHER
from shared.web.fetch import Fetcher
from verifier import inbox_keys, registering, registrars
from verifier.app import one_round
from verifier.cli import parser
from verifier.desk import RELYING_PARTY, Desk
from verifier.records import letters
from wallet import register
from wallet.init import migrations

HOST = ("localhost:*",)


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> tuple[offices.Template, offices.Template]:
    """Two offices with keys of their own."""
    made = [asyncio.run(offices.make_template(tmp_path_factory.mktemp(name) / name)) for name in ("ministry", "registrar")]
    return made[0], made[1]


@dataclass
class Land:
    ministry: Registry
    registrar: Registry
    desk: Running
    folder: Path

    @property
    def clocks(self) -> tuple[Watch, ...]:
        return self.ministry.clock, self.registrar.clock, self.desk.clock

    async def round(self) -> None:
        """What happens by the clock."""
        await one_round(self.desk.app)
        for office in (self.ministry, self.registrar):
            await entity_of(office.office).tend()
        for office in (self.registrar, self.ministry, self.registrar):
            await collect.visit(office.office, office.app[FETCHER])
            await publish.tend(office.office)

    async def let_register(self, *countries: str) -> None:
        """The ministry lets the registrar register there."""
        terms = Terms(grants=Grants(may_register=countries))
        code = await enrol.invite(self.ministry.office, self.registrar.url, "Registrar", terms, ANA)
        said = await entity_of(self.registrar.office).configure()
        joined = await enrol.join(self.ministry.office, code, said, published=True)
        await enrol.approve(self.ministry.office, self.registrar.url, BEN, version=joined.version)

    async def trust(self) -> TrustAnchors:
        """The ministry alone."""
        key = await entity_of(self.ministry.office).key()
        return TrustAnchors(federation=(FederationAnchor(entity=self.ministry.url, keys=(key,), name="Ministry"),))

    async def directory(self) -> register.Directory:
        """What a wallet knows that pinned the ministry alone."""
        trust = await self.trust()
        storage, fetcher = open_storage(f"sqlite:///{self.folder}/wallet.db"), Fetcher.of(self.desk.desk.settings)
        try:
            await storage.migrate(migrations())
            await heard.listen(storage, fetcher, trust, at=self.desk.clock, plain_http=("localhost",))
            return register.directory_of(await storage.read(lambda tx: heard.heard(tx, trust)), trust, at=self.desk.clock())
        finally:
            await fetcher.close()
            await storage.close()


@pytest.fixture
async def land(template: Template, templates: tuple[offices.Template, offices.Template], tmp_path: Path) -> AsyncIterator[Land]:
    top, lower = templates
    how: dict[str, Any] = {"local": True, "superior": True, "outbound_allow": HOST}
    async with (
        offices.serving(top, tmp_path / "ministry", **how) as ministry,
        offices.serving(lower, tmp_path / "registrar", authority_hints=(ministry.url,), **how) as registrar_,
        serving(template, tmp_path / "desk", local=True, outbound_allow=HOST) as desk,
    ):
        for clock in (ministry.clock, registrar_.clock):
            clock.at = AT
        made = Land(ministry, registrar_, desk, tmp_path)
        await made.let_register("GB")
        yield made


async def invited(land: Land) -> str:
    return await registrar.invite(land.registrar.office, land.desk.desk.entity, "Anytown", "GB", ANA)


async def approve(land: Land, *, compared: bool = True) -> None:
    found = await land.registrar.office.storage.read(lambda tx: askers.get(tx, land.desk.desk.entity))
    await registrar.approve(land.registrar.office, found.entity, BEN, version=found.version, compared=compared)


async def test_a_verifier_that_applied_is_known_to_wallets_that_pinned_the_ministry(land: Land) -> None:
    desk = land.desk.desk
    told = await registrars.apply(desk, land.registrar.url, await invited(land))
    public = await desk.custodian.public(RELYING_PARTY)
    assert told[0].startswith(f"Applied to {land.registrar.url}")
    assert "They will ask about:" in told
    await land.round()
    assert (await land.directory()).register.certificates == {}
    await approve(land)
    await land.round()
    known = await land.directory()
    party = known.register.find(desk.entity, at=land.desk.clock())
    assert (party.anchor, party.country, party.public) == (land.registrar.url, "GB", public)
    assert party.uses == tuple(registrars.applied(desk))
    assert [(each.entity, each.countries) for each in known.registrars] == [(land.registrar.url, ("GB",))]
    assert known.registrars[0].kid == kid_of((await entity_of(land.registrar.office).key()).public)
    assert known.files.keys() == {desk.entity}


async def test_more_is_applied_for_without_a_code_once_the_key_is_registered(land: Land) -> None:
    desk = land.desk.desk
    with pytest.raises(Refused, match="code of an invitation"):
        await registrars.apply(desk, land.registrar.url, "")
    await registrars.apply(desk, land.registrar.url, await invited(land))
    await approve(land)
    for clock in land.clocks:
        clock.at += DAY
    use = registering.registered(desk.directory, desk.settings)[0]
    registering.state(desk.directory, desk.settings, use.id, {"benefit": "Less paper"})
    await registrars.apply(desk, land.registrar.url, "")
    await approve(land, compared=False)
    await land.round()
    party = (await land.directory()).register.find(desk.entity, at=land.desk.clock())
    assert next(each for each in party.uses if each.id == use.id).benefit is not None


async def test_a_desk_that_pinned_the_ministry_sees_who_registered_it(land: Land) -> None:
    desk, trust = land.desk.desk, await land.trust()
    await registrars.apply(desk, land.registrar.url, await invited(land))
    await approve(land)
    await land.round()
    clerk = await Clerk(land.desk).sign_in()
    assert "Registered by" not in await clerk.get("/desk/uses")
    (desk.directory / "trust.json").write_bytes(render_trust(trust))
    await hear(desk, trust)
    page = await clerk.get("/desk/uses")
    assert f"Registered by {land.registrar.office.settings.name}" in page
    assert "differs from it" not in page
    use = registering.registered(desk.directory, desk.settings)[0]
    registering.state(desk.directory, desk.settings, use.id, {"benefit": "Less paper"})
    assert "differs from it" in await clerk.get("/desk/uses")


async def hear(desk: Desk, trust: TrustAnchors) -> None:
    fetcher = Fetcher.of(desk.settings)
    try:
        await heard.listen(desk.storage, fetcher, trust, at=desk.clock, plain_http=("localhost",))
    finally:
        await fetcher.close()


async def test_an_inbox_key_opens_letters_as_long_as_a_registrar_names_it(land: Land) -> None:
    """However old it is, and also where what the registrar said last has run out here, or nothing was heard yet; gone once it names the next."""
    desk, trust, old = land.desk.desk, await land.trust(), inbox_of(land.desk).kid

    async def tends() -> list[str]:
        await inbox_keys.tend(desk, await land.desk.store.federation())
        return [each.kid for each in await desk.storage.read(letters.keys)]

    await registrars.apply(desk, land.registrar.url, await invited(land))
    await approve(land)
    await land.round()
    (desk.directory / "trust.json").write_bytes(render_trust(trust))
    for clock in land.clocks:
        clock.at += 180 * DAY
    assert len(await tends()) == 2
    for clock in land.clocks:
        clock.at += 40 * DAY
    new = inbox_of(land.desk).kid
    assert await tends() == [new, old]
    await land.round()
    await hear(desk, trust)
    assert await tends() == [new, old]
    land.desk.clock.at += 10 * DAY  # nobody was heard for longer than their word lasts
    assert registrars.standing(desk, await land.desk.store.federation()) is None
    assert await tends() == [new, old]
    land.desk.clock.at -= 10 * DAY
    await registrars.apply(desk, land.registrar.url, "")
    await approve(land, compared=False)
    await land.round()
    await hear(desk, trust)
    assert await tends() == [new]


async def test_whom_the_ministry_does_not_let_registers_nobody(land: Land) -> None:
    await registrars.apply(land.desk.desk, land.registrar.url, await invited(land))
    await approve(land)
    await enrol.end(land.ministry.office, land.registrar.url, "over", ANA)
    await land.round()
    assert (await land.directory()).register.certificates == {}


async def test_a_registrar_that_is_away_or_none(land: Land) -> None:
    land.desk.clock.at += 60
    with pytest.raises(Refused, match="it answered 404"):
        await registrars.apply(land.desk.desk, land.desk.base, "x")
    with pytest.raises(Unavailable):
        await registrars.apply(land.desk.desk, "http://localhost:1", "x")
    nothing = replace(land.desk.desk, settings=msgspec.structs.replace(land.desk.desk.settings, purposes=("nothing",)))
    with pytest.raises(ConfigError):
        await registrars.apply(nothing, land.registrar.url, "x")


def test_the_command_takes_a_code_or_none() -> None:
    found: argparse.Namespace = parser().parse_args(["uses", "apply", "https://registrar.example"])
    assert (found.registrar, found.code) == ("https://registrar.example", "")
    assert parser().parse_args(["uses", "apply", "https://registrar.example", "C"]).code == "C"
