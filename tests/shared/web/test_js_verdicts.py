"""The differential test: thousands of presentations, good, broken and bent; Python and the pages' scripts come to the same verdicts,
line by line, and learn the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import cbor2
import pytest
from support import judging, twins
from support.bends import BENDS
from support.judging import Dice
from support.signing import AT, Signer
from support.trial_verify import BANK, CLAIMS, DAY, IDX, LIST, Authority, status_cwt
from support.trusting import ended, history
from support.twins import Case, Draft, Pack

from shared.status.memory import Seen, StatusMemory
from shared.trust.anchors import render_trust
from shared.trust.bundle import BundleMemory, render_memory
from shared.trust.relying_party import Want
from shared.trust.snapshot import KeyState

pytestmark = pytest.mark.real

COPY = {4: AT + 7 * DAY, 7: bytes(16), 39: bytes(16), -70_001: "open-account", 3: f"a:{BANK}"}
ODD = {IDX: 0, 5: 1, 6: 2, 7: 3}
CODES_SEEN = {
    "malformed", "bad_signature", "algorithm_refused", "wrong_typ", "untrusted", "not_entitled", "certificate_revoked", "expired",
    "not_yet_valid", "bad_disclosure", "not_bound", "wrong_audience", "wrong_nonce", "stale_binding", "purpose_mismatch", "revoked",
    "suspended", "status_index_out_of_range", "unknown_credential_type", "type_rule_broken", "wrong_instrument", "outside_scope",
    "request_not_satisfied", "over_disclosed", "status_unknown", "status_stale", "clock_behind", "bundle_stale", "bundle_rolled_back",
    "needs_more_attorneys", "needs_capacity_evidence", "restricted_undisclosed", "restrictions_to_read", "",
}  # fmt: skip


TWO_ANCHORS = (twins.registry(), twins.doubled(), twins.second(), twins.edwards(), twins.foreign())


@cache
def packs() -> Mapping[str, Pack]:
    first = twins.registry().signer.public
    invalid = StatusMemory(invalid={(twins.registry().entity, LIST, IDX): AT + DAY})
    newer = StatusMemory(lists={(twins.registry().entity, LIST): Seen(AT, b"")})
    other = StatusMemory(lists={(twins.registry().entity, LIST): Seen(AT - 3_600, bytes(32))})
    small = status_cwt(ODD, by=twins.registry(), size=80_000)
    return {
        "plain": twins.pack([status_cwt(ODD, by=twins.registry())]),
        "as JWT": twins.pack([twins.token(values=ODD)]),
        "JWT without certificates": twins.pack([twins.token(values=ODD, x5c=())]),
        "one bit": twins.pack([status_cwt({IDX: 1}, by=twins.registry(), bits=1)]),
        "eight bits": twins.pack([status_cwt({IDX: 0, 5: 255}, by=twins.registry(), bits=8)]),
        "small": twins.pack([small]),
        "cancelled": twins.pack([status_cwt({IDX: 1}, by=twins.registry())]),
        "on hold": twins.pack([status_cwt({IDX: 2}, by=twins.registry())]),
        "cancelled long ago": twins.pack([status_cwt({IDX: 1}, by=twins.registry(), iat=AT - 30 * DAY)]),
        "no list": twins.pack([]),
        "old list": twins.pack([status_cwt(by=twins.registry(), iat=AT - 2 * DAY)]),
        "over": twins.pack([status_cwt(by=twins.registry(), exp=AT)]),
        "ahead": twins.pack([status_cwt(by=twins.registry(), iat=AT + 61)]),
        "by another key": twins.pack([status_cwt(by=twins.second())]),
        "by a stranger": twins.pack([status_cwt(by=twins.unknown())]),
        "empty": twins.pack([status_cwt(by=twins.registry(), size=0)]),
        "known cancelled": twins.pack([status_cwt(by=twins.registry())], memory=BundleMemory(statuses=invalid)),
        "newer known": twins.pack([status_cwt(by=twins.registry(), x5c=())], memory=BundleMemory(statuses=newer)),
        "other words known": twins.pack([status_cwt(by=twins.registry())], memory=BundleMemory(statuses=other)),
        "no list, newer known": twins.pack([], memory=BundleMemory(statuses=newer)),
        "late floor": twins.pack([status_cwt(by=twins.registry())], memory=BundleMemory(floor=AT + 3_600)),
        "floor days ahead": twins.pack([status_cwt(by=twins.registry())], memory=BundleMemory(floor=AT + 3 * DAY)),
        "stale": twins.pack(at=AT - 8 * DAY, life=DAY, publishers={place: {"at": AT - 8 * DAY} for place in range(4)}),
        "dated ahead": twins.pack(at=AT + 400),
        "compromised": twins.pack(publishers={0: {"at": AT - 600, "keys": (ended(KeyState.COMPROMISED, AT - DAY, first),)}}),
        "retired": twins.pack(publishers={0: {"at": AT - 600, "keys": (ended(KeyState.VERIFY_ONLY, AT - DAY, first),)}}),
        "retired long ago": twins.pack(publishers={0: {"at": AT - 600, "keys": (ended(KeyState.VERIFY_ONLY, AT - 60 * DAY, first),)}}),
        "not in the snapshot": twins.pack(publishers={0: {"at": AT - 600, "keys": (history(Signer.new().public),)}}),
        "compromised elsewhere": twins.pack(
            authorities=TWO_ANCHORS, publishers={1: {"at": AT - 600, "keys": (ended(KeyState.COMPROMISED, AT - DAY, first),)}}
        ),
        "over elsewhere": twins.pack(
            authorities=TWO_ANCHORS, publishers={1: {"at": AT - 600, "keys": (ended(KeyState.VERIFY_ONLY, AT - 60 * DAY, first),)}}
        ),
        "certified twice": twins.pack(authorities=TWO_ANCHORS),
        "others only": twins.pack(authorities=(twins.second(), twins.foreign())),
    }


def compare(cases: Iterable[Case], known: Mapping[str, Pack] | None = None) -> Counter[str]:
    """Equal verdicts for all of them; how often each code decided."""
    known = packs() if known is None else known
    listed = list(cases)
    answers = judging.judge([*twins.keep(known), *(twins.script_case(case, known) for case in listed)])[len(known) :]
    codes: Counter[str] = Counter()
    for case, answer in zip(listed, answers, strict=True):
        ours, theirs = twins.python_verdict(case, known), answer["ok"]
        assert {**theirs} == {**ours}, f"{case.name} / {case.pack} / {case.mode} at {case.at - AT}\n{ours}\n{theirs}\n{case.content.hex()}"
        codes[ours["code"]] += 1
    return codes


def cases_of(draft: Draft, name: str, **changes: Any) -> Case:
    return Case(**{"name": name, "pack": "plain", "content": draft.content()} | changes)


@cache
def copies() -> list[tuple[str, bytes, Authority, Signer]]:
    """By different issuers for holders of different kinds."""
    made = []
    for place, (by, alg) in enumerate([(twins.registry(), "ES256"), (twins.second(), "ES384"), (twins.edwards(), "EdDSA")]):
        to = Signer.new(alg)
        made.append((f"{by.signer.public.alg} for {alg}", twins.issue(by=by, to=to, seed=str(place)), by, to))
    return made


def test_every_algorithm_and_choice_of_groups() -> None:
    cases = []
    for name, copy, by, to in copies():
        for groups in [(), (1,), (1, 4), (1, 2, 3, 4, 5), (7,), (10,), (1, 4, 11), tuple(range(1, 13))]:
            cases.append(cases_of(Draft.of(copy, groups=groups, by=by, to=to), f"{name} {groups}"))
            cases.append(
                cases_of(
                    Draft.of(copy, groups=groups, by=by, to=to),
                    f"{name} {groups}, asked for less",
                    wants=(Want(vct=65_001, required=(1, 4)),),
                )
            )
    codes = compare(cases)
    assert codes[""] > 10
    assert codes["request_not_satisfied"]
    assert codes["over_disclosed"]


def test_each_bend_in_each_mode() -> None:
    dice = judging.dice(11)
    cases = []
    copy = twins.issue()
    for name, bend in BENDS.items():
        for mode, how in MODES.items():
            draft = Draft.of(copy)
            if mode == "addressed":
                draft.members |= COPY
            bend(draft, dice)
            cases.append(cases_of(draft, name, **how))
    codes = compare(cases)
    assert len(cases) > 500
    assert codes[""] > 50


MODES: Mapping[str, Mapping[str, Any]] = {
    "live": {},
    "addressed": {"mode": "addressed", "audience": f"a:{BANK}", "purpose": "open-account"},
}


def test_several_bends_at_once() -> None:
    """Which of two faults is told, and on which line, is the same too."""
    dice = judging.dice(12)
    names = list(BENDS)
    cases = [one for _ in range(1_800) if (one := joined(dice, names)) is not None]
    codes = compare(cases)
    assert sum(codes.values()) > 1_500
    assert set(codes) <= CODES_SEEN
    assert len(codes) > 20


def joined(dice: Dice, names: list[str]) -> Case | None:
    name, copy, by, to = dice.choice(copies())
    draft = Draft.of(copy, groups=dice.sample(range(1, 13), dice.randrange(6)), by=by, to=to)
    mode = dice.choice(["live", "live", "code", "addressed"])
    how: dict[str, Any] = {
        "mode": mode,
        "pack": dice.choice(list(packs())),
        "at": AT + dice.choice([0, 0, 0, 1, 3_600, 10 * DAY, 40 * DAY]),
    }
    if mode == "addressed":
        draft.members |= COPY
        how |= {"audience": f"a:{BANK}", "purpose": dice.choice(["open-account", None])}
    if mode == "code":
        draft.members[3] = "c:bank"
        how |= {"audience": "c:bank"}
    how["use"] = dice.choice(USES)
    how["wants"] = dice.choice(
        [(twins.WANT,), (), (Want(vct=65_001, required=(1, 4), optional=(2, 3, 5)),), (Want(vct=65_001, required=(6,)),)]
    )
    chosen = dice.sample(names, dice.choice([0, 1, 2, 3]))
    try:
        for each in chosen:
            BENDS[each](draft, dice)
        return cases_of(draft, f"{name}: {', '.join(chosen)}", **how)
    except (KeyError, TypeError, AttributeError, IndexError):
        return None  # these two cannot be bent at once


USES: list[Mapping[str, Any]] = [
    {},
    {"powers": ["banking"]},
    {"powers": ["property.sale"]},
    {"powers": ["health-decisions"]},
    {"stakes": "low"},
    {"attorneys": 2},
    {"instruments": ["epa"]},
    {"bases": ["register"]},
    {"capacity_evidence": True, "restrictions_allow": True},
    {"restrictions_allow": False},
]


def test_every_pack_every_use_and_every_kind_of_document() -> None:
    kinds: list[dict[str, Any]] = [
        {},
        {"has_restrictions": True, "restrictions_text": "Not the house"},
        {"usable_when": "when-capacity-lost"},
        {"decision_rule": "jointly", "cardinality": 2},
        {"instrument_type": "lpa-personal-welfare", "usable_when": "when-capacity-lost", "powers": ["health-decisions"]},
        {"powers": ["general"]},
        {"attestation_basis": "inspection", "evidence": {"attested_by": "A. Solicitor", "attested_on": "2026-01-02"}},
        {"attestation_basis": "court-order"},
        {"cardinality": 3},
        {"disputed": True},
        {"disputed": False},
    ]
    cases = []
    for place, changes in enumerate(kinds):
        copy = twins.issue(claims=CLAIMS | changes, seed=f"kind {place}")
        for use in USES:
            some = ((1, 2, 3, 4, 5), (1, 4, 5, 8))
            cases += [cases_of(Draft.of(copy, groups=groups), f"{changes} {use}", use=use) for groups in some]
    copy = twins.issue()
    for name in packs():
        for at in (AT, AT + 1, AT - 700, AT - 3 * DAY, AT + 6 * DAY, AT + 7 * DAY, AT + 40 * DAY):
            cases += [cases_of(Draft.of(copy), name, pack=name, at=at, use=use) for use in ({}, {"stakes": "low"})]
    for by in (twins.foreign(), twins.unknown(), twins.second(), twins.edwards()):
        cases += [cases_of(Draft.of(twins.issue(by=by, seed=by.entity), by=by), by.entity, pack=name) for name in packs()]
    codes = compare(cases)
    assert {"clock_behind", "bundle_stale", "not_yet_valid", "certificate_revoked", "untrusted", "not_entitled", "status_stale"} <= set(
        codes
    )


def test_all_bits_of_one_presentation() -> None:
    whole = Draft.of(twins.issue()).content()
    cases = [
        Case(f"bit {bit} of byte {at}", "plain", whole[:at] + bytes((whole[at] ^ 1 << bit,)) + whole[at + 1 :])
        for at in range(len(whole))
        for bit in range(8)
    ]
    assert not compare(cases)[""]


def test_other_spellings_of_one_presentation() -> None:
    dice = judging.dice(13)
    whole = Draft.of(twins.issue()).content()
    spelt = [whole + b"\0", whole[:-1], b"", b"\xd2", whole[1:], b"\xd8\x12" + whole[1:], whole[:1] + b"\x98\x04" + whole[2:]]
    spelt += [whole[:at] + dice.randbytes(dice.randrange(3)) + whole[at + dice.randrange(3) :] for at in range(0, len(whole), 2)]
    spelt += [dice.randbytes(40), b"\x9f" + whole[2:] + b"\xff", b"\xa1" * 60, b"\x81" * 300, cbor2.dumps([1] * 5_000), bytes(33_000)]
    codes = compare([Case(f"spelling {at}", "plain", each) for at, each in enumerate(spelt) if each != whole])
    assert not codes[""]


def test_packs_that_are_bent() -> None:
    dice = judging.dice(14)
    good = packs()["plain"]
    bent = {f"bent {at}": replace(good, data=each) for at, each in enumerate(spoiled(dice, good.data))}
    seen = packs()["as JWT"]
    again = twins._opened(good.data, AT, render_trust(good.anchors), render_memory(good.memory)).memory
    bent["another of this number"] = replace(seen, memory=again)
    bent["older"] = replace(good, memory=replace(again, signers={name: replace(each, seq=9) for name, each in again.signers.items()}))
    bent["earlier"] = replace(twins.pack(seq=3, at=AT - 5_000), memory=again)
    bent["not the next"] = replace(twins.pack(seq=2), memory=again)
    bent["later"] = replace(twins.pack(seq=5), memory=again)
    bent["the same"] = replace(good, memory=again)
    content = Draft.of(twins.issue()).content()
    codes = compare([Case(name, name, content) for name in bent], bent)
    assert codes["bundle_rolled_back"] >= 4
    assert codes["malformed"] > 20
    assert codes[""] == 2  # the same and a later one


def spoiled(dice: Dice, data: bytes) -> Iterator[bytes]:
    text = data.decode()
    yield from (b"", b"{}", b"[]", data[:-1], data + b"x", text.replace('"artefacts":{', '"artefacts":{"x":"AA==",', 1).encode())
    yield text.replace('"manifest"', '"manifest":"x.y.z","manifest"', 1).encode()
    for _ in range(40):
        at = dice.randrange(len(data))
        yield data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]


def test_typ_swap_and_stripping() -> None:
    """S1, S2: nothing passes as something else, and a document without its holder's binding is bound to nobody."""
    copy = twins.issue()
    draft = Draft.of(copy)
    alone = cbor2.dumps(draft.document())
    codes = compare([Case("stripped", "plain", alone, mode=mode, audience=audience) for mode, audience in (("live", ""), ("code", "c:x"))])
    assert set(codes) == {"not_bound"}
    bearer = [Case("as bearer", "plain", content, mode="bearer", wants=()) for content in (alone, draft.content())]
    assert set(compare(bearer)) == {"not_bound"}
    swapped = [
        cases_of(Draft.of(copy), f"mode {mode}", mode=mode, audience=to) for mode, to in (("code", "c:x"), ("addressed", f"a:{BANK}"))
    ]
    assert set(compare(swapped)) == {"wrong_audience"}
