"""Offline is a policy, not a code path: one generator, three drivers, one decision."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.signing import AT, Signer
from support.trial_verify import BANK, COPY, DAY, IDX, LIST, Answers, copy_binding, decide, expectation, issue, material, show, status_token

from shared.errors import BundleStale, Unavailable
from shared.flow import Fetch, Fetched, arun, run
from shared.keys import KeyId
from shared.trust.bundle import (
    STATUS_LIST,
    Artefact,
    BundleMemory,
    VerifiedBundle,
    parse_bundle,
    parse_memory,
    prepare_bundle,
    render_memory,
    verify_bundle,
)
from shared.verify import Decision, Level, decide_error, verify

PACKER = Signer.new()
WIRE = issue()
SHOWN = show(WIRE)


def pack(*tokens: str, seq: int = 1, at: int = AT, exp: int = AT + 7 * DAY, prev: str | None = None) -> bytes:
    artefacts = [Artefact(media_type=STATUS_LIST, data=token.encode()) for token in tokens]
    unsigned = prepare_bundle(
        issuer=BANK, seq=seq, prev=prev, at=at, exp=exp, artefacts=artefacts, key=KeyId("bundle"), public=PACKER.public
    )
    return PACKER.finish(unsigned)


def read(data: bytes, memory: BundleMemory | None = None, *, at: int = AT) -> VerifiedBundle:
    parsed = parse_bundle(data)
    return verify_bundle(parsed, signers=(parsed.signer,), at=at, memory=memory or BundleMemory())


@pytest.mark.parametrize("values", [{}, {IDX: 1}, {IDX: 2}, {IDX: 3}, None])
@pytest.mark.parametrize("age", [60, 2 * DAY, 8 * DAY])
async def test_dictionary_bundle_and_network_decide_alike(values: dict[int, int] | None, age: int) -> None:
    token = None if values is None else status_token(values, iat=AT - age)
    known = {} if token is None else {LIST: token}
    bundle = read(pack(*known.values()))
    trust = material(source=bundle.source, crls=bundle.crls, floor=bundle.memory.floor, memory=bundle.memory.statuses)
    answers = Answers(known)

    async def network(fetch: Fetch) -> Fetched:
        return answers(fetch)

    online: Decision = await arun(verify({"poa": [SHOWN]}, expectation(), trust, at=AT), network)
    offline: Decision = run(verify({"poa": [SHOWN]}, expectation(), trust, at=AT), bundle.answer)
    table: Decision = run(verify({"poa": [SHOWN]}, expectation(), trust, at=AT), answers)
    assert online == table
    assert replace(offline, checks=()) == replace(table, checks=())
    assert [(line.name, line.state, line.code) for line in offline.checks] == [(line.name, line.state, line.code) for line in table.checks]


def test_the_bank_in_the_cellar() -> None:
    """A copy by e-mail, a pack from yesterday, no network; then the registry cancels, and a new pack arrives."""
    shown = show(WIRE, binding=copy_binding())
    want = expectation(binding=COPY)

    def check(bundle: VerifiedBundle, at: int) -> Decision:
        trust = material(source=bundle.source, crls=bundle.crls, memory=bundle.memory.statuses, floor=bundle.memory.floor)
        return decide(shown, want=want, trust=trust, answer=bundle.answer, at=at)

    monday = read(pack(status_token(iat=AT)))
    first = check(monday, AT + 600)
    assert (first.decision, first.level, first.status_iat) == ("accepted", Level.ADDRESSED, AT)
    memory = monday.memory.with_statuses(first.learnt)
    at = AT + DAY // 2
    still = check(read(pack(status_token(iat=AT)), BundleMemory(), at=at), at)
    assert (still.decision, still.status_iat) == ("accepted", AT)
    tuesday = read(pack(status_token({IDX: 1}, iat=at), seq=2, at=at, prev=monday.bundle.digest), memory, at=at)
    refused = check(tuesday, at + 60)
    assert (refused.decision, refused.code, refused.status_iat) == ("rejected", "revoked", at)
    memory = parse_memory(render_memory(tuesday.memory.with_statuses(refused.learnt)))
    wednesday = read(pack(status_token(iat=at + DAY), seq=3, at=at + DAY, prev=tuesday.bundle.digest), memory, at=at + DAY)
    assert check(wednesday, at + DAY).code == "revoked"


def test_a_stale_pack_is_a_decision_for_the_terminal() -> None:
    data = pack(status_token(), exp=AT + 10)
    with pytest.raises(BundleStale) as caught:
        read(data, at=AT + 10)
    decision = decide_error(caught.value, at=AT + 10)
    assert (decision.decision, decision.code) == ("undecided", "bundle_stale")


def test_a_pack_without_the_list_is_no_yes() -> None:
    bundle = read(pack())
    with pytest.raises(Unavailable):
        bundle.answer(Fetch(url=LIST))
    decision = decide(SHOWN, answer=bundle.answer)
    assert (decision.decision, decision.code) == ("undecided", "status_unknown")
    assert decide(SHOWN, answer=bundle.answer, stapled=[status_token()]).decision == "accepted"
