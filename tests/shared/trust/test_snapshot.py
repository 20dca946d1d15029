"""Snapshots, publications and the policy that asks them (security rules S15-S18)."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.chains import named
from support.signing import AT, Signer, leaf
from support.trial_verify import BANK, DAY, ISSUER, VCT, Authority, registry, stranger
from support.trusting import KEY, Publisher, Tiers, certify, crl_by, ended, history

from shared.codec import base64url
from shared.cose import thumbprint
from shared.credentials import all_types
from shared.errors import (
    BadSignature,
    BundleRolledBack,
    CertificateRevoked,
    CrlStale,
    Malformed,
    NotEntitled,
    NotYetValid,
    SnapshotMissing,
    SnapshotStale,
    Unavailable,
    Untrusted,
    VcError,
    WrongTyp,
)
from shared.flow import Fetch, Fetched, run
from shared.jose.jwk import render_jwk
from shared.jose.jws import prepare_jws
from shared.keys import Role
from shared.trust.anchors import Anchor, TrustAnchors
from shared.trust.certificates import chains_of
from shared.trust.memory import BundleMemory
from shared.trust.page_keys import Own, page_keys
from shared.trust.policy import Policy
from shared.trust.publication import Publication, fetch_publication, parse_publication, verify_publication
from shared.trust.snapshot import (
    ATTESTATION_LIFE,
    COPY_LIFE,
    TYP,
    KeyState,
    Snapshot,
    parse_snapshot,
    verify_snapshot,
    worst,
)
from shared.x509 import load_certificate

MAKER = "https://maker.example"


def policy(publisher: Publisher, **how: Any) -> Policy:
    pin = publisher.pin
    crls = (publisher.crl(),) if publisher.crls is None else publisher.crls
    return replace(Policy(TrustAnchors(anchors=(pin,)), {pin.fingerprint: publisher.snapshot()}, crls), **how)


def ask(publisher: Publisher, *, at: int = AT, **how: Any) -> str:
    return named(policy(publisher, **how).check_issuer(publisher.by.x5c, ISSUER, VCT, at))[0]


def seen(publisher: Publisher) -> BundleMemory:
    return BundleMemory().with_snapshot(publisher.pin.fingerprint, publisher.snapshot())


# --- what an anchor says --------------------------------------------------------------------------------------------------------------


def test_a_chain_that_the_newest_snapshot_names_is_good() -> None:
    assert ask(Publisher()) == ISSUER


def test_a_chain_outside_the_newest_snapshot_is_refused() -> None:
    with pytest.raises(Untrusted) as caught:
        ask(Publisher(certificates=()))
    assert "snapshot" in caught.value.detail
    with pytest.raises(Untrusted) as caught:
        ask(Publisher(keys=()))
    assert "key" in caught.value.detail
    with pytest.raises(Untrusted):
        ask(Publisher(keys=(history(role=Role.RELYING_PARTY),)))


def test_a_renewed_certificate_leaves_the_old_one_in_force_while_both_are_named() -> None:
    by = registry()
    again = leaf(by.signer, by.certificate, by.root, uri=ISSUER, at=AT - DAY, serial=9)
    both = Publisher(certificates=(*by.x5c, again))
    for chain in (by.x5c, (again,)):
        assert named(policy(both).check_issuer(chain, ISSUER, VCT, AT)) == (ISSUER,)


def test_first_use_stale_snapshot() -> None:
    """S17: past ``next_update`` nobody can tell what was withdrawn since: undecided, on the first use as on every other."""
    late = Publisher(at=AT - 8 * DAY, life=7 * DAY, crls=(crl_by(registry().certificate, registry().root, days=30, at=AT - 8 * DAY),))
    with pytest.raises(SnapshotStale):
        ask(late)
    assert ask(late, at=AT - 2 * DAY) == ISSUER


def test_a_no_stays_a_no_when_the_snapshot_is_stale() -> None:
    gone = ended(KeyState.COMPROMISED, AT - 9 * DAY)
    with pytest.raises(CertificateRevoked):
        ask(Publisher(at=AT - 8 * DAY, keys=(gone,)))


# --- S15 ------------------------------------------------------------------------------------------------------------------------------


def test_backdated_by_retired_key() -> None:
    """A retired key verifies until everything that it signed has run out; whoever steals it later can only back-date within that."""
    retired = Publisher(at=AT, keys=(ended(KeyState.VERIFY_ONLY, AT - 10 * DAY),))
    assert ask(retired) == ISSUER
    last = AT - 10 * DAY + COPY_LIFE
    for at, good in ((last - 1, True), (last, False), (last + DAY, False)):
        later = replace(retired, at=at - 60)
        if good:
            assert ask(later, at=at) == ISSUER
        else:
            with pytest.raises(Untrusted):
                ask(later, at=at)


def test_no_copy_of_any_type_outlives_a_retired_key() -> None:
    assert all(each.copy_days * DAY <= COPY_LIFE for each in all_types().values())


def test_backdated_by_compromised_key() -> None:
    """Nothing by it is believed, whatever date is written above, from the moment that it is known (S15)."""
    for until in (AT - 400 * DAY, AT, AT + DAY):
        with pytest.raises(CertificateRevoked):
            ask(Publisher(keys=(ended(KeyState.COMPROMISED, until),)))


def test_a_key_that_is_told_ahead_verifies_and_one_that_has_ended_does_not() -> None:
    """Nobody's newest word has to come before the first signature; and no clock revives what its anchor calls ended."""
    assert ask(Publisher(keys=(history(state=KeyState.CREATED),))) == ISSUER
    for until in (AT - 400 * DAY, AT, AT + DAY):
        with pytest.raises(Untrusted):
            ask(Publisher(keys=(ended(KeyState.ENDED, until),)))


