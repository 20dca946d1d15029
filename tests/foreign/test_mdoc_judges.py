"""@auth0/mdl and @owf/mdoc (npm) judge the mdocs that we make, and we those that they make; all judge what is broken."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from support.foreign import Peer, Refused, secret_jwk
from support.forge import HOLDER, ISSUER, ISSUER_URI, LPA_1, REPRESENTATION, STRANGER, b64, entropy, unb64
from support.signing import Signer, anchor, leaf

from shared.clock import floor_day, system_clock
from shared.errors import Malformed, VcError
from shared.formats import Binding, Credential, Handover, StatusReference
from shared.formats.mdoc import FORMAT as FORM
from shared.jose.jwk import render_jwk, thumbprint
from shared.keys import KeyId, PublicKey
from shared.x509 import render_pem

COUNTERPARTS = {"@auth0/mdl": "judge and mint of mdocs", "@owf/mdoc": "judge, wallet and mint of mdocs"}
pytestmark = pytest.mark.real

NOW = system_clock()
DAY = 86_400
SPACE = REPRESENTATION.doctype
AUTHORITY = Signer.new()
ROOT = anchor(AUTHORITY, at=NOW - 40 * DAY, country="GB")
LEAF = leaf(ISSUER, ROOT, AUTHORITY, uri=ISSUER_URI, at=NOW - 30 * DAY)
ANCHOR = render_pem(ROOT.der)
SEALING = Signer.new()
AUD, NONCE, ANSWER = "x509_hash:bank", "bank-nonce-0123456789A", "https://bank.example/response"
BINDING = Binding(
    audience=AUD,
    nonce=NONCE,
    handover=Handover(response_uri=ANSWER, key_thumbprint=unb64(thumbprint(SEALING.public))),
)
HANDOVER = {"audience": AUD, "nonce": NONCE, "responseUri": ANSWER, "encryptionJwk": render_jwk(SEALING.public)}
API = replace(BINDING, audience="origin:https://bank.example", handover=Handover(key_thumbprint=unb64(thumbprint(SEALING.public))))
API_HANDOVER = {"origin": "https://bank.example", "nonce": NONCE, "encryptionJwk": render_jwk(SEALING.public)}
NAMES = ((SPACE, "represented_given_name"), (SPACE, "represented_family_name"), (SPACE, "proxy_family_name"))
JUDGES = ("mdoc_auth0", "mdoc_owf")


def issue(**changes: Any) -> str:
    fields: dict[str, Any] = {
        "type": REPRESENTATION,
        "claims": LPA_1,
        "issuer": ISSUER_URI,
        "issued_at": floor_day(NOW),
        "expires_at": floor_day(NOW) + 30 * DAY,
        "status": StatusReference(uri=f"{ISSUER_URI}/status/1", idx=7),
        "x5c": (LEAF,),
    }
    made = Credential(**(fields | changes))
    return ISSUER.finish(FORM.prepare(made, key=KeyId("issuer"), holder=HOLDER.public, entropy=entropy("mdoc")))


def show(wire: str, binding: Binding = BINDING, *, paths: Any = NAMES, holder: Signer = HOLDER) -> str:
    chosen = FORM.disclose(FORM.parse(wire), paths)
    return holder.finish(FORM.present(chosen, binding, key=KeyId("holder"), at=NOW))


def ours(wire: str, binding: Binding = BINDING, issuer: Signer = ISSUER) -> Any:
    return FORM.verify(FORM.parse(wire), issuer.public, binding=binding, at=system_clock())


def test_a_wallet_by_others_takes_our_copy(their_judge: Peer) -> None:
    told = their_judge.ask("issuer_signed", wire=issue(), anchor=ANCHOR)
    assert told["docType"] == SPACE
    assert told["deviceKey"].items() >= render_jwk(HOLDER.public).items()


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize(("binding", "handover"), [(BINDING, HANDOVER), (API, API_HANDOVER)], ids=["redirect", "api"])
def test_they_judge_what_we_show(their_judge: Peer, judge: str, binding: Binding, handover: dict[str, Any]) -> None:
    wire = show(issue(), binding)
    told = their_judge.ask(judge, wire=wire, anchor=ANCHOR, handover=handover)
    assert told["documents"] == 1
    mine = ours(wire, binding)
    assert told["elements"][SPACE].keys() == mine.document[SPACE].keys()
    assert told["elements"][SPACE]["represented_given_name"] == "Margaret"


def test_an_authority_that_names_no_country_is_refused(their_judge: Peer) -> None:
    """ISO/IEC 18013-5 annex B.1: countryName is mandatory in the subject of authorities and document signers."""
    root = anchor(AUTHORITY, at=NOW - 40 * DAY)
    copy = issue(x5c=(leaf(ISSUER, root, AUTHORITY, uri=ISSUER_URI, at=NOW - 30 * DAY),))
    with pytest.raises(Refused) as caught:
        their_judge.ask("issuer_signed", wire=copy, anchor=render_pem(root.der))
    assert caught.value.detail == "Country name (C) must be present in the issuer certificate's subject distinguished name"


# --- what is broken ------------------------------------------------------------------------------------------------------------------


def changed(wire: str, change: Callable[[Any], Any]) -> str:
    """A DeviceResponse with something done to its one document."""
    response = cbor2.loads(unb64(wire))
    change(response["documents"][0])
    return b64(cbor2.dumps(response))


def _flip(parts: list[Any], at: int) -> None:
    parts[at] = bytes([parts[at][0] ^ 1]) + parts[at][1:]


def _value(document: Any) -> None:
    items = document["issuerSigned"]["nameSpaces"][SPACE]
    at, item = next((at, item) for at, each in enumerate(items) if (item := cbor2.loads(each.value))["elementIdentifier"] == NAMES[0][1])
    items[at] = cbor2.CBORTag(24, cbor2.dumps(item | {"elementValue": "Mallory"}))


def _random(document: Any) -> None:
    items = document["issuerSigned"]["nameSpaces"][SPACE]
    items[0] = cbor2.CBORTag(24, cbor2.dumps(cbor2.loads(items[0].value) | {"random": bytes(16)}))


def _space(document: Any) -> None:
    spaces = document["issuerSigned"]["nameSpaces"]
    spaces["another.space"] = spaces.pop(SPACE)


def _said(document: Any) -> None:
    document["deviceSigned"]["nameSpaces"] = cbor2.CBORTag(24, cbor2.dumps({"another.space": {"a": 1}}))


BREAKS: dict[str, Callable[[str], str]] = {
    "issuer-signature": lambda wire: changed(wire, lambda document: _flip(document["issuerSigned"]["issuerAuth"], 3)),
    "device-signature": lambda wire: changed(wire, lambda doc: _flip(doc["deviceSigned"]["deviceAuth"]["deviceSignature"], 3)),
    "another-value": lambda wire: changed(wire, _value),
    "another-salt": lambda wire: changed(wire, _random),
    "another-name-space": lambda wire: changed(wire, _space),
    "device-says-more": lambda wire: changed(wire, _said),
    "another-doctype": lambda wire: changed(wire, lambda document: document.update(docType="org.iso.18013.5.1.mDL")),
    "no-device-signature": lambda wire: changed(wire, lambda document: document["deviceSigned"]["deviceAuth"].clear()),
}


def verdict(judge: Peer, name: str, wire: str, handover: dict[str, Any] = HANDOVER) -> bool:
    try:
        judge.ask(name, wire=wire, anchor=ANCHOR, handover=handover)
    except Refused:
        return False
    return True


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("spoil", BREAKS)
def test_all_refuse_what_is_broken(their_judge: Peer, judge: str, spoil: str) -> None:
    wire = show(issue())
    assert verdict(their_judge, judge, wire)
    broken = BREAKS[spoil](wire)
    with pytest.raises(VcError):
        ours(broken)
    assert not verdict(their_judge, judge, broken)


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize(
    "other", [{"nonce": "other"}, {"audience": "x509_hash:other"}, {"responseUri": "https://other.example"}, {"encryptionJwk": None}]
)
def test_all_refuse_what_was_shown_to_somebody_else(their_judge: Peer, judge: str, other: dict[str, Any]) -> None:
    assert not verdict(their_judge, judge, show(issue()), HANDOVER | other)


@pytest.mark.parametrize("judge", JUDGES)
def test_all_refuse_another_holder_and_what_has_ended(their_judge: Peer, judge: str) -> None:
    by_another = show(issue(), holder=STRANGER)
    ended = show(issue(issued_at=floor_day(NOW) - 20 * DAY, expires_at=floor_day(NOW) - DAY))
    for wire in (by_another, ended):
        assert not verdict(their_judge, judge, wire)
        with pytest.raises(VcError):
            ours(wire)


# --- what they make ------------------------------------------------------------------------------------------------------------------

DOCTYPE, THEIRS = "org.example.card.1", "org.example.card.1.main"
ELEMENTS = {"given_name": "Margaret", "count": 3, "adult": True, "roles": ["a", "b"]}


def minted(**changes: Any) -> dict[str, Any]:
    """What a mint is told."""
    at = floor_day(NOW)
    validity = {"signed": (at - DAY) * 1000, "validFrom": (at - DAY) * 1000, "validUntil": (at + 20 * DAY) * 1000}
    return {
        "doctype": DOCTYPE,
        "namespaces": {THEIRS: ELEMENTS | {"birth_date": {"day": "1938-11-02"}}},
        "issuer": secret_jwk(ISSUER),
        "x5c": [base64.b64encode(LEAF).decode()],
        "device": secret_jwk(HOLDER),
        "validity": validity,
    } | changes


def test_we_judge_what_owf_makes(their_mint: Peer) -> None:
    issued = their_mint.ask("mdoc_owf", **minted())
    peeked = FORM.peek(FORM.parse(issued))
    assert peeked.document[THEIRS] == ELEMENTS | {"birth_date": "1938-11-02"}
    shown = their_mint.ask(
        "mdoc_owf_shown", wire=issued, output={THEIRS: {"given_name": 1, "roles": 1}}, holder=secret_jwk(HOLDER), handover=HANDOVER
    )
    facts = ours(shown)
    assert facts.document == {"docType": DOCTYPE, THEIRS: {"given_name": "Margaret", "roles": ["a", "b"]}}
    for other in (replace(BINDING, nonce="other"), replace(BINDING, audience="x509_hash:other"), API):
        with pytest.raises(VcError):
            ours(shown, other)
    with pytest.raises(VcError):
        ours(shown, issuer=STRANGER)


def sharing(reader: Signer) -> Binding:
    """What is expected of a device that shares a secret with ``reader``."""
    assert isinstance(reader.private, ec.EllipticCurvePrivateKey)
    exchange = reader.private.exchange

    def agree(device: PublicKey) -> bytes:
        assert isinstance(device.key, ec.EllipticCurvePublicKey)
        return exchange(ec.ECDH(), device.key)

    assert BINDING.handover is not None
    return replace(BINDING, handover=replace(BINDING.handover, agree=agree))


def test_a_mac_by_auth0(their_mint: Peer) -> None:
    reader = Signer.new()
    shown = their_mint.ask(
        "mdoc_auth0_shown",
        **minted(namespaces={THEIRS: ELEMENTS}),
        show=[[THEIRS, "adult"]],
        handover=HANDOVER,
        reader=render_jwk(reader.public),
    )
    assert ours(shown, sharing(reader)).document == {"docType": DOCTYPE, THEIRS: {"adult": True}}
    for other in (replace(sharing(reader), nonce="other"), sharing(Signer.new()), BINDING):
        with pytest.raises(VcError):
            ours(shown, other)


def test_a_mac_by_owf_is_not_one(their_mint: Peer) -> None:
    """RFC 9052 section 6.3: a MAC_structure has four parts, external_aad of no bytes among them; 0.6.0 leaves that one out."""
    reader = Signer.new()
    issued = their_mint.ask("mdoc_owf", **minted())
    handover = HANDOVER | {"reader": render_jwk(reader.public)}
    shown = their_mint.ask("mdoc_owf_shown", wire=issued, output={THEIRS: {"adult": 1}}, holder=secret_jwk(HOLDER), handover=handover)
    with pytest.raises(VcError):
        ours(shown, sharing(reader))


def test_a_number_of_owf_that_is_too_large_is_refused(their_mint: Peer) -> None:
    """It draws digestIDs from 32 bits; ISO/IEC 18013-5 section 9.1.2.4 ends at 2^31 - 1."""
    made = their_mint.ask_all("mdoc_owf", [minted(own=True)] * 8)  # of four elements each
    assert any(_refused(wire) for wire in made)


def _refused(wire: str) -> bool:
    try:
        FORM.parse(wire)
    except Malformed:
        return True
    return False


def test_we_judge_what_auth0_makes(their_mint: Peer) -> None:
    show_ = [[THEIRS, "given_name"], [THEIRS, "adult"]]
    shown = their_mint.ask("mdoc_auth0_shown", **minted(namespaces={THEIRS: ELEMENTS}), show=show_, handover=HANDOVER)
    assert ours(shown).document == {"docType": DOCTYPE, THEIRS: {"given_name": "Margaret", "adult": True}}
    with pytest.raises(VcError):
        ours(shown, replace(BINDING, nonce="other"))


def test_we_refuse_what_another_device_shows_and_what_has_ended(their_mint: Peer) -> None:
    issued = their_mint.ask("mdoc_owf", **minted())
    by_another = their_mint.ask(
        "mdoc_owf_shown", wire=issued, output={THEIRS: {"adult": 1}}, holder=secret_jwk(STRANGER), handover=HANDOVER
    )
    at = floor_day(NOW)
    past = {"signed": (at - 9 * DAY) * 1000, "validFrom": (at - 9 * DAY) * 1000, "validUntil": (at - DAY) * 1000}
    ended = their_mint.ask("mdoc_owf", **minted(validity=past))
    shown = their_mint.ask("mdoc_owf_shown", wire=ended, output={THEIRS: {"adult": 1}}, holder=secret_jwk(HOLDER), handover=HANDOVER)
    for wire in (by_another, shown):
        with pytest.raises(VcError):
            ours(wire)
