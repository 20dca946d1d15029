"""One claim set through every format: issued, held, partly shown and verified, it says the same, and its limits are always among it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.consistent import whole
from support.forge import BINDING, HOLDER, ISSUER, LEAF, credential, entropy, issue, show
from support.signing import AT

from shared.credentials import Claim, CredentialType, Disclosure, all_types
from shared.credentials._derive import leaves, path_in
from shared.errors import OverDisclosed
from shared.formats import Claims, CredentialFormat, formats
from shared.keys import KeyId

WHOLE = "vc+jwt"
"""Shown whole or not at all."""


def only(rules: CredentialType, claims: Mapping[str, Any], groups: set[str]) -> dict[str, Any]:
    """What is left of ``claims`` for somebody who is shown ``groups``."""
    kept: dict[str, Any] = {}
    for path, claim, value in leaves(rules, claims):
        if claim.disclosure is Disclosure.ALWAYS or claim.group in groups:
            put(kept, path, value)
    return kept


def put(kept: dict[str, Any], path: tuple[Any, ...], value: Any) -> None:
    """At ``path``, whose positions come in order."""
    *above, last = path
    if isinstance(last, int):
        *above, name = above
        inner = descend(kept, above).setdefault(name, [])
        inner.append(value)
    else:
        descend(kept, above)[last] = value


def descend(kept: dict[str, Any], above: list[Any]) -> dict[str, Any]:
    for name in above:
        kept = kept.setdefault(name, {})
    return kept


def shown(form: CredentialFormat, rules: CredentialType, claims: Mapping[str, Any], groups: set[str]) -> Claims:
    """Issued, held, shown in part to whom asked, and verified there."""
    parsed = form.parse(issue(form, type=rules, claims=claims))
    held = form.check_received(parsed, ISSUER.public, holder=HOLDER.public, at=AT)
    assert held.claims == claims
    paths = [path_in(rules, claim.path, form.name) for claim in present(rules, claims) if claim.group in groups]
    if form.name == WHOLE:
        with pytest.raises(OverDisclosed):
            form.disclose(parsed, paths)
        paths = [("credentialSubject",)]
    wire = show(form, form.disclose(parsed, paths))
    return form.verify(form.parse(wire), ISSUER.public, binding=BINDING, at=AT)


def present(rules: CredentialType, claims: Mapping[str, Any]) -> list[Claim]:
    """The selective leaves that there are."""
    found = {claim.path: claim for _, claim, _ in leaves(rules, claims) if claim.disclosure is not Disclosure.ALWAYS}
    return list(found.values())


@pytest.mark.parametrize("rules", all_types().values(), ids=lambda rules: rules.id)
@settings(max_examples=40)
@given(data=st.data())
def test_every_format_says_the_same(rules: CredentialType, data: st.DataObject) -> None:
    claims = data.draw(whole(rules))
    rules.check(claims)
    groups = data.draw(st.sets(st.sampled_from(sorted({claim.group for claim in present(rules, claims)}))))
    expected, limits, everything = only(rules, claims, groups), only(rules, claims, set()), {group.id for group in rules.groups}
    for form in formats().values():
        facts = shown(form, rules, claims, groups)
        said = only(rules, facts.claims, everything)  # without what an SD-JWT leaves behind, empty, where all in it was withheld
        assert (form.name, said) == (form.name, claims if form.name == WHOLE else expected)
        assert only(rules, facts.claims, set()) == limits
        assert (facts.vct, facts.holder) == (rules.vct, HOLDER.public)


def backwards(value: Any) -> Any:
    """The same, all members in the other order."""
    if isinstance(value, Mapping):
        return {name: backwards(value[name]) for name in reversed(value)}
    return [backwards(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("rules", all_types().values(), ids=lambda rules: rules.id)
@settings(max_examples=10)
@given(data=st.data())
def test_the_order_in_which_a_register_writes_is_in_no_copy(rules: CredentialType, data: st.DataObject) -> None:
    """S22: it would be the same in all copies of a document."""
    claims = data.draw(whole(rules))
    for form in formats().values():
        copies = set()
        for each in (claims, backwards(claims)):
            made = credential(type=rules, claims=each, x5c=(LEAF,))
            copies.add(form.prepare(made, key=KeyId("i"), holder=HOLDER.public, entropy=entropy()).complete(bytes(64)))
        assert (form.name, len(copies)) == (form.name, 1)
