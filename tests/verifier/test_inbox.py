"""Letters to a verifier's inbox: decided by itself or by a person, once each, and never without an answer (R6, T-AU-5, S25)."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from support.desk import PATHS, Running, Site, Template, copy_file, serving
from support.posting import ask, check, inbox_of, post, written
from support.signing import AT, Signer
from support.trial_verify import CLAIMS, IDX, LIST, VCT, Authority, issue, status_token
from support.trusting import Publisher

from shared.clock import DAY
from shared.codec import strict_json
from shared.credentials import all_types
from shared.errors import ConfigError, Conflict
from shared.formats import StatusReference
from shared.inbox import Inbox, Letter, seal_letter
from shared.jose.jwt import parse_jwt
from shared.openid4vp import find_use
from shared.receipts import peek_receipt
from shared.status.token_status_list import INVALID
from shared.storage import Tx
from shared.trust.artefact import RP_CERTIFICATE
from shared.trust.publication import parse_publication
from shared.trust.register_json import render_inbox
from shared.trust.relying_party import parse_rp_certificate
from shared.web import log
from shared.web.operators import Operator
from verifier import inbox_desk, inbox_keys, registering
from verifier.app import one_round
from verifier.cli import main
from verifier.desk import LOG, Desk
from verifier.details import details
from verifier.facts import everybody_in
from verifier.inbox_desk import Post, Said
from verifier.records import exchanges, letters
from verifier.request import find
from verifier.sessions import Answered
from verifier.settle import Opened, open_verdict, verify_decisions


def by_a_person(desk: Desk, use: str = "bank", team: str = "") -> None:
    registering.state(desk.directory, desk.settings, use, {"decides": "person", "team": team})


async def test_a_good_letter_is_answered_at_once(desk: Running) -> None:
    sent = written(desk)
    status, told = await post(desk, sent)
    receipt = check(desk, sent, told)
    assert (status, receipt.decision, receipt.purpose_id, receipt.answer_by) == (200, "accepted", "bank", None)
    assert receipt.log_head is not None
    assert await verify_decisions(desk.desk, [receipt.log_head]) == receipt.log_head
    again = check(desk, sent, (await ask(desk, sent.ticket))[1])
    assert again == receipt


async def test_no_receipt_of_ours_repeats_what_a_stranger_wrote(desk: Running) -> None:
    sent = written(desk, purpose="Anytown Bank owes the bearer 500 pounds")
    status, told = await post(desk, sent)
    assert (status, "receipt" in told, "500" in str(told)) == (400, False, False)


async def test_the_same_letter_twice_is_one_letter(desk: Running) -> None:
    sent = written(desk)
    first, second = await asyncio.gather(post(desk, sent), post(desk, sent))
    assert (first[0], second[0]) == (200, 200)
    assert check(desk, sent, first[1]) == check(desk, sent, second[1]) == check(desk, sent, (await post(desk, sent))[1])
    other = written(desk, ticket=sent.ticket, seed="other")
    status, told = await post(desk, other)
    assert (status, told["code"]) == (409, "conflict")


async def test_a_copy_that_was_relied_upon_is_not_good_in_another_letter(desk: Running) -> None:
    sent = written(desk)
    assert check(desk, sent, (await post(desk, sent))[1]).decision == "accepted"
    again = written(desk, sent.copy)
    receipt = check(desk, again, (await post(desk, again))[1])
    assert (receipt.decision, receipt.reason_code) == ("rejected", "replayed")


async def test_what_is_cancelled_is_refused_with_a_receipt(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk", site=Site(lists={"https://opg.example/status/1": status_token({IDX: 1})})) as desk:
        sent = written(desk)
        status, told = await post(desk, sent)
        receipt = check(desk, sent, told)
    assert (status, receipt.decision, receipt.reason_code) == (200, "rejected", "revoked")


async def test_a_receipt_for_what_was_refused_names_nothing_that_is_kept(template: Template, tmp_path: Path) -> None:
    """By post and live: what goes into the body's own records is what it accepts; what was shown goes with the desk's minutes (domain 0.3)."""
    kept: dict[str, Any] = {"claims_kept": ("donor’s name",), "retention_days": 365}
    async with serving(template, tmp_path / "desk", site=Site(lists={LIST: status_token({IDX: 1})}), **kept) as desk:
        sent = written(desk)
        letter = check(desk, sent, (await post(desk, sent))[1])
        live = peek_receipt((await desk.answer(await desk.ask()))[1]["receipt"])
        minutes = desk.desk.settings.keep_minutes * 60
        sealed = await verdicts(desk)
        assert [(each.verdict["credentials"], each.vp_token) for each in sealed] == [([], {})] * 2, "nothing of it is sealed here either"
    for receipt in (letter, live):
        assert (receipt.decision, receipt.reason_code, receipt.claims_kept) == ("rejected", "revoked", ())
        assert receipt.retain_until == receipt.received_at + minutes


async def test_a_receipt_names_what_is_kept_of_a_letter_and_until_when(template: Template, tmp_path: Path) -> None:
    """Sealed with its verdict: all that was seen, beside what goes into the body's own records. What is shown live goes with the desk's minutes."""
    own = ("the number of her account", "Donor’s postcode")
    async with serving(template, tmp_path / "desk", claims_kept=own, retention_days=2) as desk:
        accepted = check(desk, sent := written(desk), (await post(desk, sent))[1])
        assert (accepted.decision, accepted.retain_until) == ("accepted", AT + 2 * DAY)
        (opened,) = await verdicts(desk)
        seen = [row.label for one in opened.verdict["credentials"] for row in details(desk.desk.types[one["vct"]], one["claims"])]
        assert {"Donor’s last name", "Donor’s postcode", "Kind of authority"} <= {*seen}
        assert sorted(accepted.claims_kept) == sorted({*seen, *own})
        live = peek_receipt((await desk.answer(await desk.ask()))[1]["receipt"])
        assert (live.decision, live.claims_kept, live.retain_until) == ("accepted", own, AT + 2 * DAY)
        by_a_person(desk.desk)
        waits = check(desk, later := written(desk, seed="two"), (await post(desk, later))[1])
        assert (waits.decision, waits.claims_kept) == ("undecided", accepted.claims_kept)
        assert waits.retain_until == AT + 16 * DAY, "it lies there until a person has had the time to decide"
        desk.clock.at += 3 * DAY
        await one_round(desk.app)
        assert check(desk, sent, (await ask(desk, sent.ticket))[1]) == accepted


async def test_who_registers_no_time_promises_none(template: Template, tmp_path: Path) -> None:
    """Of its own records nobody knows how long they last; what a desk that keeps none has of it goes with its minutes."""
    for own in (("donor’s name",), ()):
        async with serving(template, tmp_path / f"desk{len(own)}", claims_kept=own) as desk:
            letter = check(desk, sent := written(desk), (await post(desk, sent))[1])
            live = peek_receipt((await desk.answer(await desk.ask()))[1]["receipt"])
            until = None if own else AT + desk.desk.settings.keep_minutes * 60
        assert (live.claims_kept, live.retain_until, letter.retain_until) == (own, until, until)


async def test_who_keeps_it_for_no_day_says_until_when_the_desk_still_has_it(template: Template, tmp_path: Path) -> None:
    """0 days: nothing goes into the body's own records, but the desk holds what was shown for its minutes, and says so."""
    async with serving(template, tmp_path / "desk", claims_kept=("donor’s name",), retention_days=0) as desk:
        letter = check(desk, sent := written(desk), (await post(desk, sent))[1])
        live = peek_receipt((await desk.answer(await desk.ask()))[1]["receipt"])
        minutes = desk.desk.settings.keep_minutes * 60
        for receipt in (letter, live):
            assert (receipt.decision, receipt.claims_kept, receipt.retain_until) == ("accepted", (), receipt.received_at + minutes)
            assert receipt.keeps_all
        told = registering.registered
        for longer, days in ((1_441, 0), (4_321, 3)):
            with pytest.raises(ConfigError, match="keep_minutes is longer"):
                told(desk.desk.directory, structs.replace(desk.desk.settings, keep_minutes=longer, retention_days=days))
        assert told(desk.desk.directory, structs.replace(desk.desk.settings, keep_minutes=1_440))


