"""The keys of documents over the years: told ahead, signing, verifying what they signed, over (security rules S15, S17; T-LE-2)."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from argparse import Namespace
from base64 import b64decode
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from support.console import Browser
from support.registry import NOON, URL, Registry, Template, collect, serving
from support.signing import Signer
from support.trial_web import Watch

from issuer import app as composition
from issuer import config, upkeep
from issuer.app import follow_keys, one_round, publisher_of
from issuer.federation.own import entity_of
from issuer.init import keyring_of
from issuer.office import ISSUER, Office
from shared.clock import DAY, system_entropy
from shared.codec import base64url, strict_json
from shared.cose import kid_of
from shared.errors import CertificateRevoked, ConfigError, Conflict, Rejected, SnapshotStale, Unavailable, Untrusted
from shared.jose.jws import Jws, parse_jws, verify_jws
from shared.keys import KeyId, PublicKey, Role
from shared.trust.anchors import TrustAnchors, parse_anchor
from shared.trust.artefact import CERTIFICATE
from shared.trust.page_keys import Own, page_keys
from shared.trust.policy import Policy
from shared.trust.publication import Publication, parse_publication
from shared.trust.snapshot import COPY_LIFE, KeyState
from shared.web import own_trust
from shared.web.own_trust import OwnKey
from shared.x509 import load_certificate, parse_crl

ROOT = Path(__file__).parents[2]
VCT = "urn:any"
AHEAD = 9 * DAY
BEGUN = NOON - 3_600
DUE = BEGUN + 365 * DAY
SECOND = KeyId("issuer-2")


@pytest.fixture
async def office(template: Template, tmp_path: Path) -> AsyncIterator[Office]:
    """The folder of an issuer, opened by nobody who does anything by the clock."""
    folder = tmp_path / "office"
    shutil.copytree(template.directory, folder)
    opened = await opening(folder)
    yield opened
    await composition.stop(opened)


async def opening(folder: Path, at: int = NOON) -> Office:
    opened = composition.open_office(folder, config.read(folder), clock=Watch(at))
    await composition.start(opened)
    return opened


async def keys(office: Office) -> list[OwnKey]:
    return await office.storage.read(lambda tx: own_trust.own_keys(tx, Role.CREDENTIAL_ISSUER))


async def states(office: Office) -> list[tuple[str, KeyState]]:
    return [(each.name, each.state) for each in await keys(office)]


async def tick(office: Office, at: int) -> Publication:
    """A round by the clock at ``at``, as far as it is about keys; what is published after it."""
    office.clock.at = at  # type: ignore[attr-defined]
    await follow_keys(office)
    made = await publisher_of(office).publish()
    return parse_publication(made.document or b"")


def judge(office: Office, told: Publication, x5c: Sequence[bytes], at: int) -> PublicKey:
    """As whoever pinned this office, with the word ``told`` of its anchor: the key by which a document may be."""
    return _policy(office, told).check_issuer(x5c, URL, VCT, at).public


def _policy(office: Office, told: Publication) -> Policy:
    anchor = parse_anchor((office.directory / "anchor.pem").read_bytes(), role=Role.CREDENTIAL_ISSUER, entity=URL)
    crls = tuple(parse_crl(each) for each in told.of("application/pkix-crl"))
    return Policy(TrustAnchors(anchors=(anchor,)), {anchor.fingerprint: told.snapshot}, crls)


def pages(office: Office, told: Publication, at: int) -> dict[str, str]:
    """How each key stands in the list of a checking pack for pages."""
    own = Own(entity="https://bank.example", name="Bank", public=Signer.new().public)
    listed = strict_json.load_object(page_keys(_policy(office, told), told.of(CERTIFICATE), own, at=at))["issuers"]
    return {each["kid"]: each["state"] for each in listed}


async def test_the_next_key_is_told_ahead_and_signs_when_everybody_knows_it(office: Office) -> None:
    first = office.signer
    await tick(office, DUE - AHEAD - 1)
    assert await states(office) == [(ISSUER, KeyState.ACTIVE)]
    told = await tick(office, DUE - AHEAD)
    assert await states(office) == [(ISSUER, KeyState.ACTIVE), (SECOND, KeyState.CREATED)]
    assert office.signer == first
    assert {each.state for each in told.snapshot.keys.values()} == {KeyState.ACTIVE, KeyState.CREATED}
    await tick(office, DUE - 7 * DAY)
    before = await tick(office, DUE - 1)
    assert office.signer == first
    after = await tick(office, DUE)
    second = office.signer
    assert (second.key, second.public == first.public) == (SECOND, False)
    assert await states(office) == [(ISSUER, KeyState.VERIFY_ONLY), (SECOND, KeyState.ACTIVE)]
    for word in (told, before, after):  # a word from before the activation knows the new key
        at = min(DUE, word.snapshot.next_update - 1)
        judge(office, word, second.x5c, at)
        judge(office, word, first.x5c, at)
    names = [base64url.encode(kid_of(each.public)) for each in (first, second)]
    assert pages(office, before, DUE - 1) == dict.fromkeys(names, "active")
    assert pages(office, after, DUE) == dict(zip(names, ("verify-only", "active"), strict=True))
    with pytest.raises(SnapshotStale):
        judge(office, told, second.x5c, told.snapshot.next_update)
    last = DUE + COPY_LIFE
    judge(office, await tick(office, last - 1), first.x5c, last - 1)
    gone = await tick(office, last)
    assert await states(office) == [(ISSUER, KeyState.ENDED), (SECOND, KeyState.ACTIVE)]
    with pytest.raises(Untrusted):
        judge(office, gone, first.x5c, last)
    judge(office, gone, second.x5c, last)
    kinds = [each.kind for each in await office.storage.read(own_trust.events) if each.actor == "timer"]
    assert kinds == ["ended", "active", "created", "certified"]


async def test_a_key_that_was_not_published_in_time_waits_until_everybody_knows_it(office: Office) -> None:
    """Its first day in a snapshot counts, whatever day it was due."""
    await tick(office, DUE + 5 * DAY)
    assert await states(office) == [(ISSUER, KeyState.ACTIVE), (SECOND, KeyState.CREATED)]
    await tick(office, DUE + 12 * DAY - 1)
    assert office.signer.key == ISSUER
    await tick(office, DUE + 12 * DAY)
    assert office.signer.key == SECOND


async def test_the_page_says_which_key_comes_next(template: Template, tmp_path: Path) -> None:
    """And so does ``keys`` on the command line, with the certificate of the one that signs."""
    async with serving(template, tmp_path / "office") as registry:
        told = []
        for at in (NOON, DUE - AHEAD, DUE):
            registry.clock.at = at
            await one_round(registry.app)
            console = Browser(registry)
            await console.sign_in()
            await console.open("/console/keys")
            told.append(console.text)
        assert "does so until 15 January 2028" in told[0]
        assert "It signs from 15 January 2028" in told[1]
        assert "does so until 14 January 2029" in told[2]
        lines = await upkeep.list_keys(registry.directory, registry.office.settings, clock=registry.clock, entropy=system_entropy)
        assert lines[0].startswith("issuer-2    credential-issuer")
        assert any(each.startswith("certificate of issuer-2: ") for each in lines)


async def test_another_key_follows_before_the_certificate_runs_out(office: Office) -> None:
    """Also where the setting says a longer time: the last copies by a key end before its certificate does."""
    ring = keyring_of(office)
    long = replace(ring, days=3_650)
    end = load_certificate(office.signer.x5c[0]).not_after
    assert long.due(await long.turn()) == end - COPY_LIFE


async def test_without_the_anchors_keys_the_key_signs_on_and_somebody_is_told(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    away = office.directory / "anchor.keys"
    assert "signs until" in await keyring_of(office).examine()
    away.rename(office.directory / "elsewhere")
    office.clock.at = DUE - AHEAD  # type: ignore[attr-defined]
    await follow_keys(office)
    assert "the next key issuer could not be made" in caplog.text
    assert await states(office) == [(ISSUER, KeyState.ACTIVE)]
    with pytest.raises(ConfigError, match="bring the anchor's keys back"):
        await keyring_of(office).examine()
    (office.directory / "elsewhere").rename(away)
    await follow_keys(office)
    assert "is not published yet" in await keyring_of(office).examine()
    await publisher_of(office).publish()
    assert "issuer-2 signs from 2028-01-15" in await keyring_of(office).examine()


async def test_a_key_that_is_over_signs_nothing_and_another_one_follows_at_once(office: Office) -> None:
    """What was reported is never certified or used again; without the anchor's keys nobody signs."""
    (first,) = await keys(office)
    away = office.directory / "anchor.keys"
    await publisher_of(office).end_key(first.history.kid, KeyState.COMPROMISED, reason="stolen", actor="Iris")
    await publisher_of(office).publish()
    away.rename(office.directory / "elsewhere")
    await follow_keys(office)
    with pytest.raises(Unavailable):
        _ = office.signer
    with pytest.raises(ConfigError, match="no key signs"):
        await keyring_of(office).examine()
    with pytest.raises(Conflict):
        await keyring_of(office).renew(actor="Iris")
    again = await opening(office.directory)
    assert again.signing.is_stopped
    await composition.stop(again)
    (office.directory / "elsewhere").rename(away)
    told = await tick(office, NOON)
    assert office.signer.key == SECOND
    assert await states(office) == [(ISSUER, KeyState.COMPROMISED), (SECOND, KeyState.ACTIVE)]
    judge(office, told, office.signer.x5c, NOON)


