"""A no that says nothing: whoever asks cannot tell it from a wallet that holds no such document (check T-AG-4)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.holdings import put_document
from support.suite_verifier import Suite
from support.wallet_visitor import Visitor
from support.wallets import Site, Wallet, serve_wallet
from support.world import BANK, COUNCIL

from shared.openid4vp import SIGNED, UNSIGNED, WalletRefusal
from wallet.present import read_platform_request, refuse
from wallet.records import DOCUMENTS

UNAVAILABLE = WalletRefusal("access_denied", "what is asked for is not available")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with serve_wallet(tmp_path / "wallet") as site:
        yield site


async def says_no(wallet: Wallet, asking: Suite, number: int) -> Any:
    """What whoever asks hears, what is fetched and when, what a platform gets, and what the wallet notes."""
    wallet.world.council, wallet.world.log = asking, []
    begun = asking.begin(nonce=f"asked-{number:020}")
    if asking.posts:
        view = await wallet.ask(begun)
    else:
        view = await wallet.look((await read_platform_request(wallet.means, wallet.vault, asking.way, begun, COUNCIL)).id)
    await refuse(wallet.means, wallet.vault, view.id)
    entry = (await wallet.lines())[-1].entry
    noted = msgspec.structs.replace(entry, seq=0, transaction_identifier="", prev="")
    return asking.answers, wallet.world.log, (await wallet.look(view.id)).handed, noted


@pytest.mark.parametrize(
    ("way", "mode"), [("get", "direct_post.jwt"), ("post", "direct_post"), (SIGNED, "dc_api.jwt"), (UNSIGNED, "dc_api.jwt")]
)
async def test_t_ag_4_a_no_is_the_answer_of_a_wallet_without_the_document(wallet: Wallet, way: str, mode: str) -> None:
    """Nothing held, something held, and something held of which no copy is left: the same words, fetches and line of the history."""
    nothing = await says_no(wallet, Suite(wallet.world.clock, way=way, mode=mode), 1)
    name = await put_document(wallet.means, wallet.vault)
    held = await says_no(wallet, Suite(wallet.world.clock, way=way, mode=mode), 2)

    async def use_up(tx: Any) -> None:
        item = await DOCUMENTS.get(tx, wallet.vault, name)
        used = tuple(msgspec.structs.replace(line, shown_to=BANK, shown_at=1) for line in item.value.copies)
        await DOCUMENTS.replace(tx, wallet.vault, item, msgspec.structs.replace(item.value, copies=used), entropy=wallet.means.entropy)

    await wallet.storage.write(use_up)
    used = await says_no(wallet, Suite(wallet.world.clock, way=way, mode=mode), 3)
    assert nothing == held == used
    answers, _, handed, _ = nothing
    assert (answers, handed) == (([UNAVAILABLE], None) if way in {"get", "post"} else ([], {"error": "access_denied"}))


async def test_t_ag_4_nor_does_the_page_after_it_show_the_difference(site: Site) -> None:
    """For whoever stands behind the holder then, and opens the history: what could be seen before, docs/limits.md says."""
    visitor, pages = Visitor(site), []
    await visitor.enter()
    for collects in (False, True):
        if collects:
            await visitor.collect()
        await visitor.get("/present")
        await visitor.post("/present", {"link": site.world.council.ask()}, files={})
        assert "A wallet with no such document says the same." in visitor.text
        await visitor.post(visitor.path, {"decision": "refuse"})
        assert "hears that it is not available" in visitor.text
        after = visitor.text
        newest = max(map(int, re.findall(r'href="/history/(\d+)"', await visitor.get("/history"))))
        pages.append([_plain(text) for text in (after, await visitor.get(f"/history/{newest}"))])
    assert pages[0] == pages[1]


def _plain(text: str) -> str:
    """Without what differs between any two requests: names, tokens, times, numbers of lines."""
    main = text.partition("<main")[2].partition("</main>")[0]
    return re.sub(r'value="[^"]*"|/present/[\w-]+|/history/\d+|[\w-]{22,}|\d\d:\d\d', "", main)
