"""Acts that several people have to agree to (security rule S26, AT-C02-5), spoken by programs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.desk import PATHS, Running, Template, serving
from support.joint_acts import ASK, PETER, PETER_NAMES, SHOWN, TAG, agree, joint_copy, next_of
from support.receiver import HOOK
from support.signing import AT, Signer
from support.trial_verify import IDX, LIST, status_token
from support.trusting import Publisher

from shared import addressed
from shared.clock import DAY
from shared.credentials import Text
from shared.formats import StatusReference
from shared.openid4vp import JOINT, Agreement, render_agreement
from shared.receipts import peek_receipt
from shared.storage import open_storage
from verifier import app as composition
from verifier import together
from verifier.init import migrations
from verifier.records import together as records


async def stands(desk: Running, asked: Mapping[str, Any]) -> tuple[str, str, int]:
    state = await desk.state(asked)
    return state["decision"], state["code"], (state["together"] or {}).get("agreed", 0)


async def later(desk: Running, seconds: int) -> None:
    """So much later, with what issuers and anchors say by then."""
    desk.clock.at += seconds
    desk.site.lists[LIST] = status_token(iat=desk.clock() - 3600)
    desk.site.trust = Publisher(seq=2, at=desk.clock() - 60)
    await desk.store.refresh(desk.site)


async def test_at_c02_5_two_attorneys_agree_to_the_same(desk: Running) -> None:
    first = await desk.ask(**ASK)
    _, told = await agree(desk, first)
    waits = peek_receipt(told["receipt"])
    assert waits.reason_code == "needs_more_attorneys"
    assert (waits.retain_until, "Donor’s last name" in waits.claims_kept) == (AT + 7 * DAY, True), (
        "what was shown lies there for the others"
    )
    state = await desk.state(first)
    assert (state["decision"], state["code"]) == ("undecided", "needs_more_attorneys")
    assert (state["together"]["agreed"], state["together"]["needed"]) == (1, 2)
    await later(desk, 5 * DAY)
    second = await next_of(desk, first)
    _, told = await agree(desk, second, number=2, by=PETER)
    assert peek_receipt(told["receipt"]).decision == "accepted"
    assert await stands(desk, second) == ("accepted", "", 2)
    first_again = await desk.state(first)  # its details were gone, and are there again for what is to be done now
    assert (first_again["decision"], first_again["verdict"]["together"]["agreed"]) == ("accepted", 2)
    assert peek_receipt(first_again["receipt"]).decision == "accepted"


async def test_both_are_asked_for_the_same_words(desk: Running) -> None:
    first = await desk.ask(**ASK)
    before = (await desk.read(first)).transaction_data
    await agree(desk, first)
    second = await desk.read(await next_of(desk, first))
    assert second.transaction_data == before
    assert second.nonce


async def test_one_attorney_twice_is_one(desk: Running) -> None:
    first = await desk.ask(**ASK)
    await agree(desk, first)
    again = await next_of(desk, first)
    await agree(desk, again, by=Signer.new())  # another copy, another key
    assert await stands(desk, again) == ("undecided", "needs_more_attorneys", 1)
    twice = await next_of(desk, again)
    await agree(desk, twice, number=2)  # the same key
    assert await stands(desk, twice) == ("undecided", "needs_more_attorneys", 1)


async def test_joint_other_instrument(desk: Running) -> None:
    first = await desk.ask(**ASK)
    await agree(desk, first)
    second = await next_of(desk, first)
    await agree(desk, second, number=2, by=PETER, claims={"instrument_tag": TAG[:-2] + "AA"})
    assert (await stands(desk, second))[:2] == ("rejected", "other_instrument")
    third = await next_of(desk, first)  # the act goes on
    await agree(desk, third, number=2, by=PETER)
    assert await stands(desk, third) == ("accepted", "", 2)


async def test_joint_other_transaction(desk: Running) -> None:
    first, unrelated = await desk.ask(**ASK), await desk.ask(**ASK)
    await agree(desk, first)
    other = (await desk.read(unrelated)).transaction_data
    second = await next_of(desk, first)
    status, _ = await agree(desk, second, number=2, by=PETER, signs=other)
    assert status == 400
    assert (await stands(desk, second))[:2] == ("rejected", "not_agreed")
    await agree(desk, unrelated, number=2, by=PETER)  # alone in an act of its own
    assert await stands(desk, unrelated) == ("undecided", "needs_more_attorneys", 1)
    assert await stands(desk, first) == ("undecided", "needs_more_attorneys", 1)

    agreed = {"statement": "Pay GBP 40000 to X", "reference": "pay-7"}  # a copy has no room for words, and joins no act that has some
    worded = await desk.ask(**ASK, agree=agreed)
    (joint,) = (each for each in (await desk.read(worded)).transaction_data if each.type == JOINT)
    await agree(desk, worded)
    copied = await bring(desk, copy_of(number=2, by=PETER, transaction=joint.members["reference"], seed="joins"))
    assert (copied["code"], copied["together"]["agreed"]) == ("needs_more_attorneys", 1)
    assert await stands(desk, worded) == ("undecided", "needs_more_attorneys", 1)
    forged = ASK | {"agree": {"statement": "Pay GBP 40"}, "transaction_data": [{"type": JOINT, **joint.members}]}
    status, refused = await desk.call("POST", "/api/presentation-requests", {"type": "representation", **forged})
    assert (status, refused["code"]) == (400, "invalid_request")
    third = await next_of(desk, worded)
    await agree(desk, third, number=2, by=PETER)
    assert await stands(desk, third) == ("accepted", "", 2)


async def test_a_replacement_counts_once_they_act(desk: Running) -> None:
    """ADR 0010: only a document that says in clear that its holder replaces somebody now is made at all."""
    first = await desk.ask(**ASK)
    await agree(desk, first)
    second = await next_of(desk, first)
    proxy = PETER_NAMES | {"appointment_type": "replacement"}
    await agree(desk, second, number=2, by=PETER, claims={"proxy": proxy, "replaces_now": True})
    assert await stands(desk, second) == ("accepted", "", 2)


async def test_nothing_agreed_is_nothing_done(desk: Running) -> None:
    first = await desk.ask(**ASK)
    words = render_agreement(Agreement(statement=Text("Pay", "Talu"), together=True), ["bank-together"])
    for signs in ((), (words,)):
        asked = first if signs == () else await desk.ask(**ASK)
        await agree(desk, asked, signs=signs)
        assert (await stands(desk, asked))[:2] == ("rejected", "not_agreed")


async def test_on_the_eighth_day_it_begins_again(desk: Running) -> None:
    first = await desk.ask(**ASK)
    await agree(desk, first)
    await later(desk, 7 * DAY - 60)
    second = await next_of(desk, first)
    desk.clock.at += 60
    await agree(desk, second, number=2, by=PETER)
    assert await stands(desk, second) == ("undecided", "needs_more_attorneys", 1)
    status, told = await desk.call("POST", f"/api/presentation-requests/{first['id']}/next")
    assert (status, told["code"]) == (404, "not_found")
    desk.clock.at += 7 * DAY
    await composition.one_round(desk.app)
    assert list(await desk.desk.storage.read(lambda tx: tx.fetch("SELECT key FROM together"))) == []


async def test_who_was_cancelled_meanwhile_does_not_count(desk: Running) -> None:
    first = await desk.ask(**ASK)
    await agree(desk, first)
    desk.site.lists[LIST] = status_token({IDX: 1}, iat=AT - 1800)
    await desk.store.refresh(desk.site)
    second = await next_of(desk, first)
    await agree(desk, second, number=2, by=PETER, status=StatusReference(uri=LIST, idx=IDX + 1))
    assert await stands(desk, second) == ("undecided", "needs_more_attorneys", 1)


OTHER_LIST = "https://opg.example/status/2"


async def hear(desk: Running, *lists: str, ended: str = "") -> None:
    """What can be fetched by now; the first document of the list ``ended`` is cancelled."""
    desk.site.lists = {uri: status_token({IDX: 1} if uri == ended else {}, uri=uri, iat=desk.clock() - 3_600) for uri in lists}
    desk.site.trust = Publisher(seq=2, at=desk.clock() - 60)
    await desk.store.refresh(desk.site)


async def read_out(desk: Running, asked: Mapping[str, Any], allow: bool) -> tuple[str, str, int]:
    """A person has read the restrictions."""
    status, _ = await desk.call("POST", f"/api/presentation-requests/{asked['id']}/recheck", {"use": {"restrictions_allow": allow}})
    assert status == 200
    return await stands(desk, asked)


async def half_told(desk: Running) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both have answered, and when the second did, the list of the first could not be fetched."""
    await hear(desk, LIST, OTHER_LIST)
    first = await desk.ask(**ASK)
    await agree(desk, first)
    desk.clock.at += 3 * DAY
    await hear(desk, OTHER_LIST)
    second = await next_of(desk, first)
    await agree(desk, second, number=2, by=PETER, status=StatusReference(uri=OTHER_LIST, idx=IDX))
    assert await stands(desk, second) == await stands(desk, first) == ("undecided", "needs_more_attorneys", 1)
    return first, second


