"""Write tests/vectors/ovp/*.json anew: ``python -m support.ovp_vectors`` in the folder ``tests``. Its keys live as long as the program.

What each case is, and how to run one, says the README beside them. What a case expects is written down here, not copied from an answer.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cbor2
from support import ovp_federated, ovp_presentations
from support.counter import ANSWERED, ARGUED, BANK, KEY, REGISTRAR, SHOWN, USE, Counter
from support.signing import AT, Signer

from shared.clock import DAY
from shared.codec import base45, base64url, cbor, frames
from shared.cose import CHALLENGE, DESK_CERTIFICATE, DESK_RECEIPT, RP_CERTIFICATE, Typ, kid_of, parse_sign1, prepare_sign1, thumbprint
from shared.credentials import Text
from shared.jose.jwk import render_jwk
from shared.ovp import code, envelope
from shared.trust.relying_party import Want

FOLDER = Path(__file__).parents[1] / "vectors" / "ovp"
Case = dict[str, Any]
b64 = base64url.encode


def signed(typ: Typ, payload: Any, signer: Signer, protected: dict[int, Any], unprotected: dict[int, Any] | None = None) -> bytes:
    """Anything under a right signature."""
    data = payload if isinstance(payload, bytes) else cbor.dumps(payload, canonical=True)
    unsigned = prepare_sign1(typ=typ, payload=data, key=KEY, alg=signer.public.alg, protected=protected, unprotected=unprotected)
    return signer.finish(unsigned)


def payload_of(data: bytes, **changes: Any) -> Any:
    """The payload of a signed object; ``m4=7`` sets member 4, ``m4=None`` takes it out, ``n70010`` is member -70010."""
    payload = cbor2.loads(parse_sign1(data).payload)
    for name, value in changes.items():
        key = int(name[1:]) * (-1 if name[0] == "n" else 1)
        payload[key] = value
        if value is None:
            del payload[key]
    return payload


def with_signature(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The COSE_Sign1 with another signature."""
    tag = cbor2.loads(data)
    protected, unprotected, payload, signature = tag.value
    return cbor.dumps(cbor2.CBORTag(18, [protected, dict(unprotected), payload, change(signature)]))


def flip_last(data: bytes) -> bytes:
    return data[:-1] + bytes((data[-1] ^ 1,))


# --- frames, envelope, code ----------------------------------------------------------------------------------------------------------------


def frame_text(head: bytes, k: int, i: int, length: int, chunk: bytes) -> str:
    return frames.PREFIX + base45.encode(head + bytes((k, i)) + length.to_bytes(2, "big") + chunk)


def frames_file() -> dict[str, Any]:
    ten, other = bytes(range(10)), bytes(range(100, 110))
    shown, theirs = frames.split(ten, chunk=4), frames.split(other, chunk=4)
    long = b"P" + bytes(index * 7 % 251 for index in range(1_469))
    looped = frames.split(long)
    head = base45.decode(shown[0][5:])[:4]
    lying = {
        "k_zero": frame_text(head, 0, 0, 10, ten),
        "k_above_bound": frame_text(head, 65, 0, 65, b"\0"),
        "index_above_bound": frame_text(head, 2, 255, 10, ten[:5]),
        "chunk_too_small": frame_text(head, 2, 0, 10, ten[:4]),
        "chunk_too_large": frame_text(head, 2, 0, 10, ten),
        "other_division": frame_text(head, 2, 0, 7, ten[:5]),
        "length_above_bound": frame_text(head, 64, 0, 16_385, bytes(257)),
        "length_zero": frame_text(head, 1, 0, 0, b"\0"),
        "header_only": frame_text(head, 1, 0, 10, b""),
        "other_prefix": "OVC1:" + shown[0][5:],
        "not_base45": "OVM1:a",
    }
    return {
        "split": [
            {"name": "ten_bytes", "message": b64(ten), "chunk": 4, "texts": shown},
            {"name": "one_byte", "message": b64(b"C"), "chunk": 300, "texts": frames.split(b"C")},
            {"name": "with_portrait", "message": b64(long), "chunk": 300, "texts": looped},
            {"name": "bigger_squares", "message": b64(long[:901]), "chunk": 150, "texts": frames.split(long[:901], chunk=150)},
        ],
        "assemble": [
            {"name": "in_order", "texts": shown[:3], "answers": [None, None, b64(ten)]},
            {"name": "spare_only", "texts": shown[4:], "answers": [None, None, b64(ten)]},
            {"name": "same_frame_twice", "texts": [shown[1], shown[1], shown[6], shown[3]], "answers": [None, None, None, b64(ten)]},
            {"name": "from_the_middle", "texts": looped[9:4:-1], "answers": [None] * 4 + [b64(long)]},
            {
                "name": "two_messages_mixed",
                "texts": [shown[0], theirs[0], shown[5], theirs[6], theirs[1], shown[2]],
                "answers": [None, None, None, None, b64(other), b64(ten)],
            },
            {
                "name": "same_id_other_k",
                "texts": [frame_text(head, 2, 0, 10, ten[:5]), frame_text(head, 5, 1, 10, ten[:2]), frame_text(head, 2, 1, 10, ten[5:])],
                "answers": [None, None, b64(ten)],
            },
            {
                "name": "foreign_chunk",
                "texts": [frame_text(head, 2, 0, 10, b"\xff" * 5), frame_text(head, 2, 1, 10, ten[5:]), *frames.split(ten, chunk=5)[:2]],
                "answers": [None, {"error": "malformed"}, None, b64(ten)],
            },
            *({"name": name, "texts": [text], "answers": [{"error": "malformed"}]} for name, text in lying.items()),
        ],
    }


