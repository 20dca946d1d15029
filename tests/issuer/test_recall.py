"""Copies know the key that signed them, and what a key signed can be called in: cancelled, and renewed by the key that signs now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from support.registry import NOON, Holder, Registry, Template, collect, serving

from issuer import recall
from issuer.app import one_round, open_office, publisher_of
from issuer.federation.own import entity_of
from issuer.init import migrations
from issuer.recall import begin, look, sign_with_another, step, tend
from issuer.records import statuses
from issuer.records.recalls import Recall
from issuer.sessions import Actor
from shared.errors import Conflict, Malformed, Missing, Unavailable
from shared.formats import formats
from shared.openid4vci import refresh
from shared.status.token_status_list import parse_token
from shared.storage import open_storage
from shared.trust.key_proofs import COMPROMISED
from shared.trust.publication import parse_publication
from shared.trust.snapshot import KeyState
from shared.trust.statements import parse_statement

ADMIN = Actor(role="admin", name="Iris Admin")
REASON = "the key was copied"


@pytest.fixture
async def registry(template: Template, tmp_path: Path, storage_uri: str) -> AsyncIterator[Registry]:
    """On each database."""
    async with serving(template, tmp_path / "registry", storage=storage_uri) as running:
        await publisher_of(running.office).publish()
        yield running


async def made(registry: Registry, at: int = NOON, *, reference: str = "case 1", copies: int = 2) -> tuple[str, Holder]:
    """A document whose copies were handed out then."""
    registry.clock.at = at
    new = await registry.make(reference=reference)
    holder = await collect(registry, new)
    await holder.copies(copies)
    return new["id"], holder


async def entries(registry: Registry, document: str) -> list[tuple[str, int, int]]:
    sql = "SELECT signed_by, signed_at, value FROM status_entry WHERE document = $1 ORDER BY idx"
    rows = await registry.office.storage.read(lambda tx: tx.fetch(sql, document))
    return [(row["signed_by"], row["signed_at"], row["value"]) for row in rows]


async def cancelled(registry: Registry) -> tuple[int, int]:
    """Entries at 1: copies that were called in or cancelled, and decoys."""
    sql = "SELECT sum(CASE WHEN expires_at > 0 THEN 1 ELSE 0 END) AS copies, count(*) AS n FROM status_entry WHERE value = 1"
    row = await registry.office.storage.read(lambda tx: tx.fetchrow(sql))
    assert row is not None
    copies = int(row["copies"] or 0)
    return copies, int(row["n"]) - copies


async def kid(registry: Registry) -> str:
    return (await recall.keys(registry.office))[0].kid


async def report(registry: Registry) -> str:
    """The key is known to be in other hands, and another one signs."""
    known = await kid(registry)
    assert await recall.report(registry.office, known, reason=REASON, actor=ADMIN)
    return known


async def called_in(registry: Registry, known: str, since: int, count: int) -> Recall:
    return await begin(registry.office, known, since=since, reason=REASON, actor=ADMIN, confirm_count=count)


async def test_copies_know_the_key_that_signed_them(registry: Registry) -> None:
    number, _ = await made(registry, copies=3)
    assert await entries(registry, number) == [(registry.office.signer.thumbprint, NOON, 0)] * 3


async def test_nothing_by_a_compromised_key_leaves_the_office(registry: Registry) -> None:
    """Also from a process that has not heard of it yet: the database decides."""
    holder = await collect(registry, await registry.make())
    await publisher_of(registry.office).end_key(await kid(registry), KeyState.COMPROMISED, reason=REASON, actor="test")
    with pytest.raises(Unavailable):
        await holder.copies()
    await sign_with_another(registry.office, ADMIN)
    assert len((await holder.copies()).credentials) == 1


async def test_older_copies_are_by_the_first_key(tmp_path: Path) -> None:
    """Signed when their document was last delivered, or before."""
    storage, every = open_storage(f"sqlite:///{tmp_path}/old.db"), migrations()
    try:
        await storage.migrate(list(takewhile(lambda each: each.name != "issuer/0012_signed_by", every)))

        async def before(tx: Any) -> None:
            await tx.execute("INSERT INTO document (id, type, standing, version, made_at, keep_until) VALUES ('d', 'x', 0, 0, 1, 2)")
            for version, (at, kind) in enumerate(((5, "made"), (7, "collected"), (9, "held"))):
                await tx.execute("INSERT INTO event VALUES ('d', $1, $2, $3, 'clerk', '', '', 0)", version, at, kind)
            await tx.execute("INSERT INTO status_list (id, size, version, published, issued_at, token) VALUES (1, 8, 1, 0, 0, '')")
            for place, document in enumerate(("d", None)):
                await tx.execute(
                    "INSERT INTO status_entry (list, idx, document, value, expires_at) VALUES (1, $1, $2, 0, 99)", place, document
                )

        await storage.write(before)
        await storage.migrate(every)
        rows = await storage.read(lambda tx: tx.fetch("SELECT signed_by, signed_at FROM status_entry ORDER BY idx"))
        assert [(row["signed_by"], row["signed_at"]) for row in rows] == [("", 7), ("", 0)]
    finally:
        await storage.close()


async def test_what_a_key_signed_since_a_moment(registry: Registry) -> None:
    (first, _), (second, _) = await made(registry), await made(registry, NOON + 60, reference="case 2", copies=3)
    await registry.office.storage.write(lambda tx: tx.execute("UPDATE status_entry SET signed_by = '' WHERE document = $1", first))
    office, known = registry.office, await kid(registry)
    whole = await look(office, known, since=0)
    assert [(each.type, each.documents, each.copies, each.unkept) for each in whole.kinds] == [("representation", 2, 5, 0)]
    assert [(each.document, each.copies, each.signed_at, each.kept) for each in whole.rows] == [
        (second, 3, NOON + 60, True),
        (first, 2, NOON, True),
    ]
    assert (whole.documents, whole.copies, whole.unkept, whole.total, whole.pages) == (2, 5, 0, 2, 1)
    late = await look(office, whole.key.thumbprint, since=NOON + 60)
    assert ([each.document for each in late.rows], late.documents) == ([second], 1)
    for typed in (first, f"{first[:4]}-{first[4:8].lower()} {first[8:]}", "CASE 1"):
        found = await look(office, known, since=0, search=typed)
        assert ([each.document for each in found.rows], found.total, found.documents) == ([first], 1, 2)
    assert (await look(office, known, since=0, search="nobody")).total == 0
    assert (await look(office, known, since=0, page=2)).rows == []
    with pytest.raises(Missing):
        await look(office, "unknown", since=0)
    await sign_with_another(office, ADMIN)
    assert (await look(office, known, since=0)).documents == 2  # whoever signs now


async def test_only_what_was_confirmed_is_called_in(registry: Registry) -> None:
    await made(registry)
    office, known = registry.office, await kid(registry)
    with pytest.raises(Conflict, match="this key signs documents"):
        await called_in(registry, known, 0, 1)
    await report(registry)
    for count in (None, 0, 2):
        with pytest.raises(Conflict, match="confirm exactly that number"):
            await begin(office, known, since=0, reason=REASON, actor=ADMIN, confirm_count=count)
    with pytest.raises(Conflict, match="signed nothing"):
        await called_in(registry, known, NOON + 1, 0)
    for reason in (" ", "x" * 301):
        with pytest.raises(Malformed):
            await begin(office, known, since=0, reason=reason, actor=ADMIN, confirm_count=1)
    with pytest.raises(Missing):
        await called_in(registry, "unknown", 0, 1)
    assert await step(office) is None
    await called_in(registry, known, 0, 1)
    with pytest.raises(Conflict, match="already"):
        await called_in(registry, known, 0, 1)
    assert await cancelled(registry) == (0, 0)  # settled, not done


async def test_called_in_and_renewed_by_the_key_that_signs_now(registry: Registry) -> None:
    (early, _), (held, _), (late, holder) = [await made(registry, at) for at in (NOON, NOON + 60, NOON + 90)]
    await registry.call("POST", f"/api/credentials/{held}/hold", {"reason": "investigation"})
    known = await report(registry)
    await called_in(registry, known, NOON + 60, 2)
    await one_round(registry.app)
    (done,) = (await look(registry.office, known, since=0)).recalls
    assert (done.documents, done.done, done.copies, done.ended_at) == (2, 2, 4, NOON + 90)
    copies, decoys = await cancelled(registry)
    assert copies == 4
    assert decoys >= 2 * 64  # those on hold among decoys of their own (S23)
    assert [value for _, _, value in await entries(registry, early)] == [0, 0]
    assert await entries(registry, late) == await entries(registry, held) == []
    for number, state in ((late, "collected"), (held, "on_hold")):
        _, detail = await registry.call("GET", f"/api/credentials/{number}")
        last = detail["history"][-1]
        assert (detail["state"], last["what"], last["reason"], last["copies"]) == (state, "recalled", REASON, 2)
    (row,) = await registry.office.storage.read(lambda tx: tx.fetch("SELECT * FROM trust_event WHERE kind = 'recalled'"))
    assert (row["actor"], row["subject"], row["reason"]) == (ADMIN.name, known, REASON)
    assert holder.token.refresh_token is not None
    holder.token = await registry.run(refresh(holder.metadata, holder.token.refresh_token))
    fresh = (await holder.copies(2)).credentials
    assert {formats()["dc+sd-jwt"].parse(wire).x5c for wire in fresh} == {registry.office.signer.x5c}
    assert await entries(registry, late) == [(registry.office.signer.thumbprint, NOON + 90, 0)] * 2


async def test_a_list_by_a_compromised_key_is_signed_anew_at_once(registry: Registry) -> None:
    await made(registry)

    async def shown(number: int) -> tuple[bytes, ...]:
        return parse_token(await (await registry.get(f"/status/{number}")).read()).x5c

    before = [await shown(number) for number in (1, 2)]
    await sign_with_another(registry.office, ADMIN)
    assert [await shown(number) for number in (1, 2)] == before  # in good order the old key's word stands
    await publisher_of(registry.office).end_key(await kid(registry), KeyState.COMPROMISED, reason=REASON, actor="test")
    assert [await shown(number) for number in (1, 2)] == [registry.office.signer.x5c] * 2


async def test_in_batches_and_until_nothing_is_left(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that still followed the old key may hand out copies behind the place that the work has come to."""
    monkeypatch.setattr(recall, "BATCH", 2)
    numbers = sorted([(await made(registry))[0] for _ in range(5)])
    known = await report(registry)
    await called_in(registry, known, 0, 5)
    first = await step(registry.office)
    assert first is not None
    assert (first.place, first.done, first.copies, first.ended_at) == (numbers[1], 2, 4, None)
    (old,) = [each for each in await recall.keys(registry.office) if each.kid == known]

    async def behind(tx: Any) -> None:
        await statuses.reserve(
            tx, 1, [1], document=numbers[0], delivery=b"x", value=0, expires_at=NOON * 2, signed_by=old.thumbprint, signed_at=NOON
        )

    await registry.office.storage.write(behind)
    await tend(registry.office)
    (done,) = (await look(registry.office, known, since=0)).recalls
    assert (done.done, done.copies, done.ended_at) == (6, 11, NOON)
    assert (await cancelled(registry))[0] == 11
    assert await step(registry.office) is None


