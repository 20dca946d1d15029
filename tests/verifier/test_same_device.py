from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession, CookieJar
from support.desk import PATHS, URL, Running, Template, present, serving
from support.receiver import HOOK, Receiver
from support.signing import AT
from support.trial_verify import CLAIMS
from yarl import URL as ADDRESS

from shared.openid4vp import render_response
from shared.urls import query_of
from verifier.webhooks import deliver

BACK = "https://northwold-bank.example/account?step=2#top"


@pytest.fixture
async def site() -> Receiver:
    return Receiver()


@pytest.fixture
async def desk(template: Template, tmp_path: Path, site: Receiver) -> AsyncIterator[Running]:
    async with serving(template, tmp_path / "desk", site=site, local=True, webhook_url=HOOK) as running:
        yield running


@asynccontextmanager
async def browser() -> AsyncIterator[ClientSession]:
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as http:
        yield http


async def visit(http: ClientSession, url: str) -> tuple[int, str, str]:
    """Status, where it leads, and the page."""
    async with http.get(url, allow_redirects=False, headers={"Accept": "text/html"}) as answer:
        return answer.status, answer.headers.get("Location", ""), await answer.text()


async def shown(desk: Running, asked: Mapping[str, Any], **how: Any) -> str:
    """Where the wallet is told to send the holder's browser, also if it never heard that and posts the same bytes once more."""
    request = await desk.read(asked)
    return await posted(desk, asked, render_response(request, present(request, at=desk.clock(), **how)))


async def posted(desk: Running, asked: Mapping[str, Any], body: bytes) -> str:
    status, told = await desk.post(asked, body)
    assert status == 200, told
    again, once_more = await desk.post(asked, body)
    assert (again, once_more["redirect_uri"], sorted(once_more)) == (200, told["redirect_uri"], ["receipt", "redirect_uri"])
    return str(told["redirect_uri"])


async def result(desk: Running, asked: Mapping[str, Any], code: str) -> tuple[int, Any]:
    return await desk.call("GET", f"/api/presentation-requests/{asked['id']}", params={"response_code": code})


async def listed(desk: Running) -> tuple[str, str | None, str]:
    """What the list of the API says of the newest request."""
    _, told = await desk.call("GET", "/api/presentation-requests")
    (newest, *_) = told["items"]
    return newest["state"], newest["decision"], newest["code"]


async def test_the_browser_that_began_learns_what_came_of_it_once(desk: Running, site: Receiver) -> None:
    asked = await desk.ask(same_device=True, redirect_uri=BACK)
    async with browser() as mine:
        status, _, page = await visit(mine, asked["link"])
        assert status == 200
        assert "qr.svg" not in page
        assert (await visit(mine, asked["link"]))[0] == 200
        request = await desk.read(asked)
        body = render_response(request, present(request, at=desk.clock()))
        back = await posted(desk, asked, body)
        assert back.startswith(f"{desk.base}/request/{asked['id']}/return?response_code=")
        code = query_of(back)["response_code"]
        assert len(code) >= 22
        assert (await result(desk, asked, code))[0] == 400  # not before it is known in whose browser it was
        assert await deliver(desk.desk, site) == 0
        status, there, _ = await visit(mine, back)
        assert (status, there) == (303, f"https://northwold-bank.example/account?step=2&response_code={code}#top")
        assert (await visit(mine, back))[0] == 400
        assert await deliver(desk.desk, site) == 0  # nor before it is known in whose session
        assert (await result(desk, asked, "another"))[0] == (await result(desk, asked, ""))[0] == 400
        assert await listed(desk) == ("answered", None, "")
        status, told = await result(desk, asked, code)
        assert (status, told["decision"]) == (200, "accepted")
        assert await listed(desk) == ("answered", "accepted", "")
        assert (await result(desk, asked, code))[0] == 200
        assert sorted((await desk.post(asked, body))[1]) == ["receipt"]  # it was brought: nobody is sent there once more
        assert await deliver(desk.desk, site) == 1
        assert site.claims()["data"]["decision"] == "accepted"
        assert await deliver(desk.desk, site) == 0


