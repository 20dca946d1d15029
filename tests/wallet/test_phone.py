"""Copies for a phone, as the wallet service handles them: a simulated phone holds the keys, the service never does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import msgspec
import pytest
from support.trial_verify import Dice, stranger
from support.wallets import Wallet, open_wallet
from support.world import BATCH

from shared.errors import Conflict, InvalidNonce, InvalidProof, Malformed, Missing, NotBound, Unavailable, Untrusted
from shared.flow import Fetch, Fetched
from shared.formats import formats
from shared.jose import jwk
from shared.status.assertion import parse_assertion
from wallet import phone
from wallet.deliveries import Begun, Delivery, Lost, OnPhone, Received, Told
from wallet.holding import KeyRing, make_keys
from wallet.lease import LEASE
from wallet.records import DELIVERIES, DOCUMENTS, Item
from wallet.sessions import Document

PHONE = "ab" * 16
OTHER = "cd" * 16


@dataclass
class Pocket:
    """A phone that keeps copies of one document."""

    wallet: Wallet
    document: str
    name: str = PHONE
    ring: KeyRing | None = None
    copies: list[str] = field(default_factory=list)

    async def begin(self) -> Item[Delivery]:
        return await phone.begin(self.wallet.means, self.wallet.vault, self.document, self.name)

    async def proofs(self, item: Item[Delivery], *, audience: str = "", nonce: str = "", late: int = 0) -> list[str]:
        begun = item.value.state
        assert isinstance(begun, Begun)
        self.ring = self.ring or await make_keys(begun.count, Dice(f"phone {self.name}"))
        issuer = audience or (await self.wallet.document()).issuer
        return list(await self.ring.prove(audience=issuer, nonce=nonce or begun.nonce, at=self.wallet.world.clock() - late))

    async def fetch(self, item: Item[Delivery]) -> Item[Delivery]:
        return await phone.fetch_copies(self.wallet.means, self.wallet.vault, item.id, await self.proofs(item))

    async def keep(self) -> Item[Delivery]:
        self.ring = None
        item = await self.fetch(await self.begin())
        state = item.value.state
        assert isinstance(state, Received)
        self.copies = list(state.wires)
        await phone.kept(self.wallet.means, self.wallet.vault, item.id)
        return await phone.get(self.wallet.means, self.wallet.vault, item.id)

    async def batches(self) -> list[Item[Delivery]]:
        return await phone.all_deliveries(self.wallet.means, self.wallet.vault)


@pytest.fixture
async def pocket(sqlite_uri: str) -> AsyncIterator[Pocket]:
    async with open_wallet(sqlite_uri) as wallet:
        wallet.world.office.formats = ("dc+sd-jwt", "dc+sd-cwt")
        yield Pocket(wallet, (await wallet.collect()).id)


async def test_a_batch_goes_to_the_phone_and_leaves_nothing_here(pocket: Pocket) -> None:
    office = pocket.wallet.world.office
    kept = await pocket.keep()
    assert isinstance(kept.value.state, OnPhone)
    assert len(pocket.copies) == BATCH
    assert pocket.ring is not None
    small = formats()["dc+sd-cwt"]
    holders = [small.peek(small.parse(wire)).holder for wire in pocket.copies]
    assert len({jwk.thumbprint(holder) for holder in holders if holder is not None}) == BATCH
    assert office.notified[-1] == {"notification_id": kept.value.state.notification_id, "event": "credential_accepted"}
    for item in await pocket.wallet.storage.read(lambda tx: DELIVERIES.all(tx, pocket.wallet.vault)):
        stored = msgspec.json.encode(item.value)
        assert not any(wire.encode() in stored for wire in pocket.copies)
        assert not any(pocket.ring.private(key).hex().encode() in stored for key in pocket.ring.public)
    (line, *_) = reversed(await pocket.wallet.lines())
    assert line.entry.transaction_type == "kept-on-phone"


async def test_the_same_copies_until_the_phone_has_them(pocket: Pocket) -> None:
    """The connection broke after the office had answered."""
    received = await pocket.fetch(await pocket.begin())
    again = await pocket.begin()
    assert again.id == received.id
    same = await phone.fetch_copies(pocket.wallet.means, pocket.wallet.vault, again.id, [])
    assert same.value.state == received.value.state
    await phone.kept(pocket.wallet.means, pocket.wallet.vault, again.id)
    await phone.kept(pocket.wallet.means, pocket.wallet.vault, again.id)
    with pytest.raises(Conflict):
        await phone.fetch_copies(pocket.wallet.means, pocket.wallet.vault, again.id, [])
    assert len(await pocket.batches()) == 1


async def test_a_new_batch_takes_the_place_of_the_old_one(pocket: Pocket) -> None:
    first, second = await pocket.keep(), await pocket.keep()
    assert [item.id for item in await pocket.batches()] == [second.id]
    assert first.id != second.id
    other = Pocket(pocket.wallet, pocket.document, OTHER)
    await other.keep()
    assert {item.value.phone for item in await pocket.batches()} == {PHONE, OTHER}


async def test_the_services_own_renewal_goes_on(pocket: Pocket) -> None:
    """The refresh token rotates; the day of the service's own renewal does not move, and its lease is given back."""
    wallet = pocket.wallet
    before = (await wallet.document()).renewal
    await pocket.keep()
    after = (await wallet.document()).renewal
    assert before is not None
    assert after is not None
    assert after.at == before.at
    assert after.token != before.token
    assert after.lease_until == 0
    copies = {copy.id for copy in (await wallet.document()).copies}
    wallet.world.clock.at = before.at + 10
    await wallet.upkeep()
    assert {copy.id for copy in (await wallet.document()).copies}.isdisjoint(copies)


