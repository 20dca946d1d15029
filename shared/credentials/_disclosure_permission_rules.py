"""What a permission to tell may say, and what it covers, as rules (``_rules`` says how they are read).

``USES`` are told ``discloser`` and ``recipient`` (who tells whom, by identifier), ``categories`` (what is to be told), ``today`` (the day
of the check, which a verifier always says) and ``used`` (how often it was used before, default never). Whatever is not said of the use is not judged: who tells has to say all of it.
"""

from __future__ import annotations

from ._rules import Expression, Rule, answer, fault, said

_CATEGORIES: Expression = ["claim", "data_categories"]
_FROM: Expression = ["claim", "not_before"]
_UNTIL: Expression = ["claim", "expires"]
_TODAY: Expression = ["use", "today"]
_MOST_DAYS = 184
_LIMITS = (
    "discloser",
    "recipient",
    "data_categories",
    "purpose",
    "legal_basis",
    "not_before",
    "expires",
    "max_uses",
    "withdraw_at",
    "on_behalf_of",
)


def _other(name: str) -> Expression:
    return ["all", ["has", ["use", name]], ["not", ["is", ["claim", name], ["use", name]]]]


LIMITS: tuple[Rule, ...] = (
    *(fault(f"/{name}", ["not", said(name)], "this limit is missing") for name in _LIMITS),
    fault("/max_uses", ["less", ["claim", "max_uses"], 1], "a permission for nothing"),
    fault(
        "/legal_basis",
        ["not", ["is", ["is", ["claim", "legal_basis"], "consent-by-attorney"], ["claim", "on_behalf_of"]]],
        "an attorney gives it for somebody else, and nobody else does",
    ),
    fault("/expires", ["before", _UNTIL, _FROM], "it would end before it begins"),
    fault("/expires", ["before", ["days-after", _FROM, _MOST_DAYS], _UNTIL], "half a year is the longest"),
)

SAID: tuple[Rule, ...] = (
    {"each": _CATEGORIES, "rules": [fault("/data_categories/{at}", ["in", ["item"], ["earlier"]], "this is given twice")]},
)

USES: tuple[Rule, ...] = (
    answer("outside_permission", "/discloser", _other("discloser"), "it allows {} to tell", of=["claim", "discloser"]),
    answer("outside_permission", "/recipient", _other("recipient"), "it allows telling {}", of=["claim", "recipient"]),
    {
        "when": ["has", _TODAY],
        "rules": [
            answer("outside_permission", "/not_before", ["before", _TODAY, _FROM], "it begins on {}", of=_FROM),
            answer("outside_permission", "/expires", ["before", _UNTIL, _TODAY], "it ended on {}", of=_UNTIL),
        ],
    },
    answer(
        "outside_permission", "/max_uses", ["not", ["less", ["else", ["use", "used"], 0], ["claim", "max_uses"]]], "it has been used up"
    ),
    {
        "each": ["use", "categories"],
        "rules": [
            answer("outside_permission", "/data_categories", ["not", ["in", ["item"], _CATEGORIES]], "it does not allow {}", of=["item"])
        ],
    },
)
