"""Domain sheet C22, no wrong door: its acceptance scenarios by their names."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect
from support.agents import open_agents
from support.browser import LAPTOP, Open
from support.clerk import Clerk as PlainClerk
from support.desk import Running, make_template
from support.hands import Clerk, Holder, Invitation, Typing, at_desk, invited, opened_wallet
from support.knowing import open_bodies
from support.long_values import decoded
from support.no_wrong_door import COUNCIL, Shut, check_passed, open_town
from support.offices import OPG
from support.posting import Sent, ask, check
from support.registry import LPA_1
from support.scenes import sign_in
from support.walk import Typist

from shared import addressed
from shared.codec import base64url
from verifier import passing
from wallet import register
from wallet.outbox import CARRIED
from wallet.records import ADDRESSED, COPIES, SENT

LIBRARY = "https://library.anytown-bc.example"
NAMES = {name.encode() for name in ("preferred_language", "issuing_authority", "issuing_jurisdiction")}
"""Members of every document of the kind that are longer than fifteen letters; its type, and the digest of what describes that, go with them."""
SD_JWT = b'"typ":"dc+sd-jwt"'
KB_HEADER = base64url.encode(b'{"alg":"ES256","typ":"kb+jwt"}').encode()
FILLED = {
    "Name": "Nora Ashdown, for Margaret Ashdown", "Address": "Flat 3, Poplar Court, Anytown", "Telephone": "01632 960123",
    "E-mail": "nora@mail.example", "How best to deal with them": "by e-mail, after six",
}  # fmt: skip


async def fill_in(clerk: Clerk) -> Invitation:
    """A clerk fills the form in once; how the document is collected."""
    walker = clerk.walker
    await walker.go(f"{clerk.desk.base}/desk/known/new")
    for label, text in FILLED.items():
        await walker.write(label, text)
    await walker.choose("Welsh")
    await walker.choose("Large print")
    await walker.look("desk-known-new")
    await walker.press("Make it")
    await walker.look("desk-known-made")
    return await clerk.gives()


@pytest.mark.real
async def test_at_c22_1_and_2_nothing_is_blank_and_nobody_is_greeted_before(tmp_path: Path, open_page: Open) -> None:
    """At UTIL nothing shows of NORA before she shows that she is known; then every field that she filled in is there, until she is
    forgotten. The clerk goes by keyboard alone.
    """
    async with (
        open_bodies(tmp_path, utility="Brightwater Utilities") as (street, bodies),
        opened_wallet(street, tmp_path / "nora", open_page, careful=True) as nora,
    ):
        util = bodies["utility"]
        clerk = await at_desk(street, util.entity, open_page, hand=Typing, careful=True)
        walker = clerk.walker
        await nora.collects(await fill_in(clerk))
        await walker.follow("They have no wallet: print a slip with their reference")
        await walker.look("desk-known-slip", paper=True)
        await walker.go(f"{util.desk.base}/desk/known/slip")
        await walker.press("Go on")
        await walker.look("desk-known-slip-unsaid")
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
        await clerk.enters()
        link = await clerk.asks("known-here/welcome-back")
        asking = await walker.page.content()
        assert not any(text in asking for text in told)
        await nora.enters()
        mailed = await nora.writes(util.entity, "Brightwater Utilities", "known-here/welcome-back")
        await nora.answers(link)
        await expect(nora.walker.page.get_by_role("heading", name="Shared once")).to_be_visible()
        await nora.walker.look("wallet-welcome-back")
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
        await clerk.enters()
        assert (await clerk.opens(mailed))[0] == "Do not rely on this"
        kept = await util.desk.desk.storage.read(lambda tx: tx.fetch("SELECT key FROM known_customer"))
        assert kept == []


@pytest.mark.real
async def test_at_c22_3_two_bodies_cannot_join_what_they_know(tmp_path: Path, open_page: Open) -> None:
    """The same person, the same form: the documents of UTIL and BANK share no value beyond what NORA typed, nor do their rows."""
    names = {"utility": "Brightwater Utilities", "bank": "Northwold Bank"}
    async with open_bodies(tmp_path, **names) as (street, bodies), opened_wallet(street, tmp_path / "nora", open_page) as nora:
        clerks = {word: await at_desk(street, body.entity, open_page) for word, body in bodies.items()}
        shown, rows = [], []
        for word, body in bodies.items():
            card = await nora.collects(await fill_in(clerks[word]))
            (row,) = await body.desk.desk.storage.read(lambda tx: tx.fetch("SELECT key, sealed FROM known_customer"))
            rows.append({bytes(row["key"]), bytes(row["sealed"])})
            chosen = card if len(rows) > 1 else ""  # of one document there is nothing to choose
            written = await nora.writes(body.entity, names[word], "known-here/welcome-back", card=chosen)
            assert await clerks[word].opens(written) == ("You can rely on this", "")
            copy = addressed.parse_file(written)
            shown += [decoded(copy.format, wire) for wires in copy.vp_token.values() for wire in wires]
            (other,) = set(names) - {word}
            written = await nora.writes(body.entity, names[word], "known-here/welcome-back", card=chosen)
            assert await clerks[other].opens(written) == ("Do not rely on this", "wrong_audience")
        held = await nora.site.host.means.storage.read(lambda tx: COPIES.all(tx, nora.vault))
    by_document: dict[str, set[bytes]] = {}
    for each in held:
        if SD_JWT in base64url.decode(each.value.wire.partition(".")[0]):  # the form that was shown, of several
            by_document.setdefault(each.value.document, set()).update(decoded("dc+sd-jwt", each.value.wire))
    one, two = by_document.values()
    assert min(len(one), len(two)) > 10
    assert not joined(one & two), "nor does any copy that was not shown"
    utility, bank = shown
    assert not joined(utility & bank)
    assert rows[0].isdisjoint(rows[1])


def joined(common: set[bytes]) -> set[bytes]:
    """What two documents have in common and others of their kind have not."""
    known = NAMES | {KB_HEADER}
    return {value for value in common if not value.startswith((b"urn:fdc:vct.example", b"sha256-")) and value not in known}


@pytest.mark.real
async def test_at_c22_4_a_library_takes_an_envelope_for_council_tax(tmp_path: Path, open_page: Open) -> None:
    """The council's door does not answer NORA. The library's counter takes her letter, cannot read it, gives a receipt and passes it on; the council
    decides, and her wallet hears it there with her ticket. The library's clerk goes by keyboard alone.
    """
    bodies = [(COUNCIL, "Anytown Borough Council"), (LIBRARY, "Anytown Library")]
    async with open_agents(tmp_path, 0, bodies=bodies) as town:
        street, world = town.street, Shut(town.street)
        library, council = street.desks[LIBRARY], street.desks[COUNCIL]
        async with opened_wallet(street, tmp_path / "nora", open_page, careful=True, world=world) as nora:
            await register.refresh(nora.site.host.means, now=True)
            card = await nora.collects(await invited(street, OPG, "representation", LPA_1))
            told, saved = await _taken_along(nora, card)
            letter = await _handed_in(nora, saved.read_text())
            walker = Typist(watched=await open_page(LAPTOP))
            page = walker.page
            await walker.go(f"{library.base}/desk/pass-on")
            await sign_in(walker, "Your name", "Bea Clerk", "correct-horse-battery", "Sign in")
            await expect(page.get_by_text("Nothing was taken for others yet.")).to_be_visible()
            await walker.look("desk-pass-on")
            await walker.upload(saved)
            await walker.press("Take it")
            await expect(page.get_by_text("on its way")).to_be_visible()
            shown = await page.content()
            assert "Anytown Borough Council" in shown
            assert "Ashdown" not in shown
            await walker.look("desk-passed-on")
            async with page.expect_download() as saving:
                await walker.hit(page.get_by_role("link", name="Save the receipt"))
            receipt = check_passed(library, letter, (await (await saving.value).path()).read_text())
            assert (receipt.decision, receipt.reason_code) == ("undecided", "passed_on")
            assert await passing.deliver(library.desk, street) == 1
            await page.reload()
            await expect(page.get_by_text("arrived")).to_be_visible()
            await _nothing_stays(library)
            world.shut = False
            street.clock.at += CARRIED
            await nora.enters()
            await nora.hears(told, "accepted")
            await nora.walker.look("wallet-handed-in-answered")
            assert (await nora.answer())["decision"] == "They can rely on this"
            answer = check(council, letter, (await ask(council, letter.ticket))[1])
            assert answer.decision == "accepted"
            assert set(world.came) == {"/inbox/answer"}, "nothing was posted from her wallet"


async def _taken_along(nora: Holder, card: str) -> tuple[str, Path]:
    """She tells the council, which cannot be reached, and saves the letter: the page of what comes of it, and the file."""
    walker, page = nora.walker, nora.walker.page
    told = await nora.tells(card, COUNCIL, "council-tax")
    await nora.hears(told, "waiting", "Waiting to be sent")
    await walker.enter(page.get_by_role("link", name="Hand it in at a counter"))
    await walker.look("wallet-hand-in")
    await walker.press("I will hand it in")
    await walker.look("wallet-yours-to-hand-in")
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="Save the letter").click()
    download = await saving.value
    assert download.suggested_filename == "letter.jose"
    await nora.hears(told, "carried", "Yours to hand in")
    await walker.look("wallet-carried")
    return told, await download.path()


async def _handed_in(nora: Holder, token: str) -> Sent:
    """What NORA's wallet knows of the letter that she holds in her hand."""
    (sent,) = [item.value for item in await nora.site.host.storage.read(lambda tx: SENT.all(tx, nora.vault))]
    (made,) = [item.value for item in await nora.site.host.storage.read(lambda tx: ADDRESSED.all(tx, nora.vault))]
    return Sent(addressed.parse_file(made.file), sent.ticket, token)


async def _nothing_stays(library: Running) -> None:
    """Of what was in it nothing lies on the library's disk, and of the letter itself nothing but its digest."""
    await library.desk.storage.checkpoint()
    for file in library.desk.directory.rglob("*"):
        assert not file.is_file() or b"Ashdown" not in file.read_bytes()


@pytest.mark.parametrize("counter", ["Anytown Library", "Fenfield Post Office", "Westshire Advice Centre"])
async def test_t_ex_6_any_counter_completes_it(tmp_path: Path, counter: str) -> None:
    """No wrong door: wherever NORA goes, the same envelope reaches the same desk."""
    template = await make_template(tmp_path / "template" / "desk")
    async with open_town(template, tmp_path, name=counter) as town:
        letter, clerk = town.letter(), await PlainClerk(town.library).sign_in()
        page = await clerk.upload("/desk/pass-on", letter.token.encode(), "letter.jose", text="")
        assert counter in page
        await passing.deliver(town.library.desk, town.send)
        assert check(town.council, letter, (await ask(town.council, letter.ticket))[1]).decision == "accepted"