def envelope_file() -> dict[str, Any]:
    small, repeated = b"\xd2\x84\x40\xa0\x40\x40", b"\xd2" + b"\x40" * 200
    texts: list[Case] = [
        {"name": f"{kind}_as_it_is", "text": envelope.render_text(prefix, small), "prefix": prefix, "content": b64(small)}
        for kind, prefix in (
            ("challenge", "OVC1:"),
            ("presentation", "OVP1:"),
            ("bearer", "OVB1:"),
            ("sd_jwt", "OVJ1:"),
            ("receipt", "OVR1:"),
        )
    ]
    texts += [
        {"name": "compressed", "text": envelope.render_text("OVP1:", repeated), "prefix": "OVP1:", "content": b64(repeated)},
        {
            "name": "sealed_is_never_unfolded",
            "text": "OVE1:" + base45.encode(b"\x78" + bytes(60)),
            "prefix": "OVE1:",
            "content": b64(b"\x78" + bytes(60)),
        },
    ]
    broken = {
        "unknown_prefix": "OVS1:00",
        "lower_case_prefix": "ovc1:00",
        "space_before": " OVC1:00",
        "not_base45": "OVC1:a0",
        "one_character_over": "OVC1:0000",
        "triple_above_range": "OVC1:GGW",
        "zlib_cut_short": "OVP1:" + base45.encode(zlib.compress(repeated, 9)[:-1]),
        "zlib_followed_by_bytes": "OVP1:" + base45.encode(zlib.compress(repeated, 9) + b"\0"),
        "zlib_damaged": "OVP1:" + base45.encode(flip_last(zlib.compress(repeated, 9))),
    }
    texts += [{"name": name, "text": text, "error": "malformed"} for name, text in broken.items()]
    texts += [
        {"name": "zlib_bomb", "text": "OVP1:" + base45.encode(zlib.compress(bytes(2_000_000), 9)), "error": "too_large"},
        {"name": "one_byte_too_many_inside", "text": "OVP1:" + base45.encode(zlib.compress(bytes(16_385), 9)), "error": "too_large"},
        {"name": "too_long", "text": "OVE1:" + "0" * 4_292, "error": "too_large"},
    ]
    messages = [
        {"name": "presentation", "message": b64(b"P" + small), "prefix": "OVP1:", "content": b64(small)},
        {"name": "unknown_type", "message": b64(b"S" + small), "error": "malformed"},
        {"name": "nothing", "message": "", "error": "malformed"},
    ]
    return {"texts": texts, "messages": messages}


