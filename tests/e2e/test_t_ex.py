"""Domain checks T-EX-1 and T-EX-2: whatever people have or lack, the same document meets with the same decision."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.documents import document
from support.offices import ACCOUNT, BANK, DIED, ENTRY, GRO, NINE, OPG, Street, bring, collected, copy_for, given, open_street, show_live
from support.registry import LPA_1

from shared import addressed
from shared.codec import qr


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    async with open_street(tmp_path, at=NINE) as opened:
        yield opened


async def test_t_ex_1_paper_mail_and_screen_have_the_same_decision(street: Street) -> None:
    """One document, in force, on hold, in force again and cancelled: shown online, mailed as a file, printed as a code, typed as its text."""
    made = await street.offices[OPG].make(claims=LPA_1)
    nora = await collected(street, OPG, "representation", made, copies=16)
    for change, expected in (
        (None, ("accepted", "")),
        (("hold", "investigation"), ("rejected", "suspended")),
        (("reinstate", "investigation-closed"), ("accepted", "")),
        (("cancel", "donor-died"), ("rejected", "revoked")),
    ):
        if change is not None:
            action, reason = change
            status, told = await street.offices[OPG].call("POST", f"/api/credentials/{made['id']}/{action}", {"reason": reason})
            assert status == 200, told
        street.clock.at += 3_600
        await street.cycle()
        online = await show_live(street, BANK, nora, {"query": "bank"}, ACCOUNT, refused=expected[0] != "accepted")
        assert (online["decision"], online["code"]) == expected
        mailed, second, third = (
            copy_for(BANK, nora, purpose="bank", paths=ACCOUNT, at=street.clock(), seed=f"{way} {change}")
            for way in ("mail", "paper", "text")
        )
        printed = qr.png(addressed.render_qr(addressed.parse_file(second.decode())), ec="L")
        typed = addressed.render_qr(addressed.parse_file(third.decode())).encode()
        for brought in (mailed, printed, typed):
            outcome = await bring(street, BANK, brought)
            assert (outcome.decision.decision, outcome.decision.code) == expected


ESTATE = (
    ("deceased", "given_name"), ("deceased", "family_name"), ("deceased", "death_date"), ("representative", "given_name"),
    ("representative", "family_name"), ("acts", 0),
)  # fmt: skip
WRONG_KIND = {
    "instrument_type": "lpa-personal-welfare",
    "usable_when": "when-capacity-lost",
    "powers": ["health-decisions", "care-contract"],
}
OF_TWO = {"decision_rule": "jointly", "cardinality": 2}
HALE = {"acts_for_another": True, "acting_for": {"given_name": "Tom", "family_name": "Penhale"}, "acts": ["pensions"]}
ALSO: dict[str, tuple[str, str, dict[str, Any], str, tuple[Any, ...], tuple[str, str]]] = {
    "C02 with restrictions kept back": (
        OPG, "representation", LPA_1 | {"has_restrictions": True, "restrictions_text": "Not the savings"}, "bank", ACCOUNT,
        ("undecided", "restricted_undisclosed"),
    ),
    "C02 for later": (OPG, "representation", LPA_1 | {"usable_when": "when-capacity-lost"}, "bank", ACCOUNT, ("undecided", "needs_capacity_evidence")),
    "C02 without the power": (OPG, "representation", LPA_1 | {"powers": ["council-tax", "utilities"]}, "bank", ACCOUNT, ("rejected", "outside_scope")),
    "C02 of the wrong kind": (OPG, "representation", {**LPA_1, **WRONG_KIND}, "bank", ACCOUNT, ("rejected", "wrong_instrument")),
    "C02 by one of two": (OPG, "representation", {**LPA_1, **OF_TWO}, "bank", ACCOUNT, ("undecided", "needs_more_attorneys")),
    "C05 a death": (GRO, "life-event", ENTRY, "donor-died", DIED, ("accepted", "")),
    "C06 to freeze": (GRO, "estate-authority", document("estate-authority"), "freeze", ESTATE, ("accepted", "")),
    "C06 by a solicitor for pensions": (GRO, "estate-authority", document("estate-authority", **HALE), "freeze", ESTATE, ("rejected", "outside_scope")),
    "C06 to release": (GRO, "estate-authority", document("estate-authority"), "release", ESTATE, ("rejected", "needs_grant")),
}  # fmt: skip


@pytest.mark.parametrize("story", ALSO)
async def test_t_ex_1_each_story_on_paper_as_online(street: Street, story: str) -> None:
    """Also where the answer is no, or not yet: shown online, mailed, or printed and scanned at a counter."""
    office, kind, claims, query, paths, expected = ALSO[story]
    carried = await given(street, office, kind, claims)
    online = await show_live(street, BANK, carried, {"type": kind, "query": query}, paths, refused=expected[0] == "rejected")
    assert (online["decision"], online["code"]) == expected
    mailed, printed = (copy_for(BANK, carried, purpose=query, paths=paths, at=street.clock(), seed=way) for way in ("mail", "paper"))
    for brought in (mailed, qr.png(addressed.render_qr(addressed.parse_file(printed.decode())), ec="L")):
        outcome = await bring(street, BANK, brought)
        assert (outcome.decision.decision, outcome.decision.code) == expected


NOWHERE = {"postal_code": "ZZ99 3VZ"}
"""No fixed address, as the registers of the country write it."""
TOLD = tuple(path for path in DIED if path[-1] != "birthdate")


async def test_t_ex_2_who_died_without_a_fixed_address_is_told_of_like_anybody(street: Street) -> None:
    """C05 for ARTHUR of no fixed address: BANK accepts the copy as one for anybody; of two accounts of that name and code it picks none,
    until somebody tells one more item.
    """
    subject = {**ENTRY["subject"], "given_name": "Arthur", "family_name": "Penhale", "birthdate": "1931-04-20"}
    told = []
    for home in ({"postal_code": "ZZ99 2AB"}, NOWHERE):
        joan = await given(street, GRO, "life-event", ENTRY | {"subject": subject | {"address": home}})
        file = copy_for(BANK, joan, purpose="tell-of-death", paths=TOLD, at=street.clock(), seed=str(home))
        told.append(await bring(street, BANK, file))
    assert [(each.decision.decision, each.decision.code) for each in told] == [("accepted", "")] * 2
    accounts = [
        {"reference": number, "given_name": "Arthur", "family_name": "Penhale", "birthdate": "1931-04-20", **NOWHERE}
        for number in ("7", "8")
    ]
    path = f"/api/presentation-requests/{told[1].answered.asked.id}/match"
    for records, said, expected in (
        (accounts, {}, None),
        (accounts[:1], {}, None),
        (accounts, {"told_reference": "8"}, "8"),
        ([accounts[0] | {"postal_code": "ZZ99 2AB"}, accounts[1]], {"told_postal_code": "ZZ99 2AB"}, None),
        ([accounts[0] | {"postal_code": "ZZ99 2AB"}], {"told_postal_code": "ZZ99 2AB"}, "7"),
    ):
        status, found = await street.desks[BANK].call("POST", path, {"records": records, **said})
        assert (status, found["reference"]) == (200, expected), found
