"""A desk's receipt from a real desk's key to a real wallet, and what the real service signs for it later, over HTTP and both databases (S10, S21, S25)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from support.desk import Running, Template, make_template, serving
from support.desk_scan import Enrolled, enrol
from support.given import with_receipt
from support.holdings import put_document
from support.real_bank import WithBank
from support.signing import Signer
from support.wallet_visitor import Visitor
from support.wallets import Site, serve_wallet
from support.world import BANK, COUNCIL

from shared.clock import DAY, system_entropy
from shared.codec import base64url
from shared.flow import Fetch, Fetched
from shared.keys import KeyId
from shared.ovp.envelope import RECEIPT, render_text
from shared.ovp.receipt import CONFIRM_AT, parse_desk_receipt, prepare_desk_receipt
from shared.receipts import Receipt, peek_receipt, prepare_receipt
from shared.web import log
from verifier import app as verifier_app
from wallet import app as wallet_app
from wallet import register
from wallet.given import Handed, handed_of
from wallet.share import Wish, make_out

pytestmark = pytest.mark.real
FOR_BANK = Wish(entity=BANK, name="Northwold Bank", purpose_id="bank", query="bank")


@dataclass
class Between(WithBank):
    """Whoever stands between wallet and bank: notes what passes at that address, and may exchange what is brought, or what comes back."""

    statuses: list[int] = field(default_factory=list)
    brings: Callable[[bytes], bytes] = bytes
    answers: Callable[[Fetched], Fetched] | None = None
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    slow: asyncio.Event | None = None

    async def __call__(self, fetch: Fetch) -> Fetched:
        if not fetch.url.endswith(CONFIRM_AT):
            return await super().__call__(fetch)
        self.asked.set()
        if self.slow is not None:
            await self.slow.wait()
        told = await super().__call__(replace(fetch, body=self.brings(fetch.body or b"")))
        self.statuses.append(told.status)
        return told if self.answers is None else self.answers(told)


@dataclass
class Street:
    """Nora's wallet, the bank, one desk of its, and a copy that she made out to it."""

    town: Between
    bank: Running
    site: Site
    desk: Enrolled
    handed: Handed
    document: str
    seq: int

    def receipt(self, **changes: Any) -> bytes:
        how: dict[str, Any] = {
            "certificate": base64url.decode(self.desk.told["certificate"]),
            "key": KeyId("desk"),
            "public": self.desk.public,
            "content": self.handed.contents[0],
            "nonce": self.handed.number,
            "salt": bytes(range(16)),
            "at": self.town.clock(),
            "decision": "accepted",
            "use": "bank",
        }
        return Signer(self.desk.private, self.desk.public).finish(prepare_desk_receipt(**how | changes))

    async def take_in(self, receipt: bytes) -> dict[str, Any]:
        """By the holder's hand."""
        status, told = await self.site.call("POST", f"/api/history/{self.seq}/receipt", {"text": render_text(RECEIPT, receipt)})
        assert status == 200, told
        return dict(told)

    async def tell(self, *receipts: bytes) -> None:
        """What the desk does in its next round with a network."""
        lines = [{"receipt": base64url.encode(each), "mode": "copy"} for each in receipts]
        headers = {"Authorization": f"Bearer {self.desk.token}"}
        async with self.bank.http.post(f"{self.bank.base}/desk/scan/api/receipts", json={"receipts": lines}, headers=headers) as answer:
            assert (answer.status, await answer.json()) == (200, {"taken": [True] * len(receipts)})

    async def days(self, number: int = 3) -> dict[str, Any]:
        """So many days go by, on each of which the wallet's service asks for one that waits; the newest line of the history then."""
        for _ in range(number):
            self.town.clock.at += DAY
            await self.site.open()
            await wallet_app.confirm_receipts(self.site.app)
        return await self.newest()

    async def newest(self) -> dict[str, Any]:
        _, told = await self.site.call("GET", "/api/history")
        assert told["intact"]
        return dict(told["entries"][0])


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(make_template(tmp_path_factory.mktemp("bank") / "desk"))


@pytest.fixture
async def street(storage_uri: str, template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Street]:
    monkeypatch.setattr(
        "wallet.app.UPKEEP_EVERY", 1e6
    )  # a round that the service makes by itself takes the instant of one that is made here
    town = Between()
    async with (
        serving(template, tmp_path / "desk", clock=town.clock, storage=storage_uri) as bank,
        serve_wallet(tmp_path / "wallet", world=town) as site,
    ):
        town.running = bank
        await verifier_app.one_round(bank.app)
        desk = await enrol(bank)
        await site.open()
        means, (vault,) = site.host.means, site.host.unlocked.vaults()
        document = await put_document(means, vault, copies=3)
        await register.refresh(means, now=True)
        made = await make_out(means, vault, FOR_BANK)
        _, told = await site.call("GET", "/api/history")
        yield Street(town, bank, site, desk, handed_of(made.value), document, told["entries"][0]["seq"])


