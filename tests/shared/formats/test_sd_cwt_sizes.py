"""How large presentations are: they have to fit into what a camera reads in a second. Printed with ``pytest -s``."""

from __future__ import annotations

import sys
import zlib
from dataclasses import replace
from typing import Any

import pytest
from support.cwt_forge import FORM
from support.forge import BINDING, DAY, HOLDER, REPRESENTATION, b64, entropy, issue, lpa, show, unb64
from support.signing import AT

from shared.credentials import ClaimPath
from shared.credentials._tree import portrait_url
from shared.formats import Binding, StatusReference

LIST = StatusReference(uri="https://opg.example/s/1", idx=1_048_575)
LIVE = Binding(audience="l:" + b64(bytes(range(32))), nonce=b64(bytes(range(32))), max_age=None)
COPY = replace(
    BINDING,
    audience="a:https://bank.example",
    nonce=b64(bytes(16)),
    extra={"purpose_id": "bank", "jti": b64(bytes(16)), "exp": AT + 14 * DAY},
)
FACE = portrait_url(b"RIFF\x18\x03\0\0WEBP" + entropy("face")(788))
CLAIMS = lpa(
    represented={
        "given_name": "Margaret Elizabeth", "family_name": "Ashdown-Penhale", "birthdate": "1938-11-02", "address": {"postal_code": "ZZ99 4CD"},
        "also_known_as": ["Peggy Ashdown"],
    },
    proxy={"given_name": "Nora Catherine", "family_name": "Ashdown", "birthdate": "1968-03-14", "appointment_type": "original", "portrait": FACE},
    issuing_authority="Office of the Public Guardian",
    has_restrictions=True,
    restrictions_text="My attorneys must not sell my house at 1 Acacia Avenue while I am able to live in it.",
)  # fmt: skip


def sized(*groups: str, binding: Binding = LIVE, claims: dict[str, Any] = CLAIMS) -> int:
    """Bytes sent: zlib only where it is shorter."""
    parsed = FORM.parse(issue(FORM, claims=claims, status=LIST))
    inside = {claim.path for claim in REPRESENTATION.claims if claim.group in groups}

    def asked(path: ClaimPath) -> bool:
        return tuple(None if isinstance(part, int) else part for part in path) in inside

    chosen = FORM.disclose(parsed, [path for path in FORM.peek(parsed).disclosable if asked(path)])
    data = unb64(show(FORM, chosen, binding, holder=HOLDER))
    return min(len(data), len(zlib.compress(data, 9)))


NAMES = ("donor-name", "attorney-name")
ALL = tuple(group.id for group in REPRESENTATION.groups if group.cwt)
TABLE = {
    "limits alone": ((), LIVE, 710),
    "donor, attorney": (NAMES, LIVE, 850),
    "donor, attorney, powers": ((*NAMES, "powers"), LIVE, 890),
    "what a bank asks": ((*NAMES, "donor-birthdate", "donor-postcode", "powers"), LIVE, 960),
    "what a bank asks, and restrictions": ((*NAMES, "donor-birthdate", "donor-postcode", "powers", "restrictions"), LIVE, 1_290),
    "donor, attorney, picture": ((*NAMES, "portrait"), LIVE, 1_700),
    "everything": (ALL, LIVE, 2_300),
    "a copy for a bank": (NAMES, COPY, 800),
}


@pytest.mark.parametrize("name", TABLE)
def test_presentations_stay_small(name: str) -> None:
    groups, binding, most = TABLE[name]
    size = sized(*groups, binding=binding)
    sys.stdout.write(f"{size:5d} bytes (at most {most}): {name}\n")
    assert most * 0.9 < size <= most


def test_what_is_not_there_takes_the_same_room() -> None:
    """Nobody learns from a length that there are restrictions or a picture."""
    bare = lpa(issuing_authority="Office of the Public Guardian", has_restrictions=True, restrictions_text="x", register_entry=...)
    assert sized(*NAMES, claims=CLAIMS | {"represented": bare["represented"], "proxy": bare["proxy"]}) == sized(*NAMES, claims=bare)
