"""A sign-in by the old passphrase that is still on its way while the passphrase changes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar
from support.trial_verify import Dice
from support.wallet_visitor import Visitor
from support.wallets import Site, serve_wallet

from shared.errors import SignInRequired
from wallet.keep import Keeper, Locked, Vault
from wallet.unlocked import Unlocked

NEW = {"new_passphrase": "another four long words", "repeat": "another four long words"}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with serve_wallet(tmp_path / "wallet") as running:
        yield running


@pytest.fixture
async def holder(site: Site) -> AsyncIterator[Visitor]:
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as http:
        yield Visitor(replace(site, http=http))


class Slow:
    """Opening by passphrase stops once the doors were read and opened, until somebody lets it go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened, self.go_on = asyncio.Event(), asyncio.Event()
        real = Keeper.open

        async def open_slowly(keeper: Keeper, locked: Locked | None, passphrase: str) -> Vault:
            vault = await real(keeper, locked, passphrase)
            self.opened.set()
            await self.go_on.wait()
            return vault

        monkeypatch.setattr(Keeper, "open", open_slowly)

    async def during(self, sign_in: Awaitable[object], change: Callable[[], Awaitable[None]]) -> None:
        """``change`` happens while ``sign_in`` is on its way."""
        running = asyncio.ensure_future(sign_in)
        await self.opened.wait()
        await change()
        self.go_on.set()
        await running


def _fields(site: Site) -> dict[str, str]:
    return {"holder": site.made.holder, "passphrase": site.made.passphrase}


async def _recover(holder: Visitor) -> None:
    await holder.get("/recover")
    await holder.post("/recover", {"holder": "Nora Ashdown", "code": holder.site.made.recovery_code, **NEW})
    assert "Recovery sheet" in holder.text
    await holder.get("/settings")
    assert holder.path == "/settings"


async def _change(holder: Visitor) -> None:
    await holder.get("/settings")
    await holder.post("/settings/passphrase", {"passphrase": holder.site.made.passphrase, **NEW})
    assert "Recovery sheet" in holder.text


async def test_the_old_passphrase_opens_nothing_while_the_wallet_is_recovered(
    site: Site, holder: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    thief = Visitor(site)
    await thief.get("/sign-in")
    await Slow(monkeypatch).during(thief.post("/sign-in", _fields(site)), lambda: _recover(holder))
    assert "Name and passphrase do not open a wallet here" in thief.text
    await thief.get("/settings")
    assert thief.path == "/sign-in"


async def test_the_old_passphrase_opens_nothing_while_it_is_changed(site: Site, holder: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    await holder.enter()
    said: list[int] = []

    async def thief() -> None:
        said.append((await site.call("POST", "/api/session", _fields(site), token=""))[0])

    await Slow(monkeypatch).during(thief(), lambda: _change(holder))
    assert said == [401]
    assert len(list(site.host.unlocked.vaults())) == 1
    await holder.get("/settings")
    assert holder.path == "/settings"  # whoever changed it stays signed in


async def test_a_wallet_that_was_closed_meanwhile_is_not_opened() -> None:
    dice = Dice("closed")
    unlocked = Unlocked(lambda: 0, dice, idle=600)
    vault, other = (Vault(name, dice(32), dice) for name in ("one", "other"))
    since = unlocked.mark()
    unlocked.close_wallet("one")
    unlocked.open(other, "Joan", since=since)
    with pytest.raises(SignInRequired):
        unlocked.open(vault, "Nora", since=since)
    token, _ = unlocked.open(vault, "Nora", since=unlocked.mark())
    assert re.fullmatch(r"[\w-]{43}", token)
