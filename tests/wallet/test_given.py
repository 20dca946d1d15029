"""Receipts that come by hand for a copy that was handed over: held against what was sent, and kept as what they are (R6, S10, S25)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.airplane import Counter
from support.given import FOR_COUNCIL, Given, given_by_council
from support.signing import Signer
from support.wallets import Wallet
from support.world import BANK, COUNCIL

from shared.addressed import parse_file, render_content
from shared.clock import DAY
from shared.codec import qr
from shared.errors import Malformed, Missing, TooLarge, Undecided, VcError
from shared.inbox import PASSED_ON
from shared.ovp.envelope import RECEIPT, parse_text, render_text
from shared.trust.relying_party import Register
from wallet import given, history, register
from wallet.confirming import provisional
from wallet.entries import Entry
from wallet.given import OfCounter, check_given, find_line, handed_of, open_desk_receipt, read_given, receipt_in, settle, take_in
from wallet.logs import told_on
from wallet.share import make_out
from wallet.statement import make, year_of
from wallet.upkeep import upkeep

FORMS = ("dc+sd-jwt", "dc+sd-cwt")


@pytest.fixture(params=FORMS)
async def handed(request: pytest.FixtureRequest, wallet: Wallet) -> Given:
    return await given_by_council(wallet, request.param)


async def take(handed: Given, text: str) -> Entry:
    return await take_in(handed.wallet.means, handed.wallet.vault, await handed.seq(), text)


async def test_a_signed_receipt_on_paper_or_as_a_file(handed: Given) -> None:
    text = handed.signed()
    line = await take(handed, text)
    assert (line.transaction_type, line.transaction_result, line.receipt, line.receipt_problem) == ("answer", "success", text, "")
    assert line.transaction_identifier == (await copy_line(handed)).transaction_identifier
    assert not line.provisional
    assert await take(handed, text) == line
    assert len(await handed.wallet.lines()) == line.seq
    await handed.wallet.storage.read(lambda tx: history.check(tx, handed.wallet.vault))  # the chain holds
    keeping = await kept(handed)
    assert [(each.what, each.by) for each in keeping] == [(("Donor’s name",), "receipt")]


async def copy_line(handed: Given) -> Entry:
    seq = await handed.seq()
    return next(line.entry for line in await handed.wallet.lines() if line.entry.seq == seq)


async def kept(handed: Given) -> tuple[Any, ...]:
    at = handed.wallet.world.clock()
    return make(await handed.wallet.lines(), holder="Nora", year=year_of(at), at=at, intact=True).keeping


@pytest.mark.parametrize("decision", ["accepted", "rejected", "undecided"])
async def test_a_receipt_of_a_desk_is_provisional(handed: Given, decision: str) -> None:
    text = handed.at_desk(decision=decision, code="" if decision == "accepted" else "revoked")
    line = await take(handed, text)
    assert (line.transaction_result, line.receipt, line.provisional, line.receipt_problem) == ("success", "", text, "")
    assert given.open_desk_receipt(text).decision == decision
    assert await take(handed, text) == line
    await handed.wallet.storage.read(lambda tx: history.check(tx, handed.wallet.vault))  # the chain holds
    assert [each.by for each in await kept(handed)] == ([] if decision == "rejected" else ["provisional"])
    assert told_on((await handed.wallet.lines())[-1]) is None


async def test_a_desk_may_have_had_the_file_or_the_square_code(handed: Given) -> None:
    """With and without the issuer's list; a service that read the code names the copy by its purpose."""
    copy = parse_file(handed.made.value.file)
    assert copy.status_list_tokens
    ((wire,),) = copy.vp_token.values()
    assert not (await take(handed, handed.signed(vp_token={"council-tax": (wire,)}))).receipt_problem
    if copy.format == "dc+sd-jwt":
        assert not (await take(handed, handed.at_desk(content=render_content(copy)))).receipt_problem


CHANGED: dict[str, tuple[dict[str, Any], str]] = {
    "another use": ({"purpose_id": "blue-badge"}, "purpose_mismatch"),
    "another exchange": ({"nonce": "another"}, "wrong_nonce"),
    "another presentation": ({"presentation_digest": bytes(32)}, "other_presentation"),
    "dated back": ({"received_at": 1}, "stale_binding"),
    "another organisation": ({"entity": BANK}, "untrusted"),
}


@pytest.mark.parametrize("case", CHANGED)
async def test_a_signed_receipt_that_does_not_fit_is_kept_as_that(handed: Given, case: str) -> None:
    changes, code = CHANGED[case]
    line = await take(handed, handed.signed(**changes))
    assert (line.transaction_result, line.receipt_problem.partition(":")[0]) == ("failed", code)
    assert [each.by for each in await kept(handed)] != ["receipt"]


