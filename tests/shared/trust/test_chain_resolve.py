"""Chains looked for over a network that is down, slow, lying or endless: nothing fails open, and nothing goes on for ever."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.federation import COURT, COURTS, DAY, MINISTRY, VCT, Body, Street, Tree, critical, says, signed, statement_url
from support.signing import AT, Signer

from shared.errors import AddressRefused, BadSignature, Expired, Malformed, NotEntitled, TooLarge, Unavailable, Untrusted, VcError
from shared.flow import Fetch, Fetched, run
from shared.trust import chain
from shared.trust.chain import (
    MAX_CHAINS,
    MAX_FETCHES,
    MAX_STATEMENTS,
    TrustChain,
    answer_from,
    configuration_url,
    resolve,
    verify_trust_chain,
)
from shared.trust.federation_anchor import FederationAnchor
from shared.trust.federation_keys import render_jwks
from shared.trust.statements import MAX_BYTES, parse_statement

TREE = Tree()
LEAF, MIDDLE, TOP = TREE.bodies
OTHER = "https://registries.example"


def test_a_chain_is_found() -> None:
    street = TREE.street()
    found = street.resolve(COURT, TOP.pin())
    assert (found.subject, found.anchor.entity, len(found.statements)) == (COURT, MINISTRY, 4)
    assert street.asked == [
        f"{COURT}/.well-known/openid-federation",
        f"{COURTS}/.well-known/openid-federation",
        f"{COURTS}/fetch?sub=https%3A%2F%2Fleeds.courts.example",
        f"{MINISTRY}/.well-known/openid-federation",
        f"{MINISTRY}/fetch?sub=https%3A%2F%2Fcourts.example",
    ]


def test_an_anchor_and_those_between_are_found_too() -> None:
    assert len(TREE.street().resolve(COURTS, TOP.pin()).statements) == 3
    assert len(TREE.street().resolve(MINISTRY, TOP.pin()).statements) == 1
    assert TREE.street().resolve(COURT, MIDDLE.pin()).anchor.entity == COURTS


def test_each_fetch_is_bounded() -> None:
    asked: list[Fetch] = []

    def answer(fetch: Fetch) -> Fetched:
        asked.append(fetch)
        return TREE.street().answer(fetch)

    run(resolve(COURT, [TOP.pin()], at=AT), answer)
    assert {(each.method, each.max_bytes) for each in asked} == {("GET", MAX_BYTES)}


def test_where_a_configuration_is() -> None:
    """Section 9: a final slash goes."""
    assert configuration_url("https://a.example/b/") == "https://a.example/b/.well-known/openid-federation"
    with pytest.raises(Malformed):
        TREE.street().resolve("https://a.example?b", TOP.pin())


@pytest.mark.parametrize(
    ("url", "lie", "error"),
    [
        (configuration_url(COURT), Unavailable("down"), Unavailable),
        (configuration_url(COURT), 404, Untrusted),
        (configuration_url(COURT), 503, Unavailable),
        (configuration_url(COURT), "x", Malformed),
        (configuration_url(COURT), "\u00e9", Malformed),
        (configuration_url(COURT), TREE.middle.itself(), Untrusted),
        (configuration_url(COURT), MIDDLE.of(LEAF), Untrusted),
        (configuration_url(COURT), Body(COURT, superiors=(COURTS,)).itself(), Untrusted),
        (configuration_url(COURT), LEAF.itself(authority_hints=None), Untrusted),
        (configuration_url(COURT), LEAF.itself(more="x" * MAX_BYTES), TooLarge),
        (configuration_url(COURTS), Unavailable("slow"), Unavailable),
        (configuration_url(COURTS), AddressRefused("an internal address"), AddressRefused),
        (configuration_url(COURTS), 302, Untrusted),
        (configuration_url(COURTS), 429, Unavailable),
        (configuration_url(COURTS), TREE.top.itself(), Untrusted),
        (configuration_url(COURTS), MIDDLE.itself(metadata={}), Malformed),
        (configuration_url(COURTS), MIDDLE.itself(authority_hints=None), Untrusted),
        (statement_url(MIDDLE, LEAF), TREE.top.of(MIDDLE), Untrusted),
        (statement_url(MIDDLE, LEAF), TREE.leaf.itself(), Untrusted),
        (statement_url(MIDDLE, LEAF), TREE.top.of(LEAF), Untrusted),
        (statement_url(MIDDLE, LEAF), signed(MIDDLE.common(LEAF), LEAF.signer, kid=MIDDLE.key.kid), BadSignature),
        (statement_url(MIDDLE, LEAF), MIDDLE.of(LEAF, exp=AT), Expired),
        (configuration_url(MINISTRY), 500, Unavailable),
        (configuration_url(MINISTRY), Body(MINISTRY).itself(), Untrusted),
        (statement_url(TOP, MIDDLE), 404, Untrusted),
        (statement_url(TOP, MIDDLE), MIDDLE.of(LEAF), Untrusted),
    ],
)
def test_one_body_that_is_down_or_lies(url: str, lie: str | int | Exception, error: type[VcError]) -> None:
    """Down, slow, lying, serving another entity's statement, oversized, redirecting to an internal address, out of date."""
    street = TREE.street()
    street.lies[url] = lie
    with pytest.raises(error) as caught:
        street.resolve(COURT, TOP.pin())
    assert type(caught.value) is error


