"""The pages of telling, without JavaScript: choose, look, agree, follow, and hear again of a document that was cancelled."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession, CookieJar
from support.documents import DOCUMENTS as STORIES
from support.holdings import put_document
from support.inboxes import DEATH, TELL, Town
from support.wallet_visitor import Visitor
from support.wallets import Site, serve_wallet

from shared.clock import DAY
from shared.credentials import Text, by_id
from shared.inbox import open_letter
from shared.trust.registered_use import Want
from wallet import register, telling
from wallet.app import one_round
from wallet.enter import Doors
from wallet.keep import Vault
from wallet.outbox import Outbox, Ready, Row
from wallet.records import DOCUMENTS, list_wallets
from wallet.sessions import StatusSeen

POWER = by_id("representation")


class Home:
    """Joan's wallet, served: her browser and what is behind it."""

    def __init__(self, site: Site, town: Town) -> None:
        self.site, self.town, self.at = site, town, Visitor(site)
        self.document = ""

    @property
    def vault(self) -> Vault:
        return next(iter(self.site.host.unlocked.vaults()))

    async def hear(self, seq: int) -> None:
        self.town.clock.at += 600
        for each in self.town.bodies:
            each.register(seq)
        await register.refresh(self.site.host.means, now=True)

    async def change(self, **values: Any) -> None:
        means, vault = self.site.host.means, self.vault

        async def work(tx: Any) -> None:
            item = await DOCUMENTS.get(tx, vault, self.document)
            await DOCUMENTS.replace(tx, vault, item, msgspec.structs.replace(item.value, **values), entropy=means.entropy)

        await means.storage.write(work)

    async def post(self, seconds: int = 0) -> None:
        self.town.clock.at += seconds
        await self.site.host.outbox.work()

    async def tell(self, key: str, wish: dict[str, Any]) -> tuple[int, Any]:
        """By a program, under its own name for it."""
        return await self.site.call("POST", "/api/tell", wish, **{"Idempotency-Key": key})

    def marks(self) -> list[str]:
        """The state of each organisation on the page."""
        return re.findall(r'data-state="([a-z-]+)"', self.at.text)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    town = Town()
    town.settle("Northwold Bank", "Brightwater Utilities", "Saxon Mutual")
    async with serve_wallet(tmp_path / "wallet", world=town) as site:
        found = Home(site, town)
        await found.at.enter()
        found.document = await put_document(site.host.means, found.vault, vct=DEATH.vct, claims=STORIES["life-event"], copies=20)
        await found.hear(2)
        yield found


async def test_nothing_yet(home: Home) -> None:
    await home.at.get("/tell")
    assert "You have told nobody yet." in home.at.text
    await home.at.get("/tell/new")
    assert "3 organisations" not in home.at.text  # the only document that can be told is chosen already
    assert home.at.path == "/tell/new"
    assert "Northwold Bank" in home.at.text
    for each in home.town.bodies:
        each.uses = ()
    await home.hear(3)
    await home.at.get("/tell/new")
    assert "Nobody has registered to be told this." in home.at.text
    await home.at.get(f"/tell/new?document={home.document}")
    assert "Nobody is there to be told." in home.at.text


async def choose(home: Home, *ticked: str, do: str, **fields: str) -> str:
    """Press a button of the form, with these ticked beside those that the page keeps."""
    kept = re.findall(r'name="kept" value="([^"]+)"', home.at.text)
    ticked = ticked or tuple(re.findall(r'name="body" value="([^"]+)"[^>]* checked', home.at.text))
    hidden = {key: value for key, value in home.at.hidden().items() if key in {"form_token", "document", "about"}}
    data = [*hidden.items(), *(("kept", one) for one in kept), *(("body", one) for one in ticked), ("do", do), *fields.items()]
    async with home.site.http.post(home.site.base + "/tell/new", data=data) as answer:
        home.at.text, home.at.status, home.at.path = await answer.text(), answer.status, answer.url.path
    return home.at.text