def code_file() -> dict[str, Any]:
    made = code.make_code(entity=BANK, use=USE.id, entropy=lambda _size: (31_415_926).to_bytes(8, "big"))
    wrong = f"{made[:8]}{(int(made[8:]) + 1) % 100:02d}"
    public = Signer.new().public
    base: Case = {"entity": BANK, "use": USE.id}
    nonce = b64(code.code_nonce(made, entity=BANK, use=USE.id))
    return {
        "codes": [
            {**base, "name": "as_made", "typed": made, "code": made, "nonce": nonce},
            {**base, "name": "with_spaces_and_hyphen", "typed": f" {made[:4]} {made[4:8]}-{made[8:]} ", "code": made, "nonce": nonce},
            {**base, "name": "wrong_check_digits", "typed": wrong, "error": "malformed"},
            {**base, "name": "nine_digits", "typed": made[:9], "error": "malformed"},
            {**base, "name": "other_digits_than_ascii", "typed": "١" * 10, "error": "malformed"},
            *_picked_wrong(made),
        ],
        "audience": {"key": render_jwk(public), "audience": code.code_audience(public)},
    }


def _picked_wrong(made: str) -> list[Case]:
    others = {"other_body": {"entity": "https://thief.example", "use": USE.id}, "other_use": {"entity": BANK, "use": "everything"}}
    return [{**other, "name": name, "typed": made, "error": "malformed"} for name, other in others.items()]


# --- challenges and certificates -----------------------------------------------------------------------------------------------------------


