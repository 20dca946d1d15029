"""A street of our own: a real office, a real asker, and a wallet program that runs as a process."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.answering import answering
from support.registry import URL, Registry, Template, serving
from support.thrift import easy_seal
from support.wallets import EASY, PASSPHRASE
from support.world import Party

from demo.config import environment
from issuer import init
from shared.clock import system_clock, system_entropy
from shared.x509 import render_pem
from wallet.init import Wish, set_up

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
    with easy_seal():
        return Template(folder, await init.set_up(wish, clock=lambda: system_clock() - 7_200, entropy=system_entropy))


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
        with easy_seal():
            await set_up(wish, clock=system_clock, entropy=system_entropy, hardness=EASY)
        (folder / "passphrase").write_text(PASSPHRASE)
        plain = environment({})
        yield Street(registry, party, folder / "wallet", plain | {"MUNIMENT_WALLET_PASSPHRASE_FILE": str(folder / "passphrase")})
