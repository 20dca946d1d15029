"""Domain sheet C22, no wrong door: its acceptance scenarios by their names."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect
from support.browser import LAPTOP, Open
from support.clerk import Clerk
from support.desk import make_template
from support.no_wrong_door import Town, check_passed, open_town
from support.posting import Sent, ask, check
from support.walk import Walker

from shared.receipts import Receipt
from verifier import passing


@pytest.mark.real
async def test_at_c22_4_a_library_takes_an_envelope_for_council_tax(tmp_path: Path, open_page: Open) -> None:
    """The counter cannot read it, gives a receipt and passes it on; the council decides, and NORA asks there with her ticket."""
    template = await make_template(tmp_path / "template" / "desk")
    async with open_town(template, tmp_path) as town:
        letter = town.letter()
        walker = Walker(watched=await open_page(LAPTOP))
        page = walker.page
        await walker.go(f"{town.library.base}/desk/pass-on")
        await page.get_by_label("Your name").fill("Bea Clerk")
        await page.get_by_role("textbox", name="Passphrase").fill("correct-horse-battery")
        await walker.press("Sign in")
        await expect(page.get_by_text("Nothing was taken for others yet.")).to_be_visible()
        await walker.look("desk-pass-on")
        await page.locator("input[type=file]").set_input_files(
            {"name": "letter.jose", "mimeType": "application/jose", "buffer": letter.token.encode()}
        )
        await walker.press("Take it")
        await expect(page.get_by_text("on its way")).to_be_visible()
        shown = await page.content()
        assert "Anytown Borough Council" in shown
        assert "Ashdown" not in shown
        await walker.look("desk-passed-on")
        async with page.expect_download() as saving:
            await page.get_by_role("link", name="Save the receipt").click()
        receipt = _saved(town, letter, await (await saving.value).path())
        assert (receipt.decision, receipt.reason_code) == ("undecided", "passed_on")
        assert await passing.deliver(town.library.desk, town.send) == 1
        await page.reload()
        await expect(page.get_by_text("arrived")).to_be_visible()
        answer = check(town.council, letter, (await ask(town.council, letter.ticket))[1])
        assert answer.decision == "accepted"
        await _nothing_stays(town)


def _saved(town: Town, letter: Sent, file: Path) -> Receipt:
    """What NORA takes home, checked with what she sealed."""
    return check_passed(town.library, letter, file.read_text())


async def _nothing_stays(town: Town) -> None:
    """Of what was in it nothing lies on the library's disk, and of the letter itself nothing but its digest."""
    await town.library.desk.storage.checkpoint()
    for file in town.library.desk.directory.rglob("*"):
        assert not file.is_file() or b"Ashdown" not in file.read_bytes()


@pytest.mark.parametrize("counter", ["Anytown Library", "Fenfield Post Office", "Westshire Advice Centre"])
async def test_t_ex_6_any_counter_completes_it(tmp_path: Path, counter: str) -> None:
    """No wrong door: wherever NORA goes, the same envelope reaches the same desk."""
    template = await make_template(tmp_path / "template" / "desk")
    async with open_town(template, tmp_path, name=counter) as town:
        letter, clerk = town.letter(), await Clerk(town.library).sign_in()
        page = await clerk.upload("/desk/pass-on", letter.token.encode(), "letter.jose", text="")
        assert counter in page
        await passing.deliver(town.library.desk, town.send)
        assert check(town.council, letter, (await ask(town.council, letter.ticket))[1]).decision == "accepted"
