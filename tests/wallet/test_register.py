"""Who may ask: the whole register, by the clock alone, and only what the newest word of each anchor names (security rules S15, S17, S21)."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.airplane import COUNCIL_TAX, DONOR, KIND, Counter
from support.registrars import REGISTRAR, RegisteredCounter
from support.trial_verify import DAY
from support.trusting import Publisher, history
from support.wallets import Wallet, open_wallet
from support.world import BANK, COUNCIL, World

from shared.errors import CertificateRevoked, OverDisclosed, PurposeMismatch, SnapshotMissing, Untrusted
from shared.keys import Role
from shared.trust.anchors import TrustAnchors, render_trust
from shared.trust.relying_party import Want
from shared.trust.snapshot import KeyState
from shared.web.heard import SOON
from wallet import register
from wallet.answer import Question, read_challenge
from wallet.means import TrustFile


def publisher(counter: Counter) -> Publisher:
    """What the party's anchor says, to be bent."""
    counter.register()
    made = counter.party.publication
    assert made is not None
    found: Publisher = made.__self__  # type: ignore[attr-defined] # a bound method
    return found


async def entities(wallet: Wallet) -> set[str]:
    return set((await register.register(wallet.means)).certificates)


async def test_the_whole_register_is_kept_from_one_round_of_visits(wallet: Wallet) -> None:
    world = wallet.world
    for party in (world.council, world.bank):
        Counter(world, party).register()
    assert await entities(wallet) == set()
    assert await register.refresh(wallet.means)
    assert await entities(wallet) == {COUNCIL, BANK}
    known = await register.directory(wallet.means)
    assert known.files.keys() == {COUNCIL, BANK}
    assert known.until == world.clock() - 60 + 7 * DAY
    council = known.register.find(COUNCIL, at=world.clock())
    assert (council.name.en, council.uses[0].id) == (world.council.name, "council-tax")
    assert [url for _, _, url in world.log] == sorted(f"{each}/.well-known/muniment-trust" for each in (BANK, COUNCIL))


async def test_visits_go_by_the_clock_and_never_by_what_is_asked(tmp_path: Path) -> None:
    """S21: a wallet that is asked all day long visits the same addresses at the same hours as one that is never asked."""
    logs = []
    for asked in (False, True):
        world = World()
        for party in (world.council, world.bank):
            Counter(world, party).register()
        async with open_wallet(f"sqlite:///{tmp_path}/{asked}.db", world=world, seed="same") as wallet:
            await wallet.collect()
            for _ in range(8):
                await register.refresh(wallet.means)
                if asked:
                    await wallet.ask(world.council.ask())
                    await entities(wallet)
                world.clock.at += 3 * 3_600
            logs.append([entry for entry in world.log if "muniment-trust" in entry[2]])
            headers = {frozenset(each.headers.items()) for each in world.fetches if "muniment-trust" in each.url}
            assert headers == {frozenset({("accept", "application/json")})}
    assert logs[0] == logs[1]
    assert len(logs[0]) == 4


async def test_a_site_that_is_away_is_asked_again_soon_and_what_was_known_stays(wallet: Wallet) -> None:
    world = wallet.world
    Counter(world, world.council).register()
    await register.refresh(wallet.means)
    world.down.add(COUNCIL)
    world.clock.at += 12 * 3_600
    assert await register.refresh(wallet.means)
    assert not await register.refresh(wallet.means)
    world.clock.at += SOON
    assert await register.refresh(wallet.means)
    assert await entities(wallet) == {COUNCIL}


async def test_a_register_that_ran_out_says_nothing(wallet: Wallet) -> None:
    world = wallet.world
    Counter(world, world.council).register()
    await register.refresh(wallet.means)
    world.clock.at += 7 * DAY
    assert await entities(wallet) == set()
    assert (await register.directory(wallet.means)).until is None


async def test_registrars_are_heard_by_the_clock_and_never_because_of_who_asks(tmp_path: Path) -> None:
    """S21, of a wallet that pinned the ministry above a registrar: two visits a round, whoever is registered and whoever asks."""
    logs = []
    for asked in (False, True):
        world = World()
        RegisteredCounter(world, world.council).register()
        async with open_wallet(f"sqlite:///{tmp_path}/{asked}.db", world=world, seed="same") as wallet:
            await wallet.collect()
            for _ in range(8):
                await register.refresh(wallet.means)
                if asked:
                    await wallet.ask(world.council.ask())
                    assert await entities(wallet) == {COUNCIL}
                world.clock.at += 3_600
            logs.append([entry for entry in world.log if "muniment-trust" in entry[2]])
    assert logs[0] == logs[1]
    assert [url for _, _, url in logs[0]].count(f"{REGISTRAR}/.well-known/muniment-trust") == 1


