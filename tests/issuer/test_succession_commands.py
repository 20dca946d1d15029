"""``muniment-issuer federation succeed``, ``take-over`` and ``succession``, over two services that talk to each other and by files alone."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.commands import say, two_people
from support.registry import Registry, Template, make_template, serving
from support.superior import pin

from issuer.federation import collect, publish
from shared.clock import DAY
from shared.errors import ConfigError, Conflict, Forbidden, Malformed, Refused, Unavailable
from shared.flow import Fetched
from shared.trust.federation import Federation
from shared.trust.succession import parse_succession
from shared.trust.superiors import gather
from shared.web import handing
from shared.web.context import FETCHER

HOST = ("localhost:*",)


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> list[Template]:
    """Offices with keys of their own."""
    return [asyncio.run(make_template(tmp_path_factory.mktemp(name) / name)) for name in ("abc", "greater")]


class Three:
    def __init__(self, ministry: Registry, abc: Registry, greater: Registry, iris: list[str], ben: list[str]) -> None:
        self.ministry, self.abc, self.greater, self.iris, self.ben = ministry, abc, greater, iris, ben

    async def join(self, body: Registry) -> None:
        lines = await say(self.ministry.office, "invite", body.url, "--name", "A council", *self.iris)
        await say(body.office, "join", self.ministry.url, lines[1].split()[-1])
        await say(self.ministry.office, "approve", body.url, "--version", "2", *self.ben)

    async def known(self) -> Federation:
        anchor = await pin(self.ministry)
        gathered = await self.ministry.run(gather(anchor, at=self.ministry.clock()))
        return Federation((anchor,), gathered.words)


@pytest.fixture
async def three(template: Template, templates: list[Template], tmp_path: Path) -> AsyncIterator[Three]:
    async with serving(template, tmp_path / "ministry", local=True, superior=True, outbound_allow=HOST) as ministry:
        below = {"local": True, "authority_hints": (ministry.url,), "outbound_allow": HOST}
        async with serving(templates[0], tmp_path / "abc", **below) as abc, serving(templates[1], tmp_path / "greater", **below) as greater:  # type: ignore[arg-type]
            found = Three(ministry, abc, greater, *await two_people(ministry, tmp_path))
            for body in (abc, greater):
                await found.join(body)
            await collect.visit(ministry.office, ministry.app[FETCHER])
            await publish.publish(ministry.office)
            yield found


async def test_two_councils_merge(three: Three, tmp_path: Path) -> None:
    """ABC hands over; Greater Anytown accepts and sends it; two people of the superior look."""
    file, abc, greater = str(tmp_path / "statement"), three.abc, three.greater
    lines = await say(
        abc.office, "succeed", greater.url, "--carry", "council-tax", "--status-duty", "--note", "Kept by Greater Anytown.", "--out", file
    )  # fmt: skip
    assert "uses handed over council-tax" in lines
    told = await say(greater.office, "take-over", file, "--send", three.ministry.url)
    assert "people of" in told[-1]
    version = ["--version", "1"]
    assert "looked at it" in (await say(three.ministry.office, "succession", "approve", abc.url, greater.url, *version, *three.iris))[0]
    with pytest.raises(Forbidden):
        await say(three.ministry.office, "succession", "approve", abc.url, greater.url, "--version", "2", *three.iris)
    done = await say(three.ministry.office, "succession", "approve", abc.url, greater.url, "--version", "2", *three.ben)
    assert "Published as number" in done[0]
    found = (await three.known()).successor(abc.url, three.ministry.clock())
    assert found is not None
    assert (found.purposes_carried, found.status_duty, found.note.cy) == (("council-tax",), True, "Kept by Greater Anytown.")
    assert "  published" in await say(three.ministry.office, "succession", "list")
    await say(three.ministry.office, "succession", "withdraw", abc.url, greater.url, "--version", "3", "--reason", "repealed", *three.ben)
    assert (await three.known()).successor(abc.url, three.ministry.clock()) is None


async def test_merger_day_by_files_alone(three: Three, tmp_path: Path) -> None:
    """ABC's key is lost: its superior says it, and nothing goes over the network."""
    statement, both = str(tmp_path / "statement"), str(tmp_path / "both")
    ministry, abc, greater = three.ministry.office, three.abc.url, three.greater.url
    yesterday = dt.datetime.fromtimestamp(three.ministry.clock() - DAY, dt.UTC).date().isoformat()
    await say(ministry, "end", abc, "--reason", "its key is lost", "--compromised", *three.iris)
    lines = await say(
        ministry, "succeed", greater, "--outgoing", abc, "--from", yesterday, "--vct", "urn:a", "--may-cancel", "--private",
        "--note", "Kept elsewhere.", "--note-cy", "Cedwir mewn man arall.", "--out", statement, *three.iris,
    )  # fmt: skip
    assert {"documents        urn:a", "private body     yes", "words            Cedwir mewn man arall."} <= set(lines)
    assert "Nobody takes over from anybody." in await say(ministry, "succession", "list")
    await say(three.greater.office, "take-over", statement, "--out", both)
    assert parse_succession(handing.read(both)).issuer == three.ministry.url
    lines = await say(ministry, "succession", "offer", both, *three.iris)
    assert "Waits as version 1" in lines[-1]
    assert (
        "Dropped"
        in (await say(ministry, "succession", "approve", abc, greater, "--version", "1", "--refuse", "the wrong day", *three.ben))[0]
    )
    await say(ministry, "succession", "offer", both, *three.iris)
    await say(ministry, "succession", "approve", abc, greater, "--version", "3", *three.ben)
    assert (await three.known()).successor(abc, three.ministry.clock(), vct="urn:a") is not None


async def test_what_goes_wrong_is_told(three: Three, tmp_path: Path) -> None:
    statement = str(tmp_path / "statement")
    await say(three.abc.office, "succeed", three.greater.url, "--out", statement)
    with pytest.raises(Forbidden, match="names another body"):
        await say(three.abc.office, "take-over", statement, "--out", statement)
    with pytest.raises(ConfigError, match="say where"):
        await say(three.greater.office, "take-over", statement)
    with pytest.raises(ConfigError, match="cannot read"):
        await say(three.greater.office, "take-over", str(tmp_path / "nothing"), "--out", statement)
    with pytest.raises(ConfigError, match="cannot write"):
        await say(three.abc.office, "succeed", three.greater.url, "--out", str(tmp_path / "no" / "folder"))
    with pytest.raises(Malformed):
        await say(three.greater.office, "take-over", statement, "--send", "the ministry")
    await say(three.greater.office, "take-over", statement, "--send", three.ministry.url)
    with pytest.raises(Refused, match="newer statement"):
        await say(three.greater.office, "take-over", statement, "--send", three.ministry.url)
    with pytest.raises(Conflict):
        await say(three.ministry.office, "succession", "approve", three.abc.url, three.greater.url, "--version", "9", *three.ben)


def test_a_superior_that_says_nothing_useful() -> None:
    assert isinstance(handing.refusal_of(Fetched(status=503)), Unavailable)
    assert "it answered 404" in handing.refusal_of(Fetched(status=404, body=b"<html>")).detail
