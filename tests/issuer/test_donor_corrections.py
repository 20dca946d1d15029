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
from issuer.corrections import write_down
from issuer.office import Office
from issuer.records import corrections, documents
from issuer.records.corrections import CORRECTED, OPEN, WAITS, Correction
from issuer.replace import replace as correct
from issuer.sessions import Actor
from shared.errors import Malformed

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


async def test_a_donors_document_that_was_sent_back_is_given_again(template: Template, tmp_path: Path, storage_uri: str) -> None:
    """With the attorney's as it is, whose copies go on: a second person who looks at the donor's alone sent it back before anything was out."""
    async with serving(template, tmp_path / "registry", storage=storage_uri, approve_types=(GRANTED,)) as registry:
        office, (number, hers) = registry.office, await both_of(registry)
        with pytest.raises(Malformed, match="nothing differs"):
            await correct(office, number, LPA_1, reason="x", actor=CLERK)
        await send_back(office, hers, "Ask the register for her name")
        await correct(office, number, LPA_1, reason="The register says so", actor=CLERK)
        assert [await kinds(office, each) for each in (number, hers)] == [["made"], ["made", "sent-back", "corrected"]]
        await approve(office, hers)
        assert await cleared(office, hers)
        with pytest.raises(Malformed, match="nothing differs"):
            await correct(office, number, LPA_1, reason="x", actor=CLERK)


async def test_what_a_donor_says_is_wrong_can_be_corrected_again_once_hers_was_sent_back(
    template: Template, tmp_path: Path, storage_uri: str
) -> None:
    """What was sent back is in no copy of hers: the same correction is given again, and answers her once it is agreed to."""
    async with serving(template, tmp_path / "registry", storage=storage_uri, approve_types=(GRANTED,)) as registry:
        office, (number, hers) = registry.office, await both_of(registry)
        await approve(office, hers)
        said = await write_down(office, hers, detail="proxy/given_name", words="She is called Norah.", actor=CLERK)
        with pytest.raises(Malformed, match="stays the same"):
            await correct(office, number, LPA_1 | {"powers": ["banking"]}, reason="x", actor=CLERK, correction=said.reference)
        await correct(office, number, NORAH, reason="It says Norah", actor=CLERK, correction=said.reference)
        await send_back(office, hers, "It says Nora there")
        await correct(office, number, NORAH, reason="It says Norah", actor=CLERK, correction=said.reference)
        assert (await message(office, said.reference)).state == OPEN
        await approve(office, hers)
        assert (await message(office, said.reference)).state == CORRECTED
        assert [(await kinds(office, each)).count("corrected") for each in (number, hers)] == [1, 2]


@pytest.mark.parametrize("again", ["sent back", "at once"])
async def test_one_of_several_values_that_was_corrected_is_answered_whatever_page_it_is_corrected_from_next(
    careful: Registry, again: str
) -> None:
    """The message named two powers, and one of them was right: whoever corrects again need not name it, nor can it stay open for good."""
    office, number = careful.office, str((await careful.make(claims=LPA_1 | {"powers": ["banking", "utilities"]}))["id"])
    await approve(office, number)
    said = await write_down(office, number, detail="powers/*", words="Not the utilities.", actor=CLERK)
    other = await write_down(office, number, detail="powers/*", words="Not the bank.", actor=CLERK)
    less = LPA_1 | {"powers": ["banking"]}
    await correct(office, number, less, reason="x", actor=CLERK, correction=said.reference)
    if again == "sent back":
        await send_back(office, number, "Look at the date as well")
        assert (await message(office, said.reference)).reason_code != WAITS
    await correct(office, number, less | {"grant_date": "2021-05-05"}, reason="The date as well", actor=CLERK)
    await approve(office, number)
    assert [(await message(office, each.reference)).state for each in (said, other)] == [CORRECTED, OPEN]


async def test_what_was_corrected_and_is_put_back_answers_nobody(careful: Registry) -> None:
    office, number = careful.office, str((await careful.make())["id"])
    await approve(office, number)
    said = await write_down(office, number, detail="proxy/given_name", words="Norah.", actor=CLERK)
    await correct(office, number, NORAH, reason="x", actor=CLERK, correction=said.reference)
    await send_back(office, number, "It says Nora there")
    await correct(office, number, LPA_1, reason="It does", actor=CLERK)
    await approve(office, number)
    assert (await message(office, said.reference)).state == OPEN


async def message(office: Office, reference: str) -> Correction:
    return await office.storage.read(lambda tx: corrections.get(tx, reference))


async def cleared(office: Office, number: str) -> bool:
    return await donors.cleared(office, await office.storage.read(lambda tx: documents.get(tx, number)))
