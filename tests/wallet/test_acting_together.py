"""Acting with others, and for others: what the wallet says, signs, and keeps apart (security rule S26, domain rule R2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from support.documents import document as a_document
from support.holdings import put_document
from support.suite_verifier import Suite, wanted
from support.trial_verify import CLAIMS
from support.wallets import Wallet

from shared import addressed
from shared.credentials import Text, by_id
from shared.credentials._derive import dcql, path_in
from shared.dcql import parse_query
from shared.errors import Malformed
from shared.formats import formats
from shared.jose.jwt import parse_jwt
from shared.openid4vp import JOINT, Agreement, IntendedUse, VpResponse, agreed_members, render_agreement, render_use
from wallet import share
from wallet.acting import acting_words
from wallet.choose import Offer, find_offers
from wallet.pages.copies import questions
from wallet.present import agree

TAG, NUMBER = ("instrument_tag",), ("attorney_number",)
LPA_2 = CLAIMS | {"decision_rule": "jointly", "cardinality": 2, "instrument_tag": "q83vEjRWeJCrze8SNFZ4kA", "attorney_number": 1}
ACT = Agreement(statement=Text("Sell the house at Poplar Court.", "Gwerthu’r tŷ yn Poplar Court."), reference="T" * 22, together=True)
ENTRY = render_agreement(ACT, ["document"])


def asking(wallet: Wallet, *paths: tuple[str, ...]) -> Suite:
    made = Suite(wallet.world.clock, query={"credentials": [wanted(paths=(("represented", "given_name"), *paths))]})
    wallet.world.council = made
    return made


def said(agreed: int | None) -> Any:
    use = IntendedUse(identifier="property-sale-together", purpose=Text("Sell a house", "Gwerthu tŷ"), agreed=agreed)
    return {"verifier_info": (render_use(use),), "transaction_data": (ENTRY,)}


@pytest.mark.parametrize(
    ("agreed", "needed", "words"),
    [
        (None, 2, "You are the first of 2 who have to agree."),
        (0, 3, "You are the first of 3 who have to agree."),
        (1, 3, "They say that 1 of 3 have agreed. After you, others still have to."),
        (1, 2, "They say that 1 of 2 have agreed to the same. With you it counts."),
    ],
)
async def test_a_holder_is_told_who_else_has_to_agree(wallet: Wallet, agreed: int | None, needed: int, words: str) -> None:
    await put_document(wallet.means, wallet.vault, claims=LPA_2 | {"cardinality": needed})
    view = await wallet.ask(asking(wallet, TAG, NUMBER).begin(**said(agreed)))
    assert words in view.together
    assert view.together in view.sentence
    assert view.agreeing[0].statement == ACT.statement.en


async def test_a_joint_act_is_signed_with_the_mark_of_the_instrument(wallet: Wallet) -> None:
    await put_document(wallet.means, wallet.vault, claims=LPA_2)
    suite = asking(wallet, TAG, NUMBER)
    view = await wallet.ask(suite.begin(**said(0)))
    assert ENTRY.type == JOINT
    await agree(wallet.means, wallet.vault, view.id)
    facts = suite.verified()["document"]
    assert facts.binding_claims["transaction_data_hashes"] == agreed_members([ENTRY])["transaction_data_hashes"]
    assert (facts.claims["instrument_tag"], facts.claims["attorney_number"]) == (LPA_2["instrument_tag"], 1)


async def test_the_mark_serves_nothing_else(wallet: Wallet) -> None:
    """Who does not ask several people to agree to the same is not shown of which instrument a document is."""
    await put_document(wallet.means, wallet.vault, claims=LPA_2)
    plain: dict[str, Any] = {}
    for more in (plain, {"transaction_data": (render_agreement(Agreement(statement=ACT.statement), ["document"]),)}):
        suite = asking(wallet, TAG, NUMBER)
        view = await wallet.ask(suite.begin(**more))
        assert view.together == ""
        await agree(wallet.means, wallet.vault, view.id)
        [answer] = suite.answers
        assert isinstance(answer, VpResponse)
        (wire,) = answer.vp_token["document"]
        form = formats()["dc+sd-jwt"]
        assert not {"instrument_tag", "attorney_number"} & form.peek(form.parse(wire)).claims.keys()


@pytest.mark.parametrize("form", sorted(name for name, each in formats().items() if each.withholds))
async def test_what_leads_above_the_mark_does_not_show_it(wallet: Wallet, form: str) -> None:
    """Nor the number: both are shown only to whom they were asked for by their own names."""
    kind = by_id("representation")
    await put_document(wallet.means, wallet.vault, (form,), claims=LPA_2 | {"report_tag": "A" * 43})
    above = ["credentialSubject"] if form == "vc+sd-jwt" else list(path_in(kind, ("represented", "given_name"), form))
    query = dcql(kind, "council-tax", form)["credentials"][0]
    asked = {key: query[key] for key in ("id", "format", "meta")} | {"claims": [{"path": above}]}
    (offer,) = await find(wallet, asked)
    shown = formats()[form].peek(offer.disclose(offer.sample, ())).claims
    assert not {"instrument_tag", "attorney_number", "report_tag"} & shown.keys()
    assert shown["represented"]["given_name"]
    assert form != "vc+sd-jwt" or shown["powers"]
    asked["claims"] = [{"path": list(path_in(kind, path, form))} for path in (TAG, NUMBER)]
    (offer,) = await find(wallet, asked)
    assert formats()[form].peek(offer.disclose(offer.sample, ())).claims["instrument_tag"] == LPA_2["instrument_tag"]


async def find(wallet: Wallet, asked: dict[str, Any]) -> Sequence[Offer]:
    query = parse_query({"credentials": [asked]})
    found = await wallet.storage.read(lambda tx: find_offers(tx, wallet.vault, query, "https://x.example", at=wallet.means.clock()))
    return found.parts[asked["id"]]


async def test_no_copy_is_made_out_with_the_mark_but_for_acting_together(wallet: Wallet) -> None:
    await put_document(wallet.means, wallet.vault, claims=LPA_2)
    with pytest.raises(Malformed, match="several"):
        await share.make_out(wallet.means, wallet.vault, replace(WISH, query=None, claims=("powers/*", "instrument_tag")))


async def test_a_document_without_the_mark_does_not_answer(wallet: Wallet) -> None:
    await put_document(wallet.means, wallet.vault)
    view = await wallet.ask(asking(wallet, TAG, NUMBER).begin(**said(0)))
    assert view.problem


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("representation", {}, "You are acting for Margaret Ashdown as attorney."),
        ("representation", {"represented": {}}, "You are acting for somebody as attorney."),
        ("representation", {"representation_kind": "new"}, "You are acting for Margaret Ashdown."),
        ("person", {}, ""),
    ],
)
def test_cards_say_for_whom_and_as_what(kind: str, changes: dict[str, Any], words: str) -> None:
    claims = (CLAIMS if kind == "representation" else {}) | changes
    assert acting_words(by_id(kind), claims, lambda text: text, "en") == words


def test_an_executor_and_a_solicitor_are_no_attorneys() -> None:
    kind = by_id("estate-authority")
    estate = a_document(kind) | {"deceased": {"given_name": "Arthur", "family_name": "Penhale"}, "authority_level": "named-executor"}
    estate |= {"acts_for_another": False}
    assert acting_words(kind, estate, str, "en") == "You are dealing with the estate of Arthur Penhale as executor named in the will."
    assert acting_words(kind, estate | {"deceased": {}}, str, "en") == "You are dealing with an estate as executor named in the will."
    solicitor = estate | {"acts_for_another": True, "acting_for": {"given_name": "Tom", "family_name": "Penhale"}}
    assert acting_words(kind, solicitor, str, "en") == "You are acting for Tom Penhale as solicitor."
    assert acting_words(kind, solicitor, str, "cy") == "You are acting for Tom Penhale as cyfreithiwr."


WISH = share.Wish(entity="https://northwold-bank.example", name="Northwold Bank", purpose_id="bank-together", query="bank-together")


async def test_the_first_copy_names_an_act_and_the_others_join_it(wallet: Wallet) -> None:
    await put_document(wallet.means, wallet.vault, claims=LPA_2)
    first = (await share.make_out(wallet.means, wallet.vault, WISH)).value
    assert len(first.together) == 26
    assert share.grouped(first.together).split(" ")[0] == first.together[:4]
    joined = replace(WISH, together=share.grouped(first.together).upper())
    second = (await share.make_out(wallet.means, wallet.vault, joined)).value
    for made in (first, second):
        ((wire,),) = addressed.parse_file(made.file).vp_token.values()
        claims = parse_jwt(wire.rpartition("~")[2]).claims
        assert addressed.transaction_of(claims) == first.together
    assert first.file != second.file


async def test_a_copy_that_nobody_joins_names_no_act(wallet: Wallet) -> None:
    await put_document(wallet.means, wallet.vault, claims=LPA_2)
    alone = replace(WISH, purpose_id="bank", query="bank")
    assert (await share.make_out(wallet.means, wallet.vault, alone)).value.together == ""
    for wish in (replace(alone, together="abcd"), replace(WISH, together="a" * 65), replace(WISH, together="caf\u00e9")):
        with pytest.raises(Malformed):
            await share.make_out(wallet.means, wallet.vault, wish)
    assert share.grouped("T-8") == "T-8"


def test_only_who_can_act_together_is_offered_it() -> None:
    for together in ((), ("representation",)):
        offered = {each["key"] for each in questions("en", {"representation"}, together)}
        assert ("representation/bank-together" in offered) is bool(together)
        assert "representation/bank" in offered
