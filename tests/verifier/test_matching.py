"""Which of an organisation's own records is meant (AT-C02-7, checks T-FM-1 and T-FM-2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from support.desk import PATHS, Running
from support.trial_verify import VCT

from shared.errors import Malformed
from verifier.matching import MAX_RECORDS, Told, find, parse_records
from verifier.settle import Opened

MARGARET = {"given_name": "Margaret", "family_name": "Ashdown", "birthdate": "1938-11-02"}
RECORDS = [
    {"reference": "A-1", **MARGARET, "postal_code": "ZZ99 4CD"},
    {"reference": "A-2", **MARGARET, "postal_code": "ZZ99 7XY"},
]
NO_POSTCODE = tuple(path for path in PATHS if path[-1] != "postal_code")


async def shown(desk: Running, paths: Any = PATHS) -> Mapping[str, Any]:
    claims = [{"path": list(path)} for path in paths]
    credential = {"id": "a", "format": "dc+sd-jwt", "meta": {"vct_values": [VCT]}, "claims": claims}
    query = {"credentials": [credential]}
    status, asked = await desk.call("POST", "/api/presentation-requests", {"dcql_query": query, "purpose": "Look for the account"})
    assert status == 201, asked
    await desk.answer(asked, paths=paths)
    return dict(asked)


async def match(desk: Running, asked: Mapping[str, Any], **told: Any) -> tuple[int, dict[str, Any]]:
    return await desk.call("POST", f"/api/presentation-requests/{asked['id']}/match", {"records": RECORDS, **told})


async def test_a_name_and_a_date_of_birth_decide_nothing(desk: Running) -> None:
    asked = await shown(desk, NO_POSTCODE)
    ambiguous = {"outcome": "ambiguous", "reference": None, "code": "ambiguous_match"}
    assert await match(desk, asked) == (200, ambiguous)
    assert await match(desk, asked, told_postal_code="zz994cd") == (200, {"outcome": "one", "reference": "A-1", "code": ""})
    assert await match(desk, asked, told_reference="A-2") == (200, {"outcome": "one", "reference": "A-2", "code": ""})
    alone = await match(desk, asked, records=RECORDS[:1])
    assert alone == (200, ambiguous)


async def test_what_was_shown_counts_before_what_was_said(desk: Running) -> None:
    asked = await shown(desk)
    assert (await match(desk, asked, told_postal_code="ZZ99 7XY"))[1]["reference"] == "A-1"


async def test_nothing_is_compared_with_what_was_not_accepted(desk: Running) -> None:
    asked = await desk.ask()
    assert (await match(desk, asked))[1]["code"] == "conflict"
    await desk.answer(asked, paths=PATHS[:1])
    assert (await match(desk, asked))[0] == 409


@pytest.mark.parametrize("text", ["", "A-1; Margaret", "A-1;;Ashdown", "a;b;c;d;e;f", "a;b;c\n" * (MAX_RECORDS + 1), "a;b;" + "c" * 20_000])
def test_lines_that_are_no_records(text: str) -> None:
    with pytest.raises(Malformed):
        parse_records(text)


def test_records_as_a_clerk_writes_them() -> None:
    one, two = parse_records("A-1; Margaret ; Ashdown; 02/11/1938; ZZ99 1AB\n\nA-2\tMargaret\tAshdown\n")
    assert (one.reference, one.person.birthdate, one.person.postal_code) == ("A-1", "1938-11-02", "ZZ99 1AB")
    assert (two.person.birthdate, two.person.postal_code) == ("", "")


def test_nobody_shown_is_nobodys_account() -> None:
    opened = Opened(verdict={"credentials": []}, receipt=None, response_code="", vp_token={}, format="")
    found = find(opened, {}, parse_records("A-1; Margaret; Ashdown"), Told())
    assert (found.outcome, found.code) == ("none", "ambiguous_match")
