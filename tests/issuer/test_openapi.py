"""The OpenAPI document is held against the running service by a program that others wrote."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from support.registry import Template, serving

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    ("vc_api", "which"),
    [("off", ()), ("did:key", ("--include-path", "/credentials/issue"))],
    ids=["documents", "w3c"],
)
async def test_schemathesis_finds_no_difference(template: Template, tmp_path: Path, vc_api: str, which: tuple[str, ...]) -> None:
    async with serving(template, tmp_path / "registry", local=True, vc_api=vc_api) as registry:
        await registry.make(reference="case 1")
        command: list[str | Path] = [
            Path(sys.executable).with_name("schemathesis"),
            "run",
            f"{registry.base}/api/openapi.json",
            *("--checks", "all", "--max-examples", "8", "--seed", "7", "--no-color", "--suppress-health-check", "all"),
            # claims have a schema of their own, by type, and dates, references and reasons meet rules that no schema can say
            *("--exclude-checks", "positive_data_acceptance"),
            *which,
            *("-H", f"Authorization: Bearer {registry.api_key}"),
        ]
        process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        told, _ = await process.communicate()
        assert process.returncode == 0, told.decode()
