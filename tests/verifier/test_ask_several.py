from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.clerk import Clerk
from support.desk import PATHS, Running, Site, Template, present, serving
from support.receiver import HOOK, Receiver
from support.signing import AT
from support.trial_verify import CLAIMS, issue, show
from support.twin_kind import TWIN_VCT, both_kinds, twin

from shared.codec import base64url, strict_json
from shared.credentials import Text, by_id
from shared.dcql import CredentialQuery
from shared.formats import Binding
from shared.jose.jwt import parse_jwt
from shared.openid4vp import (
    AGREE,
    Agreement,
    RequestObject,
    agreed_members,
    parse_agreement,
    render_agreement,
    render_response,
)
from shared.urls import parse_form, render_form
from verifier.webhooks import deliver

AGREEMENT = {"statement": "Pay GBP 40 to Anytown Water", "statement_cy": "Talu GBP 40 i Ddŵr Anytown", "reference": "pay-7"}


@pytest.fixture
async def site() -> Receiver:
    return Receiver()


@pytest.fixture
async def desk(template: Template, tmp_path: Path, site: Receiver, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    """A desk for two kinds of document."""
    monkeypatch.setattr("verifier.opening.chosen_types", both_kinds)
    async with serving(template, tmp_path / "desk", site=site, local=True, webhook_url=HOOK) as running:
        yield running


def documents(request: RequestObject, *names: str, at: int = AT, extra: Mapping[str, Any] | None = None) -> dict[str, list[str]]:
    """The trial document or its twin for each credential query of ``names``; the first one agrees to ``extra``."""
    token = {}
    for number, name in enumerate(names):
        query = request.query.credential(name)
        assert query is not None
        binding = Binding(audience=request.client_id, nonce=request.nonce, extra=extra if extra and not number else {})
        kind: dict[str, Any] = {"type": twin()} if query.vct_values == (TWIN_VCT,) else {}
        token[name] = [show(issue(query.format, seed=name, **kind), format_name=query.format, paths=_paths(query), binding=binding, at=at)]
    return token


def _paths(query: CredentialQuery) -> list[Any]:
    """What the bank asks, and the attorney's date of birth where that is asked for as well."""
    born = [each.path for each in query.claims or () if each.path[-2:] == ("proxy", "birthdate")]
    return [("credentialSubject", *path) if query.format == "vc+sd-jwt" else path for path in PATHS] + born


async def told(desk: Running, asked: Mapping[str, Any], *names: str, **how: Any) -> tuple[int, str]:
    request = await desk.read(asked)
    status, answer = await desk.post(asked, render_response(request, documents(request, *names, **how)))
    return status, answer.get("error_description", "").partition(":")[0]


async def test_one_question_goes_to_every_kind_that_has_it(desk: Running) -> None:
    asked = await desk.ask(type="")
    request = await desk.read(asked)
    assert [(each.id, each.vct_values) for each in request.query.credentials] == [
        ("representation", ("urn:fdc:vct.example:2027:representation:1",)), ("deputyship", (TWIN_VCT,)),
    ]  # fmt: skip
    assert await told(desk, asked, "representation", "deputyship") == (200, "")
    state = await desk.state(asked)
    assert (state["decision"], [each["vct"] for each in state["verdict"]["credentials"]]) == ("accepted", [
        "urn:fdc:vct.example:2027:representation:1", TWIN_VCT,
    ])  # fmt: skip


@pytest.mark.parametrize("names", [("representation",), ("deputyship",)])
async def test_one_of_two_documents_is_not_enough(desk: Running, names: tuple[str, ...]) -> None:
    assert await told(desk, await desk.ask(type=""), *names) == (400, "request_not_satisfied")


async def test_any_one_form_of_each_kind_is_enough(desk: Running) -> None:
    order = {"type": "", "formats": ["dc+sd-jwt", "vc+sd-jwt"]}
    request = await desk.read(await desk.ask(**order))
    assert len(request.query.credentials) == 4
    assert [each.options for each in request.query.credential_sets] == [
        (("representation-dc-sd-jwt",), ("representation-vc-sd-jwt",)), (("deputyship-dc-sd-jwt",), ("deputyship-vc-sd-jwt",)),
    ]  # fmt: skip
    assert await told(desk, await desk.ask(**order), "representation-vc-sd-jwt", "deputyship-dc-sd-jwt") == (200, "")
    assert await told(desk, await desk.ask(**order), "representation-dc-sd-jwt", "representation-vc-sd-jwt") == (
        400,
        "request_not_satisfied",
    )


async def test_a_document_under_the_name_of_another_kind_is_refused(desk: Running) -> None:
    asked = await desk.ask(type="")
    request = await desk.read(asked)
    token = documents(request, "representation", "deputyship")
    token = {"representation": token["deputyship"], "deputyship": token["representation"]}
    status, answer = await desk.post(asked, render_response(request, token))
    assert (status, answer["error_description"].partition(":")[0]) == (400, "request_not_satisfied")


async def test_one_bad_document_spoils_the_answer(desk: Running) -> None:
    asked = await desk.ask(type="")
    request = await desk.read(asked)
    token = documents(request, "representation", "deputyship")
    token["deputyship"] = present(request, at=AT, seed="x", type=twin(), expires_at=AT - 60)["representation"]
    status, answer = await desk.post(asked, render_response(request, token))
    assert (status, answer["error_description"].partition(":")[0]) == (400, "expired")
    assert (await desk.state(asked))["verdict"]["credentials"] == []


async def test_values_are_checked_again(desk: Running) -> None:
    claims: list[dict[str, Any]] = [
        {"path": ["represented", "given_name"], "values": ["Margaret"]},
        {"path": ["powers", None], "values": ["banking"]},
    ]
    query = {
        "credentials": [
            {"id": "q", "format": "dc+sd-jwt", "meta": {"vct_values": ["urn:fdc:vct.example:2027:representation:1"]}, "claims": claims}
        ]
    }
    use = {"powers": ["banking"]}
    paths = (("represented", "given_name"), ("powers", 1))
    asked = await desk.ask(type="", query="", dcql_query=query, purpose="See", use=use)
    assert (await desk.answer(asked, paths=paths))[0] == 200
    claims[0]["values"] = ["Nora"]
    asked = await desk.ask(type="", query="", dcql_query=query, purpose="See", use=use)
    status, answer = await desk.answer(asked, paths=paths, seed="other")
    assert (status, answer["error_description"].partition(":")[0]) == (400, "request_not_satisfied")


async def test_the_desk_asks_for_several_documents_at_once(desk: Running) -> None:
    clerk = await Clerk(desk).sign_in()
    page = await clerk.get("/desk/ask")
    assert "Several documents at once" in page
    assert page.index("Several documents at once") < page.index("Deputyship")
    page = await clerk.post("/desk/ask", {"use": "/bank", "form_token": await clerk.token()})
    assert "Bank account" in page


# --- agreeing --------------------------------------------------------------------------------------------------------------------------


async def test_the_holder_agrees_and_the_verdict_and_the_webhook_tell(desk: Running, site: Receiver) -> None:
    asked = await desk.ask(agree=AGREEMENT)
    request = await desk.read(asked)
    (entry,) = request.transaction_data
    assert (entry.type, entry.credential_ids) == (AGREE, ("bank",))
    assert parse_agreement(entry) == Agreement(statement=Text(AGREEMENT["statement"], AGREEMENT["statement_cy"]), reference="pay-7")
    assert (await desk.state(asked))["agreed"] == [{"type": AGREE, "reference": "pay-7", "by": None}]
    assert await told(desk, asked, "bank", extra=agreed_members([entry])) == (200, "")
    state = await desk.state(asked)
    assert (state["verdict"]["agreed"], state["agreed"]) == (["bank"], [{"type": AGREE, "reference": "pay-7", "by": "bank"}])
    await deliver(desk.desk, site)
    assert site.claims()["data"]["agreed"] == state["agreed"]
    clerk = await Clerk(desk).sign_in()
    for words, ordered in ((f"“{AGREEMENT['statement']}”", asked), ("Bank account", await desk.ask(transaction_data=[{"type": AGREE}]))):
        assert words in await clerk.get(f"/desk/requests/{ordered['id']}")


@pytest.mark.parametrize("name", ["statement", "statement_cy", "reference"])
async def test_nothing_that_nobody_sees_is_agreed_to(desk: Running, name: str) -> None:
    status, told = await desk.call(
        "POST", "/api/presentation-requests", {"type": "representation", "query": "bank", "agree": AGREEMENT | {name: "Pay\u202e 4"}}
    )
    assert (status, told["pointer"]) == (400, f"/agree/{name}")


OTHER = render_agreement(Agreement(statement=Text("Pay GBP 4000", "")), ["bank"])


@pytest.mark.parametrize(
    "extra",
    [
        {},
        agreed_members([OTHER]),
        {"transaction_data_hashes": []},
        {"transaction_data_hashes": "x"},
        {"transaction_data_hashes": [7]},
        "more",
        "another hash",
        "no such hash",
    ],
)
async def test_what_was_not_agreed_is_refused(desk: Running, extra: Any) -> None:
    asked = await desk.ask(agree=AGREEMENT)
    request = await desk.read(asked)
    right = agreed_members(request.transaction_data)
    if extra == "more":
        extra = {"transaction_data_hashes": [*right["transaction_data_hashes"], *agreed_members([OTHER])["transaction_data_hashes"]]}
    elif extra == "another hash":
        extra = right | {"transaction_data_hashes_alg": "sha-384"}
    elif extra == "no such hash":
        extra = right | {"transaction_data_hashes_alg": 7}
    assert await told(desk, asked, "bank", extra=extra) == (400, "not_agreed")
    assert (await desk.state(asked))["agreed"][0]["by"] is None


async def test_an_agreement_that_nobody_asked_for_is_refused(desk: Running) -> None:
    assert await told(desk, await desk.ask(), "bank", extra=agreed_members([OTHER])) == (400, "not_agreed")


async def test_transactions_of_other_types(desk: Running) -> None:
    payment = {"type": "urn:example:payment", "amount": "40.00", "transaction_data_hashes_alg": ["sha-384", "sha-256"]}
    claims = []
    asked = await desk.ask(transaction_data=[payment])
    async with desk.http.get(f"{desk.base}/vp/request/{asked['id']}") as answer:
        claims = parse_jwt(await answer.text()).claims["transaction_data"]
    (raw,) = claims
    entry = strict_json.load_object(base64url.decode(raw))
    assert entry == payment | {"credential_ids": ["bank"]}


@pytest.mark.parametrize(
    ("order", "pointer"),
    [
        ({"transaction_data": [{"amount": 1}]}, "/transaction_data/0/type"),
        ({"transaction_data": [{"type": "x", "credential_ids": ["other"]}]}, "/transaction_data/0/credential_ids"),
        ({"transaction_data": [{"type": "x", "credential_ids": "bank"}]}, "/transaction_data/0/credential_ids"),
        ({"format": "vc+jwt", "agree": {"statement": "Yes"}}, "/transaction_data"),
        ({"formats": ["dc+sd-jwt", "ldp_vc"]}, "/formats"),
        ({"type": "passport"}, "/type"),
        ({"type": "", "query": "passport"}, "/query"),
        ({"purpose_cy": "Gweld"}, "/purpose"),
    ],
)
async def test_what_nobody_could_answer_is_not_asked(desk: Running, order: dict[str, Any], pointer: str) -> None:
    status, problem = await desk.call("POST", "/api/presentation-requests", {"type": "representation", "query": "bank"} | order)
    assert (status, problem["pointer"]) == (400, pointer)


# --- in clear --------------------------------------------------------------------------------------------------------------------------


async def read_plain(desk: Running, asked: Mapping[str, Any]) -> RequestObject:
    request = await desk.read(asked)
    assert (request.response_mode, request.locked) == ("direct_post", False)
    return request


async def test_an_answer_in_clear_only_where_it_was_asked_for(desk: Running) -> None:
    plain, locked = await desk.ask(encrypted=False), await desk.ask()
    request = await read_plain(desk, plain)
    async with desk.http.get(f"{desk.base}/vp/request/{plain['id']}") as answer:
        assert "jwks" not in parse_jwt(await answer.text()).claims["client_metadata"]
    body = render_response(request, documents(request, "bank"))
    assert set(parse_form(body)) == {"vp_token", "state"}
    other = await desk.read(locked)
    assert (await desk.post(locked, body))[0] == 400
    in_clear = render_form({"vp_token": strict_json.dumps(documents(other, "bank")).decode(), "state": other.state or ""})
    assert (await desk.post(locked, in_clear))[0] == 400
    assert (await desk.state(locked))["state"] == "retrieved"
    swapped = render_form(
        {"response": parse_form(render_response(other, documents(other, "bank")))["response"], "state": request.state or ""}
    )
    assert (await desk.post(plain, swapped))[0] == 400
    assert (await desk.state(plain))["state"] == "retrieved"
    assert (await desk.post(plain, body))[0] == 200
    assert (await desk.state(plain))["decision"] == "accepted"


# --- who shows it ----------------------------------------------------------------------------------------------------------------------

NORA = {"given_name": "Nora", "family_name": "Ashdown", "birthdate": "1968-03-14"}
MALLORY = {"given_name": "Mallory", "family_name": "Thief", "birthdate": "1990-01-01"}
AUTHORITY = {name: CLAIMS[name] for name in ("issuing_authority", "issuing_country", "issuing_jurisdiction")}


async def beside(desk: Running, person: dict[str, str], **order: Any) -> tuple[int, str, str, int]:
    """Nora's power of attorney and somebody's proof of identity answer the bank: status, why not, what the page says, documents told of."""
    asked = await desk.ask(type="", **order)
    request = await desk.read(asked)
    binding, token = Binding(audience=request.client_id, nonce=request.nonce), {}
    for query in request.query.credentials[:2]:
        who = query.vct_values == (by_id("person").vct,)
        kind: dict[str, Any] = {"type": by_id("person"), "claims": AUTHORITY | person} if who else {}
        paths = [(name,) for name in NORA] if who else [*PATHS, ("proxy", "birthdate")]
        wire = issue(query.format, seed=query.id, **kind)
        token[query.id] = [show(wire, format_name=query.format, paths=paths, binding=binding, at=AT)]
    status, answer = await desk.post(asked, render_response(request, token))
    verdict = (await desk.state(asked))["verdict"]
    return status, answer.get("error_description", "").partition(":")[0], verdict["sentence"], len(verdict["credentials"])


@pytest.fixture
async def bank(template: Template, tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(template, tmp_path / "desk", site=Site(), local=True) as running:
        yield running


async def test_a_banks_question_goes_to_the_person_as_well(bank: Running) -> None:
    """Who acts for somebody else, and that it is they: `person` and `representation` in one request, each with what tells that."""
    request = await bank.read(await bank.ask(type=""))
    asked = {each.id: {claim.path for claim in each.claims or ()} for each in request.query.credentials}
    assert list(asked) == ["representation", "person"]
    assert {(name,) for name in NORA} <= asked["person"]
    assert {("proxy", name) for name in NORA} <= asked["representation"]
    assert [each.id for each in (await bank.read(await bank.ask())).query.credentials] == ["bank"]


async def test_the_attorney_herself_is_accepted(bank: Running) -> None:
    assert await beside(bank, NORA) == (200, "", "You can rely on this.", 2)
    assert (await beside(bank, NORA | {"given_name": "NORA"}))[0] == 200


@pytest.mark.parametrize("person", [MALLORY, NORA | {"birthdate": "1990-01-01"}])
async def test_somebody_elses_power_beside_ones_own_document_is_refused(bank: Running, person: dict[str, str]) -> None:
    status, code, sentence, documents = await beside(bank, person)
    assert (status, code, documents) == (400, "different_people", 0)
    assert sentence.startswith("Do not rely on this: the documents that were shown name different people as their holder.")


async def test_t_fm_2_a_spelling_is_compared_by_a_person(bank: Running) -> None:
    """Undecided, on the page and for programs; what whoever compared them says decides it."""
    nora = NORA | {"given_name": "Nóra"}
    clerk = await Clerk(bank).sign_in()
    for said, decision in (("yes", "You can rely on this"), ("no", "name different people as their holder")):
        status, _, sentence, documents = await beside(bank, nora)
        assert (status, documents) == (200, 2)
        assert "do not say who is meant" in sentence
        newest = (await bank.call("GET", "/api/presentation-requests"))[1]["items"][0]["id"]
        path = f"/desk/requests/{newest}"
        assert "Have you compared the documents, and is it one person?" in await clerk.get(path)
        assert decision in await clerk.post(f"{path}/again", {"form_token": await clerk.token(path), "allow": said})
        bank.clock.at += 1
    await beside(bank, nora)
    newest = (await bank.call("GET", "/api/presentation-requests"))[1]["items"][0]["id"]
    status, state = await bank.call("POST", f"/api/presentation-requests/{newest}/recheck", {"use": {"same_person": True}})
    assert (status, state["decision"]) == (200, "accepted")


async def test_the_page_says_that_the_documents_are_of_different_people(bank: Running) -> None:
    clerk = await Clerk(bank).sign_in()
    assert (await beside(bank, MALLORY))[0] == 400
    page = await clerk.get(f"/desk/requests/{(await bank.call('GET', '/api/presentation-requests'))[1]['items'][0]['id']}")
    assert "name different people as their holder" in page
    assert "Mallory" not in page
