"""What a phone tells of the receipts that desks gave it: kept with the showing, checked again as far as that can be, never as better (S10, S11)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.airplane import Counter
from support.given import Given, given_by_council, with_receipt
from support.signing import Signer
from support.wallet_visitor import Visitor
from support.wallets import Site, Wallet, serve_wallet
from support.world import BANK, COUNCIL

from shared.codec import base64url
from shared.ovp.envelope import RECEIPT, render_text
from wallet import confirming, history, register
from wallet.entries import Entry
from wallet.given import MAX_LINES, answers_to

SHOWN = "ab" * 16


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with serve_wallet(tmp_path / "wallet") as running:
        yield running


@pytest.fixture
async def handed(site: Site) -> Given:
    opened = await site.host.doors.open(site.made.holder, site.made.passphrase)
    host = site.host
    await site.open()
    return await given_by_council(Wallet(site.world, host.storage, host.custodian, host.means, host.doors, opened))


def showing(handed: Given, receipt: bytes | None = None, **changes: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": SHOWN, "at": handed.wallet.world.clock(), "document": handed.made.value.document, "entity": COUNCIL,
        "name": "Anytown Borough Council", "use": "council-tax", "level": 3, "shown": ["donor-name"],
    }  # fmt: skip
    return told | ({} if receipt is None else {"receipt": base64url.encode(receipt)}) | changes


async def tell(site: Site, *showings: dict[str, Any]) -> int:
    return (await site.call("POST", "/phone/api/showings", {"showings": list(showings)}))[0]


async def receipts(handed: Given) -> list[Entry]:
    return [line.entry for line in await handed.wallet.lines() if line.entry.transaction_type == "answer"]


@pytest.mark.parametrize("at_once", [True, False])
async def test_it_is_kept_with_the_showing(site: Site, handed: Given, at_once: bool) -> None:
    """Together with it, or later; told twice it is there once."""
    data = handed.desk_receipt(content=b"what was shown", nonce=bytes(32), decision="rejected", code="revoked")
    if not at_once:
        assert await tell(site, showing(handed)) == 204
        assert await receipts(handed) == []
    for _ in range(2):
        assert await tell(site, showing(handed, data)) == 204
    (line,) = await receipts(handed)
    assert (line.transaction_identifier, line.provisional, line.receipt_problem) == (SHOWN, render_text(RECEIPT, data), "")
    assert (line.transaction_result, line.level) == ("success", 3)
    assert [line.entry.transaction_identifier for line in await handed.wallet.lines()].count(SHOWN) == 2
    await handed.wallet.storage.read(lambda tx: history.check(tx, handed.wallet.vault))  # the chain holds
    visitor = Visitor(site)
    await visitor.enter()
    await visitor.get(f"/history/{line.seq}")
    for words in ("They do not rely on this", "The document was cancelled.", "provisional", "Counter 3"):
        assert words in visitor.text, words
    await visitor.get(f"/history/{line.seq - 1}")
    assert f'href="/history/{line.seq}"' in visitor.text


async def test_the_organisation_confirms_it(site: Site, handed: Given) -> None:
    """What was shown is not here: salt, digest and nonce bind it all the same."""
    data = handed.desk_receipt(content=b"what was shown", nonce=bytes(32))
    assert await tell(site, showing(handed, data)) == 204
    handed.counter.party.says = lambda fetch: with_receipt(handed.confirmation(fetch.body or b""))
    site.world.clock.at += 86_400
    await confirming.tend(handed.wallet.means, handed.wallet.vault)
    first, second = await receipts(handed)
    assert (second.provisional, bool(second.receipt), second.receipt_problem) == (first.provisional, True, "")
    await site.open()
    visitor = Visitor(site)
    await visitor.enter()
    await visitor.get(f"/history/{first.seq}")
    assert "confirmed" in visitor.text
    assert f'href="/history/{second.seq}"' in visitor.text
    await visitor.get(f"/history/{second.seq}")
    assert "Their receipt, signed by them" in visitor.text


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "another use": ({"use": "blue-badge"}, "purpose_mismatch"),
    "forged": ({"by": Signer.new()}, "bad_signature"),
    "from the future": ({"ago": -400}, "not_yet_valid"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_what_the_phone_overlooked_counts(site: Site, handed: Given, case: str) -> None:
    changes, code = WRONG[case]
    assert await tell(site, showing(handed, handed.desk_receipt(**changes))) == 204
    (line,) = await receipts(handed)
    assert (line.transaction_result, line.receipt_problem.partition(":")[0]) == ("failed", code)


async def test_another_organisations_desk(site: Site, handed: Given) -> None:
    bank = Counter(site.world, site.world.bank)
    bank.register()
    await register.refresh(handed.wallet.means, now=True)
    assert await tell(site, showing(handed, handed.desk_receipt(counter=bank))) == 204
    assert await tell(site, showing(handed, handed.desk_receipt(), id="cd" * 16, entity=BANK)) == 204
    assert [line.receipt_problem.partition(":")[0] for line in await receipts(handed)] == ["untrusted", "untrusted"]


async def test_what_the_phone_found_counts(site: Site, handed: Given) -> None:
    """The phone alone has what was shown."""
    assert await tell(site, showing(handed, handed.desk_receipt(), receipt_fault="other_presentation")) == 204
    (line,) = await receipts(handed)
    assert line.receipt_problem.startswith("other_presentation: ")
    assert confirming.provisional(await handed.wallet.lines(), at=site.world.clock()) == []


@pytest.mark.parametrize("fault", ["expired", "untrusted", "not_yet_valid"])
async def test_a_fault_of_the_moment_on_the_phone_is_not_kept(site: Site, handed: Given, fault: str) -> None:
    """Its register or its clock was wrong, and it has not held the receipt against what was shown: it is scanned again."""
    data = handed.desk_receipt()
    assert await tell(site, showing(handed, data, receipt_fault=fault)) == 204
    assert await receipts(handed) == []
    assert await tell(site, showing(handed, data)) == 204
    (line,) = await receipts(handed)
    assert line.receipt_problem == ""
    assert await tell(site, showing(handed, handed.desk_receipt(use="blue-badge"), receipt_fault=fault)) == 204
    assert (await receipts(handed))[-1].receipt_problem.startswith("purpose_mismatch"), "that is wrong at any time"


async def test_what_does_not_fit_is_checked_again(site: Site, handed: Given) -> None:
    """The register here was old; told again when it is not, the newer line counts, once."""
    data = handed.desk_receipt(ago=-400)
    for _ in range(2):
        assert await tell(site, showing(handed, data)) == 204
    (line,) = await receipts(handed)
    assert line.receipt_problem.startswith("not_yet_valid")
    site.world.clock.at += 400
    for _ in range(2):
        assert await tell(site, showing(handed, data)) == 204
    assert [line.receipt_problem.partition(":")[0] for line in await receipts(handed)] == ["not_yet_valid", ""]
    lines = await handed.wallet.lines()
    about = next(line.entry for line in lines if line.entry.transaction_identifier == SHOWN)
    assert [one.receipt_problem for one in answers_to(lines, about)] == [""]
    assert [one.provisional for one in confirming.provisional(lines, at=site.world.clock())] == [render_text(RECEIPT, data)]


async def test_what_cannot_be_read_is_said_and_does_not_keep_the_rest_back(site: Site, handed: Given) -> None:
    assert await tell(site, showing(handed, b"nothing"), showing(handed, handed.desk_receipt(), id="cd" * 16)) == 204
    first, second = await receipts(handed)
    assert (first.receipt_problem.partition(":")[0], second.receipt_problem) == ("malformed", "")
    visitor = Visitor(site)
    await visitor.enter()
    await visitor.get(f"/history/{first.seq}")
    assert visitor.status == 200
    assert "Their receipt does not fit what you shared" in visitor.text


async def test_bounds(site: Site, handed: Given) -> None:
    for changes in ({"receipt": "A" * 4_000}, {"receipt": "!"}, {"receipt_fault": "A sentence"}, {"receipt_fault": "a" * 61}):
        assert await tell(site, showing(handed) | changes) == 400
    early = handed.desk_receipt(ago=-400)
    assert await tell(site, showing(handed, early)) == 204
    for number in range(MAX_LINES + 2):
        assert await tell(site, showing(handed, handed.desk_receipt(content=bytes([number])))) == 204
    assert len(await receipts(handed)) == MAX_LINES
    site.world.clock.at += 400
    assert await tell(site, showing(handed, early)) == 204
    assert (await receipts(handed))[-1].receipt_problem == "", "one that is known is looked at again"
    assert len(await receipts(handed)) == MAX_LINES + 1
