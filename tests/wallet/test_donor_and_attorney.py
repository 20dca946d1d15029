"""Margaret sees what Nora does for her, and stops it; nobody between them learns anything (security rule S27)."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from support.counter import USE
from support.family import CLERK, Family, Person, family
from support.holdings import put_document
from support.registry import LPA_1, Template, make_template
from support.second_person import approve, send_back
from support.trial_verify import CLAIMS
from support.wallets import EASY
from support.world import BANK, COUNCIL

from issuer import donors, reports, revoke
from issuer.people import BY_INVITATION
from issuer.records import corrections as records
from issuer.records import documents
from issuer.replace import replace as correct
from issuer.revoke import Wish
from issuer.sessions import Action
from shared import donor
from shared.clock import DAY
from shared.codec import base64url
from shared.credentials import Text, by_id
from shared.credentials._derive import dcql, path_in
from shared.dcql import parse_query
from shared.errors import AccessDenied, Conflict, Malformed, Missing, Refused, Unavailable, VcError
from shared.formats import Binding, formats
from shared.jose import jwe
from shared.openid4vci import refresh
from shared.ovp.challenge import Asker
from shared.storage import Storage, Tx
from shared.trust.relying_party import Want
from shared.web import log
from wallet import at_office, both_sides, reported, reporting
from wallet import corrections as disputes
from wallet.answer import Question, find_reply
from wallet.at_office import Standing, post
from wallet.backup import BackupTools, open_backup, restore
from wallet.batch import ask_parts
from wallet.choose import find_offers
from wallet.clients import client_of
from wallet.lease import grant_of
from wallet.phone import begin
from wallet.receive import renewed
from wallet.records import COPIES, DOCUMENTS
from wallet.share import Wish as CopyWish
from wallet.share import preview

HOUR = 3_600


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(make_template(tmp_path_factory.mktemp("office") / "registry"))


@pytest.fixture
async def they(template: Template, tmp_path: Path) -> AsyncIterator[Family]:
    async with family(template, tmp_path, how_to_contest="Ring 01632 960000") as all_of_them:
        yield all_of_them


async def heard(they: Family) -> list[tuple[int, str]]:
    """What Margaret was told: the number of each use, and what for."""
    item = await they.margaret.item()
    state = await reported.state_of(they.margaret.wallet.means, they.margaret.wallet.vault, item.id)
    return [] if state is None else [(use.number, use.entity) for use in state.uses]


async def stand(they: Family) -> tuple[str, str]:
    """How both documents stand, as their wallets know it."""
    return (await they.nora.item()).value.status.value, (await they.margaret.item()).value.status.value


async def asks(they: Family, what: str) -> Standing:
    person = they.margaret
    return await at_office.ask(person.wallet.means, person.wallet.vault, await person.item(), what)


async def told(they: Family) -> Standing:
    """What Nora's wallet was told of why her document does not count."""
    found = await at_office.standing_of(they.nora.wallet.means, they.nora.wallet.vault, (await they.nora.item()).id)
    assert found is not None
    return found


# --- reports -----------------------------------------------------------------------------------------------------------------------------


async def test_t_ag_1_the_donor_sees_what_was_done_for_her(they: Family) -> None:
    await they.grant(await they.appoint())
    await they.go(0)
    await they.show("council-tax")
    await they.show("bank")
    await they.go(DAY)
    assert await heard(they) == []
    await they.go(20 * DAY)
    numbers = [number for number, _ in await heard(they)]
    assert numbers == [1, 2]
    await they.show("council-tax")
    await they.go(20 * DAY)
    assert [number for number, _ in await heard(they)] == [1, 2, 3]
    assert len({len(each.body) for each in they.nora.to("/reports")}) == 1


async def test_reports_come_alike_whether_or_not_anything_was_done(template: Template, tmp_path: Path) -> None:
    """The same requests at the same moments, of the same size: one a refresh, and none because of a use."""
    looks, left = [], []
    for used in (False, True):
        async with family(template, tmp_path / str(used)) as they:
            await they.grant(await they.appoint())
            begun = they.registry.clock.at
            for _ in range(15):
                if used:
                    await they.show("council-tax")
                await they.go(3 * DAY)
            mine = [each for each in they.nora.sent if each.path.startswith("/reports")]
            looks.append([(each.at - begun, each.path, len(each.body), each.status) for each in mine])
            left.append(len(they.nora.to("/reports")))
            assert len(await heard(they)) == (14 if used else 0) or not used
    assert looks[0] == looks[1]
    assert left == [2, 2]


