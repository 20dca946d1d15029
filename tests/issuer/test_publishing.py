"""What an office says is in force: signed by its anchor at set-up, every day, and after each change."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from support.registry import URL, Registry, Template

from issuer import upkeep
from issuer.app import publisher_of
from issuer.cli import main
from shared.clock import DAY, system_entropy
from shared.errors import CertificateRevoked, ConfigError, Conflict, Malformed, Missing, SnapshotStale, Untrusted
from shared.keys import Role
from shared.trust.anchors import Anchor, TrustAnchors, parse_anchor
from shared.trust.policy import Policy
from shared.trust.publication import Publication, parse_publication, verify_publication
from shared.trust.snapshot import KeyState
from shared.web import own_trust
from shared.x509 import load_certificate, parse_crl

VCT = "urn:any"


def pin(registry: Registry) -> Anchor:
    return parse_anchor((registry.directory / "anchor.pem").read_bytes(), role=Role.CREDENTIAL_ISSUER, entity=URL)


async def said(registry: Registry) -> Publication:
    answer = await registry.get("/.well-known/muniment-trust")
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    return parse_publication(await answer.read())


def policy(registry: Registry, told: Publication) -> Policy:
    anchor = pin(registry)
    crls = tuple(parse_crl(each) for each in told.of("application/pkix-crl"))
    return Policy(TrustAnchors(anchors=(anchor,)), {anchor.fingerprint: told.snapshot}, crls)


async def test_what_is_in_force_is_published_from_the_first_minute(registry: Registry) -> None:
    told = await said(registry)
    verify_publication(told, (pin(registry),), seen={}, at=registry.clock())
    assert (told.snapshot.seq, told.snapshot.entity) == (1, URL)
    policy(registry, told).check_issuer(registry.office.signer.x5c, URL, VCT, registry.clock())


async def test_it_is_signed_anew_every_day_and_not_more_often(registry: Registry) -> None:
    publisher = publisher_of(registry.office)
    first = await publisher.publish()
    assert (await publisher.publish()).seq == first.seq
    registry.clock.at = first.issued_at + DAY
    second = await publisher.publish()
    assert (second.seq, second.issued_at) == (first.seq + 1, registry.clock())
    registry.clock.at -= 30 * DAY
    assert (await publisher.publish()).seq == second.seq  # a clock set back signs nothing
    registry.clock.at += 30 * DAY
    verify_publication(
        await said(registry),
        (pin(registry),),
        seen={pin(registry).fingerprint: parse_publication(first.document or b"").snapshot.seen},
        at=registry.clock(),
    )


async def test_a_withdrawn_certificate_and_a_compromised_key_are_told_at_once(registry: Registry) -> None:
    publisher, at = publisher_of(registry.office), registry.clock
    leaf = load_certificate(registry.office.signer.x5c[0])
    with pytest.raises(Missing):
        await publisher.withdraw("1", reason="x", actor="Iris")
    await publisher.withdraw(str(leaf.serial), reason="moved", actor="Iris")
    with pytest.raises(Conflict):
        await publisher.withdraw(str(leaf.serial), reason="moved", actor="Iris")
    await publisher.publish()
    told = await said(registry)
    assert told.of("application/pkix-cert") == ()
    with pytest.raises(CertificateRevoked):
        policy(registry, told).check_issuer(registry.office.signer.x5c, URL, VCT, at())


async def test_a_key_ends_once_and_its_certificates_with_it(registry: Registry) -> None:
    publisher, storage, x5c = publisher_of(registry.office), registry.office.storage, registry.office.signer.x5c
    (key,) = [each.history for each in await storage.read(lambda tx: own_trust.own_keys(tx, Role.CREDENTIAL_ISSUER))]
    with pytest.raises(Missing):
        await publisher.end_key("unknown", KeyState.VERIFY_ONLY, reason="x", actor="Iris")
    with pytest.raises(Malformed):
        await publisher.end_key(key.kid, KeyState.ACTIVE, reason="x", actor="Iris")
    await publisher.end_key(key.kid, KeyState.VERIFY_ONLY, reason="a new one", actor="Iris")
    await publisher.publish()
    told = await said(registry)
    policy(registry, told).check_issuer(x5c, URL, VCT, registry.clock())  # what it signed stays good
    registry.clock.at += 32 * DAY
    await publisher.publish()
    later = policy(registry, await said(registry))
    with pytest.raises(Untrusted):
        later.check_issuer(x5c, URL, VCT, registry.clock())
    with pytest.raises(Conflict):
        await publisher.end_key(key.kid, KeyState.VERIFY_ONLY, reason="again", actor="Iris")
    await publisher.end_key(key.kid, KeyState.COMPROMISED, reason="stolen", actor="Iris")
    with pytest.raises(Conflict):
        await publisher.end_key(key.kid, KeyState.VERIFY_ONLY, reason="a step back", actor="Iris")
    await publisher.publish()
    last = policy(registry, await said(registry))
    with pytest.raises(CertificateRevoked):
        last.check_issuer(x5c, URL, VCT, registry.clock())
    events = [(each.kind, each.actor, each.reason) for each in await storage.read(own_trust.events)]
    assert ("verify-only", "Iris", "a new one") in events
    assert {("compromised", "Iris", "stolen"), ("withdrawn", "Iris", "stolen")} <= set(events)


async def test_without_the_anchors_keys_the_last_word_goes_on_until_it_runs_out(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = publisher_of(registry.office)
    first = await publisher.publish()
    (registry.directory / "anchor.keys").rename(registry.directory / "elsewhere")
    registry.clock.at = first.issued_at + 2 * DAY
    with pytest.raises(ConfigError):
        await publisher.publish()
    await publisher.tend()
    assert "could not be signed anew" in caplog.text
    told = await said(registry)
    assert told.snapshot.seq == first.seq
    policy(registry, told).check_issuer(registry.office.signer.x5c, URL, VCT, registry.clock())
    registry.clock.at = first.next_update
    with pytest.raises(SnapshotStale):
        policy(registry, told).check_issuer(registry.office.signer.x5c, URL, VCT, registry.clock())


async def test_two_processes_say_one_thing(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both find it due and sign; the first one's number counts and both serve it (S17)."""
    publisher = publisher_of(registry.office)
    last = await publisher.publish()
    registry.clock.at = last.issued_at + DAY
    signing = publisher._sign
    other = publisher_of(registry.office)

    async def slow(*parts: object, **how: object) -> bytes:
        await other.publish()
        return await signing(*parts, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(
        type(publisher), "_sign", lambda _self, *parts, **how: slow(*parts, **how) if _self is publisher else signing(*parts, **how)
    )
    mine = await publisher.publish()
    assert (mine.seq, mine.document) == ((await other.newest()).seq, (await other.newest()).document)
    assert mine.seq == last.seq + 1


async def test_a_renewed_certificate_is_published_beside_the_old_one(template: Template, tmp_path: Path) -> None:
    from support.registry import serving

    async with serving(template, tmp_path / "registry") as running:
        before = running.office.signer.x5c[0]
        settings = running.office.settings
        await upkeep.renew(running.directory, settings, clock=running.clock, entropy=system_entropy)
        told = await said(running)
        assert len(told.of("application/pkix-cert")) == 2
        for chain in ((before,), ((running.directory / "issuer.pem").read_bytes(),)):
            der = (load_certificate(chain[0]).der,)
            policy(running, told).check_issuer(der, URL, VCT, running.clock())


def test_nothing_published_is_not_found(template: Template, tmp_path: Path) -> None:
    import asyncio

    from support.registry import serving

    async def story() -> None:
        async with serving(template, tmp_path / "registry") as running:
            publisher = replace(publisher_of(running.office))
            await running.office.storage.write(lambda tx: tx.execute("DELETE FROM own_publication"))
            with pytest.raises(Missing):
                await publisher.newest()

    asyncio.run(story())


def test_by_command(template: Template, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(template.directory, tmp_path / "registry")
    where = ("--dir", str(tmp_path / "registry"))

    def run(*arguments: str) -> tuple[int, str]:
        code = main([arguments[0], *arguments[1:], *where])
        said_ = capsys.readouterr()
        return code, said_.out + said_.err

    code, told = run("keys")
    assert code == 0
    assert "active" in told
    kid = next(line.split()[1] for line in told.splitlines() if line.startswith("key "))
    serial = next(line.split()[1] for line in told.splitlines() if line.startswith("certificate ") and "until" in line)
    assert run("keys", "retire", kid)[0] == 78
    assert run("keys", "withdraw", "12", "--reason", "x")[0] == 1
    assert run("keys", "publish") == (0, run("keys", "publish")[1])
    assert run("keys", "withdraw", serial, "--reason", "moved")[0] == 0
    assert run("keys", "compromised", kid, "--reason", "stolen")[0] == 0
    told = run("keys")[1]
    assert "compromised on" in told
    assert "withdrawn on" in told
    assert "by command line: stolen" in told
