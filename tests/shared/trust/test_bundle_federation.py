"""Federations in checking packs: the very same answers as online, nothing that was not pinned, nothing older (security rules S16-S18)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from support.federation import COURT, COURTS, MINISTRY, critical, says
from support.federations import Member, Realm, issuer, justice
from support.signing import AT, Signer
from support.successions import handed, publish
from support.trial_verify import (
    BANK,
    DAY,
    ISSUER,
    LIST,
    VCT,
    Answers,
    decide,
    expectation,
    issue,
    material,
    registry,
    show,
    status_cwt,
    status_token,
)

from shared.clock import DAY as A_DAY
from shared.codec import base64url
from shared.cose import kid_of, thumbprint
from shared.credentials import by_id
from shared.errors import BadSignature, BundleIncomplete, BundleRolledBack, Malformed
from shared.flow import run
from shared.jose import jwk
from shared.keys import KeyId, Role
from shared.trust.anchors import TrustAnchors
from shared.trust.artefact import ENTITY_STATEMENT, SNAPSHOT, STATUS_LIST, STATUS_LIST_CWT, SUCCESSOR, TRUST_MARK, Artefact
from shared.trust.bundle import (
    BundleMemory,
    VerifiedBundle,
    describe,
    parse_bundle,
    parse_memory,
    prepare_bundle,
    render_memory,
    verify_bundle,
)
from shared.trust.page_keys import Own, page_keys
from shared.trust.policy import Policy
from shared.trust.room import MOST_FILES
from shared.trust.snapshot import COPY_LIFE, KeyState
from shared.verify import Decision, Material, verify

HEIR = "https://heir.example"
PACKER = Signer.new()
KEY = registry().signer.public


def pack(*artefacts: Artefact, seq: int = 1) -> bytes:
    unsigned = prepare_bundle(
        issuer=BANK, seq=seq, prev=None, at=AT, exp=AT + 7 * A_DAY, artefacts=artefacts, key=KeyId("bundle"), public=PACKER.public
    )
    return PACKER.finish(unsigned)


def read(data: bytes, realm: Realm, *, memory: BundleMemory | None = None, pins: tuple[str, ...] = (MINISTRY,)) -> VerifiedBundle:
    signers = [jwk.thumbprint(PACKER.public)]
    anchors = [realm.pin(each) for each in pins]
    return verify_bundle(parse_bundle(data), signers=signers, at=AT, memory=memory or BundleMemory(), federation=anchors)


def known(verified: VerifiedBundle) -> Material:
    trust = TrustAnchors(federation=verified.federation.anchors)
    policy = Policy.sealed(trust, {}, federation=verified.federation, seen=verified.memory.snapshots)
    return Material(policy=policy, types=material().types, floor=verified.memory.floor)


LISTS = (Artefact(media_type=STATUS_LIST, data=status_token().encode()), Artefact(media_type=STATUS_LIST_CWT, data=status_cwt()))


def online(realm: Realm) -> Material:
    return replace(material(), policy=realm.policy(MINISTRY), certificates={}, floor=AT - 60)


def bent(what: str) -> Realm:
    realm = justice()
    top = realm[MINISTRY]
    match what:
        case "silent":
            top.about[ISSUER] = {}
        case "ended":
            top.about[ISSUER] = critical(entitlements=[says(VCT, until=AT - 60)])
        case "not yet":
            top.about[ISSUER] = critical(entitlements=[says(VCT, since=AT - 60)])
        case "elsewhere":
            top.about[ISSUER] = critical(entitlements=[says(VCT, jurisdiction=["GB-SCT"])])
        case "compromised":
            top.end(registry().signer, state=KeyState.COMPROMISED, until=AT - DAY)
        case "retired":
            top.end(registry().signer, state=KeyState.VERIFY_ONLY, until=AT - COPY_LIFE)
        case "expired":
            top.about[ISSUER] |= {"exp": AT - 1}
        case "stale":
            top.at, top.life = AT - 600, 300
        case "taken over":
            realm.members[HEIR] = issuer(HEIR, MINISTRY)
            publish(realm, MINISTRY, handed(realm[ISSUER], ISSUER, realm[HEIR]))
        case "another key":
            realm[ISSUER].keys[Role.CREDENTIAL_ISSUER] = Signer.new()
        case _:
            assert what == "good"
    return realm


@pytest.mark.parametrize("form", ["dc+sd-jwt", "dc+sd-cwt", "mso_mdoc"])
@pytest.mark.parametrize(
    "what", ["good", "silent", "ended", "not yet", "elsewhere", "compromised", "retired", "expired", "stale", "another key", "taken over"]
)
def test_a_pack_answers_every_check_as_the_network_does(form: str, what: str) -> None:
    """One flow, two drivers: each line is the same, detail and all."""
    realm = bent(what)
    shown = show(issue(form), format_name=form)
    verified = read(pack(*realm.artefacts(), *(LISTS[:1] if form == "dc+sd-jwt" else LISTS)), realm)

    def judge(trust: Material, driver: Any) -> Decision:
        return run(verify({"poa": [shown]}, expectation(format=form), trust, at=AT), driver)

    there = judge(online(realm), Answers({LIST: LISTS[0].data}))
    here = judge(known(verified), verified.answer)
    assert here.checks == there.checks
    assert (here.decision, here.code, here.credentials) == (there.decision, there.code, there.credentials)
    assert (here.decision == "accepted") is (what in {"good", "ended", "taken over"})
    assert (here.line("issuer_trust").code == "succeeded") is (what == "taken over")


def test_bundle_cannot_add_anchor() -> None:
    """S17: neither an anchor of its own making, nor one of the pinned name with another key."""
    realm = justice()
    wire = show(issue())
    stranger = read(pack(*realm.artefacts(), *LISTS), realm, pins=())
    assert (stranger.federation.words, stranger.federation.anchors, stranger.memory.snapshots) == ((), (), {})
    assert decide(wire, trust=known(stranger), answer=stranger.answer).code == "untrusted"
    other = read(pack(*justice().artefacts(), *LISTS), realm)
    assert other.federation.words == ()
    decision = decide(wire, trust=known(other), answer=other.answer)
    assert (decision.decision, decision.code) == ("undecided", "snapshot_missing")


def test_old_statement_in_new_bundle() -> None:
    """S17: what superiors said before never returns, in whatever pack; an old statement beside a new list is a file like any other."""
    realm = justice()
    first = read(pack(*realm.artefacts()), realm)
    old = realm.artefacts()
    realm[MINISTRY].about[ISSUER] = {}
    for each in (MINISTRY, COURTS):
        realm.again(each)
    second = read(pack(*realm.artefacts(), *old[1:3], *LISTS, seq=3), realm, memory=first.memory)
    assert decide(show(issue()), trust=known(second), answer=second.answer).code == "not_entitled"
    with pytest.raises(BundleRolledBack):
        read(pack(*old, seq=5), realm, memory=second.memory)
    kept = parse_memory(render_memory(second.memory))
    assert kept == second.memory
    assert [each.key for each in kept.snapshots.values()] == [
        base64url.encode(thumbprint(realm[each].signer.public)) for each in (MINISTRY, COURTS)
    ]
    before = json.loads(render_memory(second.memory))
    del before["snapshots"][MINISTRY]["key"], before["dates"]  # as it was kept by earlier versions
    earlier = parse_memory(json.dumps(before).encode())
    assert (earlier, earlier.snapshots[MINISTRY].key) == (replace(second.memory, dates={}), "")
    assert set(second.memory.snapshots) == {MINISTRY, f"{MINISTRY} {COURTS}"}


def test_old_statement_in_new_list_of_a_pack() -> None:
    """S17: a pack is held to the dates of what was seen before, as what is heard is."""
    realm = justice()
    memory = parse_memory(render_memory(read(pack(*realm.artefacts()), realm).memory))
    realm[COURT].claims["iat"] = AT - 90
    realm.again(COURTS)
    found = read(pack(*realm.artefacts(), seq=3), realm, memory=memory)
    assert [COURT in each.configurations for each in found.federation.words] == [False, False]
    assert found.federation.chain(ISSUER, AT).subject == ISSUER
    realm[COURT].claims.clear()
    realm[COURTS].about[COURT] |= {"iat": AT - 90}
    realm.again(COURTS)
    assert [each.entity for each in read(pack(*realm.artefacts(), seq=5), realm, memory=found.memory).federation.words] == [MINISTRY]
    realm[MINISTRY].about[ISSUER] |= {"iat": AT - 90}
    realm.again(MINISTRY)
    with pytest.raises(Malformed):
        read(pack(*realm.artefacts(), seq=5), realm, memory=memory)
    fresh = read(pack(*realm.artefacts(), seq=5), realm)  # who never saw a newer one cannot know
    assert fresh.federation.chain(ISSUER, AT).subject == ISSUER


def test_names_that_change_with_each_pack_do_not_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a way that is gone the number stays, of the newest, as long as anything older could still be in force; what was said there does not."""
    monkeypatch.setattr("shared.trust.memory.MAX_GONE", 2)
    realm, memory, numbers = justice(), BundleMemory(), []
    there = dict(realm.members)
    for turn in range(4):
        name = f"https://turn{turn}.example"
        below = issuer(f"https://low{turn}.example", name)
        realm.members = there | {name: Member(name, superiors=(COURTS,), at=AT - 50 + turn), below.entity: below}
        realm.again(COURTS, at=AT - 30 + turn)
        memory = read(pack(*realm.artefacts(), seq=1 + 2 * turn), realm, memory=memory).memory
        assert memory.dates.keys() == {MINISTRY, f"{MINISTRY} {COURTS}", f"{MINISTRY} {COURTS} {name}"}
        numbers.append(len(memory.snapshots))
    assert numbers == [3, 4, 5, 5]
    assert f"{MINISTRY} {COURTS} https://turn0.example" not in memory.snapshots
    later = memory.with_words((), AT + 30 * DAY)  # nobody is heard: nobody is known to be gone
    assert later == memory
    words = [each for each in read(pack(*realm.artefacts(), seq=9), realm, memory=memory).federation.words if len(each.path) < 3]
    assert len(memory.with_words(words, AT + 30 * DAY).snapshots) == 3  # the last one is named still


