"""A lost phone or wallet at the counter, on each database: one step, and the office learns nothing of what was done with the copies."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from support.console import Browser
from support.dying import dies
from support.registry import Holder, Registry, Template, collect, serving

from issuer import donors, offers
from issuer.records import documents
from shared.clock import system_entropy
from shared.codec import base64url
from shared.credentials import by_id
from shared.credentials._derive import path_in
from shared.errors import VcError
from shared.formats import Binding, formats
from shared.keys import KeyId
from shared.openid4vci import CredentialResponse, refresh
from shared.status.token_status_list import StatusList, parse_token, verify_token
from shared.web import api_keys, log
from shared.x509 import load_certificate

BANK = "https://northwold-bank.example"


@pytest.fixture
async def registry(template: Template, tmp_path: Path, storage_uri: str) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "registry", storage=storage_uri) as running:
        yield running


@pytest.fixture
async def clerk(registry: Registry) -> Browser:
    browser = Browser(registry)
    await browser.sign_in()
    return browser


async def listed(registry: Registry) -> StatusList:
    token = parse_token(await (await registry.get("/status/1")).text())
    issuer = load_certificate(registry.office.signer.x5c[0]).public
    return verify_token(token, uri=token.uri, key=issuer, at=registry.clock()).statuses


def places(response: CredentialResponse) -> list[int]:
    found = [formats()["dc+sd-jwt"].parse(wire).status for wire in response.credentials]
    return [reference.idx for reference in found if reference is not None]


async def say_lost(clerk: Browser, number: str) -> None:
    await clerk.open(f"/console/documents/{number}/lost")
    await clerk.send(f"/console/documents/{number}/lost", {"known": "yes"})
    assert clerk.path == f"/console/documents/{number}/invitation"


async def test_t_ex_5_a_lost_wallet_at_the_counter(registry: Registry, clerk: Browser) -> None:
    """The old copies are on hold in the very next list, among decoys (S23); the lost wallet gets no more; the new invitation works."""
    made = await registry.make()
    old = await collect(registry, made)
    lost = places(await old.copies(7))
    other = places(await (await collect(registry, await registry.make())).copies(5))
    await say_lost(clerk, made["id"])
    now = await listed(registry)
    assert {now.get(index) for index in lost} == {2}
    assert {now.get(index) for index in other} == {0}
    assert sum(now.get(index) == 2 for index in range(now.size)) - 7 >= 64
    assert old.token.refresh_token is not None
    with pytest.raises(VcError):
        await registry.run(refresh(old.metadata, old.token.refresh_token))
    with pytest.raises(VcError):
        await old.copies(1)
    new = await again(registry, made["id"])
    assert {(await listed(registry)).get(index) for index in places(await new.copies(5))} == {0}


async def again(registry: Registry, number: str) -> Holder:
    """By the invitation that the clerk has on the screen."""
    made = await offers.secrets_of(registry.office, number)
    assert made is not None
    return await collect(registry, {"invitation_link": offers.links(registry.office, made.secrets.token).https, "code": made.secrets.code})


async def use(holder: Holder, response: CredentialResponse) -> None:
    """Show every copy to the bank."""
    form = formats()["dc+sd-jwt"]
    for key, wire in zip(holder.keys, response.credentials, strict=True):
        parsed = form.parse(wire)
        shown = form.disclose(parsed, [path_in(by_id("representation"), ("represented", "family_name"), form.name)])
        binding = Binding(audience=f"a:{BANK}", nonce=base64url.encode(system_entropy(16)))
        assert key.finish(form.present(shown, binding, key=KeyId("k"), at=holder.registry.clock()))


async def known(registry: Registry, number: str) -> list[list[Any]]:
    """What the office has written down of a document, but for what it would have of any other."""
    rows = await registry.office.storage.read(
        lambda tx: tx.fetch(
            "SELECT version, kind, actor_role, actor, reason, copies FROM event WHERE document = $1 ORDER BY version", number
        )
    )
    return [[row[name] for name in ("version", "kind", "actor_role", "actor", "reason", "copies")] for row in rows]


def numberless(page: str) -> str:
    """The page without numbers of documents, in links too."""
    return re.sub(r"[0-9A-Z]{4}(-?[0-9A-Z]{4})+", "", unquote(page))


async def test_t_ex_5_the_office_learns_nothing_of_past_use(registry: Registry, clerk: Browser, caplog: pytest.LogCaptureFixture) -> None:
    """One holder has shown every copy at the bank, the other none. Forms, requests, rows, the office's log and its disk are the same."""
    caplog.set_level(logging.DEBUG)
    busy, idle = await registry.make(), await registry.make()
    for made in (busy, idle):
        holder = await collect(registry, made)
        copies = await holder.copies(7)
        if made is busy:
            before = await registry.office.storage.read(log.head)
            await use(holder, copies)
            assert await registry.office.storage.read(log.head) == before
    pages = []
    for made in (busy, idle):
        await clerk.open(f"/console/documents/{made['id']}/lost")
        fields = set(re.findall(r'name="([^"]+)"', clerk.text.partition("<main")[2]))
        assert fields == {"form_token", "known"}
        pages.append(numberless(clerk.text))
        await say_lost(clerk, made["id"])
    assert pages[0] == pages[1]
    assert await known(registry, busy["id"]) == await known(registry, idle["id"])
    lines = await registry.office.storage.read(lambda tx: log.page(tx, before=1_000, limit=1_000))
    entries = [dict(line.entry.entry or {}) for line in lines]
    lost = [{name: value for name, value in entry.items() if name != "prev"} for entry in entries if entry["kind"] == "lost"]
    assert lost == [{"time": registry.clock(), "kind": "lost", "staff_role": "admin", "copies": 7}] * 2
    for path in registry.directory.rglob("*"):
        assert not path.is_file() or b"northwold" not in path.read_bytes().lower()
    assert "northwold" not in caplog.text.lower()


