"""What was learnt from status lists before, so that nobody can take it back (S17, S19). A pure value: its owner keeps it.

* A list older than one already seen says nothing, or an old "valid" would return.
* INVALID once seen is final, whatever a later or stapled list says.
* Two lists with one address and one ``iat`` but other words are evidence against their issuer, and neither is believed.

Two memories join (``merge``) in any order and any number of times to the same dates and cancellations, so several processes may learn
side by side; a contradiction becomes evidence where its two sides meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..codec import base64url
from ..codec.reader import as_object, get_int, get_object, get_objects, get_str, get_strings, pointer
from ..errors import Malformed, StatusUnknown
from .token_status_list import VerifiedStatusToken

MAX_EQUIVOCATIONS = 64
MAX_EVIDENCE = 2  # tokens kept of one equivocation: two are proof
Entry = tuple[str, int]


@dataclass(frozen=True, slots=True, order=True)
class Seen:
    """The newest verified version of a list. ``digest`` is that of its signing input."""

    iat: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Equivocation:
    """Several statements under one ``uri`` and ``iat``; ``tokens`` are those that were at hand, as signed proof."""

    uri: str
    iat: int
    digests: frozenset[bytes]
    tokens: frozenset[str] = frozenset()

    def join(self, other: Equivocation) -> Equivocation:
        """Both sides' evidence about the same (uri, iat)."""
        tokens = sorted(self.tokens | other.tokens)[:MAX_EVIDENCE]
        return replace(self, digests=self.digests | other.digests, tokens=frozenset(tokens))


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusMemory:
    """``invalid`` maps (uri, idx) to the second after which the document is past its own end and the entry may be forgotten."""

    lists: Mapping[str, Seen] = field(default_factory=dict)
    invalid: Mapping[Entry, int] = field(default_factory=dict)
    equivocations: Mapping[Entry, Equivocation] = field(default_factory=dict)

    def check(self, token: VerifiedStatusToken) -> None:
        """``StatusUnknown`` for a list that was overtaken, or whose issuer said two things at once."""
        seen = self.lists.get(token.uri)
        if seen is not None and token.iat < seen.iat:
            raise StatusUnknown("a newer version of this status list was seen before", where="/iat")
        if (token.uri, token.iat) in self.equivocations or (seen is not None and seen.iat == token.iat and seen.digest != token.digest):
            raise StatusUnknown("the issuer signed two different status lists for the same second", where="/iat")

    def lessons(self, *tokens: VerifiedStatusToken) -> StatusMemory:
        """What ``tokens`` teach beyond this memory, alone: their dates, and the evidence that they give together or with it."""
        known: dict[str, Seen] = {}
        equivocations: dict[Entry, Equivocation] = {}
        for token in tokens:
            seen, new = known.get(token.uri, self.lists.get(token.uri)), Seen(token.iat, token.digest)
            if seen is not None and seen.iat == new.iat and seen.digest != new.digest:
                proof = frozenset(each.jws.token for each in tokens if (each.uri, each.iat) == (token.uri, token.iat))
                entry = Equivocation(token.uri, token.iat, frozenset({seen.digest, new.digest}), proof)
                known_proof = equivocations.get((token.uri, token.iat), entry)
                equivocations[token.uri, token.iat] = known_proof.join(entry)
            if seen is None or new > seen:
                known[token.uri] = new
        return StatusMemory(lists=known, equivocations=equivocations)

    def learn(self, *tokens: VerifiedStatusToken) -> StatusMemory:
        """What is known with ``tokens`` seen."""
        return self.merge(self.lessons(*tokens))

    def learn_invalid(self, uri: str, idx: int, *, until: int) -> StatusMemory:
        """With entry ``idx`` seen as INVALID."""
        return self.merge(StatusMemory(invalid={(uri, idx): until}))

    def merge(self, other: StatusMemory) -> StatusMemory:
        """What both know together."""
        if not (other.lists or other.invalid or other.equivocations):
            return self
        equivocations = dict(self.equivocations)
        for proof in (*other.equivocations.values(), *_contradictions(self.lists, other.lists)):
            known = equivocations.get((proof.uri, proof.iat))
            equivocations[proof.uri, proof.iat] = proof if known is None else known.join(proof)
        newest = sorted(equivocations.items(), key=lambda each: (each[0][1], each[0][0]))[-MAX_EQUIVOCATIONS:]
        return StatusMemory(
            lists={uri: max(known.get(uri, Seen(-1, b"")) for known in (self.lists, other.lists)) for uri in {**self.lists, **other.lists}},
            invalid={entry: max(self.invalid.get(entry, 0), other.invalid.get(entry, 0)) for entry in {**self.invalid, **other.invalid}},
            equivocations=dict(newest),
        )

    def forget(self, at: int) -> StatusMemory:
        """Without the entries of documents that have ended on their own."""
        return replace(self, invalid={entry: until for entry, until in self.invalid.items() if until > at})