async def test_request_and_receipt_name_the_time_that_this_use_has_registered(template: Template, tmp_path: Path) -> None:
    """Not that of the whole organisation, where a use keeps what it sees for another time."""
    async with serving(template, tmp_path / "desk", retention_days=365) as desk:
        for days in (7, 730):
            registering.state(desk.desk.directory, desk.desk.settings, "bank", {"retention_days": days})
            sent = written(desk, seed=f"for {days}")
            assert check(desk, sent, (await post(desk, sent))[1]).retain_until == AT + days * DAY
            use = find_use((await desk.read(await desk.ask())).verifier_info)
            assert use is not None
            assert (use.identifier, use.retention_days) == ("bank", days)


async def test_t_fm_4_every_refusal_says_why_and_where_to_turn(template: Template, tmp_path: Path) -> None:
    """T-FM-4: by post, live and as a file, in a receipt for the holder: nobody else is told."""
    route: dict[str, Any] = {"contact": "privacy@bank.example", "how_to_complain": "https://bank.example/complain"}
    async with serving(template, tmp_path / "desk", site=Site(lists={LIST: status_token({IDX: 1})}), **route) as desk:
        sent = written(desk)
        receipts = [check(desk, sent, (await post(desk, sent))[1])]
        receipts.append(peek_receipt((await desk.answer(await desk.ask()))[1]["receipt"]))
        headers = {"Authorization": f"Bearer {desk.api_key}", "Content-Type": "application/json"}
        async with desk.http.post(f"{desk.base}/api/copies", data=copy_file(seed="file"), headers=headers) as brought:
            receipts.append(peek_receipt((await brought.json())["receipt"]))
    told = {(each.decision, each.reason_code, each.contact, each.how_to_complain) for each in receipts}
    assert told == {("rejected", "revoked", route["contact"], route["how_to_complain"])}


