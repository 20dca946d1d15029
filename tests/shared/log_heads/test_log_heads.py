from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.asking import ENTITY, KEY, Asker
from support.signing import AT
from support.trial_verify import ISSUER, Dice, registry

from shared.codec import base64url
from shared.errors import BadSignature, HistoryRewritten, KeyRoleRefused, Malformed, NotYetValid, TooLarge, Untrusted, VcError, WrongTyp
from shared.jose.jwt import parse_jwt, prepare_jwt
from shared.keys import Role, check_role
from shared.log_heads import TYPS, SignedHead, peek_log_head, prepare_log_head, verify_log_head
from shared.receipts import LogEntry, LogHead, commit, extend, forget, verify_log
from shared.trust.anchors import TrustAnchors
from shared.trust.policy import Policy
from shared.x509 import x5c_header

BANK = Asker.new()
ASKS, MAKES = Role.RELYING_PARTY, Role.CREDENTIAL_ISSUER
SAID = SignedHead(entity=ENTITY, at=AT, head=LogHead(size=7, digest=bytes(range(32))))
OFFICE = SignedHead(entity=ISSUER, at=AT, head=SAID.head)
MAKERS = Policy(TrustAnchors(anchors=(registry().pin(),)))


def sign(said: SignedHead = SAID, asker: Asker = BANK) -> str:
    return asker.signer.finish(prepare_log_head(said, role=ASKS, key=KEY, x5c=[asker.certificate]))


def of_office(role: Role = MAKES) -> str:
    return registry().signer.finish(prepare_log_head(OFFICE, role=role, key=KEY, x5c=registry().x5c))


def verify(token: str, *, entity: str = ENTITY, at: int = AT) -> SignedHead:
    return verify_log_head(token, policy=BANK.policy(), role=ASKS, entity=entity, at=at)


def forged(typ: str = "log-head+jwt", header: Mapping[str, Any] | None = None, asker: Asker = BANK, **members: Any) -> str:
    claims = {"iss": ENTITY, "iat": AT, "size": 7, "digest": base64url.encode(bytes(32))} | members
    chosen = {"x5c": x5c_header([BANK.certificate])} if header is None else header
    return asker.signer.finish(prepare_jwt(claims, typ=typ, key=KEY, header=chosen))


def of_members(members: Mapping[str, Any]) -> str:
    return forged(**members)


def test_a_head_is_signed_and_read_back() -> None:
    token = sign()
    assert parse_jwt(token).header["typ"] == "log-head+jwt"
    assert set(parse_jwt(token).claims) == {"iss", "iat", "size", "digest"}
    assert verify(token) == peek_log_head(token) == SAID
    assert verify_log_head(of_office(), policy=MAKERS, role=MAKES, entity=ISSUER, at=AT) == OFFICE


def test_each_role_signs_its_own_and_no_other() -> None:
    for role, typ in TYPS.items():
        check_role(role, typ)
        for other in set(Role) - {role}:
            with pytest.raises(KeyRoleRefused):
                check_role(other, typ)


@pytest.mark.parametrize(
    ("token", "error"),
    [
        (forged("receipt+jwt"), WrongTyp),
        (forged("issuer-log-head+jwt"), WrongTyp),
        (forged(header={}), Malformed),
        (forged(iat=AT + 3600), NotYetValid),
        (forged(digest="AAAA"), Malformed),
        (forged(digest="?"), Malformed),
        (forged(size=-1), Malformed),
        (forged(iss=""), Malformed),
        (forged(iss=f"https://{'x' * 2_048}.example"), TooLarge),
        (forged(iss="https://other.example"), Untrusted),
        (sign(asker=Asker.new()), Untrusted),
        (forged(header={"x5c": x5c_header([Asker.new().certificate])}), Untrusted),
        (forged(asker=Asker.new()), BadSignature),
        (of_office(), Untrusted),
        ("x", Malformed),
    ],
)
def test_what_is_no_head_of_this_body(token: str, error: type[VcError]) -> None:
    with pytest.raises(error):
        verify(token)


def test_the_head_of_an_office_as_one_who_asks_signs_it() -> None:
    with pytest.raises(WrongTyp):
        verify_log_head(of_office(ASKS), policy=MAKERS, role=MAKES, entity=ISSUER, at=AT)


@given(st.text() | st.dictionaries(st.sampled_from(["iss", "iat", "size", "digest"]), st.text() | st.integers()).map(of_members))
def test_any_text_is_a_head_or_a_vc_error(token: str) -> None:
    try:
        verify(token)
    except VcError:
        return


# --- along the chain -------------------------------------------------------------------------------------------------------------------

ENTRIES = [commit({"n": place}, entropy=Dice(str(place))) for place in range(6)]


def heads(entries: list[LogEntry] = ENTRIES) -> list[LogHead]:
    found: list[LogHead] = []
    for entry in entries:
        found.append(extend(found[-1] if found else None, entry))
    return found


def test_commitments_alone_lead_from_one_head_to_the_next() -> None:
    told = [forget(entry) for entry in ENTRIES]
    assert verify_log(told[2:], heads=heads()[1:], start=heads()[1]) == heads()[5]
    assert verify_log([], heads=[heads()[1]], start=heads()[1]) == heads()[1]


@pytest.mark.parametrize("known", [LogHead(size=4, digest=bytes(32)), LogHead(size=9, digest=bytes(32)), heads()[0]])
def test_a_head_beside_the_way_behind_it_or_before_it(known: LogHead) -> None:
    with pytest.raises(HistoryRewritten):
        verify_log([forget(entry) for entry in ENTRIES[2:]], heads=[known], start=heads()[1])
