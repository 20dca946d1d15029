"""Locked links as a holder makes them: sent as a page, or shown by the service; told once, counted, withdrawn."""

from __future__ import annotations

import asyncio
import html
import json
import re
from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.holdings import put_document
from support.locked import WRONG
from support.wallet_visitor import Visitor
from support.wallets import Site, Wallet, open_wallet, serve_wallet
from support.world import BANK, CODE

from shared import sealed_link
from shared.addressed import parse_file
from shared.clock import DAY
from shared.credentials import Text
from shared.errors import Conflict, Expired, Malformed, Missing, VcError
from shared.sealed_link import open_with_words
from shared.storage import Tx
from wallet import locking
from wallet.app import one_round
from wallet.locking import Made, all_links, lock, state_of, who_looked, withdraw
from wallet.share import Wish, make_out, path_of
from wallet.views import KEPT, MAX_ORGANISATION, TRIES, Views

FOR_BANK = Wish(entity=BANK, name="Northwold Bank", purpose_id="bank", query="bank")


@pytest.fixture
def views(wallet: Wallet) -> Views:
    return Views(storage=wallet.storage, custodian=wallet.custodian, clock=wallet.world.clock, entropy=wallet.means.entropy)


async def locked(wallet: Wallet, views: Views, *, uses: int = 0) -> Made:
    await wallet.collect()
    made = await make_out(wallet.means, wallet.vault, FOR_BANK)
    return await lock(wallet.means, wallet.vault, views, made.id, uses=uses)


async def everything(wallet: Wallet) -> str:
    """All that the database holds, as text."""

    async def read(tx: Tx) -> str:
        rows = [*await tx.fetch("SELECT * FROM items"), *await tx.fetch("SELECT * FROM views"), *await tx.fetch("SELECT * FROM wallets")]
        return " ".join(f"{value!r}" for row in rows for value in map(row.__getitem__, range(len(row))))

    return await wallet.storage.read(read)


async def test_a_copy_is_locked_to_be_sent(wallet: Wallet, views: Views) -> None:
    made = await locked(wallet, views)
    link = open_with_words(made.item.value.token, made.words)
    assert (link.name, link.entity, link.until) == (Text("Northwold Bank", "Northwold Bank"), BANK, wallet.world.clock() + 7 * DAY)
    told = {one.label.en: one.value.en for one in link.details}
    assert "Ashdown" in told.values(), told
    assert {one.label.cy for one in link.details} != {one.label.en for one in link.details}
    assert (link.title.en, link.purpose.en) == ("Power of attorney", "Bank account")
    assert made.item.value.view == ""
    assert made.words not in await everything(wallet)
    assert made.words not in repr(await all_links(wallet.means, wallet.vault))
    again = await lock(wallet.means, wallet.vault, views, made.item.value.copy)
    assert again.words != made.words
    assert [item.id for item in await all_links(wallet.means, wallet.vault)].count(again.item.id) == 1


async def test_a_copy_that_has_run_out_is_not_locked(wallet: Wallet, views: Views) -> None:
    await wallet.collect()
    made = await make_out(wallet.means, wallet.vault, FOR_BANK)
    wallet.world.clock.at += 7 * DAY
    with pytest.raises(Conflict):
        await lock(wallet.means, wallet.vault, views, made.id)
    with pytest.raises(Missing):
        await lock(wallet.means, wallet.vault, views, "none")
    with pytest.raises(Malformed):
        await views.ready("token", until=1, uses=21)


async def test_a_view_is_opened_as_often_as_allowed(wallet: Wallet, views: Views) -> None:
    made = await locked(wallet, views, uses=2)
    name = made.item.value.view
    assert made.item.value.token == ""
    for organisation in ("Northwold Bank", "somebody"):
        assert (await views.open(name, made.words.upper(), organisation)).entity == BANK
        wallet.world.clock.at += 60
    with pytest.raises(Missing):
        await views.open(name, made.words, "third")
    view = await who_looked(views, made.item.value)
    assert view is not None
    assert [(one.at, one.organisation) for one in view.openings] == [
        (wallet.world.clock() - 120, "Northwold Bank"),
        (wallet.world.clock() - 60, "somebody"),
    ]
    assert (view.token, view.tries_left, view.uses_left) == ("", TRIES, 0)
    assert state_of(made.item.value, view, wallet.world.clock()) == "closed"


