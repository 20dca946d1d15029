"""Telling many at once: who may be told, what each learns, one copy and one letter each, and the right state for each answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from support.holdings import put_document
from support.inboxes import BIRTHDATE, DEATH, EVENT, FOURTEEN, NAME, TELL, Body
from support.letters import ARTHUR, Joan, joan
from support.trial_verify import CLAIMS

from shared import inbox
from shared.addressed import parse_file
from shared.clock import DAY
from shared.credentials import Text, by_id
from shared.errors import AccessDenied, Conflict, Malformed, Rejected, Undecided, VcError
from shared.formats import formats
from shared.inbox import Inbox
from shared.jose import jwe
from shared.receipts import peek_receipt
from shared.trust.registered_use import Want
from shared.web.dates import Dates
from wallet import history, resend, telling
from wallet.cards import changed
from wallet.entries import ClaimNames
from wallet.pages.desk import Words
from wallet.pages.past import _reason
from wallet.pages.tell_words import REASONS, why
from wallet.records import ADDRESSED, TELLINGS, Item
from wallet.sent import Telling, state_of
from wallet.sessions import StatusSeen

PERSON = by_id("person")
UNION = {
    **ARTHUR,
    "event_type": "marriage",
    "death_date": {"value": "2027"},
}


@pytest.fixture
async def at_home(sqlite_uri: str) -> AsyncIterator[Joan]:
    async with joan(sqlite_uri, "Northwold Bank", "Brightwater Utilities", "Saxon Mutual") as one:
        yield one


async def known(at_home: Joan) -> list[telling.Choice]:
    item = await at_home.wallet.document()
    return await telling.choices(at_home.wallet.means, item)


async def test_who_may_be_told(at_home: Joan) -> None:
    """Registered for this kind of document, and to hear of such an event; nobody is asked over the network."""
    bank, water, saxon = at_home.town.bodies
    water.uses = (replace(TELL, id="own-word", wants=(Want(vct=DEATH.vct_int, required=(EVENT, NAME, 10)),)), TELL)
    saxon.uses = (replace(TELL, wants=(Want(vct=by_id("representation").vct_int, required=(1,)),)),)
    await at_home.hear(3)
    before = len(at_home.town.fetches)
    found = await known(at_home)
    assert [(one.party.entity, one.use.id) for one in found] == [
        (water.entity, "own-word"), (water.entity, "tell-of-death"), (bank.entity, "tell-of-death")]  # fmt: skip
    assert [one.lacks for one in found] == [(Text("Marriage or partnership", "Priodas neu bartneriaeth"),), (), ()]
    assert [one.key for one in found if one.fits("northwold BANK died")] == [found[2].key]
    await at_home.change(claims=UNION)
    assert [one.use.id for one in await known(at_home)] == ["own-word"]
    assert len(at_home.town.fetches) == before
    at_home.town.clock.at += 40 * DAY
    assert await known(at_home) == []


async def test_nobody_is_told_a_mark_that_others_could_know_a_document_by(at_home: Joan) -> None:
    """What several have to agree to is no news for many, and the mark of an instrument no detail of any news (S22, S26)."""
    kind = by_id("representation")
    number = {group.id: group.cwt for group in kind.groups}
    marks = {"report_tag": "A" * 43, "instrument_tag": "B" * 22, "attorney_number": 1}
    claims = CLAIMS | marks | {"decision_rule": "jointly", "cardinality": 2}
    document = await put_document(at_home.wallet.means, at_home.wallet.vault, vct=kind.vct, claims=claims)
    names = number["donor-name"]
    assert names
    bank, water, saxon = at_home.town.bodies
    for body, use, groups in (
        (bank, "bank-together", (names,)),
        (water, "own-word", (names, number["joint"])),
        (saxon, "own-word", (names, number["reports"])),
    ):
        body.uses = (replace(TELL, id=use, wants=(Want(vct=kind.vct_int, required=tuple(one for one in groups if one)),)),)
    await at_home.hear(3)
    (item,) = [each for each in await at_home.wallet.documents() if each.id == document]
    (only,) = await telling.choices(at_home.wallet.means, item.value)
    assert only.party.entity == saxon.entity
    assert only.claims == ("represented/given_name", "represented/family_name")


async def test_each_learns_what_it_registered_for(at_home: Joan) -> None:
    bank, water, _ = at_home.town.bodies
    water.uses = (replace(TELL, wants=(Want(vct=DEATH.vct_int, required=(EVENT, BIRTHDATE), optional=(NAME,)),)),)
    await at_home.hear(3)
    plan = await telling.look(at_home.wallet.means, at_home.wallet.vault, await at_home.picked(bank, water))
    labels = [{line.label for line in part.offer.shown(()) if not line.always} for part in plan.parts if part.offer]
    assert "Date of birth" not in labels[0]
    assert labels[1] == {"What was registered", "Date of birth"}
    await at_home.tell(bank, water)
    await at_home.post()
    seen = bank.seen[0].claims
    assert (seen["subject"]["family_name"], seen["subject"]["address"], seen["death_date"]) == (
        "Penhale",
        {"postal_code": "ZZ99 2AB"},
        {"value": "2027-02-03"},
    )
    assert "birthdate" not in seen["subject"]
    assert water.seen[0].claims["subject"] == {"birthdate": "1931-04-20", "address": {}}


async def test_what_was_looked_at_is_what_is_told(at_home: Joan) -> None:
    bank, water, _ = at_home.town.bodies
    means, vault = at_home.wallet.means, at_home.wallet.vault
    picked = await at_home.picked(bank, water)
    seen = (await telling.look(means, vault, picked)).seen
    bank.uses = (replace(TELL, wants=(Want(vct=DEATH.vct_int, required=(EVENT, NAME, BIRTHDATE)),)),)
    await at_home.hear(3)
    with pytest.raises(Conflict):
        await telling.tell(means, vault, at_home.outbox, "n", picked, seen=seen)
    assert await telling.tellings(means, vault) == []
    seen = (await telling.look(means, vault, picked)).seen
    first = await telling.tell(means, vault, at_home.outbox, "n", picked, seen=seen)
    assert (await telling.tell(means, vault, at_home.outbox, "n", picked, seen="whatever")).id == first.id
    assert len(await at_home.sent()) == 2
    for keys in ([], ["https://nobody.example x"], [f"k{number}" for number in range(101)]):
        with pytest.raises(Malformed):
            await telling.look(means, vault, replace(picked, keys=keys))


async def test_the_history_says_why_and_for_how_long(at_home: Joan) -> None:
    bank = at_home.town.bodies[0]
    await at_home.tell(bank)
    entry = (await at_home.wallet.lines())[-1].entry
    assert [words.lang for words in entry.purpose] == ["en", "cy"]
    assert entry.registered
    assert (entry.registered.standing, entry.registered.retention_days) == ("registered", 366)
    assert entry.interacting_party_contact == "bereavement@body.example"


async def test_t_fc_3_who_registers_for_more_is_named_before_it_is_agreed(at_home: Joan) -> None:
    bank = at_home.town.bodies[0]
    means, vault = at_home.wallet.means, at_home.wallet.vault
    await at_home.tell(bank)
    assert [part.more for part in (await telling.look(means, vault, await at_home.picked(bank))).parts] == [False]
    bank.uses = (replace(TELL, wants=(Want(vct=DEATH.vct_int, required=(EVENT, NAME, 3, 4, 5, 10)),)),)
    await at_home.hear(3)
    assert [part.more for part in (await telling.look(means, vault, await at_home.picked(bank))).parts] == [True]


async def test_without_an_inbox_it_is_handed_over(at_home: Joan) -> None:
    bank = at_home.town.bodies[0]
    bank.has_inbox = False
    await at_home.hear(3)
    await at_home.tell(bank)
    (sent,) = await at_home.sent()
    assert (await at_home.state(bank), await at_home.rows()) == ("by-hand", 0)
    copy = await at_home.wallet.storage.read(lambda tx: ADDRESSED.get(tx, at_home.wallet.vault, sent.copy))
    assert parse_file(copy.value.file).aud == f"a:{bank.entity}"


async def test_where_copies_run_out_the_rest_waits_for_new_ones(sqlite_uri: str) -> None:
    async with joan(sqlite_uri, "A", "B", "C", copies=2) as at_home:
        means, vault = at_home.wallet.means, at_home.wallet.vault
        plan = await telling.look(means, vault, await at_home.picked(*at_home.town.bodies))
        assert plan.fresh == 2
        item = await at_home.tell(*at_home.town.bodies)
        assert list(item.value.faults.values()) == ["copies"]
        assert len(await at_home.sent()) == 2
        old = await at_home.wallet.document()
        await at_home.change(copies=tuple(replace_line(line) for line in old.copies))
        await telling.carry_on_all(means, vault, at_home.outbox)
        assert len(await at_home.sent()) == 3
        assert (await telling.get(means, vault, item.id)).value.faults == {}
        await at_home.change(copies=())
        with pytest.raises(AccessDenied):
            await at_home.tell(at_home.town.bodies[0])


async def short_of_copies(at_home: Joan) -> Item[Telling]:
    """Three are to be told, two were, and then there are copies again."""
    item = await at_home.tell(*at_home.town.bodies)
    assert len(await at_home.sent()) == 2
    old = await at_home.wallet.document()
    more = tuple(msgspec.structs.replace(replace_line(line), expires_at=line.expires_at + 400 * DAY) for line in old.copies)
    await at_home.change(copies=more)
    return item


async def test_t_fc_5_nobody_is_told_by_the_clock_once_the_days_are_over(sqlite_uri: str) -> None:
    """Her wallet stays closed for long; what she agreed to was to tell them then, not now."""
    async with joan(sqlite_uri, "A", "B", "C", copies=2) as at_home:
        means, vault = at_home.wallet.means, at_home.wallet.vault
        item = await short_of_copies(at_home)
        at_home.town.clock.at = item.value.at + telling.DAYS * DAY
        await at_home.hear(9)
        for _ in range(2):
            await telling.carry_on_all(means, vault, at_home.outbox)
            await telling.carry_on(means, vault, at_home.outbox, item.id)
        assert len(await at_home.sent()) == 2
        after = (await telling.get(means, vault, item.id)).value
        assert (after.given_up, list(after.faults.values())) == (True, ["copies"])
        found = await telling.letters(means, vault, item)
        assert [state_of(None, means.clock(), given_up=after.given_up) for _, sent in found if sent is None] == ["never"]


async def test_t_fc_5_the_rest_is_not_told_once_its_holder_says_so(sqlite_uri: str) -> None:
    async with joan(sqlite_uri, "A", "B", "C", copies=2) as at_home:
        means, vault = at_home.wallet.means, at_home.wallet.vault
        item = await short_of_copies(at_home)
        assert (await telling.stop(means, vault, item.id)).value.given_up
        await telling.carry_on_all(means, vault, at_home.outbox)
        await telling.carry_on(means, vault, at_home.outbox, item.id)
        assert len(await at_home.sent()) == 2
        whole = await at_home.tell(at_home.town.bodies[0])
        assert not (await telling.stop(means, vault, whole.id)).value.given_up  # nothing was left to be told


async def test_a_letter_goes_nowhere_but_where_it_was_agreed_to_go(sqlite_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between agreeing and sending the organisation registers another inbox: that was not what was looked at."""
    async with joan(sqlite_uri, "A", "B", "C", copies=2) as at_home:
        means, vault = at_home.wallet.means, at_home.wallet.vault
        item = await short_of_copies(at_home)
        (left,) = [body for body, sent in await telling.letters(means, vault, item) if sent is None]
        assert left.inbox == f"{left.entity}/inbox"
        monkeypatch.setattr(Body, "inbox", property(lambda one: Inbox(f"{one.entity}/elsewhere", jwe.public_half(one.private))))
        await at_home.hear(9)
        item = await telling.carry_on(means, vault, at_home.outbox, item.id)
        assert (len(await at_home.sent()), item.value.faults) == (2, {left.key: "conflict"})


