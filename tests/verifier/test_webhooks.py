from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.desk import BANK, Running, Template, opened, present, read_anchor, serving
from support.receiver import HOOK, Receiver
from support.signing import AT

from shared.errors import AccessDenied, ConfigError
from shared.jose.jwt import parse_jwt
from shared.openid4vp import render_refusal, render_response
from shared.web.context import FETCHER
from shared.web.fetch import Fetcher
from verifier.records.events import Event, add
from verifier.webhooks import PATIENCE, deliver, prune

NAMES = ("represented/given_name", "proxy")


@pytest.fixture
async def site() -> Receiver:
    return Receiver()


@pytest.fixture
async def desk(template: Template, tmp_path: Path, site: Receiver) -> AsyncIterator[Running]:
    async with serving(template, tmp_path / "desk", site=site, webhook_url=HOOK) as running:
        yield running


async def test_a_decision_is_told_without_what_was_shown(desk: Running, site: Receiver) -> None:
    asked = await desk.ask()
    assert (await desk.answer(asked))[0] == 200
    assert await deliver(desk.desk, site) == 1
    assert await deliver(desk.desk, site) == 0
    (fetch,) = site.told
    assert (fetch.method, fetch.headers["content-type"]) == ("POST", "application/jwt")
    token = parse_jwt((fetch.body or b"").decode())
    assert token.header["typ"] == "webhook+jwt"
    assert len(token.header["x5c"]) == 1
    claims = token.claims
    assert (claims["iss"], claims["aud"], claims["iat"], claims["at"], claims["jti"]) == (BANK, HOOK, AT, AT, fetch.headers["webhook-id"])
    assert claims["event"] == "presentation.decided"
    data = claims["data"]
    assert (data["request"], data["decision"], data["code"], data["purpose_id"]) == (asked["id"], "accepted", "", "bank")
    assert "represented/given_name" in data["documents"][0]["details"]
    assert "contents" not in data
    assert b"Margaret" not in token.jws.payload
    listed = await desk.desk.storage.read(lambda tx: tx.fetch("SELECT data FROM event"))
    assert "Margaret" not in str([row["data"] for row in listed])


async def test_contents_are_those_that_the_receiver_asked_for_while_they_are_kept(template: Template, tmp_path: Path) -> None:
    site = Receiver(statuses=[503])
    async with serving(template, tmp_path / "desk", site=site, webhook_url=HOOK, webhook_details=NAMES) as desk:
        await desk.answer(await desk.ask())
        assert await deliver(desk.desk, site) == 0
        contents = site.claims()["data"]["contents"]["bank"]
        assert contents["represented"] == {"given_name": "Margaret"}
        assert set(contents) == {"represented", "proxy"}
        desk.clock.at += 15 * 60
        assert await deliver(desk.desk, site) == 1
        assert "contents" not in site.claims()["data"]
        assert site.claims(0)["jti"] == site.claims(1)["jti"]
        assert site.claims(1)["iat"] == AT + 900


async def test_a_bad_presentation_and_a_no_are_told_once(desk: Running, site: Receiver) -> None:
    asked = await desk.ask()
    request = await desk.read(asked)
    for _ in range(3):
        assert (await desk.post(asked, render_refusal(AccessDenied("no"), request.state)))[0] == 200
    assert (await desk.answer(asked, expires_at=AT - 60))[0] == 400
    await deliver(desk.desk, site)
    told = {each["event"]: each["data"] for each in map(site.claims, range(len(site.told)))}
    assert len(site.told) == 2
    assert told["presentation.declined"]["code"] == "access_denied"
    assert (told["presentation.decided"]["decision"], told["presentation.decided"]["code"]) == ("rejected", "expired")
    assert told["presentation.decided"]["documents"] == []


async def test_it_is_tried_for_a_day_ever_more_seldom(desk: Running, site: Receiver) -> None:
    site.statuses = [500] * 1_000
    await desk.answer(await desk.ask())
    times = []
    while desk.clock.at < AT + 2 * PATIENCE:
        before = len(site.told)
        await deliver(desk.desk, site)
        if len(site.told) > before:
            times.append(desk.clock.at - AT)
        desk.clock.at += 10 if desk.clock.at < AT + 1_000 else 600
    gaps = [two - one for one, two in pairwise(times)]
    assert times[0] == 0
    assert gaps[:4] == [10, 30, 90, 270]
    assert max(gaps) == 3_600
    assert PATIENCE - 2 * 3_600 < times[-1] < PATIENCE
    assert len({site.claims(number)["jti"] for number in range(len(site.told))}) == 1
    status, listed = await desk.call("GET", "/api/webhook/events")
    assert (status, listed["items"][0]["state"], listed["items"][0]["fault"]) == (200, "given up", "http_500")


async def test_what_became_of_it_is_never_told_before_what_was_decided(desk: Running, site: Receiver) -> None:
    """The receiver was down as it was decided: a cancelling waits for that, and other decisions for neither."""
    site.statuses = [503]
    await desk.answer(await desk.ask())
    await deliver(desk.desk, site)
    first = site.claims(0)
    desk.clock.at += 5
    later = Event(id="later", name="presentation.changed", exchange=first["data"]["request"], data={}, made_at=desk.clock(), next_at=0)
    await desk.desk.storage.write(lambda tx: add(tx, later))
    await desk.answer(await desk.ask())
    assert await deliver(desk.desk, site) == 1
    assert site.claims(1)["data"]["request"] != first["data"]["request"]
    desk.clock.at += 10
    assert (await deliver(desk.desk, site), await deliver(desk.desk, site)) == (1, 1)
    assert [site.claims(number)["jti"] for number in (2, 3)] == [first["jti"], "later"]


