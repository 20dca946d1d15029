"""What makers of wallets publish: whom they have withdrawn vouches for nothing here, and nobody's request makes the office ask (S15, S16, S21)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from support.attested import MAKER, Wallet, attested, maker
from support.registry import Registry
from support.signing import Signer
from support.trial_verify import DAY, Authority
from support.trusting import Publisher, Tiers, crl_by, history

from issuer import config, makers
from issuer.app import open_office, start, stop
from shared.errors import CertificateRevoked, InvalidClient, InvalidProof, SnapshotStale
from shared.flow import Fetch, Fetched
from shared.keys import KeyId, Role
from shared.openid4vci import CredentialRequest, TokenResponse, prepare_key_attestation, refresh, request_credentials
from shared.private_file import write_whole
from shared.trust.anchors import TrustAnchors, render_trust
from shared.trust.snapshot import KeyState
from shared.web.heard import AT_FIRST, SOON

HOUR = 3_600


@dataclass
class Site:
    """The office and its one maker of wallets, whose site says what a test wants."""

    registry: Registry
    wallet: Wallet
    told: Publisher
    publication: bytes | None = None
    asked: list[Fetch] = field(default_factory=list)

    async def fetch(self, want: Fetch) -> Fetched:
        self.asked.append(want)
        if self.publication is None:
            return Fetched(status=404, headers={}, body=b"")
        return Fetched(status=200, headers={"content-type": "application/json"}, body=self.publication)

    async def say(self, **changes: Any) -> None:
        """The next publication, heard an hour later."""
        self.registry.clock.at += HOUR
        self.told = replace(self.told, seq=self.told.seq + 1, at=self.registry.clock.at - 60, **changes)
        self.publication = self.told.publication()
        await makers.hear(self.registry.office, self.fetch)
        self.wallet.protected = self.wallet.protect()

    async def key_attestation(self) -> CredentialRequest:
        said = prepare_key_attestation(
            key=KeyId("maker"),
            alg="ES256",
            x5c=self.wallet.by.x5c,
            keys=[Signer.new().public],
            at=self.registry.clock(),
            lifetime=600,
            nonce=await self.wallet.nonce(),
            key_storage=["iso_18045_moderate"],
            user_authentication=["iso_18045_basic"],
        )
        return CredentialRequest(configuration_id="representation-sd-jwt", attestation=self.wallet.by.signer.finish(said))

    async def gets_in(self) -> None:
        self.wallet.protected = self.wallet.protect()
        await self.wallet.push()

    async def stays_out(self) -> None:
        self.wallet.protected = self.wallet.protect()
        with pytest.raises(InvalidClient):
            await self.wallet.push()


async def opened(registry: Registry, told: Publisher) -> Site:
    pin(registry, told)
    return Site(registry, await attested(registry, told.by), told)


def pin(registry: Registry, *told: Publisher) -> None:
    write_whole(config.trust(registry.directory), render_trust(TrustAnchors(anchors=tuple(each.pin for each in told))))


def publisher(by: Authority) -> Publisher:
    return Publisher(by=by, entity=MAKER, role=Role.WALLET_PROVIDER)


@pytest.fixture
async def site(registry: Registry) -> Site:
    return await opened(registry, publisher(maker()))


async def test_a_maker_that_publishes_nothing_is_asked_by_its_certificate_alone(site: Site) -> None:
    await makers.hear(site.registry.office, site.fetch)
    await site.gets_in()
    assert [each.url for each in site.asked] == [f"{MAKER}/.well-known/muniment-trust"]


@pytest.mark.parametrize("state", [KeyState.COMPROMISED, KeyState.VERIFY_ONLY])
async def test_a_maker_whose_key_is_over_vouches_for_nothing(site: Site, state: KeyState) -> None:
    """Neither for a wallet that begins, nor for one that has tokens already, nor for its keys (S15)."""
    await site.say()
    number = (await site.registry.make())["id"]
    token = await site.wallet.token([number])
    assert len((await site.wallet.run(_copies(site, token, await site.key_attestation()))).credentials) == 1
    key = history(site.wallet.by.signer.public, entity=MAKER, role=Role.WALLET_PROVIDER)
    await site.say(keys=(replace(key, state=state, until=site.registry.clock() - 40 * DAY, reason="test"),))
    with pytest.raises(InvalidClient):
        await site.wallet.run(refresh(site.wallet.metadata, token.refresh_token or ""))
    await site.stays_out()


def _copies(site: Site, token: TokenResponse, request: CredentialRequest) -> Any:
    return request_credentials(site.wallet.metadata, token, request)


async def test_keys_of_a_maker_whose_key_was_stolen_are_held_nowhere(site: Site) -> None:
    """The access token still lives, but nobody says any more where its wallet's keys are (S15)."""
    await site.say()
    token = await site.wallet.token([(await site.registry.make())["id"]])
    stolen = history(
        site.wallet.by.signer.public,
        entity=MAKER,
        role=Role.WALLET_PROVIDER,
        state=KeyState.COMPROMISED,
        until=site.registry.clock() - 1,
        reason="test",
    )
    site.publication = replace(site.told, seq=9, at=site.registry.clock(), keys=(stolen,)).publication()
    await _forget_the_visit(site.registry)
    await makers.hear(site.registry.office, site.fetch)
    with pytest.raises(InvalidProof):
        await site.wallet.run(_copies(site, token, await site.key_attestation()))


