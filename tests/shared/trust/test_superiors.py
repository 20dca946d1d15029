"""Listening to the superiors of a federation: what is kept of each, and that nobody who is down, slow, lying or endless touches another."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.federation import COURT, COURTS, MINISTRY
from support.federations import Member, Realm, issuer, justice
from support.signing import AT, Signer
from support.trial_verify import ISSUER

from shared.errors import (
    AddressRefused,
    BadSignature,
    BundleRolledBack,
    Malformed,
    NotYetValid,
    TooLarge,
    Unavailable,
    Untrusted,
    VcError,
)
from shared.flow import Fetch, Fetched, run
from shared.trust.artefact import ENTITY_STATEMENT, Artefact
from shared.trust.federation import Federation
from shared.trust.publication import DOCUMENT, parse_publication
from shared.trust.statements import AHEAD, parse_statement
from shared.trust.superiors import MAX_PATH, MAX_SUPERIORS, Gathered, Word, gather, recall, unpack
from shared.trust.turns import COMING
from shared.urls import well_known


def entities(found: Gathered) -> list[str]:
    return [each.entity for each in found.words]


def faults(found: Gathered) -> dict[str, type[VcError]]:
    """By the last of each way."""
    return {name.split(" ")[-1]: type(error) for name, error in found.faults.items()}


def test_every_superior_is_asked_once_and_nobody_else() -> None:
    realm = justice()
    street = realm.street()
    found = realm.gathered(MINISTRY, street=street.answer)
    assert (entities(found), found.faults) == ([MINISTRY, COURTS], {})
    assert street.asked == [well_known(each, DOCUMENT) for each in (MINISTRY, COURTS)]
    top, courts = found.words
    assert (top.name, courts.name) == (MINISTRY, f"{MINISTRY} {COURTS}")
    assert top.itself is not None
    assert set(top.about) == set(top.configurations)
    assert set(courts.about) == {COURT}


def test_the_same_request_from_everybody() -> None:
    """S21: nothing in it says who asks, or what for."""
    asked: list[Fetch] = []
    realm = justice()

    def answer(fetch: Fetch) -> Fetched:
        asked.append(fetch)
        return realm.street().answer(fetch)

    realm.gathered(MINISTRY, street=answer)
    assert {(each.method, tuple(each.headers.items()), each.body) for each in asked} == {("GET", (("accept", "application/json"),), None)}


@pytest.mark.parametrize(
    ("lie", "error"),
    [
        (Unavailable("down"), Unavailable),
        (Unavailable("slow: no answer in time"), Unavailable),
        (TooLarge("endless"), TooLarge),
        (AddressRefused("redirecting inside"), AddressRefused),
        (500, Unavailable),
        (302, Unavailable),
        (404, Unavailable),
        (410, Unavailable),
        (b"{}", Malformed),
        (b"\xff", Malformed),
        (justice().publication(MINISTRY), Untrusted),  # a ministry of the same name, with another key
    ],
)
@pytest.mark.parametrize("who", [MINISTRY, COURTS])
def test_who_does_not_answer_or_lies_keeps_its_last_word(who: str, lie: Any, error: type[VcError]) -> None:
    realm = justice()
    first = realm.gathered(MINISTRY)
    for each in (MINISTRY, COURTS):
        realm.again(each)
    found = realm.gathered(MINISTRY, street=realm.street(**{who: lie}).answer, held=first.words)
    assert faults(found) == {who: error}
    assert {each.entity: each.snapshot.seq for each in found.words} == {MINISTRY: 2, COURTS: 2} | {who: 1}


@pytest.mark.parametrize("lie", [Unavailable("down"), b"{}", 404])
def test_who_was_never_heard_is_unknown_and_so_are_those_below(lie: Any) -> None:
    realm = justice()
    assert entities(realm.gathered(MINISTRY, street=realm.street(**{MINISTRY: lie}).answer)) == []
    assert entities(realm.gathered(MINISTRY, street=realm.street(**{COURTS: lie}).answer)) == [MINISTRY]


def test_another_bodys_word_is_not_taken() -> None:
    """It serves the anchor's publication as its own."""
    realm = justice()
    found = realm.gathered(MINISTRY, street=realm.street(**{COURTS: realm.publication(MINISTRY)}).answer)
    assert (entities(found), faults(found)) == ([MINISTRY], {COURTS: Untrusted})
    other = "https://other.example"  # with the very key
    twins = Realm(Member(other, signer=realm[COURTS].signer), Member(COURT, superiors=(other,)))
    found = realm.gathered(MINISTRY, street=realm.street(**{COURTS: twins.publication(other)}).answer)
    assert (entities(found), faults(found)) == ([MINISTRY], {COURTS: Untrusted})


