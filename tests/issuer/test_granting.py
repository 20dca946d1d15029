"""What a person fills in for a body is what is granted, nothing more; what would end is said before; and an end is seen before it is done."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.console import Browser, add
from support.registry import Registry, Template, serving
from support.superior import COURT, VCT, Below, enrolled, row

from issuer.federation.terms import Terms, parse_terms, render_terms
from issuer.federation.terms_form import LISTS, ending, fill, read, running
from issuer.pages.federated import link
from issuer.records.subordinates import State
from shared.clock import DAY, floor_day
from shared.codec import strict_json
from shared.trust.entitlements import Entitlement, Grants
from shared.web.forms import Form

AT = 1_800_000_000
TODAY = floor_day(AT)
WHOLE = {
    "says": f"{VCT}\nurn:b",
    "since": "2027-06-01",
    "until": "2028-03-31",
    "jurisdiction": "GB-EAW GB-SCT",
    "basis": "register, inspection",
    "accredits": "urn:c",
    "registers": "GB",
    "registrars": "GB\nIE",
    "marks": "https://justice.example/marks/inspected",
    "levels": "1",
    "kinds": "openid_credential_issuer",
    "permitted": ".courts.example",
    "excluded": "evil.courts.example",
    "policy": '{"openid_credential_issuer": {"contacts": {"essential": true}}}',
}


def say(text: str) -> str:
    return text


def taken(fields: dict[str, str], before: Terms | None = None) -> Terms:
    form = Form(fields)
    terms = read(form, before or Terms(), AT, say)
    assert terms is not None, list(form.summary())
    return terms


def test_every_field_is_granted_as_it_was_filled_in() -> None:
    terms = taken(WHOLE)
    first, last = 1_811_808_000, 1_838_073_600
    limits = {"jurisdiction": ("GB-EAW", "GB-SCT"), "attestation_basis": ("register", "inspection")}
    assert terms.grants == Grants(
        entitlements=tuple(Entitlement(vct=each, since=first, until=last + DAY, **limits) for each in (VCT, "urn:b")),
        accredits=(Entitlement(vct="urn:c", since=first, until=last + DAY),),
        may_register=("GB",),
        accredits_registrars=("GB", "IE"),
    )
    assert terms.trust_marks == (WHOLE["marks"],)
    assert terms.constraints == {
        "max_path_length": 1,
        "allowed_entity_types": ["openid_credential_issuer"],
        "naming_constraints": {"permitted": [".courts.example"], "excluded": ["evil.courts.example"]},
    }
    assert terms.policy == strict_json.loads(WHOLE["policy"].encode())


def test_the_form_fills_in_what_stands() -> None:
    terms = taken(WHOLE | {"says": VCT})
    filled = fill(terms, AT)
    assert not filled.mixed
    again = filled.texts | {f"{name}_known": values[0] for name, values in filled.ticked.items() if values and name == "kinds"}
    assert taken(again, terms) == terms


def test_what_is_left_empty_limits_and_ends_nothing() -> None:
    terms = taken({"says": VCT})
    assert terms == Terms(grants=Grants(entitlements=(Entitlement(vct=VCT, since=terms.grants.entitlements[0].since),)))
    assert taken({}) == Terms()


def test_what_is_granted_keeps_its_first_day() -> None:
    before = Terms(grants=Grants(entitlements=(Entitlement(vct=VCT, since=5), Entitlement(vct="urn:over", since=5, until=9))))
    terms = taken({"says": f"{VCT}\nurn:new\nurn:over", "since": "2028-01-01"}, before)
    assert [each.since for each in terms.grants.entitlements] == [5, 1_830_297_600, 1_830_297_600]


def test_days_and_limits_that_differ_are_told() -> None:
    one, other = Entitlement(vct="a", since=5), Entitlement(vct="b", since=5, until=AT + DAY)
    limited = Entitlement(vct="c", since=5, jurisdiction=("GB",))
    assert fill(Terms(grants=Grants(entitlements=(one, other))), AT).mixed
    assert fill(Terms(grants=Grants(entitlements=(one, limited))), AT).mixed
    assert not fill(Terms(grants=Grants(entitlements=(one, Entitlement(vct="d", since=9)))), AT).mixed
    assert not fill(Terms(grants=Grants(entitlements=(one, Entitlement(vct="d", since=9, until=AT)))), AT).mixed


def test_days_and_limits_that_differ_are_kept_where_one_says_so() -> None:
    one, other = Entitlement(vct="a", since=5, until=AT + DAY, jurisdiction=("GB",)), Entitlement(vct="b", since=5, until=AT + 9 * DAY)
    before = Terms(grants=Grants(entitlements=(one, other), accredits=(Entitlement(vct="a", since=5),)))
    fields = {"says": "a b c", "accredits": "a", "until": "2090-01-01", "basis": "register"}
    kept = taken(fields | {"keep": "yes"}, before).grants
    assert kept.entitlements[:2] == (one, other)
    assert kept.accredits == before.grants.accredits
    assert (kept.entitlements[2].vct, kept.entitlements[2].attestation_basis) == ("c", ("register",))
    assert taken(fields, before).grants.entitlements[0].attestation_basis == ("register",)


def test_what_would_end_is_what_is_granted_now_and_then_no_more() -> None:
    before, limits = taken(WHOLE), {name: WHOLE[name] for name in ("jurisdiction", "basis")}
    after = taken({"says": VCT, "registrars": "IE", **limits}, before)
    gone = ending(before, after, AT)
    assert [each.vct for each in gone.grants.entitlements] == ["urn:b"]
    assert [each.vct for each in gone.grants.accredits] == ["urn:c"]
    assert (gone.grants.may_register, gone.grants.accredits_registrars) == (("GB",), ("GB",))
    assert gone.trust_marks == before.trust_marks
    assert ending(after, before, AT) == Terms()
    assert running(before, before.grants.entitlements[0].until or 0).entitlements == ()


def test_other_limits_end_what_stands_and_begin_today() -> None:
    before = Terms(grants=Grants(entitlements=(Entitlement(vct=VCT, since=5),)))
    after = taken({"says": VCT, "jurisdiction": "GB-SCT"}, before)
    assert after.grants.entitlements == (Entitlement(vct=VCT, since=TODAY, jurisdiction=("GB-SCT",)),)
    assert ending(before, after, AT) == before
    assert taken({"says": VCT, "jurisdiction": "GB-SCT"}, after) == after
    assert ending(after, after, AT) == Terms()


@settings(max_examples=150)
@given(st.dictionaries(st.sampled_from([*LISTS, "since", "until", "levels", "policy"]), st.text(max_size=40)))
def test_anything_typed_is_terms_or_a_word_beside_its_field(fields: dict[str, str]) -> None:
    form = Form(fields)
    terms = read(form, Terms(), AT, say)
    assert (terms is None) == form.wrong
    if terms is not None:
        assert parse_terms(render_terms(terms)) == terms


# --- at the pages


@pytest.fixture
async def ministry(template: Template, tmp_path: Path) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "ministry", superior=True) as running:
        yield running


async def seated(registry: Registry) -> Browser:
    await enrolled(registry, Below())
    await add(registry, "Cara", "approver")
    browser = Browser(registry)
    await browser.sign_in("Cara", "correct-horse-battery")
    return browser


async def test_other_terms_are_seen_before_they_are_proposed(ministry: Registry) -> None:
    browser = await seated(ministry)
    page = await browser.open(link("/console/federation/propose", COURT))
    fields = {name: value for name, value in browser.hidden().items() if name in {"entity", "version"}}
    assert VCT in page
    until = "2090-03-31"
    page = await browser.send("/console/federation/propose", fields | {"says": "urn:other", "jurisdiction": "GB-EAW", "until": until})
    assert "What would end" in page
    assert VCT in page
    assert "only for GB-EAW" in page
    assert (await row(ministry)).wanted_terms is None
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))
    page = await browser.send("/console/federation/propose", hidden | {"step": "change"})
    assert "urn:other" in page
    assert (await row(ministry)).wanted_terms is None
    page = await browser.send("/console/federation/propose", hidden | {"step": "send"})
    assert "Other terms were proposed" in page
    wanted = parse_terms((await row(ministry)).wanted_terms or "")
    assert [(each.vct, each.jurisdiction) for each in wanted.grants.entitlements] == [("urn:other", ("GB-EAW",))]


async def test_one_person_ends_it_and_sees_what_it_does_before(ministry: Registry) -> None:
    browser = await seated(ministry)
    assert VCT in await browser.open(link("/console/federation/end", COURT))
    await browser.send("/console/federation/end", {"entity": COURT})
    assert browser.errors() == ["why_end"]
    await browser.send("/console/federation/end", {"entity": COURT, "why_end": "w" * 301, "step": "send"})
    assert browser.errors() == ["why_end"]
    page = await browser.send("/console/federation/end", {"entity": COURT, "why_end": "merged"})
    assert "makes no new documents" in page
    assert (await row(ministry)).state is State.ACTIVE
    await browser.send("/console/federation/end", {"entity": COURT, "why_end": "merged", "step": "send"})
    ended = await row(ministry)
    assert (ended.state, bool(ended.keys)) == (State.ENDED, True)
    assert "has ended here already" in await browser.open(link("/console/federation/end", COURT))
    page = await browser.send("/console/federation/end", {"entity": COURT, "why_end": "stolen"})
    assert "cannot be taken back" in page
    await browser.send("/console/federation/end", {"entity": COURT, "why_end": "stolen", "compromised": "yes", "step": "send"})
    assert (await row(ministry)).keys == ""