def test_who_is_named_and_not_in_a_pack_is_held_to_what_it_said_before(monkeypatch: pytest.MonkeyPatch) -> None:
    realm = justice()
    memory = read(pack(*realm.artefacts()), realm).memory
    without = read(pack(*realm.artefacts(MINISTRY), seq=3), realm, memory=memory).memory
    assert without.dates == memory.dates
    monkeypatch.setattr("shared.trust.memory.MAX_AWAY", 10)
    assert read(pack(*realm.artefacts(MINISTRY), seq=3), realm, memory=memory).memory.dates.keys() == {MINISTRY}


def test_only_anchors_move_the_time() -> None:
    """S18."""
    realm = justice()
    realm.again(COURTS, at=AT + 60)
    assert read(pack(*realm.artefacts()), realm).memory.floor == AT - 60
    realm.again(MINISTRY, at=AT + 50)
    assert read(pack(*realm.artefacts()), realm).memory.floor == AT + 50


def test_a_pack_lacks_something() -> None:
    realm = justice()
    with pytest.raises(BundleIncomplete):
        read(pack(*realm.artefacts()[:-1]), realm)
    assert len(read(pack(*realm.artefacts(MINISTRY)), realm).federation.words) == 1  # the courts did not answer whoever made it
    assert read(pack(*realm.artefacts(COURTS)), realm).federation.words == ()