async def test_two_processes_send_it_once(template: Template, tmp_path: Path, storage_uri: str) -> None:
    site = Receiver()
    how: dict[str, Any] = {"storage": storage_uri, "webhook_url": HOOK}
    async with serving(template, tmp_path / "desk", site=site, **how) as desk, opened(template, tmp_path / "desk", **how) as second:
        for _ in range(5):
            await desk.answer(await desk.ask())
        took = await asyncio.gather(*(deliver(each, site) for each in (desk.desk, second) * 4))
        assert sum(took) == 5
        assert len({site.claims(number)["jti"] for number in range(len(site.told))}) == len(site.told) == 5


async def test_a_try_that_nobody_finished_is_made_again(desk: Running, site: Receiver) -> None:
    class _PulledPlugError(Exception):
        pass

    async def die(_: object) -> Any:
        raise _PulledPlugError

    await desk.answer(await desk.ask())
    with pytest.raises(_PulledPlugError):
        await deliver(desk.desk, die)
    assert await deliver(desk.desk, site) == 0
    desk.clock.at += 300
    assert await deliver(desk.desk, site) == 1


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/hook", "https://169.254.169.254/latest", "http://northwold-bank.example/hooks", "https://[::1]/"]
)
async def test_a_webhook_to_an_inside_address_is_not_called(template: Template, tmp_path: Path, url: str) -> None:
    fetcher = Fetcher()
    async with serving(template, tmp_path / "desk", webhook_url=url) as desk:
        await desk.answer(await desk.ask())
        assert await deliver(desk.desk, fetcher) == 0
        assert (await desk.call("GET", "/api/webhook/events"))[1]["items"][0]["fault"] == "address_refused"
    await fetcher.close()


async def test_nobody_is_told_where_no_address_is_set(template: Template, tmp_path: Path) -> None:
    site = Receiver()
    async with serving(template, tmp_path / "desk", site=site) as desk:
        await desk.answer(await desk.ask())
        assert await deliver(desk.desk, site) == 0
        assert (await desk.call("GET", "/api/webhook/events"))[1] == {"items": []}
        status, told = await desk.call("POST", "/api/webhook/test")
        assert (status, told["code"]) == (409, "conflict")


async def test_a_test_event_by_program(desk: Running, site: Receiver) -> None:
    assert desk.app[FETCHER] is site
    status, told = await desk.call("POST", "/api/webhook/test")
    assert (status, told["event"], told["state"], told["fault"]) == (200, "test", "taken", "")
    assert (site.claims()["event"], site.claims()["data"], site.claims()["jti"]) == ("test", {}, told["id"])
    site.statuses = [404]
    status, told = await desk.call("POST", "/api/webhook/test")
    assert (status, told["state"], told["fault"]) == (200, "given up", "http_404")
    assert await deliver(desk.desk, site) == 0


async def test_events_are_forgotten_after_a_week(desk: Running, site: Receiver) -> None:
    from verifier.app import one_round

    await desk.answer(await desk.ask())
    await deliver(desk.desk, site)
    await one_round(desk.app)
    assert len((await desk.call("GET", "/api/webhook/events"))[1]["items"]) == 1
    desk.clock.at += 7 * 86_400
    await one_round(desk.app)
    assert (await desk.call("GET", "/api/webhook/events"))[1]["items"] == []


def test_an_address_is_an_address() -> None:
    from shared.web.settings import load
    from verifier import config

    with pytest.raises(ConfigError):
        load(config.Settings, b'webhook_url = "bank"', {}, config.PREFIX)


TREES = st.recursive(st.integers(), lambda inner: st.dictionaries(st.sampled_from("ab"), inner, max_size=2))


@given(st.dictionaries(st.sampled_from("ab"), TREES, max_size=2), st.sets(st.sampled_from(["a", "b", "a/b", "b/a"])))
def test_nothing_goes_along_that_was_not_named(tree: Any, names: set[str]) -> None:
    kept = prune(tree, names)
    for name in kept:
        assert name in names or any(each.startswith(f"{name}/") for each in names)
    assert prune(tree, ()) == {}
    assert prune(tree, {"a", "b"}) == tree


def example() -> str:
    """The program in the guide for relying parties."""
    text = (Path(__file__).parents[2] / "docs" / "relying-party.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?def read_event.*?)```", text, re.DOTALL)
    assert found is not None
    return found[1]


async def test_the_guides_own_program_reads_events(desk: Running, site: Receiver) -> None:
    await desk.answer(await desk.ask())
    await deliver(desk.desk, site)
    scope: dict[str, Any] = {}
    exec(example(), scope)  # noqa: S102 - our own document
    read = scope["read_event"]
    seen: set[str] = set()
    body, anchor = site.told[0].body or b"", read_anchor(desk.desk)
    assert read(body, anchor, HOOK, seen, now=AT)["data"]["decision"] == "accepted"
    assert read(body, anchor, HOOK, seen, now=AT) is None
    for bent in (body[:-3] + b"AAA", body):
        with pytest.raises(Exception, match=r"."):
            read(bent, anchor, "https://other.example" if bent is body else HOOK, set(), now=AT)
    with pytest.raises(Exception, match=r"."):
        read(body, anchor, HOOK, set(), now=AT + 3_600)
    assert len(example().partition("def read_event")[2].splitlines()) <= 12


async def test_a_webhook_that_is_another_object_of_ours_is_not_read(desk: Running) -> None:
    asked = await desk.ask()
    request = await desk.read(asked)
    _, told = await desk.post(asked, render_response(request, present(request, at=AT)))
    scope: dict[str, Any] = {}
    exec(example(), scope)  # noqa: S102 - our own document
    with pytest.raises(Exception, match=r"."):
        scope["read_event"](told["receipt"].encode(), read_anchor(desk.desk), HOOK, set(), now=AT)
