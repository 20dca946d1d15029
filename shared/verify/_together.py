"""Whether several people act together: by documents of one instrument, which are held by different people (security rule S26, ADR 0010)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..cose import thumbprint
from ..credentials import CredentialType
from ..credentials._joint import CARDINALITY, NUMBER, TAG
from ..errors import OtherInstrument
from ._model import VerifiedCredential


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What one verified document says of acting together: of which instrument it is, whose, and how many it takes.

    ``holder`` is the thumbprint (RFC 9679) of the key that showed it.
    """

    vct: str
    issuer: str
    tag: str
    number: int
    needed: int
    holder: bytes


def find_mark(credentials: Sequence[VerifiedCredential], types: Mapping[str, CredentialType]) -> Mark | None:
    """Of the first document that shows one, and says how many must act; ``None`` where none does."""
    return next((mark for each in credentials if (mark := _mark(each, types)) is not None), None)


def _mark(credential: VerifiedCredential, types: Mapping[str, CredentialType]) -> Mark | None:
    claims = credential.claims
    kind, said = types.get(claims.vct), claims.claims
    tag, number, needed = (said.get(str(name)) for (name,) in (TAG, NUMBER, CARDINALITY))
    if kind is None or kind.claim(TAG) is None or claims.holder is None:
        return None
    if not isinstance(tag, str) or type(number) is not int or type(needed) is not int:
        return None
    return Mark(vct=claims.vct, issuer=claims.issuer, tag=tag, number=number, needed=needed, holder=thumbprint(claims.holder))


def is_another(mark: Mark, before: Sequence[Mark]) -> bool:
    """Whether it is one more person of the same instrument as those ``before``, and not one of them again.

    ``OtherInstrument`` if it is of another one, or they differ in how many it takes.
    """
    if any((mark.vct, mark.issuer, mark.tag, mark.needed) != (each.vct, each.issuer, each.tag, each.needed) for each in before):
        raise OtherInstrument("it is of another instrument than the document of the first person")
    return all(mark.number != each.number and mark.holder != each.holder for each in before)
