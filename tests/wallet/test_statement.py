"""The statement for a year, made from the history alone; and on the pages, what became of a body's own record."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.airplane import COUNCIL_TAX, Counter, registration
from support.books import Book
from support.counter import USE
from support.counter import Counter as Desk
from support.signing import AT
from support.trial_web import Watch
from support.wallet_visitor import Visitor
from support.wallets import Site, Wallet, serve_wallet
from support.world import COUNCIL, Party

from shared.clock import DAY
from shared.credentials import Text
from shared.flow import Fetch, Fetched
from shared.openid4vp import IntendedUse, render_use
from shared.ovp.envelope import RECEIPT, render_text
from shared.receipts import LogHead
from shared.storage import Tx
from wallet import history, logs
from wallet.app import follow_logs
from wallet.at_statement import told
from wallet.entries import ClaimNames, Entry, Registered, Sealed, Words
from wallet.entries import Party as Side
from wallet.reporting import uses_of
from wallet.statement import Statement, make, year_of, years

BANK = Side(type="uri", identifier="https://bank.example")
NAMES = (ClaimNames(credential_identifier="urn:x", claims=("represented/family_name", "powers")),)


def line(seq: int = 1, *, kind: str = "presentation", result: str = "success", at: int = AT, who: Side = BANK, **more: Any) -> Sealed:
    entry = Entry(
        seq=seq,
        time=at,
        transaction_identifier=more.pop("transaction_identifier", f"t{seq}"),
        transaction_type=kind,
        transaction_result=result,
        interacting_party_identifier=who,
        interacting_party_name="Northwold Bank",
        intended_use_identifier="bank",
        **more,
    )
    return Sealed(entry=entry, salt=b"", commitment=b"")


def receipt(**changes: Any) -> str:
    """As the council of the small world signs it."""
    party = Party(Watch(AT), receipt_changes=changes)
    party.ask()
    return party.receipt(party.requests["r0"], {"poa": ["x"]})


def statement(*lines: Sealed, year: int = 0, at: int = AT) -> Statement:
    return make(lines, holder="Nora", year=year or year_of(AT), at=at, intact=True)


def test_who_asked_for_what_and_how_often() -> None:
    why = (Words(lang="en", content="To run her account"),)
    found = statement(
        line(1, result="declined", purpose=why),
        line(2, claims_presented=NAMES),
        line(
            3, kind="addressed-copy", claims_presented=(ClaimNames(credential_identifier="urn:x", claims=("powers", "proxy/given_name")),)
        ),
        line(4, result="failed"),
        line(5, kind="answer", receipt=receipt()),
        line(6, kind="issuance"),
        line(7, at=AT + 366 * DAY),
    )
    (one,) = found.asked
    assert (one.entity, one.name, one.use, one.purpose) == ("https://bank.example", "Northwold Bank", "bank", why)
    assert (one.shared, one.declined, one.failed, one.first, one.last) == (2, 1, 1, AT, AT)
    assert one.seen == (ClaimNames(credential_identifier="urn:x", claims=("represented/family_name", "powers", "proxy/given_name")),)
    assert years([line(1), line(2, at=AT + 366 * DAY), line(3, kind="issuance", at=0)]) == [2028, 2027]
    assert statement(year=2026).asked == ()


def test_a_letter_that_was_not_delivered_was_not_shared() -> None:
    """It did not work, in the year in which it was made; that it came without an answer nobody can rule out, so it may be kept."""
    copies = [line(seq, kind="addressed-copy", claims_presented=NAMES, transaction_identifier=name) for seq, name in ((1, "a"), (2, "b"))]
    lost = line(
        3, kind="answer", result="failed", transaction_identifier="a", at=AT + 366 * DAY, reason_of_noncompletion="not delivered: expired"
    )
    misfit = line(4, kind="answer", result="failed", transaction_identifier="b", receipt=receipt(), receipt_problem="it does not fit")
    empty = line(5, kind="answer", result="failed", transaction_identifier="b", receipt="", receipt_problem="malformed: it is none")
    (one,) = statement(*copies, lost, misfit, empty).asked
    assert (one.shared, one.failed, one.seen) == (1, 1, NAMES)
    (one,) = statement(copies[0], lost).asked
    assert (one.shared, one.failed, one.seen) == (0, 1, ())
    assert [each.by for each in statement(copies[0], lost).keeping] == ["unknown"]


def test_who_asked_for_more_than_they_had_registered() -> None:
    honest = line(1, registered=Registered(standing="registered"))
    greedy = line(2, who=Side(type="uri", identifier=COUNCIL), registered=Registered(standing="registered", left_out=("Date of birth",)))
    (more,) = statement(honest, greedy, greedy).asked_for_more
    assert (more.entity, more.left_out, more.standing) == (COUNCIL, ("Date of birth",), "registered")


def test_who_still_keeps_what_and_until_when() -> None:
    """The longest of what a body says of the same things, until that is over; without a receipt the register's word counts."""
    first, longer = receipt(retain_until=AT + 10 * DAY), receipt(retain_until=AT + 20 * DAY)
    lines = [line(1, receipt=longer), line(2, receipt=first), line(3, receipt=receipt(decision="rejected", claims_kept=()))]
    (kept,) = statement(*lines).keeping
    assert (kept.what, kept.until, kept.by, kept.seq) == (("Donor’s name",), AT + 20 * DAY, "receipt", 1)
    assert statement(*lines, at=AT + 20 * DAY).keeping == ()
    (kept,) = statement(*lines, line(4, receipt=receipt(retain_until=None))).keeping
    assert (kept.until, kept.seq) == (None, 4)
    silent = line(1, claims_presented=NAMES, registered=Registered(standing="registered", retention_days=30))
    (kept,) = statement(silent).keeping
    assert (kept.names, kept.until, kept.by) == (NAMES, AT + 30 * DAY, "register")
    answered = line(2, kind="answer", receipt=receipt(decision="rejected", claims_kept=()), transaction_identifier="t1")
    assert statement(silent, answered).keeping == ()
    assert statement(line(1, receipt=first, receipt_problem="it does not fit")).keeping == ()


