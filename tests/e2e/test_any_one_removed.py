"""No body is needed by two others (domain check T-CE-1), by experiment on the deployment of the story ``federation``.

One at a time each body, and the wallet's host, is removed: its process is stopped and its data is gone. Every flow that is not about it still
passes, so that whatever two offices have in common is the holder's own wallet, and what two desks have in common likewise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from demo import dealings
from demo.dealings import DOCUMENTS, said
from demo.realm import WALLET, Body, Realm, bodies, enrol, listen, open_doors, register, set_up, sign_in
from demo.stage import PORTS, Stage, StageError, other_ports

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("any-one-removed")]


@dataclass(frozen=True, slots=True)
class Flow:
    """Something that somebody does, and who takes part in it."""

    name: str
    about: frozenset[str]
    play: Callable[[], Awaitable[object]]


def flows(realm: Realm) -> list[Flow]:
    """All that happens between the bodies, the holder and the desks once they have heard of each other."""
    found = [
        _flow(f"{office} makes a document and the holder collects it", {office, WALLET}, _issue(realm, office)) for office in DOCUMENTS
    ]
    found += [_flow(f"{office} invites a holder", {office}, _invite(realm, office)) for office in DOCUMENTS]
    found += [_flow(f"{each.folder} says whom it speaks for", {each.folder}, _speak(realm, each)) for each in realm.superiors]
    for desk in realm.of("verifier"):
        found.append(_flow(f"{desk.folder} hears what is in force", {desk.folder}, _listen(realm, desk)))
        found.append(_flow(f"{desk.folder} asks and decides", {desk.folder, WALLET}, _show(realm, desk)))
    checks = realm.bodies["pensions"]
    return [*found, _flow("pensions checks a copy without a network", {"pensions"}, _offline(realm, checks))]


def _flow(name: str, about: set[str], play: Callable[[], Awaitable[object]]) -> Flow:
    return Flow(name, frozenset(about), play)


def _issue(realm: Realm, office: str) -> Callable[[], Awaitable[object]]:
    return lambda: dealings.issue(realm, office)


def _invite(realm: Realm, office: str) -> Callable[[], Awaitable[object]]:
    return lambda: dealings.mint(realm, office)


def _speak(realm: Realm, office: Body) -> Callable[[], Awaitable[object]]:
    async def play() -> None:
        assert set(await realm.stage.call("GET", realm.url(office.folder) + "/federation/trust")) == {"snapshot", "artefacts"}

    return play


def _listen(realm: Realm, desk: Body) -> Callable[[], Awaitable[object]]:
    return lambda: listen(realm, desk)


def _show(realm: Realm, desk: Body) -> Callable[[], Awaitable[object]]:
    async def play() -> None:
        assert said(await dealings.show(realm, desk)) == "accepted"

    return play


def _offline(realm: Realm, desk: Body) -> Callable[[], Awaitable[object]]:
    async def play() -> None:
        code, verdict = await dealings.check_offline(realm, desk, "copy.json", "all.pack")
        assert (code, said(verdict)) == (0, "accepted")

    return play


# --- the deployment ----------------------------------------------------------------------------------------------------------------------


async def _open(folder: Path) -> Realm:
    """As in the story, with a checking pack and a copy made while all were there."""
    async with aiohttp.ClientSession() as http:
        stage = Stage(http, other_ports(PORTS), folder)
        try:
            realm = await set_up(stage)
            await enrol(realm)
            await register(realm)
            await open_doors(realm)
            for office in DOCUMENTS:
                await dealings.issue(realm, office)
            for desk in realm.of("verifier"):
                await listen(realm, desk)
            await dealings.make_pack(realm, realm.bodies["pensions"], "all.pack")
            await dealings.make_copy(realm, realm.bodies["pensions"], "court", "copy.json")
        except BaseException:
            stage.stop()
            raise
    return realm


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    """All of them running."""
    made = asyncio.run(_open(tmp_path_factory.mktemp("realm")))
    yield made
    made.stage.stop()


async def _without(realm: Realm, gone: str) -> dict[str, str]:
    """What went wrong in flows that are not about the body that is gone."""
    async with aiohttp.ClientSession() as http:
        realm.stage.http = http
        await realm.stage.stop_one(gone)
        place, aside = realm.path(gone), realm.path(f"{gone}.gone")
        place.rename(aside)
        try:
            all_flows = flows(realm)
            faults = {each.name: fault for each in all_flows if gone not in each.about and (fault := await _fault(each))}
            about = next((each for each in all_flows if gone in each.about), None)
            if about is not None and not await _fault(about):
                faults[about.name] = "it went on without whom it is about"
        finally:
            aside.rename(place)
            await realm.start(gone)
            if gone == WALLET:
                await sign_in(realm)
    return faults


async def _fault(flow: Flow) -> str:
    try:
        await flow.play()
    except (StageError, AssertionError, aiohttp.ClientError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


@pytest.mark.parametrize("gone", [*(each.folder for each in bodies()), WALLET])
def test_t_ce_1_every_flow_that_is_not_about_a_removed_body_goes_on(realm: Realm, gone: str) -> None:
    assert asyncio.run(_without(realm, gone)) == {}


def test_t_ce_1_two_offices_and_two_desks_have_nothing_in_common_but_the_wallet(realm: Realm) -> None:
    """What takes part in each flow is all that it needs, as was just tried; of what is needed, nothing serves two."""
    making, asking = [[each for each in flows(realm) if word in each.name] for word in (" makes ", " asks ")]
    for many in (making, asking):
        assert len(many) >= 4
        assert all(one.about & other.about == {WALLET} for one in many for other in many if one is not other)
