"""What a key signed, and calling it in, from the command line: killed at any write it is whole, and goes on when it is asked again."""

from __future__ import annotations

import asyncio
import signal
import sys

import pytest
from support.dying import dies, environment
from support.registry import NOON, Registry, collect

from issuer import recall
from issuer.app import one_round, publisher_of
from issuer.records.recalls import Recall
from issuer.sessions import Actor
from shared.errors import Conflict
from shared.trust.publication import parse_publication
from shared.trust.snapshot import KeyState


async def run(registry: Registry, *words: str, failpoint: str = "") -> tuple[int, str, str]:
    """The program, beside the service that runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "issuer", "keys", *words, "--dir", str(registry.directory),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment(failpoint),
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def stolen(registry: Registry, documents: int) -> str:
    """A key that signed so many documents, each a minute after the other, and is known to be in other hands."""
    for place in range(documents):
        registry.clock.at = NOON + 60 * place
        await (await collect(registry, await registry.make(reference=f"case {place}"))).copies(2)
    (key,) = await recall.keys(registry.office)
    await publisher_of(registry.office).end_key(key.kid, KeyState.COMPROMISED, reason="the disk was stolen", actor="test")
    return key.kid


async def recalls(registry: Registry, kid: str) -> tuple[list[Recall], int]:
    found = await recall.look(registry.office, kid, since=0)
    return list(found.recalls), found.documents


async def test_shown_and_called_in(registry: Registry) -> None:
    kid = await stolen(registry, 3)
    code, out, _ = await run(registry, "signed", kid, "--since", "2027-01-15T12:01:00")
    assert code == 0
    assert f"key {kid}  compromised" in out
    assert "representation: 2 documents, 4 copies that can be used\n" in out
    assert "in force  2 copies, the last signed 2027-01-15T12:02:00Z" in out
    code, out, _ = await run(registry, "signed", kid, "--search", "Case 0")
    assert (code, out.count("  representation  ")) == (0, 1)
    again = ("recall", kid, "--since", "2027-01-15T13:01+01:00", "--reason", "the disk was stolen")
    code, _, err = await run(registry, *again)
    assert (code, "this would call in 2 documents" in err) == (1, True)
    code, out, err = await run(registry, *again, "--confirm-count", "2")
    assert (code, err) == (0, "")
    assert "called in: 2 of 2 documents, 4 copies, done" in out
    code, out, _ = await run(registry, "signed", kid)
    assert "in all: 1 documents, 2 copies" in out
    assert "by command line" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("signed",), "say which key"),
        (("signed", "unknown"), "there is no such key"),
        (("signed", "unknown", "--since", "yesterday"), "a moment is written as"),
        (("recall", "unknown", "--reason", "why"), "there is no such key"),
    ],
)
async def test_what_is_wrong_is_said(registry: Registry, words: tuple[str, ...], said: str) -> None:
    code, _, err = await run(registry, *words)
    assert code in {1, 64, 78}
    assert said in err


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("point", ["recall-begin", "recall"])
async def test_killed_at(registry: Registry, point: str, moment: str) -> None:
    kid = await stolen(registry, 2)
    words = ("recall", kid, "--reason", "the disk was stolen", "--confirm-count", "2")
    code, out, _ = await run(registry, *words, failpoint=f"{point}:{moment}")
    assert (code, out) == (-signal.SIGKILL, "")
    known, left = await recalls(registry, kid)
    assert len(known) == (0 if (point, moment) == ("recall-begin", "before") else 1)
    assert left == (0 if (point, moment) == ("recall", "after") else 2)
    code, out, _ = await run(registry, *words)
    assert code == 0
    ((done,), left) = await recalls(registry, kid)
    assert (done.documents, done.done, done.copies, left) == (2, 2, 4, 0)
    assert done.ended_at is not None
    rows = await registry.office.storage.read(lambda tx: tx.fetch("SELECT * FROM event WHERE kind = 'recalled'"))
    assert len(rows) == 2  # once each


async def test_killed_while_a_key_is_reported(registry: Registry) -> None:
    """Once it is written down everybody hears it, whoever was killed before it was said."""
    (key,) = await recall.keys(registry.office)
    told = []
    for moment in ("before", "after"):
        await dies("dying_office", f"end-key:{moment}", registry.directory, registry.clock(), "report", key.kid)
        await one_round(registry.app)
        said = parse_publication(await (await registry.get("/.well-known/muniment-trust")).read()).snapshot.keys
        told.append(said[key.thumbprint].state)
    assert told == [KeyState.ACTIVE, KeyState.COMPROMISED]
    with pytest.raises(Conflict):
        await recall.report(registry.office, key.kid, reason="again", actor=Actor(role="admin", name="Ana"))
    assert len((await (await collect(registry, await registry.make())).copies()).credentials) == 1, "by another key"


async def test_asked_for_more_than_what_is_under_way(registry: Registry) -> None:
    """What goes on is done first; then the rest, once that number was confirmed, and not a word of success before."""
    kid = await stolen(registry, 3)
    iris = Actor(role="admin", name="Iris")
    await recall.begin(registry.office, kid, since=NOON + 60, reason="made by nobody here", actor=iris, confirm_count=2)
    words = ("recall", kid, "--reason", "the disk was stolen", "--confirm-count")
    code, out, err = await run(registry, *words, "3")
    assert (code, "called in: 2 of 2 documents, 4 copies, done" in out, "lists of copies" in out) == (1, True, False)
    assert "this would call in 1 documents" in err
    code, out, _ = await run(registry, *words, "1")
    assert (code, "called in: 1 of 1 documents, 2 copies, done" in out) == (0, True)
    known, left = await recalls(registry, kid)
    assert (len(known), left) == (2, 0)