@pytest.mark.parametrize("decision", ["accepted", "undecided"])
def test_whoever_accepts_and_names_no_part_keeps_all_that_they_saw(decision: str) -> None:
    """Until the end that they name; an end that is over at once is how a body says that it keeps nothing."""
    known = Registered(standing="registered", retention_days=7)

    def kept(until: int | None, **more: Any) -> list[tuple[object, ...]]:
        token = receipt(decision=decision, claims_kept=(), retain_until=until, **more)
        shown = line(1, claims_presented=NAMES, registered=known, receipt=token)
        posted = line(1, kind="addressed-copy", claims_presented=NAMES, registered=known)
        answer = line(2, kind="answer", receipt=token, transaction_identifier="t1")
        live, by_post = (
            [(k.what, k.names, k.until, k.by, k.longer) for k in statement(*lines).keeping] for lines in ([shown], [posted, answer])
        )
        assert live == by_post
        return [*live]

    assert kept(AT + 3_650 * DAY) == [((), NAMES, AT + 3_650 * DAY, "receipt", True)]
    assert kept(AT + 8 * DAY) == [((), NAMES, AT + 8 * DAY, "receipt", False)]
    assert kept(None) == [((), NAMES, None, "unknown", False)]
    assert kept(AT) == []
    assert kept(AT + DAY, told=("address",), recipient="https://water.example") == []  # a note of what it told others
    assert statement(line(1, receipt=receipt(decision=decision, claims_kept=()))).keeping == ()  # nobody knows of anything that was shown