def _contradictions(one: Mapping[str, Seen], other: Mapping[str, Seen]) -> list[Equivocation]:
    both = ((uri, one[uri], other[uri]) for uri in one.keys() & other.keys())
    return [Equivocation(uri, a.iat, frozenset({a.digest, b.digest})) for uri, a, b in both if a.iat == b.iat and a.digest != b.digest]


def render_statuses(memory: StatusMemory) -> dict[str, Any]:
    """A JSON object that ``parse_statuses`` reads back to the same value."""
    invalid: dict[str, dict[str, int]] = {}
    for (uri, idx), until in sorted(memory.invalid.items()):
        invalid.setdefault(uri, {})[str(idx)] = until
    return {
        "lists": {uri: {"iat": seen.iat, "digest": base64url.encode(seen.digest)} for uri, seen in sorted(memory.lists.items())},
        "invalid": invalid,
        "equivocations": [
            {"uri": each.uri, "iat": each.iat, "digests": sorted(map(base64url.encode, each.digests)), "tokens": sorted(each.tokens)}
            for _, each in sorted(memory.equivocations.items())
        ],
    }


def parse_statuses(obj: Mapping[str, Any], where: str = "") -> StatusMemory:
    """``Malformed`` with a pointer unless ``obj`` has the form that ``render_statuses`` writes."""
    lists = get_object(obj, "lists", where)
    invalid = get_object(obj, "invalid", where)
    proofs = get_objects(obj, "equivocations", where, max_items=MAX_EQUIVOCATIONS)
    equivocations = [_parse_equivocation(each, f"{where}/equivocations/{index}") for index, each in enumerate(proofs)]
    return StatusMemory(
        lists={
            uri: _parse_seen(as_object(each, pointer(f"{where}/lists", uri)), pointer(f"{where}/lists", uri)) for uri, each in lists.items()
        },
        invalid={entry: until for uri in invalid for entry, until in _parse_invalid(invalid, uri, f"{where}/invalid").items()},
        equivocations={(each.uri, each.iat): each for each in equivocations},
    )


def _parse_seen(obj: Mapping[str, Any], where: str) -> Seen:
    return Seen(get_int(obj, "iat", where), base64url.decode(get_str(obj, "digest", where), where=f"{where}/digest"))


def _parse_invalid(obj: Mapping[str, Any], uri: str, where: str) -> dict[Entry, int]:
    entries = get_object(obj, uri, where)
    where = pointer(where, uri)
    return {(uri, _parse_index(idx, pointer(where, idx))): get_int(entries, idx, where) for idx in entries}


def _parse_index(text: str, where: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16) or (text[0] == "0" and text != "0"):
        raise Malformed("a whole number is demanded here", where=where)
    return int(text)


def _parse_equivocation(obj: Mapping[str, Any], where: str) -> Equivocation:
    digests = get_strings(obj, "digests", where, min_items=2)
    return Equivocation(
        get_str(obj, "uri", where),
        get_int(obj, "iat", where),
        frozenset(base64url.decode(each, where=f"{where}/digests/{index}") for index, each in enumerate(digests)),
        frozenset(get_strings(obj, "tokens", where, max_items=MAX_EVIDENCE)),
    )
