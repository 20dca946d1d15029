"""Our wallet shows a document of our office to a verifier written by others (polaris-oid4vp, certified for OpenID4VP 1.0 and HAIP).

Over https on loopback, under a certificate authority that the test makes; the verifier is a process of its own and judges for itself. It has one
response mode, ``direct_post.jwt``.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.ports import free_port
from support.registry import URL, Registry, Template, serving
from support.wallets import abroad

from demo.authority import establish
from issuer import init as issuer_init
from shared.clock import system_clock, system_entropy
from shared.errors import AccessDenied, InvalidTransactionData
from wallet.app import Host
from wallet.consent import consent
from wallet.enter import Opened
from wallet.invite import read_invitation
from wallet.present import agree, read_request
from wallet.records import REQUESTS
from wallet.sessions import Answered
from wallet.upkeep import collect_and_look

COUNTERPARTS = {"polaris-oid4vp": "verifier that our wallet shows to"}
pytestmark = pytest.mark.real

VCT = "urn:fdc:vct.example:2027:representation:1"
PROGRAM = Path(sys.executable).with_name("polaris-oid4vp")
CLAIMS = ("represented.given_name", "represented.family_name", "decision_rule")


@dataclass
class Foreigner:
    """The verifier as a process; ``link`` launches a wallet."""

    process: asyncio.subprocess.Process
    link: str

    async def verdict(self) -> str:
        """What it prints about the answer."""
        assert self.process.stdout is not None
        said = []
        while line := (await asyncio.wait_for(self.process.stdout.readline(), 60)).decode():
            said.append(line)
            if line.strip().startswith("<- "):
                break
        return "".join(said)


@asynccontextmanager
async def foreigner(pki: Path, anchor: Path, *more: str, claims: tuple[str, ...] = CLAIMS) -> AsyncIterator[Foreigner]:
    asked = [part for claim in claims for part in ("--claim", claim)]
    process = await asyncio.create_subprocess_exec(
        str(PROGRAM), "serve", "--pki", str(pki), "--host", "localhost", "--bind", "127.0.0.1", "--port", str(free_port()),
        "--issuer-trust-anchor", str(anchor), "--vct", VCT, *asked, *more, "--once", "--verbose",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env={"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = ""
        while not (found := re.search(r"openid4vp://\S+", said)):
            line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
            assert line, said
            said += line
        yield Foreigner(process, found[0])
    finally:
        process.terminate()
        await process.wait()


@dataclass
class Nora:
    """A wallet with the document, and the network's own fetcher."""

    host: Host
    opened: Opened


@asynccontextmanager
async def nora(folder: Path, registry: Registry, ca: Path) -> AsyncIterator[Nora]:
    trust = f"{folder}/registry/anchor.pem:credential-issuer:{registry.url}"
    async with abroad(folder / "wallet", trust=trust, ca=ca) as (host, opened):
        made = await registry.make()
        item = await read_invitation(host.means, opened.vault, made["invitation_link"])
        await collect_and_look(host.means, opened.vault, item.id, made["code"])
        yield Nora(host, opened)


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[tuple[Nora, Path, Path]]:
    """The wallet, the verifier's keys, and the office's anchor."""
    pki = folder / "pki"
    made = await asyncio.create_subprocess_exec(
        str(PROGRAM), "keygen", "--out", str(pki), "--host", "localhost", stdout=asyncio.subprocess.DEVNULL
    )
    assert await made.wait() == 0
    ca = establish(pki).ca  # in the place of the verifier's own
    wish = issuer_init.Wish(
        directory=folder / "office",
        name="Office (test)",
        public_url=URL,
        port=8101,
        storage="",
        operator="Iris Admin",
        passphrase="correct-horse-battery",
    )
    template = Template(folder / "office", await issuer_init.set_up(wish, clock=lambda: system_clock() - 7_200, entropy=system_entropy))
    async with serving(template, folder / "registry", local=True) as registry, nora(folder, registry, ca) as wallet:
        yield wallet, pki, folder / "registry" / "anchor.pem"


