"""What the scripts make, ours takes, and the other way round: copies, presentations, questions and sealed answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from support import judging, twins
from support.bends import BENDS
from support.counter import ANSWERED, BANK, KEY, SHOWN, USE, Counter
from support.signing import AT, Signer
from support.trial_verify import DAY, assertion
from support.twins import Case, Draft

from shared.codec import base64url, strict_json
from shared.cose import RP_CERTIFICATE, parse_sign1, prepare_sign1, render_cose_key
from shared.credentials import all_types
from shared.credentials._page import page_type
from shared.errors import Malformed
from shared.formats import Claims, formats
from shared.inbox import Inbox
from shared.jose.jwk import parse_public_jwk, render_jwk
from shared.ovp.answer import Answer, OpenChallenge, open_answer
from shared.ovp.challenge import check_challenge, parse_challenge
from shared.ovp.envelope import PRESENTATION
from shared.ovp.receipt import check_desk_receipt, parse_desk_receipt
from shared.trust.relying_party import Want, parse_rp_certificate

pytestmark = pytest.mark.real

TYPES = [page_type(each) for each in all_types().values()]


def pkcs8(signer: Signer) -> str:
    return signer.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()).hex()


def copy_case(data: bytes, holder: Signer, issuer: Signer, at: int = AT) -> dict[str, Any]:
    return {
        "op": "check_copy",
        "data": data.hex(),
        "types": TYPES,
        "issuer": render_jwk(issuer.public),
        "holder": render_jwk(holder.public),
        "at": at,
    }


def received(case: Mapping[str, Any]) -> dict[str, Any]:
    form = formats()["dc+sd-cwt"]
    parsed = form.parse(base64url.encode(bytes.fromhex(case["data"])))
    issuer, holder = (parse_public_jwk(case[name]) for name in ("issuer", "holder"))
    claims: Claims = form.check_received(parsed, issuer, holder=holder, at=case["at"])
    disclosures = cbor2.loads(bytes.fromhex(case["data"])).value[1].get(17, ())
    shown = sorted(-parts[2] for parts in map(cbor2.loads, disclosures) if len(parts) > 1)  # a decoy is a salt alone
    status = None if claims.status is None else {"uri": claims.status.uri, "idx": claims.status.idx}
    plain = json.loads(strict_json.dumps(claims.claims))
    return {"claims": plain, "groups": shown, "issuedAt": claims.issued_at, "expiresAt": claims.expires_at, "status": status}


def test_a_wallets_check_of_a_new_copy() -> None:
    dice, holder, issuer = judging.dice(21), twins.holder(), twins.registry().signer
    whole = twins.issue()
    header, bare, payload, signature = cbor2.loads(whole).value
    cases = [
        copy_case(whole, holder, issuer),
        copy_case(whole, Signer.new(), issuer),
        copy_case(whole, holder, Signer.new()),
        copy_case(whole, holder, issuer, at=AT + 40 * DAY),
        copy_case(whole, holder, issuer, at=AT - 9 * DAY),
        copy_case(Draft.of(whole).content(), holder, issuer),
        copy_case(cbor2.dumps(cbor2.CBORTag(18, [header, {17: bare[17][1:]}, payload, signature])), holder, issuer),
        copy_case(cbor2.dumps(cbor2.CBORTag(18, [header, {17: [*bare[17][::-1]]}, payload, signature])), holder, issuer),
        copy_case(cbor2.dumps(cbor2.CBORTag(18, [header, {**bare, 33: b"der"}, payload, signature])), holder, issuer),
    ]
    for bend in BENDS.values():
        draft = Draft.of(whole)
        draft.hidden = list(bare[17])
        bend(draft, dice)
        cases.append(copy_case(cbor2.dumps(draft.document()), holder, issuer))
    assert judging.equal(cases, received) > 20


def test_groups_of_a_copy() -> None:
    groups = judging.judge([{"op": "groups", "data": twins.issue().hex(), "types": TYPES}])[0]["ok"]
    assert groups["1"] == {"claims": {"represented": {"given_name": "Margaret", "family_name": "Ashdown"}}, "within": 0}
    assert groups["10"]["within"] == 7
    assert groups["7"] == {"claims": {}, "within": 0}


@pytest.mark.parametrize("groups", [[], [1], [1, 4, 5], [10], [7], [1, 2, 3, 4, 5, 10]])
def test_python_accepts_what_a_page_presents(groups: list[int]) -> None:
    holder = Signer.new()
    data = twins.issue(to=holder)
    live = {"audience": twins.audience(), "nonce": twins.NONCE.hex(), "at": AT}
    copy = {"audience": f"a:{BANK}", "nonce": bytes(16).hex(), "at": AT, "exp": AT + 90 * DAY, "cti": bytes(16).hex(), "purposeId": "bank"}
    common = {"op": "show", "data": data.hex(), "types": TYPES, "groups": groups, "key": pkcs8(holder)}
    staple = assertion(by=twins.registry(), iat=AT - 5).hex()
    made = judging.judge([{**common, "binding": live}, {**common, "binding": copy}, {**common, "binding": live, "staple": staple}])
    contents = [bytes.fromhex(each["ok"]) for each in made]
    wants = (Want(vct=65_001, required=(), optional=tuple(range(1, 13))),)
    packs = {"plain": twins.pack(life=20 * DAY)}
    cases = [
        Case("live", "plain", contents[0], wants=wants),
        Case("copy", "plain", contents[1], mode="addressed", audience=f"a:{BANK}", purpose="bank", wants=()),
        Case("stapled", "plain", contents[2], wants=wants),
    ]
    verdicts = [twins.python_verdict(case, packs) for case in cases]
    assert [each["code"] for each in verdicts] == ["", "stale_binding", ""]  # at most fourteen days: the page's caller says so
    assert verdicts[2]["as_of"] == AT - 5
    shown = {-cbor2.loads(each)[2] for each in cbor2.loads(cbor2.loads(contents[0]).value[0])[13].value[1].get(17, [])}
    assert shown == set(groups) | ({7} if 10 in groups else set())


def test_questions_and_sealed_answers() -> None:
    counter = Counter()
    wants = [{"vct": 65_001, "required": [1, 4], "optional": [8]}]
    desk = {"certificate": counter.desk_certificate().hex(), "key": pkcs8(counter.desk), "wants": wants, "use": USE.id, "at": AT}
    content = b"\xd2 what was shown " * 20
    asked, stapled, answered, joint = judging.judge(
        [
            {"op": "ask", **desk},
            {"op": "ask", **desk, "staple": True},
            {"op": "ask_and_answer", **desk, "content": content.hex()},
            {"op": "ask", **desk, "transaction": "54" * 16},
        ]
    )
    challenge = parse_challenge(bytes.fromhex(asked["ok"]["data"]))
    asker = check_challenge(challenge, counter.register(), at=AT)
    assert (asker.entity, asker.use.id, asker.wants) == (BANK, USE.id, (Want(vct=65_001, required=(1, 4), optional=(8,)),))
    assert asked["ok"]["audience"] == challenge.audience
    assert asked["ok"]["nonce"] == challenge.digest.hex()
    assert parse_challenge(bytes.fromhex(stapled["ok"]["data"])).staple
    assert challenge.transaction is None
    assert parse_challenge(bytes.fromhex(joint["ok"]["data"])).transaction == b"T" * 16
    assert answered["ok"] == [PRESENTATION, content.hex()]
    one: OpenChallenge = counter.open_challenge()
    sealed = judging.judge([{"op": "answer", "challenge": one.challenge.data.hex(), "prefix": PRESENTATION, "content": content.hex()}])[0][
        "ok"
    ]
    assert open_answer(bytes.fromhex(sealed), [one]) == (one, Answer("dc+sd-cwt", base64url.encode(content)))


def test_receipts() -> None:
    counter = Counter()
    desk = {"certificate": counter.desk_certificate().hex(), "key": pkcs8(counter.desk), "use": USE.id, "at": AT}
    case = {"op": "give_receipt", **desk, "content": SHOWN.hex(), "nonce": ANSWERED.hex()}
    given = judging.judge(
        [
            case | {"decision": "accepted"},
            case | {"decision": "undecided", "code": "status_stale", "pack": bytes(32).hex()},
            case | {"decision": "rejected"},
            case | {"decision": "perhaps", "code": "revoked"},
        ]
    )
    for each, said in zip(given[:2], (("accepted", "", None), ("undecided", "status_stale", bytes(32))), strict=True):
        receipt = parse_desk_receipt(bytes.fromhex(each["ok"]))
        party = check_desk_receipt(receipt, counter.register(), content=SHOWN, nonce=ANSWERED, use=USE.id, sent_at=AT, at=AT)
        assert (party.entity, receipt.decision, receipt.code, receipt.pack) == (BANK, *said)
    assert [each.get("code") for each in given[2:]] == ["malformed", "malformed"]


def test_a_registration_with_inboxes_is_read() -> None:
    """Pages post nothing, but they have to read what names an inbox, and refuse the same as ours."""
    key = render_jwk(Signer.new().public)
    counter = Counter(uses=(replace(USE, inbox=Inbox("https://bank.example/own/inbox", key)),))
    good = counter.rp_certificate(inbox=Inbox("https://bank.example/inbox", key))
    anchor = {"key": render_jwk(counter.anchor.public), "entity": None, "not_before": 0, "not_after": AT + DAY}
    case = {"op": "challenge", "data": counter.challenge().hex(), "anchors": [anchor], "at": AT}
    wrong = {1: "https://bank.example/inbox", 2: render_cose_key(Signer.new("EdDSA").public)}
    right = wrong | {2: render_cose_key(counter.bank.public)}
    bent = [
        _with_inbox(counter, inbox)
        for inbox in (wrong, right | {1: "ftp://bank.example"}, right | {1: "https://bank.example/#x"}, {1: right[1]}, right | {3: 1})
    ]
    for data in bent:
        with pytest.raises(Malformed):
            parse_rp_certificate(data)
    first, *others = judging.judge([case | {"certificates": [each.hex()]} for each in (good, *bent)])
    assert first["ok"][:4] == [BANK, "The Bank", "Counter 3", USE.id]
    assert [each.get("code") for each in others] == ["untrusted"] * len(bent)


def _with_inbox(counter: Counter, inbox: Mapping[int, Any]) -> bytes:
    one = parse_sign1(counter.rp_certificate())
    payload = cbor2.dumps(cbor2.loads(one.payload) | {-70_014: inbox}, canonical=True)
    return counter.anchor.finish(prepare_sign1(typ=RP_CERTIFICATE, payload=payload, key=KEY, protected={4: one.protected[4]}))
