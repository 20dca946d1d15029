"""Permissions that a holder gave, as closed frozen types. Stored sealed (``keep.Vault``); instants are seconds since the epoch."""

from __future__ import annotations

from typing import Literal

import msgspec

from wallet.entries import Words
from wallet.sessions import Copy

State = Literal["sent", "in-force", "withdrawing", "withdrawn", "used-up", "over"]


class Permitted(msgspec.Struct, frozen=True, kw_only=True):
    """That ``entity`` may tell ``recipient`` something. ``copy`` is the copy that was shown with it: its key alone withdraws it.

    ``state`` is ``sent`` while nobody knows whether it arrived, ``withdrawing`` while its end was not heard yet: ``ask`` is what its holder
    signed at ``asked_at`` to take it back. ``presentation`` and ``nonce`` are what receipts have to be for; ``receipts`` are those that came, one a use, and ``problem`` is what is wrong with one.
    """

    at: int
    permission: str
    entity: str
    name: str
    recipient: str
    statement: tuple[Words, ...]
    expires: str
    max_uses: int
    withdraw_at: str
    document: str
    format: str
    copy: Copy
    nonce: str
    state: State
    presentation: bytes = b""
    ask: bytes = b""
    asked_at: int = 0
    withdrawn_at: int = 0
    receipts: tuple[str, ...] = ()
    problem: str = ""
    next_at: int = 0