def replace_line(line: Any) -> Any:
    """As if it were a new copy: for the count only."""
    return msgspec.structs.replace(line, shown_to="", shown_name="", shown_at=0)


@pytest.mark.parametrize("how", ["signer", "presentation", "nonce", "log"])
async def test_an_answer_that_does_not_fit_is_shown(at_home: Joan, how: str) -> None:
    bank = at_home.town.bodies[0]
    bank.how = how
    await at_home.tell(bank)
    await at_home.post()
    await at_home.tell(bank)
    await at_home.post()
    newest = max(await at_home.sent(), key=lambda one: one.at + len(one.problem))
    assert newest.problem
    failed = [line.entry for line in await at_home.wallet.lines() if line.entry.transaction_result == "failed"]
    assert failed
    assert all(entry.receipt and entry.receipt_problem for entry in failed)


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"purpose_id": "marketing"}, "purpose_mismatch"), ({"received_at": -301}, "stale_binding"), ({"received_at": 301}, "not_yet_valid")],
)
async def test_an_answer_for_another_use_or_from_another_time_is_shown(at_home: Joan, changes: dict[str, Any], code: str) -> None:
    """From before it was told, or from the future: such a date would hide a log that was rewritten."""
    bank = at_home.town.bodies[0]
    bank.how = "person"
    await at_home.tell(bank)
    await at_home.post()
    if "received_at" in changes:
        changes = {
            "received_at": at_home.town.clock() + (changes["received_at"] if changes["received_at"] < 0 else 61 + changes["received_at"])
        }
    bank.answers = {
        ticket: replace(each, answer_by=None, reason_code="", decision="accepted", **changes) for ticket, each in bank.answers.items()
    }
    await at_home.post(61)
    assert await at_home.state(bank) == "misfit"
    assert (await at_home.sent())[0].problem.partition(":")[0] == code


