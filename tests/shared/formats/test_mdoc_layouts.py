"""``mso_mdoc`` in other layouts than issuers and wallets of ours write: the long way gives the same answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.forge import HOLDER, ISSUER, b64, unb64
from support.mdocs import NAMES, SPACE, Draft, issue, show, verify

from shared.codec import cbor
from shared.errors import BadDisclosure, VcError
from shared.formats import _items, _mso, _wire
from shared.formats._elements import elements_of
from shared.formats.mdoc import FORMAT

SHOWN = show()


def turned(value: dict[Any, Any]) -> dict[Any, Any]:
    return dict(reversed(value.items()))


def test_ours_takes_the_short_way() -> None:
    shown = _wire._usual(unb64(SHOWN))
    assert shown is not None
    assert _mso._usual(shown.auth.payload) is not None
    assert all(_items._ITEM.match(item) for item in shown.spaces[SPACE])


def _turn_response(draft: Draft) -> str:
    return b64(cbor2.dumps(turned(draft.response())))


def _turn_mso(draft: Draft) -> str:
    draft.mso = turned(draft.mso)
    return draft.shown()


def _turn_validity(draft: Draft) -> str:
    draft.mso["validityInfo"] = turned(draft.mso["validityInfo"])
    return draft.shown()


def _turn_digests(draft: Draft) -> str:
    draft.mso["valueDigests"][SPACE] = turned(draft.mso["valueDigests"][SPACE])
    return draft.shown()


def _turn_items(draft: Draft) -> str:
    draft.spaces[SPACE] = [turned(item) for item in draft.items]
    return draft.shown()


def _longer_randoms(draft: Draft) -> str:
    for item in draft.items:
        item["random"] += b"more"
    return draft.shown()


def _large_numbers(draft: Draft) -> str:
    for item in draft.items:
        if item["digestID"] >= 64:
            del draft.mso["valueDigests"][SPACE][item["digestID"]]
            item["digestID"] += 1_000
    return draft.shown()


def _two_certificates(draft: Draft) -> str:
    draft.unprotected[33] = [draft.unprotected[33], draft.unprotected[33]]
    return draft.shown()


def _a_status_with_a_pin(draft: Draft) -> str:
    draft.mso["status"]["status_list"]["certificate"] = b"pinned"
    return draft.shown()


def _a_status_elsewhere(draft: Draft) -> str:
    draft.mso["status"] = {"more": 1, **draft.mso["status"]}
    return draft.shown()


@pytest.mark.parametrize(
    "write",
    [
        _turn_response,
        _turn_mso,
        _turn_validity,
        _turn_digests,
        _turn_items,
        _longer_randoms,
        _large_numbers,
        _two_certificates,
        _a_status_with_a_pin,
        _a_status_elsewhere,
        Draft.shown,
    ],
)
def test_other_layouts(write: Callable[[Draft], str]) -> None:
    names = [name for _, name in NAMES]
    wire = write(Draft.of().keep(*[str(name) for name in names]))
    found, ours = verify(wire), verify(SHOWN)
    assert (found.claims, found.document, found.status, found.holder) == (ours.claims, ours.document, ours.status, ours.holder)
    assert set(found.disclosed) == set(ours.disclosed)


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_both_ways_agree(data: st.DataObject) -> None:
    """Whatever the short way takes, the long way takes and understands alike."""
    whole = unb64(SHOWN)
    at = data.draw(st.integers(0, len(whole) - 1))
    spoilt = whole[:at] + data.draw(st.binary(max_size=3)) + whole[at + data.draw(st.integers(0, 3)) :]
    try:
        short = _wire._usual(spoilt)
    except IndexError:
        short = None
    if short is None:
        return
    value = _wire._response(cbor.loads(spoilt))
    assert {space: [*items] for space, items in short.spaces.items()} == value.spaces
    assert (short.doctype, short.auth, short.device) == (value.doctype, value.auth, value.device)


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_both_ways_agree_about_what_was_signed(data: st.DataObject) -> None:
    shown = _wire.parse_wire(unb64(SHOWN))
    payload = shown.auth.payload
    at = data.draw(st.integers(0, len(payload) - 1))
    spoilt = payload[:at] + data.draw(st.binary(max_size=3)) + payload[at + data.draw(st.integers(0, 3)) :]
    try:
        short = _mso._usual(spoilt)
    except VcError:
        return  # a point off the curve, or an order of times that cannot be
    if short is not None:
        assert short == _mso._any(_mso.encoded(cbor.loads(spoilt)), "")


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_both_ways_agree_about_items(data: st.DataObject) -> None:
    item = data.draw(st.sampled_from(list(FORMAT.parse(SHOWN).inner.spaces[SPACE])))
    at = data.draw(st.integers(0, len(item) - 1))
    spoilt = item[:at] + data.draw(st.binary(max_size=3)) + item[at + data.draw(st.integers(0, 3)) :]
    usual = _items._ITEM.match(spoilt)
    found = None if usual is None else _items._rest(spoilt[usual.end() :])
    if usual is not None and found is not None and spoilt[:2] == b"\xd8\x18":
        try:
            value = _items._any(spoilt)
        except VcError:
            return  # heads of strings around it that do not fit; whoever cuts items out has seen to that
        assert (usual[1], *found) == value


def test_an_empty_document_of_a_type_with_limits() -> None:
    draft = Draft.of()
    draft.spaces = {}
    with pytest.raises(BadDisclosure):
        verify(draft.shown())


def test_a_long_text_and_many_items() -> None:
    """More than 255 bytes in one item, more than 23 items, and a text that ends like a head."""
    claims = {**FORMAT.peek(FORMAT.parse(issue())).claims, "has_restrictions": True, "restrictions_text": "Ω" * 1_000}
    wire = show(issue(claims=claims), ((SPACE,),))
    assert verify(wire).claims == claims
    assert len(FORMAT.parse(wire).inner.spaces[SPACE]) > 23
    assert elements_of(FORMAT.parse(wire).inner.rules).by_name["restrictions_text"].last == "restrictions_text"
    assert HOLDER.public != ISSUER.public


def test_names_beyond_measure_are_not_searched_for_the_usual_layout() -> None:
    """What stands before the items could be split in very many ways: a stranger's bytes must not make the pattern try them all."""
    names = b"\x61a" + (_wire._ISSUER_SIGNED + _wire._NAME_SPACES + b"\x61a") * 4_000
    before = _wire._front.cache_info().misses
    with pytest.raises(VcError):
        FORMAT.parse(
            b64(
                _wire._DOCUMENT
                + names
                + b"\xd8\x18"
                + b"\x58\x20"
                + bytes(32)
                + b"\x58\x40"
                + bytes(64)
                + _wire._PROOF
                + bytes(64)
                + _wire._END
            )
        )
    assert _wire._front.cache_info().misses == before
