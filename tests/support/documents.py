"""One document of each type, with the people and bodies of the stories (all invented)."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from types import MappingProxyType
from typing import Any

from support.forge import LPA_1

from shared.credentials import CredentialType

_MARGARET = {"given_name": "Margaret", "family_name": "Ashdown"}
_NORA = {"given_name": "Nora", "family_name": "Ashdown"}
_ARTHUR = {"given_name": "Arthur", "family_name": "Penhale"}
_TOM = {"given_name": "Tom", "family_name": "Penhale"}


def _by(authority: str) -> dict[str, str]:
    return {"issuing_authority": authority, "issuing_country": "GB", "issuing_jurisdiction": "GB-EAW"}


DOCUMENTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "representation": LPA_1,
        "representation-granted": {
            "proxy": _NORA,
            "represented": _MARGARET,
            "powers": ["general"],
            "representation_kind": "power_of_attorney",
            "instrument_type": "lpa-property-and-affairs",
            "decision_rule": "jointly-and-severally",
            "since": "2021-05-04",
            "report_secret": "c2VjcmV0IG9mIE1hcmdhcg",
            **_by("Office of the Public Guardian (test)"),
        },
        "person": {**_NORA, "birthdate": "1968-03-14", **_by("Identity checks (test)")},
        "mandate-receipt": {
            "accepted_by": "Anytown Borough Council",
            "decision": "accepted",
            "received_at": "2027-01-14",
            "effective_from": "2027-01-15",
            "scope": ["council-tax", "benefits"],
            "review_on": "2028-01-15",
            "represented": _MARGARET | {"address": {"postal_code": "ZZ99 4CD"}},
            "proxy": _NORA,
            "case_ref": "CT/2027/0042",
            **_by("Anytown Borough Council"),
        },
        "disclosure-permission": {
            "discloser": "https://westshire-cc.example",
            "recipient": "https://dwp.example",
            "data_categories": ["care-contribution-assessment"],
            "purpose": "So that Margaret’s Pension Credit is right",
            "legal_basis": "consent-by-attorney",
            "not_before": "2027-02-01",
            "expires": "2027-07-31",
            "max_uses": 1,
            "withdraw_at": "https://westshire-cc.example/withdraw",
            "on_behalf_of": True,
            "subject": _MARGARET | {"birthdate": "1938-11-02"},
            "signer": _NORA,
            **_by("Westshire County Council"),
        },
        "life-event": {
            "registration_state": "registered",
            "event_type": "death",
            "subject": _ARTHUR
            | {
                "birthdate": "1931-04-20",
                "address": {"postal_code": "ZZ99 2AB", "street_address": "4 Mill Lane", "locality": "Anytown"},
                "sex": "male",
                "earlier_names": ["Penhaligon"],
            },
            "death_date": {"value": "2027-02-03"},
            "registered_at": "2027-02-08",
            "registration_district": "Westshire",
            "register_entry": "urn:fdc:gro.example:2027:death:123456",
            **_by("General Register Office (test)"),
        },
        "life-event-full": {
            "event_type": "death",
            "subject": _ARTHUR | {"birthdate": "1931-04-20"},
            "death_date": {"value": "2027-02-03"},
            "cause_of_death": "1a. Pneumonia",
            "certified_by": "Dr A. Example",
            "place_of_death": "Anytown General Hospital",
            "occupation": "Boat builder",
            "informant": {"given_name": "Joan", "family_name": "Penhale", "capacity": "Widow"},
            **_by("General Register Office (test)"),
        },
        "estate-authority": {
            "authority_level": "named-executor",
            "decision_rule": "alone",
            "acts_for_another": False,
            "has_limits": False,
            "acts": ["general"],
            "deceased": _ARTHUR | {"birthdate": "1931-04-20", "death_date": "2027-02-03", "domicile": "GB-EAW"},
            "representative": _TOM,
            "estate_net_value_band": "up-to-20000",
            **_by("Hale & Finch LLP"),
        },
        "known-here": {
            "known_since": "2019-06-01",
            "case_ref": "BW-77-1204",
            "preferred_language": "cy",
            "adjustments": ["large-print", "more-time"],
            **_by("Brightwater Utilities"),
        },
    }
)
"""NORA's LPA-1 and what she is given by ABC and for MARGARET; ARTHUR's death, and what TOM shows; what Brightwater knows."""


def document(kind: str | CredentialType, **changes: Any) -> dict[str, Any]:
    """One of them with members replaced, or left out where the value is ``...``."""
    name = kind if isinstance(kind, str) else kind.id
    claims = deepcopy(dict(DOCUMENTS[name])) | changes
    return {member: value for member, value in claims.items() if value is not ...}
