"""Checking packs of another installation, fetched on a timer: with its ETag, piece by piece, so that what broke off goes on where it stopped.

The address is a setting; nothing about any presentation is in the request, and the clock alone decides when it is made (security rule S21).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from shared.errors import Malformed, TooLarge, Unavailable, VcError
from shared.flow import Fetch, Fetched
from shared.storage import Tx
from shared.trust.bundle import MAX_BYTES
from shared.urls import check_https
from verifier import applying
from verifier.applying import Taken
from verifier.desk import Desk
from verifier.records import packs
from verifier.records.packs import Download
from verifier.rounds import Fetching

PIECE: Final = 1 << 20
"""Bytes that are asked for at once: the most that is lost when a connection breaks."""
MOST: Final = 128
"""Requests at a time, twice what the largest pack needs: whoever serves crumbs, or nothing again and again, holds nothing up."""
SOON: Final = 300
MEDIA_TYPE: Final = "application/vnd.muniment.trust-bundle+json"
_RANGE = re.compile(r"bytes (\d{1,12})-(\d{1,12})/(\d{1,12})")


async def is_due(desk: Desk) -> bool:
    """Whether it is time to ask for a newer pack."""
    url = desk.settings.pack_url
    if not url:
        return False
    known = await desk.storage.read(lambda tx: packs.download(tx, url))
    every = desk.settings.pack_hours * 3_600
    return known.tried_at + (min(every, SOON) if known.fault or known.etag else every) <= desk.clock()


async def fetch(desk: Desk, fetching: Fetching) -> Taken | None:
    """Fetch and apply what is newest at ``pack_url``; ``None`` if that is known already. What came of it is kept for the page."""
    url = check_https(desk.settings.pack_url, plain_http=desk.plain_http)
    try:
        data, etag = await _fetch(desk, fetching, url)
        taken = None if data is None else await applying.apply(desk, data, actor="timer")
    except VcError as error:
        await _note(desk, url, fault=error.detail)
        raise
    await _note(desk, url, fault="", done=etag)
    return taken


async def _note(desk: Desk, url: str, *, fault: str, done: str | None = None) -> None:
    at = desk.clock()

    async def unit(tx: Tx) -> None:
        known = await packs.download(tx, url)
        if done is not None:
            await packs.drop_pieces(tx, url)
            known = replace(known, done_etag=done, etag="")
        await packs.keep_download(tx, replace(known, tried_at=at, fault=fault))

    await desk.storage.write(unit, point="note-download")


async def _fetch(desk: Desk, fetching: Fetching, url: str) -> tuple[bytes | None, str]:
    """The whole pack and its ETag; no bytes if it is the one that was applied last."""
    known, begun = await desk.storage.read(lambda tx: _begun(tx, url))
    for _ in range(MOST):
        got = await fetching(Fetch(url=url, headers=_headers(known, len(begun)), max_bytes=MAX_BYTES))
        etag = _etag(got.headers)
        if got.status == 304:
            return None, known.done_etag
        if got.status == 200:
            return got.body, etag
        if got.status == 416 and begun:  # what was begun is no beginning of what is there now
            known, begun = await _start_again(desk, known)
            continue
        start, total = _place(got)
        if got.status != 206 or not etag or (begun and etag != known.etag) or start != len(begun):
            raise Unavailable("the address of checking packs answers with something else than what was asked for")
        known = replace(known, etag=etag)
        await _keep(desk, known, start, got.body)
        begun += got.body
        if len(begun) == total:
            return begun, etag
    raise Unavailable("the checking pack comes in too many pieces; the next visit goes on from here")


async def _begun(tx: Tx, url: str) -> tuple[Download, bytes]:
    return await packs.download(tx, url), await packs.pieces(tx, url)


async def _keep(desk: Desk, known: Download, start: int, piece: bytes) -> None:
    async def unit(tx: Tx) -> None:
        await packs.keep_download(tx, known)
        await packs.keep_piece(tx, known.url, start, piece)

    await desk.storage.write(unit, point="keep-piece")


async def _start_again(desk: Desk, known: Download) -> tuple[Download, bytes]:
    await desk.storage.write(lambda tx: packs.drop_pieces(tx, known.url), point="drop-pieces")
    return replace(known, etag=""), b""


def _headers(known: Download, have: int) -> Mapping[str, str]:
    """RFC 9110 sections 13.1.2, 13.1.5 and 14.2: a piece of the pack that was begun, or of whichever is newer than the one in use."""
    headers = {"accept": MEDIA_TYPE, "accept-encoding": "identity", "range": f"bytes={have}-{have + PIECE - 1}"}
    if have:
        return headers | {"if-range": known.etag}
    return headers | ({"if-none-match": known.done_etag} if known.done_etag else {})


def _etag(headers: Mapping[str, str]) -> str:
    """A strong one; anything else cannot say that two pieces belong together."""
    tag = headers.get("etag", "")
    return tag if len(tag) <= 200 and tag.startswith('"') else ""


def _place(got: Fetched) -> tuple[int, int]:
    """Where a piece begins, and how long the whole is (RFC 9110 section 14.4)."""
    found = _RANGE.fullmatch(got.headers.get("content-range", ""))
    if found is None:
        raise Unavailable(f"it answered {got.status}")
    start, last, total = (int(each) for each in found.groups())
    if total > MAX_BYTES:
        raise TooLarge("the checking pack is larger than any that is read here")
    if last - start + 1 != len(got.body) or last >= total:
        raise Malformed("a piece of the checking pack is not as long as it says")
    return start, total