async def test_the_register_is_worked_out_once_for_what_was_heard(wallet: Wallet) -> None:
    world = wallet.world
    counter = RegisteredCounter(world, world.council)
    counter.register()
    await register.refresh(wallet.means, now=True)
    first = await register.directory(wallet.means)
    assert await register.directory(wallet.means) is first
    world.clock.at += 300
    again = await register.directory(wallet.means)
    assert again is not first
    assert again.files == first.files
    counter.uses = ()
    counter.register()
    await register.refresh(wallet.means, now=True)
    assert (await register.register(wallet.means)).find(COUNCIL, at=world.clock()).uses == ()


async def test_what_a_registrar_says_counts_before_an_organisations_own_word(wallet: Wallet) -> None:
    world = wallet.world
    Counter(world, world.council, uses=(COUNCIL_TAX, replace(COUNCIL_TAX, id="parking"))).register()
    RegisteredCounter(world, world.council).register()
    Counter(world, world.bank).register()
    await register.refresh(wallet.means, now=True)
    known = await register.directory(wallet.means)
    assert known.register.find(COUNCIL, at=world.clock()).uses == (COUNCIL_TAX,)
    assert known.files.keys() == {COUNCIL, BANK}
    assert {entity: each.by.entity for entity, each in known.registered.items()} == {COUNCIL: REGISTRAR}


async def test_trust_knows_whom_a_registrar_registered_while_its_anchor_is_pinned(tmp_path: Path, wallet: Wallet) -> None:
    world = wallet.world
    RegisteredCounter(world, world.council).register()
    file = tmp_path / "trust.json"
    federation = TrustAnchors(federation=world.policy().anchors.federation)
    file.write_bytes(render_trust(federation))
    trust = TrustFile(file)
    means = replace(wallet.means, trust=trust, learn=trust.learn)
    with pytest.raises(SnapshotMissing):
        trust().check_relying_party(world.council.by.x5c, world.clock())
    await register.refresh(means)
    assert trust().check_relying_party(world.council.by.x5c, world.clock()).uris == (COUNCIL,)
    file.write_bytes(render_trust(TrustAnchors()))
    with pytest.raises(Untrusted):
        trust().check_relying_party(world.council.by.x5c, world.clock())


async def test_a_desk_of_whoever_a_registrar_registered_asks_within_it(wallet: Wallet) -> None:
    """T-FC-1 and T-OA-1 at a desk without a network, over a federation."""
    world = wallet.world
    counter = RegisteredCounter(world, world.council)
    counter.register()
    await register.refresh(wallet.means, now=True)
    known = await register.register(wallet.means)

    def read(**changes: Any) -> Question:
        return read_challenge(counter.ask(**changes).encode(), known, at=world.clock())

    assert (read().asker.entity, read().asker.use) == (COUNCIL, COUNCIL_TAX)
    with pytest.raises(PurposeMismatch):
        read(use="parking")
    with pytest.raises(OverDisclosed):
        read(wants=[Want(vct=KIND.vct_int, required=(DONOR, 2))])
    with pytest.raises(Untrusted):
        read_challenge(Counter(world, world.bank).ask().encode(), known, at=world.clock())


@pytest.mark.parametrize("state", [KeyState.VERIFY_ONLY, KeyState.COMPROMISED])
async def test_whose_key_is_over_is_not_in_it(state: KeyState, wallet: Wallet) -> None:
    world = wallet.world
    counter = Counter(world, world.council)
    told = publisher(counter)
    gone = history(told.by.signer.public, entity=COUNCIL, role=Role.RELYING_PARTY, state=state, until=world.clock() - 1)
    for keys in ((gone,), ()):
        world.council.publication = replace(told, keys=keys).publication
        world.clock.at += 12 * 3_600
        told = replace(told, seq=told.seq + 1)
        await register.refresh(wallet.means)
        assert await entities(wallet) == set()


async def test_what_is_no_registration_is_left_out(wallet: Wallet) -> None:
    from shared.trust.artefact import RP_CERTIFICATE, Artefact

    world = wallet.world
    told = publisher(Counter(world, world.council))
    world.council.publication = replace(told, more=(*told.more, Artefact(media_type=RP_CERTIFICATE, data=b"nothing"))).publication
    await register.refresh(wallet.means)
    assert await entities(wallet) == {COUNCIL}


async def test_trust_knows_what_was_withdrawn(tmp_path: Path, wallet: Wallet) -> None:
    """A request online by a withdrawn certificate is refused, as soon as the register has been heard."""
    world = wallet.world
    told = publisher(Counter(world, world.council))
    world.council.publication = replace(told, withdrawn=(2,)).publication
    file = tmp_path / "trust.json"
    trust = TrustFile(file)
    assert trust().anchors == TrustAnchors()
    file.write_bytes(render_trust(world.policy().anchors))
    means = replace(wallet.means, trust=trust, learn=trust.learn)
    trust().check_relying_party(world.council.by.x5c, world.clock())
    await register.refresh(means)
    with pytest.raises(CertificateRevoked):
        trust().check_relying_party(world.council.by.x5c, world.clock())
    os.utime(file, ns=(1, 1))  # read again, and what was heard stays
    with pytest.raises(CertificateRevoked):
        trust().check_relying_party(world.council.by.x5c, world.clock())
