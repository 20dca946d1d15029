"""Documents from issuers at which the holder signs in: the whole of HAIP 1.0 from the wallet's side, over HTTP."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from support.strict_issuer import StrictIssuer
from support.strict_wallet import Visit, visit
from support.trial_verify import stranger

from shared.clock import DAY
from shared.errors import Malformed, Refused, Untrusted
from shared.jose.jwk import parse_public_jwk, thumbprint
from shared.jose.jws import parse_jws
from shared.keys import PublicKey
from shared.openid4vci import KeyDemand
from wallet import invite
from wallet.attester import NoAttester
from wallet.records import CLIENTS
from wallet.sessions import Offered, Sent
from wallet.upkeep import upkeep


def form(issuer: StrictIssuer, path: str, number: int = -1) -> dict[str, str]:
    """The last form that came to ``path``."""
    return {name: values[0] for name, values in parse_qs(issuer.calls(path)[number][1].decode()).items()}


def dpop_keys(issuer: StrictIssuer) -> set[str]:
    """Thumbprints of all keys that proved anything there."""
    proofs = [headers["dpop"] for _, headers, _ in issuer.log if "dpop" in headers]
    return {thumbprint(parse_public_jwk(dict(parse_jws(proof).header["jwk"]))) for proof in proofs}


def instances(issuer: StrictIssuer) -> set[str]:
    return {thumbprint(_instance(token)) for token in issuer.attestations}


def _instance(token: str) -> PublicKey:
    return parse_public_jwk(json.loads(parse_jws(token).payload)["cnf"]["jwk"])


async def test_signed_in_and_collected(tmp_path: Path) -> None:
    async with visit(tmp_path) as here:
        document = await here.collect()
        assert len(document.value.copies) == 10
        assert document.value.status.value == "valid"
        assert document.value.notice is None
        assert [each["event"] for each in here.issuer.notified] == ["credential_accepted"]
        pushed = form(here.issuer, "/par")
        assert (pushed["scope"], pushed["issuer_state"], pushed["code_challenge_method"]) == (
            "poa-dc+sd-jwt",
            "state-of-the-issuer",
            "S256",
        )
        assert "authorization_details" not in pushed
        assert len({copy.value.private for copy in await here.wallet.copies()}) == 10


@pytest.mark.parametrize(
    "ways",
    [
        {"challenges": True},
        {"dpop_nonces": False},
        {"attests": False},
        {"by_details": True},
        {"identified": True},
        {"path": "/as"},
        {"path": "/as", "by_details": True, "challenges": True, "encryption": "required"},
        {"encryption": "offered"},
        {"encryption": "required", "waits": 1},
        {"demand": KeyDemand()},
        {"demand": KeyDemand(key_storage=("iso_18045_basic",), user_authentication=("iso_18045_basic",))},
        {"attestation_only": True},
        {"batch_size": 1},
        {"signed": True},
        {"notifies": False},
        {"refreshes": False},
        {"formats": ("dc+sd-jwt", "dc+sd-cwt", "vc+jwt")},
        {"formats": ("dc+sd-jwt", "dc+sd-cwt"), "waits": 1, "late": ("dc+sd-cwt",)},
    ],
    ids="-".join,
)
async def test_every_way_of_an_issuer(tmp_path: Path, ways: dict[str, Any]) -> None:
    async with visit(tmp_path, **ways) as here:
        invitation = await here.granted()
        if ways.get("waits"):
            with pytest.raises(Exception, match="more time"):
                await here.take(invitation)
            here.clock.at += 60
            await upkeep(here.wallet.means, here.wallet.vault)
        else:
            await here.take(invitation)
        document = await here.wallet.document()
        formats = ways.get("formats", ("dc+sd-jwt",))
        assert set(document.configurations) == set(formats)
        assert len(document.copies) == ways.get("batch_size", 10) * len(formats)
        assert len(here.issuer.notified) == (0 if ways.get("notifies") is False else len(formats))
        assert {type(error).__name__ for error in here.issuer.refused} <= {"UseDpopNonce"}


async def test_each_link_that_leads_to_the_same_offer(tmp_path: Path) -> None:
    async with visit(tmp_path) as here:
        issuer = here.issuer
        links = [issuer.link(), issuer.link("haip-vci"), issuer.reference(), issuer.reference().replace("http:", "haip-vci:")]
        assert len({await here.invite(link) for link in links}) == 1
        assert len(await here.wallet.invitations()) == 1


async def test_an_offer_for_everybody_can_be_taken_up_again(tmp_path: Path) -> None:
    """Without an ``issuer_state`` nothing says that it is the same invitation."""
    async with visit(tmp_path) as here:
        link = here.issuer.link(authorization_code=None)
        await here.collect(link)
        await here.collect(link)
        assert len(await here.wallet.documents()) == 2
        assert "issuer_state" not in form(here.issuer, "/par")


async def test_an_identifier_that_was_given_is_what_is_asked_for(tmp_path: Path) -> None:
    async with visit(tmp_path, identified=True) as here:
        await here.collect()
        (_, body) = here.issuer.calls("/credential")[-1]
        assert json.loads(body)["credential_identifier"] == "poa-dc+sd-jwt:1"
        assert "credential_configuration_id" not in json.loads(body)


async def test_details_name_the_issuer_where_a_server_serves_several(tmp_path: Path) -> None:
    async with visit(tmp_path, by_details=True, path="/as") as here:
        await here.collect()
        (detail,) = json.loads(form(here.issuer, "/as/par")["authorization_details"])
        assert detail == {
            "type": "openid_credential",
            "credential_configuration_id": "poa-dc+sd-jwt",
            "locations": [here.issuer.base],
        }


async def test_encryption_is_taken_where_it_is_offered(tmp_path: Path) -> None:
    async with visit(tmp_path, encryption="offered") as here:
        await here.collect()
        assert {headers["content-type"] for headers, _ in here.issuer.calls("/credential")} == {"application/jwt"}


async def test_encryption_of_an_unknown_kind_is_left_alone_where_it_is_only_offered(tmp_path: Path) -> None:
    async with visit(tmp_path, encryption="offered") as here:
        here.issuer.secret["alg"] = "ECDH-ES+A256KW"
        await here.collect()
        assert {headers["content-type"] for headers, _ in here.issuer.calls("/credential")} == {"application/json"}


async def test_encryption_of_an_unknown_kind_that_is_demanded_is_refused(tmp_path: Path) -> None:
    async with visit(tmp_path, encryption="required") as here:
        here.issuer.secret["alg"] = "ECDH-ES+A256KW"
        with pytest.raises(Refused):
            await here.collect()


async def test_keys_are_never_said_to_be_safer_than_they_are(tmp_path: Path) -> None:
    async with visit(tmp_path, demand=KeyDemand(key_storage=("iso_18045_high",))) as here:
        with pytest.raises(Refused):
            await here.invite()


async def test_nobody_vouches_where_nobody_may(tmp_path: Path) -> None:
    async with visit(tmp_path, attester=NoAttester()) as here:
        with pytest.raises(Refused):
            await here.leave(await here.invite())
    async with visit(tmp_path / "..", attester=NoAttester(), demand=KeyDemand()) as here:
        with pytest.raises(Refused):
            await here.invite()


async def test_a_fresh_challenge_for_each_proof(tmp_path: Path) -> None:
    async with visit(tmp_path, challenges=True) as here:
        await here.collect()
        assert len(set(here.issuer.popped)) == len(here.issuer.popped) >= 2
        assert None not in here.issuer.popped


async def test_two_issuers_see_nothing_in_common(tmp_path: Path) -> None:
    """S1: other DPoP keys, other instances, other attestations, other states and verifiers; at one issuer they are the same again."""
    async with visit(tmp_path, issuers=2) as here:
        first, second = here.issuers
        for issuer in (first, second, first):
            invitation = await here.invite(issuer.link(authorization_code=None))
            await here.come_back(issuer.agree(await here.leave(invitation)))
            await here.take(invitation)
        assert len(dpop_keys(first)) == len(dpop_keys(second)) == 1
        assert not dpop_keys(first) & dpop_keys(second)
        assert not instances(first) & instances(second)
        assert not set(first.attestations) & set(second.attestations)
        assert {form(first, "/par")["client_id"]} == {form(second, "/par")["client_id"]}
        secrets = await here.wallet.storage.read(lambda tx: CLIENTS.all(tx, here.wallet.vault))
        assert len(secrets) == 2
        holders = {thumbprint(key) for key in await holder_keys(here)}
        assert not holders & (dpop_keys(first) | dpop_keys(second) | instances(first) | instances(second))


async def holder_keys(here: Visit) -> list[PublicKey]:
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    return [PublicKey.of(load_der_private_key(copy.value.private, None).public_key()) for copy in await here.wallet.copies()]


@pytest.mark.parametrize("path", ["", "/as"])
async def test_new_copies_come_with_the_same_key(tmp_path: Path, path: str) -> None:
    async with visit(tmp_path, path=path, identified=True) as here:
        await here.collect()
        before = {copy.id for copy in (await here.wallet.document()).copies}
        for _ in range(2):
            here.clock.at += 21 * DAY
            await upkeep(here.wallet.means, here.wallet.vault)
        document = await here.wallet.document()
        assert document.renewal is not None
        assert document.renewal.problem == ""
        assert not before & {copy.id for copy in document.copies}
        assert len(here.issuer.batches) == 3
        assert len(dpop_keys(here.issuer)) == len(instances(here.issuer)) == 1
        assert len(set(here.issuer.attestations)) == 3, "each counts for a day"
        assert {json.loads(body)["credential_identifier"] for _, body in here.issuer.calls("/credential")} == {"poa-dc+sd-jwt:1"}


async def test_a_nonce_that_was_forgotten_is_fetched_once_more(tmp_path: Path) -> None:
    async with visit(tmp_path) as here:
        invitation, issuer = await here.granted(), here.issuer

        def forget(_: web.Request) -> web.StreamResponse:
            del issuer.instead["/credential"]
            return web.json_response({"error": "invalid_nonce"}, status=400)

        issuer.instead["/credential"] = forget
        assert len((await here.take(invitation)).value.copies) == 10
        assert len(issuer.calls("/nonce")) == 2


async def test_a_nonce_that_is_never_good_ends_it(tmp_path: Path) -> None:
    async with visit(tmp_path) as here:
        invitation = await here.granted()
        here.issuer.instead["/credential"] = lambda _: web.json_response({"error": "invalid_nonce"}, status=400)
        with pytest.raises(Refused):
            await here.take(invitation)
        assert len(here.issuer.calls("/credential")) == 2
        del here.issuer.instead["/credential"]
        assert (await here.take(invitation)).value.copies, "the grant is still good"


async def test_metadata_signed_by_a_stranger_are_not_taken(tmp_path: Path) -> None:
    async with visit(tmp_path, signed=True) as here:
        here.issuer.by = replace(stranger(), entity=here.issuer.base)
        with pytest.raises(Untrusted):
            await here.invite()


async def test_found_without_an_invitation(tmp_path: Path) -> None:
    async with visit(tmp_path, formats=("dc+sd-jwt", "vc+jwt")) as here:
        means, vault, base = here.wallet.means, here.wallet.vault, here.issuer.base
        assert not here.issuer.log
        address = invite.address_of(f" {base}", ("localhost",))
        kinds = await invite.look_at(means, address)
        assert dict(kinds.titles) == {"representation": "Power of attorney"}
        assert kinds.sign_in_at == base.removeprefix("http://")
        item = await invite.choose(means, vault, address, "representation")
        await here.come_back(here.issuer.agree(await here.leave(item.id)))
        assert set((await here.take(item.id)).value.configurations) == {"dc+sd-jwt", "vc+jwt"}
        with pytest.raises(Malformed):
            await invite.choose(means, vault, address, "person-of-no-kind")


@pytest.mark.parametrize("typed", ["", "registry", "http://registry.example", "javascript:alert(1)", "https://a.example/?q", "https://a b"])
def test_what_is_no_address_of_an_issuer(typed: str) -> None:
    if typed == "registry":
        assert invite.address_of(typed) == "https://registry"
        return
    with pytest.raises(Malformed):
        invite.address_of(typed)


async def test_a_sign_in_that_was_broken_off_is_begun_anew(tmp_path: Path) -> None:
    async with visit(tmp_path) as here:
        invitation = await here.invite()
        assert isinstance((await here.look(invitation)).state, Offered)
        first = await here.leave(invitation)
        assert isinstance((await here.look(invitation)).state, Sent)
        second = await here.leave(invitation)
        assert first != second
        await here.come_back(here.issuer.agree(second))
        assert (await here.take(invitation)).value.copies
        secrets = await here.wallet.storage.read(lambda tx: CLIENTS.all(tx, here.wallet.vault))
        assert len(secrets) == 1