async def test_a_receipt_by_another_body_that_is_trusted(at_home: Joan) -> None:
    bank, water, _ = at_home.town.bodies
    bank.signs_as = water.party
    await at_home.tell(bank)
    await at_home.post()
    assert await at_home.state(bank) == "misfit"


async def test_answers_of_one_body_may_come_in_any_order(at_home: Joan) -> None:
    """The log of a body has grown in between; which of two answers is fetched first says nothing."""
    bank = at_home.town.bodies[0]
    bank.uses = (TELL, replace(TELL, id="another", title=Text("Another", "Arall")))
    await at_home.hear(3)
    await at_home.tell(bank)
    await at_home.outbox.work()
    at_home.town.clock.at += 5
    await at_home.tell(bank)
    await at_home.post()
    assert {one.problem for one in await at_home.sent()} == {""}


async def test_fourteen_at_once_share_nothing(sqlite_uri: str) -> None:
    """No two of the copies have a value of 16 bytes or more in common, but what the office says to all (S22)."""
    async with joan(sqlite_uri, *FOURTEEN, forms=("dc+sd-cwt", "dc+sd-jwt"), copies=7) as at_home:
        await at_home.tell(*at_home.town.bodies)
        await at_home.post()
        assert set((await at_home.states()).values()) == {"accepted"}
        kept = await at_home.wallet.storage.read(lambda tx: ADDRESSED.all(tx, at_home.wallet.vault))
        ends = {item.value.expires_at for item in kept}
        assert len(ends) == 1
        assert ends.pop() % DAY == 0
        bound = [body.seen[0].binding_claims for body in at_home.town.bodies]
        for name in ("nonce", "jti"):
            assert len({str(one[name]) for one in bound}) == 14
        copies = [parse_file(item.value.file) for item in kept]
        assert {copy.format for copy in copies} == {"dc+sd-cwt", "dc+sd-jwt"}
        wires = [(formats()[copy.format], wire) for copy in copies for wires in copy.vp_token.values() for wire in wires]
        assert len({str(form.peek(form.parse(wire)).holder) for form, wire in wires}) == 14
        assert len({fetch.body for fetch in at_home.town.fetches if fetch.method == "POST"}) == 14


