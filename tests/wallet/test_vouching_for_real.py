"""Documents for wallets that somebody vouches for, before, during and after a rotation of the key that vouches: real services over HTTP.

The office makes documents for attested wallets alone. It knows the wallet's maker by a pinned certificate, or by a federation and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from support.ports import free_port
from support.registry import Registry, Template, serving
from support.street import office
from support.superior import ANA, BEN, SAYS, pin
from support.vouching import attested, chain, keys, make_service, states, vouching
from support.wallets import PASSPHRASE

from issuer import app as issuing
from issuer import authorization, config, makers
from issuer.federation import collect, enrol, publish
from shared.clock import DAY
from shared.errors import CertificateRevoked, InvalidClient, Untrusted
from shared.keys import Role
from shared.oauth import parse_pushed_reference
from shared.private_file import write_whole
from shared.trust.anchors import TrustAnchors, render_trust
from shared.trust.snapshot import KeyState
from shared.web.context import FETCHER
from shared.web.setup import read_anchor
from shared.web.signer import Signing
from wallet import cli, invite, sign_in
from wallet.app import Host, build, keep_keys, one_round, open_host
from wallet.attester import OwnAttester
from wallet.config import open_place
from wallet.init import entity_of
from wallet.keep import Vault
from wallet.records import DOCUMENTS
from wallet.sessions import Document, Sent
from wallet.upkeep import collect_and_look, upkeep

LOCAL: dict[str, Any] = {"local": True, "outbound_allow": ("localhost:*",)}
STRICT: dict[str, Any] = {"anonymous_wallets": False, "key_attestations": "demand", "makers_hours": 1}
MAKES = replace(SAYS, constraints={"allowed_entity_types": ["openid_wallet_provider"]})


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(office(tmp_path_factory.mktemp("office") / "registry"))


@dataclass
class Town:
    """An office, a wallet service that serves, one open wallet of it, and a superior where there is one."""

    registry: Registry
    host: Host
    app: web.Application
    vault: Vault
    ministry: Registry | None

    @property
    def url(self) -> str:
        return self.host.place.settings.public_url

    async def go(self, seconds: int) -> None:
        """Each does what it does by the clock, in the order in which word travels; nobody waits for the next visit that is due."""
        self.registry.clock.at += seconds
        await keep_keys(self.app)
        await one_round(self.app)
        if self.ministry is not None:
            self.ministry.clock.at = self.registry.clock.at
            await self.ministry.office.storage.write(lambda tx: tx.execute("UPDATE subordinate SET tried_at = NULL"))
            await collect.visit(self.ministry.office, self.ministry.app[FETCHER])
            await publish.publish(self.ministry.office)
        await issuing.one_round(self.registry.app)
        await self.registry.office.storage.write(lambda tx: tx.execute("DELETE FROM heard_site"))
        await makers.hear(self.registry.office, self.registry.app[FETCHER])
        await one_round(self.app)

    async def asks(self) -> tuple[str, str]:
        """The holder is sent to sign in: the invitation, and what waits at the office."""
        item = await invite.choose(self.host.means, self.vault, self.registry.url, "representation")
        item = await sign_in.begin(self.host.means, self.vault, item.id, redirect_uri=self.url + sign_in.RETURN_PATH)
        assert isinstance(item.value.state, Sent)
        reference = parse_pushed_reference(item.value.state.url.partition("?")[2])
        return item.id, (await authorization.begin(self.registry.office, reference.client_id, reference.request_uri)).id

    async def gets(self, invitation: str, pending: str) -> Document:
        number = (await self.registry.make())["id"]
        address = await authorization.grant(self.registry.office, pending, [number])
        await sign_in.finish(self.host.means, self.vault, address)
        return (await collect_and_look(self.host.means, self.vault, invitation, None)).value

    async def collects(self) -> Document:
        return await self.gets(*await self.asks())

    def check(self, token: str) -> None:
        """What the office makes of an attestation now."""
        self.registry.office.makers.policy().check_wallet_provider(chain(token), self.registry.clock())


@asynccontextmanager
async def town(template: Template, folder: Path, *, federated: bool) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(serving(template, folder / "registry", **LOCAL, **STRICT))
        ministry = await stack.enter_async_context(serving(template, folder / "ministry", superior=True, **LOCAL)) if federated else None
        port = free_port()
        place = await make_service(
            folder / "wallet",
            registry.clock(),
            public_url=f"http://localhost:{port}",
            port=port,
            holder="Nora",
            passphrase=PASSPHRASE,
            trust=(f"{registry.directory}/anchor.pem:credential-issuer:{registry.url}",),
        )
        with config_of(place.folder).open("a") as file:
            hints = f'["{ministry.url}"]' if ministry else "[]"
            file.write(f"key_days = 30\nsnapshot_days = 1\nauthority_hints = {hints}\n")
        host = open_host(open_place(place.folder), clock=registry.clock)
        app = build(host)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", port).start()
        here = Town(registry, host, app, (await host.doors.open("Nora", PASSPHRASE)).vault, ministry)
        await (known_by_federation(here) if federated else known_by_certificate(here))
        yield here


def config_of(folder: Path) -> Path:
    return folder / "wallet.toml"


async def known_by_certificate(here: Town) -> None:
    pinned = read_anchor(here.host.place.path("anchor.pem"), Role.WALLET_PROVIDER, entity=here.url)
    write_whole(config.trust(here.registry.directory), render_trust(TrustAnchors(anchors=(pinned,))))
    await here.go(0)


async def known_by_federation(here: Town) -> None:
    assert here.ministry is not None
    ministry = here.ministry
    said = await entity_of(here.host.place, here.host.storage, here.host.custodian, here.host.means.clock).configure()
    joined = await enrol.join(ministry.office, await enrol.invite(ministry.office, here.url, "Wallets", MAKES, ANA), said, published=True)
    await enrol.approve(ministry.office, here.url, BEN, version=joined.version)
    write_whole(config.trust(here.registry.directory), render_trust(TrustAnchors(federation=(await pin(ministry),))))
    await here.go(0)


@pytest.mark.parametrize("federated", [False, True], ids=["certificate", "federation"])
async def test_documents_come_before_during_and_after_a_rotation(template: Template, tmp_path: Path, *, federated: bool) -> None:
    async with town(template, tmp_path, federated=federated) as here:
        assert (await here.collects()).copies
        first = vouching(here.host).signing.signer
        ring = vouching(here.host).ring
        due = ring.due(await ring.turn()) or 0
        for at in (due - 3 * DAY, due - DAY, due - 60):
            await here.go(at - here.registry.clock())
            assert [state for _, state in await states(here.host)] == [KeyState.ACTIVE, KeyState.CREATED]
        waiting, old = await here.asks(), await attested(here.host)
        assert chain(old.attestation) == first.x5c
        await here.go(60)
        assert [state for _, state in await states(here.host)] == [KeyState.VERIFY_ONLY, KeyState.ACTIVE]
        here.check(old.attestation)  # what was said just before stands
        assert chain((await attested(here.host)).attestation) == vouching(here.host).signing.signer.x5c != first.x5c
        assert (await here.gets(*waiting)).copies
        assert (await here.collects()).copies
        await here.go(2 * DAY)
        with pytest.raises(Untrusted):
            here.check(old.attestation)
        before = await documents(here)
        await here.go(21 * DAY)
        await upkeep(here.host.means, here.vault)
        after = await documents(here)
        assert {each.renewal.problem for each in after if each.renewal is not None} == {""}
        assert {copy.id for each in before for copy in each.copies}.isdisjoint(copy.id for each in after for copy in each.copies)


@pytest.mark.parametrize("federated", [False, True], ids=["certificate", "federation"])
async def test_whoever_has_a_key_that_was_reported_gets_nothing(
    template: Template, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, federated: bool
) -> None:
    """Reported beside the service that runs. Its own wallets go on by the next key once the office has heard."""
    async with town(template, tmp_path, federated=federated) as here:
        assert (await here.collects()).copies
        old, stolen, (key,) = await attested(here.host), vouching(here.host).signing.signer, await keys(here.host)
        words = ["keys", "compromised", key.history.kid, "--reason", "stolen", "--dir", str(here.host.place.folder)]
        assert await asyncio.to_thread(cli.main, words) == 0
        assert "Published: number" in capsys.readouterr().out
        await here.go(60)
        with pytest.raises(CertificateRevoked):
            here.check(old.attestation)
        means = here.host.means
        thief = OwnAttester(here.host.custodian, Signing(stolen), here.url, here.registry.clock)
        here.host = replace(here.host, means=replace(means, attester=thief))
        with pytest.raises(InvalidClient):
            await here.asks()
        here.host = replace(here.host, means=means)
        assert [state for _, state in await states(here.host)] == [KeyState.COMPROMISED, KeyState.ACTIVE]
        assert (await here.collects()).copies


async def documents(here: Town) -> list[Document]:
    return [item.value for item in await here.host.storage.read(lambda tx: DOCUMENTS.all(tx, here.vault))]
