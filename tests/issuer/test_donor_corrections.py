"""A donor's document and the attorney's, whose details it says: looked at by a second person, sent back, corrected, and made no longer."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.console import Browser
from support.registry import LPA_1, Registry, Template, serving
from support.second_person import approve, send_back

from issuer import donors
from issuer.office import Office
from issuer.records import documents
from issuer.replace import replace as correct
from issuer.sessions import Actor

CLERK = Actor(role="clerk", name="Cled")
GRANTED = donors.GRANTED
NORAH = LPA_1 | {"proxy": LPA_1["proxy"] | {"given_name": "Norah"}}


@pytest.fixture
async def careful(template: Template, tmp_path: Path, storage_uri: str) -> AsyncIterator[Registry]:
    """An office where a second person looks at both."""
    both = ("representation", GRANTED)
    async with serving(template, tmp_path / "registry", storage=storage_uri, approve_types=both) as running:
        yield running


async def both_of(registry: Registry) -> tuple[str, str]:
    """The attorney's document and the donor's, as they were made."""
    number = str((await registry.make())["id"])
    return number, (await donors.make(registry.office, number, actor=CLERK)).document


async def kinds(office: Office, number: str) -> list[str]:
    return [each.kind for each in await office.storage.read(lambda tx: documents.history(tx, number))]


async def test_an_office_that_makes_donors_documents_no_longer_corrects_the_attorneys(registry: Registry) -> None:
    """What the donor's says is then for her copies to say until they run out: nobody makes others."""
    number, hers = await both_of(registry)
    other = dataclasses.replace(registry.office, types=tuple(each for each in registry.office.types if each.id != GRANTED))
    await correct(other, number, NORAH, reason="The register says Norah", actor=CLERK)
    assert [(await kinds(other, each))[-1] for each in (number, hers)] == ["corrected", "made"]


async def signed_in(registry: Registry) -> Browser:
    desk = Browser(registry)
    await desk.sign_in()
    return desk


async def test_a_kind_that_is_made_no_longer_keeps_nobody_from_the_list_of_those_that_wait(careful: Registry) -> None:
    """It is named by what its kind was called; nobody can approve it, and its page offers no button for that."""
    number, hers = await both_of(careful)
    await careful.office.storage.write(lambda tx: tx.execute("UPDATE document SET type = 'made-no-longer' WHERE id = $1", hers))
    desk = await signed_in(careful)
    page = await desk.open("/console/waiting")
    assert (desk.status, page.count("/decide"), "made-no-longer" in page) == (200, 2, True)
    await desk.open(f"/console/documents/{number}/decide")
    assert desk.path == f"/console/documents/{number}/decide"
    page = await desk.open(f"/console/documents/{hers}/decide")
    assert (desk.status, desk.path, "/decide" in page) == (200, f"/console/documents/{hers}", False)


async def tag_of(desk: Browser, number: str) -> str:
    """How a document stands, as its page says at the top."""
    return (await desk.open(f"/console/documents/{number}")).partition("govuk-tag")[2].partition(">")[2].partition("<")[0].strip()


async def test_a_donors_document_says_that_it_waits_while_the_attorneys_does(careful: Registry) -> None:
    number, hers = await both_of(careful)
    desk = await signed_in(careful)
    await approve(careful.office, hers)
    waits = await tag_of(desk, number)
    assert await tag_of(desk, hers) == waits
    await send_back(careful.office, number, "It says Nora there")
    back = await tag_of(desk, number)
    assert (await tag_of(desk, hers), back == waits) == (back, False)
    await correct(careful.office, number, NORAH, reason="It says Norah", actor=CLERK)
    await approve(careful.office, number)
    assert await tag_of(desk, hers) == waits, "hers was written anew with it"
    await approve(careful.office, hers)
    assert await tag_of(desk, hers) == "Waiting to be collected"
