from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signing import AT, Signer
from support.trial_verify import (
    BANK,
    DAY,
    ISSUER,
    LIST,
    Answers,
    Authority,
    decide,
    issue,
    material,
    registry,
    show,
    status_cwt,
    status_token,
    stranger,
)
from support.trusting import Publisher

from shared.codec import base64url
from shared.errors import (
    BadSignature,
    BundleIncomplete,
    BundleRolledBack,
    BundleStale,
    Malformed,
    NotYetValid,
    TooLarge,
    Unavailable,
    Untrusted,
    VcError,
    WrongTyp,
)
from shared.flow import Fetch
from shared.jose.jwk import render_jwk, thumbprint
from shared.jose.jws import prepare_jws
from shared.keys import KeyId, Role
from shared.status.memory import StatusMemory
from shared.status.token_status_list import parse_token, verify_token
from shared.trust import bundle as packs
from shared.trust.anchors import Anchor, TrustAnchors
from shared.trust.artefact import OF_ANCHORS
from shared.trust.bundle import (
    CERTIFICATE,
    CRL,
    PAGE_KEYS,
    RP_CERTIFICATE,
    SNAPSHOT,
    STATUS_LIST,
    STATUS_LIST_CWT,
    TYPE_METADATA,
    Artefact,
    Bundle,
    BundleMemory,
    SeenBundle,
    VerifiedBundle,
    describe,
    parse_bundle,
    parse_memory,
    prepare_bundle,
    render_memory,
    verify_bundle,
)
from shared.trust.policy import Policy
from shared.x509 import prepare_crl

PACKER = Signer.new()
PINNED = (thumbprint(PACKER.public),)
EMPTY = BundleMemory()


def artefact(media_type: str, data: bytes | str) -> Artefact:
    return Artefact(media_type=media_type, data=data.encode() if isinstance(data, str) else data)


def status(*values: int, iat: int = AT - 3600, uri: str = LIST) -> Artefact:
    return artefact(STATUS_LIST, status_token(dict(enumerate(values)), iat=iat, uri=uri))


def pack(
    *artefacts: Artefact,
    seq: int = 1,
    prev: str | None = None,
    at: int = AT,
    exp: int = AT + 7 * DAY,
    signer: Signer = PACKER,
) -> bytes:
    unsigned = prepare_bundle(
        issuer=BANK, seq=seq, prev=prev, at=at, exp=exp, artefacts=artefacts, key=KeyId("bundle"), public=signer.public
    )
    return signer.finish(unsigned)


def read(
    data: bytes, *, memory: BundleMemory = EMPTY, at: int = AT, signers: Sequence[str] = PINNED, anchors: Sequence[Anchor] = ()
) -> VerifiedBundle:
    return verify_bundle(parse_bundle(data), signers=signers, at=at, memory=memory, anchors=anchors)


def bend(data: bytes, **changes: Any) -> bytes:
    """The file with other members."""
    return json.dumps({**json.loads(data), **changes}).encode()


def with_manifest(*, signer: Signer = PACKER, files: object = None, **changes: Any) -> bytes:
    """A signed file whose manifest has other members."""
    manifest = {"iss": BANK, "seq": 1, "prev": None, "iat": AT, "exp": AT + DAY, "artefacts": []} | changes
    payload = json.dumps({name: value for name, value in manifest.items() if value != "absent"}).encode()
    jws = signer.finish(prepare_jws(typ=packs.TYP, payload=payload, key=KeyId("bundle"), header={"jwk": render_jwk(signer.public)}))
    return json.dumps({"manifest": jws, "artefacts": {} if files is None else files}).encode()


def everything() -> bytes:
    crl = prepare_crl(issuer=registry().certificate, key=KeyId("anchor"), revoked=[], at=AT, days=30, number=1)
    return pack(
        status(1, 2),
        artefact(CERTIFICATE, registry().x5c[0]),
        artefact(CRL, registry().root.finish(crl)),
        artefact(TYPE_METADATA, b'{"vct":"urn:x"}'),
        artefact("text/plain", b"from a later version"),
    )


