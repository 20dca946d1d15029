"""A second person looks at a document before copies are made; corrections end what was made before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from support.attested import Wallet, attested
from support.counting import rows
from support.registry import LPA_1, Registry, Template, collect, serving
from support.second_person import approve, send_back, version_of

from issuer import approval, people
from issuer.app import one_round
from issuer.office import digest
from issuer.records import listing
from issuer.replace import replace as correct
from issuer.sessions import Actor, Approval
from shared.clock import DAY
from shared.errors import Conflict, Forbidden, InvalidToken, InvalidTransactionId, Malformed, Missing, Refused
from shared.formats import formats
from shared.jose.jwk import render_jwk
from shared.openid4vci import CredentialResponse, TokenResponse, refresh, request_deferred
from shared.storage import Tx
from shared.x509 import load_certificate

CLERK, APPROVER, ADMIN = (Actor(role=role, name=name) for role, name in (("clerk", "Cled"), ("approver", "Ana"), ("admin", "Iris")))
OTHER = LPA_1 | {"powers": ["council-tax"]}


@pytest.fixture
async def registry(template: Template, tmp_path: Path, storage_uri: str) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "registry", storage=storage_uri, approve_types=("representation",)) as running:
        yield running


async def pick_up(wallet: Wallet, token: TokenResponse, transaction: str | None, *, encrypted: bool = False) -> CredentialResponse:
    response: CredentialResponse = await wallet.run(request_deferred(wallet.metadata, token, transaction or "", encrypted=encrypted))
    return response


async def count(registry: Registry, table: str) -> int:
    return await rows(registry.office.storage, table)


def holders(response: CredentialResponse) -> list[object]:
    return [formats()["dc+sd-jwt"].parse(wire).payload["cnf"]["jwk"]["x"] for wire in response.credentials]


async def test_copies_wait_for_a_second_person(registry: Registry) -> None:
    """202 and a transaction, the same one again, then copies for the keys that were proved at first; once."""
    number, wallet = (await registry.make())["id"], await attested(registry)
    token = await wallet.token([number])
    response = await wallet.copies(token, 3)
    proved = [render_jwk(each.public)["x"] for each in wallet.keys]
    assert (response.credentials, response.interval) == ((), 600)
    row = await registry.office.storage.read(lambda tx: tx.fetchrow("SELECT sealed FROM deferral"))
    assert row is not None
    assert not any(str(each).encode() in bytes(row["sealed"]) for each in proved)  # no holder's key is ever readable (S24)
    again = await pick_up(wallet, token, response.transaction_id)
    assert (again.transaction_id, again.interval) == (response.transaction_id, 600)
    (listed,) = await registry.office.storage.read(partial(listing.waiting, limit=200))
    assert listed.document.id == number
    for name, fitting in ((number, [number]), ("0", [])):
        looked = listing.Wanted(number=name, reference=b"x", types=["person"])
        found = await registry.office.storage.read(partial(listing.waiting, limit=9, wanted=looked))
        assert [each.document.id for each in found] == fitting
        assert await registry.office.storage.read(partial(listing.waiting_count, wanted=looked)) == len(fitting)
    assert (await approve(registry.office, number, APPROVER)).approval is Approval.APPROVED
    assert await registry.office.storage.read(partial(listing.waiting, limit=200)) == []
    registry.clock.at += 1_800  # longer than an access token lives
    token = await wallet.run(refresh(wallet.metadata, token.refresh_token or ""))
    copies = await pick_up(wallet, token, response.transaction_id, encrypted=True)
    assert holders(copies) == proved
    with pytest.raises(InvalidTransactionId):
        await pick_up(wallet, token, response.transaction_id)
    assert len((await wallet.copies(token)).credentials) == 1
    _, detail = await registry.call("GET", f"/api/credentials/{number}")
    assert [line["what"] for line in detail["history"]] == ["made", "approved", "collected", "renewed"]
    assert await count(registry, "deferral") == 0


async def test_who_may_approve(registry: Registry) -> None:
    """Not a clerk, not a program, not whoever made it or wrote its details; and only what waits."""
    number = (await registry.make())["id"]
    for actor in (CLERK, Actor(role="program", name="key"), Actor(role="wallet", name="")):
        with pytest.raises(Forbidden):
            await approve(registry.office, number, actor)
        with pytest.raises(Forbidden):
            await send_back(registry.office, number, "not so", actor)
    await correct(registry.office, number, OTHER, reason="a slip", actor=ADMIN)
    with pytest.raises(Forbidden):
        await approve(registry.office, number, ADMIN)
    await approve(registry.office, number, APPROVER)
    for action in (approve(registry.office, number, APPROVER), send_back(registry.office, number, "late", APPROVER)):
        with pytest.raises(Conflict):
            await action
    with pytest.raises(Missing):
        await approval.approve(registry.office, "0" * 16, APPROVER, version=0)
    for reason in ("", " ", "x" * 301):
        with pytest.raises(Malformed):
            await send_back(registry.office, number, reason, APPROVER)


async def test_only_what_was_looked_at_is_approved(registry: Registry) -> None:
    number = (await registry.make())["id"]
    looked_at = await version_of(registry.office, number)
    await correct(registry.office, number, OTHER, reason="a slip", actor=CLERK)
    for deciding in (
        approval.approve(registry.office, number, APPROVER, version=looked_at),
        approval.refuse(registry.office, number, "not so", APPROVER, version=looked_at),
    ):
        with pytest.raises(Conflict) as told:
            await deciding
        assert told.value.where == "/version"
    (listed,) = await registry.office.storage.read(partial(listing.waiting, limit=200))
    assert listed.document.approval is Approval.WAITING


async def test_what_a_holder_does_keeps_no_second_person_waiting(registry: Registry) -> None:
    """She may agree, come too early and block her letter as often as she likes: the details are those that were looked at."""
    number = (await registry.make())["id"]
    looked_at = await version_of(registry.office, number)
    for _ in range(3):
        await people.note_agreement(registry.office, [number])
    assert (await approval.approve(registry.office, number, APPROVER, version=looked_at)).cleared


async def test_sent_back_and_corrected(registry: Registry) -> None:
    """To a wallet it waits until it is right, and then gives the new details: a refusal would be its last word."""
    number, wallet = (await registry.make())["id"], await attested(registry)
    token = await wallet.token([number])
    waiting = (await wallet.copies(token)).transaction_id
    await send_back(registry.office, number, "the date is wrong", APPROVER)
    assert (await pick_up(wallet, token, waiting)).transaction_id == waiting
    assert (await wallet.copies(token)).transaction_id
    await correct(registry.office, number, OTHER, reason="the date", actor=ADMIN)
    assert (await pick_up(wallet, token, waiting)).transaction_id == waiting
    await approve(registry.office, number, APPROVER)
    (wire,) = (await pick_up(wallet, token, waiting)).credentials
    _, detail = await registry.call("GET", f"/api/credentials/{number}")
    assert [line["what"] for line in detail["history"]] == ["made", "sent-back", "corrected", "approved", "collected"]
    assert detail["history"][1]["reason"] == "the date is wrong"
    assert formats()["dc+sd-jwt"].parse(wire).payload["iat"]


async def test_a_transaction_is_its_wallets_alone(registry: Registry) -> None:
    """Another token, another key, made up; and what is sealed cannot be moved to another transaction."""
    number, wallet = (await registry.make())["id"], await attested(registry)
    token = await wallet.token([number])
    first, second = [(await wallet.copies(token)).transaction_id for _ in range(2)]
    thief = Wallet(registry, wallet.by, wallet.metadata, client_id="https://thief.example")
    with pytest.raises(InvalidToken):
        await pick_up(thief, token, first)
    other = await wallet.token([(await registry.make())["id"]])
    for its, transaction in ((other, first), (token, "made-up")):
        with pytest.raises(InvalidTransactionId):
            await pick_up(wallet, its, transaction)
    await approve(registry.office, number, APPROVER)

    async def move(tx: Tx) -> None:
        row = await tx.fetchrow("SELECT sealed FROM deferral WHERE digest = $1", digest("transaction", first or ""))
        assert row is not None
        await tx.execute("UPDATE deferral SET sealed = $1 WHERE digest = $2", row["sealed"], digest("transaction", second or ""))

    await registry.office.storage.write(move)
    with pytest.raises(Refused):
        await pick_up(wallet, token, second)
    assert len((await pick_up(wallet, token, first)).credentials) == 1


async def test_of_too_many_the_oldest_give_way(registry: Registry) -> None:
    number, wallet = (await registry.make())["id"], await attested(registry)
    token = await wallet.token([number])
    first = newest = (await wallet.copies(token)).transaction_id
    for _ in range(16):
        registry.clock.at += 1
        newest = (await wallet.copies(token)).transaction_id
    assert await count(registry, "deferral") == 16
    assert (await pick_up(wallet, token, newest)).transaction_id == newest
    with pytest.raises(InvalidTransactionId):
        await pick_up(wallet, token, first)
    await registry.call("POST", f"/api/credentials/{number}/cancel", {"reason": "donor-died"})
    assert await count(registry, "deferral") == 0


async def test_what_nobody_comes_back_for_goes(registry: Registry) -> None:
    """The keys in two weeks (S24); the right to come with others lives as long as the tokens."""
    number, wallet = (await registry.make())["id"], await attested(registry)
    await wallet.copies(await wallet.token([number]))
    registry.clock.at += 14 * DAY
    await one_round(registry.app)
    assert (await count(registry, "deferral"), await count(registry, "entitlement")) == (0, 1)
    registry.clock.at += 107 * DAY
    await one_round(registry.app)
    for table in ("deferral", "entitled", "entitlement", "authorization_request"):
        assert await count(registry, table) == 0, table


async def test_invitations_wait_too(registry: Registry) -> None:
    """Whoever collects with a code gets a transaction as well."""
    made = await registry.make()
    holder = await collect(registry, made)
    response = await holder.copies(2)
    assert response.transaction_id
    await approve(registry.office, made["id"], ADMIN)
    copies = await registry.run(request_deferred(holder.metadata, holder.token, response.transaction_id))
    assert len(copies.credentials) == 2


# --- corrections -----------------------------------------------------------------------------------------------------------------------


async def test_a_correction_ends_earlier_copies(template: Template, tmp_path: Path) -> None:
    """Old copies are cancelled for good, among decoys; the wallet finds the new details when it next renews."""
    async with serving(template, tmp_path / "registry") as registry:
        number, wallet = (await registry.make())["id"], await attested(registry)
        token = await wallet.token([number])
        await wallet.copies(token, 3)
        path = f"/api/credentials/{number}/correction"
        status, detail = await registry.call("POST", path, {"claims": OTHER, "reason": "one power too many"})
        assert (status, detail["state"], detail["copies"]) == (200, "collected", 0)
        assert [(line["what"], line["copies"]) for line in detail["history"]] == [("made", 0), ("collected", 3), ("corrected", 3)]
        rows = await registry.office.storage.read(lambda tx: tx.fetch("SELECT value, document, expires_at FROM status_entry"))
        assert all(row["document"] is None and row["value"] == 1 for row in rows)
        assert [row["expires_at"] > 0 for row in rows].count(True) == 3
        assert len(rows) >= 3 + 64
        (wire,) = (await wallet.copies(token)).credentials
        form = formats()["dc+sd-jwt"]
        told = form.check_received(
            form.parse(wire), load_certificate(registry.office.signer.x5c[0]).public, holder=wallet.keys[0].public, at=registry.clock()
        )
        assert told.claims == OTHER | {"report_tag": told.claims["report_tag"]}
        await registry.call("POST", f"/api/credentials/{number}/hold", {"reason": "court-order"})
        await registry.call("POST", f"/api/credentials/{number}/reinstate", {"reason": "court-order"})
        rows = await registry.office.storage.read(lambda tx: tx.fetch("SELECT value FROM status_entry WHERE document IS NOT NULL"))
        assert [row["value"] for row in rows] == [0]
        assert (await registry.call("POST", path, {"claims": OTHER | {"powers": ["x"]}, "reason": "r"}))[0] == 400
        assert (await registry.call("POST", path, {"claims": OTHER, "reason": ""}))[0] == 400
        assert (await registry.call("POST", "/api/credentials/0000000000000000/correction", {"claims": OTHER, "reason": "r"}))[0] == 404
        await registry.call("POST", f"/api/credentials/{number}/cancel", {"reason": "donor-died"})
        assert (await registry.call("POST", path, {"claims": OTHER, "reason": "r"}))[0] == 409
