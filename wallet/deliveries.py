"""Copies whose keys lie on a phone: the states of one batch of them, from key proofs to the phone's own keeping."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from shared.errors import Conflict
from shared.openid4vci import Configuration, Metadata
from wallet.check import type_offered
from wallet.sessions import CopyLine, Document

FORMAT = "dc+sd-cwt"


class Told(StrEnum):
    """Whether the issuer knows that copies are lost."""

    HEARD = "heard"
    LATER = "later"  # it could not be told; asked again by the clock
    NEVER = "never"  # it cannot be told: the copies count until they run out


class Begun(msgspec.Struct, frozen=True, kw_only=True, tag="begun"):
    """The phone was told what its key proofs must say. ``nonce`` is the issuer's, ``count`` how many copies it makes at once."""

    configuration: str
    nonce: str
    count: int


class Received(msgspec.Struct, frozen=True, kw_only=True, tag="received"):
    """The copies are here, checked, and wait for the phone to keep them. None of them can be shown without the phone's keys."""

    wires: tuple[str, ...]
    issuer_key: dict[str, Any]
    issuer_name: str
    lines: tuple[CopyLine, ...]
    notification_id: str | None
    access_token: str
    renew_at: int
    token_type: str = "Bearer"  # noqa: S105 - the name of a kind


class OnPhone(msgspec.Struct, frozen=True, kw_only=True, tag="on-phone"):
    """The phone keeps them; nothing of them is left here but what their status is looked up by.

    ``staples`` are the issuer's latest words about each of them (status assertions), ``staples_at`` when the next are due.
    """

    lines: tuple[CopyLine, ...]
    notification_id: str | None
    renew_at: int
    staples: tuple[bytes, ...] = ()
    staples_at: int = 0


class Lost(msgspec.Struct, frozen=True, kw_only=True, tag="lost"):
    """The phone has lost them, and the issuer has not heard it yet. ``until`` is when the last of them runs out, 0 if nobody noted it."""

    notification_id: str
    until: int = 0


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One batch of copies of one document for one phone. ``phone`` is a random name that the phone gave itself."""

    document: str
    phone: str
    at: int
    state: Begun | Received | OnPhone | Lost


def configuration_of(metadata: Metadata, document: Document) -> Configuration:
    """The issuer's configuration of this type that is small enough for square codes; ``Conflict`` if it has none."""
    for configuration in metadata.issuer.configurations.values():
        if configuration.format == FORMAT and configuration.vct == document.vct and type_offered(configuration) == document.type:
            return configuration
    raise Conflict("the office of this document makes no copies for phones")
