"""The wallet program is killed right before and right after each of its writes; then it is run again.

Nothing may be half kept, no copy shown twice, nothing lost but what the other side already gave away: a code that was redeemed the moment
before the grant could be written down.
"""

from __future__ import annotations

import asyncio
import json
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.airplane import COUNCIL_TAX, Counter
from support.inboxes import Body
from support.registry import Template
from support.street import Street, office, street

from shared.clock import system_clock
from shared.formats import formats
from shared.ovp.answer import live_binding, open_answer
from shared.ovp.envelope import parse_text

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(office(tmp_path_factory.mktemp("office") / "registry"))


async def test_killed_while_collecting(template: Template, tmp_path: Path) -> None:
    async with street(template, tmp_path) as here:
        kept = []
        for point, moment in product(("invite", "receive-token", "receive", "notified", "status"), ("before", "after")):
            made = await here.registry.make()
            collect = ("receive", made["invitation_link"], "--code", made["code"])
            await here.dies(*collect, failpoint=f"{point}:{moment}")
            code, said = await here.run(*collect)
            if (point, moment) == ("receive-token", "before"):  # the office has changed the code, and nobody could write it down
                assert code == 1
                assert "invalid_grant" in said
                continue
            assert code == 0, f"{point}:{moment}: {said}"
            kept.append(made["id"])
        code, said = await here.run("refresh")
        assert code == 0, said
        assert [(card["copies_left"], card["copies_total"]) for card in await here.cards()] == [(20, 20)] * len(kept)
        assert [entry["transactionType"] for entry in await here.history()] == ["issuance"] * len(kept)
        for document in kept:
            _, standing = await here.registry.call("GET", f"/api/credentials/{document}")
            assert standing["state"] == "collected"


async def collected(here: Street) -> None:
    made = await here.registry.make()
    code, said = await here.run("receive", made["invitation_link"], "--code", made["code"])
    assert code == 0, said


async def test_killed_while_showing(template: Template, tmp_path: Path) -> None:
    """``asked for``: how often the asker must have got something in the end, and how many copies are left then."""
    ends = {
        ("ask", "before"): 1,
        ("ask", "after"): 1,
        ("present", "before"): 1,
        ("present", "after"): 0,  # marked as used, not sent: the clock does it, minutes later
        ("answered", "before"): 1,  # sent, and nobody knows: the clock posts the same once more, minutes later
        ("answered", "after"): 1,
    }
    async with street(template, tmp_path) as here:
        await collected(here)
        for number, ((point, moment), sent) in enumerate(ends.items(), 1):
            here.party.got.clear()
            show = ("present", here.party.ask(), "--yes")
            await here.dies(*show, failpoint=f"{point}:{moment}")
            before = len(here.party.got)
            code, said = await here.run(*show)
            assert len(here.party.got) == sent, f"{point}:{moment}: {said}"
            assert before in {0, sent}, "what may have been shown is not sent again by asking again"
            assert (code == 0) == ((moment == "before" and point != "answered") or (point in {"ask", "answered"} and moment == "after")), (
                said
            )
            assert (await here.cards())[0]["copies_left"] == 20 - number, "each time one copy is used up, whatever became of it"
        shown = [entry["transactionResult"] for entry in await here.history() if entry["transactionType"] == "presentation"]
        assert shown == ["success"] * 4


async def test_killed_while_making_a_copy_out(template: Template, tmp_path: Path) -> None:
    async with street(template, tmp_path) as here:
        await collected(here)
        left = 20
        copy = tmp_path / "copy.json"
        wish = ("address", "--to", "https://bank.example", "--purpose", "bank", "--query", "bank", "--out", str(copy))
        for point, moment in product(("address", "addressed"), ("before", "after")):
            await here.dies(*wish, failpoint=f"{point}:{moment}")
            assert not copy.exists()
            left -= (point, moment) != ("address", "before")
            assert (await here.cards())[0]["codes_left"] == left
        assert (await here.run(*wish))[0] == 0
        assert json.loads(copy.read_text())["aud"] == "a:https://bank.example"
        assert (await here.cards())[0]["codes_left"] == left - 1


