from __future__ import annotations

import asyncio
from functools import partial
from http.cookies import SimpleCookie

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from support.trial_web import Build, Client, Serve, Watch

from shared.clock import system_entropy
from shared.errors import InvalidToken, Malformed, TooMany, VcError, WrongPassphrase
from shared.storage import Storage, Tx
from shared.web import api_keys, auth, passphrases, rates, sessions
from shared.web.problem import PROBLEM, speak
from shared.web.sessions import Session

FAST = "correct-horse-battery"


# --- passphrases -------------------------------------------------------------------------------------------------------------------


async def test_a_passphrase_is_argon2id_and_checked() -> None:
    pool = passphrases.Passphrases(system_entropy)
    phc = await pool.hash(FAST)
    assert phc.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert phc != await pool.hash(FAST)
    await pool.check(f"  {FAST} ", phc)
    for wrong, known in ((FAST + "x", phc), (FAST, None), ("", phc), ("\ud800", phc)):
        with pytest.raises(WrongPassphrase):
            await pool.check(wrong, known)
    pool.close()


async def test_an_account_that_is_not_there_takes_as_long_to_check(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, checked = passphrases.Passphrases(system_entropy), list[str]()
    made = await pool.hash(FAST)
    monkeypatch.setattr(passphrases, "check_passphrase", lambda _passphrase, phc: checked.append(phc))
    with pytest.raises(WrongPassphrase):
        await pool.check(FAST, None)
    of_nobody, of_somebody = checked[0].split("$"), made.split("$")
    assert of_nobody[:4] == of_somebody[:4], "another memory, number of rounds or lanes"
    assert [len(part) for part in of_nobody] == [len(part) for part in of_somebody]
    pool.close()


async def test_one_spelling_of_each_character() -> None:
    phc = passphrases.hash_passphrase("caf\u00e9 caf\u00e9 caf\u00e9", system_entropy)
    passphrases.check_passphrase("cafe\u0301 cafe\u0301 cafe\u0301", phc)


async def test_a_crowd_waits_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passphrases, "_WAITING", 2)
    pool = passphrases.Passphrases(system_entropy)
    results = await asyncio.gather(*(pool.hash(FAST) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(result, TooMany) for result in results) == 3
    pool.close()


def test_new_passphrases_have_a_length() -> None:
    passphrases.check_new_passphrase("x" * 12)
    for bad in ("x" * 11, " " * 20, "x" * 257):
        with pytest.raises(Malformed):
            passphrases.check_new_passphrase(bad)


def test_generated_passphrases_can_be_read_out() -> None:
    made = {passphrases.generate_passphrase(system_entropy) for _ in range(50)}
    assert len(made) == 50
    assert all(len(words := one.split("-")) == 5 and all(len(word) == 5 and word.isalpha() for word in words) for one in made)


# --- rates -------------------------------------------------------------------------------------------------------------------------


async def test_a_limit_holds_in_a_race_and_ends_with_its_window(rows: Storage) -> None:
    limit = rates.Limit("trial", 5, 60)
    results = await asyncio.gather(*(rates.allow(rows, limit, "nora", at=1_000) for _ in range(50)), return_exceptions=True)
    assert sum(result is None for result in results) == 5
    refused = [result for result in results if isinstance(result, TooMany)]
    assert len(refused) == 45
    assert refused[0].retry_after == 60
    with pytest.raises(TooMany) as late:
        await rates.allow(rows, limit, "nora", at=1_059)
    assert late.value.retry_after == 1
    await rates.allow(rows, limit, "peter", at=1_001)
    await rates.allow(rows, limit, "nora", at=1_060)
    counters = await rows.read(lambda tx: tx.fetch("SELECT * FROM rate_limit"))
    assert not any("nora" in str(row["bucket"]) for row in counters)
    assert await rows.write(lambda tx: rates.purge(tx, at=1_100)) == 1
    await rows.write(lambda tx: rates.forget(tx, limit, "nora"))
    assert await rows.read(lambda tx: tx.fetch("SELECT * FROM rate_limit")) == []


# --- API keys ----------------------------------------------------------------------------------------------------------------------


async def test_api_keys(rows: Storage) -> None:
    new = await rows.write(
        lambda tx: api_keys.create(tx, name="demo", scopes={"issue", "revoke"}, at=10, entropy=system_entropy, expires_at=99)
    )
    assert new.token not in repr(new)
    (row,) = await rows.read(lambda tx: tx.fetch("SELECT * FROM api_key"))
    secret = new.token.split("_", 2)[2]  # which may have underscores of its own
    assert not any(secret in str(row[place]) for place in range(len(row)))
    key = await rows.read(lambda tx: api_keys.check(tx, new.token, at=98))
    assert (key.id, key.name, key.scopes) == (new.id, "demo", frozenset({"issue", "revoke"}))
    for bad, at in (
        (new.token[:-1] + ("A" if new.token[-1] != "A" else "B"), 20),
        (new.token, 99),
        ("mun_" + "a" * 13 + "_" + secret, 20),
        ("", 20),
        (new.token + " ", 20),
    ):
        with pytest.raises(InvalidToken):
            await rows.read(partial(api_keys.check, token=bad, at=at))
    await rows.write(lambda tx: api_keys.touch(tx, new.id, at=50))
    assert not (await rows.read(lambda tx: api_keys.check(tx, new.token, at=98))).wants_touch(at=60)
    assert await rows.write(lambda tx: api_keys.revoke(tx, new.id, at=60)) == 1
    assert await rows.write(lambda tx: api_keys.revoke(tx, new.id, at=61)) == 0
    with pytest.raises(InvalidToken):
        await rows.read(lambda tx: api_keys.check(tx, new.token, at=61))


@given(st.text(max_size=80))
async def test_any_text_is_no_api_key(token: str) -> None:
    class Nothing:
        async def fetchrow(self, *_: object) -> None:
            return None

    with pytest.raises(InvalidToken):
        await api_keys.check(Nothing(), token, at=0)  # type: ignore[arg-type]


# --- sessions ----------------------------------------------------------------------------------------------------------------------


async def test_sessions_end_by_idleness_and_by_age(rows: Storage) -> None:
    async def begin(tx: Tx) -> tuple[str, Session]:
        return await sessions.begin(tx, subject="op-1", at=0, entropy=system_entropy, data={"role": "clerk"}, idle=100, absolute=250)

    cookie, session = await rows.write(begin)
    assert session.form_token not in repr(session)
    (row,) = await rows.read(lambda tx: tx.fetch("SELECT * FROM web_session"))
    assert not any(cookie in str(row[place]) for place in range(len(row)))

    async def alive(at: int) -> Session | None:
        return await rows.read(lambda tx: sessions.find(tx, cookie, at=at))

    found = await alive(99)
    assert found is not None
    assert found.data == {"role": "clerk"}
    assert await alive(100) is None
    await rows.write(lambda tx: sessions.touch(tx, session, at=99, idle=100))
    assert await alive(198) is not None
    await rows.write(lambda tx: sessions.touch(tx, session, at=198, idle=100))
    assert await alive(249) is not None
    assert await alive(250) is None
    await rows.write(lambda tx: sessions.store(tx, session, {"role": "admin"}))
    changed = await alive(200)
    assert changed is not None
    assert changed.data == {"role": "admin"}
    assert await rows.write(lambda tx: sessions.purge(tx, at=250)) == [session.key]


async def test_all_sessions_of_somebody_end_but_this_one(rows: Storage) -> None:
    begun = [await rows.write(lambda tx: sessions.begin(tx, subject="op-1", at=0, entropy=system_entropy)) for _ in range(3)]
    ended = await rows.write(lambda tx: sessions.end_all(tx, "op-1", but=begun[0][1].key))
    assert set(ended) == {begun[1][1].key, begun[2][1].key}
    assert await rows.read(lambda tx: sessions.find(tx, begun[0][0], at=1)) is not None


# --- over HTTP ---------------------------------------------------------------------------------------------------------------------


def service(app_of: Build, **settings: object) -> web.Application:
    app = app_of(**settings)
    auth.use_auth(app)
    speak(app, PROBLEM, "/")

    async def sign_in(request: web.Request) -> web.Response:
        form = await auth.read_form(request, signed_in=False)
        await auth.throttle_sign_in(request, form["name"])
        await auth.passphrases(request).check(form["passphrase"], PHC if form["name"] == "nora" else None)
        await auth.forgive_sign_in(request, form["name"])
        response = web.Response()
        session = await auth.sign_in(request, response, subject=form["name"], data={"role": "clerk"})
        response.text = session.form_token
        return response

    async def whoami(request: web.Request) -> web.Response:
        session = await auth.require_session(request)
        return web.Response(text=session.subject)

    async def act(request: web.Request) -> web.Response:
        fields, files = await auth.read_files(request)
        return web.json_response({"fields": sorted(fields.keys()), "files": {name: len(data) for name, data in files.items()}})

    async def sign_out(request: web.Request) -> web.StreamResponse:
        await auth.read_form(request)
        response = web.HTTPSeeOther("/who")
        await auth.sign_out(request, response)
        return response

    async def program(request: web.Request) -> web.Response:
        return web.Response(text=(await auth.require_scope(request, "issue")).name)

    async def own(request: web.Request) -> web.Response:
        return web.Response(text=(await auth.require_api_session(request, request.query.get("scope", ""))).subject)

    app.router.add_post("/sign-in", sign_in)
    app.router.add_get("/who", whoami)
    app.router.add_post("/act", act)
    app.router.add_post("/sign-out", sign_out)
    app.router.add_get("/program", program)
    app.router.add_get("/own", own)
    app.router.add_post("/own", own)
    return app


PHC = passphrases.hash_passphrase(FAST, system_entropy)
SIGN_IN = {"name": "nora", "passphrase": FAST}


async def signed_in(client: Client) -> str:
    answer = await client.post("/sign-in", data=SIGN_IN)
    assert answer.status == 200
    return await answer.text()


async def test_sign_in_act_sign_out(app_of: Build, serve: Serve) -> None:
    client = await serve(service(app_of))
    assert (await client.get("/who")).status == 401
    token = await signed_in(client)
    assert await (await client.get("/who")).text() == "nora"
    assert (await client.post("/act", data={"form_token": token, "x": "1"})).status == 200
    for wrong in ("", token[:-1], "é" + token):
        answer = await client.post("/act", data={"form_token": wrong})
        assert (answer.status, (await answer.json())["code"]) == (403, "cross_site_refused")
    before = next(iter(client.session.cookie_jar)).value
    again = await signed_in(client)
    assert again != token
    assert (await client.post("/sign-out", data={"form_token": again}, allow_redirects=False)).status == 303
    assert (await client.get("/who")).status == 401
    old = await client.get("/who", headers={"Cookie": f"muniment-issuer={before}"})
    assert old.status == 401  # signing in again had ended it


async def test_the_cookie_is_named_for_the_service_and_guarded(app_of: Build, serve: Serve) -> None:
    client = await serve(service(app_of))
    answer = await client.post("/sign-in", data=SIGN_IN)
    (name, morsel), *_ = SimpleCookie(answer.headers["Set-Cookie"]).items()
    assert name == "muniment-issuer"
    assert (morsel["httponly"], morsel["samesite"], morsel["path"], morsel["secure"]) == (True, "Lax", "/", "")
    secure = await serve(service(app_of, public_url="https://issuer.example"))
    (name, morsel), *_ = SimpleCookie((await secure.post("/sign-in", data=SIGN_IN)).headers["Set-Cookie"]).items()
    assert name == "__Host-muniment-issuer"
    assert (morsel["secure"], morsel["domain"]) == (True, "")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost:8100"}, 403),
        ({"Origin": "http://localhost:8100"}, 200),
        ({"Origin": "http://localhost:8102"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 200),
    ],
)
async def test_forms_of_other_sites_are_refused(app_of: Build, serve: Serve, headers: dict[str, str], status: int) -> None:
    client = await serve(service(app_of))
    token = await signed_in(client)
    assert (await client.post("/act", data={"form_token": token}, headers=headers)).status == status