async def agree(home: Home) -> str:
    bodies = re.findall(r'name="body" value="([^"]+)"', home.at.text)
    hidden = {key: value for key, value in home.at.hidden().items() if key != "body"}
    data = [*hidden.items(), *(("body", one) for one in bodies)]
    async with home.site.http.post(home.site.base + "/tell/agree", data=data) as answer:
        home.at.text, home.at.status, home.at.path = await answer.text(), answer.status, answer.url.path
    return home.at.text


async def test_choosing_finds_keeps_and_counts(home: Home) -> None:
    bank = home.town.bodies[0]
    await home.at.get(f"/tell/new?document={home.document}")
    await choose(home, do="look")
    assert "Choose at least one organisation" in home.at.text
    await choose(home, f"{bank.entity} tell-of-death", do="find", q="saxon")
    assert "1 chosen" in home.at.text
    assert "1 of them is not in the list below." in home.at.text
    assert "Brightwater" not in home.at.text
    await choose(home, do="all", q="")
    assert "3 chosen" in home.at.text
    await choose(home, do="none")
    assert "0 chosen" in home.at.text
    await choose(home, do="find", q="nobody like this")
    assert "Nobody fits." in home.at.text


async def test_the_rest_is_not_told_by_a_button(home: Home) -> None:
    """Three were to be told and there was one copy: the page says for how long it waits, and ends it."""
    item = await home.site.host.storage.read(lambda tx: DOCUMENTS.get(tx, home.vault, home.document))
    await home.change(copies=item.value.copies[:1])
    await home.at.get(f"/tell/new?document={home.document}")
    await choose(home, do="all")
    await choose(home, do="look")
    await agree(home)
    assert sorted(home.marks()) == ["no-copy", "no-copy", "waiting"]
    assert "within 14 days" in home.at.text
    none_left, gone = "Your wallet has no unused copy left for them.", "They are no longer registered to be told this."
    assert (home.at.text.count(none_left), home.at.text.count(gone)) == (2, 0)
    for each in home.town.bodies:
        each.uses = ()
    await home.hear(3)
    host = home.site.host
    await telling.carry_on_all(host.means, home.vault, host.outbox)
    await home.at.get(home.at.path)
    assert (home.at.text.count(none_left), home.at.text.count(gone)) == (0, 2)
    await home.at.post(f"{home.at.path}/stop", {})
    assert sorted(home.marks()) == ["never", "never", "waiting"]
    assert home.at.text.count(gone) == 2
    assert "Do not tell the rest" not in home.at.text
    token = await home.site.open()
    name = home.at.path.removeprefix("/tell/")
    status, told = await home.site.call("POST", f"/api/tell/{name}/stop", token=token)
    assert (status, sorted(one["state"] for one in told["letters"])) == (200, ["never", "never", "waiting"])


