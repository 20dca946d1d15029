"""Each refusal, level 0, and what stands in a camera's or a page's way, as the checking page shows them on a laptop and on a phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect
from support.desk import Running, Site, Template, serving
from support.desk_scan import WHOLE
from support.scan_page import ScanPage, answer, as_code, browser_with_camera, copy_text
from support.signing import AT
from support.trial_verify import CLAIMS, DAY, IDX, LIST, Dice, credential, credential_type, registry, status_token, stranger

from shared.codec import base64url
from shared.credentials import CredentialType, Text
from shared.formats import StatusReference, formats
from shared.keys import KeyId
from shared.ovp.envelope import BEARER, render_text
from shared.trust.anchors import render_trust
from verifier.words import A_COPY

pytestmark = pytest.mark.real
NO, CANCELLED, ON_HOLD = "Do not rely on this", StatusReference(uri=LIST, idx=IDX + 1), StatusReference(uri=LIST, idx=IDX + 2)


@pytest.fixture
async def strict(template: Template, tmp_path: Path, chromium: Browser) -> AsyncIterator[ScanPage]:
    """An open desk whose issuer has cancelled a document and put another on hold."""
    lists = {LIST: status_token({CANCELLED.idx: 1, ON_HOLD.idx: 2})}
    async with serving(template, tmp_path / "desk", local=True, site=Site(lists=lists)) as desk:
        context = await chromium.new_context(locale="en-GB")
        counter = await ScanPage.open(context, desk.base, at=AT)
        await counter.sign_in()
        await counter.enrol()
        yield counter
        await context.close()


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "cancelled": ({"status": CANCELLED}, "The issuer has cancelled it."),
    "on-hold": ({"status": ON_HOLD}, "The issuer has put it on hold."),
    "run-out": ({"issued_at": AT - 40 * DAY, "expires_at": AT - DAY}, "It has run out."),
    "unknown-issuer": ({"by": stranger()}, "Nobody whom we trust issued it."),
    "too-little": ({"paths": WHOLE[:4]}, "It does not cover this purpose, or that was not shown."),
}


async def test_every_refusal_is_looked_at(strict: ScanPage) -> None:
    for name, (bent, why) in REFUSED.items():
        await strict.scan(as_code(answer(await strict.ask(), seed=name, **bent)))
        assert await strict.result() == NO
        await strict.page.locator("[data-part=verdict]").get_by_text(why).wait_for()
        await strict.look(f"refused-{name}")
        await strict.press("Next customer")
    await strict.press("Check a copy")
    await strict.scan(copy_text("elsewhere", to="https://council.example"))
    assert await strict.result() == NO
    await strict.page.locator("[data-part=verdict]").get_by_text("It was made out to someone else.").wait_for()
    await strict.look("refused-made-out-to-others", dark=True)


async def test_a_disputed_detail_is_said_and_decides_nothing(strict: ScanPage) -> None:
    await strict.scan(as_code(answer(await strict.ask(), claims=CLAIMS | {"disputed": True})))
    assert await strict.result() == "You can rely on this"
    told = "Its holder says that a detail is wrong; the issuer is looking at it."
    await strict.page.locator("[data-part=verdict]").get_by_text(told).first.wait_for()
    await strict.look("disputed")


async def test_an_issuer_that_is_trusted_for_something_else(template: Template, tmp_path: Path, chromium: Browser) -> None:
    async with serving(template, tmp_path / "desk", local=True) as desk:
        pins = tuple(replace(each, vcts=("urn:example:land",)) for each in desk.desk.trust.anchors)
        (desk.desk.directory / "trust.json").write_bytes(render_trust(replace(desk.desk.trust, anchors=pins)))
        context = await chromium.new_context(locale="en-GB")
        counter = await ScanPage.open(context, desk.base, at=AT)
        await counter.sign_in()
        await counter.enrol()
        await counter.scan(as_code(answer(await counter.ask())))
        assert await counter.result() == NO
        await counter.page.locator("[data-part=verdict]").get_by_text("Its issuer is known, but not trusted to say this.").wait_for()
        await counter.look("refused-not-entitled")
        await context.close()


# --- level 0 -----------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def extract(monkeypatch: pytest.MonkeyPatch) -> CredentialType:
    """A kind of document for whoever holds it: the same as the other, if its file said so."""
    title = Text("Extract from the register (test)", "Detholiad o’r gofrestr (prawf)")
    kind = replace(
        credential_type(), id="extract", vct="urn:example:extract", vct_int=65_009, doctype="example.extract", title=title, queries=(),
        bearer=True,
    )  # fmt: skip
    known = {each.vct: each for each in (credential_type(), kind)}
    for module in ("shared.formats._envelope", "shared.formats.sd_cwt", "verifier.uses"):
        monkeypatch.setattr(f"{module}.all_types", lambda: known)
    return kind


async def test_a_document_for_whoever_holds_it(extract: CredentialType, counter: ScanPage) -> None:
    unsigned = formats()["dc+sd-cwt"].prepare(credential(type=extract), key=KeyId("issuer"), holder=None, entropy=Dice("extract"))
    text = render_text(BEARER, base64url.decode(registry().signer.finish(unsigned)))
    await counter.press("Check a copy")
    await counter.scan(text)
    assert await counter.result() == A_COPY
    await counter.look("level-0", dark=True)
    assert await counter.page.locator("[data-part=verdict]").get_attribute("data-level") == "0"
    await expect(counter.page.locator(".scan-level")).to_have_text("A copy anyone may hold: nothing proves who brought it.")


# --- cameras and connections -------------------------------------------------------------------------------------------------------------

BUSY = "MediaDevices.prototype.getUserMedia = async () => { throw new DOMException('in use', 'NotReadableError'); };"


async def test_camera_in_use_elsewhere(local: Running, chromium: Browser) -> None:
    context = await chromium.new_context(locale="en-GB")
    await context.add_init_script(BUSY)
    counter = await ScanPage.open(context, local.base, at=AT)
    await counter.sign_in()
    await counter.enrol()
    await counter.ask()
    await counter.press("Start the camera")
    await counter.note("The camera is in use by another program")
    await counter.look("camera-busy")
    await context.close()


async def test_page_without_encryption(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk", public_url="http://desk.example") as desk:
        place = f"--host-resolver-rules=MAP desk.example:80 127.0.0.1:{desk.base.rpartition(':')[2]}"
        async with browser_with_camera(None, place) as browser:
            counter = await ScanPage.open(await browser.new_context(locale="en-GB"), "http://desk.example", at=AT)
            await counter.go()
            await counter.view("insecure")
            counter.watched.faults.clear()  # the browser tells which headers it puts aside without encryption
            await counter.look("no-encryption")
