"""Letters on their way: posted once however often, tried and asked at their hours, answered, given up, and gone from the service at the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.inboxes import Body
from support.letters import Joan, joan

from shared.clock import DAY
from shared.errors import AddressRefused, Conflict, Missing
from shared.flow import Fetch, Fetched
from wallet.outbox import ASKS, CARRIED, KEPT, MOST_ANSWERS, PATIENCE, TRIES, Post, next_of, read_answer
from wallet.telling import DAYS

HOUR = 3_600


@pytest.fixture
async def at_home(sqlite_uri: str) -> AsyncIterator[Joan]:
    async with joan(sqlite_uri, "Northwold Bank", "Brightwater Utilities") as one:
        yield one


def bank(at_home: Joan) -> Body:
    return at_home.town.bodies[0]


async def test_a_letter_arrives_and_is_gone(at_home: Joan) -> None:
    await at_home.tell(bank(at_home))
    assert await at_home.state(bank(at_home)) == "waiting"
    assert await at_home.post() == 1
    assert await at_home.state(bank(at_home)) == "accepted"
    assert (len(bank(at_home).letters), await at_home.rows()) == (1, 0)
    assert await at_home.post(40 * DAY) == 0


async def test_it_is_tried_again_at_longer_and_longer_intervals_until_the_copy_runs_out(at_home: Joan) -> None:
    at_home.town.down.add(bank(at_home).entity)
    await at_home.tell(bank(at_home))
    began, tried = at_home.town.clock(), []
    while await at_home.rows():
        if await at_home.post(30):
            tried.append(at_home.town.clock() - began)
            at_home.town.clock.at += 30
        assert len(tried) < 40
        if len(tried) > len(TRIES):
            at_home.town.clock.at += HOUR
    gaps = [after - before for before, after in pairwise(tried)]
    for gap, wanted in zip(gaps, TRIES, strict=False):
        assert wanted <= gap <= wanted + 60
    assert all(gap >= DAY for gap in gaps[len(TRIES) : -1])
    (sent,) = await at_home.sent()
    assert (sent.fault, await at_home.state(bank(at_home))) == ("expired", "undelivered")
    assert at_home.town.clock() >= sent.expires_at
    lines = await at_home.wallet.lines()
    assert [line.entry.transaction_type for line in lines][-2:] == ["addressed-copy", "answer"]
    assert lines[-1].entry.reason_of_noncompletion == "not delivered: expired"


async def test_who_comes_back_gets_it(at_home: Joan) -> None:
    at_home.town.down.add(bank(at_home).entity)
    await at_home.tell(bank(at_home))
    await at_home.post()
    at_home.town.down.clear()
    assert await at_home.post(30) == 0
    assert await at_home.post(31) == 1
    assert await at_home.state(bank(at_home)) == "accepted"


@pytest.mark.parametrize("status", [400, 409, 410, 413, 415])
async def test_what_cannot_become_right_is_given_up_at_once(at_home: Joan, status: int) -> None:
    bank(at_home).says = lambda _: Fetched(status=status)
    await at_home.tell(bank(at_home))
    await at_home.post()
    (sent,) = await at_home.sent()
    assert (sent.fault, await at_home.rows()) == (f"http-{status}", 0)
    assert await at_home.state(bank(at_home)) == "undelivered"


@pytest.mark.parametrize(
    "answer",
    [
        Fetched(status=503),
        Fetched(status=404),
        Fetched(status=200, body=b"<html>"),
        Fetched(status=200, body=b'{"receipt": 1}'),
        Fetched(status=302),
    ],
)
async def test_what_something_in_between_says_is_no_answer(at_home: Joan, answer: Fetched) -> None:
    bank(at_home).says = lambda _: answer
    await at_home.tell(bank(at_home))
    await at_home.post()
    assert await at_home.state(bank(at_home)) == "waiting"
    bank(at_home).says = None
    await at_home.post(61)
    assert await at_home.state(bank(at_home)) == "accepted"


async def test_an_address_that_must_not_be_called(at_home: Joan) -> None:
    def refuse(_: bytes) -> Fetched:
        raise AddressRefused("inside")

    bank(at_home).says = refuse
    await at_home.tell(bank(at_home))
    await at_home.post()
    assert (await at_home.sent())[0].fault == "address_refused"


async def test_a_person_answers_on_the_third_day(at_home: Joan) -> None:
    """Asked after a minute, ten minutes, an hour, then hourly until the day that was promised, then daily."""
    body = bank(at_home)
    body.how = "person"
    await at_home.tell(body)
    await at_home.post()
    assert (await at_home.state(body), body.asked) == ("sent", 0)
    for seconds in ASKS:
        assert await at_home.post(seconds - 1) == 0
        assert await at_home.post(1) == 1
    for _ in range(3):
        assert await at_home.post(HOUR) == 1
    at_home.town.clock.at += DAY
    await at_home.post()
    assert await at_home.state(body) == "unanswered"
    assert await at_home.post(HOUR) == 0
    body.decides = "accepted"
    await at_home.post(DAY)
    assert (await at_home.state(body), await at_home.rows()) == ("accepted", 0)
    answers = [line.entry for line in await at_home.wallet.lines() if line.entry.transaction_type == "answer"]
    assert [entry.receipt_problem for entry in answers] == ["", ""]  # the same word asked for six times is one answer
    assert len(body.posted) == 1


async def test_no_answer_yet_is_said_and_asked_for_further(at_home: Joan) -> None:
    body = bank(at_home)
    body.how, body.decides = "person", ""
    await at_home.tell(body)
    await at_home.post()
    body.decides = "undecided"
    await at_home.post(61)
    assert await at_home.state(body) == "unanswered"
    body.decides = "rejected"
    await at_home.post(DAY)
    assert await at_home.state(body) == "refused"


@pytest.mark.parametrize(("answer_days", "silent"), [(3_650, 31), (None, 5)])
async def test_no_answer_yet_whatever_was_promised(at_home: Joan, answer_days: int | None, silent: int) -> None:
    """Who promises a day in ten years, or none, has not answered in time (T-AU-5): a working day over the longest weekend, a month at most."""
    body = bank(at_home)
    body.how, body.answer_days = "person", answer_days or 1
    await at_home.tell(body)
    if answer_days is None:
        taken = body._take
        body.says = lambda token: (taken(token), body.sign(replace(next(iter(body.answers.values())), answer_by=None)))[1]
    await at_home.post()
    assert await at_home.state(body) == "sent"
    at_home.town.clock.at += silent * DAY - 1
    assert await at_home.state(body) == "sent"
    at_home.town.clock.at += 1
    assert await at_home.state(body) == "unanswered"


async def test_who_says_something_else_each_time_does_not_fill_the_history(at_home: Joan) -> None:
    """A new promise at every asking, for six weeks: after so many answers nobody asks any more."""
    body = bank(at_home)
    body.how, body.answer_days = "person", 60
    await at_home.tell(body)
    await at_home.post()
    for hour in range(MOST_ANSWERS + 8):
        body.answers = {ticket: replace(each, answer_by=(each.answer_by or 0) + 1 + hour) for ticket, each in body.answers.items()}
        await at_home.post(HOUR)
    answers = [line for line in await at_home.wallet.lines() if line.entry.transaction_type == "answer"]
    assert (len(answers), await at_home.rows()) == (MOST_ANSWERS, 0)
    assert await at_home.state(body) == "sent"
    at_home.town.clock.at += 31 * DAY
    assert await at_home.state(body) == "unanswered"


async def test_nobody_asks_for_ever(at_home: Joan) -> None:
    body = bank(at_home)
    body.how = "person"
    await at_home.tell(body)
    await at_home.post()
    await at_home.post(DAYS * DAY + PATIENCE)
    assert (await at_home.rows(), await at_home.state(body)) == (0, "unanswered")


async def test_answers_wait_for_the_wallet_and_then_go(at_home: Joan) -> None:
    await at_home.tell(bank(at_home))
    await at_home.outbox.work()
    assert await at_home.rows() == 1
    at_home.town.clock.at += KEPT
    await at_home.outbox.sweep()
    assert await at_home.rows() == 1
    at_home.town.clock.at += 15 * DAY
    await at_home.outbox.sweep()
    assert await at_home.rows() == 0
    await at_home.post()
    assert (await at_home.sent())[0].fault == "lost"


async def test_two_processes_post_it_once(at_home: Joan) -> None:
    other = replace(at_home.outbox, working=type(at_home.outbox.working)())
    await at_home.tell(bank(at_home))
    await asyncio.gather(at_home.outbox.work(), other.work())
    assert len(bank(at_home).posted) == 1


async def test_a_row_tells_nothing(at_home: Joan) -> None:
    """Neither whose it is nor to whom it goes, and how long the address is does not show."""
    await at_home.tell(*at_home.town.bodies)
    rows = await at_home.wallet.storage.read(lambda tx: tx.fetch("SELECT * FROM outbox"))
    assert len({len(bytes(row["body"])) for row in rows}) == 1
    held = " ".join(f"{row[name]!r}" for row in rows for name in ("id", "stamp", "next_at", "ends_on", "body"))
    for secret in ("Penhale", "body-00", "example", at_home.wallet.vault.wallet):
        assert secret not in held
    assert {row["ends_on"] % DAY for row in rows} == {0}


@given(
    body=st.binary(max_size=400)
    | st.recursive(st.none() | st.text() | st.integers(), lambda x: st.dictionaries(st.text(), x)).map(lambda x: json.dumps(x).encode()),
    status=st.sampled_from([200, 202, 204, 500]),
)
def test_any_answer_is_a_receipt_or_none(body: bytes, status: int) -> None:
    assert read_answer(Fetched(status=status, body=body)) is None


@given(
    tries=st.integers(1, 50), asks=st.integers(0, 50), taken=st.integers(0, 10), answer_by=st.integers(0, 10**6), at=st.integers(0, 10**6)
)
def test_what_is_not_done_is_due_later(tries: int, asks: int, taken: int, answer_by: int, at: int) -> None:
    post = Post(url="u", jwe="j", ticket=b"t", until=10**7, tries=tries, asks=asks, taken_at=taken, answer_by=answer_by)
    assert at < next_of(post, at) <= at + DAY


async def test_the_letter_travels_as_jose(at_home: Joan) -> None:
    await at_home.tell(bank(at_home))
    await at_home.post()
    (fetch,) = [each for each in at_home.town.fetches if each.method == "POST"]
    assert isinstance(fetch, Fetch)
    assert (fetch.url, fetch.headers["Content-Type"]) == (f"{bank(at_home).entity}/inbox", "application/jose")


# --- handed in by its holder ---------------------------------------------------------------------------------------------------------------


async def carries(at_home: Joan, *, by_hand: bool = True) -> str:
    """Joan takes the only letter along, or leaves it to her wallet after all; the letter."""
    (sent,) = await at_home.sent()
    await at_home.outbox.carry(sent.row, by_hand=by_hand)
    row = await at_home.outbox.find(sent.row)
    assert row is not None
    return row.post.jwe


def at_counter(at_home: Joan, letter: str) -> None:
    """A counter passes on what it was given."""
    assert bank(at_home).answer(Fetch(url=f"{bank(at_home).entity}/inbox", method="POST", body=letter.encode())).status in {200, 202}


async def test_what_its_holder_hands_in_is_asked_after_and_not_posted(storage_uri: str) -> None:
    async with joan(storage_uri, "Northwold Bank") as at_home:
        await at_home.tell(bank(at_home))
        letter = await carries(at_home)
        assert await carries(at_home) == letter
        assert await at_home.post(CARRIED - 1) == 0
        assert await at_home.state(bank(at_home)) == "carried"
        assert await at_home.post(1) == 1
        assert (bank(at_home).posted, bank(at_home).asked) == ([], 1)
        assert (await at_home.state(bank(at_home)), (await at_home.sent())[0].fault) == ("carried", "")  # 404: it is not there yet
        at_counter(at_home, letter)
        assert await at_home.post(CARRIED) == 1
        assert (await at_home.state(bank(at_home)), await at_home.rows()) == ("accepted", 0)
        answers = [line.entry for line in await at_home.wallet.lines() if line.entry.transaction_type == "answer"]
        assert [entry.receipt_problem for entry in answers] == [""]
        assert len(bank(at_home).posted) == 1


async def test_a_person_decides_about_what_was_handed_in(at_home: Joan) -> None:
    """From the first answer on it is a letter like any other, and the service keeps it no longer."""
    body = bank(at_home)
    body.how = "person"
    await at_home.tell(body)
    at_counter(at_home, await carries(at_home))
    await at_home.post(CARRIED)
    assert await at_home.state(body) == "sent"
    (sent,) = await at_home.sent()
    row = await at_home.outbox.find(sent.row)
    assert row is not None
    assert row.post.jwe == ""
    with pytest.raises(Conflict):
        await at_home.outbox.carry(sent.row, by_hand=False)
    body.decides = "rejected"
    assert await at_home.post(ASKS[0]) == 1
    assert (await at_home.state(body), await at_home.rows()) == ("refused", 0)
    with pytest.raises(Missing):
        await at_home.outbox.carry(sent.row, by_hand=True)


async def test_sent_from_here_after_all(storage_uri: str) -> None:
    """By a counter and from here it is one letter, by its ticket."""
    async with joan(storage_uri, "Northwold Bank") as at_home:
        await at_home.tell(bank(at_home))
        at_counter(at_home, await carries(at_home))
        await carries(at_home, by_hand=False)
        assert await at_home.post() == 1
        assert await at_home.state(bank(at_home)) == "accepted"
        assert (len(bank(at_home).posted), len(bank(at_home).letters), bank(at_home).asked) == (2, 1, 0)
        assert [line.entry.transaction_type for line in await at_home.wallet.lines()].count("answer") == 1


async def test_who_could_not_be_reached_is_tried_at_once_after_it_was_left_here_again(at_home: Joan) -> None:
    at_home.town.down.add(bank(at_home).entity)
    await at_home.tell(bank(at_home))
    for seconds in (0, *TRIES[:3]):
        assert await at_home.post(seconds) == 1
    await carries(at_home)
    at_home.town.down.clear()
    await carries(at_home, by_hand=False)
    assert await at_home.post() == 1
    assert await at_home.state(bank(at_home)) == "accepted"


async def test_what_was_never_handed_in_runs_out(at_home: Joan) -> None:
    """Asked for until the copy has run out, and then for as long as an answer may take; nothing of it can be handed in meanwhile."""
    await at_home.tell(bank(at_home))
    await carries(at_home)
    (sent,) = await at_home.sent()
    await at_home.post(sent.expires_at - at_home.town.clock())
    with pytest.raises(Conflict):
        await at_home.outbox.carry(sent.row, by_hand=False)
    row = await at_home.outbox.find(sent.row)
    assert row is not None
    assert (row.post.jwe, await at_home.state(bank(at_home))) == ("", "carried")
    assert await at_home.post(PATIENCE - 1) == 1
    assert await at_home.rows() == 1
    await at_home.post(CARRIED)
    assert (await at_home.state(bank(at_home)), await at_home.rows()) == ("undelivered", 0)
    assert (await at_home.wallet.lines())[-1].entry.reason_of_noncompletion == "not delivered: expired"
    assert bank(at_home).posted == []


async def test_handed_in_while_it_is_being_posted(at_home: Joan) -> None:
    """Whoever takes it along in that very moment hears the answer all the same."""
    await at_home.tell(bank(at_home))
    (sent,) = await at_home.sent()

    async def fetch(wanted: Fetch) -> Fetched:
        found = await at_home.town(wanted)
        await at_home.outbox.carry(sent.row, by_hand=True)
        return found

    await replace(at_home.outbox, fetch=fetch).work()
    assert await at_home.post() == 0
    assert await at_home.state(bank(at_home)) == "carried"
    await at_home.post(CARRIED)
    assert (await at_home.state(bank(at_home)), len(bank(at_home).letters)) == ("accepted", 1)
