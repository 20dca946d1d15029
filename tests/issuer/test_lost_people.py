"""A phone is lost: whatever was on it that signs in at the office ends with it. On each database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support.attested import Wallet
from support.console import Browser
from support.registry import Registry, Template, serving
from support.visitor import CLERK, Visitor, add_passkey, code, letter, use_passkey

from issuer import offers, people
from issuer.lost import replace_lost
from issuer.records import documents
from issuer.records import people as records
from issuer.revoke import Wish, change_one
from issuer.sessions import Action
from shared.errors import InvalidGrant, SignInRequired
from shared.openid4vci import refresh
from shared.web.passkeys import Passkey

LOGIN: dict[str, Any] = {"login_issuer": "https://login.example", "login_client_id": "office", "login_name": "Citizen Account"}


@pytest.fixture
async def registry(template: Template, tmp_path: Path, storage_uri: str) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "registry", storage=storage_uri, **LOGIN) as running:
        yield running


async def hold(registry: Registry, number: str, action: Action = Action.HOLD, reason: str = "investigation") -> None:
    await change_one(registry.office, number, Wish(action=action, reason=reason, actor=CLERK))


@pytest.mark.parametrize("standing", ["in force", "on hold", "details gone"])
async def test_passkeys_and_whoever_is_signed_in_end_with_the_phone(
    registry: Registry, wallet: Wallet, nora: Visitor, standing: str
) -> None:
    """Also where no new letter shuts them out, which there is none of while the document is on hold."""
    made, office = await letter(registry), registry.office
    await nora.sign_in(code(made))
    passkey, page = await add_passkey(nora), await nora.open(f"/authorize/agree?document={made.document}")
    if standing == "on hold":
        await hold(registry, made.document)
    elif standing == "details gone":
        await office.storage.write(lambda tx: documents.drop_claims(tx, made.document))
    holder = await office.storage.read(lambda tx: records.holder_of(tx, made.document))
    assert holder is not None
    again = await replace_lost(office, made.document, actor=CLERK)
    assert (again is not None) == (standing == "in force")
    if standing == "on hold":
        await hold(registry, made.document, Action.REINSTATE, "investigation-closed")
    nora.text = page
    await nora.agree(made.document)
    assert (nora.status, nora.left) == (400, ""), "the page that was open on it"
    assert await people.passkeys_of(office, holder) == []
    await nora.come(wallet, (await wallet.push())[1])
    await use_passkey(nora, passkey)
    assert nora.path == "/authorize/passkey"
    assert "That passkey does not sign anybody in here" in nora.text
    with pytest.raises(SignInRequired):
        await people.sign_in(office, code(made), "1968-03-14")
    if standing == "on hold":
        again = await offers.invite_again(office, made.document, actor=CLERK)
    if again is not None:  # the new letter asks for the same date of birth, and opens what the old one did
        assert await people.fitting(office, await people.sign_in(office, code(again), "1968-03-14"), ["representation"])


async def test_a_passkey_beside_an_account_ends_and_the_account_stays(registry: Registry) -> None:
    """Nobody but its provider ends an account; what she had added here is hers no more."""
    made, office = await registry.make(account="her0"), registry.office
    holder = await people.sign_in_by_account(office, "her0")
    await people.add_passkey(office, holder, (b"lost", b"data", 1), handle=sha256(b"x").digest(), name="Phone")
    await replace_lost(office, made["id"], actor=CLERK)
    assert await people.passkeys_of(office, holder) == []
    assert await people.sign_in_by_account(office, "her0") == holder
    assert [each.document.id for each in await people.fitting(office, holder, ["representation"])] == [made["id"]]


async def test_passkeys_of_others_stay(registry: Registry) -> None:
    office, hers, his = registry.office, await letter(registry), await letter(registry, born="1990-01-02")
    holder = await people.sign_in(office, code(his), "1990-01-02")
    await people.add_passkey(office, holder, (b"his", b"data", 1), handle=sha256(b"x").digest(), name="Phone")
    await replace_lost(office, hers.document, actor=CLERK)
    (left,) = await people.passkeys_of(office, holder)
    assert isinstance(left, Passkey)


async def test_t_ex_5_the_counter_is_told_of_the_holders_other_documents(registry: Registry) -> None:
    """Each is said to be lost by itself: what nobody thinks of would go on counting on the phone."""
    one, other, ended = [(await registry.make(account="her0"))["id"] for _ in range(3)]
    his, nobodys = (await registry.make(account="his0"))["id"], (await registry.make())["id"]
    await hold(registry, ended, Action.CANCEL, "donor-died")
    clerk = Browser(registry)
    await clerk.sign_in()
    page = await clerk.open(f"/console/documents/{one}/lost")
    assert "Do the same for each that was on it" in page
    named = [each for each in (one, other, ended, his, nobodys) if f'href="/console/documents/{each}/lost"' in page]
    assert named == [other]
    assert "other documents" not in await clerk.open(f"/console/documents/{his}/lost")
    page = await clerk.open(f"/console/documents/{nobodys}/lost")
    assert "If other documents were on it, do the same for each of them." in page


async def test_t_ex_5_a_kind_of_document_that_is_made_no_longer_keeps_no_loss_from_being_said(registry: Registry) -> None:
    """Neither of the holder's other documents nor of that one, for which there is no invitation any more."""
    one, other = [(await registry.make(account="her0"))["id"] for _ in range(2)]
    await registry.office.storage.write(lambda tx: tx.execute("UPDATE document SET type = 'made-no-longer' WHERE id = $1", other))
    clerk = Browser(registry)
    await clerk.sign_in()
    page = await clerk.open(f"/console/documents/{one}/lost")
    assert (clerk.status, f'href="/console/documents/{other}/lost"' in page) == (200, True)
    await clerk.send(f"/console/documents/{one}/lost", {"known": "yes"})
    assert clerk.path == f"/console/documents/{one}/invitation"
    page = await clerk.open(f"/console/documents/{other}/lost")
    assert "This office no longer makes documents of this kind, so there is no new invitation." in page
    await clerk.send(f"/console/documents/{other}/lost", {"known": "yes"})
    assert (clerk.status, clerk.path) == (200, f"/console/documents/{other}")
    events = await registry.office.storage.read(lambda tx: documents.history(tx, other))
    assert events[-1].kind == "lost"


