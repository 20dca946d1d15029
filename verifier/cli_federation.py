"""``muniment-verifier federation``: hand over to another organisation, or take over from one."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from shared.terminal import Commands, Parser, add_handing, add_taking

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

    words = "say who takes over from this organisation, or that it takes over from another"
    group = commands.add_parser("federation", help=words, description=words[:1].upper() + words[1:] + ".")
    inner: Commands[Parser] = group.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=Parser)
    add_handing(command(inner, "succeed", "say who takes over from this organisation", told(_succeed)))
    add_taking(command(inner, "take-over", "accept that this organisation takes over from another", told(_take_over)))


async def _succeed(desk: Desk, arguments: argparse.Namespace) -> list[str]:
    from shared.web import handing
    from verifier.opening import entity_of

    return await handing.succeed(entity_of(desk), arguments)


async def _take_over(desk: Desk, arguments: argparse.Namespace) -> list[str]:
    from shared.web import handing
    from verifier.opening import entity_of

    return await handing.take_over(entity_of(desk), desk.settings, arguments)