async def test_files_are_read_and_bounded(app_of: Build, serve: Serve) -> None:
    client = await serve(service(app_of, max_body=5_000))
    form = aiohttp.FormData()
    form.add_field("form_token", await signed_in(client))
    form.add_field("picture", b"x" * 2_000, filename="a.png", content_type="image/png")
    form.add_field("empty", b"", filename="", content_type="application/octet-stream")
    answer = await client.post("/act", data=form)
    assert await answer.json() == {"fields": ["form_token"], "files": {"picture": 2_000}}
    large = aiohttp.FormData()
    large.add_field("picture", b"x" * 6_000, filename="a.png")
    assert (await client.post("/act", data=large)).status == 413
    broken = await client.post("/act", data=b"--nonsense", headers={"Content-Type": "multipart/form-data; boundary=zzz"})
    assert broken.status in {400, 403}


async def test_guessing_is_throttled_per_account_also_in_parallel(app_of: Build, serve: Serve, watch: Watch) -> None:
    client = await serve(service(app_of))
    guesses = [client.post("/sign-in", data={"name": " Nora", "passphrase": f"guess number {number}"}) for number in range(25)]
    statuses = [answer.status for answer in await asyncio.gather(*guesses)]
    assert statuses.count(401) == auth.SIGN_IN_BY_ACCOUNT.most
    assert statuses.count(429) == 25 - auth.SIGN_IN_BY_ACCOUNT.most
    refused = await client.post("/sign-in", data=SIGN_IN)
    assert refused.status == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 900
    watch.at += 900
    await signed_in(client)


