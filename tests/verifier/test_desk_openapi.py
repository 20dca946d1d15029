"""The OpenAPI document is held against the running desk by a program that others wrote."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema_rs import validator_for
from support.desk import Template, serving
from support.signing import AT

from shared.verify import VERDICT_SCHEMA

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    "which",
    [
        # questions meet rules that no schema can say: ready ones by name, DCQL by its own specification
        ("--exclude-path", "/api/copies", "--exclude-checks", "positive_data_acceptance"),
        # a copy is whatever a stranger wrote: it always gets a verdict
        ("--include-path", "/api/copies", "--exclude-checks", "negative_data_rejection"),
        # what no schema says of a W3C document is told with 400 as well
        ("--include-path-regex", "^/(credentials|presentations)/verify$", "--exclude-checks", "positive_data_acceptance"),
    ],
    ids=["questions", "copies", "w3c"],
)
async def test_schemathesis_finds_no_difference(template: Template, tmp_path: Path, which: tuple[str, ...]) -> None:
    async with serving(template, tmp_path / "desk", local=True, vc_api="verify" in which[1]) as desk:
        await desk.answer(await desk.ask())
        command: list[str | Path] = [
            Path(sys.executable).with_name("schemathesis"),
            "run",
            f"{desk.base}/api/openapi.json",
            *("--checks", "all", "--max-examples", "8", "--seed", "7", "--no-color", "--suppress-health-check", "all"),
            *which,
            *("-H", f"Authorization: Bearer {desk.api_key}"),
        ]
        process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        told, _ = await process.communicate()
        assert process.returncode == 0, told.decode()


async def test_verdicts_are_of_their_schema(template: Template, tmp_path: Path) -> None:
    check = validator_for(VERDICT_SCHEMA)
    async with serving(template, tmp_path / "desk") as desk:
        good, bad = await desk.ask(), await desk.ask()
        await desk.answer(good)
        await desk.answer(bad, expires_at=AT - 60)
        for asked in (good, bad):
            check.validate((await desk.state(asked))["verdict"])
        async with desk.http.get(f"{desk.base}/api/schemas/verdict") as answer:
            assert await answer.json() == VERDICT_SCHEMA