async def test_a_letter_waits_for_a_person(desk: Running) -> None:
    by_a_person(desk.desk)
    sent = written(desk)
    status, told = await post(desk, sent)
    receipt = check(desk, sent, told)
    assert (status, receipt.decision, receipt.reason_code) == (202, "undecided", "waits_for_person")
    assert receipt.answer_by is not None
    assert 0 < receipt.answer_by - AT <= 4 * DAY
    assert (await ask(desk, sent.ticket))[0] == 202


async def test_nobody_calls_back_anothers_document(template: Template, tmp_path: Path) -> None:
    """Whoever has seen a copy knows its number: a file goes through many hands. Only one for the same, of the same kind and people, calls it back."""
    somebody = CLAIMS | {"represented": {**CLAIMS["represented"], "given_name": "Somebody", "family_name": "Else"}}
    elsewhere = StatusReference(uri=LIST, idx=IDX + 1)
    async with serving(template, tmp_path / "desk", site=Site(lists={LIST: status_token({IDX + 1: INVALID})})) as desk:
        first = written(desk, seed="first")
        await post(desk, first)
        other = written(desk, seed="other", claims=somebody, status=elsewhere, about=first.claims["jti"])
        own = written(desk, seed="own", status=elsewhere, about=first.claims["jti"])
        for sent in (other, own):
            assert check(desk, sent, (await post(desk, sent))[1]).reason_code == "revoked"
            desk.clock.at += 60
        found = await desk.desk.storage.read(lambda tx: letters.listed(tx, desk.clock(), 9))
        assert [(each.undo, bool(each.about)) for each in sorted(found, key=lambda each: (each.got_at, bool(each.about)))] == [
            ("", False),
            ("", True),
            ("open", True),
        ]


@pytest.mark.parametrize(
    ("hidden", "undo"),
    [((), "open"), (("proxy",), ""), (("represented",), ""), (("proxy", "given_name"), ""), (("represented", "family_name"), "")],
)
async def test_what_does_not_name_everybody_calls_nothing_back(
    template: Template, tmp_path: Path, storage_uri: str, hidden: tuple[str, ...], undo: str
) -> None:
    """The council asks only whose power it is: the document of a second attorney, who was cancelled, names the same as the first one's."""
    another = CLAIMS | {"proxy": {**CLAIMS["proxy"], "given_name": "Peter"} if hidden else CLAIMS["proxy"]}
    paths = [path for path in PATHS if path[: len(hidden)] != hidden or not hidden]
    site = Site(lists={LIST: status_token({IDX + 1: INVALID})})
    async with serving(template, tmp_path / "desk", site=site, purposes=("council-tax",), storage=storage_uri) as desk:
        how: dict[str, Any] = {"purpose": "council-tax", "paths": paths}
        first = written(desk, seed="first", **how)
        await post(desk, first)
        elsewhere = StatusReference(uri=LIST, idx=IDX + 1)
        other = written(desk, seed="other", claims=another, status=elsewhere, about=first.claims["jti"], **how)
        assert check(desk, other, (await post(desk, other))[1]).reason_code == "revoked"
        found = await desk.desk.storage.read(lambda tx: letters.listed(tx, desk.clock(), 9))
        assert sorted((bool(each.about), each.undo) for each in found) == [(False, ""), (True, undo)]


