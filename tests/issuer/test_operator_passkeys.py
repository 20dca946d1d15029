"""Operators' passkeys on the console, by an authenticator of software."""

from __future__ import annotations

import html
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession
from support.console import Browser, add, answered
from support.registry import Registry, Template, serving
from support.soft_authenticator import UP, UV, SoftAuthenticator
from yarl import URL

from issuer.records import people
from shared.codec import base64url
from shared.storage import Tx
from shared.web import passkeys, sessions
from shared.web.passkeys import Passkey

ADD, USE = "/console/passkeys", "/console/sign-in/passkey"


def device(number: int = 7) -> SoftAuthenticator:
    return SoftAuthenticator(host="registry.example", origin="https://registry.example", id=bytes([number]) * 16)


def challenge(browser: Browser) -> bytes:
    found = re.search(r'data-passkey-options="([^"]+)"', browser.text)
    assert found is not None
    return base64url.decode(json.loads(html.unescape(found[1]))["challenge"])


async def add_passkey(browser: Browser, one: SoftAuthenticator, name: str = "Desk key", flags: int = UP | UV) -> None:
    await browser.open(ADD)
    options = re.search(r'data-passkey-options="([^"]+)"', browser.text)
    assert options is not None
    one.handle = base64url.decode(json.loads(html.unescape(options[1]))["user"]["id"])
    await browser.send(ADD, {"name": name, "passkey": one.create(challenge(browser), flags=flags)})


async def use_passkey(browser: Browser, one: SoftAuthenticator, origin: str | None = None) -> None:
    await browser.open("/console/sign-in?next=/console/documents")
    await browser.send(USE, {"passkey": one.get(challenge(browser), origin=origin)})


async def sign_out(browser: Browser) -> None:
    await browser.open("/console/")
    await browser.send("/console/sign-out", {})


async def test_operators_passkey_is_added_used_and_removed(registry: Registry) -> None:
    browser, one = Browser(registry), device()
    await browser.sign_in()
    assert 'href="/console/passkeys"' in await browser.open("/console/settings")
    await add_passkey(browser, one)
    assert "Desk key" in browser.text
    await sign_out(browser)
    await use_passkey(browser, one)
    assert browser.path == "/console/documents"
    assert "Last used" in await browser.open(ADD)
    await browser.send(f"{ADD}/remove", {"id": base64url.encode(one.id)})
    assert "There are none yet" in browser.text
    await sign_out(browser)
    await use_passkey(browser, one)
    assert "does not sign anybody in here" in browser.text
    assert browser.status == 400


async def test_no_session_is_the_door_that_an_answer_came_through(registry: Registry) -> None:
    """Whoever kept cookie and answer could else sign out of the one to use the other again."""
    browser, one = Browser(registry), device()
    await browser.sign_in()
    await add_passkey(browser, one)
    await sign_out(browser)
    await browser.open("/console/sign-in")
    jar = registry.http.cookie_jar
    (door,) = [each for each in jar if each.key.endswith("-door")]
    one.uses = -1  # a passkey that an account keeps counts nothing
    posted = {"passkey": one.get(challenge(browser)), "form_token": browser.hidden()["form_token"]}
    await browser.send(USE, posted)
    assert "/sign-in" not in browser.path
    await sign_out(browser)
    cookie = f"door:{door.value}"
    jar.clear()
    headers = {"Cookie": f"{door.key.removesuffix('-door')}={cookie}"}
    async with registry.http.post(
        f"{registry.base}/console/sign-out", data={"form_token": sessions.form_token(cookie)}, headers=headers, allow_redirects=False
    ) as answer:
        assert answer.status in {303, 403}
    jar.update_cookies({door.key: door.value}, URL(registry.base))
    await browser.send(USE, posted)
    await browser.open("/console/documents")
    assert browser.path == "/console/sign-in"


async def test_operators_passkeys_that_are_not_taken(registry: Registry) -> None:
    """Of another origin, without its person checked, to an earlier page's challenge, or a known one once more."""
    browser, one = Browser(registry), device()
    await browser.sign_in()
    await add_passkey(browser, one, flags=UP)
    assert "could not be added" in browser.text
    await browser.open(ADD)
    old = challenge(browser)
    await browser.open(ADD)
    await browser.send(ADD, {"passkey": one.create(old)})
    assert "could not be added" in browser.text
    await add_passkey(browser, one)
    await add_passkey(browser, one)
    assert "could not be added" in browser.text
    await sign_out(browser)
    await use_passkey(browser, one, origin="https://evil.example")
    assert "does not sign anybody in here" in browser.text