def test_a_pack_answers_from_what_it_holds_and_from_nothing_else() -> None:
    verified = read(everything())
    got = verified.answer(Fetch(url=LIST))
    assert (got.status, got.headers["content-type"]) == (200, "application/statuslist+jwt")
    assert parse_token(got.body.decode()).uri == LIST
    assert len(verified.crls) == 1
    assert verified.type_metadata == {"urn:x": b'{"vct":"urn:x"}'}
    for fetch in (Fetch(url=LIST + "x"), Fetch(url="urn:x"), Fetch(url=LIST, method="POST")):
        with pytest.raises(Unavailable):
            verified.answer(fetch)
    source = verified.source
    assert (source.iss, source.signer, source.seq, source.iat, source.exp) == (BANK, PINNED[0], 1, AT, AT + 7 * DAY)


def test_a_person_can_see_what_is_inside() -> None:
    told = {(each["media_type"], each["name"]) for each in describe(parse_bundle(everything()))}
    assert told == {
        (STATUS_LIST, LIST),
        (CERTIFICATE, "Test leaf"),
        (CRL, ""),
        (TYPE_METADATA, "urn:x"),
        ("text/plain", ""),
    }
    broken = pack(artefact(STATUS_LIST, b"\xff"), artefact(CERTIFICATE, b"\xfe"), artefact(TYPE_METADATA, b"[]"))
    assert {each["name"] for each in describe(parse_bundle(broken))} == {"unreadable"}


# --- who -------------------------------------------------------------------------------------------------------------------------------


def test_bundle_cannot_add_anchor() -> None:
    """S17: an anchor inside is a file like any other, even in a pack by the pinned signer."""
    forged = show(issue(by=stranger()))
    data = pack(
        artefact(CERTIFICATE, stranger().certificate.der),
        artefact(CERTIFICATE, stranger().x5c[0]),
        artefact(STATUS_LIST, status_token(by=stranger())),
    )
    verified = read(data)
    decision = decide(forged, trust=material(crls=verified.crls, source=verified.source), answer=verified.answer)
    assert (decision.decision, decision.code) == ("rejected", "untrusted")
    assert decision.line("issuer_trust").state == "failed"


def test_only_pinned_signers_are_read() -> None:
    data = pack(status(), signer=Signer.new())
    for signers in (PINNED, (), ("",)):
        with pytest.raises(Untrusted):
            read(data, signers=signers)


def test_a_pinned_name_without_its_key_is_nobody() -> None:
    """The header may name the pinned key; the signature has to be by it."""
    head, body, _ = json.loads(pack())["manifest"].split(".")
    forged = base64url.encode(Signer.new().raw(f"{head}.{body}".encode()))
    with pytest.raises(BadSignature):
        read(bend(pack(), manifest=f"{head}.{body}.{forged}"))


def test_typ_is_checked_first() -> None:
    jws = PACKER.finish(prepare_jws(typ="statuslist+jwt", payload=b"{}", key=KeyId("b"), header={"jwk": render_jwk(PACKER.public)}))
    with pytest.raises((WrongTyp, Malformed)):
        read(bend(pack(), manifest=jws))
    payload = json.loads(base64url.decode(json.loads(pack())["manifest"].split(".")[1]))
    header = {"jwk": render_jwk(PACKER.public)}
    swapped = PACKER.finish(prepare_jws(typ="receipt+jwt", payload=json.dumps(payload).encode(), key=KeyId("b"), header=header))
    with pytest.raises(WrongTyp):
        read(bend(pack(), manifest=swapped))


def test_a_private_key_in_the_header_is_refused() -> None:
    head = base64url.encode(json.dumps({"alg": "ES256", "typ": packs.TYP, "jwk": {**render_jwk(PACKER.public), "d": "AA"}}).encode())
    _, body, signature = json.loads(pack())["manifest"].split(".")
    with pytest.raises(Malformed):
        parse_bundle(bend(pack(), manifest=f"{head}.{body}.{signature}"))


