"""What a power of attorney may say, and what it is good for, as rules (``_rules`` says how they are read). Limits come first.

``LIMITS`` hold for every copy, whatever is withheld. ``SAID`` are asked of an issuer before signing, about the whole document; ``USES``
of a verifier, about what was disclosed and this use:

``powers`` (codes that this relying party needs, default none), ``attorneys`` (how many act together now, default 1), ``instruments`` and
``bases`` (codes that it admits, default all), ``capacity_evidence`` (true once it has seen a separate statement), ``restrictions_allow``
(true or false once a person has read the restrictions and said whether they allow this use). Words cannot be judged by a program:
restrictions that were shown but not read give ``RestrictionsToRead``, never acceptance. Order of ``USES``: what the document is, then its
limits, then its scope, so that the wrong kind of document is told first; last who has to act as well, so that nobody is asked to add to what is
of no use.
"""

from __future__ import annotations

from collections.abc import Mapping

from ._joint import SEVERALLY, joint_rules
from ._rules import Expression, Rule, answer, fault, not_admitted, said

GENERAL = "general"
_WELFARE = ["health-decisions", "care-contract", "telecare"]
_PROPERTY = ["council-tax", "benefits", "banking", "property.sale", "utilities", "insurance", "care-contract", "telecare", "parking"]
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
_ALONE: Expression
_ALONE, _SEVERALLY = (["is", _RULE, each] for each in SEVERALLY)
_TOGETHER: Expression = ["not", ["any", _ALONE, _SEVERALLY]]
_CARDINALITY: Expression = ["claim", "cardinality"]
_POWERS: Expression = ["claim", "powers"]
_GENERAL: Expression = ["is", ["item"], GENERAL]
_CARRIED: Expression = ["in", ["item"], ["look", _CARRIES, _KIND]]
_RESTRICTED: Expression = ["claim", "has_restrictions"]
_APPOINTED: Expression = ["claim", "proxy", "appointment_type"]
_REPLACES: Expression = ["is", ["claim", "replaces_now"], True]

LIMITS: tuple[Rule, ...] = (
    *(
        fault(f"/{name}", ["not", said(name)], "this limit is missing")
        for name in ("representation_kind", "decision_rule", "has_restrictions", "substitution")
    ),
    fault(
        "/restrictions_text",
        ["all", ["not", _RESTRICTED], said("restrictions_text")],
        "restrictions are given, but it says that there are none",
    ),
    *(
        fault(
            f"/{name}",
            ["not", ["is", said(name), _POWER_OF_ATTORNEY]],
            "a power of attorney has to say this, and nothing else does",
        )
        for name in ("instrument_type", "usable_when")
    ),
    fault(
        "/usable_when",
        ["all", _POWER_OF_ATTORNEY, ["not", ["in", ["claim", "usable_when"], ["look", _USABLE, _KIND]]]],
        "this kind of power cannot be used then",
    ),
    # The donor's capacity stays private: an enduring power says ``authority_current`` and nothing about how it was established.
    {
        "when": _ENDURING,
        "rules": [
            fault("/authority_current", ["not", ["is", ["claim", "authority_current"], True]], "an enduring power has to be in force"),
            *(
                fault(f"/{name}", said(name), "this would tell whether an enduring power was registered: leave it out")
                for name in ("attestation_basis", "evidence")
            ),
        ],
    },
    {
        "when": ["not", _ENDURING],
        "rules": [
            fault("/authority_current", said("authority_current"), "only an enduring power says this"),
            fault(
                "/attestation_basis",
                ["not", ["in", ["claim", "attestation_basis"], ["look", _BASES, _KIND]]],
                "this kind of authority is not established so",
            ),
            fault("/evidence", ["all", ["not", _INSPECTED], said("evidence")], "only an inspected copy has this"),
            *(
                fault(f"/evidence/{name}", ["all", _INSPECTED, ["not", said("evidence", name)]], "an inspected copy has to say this")
                for name in ("attested_by", "attested_on")
            ),
        ],
    },
    fault("/cardinality", ["all", _ALONE, said("cardinality")], "a single attorney acts alone"),
    fault("/cardinality", ["all", _SEVERALLY, ["less", ["else", _CARDINALITY, 1], 1]], "at least one must act"),
    fault("/cardinality", ["all", _TOGETHER, ["less", ["else", _CARDINALITY, 0], 2]], "say how many must act together: two or more"),
    # A replacement acts only once it says so where nobody can hide it (ADR 0010).
    fault("/replaces_now", ["all", said("replaces_now"), ["not", _REPLACES]], "a replacement attorney has no document before they act"),
    fault(
        "/replaces_now",
        ["all", said("proxy", "appointment_type"), ["not", ["is", ["is", _APPOINTED, "replacement"], _REPLACES]]],
        "a replacement attorney has to say that they act now, and nobody else does",
    ),
)

