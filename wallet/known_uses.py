"""What a wallet remembers of registrations, as closed frozen types. Stored sealed (``keep.Vault``)."""

from __future__ import annotations

from typing import Final

import msgspec

REGISTERED: Final = "registered"
OTHER_USE: Final = "other-use"
UNREGISTERED: Final = "unregistered"


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """How a request stood to the register when it was read. ``use`` is what counts for it, in CBOR (docs/ovp.md section 5.1).

    ``standing`` is ``registered``, ``other-use`` (the organisation is registered, and not for this) or ``unregistered``; ``registrar``
    is who registered it, by language.
    """

    standing: str
    registrar: dict[str, str] = {}
    use: bytes = b""


class KnownUse(msgspec.Struct, frozen=True, kw_only=True):
    """What an organisation had registered for one use when the holder last agreed to it, or first saw it. ``over_asked`` counts requests
    that went beyond what was registered.
    """

    entity: str
    name: str
    id: str
    use: bytes
    at: int
    over_asked: int = 0
