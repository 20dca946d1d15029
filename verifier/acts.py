"""What is kept, sealed, of an act that several people have to agree to (``together``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from shared.verify import Mark
from verifier.sessions import Asked, parse_terms
from verifier.settle import Opened


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One person's answer, as far as it has to be known to check it once more. ``more`` is what somebody read or saw then, ``basis`` what
    receipts for it are bound to, where that was settled before.
    """

    exchange: str
    entity: str
    terms: str
    made_by: str
    made_at: int
    expires_at: int
    at: int
    number: int
    holder: bytes
    nonce: str
    format: str
    vp_token: dict[str, tuple[str, ...]]
    bound: dict[str, str]
    key: dict[str, str]
    response_code: str
    more: dict[str, Any]
    basis: dict[str, Any] = {}

    @property
    def asked(self) -> Asked:
        return Asked(
            id=self.exchange,
            entity=self.entity,
            terms=parse_terms(self.terms),
            made_by=self.made_by,
            made_at=self.made_at,
            expires_at=self.expires_at,
        )

    @property
    def opened(self) -> Opened:
        return Opened(
            verdict={},
            receipt=None,
            response_code=self.response_code,
            vp_token=self.vp_token,
            format=self.format,
            bound=self.bound,
            key=self.key,
        )


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """The instrument, and who has answered with it so far. ``before`` are answers in whose place others by the same people came: told with the act,
    and never counted.
    """

    vct: str
    issuer: str
    tag: str
    needed: int
    parts: tuple[Part, ...] = ()
    before: tuple[Part, ...] = ()

    def marks(self) -> list[Mark]:
        return [
            Mark(vct=self.vct, issuer=self.issuer, tag=self.tag, number=each.number, needed=self.needed, holder=each.holder)
            for each in self.parts
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How many of the ``needed`` have agreed, and until when the others can."""

    agreed: int
    needed: int
    until: int