SAID: tuple[Rule, ...] = (
    fault("/restrictions_text", ["all", _RESTRICTED, ["not", said("restrictions_text")]], "the restrictions have to be given in words"),
    fault(
        "/registration_date",
        ["all", _ENDURING, said("registration_date")],
        "the registration of an enduring power says that the donor is losing capacity: leave it out",
    ),
    {
        "each": _POWERS,
        "rules": [
            fault("/powers/{at}", ["all", _GENERAL, ["less", 1, ["count", _POWERS]]], "a general power needs no other beside it"),
            fault("/powers/{at}", ["not", ["any", _GENERAL, _CARRIED]], "this kind of document cannot give that power"),
            fault("/powers/{at}", ["in", ["item"], ["earlier"]], "this power is given twice"),
        ],
    },
    fault("/proxy/appointment_type", ["all", _REPLACES, ["not", ["has", _APPOINTED]]], "say that this is a replacement attorney"),
    *joint_rules(_ALONE),
)

USES: tuple[Rule, ...] = (
    answer("wrong_instrument", "/instrument_type", not_admitted("instruments", _KIND), "accepted here: {}", of=["use", "instruments"]),
    # An enduring power does not tell its basis, so that the donor's capacity stays private: it counts as the weakest.
    answer(
        "wrong_instrument",
        "/attestation_basis",
        not_admitted("bases", ["else", ["claim", "attestation_basis"], "inspection"]),
        "accepted here: {}",
        of=["use", "bases"],
    ),
    {
        "each": ["use", "powers"],
        "rules": [
            answer(
                "wrong_instrument",
                "/instrument_type",
                ["not", ["any", _GENERAL, _CARRIED]],
                "this kind of document cannot give the power {}",
                of=["item"],
            )
        ],
    },
    answer(
        "needs_capacity_evidence",
        "/usable_when",
        ["all", ["is", ["claim", "usable_when"], "when-capacity-lost"], ["not", ["is", ["use", "capacity_evidence"], True]]],
        "it may be used only once the donor has lost mental capacity",
    ),
    {
        "when": _RESTRICTED,
        "rules": [
            answer(
                "restricted_undisclosed",
                "/restrictions_text",
                ["not", said("restrictions_text")],
                "there are restrictions, and they were not shown",
            ),
            answer(
                "outside_scope",
                "/restrictions_text",
                ["is", ["use", "restrictions_allow"], False],
                "the restrictions do not allow this use",
            ),
            answer(
                "restrictions_to_read",
                "/restrictions_text",
                ["not", ["is", ["use", "restrictions_allow"], True]],
                "somebody has to read the restrictions",
            ),
        ],
    },
    {
        "when": ["not", ["in", GENERAL, _POWERS]],
        "each": ["use", "powers"],
        "rules": [answer("outside_scope", "/powers", ["not", ["in", ["item"], _POWERS]], "the power {} was not shown", of=["item"])],
    },
    answer(
        "needs_more_attorneys",
        "/cardinality",
        ["all", _TOGETHER, ["less", ["else", ["use", "attorneys"], 1], _CARDINALITY]],
        "{} attorneys must act together",
        of=_CARDINALITY,
    ),
)
