"""What a power of attorney may say, and what it is good for, as rules (``_rules`` says how they are read). Limits come first.

``LIMITS`` hold for every copy, whatever is withheld. ``SAID`` are asked of an issuer before signing, about the whole document; ``USES``
of a verifier, about what was disclosed and this use:

``powers`` (codes that this relying party needs, default none), ``attorneys`` (how many act together now, default 1), ``instruments`` and
``bases`` (codes that it admits, default all), ``capacity_evidence`` (true once it has seen a separate statement), ``restrictions_allow``
(true or false once a person has read the restrictions and said whether they allow this use). Words cannot be judged by a program:
restrictions that were shown but not read give ``RestrictionsToRead``, never acceptance. Order of ``USES``: what the document is, then its
limits, then its scope, so that the wrong kind of document is told first.
"""

from __future__ import annotations

from collections.abc import Mapping

from ._rules import Expression, Rule

GENERAL = "general"
_WELFARE = ["health-decisions", "care-contract", "telecare"]
_PROPERTY = ["council-tax", "benefits", "banking", "property.sale", "utilities", "insurance", "care-contract", "telecare"]
_CARRIES: Mapping[str, list[str]] = {
    "lpa-property-and-affairs": _PROPERTY,
    "lpa-personal-welfare": _WELFARE,
    "epa": _PROPERTY,
    "ordinary": _PROPERTY,
    "deputyship": [*_PROPERTY, "health-decisions"],
    "appointeeship": ["benefits"],
}
"""Which powers an instrument can carry at all; without an instrument the kind of authority decides."""

_BASES: Mapping[str, list[str]] = {
    "lpa-property-and-affairs": ["register", "inspection"],
    "lpa-personal-welfare": ["register", "inspection"],
    "ordinary": ["inspection"],  # no register keeps them
    "deputyship": ["court-order"],
    "appointeeship": ["register"],
}
_USABLE: Mapping[str, list[str]] = {
    "lpa-property-and-affairs": ["when-has-capacity", "when-capacity-lost"],
    "lpa-personal-welfare": ["when-capacity-lost"],  # Mental Capacity Act 2005 section 11(7)
    "epa": ["when-has-capacity", "when-capacity-lost"],
    "ordinary": ["when-has-capacity"],  # ends when the donor can no longer decide
}

_KIND: Expression = ["else", ["claim", "instrument_type"], ["claim", "representation_kind"]]
"""The instrument of a power of attorney, else the kind of authority."""
_POWER_OF_ATTORNEY: Expression = ["is", ["claim", "representation_kind"], "power_of_attorney"]
_ENDURING: Expression = ["is", _KIND, "epa"]
_INSPECTED: Expression = ["is", ["claim", "attestation_basis"], "inspection"]
_RULE: Expression = ["claim", "decision_rule"]
_ALONE: Expression = ["is", _RULE, "alone"]
_SEVERALLY: Expression = ["is", _RULE, "jointly-and-severally"]
_TOGETHER: Expression = ["not", ["any", _ALONE, _SEVERALLY]]
"""Which decisions are joint is said in words only, so that "some" counts as all, and so does what is new."""
_CARDINALITY: Expression = ["claim", "cardinality"]
_POWERS: Expression = ["claim", "powers"]
_GENERAL: Expression = ["is", ["item"], GENERAL]
_CARRIED: Expression = ["in", ["item"], ["look", _CARRIES, _KIND]]
_RESTRICTED: Expression = ["claim", "has_restrictions"]


def _said(name: str, *more: str) -> Expression:
    return ["has", ["claim", name, *more]]


def _not_admitted(name: str, value: Expression) -> Expression:
    return ["all", ["has", ["use", name]], ["not", ["in", value, ["use", name]]]]


def _answer(code: str, where: str, when: Expression, detail: str, *, of: Expression = "") -> Rule:
    return {"when": when, "code": code, "where": where, "detail": detail, **({"of": of} if of else {})}


def _fault(where: str, when: Expression, detail: str) -> Rule:
    return _answer("type_rule_broken", where, when, detail)