def test_a_forged_snapshot_is_not_taken() -> None:
    realm = justice()
    document = json.loads(realm.publication(COURTS))
    head, payload, _ = document["snapshot"].split(".")
    document["snapshot"] = f"{head}.{payload}.{'A' * 86}"
    found = realm.gathered(MINISTRY, street=realm.street(**{COURTS: json.dumps(document).encode()}).answer)
    assert faults(found) == {COURTS: BadSignature}


def test_old_statement_in_new_bundle() -> None:
    """S17: neither an older list, nor an older statement in a newer list."""
    realm = justice()
    before = realm.publication(MINISTRY)
    first = realm.gathered(MINISTRY)
    realm.again(MINISTRY)
    second = realm.gathered(MINISTRY, held=first.words)
    found = realm.gathered(MINISTRY, street=realm.street(**{MINISTRY: before}).answer, held=second.words)
    assert faults(found) == {MINISTRY: BundleRolledBack}
    assert found.words[0].snapshot.seq == 2
    forgotten = realm.gathered(MINISTRY, street=realm.street(**{MINISTRY: before}).answer, seen={MINISTRY: second.words[0].snapshot.seen})
    assert (entities(forgotten), faults(forgotten)) == ([], {MINISTRY: BundleRolledBack})
    realm[MINISTRY].about[ISSUER] |= {"iat": AT - 90}
    realm.again(MINISTRY)
    found = realm.gathered(MINISTRY, held=second.words)
    assert faults(found) == {MINISTRY: Malformed}
    assert found.words[0].snapshot.seq == 2


def test_a_body_that_says_something_older_again_takes_itself_away_and_nobody_else() -> None:
    """S17: a second machine of it, an old backup, or malice. Its superior's word is taken all the same."""
    realm = justice()
    first = realm.gathered(MINISTRY)
    realm[ISSUER].claims["iat"] = AT - 90
    realm.again(MINISTRY)
    found = realm.gathered(MINISTRY, held=first.words)
    assert (found.faults, found.words[0].snapshot.seq) == ({}, 2)
    assert {*first.words[0].configurations} - {*found.words[0].configurations} == {ISSUER}
    known = Federation((realm.pin(MINISTRY),), found.words)
    assert known.chain(COURT, AT).subject == COURT
    with pytest.raises(Untrusted, match="does not publish"):
        known.chain(ISSUER, AT)
    kept = {each.name: each.publication for each in found.words}
    assert recall(realm.pin(MINISTRY), kept, {each.name: each.dates for each in found.words}) == found.words  # nor when it is read again
    realm.again(MINISTRY)
    assert ISSUER not in realm.gathered(MINISTRY, held=found.words).words[0].configurations  # nor a round later
    realm[ISSUER].claims["iat"] = AT - 59
    realm.again(MINISTRY)
    assert ISSUER in realm.gathered(MINISTRY, held=found.words).words[0].configurations


def test_a_date_of_the_future_holds_nobody_to_it() -> None:
    """A thief of the courts' key dated what they say in a hundred years; they go on with another key."""
    realm, later = justice(), {"iat": AT + 100 * 365 * 86_400, "exp": AT + 100 * 365 * 86_400 + 9}
    realm[COURTS].about[COURT] |= later
    realm[COURT].claims |= later
    first = realm.gathered(MINISTRY)
    assert first.words[1].about[COURT].iat == later["iat"]
    realm[COURTS].about[COURT] |= {"iat": AT - 60, "exp": AT + 86_400}
    realm[COURT].claims.clear()
    realm[COURTS].signer = Signer.new()
    for each in (MINISTRY, COURTS):
        realm.again(each)
    found = realm.gathered(MINISTRY, held=first.words)
    assert found.faults == {}
    assert Federation((realm.pin(MINISTRY),), found.words).chain(COURT, AT).subject == COURT


