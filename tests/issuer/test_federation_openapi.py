"""The endpoints of a superior are held against the specification's promises by a program that others wrote."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest
from support.federation_openapi import document
from support.registry import Template, serving
from support.superior import COURT, SAYS, Below, enrolled

pytestmark = pytest.mark.real
KIND = "https://justice.example/marks/inspected"


async def test_schemathesis_finds_no_difference_in_a_federation(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "ministry", local=True, superior=True) as ministry:
        await enrolled(ministry, Below(superior=ministry.url), replace(SAYS, trust_marks=(KIND,)))
        mark = await (await ministry.get(f"/federation/trust-mark?{urlencode({'sub': COURT, 'trust_mark_type': KIND})}")).text()
        file = tmp_path / "openapi.json"
        file.write_text(json.dumps(document(ministry.url, COURT, KIND, mark)))
        command: list[str | Path] = [
            Path(sys.executable).with_name("schemathesis"),
            *("run", file, "--url", ministry.base),
            *("--checks", "all", "--max-examples", "25", "--seed", "7", "--no-color", "--suppress-health-check", "all"),
            # who is below, and which anchors and types there are, no schema can say
            *("--exclude-checks", "positive_data_acceptance"),
        ]
        process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        told, _ = await process.communicate()
        assert process.returncode == 0, told.decode()
