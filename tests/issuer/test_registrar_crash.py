"""A registrar killed at each of its writes: it is whole, or it never was, and the same can be done again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
from support import dying
from support.airplane import COUNCIL_TAX
from support.dying import quiet
from support.dying_registrar import COUNCIL, act
from support.registry import NOON, URL, Template
from support.signing import Signer
from support.superior import ANA
from support.trial_web import Watch

from issuer.federation import publish, registrar
from issuer.office import Office
from issuer.records import askers, superior
from shared.clock import DAY
from shared.credentials import Text
from shared.errors import Conflict, Missing
from shared.keys import KeyId
from shared.storage import Tx
from shared.trust.application import prepare_application
from shared.trust.artefact import RP_CERTIFICATE
from shared.trust.publication import parse_publication

STEPS = ("invite", "apply", "approve", "begin", "publish", "end")
WHERE = {"publish": "federation-publish"}
AGAIN = {"invite", "begin", "publish"}  # done twice it changes nothing, or makes another code


@pytest.fixture
async def office(template: Template, tmp_path: Path) -> AsyncIterator[Office]:
    """The registrar's folder, opened by nobody who does anything by the clock; a day passes before what was approved counts."""
    async with quiet(template, tmp_path / "registrar", "superior = true\nobjection_days = 1\n") as opened:
        await publish.publish(opened)
        yield opened


async def dies(office: Office, point: str, *action: str) -> None:
    await dying.dies("dying_registrar", point, office.directory, office.clock(), *action)


async def seen(office: Office) -> tuple[object, ...]:
    """All that a registrar has written down, whoever wrote it."""

    async def unit(tx: Tx) -> tuple[object, ...]:
        found, last = await askers.find(tx, COUNCIL), await superior.last(tx)
        codes = await tx.fetch("SELECT code FROM asker_invitation")
        return (
            None if found is None else (found.state, found.version, found.uses, found.wanted, found.counts_at),
            [each.kind for each in await askers.history(tx, COUNCIL)],
            [each.n for each in await askers.versions(tx, COUNCIL)],
            len(await askers.keys(tx)),
            [bytes(each["code"]) for each in codes],
            None if last is None else last.seq,
            len(await askers.certificates(tx)),
        )

    return await office.storage.read(unit)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_killed_at_a_step_of_a_registration(office: Office, step: str, moment: str) -> None:
    """What was done up to the step stands; the step is there wholly or not at all; done again it brings the same, or says that it is done."""
    by, code = Signer.new(), ""
    name = Text("The council", "Y cyngor")
    token = by.finish(
        prepare_application(
            entity=COUNCIL, registrar=URL, name=name, uses=(COUNCIL_TAX,), at=NOON, key=KeyId("relying-party"), public=by.public
        )
    )
    for before in STEPS[: STEPS.index(step)]:
        if before == "invite":
            code = await registrar.invite(office, COUNCIL, "Council", "GB", ANA)
        else:
            await act(office, before, code, token)
        if before == "approve":
            cast("Watch", office.clock).at += DAY
    standing = await seen(office)
    await dies(office, f"{WHERE.get(step, f'register-{step}')}:{moment}", step, code, token)
    assert (await seen(office) == standing) is (moment == "before")
    if moment == "before" or step in AGAIN:
        await act(office, step, code, token)
    else:
        with pytest.raises((Conflict, Missing)):
            await act(office, step, code, token)
    made = parse_publication((await publish.publish(office)).document or b"")
    assert len(made.of(RP_CERTIFICATE)) == (1 if step in {"begin", "publish"} else 0)


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_killed_while_it_sends_an_application_back(office: Office, moment: str) -> None:
    by, name = Signer.new(), Text("The council", "Y cyngor")
    how = {"entity": COUNCIL, "registrar": URL, "name": name, "uses": (COUNCIL_TAX,), "at": NOON}
    token = by.finish(prepare_application(**how, key=KeyId("relying-party"), public=by.public))  # type: ignore[arg-type] # all of them fit
    await act(office, "apply", await registrar.invite(office, COUNCIL, "Council", "GB", ANA), token)
    standing = await seen(office)
    await dies(office, f"register-refuse:{moment}", "refuse")
    assert (await seen(office) == standing) is (moment == "before")
    assert (await office.storage.read(lambda tx: askers.get(tx, COUNCIL))).waits is (moment == "before")
