"""``muniment-verifier uses inherited``: bodies that this organisation took over from, and whether a purpose of theirs may go on."""

from __future__ import annotations

import argparse
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from shared.errors import ConfigError
from shared.terminal import Commands, Parser

if TYPE_CHECKING:
    from verifier.desk import Desk

    _Command = Callable[[Commands[Parser], str, str, Callable[[argparse.Namespace], int]], Parser]
    _WithDesk = Callable[[argparse.Namespace, Callable[[Desk], Awaitable[list[str]]]], list[str]]


def add_inherited(commands: Commands[Parser], command: _Command, with_desk: _WithDesk) -> None:
    """The command below ``uses``; as ``add_uses``."""

    def show(arguments: argparse.Namespace) -> int:
        if (arguments.of is None) != (arguments.use is None):
            raise ConfigError("--of and --use go together", where="use")
        for line in with_desk(arguments, lambda desk: _say(desk, arguments)):
            print(line)
        return 0

    one = command(commands, "inherited", "show whose records are kept here now, which of their uses may go on, and what was deleted", show)
    one.add_argument("--of", metavar="ENTITY", help="with --use: check one use of this body; refused with purpose_not_carried")
    one.add_argument("--use", metavar="ID", help="name of the use, such as council-tax")
    one.add_argument("--json", action="store_true", help="print it as JSON, as in the public register")


async def _say(desk: Desk, arguments: argparse.Namespace) -> list[str]:
    """As it was last heard; nothing is fetched."""
    from verifier.inherited import federation_of, told

    federation = await federation_of(desk)
    if arguments.of is not None:
        federation.successors.check_use(desk.entity, arguments.of, arguments.use, desk.clock())
        return [f"{arguments.use} of {arguments.of} was handed over, and may go on"]
    found = await told(desk, federation)
    if arguments.json:
        return [json.dumps(found, ensure_ascii=False)]
    kept = [
        f"{each['outgoing']} is kept by {each['keeper']}: {', '.join(each['purposesCarried']) or 'nothing'} may go on"
        for each in (*found.get("inherited", ()), *found.get("succeeded", ()))
    ]
    gone = [
        f"deleted {each['count']} of {each['outgoing']}: {each['intendedUseIdentifier'] or 'no registered use'}"
        for each in found.get("deletions", ())
    ]
    return [*kept, *gone] or ["nobody was taken over"]
