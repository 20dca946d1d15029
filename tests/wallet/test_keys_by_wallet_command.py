"""``muniment-wallet keys``, ``doctor`` and ``federation``: the words of the other services, on the keys that vouch for wallets; and the page."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.trial_web import Watch
from support.vouching import HOST, attested, keys, make_service, opened, states, vouching
from support.wallet_visitor import Visitor
from support.wallets import serve_wallet

from shared.clock import DAY, system_clock, system_entropy
from shared.jose.jwk import thumbprint
from shared.terminal import CONFIG, REFUSED
from shared.trust.federation_keys import parse_jwks
from shared.trust.key_proofs import COMPROMISED, ENDS, proven
from shared.trust.snapshot import KeyState
from shared.trust.statements import parse_statement
from shared.trust.succession import parse_succession
from shared.web import own_trust
from wallet import cli, looking_after
from wallet.app import Host
from wallet.attester import ATTESTER
from wallet.config import Place
from wallet.init import entity_of, vouch

HEIR = "https://greater-anytown.example"
KIND = "openid_wallet_provider"


@pytest.fixture
async def place(tmp_path: Path) -> Place:
    """Set up an hour ago by the machine's own clock, which commands read."""
    return await make_service(tmp_path / "wallet", system_clock() - 3_600)


async def says(place: Place, *words: str) -> int:
    return await asyncio.to_thread(cli.main, [*words, "--dir", str(place.folder)])


async def known(place: Place) -> list[tuple[str, KeyState]]:
    async with opened(place, system_clock()) as host:
        return await states(host)


