"""That a detail is disputed: in clear in every kind of document and every format, a remark of the verdict, and never a reason for it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.documents import document
from support.signing import AT
from support.trial_verify import CLAIMS, copy_binding, credential_type, decide, expectation, holder, issue, registry, resign, show

from shared.credentials import DISPUTED, Claim, CredentialType, Group, Kind, Text, all_types
from shared.credentials._derive import json_schema, type_metadata
from shared.credentials._sound import check_sound
from shared.errors import Malformed
from shared.formats import formats

SAID = {**CLAIMS, DISPUTED: True}


@pytest.mark.parametrize("rules", all_types().values(), ids=lambda rules: rules.id)
@pytest.mark.parametrize("name", sorted(formats()))
def test_every_document_can_say_it_and_no_holder_can_withhold_it(name: str, rules: CredentialType) -> None:
    form = formats()[name]
    parsed = form.parse(issue(name, type=rules, claims={**document(rules), DISPUTED: True}))
    form.check_received(parsed, registry().signer.public, holder=holder().public, at=AT)
    least = [("credentialSubject", name) for name in document(rules)] if name == "vc+jwt" else ()
    assert form.peek(form.disclose(parsed, least)).claims[DISPUTED] is True
    assert not any(DISPUTED in path for path in form.peek(parsed).disclosable)


@pytest.mark.parametrize("name", ["dc+sd-jwt", "dc+sd-cwt"])
def test_a_verdict_remarks_it_and_decides_as_without_it(name: str) -> None:
    wire = show(issue(name, claims=SAID), format_name=name, binding=copy_binding())
    decision = decide(wire, want=expectation(format=name, binding=replace(copy_binding(), nonce=None, max_age=14 * 86_400)))
    assert (decision.decision, decision.line("type_rules").code) == ("accepted", DISPUTED)
    assert decision.credentials[0].claims.claims[DISPUTED] is True


def test_no_more_is_said_of_documents_without_it() -> None:
    assert decide(show(issue())).line("type_rules").code == ""
    assert decide(show(issue(claims={**CLAIMS, DISPUTED: False}))).line("type_rules").code == ""


def test_it_has_no_other_form_and_is_no_disclosure() -> None:
    odd = show(resign(issue(), disputed="yes"))
    assert decide(odd).line("type_rules").code == "type_rule_broken"
    mdoc = formats()["mso_mdoc"]
    whole, bare = (issue("mso_mdoc", claims=claims, seed="same") for claims in (SAID, CLAIMS))
    assert DISPUTED in mdoc.peek(mdoc.parse(whole)).claims
    assert DISPUTED not in mdoc.peek(mdoc.parse(bare)).claims


def test_no_form_asks_for_it_and_descriptions_stay_as_they_were() -> None:
    rules = credential_type()
    assert DISPUTED not in json_schema(rules)["properties"]
    assert [DISPUTED] not in [claim["path"] for claim in type_metadata(rules)["claims"]]
    with pytest.raises(Malformed):
        rules.check(CLAIMS | {DISPUTED: 1})


def test_no_type_has_a_detail_of_that_name_or_number() -> None:
    rules = credential_type()
    other = Claim(path=("a_new_one",), kind=Kind.TEXT, label=Text("New", "Newydd"), group="new", cwt=40)
    group = Group(id="new", label=Text("New", "Newydd"), cwt=max(each.cwt for each in rules.groups) + 1)
    wider = replace(rules, claims=(*rules.claims, other), groups=(*rules.groups, group))
    check_sound(wider)
    for wrong, where in (
        (replace(other, path=(DISPUTED,)), "path"),
        (replace(other, cwt=63), "cwt"),
        (replace(other, mdoc=DISPUTED), "mdoc"),
    ):
        with pytest.raises(Malformed) as refused:
            check_sound(replace(wider, claims=(*rules.claims, wrong)))
        assert refused.value.where.endswith(where)
