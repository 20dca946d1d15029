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
    decide,
    issue,
    material,
    registry,
    show,
    status_token,
    stranger,
)

from shared.codec import base64url
from shared.errors import (
    BadSignature,
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
from shared.keys import KeyId
from shared.status.memory import StatusMemory
from shared.status.token_status_list import parse_token, verify_token
from shared.trust import bundle as packs
from shared.trust.bundle import (
    CERTIFICATE,
    CRL,
    STATUS_LIST,
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


def read(data: bytes, *, memory: BundleMemory = EMPTY, at: int = AT, signers: Sequence[str] = PINNED) -> VerifiedBundle:
    return verify_bundle(parse_bundle(data), signers=signers, at=at, memory=memory)


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
        (artefact(STATUS_LIST, b"a.b.c"),),
        (artefact(CRL, b"no list"),),
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
    ],
)
def test_a_fault_in_the_manifest_is_pointed_at(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_bundle(with_manifest(**changes))
    assert caught.value.where == where


def test_bounds() -> None:
    many = [{"media_type": "x", "sha256": str(number)} for number in range(packs.MAX_ARTEFACTS + 1)]
    with pytest.raises(TooLarge):
        parse_bundle(with_manifest(artefacts=many))
    with pytest.raises(TooLarge):
        pack(*[artefact("x", str(number)) for number in range(packs.MAX_ARTEFACTS + 1)])
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


def test_first_use_stale_snapshot() -> None:
    data = pack(status(), exp=AT + 10)
    assert read(data, at=AT + 9).bundle.exp == AT + 10
    for at in (AT + 10, AT + 999):
        with pytest.raises(BundleStale):
            read(data, at=at)


def test_a_clock_set_back_does_not_revive_a_pack() -> None:
    """The floor that a newer pack has left counts, not the clock alone (S18)."""
    memory = read(pack(seq=2, at=AT + DAY, exp=AT + 2 * DAY), at=AT + DAY).memory
    other = Signer.new()
    with pytest.raises(BundleStale):
        read(pack(exp=AT + 10, signer=other), memory=memory, signers=(thumbprint(other.public),))


def test_future_iat_cannot_freeze_clock() -> None:
    """S18: a pack dated in the future is refused, and so moves nothing; nor can packs climb on each other's dates."""
    year = 365 * DAY
    with pytest.raises(NotYetValid):
        read(pack(at=AT + year, exp=AT + 2 * year))
    with pytest.raises(NotYetValid):
        read(pack(at=AT + 301))
    memory = read(pack(at=AT + 300)).memory
    assert memory.floor == AT + 300
    with pytest.raises(NotYetValid):
        read(pack(seq=2, at=memory.floor + 300, prev=memory.signers[PINNED[0]].digest), memory=memory)
    assert decide(show(issue()), trust=material(floor=memory.floor), answer=Answers({LIST: status_token()})).decision == "accepted"


def test_only_a_pinned_signer_moves_the_floor() -> None:
    with pytest.raises(Untrusted):
        read(pack(at=AT + 200, signer=Signer.new()))
    assert read(pack(at=AT - 50), memory=BundleMemory(floor=AT - 10)).memory.floor == AT - 10


# --- memory ---------------------------------------------------------------------------------------------------------------------------


def test_memory_survives_the_file() -> None:
    memory = (
        read(pack(status(1))).memory.with_statuses(learnt(status(1))).with_statuses(StatusMemory().learn_invalid(ISSUER, LIST, 3, until=AT))
    )
    assert parse_memory(render_memory(memory)) == memory
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
