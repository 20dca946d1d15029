from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from support.trial_web import Build, Serve

from shared.errors import InvalidGrant, InvalidToken, Malformed, SignInRequired, TooMany, Unavailable, VcError
from shared.storage import Storage
from shared.web.auth import use_auth
from shared.web.pages import use_pages
from shared.web.problem import DIALECT, OAUTH, PROBLEM, speak

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


def raising(error: Exception) -> Answering:
    async def handler(_: web.Request) -> web.Response:
        raise error

    return handler


def routes(app: web.Application) -> None:
    app.router.add_post("/token", raising(InvalidGrant('wrong "code"\nö')))
    app.router.add_get("/protected", raising(InvalidToken("expired")))
    app.router.add_post("/api/things", raising(Malformed("expected a text", where="/claims/name")))
    app.router.add_get("/api/busy", raising(TooMany("wait", retry_after=17)))
    app.router.add_get("/api/bug", raising(ZeroDivisionError("secret-detail")))
    app.router.add_get("/bug", raising(ZeroDivisionError("secret-detail")))
    app.router.add_get("/away", raising(Unavailable("the registry is away")))
    app.router.add_get("/mine", raising(SignInRequired("sign in first")))
    app.router.add_post("/credential", raising(Malformed("expected a text", where="/proofs/jwt/0")))
    speak(app, OAUTH, "/token", "/protected", "/credential")
    speak(app, PROBLEM, "/api")


@pytest.fixture
def app(app_of: Build) -> web.Application:
    app = app_of()
    use_auth(app)
    use_pages(app, package="", title="Trial")
    routes(app)
    return app


async def test_a_wallet_is_told_in_oauth(app: web.Application, serve: Serve) -> None:
    client = await serve(app)
    answer = await client.post("/token")
    assert answer.status == 400
    assert await answer.json() == {"error": "invalid_grant", "error_description": "wrong 'code''''"[:-1]}
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.content_type == "application/json"


async def test_a_wallet_is_told_the_place(app: web.Application, serve: Serve) -> None:
    client = await serve(app)
    assert (await (await client.post("/credential")).json())["error_description"] == "expected a text (at /proofs/jwt/0)"


async def test_the_error_page_stands_without_the_database(app: web.Application, serve: Serve, store: Storage) -> None:
    client = await serve(app)
    await store.close()
    answer = await client.get("/away", headers={"Cookie": "muniment-issuer=something"})
    assert (answer.status, answer.content_type) == (503, "text/html")


async def test_a_wallet_is_challenged_without_and_with_a_token(app: web.Application, serve: Serve) -> None:
    client = await serve(app)
    bare = await client.get("/protected")
    assert (bare.status, bare.headers["WWW-Authenticate"]) == (401, 'Bearer realm="muniment"')
    tried = await client.get("/protected", headers={"Authorization": "Bearer x"})
    assert tried.headers["WWW-Authenticate"] == 'Bearer realm="muniment", error="invalid_token", error_description="expired"'


async def test_an_operator_is_told_in_rfc_9457(app: web.Application, serve: Serve) -> None:
    client = await serve(app)
    answer = await client.post("/api/things")
    told = await answer.json()
    assert answer.content_type == "application/problem+json"
    assert told["type"] == "http://localhost:8100/errors#malformed"
    assert (told["status"], told["code"], told["pointer"], told["title"]) == (400, "malformed", "/claims/name", "Malformed")
    assert told["request_id"] == answer.headers["X-Request-Id"]


async def test_retry_after_is_told(app: web.Application, serve: Serve) -> None:
    client = await serve(app)
    assert (await client.get("/api/busy")).headers["Retry-After"] == "17"


async def test_a_bug_is_logged_whole_and_told_as_nothing(app: web.Application, serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    client = await serve(app)
    with caplog.at_level(logging.ERROR):
        answer = await client.get("/api/bug")
    told = await answer.text()
    assert answer.status == 500
    assert "server_error" in told
    assert "secret-detail" not in told
    assert "ZeroDivisionError: secret-detail" in caplog.text


async def test_a_person_reads_plain_english(app: web.Application, serve: Serve) -> None:
    client = await serve(app)
    for path, status, words in (
        ("/bug", 500, "Sorry, there is a problem"),
        ("/nowhere", 404, "Page not found"),
        ("/away", 503, "not answering"),
    ):
        answer = await client.get(path)
        page = await answer.text()
        assert (answer.status, answer.content_type) == (status, "text/html")
        assert words in page
        assert answer.headers["X-Request-Id"] in page
        assert "secret-detail" not in page


async def test_a_person_without_session_is_sent_to_sign_in(app: web.Application, serve: Serve) -> None:
    client = await serve(app)
    answer = await client.get("/mine?a=1", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/sign-in?next=/mine?a%3D1")


async def test_a_script_on_a_page_is_told_in_json(app: web.Application, serve: Serve) -> None:
    client = await serve(app)
    answer = await client.get("/mine", headers={"Accept": "application/json"}, allow_redirects=False)
    assert (answer.status, answer.content_type) == (401, "application/problem+json")


async def test_what_aiohttp_refuses_speaks_the_dialect_too(app: web.Application, serve: Serve) -> None:
    client = await serve(app)
    wrong = await client.get("/token")
    assert (wrong.status, wrong.headers["Allow"], wrong.content_type) == (405, "POST", "application/json")
    missing = await client.get("/api/nowhere")
    assert (missing.status, missing.content_type) == (404, "application/problem+json")
    large = await client.post("/api/things", data=b"x" * 1_000_001)
    assert (large.status, (await large.json())["code"]) == (413, "too_large")


async def test_a_sub_application_has_its_own_dialect(app_of: Build, serve: Serve) -> None:
    app, inner = app_of(), web.Application()
    inner[DIALECT] = OAUTH
    inner.router.add_get("/x", raising(VcError("no")))
    app.add_subapp("/openid4vci", inner)
    client = await serve(app)
    for path in ("/openid4vci/x", "/openid4vci/none"):
        assert (await (await client.get(path)).json())["error"] in {"server_error", "invalid_request"}
    assert (await client.get("/openid4vcinot")).content_type == "text/plain"  # no pages, no dialect: one line


async def test_a_broken_error_page_still_answers(app: web.Application, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await serve(app)
    monkeypatch.setattr("shared.web.faults.fault_of", lambda *_: 1 / 0)
    answer = await client.get("/nowhere")
    assert (answer.status, answer.content_type) == (404, "text/plain")


async def test_every_error_code_has_its_place_on_the_page(app: web.Application, serve: Serve) -> None:
    client = await serve(app)
    page = await (await client.get("/errors")).text()
    for code in ("malformed", "invalid_grant", "status_unknown", "misdirected_request"):
        assert f'id="{code}"' in page
