"""The doors of a hosted wallet, by somebody who is not its holder."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from time import monotonic

import pytest
from PIL import Image
from support.wallets import Site, serve_wallet

from shared.errors import Malformed, SignInRequired
from wallet.keep import Hardness, check_name, stretch
from wallet.pages import desk

SHUFFLED = "a" + "\u0301\u0323" * 100_000
"""Marks in the wrong order: bringing this to one spelling takes minutes, during which nothing else runs in the process."""


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with serve_wallet(tmp_path / "wallet") as running:
        yield running


async def test_names_and_passphrases_in_many_pieces_cost_nothing(site: Site) -> None:
    begun = monotonic()
    with pytest.raises(Malformed):
        check_name(SHUFFLED)
    with pytest.raises(SignInRequired):
        await site.host.doors.open(site.made.holder, SHUFFLED)
    assert monotonic() - begun < 10  # on a busy machine; bringing it to one spelling takes half a minute of a quick one


async def test_recovering_tells_nobody_whose_wallet_is_here(site: Site) -> None:
    said = []
    for name in (site.made.holder, "nobody at all"):
        fields = {"holder": name, "code": "AAAAA", "new_passphrase": "x" * 300, "repeat": "x" * 300}
        async with site.http.post(site.base + "/recover", data=fields) as answer:
            said.append((answer.status, re.sub(re.escape(name), "", await answer.text())))
    assert said[0] == said[1]


async def test_opening_another_wallet_closes_the_one_before(site: Site) -> None:
    fields = {"holder": site.made.holder, "passphrase": site.made.passphrase}
    cookies = []
    for _ in range(2):
        async with site.http.post(site.base + "/sign-in", data=fields, allow_redirects=False) as answer:
            assert answer.status == 303
            cookies.append(answer.cookies["muniment-wallet"].value)
    assert cookies[0] != cookies[1]
    assert (await site.call("GET", "/api/cards", token=cookies[0]))[0] == 401
    assert (await site.call("GET", "/api/cards", token=cookies[1]))[0] == 200


async def test_a_large_picture_holds_nobody_else_up(site: Site) -> None:
    await site.open()
    picture = BytesIO()
    Image.effect_noise((3_000, 3_000), 90).save(picture, "PNG", compress_level=1)
    data = base64.b64encode(picture.getvalue()).decode()

    async def look() -> float:
        worst = 0.0
        while not reading.done():
            begun = monotonic()
            await asyncio.sleep(0.005)
            worst = max(worst, monotonic() - begun)
        return worst

    quick = 0
    for _ in range(10):  # a busy machine holds everybody up now and then; reading that does would do so each time
        begun = monotonic()
        reading = asyncio.create_task(desk.link_from(site.host.means, "", picture.getvalue()))
        other = await look()
        with pytest.raises(Malformed):
            await reading
        quick += other < (monotonic() - begun) / 2
        if quick == 3:
            break
    else:
        pytest.fail("reading a picture holds everybody else up")
    assert (await site.call("POST", "/api/receive", {"picture_base64": data}))[0] == 400


async def test_many_at_the_door_at_once_all_get_an_answer() -> None:
    """Two derivations of several lanes at once used to wait for each other for ever, and nobody could open a wallet any more."""
    hardness = Hardness(memory_kib=65_536, iterations=1, lanes=4)
    async with asyncio.timeout(60):
        made = await asyncio.gather(*(asyncio.to_thread(stretch, "correct-horse", bytes(16), hardness) for _ in range(12)))
    assert len(set(made)) == 1
