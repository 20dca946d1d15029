"""A federation over real sockets, by the fetcher that services use, when its sites are down, slow, lying or hostile.

Nothing fails open, nothing hangs beyond its bound, what was heard serves until it runs out and says its age.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support import roadside
from support.federation import critical, says
from support.federations import Member, Realm, issuer
from support.roadside import BAD, Answer, Place
from support.signing import AT
from support.trial_verify import DAY, VCT
from support.trial_web import Watch

from shared.cose import kid_of
from shared.errors import Rejected, SnapshotMissing, SnapshotStale, VcError
from shared.flow import Fetch, Fetched
from shared.keys import Role
from shared.storage import Storage, open_storage
from shared.trust.anchors import TrustAnchors, render_trust
from shared.trust.federation import FederatedIssuer, Federation
from shared.trust.policy import Policy
from shared.trust.publication import DOCUMENT
from shared.urls import LOOPBACK, well_known
from shared.web import heard
from shared.web.federation_pins import fetch_federation
from shared.web.fetch import Fetcher
from shared.web.heard import Site

ROOT = Path(__file__).parents[3]
SECONDS = 0.25  # the fetcher's bound for one answer, where nothing good can be expected
SLACK = 8.0  # of a busy machine; what hangs would take an hour
TOP, MIDDLE, INSIDE = 0, 1, 2


@dataclass
class Town:
    """Ministry over a court service over one court, and over the Public Guardian, at addresses that truly answer; and a site inside the house."""

    realm: Realm
    places: list[Place]
    patient: Fetcher
    quick: Fetcher
    storage: Storage
    watch: Watch
    bent: set[int] = field(default_factory=set)

    async def fetch(self, wanted: Fetch) -> Fetched:
        """By the fetcher that services use; a busy machine gets more time for answers that are to be had."""
        fetcher = self.quick if any(wanted.url.startswith(self.places[each].url) for each in self.bent) else self.patient
        return await fetcher(wanted)

    @property
    def trust(self) -> TrustAnchors:
        return TrustAnchors(federation=(self.realm.pin(self.places[TOP].url),))

    async def listen(self) -> dict[str, Site]:
        """One round of visits, within its bound: three answers at most."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        told = await heard.listen(self.storage, self.fetch, self.trust, at=self.watch, plain_http=LOOPBACK)
        assert loop.time() - begun < 3 * SECONDS + SLACK
        return {each.site: each for each in told}

    async def known(self) -> Federation:
        found = await self.storage.read(lambda tx: heard.heard(tx, self.trust))
        return found.federation

    async def judged(self, entity: str, at: int | None = None) -> FederatedIssuer:
        """By the one engine, from what is known; asks nobody."""
        asked = [len(each.asked) for each in self.places]
        policy = Policy(TrustAnchors(federation=self.trust.federation), federation=await self.known())
        kid = kid_of(self.realm[entity].keys[Role.CREDENTIAL_ISSUER].public)
        try:
            found = policy.check_issuer((), entity, VCT, self.watch() if at is None else at, kid=kid)
        finally:
            assert asked == [len(each.asked) for each in self.places]
        assert isinstance(found, FederatedIssuer)
        return found

    def bend(self, place: int, answer: Answer) -> None:
        self.places[place].answer = answer
        self.bent.add(place)


COURT, GUARDIAN = "http://localhost:1/court", "http://localhost:1/guardian"


def justice(top: str, middle: str) -> Realm:
    realm = Realm(Member(top), Member(middle, superiors=(top,)), issuer(COURT, middle), issuer(GUARDIAN, top))
    realm[top].about[middle] = critical(accredits=[says(VCT)])
    realm[top].about[GUARDIAN] = critical(entitlements=[says(VCT)])
    realm[middle].about[COURT] = critical(entitlements=[says(VCT)])
    return realm


def saying(realm: Realm, entity: str) -> Callable[[str], bytes]:
    def say(path: str) -> bytes:
        return realm.publication(entity) if path == urlsplit(well_known(entity, DOCUMENT)).path else b""

    return say


@pytest.fixture
async def town(store: Storage) -> AsyncIterator[Town]:
    async with roadside.street(3) as places:
        realm = justice(places[TOP].url, places[MIDDLE].url)
        for place in places[:INSIDE]:
            place.say = saying(realm, place.url)
        places[INSIDE].say = lambda _: b"a secret"
        allow = [f"localhost:{urlsplit(each.url).port}" for each in places[:INSIDE]]
        patient, quick = Fetcher(allow=allow), Fetcher(allow=allow, seconds=SECONDS)
        yield Town(realm, places, patient, quick, store, Watch(AT))
        await patient.close()
        await quick.close()


