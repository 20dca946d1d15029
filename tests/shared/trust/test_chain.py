from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.federation import COURT, COURTS, DAY, MINISTRY, VCT, Body, Tree, critical, says, signed
from support.signing import AT, Signer

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
from shared.trust.chain import MAX_STATEMENTS, TrustChain, verify_trust_chain
from shared.trust.entitlements import Entitlement
from shared.trust.federation_anchor import FederationAnchor
from shared.trust.federation_keys import FederationKey, render_jwks

TREE = Tree()
LEAF, MIDDLE, TOP = TREE.bodies
ISSUER = "openid_credential_issuer"
STRANGER = Body("https://stranger.example")


def refused(error: type[VcError], where: str, **bent: str) -> None:
    with pytest.raises(error) as caught:
        TREE.chain(**bent)
    assert (type(caught.value), caught.value.where) == (error, where)


def tall(levels: int) -> tuple[list[str], FederationAnchor]:
    """A chain of so many bodies."""
    bodies = [Body(f"https://{index}.example", superiors=(f"https://{index + 1}.example",)) for index in range(levels)]
    return [bodies[0].itself(), *(upper.of(lower) for lower, upper in pairwise(bodies)), bodies[-1].itself()], bodies[-1].pin()


def test_a_chain_holds() -> None:
    chain = TREE.chain()
    assert (chain.subject, chain.anchor.entity, chain.keys, chain.exp) == (COURT, MINISTRY, (LEAF.key,), AT + DAY)
    assert chain.metadata[ISSUER] == {"display": ["Leeds"]}
    assert chain.entitlements == (Entitlement(vct=VCT, since=AT - 9 * DAY),)
    assert (chain.may_register, chain.trust_marks) == ((), ())
    assert verify_trust_chain(chain.tokens, [STRANGER.pin(), TOP.pin()], at=AT) == chain


def test_the_anchors_configuration_may_be_missing() -> None:
    """Section 4."""
    assert verify_trust_chain(TREE.tokens()[:-1], [TOP.pin()], at=AT).metadata == TREE.chain().metadata


def test_its_end_is_the_first_end_of_all() -> None:
    """Section 10.4."""
    for bent in ({"leaf": LEAF.itself(exp=AT + 9)}, {"about_middle": TOP.of(MIDDLE, exp=AT + 9)}, {"top": TOP.itself(exp=AT + 9)}):
        assert TREE.chain(**bent).exp == AT + 9


def test_an_anchor_is_a_chain_of_its_own() -> None:
    """Nobody is above it: it may say what its pin names, and nothing where the pin names nothing."""
    own = verify_trust_chain([TOP.itself()], [TOP.pin(vcts=(VCT,))], at=AT)
    assert (own.subject, own.keys, own.entitlements) == (MINISTRY, (TOP.key,), (Entitlement(vct=VCT, since=0),))
    assert own.metadata["federation_entity"]["organization_name"] == MINISTRY
    assert verify_trust_chain([TOP.itself()], [TOP.pin()], at=AT).entitlements == ()


# --- who speaks of whom ------------------------------------------------------------------------------------------------------------------


def test_a_chain_one_too_long() -> None:
    tokens, anchor = tall(MAX_STATEMENTS - 1)
    assert len(tokens) == MAX_STATEMENTS
    assert verify_trust_chain(tokens, [anchor], at=AT).exp == AT + DAY
    tokens, anchor = tall(MAX_STATEMENTS)
    with pytest.raises(TooLarge):
        verify_trust_chain(tokens, [anchor], at=AT)


@pytest.mark.parametrize(
    "tokens",
    [
        [MIDDLE.of(LEAF), TOP.of(MIDDLE), TOP.itself()],
        [LEAF.itself(), MIDDLE.itself(), TOP.of(MIDDLE), TOP.itself()],
        [LEAF.itself(), LEAF.itself()],
        [TOP.itself(), TOP.itself()],
        [LEAF.itself(), MIDDLE.of(LEAF), MIDDLE.itself(), TOP.of(MIDDLE), TOP.itself()],
        [LEAF.itself(), TOP.itself()],
        [LEAF.itself(), TOP.of(MIDDLE), TOP.itself()],
        [LEAF.itself(), MIDDLE.of(LEAF), TOP.itself()],
        [LEAF.itself(), TOP.of(MIDDLE), MIDDLE.of(LEAF), TOP.itself()],
        [LEAF.itself()],
        [LEAF.itself(), MIDDLE.of(LEAF)],
    ],
)
def test_statements_that_do_not_follow_each_other(tokens: list[str]) -> None:
    with pytest.raises(Untrusted):
        verify_trust_chain(tokens, [TOP.pin()], at=AT)


