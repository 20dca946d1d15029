"""The console's letters, second person and corrections, without a browser; and how programs ask for letters."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from multidict import MultiDictProxy
from support.attested import CALLBACK, attested
from support.console import Browser, add, answered
from support.documents import DOCUMENTS
from support.registry import LPA_1, Registry, Template, collect, serving
from support.second_person import approve, send_back
from support.visitor import CLERK, visitor

from issuer.corrections import write_down
from issuer.pages.form import fill_in, read_claims
from issuer.replace import replace
from issuer.sessions import SERVICE
from shared.credentials import all_types, by_id
from shared.web.forms import Form

BORN_NORA = [("birth.day", "14"), ("birth.month", "3"), ("birth.year", "1968")]


@pytest.fixture
async def browser(registry: Registry) -> Browser:
    one = Browser(registry)
    await one.sign_in()
    return one


@pytest.fixture
async def careful(template: Template, tmp_path: Path) -> AsyncIterator[Registry]:
    """An office where a second person looks at each power of attorney."""
    async with serving(template, tmp_path / "registry", approve_types=("representation",)) as running:
        yield running


async def make(browser: Browser, *more: tuple[str, str]) -> str:
    await browser.open("/console/make/representation")
    await browser.send("/console/make/representation", [*answered(step="make"), *more])
    found = re.fullmatch(r"/console/documents/([0-9A-Z]{16})/made", browser.path)
    assert found is not None, browser.errors()
    return found[1]


# --- letters ---------------------------------------------------------------------------------------------------------------------------


async def test_letter_by_hand(browser: Browser, registry: Registry) -> None:
    await browser.open("/console/make/representation")
    await browser.send("/console/make/representation", [*answered(), *BORN_NORA])
    assert re.search(r"Letter with a code to sign in\s*</dt>\s*<dd[^>]*>\s*Yes", browser.text)
    number = await make(browser, *BORN_NORA)
    assert "Print the letter with the code to sign in" in browser.text
    letter = await browser.open(f"/console/documents/{number}/sign-in-letter")
    code = re.search(r"<code>([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})</code>", letter)
    address = re.search(r"<code>(https://[^<]+)</code>", letter)
    assert code is not None
    assert address is not None
    assert "1968" not in letter
    assert (await browser.open(f"/console/documents/{number}/sign-in.svg")).startswith("<svg")
    page = await browser.open(address[1].removeprefix(registry.url))
    assert "Have your letter at hand" in page
    assert code[1] not in page
    wallet = await attested(registry)
    offer = await (await registry.get(address[1].removeprefix(registry.url).replace("/offer/", "/credential-offer/"))).json()
    assert list(offer["grants"]) == ["authorization_code"]
    _, pushed = await wallet.push(issuer_state=offer["grants"]["authorization_code"]["issuer_state"])
    async with visitor(registry) as nora:
        await nora.come(wallet, pushed)
        await nora.sign_in(code[1])
        assert nora.path == "/authorize/agree"


async def test_no_letter_where_none_was_asked_for(browser: Browser) -> None:
    number = await make(browser)
    assert "Print the letter" not in browser.text
    for page in ("sign-in-letter", "sign-in.svg"):
        await browser.open(f"/console/documents/{number}/{page}")
        assert browser.path == f"/console/documents/{number}"


@pytest.mark.parametrize("born", [("31", "2", "1968"), ("1", "1", "1700"), ("1", "1", "2100"), ("x", "1", "1968"), ("", "", "1968")])
async def test_letter_wants_a_real_date_of_birth(browser: Browser, born: tuple[str, str, str]) -> None:
    fields = list(zip(("birth.day", "birth.month", "birth.year"), born, strict=True))
    await browser.open("/console/make/representation")
    await browser.send("/console/make/representation", [*answered(), *fields])
    assert browser.status == 400
    assert browser.errors() == ["birth.day"]


async def test_programs_ask_for_letters(registry: Registry) -> None:
    made = await registry.make(birth_date="1968-03-14", key="once")
    assert re.fullmatch("[0-9A-Z]{12}", made["activation_code"])
    assert made["sign_in_offer"]["grants"]["authorization_code"]["issuer_state"] in made["sign_in_link"]
    assert await registry.make(birth_date="1968-03-14", key="once") == made
    assert (await registry.make())["activation_code"] is None
    _, again = await registry.call("POST", f"/api/credentials/{made['id']}/invitation", {})
    assert again["activation_code"] not in (None, made["activation_code"])
    for born in ("1700-01-01", "2100-01-01", "1968-02-30"):
        status, _ = await registry.call(
            "POST",
            "/api/credentials",
            {"type": "representation", "claims": LPA_1, "birth_date": born},
            headers={"Idempotency-Key": born},
        )
        assert status in {400, 422}


# --- a second person -------------------------------------------------------------------------------------------------------------------


async def test_second_person_approves_and_copies_are_made(careful: Registry) -> None:
    """The holder agrees before anybody has looked; her wallet comes back and gets the copies."""
    iris, ana = Browser(careful), Browser(careful)
    await add(careful, "Ana Approver", "approver")
    await iris.sign_in()
    number = await make(iris, *BORN_NORA)
    letter = await iris.open(f"/console/documents/{number}/sign-in-letter")
    code = re.findall(r"<code>([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})</code>", letter)[0]
    wallet = await attested(careful)
    sign_in, pushed = await wallet.push()
    async with visitor(careful) as nora:
        await nora.come(wallet, pushed)
        assert "Somebody at the office looks at it before it is made" in await nora.sign_in(code)
        await nora.agree(number)
        token = await wallet.change(sign_in, nora.left)
    assert nora.left.startswith(CALLBACK)
    assert (await wallet.copies(token)).transaction_id is not None
    page = await iris.open(f"/console/documents/{number}/decide")
    assert "You wrote these details" in page
    await iris.send(f"/console/documents/{number}/approve", {})
    assert iris.status == 403
    await iris.open("/console/")
    await iris.send("/console/sign-out", {})
    await ana.sign_in("Ana Approver", "correct-horse-battery")
    assert "1 waits." in ana.text
    assert number in await ana.open("/console/waiting")
    assert number in await ana.open("/console/waiting?page=9")
    for wanted in (number.lower(), "POWER+attorney"):
        assert number in await ana.open(f"/console/waiting?q={wanted}"), wanted
    for wanted in ("somebody+else", "x" * 3_000, "%00"):
        assert "Nothing fits." in await ana.open(f"/console/waiting?q={wanted}"), wanted
    page = await ana.open(f"/console/documents/{number}/decide")
    for words in ("Margaret", "2 November 1938", "Iris Admin"):
        assert words in page
    await ana.send(f"/console/documents/{number}/send-back", {"reason": ""})
    assert ana.errors() == ["reason"]
    await ana.send(f"/console/documents/{number}/send-back", {"reason": "x" * 301})
    assert ana.errors() == ["reason"]
    await ana.send(f"/console/documents/{number}/approve", {})
    assert ana.path == f"/console/documents/{number}"
    assert "Approved by a second person" in ana.text
    assert "Nothing waits" in await ana.open("/console/waiting")
    await ana.open(f"/console/documents/{number}/decide")
    assert ana.status == 409
    assert len((await wallet.copies(token)).credentials) == 1


async def test_sent_back_then_corrected_then_approved(careful: Registry) -> None:
    """Who corrects it cannot approve it either."""
    await add(careful, "Ana Approver", "approver")
    number = (await careful.make())["id"]
    ana = Browser(careful)
    await ana.sign_in("Ana Approver", "correct-horse-battery")
    await ana.open(f"/console/documents/{number}/decide")
    await ana.send(f"/console/documents/{number}/send-back", {"reason": "The deed says banking only"})
    assert "The deed says banking only" in ana.text
    page = await ana.open(f"/console/documents/{number}/correct")
    assert 'value="Margaret"' in page
    fields = [pair for pair in answered(step="check", powers="banking") if pair[0] not in {"once", "code", "reference"}]
    await ana.send(f"/console/documents/{number}/correct", fields)
    assert ana.errors() == ["reason"]
    await ana.send(f"/console/documents/{number}/correct", [*fields, ("reason", "x" * 301)])
    assert ana.errors() == ["reason"]
    await ana.send(f"/console/documents/{number}/correct", [*fields, ("reason", "Wrong powers")])
    assert "Check the correction" in ana.text
    changed, whole = ana.text.split("All details as they will be")
    assert "Before: Council tax" in changed
    assert "Council tax" not in whole
    done = [pair for pair in fields if pair[0] != "step"]
    await ana.send(f"/console/documents/{number}/correct", [*done, ("reason", "Wrong powers"), ("step", "change")])
    assert "Wrong powers" in ana.text
    await ana.send(f"/console/documents/{number}/correct", [*done, ("reason", "Wrong powers"), ("step", "make")])
    assert ana.path == f"/console/documents/{number}"
    assert "Corrected; copies made before no longer count" in ana.text
    assert "You wrote these details" in await ana.open(f"/console/documents/{number}/decide")
    await ana.send(f"/console/documents/{number}/approve", {})
    assert ana.status == 403
    await add(careful, "Bea Approver", "approver")
    bea = Browser(careful)
    await ana.open("/console/")
    await ana.send("/console/sign-out", {})
    await bea.sign_in("Bea Approver", "correct-horse-battery")
    await bea.open(f"/console/documents/{number}/decide")
    await bea.send(f"/console/documents/{number}/approve", {})
    _, detail = await careful.call("GET", f"/api/credentials/{number}")
    assert [line["what"] for line in detail["history"]] == ["made", "sent-back", "corrected", "approved"]


async def test_what_a_holder_says_is_wrong_waits_for_the_second_person_too(careful: Registry) -> None:
    number, office = (await careful.make())["id"], careful.office
    await approve(office, number)
    known = await write_down(office, number, detail="represented/birthdate", words="The 12th.", actor=SERVICE)
    right = LPA_1 | {"represented": LPA_1["represented"] | {"birthdate": "1938-11-12"}}
    await replace(office, number, right, reason="x", actor=SERVICE, correction=known.reference)
    iris, page = Browser(careful), f"/console/corrections/{known.reference}"
    await iris.sign_in()
    told = await iris.open(page)
    assert "The holder is told so once a second person has agreed." in told
    for words in ("Correct the document", "Answer that it stays"):
        assert words not in told
    await iris.send(page, {"reason": "record-agrees", "words": "no"})
    assert iris.status == 409
    await send_back(office, number, "The deed says the 2nd")
    told = await iris.open(page)
    for words in ("Correct the document", "Answer that it stays"):
        assert words in told


async def test_nobody_approves_what_a_key_of_hers_wrote(careful: Registry) -> None:
    """Neither with the key that the office was set up with, nor with one made since, also once that has ended."""
    await add(careful, "Ana Admin", "admin")
    ana, iris = Browser(careful), Browser(careful)
    await ana.sign_in("Ana Admin", "correct-horse-battery")
    await ana.open("/console/settings")
    await ana.send("/console/settings/keys", {"key_name": "register", "scopes": "credentials:create"})
    found = re.search(r"mun_[a-z2-7]{13}_[A-Za-z0-9_-]{43}", ana.text)
    assert found is not None
    order, key = {"type": "representation", "claims": LPA_1}, {"Authorization": f"Bearer {found[0]}", "Idempotency-Key": "hers"}
    status, hers = await careful.call("POST", "/api/credentials", order, headers=key)
    assert status == 201
    await ana.open("/console/settings")
    await ana.send(f"/console/settings/keys/{found[0].split('_')[1]}/end", {})
    first = (await careful.make())["id"]
    assert "made the key of the program" in await ana.open(f"/console/documents/{hers['id']}/decide")
    await ana.send(f"/console/documents/{hers['id']}/approve", {})
    assert ana.status == 403
    await ana.open(f"/console/documents/{first}/decide")
    await ana.send(f"/console/documents/{first}/approve", {})
    assert ana.path == f"/console/documents/{first}"
    second = (await careful.make())["id"]
    await ana.open("/console/")
    await ana.send("/console/sign-out", {})
    await iris.sign_in()
    assert "made the key of the program" in await iris.open(f"/console/documents/{second}/decide")


async def test_nobody_writes_or_approves_by_a_passphrase_that_an_admin_knows(careful: Registry) -> None:
    """Whoever was let in chooses her own first; until then not even a passkey is added. The settings tell who let her in."""
    browser, given, own = Browser(careful), "correct-horse-battery", "quite-another-battery"
    await browser.sign_in()
    await browser.open("/console/settings")
    await browser.send("/console/settings/people", {"name": "Cora", "role": "approver", "passphrase": given})
    assert "Let in by Iris Admin" in browser.text
    assert "Has not chosen a passphrase yet" in browser.text
    await browser.send("/console/sign-out", {})
    await browser.sign_in("Cora", given)
    assert browser.path == "/console/passphrase"
    assert "Somebody else chose the passphrase that you have" in browser.text
    for path in ("/console/passkeys", "/console/make/representation", "/console/waiting"):
        await browser.open(path)
        assert browser.path == "/console/passphrase"
    page = browser.hidden()
    await browser.send("/console/make/representation", [*answered(step="make"), *page.items()])
    assert browser.path == "/console/passphrase"
    await browser.send("/console/passphrase", {"passphrase": given, "new": given})
    assert browser.errors() == ["new"]
    await browser.send("/console/passphrase", {"passphrase": given, "new": own})
    assert "Your passphrase was changed" in browser.text
    await browser.open("/console/waiting")
    assert browser.path == "/console/waiting"
    await browser.send("/console/sign-out", {})
    await browser.sign_in("Cora", given)
    assert browser.path == "/console/sign-in"


@pytest.mark.parametrize(("path", "fields"), [("approve", {}), ("send-back", {"reason": "The deed says banking only"})])
async def test_second_person_decides_on_what_the_page_showed(careful: Registry, path: str, fields: dict[str, str]) -> None:
    """Details that were corrected meanwhile come back to be looked at; nothing is decided on."""
    await add(careful, "Ana Approver", "approver")
    number, ana = (await careful.make())["id"], Browser(careful)
    await ana.sign_in("Ana Approver", "correct-horse-battery")
    assert "Council tax" in await ana.open(f"/console/documents/{number}/decide")
    correction = {"claims": LPA_1 | {"powers": ["banking"]}, "reason": "a slip"}
    await careful.call("POST", f"/api/credentials/{number}/correction", correction)
    await ana.send(f"/console/documents/{number}/{path}", fields)
    assert ana.status == 409
    assert "These details were changed since you looked" in ana.text
    assert "Council tax" not in ana.text
    assert fields.get("reason", "") in ana.text
    await ana.send(f"/console/documents/{number}/{path}", fields | {"version": "x"})
    assert ana.status == 409
    await ana.send(f"/console/documents/{number}/{path}", fields)
    _, detail = await careful.call("GET", f"/api/credentials/{number}")
    assert [line["what"] for line in detail["history"]][1:-1] == ["corrected"]


async def test_clerks_and_programs_never_approve(careful: Registry) -> None:
    await add(careful, "Cora Clerk", "clerk")
    number, clerk = (await careful.make())["id"], Browser(careful)
    await clerk.sign_in("Cora Clerk", "correct-horse-battery")
    for path in ("/console/waiting", f"/console/documents/{number}/decide"):
        await clerk.open(path)
        assert clerk.status == 403
    await clerk.open(f"/console/documents/{number}")
    assert "Has to look at it before copies are made" in clerk.text
    assert "Look at it and decide" not in clerk.text
    for path in ("approve", "send-back"):
        await clerk.open("/console/")
        await clerk.send(f"/console/documents/{number}/{path}", {"reason": "x"})
        assert clerk.status == 403
        status, _ = await careful.call("POST", f"/api/credentials/{number}/{path}", {})
        assert status == 404
    _, detail = await careful.call("GET", f"/api/credentials/{number}")
    assert [line["what"] for line in detail["history"]] == ["made"]


# --- corrections -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(each.id for each in all_types().values()))
def test_form_is_filled_in_with_what_it_gave(name: str) -> None:
    """For each kind of document: nothing is lost between details, form and details."""
    kind = by_id(name)
    claims = read_claims(kind, Form(MultiDictProxy(fill_in(kind, EXAMPLES[name]))))
    assert claims == EXAMPLES[name]


EXAMPLES = {
    **DOCUMENTS,
    "representation": LPA_1 | {"represented": LPA_1["represented"] | {"also_known_as": ["M. Ashdown", "Peggy Ashdown"]}},
}


async def test_corrected_copies_are_cancelled_and_renewed(browser: Browser, registry: Registry) -> None:
    made = await registry.make()
    holder = await collect(registry, made)
    await holder.copies(2)
    await browser.open(f"/console/documents/{made['id']}")
    assert "Correct this document" in browser.text
    fields = [pair for pair in answered(step="make", powers="banking") if pair[0] not in {"once", "code", "reference"}]
    await browser.open(f"/console/documents/{made['id']}/correct")
    await browser.send(f"/console/documents/{made['id']}/correct", [*fields, ("reason", "Wrong powers")])
    _, detail = await registry.call("GET", f"/api/credentials/{made['id']}")
    assert (detail["history"][-1]["what"], detail["history"][-1]["copies"], detail["copies"]) == ("corrected", 2, 0)


async def test_a_stale_correction_undoes_nobodys(browser: Browser, registry: Registry) -> None:
    """Whoever opened the form before another's correction sees what she would undo, and may do so knowingly."""
    made = await registry.make()
    number, path = made["id"], f"/console/documents/{made['id']}/correct"
    fields = [pair for pair in answered(step="check", powers="banking") if pair[0] not in {"once", "code", "reference", "step"}]
    mine = [*fields, ("reason", "Wrong powers")]
    await browser.open(path)
    await replace(registry.office, number, LPA_1 | {"powers": ["council-tax"]}, reason="court", actor=CLERK)
    await browser.send(path, [*mine, ("step", "make")])
    assert (browser.status, browser.path) == (409, path)
    assert "Somebody else corrected this document since you opened the form" in browser.text
    assert "Before: Council tax" in browser.text
    await replace(registry.office, number, LPA_1, reason="court again", actor=CLERK)
    page = await browser.send(path, [*mine, ("step", "check"), ("version", "")])
    assert (browser.status, "Somebody else corrected" in page) == (409, True)
    await browser.send(path, [*mine, ("step", "change")])
    assert browser.status == 200
    await browser.send(path, [*mine, ("step", "check")])
    assert browser.status == 200
    await browser.send(path, [*mine, ("step", "make")])
    assert browser.path == f"/console/documents/{number}"


async def test_programs_correct_the_version_that_they_read(registry: Registry) -> None:
    number = (await registry.make())["id"]
    address, wanted = f"/api/credentials/{number}", {"claims": LPA_1 | {"powers": ["banking"]}, "reason": "court"}
    _, read = await registry.call("GET", address)
    status, after = await registry.call("POST", f"{address}/correction", wanted | {"version": read["version"]})
    assert (status, after["version"] > read["version"]) == (200, True)
    status, told = await registry.call("POST", f"{address}/correction", wanted | {"version": read["version"]})
    assert (status, told["pointer"]) == (409, "/version")
    status, told = await registry.call("POST", f"{address}/correction", wanted)
    assert (status, told["pointer"]) == (400, "/claims")  # nothing differs
    assert (await registry.call("POST", f"{address}/correction", wanted | {"claims": LPA_1}))[0] == 200


async def test_cancelled_documents_are_not_corrected(browser: Browser, registry: Registry) -> None:
    made = await registry.make()
    await registry.call("POST", f"/api/credentials/{made['id']}/cancel", {"reason": "made-in-error"})
    assert "Correct this document" not in await browser.open(f"/console/documents/{made['id']}")
    await browser.open(f"/console/documents/{made['id']}/correct")
    assert browser.status == 409
