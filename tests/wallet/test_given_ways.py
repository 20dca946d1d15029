"""A receipt that was given by hand for a copy: taken in by page, by program and by command, over both databases."""

from __future__ import annotations

import asyncio
import base64
import html
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.given import Given, given_by_council
from support.thrift import easy_seal
from support.wallet_visitor import Visitor
from support.wallets import EASY, PASSPHRASE, Site, Wallet, serve_wallet
from support.world import World

from shared.clock import DAY, system_clock, system_entropy
from shared.codec import cbor, qr
from shared.ovp.envelope import RECEIPT, render_text
from wallet import at_terminal
from wallet.app import Host, open_host
from wallet.cli import main
from wallet.config import Place, open_place
from wallet.confirming import PATIENCE
from wallet.init import Wish, set_up
from wallet.statement import year_of

P256, P521 = (cbor.dumps({-1: curve})[1:] + cbor.dumps(-2) for curve in (1, 3))


async def opened(host: Host, world: World, holder: str, passphrase: str) -> Wallet:
    return Wallet(world, host.storage, host.custodian, host.means, host.doors, await host.doors.open(holder, passphrase))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with serve_wallet(tmp_path / "wallet") as running:
        yield running


async def given_at(site: Site) -> Given:
    return await given_by_council(await opened(site.host, site.world, site.made.holder, site.made.passphrase))


async def test_by_page(site: Site) -> None:
    handed, visitor = await given_at(site), Visitor(site)
    seq = await handed.seq()
    await visitor.enter()
    await visitor.get(f"/history/{seq}")
    assert f'href="/history/{seq}/receipt"' in visitor.text
    where = f"/history/{seq}/receipt"
    await visitor.get(where)
    assert "A receipt for your copy" in visitor.text
    for fields, files, words in (
        ({"text": ""}, {}, "This is not a receipt"),
        ({"text": "OVR1:NOTHING"}, {}, "This is not a receipt"),
        ({"text": ""}, {"picture": qr.png("https://opg.example")}, "This is not a receipt"),
        ({"text": "a" * 70_000}, {}, "This is too long for a receipt"),
        ({"text": render_text(RECEIPT, handed.desk_receipt().replace(P256, P521))}, {}, "Your wallet cannot check it"),
    ):
        await visitor.post(where, fields, files=files)
        assert words in visitor.text, fields
        assert len(await handed.wallet.lines()) == seq
    await visitor.post(where, {}, files={"picture": qr.png(handed.at_desk(decision="rejected", code="revoked"), ec="L")})
    assert visitor.path == f"/history/{seq + 1}"
    for words in ("They do not rely on this", "The document was cancelled.", "provisional", "Counter 3"):
        assert words in visitor.text, words
    await visitor.get(where)
    await visitor.post(where, {"text": handed.signed()}, files={})
    assert visitor.path == f"/history/{seq + 2}"
    assert "They can rely on this" in visitor.text
    await visitor.get(where)
    await visitor.post(where, {"text": handed.at_desk(use="blue-badge")}, files={})
    assert "Their receipt does not fit what you shared" in visitor.text
    assert "Your wallet asks them by itself" not in visitor.text
    await visitor.get(f"/history/{seq}")
    assert [visitor.text.count(f'href="/history/{seq + number}"') for number in (1, 2, 3)] == [1, 1, 1]
    await visitor.get("/history")
    for words in ("receipt of a desk", "receipt does not fit"):
        assert words in html.unescape(visitor.text)
    for path in ("/history/1/receipt", "/history/999/receipt"):
        await visitor.get(path)
        assert visitor.status == 404