async def test_guessing_is_throttled_per_address(app_of: Build, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "SIGN_IN_BY_ADDRESS", rates.Limit("sign-in-address", 3, 900))
    client = await serve(service(app_of, trusted_proxies=("127.0.0.0/8",)))
    statuses = [
        (await client.post("/sign-in", data={"name": f"n{number}", "passphrase": "x"}, headers={"X-Forwarded-For": "203.0.113.9"})).status
        for number in range(4)
    ]
    assert statuses == [401, 401, 401, 429]
    other = await client.post("/sign-in", data={"name": "n9", "passphrase": "x"}, headers={"X-Forwarded-For": "203.0.113.10"})
    assert other.status == 401


async def test_programs_need_a_key_with_the_scope(app_of: Build, serve: Serve, store: Storage, watch: Watch) -> None:
    client = await serve(service(app_of))
    good = await store.write(lambda tx: api_keys.create(tx, name="demo", scopes=["issue"], at=watch.at, entropy=system_entropy))
    poor = await store.write(lambda tx: api_keys.create(tx, name="poor", scopes=["read"], at=watch.at, entropy=system_entropy))
    for header, status in (("", 401), ("Basic x", 401), (f"Bearer {poor.token}", 403), (f"bearer {good.token}", 200)):
        assert (await client.get("/program", headers={"Authorization": header} if header else {})).status == status
    row = await store.read(lambda tx: tx.fetchrow("SELECT last_used_at FROM api_key WHERE id = $1", good.id))
    assert row is not None
    assert row["last_used_at"] == watch.at


