"""The OpenAPI document is held against the running wallet by a program that others wrote."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from support.wallets import serve_wallet
from support.world import CODE, World

from shared.errors import Unavailable
from shared.flow import Fetch, Fetched

pytestmark = pytest.mark.real


class Peopled(World):
    """Somebody lives at every address, and has nothing there: an address that does not answer is a 503 in its own right."""

    async def __call__(self, fetch: Fetch) -> Fetched:
        try:
            return await super().__call__(fetch)
        except Unavailable:
            return Fetched(status=404)


@pytest.mark.parametrize("api", ["/api", "/phone/api"])
async def test_schemathesis_finds_no_difference(tmp_path: Path, api: str) -> None:
    async with serve_wallet(tmp_path / "wallet", world=Peopled()) as site:
        status, told = await site.call("POST", "/api/session", {"holder": site.made.holder, "passphrase": site.made.passphrase})
        assert status == 200, told
        key = {"Authorization": f"Bearer {told['token']}"}
        async with site.http.post(f"{site.base}/api/receive", json={"link": site.world.office.link(), "code": CODE}, headers=key) as answer:
            assert answer.status == 200, await answer.text()
        command: list[str | Path] = [
            Path(sys.executable).with_name("schemathesis"),
            "run",
            f"{site.base}{api}/openapi.json",
            *("--checks", "all", "--max-examples", "8", "--seed", "7", "--no-color", "--suppress-health-check", "all"),
            # links, queries and details meet rules that no schema can say; and who signs out cannot go on
            *("--exclude-checks", "positive_data_acceptance", "--exclude-path", "/api/session"),
            *("-H", f"Authorization: {key['Authorization']}"),
        ]
        process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        seen, _ = await process.communicate()
        assert process.returncode == 0, seen.decode()
