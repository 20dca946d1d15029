"""A desk that pinned nothing but a federation: what it heard on its rounds, what a checking pack brings, and what is left when others are down."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.clerk import Clerk
from support.desk import BANK, Site, Template, copy_file, opened, refreshed, serving
from support.federation import COURT, COURTS, MINISTRY
from support.federations import Realm, justice
from support.signing import AT
from support.successions import handed, publish
from support.town import Town, check, pin
from support.trial_verify import DAY, ISSUER, LIST, registry, status_cwt
from support.trial_web import Watch

from shared.clock import system_entropy
from shared.errors import AddressRefused, SnapshotMissing, TooLarge, Unavailable
from shared.flow import Fetch, Fetched
from shared.jose.jwk import thumbprint
from shared.trust.anchors import TrustAnchors, render_trust
from shared.trust.artefact import ENTITY_STATEMENT, PAGE_KEYS
from shared.trust.bundle import parse_bundle
from shared.trust.publication import DOCUMENT
from shared.trust.snapshot import KeyState
from shared.urls import well_known
from shared.verify import Decision
from shared.web import heard
from verifier import applying, offline, packs, upkeep
from verifier.desk import BUNDLE, Desk


def lines(decision: Decision) -> list[tuple[str, str, str, str]]:
    return [(each.name, each.state, each.code, each.detail) for each in decision.checks]


async def told(desk: Desk) -> dict[str, str]:
    """How the last visits went."""
    return {each.site: each.fault for each in await desk.storage.read(heard.visits)}


async def test_the_same_presentation_online_and_from_a_pack(template: Template, tmp_path: Path) -> None:
    """Every check: by what was fetched in advance, by a pack in the service, and by ``check``, which opens no socket."""
    town, copy = Town(cwt={LIST: status_cwt()}), copy_file()
    async with opened(template, tmp_path / "head") as desk:
        pin(desk, town)
        await refreshed(desk, town)
        online = await check(desk, copy=copy)
        pack, signer = await packs.make(desk), thumbprint(await desk.custodian.public(BUNDLE))
    made = pack.data
    assert (pack.lists, pack.issuers) == (1, 1)  # the other's list was not there to fetch
    assert online.decision == "accepted", lines(online)
    assert online.credentials[0].issuer_name == f"The body at {ISSUER}"
    bundle = parse_bundle(made)
    assert len(bundle.of(ENTITY_STATEMENT)) == len({*bundle.of(ENTITY_STATEMENT)}) > 5
    flattened = json.loads(bundle.of(PAGE_KEYS)[0])["issuers"]
    assert {each["iss"] for each in flattened} == {ISSUER, COURT}
    async with opened(template, tmp_path / "branch") as desk:
        pin(desk, town, signer)
        await applying.apply(desk, made, actor="test")
        packed = await check(desk, copy=copy)
        trust = desk.trust
    judged, _ = offline.decide([copy], made, offline.Memory(), trust=trust, entity=BANK, at=AT)
    for other in (packed, judged.decision):
        assert lines(other) == lines(online)
        assert (other.decision, other.code, other.credentials) == (online.decision, online.code, online.credentials)


async def test_nothing_is_fetched_because_something_was_shown(template: Template, tmp_path: Path) -> None:
    """S21: one round of visits, in one order; a check afterwards asks nobody, and a restart forgets nothing."""
    town = Town()
    async with opened(template, tmp_path / "desk") as desk:
        pin(desk, town)
        await refreshed(desk, town)
        asked = list(town.asked)
        assert asked[:2] == [well_known(each, DOCUMENT) for each in (MINISTRY, COURTS)]
        assert (await check(desk)).decision == "accepted"
        assert town.asked == asked
    async with opened(template, tmp_path / "desk") as desk:
        assert (await check(desk, seed="again")).decision == "accepted"


def forged(realm: Realm) -> Iterable[Any]:
    """What may be wrong with one who is asked."""
    yield Unavailable("nobody answers")
    yield Unavailable("no answer in time")
    yield TooLarge("endless")
    yield AddressRefused("a redirect to an address inside")
    yield 500
    yield b"nonsense"
    yield realm.publication(COURTS)  # another entity's
    yield justice().publication(MINISTRY)  # of the same name, by another key


@pytest.mark.parametrize("number", range(8))
async def test_an_anchor_that_is_down_slow_or_lying(template: Template, tmp_path: Path, number: int) -> None:
    """Never heard: undecided. Heard once: what it said goes on until it runs out, says its age, and then nobody can tell."""
    town = Town()
    lie = list(forged(town.realm))[number]
    clock = Watch(AT)
    async with opened(template, tmp_path / "desk", clock=clock) as desk:
        pin(desk, town)
        town.lies = {MINISTRY: lie}
        await refreshed(desk, town)
        first = await check(desk)
        assert (first.decision, first.code) == ("undecided", "snapshot_missing")
        assert (await told(desk))[MINISTRY]
        with pytest.raises(SnapshotMissing):
            await packs.make(desk)
        town.lies = {}
        await refreshed(desk, town)
        town.lies = {MINISTRY: lie}
        town.realm.again(MINISTRY)
        clock.at += DAY // 2
        await refreshed(desk, town)
        assert (await told(desk)) | {ISSUER: ""} == {MINISTRY: (await told(desk))[MINISTRY], COURTS: "", ISSUER: ""}
        cached = await check(desk, seed="cached", at=clock.at)
        assert cached.decision == "accepted", lines(cached)
        assert "2027-01-15T07:59:00" in cached.line("issuer_trust").detail
        clock.at = AT + DAY  # the statement about the issuer has run out
        assert (await check(desk, seed="late", at=clock.at)).line("issuer_trust").state == "failed"
        clock.at = AT - 60 + 7 * DAY  # so has all that the anchor said
        late = await check(desk, seed="later", at=clock.at)
        assert (late.line("issuer_trust").state, late.line("issuer_trust").code) == ("unchecked", "snapshot_stale")


@pytest.mark.parametrize("number", range(7))
async def test_a_superior_that_is_down_touches_nobody_else(template: Template, tmp_path: Path, number: int) -> None:
    town = Town()
    lie = list(forged(town.realm))[number]
    if number == 6:
        lie = town.realm.publication(MINISTRY)
    async with opened(template, tmp_path / "desk") as desk:
        pin(desk, town)
        town.lies = {COURTS: lie}
        store = await refreshed(desk, town)
        assert (await check(desk)).decision == "accepted"
        assert (await told(desk))[COURTS]
        federation = (await store.picture()).material.policy.federation
        assert federation.knows(COURTS)
        assert not federation.knows(COURT)
        assert (await packs.make(desk)).data


async def test_a_key_that_ended_in_the_federation_has_ended_for_certificates_too(template: Template, tmp_path: Path) -> None:
    """``ended_in_one_path_ended_in_both``, heard over the network."""
    town = Town()
    town.realm[MINISTRY].end(registry().signer, state=KeyState.COMPROMISED, until=AT - DAY)
    async with opened(template, tmp_path / "desk") as desk:
        both = replace(desk.trust, federation=(town.realm.pin(MINISTRY),))
        (desk.directory / "trust.json").write_bytes(render_trust(both))
        store = await refreshed(desk, Site())
        assert (await check(desk, store)).decision == "accepted"
        await store.refresh(town)
        assert (await check(desk, store, seed="again")).code == "certificate_revoked"


async def test_who_is_no_longer_pinned_vouches_for_nobody(template: Template, tmp_path: Path) -> None:
    town = Town()
    async with opened(template, tmp_path / "desk") as desk:
        pin(desk, town)
        store = await refreshed(desk, town)
        assert (await check(desk, store)).decision == "accepted"
        (desk.directory / "trust.json").write_bytes(render_trust(TrustAnchors()))
        assert (await check(desk, store, seed="again")).code == "untrusted"


async def test_an_older_word_never_comes_back(template: Template, tmp_path: Path) -> None:
    """By whatever way, and although the pin went and came in between."""
    town = Town()
    before = town.realm.publication(MINISTRY)
    async with opened(template, tmp_path / "desk") as desk:
        pin(desk, town)
        town.realm.again(MINISTRY)
        store = await refreshed(desk, town)
        town.lies = {MINISTRY: before}
        await store.refresh(town)
        assert "newer snapshot" in (await told(desk))[MINISTRY]
        assert (await store.picture()).material.policy.federation.words[0].snapshot.seq == 2


async def test_of_two_processes_the_newer_word_stays(template: Template, tmp_path: Path) -> None:
    town = Town()
    async with opened(template, tmp_path / "desk") as desk:
        pin(desk, town)
        trust = desk.trust

        class Late(Town):
            """While it answers, another process hears the next."""

            async def __call__(self, fetch: Fetch) -> Fetched:
                answer = await super().__call__(fetch)
                if fetch.url == well_known(MINISTRY, DOCUMENT):
                    self.realm.again(MINISTRY)
                    await heard.listen(desk.storage, town, trust, at=desk.clock)
                return answer

        await heard.listen(desk.storage, Late(realm=town.realm), trust, at=desk.clock)
        assert "newer snapshot" in (await told(desk))[MINISTRY]
        found = await desk.storage.read(lambda tx: heard.heard(tx, trust))
        assert found.federation.words[0].snapshot.seq == 2
        assert found.floor == AT - 30


async def test_the_page_of_trust_tells_of_federations(template: Template, tmp_path: Path) -> None:
    town, clock = Town(), Watch(AT)
    async with serving(template, tmp_path / "desk", site=town, clock=clock, local=True) as running:
        clerk = await Clerk(running).sign_in()
        pin(running.desk, town)
        assert "has not said here yet who belongs" in await clerk.get("/desk/trust")
        town.lies = {COURTS: Unavailable("nobody answers")}
        await running.store.refresh(town)
        town.lies = {}
        await running.store.refresh(town)
        town.lies = {COURTS: Unavailable("nobody answers")}
        await running.store.refresh(town)
        page = await clerk.get("/desk/trust")
        for told in ("We know of 4 bodies in it.", f"What {COURTS} says of those below it", MINISTRY):
            assert told in page
        clock.at = AT + 7 * DAY
        await clerk.sign_in()
        assert "That has run out" in await clerk.get("/desk/trust")


async def test_the_doctor_tells_of_a_succession_that_does_not_count(template: Template, tmp_path: Path) -> None:
    """One superior of the outgoing body publishes it, the other does not."""
    town = Town()
    town.realm[ISSUER].superiors = (MINISTRY, COURTS)
    publish(town.realm, MINISTRY, handed(town.realm[ISSUER], ISSUER, town.realm[COURT]))
    async with opened(template, tmp_path / "desk") as desk:
        pin(desk, town)
        await refreshed(desk, town)
        settings = desk.settings
    told = await upkeep.examine(tmp_path / "desk", settings, clock=Watch(AT), entropy=system_entropy)
    assert any(f"{ISSUER} to {COURT}: another superior speaks of the outgoing body" in str(each) for each in told)
