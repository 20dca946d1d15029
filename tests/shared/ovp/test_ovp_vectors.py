"""The golden vectors that pages and Python share; tests/vectors/ovp/README.md says how a case looks."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cbor2
import pytest
from support.signing import AT

from shared.clock import DAY
from shared.codec import base64url, frames
from shared.codec.packed import unpack
from shared.cose import kid_of
from shared.credentials import Text, all_types
from shared.errors import Unavailable, VcError
from shared.flow import Fetch, Fetched, run
from shared.formats import Binding
from shared.jose.jwk import parse_public_jwk
from shared.keys import Role
from shared.ovp import code, envelope
from shared.ovp.answer import asked_of
from shared.ovp.challenge import check_challenge, parse_challenge
from shared.ovp.receipt import check_desk_receipt, parse_desk_receipt
from shared.trust.anchors import TrustAnchors, parse_anchor, parse_trust
from shared.trust.bundle import BundleMemory, parse_bundle, verify_bundle
from shared.trust.certificates import chains_of
from shared.trust.policy import Policy
from shared.trust.registrars import RegistrarKey
from shared.trust.relying_party import Register, parse_rp_certificate, read_wants, render_wants, verify_rp_certificate
from shared.verify import Decision, Expectation, Material, replayed, verify
from shared.verify._verdict import plain
from shared.x509 import Cert, load_certificate

FOLDER = Path(__file__).parents[2] / "vectors" / "ovp"
Case = dict[str, Any]
b64 = base64url.encode


def read(name: str) -> dict[str, Any]:
    doc: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return doc


def cases(name: str, part: str) -> list[Any]:
    found = read(name)[part]
    assert len({case["name"] for case in found}) == len(found)
    return [pytest.param(case, id=case["name"]) for case in found]


def raised(expected: Case, error: VcError) -> None:
    assert error.code == expected["error"], error.detail
    assert error.where == expected.get("where", error.where)


@pytest.mark.parametrize("case", cases("frames", "split"))
def test_split(case: Case) -> None:
    assert frames.split(base64url.decode(case["message"]), chunk=case["chunk"]) == case["texts"]


@pytest.mark.parametrize("case", cases("frames", "assemble"))
def test_assemble(case: Case) -> None:
    assembly = frames.Assembly()
    for text, expected in zip(case["texts"], case["answers"], strict=True):
        try:
            whole = assembly.add(text)
        except VcError as error:
            raised(expected, error)
        else:
            assert (None if whole is None else b64(whole)) == expected


@pytest.mark.parametrize("case", cases("envelope", "texts"))
def test_texts(case: Case) -> None:
    if "error" in case:
        with pytest.raises(VcError) as caught:
            envelope.parse_text(case["text"])
        raised(case, caught.value)
        return
    content = base64url.decode(case["content"])
    assert envelope.parse_text(case["text"]) == (case["prefix"], content)
    assert envelope.render_text(case["prefix"], content) == case["text"]


@pytest.mark.parametrize("case", cases("envelope", "messages"))
def test_messages(case: Case) -> None:
    message = base64url.decode(case["message"])
    if "error" in case:
        with pytest.raises(VcError) as caught:
            envelope.of_message(message)
        raised(case, caught.value)
        return
    assert envelope.of_message(message) == (case["prefix"], base64url.decode(case["content"]))


@pytest.mark.parametrize("case", cases("code", "codes"))
def test_codes(case: Case) -> None:
    asked = {"entity": case["entity"], "use": case["use"]}
    if "error" in case:
        with pytest.raises(VcError) as caught:
            code.parse_code(case["typed"], **asked)
        raised(case, caught.value)
        return
    assert code.parse_code(case["typed"], **asked) == case["code"]
    assert b64(code.code_nonce(case["code"], **asked)) == case["nonce"]


def test_code_audience() -> None:
    case = read("code")["audience"]
    assert code.code_audience(parse_public_jwk(case["key"])) == case["audience"]


def trust(name: str, pinned_for: str | None = None) -> TrustAnchors:
    anchor = read(name)["anchor"]
    certificate = load_certificate(anchor["certificate"])
    assert certificate.public == parse_public_jwk(anchor["key"])
    assert (certificate.not_before, certificate.not_after) == (anchor["not_before"], anchor["not_after"])
    return TrustAnchors(anchors=(parse_anchor(certificate.der, role=Role.RELYING_PARTY, name="Anchor", entity=pinned_for),))


@pytest.mark.parametrize("case", cases("challenge", "cases"))
def test_challenges(case: Case) -> None:
    expect = case["expect"]
    register = Register.of(map(base64url.decode, case["register"]), trust("challenge"), at=AT)
    try:
        challenge = parse_challenge(base64url.decode(case["challenge"]))
        asker = check_challenge(challenge, register, at=case["at"])
    except VcError as error:
        raised(expect, error)
        return
    assert {"entity": asker.entity, "desk": asker.desk, "use": asker.use.id} == expect["asker"]
    assert render_wants(asker.wants) == expect["wants"]
    assert (b64(challenge.digest), challenge.audience) == (expect["digest"], expect["audience"])


@pytest.mark.parametrize("case", cases("receipt", "cases"))
def test_receipts(case: Case) -> None:
    expect = case["expect"]
    register = Register.of(map(base64url.decode, case["register"]), trust("receipt"), at=AT)
    sent = {"content": base64url.decode(case["content"]), "nonce": base64url.decode(case["nonce"]), "use": case["use"]}
    try:
        receipt = parse_desk_receipt(base64url.decode(case["receipt"]))
        party = check_desk_receipt(receipt, register, **sent, sent_at=case["sent_at"], at=case["at"])
    except VcError as error:
        raised(expect, error)
        return
    assert {
        "entity": party.entity,
        "desk": receipt.desk.name,
        "decision": receipt.decision,
        "code": receipt.code,
        "at": receipt.issued_at,
        "pack": None if receipt.pack is None else b64(receipt.pack),
    } == expect


@pytest.mark.parametrize("case", cases("register", "cases"))
def test_registrations(case: Case) -> None:
    expect = case["expect"]
    try:
        one = parse_rp_certificate(base64url.decode(case["certificate"]))
        pinned = trust("register", case["pinned_for"])
        if "registrar" in case:
            _registrar(pinned.anchors[0].certificate, case).check(one, at=case["at"])
        else:
            verify_rp_certificate(one, pinned, at=case["at"])
    except VcError as error:
        raised(expect, error)
        return
    told = {"entity": one.entity, "name": _words(one.name), "uses": [use.id for use in one.uses]}
    if one.registrar is not None:
        argued = {name: getattr(one.uses[0], name) for name in expect["argued"]}
        told |= {"argued": {name: _words(value) if isinstance(value, Text) else value for name, value in argued.items()}}
        told |= {"registrar": _words(one.registrar.name) | {"entity": one.registrar.entity}}
    assert told == expect


def _registrar(known: Cert, case: Case) -> RegistrarKey:
    """The same key as that of a registrar."""
    return RegistrarKey(
        anchor=case["registrar"],
        entity=case["registrar"],
        name="Registrar",
        public=known.public,
        kid=kid_of(known.public),
        countries=tuple(case["countries"]),
        since=known.not_before,
        until=known.not_after,
    )


def _words(words: Text) -> dict[str, str]:
    return {"en": words.en, "cy": words.cy}


def material() -> Material:
    known = read("presentations")["python"]
    pinned = parse_anchor(base64.b64decode(known["anchor"]), role=Role.CREDENTIAL_ISSUER, entity=known["issuer"])
    chains = chains_of(map(base64.b64decode, known["certificates"]), [pinned])
    return Material(policy=Policy(TrustAnchors(anchors=(pinned,))), types=all_types(), certificates=chains)


def answer(fetch: Fetch) -> Fetched:
    lists = read("presentations")["python"]["lists"]
    if fetch.url not in lists:
        raise Unavailable("not in the pack")
    return Fetched(status=200, body=base64.b64decode(lists[fetch.url]))


def expectation(asked: Case) -> Expectation:
    fresh: dict[str, Any] = {"nonce": asked["nonce"], "max_age": None}
    if asked["mode"] == "addressed":
        fresh = {"nonce": None, "max_age": 14 * DAY, "extra": {"purpose_id": asked["purpose_id"]}}
    wants = () if asked["wants"] is None else read_wants({5: asked["wants"]}, 5)
    return Expectation(
        query=None,
        asked=asked_of(wants, all_types()),
        binding=Binding(audience=asked["audience"], **fresh),
        use={name: tuple(value) if isinstance(value, list) else value for name, value in asked["use"].items()},
        format="dc+sd-cwt",
    )


def judge(case: Case) -> Decision:
    shown = {"shown": [case["presentation"]]}
    decision = run(verify(shown, expectation(case["expectation"]), material(), at=case["at"]), answer)
    return replayed(decision) if case.get("seen") else decision


@pytest.mark.parametrize("case", cases("presentations", "cases"))
def test_presentations(case: Case) -> None:
    decision, expect = judge(case), case["expect"]
    detail = [(line.name, line.code, line.detail) for line in decision.checks if line.state != "passed"]
    assert (decision.decision, decision.code, decision.level.number) == (expect["decision"], expect["code"], expect["level"]), detail
    if "claims" in expect:
        (shown,) = decision.credentials
        assert plain(shown.claims.claims) == expect["claims"]
        assert [b64(key) for key in decision.replay_keys] == [expect["replay_key"]]


def test_the_pack_of_the_presentations() -> None:
    doc = read("presentations")
    bundle = parse_bundle(base64.b64decode(doc["pack"]))
    verified = verify_bundle(bundle, signers=[doc["signer"]], at=doc["at"], memory=BundleMemory())
    assert verified.status_lists.keys() == doc["python"]["lists"].keys()


@pytest.mark.parametrize("case", cases("federated", "cases"))
def test_federated(case: Case) -> None:
    """By the chains in the pack, for a checker that pinned the anchor of the federation and nobody else."""
    doc = read("federated")
    trust = parse_trust(json.dumps(doc["python"][case["pack"]]).encode())
    bundle = parse_bundle(base64.b64decode(doc["packs"][case["pack"]]))
    opened = verify_bundle(bundle, signers=[doc["signer"]], at=case["at"], memory=BundleMemory(), federation=trust.federation)
    policy = Policy.sealed(trust, opened.snapshots, seen=opened.memory.snapshots, federation=opened.federation)
    known = Material(policy=policy, types=all_types(), certificates=opened.certificates, floor=opened.memory.floor)
    asked = {"mode": "live", **doc["expectation"]}
    want = replace(expectation(asked), format="dc+sd-cwt" if case["prefix"] == envelope.PRESENTATION else "dc+sd-jwt")
    content = base64url.decode(case["presentation"])
    wire = case["presentation"] if case["prefix"] == envelope.PRESENTATION else str(unpack(cbor2.loads(content)))
    decision = run(verify({"shown": [wire]}, want, known, at=case["at"]), opened.answer)
    keeper = decision.credentials[0].succeeded_by if decision.credentials else None
    assert {
        "decision": decision.decision,
        "code": decision.code,
        "issuer_trust": decision.line("issuer_trust").code,
        "keeper": None if keeper is None else keeper.succession.successor,
    } == case["expect"]


def test_no_private_keys() -> None:
    """``d`` of a JWK, and member -4 of a COSE key but in the one case that is refused for it."""
    for path in FOLDER.glob("*.json"):
        assert '"d":' not in path.read_text(encoding="utf-8")