@pytest.mark.parametrize("held", [False, True])
async def test_codes_and_tokens_of_the_lost_wallet_end(registry: Registry, wallet: Wallet, *, held: bool) -> None:
    """What somebody had agreed to and not changed yet, and what renews; for another document of the same sign-in it goes on."""
    made, other = await letter(registry), await letter(registry)
    sign_in, address = await wallet.sign_in([made.document])
    token = await wallet.change(*await wallet.sign_in([made.document]))
    both = await wallet.change(*await wallet.sign_in([made.document, other.document]))
    if held:
        await hold(registry, made.document)
    await replace_lost(registry.office, made.document, actor=CLERK)
    if held:
        await hold(registry, made.document, Action.REINSTATE, "investigation-closed")
    with pytest.raises(InvalidGrant):
        await wallet.change(sign_in, address)
    with pytest.raises(InvalidGrant):
        await renew(wallet, token)
    await renew(wallet, both)
    sql = "SELECT h.document FROM entitled h JOIN entitlement e ON e.id = h.entitlement WHERE e.ended = 0"
    rows = await registry.office.storage.read(lambda tx: tx.fetch(sql))
    assert {row["document"] for row in rows} == {other.document}


async def renew(wallet: Wallet, token: Any) -> Any:
    assert token.refresh_token is not None
    return await wallet.run(refresh(wallet.metadata, token.refresh_token, client_id=wallet.client_id))
