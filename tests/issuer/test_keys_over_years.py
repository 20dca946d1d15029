"""The keys of documents over the years: told ahead, signing, verifying what they signed, over (security rules S15, S17; T-LE-2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.console import Browser
from support.dying import quiet
from support.registry import NOON, Registry, Template, collect, serving
from support.years import AHEAD, DUE, SECOND, Copy, first_certificate, judge, keys, opening, pages, states, tick

from issuer import app as composition
from issuer import upkeep
from issuer.app import follow_keys, one_round, publisher_of
from issuer.init import keyring_of
from issuer.office import ISSUER, Office
from shared.clock import DAY, system_entropy
from shared.codec import base64url
from shared.cose import kid_of
from shared.errors import CertificateRevoked, ConfigError, Conflict, Rejected, SnapshotStale, Unavailable, Untrusted
from shared.jose.jws import parse_jws, verify_jws
from shared.trust.publication import Publication, parse_publication
from shared.trust.snapshot import COPY_LIFE, KeyState
from shared.web import own_trust
from shared.x509 import load_certificate


@pytest.fixture
async def office(template: Template, tmp_path: Path) -> AsyncIterator[Office]:
    async with quiet(template, tmp_path / "office") as opened:
        yield opened


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
        judge(office, told, first_certificate(office), DUE - AHEAD)


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
