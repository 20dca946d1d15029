"""Domain checks T-EX-1 and T-EX-2: whatever people have or lack, the same document meets with the same decision."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.clerk import Clerk
from support.desk import present
from support.documents import document
from support.offices import ACCOUNT, BANK, DIED, ENTRY, GRO, NINE, OPG, Street, bring, collected, copy_for, given, open_street, show_live
from support.registry import LPA_1

from shared import addressed
from shared.codec import qr
from shared.openid4vp import render_response
from verifier import registering


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


@dataclass(frozen=True, kw_only=True)
class Step:
    """``change``: what the office does first, and why; ``use``: what the body needs of a date of death; ``says``: on its page."""

    query: str
    paths: tuple[Any, ...]
    expected: tuple[str, str]
    change: tuple[str, str] | None = None
    use: dict[str, Any] = field(default_factory=dict)
    says: str = ""


IN_PART = {"value": "2027-02", "description": "Deceased found on 3 March 2027"}
EPA_1 = {name: value for name, value in LPA_1.items() if name not in {"attestation_basis", "registration_date"}} | {
    "instrument_type": "epa", "authority_current": True,
}  # fmt: skip
SUPPLY = (*(path for path in ACCOUNT if path[-1] != "birthdate" and path[0] != "powers"), ("powers", 2))
YES, HELD, ENDED = ("accepted", ""), ("rejected", "suspended"), ("rejected", "revoked")
STEPS: dict[str, tuple[str, str, dict[str, Any], tuple[Step, ...]]] = {
    "C02-8 a power that was inspected": (
        OPG, "representation", EPA_1,
        (
            Step(query="utility", paths=SUPPLY, expected=YES),
            Step(query="bank", paths=ACCOUNT, expected=("rejected", "wrong_instrument"), says="Entry in the register"),
        ),
    ),
    "C05-3 a date that is known in part": (
        GRO, "life-event", ENTRY | {"death_date": IN_PART, "registered_at": "2027-03-01"},
        (
            Step(query="donor-died", paths=DIED, expected=YES, use={"died_by": "2027-03-31"}, says="died on 31 March 2027 or before"),
            Step(query="donor-died", paths=DIED, expected=("undecided", "not_determined"), use={"full_date": True}, says="the very day"),
            Step(query="donor-died", paths=DIED, expected=("undecided", "not_determined"), use={"died_by": "2027-02-15"}),
            Step(query="donor-died", paths=DIED, expected=("rejected", "outside_scope"), use={"died_by": "2027-01-31"}),
        ),
    ),
    "C05-4 an entry that was cancelled": (
        GRO, "life-event", ENTRY,
        (
            Step(query="donor-died", paths=DIED, expected=YES),
            Step(query="donor-died", paths=DIED, expected=ENDED, change=("cancel", "entry-cancelled")),
        ),
    ),
    "C06-3 a caveat": (
        GRO, "estate-authority", document("estate-authority"),
        (
            Step(query="freeze", paths=ESTATE, expected=YES),
            Step(query="freeze", paths=ESTATE, expected=HELD, change=("hold", "caveat")),
            Step(query="freeze", paths=ESTATE, expected=YES, change=("reinstate", "caveat-lifted")),
        ),
    ),
}  # fmt: skip
PAPER = "A copy made out to you: its holder made it for you and for this purpose, not necessarily today."
SAYS = {"accepted": "You can rely on this", "rejected": "Do not rely on this", "undecided": "Can’t tell yet"}


@pytest.mark.parametrize("story", STEPS)
async def test_t_ex_1_a_clerk_reads_of_a_printed_page_what_is_read_online(street: Street, story: str) -> None:
    """AT-C02-8, C05-3, C05-4 and C06-3 once more on paper: what the bank admits, what it needs of a date, and what the office does meanwhile count
    for a sheet that a clerk scans as for what is shown online or comes by mail. The verdict says that it was a copy.
    """
    office, kind, claims, steps = STEPS[story]
    bank = street.desks[BANK]
    registering.state(bank.desk.directory, bank.desk.settings, "bank", {"bases": ("register", "court-order")})
    made = await street.offices[office].make(type=kind, claims=claims)
    carried = await collected(street, office, kind, made, copies=3 * len(steps))
    clerk = await Clerk(bank).sign_in()
    for number, step in enumerate(steps):
        if step.change is not None:
            action, reason = step.change
            assert (await street.offices[office].call("POST", f"/api/credentials/{made['id']}/{action}", {"reason": reason}))[0] == 200
            street.clock.at += 600
            await street.cycle()
        order = {"type": kind, "query": step.query, "use": step.use}
        online = await show_live(street, BANK, carried, order, step.paths, refused=step.expected[0] == "rejected")
        mailed, printed = (
            copy_for(BANK, carried, purpose=step.query, paths=step.paths, at=street.clock(), seed=f"{way} {number}")
            for way in ("mail", "paper")
        )
        opened = (await bring(street, BANK, mailed, **step.use)).decision
        needed = {"full_date": "yes"} if "full_date" in step.use else {}
        for part, text in zip(("year", "month", "day"), step.use.get("died_by", "").split("-"), strict=False):
            needed[f"died_by.{part}"] = text
        sheet = qr.png(addressed.render_qr(addressed.parse_file(printed.decode())), ec="L")
        page = await clerk.upload("/desk/copies", sheet, "page.png", text="", status=200, **needed)
        scanned = await bank.state({"id": clerk.at.rpartition("/")[2]})
        said = [(online["decision"], online["code"]), (opened.decision, opened.code), (scanned["decision"], scanned["code"])]
        assert said == [step.expected] * 3, step
        assert SAYS[step.expected[0]] in page
        assert step.says in page
        assert PAPER in page


async def test_t_ex_1_c02_two_accounts_of_one_name_on_paper_as_online(street: Street) -> None:
    """AT-C02-7 without a phone: of two accounts of her name and date of birth a printed copy picks none either, until somebody tells one more item."""
    made = await street.offices[OPG].make(claims=LPA_1 | {"powers": ["care-contract"]})
    nora = await collected(street, OPG, "representation", made)
    paths, bank = (*(path for path in ACCOUNT if path[-1] != "postal_code" and path[0] != "powers"), ("powers", 0)), street.desks[BANK]
    clerk, asked = await Clerk(bank).sign_in(), await bank.ask(type="representation", query="care-contract")
    wire, key = nora.one()
    told = present(await bank.read(asked), at=street.clock(), paths=paths, wire=wire, by=key)
    assert (await bank.post(asked, render_response(await bank.read(asked), told)))[0] == 200
    file = copy_for(BANK, nora, purpose="care-contract", paths=paths, at=street.clock(), seed="paper")
    page = await clerk.bring(qr.png(addressed.render_qr(addressed.parse_file(file.decode())), ec="L"), "page.png")
    assert SAYS["accepted"] in page
    assert PAPER in page
    accounts = "CT-1; Margaret; Ashdown; 02/11/1938; ZZ99 4CD\nCT-2; Margaret; Ashdown; 02/11/1938; ZZ99 7XY"
    for at in (f"/desk/requests/{asked['id']}", clerk.at):
        fields = {"form_token": await clerk.token(f"{at}/match"), "records": accounts}
        page = await clerk.post(f"{at}/match", fields)
        assert "It may be more than one of them. Ask for one more item" in page
        assert not re.search("4CD|7XY|CT-1|CT-2", page)
        assert "It is CT-1." in await clerk.post(f"{at}/match", fields | {"postal_code": "zz99 4cd"})


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