def test_one_superior_alone_is_wrong() -> None:
    """What a superior below says in a way that cannot be believed counts as not said; of an anchor it spoils the pack."""
    realm = justice()
    for superior, other in ((COURTS, MINISTRY), (MINISTRY, COURTS)):
        token, rest = realm.said(superior)
        forged = Artefact(media_type=SNAPSHOT, data=(token.rpartition(".")[0] + "." + "A" * 86).encode())
        data = pack(*realm.artefacts(other), forged, *rest)
        if superior == MINISTRY:
            with pytest.raises(BadSignature):
                read(data, realm)
        else:
            found = read(data, realm).federation
            assert [each.entity for each in found.words] == [MINISTRY]
            assert (found.chain(ISSUER, AT).subject, found.knows(COURT)) == (ISSUER, False)


def test_a_person_can_see_who_speaks_of_whom() -> None:
    told = [(each["media_type"], each["name"]) for each in describe(parse_bundle(pack(*bent("taken over").artefacts())))]
    assert (ENTITY_STATEMENT, f"{MINISTRY} of itself") in told
    assert (ENTITY_STATEMENT, f"{COURTS} of {COURT}") in told
    assert (SUCCESSOR, f"{HEIR} after {ISSUER}") in told


# --- what pages get ------------------------------------------------------------------------------------------------------------------------