# --- once more -----------------------------------------------------------------------------------------------------------------------------


async def stale(at_home: Joan, **how: Any) -> list[str]:
    found = await resend.told_of(at_home.wallet.means, at_home.wallet.vault, at_home.document, **how)
    return [one.name for one in found if one.stale]


async def again(at_home: Joan, *bodies: Body) -> None:
    means, vault = at_home.wallet.means, at_home.wallet.vault
    told = [one for one in await resend.told_of(means, vault, at_home.document) if one.entity in {body.entity for body in bodies}]
    await resend.resend(means, vault, at_home.outbox, at_home.document, told, name=f"again-{at_home.town.clock()}")


async def test_at_c05_4_those_who_were_told_hear_that_it_was_cancelled(at_home: Joan) -> None:
    bank, water, saxon = at_home.town.bodies
    await at_home.tell(bank, water)
    await at_home.post()
    assert await stale(at_home) == []
    at_home.town.clock.at += DAY
    await at_home.change(status=StatusSeen(value="invalid", checked_at=at_home.town.clock()))
    assert await stale(at_home) == ["Brightwater Utilities", "Northwold Bank"]
    first = bank.seen[0].binding_claims["jti"]
    await again(at_home, bank)
    await at_home.post()
    assert [letter.about for letter in bank.letters] == ["", first]
    assert (len(water.letters), len(saxon.letters)) == (1, 0)
    assert await stale(at_home) == ["Brightwater Utilities"]
    item = await at_home.wallet.storage.read(lambda tx: TELLINGS.all(tx, at_home.wallet.vault))
    assert {one.value.word for one in item} == {"", "cancelled"}


