from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Conflict, Malformed, VcError
from shared.trust.anchors import TrustAnchors, parse_trust, render_trust
from shared.trust.dids import DidPin

PIN = DidPin(did="did:web:opg.example", name="OPG")
NARROW = DidPin(did="did:key:zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv", name="OPG", vcts=("urn:x",), without_snapshot=True)


def file(**entry: Any) -> bytes:
    base = {"did": PIN.did, "name": "OPG"}
    dids = [{name: value for name, value in (base | entry).items() if value is not ...}]
    return json.dumps({"version": 1, "anchors": [], "bundle_signers": [], "dids": dids}).encode()


def test_pins_are_read_back() -> None:
    trust = TrustAnchors(dids=(PIN, NARROW))
    assert parse_trust(render_trust(trust)) == trust
    assert b"dids" not in render_trust(TrustAnchors())
    assert parse_trust(render_trust(TrustAnchors())) == TrustAnchors()
    assert TrustAnchors().add_did(PIN).dids == (PIN,)
    with pytest.raises(Conflict):
        trust.add_did(DidPin(did=PIN.did, name="Another name"))


@pytest.mark.parametrize(
    ("entry", "where"),
    [
        ({"did": ...}, "/dids/0/did"),
        ({"did": "did:example:1"}, "/dids/0/did"),
        ({"did": "did:web:opg.example#key"}, "/dids/0/did"),
        ({"did": "https://opg.example"}, "/dids/0/did"),
        ({"name": ...}, "/dids/0/name"),
        ({"vcts": "urn:x"}, "/dids/0/vcts"),
        ({"without_snapshot": 1}, "/dids/0/without_snapshot"),
    ],
)
def test_pins_of_the_wrong_form(entry: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_trust(file(**entry))
    assert caught.value.where == where


@given(st.sampled_from(["did", "name", "vcts", "without_snapshot"]), st.none() | st.text() | st.integers() | st.lists(st.text()))
def test_any_entry_gives_a_pin_or_an_error(name: str, value: Any) -> None:
    try:
        parse_trust(file(**{name: value}))
    except VcError:
        return
