from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.federation import COURT, COURTS, DAY, MINISTRY, Body, Tree, critical, says, signed
from support.signing import AT, Signer

from shared.codec import base64url, strict_json
from shared.errors import (
    AlgorithmRefused,
    BadSignature,
    Expired,
    Malformed,
    NotEntitled,
    NotYetValid,
    PolicyError,
    TooLarge,
    Untrusted,
    VcError,
    WrongTyp,
)
from shared.jose.jwk import render_jwk
from shared.keys import KeyId
from shared.trust.constraints import Constraints
from shared.trust.entitlements import Entitlement, Grants
from shared.trust.federation_keys import FederationKey, render_jwks
from shared.trust.snapshot import MAX_LIFE
from shared.trust.statements import (
    MAX_BYTES,
    MAX_HINTS,
    EntityStatement,
    HeldMark,
    MarkOwner,
    check_statement,
    parse_statement,
)

TREE = Tree()
LEAF, MIDDLE = TREE.leaf, TREE.middle
KEY = KeyId("federation")
OTHER = Signer.new()
MARK = signed({"trust_mark_type": "urn:mark"}, OTHER, typ="trust-mark+jwt")


def itself(**claims: Any) -> EntityStatement:
    return parse_statement(LEAF.itself(**claims))


def about(**claims: Any) -> EntityStatement:
    return parse_statement(MIDDLE.of(LEAF, **claims))


def test_a_configuration_is_read() -> None:
    found = itself(
        trust_anchor_hints=[MINISTRY],
        trust_marks=[{"trust_mark_type": "urn:mark", "trust_mark": MARK}],
        trust_mark_issuers={"urn:mark": [MINISTRY], "urn:free": []},
        trust_mark_owners={"urn:mark": {"sub": MINISTRY, "jwks": render_jwks((LEAF.key,))}},
        something_else=1,
    )
    assert found.is_configuration
    assert (found.iss, found.sub, found.iat, found.exp, found.kid) == (COURT, COURT, AT - 60, AT + DAY, LEAF.key.kid)
    assert found.keys == (LEAF.key,)
    assert found.authority_hints == (COURTS,)
    assert found.trust_marks == (HeldMark("urn:mark", MARK),)
    assert found.trust_mark_issuers == {"urn:mark": (MINISTRY,), "urn:free": ()}
    assert found.trust_mark_owners == {"urn:mark": MarkOwner(MINISTRY, (LEAF.key,))}
    assert (found.metadata_policy, found.constraints, found.grants, found.crit, found.source_endpoint) == (None, None, Grants(), (), None)
    assert parse_statement(found.wire) == found


def test_a_subordinate_statement_is_read() -> None:
    policy = {"openid_credential_issuer": {"a": {"value": 1}}}
    found = about(metadata_policy=policy, constraints={"max_path_length": 0}, source_endpoint=MIDDLE.fetch, metadata={"a": {"b": 1}})
    assert not found.is_configuration
    assert (found.iss, found.sub, found.keys) == (COURTS, COURT, (LEAF.key,))
    assert (found.metadata_policy, found.constraints) == (policy, Constraints(max_path_length=0))
    assert found.grants == Grants(entitlements=(Entitlement(vct=says()["vct"], since=says()["from"]),))
    assert (found.crit, found.source_endpoint, found.metadata) == (("entitlements",), MIDDLE.fetch, {"a": {"b": 1}})


def test_what_an_entity_is_called() -> None:
    assert itself(metadata={"federation_entity": {"organization_name": "Leeds"}}).name == "Leeds"
    assert itself(metadata={"federation_entity": {"organization_name": 7}}).name == itself(metadata=None).name == COURT


def test_endpoints_of_an_entity() -> None:
    assert itself().endpoint("federation_fetch_endpoint") == LEAF.fetch
    for metadata in (
        None,
        {"federation_entity": {"federation_fetch_endpoint": 1}},
        {"federation_entity": {"federation_fetch_endpoint": "ftp://a"}},
    ):
        with pytest.raises(Malformed) as caught:
            itself(metadata=metadata).endpoint("federation_fetch_endpoint")
        assert caught.value.where == "/metadata/federation_entity/federation_fetch_endpoint"


