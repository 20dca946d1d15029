"""The checking page of a desk that pinned nothing but a federation, with the network off: whom superiors let say what, and who took over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser
from support.desk import PATHS, Template, serving
from support.federation import MINISTRY, critical, says
from support.merged import Town, heir, merge, pin
from support.scan_page import ScanPage, answer, as_code
from support.signing import AT
from support.trial_verify import DAY, IDX, ISSUER, LIST, VCT, status_token

pytestmark = pytest.mark.real
YES, NO = "You can rely on this", "Do not rely on this"
OVER = "The issuer may no longer make such documents; it might when it made this one."
TAKEN = "Another body has taken over from the issuer since. Greater Anytown keeps the records of that office now, since 14 January 2027."
BOTH: tuple[dict[str, Any], ...] = ({}, {"format_name": "dc+sd-jwt", "paths": PATHS})  # a key's name alone, and certificates


@asynccontextmanager
async def alone(template: Template, directory: Path, chromium: Browser, bend: Callable[[Town], None]) -> AsyncIterator[ScanPage]:
    """An open desk in airplane mode, whose service has listened once to the ministry and those below it."""
    town = Town()
    bend(town)
    context = await chromium.new_context(locale="en-GB", timezone_id="Europe/London")
    async with serving(template, directory, site=town, local=True, refresh=False) as desk:
        pin(desk.desk, town.realm)
        await desk.store.refresh(town)
        counter = await ScanPage.open(context, desk.base, at=AT)
        await counter.sign_in()
        await counter.enrol()
    await context.set_offline(True)
    yield counter
    await context.close()


def letting(*rights: object) -> Callable[[Town], None]:
    def bend(town: Town) -> None:
        town.realm[MINISTRY].about[ISSUER] = critical(entitlements=list(rights))

    return bend


async def shows(counter: ScanPage, heading: str, *words: str, **document: object) -> None:
    await counter.scan(as_code(answer(await counter.ask(), **document)))  # type: ignore[arg-type] # of different kinds
    assert await counter.result() == heading
    for each in words:
        await counter.page.locator("main").get_by_text(each).first.wait_for()


async def test_an_issuer_that_superiors_alone_vouch_for(template: Template, tmp_path: Path, chromium: Browser) -> None:
    """By the name of its key and by certificates that no anchor carries; what it may no longer say it said rightly (S15)."""
    ended = says(VCT, since=AT - 90 * DAY, until=AT - 60)
    async with alone(template, tmp_path / "desk", chromium, letting(ended)) as counter:
        for place, how in enumerate(BOTH):
            await shows(counter, YES, OVER, seed=str(place), **how)
            await counter.look(f"authority-ended-{place}", dark=not place)
            await counter.press("Next customer")
        await shows(counter, NO, "Its issuer is known, but not trusted to say this.", seed="late", issued_at=AT - 30)


async def test_an_issuer_of_one_jurisdiction(template: Template, tmp_path: Path, chromium: Browser) -> None:
    async with alone(template, tmp_path / "here", chromium, letting(says(VCT, jurisdiction=["GB-EAW"]))) as counter:
        await shows(counter, YES, "It comes from an issuer that we trust", seed="here")
    async with alone(template, tmp_path / "there", chromium, letting(says(VCT, jurisdiction=["GB-SCT"]))) as counter:
        await shows(counter, NO, "Its issuer is known, but not trusted to say this.", seed="there")


def _merged(town: Town) -> None:
    town.lists[LIST] = status_token({IDX + 1: 1}, by=heir())
    merge(town.realm, status_duty=True, may_cancel=True)


async def test_who_took_over_is_named_and_its_lists_count(template: Template, tmp_path: Path, chromium: Browser) -> None:
    """In both languages, on the line of the issuer; the outgoing body's own list is there no more (C24)."""
    async with alone(template, tmp_path / "desk", chromium, _merged) as counter:
        for place, how in enumerate(BOTH):
            await shows(counter, YES, TAKEN, seed=str(place), **how)
            await counter.look(f"succeeded-{place}")
            await counter.press("Next customer")
        await counter.page.goto(f"{counter.base}/desk/scan/?lang=cy")
        await counter.page.get_by_label("Cyfrinymadrodd y ddesg hon").fill("eight green lamps sing")
        await counter.page.keyboard.press("Enter")
        await counter.view("home")
        await shows_in_welsh(counter)


async def shows_in_welsh(counter: ScanPage) -> None:
    await counter.scan(as_code(answer(await counter.ask("Cyfrif banc"), seed="cy")))
    await counter.result()
    told = "Anytown Fwyaf sy’n cadw cofnodion y swyddfa honno bellach, ers 14 Ionawr 2027."
    await counter.page.locator("main").get_by_text(told).first.wait_for()
    await counter.look("succeeded-cy", dark=True)


def _without_duty(town: Town) -> None:
    _merged(town)
    merge(town.realm)


async def test_a_list_by_who_did_not_take_over_that_duty(template: Template, tmp_path: Path, chromium: Browser) -> None:
    async with alone(template, tmp_path / "desk", chromium, _without_duty) as counter:
        await shows(counter, "Can’t tell yet: do this next", "We have no usable list of this issuer’s cancelled documents.", seed="no duty")
