"""Kinds of document that live outside the package: files that the setting ``credential_types`` names, and the command that checks one."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ..credentials import Claim, CredentialType, Disclosure, Text, all_types, by_id, install, parse_type, render_type
from ..credentials._load import MAX_BYTES
from ..errors import ConfigError, Malformed
from ..terminal import Commands, Parser

SETTING = "credential_types"
Run = Callable[[argparse.Namespace], int]


def install_files(names: Iterable[str], directory: Path) -> None:
    """Make the kinds of document in these files known to the process; relative names lie in the data folder. ``ConfigError`` that names the file."""
    for name in names:
        file = directory / name
        try:
            install([parse_type(_read(file))])
        except Malformed as error:
            raise ConfigError(f"{file}: {error.detail} (at {error.where or '/'})", where=SETTING) from error
        except ConfigError as error:
            raise ConfigError(f"{file}: {error.detail}", where=SETTING) from error


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}") from error


# --- the command -------------------------------------------------------------------------------------------------------------------------


def add_types(
    commands: Commands[Parser], command: Callable[[Commands[Parser], str, str, Run], Parser], known: Callable[[argparse.Namespace], None]
) -> None:
    """The commands below ``type``; ``command`` makes one, ``known`` installs what the settings of the data folder name, if there are any."""
    words = "check a file that describes a kind of document, or write down one that is known"
    group = commands.add_parser("type", help=words, description=words[:1].upper() + words[1:] + ".")
    inner: Commands[Parser] = group.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=Parser)
    one = command(inner, "check", "say what is wrong with such a file, or what kind of document it describes", _check)
    one.add_argument("file", help="the file, to be named in the setting credential_types")
    one.set_defaults(known=known)
    one = command(inner, "show", "write down a kind of document that is known, as such a file", _show)
    one.add_argument("type", help="its short name, such as person")
    one.set_defaults(known=known)


def _check(arguments: argparse.Namespace) -> int:
    """1 and what is wrong, or 0 and what it is."""
    try:
        rules = parse_type(_read(Path(arguments.file)))
    except ConfigError as error:
        raise ConfigError(f"{arguments.file} {error.detail}", where="file") from error
    arguments.known(arguments)
    try:
        install([rules])
    except ConfigError as error:
        raise Malformed(error.detail, where=f"/{error.where}") from error
    sys.stdout.write("".join(f"{line}\n" for line in describe(rules)))
    return 0


def _show(arguments: argparse.Namespace) -> int:
    arguments.known(arguments)
    sys.stdout.write(json.dumps(json.loads(render_type(by_id(arguments.type))), ensure_ascii=False, indent=1) + "\n")
    return 0


def describe(rules: CredentialType) -> Iterator[str]:
    """What a kind of document is, line by line, for who wrote it."""
    yield f"{rules.title.en} ({rules.title.cy})"
    yield f"  {rules.id}, {rules.vct}, number {rules.vct_int}, {rules.doctype}"
    yield f"  {rules.description.en}"
    yield f"  for whoever carries it: {'yes' if rules.bearer else 'no'}; acts for another: {'yes' if rules.represents else 'no'}"
    if rules.private:
        yield "  shown to nobody but whoever made it"
    yield f"  a copy lives {_days(rules.copy_days)}; {rules.batch_size} at once; its details are {_RETAINED[rules.retention]}"
    kept = "nothing is said" if rules.kept_days is None else _days(rules.kept_days)
    yield f"  who sees it keeps it, unless they register otherwise: {kept}"
    for group in rules.groups:
        held = [claim for claim in rules.claims if claim.group == group.id]
        clear = "always in clear" if any(claim.disclosure is Disclosure.ALWAYS for claim in held) else f"group {group.cwt}"
        yield f"{group.label.en} ({clear})"
        yield from (f"  {claim.cwt:3} {'/'.join(part or '*' for part in claim.path)}: {claim.label.en}{_more(claim)}" for claim in held)
    for query in rules.queries:
        yield f"Question {query.id}: {query.title.en}, {len(query.paths)} details and {len(query.optional)} more if the holder likes"
    yield f"Ended by {_joined(rules.cancelled_by)}; reasons: {', '.join(reason.value for reason in rules.reasons)}"
    yield from (
        f"Register says {word}{' of one holder' if word in rules.of_holder else ''}: {state}" for word, state in rules.states.items()
    )
    for follow in rules.follows:
        yield f"Follows {_title(follow.vct)}, once that is {follow.on}: {follow.action}, {follow.reason}"


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"


_RETAINED = {
    "until-collected": "deleted once collected",
    "sealed": "kept sealed, so that copies are renewed",
    "ask-register": "asked of a register each time",
}


def _more(claim: Claim) -> str:
    said = [word for word, there in (("needed", claim.required), ("once", claim.disclosure is Disclosure.ONCE)) if there]
    return f" ({', '.join(said)})" if said else ""


def _joined(texts: Iterable[Text]) -> str:
    return ", ".join(text.en for text in texts) or "nobody else"


def _title(vct: str) -> str:
    return all_types()[vct].title.en if vct in all_types() else vct