async def test_rotated_retired_and_reported_by_hand(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Each publishes at once; nobody else's words are needed."""
    assert await says(place, "keys") == await says(place, "keys", "list") == 0
    told = capsys.readouterr().out
    assert "attester    wallet-provider  ES256  thumbprint " in told
    assert "federation  federation" in told
    assert f"certificate of attester: Wallets of wallet.example, {HOST}" in told
    assert await says(place, "keys", "rotate") == 0
    assert "attester-2 is told ahead and signs in time." in capsys.readouterr().out
    assert await known(place) == [(ATTESTER, KeyState.ACTIVE), ("attester-2", KeyState.CREATED)]
    assert await says(place, "keys", "rotate", "attester", "--now") == 0
    assert "attester-2 signs from now on." in capsys.readouterr().out
    async with opened(place, system_clock()) as host:
        _, second = await keys(host)
    assert await says(place, "keys", "retire", second.history.kid, "--reason", "moved") == 0
    assert await known(place) == [(ATTESTER, KeyState.VERIFY_ONLY), ("attester-2", KeyState.VERIFY_ONLY), ("attester-3", KeyState.ACTIVE)]
    async with opened(place, system_clock()) as host:
        third, _ = (await keys(host))[-1], await said(host)
        assert (await attested(host)).by == third.history.thumbprint
    assert await says(place, "keys", "compromised", third.history.kid, "--reason", "stolen") == 0
    assert "Published: number" in capsys.readouterr().out
    assert (await known(place))[2:] == [("attester-3", KeyState.COMPROMISED), ("attester-4", KeyState.ACTIVE)]
    assert await says(place, "keys", "list") == 0
    told = capsys.readouterr().out
    assert "attester-4  wallet-provider" in told
    assert "compromised on" in told
    assert await says(place, "keys", "compromised") == CONFIG
    assert await says(place, "keys", "rotate", "nobody") == CONFIG
    assert "keys that follow on each other: attester, federation" in capsys.readouterr().err
    assert (
        await says(place, "keys", "rotate", "federation")
        == await says(place, "keys", "create")
        == await says(place, "keys", "publish")
        == 0
    )
    assert "federation-2 is told ahead" in capsys.readouterr().out


async def test_a_certificate_of_the_key_that_signs_is_renewed(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """By either command, also after a rotation; a missing first certificate is made again and takes nobody's place."""
    assert await says(place, "keys", "renew") == 0
    assert "New certificate until" in capsys.readouterr().out
    assert await says(place, "keys", "rotate", "--now") == 0
    before = place.attested_by.read_bytes()
    leaf = await vouch(place, clock=Watch(system_clock() + 60), entropy=system_entropy)
    assert place.attested_by.read_bytes() == before
    place.attested_by.unlink()
    assert await says(place, "keys") == CONFIG
    assert "run `muniment-wallet vouch`" in capsys.readouterr().err
    again = await vouch(place, clock=Watch(system_clock() + 120), entropy=system_entropy)
    assert place.attested_by.exists()
    async with opened(place, system_clock() + 180) as host:
        assert vouching(host).signing.signer.x5c == (again.der,)
        assert again.public == leaf.public
        assert [each for _, each in await states(host)] == [KeyState.VERIFY_ONLY, KeyState.ACTIVE]


async def test_a_key_that_was_reported_is_certified_by_no_command(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    async with opened(place, system_clock()) as host:
        (first,), away = await keys(host), place.path("anchor.keys")
        await vouching(host).publisher.end_key(first.history.kid, KeyState.COMPROMISED, reason="stolen", actor="Nora")
        away.rename(away.with_name("elsewhere"))
        for command in (["vouch"], ["keys", "renew"]):
            assert await says(place, *command) in {REFUSED, CONFIG}
        away.with_name("elsewhere").rename(away)
        for command in (["vouch"], ["keys", "renew"]):
            assert await says(place, *command) == REFUSED
            assert "keys rotate --now" in capsys.readouterr().err
        assert all(each.withdrawn_at is not None for each in await host.storage.read(own_trust.certificates))


# --- what is said in federations -------------------------------------------------------------------------------------------------------


async def said(host: Host) -> dict[str, object]:
    own = entity_of(host.place, host.storage, host.custodian, host.means.clock)
    statement = parse_statement(await own.configure())
    found = dict(statement.metadata[KIND])
    listed = parse_jwks(found)
    assert proven(HOST, KIND, listed, found, at=host.means.clock()) == listed
    return found | {"names": [each.kid for each in listed]}


async def test_a_federation_hears_of_every_key_that_verifies(tmp_path: Path, storage_uri: str) -> None:
    """Each proves itself; those that only verify say since when, and one in other hands is reported and named no longer."""
    place = await make_service(tmp_path / "wallet", storage=storage_uri)
    async with opened(place) as host:
        ring, first = vouching(host).ring, (await keys(host))[0]
        assert (await said(host))["names"] == [thumbprint(first.public)]
        second = await ring.rotate(now=False, actor="Nora")
        assert (await said(host))["names"] == [thumbprint(each.public) for each in (first, second)]
        await ring.rotate(now=True, actor="Nora")
        found = await said(host)
        assert found["names"] == [thumbprint(each.public) for each in (first, second)]
        assert found[ENDS] == {thumbprint(first.public): host.means.clock()}
        await vouching(host).publisher.end_key(first.history.kid, KeyState.COMPROMISED, reason="stolen", actor="Nora")
        found = await said(host)
        assert (found["names"], found[COMPROMISED], ENDS in found) == ([thumbprint(second.public)], [first.history.thumbprint], False)
        host.means.clock.at += 8 * DAY  # type: ignore[attr-defined]
        await vouching(host).tend()
        assert (await said(host))["names"] == [thumbprint(second.public)]


async def test_one_wallet_service_takes_over_from_another(place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both halves, by the commands that a verifier has."""
    heir = await make_service(tmp_path / "heir", system_clock() - 3_600, public_url=HEIR)
    statement, both = tmp_path / "statement", tmp_path / "both"
    assert await says(place, "federation", "succeed", HEIR, "--out", str(statement)) == 0
    assert f"to               {HEIR}" in capsys.readouterr().out
    assert await says(heir, "federation", "take-over", str(statement)) == CONFIG
    assert await says(place, "federation", "take-over", str(statement), "--out", str(both)) == REFUSED
    assert await says(heir, "federation", "take-over", str(statement), "--out", str(both)) == 0
    found = parse_succession(both.read_bytes())
    assert (found.outgoing, found.successor) == (HOST, HEIR)


# --- whether everything is in place ----------------------------------------------------------------------------------------------------


async def test_the_doctor_says_what_is_wrong(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert await says(place, "doctor") == REFUSED
    told = capsys.readouterr().out
    assert "FAIL  who we trust: nobody is trusted" in told
    for line in (
        "ok    keys",
        "ok    database: up to date",
        "ok    certificate: valid until",
        "ok    keys that follow: attester signs until",
    ):
        assert line in told
    assert "ok    federations: key " in told
    assert await says(place, "trust", "add", str(place.path("anchor.pem")), "--role", "credential-issuer") == 0
    assert await says(place, "doctor") == 0
    late = Watch(system_clock() + 360 * DAY)
    place.path("anchor.keys").unlink()
    found = {each.what: each for each in await looking_after.examine(place, clock=late, entropy=system_entropy)}
    assert (found["keys that follow"].ok, found["certificate"].ok) == (False, True)
    assert "bring the anchor's keys back" in found["keys that follow"].detail
    async with opened(place, system_clock()) as host:
        (first,) = await keys(host)
        await vouching(host).publisher.end_key(first.history.kid, KeyState.VERIFY_ONLY, reason="moved", actor="Nora")
    found = {each.what: each for each in await looking_after.examine(place, clock=late, entropy=system_entropy)}
    assert [found[what].ok for what in ("keys that follow", "certificate")] == [False, False]
    place.attested_by.unlink()
    found = {each.what: each for each in await looking_after.examine(place, clock=late, entropy=system_entropy)}
    assert "run `muniment-wallet vouch`" in found["certificate"].detail
    with place.path("wallet.toml").open("a") as file:
        file.write('attester = "none:"\n')
    assert await says(place, "doctor") == 0
    assert "certificate: this service does not vouch for its wallets itself" in capsys.readouterr().out


async def test_whoever_looks_after_a_service_reads_which_key_comes_next(tmp_path: Path) -> None:
    """And what is missing; other holders read nothing of it."""
    async with serve_wallet(tmp_path / "wallet", looked_after_by=("Nora Ashdown",)) as site:
        visitor, own = Visitor(site), vouching(site.host)
        await visitor.enter()
        assert "The key that signs now does so until" in await visitor.get("/settings")
        away = site.host.place.path("anchor.keys")
        away.rename(away.with_name("elsewhere"))
        first = (await own.ring.turn()).keys[0]
        await own.publisher.end_key(first.history.kid, KeyState.COMPROMISED, reason="stolen", actor="Nora")
        assert "No key vouches at present" in await visitor.get("/settings")
        assert "Nid oes allwedd yn tystio" in await visitor.get("/settings?lang=cy")
        await visitor.get("/settings?lang=en")
        away.with_name("elsewhere").rename(away)
        await own.ring.rotate(now=True, actor="Nora")
        await own.ring.rotate(now=False, actor="Nora")
        assert "The next key is made, but not published yet" in await visitor.get("/settings")
        await own.publisher.publish()
        assert "The next key is told ahead, so that everybody knows it." in await visitor.get("/settings")
        (served,) = [route for route in site.app.router.routes() if route.method == "GET" and "muniment-trust" in str(route.resource)]
        async with site.http.get(f"{site.base}{served.get_info()['path']}") as answer:
            assert (answer.status, await answer.read()) == (200, (await own.publisher.newest()).document)
    async with serve_wallet(tmp_path / "other") as site:
        visitor = Visitor(site)
        await visitor.enter()
        assert "The key that vouches" not in await visitor.get("/settings")