def test_of_two_words_on_one_key_the_worse_counts() -> None:
    stolen, over, late = (ended(state, AT + DAY) for state in (KeyState.COMPROMISED, KeyState.ENDED, KeyState.VERIFY_ONLY))
    early = ended(KeyState.VERIFY_ONLY, AT)
    assert worst([late, history(), over, stolen]) == stolen
    assert worst([late, over, early]) == over
    assert worst([late, early]) == early
    assert worst([history(), history(state=KeyState.CREATED)]) is None


def test_a_key_only_goes_on() -> None:
    order = [KeyState.CREATED, KeyState.ACTIVE, KeyState.VERIFY_ONLY, KeyState.ENDED, KeyState.COMPROMISED]
    for first in order:
        assert [first.goes_to(each) for each in order] == [order.index(each) > order.index(first) for each in order]
    assert [each for each in order if each.is_over] == order[2:]


def test_what_earlier_versions_called_retired_is_read_as_verify_only() -> None:
    """Packs that were made before keep working (S15 as ever)."""
    old = bent_key(state="retired", until=AT - 10 * DAY)
    (key,) = old.keys.values()
    assert (key.state, key.ends_at) == (KeyState.VERIFY_ONLY, AT - 10 * DAY + COPY_LIFE)
    assert KeyState("retired") is KeyState.VERIFY_ONLY
    with pytest.raises(ValueError, match="asleep"):
        KeyState("asleep")


def test_a_retired_asker_asks_no_more() -> None:
    by = Authority.new(BANK, role=Role.RELYING_PARTY)
    pins = Publisher(by=by, entity=BANK, role=Role.RELYING_PARTY)
    assert policy(pins).check_relying_party(by.x5c, AT).uris == (BANK,)
    gone = history(by.signer.public, entity=BANK, role=Role.RELYING_PARTY, state=KeyState.VERIFY_ONLY, until=AT - 1)
    with pytest.raises(Untrusted):
        policy(replace(pins, keys=(gone,))).check_relying_party(by.x5c, AT)