@pytest.mark.parametrize("wrong", ["nonce", "audience", "late", "garbage", "none", "many", "twice"])
async def test_wrong_proofs_never_reach_the_office(pocket: Pocket, wrong: str) -> None:
    item = await pocket.begin()
    asked = len(pocket.wallet.world.log)
    ways: dict[str, Callable[[], Awaitable[list[str]]]] = {
        "nonce": lambda: pocket.proofs(item, nonce="another"),
        "audience": lambda: pocket.proofs(item, audience="https://elsewhere.example"),
        "late": lambda: pocket.proofs(item, late=4_000),
        "garbage": lambda: _given(["a.b.c"]),
        "none": lambda: _given([]),
        "many": lambda: _given(["a.b.c"] * 51),
        "twice": lambda: _twice(pocket, item),
    }
    proofs = await ways[wrong]()
    with pytest.raises((InvalidProof, InvalidNonce, Malformed)):
        await phone.fetch_copies(pocket.wallet.means, pocket.wallet.vault, item.id, proofs)
    assert len(pocket.wallet.world.log) == asked
    renewal = (await pocket.wallet.document()).renewal
    assert renewal is not None
    assert renewal.lease_until == 0


async def _given(proofs: list[str]) -> list[str]:
    return proofs


async def _twice(pocket: Pocket, item: Item[Delivery]) -> list[str]:
    return (await pocket.proofs(item))[:1] * 2


async def test_bad_copies_are_told_to_the_office_and_not_kept(pocket: Pocket) -> None:
    office = pocket.wallet.world.office
    item = await pocket.begin()
    foreign = await make_keys(1, Dice("foreign"))
    (holder,) = foreign.public.values()
    made = office.copy

    def for_another(name: str, _: object) -> str:
        return made(name, holder)

    office.copy = for_another  # type: ignore[method-assign, assignment]
    with pytest.raises(NotBound):
        await pocket.fetch(item)
    assert office.notified[-1]["event"] == "credential_failure"
    assert isinstance((await phone.get(pocket.wallet.means, pocket.wallet.vault, item.id)).value.state, Begun)