async def test_what_cannot_be_checked_now_is_not_kept_and_the_page_says_so(site: Site) -> None:
    """The register has run out: nobody can tell whose the key is."""
    handed, visitor = await given_at(site), Visitor(site)
    seq, text = await handed.seq(), handed.at_desk()
    site.world.clock.at += 8 * DAY
    await visitor.enter()
    where, before = f"/history/{seq}/receipt", len(await handed.wallet.lines())
    await visitor.get(where)
    assert "Where we cannot check now who signed it, nothing is kept." in visitor.text
    await visitor.post(where, {"text": text}, files={})
    assert "We cannot check now who signed this, so we have not kept it." in visitor.text
    assert len(await handed.wallet.lines()) == before


async def test_a_counters_receipt_is_not_kept_and_the_page_says_so(site: Site) -> None:
    handed, visitor = await given_at(site), Visitor(site)
    where, before = f"/history/{await handed.seq()}/receipt", len(await handed.wallet.lines())
    await visitor.enter()
    await visitor.get(where)
    text = handed.signed(entity="https://library.example", decision="undecided", reason_code="passed_on", purpose_id="passed_on")
    await visitor.post(where, {"text": text}, files={})
    assert "This says that it is from a counter that passed your letter on." in visitor.text
    assert len(await handed.wallet.lines()) == before


async def test_it_is_called_provisional_in_the_statement_and_while_anybody_asks(site: Site) -> None:
    """In both languages; after a month that nobody confirmed it, its line no longer says that somebody asks."""
    handed, visitor = await given_at(site), Visitor(site)
    seq = await handed.seq()
    await visitor.enter()
    await visitor.post(f"/history/{seq}/receipt", {"text": handed.at_desk()}, files={})
    await visitor.get(f"/history/{seq + 1}")
    assert "Your wallet asks them by itself to confirm it." in visitor.text
    year = year_of(site.world.clock())
    text = await visitor.get(f"/statement?year={year}")
    for words in (
        "1 receipt provisional",
        "It is not confirmed, so this is all that they saw.",
        "they have not said",
        f"/history/{seq + 1}",
    ):
        assert words in text, words
    text = await visitor.get(f"/statement?year={year}&lang=cy")
    for words in ("1 dderbynneb dros dro", "Nid yw wedi’i chadarnhau, felly dyma’r cyfan a welwyd ganddynt."):
        assert words in text, words
    file = json.loads(await visitor.get(f"/statement/{year}.json"))
    assert [(each["by"], each["seq"]) for each in file["keeping"]] == [("provisional", seq + 1)]
    assert [(each["shared"], each["provisional"]) for each in file["asked"]] == [(1, 1)]
    await visitor.get("/history?lang=en")
    site.world.clock.at += PATIENCE
    await visitor.enter()
    text = await visitor.get(f"/history/{seq + 1}")
    assert "Nobody has confirmed it, and your wallet asks no more." in text
    assert "asks them by itself" not in text


async def test_a_copy_of_a_phone_is_sent_to_the_phone(site: Site) -> None:
    """What is not here is not held against anything, and the page says where to go."""
    handed, visitor = await given_at(site), Visitor(site)
    await site.open()
    showing = {
        "id": "0" * 32, "at": site.world.clock(), "document": handed.made.value.document, "entity": handed.counter.party.entity,
        "name": "Council", "use": "council-tax", "level": 1,
    }  # fmt: skip
    assert (await site.call("POST", "/phone/api/showings", {"showings": [showing]}))[0] == 204
    seq = len(await handed.wallet.lines())
    await visitor.enter()
    await visitor.get(f"/history/{seq}/receipt")
    await visitor.post(f"/history/{seq}/receipt", {"text": handed.at_desk()}, files={})
    assert "take the receipt there" in visitor.text


