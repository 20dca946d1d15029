"""W3C documents: statuses in bitstring lists, and issuers that are pinned as DIDs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from support.federation import MINISTRY
from support.federations import Member, justice
from support.signing import AT, Signer
from support.successions import handed, publish
from support.trial_verify import (
    CLAIMS,
    DAY,
    IDX,
    ISSUER,
    LIST,
    VCT,
    Answers,
    Authority,
    Dice,
    credential,
    decide,
    expectation,
    holder,
    issue,
    material,
    registry,
    show,
    status_list,
    status_token,
    stranger,
)

from shared import did
from shared.did import did_key
from shared.errors import NotEntitled, SnapshotMissing, Untrusted
from shared.formats import StatusReference, formats
from shared.jose.jws import parse_jws, prepare_jws
from shared.keys import KeyId, Role
from shared.status.bitstring import bits_of, encode_list, prepare_list
from shared.status.memory import StatusMemory
from shared.status.token_status_list import INVALID, SUSPENDED
from shared.trust.anchors import TrustAnchors
from shared.trust.dids import DidPin
from shared.trust.policy import Policy
from shared.verify import Decision, Material

LISTS = {"revocation": f"{LIST}/revocation", "suspension": f"{LIST}/suspension"}
PARTS = [("credentialSubject",)]


def entry(purpose: str = "revocation", **members: Any) -> dict[str, Any]:
    base = {
        "type": "BitstringStatusListEntry",
        "statusPurpose": purpose,
        "statusListIndex": str(IDX),
        "statusListCredential": LISTS.get(purpose, LISTS["revocation"]),
    }
    return base | members


BOTH = [entry(), entry("suspension")]


def shown(*entries: dict[str, Any], signer: Signer | None = None, header: dict[str, Any] | None = None, **members: Any) -> str:
    """A document that says where its status stands in the W3C's way alone."""
    by = signer or registry().signer
    made = formats()["vc+jwt"].prepare(credential(), key=KeyId("issuer"), holder=holder().public, entropy=Dice())
    document = {name: value for name, value in json.loads(parse_jws(made.complete(bytes(64))).payload).items() if name != "status"}
    document |= ({"credentialStatus": list(entries)} if entries else {}) | members
    before = {"x5c": parse_jws(made.complete(bytes(64))).header["x5c"]} if header is None else header
    wire = by.finish(
        prepare_jws(
            typ="vc+jwt", payload=json.dumps(document).encode(), key=KeyId("issuer"), alg=by.public.alg, header={"cty": "vc", **before}
        )
    )
    return show(wire, format_name="vc+jwt")


def bitstring(values: dict[int, int] | None = None, purpose: str = "revocation", *, signer: Signer | None = None, **changes: Any) -> str:
    value = INVALID if purpose == "revocation" else SUSPENDED
    by = signer or registry().signer
    given: dict[str, Any] = {
        "encoded": encode_list(bits_of(status_list(values), value)),
        "purpose": purpose,
        "uri": LISTS[purpose],
        "issuer": ISSUER,
        "iat": AT - 60,
        "x5c": registry().x5c,
        "alg": by.public.alg,
    } | changes
    return by.finish(prepare_list(key=KeyId("issuer"), **given))


def answers(values: dict[int, int] | None = None, **changes: Any) -> Answers:
    return Answers({LISTS[purpose]: bitstring(values, purpose, **changes) for purpose in LISTS})


def judge(wire: str, driver: Any = None, form: str = "vc+jwt", trust: Material | None = None) -> Decision:
    return decide(wire, want=expectation(format=form), answer=driver or answers(), trust=trust or material())


def is_(decision: Decision, outcome: str, code: str = "", line: str = "status") -> None:
    assert (decision.decision, decision.code) == (outcome, code), decision.checks
    if code:
        assert decision.line(line).code == code


