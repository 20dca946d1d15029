"""Pushed requests, codes and what they are changed for: each once, in time, by nobody else, over two services and both databases."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from support.attested import CALLBACK, Wallet, attested, trust
from support.registry import Registry, Template, serving
from support.second_issuer import another_process
from support.signing import Signer

from issuer import authorization, offers
from issuer.app import one_round
from issuer.office import digest
from issuer.revoke import Wish, change_one
from issuer.sessions import Action, Actor
from shared.errors import (
    AccessDenied,
    Conflict,
    InvalidCredentialRequest,
    InvalidDpopProof,
    InvalidGrant,
    InvalidRequest,
    InvalidToken,
    LoginRequired,
    Malformed,
    Refused,
    UnknownCredentialConfiguration,
    UnknownCredentialIdentifier,
)
from shared.jose import jwk
from shared.oauth import PushedResponse
from shared.openid4vci import CredentialRequest, finish_sign_in, redeem_code, refresh, request_credentials

AT_ONCE = 50


@pytest.fixture
async def registry(template: Template, tmp_path: Path, storage_uri: str) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "registry", storage=storage_uri) as running:
        yield running


async def number_of(registry: Registry) -> str:
    return str((await registry.make())["id"])


# --- pushed requests -------------------------------------------------------------------------------------------------------------------


async def test_a_request_uri_opens_until_somebody_has_answered(registry: Registry) -> None:
    """FAPI's tests open it twice before the person has signed in; afterwards it is over, whatever the answer was."""
    number, wallet = await number_of(registry), await attested(registry)
    _, pushed = await wallet.push()
    first, again = await wallet.begin(pushed), await wallet.begin(pushed)
    assert first == again == await authorization.pending(registry.office, first.id)
    await authorization.grant(registry.office, first.id, [number])
    for over in (
        wallet.begin(pushed),
        authorization.pending(registry.office, first.id),
        authorization.grant(registry.office, first.id, [number]),
        authorization.deny(registry.office, first.id, AccessDenied("no")),
    ):
        with pytest.raises(InvalidRequest):
            await over


async def test_a_request_uri_of_another_time_or_client(registry: Registry) -> None:
    wallet = await attested(registry)
    _, pushed = await wallet.push()
    other = Wallet(registry, wallet.by, wallet.metadata, client_id="https://other.example")
    for reference in (pushed, PushedResponse(request_uri="urn:ietf:params:oauth:request_uri:x", expires_in=90)):
        with pytest.raises(InvalidRequest):
            await other.begin(reference)
    with pytest.raises(InvalidRequest):
        await authorization.begin(registry.office, wallet.client_id, pushed.request_uri.removeprefix("urn:ietf:params:oauth:request_uri:"))
    registry.clock.at += 90
    with pytest.raises(InvalidRequest):
        await wallet.begin(pushed)


async def test_a_sign_in_does_not_wait_forever(registry: Registry) -> None:
    number, wallet = await number_of(registry), await attested(registry)
    pending = await wallet.begin((await wallet.push())[1])
    assert pending.expires_at == registry.clock() + 900
    registry.clock.at += 900
    with pytest.raises(InvalidRequest):
        await authorization.grant(registry.office, pending.id, [number])


async def test_no_comes_back_with_state_and_issuer(registry: Registry) -> None:
    wallet = await attested(registry)
    for error in (AccessDenied("the person said no"), LoginRequired("she could not sign in")):
        sign_in, pushed = await wallet.push()
        url = await authorization.deny(registry.office, (await wallet.begin(pushed)).id, error)
        answer = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert url.startswith(f"{CALLBACK}?")
        assert (answer["error"], answer["iss"], answer["state"]) == (error.error, registry.url, sign_in.state)
        with pytest.raises(type(error)):
            finish_sign_in(wallet.metadata.server, sign_in, url)
        with pytest.raises(InvalidRequest):
            await wallet.begin(pushed)


async def test_answers_keep_the_query_and_every_state(registry: Registry) -> None:
    number, wallet = await number_of(registry), await attested(registry)
    _, url = await wallet.sign_in([number], redirect_uri=f"{CALLBACK}?keep=this")
    assert url.startswith(f"{CALLBACK}?keep=this&code=")


async def test_mix_up_is_seen_by_the_wallet(registry: Registry) -> None:
    """``iss`` is in every answer (RFC 9207): one by another server, or to another sign-in, is dropped unread."""
    number, wallet = await number_of(registry), await attested(registry)
    sign_in, url = await wallet.sign_in([number])
    for bad in (url.replace("registry.example", "evil.example"), url.partition("&iss=")[0], url.replace(sign_in.state, "other")):
        with pytest.raises(Refused):
            finish_sign_in(wallet.metadata.server, sign_in, bad)
    assert finish_sign_in(wallet.metadata.server, sign_in, url)


