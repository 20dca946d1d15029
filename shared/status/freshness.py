"""How old a word about a status may be, for lists and assertions alike: fresh until its ``ttl``, told "as of" its date until its end, and
after that it says nothing more. What a type of document demands beyond that, by what is at stake, is for whoever relies on it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from ..clock import DAY
from ..errors import StatusUnknown

TTL = 3600  # seconds after which something newer is asked for, where the issuer does not say
LIFETIME = 7 * DAY  # seconds; also the most that a word without an end lives
AHEAD = 60  # seconds that the issuer's clock may be ahead of ours (S19)


class Freshness(StrEnum):
    FRESH = "fresh"
    AS_OF = "as_of"
    EXPIRED = "expired"


class Dated(Protocol):
    """Anything that an issuer said about a status."""

    @property
    def iat(self) -> int: ...
    @property
    def exp(self) -> int: ...
    @property
    def ttl(self) -> int: ...


def freshness(said: Dated, *, at: int) -> Freshness:
    if at >= said.exp:
        return Freshness.EXPIRED
    return Freshness.FRESH if at - said.iat <= said.ttl else Freshness.AS_OF


def check_current(said: Dated, *, at: int) -> None:
    """``StatusUnknown`` once ``exp`` has come (Token Status List section 8.3)."""
    if freshness(said, at=at) is Freshness.EXPIRED:
        raise StatusUnknown("what the issuer last said about the status has expired", where="/exp")


def check_not_ahead(said: Dated, *, at: int) -> None:
    """``StatusUnknown`` for what is dated in the future, but for a clock that is a little ahead (S19)."""
    if said.iat > at + AHEAD:
        raise StatusUnknown("what the issuer said about the status is dated in the future", where="/iat")