def challenge_file() -> dict[str, Any]:
    counter, stranger = Counter(), Counter()
    edwards = Counter(anchor=counter.anchor, bank=Signer.new("EdDSA"), desk=Signer.new("EdDSA"))
    large = Counter(anchor=counter.anchor, bank=Signer.new("ES384"), desk=Signer.new("ES384"))
    pinned = counter.trust().anchors[0].certificate
    registered = [counter.rp_certificate()]
    certificate, plain = counter.desk_certificate(), counter.challenge()
    inner = {13: cbor2.loads(certificate)}
    cases: list[Case] = []

    def case(name: str, data: bytes, error: str = "", *, at: int = AT, where: str = "", register: list[bytes] | None = None) -> None:
        expect: Case = {"error": error} if error else {"asker": {"entity": BANK, "desk": "Counter 3", "use": USE.id}}
        if error and where:
            expect["where"] = where
        if not error:
            payload = payload_of(data)
            expect |= {"wants": payload[5], "digest": b64(_sha(data)), "audience": f"l:{b64(payload[4])}"}
        files = registered if register is None else register
        cases.append({"name": name, "at": at, "register": [b64(each) for each in files], "challenge": b64(data), "expect": expect})

    case("good", plain)
    case("good_ed25519", edwards.challenge(), register=[edwards.rp_certificate()])
    case("good_p384", large.challenge(), register=[large.rp_certificate()])
    case("good_asks_for_a_staple", counter.challenge(staple=True))
    case("good_required_asked_as_optional", counter.challenge(wants=[Want(vct=65_001, required=(), optional=(1, 2))]))
    case("last_second", counter.challenge(ttl=120), at=AT + 119)
    case("clock_a_minute_behind", counter.challenge(at=AT, certificate=counter.desk_certificate(at=AT - DAY)), at=AT - 60)
    case("expired", counter.challenge(ttl=120), "expired", at=AT + 120)
    case("dated_ahead", counter.challenge(certificate=counter.desk_certificate(at=AT - DAY), at=AT + 61), "not_yet_valid")
    case("ttl_too_long", counter.challenge(ttl=301), "malformed", where="/8")
    case("not_registered", plain, "untrusted", register=[])
    case("registered_by_a_stranger", plain, "untrusted", register=[counter.rp_certificate(anchor_public=stranger.anchor.public)])
    case("desk_of_a_stranger", stranger.challenge(), "untrusted")
    case("aud_of_another_key", signed(CHALLENGE, payload_of(plain, m4=thumbprint(stranger.desk.public)), counter.desk, inner),
         "wrong_audience", where="/4")  # fmt: skip
    case("signed_by_another_key", replace(counter, desk=Signer.new()).challenge(certificate=certificate), "bad_signature")
    case("signature_changed", with_signature(plain, flip_last), "bad_signature")
    case("signature_too_long", with_signature(plain, lambda signature: signature + b"\0"), "bad_signature")
    case("other_algorithm_named", signed(CHALLENGE, payload_of(plain), Signer.new("EdDSA"), inner), "algorithm_refused")
    case("use_not_registered", counter.challenge(use="mortgage"), "purpose_mismatch", where="/6")
    case("group_not_registered", counter.challenge(wants=[Want(vct=65_001, required=(1, 3))]), "over_disclosed", where="/5/0")
    case("optional_demanded", counter.challenge(wants=[Want(vct=65_001, required=(2,))]), "over_disclosed", where="/5/0")
    case("kind_not_registered", counter.challenge(wants=[Want(vct=65_002, required=(1,))]), "over_disclosed", where="/5/0")
    case("desk_certificate_expired", counter.challenge(at=AT + 7 * DAY), "expired", at=AT + 7 * DAY)
    case("registration_expired", counter.challenge(at=AT + 31 * DAY, certificate=counter.desk_certificate(at=AT + 31 * DAY)),
         "expired", at=AT + 31 * DAY)  # fmt: skip
    case("desk_certificate_of_eight_days", counter.challenge(certificate=signed(
        DESK_CERTIFICATE, payload_of(certificate, m4=AT + 7 * DAY + 1), counter.bank, {4: kid_of(counter.bank.public)}
    )), "malformed", where="/13/4")  # fmt: skip
    case("desk_certificate_by_itself", counter.challenge(certificate=signed(
        DESK_CERTIFICATE, payload_of(certificate), counter.desk, {4: kid_of(counter.bank.public)}
    )), "bad_signature")  # fmt: skip
    case("desk_key_is_the_bank_key", replace(counter, desk=counter.bank).challenge(), "untrusted")
    case("rp_certificate_as_desk_certificate", counter.challenge(certificate=registered[0]), "wrong_typ", where="/13")
    case("desk_certificate_as_challenge", certificate, "wrong_typ")
    case("rp_certificate_as_challenge", registered[0], "wrong_typ")
    case("unsigned", parse_sign1(plain).payload, "malformed")
    case("not_tagged", plain[1:], "malformed")
    case("trailing_byte", plain + b"\0", "malformed")
    case("cut_short", plain[:-1], "malformed")
    case("unprotected_header", signed(CHALLENGE, payload_of(plain), counter.desk, inner, {99: 1}), "malformed", where="/99")
    case("critical_header", signed(CHALLENGE, payload_of(plain), counter.desk, {**inner, 2: [99]}), "malformed")
    case("header_not_known", signed(CHALLENGE, payload_of(plain), counter.desk, {**inner, 99: 1}), "malformed", where="/99")
    case("no_desk_certificate", signed(CHALLENGE, payload_of(plain), counter.desk, {}), "malformed", where="/13")
    for name, changes, where in (
        ("version_2", {"m1": 2}, "/1"),
        ("version_true", {"m1": True}, "/1"),
        ("nonce_of_15_bytes", {"m2": bytes(15)}, "/2"),
        ("no_seal_key", {"m7": None}, "/7"),
        ("nothing_asked", {"m5": []}, "/5"),
        ("negative_group", {"m5": [[65_001, [-1], []]]}, "/5/0/1/0"),
        ("same_group_twice", {"m5": [[65_001, [1], [1]]]}, "/5/0"),
        ("same_kind_twice", {"m5": [[65_001, [1], []], [65_001, [4], []]]}, "/5"),
        ("staple_false", {"m9": False}, "/9"),
        ("member_not_known", {"m10": 0}, "/10"),
    ):
        case(name, signed(CHALLENGE, payload_of(plain, **changes), counter.desk, inner), "malformed", where=where)
    anchor = {
        "certificate": base64.b64encode(pinned.der).decode(),
        "key": render_jwk(pinned.public),
        "entity": None,
        "not_before": pinned.not_before,
        "not_after": pinned.not_after,
    }
    return {"anchor": anchor, "cases": cases}