def test_a_loop() -> None:
    again = Body(COURT, signer=LEAF.signer, superiors=(COURTS,))
    tokens = [again.itself(), MIDDLE.of(again), again.of(MIDDLE), MIDDLE.of(again), TOP.of(MIDDLE)]
    with pytest.raises(Untrusted, match="comes back"):
        verify_trust_chain(tokens, [TOP.pin()], at=AT)


def test_subject_spoofing() -> None:
    """A body shows another's configuration, names itself as another, or is spoken of by one that is not its superior."""
    impostor = Body(COURT, superiors=(COURTS,))
    refused(Untrusted, "/0/kid", leaf=impostor.itself())
    refused(Untrusted, "/1/sub", about_leaf=MIDDLE.of(STRANGER))
    refused(Untrusted, "/1/sub", leaf=STRANGER.itself(authority_hints=[COURTS]))
    refused(Untrusted, "/0/authority_hints", leaf=LEAF.itself(authority_hints=[MINISTRY]))
    refused(Untrusted, "/0/authority_hints", leaf=LEAF.itself(authority_hints=None))


def test_an_anchor_is_pinned_with_its_keys() -> None:
    for anchors in ([], [STRANGER.pin()]):
        with pytest.raises(Untrusted):
            verify_trust_chain(TREE.tokens(), anchors, at=AT)
    other = FederationAnchor(entity=MINISTRY, keys=(STRANGER.key,), name="Trial")
    with pytest.raises(Untrusted) as caught:
        verify_trust_chain(TREE.tokens(), [other], at=AT)
    assert caught.value.where == "/2/kid"
    forged = FederationAnchor(entity=MINISTRY, keys=(FederationKey(TOP.key.kid, Signer.new().public),), name="Trial")
    with pytest.raises(BadSignature) as forgery:
        verify_trust_chain(TREE.tokens(), [forged], at=AT)
    assert forgery.value.where == "/2"


def test_a_key_that_the_anchor_publishes_but_nobody_pinned_signs_nothing() -> None:
    """S17, where section 10.2 would take it."""
    fresh = Signer.new()
    published = render_jwks((TOP.key, FederationKey.of(fresh.public)))
    refused(Untrusted, "/2/kid", top=TOP.itself(jwks=published), about_middle=signed(TOP.common(MIDDLE), fresh))


def test_a_pinned_key_that_the_anchor_has_taken_back_signs_nothing() -> None:
    fresh = Body(MINISTRY)
    both = FederationAnchor(entity=MINISTRY, keys=(TOP.key, fresh.key), name="Trial")
    with pytest.raises(Untrusted) as caught:
        verify_trust_chain(TREE.tokens(top=fresh.itself()), [both], at=AT)
    assert caught.value.where == "/2/kid"
    mixed = fresh.itself(jwks=render_jwks((FederationKey(TOP.key.kid, Signer.new().public), fresh.key)))
    with pytest.raises(Untrusted, match="publishes another key"):
        verify_trust_chain(TREE.tokens(top=mixed), [both], at=AT)


# --- what each statement is --------------------------------------------------------------------------------------------------------------


def test_a_statement_is_at_fault_by_its_place() -> None:
    refused(WrongTyp, "/1/typ", about_leaf=signed(MIDDLE.common(LEAF), MIDDLE.signer, typ="JWT"))
    refused(Malformed, "/2/crit", about_middle=TOP.of(MIDDLE, crit=["jti"], jti="1"))
    refused(Malformed, "/1/jwks/keys/1/kid", about_leaf=MIDDLE.of(LEAF, jwks={"keys": render_jwks((LEAF.key,))["keys"] * 2}))
    refused(AlgorithmRefused, "/2/alg", about_middle=signed(TOP.common(MIDDLE), TOP.signer, alg="HS256"))
    refused(AlgorithmRefused, "/2", about_middle=signed(TOP.common(MIDDLE), TOP.signer, alg="ES384"))
    refused(BadSignature, "/1", about_leaf=signed(MIDDLE.common(LEAF), LEAF.signer, kid=MIDDLE.key.kid))
    refused(NotEntitled, "/0/entitlements", leaf=LEAF.itself(**critical(entitlements=[says()])))


