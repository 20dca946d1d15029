"""The wallet service is killed right before and right after what a holder does is written down; then it is run again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, CookieJar
from support import desk as desks
from support.counter import USE
from support.counting import rows
from support.family import family
from support.federation import MINISTRY
from support.holdings import put_document
from support.inboxes import DEATH, TELL, Town
from support.letters import ARTHUR, Joan
from support.mortal import HOLDER, Mortal, mortal
from support.permitting import LISTS, Street, ask, tell
from support.privatised import privatised
from support.real_bank import WithBank
from support.registry import Template, make_template
from support.trial_verify import Dice
from support.two_phones import PHONE, agree, join, keep_on_phone, show_first
from support.wallet_visitor import Visitor
from support.wallets import PASSPHRASE
from support.world import BANK, BATCH, CODE, Office, World

from issuer.app import one_round
from issuer.records import corrections
from shared.clock import DAY
from shared.flow import Fetch, Fetched
from shared.receipts import peek_receipt
from shared.trust.policy import Policy
from shared.web.heard import listen
from verifier import app as verifier_app
from wallet import at_office, permissions, register, reported
from wallet.cut_off import AGAIN, CUT_OFF
from wallet.holding import make_keys
from wallet.lease import LEASE
from wallet.outbox import CARRIED, Outbox
from wallet.records import SENT
from wallet.share import Wish, make_out
from wallet.views import KEPT, TRIES

pytestmark = pytest.mark.real
HOUR = 3_600
ONE_DATABASE = pytest.mark.parametrize("storage_uri", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(make_template(tmp_path_factory.mktemp("office") / "registry"))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> desks.Template:
    return asyncio.run(desks.make_template(tmp_path_factory.mktemp("verifier") / "desk"))


@pytest.fixture
async def nora(tmp_path: Path, storage_uri: str) -> AsyncIterator[Mortal]:
    """She holds a document, in the small world."""
    world = World()
    world.office.formats = ("dc+sd-jwt", "dc+sd-cwt")
    async with mortal(tmp_path / "wallet", storage_uri, world=world) as made:
        await made.wallet.collect()
        yield made


async def test_killed_while_copies_go_to_a_phone(nora: Mortal) -> None:
    """The phone gets the batch that the office made for it, whatever it has to ask for twice, and its loss is told."""
    (document,) = await nora.wallet.documents()
    office, batches = nora.wallet.world.office, "/phone/api/batches"

    async def begin() -> Any:
        return await nora.call("POST", batches, {"document": document.id, "phone": PHONE})

    async def proofs(told: Any) -> dict[str, list[str]]:
        ring = await make_keys(told["count"], Dice(PHONE))
        return {"proofs": list(await ring.prove(audience=told["audience"], nonce=told["nonce"], at=told["at"]))}

    async def states() -> list[str]:
        return [each["state"] for each in (await nora.call("GET", f"/phone/api/state?phone={PHONE}"))["batches"]]

    async def copies(told: Any) -> Any:
        return await nora.call("POST", f"{batches}/{told['id']}/copies", await proofs(told))

    async def ends(what: str, name: str) -> None:
        await nora.call("POST", f"{batches}/{name}/{what}")

    await nora.live("phone-begin:before")
    await nora.dies(begin())
    await nora.live("phone-begin:after")
    assert await states() == []
    await nora.dies(begin())
    await nora.live("phone-received:before")
    assert await states() == ["begun"]
    await nora.dies(copies(await begin()))
    await nora.live("phone-received:after")
    assert await states() == ["begun"]
    await nora.dies(copies(await begin()))
    made = office.issued

    await nora.live("phone-kept:before")
    told = await begin()
    assert (told["state"], told["count"], await states()) == ("received", BATCH, ["received"])
    given = await copies(told)
    await nora.dies(ends("kept", told["id"]))
    await nora.live("phone-kept:after")
    assert (await begin(), await copies(told)) == (told, given)
    await nora.dies(ends("kept", told["id"]))

    await nora.live("phone-staples:before")
    await ends("kept", told["id"])
    assert (await states(), office.issued) == (["on-phone"], made)
    assert (await nora.kinds()).count("kept-on-phone") == 1
    await nora.dies(nora.round())
    await nora.live("phone-staples:after")
    await nora.dies(nora.round())
    await nora.live("phone-lost:before")
    asked = len(nora.wallet.world.fetches)
    await nora.round()
    assert len(nora.wallet.world.fetches) == asked, "what was written down is not asked for again"
    assert len((await nora.call("GET", f"/phone/api/staples?phone={PHONE}"))["staples"]) == BATCH

    await nora.dies(ends("lost", told["id"]))
    await nora.live("phone-lost:after")
    assert await states() == ["on-phone"]
    await nora.dies(ends("lost", told["id"]))
    assert not losses(nora)
    await nora.live("phone-forgotten:before")
    assert await states() == ["lost"]
    await nora.dies(ends("lost", told["id"]))
    assert len(losses(nora)) == 1
    await nora.live("phone-forgotten:after")
    await nora.dies(nora.round())
    await nora.live()
    await nora.round()
    assert (await states(), (await nora.kinds()).count("lost-by-phone")) == ([], 1)
    first, again = losses(nora)
    assert first == again, "a loss that nobody could write down as told is told again, and is the same loss"


async def share(nora: Mortal, link: str) -> None:
    seen = await nora.call("POST", "/api/requests", {"link": link})
    await nora.call("POST", f"/api/requests/{seen['id']}/agree", {"documents": seen["documents"], "seen": seen["seen"]})


def losses(nora: Mortal) -> list[str]:
    """The batches that the office was told to be lost."""
    told = nora.wallet.world.office.notified
    return [each["notification_id"] for each in told if each["event"] == "credential_deleted"]


@ONE_DATABASE
async def test_killed_while_the_wallet_moves_to_a_new_phone(nora: Mortal) -> None:
    """A move that was cut off is made again; the old phone's copies are given up once."""
    site = nora.site
    await nora.live()
    await keep_on_phone(site, PHONE)

    async def move() -> None:
        """By two codes, to the end of it; each phone begins with nothing, for sittings are not written down."""
        site.http.cookie_jar.clear()
        old = Visitor(site)
        await old.enter()
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as http:
            new = Visitor(replace(site, http=http))
            await agree(old, await join(new, await show_first(old, PHONE)))
            await new.post("/move/new/enter")
            await old.get("/move")
            await old.post("/move/finish")
            assert "has forgotten your wallet" in old.text

    await nora.live("moved:before")
    await nora.dies(move())
    await nora.live("moved:after")
    kinds = await nora.kinds()
    assert (kinds.count("moved-off-phone"), kinds.count("moved-to-phone"), losses(nora)) == (1, 0, [])
    await nora.dies(move())
    await nora.live()
    await nora.round()
    kinds = await nora.kinds()
    assert (kinds.count("moved-off-phone"), kinds.count("moved-to-phone"), len(losses(nora))) == (1, 1, 1)


