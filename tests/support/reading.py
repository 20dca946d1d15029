"""Reading everything: what a folder holds to its last byte, also what is written in base64url, and the pages that name no one thing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from aiohttp import web

from shared.codec import base64url
from shared.errors import Malformed

SHORT = 5
"""Texts below it occur anywhere."""
PIECE = 32
"""Bytes of a value by which it is known again, wherever the database cut it."""


def whole(directory: Path) -> bytes:
    """Every byte of every file."""
    return b"\n".join(each.read_bytes() for each in sorted(directory.rglob("*")) if each.is_file())


def clear(body: bytes, *, deep: int = 2) -> bytes:
    """With what stands in it as base64url, tokens and disclosures among it, written out."""
    found = [body]
    for piece in set(re.findall(rb"[A-Za-z0-9_-]{24,}", body)):
        try:
            plain = base64url.decode(piece.decode())
        except Malformed:
            continue
        found.append(clear(plain, deep=deep - 1) if deep > 1 else plain)
    return b"\n".join(found)


def lies_in(value: str, disk: bytes) -> bool:
    """In any of the encodings in which it could lie there."""
    return any(each in disk for each in (value.encode(), value.encode("utf-16-le"), value.upper().encode(), value.encode().hex().encode()))


def texts(value: Any) -> set[str]:
    """Every text below, however deep, that is long enough to be looked for."""
    if isinstance(value, dict):
        return {leaf for each in value.values() for leaf in texts(each)}
    if isinstance(value, list):
        return {leaf for each in value for leaf in texts(each)}
    return {value} if isinstance(value, str) and len(value) >= SHORT else set()


def pieces(values: Iterable[bytes]) -> set[bytes]:
    return {value[at : at + PIECE] for value in values for at in range(0, len(value) - PIECE + 1, PIECE)}


def left_of(gone: set[bytes], disk: bytes) -> list[int]:
    """Where on ``disk`` something of those pieces lies."""
    return [at for at in range(len(disk) - PIECE + 1) if disk[at : at + PIECE] in gone]


def open_to_all(app: web.Application) -> Iterator[str]:
    """Every path that is read without a name in it."""
    for route in app.router.routes():
        path = "" if route.resource is None else route.resource.canonical
        if route.method == "GET" and path and "{" not in path:
            yield path
