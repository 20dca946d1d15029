"""One succession: what is read, what is refused by name, and by which keys it counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.federation import MINISTRY, signed
from support.federations import Member, issuer
from support.signing import AT, Signer
from support.successions import DAY, acceptance, handed, statement

from shared.codec import strict_json
from shared.credentials import Text, by_id
from shared.errors import (
    BadSignature,
    CertificateRevoked,
    Malformed,
    NotYetValid,
    PurposeNotCarried,
    TooLarge,
    Untrusted,
    VcError,
    WrongTyp,
)
from shared.keys import KeyId, Role, check_role
from shared.trust.snapshot import KeyHistory, KeyState
from shared.trust.succession import (
    ACCEPTANCE_TYP,
    MAX_NOTE,
    TYP,
    KnownKeys,
    check_succession,
    parse_succession,
    peek_statement,
    prepare_acceptance,
    prepare_statement,
    render_succession,
)

ABC, GREATER = "https://anytown-bc.example", "https://greater-anytown.example"
OLD, NEW, TOP = issuer(ABC, MINISTRY), issuer(GREATER, MINISTRY), Member(MINISTRY)
KEY = KeyId("federation")


def keys(*members: Member, **fate: Any) -> KnownKeys:
    """What superiors say: all keys of these are in use, but for those of ABC, whose fate is told."""
    known = {each.thumbprint: each for member in members for each in member.histories()}
    known = {name: replace(each, **fate) if fate and each.entity == ABC else each for name, each in known.items()}

    def find(entity: str, name: str) -> KeyHistory | None:
        found = known.get(name)
        return found if found is not None and found.entity == entity else None

    return find


EVERYBODY = keys(OLD, NEW, TOP)


def test_what_both_have_signed() -> None:
    words = Text("Your record is now kept by Greater Anytown.", "Mae eich cofnod bellach gan Greater Anytown.")
    token = OLD.signer.finish(
        prepare_statement(
            issuer=ABC, outgoing=ABC, successor=GREATER, at=AT, since=AT + DAY, key=KEY, signer=OLD.key, vcts=["urn:a"],
            purposes_carried=["council-tax"], status_duty=True, may_cancel=True, private=True, note=words,
        )
    )  # fmt: skip
    other = NEW.signer.finish(prepare_acceptance(token, at=AT + 60, key=KEY, signer=NEW.key))
    found = parse_succession(render_succession(token, other))
    check_succession(found, MINISTRY, EVERYBODY, at=AT + 60)
    assert (found.issuer, found.outgoing, found.successor) == (ABC, ABC, GREATER)
    assert (found.iat, found.accepted_at, found.since) == (AT, AT + 60, AT + DAY)
    assert (found.vcts, found.purposes_carried, found.note) == (("urn:a",), ("council-tax",), words)
    assert found.status_duty
    assert found.may_cancel
    assert found.private
    assert parse_succession(found.wire) == found
    assert [found.covers(vct) for vct in ("urn:a", "urn:b")] == [True, False]


def test_what_is_left_out() -> None:
    unsigned = prepare_statement(issuer=MINISTRY, outgoing=ABC, successor=GREATER, at=AT, since=AT, key=KEY, signer=TOP.key)
    found = peek_statement(TOP.signer.finish(unsigned))
    assert (found.vcts, found.purposes_carried, found.note) == (None, (), Text("", ""))
    assert found.covers("urn:anything")
    assert not found.covers(by_id("known-here").vct), "who knows somebody is the body itself"
    assert [found.status_duty, found.may_cancel, found.private] == [False, False, False]


def test_purpose_not_carried() -> None:
    found = parse_succession(handed(OLD, ABC, NEW, purposes_carried=["council-tax"], note="One language."))
    found.check_use("council-tax")
    with pytest.raises(PurposeNotCarried):
        found.check_use("parking")
    assert found.note == Text("One language.", "One language.")


@pytest.mark.parametrize("typ", [TYP, ACCEPTANCE_TYP])
def test_only_federation_keys_sign_it(typ: str) -> None:
    for role in Role:
        if role is Role.FEDERATION:
            check_role(role, typ)
        else:
            with pytest.raises(VcError):
                check_role(role, typ)


# --- refused by name -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("by", "outgoing", "successor"), [(NEW, ABC, GREATER), (OLD, ABC, ABC), (TOP, ABC, MINISTRY)])
def test_a_successor_names_itself(by: Member, outgoing: str, successor: str) -> None:
    with pytest.raises(Untrusted) as refused:
        peek_statement(statement(by, outgoing, successor))
    assert refused.value.where == "/successor"


def test_typ_swap() -> None:
    """An acceptance is no statement, a statement no acceptance, and neither is anything else (S1)."""
    token = statement(OLD, ABC, GREATER)
    other = acceptance(NEW, ABC, token)
    for first, second, where in ((other, token, "/statement"), (token, token, "/acceptance"), (other, other, "/statement")):
        with pytest.raises(WrongTyp) as refused:
            parse_succession(render_succession(first, second))
        assert refused.value.where == where
    for typ in ("entity-statement+jwt", "JWT", ACCEPTANCE_TYP):
        with pytest.raises(WrongTyp):
            parse_succession(render_succession(statement(OLD, ABC, GREATER, typ=typ), other))
    with pytest.raises(WrongTyp):
        parse_succession(render_succession(token, acceptance(NEW, ABC, token, typ=TYP)))


def test_an_acceptance_is_missing() -> None:
    with pytest.raises(Malformed) as refused:
        parse_succession(strict_json.dumps({"statement": statement(OLD, ABC, GREATER)}))
    assert refused.value.where == "/acceptance"


def test_an_acceptance_over_another_statement() -> None:
    token = statement(OLD, ABC, GREATER, may_cancel=True)
    with pytest.raises(Untrusted) as refused:
        parse_succession(render_succession(token, acceptance(NEW, ABC, statement(OLD, ABC, GREATER))))
    assert refused.value.where == "/acceptance/accepts"


@pytest.mark.parametrize("said", [{"iss": ABC}, {"sub": MINISTRY}])
def test_an_acceptance_by_or_for_somebody_else(said: dict[str, Any]) -> None:
    token = statement(OLD, ABC, GREATER)
    with pytest.raises(Untrusted):
        parse_succession(render_succession(token, acceptance(NEW, ABC, token, **said)))


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"from": AT + 400 * DAY}, "/from"),
        ({"from": AT - 40 * DAY}, "/from"),
        ({"purposes_carried": ["a", "a"]}, "/purposes_carried"),
        ({"purposes_carried": [""]}, "/purposes_carried"),
        ({"purposes_carried": None}, "/purposes_carried"),
        ({"vcts": ["x" * 1_001]}, "/vcts"),
        ({"status_duty": "yes"}, "/status_duty"),
        ({"iat": "today"}, "/iat"),
        ({"successor": "http://greater.example"}, "/successor"),
    ],
)
def test_a_statement_of_another_form(said: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as refused:
        peek_statement(statement(OLD, ABC, GREATER, **said))
    assert refused.value.where == where


def test_a_note_that_is_too_long() -> None:
    with pytest.raises(TooLarge):
        peek_statement(statement(OLD, ABC, GREATER, note="x" * (MAX_NOTE + 1)))


def test_nothing_is_signed_that_nobody_would_take() -> None:
    with pytest.raises(Untrusted):
        prepare_statement(issuer=GREATER, outgoing=ABC, successor=GREATER, at=AT, since=AT, key=KEY, signer=NEW.key)
    with pytest.raises(VcError):
        prepare_acceptance("no statement", at=AT, key=KEY, signer=NEW.key)


# --- by which keys -------------------------------------------------------------------------------------------------------------------------


def check(data: bytes, known: KnownKeys = EVERYBODY, *, publisher: str = MINISTRY, at: int = AT) -> None:
    check_succession(parse_succession(data), publisher, known, at=at)


def test_said_by_the_outgoing_body_or_by_its_superior() -> None:
    check(handed(OLD, ABC, NEW))
    check(handed(TOP, ABC, NEW))
    with pytest.raises(Untrusted) as refused:
        check(handed(TOP, ABC, NEW), publisher="https://other.example")
    assert refused.value.where == "/statement/iss"


@pytest.mark.parametrize(
    ("fate", "error"),
    [
        ({"state": KeyState.COMPROMISED, "until": AT}, CertificateRevoked),
        ({"state": KeyState.VERIFY_ONLY, "until": AT - 3 * DAY}, Untrusted),
        ({"since": AT - DAY}, Untrusted),
        ({"role": Role.CREDENTIAL_ISSUER}, Untrusted),
        ({"state": KeyState.VERIFY_ONLY, "until": AT - DAY}, None),
    ],
)
def test_the_key_of_the_outgoing_body(fate: dict[str, Any], error: type[VcError] | None) -> None:
    """Compromised, it proves nothing, whatever date is written above (S15); over or not begun on that day, neither."""
    known = keys(OLD, NEW, TOP, **fate)
    if error is None:
        check(handed(OLD, ABC, NEW), known)
        return
    with pytest.raises(error) as refused:
        check(handed(OLD, ABC, NEW), known)
    assert refused.value.where == "/statement/jwk"
    check(handed(TOP, ABC, NEW), known)  # only its superior's word counts now


def test_the_key_of_the_outgoing_body_is_lost() -> None:
    """Nobody can say it with a key that no superior knows; its superior can."""
    with pytest.raises(Untrusted):
        check(handed(replace(OLD, signer=Signer.new()), ABC, NEW))


def test_a_key_that_the_successor_is_not_known_to_have() -> None:
    with pytest.raises(Untrusted) as refused:
        check(handed(OLD, ABC, replace(NEW, signer=Signer.new())))
    assert refused.value.where == "/acceptance/jwk"
    with pytest.raises(Untrusted):
        check(handed(OLD, ABC, replace(NEW, signer=OLD.signer)))


def test_a_signature_by_another_key() -> None:
    token = statement(OLD, ABC, GREATER)
    with pytest.raises(BadSignature):
        check(render_succession(token, f"{acceptance(NEW, ABC, token)[:-9]}{'A' * 9}"))


def test_a_key_that_is_not_there() -> None:
    with pytest.raises(Malformed) as refused:
        peek_statement(signed({"iss": ABC, "sub": ABC, "successor": GREATER, "iat": AT, "from": AT}, OLD.signer, typ=TYP))
    assert refused.value.where == "/jwk"


@pytest.mark.parametrize(("said", "accepted"), [({"iat": AT + 120, "from": AT}, {}), ({}, {"iat": AT + 120})])
def test_dated_in_the_future(said: dict[str, Any], accepted: dict[str, Any]) -> None:
    token = statement(OLD, ABC, GREATER, **said)
    with pytest.raises(NotYetValid):
        check(render_succession(token, acceptance(NEW, ABC, token, **accepted)))


# --- any bytes -----------------------------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_a_value_or_a_vc_error(data: bytes) -> None:
    with pytest.raises(VcError):
        parse_succession(data)


CLAIMS = st.dictionaries(
    st.sampled_from(["iss", "sub", "successor", "iat", "from", "vcts", "purposes_carried", "status_duty", "note", "note#cy"]),
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.lists(st.text(max_size=3) | st.integers(), max_size=3),
    max_size=4,
)


@given(CLAIMS, CLAIMS)
def test_any_claims(said: dict[str, Any], accepted: dict[str, Any]) -> None:
    token = statement(OLD, ABC, GREATER, **said)
    try:
        found = parse_succession(render_succession(token, acceptance(NEW, ABC, token, **accepted)))
    except VcError:
        return
    assert found.wire == render_succession(token, found.acceptance.token)