async def test_only_what_was_asked_for_and_is_in_force_is_granted(registry: Registry) -> None:
    number, wallet = await number_of(registry), await attested(registry)
    pending = await wallet.begin((await wallet.push())[1])
    for numbers in ([], [number, number]):
        with pytest.raises(Malformed):
            await authorization.grant(registry.office, pending.id, numbers)
    await registry.call("POST", f"/api/credentials/{number}/hold", {"reason": "court-order"})
    with pytest.raises(Conflict):
        await authorization.grant(registry.office, pending.id, [number])


async def test_an_offer_says_what_it_is_about_and_gives_no_right_to_it(registry: Registry) -> None:
    made, wallet = await registry.make(), await attested(registry)
    known = await offers.secrets_of(registry.office, made["id"])
    assert known is not None
    offer = offers.sign_in_offer(registry.office, "representation", known.secrets.token)
    assert offer.authorization_code is not None
    assert offer.pre_authorized is None
    state = offer.authorization_code.issuer_state
    assert (await wallet.begin((await wallet.push(issuer_state=state))[1])).hint == made["id"]
    assert (await wallet.begin((await wallet.push(issuer_state="made up"))[1])).hint is None
    await registry.redeem(made, made["code"])
    assert (await wallet.begin((await wallet.push(issuer_state=state))[1])).hint is None


# --- codes -----------------------------------------------------------------------------------------------------------------------------


async def test_a_code_serves_the_wallet_that_asked_for_it(registry: Registry) -> None:
    """Code injection: another wallet, another instance, another address, verifier or key. None of them uses it up."""
    number, wallet = await number_of(registry), await attested(registry)
    sign_in, url = await wallet.sign_in([number])
    code = finish_sign_in(wallet.metadata.server, sign_in, url)
    thief = Wallet(registry, wallet.by, wallet.metadata, client_id="https://thief.example")
    instance = Wallet(registry, wallet.by, wallet.metadata, dpop=wallet.dpop)
    other_key = Wallet(registry, wallet.by, wallet.metadata, instance=wallet.instance)
    for by, said in (
        (thief, replace(sign_in, client_id=thief.client_id)),
        (instance, sign_in),
        (other_key, sign_in),
        (wallet, replace(sign_in, redirect_uri="https://wallet.example/other")),
        (wallet, replace(sign_in, verifier="v" * 43)),
    ):
        with pytest.raises(InvalidGrant):
            await by.redeem(said, code)
    wallet.metadata = replace(wallet.metadata, server=replace(wallet.metadata.server, dpop_algs=()))
    wallet.protected = wallet.protect()
    with pytest.raises(InvalidDpopProof):
        await wallet.change(sign_in, url)
    wallet = await attested(registry, wallet.by, instance=wallet.instance, dpop=wallet.dpop)
    assert (await wallet.change(sign_in, url)).token_type == "DPoP"


async def test_a_code_lives_a_minute(registry: Registry) -> None:
    number, wallet = await number_of(registry), await attested(registry)
    sign_in, url = await wallet.sign_in([number])
    registry.clock.at += 60
    with pytest.raises(InvalidGrant):
        await wallet.change(sign_in, url)


async def test_dpop_jkt_ties_the_code_to_a_key(registry: Registry) -> None:
    """RFC 9449 section 10: also where no proof was pushed."""
    number, wallet = await number_of(registry), await attested(registry)
    for key, good in ((wallet.dpop, True), (Signer.new(), False)):
        bare = await attested(registry, wallet.by, instance=wallet.instance)
        whole = bare.metadata
        bare.metadata = replace(whole, server=replace(whole.server, dpop_algs=()))
        bare.protected, bare.metadata = bare.protect(), whole  # as if nobody asked for proofs
        sign_in, url = await bare.sign_in([number], dpop_jkt=jwk.thumbprint(key.public))
        if good:
            assert (await wallet.change(sign_in, url)).token_type == "DPoP"
        else:
            with pytest.raises(InvalidGrant):
                await wallet.change(sign_in, url)


async def test_code_used_again_ends_its_tokens_at_the_other_service(template: Template, tmp_path: Path, registry: Registry) -> None:
    """Seen by the credential endpoint of another process at once; the refresh token is over too, and the history says why."""
    number, wallet = await number_of(registry), await attested(registry)
    sign_in, url = await wallet.sign_in([number])
    token = await wallet.change(sign_in, url)
    await wallet.copies(token)
    shutil.copytree(template.directory, tmp_path / "other")
    async with another_process(registry, tmp_path / "other") as other:
        elsewhere = await attested(other, wallet.by, instance=wallet.instance, dpop=wallet.dpop)
        trust(other, wallet.by)
        assert len((await elsewhere.copies(token)).credentials) == 1
        registry.clock.at += 1
        with pytest.raises(InvalidGrant):
            await wallet.change(sign_in, url)
        with pytest.raises(InvalidToken):
            await elsewhere.copies(token)
    with pytest.raises(InvalidGrant):
        await wallet.run(refresh(wallet.metadata, token.refresh_token or ""))
    _, detail = await registry.call("GET", f"/api/credentials/{number}")
    assert [line["what"] for line in detail["history"]] == ["made", "collected", "renewed", "reuse-stopped"]