@pytest.mark.parametrize("who", [MINISTRY, COURTS])
def test_a_thief_who_counts_to_the_end_stops_no_other_key(who: str) -> None:
    """A stolen key's number is the highest there is. Once the one above names another key, or another is pinned, only dates are compared."""
    realm = justice()
    realm[who].seq = 2**53 - 1
    first = realm.gathered(MINISTRY)
    if who != MINISTRY:
        realm.again(MINISTRY)
    realm[who].signer, realm[who].seq, realm[who].at = Signer.new(), 7, AT - 10
    found = realm.gathered(MINISTRY, held=first.words, seen={each.name: each.snapshot.seen for each in first.words})
    assert (found.faults, [each.snapshot.seq for each in found.words if each.entity == who]) == ({}, [7])
    realm[who].seq = 6
    assert faults(realm.gathered(MINISTRY, held=found.words)) == {who: BundleRolledBack}  # of one key the number counts
    realm[who].signer, realm[who].seq, realm[who].at = Signer.new(), 8, AT - 11
    realm.again(MINISTRY, at=AT - 9 if who != MINISTRY else AT - 11)
    assert faults(realm.gathered(MINISTRY, held=found.words))[who] is BundleRolledBack  # of another the date


def test_clocks_apart() -> None:
    realm = justice()
    realm.again(COURTS, at=AT + AHEAD)
    assert realm.gathered(MINISTRY).faults == {}
    realm.again(COURTS, at=AT + AHEAD + 1)
    assert faults(realm.gathered(MINISTRY)) == {COURTS: NotYetValid}


def test_who_renews_with_a_clock_ahead_leaves_no_gap() -> None:
    """Its new list is not taken before the statements that it names are in force: until then the last one serves."""
    realm, ahead = justice(), AHEAD + 40
    first = realm.gathered(MINISTRY)
    realm.again(MINISTRY, at=AT + ahead)
    realm[MINISTRY].claims["iat"] = AT + ahead
    for each in realm.below(MINISTRY):
        realm[MINISTRY].about.setdefault(each.entity, {})["iat"] = AT + ahead
    for at, number in ((AT, 1), (AT + ahead - AHEAD - 1, 1), (AT + ahead - AHEAD, 2)):
        found = realm.gathered(MINISTRY, at=at, held=first.words)
        assert found.words[0].snapshot.seq == number
        assert Federation((realm.pin(MINISTRY),), found.words).chain(ISSUER, at).subject == ISSUER


def test_who_is_not_vouched_for_is_not_visited() -> None:
    """The statement about it is not by its superior's key."""
    realm = justice()
    realm[COURTS].metadata["federation_entity"] = {}
    realm[MINISTRY].about[COURTS]["jwks"] = {"keys": []}
    street = realm.street()
    assert entities(realm.gathered(MINISTRY, street=street.answer)) == [MINISTRY]
    assert len(street.asked) == 1


def test_a_statement_by_another_key_vouches_for_nobody() -> None:
    realm = justice()
    forged = replace(realm[MINISTRY], signer=Signer.new()).of(realm[COURTS]).encode()
    _, statements = realm.said(MINISTRY)
    kept = [each for each in statements if parse_statement(each.data.decode()).sub != COURTS or each.data.count(b".") != 2]
    own = [each for each in statements if parse_statement(each.data.decode()).is_configuration and each not in kept]
    realm.say(MINISTRY, (*kept, *own, Artefact(media_type=ENTITY_STATEMENT, data=forged)))
    found = realm.gathered(MINISTRY)
    assert (entities(found), faults(found)) == ([MINISTRY], {COURTS: Untrusted})


def test_what_cannot_be_read_takes_nothing_from_others() -> None:
    realm = justice()
    realm[MINISTRY].more = tuple(Artefact(media_type=ENTITY_STATEMENT, data=each) for each in (b"\xff", b"a.b.c"))
    found = realm.gathered(MINISTRY)
    assert (entities(found), found.faults) == ([MINISTRY, COURTS], {})


def test_two_statements_about_one_body_are_refused() -> None:
    realm = justice()
    realm[MINISTRY].more = (Artefact(media_type=ENTITY_STATEMENT, data=realm[MINISTRY].of(realm[ISSUER], iat=AT - 59).encode()),)
    assert faults(realm.gathered(MINISTRY)) == {MINISTRY: Malformed}


