"""Whose the keys are that bodies below an office name: proofs of possession, and federation keys that change by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.registry import Registry, Template, serving
from support.signing import Signer
from support.superior import ANA, BEN, COURT, SAYS, VCT, Below, Street, enrolled, pin, row

from issuer.app import one_round
from issuer.federation import collect, enrol, publish
from issuer.federation.keys import name_of, read_keys, render_keys
from issuer.federation.own import entity_of
from issuer.federation.terms import Terms
from issuer.records import subordinates
from issuer.records.subordinates import State
from shared.clock import system_entropy
from shared.custody import open_custodian
from shared.errors import Conflict
from shared.keys import PublicKey, Role
from shared.trust.federation import Federation
from shared.trust.federation_keys import FederationKey, render_jwks
from shared.trust.key_proofs import COMPROMISED
from shared.trust.publication import parse_publication
from shared.trust.snapshot import KeyHistory, KeyState, Snapshot
from shared.trust.superiors import gather

BANK = "https://bank.example"


@pytest.fixture
async def ministry(template: Template, tmp_path: Path, storage_uri: str) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "ministry", storage=storage_uri, superior=True) as running:
        await one_round(running.app)
        yield running


async def visited(ministry: Registry, *bodies: Below) -> Snapshot:
    """What is published after the next visit to each of them."""
    ministry.clock.at += collect.EVERY
    await collect.visit(ministry.office, Street(ministry, bodies))
    return parse_publication((await publish.publish(ministry.office)).document or b"").snapshot


async def known(ministry: Registry, public: PublicKey) -> KeyHistory | None:
    found = {each.thumbprint: each for each in await ministry.office.storage.read(subordinates.keys)}
    return found.get(name_of(public))


async def events(ministry: Registry, entity: str = COURT) -> list[str]:
    return [each.kind for each in await ministry.office.storage.read(lambda tx: subordinates.history(tx, entity))]


def issues(*signers: Signer) -> dict[str, dict[str, object]]:
    return {"openid_credential_issuer": {"jwks": render_jwks([FederationKey.of(each.public) for each in signers])}}


# --- keys of documents -----------------------------------------------------------------------------------------------------------------


async def test_a_proven_claim_beats_one_that_is_not_whoever_came_first(ministry: Registry) -> None:
    """A body that only names a key keeps it until another proves it; from then on it is that body's, and the first one is told of its fault."""
    court, bank = Below(), Below(BANK)
    bank.metadata, bank.proving = issues(court.documents, bank.documents), (bank.documents,)
    await enrolled(ministry, bank, name="Bank")
    before = await known(ministry, court.documents.public)
    assert before is not None
    assert before.entity == BANK
    await enrolled(ministry, court)
    snapshot = await visited(ministry, court, bank)
    assert snapshot.keys[name_of(court.documents.public)].entity == COURT
    assert snapshot.keys[name_of(bank.documents.public)].entity == BANK
    assert "outproved" in await events(ministry, BANK)
    assert ("another body" in (await row(ministry, BANK)).fault, (await row(ministry)).fault) == (True, "")


async def test_a_key_without_proof_is_listed_only_while_nobody_else_proves_it(ministry: Registry) -> None:
    court, bank = Below(), Below(BANK)
    court.proving = ()
    await enrolled(ministry, court)
    assert (await visited(ministry, court)).keys[name_of(court.documents.public)].entity == COURT
    bank.metadata, bank.proving = issues(court.documents), ()
    await enrolled(ministry, bank, name="Bank")
    assert "another body" in (await row(ministry, BANK)).fault  # neither proves it: who named it first keeps it
    court.proving = None
    await visited(ministry, court)
    court.proving = ()  # once proved it stays proved
    bank.proving = (court.documents,)
    snapshot = await visited(ministry, court, bank)
    assert snapshot.keys[name_of(court.documents.public)].entity == COURT


async def test_a_copied_proof_proves_nothing_for_another_body(ministry: Registry) -> None:
    court, bank = Below(), Below(BANK)
    await enrolled(ministry, court)
    bank.metadata, bank.proving, bank.copied = issues(court.documents), (), (court.proof(court.documents, ministry.clock()),)
    await enrolled(ministry, bank, name="Bank")
    assert (await visited(ministry, court, bank)).keys[name_of(court.documents.public)].entity == COURT


