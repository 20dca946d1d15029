"""The page that works in airplane mode, in a real Chromium at two sizes: every state of it, watched for what the house forbids."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect
from support.airplane import COUNCIL_TAX, POSTCODE, POWERS, Counter
from support.pockets import LARGE, SMALL, Place, Pocket, open_place, open_pocket, seen_by_camera
from support.signing import Signer
from support.wallets import PASSPHRASE
from support.world import BATCH

from shared.clock import DAY
from shared.ovp.code import make_code
from shared.trust.relying_party import Want

pytestmark = pytest.mark.real


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_from_keeping_to_the_history(tmp_path: Path, size: dict[str, int]) -> None:
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile", size=size) as pocket:
        await _keep(pocket, place)
        await _show(pocket, place)
        await _code(pocket, place)
        await _paper(pocket)
        await _rest(pocket, place)


async def _keep(pocket: Pocket, place: Place) -> None:
    page = pocket.page
    await pocket.open()
    await pocket.wait("empty")
    await pocket.look("empty-signed-out")
    await pocket.sign_in()
    await pocket.open()
    await page.get_by_role("button", name="Keep on this phone").wait_for()
    await pocket.look("empty")
    await pocket.open(f"/cards/{place.document}")
    await pocket.look("document")
    await page.get_by_role("button", name="Keep on this phone for no signal").click()
    await pocket.wait("keep")
    await pocket.look("keep")
    await page.locator("#new_passphrase").fill("too short")
    await pocket.press("Keep on this phone")
    await page.get_by_text("at least 12 characters").last.wait_for()
    await pocket.look("keep-short")
    await page.locator("#new_passphrase").fill(PASSPHRASE)
    await page.locator("#repeat").fill("something else")
    await pocket.press("Keep on this phone")
    await page.get_by_text("The two passphrases are not the same").wait_for()
    await pocket.look("keep-differ")
    await page.locator("#repeat").fill(PASSPHRASE)
    place.world.down.add("https://opg.example/credential")
    await pocket.press("Keep on this phone")
    await pocket.wait("keep-failed")
    pocket.forgive("status of 503")
    await pocket.look("keep-failed")
    place.world.down.clear()
    await pocket.press("Try again")
    await pocket.wait("kept")
    await page.get_by_text(f"{BATCH} uses are ready").wait_for()
    await pocket.look("kept")
    await pocket.press("Go to my documents")
    await pocket.wait("home")
    await pocket.look("home")
    await pocket.ready()
    await pocket.press("Lock")
    await pocket.wait("unlock")
    await pocket.look("unlock")
    await page.locator("#passphrase").fill("not this one, no")
    await pocket.press("Unlock")
    await page.get_by_text("This does not unlock your documents").wait_for()
    await pocket.look("unlock-wrong")
    await pocket.unlock()


async def _show(pocket: Pocket, place: Place) -> None:
    page, counter = pocket.page, place.counter
    await pocket.press("Show at a desk")
    await page.get_by_text("This device has no camera").wait_for()
    await pocket.look("scan-no-camera")
    await page.locator("#pasted").fill("hello")
    await pocket.press("Use this text")
    await page.get_by_text("This is not the text of a desk’s code").wait_for()
    await pocket.look("scan-not-a-code")
    await page.locator("#picture").set_input_files({"name": "x.png", "mimeType": "image/png", "buffer": b"nothing"})
    await page.get_by_text("We found no code of a desk in this picture").wait_for()
    code = seen_by_camera(counter.ask())
    await page.locator("#picture").set_input_files({"name": "code.jpg", "mimeType": "image/jpeg", "buffer": code})
    await pocket.wait("consent")
    await expect(page.get_by_role("checkbox", checked=True)).to_have_count(0)
    await pocket.look("consent")
    await page.get_by_text("Always seen with such a document").click()
    await pocket.look("consent-always")
    await page.get_by_label("Show: Powers").check()
    await pocket.look("consent-switched-on")
    claims = counter.judge_live(await pocket.agree())
    assert claims.claims["powers"] == ["council-tax", "banking"]
    assert "address" not in claims.claims["represented"]
    await pocket.look("frames")
    await pocket.press("Pause")
    await page.get_by_text("Paused at piece").first.wait_for()
    await pocket.press("Next square")
    await pocket.look("frames-paused")
    await pocket.bigger()
    await pocket.look("frames-bigger")
    await pocket.press("Done")
    await pocket.wait("shown")
    await pocket.look("shown")
    await pocket.press("My documents")
    await pocket.wait("home")
    await pocket.uses(BATCH - 1)
    await pocket.paste(counter.ask())
    await pocket.wait("consent")
    await pocket.press("Don’t show")
    await pocket.wait("home")
    await pocket.uses(BATCH - 1)
    await _refusals(pocket, place)


async def _refusals(pocket: Pocket, place: Place) -> None:
    page, counter = pocket.page, place.counter
    stranger = Counter(place.world, place.world.bank)
    for name, text, words in (
        ("unregistered", stranger.ask(), "We do not know this organisation"),
        ("expired", counter.ask(at=place.world.clock() - 200), "This code has run out"),
        ("over-asking", counter.ask(wants=_more()), "They ask for more than they registered for"),
        ("other-reason", counter.ask(use="marketing"), "They ask for a reason that is not registered"),
        ("forged", counter.ask(by=Signer.new()), "This code is not genuine"),
        (
            "old-certificate",
            counter.ask(certificate=counter.certificate(at=place.world.clock() - 8 * DAY)),
            "This desk’s own permit has run out",
        ),
    ):
        await pocket.paste(text)
        await pocket.wait("refused")
        await page.get_by_role("heading", name=words).wait_for()
        await pocket.look(f"refused-{name}")
        await pocket.press("My documents")
        await pocket.wait("home")
    await pocket.uses(BATCH - 1)


def _more() -> tuple[Want, ...]:
    (want,) = COUNCIL_TAX.wants
    return (Want(vct=want.vct, required=(*want.required, POSTCODE), optional=(POWERS,)),)


async def _code(pocket: Pocket, place: Place) -> None:
    page, counter = pocket.page, place.counter
    await pocket.press("Type a code instead")
    await pocket.wait("code")
    await pocket.look("code")
    await pocket.press("Continue")
    await page.get_by_text("Choose the organisation").wait_for()
    await page.get_by_label("Organisation").select_option(label="Anytown Borough Council")
    await page.get_by_label("Why they ask").select_option(label="Council tax")
    code = make_code(entity=counter.party.entity, use="council-tax", entropy=lambda size: b"\x11" * size)
    await page.get_by_label("Code", exact=True).fill(f"{(int(code[0]) + 1) % 10}{code[1:]}")
    await pocket.press("Continue")
    await page.get_by_text("This code is not right for this organisation and reason").wait_for()
    await pocket.look("code-wrong")
    await page.get_by_label("Code", exact=True).fill(f"{code[:4]} {code[4:8]} {code[8:]}")
    await pocket.press("Continue")
    await pocket.wait("consent")
    await page.get_by_text("This could be passed on").wait_for()
    await pocket.look("code-consent")
    claims = counter.judge_code(await pocket.agree(), code)
    assert claims.claims["represented"]["family_name"] == "Ashdown"
    await pocket.press("Done")
    await pocket.wait("shown")
    await pocket.press("My documents")
    await pocket.wait("home")


async def _paper(pocket: Pocket) -> None:
    page = pocket.page
    await pocket.press("Print a copy for one organisation")
    await pocket.wait("paper")
    await page.get_by_label("Organisation").select_option(label="Anytown Borough Council")
    await page.get_by_label("Why they ask").select_option(label="Council tax")
    await pocket.look("paper")
    await pocket.press("Continue")
    await pocket.wait("consent")
    await pocket.press("Show once")
    await pocket.wait("printed")
    width = await page.locator(".ph-paper__code svg").get_attribute("width")
    assert width is not None
    assert float(width.removesuffix("mm")) >= 60
    await page.get_by_text("Nobody else can rely on it").wait_for()
    await pocket.look("printed")
    await page.emulate_media(media="print")
    await pocket.keep_picture("printed-on-paper")
    await page.emulate_media(media="screen")
    await page.get_by_role("button", name="Done").click()
    await pocket.wait("home")


async def _rest(pocket: Pocket, place: Place) -> None:
    page = pocket.page
    await page.get_by_role("button", name="Where did I show this?").click()
    await pocket.showings(4)
    await pocket.look("history")
    await pocket.press("My documents")
    await page.get_by_role("button", name="Sound, storage").click()
    await pocket.wait("settings")
    await page.get_by_label("Sound and vibration").uncheck()
    await pocket.look("settings")
    await page.get_by_role("button", name="Take everything off this phone").click()
    await pocket.wait("forget")
    await pocket.look("forget")
    await page.get_by_role("button", name="Keep it").click()
    await pocket.wait("home")
    await pocket.open("/phone/?lang=cy")
    await page.get_by_role("heading", name="Datgloi").wait_for()
    await pocket.look("unlock-cy")
    await page.locator("#passphrase").fill(PASSPHRASE)
    await page.locator("#view button[type=submit]").click()
    await pocket.wait("home")
    await pocket.look("home-cy")
    await page.locator("[data-do=scan]").click()
    await page.locator("#pasted").fill(place.counter.ask())
    await page.locator("form[data-form=paste] button").click()
    await pocket.wait("consent")
    await page.get_by_text("I siarad â chi am dreth gyngor Margaret").wait_for()
    await pocket.look("consent-cy")
