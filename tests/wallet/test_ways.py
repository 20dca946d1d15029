"""Choosing how to answer: credential sets, several documents that fit, several formats; agreeing to transactions; who asks unproved."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from support.holdings import SHOWABLE, put_document
from support.suite_verifier import GIVEN_NAME, Suite, wanted
from support.trial_verify import CLAIMS, registry
from support.wallets import Wallet
from support.world import COUNCIL

from shared.credentials import Text, all_types
from shared.errors import Conflict, InvalidRequest, InvalidTransactionData, Malformed, NotBound, Untrusted
from shared.formats import formats
from shared.openid4vp import SIGNED, UNSIGNED, Admission, Agreement, WalletRefusal, agreed_members, render_agreement
from shared.x509 import load_certificate
from wallet import history
from wallet.present import agree, read_platform_request, refuse
from wallet.sessions import Answered, Withheld

STATEMENT = Text("I let the council collect my mother’s council tax.", "Rwy’n gadael i’r cyngor gasglu treth gyngor fy mam.")
AGREED = Agreement(statement=STATEMENT, reference="CT/7")


def suite(wallet: Wallet, **how: Any) -> Suite:
    made = Suite(wallet.world.clock, **how)
    wallet.world.council = made
    return made


def named(query_id: str, form: str = "dc+sd-jwt", **more: Any) -> dict[str, Any]:
    return wanted(form, **{"id": query_id, **more})


MAUD = {**CLAIMS, "represented": {**CLAIMS["represented"], "given_name": "Maud"}}
NOT_HELD: dict[str, Any] = {"meta": {"vct_values": ["urn:example:not-held"]}}


async def test_ways_to_answer_are_offered_and_the_chosen_one_is_shown(wallet: Wallet) -> None:
    await put_document(wallet.means, wallet.vault, ["dc+sd-jwt"])
    await put_document(wallet.means, wallet.vault, ["vc+sd-jwt"], claims=MAUD)
    query = {
        "credentials": [named("a"), named("b", "vc+sd-jwt"), named("c", **NOT_HELD)],
        "credential_sets": [{"options": [["c"], ["a"], ["b"]]}],
    }
    asking = suite(wallet, query=query)
    view = await wallet.ask(asking.begin())
    [alternative] = view.alternatives
    assert (alternative.position, alternative.required) == (0, True)
    assert [(way.name, way.picked) for way in alternative.ways] == [("a", True), ("b", False)]
    assert [way.titles for way in alternative.ways] == [("Power of attorney (Margaret Ashdown)",), ("Power of attorney (Maud Ashdown)",)]
    assert [part.query for part in view.parts] == ["a"]
    other = await wallet.look(view.id, ways={"0": "b"})
    assert [part.query for part in other.parts] == ["b"]
    with pytest.raises(Malformed):
        await wallet.look(view.id, ways={"0": "c"})
    with pytest.raises(Malformed):
        await agree(wallet.means, wallet.vault, view.id, ways={"0": ""})
    await agree(wallet.means, wallet.vault, view.id, ways={"0": "b"})
    assert list(asking.verified()) == ["b"]


async def test_the_same_document_in_another_format_is_no_choice_for_a_person(wallet: Wallet) -> None:
    await put_document(wallet.means, wallet.vault, ["dc+sd-jwt", "vc+sd-jwt"])
    sets = [{"options": [["a"], ["b"]]}]
    asking = suite(wallet, query={"credentials": [named("a"), named("b", "vc+sd-jwt")], "credential_sets": sets})
    view = await wallet.ask(asking.begin())
    assert (view.alternatives, [part.query for part in view.parts]) == ((), ["a"])
    await agree(wallet.means, wallet.vault, view.id)
    assert list(asking.verified()) == ["a"]


async def test_what_need_not_be_shown_is_off_until_chosen(wallet: Wallet) -> None:
    await put_document(wallet.means, wallet.vault, ["dc+sd-jwt", "vc+sd-jwt"])
    sets = [{"options": [["a"]]}, {"options": [["b"]], "required": False}, {"options": [["c"]], "required": False}]
    query = {"credentials": [named("a"), named("b", "vc+sd-jwt"), named("c", **NOT_HELD)], "credential_sets": sets}
    for ways, shown in (({}, ["a"]), ({"1": ""}, ["a"]), ({"1": "b"}, ["a", "b"])):
        asking = suite(wallet, query=query)
        view = await wallet.ask(asking.begin())
        assert [(each.position, each.required, [way.name for way in each.ways]) for each in view.alternatives] == [(1, False, ["b", ""])]
        await agree(wallet.means, wallet.vault, view.id, ways=ways)
        assert list(asking.verified()) == shown


async def test_a_way_with_copies_left_comes_before_one_without(wallet: Wallet) -> None:
    await put_document(wallet.means, wallet.vault, ["dc+sd-jwt"], copies=1)
    await put_document(wallet.means, wallet.vault, ["vc+sd-jwt"])
    spent = suite(wallet)
    await wallet.share(spent.begin())
    sets = [{"options": [["a"], ["b"]]}]
    asking = suite(wallet, query={"credentials": [named("a"), named("b", "vc+sd-jwt")], "credential_sets": sets})
    wallet.world.strangers.add(COUNCIL)  # to whom the used copy does not belong
    view = await wallet.ask(asking.begin())
    assert [part.query for part in view.parts] == ["b"]
    assert view.problem == ""
    both = await wallet.look(view.id, ways={"0": "a"})
    assert "no copy left" in both.problem


async def test_several_documents_of_several_formats_go_in_one_answer(wallet: Wallet) -> None:
    for form in SHOWABLE:
        await put_document(wallet.means, wallet.vault, [form])
    asking = suite(wallet, query={"credentials": [named(f"q{at}", form) for at, form in enumerate(SHOWABLE)]})
    view = await wallet.ask(asking.begin())
    assert len(view.parts) == len(SHOWABLE)
    await agree(wallet.means, wallet.vault, view.id)
    facts = asking.verified()
    assert {each.claims["represented"]["given_name"] for each in facts.values()} == {GIVEN_NAME}
    assert len((await wallet.lines())[-1].entry.documents) == len(SHOWABLE)


async def test_one_document_answers_two_questions_with_a_copy_for_each(wallet: Wallet) -> None:
    await put_document(wallet.means, wallet.vault, ["dc+sd-jwt", "vc+sd-jwt"])
    asking = suite(wallet, query={"credentials": [named("a"), named("b", "vc+sd-jwt")]})
    await wallet.share(asking.begin())
    assert list(asking.verified()) == ["a", "b"]
    twice = suite(wallet, query={"credentials": [named("a"), named("b")]})
    wallet.world.strangers.add(COUNCIL)  # so that the copy shown before belongs to somebody else
    await wallet.share(twice.begin())
    facts = twice.verified()
    assert facts["a"].holder != facts["b"].holder
    with pytest.raises(Conflict):  # none is left for anybody else
        await wallet.share(suite(wallet, query={"credentials": [named("a"), named("b")]}).begin())


async def test_the_person_chooses_among_documents_for_each_part(wallet: Wallet) -> None:
    first = await put_document(wallet.means, wallet.vault)
    second = await put_document(
        wallet.means, wallet.vault, claims={**CLAIMS, "represented": {**CLAIMS["represented"], "given_name": "Maud"}}
    )
    asking = suite(wallet)
    view = await wallet.ask(asking.begin())
    assert {choice.document for choice in view.parts[0].choices} == {first, second}
    await agree(wallet.means, wallet.vault, view.id, chosen={"document": second})
    assert asking.verified()["document"].claims["represented"]["given_name"] == "Maud"


async def test_what_was_not_looked_at_is_not_shown(wallet: Wallet) -> None:
    """Another document came between looking and agreeing: nothing is shown that nobody chose."""
    first = await put_document(wallet.means, wallet.vault)
    asking = suite(wallet)
    view = await wallet.ask(asking.begin())
    await put_document(wallet.means, wallet.vault, claims=MAUD, later=5)
    for chosen in ({}, {"other": first}, {"document": first, "other": first}):
        with pytest.raises(Conflict):
            await agree(wallet.means, wallet.vault, view.id, chosen=chosen)
    assert asking.answers == []
    await agree(wallet.means, wallet.vault, view.id, chosen=view.documents, ways=view.ways)
    assert asking.verified()["document"].claims["represented"]["given_name"] == GIVEN_NAME


async def test_a_way_that_was_not_looked_at_is_not_gone(wallet: Wallet) -> None:
    """The ways show different documents: none is taken that nobody named."""
    await put_document(wallet.means, wallet.vault, ["dc+sd-jwt"])
    await put_document(wallet.means, wallet.vault, ["vc+sd-jwt"], claims=MAUD)
    sets = [{"options": [["a"], ["b"]]}]
    asking = suite(wallet, query={"credentials": [named("a"), named("b", "vc+sd-jwt")], "credential_sets": sets})
    view = await wallet.ask(asking.begin())
    assert (list(view.documents), view.ways) == (["a"], {"0": "a"})
    with pytest.raises(Conflict):
        await agree(wallet.means, wallet.vault, view.id)
    with pytest.raises(Conflict):
        await agree(wallet.means, wallet.vault, view.id, chosen=view.documents, ways={"0": "b"})
    assert asking.answers == []
    await agree(wallet.means, wallet.vault, view.id, chosen=view.documents, ways=view.ways)
    assert list(asking.verified()) == ["a"]


async def test_a_question_that_intends_to_keep_is_told_as_one(wallet: Wallet) -> None:
    await put_document(wallet.means, wallet.vault, ["mso_mdoc"])
    for keeps in (True, False):
        query = wanted("mso_mdoc")
        query["claims"][-1]["intent_to_retain"] = keeps
        view = await wallet.ask(suite(wallet, query={"credentials": [query]}).begin())
        assert ("intends to keep" in view.intends, "intends to keep" in view.sentence) == (keeps, keeps)


# --- transactions ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["dc+sd-jwt", "vc+sd-jwt"])
async def test_what_is_agreed_to_is_shown_signed_and_remembered(wallet: Wallet, form: str) -> None:
    await put_document(wallet.means, wallet.vault, [form])
    entry = render_agreement(AGREED, ["document"])
    asking = suite(wallet, query={"credentials": [wanted(form)]})
    view = await wallet.ask(asking.begin(transaction_data=(entry,)))
    [agreeing] = view.agreeing
    assert (agreeing.statement, agreeing.reference, agreeing.document) == (STATEMENT.en, "CT/7", view.parts[0].choices[0].title)
    assert STATEMENT.en in view.sentence
    [welsh] = (await wallet.look(view.id, locale="cy")).agreeing
    assert (welsh.statement, welsh.translation, welsh.translation_lang) == (STATEMENT.cy, STATEMENT.en, "en")
    await agree(wallet.means, wallet.vault, view.id)
    facts = asking.verified()["document"]
    assert facts.binding_claims["transaction_data_hashes"] == agreed_members([entry])["transaction_data_hashes"]
    line = (await wallet.lines())[-1].entry
    [kept] = line.agreed or ()
    assert ([one.content for one in kept.statement], kept.reference) == ([STATEMENT.en, STATEMENT.cy], "CT/7")
    assert (await wallet.storage.read(lambda tx: history.check(tx, wallet.vault))).size == line.seq


async def test_both_languages_are_shown_where_they_do_not_say_the_same(wallet: Wallet) -> None:
    """Both are signed: £4,000 in English may not hide behind £4 in Welsh."""
    await put_document(wallet.means, wallet.vault)
    for locale, own, other in (("cy", "Talu £4", "Pay £4,000"), ("en", "Pay £4,000", "Talu £4")):
        entry = render_agreement(Agreement(statement=Text("Pay £4,000", "Talu £4")), ["document"])
        view = await wallet.look((await wallet.ask(suite(wallet).begin(transaction_data=(entry,)))).id, locale=locale)
        assert (view.agreeing[0].statement, view.agreeing[0].translation) == (own, other)
        assert own in view.sentence
        assert other in view.sentence
    alike = render_agreement(Agreement(statement=Text("Pay £4", "Pay £4")), ["document"])
    view = await wallet.ask(suite(wallet).begin(transaction_data=(alike,)))
    assert view.agreeing[0].translation == ""
    assert view.sentence.count("Pay £4") == 1


async def test_an_answer_without_the_agreement_is_not_taken_for_one(wallet: Wallet) -> None:
    await put_document(wallet.means, wallet.vault)
    asking = suite(wallet)
    await wallet.share(asking.begin())
    entry = render_agreement(AGREED, ["document"])
    assert "agreed" not in json.loads(history.export(await wallet.lines(), holder="Nora", at=0))["entries"][-1]
    [answer] = asking.answers
    assert not isinstance(answer, WalletRefusal)
    form, issuer = formats()["dc+sd-jwt"], load_certificate(registry().x5c[0]).public
    parsed = form.parse(answer.vp_token["document"][0])
    with pytest.raises(NotBound):
        form.verify(parsed, issuer, binding=asking.request.binding([entry]), at=wallet.world.clock())


async def test_one_document_of_several_agrees(wallet: Wallet) -> None:
    await put_document(wallet.means, wallet.vault, ["dc+sd-jwt", "vc+sd-jwt"])
    entry = render_agreement(AGREED, ["b", "a"])
    asking = suite(wallet, query={"credentials": [named("a"), named("b", "vc+sd-jwt")]})
    await wallet.share(asking.begin(transaction_data=(entry,)))
    facts = asking.verified()
    assert ["transaction_data_hashes" in facts[name].binding_claims for name in ("a", "b")] == [False, True]


async def test_a_document_that_cannot_agree_is_not_shown_instead(wallet: Wallet) -> None:
    await put_document(wallet.means, wallet.vault, ["dc+sd-jwt", "vc+sd-jwt"])
    sets = [{"options": [["a"], ["b"]]}]
    query = {"credentials": [named("a"), named("b", "vc+sd-jwt")], "credential_sets": sets}
    asking = suite(wallet, query=query)
    view = await wallet.ask(asking.begin(transaction_data=(render_agreement(AGREED, ["b"]),)))
    assert view.problem.startswith("Nothing that you would show can be used to agree")
    assert view.agreeing[0].document == ""
    with pytest.raises(InvalidTransactionData):
        await agree(wallet.means, wallet.vault, view.id)
    assert asking.answers == []
    await agree(wallet.means, wallet.vault, view.id, ways={"0": "b"})
    assert list(asking.verified()) == ["b"]


# --- who asks, unproved ----------------------------------------------------------------------------------------------------------------


async def test_nobody_signed_is_said_and_refused_by_default(wallet: Wallet) -> None:
    await put_document(wallet.means, wallet.vault)
    asking = suite(wallet, prefix="redirect_uri")
    link = asking.begin()
    with pytest.raises(InvalidRequest):
        await wallet.ask(link)
    low = replace(wallet, means=replace(wallet.means, admit=Admission(unsigned=True)))
    view = await low.ask(link)
    assert (view.asker.proved, view.asker.doubt, view.asker.name) == (False, "unsigned", "council.example")
    assert view.asker.party == asking.client_id
    await agree(low.means, low.vault, view.id)
    assert asking.verified()
    party = (await wallet.lines())[-1].entry.interacting_party_identifier
    assert (party.type, party.identifier) == ("redirect_uri", asking.client_id)


async def test_a_receipt_that_nobody_can_have_signed_does_not_fit(wallet: Wallet) -> None:
    await put_document(wallet.means, wallet.vault)
    asking = suite(wallet, prefix="redirect_uri")
    low = replace(wallet, means=replace(wallet.means, admit=Admission(unsigned=True)))
    view = await low.ask(asking.begin())

    asking.members = {"receipt": "a.b.c"}
    state = (await agree(low.means, low.vault, view.id)).value.state
    assert isinstance(state, Answered)
    assert state.receipt_problem.startswith("untrusted")


async def test_a_verifier_that_moves_away_is_not_followed(wallet: Wallet) -> None:
    await put_document(wallet.means, wallet.vault)
    asking = suite(wallet)
    view = await wallet.ask(asking.begin())
    asking.moved_to = "https://evil.example/"
    state = (await agree(wallet.means, wallet.vault, view.id)).value.state
    assert isinstance(state, Answered)
    assert state.refusal
    assert state.redirect_uri is None
    assert not [url for _, _, url in wallet.world.log if "evil" in url]


# --- the Digital Credentials API -------------------------------------------------------------------------------------------------------


async def platform(wallet: Wallet, asking: Suite, data: Any, origin: str = COUNCIL) -> str:
    return (await read_platform_request(wallet.means, wallet.vault, asking.way, data, origin)).id


async def test_a_platform_gets_the_answer_and_nothing_is_sent(wallet: Wallet) -> None:
    await put_document(wallet.means, wallet.vault)
    asking = suite(wallet, way=SIGNED, mode="dc_api.jwt")
    name = await platform(wallet, asking, asking.begin())
    view = await wallet.look(name)
    assert (view.asker.proved, view.asker.doubt, view.handed) == (True, "", None)
    state = (await agree(wallet.means, wallet.vault, name)).value.state
    assert isinstance(state, Answered)
    handed = (await wallet.look(name)).handed
    assert handed == state.handed
    asking.take(handed or {})
    assert asking.verified()
    assert wallet.world.log == []
    assert await platform(wallet, asking, asking.begin()) == name  # brought again: what became of it
    assert (await wallet.lines())[-1].entry.transaction_result == "success"


async def test_a_site_is_known_only_by_what_the_browser_says(wallet: Wallet) -> None:
    await put_document(wallet.means, wallet.vault)
    asking = suite(wallet, way=UNSIGNED, mode="dc_api.jwt")
    name = await platform(wallet, asking, asking.begin())
    view = await wallet.look(name)
    assert (view.asker.proved, view.asker.doubt, view.asker.name) == (False, "site", COUNCIL)
    state = (await refuse(wallet.means, wallet.vault, name)).value.state
    assert isinstance(state, Withheld)
    assert state.told
    assert (await wallet.look(name)).handed == {"error": "access_denied"}
    party = (await wallet.lines())[-1].entry.interacting_party_identifier
    assert (party.type, party.identifier) == ("origin", f"origin:{COUNCIL}")
    assert wallet.world.log == []


async def test_a_refusal_over_the_network_is_not_handed_to_anybody(wallet: Wallet) -> None:
    await put_document(wallet.means, wallet.vault)
    asking = suite(wallet)
    view = await wallet.ask(asking.begin())
    await refuse(wallet.means, wallet.vault, view.id)
    assert (await wallet.look(view.id)).handed is None


async def test_a_did_that_nobody_knows_is_not_looked_up(wallet: Wallet) -> None:
    asking = suite(wallet, prefix="decentralized_identifier:did:web:council.example")
    with pytest.raises((Untrusted, InvalidRequest, Malformed)):
        await wallet.ask(asking.begin())
    assert [url for _, _, url in wallet.world.log if "did.json" in url] == []


# --- a bank's question: who somebody is, and for whom they act --------------------------------------------------------------------------

PERSON = next(kind for kind in all_types().values() if kind.id == "person")
NORA = {
    "given_name": "Nora",
    "family_name": "Ashdown",
    "birthdate": "1968-03-14",
    "address": {"postal_code": "ZZ99 4CD"},
    "issuing_authority": "Identity Office (test)",
    "issuing_country": "GB",
    "issuing_jurisdiction": "GB-EAW",
}


def who(form: str) -> dict[str, Any]:
    paths = [["given_name"], ["family_name"], ["birthdate"]]
    if form == "mso_mdoc":
        claims = [PERSON.claim(tuple(path)) for path in paths]
        asked = [{"path": [PERSON.doctype, claim.mdoc_element]} for claim in claims if claim is not None]
        return {"id": "person", "format": form, "meta": {"doctype_value": PERSON.doctype}, "claims": asked}
    return {"id": "person", "format": form, "meta": {"vct_values": [PERSON.vct]}, "claims": [{"path": path} for path in paths]}


@pytest.mark.parametrize(("first", "second"), [("dc+sd-jwt", "dc+sd-jwt"), ("mso_mdoc", "dc+sd-jwt"), ("dc+sd-jwt", "mso_mdoc")])
async def test_who_somebody_is_and_for_whom_they_act_go_together_or_not_at_all(wallet: Wallet, first: str, second: str) -> None:
    await put_document(wallet.means, wallet.vault, [second])
    asking = suite(wallet, query={"credentials": [who(first), named("power", second)]})
    link = asking.begin()
    view = await wallet.ask(link)
    assert (view.parts, view.problem) == ((), "Nothing in your wallet answers what they ask for.")
    await put_document(wallet.means, wallet.vault, [first], vct=PERSON.vct, claims=NORA)
    view = await wallet.ask(link)
    assert [part.query for part in view.parts] == ["person", "power"]
    assert view.acting_for == "Margaret Ashdown"
    await agree(wallet.means, wallet.vault, view.id)
    facts = asking.verified()
    assert facts["person"].claims["birthdate"] == "1968-03-14"
    assert facts["power"].claims["represented"]["given_name"] == GIVEN_NAME
    assert "address" not in facts["person"].claims or not facts["person"].claims["address"]
    assert [method for _, method, _ in wallet.world.log].count("POST") == 1