async def test_it_is_one_step_or_none(registry: Registry, clerk: Browser) -> None:
    """Not before somebody has seen who it is; and a document that is cancelled is not collected again."""
    made = await registry.make()
    holder = await collect(registry, made)
    mine = places(await holder.copies(3))
    path = f"/console/documents/{made['id']}/lost"
    await clerk.open(path)
    await clerk.send(path, {})
    assert clerk.errors() == ["known"]
    assert {(await listed(registry)).get(index) for index in mine} == {0}
    await registry.call("POST", f"/api/credentials/{made['id']}/cancel", {"reason": "donor-died"})
    await clerk.send(path, {"known": "yes"})
    assert clerk.status == 409
    assert (await registry.call("POST", f"/api/credentials/{made['id']}/lost", {}))[0] == 409
    await clerk.open(path)
    assert clerk.status == 409
    assert [line[1] for line in await known(registry, made["id"])] == ["made", "collected", "cancelled"]


async def lose(registry: Registry, clerk: Browser, number: str, way: str) -> None:
    """Where no invitation comes of it."""
    if way == "program":
        assert await registry.call("POST", f"/api/credentials/{number}/lost", {}) == (204, None)
        return
    path = f"/console/documents/{number}/lost"
    assert f'href="{path}"' in await clerk.open(f"/console/documents/{number}")
    page = await clerk.open(path)
    assert "so there is no new invitation" in page
    await clerk.send(path, {"known": "yes"})
    assert (clerk.status, clerk.path) == (200, f"/console/documents/{number}")
    assert "Phone or wallet lost, said at the counter" in clerk.text


@pytest.mark.parametrize("way", ["counter", "program"])
async def test_a_wallet_that_is_lost_during_a_hold_never_comes_back(registry: Registry, clerk: Browser, way: str) -> None:
    """All its copies are lost and it renews nothing, also once the hold has ended; then there may be a new invitation."""
    made = await registry.make()
    holder = await collect(registry, made)
    mine = places(await holder.copies(3))
    assert holder.token.refresh_token is not None
    one = f"/api/credentials/{made['id']}"
    await registry.call("POST", f"{one}/hold", {"reason": "investigation"})
    await lose(registry, clerk, made["id"], way)
    assert await offers.secrets_of(registry.office, made["id"]) is None
    now = await listed(registry)
    assert sum(now.get(index) == 2 for index in range(now.size)) - 3 >= 128, "64 for the hold, 64 that stay with what is lost"
    assert (await registry.call("POST", f"{one}/reinstate", {"reason": "investigation-closed"}))[0] == 200
    now = await listed(registry)
    assert {now.get(index) for index in mine} == {2}
    assert sum(now.get(index) == 2 for index in range(now.size)) - 3 >= 64
    with pytest.raises(VcError):
        await registry.run(refresh(holder.metadata, holder.token.refresh_token))
    with pytest.raises(VcError):
        await holder.copies(1)
    status, invited = await registry.call("POST", f"{one}/invitation", {})
    assert status == 201
    new = places(await (await collect(registry, invited)).copies(2))
    assert {(await listed(registry)).get(index) for index in new} == {0}
    assert {(await listed(registry)).get(index) for index in mine} == {2}


async def test_an_open_invitation_ends_with_a_loss_during_a_hold(registry: Registry, clerk: Browser) -> None:
    made = await registry.make()
    await registry.call("POST", f"/api/credentials/{made['id']}/hold", {"reason": "investigation"})
    await lose(registry, clerk, made["id"], "program")
    await registry.call("POST", f"/api/credentials/{made['id']}/reinstate", {"reason": "investigation-closed"})
    assert (await registry.redeem(made, made["code"]))[0] == 400


@pytest.mark.parametrize("way", ["counter", "program"])
async def test_a_wallet_is_lost_where_details_are_no_longer_held(registry: Registry, clerk: Browser, way: str) -> None:
    """Its copies go on hold for good; there is nothing to make others from."""
    made = await registry.make()
    holder = await collect(registry, made)
    mine = places(await holder.copies(3))
    await registry.office.storage.write(lambda tx: documents.drop_claims(tx, made["id"]))
    await lose(registry, clerk, made["id"], way)
    assert {(await listed(registry)).get(index) for index in mine} == {2}
    assert holder.token.refresh_token is not None
    with pytest.raises(VcError):
        await registry.run(refresh(holder.metadata, holder.token.refresh_token))


