"""Our wallet takes a document from an issuer made of ``openid4vci`` (eduTAP), a process of its own, over https on localhost."""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.foreign import Peer, secret_jwk
from support.forge import lpa
from support.ports import free_port
from support.signing import Signer, anchor, leaf
from support.wallets import abroad

from demo.authority import Authority
from shared.clock import floor_day, system_clock
from shared.credentials import by_id
from shared.errors import InvalidGrant, Malformed, Unavailable, Untrusted, VcError
from shared.x509 import render_pem
from wallet.app import Host
from wallet.enter import Opened
from wallet.invite import read_invitation
from wallet.receive import collect
from wallet.records import COPIES, Item
from wallet.sessions import Copy, Document
from wallet.upkeep import upkeep

COUNTERPARTS = {"openid4vci": "issuer that our wallet takes from"}
pytestmark = pytest.mark.real

TYPE = by_id("representation")
PROGRAM = Path(__file__).resolve().parents[1] / "support" / "edutap.py"
HIDDEN = ("represented", "proxy", "powers", "register_entry")
CODE = "493536"


@dataclass
class Stranger:
    """The foreign issuer, and the file with its anchor."""

    peer: Peer
    url: str
    anchor: Path
    envelope: dict[str, Any]


@asynccontextmanager
async def stranger(folder: Path, authority: Authority) -> AsyncIterator[Stranger]:
    port, at = free_port(), system_clock()
    url = f"https://localhost:{port}"
    above, key = Signer.new(), Signer.new()
    root = anchor(above, at=at - 3_600)
    (folder / "stranger.pem").write_text(render_pem(root.der))
    claims = lpa()
    envelope = {"iat": floor_day(at), "exp": floor_day(at) + 30 * 86_400, "status": {"status_list": {"idx": 7, "uri": f"{url}/status/1"}}}
    peer = Peer([sys.executable, PROGRAM], PYTHONPATH=str(PROGRAM.parents[1]))
    try:
        await peer.call(
            "open",
            port=port,
            certificate=str(authority.certificate),
            key=str(authority.key),
            issuer=secret_jwk(key),
            x5c=[base64.b64encode(leaf(key, root, above, uri=url, at=at - 3_600)).decode()],
            vct=TYPE.vct,
            claims=claims | envelope,
            clear=[*envelope, *(name for name in claims if name not in HIDDEN)],
        )
        yield Stranger(peer, url, folder / "stranger.pem", envelope)
    finally:
        peer.close()


@dataclass
class Nora:
    host: Host
    opened: Opened

    async def take(self, link: str, code: str | None) -> Item[Document]:
        item = await read_invitation(self.host.means, self.opened.vault, link)
        return await collect(self.host.means, self.opened.vault, item.id, code)

    async def copies(self) -> list[Item[Copy]]:
        return await self.host.storage.read(lambda tx: COPIES.all(tx, self.opened.vault))


@asynccontextmanager
async def nora(folder: Path, other: Stranger, authority: Authority) -> AsyncIterator[Nora]:
    trust = f"{other.anchor}:credential-issuer:{other.url}"
    async with abroad(folder / "wallet", trust=trust, ca=authority.ca) as (host, opened):
        yield Nora(host, opened)


@asynccontextmanager
async def scene(folder: Path, authority: Authority) -> AsyncIterator[tuple[Stranger, Nora]]:
    async with stranger(folder, authority) as other, nora(folder, other, authority) as wallet:
        yield other, wallet


async def test_a_document_by_reference_with_a_code(tmp_path: Path, authority: Authority) -> None:
    async with scene(tmp_path, authority) as (other, wallet):
        await wallet.take(await other.peer.call("offer", tx_code=CODE), CODE)
        assert len(await wallet.copies()) == 5
        told: dict[str, Any] = await other.peer.call("told")
        assert [each["event"] for each in told["notified"]] == ["credential_accepted"]
        assert all("credential_identifier" in each for each in told["asked"])


async def test_by_value_without_a_code_in_reversed_order(tmp_path: Path, authority: Authority) -> None:
    async with scene(tmp_path, authority) as (other, wallet):
        await other.peer.call("set", reverse=True)
        document = await wallet.take(await other.peer.call("offer", by_value=True), None)
        for copy in await wallet.copies():
            assert copy.value.document == document.id
        assert len(await wallet.copies()) == 5


async def test_a_wrong_code_is_told_and_the_right_one_still_works(tmp_path: Path, authority: Authority) -> None:
    async with scene(tmp_path, authority) as (other, wallet):
        link = await other.peer.call("offer", tx_code=CODE)
        with pytest.raises(InvalidGrant):
            await wallet.take(link, "000000")
        await wallet.take(link, CODE)
        assert len(await wallet.copies()) == 5


async def test_an_issuer_whom_nobody_named_is_not_trusted(tmp_path: Path, authority: Authority) -> None:
    async with scene(tmp_path, authority) as (other, wallet):
        link = await other.peer.call("offer")
        async with stranger(tmp_path, authority) as third:
            with pytest.raises(Untrusted):
                await wallet.take(await third.peer.call("offer"), None)
        assert await wallet.copies() == []
        await wallet.take(link, None)
        assert len(await wallet.copies()) == 5


async def test_what_it_leaves_out_of_its_token_response_is_missed(tmp_path: Path, authority: Authority) -> None:
    """RFC 9396 section 2: `type` is REQUIRED; ``to_dict`` of the package leaves it out."""
    async with scene(tmp_path, authority) as (other, wallet):
        await other.peer.call("set", typed=False)
        with pytest.raises(Malformed) as caught:
            await wallet.take(await other.peer.call("offer"), None)
        assert caught.value.where == "/authorization_details/0/type"


@pytest.mark.parametrize(
    ("bent", "said"), [({"powers": ["no-such-power"]}, "powers"), ({"decision_rule": 5}, "decision_rule")], ids=["unknown-code", "number"]
)
async def test_a_document_against_its_rules_is_declined_and_that_is_told(
    tmp_path: Path, authority: Authority, bent: dict[str, Any], said: str
) -> None:
    async with scene(tmp_path, authority) as (other, wallet):
        await other.peer.call("set", claims=lpa(**bent) | other.envelope)
        with pytest.raises(VcError) as caught:
            await wallet.take(await other.peer.call("offer"), None)
        assert said in caught.value.where
        assert await wallet.copies() == []
        told = await other.peer.call("told")
        assert [each["event"] for each in told["notified"]] == ["credential_failure"]


async def test_what_comes_later_is_fetched_later(tmp_path: Path, authority: Authority) -> None:
    """OpenID4VCI sections 8.3 and 9: 202 with a transaction and an interval, then 200."""
    async with scene(tmp_path, authority) as (other, wallet):
        await other.peer.call("set", late=True)
        with pytest.raises(Unavailable):
            await wallet.take(await other.peer.call("offer"), None)
        assert await wallet.copies() == []
        await asyncio.sleep(1.1)  # the interval that it was told
        await upkeep(wallet.host.means, wallet.opened.vault)
        assert len(await wallet.copies()) == 5