async def test_only_who_saw_what_was_corrected_hears_of_it(at_home: Joan) -> None:
    bank, water, _ = at_home.town.bodies
    water.uses = (replace(TELL, wants=(Want(vct=DEATH.vct_int, required=(EVENT, BIRTHDATE)),)),)
    await at_home.hear(3)
    await at_home.tell(bank, water)
    await at_home.post(60)
    right = {**ARTHUR, "subject": {**ARTHUR["subject"], "family_name": "Penhallow"}}
    old = await at_home.wallet.document()
    at_home.town.clock.at += 60
    changes = changed(old, right, at_home.town.clock())
    assert changes[0].claims == ("subject/family_name",)
    assert changed(old, old.claims, 5) == ()
    await at_home.change(claims=right, changes=changes)
    assert await stale(at_home) == ["Northwold Bank"]
    found = await resend.told_of(at_home.wallet.means, at_home.wallet.vault, at_home.document)
    assert [bool(one.jti) for one in found] == [True, True]


async def test_who_cannot_be_told_by_letter_is_named(at_home: Joan) -> None:
    bank = at_home.town.bodies[0]
    await at_home.tell(bank)
    bank.uses = ()
    await at_home.hear(3)
    means, vault = at_home.wallet.means, at_home.wallet.vault
    told = await resend.told_of(means, vault, at_home.document)
    assert [(one.name, one.choice) for one in told] == [("Northwold Bank", None)]
    with pytest.raises(Conflict):
        await again(at_home, bank)
    with pytest.raises(Malformed):
        await resend.again(means, vault, at_home.document, ["https://x.example y"], by=at_home.document)


async def test_the_correct_document_is_a_new_one(at_home: Joan) -> None:
    bank = at_home.town.bodies[0]
    await at_home.tell(bank)
    await at_home.post()
    await at_home.change(status=StatusSeen(value="invalid", checked_at=at_home.town.clock()))
    means, vault, old = at_home.wallet.means, at_home.wallet.vault, at_home.document
    new = await put_document(means, vault, vct=DEATH.vct, claims=ARTHUR, later=60)
    documents = {item.id: item.value for item in await at_home.wallet.documents()}
    assert [item.id for item in await resend.successors(means, vault, documents[old])] == [new]
    assert await resend.successors(means, vault, documents[new]) == []
    assert await stale(at_home, by=new) == ["Northwold Bank"]
    picked = await resend.again(means, vault, old, [f"{bank.entity} tell-of-death"], by=new)
    await telling.tell(means, vault, at_home.outbox, "new", picked)
    await at_home.post()
    assert bank.letters[1].about == bank.seen[0].binding_claims["jti"]
    assert await stale(at_home, by=new) == []


