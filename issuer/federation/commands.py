"""What ``muniment-issuer federation`` does. Each command gives the lines that it tells; who decides says who she is."""

from __future__ import annotations

import argparse
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from issuer.federation import collect, enrol, joining, register_commands, roll_commands, succession_commands
from issuer.federation import export as files
from issuer.federation.keys import read_keys
from issuer.federation.roll_commands import decider, invitation, number
from issuer.federation.terms import Choice, Terms, parse_terms
from issuer.office import Office
from issuer.records import subordinates
from issuer.records.subordinates import Subordinate
from shared.errors import ConfigError, VcError
from shared.web.fetch import Fetcher


async def invite(office: Office, arguments: argparse.Namespace) -> list[str]:
    """A one-time code, and where it is used."""
    actor, at = await decider(office, arguments), office.clock()
    before = await office.storage.read(lambda tx: subordinates.find(tx, arguments.entity))
    code = await enrol.invite(office, arguments.entity, arguments.name, _terms(arguments, before, at), actor)
    return invitation(
        arguments.name,
        f"  muniment-issuer federation join {office.settings.public_url} {code}",
        f"Or they enter the code {code} at {office.url('/federated/join')}",
    )


async def join(office: Office, arguments: argparse.Namespace) -> list[str]:
    """This office comes below a superior."""
    await joining.join(office, arguments.superior, arguments.code)
    return [
        f"Joined: people of {arguments.superior} look at it now. The fingerprint of the key that they see:",
        f"  {await joining.fingerprint(office)}",
    ]


async def show(office: Office, arguments: argparse.Namespace) -> list[str]:
    """All who are below, or one of them with everything that is known."""
    return await roll_commands.show(office, subordinates.ROLL, arguments, _line, _told)


def _line(each: Subordinate) -> str:
    waits = "  waits for a second person" if each.waits else ""
    return f"{each.state.value:8} version {each.version:<4} {each.entity}  {each.name}{waits}"


def _told(each: Subordinate) -> dict[str, object]:
    return {
        "entity": each.entity,
        "name": each.name,
        "state": each.state.value,
        "version": each.version,
        "terms": json.loads(each.terms),
        "waiting": None if each.wanted_terms is None else json.loads(each.wanted_terms),
        "proposed_by": each.wanted_by,
        "keys": [key.kid for key in read_keys(each.keys)],
        "new_keys": [key.kid for key in read_keys(each.wanted_keys or "")],
        "its_address_shows_them": each.published_at is not None,
        "fault": each.fault,
    }


async def approve(office: Office, arguments: argparse.Namespace) -> list[str]:
    """What another proposed counts, or is dropped."""
    actor = await decider(office, arguments)
    if arguments.refuse:
        await enrol.refuse(office, arguments.entity, arguments.refuse, actor, version=arguments.version)
        return ["Dropped. Nothing has changed for others."]
    body = await enrol.approve(office, arguments.entity, actor, version=arguments.version, compared=arguments.compared)
    fetcher = Fetcher.of(office.settings)
    try:
        await collect.visit_below(office, body, fetcher)
    finally:
        await fetcher.close()
    fault = (await office.storage.read(lambda tx: subordinates.get(tx, arguments.entity))).fault
    warning = [f"But nothing was taken of what it says of itself, and no new key of its documents counts: {fault}"] if fault else []
    return [f"Approved, and published as number {await number(office)}.", *warning]


async def entitle(office: Office, arguments: argparse.Namespace) -> list[str]:
    """Other terms, which wait for another person."""
    actor = await decider(office, arguments)
    before = await office.storage.read(lambda tx: subordinates.get(tx, arguments.entity))
    terms = _terms(arguments, before, office.clock())
    found = await enrol.propose(office, arguments.entity, terms, actor, version=before.version)
    return [f"Proposed as version {found.version}. Another person approves it with `federation approve`, or on the pages."]


async def end(office: Office, arguments: argparse.Namespace) -> list[str]:
    """Nothing is granted any more."""
    actor = await decider(office, arguments)
    await enrol.end(office, arguments.entity, arguments.reason, actor, compromised=arguments.compromised)
    return [f"Ended, and published as number {await number(office)}. Those who check know it when they next fetch."]


async def export(office: Office, arguments: argparse.Namespace) -> list[str]:
    """Everything as files."""
    enrol.check_superior(office)
    paths = await files.export(office, Path(arguments.folder))
    return [f"{len(paths)} files in {arguments.folder}; {files.README} says where they go."]


COMMANDS: Final[dict[str, Callable[[Office, argparse.Namespace], Awaitable[list[str]]]]] = {
    "invite": invite,
    "join": join,
    "list": show,
    "approve": approve,
    "entitle": entitle,
    "end": end,
    "export": export,
    **succession_commands.COMMANDS,
    **register_commands.COMMANDS,
}


def _terms(arguments: argparse.Namespace, before: Subordinate | None, at: int) -> Terms:
    """What the options say; a type that it may say already keeps its beginning. ``ConfigError`` for a file that is not read as terms."""
    if arguments.terms:
        try:
            return parse_terms(Path(arguments.terms).read_bytes())
        except OSError as error:
            raise ConfigError(f"cannot read {arguments.terms}: {error.strerror}", where="terms") from error
        except VcError as error:
            raise ConfigError(f"{arguments.terms}: {error.detail} (at {error.where or '/'})", where="terms") from error
    known = Terms() if before is None else parse_terms(before.terms)
    choice = Choice(says=arguments.says, accredits=arguments.accredits, registers=arguments.registers, marks=arguments.mark)
    return choice.terms(known, at)
