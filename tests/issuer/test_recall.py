"""Copies know the key that signed them, so that what a key signed can be called in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.registry import NOON, Registry, collect

from issuer.app import publisher_of
from issuer.init import migrations
from shared.errors import Unavailable
from shared.storage import Migration, open_storage
from shared.trust.snapshot import KeyState


async def entries(registry: Registry, document: str) -> list[tuple[str, int]]:
    sql = "SELECT signed_by, signed_at FROM status_entry WHERE document = $1 ORDER BY idx"
    return [(row["signed_by"], row["signed_at"]) for row in await registry.office.storage.read(lambda tx: tx.fetch(sql, document))]


async def test_copies_know_the_key_that_signed_them(registry: Registry) -> None:
    made = await registry.make()
    await (await collect(registry, made)).copies(3)
    assert await entries(registry, made["id"]) == [(registry.office.signer.thumbprint, NOON)] * 3


async def test_nothing_by_a_compromised_key_leaves_the_office(registry: Registry) -> None:
    """Also from a process that has not heard of it yet: the database decides."""
    holder = await collect(registry, await registry.make())
    (key,) = await registry.office.storage.read(lambda tx: tx.fetch("SELECT kid FROM own_key WHERE role = 'credential-issuer'"))
    await publisher_of(registry.office).end_key(key["kid"], KeyState.COMPROMISED, reason="stolen", actor="test")
    with pytest.raises(Unavailable):
        await holder.copies()


async def test_older_copies_are_by_the_first_key(tmp_path: Path) -> None:
    """Signed when their document was last delivered, or before."""
    storage, every = open_storage(f"sqlite:///{tmp_path}/old.db"), migrations()
    old: list[Migration] = [each for each in every if each.name != "issuer/0012_signed_by"]
    try:
        await storage.migrate(old)

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