async def test_who_was_told_of_one_death_is_never_told_of_another_instead(at_home: Joan) -> None:
    """Two deaths in one wallet: the newer entry takes the place of the mistaken one only if it may be about the same person."""
    bank = at_home.town.bodies[0]
    await at_home.tell(bank)
    await at_home.post()
    await at_home.change(status=StatusSeen(value="invalid", checked_at=at_home.town.clock()))
    means, vault, old = at_home.wallet.means, at_home.wallet.vault, at_home.document
    mabel = {**ARTHUR, "subject": {**ARTHUR["subject"], "given_name": "Mabel"}}
    son = {**ARTHUR, "subject": {**ARTHUR["subject"], "birthdate": "1961-04-20"}}
    nobody = {**ARTHUR, "subject": {"birthdate": ARTHUR["subject"]["birthdate"]}}
    others = [await put_document(means, vault, vct=DEATH.vct, claims=one, later=60) for one in (mabel, son, nobody)]
    spelled = {**ARTHUR, "subject": {**ARTHUR["subject"], "given_name": "Artur"}}
    right = await put_document(means, vault, vct=DEATH.vct, claims=spelled, later=90)
    power = await put_document(means, vault, later=120)
    documents = {item.id: item.value for item in await at_home.wallet.documents()}
    assert [item.id for item in await resend.successors(means, vault, documents[old])] == [right]
    for other in (*others, power):
        with pytest.raises(Conflict, match="about somebody or something else"):
            await resend.told_of(means, vault, old, by=other)
        with pytest.raises(Conflict, match="about somebody or something else"):
            await resend.again(means, vault, old, [f"{bank.entity} tell-of-death"], by=other)
    assert await stale(at_home, by=right) == ["Northwold Bank"]


async def test_who_saw_the_wrong_detail_hears_of_it_whatever_they_saw_since(at_home: Joan) -> None:
    """Told the family name, then shown something else for the same use: they still have the wrong name. Once told, they are told once."""
    bank = at_home.town.bodies[0]
    await at_home.tell(bank)
    await at_home.post(60)
    lines = await at_home.wallet.lines()
    entry = next(line.entry for line in lines if line.entry.transaction_type == "addressed-copy")
    means, vault = at_home.wallet.means, at_home.wallet.vault

    async def shows(*claims: str, of: str = DEATH.vct) -> None:
        names = (ClaimNames(credential_identifier=of, claims=claims),)
        later = msgspec.structs.replace(
            entry, time=at_home.town.clock(), transaction_identifier=means.entropy(8).hex(), claims_presented=names
        )
        await means.storage.write(lambda tx: history.append(tx, vault, later, entropy=means.entropy))

    await shows("subject/birthdate")
    at_home.town.clock.at += 60
    right = {**ARTHUR, "subject": {**ARTHUR["subject"], "family_name": "Penhallow"}}
    await at_home.change(claims=right, changes=changed(await at_home.wallet.document(), right, at_home.town.clock()))
    assert await stale(at_home) == ["Northwold Bank"]
    await shows("subject/birthdate")  # not what was wrong
    assert await stale(at_home) == ["Northwold Bank"]
    await again(at_home, bank)
    assert await stale(at_home) == []


async def test_what_another_document_said_beside_it_is_nothing_of_this_one(at_home: Joan) -> None:
    """Two documents in one answer: who saw nothing of the corrected detail is not told, whatever the other document is called."""
    bank = at_home.town.bodies[0]
    await at_home.tell(bank)
    await at_home.post(60)
    means, vault = at_home.wallet.means, at_home.wallet.vault
    entry = next(line.entry for line in await at_home.wallet.lines() if line.entry.transaction_type == "addressed-copy")
    names = (
        ClaimNames(credential_identifier=DEATH.vct, claims=("subject/birthdate",)),
        ClaimNames(credential_identifier=PERSON.vct, claims=("subject/family_name", "picture")),
    )
    other = msgspec.structs.replace(
        entry, transaction_identifier="both", claims_presented=names, interacting_party_name="Another", intended_use_identifier="both"
    )
    await means.storage.write(lambda tx: history.append(tx, vault, other, entropy=means.entropy))
    at_home.town.clock.at += 60
    right = {**ARTHUR, "subject": {**ARTHUR["subject"], "family_name": "Penhallow"}}
    await at_home.change(claims=right, changes=changed(await at_home.wallet.document(), right, at_home.town.clock()))
    assert await stale(at_home) == ["Northwold Bank"]