async def test_two_processes_share_the_work(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recall, "BATCH", 1)
    for _ in range(6):
        await made(registry)
    known = await report(registry)
    await called_in(registry, known, 0, 6)
    other = open_office(registry.directory, registry.office.settings, clock=registry.clock)
    try:
        await asyncio.gather(tend(registry.office), tend(other))
    finally:
        await other.storage.close()
        await other.custodian.close()
    (done,) = (await look(registry.office, known, since=0)).recalls
    assert (done.done, done.copies, done.ended_at) == (6, 12, NOON)


async def test_whoever_hears_this_office_is_told_at_once(registry: Registry) -> None:
    """The key that signed is in other hands: another one signs, and the snapshot says both."""
    old = registry.office.signer.thumbprint
    known = await report(registry)
    new = registry.office.signer.thumbprint
    keys = parse_publication(await (await registry.get("/.well-known/muniment-trust")).read()).snapshot.keys
    assert new != old
    assert [(keys[each].state, keys[each].until, keys[each].reason) for each in (old, new)] == [
        (KeyState.COMPROMISED, NOON, REASON),
        (KeyState.ACTIVE, None, ""),
    ]
    said = parse_statement(await entity_of(registry.office).newest()).metadata["openid_credential_issuer"]
    assert said[COMPROMISED] == [old]
    assert len(said["jwks"]["keys"]) == 1
    assert (await look(registry.office, known, since=0)).is_told
    for reason, fault in ((REASON, Conflict), ("", Malformed)):
        with pytest.raises(fault):
            await recall.report(registry.office, known, reason=reason, actor=ADMIN)