@pytest.mark.parametrize(("people", "undo"), [(["ashdown margaret", "ashdown nora"], "open"), (["ashdown margaret"], "")])
async def test_a_letter_from_before_can_be_called_back(
    template: Template, tmp_path: Path, storage_uri: str, people: list[str], undo: str
) -> None:
    """Its row has kinds and people apart, in a list each, as rows had before; everybody has to be named still."""
    site = Site(lists={LIST: status_token({IDX + 1: INVALID})})
    async with serving(template, tmp_path / "desk", site=site, storage=storage_uri) as desk:
        first = written(desk, seed="first")
        await post(desk, first)
        said = strict_json.dumps(["bank", [VCT], people])
        whose = await desk.desk.custodian.mac(LOG, b"inbox whose\0" + said)
        await desk.desk.storage.write(lambda tx: tx.execute("UPDATE letter SET whose = $1", whose))
        later = written(desk, seed="later", status=StatusReference(uri=LIST, idx=IDX + 1), about=first.claims["jti"])
        assert check(desk, later, (await post(desk, later))[1]).reason_code == "revoked"
        found = await desk.desk.storage.read(lambda tx: letters.listed(tx, desk.clock(), 9))
        assert sorted((bool(each.about), each.undo) for each in found) == [(False, ""), (True, undo)]


WHOLE = {"given_name": "Margaret", "family_name": "Ashdown"}
NORA = {"given_name": "Nora", "family_name": "Ashdown"}


@pytest.mark.parametrize(
    ("documents", "named"),
    [
        ([("person", WHOLE)], [["person", "ashdown margaret"]]),
        ([("person", {"age_over_18": True})], None),
        ([("known-here", {})], None),
        ([("life-event", {"subject": WHOLE})], [["life-event", "ashdown margaret"]]),
        ([("life-event", {"subject": {"given_name": "Margaret"}})], None),
        (
            [("estate-authority", {"deceased": WHOLE, "representative": NORA})],
            [["estate-authority", "ashdown margaret", "ashdown nora"]],
        ),
        ([("estate-authority", {"deceased": WHOLE, "acting_for": NORA})], None),
        ([("representation", {"represented": WHOLE, "proxy": NORA}), ("person", {"age_over_18": True})], None),
        (
            [("representation", {"represented": NORA, "proxy": WHOLE}), ("known-here", {})],
            [["known-here"], ["representation", "ashdown nora", "ashdown margaret"]],
        ),
        ([("nothing we know", WHOLE)], None),
        ([], None),
    ],
)
def test_everybody_is_named_or_it_is_not_known_whose_it_is(
    documents: list[tuple[str, dict[str, Any]]], named: list[list[str]] | None
) -> None:
    kinds = {kind.id: kind for kind in all_types().values()}
    assert everybody_in(kinds, documents) == named


async def test_what_came_about_a_letter_is_its_groups_too(desk: Running) -> None:
    """Neither the earlier letter nor a later one shows on another group's page."""
    by_a_person(desk.desk, team="Banking")
    first = written(desk, seed="first")
    await post(desk, first)
    banking = await the_letter(desk)
    by_a_person(desk.desk, team="Estates")
    await post(desk, written(desk, seed="second", about=first.claims["jti"]))
    (estates,) = [each for each in await inbox_desk.listed(desk.desk, an_admin()) if each.letter.team == "Estates"]

    async def unit(tx: Tx) -> None:
        await letters.set_members(tx, "Estates", ["e"])
        await letters.set_members(tx, "Banking", ["b"])

    await desk.desk.storage.write(unit, point="inbox-team")
    for name, post_ in (("e", estates), ("b", banking)):
        clerk = replace(an_admin(), id=name, role="clerk")
        assert await inbox_desk.about(desk.desk, clerk, post_) == (None, [])
    earlier, _ = await inbox_desk.about(desk.desk, an_admin(), estates)
    assert earlier is not None
    assert earlier.letter.exchange == banking.letter.exchange