@pytest.mark.parametrize("place", range(4))
def test_expired_in_the_middle(place: int) -> None:
    for times, error, member in (({"exp": AT}, Expired, "exp"), ({"iat": AT + 61}, NotYetValid, "iat")):
        makes = (LEAF.itself, lambda **claims: MIDDLE.of(LEAF, **claims), lambda **claims: TOP.of(MIDDLE, **claims), TOP.itself)
        name = ("leaf", "about_leaf", "about_middle", "top")[place]
        refused(error, f"/{place}/{member}", **{name: makes[place](**times)})


@pytest.mark.parametrize("tokens", [[], [None], [7], [{}], ["x"], [["x"]]])
def test_what_is_no_chain(tokens: list[Any]) -> None:
    with pytest.raises(Malformed):
        verify_trust_chain(tokens, [TOP.pin()], at=AT)


def test_key_reuse_between_entities() -> None:
    shared = Body(COURT, signer=MIDDLE.signer, superiors=(COURTS,))
    refused(Untrusted, "/2/jwks", leaf=shared.itself(), about_leaf=MIDDLE.of(shared))
    also = render_jwks((LEAF.key, FederationKey("theirs", TOP.signer.public)))
    refused(Untrusted, "/0/jwks", leaf=LEAF.itself(jwks=also))
    refused(Untrusted, "/1/jwks", about_leaf=MIDDLE.of(LEAF, jwks=also))


# --- what superiors demand ---------------------------------------------------------------------------------------------------------------


def test_the_direct_superior_supplies_metadata() -> None:
    """Section 3.1.1: for entity types that the subject has, and not for those below it."""
    supplied = MIDDLE.of(LEAF, metadata={ISSUER: {"display": ["Leeds County Court"], "more": 1}, "openid_provider": {"a": 1}})
    chain = TREE.chain(about_leaf=supplied, about_middle=TOP.of(MIDDLE, metadata={ISSUER: {"display": ["Nobody's"]}}))
    assert chain.metadata[ISSUER] == {"display": ["Leeds County Court"], "more": 1}
    assert set(chain.metadata) == {"federation_entity", ISSUER}


def test_metadata_then_constraints_then_policies() -> None:
    """Sections 6.1.4.2 and 6.2.3; a policy holds for what was supplied too."""
    policy = {ISSUER: {"display": {"value": ["Court"]}}, "federation_entity": {"contacts": {"add": ["a@justice.example"]}}}
    below = {
        "metadata": {ISSUER: {"display": ["x"]}},
        "metadata_policy": {"federation_entity": {"contacts": {"add": ["b@courts.example"]}}},
    }
    chain = TREE.chain(about_leaf=MIDDLE.of(LEAF, **below), about_middle=TOP.of(MIDDLE, metadata_policy=policy))
    assert chain.metadata[ISSUER] == {"display": ["Court"]}
    assert chain.metadata["federation_entity"]["contacts"] == ["a@justice.example", "b@courts.example"]
    taken = TREE.chain(about_middle=TOP.of(MIDDLE, metadata_policy=policy, constraints={"allowed_entity_types": []}))
    assert set(taken.metadata) == {"federation_entity"}


def test_two_superiors_that_disagree() -> None:
    """Section 6.1.1: the chain is invalid."""
    above, below = ({"metadata_policy": {ISSUER: {"display": {"value": [word]}}}} for word in ("one", "other"))
    refused(PolicyError, f"/{ISSUER}/display/value", about_leaf=MIDDLE.of(LEAF, **below), about_middle=TOP.of(MIDDLE, **above))
    missing = {ISSUER: {"contacts": {"essential": True}}}
    refused(PolicyError, f"/{ISSUER}/contacts", about_middle=TOP.of(MIDDLE, metadata_policy=missing))


def test_policies_that_together_empty_a_parameter() -> None:
    above, below = ({"metadata_policy": {ISSUER: {"display": {"subset_of": [word]}}}} for word in ("Leeds", "York"))
    assert TREE.chain(about_middle=TOP.of(MIDDLE, **above)).metadata[ISSUER] == {"display": ["Leeds"]}
    refused(PolicyError, f"/{ISSUER}/display", about_leaf=MIDDLE.of(LEAF, **below), about_middle=TOP.of(MIDDLE, **above))


