"""A type grows by details and groups; copies that were made before are shown and verified as they were (ADR 0010)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.forge import BINDING, HOLDER, ISSUER, LPA_1, REPRESENTATION, issue, show
from support.signing import AT

from shared.credentials._derive import path_in, whole_groups
from shared.errors import Malformed
from shared.formats import formats

LATER = {"replaces_now", "instrument_tag", "attorney_number"}
SHOWN = (("grant_date",), ("powers", None))
BEFORE = replace(
    REPRESENTATION,
    groups=tuple(group for group in REPRESENTATION.groups if group.id != "joint"),
    claims=tuple(claim for claim in REPRESENTATION.claims if claim.path[0] not in LATER),
)


@pytest.mark.parametrize("name", sorted(formats()))
def test_a_copy_of_before_stays_good(name: str) -> None:
    form = formats()[name]
    parsed = form.parse(issue(form, type=BEFORE))
    assert form.peek(parsed).claims == LPA_1
    paths = [("credentialSubject",)] if name == "vc+jwt" else [path_in(BEFORE, path, name) for path in whole_groups(BEFORE, SHOWN)]
    facts = form.verify(form.parse(show(form, form.disclose(parsed, paths))), ISSUER.public, binding=BINDING, at=AT)
    assert (facts.claims["grant_date"], facts.claims["powers"]) == (LPA_1["grant_date"], LPA_1["powers"])
    REPRESENTATION.judge(facts.claims, {"powers": ["banking"]})


@pytest.mark.parametrize("name", ["dc+sd-cwt", "mso_mdoc"])
def test_a_wallet_takes_no_new_copy_that_hides_less_than_others(name: str) -> None:
    """The number of what is hidden would tell such copies from others (security rule S22): their issuer makes them by the type as it is."""
    form = formats()[name]
    with pytest.raises(Malformed):
        form.check_received(form.parse(issue(form, type=BEFORE)), ISSUER.public, holder=HOLDER.public, at=AT)
