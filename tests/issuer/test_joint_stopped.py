"""A joint attorney stops: nobody of the others acts alone, so their documents wait, and somebody reads what the instrument says (domain sheet C02)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.console import Browser
from support.documents import document
from support.registry import LPA_1, Registry, Template, serving

from issuer.app import one_round

LPA = "LPA M-7890-0400-4018"
JOINTLY = LPA_1 | {"decision_rule": "jointly", "cardinality": 2}
OTHER = {"register_entry": "urn:fdc:opg.example:2027:lpa:7890-0400-4019"}


@pytest.fixture(params=["sqlite", "postgresql"])
async def registry(request: pytest.FixtureRequest, template: Template, tmp_path: Path) -> AsyncIterator[Registry]:
    storage = {"storage": request.getfixturevalue("postgresql_uri")} if request.param == "postgresql" else {}
    async with serving(template, tmp_path / "registry", **storage) as running:
        yield running


async def two(registry: Registry, **claims: Any) -> tuple[str, str]:
    """NORA's document and PETER's."""
    said = JOINTLY | claims
    peter = said | {"proxy": {"given_name": "Peter", "family_name": "Ashdown", "birthdate": "1971-07-30"}}
    one, other = [(await registry.make(claims=each, reference=LPA))["id"] for each in (said, peter)]
    return one, other


async def change(registry: Registry, number: str, action: str, reason: str) -> None:
    status, told = await registry.call("POST", f"/api/credentials/{number}/{action}", {"reason": reason})
    assert status == 200, told


async def history(registry: Registry, number: str) -> list[tuple[str, str]]:
    _, told = await registry.call("GET", f"/api/credentials/{number}")
    return [(each["what"], each["reason"]) for each in told["history"]][1:]


@pytest.mark.parametrize("reason", ["attorney-stopped", "attorney-died", "attorney-lost-capacity", "bankruptcy", "divorce"])
@pytest.mark.parametrize("rule", ["jointly", "jointly-for-some-severally-for-others"])
async def test_the_others_wait_where_they_act_jointly(registry: Registry, rule: str, reason: str) -> None:
    """From the next list on; those of another instrument, or of another kind under the same reference, go on."""
    nora, peter = await two(registry, decision_rule=rule)
    others = [
        (await registry.make(claims=JOINTLY | OTHER, reference="LPA M-7890-0400-4000"))["id"],
        (await registry.make(claims=JOINTLY | OTHER))["id"],
        (await registry.make(type="person", claims=document("person"), reference=LPA))["id"],
    ]
    await change(registry, peter, "cancel", reason)
    for _ in range(2):
        await one_round(registry.app)
    assert await history(registry, peter) == [("cancelled", reason)]
    assert await history(registry, nora) == [("held", "joint-attorney-stopped")]
    assert [await history(registry, each) for each in others] == [[]] * 3


async def test_the_entry_in_the_register_says_of_which_instrument_it_is(registry: Registry) -> None:
    """One entry under two references is one instrument, two entries under one reference are two; who says of no entry goes by the reference."""
    peter = (await registry.make(claims=JOINTLY, reference=LPA))["id"]
    hyphens = JOINTLY["register_entry"].replace("M-7890-0400", "m 7890 0400")
    elsewhere = (await registry.make(claims=JOINTLY | {"register_entry": hyphens}, reference="Ashdown 2"))["id"]
    second = (await registry.make(claims=JOINTLY | OTHER, reference=LPA))["id"]
    silent = {name: value for name, value in JOINTLY.items() if name != "register_entry"}
    unsaid = (await registry.make(claims=silent, reference=LPA))["id"]
    await change(registry, peter, "cancel", "attorney-died")
    await one_round(registry.app)
    held = [("held", "joint-attorney-stopped")]
    assert [await history(registry, each) for each in (elsewhere, second, unsaid)] == [held, [], held]


@pytest.mark.parametrize(("rule", "reason"), [("jointly-and-severally", "attorney-stopped"), ("jointly", "made-in-error")])
async def test_the_others_go_on(registry: Registry, rule: str, reason: str) -> None:
    """Where any one may act, and where nobody stopped."""
    nora, peter = await two(registry, decision_rule=rule)
    await change(registry, peter, "cancel", reason)
    await one_round(registry.app)
    assert await history(registry, nora) == []


@pytest.mark.parametrize(
    ("action", "reason", "state"), [("reinstate", "others-go-on", "invited"), ("cancel", "joint-attorney-stopped", "cancelled")]
)
async def test_somebody_says_what_the_instrument_says(registry: Registry, action: str, reason: str, state: str) -> None:
    """Word of the register that one attorney was removed does the same; the document goes on, or ends, and is not held once more."""
    nora, peter = await two(registry)
    word = {"type": "representation", "reference": LPA, "word": "removed", "reason": "attorney-stopped", "document": peter}
    status, told = await registry.call("POST", "/api/register-words", word | {"preview": False, "confirm_count": 1})
    assert status == 200, told
    await one_round(registry.app)
    assert await history(registry, nora) == [("held", "joint-attorney-stopped")]
    await change(registry, nora, action, reason)
    await one_round(registry.app)
    _, told = await registry.call("GET", f"/api/credentials/{nora}")
    assert told["state"] == state


async def test_one_that_is_held_already_waits_for_the_instrument_as_well(registry: Registry) -> None:
    """And stays on hold for each reason until that one ends."""
    nora, peter = await two(registry)
    await change(registry, nora, "hold", "investigation")
    await change(registry, peter, "cancel", "attorney-stopped")
    for _ in range(2):
        await one_round(registry.app)
    assert await history(registry, nora) == [("held", "investigation"), ("held", "joint-attorney-stopped")]
    for reason in ("investigation", "joint-attorney-stopped"):
        status, told = await registry.call("POST", f"/api/credentials/{nora}/hold", {"reason": reason})
        assert (status, told["code"]) == (409, "conflict"), "for each reason once"
    for reason, state in (("others-go-on", "on_hold"), ("investigation-closed", "invited")):
        await change(registry, nora, "reinstate", reason)
        _, told = await registry.call("GET", f"/api/credentials/{nora}")
        assert told["state"] == state


async def test_a_donor_stops_an_attorney_whose_document_waits_already(registry: Registry) -> None:
    """Her word stands until she takes it back, also where the office ends its own hold after it."""
    nora, peter = await two(registry)
    await change(registry, peter, "cancel", "attorney-died")
    await one_round(registry.app)
    desk = Browser(registry)
    await desk.sign_in()
    page = f"/console/documents/{nora}/donor"
    await desk.open(page)
    await desk.send(f"{page}/ask", {"known": "yes", "ask": "hold"})
    assert await history(registry, nora) == [("held", "joint-attorney-stopped"), ("held", "donor-asked")]
    await change(registry, nora, "reinstate", "others-go-on")
    _, told = await registry.call("GET", f"/api/credentials/{nora}")
    assert told["state"] == "on_hold"
    offered = await desk.open(f"/console/documents/{nora}/hold")
    assert [reason in offered for reason in ('value="investigation"', 'value="donor-asked"')] == [True, False]
    await desk.open(page)
    await desk.send(f"{page}/ask", {"known": "yes", "ask": "reinstate"})
    _, told = await registry.call("GET", f"/api/credentials/{nora}")
    assert told["state"] == "invited"