async def test_donor_relay_cannot_read(they: Family, tmp_path: Path) -> None:
    """The issuer carries the reports. Neither what passes it nor what lies on its disk says anything, and none of its keys opens them."""
    number = await they.appoint()
    await they.grant(number)
    await they.go(0)
    await they.show("bank")
    await they.go(21 * DAY)
    await they.go(DAY)
    assert len(await heard(they)) == 1
    carried = b"".join(each.body for each in [*they.nora.sent, *they.margaret.sent])
    await they.registry.office.storage.checkpoint()
    disk = b"".join(path.read_bytes() for path in (tmp_path / "registry").rglob("*") if path.is_file())
    for word in (b"Northwold", b"northwold", BANK.encode(), COUNCIL.encode(), b"Bank account", b'"uses"'):
        assert word not in carried
        assert word not in disk
    (report,) = [json.loads(each.body)["report"] for each in they.nora.to("/reports")]
    assert len(report) == donor.SIZE
    secret = await donors.secret_of(they.registry.office, number)
    for key in (jwe.generate_ephemeral(), donor.key_of_words(secret.hex())):
        with pytest.raises(Malformed):
            donor.open_report(report, key)


async def test_the_secret_is_nowhere_on_the_issuers_disk(they: Family, tmp_path: Path) -> None:
    number = await they.appoint()
    await they.grant(number)
    secret = (await they.margaret.item()).value.claims["report_secret"]
    assert donor.read_secret(secret) == await donors.secret_of(they.registry.office, number)
    assert donor.read_tag((await they.nora.item()).value.claims["report_tag"]) == donor.tag_of(donor.read_secret(secret))
    await they.registry.office.storage.checkpoint()
    for path in (tmp_path / "registry").rglob("*"):
        assert not path.is_file() or (secret.encode() not in path.read_bytes() and donor.read_secret(secret) not in path.read_bytes())


async def test_a_lost_answer_doubles_no_use(they: Family) -> None:
    await they.grant(await they.appoint())
    await they.go(0)
    await they.show()
    they.nora.lost = {"/reports"}
    await they.go(21 * DAY)
    they.nora.lost = set()
    await they.go(HOUR)
    await they.go(DAY)
    assert [number for number, _ in await heard(they)] == [1]
    assert len(they.nora.to("/reports")) == 2


async def test_what_finds_no_room_comes_with_the_next(they: Family) -> None:
    await they.grant(await they.appoint())
    await they.go(0)
    for _ in range(15):
        await they.show()
    await they.go(21 * DAY)
    await they.go(DAY)
    first = len(await heard(they))
    assert 5 < first < 15
    await they.go(20 * DAY)
    await they.go(DAY)
    assert [number for number, _ in await heard(they)] == list(range(1, 16))


async def test_nobody_is_told_before_the_donor_has_a_key(they: Family) -> None:
    number = await they.appoint()
    await they.go(0)
    await they.show()
    await they.go(21 * DAY)
    assert they.nora.to("/reports") == []
    await they.grant(number)
    await they.go(0)
    await they.go(20 * DAY)
    await they.go(DAY)
    assert [number for number, _ in await heard(they)] == [1]


async def test_another_key_is_noticed(they: Family) -> None:
    number = await they.appoint()
    await they.grant(number)
    await they.go(0)
    await they.go(21 * DAY)
    secret = (await they.margaret.item()).value.claims["report_secret"]
    await post(
        they.margaret.wallet.means,
        f"{they.registry.url}/reports/key",
        {"secret": secret, "key": donor.public_key(jwe.generate_ephemeral())},
    )
    await they.go(20 * DAY)
    item = await they.nora.item()
    state = await reporting.state_of(they.nora.wallet.means, they.nora.wallet.vault, item.id)
    assert state is not None
    assert state.changed_at == they.world.clock()
    await they.go(DAY)
    found = await reported.state_of(they.margaret.wallet.means, they.margaret.wallet.vault, (await they.margaret.item()).id)
    assert found is not None
    assert (found.reports, found.unread, found.elsewhere_at) == (1, 1, they.world.clock() - DAY)


async def test_a_sheet_that_the_donor_did_not_ask_for_is_noticed_and_taken_back(they: Family) -> None:
    """What was locked with it in between stays for whoever has the sheet; what comes after is hers again."""
    number = await they.appoint()
    await they.grant(number)
    await they.go(0)
    office, means, vault = they.registry.office, they.margaret.wallet.means, they.margaret.wallet.vault
    words = await reports.new_sheet(office, number, donor.tag_of(await donors.secret_of(office, number)), CLERK)
    await they.show()
    await they.go(21 * DAY)
    await they.go(DAY)
    item = await they.margaret.item()
    found = await reported.state_of(means, vault, item.id)
    assert found is not None
    assert (found.uses, found.unread, found.elsewhere_at > 0) == ((), 1, True)
    await reported.take_back(means, vault, item)
    await they.show()
    await they.go(20 * DAY)
    await they.go(DAY)
    found = await reported.state_of(means, vault, item.id)
    assert found is not None
    assert ([use.number for use in found.uses], found.elsewhere_at) == ([2], 0)
    aloud = await reports.read_aloud(office, donor.tag_of(await donors.secret_of(office, number)), words)
    assert [use.number for use in aloud or []] == [1]


