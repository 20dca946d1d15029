"""“This is wrong” on a card: the pages without JavaScript and the holder's programs, with a real office behind them."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.office_in_town import Town
from support.registry import LPA_1, Registry, Template, make_template, serving
from support.second_person import approve
from support.wallet_visitor import Visitor
from support.wallets import Site, serve_wallet

from issuer import corrections as at_office
from issuer.app import one_round
from issuer.records import corrections as records
from issuer.replace import replace
from issuer.sessions import SERVICE


@dataclass
class Scene:
    town: Town
    registry: Registry
    site: Site
    visitor: Visitor
    card: str = ""

    async def reference(self) -> str:
        (only,) = await self.registry.office.storage.read(lambda tx: records.page(tx, state="open", name="", offset=0, limit=9))
        return only.reference

    async def write(self, words: str = "She was born on the 12th.", detail: str = "represented/birthdate") -> str:
        await self.visitor.get(f"{self.card}/wrong?detail={detail}")
        return html.unescape(await self.visitor.post(f"{self.card}/wrong", {"words": words}))

    async def read(self, path: str) -> str:
        return html.unescape(await self.visitor.get(path))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(make_template(tmp_path_factory.mktemp("office") / "registry"))


@pytest.fixture
async def scene(template: Template, tmp_path: Path) -> AsyncIterator[Scene]:
    async with staged(template, tmp_path) as one:
        yield one


@asynccontextmanager
async def staged(template: Template, folder: Path, **settings: Any) -> AsyncIterator[Scene]:
    town = Town()
    async with serving(template, folder / "registry", **settings) as registry, serve_wallet(folder / "wallet", world=town) as site:
        town.registry = registry
        town.clock.at = registry.clock.at
        made = await registry.make()
        if settings:
            await approve(registry.office, made["id"])
        visitor = Visitor(site)
        await visitor.enter()
        await visitor.get("/receive")
        await visitor.post("/receive", {"link": made["invitation_link"]}, files={})
        await visitor.post(visitor.path, {"code": made["code"]})
        assert "Document collected" in visitor.text
        yield Scene(town, registry, site, visitor, visitor.path.partition("?")[0])


async def test_from_each_detail_of_the_card_to_an_answer(scene: Scene) -> None:
    card = await scene.read(scene.card)
    links = re.findall(r'href="(/cards/[^"]+/wrong\?detail=[^"]+)"', card)
    assert any(link.endswith("detail=represented/birthdate") for link in links)
    assert card.count("This is wrong") == len(links) > 10
    form = await scene.read(next(link for link in links if link.endswith("detail=represented/birthdate")))
    assert "2 November 1938" in form
    assert "They do not learn to whom you have shown this document." in form
    assert "Margaret" not in form.partition("<h1")[2]  # nothing but the one detail goes there
    await scene.write(words="")
    assert 'href="#words"' in scene.visitor.text
    await scene.write(words="x" * 1_001)
    assert 'href="#words"' in scene.visitor.text
    sent = await scene.write()
    reference = await scene.reference()
    grouped = "-".join(reference[at : at + 4] for at in range(0, 16, 4))
    assert grouped in sent
    assert "They answer by 22 January 2027" in sent
    assert "What you said is wrong" in await scene.read(scene.card)
    place = scene.visitor.path
    assert "The office is looking at it" in scene.visitor.text
    await at_office.refuse(scene.registry.office, reference, code="record-agrees", words="The register says the 2nd.", actor=SERVICE)
    (name,) = set(re.findall(rf'href="({place}/wrong/[^"?]+)"', scene.visitor.text))
    await scene.visitor.get(name)
    told = html.unescape(await scene.visitor.post(f"{name}/ask"))
    for words in ("Stays as it is", "Their record says the same", "“The register says the 2nd.”", "ask for a review"):
        assert words in told
    assert "Said to be wrong" in await scene.read("/history")


async def test_when_it_was_corrected_the_page_leads_to_those_who_were_told(scene: Scene) -> None:
    await scene.write()
    name = scene.visitor.path
    number = (await scene.registry.call("GET", "/api/credentials"))[1]["items"][0]["id"]
    claims = LPA_1 | {"represented": LPA_1["represented"] | {"birthdate": "1938-11-12"}}
    await replace(scene.registry.office, number, claims, reason="x", actor=SERVICE, correction=await scene.reference())
    told = html.unescape(await scene.visitor.post(f"{name}/ask"))
    assert "corrected the document on 15 January 2027" in told
    assert "Your wallet knows who saw the old detail." in told


async def test_corrected_is_believed_only_of_a_document_that_says_something_else(scene: Scene) -> None:
    """An office that says so and replaces nothing: the page tells it as it is, and offers nobody to be told."""
    await scene.write()
    name, reference = scene.visitor.path, await scene.reference()
    at = scene.registry.clock()
    await scene.registry.office.storage.write(lambda tx: records.settle(tx, reference, state="corrected", at=at))
    told = html.unescape(await scene.visitor.post(f"{name}/ask"))
    assert "Here the document still says the same." in told
    assert "Your wallet knows who saw the old detail." not in told


async def test_of_a_document_that_was_cancelled_the_page_says_so(scene: Scene) -> None:
    await scene.write()
    name = scene.visitor.path
    number = (await scene.registry.call("GET", "/api/credentials"))[1]["items"][0]["id"]
    assert (await scene.registry.call("POST", f"/api/credentials/{number}/cancel", {"reason": "donor-died"}))[0] == 200
    told = html.unescape(await scene.visitor.post(f"{name}/ask"))
    for words in ("The document is over", "They cancelled the document before they answered."):
        assert words in told
    assert "Ask if there is an answer" not in told
    assert "has cancelled it" in html.unescape(await scene.read(scene.card))


async def test_an_answer_that_the_office_deleted_is_not_said_never_to_have_been_given(scene: Scene) -> None:
    await scene.write()
    name = scene.visitor.path
    await at_office.refuse(scene.registry.office, await scene.reference(), code="record-agrees", words="no", actor=SERVICE)
    await scene.registry.office.storage.write(lambda tx: records.purge(tx, scene.registry.clock()))
    told = html.unescape(await scene.visitor.post(f"{name}/ask"))
    assert "No answer can be had any more" in told
    assert "Never answered" not in told


async def test_new_copies_that_wait_for_a_second_person_are_on_their_way(template: Template, tmp_path: Path) -> None:
    """The card does not say that the document was cancelled, and offers to tell nobody so; nor does the list of documents say it."""
    async with staged(template, tmp_path, approve_types=("representation",)) as scene:
        await scene.write()
        name, number = scene.visitor.path, (await scene.registry.call("GET", "/api/credentials"))[1]["items"][0]["id"]
        claims = LPA_1 | {"represented": LPA_1["represented"] | {"birthdate": "1938-11-12"}}
        await replace(scene.registry.office, number, claims, reason="x", actor=SERVICE, correction=await scene.reference())
        await one_round(scene.registry.app)
        await scene.visitor.get(name)
        assert "is looking at it" in html.unescape(await scene.visitor.post(f"{name}/ask"))
        scene.town.clock.at += 3_600
        scene.registry.clock.at += 3_600
        await scene.visitor.enter()
        await scene.visitor.get(f"{scene.card}/renew")
        await scene.visitor.post(f"{scene.card}/renew")
        card = await scene.read(scene.card)
        for words in ("new copies on their way", "New ones are on their way", "Ask for new copies now"):
            assert words in card
        for words in ("has cancelled it", "that it was cancelled", "This is wrong", "Show it to someone"):
            assert words not in card
        assert "new copies on their way" in await scene.read("/")


async def test_an_office_that_does_not_answer(scene: Scene) -> None:
    scene.town.shut.add("/corrections")
    assert "could not be reached" in await scene.write()
    name = scene.visitor.path
    scene.town.shut.clear()
    assert "is looking at it" in html.unescape(await scene.visitor.post(f"{name}/ask"))
    await scene.visitor.get(f"{scene.card}/wrong/nothing")
    assert scene.visitor.status == 404
    await scene.visitor.get(f"{scene.card}/wrong")
    assert scene.visitor.path == scene.card
    await scene.visitor.get(f"{scene.card}/wrong?detail=made/up")
    assert scene.visitor.status == 404


async def test_in_welsh(scene: Scene) -> None:
    await scene.visitor.get(f"{scene.card}?lang=cy")
    assert "Mae hyn yn anghywir" in scene.visitor.text


async def test_the_same_for_programs(scene: Scene) -> None:
    await scene.site.open()
    card = scene.card.removeprefix("/cards/")
    status, made = await scene.site.call("POST", f"/api/cards/{card}/corrections", {"detail": "powers/0", "words": "Not this one."})
    assert (status, made["state"], made["detail"]) == (201, "open", "powers/*")
    assert made["reference"] == await scene.reference()
    status, found = await scene.site.call("GET", f"/api/cards/{card}/corrections")
    assert found == {"corrections": [made]}
    status, asked = await scene.site.call("POST", f"/api/corrections/{made['id']}/ask")
    assert (status, asked["state"], asked["reference"]) == (200, "open", made["reference"])
    for path, body, code in (
        (f"/api/cards/{card}/corrections", {"detail": "no/such", "words": "x"}, 404),
        (f"/api/cards/{card}/corrections", {"detail": "powers/0", "words": ""}, 400),
        ("/api/corrections/nothing/ask", None, 404),
    ):
        assert (await scene.site.call("POST", path, body))[0] == code
