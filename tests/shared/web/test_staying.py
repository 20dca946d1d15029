"""No time limit without a way to extend it (WCAG 2.2, 2.2.1): what the server says of the time that is left, and staying."""

from __future__ import annotations

import re

import pytest
from aiohttp import web
from support.gallery import gallery
from support.trial_web import Build, Client, Serve, Watch

from shared.clock import Clock
from shared.web import auth, pages
from shared.web.context import CLOCK
from shared.web.sessions import ABSOLUTE, IDLE
from shared.web.staying import PATH


def site(app_of: Build) -> tuple[web.Application, Watch]:
    app, clock = gallery(app_of), Watch()
    time: Clock = clock
    app[CLOCK] = time

    async def enter(request: web.Request) -> web.StreamResponse:
        response = web.Response()
        session = await auth.sign_in(request, response, subject="nora")
        response.text = session.form_token
        return response

    app.router.add_post("/enter", enter)
    return app, clock


async def left(client: Client) -> int:
    return int((await (await client.get(PATH)).json())["seconds"])


async def shown(client: Client) -> str:
    return await (await client.get("/?a=1")).text()


async def stay(client: Client, token: str, **headers: str) -> tuple[int, dict[str, object]]:
    answer = await client.post(PATH, data={"form_token": token}, headers=headers)
    return answer.status, await answer.json()


async def test_asking_how_long_is_left_keeps_nobody_in(app_of: Build, serve: Serve) -> None:
    app, clock = site(app_of)
    client = await serve(app)
    assert await left(client) == 0
    await client.post("/enter")
    assert await left(client) == IDLE
    clock.at += IDLE - 100
    assert await left(client) == 100
    clock.at += 99
    assert await left(client) == 1
    clock.at += 1
    assert await left(client) == 0
    assert "data-stay" not in await shown(client)


async def test_staying_is_using_and_has_an_end(app_of: Build, serve: Serve) -> None:
    app, clock = site(app_of)
    client = await serve(app)
    token, began = await (await client.post("/enter")).text(), clock.at
    for _ in range((ABSOLUTE - IDLE) // (IDLE // 2)):
        clock.at += IDLE // 2
        assert await stay(client, token) == (200, {"seconds": IDLE})
        assert await left(client) == IDLE
    clock.at = began + ABSOLUTE - 100
    assert await stay(client, token) == (200, {"seconds": 100})
    clock.at += 100
    status, told = await stay(client, token)
    assert (status, told["code"]) == (401, "sign_in_required")
    assert await left(client) == 0


async def test_only_our_own_page_keeps_somebody_in(app_of: Build, serve: Serve) -> None:
    app, clock = site(app_of)
    client = await serve(app)
    status, told = await stay(client, "")
    assert (status, told["code"]) == (401, "sign_in_required")
    token = await (await client.post("/enter")).text()
    clock.at += 1_000
    for wrong, headers in (
        ("", {}),
        (token[:-1], {}),
        (token, {"Sec-Fetch-Site": "cross-site"}),
        (token, {"Origin": "https://evil.example"}),
    ):
        status, told = await stay(client, wrong, **headers)
        assert (status, told["code"]) == (403, "cross_site_refused")
        assert await left(client) == IDLE - 1_000
    assert (await client.get(PATH)).headers["Cache-Control"] == "no-store"


async def test_a_page_that_asks_by_itself_while_somebody_waits_keeps_nobody_in(app_of: Build, serve: Serve) -> None:
    app, clock = site(app_of)
    client = await serve(app)
    await client.post("/enter")
    clock.at += 600
    await client.get("/", headers={auth.WAITING: "1"})
    assert await left(client) == IDLE - 600
    await client.get("/")
    assert await left(client) == IDLE


async def test_pages_say_how_long_is_left_to_who_is_signed_in_only(app_of: Build, serve: Serve) -> None:
    app, clock = site(app_of)
    client = await serve(app)
    assert "data-stay" not in await shown(client)
    await client.post("/enter")
    clock.at += 600
    page = await shown(client)
    assert f'data-stay-seconds="{IDLE}"' in page  # opening it was a use
    assert re.search(r'<section class="mu-stay" role="alert" data-stay="/signed-in" [^>]*hidden>', page)
    assert "/sign-in?next=%2F%3Fa%3D1" in page
    clock.at += 30
    assert f'data-stay-seconds="{IDLE - 30}"' in await shown(client)  # so soon after, nothing is written down again


async def test_where_nobody_signs_in_there_is_nobody_to_keep(app_of: Build, serve: Serve) -> None:
    app = app_of()
    pages.use_pages(app, package="", title="Trial")
    assert await left(await serve(app)) == 0


@pytest.mark.parametrize(
    ("language", "words"), [("en", "You will be signed out within two minutes"), ("cy", "Cewch eich allgofnodi o fewn dwy funud")]
)
async def test_the_warning_speaks_both_languages(app_of: Build, serve: Serve, language: str, words: str) -> None:
    client = await serve(site(app_of)[0])
    await client.post("/enter")
    page = await (await client.get(f"/?lang={language}")).text()
    assert words in page
