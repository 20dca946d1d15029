"""``muniment-wallet``: set up, serve, collect, show, make copies out, back up. Exit codes: 0, 1 refused, 64 usage, 78 set-up."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

from shared.clock import system_clock, system_entropy
from shared.errors import ConfigError, VcError

if TYPE_CHECKING:
    from aiohttp.web import Application

    from wallet.config import WalletSettings

T = TypeVar("T")
Command = Callable[[argparse.Namespace], int]

REFUSED, USAGE, CONFIG = 1, 64, 78


class Parser(argparse.ArgumentParser):
    """Wrong usage exits with 64 (EX_USAGE), as all our programs do."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = parser().parse_args(argv)
    command: Command = arguments.command
    try:
        return command(arguments)
    except ConfigError as error:
        print(f"muniment-wallet: {error.detail}", file=sys.stderr)
        return CONFIG
    except VcError as error:
        where = f" (at {error.where})" if error.where else ""
        print(f"muniment-wallet: {error.detail}{where} [{error.code}]", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        return 130


def parser() -> Parser:
    """All commands and options; a test holds the documents against it."""
    top = Parser(prog="muniment-wallet", description="Keep documents, show only what is needed, and know who saw it.")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=Parser)
    _add_init(commands)
    _command(commands, "serve", "run the service until it is stopped", serve)
    return top


Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for it


def _command(commands: Commands[Parser], name: str, words: str, run: Command) -> Parser:
    one = commands.add_parser(name, help=words, description=words[:1].upper() + words[1:] + ".")
    one.add_argument("--dir", metavar="D", help="data folder (default: MUNIMENT_WALLET_DIR, else data/wallet)")
    one.set_defaults(command=run)
    return one


def _add_init(commands: Commands[Parser]) -> None:
    one = _command(commands, "init", "make the host's keys, the database and the first wallet", init)
    one.add_argument("--public-url", metavar="U", help="address under which others reach it (default: http://localhost:PORT)")
    one.add_argument("--port", type=_port, default=8102, metavar="P", help="port to listen on (default: 8102)")
    one.add_argument("--storage", default="", metavar="URI", help="database (default: SQLite in the data folder)")
    one.add_argument("--holder", default="", metavar="NAME", help="name of the first wallet (default: none is made)")
    one.add_argument("--passphrase-file", metavar="F", help="file with its passphrase (default: one is made and shown)")
    one.add_argument("--trust", action="append", default=[], metavar="FILE:ROLE[:ENTITY]", help="whom to trust; may be given several times")
    one.add_argument("--open-to-all", action="store_true", help="let everybody who reaches the pages make a wallet")
    one.add_argument("--json", action="store_true", help="print what was made as JSON")


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65_535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return number


# --- the host --------------------------------------------------------------------------------------------------------------------------


def init(arguments: argparse.Namespace) -> int:
    from wallet.config import folder_of
    from wallet.init import Wish, set_up

    folder = folder_of(arguments.dir)
    wish = Wish(
        folder=folder,
        public_url=arguments.public_url or f"http://localhost:{arguments.port}",
        port=arguments.port,
        storage=arguments.storage,
        holder=arguments.holder,
        passphrase=_read_passphrase(Path(arguments.passphrase_file)) if arguments.passphrase_file else "",
        trust=tuple(arguments.trust),
        open_to_all=arguments.open_to_all,
    )
    made = asyncio.run(set_up(wish, clock=system_clock, entropy=system_entropy))
    if arguments.json:
        print(
            json.dumps({name: getattr(made, name) for name in ("public_url", "holder", "passphrase", "recovery_code")}, ensure_ascii=False)
        )
        return 0
    print(f"Made a wallet service in {folder}: {made.public_url}")
    if made.holder:
        print(f"  Wallet:        {made.holder}")
        print(f"  Passphrase:    {made.passphrase}   (shown once)")
        print(f"  Recovery code: {made.recovery_code}   (shown once: write it down, nobody else can open this wallet)")
    print(f"\nNext: muniment-wallet serve --dir {folder}")
    return 0


def _read_passphrase(file: Path) -> str:
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {file}", where="passphrase-file") from error


def serve(arguments: argparse.Namespace) -> int:
    from shared.web.app import run
    from wallet.app import build, open_host
    from wallet.config import folder_of, open_place

    place = open_place(folder_of(arguments.dir))

    async def make(_: WalletSettings) -> Application:
        return build(open_host(place))

    run(make, place.settings, started=lambda urls: print(f"Wallet: {urls[0]}/", flush=True))
    return 0
