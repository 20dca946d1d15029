"""Two bodies lay their logs side by side (domain check T-CO-5): of who came to both, nothing that is written down tells who is who."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from support.offices import ACCOUNT, BANK, GUARDIAN, NINE, OPG, bring, copy_for, given, open_street
from support.registry import LPA_1

from shared.web import log

PEOPLE = 24


def joined(one: Sequence[dict[str, Any]], two: Sequence[dict[str, Any]]) -> int:
    """How many of ``one`` the likeliest of ``two`` belongs to, by every field that agrees, rare values most. Line i of both is of person i."""
    seen = Counter((name, json.dumps(value)) for line in (*one, *two) for name, value in line.items())

    def alike(line: dict[str, Any], other: dict[str, Any]) -> float:
        same = [name for name in line if line[name] == other.get(name)]
        return sum(1 / seen[name, json.dumps(line[name])] for name in same)

    return sum(max(range(len(two)), key=lambda at: (alike(line, two[at]), -((at * 7 + 3) % len(two)))) == i for i, line in enumerate(one))


async def test_t_co_5_two_logs_laid_side_by_side_join_nobody(tmp_path: Path) -> None:
    """24 people show the same to two bodies, in another order and at other times. The best matcher recognises as many as by chance, one; with
    one digest that both bodies could have written down it recognises all.
    """
    async with open_street(tmp_path, at=NINE) as street:
        carried = [
            await given(street, OPG, "representation", LPA_1 | {"represented": LPA_1["represented"] | {"given_name": f"Margaret {number}"}})
            for number in range(PEOPLE)
        ]
        lines: dict[str, list[dict[str, Any]]] = {}
        for body, step in ((BANK, 7), (GUARDIAN, 5)):
            order = [(step * number) % PEOPLE for number in range(PEOPLE)]
            for number in order:
                street.clock.at += 61
                file = copy_for(body, carried[number], purpose="bank", paths=ACCOUNT, at=street.clock(), seed=f"{body} {number}")
                assert (await bring(street, body, file)).decision.decision == "accepted"
            entered = await street.desks[body].desk.storage.read(lambda tx: log.page(tx, before=1_000, limit=100))
            found = [dict(line.entry.entry or {}) for line in reversed(entered) if (line.entry.entry or {}).get("presentation_mac")]
            assert len(found) == PEOPLE
            lines[body] = [found[order.index(number)] for number in range(PEOPLE)]
    one, two = lines[BANK], lines[GUARDIAN]
    macs = [{line["presentation_mac"] for line in each} for each in (one, two)]
    assert [len(each) for each in macs] == [PEOPLE, PEOPLE]
    assert macs[0].isdisjoint(macs[1])
    assert joined(one, two) <= 6, "one in ten thousand games goes beyond by luck"
    bare = [[{**line, "who": sha256(str(number).encode()).hexdigest()} for number, line in enumerate(each)] for each in (one, two)]
    assert joined(*bare) == PEOPLE, "the matcher is no straw man"
