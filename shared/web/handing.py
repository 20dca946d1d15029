"""Handing over to another body, or taking over from one: what a service signs of it with its federation key (``trust.succession``)."""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..clock import DAY
from ..credentials import Text
from ..errors import ConfigError, Forbidden
from ..keys import sign
from ..terminal import Parser
from ..trust.succession import Succession, peek_statement, prepare_acceptance, prepare_statement, render_succession
from .certificates import day
from .entity import OwnEntity


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


def add_handing(one: Parser) -> None:
    """The options of a command that says who takes over."""
    one.add_argument("successor", help="identifier of the body that takes over")
    one.add_argument("--from", dest="since", default="", metavar="DAY", help="the day on which it begins (2028-04-01); today if not given")
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


def handing_of(arguments: argparse.Namespace, outgoing: str, at: int) -> Handing:
    """What the options say; ``ConfigError`` for a day that is none."""
    return Handing(
        outgoing=outgoing,
        successor=arguments.successor,
        since=_begin(arguments.since, at),
        vcts=arguments.vct or None,
        purposes_carried=arguments.carry,
        status_duty=arguments.status_duty,
        may_cancel=arguments.may_cancel,
        private=arguments.private,
        note=Text(arguments.note, arguments.note_cy or arguments.note),
    )


def _begin(text: str, at: int) -> int:
    if not text:
        return at - at % DAY
    try:
        first = dt.date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError("a day is written as 2028-04-01", where="from") from error
    return int(dt.datetime(first.year, first.month, first.day, tzinfo=dt.UTC).timestamp())