def test_loops_depth_and_number_are_bounded() -> None:
    a, b = Member("https://a.example", superiors=("https://b.example",)), Member("https://b.example", superiors=("https://a.example",))
    round_ = Realm(a, b)
    assert entities(round_.gathered(a.entity)) == [a.entity, b.entity]
    names = [f"https://level-{number}.example" for number in range(MAX_PATH + 2)]
    deep = Realm(*(Member(name, superiors=tuple(names[index - 1 : index])) for index, name in enumerate(names)))
    assert entities(deep.gathered(names[0])) == names[:MAX_PATH]
    wide = Realm(Member(MINISTRY), *(Member(f"https://c{number}.example", superiors=(MINISTRY,)) for number in range(3)))
    for number in range(3):
        wide.members[f"https://d{number}.example"] = Member(f"https://d{number}.example", superiors=(f"https://c{number}.example",))
    street, many = wide.street(), 3
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shared.trust.superiors.MAX_SUPERIORS", many)
        assert len(wide.gathered(MINISTRY, street=street.answer).words) == len(street.asked) == many
    assert MAX_SUPERIORS == 256


def test_who_names_a_thousand_superiors_takes_the_turn_of_nobody_else() -> None:
    """A body that went wrong, the first in every order, names more of them than are asked, and each could be slow."""
    realm, rogue = justice(), "https://a-rogue.example"
    regional = "https://regional.example"
    fakes = [Member(f"https://a-fake{number}.example", superiors=(rogue,)) for number in range(20)]
    below = [issuer(f"https://a-nobody{number}.example", each.entity) for number, each in enumerate(fakes)]
    others = Member(rogue, superiors=(MINISTRY,)), Member(regional, superiors=(COURTS,)), issuer("https://york.example", regional)
    realm = Realm(*others, *fakes, *below, *realm.members.values())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shared.trust.superiors.MAX_SUPERIORS", 8)
        street = realm.street()
        found = realm.gathered(MINISTRY, street=street.answer)
        assert len(street.asked) == len(found.words) == 8
        assert {MINISTRY, COURTS, regional} < {*entities(found)}
        ((left, fault),) = found.faults.items()
        assert left.startswith(f"{MINISTRY} {rogue} https://a-fake")
        assert "others are asked" in fault.detail
        kept = {each.name: each.publication for each in found.words}
        assert recall(realm.pin(MINISTRY), kept) == found.words  # nor where what was kept is read again
        packed = [each.snapshot for each in found.words]
        artefacts = {each.sha256: each for each in realm.artefacts()}
        assert unpack(realm.pin(MINISTRY), packed, artefacts, {}, at=AT) == found.words  # nor in a pack
    federation = Federation((realm.pin(MINISTRY),), found.words)
    assert federation.chain("https://york.example", AT).subject == "https://york.example"


def test_who_names_a_thousand_superiors_takes_no_turn_on_any_level() -> None:
    """Those deeper down than the rogue's are asked all the same; a word whose turn does not come stays, and is found again."""
    rogue, (regional, local, york) = "https://a-rogue.example", (f"https://{each}.example" for each in ("regional", "local", "york"))
    deep = Member(regional, superiors=(COURTS,)), Member(local, superiors=(regional,)), issuer(york, local)
    realm = Realm(Member(rogue, superiors=(MINISTRY,)), *deep, *justice().members.values())
    realm.members["https://own.example"] = issuer("https://own.example", rogue)
    before = realm.gathered(MINISTRY)
    for number in range(20):
        fake = f"https://a-fake{number}.example"
        realm.members[fake] = Member(fake, superiors=(rogue,))
        realm.members[f"https://a-nobody{number}.example"] = issuer(f"https://a-nobody{number}.example", fake)
    realm.again(rogue)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shared.trust.superiors.MAX_SUPERIORS", 8)
        first = realm.gathered(MINISTRY)
        assert [each.entity.rpartition("/")[2] for each in first.words if "fake" not in each.entity] == [
            "justice.example", "a-rogue.example", "courts.example", "regional.example", "local.example"
        ]  # fmt: skip
        patch.setattr("shared.trust.superiors.MAX_SUPERIORS", 5)
        street = realm.street()
        found = realm.gathered(MINISTRY, held=before.words, street=street.answer)
        assert len(street.asked) == 5
        assert local not in {each.partition("/.well")[0] for each in street.asked}
        assert isinstance(found.faults[f"{MINISTRY} {COURTS} {regional} {local}"], Unavailable)
        assert len(found.faults) == 2  # and the first of those that were never heard
        assert Federation((realm.pin(MINISTRY),), found.words).chain(york, AT).subject == york
        kept = {each.name: each.publication for each in found.words}
        assert recall(realm.pin(MINISTRY), kept) == found.words
        patch.setattr("shared.trust.superiors.MAX_SUPERIORS", 3)
        assert len(recall(realm.pin(MINISTRY), kept)) == 6  # bounded here, too


