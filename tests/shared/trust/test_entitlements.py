from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Malformed, TooLarge, VcError
from shared.trust.entitlements import MAX_ENTRIES, Entitlement, Grants, narrow, parse_grants, render_grants

A, B = "urn:a", "urn:b"


def may(vct: str = A, since: int = 10, until: int | None = None, **limits: Any) -> Entitlement:
    return Entitlement(vct=vct, since=since, until=until, **limits)


@pytest.mark.parametrize(
    ("granted", "accredited", "left"),
    [
        ([may()], [may()], [may()]),
        ([may()], [], []),
        ([may()], [may(B)], []),
        ([may(since=5, until=20)], [may(since=10, until=15)], [may(since=10, until=15)]),
        ([may(since=10, until=15)], [may(since=5, until=20)], [may(since=10, until=15)]),
        ([may(since=10)], [may(since=5, until=20)], [may(since=10, until=20)]),
        ([may(since=5, until=20)], [may(since=10)], [may(since=10, until=20)]),
        ([may(since=5, until=10)], [may(since=10, until=15)], []),
        ([may(since=10)], [may(since=5, until=10)], []),
        ([may(since=0)], [may(since=1, until=2), may(since=3, until=4)], [may(since=1, until=2), may(since=3, until=4)]),
        (
            [may(jurisdiction=("GB",), attestation_basis=("seen",))],
            [may(since=12)],
            [may(since=12, jurisdiction=("GB",), attestation_basis=("seen",))],
        ),
        ([may()], [may(jurisdiction=("GB",))], [may(jurisdiction=("GB",))]),
        ([may(jurisdiction=("GB-SCT", "GB-ENG"))], [may(jurisdiction=("GB-ENG", "GB-WLS"))], [may(jurisdiction=("GB-ENG",))]),
        ([may(jurisdiction=("GB-SCT",))], [may(jurisdiction=("GB-ENG",))], []),
        ([may(attestation_basis=("seen",))], [may(attestation_basis=("told",))], []),
    ],
)
def test_a_grant_reaches_no_further_than_its_maker_s(
    granted: list[Entitlement], accredited: list[Entitlement], left: list[Entitlement]
) -> None:
    assert list(narrow(granted, accredited)) == left


def test_all_levels_narrow() -> None:
    own = Grants(entitlements=(may(A), may(B)), may_register=("GB", "FR"))
    above = Grants(accredits=(may(A, since=20),), entitlements=(may(B),), accredits_registrars=("GB", "DE"), may_register=("FR",))
    assert own.narrowed(above) == Grants(entitlements=(may(A, since=20),), may_register=("GB",))
    assert own.narrowed(Grants()) == Grants()
    assert own.within(None) == own
    assert own.within([B]) == Grants(entitlements=(may(B),), may_register=("GB", "FR"))


@pytest.mark.parametrize(("at", "inside"), [(9, False), (10, True), (19, True), (20, False)])
def test_when_a_grant_holds(*, at: int, inside: bool) -> None:
    assert may(until=20).covers(at) is inside
    assert may().covers(at) is (at >= 10)


WHOLE = Grants(
    entitlements=(may(), may(A, 20, 30, jurisdiction=("GB-ENG",), attestation_basis=("inspection",))),
    accredits=(may(A, 1, 5), may(A, 5, jurisdiction=("GB-ENG",), attestation_basis=("inspection",)), may(B)),
    may_register=("GB",),
    accredits_registrars=("GB", "FR"),
)


def test_grants_are_read_back_to_the_same_value() -> None:
    claims = render_grants(WHOLE)
    assert parse_grants(claims) == WHOLE
    assert claims["crit"] == ["entitlements", "accredits", "may_register", "accredits_registrars"]
    assert render_grants(Grants()) == {}
    assert parse_grants({}) == Grants()


@pytest.mark.parametrize(
    ("claims", "where"),
    [
        ({"entitlements": []}, "/entitlements"),
        ({"entitlements": [{}]}, "/entitlements/0/from"),
        ({"entitlements": [{"from": 1}]}, "/entitlements/0/vct"),
        ({"entitlements": [{"vct": A, "from": 2, "until": 2}]}, "/entitlements/0/until"),
        ({"entitlements": [{"vct": A, "from": 2, "until": None}]}, "/entitlements/0/until"),
        ({"entitlements": [{"vct": A, "from": 1, "only_on": "Mondays"}]}, "/entitlements/0"),
        ({"entitlements": [{"vct": A, "from": 1, "jurisdiction": []}]}, "/entitlements/0/jurisdiction"),
        ({"accredits": [{"vct": A, "from": 1, "only_on": "Mondays"}]}, "/accredits/0"),
        ({"accredits": [{"vct": A, "from": 1}, {"vct": A, "from": 2}]}, "/accredits"),
        ({"accredits": [{"vct": A, "from": 5}, {"vct": A, "from": 2, "until": 6}]}, "/accredits"),
        ({"may_register": []}, "/may_register"),
        ({"may_register": True}, "/may_register"),
        ({"accredits_registrars": [1]}, "/accredits_registrars/0"),
    ],
)
def test_grants_of_another_form(claims: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_grants(claims)
    assert caught.value.where == where


def test_too_many_grants() -> None:
    with pytest.raises(TooLarge):
        parse_grants({"entitlements": [{"vct": A, "from": 1}] * (MAX_ENTRIES + 1)})


TIMES = st.integers(0, 9)
SPANS = st.builds(
    lambda vct, since, length: may(vct, since, None if length is None else since + length),
    st.sampled_from([A, B]),
    TIMES,
    st.none() | st.integers(1, 5),
)


@given(st.lists(SPANS, max_size=5), st.lists(SPANS, max_size=5), st.sampled_from([A, B]), TIMES)
def test_narrowed_is_both_at_every_moment(granted: list[Entitlement], accredited: list[Entitlement], vct: str, at: int) -> None:
    def says(entries: Any) -> bool:
        return any(each.vct == vct and each.covers(at) for each in entries)

    assert says(narrow(granted, accredited)) == (says(granted) and says(accredited))


VALUES = st.none() | st.integers(-1, 9) | st.text(max_size=2) | st.lists(st.text(max_size=2), max_size=2)
ENTRIES = st.lists(st.dictionaries(st.sampled_from(["vct", "from", "until", "jurisdiction", "attestation_basis", "x"]), VALUES), max_size=2)
CLAIMS = st.dictionaries(st.sampled_from(["entitlements", "accredits", "may_register", "accredits_registrars"]), ENTRIES | VALUES)


@given(CLAIMS)
def test_grants_or_an_error(claims: dict[str, Any]) -> None:
    with suppress(VcError):
        found = parse_grants(claims)
        assert parse_grants(render_grants(found)) == found
