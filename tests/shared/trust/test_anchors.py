from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.trial_verify import BANK, ISSUER, VCT, Authority, registry, stranger

from shared.errors import Conflict, Malformed, Missing, VcError
from shared.jose.jwk import thumbprint
from shared.keys import Role
from shared.trust.anchors import TrustAnchors, parse_anchor, parse_trust, render_trust
from shared.x509 import render_pem

SIGNER = thumbprint(registry().signer.public)


def whole() -> TrustAnchors:
    bank = Authority.new(BANK, role=Role.RELYING_PARTY)
    pins = (registry().pin(entity=ISSUER, vcts=(VCT,)), registry().pin(role=Role.RELYING_PARTY), bank.pin(role=Role.RELYING_PARTY))
    return TrustAnchors(anchors=pins, bundle_signers=(SIGNER,))


def test_the_file_is_read_back_to_the_same_value() -> None:
    trust = whole()
    assert parse_trust(render_trust(trust)) == trust
    assert parse_trust(render_trust(TrustAnchors())) == TrustAnchors()


def test_anchors_are_found_by_role() -> None:
    assert [each.role for each in whole().with_role(Role.RELYING_PARTY)] == [Role.RELYING_PARTY] * 2
    assert len(whole().with_role(Role.CREDENTIAL_ISSUER)) == 1


@pytest.mark.parametrize("pem", [True, False])
def test_an_owner_pins_a_file(*, pem: bool) -> None:
    der = registry().certificate.der
    data = render_pem(der).encode() if pem else der
    anchor = parse_anchor(data, role=Role.CREDENTIAL_ISSUER)
    assert (anchor.certificate.der, anchor.name, anchor.entity, anchor.vcts) == (der, "Test anchor", None, None)
    named = parse_anchor(data, role=Role.CREDENTIAL_ISSUER, name="OPG", entity=ISSUER, vcts=[VCT])
    assert (named.name, named.entity, named.vcts) == ("OPG", ISSUER, (VCT,))


def test_a_leaf_is_no_anchor() -> None:
    with pytest.raises(Malformed) as caught:
        parse_anchor(registry().x5c[0], role=Role.CREDENTIAL_ISSUER)
    assert caught.value.where == "/certificate"


def test_only_roles_at_the_end_of_a_chain_are_pinned() -> None:
    with pytest.raises(Malformed) as caught:
        parse_anchor(registry().certificate.der, role=Role.ANCHOR)
    assert caught.value.where == "/role"


def test_two_certificates_in_one_file_are_refused() -> None:
    both = render_pem(registry().certificate.der) + render_pem(stranger().certificate.der)
    with pytest.raises(Malformed):
        parse_anchor(both.encode(), role=Role.CREDENTIAL_ISSUER)


def test_adding_and_removing() -> None:
    trust = TrustAnchors().add(registry().pin())
    with pytest.raises(Conflict):
        trust.add(registry().pin(entity=ISSUER))
    both = trust.add(registry().pin(role=Role.RELYING_PARTY)).add(stranger().pin())
    assert both.remove(registry().pin().fingerprint.upper()).anchors == (stranger().pin(),)
    with pytest.raises(Missing):
        trust.remove("00")


def test_a_signer_of_packs_is_pinned_once() -> None:
    trust = TrustAnchors().add_signer(SIGNER)
    assert trust.add_signer(SIGNER) is trust
    assert trust.bundle_signers == (SIGNER,)
    with pytest.raises(Malformed):
        trust.add_signer("short")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"version": 2}, "/version"),
        ({"version": None}, "/version"),
        ({"anchors": {}}, "/anchors"),
        ({"anchors": [{"role": "bundle"}]}, "/anchors/0/certificate"),
        ({"bundle_signers": [SIGNER, "x"]}, "/bundle_signers/1"),
        ({"bundle_signers": [1]}, "/bundle_signers/0"),
    ],
)
def test_a_fault_in_the_file_is_pointed_at(change: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_trust(json.dumps({"version": 1, "anchors": [], "bundle_signers": [], **change}).encode())
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"role": "bundle"}, "/anchors/0/role"),
        ({"role": 1}, "/anchors/0/role"),
        ({"certificate": "AAAA"}, "/anchors/0/certificate"),
        ({"name": ""}, "/anchors/0/name"),
        ({"entity": 1}, "/anchors/0/entity"),
        ({"vcts": "x"}, "/anchors/0/vcts"),
    ],
)
def test_a_fault_in_an_anchor_is_pointed_at(change: dict[str, Any], where: str) -> None:
    obj = json.loads(render_trust(TrustAnchors(anchors=(registry().pin(entity=ISSUER, vcts=(VCT,)),))))
    obj["anchors"][0] |= change
    with pytest.raises(Malformed) as caught:
        parse_trust(json.dumps(obj).encode())
    assert caught.value.where == where


@given(st.binary(max_size=60) | st.text(max_size=40).map(lambda text: json.dumps({"version": 1, "anchors": [text]}).encode()))
def test_any_bytes_are_trust_or_a_vc_error(data: bytes) -> None:
    with suppress(VcError):
        parse_trust(data)
    with suppress(VcError):
        parse_anchor(data, role=Role.CREDENTIAL_ISSUER)
