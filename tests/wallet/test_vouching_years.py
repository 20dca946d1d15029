"""The keys that vouch for wallets over the years: told ahead, signing, standing for a day, over (security rules S15, S17; T-LE-2)."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.vouching import HOST, NOON, attested, chain, check_keys, judge, keys, make_service, opened, states, tick, told, vouching

from shared.clock import DAY
from shared.errors import CertificateRevoked, ConfigError, Conflict, Rejected, Unavailable, Untrusted
from shared.keys import KeyId
from shared.openid4vci import KeyDemand
from shared.storage import Tx
from shared.trust.publication import Publication
from shared.trust.snapshot import ATTESTATION_LIFE, COPY_LIFE, MAX_LIFE, KeyState
from shared.x509 import load_certificate
from wallet.app import Host
from wallet.attester import ATTESTER
from wallet.config import Place

ROOT = Path(__file__).parents[2]
AHEAD = 9 * DAY
DUE = NOON + 365 * DAY
SECOND = KeyId("attester-2")


@pytest.fixture
async def place(tmp_path: Path) -> Place:
    return await make_service(tmp_path / "wallet")


@pytest.fixture
async def host(place: Place) -> AsyncIterator[Host]:
    async with opened(place) as running:
        yield running


async def test_the_next_key_is_told_ahead_and_signs_when_everybody_knows_it(host: Host) -> None:
    first = vouching(host).signing.signer
    await tick(host, DUE - AHEAD - 1)
    assert await states(host) == [(ATTESTER, KeyState.ACTIVE)]
    await tick(host, DUE - AHEAD)
    assert await states(host) == [(ATTESTER, KeyState.ACTIVE), (SECOND, KeyState.CREATED)]
    await tick(host, DUE - 7 * DAY)
    before = await tick(host, DUE - 1)
    old = await attested(host)
    assert (old.by, chain(old.attestation)) == (first.thumbprint, first.x5c)
    await check_keys(host, before)
    after = await tick(host, DUE)
    assert await states(host) == [(ATTESTER, KeyState.VERIFY_ONLY), (SECOND, KeyState.ACTIVE)]
    new = await attested(host)
    assert (new.by, await host.means.attester.by()) == (vouching(host).signing.signer.thumbprint,) * 2 != (old.by, old.by)
    await check_keys(host, before)
    await check_keys(host, after)
    for word in (before, after):  # a word from before the activation knows the new key, and one from after it the old
        judge(host, word, chain(new.attestation), DUE)
        judge(host, word, chain(old.attestation), DUE)
    last = DUE + ATTESTATION_LIFE
    assert old.until < last
    judge(host, await tick(host, last - 1), chain(old.attestation), last - 1)
    with pytest.raises(Untrusted):
        judge(host, await tick(host, last), chain(old.attestation), last)
    await tick(host, DUE + MAX_LIFE)
    assert await states(host) == [(ATTESTER, KeyState.ENDED), (SECOND, KeyState.ACTIVE)]


async def test_another_key_follows_before_the_certificate_runs_out(place: Place) -> None:
    async with opened(place, key_days=3_650) as host:
        ring = vouching(host).ring
        assert ring.due(await ring.turn()) == load_certificate(vouching(host).signing.signer.x5c[0]).not_after - COPY_LIFE


async def test_without_the_anchors_keys_the_key_signs_on_and_somebody_is_told(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    away, ring = host.place.path("anchor.keys"), vouching(host).ring
    assert "attester signs until 2028-01-15" in await ring.examine()
    away.rename(away.with_name("elsewhere"))
    host.means.clock.at = DUE - AHEAD  # type: ignore[attr-defined]
    await vouching(host).tend()
    assert "the next key attester could not be made" in caplog.text
    assert "what is in force could not be signed anew" in caplog.text
    assert await states(host) == [(ATTESTER, KeyState.ACTIVE)]
    assert (await attested(host)).attestation
    with pytest.raises(ConfigError, match="bring the anchor's keys back"):
        await ring.examine()
    away.with_name("elsewhere").rename(away)
    await tick(host, DUE - AHEAD)
    assert "attester-2 signs from 2028-01-15" in await ring.examine()


async def test_nothing_is_said_by_a_key_that_is_over_and_another_follows_at_once(place: Place) -> None:
    """What was reported is never certified or used again; without the anchor's keys nobody vouches."""
    async with opened(place) as host:
        (first,), away = await keys(host), place.path("anchor.keys")
        old, own = await attested(host), vouching(host)
        await own.publisher.end_key(first.history.kid, KeyState.COMPROMISED, reason="stolen", actor="Nora")
        await own.publisher.publish()
        away.rename(away.with_name("elsewhere"))
        for _ in range(2):  # at the very next word, and after the next round
            with pytest.raises(Unavailable):
                await attested(host)
            with pytest.raises(Unavailable):
                await host.means.attester.attest_keys([], nonce=None, demand=KeyDemand())
            assert await host.means.attester.by() == ""
            await own.tend()
        with pytest.raises(CertificateRevoked):
            judge(host, await told(host), chain(old.attestation), NOON)
    async with opened(place) as again:
        assert vouching(again).signing.is_stopped
        away.with_name("elsewhere").rename(away)
        word = await tick(again, NOON)
        assert await states(again) == [(ATTESTER, KeyState.COMPROMISED), (SECOND, KeyState.ACTIVE)]
        judge(again, word, chain((await attested(again)).attestation), NOON)
        with pytest.raises(Conflict):
            await vouching(again).publisher.check_key(first.public)


