"""A database that is full or locked: 503 with the time to come back, and nothing lost."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from support.registry import LPA_1, Registry, Template, collect, serving


async def pragma(registry: Registry, statement: str) -> None:
    await registry.office.storage.write(lambda tx: tx.fetch(f"PRAGMA {statement}"))


async def test_full(registry: Registry) -> None:
    await registry.make()
    await pragma(registry, "max_page_count = 1")  # never below what it has
    refused = 0
    body: dict[str, Any] = {"type": "representation", "claims": LPA_1}
    for number in range(60):
        status, problem = await registry.call("POST", "/api/credentials", body, headers={"Idempotency-Key": f"k{number}"})
        if status == 503:
            refused = number
            assert problem["code"] == "unavailable"
            break
        assert status == 201
    else:
        pytest.fail("the database never became full")
    total = (await registry.call("GET", "/api/credentials"))[1]["total"]
    assert total == refused + 1
    await pragma(registry, "max_page_count = 1000000")
    status, made = await registry.call("POST", "/api/credentials", body, headers={"Idempotency-Key": f"k{refused}"})
    assert status == 201
    await (await collect(registry, made)).copies(2)


async def test_locked(registry: Registry) -> None:
    made = await registry.make()
    holder = await collect(registry, made)
    await pragma(registry, "busy_timeout = 50")
    other = sqlite3.connect(registry.directory / "issuer.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    nonce = await registry.nonce()
    request = {"credential_configuration_id": "representation-sd-jwt", "proofs": {"jwt": holder.proofs(nonce, 2)}}
    headers = {"Authorization": f"Bearer {holder.token.access_token}"}
    async with registry.http.post(registry.base + "/credential", json=request, headers=headers) as answer:
        assert answer.status == 503
        assert (await answer.json())["error"] == "temporarily_unavailable"
        assert int(answer.headers["Retry-After"]) >= 1
    assert (await registry.get("/status/1")).status == 200  # readers are never in the way
    other.execute("ROLLBACK")
    other.close()
    status, issued = await registry.credential(holder.token.access_token, request)
    assert (status, len(issued["credentials"])) == (200, 2), "the nonce was not used up by the attempt that failed"


async def test_not_ready_while_the_database_is_away(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "registry") as registry:
        assert (await registry.get("/health/ready")).status == 200
        await registry.office.storage.close()
        assert (await registry.get("/health/ready")).status == 503
        assert (await registry.get("/health")).status == 200