async def test_one_that_was_told_ahead_follows_at_once_where_the_key_is_stolen(office: Office) -> None:
    await tick(office, DUE - AHEAD)
    first, _ = await keys(office)
    await publisher_of(office).end_key(first.history.kid, KeyState.COMPROMISED, reason="stolen", actor="Iris")
    told = await tick(office, DUE - AHEAD)
    assert office.signer.key == SECOND
    with pytest.raises(CertificateRevoked):
        judge(office, told, _pem(office), DUE - AHEAD)


def _pem(office: Office) -> tuple[bytes, ...]:
    return (load_certificate((office.directory / "issuer.pem").read_bytes()).der,)


# --- T-LE-2 ----------------------------------------------------------------------------------------------------------------------------


async def test_t_le_2_five_years_on_keys_rotated_twice(template: Template, tmp_path: Path, storage_uri: str) -> None:
    """Old documents verify or fail with a reason; new ones verify, also by a word from before the activation of their key."""
    async with serving(template, tmp_path / "office", storage=storage_uri, key_days=800) as registry:
        office, at = registry.office, registry.clock
        await one_round(registry.app)
        copies, words = [await _copy(registry)], list[Publication]()
        for _ in range(2):
            at.at = (await _due(office)) - AHEAD
            await one_round(registry.app)
            at.at += 7 * DAY
            await one_round(registry.app)
            words.append(await _told(registry))
            old = await _copy(registry)
            at.at += 2 * DAY
            await one_round(registry.app)
            copies += [old, await _copy(registry)]
            assert copies[-1].x5c != old.x5c
            for word, copy in ((words[-1], copies[-1]), (await _told(registry), copies[-1]), (await _told(registry), old)):
                verify_jws(copy.jws, judge(office, word, copy.x5c, at()), typ="dc+sd-jwt")  # the first word is from before it signed
        at.at = NOON + 5 * 365 * DAY
        await one_round(registry.app)
        assert [each.state for each in await keys(office)] == [KeyState.ENDED, KeyState.ENDED, KeyState.ACTIVE]
        now, newest = await _told(registry), await _copy(registry)
        judge(office, now, newest.x5c, at())
        for each in copies[:-1]:
            assert each.expires_at < at()
            with pytest.raises(Rejected) as refused:
                judge(office, now, each.x5c, at())
            assert refused.value.detail
        assert copies[-1].x5c == newest.x5c


