"""The wallet program is killed right before and right after each of its writes; then it is run again.

Nothing may be half kept, no copy shown twice, nothing lost but what the other side already gave away: a code that was redeemed the moment
before the grant could be written down.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from support.answering import answering
from support.registry import URL, Registry, Template, serving
from support.wallets import EASY, PASSPHRASE
from support.world import Party

from issuer import init
from shared.clock import system_clock, system_entropy
from shared.x509 import render_pem
from wallet.init import Wish, set_up

pytestmark = pytest.mark.real

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Street:
    """A real office, a real asker, and the folder of a wallet."""

    registry: Registry
    party: Party
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    async def run(self, *arguments: str, failpoint: str = "") -> tuple[int, str]:
        """One run of the program: exit code and everything that it said."""
        self.registry.clock.at = system_clock()
        environment = self.environment | ({"MUNIMENT_WALLET_FAILPOINT": failpoint} if failpoint else {})
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "wallet", *arguments, "--dir", str(self.folder),
            cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode()

    async def dies(self, *arguments: str, failpoint: str) -> None:
        code, said = await self.run(*arguments, failpoint=failpoint)
        assert code == -signal.SIGKILL, f"{failpoint}: {code} {said}"

    async def cards(self) -> list[dict[str, Any]]:
        code, said = await self.run("list", "--json")
        assert code == 0, said
        return list(json.loads(said))

    async def history(self) -> list[dict[str, Any]]:
        code, said = await self.run("history", "--json")
        assert code == 0, said
        return list(json.loads(said)["entries"])


async def office(folder: Path) -> Template:
    """An office whose certificates are of today."""
    wish = init.Wish(
        directory=folder,
        name="Office (test)",
        public_url=URL,
        port=8101,
        storage="",
        operator="Iris Admin",
        passphrase="correct-horse-battery",
    )
    return Template(folder, await init.set_up(wish, clock=lambda: system_clock() - 7_200, entropy=system_entropy))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(office(tmp_path_factory.mktemp("office") / "registry"))


@asynccontextmanager
async def street(template: Template, folder: Path) -> AsyncIterator[Street]:
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(serving(template, folder / "registry", local=True))
        party = await stack.enter_async_context(answering())
        (folder / "party.pem").write_text(render_pem(party.by.certificate.der))
        wish = Wish(
            folder=folder / "wallet",
            public_url="http://localhost:8102",
            port=8102,
            holder="Nora",
            passphrase=PASSPHRASE,
            trust=(f"{folder}/registry/anchor.pem:credential-issuer:{registry.url}", f"{folder}/party.pem:relying-party"),
        )
        await set_up(wish, clock=system_clock, entropy=system_entropy, hardness=EASY)
        (folder / "passphrase").write_text(PASSPHRASE)
        plain = {name: value for name, value in os.environ.items() if not name.startswith("MUNIMENT_")}
        yield Street(registry, party, folder / "wallet", plain | {"MUNIMENT_WALLET_PASSPHRASE_FILE": str(folder / "passphrase")})


async def test_killed_while_collecting(template: Template, tmp_path: Path) -> None:
    async with street(template, tmp_path) as here:
        kept = []
        for point, moment in product(("invite", "receive-token", "receive", "notified", "status"), ("before", "after")):
            made = await here.registry.make()
            collect = ("receive", made["invitation_link"], "--code", made["code"])
            await here.dies(*collect, failpoint=f"{point}:{moment}")
            code, said = await here.run(*collect)
            if (point, moment) == ("receive-token", "before"):  # the office has changed the code, and nobody could write it down
                assert code == 1
                assert "invalid_grant" in said
                continue
            assert code == 0, f"{point}:{moment}: {said}"
            kept.append(made["id"])
        code, said = await here.run("refresh")
        assert code == 0, said
        assert [(card["copies_left"], card["copies_total"]) for card in await here.cards()] == [(20, 20)] * len(kept)
        assert [entry["transactionType"] for entry in await here.history()] == ["issuance"] * len(kept)
        for document in kept:
            _, standing = await here.registry.call("GET", f"/api/credentials/{document}")
            assert standing["state"] == "collected"


async def collected(here: Street) -> None:
    made = await here.registry.make()
    code, said = await here.run("receive", made["invitation_link"], "--code", made["code"])
    assert code == 0, said


async def test_killed_while_showing(template: Template, tmp_path: Path) -> None:
    """``asked for``: how often the asker must have got something in the end, and how many copies are left then."""
    ends = {
        ("ask", "before"): 1,
        ("ask", "after"): 1,
        ("present", "before"): 1,
        ("present", "after"): 0,  # marked as used, never sent
        ("answered", "before"): 1,  # sent, and nobody knows
        ("answered", "after"): 1,
    }
    async with street(template, tmp_path) as here:
        await collected(here)
        for number, ((point, moment), sent) in enumerate(ends.items(), 1):
            here.party.got.clear()
            show = ("present", here.party.ask(), "--yes")
            await here.dies(*show, failpoint=f"{point}:{moment}")
            before = len(here.party.got)
            code, said = await here.run(*show)
            assert len(here.party.got) == sent, f"{point}:{moment}: {said}"
            assert before in {0, sent}, "what may have been shown is not sent again"
            assert (code == 0) == ((moment == "before" and point != "answered") or (point in {"ask", "answered"} and moment == "after")), (
                said
            )
            assert (await here.cards())[0]["copies_left"] == 20 - number, "each time one copy is used up, whatever became of it"
        shown = [entry["transactionResult"] for entry in await here.history() if entry["transactionType"] == "presentation"]
        assert shown == ["success"] * 4


async def test_killed_while_making_a_copy_out(template: Template, tmp_path: Path) -> None:
    async with street(template, tmp_path) as here:
        await collected(here)
        left = 20
        copy = tmp_path / "copy.json"
        wish = ("address", "--to", "https://bank.example", "--purpose", "bank", "--query", "bank", "--out", str(copy))
        for point, moment in product(("address", "addressed"), ("before", "after")):
            await here.dies(*wish, failpoint=f"{point}:{moment}")
            assert not copy.exists()
            left -= (point, moment) != ("address", "before")
            assert (await here.cards())[0]["copies_left"] == left
        assert (await here.run(*wish))[0] == 0
        assert json.loads(copy.read_text())["aud"] == "a:https://bank.example"
        assert (await here.cards())[0]["copies_left"] == left - 1


async def test_killed_while_a_wallet_is_made(template: Template, tmp_path: Path) -> None:
    """``init`` writes its settings last, so that it can be repeated."""
    async with street(template, tmp_path) as here:
        (here.folder / "wallet.toml").unlink()
        code, said = await here.run("init", "--holder", "Peter", "--json")
        assert code == 0, said
        assert json.loads(said)["recovery_code"]
        code, said = await here.run("init", "--holder", "Peter")
        assert code == 78
        assert "already" in said
