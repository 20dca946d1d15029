"""Whom one would have to trust, as refusals name them: for a person who then decides about it. Nothing here trusts anybody (S17)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..errors import VcError
from ..urls import LOOPBACK, check_identifier

MADE_BY: Final = "the certificates lead to nobody who is trusted here: they are by "
ENDS_AT: Final = "the chain ends at nobody who is trusted here: at "
SPOKEN_OF: Final = "no superior in a federation that is trusted here speaks of "


@dataclass(frozen=True, slots=True)
class MissingAnchor:
    """``entity`` is the identifier of a federation's anchor, ``body`` that of one of whom no superior speaks, ``authority`` the name in a
    certificate; two of them are empty. They are a stranger's own words, as far as these can be printed.
    """

    entity: str = ""
    body: str = ""
    authority: str = ""


def missing_anchor(detail: str) -> MissingAnchor | None:
    """What the ``detail`` of an ``Untrusted`` says of it; ``None`` where no name would help."""
    if detail.startswith(MADE_BY):
        return MissingAnchor(authority="".join(char for char in detail.removeprefix(MADE_BY) if char.isprintable()))
    entity, body = _address(detail, ENDS_AT), _address(detail, SPOKEN_OF)
    return MissingAnchor(entity=entity, body=body) if entity or body else None


def _address(detail: str, words: str) -> str:
    """What follows ``words``, if it can be an identifier."""
    try:
        return check_identifier(detail.removeprefix(words), plain_http=LOOPBACK) if detail.startswith(words) else ""
    except VcError:
        return ""