def test_of_several_receipts_for_one_thing_the_newest_counts() -> None:
    """A letter waited, kept until somebody looked at it: then it was refused, or taken for a shorter time."""
    posted = line(1, kind="addressed-copy", claims_presented=NAMES, transaction_identifier="j")

    def answer(seq: int, **changes: Any) -> Sealed:
        return line(seq, kind="answer", transaction_identifier="j", receipt=receipt(**changes))

    def kept(*answers: Sealed) -> list[tuple[int | None, int]]:
        return [(each.until, each.seq) for each in statement(posted, *answers).keeping]

    waits = answer(2, decision="undecided", reason_code="waits_for_person", retain_until=AT + 90 * DAY)
    refused = answer(3, decision="rejected", reason_code="no_account", claims_kept=(), retain_until=AT + DAY)
    taken = answer(3, retain_until=AT + 30 * DAY)
    assert kept(waits) == [(AT + 90 * DAY, 2)]
    assert kept(waits, refused) == []
    assert kept(waits, taken) == [(AT + 30 * DAY, 3)]
    early = answer(4, decision="undecided", received_at=AT - DAY, retain_until=AT + 90 * DAY)
    assert kept(taken, early) == [(AT + 30 * DAY, 3)], "it came later, and was given before"
    again = answer(4, decision="rejected", reason_code="replayed", received_at=AT + DAY, claims_kept=())
    assert kept(taken, again) == [(AT + 30 * DAY, 3)], "that it was there before takes back nothing"
    other = line(5, kind="answer", transaction_identifier="k", receipt=receipt(claims_kept=("Address",), received_at=AT - DAY))
    assert kept(taken, other) == [(AT + 30 * DAY, 3), (AT + 30 * DAY, 5)]


def at_desk(seq: int, about: str, **more: Any) -> Sealed:
    """The line of a receipt that a desk gave without a network for the showing ``about``."""
    changes = {name: more.pop(name) for name in ("decision", "code") if name in more}
    text = render_text(RECEIPT, Desk(uses=(USE,)).receipt(use="bank", **changes))
    return line(seq, kind="answer", transaction_identifier=about, **{"provisional": text} | more)


@pytest.mark.parametrize("kind", ["presentation", "addressed-copy"])
def test_what_a_desk_gave_is_provisional_until_it_is_confirmed(kind: str) -> None:
    """What was shown counts as kept, as the desk's word is: until the day that is registered; of a no nothing is kept."""
    known = Registered(standing="registered", retention_days=30)
    shown = line(1, kind=kind, claims_presented=NAMES, registered=known)
    given = at_desk(2, "t1")

    def kept(*lines: Sealed) -> list[tuple[object, ...]]:
        return [(each.what or each.names, each.until, each.by, each.seq) for each in statement(*lines).keeping]

    def counts(*lines: Sealed) -> tuple[int, int, int]:
        (one,) = statement(*lines).asked
        return one.shared, one.failed, one.provisional

    assert kept(shown, given) == [(NAMES, AT + 30 * DAY, "provisional", 2)]
    assert counts(shown, given) == (1, 0, 1)
    assert statement(shown, given, at=AT + 30 * DAY).keeping == ()
    unknown = line(1, kind=kind, claims_presented=NAMES)
    assert kept(unknown, given) == [(NAMES, None, "provisional", 2)]
    waits = at_desk(2, "t1", decision="undecided", code="restrictions_to_read")
    assert kept(shown, waits) == [(NAMES, AT + 30 * DAY, "provisional", 2)]
    refused = at_desk(3, "t1", decision="rejected", code="outside_scope")
    assert (kept(shown, refused), counts(shown, refused)) == ([], (1, 0, 1))
    assert (kept(shown, waits, refused), counts(shown, waits, refused)) == ([], (1, 0, 1)), "the newest counts"

    misfit = at_desk(2, "t1", result="failed", receipt_problem="other_presentation: it is for something else")
    assert kept(shown, misfit) == [(NAMES, AT + 30 * DAY, "register", 1)]
    assert counts(shown, misfit) == (1, 0, 0), "what does not fit undoes nothing that was shown"

    confirmed = at_desk(3, "t1", provisional=given.entry.provisional, receipt=receipt())
    assert kept(shown, given, confirmed) == [(("Donor’s name",), AT + 30 * DAY, "receipt", 3)]
    assert counts(shown, given, confirmed) == (1, 0, 0)
    denied = at_desk(
        3, "t1", provisional=given.entry.provisional, receipt=receipt(), result="failed", receipt_problem="history_rewritten: x"
    )
    assert kept(shown, given, denied) == [(NAMES, AT + 30 * DAY, "register", 1)]
    assert counts(shown, given, denied) == (1, 0, 0)