async def test_a_compromise_touches_only_keys_that_the_body_proved(ministry: Registry) -> None:
    court, bank = Below(), Below(BANK)
    bank.metadata, bank.proving = issues(court.documents, bank.documents), (bank.documents,)
    await enrolled(ministry, bank, name="Bank")
    await enrol.end(ministry.office, BANK, "stolen", ANA, compromised=True)
    fates = {each.thumbprint: each.state for each in await ministry.office.storage.read(subordinates.keys)}
    assert fates == {
        name_of(bank.signer.public): KeyState.COMPROMISED,
        name_of(bank.documents.public): KeyState.COMPROMISED,
        name_of(court.documents.public): KeyState.VERIFY_ONLY,
    }
    await enrolled(ministry, court)  # whose key it is, it is not over for
    history = (await visited(ministry, court)).keys[name_of(court.documents.public)]
    assert (history.entity, history.state) == (COURT, KeyState.ACTIVE)


async def test_a_body_reports_its_own_keys_and_nobody_elses(ministry: Registry) -> None:
    """What it says is in other hands is over for everybody at once (S15), if it has proved it; of others' keys it says nothing."""
    court, bank, after = Below(), Below(BANK), Signer.new()
    await enrolled(ministry, bank, name="Bank")
    await enrolled(ministry, court)
    named = Signer.new()
    court.metadata, court.proving = issues(court.documents, named), (court.documents,)
    await visited(ministry, court, bank)
    gone = [name_of(each.public) for each in (court.documents, named, bank.documents, court.signer)]
    court.metadata, court.proving = issues(after), (after,)
    court.metadata["openid_credential_issuer"][COMPROMISED] = gone
    for _ in range(2):
        snapshot = await visited(ministry, court, bank)
        assert [snapshot.keys[each].state for each in gone] == [
            KeyState.COMPROMISED,
            KeyState.VERIFY_ONLY,
            KeyState.ACTIVE,
            KeyState.ACTIVE,
        ]
        assert snapshot.keys[name_of(after.public)].state is KeyState.ACTIVE
    assert (await events(ministry)).count("reported") == 1
    court.metadata = issues(after) | {"federation_entity": {COMPROMISED: "everything"}}
    await visited(ministry, court)
    assert (await row(ministry)).fault == "an array is demanded here"


async def test_a_body_cannot_name_a_key_of_its_superior(ministry: Registry) -> None:
    """Two histories of one key would make everything that the superior says unreadable."""
    own = (await entity_of(ministry.office).key()).public, ministry.office.signer.public
    for public in own:
        bank = Below(f"https://bank-{name_of(public)[:4].lower().strip('-_')}.example")
        bank.metadata = {"openid_credential_issuer": {"jwks": render_jwks([FederationKey.of(public)])}}
        await enrolled(ministry, bank, name="Bank")
        assert "this office's own" in (await row(ministry, bank.entity)).fault
        assert await known(ministry, public) is None
    await visited(ministry)


# --- federation keys -------------------------------------------------------------------------------------------------------------------


class Rolling(Below):
    """A body that publishes these federation keys, of which it signs with the first."""

    federation: tuple[Signer, ...] = ()
    proved: tuple[Signer, ...] = ()

    def said(self, at: int, **claims: object) -> str:
        self.proving = (self.documents, *self.proved)
        jwks = render_jwks([FederationKey.of(each.public) for each in self.federation or (self.signer,)])
        return super().said(at, **{"jwks": jwks, **claims})


async def test_a_federation_key_that_changes_is_followed_without_anybody(ministry: Registry) -> None:
    """The next key is published ahead, proves itself, signs, and the one before goes; at no moment is there no chain."""
    body, after = Rolling(), Signer.new()
    first = body.signer
    await enrolled(ministry, body)
    anchor = await pin(ministry)
    steps: list[tuple[tuple[Signer, ...], Signer]] = [((first, after), first), ((first, after), after), ((after,), after)]
    for keys, signing in steps:
        body.federation, body.proved, body.signer = keys, (after,), signing
        await visited(ministry, body)
        assert (await row(ministry)).fault == ""
        at = ministry.clock()
        gathered = await ministry.run(gather(anchor, at=at))
        chain = Federation(anchors=(anchor,), words=gathered.words).chain(COURT, at, vct=VCT)
        assert {each.kid for each in chain.statements[1].keys} == {FederationKey.of(each.public).kid for each in keys}
    over, now = await known(ministry, first.public), await known(ministry, after.public)
    assert over is not None
    assert now is not None
    assert (over.state, over.reason, now.state) == (KeyState.VERIFY_ONLY, "superseded", KeyState.ACTIVE)
    assert (await events(ministry)).count("followed") == 2


async def test_a_next_key_that_proves_nothing_is_not_followed(ministry: Registry) -> None:
    body, after = Rolling(), Signer.new()
    await enrolled(ministry, body)
    body.federation = (body.signer, after)
    await visited(ministry, body)
    assert (await row(ministry)).keys == render_keys([body.key])
    before = (await row(ministry)).configuration
    body.federation, body.signer = (after,), after
    await visited(ministry, body)
    assert "not known to have" in (await row(ministry)).fault
    assert (await row(ministry)).configuration == before


