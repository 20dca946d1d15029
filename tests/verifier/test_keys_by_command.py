"""The keys with which an organisation asks: the next one signs when somebody says so, and desks and register follow."""

from __future__ import annotations

import pytest
from support.desk import BANK, Running
from support.desk_scan import Enrolled, challenge, enrol, judge, live, shown
from support.trial_verify import Dice

from shared.clock import DAY
from shared.cose import DESK_CERTIFICATE as DESK_TYP
from shared.cose import kid_of, verify_sign1
from shared.errors import Unavailable
from shared.ovp.answer import code_binding, live_binding
from shared.ovp.challenge import parse_challenge
from shared.ovp.code import make_code
from shared.trust.relying_party import parse_rp_certificate
from shared.trust.snapshot import KeyState
from shared.trust.statements import parse_statement
from verifier import keys
from verifier.app import one_round
from verifier.desk import RELYING_PARTY
from verifier.opening import entity_of, publisher_of
from verifier.request import registration


@pytest.fixture
async def counter(desk: Running) -> Enrolled:
    return await enrol(desk)


async def states(desk: Running) -> list[tuple[str, KeyState]]:
    turn = await keys.keyring_of(desk.desk).turn()
    return [(each.name, each.state) for each in turn.keys]


async def listed(desk: Running) -> int:
    said = parse_statement(await entity_of(desk.desk).newest())
    return len(said.metadata["openid_credential_verifier"]["jwks"]["keys"])


async def registered(desk: Running) -> bytes:
    """The ``kid`` of the key that the register has."""
    found = await registration(desk.desk)
    assert found is not None
    return kid_of(parse_rp_certificate(found).public)


async def by_code(desk: Running, counter: Enrolled, number: int, kid: bytes) -> str:
    """What comes of an answer that is made out to the key of that name."""
    digits = make_code(entity=BANK, use="bank", entropy=Dice(f"code {number}"))
    public = (await keys.answered(desk.desk))[kid]
    answer = shown(code_binding(digits, entity=BANK, use="bank", public=public), seed=f"copy {number}")
    verdict = await judge(desk, counter, mode="code", code=digits, use="bank", answer=answer)
    return str(verdict["code"] or verdict["decision"])


async def test_the_next_key_signs_when_somebody_says_so_and_all_follow(desk: Running, counter: Enrolled) -> None:
    """What is made out to the one before is answered until that has ended; no clock changes the key."""
    await one_round(desk.app)
    ring, first = keys.keyring_of(desk.desk), desk.desk.signer
    assert (await ring.rotate(now=False, actor="Bea")).name == "relying-party-2"
    await one_round(desk.app)
    assert desk.desk.signer == first
    assert await listed(desk) == 2
    assert await registered(desk) == kid_of(first.public)
    await ring.rotate(now=True, actor="Bea")
    await one_round(desk.app)
    second = desk.desk.signer
    assert await states(desk) == [(RELYING_PARTY, KeyState.VERIFY_ONLY), ("relying-party-2", KeyState.ACTIVE)]
    assert await listed(desk) == 1
    assert await registered(desk) == kid_of(second.public)
    assert await keys.active(desk.desk.settings) == "relying-party-2"
    asked = challenge(desk, counter)
    assert parse_challenge(asked).desk.kid == kid_of(first.public)
    assert (await live(desk, counter, asked=asked, answer=shown(live_binding(parse_challenge(asked)))))["decision"] == "accepted"
    assert [await by_code(desk, counter, n, kid_of(each.public)) for n, each in enumerate((first, second))] == ["accepted"] * 2
    fresh = await enrol(desk, name="Counter 4")
    verify_sign1(parse_challenge(challenge(desk, fresh)).desk.sign1, second.public, typ=DESK_TYP)
    desk.clock.at += 7 * DAY
    await one_round(desk.app)
    assert await states(desk) == [(RELYING_PARTY, KeyState.ENDED), ("relying-party-2", KeyState.ACTIVE)]
    assert (await live(desk, counter, asked=challenge(desk, counter)))["code"] == "untrusted"
    desk.clock.at += 1_000 * DAY
    await one_round(desk.app)
    assert desk.desk.signer == second


async def test_a_reported_key_asks_no_more_and_another_follows(desk: Running) -> None:
    (first,) = (await keys.keyring_of(desk.desk).turn()).keys
    away = desk.desk.directory / "anchor.keys"
    await publisher_of(desk.desk).end_key(first.history.kid, KeyState.COMPROMISED, reason="stolen", actor="Bea")
    away.rename(away.with_name("elsewhere"))
    await keys.follow(desk.desk)
    with pytest.raises(Unavailable):
        _ = desk.desk.x5c
    with pytest.raises(Unavailable):
        await keys.active(desk.desk.settings)
    away.with_name("elsewhere").rename(away)
    await keys.follow(desk.desk)
    assert desk.desk.signer.key == "relying-party-2"