async def test_wrong_words_close_a_view_for_good(wallet: Wallet, views: Views, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty over its whole life, however long they take; right ones between them give none back that were spent."""
    made = await locked(wallet, views, uses=20)
    name, real = made.item.value.view, sealed_link.open_with_words

    def quick(token: str, words: str) -> sealed_link.Link:
        if words == WRONG:
            raise Malformed("these words do not open it", where="words")
        return real(token, words)

    monkeypatch.setattr(sealed_link, "open_with_words", quick)
    for number in range(TRIES):
        if number == TRIES - 1:
            await views.open(name, made.words, "Northwold Bank")
        with pytest.raises(Malformed):
            await views.open(name, WRONG, "x")
        wallet.world.clock.at += 3_600
    for words in (WRONG, made.words):
        with pytest.raises(Missing):
            await views.open(name, words, "x")
    with pytest.raises(Missing):
        await views.check_open(name)
    view = await views.find(name)
    assert view is not None
    assert [one.organisation for one in view.openings] == ["Northwold Bank"]


async def test_a_try_counts_before_the_words_are_looked_at(wallet: Wallet, views: Views, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever ends the service at that moment has not tried for nothing; several at once count one by one."""
    made = await locked(wallet, views, uses=5)
    name = made.item.value.view

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "to_thread", dies)
        with pytest.raises(KeyboardInterrupt):
            await views.open(name, WRONG, "x")
    view = await views.find(name)
    assert view is not None
    assert view.tries_left == TRIES - 1
    found = await asyncio.gather(*(views.open(name, WRONG, "x") for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in found] == [Malformed] * 3
    view = await views.find(name)
    assert view is not None
    assert view.tries_left == TRIES - 4


async def test_a_view_that_another_process_opens_at_the_same_moment(wallet: Wallet, views: Views) -> None:
    made = await locked(wallet, views, uses=5)
    name = made.item.value.view
    other = Views(storage=wallet.storage, custodian=wallet.custodian, clock=wallet.world.clock, entropy=wallet.means.entropy)
    found = await asyncio.gather(views.open(name, made.words, "a"), other.open(name, made.words, "b"), return_exceptions=True)
    assert all(isinstance(each, sealed_link.Link | Conflict) for each in found)
    view = await views.find(name)
    assert view is not None
    assert len(view.openings) == sum(isinstance(each, sealed_link.Link) for each in found)


async def test_a_closed_view_is_unreadable_for_its_host(wallet: Wallet, views: Views) -> None:
    """What lies in the database opens under the service's key, and then only with the words."""
    made = await locked(wallet, views, uses=1)
    view = await views.find(made.item.value.view)
    assert view is not None
    with pytest.raises(Malformed):
        open_with_words(view.token, WRONG)
    held = await everything(wallet)
    for secret in ("Ashdown", "Northwold", view.token[:60], made.words):
        assert secret not in held
    (row,) = await wallet.storage.read(lambda tx: tx.fetch("SELECT * FROM views"))
    assert len(row) == 4  # no wallet, no party, no time but the day on which it goes
    assert row["ends_on"] % DAY == 0


async def test_a_small_copy_is_told_in_the_same_words(wallet: Wallet, views: Views) -> None:
    await put_document(wallet.means, wallet.vault, ["dc+sd-jwt", "dc+sd-cwt"])
    made = await make_out(wallet.means, wallet.vault, FOR_BANK)
    assert parse_file(made.value.file).format == "dc+sd-cwt"
    link = locking.link_of(made.value, Text("Northwold Bank", "Northwold Bank"))
    assert "Ashdown" in {one.value.en for one in link.details}
    assert link.title.en == "Power of attorney"
    assert (await lock(wallet.means, wallet.vault, views, made.id)).item.value.token


@pytest.mark.real
async def test_a_view_on_postgresql(postgresql_uri: str) -> None:
    async with open_wallet(postgresql_uri) as wallet:
        views = Views(storage=wallet.storage, custodian=wallet.custodian, clock=wallet.world.clock, entropy=wallet.means.entropy)
        made = await locked(wallet, views, uses=1)
        name = made.item.value.view
        with pytest.raises(Malformed):
            await views.open(name, WRONG, "x")
        assert (await views.open(name, made.words, "Northwold Bank")).entity == BANK
        with pytest.raises(Missing):
            await views.check_open(name)
        wallet.world.clock.at += KEPT + 8 * DAY
        await views.sweep()
        assert await views.find(name) is None


async def test_withdrawing(wallet: Wallet, views: Views) -> None:
    shown = await locked(wallet, views, uses=5)
    await views.open(shown.item.value.view, shown.words, "Northwold Bank")
    gone = await withdraw(wallet.means, wallet.vault, views, shown.item.id)
    assert gone.value.withdrawn_at == wallet.world.clock()
    with pytest.raises(Missing):
        await views.open(gone.value.view, shown.words, "late")
    view = await who_looked(views, gone.value)
    assert view is not None
    assert [one.organisation for one in view.openings] == ["Northwold Bank"]
    assert await withdraw(wallet.means, wallet.vault, views, shown.item.id) == gone
    sent = await lock(wallet.means, wallet.vault, views, shown.item.value.copy)
    after = (await withdraw(wallet.means, wallet.vault, views, sent.item.id)).value
    assert (after.token, state_of(after, None, wallet.world.clock())) == ("", "withdrawn")
    assert open_with_words(sent.item.value.token, sent.words).entity == BANK  # a mailbox keeps what it has
    await views.close("gone long ago")


async def test_over_and_forgotten(wallet: Wallet, views: Views) -> None:
    made = await locked(wallet, views, uses=5)
    wallet.world.clock.at += 7 * DAY
    with pytest.raises(Missing):
        await views.open(made.item.value.view, made.words, "x")
    assert state_of(made.item.value, await who_looked(views, made.item.value), wallet.world.clock()) == "over"
    await views.sweep()
    await locking.drop_over(wallet.means, wallet.vault)
    assert await views.find(made.item.value.view) is not None
    wallet.world.clock.at += KEPT + DAY
    await views.sweep()
    await wallet.upkeep()
    assert await views.find(made.item.value.view) is None
    assert await all_links(wallet.means, wallet.vault) == []


async def test_its_end_inside_counts(wallet: Wallet, views: Views) -> None:
    """A row that was given a longer life than what is sealed in it."""
    made = await locked(wallet, views)
    longer = await views.ready(made.item.value.token, until=wallet.world.clock() + 400 * DAY, uses=1)
    await wallet.storage.write(longer.put)
    wallet.world.clock.at += 8 * DAY
    with pytest.raises(Expired):
        await views.open(longer.id, made.words, "x")


# --- the whole service -------------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with serve_wallet(tmp_path / "wallet") as running:
        yield running


async def a_copy(site: Site) -> str:
    await site.open()
    await site.call("POST", "/api/receive", {"link": site.world.office.link(), "code": CODE})
    body = {"to": BANK, "to_name": "Northwold Bank", "purpose_id": "bank", "type": "representation", "query": "bank"}
    status, copy = await site.call("POST", "/api/addressed", body)
    assert status == 201
    return str(copy["id"])


async def test_by_api(site: Site) -> None:
    copy = await a_copy(site)
    status, sent = await site.call("POST", f"/api/addressed/{copy}/locked-links", {})
    assert (status, sent["state"], sent["shown_here"]) == (201, "open", False)
    found = sealed_link.find(sent["html"])
    assert found is not None
    assert sealed_link.find(sent["link"]) == found
    assert open_with_words(found, sent["words"]).entity == BANK
    status, shown = await site.call("POST", f"/api/addressed/{copy}/locked-links", {"uses": 1})
    assert (status, shown["shown_here"], shown["html"], shown["uses_left"]) == (201, True, "", 1)
    assert re.fullmatch(r".*/view/[A-Za-z0-9_-]{22}", shown["link"])
    _, listed = await site.call("GET", "/api/locked-links")
    assert {one["id"] for one in listed["links"]} == {sent["id"], shown["id"]}
    assert not any(one["words"] or one["html"] for one in listed["links"])
    assert (await site.call("GET", f"/api/locked-links/{sent['id']}"))[1] == sent | {"words": ""}
    status, gone = await site.call("POST", f"/api/locked-links/{shown['id']}/withdraw")
    assert (status, gone["state"]) == (200, "withdrawn")
    assert (await site.call("GET", "/api/locked-links/none"))[0] == 404
    assert (await site.call("POST", f"/api/addressed/{copy}/locked-links", {"uses": 21}))[0] == 400
    await one_round(site.app)


def words_in(text: str) -> str:
    return html.unescape(re.findall(r"<code>([a-z ]+)</code>", text)[0])


async def lock_by_page(site: Site, visitor: Visitor, **fields: str) -> tuple[str, str]:
    """The words, and the page of the locked copy."""
    copy = await a_copy(site)
    await visitor.enter()
    await visitor.get(f"/copies/{copy}/lock")
    await visitor.post(f"/copies/{copy}/lock", {"way": ""})
    assert visitor.status == 400
    await visitor.post(f"/copies/{copy}/lock", fields)
    assert "We show them now and never again." in visitor.text
    where = re.findall(r'href="(/locked-copies/[^"]+)"', visitor.text)[0]
    return words_in(visitor.text), where


async def test_the_pages(site: Site) -> None:
    visitor = Visitor(site)
    words, where = await lock_by_page(site, visitor, way="send")
    await visitor.get(where)
    assert ("Forget it here" in visitor.text, "Withdraw it" in visitor.text, "govuk-button--warning" in visitor.text) == (
        True,
        False,
        False,
    )
    assert words.split(" ")[0] not in visitor.text
    link = html.unescape(re.findall(r'<code id="locked-address">([^<]+)</code>', visitor.text)[0])
    file = await visitor.get(f"{where}/file")
    assert sealed_link.find(file) == sealed_link.find(link)
    assert open_with_words(str(sealed_link.find(file)), words).name.en == "Northwold Bank"
    await visitor.get("/copies")
    assert where in visitor.text
    await visitor.get(where)
    await visitor.post(f"{where}/withdraw")
    assert "This wallet forgot it on" in visitor.text
    assert "Copies that you sent stay in mailboxes." in visitor.text
    await visitor.get(f"{where}/file")
    assert visitor.path == where


async def test_digits_that_are_none_and_far_too_many(site: Site) -> None:
    """What is typed or followed is refused in words, never by a failure."""
    visitor, copy = Visitor(site), await a_copy(site)
    await visitor.enter()
    await visitor.get(f"/copies/{copy}/lock")
    for uses in ("²", "9" * 5_000):
        await visitor.post(f"/copies/{copy}/lock", {"way": "show", "uses": uses})
        assert (visitor.status, "Choose how the organisation gets it" in visitor.text) == (400, True)
    for days in ("²", "9" * 5_000):
        await visitor.get("/copies/new")
        wish = {"to": BANK, "to_name": "Northwold Bank", "question": "representation/bank", "days": days}
        await visitor.post("/copies/new", wish)
        assert "This is what the copy would show" not in visitor.text
        assert visitor.status < 500
    assert path_of("powers/12/*/²") == ("powers", 12, None, "²")
    assert path_of("9" * 5_000) == ("9" * 5_000,)


async def test_what_the_service_shows(site: Site) -> None:
    """Words go by POST alone; a wrong try says nothing; whoever has the words sees it, and the holder sees that."""
    visitor = Visitor(site)
    words, where = await lock_by_page(site, visitor, way="show", uses="5")
    address = html.unescape(re.findall(r'<code id="locked-address">([^<]+)</code>', await visitor.get(where))[0])
    assert "Nobody so far." in visitor.text
    path = "/view/" + address.rpartition("/")[2]
    site.http.cookie_jar.clear()
    clerk = Visitor(site)
    await clerk.get(path)
    assert clerk.status == 200
    for fields, said in (
        ({}, "Enter the seven words"),
        ({"words": words}, "Enter the name of your organisation"),
        ({"words": words, "organisation": "x" * (MAX_ORGANISATION + 1)}, "at most 120 letters"),
        ({"words": WRONG, "organisation": "Northwold Bank"}, "These words do not open it."),
    ):
        await clerk.post(path, fields, keep=False)
        assert clerk.status == 400
        assert said in clerk.text
        assert "Ashdown" not in clerk.text
        assert words not in clerk.text
    await clerk.post(path, {"words": words, "organisation": "Northwold Bank"}, keep=False)
    assert clerk.status == 200
    assert "Ashdown" in clerk.text
    assert "It cannot prove who signed it" in clerk.text
    await clerk.post(path, {"words": words, "organisation": "Northwold Bank", "want": "file"}, keep=False)
    assert json.loads(clerk.text)["aud"] == f"a:{BANK}"
    assert (await site.http.get(site.base + "/view/nothing")).status == 404
    await visitor.enter()
    await visitor.get(where)
    assert visitor.text.count(": Northwold Bank") == 2
    assert "It can be opened 3 more times." in visitor.text
    assert "Wrong words were tried 1 of 20 times." in visitor.text


async def test_what_may_be_opened_once_is_seen_and_saved_at_once(site: Site) -> None:
    """Whoever looks first has the copy as well, and can check it; the holder sees why it is closed."""
    visitor = Visitor(site)
    words, where = await lock_by_page(site, visitor, way="show", uses="1")
    address = html.unescape(re.findall(r'<code id="locked-address">([^<]+)</code>', await visitor.get(where))[0])
    clerk, path = Visitor(site), "/view/" + address.rpartition("/")[2]
    await clerk.post(path, {"words": words, "organisation": "Northwold Bank", "want": "look"}, keep=False)
    (file,) = re.findall(r'href="data:[^"]*;base64,([^"]+)" download="copy.json"', clerk.text)
    assert json.loads(b64decode(html.unescape(file)))["aud"] == f"a:{BANK}"
    assert (await site.http.get(site.base + path)).status == 404
    await visitor.get(where)
    assert "opened as often as you allowed" in visitor.text
    assert "Wrong words were tried 0 of 20 times." in visitor.text


async def test_a_holder_sees_that_somebody_guessed(site: Site) -> None:
    visitor = Visitor(site)
    _, where = await lock_by_page(site, visitor, way="show", uses="1")
    address = html.unescape(re.findall(r'<code id="locked-address">([^<]+)</code>', await visitor.get(where))[0])
    clerk = Visitor(site)
    for _ in range(TRIES):
        await clerk.post("/view/" + address.rpartition("/")[2], {"words": WRONG, "organisation": "Northwold Bank"}, keep=False)
    await visitor.get(where)
    assert "Somebody may have been guessing" in visitor.text
    assert "Wrong words were tried 20 of 20 times." in visitor.text


@pytest.mark.parametrize("killed", [False, True], ids=["whole", "killed"])
async def test_a_removed_wallet_shows_nothing_any_more(site: Site, monkeypatch: pytest.MonkeyPatch, *, killed: bool) -> None:
    """Also where the service dies while the wallet goes."""
    if killed:
        monkeypatch.setattr("wallet.enter.delete_wallet", _dies)
    visitor = Visitor(site)
    _, where = await lock_by_page(site, visitor, way="show", uses="5")
    address = html.unescape(re.findall(r'<code id="locked-address">([^<]+)</code>', await visitor.get(where))[0])
    await visitor.get("/settings/remove")
    await visitor.post("/settings/remove", {"passphrase": site.made.passphrase})
    assert (await site.http.get(f"{site.base}/view/{address.rpartition('/')[2]}")).status == 404


async def _dies(*_: object) -> None:
    raise RuntimeError("the process ends here")


async def test_at_c05_2_no_log_has_fragment_or_words(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """The service that serves the opening page, and the one that shows a copy, write down neither."""
    caplog.set_level("DEBUG")
    visitor = Visitor(site)
    words, where = await lock_by_page(site, visitor, way="show", uses="5")
    path = "/view/" + html.unescape(re.findall(r'<code id="locked-address">([^<]+)</code>', await visitor.get(where))[0]).rpartition("/")[2]
    await visitor.post(path, {"words": words, "organisation": "Northwold Bank"}, keep=False)
    async with site.http.get(f"{site.base}/locked#eyJsecret.fragment") as answer:
        assert answer.status == 200
        assert "connect-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "'self'" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert sealed_link.find(await answer.text()) is None
    served = {(record.__dict__["method"], record.__dict__["route"]) for record in caplog.records if record.name == "muniment.access"}
    assert {("POST", "/view/{id}"), ("GET", "/locked")} <= served, "these very requests were written down"
    logged = caplog.text + " ".join(str(record.__dict__) for record in caplog.records)
    for secret in (words, words.replace(" ", "-"), "secret.fragment", "Ashdown"):
        assert secret not in logged


async def test_any_words_typed_are_a_link_or_an_error(wallet: Wallet, views: Views) -> None:
    made = await locked(wallet, views, uses=20)
    odd: list[Any] = ["\0", "ŵ" * 400, " ", "-" * 5_000, "\ud800"]
    for typed in odd:
        with pytest.raises(VcError):
            await views.open(made.item.value.view, typed, "x")
