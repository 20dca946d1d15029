from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.asking import ENTITY, KEY, Asker
from support.signing import AT

from shared.clock import Entropy
from shared.codec import base64url
from shared.codec.reader import LAST
from shared.errors import (
    BadSignature,
    HistoryRewritten,
    KeyRoleRefused,
    Malformed,
    NotYetValid,
    OtherPresentation,
    PurposeMismatch,
    StaleBinding,
    TooLarge,
    Untrusted,
    VcError,
    WrongNonce,
    WrongTyp,
)
from shared.jose.jwt import parse_jwt
from shared.keys import Role, check_role
from shared.receipts import (
    Bound,
    Exchange,
    LogEntry,
    LogHead,
    Receipt,
    bind_presentation,
    commit,
    extend,
    forget,
    peek_receipt,
    prepare_receipt,
    presentation_bytes,
    verify_log,
    verify_receipt,
    verify_receipt_bound,
    verify_receipt_by,
)
from shared.x509 import load_certificate, x5c_header

BANK = Asker.new()
SHOWN = presentation_bytes({"poa": ["a~b~c"]})
NONCE = "n-0S6_WzA2Mj"


def dice(size: int) -> bytes:
    return bytes(range(size))


SALT, DIGEST = bind_presentation(SHOWN, entropy=dice)
BARE = Receipt(
    receipt_id="r-1",
    entity=ENTITY,
    received_at=AT,
    decision="rejected",
    purpose_id="open-account",
    salt=SALT,
    presentation_digest=DIGEST,
    nonce=NONCE,
)
FULL = replace(
    BARE,
    decision="accepted",
    reason_code="status_old",
    effective_from=AT + 1,
    claims_kept=("given name", "powers"),
    retain_until=AT + 365 * 86_400,
    contact="help@bank.example",
    how_to_complain="https://ico.example",
    status_list_iat=AT - 3600,
    status_max_age=86_400,
    bundle_digest=bytes(32),
    recipient="https://dwp.example",
    told=("care-contribution-assessment",),
    log_head=LogHead(size=7, digest=bytes(range(32))),
)


def sign(receipt: Receipt = FULL, asker: Asker = BANK) -> str:
    return asker.signer.finish(prepare_receipt(receipt, key=KEY, x5c=[asker.certificate], at=AT))


def claims(**members: Any) -> dict[str, Any]:
    return {**parse_jwt(sign()).claims, **members}


def verify(token: str, *, asker: Asker = BANK, presentation: bytes = SHOWN, nonce: str = NONCE) -> Receipt:
    return verify_receipt(token, Exchange(at=AT, presentation=presentation, nonce=nonce), policy=asker.policy())


@pytest.mark.parametrize("receipt", [BARE, FULL])
def test_a_receipt_is_signed_and_read_back(receipt: Receipt) -> None:
    token = sign(receipt)
    assert parse_jwt(token).header["typ"] == "receipt+jwt"
    assert verify(token) == receipt
    assert peek_receipt(token) == receipt
    assert verify_receipt_by(token, Exchange(at=AT, presentation=SHOWN, nonce=NONCE), signer=load_certificate(BANK.certificate)) == receipt


def test_the_members_have_the_names_of_the_domain() -> None:
    assert set(parse_jwt(sign()).claims) == {
        "iss", "iat", "receipt_id", "received_at", "decision", "reason_code", "effective_from", "intendedUseIdentifier", "claims_kept",
        "retain_until", "contact", "how_to_complain", "status_list_iat", "status_max_age", "salt", "presentation_digest", "nonce", "bundle_digest", "log_head",
        "recipient", "told",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("iat", "age", "until"),
    [(AT, 3_600, AT + 3_600), (AT, None, None), (None, 3_600, None), (LAST, 3_600, LAST), (AT - 3_600, 3_600, None)],
)
def test_how_long_something_may_stay_unknown_is_said(iat: int | None, age: int | None, until: int | None) -> None:
    assert replace(FULL, received_at=AT, status_list_iat=iat, status_max_age=age).may_not_know_until == until


def test_the_digest_is_over_the_salted_presentations_in_one_spelling() -> None:
    assert presentation_bytes({"b": ["x"], "a": ("y", "z")}) == b'{"a":["y","z"],"b":["x"]}'
    assert bind_presentation(b"x", entropy=lambda size: b"1" * size) != bind_presentation(b"x", entropy=lambda size: b"2" * size)


def test_receipt_of_other_presentation() -> None:
    with pytest.raises(OtherPresentation):
        verify(sign(), presentation=presentation_bytes({"poa": ["a~b~d"]}))
    with pytest.raises(OtherPresentation):
        verify(sign(replace(FULL, salt=bytes(16))))
    with pytest.raises(WrongNonce):
        verify(sign(), nonce="another")


