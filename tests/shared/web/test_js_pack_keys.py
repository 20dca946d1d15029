"""The page's list of issuers' keys, with dates and states that are none: nothing may count as in force because it cannot be compared."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support import judging, twins
from support.signing import AT
from support.trial_verify import BANK, DAY, status_cwt
from support.twins import Draft, Pack

from shared.trust.artefact import PAGE_KEYS, Artefact
from shared.trust.bundle import parse_bundle, prepare_bundle

pytestmark = pytest.mark.real


def with_keys(change: dict[str, Any], *, around: dict[str, Any]) -> Pack:
    """The usual pack, its list of keys changed by its own signer."""
    good = twins.pack([status_cwt(by=twins.registry())])
    artefacts = []
    for each in parse_bundle(good.data).artefacts:
        data = each.data
        if each.media_type == PAGE_KEYS:
            keys = json.loads(data)
            keys["issuers"] = [{name: value for name, value in (one | change).items() if value is not ...} for one in keys["issuers"]]
            data = json.dumps({name: value for name, value in (keys | around).items() if value is not ...}).encode()
        artefacts.append(Artefact(media_type=each.media_type, data=data))
    at = AT - 600
    made = prepare_bundle(
        issuer=BANK, seq=1, prev=None, at=at, exp=at + DAY, artefacts=artefacts, key=twins.KEY, public=twins.packer().public
    )
    return Pack(twins.packer().finish(made), good.anchors)


@pytest.mark.parametrize("name", ["iss", "kid", "x5c", "key", "vcts", "not_before", "not_after", "state", "ended_at"])
def test_a_key_without_its_facts_or_with_others_is_no_key(name: str) -> None:
    values: list[Any] = [..., "", 7.5, -1, [7], {}, True]
    packs = {str(value): with_keys({name: value}, around={}) for value in values} | {"good": with_keys({}, around={"floor": ...})}
    copy = Draft.of(twins.issue()).content()
    cases = [twins.script_case(twins.Case(pack, pack, copy), packs) for pack in packs]
    answers = judging.judge([*twins.keep(packs), *cases])[len(packs) :]
    codes = {pack: answer["ok"]["code"] for pack, answer in zip(packs, answers, strict=True)}
    assert codes == dict.fromkeys(packs, "malformed") | {"good": ""}


def test_a_floor_that_is_no_number_is_refused() -> None:
    values: list[Any] = [None, "0", 1.5, -1, {}, [1]]
    packs = {str(value): with_keys({}, around={"floor": value}) for value in values}
    copy = Draft.of(twins.issue()).content()
    cases = [twins.script_case(twins.Case(pack, pack, copy), packs) for pack in packs]
    answers = judging.judge([*twins.keep(packs), *cases])[len(packs) :]
    assert {answer["ok"]["code"] for answer in answers} == {"malformed"}
