from __future__ import annotations

from dataclasses import replace
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.counter import ARGUED, BANK, KEY, REGISTRAR, USE, Counter
from support.signing import AT, Signer, anchor, leaf

from shared.clock import DAY
from shared.codec import cbor
from shared.cose import CHALLENGE, DESK_CERTIFICATE, DESK_RECEIPT, RP_CERTIFICATE, Typ, kid_of, parse_sign1, prepare_sign1, render_cose_key
from shared.errors import (
    BadSignature,
    Expired,
    KeyRoleRefused,
    Malformed,
    NotEntitled,
    NotYetValid,
    TooLarge,
    Untrusted,
    VcError,
    WrongTyp,
)
from shared.keys import Role, Unsigned, check_role
from shared.trust.anchors import TrustAnchors
from shared.trust.registered_use import Widening, widening
from shared.trust.relying_party import (
    Register,
    RegisteredUse,
    Want,
    parse_desk_certificate,
    parse_rp_certificate,
    prepare_desk_certificate,
    verify_desk_certificate,
    verify_rp_certificate,
)


def test_a_bank_is_registered_and_found() -> None:
    counter = Counter()
    one = parse_rp_certificate(counter.rp_certificate())
    assert (one.anchor, one.entity, one.name.cy, one.public) == ("Register of askers", BANK, "Y Banc", counter.bank.public)
    assert one.uses == (USE,)
    assert one.use(USE.id) == USE
    assert one.use("other") is None
    assert verify_rp_certificate(one, counter.trust(), at=AT).name == "Register of askers"
    assert counter.register().find(BANK, at=AT).public == counter.bank.public
    with pytest.raises(Untrusted):
        counter.register().find("https://other.example", at=AT)


def test_a_use_without_what_may_be_left_out() -> None:
    bare = replace(USE, retention_days=None, privacy_policy=None, contact=None)
    assert parse_rp_certificate(Counter(uses=(bare,)).rp_certificate()).uses == (bare,)


def test_a_registration_is_argued_and_says_who_registered_it() -> None:
    one = parse_rp_certificate(Counter(uses=(ARGUED, replace(USE, id="bare"))).rp_certificate(registrar=REGISTRAR))
    assert (one.uses[0], one.registrar) == (ARGUED, REGISTRAR)
    assert ARGUED.lacks() == ()
    assert one.uses[1].lacks() == ("benefit", "could_stop", "authority", "authority_contact", "support", "evidence")
    bare = replace(REGISTRAR, address=None)
    assert parse_rp_certificate(Counter().rp_certificate(registrar=bare)).registrar == bare
    assert parse_rp_certificate(Counter().rp_certificate()).registrar is None


def test_what_widened_is_told_and_nothing_else() -> None:
    def wanting(*required: int, optional: tuple[int, ...] = (), **changes: Any) -> RegisteredUse:
        return replace(USE, wants=(Want(vct=7, required=required, optional=optional),), **changes)

    before = wanting(1, 2, optional=(3,))
    assert not widening(before, before)
    assert not widening(before, wanting(1, optional=(2,)))
    assert widening(before, wanting(1, 2, 3, 4, optional=(5,))) == Widening(new=((7, 4), (7, 5)), demanded=((7, 3),))
    assert widening(before, wanting(1, retention_days=31)) == Widening(keeps_longer=True)
    assert widening(before, wanting(1, retention_days=None)).keeps_longer
    assert not widening(wanting(1, retention_days=None), wanting(1, retention_days=9_000))


@pytest.mark.parametrize("alg", ["ES384", "EdDSA"])
def test_other_algorithms(alg: str) -> None:
    counter = Counter(bank=Signer.new(alg), desk=Signer.new(alg))
    desk = parse_desk_certificate(counter.desk_certificate())
    assert verify_desk_certificate(desk, counter.register(), at=AT).entity == BANK


def test_who_is_vouched_for_and_by_whom() -> None:
    counter = Counter()
    one = parse_rp_certificate(counter.rp_certificate())
    with pytest.raises(Untrusted):
        verify_rp_certificate(one, TrustAnchors(), at=AT)
    with pytest.raises(Untrusted):
        verify_rp_certificate(one, Counter().trust(), at=AT)
    with pytest.raises(NotEntitled):
        verify_rp_certificate(one, counter.trust("https://other.example"), at=AT)
    verify_rp_certificate(one, counter.trust(BANK), at=AT)
    forged = parse_rp_certificate(Signer.new().finish(_signed(RP_CERTIFICATE, one.sign1.payload, counter.anchor)))
    with pytest.raises(BadSignature):
        verify_rp_certificate(forged, counter.trust(), at=AT)
    assert Register.of([b"", counter.rp_certificate()], Counter().trust(), at=AT) == Register()


def _signed(typ: Typ, payload: bytes, named: Signer) -> Unsigned[bytes]:
    return prepare_sign1(typ=typ, payload=payload, key=KEY, alg=named.public.alg, protected={4: kid_of(named.public)})