@pytest.mark.parametrize(
    ("exchange", "kind", "where"),
    [
        ({"purpose_id": "marketing"}, PurposeMismatch, "/intendedUseIdentifier"),
        ({"sent_at": AT + 301}, StaleBinding, "/received_at"),
        ({"at": AT - 59}, None, ""),
        ({"purpose_id": "open-account", "sent_at": AT + 300}, None, ""),
    ],
)
def test_a_receipt_is_for_the_use_and_from_the_time_of_what_was_sent(
    exchange: dict[str, Any], kind: type[VcError] | None, where: str
) -> None:
    """Whoever dates a receipt back hides a log that was rewritten; whoever names another use keeps it for what nobody agreed to."""
    told = Exchange(**{"at": AT, "presentation": SHOWN, "nonce": NONCE, **exchange})
    if kind is None:
        assert verify_receipt(sign(), told, policy=BANK.policy()) == FULL
        return
    with pytest.raises(kind) as caught:
        verify_receipt(sign(), told, policy=BANK.policy())
    assert caught.value.where == where


def test_a_receipt_from_the_future_is_refused() -> None:
    told = Exchange(at=AT, presentation=SHOWN, nonce=NONCE)
    verify_receipt(sign(replace(FULL, received_at=AT + 300)), told, policy=BANK.policy())
    with pytest.raises(NotYetValid):
        verify_receipt(sign(replace(FULL, received_at=AT + 301)), told, policy=BANK.policy())


RAW = base64url.decode("bm9uY2U")
BOUND = Bound(salt=SALT, presentation_digest=DIGEST, nonce=RAW, purpose_id="open-account", given_at=AT)


def confirmed(**changes: Any) -> Receipt:
    """One that is bound as a desk's receipt is; ``asker`` signs."""
    asker = changes.pop("asker", BANK)
    token = sign(replace(FULL, **{"nonce": base64url.encode(RAW)} | changes), asker)
    return verify_receipt_bound(token, BOUND, policy=BANK.policy(), at=AT + 60)


def test_what_confirms_a_desks_receipt_is_bound_to_the_same() -> None:
    assert confirmed().decision == "accepted"
    assert confirmed(decision="rejected", received_at=AT - 300).decision == "rejected"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"salt": bytes(16)}, OtherPresentation),
        ({"presentation_digest": bytes(32)}, OtherPresentation),
        ({"nonce": NONCE}, WrongNonce),
        ({"purpose_id": "close-account"}, PurposeMismatch),
        ({"received_at": AT + 60 + 301}, NotYetValid),
        ({"received_at": AT - 301}, StaleBinding),
        ({"entity": "https://other.example"}, Untrusted),
        ({"asker": Asker.new()}, Untrusted),
    ],
)
def test_what_is_bound_to_something_else_confirms_nothing(changes: dict[str, Any], kind: type[VcError]) -> None:
    with pytest.raises(kind):
        confirmed(**changes)


@pytest.mark.parametrize(
    ("changes", "all_of_it"),
    [
        ({}, True),
        ({"decision": "undecided", "retain_until": AT + 1}, True),
        ({"retain_until": AT}, False),
        ({"decision": "rejected"}, False),
        ({"claims_kept": ("Donor’s name",)}, False),
        ({"told": ("a note",)}, False),
    ],
)
def test_who_names_no_part_and_does_not_refuse_keeps_all(changes: dict[str, Any], all_of_it: bool) -> None:
    """Unless the end that they name was over when they decided."""
    bare = replace(FULL, decision="accepted", received_at=AT, claims_kept=(), told=(), retain_until=None)
    assert replace(bare, **changes).keeps_all is all_of_it


def test_the_relying_partys_role_signs_receipts_and_no_other_role_does() -> None:
    unsigned = prepare_receipt(FULL, key=KEY, x5c=[BANK.certificate], at=AT)
    check_role(Role.RELYING_PARTY, unsigned.typ)
    for role in set(Role) - {Role.RELYING_PARTY}:
        with pytest.raises(KeyRoleRefused):
            check_role(role, unsigned.typ)


@pytest.mark.parametrize("typ", ["oauth-authz-req+jwt", "kb+jwt", "log-head+jwt", "JWT", "Receipt+JWT"])
def test_typ_swap_is_refused(typ: str) -> None:
    token = BANK.sign_claims(claims(), typ=typ)
    for check in (verify, peek_receipt):
        with pytest.raises(WrongTyp):
            check(token)


OTHER = Asker.new()


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        (sign(asker=OTHER), Untrusted),
        (sign(replace(FULL, entity="https://other.example")), Untrusted),
        (sign()[:-8] + "AAAAAAAA", BadSignature),
        (OTHER.sign_claims(claims(), typ="receipt+jwt", header={"x5c": x5c_header([BANK.certificate])}), BadSignature),
        (BANK.sign_claims(claims(), typ="receipt+jwt", header={}), Malformed),
        (BANK.sign_claims(claims(iat=AT + 3600), typ="receipt+jwt"), NotYetValid),
        ("x" * 70_000, TooLarge),
    ],
)
def test_a_receipt_by_somebody_else_is_refused(token: str, kind: type[VcError]) -> None:
    with pytest.raises(VcError) as caught:
        verify(token)
    assert type(caught.value) is kind


