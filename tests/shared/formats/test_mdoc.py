"""``mso_mdoc``: what is issued, kept, shown and checked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cbor2
import pytest
from support.forge import (
    AUTHORITY,
    BINDING,
    DAY,
    ENDS,
    HOLDER,
    ISSUER,
    ISSUER_URI,
    LEAF,
    LPA_1,
    MADE,
    REPRESENTATION,
    ROOT,
    STATUS,
    STRANGER,
    credential,
    entropy,
    lpa,
    unb64,
)
from support.forge import issue as issue_other
from support.mdocs import NAMES, SPACE, Draft, issue, show, verify
from support.signing import AT, Signer, leaf

from shared.codec import cbor
from shared.credentials import Disclosure
from shared.errors import BadDisclosure, Malformed, NotBound, OverDisclosed, Rejected
from shared.formats import BearerType, Binding, Handover, formats
from shared.formats._elements import elements_of
from shared.formats.mdoc import FORMAT
from shared.keys import KeyId, Role, check_role

LIMITS = {claim.mdoc_element for claim in REPRESENTATION.claims if claim.disclosure is Disclosure.ALWAYS}


def document(wire: str) -> dict[str, Any]:
    inside: dict[str, Any] = FORMAT.peek(FORMAT.parse(wire)).document[SPACE]
    return inside


def test_round_trip() -> None:
    parsed = FORMAT.parse(issue())
    assert (parsed.format, parsed.vct, parsed.issuer, parsed.status) == ("mso_mdoc", REPRESENTATION.vct, ISSUER_URI, STATUS)
    assert (parsed.x5c, parsed.holder, parsed.binding_token) == ((LEAF,), HOLDER.public, None)
    assert dict(parsed.header) == {1: -7}  # type: ignore[comparison-overlap] # the names of COSE are numbers
    assert parsed.payload["status"] == {"status_list": {"idx": STATUS.idx, "uri": STATUS.uri}}
    peeked = FORMAT.peek(parsed)
    assert peeked.claims == LPA_1
    assert (peeked.issued_at, peeked.expires_at, peeked.holder) == (MADE, ENDS, HOLDER.public)
    assert peeked.document["docType"] == SPACE
    assert {name for _, name in peeked.disclosable} == set(peeked.document[SPACE]) - LIMITS
    assert FORMAT.check_received(parsed, ISSUER.public, holder=HOLDER.public, at=AT).claims == LPA_1
    wire = show(parsed.wire)
    shown = FORMAT.parse(wire)
    assert (shown.wire, shown.binding_token) == (wire, wire)
    facts = verify(wire)
    assert facts.claims["represented"] == {"given_name": "Margaret", "family_name": "Ashdown"}
    assert set(facts.disclosed) == set(NAMES)
    assert set(facts.document[SPACE]) == {name for _, name in NAMES} | (LIMITS & set(peeked.document[SPACE]))
    assert facts.binding_claims == {"aud": BINDING.audience, "nonce": BINDING.nonce}
    assert (facts.issuer, facts.status, facts.issued_at, facts.expires_at) == (ISSUER_URI, STATUS, MADE, ENDS)


def test_the_origin_of_the_digital_credentials_api() -> None:
    binding = Binding(audience="origin:https://bank.example", nonce="n", handover=Handover(key_thumbprint=None))
    wire = show(binding=binding)
    assert verify(wire, binding=binding).binding_claims["aud"] == "origin:https://bank.example"
    other = replace(binding, audience="origin:https://bank.example/")
    with pytest.raises(NotBound):
        verify(wire, binding=other)


@pytest.mark.parametrize("alg", ["ES256", "ES384", "EdDSA"])
def test_algorithms(alg: str) -> None:
    issuer, holder = Signer.new(alg), Signer.new(alg)
    certificate = leaf(issuer, ROOT, AUTHORITY, uri=ISSUER_URI)
    unsigned = FORMAT.prepare(credential(alg=alg, x5c=(certificate,)), key=KeyId("i"), holder=holder.public, entropy=entropy())
    check_role(Role.CREDENTIAL_ISSUER, unsigned.typ)
    parsed = FORMAT.parse(issuer.finish(unsigned))
    shown = FORMAT.present(parsed, BINDING, key=KeyId("h"), at=AT, alg=alg)
    check_role(Role.HOLDER, shown.typ)
    assert verify(holder.finish(shown), issuer=issuer.public).claims == LPA_1


def test_only_the_right_roles_sign() -> None:
    issued = FORMAT.prepare(credential(x5c=(LEAF,)), key=KeyId("i"), holder=HOLDER.public, entropy=entropy()).typ
    shown = FORMAT.present(FORMAT.parse(issue()), BINDING, key=KeyId("h"), at=AT).typ
    for typ, allowed in ((issued, Role.CREDENTIAL_ISSUER), (shown, Role.HOLDER)):
        for role in Role:
            if role is not allowed:
                with pytest.raises(Exception, match="does not sign"):
                    check_role(role, typ)


def test_number_of_digests_tells_nothing() -> None:
    """Which optional elements a document has is neither in the number of digests nor in their digestIDs."""
    least = lpa(
        grant_date=...,
        registration_date=...,
        register_entry=...,
        represented={"given_name": "M", "family_name": "A", "birthdate": "1938-11-02"},
    )
    least["proxy"] = {"given_name": "Nora", "family_name": "Ashdown"}
    numbers = []
    for claims in (LPA_1, least):
        draft = Draft.of(issue(claims=claims))
        numbers.append(sorted(draft.mso["valueDigests"][SPACE]))
        received = FORMAT.parse(issue(claims=claims))
        assert FORMAT.check_received(received, ISSUER.public, holder=HOLDER.public, at=AT).claims == claims
    assert numbers[0] == numbers[1]
    assert [number for number in numbers[0] if number >= 64] == [*range(64, 64 + len(elements_of(REPRESENTATION).free))]


def test_places_of_elements_are_drawn() -> None:
    places = {seed: Draft.of(issue(seed=seed)).item("represented_given_name")["digestID"] for seed in "abcdefghij"}
    assert len(set(places.values())) > 3
    one, two = (Draft.of(issue(seed=seed)) for seed in "ab")
    assert not {item["random"] for item in one.items} & {item["random"] for item in two.items}
    assert not set(one.mso["valueDigests"][SPACE].values()) & set(two.mso["valueDigests"][SPACE].values())
    assert all(len(item["random"]) == 16 for item in one.items)


def test_limits_have_their_own_digests_and_are_always_shown() -> None:
    draft = Draft.of()
    for claim in REPRESENTATION.claims:
        if claim.disclosure is Disclosure.ALWAYS and claim.path[0] in LPA_1:
            assert draft.item(claim.mdoc_element)["digestID"] == claim.cwt
    assert set(document(show(paths=()))) == LIMITS & set(document(issue()))


def test_the_seed_of_decoys_stays_with_the_holder() -> None:
    parsed = FORMAT.parse(issue())
    for wire in (FORMAT.disclose(parsed, NAMES).wire, show(parsed.wire)):
        assert set(FORMAT.parse(wire).inner.auth.unprotected) == {33}
    whole = FORMAT.present(parsed, BINDING, key=KeyId("h"), at=AT)
    assert verify(HOLDER.finish(whole)).claims == LPA_1


@pytest.mark.parametrize("protected", [False, True])
def test_unsigned_headers_stay_with_the_holder(*, protected: bool) -> None:
    """Anybody who carries a copy can write some, and they would be the same each time that it is shown (S22)."""
    draft = Draft.of()
    draft.unprotected |= {4: b"batch-of-nora-0001", "x": "nora@example"}
    if protected:
        draft.protected[33] = draft.unprotected.pop(33)
    parsed = FORMAT.parse(draft.wire())
    assert FORMAT.check_received(parsed, ISSUER.public, holder=HOLDER.public, at=AT).claims == LPA_1
    for wire in (
        FORMAT.disclose(parsed, NAMES).wire,
        show(parsed.wire),
        HOLDER.finish(FORMAT.present(parsed, BINDING, key=KeyId("h"), at=AT)),
    ):
        assert set(FORMAT.parse(wire).inner.auth.unprotected) == (set() if protected else {33})


def test_a_wallet_by_others_may_leave_the_seed() -> None:
    draft = Draft.of()
    assert verify(draft.shown()).claims == LPA_1


def test_hidden_from_its_own_holder() -> None:
    fewer, seedless, draft = Draft.of(), Draft.of(), Draft.of()
    fewer.items.pop()
    del seedless.unprotected[-70_302]
    for spoilt in (fewer, seedless):
        with pytest.raises(BadDisclosure):
            FORMAT.check_received(FORMAT.parse(spoilt.wire()), ISSUER.public, holder=HOLDER.public, at=AT)
    draft.unprotected[-70_302] = 5
    with pytest.raises(Malformed):
        FORMAT.check_received(FORMAT.parse(draft.wire()), ISSUER.public, holder=HOLDER.public, at=AT)


def test_copies_that_could_be_told_from_others() -> None:
    more = Draft.of()
    more.mso["valueDigests"][SPACE][200] = bytes(32)
    fewer = Draft.of()
    item = fewer.item("powers")
    fewer.items.remove(item)
    del fewer.mso["valueDigests"][SPACE][item["digestID"]]
    unrounded = Draft.of()
    unrounded.mso["validityInfo"]["validFrom"] = cbor2.CBORTag(0, "2027-01-15T00:00:01Z")
    headed, noted, allowed, named, renewed = Draft.of(), Draft.of(), Draft.of(), Draft.of(), Draft.of()
    headed.protected[4] = b"batch-of-nora-0001"
    noted.mso["deviceKeyInfo"]["keyInfo"] = {1: "nora"}
    allowed.mso["deviceKeyInfo"]["keyAuthorizations"] = {"nameSpaces": ["nora"]}
    named.mso["deviceKeyInfo"]["deviceKey"][2] = b"nora"
    renewed.mso["validityInfo"]["expectedUpdate"] = cbor2.CBORTag(0, "2027-01-15T00:00:01Z")
    told = [(draft, Malformed) for draft in (unrounded, headed, noted, allowed, named, renewed)]
    for draft, error in ((more, BadDisclosure), (fewer, Malformed), *told):
        with pytest.raises(error):
            FORMAT.check_received(FORMAT.parse(draft.wire()), ISSUER.public, holder=HOLDER.public, at=AT)


def test_what_a_wallet_refuses_to_keep() -> None:
    with pytest.raises(NotBound):
        FORMAT.check_received(FORMAT.parse(issue()), ISSUER.public, holder=STRANGER.public, at=AT)
    with pytest.raises(Malformed):
        FORMAT.check_received(FORMAT.parse(show()), ISSUER.public, holder=HOLDER.public, at=AT)
    with pytest.raises(Malformed) as caught:
        FORMAT.check_received(FORMAT.parse(issue(claims=lpa(decision_rule="jointly"))), ISSUER.public, holder=HOLDER.public, at=AT)
    assert caught.value.where == "/cardinality"


@pytest.mark.parametrize(
    "changes",
    [
        {"x5c": ()},
        {"x5c": (leaf(ISSUER, ROOT, AUTHORITY, uri="https://other.example"),)},
        {"x5c": (leaf(ISSUER, ROOT, AUTHORITY, uri=ISSUER_URI, days=29),)},
        {"issued_at": MADE - DAY},
        {"claims": lpa(nino="QQ123456C")},
        {"claims": lpa(represented="Margaret")},
        {"claims": lpa(grant_date="9 May 2025")},
        {"claims": lpa(grant_date="20250509")},
        {"claims": lpa(decision_rule="never")},
        {"claims": lpa(powers="banking")},
        {"status": None},
    ],
)
def test_what_no_issuer_signs(changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        issue(**changes)


def test_a_type_without_status_says_none(monkeypatch: pytest.MonkeyPatch) -> None:
    short = replace(REPRESENTATION, vct="urn:short-lived", status_bits=0)
    monkeypatch.setattr("shared.formats.mdoc.all_types", lambda: {short.vct: short})
    parsed = FORMAT.parse(issue(type=short, status=None))
    assert ("status" in parsed.payload, parsed.status) == (False, None)
    assert FORMAT.check_received(parsed, ISSUER.public, holder=HOLDER.public, at=AT).claims == LPA_1


def test_nobody_is_without_a_device() -> None:
    bearer = replace(REPRESENTATION, bearer=True)
    for kind in (REPRESENTATION, bearer):
        with pytest.raises(NotBound):
            FORMAT.prepare(credential(type=kind, x5c=(LEAF,)), key=KeyId("i"), holder=None, entropy=entropy())
    for wire in (issue(), show()):
        with pytest.raises(NotBound):
            FORMAT.verify(FORMAT.parse(wire), ISSUER.public, binding=BearerType(vct=REPRESENTATION.vct), at=AT)
    with pytest.raises(NotBound):
        verify(issue())


def test_only_requests_over_the_network() -> None:
    """No code on a screen and no copy made out to somebody: neither has a response_uri."""
    parsed = FORMAT.parse(issue())
    for binding in (
        replace(BINDING, handover=None),
        replace(BINDING, nonce=None),
        replace(BINDING, handover=Handover()),
        replace(BINDING, handover=Handover(response_uri="https://b.example", key_thumbprint=b"short")),
        replace(BINDING, extra={"transaction_data_hashes": ["x"]}),
    ):
        with pytest.raises(Malformed):
            FORMAT.present(parsed, binding, key=KeyId("h"), at=AT)
        with pytest.raises((Malformed, NotBound)):
            verify(show(), binding=binding)


def test_one_answer_is_for_one_request() -> None:
    wire = show()
    handover = BINDING.handover
    assert handover is not None
    for other in (
        replace(BINDING, nonce="another-nonce"),
        replace(BINDING, audience="x509_hash:other"),
        replace(BINDING, audience="origin:https://bank.example"),
        replace(BINDING, handover=replace(handover, response_uri="https://bank.example/other")),
        replace(BINDING, handover=replace(handover, key_thumbprint=bytes(32))),
        replace(BINDING, handover=replace(handover, key_thumbprint=None)),
    ):
        with pytest.raises(NotBound):
            verify(wire, binding=other)


def test_replay_keys_tell_documents_apart() -> None:
    """A device signs the session and the kind of document, not the document."""
    one, two = show(issue(seed="a")), show(issue(seed="b"))
    assert verify(one).signing_input_digest != verify(two).signing_input_digest
    less = show(issue(seed="a"), NAMES[:1])
    assert verify(less).signing_input_digest == verify(one).signing_input_digest
    again = show(issue(seed="a"), binding=replace(BINDING, nonce="again"))
    assert verify(again, binding=replace(BINDING, nonce="again")).signing_input_digest != verify(one).signing_input_digest


def test_choosing_elements() -> None:
    parsed = FORMAT.parse(issue())
    for paths, names in (
        ([(SPACE,)], set(document(parsed.wire)) - LIMITS),
        ([(SPACE, "powers")], {"powers"}),
        ([(SPACE, "powers", None)], {"powers"}),
        ([(SPACE, "powers", 0), (SPACE, "powers", 1)], {"powers"}),
        ([(SPACE, "decision_rule")], set()),
        ([("docType",)], set()),
    ):
        assert set(document(FORMAT.disclose(parsed, paths).wire)) - LIMITS == names
    with pytest.raises(OverDisclosed):
        FORMAT.disclose(parsed, [(SPACE, "powers", 1)])
    for path in ((SPACE, "nino"), ("represented",), (SPACE, "powers", 9), (SPACE, "powers", 0, "x")):
        with pytest.raises(Malformed) as caught:
            FORMAT.disclose(parsed, [path])
        assert caught.value.where == "/0"
    with pytest.raises(Malformed):
        FORMAT.peek(formats()["dc+sd-jwt"].parse(issue_other()))


def test_algorithms_outside_the_list() -> None:
    with pytest.raises(Rejected):
        FORMAT.prepare(credential(alg="HS256", x5c=(LEAF,)), key=KeyId("i"), holder=HOLDER.public, entropy=entropy())
    with pytest.raises(Rejected):
        FORMAT.present(FORMAT.parse(issue()), BINDING, key=KeyId("h"), at=AT, alg="none")
    with pytest.raises(Rejected):
        FORMAT.prepare(credential(x5c=(LEAF,)), key=KeyId("i"), holder=HOLDER.public, entropy=entropy()).complete(b"short")


def test_items_and_certificates_on_the_wire() -> None:
    """ISO/IEC 18013-5 section 8.3.2.1.2.2: items in tag 24, an untagged COSE_Sign1, one certificate alone."""
    issued = cbor.loads(unb64(issue()))
    assert list(issued) == ["nameSpaces", "issuerAuth"]
    protected, unprotected, payload, signature = issued["issuerAuth"]
    assert (protected, unprotected[33], len(signature)) == (b"\xa1\x01\x26", LEAF, 64)
    assert cbor.loads(payload).tag == 24
    dates = {item["elementValue"].tag for item in Draft.of().items if isinstance(item["elementValue"], cbor2.CBORTag)}
    assert dates == {1004}
    pair = (LEAF, leaf(STRANGER, ROOT, AUTHORITY))
    assert FORMAT.parse(issue(x5c=pair)).x5c == pair
