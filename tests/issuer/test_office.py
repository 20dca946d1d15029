from __future__ import annotations

import dataclasses
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.registry import Registry

from issuer.claims import check_sources
from issuer.office import chosen_types, configurations, draw_indices, reference_mac
from issuer.pages.words import grouped, spaced
from shared.clock import system_entropy
from shared.credentials import all_types
from shared.errors import ConfigError


@given(size=st.integers(min_value=1, max_value=2**24), count=st.integers(min_value=0, max_value=200))
def test_indices_are_different_and_below_size(size: int, count: int) -> None:
    drawn = draw_indices(size, count, system_entropy)
    assert len(drawn) == len(set(drawn)) <= count
    assert all(0 <= index < size for index in drawn)


def test_indices_are_uniform() -> None:
    """Ten thousand draws below 3: each third within seven standard deviations (47)."""
    counts = Counter(index for _ in range(10_000) for index in draw_indices(3, 1, system_entropy))
    assert all(abs(counts[index] - 10_000 / 3) < 7 * 47.2 for index in range(3))


def test_words_above_the_limit_are_thrown_away() -> None:
    assert draw_indices(3, 2, lambda size: b"\xff" * size) == []  # 2**32 - 1 = 3 * 1431655765 is the first beyond


def test_unknown_types_are_refused_at_start() -> None:
    with pytest.raises(ConfigError, match="unknown kinds of document: nothing"):
        chosen_types(("nothing",))
    assert chosen_types(()) == tuple(all_types().values())
    assert list(configurations(chosen_types(("representation",)))) == [
        "representation-sd-jwt",
        "representation-sd-cwt",
        "representation-mdoc",
        "representation-vc-jwt",
        "representation-vc-sd-jwt",
    ]


def test_a_register_that_is_not_connected_is_refused() -> None:
    kinds = [dataclasses.replace(each, retention="ask-register") for each in all_types().values()]
    with pytest.raises(ConfigError, match="no register is connected"):
        check_sources(kinds)
    check_sources(all_types().values())


async def test_numbers_and_references(registry: Registry) -> None:
    numbers = {registry.office.number() for _ in range(100)}
    assert len(numbers) == 100
    assert {len(number) for number in numbers} == {16}
    assert not set("".join(numbers)) & set("ILOU")
    assert spaced("0123456789ABCDEF") == "0123-4567-89AB-CDEF"
    assert grouped("12345678") == "1234 5678"
    assert grouped(None) == ""
    one = await reference_mac(registry.office, "M-7890 0400")
    assert one == await reference_mac(registry.office, " m-78900400 ")
    assert one != await reference_mac(registry.office, "M-78900401")
