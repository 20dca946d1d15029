"""The donor at a counter: her document, a sheet with seven words, reports read to her, stopping; and a hold that tells nobody who asked."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from support.console import Browser, add, answered
from support.registry import LPA_1, Registry

from issuer import donors, holder_asks, reports
from issuer.records import documents
from issuer.records import donors as records
from issuer.sessions import Event, Standing
from shared import donor
from shared.donor import Use
from shared.web import log

USE = Use(
    number=1, at=1_800_000_000, name="Northwold Bank", entity="https://bank.example", purpose="Bank account", result="success", live=True
)


@pytest.fixture
async def desk(registry: Registry) -> Browser:
    browser = Browser(registry)
    await browser.sign_in()
    return browser


async def made(registry: Registry) -> str:
    return str((await registry.make())["id"])


async def stands(registry: Registry, number: str) -> tuple[Standing, Event]:
    async def look(tx: Any) -> tuple[Standing, Event]:
        return (await documents.get(tx, number)).standing, (await documents.history(tx, number))[-1]

    return await registry.office.storage.read(look)


async def granted(desk: Browser, number: str) -> str:
    """Her document, made at the counter."""
    await desk.open(f"/console/documents/{number}/donor")
    await desk.send(f"/console/documents/{number}/donor/make", {})
    found = await desk.registry.office.storage.read(lambda tx: records.granted_for(tx, number))
    assert found is not None
    assert desk.path == f"/console/documents/{found}/made"
    return found


async def report(registry: Registry, number: str, *uses: Use) -> None:
    """As the attorney's wallet leaves one."""
    tag = donor.tag_of(await donors.secret_of(registry.office, number))
    sealed, _ = donor.seal_report(uses, await reports.key_for(registry.office, tag))
    await reports.leave(registry.office, tag, sealed)


async def test_the_donors_document_is_made_once_and_from_the_same_record(desk: Browser) -> None:
    number = await made(desk.registry)
    assert f"/console/documents/{number}/donor" in await desk.open(f"/console/documents/{number}")
    hers = await granted(desk, number)
    page = await desk.open(f"/console/documents/{number}/donor")
    assert f"/console/documents/{hers}" in page
    assert "Make the donor" not in page
    await desk.send(f"/console/documents/{number}/donor/make", {})
    assert desk.status == 409
    assert "/donor" not in await desk.open(f"/console/documents/{hers}")
    await desk.open(f"/console/documents/{hers}/donor")
    assert desk.status == 404


async def test_a_donors_document_is_corrected_with_the_attorneys(desk: Browser) -> None:
    """Its own page leads there, and so does what she says is wrong. What ties the two together is nothing that anybody can say is wrong."""
    number = await made(desk.registry)
    hers = await granted(desk, number)
    page = await desk.open(f"/console/documents/{hers}")
    assert "Correct this document" not in page
    assert "Both are corrected at once." in page
    assert f'href="/console/documents/{number}"' in page
    await desk.open(f"/console/documents/{hers}/correct")
    assert desk.path == f"/console/documents/{hers}"
    for one in (number, hers):
        page = await desk.open(f"/console/documents/{one}/wrong")
        for mark in ("report_tag", "report_secret", "instrument_tag", "attorney_number"):
            assert f'value="{mark}"' not in page
    await desk.send(f"/console/documents/{hers}/wrong", {"detail": "report_secret", "words": "x"})
    assert desk.status == 400
    await desk.open(f"/console/documents/{hers}/wrong")
    await desk.send(f"/console/documents/{hers}/wrong", {"detail": "proxy/given_name", "words": "She is called Norah."})
    reference = desk.path.rpartition("/")[2]
    assert f"/console/documents/{number}/correct?correction={reference}" in desk.text
    page = f"/console/documents/{number}/correct"
    await desk.open(f"{page}?correction={reference}")
    sent = [*[each for each in answered() if each[0] != "step"], ("reason", "The register says Norah"), ("correction", reference)]
    await desk.send(page, [*sent, ("step", "check")])
    assert desk.errors() == ["detail.proxy.given_name"]
    right = [(name, "Norah" if name == "detail.proxy.given_name" else value) for name, value in sent]
    await desk.send(page, [*right, ("step", "make")])
    assert desk.path == f"/console/documents/{number}", desk.errors()
    assert "Corrected" in await desk.open(f"/console/corrections/{reference}")
    assert "copies made before no longer count" in await desk.open(f"/console/documents/{hers}")