def test_of_what_cannot_be_read_any_more_nothing_is_said() -> None:
    """A receipt that an older build took in."""
    shown = line(1, claims_presented=NAMES)
    for text in ("OVR1:", "OVP1:ABC", "x"):
        assert [each.by for each in statement(shown, at_desk(2, "t1", provisional=text)).keeping] == ["unknown"]


def test_whoever_does_not_say_where_their_record_stood_was_not_compared() -> None:
    """By the newest of its receipts that are found good; what became of it before counts where it was looked at."""
    council = Side(type="uri", identifier=COUNCIL)
    headless, named = (
        line(1, who=council, receipt=receipt()),
        line(2, who=council, receipt=receipt(log_head=LogHead(size=1, digest=bytes(32)))),
    )
    other = line(3, who=council, receipt=receipt(), receipt_problem="it does not fit")
    stranger = line(4, who=Side(type="x509_hash", identifier="abc"), receipt=receipt())
    seen = logs.LogSeen(entity=COUNCIL, next_at=0, checked_at=AT)

    def apart(*lines: Sealed, **known: logs.LogSeen) -> list[tuple[str, int, str]]:
        made = make(lines, holder="Nora", year=2027, at=AT, intact=True, logs={each.entity: each for each in known.values()})
        return [(each.entity, each.since, each.fault) for each in made.not_compared]

    assert apart(headless) == [(COUNCIL, 0, "no-head")]
    assert apart(headless, named, other, stranger) == []
    assert apart(named, headless, log=seen) == [(COUNCIL, AT, "no-head")]
    assert apart(headless, log=msgspec.structs.replace(seen, fault="stale")) == [(COUNCIL, AT, "stale")]
    assert apart(headless, log=msgspec.structs.replace(seen, broken_at=AT, broken=(2,))) == []


def test_whoever_keeps_it_longer_than_they_registered_is_marked() -> None:
    """By their own receipt, also for a copy that was posted; a day more is no difference, and no end named is longer than any."""
    known = Registered(standing="registered", retention_days=30)
    for until, longer in ((AT + 31 * DAY, False), (AT + 31 * DAY + 1, True), (None, True)):
        shown = line(1, claims_presented=NAMES, receipt=receipt(retain_until=until), registered=known)
        posted = line(1, kind="addressed-copy", claims_presented=NAMES, registered=known)
        answer = line(2, kind="answer", receipt=receipt(retain_until=until), transaction_identifier="t1")
        for lines in ([shown], [posted, answer]):
            (kept,) = statement(*lines).keeping
            assert (kept.by, kept.longer) == ("receipt", longer)
            assert ("longer than they registered" in "\n".join(told(statement(*lines)))) is longer
    (kept,) = statement(line(1, claims_presented=NAMES, receipt=receipt(retain_until=None))).keeping
    assert not kept.longer  # nothing was registered that it could be longer than


def test_whoever_said_nothing_of_what_they_keep_is_listed() -> None:
    """Unregistered, shown to without a network, or with a receipt that does not fit: they may keep all that they saw, for ever."""
    for silent in (
        line(1, claims_presented=NAMES),
        line(1, claims_presented=NAMES, registered=Registered(standing="unregistered")),
        line(1, claims_presented=NAMES, receipt=receipt(), receipt_problem="it does not fit"),
    ):
        (kept,) = statement(silent, at=AT + 900 * DAY).keeping
        assert (kept.names, kept.until, kept.by) == (NAMES, None, "unknown")
        assert "they have not said" in "\n".join(told(statement(silent)))
    assert statement(line(1, result="declined", claims_presented=NAMES)).keeping == ()


def test_whoever_asks_without_being_registered_asks_for_more() -> None:
    for standing in ("unregistered", "other-use"):
        greedy = line(1, result="declined", claims_requested=NAMES, registered=Registered(standing=standing))
        (more,) = statement(greedy).asked_for_more
        assert (more.standing, more.unregistered) == (standing, NAMES)
        assert "asked without being registered for it" in "\n".join(told(statement(greedy)))


