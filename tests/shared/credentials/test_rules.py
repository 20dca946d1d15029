from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.forge import REPRESENTATION, lpa

from shared.credentials._rules import CODES, compile_rules
from shared.errors import Malformed, TypeRuleBroken

CLAIMS: dict[str, Any] = {"word": "a", "number": 2, "truth": True, "list": ["a", "b"], "part": {"of": {"it": "c", "day": "2027-02"}}}
USE: Mapping[str, Any] = {"powers": ("a", "b"), "allowed": False, "nobody": None}


def fires(when: Any, **changes: Any) -> bool:
    error = compile_rules([{"when": when, "code": "outside_scope", "where": "/x", "detail": ""}])(CLAIMS | changes, USE)
    if isinstance(error, TypeRuleBroken):
        raise error
    return error is not None


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (True, True),
        (False, False),
        (["is", ["claim", "word"], "a"], True),
        (["is", ["claim", "part", "of", "it"], "c"], True),
        (["has", ["claim", "word", "of"]], False),
        (["has", ["claim", "part", "of"]], True),
        (["has", ["use", "nobody"]], False),
        (["has", ["use", "none"]], False),
        (["is", ["use", "none"], ["use", "none"]], False),
        (["is", ["use", "allowed"], False], True),
        (["is", ["claim", "truth"], 1], False),
        (["is", ["claim", "number"], 2], True),
        (["in", "a", ["claim", "list"]], True),
        (["in", "c", ["claim", "list"]], False),
        (["in", ["use", "none"], ["claim", "list"]], False),
        (["in", "a", ["use", "none"]], False),
        (["in", "a", ["look", {"x": ["a"]}, "x"]], True),
        (["in", "a", ["look", {"x": ["a"]}, "y"]], False),
        (["in", "a", ["look", {"": ["a"]}, ["use", "none"]]], False),
        (["less", ["claim", "number"], 3], True),
        (["less", ["claim", "number"], 2], False),
        (["is", ["count", ["use", "powers"]], 2], True),
        (["is", ["count", ["use", "none"]], 0], True),
        (["is", ["else", ["use", "none"], "b"], "b"], True),
        (["is", ["else", ["claim", "word"], "b"], "a"], True),
        (["not", ["claim", "truth"]], False),
        (["not", False], True),
        (["all", True, True], True),
        (["all", True, False, "never asked"], False),
        (["any", False, False], False),
        (["any", False, True, "never asked"], True),
        (["has", ["item"]], False),
        (["is", ["count", ["earlier"]], 0], True),
        (["is", ["first-day", "2027"], "2027-01-01"], True),
        (["is", ["first-day", "2027-02"], "2027-02-01"], True),
        (["is", ["first-day", "2027-02-03"], "2027-02-03"], True),
        (["is", ["last-day", "2027"], "2027-12-31"], True),
        (["is", ["last-day", "2027-02"], "2027-02-28"], True),
        (["is", ["last-day", "2028-02"], "2028-02-29"], True),
        (["is", ["last-day", "2027-02-03"], "2027-02-03"], True),
        (["before", "2027-02-03", "2027-02-04"], True),
        (["before", "2027-02-03", "2027-02-03"], False),
        (["before", ["last-day", ["claim", "part", "of", "day"]], "2027-03-01"], True),
        (["is", ["days-after", "2027-12-31", 60], "2028-02-29"], True),
        (["is", ["days-after", "0001-01-01", 0], "0001-01-01"], True),
        (["is", ["days-after", "1900-03-01", 36525], "2000-03-01"], True),
    ],
)
def test_what_an_expression_says(when: Any, expected: bool) -> None:
    assert fires(when) is expected


@pytest.mark.parametrize(
    "when",
    [
        None,
        1.5,
        "true",
        1,
        [],
        {},
        [True],
        [["claim"]],
        ["claim"],
        ["claim", 1],
        ["use"],
        ["use", "a", "b"],
        ["use", 1],
        ["sorcery", 1],
        ["item", 1],
        ["not"],
        ["not", True, True],
        ["not", "true"],
        ["not", ["use", "none"]],
        ["all"],
        ["all", True, 1],
        ["any", ["claim", "word"]],
        ["has", ["claim", "word"], 1],
        ["is", ["claim", "list"], ["claim", "list"]],
        ["is", "a", 1.5],
        ["in", 1, ["claim", "list"]],
        ["in", "a", "abc"],
        ["in", "a", {}],
        ["less", 1, True],
        ["less", "1", 2],
        ["less", ["use", "none"], 2],
        ["count", "abc"],
        ["is", ["count", "abc"], 3],
        ["look", {}, "x"],
        ["look", [], "x"],
        ["look", {"x": []}],
        ["in", "a", ["look", {"x": "abc"}, "x"]],
        ["in", "a", ["look", {"1": ["a"]}, 1]],
        ["is", ["first-day", "27"], "2027-01-01"],
        ["is", ["first-day", ["use", "none"]], "2027-01-01"],
        ["is", ["last-day", "2027-02-30"], "2027-02-30"],
        ["is", ["last-day", 2027], "2027-12-31"],
        ["before", "2027", "2028-01-01"],
        ["before", "2027-01-01", "2028"],
        ["before", "2027-01-01"],
        ["before", ["use", "none"], "2027-01-01"],
        ["is", ["days-after", "2027-01-01", 36526], "x"],
        ["is", ["days-after", "2027-01-01", ["less", 0, 1]], "x"],
        ["is", ["days-after", "9999-12-31", 1], "x"],
        ["is", ["days-after", "2027", 1], "x"],
        ["is", ["days-after", "2027-01-01"], "x"],
    ],
)
def test_what_cannot_be_understood_never_passes(when: Any) -> None:
    for expression in (when, ["not", when], ["any", when, True], ["all", True, when]):
        with pytest.raises(TypeRuleBroken):
            fires(expression)