async def test_t_fm_4_a_refusal_says_why_and_the_way_to_contest_it(at_home: Joan) -> None:
    """The holder hears it first and from themselves: reason code, contact and complaint stand in what was kept, and when it came."""
    bank = at_home.town.bodies[0]
    bank.how = "refuses"
    await at_home.tell(bank)
    at_home.town.clock.at += 60
    await at_home.post()
    (sent,) = await at_home.sent()
    receipt = peek_receipt(sent.receipt)
    assert (sent.reason, sent.answered_at - sent.at) == ("outside_scope", 60)
    assert (receipt.contact, receipt.how_to_complain) == ("bereavement@body.example", "Write to the complaints desk of the body")


async def test_a_letter_to_which_others_have_to_agree_is_on_its_way(at_home: Joan) -> None:
    """As long as its answer is promised; who promises none has said the last word."""
    bank = at_home.town.bodies[0]
    bank.how = "person"
    await at_home.tell(bank)
    await at_home.post()
    (sent,) = await at_home.sent()
    waits, at = msgspec.structs.replace(sent, reason="needs_more_attorneys"), at_home.town.clock()
    assert [state_of(waits, moment) for moment in (at, sent.answer_by)] == ["sent", "unanswered"]
    assert state_of(msgspec.structs.replace(waits, answer_by=0), at) == "undecided"


@pytest.mark.real
async def test_telling_on_postgresql(postgresql_uri: str) -> None:
    async with joan(postgresql_uri, "Northwold Bank", "Saxon Mutual") as at_home:
        bank, saxon = at_home.town.bodies
        at_home.town.down.add(saxon.entity)
        await at_home.tell(bank, saxon)
        other = replace(at_home.outbox, working=asyncio.Lock())
        await asyncio.gather(at_home.outbox.work(), other.work())
        await at_home.post()
        assert await at_home.states() == {"Northwold Bank": "accepted", "Saxon Mutual": "waiting"}
        assert len(bank.posted) == 1
        at_home.town.down.clear()
        await at_home.post(61)
        await at_home.outbox.sweep()
        assert (await at_home.state(saxon), await at_home.rows()) == ("accepted", 0)


@pytest.mark.parametrize("locale", ["en", "cy"])
def test_every_reason_in_a_receipt_is_a_sentence(locale: str) -> None:
    """All that can be wrong with a document, what a person says, and a code from elsewhere: never a code, and Welsh in Welsh."""

    def tree(kind: type[VcError]) -> Iterator[type[VcError]]:
        yield kind
        for child in kind.__subclasses__():
            yield from tree(child)

    words = Words(lambda text: f"cy {text}" if locale == "cy" else text, locale, Dates(locale, "UTC"))
    known = {kind.code for top in (Rejected, Undecided) for kind in tree(top) if kind.__module__ == "shared.errors"}
    assert len(known) > 40
    assert {code for code in known if code not in REASONS} == {"restrictions_to_read"}
    said = {code: why(code, words) for code in {*known, *inbox.REASONS, "code_of_another_body"}}
    assert {code: text for code, text in said.items() if " " not in text or "_" in text} == {}
    assert why("", words) == ""
    restored = history.restored(at=1_772_409_600, made_at=1_772_323_200)
    assert _reason(restored, words) == words._("The backup was made on {day}.").format(day=words.dates.date(1_772_323_200))
    no = msgspec.structs.replace(restored, transaction_type="presentation", transaction_result="declined")
    assert _reason(msgspec.structs.replace(no, reason_of_noncompletion="access_denied"), words) == ""
    kept_out = msgspec.structs.replace(no, transaction_type="issuance", transaction_result="failed", reason_of_noncompletion="expired: x")
    assert _reason(kept_out, words) == words._("What was sent did not pass the check of your wallet, so it was not kept.")
