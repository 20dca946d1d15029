"""The commands for whoever runs the service: its keys, whether everything is in place, and handing over to another body."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable

from shared.clock import system_clock, system_entropy
from shared.web import handing, own_keys
from shared.web.doctor import tell
from shared.web.entity import OwnEntity
from wallet import looking_after
from wallet.app import open_host
from wallet.at_terminal import say
from wallet.config import Place, folder_of, open_place
from wallet.init import entity_of


def _place(arguments: argparse.Namespace) -> Place:
    return open_place(folder_of(arguments.dir))


def keys(arguments: argparse.Namespace) -> int:
    for line in asyncio.run(own_keys.run(arguments, looking_after, _place(arguments), clock=system_clock, entropy=system_entropy)):
        say(line)
    return 0


def doctor(arguments: argparse.Namespace) -> int:
    return tell(asyncio.run(looking_after.examine(_place(arguments), clock=system_clock, entropy=system_entropy)))


def succeed(arguments: argparse.Namespace) -> int:
    return _with_entity(arguments, lambda own, _: handing.succeed(own, arguments))


def take_over(arguments: argparse.Namespace) -> int:
    return _with_entity(arguments, lambda own, place: handing.take_over(own, place.settings, arguments))


def _with_entity(arguments: argparse.Namespace, work: Callable[[OwnEntity, Place], Awaitable[list[str]]]) -> int:
    """Do ``work`` as what this service is in federations, whether it runs or not, and tell the lines."""

    async def run() -> list[str]:
        place = _place(arguments)
        host = open_host(place)
        try:
            await host.start()
            return await work(entity_of(place, host.storage, host.custodian, host.means.clock), place)
        finally:
            await host.close()

    for line in asyncio.run(run()):
        say(line)
    return 0