async def test_killed_while_a_copy_is_locked_opened_and_taken_away(nora: Mortal) -> None:
    """A copy that the service shows is there with what its holder sees of it, or not at all; a try counts once, and a look stands there once."""
    wallet = nora.wallet
    wish = Wish(entity=BANK, name="Northwold Bank", purpose_id="bank", query="bank")
    copy = await make_out(wallet.means, wallet.vault, wish)

    async def lock() -> Any:
        return await nora.call("POST", f"/api/addressed/{copy.id}/locked-links", {"uses": 5})

    async def opens(link: Any, words: str) -> int:
        path = f"{nora.site.base}/view/{link['link'].rpartition('/')[2]}"
        async with nora.site.http.post(path, data={"words": words, "organisation": "Northwold Bank"}) as answer:
            await answer.text()
            return answer.status

    async def links() -> list[Any]:
        return list((await nora.call("GET", "/api/locked-links"))["links"])

    async def views() -> int:
        return len(await wallet.storage.read(lambda tx: tx.fetch("SELECT id FROM views")))

    await nora.live("locked:before")
    await nora.dies(lock())
    await nora.live("locked:after")
    assert (await links(), await views()) == ([], 0)
    await nora.dies(lock())

    await nora.live("view-closed:before")
    (unseen,) = await links()
    assert (unseen["state"], await views()) == ("open", 1), "nobody ever heard its words, and its holder can close it"
    await nora.dies(nora.call("POST", f"/api/locked-links/{unseen['id']}/withdraw"))
    await nora.live("view-closed:after")
    await nora.dies(nora.call("POST", f"/api/locked-links/{unseen['id']}/withdraw"))
    for point in ("withdrawn:before", "withdrawn:after"):
        await nora.live(point)
        assert [each["state"] for each in await links()] == ["closed"]
        await nora.dies(nora.call("POST", f"/api/locked-links/{unseen['id']}/withdraw"))

    await nora.live()
    assert [each["state"] for each in await links()] == ["withdrawn"]
    assert (await nora.call("POST", f"/api/locked-links/{unseen['id']}/withdraw"))["state"] == "withdrawn"

    wallet.world.clock.at = unseen["expires_at"] + KEPT
    for point, moment in product(("views-over", "addressed-over", "locked-over"), ("before", "after")):
        await nora.live(f"{point}:{moment}")
        assert len(await links()) == 1
        await nora.dies(nora.round())
    await nora.live()
    await nora.round()
    assert (await links(), await views()) == ([], 0)

    copy = await make_out(wallet.means, wallet.vault, wish)
    link = await lock()
    for point in ("view-tried:before", "view-tried:after", "view-opened:before", "view-opened:after"):
        await nora.live(point)
        await nora.dies(opens(link, link["words"]))
    await nora.live("taken-back:before")
    found = await nora.call("GET", f"/api/locked-links/{link['id']}")
    assert (len(found["looked"]), found["uses_left"], TRIES - found["tries_left"]) == (1, 4, 2)
    assert await opens(link, link["words"]) == 200
    found = await nora.call("GET", f"/api/locked-links/{link['id']}")
    assert (len(found["looked"]), found["uses_left"], TRIES - found["tries_left"]) == (2, 3, 2)

    async def remove() -> None:
        visitor = Visitor(nora.site)
        await visitor.enter()
        await visitor.get("/settings/remove")
        await visitor.post("/settings/remove", {"passphrase": PASSPHRASE})

    await nora.dies(remove())
    await nora.live("taken-back:after")
    assert ((await links())[0]["state"], await views()) == ("open", 1)
    await nora.dies(remove())
    for point in ("delete:before", "delete:after"):
        await nora.live(point)
        assert ((await links())[0]["state"], await views()) == ("closed", 0), "her wallet is there, and shows nothing to anybody"
        assert await opens(link, link["words"]) == 404
        await nora.dies(remove())
    await nora.live(opened=False)
    assert (await nora.site.call("POST", "/api/session", {"holder": HOLDER, "passphrase": PASSPHRASE}, token=""))[0] == 401


