"""``muniment-verifier permission``: what people allow this organisation to tell others, and telling by it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from shared.terminal import Commands, Parser

if TYPE_CHECKING:
    from verifier.desk import Desk

    _Command = Callable[[Commands[Parser], str, str, Callable[[argparse.Namespace], int]], Parser]
    _WithDesk = Callable[[argparse.Namespace, Callable[[Desk], Awaitable[Any]]], Any]


def add_permissions(commands: Commands[Parser], command: _Command, with_desk: _WithDesk) -> None:
    """The commands below ``permission``; ``command`` makes one, ``with_desk`` runs work on the verifier of the data folder."""

    def show(arguments: argparse.Namespace) -> int:
        from verifier.records import permissions as records

        async def work(desk: Desk) -> list[dict[str, Any]]:
            from verifier.permissions import state_of

            at = desk.clock()
            found = await desk.storage.read(lambda tx: records.recent(tx, at, 1_000))
            return [
                {
                    "id": each.id,
                    "state": state_of(desk, each, at),
                    "recipient": each.permission.recipient.id,
                    "categories": list(each.permission.categories),
                    "expires": each.permission.expires,
                    "used": each.used,
                    "max_uses": each.permission.max_uses,
                }
                for each in found
            ]

        rows = with_desk(arguments, work)
        if arguments.json:
            print(json.dumps({"items": rows}, ensure_ascii=False))
            return 0
        for row in rows:
            told = f"{', '.join(row['categories'])} to {row['recipient']}"
            print(f"{row['id']}  {row['state']}: {told}, {row['used']} of {row['max_uses']}, until {row['expires']}")
        return 0

    def use(arguments: argparse.Namespace) -> int:
        from shared.errors import OutsidePermission

        async def work(desk: Desk) -> str:
            from verifier.material import Store
            from verifier.permissions import Tell, tell

            wanted = Tell(categories=tuple(arguments.category), recipient=arguments.to, reference=arguments.reference, made_by="desk")
            try:
                told = await tell(desk, Store(desk), arguments.id, wanted)
            except OutsidePermission as error:
                return f"{error.code}: {error.detail}"
            print(f"Written down as use {told.number} of {arguments.id}: you may tell it now")
            return ""

        refused: str = with_desk(arguments, work)
        if refused:
            print(f"Do not tell this. {refused}")
        return 1 if refused else 0

    words = "see what people allow us to tell others, and write down what is told"
    group = commands.add_parser("permission", help=words, description=words[:1].upper() + words[1:] + ".")
    inner: Commands[Parser] = group.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=Parser)
    one = command(inner, "list", "print the permissions that were given, the newest first", show)
    one.add_argument("--json", action="store_true", help="print them as JSON")
    one = command(inner, "use", "write down that something is told now by a permission, if it allows it", use)
    one.add_argument("id", help="the permission, from `permission list`")
    one.add_argument("--category", action="append", required=True, metavar="CODE", help="what is told, such as address; may be repeated")
    one.add_argument("--to", default="", metavar="URI", help="who is told, by identifier (default: whom the permission names)")
    one.add_argument("--reference", default="", metavar="R", help="your own name for the message; the same one is counted once")