@pytest.mark.parametrize("uses", [0, 15])
async def test_how_many_reports_come_after_the_end_tells_nothing(they: Family, uses: int) -> None:
    await they.grant(await they.appoint())
    await they.go(0)
    for _ in range(uses):
        await they.show()
    await asks(they, "end")
    for _ in range(6):
        await they.go(21 * DAY)
    assert len(they.nora.to("/reports")) == reporting.LAST
    assert [number for number, _ in await heard(they)] == list(range(1, uses + 1))


async def test_what_was_not_told_yet_is_told_of_a_card_that_was_removed(they: Family) -> None:
    """The same number of reports as after an end; then nothing of it is left."""
    await they.grant(await they.appoint())
    await they.go(0)
    await they.show("bank")
    wallet, item = they.nora.wallet, await they.nora.item()

    async def drop(tx: Tx) -> None:
        await DOCUMENTS.drop(tx, wallet.vault, item.id)
        await both_sides.forget(tx, wallet.means, wallet.vault, item)

    await wallet.storage.write(drop)
    for _ in range(6):
        await they.go(21 * DAY)
    assert len(they.nora.to("/reports")) == reporting.LAST
    assert [entity for _, entity in await heard(they)] == [BANK]
    assert await reporting.state_of(wallet.means, wallet.vault, item.id) is None


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/reports/to", {"tag": "A" * 43}, 400),
        ("/reports/to", {"tag": "A" * 43, "pass": "A" * 22}, 404),
        ("/reports/to", {"secret": "A" * 22}, 404),
        ("/reports", {"tag": "A" * 43, "report": "x" * donor.SIZE}, 400),
        ("/reports", {"tag": "A" * 43, "pass": "A" * 22, "report": "x" * donor.SIZE}, 404),
        ("/reports", {"tag": "A" * 43, "pass": "A" * 22, "report": "x" * 5_000}, 413),
        ("/reports/key", {"secret": "A" * 22, "key": donor.public_key(jwe.generate_ephemeral())}, 404),
        ("/reports/key", {"secret": "A" * 22, "key": {}}, 400),
        ("/reports/collect", {"secret": "A" * 22, "had": []}, 404),
        ("/reports/collect", {"secret": "A" * 43, "had": []}, 400),
        ("/reports/collect", {"secret": "A" * 22, "had": ["x"] * 51}, 413),
        ("/reports/collect", {"secret": 1, "had": []}, 400),
        ("/reports/why", {"tag": "A" * 43}, 400),
        ("/reports/why", {"tag": "A" * 43, "pass": "A" * 22}, 404),
        ("/reports/why", {"secret": "A" * 22}, 404),
        ("/reports/why", {}, 400),
        ("/holder/hold", {"nonce": "x", "presentation": "y"}, 400),
        ("/holder/everything", {"nonce": "x", "presentation": "y"}, 404),
    ],
)
async def test_strangers_get_nothing(they: Family, path: str, body: object, status: int) -> None:
    async with they.registry.http.post(they.registry.base + path, json=body) as answer:
        assert answer.status == status, await answer.text()
    async with they.registry.http.post(they.registry.base + path, data=b"{}") as answer:
        assert answer.status == 415


async def test_whoever_was_shown_the_mark_alone_reports_nothing(they: Family) -> None:
    """Nor takes the place of what is reported, nor fills the box, nor hears why a document does not count."""
    number = await they.appoint()
    await they.grant(number)
    await they.go(0)
    means, item = they.nora.wallet.means, await they.nora.item()
    tag, passing = item.value.claims["report_tag"], item.value.report_pass
    key = await reports.key_for(they.registry.office, donor.read_tag(tag))
    report, _ = donor.seal_report([FORGED], donor.parse_key(key))
    other = base64url.encode(await donors.pass_of(they.registry.office, "another"))
    for given in ({}, {"pass": other}, {"pass": item.value.claims["report_tag"][:22]}):
        for path, more in (("/reports/to", {}), ("/reports/why", {}), ("/reports", {"report": report})):
            with pytest.raises((Missing, Refused)):
                await post(means, f"{they.registry.url}{path}", {"tag": tag, **given, **more})
    await they.show("bank")
    for _ in range(2):
        await they.go(21 * DAY)
    assert [entity for _, entity in await heard(they)] == [BANK]
    assert passing == (await they.nora.item()).value.report_pass == base64url.encode(await donors.pass_of(they.registry.office, number))


async def test_what_is_told_in_two_ways_stands_there_twice(they: Family) -> None:
    """An attorney's wallet that was changed hides nothing that it told before, or afterwards."""
    await they.grant(await they.appoint())
    await they.go(0)
    item = await they.nora.item()
    tag, passing = item.value.claims["report_tag"], item.value.report_pass
    key = await reports.key_for(they.registry.office, donor.read_tag(tag))
    report, _ = donor.seal_report([FORGED], donor.parse_key(key))
    await post(they.nora.wallet.means, f"{they.registry.url}/reports", {"tag": tag, "pass": passing, "report": report})
    await they.go(DAY)
    await they.show("bank")
    for _ in range(2):
        await they.go(21 * DAY)
    state = await reported.state_of(they.margaret.wallet.means, they.margaret.wallet.vault, (await they.margaret.item()).id)
    assert state is not None
    assert [(use.number, use.entity, use.fits) for use in state.uses] == [(1, FORGED.entity, False), (1, BANK, False)]


