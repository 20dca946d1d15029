"""The second judge: it verifies by itself, takes each answer once for all desks, and never raises a level."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.desk import BANK, PATHS, Running, Template, lines, make_copy, opened, serving
from support.desk_scan import WHOLE, Enrolled, challenge, enrol, judge, live, shown
from support.signing import Signer
from support.trial_verify import CLAIMS, DAY, LIST, Dice, status_token, stranger

from shared import addressed
from shared.codec import base64url
from shared.errors import VcError
from shared.ovp.answer import code_binding, live_binding
from shared.ovp.challenge import parse_challenge
from shared.ovp.code import make_code
from shared.trust.relying_party import Want
from verifier import judging
from verifier.app import one_round
from verifier.desk import RELYING_PARTY
from verifier.material import Store
from verifier.records import scan as records
from verifier.settle import verify_decisions

FIFTY = 50


@pytest.fixture
async def counter(desk: Running) -> Enrolled:
    return await enrol(desk)


async def test_shown_live_is_level_three(desk: Running, counter: Enrolled) -> None:
    verdict = await live(desk, counter)
    assert (verdict["decision"], verdict["code"], verdict["level"]["number"]) == ("accepted", "", 3)
    assert lines(verdict) == dict.fromkeys(lines(verdict), "passed")
    assert verdict["credentials"][0]["claims"]["represented"]["family_name"] == "Ashdown"


async def test_the_ordinary_format_travels_too(desk: Running, counter: Enrolled) -> None:
    verdict = await live(desk, counter, format_name="dc+sd-jwt", paths=PATHS)
    assert (verdict["decision"], verdict["level"]["number"]) == ("accepted", 3)


async def test_code_is_level_two(desk: Running, counter: Enrolled) -> None:
    digits = make_code(entity=BANK, use="bank", entropy=Dice("code"))
    public = await desk.desk.custodian.public(RELYING_PARTY)
    answer = shown(code_binding(digits, entity=BANK, use="bank", public=public))
    verdict = await judge(desk, counter, mode="code", code=digits, use="bank", answer=answer)
    assert (verdict["decision"], verdict["level"]["number"]) == ("accepted", 2)
    verdict = await judge(desk, counter, mode="code", code=digits, use="bank", answer=answer)
    assert (verdict["code"], verdict["level"]["number"]) == ("replayed", 2)
    wrong = digits[:9] + str((int(digits[9]) + 1) % 10)
    assert (await judge(desk, counter, mode="code", code=wrong, use="bank", answer=answer))["code"] == "malformed"
    assert (await judge(desk, counter, mode="code", code=digits, use="loan", answer=answer))["code"] == "purpose_mismatch"


@pytest.mark.parametrize("format_name", ["dc+sd-jwt", "dc+sd-cwt"])
async def test_copy_is_level_one_and_good_once(desk: Running, counter: Enrolled, format_name: str) -> None:
    if format_name == "dc+sd-jwt":
        answer = addressed.render_qr(make_copy())
    else:
        answer = shown(addressed.make_binding(entity=BANK, purpose_id="bank", at=desk.clock(), entropy=Dice("copy")))
    verdict = await judge(desk, counter, mode="copy", answer=answer)
    assert (verdict["decision"], verdict["level"]["number"]) == ("accepted", 1)
    assert (await judge(desk, counter, mode="copy", answer=answer))["code"] == "replayed"


# --- one answer to a question, whichever desk posts it (S6) -------------------------------------------------------------------------------


async def test_consumed_nonce_never_lower_level(desk: Running, counter: Enrolled) -> None:
    asked = challenge(desk, counter)
    answer = shown(live_binding(parse_challenge(asked)))
    assert (await live(desk, counter, asked=asked, answer=answer))["decision"] == "accepted"
    for again in (answer, shown(live_binding(parse_challenge(asked)), seed="other copy")):
        verdict = await live(desk, counter, asked=asked, answer=again)
        assert (verdict["decision"], verdict["code"], verdict["level"]["number"]) == ("rejected", "replayed", 3)
        assert verdict["credentials"] == []
    as_copy = await judge(desk, counter, mode="copy", answer=answer)
    assert (as_copy["decision"], as_copy["credentials"]) == ("rejected", [])


async def test_what_cannot_be_told_yet_leaves_the_question_open(desk: Running, counter: Enrolled) -> None:
    desk.clock.at += 2 * DAY
    asked = challenge(desk, counter)
    answer, strange = shown(live_binding(parse_challenge(asked))), shown(live_binding(parse_challenge(asked)), to=Signer.new())
    for _ in range(2):
        assert (await live(desk, counter, asked=asked, answer=answer))["code"] == "status_stale"
    assert (await live(desk, counter, asked=asked, answer=strange))["decision"] == "rejected"
    desk.site.lists[LIST] = status_token({}, iat=desk.clock())
    await desk.store.refresh(desk.site)
    assert (await live(desk, counter, asked=asked, answer=answer))["decision"] == "accepted"
    for again in (answer, strange):
        assert (await live(desk, counter, asked=asked, answer=again))["code"] == "replayed"


async def test_mode_swap_matrix(desk: Running, counter: Enrolled) -> None:
    asked = challenge(desk, counter)
    digits = make_code(entity=BANK, use="bank", entropy=Dice("code"))
    public = await desk.desk.custodian.public(RELYING_PARTY)
    bindings = {
        "live": live_binding(parse_challenge(asked)),
        "code": code_binding(digits, entity=BANK, use="bank", public=public),
        "copy": addressed.make_binding(entity=BANK, purpose_id="bank", at=desk.clock(), entropy=Dice("copy")),
    }
    questions: dict[str, dict[str, Any]] = {
        "live": {"challenge": challenge(desk, counter)},
        "code": {"code": make_code(entity=BANK, use="bank", entropy=Dice("another")), "use": "bank"},
        "copy": {},
    }
    for made_for, binding in bindings.items():
        for mode, question in questions.items():
            if mode == made_for == "copy":
                continue
            verdict = await judge(desk, counter, mode=mode, answer=shown(binding, seed=f"{made_for}-{mode}"), **question)
            assert verdict["decision"] == "rejected", (made_for, mode)


async def test_fifty_at_once_from_two_services(template: Template, tmp_path: Path, storage_uri: str) -> None:
    async with (
        serving(template, tmp_path / "desk", storage=storage_uri) as desk,
        opened(template, tmp_path / "desk", storage=storage_uri) as second,
    ):
        counter = await enrol(desk)
        asked = challenge(desk, counter)
        answers = [shown(live_binding(parse_challenge(asked)), seed=str(number % 3)) for number in range(3)]
        caller = await desk.desk.storage.read(lambda tx: records.find(tx, counter.told["id"]))
        assert caller is not None
        stores = (desk.store, Store(second))
        work = [
            judging.judge(stores[n % 2].desk, stores[n % 2], caller, judging.Shown(mode="live", answer=answers[n % 3], challenge=asked))
            for n in range(FIFTY)
        ]
        told = Counter(each["code"] or each["decision"] for each in await asyncio.gather(*work))
        assert told == {"accepted": 1, "replayed": FIFTY - 1}
        assert (await verify_decisions(desk.desk)).size == 1
        desk.clock.at += 2 * 3_600
        await one_round(desk.app)
        assert (await live(desk, counter, asked=asked, answer=answers[0]))["code"] == "expired"


# --- hostile desks and strangers ------------------------------------------------------------------------------------------------------------


async def test_challenge_of_another_desk(desk: Running, counter: Enrolled) -> None:
    other = await enrol(desk, name="Counter 4")
    assert (await live(desk, counter, asked=challenge(desk, other)))["code"] == "wrong_audience"


async def test_foreign_challenge_same_nonce_refused(desk: Running, counter: Enrolled) -> None:
    """S5: the answer is bound to the whole challenge, not to its nonce."""
    nonce = Dice("nonce")(16)
    ours, theirs = (challenge(desk, counter, nonce=nonce) for _ in range(2))
    answer = shown(live_binding(parse_challenge(theirs)))
    assert (await live(desk, counter, asked=ours, answer=answer))["code"] == "wrong_nonce"


async def test_challenge_aud_not_own_key(desk: Running, counter: Enrolled) -> None:
    """A challenge that says another key than it is signed with was not made by a desk of ours."""
    other = await enrol(desk, name="Counter 4")
    bent = challenge(desk, counter, public=other.public)
    assert (await live(desk, counter, asked=bent))["code"] == "wrong_audience"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"at": -181}, "expired"),
        ({"at": 120}, "not_yet_valid"),
        ({"use": "loan"}, "purpose_mismatch"),
        ({"wants": (Want(vct=65_001, required=(1, 2, 3, 4, 5, 12), optional=(8,)),)}, "purpose_mismatch"),
        ({"wants": (Want(vct=99, required=(1,)),)}, "purpose_mismatch"),
    ],
)
async def test_bent_challenges(desk: Running, counter: Enrolled, changes: dict[str, Any], code: str) -> None:
    if "at" in changes:
        changes = {"at": desk.clock() + changes["at"]}
    assert (await live(desk, counter, asked=challenge(desk, counter, **changes)))["code"] == code


async def test_certificate_by_somebody_else_or_run_out(desk: Running, counter: Enrolled) -> None:
    asked = challenge(desk, counter)
    desk.clock.at += 7 * DAY
    late = challenge(desk, counter)
    assert (await live(desk, counter, asked=late))["code"] == "expired"
    bent = bytearray(asked)
    bent[-1] ^= 1
    desk.clock.at -= 7 * DAY
    assert (await judge(desk, counter, mode="live", challenge=bytes(bent), answer="OVP1:00"))["code"] == "bad_signature"


@pytest.mark.parametrize("text", ["", "x", "OVP1:", "OVP1:00", "OVC1:00", "OVE1:" + "0" * 90, "OVJ1:00", "OVP1:" + "A" * 4_000, "{}", "ÿ"])
@pytest.mark.parametrize("mode", ["live", "code", "copy"])
async def test_what_is_no_answer_at_all(desk: Running, counter: Enrolled, mode: str, text: str) -> None:
    digits = make_code(entity=BANK, use="bank", entropy=Dice("code"))
    questions: dict[str, dict[str, Any]] = {
        "live": {"challenge": challenge(desk, counter)},
        "code": {"code": digits, "use": "bank"},
        "copy": {},
    }
    verdict = await judge(desk, counter, mode=mode, answer=text, **questions[mode])
    assert verdict["decision"] == "rejected"
    assert verdict["code"] in {"malformed", "too_large", "bad_signature", "wrong_typ"}


async def test_bodies_that_are_bent(desk: Running, counter: Enrolled) -> None:
    headers = {"Authorization": f"Bearer {counter.token}"}
    for body in ({}, {"mode": "bearer", "answer": "x"}, {"mode": "live", "answer": 1}, {"mode": "copy", "answer": "x", "more": 1},
                 {"mode": "code", "answer": "x", "code": "12"}, {"mode": "live", "answer": "x", "challenge": "="},
                 {"mode": "copy", "answer": "x" * 40_000}, {"mode": "copy", "answer": "x", "told": {"stakes": True}}):  # fmt: skip
        async with desk.http.post(f"{desk.base}/desk/scan/api/judge", json=body, headers=headers) as answer:
            assert answer.status in {400, 413}, body


async def test_stranger_issuer_other_holder_and_missing_details(desk: Running, counter: Enrolled) -> None:
    assert (await live(desk, counter, by=stranger()))["decision"] == "rejected"
    asked = challenge(desk, counter)
    answer = shown(live_binding(parse_challenge(asked)), to=Signer.new())
    assert (await live(desk, counter, asked=asked, answer=answer))["code"] in {"not_bound", "bad_signature"}
    assert (await live(desk, counter, paths=WHOLE[:4]))["code"] in {"request_not_satisfied", "outside_scope"}


async def test_restrictions_are_read_at_the_desk(desk: Running, counter: Enrolled) -> None:
    limited = CLAIMS | {"has_restrictions": True, "restrictions_text": "Not to sell Poplar Court while I live."}
    for told, expected in (
        ({}, "restrictions_to_read"),
        ({"restrictions_allow": True}, ""),
        ({"restrictions_allow": False}, "outside_scope"),
    ):
        asked = challenge(desk, counter)
        answer = shown(live_binding(parse_challenge(asked)), claims=limited, paths=(*WHOLE, ("restrictions_text",)), seed=str(told))
        verdict = await judge(desk, counter, mode="live", challenge=asked, answer=answer, told=told)
        assert verdict["code"] == expected


async def test_log_has_names_of_details_and_the_pack_knows_nothing(desk: Running, counter: Enrolled) -> None:
    before = list(desk.site.asked)
    await live(desk, counter)
    assert desk.site.asked == before
    status, page = await desk.call("GET", "/api/log")
    (line,) = page["items"]
    assert (status, line["entry"]["level"], line["entry"]["decision"]) == (200, "live", "accepted")
    assert "represented/family_name" in line["entry"]["claim_paths"]
    assert "Ashdown" not in str(page)
    status, recent = await desk.call("GET", "/api/presentation-requests")
    assert recent["items"] == []


async def test_a_busy_desk_is_slowed_down(desk: Running, counter: Enrolled) -> None:
    headers = {"Authorization": f"Bearer {counter.token}"}
    statuses = []
    for _ in range(125):
        async with desk.http.post(f"{desk.base}/desk/scan/api/judge", json={"mode": "copy", "answer": "x"}, headers=headers) as answer:
            statuses.append(answer.status)
    assert Counter(statuses)[429] >= 5


async def test_parse_errors_stay_inside(desk: Running, counter: Enrolled) -> None:
    caller = await desk.desk.storage.read(lambda tx: records.find(tx, counter.told["id"]))
    assert caller is not None
    for data in (b"", b"\xd2", b"\xa0", base64url.decode(counter.told["certificate"])):
        try:
            verdict = await judging.judge(desk.desk, desk.store, caller, judging.Shown(mode="live", answer="OVP1:00", challenge=data))
        except VcError as error:  # pragma: no cover - never
            pytest.fail(str(error))
        assert verdict["decision"] == "rejected"