async def by_program(site: Site) -> None:
    handed = await given_at(site)
    seq = await handed.seq()
    await site.open()
    where = f"/api/history/{seq}/receipt"
    desk = handed.at_desk(decision="undecided", code="status_unknown")
    status, taken = await site.call("POST", where, {"picture_base64": base64.b64encode(qr.png(desk, ec="L")).decode()})
    assert (status, taken) == (
        200,
        {"seq": seq + 1, "provisional": True, "decision": "undecided", "reason_code": "status_unknown", "problem": ""},
    )
    assert (await site.call("POST", where, {"text": desk}))[1] == taken
    status, taken = await site.call("POST", where, {"text": handed.signed(nonce="another")})
    assert (status, taken["seq"], taken["provisional"], taken["problem"].partition(":")[0]) == (200, seq + 2, False, "wrong_nonce")
    wrong: list[tuple[str, Any, int]] = [
        (where, {}, 400),
        (where, {"text": desk, "picture_base64": "AAAA"}, 400),
        (where, {"picture_base64": "!"}, 400),
        (where, {"text": "nothing"}, 400),
        (where, {"text": "a" * 70_000}, 400),
        ("/api/history/1/receipt", {"text": desk}, 404),
        ("/api/history/x/receipt", {"text": desk}, 404),
        (f"/api/history/{'9' * 30}/receipt", {"text": desk}, 404),
    ]
    for path, body, refusal in wrong:
        assert (await site.call("POST", path, body))[0] == refusal, (path, body)
    assert (await site.call("POST", where, {"text": desk}, token=""))[0] == 401
    _, told = await site.call("GET", "/api/history")
    assert [one.get("provisional", "") for one in told["entries"][:2]] == ["", desk]
    assert told["intact"]


async def test_by_program(site: Site) -> None:
    await by_program(site)


@pytest.mark.real
async def test_by_program_on_postgresql(tmp_path: Path, postgresql_uri: str) -> None:
    async with serve_wallet(tmp_path / "wallet", storage=postgresql_uri) as running:
        await by_program(running)


# --- by command ----------------------------------------------------------------------------------------------------------------------------


class Nora:
    """Her wallet's folder, with a copy made out to the council in it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.world, self.capsys = folder, World(), capsys
        secret = folder.with_suffix(".txt")
        secret.write_text(PASSPHRASE)
        monkeypatch.setenv("MUNIMENT_WALLET_PASSPHRASE_FILE", str(secret))
        monkeypatch.setattr(at_terminal, "open_host", self.open)
        self.handed = asyncio.run(self.begin())

    def open(self, place: Place) -> Host:
        host = open_host(place, clock=self.world.clock)
        return replace(host, means=replace(host.means, fetch=self.world, trust=self.world.policy))

    async def begin(self) -> Given:
        wish = Wish(folder=self.folder, public_url="http://localhost:8102", port=8102, holder="Nora", passphrase=PASSPHRASE)
        with easy_seal():
            await set_up(wish, clock=system_clock, entropy=system_entropy, hardness=EASY)
        host = self.open(open_place(self.folder))
        try:
            await host.start()
            return await given_by_council(await opened(host, self.world, "Nora", PASSPHRASE))
        finally:
            await host.close()

    def run(self, content: str | bytes, *words: str) -> tuple[int, str]:
        file = self.folder.parent / "receipt"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.capsys.readouterr()
        code = main(["receipt", "--dir", str(self.folder), str(file), *words])
        out = self.capsys.readouterr()
        return code, out.out + out.err


def test_by_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    nora = Nora(tmp_path / "wallet", monkeypatch, capsys)
    code, out = nora.run(qr.png(nora.handed.at_desk(), ec="L"))
    assert (code, "They can rely on it." in out, "provisional" in out) == (0, True, True), out
    code, out = nora.run(nora.handed.signed(decision="rejected", reason_code="revoked") + "\n")
    assert (code, "They do not rely on it (revoked)." in out, "provisional" in out) == (0, True, False), out
    strange = nora.handed.at_desk(nonce=bytes(16))
    code, out = nora.run(strange)
    assert (code, "--line" in out) == (1, True), out
    code, out = nora.run(strange, "--line", "2")
    assert (code, "does not fit what was sent: wrong_nonce" in out) == (1, True), out
    assert nora.run("nothing")[0] == 1
    assert main(["receipt", "--dir", str(nora.folder), str(tmp_path / "missing")]) == 1
