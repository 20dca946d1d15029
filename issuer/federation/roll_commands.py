"""What the commands about bodies below and about registered organisations have in common: who decides, an invitation, a roll in a terminal."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from typing import TypeVar

from issuer.federation import enrol, publish
from issuer.federation.acting import actor_of
from issuer.federation.admission import INVITATION_DAYS
from issuer.office import Office
from issuer.records.roll import Entry, Roll
from issuer.sessions import Actor
from shared.web.certificates import day

E = TypeVar("E", bound=Entry)


async def decider(office: Office, arguments: argparse.Namespace) -> Actor:
    """Whose command it is. ``Forbidden`` where this office is nobody's superior; errors as ``actor_of``."""
    enrol.check_superior(office)
    return await actor_of(office, arguments)


async def number(office: Office) -> int:
    """Of what is published now."""
    return (await publish.publish(office)).seq


def invitation(name: str, *ways: str) -> list[str]:
    """How a code is handed over, and what it is for."""
    return [f"Give this to {name}, by a way on which nobody else reads it. It serves once, for {INVITATION_DAYS} days:", *ways]


async def show(
    office: Office, roll: Roll[E], arguments: argparse.Namespace, line: Callable[[E], str], told: Callable[[E], Mapping[str, object]]
) -> list[str]:
    """Everybody on a roll, or one of them with everything that is known and what happened, newest first."""
    found = [each for each in await office.storage.read(roll.everybody) if arguments.entity in {"", each.entity}]
    if arguments.json:
        return [json.dumps([told(each) for each in found], ensure_ascii=False, indent=1)]
    lines = [line(each) for each in found]
    if arguments.entity and found:
        lines += [f"  {name}: {json.dumps(value, ensure_ascii=False)}" for name, value in told(found[0]).items()]
        history = await office.storage.read(lambda tx: roll.history(tx, arguments.entity))
        lines += [f"  {day(each.at)}: {each.kind} by {each.actor.name}{f': {each.reason}' if each.reason else ''}" for each in history]
    return lines or ["Nobody."]