async def test_copies_by_a_stranger_are_not_kept(pocket: Pocket) -> None:
    office = pocket.wallet.world.office
    item = await pocket.begin()
    office.by = stranger()
    with pytest.raises(Untrusted):
        await pocket.fetch(item)
    assert all(not isinstance(one.value.state, Received) for one in await pocket.batches())


async def test_an_office_that_makes_no_small_copies(sqlite_uri: str) -> None:
    async with open_wallet(sqlite_uri) as wallet:
        pocket = Pocket(wallet, (await wallet.collect()).id)
        with pytest.raises(Conflict):
            await pocket.begin()
        assert await pocket.batches() == []


async def test_a_document_without_a_grant_or_cancelled(pocket: Pocket) -> None:
    wallet = pocket.wallet
    (item,) = await wallet.documents()
    await wallet.replace(item, msgspec.structs.replace(item.value, renewal=None))
    with pytest.raises(Conflict):
        await pocket.begin()
    (now,) = await wallet.documents()
    cancelled = msgspec.structs.replace(item.value, status=msgspec.structs.replace(item.value.status, value="invalid"))
    await wallet.replace(now, cancelled)
    with pytest.raises(Conflict):
        await pocket.begin()
    with pytest.raises(Missing):
        await Pocket(wallet, "nothing").begin()


async def test_the_phone_refuses_what_it_got(pocket: Pocket) -> None:
    received = await pocket.fetch(await pocket.begin())
    await phone.refused(pocket.wallet.means, pocket.wallet.vault, received.id, "not_bound")
    assert pocket.wallet.world.office.notified[-1] | {"notification_id": ""} == {
        "notification_id": "",
        "event": "credential_failure",
        "event_description": "not_bound",
    }
    assert await pocket.batches() == []


async def test_lost_copies_are_reported_by_the_documents_grant(pocket: Pocket) -> None:
    kept = await pocket.keep()
    assert isinstance(kept.value.state, OnPhone)
    await phone.lost(pocket.wallet.means, pocket.wallet.vault, kept.id)
    told = pocket.wallet.world.office.notified[-1]
    assert told == {"notification_id": kept.value.state.notification_id, "event": "credential_deleted"}
    assert await pocket.batches() == []
    (line, *_) = reversed(await pocket.wallet.lines())
    assert line.entry.transaction_type == "lost-by-phone"
    renewal = (await pocket.wallet.document()).renewal
    assert renewal is not None
    assert renewal.lease_until == 0


async def test_a_loss_that_cannot_be_told_now_is_told_later(pocket: Pocket) -> None:
    kept = await pocket.keep()
    world = pocket.wallet.world
    world.down.add("https://opg.example")
    await phone.lost(pocket.wallet.means, pocket.wallet.vault, kept.id)
    (waiting,) = await pocket.batches()
    assert isinstance(waiting.value.state, Lost)
    world.down.clear()
    await phone.look_after(pocket.wallet.means, pocket.wallet.vault)
    assert world.office.notified[-1]["event"] == "credential_deleted"
    assert await pocket.batches() == []


def says(status: int, error: str) -> Callable[[Fetch], Fetched]:
    return lambda _: Fetched(status=status, headers={"content-type": "application/json"}, body=msgspec.json.encode({"error": error}))