@ONE_DATABASE
async def test_killed_while_documents_are_refused_renewed_and_removed(nora: Mortal) -> None:
    """What the holder decided stands in the history once, and nobody gets a second copy of anything."""
    world, office = nora.wallet.world, nora.wallet.world.office
    (document,) = await nora.wallet.documents()
    asked = {"link": world.council.ask("council-tax")}

    async def results(kind: str) -> list[str]:
        told = (await nora.call("GET", "/api/history"))["entries"]
        return [each["transactionResult"] for each in told if each["transactionType"] == kind]

    await nora.live("withheld:before")
    name = (await nora.call("POST", "/api/requests", asked))["id"]
    await nora.dies(nora.call("POST", f"/api/requests/{name}/refuse"))
    await nora.live("withheld:after")
    assert await results("presentation") == []
    await nora.dies(nora.call("POST", f"/api/requests/{name}/refuse"))
    await nora.live("answered:before")
    await nora.call("POST", f"/api/requests/{name}/refuse")
    assert (await results("presentation"), world.council.got, len(world.council.refused)) == (["declined"], [], 2)

    await nora.dies(share(nora, world.council.ask("council-tax")))
    world.clock.at += CUT_OFF
    await nora.live("send-again:before")
    assert await results("presentation") == ["declined"]
    await nora.dies(nora.round())
    await nora.live("answered:before")
    await nora.round()
    assert (await results("presentation"), *world.council.got) == (["success", "declined"], world.council.got[0], world.council.got[0])

    await nora.dies(share(nora, world.council.ask("council-tax")))
    for point, later in (("send-again:after", CUT_OFF), ("settled:before", 2 * CUT_OFF), ("settled:after", 4 * CUT_OFF)):
        world.clock.at += later
        await nora.live(point)
        assert len(await results("presentation")) == 2
        await nora.dies(nora.round())
    await nora.live()
    world.clock.at += AGAIN
    await nora.round()
    assert await results("presentation") == ["success", "success", "declined"]
    assert world.council.got[2:] == [world.council.got[2]] * 3, "it is sent until its receipt is kept, and never after"

    whole, office.formats, office.bend = office.formats, ("dc+sd-jwt",), lambda wire: wire.removesuffix("~").rpartition("~")[0] + "~"
    name = (await nora.call("POST", "/api/receive", {"link": office.link("pre-2")}))["id"]
    for point in ("decline:before", "decline:after"):
        await nora.live(point)
        assert await results("issuance") == ["success"]
        await nora.dies(nora.call("POST", f"/api/receive/{name}/collect", {"code": CODE}))
    await nora.live()
    assert (await nora.call("GET", f"/api/receive/{name}"))["state"] == "declined"
    assert await results("issuance") == ["failed", "success"]

    office.formats, office.bend = whole, Office.bend
    world.clock.at += 21 * DAY
    office.forgiving = True
    for point in ("renew-lease:before", "renew-token:before", "renew-token:after", "renew:before", "renew:after"):
        await nora.live(point)
        assert await results("renewal") == []
        await nora.dies(nora.round())
        world.clock.at += LEASE
    await nora.live("remove:before")
    made = office.issued
    await nora.round()
    (card,) = (await nora.call("GET", "/api/cards"))["cards"]
    assert (card["copies_left"], office.issued, await results("renewal")) == (BATCH, made, ["success"])

    async def remove() -> None:
        visitor = Visitor(nora.site)
        await visitor.enter()
        await visitor.get(f"/cards/{document.id}/remove")
        await visitor.post(f"/cards/{document.id}/remove")

    await nora.dies(remove())
    await nora.live("remove:after")
    assert (len((await nora.call("GET", "/api/cards"))["cards"]), await results("removal")) == (1, [])
    await nora.dies(remove())
    await nora.live()
    assert (len((await nora.call("GET", "/api/cards"))["cards"]), await results("removal")) == (0, ["success"])


