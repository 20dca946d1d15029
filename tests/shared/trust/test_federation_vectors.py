"""The examples of OpenID Federation 1.0 itself. What they sign by RSA, or leave out of keys, is signed anew by keys of the tests."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.federation import signed
from support.signing import Signer

from shared.codec import base64url
from shared.errors import AlgorithmRefused, Malformed, VcError
from shared.jose.jws import parse_jws
from shared.trust.chain import verify_trust_chain
from shared.trust.constraints import parse_constraints
from shared.trust.federation_anchor import FederationAnchor
from shared.trust.federation_keys import FederationKey, render_jwks
from shared.trust.metadata_policy import apply, merge, parse_policy
from shared.trust.statements import EntityStatement, parse_statement
from shared.trust.trust_marks import DELEGATION_TYP, TYP, parse_delegation, parse_trust_mark

pytestmark = pytest.mark.vectors
RP = "openid_relying_party"
Examples = Callable[[int], Any]


@pytest.fixture(scope="module")
def example(vectors: Callable[[str], Path]) -> Examples:
    """By number. Texts are members of an object, or have tokens broken into lines."""
    entries = json.loads(vectors("openid-federation/spec_examples.json").read_bytes())

    def find(number: int) -> Any:
        content = entries[number]["content"]
        if not isinstance(content, str):
            return content
        joined = re.sub(r'"(eyJ[^"]*)"', lambda token: '"' + re.sub(r"\s", "", token[1]) + '"', content)
        return json.loads(joined if joined.startswith("{") else f"{{{joined}}}")

    return find


KEYS: dict[str, Signer] = {}


def key(entity: str) -> Signer:
    return KEYS.setdefault(entity, Signer.new())


def anew(claims: Mapping[str, Any], **changes: Any) -> str:
    """The same claims with a key of ours beside those of the example."""
    own = render_jwks((FederationKey.of(key(claims["sub"]).public),))["keys"]
    keys = {"keys": [*own, *claims.get("jwks", {"keys": []})["keys"]]}
    return signed({**claims, "jwks": keys, **changes}, key(claims["iss"]))


def unordered(value: Any) -> Any:
    """The order of what is computed is not defined (section 6.1.3)."""
    if isinstance(value, dict):
        return {name: unordered(each) for name, each in value.items()}
    return sorted(value) if isinstance(value, list) else value


# --- statements --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [5, 6, 17, 55, 57, 59, 61, 63, 65, 67])
def test_statements(example: Examples, number: int) -> None:
    claims = example(number)
    found = parse_statement(anew(claims))
    assert (found.iss, found.sub, found.iat, found.exp) == tuple(claims[name] for name in ("iss", "sub", "iat", "exp"))
    assert found.metadata == claims.get("metadata", {})
    assert found.metadata_policy == claims.get("metadata_policy")
    assert list(found.authority_hints) == claims.get("authority_hints", [])
    assert [each.trust_mark_type for each in found.trust_marks] == [each["trust_mark_type"] for each in claims.get("trust_marks", [])]
    assert found.source_endpoint == claims.get("source_endpoint")


def test_the_statement_of_section_3_3_demands_what_nobody_here_understands(example: Examples) -> None:
    claims = example(1)
    with pytest.raises(VcError) as caught:
        parse_statement(anew(claims))
    assert caught.value.where == "/crit"
    with pytest.raises(VcError) as caught:
        parse_statement(anew(claims, crit=None))
    assert (caught.value.code, caught.value.where) == ("metadata_policy", "/metadata_policy_crit")
    found = parse_statement(anew(claims, crit=None, metadata_policy_crit=None))
    assert found.constraints == parse_constraints({"max_path_length": 2})
    assert found.metadata_policy is not None
    assert found.metadata_policy["openid_provider"]["op_policy_uri"] == {}


@pytest.mark.parametrize(("number", "where"), [(74, "/aud"), (75, "/aud")])
def test_registrations_are_no_statements_here(example: Examples, number: int, where: str) -> None:
    """Sections 3.1.4 and 3.1.5; the response also carries ``authority_hints`` as no subordinate statement does."""
    with pytest.raises(Malformed) as caught:
        parse_statement(anew(example(number)))
    assert caught.value.where == where


@pytest.mark.parametrize("index", range(4))
def test_the_trust_chain_of_section_4_3(example: Examples, index: int) -> None:
    """It is signed by RSA. Signed anew it holds, each part of it and all of it."""
    tokens = example(3)["trust_chain"]
    with pytest.raises(AlgorithmRefused):
        parse_statement(tokens[index])
    claims = [json.loads(base64url.decode(each.split(".")[1])) for each in tokens]
    again = [anew(each) for each in claims]
    top = claims[-1]["iss"]
    anchor = FederationAnchor(entity=top, keys=(FederationKey.of(key(top).public),), name="Trial")
    chain = verify_trust_chain(again, [anchor], at=claims[0]["iat"] + 1)
    assert chain.metadata == claims[0]["metadata"]
    assert chain.exp == min(each["exp"] for each in claims)
    assert chain.statements[index] == parse_statement(again[index])


def test_members_of_configurations(example: Examples) -> None:
    issuers, owners = example(15), example(16)
    kind = "https://refeds.org/wp-content/uploads/2016/01/Sirtfi-1.0.pdf"

    def configuration(**claims: Any) -> EntityStatement:
        return parse_statement(anew(example(65), **claims))

    assert configuration(**issuers).trust_mark_issuers == {"https://openid.net/certification/op": (), kind: ("https://swamid.se",)}
    assert configuration(**owners).trust_mark_owners[kind].entity == "https://refeds.org/sirtfi"
    found = configuration(metadata=example(4))
    assert found.endpoint("federation_fetch_endpoint") == "https://amanita.caesarea.example.com/federation_fetch"


# --- policies and constraints ------------------------------------------------------------------------------------------------------------


def test_the_policy_of_section_6_1_2(example: Examples) -> None:
    assert parse_policy(example(8)["metadata_policy"]) == example(8)["metadata_policy"]


def test_the_example_of_section_6_1_5(example: Examples) -> None:
    above, below = parse_policy(example(9)["metadata_policy"]), parse_policy(example(10)["metadata_policy"])
    merged = merge(above, below)
    assert unordered(merged[RP]) == unordered(example(11))
    metadata = {RP: {**example(12)["metadata"][RP], **example(10)["metadata"][RP]}}
    assert unordered(apply(merged, metadata)[RP]) == unordered(example(13))


def test_the_chain_of_appendix_a(example: Examples) -> None:
    parts = [example(number) for number in (55, 59, 63, 67, 65)]
    top = parts[-1]["iss"]
    anchor = FederationAnchor(entity=top, keys=(FederationKey.of(key(top).public),), name="Trial")
    chain = verify_trust_chain([anew(each) for each in parts], [anchor], at=parts[0]["iat"] + 1)
    assert unordered(chain.metadata["openid_provider"]) == unordered(example(68))
    assert (chain.subject, chain.exp) == ("https://op.umu.se", 1568397247)


def test_the_policies_of_the_explicit_registration_of_appendix_a(example: Examples) -> None:
    merged = merge(parse_policy(example(70)["metadata_policy"]), parse_policy(example(71)["metadata_policy"]))
    assert unordered(apply(merged, example(72)["metadata"])) == unordered(example(73)["metadata"])


@pytest.mark.parametrize(
    ("entity", "fine"), [("https://west.example.com", True), ("https://east.example.com", False), ("https://example.com", False)]
)
def test_the_constraints_of_section_6_2(example: Examples, *, entity: str, fine: bool) -> None:
    rules = parse_constraints(example(14))
    assert rules.types == frozenset({"openid_provider", "openid_relying_party"})
    below = ["https://a.example.com", "https://b.example.com", entity]
    if fine:
        rules.check_path(below)
    for each in (below, ["https://c.example.com", *below])[fine:]:
        with pytest.raises(VcError):
            rules.check_path(each)


# --- trust marks -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [18, 19, 20, 21, 22, 23])
def test_trust_marks_live_too_long(example: Examples, number: int) -> None:
    """S14: those of section 7.4 have no end, or one after a year. Otherwise they are of the right form."""
    claims = example(number)
    with pytest.raises(Malformed) as caught:
        parse_trust_mark(signed(claims, key(claims["iss"]), typ=TYP))
    assert caught.value.where == "/exp"
    found = parse_trust_mark(signed({**claims, "exp": claims["iat"] + 86_400}, key(claims["iss"]), typ=TYP))
    assert (found.iss, found.sub, found.trust_mark_type) == (claims["iss"], claims["sub"], claims["trust_mark_type"])


def test_the_mark_with_a_delegation_of_section_7_5(example: Examples) -> None:
    claims = example(24)
    mark = parse_trust_mark(signed(claims, key(claims["iss"]), typ=TYP))
    assert mark.delegation is not None
    assert mark.delegation.jws.header == example(25)
    assert json.loads(mark.delegation.jws.payload) == example(26)
    assert (mark.delegation.iss, mark.delegation.sub) == ("https://tm_owner.example.org", "https://tmi.example.org")
    assert parse_delegation(signed(example(26), key("owner"), typ=DELEGATION_TYP)).trust_mark_type == mark.trust_mark_type


def test_the_mark_in_the_configuration_of_section_7_4(example: Examples) -> None:
    (held,) = parse_statement(anew(example(17))).trust_marks
    assert parse_jws(held.token).typ == TYP
    with pytest.raises(Malformed):
        parse_trust_mark(held.token)
