"""Types of document from files: exactly the members of the dataclasses, bounded, and nothing that what is derived could not rely on."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.consistent import whole
from support.documents import document
from support.library_card import LIBRARY_CARD

from shared.credentials import CredentialType, all_types, by_id, install, parse_type, render_type
from shared.credentials._derive import credential_metadata, dcql, json_schema, type_metadata_bytes
from shared.credentials._page import page_type
from shared.credentials._sound import LONGEST_DAYS, check_sound
from shared.errors import ConfigError, Malformed, TooLarge, VcError
from shared.formats._typemap import TypeMap
from shared.trust.snapshot import COPY_LIFE


def card(**changes: Any) -> dict[str, Any]:
    return deepcopy(LIBRARY_CARD) | changes


def parsed(value: Any) -> CredentialType:
    return parse_type(json.dumps(value))


def changed(pointer: str, value: Any) -> dict[str, Any]:
    """The card with another value at ``pointer``, or without it for ``...``."""
    made = card()
    *above, last = pointer.removeprefix("/").split("/")
    place: Any = made
    for part in above:
        place = place[int(part)] if isinstance(place, list) else place[part]
    key: Any = int(last) if isinstance(place, list) else last
    if value is ...:
        del place[key]
    elif isinstance(place, list) and key == len(place):
        place.append(value)
    else:
        place[key] = value
    return made


@pytest.mark.parametrize("rules", all_types().values(), ids=lambda rules: rules.id)
def test_every_type_of_ours_can_be_written_down_and_read(rules: CredentialType) -> None:
    check_sound(rules)
    data = render_type(rules)
    again = parse_type(data)
    assert render_type(again) == data
    assert page_type(again) == page_type(rules)
    assert type_metadata_bytes(again) == type_metadata_bytes(rules)
    again.check(document(rules))


def test_a_type_from_a_file_works_like_any() -> None:
    rules = parsed(LIBRARY_CARD)
    assert (rules.id, rules.kept_days, rules.holder, rules.represents) == ("library-card", 30, (), ())
    assert rules.query("borrow") is not None
    assert rules.queries[0].values == {("may_borrow",): (True,)}
    claims = {"given_name": "Nora", "family_name": "Ashdown", "may_borrow": True, "branches": ["Anytown"], "loans": 3}
    claims |= {"issuing_authority": "Anytown Library", "issuing_country": "GB", "issuing_jurisdiction": "GB-EAW"}
    rules.check(claims)
    rules.judge(claims, {"loans": 3})
    with pytest.raises(VcError) as caught:
        rules.judge(claims, {"loans": 4})
    assert (caught.value.code, caught.value.where) == ("outside_scope", "/loans")
    with pytest.raises(Malformed):
        rules.check(claims | {"loans": 100})


ODD = [
    ("/title", ..., "/title"),
    ("/colour", "blue", "/colour"),
    ("/tree", {}, "/tree"),
    ("/title", "Card", "/title"),
    ("/title/cy", ..., "/title/cy"),
    ("/title/cy", " ", "/title/cy"),
    ("/title/en", "a\tb", "/title/en"),
    ("/title/de", "Karte", "/title/de"),
    ("/id", "Library Card", "/id"),
    ("/id", "x" * 41, "/id"),
    ("/vct", "library-card", "/vct"),
    ("/vct", "https://library.example/card?holder=nora", "/vct"),
    ("/vct_int", 0, "/vct_int"),
    ("/vct_int", "65100", "/vct_int"),
    ("/vct_int", True, "/vct_int"),
    ("/doctype", "card", "/doctype"),
    ("/groups", [], "/groups"),
    ("/groups", {}, "/groups"),
    ("/groups/0/id", "name", "/groups/0/id"),
    ("/groups/1/id", "Name", "/groups/1/id"),
    ("/groups/1/cwt", 2, "/groups/1/cwt"),
    ("/groups/1/cwt", -1, "/groups/1/cwt"),
    ("/groups/1/within", "nowhere", "/groups/1/within"),
    ("/groups/1/within", "name", "/groups/1/within"),
    ("/groups/1/label/cy", "", "/groups/1/label/cy"),
    ("/claims", [], "/claims"),
    ("/claims/0/path", [], "/claims/0/path"),
    ("/claims/0/path", ["a"] * 7, "/claims/0/path"),
    ("/claims/0/path", [None], "/claims/0/path"),
    ("/claims/0/path", ["a", 1], "/claims/0/path/1"),
    ("/claims/0/path", ["a", None, "b"], "/claims/0/path"),
    ("/claims/0/path", ["_sd"], "/claims/0/path/0"),
    ("/claims/0/path", ["status"], "/claims/0/path/0"),
    ("/claims/0/path", ["branches"], "/claims/3/path"),
    ("/claims/0/path", ["branches", "first"], "/claims/3/path"),
    ("/claims/0/path", ["family_name"], "/claims/0/path"),
    ("/claims/0/path", ["family_name", "short"], "/claims/0/path"),
    ("/claims/0/mdoc", "Name", "/claims/0/mdoc"),
    ("/claims/0/mdoc", "family_name", "/claims/0/mdoc"),
    ("/claims/0/group", "nowhere", "/claims/0/group"),
    ("/claims/0/group", "limits", "/claims/0/group"),
    ("/claims/2/disclosure", "selective", "/claims/2/group"),
    ("/claims/0/disclosure", "never", "/claims/0/disclosure"),
    ("/claims/0/disclosure", ["always"], "/claims/0/disclosure"),
    ("/claims/0/kind", "fingerprint", "/claims/0/kind"),
    ("/claims/0/kind", "code", "/claims/0/choices"),
    ("/claims/0/choices", [{"value": "a", "label": {"en": "A", "cy": "A"}}], "/claims/0/choices"),
    ("/claims/0/cwt", 0, "/claims/0/cwt"),
    ("/claims/0/cwt", 6, "/claims/0/cwt"),
    ("/claims/0/max_length", 0, "/claims/0/max_length"),
    ("/claims/3/max_items", 257, "/claims/3/max_items"),
    ("/claims/0/required", "yes", "/claims/0/required"),
    ("/claims/0/hint", {"en": "x"}, "/claims/0/hint/cy"),
    ("/claims/5", ..., "/claims"),
    ("/claims/5/required", False, "/claims/5"),
    ("/claims/6/choices/0/value", "two words", "/claims/6/choices/0/value"),
    ("/claims/6/choices/1", {"value": "GB", "label": {"en": "A", "cy": "A"}}, "/claims/6/choices/0/value"),
    ("/claims/6/choices/0/label/cy", "\x7f", "/claims/6/choices/0/label/cy"),
    ("/claims/6/choices", [{"value": f"c{at}", "label": {"en": "A", "cy": "A"}} for at in range(257)], "/claims/6/choices"),
    ("/queries/0/id", "Borrow", "/queries/0/id"),
    ("/queries/1", LIBRARY_CARD["queries"][0], "/queries/0/id"),
    ("/queries/0/paths", [], "/queries/0/paths"),
    ("/queries/0/paths/0", ["nino"], "/queries/0/paths/0"),
    ("/queries/0/paths/0", ["branches", 0], "/queries/0/paths/0"),
    ("/queries/0/paths/1", ["may_borrow"], "/queries/0/paths"),
    ("/queries/0/optional", [["given_name"], ["loans"], ["branches", None], ["issuing_country"]], "/queries/0/optional"),
    ("/queries/0/optional/0", ["nino"], "/queries/0/optional/0"),
    ("/queries/0/values", {"may_borrow": [True]}, "/queries/0/values"),
    ("/queries/0/values/0", [["may_borrow"]], "/queries/0/values/0"),
    ("/queries/0/values/0/1", ["yes"], "/queries/0/values/0/1"),
    ("/queries/0/values/0/1", [], "/queries/0/values/0/1"),
    ("/queries/0/values/1", [["given_name"], ["Nora"]], "/queries/0/values/1/0"),
    ("/queries/0/values/1", [["nino"], ["Nora"]], "/queries/0/values/1/0"),
    ("/queries/0/values/1", [["may_borrow"], [True]], "/queries/0/values"),
    ("/queries/0/use", {"loans": [[1]]}, "/queries/0/use/loans"),
    ("/queries/0/use", {"loans": 1.5}, "/queries/0/use/loans"),
    ("/queries/0/beside", [["person"]], "/queries/0/beside/0"),
    ("/copy_days", 32, "/copy_days"),
    ("/batch_size", 0, "/batch_size"),
    ("/status_bits", 3, "/status_bits"),
    ("/status_max_age", {"low": 60}, "/status_max_age"),
    ("/status_max_age/high", 59, "/status_max_age/high"),
    ("/represents", ["nobody"], "/represents"),
    ("/represents", ["given_name"], "/represents"),
    ("/about", ["nobody"], "/about"),
    ("/holder", ["nobody"], "/holder"),
    ("/retention", "for-ever", "/retention"),
    ("/successors", "the-king", "/successors"),
    ("/kept_days", -1, "/kept_days"),
    ("/kept_days", "30", "/kept_days"),
    ("/cancelled_by", [{"en": "x", "cy": ""}], "/cancelled_by/0/cy"),
    ("/reasons/0/value", "Lost", "/reasons/0/value"),
    ("/reasons/0/actions", ["burn"], "/reasons/0/actions"),
    ("/reasons/0/actions", [], "/reasons/0/actions"),
    ("/reasons/0/label/cy", "", "/reasons/0/label/cy"),
    ("/reasons/0/others", "unheard", "/reasons/0/others"),
    ("/states", {"lapsed": "over"}, "/states/lapsed"),
    ("/of_holder", ["unheard"], "/of_holder/0"),
    ("/follows/0/vct", "person", "/follows/0/vct"),
    ("/follows/0/on", "born", "/follows/0/on"),
    ("/follows/0/action", "hold", "/follows/0/reason"),
    ("/follows/0/reason", "bored", "/follows/0/reason"),
    ("/follows/0/match", [], "/follows/0/match"),
    ("/follows/0/match/0/0", ["nino"], "/follows/0/match/0"),
    ("/limits", {}, "/limits"),
    ("/limits", [[]], "/limits/0"),
    ("/limits/0/else", 1, "/limits/0"),
    ("/limits/0/code", "sorcery", "/limits/0"),
    ("/limits/0/code", ["outside_scope"], "/limits/0"),
    ("/limits/0/where", 1, "/limits/0"),
    ("/limits/0/when", ..., "/limits/0"),
    ("/limits/0/when", ["sorcery"], "/limits/0/when"),
    ("/limits/0/when", [], "/limits/0/when"),
    ("/limits/0/when", [1], "/limits/0/when"),
    ("/limits/0/when", None, "/limits/0/when"),
    ("/limits/0/when", ["not"], "/limits/0/when"),
    ("/limits/0/when", ["not", ["has", ["claim", "nino"]]], "/limits/0/when/1/1"),
    ("/limits/0/when", ["not", ["has", ["claim"]]], "/limits/0/when/1/1"),
    ("/limits/0/when", ["not", ["has", ["claim", 1]]], "/limits/0/when/1/1"),
    ("/limits/0/when", ["has", ["use"]], "/limits/0/when/1"),
    ("/limits/0/when", ["has", ["use", 1]], "/limits/0/when/1"),
    ("/limits/0/when", ["in", "a", ["look", {"a": "a"}, "a"]], "/limits/0/when/2"),
    ("/limits/0/when", ["in", "a", ["look", {"a": [1]}, "a"]], "/limits/0/when/2"),
    ("/limits/0/when", ["in", "a", ["look", "a", "a"]], "/limits/0/when/2"),
    ("/limits/0/when", ["in", "a", ["look", {"a": ["a"]}, ["b"]]], "/limits/0/when/2/2"),
    ("/limits/0/of", 1.5, "/limits/0/of"),
    ("/said/0/rules", 1, "/said/0/rules"),
    ("/said/0/code", "outside_scope", "/said/0"),
    ("/said/0/each", ["claim", "nino"], "/said/0/each"),
    ("/said/0/rules/0/when", ["count"], "/said/0/rules/0/when"),
]


@pytest.mark.parametrize(("at", "value", "where"), ODD, ids=[f"{at}={str(value)[:40]}" for at, value, _ in ODD])
def test_what_is_wrong_is_pointed_at(at: str, value: Any, where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parsed(changed(at, value))
    assert caught.value.where == where
    assert caught.value.detail


def test_groups_within_each_other_have_an_end() -> None:
    groups = card()["groups"]
    groups[1]["within"], groups[2]["within"] = groups[2]["id"], groups[1]["id"]
    with pytest.raises(Malformed) as caught:
        parsed(card(groups=groups))
    assert caught.value.where == "/groups/1/within"
    assert parsed(changed("/groups/1/within", "loans")).groups[1].within == "loans"


def test_bounds_of_a_file() -> None:
    with pytest.raises(TooLarge):
        parse_type(b" " * 262_145)
    with pytest.raises(Malformed):
        parse_type(b"[]")
    with pytest.raises(Malformed):
        parse_type('{"id": "a", "id": "b"}')
    with pytest.raises(TooLarge):
        parsed(card(limits=[json.loads("[" * 40 + "]" * 40)]))
    assert LONGEST_DAYS * 86_400 == COPY_LIFE


def pointers(value: Any, at: str = "") -> list[str]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [each for name, inner in below for each in (f"{at}/{name}", *pointers(inner, f"{at}/{name}"))]


PLACES = pointers(LIBRARY_CARD)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 300) | st.floats(allow_nan=False) | st.text(max_size=6) | st.sampled_from(PLACES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.sampled_from([*LIBRARY_CARD]), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=400)
@given(st.lists(st.tuples(st.sampled_from(PLACES), JSON | st.just(...)), min_size=1, max_size=3))
def test_any_file_gives_a_type_or_a_vc_error(changes: list[tuple[str, Any]]) -> None:
    made = card()
    for at, value in changes:
        attempt(lambda at=at, value=value, made=made: put(made, at, value))  # type: ignore[misc] # a default of the loop
    try:
        rules = parse_type(json.dumps(made))
    except VcError:
        return
    use_everywhere(rules)


def attempt(change: Callable[[], None]) -> None:
    with suppress(LookupError, TypeError, ValueError):  # an earlier change took the place away
        change()


def put(made: Any, at: str, value: Any) -> None:
    *above, last = at.removeprefix("/").split("/")
    for part in above:
        made = made[int(part)] if isinstance(made, list) else made[part]
    key: Any = int(last) if isinstance(made, list) else last
    if value is ...:
        del made[key]
    else:
        made[key] = value


def use_everywhere(rules: CredentialType) -> None:
    """All that is derived from a type; nothing of it may fail for one that was read."""
    assert parse_type(render_type(rules)) == rules
    json_schema(rules)
    page_type(rules)
    TypeMap(rules)
    for query in rules.queries:
        for form in ("dc+sd-jwt", "dc+sd-cwt", "mso_mdoc", "vc+jwt"):
            dcql(rules, query.id, form)
            credential_metadata(rules, form)
    for claims in ({}, {"given_name": "Nora"}, document("person")):
        with suppress(VcError):
            rules.check(claims)
        with suppress(VcError):
            rules.judge(claims, {})


@given(st.data())
def test_trees_of_a_type_from_a_file(data: st.DataObject) -> None:
    rules = parsed(LIBRARY_CARD)
    claims = data.draw(whole(rules))
    claims["loans"] = 1
    claims["branches"] = ["Anytown"]
    rules.check(claims)


# --- installed ---------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Afterwards the types of the package are all there are."""
    monkeypatch.setattr("shared.credentials._INSTALLED", {})
    all_types.cache_clear()
    yield
    monkeypatch.undo()
    all_types.cache_clear()


@pytest.mark.usefixtures("_forgotten")
def test_an_installed_type_is_known_to_everybody() -> None:
    rules = parsed(LIBRARY_CARD)
    assert rules.vct not in all_types()
    install([rules])
    assert by_id("library-card") is all_types()[rules.vct] is rules
    install([parsed(LIBRARY_CARD)])
    assert by_id("library-card") is rules


@pytest.mark.usefixtures("_forgotten")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "representation"),
        ("vct", "urn:fdc:vct.example:2027:person:1"),
        ("vct_int", 65_001),
        ("doctype", "example.vct.2027.person.1"),
    ],
)
def test_no_type_takes_the_name_of_another(name: str, value: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        install([parsed(card(**{name: value}))])
    assert caught.value.where == name
    install([parsed(LIBRARY_CARD)])
    with pytest.raises(ConfigError):
        install([parsed(card(title={"en": "Another", "cy": "Arall"}))])