def answers(town: Town, place: int) -> dict[str, Answer]:
    """All that one of the superiors may do; the names are those of the tests."""
    other, own = town.places[MIDDLE if place is TOP else TOP].url, town.places[place].url
    forged = justice(town.places[TOP].url, town.places[MIDDLE].url)
    return {
        **BAD,
        "lying": roadside.always(forged.publication(own)),  # the right words by another key
        "another_entitys_statement": roadside.always(town.realm.publication(other)),
        "redirect_to_an_internal_address": roadside.redirect(f"{town.places[INSIDE].url}/latest/meta-data/"),
        "redirect_to_itself": roadside.redirect(well_known(own, DOCUMENT)),
    }


LIES = (*BAD, "lying", "another_entitys_statement", "redirect_to_an_internal_address", "redirect_to_itself", "down")


async def go_wrong(town: Town, place: int, lie: str) -> None:
    if lie == "down":
        await town.places[place].down()
    else:
        town.bend(place, answers(town, place)[lie])


@pytest.mark.parametrize("lie", LIES)
async def test_anchor_that_never_answered_as_it_should(town: Town, lie: str) -> None:
    """Nobody is believed, and it is said why nothing can be decided."""
    await go_wrong(town, TOP, lie)
    told = await town.listen()
    assert told[town.places[TOP].url].fault
    for entity in (COURT, GUARDIAN):
        with pytest.raises(SnapshotMissing):
            await town.judged(entity)
    assert town.places[MIDDLE].asked == town.places[INSIDE].asked == []


@pytest.mark.parametrize("lie", LIES)
async def test_intermediate_that_never_answered_as_it_should(town: Town, lie: str) -> None:
    """Only those below it are not believed."""
    await go_wrong(town, MIDDLE, lie)
    told = await town.listen()
    assert (told[town.places[TOP].url].fault, bool(told[town.places[MIDDLE].url].fault)) == ("", True)
    assert (await town.judged(GUARDIAN)).entity == GUARDIAN
    with pytest.raises(Rejected):
        await town.judged(COURT)
    assert town.places[INSIDE].asked == []


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("place", [TOP, MIDDLE], ids=["anchor", "intermediate"])
async def test_what_was_heard_serves_until_it_runs_out_and_says_its_age(town: Town, place: int, lie: str) -> None:
    """A round that goes wrong takes nothing away and adds nothing; what runs out meanwhile counts no more."""
    assert not any(each.fault for each in (await town.listen()).values())
    await go_wrong(town, place, lie)
    town.realm.again(town.places[place].url)
    town.watch.at = AT + 600
    told = await town.listen()
    assert told[town.places[place].url].fault
    for entity in (COURT, GUARDIAN):
        assert (await town.judged(entity)).as_of == AT - 60
        assert (await town.judged(entity, AT + DAY - 1)).as_of == AT - 60
        with pytest.raises(Rejected):  # statements about them have run out
            await town.judged(entity, AT + DAY)
        with pytest.raises(SnapshotStale):  # and so has all that was heard
            await town.judged(entity, AT + 7 * DAY)


async def test_statement_expiring_between_two_checks(town: Town) -> None:
    """The chain was judged good a second ago, and nobody asked anybody since."""
    await town.listen()
    known, at = await town.known(), AT + DAY - 1
    assert known.chain(COURT, at, vct=VCT).exp == AT + DAY
    with pytest.raises(VcError, match="its time is over"):
        known.chain(COURT, at + 1)
    with pytest.raises(Rejected):
        await town.judged(COURT, at + 1)


@pytest.mark.parametrize("place", [TOP, MIDDLE], ids=["anchor", "intermediate"])
async def test_clock_skew(town: Town, place: int) -> None:
    """A minute ahead is borne with; what is dated later is not taken, and moves no clock."""
    own = town.places[place].url
    for ahead, taken in ((60, True), (61, False)):
        town.realm.again(own, at=AT + ahead)
        told = await town.listen()
        assert (told[own].fault == "") is taken
    found = await town.storage.read(lambda tx: heard.heard(tx, town.trust))
    assert found.floor == (AT + 60 if place is TOP else AT - 60)
    assert {each.entity: each.snapshot.seq for each in found.federation.words}[own] == 2
    town.watch.at = AT - 400  # our own clock goes wrong: what was heard stays, and nothing is heard that is older
    town.realm.again(own, at=AT - 500)
    assert (await town.listen())[own].fault
    assert {each.entity: each.snapshot.seq for each in (await town.known()).words}[own] == 2


async def test_rolled_back(town: Town) -> None:
    before = town.realm.publication(town.places[TOP].url)
    town.realm.again(town.places[TOP].url)
    await town.listen()
    town.places[TOP].answer = roadside.always(before)
    assert "newer snapshot" in (await town.listen())[town.places[TOP].url].fault
    assert (await town.judged(COURT)).entity == COURT


