"""Domain sheet C05, a death and whom it concerns: its acceptance scenarios by their names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.offices import ACCOUNT, BANK, DIED, ENTRY, GRO, GUARDIAN, NINE, OPG, Street, bring, copy_for, given, open_street, show_live
from support.registry import LPA_1

from issuer import deciding_news
from issuer.records import documents, news
from issuer.sessions import Actor, Standing

CLERK = Actor(role="clerk", name="Cleo Clerk")


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    async with open_street(tmp_path, at=NINE) as opened:
        yield opened


async def stands(street: Street, office: str, number: str) -> Standing:
    found = await street.offices[office].office.storage.read(lambda tx: documents.get(tx, number))
    return found.standing


async def told_of_death(street: Street) -> None:
    joan = await given(street, GRO, "life-event", ENTRY)
    told = await show_live(street, GUARDIAN, joan, {"type": "life-event", "query": "donor-died"}, DIED)
    assert told["decision"] == "accepted", told
    await street.tell(street.desks[GUARDIAN])


async def test_at_c05_5_every_representation_of_the_donor_ends_in_the_same_cycle(street: Street) -> None:
    """The death arrives at the Public Guardian: NORA's and PETER's documents end together, those for MARGARET-2 do not, and no hub is asked."""
    nora = await given(street, OPG, "representation", LPA_1)
    peter = await given(street, OPG, "representation", LPA_1 | {"proxy": {"given_name": "Peter", "family_name": "Ashdown"}})
    donor = {**LPA_1["represented"], "address": {"postal_code": "ZZ99 7XY"}}
    stranger = await given(street, OPG, "representation", LPA_1 | {"represented": donor})
    street.asked.clear()
    await told_of_death(street)
    assert {urlsplit(each).path for each in street.asked if each.startswith(OPG)} == {"/api/events"}
    assert [await stands(street, OPG, each.made["id"]) for each in (nora, peter, stranger)] == [
        Standing.CANCELLED,
        Standing.CANCELLED,
        Standing.IN_FORCE,
    ]
    street.clock.at += 3_600
    await street.cycle()
    codes = {}
    for name, carried in (("nora", nora), ("stranger", stranger)):
        file = copy_for(BANK, carried, purpose="bank", paths=ACCOUNT, at=street.clock(), seed=name)
        codes[name] = (await bring(street, BANK, file)).decision.code
    assert codes == {"nora": "revoked", "stranger": ""}


async def test_at_c05_4_a_wrong_death_brings_new_documents_and_never_the_old_ones(street: Street) -> None:
    """The entry was a mis-registration and is cancelled: copies of it fail within one cycle, and the Public Guardian's office, which its own desk
    tells so, offers what had ended by it as new documents.
    """
    nora = await given(street, OPG, "representation", LPA_1, reference="LPA M-7890-0400-4000")
    await told_of_death(street)
    gro, opg = street.offices[GRO], street.offices[OPG]
    _, listed = await gro.call("GET", "/api/credentials")
    (entry,) = listed["items"]
    street.clock.at += 3_600
    status, body = await gro.call("POST", f"/api/credentials/{entry['id']}/cancel", {"reason": "entry-cancelled"})
    assert status == 200, body
    street.clock.at += 60
    await street.cycle()
    (task,) = await opg.office.storage.read(lambda tx: news.page(tx, open_only=True, offset=0, limit=5))
    assert task.became == "cancelled"
    decided = await deciding_news.decide(opg.office, task.id, [nora.made["id"]], CLERK, version=task.version)
    assert decided.state == "settled"
    (back,) = await opg.office.storage.read(lambda tx: news.concerned(tx, task.id))
    assert [await stands(street, OPG, each) for each in (nora.made["id"], back.made)] == [Standing.CANCELLED, Standing.IN_FORCE]
    await street.cycle()
    file = copy_for(BANK, nora, purpose="bank", paths=ACCOUNT, at=street.clock(), seed="old")
    assert (await bring(street, BANK, file)).decision.code == "revoked", "never in force again"
    _, found = await opg.call("GET", "/api/credentials?reference=LPA%20M-7890-0400-4000")
    assert {each["id"]: each["state"] for each in found["items"]} == {nora.made["id"]: "cancelled", back.made: "invited"}
