"""What the superiors of a federation may publish in all: who publishes without end takes nothing from its neighbours."""

from __future__ import annotations

import pytest
from support.federation import COURT, COURTS, MINISTRY
from support.federations import Member, Realm, issuer, justice
from support.signing import AT

from shared.errors import BundleRolledBack, TooLarge
from shared.trust.artefact import ENTITY_STATEMENT, TRUST_MARK, Artefact
from shared.trust.federation import Federation
from shared.trust.publication import DOCUMENT
from shared.trust.room import MOST_BYTES, MOST_FILES
from shared.trust.superiors import Gathered, recall
from shared.urls import well_known

ROGUE = "https://a-rogue.example"
A_KB = 1_000


def full(size: int, mark: str = "") -> Artefact:
    return Artefact(media_type=TRUST_MARK, data=mark.encode().ljust(size, b"."))


def sites(number: int, kb: int, above: str = ROGUE) -> list[Member]:
    """Superiors that publish so much each, and a body below each of them."""
    fakes = [Member(f"https://a-fake{each}.example", superiors=(above,), more=(full(kb * A_KB, str(each)),)) for each in range(number)]
    return [*fakes, *(issuer(f"https://nobody{each}.example", fake.entity) for each, fake in enumerate(fakes))]


def realm(*rogues: Member) -> Realm:
    """They are asked before their neighbours; one level further down stands the court's own."""
    members = [*rogues, *justice().members.values()]
    regional = "https://regional.example"
    made = Realm(*members, Member(regional, superiors=(COURTS,)), issuer("https://york.example", regional))
    made.members = {MINISTRY: made[MINISTRY]} | made.members
    return made


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (MOST_BYTES, MOST_FILES) == (48_000_000, 24_000)
    monkeypatch.setattr("shared.trust.room.MOST_BYTES", 400 * A_KB)
    monkeypatch.setattr("shared.trust.room.MOST_FILES", 200)


def refused(found: Gathered) -> set[str]:
    return {name.rpartition(" ")[2] for name, error in found.faults.items() if isinstance(error, TooLarge)}


def size(found: Gathered) -> int:
    return sum(len(each.data) for word in found.words for each in word.publication.artefacts)


def stands(made: Realm, found: Gathered) -> bool:
    """Whether the bodies of the neighbours are known as ever."""
    federation = Federation((made.pin(MINISTRY),), found.words)
    return [federation.chain(each, AT).subject for each in (COURT, "https://york.example")] == [COURT, "https://york.example"]


def test_a_healthy_federation_has_room() -> None:
    made = realm()
    found = made.gathered(MINISTRY)
    assert (found.faults, stands(made, found)) == ({}, True)


@pytest.mark.parametrize("more", [(full(199 * A_KB),), tuple(full(9, str(each)) for each in range(98))], ids=["bytes", "files"])
def test_who_publishes_too_much_is_not_taken_and_nobody_else_is_touched(more: tuple[Artefact, ...]) -> None:
    """By bytes, and by many tiny files."""
    rogue = Member(ROGUE, superiors=(MINISTRY,), more=more)
    made = realm(rogue, issuer("https://own.example", ROGUE))
    found = made.gathered(MINISTRY)
    assert refused(found) == {ROGUE}
    assert stands(made, found)
    rogue.more = more[1:]
    made.again(ROGUE)
    assert made.gathered(MINISTRY).faults == {}


def test_who_names_many_that_publish_much_takes_only_its_own_share() -> None:
    made = realm(Member(ROGUE, superiors=(MINISTRY,)), *sites(8, 50))
    found = made.gathered(MINISTRY)
    assert len(refused(found)) == 5  # 3 x 50 of 200 kB
    assert stands(made, found)
    assert recall(made.pin(MINISTRY), {each.name: each.publication for each in found.words}) == found.words


def test_what_was_heard_before_gives_way_on_its_own_way_only() -> None:
    """Silent sites keep their last word as long as their superior's share has room for it; the neighbours keep theirs, whatever was taken."""
    first = realm(Member(ROGUE, superiors=(MINISTRY,)), *sites(3, 50))
    held = first.gathered(MINISTRY)
    assert held.faults == {}
    more = [Member(f"https://a-aaa{each}.example", superiors=(ROGUE,), more=(full(50 * A_KB, f"x{each}"),)) for each in range(3)]
    first.members = {MINISTRY: first[MINISTRY], ROGUE: first[ROGUE], **{each.entity: each for each in more}, **first.members}
    for each in more:
        own = issuer(each.entity.replace("a-aaa", "own"), each.entity)
        first.members[own.entity] = own
    for name in (MINISTRY, ROGUE):
        first.again(name)
    silent = {each: 503 for each in first.members if "fake" in each or each in {COURTS, "https://regional.example"}}
    found = first.gathered(MINISTRY, street=first.street(**silent).answer, held=held.words)
    assert {each for each in refused(found) if "fake" in each} == {f"https://a-fake{each}.example" for each in range(3)}
    assert stands(first, found)
    assert size(found) < 400 * A_KB


def test_what_has_no_room_on_one_way_is_taken_on_another() -> None:
    """A rogue, whose share is full, names a superior of its neighbour below itself, which is asked on that way first."""
    made, regional = realm(Member(ROGUE, superiors=(MINISTRY,), more=(full(190 * A_KB),))), "https://regional.example"
    made[regional].superiors = (ROGUE, COURTS)
    made[regional].more = (full(20 * A_KB),)
    street = made.street()
    found = made.gathered(MINISTRY, street=street.answer)
    assert stands(made, found)
    assert found.faults.keys() == {f"{MINISTRY} {ROGUE} {regional}"}
    assert street.asked.count(well_known(regional, DOCUMENT)) == 2


def test_what_has_no_room_is_not_asked_for_again_on_each_way() -> None:
    """A rogue, whose share is full, names its neighbour's superior below each of those below itself: that is asked twice, not eight times."""
    made = realm(Member(ROGUE, superiors=(MINISTRY,), more=(full(120 * A_KB),)), *sites(7, 1))
    made[COURTS].more = (full(60 * A_KB),)
    for each in range(7):
        fake = made[f"https://a-fake{each}.example"]
        tokens = fake.of(made[COURTS]), made[COURTS].itself()
        fake.more = (*fake.more, *(Artefact(media_type=ENTITY_STATEMENT, data=token.encode()) for token in tokens))
    street = made.street()
    found = made.gathered(MINISTRY, street=street.answer)
    assert stands(made, found)
    assert street.asked.count(well_known(COURTS, DOCUMENT)) <= 2
    assert sum(isinstance(error, TooLarge) and name.endswith(COURTS) for name, error in found.faults.items()) == 7


def test_an_answer_that_is_refused_takes_no_room() -> None:
    """A superior with more than half of its share goes on, with all below it, while its site answers with what nobody believes."""
    made = realm()
    made[COURTS].more = (full(120 * A_KB),)
    held = made.gathered(MINISTRY)
    before = made.publication(COURTS)
    made.again(COURTS)
    newer = made.gathered(MINISTRY, held=held.words)
    found = made.gathered(MINISTRY, held=newer.words, street=made.street(**{COURTS: before}).answer)
    assert {name: type(error) for name, error in found.faults.items()} == {f"{MINISTRY} {COURTS}": BundleRolledBack}
    assert {each.name for each in found.words} == {each.name for each in newer.words}
    assert stands(made, found)