def flat(policy: Policy) -> dict[str, Any]:
    own = Own(entity=BANK, name="Bank", public=PACKER.public)
    found: dict[str, Any] = json.loads(page_keys(policy, (), own, at=AT))
    return found


def entries(policy: Policy) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = flat(policy)["issuers"]
    return found


def test_pages_get_the_keys_of_issuers_that_federations_carry() -> None:
    realm = justice()
    realm[MINISTRY].about[ISSUER] = critical(
        entitlements=[
            says(VCT, since=AT - 9, until=AT + 9),
            says("urn:later", since=AT + DAY),
            says("urn:limited", jurisdiction=["GB-SCT"], attestation_basis=["register", "inspection"]),
            says("urn:lately", until=AT + 1 - COPY_LIFE, since=AT - 90 * DAY),
            says("urn:over", until=AT - COPY_LIFE, since=AT - 90 * DAY),
        ]
    )
    told = {each["iss"]: each for each in entries(realm.policy(MINISTRY))}
    assert set(told) == {ISSUER, COURT}
    one = told[ISSUER]
    assert (one["kid"], one["x5c"], one["vcts"]) == (base64url.encode(kid_of(KEY)), None, None)
    assert (one["name"], one["state"], one["ended_at"], one["federated"]) == (f"The body at {ISSUER}", "active", None, True)
    assert (one["not_before"], one["not_after"], one["stale_at"]) == (AT - 120, AT + DAY - 1, AT - 60 + 7 * DAY)
    assert {each["vct"] for each in one["rights"]} == {VCT, "urn:later", "urn:limited", "urn:lately"}
    assert one["rights"][0] == {"vct": VCT, "from": AT - 9, "until": AT + 9, "jurisdiction": None, "attestation_basis": None}
    assert (one["rights"][2]["jurisdiction"], one["rights"][2]["attestation_basis"]) == (["GB-SCT"], ["register", "inspection"])


def test_pages_learn_who_took_over() -> None:
    """And that superiors speak of a body whose certificate is pinned. What has run out, or does not count, they do not learn."""
    realm = bent("taken over")
    (one,) = flat(realm.policy(MINISTRY))["successions"]
    assert one == {
        "outgoing": ISSUER,
        "successor": HEIR,
        "name": {"en": f"The body at {HEIR}", "cy": f"The body at {HEIR}"},
        "from": AT - DAY,
        "not_before": AT - DAY,
        "not_after": AT - 30 + 7 * DAY - 1,
        "vcts": None,
        "not_vcts": [by_id(name).vct for name in ("disclosure-permission", "known-here")],
        "status_duty": False,
        "may_cancel": False,
    }
    publish(realm, MINISTRY, handed(realm[ISSUER], ISSUER, realm[HEIR], since=AT + DAY, vcts=[VCT], status_duty=True))
    (announced,) = flat(realm.policy(MINISTRY))["successions"]
    assert (announced["from"], announced["not_before"], announced["vcts"], announced["status_duty"]) == (AT + DAY, AT + DAY, [VCT], True)
    stale = realm.policy(MINISTRY)
    own = Own(entity=BANK, name="Bank", public=PACKER.public)
    assert json.loads(page_keys(stale, (), own, at=AT + 8 * DAY))["successions"] == []
    pinned = replace(material().policy, federation=realm.federation(MINISTRY))
    told = json.loads(page_keys(pinned, registry().x5c, own, at=AT))["issuers"]
    assert [(each["federated"], "rights" in each) for each in told if each["iss"] == ISSUER] == [(True, False), (True, True)]


