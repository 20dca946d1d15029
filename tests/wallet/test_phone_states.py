"""What browsers and cameras refuse the phone's page, on a phone and on a laptop, and what it says then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.pockets import LARGE, SMALL, open_place, open_pocket
from support.wallets import serve_wallet

pytestmark = [pytest.mark.real, pytest.mark.parametrize("size", [SMALL, LARGE], ids=["phone", "laptop"])]
NO_STORAGE = "IDBFactory.prototype.open = () => { throw new DOMException('not here', 'SecurityError'); };"
BUSY = "MediaDevices.prototype.getUserMedia = async () => { throw new DOMException('in use', 'NotReadableError'); };"


async def test_a_browser_that_stores_nothing(tmp_path: Path, size: dict[str, int]) -> None:
    async with serve_wallet(tmp_path / "wallet") as site, open_pocket(site, tmp_path / "profile", size=size) as pocket:
        await pocket.context.add_init_script(NO_STORAGE)
        await pocket.open()
        await pocket.page.get_by_text("This browser does not let pages store anything").wait_for()
        await pocket.look("storage-refused")


async def test_a_camera_in_use_elsewhere(tmp_path: Path, size: dict[str, int]) -> None:
    """The other ways lie open, and the camera can be tried again."""
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile", size=size) as pocket:
        await pocket.context.add_init_script(BUSY)
        await pocket.sign_in()
        await pocket.keep(place.document)
        await pocket.press("Show at a desk")
        await pocket.page.get_by_text("Another program is using the camera").wait_for()
        await pocket.look("camera-busy")
        await pocket.press("Try the camera again")
        await pocket.page.get_by_text("Another program is using the camera").wait_for()
        await pocket.page.locator("#pasted").fill(place.counter.ask())
        await pocket.press("Use this text")
        await pocket.wait("consent")


async def test_a_page_without_encryption(tmp_path: Path, size: dict[str, int]) -> None:
    async with serve_wallet(tmp_path / "wallet", public_url="http://wallet.example") as site:
        place = f"--host-resolver-rules=MAP wallet.example:80 127.0.0.1:{site.base.rpartition(':')[2]}"
        named = replace(site, base="http://wallet.example")
        async with open_pocket(named, tmp_path / "profile", size=size, more=[place]) as pocket:
            await pocket.open()
            await pocket.wait("insecure")
            pocket.forgive("untrustworthy")  # the browser tells which headers it puts aside without encryption
            await pocket.look("no-encryption")