def test_what_was_told_to_others_by_a_permission() -> None:
    names = (ClaimNames(credential_identifier="https://water.example", claims=("address",)),)
    one = line(3, kind="told-by-permission", claims_presented=names)
    (passed,) = statement(one).passed_on
    assert (passed.name, passed.recipient, passed.what, passed.at, passed.seq) == (
        "Northwold Bank",
        "https://water.example",
        ("address",),
        AT,
        3,
    )
    assert statement(one).keeping == ()
    assert statement(one, year=2026).passed_on == ()
    assert years([one]) == [2027]
    assert "Northwold Bank told https://water.example by your permission: address" in "\n".join(told(statement(one)))


def test_in_a_terminal() -> None:
    lines = [
        line(1, claims_presented=NAMES, receipt=receipt(), registered=Registered(standing="registered", left_out=("Date of birth",))),
        line(2, claims_presented=NAMES, who=Side(type="uri", identifier=COUNCIL), registered=Registered(standing="x", retention_days=30)),
    ]
    text = "\n".join(told(statement(*lines)))
    for words in (
        "Statement of Nora for 2027",
        "shared 1, not shared 0",
        "saw of urn:x: represented/family_name, powers",
        "asked for more than is registered: Date of birth",
        "Northwold Bank: Donor’s name; until 2027-02-14",
        "represented/family_name, powers; until 2027-02-14 (by the register: no receipt came)",
    ):
        assert words in text, words
    text = "\n".join(told(statement(line(1, claims_presented=NAMES), at_desk(2, "t1"))))
    for words in (
        "shared 1, not shared 0, did not work 0, provisional receipts 1",
        "represented/family_name, powers; they have not said (provisional: a desk's receipt that nobody has confirmed)",
    ):
        assert words in text, words
    assert "\n".join(told(statement(year=2026))).splitlines()[1:] == [
        "Nobody asked to see anything.",
        "Nobody has said that they keep anything.",
    ]


def test_in_a_terminal_whose_record_could_not_be_compared() -> None:
    seen = logs.LogSeen(entity=COUNCIL, next_at=0, checked_at=AT, fault="not-published")
    changed = logs.LogSeen(entity="https://bank.example", next_at=0, fault="stale", broken_at=AT, broken=(1,))
    made = make([line(1)], holder="Nora", year=2027, at=AT, intact=True, logs={COUNCIL: seen, changed.entity: changed})
    assert list(told(made))[-2:] == [
        f"The record of {COUNCIL} could not be compared since 2027-01-15: not-published",
        "https://bank.example has changed its own record since it gave receipts (lines 1)",
    ]


async def test_a_donor_is_told_that_a_letter_was_not_delivered(wallet: Wallet) -> None:
    copies = [line(kind="addressed-copy", on_behalf_of="doc", transaction_identifier=name).entry for name in ("a", "b")]
    lost = line(kind="answer", result="failed", transaction_identifier="a", reason_of_noncompletion="not delivered: expired").entry

    async def append(tx: Tx) -> None:
        for entry in (*copies, lost):
            await history.append(tx, wallet.vault, entry, entropy=wallet.means.entropy)

    await wallet.storage.write(append)
    uses = await wallet.storage.read(lambda tx: uses_of(tx, wallet.vault, "doc"))
    assert [(use.number, use.result) for use in uses] == [(1, "failed"), (2, "success")]


# --- on the pages ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with serve_wallet(tmp_path / "wallet") as running:
        yield running


