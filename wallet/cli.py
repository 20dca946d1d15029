"""``muniment-wallet``: set up, serve, collect, show, make copies out, back up. Exit codes: 0, 1 refused, 64 usage, 78 set-up.

The commands on a wallet work on its data folder, whether the service runs or not. The passphrase comes from the file that
``MUNIMENT_WALLET_PASSPHRASE_FILE`` names, else it is asked for; it is never an argument.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from shared.clock import system_clock, system_entropy
from shared.errors import Malformed
from shared.terminal import Commands, Parser, add_handing_over, add_key_options, add_profile_options, port, read_passphrase, run_command
from shared.web.type_files import add_types

if TYPE_CHECKING:
    from aiohttp.web import Application

    from wallet.app import Host
    from wallet.config import Place, WalletSettings
    from wallet.enter import Opened

T = TypeVar("T")
Command = Callable[[argparse.Namespace], int]
Work = Callable[["Host", "Opened"], Awaitable[T]]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    return run_command("muniment-wallet", parser().parse_args(argv))


def parser() -> Parser:
    """All commands and options; a test holds the documents against it."""
    top = Parser(prog="muniment-wallet", description="Keep documents, show only what is needed, and know who saw it.")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=Parser)
    _add_init(commands)
    _command(commands, "serve", "run the service until it is stopped", serve)
    _add_trust(commands)
    _command(
        commands,
        "vouch",
        "make or renew the certificate by which issuers know wallets of this service, and make keys that are missing",
        vouch,
    )
    _add_receive(commands)
    _add_open(commands)
    _wallet(_command(commands, "list", "show the documents of a wallet", _on_wallet("list_cards"))).add_argument(
        "--json", action="store_true", help="print them as JSON"
    )
    _add_present(commands)
    _add_answer(commands)
    _add_address(commands)
    _add_tell(commands)
    _add_receipt(commands)
    _add_keeper(commands)
    _wallet(_command(commands, "history", "show every exchange", _on_wallet("show_history"))).add_argument(
        "--json", action="store_true", help="print the whole export as JSON"
    )
    one = _wallet(
        _command(commands, "statement", "show who asked in a year, and who still keeps something", _on_wallet("show", "at_statement"))
    )
    one.add_argument("--year", type=int, metavar="Y", help="which year (default: this one)")
    one.add_argument("--json", action="store_true", help="print it as JSON")
    _wallet(_command(commands, "refresh", "do what is due by the clock: status lists, new copies", _on_wallet("do_upkeep")))
    _add_backup(commands)
    words = "list keys and certificates, have another key follow, renew or withdraw a certificate, retire a key or report it as compromised"
    add_key_options(_command(commands, "keys", words, _on_wallet("keys", "at_host")), show="list")
    own = _on_wallet("succeed", "at_host"), _on_wallet("take_over", "at_host")
    add_handing_over(commands, _command, "this wallet service", succeed=own[0], take_over=own[1])
    _command(commands, "doctor", "check that everything is in place", _on_wallet("doctor", "at_host"))
    add_types(commands, _command, _know_types)
    return top


def _command(commands: Commands[Parser], name: str, words: str, run: Command) -> Parser:
    one = commands.add_parser(name, help=words, description=words[:1].upper() + words[1:] + ".")
    one.add_argument("--dir", metavar="D", help="data folder (default: MUNIMENT_WALLET_DIR, else data/wallet)")
    one.set_defaults(command=run)
    return one


def _wallet(one: Parser) -> Parser:
    one.add_argument("--holder", metavar="NAME", help="which wallet (default: the only one)")
    return one


def _know_types(arguments: argparse.Namespace) -> None:
    from wallet.config import know_types

    know_types(arguments.dir)


def _add_init(commands: Commands[Parser]) -> None:
    one = _command(commands, "init", "make the host's keys, the database and the first wallet", init)
    one.add_argument("--public-url", metavar="U", help="address under which others reach it (default: http://localhost:PORT)")
    one.add_argument("--port", type=port, default=8102, metavar="P", help="port to listen on (default: 8102)")
    one.add_argument("--storage", default="", metavar="URI", help="database (default: SQLite in the data folder)")
    one.add_argument("--holder", default="", metavar="NAME", help="name of the first wallet (default: none is made)")
    one.add_argument("--passphrase-file", metavar="F", help="file with its passphrase (default: one is made and shown)")
    one.add_argument("--trust", action="append", default=[], metavar="FILE:ROLE[:ENTITY]", help="whom to trust; may be given several times")
    one.add_argument("--open-to-all", action="store_true", help="let everybody who reaches the pages make a wallet")
    one.add_argument("--json", action="store_true", help="print what was made as JSON")


def _add_trust(commands: Commands[Parser]) -> None:
    words = "say whom this wallet service trusts"
    group = commands.add_parser("trust", help=words, description=words[:1].upper() + words[1:] + ".")
    actions = group.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=Parser)
    one = _command(actions, "add", "trust whoever this certificate vouches for, or the anchor of a federation", trust_add)
    one.add_argument(
        "file", help="certificate of the organisation's anchor (PEM), or a federation: its anchor's address, or a file from it"
    )
    one.add_argument("--role", choices=("credential-issuer", "relying-party"), help="a certificate's: makes documents, or asks to see them")
    one.add_argument(
        "--thumbprint",
        metavar="T",
        help="of the key of a federation's anchor, as it told you; needed with an address, and to change its keys",
    )
    one.add_argument("--name", default="", help="what to call it (default: the name in the certificate)")
    one.add_argument(
        "--entity", default="", metavar="URI", help="trust it for this organisation only, and fetch from there what it may ask for"
    )
    one.add_argument("--address", default="", metavar="URL", help="where the organisation is reached, if its identifier is no such address")
    add_profile_options(one)
    _command(actions, "list", "show who is trusted", trust_list)
    one = _command(actions, "remove", "trust it no longer", trust_remove)
    one.add_argument("fingerprint", help="its fingerprint, or the identifier of a federation's anchor, as `trust list` shows it")


def _add_receive(commands: Commands[Parser]) -> None:
    one = _wallet(_command(commands, "receive", "collect a document from an invitation", _on_wallet("receive")))
    one.add_argument("invitation", help="link, or picture of its QR code")
    one.add_argument("--code", help="collection code (default: it is asked for)")


def _add_open(commands: Commands[Parser]) -> None:
    one = _command(commands, "open", "turn a link of a wallet scheme into the page of this wallet, for desktop link handlers", open_link)
    one.add_argument("uri", help="openid-credential-offer:…, openid4vp:… or haip-…:…")
    one.add_argument("--browser", action="store_true", help="also open the page in the web browser")


def _add_present(commands: Commands[Parser]) -> None:
    one = _wallet(_command(commands, "present", "answer a request", _on_wallet("present")))
    one.add_argument("request", help="link, or picture of its QR code")
    one.add_argument("--yes", action="store_true", help="share without asking again, if it could be checked who asks")
    one.add_argument(
        "--allow", action="append", default=[], metavar="DETAIL", help="also show this optional detail; may be given several times"
    )
    one.add_argument("--document", metavar="ID", help="which document, where several answer")


def _add_keeper(commands: Commands[Parser]) -> None:
    one = _wallet(
        _command(
            commands, "keeper", "read who keeps the record of a document now, and say that you know it", _on_wallet("keeper", "at_keeper")
        )
    )
    one.add_argument("document", metavar="ID", help="which document, as `list` shows it")
    one.add_argument("--yes", action="store_true", help="say that it is known without being asked")


def _add_answer(commands: Commands[Parser]) -> None:
    one = _wallet(_command(commands, "answer", "answer a desk that asks without a network", _on_wallet("answer", "at_counter")))
    one.add_argument("challenge", nargs="?", help="picture of the desk's square code, or its text OVC1:…")
    one.add_argument("--code", metavar="DIGITS", help="ten digits that the desk read out, in place of a square code")
    one.add_argument("--to", metavar="ENTITY", help="with --code: whom it is from, such as https://bank.example")
    one.add_argument("--use", metavar="ID", help="with --code: what it is for, in the organisation's registered word")
    one.add_argument("--out", required=True, metavar="FILE", help="where to write the answer: .gif (a loop of codes), .png or .txt")
    one.add_argument("--yes", action="store_true", help="share without asking again")
    one.add_argument("--also", nargs="+", default=[], metavar="GROUP", help="show these optional details too, such as restrictions")
    one.add_argument("--document", metavar="ID", help="which document, where several answer")
    one.add_argument(
        "--register", nargs="+", default=[], metavar="F", help="files with the organisation's certificate (default: what the wallet keeps)"
    )


def _add_address(commands: Commands[Parser]) -> None:
    one = _wallet(_command(commands, "address", "make a copy out to one organisation, to be sent or printed", _on_wallet("address")))
    one.add_argument("--to", required=True, metavar="ENTITY", help="the organisation's identifier, such as https://bank.example")
    one.add_argument("--to-name", default="", metavar="NAME", help="what to call it in your history")
    one.add_argument("--purpose", required=True, metavar="ID", help="what the copy is for, in the organisation's own word")
    one.add_argument("--type", default="representation", help="kind of document (default: representation)")
    one.add_argument("--query", metavar="ID", help="ready question that says what to show, such as bank")
    one.add_argument(
        "--claims", nargs="+", default=[], metavar="DETAIL", help="details to show, such as represented/family_name or powers/*"
    )
    one.add_argument("--document", metavar="ID", help="which document (default: the newest that fits)")
    one.add_argument("--days", type=int, default=7, metavar="N", help="how long it can be used, at most 14 (default: 7)")
    one.add_argument(
        "--together",
        default="",
        metavar="REF",
        help="where several have to agree: what the first of them was given (default: you are the first)",
    )
    one.add_argument("--out", metavar="FILE", help="where to write the copy (default: standard output)")
    one.add_argument("--png", metavar="FILE", help="where to write it as a QR picture")
    one.add_argument(
        "--locked",
        metavar="FILE",
        help="where to write it as a locked page: only the organisation's registered key opens it, or seven words that are shown once",
    )
    one.add_argument("--words", action="store_true", help="with --locked: seven words, also where the organisation has a registered key")


def _add_tell(commands: Commands[Parser]) -> None:
    words = "tell several organisations what a document says, and show what they answered"
    one = _wallet(_command(commands, "tell", words, _on_wallet("tell", "at_tell")))
    one.add_argument("--document", metavar="ID", help="which document, as `list` shows it (default: only show what came of it so far)")
    one.add_argument(
        "--to",
        nargs=2,
        action="append",
        default=[],
        metavar=("ENTITY", "USE"),
        help="whom; may be given several times (default: list who may be told)",
    )
    one.add_argument("--all", action="store_true", help="everybody who has registered to be told this")
    one.add_argument("--find", default="", metavar="WORDS", help="with --all: only whose names have these words")
    one.add_argument("--about", metavar="ID", help="those who were shown this document before, to correct it or call it back")
    one.add_argument("--yes", action="store_true", help="agree without being asked")
    one.add_argument("--json", action="store_true", help="print what came of it as JSON")


def _add_receipt(commands: Commands[Parser]) -> None:
    one = _wallet(_command(commands, "receipt", "take in a receipt that was given by hand for a copy", _on_wallet("receipt", "at_receipt")))
    one.add_argument("file", help="the receipt: its text, or a picture of its square code")
    one.add_argument("--line", type=int, metavar="N", help="which line of the history it is for (default: the copy that it names)")


def _add_backup(commands: Commands[Parser]) -> None:
    one = _wallet(_command(commands, "backup", "write one wallet into an encrypted file", _on_wallet("backup")))
    one.add_argument("file", help="where to write it")
    one.add_argument("--backup-passphrase-file", metavar="F", help="file with the passphrase for it (default: one is made and shown)")
    one = _wallet(_command(commands, "restore", "make a wallet from such a file", _on_wallet("restore")))
    one.add_argument("file", help="the backup")
    one.add_argument("--backup-passphrase-file", metavar="F", help="file with its passphrase (default: it is asked for)")


# --- the host --------------------------------------------------------------------------------------------------------------------------


def init(arguments: argparse.Namespace) -> int:
    from wallet.at_terminal import tell_wallet
    from wallet.config import folder_of
    from wallet.init import Wish, set_up

    folder = folder_of(arguments.dir)
    wish = Wish(
        folder=folder,
        public_url=arguments.public_url or f"http://localhost:{arguments.port}",
        port=arguments.port,
        storage=arguments.storage,
        holder=arguments.holder,
        passphrase=read_passphrase(arguments.passphrase_file),
        trust=tuple(arguments.trust),
        open_to_all=arguments.open_to_all,
    )
    made = asyncio.run(set_up(wish, clock=system_clock, entropy=system_entropy))
    if arguments.json:
        told = {name: getattr(made, name) for name in ("public_url", "holder", "passphrase", "recovery_code", "anchor")}
        print(json.dumps(told, ensure_ascii=False))
        return 0
    print(f"Made a wallet service in {folder}: {made.public_url}")
    if made.holder:
        tell_wallet(made.holder, made.passphrase, made.recovery_code)
    print(f"Issuers know its wallets by: {made.anchor}")
    print(f"\nNext: muniment-wallet serve --dir {folder}")
    return 0


def serve(arguments: argparse.Namespace) -> int:
    from shared.web.app import run
    from wallet.app import build, open_host

    place = place_of(arguments)

    async def make(_: WalletSettings) -> Application:
        return build(open_host(place))

    run(make, place.settings, started=lambda urls: print(f"Wallet: {urls[0]}/", flush=True))
    return 0


def trust_add(arguments: argparse.Namespace) -> int:
    from shared.errors import ConfigError
    from shared.keys import Role
    from shared.web import federation_pins
    from shared.web.setup import read_anchor
    from shared.web.trust_file import change

    place = place_of(arguments)
    trusted = place.path(place.settings.trust)
    found = federation_pins.find_federation(
        arguments.file, settings=lambda: place.settings, thumbprint=arguments.thumbprint, at=system_clock(), name=arguments.name
    )
    if found is not None:
        pinned = federation_pins.pin(trusted, found, sure=arguments.thumbprint is not None)
        print(f"Trusted from now on, and whom it vouches for:\n{federation_pins.describe(pinned)}")
        return 0
    if arguments.role is None:
        raise ConfigError("say with --role whether it makes documents or asks to see them", where="role")
    anchor = read_anchor(
        Path(arguments.file),
        Role(arguments.role),
        entity=arguments.entity or None,
        name=arguments.name,
        address=arguments.address or None,
        profile=arguments.profile,
        vcts=arguments.doctype or None,
    )
    change(trusted, lambda trust: trust.add(anchor))
    print(f"Trusted as {anchor.role}{anchor.scope}: {anchor.name}")
    print(f"Compare this fingerprint with the one that the organisation tells you: {anchor.fingerprint}")
    return 0


def trust_remove(arguments: argparse.Namespace) -> int:
    from shared.web import federation_pins
    from shared.web.trust_file import change

    place = place_of(arguments)
    change(place.path(place.settings.trust), lambda trust: federation_pins.without(trust, arguments.fingerprint))
    print("No longer trusted. What it vouched for is refused from now on.")
    return 0


def vouch(arguments: argparse.Namespace) -> int:
    from shared.web.certificates import ANCHOR_FILE, day
    from shared.web.setup import read_certificate
    from wallet.init import vouch as certify

    place = place_of(arguments)
    leaf = asyncio.run(certify(place, clock=system_clock, entropy=system_entropy))
    anchor = place.path(ANCHOR_FILE)
    print(f"Certificate for {leaf.uris[0]}, until {day(leaf.not_after)}")
    print(f"Give issuers this file: {anchor}\nSHA-256 {read_certificate(anchor).sha256.hex()}")
    return 0


def trust_list(arguments: argparse.Namespace) -> int:
    from shared.web import federation_pins
    from wallet.init import read_trust

    trust = read_trust(place_of(arguments))
    for federation in trust.federation:
        print(federation_pins.describe(federation))
    for anchor in trust.anchors:
        print(f"{anchor.role:18} {anchor.name}{f' ({anchor.entity})' if anchor.entity else ''}{anchor.scope}  {anchor.fingerprint}")
    return 0


def open_link(arguments: argparse.Namespace) -> int:
    """A scheme link says what it is by its scheme; the page takes it from there."""
    place = place_of(arguments)
    scheme, _, rest = arguments.uri.partition(":")
    pages = {
        "openid-credential-offer": "/offer",
        "haip-vci": "/offer",
        "openid4vp": "/authorize",
        "haip-vp": "/authorize",
        "eudi-openid4vp": "/authorize",
    }
    if scheme not in pages or "?" not in rest:
        raise Malformed(f"this wallet opens links that begin with {', '.join(f'{name}:' for name in pages)}")
    page = f"{place.settings.public_url}{pages[scheme]}?{rest.partition('?')[2]}"
    print(page)
    if arguments.browser:
        import webbrowser

        webbrowser.open(page)
    return 0


def _on_wallet(name: str, module: str = "at_terminal") -> Command:
    """A command of ``at_terminal`` or its like, loaded when it runs."""

    def run(arguments: argparse.Namespace) -> int:
        from importlib import import_module

        command: Command = getattr(import_module(f"wallet.{module}"), name)
        return command(arguments)

    return run


def place_of(arguments: argparse.Namespace) -> Place:
    from wallet.config import folder_of, open_place

    return open_place(folder_of(arguments.dir))