@ONE_DATABASE
async def test_killed_while_a_wallet_is_made_and_its_doors_are_changed(nora: Mortal) -> None:
    """A name is taken by whoever has its passphrase, and there is one passphrase at any moment: the old one, or the new one."""
    peter, new = {"holder": "Peter", "passphrase": "correct horse battery staples"}, "correct horse battery stapler"

    async def opens(**who: str) -> int:
        return (await nora.site.call("POST", "/api/session", who, token=""))[0]

    async def change() -> None:
        visitor = Visitor(nora.site)
        await visitor.enter()
        await visitor.get("/settings")
        await visitor.post("/settings/passphrase", {"passphrase": PASSPHRASE, "new_passphrase": new, "repeat": new})

    await nora.live("wallet:before")
    await nora.dies(nora.call("POST", "/api/wallets", peter))
    await nora.live("wallet:after")
    assert await opens(**peter) == 401
    await nora.dies(nora.call("POST", "/api/wallets", peter))
    await nora.live("doors:before")
    assert ((await nora.site.call("POST", "/api/wallets", peter))[0], await opens(**peter)) == (409, 200)
    await nora.dies(change())
    await nora.live("doors:after")
    assert await opens(holder=HOLDER, passphrase=new) == 401
    await nora.dies(change())
    await nora.live(opened=False)
    assert (await opens(holder=HOLDER, passphrase=PASSPHRASE), await opens(holder=HOLDER, passphrase=new)) == (401, 200)


@ONE_DATABASE
async def test_killed_while_she_says_that_she_knows_who_keeps_her_record(tmp_path: Path, storage_uri: str) -> None:
    """She is asked until it is written down, and it stands in the history once."""
    world, realm = World(), privatised()
    anchors = replace(world.policy().anchors, federation=(realm.pin(MINISTRY),))

    async def ministry(wanted: Fetch) -> Fetched:
        return realm.street().answer(wanted)

    async with mortal(tmp_path / "wallet", storage_uri, world=world, policy=Policy(anchors)) as nora:
        document = await nora.wallet.collect()
        await listen(nora.wallet.storage, ministry, anchors, at=world.clock)

        async def keeper() -> Any:
            return (await nora.call("GET", f"/api/cards/{document.id}"))["keeper"]

        async def acknowledge() -> None:
            await nora.call("POST", f"/api/cards/{document.id}/keeper", {"statement": (await keeper())["statement"]})

        for point in ("acknowledge:before", "acknowledge:after"):
            await nora.live(point)
            assert ((await keeper())["asks"], (await nora.kinds()).count("keeper-known")) == (True, 0)
            await nora.dies(acknowledge())
        await nora.live()
        assert not (await keeper())["asks"]
        await acknowledge()
        assert (await nora.kinds()).count("keeper-known") == 1


