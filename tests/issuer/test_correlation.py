"""What copies of one document have in common, over hundreds of presentations and ten thousand issued copies (domain checks T-CO)."""

from __future__ import annotations

import itertools
from collections import Counter
from functools import partial

import pytest
from support.long_values import decoded
from support.page_texts import ROOT
from support.registry import LPA_1, Holder, Registry, collect

from issuer import issue
from issuer.clients import Access
from issuer.office import digest
from issuer.records import statuses
from shared.clock import DAY, system_entropy
from shared.codec import base64url
from shared.credentials import by_id
from shared.credentials._derive import path_in
from shared.formats import Binding, formats
from shared.keys import KeyId
from shared.storage import Tx

BODIES = ("a:https://anytown-bc.example", "a:https://northwold-bank.example")
FORMS = {"representation-sd-jwt": "dc+sd-jwt", "representation-sd-cwt": "dc+sd-cwt"}
SHOWN = (("represented", "given_name"), ("represented", "family_name"))
"""A short name, so that nothing of 16 bytes is shown on purpose."""
ONE_IN_A_BILLION = 215.0  # chi-square with 99 degrees of freedom goes beyond, and less often


async def presentations(holder: Holder, configuration: str, count: int) -> list[set[bytes]]:
    """The long values of ``count`` presentations, each of a copy of its own, to the two bodies in turn."""
    form = formats()[FORMS[configuration]]
    found: list[set[bytes]] = []
    while len(found) < count:
        for wire in (await holder.copies(20, configuration)).credentials:
            parsed = form.parse(wire)
            shown = form.disclose(parsed, [path_in(by_id("representation"), each, form.name) for each in SHOWN])
            binding = Binding(audience=BODIES[len(found) % 2], nonce=base64url.encode(system_entropy(16)))
            key = holder.keys[len(found) % 20]
            found.append(decoded(form.name, key.finish(form.present(shown, binding, key=KeyId("k"), at=holder.registry.clock()))))
    return found


@pytest.mark.parametrize("configuration", FORMS)
async def test_t_co_1_two_hundred_presentations_share_only_what_the_issuer_says_to_all(registry: Registry, configuration: str) -> None:
    mine = await presentations(await collect(registry, await registry.make()), configuration, 200)
    other = LPA_1 | {"represented": {"given_name": "Amy", "family_name": "Ashdown", "birthdate": "1941-02-03"}}
    theirs = set().union(*await presentations(await collect(registry, await registry.make(claims=other)), configuration, 20))
    one, two = set().union(*mine[0::2]), set().union(*mine[1::2])
    for body, seen in zip(BODIES, (one, two), strict=True):
        assert any(body.encode() in value for value in seen)
    assert len(one) > 500
    assert one & two - theirs == set()


async def take(tx: Tx, *, view: issue.View, expires_at: int) -> None:
    await statuses.reserve(tx, view.list.id, view.free, document=None, delivery=None, value=0, expires_at=expires_at)


async def test_t_co_2_indices_are_spread_evenly_and_never_in_a_row(registry: Registry) -> None:
    """Ten thousand copies take their places as deliveries do: chi-square over a hundred parts of the list, at less than one in a billion."""
    holder = await collect(registry, await registry.make())
    access = Access(digest=digest("access", holder.token.access_token))
    drawn: list[int] = []
    size = 0
    for _ in range(500):
        view = await issue._look(registry.office, access, 20, registry.clock())
        await registry.office.storage.write(partial(take, view=view, expires_at=registry.clock() + DAY))
        drawn += view.free
        size = view.list.size
    assert len(set(drawn)) == 10_000
    parts = Counter(index * 100 // size for index in drawn)
    expected = len(drawn) / 100
    chi = sum((parts[part] - expected) ** 2 / expected for part in range(100))
    assert chi < ONE_IN_A_BILLION, chi
    near = sum(abs(after - before) == 1 for before, after in itertools.pairwise(drawn))
    assert near <= 8  # by chance 10,000 times 2 in the size of the list: less than one; nine by luck are less than one in a billion


@pytest.mark.parametrize("configuration", FORMS)
async def test_t_co_3_times_are_rounded_to_the_day(registry: Registry, configuration: str) -> None:
    holder = await collect(registry, await registry.make())
    copies = list((await holder.copies(20, configuration)).credentials)
    registry.clock.at += 240
    copies += (await holder.copies(20, configuration)).credentials
    times = {(parsed.payload["iat"], parsed.payload["exp"]) for parsed in map(formats()[FORMS[configuration]].parse, copies)}
    assert len(times) == 1
    assert {at % DAY for at in times.pop()} == {0}


def test_t_co_6_it_is_said_that_names_and_postcodes_link_by_themselves() -> None:
    limits = (ROOT / "docs" / "limits.md").read_text("utf-8")
    assert "A name and a postcode link people whatever the signature scheme." in limits
