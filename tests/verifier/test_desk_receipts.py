"""Receipts that desks gave without a network: entered once, by names alone, and confirmed for whoever brings one and for nobody before."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from support.desk import BANK, Running, Template, read_anchor, serving
from support.desk_killed import die
from support.desk_scan import Enrolled, enrol
from support.signing import AT, Signer
from support.trial_verify import VCT

from shared.clock import DAY, system_entropy
from shared.codec import base64url, strict_json
from shared.errors import OtherPresentation, WrongNonce
from shared.keys import KeyId, Role
from shared.ovp.receipt import CONFIRM_AT, MAX_BYTES, MEDIA_TYPE, parse_desk_receipt, prepare_desk_receipt
from shared.receipts import Exchange, LogHead, peek_receipt, verify_receipt
from shared.trust.anchors import TrustAnchors, parse_anchor
from shared.trust.policy import Policy
from shared.web import log
from verifier.app import one_round
from verifier.desk_receipts import confirm
from verifier.receipts_api import ASKED
from verifier.settle import verify_decisions

CONTENT = b"what was shown, opened"
NONCE = bytes(range(32))
PATHS = ("represented/family_name", "powers")


@pytest.fixture
async def counter(desk: Running) -> Enrolled:
    return await enrol(desk)


def given(made: Enrolled, **changes: Any) -> bytes:
    wish: dict[str, Any] = {
        "certificate": base64url.decode(made.told["certificate"]),
        "key": KeyId("desk"),
        "public": made.public,
        "content": CONTENT,
        "nonce": NONCE,
        "salt": system_entropy(16),
        "at": AT,
        "decision": "accepted",
        "use": "bank",
    }
    return Signer(made.private, made.public).finish(prepare_desk_receipt(**wish | changes))


async def tell(desk: Running, made: Enrolled, *receipts: bytes, status: int = 200, **more: Any) -> list[bool]:
    """What the service took."""
    lines = [{"receipt": base64url.encode(each), "mode": "live", "vct": VCT, "claim_paths": PATHS} | more for each in receipts]
    headers = {"Authorization": f"Bearer {made.token}"}
    async with desk.http.post(f"{desk.base}/desk/scan/api/receipts", json={"receipts": lines}, headers=headers) as answer:
        assert answer.status == status, await answer.text()
        return list((await answer.json())["taken"]) if status == 200 else []


async def bring(desk: Running, data: bytes, *, media: str = MEDIA_TYPE) -> tuple[int, dict[str, Any]]:
    """As a wallet asks, without any secret."""
    async with desk.http.post(desk.base + CONFIRM_AT, data=data, headers={"Content-Type": media}) as answer:
        return answer.status, dict(await answer.json(content_type=None))


async def log_of(desk: Running) -> list[dict[str, Any]]:
    lines = await desk.desk.storage.read(lambda tx: log.page(tx, before=2**53 - 1, limit=200))
    return [dict(line.entry.entry or {}) for line in lines]


def trust(desk: Running) -> Policy:
    return Policy(TrustAnchors(anchors=(parse_anchor(read_anchor(desk.desk), role=Role.RELYING_PARTY),)))


@pytest.mark.parametrize(("decision", "code"), [("accepted", ""), ("rejected", "revoked"), ("undecided", "status_stale")])
async def test_confirmed_once_its_desk_has_told(desk: Running, counter: Enrolled, decision: str, code: str) -> None:
    """Provisional until then: nobody is asked, and nothing is fetched, because somebody has it (S10, S21)."""
    receipt = given(counter, decision=decision, code=code, pack=b"P" * 32)
    status, refused = await bring(desk, receipt)
    assert (status, refused["code"]) == (404, "not_found")
    asked = list(desk.site.asked)
    desk.clock.at += 3_600
    assert await tell(desk, counter, receipt) == [True]
    desk.clock.at += 3_600
    status, told = await bring(desk, receipt)
    assert status == 200
    assert desk.site.asked == asked
    exchange = Exchange(presentation=CONTENT, nonce=base64url.encode(NONCE), at=desk.clock(), sent_at=AT, purpose_id="bank")
    confirmed = verify_receipt(told["receipt"], exchange, policy=trust(desk))
    own = parse_desk_receipt(receipt)
    assert (confirmed.entity, confirmed.decision, confirmed.reason_code) == (BANK, decision, code)
    assert (confirmed.salt, confirmed.presentation_digest, confirmed.bundle_digest) == (own.salt, own.digest, b"P" * 32)
    assert (confirmed.received_at, confirmed.effective_from) == (AT + 3_600, AT if decision == "accepted" else None)
    assert confirmed.log_head == await desk.desk.storage.read(log.head)
    for days, until in ((-1, None), (0, AT), (30, AT + 30 * DAY)):  # how long, where nothing is registered, nobody knows
        settings = structs.replace(desk.desk.settings, claims_kept=("donor’s name",), retention_days=days)
        said = peek_receipt(await confirm(replace(desk.desk, settings=settings), receipt))
        kept = (("donor’s name",), until) if days and decision != "rejected" else ((), AT)
        assert (said.claims_kept, said.retain_until) == kept
    with pytest.raises(OtherPresentation):
        verify_receipt(told["receipt"], Exchange(presentation=b"x", nonce=exchange.nonce, at=desk.clock()), policy=trust(desk))
    with pytest.raises(WrongNonce):
        verify_receipt(told["receipt"], Exchange(presentation=CONTENT, nonce="x", at=desk.clock()), policy=trust(desk))


async def test_entered_once_by_names_alone(desk: Running, counter: Enrolled) -> None:
    receipt = given(counter)
    more: dict[str, Any] = {"claim_paths": [*PATHS, "Ashdown", "represented/no_such_detail"]}
    for _ in range(2):
        assert await tell(desk, counter, receipt, receipt, **more) == [True, True]
    (entry,) = await log_of(desk)
    assert (entry["kind"], entry["decision"], entry["reason_code"], entry["level"]) == ("desk-receipt", "accepted", "", "live")
    assert (entry["vct"], entry["claim_paths"]) == ([VCT], sorted(PATHS))
    assert (entry["intendedUseIdentifier"], entry["given_at"], entry["time"]) == ("bank", AT, AT)
    first, second = [(await bring(desk, receipt))[1]["receipt"] for _ in range(2)]
    assert strict_json.loads(base64url.decode(first.split(".")[1])) == strict_json.loads(base64url.decode(second.split(".")[1]))
    await verify_decisions(desk.desk)


async def test_of_a_refusal_and_of_an_unknown_kind_no_details(desk: Running, counter: Enrolled) -> None:
    await tell(desk, counter, given(counter, decision="rejected", code="revoked"), mode="copy")
    await tell(desk, counter, given(counter), vct="urn:nobody", mode="code")
    levels = [(each["level"], each["vct"], each["claim_paths"]) for each in await log_of(desk)]
    assert levels == [("relayable", [], []), ("addressed", [], [])]


async def test_the_list_of_decisions_says_who_decided(desk: Running, counter: Enrolled) -> None:
    await tell(desk, counter, given(counter))
    async with desk.http.get(f"{desk.base}/desk/decisions") as answer:
        assert answer.status == 200
        assert "receipt of a desk" in await answer.text()


async def test_receipts_by_others_are_not_ours(desk: Running, counter: Enrolled) -> None:
    """Not of another desk of ours, not by a key that we never certified, not beyond the certificate, not from tomorrow, and no other kind."""
    other, forger = await enrol(desk, name="Counter 4"), Enrolled(counter.told, Enrolled.new_key()[0])
    refused = [
        given(other),
        given(forger),
        given(counter, certificate=base64url.decode(other.told["certificate"])),
        given(counter, at=AT + 7 * DAY),
        given(counter, at=AT + 301),
        given(counter, at=AT - 61),
        base64url.decode(counter.told["certificate"]),
        b"x",
        b"",
    ]
    assert await tell(desk, counter, *refused) == [False] * len(refused)
    assert await log_of(desk) == []
    for each in refused:
        assert (await bring(desk, each))[0] in {400, 404}
    assert await tell(desk, counter, given(counter, at=AT + 300), given(counter, at=AT - 60)) == [True, True]


async def test_a_desk_that_was_long_without_a_network_tells_all_the_same(desk: Running, counter: Enrolled) -> None:
    """Its certificate has run out by then; it was in force when the receipt was given."""
    receipt = given(counter, at=AT + 6 * DAY)
    desk.clock.at += 20 * DAY
    assert await tell(desk, counter, receipt) == [True]
    assert (await bring(desk, receipt))[0] == 200


async def test_after_its_time_it_is_forgotten_and_the_chain_holds(desk: Running, counter: Enrolled) -> None:
    receipt = given(counter)
    await tell(desk, counter, receipt)
    token = (await bring(desk, receipt))[1]["receipt"]
    size = strict_json.load_object(base64url.decode(token.split(".")[1]))["log_head"]
    desk.clock.at += desk.desk.settings.log_days * DAY
    await one_round(desk.app)
    assert (await bring(desk, receipt))[0] == 404
    await verify_decisions(desk.desk, [LogHead(size=size["size"], digest=base64url.decode(size["digest"]))])


@pytest.mark.parametrize(
    "change",
    [
        {"mode": "bearer"},
        {"claim_paths": ["x"] * 257},
        {"claim_paths": ["x" * 201]},
        {"vct": "x" * 201},
        {"receipt": "A" * 3_815},
        {"receipt": "a=b"},
        {"claims": {"family_name": "Ashdown"}},
    ],
)
async def test_hostile_tales(desk: Running, counter: Enrolled, change: dict[str, Any]) -> None:
    await tell(desk, counter, given(counter), status=400, **change)
    assert await log_of(desk) == []


async def test_bounds_of_the_open_address(desk: Running, counter: Enrolled) -> None:
    receipt = given(counter)
    await tell(desk, counter, receipt)
    await tell(desk, counter, *[receipt] * 11, status=400)
    assert (await bring(desk, bytes(MAX_BYTES + 1)))[0] == 413
    assert (await bring(desk, receipt, media="application/json"))[0] == 415
    statuses = [(await bring(desk, receipt))[0] for _ in range(ASKED.most + 1)]
    assert statuses.count(429) >= 1
    assert statuses[0] == 200
    async with desk.http.get(desk.base + CONFIRM_AT) as answer:
        assert answer.status == 405


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_killed_while_it_is_told(template: Template, tmp_path: Path, storage_uri: str, moment: str) -> None:
    """Each is entered whole or not at all. The desk has heard nothing, so it tells all of them again: none is lost, none is there twice."""
    folder = tmp_path / "desk"
    async with serving(template, folder, storage=storage_uri) as desk:
        made = await enrol(desk)
        receipts = [given(made) for _ in range(3)]
        (folder / "token").write_text(made.token)
        (folder / "body").write_text("\n".join(base64url.encode(each) for each in receipts))
    await die(folder, storage_uri, "desk-receipts", f"desk-receipt:{moment}")
    async with serving(template, folder, storage=storage_uri) as desk:
        assert len(await log_of(desk)) == int(moment == "after")
        assert [(await bring(desk, each))[0] for each in receipts] == [200 if moment == "after" else 404, 404, 404]
        before = (await bring(desk, receipts[0]))[1]
        await verify_decisions(desk.desk)
        assert await tell(desk, made, *receipts) == [True] * 3
        assert len(await log_of(desk)) == 3
        tokens = [(await bring(desk, each))[1]["receipt"] for each in receipts]
        if moment == "after":
            assert payload(tokens[0]) == payload(before["receipt"]), "what was promised stays as it was"
        heads = [payload(each)["log_head"] for each in tokens]
        assert [each["size"] for each in heads] == [1, 2, 3]
        await verify_decisions(desk.desk, [LogHead(size=each["size"], digest=base64url.decode(each["digest"])) for each in heads])


def payload(token: str) -> dict[str, Any]:
    return dict(strict_json.load_object(base64url.decode(token.split(".")[1])))


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
async def test_told_by_many_at_once_it_is_entered_once(
    template: Template, tmp_path: Path, request: pytest.FixtureRequest, database: str
) -> None:
    uri = request.getfixturevalue(f"{database}_uri")
    async with serving(template, tmp_path / "desk", storage=uri) as desk:
        made = await enrol(desk)
        receipts = [given(made) for _ in range(3)]
        taken = await asyncio.gather(*(tell(desk, made, *receipts) for _ in range(8)))
        assert taken == [[True] * 3] * 8
        assert len(await log_of(desk)) == 3
        heads = [
            strict_json.load_object(base64url.decode((await bring(desk, each))[1]["receipt"].split(".")[1]))["log_head"]
            for each in receipts
        ]
        assert sorted(each["size"] for each in heads) == [1, 2, 3]
        await verify_decisions(desk.desk, [LogHead(size=each["size"], digest=base64url.decode(each["digest"])) for each in heads])
