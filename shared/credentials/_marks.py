"""Marks that tie documents together: of one instrument (``_joint``), or an attorney's to the donor's (``_reports``).

Whoever were shown one would know every other document with it, so that each is shown for what it is for and nothing else (S22, S26). A form
that can leave nothing out of a document holds none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from . import _joint, _reports
from ._claim import ClaimPath
from ._model import CredentialType

MARKS: Final[tuple[ClaimPath, ...]] = (_reports.TAG, _reports.SECRET, _joint.TAG, _joint.NUMBER)


def marks_of(kind: CredentialType) -> tuple[ClaimPath, ...]:
    """Where documents of this kind hold them."""
    return tuple(path for path in MARKS if kind.claim(path) is not None)


def without_marks(kind: CredentialType, claims: Mapping[str, Any]) -> dict[str, Any]:
    """What a document says to people."""
    names = {path[0] for path in marks_of(kind)}
    return {name: value for name, value in claims.items() if name not in names}
