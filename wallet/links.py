"""A locked link as its wallet keeps it (``wallet.locking``)."""

from __future__ import annotations

import msgspec


class LockedLink(msgspec.Struct, frozen=True, kw_only=True):
    """Around a copy made out to ``entity``. The words that open it were shown once and are not kept; with ``keyed`` there are none, and the
    registered key of that body opens it.

    ``token`` is the sealed link, to be saved or sent; for a view that the service shows it is empty, and ``view`` is the view's name.
    """

    at: int
    copy: str
    entity: str
    name: str
    expires_at: int
    token: str = ""
    view: str = ""
    keyed: bool = False
    withdrawn_at: int = 0