async def test_the_page_tells_no_more_of_a_hold_than_that_there_is_one(registry: Registry, clerk: Browser) -> None:
    pages = []
    for reason in ("investigation", "court-order"):
        made = await registry.make()
        await registry.call("POST", f"/api/credentials/{made['id']}/hold", {"reason": reason})
        pages.append(numberless(await clerk.open(f"/console/documents/{made['id']}/lost")))
    assert pages[0] == pages[1]


async def test_a_program_that_says_it_may_change_how_documents_stand_and_invite(registry: Registry) -> None:
    """Copies are on hold for good and an invitation is made: neither of the two scopes is enough."""
    made = await registry.make()
    mine = places(await (await collect(registry, made)).copies(3))
    at, path = registry.clock(), f"/api/credentials/{made['id']}/lost"

    async def key(*scopes: str) -> str:
        new = await registry.office.storage.write(
            lambda tx: api_keys.create(tx, name="a program", scopes=scopes, at=at, entropy=system_entropy)
        )
        return new.token

    for scopes in (("credentials:create",), ("status:change",), ("credentials:read",)):
        status, problem = await registry.call("POST", path, {}, key=await key(*scopes))
        assert (status, problem["code"]) == (403, "insufficient_scope")
    assert {(await listed(registry)).get(index) for index in mine} == {0}
    assert (await registry.call("POST", path, {}, key=await key("credentials:create", "status:change")))[0] == 201
    _, described = await registry.call("GET", "/api/openapi.json")
    operation = described["paths"]["/api/credentials/{id}/lost"]["post"]
    assert operation["security"] == [{"api_key": ["credentials:create", "status:change"]}]
    assert {"201", "204", "403", "409"} <= operation["responses"].keys()
    assert "content" not in operation["responses"]["204"]


async def test_a_stranger_and_another_site_cannot_say_it(registry: Registry, clerk: Browser) -> None:
    made = await registry.make()
    path = f"/console/documents/{made['id']}/lost"
    await clerk.open(path)
    await clerk.send(path, {"known": "yes"}, Origin="https://evil.example")
    assert clerk.status == 403
    stranger = Browser(registry)
    registry.http.cookie_jar.clear()
    await stranger.open(path)
    assert stranger.path == "/console/sign-in"


async def test_said_twice_the_newest_invitation_counts(registry: Registry, clerk: Browser) -> None:
    made = await registry.make()
    await collect(registry, made)
    await say_lost(clerk, made["id"])
    first = await offers.secrets_of(registry.office, made["id"])
    await say_lost(clerk, made["id"])
    second = await offers.secrets_of(registry.office, made["id"])
    assert first is not None
    assert second is not None
    assert first.secrets.token != second.secrets.token
    assert len((await (await again(registry, made["id"])).copies(2)).credentials) == 2


async def test_a_program_at_the_counter_does_the_same(registry: Registry) -> None:
    made = await registry.make()
    lost = places(await (await collect(registry, made)).copies(3))
    status, again = await registry.call("POST", f"/api/credentials/{made['id']}/lost", {})
    assert status == 201
    assert {(await listed(registry)).get(index) for index in lost} == {2}
    status, detail = await registry.call("GET", f"/api/credentials/{made['id']}")
    assert (detail["state"], detail["collected_at"]) == ("invited", None), "what somebody finds on a lost phone was collected by nobody"
    assert len((await (await collect(registry, again)).copies(2)).credentials) == 2
    status, detail = await registry.call("GET", f"/api/credentials/{made['id']}")
    assert detail["state"] == "collected"
    assert [line["what"] for line in detail["history"]] == ["made", "collected", "lost", "invited", "collected"]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("held", [False, True])
async def test_killed_while_a_wallet_is_said_to_be_lost(template: Template, tmp_path: Path, moment: str, *, held: bool) -> None:
    """Both or neither: copies on hold, and an invitation unless the document is on hold, with all that ends."""
    async with serving(template, tmp_path / "registry") as registry:
        made = await registry.make()
        holder = await collect(registry, made)
        lost = places(await holder.copies(3))
        one, before = f"/api/credentials/{made['id']}", await donors.pass_of(registry.office, made["id"])
        if held:
            await registry.call("POST", f"{one}/hold", {"reason": "investigation"})
        await dies("dying_office", f"{'lost' if held else 'invite'}:{moment}", registry.directory, registry.clock(), "lose", made["id"])
        done = moment == "after"
        assert (await donors.pass_of(registry.office, made["id"]) != before) == done
        assert [line[1] for line in await known(registry, made["id"])].count("lost") == int(done)
        assert (await offers.secrets_of(registry.office, made["id"]) is not None) == (done and not held)
        if held:
            await registry.call("POST", f"{one}/reinstate", {"reason": "investigation-closed"})
        assert {(await listed(registry)).get(index) for index in lost} == {2 if done else 0}
        await registry.call("POST", f"{one}/lost", {})  # the clerk says it again
        assert {(await listed(registry)).get(index) for index in lost} == {2}
        assert len((await (await again(registry, made["id"])).copies(2)).credentials) == 2