async def test_killed_while_organisations_are_told(tmp_path: Path, storage_uri: str) -> None:
    """One letter is handed in, and a person answers it three times; the other waits for a copy. It is one letter, and each answer is one line."""
    town = Town()
    bank, _ = town.settle("Northwold Bank", "Saxon Mutual", how="person")
    async with mortal(tmp_path / "wallet", storage_uri, world=town) as joan:
        wallet = joan.wallet
        outbox = Outbox(storage=wallet.storage, custodian=wallet.custodian, fetch=town, clock=town.clock, entropy=wallet.means.entropy)
        document = await put_document(wallet.means, wallet.vault, vct=DEATH.vct, claims=ARTHUR, copies=1)
        home = Joan(wallet, town, outbox, document)
        await home.hear()
        wish = {"document": document, "to": [{"entity": body.entity, "use": TELL.id} for body in town.bodies]}

        async def tell() -> list[tuple[str, str]]:
            told = await joan.call("POST", "/api/tell", wish, **{"Idempotency-Key": "once"})
            return [(each["state"], each["fault"]) for each in told["letters"]]

        async def take_along() -> str:
            (sent,) = await wallet.storage.read(lambda tx: SENT.all(tx, wallet.vault))
            visitor = Visitor(joan.site)
            await visitor.enter()
            letter = f"/tell/{sent.value.telling}/letters/{sent.id}"
            await visitor.get(letter)
            await visitor.post(f"{letter}/hand-in")
            return await visitor.get(f"{letter}/letter.jose")

        async def answers() -> int:
            return (await joan.kinds()).count("answer")

        for point in ("telling-on:before", "telling-on:after"):
            await joan.live(point)
            await joan.dies(tell())
        waiting = ("no-copy", "copies")
        for point in ("outbox-carried:before", "outbox-carried:after"):
            await joan.live(point)
            assert await tell() == [("waiting", ""), waiting]
            await joan.dies(take_along())

        await joan.live()
        letter = await take_along()
        assert await tell() == [("carried", ""), waiting]
        assert bank.answer(Fetch(url=f"{bank.entity}/inbox", method="POST", body=letter.encode())).status == 202
        town.clock.at += CARRIED
        await joan.live("outbox-collected:before")
        await joan.dies(joan.round())
        bank.decides = "undecided"
        town.clock.at += 3_600
        await joan.live("outbox-collected:after")
        assert (await tell(), await answers()) == ([("sent", ""), waiting], 1)
        await joan.dies(joan.round())
        bank.decides = "accepted"
        town.clock.at += 3_600
        await joan.live("letter-over:before")
        assert (await tell(), await answers()) == ([("unanswered", ""), waiting], 2)
        await joan.round()
        await joan.dies(joan.round())
        await joan.live("letter-over:after")
        await joan.dies(joan.round())
        await joan.live()
        await joan.round()
        assert (await tell(), await answers(), await home.rows()) == ([("accepted", ""), waiting], 3, 0)
        assert ((await joan.kinds()).count("addressed-copy"), len(bank.letters), len(bank.posted)) == (1, 1, 1)


