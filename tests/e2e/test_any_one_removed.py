"""No body is needed by two others (domain check T-CE-1), by experiment on the deployment of the story ``federation``.

Each flow is played with nobody there but those whom it is about: the processes of all others are stopped and their data is gone. So no
other one of them can be missed, whichever is removed. Whatever two offices have in common is the holder's own wallet, and what two desks
have in common likewise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from demo import dealings
from demo.dealings import DOCUMENTS, REPRESENTATIONS, said
from demo.realm import WALLET, Realm, bodies, enrol, listen, open_doors, register, set_up, sign_in
from demo.stage import PORTS, Stage, StageError, other_ports
from shared.clock import monotonic

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("any-one-removed")]

BODIES = {each.folder: each for each in bodies()}
DESKS = [each.folder for each in BODIES.values() if each.program == "verifier"]
SUPERIORS = sorted({name for each in BODIES.values() for name in (each.superior, each.registrar)} - {""})


@dataclass(frozen=True, slots=True)
class Flow:
    """Something that somebody does, and who takes part in it."""

    name: str
    about: frozenset[str]
    play: Callable[[Realm], Awaitable[object]]


def _issue(office: str) -> Flow:
    return Flow(
        f"{office} makes a document and the holder collects it", frozenset({office, WALLET}), lambda realm: dealings.issue(realm, office)
    )


def _invite(office: str) -> Flow:
    return Flow(f"{office} invites a holder", frozenset({office}), lambda realm: dealings.mint(realm, office))


def _speak(office: str) -> Flow:
    async def play(realm: Realm) -> None:
        assert set(await realm.stage.call("GET", realm.url(office) + "/federation/trust")) == {"snapshot", "artefacts"}

    return Flow(f"{office} says whom it speaks for", frozenset({office}), play)


def _listen(desk: str) -> Flow:
    return Flow(f"{desk} hears what is in force", frozenset({desk}), lambda realm: listen(realm, BODIES[desk]))


def _show(desk: str) -> Flow:
    async def play(realm: Realm) -> None:
        assert said(await dealings.show(realm, BODIES[desk])) == "accepted"

    return Flow(f"{desk} asks and decides", frozenset({desk, WALLET}), play)


def _tell(desk: str) -> Flow:
    """By its inbox: the letter is sealed for the key that its registration names, and the wallet has heard that before."""

    async def play(realm: Realm) -> None:
        document, to = realm.documents[REPRESENTATIONS[desk]], {"entity": realm.url(desk), "use": BODIES[desk].use}
        wish: dict[str, Any] = {"document": document, "to": [to]}
        plan = await _of_wallet(realm, "POST", "/api/organisations/look", wish)
        told = await _of_wallet(realm, "POST", "/api/tell", wish | {"seen": plan["seen"]})
        until = monotonic() + 120
        while told["letters"][0]["state"] == "waiting" and not told["letters"][0]["fault"] and monotonic() < until:
            await asyncio.sleep(0.2)
            told = await _of_wallet(realm, "GET", f"/api/tell/{told['id']}")
        assert told["letters"][0]["state"] == "accepted", told

    return Flow(f"{desk} is told by its inbox", frozenset({desk, WALLET}), play)


def _correct(office: str) -> Flow:
    """Each time another detail: of one that was called wrong, the office already has word."""
    details = iter(("family_name", "given_name"))

    async def play(realm: Realm) -> None:
        detail = next(details) if DOCUMENTS[office][0] == "person" else f"represented/{next(details)}"
        path = f"/api/cards/{realm.documents[office]}/corrections"
        said = await _of_wallet(realm, "POST", path, {"detail": detail, "words": "It is spelt otherwise."})
        assert said["state"] == "open", said

    return Flow(f"{office} hears that a detail is wrong", frozenset({office, WALLET}), play)


async def _of_wallet(realm: Realm, method: str, path: str, body: object = None) -> Any:
    return await realm.stage.call(method, realm.url(WALLET) + path, key=realm.wallet_key, body=body)


async def _offline(realm: Realm) -> None:
    code, verdict = await dealings.check_offline(realm, BODIES["pensions"], "copy.json", "all.pack")
    assert (code, said(verdict)) == (0, "accepted")


FLOWS = [  # everything that happens between bodies, holder and desks once they have heard of each other; those with the wallet together
    *map(_issue, DOCUMENTS),
    *map(_show, DESKS),
    *map(_tell, [each for each in DESKS if BODIES[each].registrar][:2]),
    *map(_correct, [*DOCUMENTS][:2]),
    *map(_listen, DESKS),
    *map(_invite, DOCUMENTS),
    *map(_speak, SUPERIORS),
    Flow("pensions checks a copy without a network", frozenset({"pensions"}), _offline),
]


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
    """All of them running, until the first flow of a few."""
    made = asyncio.run(_open(tmp_path_factory.mktemp("realm")))
    yield made
    made.stage.stop()


async def _leave(realm: Realm, name: str) -> None:
    """Its process ends and its data goes."""
    if name in realm.stage.running:
        await realm.stage.stop_one(name)
        realm.path(name).rename(realm.path(f"{name}.gone"))


async def _come(realm: Realm, name: str) -> None:
    if name in realm.stage.running:
        return
    realm.path(f"{name}.gone").rename(realm.path(name))
    await realm.start(name)
    if name == WALLET:
        await sign_in(realm)


async def _fault(realm: Realm, flow: Flow) -> str:
    try:
        await flow.play(realm)
    except (StageError, AssertionError, aiohttp.ClientError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


async def _alone(realm: Realm, flow: Flow) -> list[str]:
    """What goes wrong with nobody there but those whom it is about, and then with one of those gone too."""
    async with aiohttp.ClientSession() as http:
        realm.stage.http = http
        for name in (*BODIES, WALLET):
            await (_come if name in flow.about else _leave)(realm, name)
        assert set(realm.stage.running) == flow.about
        found = [await _fault(realm, flow)]
        for name in sorted(flow.about - {WALLET}):
            await _leave(realm, name)
            found.append(await _fault(realm, flow))
    return found


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name.replace(" ", "-"))
def test_t_ce_1_every_flow_goes_on_when_all_that_it_is_not_about_are_gone(realm: Realm, flow: Flow) -> None:
    fault, *without = asyncio.run(_alone(realm, flow))
    assert fault == ""
    assert all(without), "it went on without whom it is about"


def test_t_ce_1_two_offices_and_two_desks_have_nothing_in_common_but_the_wallet() -> None:
    """What takes part in each flow is all that it needs, as was just tried; of what is needed, nothing serves two."""
    for word, least in {" makes ": 4, " asks ": 4, " is told ": 2, " hears that ": 2}.items():
        many = [each for each in FLOWS if word in each.name]
        assert len(many) >= least
        assert all(one.about & other.about == {WALLET} for one in many for other in many if one is not other)