async def test_t_au_5_nobody_decides_in_time(desk: Running) -> None:
    by_a_person(desk.desk)
    sent = written(desk)
    promised = check(desk, sent, (await post(desk, sent))[1]).answer_by
    assert promised is not None
    desk.clock.at = promised - 1
    await one_round(desk.app)
    assert await late(desk) == 0
    desk.clock.at = promised
    await one_round(desk.app)
    assert await late(desk) == 1
    status, told = await ask(desk, sent.ticket)
    receipt = check(desk, sent, told)
    assert (status, receipt.decision, receipt.reason_code, receipt.answer_by) == (202, "undecided", "no_answer_yet", promised)
    assert receipt.log_head is not None
    assert await verify_decisions(desk.desk, [receipt.log_head]) == receipt.log_head
    await one_round(desk.app)
    assert check(desk, sent, (await ask(desk, sent.ticket))[1]).log_head == receipt.log_head
    page = await (await desk.http.get(f"{desk.base}/metrics")).text()
    assert "muniment_inbox_late 1.0" in page


async def test_what_waits_is_kept_until_after_its_answer_is_due(template: Template, tmp_path: Path) -> None:
    """The longest promise, and a person who is late: the letter is still there, and in the end it can be refused."""
    async with serving(template, tmp_path / "desk", inbox_answer_days=20) as desk:
        by_a_person(desk.desk)
        sent = written(desk)
        desk.clock.at = (check(desk, sent, (await post(desk, sent))[1]).answer_by or 0) + 6 * DAY
        post_ = await the_letter(desk)
        assert post_.opened is not None
        desk.clock.at += DAY
        await one_round(desk.app)
        gone = await the_letter(desk)
        assert (gone.opened, gone.letter.waits) == (None, True)
        with pytest.raises(Conflict):
            await inbox_desk.decide(desk.desk, desk.store, gone, Said(accept=True))
        await inbox_desk.decide(desk.desk, desk.store, gone, Said(accept=False, reason="not_enough"))
        status, told = await ask(desk, sent.ticket)
        receipt = check(desk, sent, told)
        assert (status, receipt.decision, receipt.reason_code, await late(desk)) == (200, "rejected", "not_enough", 0)


async def test_a_letter_in_time_is_not_refused_because_somebody_was_slow(desk: Running) -> None:
    """The copy runs out on the next day, and the person decides on the last one that was promised; what was cancelled meanwhile is refused."""
    by_a_person(desk.desk)
    sent, other = written(desk, days=1), written(desk, days=1, seed="other", status=StatusReference(uri=LIST, idx=IDX + 1))
    promised = check(desk, sent, (await post(desk, sent))[1]).answer_by or 0
    one = await the_letter(desk)
    await post(desk, other)
    assert int(sent.claims["exp"]) < promised
    desk.clock.at = promised - 60
    desk.site.trust = Publisher(seq=2, at=desk.clock() - 60)
    desk.site.lists[LIST] = status_token({IDX + 1: INVALID}, iat=desk.clock() - 3_600)
    await desk.store.refresh(desk.site)
    outcome = await inbox_desk.decide(desk.desk, desk.store, one, Said(accept=True))
    assert (outcome.decision.decision, outcome.decision.code) == ("accepted", "")
    (waits,) = [each for each in await desk.desk.storage.read(lambda tx: letters.listed(tx, desk.clock(), 5)) if each.waits]
    late_one = await inbox_desk.one(desk.desk, an_admin(), waits.exchange)
    thought = await inbox_desk.thought(desk.desk, desk.store, late_one)
    assert thought is not None
    assert (thought.decision, thought.code) == ("rejected", "revoked")


async def the_letter(desk: Running) -> Post:
    """The only one, as an admin sees it."""
    (letter,) = await desk.desk.storage.read(lambda tx: letters.listed(tx, desk.clock(), 5))
    return await inbox_desk.one(desk.desk, an_admin(), letter.exchange)


def an_admin() -> Operator:
    return Operator(id="x", name="x", role="admin", passphrase="", made_at=AT, ended_at=None)


async def test_t_au_5_also_before_the_next_round(desk: Running) -> None:
    by_a_person(desk.desk)
    sent = written(desk)
    desk.clock.at = check(desk, sent, (await post(desk, sent))[1]).answer_by or 0
    assert check(desk, sent, (await ask(desk, sent.ticket))[1]).reason_code == "no_answer_yet"


async def late(desk: Running) -> int:
    return await desk.desk.storage.read(lambda tx: letters.count_late(tx, desk.clock()))