async def test_killed_while_letters_go_to_an_inbox(desk: desks.Template, tmp_path: Path, storage_uri: str) -> None:
    """A real bank and a mutual are told in one go: each has one letter, and its answer is one line with the receipt that the bank gave."""
    town = WithBank()
    async with desks.serving(desk, tmp_path / "desk", clock=town.clock) as bank:
        town.running = bank
        await verifier_app.one_round(bank.app)
        (mutual,) = town.settle("Saxon Mutual", uses=(USE,))
        async with mortal(tmp_path / "wallet", storage_uri, world=town) as nora:
            wallet = nora.wallet
            document = await put_document(wallet.means, wallet.vault, copies=9)
            await register.refresh(wallet.means, now=True)
            wish = {"document": document, "to": [{"entity": BANK, "use": "bank"}, {"entity": mutual.entity, "use": USE.id}]}
            home = Joan(wallet, town, nora.site.host.outbox, document)

            async def tell() -> list[str]:
                told = await nora.call("POST", "/api/tell", wish, **{"Idempotency-Key": "once"})
                return [each["state"] for each in told["letters"]]

            async def arrived() -> tuple[int, int]:
                """The letters that each of them has dealt with."""
                return await rows(bank.desk.storage, "log_entry"), len(mutual.letters)

            for point, moment in product(("telling", "address", "sent"), ("before", "after")):
                await nora.live(f"{point}:{moment}")
                await nora.dies(tell())
            await nora.live("outbox-lease:before")
            assert await tell() == ["waiting", "waiting"]
            await nora.dies(nora.round())
            await nora.live("outbox-lease:after")
            await nora.dies(nora.round())
            assert await arrived() == (0, 0)
            for point, moment in product(("outbox-tried", "answer-to-letter", "outbox-dropped"), ("before", "after")):
                town.clock.at += 120
                await nora.live(f"{point}:{moment}")
                await nora.dies(nora.round())
                if point == "outbox-tried":
                    answers = [line.entry for line in await wallet.lines() if line.entry.transaction_type == "answer"]
                    assert (max(await arrived()), answers) == (1, []), "it has arrived, and the wallet knows nothing of it"
            town.clock.at += 120
            await nora.live()
            await nora.round()
            assert await tell() == ["accepted", "accepted"]
            lines = [each for each in (await nora.call("GET", "/api/history"))["entries"] if each["transactionType"] == "answer"]
            heads = [peek_receipt(each["receipt"]).log_head for each in lines if not each["receipt_problem"]]
            assert ([head and head.size for head in heads], await arrived(), await home.rows()) == ([1, 1], (1, 1), 0)
            assert (await nora.kinds()).count("addressed-copy") == 2


async def test_killed_while_a_permission_is_used_and_taken_back(desk: desks.Template, tmp_path: Path, storage_uri: str) -> None:
    """What was told by it stands in the history once with its receipt, and that it is over is said until it was heard."""
    street = Street()
    async with (
        desks.serving(desk, tmp_path / "desk", site=desks.Site(lists=LISTS), clock=street.clock) as street.desk,
        mortal(tmp_path / "wallet", storage_uri, world=street) as nora,
    ):
        await nora.wallet.collect()
        link = await ask(street, max_uses=2)
        await nora.live("answered:before")
        await nora.dies(share(nora, link))
        street.clock.at += CUT_OFF
        await nora.live()
        await nora.round()
        (line,) = [each for each in (await nora.call("GET", "/api/history"))["entries"] if each["transactionType"] == "presentation"]
        (item,) = (await street.desk.call("GET", "/api/presentation-requests"))[1]["items"]
        given = (await street.desk.state(item))["receipt"]
        assert (line["transactionResult"], line["receipt_problem"]) == ("success", "")
        assert peek_receipt(line["receipt"]).receipt_id == peek_receipt(given).receipt_id, (
            "she has the receipt that the killed wallet never got"
        )
        assert await rows(street.desk.desk.storage, "log_entry") == 1

        async def permission(what: str = "") -> Any:
            (item,) = (await nora.call("GET", "/api/permissions"))["items"]
            return await nora.call("POST", f"/api/permissions/{item['id']}/{what}") if what else item

        (item,) = await permissions.given(nora.wallet.means, nora.wallet.vault)
        assert (await tell(street, item.value.permission))[0] == 201
        for point in ("permission-answer:before", "permission-answer:after"):
            await nora.live(point)
            assert (await permission())["receipts"] == []
            await nora.dies(permission("look"))

        for point in ("permission-withdraw:before", "permission-withdraw:after"):
            await nora.live(point)
            found = await permission("look") if point.endswith("before") else await permission()
            assert (len(found["receipts"]), found["problem"], (await nora.kinds()).count("told-by-permission")) == (1, "", 1)
            assert found["state"] != "withdrawing"
            await nora.dies(permission("withdraw"))
        await nora.live("permission-answer:before")
        assert (await permission())["state"] == "withdrawing"
        await nora.dies(permission("withdraw"))
        await nora.live()
        assert (await permission())["state"] == "withdrawing", "they heard it, and nobody knows"
        await nora.round()
        first = await permission()
        assert (first["state"], first["withdrawn_at"], first["problem"]) == ("withdrawn", street.clock(), "")
        assert await permission("withdraw") == first
        assert (await nora.kinds()).count("permission-withdrawn") == 1