async def test_whose_status_cannot_be_told_at_that_moment_is_not_thrown_out(desk: Running) -> None:
    """The act waits, and is done by the clock once it can be told: nobody has to answer twice."""
    first, second = await half_told(desk)
    await composition.one_round(desk.app)
    assert await stands(desk, second) == ("undecided", "needs_more_attorneys", 1)
    await hear(desk, LIST, OTHER_LIST)
    await composition.one_round(desk.app)
    assert await stands(desk, second) == await stands(desk, first) == ("accepted", "", 2)
    assert await together.finish(desk.desk, desk.store) == 0


async def test_who_turns_out_to_be_cancelled_is_out_of_the_act(desk: Running) -> None:
    first, second = await half_told(desk)
    await hear(desk, LIST, OTHER_LIST, ended=LIST)
    await composition.one_round(desk.app)
    assert await stands(desk, second) == ("undecided", "needs_more_attorneys", 1)
    third = await next_of(desk, second)
    await agree(
        desk, third, by=Signer.new(), status=StatusReference(uri=OTHER_LIST, idx=IDX + 1)
    )  # another copy of hers, which is in force
    assert await stands(desk, third) == await stands(desk, second) == ("accepted", "", 2)
    assert (await stands(desk, first))[0] == "undecided"


async def test_who_is_refused_while_the_clock_counts_is_not_counted(
    template: Template, tmp_path: Path, storage_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at an act and its end a person refuses one of the two: nothing is done by one alone (S26), also when it is looked at again."""
    async with serving(template, tmp_path / "desk", storage=storage_uri, keep_minutes=7_200) as desk:
        claims = {"has_restrictions": True, "restrictions_text": "Not to sell Poplar Court while I live"}
        await hear(desk, LIST, OTHER_LIST)
        first = await desk.ask(**ASK)
        await agree(desk, first, claims=claims, paths=(*SHOWN, ("restrictions_text",)))
        assert await read_out(desk, first, True) == ("undecided", "needs_more_attorneys", 1)
        desk.clock.at += 3 * DAY
        await hear(desk, OTHER_LIST)
        second = await next_of(desk, first)
        await agree(desk, second, number=2, by=PETER, status=StatusReference(uri=OTHER_LIST, idx=IDX))
        await hear(desk, LIST, OTHER_LIST)
        seal, refused = together._seal, list[dict[str, Any]]()

        async def refuse_and_seal(*how: Any) -> bytes:
            if not refused:
                refused.append(first)
                assert (await read_out(desk, first, False))[0] == "rejected"
            return await seal(*how)

        monkeypatch.setattr(together, "_seal", refuse_and_seal)
        for _ in range(2):
            await together.look_again(desk.desk, desk.store)
            assert refused
            assert (await stands(desk, second), (await stands(desk, first))[0]) == (("undecided", "needs_more_attorneys", 1), "rejected")
        third = await next_of(desk, second)
        await agree(desk, third, by=Signer.new(), status=StatusReference(uri=OTHER_LIST, idx=IDX + 1))
        assert await stands(desk, third) == await stands(desk, second) == ("accepted", "", 2)


@pytest.mark.parametrize(("ended", "told"), [("", ("accepted", "", 2)), (LIST, ("rejected", "revoked", 0))])
async def test_who_answers_afresh_takes_the_place_of_what_cannot_be_told(desk: Running, ended: str, told: tuple[str, str, int]) -> None:
    """Her earlier answer counts for nothing as long as nothing can be told of it, and does not keep her out. It is told with the act."""
    first, second = await half_told(desk)
    other = await next_of(desk, second)
    how: dict[str, Any] = {"by": Signer.new(), "status": StatusReference(uri=OTHER_LIST, idx=IDX + 1)}
    await agree(desk, other, claims={"instrument_tag": TAG[:-2] + "AA"}, **how)
    assert (await stands(desk, other))[:2] == ("rejected", "other_instrument")
    third = await next_of(desk, second)
    await agree(desk, third, **how)
    assert await stands(desk, third) == await stands(desk, second) == ("accepted", "", 2)
    await composition.one_round(desk.app)
    assert await stands(desk, first) == ("undecided", "needs_more_attorneys", 2)
    await hear(desk, LIST, OTHER_LIST, ended=ended)
    await composition.one_round(desk.app)
    assert await stands(desk, first) == told
    assert await together.finish(desk.desk, desk.store) == 0


async def test_who_stands_keeps_her_place(desk: Running) -> None:
    """Of an answer that can be told nobody takes the place: not its holder by a second one, and not with a key of hers somebody else."""
    first, second = await half_told(desk)
    peter = StatusReference(uri=OTHER_LIST, idx=IDX + 2)
    again = [await next_of(desk, second) for _ in range(2)]
    for asked, by, number in zip(again, (Signer.new(), PETER), (2, 1), strict=True):
        await agree(desk, asked, number=number, by=by, status=peter)
        assert await stands(desk, asked) == ("undecided", "needs_more_attorneys", 1)
    await hear(desk, LIST, OTHER_LIST)
    await composition.one_round(desk.app)
    assert await stands(desk, second) == await stands(desk, first) == ("accepted", "", 2)
    assert [(await stands(desk, each))[0] for each in again] == ["undecided"] * 2


async def test_an_act_of_which_nobody_is_left_begins_anew(desk: Running) -> None:
    """Whoever answers then may be of another instrument: nobody of the one before is counted with them (S26)."""
    claims = {"has_restrictions": True, "restrictions_text": "Not to sell Poplar Court while I live"}
    first = await desk.ask(**ASK)
    await agree(desk, first, claims=claims, paths=(*SHOWN, ("restrictions_text",)))
    await read_out(desk, first, True)
    second, third, fourth = [await next_of(desk, first) for _ in range(3)]
    assert (await read_out(desk, first, False))[0] == "rejected"
    theirs = {"instrument_tag": TAG[:-2] + "AA"}
    await agree(desk, second, by=Signer.new(), claims=theirs)
    assert await stands(desk, second) == ("undecided", "needs_more_attorneys", 1)
    await agree(desk, third, number=2, by=PETER)
    assert (await stands(desk, third))[:2] == ("rejected", "other_instrument")
    await agree(desk, fourth, number=2, by=PETER, claims=theirs)
    assert await stands(desk, fourth) == await stands(desk, second) == ("accepted", "", 2)


@pytest.mark.parametrize("unsure", [False, True])
async def test_an_act_that_hangs_keeps_no_other_waiting(
    template: Template, tmp_path: Path, storage_uri: str, monkeypatch: pytest.MonkeyPatch, unsure: bool
) -> None:
    """Only so many are looked at in one go: one of which nothing can be told yet comes after the others, once it had its turn."""
    monkeypatch.setattr(records, "AT_ONCE", 1)
    third_list = "https://opg.example/status/3"
    ours: dict[str, Any] = {"status": StatusReference(uri=OTHER_LIST, idx=IDX)}
    async with serving(template, tmp_path / "desk", storage=storage_uri) as desk:
        await hear(desk, LIST, OTHER_LIST, third_list)
        hangs = await desk.ask(**ASK)
        await agree(desk, hangs)
        desk.clock.at += 60
        other = await desk.ask(**ASK)
        await agree(desk, other, by=Signer.new(), status=StatusReference(uri=third_list, idx=IDX))
        desk.clock.at += 3 * DAY
        await hear(desk, OTHER_LIST, *([] if unsure else [third_list]))
        await agree(desk, await next_of(desk, hangs), number=2, by=PETER, **ours)
        if not unsure:
            await agree(desk, await next_of(desk, hangs), by=Signer.new(), **ours)
        last = await next_of(desk, other)
        await agree(desk, last, number=2, by=Signer.new(), **ours)
        assert (await stands(desk, last))[0] == ("undecided" if unsure else "accepted")
        await hear(desk, OTHER_LIST, third_list)
        for _ in range(3):
            await composition.one_round(desk.app)
            desk.clock.at += 60
        assert await stands(desk, other) == await stands(desk, last) == ("accepted", "", 2)
        assert (await stands(desk, hangs))[0] == "undecided"
        await hear(desk, LIST, OTHER_LIST, third_list)
        for _ in range(2):
            await composition.one_round(desk.app)
            desk.clock.at += 60
        assert await stands(desk, hangs) == ("accepted", "", 2)


async def test_acts_under_way_at_an_upgrade_stay_ours(storage_uri: str) -> None:
    """What was agreed to before it was remembered what was asked for: a copy that names it belongs there."""
    steps = list(migrations())
    storage = open_storage(storage_uri)
    await storage.migrate([each for each in steps if each.name < "verifier/0023" or not each.name.startswith("verifier/")])
    sql = "INSERT INTO together (key, version, sealed, done, told, until) VALUES ('ours', 1, $1, 0, 0, $2)"
    await storage.write(lambda tx: tx.execute(sql, b"sealed", AT + DAY), point="test")
    await storage.migrate(steps)
    found = [await storage.read(partial(records.is_asked, key=key, at=AT)) for key in ("ours", "theirs")]
    assert found == [True, False]
    await storage.close()


async def test_two_at_once_are_two(desk: Running) -> None:
    first = await desk.ask(**ASK)
    await agree(desk, first)
    two, three = await next_of(desk, first), await next_of(desk, first)
    await asyncio.gather(agree(desk, two, number=2, by=PETER), agree(desk, three, number=2, by=PETER))
    found = sorted([await stands(desk, two), await stands(desk, three)])
    assert found[0] == ("accepted", "", 2)
    assert found[1][:2] == ("rejected", "replayed")


async def test_an_ordinary_question_leads_to_one_for_several(desk: Running) -> None:
    alone = await desk.ask(query="bank")
    await agree(desk, alone, paths=PATHS)
    assert await stands(desk, alone) == ("undecided", "needs_more_attorneys", 0)
    first = await next_of(desk, alone)
    await agree(desk, first)
    second = await next_of(desk, first)
    await agree(desk, second, number=2, by=PETER)
    assert await stands(desk, second) == ("accepted", "", 2)
    status, _ = await desk.call("POST", f"/api/presentation-requests/{second['id']}/next")
    assert status == 409


async def test_the_restrictions_are_read_for_each(desk: Running) -> None:
    claims = {"has_restrictions": True, "restrictions_text": "Not to sell Poplar Court while I live"}
    paths = (*SHOWN, ("restrictions_text",))
    first = await desk.ask(**ASK)
    await agree(desk, first, claims=claims, paths=paths)
    assert (await stands(desk, first))[:2] == ("undecided", "restrictions_to_read")
    recheck = f"/api/presentation-requests/{first['id']}/recheck"
    status, state = await desk.call("POST", recheck, {"use": {"restrictions_allow": True}})
    assert (status, state["code"], state["together"]["agreed"]) == (200, "needs_more_attorneys", 1)
    second = await next_of(desk, first)
    await agree(desk, second, number=2, by=PETER, claims=claims, paths=paths)
    status, state = await desk.call("POST", recheck.replace(first["id"], second["id"]), {"use": {"restrictions_allow": True}})
    assert (status, state["decision"]) == (200, "accepted")
    assert (await stands(desk, first))[0] == "accepted"


def copy_of(**how: Any) -> bytes:
    return addressed.render_file(joint_copy(**how))


async def bring(desk: Running, data: bytes) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {desk.api_key}", "content-type": "application/json"}
    async with desk.http.post(f"{desk.base}/api/copies", data=data, headers=headers) as answer:
        assert answer.status == 201
        return dict(await answer.json())


async def test_copies_that_name_the_same_act_count_together(desk: Running) -> None:
    first = await bring(desk, copy_of())
    assert (first["code"], first["together"]["agreed"]) == ("needs_more_attorneys", 1)
    for other in (copy_of(number=2, by=PETER, transaction="efgh" * 6), copy_of(number=2, by=PETER, transaction=None, seed="b")):
        assert (await bring(desk, other))["code"] == "needs_more_attorneys"
    assert (await bring(desk, copy_of(seed="again")))["together"]["agreed"] == 1
    second = await bring(desk, copy_of(number=2, by=PETER, seed="c"))
    assert (second["decision"], second["together"]["agreed"]) == ("accepted", 2)
    assert (await desk.state(first))["decision"] == "accepted"
    assert (await bring(desk, copy_of()))["code"] == "replayed"


async def test_who_brought_a_copy_and_who_is_asked_live_act_together(desk: Running) -> None:
    first = await bring(desk, copy_of())
    second = await next_of(desk, first)
    await agree(desk, second, number=2, by=PETER)
    assert await stands(desk, second) == ("accepted", "", 2)
    assert (await desk.state(first))["decision"] == "accepted"


async def test_a_copy_joins_an_act_that_was_begun_live(desk: Running) -> None:
    first = await desk.ask(**ASK)
    (joint,) = (await desk.read(first)).transaction_data
    await agree(desk, first)
    second = await bring(desk, copy_of(number=2, by=PETER, transaction=joint.members["reference"]))
    assert (second["decision"], second["together"]["agreed"]) == ("accepted", 2)


async def test_families_that_make_up_one_reference_are_not_in_each_others_way(desk: Running) -> None:
    ours = await bring(desk, copy_of(transaction="house"))
    theirs = await bring(desk, copy_of(transaction="house", by=Signer.new(), seed="theirs", tag=TAG[:-2] + "AA"))
    assert [(each["code"], each["together"]["agreed"]) for each in (ours, theirs)] == [("needs_more_attorneys", 1)] * 2
    second = await next_of(desk, ours)
    await agree(desk, second, number=2, by=PETER, claims={"instrument_tag": TAG[:-2] + "AA"})
    assert (await stands(desk, second))[1] == "other_instrument"
    third = await bring(desk, copy_of(transaction="house", number=2, by=PETER))
    assert (third["decision"], third["together"]["agreed"]) == ("accepted", 2)


async def test_nothing_readable_lies_in_the_row(desk: Running) -> None:
    first = await desk.ask(**ASK)
    await agree(desk, first)
    (row,) = await desk.desk.storage.read(lambda tx: tx.fetch("SELECT * FROM together"))
    for word in (b"Ashdown", TAG.encode(), b"Margaret"):
        assert word not in bytes(row["sealed"])
    assert row["key"] not in first["id"]


async def test_programs_are_told_how_many_have_agreed(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk", webhook_url=HOOK) as desk:
        first = await desk.ask(**ASK)
        await agree(desk, first)
        second = await next_of(desk, first)
        await agree(desk, second, number=2, by=PETER)
        rows = await desk.desk.storage.read(lambda tx: tx.fetch("SELECT data FROM event"))
        told = [json.loads(row["data"]) for row in rows]
    found = {(each["request"], each["decision"], each["together"]["agreed"], each["together"]["needed"]) for each in told}
    assert found == {(first["id"], "undecided", 1, 2), (second["id"], "accepted", 2, 2), (first["id"], "accepted", 2, 2)}
    assert TAG not in json.dumps(told)


async def test_the_earlier_answer_is_told_once(desk: Running) -> None:
    first = await desk.ask(**ASK)
    await agree(desk, first)
    await agree(desk, await next_of(desk, first), number=2, by=PETER)
    assert await together.finish(desk.desk, desk.store) == 0
    _, log = await desk.call("GET", "/api/log")
    assert [each["entry"]["decision"] for each in log["items"]] == ["accepted", "accepted", "undecided"]
    late = await desk.ask(**ASK)
    with pytest.raises(AssertionError):
        await next_of(desk, late)
