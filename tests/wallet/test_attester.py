"""Who vouches for wallets: this service, nobody, or somebody outside; and what comes of it on the command line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.signing import AT, Signer
from support.strict_wallet import HOST, Maker, make_maker, visit
from support.trial_verify import Dice
from support.trial_web import Watch
from support.wallets import EASY, PASSPHRASE
from support.world import _json

from shared.clock import DAY
from shared.errors import ConfigError, KeyRoleRefused, Malformed, Refused, Unavailable, VcError
from shared.flow import Fetch, Fetched
from shared.jose.jwk import parse_public_jwk, render_jwk
from shared.jose.jws import prepare_jws
from shared.keys import KeyId, Role, check_role
from shared.oauth import ATTESTATION_TYP
from shared.openid4vci import KeyDemand, verify_key_attestation
from shared.trust.anchors import TrustAnchors
from shared.trust.policy import Policy
from shared.web.setup import read_anchor
from wallet import backup, cli
from wallet.app import open_host
from wallet.attester import LIFE, NoAttester, OutsideAttester, OwnAttester, check_uri
from wallet.backup import open_backup
from wallet.config import open_place
from wallet.init import Wish, set_up
from wallet.records import CLIENTS
from wallet.upkeep import upkeep

URL = "https://maker.example/vouch"


@pytest.fixture
async def maker() -> Maker:
    return await make_maker(Watch(AT))


async def test_keys_are_attested_at_the_lowest_level_and_for_the_nonce(maker: Maker) -> None:
    keys = [Signer.new().public, Signer.new().public]
    demand = KeyDemand(key_storage=("iso_18045_basic", "iso_18045_high"))
    token = await maker.attester.attest_keys(keys, nonce="nonce", demand=demand)
    found = verify_key_attestation(token, check_provider=maker.policy.check_wallet_provider, at=AT, demand=demand)
    assert (found.keys, found.nonce, found.key_storage) == (tuple(keys), "nonce", ("iso_18045_basic",))


@pytest.mark.parametrize("level", ["iso_18045_high", "iso_18045_moderate", "iso_18045_enhanced-basic", "other"])
async def test_more_is_never_claimed(maker: Maker, level: str) -> None:
    for demand in (KeyDemand(key_storage=(level,)), KeyDemand(user_authentication=(level,))):
        assert not maker.attester.meets(demand)
        with pytest.raises(Refused):
            await maker.attester.attest_keys([Signer.new().public], nonce=None, demand=demand)


async def test_nobody_vouches() -> None:
    nobody = NoAttester("wallet")
    assert (await nobody.attest_wallet(Signer.new().public)).attestation == ""
    assert not nobody.meets(KeyDemand())
    with pytest.raises(Refused):
        await nobody.attest_keys([], nonce=None, demand=KeyDemand())


def test_the_key_that_vouches_signs_nothing_else() -> None:
    for typ in ("dc+sd-jwt", "kb+jwt", "dpop+jwt", "oauth-client-attestation-pop+jwt", "openid4vci-proof+jwt"):
        with pytest.raises(KeyRoleRefused):
            check_role(Role.WALLET_PROVIDER, typ)


# --- outside -----------------------------------------------------------------------------------------------------------------------------


class Outside:
    """Somebody who vouches by HTTP."""

    def __init__(self) -> None:
        self.asked: list[Fetch] = []
        self.says: Callable[[dict[str, Any]], Fetched] = lambda asked: _json({"attestation": attestation(asked)})

    async def __call__(self, fetch: Fetch) -> Fetched:
        self.asked.append(fetch)
        return self.says(json.loads(fetch.body or b"{}"))


def attestation(asked: dict[str, Any], **changes: Any) -> str:
    claims = {"sub": "their-wallets", "exp": AT + 60, "iat": AT, "cnf": {"jwk": asked.get("jwk")}, **changes}
    return Signer.new().finish(prepare_jws(typ=ATTESTATION_TYP, payload=json.dumps(claims).encode(), key=KeyId("maker")))


async def test_somebody_outside_is_asked_with_the_token_of_the_host() -> None:
    outside, key = Outside(), Signer.new().public
    attester = OutsideAttester(f"{URL}/", "secret", HOST, outside)
    said = await attester.attest_wallet(key)
    assert (said.client_id, said.until) == ("their-wallets", AT + 60)
    assert attester.meets(KeyDemand(key_storage=("iso_18045_high",)))
    await attester.attest_keys([key], nonce="n", demand=KeyDemand(key_storage=("iso_18045_high",)))
    first, second = outside.asked
    assert (first.url, second.url) == (f"{URL}/wallet", f"{URL}/keys")
    assert first.headers["authorization"] == second.headers["authorization"] == "Bearer secret"
    assert json.loads(second.body or b"") == {
        "keys": [render_jwk(key)],
        "nonce": "n",
        "key_storage": ["iso_18045_high"],
        "user_authentication": [],
    }


WRONG: dict[str, tuple[Callable[[dict[str, Any]], Fetched], type[VcError]]] = {
    "another key": (lambda _: _json({"attestation": attestation({"jwk": render_jwk(Signer.new().public)})}), Malformed),
    "no key": (lambda _: _json({"attestation": attestation({}, cnf={})}), Malformed),
    "no end": (lambda asked: _json({"attestation": attestation(asked, exp=None)}), Malformed),
    "no name": (lambda asked: _json({"attestation": attestation(asked, sub=7)}), Malformed),
    "no token": (lambda _: _json({"attestation": "a.b"}), Malformed),
    "nothing": (lambda _: _json({}), Malformed),
    "no JSON": (lambda _: Fetched(status=200, headers={"content-type": "text/html"}, body=b"{}"), Malformed),
    "a no": (lambda _: _json({"error": "access_denied"}, 403), Refused),
    "away": (lambda _: Fetched(status=503), Unavailable),
}


@pytest.mark.parametrize(("says", "error"), WRONG.values(), ids=list(WRONG))
async def test_what_somebody_outside_may_not_answer(says: Callable[[dict[str, Any]], Fetched], error: type[VcError]) -> None:
    outside = Outside()
    outside.says = says
    with pytest.raises(error):
        await OutsideAttester(URL, "", HOST, outside).attest_wallet(Signer.new().public)
    assert "authorization" not in outside.asked[0].headers


@pytest.mark.parametrize("uri", ["", "own", "none", "file:/etc/passwd", "http://maker.example", "https://"])
def test_settings_that_name_nobody(uri: str) -> None:
    with pytest.raises(ConfigError):
        check_uri(uri)


def test_settings_that_name_somebody() -> None:
    assert [check_uri(uri) for uri in ("own:", "none:", URL)] == ["own", "none", "outside"]


# --- the service -------------------------------------------------------------------------------------------------------------------------


async def made(folder: Path, clock: Watch) -> None:
    wish = Wish(folder=folder, public_url=HOST, port=8102, holder="Nora", passphrase=PASSPHRASE)
    told = await set_up(wish, clock=clock, entropy=Dice("service"), hardness=EASY)
    assert told.anchor == str(folder / "anchor.pem")


async def test_a_new_service_vouches_for_its_wallets(tmp_path: Path) -> None:
    clock = Watch(AT)
    await made(tmp_path, clock)
    host = open_host(open_place(tmp_path), clock=clock)
    try:
        assert isinstance(host.means.attester, OwnAttester)
        said = await host.means.attester.attest_wallet(Signer.new().public)
        assert (said.client_id, said.until) == (HOST, AT + LIFE)
        pin = read_anchor(tmp_path / "anchor.pem", Role.WALLET_PROVIDER, entity=HOST)
        token = await host.means.attester.attest_keys([Signer.new().public], nonce=None, demand=KeyDemand())
        provider = Policy(TrustAnchors(anchors=(pin,))).check_wallet_provider
        assert verify_key_attestation(token, check_provider=provider, at=AT).provider.uris == (HOST,)
    finally:
        await host.close()


@pytest.mark.parametrize(("attester", "kind"), [("none:", NoAttester), (URL, OutsideAttester), ("own:", NoAttester)])
async def test_as_the_settings_say(tmp_path: Path, attester: str, kind: type) -> None:
    """A folder without a certificate for it has nobody who vouches, until ``vouch`` makes one."""
    clock = Watch(AT)
    await made(tmp_path, clock)
    (tmp_path / "attester-token").write_text("secret\n")
    if attester == "own:":
        (tmp_path / "attester.pem").unlink()
    place = open_place(tmp_path)
    host = open_host(replace(place, settings=msgspec.structs.replace(place.settings, attester=attester)), clock=clock)
    try:
        assert isinstance(host.means.attester, kind)
        assert host.means.attester.client_id == HOST
    finally:
        await host.close()


@pytest.mark.parametrize("gone", [(), ("attester.pem",), ("attester.pem", "anchor.pem", "anchor.keys")])
async def test_vouch_makes_and_renews_the_certificate(tmp_path: Path, gone: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    await made(tmp_path, Watch(AT))
    before = (tmp_path / "attester.pem").read_bytes()
    for name in gone:
        (tmp_path / name).unlink()
    assert await asyncio.to_thread(cli.main, ["vouch", "--dir", str(tmp_path)]) == 0
    assert HOST in capsys.readouterr().out
    assert (tmp_path / "attester.pem").read_bytes() != before


# --- with the wallet's keys towards issuers ------------------------------------------------------------------------------------------------


async def test_a_restored_backup_can_still_fetch_new_copies(tmp_path: Path) -> None:
    """Tokens are tied to a key, which is therefore in the backup."""
    async with visit(tmp_path) as here:
        await here.collect()
        wallet = here.wallet
        tools = backup.BackupTools(storage=wallet.storage, hardness=EASY, clock=here.clock, entropy=wallet.means.entropy)
        file = await tools.back_up(wallet.vault, holder="Nora", passphrase=PASSPHRASE)
        content = await open_backup(file, PASSPHRASE)
        opened = await backup.restore(
            wallet.doors, content, holder="Peter", passphrase=PASSPHRASE, at=here.clock(), entropy=wallet.means.entropy
        )
        assert len(await wallet.storage.read(lambda tx: CLIENTS.all(tx, opened.vault))) == 1
        here.clock.at += 21 * DAY
        await upkeep(wallet.means, opened.vault)
        assert len(here.issuer.batches) == 2
        assert {type(error).__name__ for error in here.issuer.refused} <= {"UseDpopNonce"}


async def test_a_maker_outside_is_as_good_as_our_own(tmp_path: Path) -> None:
    """What the wallet needs is in the interface: another maker's words reach the issuer unchanged."""

    class Passing:
        def __init__(self, inner: OwnAttester) -> None:
            self.inner, self.client_id = inner, inner.client_id

        async def __call__(self, fetch: Fetch) -> Fetched:
            asked = json.loads(fetch.body or b"")
            if fetch.url.endswith("/wallet"):
                return _json({"attestation": (await self.inner.attest_wallet(parse_public_jwk(asked["jwk"]))).attestation})
            demand = KeyDemand(key_storage=tuple(asked["key_storage"]), user_authentication=tuple(asked["user_authentication"]))
            keys = [parse_public_jwk(each) for each in asked["keys"]]
            return _json({"attestation": await self.inner.attest_keys(keys, nonce=asked["nonce"], demand=demand)})

    async with visit(tmp_path, demand=KeyDemand()) as here:
        outside = OutsideAttester(URL, "", HOST, Passing(here.maker.attester))
        here.wallet.means = replace(here.wallet.means, attester=outside)
        assert len((await here.collect()).value.copies) == 10