def test_a_receipt_is_by_the_very_certificate_that_asked() -> None:
    with pytest.raises(Untrusted):
        verify_receipt_by(sign(), Exchange(at=AT, presentation=SHOWN, nonce=NONCE), signer=load_certificate(OTHER.certificate))


@pytest.mark.parametrize(
    ("members", "where"),
    [
        ({"decision": "maybe"}, "/decision"),
        ({"receipt_id": None}, "/receipt_id"),
        ({"iss": None}, "/iss"),
        ({"received_at": "now"}, "/received_at"),
        *(({name: 2**53 - 1}, f"/{name}") for name in ("received_at", "effective_from", "retain_until", "status_list_iat", "answer_by")),
        ({"status_max_age": 400 * 86_400}, "/status_max_age"),
        ({"intendedUseIdentifier": ""}, "/intendedUseIdentifier"),
        ({"claims_kept": [7]}, "/claims_kept/0"),
        ({"salt": "AA"}, "/salt"),
        ({"salt": "!"}, "/salt"),
        ({"presentation_digest": "AA"}, "/presentation_digest"),
        ({"bundle_digest": "AA"}, "/bundle_digest"),
        ({"log_head": {"size": -1}}, "/log_head/size"),
        ({"log_head": {"size": 1, "digest": "AA"}}, "/log_head/digest"),
        ({"log_head": 7}, "/log_head"),
    ],
)
def test_a_malformed_receipt_points_at_the_place(members: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        verify(BANK.sign_claims(claims(**members), typ="receipt+jwt"))
    assert caught.value.where == where


def test_claims_kept_may_be_left_out() -> None:
    assert verify(BANK.sign_claims(claims(claims_kept=None), typ="receipt+jwt")).claims_kept == ()


def fixed(number: int) -> Entropy:
    return lambda size: bytes([number]) * size


ENTRIES = [commit({"receipt_id": name, "claims": [{"b": 1, "a": name}]}, entropy=fixed(number)) for number, name in enumerate("abcd")]


def heads() -> list[LogHead]:
    found: list[LogHead] = []
    for entry in ENTRIES:
        found.append(extend(found[-1] if found else None, entry))
    return found


def test_a_log_has_the_heads_that_it_had() -> None:
    assert verify_log([]) == LogHead(size=0, digest=bytes(32))
    assert verify_log(ENTRIES, heads=heads()) == heads()[-1]
    assert [head.size for head in heads()] == [1, 2, 3, 4]


def test_the_same_entry_has_the_same_commitment_whatever_the_order_of_its_members() -> None:
    one = commit({"a": 1, "b": [{"d": 2, "c": (3,)}]}, entropy=dice)
    assert one.commitment == commit({"b": [{"c": [3], "d": 2}], "a": 1}, entropy=dice).commitment


def test_a_forgotten_entry_leaves_its_commitment_and_nothing_to_guess() -> None:
    kept = [forget(ENTRIES[0]), *ENTRIES[1:]]
    assert kept[0] == LogEntry(commitment=ENTRIES[0].commitment)
    assert verify_log(kept, heads=heads()) == heads()[-1]


def test_rewritten_log_detected_by_receipt_head() -> None:
    receipt = verify(sign(replace(FULL, log_head=heads()[2])))
    assert receipt.log_head is not None
    without_second = [ENTRIES[0], *ENTRIES[2:]]
    with pytest.raises(HistoryRewritten) as caught:
        verify_log(without_second, heads=[receipt.log_head])
    assert caught.value.where == "/3"
    replaced = [*ENTRIES[:2], commit({"receipt_id": "forged"}, entropy=dice), ENTRIES[3]]
    with pytest.raises(HistoryRewritten):
        verify_log(replaced, heads=[receipt.log_head])
    with pytest.raises(HistoryRewritten):
        verify_log(ENTRIES[:2], heads=[receipt.log_head])
    assert verify_log(ENTRIES, heads=[receipt.log_head]) == heads()[3]


@pytest.mark.parametrize(
    "entry",
    [
        replace(ENTRIES[1], entry={"receipt_id": "changed"}),
        replace(ENTRIES[1], salt=bytes(16)),
        replace(ENTRIES[1], salt=None),
        replace(ENTRIES[1], entry=None),
    ],
)
def test_a_changed_entry_does_not_match_its_commitment(entry: LogEntry) -> None:
    with pytest.raises(HistoryRewritten) as caught:
        verify_log([ENTRIES[0], entry])
    assert caught.value.where == "/1"


@given(
    st.text()
    | st.dictionaries(st.sampled_from(sorted(claims())), st.none() | st.text() | st.integers()).map(
        lambda m: BANK.sign_claims(claims(**m), typ="receipt+jwt")
    )
)
def test_any_text_is_a_receipt_or_a_vc_error(token: str) -> None:
    try:
        verify(token)
    except VcError:
        return


def test_the_receipt_is_plain_json_to_everybody_else() -> None:
    payload = json.loads(base64url.decode(sign().split(".")[1]))
    assert payload["log_head"] == {"size": 7, "digest": base64url.encode(bytes(range(32)))}