def test_a_makers_word_outlives_its_key_by_no_more_than_itself() -> None:
    """What was said of a wallet in good order stands for its day, as a copy does for its month; from a stolen key nothing does (S15)."""
    by = Authority.new(MAKER, role=Role.WALLET_PROVIDER)
    pins = Publisher(by=by, entity=MAKER, role=Role.WALLET_PROVIDER)
    for state, until, error in (
        (KeyState.VERIFY_ONLY, AT - ATTESTATION_LIFE + 1, None),
        (KeyState.VERIFY_ONLY, AT - ATTESTATION_LIFE, Untrusted),
        (KeyState.ENDED, AT + DAY, Untrusted),
        (KeyState.COMPROMISED, AT, CertificateRevoked),
    ):
        over = history(by.signer.public, entity=MAKER, role=Role.WALLET_PROVIDER, state=state, until=until)
        asked = policy(replace(pins, keys=(over,)))
        if error is None:
            assert asked.check_wallet_provider(by.x5c, AT).uris == (MAKER,)
        else:
            with pytest.raises(error):
                asked.check_wallet_provider(by.x5c, AT)


def test_ended_in_one_path_ended_in_both() -> None:
    """S16: withdrawn by the list, or ended in the key's history: either is enough, and a missing list hides neither."""
    serial = 2
    withdrawn = Publisher(withdrawn=(serial,))
    compromised = Publisher(keys=(ended(KeyState.COMPROMISED, AT),))
    for publisher in (withdrawn, compromised, replace(compromised, withdrawn=(serial,))):
        with pytest.raises(CertificateRevoked):
            ask(publisher)
    with pytest.raises(CertificateRevoked):
        ask(replace(compromised, crls=()))


# --- S16 ------------------------------------------------------------------------------------------------------------------------------


def test_a_list_of_withdrawn_certificates_has_to_be_there_and_in_force() -> None:
    with pytest.raises(CrlStale):
        ask(Publisher(crls=()))
    for at in (AT - 30 * DAY, AT + DAY):
        with pytest.raises(CrlStale):
            ask(Publisher(crls=(crl_by(registry().certificate, registry().root, at=at, days=3),)))


def test_an_old_list_does_not_speak_where_a_newer_one_is_named() -> None:
    """Mix and match: a list from before the withdrawal, still in force by its own dates, beside the newest snapshot."""
    before = crl_by(registry().certificate, registry().root)
    now = Publisher(withdrawn=(2,), seq=2)
    with pytest.raises(CrlStale):
        ask(now, crls=(before,))
    with pytest.raises(CertificateRevoked):
        ask(now, crls=(before, now.crl()))


def test_revoked_intermediate_offline() -> None:
    """S16: every authority of the chain is asked, each by its own list."""
    chain = Tiers.new()
    good = chain.publisher()
    assert ask(good) == ISSUER
    top, between = crl_by(chain.top, chain.root), crl_by(chain.between, chain.middle)
    with pytest.raises(CertificateRevoked):
        ask(chain.publisher(crls=(crl_by(chain.top, chain.root, chain.between.serial), between)))
    for missing in ((top,), (between,), ()):
        with pytest.raises(CrlStale):
            ask(chain.publisher(crls=missing))
    with pytest.raises(Untrusted):
        ask(replace(good, certificates=chain.issuer.x5c[:1]))


# --- anchors without a snapshot ---------------------------------------------------------------------------------------------------------


def test_an_anchor_without_a_snapshot_is_asked_online_as_before_but_never_from_a_pack() -> None:
    pin = registry().pin(entity=ISSUER)
    trust = TrustAnchors(anchors=(pin,))
    online = Policy(trust)
    assert named(online.check_issuer(registry().x5c, ISSUER, VCT, AT)) == (ISSUER,)
    with pytest.raises(SnapshotMissing):
        Policy.sealed(trust, {}).check_issuer(registry().x5c, ISSUER, VCT, AT)
    waived = TrustAnchors(anchors=(replace(pin, without_snapshot=True),))
    assert named(Policy.sealed(waived, {}).check_issuer(registry().x5c, ISSUER, VCT, AT)) == (ISSUER,)