async def test_how_it_came_out_may_be_known_later(they: Family) -> None:
    """A letter that was not delivered after all, told again after an answer of the office was lost, is no other use. What was shown there and then
    came out as it did: told of in two ways, it fits in neither.
    """
    await they.grant(await they.appoint())
    await they.go(0)
    item = await they.nora.item()
    tag, passing = item.value.claims["report_tag"], item.value.report_pass
    key = donor.parse_key(await reports.key_for(they.registry.office, donor.read_tag(tag)))
    live = replace(FORGED, number=2)
    for result in ("success", "failed", "success", "failed"):
        report, _ = donor.seal_report([replace(FORGED, result=result, live=False), replace(live, result=result)], key)
        await post(they.nora.wallet.means, f"{they.registry.url}/reports", {"tag": tag, "pass": passing, "report": report})
    await they.go(21 * DAY)
    state = await reported.state_of(they.margaret.wallet.means, they.margaret.wallet.vault, (await they.margaret.item()).id)
    assert state is not None
    assert [(use.number, use.result, use.fits) for use in state.uses] == [(1, "failed", True), (2, "success", False), (2, "failed", False)]


FORGED = donor.Use(number=1, at=1, name="Harmless Ltd", entity="https://x.example", purpose="nothing", result="success", live=True)


# --- stopping ----------------------------------------------------------------------------------------------------------------------------


async def test_the_donor_stops_lets_go_on_and_ends(they: Family) -> None:
    await they.grant(await they.appoint())
    await they.go(0)
    assert await stand(they) == ("valid", "valid")
    assert (await asks(they, "hold")).standing == "on-hold"
    await they.go(HOUR)
    assert await stand(they) == ("suspended", "suspended")
    why = await told(they)
    assert (why.reason, why.words_en, why.contest) == ("donor-asked", "The donor asked for it", "Ring 01632 960000")
    assert (await asks(they, "hold")).standing == "on-hold", "she may ask again: it was done once"
    assert (await asks(they, "reinstate")).standing == "valid"
    await they.go(HOUR)
    assert await stand(they) == ("valid", "valid")
    assert (await asks(they, "end")).reason == "donor-revoked"
    await they.go(HOUR)
    assert await stand(they) == ("invalid", "invalid")
    assert (await told(they)).words_cy == "Mae’r rhoddwr wedi ei dirymu"
    assert (await asks(they, "end")).reason == "donor-revoked"
    for what in ("hold", "reinstate"):
        with pytest.raises(Conflict):
            await asks(they, what)


async def test_each_hold_has_its_own_reason(they: Family) -> None:
    number = await they.appoint()
    await they.grant(number)
    await asks(they, "hold")
    await they.go(HOUR)
    assert (await told(they)).reason == "donor-asked"
    await asks(they, "reinstate")
    await they.go(HOUR)
    await hold_for_safeguarding(they, number)
    await they.go(HOUR)
    assert (await told(they)).reason == "investigation"


async def test_an_office_that_is_away_is_asked_again(they: Family) -> None:
    await they.grant(await they.appoint())
    await they.go(0)
    await they.show()
    they.nora.down = they.margaret.down = True
    await they.go(21 * DAY)
    with pytest.raises(Unavailable):
        await asks(they, "hold")
    they.nora.down = they.margaret.down = False
    await they.go(HOUR)
    await they.go(DAY)
    assert [number for number, _ in await heard(they)] == [1]


async def test_a_backup_keeps_what_was_told_and_the_key_to_what_comes(they: Family) -> None:
    await they.grant(await they.appoint())
    await they.go(0)
    await they.show()
    await they.go(21 * DAY)
    await they.go(DAY)
    wallet, passphrase = they.margaret.wallet, "one passphrase for the file"
    tools = BackupTools(storage=wallet.storage, hardness=EASY, clock=they.world.clock, entropy=wallet.means.entropy)
    file = await tools.back_up(wallet.vault, holder="Margaret", passphrase=passphrase)
    content = await open_backup(file, passphrase)
    at, entropy = they.world.clock(), wallet.means.entropy
    wallet.opened = await restore(wallet.doors, content, holder="Margaret again", passphrase=passphrase, at=at, entropy=entropy)
    assert [number for number, _ in await heard(they)] == [1]
    await they.show()
    await they.go(20 * DAY)
    await they.go(DAY)
    assert [number for number, _ in await heard(they)] == [1, 2]


async def test_what_the_office_does_happens_to_both(they: Family) -> None:
    number = await they.appoint()
    await they.grant(number)
    for action, reason, after in (
        (Action.HOLD, "court-order", "suspended"),
        (Action.REINSTATE, "court-order", "valid"),
        (Action.CANCEL, "donor-died", "invalid"),
    ):
        await revoke.change_one(they.registry.office, number, Wish(action=action, reason=reason, actor=CLERK))
        await they.go(HOUR)
        assert await stand(they) == (after, after)


