"""Domain checks T-EX-1 (for sheets C04 and C22) and T-EX-4: by a clerk's forms, a library's computer without JavaScript, and paper, with the same decision."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from support.clerk import Clerk
from support.desk import Running, make_copy, make_template, serving
from support.desk import Site as Registry
from support.knowing import Body, open_bodies
from support.neighbours import Neighbour
from support.offices import Street as Offices
from support.page_texts import SITES, marked_in_template, templates
from support.permitting import ASSESSMENT, DWP, LISTS, Street
from support.posting import check, post, written
from support.wallet_visitor import Visitor
from support.wallets import serve_wallet

from shared import addressed
from shared.clock import DAY
from shared.codec import qr
from shared.receipts import peek_receipt
from shared.web import log
from verifier import registering
from wallet.invite import read_invitation
from wallet.upkeep import collect_and_look

FILLED = {
    "name": "Nora Ashdown, for Margaret Ashdown", "address": "Flat 3, Poplar Court, Anytown", "telephone": "01632 960123",
    "email": "nora@mail.example", "how": "by letter",
}  # fmt: skip
PAPER = "A copy made out to you: its holder made it for you and for this purpose, not necessarily today."


async def write_down(clerk: Clerk, permission: str, *kinds: str, status: int = 200) -> str:
    path = f"/desk/permissions/{permission}"
    return await clerk.post(path, [("form_token", await clerk.token(path)), *(("category", kind) for kind in kinds)], status=status)


async def logged(desk: Running) -> list[tuple[str, str]]:
    lines = await desk.desk.storage.read(lambda tx: log.page(tx, before=1_000, limit=100))
    entries = [line.entry.entry or {} for line in reversed(lines)]
    return [(entry["kind"], entry["decision"]) for entry in entries if entry["kind"] in {"disclosure", "withdrawal"}]


@pytest.mark.parametrize("taken_back", [False, True])
async def test_t_ex_1_c04_a_permission_without_a_phone(tmp_path: Path, *, taken_back: bool) -> None:
    """NORA reads and signs it on a library's computer, by the link that the clerk prints; what she did not allow is blocked as from a phone
    (AT-C04-1), and so is everything once she took it back there (AT-C04-2).
    """
    street, template = Street(), await make_template(tmp_path / "template" / "desk")
    async with (
        serving(template, tmp_path / "desk", site=Registry(lists=LISTS), clock=street.clock, local=True) as desk,
        serve_wallet(tmp_path / "wallet", world=street) as site,
    ):
        street.desk = desk
        clerk, nora = await Clerk(desk).sign_in(), Visitor(site)
        await nora.enter()
        await nora.collect()
        wish = {
            "recipient_name": "the Pensions department", "recipient": DWP, "category": ASSESSMENT, "max_uses": "1", "until": "2027-06-30",
            "purpose": "so that her Pension Credit is right", "use": "representation/bank",
        }  # fmt: skip
        slip = await clerk.post("/desk/permissions/new", {"form_token": await clerk.token("/desk/permissions/new"), **wish})
        (link,) = re.findall(r'<code id="request-link">([^<]+)</code>', slip)
        await nora.get("/present")
        await nora.post("/present", {"link": link}, files={})
        assert "to tell the Pensions department (https://dwp.example) this, once, until 30 June 2027" in unescape(nora.text)
        await nora.post(nora.path, {"decision": "share"})
        (number,) = re.findall(r'href="/desk/permissions/([^"/]+)"', (await clerk.get("/desk/permissions")).partition("<main")[2])[-1:]
        if taken_back:
            (mine,) = re.findall(r'href="(/permissions/[^"]+)"', await nora.get("/permissions"))
            await nora.get(mine)
            assert "taken back" in await nora.post(f"{mine}/withdraw")
            assert "It was withdrawn. Do not tell this." in await write_down(clerk, number, ASSESSMENT, status=400)
            assert await logged(desk) == [("withdrawal", "accepted"), ("disclosure", "rejected")]
            return
        assert "It does not allow all that you ticked." in await write_down(clerk, number, ASSESSMENT, "savings", status=400)
        assert "Write it down" not in await write_down(clerk, number, ASSESSMENT)
        assert await logged(desk) == [("disclosure", "rejected"), ("disclosure", "accepted")]


async def make_known(clerk: Clerk, street: Offices, body: Body) -> dict[str, str]:
    """A clerk fills the form in once; the link and code of the invitation go with NORA on paper."""
    path = "/desk/known/new"
    (wish,) = re.findall(r'name="wish" value="([^"]+)"', await clerk.get(path))
    fields = {"form_token": await clerk.token(path), "wish": wish, **FILLED, "language": "cy", "adjustment": "large-print"}
    given = await clerk.post(path, fields)
    (number,) = re.findall(r"Number of the document: ([\w-]+)", given)
    _, invited = await body.office.call("POST", f"/api/credentials/{number}/invitation", {})
    await street.cycle()
    return dict(invited)


async def test_t_ex_1_c22_known_by_a_printed_page(tmp_path: Path) -> None:
    """NORA, without a phone, prints a copy at the library; Brightwater's clerk scans the page, and no field that she filled in before is blank.

    The page says what it is worth, the verdict says the same from the other side, and nothing of her shows before.
    """
    async with open_bodies(tmp_path, utility="Brightwater Utilities") as (street, bodies):
        util = bodies["utility"]
        clerk = await Clerk(util.desk).sign_in()
        invited = await make_known(clerk, street, util)
        async with serve_wallet(tmp_path / "nora", world=Neighbour(street)) as site:
            nora = Visitor(site)
            await nora.enter()
            vault = next(iter(site.host.unlocked.vaults()))
            invitation = await read_invitation(site.host.means, vault, invited["invitation_link"])
            await collect_and_look(site.host.means, vault, invitation.id, invited["code"])
            await nora.get("/copies/new")
            wish = {"to": util.entity, "to_name": "Brightwater Utilities", "question": "known-here/welcome-back", "days": "7"}
            await nora.post("/copies/new", wish)
            await nora.post("/copies/new")
            page = unescape(nora.text)
            assert "A copy made out to Brightwater Utilities" in page
            assert "It does not show who hands it over or sends it." in page
            async with site.http.get(f"{site.base}{nora.path}/qr.png") as answer:
                printed = await answer.read()
        for path in ("/desk/", "/desk/known/new", "/desk/decisions"):
            assert "Poplar" not in await clerk.get(path)
        verdict = await clerk.bring(printed, "page.png")
        assert "You can rely on this" in verdict
        assert PAPER in verdict
        (known,) = re.findall(r'href="(/desk/requests/[^"]+/known)"', verdict)
        shown = await clerk.get(known)
        for text in FILLED.values():
            assert f'value="{text}"' in shown
        assert re.search(r'value="cy"[^>]* checked', shown)
        assert re.search(r'value="large-print"[^>]* checked', shown)


async def test_t_ex_4_paper_is_neither_slower_nor_dearer(tmp_path: Path) -> None:
    """T-EX-4: where a wallet's letter waits for a person until tomorrow, a printed copy at the counter is decided at once, with a receipt that
    takes effect no later; and nothing on any page has a price.
    """
    template = await make_template(tmp_path / "template" / "desk")
    async with serving(template, tmp_path / "desk", local=True) as desk:
        registering.state(desk.desk.directory, desk.desk.settings, "bank", {"decides": "person"})
        letter = written(desk, seed="letter")
        promised = check(desk, letter, (await post(desk, letter))[1]).answer_by
        assert promised is not None
        clerk = await Clerk(desk).sign_in()
        page = await clerk.bring(qr.png(addressed.render_qr(make_copy(at=desk.clock(), seed="paper")), ec="L"), "page.png")
        assert "You can rely on this" in page
        receipt = peek_receipt(await clerk.get(f"{clerk.at}/receipt"))
        assert (receipt.decision, receipt.reason_code) == ("accepted", "")
        assert receipt.effective_from is not None
        assert receipt.effective_from <= promised <= desk.clock() + 4 * DAY, "one working day, over a weekend"
    for site in SITES:
        for template_file in templates(site):
            text = " ".join(text for texts in marked_in_template(template_file.read_text("utf-8")) for text in texts)
            assert not re.search(r"\b(fee|fees|price|charge|pay a|costs?)\b|£", text), template_file
