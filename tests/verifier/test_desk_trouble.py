"""A database that is full or locked: 503 with the time to come back, and nothing lost. Bombs and other large things."""

from __future__ import annotations

import sqlite3
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from support.desk import Running, Template, copy_file, present, serving
from support.signing import AT

from shared import addressed
from shared.codec import base45
from shared.errors import Unavailable
from shared.openid4vp import render_response
from verifier.app import one_round


async def pragma(desk: Running, statement: str) -> None:
    await desk.desk.storage.write(lambda tx: tx.fetch(f"PRAGMA {statement}"))


async def test_full(desk: Running) -> None:
    """What was shown is not taken while it cannot be kept, so that the same answer is good afterwards."""
    asked = await desk.ask()
    request = await desk.read(asked)
    body = render_response(request, present(request, at=AT))
    await pragma(desk, "max_page_count = 1")  # never below what it has
    for number in range(200):
        status, problem = await desk.call("POST", "/api/presentation-requests", {"type": "representation", "query": "bank"})
        if status == 503:
            assert problem["code"] == "unavailable"
            break
        assert status == 201, number
    else:
        pytest.fail("the database never became full")
    statuses = {(await desk.post(asked, body))[0] for _ in range(2)}
    await pragma(desk, "max_page_count = 1000000")
    if statuses == {503}:
        assert (await desk.post(asked, body))[0] == 200
    assert (await desk.state(asked))["decision"] == "accepted"
    assert (await desk.call("GET", "/api/log"))[1]["size"] == 1


async def test_locked(desk: Running) -> None:
    asked = await desk.ask()
    request = await desk.read(asked)
    body = render_response(request, present(request, at=AT))
    await pragma(desk, "busy_timeout = 50")
    other = sqlite3.connect(desk.desk.directory / "verifier.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    status, told = await desk.post(asked, body)
    assert (status, told["error"]) == (503, "temporarily_unavailable")
    assert (await desk.state(asked))["state"] == "retrieved"  # readers are never in the way
    other.execute("ROLLBACK")
    other.close()
    assert (await desk.post(asked, body))[0] == 200, "the nonce was not used up by the attempt that failed"


async def test_not_ready_while_the_database_is_away(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk") as desk:
        for path, status in (("/health/ready", 200), ("/health", 200)):
            async with desk.http.get(desk.base + path) as answer:
                assert answer.status == status
        await desk.desk.storage.close()
        async with desk.http.get(f"{desk.base}/health/ready") as answer:
            assert answer.status == 503


@pytest.mark.parametrize("size", [100_000_000, 70_000])
async def test_a_bomb_in_a_square_code_is_only_a_bad_copy(desk: Running, size: int) -> None:
    bomb = addressed.PREFIX + base45.encode(zlib.compress(b" " * size, 9))
    headers = {"Authorization": f"Bearer {desk.api_key}", "Content-Type": "text/plain"}
    async with desk.http.post(f"{desk.base}/api/copies", data=BytesIO(bomb.encode()), headers=headers) as answer:
        state = await answer.json()
    assert (answer.status, state["decision"]) == (201, "rejected")
    assert state["code"] in {"malformed", "too_large"}


async def test_what_is_larger_than_any_copy_is_not_read(desk: Running) -> None:
    headers = {"Authorization": f"Bearer {desk.api_key}", "Content-Type": "image/png"}
    async with desk.http.post(f"{desk.base}/api/copies", data=BytesIO(b"x" * 20_100_000), headers=headers) as answer:
        assert answer.status == 413
    big = copy_file().replace(b'"format"', b'"padding":"' + b"x" * 4_100_000 + b'","format"')
    headers |= {"Content-Type": "application/json"}
    async with desk.http.post(f"{desk.base}/api/copies", data=BytesIO(big), headers=headers) as answer:
        assert (answer.status, (await answer.json())["code"]) == (201, "too_large")


async def test_a_round_that_fails_takes_off_the_disk_all_the_same(desk: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong in it may go wrong for weeks."""

    async def fail(*_: object) -> None:
        raise Unavailable("out of order")

    monkeypatch.setattr("verifier.app.watching.look", fail)
    await desk.ask()
    wal = desk.desk.directory / "verifier.db-wal"
    assert wal.stat().st_size > 0
    with pytest.raises(Unavailable, match="out of order"):
        await one_round(desk.app)
    assert wal.stat().st_size == 0
