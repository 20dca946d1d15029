"""The page's list of issuers' keys, with dates and states that are none: nothing may count as in force because it cannot be compared."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support import judging, twin_realms, twins
from support.signing import AT
from support.trial_verify import BANK, DAY, ISSUER, VCT, status_cwt
from support.twins import Draft, Pack

from shared.codec import base64url
from shared.trust.artefact import PAGE_KEYS, Artefact
from shared.trust.bundle import parse_bundle, prepare_bundle

pytestmark = pytest.mark.real


def with_keys(change: dict[str, Any], *, around: dict[str, Any], left_behind: list[str] | None = None, of: Pack | None = None) -> Pack:
    """The usual pack, or another one, its list of keys changed by its own signer."""
    good = of or twins.pack([status_cwt(by=twins.registry())])
    artefacts = []
    for each in parse_bundle(good.data).artefacts:
        data = each.data
        if each.media_type == PAGE_KEYS:
            keys = json.loads(data)
            keys["issuers"] = [{name: value for name, value in (one | change).items() if value is not ...} for one in keys["issuers"]]
            if left_behind is not None:
                keys["successions"] = [one | {"not_vcts": left_behind} for one in keys["successions"]]
            data = json.dumps({name: value for name, value in (keys | around).items() if value is not ...}).encode()
        artefacts.append(Artefact(media_type=each.media_type, data=data))
    at = AT - 600
    made = prepare_bundle(
        issuer=BANK, seq=1, prev=None, at=at, exp=at + DAY, artefacts=artefacts, key=twins.KEY, public=twins.packer().public
    )
    return Pack(twins.packer().finish(made), good.anchors)


ODD: list[Any] = [[7], {}, 7, None]
ANY: list[Any] = [..., "", 7.5, -1, [7], {}, True]


def codes(packs: dict[str, Pack], copy: bytes) -> dict[str, str]:
    """What the page decides by each of them."""
    cases = [twins.script_case(twins.Case(pack, pack, copy, use={"stakes": "low"}), packs) for pack in packs]
    answers = judging.judge([*twins.keep(packs), *cases])[len(packs) :]
    return {pack: answer["ok"]["code"] for pack, answer in zip(packs, answers, strict=True)}


@pytest.mark.parametrize("name", ["iss", "kid", "x5c", "key", "vcts", "not_before", "not_after", "state", "ended_at"])
def test_a_key_without_its_facts_or_with_others_is_no_key(name: str) -> None:
    packs = {str(value): with_keys({name: value}, around={}) for value in ANY} | {"good": with_keys({}, around={"floor": ...})}
    assert codes(packs, Draft.of(twins.issue()).content()) == dict.fromkeys(packs, "malformed") | {"good": ""}


def test_a_floor_that_is_no_number_is_refused() -> None:
    values: list[Any] = [None, "0", 1.5, -1, {}, [1]]
    packs = {str(value): with_keys({}, around={"floor": value}) for value in values}
    assert set(codes(packs, Draft.of(twins.issue()).content()).values()) == {"malformed"}


RIGHT = {"vct": VCT, "from": AT - 90 * DAY, "until": None, "jurisdiction": None, "attestation_basis": None}
SUCCESSION = {
    "outgoing": ISSUER, "successor": "https://heir.example", "name": {"en": "Heir", "cy": "Etifedd"}, "from": AT - DAY, "not_before": AT - DAY,
    "not_after": AT + DAY, "vcts": None, "status_duty": True, "may_cancel": True,
}  # fmt: skip


def test_rights_and_successions_are_read_as_strictly() -> None:
    """One that is bent spoils the list: a limit that is not understood would be none."""
    bent: dict[str, tuple[Any, Any]] = {
        f"right {name} {value}": ([RIGHT | {name: value}], []) for name in RIGHT for value in ANY if value is not ...
    }
    bent |= {
        f"succession {name} {value}": ([RIGHT], [SUCCESSION | {name: value}]) for name in SUCCESSION for value in ANY if value is not ...
    }
    for name in RIGHT:
        bent[f"no {name}"] = [{key: value for key, value in RIGHT.items() if key != name}], []
    for name in SUCCESSION:
        bent[f"no {name}"] = [RIGHT], [{key: value for key, value in SUCCESSION.items() if key != name}]
    for odd in ODD:
        bent |= {str(odd): (odd, []), f"{odd} took over": ([RIGHT], odd)}
    packs = {
        name: with_keys({"x5c": None, "rights": rights, "stale_at": AT + DAY}, around={"successions": told})
        for name, (rights, told) in bent.items()
    }
    packs |= {
        f"stale at {value}": with_keys({"x5c": None, "rights": [RIGHT], "stale_at": value}, around={"successions": []}) for value in ANY
    }
    packs["good"] = with_keys({"x5c": None, "rights": [RIGHT], "stale_at": AT + DAY}, around={"successions": [SUCCESSION]})
    for value in ANY:
        if value not in (..., [7]):
            packs[f"left behind {value}"] = with_keys(
                {"x5c": None, "rights": [RIGHT], "stale_at": AT + DAY}, around={"successions": [SUCCESSION | {"not_vcts": value}]}
            )
    packs["no one took over"] = with_keys({}, around={"successions": []})
    packs["nothing said of successions"] = with_keys({}, around={"successions": ...})
    told = codes(packs, Draft.of(twins.issue()).content())
    fine = {"good", "no one took over", "succession status_duty True", "succession may_cancel True"}
    assert {name for name, code in told.items() if code != "malformed"} == fine
    assert {told[name] for name in fine} == {""}


def test_the_word_of_a_successor_counts_for_no_kind_that_is_left_behind() -> None:
    """Packs from before say nothing of it."""
    good = twin_realms.pack(twin_realms.succeeded(**twin_realms.DUTY), [status_cwt(by=twin_realms.heir())])
    packs = {str(left): with_keys({}, around={}, left_behind=left, of=good) for left in ([], ["urn:other"], [VCT])}
    bare = with_keys(
        {},
        around={"successions": [{name: value for name, value in one.items() if name != "not_vcts"} for one in successions(good)]},
        of=good,
    )
    told = codes(packs | {"before": bare}, Draft.of(twins.issue()).content())
    assert told == {"[]": "", "['urn:other']": "", str([VCT]): "status_unknown", "before": ""}


def successions(pack: Pack) -> list[dict[str, Any]]:
    (keys,) = (json.loads(each.data) for each in parse_bundle(pack.data).artefacts if each.media_type == PAGE_KEYS)
    found: list[dict[str, Any]] = keys["successions"]
    return found


def test_lists_of_version_1_are_read_and_others_are_not() -> None:
    """As desks have kept them: a right of a federation was an entry of its own, with the day on which it began, and said nothing beyond it."""
    old = {"said_from": AT - 90 * DAY, "vcts": [VCT], "federated": ..., "x5c": base64url.encode(bytes(32))}
    first = {"version": 1, "successions": ...}
    packs = {
        "as it was": with_keys(old, around=first),
        "begun since": with_keys(old | {"said_from": AT - 60}, around=first),
        "of another type": with_keys(old | {"vcts": ["urn:other"]}, around=first),
        "by certificates": with_keys({"federated": ...}, around=first),
        "over": with_keys(old | {"not_after": AT - 1}, around=first),
        "no list of types": with_keys(old | {"vcts": None}, around=first),
        "no day": with_keys(old | {"said_from": "x"}, around=first),
        **{f"version {number}": with_keys({}, around={"version": number}) for number in (0, 3, "2", None, ...)},
    }
    told = codes(packs, Draft.of(twins.issue()).content())
    assert told == dict.fromkeys(packs, "malformed") | {
        "as it was": "", "by certificates": "", "begun since": "not_entitled", "of another type": "not_entitled", "over": "snapshot_stale",
    }  # fmt: skip