@pytest.mark.parametrize(
    ("constraints", "where"),
    [
        ({"max_path_length": 0}, "/max_path_length"),
        ({"naming_constraints": {"permitted": [".courts.example"]}}, "/naming_constraints/permitted"),
        ({"naming_constraints": {"excluded": [".courts.example"]}}, "/naming_constraints/excluded"),
    ],
)
def test_constraints(constraints: dict[str, Any], where: str) -> None:
    """Of the anchor; the nearer superior, of whom less lies below, may set the same."""
    refused(Untrusted, f"/2/constraints{where}", about_middle=TOP.of(MIDDLE, constraints=constraints))
    if "excluded" not in where:
        TREE.chain(about_leaf=MIDDLE.of(LEAF, constraints=constraints))


# --- what superiors grant ----------------------------------------------------------------------------------------------------------------


def granted(*, below: dict[str, Any], above: dict[str, Any], **pin: Any) -> TrustChain:
    tokens = [
        LEAF.itself(),
        signed(MIDDLE.common(LEAF) | below, MIDDLE.signer),
        signed(TOP.common(MIDDLE) | above, TOP.signer),
        TOP.itself(),
    ]
    return verify_trust_chain(tokens, [TOP.pin(**pin)], at=AT)


def test_a_superior_that_is_silent_grants_nothing() -> None:
    """S14, at either level."""
    own, frame = critical(entitlements=[says()]), critical(accredits=[says()])
    assert granted(below=own, above=frame).check_entitled(VCT, AT) == Entitlement(vct=VCT, since=AT - 9 * DAY)
    for below, above in (({}, frame), (own, {}), (frame, frame), (own, own), (own, critical(accredits=[says("urn:other")]))):
        with pytest.raises(NotEntitled):
            granted(below=below, above=above).check_entitled(VCT, AT)


def test_each_level_narrows_the_time() -> None:
    chain = granted(below=critical(entitlements=[says(since=AT - DAY)]), above=critical(accredits=[says(since=AT - 9 * DAY, until=AT)]))
    assert chain.check_entitled(VCT, AT - 1).until == AT
    for made_at in (AT - DAY - 1, AT):
        with pytest.raises(NotEntitled):
            chain.check_entitled(VCT, made_at)


def test_the_pin_narrows_the_types() -> None:
    own, frame = critical(entitlements=[says()]), critical(accredits=[says()])
    assert granted(below=own, above=frame, vcts=(VCT,)).entitlements
    assert not granted(below=own, above=frame, vcts=("urn:other",)).entitlements


def test_who_registers_those_who_ask() -> None:
    own, frame = critical(may_register=["GB", "FR"]), critical(accredits_registrars=["GB"])
    assert granted(below=own, above=frame).may_register == ("GB",)
    assert granted(below=own, above={}).may_register == ()


# --- for all chains ----------------------------------------------------------------------------------------------------------------------

PARTS = [
    LEAF.itself(),
    MIDDLE.of(LEAF),
    TOP.of(MIDDLE),
    TOP.itself(),
    MIDDLE.itself(),
    TOP.of(LEAF),
    STRANGER.itself(),
    STRANGER.of(LEAF),
    LEAF.of(MIDDLE),
]
GOOD = ([0, 1, 2, 3], [0, 1, 2], [4, 2, 3], [4, 2], [3])


@given(st.lists(st.integers(0, len(PARTS) - 1), max_size=6) | st.sampled_from(GOOD))
def test_only_the_chains_that_lead_to_the_anchor_hold(picks: list[int]) -> None:
    """``TOP.of(LEAF)`` leads there too, but the court does not name the ministry as its superior."""
    try:
        verify_trust_chain([PARTS[each] for each in picks], [TOP.pin()], at=AT)
    except VcError:
        assert picks not in GOOD
    else:
        assert picks in GOOD


@given(st.integers(0, 3), st.integers(0, 600), st.integers(0, 255))
def test_a_changed_byte_breaks_a_chain(place: int, at: int, byte: int) -> None:
    tokens = TREE.tokens()
    token = tokens[place].encode()
    at %= len(token)
    tokens[place] = (token[:at] + bytes([byte]) + token[at + 1 :]).decode("latin-1")
    if tokens[place].encode("latin-1") == token:
        return
    with suppress(VcError):
        verify_trust_chain(tokens, [TOP.pin()], at=AT)
        pytest.fail("a chain with a changed byte holds")