async def test_a_correction_comes_to_the_donor_too(they: Family) -> None:
    number = await they.appoint()
    await they.grant(number)
    body = {"claims": LPA_1 | {"powers": ["council-tax"]}, "reason": "wrong powers"}
    status, answer = await they.registry.call("POST", f"/api/credentials/{number}/correction", body)
    assert status == 200, answer
    await they.go(21 * DAY)
    assert (await they.margaret.item()).value.claims["powers"] == ["council-tax"]


NORAH = LPA_1 | {"proxy": LPA_1["proxy"] | {"given_name": "Norah"}}


@asynccontextmanager
async def disputing(template: Template, folder: Path, detail: str, **settings: Any) -> AsyncIterator[tuple[Family, str, str, str]]:
    """Margaret says that a detail of hers is wrong: the attorney's document, hers, and the office's number of what she said."""
    async with family(template, folder, **settings) as they:
        made = await they.registry.make()
        number, office, waits = made["id"], they.registry.office, settings.get("approve_types", ())
        if "representation" in waits:
            await approve(office, number)
        await they.collect(they.nora, made["invitation_link"], made["code"])
        granted = await donors.make(office, number, actor=CLERK)
        if "representation-granted" in waits:
            await approve(office, granted.document)
        await they.redeem(they.margaret, granted)
        await they.go(0)
        wallet, item = they.margaret.wallet, await they.margaret.item()
        made_of_it = await disputes.say_wrong(wallet.means, wallet.vault, item.id, detail, "It is another.")
        yield they, number, granted.document, made_of_it.value.reference