def _sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def register_file() -> dict[str, Any]:
    """Certificates of relying parties by themselves."""
    counter, stranger = Counter(), Counter()
    pinned = counter.trust().anchors[0].certificate
    good = counter.rp_certificate()
    kid = {4: kid_of(counter.anchor.public)}
    cases: list[Case] = []

    def case(
        name: str, data: bytes, error: str = "", *, at: int = AT, where: str = "", entity: str | None = None, registrar: bool = False
    ) -> None:
        expect: Case = {"error": error} if error else {"entity": BANK, "name": {"en": "The Bank", "cy": "Y Banc"}, "uses": [USE.id]}
        if where:
            expect["where"] = where
        signed_by: Case = {"registrar": REGISTRAR.entity, "countries": ["GB", "IE"]} if registrar else {}
        cases.append({"name": name, "at": at, "pinned_for": entity, **signed_by, "certificate": b64(data), "expect": expect})

    def changed(**changes: Any) -> bytes:
        return signed(RP_CERTIFICATE, payload_of(good, **changes), counter.anchor, kid)

    case("good", good)
    argued = counter.rp_certificate(uses=(ARGUED,), registrar=REGISTRAR)
    case("good_argued", argued)
    cases[-1]["expect"] |= {"argued": _argued(), "registrar": _words_of(REGISTRAR.name) | {"entity": REGISTRAR.entity}}
    case("good_p384", counter.rp_certificate(public=Signer.new("ES384").public))
    case("good_pinned_for_it", good, entity=BANK)
    case("pinned_for_another", good, "not_entitled", entity="https://other.example")
    case("by_a_stranger", stranger.rp_certificate(), "untrusted")
    case("by_a_stranger_in_the_name_of_the_anchor", signed(RP_CERTIFICATE, payload_of(good), stranger.anchor, kid), "bad_signature")
    case("last_second", good, at=AT + 31 * DAY - 1)
    case("expired", good, "expired", at=AT + 31 * DAY)
    case("dated_ahead", good, "not_yet_valid", at=AT - 61)
    case("32_days", changed(m4=AT + 31 * DAY + 1), "malformed", where="/4")
    case("ends_before_it_begins", changed(m4=AT), "malformed", where="/4")
    case("desk_certificate", counter.desk_certificate(), "wrong_typ")
    case("no_kid", signed(RP_CERTIFICATE, payload_of(good), counter.anchor, {}), "malformed", where="/4")
    case("one_language", changed(n70010={"en": "The Bank"}), "malformed", where="/-70010/cy")
    case("one_use_twice", changed(n70011=payload_of(good)[-70_011] * 2), "malformed", where="/-70011")
    case("uses_are_no_array", changed(n70011={}), "malformed", where="/-70011")
    case("key_with_a_private_member", changed(m8={1: {**payload_of(good)[8][1], -4: bytes(32)}}), "malformed", where="/8/1")
    case("key_off_the_curve", changed(m8={1: {1: 2, -1: 1, -2: bytes(31) + b"\x05", -3: bytes(32)}}), "malformed", where="/8/1")
    case("member_not_known", changed(m5=1), "malformed", where="/5")
    use = payload_of(good)[-70_011][0]
    for key, value in ((8, {"en": "x"}), (10, {"en": "x" * 201, "cy": "x"}), (12, "ftp://bank.example"), (13, 7), (14, "x")):
        where = f"/-70011/0/{key}" + ("/cy" if key == 8 else "/en" if key == 10 else "")
        case(f"use_member_{key}", changed(n70011=[use | {key: value}]), "too_large" if key == 10 else "malformed", where=where)
    case("registrar_without_name", changed(n70012={1: "https://registrar.example"}), "malformed", where="/-70012/2")
    case("registrar_member_not_known", changed(n70012={1: "a", 2: {"en": "a", "cy": "b"}, 4: 0}), "malformed", where="/-70012/4")
    by = {"anchor": REGISTRAR.entity, "country": "IE", "by_registrar": True}
    case("good_by_registrar", counter.rp_certificate(**by), registrar=True)
    case("by_registrar_of_another_name", counter.rp_certificate(**by | {"anchor": "Somebody"}), "untrusted", registrar=True)
    case("by_registrar_for_another_country", counter.rp_certificate(**by | {"country": "FR"}), "not_entitled", registrar=True)
    case("by_registrar_without_country", counter.rp_certificate(**by | {"country": None}), "not_entitled", registrar=True)
    case("by_registrar_expired", counter.rp_certificate(**by), "expired", at=AT + 31 * DAY, registrar=True)
    case("by_registrar_as_by_an_anchor", counter.rp_certificate(**by), "wrong_typ")
    case("by_an_anchor_as_by_registrar", counter.rp_certificate(**by | {"by_registrar": False}), "wrong_typ", registrar=True)
    case("country_is_no_code", changed(n70013="ie"), "malformed", where="/-70013")
    anchor = {"certificate": base64.b64encode(pinned.der).decode(), "key": render_jwk(pinned.public)}
    return {"anchor": {**anchor, "not_before": pinned.not_before, "not_after": pinned.not_after}, "cases": cases}


