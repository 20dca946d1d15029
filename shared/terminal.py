"""What our programs have in common in a terminal: exit codes and a command line that answers wrong usage with 64."""

from __future__ import annotations

import argparse
import datetime as dt
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NoReturn

from .credentials._tree import PORTRAIT
from .errors import ConfigError, VcError

REFUSED, UNDECIDED, USAGE, CONFIG, INTERRUPTED = 1, 2, 64, 78, 130


class Parser(argparse.ArgumentParser):
    """Wrong usage exits with 64 (EX_USAGE). One in 64 names of keys and codes begins with a dash, and is no option for that."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        given = sys.argv[1:] if args is None else args
        if self._subparsers is None:  # to argparse, nothing that begins with a space is an option
            given = [f" {each}" if _RANDOM.fullmatch(each) else each for each in given]
        found, more = super().parse_known_args(given, namespace)
        for name, value in vars(found).items():
            if isinstance(value, str) and value.startswith(" -"):
                setattr(found, name, value[1:])
        return found, more

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


_RANDOM: Final = re.compile(r"-(?=.*[A-Z0-9_])(?:.{10}|.{15}|.{21}|.{42})")  # base64url of 8, 12, 16 or 32 bytes; options are lower case
Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for it


def port(text: str) -> int:
    """The value of a ``--port`` option."""
    number = int(text)
    if not 0 <= number <= 65_535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return number


def moment(text: str) -> int:
    """The value of an option that names a moment (RFC 3339, or a day alone): UTC, unless it says how far from it. Seconds since the epoch."""
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("a moment is written as 2027-01-15 or 2027-01-15T12:00:00Z") from error
    return int((found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)).timestamp())


def plain(value: str) -> str:
    """A detail as a terminal can show it: a photo is only named."""
    return "(a photo)" if value.startswith(PORTRAIT) else value


KEY_ACTIONS: Final = ("publish", "rotate", "withdraw", "retire", "compromised")
"""Those that change what is in force, or say it anew."""


def add_key_options(one: Parser, *, show: str, more: Mapping[str, str] = MappingProxyType({})) -> None:
    """The options of ``keys``; ``show`` is the name of what it does when nothing is said, ``more`` what else it does, with words for the help."""
    one.add_argument(
        "what",
        nargs="?",
        choices=(show, "create", "renew", *KEY_ACTIONS, *more),
        default=show,
        help=f"{show} what is in force (default), create keys that are missing, renew the certificate, publish what is in force, rotate: have "
        "another key follow, withdraw a certificate, retire a key, or report a key as compromised"
        + "".join(f"; {words}" for words in more.values()),
    )
    one.add_argument(
        "name",
        nargs="?",
        default="",
        help="serial number of a certificate to withdraw, number (kid) of a key, or for rotate the name of the first key of its kind",
    )
    one.add_argument("--now", action="store_true", help="with rotate: the next key signs at once, though not everybody knows it yet")
    one.add_argument("--reason", default="", metavar="TEXT", help="why, for the record and for those who check; needed to withdraw or end")


def add_profile_options(one: Parser) -> None:
    """The options of a command that trusts an anchor: one over document signers of others."""
    one.add_argument(
        "--profile",
        choices=("iso-18013-5",),
        help="the anchor is an authority of ISO/IEC 18013-5 over document signers (IACA); needs --entity, the name to call the issuer by, and "
        "--doctype",
    )
    one.add_argument(
        "--doctype", action="append", default=[], metavar="D", help="kind of mdoc that such an authority is trusted for; may be repeated"
    )


def read_passphrase(file: Path | str | None) -> str:
    """What the file of a ``--passphrase-file`` option holds, empty where none is named; ``ConfigError`` if it cannot be read."""
    if file is None:
        return ""
    try:
        return Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {file}", where="passphrase-file") from error


def run_command(program: str, arguments: argparse.Namespace) -> int:
    """Run ``arguments.command`` and return its exit code; an error is one line on standard error."""
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        return command(arguments)
    except ConfigError as error:
        sys.stderr.write(f"{program}: {error.detail}\n")
        return CONFIG
    except VcError as error:
        where = f" (at {error.where})" if error.where else ""
        sys.stderr.write(f"{program}: {error.detail}{where} [{error.code}]\n")
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED


# --- of bodies that hand over (``shared.web.handing``) --------------------------------------------------------------------------------------


def add_log(
    commands: Commands[Parser],
    command: Callable[[Commands[Parser], str, str, Callable[[argparse.Namespace], int]], Parser],
    run: Callable[[argparse.Namespace], int],
) -> None:
    """The commands below ``log``; ``command`` makes one, and ``run`` does what its ``do`` says."""
    words = "look after the log"
    group = commands.add_parser("log", help=words, description=words[:1].upper() + words[1:] + ".")
    inner: Commands[Parser] = group.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=Parser)
    one = command(inner, "show", "print the newest entries, or all of them for somebody who checks them", run)
    one.add_argument("--count", type=int, default=20, metavar="N", help="how many (default: 20)")
    one.add_argument("--json", action="store_true", help="print all of them as JSON, with salts and commitments to follow the chain by")
    one.set_defaults(do="show")
    one = command(
        inner, "verify", "check that no entry of the log was changed, taken out or moved, and that it is the one that was signed", run
    )
    one.set_defaults(do="verify")
    one.add_argument(
        "--heads", metavar="FILE", help="file with receipts or signed heads that others kept, one a line: the log has to have had them, too"
    )


def add_handing_over(
    commands: Commands[Parser],
    command: Callable[[Commands[Parser], str, str, Callable[[argparse.Namespace], int]], Parser],
    what: str,
    *,
    succeed: Callable[[argparse.Namespace], int],
    take_over: Callable[[argparse.Namespace], int],
) -> None:
    """The commands below ``federation`` of ``what``, which is no superior; ``command`` makes one."""
    words = f"say who takes over from {what}, or that it takes over from another"
    group = commands.add_parser("federation", help=words, description=words[:1].upper() + words[1:] + ".")
    inner: Commands[Parser] = group.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=Parser)
    add_handing(command(inner, "succeed", f"say who takes over from {what}", succeed))
    add_taking(command(inner, "take-over", f"accept that {what} takes over from another", take_over))


def add_handing(one: Parser) -> None:
    """The options of a command that says who takes over."""
    one.add_argument("successor", help="identifier of the body that takes over")
    one.add_argument("--from", dest="since", type=moment, metavar="DAY", help="when it begins (2028-04-01); today if not given")
    one.add_argument(
        "--vct", action="append", default=[], metavar="VCT", help="only documents of this type are handed over; all if not given"
    )
    one.add_argument("--carry", action="append", default=[], metavar="USE", help="a registered use that goes on; what is not named ends")
    one.add_argument("--status-duty", action="store_true", help="the successor says what became of the documents")
    one.add_argument("--may-cancel", action="store_true", help="it may also cancel them")
    one.add_argument("--private", action="store_true", help="it is no public body: each holder is asked again")
    one.add_argument("--note", default="", metavar="WORDS", help="what holders are told, in English")
    one.add_argument("--note-cy", default="", metavar="WORDS", help="the same in Welsh")
    one.add_argument("--out", required=True, metavar="F", help="file to write the statement to; the successor accepts it")


def add_taking(one: Parser) -> None:
    """The options of a command that accepts it."""
    one.add_argument("file", help="the statement, as the other body or its superior wrote it")
    one.add_argument("--out", default="", metavar="F", help="file to write both halves to, for the superior")
    one.add_argument("--send", default="", metavar="URL", help="identifier of the superior to send both halves to")
