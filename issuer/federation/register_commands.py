"""What ``muniment-issuer federation register`` does: those who ask for documents, and where this office registers them."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from typing import Final

from issuer.federation import registered, registrar, roll_commands
from issuer.federation.keys import name_of
from issuer.federation.roll_commands import decider, invitation, number
from issuer.office import Office
from issuer.records import askers
from issuer.records.askers import Asker
from shared.trust.application import parse_application
from shared.web.certificates import day


async def invite(office: Office, arguments: argparse.Namespace) -> list[str]:
    """A one-time code with which an organisation applies, and where it is used."""
    actor = await decider(office, arguments)
    code = await registrar.invite(office, arguments.entity, arguments.name, arguments.country, actor)
    lines = invitation(arguments.name, f"  muniment-verifier uses apply {office.settings.public_url} {code}")
    if arguments.country not in await registrar.countries(office):
        lines.append(
            f"Nobody above lets this office register in {arguments.country}, as far as is known here: what it registers counts for nothing."
        )
    return lines


async def show(office: Office, arguments: argparse.Namespace) -> list[str]:
    """All who are registered or want to be, or one of them with everything that is known."""
    return await roll_commands.show(office, askers.ROLL, arguments, _line, _told)


def _line(each: Asker) -> str:
    until = "" if each.ends_at is None or each.state is not askers.State.ACTIVE else f"  until {day(each.ends_at)}"
    waits = "  waits for a second person" if each.waits else f"  announced, counts from {day(each.counts_at)}" if each.counts_at else ""
    return f"{each.state.value:8} version {each.version:<4} {each.country}  {each.entity}  {each.name}{until}{waits}"


def _told(each: Asker) -> dict[str, object]:
    said = None if each.wanted is None else parse_application(each.wanted)
    return {
        "entity": each.entity,
        "name": each.name,
        "country": each.country,
        "state": each.state.value,
        "version": each.version,
        "uses": [use.id for use in each.uses],
        "until": each.ends_at,
        "wanted": None if said is None else [use.id for use in said.uses],
        "key": None if said is None else name_of(said.public),
        "its_address_shows_it": each.shown_at is not None,
        "counts_from": each.counts_at,
        "wanted_country": each.wanted_country,
    }


async def approve(office: Office, arguments: argparse.Namespace) -> list[str]:
    """What waits counts, or is announced; or it is dropped."""
    actor = await decider(office, arguments)
    if arguments.refuse:
        await registrar.refuse(office, arguments.entity, arguments.refuse, actor, version=arguments.version)
        return ["Dropped. What counted before counts on."]
    found = await registrar.approve(office, arguments.entity, actor, version=arguments.version, compared=arguments.compared)
    seq = await number(office)
    if found.counts_at is not None:
        return [f"Announced on {office.url(registered.REGISTERED)}; it counts from {day(found.counts_at)} unless it is sent back before."]
    return [f"Registered, and published as number {seq}."]


async def end(office: Office, arguments: argparse.Namespace) -> list[str]:
    """It is registered no longer."""
    actor = await decider(office, arguments)
    await registrar.end(office, arguments.entity, arguments.reason, actor, compromised=arguments.compromised)
    return [f"Ended, and published as number {await number(office)}. Wallets know it when they next fetch."]


COMMANDS: Final[dict[str, Callable[[Office, argparse.Namespace], Awaitable[list[str]]]]] = {
    "register invite": invite,
    "register list": show,
    "register approve": approve,
    "register end": end,
}
