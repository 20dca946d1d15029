"""What a power of attorney may say, and what it is good for. Data in ``representation``, judgement here.

``check`` is asked by an issuer before signing, ``judge`` by a verifier about what was disclosed. Both fail closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import (
    Malformed,
    NeedsCapacityEvidence,
    NeedsMoreAttorneys,
    OutsideScope,
    RestrictedUndisclosed,
    RestrictionsToRead,
    TypeRuleBroken,
    WrongInstrument,
)

_TOGETHER = frozenset({"jointly", "jointly-for-some-severally-for-others"})
"""Which decisions are joint is said in words only, so that "some" counts as all."""

_LIMITS = ("representation_kind", "decision_rule", "has_restrictions", "substitution")
Fault = tuple[str, str]  # JSON pointer, what is wrong there

GENERAL = "general"
WELFARE = frozenset({"health-decisions", "care-contract", "telecare"})
PROPERTY = frozenset({"council-tax", "benefits", "banking", "property.sale", "utilities", "insurance", "care-contract", "telecare"})
CARRIES: Mapping[str, frozenset[str]] = {
    "lpa-property-and-affairs": PROPERTY,
    "lpa-personal-welfare": WELFARE,
    "epa": PROPERTY,
    "ordinary": PROPERTY,
    "deputyship": PROPERTY | WELFARE,
    "appointeeship": frozenset({"benefits"}),
}
"""Which powers an instrument can carry at all; without an instrument the kind of authority decides."""

_BASES: Mapping[str, frozenset[str]] = {
    "lpa-property-and-affairs": frozenset({"register", "inspection"}),
    "lpa-personal-welfare": frozenset({"register", "inspection"}),
    "ordinary": frozenset({"inspection"}),  # no register keeps them
    "deputyship": frozenset({"court-order"}),
    "appointeeship": frozenset({"register"}),
}
_USABLE: Mapping[str, frozenset[str]] = {
    "lpa-property-and-affairs": frozenset({"when-has-capacity", "when-capacity-lost"}),
    "lpa-personal-welfare": frozenset({"when-capacity-lost"}),  # Mental Capacity Act 2005 section 11(7)
    "epa": frozenset({"when-has-capacity", "when-capacity-lost"}),
    "ordinary": frozenset({"when-has-capacity"}),  # ends when the donor can no longer decide
}


def check(claims: Mapping[str, Any]) -> None:
    """Raise ``Malformed`` with a JSON pointer at the first contradiction. ``claims`` already has the shape of its type."""
    for where, detail in _all_faults(claims):
        raise Malformed(detail, where=where)


def judge(claims: Mapping[str, Any], use: Mapping[str, Any]) -> None:
    """Raise unless the disclosed ``claims`` carry what ``use`` wants.

    ``use`` may have: ``powers`` (codes that this relying party needs, default none), ``attorneys`` (how many act together now,
    default 1), ``instruments`` and ``bases`` (codes that it admits, default all), ``capacity_evidence`` (true once it has seen a
    separate statement), ``restrictions_allow`` (true or false once a person has read the restrictions and said whether they allow this
    use). Words cannot be judged by a program: restrictions that were shown but not read give ``RestrictionsToRead``, never acceptance.

    Order: what the document is, then its limits, then its scope, so that the wrong kind of document is told first.
    """
    for where, detail in _limit_faults(claims):
        raise TypeRuleBroken(detail, where=where)
    wanted: Sequence[str] = use.get("powers", ())
    _judge_instrument(claims, use, wanted)
    _judge_limits(claims, use)
    shown = claims.get("powers", ())
    if GENERAL not in shown:
        for power in wanted:
            if power not in shown:
                raise OutsideScope(f"the power {power} was not shown", where="/powers")


def instrument(claims: Mapping[str, Any]) -> str:
    """The instrument of a power of attorney, else the kind of authority."""
    code: str = claims.get("instrument_type") or claims["representation_kind"]
    return code


def _judge_instrument(claims: Mapping[str, Any], use: Mapping[str, Any], wanted: Sequence[str]) -> None:
    kind = instrument(claims)
    admitted = use.get("instruments")
    if admitted is not None and kind not in admitted:
        raise WrongInstrument(f"accepted here: {', '.join(admitted)}", where="/instrument_type")
    # An enduring power does not tell its basis, so that the donor's capacity stays private: it counts as the weakest.
    bases = use.get("bases")
    if bases is not None and claims.get("attestation_basis", "inspection") not in bases:
        raise WrongInstrument(f"accepted here: {', '.join(bases)}", where="/attestation_basis")
    for power in wanted:
        if power not in CARRIES[kind]:
            raise WrongInstrument(f"this kind of document cannot give the power {power}", where="/instrument_type")


def _judge_limits(claims: Mapping[str, Any], use: Mapping[str, Any]) -> None:
    if claims.get("usable_when") == "when-capacity-lost" and use.get("capacity_evidence") is not True:
        raise NeedsCapacityEvidence("it may be used only once the donor has lost mental capacity", where="/usable_when")
    if claims["has_restrictions"]:
        if "restrictions_text" not in claims:
            raise RestrictedUndisclosed("there are restrictions, and they were not shown", where="/restrictions_text")
        if use.get("restrictions_allow") is False:
            raise OutsideScope("the restrictions do not allow this use", where="/restrictions_text")
        if use.get("restrictions_allow") is not True:
            raise RestrictionsToRead("somebody has to read the restrictions", where="/restrictions_text")
    needed = claims.get("cardinality", 1)
    if claims["decision_rule"] in _TOGETHER and use.get("attorneys", 1) < needed:
        raise NeedsMoreAttorneys(f"{needed} attorneys must act together", where="/cardinality")


def _all_faults(claims: Mapping[str, Any]) -> Iterator[Fault]:
    yield from _limit_faults(claims)
    if claims["has_restrictions"] and "restrictions_text" not in claims:
        yield "/restrictions_text", "the restrictions have to be given in words"
    if claims.get("instrument_type") == "epa" and "registration_date" in claims:
        yield "/registration_date", "the registration of an enduring power says that the donor is losing capacity: leave it out"
    yield from _power_faults(instrument(claims), claims["powers"])


def _limit_faults(claims: Mapping[str, Any]) -> Iterator[Fault]:
    """What can be told from the limits alone, which nobody can withhold."""
    missing = next((name for name in _LIMITS if name not in claims), None)
    if missing is not None:
        yield f"/{missing}", "this limit is missing"
    else:
        if not claims["has_restrictions"] and "restrictions_text" in claims:
            yield "/restrictions_text", "restrictions are given, but it says that there are none"
        yield from _kind_faults(claims)
        yield from _basis_faults(claims)
        yield from _cardinality_faults(claims)


def _kind_faults(claims: Mapping[str, Any]) -> Iterator[Fault]:
    power_of_attorney = claims["representation_kind"] == "power_of_attorney"
    odd = next((name for name in ("instrument_type", "usable_when") if (name in claims) != power_of_attorney), None)
    if odd is not None:
        yield f"/{odd}", "a power of attorney has to say this, and nothing else does"
    elif power_of_attorney and claims["usable_when"] not in _USABLE[claims["instrument_type"]]:
        yield "/usable_when", "this kind of power cannot be used then"


def _basis_faults(claims: Mapping[str, Any]) -> Iterator[Fault]:
    """The donor's capacity stays private: an enduring power says ``authority_current`` and nothing about how it was established."""
    kind = instrument(claims)
    if kind == "epa":
        if claims.get("authority_current") is not True:
            yield "/authority_current", "an enduring power has to be in force"
        for name in ("attestation_basis", "evidence"):
            if name in claims:
                yield f"/{name}", "this would tell whether an enduring power was registered: leave it out"
        return
    if "authority_current" in claims:
        yield "/authority_current", "only an enduring power says this"
    basis = claims.get("attestation_basis")
    if basis not in _BASES[kind]:
        yield "/attestation_basis", "this kind of authority is not established so"
    yield from _evidence_faults(claims, inspected=basis == "inspection")


