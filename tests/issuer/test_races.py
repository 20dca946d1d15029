"""Fifty at once, on each database: one code, one nonce, one index, one answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.attested import attested
from support.registry import LPA_1, Holder, Registry, Template, collect, serving
from support.second_person import approve
from support.visitor import CLERK

from issuer import issue as issuing
from issuer import offers
from issuer.office import draw_indices
from issuer.replace import replace as correct
from issuer.sessions import Actor
from shared.clock import Entropy
from shared.errors import InvalidGrant, InvalidToken, Unavailable
from shared.formats import formats
from shared.status.token_status_list import parse_token
from shared.x509 import load_certificate

AT_ONCE = 50
LESS = LPA_1 | {"powers": ["council-tax"]}


@pytest.fixture
async def registry(template: Template, tmp_path: Path, storage_uri: str) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "registry", storage=storage_uri) as running:
        yield running


async def entries(registry: Registry) -> list[tuple[int, int]]:
    rows = await registry.office.storage.read(lambda tx: tx.fetch("SELECT list, idx FROM status_entry"))
    return [(row["list"], row["idx"]) for row in rows]


def indices(wires: list[str]) -> list[int]:
    found = [formats()["dc+sd-jwt"].parse(wire).status for wire in wires]
    return [reference.idx for reference in found if reference is not None]


async def test_one_code_is_redeemed_once(registry: Registry) -> None:
    made = await registry.make()
    answers = await asyncio.gather(*(registry.redeem(made, made["code"]) for _ in range(AT_ONCE)))
    assert sorted(status for status, _ in answers) == [200] + [400] * (AT_ONCE - 1)
    assert {body["error"] for status, body in answers if status == 400} == {"invalid_grant"}


async def test_pin_brute_force_in_parallel(registry: Registry) -> None:
    """Five tries altogether, whoever asks and however many at once; the right code is among the later ones and does not help."""
    made = await registry.make()
    guesses = [f"{(int(made['code']) + step) % 10**8:08d}" for step in range(1, AT_ONCE)]
    answers = await asyncio.gather(*(registry.redeem(made, guess) for guess in guesses))
    assert {(status, body["error"]) for status, body in answers} == {(400, "invalid_grant")}
    row = await registry.office.storage.read(lambda tx: tx.fetchrow("SELECT attempts, state, sealed, tx_code FROM invitation"))
    assert row is not None
    assert (row["attempts"], row["state"], row["sealed"], row["tx_code"]) == (5, "locked", None, None)
    assert (await registry.redeem(made, made["code"]))[0] == 400


async def test_one_nonce_serves_once(registry: Registry) -> None:
    holder = await collect(registry, await registry.make())
    nonce = await registry.nonce()
    requests = [
        {"credential_configuration_id": "representation-sd-jwt", "proofs": {"jwt": holder.proofs(nonce, 1)}} for _ in range(AT_ONCE)
    ]
    answers = await asyncio.gather(*(registry.credential(holder.token.access_token, body) for body in requests))
    assert sorted(status for status, _ in answers) == [200] + [400] * (AT_ONCE - 1)
    assert {body["error"] for status, body in answers if status == 400} == {"invalid_nonce"}
    assert len(await entries(registry)) == 1


async def test_one_refresh_token_serves_once(registry: Registry) -> None:
    holder = await collect(registry, await registry.make())
    fields = {"grant_type": "refresh_token", "refresh_token": holder.token.refresh_token or ""}
    answers = await asyncio.gather(*(registry.form("/token", fields) for _ in range(AT_ONCE)))
    good = [body for status, body in answers if status == 200]
    assert len(good) <= 1
    for body in good:  # somebody else used the same token: nobody is believed any more
        again = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"]}
        assert (await registry.form("/token", again))[0] == 400


async def test_no_index_is_used_twice(registry: Registry) -> None:
    made = [await registry.make() for _ in range(10)]
    holders = [await collect(registry, one) for one in made]

    async def five(holder: Holder) -> list[str]:
        return [wire for _ in range(5) for wire in (await holder.copies(4)).credentials]

    copies = [wire for wires in await asyncio.gather(*(five(holder) for holder in holders)) for wire in wires]
    assert len(copies) == 200
    assert len(set(indices(copies))) == 200
    assert sorted(index for _, index in await entries(registry)) == sorted(indices(copies))


async def test_collisions_are_drawn_again(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only 150 indices to draw from, 100 to give away, ten asking at once: every request meets others' indices."""

    def draw(_: int, count: int, entropy: Entropy) -> list[int]:
        return draw_indices(150, count, entropy)

    monkeypatch.setattr(issuing, "draw_indices", draw)
    holders = [await collect(registry, await registry.make()) for _ in range(10)]
    for _ in range(2):
        await asyncio.gather(*(holder.copies(5) for holder in holders))
    given = await entries(registry)
    assert len(given) == len(set(given)) == 100


async def test_same_order_fifty_times(registry: Registry) -> None:
    answers = await asyncio.gather(*(registry.make(key="once") for _ in range(AT_ONCE)))
    assert len({made["id"] for made in answers}) == 1
    assert len({made["code"] for made in answers}) == 1


