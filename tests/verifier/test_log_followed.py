"""The log of decisions as others follow it, and that nobody changes it unseen: domain checks T-AU-1 to T-AU-4, one verifier a test."""

from __future__ import annotations

import json
from datetime import date
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from support.asking import Asker
from support.desk import BANK, Running, copy_file, make_copy, read_anchor
from support.signing import AT
from support.trial_verify import CLAIMS

from shared import addressed
from shared.clock import DAY
from shared.codec import base64url
from shared.errors import ConfigError, HistoryRewritten, Untrusted, VcError, WrongTyp
from shared.flow import Fetch, arun
from shared.jose.jwt import parse_jwt
from shared.keys import Role
from shared.log_heads import Followed, SignedHead, follow_log, verify_log_head
from shared.receipts import peek_receipt, presentation_bytes
from shared.storage import Tx
from shared.trust.anchors import TrustAnchors, parse_anchor
from shared.trust.policy import Policy
from shared.web import log, log_site
from shared.web.log_command import verify
from verifier.app import one_round
from verifier.desk import LOG
from verifier.opening import log_site_of
from verifier.settle import verify_decisions

NAMES = {"representation", "banking", "bank"}
"""Words of the document that are also words of the log."""


def strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in strings(each)]
    if isinstance(value, list):
        return [text for each in value for text in strings(each)]
    return [str(value)]


async def bring(desk: Running, seed: str, data: bytes = b"") -> str:
    """The receipt for a copy that was brought."""
    headers = {"Authorization": f"Bearer {desk.api_key}", "Content-Type": "application/json"}
    copy = BytesIO(data or copy_file(seed=seed, at=desk.clock()))
    async with desk.http.post(f"{desk.base}/api/copies", data=copy, headers=headers) as answer:
        return str((await answer.json())["receipt"])


async def follow(desk: Running, *, oldest: int = 0) -> Followed:
    policy = Policy(TrustAnchors(anchors=(parse_anchor(read_anchor(desk.desk), role=Role.RELYING_PARTY),)))

    def check(token: str) -> SignedHead:
        return verify_log_head(token, policy=policy, role=Role.RELYING_PARTY, entity=BANK, at=desk.clock())

    followed = await arun(follow_log(desk.url, oldest=oldest, check=check), desk.fetch)
    assert followed is not None
    return followed


def head_of(receipt: str) -> SignedHead:
    """Where the log stood by the word of a receipt."""
    told = peek_receipt(receipt)
    assert told.log_head is not None
    return SignedHead(entity=told.entity, at=told.received_at, head=told.log_head)


async def start_over(tx: Tx) -> None:
    await tx.execute("DELETE FROM log_entry")
    await tx.execute("UPDATE log_head SET size = 0, digest = NULL")


async def test_t_au_1_a_head_signed_each_day_that_anybody_can_follow(desk: Running) -> None:
    """From the first day on the newest head, the earlier ones and the way between them; today's entries only tomorrow."""
    kept = [head_of(await bring(desk, "first")), head_of(await bring(desk, "second"))]
    await one_round(desk.app)
    await one_round(desk.app)  # once a day
    followed = await follow(desk)
    assert (followed.newest.entity, followed.newest.at, followed.newest.head) == (BANK, AT, kept[1].head)
    kept.append(head_of(await bring(desk, "third")))
    assert len((await follow(desk)).commitments) == 2
    desk.clock.at += DAY
    await one_round(desk.app)
    followed = await follow(desk, oldest=2)
    assert (followed.start, followed.newest.head, len(followed.commitments)) == (kept[1].head, kept[2].head, 1)
    followed.check(kept)
    assert await verify(desk.desk.storage, at=desk.clock()) == [
        "The log is whole: 3 entries, with the 2 heads that were signed here.",
        f"Its head: 3 {base64url.encode(kept[2].head.digest)}",
    ]


async def test_rewritten_log_detected_by_receipt_head(desk: Running) -> None:
    """A log that was begun anew is in order within itself; whoever holds a receipt of the old one sees it from outside."""
    kept = head_of(await bring(desk, "first"))
    await desk.desk.storage.write(start_over)
    await bring(desk, "another")
    await verify_decisions(desk.desk)
    await one_round(desk.app)
    followed = await follow(desk)
    followed.check([])
    with pytest.raises(HistoryRewritten):
        followed.check([kept])


async def test_a_log_whose_head_nobody_signs_any_more_is_told_to_whoever_looks(desk: Running) -> None:
    await bring(desk, "first")
    await one_round(desk.app)
    assert not any("STALE" in line for line in await verify(desk.desk.storage, at=AT + 2 * DAY))
    told = await verify(desk.desk.storage, at=AT + 2 * DAY + 1)
    assert any(line.startswith("STALE: its newest signed head is of 2027-") for line in told)


async def test_a_log_that_is_rewritten_after_a_head_was_signed(desk: Running) -> None:
    await bring(desk, "first")
    await one_round(desk.app)
    await desk.desk.storage.write(start_over)
    await bring(desk, "another")
    with pytest.raises(HistoryRewritten):
        await verify(desk.desk.storage, at=desk.clock())