def test_what_is_no_error_of_ours_ends_the_search() -> None:
    street = TREE.street()
    street.lies[configuration_url(COURTS)] = RuntimeError("a bug")
    with pytest.raises(RuntimeError):
        street.resolve(COURT, TOP.pin())


# --- several ways up ---------------------------------------------------------------------------------------------------------------------


def two_ways() -> tuple[Street, Body, Body]:
    """The court also lies below another anchor, directly; only that one lets it say ``urn:other``."""
    other = Body(OTHER, about={COURT: critical(entitlements=[says("urn:other", since=AT - 2 * DAY)])})
    leaf = Body(COURT, signer=LEAF.signer, superiors=(COURTS, OTHER), metadata=LEAF.metadata)
    return Street([leaf, MIDDLE, TOP, other]), leaf, other


def test_the_first_way_that_holds_is_taken() -> None:
    street, leaf, other = two_ways()
    assert street.resolve(COURT, TOP.pin(), other.pin()).anchor.entity == MINISTRY
    assert configuration_url(OTHER) not in street.asked
    assert street.resolve(COURT, other.pin()).anchor.entity == OTHER
    leaf.superiors = (OTHER, COURTS)
    assert street.resolve(COURT, TOP.pin(), other.pin()).anchor.entity == OTHER


def test_the_way_that_entitles_is_looked_for() -> None:
    street, _, other = two_ways()
    pins = (TOP.pin(), other.pin())
    assert street.resolve(COURT, *pins, vct=VCT).anchor.entity == MINISTRY
    assert street.resolve(COURT, *pins, vct="urn:other").anchor.entity == OTHER
    assert street.resolve(COURT, *pins, vct="urn:other", made_at=AT - 9 * DAY).anchor.entity == MINISTRY
    nobody = street.resolve(COURT, *pins, vct="urn:nobody")
    assert nobody.anchor.entity == MINISTRY
    with pytest.raises(NotEntitled):
        nobody.check_entitled("urn:nobody", AT)


@pytest.mark.parametrize("lie", [Unavailable("down"), 404, "x", Body(OTHER).itself()])
def test_one_way_that_is_closed_leaves_the_other_open(lie: Any) -> None:
    street, leaf, other = two_ways()
    leaf.superiors = (OTHER, COURTS)
    street.lies[configuration_url(OTHER)] = lie
    assert street.resolve(COURT, TOP.pin(), other.pin()).anchor.entity == MINISTRY