# --- mix and match ------------------------------------------------------------------------------------------------------------------


def test_manifest_and_artefacts_name_each_other_exactly() -> None:
    one, two = status(1), status(2)
    data = json.loads(pack(one))
    both = json.loads(pack(one, two))
    for files, detail in (
        ({}, "missing"),
        (both["artefacts"], "does not name"),
        ({one.sha256: both["artefacts"][two.sha256]}, "not the one"),
        ({one.sha256: "not base64!"}, "base64"),
        ({one.sha256: 7}, "string"),
    ):
        with pytest.raises(Malformed) as caught:
            parse_bundle(json.dumps({**data, "artefacts": files}).encode())
        assert detail in caught.value.detail
        assert caught.value.where.startswith("/artefacts/")


def test_one_artefact_is_named_once() -> None:
    entry = {"media_type": "text/plain", "sha256": artefact("text/plain", b"x").sha256}
    with pytest.raises(Malformed) as caught:
        parse_bundle(with_manifest(artefacts=[entry, entry], files={entry["sha256"]: "eA=="}))
    assert caught.value.where == "/manifest/artefacts/1"


def test_the_same_bytes_are_packed_once() -> None:
    one = status(1)
    assert read(pack(one, one)).bundle.artefacts == (one,)


def test_an_empty_artefact_is_allowed() -> None:
    assert parse_bundle(pack(artefact("text/plain", b""))).artefacts[0].data == b""


