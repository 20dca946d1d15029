"""An office killed while it takes what a holder says, or answers it: no message is lost or taken twice, no answer is half given."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from support.dying import environment
from support.dying_corrections import LATE
from support.registry import Template

from issuer import config, corrections
from issuer.app import open_office, start, stop
from issuer.envelopes import Envelopes
from issuer.records import corrections as records
from issuer.records import documents
from issuer.sessions import SERVICE
from shared.errors import Conflict
from shared.jose.jwt import parse_jwt
from shared.web import log


def tell(directory: Path, failpoint: str) -> tuple[dict[str, str], str]:
    """What the office said before it was killed, and what it complained about."""
    command = [sys.executable, "-m", "support.dying_corrections", str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(failpoint), check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return dict(line.split(" ", 1) for line in done.stdout.splitlines()), done.stderr


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("point", "silent"), [("dispute", "received"), ("dispute-answer", "answered")])
async def test_killed_at(template: Template, tmp_path: Path, point: str, silent: str, moment: str) -> None:
    directory = tmp_path / "registry"
    shutil.copytree(template.directory, directory)
    said, _ = tell(directory, f"{point}:{moment}")
    assert silent not in said
    made = json.loads(said["made"])
    office = open_office(directory, config.read(directory))
    await start(office)
    try:
        known = await office.storage.read(lambda tx: records.count(tx, state="open"))
        assert known == (int(moment == "after") if point == "dispute" else int(moment == "before"))
        told = parse_jwt(await corrections.receive(office, Envelopes(office), made["sealed"])).claims  # the wallet posts it again
        assert told["state"] == ("refused" if (point, moment) == ("dispute-answer", "after") else "open")
        assert parse_jwt(await corrections.ask(office, made["ticket"])).claims["reference"] == told["reference"]
        (row,) = await office.storage.read(lambda tx: tx.fetch("SELECT reference, document FROM correction"))
        history = [event.kind for event in await office.storage.read(lambda tx: documents.history(tx, str(row["document"])))]
        assert history.count("disputed") == 1
        await log.check(office.storage)
        lines = await office.storage.read(lambda tx: log.page(tx, before=1_000, limit=1_000))
        entries = [line.entry.entry for line in lines if line.entry.entry is not None]
        assert [each["claim_paths"] for each in entries if each["kind"] == "disputed"] == [["represented/birthdate"]]
        assert sum(each["kind"] == "dispute-refused" for each in entries) == history.count("dispute-refused")
        if told["state"] == "refused":
            with pytest.raises(Conflict):
                await corrections.refuse(office, told["reference"], code="not-ours", words="Again.", actor=SERVICE)
    finally:
        await stop(office)


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_killed_while_it_says_that_an_answer_is_overdue(
    template: Template, tmp_path: Path, caplog: pytest.LogCaptureFixture, moment: str
) -> None:
    """It is rather said twice than never; once it is kept that it was said, it is said no more."""
    directory = tmp_path / "registry"
    shutil.copytree(template.directory, directory)
    said, complaints = tell(directory, f"dispute-clock:{moment}")
    assert ("received" in said, "reminded" in said) == (True, False)
    office = open_office(directory, config.read(directory))
    await start(office)
    try:
        (reference,) = [str(row["reference"]) for row in await office.storage.read(lambda tx: tx.fetch("SELECT reference FROM correction"))]
        overdue = f"nobody has answered in time: {reference}"
        assert complaints.count(overdue) == 1
        late, figures = replace(office, clock=lambda: office.clock() + LATE), corrections.Figures(CollectorRegistry())
        for _ in range(2):
            await corrections.tend(late, figures)
        assert caplog.messages.count(overdue) == int(moment == "before")
        await corrections.refuse(office, reference, code="not-ours", words="Ask the council.", actor=SERVICE)
    finally:
        await stop(office)