async def test_superior_that_names_addresses_inside_the_house(town: Town) -> None:
    """A body below the anchor says that its word lies at an address that no stranger may make us call."""
    realm, inside = town.realm, town.places[INSIDE]
    for address in (
        f"{inside.url}/trust",
        "http://127.0.0.1:1/trust",
        "http://localhost/trust",
        "https://169.254.169.254/latest/meta-data/",
    ):
        realm[town.places[MIDDLE].url].place = address
        realm.again(town.places[TOP].url)
        told = await town.listen()
        assert "at its own site" in told[town.places[MIDDLE].url].fault, address
        assert (await town.judged(GUARDIAN)).entity == GUARDIAN
    assert inside.asked == []


async def test_every_site_at_its_worst_at_once(town: Town) -> None:
    """The bound of a round is the sum of the bounds of its visits."""
    await town.listen()
    for place in (TOP, MIDDLE):
        town.bend(place, roadside.silent)
    await town.listen()
    assert (await town.judged(COURT)).entity == COURT


async def test_anchor_that_waits_for_another_one(store: Storage) -> None:
    """Two federations that know nothing of each other: the first answers only once the second has been heard."""
    async with roadside.street(3) as places:
        devolved = Realm(Member(places[TOP].url), issuer(COURT, places[TOP].url))
        realm = justice(places[MIDDLE].url, places[INSIDE].url)
        heard_of = asyncio.Event()

        async def late(to: roadside.Stream, said: bytes) -> None:
            await heard_of.wait()
            await roadside.truth(to, said)

        async def early(to: roadside.Stream, said: bytes) -> None:
            heard_of.set()
            await roadside.truth(to, said)

        for place, known in zip(places, (devolved, realm, realm), strict=True):
            place.say = saying(known, place.url)
        places[TOP].answer, places[INSIDE].answer = late, early
        trust = TrustAnchors(federation=(devolved.pin(places[TOP].url), realm.pin(places[MIDDLE].url)))
        fetcher = Fetcher(allow=["localhost:*"])
        told = await heard.listen(store, fetcher, trust, at=Watch(AT), plain_http=LOOPBACK)
        await fetcher.close()
    assert [(each.site, each.fault) for each in told] == [(each.url, "") for each in places]


@pytest.mark.parametrize("lie", [*BAD, "down"])
async def test_anchor_that_is_being_pinned(town: Town, lie: str) -> None:
    """What cannot be read is never shown as something to compare."""
    own = town.places[TOP]
    own.say = lambda _: town.realm[own.url].itself().encode()
    await fetch_federation(own.url, town.fetch, at=AT)
    await go_wrong(town, TOP, lie)
    begun = asyncio.get_running_loop().time()
    with pytest.raises(VcError):
        await fetch_federation(own.url, town.fetch, at=AT)
    assert asyncio.get_running_loop().time() - begun < SECONDS + SLACK


# --- killed ----------------------------------------------------------------------------------------------------------------------------


async def dies(town: Town, database: Path, point: str) -> None:
    """Another process listens, to the same sites, into the same database, and is killed there."""
    file = database.with_name("trust.json")
    file.write_bytes(render_trust(town.trust))
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    command = (sys.executable, "-m", "support.dying_listener", str(database), str(file), str(town.watch()), point)
    process = await asyncio.create_subprocess_exec(*command, env=os.environ | {"PYTHONPATH": paths})  # noqa: TID251 - the child's environment
    assert await process.wait() == -signal.SIGKILL


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_killed_while_it_listens(town: Town, tmp_path: Path, moment: str) -> None:
    """The word of each superior is there wholly or not at all, and the next process hears what is missing."""
    database = tmp_path / "web.db"
    await town.listen()
    for place in (TOP, MIDDLE):
        town.realm.again(town.places[place].url)
    await dies(town, database, f"hear-federation:{moment}")
    opened = open_storage(f"sqlite://{database}")
    found = await opened.read(lambda tx: heard.heard(tx, town.trust))
    assert [each.snapshot.seq for each in found.federation.words] == ([1, 1] if moment == "before" else [2, 1])
    await opened.close()
    assert (await town.judged(GUARDIAN)).as_of == (AT - 60 if moment == "before" else AT - 30)
    assert (await town.judged(COURT)).as_of == AT - 60
    assert not any(each.fault for each in (await town.listen()).values())
    assert (await town.judged(COURT)).as_of == AT - 30


def test_what_is_tried_is_what_was_promised() -> None:
    """Down, slow, lying, another entity's, oversized, unfolding, redirected."""
    assert {"down", "slow", "lying", "another_entitys_statement", "oversized", "gzip_bomb", "redirect_to_an_internal_address"} <= set(LIES)