def test_the_newest_certificate_of_an_entity_counts() -> None:
    counter, moved = Counter(), Signer.new()
    old, new = counter.rp_certificate(), counter.rp_certificate(public=moved.public, at=AT + 10)
    for files in ([old, new], [new, old]):
        assert Register.of(files, counter.trust(), at=AT).find(BANK, at=AT).public == moved.public


def test_certificates_have_a_beginning_and_an_end() -> None:
    counter = Counter()
    register = counter.register()
    register.find(BANK, at=AT + 31 * DAY - 1)
    with pytest.raises(Expired):
        register.find(BANK, at=AT + 31 * DAY)
    with pytest.raises(NotYetValid):
        register.find(BANK, at=AT - 61)
    desk = parse_desk_certificate(counter.desk_certificate(at=AT, days=7))
    verify_desk_certificate(desk, register, at=AT + 7 * DAY - 1)
    with pytest.raises(Expired):
        verify_desk_certificate(desk, register, at=AT + 7 * DAY)
    ended = parse_rp_certificate(counter.rp_certificate(at=AT + 3_650 * DAY))
    with pytest.raises(Expired):
        verify_rp_certificate(ended, counter.trust(), at=AT + 3_651 * DAY)  # the anchor itself has ended


@pytest.mark.parametrize("days", [0, 8])
def test_a_desk_lives_seven_days_at_most(days: int) -> None:
    with pytest.raises(Malformed):
        Counter().desk_certificate(days=days)


@pytest.mark.parametrize("days", [0, 32])
def test_a_relying_party_lives_a_month_at_most(days: int) -> None:
    with pytest.raises(Malformed):
        Counter().rp_certificate(days=days)


def test_desk_certificate_longer_than_seven_days_refused() -> None:
    counter = Counter()
    payload = {1: BANK, 2: "Counter", 4: AT + 7 * DAY + 1, 6: AT, 8: {1: render_cose_key(counter.desk.public)}}
    unsigned = _signed(DESK_CERTIFICATE, cbor.dumps(payload, canonical=True), counter.bank)
    with pytest.raises(Malformed) as caught:
        parse_desk_certificate(counter.bank.finish(unsigned))
    assert caught.value.where == "/4"


def test_a_desk_key_signs_challenges_and_receipts_only() -> None:
    for typ in (CHALLENGE, DESK_RECEIPT):
        check_role(Role.DESK, typ.name)
    for other in ("desk-cert", "rp-cert", "receipt+jwt", "oauth-authz-req+jwt", "log-head+jwt", "application/kb+cwt"):
        with pytest.raises(KeyRoleRefused):
            check_role(Role.DESK, other)


def test_who_certified_the_desk() -> None:
    counter = Counter()
    register = counter.register()
    desk = parse_desk_certificate(counter.desk_certificate())
    assert (desk.name, desk.public) == ("Counter 3", counter.desk.public)
    with pytest.raises(Untrusted):
        verify_desk_certificate(desk, Register(), at=AT)
    with pytest.raises(Untrusted):  # the kid of another key
        verify_desk_certificate(parse_desk_certificate(Counter().desk_certificate()), register, at=AT)
    forged = Signer.new().finish(
        prepare_desk_certificate(entity=BANK, entity_public=counter.bank.public, key=KEY, name="D", public=counter.desk.public, at=AT)
    )
    with pytest.raises(BadSignature):
        verify_desk_certificate(parse_desk_certificate(forged), register, at=AT)
    with pytest.raises(Untrusted):  # one key, two roles
        verify_desk_certificate(parse_desk_certificate(counter.desk_certificate(public=counter.bank.public)), register, at=AT)


def test_typ_swap_of_the_two_certificates() -> None:
    counter = Counter()
    with pytest.raises(WrongTyp):
        parse_desk_certificate(counter.rp_certificate())
    with pytest.raises(WrongTyp):
        parse_rp_certificate(counter.desk_certificate())


def test_rp_cert_as_issuer_cert() -> None:
    """A relying party's certificate makes nobody an issuer, an issuer's certificate registers nobody, and each anchor has one role."""
    counter = Counter()
    with pytest.raises(VcError):
        parse_rp_certificate(leaf(counter.bank, anchor(counter.anchor), counter.anchor))
    issuing = replace(counter.trust().anchors[0], role=Role.CREDENTIAL_ISSUER)
    with pytest.raises(Untrusted):
        verify_rp_certificate(parse_rp_certificate(counter.rp_certificate()), TrustAnchors(anchors=(issuing,)), at=AT)


def _changed(counter: Counter, key: int, value: object) -> bytes:
    """The certificate again with one member of its payload changed, or without it; still rightly signed."""
    payload = cbor2.loads(parse_sign1(counter.rp_certificate()).payload)
    if value is None:
        del payload[key]
    else:
        payload[key] = value
    return counter.anchor.finish(_signed(RP_CERTIFICATE, cbor.dumps(payload, canonical=True), counter.anchor))