@pytest.mark.parametrize(
    "artefacts",
    [
        (status(1), status(2, iat=AT)),
        (artefact(TYPE_METADATA, b'{"vct":"a"}'), artefact(TYPE_METADATA, b'{"vct":"a","name":"b"}')),
        (artefact(TYPE_METADATA, b"[]"),),
        (artefact(TYPE_METADATA, b'{"vct":1}'),),
        (artefact(STATUS_LIST, b"\xff"),),
        (artefact(SNAPSHOT, b"\xff"),),
        (artefact(SNAPSHOT, b"a.b.c"),),
        (artefact(STATUS_LIST, b"a.b.c"),),
    ],
)
def test_what_a_pack_holds_has_to_be_of_its_kind_and_unique(artefacts: tuple[Artefact, ...]) -> None:
    with pytest.raises(Malformed):
        read(pack(*artefacts))


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"iss": "absent"}, "/manifest/iss"),
        ({"seq": 0}, "/manifest/seq"),
        ({"seq": "1"}, "/manifest/seq"),
        ({"prev": "absent"}, "/manifest/prev"),
        ({"prev": 1}, "/manifest/prev"),
        ({"iat": 1.5}, "/manifest/iat"),
        ({"exp": "absent"}, "/manifest/exp"),
        ({"artefacts": {}}, "/manifest/artefacts"),
        ({"artefacts": [{"media_type": "x"}]}, "/manifest/artefacts/0/sha256"),
        ({"artefacts": [{"media_type": "a\0b", "sha256": "x"}]}, "/manifest/artefacts/0/media_type"),
        ({"artefacts": [{"media_type": "ä", "sha256": "x"}]}, "/manifest/artefacts/0/media_type"),
    ],
)
def test_a_fault_in_the_manifest_is_pointed_at(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_bundle(with_manifest(**changes))
    assert caught.value.where == where


def test_bounds() -> None:
    many = [{"media_type": "x", "sha256": str(number)} for number in range(packs.MAX_PACKED + 1)]
    with pytest.raises(TooLarge):
        parse_bundle(with_manifest(artefacts=many))
    with pytest.raises(TooLarge):
        pack(*[artefact("x", str(number)) for number in range(packs.MAX_PACKED + 1)])
    with pytest.raises(TooLarge):
        pack(artefact("x", bytes(packs.MAX_ARTEFACT + 1)))
    with pytest.raises(TooLarge):
        parse_bundle(b" " * (packs.MAX_BYTES + 1))


# --- rollback -------------------------------------------------------------------------------------------------------------------------


def test_packs_of_one_signer_only_go_forward() -> None:
    first = read(pack(status(), seq=5))
    digest = first.bundle.digest
    assert first.memory.signers == {PINNED[0]: SeenBundle(seq=5, iat=AT, digest=digest)}
    assert read(pack(status(), seq=5), memory=EMPTY).bundle.seq == 5
    for older in (pack(seq=4), pack(seq=1)):
        with pytest.raises(BundleRolledBack):
            read(older, memory=first.memory)
    with pytest.raises(BundleRolledBack):
        read(pack(status(3), seq=5), memory=first.memory)
    with pytest.raises(BundleRolledBack):
        read(pack(seq=6, prev=digest, at=AT - 1), memory=first.memory)
    with pytest.raises(BundleRolledBack):
        read(pack(seq=6, prev="another"), memory=first.memory)
    with pytest.raises(BundleRolledBack):
        read(pack(seq=6), memory=first.memory)
    read(pack(seq=6, prev=digest), memory=first.memory)
    read(pack(seq=9, prev="of a pack that was skipped"), memory=first.memory)


def test_the_same_pack_is_read_again() -> None:
    data = pack(status())
    first = read(data)
    assert read(data, memory=first.memory).memory == first.memory


def test_each_signer_counts_for_itself() -> None:
    other = Signer.new()
    memory = read(pack(seq=5)).memory
    both = read(pack(seq=1, signer=other), memory=memory, signers=(*PINNED, thumbprint(other.public)))
    assert len(both.memory.signers) == 2


def learnt(token: Artefact) -> StatusMemory:
    parsed = parse_token(token.data.decode())
    return StatusMemory().learn(ISSUER, verify_token(parsed, uri=LIST, key=registry().signer.public, at=AT))


def test_old_statement_in_new_bundle() -> None:
    """S17: a newer pack by another, or a careless, signer cannot bring back an older list."""
    memory = read(pack(status(iat=AT - 60))).memory.with_statuses(learnt(status(iat=AT - 60)))
    with pytest.raises(BundleRolledBack):
        read(pack(status(iat=AT - 61), seq=2, prev=None), memory=replace(memory, signers={}))
    read(pack(status(iat=AT - 60), seq=2), memory=replace(memory, signers={}))
    read(pack(status(iat=AT - 59), seq=2), memory=replace(memory, signers={}))


# --- time -----------------------------------------------------------------------------------------------------------------------------


def test_a_pack_past_its_end_is_not_begun_with() -> None:
    data = pack(status(), exp=AT + 10)
    assert read(data, at=AT + 9).bundle.exp == AT + 10
    for at in (AT + 10, AT + 999):
        with pytest.raises(BundleStale):
            read(data, at=at)


def test_a_clock_set_back_does_not_revive_a_pack() -> None:
    """The floor that a newer snapshot has left counts, not the clock alone (S18)."""
    publisher = Publisher(at=AT + DAY)
    memory = read(pack(*publisher.artefacts(), seq=2, at=AT + DAY, exp=AT + 2 * DAY), at=AT + DAY, anchors=[publisher.pin]).memory
    other = Signer.new()
    with pytest.raises(BundleStale):
        read(pack(exp=AT + 10, signer=other), memory=memory, signers=(thumbprint(other.public),))


def test_packs_dated_in_the_future_are_refused_and_move_no_clock() -> None:
    """S18: who makes packs has no say about the time, nor can packs climb on each other's dates."""
    year = 365 * DAY
    with pytest.raises(NotYetValid):
        read(pack(at=AT + year, exp=AT + 2 * year))
    with pytest.raises(NotYetValid):
        read(pack(at=AT + 301))
    memory = read(pack(at=AT + 300)).memory
    assert memory.floor == 0
    with pytest.raises(NotYetValid):
        read(pack(seq=2, at=AT + 600, prev=memory.signers[PINNED[0]].digest), memory=memory)


def test_only_snapshots_of_pinned_anchors_move_the_floor() -> None:
    publisher = Publisher(at=AT + 200)
    assert read(pack(*publisher.artefacts())).memory.floor == 0
    assert read(pack(*publisher.artefacts()), anchors=[stranger().pin()]).memory.floor == 0
    memory = read(pack(*publisher.artefacts()), anchors=[publisher.pin]).memory
    assert memory.floor == AT + 200
    assert decide(show(issue()), trust=material(floor=memory.floor), answer=Answers({LIST: status_token()})).decision == "accepted"
    with pytest.raises(NotYetValid):
        read(pack(*Publisher(at=AT + 301).artefacts()), anchors=[publisher.pin])
    assert (
        read(pack(*Publisher(at=AT - 50).artefacts()), memory=BundleMemory(floor=AT - 10), anchors=[publisher.pin]).memory.floor == AT - 10
    )


# --- snapshots ------------------------------------------------------------------------------------------------------------------------


def whole(publisher: Publisher, **how: Any) -> bytes:
    """Everything that a check needs."""
    return pack(status(), *publisher.artefacts(), **how)


def check(data: bytes, publisher: Publisher, *, memory: BundleMemory = EMPTY, at: int = AT) -> tuple[str, str]:
    """Decision and code about the trial document, with that pack alone."""
    trust = TrustAnchors(anchors=(publisher.pin,))
    verified = read(data, memory=memory, at=at, anchors=trust.anchors)
    policy = Policy.sealed(trust, verified.snapshots, verified.crls, seen=verified.memory.snapshots)
    known = material(floor=verified.memory.floor, certificates=verified.certificates, policy=policy)
    decision = decide(show(issue(), at=at), trust=known, answer=verified.answer, at=at)
    return decision.decision, decision.code


def test_a_pack_with_its_snapshot_is_enough() -> None:
    publisher = Publisher()
    assert check(whole(publisher), publisher) == ("accepted", "")
    verified = read(whole(publisher), anchors=[publisher.pin])
    assert verified.snapshots.keys() == {publisher.pin.fingerprint}
    assert list(verified.certificates.values()) == [registry().x5c]


@pytest.mark.parametrize("kind", [CERTIFICATE, CRL, RP_CERTIFICATE, SNAPSHOT, STATUS_LIST, TYPE_METADATA, PAGE_KEYS])
def test_what_one_anchor_publishes_spoils_no_other(kind: str) -> None:
    """Files of any kind that cannot be read, named by an anchor that is pinned for another body, and the registry's own under another kind."""
    publisher = Publisher()
    names = tuple(replace(each, media_type=kind) for each in publisher.statements())
    by = Authority.new(BANK, role=Role.RELYING_PARTY)
    other = Publisher(by=by, entity=BANK, role=Role.RELYING_PARTY, keys=(), more=(artefact(kind, b"garbage"), *names))
    own = [each for each in other.artefacts() if each.media_type in {SNAPSHOT, *OF_ANCHORS} and each not in other.more]
    brought = [each for each in other.more if kind in OF_ANCHORS]
    pins = (publisher.pin, other.pin)
    verified = read(pack(status(), *publisher.artefacts(), *own, *brought), anchors=pins)
    policy = Policy.sealed(TrustAnchors(anchors=pins), verified.snapshots, verified.crls)
    known = material(floor=verified.memory.floor, certificates=verified.certificates, policy=policy)
    assert decide(show(issue()), trust=known, answer=verified.answer).decision == "accepted"
    assert {each.sha256 for each in verified.crls} == {publisher.crl().sha256, other.crl().sha256}


def test_a_list_of_withdrawn_certificates_that_cannot_be_read_is_none() -> None:
    """The certificates of its authority stay unchecked (S16)."""
    publisher = Publisher(crls=(), more=(artefact(CRL, b"garbage"),))
    assert check(whole(publisher), publisher) == ("undecided", "crl_stale")


def test_a_pack_without_the_snapshot_decides_nothing() -> None:
    """Omission: what is left out makes nothing pass."""
    publisher = Publisher()
    assert check(pack(status(), *publisher.statements()), publisher) == ("undecided", "snapshot_missing")


def test_a_pack_that_leaves_out_what_a_snapshot_names_is_incomplete() -> None:
    """Omission: the list of withdrawn certificates, or a certificate."""
    publisher = Publisher(withdrawn=(2,))
    held = publisher.artefacts()
    assert check(pack(status(), *held), publisher) == ("rejected", "certificate_revoked")
    for missing in held[1:]:
        with pytest.raises(BundleIncomplete):
            read(pack(status(), *[each for each in held if each is not missing]), anchors=[publisher.pin])


def test_two_packs_are_not_mixed() -> None:
    """The older snapshot in a newer pack, the older list beside the newer snapshot, and one's artefacts under the other's manifest."""
    before, after = Publisher(), Publisher(seq=2, withdrawn=(2,))
    first = read(whole(before), anchors=[before.pin])
    second = read(whole(after, seq=2, prev=first.bundle.digest), memory=first.memory, anchors=[before.pin])
    with pytest.raises(BundleRolledBack):
        read(whole(before, seq=3, prev=second.bundle.digest), memory=second.memory, anchors=[before.pin])
    mixed = pack(status(), after.artefacts()[0], *before.statements())
    with pytest.raises(BundleIncomplete):
        read(mixed, anchors=[before.pin])
    with pytest.raises(Malformed):
        parse_bundle(bend(whole(after), artefacts=json.loads(whole(before))["artefacts"]))
    both = pack(status(), *before.artefacts(), after.artefacts()[0])
    with pytest.raises((Malformed, BundleIncomplete)):
        read(both, anchors=[before.pin])


def test_half_a_pack_is_no_pack() -> None:
    data = whole(Publisher())
    for length in (0, 1, len(data) // 2, len(data) - 1):
        with pytest.raises(Malformed):
            parse_bundle(data[:length])


def test_a_pack_by_another_signer_does_not_bring_an_old_snapshot_back() -> None:
    """The memory is an anchor's, not a pack's."""
    other = Signer.new()
    memory = read(whole(Publisher(seq=2)), anchors=[Publisher().pin]).memory
    with pytest.raises(BundleRolledBack):
        read(whole(Publisher(seq=1), signer=other), memory=memory, signers=(thumbprint(other.public),), anchors=[Publisher().pin])


def test_an_issuer_that_published_once_needs_its_snapshot_from_then_on() -> None:
    publisher = Publisher()
    memory = read(whole(publisher), anchors=[publisher.pin]).memory
    assert check(pack(status(), *publisher.statements(), seq=3), publisher, memory=memory) == ("undecided", "snapshot_missing")


def test_a_snapshot_in_a_pack_grows_stale() -> None:
    publisher = Publisher(at=AT - 5 * DAY)
    data = whole(publisher, exp=AT + 9 * DAY)
    assert check(data, publisher) == ("accepted", "")
    assert check(data, publisher, at=AT + 3 * DAY)[1] in {"crl_stale", "snapshot_stale"}


def cwt_list(*values: int, **how: Any) -> Artefact:
    return artefact(STATUS_LIST_CWT, status_cwt(dict(enumerate(values)), **{"iat": AT - 3600, **how}))


def test_a_list_has_two_forms_of_one_version() -> None:
    both = read(pack(status(1), cwt_list(1)))
    assert both.answer(Fetch(url=LIST)).headers["content-type"] in {STATUS_LIST, STATUS_LIST_CWT}
    alone = read(pack(cwt_list(1)))
    assert alone.answer(Fetch(url=LIST)).headers["content-type"] == STATUS_LIST_CWT
    with pytest.raises(Unavailable):
        alone.answer(Fetch(url=LIST, method="POST"))
    assert {each["name"] for each in describe(both.bundle)} == {LIST}
    for other in (cwt_list(2), cwt_list(1, iat=AT - 3601)):
        with pytest.raises(Malformed):
            read(pack(status(1), other))


def test_an_old_list_in_cbor_is_no_newer_for_being_in_cbor() -> None:
    memory = read(pack(status(iat=AT - 60))).memory.with_statuses(learnt(status(iat=AT - 60)))
    with pytest.raises(BundleRolledBack):
        read(pack(cwt_list(iat=AT - 61)), memory=replace(memory, signers={}))
    read(pack(cwt_list(iat=AT - 60), seq=2), memory=replace(memory, signers={}))


def test_a_list_in_cbor_has_to_be_one() -> None:
    bad = artefact(STATUS_LIST_CWT, b"\x00")
    with pytest.raises(Malformed):
        read(pack(bad))
    assert describe(parse_bundle(pack(bad)))[0]["name"] == "unreadable"


def test_a_person_sees_whose_snapshot_it_is() -> None:
    told = {each["media_type"]: each["name"] for each in describe(parse_bundle(whole(Publisher())))}
    assert told[SNAPSHOT] == "Test anchor, number 1"


def test_a_pack_past_the_life_of_what_it_was_signed_with_is_read_by_the_floor_of_this_very_pack() -> None:
    publisher = Publisher(at=AT + 200)
    with pytest.raises(BundleStale):
        read(pack(*publisher.artefacts(), exp=AT + 100), anchors=[publisher.pin])


# --- memory ---------------------------------------------------------------------------------------------------------------------------


def test_memory_survives_the_file() -> None:
    memory = (
        read(pack(status(1))).memory.with_statuses(learnt(status(1))).with_statuses(StatusMemory().learn_invalid(ISSUER, LIST, 3, until=AT))
    )
    memory = memory.with_snapshot("f" * 64, Publisher().snapshot())
    assert parse_memory(render_memory(memory)) == memory
    older = json.loads(render_memory(memory))
    del older["snapshots"]
    assert parse_memory(json.dumps(older).encode()) == replace(memory, snapshots={})
    assert parse_memory(render_memory(EMPTY)) == EMPTY


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"version": 2}, "/version"),
        ({"floor": -1}, "/floor"),
        ({"signers": {"a": 1}}, "/signers/a"),
        ({"signers": {"a": {"seq": 1, "iat": 1}}}, "/signers/a/digest"),
        ({"statuses": None}, "/statuses"),
        ({"statuses": {}}, "/statuses/lists"),
    ],
)
def test_a_broken_memory_is_never_an_empty_one(change: dict[str, Any], where: str) -> None:
    obj = json.loads(render_memory(EMPTY)) | change
    with pytest.raises(Malformed) as caught:
        parse_memory(json.dumps(obj).encode())
    assert caught.value.where == where


@given(st.binary(max_size=80))
def test_any_bytes_are_a_pack_or_a_vc_error(data: bytes) -> None:
    for parse in (parse_bundle, parse_memory):
        with suppress(VcError):
            parse(data)


_JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=4), lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=4), inner)
)
_ENTRIES = st.lists(st.fixed_dictionaries({"media_type": _JSON, "sha256": _JSON}) | _JSON, max_size=3)


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(("iss", "seq", "prev", "iat", "exp"), _JSON) | {"artefacts": _ENTRIES}),
    st.none() | _JSON | st.dictionaries(st.text(max_size=4), st.binary(max_size=4).map(lambda data: base64.b64encode(data).decode())),
)
def test_any_manifest_is_a_pack_or_a_vc_error(changes: dict[str, Any], files: object) -> None:
    with suppress(VcError):
        found: Bundle = parse_bundle(with_manifest(files=files, **changes))
        verify_bundle(found, signers=PINNED, at=AT, memory=EMPTY)
