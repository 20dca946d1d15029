from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signing import Signer

from shared.codec import strict_json
from shared.errors import Conflict, Malformed, Missing, TooLarge, Untrusted, VcError
from shared.jose.jwk import render_jwk
from shared.trust.anchors import TrustAnchors, parse_trust, render_trust
from shared.trust.federation_anchor import FederationAnchor, parse_federation_anchor, render_federation_anchor
from shared.trust.federation_keys import MAX_KEYS, FederationKey, find_key, parse_jwks, render_jwks

KEYS = tuple(FederationKey.of(Signer.new(alg).public) for alg in ("ES256", "ES384", "EdDSA"))
ANCHOR = FederationAnchor(entity="https://justice.example", keys=KEYS, name="Justice", vcts=("urn:a",), without_snapshot=True)
PLAIN = FederationAnchor(entity="https://registries.example", keys=KEYS[:1], name="Registries")
RSA = {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "rsa"}


def entry(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (render_federation_anchor(PLAIN) | changes).items() if value is not ...}


def test_the_file_is_read_back_to_the_same_value() -> None:
    trust = TrustAnchors(federation=(ANCHOR, PLAIN))
    assert parse_trust(render_trust(trust)) == trust
    assert "federation" not in strict_json.load_object(render_trust(TrustAnchors()))


def test_an_owner_pins_and_unpins_a_federation() -> None:
    trust = TrustAnchors().add_federation(ANCHOR).add_federation(PLAIN)
    with pytest.raises(Conflict):
        trust.add_federation(PLAIN)
    assert trust.remove_federation(ANCHOR.entity).federation == (PLAIN,)
    with pytest.raises(Missing):
        trust.remove_federation("https://nobody.example")


def test_one_federation_pinned_twice_is_refused() -> None:
    data = strict_json.dumps({"version": 1, "anchors": [], "bundle_signers": [], "federation": [entry(), entry()]})
    with pytest.raises(Malformed) as caught:
        parse_trust(data)
    assert caught.value.where == "/federation"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"entity": ...}, "/entity"),
        ({"entity": "http://justice.example"}, "/entity"),
        ({"entity": "https://justice.example?a"}, "/entity"),
        ({"entity": "https://justice.example#a"}, "/entity"),
        ({"name": ""}, "/name"),
        ({"vcts": "urn:a"}, "/vcts"),
        ({"without_snapshot": 1}, "/without_snapshot"),
        ({"jwks": ...}, "/jwks"),
        ({"jwks": {}}, "/jwks/keys"),
        ({"jwks": {"keys": []}}, "/jwks/keys"),
        ({"jwks": {"keys": [RSA]}}, "/jwks"),
        ({"jwks": {"keys": [render_jwk(KEYS[0].public)]}}, "/jwks/keys/0/kid"),
        ({"jwks": {"keys": [RSA | {"d": "AQAB"}]}}, "/jwks/keys/0"),
        ({"jwks": {"keys": [RSA | {"kty": ["RSA"]}]}}, "/jwks/keys/0/kty"),
        ({"jwks": {"keys": [RSA | {"kid": ""}]}}, "/jwks/keys/0/kid"),
        ({"jwks": {"keys": [RSA, RSA | {"n": "AQAC"}]}}, "/jwks/keys/1/kid"),
        ({"jwks": {"keys": [render_jwk(KEYS[0].public) | {"kid": "a", "use": "enc"}]}}, "/jwks/keys/0/use"),
    ],
)
def test_pins_of_another_form(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_federation_anchor(entry(**changes), "/federation/0")
    assert caught.value.where == f"/federation/0{where}"


def test_trials_on_one_machine_need_no_tls() -> None:
    assert parse_federation_anchor(entry(entity="http://localhost:8100")).entity == "http://localhost:8100"


def test_keys_that_cannot_be_used_here_are_left_out() -> None:
    """RFC 7517 section 5."""
    others = [
        RSA,
        {"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA", "kid": "521"},
        {"kty": "OKP", "crv": "Ed448", "x": "AA", "kid": "448"},
    ]
    assert parse_jwks({"jwks": {"keys": [*others, *render_jwks(KEYS)["keys"]]}}) == KEYS


def test_too_many_keys() -> None:
    with pytest.raises(TooLarge):
        parse_jwks({"jwks": {"keys": [RSA | {"kid": str(index)} for index in range(MAX_KEYS + 1)]}})


def test_a_key_is_found_by_its_name() -> None:
    assert find_key(KEYS, KEYS[1].kid) == KEYS[1].public
    for kid in ("nobody", None, 7):
        with pytest.raises(Untrusted):
            find_key(KEYS, kid)


VALUES = st.none() | st.booleans() | st.text(max_size=3) | st.sampled_from(["https://a.example", "EC", "OKP", "P-256"])
JWKS = st.fixed_dictionaries({"keys": st.lists(st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "kid", "d"]), VALUES), max_size=2)})


@given(st.dictionaries(st.sampled_from(["entity", "name", "vcts", "without_snapshot", "jwks"]), VALUES | JWKS))
def test_a_pin_or_an_error(changes: dict[str, Any]) -> None:
    with suppress(VcError):
        pin = parse_federation_anchor(entry(**changes))
        assert parse_federation_anchor(render_federation_anchor(pin)) == pin
