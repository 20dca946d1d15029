"""The console without a browser: forms, roles, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support.console import Browser, add, answered
from support.registry import LPA_1, Registry, collect

from issuer.claims import faults
from issuer.pages.form import read_claims, sections
from shared.credentials import by_id
from shared.web import operators
from shared.web.forms import Form

TYPE = by_id("representation")


@pytest.fixture
async def browser(registry: Registry) -> Browser:
    one = Browser(registry)
    await one.sign_in()
    assert one.path == "/console/"
    return one


# --- making ----------------------------------------------------------------------------------------------------------------------------


def test_what_is_typed_becomes_the_claim_tree() -> None:
    from multidict import MultiDict, MultiDictProxy

    assert read_claims(TYPE, Form(MultiDictProxy(MultiDict(answered())))) == LPA_1
    assert faults(TYPE, LPA_1) == []


def test_every_leaf_has_a_question() -> None:
    asked = {field.name for section in sections(TYPE, "en", {}, str) for field in section.fields}
    assert asked == {"detail." + ".".join(part for part in claim.path if part) for claim in TYPE.claims}


async def test_make_by_hand(browser: Browser, registry: Registry) -> None:
    await browser.open("/console/make/representation")
    await browser.send("/console/make/representation", answered())
    assert browser.status == 200
    assert "2 November 1938" in browser.text
    fields = [*[(name, value) for name, value in answered() if name != "step"], ("step", "make")]
    await browser.send("/console/make/representation", fields)
    assert re.fullmatch(r"/console/documents/[0-9A-Z]{16}/made", browser.path)
    first = browser.path
    await browser.open("/console/make/representation")
    await browser.send("/console/make/representation", fields)  # sent twice: the same document
    assert browser.path == first
    _, found = await registry.call("GET", "/api/credentials?reference=case%201")
    assert len(found["items"]) == 1
    number = found["items"][0]["id"]
    history = (await registry.call("GET", f"/api/credentials/{number}"))[1]["history"]
    assert [(line["what"], line["role"], line["who"]) for line in history] == [("made", "admin", "Iris Admin")]
    for page, words in (("invitation", "Scan with"), ("letter", "Your collection code"), ("code", "Collection code"), ("qr.svg", "<svg")):
        assert words in await browser.open(f"/console/documents/{number}/{page}")
    assert (await browser.open(f"/console/documents/{number}/state")).startswith('{"state": "invited"')


async def test_invitation_and_code_are_apart(browser: Browser, registry: Registry) -> None:
    made = await registry.make()
    grouped = f"{made['code'][:4]} {made['code'][4:]}"
    invitation = await browser.open(f"/console/documents/{made['id']}/invitation")
    assert made["code"] not in invitation
    assert grouped not in invitation
    code = await browser.open(f"/console/documents/{made['id']}/code")
    assert grouped in code
    assert made["offer_qr"].split("/")[-2] not in code


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        ({"represented.given_name": ""}, ["detail.represented.given_name"]),
        ({"represented.birthdate.month": "13"}, ["detail.represented.birthdate.day"]),
        ({"represented.birthdate.year": "xx"}, ["detail.represented.birthdate.day"]),
        ({"decision_rule": "jointly"}, ["detail.cardinality"]),
        ({"decision_rule": "jointly", "cardinality": "two"}, ["detail.cardinality"]),
        ({"powers": "health-decisions"}, ["detail.powers"]),
        ({"powers": ""}, ["detail.powers"]),
        ({"attestation_basis": ""}, ["detail.attestation_basis"]),
        ({"has_restrictions": "true"}, ["detail.restrictions_text"]),
        ({"instrument_type": "<script>"}, ["detail.instrument_type"]),
        ({"reference": "x" * 201}, ["reference"]),
        ({"represented.given_name": "", "proxy.given_name": ""}, ["detail.represented.given_name", "detail.proxy.given_name"]),
    ],
)
async def test_errors_stand_beside_their_fields(browser: Browser, changes: dict[str, str], places: list[str]) -> None:
    await browser.open("/console/make/representation")
    await browser.send("/console/make/representation", answered(**changes))
    assert browser.status == 400
    assert browser.errors() == places
    for place in places:
        assert f'id="{place}"' in browser.text
    assert "<script>" not in browser.text
    assert 'value="Nora"' in browser.text or "proxy.given_name" in changes


async def test_last_day_by_hand(browser: Browser, registry: Registry) -> None:
    await browser.open("/console/make/representation")
    for day, month, year in (("31", "2", "2028"), ("1", "1", "2020"), ("x", "1", "2028")):
        until = [("until.day", day), ("until.month", month), ("until.year", year)]
        await browser.send("/console/make/representation", [*answered(), *until])
        assert browser.errors() == ["until.day"]
    until = [("until.day", "1"), ("until.month", "2"), ("until.year", "2027"), ("step", "make")]
    await browser.open("/console/make/representation")
    await browser.send("/console/make/representation", [*[pair for pair in answered() if pair[0] != "step"], *until])
    assert (await registry.call("GET", "/api/credentials"))[1]["items"][0]["valid_until"] == "2027-02-01"


# --- finding and changing ----------------------------------------------------------------------------------------------------------------


async def test_list_and_search(browser: Browser, registry: Registry) -> None:
    assert "No document has been made yet" in await browser.open("/console/documents")
    made = [await registry.make(reference=f"case {number}") for number in range(25)]
    text = await browser.open("/console/documents")
    assert text.count("<tr") == 21
    assert "Page 1 of 2" in text
    assert (await browser.open("/console/documents?page=2")).count("<tr") == 6
    assert "Page 2 of 2" in await browser.open("/console/documents?page=99")
    assert (await browser.open("/console/documents?page=nonsense")).count("<tr") == 21
    assert made[7]["id"] in await browser.open("/console/documents?reference=CASE%207")
    dashed = "-".join(made[3]["id"][start : start + 4] for start in range(0, 16, 4))
    assert made[3]["id"] in await browser.open(f"/console/documents?reference={dashed}")
    assert "Nothing was made under" in await browser.open("/console/documents?reference=%3Cscript%3E")
    assert "<script>alert" not in browser.text


async def test_history_by_hand(browser: Browser, registry: Registry) -> None:
    made = await registry.make(reference="case 1")
    await (await collect(registry, made)).copies(5)
    path = f"/console/documents/{made['id']}"
    await browser.open(f"{path}/hold")
    await browser.send(f"{path}/hold", {})
    assert browser.errors() == ["reason"]
    await browser.send(f"{path}/hold", {"reason": "donor-died"})
    assert browser.errors() == ["reason"]
    await browser.send(f"{path}/hold", {"reason": "investigation"})
    assert browser.path == path
    await browser.open(f"{path}/reinstate")
    await browser.send(f"{path}/reinstate", {"reason": "investigation-closed"})
    await browser.open(f"{path}/cancel")
    await browser.send(f"{path}/cancel", {"reason": "donor-died"})
    for words in ("Made, with an invitation", "Collected", "Copies: 5", "Put on hold", "Hold ended", "Cancelled", "Iris Admin (admin)"):
        assert words in browser.text
    assert "Reason: The donor has died" in browser.text
    await browser.open(f"{path}/cancel")
    assert browser.status == 409
    for page in ("invitation", "code", "letter"):
        await browser.open(f"{path}/{page}")
        assert browser.path == path
    await browser.open("/console/documents/0000000000000000")
    assert browser.status == 404


async def test_new_invitation_by_hand(browser: Browser, registry: Registry) -> None:
    made = await registry.make()
    path = f"/console/documents/{made['id']}"
    await browser.open(f"{path}/invite")
    await browser.send(f"{path}/invite", {})
    assert browser.path == f"{path}/invitation"
    assert (await registry.redeem(made, made["code"]))[1]["error"] == "invalid_grant"


async def test_many_by_hand(browser: Browser, registry: Registry) -> None:
    for number in range(3):
        await registry.make(reference=f"case {number}")
    asked = {"references": "case 0\n\ncase 1\r\ncase 2\ncase 9", "action": "cancel", "reason": "made-in-error"}
    await browser.open("/console/many")
    await browser.send("/console/many", {})
    assert browser.errors() == ["references", "action", "reason"]
    await browser.send("/console/many", asked | {"reason": "investigation"})
    assert browser.errors() == ["reason"]
    await browser.send("/console/many", asked)
    assert "This would cancel 3 documents" in browser.text
    assert "case 9" in browser.text
    await browser.send("/console/many", asked | {"step": "confirm", "count": "2"})
    assert browser.errors() == ["count"]
    assert {item["state"] for item in (await registry.call("GET", "/api/credentials"))[1]["items"]} == {"invited"}
    await browser.send("/console/many", asked | {"step": "confirm", "count": "3"})
    assert "3 documents were cancelled" in browser.text


# --- people --------------------------------------------------------------------------------------------------------------------------------


async def test_roles(browser: Browser, registry: Registry) -> None:
    await add(registry, "Clara", "clerk")
    await add(registry, "Anna", "approver")
    for name, many, admin in (("Clara", 403, 403), ("Anna", 200, 403), ("Iris Admin", 200, 400)):
        await browser.open("/console/")
        await browser.send("/console/sign-out", {})
        await browser.sign_in(name, "correct-horse-battery")
        await browser.open("/console/settings")
        assert browser.status == 200
        await browser.send("/console/settings/people", {})
        assert browser.status == admin
        await browser.open("/console/many")
        assert browser.status == many


async def test_people_and_keys(browser: Browser, registry: Registry) -> None:
    await browser.open("/console/settings")
    await browser.send("/console/settings/people", {"name": "Clara Clerk", "role": "clerk", "passphrase": ""})
    made = re.search(r'id="told-value">([a-z-]+)<', browser.text)
    assert made is not None
    await browser.send("/console/settings/people", {"name": "clara  clerk", "role": "clerk", "passphrase": ""})
    assert browser.errors() == ["name"]
    await browser.send("/console/settings/people", {"name": "Short", "role": "king", "passphrase": "short"})
    assert browser.errors() == ["role", "passphrase"]
    await browser.send("/console/settings/keys", {"key_name": "case system"})
    assert browser.errors() == ["scopes"]
    await browser.send("/console/settings/keys", [("key_name", "case system"), ("scopes", "credentials:read"), ("scopes", "root")])
    token = re.search(r'id="told-value">(mun_[A-Za-z0-9_-]+)<', browser.text)
    assert token is not None
    assert (await registry.call("GET", "/api/credentials", key=token[1]))[0] == 200
    await browser.open("/console/settings")
    assert token[1] not in browser.text
    identifier = token[1].split("_")[1]
    await browser.send(f"/console/settings/keys/{identifier}/end", {})
    assert (await registry.call("GET", "/api/credentials", key=token[1]))[0] == 401
    everybody = await registry.office.storage.read(operators.everybody)
    ids = {person.name: person.id for person in everybody}
    await browser.open("/console/settings")
    await browser.send(f"/console/settings/people/{ids['Iris Admin']}/remove", {})
    assert browser.status == 409  # the last admin
    await browser.open("/console/settings")
    await browser.send(f"/console/settings/people/{ids['Clara Clerk']}/remove", {})
    assert "Clara Clerk" not in browser.text
    await browser.send("/console/sign-out", {})
    await browser.sign_in("Clara Clerk", made[1])
    assert browser.status == 400


async def test_keys_that_somebody_made_who_was_removed_are_pointed_out(browser: Browser, registry: Registry) -> None:
    """A program goes on when a person leaves; whether it should is for those who stay."""
    await add(registry, "Anna", "admin")
    await browser.open("/console/settings")
    await browser.send("/console/settings/keys", [("key_name", "case system"), ("scopes", "credentials:read")])
    assert "Made by Iris Admin<" in await browser.open("/console/settings")
    (iris,) = [each for each in await registry.office.storage.read(operators.everybody) if each.name == "Iris Admin"]
    await browser.send("/console/sign-out", {})
    await browser.sign_in("Anna", "correct-horse-battery")
    await browser.open("/console/settings")
    await browser.send(f"/console/settings/people/{iris.id}/remove", {})
    assert "Made by Iris Admin, who was removed here. It goes on until you end it" in browser.text


async def test_who_was_removed_is_signed_out(browser: Browser, registry: Registry) -> None:
    await add(registry, "Anna", "admin")
    (iris,) = [each for each in await registry.office.storage.read(operators.everybody) if each.name == "Iris Admin"]
    await registry.office.storage.write(lambda tx: operators.end(tx, iris.id, 1))
    await browser.open("/console/documents")
    assert browser.path == "/console/sign-in"


async def test_passphrase(browser: Browser) -> None:
    await browser.open("/console/passphrase")
    await browser.send("/console/passphrase", {"passphrase": "wrong", "new": "short"})
    assert browser.errors() == ["passphrase", "new"]
    await browser.send("/console/passphrase", {"passphrase": browser.registry.passphrase, "new": "another-passphrase-for-iris"})
    assert "was changed" in browser.text
    await browser.send("/console/sign-out", {})
    await browser.sign_in()
    assert browser.status == 400
    await browser.sign_in(passphrase="another-passphrase-for-iris")
    assert browser.path == "/console/"


async def test_signing_in_is_throttled(registry: Registry) -> None:
    browser = Browser(registry)
    for _ in range(10):
        await browser.sign_in(passphrase="wrong-wrong-wrong")
        assert browser.status == 400
    await browser.sign_in()
    assert browser.status == 429
    registry.clock.at += 16 * 60
    await browser.sign_in()
    assert browser.path == "/console/"


async def test_nothing_without_signing_in(registry: Registry) -> None:
    browser = Browser(registry)
    made = await registry.make()
    one = f"/console/documents/{made['id']}"
    for path in (
        "/console/",
        "/console/make",
        "/console/make/representation",
        "/console/documents",
        one,
        f"{one}/invitation",
        f"{one}/code",
    ):
        await browser.open(path)
        assert browser.path == "/console/sign-in"
    for path in ("/console/make/representation", f"{one}/cancel", "/console/many", "/console/settings/people", "/console/sign-out"):
        async with registry.http.post(registry.base + path, data={"reason": "donor-died"}, allow_redirects=False) as answer:
            assert answer.status in {303, 401, 403}
    assert (await registry.call("GET", f"/api/credentials/{made['id']}"))[1]["state"] == "invited"


async def test_forms_of_other_sites_are_refused(browser: Browser, registry: Registry) -> None:
    made = await registry.make()
    path = f"/console/documents/{made['id']}/cancel"
    await browser.open(path)
    await browser.send(path, {"reason": "donor-died"}, **{"Sec-Fetch-Site": "cross-site"})
    assert browser.status == 403
    await browser.send(path, {"reason": "donor-died"}, Origin="https://evil.example")
    assert browser.status == 403
    await browser.send(path, {"reason": "donor-died", "form_token": "guessed"})
    assert browser.status == 403
    assert (await registry.call("GET", f"/api/credentials/{made['id']}"))[1]["state"] == "invited"


async def test_sign_in_leads_nowhere_else(registry: Registry) -> None:
    for target in ("https://evil.example/", "//evil.example/", "/console//evil.example", "/other", "/console/\\evil"):
        browser = Browser(registry)
        await browser.open("/console/sign-in")
        data: dict[str, Any] = {"name": "Iris Admin", "passphrase": registry.passphrase, "next": target}
        async with registry.http.post(registry.base + "/console/sign-in", data=data, allow_redirects=False) as answer:
            assert answer.headers["Location"] == "/console/"


# --- the page behind an invitation ---------------------------------------------------------------------------------------------------------


async def test_offer_page(registry: Registry) -> None:
    made = await registry.make()
    browser, path = Browser(registry), made["invitation_link"].removeprefix(registry.url)
    text = await browser.open(path)
    assert "You have been invited to collect a document" in text
    assert "openid-credential-offer://?credential_offer_uri=" in text
    assert "Margaret" not in text
    assert made["code"] not in text
    page = path.partition("?")[0]
    for address in (
        "",
        "javascript:alert(1)",
        "http://wallet.example",
        "https://user@wallet.example",
        "https://wallet.example/?x=1",
        "a b",
    ):
        await browser.send(page, {"wallet": address})
        assert browser.errors() == ["wallet"], address
    await browser.send(page, {"wallet": "wallet.example/"})
    assert 'href="https://wallet.example/offer?credential_offer_uri=' in browser.text
    assert "Open in wallet.example" in await browser.open(page)
    await registry.redeem(made, made["code"])
    await browser.open(page)
    assert browser.status == 404
    for picture in ("qr.svg", "qr.png"):
        assert (await registry.get(f"{page}/{picture}")).status == 404


async def test_welsh(browser: Browser) -> None:
    text = await browser.open("/console/make/representation?lang=cy")
    assert 'lang="cy"' in text
    assert "Atwrneiaeth" in text