LIMITS: tuple[Rule, ...] = (
    *(
        _fault(f"/{name}", ["not", _said(name)], "this limit is missing")
        for name in ("representation_kind", "decision_rule", "has_restrictions", "substitution")
    ),
    _fault(
        "/restrictions_text",
        ["all", ["not", _RESTRICTED], _said("restrictions_text")],
        "restrictions are given, but it says that there are none",
    ),
    *(
        _fault(
            f"/{name}",
            ["not", ["is", _said(name), _POWER_OF_ATTORNEY]],
            "a power of attorney has to say this, and nothing else does",
        )
        for name in ("instrument_type", "usable_when")
    ),
    _fault(
        "/usable_when",
        ["all", _POWER_OF_ATTORNEY, ["not", ["in", ["claim", "usable_when"], ["look", _USABLE, _KIND]]]],
        "this kind of power cannot be used then",
    ),
    # The donor's capacity stays private: an enduring power says ``authority_current`` and nothing about how it was established.
    {
        "when": _ENDURING,
        "rules": [
            _fault("/authority_current", ["not", ["is", ["claim", "authority_current"], True]], "an enduring power has to be in force"),
            *(
                _fault(f"/{name}", _said(name), "this would tell whether an enduring power was registered: leave it out")
                for name in ("attestation_basis", "evidence")
            ),
        ],
    },
    {
        "when": ["not", _ENDURING],
        "rules": [
            _fault("/authority_current", _said("authority_current"), "only an enduring power says this"),
            _fault(
                "/attestation_basis",
                ["not", ["in", ["claim", "attestation_basis"], ["look", _BASES, _KIND]]],
                "this kind of authority is not established so",
            ),
            _fault("/evidence", ["all", ["not", _INSPECTED], _said("evidence")], "only an inspected copy has this"),
            *(
                _fault(f"/evidence/{name}", ["all", _INSPECTED, ["not", _said("evidence", name)]], "an inspected copy has to say this")
                for name in ("attested_by", "attested_on")
            ),
        ],
    },
    _fault("/cardinality", ["all", _ALONE, _said("cardinality")], "a single attorney acts alone"),
    _fault("/cardinality", ["all", _SEVERALLY, ["less", ["else", _CARDINALITY, 1], 1]], "at least one must act"),
    _fault("/cardinality", ["all", _TOGETHER, ["less", ["else", _CARDINALITY, 0], 2]], "say how many must act together: two or more"),
)

SAID: tuple[Rule, ...] = (
    _fault("/restrictions_text", ["all", _RESTRICTED, ["not", _said("restrictions_text")]], "the restrictions have to be given in words"),
    _fault(
        "/registration_date",
        ["all", _ENDURING, _said("registration_date")],
        "the registration of an enduring power says that the donor is losing capacity: leave it out",
    ),
    {
        "each": _POWERS,
        "rules": [
            _fault("/powers/{at}", ["all", _GENERAL, ["less", 1, ["count", _POWERS]]], "a general power needs no other beside it"),
            _fault("/powers/{at}", ["not", ["any", _GENERAL, _CARRIED]], "this kind of document cannot give that power"),
            _fault("/powers/{at}", ["in", ["item"], ["earlier"]], "this power is given twice"),
        ],
    },
)

USES: tuple[Rule, ...] = (
    _answer("wrong_instrument", "/instrument_type", _not_admitted("instruments", _KIND), "accepted here: {}", of=["use", "instruments"]),
    # An enduring power does not tell its basis, so that the donor's capacity stays private: it counts as the weakest.
    _answer(
        "wrong_instrument",
        "/attestation_basis",
        _not_admitted("bases", ["else", ["claim", "attestation_basis"], "inspection"]),
        "accepted here: {}",
        of=["use", "bases"],
    ),
    {
        "each": ["use", "powers"],
        "rules": [
            _answer(
                "wrong_instrument",
                "/instrument_type",
                ["not", _CARRIED],
                "this kind of document cannot give the power {}",
                of=["item"],
            )
        ],
    },
    _answer(
        "needs_capacity_evidence",
        "/usable_when",
        ["all", ["is", ["claim", "usable_when"], "when-capacity-lost"], ["not", ["is", ["use", "capacity_evidence"], True]]],
        "it may be used only once the donor has lost mental capacity",
    ),
    {
        "when": _RESTRICTED,
        "rules": [
            _answer(
                "restricted_undisclosed",
                "/restrictions_text",
                ["not", _said("restrictions_text")],
                "there are restrictions, and they were not shown",
            ),
            _answer(
                "outside_scope",
                "/restrictions_text",
                ["is", ["use", "restrictions_allow"], False],
                "the restrictions do not allow this use",
            ),
            _answer(
                "restrictions_to_read",
                "/restrictions_text",
                ["not", ["is", ["use", "restrictions_allow"], True]],
                "somebody has to read the restrictions",
            ),
        ],
    },
    _answer(
        "needs_more_attorneys",
        "/cardinality",
        ["all", _TOGETHER, ["less", ["else", ["use", "attorneys"], 1], _CARDINALITY]],
        "{} attorneys must act together",
        of=_CARDINALITY,
    ),
    {
        "when": ["not", ["in", GENERAL, _POWERS]],
        "each": ["use", "powers"],
        "rules": [_answer("outside_scope", "/powers", ["not", ["in", ["item"], _POWERS]], "the power {} was not shown", of=["item"])],
    },
)