async def test_federation_keys_of_another_body_are_refused(ministry: Registry) -> None:
    """Named without proof they are left out; with a proof, by who has both, they are refused, at the door and later."""
    court, bank = Below(), Rolling(BANK)
    await enrolled(ministry, court)
    bank.federation = (bank.signer, court.signer)
    await enrolled(ministry, bank, name="Bank")
    assert read_keys((await row(ministry, BANK)).keys) == (bank.key,)
    bank.proved = (court.signer,)
    await visited(ministry, court, bank)
    assert "another body" in (await row(ministry, BANK)).fault
    assert read_keys((await row(ministry, BANK)).keys) == (bank.key,)
    code = await enrol.invite(ministry.office, BANK, "Bank", SAYS, ANA)
    with pytest.raises(Conflict, match="another body"):
        await enrol.join(ministry.office, code, bank.said(ministry.clock()), published=True)
    mine = await known(ministry, court.signer.public)
    assert mine is not None
    assert mine.entity == COURT


async def test_a_key_that_another_only_named_is_a_federation_key_of_who_proves_it(ministry: Registry) -> None:
    """It was named as a key of documents, and is none."""
    court, bank = Below(), Below(BANK)
    bank.metadata, bank.proving = issues(court.signer, bank.documents), (bank.documents,)
    await enrolled(ministry, bank, name="Bank")
    await enrolled(ministry, court)
    history = (await visited(ministry, court, bank)).keys[name_of(court.signer.public)]
    assert (history.entity, history.role) == (COURT, Role.FEDERATION)
    assert "another body" in (await row(ministry, BANK)).fault


async def test_a_federation_key_that_ended_does_not_come_back(ministry: Registry) -> None:
    body, after = Rolling(), Signer.new()
    first = body.signer
    await enrolled(ministry, body)
    for keys, signing in (((first, after), first), ((after,), after), ((after, first), after)):
        body.federation, body.proved, body.signer = keys, (after, first), signing
        await visited(ministry, body)
    assert "does not begin again" in (await row(ministry)).fault
    assert read_keys((await row(ministry)).keys) == (FederationKey.of(after.public),)


async def test_a_key_that_is_followed_does_not_wait_for_whoever_looked_before(ministry: Registry) -> None:
    """Somebody looked at the body with the keys before: what was looked at is another version now."""
    body, after = Rolling(), Signer.new()
    found = await enrolled(ministry, body)
    wanted = await enrol.propose(ministry.office, COURT, Terms(), ANA, version=found.version)
    body.federation, body.proved = (body.signer, after), (after,)
    await visited(ministry, body)
    with pytest.raises(Conflict, match="look again"):
        await enrol.approve(ministry.office, COURT, BEN, version=wanted.version)
    approved = await enrol.approve(ministry.office, COURT, BEN, version=wanted.version + 1)
    assert len(read_keys(approved.keys)) == 2


async def test_who_has_ended_is_not_followed(ministry: Registry) -> None:
    body, after = Rolling(), Signer.new()
    await enrolled(ministry, body)
    await enrol.end(ministry.office, COURT, "closed", ANA)
    code = await enrol.invite(ministry.office, COURT, "Leeds court", SAYS, ANA)
    await enrol.join(ministry.office, code, body.said(ministry.clock()), published=True)
    body.federation, body.proved = (body.signer, after), (after,)
    await visited(ministry, body)
    assert ((await row(ministry)).state, read_keys((await row(ministry)).keys)) == (State.WAITING, (body.key,))


async def test_two_processes_that_visit_at_once_follow_once(ministry: Registry) -> None:
    body, after = Rolling(), Signer.new()
    await enrolled(ministry, body)
    body.federation, body.proved = (body.signer, after), (after,)
    ministry.clock.at += collect.EVERY
    street = Street(ministry, [body])
    await asyncio.gather(*(collect.visit(ministry.office, street) for _ in range(6)))
    assert (await events(ministry)).count("followed") == 1
    assert len(read_keys((await row(ministry)).keys)) == 2


async def test_a_superior_whose_own_key_is_away_shows_the_fault_and_visits_on(ministry: Registry) -> None:
    body = Below()
    await enrolled(ministry, body)
    away = replace(ministry.office, custodian=open_custodian("memory:", entropy=system_entropy, passphrase=b""))
    ministry.clock.at += collect.EVERY
    await collect.visit(away, Street(ministry, [body]))
    after = await row(ministry)
    assert (bool(after.fault), after.tried_at) == (True, ministry.clock())
    await visited(ministry, body)
    assert (await row(ministry)).fault == ""
