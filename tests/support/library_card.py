"""A type of document that is not of the package, as its author writes the file."""

from __future__ import annotations

from typing import Any, Final


def _text(english: str, welsh: str) -> dict[str, str]:
    return {"en": english, "cy": welsh}


def _issuer(name: str, cwt: int, label: dict[str, str], **more: Any) -> dict[str, Any]:
    always = {"group": "issuer", "disclosure": "always", "required": True}
    return {"path": [name], "kind": "text", "label": label, "cwt": cwt} | always | more


LIBRARY_CARD: Final[dict[str, Any]] = {
    "id": "library-card",
    "vct": "urn:fdc:library.example:2027:card:1",
    "vct_int": 70_001,
    "doctype": "example.library.card.1",
    "title": _text("Library card", "Cerdyn llyfrgell"),
    "description": _text("Shows that somebody may borrow books", "Yn dangos y caiff rhywun fenthyg llyfrau"),
    "groups": [
        {"id": "limits", "label": _text("Borrowing", "Benthyca")},
        {"id": "name", "label": _text("Name", "Enw"), "cwt": 1},
        {"id": "loans", "label": _text("Loans", "Benthyciadau"), "cwt": 2},
        {"id": "issuer", "label": _text("Who made this document", "Pwy wnaeth y ddogfen hon")},
    ],
    "claims": [
        {
            "path": ["given_name"],
            "kind": "text",
            "label": _text("First names", "Enwau cyntaf"),
            "group": "name",
            "required": True,
            "cwt": 5,
        },
        {"path": ["family_name"], "kind": "text", "label": _text("Last name", "Cyfenw"), "group": "name", "required": True, "cwt": 6},
        {
            "path": ["may_borrow"],
            "kind": "boolean",
            "label": _text("May borrow", "Caiff fenthyg"),
            "group": "limits",
            "disclosure": "always",
            "required": True,
            "cwt": 1,
        },
        {
            "path": ["branches", None],
            "kind": "text",
            "label": _text("Branch", "Cangen"),
            "hint": _text("Where the card is good", "Lle mae’r cerdyn yn ddilys"),
            "group": "loans",
            "max_items": 8,
            "cwt": 7,
        },
        {"path": ["loans"], "kind": "integer", "label": _text("Books at a time", "Llyfrau ar y tro"), "group": "loans", "cwt": 8},
        _issuer("issuing_authority", 2, _text("Issuing authority", "Awdurdod cyhoeddi")),
        _issuer(
            "issuing_country",
            3,
            _text("Country", "Gwlad"),
            kind="code",
            choices=[{"value": "GB", "label": _text("United Kingdom", "Y Deyrnas Unedig")}],
        ),
        _issuer(
            "issuing_jurisdiction",
            4,
            _text("Law that applies", "Y gyfraith sy’n berthnasol"),
            kind="code",
            choices=[{"value": "GB-EAW", "label": _text("England and Wales", "Cymru a Lloegr")}],
        ),
    ],
    "queries": [
        {
            "id": "borrow",
            "title": _text("Borrow a book", "Benthyg llyfr"),
            "purpose": _text("Lend you a book", "Rhoi benthyg llyfr i chi"),
            "paths": [["may_borrow"], ["family_name"]],
            "optional": [["given_name"]],
            "values": [[["may_borrow"], [True]]],
        },
    ],
    "copy_days": 14,
    "batch_size": 5,
    "status_bits": 2,
    "status_max_age": {"low": 604_800, "high": 86_400},
    "holder": [],
    "cancelled_by": [_text("the library", "y llyfrgell")],
    "reasons": [
        {"value": "lost", "label": _text("The card was lost", "Collwyd y cerdyn"), "actions": ["cancel", "hold"]},
        {"value": "found", "label": _text("The card was found", "Daethpwyd o hyd i’r cerdyn"), "actions": ["reinstate"]},
        {"value": "died", "label": _text("The holder has died", "Mae’r deiliad wedi marw"), "actions": ["cancel"]},
    ],
    "states": {"lapsed": "cancelled"},
    "follows": [
        {
            "vct": "urn:fdc:vct.example:2027:life-event:1",
            "on": "shown",
            "action": "cancel",
            "reason": "died",
            "match": [[["given_name"], ["subject", "given_name"]], [["family_name"], ["subject", "family_name"]]],
            "values": [[["event_type"], ["death"]]],
        }
    ],
    "retention": "sealed",
    "kept_days": 30,
    "limits": [
        {
            "when": ["not", ["has", ["claim", "may_borrow"]]],
            "code": "type_rule_broken",
            "where": "/may_borrow",
            "detail": "this limit is missing",
        }
    ],
    "said": [
        {
            "each": ["claim", "branches"],
            "rules": [
                {
                    "when": ["in", ["item"], ["earlier"]],
                    "code": "type_rule_broken",
                    "where": "/branches/{at}",
                    "detail": "{} is there twice",
                    "of": ["item"],
                }
            ],
        },
        {
            "when": ["all", ["has", ["claim", "loans"]], ["less", 99, ["claim", "loans"]]],
            "code": "type_rule_broken",
            "where": "/loans",
            "detail": "nobody carries so many",
        },
    ],
    "uses": [
        {
            "when": ["all", ["has", ["use", "loans"]], ["less", ["else", ["claim", "loans"], 0], ["use", "loans"]]],
            "code": "outside_scope",
            "where": "/loans",
            "detail": "{} at a time are not covered",
            "of": ["use", "loans"],
        }
    ],
}
"""JSON, as it stands in the file."""
