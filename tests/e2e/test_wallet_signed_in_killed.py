"""The wallet is killed right before and right after each write of a sign-in and of a promise; then it goes on.

Nothing is half kept, no key is lost that a token or a promise is tied to, and nothing is lost but what the issuer already gave away.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.receive_steps import PASSPHRASE
from support.strict_issuer import StrictIssuer, strict_issuer
from support.thrift import easy_seal
from support.wallets import EASY

from demo.config import environment
from shared.clock import system_entropy
from shared.keys import Role
from shared.oauth import CheckProvider
from shared.trust.anchors import TrustAnchors
from shared.trust.policy import Policy
from shared.web.setup import read_anchor
from shared.x509 import Cert, render_pem
from wallet.init import Wish, set_up

pytestmark = pytest.mark.real

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Program:
    """A wallet whose every step is a process."""

    folder: Path
    issuer: StrictIssuer

    async def run(self, *arguments: str, failpoint: str = "") -> tuple[int, Any]:
        known = environment({"MUNIMENT_WALLET_FAILPOINT": failpoint} if failpoint else {})
        known["PYTHONPATH"] = str(ROOT)
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(ROOT / "tests/support/receive_steps.py"), str(self.folder), str(self.issuer.clock.at), *arguments,
            cwd=ROOT, env=known, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, _ = await process.communicate()
        return process.returncode or 0, json.loads(said) if said else {}

    async def does(self, *arguments: str) -> Any:
        code, said = await self.run(*arguments)
        assert (code, "ok" in said) == (0, True), said
        return said["ok"]

    async def dies(self, *arguments: str, failpoint: str) -> None:
        code, said = await self.run(*arguments, failpoint=failpoint)
        assert code == -signal.SIGKILL, f"{failpoint}: {code} {said}"

    async def signs_in(self, invitation: str) -> str:
        return self.issuer.agree(await self.does("begin", invitation))


async def prepare(folder: Path, issuer: StrictIssuer) -> Program:
    pem = folder / "office.pem"
    pem.write_text(render_pem(issuer.by.certificate.der))
    wish = Wish(
        folder=folder / "wallet", public_url="http://localhost:8102", port=8102, holder="Nora", passphrase=PASSPHRASE,
        trust=(f"{pem}:credential-issuer:{issuer.base}",),
    )  # fmt: skip
    with easy_seal():
        await set_up(wish, clock=issuer.clock, entropy=system_entropy, hardness=EASY)
    return Program(folder / "wallet", issuer)


def maker(folder: Path) -> CheckProvider:
    """Who vouches for wallets, as this wallet's own anchor says."""

    def check(x5c: Any, at: int) -> Cert:
        pin = read_anchor(folder / "wallet" / "anchor.pem", Role.WALLET_PROVIDER)
        return Policy(TrustAnchors(anchors=(pin,))).check_wallet_provider(x5c, at)

    return check


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_killed_between_sign_in_and_document(tmp_path: Path, moment: str) -> None:
    async with strict_issuer(maker(tmp_path), waits=1, batch_size=2) as issuer:
        program = await prepare(tmp_path, issuer)
        invitation = await program.does("invite", issuer.link())
        for point in ("client", "sign-in"):
            await program.dies("begin", invitation, failpoint=f"{point}:{moment}")
        answer = await program.signs_in(invitation)
        await program.dies("finish", answer, failpoint=f"receive-token:{moment}")
        if moment == "before":  # the server has changed the code, and nobody could write it down
            assert await program.run("finish", answer) == (0, {"error": "invalid_grant"})
            await program.does("finish", await program.signs_in(invitation))
        await program.dies("collect", invitation, failpoint=f"promise:{moment}")
        assert (await program.run("collect", invitation))[1] == {"error": "unavailable"}
        assert await program.does("state") == {"states": ["Promised"], "documents": 0, "copies": 0}
        issuer.clock.at += 60
        await program.dies("upkeep", failpoint=f"promise:{moment}")
        if moment == "before":  # the issuer gave it, and nobody could write it down: asked once more, with fresh keys
            await program.does("upkeep")
            issuer.clock.at += 60
        await program.dies("upkeep", failpoint=f"receive:{moment}")
        await program.does("upkeep")
        assert await program.does("state") == {"states": ["Kept"], "documents": 1, "copies": 2}
        assert [each["event"] for each in issuer.notified] == ["credential_accepted"]
        jkts = {jkt for jkt, _ in issuer.access.values()}
        assert len(jkts) == 1, "one key towards this issuer, whatever happened"


async def test_killed_while_it_is_given_up(tmp_path: Path) -> None:
    """It waits, or it is gone with its keys; whoever says so again finds nothing left to give up, and nobody is asked for it any more."""
    async with strict_issuer(maker(tmp_path), waits=1, batch_size=2) as issuer:
        program = await prepare(tmp_path, issuer)
        invitation = await program.does("invite", issuer.link())
        await program.does("finish", await program.signs_in(invitation))
        assert (await program.run("collect", invitation))[1] == {"error": "unavailable"}
        for moment, states in (("before", ["Promised"]), ("after", [])):
            await program.dies("give-up", invitation, failpoint=f"give-up:{moment}")
            assert (await program.does("state"))["states"] == states
        assert (await program.run("give-up", invitation))[1] == {"error": "not_found"}
        issuer.clock.at += 60
        await program.does("upkeep")
        assert await program.does("state") == {"states": [], "documents": 0, "copies": 0}
        assert issuer.calls("/deferred") == []
