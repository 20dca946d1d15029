"""The mark of an instrument: the same in the documents of all who act together, made here, and given to nobody else (S26)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support.console import Browser, answered
from support.documents import document
from support.registry import LPA_1, Registry

from issuer.claims import details
from issuer.instruments import marked
from issuer.records import documents
from shared.credentials import by_id

POWER = by_id("representation")
JOINTLY = LPA_1 | {"decision_rule": "jointly", "cardinality": 2}


async def kept(registry: Registry, number: str) -> dict[str, Any]:
    known = await registry.office.storage.read(lambda tx: documents.get(tx, number))
    found = await details(registry.office, known)
    assert found is not None
    return dict(found)


async def test_attorneys_of_one_instrument_have_one_mark(registry: Registry) -> None:
    nora, peter = [await registry.make(claims=JOINTLY | {"attorney_number": number}) for number in (1, 2)]
    other = await registry.make(claims=JOINTLY | {"attorney_number": 1, "register_entry": "urn:fdc:opg.example:2027:lpa:M-7890-0400-4018"})
    one, two, three = [await kept(registry, made["id"]) for made in (nora, peter, other)]
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", one["instrument_tag"])
    assert one["instrument_tag"] == two["instrument_tag"] != three["instrument_tag"]
    assert (one["attorney_number"], two["attorney_number"]) == (1, 2)


async def test_a_mark_is_made_only_where_it_serves(registry: Registry) -> None:
    unregistered = {name: value for name, value in JOINTLY.items() if name != "register_entry"} | {"attorney_number": 1}
    assert await marked(registry.office, POWER, JOINTLY) == JOINTLY
    assert await marked(registry.office, POWER, unregistered) == unregistered
    assert "instrument_tag" in await marked(registry.office, POWER, unregistered, "our case 7")
    given = unregistered | {"instrument_tag": "B" * 22}
    assert await marked(registry.office, POWER, given, "our case 7") == given
    grant = document("estate-authority", attorney_number=1, grant_number="1547-0001")
    estate = await marked(registry.office, by_id("estate-authority"), grant)
    assert estate["instrument_tag"] != (await marked(registry.office, POWER, grant))["instrument_tag"]
    person = document("person", attorney_number=1)
    assert await marked(registry.office, by_id("person"), person, "our case 7") == person


@pytest.mark.parametrize("number", ["2", ""])
async def test_a_clerk_gives_a_number_and_no_mark(registry: Registry, number: str) -> None:
    browser = Browser(registry)
    await browser.sign_in()
    await browser.open("/console/make/representation")
    fields = [pair for pair in answered(step="check") if pair[0] not in {"detail.decision_rule", "detail.cardinality"}]
    rule = [("detail.decision_rule", "jointly"), ("detail.cardinality", "2"), ("detail.attorney_number", number)]
    await browser.send("/console/make/representation", [*fields, *rule, ("reference", "Ashdown 7")])
    assert browser.status == 200
    assert ("Mark of the instrument" in browser.text) == bool(number)