@pytest.mark.parametrize("path", ["/token", "/notification"])
@pytest.mark.parametrize(("status", "error"), [(400, "slow_down"), (400, "invalid_request"), (401, "invalid_client"), (429, ""), (500, "")])
async def test_t_ex_5_a_loss_that_an_office_does_not_take_now_is_told_later(pocket: Pocket, path: str, status: int, error: str) -> None:
    """Whatever it is that goes wrong: a finder could use the copies until it hears."""
    kept, wallet = await pocket.keep(), pocket.wallet
    wallet.world.office.says[path] = says(status, error)
    assert await phone.lost(wallet.means, wallet.vault, kept.id) is Told.LATER
    assert await phone.lost(wallet.means, wallet.vault, kept.id) is Told.LATER  # said again, it is not forgotten
    await phone.look_after(wallet.means, wallet.vault)
    assert [type(item.value.state) for item in await pocket.batches()] == [Lost]
    wallet.world.office.says.clear()
    await phone.look_after(wallet.means, wallet.vault)
    assert wallet.world.office.notified[-1]["event"] == "credential_deleted"
    assert await pocket.batches() == []


async def test_t_ex_5_a_loss_while_new_copies_are_fetched_is_told_later(pocket: Pocket) -> None:
    """Another process has the lease, or wrote the document at the same moment."""
    kept, wallet = await pocket.keep(), pocket.wallet
    (item,) = await wallet.documents()
    assert item.value.renewal is not None
    renewal = msgspec.structs.replace(item.value.renewal, lease_until=wallet.world.clock() + LEASE)
    await wallet.replace(item, msgspec.structs.replace(item.value, renewal=renewal))
    assert await phone.lost(wallet.means, wallet.vault, kept.id) is Told.LATER
    assert deleted(pocket) == 0
    wallet.world.clock.at += LEASE
    await phone.look_after(wallet.means, wallet.vault)
    assert deleted(pocket) == 1
    assert await pocket.batches() == []


async def test_t_ex_5_the_phone_of_a_document_that_was_replaced_is_told_too(pocket: Pocket) -> None:
    """The list says that its copies are over, and nobody knows yet whether others come."""
    kept, wallet = await pocket.keep(), pocket.wallet
    (item,) = await wallet.documents()
    assert item.value.renewal is not None
    over = msgspec.structs.replace(item.value.status, value="invalid")
    renewal = msgspec.structs.replace(item.value.renewal, cancelled=True)
    await wallet.replace(item, msgspec.structs.replace(item.value, status=over, renewal=renewal))
    assert await phone.lost(wallet.means, wallet.vault, kept.id) is Told.HEARD
    assert deleted(pocket) == 1


@pytest.mark.parametrize(("path", "error"), [("/token", "invalid_grant"), ("/notification", "invalid_notification_id")])
async def test_what_an_office_says_that_it_never_takes_is_not_sent_again(pocket: Pocket, path: str, error: str) -> None:
    kept, wallet = await pocket.keep(), pocket.wallet
    wallet.world.office.says[path] = says(400, error)
    assert await phone.lost(wallet.means, wallet.vault, kept.id) is Told.NEVER
    assert await pocket.batches() == []


async def test_an_office_whose_grant_is_over_makes_no_more_copies_for_a_phone(pocket: Pocket) -> None:
    item = await pocket.begin()
    pocket.wallet.world.office.says["/token"] = says(400, "invalid_grant")
    with pytest.raises(Conflict, match="new invitation"):
        await pocket.fetch(item)


async def test_a_loss_that_is_never_heard_is_forgotten_once_the_copies_have_run_out(pocket: Pocket) -> None:
    kept, wallet = await pocket.keep(), pocket.wallet
    wallet.world.down.add("https://opg.example")
    await phone.lost(wallet.means, wallet.vault, kept.id)
    assert isinstance(kept.value.state, OnPhone)
    wallet.world.clock.at = max(line.expires_at for line in kept.value.state.lines)
    await phone.look_after(wallet.means, wallet.vault)
    assert await pocket.batches() == []


def deleted(pocket: Pocket) -> int:
    return [told["event"] for told in pocket.wallet.world.office.notified].count("credential_deleted")