def test_the_list_of_pages_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest entries stay, in their order, and who took over before all else."""
    realm = bent("taken over")
    whole = flat(realm.policy(MINISTRY))
    sizes = {each["iss"]: len(json.dumps(each, separators=(",", ":"))) for each in whole["issuers"]}
    names = len(json.dumps(whole["successions"][0], separators=(",", ":")))
    monkeypatch.setattr("shared.trust.page_keys.ROOM", names + sum(sizes.values()) - 1)
    told = flat(realm.policy(MINISTRY))
    largest = max(whole["issuers"], key=lambda each: (sizes[each["iss"]], whole["issuers"].index(each)))
    assert told["issuers"] == [each for each in whole["issuers"] if each != largest]
    assert told["successions"] == whole["successions"]
    monkeypatch.setattr("shared.trust.page_keys.ROOM", names - 1)
    none = flat(realm.policy(MINISTRY))
    assert none["successions"] == []
    assert len(json.dumps(none["issuers"])) < 2 * names


@pytest.mark.parametrize(
    ("fate", "state"),
    [
        ({"state": KeyState.COMPROMISED, "until": AT - 1}, "compromised"),
        ({"state": KeyState.VERIFY_ONLY, "until": AT - COPY_LIFE}, "ended"),
        ({"state": KeyState.VERIFY_ONLY, "until": AT - 1}, "verify-only"),
        ({"entity": COURT}, None),  # not known as a key of this body
    ],
)
def test_pages_are_told_how_keys_ended(fate: dict[str, Any], state: str | None) -> None:
    realm = justice()
    realm[MINISTRY].end(registry().signer, **fate)
    told = [each["state"] for each in entries(realm.policy(MINISTRY)) if each["iss"] == ISSUER]
    assert told == ([] if state is None else [state])


def test_pages_get_nothing_of_who_has_no_chain_in_force() -> None:
    realm = bent("expired")
    assert {each["iss"] for each in entries(realm.policy(MINISTRY))} == {COURT}


# --- who makes what ------------------------------------------------------------------------------------------------------------------------


def test_who_makes_documents_of_a_type() -> None:
    realm = bent("expired")
    realm.members["https://second.example"] = issuer("https://second.example", COURTS)
    federation = realm.federation(MINISTRY)
    assert list(federation.makers([VCT], AT)) == [COURT]
    assert list(federation.makers([], AT)) == []
    assert federation.named(kid_of(KEY)) == (ISSUER,)
    assert federation.named(kid_of(realm[MINISTRY].signer.public)) == ()


def test_anchors_that_are_pinned_later_or_no_more() -> None:
    realm = justice()
    federation = realm.federation(MINISTRY)
    assert federation.pinned(federation.anchors) == federation
    assert federation.pinned([]).entities == ()
    assert federation.pinned([justice().pin(MINISTRY)]).words == ()
    assert federation.pinned([*federation.anchors, justice().pin(COURTS)]).words == federation.words


def test_a_pack_needs_nothing_that_superiors_have_no_business_to_publish() -> None:
    realm, other = justice(), Artefact(media_type="text/plain", data=b"x")
    realm[COURTS].more = (other,)
    files = realm.artefacts()
    assert len(read(pack(*(each for each in files if each != other)), realm).federation.words) == 2
    last = [each for each in files if each.media_type == ENTITY_STATEMENT][-1]
    with pytest.raises(BundleIncomplete):
        read(pack(*(each for each in files if each not in {other, last})), realm)


def test_who_calls_anothers_statement_something_else_takes_nothing_from_it() -> None:
    """A pack holds the same bytes once, under one name."""
    realm, rogue = justice(), "https://z-rogue.example"
    _, statements = realm.said(COURTS)
    renamed = tuple(replace(each, media_type=TRUST_MARK) for each in statements)
    realm.members[rogue] = Member(rogue, superiors=(MINISTRY,), more=renamed)
    federation = read(pack(*realm.artefacts(MINISTRY, COURTS, rogue)), realm).federation
    assert federation.chain(COURT, AT).subject == COURT


def test_a_pack_holds_thousands_of_things() -> None:
    """As many as a federation of thousands of bodies and a register of those who ask bring together, and as one of its superiors may add that
    publishes all that it can.
    """
    many = [Artefact(media_type="text/plain", data=str(number).encode()) for number in range(12_000 + MOST_FILES // 2)]
    assert len(read(pack(*justice().artefacts(), *many), justice()).bundle.artefacts) > len(many)
