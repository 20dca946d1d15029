"""What is special about ``dc+sd-cwt``; what all formats have in common is in the suite."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from support.cwt_forge import (
    FORM,
    NAMES,
    SIMPLE_59,
    disclosure,
    document,
    payload_of,
    presented,
    shown,
    sign1,
    taken_apart,
    token,
    verify,
    wire,
)
from support.forge import (
    BINDING,
    ENDS,
    HOLDER,
    ISSUER,
    ISSUER_URI,
    LPA_1,
    MADE,
    REPRESENTATION,
    STATUS,
    credential,
    entropy,
    issue,
    lpa,
    show,
    unb64,
)
from support.signing import AT, Signer

from shared.credentials import Group
from shared.credentials._tree import portrait_url
from shared.errors import (
    AlgorithmRefused,
    Malformed,
    NotBound,
    OverDisclosed,
    WrongTyp,
)
from shared.formats import BearerType
from shared.keys import KeyId

PORTRAIT = portrait_url(b"RIFF\x18\x03\0\0WEBP" + bytes(788))


# --- an independent judge --------------------------------------------------------------------------------------------------------------


def judge(data: bytes, issuer: Any, *, audience: str, nonce: bytes) -> dict[Any, Any]:
    """The draft's own steps with ``cbor2`` and ``cryptography`` alone: the claims that a verifier ends with."""
    protected, outside, body, signature = cbor2.loads(data).value
    header = cbor2.loads(protected)
    assert (header.keys(), header[16], outside) == ({1, 13, 16}, 294, {})
    inner, disclosed, payload, issued = header[13].value
    about = cbor2.loads(inner)
    assert (about.keys(), about[16]) == ({1, 4, 16}, 293)
    claims = cbor2.loads(payload)
    check(issuer, about[1], issued, cbor2.dumps(["Signature1", inner, b"", payload]))
    key = claims[8][1]
    point = bytes([2 + key[-3]]) + key[-2] if key[1] == 2 else key[-2]
    curve = {1: ec.SECP256R1(), 2: ec.SECP384R1()}
    holder: Any = (
        ec.EllipticCurvePublicKey.from_encoded_point(curve[key[-1]], point)
        if key[1] == 2
        else ed25519.Ed25519PublicKey.from_public_bytes(point)
    )
    check(holder, header[1], signature, cbor2.dumps(["Signature1", protected, b"", body]))
    said = cbor2.loads(body)
    assert (said[3], said[39]) == (audience, nonce)
    assert claims[6] <= said[6] < claims[4]
    found = {hashlib.sha256(raw).digest(): cbor2.loads(raw) for raw in disclosed.get(17, [])}
    opened = put_back(claims[-70_000], found)
    assert not found
    return opened


def check(key: Any, alg: int, signature: bytes, data: bytes) -> None:
    if alg == -19:
        key.verify(signature, data)
        return
    half = len(signature) // 2
    der = encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
    key.verify(der, data, ec.ECDSA({-9: hashes.SHA256(), -51: hashes.SHA384()}[alg]))


def put_back(node: Mapping[Any, Any], found: dict[bytes, Any]) -> dict[Any, Any]:
    out = {key: value for key, value in node.items() if type(key) is int}
    for each in next((value for key, value in node.items() if type(key) is not int), []):
        if each in found:
            salt, value, key = found.pop(each)
            assert len(salt) == 16
            out[key] = put_back(value, found)
    return out


@pytest.mark.parametrize("alg", ["ES256", "ES384", "EdDSA"])
def test_another_reader_of_the_draft_reads_the_same(alg: str) -> None:
    issuer, holder = Signer.new(alg), Signer.new(alg)
    unsigned = FORM.prepare(credential(alg=alg), key=KeyId("issuer"), holder=holder.public, entropy=entropy())
    parsed = FORM.disclose(
        FORM.parse(issuer.finish(unsigned)), [*NAMES, ("grant_date",), ("registration_date",), ("proxy", "appointment_type")]
    )
    unsigned = FORM.present(parsed, BINDING, key=KeyId("holder"), at=AT, alg=alg)
    opened = judge(unb64(holder.finish(unsigned)), issuer.public.key, audience=BINDING.audience, nonce=unb64(BINDING.nonce or ""))
    clear = {1: 0, 2: 0, 3: 0, 5: 2, 7: 0, 8: 0, 9: False, 12: "Office of the Public Guardian (test)", 13: 0, 14: 0}
    days = {name: cbor2.CBORTag(100, number) for name, number in (("grant", 20_217), ("registration", 20_332))}
    inside = {-11: {26: days["grant"], 27: days["registration"], 28: 0}}
    names = {-1: {15: "Margaret", 16: "Ashdown"}, -4: {19: "Nora", 20: "Ashdown"}}
    assert plain(opened) == plain({**clear, **names, -7: inside})


