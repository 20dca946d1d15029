"""Whole claim trees of each type that contradict themselves nowhere: what an honest issuer may say, and no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st
from support.trees import trees

from shared.credentials import CredentialType
from shared.credentials._tree import days_of

Draw = st.DrawFn
LPA = {"representation_kind": "power_of_attorney", "instrument_type": "lpa-property-and-affairs", "attestation_basis": "register"}
EPA = {"representation_kind": "power_of_attorney", "instrument_type": "epa", "authority_current": True}
PAPER = {"representation_kind": "power_of_attorney", "instrument_type": "ordinary", "attestation_basis": "inspection"}
COURT = {"representation_kind": "deputyship", "attestation_basis": "court-order"}
FRAMES: tuple[dict[str, Any], ...] = (
    LPA | {"usable_when": "when-has-capacity", "decision_rule": "jointly-and-severally"},
    LPA | {"usable_when": "when-capacity-lost", "decision_rule": "jointly", "cardinality": 3},
    EPA | {"usable_when": "when-has-capacity", "decision_rule": "alone"},
    PAPER
    | {"usable_when": "when-has-capacity", "decision_rule": "alone", "evidence": {"attested_by": "A. Clerk", "attested_on": "2024-10-04"}},
    COURT | {"decision_rule": "alone"},
)
"""What a representation may say together; the rest of it is free."""
POWERS = st.lists(st.sampled_from(["council-tax", "banking", "utilities", "insurance"]), min_size=1, unique=True) | st.just(["general"])
DAYS = st.dates(min_value=date(1, 1, 1), max_value=date(9_990, 1, 1))


def put(claims: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Set members, or take them away where the value is ``...``."""
    for name, value in values.items():
        if value is ...:
            claims.pop(name, None)
        else:
            claims[name] = value


def joint(draw: Draw, claims: dict[str, Any], *, alone: bool) -> None:
    marked = not alone and draw(st.booleans())
    number = draw(st.integers(1, 9))
    put(claims, {"instrument_tag": "0123456789012345678901" if marked else ..., "attorney_number": number if marked else ...})


def representation(draw: Draw, claims: dict[str, Any]) -> None:
    framed = {name for each in FRAMES for name in each}
    put(claims, dict.fromkeys(framed, ...) | draw(st.sampled_from(FRAMES)))
    put(claims, {"powers": draw(POWERS), "has_restrictions": "restrictions_text" in claims})
    if claims.get("instrument_type") == "epa":
        put(claims, {"registration_date": ...})
    appointed = "replacement" if draw(st.booleans()) else draw(st.sampled_from(["original", ...]))
    put(claims["proxy"], {"appointment_type": appointed})
    put(claims, {"replaces_now": True if appointed == "replacement" else ...})
    joint(draw, claims, alone=claims["decision_rule"] == "alone")


def span(draw: Draw, most: int) -> tuple[str, str]:
    begin = draw(DAYS)
    return begin.isoformat(), (begin + timedelta(draw(st.integers(0, most)))).isoformat()


def mandate_receipt(draw: Draw, claims: dict[str, Any]) -> None:
    claims["effective_from"], claims["review_on"] = span(draw, 366)
    claims["scope"] = list(dict.fromkeys(claims["scope"]))


def disclosure_permission(draw: Draw, claims: dict[str, Any]) -> None:
    claims["not_before"], claims["expires"] = span(draw, 184)
    put(claims, {"max_uses": claims["max_uses"] or 1, "on_behalf_of": claims["legal_basis"] == "consent-by-attorney"})
    claims["data_categories"] = list(dict.fromkeys(claims["data_categories"]))


def life_event(draw: Draw, claims: dict[str, Any]) -> None:
    if claims["event_type"] == "death":
        put(claims, {"partner": ..., "event_date": ...})
        died = claims.get("death_date", {})
        claims["death_date"] = died if "value" in died else {"value": draw(DAYS).isoformat()}
        if "description" in claims["death_date"]:  # of a day that is known nothing has to be said
            claims["death_date"]["value"] = claims["death_date"]["value"][: draw(st.sampled_from([4, 7]))]
        first, last = days_of(claims["death_date"]["value"]) or ("", "")
        claims["registered_at"] = max(first, claims["registered_at"])
        born = (days_of(claims["subject"].get("birthdate")) or ("",))[0]
        put(
            claims["subject"], {"birthdate": ... if born > last or "birthdate" not in claims["subject"] else claims["subject"]["birthdate"]}
        )
        if draw(st.booleans()):
            put(claims, {"death_date": ..., "death_date_free_format": "Deceased found on 3 March 2027"})
    else:
        put(claims, {"death_date": ..., "death_date_free_format": ..., "registration_state": "registered"})
        put(claims, {"event_date": draw(DAYS).isoformat()[: draw(st.sampled_from([4, 7, 10]))]})
        claims["partner"] = {"given_name": "Sam", "family_name": "Reid"} | claims.get("partner", {})


def estate_authority(draw: Draw, claims: dict[str, Any]) -> None:
    grant = claims["authority_level"] not in {"informant", "named-executor"}
    put(claims, {"grant_date": draw(DAYS).isoformat() if grant else ...})
    if not grant:
        put(claims, {"registry": ..., "grant_number": ...})
    put(claims, {"cardinality": draw(st.integers(2, 9)) if claims["decision_rule"] == "jointly" else ...})
    acts, every = list(dict.fromkeys(each for each in claims["acts"] if each != "general")), claims["acts_for_another"]
    put(claims, {"acts": acts or (["notify"] if every else ["general"]), "has_limits": "limits_text" in claims})
    put(claims, {"acting_for": {"given_name": "Tom", "family_name": "Penhale"} if every else ...})
    joint(draw, claims, alone=claims["decision_rule"] == "alone")


MENDED: Mapping[str, Callable[[Draw, dict[str, Any]], None]] = {
    "representation": representation,
    "mandate-receipt": mandate_receipt,
    "disclosure-permission": disclosure_permission,
    "life-event": life_event,
    "estate-authority": estate_authority,
}


@st.composite
def whole(draw: Draw, rules: CredentialType) -> dict[str, Any]:
    """A tree of any shape that the type allows, mended where details belong together."""
    claims: dict[str, Any] = draw(trees(rules.tree))
    if rules.id in MENDED:
        MENDED[rules.id](draw, claims)
    return claims