async def test_look_agree_and_follow(home: Home) -> None:
    bank, water, saxon = home.town.bodies
    water.how, saxon.how = "refuses", "person"
    await home.at.get(f"/tell/new?document={home.document}")
    await choose(home, do="all")
    await choose(home, do="look")
    assert "Agree and tell 3 organisations" in home.at.text
    assert "They will not see: Date of birth" in home.at.text
    form = home.at.text
    await choose(home, *re.findall(r'name="body" value="([^"]+)"', form), do="change")
    assert (home.at.path, "3 chosen" in home.at.text) == ("/tell/new", True)
    assert "body=" not in form + home.at.text, "whom she tells stands in no address"
    (welsh,) = re.findall(r'form="again" formaction="(/tell/new\?lang=cy)"[^>]* name="do" value="change"', home.at.text)
    again = home.at.text.partition('id="again"')[2].partition("</form>")[0]
    async with home.site.http.post(
        home.site.base + welsh, data=[*re.findall(r'name="(\w+)" value="([^"]*)"', again), ("do", "change")]
    ) as answer:
        assert "3 wedi'u dewis" in await answer.text()
    await home.at.get(f"/tell/new?document={home.document}&lang=en&body={bank.entity}+tell-of-death")
    assert "0 chosen" in home.at.text, "and is read from none"
    home.at.text = form
    await agree(home)
    assert home.at.path.startswith("/tell/")
    assert home.marks() == ["waiting"] * 3
    where = home.at.path
    (reference,) = re.findall(r"Your reference: <strong[^>]*>([0-9A-F]{4}-[0-9A-F]{4})<", home.at.text)
    home.at.text = form
    await agree(home)  # the button pressed twice
    assert home.at.path == where
    await home.post()
    await home.at.get(where)
    assert sorted(home.marks()) == ["accepted", "refused", "sent"]
    for said in ("They answer by", "The document does not reach that far.", "ask them to look at it again", "Write to the complaints desk"):
        assert said in home.at.text
    assert len(bank.letters) == 1
    assert not {reference, reference.replace("-", "")} & set(re.findall(r"[0-9A-F]{4}-?[0-9A-F]{4}", bank.letters[0].copy.upper()))
    async with home.site.http.get(f"{home.site.base}{where}/state?was=x") as answer:
        assert (await answer.json())["href"] == where
    state = re.findall(r'data-poll="([^"]+)"', home.at.text)[0]
    async with home.site.http.get(home.site.base + state) as answer:
        assert (await answer.json())["text"] == "1 Sent, 1 Accepted, 1 Refused"
    await home.at.get("/tell")
    assert "1 Accepted" in home.at.text
    for wanted, found in (("saxon", True), (reference.lower(), True), ("northwold+SAXON", True), ("saxon+nobody", False)):
        await home.at.get(f"/tell?q={wanted}")
        assert ("1 Accepted" in home.at.text, "Nothing fits." in home.at.text) == (found, not found), wanted
    await home.at.get("/tell?page=2")
    assert ("You have told nobody yet" in home.at.text, "1 Accepted" in home.at.text) == (False, True)
    await home.at.get("/history?kind=answer")
    assert home.at.text.count("receipt</strong>") == 3
    for page in (where, "/history?q=northwold+cymraeg", "/history/2"):  # as the page before named them
        assert "(Cymraeg)" in await home.at.get(f"{page}{'&' if '?' in page else '?'}lang=cy"), page
    assert "1 Derbyniwyd" in await home.at.get("/tell?q=northwold+cymraeg")
    assert "(Cymraeg)" not in await home.at.get(f"{where}?lang=en")
    for name, address, made in (("saxon mutual", "", True), ("My bank", saxon.entity, True), ("My bank", "", False)):
        await home.at.get("/copies/new")
        question = re.findall(r'value="(life-event/[^"]+)"', home.at.text)[0]
        await home.at.post("/copies/new", {"to_name": name, "to": address, "question": question, "days": "7"})
        assert (f"Made out to Saxon Mutual ({saxon.entity})" in home.at.text) is made, name
    await home.at.get("/history/1")
    assert "What they answered" in home.at.text


