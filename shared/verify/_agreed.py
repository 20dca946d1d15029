"""Check 9 where the holder was asked to agree to something: its hash stands in what was signed with one of the documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..codec.reader import pointer
from ..errors import NotAgreed
from ..formats import Claims
from ._model import Agreed

HASHES: Final = "transaction_data_hashes"
HASHES_ALG: Final = "transaction_data_hashes_alg"


def check_agreed(wanted: Sequence[Agreed], presented: Mapping[str, Sequence[Claims]]) -> tuple[str, ...]:
    """For each of ``wanted`` the query id of the document that agreed to it. ``NotAgreed``, also if a holder signed anything else."""
    for query_id, documents in presented.items():
        for claims in documents:
            _check_signed(wanted, query_id, claims.binding_claims)
    return tuple(_agreeing(each, presented) for each in wanted)


def _agreeing(wanted: Agreed, presented: Mapping[str, Sequence[Claims]]) -> str:
    for query_id in wanted.query_ids:
        if any(
            _fits(wanted, hashed, claims.binding_claims)
            for claims in presented.get(query_id, ())
            for hashed in _hashes(claims.binding_claims)
        ):
            return query_id
    raise NotAgreed("the holder did not agree to what was asked")


def _check_signed(wanted: Sequence[Agreed], query_id: str, signed: Mapping[str, Any]) -> None:
    for hashed in _hashes(signed):
        if not any(query_id in each.query_ids and _fits(each, hashed, signed) for each in wanted):
            raise NotAgreed("the holder agreed to something else", where=pointer(pointer("", query_id), HASHES))


def _fits(wanted: Agreed, hashed: str, signed: Mapping[str, Any]) -> bool:
    alg = signed.get(HASHES_ALG, "" if wanted.named else "sha-256")
    return type(alg) is str and wanted.hashes.get(alg) == hashed


def _hashes(signed: Mapping[str, Any]) -> list[str]:
    if HASHES not in signed:
        return []
    found = signed[HASHES]
    if type(found) is not list or not found or any(type(each) is not str for each in found):
        raise NotAgreed("what the holder agreed to is a list of hashes")
    return found
