"""A permission to tell is agreed to in words that are made of its limits (domain sheet C04)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.credentials import Text
from shared.errors import InvalidTransactionData
from shared.openid4vp import (
    AGREE,
    PERMISSION,
    Body,
    Permission,
    category_text,
    limits_of,
    parse_agreement,
    parse_permission,
    parse_permission_members,
    parse_transaction_data,
    permission_kind,
    permission_members,
    permission_reference,
    render_permission,
    render_transaction_data,
)

ALLOWED = Permission(
    id="AAECAwQFBgcICQoLDA0ODw",
    discloser=Body(id="https://westshire-cc.example", name="Westshire County Council"),
    recipient=Body(id="https://dwp.example", name="the Pensions department"),
    categories=("care-contribution-assessment",),
    purpose=Text("so that her Pension Credit is right.", "fel bod ei Chredyd Pensiwn yn iawn"),
    not_before="2027-01-15",
    expires="2027-06-30",
    max_uses=1,
    withdraw_at="https://westshire-cc.example/permissions",
    on_behalf_of=True,
)


def test_its_words_are_made_of_its_limits() -> None:
    entry = render_permission(ALLOWED, ["poa"])
    agreement = parse_agreement(entry)
    assert (agreement.reference, agreement.together) == (ALLOWED.id, False)
    assert agreement.statement.en == (
        "I allow Westshire County Council to tell the Pensions department (https://dwp.example) this, once, until 30 June 2027: assessment "
        "of the care contribution. The reason: so that her Pension Credit is right. Nothing else. I can withdraw this."
    )
    assert agreement.statement.cy == (
        "Rwy’n caniatáu i Westshire County Council ddweud hyn wrth the Pensions department (https://dwp.example), unwaith, hyd at 30 Mehefin "
        "2027: asesiad o’r cyfraniad gofal. Y rheswm: fel bod ei Chredyd Pensiwn yn iawn. Dim byd arall. Gallaf dynnu hyn yn ôl."
    )
    often = parse_agreement(render_permission(replace(ALLOWED, max_uses=3), ["poa"]))
    assert "this, at most 3 times, until" in often.statement.en


def test_whoever_reads_it_calls_organisations_as_they_know_them() -> None:
    entry = render_permission(replace(ALLOWED, recipient=Body(id="https://adverts.example", name="the Pensions department")), ["poa"])
    council = Text("Westshire County Council", "Cyngor Sir Westshire")
    known = {ALLOWED.discloser.id: council, "https://adverts.example": Text("Adverts plc", "Hysbysebion ccc")}
    named = parse_agreement(entry, names=known).statement
    assert named.en.startswith("I allow Westshire County Council to tell Adverts plc (https://adverts.example) this, once,")
    assert named.cy.startswith("Rwy’n caniatáu i Cyngor Sir Westshire ddweud hyn wrth Hysbysebion ccc (https://adverts.example), unwaith,")
    doubted = parse_agreement(entry, names={ALLOWED.discloser.id: council}).statement
    assert doubted.en.startswith("I allow Westshire County Council to tell the Pensions department (https://adverts.example) this, once,")
    assert doubted.en.endswith(
        " Nobody has registered https://adverts.example: what it is called here is only what Westshire County Council says."
    )
    assert doubted.cy.endswith(
        " Nid oes neb wedi cofrestru https://adverts.example: dim ond gair Cyngor Sir Westshire yw’r enw a roddir yma."
    )


def test_it_reads_back() -> None:
    assert ALLOWED.reference == permission_reference(ALLOWED.id) == "AAECAwQF"
    assert datetime.fromtimestamp(ALLOWED.kept_until, UTC) == datetime(2028, 7, 1, tzinfo=UTC), "a year after its last day"
    entry = parse_transaction_data(render_permission(ALLOWED, ["poa"]).raw, "")
    assert (parse_permission(entry), entry.credential_ids) == (ALLOWED, ("poa",))
    assert parse_permission(render_transaction_data(AGREE, ["poa"], {})) is None
    own = limits_of(replace(ALLOWED, on_behalf_of=False))
    assert (own["legal_basis"], limits_of(ALLOWED)["legal_basis"]) == ("consent", "consent-by-attorney")
    permission_kind().judge(own, {"today": "2027-02-01", "categories": ["care-contribution-assessment"]})


def test_a_code_that_is_not_known_stays_as_it_is() -> None:
    assert (category_text("savings", "cy"), category_text("shoe-size")) == ("cynilion", "shoe-size")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"shoe_size": 44}, ""),
        ({"permission": "AAEC"}, "/permission"),
        ({"permission": "no base64!"}, "/permission"),
        ({"discloser": "https://westshire-cc.example"}, "/discloser"),
        ({"recipient": {"id": "https://dwp.example"}}, "/recipient"),
        ({"recipient": {"id": "https://dwp.example) and you (", "name": "x"}}, "/recipient/id"),
        ({"recipient": {"id": "https://dwp.example", "name": "Pensions\u202enoitaicossA"}}, "/recipient/name"),
        ({"recipient": {"id": "https://dwp.example", "name": "Pensions\n\nI also allow"}}, "/recipient/name"),
        ({"discloser": {"id": "https://westshire-cc.example", "name": "Council\u200b"}}, "/discloser/name"),
        ({"purpose": [{"lang": "en", "content": "a"}, {"lang": "cy", "content": "\u2067b"}]}, "/purpose"),
        ({"data_categories": []}, "/data_categories"),
        ({"data_categories": ["shoe-size"]}, "/data_categories/0"),
        ({"purpose": [{"lang": "en", "content": "x" * 301}]}, "/purpose"),
        ({"expires": "2028-06-30"}, "/expires"),
        ({"expires": "soon"}, "/expires"),
        ({"max_uses": 0}, "/max_uses"),
        ({"on_behalf_of": "yes"}, "/on_behalf_of"),
    ],
)
def test_a_permission_without_limits_is_none(change: dict[str, Any], where: str) -> None:
    entry = render_transaction_data(PERMISSION, ["poa"], permission_members(ALLOWED) | change)
    with pytest.raises(InvalidTransactionData) as caught:
        parse_agreement(entry, "/transaction_data/0")
    assert caught.value.where in {where, f"/transaction_data/0{where}"}


def test_a_limit_left_out() -> None:
    for name in permission_members(ALLOWED):
        members = {each: value for each, value in permission_members(ALLOWED).items() if each != name}
        with pytest.raises(InvalidTransactionData):
            parse_permission_members(members)


@given(st.dictionaries(st.sampled_from(sorted(permission_members(ALLOWED))), st.none() | st.booleans() | st.text() | st.lists(st.text())))
def test_a_permission_or_an_error(change: dict[str, Any]) -> None:
    with suppress(InvalidTransactionData):
        parse_permission_members(permission_members(ALLOWED) | change)