async def test_session_fixation_in_same_device_is_refused(desk: Running, site: Receiver) -> None:
    """Mallory begins and sends Nora the link; Nora's wallet answers; Mallory's session learns nothing."""
    asked = await desk.ask(same_device=True, redirect_uri=BACK)
    async with browser() as mallory, browser() as nora:
        assert (await visit(mallory, asked["link"]))[0] == 200
        status, _, page = await visit(nora, asked["link"])
        assert (status, "begun in another browser" in page, "openid4vp" in page) == (403, True, False)
        back = await shown(desk, asked)  # she followed the wallet link instead
        status, there, page = await visit(nora, back)
        assert (status, there, "begun in another browser" in page) == (403, "", True)
        code = query_of(back)["response_code"]
        for guess in ("", "0" * 22, code[:-1] + ("Q" if code.endswith("A") else "A")):
            assert (await visit(mallory, f"{back.partition('?')[0]}?response_code={guess}"))[0] == 400
        assert (await result(desk, asked, code))[0] == 400
        assert await deliver(desk.desk, site) == 0


async def test_an_answer_by_somebody_else_is_not_taken_into_my_session(desk: Running) -> None:
    """Mallory answers a request of her own and sends Nora the way back, so that Nora's browser goes on as Mallory."""
    hers, mine = await desk.ask(same_device=True, redirect_uri=BACK), await desk.ask(same_device=True, redirect_uri=BACK)
    async with browser() as mallory, browser() as nora:
        await visit(mallory, hers["link"])
        await visit(nora, mine["link"])
        code = query_of(await shown(desk, hers))["response_code"]
        assert (await visit(nora, f"{desk.base}/request/{hers['id']}/return?response_code={code}"))[0] == 403
        await shown(desk, mine, seed="another copy")
        assert (await visit(nora, f"{desk.base}/request/{mine['id']}/return?response_code={code}"))[0] == 400


async def test_a_cookie_that_was_planted_is_not_taken_up(desk: Running) -> None:
    asked = await desk.ask(same_device=True, redirect_uri=BACK)
    name = f"muniment-verifier-request-{asked['id']}"
    async with browser() as mine, browser() as mallory:
        for http in (mine, mallory):
            http.cookie_jar.update_cookies({name: "known-to-mallory"}, ADDRESS(desk.base))
        assert (await visit(mine, asked["link"]))[0] == 200
        assert (await visit(mallory, asked["link"]))[0] == 403
        (value,) = [each.value for each in mine.cookie_jar if each.key == name]
        assert value != "known-to-mallory"


async def test_nobody_opened_the_page(desk: Running) -> None:
    asked = await desk.ask(same_device=True, redirect_uri=BACK)
    async with browser() as mine:
        assert (await visit(mine, await shown(desk, asked)))[0] == 403


async def test_a_link_passed_on_unopened_is_of_no_use_to_whoever_began(desk: Running, site: Receiver) -> None:
    """Mallory has the bank begin in her session and mails the link; Nora's browser is the first, answers, and arrives in her own session."""
    asked = await desk.ask(same_device=True, redirect_uri=BACK)
    async with browser() as nora:
        assert (await visit(nora, asked["link"]))[0] == 200
        back = await shown(desk, asked)
        status, there, _ = await visit(nora, back)
        assert (status, there.partition("?")[0]) == (303, BACK.partition("?")[0])
    assert await deliver(desk.desk, site) == 0
    assert (await result(desk, asked, ""))[0] == 400
    assert await listed(desk) == ("answered", None, "")
    desk.clock.at += desk.desk.settings.keep_minutes * 60
    for code in ("", query_of(back)["response_code"]):
        assert (await result(desk, asked, code))[0] == 400
    assert (await desk.call("POST", f"/api/presentation-requests/{asked['id']}/recheck", {"use": {}}))[0] == 400
    assert await listed(desk) == ("answered", None, "")
    assert await deliver(desk.desk, site) == 0


@pytest.mark.parametrize("same_device", [True, False])
async def test_details_that_are_gone_give_nothing_away(desk: Running, *, same_device: bool) -> None:
    """What was read with its number can be read afterwards; what never was stays untold."""
    read, unread = [await desk.ask(same_device=same_device, redirect_uri=BACK) for _ in range(2)]
    async with browser() as mine:
        for number, asked in enumerate((read, unread)):
            await visit(mine, asked["link"])
            back = await shown(desk, asked, seed=str(number))
            if asked is read:
                if same_device:
                    await visit(mine, back)
                assert (await result(desk, asked, query_of(back)["response_code"]))[0] == 200
    desk.clock.at += desk.desk.settings.keep_minutes * 60
    status, told = await result(desk, read, "")
    assert (status, told["decision"], told["verdict"]) == (200, "accepted", None)
    assert (await result(desk, unread, ""))[0] == 400