AT_DESK: dict[str, tuple[dict[str, Any], str]] = {
    "another use": ({"use": "blue-badge"}, "purpose_mismatch"),
    "another exchange": ({"nonce": bytes(16)}, "wrong_nonce"),
    "another presentation": ({"content": b"another"}, "other_presentation"),
    "dated back": ({"ago": 301}, "stale_binding"),
    "forged": ({"by": Signer.new()}, "bad_signature"),
}


@pytest.mark.parametrize("case", AT_DESK)
async def test_a_receipt_of_a_desk_that_does_not_fit_is_kept_as_that(handed: Given, case: str) -> None:
    changes, code = AT_DESK[case]
    line = await take(handed, handed.at_desk(**changes))
    assert (line.transaction_result, line.receipt_problem.partition(":")[0]) == ("failed", code)


async def test_a_fault_of_the_moment_is_not_kept_as_a_misfit(handed: Given) -> None:
    """A register that ran out, or a clock: the same receipt fits as soon as they are right again, and is confirmed then."""
    wallet = handed.wallet
    early, signed = handed.at_desk(), handed.signed(received_at=wallet.world.clock() + 8 * DAY + 301)
    wallet.world.clock.at += 8 * DAY
    late = handed.at_desk(ago=-301)
    before = await wallet.lines()
    for text in (early, signed):
        with pytest.raises(Undecided):
            await take(handed, text)
    handed.counter.seq += 1
    handed.counter.register()
    await register.refresh(wallet.means, now=True)
    with pytest.raises(Undecided):
        await take(handed, late)
    assert await wallet.lines() == before
    wallet.world.clock.at += 1
    for text in (early, signed, late):
        assert not (await take(handed, text)).receipt_problem
    assert [one.provisional for one in provisional(await wallet.lines(), at=wallet.world.clock())] == [early, late]


async def test_the_key_of_an_organisation_was_just_replaced(handed: Given) -> None:
    """And this wallet has not heard of it yet."""
    wallet, council = handed.wallet, handed.counter.party
    text = handed.at_desk()
    known = await register.register(wallet.means)
    older = replace(known.find(COUNCIL, at=wallet.world.clock()), public=Signer.new().public)
    made = handed_of(handed.made.value)
    with pytest.raises(Undecided):
        settle(lambda: check_given(open_desk_receipt(text), Register({council.entity: older}), made, at=wallet.world.clock()))
    assert settle(lambda: check_given(open_desk_receipt(text), known, made, at=wallet.world.clock())) == ""


@pytest.mark.parametrize("ago", [300, -300])
async def test_a_desks_clock_may_differ_by_some_minutes(handed: Given, ago: int) -> None:
    assert not (await take(handed, handed.at_desk(ago=ago))).receipt_problem


async def test_a_receipt_of_another_organisations_desk(handed: Given) -> None:
    world = handed.wallet.world
    bank = Counter(world, world.bank)
    bank.register()
    await register.refresh(handed.wallet.means, now=True)
    line = await take(handed, handed.at_desk(counter=bank))
    assert line.receipt_problem.startswith("untrusted")


async def test_a_counters_receipt_for_a_letter_is_no_answer(handed: Given) -> None:
    """It is by another organisation because it has to be: it is not kept as one that does not fit. What the organisation says of itself is."""
    before = len(await handed.wallet.lines())
    passed: dict[str, Any] = {"decision": "undecided", "reason_code": PASSED_ON}
    with pytest.raises(OfCounter):
        await take(handed, handed.signed(entity="https://library.example", purpose_id=PASSED_ON, **passed))
    assert len(await handed.wallet.lines()) == before
    assert (await take(handed, handed.signed(**passed))).receipt_problem == ""


async def test_a_receipt_for_another_copy(handed: Given) -> None:
    """Two copies for one organisation: each receipt is for one of them."""
    other = await make_out(handed.wallet.means, handed.wallet.vault, FOR_COUNCIL)
    for text in (handed.signed(), handed.at_desk()):
        assert (await take(handed, text)).receipt_problem.startswith("other_presentation")
    for text in (handed.signed(other.value), handed.at_desk(other.value)):
        assert not (await take(handed, text)).receipt_problem