async def test_killed_while_a_donor_and_her_attorney_turn_to_their_office(office: Template, tmp_path: Path, storage_uri: str) -> None:
    """A detail that is wrong is said once, whoever says it again not knowing whether it was; to ask takes one copy, however often it is cut off."""
    async with (
        family(office, tmp_path / "town") as they,
        mortal(
            tmp_path / "wallet", storage_uri, world=they.world,
            fetch=they.nora.wallet.means.fetch, policy=they.nora.wallet.means.trust(),
        ) as nora,
    ):  # fmt: skip
        they.nora.wallet = they.margaret.wallet = nora.wallet
        number = await they.appoint()
        (document,) = await nora.wallet.documents()
        path = f"/api/cards/{document.id}/corrections"

        async def say() -> Any:
            return await nora.call("POST", path, {"detail": "represented/birthdate", "words": "She was born on the 12th."})

        async def said() -> list[Any]:
            return list((await nora.call("GET", path))["corrections"])

        async def seen(name: str) -> int:
            """The copies that the office has seen."""
            found = next(each.value for each in await nora.wallet.documents() if each.id == name)
            return sum(line.shown_to == found.issuer for line in found.copies)

        for point, copies in (("dispute:before", 0), ("dispute:after", 0), ("dispute-kept:before", 1), ("dispute-kept:after", 2)):
            await nora.live(point)
            assert (await said(), await seen(document.id)) == ([], copies)
            await nora.dies(say())
        await nora.live("dispute-answered:before")
        assert [each["state"] for each in await said()] == ["waiting"]
        await nora.dies(say())
        await nora.live("dispute-answered:after")
        assert [each["state"] for each in await said()] == ["waiting"], "the office has it, and nobody knows"
        await nora.dies(nora.round())
        await nora.live()
        again = await say()
        assert (again["state"], await said(), await seen(document.id)) == ("open", [again], 3)
        assert (await nora.kinds()).count("correction") == 1
        (row,) = await they.registry.office.storage.read(lambda tx: corrections.page(tx, state="open", name="", offset=0, limit=9))
        assert row.reference == again["reference"]

        await they.grant(number)
        (own,) = [each.id for each in await nora.wallet.documents() if each.id != document.id]

        async def hold() -> Any:
            return (await nora.call("POST", f"/api/cards/{own}/donor", {"ask": "hold"}))["standing"]

        async def later(seconds: int) -> None:
            they.registry.clock.at = they.world.clock.at = they.registry.clock.at + seconds
            await one_round(they.registry.app)

        async def heard() -> list[int] | None:
            """The numbers of the uses that she was told of; ``None`` while her wallet has no key that they could be locked to."""
            found = await reported.state_of(nora.wallet.means, nora.wallet.vault, own)
            return None if found is None else [use.number for use in found.uses]

        for point, moment in product(("report-key", "reports-fetched"), ("before", "after")):
            await nora.live(f"{point}:{moment}")
            assert await heard() == (None if point == "report-key" else [])
            await nora.dies(nora.round())
        await nora.live()
        await nora.round()  # the hour of the first report is settled
        for number_of_uses in (1, 2):
            await they.show()
            await later(21 * DAY)
            for point in ("reported:before", "reported:after"):
                await nora.live(point)
                await nora.dies(nora.round())
                await later(HOUR)
            await later(reported.EVERY)
            for point in ("reports-fetched:before", "reports-fetched:after"):
                await nora.live(point)
                assert await heard() == list(range(1, number_of_uses)), "what was fetched and not written down is fetched again"
                await nora.dies(nora.round())
            assert await heard() == list(range(1, number_of_uses + 1)), "each use is told of once, however often it was reported"

        await nora.live("ask-office:before")
        await nora.dies(hold())
        await nora.live("ask-office:after")
        assert await seen(own) == 0
        await nora.dies(hold())
        for point in ("office-answered:before", "office-answered:after"):
            await nora.live(point)
            assert (await nora.call("GET", f"/api/cards/{own}/donor"))["standing"] == ""
            await nora.dies(hold())
        await nora.live()
        assert (await nora.call("GET", f"/api/cards/{own}/donor"))["standing"] == "on-hold"
        assert [await hold(), await seen(own)] == ["on-hold", 1]
        await later(HOUR)
        for point in ("office-answered:before", "office-answered:after"):
            await nora.live(point)
            await nora.dies(nora.round())
        await nora.live()
        await nora.round()
        told = [await at_office.standing_of(nora.wallet.means, nora.wallet.vault, each) for each in (own, document.id)]
        assert [each and (each.standing, each.reason) for each in told] == [("on-hold", "donor-asked")] * 2, "both know why"
        assert await heard() == [1, 2]