@dataclass(frozen=True)
class Copy:
    jws: Jws

    @property
    def x5c(self) -> tuple[bytes, ...]:
        return tuple(map(b64decode, self.jws.header["x5c"]))

    @property
    def expires_at(self) -> int:
        return int(strict_json.load_object(self.jws.payload)["exp"])


async def _due(office: Office) -> int:
    ring = keyring_of(office)
    due = ring.due(await ring.turn())
    assert due is not None
    return due


async def _told(registry: Registry) -> Publication:
    return parse_publication(await (await registry.get("/.well-known/muniment-trust")).read())


async def _copy(registry: Registry) -> Copy:
    """Of a new document."""
    response = await (await collect(registry, await registry.make())).copies()
    return Copy(parse_jws(response.credentials[0].partition("~")[0]))


# --- processes -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("point", "at"), [("create-key", DUE - AHEAD), ("activate-key", DUE), ("finish-key", DUE + COPY_LIFE)])
async def test_killed_at_a_step_of_a_rotation(office: Office, point: str, at: int, moment: str) -> None:
    """The step is there wholly or not at all, nothing else has changed, and whoever comes next goes on with it."""
    for before in (DUE - AHEAD, DUE, DUE + COPY_LIFE):
        if before < at:
            await tick(office, before)
    standing = await states(office)
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    environment = os.environ | {"MUNIMENT_ISSUER_FAILPOINT": f"{point}:{moment}", "PYTHONPATH": paths}  # noqa: TID251 - the child's environment
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "support.dying_keys", str(office.directory), str(at), env=environment,
    )  # fmt: skip
    assert await process.wait() == -signal.SIGKILL
    assert (await states(office) == standing) is (moment == "before")
    await tick(office, at)
    expected = {
        "create-key": [KeyState.ACTIVE, KeyState.CREATED],
        "activate-key": [KeyState.VERIFY_ONLY, KeyState.ACTIVE],
        "finish-key": [KeyState.ENDED, KeyState.ACTIVE],
    }
    assert [each.state for each in await keys(office)] == expected[point]
    judge(office, await tick(office, at), office.signer.x5c, at)