async def test_the_page_the_file_and_a_record_that_was_changed(site: Site) -> None:
    visitor, book = Visitor(site), Book(site.world.council).open()
    book.enter("somebody else")
    await visitor.enter()
    await visitor.get("/statement")
    assert "Nobody asked to see anything in 2027." in visitor.text
    await visitor.collect()
    await visitor.share(site.world.council.ask())
    await visitor.get("/history")
    assert 'href="/statement"' in visitor.text
    await visitor.get("/statement?year=2027")
    said = ("Statement for 2027", "shared 1 time", "Donor’s postcode", "Donor’s name", "14 February 2027")
    for words in (*said, "not registered for this", "They were not registered for this. They asked for:"):
        assert words in visitor.text, words
    file = json.loads(await visitor.get("/statement/2027.json"))
    assert (file["schema"], file["year"], file["intact"], len(file["asked"])) == ("urn:muniment:wallet-statement:1", 2027, True, 1)
    assert "Margaret" not in json.dumps(file)  # names of details, never values
    await site.open()
    assert await site.call("GET", "/api/statement?year=2027") == (200, file)
    assert (await site.call("GET", "/api/statement"))[1]["year"] == 2027
    assert (await site.call("GET", "/api/statement?year=-1"))[0] == 400
    await visitor.get("/statement?year=2026")
    assert "Nobody asked to see anything in 2026." in visitor.text
    await visitor.get("/statement?year=twenty")
    assert visitor.status == 400

    await look(visitor, book)
    assert "unchanged when your wallet last looked" in await visitor.get("/history/2")
    book.rewrite()
    book.tokens.clear()
    book.enter("more")
    await look(visitor, book)
    assert "has changed its own record" in await visitor.get("/history")
    assert "They have changed their own record." in await visitor.get("/history/2")
    assert book.tokens[0] in visitor.text
    assert "Who changed their own record" in await visitor.get("/statement")
    assert json.loads(await visitor.get("/statement/2027.json"))["changed_records"][0]["entity"] == COUNCIL


async def test_the_line_of_a_receipt_whose_log_is_another(site: Site) -> None:
    visitor, book = Visitor(site), Book(site.world.council).open()
    await visitor.enter()
    await visitor.collect()
    await visitor.share(site.world.council.ask())
    book.rewrite()
    book.sign()
    await look(visitor)
    assert "their record was changed" in await visitor.get("/history")
    await visitor.get("/history/2")
    assert "They have changed their own record since they gave you this receipt." in visitor.text
    assert book.tokens[0] in visitor.text


async def test_a_receipt_that_says_longer_than_registered(site: Site) -> None:
    """On its own line and in the statement, in both languages."""
    visitor, body = Visitor(site), site.world.council
    await visitor.enter()
    await visitor.collect()
    body.receipt_changes["retain_until"] = AT + 900 * DAY
    certificate = registration(Counter(site.world, body, uses=(COUNCIL_TAX,)))
    use = IntendedUse(identifier="council-tax", purpose=Text("x", "y"), registration=certificate)
    await visitor.share(body.ask(verifier_info=(render_use(use),)))
    assert "They keep it longer than they registered." in await visitor.get("/history/2")
    assert "longer than registered" in await visitor.get("/statement?year=2027")
    assert "yn hirach nag y maent wedi’i gofrestru" in await visitor.get("/history/2?lang=cy")


async def test_a_receipt_that_names_no_part_and_no_record(site: Site) -> None:
    """On the page after sharing, on its own line and in the statement: they keep what they saw, and nobody can compare their record."""
    visitor, body = Visitor(site), site.world.council
    await visitor.enter()
    await visitor.collect()
    body.receipt_changes["claims_kept"] = ()
    await visitor.share(body.ask())
    for text in (visitor.text, await visitor.get("/history/2")):
        assert ("what they saw" in text, "14 February 2027" in text, ">nothing<" in text) == (True, True, False)
    assert "The receipt does not say where their record stood when they gave it." in visitor.text
    assert "could not be compared so far" in await visitor.get("/history")
    text = await visitor.get("/statement?year=2027")
    assert ("Nobody has said that they keep anything." in text, "Whose own record could not be compared" in text) == (False, True)
    body.receipt_changes["retain_until"] = None
    await visitor.share(body.ask())
    assert "they have not said" in await visitor.get("/history/3")
    body.receipt_changes["retain_until"] = site.world.clock()
    await visitor.share(body.ask())
    text = await visitor.get("/history/4")
    assert ("nothing" in text, "what they saw" in text) == (True, False)
    assert "yr hyn a welwyd ganddynt" in await visitor.get("/history/2?lang=cy")
    body.receipt_changes |= {"claims_kept": ("Donor’s postcode", "a note of her call"), "retain_until": None}
    await visitor.share(body.ask())
    text = await visitor.get("/history/5")
    assert ("Cod post y rhoddwr" in text, "a note of her call" in text, "nid ydynt wedi dweud" in text) == (True, True, True)
    assert "Cod post y rhoddwr, a note of her call" in await visitor.get("/statement?year=2027")


