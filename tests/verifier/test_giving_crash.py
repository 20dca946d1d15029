"""Killed while it gives a document or tells something: nobody gets two, nothing is counted twice, nothing that was promised is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.desk import Running, Template, copy_file, present, serving
from support.desk_killed import die
from support.own_office import KEY, OWN, OwnOffice, record
from support.permitting import ASSESSMENT, PERMIT
from support.signing import AT
from support.trial_verify import IDX, LIST, Dice, issue, show, status_token
from support.trial_web import Watch

from shared.asks import WITHDRAW, make_binding, render_ask
from shared.openid4vp import agreed_members, parse_permission, render_response
from shared.storage import open_storage
from verifier import known, resting

POINTS = ("given-ordered:before", "given-ordered:after", "given-made:before", "given-made:after")
MOMENTS = ("before", "after")


@pytest.fixture
def settings(storage_uri: str) -> dict[str, Any]:
    return {"storage": storage_uri, "own_issuer": OWN}


def with_key(folder: Path) -> None:
    (folder / "verifier.toml").write_text(f'own_issuer = "{OWN}"\n' + (folder / "verifier.toml").read_text())
    key = folder / "own-issuer.key"
    key.write_text(KEY)
    key.chmod(0o600)


@pytest.mark.parametrize("point", POINTS)
async def test_a_record_is_given_once(template: Template, tmp_path: Path, settings: dict[str, Any], point: str) -> None:
    folder = tmp_path / "desk"
    async with serving(template, folder, **settings) as desk:
        with_key(folder)
        _, told = await desk.call("POST", "/api/copies", data=copy_file(), headers={"content-type": "application/json"})
    await die(folder, settings["storage"], "give", point, told["id"])
    async with serving(template, folder, **settings) as desk:
        offer = await record(desk.desk, OwnOffice(folder=folder), told["id"])
        assert (await record(desk.desk, OwnOffice(folder=folder), told["id"])) == offer
    orders = (folder / "orders").read_text().split("\n")[:-1]
    assert (set(orders), len(orders)) == ({f"{told['id']} mandate-receipt"}, 2 if point == "given-made:before" else 1)


async def test_what_was_refused_makes_room_once_it_is_known(template: Template, tmp_path: Path, settings: dict[str, Any]) -> None:
    """Until then the same is ordered again; one document is made in the end."""
    folder = tmp_path / "desk"
    async with serving(template, folder, **settings) as desk:
        with_key(folder)
        _, told = await desk.call("POST", "/api/copies", data=copy_file(), headers={"content-type": "application/json"})
    for moment in MOMENTS:
        await die(folder, settings["storage"], "refused", f"given-refused:{moment}", told["id"])
        assert await states(settings["storage"]) == (["ordered valid"] if moment == "before" else [])
    async with serving(template, folder, **settings) as desk:
        offer = await record(desk.desk, OwnOffice(folder=folder), told["id"])
        assert (await record(desk.desk, OwnOffice(folder=folder), told["id"])) == offer
        assert await states(settings["storage"]) == ["made valid"]
    assert (folder / "orders").read_text() == f"{told['id']} mandate-receipt\n"


async def test_what_rests_on_an_authority_is_told_until_that_is_known(template: Template, tmp_path: Path, settings: dict[str, Any]) -> None:
    """Our issuer may be told the same twice, which changes nothing there, and is never told less."""
    folder = tmp_path / "desk"
    async with serving(template, folder, **settings) as desk:
        with_key(folder)
        _, told = await desk.call("POST", "/api/copies", data=copy_file(), headers={"content-type": "application/json"})
        offer = await record(desk.desk, OwnOffice(folder=folder), told["id"])
        desk.site.lists[LIST] = status_token({IDX: 2}, iat=AT + 60)
        desk.clock.at += 60
        await desk.store.refresh(desk.site)
    for moment in MOMENTS:
        await die(folder, settings["storage"], "rest", f"given-stands:{moment}", at=AT + 60)
        assert await states(settings["storage"]) == [f"made {'valid' if moment == 'before' else 'on-hold'}"]
    async with serving(template, folder, refresh=False, clock=Watch(AT + 60), **settings) as desk:
        assert await resting.follow(desk.desk, desk.store, OwnOffice(folder=folder))
    assert (folder / "changes").read_text().splitlines() == [f"{offer.number}/hold"] * 2


async def states(storage: str) -> list[str]:
    """Of the documents that were given, as anybody who opens the database finds them."""
    opened = open_storage(storage)
    try:
        found = await opened.read(lambda tx: tx.fetch("SELECT state, standing FROM given_document"))
        return [f"{each['state']} {each['standing']}" for each in found]
    finally:
        await opened.close()


@pytest.mark.parametrize("point", ["given-made:before", "known:before", "known:after"])
async def test_somebody_becomes_known_once(template: Template, tmp_path: Path, settings: dict[str, Any], point: str) -> None:
    folder, wish = tmp_path / "desk", "w" * 22
    async with serving(template, folder, **settings):
        with_key(folder)
    await die(folder, settings["storage"], "known", point, wish)
    async with serving(template, folder, **settings) as desk:
        customer = known.Customer(since="2027-01-15", fields={"name": "Nora Ashdown"})
        await known.make_known(desk.desk, OwnOffice(folder=folder), wish, customer)
        rows = await desk.desk.storage.read(lambda tx: tx.fetch("SELECT key FROM known_customer"))
    assert len(rows) == 1
    assert set((folder / "orders").read_text().split()) == {wish, "known-here"}


async def permit(desk: Running) -> str:
    status, asked = await desk.call("POST", "/api/permission-requests", PERMIT)
    assert status == 201, asked
    request = await desk.read(asked)
    (entry,) = request.transaction_data
    permission = parse_permission(entry)
    assert permission is not None
    await desk.post(asked, render_response(request, present(request, at=AT, binding={"extra": agreed_members([entry])})))
    return permission.id


@pytest.mark.parametrize("moment", MOMENTS)
async def test_what_is_told_is_counted_once(template: Template, tmp_path: Path, settings: dict[str, Any], moment: str) -> None:
    folder = tmp_path / "desk"
    async with serving(template, folder, **settings) as desk:
        permission = await permit(desk)
    await die(folder, settings["storage"], "tell", f"permission-use:{moment}", permission)
    async with serving(template, folder, **settings) as desk:
        status, told = await desk.call("POST", f"/api/permissions/{permission}/uses", {"categories": [ASSESSMENT], "reference": "letter 7"})
        assert (status, told["number"]) == (201, 1)
        _, state = await desk.call("GET", f"/api/permissions/{permission}")
        assert (state["used"], len(state["uses"])) == (1, 1)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_what_was_withdrawn_stays_so(template: Template, tmp_path: Path, settings: dict[str, Any], moment: str) -> None:
    folder = tmp_path / "desk"
    async with serving(template, folder, **settings) as desk:
        permission, entity = await permit(desk), desk.desk.entity
        binding = make_binding(WITHDRAW, permission, entity=entity, at=AT, entropy=Dice("ask"))
        wire = show(issue(seed="live"), paths=(), binding=binding, at=AT)
        body = render_ask(wire, "dc+sd-jwt", what=WITHDRAW, about=permission, entity=entity)
        (folder / "body").write_bytes(body)
    await die(folder, settings["storage"], "withdraw", f"permission-withdrawn:{moment}")
    async with serving(template, folder, **settings) as desk:
        _, state = await desk.call("GET", f"/api/permissions/{permission}")
        assert state["state"] == ("in-force" if moment == "before" else "withdrawn")
        async with desk.http.post(f"{desk.base}/permissions", data=body) as answer:
            assert (await answer.json())["withdrawn_at"] == AT