async def test_t_ex_2_a_donor_without_a_telephone_has_her_reports_read_to_her(desk: Browser) -> None:
    number = await made(desk.registry)
    await granted(desk, number)
    page = await desk.open(f"/console/documents/{number}/donor")
    assert "seven words of the donor" not in page
    sheet = await desk.send(f"/console/documents/{number}/donor/sheet", {"known_sheet": "yes"})
    (words,) = re.findall(r"<code>([a-z-]{41})</code>", sheet)
    await report(desk.registry, number)
    await report(desk.registry, number, USE)
    await report(desk.registry, number, USE)
    await desk.open(f"/console/documents/{number}/donor")
    page = await desk.send(f"/console/documents/{number}/donor/read", {"words": words.upper().replace("-", " ")})
    assert page.count("Northwold Bank") == 1
    assert "Bank account" in page
    assert words not in page.lower()
    for typed, wrong in (("", ["words"]), ("badol-terim", ["words"])):
        page = await desk.send(f"/console/documents/{number}/donor/read", {"words": typed})
        assert desk.errors() == wrong
        assert "Northwold" not in page


async def test_t_ex_2_a_donor_without_phone_passport_address_or_account_sees_it_and_stops_it(desk: Browser) -> None:
    """C02 for MARGARET who has none of the four: her document, her sheet, the reports, and the end are hers at the counter all the same."""
    donor_of = {name: value for name, value in LPA_1["represented"].items() if name != "address"}
    number = str((await desk.registry.make(claims=LPA_1 | {"represented": donor_of}))["id"])
    hers = await granted(desk, number)
    asked = await desk.open(f"/console/documents/{number}/donor")
    (words,) = re.findall(r"<code>([a-z-]{41})</code>", await desk.send(f"/console/documents/{number}/donor/sheet", {"known_sheet": "yes"}))
    await report(desk.registry, number, USE)
    asked += await desk.open(f"/console/documents/{number}/donor")
    asked += await desk.send(f"/console/documents/{number}/donor/read", {"words": words})
    assert "Northwold Bank" in asked
    await desk.open(f"/console/documents/{number}/donor")
    await desk.send(f"/console/documents/{number}/donor/ask", {"known": "yes", "ask": "end"})
    assert [(await stands(desk.registry, each))[0] for each in (number, hers)] == [Standing.CANCELLED] * 2
    for word in ("passport", "driving licence", "mobile", "account number", "postcode", "e-mail address"):
        assert word not in asked.lower(), word


async def test_what_was_reported_in_two_ways_is_read_to_her_in_both(desk: Browser) -> None:
    number = await made(desk.registry)
    await granted(desk, number)
    await desk.open(f"/console/documents/{number}/donor")
    (words,) = re.findall(r"<code>([a-z-]{41})</code>", await desk.send(f"/console/documents/{number}/donor/sheet", {"known_sheet": "yes"}))
    await report(desk.registry, number, USE)
    await report(desk.registry, number, replace(USE, name="Harmless Ltd"), replace(USE, number=2, name="Saxon Mutual"))
    await desk.open(f"/console/documents/{number}/donor")
    page = await desk.send(f"/console/documents/{number}/donor/read", {"words": words})
    assert [page.count(name) for name in ("Northwold Bank", "Harmless Ltd", "Saxon Mutual")] == [1, 1, 1]
    assert page.count("does not fit") == 2


