"""Nora finds a mistake in her document: the office hears it and answers, and never learns to whom she had shown it (domain rule R8)."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.family import Family, family
from support.registry import LPA_1, Template, make_template
from support.second_person import approve, send_back
from support.world import BANK, COUNCIL

from issuer import corrections as at_office
from issuer.app import one_round
from issuer.records import corrections as records
from issuer.records.corrections import Correction as Row
from issuer.replace import replace
from issuer.sessions import SERVICE
from shared.clock import DAY
from shared.errors import Conflict, Malformed, Missing, Unavailable
from shared.flow import Fetch, Fetched
from wallet import corrections, history, resend
from wallet.cards import state_of
from wallet.present import mark_used
from wallet.records import Item
from wallet.said_wrong import Correction
from wallet.upkeep import ask_now, renew

DETAIL, WORDS = "represented/birthdate", "She was born on the 12th.\r\nNot the 2nd."
BANKING = "Bank and building society accounts"
HOUR = 3_600


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(make_template(tmp_path_factory.mktemp("office") / "registry"))


@pytest.fixture
async def they(template: Template, tmp_path: Path) -> AsyncIterator[Family]:
    async with family(template, tmp_path, how_to_contest="Ring 01632 960000") as all_of_them:
        await all_of_them.appoint()
        yield all_of_them


async def say(they: Family, key: str = DETAIL, words: str = WORDS) -> Item[Correction]:
    wallet = they.nora.wallet
    return await corrections.say_wrong(wallet.means, wallet.vault, (await they.nora.item()).id, key, words)


async def said(they: Family) -> Correction:
    """How the newest stands in her wallet."""
    wallet = they.nora.wallet
    return (await corrections.of_document(wallet.means, wallet.vault, (await they.nora.item()).id))[0].value


async def row(they: Family) -> Row:
    """The one at the office."""
    (only,) = await they.registry.office.storage.read(lambda tx: records.page(tx, state="open", name="", offset=0, limit=9))
    return only


async def stale(they: Family) -> list[str]:
    wallet = they.nora.wallet
    return [one.entity for one in await resend.told_of(wallet.means, wallet.vault, (await they.nora.item()).id) if one.stale]


async def correct(they: Family, number: str) -> None:
    claims = LPA_1 | {"represented": LPA_1["represented"] | {"birthdate": "1938-11-12"}}
    waiting = await row(they)
    await replace(they.registry.office, number, claims, reason="The day was wrong", actor=SERVICE, correction=waiting.reference)


async def test_from_the_card_to_the_corrected_document_and_those_who_were_told(they: Family, caplog: pytest.LogCaptureFixture) -> None:
    """The old value went to the bank; the office replaces it, the wallet offers to tell the bank, and the office never heard of a bank."""
    caplog.set_level(logging.DEBUG)
    before = await they.nora.item()
    await they.nora.wallet.share(they.world.bank.ask("bank"))
    await they.nora.wallet.share(they.world.council.ask("council-tax"))
    made = await say(they)
    assert (made.value.state, made.value.detail, made.value.sealed) == ("open", DETAIL, "")
    waiting = await row(they)
    assert made.value.reference == waiting.reference
    assert made.value.answer_by == waiting.answer_by
    heard = await at_office.said(they.registry.office, waiting)
    assert heard is not None
    assert (heard.words, heard.values) == (WORDS.replace("\r\n", "\n"), ("1938-11-02",))
    line = (await they.nora.wallet.lines())[-1].entry
    assert (line.transaction_type, line.documents) == ("correction", (before.id,))
    assert "disputed" not in (await they.nora.again()).claims
    assert await stale(they) == []
    await correct(they, waiting.document)
    await they.go(HOUR + 1)
    assert (await said(they)).state == "corrected"
    after = await they.nora.again()
    assert after.claims["represented"]["birthdate"] == "1938-11-12"
    assert [change.claims for change in after.changes] == [(DETAIL,)]
    assert await stale(they) == [BANK]  # the council never saw that detail
    disk = b"".join(each.read_bytes() for each in they.registry.directory.iterdir() if each.is_file())
    requests = b"".join(each.body for each in they.nora.sent)
    told = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("muniment.issuer")).encode()
    for name in (BANK, COUNCIL, "northwold", "council.example"):
        assert name.encode() not in disk + requests + told


# --- a second person approves -----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
async def careful(template: Template, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Family]:
    """What the office writes is looked at by another. Nora has shown her document to the bank and the council, and says that a detail is wrong."""
    where = {} if request.param == "sqlite" else {"storage": request.getfixturevalue("postgresql_uri")}
    async with family(template, tmp_path, approve_types=("representation",), **where) as all_of_them:
        made = await all_of_them.registry.make()
        await approve(all_of_them.registry.office, made["id"])
        await all_of_them.collect(all_of_them.nora, made["invitation_link"], made["code"])
        await all_of_them.show("bank")
        await all_of_them.show()
        await say(all_of_them)
        yield all_of_them


async def look(they: Family) -> tuple[str, str, list[str], str]:
    """What she said, what her card says, who has heard otherwise, and the detail."""
    document = await they.nora.again()
    return (await said(they)).state, state_of(document, they.world.clock()), await stale(they), document.claims["represented"]["birthdate"]


async def test_corrected_is_not_said_before_a_second_person_has_agreed(careful: Family) -> None:
    """Until then her copies are replaced, and not cancelled: nobody is told that they are."""
    they, number = careful, (await row(careful)).document
    await correct(they, number)
    for seconds in (HOUR + 1, DAY, DAY):
        await they.go(seconds)
        assert await look(they) == ("open", "renewing", [], "1938-11-02")
    wallet, item = they.nora.wallet, await they.nora.item()
    told = await resend.told_of(wallet.means, wallet.vault, item.id)
    assert len(told) == 2
    with pytest.raises(Conflict, match="on their way"):
        await resend.again(wallet.means, wallet.vault, item.id, [one.key for one in told], by=item.id)
    assert await resend.successors(wallet.means, wallet.vault, item.value) == []
    with pytest.raises(Conflict, match="waits for a second person"):
        await at_office.refuse(they.registry.office, (await row(they)).reference, code="record-agrees", words="no", actor=SERVICE)
    await approve(they.registry.office, number)
    await they.go(DAY)
    await they.go(HOUR)
    assert await look(they) == ("corrected", "valid", [BANK], "1938-11-12")
    assert "disputed" not in (await they.nora.again()).claims


async def test_what_a_second_person_sends_back_is_open_again(careful: Family) -> None:
    they, number = careful, (await row(careful)).document
    await correct(they, number)
    await they.go(HOUR + 1)
    await send_back(they.registry.office, number, "The register says the 12th of October")
    await they.go(DAY)
    assert await look(they) == ("open", "renewing", [], "1938-11-02")
    waiting = await row(they)
    assert (waiting.reason_code, waiting.said is None) == (records.BACK, False)
    await correct(they, number)  # the same, with the certificate beside it
    assert (await row(they)).reason_code == records.WAITS
    await approve(they.registry.office, number)
    await they.go(DAY)
    await they.go(HOUR)
    assert await look(they) == ("corrected", "valid", [BANK], "1938-11-12")


async def test_what_was_sent_back_is_corrected_otherwise_or_stays(careful: Family) -> None:
    """Another correction that does not touch the detail leaves it open, and it can be refused as before."""
    they, waiting = careful, await row(careful)
    await correct(they, waiting.document)
    await send_back(they.registry.office, waiting.document, "It was right")
    with pytest.raises(Malformed, match="stays the same"):
        await replace(they.registry.office, waiting.document, LPA_1, reason="x", actor=SERVICE, correction=waiting.reference)
    await replace(they.registry.office, waiting.document, LPA_1, reason="x", actor=SERVICE)
    await approve(they.registry.office, waiting.document)
    await at_office.refuse(they.registry.office, waiting.reference, code="record-agrees", words="The register agrees.", actor=SERVICE)
    await they.go(DAY)
    await they.go(HOUR)
    assert await look(they) == ("refused", "valid", [], "1938-11-02")


async def test_a_document_that_ends_while_it_waits_was_cancelled(careful: Family) -> None:
    they, number = careful, (await row(careful)).document
    await correct(they, number)
    await they.go(HOUR + 1)
    assert (await they.registry.call("POST", f"/api/credentials/{number}/cancel", {"reason": "donor-died"}))[0] == 200
    await they.go(DAY)
    assert (await look(they))[:2] == ("ended", "invalid")
    assert sorted(await stale(they)) == sorted([BANK, COUNCIL])


# --- the rest of it --------------------------------------------------------------------------------------------------------------------


async def test_whoever_asks_and_hears_that_it_was_corrected_has_the_corrected_document(they: Family) -> None:
    """At once, and also while the list still says that the old copies are in force."""
    wallet, made = they.nora.wallet, await say(they)
    await correct(they, (await row(they)).document)
    after = await ask_now(wallet.means, wallet.vault, made.id)
    assert after.value.state == "corrected"
    assert (await they.nora.again()).claims["represented"]["birthdate"] == "1938-11-12"


async def test_whoever_asks_while_nothing_was_answered_changes_nothing(they: Family) -> None:
    wallet, made, before = they.nora.wallet, await say(they), await they.nora.again()
    assert (await ask_now(wallet.means, wallet.vault, made.id)).value.state == "open"
    assert await they.nora.again() == before


async def test_copies_made_meanwhile_say_so_and_are_no_change_to_those_who_were_told(they: Family) -> None:
    await they.nora.wallet.share(they.world.council.ask("council-tax"))
    made = await say(they)
    await they.nora.wallet.upkeep()
    wallet = they.nora.wallet
    await renew(wallet.means, wallet.vault, await they.nora.item())
    assert (await they.nora.again()).claims["disputed"] is True
    assert await stale(they) == []
    await at_office.refuse(they.registry.office, made.value.reference, code="record-agrees", words="The register agrees.", actor=SERVICE)
    await renew(wallet.means, wallet.vault, await they.nora.item())
    assert "disputed" not in (await they.nora.again()).claims
    assert await stale(they) == []


async def test_t_fm_4_a_refusal_says_why_and_where_to_turn(they: Family) -> None:
    made = await say(they)
    await at_office.refuse(they.registry.office, made.value.reference, code="not-enough", words="Send the certificate.", actor=SERVICE)
    assert (await said(they)).state == "open"
    await they.go(HOUR + 1)
    found = await said(they)
    assert (found.state, found.reason, found.told) == ("refused", "not-enough", "Send the certificate.")
    assert found.how_to_complain == "Ring 01632 960000"
    asked = len(they.nora.to("/corrections/answer"))
    await they.go(3 * DAY)
    assert len(they.nora.to("/corrections/answer")) == asked


async def test_an_office_that_is_down_gets_the_same_ticket_later(they: Family) -> None:
    item = await they.nora.item()
    wallet = they.nora.wallet
    they.nora.lost.add("/corrections")
    made = await say(they)
    assert (made.value.state, made.value.problem) == ("waiting", "unavailable")
    they.nora.down = True
    with pytest.raises(Unavailable):
        await say(they, "represented/given_name")
    await they.go(corrections.RETRY)
    assert (await said(they)).state == "waiting"
    they.nora.down, they.nora.lost = False, set()
    await they.go(corrections.RETRY)
    assert (await said(they)).state == "open"
    bodies = {each.body for each in they.nora.to("/corrections")}
    assert len(bodies) == 1
    assert await they.registry.office.storage.read(lambda tx: records.count(tx, state="open")) == 1
    found = await corrections.ask_now(wallet.means, wallet.vault, made.id)
    assert found.value.state == "open"
    assert (await corrections.of_document(wallet.means, wallet.vault, item.id))[0].value.reference


async def test_what_the_office_forgot_is_not_asked_for_for_ever(they: Family) -> None:
    """It answered, and deleted the ticket while the wallet was closed."""
    made = await say(they)
    await at_office.refuse(they.registry.office, made.value.reference, code="record-agrees", words="no", actor=SERVICE)
    for _ in range(2):
        they.registry.clock.at += 49 * DAY
        they.world.clock.at = they.registry.clock.at
        await one_round(they.registry.app)
    for _ in range(3):
        await corrections.tend(they.nora.wallet.means, they.nora.wallet.vault)
        they.world.clock.at += DAY
    assert (await said(they)).state == "forgotten"
    assert [each.status for each in they.nora.sent if each.path == "/corrections/answer"] == [404]


async def test_an_office_that_never_answers_is_given_up(they: Family) -> None:
    await say(they)
    they.nora.down = True
    they.world.clock.at += 100 * DAY
    await corrections.tend(they.nora.wallet.means, they.nora.wallet.vault)
    assert (await said(they)).state == "forgotten"


async def test_what_the_office_will_not_take_is_said_and_not_sent_again(they: Family) -> None:
    """Its copies were replaced while the ticket was on its way."""
    item = await they.nora.item()
    number = (await they.registry.call("GET", "/api/credentials"))[1]["items"][0]["id"]
    wallet = they.nora.wallet
    means = wallet.means

    async def fetch(wanted: Fetch) -> Fetched:
        if wanted.url.endswith("/corrections"):
            await replace(they.registry.office, number, LPA_1 | {"powers": ["banking"]}, reason="x", actor=SERVICE)
        return await means.fetch(wanted)

    wallet.means = dataclasses.replace(means, fetch=fetch)
    made = await say(they)
    wallet.means = means
    assert (made.value.state, made.value.final) == ("unsent", True)
    sent = len(they.nora.sent)
    assert (await corrections.ask_now(wallet.means, wallet.vault, made.id)).value == made.value
    assert len(they.nora.sent) == sent
    assert item.id == made.value.document


async def test_nothing_is_made_for_what_is_not_there(they: Family) -> None:
    wallet, item = they.nora.wallet, await they.nora.item()
    for key in ("represented/shoe_size", "disputed", ""):
        with pytest.raises(Missing):
            await say(they, key)
    for words in ("", " \n", "x" * 1_001, "a\0b"):
        with pytest.raises(Malformed):
            await say(they, words=words)
    assert await corrections.of_document(wallet.means, wallet.vault, item.id) == []
    look = await corrections.preview(wallet.means, wallet.vault, item.id, "powers/1")
    assert (look.detail.value, {one.value for one in look.shown if not one.always}) == (BANKING, {BANKING})
    assert corrections.label_of(item.value, "powers/*") == "Power"
    assert corrections.label_of(item.value, "no/such") == "no/such"


async def test_five_at_a_time_and_each_takes_a_copy(they: Family) -> None:
    for number in range(corrections.MOST_WAITING):
        await say(they, "powers/0", f"It ended on day {number}.")
    with pytest.raises(Conflict, match="wait for the answers"):
        await say(they)
    used = [copy for copy in (await they.nora.again()).copies if copy.shown_to == they.registry.url]
    assert len(used) == corrections.MOST_WAITING


async def test_the_same_said_again_before_it_is_answered_is_one_message(they: Family) -> None:
    """By a second click, or by whoever heard nothing; of another detail with the same words it is another."""
    wallet, item = they.nora.wallet, await they.nora.item()
    first, again, other = await say(they, "powers/0"), await say(they, "powers/0"), await say(they, "powers/1")
    assert (first.id, again.value.reference) == (again.id, first.value.reference)
    assert len(await corrections.of_document(wallet.means, wallet.vault, item.id)) == len({first.id, other.id}) == 2
    await at_office.refuse(they.registry.office, first.value.reference, code="record-agrees", words="It does.", actor=SERVICE)
    assert (await ask_now(wallet.means, wallet.vault, first.id)).value.final
    assert (await say(they, "powers/0")).id != first.id


async def test_no_copy_is_left(they: Family) -> None:
    wallet, item = they.nora.wallet, await they.nora.item()
    for _ in range(sum(copy.format in corrections.FORMATS for copy in item.value.copies)):
        document = await they.nora.again()
        fresh = next((copy for copy in document.copies if not copy.shown_to and copy.format in corrections.FORMATS), None)
        if fresh is None:
            break
        await show_to_the_bank(they, fresh.id)
    with pytest.raises(Conflict, match="no copy left"):
        await corrections.preview(wallet.means, wallet.vault, item.id, DETAIL)
    with pytest.raises(Conflict, match="no copy left"):
        await say(they)


async def show_to_the_bank(they: Family, copy: str) -> None:
    """Somebody else has seen this copy."""
    wallet, item = they.nora.wallet, await they.nora.item()
    await wallet.storage.write(
        lambda tx: mark_used(tx, wallet.means, wallet.vault, document=item.id, copy=copy, party=BANK, name="Bank", at=they.world.clock())
    )


async def test_an_answer_by_somebody_else_changes_nothing(they: Family) -> None:
    made = await say(they)
    wallet = they.nora.wallet
    wallet.means = dataclasses.replace(wallet.means, trust=they.world.policy)
    found = await corrections.ask_now(wallet.means, wallet.vault, made.id)
    assert (found.value.state, found.value.reference) == ("open", made.value.reference)
    assert found.value.problem
    await wallet.storage.read(lambda tx: history.check(tx, wallet.vault))