async def test_a_verifier_by_others_accepts_what_our_wallet_shows(tmp_path: Path) -> None:
    async with scene(tmp_path) as (wallet, pki, anchor), foreigner(pki, anchor) as other:
        means, vault = wallet.host.means, wallet.opened.vault
        item = await read_request(means, vault, other.link)
        view = await consent(means, vault, item.id)
        assert not view.asker.proved, "nobody told this wallet who that is"
        assert {"Donor’s first names", "Donor’s last name"} <= {detail.label for detail in view.details}
        assert "Donor’s postcode" in view.not_shown
        done = await agree(means, vault, item.id)
        said = await other.verdict()
        assert isinstance(done.value.state, Answered), done.value.state
        assert done.value.state.refusal == "", said
        assert "<- 200 authentic" in said
        assert "represented" in said
        again = await agree(means, vault, item.id)
        assert again.value.state == done.value.state


@pytest.mark.parametrize("method", ["get", "post"])
async def test_a_value_that_it_wants_is_matched_whichever_way_the_request_is_fetched(tmp_path: Path, method: str) -> None:
    claims = (*CLAIMS[:2], "decision_rule=jointly-and-severally")
    async with scene(tmp_path) as (wallet, pki, anchor), foreigner(pki, anchor, claims=claims) as other:
        assert "request_uri_method=post" in other.link
        link = other.link if method == "post" else other.link.replace("request_uri_method=post", "request_uri_method=get")
        item = await read_request(wallet.host.means, wallet.opened.vault, link)
        done = await agree(wallet.host.means, wallet.opened.vault, item.id)
        said = await other.verdict()
        assert isinstance(done.value.state, Answered), said
        assert "<- 200 authentic" in said


async def test_a_value_that_we_do_not_have_is_not_answered(tmp_path: Path) -> None:
    async with scene(tmp_path) as (wallet, pki, anchor), foreigner(pki, anchor, claims=("decision_rule=jointly",)) as other:
        item = await read_request(wallet.host.means, wallet.opened.vault, other.link)
        with pytest.raises(AccessDenied):
            await agree(wallet.host.means, wallet.opened.vault, item.id)


async def test_reasons_that_it_gives_reach_the_holder_as_its_own_words_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "info.json"
    file.write_text(json.dumps([{"format": "registration_cert", "data": "a.b.c"}]))
    async with scene(tmp_path) as (wallet, pki, anchor), foreigner(pki, anchor, "--verifier-info", str(file)) as other:
        item = await read_request(wallet.host.means, wallet.opened.vault, other.link)
        view = await consent(wallet.host.means, wallet.opened.vault, item.id)
        assert not view.asker.proved
        done = await agree(wallet.host.means, wallet.opened.vault, item.id)
        assert isinstance(done.value.state, Answered)
        assert "<- 200 authentic" in await other.verdict()


async def test_an_issuer_that_it_does_not_trust_is_told_apart(tmp_path: Path) -> None:
    async with scene(tmp_path) as (wallet, pki, _), foreigner(pki, pki / "ca.pem") as other:
        item = await read_request(wallet.host.means, wallet.opened.vault, other.link)
        done = await agree(wallet.host.means, wallet.opened.vault, item.id)
        assert isinstance(done.value.state, Answered)
        assert "not accepted" in done.value.state.refusal
        assert "<- 400" in await other.verdict()


async def test_what_it_asks_and_we_lack_is_refused_whole(tmp_path: Path) -> None:
    async with scene(tmp_path) as (wallet, pki, anchor), foreigner(pki, anchor, claims=("shoe_size", *CLAIMS)) as other:
        item = await read_request(wallet.host.means, wallet.opened.vault, other.link)
        with pytest.raises(AccessDenied):
            await agree(wallet.host.means, wallet.opened.vault, item.id)


async def test_a_transaction_that_we_do_not_know_is_refused_and_told(tmp_path: Path) -> None:
    file = tmp_path / "transaction.json"
    file.write_text(json.dumps([{"type": "https://example.org/unknown", "credential_ids": ["pid"]}]))
    async with scene(tmp_path) as (wallet, pki, anchor), foreigner(pki, anchor, "--transaction-data", str(file)) as other:
        with pytest.raises(InvalidTransactionData):
            await read_request(wallet.host.means, wallet.opened.vault, other.link)
        assert await wallet.host.storage.read(lambda tx: REQUESTS.all(tx, wallet.opened.vault)) == []
        assert "invalid_transaction_data" in await other.verdict()