def test_who_has_published_once_is_never_without_again() -> None:
    pin = replace(registry().pin(entity=ISSUER), without_snapshot=True)
    sealed = Policy.sealed(TrustAnchors(anchors=(pin,)), {}, seen=(pin.fingerprint,))
    with pytest.raises(SnapshotMissing):
        sealed.check_issuer(registry().x5c, ISSUER, VCT, AT)


def test_a_waiver_does_not_silence_a_snapshot() -> None:
    publisher = Publisher(certificates=())
    pin = replace(publisher.pin, without_snapshot=True)
    with pytest.raises(Untrusted):
        Policy.sealed(TrustAnchors(anchors=(pin,)), {pin.fingerprint: publisher.snapshot()}).check_issuer(
            registry().x5c, ISSUER, VCT, AT, (publisher.crl(),)
        )


def test_a_missing_snapshot_is_told_only_of_an_issuer_that_is_entitled() -> None:
    with pytest.raises(NotEntitled):
        Policy.sealed(TrustAnchors(anchors=(registry().pin(entity=BANK),)), {}).check_issuer(registry().x5c, ISSUER, VCT, AT)


# --- order ------------------------------------------------------------------------------------------------------------------------------


def check(publisher: Publisher, memory: BundleMemory | None = None, *, at: int = AT) -> None:
    known = memory or BundleMemory()
    verify_snapshot(publisher.snapshot(), publisher.pin, seen=known.snapshots.get(publisher.pin.fingerprint), at=at)


def test_snapshots_of_one_anchor_only_go_forward() -> None:
    first = Publisher(seq=5)
    token = first.token()
    memory = BundleMemory().with_snapshot(first.pin.fingerprint, parse_snapshot(token))
    verify_snapshot(parse_snapshot(token), first.pin, seen=memory.snapshots[first.pin.fingerprint], at=AT)
    check(replace(first, seq=6), memory)
    check(replace(first, seq=9, at=AT), memory)
    for older in (replace(first, seq=4), replace(first, seq=4, at=AT), replace(first, seq=6, at=AT - 61)):
        with pytest.raises(BundleRolledBack):
            check(older, memory)


def test_the_same_number_with_other_words_was_rewritten() -> None:
    memory = seen(Publisher(seq=5))
    with pytest.raises(BundleRolledBack) as caught:
        check(Publisher(seq=5, withdrawn=(3,)), memory)
    assert "rewritten" in caught.value.detail


def test_each_anchor_counts_for_itself() -> None:
    other = Publisher(by=Authority.new())
    check(other, seen(Publisher(seq=5)))


# --- who --------------------------------------------------------------------------------------------------------------------------------


def test_only_the_anchor_itself_signs_its_snapshot() -> None:
    publisher = Publisher()
    with pytest.raises(BadSignature):
        verify_snapshot(Publisher(by=stranger()).snapshot(), publisher.pin, seen=None, at=AT)
    wrong = prepare_jws(typ="statuslist+jwt", payload=publisher.snapshot().jws.payload, key=KEY, header={"kid": "x"})
    with pytest.raises(WrongTyp):
        verify_snapshot(parse_snapshot(registry().root.finish(wrong)), publisher.pin, seen=None, at=AT)
    leaf_signed = prepare_jws(typ=TYP, payload=publisher.snapshot().jws.payload, key=KEY)
    with pytest.raises(BadSignature):
        verify_snapshot(parse_snapshot(registry().signer.finish(leaf_signed)), publisher.pin, seen=None, at=AT)


def test_a_snapshot_for_another_entity_or_by_an_anchor_out_of_force() -> None:
    with pytest.raises(Untrusted):
        verify_snapshot(Publisher(entity=BANK).snapshot(), Publisher().pin, seen=None, at=AT)
    for at in (AT - 31 * DAY, AT + 4000 * DAY):
        with pytest.raises(Untrusted):
            check(Publisher(at=at - 60), at=at)
    unbound = registry().pin()
    verify_snapshot(Publisher(entity=BANK).snapshot(), unbound, seen=None, at=AT)


