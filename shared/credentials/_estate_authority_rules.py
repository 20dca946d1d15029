"""What an authority over an estate may say, and what it is good for, as rules (``_rules`` says how they are read).

``USES`` are told ``authority`` (the least kind of authority that this act demands), ``acts`` (codes of what is to be done), ``bands``
(of the estate's value, small enough here as is each below them; default all), ``attorneys`` (how many act together now, default 1) and
``restrictions_allow``, as for a power of attorney. Order: the kind, then the limits, then what it covers.
"""

from __future__ import annotations

from collections.abc import Mapping

from ._joint import joint_rules
from ._rules import Expression, Rule, answer, fault, said

_GRANTS = ["grant-of-probate", "letters-of-administration", "letters-with-will"]
_SERVES: Mapping[str, list[str]] = {
    "informant": ["informant", "named-executor", *_GRANTS],
    "named-executor": ["named-executor", *_GRANTS],
    **dict.fromkeys(_GRANTS, _GRANTS),
}
"""Which authority serves where at least this one is demanded: grants are of one degree."""
BANDS = ("up-to-5000", "up-to-20000", "up-to-50000", "up-to-325000", "more")
_WITHIN: Mapping[str, list[str]] = {band: list(BANDS[: at + 1]) for at, band in enumerate(BANDS)}
"""Which bands lie within one that is small enough."""

_LEVEL: Expression = ["claim", "authority_level"]
_LEAST: Expression = ["use", "authority"]
_RULE: Expression = ["claim", "decision_rule"]
_CARDINALITY: Expression = ["claim", "cardinality"]
_JOINTLY: Expression = ["is", _RULE, "jointly"]
_FOR_ANOTHER: Expression = ["is", ["claim", "acts_for_another"], True]
_LIMITED: Expression = ["is", ["claim", "has_limits"], True]
_ACTS: Expression = ["claim", "acts"]
_BAND: Expression = ["claim", "estate_net_value_band"]

_SMALL: Expression = ["any", *(["all", ["in", band, ["use", "bands"]], ["in", _BAND, ["look", _WITHIN, band]]] for band in BANDS)]
_GRANTED: Expression = ["in", _LEVEL, ["look", {"grant": _GRANTS}, "grant"]]

LIMITS: tuple[Rule, ...] = (
    *(
        fault(f"/{name}", ["not", said(name)], "this limit is missing")
        for name in ("authority_level", "decision_rule", "acts_for_another", "has_limits")
    ),
    fault("/limits_text", ["all", ["not", _LIMITED], said("limits_text")], "limits are given, but it says that there are none"),
    fault("/cardinality", ["all", _JOINTLY, ["less", ["else", _CARDINALITY, 0], 2]], "say how many must act together: two or more"),
    fault("/cardinality", ["all", ["not", _JOINTLY], said("cardinality")], "anyone of them may act"),
    fault("/acts", ["all", _FOR_ANOTHER, ["in", "general", _ACTS]], "who acts for another acts within a list"),
)

SAID: tuple[Rule, ...] = (
    fault("/limits_text", ["all", _LIMITED, ["not", said("limits_text")]], "the limits have to be given in words"),
    fault("/acting_for", ["not", ["is", said("acting_for"), _FOR_ANOTHER]], "say for whom a solicitor acts, and only then"),
    fault(
        "/acting_for",
        ["all", said("acting_for"), ["not", ["all", said("acting_for", "given_name"), said("acting_for", "family_name")]]],
        "give the whole name",
    ),
    fault("/grant_date", ["not", ["is", said("grant_date"), _GRANTED]], "a grant has a date, and nothing else has"),
    *(fault(f"/{name}", ["all", ["not", _GRANTED], said(name)], "only a grant has this") for name in ("registry", "grant_number")),
    *joint_rules(["is", _RULE, "alone"]),
    {
        "each": _ACTS,
        "rules": [
            fault("/acts/{at}", ["all", ["is", ["item"], "general"], ["less", 1, ["count", _ACTS]]], "everything needs no other beside it"),
            fault("/acts/{at}", ["in", ["item"], ["earlier"]], "this is given twice"),
        ],
    },
)

USES: tuple[Rule, ...] = (
    answer(
        "needs_grant",
        "/authority_level",
        ["all", ["has", _LEAST], ["not", ["in", _LEVEL, ["look", _SERVES, _LEAST]]]],
        "this needs {}",
        of=_LEAST,
    ),
    {
        "when": _LIMITED,
        "rules": [
            answer("restricted_undisclosed", "/limits_text", ["not", said("limits_text")], "there are limits, and they were not shown"),
            answer("outside_scope", "/limits_text", ["is", ["use", "restrictions_allow"], False], "the limits do not allow this use"),
            answer(
                "restrictions_to_read",
                "/limits_text",
                ["not", ["is", ["use", "restrictions_allow"], True]],
                "somebody has to read the limits",
            ),
        ],
    },
    {
        "when": ["has", ["use", "bands"]],
        "rules": [answer("needs_grant", "/estate_net_value_band", ["not", _SMALL], "the estate is not shown to be so small")],
    },
    {
        "when": ["not", ["in", "general", _ACTS]],
        "each": ["use", "acts"],
        "rules": [answer("outside_scope", "/acts", ["not", ["in", ["item"], _ACTS]], "it does not show that it covers {}", of=["item"])],
    },
    answer(
        "needs_more_attorneys",
        "/cardinality",
        ["all", _JOINTLY, ["less", ["else", ["use", "attorneys"], 1], _CARDINALITY]],
        "{} must act together",
        of=_CARDINALITY,
    ),
)