async def test_what_is_no_letter(desk: Running) -> None:
    assert (await post(desk, "a.b.c.d.e"))[0] == 400
    elsewhere = written(desk)
    sent = seal_letter(Letter("{}", b"t" * 16), inbox_of(desk))
    status, told = await post(desk, sent)
    assert (status, told["code"]) == (400, "malformed")
    async with desk.http.post(f"{desk.base}/inbox", data=elsewhere.token.encode(), headers={"Content-Type": "text/plain"}) as answer:
        assert answer.status == 415
    for body in ({}, {"ticket": "AAAA"}, {"ticket": 1}):
        async with desk.http.post(f"{desk.base}/inbox/answer", json=body) as answer:
            assert answer.status == 400
    assert (await ask(desk, b"u" * 16))[0] == 404


async def test_letters_are_opened_one_at_a_time_beside_everything_else(desk: Running) -> None:
    """As copies are read: 4 MB of anything, from anybody, holds up nobody who asks for something else."""
    async with desk.store.reading:
        opens = asyncio.create_task(post(desk, seal_letter(Letter("{}", b"t" * 16), inbox_of(desk))))
        unreadable = asyncio.create_task(post(desk, "a.b.c.d.e"))
        for each in range(20):
            assert (await ask(desk, bytes([each]) * 16))[0] == 404
        assert (opens.done(), unreadable.done()) == (False, False)
    assert ((await opens)[0], (await unreadable)[0]) == (400, 400)


async def test_what_is_nobodys_leaves_nothing_behind(desk: Running) -> None:
    """Anybody can make such letters; whoever filled the log with them would keep wallets from following it."""
    before = await desk.desk.storage.read(log.head)
    stranger = Authority.new("https://evil.example", subject="Nobody")
    for code, how in (
        ("wrong_audience", {"to": "https://somebody.example"}),
        ("purpose_mismatch", {"purpose": "We have paid you GBP 10,000"}),
        ("untrusted", {"by": stranger}),
        ("not_bound", {"wire": issue(seed="hers", to=Signer.new())}),
    ):
        sent = written(desk, seed=code, **how)
        status, told = await post(desk, sent)
        assert (status, told["code"], code in told["detail"]) == (400, "malformed", True), told
        assert (await ask(desk, sent.ticket))[0] == 404
    assert await desk.desk.storage.read(log.head) == before
    assert list(await desk.desk.storage.read(lambda tx: tx.fetch("SELECT ticket FROM letter"))) == []
    assert list(await desk.desk.storage.read(lambda tx: tx.fetch("SELECT id FROM exchange"))) == []
    page = await (await desk.http.get(f"{desk.base}/metrics")).text()
    assert "muniment_inbox_refused_total 4.0" in page


async def test_keys_follow_each_other(desk: Running) -> None:
    old = inbox_of(desk)
    sent = written(desk)
    desk.clock.at = AT + 180 * DAY
    await one_round(desk.app)
    assert inbox_of(desk).kid != old.kid
    assert await opens(desk, old.kid)
    desk.clock.at += 31 * DAY
    await one_round(desk.app)
    assert not await opens(desk, old.kid)
    assert (await post(desk, sent))[0] == 400


async def opens(desk: Running, kid: str) -> bool:
    return any(each.kid == kid for each in await desk.desk.storage.read(letters.keys))


async def test_what_is_certified_names_the_inbox(desk: Running) -> None:
    await one_round(desk.app)
    published = parse_publication(await (await desk.http.get(f"{desk.base}/.well-known/muniment-trust")).read())
    (data,) = published.of(RP_CERTIFICATE)
    assert parse_rp_certificate(data).inbox_for("bank") == inbox_of(desk)
    assert inbox_of(desk).url == "https://desk.example/inbox"
    configuration = await (await desk.http.get(f"{desk.base}/.well-known/openid-federation")).text()
    assert parse_jwt(configuration).claims["metadata"]["openid_credential_verifier"]["inbox"] == render_inbox(inbox_of(desk))