async def test_missing_before_the_desk_told_and_confirmed_afterwards(street: Street) -> None:
    """Of a copy by hand, and of what a phone showed live: the service's receipt is verified, and is what its log says."""
    copy, live = street.receipt(), street.receipt(content=b"what the phone showed", nonce=bytes(32), salt=system_entropy(16))
    assert (await street.take_in(copy))["provisional"]
    showing = {
        "id": "ab" * 16, "at": street.town.clock(), "document": street.document, "entity": BANK, "name": "Northwold Bank", "use": "bank",
        "level": 3, "shown": ["donor-name"], "receipt": base64url.encode(live),
    }  # fmt: skip
    assert (await street.site.call("POST", "/phone/api/showings", {"showings": [showing]}))[0] == 204
    before = await street.newest()
    assert (before["provisional"], before["receipt_problem"]) == (render_text(RECEIPT, live), "")
    assert await street.days() == before
    assert set(street.town.statuses) == {404}

    await street.tell(live, copy)
    street.town.statuses.clear()
    await street.days()
    assert street.town.statuses == [200, 200], "what is confirmed is asked for no more"
    _, told = await street.site.call("GET", "/api/history")
    lines, last = {line["provisional"]: line for line in told["entries"][:2]}, peek_receipt(told["entries"][0]["receipt"])
    for desk in (live, copy):
        line, own = lines[render_text(RECEIPT, desk)], parse_desk_receipt(desk)
        last = peek_receipt(line["receipt"])
        assert (line["transactionResult"], line["receipt_problem"]) == ("success", "")
        assert (last.entity, last.decision, last.salt, last.presentation_digest) == (BANK, "accepted", own.salt, own.digest)
    assert last.log_head == await street.bank.desk.storage.read(log.head), "the copy was told last"
    _, statement = await street.site.call("GET", "/api/statement")
    assert [(each["shared"], each["provisional"]) for each in statement["asked"]] == [(2, 0)]
    assert (last.retain_until, statement["keeping"]) == (parse_desk_receipt(copy).issued_at, []), "the bank keeps nothing, as it signed"
    visitor = Visitor(street.site)
    await visitor.enter()
    assert "confirmed" in await visitor.get(f"/history/{street.seq + 1}")


async def test_a_slow_organisation_holds_up_nothing_else(street: Street) -> None:
    """Copies are renewed and letters are sent meanwhile, for everybody of this host."""
    mine, street.town.slow = street.receipt(), asyncio.Event()
    await street.take_in(mine)
    await street.tell(mine)
    street.town.clock.at += DAY
    await street.site.open()
    asking = asyncio.create_task(wallet_app.confirm_receipts(street.site.app))
    await street.town.asked.wait()
    await wallet_app.one_round(street.site.app)
    assert not asking.done()
    street.town.slow.set()
    await asking
    assert street.town.statuses == [200]
    assert (await street.newest())["provisional"] == render_text(RECEIPT, mine)


DIFFERENT: dict[str, tuple[dict[str, Any], str]] = {
    "decision": ({"decision": "rejected", "code": "revoked"}, "history_rewritten"),
    "digest": ({"content": b"something else"}, "other_presentation"),
    "nonce": ({"nonce": bytes(32)}, "wrong_nonce"),
}


@pytest.mark.parametrize("case", DIFFERENT)
async def test_what_the_service_signs_otherwise_is_shown(street: Street, case: str) -> None:
    """It is another receipt of the same desk that was brought in its place: all of it is truly signed, and not for this."""
    changes, code = DIFFERENT[case]
    mine, other = street.receipt(), street.receipt(**changes)
    await street.take_in(mine)
    await street.tell(mine, other)
    street.town.brings = lambda _: other
    await shown_as_a_misfit(street, mine, code)


async def test_what_another_organisation_signs_is_shown(street: Street) -> None:
    """One that is registered as well, for the very same thing."""
    mine = street.receipt()
    own, by = parse_desk_receipt(mine), street.town.council.by
    await street.take_in(mine)
    await street.tell(mine)

    def by_council(_: Fetched) -> Fetched:
        at = street.town.clock()
        made = Receipt(
            receipt_id="another", entity=COUNCIL, received_at=at, decision=own.decision, purpose_id=own.use, salt=own.salt,
            presentation_digest=own.digest, nonce=base64url.encode(own.nonce), effective_from=own.issued_at, retain_until=at,
        )  # fmt: skip
        return with_receipt(by.signer.finish(prepare_receipt(made, key=KeyId("relying-party"), x5c=by.x5c, at=at)))

    street.town.answers = by_council
    await shown_as_a_misfit(street, mine, "untrusted")


async def shown_as_a_misfit(street: Street, mine: bytes, code: str) -> None:
    """On its line, on that of the desk's receipt, and in the statement, where nothing of it counts; nobody is asked again."""
    line = await street.days(1)
    assert (line["receipt_problem"].partition(":")[0], line["transactionResult"]) == (code, "failed")
    assert line["provisional"] == render_text(RECEIPT, mine)
    await street.days()
    assert street.town.statuses == [200]
    visitor = Visitor(street.site)
    await visitor.enter()
    assert "Later they signed something else than what their desk gave you." in await visitor.get(f"/history/{street.seq + 1}")
    await visitor.get(f"/history/{street.seq + 2}")
    assert "Their receipt does not fit what you shared" in visitor.text
    _, statement = await street.site.call("GET", "/api/statement")
    assert [(each["shared"], each["failed"], each["provisional"]) for each in statement["asked"]] == [(1, 0, 0)]
    assert {each["by"] for each in statement["keeping"]} == {"unknown"}