def test_vc_sd_jwt_is_judged_like_every_other() -> None:
    is_(judge(show(issue("vc+sd-jwt"), format_name="vc+sd-jwt"), status_token(), "vc+sd-jwt"), "accepted")
    is_(judge(show(issue("vc+sd-jwt"), format_name="vc+sd-jwt"), status_token({IDX: INVALID}), "vc+sd-jwt"), "rejected", "revoked")
    is_(judge(show(issue("vc+sd-jwt"), format_name="vc+sd-jwt"), status_token(), "dc+sd-jwt"), "rejected", "wrong_typ", "parse")
    is_(judge(show(issue("dc+sd-jwt")), status_token(), "vc+sd-jwt"), "rejected", "wrong_typ", "parse")


# --- bitstring lists -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "outcome", "code"),
    [
        ({}, "accepted", ""),
        ({IDX + 1: INVALID}, "accepted", ""),
        ({IDX: INVALID}, "rejected", "revoked"),
        ({IDX: SUSPENDED}, "rejected", "suspended"),
    ],
)
def test_what_the_bits_say(values: dict[int, int], outcome: str, code: str) -> None:
    driver = answers(values)
    is_(judge(shown(*BOTH), driver), outcome, code)
    assert driver.asked == list(LISTS.values())


@pytest.mark.parametrize(("issuer", "code"), [("https://heir.example", "revoked"), (ISSUER, "status_unknown")])
def test_a_list_by_who_took_over_from_the_issuer(issuer: str, code: str) -> None:
    """It says that it is theirs; who took over says it under its own name."""
    realm, by = justice(), Authority.new("https://heir.example")
    realm.members[by.entity] = Member(by.entity, superiors=(MINISTRY,), keys={Role.CREDENTIAL_ISSUER: by.signer})
    publish(realm, MINISTRY, handed(realm[ISSUER], ISSUER, realm[by.entity], status_duty=True, may_cancel=True))
    trust = material(policy=replace(material().policy, federation=realm.federation(MINISTRY)))
    listed = answers({IDX: INVALID}, signer=by.signer, x5c=by.x5c, issuer=issuer)
    assert judge(shown(*BOTH), listed, trust=trust).line("status").code == code


def test_the_other_kind_is_asked_where_both_are_named() -> None:
    driver = Answers({LIST: status_token()})
    wire = show(issue("vc+jwt", bitstrings=LISTS), format_name="vc+jwt")
    is_(judge(wire, driver), "accepted")
    assert driver.asked == [LIST]


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([{"type": "OtherStatus"}], "status_unknown"),
        ([entry(), {"type": "OtherStatus"}], "status_unknown"),
        ([entry(purpose="message")], "status_unknown"),
        ([entry(purpose="refresh")], ""),
        ([entry(), entry(purpose="refresh")], "ok"),
        ([entry(statusListIndex="131072")], "range"),
        ([entry(statusSize=2, statusMessage=[{"status": "0x0", "message": "x"}] * 4)], "status_unknown"),
        ([entry(statusListCredential="https://opg.example/status/2/revocation")], "status_unknown"),
    ],
)
def test_what_nobody_can_ask_is_undecided(entries: list[dict[str, Any]], code: str) -> None:
    decision = judge(shown(*entries))
    if code == "ok":
        is_(decision, "accepted")
    elif code == "range":
        is_(decision, "rejected", "status_index_out_of_range")
    elif code:
        is_(decision, "undecided", code)
    else:
        is_(decision, "rejected", "malformed", "parse" if decision.line("parse").state == "failed" else "disclosures")


def test_a_no_outweighs_a_maybe() -> None:
    is_(judge(shown({"type": "OtherStatus"}, entry()), answers({IDX: INVALID})), "rejected", "revoked")


@pytest.mark.parametrize(
    "changes",
    [
        {"signer": stranger().signer},
        {"x5c": stranger().x5c, "signer": stranger().signer},
        {"uri": LIST},
        {"issuer": "https://other.example"},
        {"iat": AT + 61},
        {"exp": AT - 1},
        {"encoded": "u"},
        {"encoded": encode_list(bytes(100))},
        {"purpose": "suspension", "uri": LISTS["revocation"]},
    ],
)
def test_lists_that_say_nothing(changes: dict[str, Any]) -> None:
    driver = Answers({LISTS["revocation"]: bitstring(**changes)})
    is_(judge(shown(entry()), driver), "undecided", "status_unknown")