async def test_a_letter_that_was_not_delivered_after_all_is_no_second_use_and_accuses_nobody(desk: Browser) -> None:
    """Of the reports of one day the one that came later counts."""
    number = await made(desk.registry)
    await granted(desk, number)
    await desk.open(f"/console/documents/{number}/donor")
    (words,) = re.findall(r"<code>([a-z-]{41})</code>", await desk.send(f"/console/documents/{number}/donor/sheet", {"known_sheet": "yes"}))
    for result in ("success", "failed", "success", "failed", "success", "failed"):
        await report(desk.registry, number, replace(USE, result=result, live=False))
    await desk.open(f"/console/documents/{number}/donor")
    page = await desk.send(f"/console/documents/{number}/donor/read", {"words": words})
    assert [page.count(text) for text in ("Northwold Bank", "(did not work)", "does not fit")] == [1, 1, 0]


async def test_who_made_a_sheet_stands_in_the_history_and_in_the_log(desk: Browser) -> None:
    """Nobody makes one who did not say that she asks, so that nobody reads her reports unseen."""
    number = await made(desk.registry)
    await granted(desk, number)
    await desk.open(f"/console/documents/{number}/donor")
    await desk.send(f"/console/documents/{number}/donor/sheet", {})
    assert desk.errors() == ["known_sheet"]
    assert (await stands(desk.registry, number))[1].kind != "sheet-made"
    await desk.send(f"/console/documents/{number}/donor/sheet", {"known_sheet": "yes"})
    event = (await stands(desk.registry, number))[1]
    assert (event.kind, event.actor.role, bool(event.actor.name)) == ("sheet-made", "admin", True)
    assert "Sheet with seven words made" in await desk.open(f"/console/documents/{number}")
    (line,) = await desk.registry.office.storage.read(lambda tx: log.page(tx, before=1_000, limit=1))
    told = dict(line.entry.entry or {})
    assert (told["kind"], told["staff_role"], told["type"]) == ("sheet-made", "admin", "representation")


async def test_another_sheet_opens_what_comes_after(desk: Browser) -> None:
    number = await made(desk.registry)
    await granted(desk, number)
    found = []
    for _ in range(2):
        await desk.open(f"/console/documents/{number}/donor")
        found += re.findall(
            r"<code>([a-z-]{41})</code>", await desk.send(f"/console/documents/{number}/donor/sheet", {"known_sheet": "yes"})
        )
        await report(desk.registry, number)
    for words in found:
        await desk.open(f"/console/documents/{number}/donor")
        assert "Nothing was reported so far" in await desk.send(f"/console/documents/{number}/donor/read", {"words": words})


@pytest.mark.parametrize("with_document", [True, False])
async def test_at_c02_10_what_a_donor_asks_at_the_counter_is_done(desk: Browser, *, with_document: bool) -> None:
    """She needs neither telephone nor wallet, nor a document of her own."""
    registry = desk.registry
    number = await made(registry)
    hers = await granted(desk, number) if with_document else ""
    page = await desk.open(f"/console/documents/{number}/donor")
    assert "Let the attorney act again" not in page
    await desk.send(f"/console/documents/{number}/donor/ask", {"ask": "hold"})
    assert desk.errors() == ["known"]
    await desk.send(f"/console/documents/{number}/donor/ask", {"known": "yes"})
    assert desk.errors() == ["ask"]
    await desk.send(f"/console/documents/{number}/donor/ask", {"known": "yes", "ask": "hold"})
    standing, event = await stands(registry, number)
    assert (standing, event.reason) == (Standing.ON_HOLD, "donor-asked")
    assert not hers or (await stands(registry, hers))[0] is Standing.ON_HOLD
    await desk.open(f"/console/documents/{number}/donor")
    await desk.send(f"/console/documents/{number}/donor/ask", {"known": "yes", "ask": "reinstate"})
    assert (await stands(registry, number))[0] is Standing.IN_FORCE
    await desk.open(f"/console/documents/{number}/donor")
    await desk.send(f"/console/documents/{number}/donor/ask", {"known": "yes", "ask": "end"})
    standing, event = await stands(registry, number)
    assert (standing, event.reason) == (Standing.CANCELLED, "donor-revoked")
    assert "donor/ask" not in await desk.open(f"/console/documents/{number}/donor")


