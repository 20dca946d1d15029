"""``muniment-verifier federation``: hand over to another organisation, or take over from one."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from shared.errors import ConfigError
from shared.terminal import Commands, Parser, add_handing_over

if TYPE_CHECKING:
    from verifier.desk import Desk

    _Command = Callable[[Commands[Parser], str, str, Callable[[argparse.Namespace], int]], Parser]
    _WithDesk = Callable[[argparse.Namespace, Callable[[Desk], Awaitable[list[str]]]], list[str]]


def add_federation(commands: Commands[Parser], command: _Command, with_desk: _WithDesk) -> None:
    """The commands below ``federation``; ``command`` makes one, ``with_desk`` runs work on the verifier of the data folder."""

    def told(work: Callable[[Desk, argparse.Namespace], Awaitable[list[str]]]) -> Callable[[argparse.Namespace], int]:
        def run(arguments: argparse.Namespace) -> int:
            for line in with_desk(arguments, lambda desk: work(desk, arguments)):
                print(line)
            return 0

        return run

    add_handing_over(commands, command, "this organisation", succeed=told(_succeed), take_over=told(_take_over))


async def _succeed(desk: Desk, arguments: argparse.Namespace) -> list[str]:
    """``ConfigError`` for a use that nobody here has: what was received for the one that was meant would be deleted."""
    from shared.web import handing
    from verifier.inherited import known_uses
    from verifier.opening import entity_of

    known, carried = await known_uses(desk), set(arguments.carry)
    if unknown := sorted(carried - known):
        raise ConfigError(f"there is no use {', '.join(unknown)} here; there are {', '.join(sorted(known))}", where="carry")
    *lines, last = await handing.succeed(entity_of(desk), arguments)
    ends = [] if arguments.vct else sorted(known - carried)  # a part that goes leaves the rest to go on
    told = [f"ends             {', '.join(ends)}: from that day on what was received for it is deleted"] if ends else []
    return [*lines, *told, last]


async def _take_over(desk: Desk, arguments: argparse.Namespace) -> list[str]:
    from shared.web import handing
    from verifier.opening import entity_of

    return await handing.take_over(entity_of(desk), desk.settings, arguments)