def test_two_superiors_that_know_different_keys() -> None:
    """One knows another key of the court than the court has: that way is closed; if both do, there is none."""
    street, leaf, other = two_ways()
    wrong = {"jwks": render_jwks((Body(COURT).key,))}
    leaf.superiors = (OTHER, COURTS)
    street.lies[statement_url(other, leaf)] = other.of(leaf, **wrong)
    assert street.resolve(COURT, TOP.pin(), other.pin()).anchor.entity == MINISTRY
    street.lies[statement_url(MIDDLE, leaf)] = MIDDLE.of(leaf, **wrong)
    with pytest.raises(Untrusted) as caught:
        street.resolve(COURT, TOP.pin(), other.pin())
    assert caught.value.where == "/0/kid"


def test_the_error_of_the_way_that_came_closest() -> None:
    """Of a chain that leads to an anchor, before silence on the way, before a refusal on the way."""
    street, leaf, other = two_ways()
    pins = (TOP.pin(), other.pin())
    street.lies[configuration_url(COURTS)] = 404
    street.lies[configuration_url(OTHER)] = Unavailable("down")
    with pytest.raises(Unavailable):
        street.resolve(COURT, *pins)
    del street.lies[configuration_url(OTHER)]
    street.lies[configuration_url(COURTS)] = Unavailable("down")
    street.lies[statement_url(other, leaf)] = other.of(leaf, exp=AT)
    with pytest.raises(Expired):
        street.resolve(COURT, *pins)
    street.lies = {configuration_url(OTHER): 404, configuration_url(MINISTRY): "x"}
    with pytest.raises(Malformed):
        street.resolve(COURT, *pins)


def test_an_anchor_may_lie_below_another() -> None:
    """Section 4.1: the nearer one does not hold, the higher one does."""
    lost = FederationAnchor(entity=COURTS, keys=(Body(COURTS).key,), name="An old key")
    assert TREE.street().resolve(COURT, lost, TOP.pin()).anchor.entity == MINISTRY


# --- ways without an end -----------------------------------------------------------------------------------------------------------------


def test_a_loop_is_not_followed() -> None:
    one, two = (
        Body(f"https://{name}.example", superiors=(f"https://{other}.example",)) for name, other in (("one", "two"), ("two", "one"))
    )
    street = Street([one, two])
    with pytest.raises(Untrusted):
        street.resolve(one.entity, TOP.pin())
    assert len(street.asked) == 3
    alone = Body("https://alone.example", superiors=("https://alone.example",))
    with pytest.raises(Untrusted):
        Street([alone]).resolve(alone.entity, TOP.pin())


def test_a_loop_below_an_anchor_does_not_hide_it() -> None:
    middle = Body(COURTS, signer=MIDDLE.signer, superiors=(COURT, COURTS, MINISTRY))
    assert Street([LEAF, middle, TOP]).resolve(COURT, TOP.pin()).anchor.entity == MINISTRY


def ladder(levels: int) -> tuple[Street, Body, Body]:
    bodies = [Body(f"https://{index}.example", superiors=(f"https://{index + 1}.example",)) for index in range(levels)]
    bodies[-1].superiors = ()
    return Street(bodies), bodies[0], bodies[-1]


def test_a_chain_one_too_long() -> None:
    street, bottom, top = ladder(MAX_STATEMENTS - 1)
    assert len(street.resolve(bottom.entity, top.pin()).statements) == MAX_STATEMENTS
    street, bottom, top = ladder(MAX_STATEMENTS)
    with pytest.raises(TooLarge):
        street.resolve(bottom.entity, top.pin())