def plain(value: Any) -> Any:
    """``cbor2`` makes dates of tag 100; the days since 1970 are what was sent."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, cbor2.CBORTag):
        return value.value
    return (value - type(value)(1970, 1, 1)).days if hasattr(value, "isoformat") else value


def test_bytes_of_a_copy() -> None:
    """Deterministic (RFC 8949 section 4.2.1), and nothing in it that is not in the profile."""
    head, outside, body, signature = taken_apart(issue(FORM, x5c=(b"leaf", b"middle"), kid=b"12345678"))
    assert head == bytes.fromhex("a301280448") + b"12345678" + bytes.fromhex("10190125")
    assert outside.keys() == {17, 33}
    assert list(outside[33]) == [b"leaf", b"middle"]
    assert len(outside[17]) == 14
    payload = cbor2.loads(body)
    assert list(payload) == [1, 2, 4, 6, 8, 11, 65_535, -70_000]
    assert (payload[1], payload[4], payload[6], payload[11]) == (ISSUER_URI, ENDS, MADE, 65_001)
    assert payload[65_535] == {"status_list": {"idx": STATUS.idx, "uri": STATUS.uri}}
    assert payload[8].keys() == {1}
    assert list(payload[8][1]) == [1, -1, -2, -3]
    assert type(payload[8][1][-3]) is bool
    assert len(signature) == 64
    for data in (body, *outside[17]):
        assert cbor2.dumps(cbor2.loads(data, semantic_decoders=Untouched())) == data
    claims = payload[-70_000]
    assert list(claims)[:-1] == sorted(list(claims)[:-1])
    assert list(claims)[-1] == SIMPLE_59
    assert claims[SIMPLE_59] == sorted(claims[SIMPLE_59])


class Untouched(dict[int, Any]):
    def __getitem__(self, tag: int) -> Any:
        return lambda value, _immutable: cbor2.CBORTag(tag, value)


@pytest.mark.parametrize(
    "claims",
    [
        lpa(),
        lpa(register_entry=..., grant_date=..., registration_date=..., proxy={"given_name": "N", "family_name": "A"}),
        lpa(has_restrictions=True, restrictions_text="Not my house."),
        lpa(proxy=LPA_1["proxy"] | {"portrait": PORTRAIT}),
    ],
)
def test_the_number_of_digests_says_nothing(claims: dict[str, Any]) -> None:
    text = issue(FORM, claims=claims)
    assert len(payload_of(text)[-70_000][SIMPLE_59]) == 7
    assert [len(cbor2.loads(raw)[1][SIMPLE_59]) for raw in shown(7, wire=text)] == [7]
    listed = taken_apart(text)[1][17]
    assert len(listed) == 14
    assert {len(raw) for raw in listed if len(cbor2.loads(raw)) == 1} <= {18}
    assert FORM.peek(FORM.parse(text)).claims == claims
    none = FORM.disclose(FORM.parse(text), [])
    assert len(unb64(none.wire)) == len(unb64(FORM.disclose(FORM.parse(issue(FORM)), []).wire))


def test_one_disclosure_less_and_it_stays_hidden() -> None:
    facts = verify(presented())
    assert set(facts.disclosed) == set(NAMES)
    assert facts.claims.keys() == LPA_1.keys() - {"powers", "grant_date", "registration_date", "register_entry"}
    assert facts.claims["represented"] == {"given_name": "Margaret", "family_name": "Ashdown"}
    nothing = show(FORM, FORM.disclose(FORM.parse(issue(FORM)), []))
    assert cbor2.loads(taken_apart(nothing)[0])[13].value[1] == {}
    assert verify(nothing).disclosed == ()


def test_half_a_group_cannot_be_shown() -> None:
    parsed = FORM.parse(issue(FORM))
    for part in (("represented", "given_name"), ("powers", 0), ("grant_date",)):
        with pytest.raises(OverDisclosed):
            FORM.disclose(parsed, [part])
    assert FORM.peek(FORM.disclose(parsed, [("powers", None)])).disclosable == (("powers", 0), ("powers", 1))
    inside = FORM.disclose(parsed, [("register_entry",)])
    assert FORM.peek(inside).disclosable == (("register_entry",),)
    assert len(taken_apart(inside.wire)[1][17]) == 2  # and the group around it, which itself holds nothing


# --- S2 --------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def bearer(monkeypatch: pytest.MonkeyPatch) -> str:
    """The same type, if its file said bearer."""
    rules = replace(REPRESENTATION, vct="urn:bearer", vct_int=65_003, bearer=True)
    for module in ("_envelope", "sd_cwt"):
        monkeypatch.setattr(f"shared.formats.{module}.all_types", lambda: {rules.vct: rules, REPRESENTATION.vct: REPRESENTATION})
    return issue(FORM, type=rules, holder=None)


def test_a_document_for_bearers_is_a_plain_cwt(bearer: str) -> None:
    head, outside, body, _ = taken_apart(bearer)
    assert cbor2.loads(head)[16] == 61
    assert outside == {}
    assert list(cbor2.loads(body)) == [1, 4, 6, 11, 65_535, -70_000]
    parsed = FORM.parse(bearer)
    facts = FORM.verify(parsed, ISSUER.public, binding=BearerType(vct="urn:bearer"), at=AT)
    assert (facts.claims, facts.disclosed, facts.holder) == (LPA_1, (), None)
    assert FORM.disclose(parsed, [(name,) for name in LPA_1]).wire == bearer
    with pytest.raises(OverDisclosed):
        FORM.disclose(parsed, NAMES)
    with pytest.raises(NotBound):
        FORM.present(parsed, BINDING, key=KeyId("holder"), at=AT)
    with pytest.raises(NotBound):
        FORM.verify(parsed, ISSUER.public, binding=BearerType(vct=REPRESENTATION.vct), at=AT)
    with pytest.raises(WrongTyp):
        FORM.parse(wire(token(cbor2.loads(unb64(bearer)))))
    with pytest.raises(Malformed):
        FORM.parse(wire(sign1(head, {17: [disclosure()]}, body, ISSUER)))


def test_stripped_binding_is_not_bearer_by_any_name(bearer: str) -> None:
    """A copy made for its holder, called a plain CWT, with or without its key."""
    assert bearer
    for changes in ({}, {8: ..., 2: ...}):
        item = document(changes, header={16: 61})
        with pytest.raises((Malformed, NotBound)):
            FORM.verify(FORM.parse(wire(item)), ISSUER.public, binding=BearerType(vct=REPRESENTATION.vct), at=AT)
    with pytest.raises(Malformed):
        FORM.parse(wire(document({8: ...})))


# --- issuing -----------------------------------------------------------------------------------------------------------------------------


def test_what_cannot_be_issued() -> None:
    more = replace(REPRESENTATION, vct="urn:two", groups=(*REPRESENTATION.groups, Group(id="extra", label=REPRESENTATION.title)))
    assert issue(FORM, type=more)
    without = replace(REPRESENTATION, vct="urn:plain", groups=tuple(replace(group, cwt=0, within="") for group in REPRESENTATION.groups))
    wrong: list[dict[str, Any]] = [
        {"type": without},
        {"claims": lpa(powers=["sorcery"])},
        {"claims": lpa(represented="M")},
        {"claims": lpa(grant_date="20250509")},
    ]
    for changes in wrong:
        with pytest.raises(Malformed):
            issue(FORM, **changes)
    with pytest.raises(AlgorithmRefused):
        FORM.prepare(credential(alg="RS256"), key=KeyId("k"), holder=HOLDER.public, entropy=entropy())
