"""Domain check T-EX-1: on paper, by mail and on a screen the same document meets with the same decision."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.offices import ACCOUNT, BANK, NINE, OPG, Street, bring, collected, copy_for, open_street, show_live
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
