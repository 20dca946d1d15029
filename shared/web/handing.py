"""Handing over to another body, or taking over from one: what a service signs of it with its federation key (``trust.succession``)."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..clock import DAY
from ..codec import reader, strict_json
from ..credentials import Text
from ..errors import ConfigError, Forbidden, Refused, Unavailable, VcError
from ..flow import Fetch, Fetched
from ..keys import sign
from ..private_file import write_whole
from ..trust.succession import (
    Succession,
    parse_succession,
    peek_statement,
    prepare_acceptance,
    prepare_statement,
    render_succession,
)
from ..urls import LOOPBACK, check_identifier
from .certificates import day
from .entity import OwnEntity
from .fetch import Fetcher
from .settings import Common

PATH: Final = "/federation/succession"
"""Where a superior takes both halves."""
MAX_BYTES: Final = 140_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Handing:
    """What is to be said: see ``Succession``."""

    outgoing: str
    successor: str
    since: int
    vcts: Sequence[str] | None = None
    purposes_carried: Sequence[str] = ()
    status_duty: bool = False
    may_cancel: bool = False
    private: bool = False
    note: Text = field(default_factory=lambda: Text("", ""))


async def say(own: OwnEntity, handing: Handing) -> str:
    """The statement, signed as this service's; errors as ``prepare_statement``, ``Missing`` without a federation key."""
    signer = await own.signer()
    unsigned = prepare_statement(
        issuer=own.entity,
        outgoing=handing.outgoing,
        successor=handing.successor,
        at=own.clock(),
        since=handing.since,
        vcts=handing.vcts,
        purposes_carried=handing.purposes_carried,
        status_duty=handing.status_duty,
        may_cancel=handing.may_cancel,
        private=handing.private,
        note=handing.note if handing.note.en else None,
        key=signer.name,
        signer=signer.key,
    )
    return await sign(unsigned, own.custodian)


async def accept(own: OwnEntity, statement: str) -> bytes:
    """Both halves, the second signed as this service's. ``Forbidden`` for a statement that names another; errors as ``peek_statement``."""
    found = peek_statement(statement)
    if found.successor != own.entity:
        raise Forbidden(f"it names another body as the successor: {found.successor}")
    signer = await own.signer()
    unsigned = prepare_acceptance(statement, at=own.clock(), key=signer.name, signer=signer.key)
    return render_succession(statement, await sign(unsigned, own.custodian))


def describe(succession: Succession) -> list[str]:
    """What it says, a line each, for a terminal."""
    note = succession.note
    yes = {True: "yes", False: "no"}
    return [
        f"from             {succession.outgoing}",
        f"to               {succession.successor}",
        f"said by          {succession.issuer}",
        f"begins           {day(succession.since)}",
        f"documents        {'all types' if succession.vcts is None else ', '.join(succession.vcts) or 'none'}",
        f"uses handed over {', '.join(succession.purposes_carried) or 'none'}",
        f"keeps statuses   {yes[succession.status_duty]}",
        f"may cancel       {yes[succession.may_cancel]}",
        f"private body     {yes[succession.private]}",
        *(f"words            {text}" for text in dict.fromkeys((note.en, note.cy)) if text),
    ]


# --- at a terminal -------------------------------------------------------------------------------------------------------------------------


def handing_of(arguments: argparse.Namespace, outgoing: str, at: int) -> Handing:
    """What the options say."""
    return Handing(
        outgoing=outgoing,
        successor=arguments.successor,
        since=at - at % DAY if arguments.since is None else arguments.since,
        vcts=arguments.vct or None,
        purposes_carried=arguments.carry,
        status_duty=arguments.status_duty,
        may_cancel=arguments.may_cancel,
        private=arguments.private,
        note=Text(arguments.note, arguments.note_cy or arguments.note),
    )


async def succeed(own: OwnEntity, arguments: argparse.Namespace) -> list[str]:
    """Who takes over from this service: a statement in a file, for the successor to accept. The lines to tell."""
    return keep(await say(own, handing_of(arguments, own.entity, own.clock())), arguments.out)


def keep(statement: str, file: str) -> list[str]:
    """Write it; the lines to tell."""
    write(file, statement.encode())
    return [*describe(peek_statement(statement)), f"Written to {file}. The successor looks at it and runs `federation take-over`."]


async def take_over(own: OwnEntity, settings: Common, arguments: argparse.Namespace) -> list[str]:
    """This service is the successor: both halves in a file, or sent to the superior. The lines to tell."""
    if not (arguments.out or arguments.send):
        raise ConfigError("say where both halves go: --out FILE, --send SUPERIOR, or both", where="out")
    data = await accept(own, read(arguments.file).decode("ascii", "replace").strip())
    told = describe(parse_succession(data))
    if arguments.out:
        write(arguments.out, data)
        told.append(f"Accepted, and written to {arguments.out}: give it to the superior of the outgoing body.")
    if arguments.send:
        fetcher = Fetcher.of(settings)
        try:
            await send(arguments.send, data, fetcher)
        finally:
            await fetcher.close()
        told.append(f"Accepted: people of {arguments.send} look at it now.")
    return told


def read(file: str) -> bytes:
    """``ConfigError`` for a file that cannot be read."""
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}", where="file") from error


def write(file: str, data: bytes) -> None:
    """``ConfigError`` where it cannot be written."""
    try:
        write_whole(Path(file), data + b"\n", 0o644)
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error.strerror}", where="out") from error


async def send(superior: str, data: bytes, fetch: Callable[[Fetch], Awaitable[Fetched]]) -> None:
    """Both halves to a superior. ``Malformed`` for what is no identifier; ``Refused`` with its words if it does not take them; ``Unavailable``."""
    check_identifier(superior, where="send", plain_http=LOOPBACK)
    headers = {"content-type": "application/json"}
    got = await fetch(Fetch(url=superior.removesuffix("/") + PATH, method="POST", headers=headers, body=data))
    if got.status != 202:
        raise refusal_of(got)


def refusal_of(got: Fetched, who: str = "superior") -> VcError:
    """Why a superior does not take what was sent to it."""
    if got.status >= 500:
        return Unavailable(f"the {who} does not answer now")
    try:
        words = reader.get_str(strict_json.load_object(got.body), "error_description", max_length=300)
    except VcError:
        words = f"it answered {got.status}"
    return Refused(f"the {who} did not take it: {words}")