async def test_a_record_that_stands_still_or_cannot_be_seen_is_said(site: Site) -> None:
    visitor, book = Visitor(site), Book(site.world.council).open()
    await visitor.enter()
    await visitor.collect()
    await visitor.share(site.world.council.ask())
    book.sign()
    await look(visitor)  # a week after its newest head
    reasons: dict[int, tuple[str, str]] = {
        0: ("The newest state of their record that they signed is more than two days old.", "stale"),
        503: ("Your wallet could not check their record when it last tried.", "unavailable"),
        404: ("They publish nothing of their record", "not-published"),
    }
    for status, (reason, fault) in reasons.items():
        if status:
            book.answer = partial(_answered, status)
            await look(visitor)
        assert "could not be compared since 15 January 2027" in await visitor.get("/history")
        text = await visitor.get("/history/2")
        assert (reason in text, "unchanged" in text) == (True, False)
        assert "Their record could not be compared with this receipt since 15 January 2027." in text
        assert "could not be compared</h2>" in await visitor.get("/statement")
        assert "since 15 January 2027." in visitor.text
        file = json.loads(await visitor.get("/statement/2027.json"))
        assert file["not_compared"] == [{"entity": COUNCIL, "since": AT, "fault": fault}]
    assert "Ni fu modd cymharu eu cofnod â’r dderbynneb hon ers 15 Ionawr 2027." in await visitor.get("/history/2?lang=cy")
    await visitor.get("/history/2?lang=en")
    book.answer = lambda _: None
    await look(visitor, book)
    assert "unchanged when your wallet last looked" in await visitor.get("/history/2")
    book.tokens.pop()
    await look(visitor)
    assert "They show an older state of their record" in await visitor.get("/history/2")
    assert "unchanged" not in visitor.text


async def test_a_record_that_was_never_seen_is_not_called_compared(site: Site) -> None:
    visitor, book = Visitor(site), Book(site.world.council).open()
    await visitor.enter()
    await visitor.collect()
    await visitor.share(site.world.council.ask())
    await look(visitor)
    assert "could not be compared so far" in await visitor.get("/history")
    assert "Their record could not be compared with this receipt so far." in await visitor.get("/history/2")
    assert book.asked == ["/log/heads"]
    assert json.loads(await visitor.get("/statement/2027.json"))["not_compared"] == [
        {"entity": COUNCIL, "since": 0, "fault": "not-published"}
    ]


async def test_only_a_receipt_that_fits_and_names_a_log_is_said_to_be_in_it(site: Site) -> None:
    """The council's log is as it should be; of what a receipt says that does not fit, or that names no log, nothing was compared."""
    visitor, book = Visitor(site), Book(site.world.council).open()
    await visitor.enter()
    await visitor.collect()
    for wrong in ({"poa": ["another"]}, None):
        site.world.council.receipt_for = wrong
        await visitor.share(site.world.council.ask())
    await look(visitor, book)
    assert "unchanged when your wallet last looked" in await visitor.get("/history/3")
    text = await visitor.get("/history/2")
    assert ("does not fit what you shared" in text, "unchanged" in text) == (True, False)
    assert "It is for something else than what you shared." in text
    text = await visitor.get("/history/2?lang=cy")
    assert "Mae am rywbeth heblaw’r hyn a rannwyd gennych." in text
    assert "another presentation" not in text
    assert visitor.status == 200
    await visitor.get("/history/" + "9" * 5_000)
    assert visitor.status == 404


async def look(visitor: Visitor, book: Book | None = None) -> None:
    """A week goes by, and the wallet looks once it is open again; ``book`` is signed on that day."""
    site = visitor.site
    (vault,) = site.host.unlocked.vaults()
    await logs.tend(site.host.means, vault)
    site.world.clock.at += site.host.means.log_every
    if book is not None:
        book.sign()
    await visitor.enter()
    await follow_logs(site.app)


def _answered(status: int, _: Fetch) -> Fetched:
    return Fetched(status=status)
