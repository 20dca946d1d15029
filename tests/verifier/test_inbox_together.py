"""Acts that several people agree to by post (security rule S26): letters count together as copies and answers do, once each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.clerk import Clerk
from support.desk import Running, Template, serving
from support.joint_acts import ASK, PETER, TAG, agree, joint_copy, next_of
from support.posting import Sent, ask, check, post, written
from support.signing import AT, Signer
from support.trial_verify import LIST, status_token
from support.trusting import Publisher

from shared.clock import DAY
from shared.errors import Conflict
from shared.receipts import Receipt
from shared.web.operators import Operator
from verifier import inbox, inbox_desk, registering, together
from verifier.app import one_round
from verifier.desk import Desk
from verifier.inbox_desk import Post, Said
from verifier.records import letters
from verifier.settle import verify_decisions

USE = "bank-together"
ADMIN = Operator(id="x", name="x", role="admin", passphrase="", made_at=AT, ended_at=None)
RESTRICTED = {"has_restrictions": True, "restrictions_text": "Not to sell Poplar Court while I live"}


def by_a_person(desk: Desk) -> None:
    registering.state(desk.directory, desk.settings, USE, {"decides": "person"})


def letter(desk: Running, **how: Any) -> Sent:
    return written(desk, joint_copy(at=desk.clock(), **how))


async def send(desk: Running, sent: Sent) -> tuple[int, Receipt]:
    status, told = await post(desk, sent)
    return status, check(desk, sent, told)


async def newest(desk: Running, sent: Sent) -> Receipt:
    return check(desk, sent, (await ask(desk, sent.ticket))[1])


async def later(desk: Running, seconds: int) -> None:
    """So much later, with what issuers and anchors say by then."""
    desk.clock.at += seconds
    desk.site.lists[LIST] = status_token(iat=desk.clock() - 3_600)
    desk.site.trust = Publisher(seq=2, at=desk.clock() - 60)
    await desk.store.refresh(desk.site)


async def posts(desk: Running) -> list[Post]:
    """All of them, oldest first, as an admin sees them."""
    found = await desk.desk.storage.read(lambda tx: letters.listed(tx, desk.clock(), 9))
    return [await inbox_desk.one(desk.desk, ADMIN, each.exchange) for each in sorted(found, key=lambda one: one.got_at)]


async def accept(desk: Running, number: int, **more: Any) -> None:
    await inbox_desk.decide(desk.desk, desk.store, (await posts(desk))[number], Said(accept=True, account=f"account {number}", more=more))


async def test_the_second_right_letter_decides_both(desk: Running) -> None:
    first, second = letter(desk), letter(desk, number=2, by=PETER)
    status, receipt = await send(desk, first)
    assert (status, receipt.decision, receipt.reason_code, receipt.answer_by) == (202, "undecided", "needs_more_attorneys", AT + 7 * DAY)
    await later(desk, 6 * DAY)
    await one_round(desk.app)  # nobody is late: the others have their seven days
    assert (await newest(desk, first)).reason_code == "needs_more_attorneys"
    status, receipt = await send(desk, second)
    assert (status, receipt.decision, receipt.answer_by) == (200, "accepted", None)
    told = await newest(desk, first)
    assert (told.decision, told.answer_by, told.receipt_id) == (
        "accepted",
        None,
        check(desk, first, (await post(desk, first))[1]).receipt_id,
    )
    assert told.log_head is not None
    assert (await verify_decisions(desk.desk, [told.log_head])).size == 3
    assert [each.letter.waits for each in await posts(desk)] == [False, False]
    assert await together.finish(desk.desk, desk.store) == 0


async def test_the_same_letter_posted_again_is_no_second_attorney(desk: Running) -> None:
    first = letter(desk)
    await send(desk, first)
    for _ in range(2):
        assert (await send(desk, first))[1].reason_code == "needs_more_attorneys"
    assert await agreed(desk) == [1]
    assert (await send(desk, letter(desk, seed="again", by=Signer.new())))[1].reason_code == "needs_more_attorneys"  # another copy of hers
    assert await agreed(desk) == [1, 1]


async def agreed(desk: Running) -> list[int]:
    found = [await together.standing_of(desk.desk, each.exchange.asked) for each in await posts(desk)]
    return [0 if each is None else each.agreed for each in found]


async def test_a_letter_for_another_act_counts_there_alone(desk: Running) -> None:
    await send(desk, letter(desk))
    status, receipt = await send(desk, letter(desk, number=2, by=PETER, transaction="efgh" * 6))
    assert (status, receipt.reason_code) == (202, "needs_more_attorneys")
    other = letter(desk, number=2, by=PETER, seed="other", tag=TAG[:-2] + "AA")
    assert (await send(desk, other))[1].reason_code == "needs_more_attorneys"  # another family that made up the same reference
    assert await agreed(desk) == [1, 1, 1]


async def test_a_letter_after_the_seventh_day_begins_again_and_the_first_is_late(desk: Running) -> None:
    first, second = letter(desk), letter(desk, number=2, by=PETER)
    await send(desk, first)
    await later(desk, 7 * DAY)
    await one_round(desk.app)
    assert (await newest(desk, first)).reason_code == "no_answer_yet"
    assert (await send(desk, second))[1].reason_code == "needs_more_attorneys"
    await inbox_desk.decide(desk.desk, desk.store, (await posts(desk))[0], Said(accept=False, reason="not_enough"))
    assert (await newest(desk, first)).reason_code == "not_enough"


async def test_who_was_let_wait_for_others_is_not_late(desk: Running) -> None:
    """A person accepts it while a round has it in hand as one that nobody decided about."""
    by_a_person(desk.desk)
    first = letter(desk)
    _, receipt = await send(desk, first)
    in_hand = (await posts(desk))[0].letter
    await later(desk, (receipt.answer_by or 0) - desk.clock() + 60)
    await accept(desk, 0)
    told = await newest(desk, first)
    await inbox.note_late(desk.desk, in_hand)
    assert await newest(desk, first) == told
    assert told.reason_code == "needs_more_attorneys"


async def test_a_copy_with_the_reference_comes_before_any_answer(desk: Running) -> None:
    """Two are asked; one posts a copy with the reference before the other answers at the desk: it is one act, in either order."""
    begun = await desk.ask(**ASK)
    (joint,) = (await desk.read(begun)).transaction_data
    sent = letter(desk, number=2, by=PETER, transaction=joint.members["reference"])
    assert (await send(desk, sent))[1].reason_code == "needs_more_attorneys"
    await agree(desk, begun)
    assert (await desk.state(begun))["decision"] == "accepted"
    assert (await newest(desk, sent)).decision == "accepted"


async def test_what_was_refused_lies_with_nobody_elses_answer(desk: Running) -> None:
    """Nor does it count: the next one is the first."""
    first = letter(desk)
    await send(desk, first)
    assert await agreed(desk) == [1]
    await inbox_desk.decide(desk.desk, desk.store, (await posts(desk))[0], Said(accept=False, reason="not_enough"))
    assert (await newest(desk, first)).retain_until == AT + desk.desk.settings.keep_minutes * 60
    assert await agreed(desk) == [0]
    assert (await send(desk, letter(desk, number=2, by=PETER)))[1].reason_code == "needs_more_attorneys"
    assert await agreed(desk) == [1, 1]


async def test_a_third_letter_comes_too_late(desk: Running) -> None:
    await send(desk, letter(desk))
    await send(desk, letter(desk, number=2, by=PETER))
    status, receipt = await send(desk, letter(desk, number=3, by=Signer.new()))
    assert (status, receipt.decision, receipt.reason_code) == (200, "rejected", "replayed")


async def test_a_letter_and_an_answer_agree_together(desk: Running) -> None:
    first = letter(desk)
    await send(desk, first)
    (waits,) = await posts(desk)
    live = await next_of(desk, {"id": waits.exchange.asked.id})
    await agree(desk, live, number=2, by=PETER)
    assert (await desk.state(live))["decision"] == "accepted"
    assert (await newest(desk, first)).decision == "accepted"
    begun = await desk.ask(**ASK)
    (joint,) = (await desk.read(begun)).transaction_data
    await agree(desk, begun)
    status, receipt = await send(desk, letter(desk, number=2, by=PETER, transaction=joint.members["reference"], seed="joins"))
    assert (status, receipt.decision) == (200, "accepted")


async def test_a_person_accepts_each_of_them(desk: Running) -> None:
    by_a_person(desk.desk)
    first, second = letter(desk), letter(desk, number=2, by=PETER)
    for sent in (first, second):
        status, receipt = await send(desk, sent)
        assert (status, receipt.reason_code) == (202, "waits_for_person")
        desk.clock.at += 60
    await accept(desk, 0)
    receipt = await newest(desk, first)
    assert (receipt.reason_code, receipt.answer_by) == ("needs_more_attorneys", desk.clock() + 7 * DAY)
    await accept(desk, 1)
    assert [(await newest(desk, each)).decision for each in (first, second)] == ["accepted", "accepted"]
    found = await posts(desk)
    assert [await inbox_desk.account_of(desk.desk, each.letter) for each in found] == ["account 0", "account 1"]
    with pytest.raises(Conflict):
        await accept(desk, 0)


async def test_restrictions_are_read_for_each_letter(desk: Running) -> None:
    first, second = letter(desk, **RESTRICTED), letter(desk, number=2, by=PETER, **RESTRICTED)
    assert (await send(desk, first))[1].reason_code == "waits_for_person"
    with pytest.raises(Conflict):
        await accept(desk, 0)
    await accept(desk, 0, restrictions_allow=True)
    desk.clock.at += 60
    assert (await send(desk, second))[1].reason_code == "waits_for_person"
    await accept(desk, 1, restrictions_allow=True)
    assert [(await newest(desk, each)).decision for each in (first, second)] == ["accepted", "accepted"]


async def test_whose_letter_a_person_refused_has_not_agreed(desk: Running) -> None:
    first, second = letter(desk), letter(desk, number=2, by=PETER)
    await send(desk, first)
    await inbox_desk.decide(desk.desk, desk.store, (await posts(desk))[0], Said(accept=False, reason="refused_by_person"))
    desk.clock.at += 60
    assert (await send(desk, second))[1].reason_code == "needs_more_attorneys"
    assert (await newest(desk, first)).reason_code == "refused_by_person"
    again = letter(desk, seed="again", by=Signer.new())
    assert (await send(desk, again))[1].decision == "accepted"


async def test_what_was_shown_is_kept_as_registered_once_both_have_agreed(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk", retention_days=30) as desk:
        await send(desk, letter(desk))
        await send(desk, letter(desk, number=2, by=PETER))
        found = await posts(desk)
    assert [each.exchange.keep_until for each in found] == [AT + 30 * DAY] * 2


async def test_the_page_says_who_is_waited_for(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk", local=True) as desk:
        clerk = await Clerk(desk).sign_in()
        await send(desk, letter(desk))
        assert "Waits for others" in await clerk.get("/desk/inbox")
        (waits,) = await posts(desk)
        page = await clerk.get(f"/desk/inbox/{waits.letter.exchange}")
    assert ("1 of 2 have agreed." in page, "Ask the next person" in page, "Answer by" in page) == (True, True, False)
