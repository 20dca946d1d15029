"""``log`` on the command line of a service: what was entered, and whether the log is whole and the one that others have kept heads of."""

from __future__ import annotations

import argparse
import datetime as dt
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ..codec import base64url
from ..cose import thumbprint
from ..errors import ConfigError, Untrusted, VcError, WrongTyp
from ..jose import jwt
from ..jose.jws import verify_jws
from ..log_heads import STALE, TYPS, peek_log_head
from ..receipts import MAX_RECEIPT, TYP, LogHead, peek_receipt
from ..storage import Storage, Tx
from ..x509 import load_certificate, parse_x5c
from . import log, own_trust
from .log_site import newest_signed, signed_heads

_MAX_FILE = 16_000_000  # bytes
_BESIDE: Final = frozenset({"prev", "time", "presentation_mac", "receipt_id"})
"""Members of an entry that tell people nothing."""


async def show(storage: Storage, *, count: int) -> list[str]:
    """The newest ``count`` entries, newest first, in lines."""
    found = await storage.read(lambda tx: log.page(tx, before=2**53, limit=max(1, count)))
    return [f"{line.number}  {_when(line.at)}  {_words(line.entry.entry)}" for line in found] or ["Nothing was entered yet."]


def _when(at: int) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%d %H:%M")


def _words(entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return "(its time is over; the seal stays)"
    told = ((name, value) for name, value in entry.items() if name not in _BESIDE and value not in ("", None, []))
    return "  ".join(f"{name}={','.join(map(str, value)) if isinstance(value, list) else value}" for name, value in told)


async def export(storage: Storage) -> str:
    """All entries as JSON, oldest first, with what it takes to follow the chain (``receipts.verify_log``)."""
    head, lines = await storage.read(_whole)
    return json.dumps(
        {
            "size": head.size,
            "digest": base64url.encode(head.digest),
            "entries": [
                {
                    "number": line.number,
                    "commitment": base64url.encode(line.entry.commitment),
                    "salt": None if line.entry.salt is None else base64url.encode(line.entry.salt),
                    "entry": line.entry.entry,
                }
                for line in reversed(lines)
            ],
        },
        ensure_ascii=False,
        indent=1,
    )


async def _whole(tx: Tx) -> tuple[LogHead, list[log.Line]]:
    head = await log.head(tx)
    return head, await log.page(tx, before=2**53, limit=head.size)


async def verify(storage: Storage, file: str | None = None, *, at: int) -> list[str]:
    """What was found, in lines; ``HistoryRewritten`` where the log is another than it was, ``Untrusted`` for what no key of ours signed.

    ``file`` has receipts or signed heads that others kept. ``at`` is now: a newest head that is days old is told, for others see it, too.
    """
    tokens = [] if file is None else _read(file)
    ours = {each.thumbprint for each in await storage.read(own_trust.keys)}
    theirs = [found for number, token in enumerate(tokens, 1) if (found := _head(token, ours, number)) is not None]
    signed = await storage.read(signed_heads)
    now = await log.check(storage, [*signed, *theirs])
    lines = [f"The log is whole: {now.size:,} entries, with the {len(signed):,} heads that were signed here."]
    if tokens:
        lines.append(f"It has all {len(theirs):,} heads that were given.")
    newest = await storage.read(newest_signed)
    if newest is not None and at - newest.at > STALE:
        lines.append(f"STALE: its newest signed head is of {_when(newest.at)} UTC. Others see that it stands still: does the service run?")
    return [*lines, f"Its head: {now.size} {base64url.encode(now.digest)}"]


def _read(name: str) -> list[str]:
    try:
        with Path(name).open("rb") as stream:
            text = stream.read(_MAX_FILE + 1)
    except OSError as error:
        raise ConfigError(f"{name} cannot be read: {error.strerror}", where="heads") from error
    if len(text) > _MAX_FILE:
        raise ConfigError(f"{name} is longer than {_MAX_FILE:,} bytes", where="heads")
    return text.decode("utf-8", "replace").split()


def _head(token: str, ours: set[str], number: int) -> LogHead | None:
    """The head in a receipt or a signed head, by whichever of our keys; ``None`` in a receipt that names none."""
    try:
        parsed = jwt.parse_jwt(token, max_bytes=MAX_RECEIPT)
        typ = str(parsed.header.get("typ"))
        if typ != TYP and typ not in TYPS.values():
            raise WrongTyp("this is neither a receipt nor the head of a log")
        leaf = load_certificate(parse_x5c(parsed.header.get("x5c"), "/x5c")[0])
        if base64url.encode(thumbprint(leaf.public)) not in ours:
            raise Untrusted("no key of this service signed it")
        verify_jws(parsed.jws, leaf.public, typ=typ)
        return peek_receipt(token).log_head if typ == TYP else peek_log_head(token).head
    except VcError as error:
        raise error.within(f"/{number}") from error.__cause__


async def _show(storage: Storage, arguments: argparse.Namespace, _at: int) -> list[str]:
    return [await export(storage)] if arguments.json else await show(storage, count=arguments.count)


async def _verify(storage: Storage, arguments: argparse.Namespace, at: int) -> list[str]:
    return await verify(storage, arguments.heads, at=at)


COMMANDS: Final[Mapping[str, Callable[[Storage, argparse.Namespace, int], Awaitable[list[str]]]]] = MappingProxyType(
    {"show": _show, "verify": _verify}
)
"""By what ``shared.terminal.add_log`` names them; each gives the lines that it tells; the number is now."""