@pytest.mark.parametrize(
    "rule",
    [
        None,
        "rule",
        [],
        {},
        {"rules": None},
        {"rules": {}},
        {"rules": [], "else": []},
        {"rules": [], "code": "outside_scope"},
        {"each": ["claim", "list"], "when": True, "code": "outside_scope", "where": "", "detail": ""},
        {"each": ["claim", "word"], "rules": []},
        {"when": "yes", "rules": []},
        {"when": True, "code": "outside_scope", "where": ""},
        {"when": True, "code": "outside_scope", "where": 1, "detail": ""},
        {"when": True, "code": "sorcery", "where": "", "detail": ""},
        {"when": True, "code": ["outside_scope"], "where": "", "detail": ""},
        {"when": True, "code": "outside_scope", "where": "", "detail": "{}", "of": ["use", "none"]},
        {"when": True, "code": "outside_scope", "where": "", "detail": "{}", "of": True},
        {"when": True, "code": "outside_scope", "where": "", "detail": "{}", "of": ["sorcery"]},
        {"code": "outside_scope", "where": "", "detail": ""},
    ],
)
def test_a_rule_of_another_form_never_passes(rule: Any) -> None:
    assert type(compile_rules([rule])(CLAIMS, USE)) is TypeRuleBroken


def test_the_first_rule_that_fires_answers_with_its_words() -> None:
    judge = compile_rules(
        [
            {"when": False, "code": "wrong_instrument", "where": "", "detail": ""},
            {"rules": []},
            {"when": False, "rules": [{"when": True, "code": "wrong_instrument", "where": "", "detail": ""}]},
            {"each": ["use", "nobody"], "rules": [{"when": True, "code": "wrong_instrument", "where": "", "detail": ""}]},
            {
                "when": True,
                "each": ["claim", "list"],
                "rules": [
                    {
                        "when": ["in", "a", ["earlier"]],
                        "code": "outside_scope",
                        "where": "/list/{at}",
                        "detail": "{} after {}",
                        "of": ["item"],
                    }
                ],
            },
            {"when": True, "code": "type_rule_broken", "where": "", "detail": ""},
        ]
    )
    error = judge(CLAIMS, USE)
    assert error is not None
    assert (error.code, error.where, error.detail) == ("outside_scope", "/list/1", "b after b")
    told = compile_rules([{"when": True, "code": "needs_more_attorneys", "where": "", "detail": "{}", "of": ["use", "powers"]}])
    assert str(told(CLAIMS, USE)) == "a, b"
    assert compile_rules([])(CLAIMS, USE) is None


def test_a_type_asks_its_limits_first_then_those_of_issuer_or_verifier() -> None:
    def rule(name: str) -> dict[str, Any]:
        return {"when": ["is", ["claim", "issuing_authority"], name], "code": "outside_scope", "where": f"/{name}", "detail": name}

    odd = replace(REPRESENTATION, limits=(rule("limit"),), said=(rule("said"),), uses=(rule("use"),))
    assert REPRESENTATION.limits
    for name, checked, judged in (("limit", True, True), ("said", True, False), ("use", False, True), ("other", False, False)):
        claims = lpa(issuing_authority=name)
        for ask, refused, kind in ((odd.check, checked, Malformed), (lambda value: odd.judge(value, {}), judged, CODES["outside_scope"])):
            if refused:
                with pytest.raises(kind) as caught:
                    ask(claims)
                assert caught.value.where == f"/{name}"
            else:
                ask(claims)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.floats(allow_nan=False)
    | st.sampled_from(["a", "claim", "not", "in", "outside_scope"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["when", "each", "rules", "code", "where", "detail", "of", "a"]), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(st.lists(JSON, max_size=3))
def test_any_rules_give_an_answer_or_a_vc_error(rules: list[Any]) -> None:
    error = compile_rules(rules)(CLAIMS, USE)
    assert error is None or type(error) in CODES.values()