class Endless:
    """Each body names sixteen superiors that nobody has heard of, each of which answers."""

    def __init__(self) -> None:
        self.signer = Signer.new()
        self.asked = 0

    def answer(self, fetch: Fetch) -> Fetched:
        self.asked += 1
        entity = fetch.url.removesuffix("/.well-known/openid-federation").partition("/fetch?")[0]
        body = Body(entity, signer=self.signer, superiors=tuple(f"https://{self.asked}.{each}.example" for each in range(16)))
        if "/fetch?" not in fetch.url:
            return Fetched(status=200, body=body.itself().encode())
        sub = Body(fetch.url.partition("?sub=")[2].replace("%3A", ":").replace("%2F", "/"), signer=self.signer)
        return Fetched(status=200, body=body.of(sub).encode())


def test_a_search_ends() -> None:
    endless = Endless()
    with pytest.raises(TooLarge):
        run(resolve("https://start.example", [TOP.pin()], at=AT), endless.answer)
    assert endless.asked == MAX_FETCHES


@pytest.mark.parametrize("bound", [MAX_CHAINS, 5])
def test_not_every_one_of_many_chains_is_judged(monkeypatch: pytest.MonkeyPatch, bound: int) -> None:
    """Three bodies a level, each below all of the next: 27 ways to an anchor whose pinned key is another."""
    levels = [[Body(f"https://{level}-{index}.example") for index in range(3)] for level in range(4)]
    for lower, upper in pairwise(levels):
        for each in lower:
            each.superiors = tuple(above.entity for above in upper)
    for each in levels[-1]:
        each.superiors = (MINISTRY,)
    judged: list[Sequence[object]] = []

    def judge(tokens: Sequence[object], anchors: Iterable[FederationAnchor], *, at: int) -> TrustChain:
        judged.append(tokens)
        return verify_trust_chain(tokens, anchors, at=at)

    monkeypatch.setattr(chain, "verify_trust_chain", judge)
    monkeypatch.setattr(chain, "MAX_CHAINS", bound)
    wrong = FederationAnchor(entity=MINISTRY, keys=(Body(MINISTRY).key,), name="Trial")
    with pytest.raises(Untrusted):
        Street([*(each for level in levels for each in level), TOP]).resolve("https://0-0.example", wrong)
    assert len(judged) == min(27, bound)


# --- out of a store ----------------------------------------------------------------------------------------------------------------------


def everything() -> list[str]:
    return [LEAF.itself(), MIDDLE.itself(), TOP.itself(), MIDDLE.of(LEAF), TOP.of(MIDDLE)]


def from_store(tokens: list[str], *anchors: FederationAnchor) -> tuple[str, ...]:
    return run(resolve(COURT, anchors or [TOP.pin()], at=AT), answer_from([parse_statement(each) for each in tokens])).tokens


def test_a_store_answers_as_the_network_does() -> None:
    tokens = everything()
    assert from_store(tokens) == (tokens[0], tokens[3], tokens[4], tokens[2])


def test_of_two_statements_the_newer_one_answers() -> None:
    tokens = everything()
    for older in (MIDDLE.of(LEAF, iat=AT - 61), MIDDLE.of(LEAF, iat=AT - 3600, exp=AT - 60)):
        assert from_store([older, *tokens]) == from_store([*tokens, older]) == from_store(tokens)


@pytest.mark.parametrize("missing", range(5))
def test_what_a_store_does_not_hold_is_not_known(missing: int) -> None:
    tokens = everything()
    del tokens[missing]
    with pytest.raises(Unavailable):
        from_store(tokens)


def test_a_statement_that_nobody_could_ask_for_is_left_out() -> None:
    tokens = [LEAF.itself(), MIDDLE.itself(metadata={}), TOP.itself(), MIDDLE.of(LEAF), TOP.of(MIDDLE)]
    with pytest.raises(Malformed):
        from_store(tokens)


STORE = everything()


@given(st.permutations(range(5)))
def test_the_order_of_a_store_does_not_matter(order: list[int]) -> None:
    assert from_store([STORE[each] for each in order]) == (STORE[0], STORE[3], STORE[4], STORE[2])
