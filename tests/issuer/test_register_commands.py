"""``muniment-issuer federation register``: from the invitation to the end, by two persons who say who they are."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support import commands
from support.commands import two_people
from support.federation import MINISTRY
from support.registering import COUNCIL, Applicant
from support.registry import URL, Registry, Template, serving
from support.superior import add_ben

from issuer.federation import registrar
from issuer.records.askers import State
from shared.clock import DAY
from shared.errors import Conflict, Forbidden, WrongPassphrase


@pytest.fixture
async def office(template: Template, tmp_path: Path) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "registrar", superior=True, authority_hints=(MINISTRY,)) as running:
        yield running


@pytest.fixture
async def people(office: Registry, tmp_path: Path) -> tuple[list[str], list[str]]:
    return await two_people(office, tmp_path)


async def say(office: Registry, *words: str) -> list[str]:
    return await commands.say(office.office, "register", *words)


async def test_from_the_invitation_to_the_end(office: Registry, people: tuple[list[str], list[str]]) -> None:
    (iris, ben), council = people, Applicant(office)
    assert await say(office, "list") == ["Nobody."]
    told = await say(office, "invite", COUNCIL, "--name", "Council", *iris)
    assert told[1].startswith(f"  muniment-verifier uses apply {URL} ")
    assert "counts for nothing" in told[2]
    await registrar.apply(office.office, council.token(), told[1].split()[-1], shown=False)
    (waiting,) = json.loads((await say(office, "list", "--json"))[0])
    assert (waiting["state"], waiting["uses"], waiting["wanted"]) == ("invited", [], ["council-tax"])
    assert waiting["its_address_shows_it"] is False
    assert "waits for a second person" in (await say(office, "list"))[0]
    version = ["--version", str(waiting["version"])]
    with pytest.raises(Forbidden):
        await say(office, "approve", COUNCIL, *version, "--compared", *iris)
    with pytest.raises(Conflict):
        await say(office, "approve", COUNCIL, *version, *ben)
    assert "Registered, and published as number" in (await say(office, "approve", COUNCIL, *version, "--compared", *ben))[0]
    lines = await say(office, "list", COUNCIL)
    assert "until" in lines[0]
    assert any("approved by Ben" in line for line in lines)
    assert "Ended, and published" in (await say(office, "end", COUNCIL, "--reason", "merged", "--compromised", *ben))[0]
    assert (await council.row()).state is State.ENDED


async def test_sent_back_or_announced(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "slow", superior=True, objection_days=30) as office:
        file = tmp_path / "ben.txt"
        file.write_text(await add_ben(office))
        ben, council = ["--by", "Ben", "--passphrase-file", str(file)], Applicant(office)
        found = await council.apply()
        assert "Dropped." in (await say(office, "approve", COUNCIL, "--version", str(found.version), "--refuse", "too wide", *ben))[0]
        office.clock.at += 60
        found = await council.apply()
        told = await say(office, "approve", COUNCIL, "--version", str(found.version), *ben)
        assert told[0].startswith(f"Announced on {URL}/registered; it counts from ")
        assert "announced, counts from" in (await say(office, "list"))[0]
        assert (await council.row()).counts_at == office.clock() + 30 * DAY


async def test_a_stranger_and_an_office_that_speaks_for_nobody(registry: Registry, office: Registry, tmp_path: Path) -> None:
    file = tmp_path / "nobody.txt"
    file.write_text("a passphrase of nobody")
    who = ["--by", "Nobody", "--passphrase-file", str(file)]
    with pytest.raises(WrongPassphrase):
        await say(office, "invite", COUNCIL, "--name", "Council", *who)
    for words in (["invite", COUNCIL, "--name", "C"], ["approve", COUNCIL, "--version", "1"], ["end", COUNCIL, "--reason", "x"]):
        with pytest.raises(Forbidden):
            await say(registry, *words, *who)