# --- section 3.2: each rule --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "error", "where"),
    [
        ({"typ": None}, WrongTyp, "/typ"),
        ({"typ": "JWT"}, WrongTyp, "/typ"),
        ({"typ": "application/entity-statement+jwt"}, WrongTyp, "/typ"),
        ({"alg": "none"}, AlgorithmRefused, "/alg"),
        ({"alg": "HS256"}, AlgorithmRefused, "/alg"),
        ({"alg": "RS256"}, AlgorithmRefused, "/alg"),
        ({"kid": None}, Malformed, "/kid"),
        ({"kid": ""}, Malformed, "/kid"),
        ({"kid": 7}, Malformed, "/kid"),
        ({"trust_chain": []}, Malformed, "/trust_chain"),
        ({"peer_trust_chain": []}, Malformed, "/peer_trust_chain"),
        ({"crit": ["exp"]}, Malformed, "/crit"),
    ],
)
def test_headers(header: dict[str, Any], error: type[VcError], where: str) -> None:
    """Sections 3, 3.2 and 4.3."""
    with pytest.raises(error) as caught:
        parse_statement(signed(LEAF.common(LEAF), LEAF.signer, **header))
    assert caught.value.where == where


RSA = {"kty": "RSA", "n": "AQAB", "e": "AQAB"}
OWN = render_jwks((LEAF.key,))["keys"][0]
EITHER: list[tuple[dict[str, Any], str]] = [
    *(({name: None}, f"/{name}") for name in ("iss", "sub", "iat", "exp", "jwks")),
    ({"iat": "1"}, "/iat"),
    ({"iat": -1}, "/exp"),
    ({"exp": AT - 60}, "/exp"),
    ({"exp": AT - 59 + MAX_LIFE}, "/exp"),
    ({"jwks": {"keys": []}}, "/jwks/keys"),
    ({"jwks": {"keys": [RSA]}}, "/jwks/keys/0/kid"),
    ({"jwks": {"keys": [OWN, OWN]}}, "/jwks/keys/1/kid"),
    ({"jwks": {"keys": [OWN, RSA | {"kid": OWN["kid"]}]}}, "/jwks/keys/1/kid"),
    ({"jwks": {"keys": [OWN | {"d": "AA"}]}}, "/jwks/keys/0"),
    ({"jwks": {"keys": [OWN | {"alg": "ES384"}]}}, "/jwks/keys/0/alg"),
    ({"metadata": []}, "/metadata"),
    ({"metadata": {"a": 1}}, "/metadata/a"),
    ({"metadata": {"a/b": {"c": None}}}, "/metadata/a~1b/c"),
    ({"metadata": {"openid_credential_issuer": {"jwks": {"keys": [1, {"x": OWN["x"]}]}}}}, "/metadata/openid_credential_issuer/jwks"),
    ({"crit": []}, "/crit"),
    ({"crit": "jti"}, "/crit"),
    ({"crit": ["jti"], "jti": "1"}, "/crit"),
    ({"crit": ["exp"]}, "/crit"),
    ({"aud": COURT}, "/aud"),
    ({"trust_anchor": MINISTRY}, "/trust_anchor"),
]
BY_ITSELF: list[tuple[dict[str, Any], str]] = [
    ({"authority_hints": []}, "/authority_hints"),
    ({"authority_hints": [COURTS, "x"]}, "/authority_hints/1"),
    ({"authority_hints": [7]}, "/authority_hints/0"),
    ({"trust_anchor_hints": []}, "/trust_anchor_hints"),
    ({"trust_anchor_hints": ["x"]}, "/trust_anchor_hints/0"),
    ({"constraints": {}}, "/constraints"),
    ({"metadata_policy": {}}, "/metadata_policy"),
    ({"metadata_policy_crit": ["a"]}, "/metadata_policy_crit"),
    ({"source_endpoint": MIDDLE.fetch}, "/source_endpoint"),
    ({"trust_marks": [1]}, "/trust_marks/0"),
    ({"trust_marks": [{"trust_mark": MARK}]}, "/trust_marks/0/trust_mark_type"),
    ({"trust_marks": [{"trust_mark_type": "urn:mark"}]}, "/trust_marks/0/trust_mark"),
    ({"trust_marks": [{"trust_mark_type": "urn:mark", "trust_mark": "x"}]}, "/trust_marks/0/trust_mark"),
    ({"trust_marks": [{"trust_mark_type": "urn:other", "trust_mark": MARK}]}, "/trust_marks/0/trust_mark_type"),
    ({"trust_mark_issuers": []}, "/trust_mark_issuers"),
    ({"trust_mark_issuers": {"urn:a": COURT}}, "/trust_mark_issuers/urn:a"),
    ({"trust_mark_issuers": {"urn:a": ["x"]}}, "/trust_mark_issuers/urn:a/0"),
    ({"trust_mark_owners": {"urn:a": []}}, "/trust_mark_owners/urn:a"),
    ({"trust_mark_owners": {"urn:a": {"sub": COURT}}}, "/trust_mark_owners/urn:a/jwks"),
    ({"trust_mark_owners": {"urn:a": {"jwks": render_jwks((LEAF.key,))}}}, "/trust_mark_owners/urn:a/sub"),
    ({"iss": "http://leeds.courts.example", "sub": "http://leeds.courts.example"}, "/iss"),
    ({"iss": f"{COURT}?a=b", "sub": f"{COURT}?a=b"}, "/iss"),
]
BY_SUPERIOR: list[tuple[dict[str, Any], str]] = [
    *(({name: []}, f"/{name}") for name in ("authority_hints", "trust_anchor_hints", "trust_marks")),
    *(({name: {}}, f"/{name}") for name in ("trust_mark_issuers", "trust_mark_owners")),
    ({"constraints": []}, "/constraints"),
    ({"constraints": {"max_path_length": -1}}, "/constraints/max_path_length"),
    ({"metadata_policy": {"a": 1}}, "/metadata_policy/a"),
    ({"metadata_policy_crit": []}, "/metadata_policy_crit"),
    ({"source_endpoint": "x"}, "/source_endpoint"),
    ({"sub": "x"}, "/sub"),
    ({"entitlements": [says()], "crit": None}, "/crit"),
    (critical(entitlements=[{}]), "/entitlements/0/from"),
    ({"crit": ["entitlements", "entitlements"]}, "/crit"),
    ({"crit": ["entitlements", "accredits"]}, "/crit"),
]


