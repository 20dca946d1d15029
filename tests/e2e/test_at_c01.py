"""Domain sheet C01, who is presenting: its acceptance scenarios by their names."""

from __future__ import annotations

from pathlib import Path

from aiohttp import ClientSession
from support import desk as desks
from support.documents import document
from support.long_values import decoded
from support.offices import BANK, COUNCIL, NINE, Carried, Street, given, open_office, set_up_desk, set_up_office, show_live
from support.thrift import easy_seal
from support.trial_web import Watch

IDENTITY = "https://identity.example"
NAMES = (("given_name",), ("family_name",))
ORDER = {"type": "person", "query": "same-person"}


def person(**changes: str) -> dict[str, object]:
    return document("person") | {"given_name": "Nora", "family_name": "Ashdown", "birthdate": "1968-03-14"} | changes


async def shown(street: Street, body: str, carried: Carried) -> set[bytes]:
    """Everything of 16 bytes or more in the copy that was shown to ``body``, which relied on it."""
    wire = carried.wires[-1]
    state = await show_live(street, body, carried, ORDER, NAMES)
    assert state["decision"] == "accepted", state
    return decoded("dc+sd-jwt", wire)


async def test_at_c01_2_two_bodies_see_nothing_in_common(tmp_path: Path) -> None:
    """NORA shows who she is to ABC and to BANK: nothing of 16 bytes or more is the same but what her issuer says to everybody."""
    clock = Watch(NINE)
    with easy_seal():
        made = await set_up_office(tmp_path / "identity", IDENTITY, "Identity provider (test)", clock)
        trust = (f"{made.anchor}:credential-issuer:{IDENTITY}",)
        told = {
            name: await set_up_desk(tmp_path / title, name, title, trust, clock)
            for name, title in ((COUNCIL, "Anytown Borough Council"), (BANK, "Northwold Bank"))
        }
    async with ClientSession() as http, open_office(tmp_path / "identity", IDENTITY, made, clock, types=("person",)) as identity:
        street = Street(clock=clock, http=http, offices={IDENTITY: identity})
        council = desks.serving(told[COUNCIL], told[COUNCIL].directory, site=street, clock=clock, refresh=False, public_url=COUNCIL)
        bank = desks.serving(told[BANK], told[BANK].directory, site=street, clock=clock, refresh=False, public_url=BANK)
        async with council as street.desks[COUNCIL], bank as street.desks[BANK]:
            nora = await given(street, IDENTITY, "person", person())
            stranger = await given(street, IDENTITY, "person", person(given_name="Peter", birthdate="1971-07-30"))
            await street.cycle()
            one, two = await shown(street, COUNCIL, nora), await shown(street, BANK, nora)
            constants = await shown(street, COUNCIL, stranger) | await shown(street, BANK, stranger)
    assert len(one) > 10
    assert one & two - constants == set()