def test_future_iat_cannot_freeze_clock() -> None:
    """S18: a snapshot dated more than five minutes ahead is refused and moves nothing; the floor never passes that."""
    for ahead in (301, 365 * DAY):
        with pytest.raises(NotYetValid):
            check(Publisher(at=AT + ahead))
    near = Publisher(at=AT + 300)
    check(near)
    assert seen(near).floor == AT + 300
    assert seen(near).with_snapshot("another", Publisher(at=AT).snapshot()).floor == AT + 300


# --- publication ------------------------------------------------------------------------------------------------------------------------


def test_a_publication_is_whole_and_by_a_pinned_anchor() -> None:
    publisher = Publisher()
    read = parse_publication(publisher.publication())
    assert verify_publication(read, (stranger().pin(), publisher.pin), seen={}, at=AT) == (publisher.pin,)
    assert read.of("application/pkix-cert") == registry().x5c
    assert len(read.of("application/pkix-crl")) == 1
    with pytest.raises(Untrusted):
        verify_publication(read, (stranger().pin(),), seen={}, at=AT)
    memory = seen(Publisher(seq=2))
    with pytest.raises(BundleRolledBack):
        verify_publication(read, (publisher.pin,), seen=memory.snapshots, at=AT)


def test_one_certificate_pinned_for_two_roles_is_one_anchor() -> None:
    publisher = Publisher()
    both = (publisher.pin, registry().pin(role=Role.RELYING_PARTY))
    assert verify_publication(parse_publication(publisher.publication()), both, seen={}, at=AT) == both


