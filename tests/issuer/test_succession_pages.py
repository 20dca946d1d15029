"""The pages on which two people look at who takes over from whom, without a browser: who may do what, and what is said when it cannot be done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from support.console import Browser, add
from support.registry import Registry, Template, serving
from support.successions import acceptance, statement
from support.superior import ANA, BEN, COURT, Below, Street, enrolled

from issuer.federation import enrol, successions
from issuer.pages import federated
from issuer.pages.successions import PATH
from issuer.records import askers
from shared.trust.succession import render_succession

HEIR = "https://greater.example"
ONE = f"{PATH}/one?{urlencode({'outgoing': COURT, 'successor': HEIR})}"
PARTIES = {"outgoing": COURT, "successor": HEIR}


@pytest.fixture
async def ministry(template: Template, tmp_path: Path) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "ministry", superior=True) as running:
        yield running


class Two:
    """Two bodies below the ministry."""

    def __init__(self, ministry: Registry) -> None:
        self.ministry, self.old, self.new = ministry, Below(COURT), Below(HEIR)

    def halves(self, **said: Any) -> str:
        at = self.ministry.clock()
        token = statement(self.old, COURT, HEIR, **{"iat": at, "from": at, **said})
        return render_succession(token, acceptance(self.new, COURT, token, iat=at)).decode()

    async def offer(self, **said: Any) -> None:
        await successions.offer(self.ministry.office, self.halves(**said).encode(), ANA, Street(self.ministry, []))


@pytest.fixture
async def two(ministry: Registry) -> Two:
    found = Two(ministry)
    await enrolled(ministry, found.old, name="Anytown Council")
    await enrolled(ministry, found.new, name="Greater Anytown")
    return found


async def seated(registry: Registry, name: str = "Cara", role: str = "approver") -> Browser:
    browser = Browser(registry)
    await add(registry, name, role)
    await browser.sign_in(name, "correct-horse-battery")
    return browser


async def test_two_people_and_everybody_reads_it(two: Two) -> None:
    cara = await seated(two.ministry)
    assert "Who takes over from whom" in await cara.open("/console/federation")
    assert "Nobody takes over from anybody yet" in await cara.open(PATH)
    await cara.send(f"{PATH}/offer", {"halves": two.halves(purposes_carried=["council-tax"], note="Ask us.", private=True)})
    assert "Somebody else has to look at it too" in cara.text
    assert "Publish it" not in cara.text
    dewi = await seated(two.ministry, "Dewi")
    text = await dewi.open(ONE)
    assert "Greater Anytown after Anytown Council" in text
    await dewi.send(f"{PATH}/approve", PARTIES)
    assert "Published" in dewi.text
    public = await dewi.open("/federated")
    assert "it is now kept by Greater Anytown" in public
    assert "It may be used only for: council-tax." in public
    assert "is not a public body" in public
    assert "Ask us." in public
    await dewi.open(ONE)
    await dewi.send(f"{PATH}/withdraw", PARTIES)
    assert dewi.errors() == ["why_end"]
    await dewi.send(f"{PATH}/withdraw", PARTIES | {"why_end": "repealed"})
    assert "Dropped" in dewi.text
    assert "now kept by" not in await dewi.open("/federated")
    history = await dewi.open(federated.link("/console/federation/body", COURT))
    assert "Who takes over from it was published" in history
    assert "https://greater.example: repealed" in history


async def test_for_strangers_the_register_is_not_read(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of whom handed over alone: nobody has to sign in for the page, and a thousand may be registered."""
    await two.offer(purposes_carried=["council-tax"])
    await successions.approve(two.ministry.office, COURT, HEIR, BEN, version=1, fetch=Street(two.ministry, []))
    monkeypatch.setattr(askers, "everybody", None)
    assert "It may be used only for: council-tax." in await Browser(two.ministry).open("/federated")


async def test_what_came_over_the_network_waits_for_two(two: Two) -> None:
    await successions.offer(two.ministry.office, two.halves(vcts=["urn:a"]).encode(), None, Street(two.ministry, []))
    cara = await seated(two.ministry)
    assert "Waits for two people" in await cara.open(PATH)
    assert "It is right" in await cara.open(ONE)
    await cara.send(f"{PATH}/approve", PARTIES)
    assert "Waits for a second person" in cara.text
    dewi = await seated(two.ministry, "Dewi")
    await dewi.open(ONE)
    await dewi.send(f"{PATH}/approve", PARTIES)
    public = await dewi.open("/federated")
    assert "those of these documents: urn:a" in public
    assert "used for nothing, and is deleted" in public


async def test_a_clerk_sees_and_decides_nothing(two: Two) -> None:
    await two.offer()
    clerk = await seated(two.ministry, role="clerk")
    assert "Bring what both have signed" not in await clerk.open(PATH)
    assert "Publish it" not in await clerk.open(ONE)
    for path in ("offer", "approve", "send-back", "withdraw"):
        await clerk.send(f"{PATH}/{path}", PARTIES | {"version": "1"})
        assert clerk.status == 403, path


async def test_whoever_looked_at_something_else_looks_again(two: Two) -> None:
    await two.offer()
    cara = await seated(two.ministry)
    for path, more in (("approve", {}), ("send-back", {"why_back": "x"}), ("withdraw", {"why_end": "x"})):
        await cara.open(ONE)
        await cara.send(f"{PATH}/{path}", PARTIES | {"version": "7", **more})
        assert cara.status == 409, path
        assert "changed since you looked" in cara.text
    await cara.open(ONE)
    await cara.send(f"{PATH}/send-back", PARTIES | {"why_back": "the wrong day"})
    assert "Dropped" in cara.text
    await cara.send(f"{PATH}/approve", PARTIES | {"version": "2"})
    assert cara.status == 409


async def test_whoever_approves_hears_what_no_longer_holds(two: Two) -> None:
    """Not that somebody unknown asks her for something: a key with which it was signed has ended since."""
    await two.offer()
    await enrol.end(two.ministry.office, COURT, "its key was stolen", BEN, compromised=True)
    dewi = await seated(two.ministry, "Dewi")
    await dewi.open(ONE)
    await dewi.send(f"{PATH}/approve", PARTIES)
    assert "It is not signed by both bodies with keys that count" in dewi.text
    assert "Send it back" in dewi.text


async def test_wrong_answers_are_put_right_beside_the_field(two: Two) -> None:
    cara = await seated(two.ministry)
    good = two.halves()
    two.ministry.clock.at += 5
    await successions.offer(two.ministry.office, good.encode(), ANA, Street(two.ministry, []))
    at = two.ministry.clock()
    stranger, unheard = Below("https://other.example"), Below("https://unheard.example")
    by_stranger = statement(stranger, stranger.entity, HEIR, iat=at, since=at)
    to_stranger = statement(two.old, COURT, unheard.entity, iat=at, since=at)
    by_impostor = statement(Below(COURT), COURT, HEIR, iat=at, since=at)
    for halves, words in (
        ("", "Paste what"),
        ("{}", "not what the successor"),
        (good, "newer statement"),
        (render_succession(by_stranger, acceptance(two.new, stranger.entity, by_stranger, iat=at)).decode(), "hands over is not below"),
        (render_succession(to_stranger, acceptance(unheard, COURT, to_stranger, iat=at)).decode(), "does not answer"),
        (render_succession(by_impostor, acceptance(two.new, COURT, by_impostor, iat=at)).decode(), "not signed by both"),
    ):
        await cara.open(PATH)
        await cara.send(f"{PATH}/offer", {"halves": halves})
        assert (cara.status, cara.errors()) == (400, ["halves"])
        assert words in cara.text
