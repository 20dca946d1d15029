"""The checking page under attack: links that spoil what a browser keeps, pages that grow stale, codes and clocks that have run out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Route, expect
from support.desk import BANK, Running, Template, opened
from support.desk_scan import shown
from support.scan_page import PASSPHRASE, ScanPage, answer, as_code, copy_text
from support.signing import AT
from support.trial_verify import IDX, ISSUER, LIST

from shared.clock import DAY
from shared.errors import Unavailable
from shared.flow import Fetch, Fetched
from shared.ovp.answer import code_binding
from shared.ovp.code import SECONDS
from shared.verify import CHECKS
from shared.web.pages import PAGES
from verifier import fetching, words
from verifier.desk import RELYING_PARTY
from verifier.pages import scan
from verifier.records import packs


async def test_other_words_are_another_build(desk: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser keeps the page until the service worker is another one: that follows all that the page says, not its files alone."""

    async def build(language: str) -> str:
        async with desk.http.get(f"{desk.base}/desk/scan/sw.js", headers={"Accept-Language": language}) as given:
            script = await given.text()
        return str(json.loads(script.partition("const PLAN = ")[2].partition(";\n")[0])["build"])

    builds = [await build("cy"), await build("en")]
    monkeypatch.setitem(words.PASSED, "parse", "It is a document of a kind that this desk reads.")
    builds.append(await build("en"))
    monkeypatch.setitem(scan._WIDER, "img_src", "")
    builds.append(await build("en"))
    assert len(set(builds)) == 3
    assert builds[0] == builds[1]
    monkeypatch.setattr(desk.app[PAGES], "render", None)  # anybody may ask, as often as they like: nothing is put together again
    assert await build("cy") == builds[-1]


@pytest.mark.real
async def test_a_link_in_no_language_spoils_nothing(counter: ScanPage) -> None:
    """Whoever makes a clerk follow a link must not be able to put the page out of work for the next airplane."""
    page = counter.page
    await page.goto(f"{counter.base}/desk/scan/?lang=zz")
    await counter.view("locked")
    await counter.context.set_offline(True)
    await counter.go()
    await counter.unlock()
    await counter.view("home")
    assert await page.locator("html").get_attribute("lang") == "en"


@pytest.mark.real
async def test_a_question_that_ran_out_is_answered_by_nothing(counter: ScanPage, local: Running) -> None:
    """S6, S7: a code is good for three minutes, also at a desk whose view stays open."""
    await counter.press("Make a code to type")
    await counter.page.get_by_role("button", name="Bank account").click()
    await counter.view("code")
    public = await local.desk.custodian.public(RELYING_PARTY)
    late = shown(code_binding(await counter.digits(), entity=BANK, use="bank", public=public))
    await counter.at(AT + SECONDS + 1)
    await counter.scan(late)
    await counter.note("This code has run out")
    assert await counter.page.locator("#scan").get_attribute("data-view") == "code"
    await counter.at(AT)
    await counter.press("Next customer")
    challenge = await counter.ask()
    await counter.at(AT + challenge.ttl + 1)
    await counter.scan(as_code(answer(challenge)))
    await counter.note("This code has run out")


@pytest.mark.real
async def test_a_clock_that_once_ran_ahead_does_not_freeze_a_desk(counter: ScanPage) -> None:
    """S18: what a wrong clock showed once is forgotten as soon as the service says that the present one is right, and no sooner."""
    told = {"at": AT + 400 * DAY}

    async def dated(route: Any) -> None:
        answered = await route.fetch()
        await route.fulfill(response=answered, headers={**answered.headers, "date": formatdate(told["at"], usegmt=True)})

    await counter.page.route("**/desk/scan/api/pack", dated)
    frozen = counter.page.get_by_text("The clock of this device was set back")
    for at in (AT + 400 * DAY, AT):
        await counter.at(at)
        await counter.go()
        await counter.unlock()
        await counter.view("home")
    await frozen.wait_for()
    told["at"] = AT
    await counter.press("This desk")
    await counter.press("Fetch certificate and checking pack now")
    await counter.view("settings")
    await counter.press("Go back")
    await counter.page.get_by_text("Connected. Renewed").wait_for()
    await expect(frozen).to_have_count(0)
    await counter.scan(as_code(answer(await counter.ask())))
    assert await counter.result() == "You can rely on this"


# --- what two pages, or two judges, know -------------------------------------------------------------------------------------------------


