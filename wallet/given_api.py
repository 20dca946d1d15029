"""Receipts that came by hand, for a holder's own programs: a part of the JSON API (``wallet.holder_api``)."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from shared.errors import Conflict, Malformed, Missing
from shared.receipts import MAX_RECEIPT, peek_receipt
from shared.web.auth import require_session
from shared.web.openapi import Route
from wallet import given
from wallet.entries import Entry
from wallet.holder_messages import PICTURE
from wallet.means import Means
from wallet.unlocked import Unlocked


class GivenReceipt(Struct, frozen=True, forbid_unknown_fields=True):
    """The text of a receipt (`OVR1:…`, or a `receipt+jwt`), or a picture of its square code (base64). Exactly one of the two."""

    text: Annotated[str, Meta(max_length=MAX_RECEIPT)] | None = None
    picture_base64: Annotated[str, Meta(max_length=PICTURE)] | None = None


class TakenReceipt(Struct, frozen=True):
    """What it says, on which line ``seq`` of the history. With a ``problem`` it does not fit what was sent, and nothing in it is to be relied
    upon. ``provisional``: a desk without a network gave it, and its organisation has yet to confirm it.
    """

    seq: int
    provisional: bool
    decision: str
    reason_code: str
    problem: str


class GivenReceipts:
    """The handler, and what it works with."""

    def __init__(self, means: Means, unlocked: Unlocked) -> None:
        self._means = means
        self._unlocked = unlocked

    def routes(self, scope: str) -> list[Route]:
        words = "Take in a receipt that was given by hand for a copy; what does not fit is kept as that"
        return [
            Route(
                "POST", "/api/history/{seq}/receipt", self.take, body=GivenReceipt, out=TakenReceipt, scope=scope, max_body=PICTURE,
                summary=words, errors=(Missing, Conflict),
            ),
        ]  # fmt: skip

    async def take(self, request: web.Request, *, body: GivenReceipt) -> TakenReceipt:
        vault, seq = self._unlocked.get((await require_session(request)).key).vault, request.match_info["seq"]
        if not (seq.isascii() and seq.isdecimal() and len(seq) <= 12):
            raise Missing("there is no such line in this history")
        if (body.text is None) == (body.picture_base64 is None):
            raise Malformed("send the text of a receipt, or a picture of it", where="/text")
        text = await given.read_given(self._means, body.text or "", _picture(body.picture_base64))
        return told(await given.take_in(self._means, vault, int(seq), text))


def _picture(text: str | None) -> bytes | None:
    try:
        return None if text is None else base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("the picture is not base64", where="/picture_base64") from error


def told(line: Entry) -> TakenReceipt:
    """What a receipt on a line of the history says."""
    if line.provisional:
        desk = given.open_desk_receipt(line.provisional)
        return TakenReceipt(line.seq, True, desk.decision, desk.code, line.receipt_problem)
    signed = peek_receipt(line.receipt)
    return TakenReceipt(line.seq, False, signed.decision, signed.reason_code, line.receipt_problem)
