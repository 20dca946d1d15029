"""Domain sheet C22, no wrong door: its acceptance scenarios by their names."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect
from support.browser import LAPTOP, PHONE, Open
from support.clerk import Clerk
from support.desk import make_template
from support.knowing import KNOWN, Body, collect, open_bodies
from support.long_values import decoded
from support.neighbours import Neighbour
from support.no_wrong_door import Town, check_passed, open_town
from support.offices import Carried, Street
from support.posting import Sent, ask, check
from support.scenes import collected, sign_in, type_code
from support.walk import Walker
from support.wallets import Site, serve_wallet

from shared.receipts import Receipt
from verifier import copies, passing

NAMES = {name.encode() for name in ("preferred_language", "issuing_authority", "issuing_jurisdiction")}
"""Members of every document of the kind that are longer than fifteen letters; its type, and the digest of what describes that, go with them."""
FILLED = {
    "Name": "Nora Ashdown, for Margaret Ashdown", "Address": "Flat 3, Poplar Court, Anytown", "Telephone": "01632 960123",
    "E-mail": "nora@mail.example", "How best to deal with them": "by e-mail, after six",
}  # fmt: skip


async def enter(walker: Walker, body: Body) -> None:
    await walker.go(f"{body.desk.base}/desk/sign-in")
    await walker.page.get_by_label("Your name").fill("Bea Clerk")
    await walker.page.get_by_role("textbox", name="Passphrase").fill("correct-horse-battery")
    await walker.press("Sign in")


async def fill_in(walker: Walker, body: Body) -> None:
    """A clerk fills the form in once; the page says how the document is collected."""
    await walker.go(f"{body.desk.base}/desk/known/new")
    for label, text in FILLED.items():
        await walker.write(label, text)
    await walker.choose("Welsh")
    await walker.choose("Large print")
    await walker.look("desk-known-new")
    await walker.press("Make it")
    await walker.look("desk-known-made")


async def become_known(walker: Walker, street: Street, body: Body) -> Carried:
    """The same, and NORA collects the document."""
    await fill_in(walker, body)
    shown = await walker.page.get_by_text("Number of the document:").text_content()
    assert shown is not None
    return await collect(street, body, shown.partition(": ")[2].strip())


async def opens_wallet(nora: Walker, wallet: Site) -> None:
    await nora.go(f"{wallet.base}/sign-in")
    await sign_in(nora, "Name of your wallet", wallet.made.holder, wallet.made.passphrase, "Open")


async def writes_copy(nora: Walker, wallet: Site, body: Body) -> bytes:
    """A copy that she keeps for another time."""
    await nora.go(f"{wallet.base}/copies/new")
    await nora.write("Organisation", "Brightwater Utilities")
    await nora.write("The organisation’s own address", body.entity)
    await nora.tick(nora.page.locator('input[value="known-here/welcome-back"]'))
    await nora.press("Look at it first")
    await nora.press("Make this copy")
    async with nora.page.expect_download() as saving:
        await nora.page.get_by_role("link", name="Save the copy as a file, to send by e-mail").click()
    return (await (await saving.value).path()).read_bytes()


async def bring(walker: Walker, body: Body, file: bytes) -> None:
    await walker.go(f"{body.desk.base}/desk/copies")
    await walker.page.locator("input[type=file]").set_input_files({"name": "copy.json", "mimeType": "application/json", "buffer": file})
    await walker.press("Check it")


@pytest.mark.real
async def test_at_c22_1_and_2_nothing_is_blank_and_nobody_is_greeted_before(tmp_path: Path, open_page: Open) -> None:
    """At UTIL nothing shows of NORA before she shows that she is known; then every field that she filled in is there, until she is forgotten."""
    async with (
        open_bodies(tmp_path, utility="Brightwater Utilities") as (street, bodies),
        serve_wallet(tmp_path / "nora", world=Neighbour(street)) as wallet,
    ):
        util, walker, nora = bodies["utility"], Walker(watched=await open_page(LAPTOP)), Walker(watched=await open_page(PHONE))
        await enter(walker, util)
        await fill_in(walker, util)
        await opens_wallet(nora, wallet)
        await nora.go(f"{wallet.base}/receive")
        await nora.write("Link of the invitation", await walker.page.locator("#given-link").inner_text())
        await nora.press("Continue")
        await type_code(nora, await walker.page.locator(".mu-code code").inner_text())
        await collected(nora)
        told = [*FILLED.values(), "Ashdown", "Poplar"]
        public = await util.desk.ask(type="known-here", query="welcome-back")
        for path in (
            "/desk/",
            "/desk/requests",
            "/desk/decisions",
            "/desk/known/new",
            f"/request/{public['id']}",
            f"/desk/requests/{public['id']}",
        ):
            await walker.go(util.desk.base + path)
            before = await walker.page.content()
            assert not any(text in before for text in told), path
        await walker.go(f"{util.desk.base}/desk/requests/{public['id']}/known", status=404)
        street.clock.at += 86_400
        await street.cycle()
        await enter(walker, util)
        await walker.go(f"{util.desk.base}/desk/ask")
        await walker.tick(walker.page.locator('input[value="known-here/welcome-back"]'))
        await walker.press("Show the square code")
        link = await walker.code()
        asking = await walker.page.content()
        assert not any(text in asking for text in told)
        await opens_wallet(nora, wallet)
        mailed = await writes_copy(nora, wallet, util)
        await nora.go(f"{wallet.base}/present")
        await nora.write("Link of the request", link)
        await nora.press("Continue")
        await nora.look("wallet-welcome-back")
        await nora.press("Share once")
        await expect(nora.page.get_by_role("heading", name="Shared once")).to_be_visible()
        await walker.follow("Already known: go on with what they told before")
        page = walker.page
        for label, text in FILLED.items():
            await expect(page.get_by_role("textbox", name=label, exact=True)).to_have_value(text)
        await expect(page.get_by_label("Welsh", exact=True)).to_be_checked()
        await expect(page.get_by_label("Large print", exact=True)).to_be_checked()
        await walker.look("desk-known")
        await walker.write("Telephone", "01632 960999")
        await walker.press("Keep this")
        await expect(page.get_by_role("textbox", name="Telephone", exact=True)).to_have_value("01632 960999")
        await walker.press("Forget all of this")
        await expect(page.get_by_text("Their document has ended.")).to_be_visible()
        street.clock.at += 3_600
        await street.cycle()
        await enter(walker, util)
        await bring(walker, util, mailed)
        await expect(page.get_by_text("Do not rely on this").first).to_be_visible()
        kept = await util.desk.desk.storage.read(lambda tx: tx.fetch("SELECT key FROM known_customer"))
        assert kept == []


@pytest.mark.real
async def test_at_c22_3_two_bodies_cannot_join_what_they_know(tmp_path: Path, open_page: Open) -> None:
    """The same person, the same form: the documents of UTIL and BANK share no value beyond what NORA typed, nor do their rows."""
    async with open_bodies(tmp_path, utility="Brightwater Utilities", bank="Northwold Bank") as (street, bodies):
        shown, rows = [], []
        for word, body in bodies.items():
            walker = Walker(watched=await open_page(LAPTOP), careful=False)
            await enter(walker, body)
            nora = await become_known(walker, street, body)
            shown.append(decoded("dc+sd-jwt", nora.wires[-1]))
            (row,) = await body.desk.desk.storage.read(lambda tx: tx.fetch("SELECT key, sealed FROM known_customer"))
            rows.append({bytes(row["key"]), bytes(row["sealed"])})
            outcome = await copies.bring(
                body.desk.desk,
                body.desk.store,
                body.copy(nora, purpose="welcome-back", paths=KNOWN, at=street.clock(), seed=word),
                made_by="desk",
            )
            assert outcome.decision.decision == "accepted"
            other = next(one for one in bodies.values() if one is not body)
            stranger = body.copy(nora, purpose="welcome-back", paths=KNOWN, at=street.clock(), seed=f"{word} elsewhere")
            assert (await copies.bring(other.desk.desk, other.desk.store, stranger, made_by="desk")).decision.decision == "rejected"
    assert {
        value for value in shown[0] & shown[1] if not value.startswith((b"urn:fdc:vct.example", b"sha256-")) and value not in NAMES
    } == set()
    assert rows[0].isdisjoint(rows[1])


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
