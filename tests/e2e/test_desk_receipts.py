"""Both pages without a network: what the desk gives on its screen, the phone takes in for the answer that it showed, and for no other (R6, S10)."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.two_pages import Desk, Parted, Phone, opened, part

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("two-pages")]

TAKE, GIVE, YES = "Take their receipt", "Give a receipt", "They can rely on this"


@pytest.fixture(scope="module")
def parted(tmp_path_factory: pytest.TempPathFactory) -> Parted:
    """A phone and a desk, set up; every service has ended."""
    return part(tmp_path_factory.mktemp("parted"))


async def given(desk: Desk) -> str:
    """The square code on the desk's screen."""
    await desk.press(GIVE)
    await desk.page.locator("[data-part=receipt]:not([hidden])").wait_for()
    await desk.look("receipt")
    return await desk.code("[data-part=given]")


async def taken(phone: Phone, text: str) -> str:
    """The heading of the page once the receipt was read."""
    await phone.press(TAKE)
    await phone.view("scan")
    await phone.page.locator("details[data-ways][open]").wait_for()
    await phone.page.locator("#pasted").fill(text)
    await phone.press("Use this text")
    await phone.view("receipt")
    return await phone.heading()


async def test_a_desks_receipt_for_an_answer(parted: Parted, tmp_path: Path) -> None:
    phone: Phone
    desk: Desk
    async with opened(parted, tmp_path) as (phone, desk):
        receipts = []
        for _ in range(2):
            await desk.take(await phone.answer(await desk.ask()))
            await desk.verdict()
            receipts.append(await given(desk))
            await desk.next()
            await phone.press("Done")
            await phone.view("shown")
            if len(receipts) == 1:
                assert await taken(phone, receipts[0]) == YES
                assert "Counter 3" in await phone.text()
                await phone.look("receipt-accepted")
                await phone.home()
        assert await taken(phone, receipts[0]) == "This receipt does not fit what you showed"
        assert "It is for something else than what you showed." in await phone.text()
        await phone.look("receipt-misfit")
        await phone.press("Scan again")
        await phone.view("scan")
        await phone.page.locator("details[data-ways][open]").wait_for()
        await phone.page.locator("#pasted").fill(receipts[1])
        await phone.press("Use this text")
        await phone.view("receipt")
        assert await phone.heading() == YES