async def test_one_code_is_changed_once(registry: Registry) -> None:
    """Fifty at once: one gets tokens at most, and those are over, for somebody else had the code too."""
    number, wallet = await number_of(registry), await attested(registry)
    sign_in, url = await wallet.sign_in([number])
    code = finish_sign_in(wallet.metadata.server, sign_in, url)
    await wallet.nonce()
    answers = await asyncio.gather(
        *(wallet.run(redeem_code(wallet.metadata.server, sign_in, code)) for _ in range(AT_ONCE)), return_exceptions=True
    )
    good = [each for each in answers if not isinstance(each, BaseException)]
    assert len(good) == 1
    assert {type(each) for each in answers if isinstance(each, BaseException)} == {InvalidGrant}
    with pytest.raises(InvalidToken):
        await wallet.copies(good[0])


async def test_nothing_is_left_on_the_disk(registry: Registry) -> None:
    """What was pushed goes with its time; codes, references and transactions are digests while they live."""
    number, wallet = await number_of(registry), await attested(registry)
    sign_in, url = await wallet.sign_in([number])
    code = finish_sign_in(wallet.metadata.server, sign_in, url)
    row = await registry.office.storage.read(lambda tx: tx.fetchrow("SELECT code FROM authorization_request"))
    assert row is not None
    assert bytes(row["code"]) == digest("authorization code", code)
    registry.clock.at += 1_000
    await one_round(registry.app)
    row = await registry.office.storage.read(lambda tx: tx.fetchrow("SELECT count(*) AS n FROM authorization_request"))
    assert row is not None
    assert row["n"] == 0


# --- identifiers -----------------------------------------------------------------------------------------------------------------------


async def test_authorization_details_give_identifiers_and_only_those_count(registry: Registry) -> None:
    number, wallet = await number_of(registry), await attested(registry)
    token = await wallet.token([number], by_details=True)
    (detail,) = token.details
    assert detail.configuration_id == "representation-sd-jwt"
    assert len(detail.identifiers) == 1
    assert len((await wallet.copies(token, 2)).credentials) == 2
    for request, error in (
        (CredentialRequest(configuration_id="representation-sd-jwt"), InvalidCredentialRequest),
        (CredentialRequest(identifier="representation-sd-jwt.1"), UnknownCredentialIdentifier),
        (CredentialRequest(identifier="representation-vc-jwt.0"), UnknownCredentialIdentifier),
        (CredentialRequest(identifier="nonsense"), UnknownCredentialIdentifier),
    ):
        proved = replace(request, proofs=tuple(wallet.proofs(await wallet.nonce())))
        with pytest.raises(error):
            await wallet.run(request_credentials(wallet.metadata, token, proved))
    renewed = await wallet.run(refresh(wallet.metadata, token.refresh_token or ""))
    assert renewed.details == token.details


async def test_several_documents_of_a_kind_are_told_apart(registry: Registry) -> None:
    """A scope alone does not say which: then the token response does, though no details were asked for (section 6.2)."""
    numbers, wallet = [await number_of(registry), await number_of(registry)], await attested(registry)
    token = await wallet.token(numbers)
    ((identifiers),) = [detail.identifiers for detail in token.details]
    assert len(identifiers) == 2
    for identifier in identifiers:
        request = CredentialRequest(identifier=identifier, proofs=tuple(wallet.proofs(await wallet.nonce())))
        assert len((await wallet.run(request_credentials(wallet.metadata, token, request))).credentials) == 1
    for number in numbers:
        _, detail = await registry.call("GET", f"/api/credentials/{number}")
        assert (detail["state"], detail["copies"]) == ("collected", 1)
    await registry.call("POST", f"/api/credentials/{numbers[0]}/invitation", {})
    request = CredentialRequest(identifier=identifiers[0], proofs=tuple(wallet.proofs(await wallet.nonce())))
    with pytest.raises(UnknownCredentialIdentifier):
        await wallet.run(request_credentials(wallet.metadata, token, request))
    request = CredentialRequest(identifier=identifiers[1], proofs=tuple(wallet.proofs(await wallet.nonce())))
    assert len((await wallet.run(request_credentials(wallet.metadata, token, request))).credentials) == 1


async def test_a_token_is_good_for_what_was_asked(registry: Registry) -> None:
    number, wallet = await number_of(registry), await attested(registry)
    token = await wallet.token([number], "representation-sd-jwt", "representation-vc-jwt")
    for name in ("representation-sd-jwt", "representation-vc-jwt"):
        assert len((await wallet.copies(token, 1, name)).credentials) == 1
    with pytest.raises(UnknownCredentialConfiguration):
        await wallet.copies(token, 1, "representation-sd-cwt")


async def test_what_was_cancelled_meanwhile_is_not_given(registry: Registry) -> None:
    number, wallet = await number_of(registry), await attested(registry)
    sign_in, url = await wallet.sign_in([number])
    wish = Wish(action=Action.CANCEL, reason="donor-died", actor=Actor(role="clerk", name="Iris"))
    await change_one(registry.office, number, wish)
    with pytest.raises(InvalidGrant):
        await wallet.change(sign_in, url)