async def test_the_copy_is_found_by_what_a_receipt_says(handed: Given) -> None:
    first = await handed.seq()
    other = await make_out(handed.wallet.means, handed.wallet.vault, FOR_COUNCIL)
    second, means, vault = await handed.seq(), handed.wallet.means, handed.wallet.vault
    assert [await find_line(means, vault, text) for text in (handed.signed(), handed.at_desk())] == [first, first]
    assert [await find_line(means, vault, text) for text in (handed.signed(other.value), handed.at_desk(other.value))] == [second, second]
    for text in (handed.signed(nonce="of nothing"), handed.at_desk(nonce=bytes(16))):
        with pytest.raises(Missing):
            await find_line(means, vault, text)


async def test_a_copy_that_has_run_out_stays_for_its_receipt(handed: Given) -> None:
    world, means, vault = handed.wallet.world, handed.wallet.means, handed.wallet.vault
    early, late = handed.at_desk(), handed.signed()
    world.clock.at += 20 * DAY
    handed.counter.seq += 1
    handed.counter.register()
    await register.refresh(means, now=True)
    await upkeep(means, vault)
    assert not (await take(handed, early)).receipt_problem, "the desk's own certificate was over by now: it counted when it signed"
    world.clock.at += 18 * DAY
    await upkeep(means, vault)
    with pytest.raises(Missing):
        await take(handed, late)


async def test_only_a_copy_has_a_receipt_by_hand(handed: Given) -> None:
    for seq in (1, 99):
        with pytest.raises(Missing):
            await take_in(handed.wallet.means, handed.wallet.vault, seq, handed.signed())


async def test_no_more_than_some(handed: Given) -> None:
    for _ in range(given.MAX_LINES):
        await take(handed, handed.at_desk(content=b"another"))
    with pytest.raises(TooLarge):
        await take(handed, handed.at_desk())


async def test_what_is_known_can_be_brought_again_however_many_there_are(handed: Given) -> None:
    """A misfit is told again as that, and one that fits by now is taken in as fitting."""
    wallet = handed.wallet
    early, misfit = handed.at_desk(ago=-400), handed.at_desk(content=b"another")
    copy = await copy_line(handed)
    await given.add(wallet.means, wallet.vault, given.answer_line(copy, early, problem="not_yet_valid: its clock was ahead", at=copy.time))
    line = await take(handed, misfit)
    for _ in range(given.MAX_LINES - 2):
        await take(handed, handed.at_desk(content=b"another"))
    with pytest.raises(TooLarge):
        await take(handed, handed.at_desk())
    assert await take(handed, misfit) == line
    wallet.world.clock.at += 400
    assert (await take(handed, early)).receipt_problem == ""


@pytest.mark.parametrize("text", ["", "something", "OVR1:", "OVR1:ABC", "a.b.c", "OVP1:ABC", "e30.e30.e30"])
async def test_what_is_no_receipt_is_not_kept(handed: Given, text: str) -> None:
    before = await handed.wallet.lines()
    for work in (take(handed, text), find_line(handed.wallet.means, handed.wallet.vault, text)):
        with pytest.raises(VcError):
            await work
    assert await handed.wallet.lines() == before


async def test_a_question_of_a_desk_is_no_receipt(handed: Given) -> None:
    """Signed by the same key: the kind of signed object is looked at first (S1)."""
    _, question = parse_text(handed.counter.ask())
    with pytest.raises(VcError) as error:
        await take(handed, render_text(RECEIPT, question))
    assert error.value.code == "wrong_typ"


async def test_a_picture_or_a_file(handed: Given) -> None:
    text = handed.at_desk()
    means = handed.wallet.means
    assert receipt_in(qr.png(text, ec="L")) == text
    assert await read_given(means, "", qr.png(text, ec="L")) == text
    signed = handed.signed()
    assert receipt_in(qr.png(signed, ec="L")) == signed, "as a desk with a network prints it"
    assert await read_given(means, f" {signed}\n", None) == await read_given(means, "", f"{signed}\n".encode()) == signed
    with pytest.raises(TooLarge):
        receipt_in(b"a" * 70_000)
    with pytest.raises(Malformed) as error:
        await read_given(means, "  ", None)
    assert error.value.where == "text"
    for text in ("dderbynneb ŵ", "é", "\x89PNG", "7", "ŵ" * 70_000):
        with pytest.raises(Malformed) as error:
            await take(handed, await read_given(means, text, None))
        assert "picture" not in error.value.detail, "a text is never unfolded as one"
    for picture in (qr.png("https://opg.example"), b"\x89PNG", b""):
        with pytest.raises(Malformed) as error:
            await read_given(means, "", picture)
        assert error.value.where == "picture"
