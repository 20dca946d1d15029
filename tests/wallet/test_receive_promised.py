"""Documents that an issuer needs time for: keys are kept, the issuer is asked at its own intervals, and what comes is checked as ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from support.signing import Signer
from support.strict_wallet import Visit, visit
from support.trial_verify import CLAIMS, Authority

from shared.clock import DAY
from shared.errors import CredentialRequestDenied, InvalidTransactionId, Refused, Unavailable, Untrusted
from shared.trust.anchors import TrustAnchors
from shared.trust.policy import Policy
from wallet.sessions import Declined, Granted, Kept, Promised
from wallet.upkeep import upkeep


async def promised(here: Visit) -> str:
    invitation = await here.granted()
    with pytest.raises(Unavailable) as told:
        await here.take(invitation)
    assert told.value.retry_after == here.issuer.ways.interval
    assert isinstance((await here.look(invitation)).state, Promised)
    return invitation


async def go(here: Visit, seconds: int) -> None:
    here.clock.at += seconds
    await upkeep(here.wallet.means, here.wallet.vault)


async def test_asked_at_its_intervals_and_not_before(tmp_path: Path) -> None:
    async with visit(tmp_path, waits=2, interval=100) as here:
        invitation = await promised(here)
        keys = {key for part in (await here.look(invitation)).state.parts for key in part.keys}  # type: ignore[union-attr] # promised
        await go(here, 99)
        with pytest.raises(Unavailable):
            await here.take(invitation)
        assert not here.issuer.calls("/deferred")
        await go(here, 1)
        assert len(here.issuer.calls("/deferred")) == 2, "one of them for a nonce"
        assert isinstance((await here.look(invitation)).state, Promised)
        await go(here, 100)
        assert isinstance((await here.look(invitation)).state, Kept)
        document = await here.wallet.document()
        assert {copy.id for copy in document.copies} == keys
        assert [each["event"] for each in here.issuer.notified] == ["credential_accepted"]
        assert len(here.issuer.batches) == 1, "asked for once"
        await go(here, 100)
        assert len(await here.wallet.documents()) == 1


async def test_a_token_that_ran_out_meanwhile_is_renewed_first(tmp_path: Path) -> None:
    async with visit(tmp_path, waits=2, interval=1_000, access_seconds=300, encryption="required") as here:
        await promised(here)
        await go(here, 1_000)
        await go(here, 1_000)
        document = await here.wallet.document()
        assert document.renewal is not None
        assert {document.renewal.token} == set(here.issuer.rotating)
        assert {headers["content-type"] for headers, _ in here.issuer.calls("/deferred")} == {"application/jwt"}


async def test_without_a_way_to_renew_the_token_it_ends(tmp_path: Path) -> None:
    async with visit(tmp_path, waits=1, interval=1_000, refreshes=False) as here:
        invitation = await promised(here)
        await go(here, 1_000)
        assert isinstance((await here.look(invitation)).state, Declined)
        assert [line.entry.transaction_result for line in await here.wallet.lines()] == ["failed"]


async def test_a_refusal_for_good_ends_it(tmp_path: Path) -> None:
    async with visit(tmp_path, waits=1) as here:
        invitation = await promised(here)
        here.issuer.instead["/deferred"] = lambda _: web.json_response({"error": "credential_request_denied"}, status=400)
        await go(here, 60)
        state = (await here.look(invitation)).state
        assert isinstance(state, Declined)
        assert state.code == CredentialRequestDenied.code
        with pytest.raises(Refused):
            await here.take(invitation)
        assert await here.wallet.documents() == []


async def test_a_transaction_that_nobody_knows_any_more_is_begun_anew_once(tmp_path: Path) -> None:
    async with visit(tmp_path, waits=1) as here:
        invitation = await promised(here)
        here.issuer.transactions.clear()
        await go(here, 60)
        assert isinstance((await here.look(invitation)).state, Promised)
        assert len(here.issuer.batches) == 2
        here.issuer.transactions.clear()
        await go(here, 60)
        state = (await here.look(invitation)).state
        assert isinstance(state, Declined)
        assert state.code == InvalidTransactionId.code
        assert len(here.issuer.batches) == 2


async def test_a_promise_that_held_for_a_while_may_be_begun_anew_again(tmp_path: Path) -> None:
    """As where an office forgets who waits for long."""
    async with visit(tmp_path, waits=2) as here:
        invitation = await promised(here)
        for _ in range(3):
            await go(here, 60)
            here.issuer.transactions.clear()
            await go(here, 60)
        assert isinstance((await here.look(invitation)).state, Promised)
        for _ in range(2):
            await go(here, 60)
        assert isinstance((await here.look(invitation)).state, Kept)


async def test_a_transaction_that_was_lost_may_be_ready_now(tmp_path: Path) -> None:
    async with visit(tmp_path, waits=1) as here:
        invitation = await promised(here)
        here.issuer.transactions.clear()
        here.issuer.ways.waits = 0
        await go(here, 60)
        assert isinstance((await here.look(invitation)).state, Kept)


def away(_: web.Request) -> web.StreamResponse:
    return web.Response(status=503, headers={"Retry-After": "900"})


def other_transaction(_: web.Request) -> web.StreamResponse:
    return web.json_response({"transaction_id": "another", "interval": 5}, status=202)


def copies_and_promise(_: web.Request) -> web.StreamResponse:
    return web.json_response({"transaction_id": "another", "interval": 5, "credentials": [{"credential": "a~"}]}, status=200)


def wrong_status(_: web.Request) -> web.StreamResponse:
    return web.json_response({"credentials": [{"credential": "a~"}]}, status=202)


@pytest.mark.parametrize("says", [away, other_transaction, copies_and_promise, wrong_status])
async def test_what_is_no_answer_loses_nothing(tmp_path: Path, says: Callable[[web.Request], web.StreamResponse]) -> None:
    async with visit(tmp_path, waits=1) as here:
        invitation = await promised(here)
        here.issuer.instead["/deferred"] = says
        await go(here, 60)
        state = (await here.look(invitation)).state
        assert isinstance(state, Promised)
        assert state.next_at - here.clock() == (900 if says is away else 300)
        here.issuer.instead.clear()
        await go(here, 900)
        assert isinstance((await here.look(invitation)).state, Kept)


async def test_a_holder_key_that_was_swapped_meanwhile(tmp_path: Path) -> None:
    async with visit(tmp_path, waits=1) as here:
        invitation, issuer = await promised(here), here.issuer
        ((name, (keys, form, left)),) = issuer.transactions.items()
        issuer.transactions[name] = ((*keys[1:], Signer.new().public), form, left)
        await go(here, 60)
        state = (await here.look(invitation)).state
        assert isinstance(state, Declined)
        assert state.code == "not_bound"
        assert [each["event"] for each in issuer.notified] == ["credential_failure"]
        assert await here.wallet.copies() == []


async def test_what_came_is_not_lost_while_the_sender_is_unknown(tmp_path: Path) -> None:
    """The issuer gives it once; it waits here until the sender is trusted."""
    async with visit(tmp_path, waits=1) as here:
        invitation = await promised(here)
        here.issuer.by = Authority.new(here.issuer.base)
        await go(here, 60)
        state = (await here.look(invitation)).state
        assert isinstance(state, Promised)
        assert not here.issuer.transactions
        with pytest.raises(Untrusted):
            await here.take(invitation)
        assert len(here.issuer.calls("/deferred")) == 2
        trusted = Policy(TrustAnchors(anchors=(here.issuer.by.pin(entity=here.issuer.base),)))
        here.wallet.means = replace(here.wallet.means, trust=lambda: trusted)
        assert (await here.take(invitation)).value.copies


async def test_one_format_now_and_another_later_is_one_document(tmp_path: Path) -> None:
    async with visit(tmp_path, formats=("dc+sd-jwt", "vc+jwt"), late=("vc+jwt",), waits=1) as here:
        await promised(here)
        assert await here.wallet.documents() == [], "all of it or nothing"
        await go(here, 60)
        document = await here.wallet.document()
        assert set(document.configurations) == {"dc+sd-jwt", "vc+jwt"}
        assert len(here.issuer.notified) == 2


async def test_copies_that_say_something_else_later_are_not_kept(tmp_path: Path) -> None:
    async with visit(tmp_path, formats=("dc+sd-jwt", "vc+jwt"), late=("vc+jwt",), waits=1) as here:
        invitation = await promised(here)
        here.issuer.claims = {**CLAIMS, "powers": ["banking"]}
        await go(here, 60)
        assert isinstance((await here.look(invitation)).state, Declined)
        assert len([each for each in here.issuer.notified if each["event"] == "credential_failure"]) == 2


async def test_a_promise_outlives_other_invitations(tmp_path: Path) -> None:
    async with visit(tmp_path, waits=2, interval=70 * DAY) as here:
        invitation = await here.granted()
        with pytest.raises(Unavailable):
            await here.take(invitation)
        await go(here, 61 * DAY)
        assert isinstance((await here.look(invitation)).state, Promised)


async def test_no_issuer_makes_a_wallet_wait_longer_than_a_week(tmp_path: Path) -> None:
    async with visit(tmp_path, waits=1, interval=2**53 - 1) as here:
        invitation = await here.granted()
        with pytest.raises(Unavailable) as told:
            await here.take(invitation)
        assert told.value.retry_after == 7 * DAY
        state = (await here.look(invitation)).state
        assert isinstance(state, Promised)
        assert state.next_at == here.clock() + 7 * DAY


async def test_new_copies_that_need_time_are_asked_for_later(tmp_path: Path) -> None:
    async with visit(tmp_path) as here:
        await here.collect()
        here.issuer.ways.waits = 1
        await go(here, 21 * DAY)
        document = await here.wallet.document()
        assert document.renewal is not None
        assert document.renewal.problem == ""
        keys = {key for part in document.renewal.parts for key in part.keys}
        assert document.renewal.at == here.clock() + here.issuer.ways.interval
        await go(here, here.issuer.ways.interval)
        document = await here.wallet.document()
        assert {copy.id for copy in document.copies} == keys
        assert document.renewal is not None
        assert document.renewal.parts == ()
        assert len(here.issuer.batches) == 2, "asked for once"


async def test_new_copies_that_are_forgotten_meanwhile_are_asked_for_anew(tmp_path: Path) -> None:
    async with visit(tmp_path) as here:
        await here.collect()
        here.issuer.ways.waits = 1
        await go(here, 21 * DAY)
        for _ in range(3):
            here.issuer.transactions.clear()
            await go(here, here.issuer.ways.interval)
        document = await here.wallet.document()
        assert document.renewal is not None
        assert document.renewal.problem == ""
        assert len(here.issuer.batches) == 5
        await go(here, here.issuer.ways.interval)
        assert {copy.id for copy in (await here.wallet.document()).copies} == {key for part in document.renewal.parts for key in part.keys}


async def test_nothing_lies_in_clear_while_it_is_promised(tmp_path: Path) -> None:
    """Keys, transaction and tokens stand under seal, as everything else in a wallet."""
    async with visit(tmp_path, waits=1) as here:
        invitation = await promised(here)
        state: Any = (await here.look(invitation)).state
        rows = await here.wallet.storage.read(lambda tx: tx.fetch("SELECT body FROM items"))
        bodies = b"".join(bytes(row["body"]) for row in rows)
        assert isinstance(state.grant, Granted)
        secrets = [state.grant.access_token.encode(), state.parts[0].transaction.encode(), *state.parts[0].keys.values()]
        assert not [secret for secret in secrets if secret in bodies]
