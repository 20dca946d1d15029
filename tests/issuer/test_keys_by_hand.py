"""Keys of documents that follow one another because somebody says so on the command line."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.dying import quiet
from support.registry import NOON, Template
from support.years import SECOND, first_certificate, judge, keys, states, tick

from issuer import upkeep
from issuer.app import follow_keys
from issuer.federation.own import entity_of
from issuer.office import ISSUER, Office
from shared.clock import system_entropy
from shared.errors import CertificateRevoked, ConfigError
from shared.trust.snapshot import KeyState
from shared.web import certificates


@pytest.fixture
async def office(template: Template, tmp_path: Path) -> AsyncIterator[Office]:
    async with quiet(template, tmp_path / "office") as opened:
        yield opened


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


async def test_a_federation_key_that_those_above_do_not_know_is_not_made_to_sign(template: Template, tmp_path: Path) -> None:
    """Nothing by it would be taken, at no later visit either."""
    async with quiet(template, tmp_path / "body", 'authority_hints = ["https://ministry.example"]\n') as body:
        await entity_of(body).configure()
        with pytest.raises(ConfigError, match="does not know it, and would have to invite"):
            await by_command(body, "rotate", "federation", now=True)
        known, following = await entity_of(body).listed()
        assert (await entity_of(body).signer()).name == known.name == "federation"
        with pytest.raises(ConfigError, match="does not know it, and would have to invite"):
            await by_command(body, "retire", known.history.kid, reason="in good order")
        assert (await entity_of(body).signer()).name == "federation"
        told = await by_command(body, "compromised", known.history.kid, reason="stolen")
        assert "https://ministry.example has to invite this service again" in told
        assert (await entity_of(body).signer()).name == following.name


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
        judge(office, told, first_certificate(office), NOON)
    judge(office, told, office.signer.x5c, NOON)


async def test_what_cannot_be_told_yet_is_said_to_be_written_down(office: Office) -> None:
    """On the worst day, with the anchor's keys elsewhere: nobody has to guess whether the key signs on."""
    (first,) = await keys(office)
    away = office.directory / certificates.ANCHOR_KEYS
    back = away.rename(away.with_suffix(".away"))
    with pytest.raises(ConfigError, match=r"written down here, but nobody is told of it yet: .* `keys publish`"):
        await by_command(office, "compromised", first.history.kid, reason="stolen")
    assert await states(office) == [(ISSUER, KeyState.COMPROMISED)]
    with pytest.raises(ConfigError, match=r"^(?!written down)"):
        await by_command(office, "publish")
    back.rename(away)
    assert "Published: number" in await by_command(office, "publish")