def use(**changes: Any) -> dict[int, Any]:
    words = {"en": "a", "cy": "b"}
    members: dict[int, Any] = {1: "x", 2: words, 3: words, 4: [[65_001, [1], [2]]]}
    return members | {int(name[1:]): value for name, value in changes.items()}


@pytest.mark.parametrize(
    ("key", "value", "where"),
    [
        (1, None, "/1"),
        (1, "", "/1"),
        (2, 7, "/2"),
        (2, "x" * 2_049, "/2"),
        (4, "x", "/4"),
        (4, AT, "/4"),
        (4, AT + 31 * DAY + 1, "/4"),
        (6, -1, "/6"),
        (6, True, "/6"),
        (8, {}, "/8/1"),
        (8, {1: {}, 2: 0}, "/8/2"),
        (99, 0, "/99"),
        ("x", 0, "/x"),
        (-70_010, {"en": "a"}, "/-70010/cy"),
        (-70_010, "a", "/-70010"),
        (-70_011, {}, "/-70011"),
        (-70_011, [7], "/-70011/0"),
        (-70_011, [use(), use()], "/-70011"),
        (-70_011, [use(_4=[])], "/-70011/0/4"),
        (-70_011, [use(_4=[[1, [1]]])], "/-70011/0/4/0"),
        (-70_011, [use(_4=[[1, [1], []], [1, [2], []]])], "/-70011/0/4"),
        (-70_011, [use(_4=[[1, [1], [1]]])], "/-70011/0/4/0"),
        (-70_011, [use(_4=[[1, [1, 1], []]])], "/-70011/0/4/0"),
        (-70_011, [use(_4=[[1, [0], []]])], "/-70011/0/4/0/1/0"),
        (-70_011, [use(_4=[["x", [1], []]])], "/-70011/0/4/0/0"),
        (-70_011, [use(_5=36_526)], "/-70011/0/5"),
        (-70_011, [use(_6="ftp://bank.example")], "/-70011/0/6"),
        (-70_011, [use(_7="")], "/-70011/0/7"),
        (-70_011, [use(_8={"en": "a"})], "/-70011/0/8/cy"),
        (-70_011, [use(_9="a")], "/-70011/0/9"),
        (-70_011, [use(_10=7)], "/-70011/0/10"),
        (-70_011, [use(_11=7)], "/-70011/0/11"),
        (-70_011, [use(_12="mailto:a@b.example")], "/-70011/0/12"),
        (-70_011, [use(_13="x")], "/-70011/0/13"),
        (-70_011, [use(_14="x")], "/-70011/0/14"),
        (-70_012, {1: "x"}, "/-70012/2"),
        (-70_012, {1: "x", 2: {"en": "a", "cy": "b"}, 3: "x"}, "/-70012/3"),
        (-70_013, "gb", "/-70013"),
        (-70_013, 7, "/-70013"),
    ],
)
def test_members_that_are_not_right(key: int, value: object, where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_rp_certificate(_changed(Counter(), key, value))
    assert caught.value.where == where


def test_headers_that_are_not_right() -> None:
    counter = Counter()
    payload = parse_sign1(counter.desk_certificate()).payload
    for protected, unprotected in (({}, {}), ({4: b"short"}, {}), ({4: b"8 bytes.", 33: b""}, {}), ({4: b"8 bytes."}, {33: b""})):
        unsigned = prepare_sign1(typ=DESK_CERTIFICATE, payload=payload, key=KEY, protected=protected, unprotected=unprotected)
        with pytest.raises(Malformed):
            parse_desk_certificate(counter.bank.finish(unsigned))


def test_bounds_of_size() -> None:
    with pytest.raises(TooLarge):
        parse_desk_certificate(Counter().desk_certificate(name="x" * 41))
    with pytest.raises(TooLarge):
        parse_rp_certificate(bytes(65_537))


@given(st.binary(max_size=80), st.integers(0, 400), st.binary(max_size=3))
def test_a_certificate_or_an_error(data: bytes, at: int, inserted: bytes) -> None:
    for whole in (data, RP[:at] + inserted + RP[at + 1 :]):
        try:
            one = parse_rp_certificate(whole)
        except VcError:
            continue
        assert whole == RP or Register.of([whole], TRUST, at=AT) == Register() or one.sign1.payload == parse_sign1(RP).payload


_COUNTER = Counter()
RP, TRUST = _COUNTER.rp_certificate(), _COUNTER.trust()


@given(st.lists(st.integers(1, 9), unique=True, max_size=4), st.lists(st.integers(10, 20), unique=True, max_size=4))
def test_wants_round_trip(required: list[int], optional: list[int]) -> None:
    wants = (Want(vct=7, required=tuple(required), optional=tuple(optional)),)
    assert parse_rp_certificate(Counter(anchor=_COUNTER.anchor, uses=(replace(USE, wants=wants),)).rp_certificate()).uses[0].wants == wants