async def test_without_an_inbox_nothing_is_taken(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk", inbox=False) as desk:
        async with desk.http.post(f"{desk.base}/inbox", data=b"x", headers={"Content-Type": "application/jose"}) as answer:
            assert answer.status == 404
        await inbox_keys.tend(desk.desk)
        assert not (desk.desk.directory / "inbox.json").exists()


async def test_a_group_has_a_short_name(desk: Running) -> None:
    for team in ("x" * 61, "a\nb"):
        with pytest.raises(ConfigError, match="team"):
            by_a_person(desk.desk, team=team)


VALUES = (b"Ashdown", b"Margaret", b"ZZ99 4CD", b"1938-11-02")


def on_disk(folder: Path) -> list[bytes]:
    """What of the shown values lies anywhere in the data folder, in write-ahead logs and free pages too."""
    return [value for file in folder.rglob("*") if file.is_file() for value in VALUES if value in file.read_bytes()]


async def test_t_au_3_nothing_that_was_shown_lies_open_anywhere(desk: Running) -> None:
    first = written(desk)
    await post(desk, first)
    by_a_person(desk.desk)
    second = written(desk, seed="two", about=first.claims["jti"])
    await post(desk, second)
    assert on_disk(desk.desk.directory) == []
    tickets = [each.ticket for each in (first, second)] + [each.claims["jti"].encode() for each in (first, second)]
    files = [file.read_bytes() for file in desk.desk.directory.rglob("*") if file.is_file()]
    assert not [each for each in tickets for data in files if each in data]


async def test_details_go_when_they_should_and_the_answer_stays_a_month(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk", retention_days=2) as desk:
        sent = written(desk)
        receipt = check(desk, sent, (await post(desk, sent))[1])
        assert receipt.retain_until == AT + 2 * DAY
        assert await kept(desk) == 1
        desk.clock.at += 2 * DAY
        await one_round(desk.app)
        assert await kept(desk) == 0
        assert check(desk, sent, (await ask(desk, sent.ticket))[1]) == receipt
        desk.clock.at = AT + 31 * DAY
        await one_round(desk.app)
        assert (await ask(desk, sent.ticket))[0] == 404


async def kept(desk: Running) -> int:
    """How many verdicts with details there are."""
    return len(await desk.desk.storage.read(lambda tx: exchanges.held(tx, desk.clock())))


async def verdicts(desk: Running) -> list[Opened]:
    """What lies sealed."""
    held = await desk.desk.storage.read(lambda tx: exchanges.held(tx, desk.clock()))
    return [await opened_of(desk.desk, each.id) for each in held]


async def opened_of(desk: Desk, identifier: str) -> Opened:
    exchange = await find(desk, identifier)
    assert isinstance(exchange, Answered)
    opened = await open_verdict(desk, exchange)
    assert opened is not None
    return opened


async def test_an_answer_costs_the_same_for_a_ticket_of_none(desk: Running) -> None:
    """One keyed digest and one look into the database either way, and the same words."""
    told = [await ask(desk, bytes([each]) * 16) for each in range(3)]
    assert {each[0] for each in told} == {404}
    assert {each[1]["detail"] for each in told} == {"there is no letter with this ticket"}


async def test_a_department_has_an_inbox_of_its_own(desk: Running, tmp_path: Path) -> None:
    """What its own service says of itself is registered for this use alone; the body's own serves the rest."""
    own = Inbox("https://estates.example/inbox", inbox_of(desk).key)
    file = tmp_path / "register.json"
    file.write_text(json.dumps({"inbox": render_inbox(own)}))
    folder = ["--dir", str(desk.desk.directory)]
    assert await asyncio.to_thread(main, ["uses", "state", "bank", "--inbox", str(file), *folder]) == 0
    await one_round(desk.app)
    published = parse_publication(await (await desk.http.get(f"{desk.base}/.well-known/muniment-trust")).read())
    one = parse_rp_certificate(published.of(RP_CERTIFICATE)[0])
    assert (one.inbox_for("bank"), one.inbox_for("council-tax")) == (own, inbox_of(desk))
    for wrong in ("{}", "no JSON", '{"inbox": {"url": "https://x.example"}}'):
        file.write_text(wrong)
        assert await asyncio.to_thread(main, ["uses", "state", "bank", "--inbox", str(file), *folder]) == 78
    assert await asyncio.to_thread(main, ["uses", "state", "bank", "--inbox", "-", *folder]) == 0
    assert registering.argued_of(desk.desk.directory, "bank").inbox == ""


async def test_nobody_posts_without_end(desk: Running) -> None:
    told = [(await post(desk, "a.b.c.d.e"))[0] for _ in range(121)]
    assert (set(told[:120]), told[120]) == ({400}, 429)
