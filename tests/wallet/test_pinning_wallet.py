"""Whom a wallet service trusts, changed by the holder who looks after it, and by no other."""

from __future__ import annotations

from pathlib import Path

from support.federation import MINISTRY
from support.federations import justice
from support.wallet_visitor import Visitor
from support.wallets import Site, serve_wallet

from shared.storage import Row, Tx
from shared.trust.anchors import TrustAnchors, parse_trust
from wallet.app import hear_above

REALM = justice()
OWN, PIN = REALM[MINISTRY].itself().encode(), REALM.pin(MINISTRY)
PAGE = "/settings/trust"


def pins(site: Site) -> TrustAnchors:
    return parse_trust((site.host.place.folder / "trust.json").read_bytes())


async def test_the_holder_who_looks_after_it_pins_and_removes(tmp_path: Path) -> None:
    async with serve_wallet(tmp_path / "wallet", looked_after_by=("  nora   ASHDOWN",)) as site:
        visitor = Visitor(site)
        await visitor.enter()
        assert PAGE in await visitor.get("/settings")
        assert "Nobody is trusted here yet." in await visitor.get(PAGE)
        await visitor.get(f"{PAGE}/federation?entity={MINISTRY}")
        assert f'value="{MINISTRY}"' in visitor.text
        await visitor.post(f"{PAGE}/federation", {"entity": ""}, files={"file": OWN})
        assert "What it calls itself" in visitor.text
        await visitor.post(f"{PAGE}/federation", {"name": "Ministry"})
        assert (visitor.status, pins(site)) == (400, TrustAnchors())
        await visitor.post(f"{PAGE}/federation", {"name": "Ministry", "compared": "yes"})
        assert pins(site).federation[0].keys == PIN.keys
        assert "Ministry was added." in visitor.text

        async def kept(tx: Tx) -> list[Row]:
            return await tx.fetch("SELECT actor FROM trust_event WHERE kind = 'pinned'")

        assert [row["actor"] for row in await site.host.storage.read(kept)] == [""]  # no name of a wallet in the clear
        await visitor.get(f"{PAGE}/remove?anchor={MINISTRY}")
        await visitor.post(f"{PAGE}/remove")
        assert pins(site) == TrustAnchors()


async def test_other_holders_and_strangers_change_nothing(tmp_path: Path) -> None:
    async with serve_wallet(tmp_path / "wallet", looked_after_by=("Peter",)) as site:
        visitor = Visitor(site)
        await visitor.get(PAGE)
        assert visitor.path == "/sign-in"
        await visitor.enter()
        assert PAGE not in await visitor.get("/settings")
        for path in (PAGE, f"{PAGE}/federation", f"{PAGE}/certificate", f"{PAGE}/remove"):
            await visitor.get(path)
            assert visitor.status == 403
        await visitor.get("/settings")
        await visitor.post(f"{PAGE}/federation", {"name": "M", "step": "pin", "compared": "yes"}, files={"file": OWN})
        assert visitor.status == 403
        assert pins(site) == TrustAnchors()


async def test_every_holder_reads_what_those_above_say_of_the_service(tmp_path: Path) -> None:
    page = "/settings/federation"
    async with serve_wallet(tmp_path / "wallet", authority_hints=(MINISTRY,)) as site:
        visitor = Visitor(site)
        await visitor.enter()
        assert page in await visitor.get("/settings")
        assert "said nothing of us yet" in await visitor.get(page)
        await hear_above(site.app)
        assert "could not be read" in await visitor.get(page)
