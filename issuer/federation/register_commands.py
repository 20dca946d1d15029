"""What ``muniment-issuer federation register`` does: those who ask for documents, and where this office registers them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from issuer.federation import enrol, publish, registered, registrar
from issuer.federation.acting import actor_of
from issuer.federation.admission import INVITATION_DAYS
from issuer.federation.keys import name_of
from issuer.office import Office
from issuer.records import askers
from issuer.records.askers import Asker
from issuer.records.roll import Event
from shared.trust.application import parse_application
from shared.web.certificates import day


async def invite(office: Office, arguments: argparse.Namespace) -> list[str]:
    """A one-time code with which an organisation applies, and where it is used."""
    enrol.check_superior(office)
    actor = await actor_of(office, arguments)
    code = await registrar.invite(office, arguments.entity, arguments.name, arguments.country, actor)
    lines = [
        f"Give this to {arguments.name}, by a way on which nobody else reads it. It serves once, for {INVITATION_DAYS} days:",
        f"  muniment-verifier uses apply {office.settings.public_url} {code}",
    ]
    if arguments.country not in await registrar.countries(office):
        lines.append(
            f"Nobody above lets this office register in {arguments.country}, as far as is known here: what it registers counts for nothing."
        )
    return lines


async def show(office: Office, arguments: argparse.Namespace) -> list[str]:
    """All who are registered or want to be, or one of them with everything that is known."""
    everybody = await office.storage.read(askers.everybody)
    found = [each for each in everybody if arguments.entity in {"", each.entity}]
    if arguments.json:
        return [json.dumps([_told(each) for each in found], ensure_ascii=False, indent=1)]
    lines = []
    for each in found:
        until = "" if each.ends_at is None or each.state is not askers.State.ACTIVE else f"  until {day(each.ends_at)}"
        waits = "  waits for a second person" if each.waits else f"  announced, counts from {day(each.counts_at)}" if each.counts_at else ""
        lines.append(f"{each.state.value:8} version {each.version:<4} {each.country}  {each.entity}  {each.name}{until}{waits}")
        if arguments.entity:
            lines += [f"  {name}: {json.dumps(value, ensure_ascii=False)}" for name, value in _told(each).items()]
            lines += history_lines(await office.storage.read(lambda tx: askers.history(tx, arguments.entity)))
    return lines or ["Nobody."]


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
    enrol.check_superior(office)
    actor = await actor_of(office, arguments)
    if arguments.refuse:
        await registrar.refuse(office, arguments.entity, arguments.refuse, actor, version=arguments.version)
        return ["Dropped. What counted before counts on."]
    found = await registrar.approve(office, arguments.entity, actor, version=arguments.version, compared=arguments.compared)
    seq = (await publish.publish(office)).seq
    if found.counts_at is not None:
        return [f"Announced on {office.url(registered.REGISTERED)}; it counts from {day(found.counts_at)} unless it is sent back before."]
    return [f"Registered, and published as number {seq}."]


async def end(office: Office, arguments: argparse.Namespace) -> list[str]:
    """It is registered no longer."""
    enrol.check_superior(office)
    actor = await actor_of(office, arguments)
    await registrar.end(office, arguments.entity, arguments.reason, actor, compromised=arguments.compromised)
    return [f"Ended, and published as number {(await publish.publish(office)).seq}. Wallets know it when they next fetch."]


def history_lines(events: Iterable[Event]) -> list[str]:
    """What happened, newest first."""
    return [f"  {day(each.at)}: {each.kind} by {each.actor.name}{f': {each.reason}' if each.reason else ''}" for each in events]


COMMANDS: Final[dict[str, Callable[[Office, argparse.Namespace], Awaitable[list[str]]]]] = {
    "register invite": invite,
    "register list": show,
    "register approve": approve,
    "register end": end,
}
