"""What ``muniment-issuer federation succeed``, ``take-over`` and ``succession`` do. Each gives the lines that it tells."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from typing import Final

from issuer.federation import successions
from issuer.federation.acting import actor_of
from issuer.federation.own import entity_of
from issuer.federation.roll_commands import number
from issuer.office import Office
from issuer.records import successions as rows
from shared.web import handing
from shared.web.fetch import Fetcher


async def succeed(office: Office, arguments: argparse.Namespace) -> list[str]:
    """Who takes over from this office, or as its superior from a body that is gone: a statement in a file, for the successor to accept."""
    own = entity_of(office)
    if arguments.outgoing in {"", own.entity}:
        return await handing.succeed(own, arguments)
    actor = await actor_of(office, arguments)
    words = handing.handing_of(arguments, arguments.outgoing, office.clock())
    return handing.keep(await successions.say_instead(office, words, actor), arguments.out)


async def take_over(office: Office, arguments: argparse.Namespace) -> list[str]:
    """This office is the successor."""
    return await handing.take_over(entity_of(office), office.settings, arguments)


async def offer(office: Office, arguments: argparse.Namespace) -> list[str]:
    """Both halves, from a file; whoever brings them is the first of two who look."""
    actor, fetcher = await actor_of(office, arguments), Fetcher.of(office.settings)
    try:
        found = await successions.offer(office, handing.read(arguments.file), actor, fetcher)
    finally:
        await fetcher.close()
    waiting = [] if found.waiting is None else handing.describe(found.waiting)
    return [
        *waiting,
        f"Waits as version {found.version}. Another person approves it with `federation succession approve`, or on the pages.",
    ]


async def show(office: Office, _arguments: argparse.Namespace) -> list[str]:
    """All that is published, and what waits."""
    lines: list[str] = []
    for each in await office.storage.read(rows.everything):
        lines.append(f"version {each.version:<4} {each.outgoing}  to  {each.successor}")
        for word, found in (("published", each.published), ("waits", each.waiting)):
            lines += [] if found is None else [f"  {word}", *(f"    {line}" for line in handing.describe(found))]
    return lines or ["Nobody takes over from anybody."]


async def approve(office: Office, arguments: argparse.Namespace) -> list[str]:
    """The first or the second look; or what waits is dropped."""
    actor, parties = await actor_of(office, arguments), (arguments.outgoing, arguments.successor)
    if arguments.refuse:
        await successions.refuse(office, *parties, arguments.refuse, actor, version=arguments.version)
        return ["Dropped. Nothing has changed for others."]
    fetcher = Fetcher.of(office.settings)
    try:
        found = await successions.approve(office, *parties, actor, version=arguments.version, fetch=fetcher)
    finally:
        await fetcher.close()
    if found.wanted is not None:
        return [f"You have looked at it. Another person publishes it, as version {found.version}."]
    return [f"Published as number {await number(office)}. If the outgoing body is over, end it too: `federation end`."]


async def withdraw(office: Office, arguments: argparse.Namespace) -> list[str]:
    """It is published no longer."""
    actor = await actor_of(office, arguments)
    await successions.withdraw(office, arguments.outgoing, arguments.successor, arguments.reason, actor, version=arguments.version)
    return [f"Withdrawn, and published as number {await number(office)}."]


COMMANDS: Final[dict[str, Callable[[Office, argparse.Namespace], Awaitable[list[str]]]]] = {
    "succeed": succeed,
    "take-over": take_over,
    "succession offer": offer,
    "succession list": show,
    "succession approve": approve,
    "succession withdraw": withdraw,
}