async def test_a_session_is_kept_awake_by_use(app_of: Build, serve: Serve, watch: Watch) -> None:
    app = service(app_of)
    client = await serve(app)
    await signed_in(client)
    status = 0
    for _ in range(30):
        watch.at += sessions.IDLE - 1
        status = (await client.get("/who")).status
        if status != 200:
            break
    assert status == 401
    assert watch.at >= 1_800_000_000 + sessions.ABSOLUTE
    assert len(await auth.sweep(app)) == 1


async def test_the_json_api_of_a_person_takes_cookie_or_bearer(app_of: Build, serve: Serve) -> None:
    client = await serve(service(app_of))
    await signed_in(client)
    cookie = next(iter(client.session.cookie_jar)).value
    assert await (await client.get("/own")).text() == "nora"
    assert (await client.post("/own", headers={"Sec-Fetch-Site": "cross-site"})).status == 403
    client.session.cookie_jar.clear()
    assert (await client.get("/own")).status == 401
    assert (await client.post("/own", headers={"Authorization": f"Bearer {cookie}", "Sec-Fetch-Site": "cross-site"})).status == 200
    assert (await client.post("/own", headers={"Authorization": "Bearer wrong"})).status == 401


@given(st.text(max_size=60))
def test_any_text_is_the_form_token_or_refused(text: str) -> None:
    session = Session("k", "s", {}, 0, 0, 1, 1, "right")
    try:
        sessions.check_form_token(session, text)
    except VcError:
        assert text != "right"
    else:
        assert text == "right"