async def test_what_others_kept_is_held_against_the_log(desk: Running, tmp_path: Path) -> None:
    receipt = await bring(desk, "first")
    await one_round(desk.app)
    (signed,) = json.loads((await desk.fetch(Fetch(url=f"{desk.url}/log/heads"))).body)["heads"]
    file = tmp_path / "kept.txt"
    file.write_text(f"{receipt}\n{signed}\n")
    assert "It has all 2 heads that were given." in await verify(desk.desk.storage, str(file), at=desk.clock())
    header, _, signature = receipt.split(".")
    bent = parse_jwt(receipt).claims | {"log_head": {"size": 1, "digest": base64url.encode(bytes(32))}}
    for forged in (f"{header}.{base64url.encode(json.dumps(bent).encode())}.{signature}", "x", signed.replace(".", "..", 1)):
        file.write_text(forged)
        with pytest.raises(VcError):
            await verify(desk.desk.storage, str(file), at=desk.clock())
    stranger = Asker.new()
    file.write_text(stranger.sign_claims({}, typ="receipt+jwt"))
    with pytest.raises(Untrusted) as caught:
        await verify(desk.desk.storage, str(file), at=desk.clock())
    assert caught.value.where == "/1"
    file.write_text(f"{stranger.sign()}")
    with pytest.raises(WrongTyp):
        await verify(desk.desk.storage, str(file), at=desk.clock())
    file.write_text(receipt)
    await desk.desk.storage.write(start_over)
    await desk.desk.storage.write(lambda tx: tx.execute("DELETE FROM log_signed"))
    with pytest.raises(HistoryRewritten):
        await verify(desk.desk.storage, str(file), at=desk.clock())
    with pytest.raises(ConfigError):
        await verify(desk.desk.storage, str(tmp_path / "gone.txt"), at=desk.clock())


async def test_pages_of_heads_and_of_commitments_are_bounded(desk: Running) -> None:
    for _ in range(33):
        await log_site_of(desk.desk).tend()
        desk.clock.at += DAY
    page = json.loads((await desk.fetch(Fetch(url=f"{desk.url}/log/heads"))).body)
    assert len(page["heads"]) == 31
    page = json.loads((await desk.fetch(Fetch(url=f"{desk.url}/log/heads?before={page['before']}"))).body)
    assert (len(page["heads"]), "before" in page) == (2, False)
    for path in (
        "heads?before=today",
        "commitments",
        "commitments?from=1&to=1001",
        "commitments?from=0&to=1",
        "commitments?from=2&to=1",
        "commitments?from=1&to=²",
    ):
        assert (await desk.fetch(Fetch(url=f"{desk.url}/log/{path}"))).status == 400
    got = await desk.fetch(Fetch(url=f"{desk.url}/log/commitments?from=1&to=1000"))
    assert (got.body, got.headers["cache-control"]) == (b'{"from":1,"commitments":[]}', "public, max-age=300")


async def test_a_clock_set_back_signs_no_second_head_of_a_day(desk: Running) -> None:
    site = log_site_of(desk.desk)
    await site.tend()
    desk.clock.at -= 3 * DAY
    await site.tend()
    assert len(await desk.desk.storage.read(log_site.signed_heads)) == 1


async def test_nobody_signs_while_the_key_is_over(desk: Running) -> None:
    desk.desk.signing.follow(None)
    await log_site_of(desk.desk).tend()
    assert await desk.desk.storage.read(log_site.signed_heads) == []


async def test_t_au_3_no_value_in_any_log(desk: Running) -> None:
    """What was shown stands nowhere in what is entered, told or signed: names alone."""
    await bring(desk, "first")
    await one_round(desk.app)
    lines = await desk.desk.storage.read(lambda tx: log.page(tx, before=9, limit=9))
    entered = json.dumps([dict(line.entry.entry or {}) for line in lines])
    assert "represented/family_name" in entered
    told = [(await desk.fetch(Fetch(url=f"{desk.url}/log/{path}"))).body.decode() for path in ("heads", "commitments?from=1&to=9")]
    signed = [json.dumps(parse_jwt(token).claims) for token in json.loads(told[0])["heads"]]
    values = [value for value in strings(CLAIMS) if len(value) > 3 and value not in NAMES]
    assert "Ashdown" in values
    assert not [value for value in values for text in (entered, *told, *signed) if value in text]


async def test_t_au_4_keyed_digest(desk: Running) -> None:
    """Of a log with bare digests of names and dates of birth everything is found by trying; of ours nothing, without the key."""
    copy = make_copy()
    await bring(desk, "", addressed.render_file(copy))
    (line,) = await desk.desk.storage.read(lambda tx: log.page(tx, before=9, limit=9))
    assert line.entry.entry is not None
    ours = {base64url.decode(line.entry.entry["presentation_mac"]), line.entry.commitment}
    bare = {sha256(b"Margaret Ashdown 1938-11-02").digest()}
    guesses = [
        f"{given} {family} {date.fromordinal(day).isoformat()}".encode()
        for given in ("Margaret", "Nora", "Joan", "Ada")
        for family in ("Ashdown", "Penhale", "Hart")
        for day in range(date(1930, 1, 1).toordinal(), date(1950, 1, 1).toordinal())
    ]
    digests = {sha256(guess).digest() for guess in guesses}
    assert bare <= digests
    assert not ours & digests
    shown = presentation_bytes(copy.vp_token)
    assert sha256(shown).digest() not in ours  # not even who has the presentation itself can say that it was here
    assert await desk.desk.custodian.mac(LOG, b"presentation\0" + shown) in ours  # the body can
