"""A locked link as its wallet keeps it (``wallet.locking``)."""

from __future__ import annotations

import msgspec


class LockedLink(msgspec.Struct, frozen=True, kw_only=True):
    """Around a copy made out to ``entity``. The words that open it were shown once and are not kept.

    ``token`` is the sealed link, to be saved or sent; for a view that the service shows it is empty, and ``view`` is the view's name.
    """

    at: int
    copy: str
    entity: str
    name: str
    expires_at: int
    token: str = ""
    view: str = ""
    withdrawn_at: int = 0
