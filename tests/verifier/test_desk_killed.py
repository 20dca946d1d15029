"""A desk killed as a browser comes and goes, as its people set it up, and as it hears of changes: it is all done once, and nothing is lost."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, CookieJar
from support.clerk import Clerk
from support.counting import rows
from support.desk import Running, Template, place, serving
from support.desk_killed import die, dying
from support.desk_scan import Enrolled
from support.own_office import KEY, OWN, OwnOffice
from support.posting import post, written
from support.receiver import HOOK
from support.trial_verify import IDX, LIST, status_token

from shared.trust.anchors import render_trust
from shared.trust.bundle import parse_bundle
from shared.urls import query_of
from shared.web.operators import everybody
from verifier import applying, config, known, packs, registering, watching
from verifier.records import registrations

MOMENTS = ("before", "after")
BACK = "https://northwold-bank.example/account"
ADDRESS = "http://localhost:8103"


@asynccontextmanager
async def opened(template: Template, tmp_path: Path, storage: str) -> AsyncIterator[Running]:
    """What other processes of it have to know is in its file."""
    folder = tmp_path / "desk"
    place(template, folder)
    own = {"public_url": ADDRESS, "webhook_url": HOOK, "own_issuer": OWN}
    lines = [line for line in config.toml(folder).read_text().splitlines() if line.partition(" =")[0] not in own]
    config.toml(folder).write_text("\n".join([*(f"{name} = {json.dumps(value)}" for name, value in own.items()), *lines]))
    key = folder / "own-issuer.key"
    key.write_text(KEY)
    key.chmod(0o600)
    async with serving(template, folder, storage=storage, public_url=ADDRESS) as running:
        yield running


@pytest.fixture
async def desk(template: Template, tmp_path: Path, storage_uri: str) -> AsyncIterator[Running]:
    async with opened(template, tmp_path, storage_uri) as running:
        yield running


@pytest.fixture
async def busy(template: Template, tmp_path: Path, postgresql_uri: str) -> AsyncIterator[Running]:
    """One with pages, on the database that several processes share."""
    async with opened(template, tmp_path, postgresql_uri) as running:
        yield running


async def count(desk: Running, table: str) -> int:
    return await rows(desk.desk.storage, table)


async def test_killed_while_a_browser_comes_and_goes(busy: Running) -> None:
    """Its number and its way back are good once: where the answer was lost it begins again. Its organisation hears of it once."""
    desk = busy
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as mine:

        async def visit(url: str) -> int:
            async with mine.get(url.replace(desk.url, desk.base), allow_redirects=False) as answer:
                return answer.status

        async def begun() -> tuple[dict[str, Any], str]:
            asked = await desk.ask(same_device=True, redirect_uri=BACK)
            assert await visit(asked["link"]) == 200
            return asked, str((await desk.answer(asked, seed=asked["id"]))[1]["redirect_uri"])

        asked = await desk.ask(same_device=True, redirect_uri=BACK)
        for moment in MOMENTS:
            async with dying(desk, f"browser:{moment}"):
                await visit(asked["link"])
        assert await visit(asked["link"]) == 403, "the number that it belongs to went nowhere"
        asked, back = await begun()
        for moment in MOMENTS:
            async with dying(desk, f"return:{moment}"):
                await visit(back)
        assert await visit(back) == 400
        asked, back = await begun()
        assert await visit(back) == 303
    code = {"response_code": query_of(back)["response_code"]}
    for moment in MOMENTS:
        async with dying(desk, f"collect:{moment}"):
            await desk.call("GET", f"/api/presentation-requests/{asked['id']}", params=code)
        assert await count(desk, "event") == int(moment == "after")
    for _ in range(2):
        status, told = await desk.call("GET", f"/api/presentation-requests/{asked['id']}", params=code)
        assert (status, told["decision"], await count(desk, "event")) == (200, "accepted", 1)


async def test_killed_while_its_people_set_it_up(busy: Running) -> None:
    desk = busy
    registering.state(desk.desk.directory, desk.desk.settings, "bank", {"team": "Estates"})
    clerk = await Clerk(desk).sign_in()
    (bea,) = await desk.desk.storage.read(everybody)
    group = {"form_token": await clerk.token("/desk/inbox/teams"), "team": "Estates", "member": bea.id}
    for moment in MOMENTS:
        async with dying(desk, f"inbox-team:{moment}"):
            await clerk.post("/desk/inbox/teams", group)
        assert await count(desk, "inbox_team") == int(moment == "after")
    await clerk.post("/desk/inbox/teams", group)
    assert await count(desk, "inbox_team") == 1
    await post(desk, written(desk))
    assert "Estates" in await clerk.get("/desk/inbox")

    async def enrol() -> Enrolled:
        private, jwk = Enrolled.new_key()
        async with desk.http.post(f"{desk.base}/desk/scan/api/desks", json={"name": "Counter 3", "key": jwk}) as answer:
            return Enrolled(await answer.json(), private)

    for moment in MOMENTS:
        async with dying(desk, f"enrol-desk:{moment}"):
            await enrol()
        assert await count(desk, "scan_desk") == int(moment == "after")
    page = await clerk.get("/desk/scan/desks")
    (lost,) = re.findall(r"/desk/scan/desks/([^/]+)/end", page)
    made = await enrol()
    end = {"form_token": await clerk.token("/desk/scan/desks")}
    for moment in MOMENTS:
        async with dying(desk, f"end-desk:{moment}"):
            await clerk.post(f"/desk/scan/desks/{lost}/end", end)
        assert await count(desk, "scan_desk WHERE ended_at IS NOT NULL") == int(moment == "after")
    await clerk.post(f"/desk/scan/desks/{lost}/end", end, status=404)
    assert re.findall(r"/desk/scan/desks/([^/]+)/end", await clerk.get("/desk/scan/desks")) == [made.token.partition(".")[0]]


async def test_killed_while_it_hears_of_changes(desk: Running) -> None:
    """What is registered is one version, what became of a document is told once, and a pack is taken once."""
    folder, storage = desk.desk.directory, desk.desk.settings.storage
    versions = len(await desk.desk.storage.read(registrations.versions))
    registering.state(folder, desk.desk.settings, "bank", {"team": "Estates"})
    for moment in MOMENTS:
        await die(folder, storage, "register", f"register:{moment}")
        assert len(await desk.desk.storage.read(registrations.versions)) == versions + (moment == "after")
    await registering.tend(desk.desk)
    assert len(await desk.desk.storage.read(registrations.versions)) == versions + 1

    assert (await desk.answer(await desk.ask()))[0] == 200
    told = await count(desk, "event")
    desk.clock.at += 3_600
    desk.site.lists[LIST] = status_token({IDX: 1}, iat=desk.clock() - 60)
    await desk.store.refresh(desk.site)
    for moment in MOMENTS:
        await die(folder, storage, "look", f"watched:{moment}", at=desk.clock())
        assert await count(desk, "event") == told + (moment == "after")
    assert await watching.look(desk.desk, desk.store) == 0
    assert await count(desk, "event") == told + 1

    pack = (await packs.make(desk.desk)).data
    (folder / "body").write_bytes(pack)
    (folder / "trust.json").write_bytes(render_trust(desk.desk.trust.add_signer(parse_bundle(pack).signer)))
    for moment in MOMENTS:
        await die(folder, storage, "apply", f"apply-pack:{moment}", at=desk.clock())
        assert await count(desk, "applied_pack") == int(moment == "after")
    assert (await applying.apply(desk.desk, pack, actor="Bea Clerk")).lists == 1
    assert await count(desk, "applied_pack") == 1


async def test_killed_while_somebody_is_forgotten(desk: Running) -> None:
    """What is kept goes whole; our issuer is told until it is known to have heard, which ends their document once."""
    folder, storage, office = desk.desk.directory, desk.desk.settings.storage, OwnOffice(folder=desk.desk.directory)
    offer = await known.make_known(desk.desk, office, "w" * 22, known.Customer(since="2027-01-15", fields={"name": "Nora Ashdown"}))
    reference = str(office.order()["claims"]["case_ref"])
    for point in ("forget", "forgotten"):
        for moment in MOMENTS:
            await die(folder, storage, "forget" if point == "forget" else "finish", f"{point}:{moment}", reference)
            gone = (point, moment) != ("forget", "before")
            assert ((await known.find(desk.desk, reference)) is None) is gone
            assert await count(desk, "known_customer") == int(not gone)
            assert await count(desk, "given_document") == int((point, moment) != ("forgotten", "after"))
    assert await known.finish(desk.desk, office)
    assert (folder / "changes").read_text().splitlines() == [f"{offer.number}/cancel"] * 2
