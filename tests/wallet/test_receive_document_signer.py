"""A wallet that collects an mdoc which a document signer of others signed (ISO/IEC 18013-5 annex B), and asks what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.trial_verify import ISSUER, registry
from support.utopia import DOCTYPE, DS, ROOT, UTOPIA, a_list, certified, pin
from support.wallet_visitor import Visitor
from support.wallets import Wallet, open_wallet, serve_wallet
from support.world import World

from shared.errors import NotEntitled, Untrusted
from shared.flow import Fetch, Fetched
from shared.trust.anchors import Anchor, TrustAnchors
from shared.trust.policy import Policy
from shared.x509 import render_pem
from wallet import cli

LISTS = (f"{ISSUER}/status/1", f"{ISSUER}/status/2")


@dataclass
class Abroad(World):
    """``pins`` are whom its wallets trust; ``cancelled`` are places in its lists."""

    pins: Sequence[Anchor] = field(default_factory=lambda: (pin(),))
    cancelled: dict[int, int] = field(default_factory=dict)

    def policy(self) -> Policy:
        return Policy(TrustAnchors(anchors=tuple(self.pins)))

    def listed(self, fetch: Fetch) -> Fetched:
        """As a CWT, whatever was asked for."""
        return Fetched(status=200, headers={}, body=a_list(self.cancelled, uri=fetch.url, iat=self.clock()))


def abroad(*pins: Anchor, ds: bytes = DS) -> Abroad:
    world = Abroad(pins=pins or (pin(),))
    world.office.by, world.office.formats, world.office.refreshes = UTOPIA, ("mso_mdoc",), False
    world.office.bend = lambda wire: certified(wire, ds)
    world.office.says = {each.removeprefix(ISSUER): world.listed for each in LISTS}
    return world


@pytest.fixture
async def wallet(storage_uri: str) -> AsyncIterator[Wallet]:
    async with open_wallet(storage_uri, world=abroad()) as opened:
        yield opened


async def test_an_mdoc_of_utopia_is_kept_under_the_name_of_its_pin(wallet: Wallet) -> None:
    item = await wallet.collect()
    document = item.value
    assert (document.issuer, document.issuer_name, document.status.value) == (ISSUER, "Utopia", "valid")
    assert {copy.format for copy in document.copies} == {"mso_mdoc"}
    world = wallet.world
    assert isinstance(world, Abroad)
    world.cancelled |= dict.fromkeys(range(1_000, 1_100), 1)
    world.clock.at = document.next_check_at + 3_600
    await wallet.upkeep()
    assert (await wallet.document()).status.value == "invalid"


async def test_a_list_by_anybody_else_is_not_taken(wallet: Wallet) -> None:
    await wallet.collect()
    world = wallet.world
    assert isinstance(world, Abroad)
    ours = world.office.by.x5c[0]
    for each in LISTS:
        world.office.says[each.removeprefix(ISSUER)] = lambda fetch: Fetched(
            status=200, headers={}, body=a_list(dict.fromkeys(range(1_000, 1_100), 1), ds=ours, uri=fetch.url, iat=world.clock())
        )
    world.clock.at = (await wallet.document()).next_check_at + 3_600
    await wallet.upkeep()
    assert (await wallet.document()).status.value != "invalid"


@pytest.mark.parametrize(
    ("pins", "error"),
    [
        ((pin(vcts=("org.iso.18013.5.1.mDL",)),), NotEntitled),
        ((pin(profile=None),), Untrusted),
        ((pin(profile=None), registry().pin(entity=ISSUER)), Untrusted),
    ],
)
async def test_whom_nobody_pinned_for_it(tmp_path: Path, pins: Sequence[Anchor], error: type[Exception]) -> None:
    async with open_wallet(f"sqlite:///{tmp_path}/wallet.db", world=abroad(*pins)) as opened:
        with pytest.raises(error):
            await opened.collect()
        assert await opened.documents() == []


async def test_a_certificate_with_our_role_serves_nobody_who_is_pinned_so(tmp_path: Path) -> None:
    world = abroad(pin(), pin(certificate=UTOPIA.certificate), ds=UTOPIA.x5c[0])
    async with open_wallet(f"sqlite:///{tmp_path}/wallet.db", world=world) as opened:
        with pytest.raises(Untrusted):
            await opened.collect()


async def test_pages_say_what_it_is_trusted_for(tmp_path: Path) -> None:
    async with serve_wallet(tmp_path / "wallet", world=abroad()) as site:
        visitor = Visitor(site)
        await visitor.enter()
        page = await visitor.get("/settings")
        assert f"only documents signed as ISO/IEC 18013-5 has it: {DOCTYPE}" in page
        await visitor.collect()
        assert "Utopia" in visitor.text


async def test_pinned_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, file = tmp_path / "wallet", tmp_path / "iaca.pem"
    file.write_text(render_pem(ROOT.ours.der))
    phrase = tmp_path / "phrase"
    phrase.write_text("correct-horse-battery")

    async def run(*command: str) -> tuple[int, str]:
        code = await asyncio.to_thread(cli.main, [*command, "--dir", str(folder)])
        return code, capsys.readouterr().out

    made: Any = await run("init", "--holder", "Nora", "--passphrase-file", str(phrase))
    assert made[0] == 0
    add = ("trust", "add", str(file), "--role", "credential-issuer", "--profile", "iso-18013-5")
    assert (await run(*add))[0] == 78
    assert (await run(*add, "--entity", ISSUER))[0] == 78
    assert (await run(*add, "--entity", ISSUER, "--doctype", DOCTYPE, "--name", "Utopia"))[0] == 0
    code, told = await run("trust", "list")
    assert (code, f"Utopia ({ISSUER}) [iso-18013-5: {DOCTYPE}]" in told) == (0, True)
    assert (await run(*add, "--entity", ISSUER, "--doctype", DOCTYPE))[0] == 1
