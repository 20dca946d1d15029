"""``log verify`` on the command line of a service: whether its log is whole, and is the one that others have kept heads of."""

from __future__ import annotations

from pathlib import Path

from ..codec import base64url
from ..cose import thumbprint
from ..errors import ConfigError, Untrusted, VcError, WrongTyp
from ..jose import jwt
from ..jose.jws import verify_jws
from ..log_heads import TYPS, peek_log_head
from ..receipts import MAX_RECEIPT, TYP, LogHead, peek_receipt
from ..storage import Storage
from ..x509 import load_certificate, parse_x5c
from . import log, own_trust
from .log_site import signed_heads

_MAX_FILE = 16_000_000  # bytes


async def verify(storage: Storage, file: str | None = None) -> list[str]:
    """What was found, in lines; ``HistoryRewritten`` where the log is another than it was, ``Untrusted`` for what no key of ours signed.

    ``file`` has receipts or signed heads that others kept.
    """
    tokens = [] if file is None else _read(file)
    ours = {each.thumbprint for each in await storage.read(own_trust.keys)}
    theirs = [found for number, token in enumerate(tokens, 1) if (found := _head(token, ours, number)) is not None]
    signed = await storage.read(signed_heads)
    now = await log.check(storage, [*signed, *theirs])
    lines = [f"The log is whole: {now.size:,} entries, with the {len(signed):,} heads that were signed here."]
    if tokens:
        lines.append(f"It has all {len(theirs):,} heads that were given.")
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
