"""What waits for a person, on the first page of the desk: counted for whoever looks, and nothing of another group's."""

from __future__ import annotations

from pathlib import Path

from support.clerk import Clerk
from support.desk import PATHS, Site, Template, copy_file, serving
from support.no_wrong_door import open_town
from support.posting import post, written
from support.trial_verify import CLAIMS, IDX, LIST, status_token

from shared.clock import DAY
from shared.errors import NeedsMoreAttorneys
from shared.formats import StatusReference
from shared.status.token_status_list import INVALID
from shared.web import log
from shared.web.operators import Operator
from verifier import inbox_desk, passing, registering
from verifier.again import READ_FIRST
from verifier.records import exchanges, passed
from verifier.records.letters import Open

LIMITED = CLAIMS | {"has_restrictions": True, "restrictions_text": "Not to sell Poplar Court while I live."}
TASKS = ("Answer post", "Undo what rested", "Read what no program can judge", "See to letters for others")


async def to_do(clerk: Clerk) -> str:
    page = await clerk.get("/desk/")
    return page.partition("What is to do</h2>")[2].partition('<ul class="mu-cards">')[0]


async def test_nothing_waits(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk", local=True, retention_days=30) as desk:
        clerk = await Clerk(desk).sign_in()
        await post(desk, written(desk))  # decided at once
        await clerk.bring(copy_file(seed="good"))
        page = await to_do(clerk)
        assert "Nothing waits for you." in page
        assert [task for task in TASKS if task in page] == []
        assert "Nid oes dim yn aros amdanoch chi." in await clerk.get("/desk/?lang=cy")


async def test_what_waits_is_counted_and_led_to(template: Template, tmp_path: Path) -> None:
    site = Site(lists={LIST: status_token({IDX + 1: INVALID})})
    async with serving(template, tmp_path / "desk", local=True, retention_days=30, site=site) as desk:
        clerk = await Clerk(desk).sign_in()
        first = written(desk, seed="first")
        await post(desk, first)
        await post(desk, written(desk, seed="later", status=StatusReference(uri=LIST, idx=IDX + 1), about=first.claims["jti"]))
        await clerk.bring(copy_file(claims=LIMITED, paths=(*PATHS, ("restrictions_text",))))
        question = clerk.at
        registering.state(desk.desk.directory, desk.desk.settings, "bank", {"decides": "person", "team": "Estates"})
        for seed in ("two", "three"):
            await post(desk, written(desk, seed=seed))
        page = await to_do(clerk)
        for task, href, count in (
            ("Answer post", "/desk/inbox", "2 wait."),
            ("Undo what rested on a document that was cancelled", "/desk/inbox", "1 waits."),
            ("Read what no program can judge", "/desk/requests", "1 waits."),
        ):
            one = next(each for each in page.split("<li") if task in each)
            assert f'href="{href}"' in one, task
            assert count in one, task
        assert "late." not in page
        assert "Nothing waits" not in page
        assert "You can rely on this" in await clerk.post(f"{question}/again", {"form_token": await clerk.token(question), "allow": "yes"})
        assert "Read what no program can judge" not in await to_do(clerk)
        desk.clock.at += 5 * DAY
        await clerk.sign_in()
        assert "2 letters are late." in await to_do(clerk)
        await desk.desk.storage.write(lambda tx: tx.execute("UPDATE operator SET role = 'clerk'"))
        page = await to_do(clerk)
        assert "Answer post" not in page  # another group's, of which she sees nothing
        assert "late." not in page
        assert "letters are late." not in await clerk.get("/desk/inbox")


async def test_letters_for_others_wait_until_they_arrive(template: Template, tmp_path: Path) -> None:
    async with open_town(template, tmp_path) as town:
        clerk, desk = await Clerk(town.library).sign_in(), town.library.desk
        await clerk.upload("/desk/pass-on", town.letter("one").token.encode(), "letter.jose", text="")
        page = await to_do(clerk)
        assert "See to letters for others that have not arrived" in page
        assert "1 waits." in page
        assert "could not be delivered" not in page
        await passing.deliver(desk, town.send)
        assert "Nothing waits for you." in await to_do(clerk)
        await clerk.upload("/desk/pass-on", town.letter("two").token.encode(), "letter.jose", text="")
        lost = clerk.at
        form = {"form_token": await clerk.token("/desk/pass-on")}
        await clerk.post(f"{lost}/dealt-with", form, status=409)
        town.up = False
        await passing.deliver(desk, town.send)
        assert "dealt with" not in await clerk.get(lost), "it is tried again"
        town.up, town.status = True, 400
        town.library.clock.at += 60
        await passing.deliver(desk, town.send)
        assert "1 could not be delivered: tell whoever brought it." in await to_do(clerk)
        before = await desk.storage.read(log.head)
        for _ in range(2):
            page = await clerk.post(f"{lost}/dealt-with", form)
            assert ("could not be delivered, dealt with" in page, "Mark it as dealt with" in page) == (True, False)
        assert "Nothing waits for you." in await to_do(clerk)
        assert (await desk.storage.read(log.head)).size == before.size + 1
        assert "It could not be delivered, and somebody dealt with it." in await clerk.get("/desk/decisions")
        await clerk.post("/desk/pass-on/none/dealt-with", form, status=404)


async def test_counted_alike_by_both_databases(template: Template, tmp_path: Path, storage_uri: str) -> None:
    async with serving(template, tmp_path / "desk", retention_days=30, storage=storage_uri) as desk:
        storage, who = desk.desk.storage, Operator(id="op", name="Ben", role="clerk", passphrase="", made_at=0, ended_at=None)
        registering.state(desk.desk.directory, desk.desk.settings, "bank", {"decides": "person"})
        await post(desk, written(desk))
        assert await inbox_desk.count_open(desk.desk, who) == Open(wait=1, late=0, undo=0)
        code = NeedsMoreAttorneys.code
        await storage.write(lambda tx: tx.execute("UPDATE exchange SET code = $1", code))
        assert await inbox_desk.count_open(desk.desk, who) == Open(wait=0, late=0, undo=0), "it waits for others"
        desk.clock.at += 5 * DAY
        assert await inbox_desk.count_open(desk.desk, who) == Open(wait=1, late=1, undo=0)
        await storage.write(lambda tx: tx.execute("UPDATE letter SET team = 'Estates', decided_at = 1, undo = 'open'"))
        assert await inbox_desk.count_open(desk.desk, who) == Open(wait=0, late=0, undo=0)
        await storage.write(lambda tx: tx.execute("INSERT INTO inbox_team (team, operator) VALUES ('Estates', 'op')"))
        assert await inbox_desk.count_open(desk.desk, who) == Open(wait=0, late=0, undo=1)
        at = desk.clock()
        assert await storage.read(lambda tx: exchanges.count_undecided(tx, at, READ_FIRST)) == 0
        assert await storage.read(lambda tx: passed.count_open(tx, at)) == (0, 0)
        assert not await storage.write(lambda tx: passed.deal_with(tx, "none", at))
