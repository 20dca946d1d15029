"""``muniment-issuer``: set up, serve, make and change documents, look after keys. Exit codes: 0, 1 refused, 64 usage, 78 set-up."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from issuer.cli_federation import add_federation
from shared.clock import system_clock, system_entropy
from shared.errors import ConfigError
from shared.terminal import Commands, Parser, add_key_options, add_log, moment, port, read_passphrase, run_command
from shared.web.type_files import add_types

if TYPE_CHECKING:
    from aiohttp.web import Application

    from issuer.config import Settings
    from issuer.office import Office
    from issuer.sessions import Actor

T = TypeVar("T")

NAME = "Office of the Public Guardian (test)"
SIGNED_BY = {"signed": "show what a key signed", "recall": "call in what a key signed"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    return run_command("muniment-issuer", parser().parse_args(argv))


def parser() -> Parser:
    """All commands and options; a test holds the documents against it."""
    top = Parser(prog="muniment-issuer", description="Make documents that their holders carry, and cancel them when they end.")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=Parser)
    _add_init(commands)
    _add_serve(commands)
    _add_mint(commands)
    _add_revoke(commands)
    _add_event(commands)
    _add_keys(commands)
    _add_trust(commands)
    add_federation(commands, lambda actions, name, words: _command(actions, name, words, federation))
    add_types(commands, _command, _know_types)
    add_log(commands, _command, log)
    _add_doctor(commands)
    return top


def _command(commands: Commands[Parser], name: str, words: str, run: Callable[[argparse.Namespace], int]) -> Parser:
    one = commands.add_parser(name, help=words, description=words[:1].upper() + words[1:] + ".")
    one.add_argument("--dir", metavar="D", help="data folder (default: MUNIMENT_ISSUER_DIR, else data/issuer)")
    one.set_defaults(command=run)
    return one


def _add_init(commands: Commands[Parser]) -> None:
    one = _command(commands, "init", "make keys, certificates, database, the first operator and an API key", init)
    one.add_argument("--name", default=NAME, help="name of the office as holders and relying parties see it")
    one.add_argument("--public-url", metavar="U", help="address under which others reach it (default: http://localhost:PORT)")
    one.add_argument("--port", type=port, default=8101, metavar="P", help="port to listen on (default: 8101)")
    one.add_argument("--storage", default="", metavar="URI", help="database (default: SQLite in the data folder)")
    one.add_argument("--country", default="GB", metavar="CC", help="where the office is, two letters, for its certificates (default: GB)")
    one.add_argument("--operator", default="admin", metavar="NAME", help="name of the first operator (default: admin)")
    one.add_argument("--passphrase-file", metavar="F", help="file with the operator's passphrase (default: one is made and shown)")
    one.add_argument("--json", action="store_true", help="print what was made as JSON")


def _add_serve(commands: Commands[Parser]) -> None:
    _command(commands, "serve", "run the service until it is stopped", serve)


def _add_mint(commands: Commands[Parser]) -> None:
    one = _command(commands, "mint", "make a document from a file of its details and print the invitation", mint)
    one.add_argument("type", help="kind of document, such as representation")
    one.add_argument("claims", help="file with the details as JSON, - for standard input")
    one.add_argument("--reference", metavar="R", help="your own case reference, to find the document by")
    one.add_argument("--no-code", action="store_true", help="ask for no collection code")
    one.add_argument("--json", action="store_true", help="print the invitation as JSON")


def _add_revoke(commands: Commands[Parser]) -> None:
    one = _command(commands, "revoke", "cancel, put on hold or reinstate what was made under a reference", revoke)
    one.add_argument("reference", help="your own case reference, or a document's number")
    one.add_argument("--action", choices=("cancel", "hold", "reinstate"), default="cancel", help="what to do (default: cancel)")
    one.add_argument("--reason", required=True, metavar="CODE", help="reason code of the kind of document, such as donor-died")
    one.add_argument("--confirm-count", type=int, metavar="N", help="needed when the reference stands for more than one document")


def _add_event(commands: Commands[Parser]) -> None:
    one = _command(commands, "event", "say what was shown to this office, or has become of that, and end what ends with it", event)
    one.add_argument("file", help="an event as this office's verifier signed it, or JSON with vct, became and claims; - for standard input")


def _add_keys(commands: Commands[Parser]) -> None:
    words = "list keys and certificates, have another key follow, renew or withdraw a certificate, retire a key or report it as compromised, call in what it signed"
    one = _command(commands, "keys", words, keys)
    add_key_options(one, show="list", more=SIGNED_BY)
    one.add_argument(
        "--since", type=moment, default=0, metavar="TIME", help="only what was signed from then on, such as 2027-01-15T12:00 (UTC)"
    )
    one.add_argument(
        "--search", default="", metavar="TEXT", help="with signed: only the document of that number, or those under that reference"
    )
    one.add_argument("--page", type=int, default=1, metavar="N", help="with signed: which page of the list (default: 1)")
    one.add_argument("--confirm-count", type=int, metavar="N", help="with recall: how many documents, as `signed` shows it")


def _add_trust(commands: Commands[Parser]) -> None:
    words = "say who may vouch for wallets and for where they hold their keys"
    group = commands.add_parser("trust", help=words, description=words[:1].upper() + words[1:] + ".")
    actions = group.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=Parser)
    one = _command(actions, "add", "trust whoever this certificate vouches for, or the anchor of a federation", trust_add)
    one.add_argument(
        "file", help="certificate of the anchor of a wallet's maker (PEM), or a federation: its anchor's address, or a file from it"
    )
    one.add_argument(
        "--thumbprint",
        metavar="T",
        help="of the key of a federation's anchor, as it told you; needed with an address, and to change its keys",
    )
    one.add_argument("--name", default="", help="what to call it (default: the name in the certificate)")
    one.add_argument("--entity", default="", metavar="URI", help="trust it for this maker alone, and hear there what it has withdrawn")
    one.add_argument("--address", default="", metavar="URL", help="where that is heard, if the maker's identifier is no such address")
    _command(actions, "list", "show who is trusted", trust_list)
    one = _command(actions, "remove", "trust it no longer", trust_remove)
    one.add_argument("fingerprint", help="its fingerprint, or the identifier of a federation's anchor, as `trust list` shows it")


def _add_doctor(commands: Commands[Parser]) -> None:
    _command(commands, "doctor", "check that everything is in place", doctor)


def _know_types(arguments: argparse.Namespace) -> None:
    from issuer import config

    config.know_types(arguments.dir)


# --- commands --------------------------------------------------------------------------------------------------------------------------


def init(arguments: argparse.Namespace) -> int:
    from issuer import config
    from issuer.init import Wish, set_up

    directory = config.folder(arguments.dir)
    wish = Wish(
        directory=directory,
        name=arguments.name,
        public_url=(arguments.public_url or f"http://localhost:{arguments.port}"),
        port=arguments.port,
        storage=arguments.storage,
        operator=arguments.operator,
        passphrase=read_passphrase(arguments.passphrase_file),
        country=arguments.country,
    )
    made = asyncio.run(set_up(wish, clock=system_clock, entropy=system_entropy))
    if arguments.json:
        told = {name: getattr(made, name) for name in ("public_url", "operator", "passphrase", "api_key", "anchor")}
        print(json.dumps(told, ensure_ascii=False))
        return 0
    print(f"Made an issuer in {directory}: {wish.name}, {made.public_url}")
    print(f"  Console:    {made.public_url}/console/   sign in as {made.operator}")
    print(f"  Passphrase: {made.passphrase}   (shown once)")
    print(f"  API key:    {made.api_key}   (shown once)")
    print(f"  Anchor:     {made.anchor}   give this file to wallets and verifiers")
    print(f"\nNext: muniment-issuer serve --dir {directory}")
    return 0


def serve(arguments: argparse.Namespace) -> int:
    from issuer import config
    from issuer.app import build, open_office
    from shared.web.app import run

    directory = config.folder(arguments.dir)
    settings = config.read(directory)

    async def make(settings: Settings) -> Application:
        return build(open_office(directory, settings))

    run(make, settings, started=lambda urls: print(f"{settings.name}: {urls[0]} (console: {urls[0]}/console/)", flush=True))
    return 0


def mint(arguments: argparse.Namespace) -> int:
    from issuer import offers
    from issuer.sessions import Actor
    from shared.codec import base64url, qr, strict_json

    order = offers.Order(
        type=arguments.type,
        claims=strict_json.load_object(_read(arguments.claims)),
        reference=arguments.reference,
        needs_code=not arguments.no_code,
    )
    actor = Actor(role="program", name="command line")
    once = base64url.encode(system_entropy(16))

    async def work(office: Office) -> tuple[offers.Made, str]:
        made = await offers.make(office, order, actor=actor, idempotency_key=once)
        return made, offers.links(office, made.secrets.token).https

    made, link = _with_office(arguments, work)
    if arguments.json:
        print(json.dumps({"id": made.document, "invitation_link": link, "code": made.secrets.code}))
        return 0
    print(qr.terminal(link))
    print(f"Document:        {made.document}")
    print(f"Invitation:      {link}")
    if made.secrets.code is not None:
        print(f"Collection code: {made.secrets.code}   (send it by another way than the link)")
    return 0


def _read(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {name}: {error.strerror}", where="claims") from error


def revoke(arguments: argparse.Namespace) -> int:
    return _with_office(arguments, lambda office: _revoke(office, arguments))


async def _revoke(office: Office, arguments: argparse.Namespace) -> int:
    from issuer.operator_api import summary
    from issuer.revoke import Many, Wish, change_many, change_one
    from issuer.sessions import Action

    wish = Wish(action=Action(arguments.action), reason=arguments.reason, actor=_here())
    seen = await change_many(office, [arguments.reference], wish, preview=True, confirm_count=None)
    if seen.unknown:  # nothing under that reference: perhaps it is a number
        await change_one(office, arguments.reference.replace("-", "").upper(), wish)
        print(summary(Many(documents=1, unchanged=0, unknown=(), done=True), wish.action))
        return 0
    count = arguments.confirm_count if arguments.confirm_count is not None else 1
    print(summary(await change_many(office, [arguments.reference], wish, preview=False, confirm_count=count), wish.action))
    return 0


def _here() -> Actor:
    """Whoever sits at this machine."""
    from issuer.sessions import Actor

    return Actor(role="program", name="command line")


def event(arguments: argparse.Namespace) -> int:
    from issuer.following import Heard, hear
    from issuer.listening import by_hand, listen
    from shared.codec import base64url

    body = _read(arguments.file).strip()

    async def work(office: Office) -> list[Heard]:
        if body.startswith(b"{"):
            return [await hear(office, by_hand(body, base64url.encode(system_entropy(16))), by=_here())]
        return await listen(office, body.decode("ascii", "replace"), oldest=system_clock())

    for each in _with_office(arguments, work):
        print(f"{each.id}  {each.state}: {each.changed} changed, {each.waits} to be decided")
    return 0


def keys(arguments: argparse.Namespace) -> int:
    from issuer import config, upkeep
    from issuer.cli_keys import COMMANDS
    from shared.web import own_keys

    directory = config.folder(arguments.dir)
    if arguments.what in SIGNED_BY:

        async def work(office: Office) -> int:
            async for line in COMMANDS[arguments.what](office, arguments):
                print(line, flush=True)
            return 0

        return _with_office(arguments, work)
    told = own_keys.run(arguments, upkeep, directory, config.read(directory), clock=system_clock, entropy=system_entropy)
    for line in asyncio.run(told):
        print(line)
    return 0


def trust_add(arguments: argparse.Namespace) -> int:
    from issuer import config, pins
    from shared.web import federation_pins

    directory = config.folder(arguments.dir)
    found = federation_pins.find_federation(
        arguments.file,
        settings=lambda: config.read(directory),
        thumbprint=arguments.thumbprint,
        at=system_clock(),
        name=arguments.name,
    )
    if found is not None:
        pinned = federation_pins.pin(config.trust(directory), found, sure=arguments.thumbprint is not None)
        print(f"Trusted from now on, and whom it vouches for:\n{federation_pins.describe(pinned)}")
        return 0
    anchor = pins.add(
        directory,
        Path(arguments.file),
        name=arguments.name,
        entity=arguments.entity or None,
        address=arguments.address or None,
    )
    print(f"Trusted to vouch for wallets: {anchor.name}")
    print(f"Compare this fingerprint with the one that its maker tells you: {anchor.fingerprint}")
    return 0


def trust_list(arguments: argparse.Namespace) -> int:
    from issuer import config, pins
    from shared.web import federation_pins

    trust = pins.read(config.folder(arguments.dir))
    for anchor in trust.anchors:
        print(f"{anchor.role:18} {anchor.name}{f' ({anchor.entity})' if anchor.entity else ''}  {anchor.fingerprint}")
    for federation in trust.federation:
        print(federation_pins.describe(federation))
    return 0


def trust_remove(arguments: argparse.Namespace) -> int:
    from issuer import config, pins

    pins.remove(config.folder(arguments.dir), arguments.fingerprint)
    print("No longer trusted. What it vouched for is refused from now on.")
    return 0


def federation(arguments: argparse.Namespace) -> int:
    from issuer.federation.commands import COMMANDS

    async def work(office: Office) -> int:
        for line in await COMMANDS[arguments.do](office, arguments):
            print(line)
        return 0

    return _with_office(arguments, work)


def log(arguments: argparse.Namespace) -> int:
    from shared.web.log_command import COMMANDS

    for line in _with_office(arguments, lambda office: COMMANDS[arguments.do](office.storage, arguments, office.clock())):
        print(line)
    return 0


def doctor(arguments: argparse.Namespace) -> int:
    from issuer import config, upkeep
    from shared.web.doctor import tell

    directory = config.folder(arguments.dir)
    return tell(asyncio.run(upkeep.examine(directory, config.read(directory), clock=system_clock, entropy=system_entropy)))


def _with_office(arguments: argparse.Namespace, work: Callable[[Office], Awaitable[T]]) -> T:
    """Run ``work`` on the issuer of the data folder, whether or not the service runs beside it."""
    from issuer import config
    from issuer.app import open_office, start, stop

    directory = config.folder(arguments.dir)
    settings = config.read(directory)

    async def run() -> T:
        office = open_office(directory, settings)
        try:
            await start(office)
            return await work(office)
        finally:
            await stop(office)

    return asyncio.run(run())
