"""Killed at each write of issuance, right before and right after it is durable; after a restart everything is whole or was never there."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.dying import environment
from support.issuing_story import CLERK, HOLDER, copies
from support.registry import LPA_1, Template

from issuer import authorize, config, offers
from issuer.app import open_office, start, stop
from issuer.clients import Prover
from issuer.nonces import fresh_nonce
from issuer.office import Office
from issuer.publish import StatusLists
from issuer.records import documents, statuses
from shared.errors import InvalidGrant, InvalidNonce, VcError
from shared.openid4vci import PreAuthorizedRequest, RefreshRequest
from shared.status.token_status_list import CWT_MEDIA_TYPE, StatusList, parse_token
from shared.web import log

POINTS = {
    "make": "made",
    "redeem": "redeemed",
    "issue": "issued",
    "notify": "notified",
    "refresh": "refreshed",
    "invite": "invited",
    "change": "changed",
    "publish": "published",
}


def tell(directory: Path, failpoint: str) -> tuple[int, dict[str, Any]]:
    """Run the story; how it ended, and what it said before."""
    command = [sys.executable, "-m", "support.issuing_story", str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(failpoint), check=False, timeout=60)
    said = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    return done.returncode, {step: json.loads(values) for step, values in said.items()}


@asynccontextmanager
async def reopened(directory: Path) -> AsyncIterator[Office]:
    office = open_office(directory, config.read(directory))
    await start(office)
    try:
        yield office
    finally:
        await stop(office)


async def rows(office: Office, sql: str) -> list[dict[str, Any]]:
    found = await office.storage.read(lambda tx: tx.fetch(sql))
    return [dict(row) for row in found]  # type: ignore[call-overload]  # a row has keys, whatever the protocol asks for


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("point", POINTS)
async def test_killed_at(template: Template, tmp_path: Path, point: str, moment: str) -> None:
    directory = tmp_path / "registry"
    shutil.copytree(template.directory, directory)
    code, said = tell(directory, f"{point}:{moment}")
    assert code == -signal.SIGKILL
    assert POINTS[point] not in said, "nothing is told before it is durable"
    async with reopened(directory) as office:
        await _nothing_is_half_done(office)
        await _WHOLE[point](office, said, durable=moment == "after")


async def _nothing_is_half_done(office: Office) -> None:
    """Holds after every crash, wherever it was."""
    for document in await rows(office, "SELECT id, version, standing FROM document"):
        history = await office.storage.read(partial(documents.history, document=document["id"]))
        assert len(history) == document["version"] + 1
        copied = sum(event.copies for event in history if event.kind in {"collected", "renewed"})
        mine = await rows(office, f"SELECT list, idx, value FROM status_entry WHERE document = '{document['id']}'")  # noqa: S608 - an id that the office just made
        assert len(mine) == copied
        assert {row["value"] for row in mine} <= {document["standing"]}
        assert len(await rows(office, f"SELECT id FROM invitation WHERE document = '{document['id']}'")) >= 1  # noqa: S608 - an id that the office just made
    await _the_log_tells_it(office)
    lists = StatusLists(office)
    listed, other = parse_token((await lists.get(1)).body), parse_token((await lists.get(1, CWT_MEDIA_TYPE)).body)
    assert (other.iat, other.compressed) == (listed.iat, listed.compressed)
    told = StatusList.from_bytes(listed.bits, zlib.decompress(listed.compressed))
    assert {row["idx"]: row["value"] for row in await rows(office, "SELECT idx, value FROM status_entry WHERE value <> 0")} == {
        index: value for index in range(told.size) if (value := told.get(index))
    }
    known = await office.storage.read(lambda tx: statuses.published(tx, 1))
    assert known is not None
    assert (listed.iat, known.version) == (known.issued_at, known.published)


async def _the_log_tells_it(office: Office) -> None:
    """Each thing that was done is entered once, and nothing that was not."""
    await log.check(office.storage)
    lines = await office.storage.read(lambda tx: log.page(tx, before=1_000, limit=1_000))
    entries = [line.entry.entry for line in lines if line.entry.entry is not None]
    made = [entry for entry in entries if entry["kind"] == "made"]
    assert len(made) == len(await rows(office, "SELECT id FROM document"))
    delivered = sum(entry["copies"] for entry in entries if entry["kind"] == "delivered")
    assert delivered == len(await rows(office, "SELECT idx FROM status_entry WHERE document IS NOT NULL"))
    changed = [entry["kind"] for entry in entries if entry["kind"] in {"held", "reinstated", "cancelled"}]
    assert len(changed) == len(await rows(office, "SELECT kind FROM event WHERE kind IN ('held', 'reinstated', 'cancelled')"))


async def _made(office: Office, _: dict[str, Any], *, durable: bool) -> None:
    assert len(await rows(office, "SELECT id FROM document")) == int(durable)
    order = offers.Order(type="representation", claims=LPA_1, reference="case 1")
    made = await offers.make(office, order, actor=CLERK, idempotency_key="once")  # the caller asks again
    assert len(await rows(office, "SELECT id FROM document")) == 1
    code = offers.pre_authorized_code(made.secrets.token)
    await authorize.token(office, PreAuthorizedRequest(code=code, tx_code=made.secrets.code))


async def _redeemed(office: Office, said: dict[str, Any], *, durable: bool) -> None:
    request = PreAuthorizedRequest(code=said["made"]["code"], tx_code=said["made"]["tx_code"])
    if durable:  # the answer was lost: the code is used, and the office makes a new invitation
        with pytest.raises(InvalidGrant):
            await authorize.token(office, request, HOLDER)
    else:
        await authorize.token(office, request, HOLDER)
        with pytest.raises(InvalidGrant):
            await authorize.token(office, request, HOLDER)


async def _issued(office: Office, said: dict[str, Any], *, durable: bool) -> None:
    access, nonce = said["redeemed"]["access"], said["nonce"]["nonce"]
    before = {(row["list"], row["idx"]) for row in await rows(office, "SELECT list, idx FROM status_entry")}
    assert len(before) == (3 if durable else 0)
    if durable:
        with pytest.raises(InvalidNonce):
            await copies(office, access, nonce, 3)
        nonce = await fresh_nonce(office)
    await copies(office, access, nonce, 3)
    after = [(row["list"], row["idx"]) for row in await rows(office, "SELECT list, idx FROM status_entry")]
    assert len(after) == len(set(after)) == len(before) + 3


async def _notified(office: Office, _: dict[str, Any], *, durable: bool) -> None:
    told = [row["told"] for row in await rows(office, "SELECT told FROM delivery")]
    assert told == (["credential_accepted"] if durable else [""])


async def _refreshed(office: Office, said: dict[str, Any], *, durable: bool) -> None:
    """Whether the answer was lost or not: the token serves its own key again until the next one was used, and then ends them all."""
    assert durable in (True, False)
    request = RefreshRequest(refresh_token=said["redeemed"]["refresh"])
    await authorize.token(office, request, HOLDER)
    with pytest.raises(InvalidGrant):
        await authorize.token(office, request, Prover(jkt="thumbprint-of-another-key"))
    following = await authorize.token(office, request, HOLDER)
    last = await authorize.token(office, RefreshRequest(refresh_token=following.refresh_token or ""), HOLDER)
    for old in (request, RefreshRequest(refresh_token=last.refresh_token or "")):
        with pytest.raises(InvalidGrant):
            await authorize.token(office, old, HOLDER)


async def _invited(office: Office, said: dict[str, Any], *, durable: bool) -> None:
    states = sorted(row["state"] for row in await rows(office, "SELECT state FROM invitation"))
    assert states == (["offered", "redeemed"] if durable else ["redeemed"])
    request = RefreshRequest(refresh_token=said["refreshed"]["refresh"])
    if durable:
        with pytest.raises(VcError):
            await authorize.token(office, request, HOLDER)
    else:
        await authorize.token(office, request, HOLDER)


async def _changed(office: Office, _: dict[str, Any], *, durable: bool) -> None:
    assert [row["standing"] for row in await rows(office, "SELECT standing FROM document")] == [int(durable)]
    decoys = await rows(office, "SELECT idx FROM status_entry WHERE document IS NULL")
    assert (len(decoys) >= 64) == durable


async def _published(office: Office, _: dict[str, Any], *, durable: bool) -> None:
    assert durable in (True, False)
    assert (await rows(office, "SELECT published FROM status_list"))[0]["published"] == 2


_WHOLE = {
    "make": _made,
    "redeem": _redeemed,
    "issue": _issued,
    "notify": _notified,
    "refresh": _refreshed,
    "invite": _invited,
    "change": _changed,
    "publish": _published,
}


async def test_the_story_without_a_crash(template: Template, tmp_path: Path) -> None:
    directory = tmp_path / "registry"
    shutil.copytree(template.directory, directory)
    code, said = tell(directory, "")
    assert code == 0
    assert list(said)[-1] == "published"