def test_a_superior_names_where_it_publishes() -> None:
    realm = justice()
    realm[COURTS].place = place = f"{COURTS}/of/trust.json"
    asked = []

    def answer(fetch: Fetch) -> Fetched:
        asked.append(fetch.url)
        return Fetched(status=200, body=realm.publication(COURTS)) if fetch.url == place else realm.street().answer(fetch)

    assert entities(realm.gathered(MINISTRY, street=answer)) == [MINISTRY, COURTS]
    assert asked[1] == place
    realm[COURTS].place = "http://inside.example/"
    realm.again(MINISTRY)
    assert faults(realm.gathered(MINISTRY, street=answer)) == {COURTS: Malformed}


@pytest.mark.parametrize(
    "place", ["https://victim.example/search?q=1", f"{COURTS}:8443/", f"{COURTS}.victim.example/", "https://\u00e9.example/"]
)
def test_a_superior_sends_nobody_to_the_site_of_another(place: str) -> None:
    realm, street = justice(), justice().street()
    realm[COURTS].place = place

    def answer(fetch: Fetch) -> Fetched:
        street.asked.append(fetch.url)
        return realm.street().answer(fetch)

    assert faults(realm.gathered(MINISTRY, street=answer)) == {COURTS: Malformed}
    assert street.asked == [well_known(MINISTRY, DOCUMENT)]


@pytest.mark.parametrize("lie", [None, Unavailable("down")])
def test_a_superior_below_two_others_is_asked_once_a_round(lie: Exception | None) -> None:
    realm, shared = justice(), "https://shared.example"
    realm.members |= {shared: Member(shared, superiors=(MINISTRY, COURTS)), "https://leaf.example": issuer("https://leaf.example", shared)}
    street = realm.street(**{shared: lie})
    found = realm.gathered(MINISTRY, street=street.answer)
    assert street.asked == [well_known(each, DOCUMENT) for each in (MINISTRY, COURTS, shared)]
    ways = {f"{MINISTRY} {shared}", f"{MINISTRY} {COURTS} {shared}"}
    assert ways == ({*found.faults} if lie else {each.name for each in found.words if each.entity == shared})


def test_what_was_kept_is_found_again() -> None:
    realm = justice()
    found = realm.gathered(MINISTRY)
    kept = {each.name: each.publication for each in found.words}
    assert recall(realm.pin(MINISTRY), kept) == found.words
    assert recall(realm.pin(MINISTRY), {MINISTRY: kept[MINISTRY]}) == found.words[:1]
    assert recall(justice().pin(MINISTRY), kept) == ()


def packed(realm: Realm, *superiors: str, **how: Any) -> list[str]:
    """As a checking pack holds it."""
    artefacts = {each.sha256: each for each in realm.artefacts(*superiors)}
    snapshots = [parse_publication(realm.publication(each)).snapshot for each in superiors]
    return [each.entity for each in unpack(realm.pin(MINISTRY), snapshots, artefacts, how.get("seen", {}), at=AT)]


def test_a_pack_brings_the_same() -> None:
    realm = justice()
    assert packed(realm, MINISTRY, COURTS) == packed(realm, COURTS, MINISTRY) == [MINISTRY, COURTS]
    assert packed(realm, MINISTRY) == [MINISTRY]
    assert packed(realm, COURTS) == packed(realm) == []
    seen = replace(realm.gathered(MINISTRY).words[0].snapshot.seen, seq=2)
    with pytest.raises(BundleRolledBack):
        packed(realm, MINISTRY, COURTS, seen={MINISTRY: seen})


def test_one_superior_that_went_wrong_takes_itself_out_of_a_pack_and_nobody_else() -> None:
    """It signs well what is not right: for somebody in its name, from before, or from tomorrow. The pack is good without it."""
    realm, rogue, below = justice(), "https://rogue.example", Member("https://below.rogue.example", superiors=("https://rogue.example",))
    realm.members |= {rogue: Member(rogue, superiors=(MINISTRY,)), below.entity: below}
    realm.members |= {name: issuer(name, below.entity) for name in ["https://leaf.rogue.example"]}
    everybody = MINISTRY, COURTS, rogue, below.entity
    assert packed(realm, *everybody) == [MINISTRY, COURTS, rogue, below.entity]
    seen = {f"{MINISTRY} {rogue}": replace(realm.gathered(MINISTRY).words[2].snapshot.seen, seq=2)}
    assert packed(realm, *everybody, seen=seen) == [MINISTRY, COURTS]
    realm.again(rogue, at=AT + 299)
    assert packed(realm, *everybody) == [MINISTRY, COURTS]
    _, statements = realm.said(rogue)
    forged = replace(realm[rogue], signer=Signer.new()).of(below).encode()
    realm.again(rogue)
    kept = [each for each in statements if (told := parse_statement(each.data.decode())).is_configuration or told.sub != below.entity]
    realm.say(rogue, (*kept, Artefact(media_type=ENTITY_STATEMENT, data=forged)))
    assert packed(realm, *everybody) == [MINISTRY, COURTS, rogue]


