"""What this organisation has recorded already, and still asks for (check T-OA-5): counted by use, and published.

A fact is that these persons were shown for this use. It is known again by a keyed digest of their names alone, which nobody can look up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from shared.codec import strict_json
from shared.credentials import ClaimPath, CredentialType
from shared.match import name_words
from shared.storage import Tx
from verifier.desk import LOG, Desk
from verifier.records import known
from verifier.sessions import Asked

_NAMES = ("given_name", "family_name")


async def fact_of(desk: Desk, asked: Asked, credentials: Sequence[Mapping[str, Any]]) -> bytes | None:
    """The key of the fact; ``credentials`` are those of a rendered verdict. ``None`` where nobody is named."""
    people = people_in(desk.types, ((each["vct"], each["claims"]) for each in credentials))
    if not people or not asked.terms.purpose_id:
        return None
    return await desk.custodian.mac(LOG, b"fact\0" + strict_json.dumps([asked.terms.purpose_id, people]))


async def count_again(tx: Tx, fact: bytes | None, purpose: str, at: int) -> None:
    """Somebody showed what was recorded here before, and still holds."""
    if fact is not None:
        await known.count(tx, fact, purpose, at)


def people_in(types: Mapping[str, CredentialType], documents: Iterable[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Everybody whom documents name, given by their kind and what they say."""
    return sorted({words for vct, claims in documents for words in _people(types.get(vct), claims)})


def everybody_in(types: Mapping[str, CredentialType], documents: Iterable[tuple[str, Mapping[str, Any]]]) -> list[list[str]] | None:
    """Each document's kind, whom it is about and who holds it. ``None`` where nobody is named, or not all whom one of such a kind can name, or not
    with their whole name.
    """
    found = []
    for vct, claims in documents:
        kind = types.get(vct)
        places = [] if kind is None else [place for place in (kind.about or kind.represents or None, kind.holder) if place is not None]
        found.append([vct, *(_name(claims, place, whole=True) for place in places)])
    return sorted(found) if all(all(each) for each in found) and any(len(each) > 1 for each in found) else None


def _people(kind: CredentialType | None, claims: Mapping[str, Any]) -> Iterator[str]:
    """Everybody whom a document names, each in one spelling."""
    if kind is None:
        return
    for below in filter(None, (kind.represents, kind.about, kind.holder)):
        if name := _name(claims, below):
            yield name


def _name(claims: Mapping[str, Any], below: ClaimPath, *, whole: bool = False) -> str:
    """In one spelling; empty where nobody is named there, or where it has to be the ``whole`` name and is not."""
    parts = [_text(claims, (*below, part)) for part in _NAMES]
    return "" if whole and not all(parts) else " ".join(name_words(" ".join(filter(None, parts))))


def _text(claims: Mapping[str, Any], path: ClaimPath) -> str:
    found: Any = claims
    for part in path:
        found = found.get(part) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else ""