async def test_what_could_not_be_decided_is_told_again_once_it_was(desk: Running, site: Receiver) -> None:
    asked = await desk.ask(same_device=True, redirect_uri=BACK)
    restricted = CLAIMS | {"has_restrictions": True, "restrictions_text": "Not the house."}
    async with browser() as mine:
        await visit(mine, asked["link"])
        back = await shown(desk, asked, claims=restricted, paths=[*PATHS, ("restrictions_text",)])
        assert (await visit(mine, back))[0] == 303
    code = query_of(back)["response_code"]
    assert (await result(desk, asked, code))[1]["decision"] == "undecided"
    more = {"use": {"restrictions_allow": True}, "response_code": code}
    status, told = await desk.call("POST", f"/api/presentation-requests/{asked['id']}/recheck", more)
    assert (status, told["decision"]) == (200, "accepted")
    assert await deliver(desk.desk, site) == 2
    assert [site.claims(number)["data"]["decision"] for number in (0, 1)] == ["undecided", "accepted"]


async def test_nobody_could_learn_of_an_answer_without_a_way_on(desk: Running) -> None:
    order = {"type": "representation", "query": "bank", "same_device": True}
    status, problem = await desk.call("POST", "/api/presentation-requests", order)
    assert (status, problem["pointer"]) == (400, "/redirect_uri")


async def test_a_bad_answer_leads_nowhere_and_is_told_at_once(desk: Running, site: Receiver) -> None:
    asked = await desk.ask(same_device=True, redirect_uri=BACK)
    async with browser() as mine:
        await visit(mine, asked["link"])
        status, told = await desk.answer(asked, expires_at=AT - 60)
        assert (status, "redirect_uri" in told) == (400, False)
    assert await deliver(desk.desk, site) == 1
    assert await listed(desk) == ("answered", "rejected", "expired")
    assert (await result(desk, asked, ""))[0] == 200


async def test_the_way_on_is_the_very_address(desk: Running) -> None:
    onwards = "https://northwold-bank.example/a%2Fb/../c?step=%7E"
    asked = await desk.ask(same_device=True, redirect_uri=onwards)
    async with browser() as mine:
        await visit(mine, asked["link"])
        _, there, _ = await visit(mine, await shown(desk, asked))
    assert there.startswith(f"{onwards}&response_code=")


@pytest.mark.parametrize("order", [{"redirect_uri": BACK}, {}])
async def test_other_requests_have_no_way_back_to_us(desk: Running, order: dict[str, str]) -> None:
    asked = await desk.ask(**order)
    status, told = await desk.answer(asked)
    assert status == 200
    assert urlsplit(told.get("redirect_uri", "")).hostname == (urlsplit(BACK).hostname if order else None)
    assert (await visit(desk.http, f"{desk.base}/request/{asked['id']}/return?response_code=x"))[0] == 400


async def test_a_same_device_request_has_no_square_code(desk: Running) -> None:
    asked = await desk.ask(same_device=True, redirect_uri=BACK)
    for kind in ("svg", "png"):
        assert (await visit(desk.http, f"{desk.base}/request/{asked['id']}/qr.{kind}"))[0] == 404


async def test_the_cookie_is_out_of_reach_of_others(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk") as desk:
        asked = await desk.ask(same_device=True, redirect_uri=BACK)
        async with desk.http.get(asked["link"].replace(URL, desk.base)) as answer:
            (cookie,) = [each for each in answer.headers.getall("Set-Cookie") if "request" in each]
    assert cookie.startswith(f"__Host-muniment-verifier-request-{asked['id']}=")
    for part in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=1500"):
        assert part in cookie
    assert "Domain" not in cookie


async def test_two_processes_let_one_browser_come_back_once(template: Template, tmp_path: Path, storage_uri: str) -> None:
    import asyncio

    from support.desk import opened

    from shared.errors import VcError
    from verifier import same_device
    from verifier.request import find

    how: dict[str, Any] = {"storage": storage_uri}
    async with serving(template, tmp_path / "desk", **how) as desk, opened(template, tmp_path / "desk", **how) as second:
        asked = await desk.ask(same_device=True, redirect_uri=BACK)
        exchange = await find(desk.desk, asked["id"])
        entered = await asyncio.gather(*(same_device.enter(each, exchange, "") for each in (desk.desk, second) * 4), return_exceptions=True)
        (cookie,) = [each for each in entered if isinstance(each, str)]
        code = query_of(await shown(desk, asked))["response_code"]
        came = await asyncio.gather(
            *(same_device.come_back(each, asked["id"], cookie, code) for each in (desk.desk, second) * 4), return_exceptions=True
        )
        assert sum(not isinstance(each, VcError) for each in came) == 1
        assert {each.code for each in came if isinstance(each, VcError)} == {"invalid_request"}
