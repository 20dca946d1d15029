"""``muniment-issuer federation`` on an office that is open, and the two people of it who say who they are."""

from __future__ import annotations

from pathlib import Path

from support.registry import Registry
from support.superior import add_ben

from issuer.cli import parser
from issuer.federation.commands import COMMANDS
from issuer.office import Office


async def say(office: Office, *words: str) -> list[str]:
    """One command; the lines that it tells."""
    arguments = parser().parse_args(["federation", *words])
    return await COMMANDS[arguments.do](office, arguments)


async def two_people(registry: Registry, folder: Path) -> tuple[list[str], list[str]]:
    """Iris, whom the set-up made, and Ben: what each adds to a command."""
    told = []
    for name, passphrase in (("Iris Admin", registry.passphrase), ("Ben", await add_ben(registry))):
        file = folder / f"{name}.txt"
        file.write_text(passphrase)
        told.append(["--by", name, "--passphrase-file", str(file)])
    return told[0], told[1]