async def test_a_letter_is_handed_in_at_a_counter(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file is there once she said so, the wallet posts it no more, and says so; then she leaves it to the wallet after all."""
    bank, working = home.town.bodies[0], home.site.host.outbox.working
    await working.acquire()  # the service posts every two seconds by itself: not here
    await home.at.get(f"/tell/new?document={home.document}")
    await choose(home, f"{bank.entity} tell-of-death", do="look")
    await agree(home)
    where = home.at.path
    (letter,) = re.findall(rf'href="({where}/letters/[0-9a-f]+)"', home.at.text)
    await home.at.get(f"{letter}/letter.jose")
    assert home.at.status == 404
    await home.at.get(letter)
    assert "They cannot read it" in home.at.text
    await home.at.post(f"{letter}/hand-in", {"form_token": "of another"}, keep=False)
    assert home.at.status == 403
    await home.at.get(letter)
    await home.at.post(f"{letter}/hand-in")
    assert (home.at.path, "Yours to hand in" in home.at.text) == (letter, True)
    async with home.site.http.get(f"{home.site.base}{letter}/letter.jose") as answer:
        assert answer.content_type == "application/jose"
        assert 'filename="letter.jose"' in answer.headers["Content-Disposition"]
        assert f'"purpose_id":"{bank.uses[0].id}"' in open_letter(await answer.text(), bank.private).copy
    working.release()
    await home.post(DAY)
    await working.acquire()
    await home.at.enter()
    await home.at.get(where)
    assert (home.marks(), bank.posted, bank.asked) == (["carried"], [], 1)
    assert "Save it again, or send it from here instead" in home.at.text
    await home.at.get(letter.replace(where, "/tell/another"))
    assert home.at.status == 404
    await home.at.get(letter)
    await home.at.post(f"{letter}/send")
    assert (home.at.path, home.marks()) == (where, ["waiting"])
    await home.at.get(f"{letter}/letter.jose")
    assert home.at.status == 404
    await home.at.get(letter)
    form = home.at.hidden()
    with monkeypatch.context() as patched:
        found = Outbox.find

        async def find_too_late(self: Outbox, name: str) -> Row | None:
            """Between looking and writing the other one is faster."""
            row = await found(self, name)
            patched.setattr(Outbox, "find", found)
            await self.carry(name, by_hand=True)
            await self.carry(name, by_hand=False)
            return row

        patched.setattr(Outbox, "find", find_too_late)
        await home.at.post(f"{letter}/hand-in", form, keep=False)
    assert (home.at.status, "Nothing was changed" in home.at.text, "in this moment" in home.at.text) == (409, True, True)
    working.release()
    await home.post()
    for does in ("hand-in", "send"):
        await home.at.post(f"{letter}/{does}", form, keep=False)
        assert (home.at.status, "This letter waits no more" in home.at.text, f'href="{where}"' in home.at.text) == (409, True, True)
    await home.at.get(where)
    assert (home.marks(), len(bank.posted)) == (["accepted"], 1)
    await home.at.get(letter)
    assert home.at.path == where


async def test_who_hands_in_too_late_is_told(home: Home) -> None:
    bank = home.town.bodies[0]
    await home.at.get(f"/tell/new?document={home.document}")
    await choose(home, f"{bank.entity} tell-of-death", do="look")
    await agree(home)
    where = home.at.path
    (letter,) = re.findall(rf'href="({where}/letters/[0-9a-f]+)"', home.at.text)
    await home.at.get(letter)
    form = home.at.hidden()
    await home.at.post(f"{letter}/hand-in")
    await home.post(15 * DAY)
    await home.at.enter()
    await home.at.get(where)
    token = home.at.hidden()["form_token"]
    await home.at.post(f"{letter}/hand-in", form | {"form_token": token}, keep=False)
    assert (home.at.status, "has run out" in home.at.text) == (409, True)
    await home.at.get(where)
    assert (home.marks(), "do not hand it in now" in home.at.text, "/letters/" in home.at.text) == (["carried"], True, False)


async def test_what_changed_since_is_looked_at_again(home: Home) -> None:
    await home.at.get(f"/tell/new?document={home.document}")
    await choose(home, do="all")
    await choose(home, do="look")
    claims = {**STORIES["life-event"], "registered_at": "2027-02-09"}
    home.town.bodies[0].has_inbox = False
    await home.change(claims=claims)
    await home.hear(3)
    await agree(home)
    assert "It has changed since you looked." in home.at.text
    await agree(home)
    assert home.marks().count("by-hand") == 1
    where, bank, copy = home.at.path, home.town.bodies[0], await copy_for(home, "Northwold Bank")
    (receipts,) = re.findall(r'href="(/history/\d+/receipt)"', home.at.text)
    for how, said, mark in _RECEIPTS_IN_A_ROW:
        bank.how = how
        await home.at.get(receipts)
        await home.at.post(receipts, {"text": bank.handed(copy)}, files={})
        assert said in home.at.text
        await home.at.get(where)
        assert (home.marks()[1], "Send it to Northwold Bank by e-mail" in home.at.text) == (mark, mark == "by-hand"), how


_RECEIPTS_IN_A_ROW = [
    ("presentation", "does not fit", "by-hand"),  # somebody else's: hers is still to be handed over
    ("person", "They cannot tell yet", "sent"),
    ("accepts", "They can rely on this", "accepted"),
    ("replays", "They do not rely on this", "accepted"),
    ("person", "They cannot tell yet", "accepted"),
]


async def copy_for(home: Home, name: str) -> str:
    """The file behind the link beside one organisation of the page."""
    place = re.findall(r'href="(/copies/[^"]+)"', home.at.text.partition(f"Send it to {name} by e-mail")[0])[-1]
    async with home.site.http.get(f"{home.site.base}{place}/file") as answer:
        return await answer.text()


async def bring(home: Home, token: str) -> None:
    """The receipt, by the only link on the page to where one is taken in."""
    (where,) = re.findall(r'href="(/history/\d+/receipt)"', home.at.text)
    await home.at.get(where)
    await home.at.post(where, {"text": token}, files={})


async def test_what_came_to_them_by_hand_is_not_called_undelivered(home: Home) -> None:
    """A printed copy was taken while the letter waits, and once it is given up; the letter that comes after the copy changes nothing."""
    bank, _, saxon = home.town.bodies
    home.town.down |= {bank.entity, saxon.entity}
    await home.at.get(f"/tell/new?document={home.document}")
    await choose(home, f"{bank.entity} tell-of-death", f"{saxon.entity} tell-of-death", do="look")
    await agree(home)
    where = home.at.path
    await home.post()
    await home.at.get(where)
    page = home.at.text
    assert home.marks() == ["waiting", "waiting"]
    late = saxon.handed(await copy_for(home, "Saxon Mutual"))
    token, home.at.text = bank.handed(await copy_for(home, "Northwold Bank")), page.partition("Saxon Mutual")[0]
    await bring(home, token)
    home.town.down.remove(bank.entity)
    bank.how = "replays"
    await home.post(3_600)
    assert len(bank.posted) == 1
    await home.at.enter()
    await home.at.get(where)
    assert home.marks() == ["accepted", "waiting"]
    await home.post(15 * DAY)
    await home.at.enter()
    await home.at.get(where)
    assert home.marks() == ["accepted", "undelivered"]
    assert "no receipt came, and the copy in it has run out" in home.at.text
    assert "or print it instead" not in home.at.text
    page = home.at.text
    newest = re.findall(r'href="(/history/\d+)"', await home.at.get("/history?kind=answer"))[0]
    assert "They could not be reached until the copy ran out." in await home.at.get(newest)
    again = page.partition('action="/tell/new"')[2].partition("</form>")[0]
    home.town.down.clear()
    await home.hear(3)
    await home.at.post("/tell/new", {**dict(re.findall(r'name="(\w+)" value="([^"]+)"', again)), "do": "change"}, keep=False)
    assert re.findall(r'name="body" value="([^"]+)"[^>]* checked', home.at.text) == [f"{saxon.entity} tell-of-death"]
    home.at.text = page
    await bring(home, late)
    await home.at.get(where)
    assert home.marks() == ["accepted", "accepted"]


async def test_not_delivered_is_sent_in_another_way(home: Home) -> None:
    home.town.down.add(home.town.bodies[0].entity)
    home.town.bodies[1].how = "signer"
    await home.at.get(f"/tell/new?document={home.document}")
    await choose(home, do="all")
    await choose(home, do="look")
    await agree(home)
    where = home.at.path
    await home.post()
    await home.at.get(where)
    assert sorted(home.marks()) == ["accepted", "misfit", "waiting"]
    assert "They could not be reached so far." in home.at.text
    assert "This answer was not given for what you sent." in home.at.text
    copy = re.findall(r'href="(/copies/[^"]+)"', home.at.text.partition("Send it to Northwold Bank by e-mail")[0])[-1]
    await home.at.get(copy)
    assert "Save the copy as a file" in home.at.text
    await home.post(15 * DAY)
    await home.at.enter()
    await home.at.get(where)
    assert sorted(home.marks()) == ["accepted", "misfit", "undelivered"]
    assert "The copy has run out: tell Northwold Bank anew" in home.at.text, home.at.text


async def test_they_are_told_that_it_was_cancelled(home: Home) -> None:
    bank = home.town.bodies[0]
    await home.at.get(f"/tell/new?document={home.document}")
    await choose(home, f"{bank.entity} tell-of-death", do="look")
    await agree(home)
    await home.post()
    await home.at.get(f"/cards/{home.document}")
    assert "Tell them" not in home.at.text
    await home.change(status=StatusSeen(value="invalid", checked_at=home.town.clock()))
    await home.at.get(f"/cards/{home.document}")
    assert "1 organisation has heard otherwise from you" in home.at.text
    await home.at.get(f"/tell/new?document={home.document}&about={home.document}")
    assert "Tell them that it was cancelled" in home.at.text
    assert "1 chosen" in home.at.text
    assert "Saxon" not in home.at.text
    await choose(home, f"{bank.entity} tell-of-death", do="look")
    assert "It refers to what you showed them on" in home.at.text
    await agree(home)
    await home.post()
    assert bank.letters[1].about == bank.seen[0].binding_claims["jti"]
    await home.at.get(f"/cards/{home.document}")
    assert "has heard otherwise" not in home.at.text


@pytest.mark.parametrize("killed", [False, True], ids=["whole", "killed"])
async def test_a_removed_wallet_takes_its_letters_back(home: Home, monkeypatch: pytest.MonkeyPatch, *, killed: bool) -> None:
    """Also where the service dies while the wallet goes: whoever comes back finds the wallet, and no letter that nobody could take back."""
    if killed:
        monkeypatch.setattr("wallet.enter.delete_wallet", _dies)
    home.town.down.add(home.town.bodies[0].entity)
    await home.at.get(f"/tell/new?document={home.document}")
    await choose(home, f"{home.town.bodies[0].entity} tell-of-death", do="look")
    await agree(home)
    await one_round(home.site.app)
    await home.at.get("/settings/remove")
    await home.at.post("/settings/remove", {"passphrase": home.site.made.passphrase})
    rows = await home.site.host.storage.read(lambda tx: tx.fetch("SELECT id FROM outbox"))
    assert list(rows) == []
    assert len(await home.site.host.storage.read(list_wallets)) == int(killed)


async def _dies(*_: object) -> None:
    raise RuntimeError("the process ends here")


async def test_a_removed_wallet_takes_back_what_a_second_phone_is_just_sending(
    home: Home, library: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other phone agreed before the wallet was closed to it, and its letter is ready only while the wallet goes: it goes along."""
    begun, go_on, ready, delete = asyncio.Event(), asyncio.Event(), Outbox.ready, Doors.delete
    await library.at.enter()
    await library.at.get(f"/tell/new?document={home.document}")
    await choose(library, f"{home.town.bodies[0].entity} tell-of-death", do="look")

    async def slow(outbox: Outbox, **letter: Any) -> Ready:
        begun.set()
        await go_on.wait()
        return await ready(outbox, **letter)

    async def last(doors: Doors, *of: Any, **more: Any) -> None:
        go_on.set()
        await sending
        await delete(doors, *of, **more)

    monkeypatch.setattr(Outbox, "ready", slow)
    monkeypatch.setattr(Doors, "delete", last)
    sending = asyncio.create_task(agree(library))
    await begun.wait()
    await home.at.get("/settings/remove")
    await home.at.post("/settings/remove", {"passphrase": home.site.made.passphrase})
    assert await home.site.host.storage.read(list_wallets) == []
    assert list(await home.site.host.storage.read(lambda tx: tx.fetch("SELECT id FROM outbox"))) == []


async def test_a_second_phone_is_closed_before_the_wallet_goes(home: Home, library: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    await library.at.enter()
    delete = Doors.delete

    async def last(doors: Doors, *of: Any, **more: Any) -> None:
        assert "My documents" not in await library.at.get("/")
        await delete(doors, *of, **more)

    monkeypatch.setattr(Doors, "delete", last)
    await home.at.get("/settings/remove")
    await home.at.post("/settings/remove", {"passphrase": home.site.made.passphrase})
    assert await home.site.host.storage.read(list_wallets) == []


async def test_by_api(home: Home) -> None:
    await home.site.open()
    status, told = await home.site.call("GET", f"/api/organisations?document={home.document}&q=bank")
    assert (status, [one["name"] for one in told["bodies"]]) == (200, ["Northwold Bank"])
    one = told["bodies"][0]
    assert (one["way"], one["lacks"], one["keeps_days"]) == ("inbox", [], 366)
    wish = {"document": home.document, "to": [{"entity": one["entity"], "use": one["use"]}]}
    _, plan = await home.site.call("POST", "/api/organisations/look", wish)
    assert ["Last name", "Penhale"] in plan["parts"][0]["learns"]
    assert (await home.site.call("POST", "/api/tell", {**wish, "seen": "x"}))[0] == 409
    status, made = await home.site.call("POST", "/api/tell", {**wish, "seen": plan["seen"]})
    assert (status, made["letters"][0]["state"]) == (201, "waiting")
    await home.post()
    _, shown = await home.site.call("GET", f"/api/tell/{made['id']}")
    assert (shown["letters"][0]["state"], bool(shown["letters"][0]["receipt"])) == ("accepted", True)
    assert len((await home.site.call("GET", "/api/tell"))[1]["tellings"]) == 1
    about = {**wish, "about": home.document}
    _, again = await home.site.call("POST", "/api/tell", about)
    assert again["word"] == "corrected"
    unknown = {"document": home.document, "to": [{"entity": "https://nobody.example", "use": "x"}]}
    assert (await home.site.call("POST", "/api/organisations/look", unknown))[0] == 400
    assert (await home.site.call("POST", "/api/organisations/look", {**unknown, "about": home.document}))[0] == 400


async def test_the_same_key_tells_nobody_twice(home: Home) -> None:
    """As two clicks on the page are one; also where the details have changed since, and those who were told could not be told the same again."""
    await home.site.open()
    _, told = await home.site.call("GET", f"/api/organisations?document={home.document}")
    to = [{"entity": one["entity"], "use": one["use"]} for one in told["bodies"]]
    wish = {"document": home.document, "to": to[:1]}
    status, first = await home.tell("run 7", wish)
    assert (status, await home.tell("run 7", wish)) == (201, (201, first))
    assert {(await home.tell("run 7", other))[1]["pointer"] for other in ({**wish, "to": to[1:]}, {**wish, "about": home.document})} == {
        "Idempotency-Key"
    }
    assert len((await home.site.call("GET", "/api/tell"))[1]["tellings"]) == 1
    about = {**wish, "about": home.document}
    status, again = await home.tell("run 8", about)
    assert (status, again["id"] == first["id"], await home.tell("run 8", about)) == (201, False, (201, again))
    assert (await home.tell("x" * 201, wish))[1]["code"] == "invalid_request"
    both = await asyncio.gather(home.tell("run 9", wish), home.tell("run 9", wish))
    assert both[0] == both[1]
    _, described = await home.site.call("GET", "/api/openapi.json")
    (key,) = [each for each in described["paths"]["/api/tell"]["post"]["parameters"] if each["in"] == "header"]
    assert (key["name"], key.get("required", False)) == ("Idempotency-Key", False)


@pytest.fixture
async def library(home: Home) -> AsyncIterator[Home]:
    """The same street from a computer in a library: no JavaScript, nothing of anybody in it."""
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as http:
        yield Home(replace(home.site, http=http), home.town)


async def test_t_ex_2_joan_tells_them_without_a_phone_of_her_own(home: Home, library: Home) -> None:
    """No phone, passport, address or bank account, nor had ARTHUR a fixed address: a wallet at the library's computer and a sheet of paper;
    the decisions are the same.

    Once she has left, the computer has nothing of hers. On another day the sheet opens the wallet, and the receipts are there.
    """
    _, water, saxon = home.town.bodies
    water.how, saxon.how = "refuses", "person"
    await home.at.post("/sign-out")  # whoever sat here before
    await library.at.get("/wallets/new")
    own = {"holder": "Joan Penhale", "new_passphrase": "four words of hers", "repeat": "four words of hers"}
    await library.at.post("/wallets/new", own)
    (code,) = re.findall(r"<code>((?:[0-9A-Z]{5}-){4}[0-9A-Z]{5})</code>", library.at.text)
    assert "Recovery sheet" in library.at.text
    claims = {**STORIES["life-event"], "subject": {**STORIES["life-event"]["subject"], "address": {"postal_code": "ZZ99 3VZ"}}}
    library.document = await put_document(library.site.host.means, library.vault, vct=DEATH.vct, claims=claims, copies=20)
    await library.at.get(f"/tell/new?document={library.document}")
    await choose(library, do="all")
    await choose(library, do="look")
    await agree(library)
    where = library.at.path
    await library.post()
    await library.at.get("/settings")
    await library.at.post("/sign-out")
    await library.at.get(where)
    assert library.at.path == "/sign-in"
    assert [cookie.key for cookie in library.site.http.cookie_jar if "wallet" in cookie.key] == []
    await library.at.get("/recover")
    await library.at.post(
        "/recover", {"holder": "Joan Penhale", "code": code, "new_passphrase": "four other words", "repeat": "four other words"}
    )
    assert "Recovery sheet" in library.at.text
    await library.post(60)
    await library.at.get(where)
    assert sorted(library.marks()) == ["accepted", "refused", "sent"]  # as for whoever has a phone


async def test_what_is_missing_is_said_though_another_document_would_say_it(home: Home) -> None:
    """JOAN has two entries, one of them without any postcode: she reads what each organisation misses, and that nobody can be told by it."""
    subject = {name: value for name, value in STORIES["life-event"]["subject"].items() if name != "address"}
    claims = {**STORIES["life-event"], "subject": subject}
    home.document = await put_document(home.site.host.means, home.vault, vct=DEATH.vct, claims=claims, copies=20)
    await home.at.get(f"/tell/new?document={home.document}")
    await choose(home, do="all")
    await choose(home, do="look")
    assert "no longer registered" not in home.at.text
    assert home.at.text.count("They need more, but your document does not say it: Postcode.") == 3
    assert "Agree and tell" not in home.at.text


async def test_at_c02_2_another_department_costs_one_choice_and_one_yes(home: Home) -> None:
    """NORA tells parking of LPA-1 as she told council tax before: she ticks it, reads what it learns, and agrees; nothing is typed."""
    parking = home.town.bodies[0]
    wants = (Want(vct=POWER.vct_int, required=(1, 3, 5)),)
    parking.uses = (replace(TELL, id="parking", title=Text("Parking permits", "Trwyddedau parcio"), wants=wants),)
    await home.hear(3)
    await home.at.enter()
    claims = {**STORIES["representation"], "powers": ["council-tax", "parking"]}
    home.document = await put_document(home.site.host.means, home.vault, vct=POWER.vct, claims=claims, copies=4)
    await home.at.get(f"/tell/new?document={home.document}")
    await choose(home, f"{parking.entity} parking", do="look")
    await agree(home)
    await home.post()
    where = home.at.path
    await home.at.get(where)
    assert home.marks() == ["accepted"]
    (seen,) = parking.seen
    assert seen.claims["powers"] == ["parking"]
    assert sorted(seen.claims["represented"]) == ["address", "family_name", "given_name"]
    assert not seen.claims.get("proxy")