async def hers_now(they: Family) -> tuple[str, str, str]:
    """What became of what she said, what her card says of it, and the attorney's name."""
    wallet, item = they.margaret.wallet, await they.margaret.item()
    (said,) = await disputes.of_document(wallet.means, wallet.vault, item.id)
    return said.value.state, item.value.standing, item.value.claims["proxy"]["given_name"]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_what_a_donor_says_is_wrong_is_corrected_in_the_attorneys_document(
    template: Template, tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    """It says nothing of its own: correcting it alone would answer her and change nothing. Both are corrected at once, and her copies at once too."""
    where = {} if database == "sqlite" else {"storage": request.getfixturevalue("postgresql_uri")}
    async with disputing(template, tmp_path, "proxy/given_name", **where) as (they, number, hers, reference):
        office = they.registry.office
        told = donors.seen_by_donor(NORAH)
        with pytest.raises(Conflict, match=f"correct that one, {number}"):
            await correct(office, hers, told, reason="x", actor=CLERK, correction=reference)
        body = {"claims": told, "reason": "x", "answers": reference}
        status, answer = await they.registry.call("POST", f"/api/credentials/{hers}/correction", body)
        assert (status, answer["code"]) == (409, "conflict")
        assert number in answer["detail"]
        with pytest.raises(Malformed, match="stays the same") as wrong:
            await correct(office, number, LPA_1 | {"powers": ["banking"]}, reason="x", actor=CLERK, correction=reference)
        assert wrong.value.where == "/claims/proxy/given_name"
        await correct(office, number, NORAH, reason="The register says Norah", actor=CLERK, correction=reference)
        await they.go(HOUR + 1)
        await they.go(HOUR)
        assert await hers_now(they) == ("corrected", "valid", "Norah")
        assert "disputed" not in (await they.margaret.item()).value.claims
        history = await office.storage.read(lambda tx: documents.history(tx, hers))
        assert [(each.kind, each.copies) for each in history if each.kind == "corrected"] == [("corrected", 20)]
        lines = await office.storage.read(lambda tx: log.page(tx, before=1_000, limit=1_000))
        entries = [line.entry.entry for line in lines if line.entry.entry is not None]
        assert {each["type"] for each in entries if each["kind"] == "corrected"} == {"representation", "representation-granted"}


async def test_a_correction_of_what_a_donor_does_not_see_leaves_hers_alone(template: Template, tmp_path: Path) -> None:
    async with disputing(template, tmp_path, "proxy/given_name") as (they, number, hers, _):
        born = LPA_1 | {"represented": LPA_1["represented"] | {"birthdate": "1938-11-12"}}
        await correct(they.registry.office, number, born, reason="x", actor=CLERK)
        await they.go(HOUR + 1)
        assert await hers_now(they) == ("open", "valid", "Nora")
        history = await they.registry.office.storage.read(lambda tx: documents.history(tx, hers))
        assert "corrected" not in {each.kind for each in history}


async def test_the_day_since_when_has_another_name_in_the_attorneys_document(template: Template, tmp_path: Path) -> None:
    async with disputing(template, tmp_path, "since") as (they, number, _, reference):
        office = they.registry.office
        with pytest.raises(Malformed, match="stays the same") as wrong:
            await correct(office, number, NORAH, reason="x", actor=CLERK, correction=reference)
        assert wrong.value.where == "/claims/grant_date"
        await correct(office, number, NORAH | {"grant_date": "2021-05-05"}, reason="x", actor=CLERK)
        await they.go(HOUR + 1)
        await they.go(HOUR)
        assert await hers_now(they) == ("corrected", "valid", "Norah")


BOTH = ("representation", "representation-granted")


@pytest.mark.parametrize("waits", [BOTH[:1], BOTH], ids=["the-attorneys", "both"])
async def test_a_donor_hears_corrected_once_all_have_agreed(template: Template, tmp_path: Path, waits: tuple[str, ...]) -> None:
    async with disputing(template, tmp_path, "proxy/given_name", approve_types=waits) as (they, number, hers, reference):
        office = they.registry.office
        await correct(office, number, NORAH, reason="x", actor=CLERK, correction=reference)
        await they.go(HOUR + 1)
        assert await hers_now(they) == ("open", "renewing", "Nora")
        await send_back(office, number, "It says Nora there")
        assert (await office.storage.read(lambda tx: records.get(tx, reference))).reason_code == records.BACK
        await correct(office, number, NORAH, reason="It says Norah", actor=CLERK)
        if waits == BOTH:  # hers alone is not enough
            await approve(office, hers)
            await they.go(DAY)
            assert await hers_now(they) == ("open", "renewing", "Nora")
        await approve(office, number)
        await they.go(DAY)
        await they.go(HOUR)
        assert await hers_now(they) == ("corrected", "valid", "Norah")


async def test_a_donors_side_made_at_the_same_moment_ends_the_correction(they: Family) -> None:
    number = await they.appoint()
    office = they.registry.office
    made = await donors.make(office, number, actor=CLERK)

    class Late:
        """A database in which somebody unlinks the donor's document before the write."""

        def __getattr__(self, name: str) -> Any:
            return getattr(office.storage, name)

        async def write(self, unit: Callable[[Tx], Awaitable[Any]], **how: Any) -> Any:
            await office.storage.write(lambda tx: tx.execute("DELETE FROM granted WHERE document = $1", made.document))
            return await office.storage.write(unit, **how)

    with pytest.raises(Conflict, match="same moment"):
        await correct(replace(office, storage=cast("Storage", Late())), number, NORAH, reason="x", actor=CLERK)


async def hold_for_safeguarding(they: Family, number: str) -> None:
    await revoke.change_one(they.registry.office, number, Wish(action=Action.HOLD, reason="investigation", actor=CLERK))


async def test_t_ag_3_a_safeguarding_hold_tells_nobody_who_asked(they: Family, tmp_path: Path) -> None:
    """Nora is told that it is looked into and how to contest. That is all that anything knows, so that nothing can tell more."""
    number = await they.appoint()
    await they.grant(number)
    await they.go(0)
    await hold_for_safeguarding(they, number)
    await they.go(HOUR)
    why = await told(they)
    assert (why.standing, why.reason, why.words_en, why.since % DAY) == ("on-hold", "investigation", "Under investigation", 0)
    (answer,) = they.nora.to("/reports/why")
    assert answer.status == 200
    with pytest.raises(Conflict, match="another reason"):  # nor can Margaret's wallet be used to lift it
        await asks(they, "reinstate")
    database = sqlite3.connect(next((tmp_path / "registry").glob("*.db")))
    rows = database.execute("SELECT kind, actor_role, actor, reason FROM event WHERE document = ? AND kind = 'held'", (number,)).fetchall()
    assert rows == [("held", CLERK.role, CLERK.name, "investigation")]


async def test_t_ag_3_what_the_donors_phone_has_stopped_is_held_to_keep_her_safe_all_the_same(they: Family) -> None:
    """Who has her phone, and may be the one that is looked into, neither keeps that from happening nor ends it."""
    number = await they.appoint()
    await they.grant(number)
    await they.go(0)
    await asks(they, "hold")
    await hold_for_safeguarding(they, number)
    with pytest.raises(Conflict, match="another reason"):
        await asks(they, "reinstate")
    with pytest.raises(Conflict):
        await asks(they, "hold")
    await they.go(HOUR)
    assert await stand(they) == ("suspended", "suspended")
    assert (await told(they)).reason == "investigation"
    await revoke.change_one(they.registry.office, number, Wish(action=Action.REINSTATE, reason="investigation-closed", actor=CLERK))
    await they.go(HOUR)
    assert await stand(they) == ("suspended", "suspended"), "what she has stopped stays so until she lets it go on"
    assert (await asks(they, "reinstate")).standing == "valid"
    await they.go(HOUR)
    assert await stand(they) == ("valid", "valid")


async def test_what_an_attorney_sees_is_the_same_whoever_asked(template: Template, tmp_path: Path) -> None:
    """Once Margaret herself wanted it and once a neighbour: the same answers, down to their sizes."""
    seen = []
    for donors_wish in (True, False):
        async with family(template, tmp_path / str(donors_wish)) as they:
            number = await they.appoint()
            await they.grant(number)
            await they.go(0)
            if donors_wish:  # at the counter, afraid: the clerk does the same for anybody
                await at_office.look(they.margaret.wallet.means, they.margaret.wallet.vault, await they.margaret.item())
            await hold_for_safeguarding(they, number)
            await they.go(HOUR)
            begun = they.registry.clock.at
            seen.append(
                (await told(they), [(each.at - begun, each.path, each.status) for each in they.nora.sent if each.path.endswith("/why")])
            )
    assert seen[0][0] == seen[1][0]
    assert seen[0][1] == seen[1][1]


# --- who can do what ---------------------------------------------------------------------------------------------------------------------


async def test_t_ag_2_an_attorney_gets_nothing_of_the_donors(they: Family) -> None:
    number = await they.appoint()
    await they.grant(number)
    means, vault, item = they.nora.wallet.means, they.nora.wallet.vault, await they.nora.item()
    for what in ("hold", "reinstate", "end"):  # her own document stops nothing
        with pytest.raises(Refused):
            await at_office.ask(means, vault, item, what)
    assert "report_secret" not in item.value.claims
    with pytest.raises((Malformed, Refused)):  # and what it has is not what opens the box
        await post(means, f"{they.registry.url}/reports/collect", {"secret": item.value.claims["report_tag"], "had": []})
    half = donor.read_tag(item.value.claims["report_tag"])[: donor.SECRET_BYTES]
    with pytest.raises(Missing):
        await post(means, f"{they.registry.url}/reports/collect", {"secret": base64url.encode(half), "had": []})
    assert item.value.renewal is not None
    client = await client_of(means, vault, item.value.issuer)
    token = await client.run(refresh(client.metadata, item.value.renewal.token))
    grant = renewed(client, token, grant_of(item.value.renewal), means.clock())
    with pytest.raises(Refused):  # nor is its grant good for her document
        await ask_parts(means, client, grant, [client.metadata.issuer.configurations[f"{donors.GRANTED}-sd-jwt"]])
    (own,) = await ask_parts(means, client, grant, [client.metadata.issuer.configurations["representation-sd-jwt"]])
    assert own.wires


async def test_an_ask_counts_once_for_one_thing_and_from_one_holder(they: Family) -> None:
    await they.grant(await they.appoint())
    await asks(they, "hold")
    await asks(they, "reinstate")
    (asked,) = they.margaret.to("/holder/hold")
    for path in ("/holder/reinstate", "/holder/hold", "/holder/end"):
        async with they.registry.http.post(
            they.registry.base + path, data=asked.body, headers={"Content-Type": "application/json"}
        ) as answer:
            assert answer.status == 400
    await they.go(HOUR)
    assert await stand(they) == ("valid", "valid")


async def test_one_copy_serves_for_all_asks(they: Family) -> None:
    await they.grant(await they.appoint())
    before = (await they.margaret.item()).value
    for what in ("hold", "reinstate", "hold", "reinstate"):
        await asks(they, what)
    shown = [copy for copy in (await they.margaret.item()).value.copies if copy.shown_to]
    assert [copy.shown_to for copy in shown] == [before.issuer]


async def test_a_donors_document_is_shown_to_nobody(they: Family) -> None:
    await they.grant(await they.appoint())
    means, vault, item = they.margaret.wallet.means, they.margaret.wallet.vault, await they.margaret.item()
    kind = by_id(donors.GRANTED)
    query = parse_query({"credentials": [{"id": "q", "format": "dc+sd-jwt", "meta": {"vct_values": [kind.vct]}}]})
    with pytest.raises(AccessDenied):
        await means.storage.read(lambda tx: find_offers(tx, vault, query, BANK, at=means.clock()))
    with pytest.raises(VcError):
        await preview(means, vault, CopyWish(entity=BANK, name="", purpose_id="x", type=kind.id, claims=("powers/*",)))
    with pytest.raises(Conflict):
        await begin(means, vault, item.id, "phone")


async def test_neither_is_shown_at_a_desk_without_a_network(template: Template, tmp_path: Path) -> None:
    """A desk asks by numbers of kinds and groups, and may ask for any."""
    async with family(template, tmp_path, formats=("dc+sd-jwt", "dc+sd-cwt")) as they:
        await they.grant(await they.appoint())
        for person, vct, group in ((they.margaret, 65_008, 1), (they.nora, 65_001, 14)):
            for required in ((group,), ()):
                wants = (Want(vct=vct, required=required, optional=() if required else (group,)),)
                asker = Asker(entity=BANK, name=Text("Bank", "Banc"), desk="", use=replace(USE, wants=wants), wants=wants)
                question = Question(asker=asker, binding=Binding(audience=BANK, nonce="n"))
                if vct == 65_001 and not required:
                    reply = await find_reply(person.wallet.means, person.wallet.vault, question)
                    assert reply.groups == ()
                else:
                    with pytest.raises(AccessDenied):
                        await find_reply(person.wallet.means, person.wallet.vault, question)


async def test_the_mark_is_never_shown_whoever_asks(template: Template, tmp_path: Path) -> None:
    async with family(template, tmp_path, formats=tuple(formats())) as they:
        await they.appoint()
        document = (await they.nora.item()).value
        assert set(document.configurations) == set(formats())
        assert donor.read_tag(document.claims["report_tag"])
        for form in formats():
            await ask_for_mark(they, form)


async def ask_for_mark(they: Family, form: str) -> None:
    """By its name, above it, as any kind of document, and by the way."""
    kind = by_id("representation")
    paths: list[Any] = [list(path_in(kind, ("represented", "given_name"), form)), None]
    for whatever in (False, True) if form.startswith("vc+") else (False,):
        with pytest.raises(AccessDenied):
            await shown_for(they, form, list(path_in(kind, ("report_tag",), form)), whatever=whatever)
        for path in [["credentialSubject"], *paths] if form.startswith("vc+") else paths:
            shown = await shown_for(they, form, path, whatever=whatever)
            assert "report_tag" not in shown
            assert "represented" in shown or path is None


async def shown_for(they: Family, form: str, path: list[Any] | None, *, whatever: bool = False) -> Any:
    means, vault = they.nora.wallet.means, they.nora.wallet.vault
    asked = dcql(by_id("representation"), "council-tax", form)["credentials"][0]
    query: dict[str, Any] = {name: asked[name] for name in ("id", "format", "meta")} | ({"claims": [{"path": path}]} if path else {})
    if whatever:
        query["meta"] = {"type_values": [["VerifiableCredential"]]}
    found = await means.storage.read(lambda tx: find_offers(tx, vault, parse_query({"credentials": [query]}), BANK, at=means.clock()))
    ((offer,),) = found.parts.values()
    return formats()[form].peek(offer.disclose(offer.sample, offer.optional())).claims


async def test_no_copy_that_is_shown_whole_has_a_mark(template: Template, tmp_path: Path) -> None:
    """Neither the attorney's nor the donor's; and one by an office that puts it there is shown to nobody."""
    async with family(template, tmp_path, formats=("vc+jwt", "dc+sd-jwt")) as they:
        await they.grant(await they.appoint(claims=LPA_1 | {"decision_rule": "jointly", "cardinality": 2, "attorney_number": 1}))
        for person, mark in ((they.nora, "report_tag"), (they.margaret, "report_secret")):
            item = await person.item()
            assert mark in item.value.claims
            for line in (each for each in item.value.copies if each.format == "vc+jwt"):
                assert not marks_in(await wire_of(person, line.id))
            assert len({line.format for line in item.value.copies}) == 2
        await they.go(21 * DAY)
        assert "report_tag" in (await they.nora.item()).value.claims


async def wire_of(person: Person, copy: str) -> str:
    return (await person.wallet.storage.read(lambda tx: COPIES.get(tx, person.wallet.vault, copy))).value.wire


def marks_in(wire: str) -> set[str]:
    form = formats()["vc+jwt"]
    return {"report_tag", "report_secret", "instrument_tag", "attorney_number"} & form.peek(form.parse(wire)).claims.keys()


@pytest.mark.parametrize("marked", ["report_tag", "instrument_tag"])
async def test_a_copy_that_would_show_a_mark_to_everybody_answers_nothing(they: Family, marked: str) -> None:
    wallet, query = they.nora.wallet, parse_query(dcql(by_id("representation"), "council-tax", "vc+jwt"))
    claims = (
        CLAIMS
        | {"decision_rule": "jointly", "cardinality": 2}
        | ({"report_tag": "A" * 43} if marked == "report_tag" else {"instrument_tag": "A" * 22, "attorney_number": 1})
    )
    await put_document(wallet.means, wallet.vault, ("vc+jwt",), claims=claims)
    with pytest.raises(AccessDenied):
        await wallet.storage.read(lambda tx: find_offers(tx, wallet.vault, query, BANK, at=wallet.means.clock()))


async def test_a_document_that_nobody_collected_is_made_again(they: Family) -> None:
    number = await they.appoint()
    first = await donors.make(they.registry.office, number, actor=CLERK)
    await they.go((they.registry.office.settings.invitation_days + 1) * DAY)
    second = await they.grant(number)
    assert second.document != first.document
    await they.go(0)
    assert (await asks(they, "hold")).standing == "on-hold"
    await they.go(HOUR)
    assert await stand(they) == ("suspended", "suspended")


async def test_there_is_one_donors_side_to_a_document_in_force(they: Family) -> None:
    number = await they.appoint()
    made = await they.grant(number)
    for other in (number, made.document):
        with pytest.raises(Conflict):
            await donors.make(they.registry.office, other, actor=CLERK, opening=BY_INVITATION)
    await asks(they, "end")
    later = (await they.registry.make())["id"]
    await hold_for_safeguarding(they, later)
    with pytest.raises(Conflict):
        await donors.make(they.registry.office, later, actor=CLERK)
