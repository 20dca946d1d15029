"""Domain sheet C03, an authority that a body has recorded: its acceptance scenarios by their names."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect
from support import desk as desks
from support.browser import Open
from support.desk import Site, make_template, serving
from support.hands import Clerk, Holder, Invitation, at_desk, at_office, invited, opened_wallet
from support.offices import (
    COUNCIL,
    NINE,
    OPG,
    RECORDS,
    Carried,
    Street,
    bring,
    collected,
    copy_for,
    given,
    open_council,
    open_street,
    set_up_desk,
)
from support.posting import check, post, written
from support.registry import LPA_1
from support.thrift import easy_seal
from support.trial_verify import CLAIMS, IDX, LIST, status_token

from shared.clock import DAY
from shared.formats import StatusReference
from shared.receipts import Receipt, peek_receipt
from shared.web import log
from verifier.app import one_round
from wallet import register

ELECTORAL = "https://electoral.anytown-bc.example"
TAX = (("represented", "given_name"), ("represented", "family_name"), ("represented", "address", "postal_code"), ("powers", 0))
RECORD = (("represented", "given_name"), ("represented", "family_name"), ("proxy", "given_name"), ("proxy", "family_name"), ("scope", 0))


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    async with open_street(tmp_path, at=NINE) as opened, open_council(opened, tmp_path):
        yield opened


async def recorded(street: Street, nora: Carried) -> Carried:
    """Council tax accepts the power and records it; NORA collects the record. All by program, for tests of what follows."""
    shown = await bring(street, COUNCIL, copy_for(COUNCIL, nora, purpose="council-tax", paths=TAX, at=street.clock(), seed="tax"))
    assert shown.decision.decision == "accepted", shown.decision.checks
    names = {"proxy_given_name": "Nora", "proxy_family_name": "Ashdown"}
    status, offer = await street.desks[COUNCIL].call("POST", f"/api/presentation-requests/{shown.answered.asked.id}/record", names)
    assert status == 201, offer
    _, invited = await street.offices[RECORDS].call("POST", f"/api/credentials/{offer['id']}/invitation", {})
    return await collected(street, RECORDS, "mandate-receipt", invited, copies=5)


async def electoral(street: Street, record: Carried, seed: str) -> str:
    """Another department relies on the record alone."""
    file = copy_for(COUNCIL, record, purpose="already-recorded", paths=RECORD, at=street.clock(), seed=seed)
    return (await bring(street, COUNCIL, file)).decision.code


async def is_recorded(nora: Holder, council: Clerk) -> Invitation:
    """The same on the pages: NORA mails her power to council tax, whose clerk accepts and records it, and collects the record."""
    written = await nora.writes(COUNCIL, "Anytown Borough Council", "representation/council-tax")
    assert await council.opens(written) == ("You can rely on this", "")
    record = await council.records("Nora", "Ashdown")
    await council.walker.look("desk-recorded")
    await nora.collects(record)
    return record


@pytest.mark.real
async def test_at_c03_1_a_record_needs_no_power_and_no_question_to_who_made_it(street: Street, tmp_path: Path, open_page: Open) -> None:
    """Electoral trusts the council's own office and nobody else: the record is enough, and the council's desk hears nothing of it."""
    anchor = street.offices[RECORDS].directory / "anchor.pem"
    with easy_seal():
        trust = (f"{anchor}:credential-issuer:{RECORDS}",)
        template = await set_up_desk(tmp_path / "electoral", ELECTORAL, "Electoral services", trust, street.clock)
    serving = desks.serving(template, template.directory, site=street, clock=street.clock, refresh=False, public_url=ELECTORAL)
    async with serving as department, opened_wallet(street, tmp_path / "nora", open_page) as nora:
        await nora.collects(await invited(street, OPG, "representation", LPA_1))
        await is_recorded(nora, await at_desk(street, COUNCIL, open_page))
        council = street.desks[COUNCIL].desk
        before = await council.storage.read(log.head)
        street.desks[ELECTORAL] = department
        clerk = await at_desk(street, ELECTORAL, open_page)
        file = await nora.writes(ELECTORAL, "Electoral services", "mandate-receipt/already-recorded")
        street.asked.clear()
        await department.store.refresh(street)
        asked = len(street.asked)
        assert await clerk.opens(file) == ("You can rely on this", "")
        shown = await clerk.walker.text()
        await clerk.walker.look("electoral-relies-on-the-record")
    for words in ("Recorded by Anytown Borough Council", "Council tax", "Nora", "Ashdown"):
        assert words in shown, words
    assert "1938" not in shown
    assert "urn:fdc" not in shown
    assert len(street.asked) == asked
    assert all(url.startswith(RECORDS) for url in street.asked)
    assert await council.storage.read(log.head) == before


@pytest.mark.real
async def test_at_c03_2_a_record_follows_the_power_that_it_rests_on(street: Street, tmp_path: Path, open_page: Open) -> None:
    """The power waits, goes on, and is revoked: after each next list the record is good or not as the power is, though nobody at the council
    did anything. That it has ended, and was not only corrected, somebody says who knows it.
    """
    async with opened_wallet(street, tmp_path / "nora", open_page) as nora:
        power = await invited(street, OPG, "representation", LPA_1)
        await nora.collects(power)
        council = await at_desk(street, COUNCIL, open_page)
        record = await is_recorded(nora, council)

        async def electoral() -> str:
            """Another department relies on the record alone."""
            await nora.enters()
            written = await nora.writes(COUNCIL, "Anytown Borough Council", "mandate-receipt/already-recorded")
            await council.enters()
            return (await council.opens(written))[1]

        guardian, clerk = await at_office(street, OPG, open_page), await at_office(street, RECORDS, open_page)
        codes = [await electoral()]
        for button, reason in (
            ("Put on hold", "Under investigation"),
            ("End the hold", "Investigation closed"),
            ("Cancel this document", "The donor has ended it"),
        ):
            await guardian.enters()
            await guardian.changes(power.document, button, reason)
            street.clock.at += 3_600
            away = street.offices.pop(RECORDS)
            await street.cycle()  # our own issuer does not answer: it is told in the next round
            street.offices[RECORDS] = away
            for _ in range(2):
                await street.cycle()
                street.clock.at += 60
            codes.append(await electoral())
        await clerk.enters()
        await clerk.changes(record.document, "Cancel this document", "The authority that was shown has ended")
        await clerk.walker.look("records-the-authority-ended")
        await street.cycle()
        codes.append(await electoral())
    assert codes == ["", "suspended", "", "suspended", "revoked"]
    assert await reasons(street, record.document) == ["authority-on-hold", "authority-in-force", "authority-changed", "authority-ended"]


async def reasons(street: Street, record: str) -> list[str]:
    _, told = await street.offices[RECORDS].call("GET", f"/api/credentials/{record}")
    return [each["reason"] for each in told["history"] if each["reason"]]


@pytest.mark.parametrize("what", ["lost", "correction"])
async def test_a_record_waits_and_never_ends_for_a_lost_phone_or_a_corrected_detail(street: Street, what: str) -> None:
    """The power is in force all the while. Its next showing has a record of its own, and somebody may let the old one go on."""
    nora = await given(street, OPG, "representation", LPA_1)
    record = await recorded(street, nora)
    right = LPA_1 | {"proxy": {**LPA_1["proxy"], "birthdate": "1968-03-15"}}
    body = {} if what == "lost" else {"claims": right, "reason": "typing error"}
    status, answer = await street.offices[OPG].call("POST", f"/api/credentials/{nora.made['id']}/{what}", body)
    assert status in {200, 201}, answer
    street.clock.at += 3_600
    for _ in range(2):
        await street.cycle()
        street.clock.at += 60
    assert await electoral(street, record, "waits") == "suspended"
    assert await reasons(street, record.made["id"]) == [{"lost": "authority-on-hold", "correction": "authority-changed"}[what]]
    if what == "lost":
        nora = await collected(street, OPG, "representation", answer)
        assert await electoral(street, await recorded(street, nora), "anew") == ""
    path = f"/api/credentials/{record.made['id']}/reinstate"
    status, answer = await street.offices[RECORDS].call("POST", path, {"reason": "authority-in-force"})
    assert status == 200, answer
    await street.cycle()
    assert await electoral(street, record, "goes on") == ""


@pytest.mark.real
async def test_at_c03_3_never_silence(street: Street, tmp_path: Path, open_page: Open) -> None:
    """NORA's wallet sends powers to council tax. Accepted and refused ones are answered at once; what a person decides is promised by the next
    working day, decided at the desk, or said to be late.
    """
    desk, opened = street.desks[COUNCIL], street.clock()
    async with opened_wallet(street, tmp_path / "nora", open_page) as nora:
        other = await invited(street, OPG, "representation", LPA_1 | {"represented": {**LPA_1["represented"], "given_name": "Mary"}})
        card, ended = await nora.collects(await invited(street, OPG, "representation", LPA_1)), await nora.collects(other)
        guardian, clerk = await at_office(street, OPG, open_page), await at_desk(street, COUNCIL, open_page)
        await guardian.changes(other.document, "Cancel this document", "The donor has ended it")
        await one_round(desk.app)
        await street.cycle()
        await register.refresh(nora.site.host.means, now=True)

        await nora.hears(await nora.tells(card, COUNCIL, "council-tax"), "accepted")
        assert (await nora.answer())["decision"] == "They can rely on this"
        refused = await nora.tells(ended, COUNCIL, "council-tax")
        await nora.hears(refused, "refused", "The document was cancelled.", "They do not rely on this")
        await nora.walker.look("wallet-refused-at-once")
        assert (await nora.answer())["why"] == "The document was cancelled."

        await clerk.walker.go(f"{desk.base}/desk/uses/council-tax")
        await clerk.walker.choose("A person, within the promised time")
        await clerk.walker.press("Register this")
        tellings, numbers = [], []
        for _ in range(2):
            tellings.append(await nora.tells(card, COUNCIL, "council-tax"))
            await nora.hears(tellings[-1], "sent", "They answer by 2 March 2027.", "A person will decide.")
            said = await nora.answer()
            assert (said["decision"], said["why"]) == ("They cannot tell yet", "A person will decide.")
            numbers.append(said["number"])
        decided, forgotten = tellings
        await clerk.walker.go(f"{desk.base}/desk/inbox")
        await clerk.walker.look("desk-inbox")
        await clerk.walker.write("Find", numbers[0][:10])
        await clerk.walker.press("Find")
        await clerk.walker.follow("Council tax")
        await clerk.walker.look("desk-letter")
        await clerk.walker.choose("Accept it")
        await clerk.walker.press("Decide and tell the sender")
        await expect(clerk.walker.page.get_by_text("The sender got a signed receipt")).to_be_visible()
        await clerk.walker.look("desk-letter-accepted")
        street.clock.at += 60  # her wallet asks again by itself
        await nora.hears(decided, "accepted")
        assert (await nora.answer())["decision"] == "They can rely on this"

        street.clock.at = opened + DAY  # a Tuesday
        await one_round(desk.app)
        await nora.enters()
        await nora.hears(forgotten, "unanswered", "Nobody has decided in the promised time.")
        await nora.walker.look("wallet-no-answer-yet")
        said = await nora.answer()
        assert (said["decision"], said["why"]) == ("They cannot tell yet", "Nobody has decided in the promised time.")


async def test_what_needs_no_person_is_answered_within_five_seconds(tmp_path: Path) -> None:
    """Accepted, refused or left to a person, posted or shown live: each is answered by itself, by a program as quick as the desk itself."""
    other = "https://opg.example/status/2"
    site = Site(lists={LIST: status_token(), other: status_token({IDX: 1}, uri=other)})
    template = await make_template(tmp_path / "template" / "desk")
    ended, unsure = {"status": StatusReference(uri=other, idx=IDX)}, {"claims": CLAIMS | {"usable_when": "when-capacity-lost"}}
    ways: list[dict[str, Any]] = [{}, ended, unsure]
    async with serving(template, tmp_path / "desk", site=site) as desk:

        async def posted(number: int) -> Receipt:
            letter = written(desk, seed=f"letter {number}", **ways[number])
            return check(desk, letter, (await post(desk, letter))[1])

        async def shown(number: int) -> Receipt:
            _, told = await desk.answer(await desk.ask(), seed=f"live {number}", **ways[number])
            return peek_receipt(told["receipt"])

        said = []
        for answer in (posted, shown):
            for number in range(len(ways)):
                started = time.monotonic()
                receipt = await answer(number)
                assert time.monotonic() - started < 5
                said.append((receipt.decision, receipt.reason_code))
    assert said[0] == said[3] == ("accepted", "")
    assert said[1] == said[4] == ("rejected", "revoked")
    assert (said[2], said[5]) == (("undecided", "waits_for_person"), ("undecided", "needs_capacity_evidence"))