async def test_an_operators_answer_serves_once_and_in_her_browser(registry: Registry) -> None:
    browser, one = Browser(registry), device()
    await browser.sign_in()
    await add_passkey(browser, one)
    await sign_out(browser)
    await browser.open("/console/sign-in")
    door = browser.hidden()["form_token"]
    answer = one.get(challenge(browser))
    await browser.send(USE, {"passkey": answer, "form_token": "x"})
    assert browser.status == 403
    await browser.send(USE, {"passkey": answer, "form_token": door})
    assert browser.path == "/console/"
    await sign_out(browser)
    one.uses = 0  # a copy, or one of those that do not count
    await browser.send(USE, {"passkey": answer, "form_token": door})
    assert browser.path != "/console/"
    await browser.open("/console/")
    assert browser.path == "/console/sign-in"
    await use_passkey(browser, one)
    assert "does not sign anybody in here" in browser.text


async def test_a_page_that_was_open_for_too_long(registry: Registry) -> None:
    browser, one = Browser(registry), device()
    await browser.sign_in()
    await add_passkey(browser, one)
    await sign_out(browser)
    await browser.open("/console/sign-in")
    answer = one.get(challenge(browser))
    registry.clock.at += 3_600
    await browser.send(USE, {"passkey": answer})
    assert "open for too long" in browser.text
    await browser.send(USE, {"passkey": one.get(challenge(browser))})
    assert browser.path == "/console/"


async def test_asking_for_the_page_to_sign_in_leaves_nothing_and_counts_nothing(registry: Registry) -> None:
    async def rows() -> list[int]:
        tables = ("web_session", "rate_limit")

        async def unit(tx: Tx) -> list[int]:
            return [len(await tx.fetch(f"SELECT * FROM {name}")) for name in tables]  # noqa: S608 - our own names

        return await registry.office.storage.read(unit)

    before = await rows()
    for path in ("/console/sign-in", "/console/sign-in?next=/console/documents", "/console/sign-in?next=/console/" + "x" * 3_000):
        async with ClientSession() as stranger, stranger.get(registry.base + path) as answer:
            assert answer.status == 200
            assert "issuer-door" in answer.headers["Set-Cookie"]
    assert await rows() == before


async def test_a_door_that_is_not_ours_is_none(registry: Registry) -> None:
    """Whoever makes up the cookie, or its end, would choose what a passkey is asked to sign, and when it counts."""
    browser, one = Browser(registry), device()
    await browser.sign_in()
    await add_passkey(browser, one)
    await sign_out(browser)
    await browser.open("/console/sign-in")
    (name, value) = next((each.key, each.value) for each in registry.http.cookie_jar if each.key.endswith("-door"))
    random, until, after, mac = value.split(".")
    answer, token = one.get(challenge(browser)), browser.hidden()["form_token"]
    for bent in (f"{random}.{int(until) + 1}.{after}.{mac}", f"{random}.{until}.{after}.{'A' * 43}", "x", "a.1.a.a", value + "A"):
        registry.http.cookie_jar.clear()
        registry.http.cookie_jar.update_cookies({name: bent}, URL(registry.base))
        await browser.send(USE, {"passkey": answer, "form_token": token})
        assert "open for too long" in browser.text
    registry.http.cookie_jar.update_cookies({name: value}, URL(registry.base))
    await browser.send(USE, {"passkey": answer, "form_token": token})
    assert browser.path == "/console/"


async def test_a_passkey_is_added_soon_after_signing_in_only(registry: Registry) -> None:
    browser, one = Browser(registry), device()
    await browser.sign_in()
    await browser.open(ADD)
    made = one.create(challenge(browser))
    registry.clock.at += 11 * 60
    await browser.send(ADD, {"passkey": made})
    assert browser.status == 403
    assert "sign out and in again" in await browser.open(ADD)


@pytest.mark.parametrize("kept", [False, True])
async def test_a_new_passphrase_removes_passkeys_unless_she_keeps_them(registry: Registry, kept: bool) -> None:
    browser, one = Browser(registry), device()
    await browser.sign_in()
    await add_passkey(browser, one)
    page = await browser.open("/console/passphrase")
    assert "Desk key" in page
    box = re.search(r'<input[^>]* name="remove_passkeys" value="yes" checked>', page)
    assert box is not None
    fields = {"passphrase": registry.passphrase, "new": "several-words-of-her-own"}
    await browser.send("/console/passphrase", fields | ({} if kept else {"remove_passkeys": "yes"}))
    assert ("still sign in here" in browser.text, "No passkey signs in here" in browser.text) == (kept, not kept)
    await sign_out(browser)
    await use_passkey(browser, one)
    assert (browser.path == "/console/documents") == kept