def test_a_superior_below_two_others_may_lie_in_a_pack_in_two_versions() -> None:
    """It renewed between the two visits; the newest counts on both ways."""
    realm, shared = justice(), Member("https://shared.example", superiors=(MINISTRY, COURTS))
    realm.members |= {shared.entity: shared, "https://leaf.example": issuer("https://leaf.example", shared.entity)}
    one = parse_publication(realm.publication(shared.entity)).snapshot
    before = realm.artefacts()
    realm.again(shared.entity)
    two = parse_publication(realm.publication(shared.entity)).snapshot
    others = [parse_publication(realm.publication(each)).snapshot for each in (MINISTRY, COURTS)]
    artefacts = {each.sha256: each for each in (*before, *realm.artefacts())}
    for snapshots in ([one, *others, two], [two, one, *others]):
        words = unpack(realm.pin(MINISTRY), snapshots, artefacts, {}, at=AT)
        assert [each.snapshot.seq for each in words if each.entity == shared.entity] == [2, 2]


@given(st.binary(max_size=300) | st.sampled_from([0, 200, 301, 404, 503]).filter(bool))
def test_whatever_is_published_nothing_is_raised(said: Any) -> None:
    found = run(gather(PIN, at=AT), lambda _: Fetched(status=said) if isinstance(said, int) else Fetched(status=200, body=said))
    assert (found.words, len(found.faults)) == ((), 1)


PIN = justice().pin(MINISTRY)


def test_who_listens_is_told_what_follows_and_what_was_taken() -> None:
    """Each address once, nobody's for whom nobody vouches, and no other site's."""
    realm, regional, elsewhere = justice(), "https://regional.example", "https://elsewhere.example"
    realm.members[regional] = Member(regional, superiors=(COURTS, MINISTRY))
    realm.members[elsewhere] = Member(elsewhere, superiors=(MINISTRY,), place="https://victim.example/search")
    for each in (regional, elsewhere):
        realm.members[f"https://own-{each[8:]}"] = issuer(f"https://own-{each[8:]}", each)
    taken: list[Word] = []
    ahead: list[Sequence[Fetch]] = []
    street = realm.street()
    found = run(gather(realm.pin(MINISTRY), at=AT, took=taken.append, ahead=ahead.append), street.answer)
    assert tuple(taken) == found.words
    first, second = street.asked[1:]
    assert {first, second} == {well_known(each, DOCUMENT) for each in (COURTS, regional)}
    assert [[each.url for each in told] for told in ahead] == [[], [first, second], [second]]
    again = run(gather(realm.pin(MINISTRY), found.words, at=AT, took=taken.append), realm.street(**{COURTS: 503}).answer)
    assert [each.entity for each in taken[len(found.words) :]] == [each.entity for each in again.words if each.entity != COURTS]


def test_what_follows_is_told_in_the_order_in_which_it_is_asked() -> None:
    """Each branch in its turn, also where all that is asked is below a few and nobody answers."""
    realm, ahead = justice(), list[Sequence[Fetch]]()
    for branch in range(3):
        above = f"https://branch{branch}.example"
        sites = [Member(f"https://b{branch}n{each}.example", superiors=(above,)) for each in range(9)]
        own = [issuer(f"https://own-b{branch}n{each}.example", site.entity) for each, site in enumerate(sites)]
        realm.members |= {each.entity: each for each in (Member(above, superiors=(MINISTRY,)), *sites, *own)}
    street = realm.street(**{each: 503 for each in realm.members if "https://b" in each and "branch" not in each})
    run(gather(realm.pin(MINISTRY), at=AT, ahead=ahead.append), street.answer)
    told = [[each.url for each in one] for one in ahead]
    assert len(street.asked) == len(told) == 1 + 4 + 27
    for place in range(6, len(told)):  # all branches have answered
        assert told[place] == street.asked[place:][:COMING]
