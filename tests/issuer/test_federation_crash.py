"""A superior killed at each write of its federation: it is whole, or it never was, and the same can be done again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
from support import dying
from support.dying import quiet
from support.dying_superior import act
from support.registry import Template
from support.signing import Signer
from support.successions import acceptance, statement
from support.superior import ANA, BEN, COURT, SAYS, Below
from support.trial_web import Watch

from issuer.federation import enrol, publish
from issuer.federation.own import entity_of
from issuer.office import Office
from issuer.records import subordinates, successions, superior
from shared.clock import DAY
from shared.errors import Conflict, Missing
from shared.keys import Role
from shared.storage import Tx
from shared.trust.artefact import SUCCESSOR
from shared.trust.federation_keys import FederationKey, render_jwks
from shared.trust.publication import parse_federation_publication
from shared.trust.snapshot import verify_snapshot_of
from shared.trust.succession import render_succession

WHERE = {"publish": "federation-publish", "configure": "configure"}
SUCCESSION = ("succession-offer", "succession-approve", "succession-drop")
STEPS = ("invite", "join", "approve", "publish", "propose", "end", "configure")


@pytest.fixture
async def office(template: Template, tmp_path: Path) -> AsyncIterator[Office]:
    """The ministry's folder, opened by nobody who does anything by the clock."""
    async with quiet(template, tmp_path / "ministry", "superior = true\n") as opened:
        await publish.publish(opened)
        yield opened


async def dies(office: Office, point: str, *action: str) -> None:
    await dying.dies("dying_superior", point, office.directory, office.clock(), *action)


async def seen(office: Office) -> tuple[object, ...]:
    """All that a superior has written down of its federation, whoever wrote it."""

    async def unit(tx: Tx) -> tuple[object, ...]:
        found = await subordinates.find(tx, COURT)
        codes = await tx.fetch("SELECT entity FROM federation_invitation")
        last = await superior.last(tx)
        own = await tx.fetch("SELECT issued_at FROM own_configuration")
        return (
            None if found is None else (found.state, found.version, found.wanted_terms, bool(found.wanted_keys)),
            [each.kind for each in await subordinates.history(tx, COURT)],
            len(await subordinates.keys(tx)),
            len(codes),
            None if last is None else (last.seq, len(await superior.statements(tx))),
            [int(each["issued_at"]) for each in own],
        )

    return await office.storage.read(unit)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_killed_at_a_step_of_a_federation(office: Office, step: str, moment: str) -> None:
    """What was done up to the step stands; the step is there wholly or not at all; done again it brings the same, or says that it is done."""
    body, code = Below(), ""
    for before in STEPS[: STEPS.index(step)]:
        if before == "invite":
            code = await enrol.invite(office, COURT, "Leeds court", SAYS, ANA)
        else:
            await act(office, before, code, body.said(office.clock()))
    if step in WHERE:
        cast("Watch", office.clock).at += DAY
    if step == "publish":
        await entity_of(office).configure()
    standing = await seen(office)
    await dies(office, f"{WHERE.get(step, f'federation-{step}')}:{moment}", step, code, body.said(office.clock()))
    assert (await seen(office) == standing) is (moment == "before")
    if moment == "before" or step in {"invite", "publish", "propose", "configure"}:
        await act(office, step, code, body.said(office.clock()))
    else:
        with pytest.raises((Conflict, Missing)):
            await act(office, step, code, body.said(office.clock()))
    made = parse_federation_publication((await publish.publish(office)).document or b"")
    key = await entity_of(office).key()
    verify_snapshot_of(made.snapshot, office.settings.public_url, [key.public], seen=None, at=office.clock())


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_killed_while_it_follows_a_federation_key(office: Office, moment: str) -> None:
    """Keys, histories and events are there wholly or not at all, and the next visit brings the same."""
    body, after = Below(), Signer.new()
    code = await enrol.invite(office, COURT, "Leeds court", SAYS, ANA)
    for step in ("join", "approve", "visit", "publish"):
        await act(office, step, code, body.said(office.clock()))
    cast("Watch", office.clock).at += DAY
    body.proving = (body.documents, after)
    said = body.said(office.clock(), jwks=render_jwks((body.key, FederationKey.of(after.public))))
    standing = await seen(office)
    await dies(office, f"federation-heard:{moment}", "visit", "", said)
    assert (await seen(office) == standing) is (moment == "before")
    cast("Watch", office.clock).at += DAY // 2
    await act(office, "visit", "", said)
    known = await office.storage.read(lambda tx: subordinates.keys(tx, COURT))
    assert [each.role for each in known].count(Role.FEDERATION) == 2
    events = await office.storage.read(lambda tx: subordinates.history(tx, COURT))
    assert [each.kind for each in events].count("followed") == 1
    made = parse_federation_publication((await publish.publish(office)).document or b"")
    assert {each.thumbprint for each in known} <= set(made.snapshot.keys)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", SUCCESSION)
async def test_killed_at_a_step_of_a_succession(office: Office, step: str, moment: str) -> None:
    """Row and event are there wholly or not at all, and what was done is not done twice."""
    old, new, at = Below(), Below("https://greater.example"), office.clock()
    for body in (old, new):
        code = await enrol.invite(office, body.entity, "A council", SAYS, ANA)
        joined = await enrol.join(office, code, body.said(at), published=True)
        await enrol.approve(office, body.entity, BEN, version=joined.version)
    token = statement(old, COURT, new.entity, iat=at, since=at)
    both = render_succession(token, acceptance(new, COURT, token, iat=at)).decode()

    async def handed() -> tuple[object, ...]:
        async def unit(tx: Tx) -> tuple[object, ...]:
            return await successions.find(tx, COURT, new.entity), [each.kind for each in await subordinates.history(tx, COURT)]

        return await office.storage.read(unit)

    for before in SUCCESSION[: SUCCESSION.index(step)]:
        await act(office, before, new.entity, both)
    standing = await handed()
    await dies(office, f"{step}:{moment}", step, new.entity, both)
    assert (await handed() == standing) is (moment == "before")
    if moment == "before":
        await act(office, step, new.entity, both)
    else:
        with pytest.raises(Conflict):
            await act(office, step, new.entity, both)
    made = parse_federation_publication((await publish.publish(office)).document or b"")
    assert len(made.of(SUCCESSOR)) == (step == "succession-approve")
