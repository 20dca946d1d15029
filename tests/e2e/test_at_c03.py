"""Domain sheet C03, an authority that a body has recorded: its acceptance scenarios by their names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.offices import COUNCIL, NINE, OPG, RECORDS, Carried, Street, bring, collected, copy_for, given, open_council, open_street
from support.registry import LPA_1

TAX = (("represented", "given_name"), ("represented", "family_name"), ("represented", "address", "postal_code"), ("powers", 0))
RECORD = (("represented", "given_name"), ("represented", "family_name"), ("proxy", "given_name"), ("proxy", "family_name"), ("scope", 0))


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    async with open_street(tmp_path, at=NINE) as opened, open_council(opened, tmp_path):
        yield opened


async def recorded(street: Street, nora: Carried) -> Carried:
    """Council tax accepts the power and records it; NORA collects the record."""
    shown = await bring(street, COUNCIL, copy_for(COUNCIL, nora, purpose="council-tax", paths=TAX, at=street.clock(), seed="tax"))
    assert shown.decision.decision == "accepted", shown.decision.checks
    names = {"proxy_given_name": "Nora", "proxy_family_name": "Ashdown"}
    status, offer = await street.desks[COUNCIL].call("POST", f"/api/presentation-requests/{shown.answered.asked.id}/record", names)
    assert status == 201, offer
    _, invited = await street.offices[RECORDS].call("POST", f"/api/credentials/{offer['id']}/invitation", {})
    return await collected(street, RECORDS, "mandate-receipt", invited)


async def electoral(street: Street, record: Carried, seed: str) -> str:
    """Another department relies on the record alone."""
    file = copy_for(COUNCIL, record, purpose="already-recorded", paths=RECORD, at=street.clock(), seed=seed)
    return (await bring(street, COUNCIL, file)).decision.code


async def test_at_c03_2_a_record_follows_the_power_that_it_rests_on(street: Street) -> None:
    """The power waits, goes on, and is revoked: after each next list the record does the same, though nobody at the council did anything."""
    nora = await given(street, OPG, "representation", LPA_1)
    record = await recorded(street, nora)
    codes = [await electoral(street, record, "first")]
    opg, records = street.offices[OPG], street.offices[RECORDS]
    for action, reason in (("hold", "investigation"), ("reinstate", "investigation-closed"), ("cancel", "donor-revoked")):
        status, body = await opg.call("POST", f"/api/credentials/{nora.made['id']}/{action}", {"reason": reason})
        assert status == 200, body
        street.clock.at += 3_600
        away = street.offices.pop(RECORDS)
        await street.cycle()  # our own issuer does not answer: it is told in the next round
        street.offices[RECORDS] = away
        for _ in range(2):
            await street.cycle()
            street.clock.at += 60
        codes.append(await electoral(street, record, action))
    assert codes == ["", "suspended", "", "revoked"]
    _, told = await records.call("GET", f"/api/credentials/{record.made['id']}")
    assert [each["reason"] for each in told["history"] if each["reason"]] == ["authority-on-hold", "authority-in-force", "authority-ended"]