def _words_of(words: Text) -> Case:
    return {"en": words.en, "cy": words.cy}


def _argued() -> Case:
    """What the registration of ``ARGUED`` says beside its purpose."""
    return {
        "benefit": _words_of(ARGUED.benefit or Text("", "")),
        "could_stop": _words_of(ARGUED.could_stop or Text("", "")),
        "authority": _words_of(ARGUED.authority or Text("", "")),
        "authority_contact": ARGUED.authority_contact,
        "support": ARGUED.support,
        "evidence": ARGUED.evidence,
    }


def receipt_file() -> dict[str, Any]:
    """What desks say that they decided, held against what was shown there."""
    counter, stranger = Counter(), Counter()
    edwards = Counter(anchor=counter.anchor, bank=Signer.new("EdDSA"), desk=Signer.new("EdDSA"))
    pinned = counter.trust().anchors[0].certificate
    registered = counter.rp_certificate()
    certificate, plain = counter.desk_certificate(), counter.receipt()
    inner = {13: cbor2.loads(certificate)}
    sent = {"content": b64(SHOWN), "nonce": b64(ANSWERED), "use": USE.id, "sent_at": AT}
    cases: list[Case] = []

    def case(name: str, data: bytes, error: str = "", *, at: int = AT, where: str = "", register: bytes = registered, **other: Any) -> None:
        expect: Case = {"error": error} if error else {"entity": BANK, "desk": "Counter 3", **_decided(data)}
        if where:
            expect["where"] = where
        cases.append({"name": name, "at": at, "register": [b64(register)], **sent, **other, "receipt": b64(data), "expect": expect})

    def changed(**changes: Any) -> bytes:
        return signed(DESK_RECEIPT, payload_of(plain, **changes), counter.desk, inner)

    case("good", plain)
    case("good_ed25519", edwards.receipt(), register=edwards.rp_certificate())
    case("good_refused", counter.receipt(decision="rejected", code="revoked", pack=bytes(32)))
    case("good_undecided", counter.receipt(decision="undecided", code="status_stale"))
    case("good_nonce_of_one_byte", counter.receipt(nonce=b"n"), nonce=b64(b"n"))
    case("good_nonce_of_64_bytes", counter.receipt(nonce=bytes(64)), nonce=b64(bytes(64)))
    case("good_on_paper_after_a_month", plain, at=AT + 30 * DAY)
    case("good_desk_five_minutes_behind", plain, sent_at=AT + 300)
    case("good_desk_five_minutes_ahead", plain, at=AT - 300, sent_at=AT - 300, register=counter.rp_certificate(at=AT - DAY))
    case("other_presentation", plain, "other_presentation", where="/5", content=b64(SHOWN + b"."))
    case("other_salt", changed(m4=bytes(16)), "other_presentation", where="/5")
    case("other_exchange", plain, "wrong_nonce", where="/2", nonce=b64(bytes(32)))
    case("other_use", plain, "purpose_mismatch", where="/7", use="mortgage")
    case("before_anything_was_sent", plain, "stale_binding", where="/3", sent_at=AT + 301)
    case("from_the_future", counter.receipt(at=AT + 301), "not_yet_valid", where="/3")
    case("given_after_the_desk_certificate", counter.receipt(at=AT + 7 * DAY, certificate=certificate), "expired", at=AT + 8 * DAY)
    case("given_before_the_desk_certificate", counter.receipt(at=AT - 61, certificate=certificate), "not_yet_valid", sent_at=AT - 61)
    case("registration_expired", plain, "expired", at=AT + 31 * DAY)
    case("desk_of_a_stranger", stranger.receipt(), "untrusted")
    case("registered_by_a_stranger", plain, "untrusted", register=stranger.rp_certificate(public=counter.bank.public))
    case("organisation_has_another_key_now", plain, "untrusted", register=counter.rp_certificate(public=stranger.bank.public))
    case("desk_key_is_the_bank_key", replace(counter, desk=counter.bank).receipt(), "untrusted")
    case("signed_by_another_key", replace(counter, desk=Signer.new()).receipt(certificate=certificate), "bad_signature")
    case("signature_changed", with_signature(plain, flip_last), "bad_signature")
    case("other_algorithm_named", signed(DESK_RECEIPT, payload_of(plain), Signer.new("EdDSA"), inner), "algorithm_refused")
    case("challenge_as_receipt", counter.challenge(), "wrong_typ")
    case("desk_certificate_as_receipt", certificate, "wrong_typ")
    case("receipt_as_challenge", signed(CHALLENGE, payload_of(plain), counter.desk, inner), "wrong_typ")
    case("rp_certificate_as_desk_certificate", counter.receipt(certificate=registered), "wrong_typ", where="/13")
    case("unsigned", parse_sign1(plain).payload, "malformed")
    case("cut_short", plain[:-1], "malformed")
    case("too_large", bytes(2_861), "too_large")
    case("unprotected_header", signed(DESK_RECEIPT, payload_of(plain), counter.desk, inner, {99: 1}), "malformed", where="/99")
    case("header_not_known", signed(DESK_RECEIPT, payload_of(plain), counter.desk, {**inner, 99: 1}), "malformed", where="/99")
    case("no_desk_certificate", signed(DESK_RECEIPT, payload_of(plain), counter.desk, {}), "malformed", where="/13")
    for name, changes, where in (
        ("version_2", {"m1": 2}, "/1"),
        ("no_nonce", {"m2": b""}, "/2"),
        ("nonce_of_65_bytes", {"m2": bytes(65)}, "/2"),
        ("no_time", {"m3": None}, "/3"),
        ("salt_of_15_bytes", {"m4": bytes(15)}, "/4"),
        ("digest_of_31_bytes", {"m5": bytes(31)}, "/5"),
        ("decision_not_known", {"m6": 3, "m8": "x"}, "/6"),
        ("decision_true", {"m6": True}, "/6"),
        ("refused_without_a_reason", {"m6": 1}, "/8"),
        ("undecided_without_a_reason", {"m6": 2}, "/8"),
        ("empty_reason", {"m8": ""}, "/8"),
        ("pack_of_31_bytes", {"m9": bytes(31)}, "/9"),
        ("member_not_known", {"m10": 0}, "/10"),
    ):
        case(name, changed(**changes), "malformed", where=where)
    for name, changes, where in (("use_too_long", {"m7": "x" * 201}, "/7"), ("reason_too_long", {"m8": "x" * 65}, "/8")):
        case(name, changed(**changes), "too_large", where=where)
    anchor = {"certificate": base64.b64encode(pinned.der).decode(), "key": render_jwk(pinned.public), "entity": None}
    return {"anchor": {**anchor, "not_before": pinned.not_before, "not_after": pinned.not_after}, "cases": cases}


def _decided(data: bytes) -> Case:
    payload = payload_of(data)
    return {
        "decision": ("accepted", "rejected", "undecided")[payload[6]],
        "code": payload.get(8, ""),
        "at": payload[3],
        "pack": b64(payload[9]) if 9 in payload else None,
    }


FILES: dict[str, Callable[[], dict[str, Any]]] = {
    "frames": frames_file,
    "envelope": envelope_file,
    "code": code_file,
    "challenge": challenge_file,
    "receipt": receipt_file,
    "register": register_file,
    "presentations": ovp_presentations.file,
    "federated": ovp_federated.file,
}


def main(names: list[str]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names or FILES:
        text = json.dumps(FILES[name](), ensure_ascii=False, indent=1)
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