def test_half_a_publication_is_none() -> None:
    whole = Publisher().publication()
    document = json.loads(whole)
    for cut in (whole[:-2], whole[: len(whole) // 2], b"", b"{}"):
        with pytest.raises(Malformed):
            parse_publication(cut)
    for name in document["artefacts"]:
        rest = {each: data for each, data in document["artefacts"].items() if each != name}
        with pytest.raises(Malformed):
            parse_publication(json.dumps({**document, "artefacts": rest}).encode())


def test_a_publication_is_fetched_by_one_plain_request() -> None:
    whole = Publisher().publication()

    def ask_for(answer: Fetched) -> tuple[Publication | None, list[Fetch]]:
        asked: list[Fetch] = []

        def driver(fetch: Fetch) -> Fetched:
            asked.append(fetch)
            return answer

        return run(fetch_publication(ISSUER), driver), asked

    found, asked = ask_for(Fetched(status=200, body=whole))
    assert found is not None
    assert found.snapshot.entity == ISSUER
    assert [(each.method, each.url, dict(each.headers)) for each in asked] == [
        ("GET", f"{ISSUER}/.well-known/muniment-trust", {"accept": "application/json"})
    ]
    for status in (404, 410):
        assert ask_for(Fetched(status=status))[0] is None
    with pytest.raises(Unavailable):
        ask_for(Fetched(status=500))
    with pytest.raises(Malformed):
        run(fetch_publication("http://opg.example"), lambda _: Fetched(status=200, body=whole))


# --- form ---------------------------------------------------------------------------------------------------------------------------------


def bent(**changes: Any) -> Snapshot:
    payload = json.loads(Publisher().snapshot().jws.payload) | changes
    made = {name: value for name, value in payload.items() if value != "absent"}
    return parse_snapshot(registry().root.finish(prepare_jws(typ=TYP, payload=json.dumps(made).encode(), key=KEY)), "/snapshot")


def bent_key(**changes: Any) -> Snapshot:
    return bent(keys=[json.loads(Publisher().snapshot().jws.payload)["keys"][0] | changes])


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"iss": "absent"}, "/snapshot/iss"),
        ({"entity": 1}, "/snapshot/entity"),
        ({"seq": 0}, "/snapshot/seq"),
        ({"iat": "1"}, "/snapshot/iat"),
        ({"next_update": AT - 60}, "/snapshot/next_update"),
        ({"next_update": AT - 60 + 7 * DAY + 1}, "/snapshot/next_update"),
        ({"statements": {}}, "/snapshot/statements"),
        ({"statements": [{"sha256": "x"}]}, "/snapshot/statements/0/media_type"),
        ({"keys": "absent"}, "/snapshot/keys"),
    ],
)
def test_a_fault_is_pointed_at(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        bent(**changes)
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"role": "king"}, "/snapshot/keys/0"),
        ({"state": "asleep"}, "/snapshot/keys/0"),
        ({"state": "retired"}, "/snapshot/keys/0/until"),
        ({"state": "ended"}, "/snapshot/keys/0/until"),
        ({"until": AT}, "/snapshot/keys/0/until"),
        ({"state": "created", "until": AT}, "/snapshot/keys/0/until"),
        ({"kid": "AAAAAAAAAAA"}, "/snapshot/keys/0/kid"),
        ({"thumbprint": "AAAA"}, "/snapshot/keys/0/kid"),
        ({"thumbprint": "!"}, "/snapshot/keys/0/thumbprint"),
        ({"reason": None}, "/snapshot/keys/0/reason"),
    ],
)
def test_a_fault_in_a_keys_history_is_pointed_at(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        bent_key(**changes)
    assert caught.value.where == where


def test_one_key_has_one_history() -> None:
    one = json.loads(Publisher().snapshot().jws.payload)["keys"][0]
    with pytest.raises(Malformed):
        bent(keys=[one, one | {"state": "compromised", "until": AT}])


def test_a_snapshot_survives_the_wire() -> None:
    gone = ended(KeyState.VERIFY_ONLY, AT, Signer.new().public)
    read = Publisher(keys=(history(), gone)).snapshot()
    assert set(read.keys.values()) == {history(), gone}
    assert gone.ends_at == AT + COPY_LIFE
    assert read.key(registry().signer.public) == read.history(registry().x5c[0]) == history()
    assert history().ends_at is None
    assert base64url.decode(history().kid) == thumbprint(registry().signer.public)[:8]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_snapshot_or_an_error(data: bytes) -> None:
    for read in (lambda: parse_snapshot(data.decode("latin-1")), lambda: parse_publication(data)):
        try:
            read()
        except VcError:
            continue


# --- loose certificates ---------------------------------------------------------------------------------------------------------------------


def test_chains_are_found_by_entity_and_kid() -> None:
    chain = Tiers.new()
    by = registry()
    again = leaf(by.signer, by.certificate, by.root, uri=ISSUER, at=AT - DAY, days=900, serial=9)
    ders = [b"garbage", by.certificate.der, chain.between.der, chain.issuer.x5c[0], again, *by.x5c, *stranger().x5c]
    found = chains_of(ders, [by.pin(entity=ISSUER), chain.issuer.pin()])
    assert found == {
        (ISSUER, thumbprint(by.signer.public)[:8]): (again,),
        (ISSUER, thumbprint(chain.issuer.signer.public)[:8]): chain.issuer.x5c,
    }
    assert chains_of(ders, [by.pin(role=Role.RELYING_PARTY), by.pin(entity=BANK)]) == {}
    assert chains_of([chain.issuer.x5c[0]], [chain.issuer.pin()]) == {}


def test_nobody_certifies_himself_between_another_registry_and_its_documents() -> None:
    """Anybody who certifies issuers can put another's name, key and key names into certificates that last longer than the true ones."""
    chain, other = Tiers.new(), Authority.new(BANK)
    signer = chain.issuer.signer
    false_leaf = leaf(signer, other.certificate, other.root, uri=ISSUER, at=AT - DAY, days=3_000, serial=9)
    false_authority = certify(chain.middle, other.root, other.certificate).der
    bent = leaf(signer, chain.between, chain.middle, uri=ISSUER, at=AT - DAY, days=800, serial=9)
    unsigned = bent[:-1] + bytes((bent[-1] ^ 1,))
    key = (ISSUER, thumbprint(signer.public)[:8])
    ders = [*chain.issuer.x5c, *other.x5c, false_leaf, false_authority, unsigned]
    for anchors in permutations([chain.issuer.pin(entity=ISSUER), other.pin(entity=BANK)]):
        assert chains_of(ders, anchors)[key] == chain.issuer.x5c


def test_an_anchor_pinned_without_a_snapshot_survives_the_file() -> None:
    from shared.trust.anchors import parse_trust, render_trust

    pin = replace(registry().pin(entity=ISSUER), without_snapshot=True, address="https://elsewhere.example")
    trust = TrustAnchors(anchors=(pin, registry().pin(role=Role.RELYING_PARTY)))
    assert parse_trust(render_trust(trust)) == trust
    assert [each.site for each in trust.anchors] == ["https://elsewhere.example", None]
    assert isinstance(pin, Anchor)


# --- flattened for pages ------------------------------------------------------------------------------------------------------------------


def flat(publisher: Publisher, *certificates: bytes, at: int = AT, **how: Any) -> list[dict[str, Any]]:
    own = Own(entity=BANK, name="Bank", public=stranger().signer.public)
    told = json.loads(page_keys(policy(publisher, **how), certificates or registry().x5c, own, at=at, floor=7))
    assert (told["version"], told["floor"], told["self"]["entity"], told["successions"]) == (2, 7, BANK, [])
    issuers: list[dict[str, Any]] = told["issuers"]
    return issuers


def test_pages_get_the_keys_that_the_policy_vouches_for() -> None:
    (one,) = flat(Publisher(), *registry().x5c, *stranger().x5c)
    leaf_ = load_certificate(registry().x5c[0])
    assert one == {
        "iss": ISSUER,
        "name": leaf_.subject,
        "kid": history().kid,
        "x5c": base64url.encode(leaf_.sha256),
        "key": render_jwk(registry().signer.public),
        "vcts": None,
        "not_before": leaf_.not_before,
        "not_after": leaf_.not_after,
        "state": "active",
        "ended_at": None,
        "federated": False,
    }
    online = Policy(TrustAnchors(anchors=(registry().pin(entity=ISSUER, vcts=(VCT,)),)))
    assert flat(Publisher(), anchors=online.anchors, snapshots={})[0]["vcts"] == [VCT]


def test_pages_are_told_what_became_of_a_key() -> None:
    retired = ended(KeyState.VERIFY_ONLY, AT - DAY)
    assert [(each["state"], each["ended_at"]) for each in flat(Publisher(keys=(retired,)))] == [("verify-only", AT - DAY + COPY_LIFE)]
    later = AT + COPY_LIFE
    gone = Publisher(at=later - 60, keys=(retired,))
    assert [(each["state"], each["ended_at"]) for each in flat(gone, at=later)] == [("ended", AT - DAY + COPY_LIFE)]
    over = Publisher(keys=(ended(KeyState.ENDED, AT + DAY),), at=AT)
    assert [(each["state"], each["ended_at"]) for each in flat(over)] == [("ended", AT)]
    stolen = Publisher(keys=(ended(KeyState.COMPROMISED, AT - DAY),))
    assert [(each["state"], each["ended_at"]) for each in flat(stolen)] == [("compromised", AT - DAY)]
    assert [(each["state"], each["ended_at"]) for each in flat(Publisher(withdrawn=(2,)))] == [("withdrawn", AT)]


def test_pages_are_not_told_of_what_cannot_be_decided() -> None:
    assert flat(Publisher(crls=())) == []
    assert flat(Publisher(keys=())) == []
    assert flat(Publisher(keys=(ended(KeyState.VERIFY_ONLY, AT),), certificates=())) == []
    assert flat(Publisher(), anchors=TrustAnchors(anchors=(registry().pin(role=Role.RELYING_PARTY),))) == []
