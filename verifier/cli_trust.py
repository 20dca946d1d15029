"""``muniment-verifier trust``: the anchors of federations, and a list of all whom this verifier trusts."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from shared.clock import system_clock
from shared.errors import ConfigError
from shared.terminal import Commands, Parser


def add_trust(
    commands: Commands[Parser], command: Callable[[Commands[Parser], str, str, Callable[[argparse.Namespace], int]], Parser]
) -> None:
    """The commands below ``trust``; ``command`` makes one."""
    words = "say whom this verifier trusts; certificates, packs and DIDs are added with `bundle trust`"
    group = commands.add_parser("trust", help=words, description=words[:1].upper() + words[1:] + ".")
    inner: Commands[Parser] = group.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=Parser)
    one = command(inner, "add", "trust the anchor of a federation, and whom it vouches for", _add)
    one.add_argument("file", help="the anchor's address, or a file from it")
    one.add_argument(
        "--thumbprint", metavar="T", help="of the anchor's key, as it told you; needed with an address, and to change its keys"
    )
    one.add_argument("--name", default="", help="what to call it (default: its own name)")
    one.add_argument(
        "--without-snapshot",
        action="store_true",
        help="the anchor never says which statements are in force; chains that come along count alone",
    )
    _file(one)
    _file(command(inner, "list", "show who is trusted", _list))
    one = command(inner, "remove", "trust it no longer", _remove)
    one.add_argument("fingerprint", help="its fingerprint, or the identifier of a federation's anchor, as `trust list` shows it")
    _file(one)


def _file(one: Parser) -> None:
    one.add_argument("--trust", metavar="F", help="file that says whom to trust (default: trust.json in the data folder)")


def _add(arguments: argparse.Namespace) -> int:
    """From a file or from the anchor's address; says what is trusted from now on."""
    from shared.web import federation_pins
    from verifier import config
    from verifier.offline import trust_file

    found = federation_pins.find_federation(
        arguments.file,
        settings=lambda: config.read(config.folder(arguments.dir)),
        thumbprint=arguments.thumbprint,
        at=system_clock(),
        name=arguments.name,
        without_snapshot=arguments.without_snapshot,
    )
    if found is None:
        raise ConfigError("this is no anchor of a federation; certificates, packs and DIDs are added with `bundle trust`", where="file")
    pinned = federation_pins.pin(trust_file(arguments), found, sure=arguments.thumbprint is not None)
    sys.stdout.write(f"Trusted from now on, and whom it vouches for:\n{federation_pins.describe(pinned)}\n")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    """A line for each anchor, federation, DID and signer of packs."""
    from shared.web.federation_pins import describe
    from verifier.offline import read_trust, trust_file

    trust = read_trust(trust_file(arguments))
    lines = [
        *(
            f"{each.role:18} {each.name}{f' ({each.entity})' if each.entity else ''}{each.scope}  {each.fingerprint}"
            for each in trust.anchors
        ),
        *map(describe, trust.federation),
        *(f"{'did':18} {each.name}  {each.did}" for each in trust.dids),
        *(f"{'checking packs':18} {each}" for each in trust.bundle_signers),
    ]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _remove(arguments: argparse.Namespace) -> int:
    """``Missing`` if nobody has that fingerprint, and no federation that identifier."""
    from shared.web.federation_pins import without
    from shared.web.trust_file import change
    from verifier.offline import trust_file

    change(trust_file(arguments), lambda trust: without(trust, arguments.fingerprint))
    sys.stdout.write("No longer trusted. What it vouched for is refused from now on.\n")
    return 0