async def _forget_the_visit(registry: Registry) -> None:
    await registry.office.storage.write(lambda tx: tx.execute("DELETE FROM heard_site"))


async def test_a_withdrawn_certificate_of_a_maker(site: Site) -> None:
    await site.say()
    await site.gets_in()
    await site.say(withdrawn=(2,))
    await site.stays_out()


async def test_revoked_intermediate_of_a_maker(registry: Registry) -> None:
    tiers = Tiers.new(entity=MAKER, role=Role.WALLET_PROVIDER)
    site = await opened(registry, tiers.publisher(entity=MAKER, role=Role.WALLET_PROVIDER))
    await site.say()
    await site.gets_in()
    between = crl_by(tiers.between, tiers.middle)
    await site.say(crls=(crl_by(tiers.top, tiers.root, 7, number=2), between))
    await site.stays_out()


async def test_what_a_maker_said_has_its_time(site: Site) -> None:
    """A maker that has once said what is in force is not believed when it says so no longer; an older word is not taken."""
    await site.say()
    await site.gets_in()
    site.publication = None
    for _ in range(2):
        site.registry.clock.at += 4 * DAY
        await makers.hear(site.registry.office, site.fetch)
    await site.stays_out()
    with pytest.raises(SnapshotStale):
        await makers.examine(site.registry.office)
    await site.say()
    await site.gets_in()
    assert await makers.examine(site.registry.office) == "1 trusted, 1 heard of"


async def test_visits_to_makers_go_by_the_clock_alone(site: Site) -> None:
    """S21: whoever asks for what meanwhile, also with an attestation of theirs."""
    office = site.registry.office
    await site.say()
    for step in range(6):
        site.registry.clock.at += HOUR // 6
        await site.gets_in()
        await makers.hear(office, site.fetch)
        assert len(site.asked) == 1 + (step == 5)
    site.publication = b"nonsense"
    site.registry.clock.at += HOUR
    await makers.hear(office, site.fetch)
    site.registry.clock.at += SOON
    await makers.hear(office, site.fetch)
    assert len(site.asked) == 4
    assert AT_FIRST < SOON < HOUR
    assert {each.url for each in site.asked} == {f"{MAKER}/.well-known/muniment-trust"}
    assert {frozenset(each.headers.items()) for each in site.asked} == {frozenset({("accept", "application/json")})}


async def test_another_process_knows_what_was_heard(site: Site) -> None:
    """From its start on; and an anchor that is pinned anew is not asked before what is known of it was read again."""
    await site.say(withdrawn=(2,))
    other = open_office(site.registry.directory, site.registry.office.settings, clock=site.registry.clock)
    try:
        await start(other)
        with pytest.raises(CertificateRevoked):
            other.makers.policy().check_wallet_provider(site.wallet.by.x5c, site.registry.clock())
    finally:
        await stop(other)
    pin(site.registry)
    await makers.recall(site.registry.office)
    assert await makers.examine(site.registry.office) == "nobody trusted"
    pin(site.registry, site.told)
    await site.stays_out()
    await makers.recall(site.registry.office)
    await site.stays_out()
