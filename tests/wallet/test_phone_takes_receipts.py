"""The phone's page takes in what a desk gives it for an answer, holds it against that very answer, and keeps what does not fit as that (R6, S10)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.airplane import Counter
from support.browser import PHONE
from support.pockets import LARGE, Place, Pocket, open_place, open_pocket, seen_by_camera
from support.signing import Signer
from support.wallets import PASSPHRASE
from support.world import BATCH

from shared.clock import DAY, system_entropy
from shared.codec import base64url, qr
from shared.keys import KeyId
from shared.ovp.answer import open_answer, parse_answer, peek_answer
from shared.ovp.code import make_code
from shared.ovp.envelope import RECEIPT, parse_text, render_text
from shared.ovp.receipt import prepare_desk_receipt
from wallet import register

pytestmark = pytest.mark.real

TAKE = "Take their receipt"


def give(counter: Counter, content: bytes, nonce: bytes, **changes: Any) -> str:
    """The text of the square code that the desk gives."""
    by = changes.pop("by", counter.desk)
    how: dict[str, Any] = {
        "certificate": counter.certificate(at=counter.world.clock() - 3_600),
        "key": KeyId("desk"),
        "public": by.public,
        "content": content,
        "nonce": nonce,
        "salt": system_entropy(16),
        "at": counter.world.clock(),
        "decision": "accepted",
        "use": counter.uses[0].id,
    }
    return render_text(RECEIPT, by.finish(prepare_desk_receipt(**how | changes)))


async def show_once(pocket: Pocket, place: Place) -> tuple[bytes, bytes]:
    """Answer a question; what the desk has then to give a receipt for."""
    await pocket.paste(place.counter.ask())
    await pocket.wait("consent")
    opened, answer = open_answer(await pocket.agree(), place.counter.made)
    await pocket.press("Done")
    await pocket.wait("shown")
    return base64url.decode(answer.wire), opened.challenge.digest


async def take(pocket: Pocket, text: str) -> str:
    """Paste a receipt; the heading that follows."""
    await pocket.wait("scan")
    await pocket.page.locator("details[data-ways][open]").wait_for()
    await pocket.page.locator("#pasted").fill(text)
    await pocket.press("Use this text")
    await pocket.wait("receipt")
    return await pocket.page.locator("h1").inner_text()


async def past(pocket: Pocket, count: int) -> str:
    await pocket.press("My documents")
    await pocket.wait("home")
    await pocket.press("Where did I show this?")
    await pocket.showings(count)
    return str(await pocket.page.locator("#view").text_content())


async def told(place: Place) -> list[dict[str, Any]]:
    _, history = await place.site.call("GET", "/api/history")
    return [each for each in history["entries"] if each["transactionType"] == "answer"]


@pytest.mark.parametrize("size", [PHONE, LARGE], ids=["320", "1280"])
async def test_from_the_answer_to_the_history(tmp_path: Path, size: dict[str, int]) -> None:
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile", size=size) as pocket:
        page, counter = pocket.page, place.counter
        await pocket.sign_in()
        await pocket.keep(place.document)

        shown = await show_once(pocket, place)
        await pocket.look("shown")
        await pocket.press(TAKE)
        await pocket.wait("scan")
        assert await page.get_by_text("The desk reads me a code of ten digits").count() == 0
        good = give(counter, *shown, decision="rejected", code="revoked")
        await page.locator("#picture").set_input_files({"name": "r.jpg", "mimeType": "image/jpeg", "buffer": seen_by_camera(good)})
        await pocket.wait("receipt")
        text = await page.locator("#view").inner_text()
        for words in ("They do not rely on this", "The document was cancelled.", "It is provisional", "Counter 3"):
            assert words in text, words
        await pocket.look("receipt-refused")
        assert "provisional receipt: They do not rely on this" in await past(pocket, 1)
        assert await page.get_by_role("button", name=TAKE).count() == 0, "it has come"
        await pocket.look("history")
        await pocket.press("My documents")
        await pocket.wait("home")

        other = await show_once(pocket, place)
        await _misfits(pocket, place, other, shown)
        assert await take(pocket, give(counter, *other, decision="undecided", code="status_unknown")) == "They cannot tell yet"
        await pocket.look("receipt-undecided")
        await past(pocket, 2)
        await pocket.press(TAKE)
        assert await take(pocket, give(counter, *other, use="blue-badge")) == "This receipt does not fit what you showed"
        assert "provisional receipt: They cannot tell yet" in await past(pocket, 2), "what does not fit takes the place of nothing that did"
        await pocket.press(TAKE)
        assert await take(pocket, give(counter, *other)) == "They can rely on this"
        await pocket.look("receipt-accepted")
        assert "provisional receipt: They can rely on this" in await past(pocket, 2)

        await pocket.open()
        await pocket.unlock()
        await pocket.renewed()
        lines = await told(place)
        assert {parse_text(each["provisional"])[0] for each in lines} == {RECEIPT}
        assert sorted(each["receipt_problem"].partition(":")[0] for each in lines) == ["", "", "", "purpose_mismatch"]
        assert good in {each["provisional"] for each in lines}
        await pocket.press("Where did I show this?")
        await pocket.showings(2)
        assert "not yet in your wallet" not in await page.locator("#view").inner_text()


async def _misfits(pocket: Pocket, place: Place, mine: tuple[bytes, bytes], earlier: tuple[bytes, bytes]) -> None:
    """Each is said to be what it is, on the page and in the list, and another can be taken instead."""
    counter, stranger = place.counter, Counter(place.world, place.world.bank)
    at = place.world.clock()
    for text, words, *later in (
        (give(counter, *earlier), "It is for something else than what you showed."),
        (give(counter, mine[0], earlier[1]), "It answers another question than the one that you answered."),
        (give(counter, *mine, use="blue-badge"), "It is for another reason than the one that you agreed to."),
        (give(counter, *mine, by=Signer.new()), "It is not signed by the desk that it names."),
        (give(stranger, *mine), "It is by another organisation, or by one that nobody has registered here."),
        (give(counter, *mine, at=at - 1_200), "It is from before you showed anything."),
        (give(counter, *mine, certificate=counter.certificate(at=at - 8 * DAY)), "The permit of the desk had run out"),
        (give(counter, *mine, at=at + 1_200), "It is from the future. Check the clock of this phone.", "later"),
    ):
        await pocket.press(TAKE)
        assert await take(pocket, text) == ("This receipt cannot be checked yet" if later else "This receipt does not fit what you showed")
        shown = await pocket.page.locator("#view").inner_text()
        for each in (words, "Do not rely on it yet." if later else "Do not rely on it."):
            assert each in shown, each
        assert "It is provisional" not in shown
        assert words.split(".")[0] in await past(pocket, 2)
    await pocket.look("history-misfit")
    await pocket.press(TAKE)
    assert await take(pocket, counter.ask()) == "This code is not a receipt"
    await pocket.look("receipt-none")
    assert "It is from the future" in await past(pocket, 2), "nothing was kept of what is no receipt"
    await pocket.press(TAKE)


async def test_for_a_typed_code_and_a_copy_on_paper(tmp_path: Path) -> None:
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile") as pocket:
        page, counter = pocket.page, place.counter
        await pocket.sign_in()
        await pocket.keep(place.document)
        await pocket.press("Type a code instead")
        await pocket.wait("code")
        await page.locator("#body").select_option(label=place.world.council.name)
        await page.locator("#use").select_option(label="Council tax")
        await page.locator("#digits").fill(make_code(entity=counter.party.entity, use=counter.uses[0].id, entropy=system_entropy))
        await pocket.press("Continue")
        await pocket.wait("consent")
        content = await pocket.agree()
        await pocket.press("Done")
        await pocket.press(TAKE)
        nonce = base64url.decode(peek_answer(parse_answer("OVP1:", content)).nonce)
        assert await take(pocket, give(counter, content, nonce)) == "They can rely on this"
        await pocket.press("My documents")
        await pocket.wait("home")

        await pocket.press("Print a copy for one organisation")
        await pocket.wait("paper")
        await page.locator("#body").select_option(label=place.world.council.name)
        await page.locator("#use").select_option(label="Council tax")
        await pocket.press("Continue")
        await pocket.wait("consent")
        await pocket.press("Show once")
        await pocket.wait("printed")
        (text,) = qr.read(await page.locator(".ph-paper__code").screenshot())
        prefix, content = parse_text(text)
        number = base64url.decode(peek_answer(parse_answer(prefix, content)).number)
        await page.locator("#view [data-do=home]").first.click()
        await pocket.wait("home")
        await pocket.press("Where did I show this?")
        await pocket.showings(2)
        await pocket.press(TAKE)
        assert await take(pocket, give(counter, content, number)) == "They can rely on this"


async def test_what_cannot_be_checked_now_is_kept_and_checked_again(tmp_path: Path) -> None:
    """The clock of the desk is ahead: nobody is told that it does not fit, and when its time has come it does."""
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile") as pocket:
        await pocket.sign_in()
        await pocket.keep(place.document)
        shown = await show_once(pocket, place)
        await pocket.press(TAKE)
        early = give(place.counter, *shown, at=place.world.clock() + 1_200)
        assert await take(pocket, early) == "This receipt cannot be checked yet"
        await pocket.look("receipt-later")
        assert "This receipt cannot be checked yet" in await past(pocket, 1)
        await pocket.press(TAKE)
        assert await take(pocket, give(place.counter, *shown, use="blue-badge")) == "This receipt does not fit what you showed"
        await past(pocket, 1)
        await pocket.open()
        await pocket.unlock()
        await pocket.renewed()
        assert early not in {line["provisional"] for line in await told(place)}
        await pocket.go(1)
        await pocket.sign_in_again()
        await pocket.open()
        await pocket.unlock()
        await pocket.renewed()
        await pocket.press("Where did I show this?")
        await pocket.showings(1)
        assert "provisional receipt: They can rely on this" in str(await pocket.page.locator("#view").text_content())
        await pocket.open()
        await pocket.unlock()
        await pocket.renewed()
        await place.site.open()  # its own session ended with the day
        lines = {line["provisional"]: line["receipt_problem"].partition(":")[0] for line in await told(place)}
        assert lines.pop(early) == ""
        assert [*lines.values()] == ["purpose_mismatch"]


async def test_what_was_shown_is_kept_for_a_month_at_most(tmp_path: Path) -> None:
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile") as pocket:
        await pocket.sign_in()
        await pocket.keep(place.document)
        await show_once(pocket, place)
        await pocket.press("My documents")
        await pocket.uses(BATCH - 1)
        await pocket.press("Where did I show this?")
        await pocket.showings(1)
        assert await pocket.page.get_by_role("button", name=TAKE).count() == 1
        await pocket.go(31)
        place.counter.seq += 1
        place.counter.register()
        await register.refresh(place.site.host.means, now=True)
        await pocket.open()
        await pocket.unlock(PASSPHRASE)
        await pocket.press("Where did I show this?")
        await pocket.showings(1)
        assert await pocket.page.get_by_role("button", name=TAKE).count() == 0
        await place.site.open()  # a session does not last a month
        assert await told(place) == []
