"""``muniment-verifier uses``: what may be asked here and why, said to wallets and to registrars."""

from __future__ import annotations

import argparse
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from shared.terminal import Commands, Parser
from verifier.cli_inherited import add_inherited

if TYPE_CHECKING:
    from verifier.desk import Desk

    _Command = Callable[[Commands[Parser], str, str, Callable[[argparse.Namespace], int]], Parser]
    _WithDesk = Callable[[argparse.Namespace, Callable[[Desk], Awaitable[list[str]]]], list[str]]


def add_uses(commands: Commands[Parser], command: _Command, with_desk: _WithDesk) -> None:
    """The commands below ``uses``; ``command`` makes one, ``with_desk`` runs work on the verifier of the data folder."""

    def apply(arguments: argparse.Namespace) -> int:
        from verifier import registrars

        for line in with_desk(arguments, lambda desk: registrars.apply(desk, arguments.registrar, arguments.code)):
            print(line)
        return 0

    words = "show what may be asked here and why, and say more of it"
    group = commands.add_parser("uses", help=words, description=words[:1].upper() + words[1:] + ".")
    inner: Commands[Parser] = group.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=Parser)
    one = command(inner, "show", "print what is registered for each use, and what it lacks", show)
    one.add_argument("--json", action="store_true", help="print it as JSON")
    one = command(inner, "state", "say why one use is worth its asking; it is registered in the next minute", state)
    one.add_argument("use", help="name of the use, such as bank")
    one.add_argument("--benefit", metavar="WORDS", help="what good it does to people, in English")
    one.add_argument("--benefit-cy", metavar="WORDS", help="the same in Welsh")
    one.add_argument("--could-stop", metavar="WORDS", help="the answer to “could we stop asking?”, in English")
    one.add_argument("--could-stop-cy", metavar="WORDS", help="the same in Welsh")
    one.add_argument("--evidence", metavar="URL", help="where it is measured whether it helps")
    one.add_argument(
        "--retention-days", type=int, metavar="N", help="days that this use keeps what it sees, if they differ; -1 takes it back"
    )
    one.add_argument("--decides", choices=("itself", "person"), help="who decides about what is posted for it and is in order")
    one.add_argument("--team", metavar="NAME", help="group of staff whose post it is; an empty name is everybody")
    one.add_argument(
        "--inbox",
        metavar="FILE",
        help="what `uses show --json` says at a department’s own service: its inbox takes the post; - takes it back",
    )
    one.add_argument("--undo", metavar="WORDS", help="what staff do once a document that was acted on is cancelled; only they see it")
    one.add_argument("--instruments", nargs="*", metavar="CODE", help="instruments that are admitted for it; none named admits all")
    one.add_argument("--bases", nargs="*", metavar="CODE", help="ways of establishing an authority that are admitted for it")
    one = command(inner, "apply", "apply to a registrar of a federation with all uses as they are stated", apply)
    one.add_argument("registrar", help="its identifier, an https address")
    one.add_argument(
        "code", nargs="?", default="", help="the one-time code of its invitation; none where it has registered this key already"
    )
    add_inherited(inner, command, with_desk)


def show(arguments: argparse.Namespace) -> int:
    from verifier import config, registering
    from verifier.inbox_file import registered_inbox

    directory = config.folder(arguments.dir)
    settings = config.read(directory)
    if arguments.json:
        party = registering.party(settings, registering.registered(directory, settings), registered_inbox(directory, settings))
        print(json.dumps(party, ensure_ascii=False))
        return 0
    for use in registering.registered(directory, settings):
        print(f"{use.id}: {use.title.en}. {use.purpose.en}")
        for words in registering.said(use):
            print(f"  {words}")
        for words in registering.lacking(use):
            print(f"  lacks {words}")
    return 0


def state(arguments: argparse.Namespace) -> int:
    from verifier import config, registering

    directory = config.folder(arguments.dir)
    names = (
        "benefit",
        "benefit_cy",
        "could_stop",
        "could_stop_cy",
        "evidence",
        "retention_days",
        "decides",
        "team",
        "undo",
        "instruments",
        "bases",
    )
    said = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    said |= {name: tuple(value) for name, value in said.items() if isinstance(value, list)}
    if arguments.inbox is not None:
        said["inbox"] = "" if arguments.inbox == "-" else _inbox_in(Path(arguments.inbox))
    settings = config.read(directory)
    registering.state(directory, settings, arguments.use, said)
    use = next(each for each in registering.registered(directory, settings) if each.id == arguments.use)
    lacking = registering.lacking(use)
    print(f"{arguments.use}: {'lacks ' + '; '.join(lacking) if lacking else 'says all that a registration should'}")
    return 0


def _inbox_in(file: Path) -> str:
    """What the register in ``file`` says of an inbox, as JSON."""
    from shared.codec import strict_json
    from shared.errors import ConfigError, VcError

    try:
        found = strict_json.load_object(file.read_bytes()).get("inbox")
    except (OSError, VcError) as error:
        raise ConfigError(f"{file} cannot be read as JSON", where="inbox") from error
    if not isinstance(found, dict):
        raise ConfigError(f"{file} names no inbox", where="inbox")
    return strict_json.dumps(found).decode()
