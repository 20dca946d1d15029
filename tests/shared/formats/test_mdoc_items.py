"""Items of an ``mso_mdoc`` that no honest issuer signs, and limits that somebody hid."""

from __future__ import annotations

from collections.abc import Callable

import cbor2
import pytest
from support.forge import unb64
from support.mdocs import SPACE, Draft, issue, tag, verify

from shared.errors import (
    BadDisclosure,
    Malformed,
)
from shared.formats.mdoc import FORMAT


def _twice(draft: Draft) -> None:
    draft.items.append(draft.items[-1])


def _same_element(draft: Draft) -> None:
    draft.items.append({**draft.item("powers"), "digestID": 300, "random": bytes(16)})


def _as_limit(draft: Draft) -> None:
    draft.item("powers")["digestID"] = 40


def _limit_as_other(draft: Draft) -> None:
    limit = draft.item("substitution")
    del draft.mso["valueDigests"][SPACE][limit["digestID"]]
    limit["digestID"] = 200


def _two_limits_swapped(draft: Draft) -> None:
    one, two = draft.item("decision_rule"), draft.item("substitution")
    one["digestID"], two["digestID"] = two["digestID"], one["digestID"]


def _other_space(draft: Draft) -> None:
    draft.spaces["org.example"] = [{"digestID": 1, "random": bytes(16), "elementIdentifier": "x", "elementValue": 1}]


@pytest.mark.parametrize(
    "spoil",
    [
        _twice,
        _same_element,
        _as_limit,
        _limit_as_other,
        _two_limits_swapped,
        _other_space,
        lambda draft: draft.items.pop(0),
        lambda draft: draft.spaces.pop(SPACE),
        lambda draft: draft.item("powers").update(random=bytes(15)),
        lambda draft: draft.item("powers").update(random="x" * 16),
        lambda draft: draft.item("powers").update(digestID=2**31),
        lambda draft: draft.item("powers").update(digestID=-1),
        lambda draft: draft.item("powers").update(elementIdentifier=""),
        lambda draft: draft.item("powers").update(elementIdentifier=5),
        lambda draft: draft.item("powers").update(elementIdentifier="nino"),
        lambda draft: draft.item("powers").update(more=5),
        lambda draft: draft.item("powers").pop("random"),
        lambda draft: draft.item("powers").update(elementValue="banking"),
        lambda draft: draft.item("powers").update(elementValue=[7]),
        lambda draft: draft.item("decision_rule").update(elementValue=[]),
        lambda draft: draft.item("has_restrictions").update(elementValue=0),
        lambda draft: draft.item("grant_date").update(elementValue="2025-05-09"),
        lambda draft: draft.item("grant_date").update(elementValue=cbor2.CBORTag(1004, "2025-5-9")),
        lambda draft: draft.item("grant_date").update(elementValue=cbor2.CBORTag(1004, 5)),
        lambda draft: draft.item("grant_date").update(elementValue=cbor2.CBORTag(100, 5)),
        lambda draft: setattr(draft, "tagged", cbor2.dumps),
        lambda draft: setattr(draft, "tagged", lambda item: cbor2.CBORTag(24, item)),
        lambda draft: setattr(draft, "tagged", lambda item: cbor2.CBORTag(25, cbor2.dumps(item))),
        lambda draft: setattr(draft, "tagged", lambda item: tag([item])),
    ],
)
def test_items_that_are_none(spoil: Callable[[Draft], object]) -> None:
    draft = Draft.of()
    spoil(draft)
    for wire in (draft.wire(), draft.shown()):
        with pytest.raises((Malformed, BadDisclosure)):
            FORMAT.peek(FORMAT.parse(wire))


def test_items_of_another_document() -> None:
    other, ours = cbor2.loads(unb64(issue(seed="other"))), cbor2.loads(unb64(issue()))
    for at in (0, -1):
        issued = {**ours, "nameSpaces": {SPACE: [*ours["nameSpaces"][SPACE]]}}
        issued["nameSpaces"][SPACE][at] = other["nameSpaces"][SPACE][at]
        with pytest.raises(BadDisclosure):
            verify(Draft.of().shown(issued=issued))


def test_a_hidden_limit() -> None:
    """S3, for those that every document has and those that only some have."""
    for name in ("decision_rule", "attestation_basis"):
        draft = Draft.of()
        draft.items.remove(draft.item(name))
        with pytest.raises(BadDisclosure, match="limit"):
            verify(draft.shown())
    absent = Draft.of()
    limit = absent.item("decision_rule")
    absent.items.remove(limit)
    del absent.mso["valueDigests"][SPACE][limit["digestID"]]
    with pytest.raises(BadDisclosure, match="limit"):
        verify(absent.shown())