_LEARN = """async ([place, passphrase, issuer, uri, idx]) => {
  const [{ Store }, { learnInvalid }] = await Promise.all([import(`${place}scan/store.js`), import(`${place}js/ovp/memory.js`)]);
  const store = await Store.open(passphrase);
  const memory = await store.memory();
  await store.keepMemory({ ...memory, statuses: learnInvalid(memory.statuses, issuer, uri, idx, 4e9) });
  store.close();
}"""


@pytest.mark.real
async def test_what_another_page_of_the_desk_has_learnt_counts_and_stays(counter: ScanPage) -> None:
    """S19: cancelled once seen is final, also where it was seen in another tab, and no tab writes over it."""
    page = counter.page
    place = await page.locator("#scan").get_attribute("data-static")
    await page.evaluate(_LEARN, [place, PASSPHRASE, ISSUER, LIST, IDX])
    for seed in ("this page", "and again"):
        challenge = await counter.ask()
        await counter.scan(as_code(answer(challenge, seed=seed)))
        assert await counter.result() == "Do not rely on this"
        await counter.press("Next customer")


@pytest.mark.real
async def test_a_stricter_service_lifts_no_level(counter: ScanPage) -> None:
    """S11: what the service adds is a doubt, never how a document was shown."""
    open_ = {"state": "unchecked", "code": "status_stale", "detail": "", "where": "", "needed": True}
    doubt = {
        "decision": "undecided", "code": "status_stale", "level": {"name": "live", "number": 3}, "checked_at": AT, "status": None, "pack": None,
        "checks": [{"name": name, **open_} for name in CHECKS], "credentials": [],
    }  # fmt: skip
    await counter.page.route("**/desk/scan/api/judge", lambda route: route.fulfill(json={"verdict": doubt}))
    await counter.press("Check a copy")
    await counter.scan(copy_text("doubt"))
    assert await counter.result() == "Can’t tell yet: do this next"
    assert await counter.page.locator("[data-part=verdict]").get_attribute("data-level") == "1"
    assert "Shown live to you" not in await counter.page.locator(".scan-level").inner_text()


def telling(verdict: dict[str, Any]) -> Callable[[Route], Awaitable[None]]:
    return lambda route: route.fulfill(json={"verdict": verdict})


@pytest.mark.real
async def test_what_the_service_cannot_tell_or_refuses_burns_nothing(counter: ScanPage) -> None:
    """S9: only what is relied upon is used up; afterwards it is, whatever the service says."""
    page, text, asked = counter.page, copy_text("again"), await counter.ask()
    live = as_code(answer(asked))
    for decision, code, heading in (
        ("undecided", "status_stale", "Can’t tell yet: do this next"),
        ("rejected", "revoked", "Do not rely on this"),
    ):
        said = {
            "decision": decision, "code": code, "level": {"name": "addressed", "number": 1}, "checked_at": AT, "status": None, "pack": None,
            "checks": [], "credentials": [],
        }  # fmt: skip
        await page.route("**/desk/scan/api/judge", telling(said))
        if decision == "undecided":
            await counter.scan(live)
            assert await counter.result() == heading
            await counter.press("Next customer")
        await counter.press("Check a copy")
        await counter.scan(text)
        assert await counter.result() == heading
        await page.unroute("**/desk/scan/api/judge")
        await counter.press("Next customer")
    await page.route("**/desk/scan/api/judge", lambda route: route.abort())
    await counter.ask()
    await counter.scan(live)
    assert await counter.result() == "You can rely on this"
    for heading in (words.A_COPY, "Do not rely on this"):
        await counter.press("Next customer")
        await counter.press("Check a copy")
        await counter.scan(text)
        assert await counter.result() == heading


# --- packs that are fetched --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("crumb", [b"", b"x"])
async def test_who_serves_crumbs_holds_nothing_up(crumb: bytes, template: Template, tmp_path: Path) -> None:
    """The round in which a pack is fetched ends, whatever its address answers; what came is kept for the next one."""
    served: list[bytes] = []

    async def crumbs(fetch: Fetch) -> Fetched:
        start = int(fetch.headers["range"].removeprefix("bytes=").partition("-")[0])
        served.append(crumb if start else b"x")
        where = f"bytes {start}-{start + len(served[-1]) - 1}/64000000"
        return Fetched(status=206, headers={"content-range": where, "etag": '"x"'}, body=served[-1])

    async with opened(template, tmp_path / "branch", pack_url="https://head-office.example/packs/newest") as branch:
        with pytest.raises(Unavailable):
            await asyncio.wait_for(fetching.fetch(branch, crumbs), 60)
        kept = await branch.storage.read(lambda tx: packs.pieces(tx, branch.settings.pack_url))
    assert len(served) == fetching.MOST
    assert kept == b"".join(served)