async def test_a_new_letter_while_a_code_is_changed(registry: Registry) -> None:
    """Whichever is first: afterwards whoever agreed before the new letter has nothing that serves."""
    wallet = await attested(registry)
    await wallet.nonce()
    for _ in range(5):
        made = await registry.make()
        sign_in, url = await wallet.sign_in([made["id"]])
        token, _ = await asyncio.gather(
            wallet.change(sign_in, url), offers.invite_again(registry.office, made["id"], actor=CLERK), return_exceptions=True
        )
        if isinstance(token, BaseException):
            assert isinstance(token, InvalidGrant)
        else:
            with pytest.raises(InvalidToken):
                await wallet.copies(token)


async def test_cancelled_while_collecting(registry: Registry) -> None:
    """Whichever is first: afterwards no copy of a cancelled document is valid."""
    made = await registry.make()
    holder = await collect(registry, made)

    async def collecting() -> int:
        try:
            return len((await holder.copies(4)).credentials)
        except Exception:  # noqa: BLE001 - refused, and that is fine
            return 0

    async def cancelling() -> int:
        await asyncio.sleep(0.02)
        return (await registry.call("POST", f"/api/credentials/{made['id']}/cancel", {"reason": "donor-died"}))[0]

    *collected, status = await asyncio.gather(*(collecting() for _ in range(10)), cancelling())
    assert status == 200
    mine = await registry.office.storage.read(lambda tx: tx.fetch("SELECT value FROM status_entry WHERE document IS NOT NULL"))
    assert len(mine) == sum(collected)
    assert {row["value"] for row in mine} <= {1}


def correct_meanwhile(registry: Registry, number: str, patch: pytest.MonkeyPatch) -> None:
    """Correct a document, once, just while the next copy of it is signed."""
    signing, clerk = issuing._sign, Actor(role="clerk", name="Cled")

    async def sign(*given: Any) -> str:
        patch.setattr(issuing, "_sign", signing)
        await correct(registry.office, number, LESS, reason="a slip", actor=clerk)
        return await signing(*given)

    patch.setattr(issuing, "_sign", sign)


async def test_corrected_while_collecting(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """No copy says what the document no longer says."""
    made = await registry.make()
    holder = await collect(registry, made)
    correct_meanwhile(registry, made["id"], monkeypatch)
    (wire,) = (await holder.copies(1)).credentials
    form, key = formats()["dc+sd-jwt"], load_certificate(registry.office.signer.x5c[0]).public
    told = form.check_received(form.parse(wire), key, holder=holder.keys[0].public, at=registry.clock())
    assert told.claims == LESS | {"report_tag": told.claims["report_tag"]}


async def test_corrected_while_collecting_and_to_be_approved(template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor one that nobody has approved; and a wallet does not hear that it was refused."""
    async with serving(template, tmp_path / "registry", approve_types=("representation",)) as registry:
        made = await registry.make()
        holder = await collect(registry, made)
        await approve(registry.office, made["id"])
        correct_meanwhile(registry, made["id"], monkeypatch)
        with pytest.raises(Unavailable):
            await holder.copies(1)
        assert await entries(registry) == []
        assert (await holder.copies(1)).transaction_id


async def test_one_change_at_a_time(registry: Registry) -> None:
    made = await registry.make()
    path = f"/api/credentials/{made['id']}/cancel"
    answers = await asyncio.gather(*(registry.call("POST", path, {"reason": "donor-died"}) for _ in range(AT_ONCE)))
    assert sorted(status for status, _ in answers) == [200] + [409] * (AT_ONCE - 1)
    _, detail = await registry.call("GET", f"/api/credentials/{made['id']}")
    assert [line["what"] for line in detail["history"]] == ["made", "cancelled"]


async def test_everybody_gets_the_same_list(registry: Registry) -> None:
    """Security rule S19: no two tokens with the same ``iat``, also when fifty ask right after a change."""
    seen: dict[int, set[str]] = {}
    for _ in range(3):
        made = await registry.make()
        await (await collect(registry, made)).copies(1)
        await registry.call("POST", f"/api/credentials/{made['id']}/cancel", {"reason": "donor-died"})
        for answer in await asyncio.gather(*(registry.get("/status/1") for _ in range(AT_ONCE))):
            text = await answer.text()
            seen.setdefault(parse_token(text).iat, set()).add(text)
    assert len(seen) == 3
    assert {len(texts) for texts in seen.values()} == {1}


async def test_two_processes_sign_one_list(template: Template, tmp_path: Path, storage_uri: str) -> None:
    async with (
        serving(template, tmp_path / "one", storage=storage_uri) as one,
        serving(template, tmp_path / "two", storage=storage_uri, join=True) as two,
    ):
        two.api_key = one.api_key
        for step in range(3):
            made = await (one if step % 2 else two).make()
            await (await collect(two if step % 2 else one, made)).copies(1)
            await one.call("POST", f"/api/credentials/{made['id']}/cancel", {"reason": "donor-died"})
            texts = await asyncio.gather(*[text(each) for each in (one, two) * 10])
            assert len(set(texts)) == 1
            one.clock.at += 1
            two.clock.at += 1


async def text(registry: Registry) -> str:
    return await (await registry.get("/status/1")).text()
