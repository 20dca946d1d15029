"""``muniment-verifier``: set up, serve, check copies without a network, make and look at checking packs.

Exit codes: ``check`` 0 accepted, 1 rejected, 2 undecided; else 0 done, 1 refused; 64 usage, 78 set-up.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from shared.clock import system_clock, system_entropy
from shared.terminal import Commands, Parser, add_key_options, add_log, add_profile_options, port, read_passphrase, run_command
from shared.web.type_files import add_types
from verifier.cli_federation import add_federation
from verifier.cli_permissions import add_permissions
from verifier.cli_trust import add_trust
from verifier.cli_uses import add_uses

if TYPE_CHECKING:
    from verifier.desk import Desk

T = TypeVar("T")

NAME = "Relying organisation (test)"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    return run_command("muniment-verifier", parser().parse_args(argv))


def parser() -> Parser:
    """All commands and options; a test holds the documents against it."""
    top = Parser(prog="muniment-verifier", description="Ask for documents, and check what is shown, with or without a network.")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=Parser)
    _add_init(commands)
    _command(commands, "serve", "run the service until it is stopped", serve)
    _add_check(commands)
    add_trust(commands, _command)
    _add_desk(commands)
    _add_asking(commands)
    add_uses(commands, _command, _with_desk)
    add_permissions(commands, _command, _with_desk)
    add_federation(commands, _command, _with_desk)
    _add_bundle(commands)
    _add_keys(commands)
    add_types(commands, _command, _know_types)
    add_log(commands, _command, log)
    _command(commands, "doctor", "check that everything is in place", doctor)
    return top


def _command(commands: Commands[Parser], name: str, words: str, run: Callable[[argparse.Namespace], int]) -> Parser:
    one = commands.add_parser(name, help=words, description=words[:1].upper() + words[1:] + ".")
    one.add_argument("--dir", metavar="D", help="data folder (default: MUNIMENT_VERIFIER_DIR, else data/verifier)")
    one.set_defaults(command=run)
    return one


def _know_types(arguments: argparse.Namespace) -> None:
    from verifier import config

    config.know_types(arguments.dir)


def _add_init(commands: Commands[Parser]) -> None:
    one = _command(commands, "init", "make keys, certificates, database, the first operator and an API key", init)
    one.add_argument("--name", default=NAME, help="name of the organisation as holders see it")
    one.add_argument("--entity", default="", metavar="URI", help="identifier of the organisation (default: the public address)")
    one.add_argument("--public-url", metavar="U", help="address under which others reach it (default: http://localhost:PORT)")
    one.add_argument("--port", type=port, default=8103, metavar="P", help="port to listen on (default: 8103)")
    one.add_argument("--storage", default="", metavar="URI", help="database (default: SQLite in the data folder)")
    one.add_argument("--operator", default="admin", metavar="NAME", help="name of the first operator (default: admin)")
    one.add_argument("--passphrase-file", metavar="F", help="file with the operator's passphrase (default: one is made and shown)")
    one.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="FILE.pem:credential-issuer[:ENTITY_URL]",
        help="an anchor to trust; with the issuer's address its lists of cancelled documents are fetched; may be repeated",
    )
    one.add_argument("--json", action="store_true", help="print what was made as JSON")


def _add_check(commands: Commands[Parser]) -> None:
    one = _command(commands, "check", "check a copy or an answer, without any network", check)
    one.add_argument(
        "files", nargs="+", metavar="FILE", help="what came: a file, a link, pictures of its square codes, or a folder of them"
    )
    one.add_argument(
        "--as", dest="entity", metavar="ENTITY", help="who checks: whom copies are made out to (default: the organisation of the only desk)"
    )
    one.add_argument(
        "--words", metavar="F", help="file with the seven words of a locked link; - for standard input (default: they are asked for)"
    )
    _add_knowledge(one, state_help="file to remember in what was seen and asked; without it copies are not known again")
    one.add_argument("--json", action="store_true", help="print the verdict as JSON")


def _add_knowledge(one: Parser, *, state_help: str, state_needed: bool = False) -> None:
    one.add_argument("--bundle", required=True, metavar="B", help="checking pack, from `bundle make`")
    one.add_argument("--trust", metavar="F", help="file that says whom to trust (default: trust.json in the data folder)")
    one.add_argument("--state", required=state_needed, metavar="F", help=state_help)


def _add_desk(commands: Commands[Parser]) -> None:
    group = commands.add_parser("desk", help="make a desk that asks and checks without a network", description="Desks without a network.")
    inner: Commands[Parser] = group.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=Parser)
    one = _command(inner, "new", "make a desk with a key of its own, or certify it for another week", desk_new)
    one.add_argument("name", help="what holders see beside the organisation, such as 'Counter 3'")
    one.add_argument("--days", type=int, default=7, metavar="N", help="how long its certificate lives, at most 7 (default: 7)")
    one.add_argument("--out", metavar="FOLDER", help="folder to make it in (default: desks/NAME in the data folder)")


def _add_asking(commands: Commands[Parser]) -> None:
    for name, words, run in (
        ("challenge", "ask by a square code that a wallet scans, without any network", challenge),
        ("code", "ask by ten digits that somebody types into a wallet, without any network", code),
    ):
        one = _command(commands, name, words, run)
        one.add_argument("--use", required=True, metavar="ID", help="what it is for: a ready question, such as bank")
        one.add_argument("--desk", metavar="FOLDER", help="which desk asks (default: the only one in the data folder)")
        _add_knowledge(one, state_needed=True, state_help="file of `check` that remembers the question until it is answered")
        if name == "challenge":
            one.add_argument(
                "--together",
                default="",
                metavar="REF",
                help="where several have to agree: what `check` said of the first of them (default: begin)",
            )
            one.add_argument(
                "--ttl", type=int, default=120, metavar="S", help="seconds in which it can be answered, at most 300 (default: 120)"
            )
            out = one.add_mutually_exclusive_group()
            out.add_argument("--png", metavar="F", help="write the code as a picture (default: draw it on the terminal)")
            out.add_argument("--text", action="store_true", help="print its text")


def _add_bundle(commands: Commands[Parser]) -> None:
    group = commands.add_parser(
        "bundle",
        help="make, trust, apply, show and verify checking packs",
        description="Checking packs: make, trust, apply, show and verify them.",
    )
    inner: Commands[Parser] = group.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=Parser)
    one = _command(inner, "make", "fetch what trusted issuers publish and put it into a signed checking pack", bundle_make)
    one.add_argument("--out", required=True, metavar="F", help="file to write")
    one.add_argument("--no-fetch", action="store_true", help="use what was fetched before")
    one = _command(inner, "trust", "trust an anchor, or a signer of checking packs", bundle_trust)
    one.add_argument("file", help="certificate (PEM) of an anchor, a checking pack whose signer to trust, or the DID of an issuer")
    one.add_argument(
        "--role", choices=("credential-issuer", "relying-party"), default="credential-issuer", help="what an anchor is trusted for"
    )
    one.add_argument("--entity", metavar="URL", help="trust the anchor for this issuer alone, and fetch its lists from there")
    one.add_argument("--name", default="", help="what to call the anchor (default: its own name)")
    one.add_argument("--address", metavar="URL", help="where that issuer or organisation is reached, if its identifier is no such address")
    add_profile_options(one)
    one.add_argument(
        "--without-snapshot",
        action="store_true",
        help="the anchor never says which of its certificates are in force; a checking pack is believed about it all the same",
    )
    one.add_argument("--thumbprint", metavar="T", help="of a pack's signer, as its maker told you; the pack is not believed about itself")
    one.add_argument("--trust", metavar="F", help="file that says whom to trust (default: trust.json in the data folder)")
    one = _command(inner, "apply", "check with this checking pack from now on, also in the service", bundle_apply)
    one.add_argument("file", help="the checking pack, by a signer that was trusted with `bundle trust`")
    one = _command(inner, "show", "print what a checking pack holds and how old it is", bundle_show)
    one.add_argument("file", help="the checking pack")
    one.add_argument("--json", action="store_true", help="print it as JSON")
    one = _command(inner, "verify", "check that a checking pack is by a trusted signer and young enough", bundle_verify)
    one.add_argument("file", help="the checking pack")
    one.add_argument("--trust", metavar="F", help="file that says whom to trust (default: trust.json in the data folder)")
    one.add_argument("--state", metavar="F", help="memory of `check`: a pack older than one seen is refused")


def _add_keys(commands: Commands[Parser]) -> None:
    words = "show keys and certificates, have another key follow, renew or withdraw a certificate, retire a key or report it as compromised"
    add_key_options(_command(commands, "keys", words, keys), show="show")


# --- commands --------------------------------------------------------------------------------------------------------------------------


def init(arguments: argparse.Namespace) -> int:
    import asyncio

    from verifier import config
    from verifier.init import Wish, set_up

    wish = Wish(
        directory=config.folder(arguments.dir),
        name=arguments.name,
        public_url=arguments.public_url or f"http://localhost:{arguments.port}",
        port=arguments.port,
        entity=arguments.entity,
        storage=arguments.storage,
        operator=arguments.operator,
        passphrase=read_passphrase(arguments.passphrase_file),
        trust=tuple(arguments.trust),
    )
    made = asyncio.run(set_up(wish, clock=system_clock, entropy=system_entropy))
    if arguments.json:
        told = {name: getattr(made, name) for name in ("public_url", "entity", "operator", "passphrase", "api_key", "anchor")}
        print(json.dumps(told, ensure_ascii=False))
        return 0
    print(f"Made a verifier in {wish.directory}: {wish.name}, {made.entity}")
    print(f"  Desk:       {made.public_url}/desk/   sign in as {made.operator}")
    print(f"  Passphrase: {made.passphrase}   (shown once)")
    print(f"  API key:    {made.api_key}   (shown once)")
    print(f"  Anchor:     {made.anchor}   give this file to wallets")
    if not wish.trust:
        print("  Trusts nobody yet: muniment-verifier bundle trust ANCHOR.pem --entity ISSUER_URL")
    print(f"\nNext: muniment-verifier serve --dir {wish.directory}")
    return 0


def serve(arguments: argparse.Namespace) -> int:
    from verifier import config
    from verifier.app import serve_folder

    serve_folder(config.folder(arguments.dir))
    return 0


def check(arguments: argparse.Namespace) -> int:
    from verifier import offline

    _know_types(arguments)
    return offline.check(arguments, clock=system_clock)


def desk_new(arguments: argparse.Namespace) -> int:
    from verifier import ask

    return ask.desk_new(arguments, clock=system_clock, entropy=system_entropy)


def challenge(arguments: argparse.Namespace) -> int:
    from verifier import ask

    _know_types(arguments)
    return ask.challenge(arguments, clock=system_clock, entropy=system_entropy)


def code(arguments: argparse.Namespace) -> int:
    from verifier import ask

    _know_types(arguments)
    return ask.code(arguments, clock=system_clock, entropy=system_entropy)


def bundle_make(arguments: argparse.Namespace) -> int:
    from verifier import packs
    from verifier.words import age_text, moment_text

    async def work(desk: Desk) -> packs.Made:
        if not arguments.no_fetch:
            await _fetch(desk)
        return await packs.make(desk)

    made = _with_desk(arguments, work)
    packs.write(Path(arguments.out), made.data)
    size = f"{len(made.data):,} bytes"
    print(f"Checking pack {made.pack.seq}, dated {moment_text(made.pack.made_at)}: {arguments.out}, {size}")
    print(f"  {made.lists} list(s) of cancelled documents of {made.issuers} issuer(s); good to begin with for "
          f"{age_text(made.pack.expires_at - made.pack.made_at)}")  # fmt: skip
    return 0


async def _fetch(desk: Desk) -> None:
    from shared.web.fetch import Fetcher
    from verifier.material import Store

    fetcher = Fetcher.of(desk.settings)
    try:
        for visit in await Store(desk).refresh(fetcher):
            for fault in visit.faults:
                print(f"muniment-verifier: {fault}", file=sys.stderr)
    finally:
        await fetcher.close()


def bundle_trust(arguments: argparse.Namespace) -> int:
    from verifier import pins

    print(pins.pin(arguments))
    return 0


def bundle_apply(arguments: argparse.Namespace) -> int:
    from shared.trust.bundle import MAX_BYTES
    from verifier import applying, offline
    from verifier.words import age_text, moment_text

    data = offline.read_file(Path(arguments.file), MAX_BYTES)
    taken = _with_desk(arguments, lambda desk: applying.apply(desk, data, actor="command line"))
    pack = taken.applied
    print(f"In use: checking pack {pack.seq} of {pack.iss}, dated {moment_text(pack.iat)}, good for {age_text(pack.exp - pack.iat)}")
    print(f"  {taken.lists} list(s) of cancelled documents")
    for fault in taken.faults:
        print(f"muniment-verifier: not used: {fault}", file=sys.stderr)
    return 0


def bundle_show(arguments: argparse.Namespace) -> int:
    from verifier import pins

    print(pins.show(arguments, at=system_clock()))
    return 0


def bundle_verify(arguments: argparse.Namespace) -> int:
    from verifier import pins

    return pins.verify(arguments, at=system_clock())


def keys(arguments: argparse.Namespace) -> int:
    import asyncio

    from shared.web import own_keys
    from verifier import config, upkeep

    directory = config.folder(arguments.dir)
    told = own_keys.run(arguments, upkeep, directory, config.read(directory), clock=system_clock, entropy=system_entropy)
    for line in asyncio.run(told):
        print(line)
    return 0


def log(arguments: argparse.Namespace) -> int:
    from shared.web.log_command import COMMANDS

    for line in _with_desk(arguments, lambda desk: COMMANDS[arguments.do](desk.storage, arguments, desk.clock())):
        print(line)
    return 0


def doctor(arguments: argparse.Namespace) -> int:
    import asyncio

    from shared.web.doctor import tell
    from verifier import config, upkeep

    directory = config.folder(arguments.dir)
    return tell(asyncio.run(upkeep.examine(directory, config.read(directory), clock=system_clock, entropy=system_entropy)))


def _with_desk(arguments: argparse.Namespace, work: Callable[[Desk], Awaitable[T]]) -> T:
    from verifier.opening import run_with

    return run_with(arguments.dir, work)