async def test_an_office_that_is_away_leaves_everything_as_it_was(pocket: Pocket) -> None:
    item = await pocket.begin()
    proofs = await pocket.proofs(item)
    world = pocket.wallet.world
    world.down.add("https://opg.example/token")
    with pytest.raises(Unavailable):
        await phone.fetch_copies(pocket.wallet.means, pocket.wallet.vault, item.id, proofs)
    world.down.clear()
    fetched = await phone.fetch_copies(pocket.wallet.means, pocket.wallet.vault, item.id, proofs)
    assert isinstance(fetched.value.state, Received)


@pytest.mark.parametrize("says", ["invalid_nonce", "transaction"])
async def test_what_the_office_may_say_instead(pocket: Pocket, says: str) -> None:
    office = pocket.wallet.world.office
    item = await pocket.begin()
    answers = {
        "invalid_nonce": Fetched(status=400, headers={"content-type": "application/json"}, body=b'{"error": "invalid_nonce"}'),
        "transaction": Fetched(status=202, headers={"content-type": "application/json"}, body=b'{"transaction_id": "t", "interval": 5}'),
    }

    def answer(_: Fetch) -> Fetched:
        return answers[says]

    office.says["/credential"] = answer
    with pytest.raises(Conflict if says == "invalid_nonce" else Unavailable):
        await pocket.fetch(item)


async def test_what_nobody_came_for_is_forgotten(pocket: Pocket) -> None:
    wallet = pocket.wallet
    begun = await pocket.begin()
    wallet.world.clock.at += 3_700
    await phone.look_after(wallet.means, wallet.vault)
    with pytest.raises(Missing):
        await phone.get(wallet.means, wallet.vault, begun.id)
    await pocket.fetch(await pocket.begin())
    wallet.world.clock.at += 8 * 86_400
    await phone.look_after(wallet.means, wallet.vault)
    assert await pocket.batches() == []
    await pocket.keep()
    wallet.world.clock.at += 40 * 86_400
    await phone.look_after(wallet.means, wallet.vault)
    assert await pocket.batches() == []


async def test_copies_of_another_document_are_refused(pocket: Pocket) -> None:
    wallet = pocket.wallet
    (item,) = await wallet.documents()
    begun = await pocket.begin()

    async def rename(document: Document) -> None:
        (now,) = await wallet.documents()
        await wallet.replace(now, document)

    await rename(msgspec.structs.replace(item.value, issuer="https://other.example"))
    (now,) = await wallet.storage.read(lambda tx: DOCUMENTS.all(tx, wallet.vault))
    assert now.value.renewal is not None
    proofs = await pocket.proofs(begun, audience=now.value.renewal.issuer)
    with pytest.raises(Malformed):
        await phone.fetch_copies(wallet.means, wallet.vault, begun.id, proofs)


async def test_what_is_said_of_each_copy_is_collected_once_a_day_for_all(pocket: Pocket) -> None:
    """S21: for the whole batch, by the clock; a bad hour of the issuer's leaves the words of yesterday."""
    wallet = pocket.wallet
    await pocket.keep()
    asked = []
    for hours in (0, 1, 25):
        wallet.world.clock.at += hours * 3_600
        before = len(wallet.world.log)
        await phone.look_after(wallet.means, wallet.vault)
        asked.append([url for _, _, url in wallet.world.log[before:]])
    assert asked[0] == asked[2] == ["https://opg.example/status/1/assertions", "https://opg.example/status/2/assertions"]
    assert asked[1] == []
    (item,) = await pocket.batches()
    assert isinstance(item.value.state, OnPhone)
    said = {(one.uri, one.idx) for one in map(parse_assertion, item.value.state.staples)}
    assert said == {(line.status_uri, line.status_idx) for line in item.value.state.lines}
    wallet.world.down.add("https://opg.example/status")
    wallet.world.clock.at += 25 * 3_600
    await phone.look_after(wallet.means, wallet.vault)
    (after,) = await pocket.batches()
    assert isinstance(after.value.state, OnPhone)
    assert after.value.state.staples == item.value.state.staples
    assert after.value.state.staples_at == wallet.world.clock() + 3_600