def test_a_list_is_of_the_kind_that_was_named() -> None:
    is_(judge(shown(entry()), Answers({LISTS["revocation"]: status_token(uri=LISTS["revocation"])})), "undecided", "status_unknown")
    wire = show(issue("vc+jwt", status=StatusReference(uri=LISTS["revocation"], idx=IDX)), format_name="vc+jwt")
    is_(judge(wire, answers()), "undecided", "status_unknown")


def test_old_news_and_what_was_learnt() -> None:
    is_(judge(shown(entry()), answers(iat=AT - 2 * DAY)), "undecided", "status_stale")
    first = judge(shown(*BOTH), answers({IDX: INVALID}))
    is_(first, "rejected", "revoked")
    assert (ISSUER, LISTS["revocation"], IDX) in first.learnt.invalid
    again = judge(shown(*BOTH), answers(iat=AT), trust=material(memory=first.learnt))  # INVALID once is final (S19)
    is_(again, "rejected", "revoked")
    held = judge(shown(*BOTH), answers({IDX: SUSPENDED}))
    is_(held, "rejected", "suspended")
    assert not held.learnt.invalid
    is_(judge(shown(*BOTH), answers(iat=AT), trust=material(memory=held.learnt)), "accepted")  # a hold may end
    newer = StatusMemory().merge(held.learnt)
    is_(judge(shown(*BOTH), answers(iat=AT - 120), trust=material(memory=newer)), "undecided", "status_unknown")  # rolled back


def test_a_list_that_came_along() -> None:
    staple = bitstring({IDX: INVALID}, iat=AT - 30)
    assert (
        decide(shown(entry()), want=expectation(format="vc+jwt"), answer=answers(), stapled=["x", status_token(), staple]).code == "revoked"
    )
    assert decide(shown(entry()), want=expectation(format="vc+jwt"), answer=Answers(), stapled=[bitstring()]).decision == "accepted"


# --- DIDs ------------------------------------------------------------------------------------------------------------------------------

OFFICE = Signer.new()
KEY_DID = did_key(OFFICE.public)
KEY_NAME = f"{KEY_DID}#{KEY_DID.removeprefix('did:key:')}"
WEB_DID = "did:web:opg.example"
WEB = "https://opg.example/.well-known/did.json"


def pinned(*names: str, vcts: tuple[str, ...] | None = None, **changes: Any) -> Material:
    trust = TrustAnchors(anchors=(registry().pin(),), dids=tuple(DidPin(did=name, name="OPG", vcts=vcts) for name in names))
    return replace(material(), policy=Policy(trust), **changes)


def by_did(name: str, kid: Any = ..., **changes: Any) -> str:
    header = {} if kid is ... else {"kid": kid}
    return shown(entry(), signer=changes.pop("signer", OFFICE), header=header, issuer=name, **changes)


def list_by_did(name: str, kid: str = "", *, signer: Signer = OFFICE) -> str:
    token = bitstring(signer=signer, issuer=name, x5c=())
    if not kid:
        return token
    payload = parse_jws(token).payload
    return signer.finish(prepare_jws(typ="vc+jwt", payload=payload, key=KeyId("issuer"), header={"kid": kid}))


def test_a_pinned_did_key_speaks() -> None:
    for kid in (KEY_NAME, ...):
        for named in (KEY_NAME, ""):
            driver = Answers({LISTS["revocation"]: list_by_did(KEY_DID, named)})
            decision = judge(by_did(KEY_DID, kid), driver, trust=pinned(KEY_DID))
            is_(decision, "accepted")
            assert decision.credentials[0].issuer_name == "OPG"
            assert decision.credentials[0].claims.issuer == KEY_DID
            assert decision.credentials[0].claims.claims == CLAIMS
            assert driver.asked == [LISTS["revocation"]]


