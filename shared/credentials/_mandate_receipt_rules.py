"""What a recorded authority may say, and what it is good for, as rules (``_rules`` says how they are read).

``USES`` are told ``powers`` (codes that this relying party needs, default none), ``accepted_by`` (bodies on whose check it relies, by the
name in the document; default all, for the issuer is judged elsewhere) and ``today`` (the day of the check, which a verifier always says:
it counts from a day, and until it is to be looked at again).
"""

from __future__ import annotations

from ._rules import Expression, Rule, answer, fault, not_admitted, said

_SCOPE: Expression = ["claim", "scope"]
_FROM: Expression = ["claim", "effective_from"]
_REVIEW: Expression = ["claim", "review_on"]
_TODAY: Expression = ["use", "today"]
_MOST_DAYS = 366

LIMITS: tuple[Rule, ...] = (
    *(
        fault(f"/{name}", ["not", said(name)], "this limit is missing")
        for name in ("accepted_by", "decision", "received_at", "effective_from", "scope", "review_on")
    ),
    fault("/review_on", ["before", _REVIEW, _FROM], "it would be looked at again before it begins"),
    fault("/review_on", ["before", ["days-after", _FROM, _MOST_DAYS], _REVIEW], "it is looked at again within a year"),
)

SAID: tuple[Rule, ...] = ({"each": _SCOPE, "rules": [fault("/scope/{at}", ["in", ["item"], ["earlier"]], "this is given twice")]},)

USES: tuple[Rule, ...] = (
    answer(
        "wrong_instrument",
        "/accepted_by",
        not_admitted("accepted_by", ["claim", "accepted_by"]),
        "accepted here: {}",
        of=["use", "accepted_by"],
    ),
    {
        "when": ["has", _TODAY],
        "rules": [
            answer("outside_scope", "/effective_from", ["before", _TODAY, _FROM], "it is in force from {}", of=_FROM),
            answer("outside_scope", "/review_on", ["before", _REVIEW, _TODAY], "it was to be looked at again on {}", of=_REVIEW),
        ],
    },
    {
        "when": ["not", ["in", "general", _SCOPE]],
        "each": ["use", "powers"],
        "rules": [answer("outside_scope", "/scope", ["not", ["in", ["item"], _SCOPE]], "{} was not recorded", of=["item"])],
    },
)