async def test_a_holders_passkey_opens_no_console(registry: Registry) -> None:
    one, asked = device(), b"\x05" * 32
    at_home = passkeys.AtHome("registry.example", "https://registry.example", "Office")
    identifier, data, uses = passkeys.check_creation(at_home, one.create(asked), asked)
    known = Passkey(id=identifier, subject=people.subject("h"), handle=one.handle, data=data, uses=uses, name="p", made_at=0, used_at=None)
    await registry.office.storage.write(lambda tx: passkeys.add(tx, known))
    browser = Browser(registry)
    await use_passkey(browser, one)
    assert "does not sign anybody in here" in browser.text


async def test_an_admin_sees_who_signs_in_how_and_removes_a_passkey(registry: Registry) -> None:
    """Whoever came in by it is out; a clerk sees nobody's but her own."""
    await add(registry, "Cora Clerk", "clerk")
    cora, one = Browser(registry), device()
    await cora.sign_in("Cora Clerk", "correct-horse-battery")
    await add_passkey(cora, one, "Cora’s phone")
    await cora.open(f"{ADD}/everybody")
    assert cora.status == 403
    assert "Who signs in how" not in await cora.open("/console/settings")
    await cora.open(ADD)
    await cora.send(f"{ADD}/everybody/remove", {"operator": "Cora Clerk", "id": base64url.encode(one.id)})
    assert cora.status == 403
    held = [(cookie.key, cookie.value) for cookie in registry.http.cookie_jar if cookie.key.endswith("issuer")]
    registry.http.cookie_jar.clear()
    iris = Browser(registry)
    await iris.sign_in()
    assert "Cora’s phone" in await iris.open(f"{ADD}/everybody")
    await iris.send(f"{ADD}/everybody/remove", {"operator": "Cora Clerk", "id": base64url.encode(one.id)})
    assert "Cora’s phone" not in iris.text
    assert iris.path == f"{ADD}/everybody"  # she herself stays
    await iris.send(f"{ADD}/everybody/remove", {"operator": "Cora Clerk", "id": base64url.encode(one.id)})
    assert iris.status == 404
    async with registry.http.get(registry.base + "/console/", cookies=dict(held), allow_redirects=False) as answer:
        assert answer.status == 303
    await sign_out(iris)
    await use_passkey(cora, one)
    assert "does not sign anybody in here" in cora.text


async def test_who_is_removed_loses_her_passkeys(registry: Registry) -> None:
    await add(registry, "Cora Clerk", "clerk")
    browser, one = Browser(registry), device()
    await browser.sign_in("Cora Clerk", "correct-horse-battery")
    await add_passkey(browser, one)
    await sign_out(browser)
    await browser.sign_in()
    await browser.open("/console/settings")
    await browser.send("/console/settings/people/Cora Clerk/remove", {})
    assert await registry.office.storage.read(lambda tx: passkeys.find(tx, one.id)) is None


@pytest.fixture
async def without(template: Template, tmp_path: Path) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "registry", operator_passphrases=False) as running:
        yield running


async def test_passphrases_are_off_only_while_an_admin_has_another_way(without: Registry) -> None:
    await add(without, "Cora Clerk", "clerk")
    browser, admins, clerks = Browser(without), device(1), device(2)
    await browser.sign_in("Cora Clerk", "correct-horse-battery")
    await add_passkey(browser, clerks)
    await sign_out(browser)
    await browser.sign_in()  # a clerk's way is none for an admin
    await add_passkey(browser, admins)
    await sign_out(browser)
    assert 'name="passphrase"' not in await browser.open("/console/sign-in")
    fields = {"name": "Iris Admin", "passphrase": without.passphrase, "next": ""}
    await browser.send("/console/sign-in", fields)
    assert browser.status == 403
    await use_passkey(browser, admins)
    await browser.open(ADD)
    await browser.send(f"{ADD}/remove", {"id": base64url.encode(admins.id)})
    await sign_out(browser)
    await browser.sign_in()
    assert browser.path == "/console/"


async def test_another_way_in_makes_no_second_person(template: Template, tmp_path: Path) -> None:
    """Made with a passphrase, approved with a passkey: the same operator."""
    async with serving(template, tmp_path / "registry", approve_types=("representation",)) as careful:
        browser, one = Browser(careful), device()
        await browser.sign_in()
        await add_passkey(browser, one)
        await browser.open("/console/make/representation")
        await browser.send("/console/make/representation", answered(step="make"))
        number = browser.path.split("/")[3]
        await sign_out(browser)
        await use_passkey(browser, one)
        assert "You wrote these details" in await browser.open(f"/console/documents/{number}/decide")
        await browser.send(f"/console/documents/{number}/approve", browser.hidden() | {"version": "1"})
        assert browser.status == 403
