"""The pages of keys, without a browser: what a key signed, calling it in, and saying that it is in other hands."""

from __future__ import annotations

import re

import pytest
from support.console import Browser, add
from support.registry import NOON, Registry, collect

from issuer import recall
from issuer.app import one_round, publisher_of
from issuer.pages.keys import PATH
from shared.trust.publication import parse_publication
from shared.trust.snapshot import KeyState


@pytest.fixture
async def browser(registry: Registry) -> Browser:
    one = Browser(registry)
    await one.sign_in()
    return one


async def signed(registry: Registry, documents: int) -> list[str]:
    """So many documents, each with a copy, one a minute."""
    made = []
    for place in range(documents):
        registry.clock.at = NOON + 60 * place
        new = await registry.make(reference=f"case {place}")
        await (await collect(registry, new)).copies()
        made.append(new["id"])
    return made


async def first(registry: Registry) -> str:
    return f"{PATH}/{(await recall.keys(registry.office))[0].kid}"


async def test_only_admins_see_keys(browser: Browser, registry: Registry) -> None:
    assert PATH in await browser.open("/console/settings")
    assert "Keys of documents" in await browser.open(PATH)
    assert await first(registry) in browser.text
    await add(registry, "Ana", "approver")
    await browser.sign_in("Ana", "correct-horse-battery")
    for page in (PATH, f"{PATH}/next", await first(registry), f"{await first(registry)}/state"):
        await browser.open(page)
        assert browser.status == 403
    await browser.open("/console/settings")
    assert f'"{PATH}"' not in browser.text


async def test_unknown_keys_are_missing(browser: Browser) -> None:
    for page in ("AAAAAAAAAAA", "AAAAAAAAAAA/compromised", "AAAAAAAAAAA/recall", "AAAAAAAAAAA/state"):
        await browser.open(f"{PATH}/{page}")
        assert browser.status == 404


async def test_what_it_signed_from_a_moment_on(browser: Browser, registry: Registry) -> None:
    numbers, path = await signed(registry, 22), await first(registry)
    text = await browser.open(path)
    assert "22 documents" in text
    assert "Page 1 of 2" in text
    assert f"/console/documents/{numbers[0]}" not in text
    assert f"/console/documents/{numbers[0]}" in await browser.open(f"{path}?page=2")
    day = "since.day=15&since.month=1&since.year=2027"
    text = await browser.open(f"{path}?{day}&clock=12:20")
    assert browser.path == path
    assert "What it signed from 15 January 2027 at 12:20 on" in text
    assert "Before that moment it signed 20 more documents." in text
    assert "2 documents" in text
    text = await browser.open(f"{path}?since={NOON + 1200}&search=CASE+21")
    assert [each in text for each in numbers[19:]] == [False, False, True]
    assert "Nothing of it was made under" in await browser.open(f"{path}?search=nobody")
    assert "Nothing is on this page" in await browser.open(f"{path}?page=9")
    for wrong in ("since.day=31&since.month=2&since.year=2027", f"{day}&clock=25:00", "since.day=16&since.month=1&since.year=2027"):
        await browser.open(f"{path}?{wrong}")
        assert browser.errors() == ["since.day"]
    for odd in ("since=-1", "since=99999999999", "since=x", "page=0", "page=x"):
        assert "22 documents" in await browser.open(f"{path}?{odd}")


async def test_the_worst_day_by_hand(browser: Browser, registry: Registry) -> None:
    """Report, call in from a moment on, then the rest; the history of each document tells it."""
    (early, late), path = await signed(registry, 2), await first(registry)
    old = registry.office.signer
    text = await browser.open(path)
    assert "While this key signs, nothing by it can be called in" in text
    await browser.send(f"{path}/recall", {"reason": "why", "count": "2"})
    assert browser.errors() == ["count"]
    await browser.open(f"{path}/compromised")
    assert "It signed copies of 2 documents" in browser.text
    await browser.send(f"{path}/compromised", {"reason": " "})
    assert browser.errors() == ["reason"]
    await browser.send(f"{path}/compromised", {"reason": "a stick is missing"})
    assert browser.path == path
    assert "In other hands: nothing by it counts" in browser.text
    assert "a stick is missing" in browser.text
    assert "Nobody has been told" not in browser.text
    said = parse_publication(await (await registry.get("/.well-known/muniment-trust")).read()).snapshot.keys
    assert said[old.thumbprint].state is KeyState.COMPROMISED
    assert registry.office.signer.thumbprint != old.thumbprint  # another one signs at once
    assert said[registry.office.signer.thumbprint].state is KeyState.ACTIVE
    await browser.send(f"{path}/compromised", {"reason": "again"})
    assert browser.status == 409

    since = str(NOON + 60)
    await browser.open(f"{path}/recall?since={since}")
    assert "1 document" in browser.text
    for count in ("", "2", "x"):
        await browser.send(f"{path}/recall", {"since": since, "reason": "a stick is missing", "count": count})
        assert browser.errors() == ["count"]
    await browser.send(f"{path}/recall", {"since": since, "reason": "x" * 301, "count": "1"})
    assert browser.errors() == ["reason"]
    await browser.send(f"{path}/recall", {"since": since, "reason": "a stick is missing", "count": "1"})
    assert browser.path == path
    assert "Documents done: 1 of 1. Copies cancelled: 1" in browser.text
    state = await (await registry.get(f"{path}/state")).json()
    assert state["state"] == "under-way"
    await one_round(registry.app)
    assert (await (await registry.get(f"{path}/state")).json())["href"] == path
    text = await browser.open(f"{path}?since={since}")
    assert "those copies count no more either" in text
    assert "Nothing that can still be used." in text
    await browser.open(f"{path}/recall")
    await browser.send(f"{path}/recall", {"reason": "the rest", "count": "1"})
    await one_round(registry.app)
    for number, reason in ((early, "the rest"), (late, "a stick is missing")):
        text = await browser.open(f"/console/documents/{number}")
        assert "Copies called in because of the key that signed them; wallets get others" in text
        assert reason in text


async def test_another_key_signs_by_hand(browser: Browser, registry: Registry) -> None:
    old = registry.office.signer
    await browser.open(f"{PATH}/next")
    await browser.send(f"{PATH}/next", {})
    assert browser.path == PATH
    assert re.findall(r"Signs documents|Signs no more", browser.text) == ["Signs documents", "Signs no more"]
    assert registry.office.signer.thumbprint != old.thumbprint
    (registry.directory / "anchor.keys").rename(registry.directory / "elsewhere.keys")
    await browser.open(f"{PATH}/next")
    await browser.send(f"{PATH}/next", {})
    assert browser.status == 409
    assert browser.errors() == ["main-content"]


async def test_without_the_anchors_keys_the_page_says_who_does_not_know(browser: Browser, registry: Registry) -> None:
    path = await first(registry)
    (registry.directory / "anchor.keys").rename(registry.directory / "elsewhere.keys")
    await browser.open(f"{path}/compromised")
    await browser.send(f"{path}/compromised", {"reason": "a stick is missing"})
    assert "Nobody has been told yet" in browser.text
    for page in (PATH, "/console/settings", "/console/"):
        assert ("No key signs at present" in await browser.open(page)) is (page != "/console/")
        assert browser.status == 200
    (registry.directory / "elsewhere.keys").rename(registry.directory / "anchor.keys")
    registry.clock.at += 1
    await publisher_of(registry.office).publish()
    assert "Nobody has been told yet" not in await browser.open(path)