def _evidence_faults(claims: Mapping[str, Any], *, inspected: bool) -> Iterator[Fault]:
    evidence = claims.get("evidence", {})
    if not inspected and "evidence" in claims:
        yield "/evidence", "only an inspected copy has this"
    for name in ("attested_by", "attested_on") if inspected else ():
        if name not in evidence:
            yield f"/evidence/{name}", "an inspected copy has to say this"


def _cardinality_faults(claims: Mapping[str, Any]) -> Iterator[Fault]:
    rule = claims["decision_rule"]
    number = claims.get("cardinality")
    if rule == "alone":
        if number is not None:
            yield "/cardinality", "a single attorney acts alone"
    elif rule == "jointly-and-severally":
        if number is not None and number < 1:
            yield "/cardinality", "at least one must act"
    elif number is None or number < 2:
        yield "/cardinality", "say how many must act together: two or more"


def _power_faults(kind: str, powers: Sequence[str]) -> Iterator[Fault]:
    for at, power in enumerate(powers):
        if power == GENERAL and len(powers) > 1:
            yield f"/powers/{at}", "a general power needs no other beside it"
        elif power != GENERAL and power not in CARRIES[kind]:
            yield f"/powers/{at}", "this kind of document cannot give that power"
        if power in powers[:at]:
            yield f"/powers/{at}", "this power is given twice"
