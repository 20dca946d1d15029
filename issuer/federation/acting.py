"""Which operator a command is by: whoever decides says who she is."""

from __future__ import annotations

import argparse

from issuer.office import Office
from issuer.sessions import Actor
from shared.clock import system_entropy
from shared.errors import Forbidden, WrongPassphrase
from shared.terminal import read_passphrase
from shared.web import operators
from shared.web.passphrases import Passphrases


async def actor_of(office: Office, arguments: argparse.Namespace) -> Actor:
    """``WrongPassphrase`` unless it is that operator; ``Forbidden`` while the one who let her in knows her passphrase too."""
    known = await office.storage.read(lambda tx: operators.find(tx, arguments.by))
    passphrases = Passphrases(system_entropy)
    try:
        phc = None if known is None or known.elsewhere else known.passphrase
        await passphrases.check(read_passphrase(arguments.passphrase_file), phc)
    finally:
        passphrases.close()
    if known is None:
        raise WrongPassphrase("name and passphrase do not match")
    if known.handed:
        raise Forbidden("somebody else knows this passphrase: choose one of your own at the console first")
    return Actor(role=known.role, name=known.name)