async def test_two_processes_have_one_next_key_and_both_sign_with_it(template: Template, tmp_path: Path, storage_uri: str) -> None:
    """Both find it due at once; the database decides, and each follows within its next round."""
    async with (
        serving(template, tmp_path / "office", storage=storage_uri) as one,
        serving(template, tmp_path / "office", storage=storage_uri, join=True) as two,
    ):
        offices = one.office, two.office
        began = (await keys(one.office))[0].active_at or 0
        for at in (began + 365 * DAY - AHEAD, began + 365 * DAY - 8 * DAY, began + 365 * DAY):
            one.clock.at = two.clock.at = at
            await asyncio.gather(*(follow_keys(each) for each in offices for _ in range(3)))
            await asyncio.gather(*(publisher_of(each).publish() for each in offices))
        await asyncio.gather(*map(follow_keys, offices))
        assert await states(one.office) == [(ISSUER, KeyState.VERIFY_ONLY), (SECOND, KeyState.ACTIVE)]
        assert one.office.signer == two.office.signer
        assert one.office.signer.key == SECOND


async def test_a_process_that_has_not_heard_signs_nothing_with_a_key_that_is_over(
    template: Template, tmp_path: Path, storage_uri: str
) -> None:
    """The database decides at each delivery, not the next round."""
    async with (
        serving(template, tmp_path / "office", storage=storage_uri) as one,
        serving(template, tmp_path / "office", storage=storage_uri, join=True) as two,
    ):
        two.api_key = one.api_key
        holder = await collect(two, await two.make())
        first = two.office.signer
        await keyring_of(one.office).rotate(now=True, actor="Iris")
        assert two.office.signer == first
        copies = (await holder.copies(3)).credentials
        (second,) = {Copy(parse_jws(each.partition("~")[0])).x5c for each in copies}
        assert two.office.signer.x5c == second != first.x5c


# --- by hand ---------------------------------------------------------------------------------------------------------------------------


async def by_command(office: Office, what: str, name: str = "", *, reason: str = "", now: bool = False) -> str:
    arguments = Namespace(what=what, name=name, reason=reason, now=now)
    return await upkeep.change(office.directory, office.settings, arguments, clock=office.clock, entropy=system_entropy)


async def test_a_command_says_that_something_was_published_only_where_it_was(office: Office) -> None:
    """What is said of federation keys, the service that runs signs by its clock; the anchor of certificates has nothing new to say."""
    await entity_of(office).configure()
    told = await by_command(office, "rotate", "federation")
    assert "federation-2 is told ahead" in told
    assert "The running service says it at its next round." in told
    assert "Published" not in told
    assert "Published: number" in await by_command(office, "publish")


async def test_rotated_by_hand(office: Office) -> None:
    assert "issuer-2 is told ahead and signs from" not in await by_command(office, "publish")
    told = await by_command(office, "rotate")
    assert "issuer-2 is told ahead and signs in time." in told
    assert "Published: number" in told
    assert await states(office) == [(ISSUER, KeyState.ACTIVE), (SECOND, KeyState.CREATED)]
    assert "issuer-2 is told ahead and signs from 2028-01-15." in await by_command(office, "rotate", "issuer")
    assert "issuer-2 signs from now on." in await by_command(office, "rotate", now=True)
    await follow_keys(office)
    assert office.signer.key == SECOND
    renewed = await upkeep.renew(office.directory, office.settings, clock=office.clock, entropy=system_entropy)
    office.clock.at += 60  # type: ignore[attr-defined]
    newer = await upkeep.renew(office.directory, office.settings, clock=office.clock, entropy=system_entropy)
    await follow_keys(office)
    assert office.signer.x5c == (newer.der,)
    assert newer.public == renewed.public == office.signer.public
    with pytest.raises(ConfigError, match="keys that follow on each other: issuer"):
        await by_command(office, "rotate", "unknown")
    lines = await upkeep.list_keys(office.directory, office.settings, clock=office.clock, entropy=system_entropy)
    assert any("verify-only on" in each for each in lines)


async def test_a_key_that_is_reported_by_hand_is_followed_at_once(office: Office) -> None:
    (first,) = await keys(office)
    assert "Published" in await by_command(office, "compromised", first.history.kid, reason="stolen")
    assert await states(office) == [(ISSUER, KeyState.COMPROMISED), (SECOND, KeyState.ACTIVE)]
    told = await tick(office, NOON)
    with pytest.raises(CertificateRevoked):
        judge(office, told, _pem(office), NOON)
    judge(office, told, office.signer.x5c, NOON)