async def test_killed_while_a_wallet_is_made(template: Template, tmp_path: Path) -> None:
    """``init`` writes its settings last, so that it can be repeated."""
    async with street(template, tmp_path) as here:
        (here.folder / "wallet.toml").unlink()
        code, said = await here.run("init", "--holder", "Peter", "--json")
        assert code == 0, said
        assert json.loads(said)["recovery_code"]
        code, said = await here.run("init", "--holder", "Peter")
        assert code == 78
        assert "already" in said


async def pinned_for(here: Street, pem: Path, entity: str) -> None:
    """The anchor counts for that organisation alone, so that what it publishes is fetched from there."""
    _, listed = await here.run("trust", "list")
    fingerprint = next(line.split()[-1] for line in listed.splitlines() if line.startswith("relying-party"))
    assert (await here.run("trust", "remove", fingerprint))[0] == 0
    code, said = await here.run("trust", "add", str(pem), "--role", "relying-party", "--entity", entity)
    assert code == 0, said


async def test_killed_while_telling(template: Template, tmp_path: Path) -> None:
    """Each letter is made once and answered once, wherever the program ended; it is run again, and goes on."""
    points = ("telling:after", "sent:after", "outbox-tried:before", "answer-to-letter:before")
    told: list[str] = []
    async with street(template, tmp_path) as here:
        await collected(here)
        world: Any = SimpleNamespace(clock=here.party.clock)
        body = Body.of(world, here.party, COUNCIL_TAX, issuer=here.registry.office.signer.public)
        await pinned_for(here, tmp_path / "party.pem", body.entity)
        code, said = await here.run("refresh")
        assert code == 0, said
        (card,) = await here.cards()
        tell = ("tell", "--document", card["id"], "--to", body.entity, COUNCIL_TAX.id, "--yes")
        for made, point in enumerate(points, 1):
            await here.dies(*tell, failpoint=point)
            code, said = await here.run("tell", "--json")
            assert code == 0, said
            told = [letter["state"] for one in json.loads(said) for letter in one["letters"]]
            assert len(told) == made, f"{point}: {said}"
        assert sorted(told) == ["accepted"] * 3 + ["waiting"], "a try that was cut off is due again two minutes later"
        assert len(body.letters) == 4, "it had arrived, and is the same letter when it comes again"
        kinds = [entry["transactionType"] for entry in await here.history()]
        assert (kinds.count("addressed-copy"), kinds.count("answer")) == (4, 3)


async def test_killed_while_a_desk_is_answered(template: Template, tmp_path: Path) -> None:
    """A copy that was taken and that nobody has seen is not taken again, and the history tells of the answer that was given."""
    async with street(template, tmp_path) as here:
        await collected(here)
        world: Any = SimpleNamespace(clock=here.party.clock)
        desk = Counter(world, here.party)
        desk.register()
        await pinned_for(here, tmp_path / "party.pem", here.party.entity)
        code, said = await here.run("refresh")
        assert code == 0, said
        out = tmp_path / "answer.txt"
        answer = ("answer", desk.ask(), "--yes", "--out", str(out))
        for moment, left in (("before", 20), ("after", 19)):
            await here.dies(*answer, failpoint=f"answer:{moment}")
            assert (out.exists(), (await here.cards())[0]["codes_left"]) == (False, left)
        code, said = await here.run(*answer)
        assert code == 0, said
        _, content = parse_text(out.read_text().strip())
        opened, shown = open_answer(content, desk.made)
        form = formats()[shown.format]
        form.verify(form.parse(shown.wire), here.registry.office.signer.public, binding=live_binding(opened.challenge), at=system_clock())
        assert (await here.cards())[0]["codes_left"] == 18
        lines = [entry for entry in await here.history() if entry["transactionType"] == "presentation"]
        assert [(entry["transactionResult"], entry["level"]) for entry in lines] == [("success", 3)]