async def test_who_at_the_counter_did_what_the_donor_asks_stands_in_the_history_and_in_the_log(desk: Browser) -> None:
    """A clerk who stops or ends a power in her name is named, as for everything else; the attorney is told that the donor asked for it."""
    registry = desk.registry
    number = await made(registry)
    hers = await granted(desk, number)
    await add(registry, "Carys", "clerk")
    registry.http.cookie_jar.clear()
    await desk.sign_in("Carys")
    tag = donor.tag_of(await donors.secret_of(registry.office, number))
    for ask, reason in (("hold", "donor-asked"), ("reinstate", ""), ("end", "donor-revoked")):
        await desk.open(f"/console/documents/{number}/donor")
        await desk.send(f"/console/documents/{number}/donor/ask", {"known": "yes", "ask": ask})
        for each in (number, hers):
            event = (await stands(registry, each))[1]
            assert (event.actor.role, event.actor.name) == ("clerk", "Carys")
        (line,) = await registry.office.storage.read(lambda tx: log.page(tx, before=1_000, limit=1))
        assert dict(line.entry.entry or {})["staff_role"] == "clerk"
        told = (await holder_asks.why(registry.office, tag)).render(registry.office)
        assert told.get("reason", "") == reason
        assert "Carys" not in str(told)
    page = await desk.open(f"/console/documents/{number}")
    assert "Carys (clerk)" in page.partition("<main")[2]


async def test_t_ag_3_a_hold_to_keep_safe_is_laid_over_one_that_the_donor_asked_for(desk: Browser) -> None:
    number = await made(desk.registry)
    await desk.open(f"/console/documents/{number}/donor")
    await desk.send(f"/console/documents/{number}/donor/ask", {"known": "yes", "ask": "hold"})
    assert f"/console/documents/{number}/safeguard" in await desk.open(f"/console/documents/{number}/donor")
    assert f"/console/documents/{number}/hold" in await desk.open(f"/console/documents/{number}")
    await desk.open(f"/console/documents/{number}/safeguard")
    await desk.send(f"/console/documents/{number}/safeguard", {})
    assert (await stands(desk.registry, number))[1].reason == "investigation"
    page = await desk.open(f"/console/documents/{number}/donor")
    assert "Let the attorney act again" not in page
    assert f"/console/documents/{number}/safeguard" not in page
    for reason, standing in (("investigation-closed", Standing.ON_HOLD), ("held-in-error", Standing.IN_FORCE)):
        await desk.open(f"/console/documents/{number}/reinstate")
        await desk.send(f"/console/documents/{number}/reinstate", {"reason": reason})
        assert (await stands(desk.registry, number))[0] is standing


async def test_t_ag_3_a_hold_to_keep_safe_needs_a_role_and_asks_for_no_name(desk: Browser) -> None:
    registry = desk.registry
    number = await made(registry)
    page = await desk.open(f"/console/documents/{number}/safeguard")
    assert not re.findall(r'<(?:input(?! type="hidden")|textarea|select)[^>]*>', page.partition("<main")[2])
    await desk.send(f"/console/documents/{number}/safeguard", {})
    standing, event = await stands(registry, number)
    assert (standing, event.reason) == (Standing.ON_HOLD, "investigation")
    page = await desk.open(f"/console/documents/{number}/donor")
    assert "Let the attorney act again" not in page  # she did not stop it, so that it is not hers to lift
    await desk.send(f"/console/documents/{number}/donor/ask", {"known": "yes", "ask": "reinstate"})
    assert (await stands(registry, number))[0] is Standing.ON_HOLD
    await add(registry, "Carys", "clerk")
    clerk = Browser(registry)
    await clerk.open("/console/documents")
    registry.http.cookie_jar.clear()
    await clerk.sign_in("Carys")
    await clerk.open(f"/console/documents/{number}/safeguard")
    assert clerk.status == 403