@pytest.mark.parametrize(("claims", "where"), EITHER + BY_ITSELF)
def test_what_no_configuration_says(claims: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        itself(**claims)
    assert caught.value.where == where


@pytest.mark.parametrize(("claims", "where"), EITHER + BY_SUPERIOR)
def test_what_no_subordinate_statement_says(claims: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        about(**claims)
    assert caught.value.where == where


@pytest.mark.parametrize("claim", ["entitlements", "accredits", "may_register", "accredits_registrars"])
def test_self_declared_vct_not_entitled(claim: str) -> None:
    """S14: self-description is none, and is not even read."""
    with pytest.raises(NotEntitled) as caught:
        itself(**critical(**{claim: [says()]}))
    assert caught.value.where == f"/{claim}"


@pytest.mark.parametrize("operators", [["regexp"], ["value"], ["regexp", "value"]])
def test_policy_operators_that_must_be_understood(operators: list[str]) -> None:
    """Sections 3.1.3 and 6.1.3.2: none but the standard ones is known, and those are never listed."""
    with pytest.raises(PolicyError) as caught:
        about(metadata_policy={"a": {"b": {"regexp": "."}}}, metadata_policy_crit=operators)
    assert caught.value.where == "/metadata_policy_crit"
    assert about(metadata_policy={"a": {"b": {"regexp": "."}}}).metadata_policy == {"a": {"b": {}}}


def test_a_policy_that_nobody_can_meet() -> None:
    with pytest.raises(PolicyError) as caught:
        about(metadata_policy={"a": {"b": {"add": ["x"], "one_of": ["x"]}}})
    assert caught.value.where == "/metadata_policy/a/b"


def test_a_federation_key_has_no_other_use() -> None:
    """S1: other keys, and other members of the same name, are nobody's matter here."""
    found = itself(metadata={"a": {"jwks": {"keys": [render_jwk(OTHER.public), "x"]}}, "b": {"jwks": 7}, "c": {"jwks": {"keys": 7}}})
    assert set(found.metadata) == {"a", "b", "c"}


def test_bounds() -> None:
    with pytest.raises(TooLarge):
        itself(more="x" * MAX_BYTES)
    with pytest.raises(TooLarge) as caught:
        itself(authority_hints=[f"https://{index}.example" for index in range(MAX_HINTS + 1)])
    assert caught.value.where == "/authority_hints"


@pytest.mark.parametrize("payload", [b"[]", b'{"a":1,"a":2}', b"{"])
def test_the_payload_is_one_object(payload: bytes) -> None:
    head = strict_json.dumps({"alg": "ES256", "typ": "entity-statement+jwt", "kid": "a"})
    with pytest.raises(Malformed):
        parse_statement(f"{base64url.encode(head)}.{base64url.encode(payload)}.")


# --- keys and clocks ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("iat", "exp", "error"),
    [
        (AT, AT + 1, None),
        (AT + 60, AT + 70, None),
        (AT - MAX_LIFE + 1, AT + 1, None),
        (AT + 0.5, AT + 1.5, None),
        (AT + 61, AT + 70, NotYetValid),
        (AT - 9, AT, Expired),
        (AT - 9, AT + 0.5, Expired),
    ],
)
def test_when_a_statement_is_in_force(iat: float, exp: float, error: type[VcError] | None) -> None:
    statement = about(iat=iat, exp=exp)
    if error is None:
        check_statement(statement, (MIDDLE.key,), at=AT)
    else:
        with pytest.raises(error):
            check_statement(statement, (MIDDLE.key,), at=AT)


def test_a_statement_is_by_a_key_that_others_know() -> None:
    check_statement(itself(), (LEAF.key,), at=AT)
    with pytest.raises(Untrusted):
        check_statement(itself(), (MIDDLE.key,), at=AT)
    with pytest.raises(BadSignature):
        check_statement(about(), (FederationKey(MIDDLE.key.kid, OTHER.public),), at=AT)


def test_another_key_under_the_same_name() -> None:
    """The superior knows a key by this kid, and the entity publishes another one by it."""
    foreign = FederationKey(LEAF.key.kid, OTHER.public)
    with pytest.raises(Untrusted):
        check_statement(itself(), (foreign,), at=AT)
    with pytest.raises(Untrusted):
        check_statement(itself(jwks=render_jwks((foreign,))), (LEAF.key,), at=AT)


def test_algorithm_downgrade() -> None:
    """The algorithm follows from the key, whatever a header says (S4)."""
    body = Body(COURT, signer=Signer.new("ES384"))
    for alg in ("ES256", "EdDSA"):
        with pytest.raises(AlgorithmRefused):
            check_statement(parse_statement(signed(body.common(body), body.signer, alg=alg)), (body.key,), at=AT)
    check_statement(parse_statement(body.itself()), (body.key,), at=AT)


# --- for all claims -------------------------------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, AT + DAY) | st.sampled_from([COURT, COURTS, "x", MARK]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["a", "keys", "kid", "add", "value", "vct", "from"]), inner, max_size=2)
    ),
    max_leaves=6,
)
CLAIMS = st.dictionaries(
    st.sampled_from(sorted({name for claims, _ in EITHER + BY_ITSELF + BY_SUPERIOR for name in claims})), VALUES, max_size=3
)


@given(CLAIMS, st.booleans())
def test_a_statement_or_an_error(claims: dict[str, Any], by_itself: Any) -> None:
    with suppress(VcError):
        found = itself(**claims) if by_itself else about(**claims)
        assert found.iat <= found.exp <= found.iat + MAX_LIFE
        assert found.is_configuration is (found.iss == found.sub)


@given(st.text(max_size=40) | st.binary(max_size=40).map(lambda data: f"{base64url.encode(data)}.{base64url.encode(data)}."))
def test_any_text_is_a_statement_or_an_error(token: str) -> None:
    with suppress(VcError):
        parse_statement(token)