def test_a_did_that_is_not_pinned_is_nobody() -> None:
    driver = Answers()
    is_(judge(by_did(KEY_DID, KEY_NAME), driver, trust=pinned()), "rejected", "untrusted", "issuer_trust")
    is_(judge(by_did(KEY_DID, KEY_NAME), driver, trust=pinned(WEB_DID)), "rejected", "untrusted", "issuer_trust")
    is_(judge(by_did(WEB_DID), driver, trust=pinned(KEY_DID)), "rejected", "untrusted", "issuer_trust")
    is_(judge(by_did(KEY_DID), driver, trust=pinned(KEY_DID, vcts=("urn:other",))), "rejected", "not_entitled", "issuer_trust")
    is_(judge(by_did("did:example:1"), driver, trust=pinned("did:example:1")), "rejected", "malformed", "issuer_trust")
    assert driver.asked == []  # what is not pinned is never looked up
    with_certificate = shown(entry(), issuer=KEY_DID)  # the registry's certificate names its address, not the DID
    is_(judge(with_certificate, driver, trust=pinned(KEY_DID)), "rejected", "not_entitled", "issuer_trust")


def test_signed_by_another_than_the_dids_key() -> None:
    other = Signer.new()
    is_(judge(by_did(KEY_DID, KEY_NAME, signer=other), trust=pinned(KEY_DID)), "rejected", "bad_signature", "signature")
    for kid in ("#other", did_key(other.public), f"{did_key(other.public)}#x", 7):
        decision = judge(by_did(KEY_DID, kid, signer=other), trust=pinned(KEY_DID))
        assert decision.decision == "rejected"
        assert decision.code in {"untrusted", "bad_signature"}


def test_did_web_is_answered_by_the_driver() -> None:
    document = did.render_document(WEB_DID, OFFICE.public).decode()
    listed = {LISTS["revocation"]: list_by_did(WEB_DID)}
    for kid in ("#key-1", f"{WEB_DID}#key-1", ...):
        driver = Answers({WEB: document, **listed})
        is_(judge(by_did(WEB_DID, kid), driver, trust=pinned(WEB_DID)), "accepted")
        assert driver.asked == [WEB, LISTS["revocation"]]
    is_(judge(by_did(WEB_DID), Answers(listed), trust=pinned(WEB_DID)), "undecided", "issuer_keys_unknown", "issuer_trust")
    wrong = did.render_document("did:web:other.example", OFFICE.public).decode()
    is_(judge(by_did(WEB_DID), Answers({WEB: wrong}), trust=pinned(WEB_DID)), "rejected", "malformed", "issuer_trust")
    alone = json.dumps(json.loads(document) | {"assertionMethod": [], "authentication": [f"{WEB_DID}#key-1"]})
    is_(judge(by_did(WEB_DID, "#key-1"), Answers({WEB: alone}), trust=pinned(WEB_DID)), "rejected", "untrusted", "issuer_trust")


def test_a_list_by_another_key_of_a_did() -> None:
    other = Signer.new()
    for token in (list_by_did(KEY_DID, signer=other), list_by_did(KEY_DID, did_key(other.public) + "#x", signer=other)):
        driver = Answers({LISTS["revocation"]: token})
        is_(judge(by_did(KEY_DID), driver, trust=pinned(KEY_DID)), "undecided", "status_unknown")


def test_the_pin_as_a_question() -> None:
    trust = TrustAnchors().add_did(DidPin(did=KEY_DID, name="OPG", vcts=(VCT,)))
    assert Policy(trust).check_did(KEY_DID, VCT).name == "OPG"
    with pytest.raises(NotEntitled):
        Policy(trust).check_did(KEY_DID, "urn:other")
    with pytest.raises(Untrusted):
        Policy(TrustAnchors()).check_did(KEY_DID, VCT)
    with pytest.raises(SnapshotMissing):  # S16: from a checking pack nobody can tell which keys are over
        Policy.sealed(trust, {}).check_did(KEY_DID, VCT)
    borne = TrustAnchors(dids=(DidPin(did=KEY_DID, name="OPG", without_snapshot=True),))
    assert Policy.sealed(borne, {}).check_did(KEY_DID, VCT).did == KEY_DID