async def test_t_le_2_five_years_on_keys_rotated_by_themselves(tmp_path: Path, storage_uri: str) -> None:
    """What was said of wallets before verifies or fails with a reason; what is said now verifies, by a word from before its key signed too."""
    place, said = await make_service(tmp_path / "wallet", storage=storage_uri), []
    async with opened(place) as host:
        ring, words, at = vouching(host).ring, list[Publication](), NOON
        while at < NOON + 5 * 365 * DAY:
            due = ring.due(await ring.turn())
            assert due is not None
            await tick(host, due - AHEAD)
            await tick(host, due - 2 * DAY)
            words.append(await tick(host, due - 1))
            old, at = await attested(host), due
            word = await tick(host, at)
            new = await attested(host)
            assert chain(old.attestation) != chain(new.attestation)
            for one, token in ((words[-1], new), (word, new), (word, old)):
                judge(host, one, chain(token.attestation), at)
            said += [old, new]
        at += 2 * DAY
        now = await tick(host, at)
        assert [each.state for each in await keys(host)] == [*[KeyState.ENDED] * 4, KeyState.VERIFY_ONLY, KeyState.ACTIVE]
        judge(host, now, chain(said[-1].attestation), at)
        for each in said[:-1]:
            if chain(each.attestation) != chain(said[-1].attestation):
                with pytest.raises(Rejected) as refused:
                    judge(host, now, chain(each.attestation), at)
                assert refused.value.detail


# --- from before -----------------------------------------------------------------------------------------------------------------------


async def test_a_service_from_before_is_taken_over_at_its_next_start(tmp_path: Path, storage_uri: str) -> None:
    """Its key was in no table, and nothing was published: it goes on signing, and issuers who pinned it hear of it from now on."""
    place = await make_service(tmp_path / "wallet", storage=storage_uri)
    async with opened(place) as host:
        leaf = vouching(host).signing.signer.x5c

        async def forget(tx: Tx) -> None:
            for table in ("own_key", "own_certificate", "own_publication", "trust_event"):
                await tx.execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours

        await host.storage.write(forget)
        assert chain((await attested(host)).attestation) == leaf
    async with opened(place, NOON + 40 * DAY) as host:
        (key,) = await keys(host)
        assert (key.name, key.state, key.active_at, key.history.entity) == (ATTESTER, KeyState.ACTIVE, NOON + 40 * DAY, HOST)
        judge(host, await tick(host, NOON + 40 * DAY), chain((await attested(host)).attestation), NOON + 40 * DAY)
        assert vouching(host).signing.signer.x5c == leaf


async def test_a_certificate_of_another_key_is_entered_nowhere(place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The wallets go on, and somebody is told; nothing is built on a key that is not here."""
    other = await make_service(tmp_path / "other")
    async with opened(place) as host:
        known = await states(host)
    place.attested_by.write_bytes(other.attested_by.read_bytes())
    async with opened(place) as host:
        await vouching(host).tend()
        assert await states(host) == known
        assert "is another key's than the one held" in caplog.text


async def test_a_folder_without_a_certificate_vouches_for_nobody(place: Place) -> None:
    place.attested_by.unlink()
    async with opened(place) as host:
        assert host.vouching is None
        assert (await attested(host)).attestation == ""


# --- processes -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("point", "at"), [("create-key", DUE - AHEAD), ("activate-key", DUE), ("finish-key", DUE + MAX_LIFE)])
async def test_killed_at_a_step_of_a_rotation_of_the_key_that_vouches(host: Host, point: str, at: int, moment: str) -> None:
    """The step is there wholly or not at all, nothing else has changed, and whoever comes next goes on with it."""
    for before in (DUE - AHEAD, DUE, DUE + MAX_LIFE):
        if before < at:
            await tick(host, before)
    standing = await states(host)
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    environment = os.environ | {"MUNIMENT_WALLET_FAILPOINT": f"{point}:{moment}", "PYTHONPATH": paths}  # noqa: TID251 - the child's environment
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "support.dying_attester", str(host.place.folder), str(at), env=environment,
    )  # fmt: skip
    assert await process.wait() == -signal.SIGKILL
    assert (await states(host) == standing) is (moment == "before")
    word = await tick(host, at)
    expected = {
        "create-key": [KeyState.ACTIVE, KeyState.CREATED],
        "activate-key": [KeyState.VERIFY_ONLY, KeyState.ACTIVE],
        "finish-key": [KeyState.ENDED, KeyState.ACTIVE],
    }
    assert [each.state for each in await keys(host)] == expected[point]
    judge(host, word, chain((await attested(host)).attestation), at)


async def test_two_processes_have_one_next_key_and_both_vouch_with_it(tmp_path: Path, storage_uri: str) -> None:
    """Both find it due at once; the database decides, also for a process that has not had its next round yet."""
    place = await make_service(tmp_path / "wallet", storage=storage_uri)
    async with opened(place) as one, opened(place) as two:
        for at in (DUE - AHEAD, DUE - 8 * DAY, DUE):
            one.means.clock.at = two.means.clock.at = at  # type: ignore[attr-defined]
            await asyncio.gather(*(vouching(each).tend() for each in (one, two) for _ in range(3)))
        assert await states(one) == [(ATTESTER, KeyState.VERIFY_ONLY), (SECOND, KeyState.ACTIVE)]
        assert {chain((await attested(each)).attestation) for each in (one, two)} == {vouching(one).signing.signer.x5c}
        made = await vouching(one).ring.rotate(now=True, actor="Nora")
        assert vouching(two).signing.signer.key == SECOND
        said = await attested(two)
        assert (vouching(two).signing.signer.key, said.by) == (made.name, made.history.thumbprint)
        judge(one, await tick(one, DUE), chain(said.attestation), DUE)
