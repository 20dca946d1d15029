"""What was learnt from status lists before, so that nobody can take it back (S17, S19). A pure value: its owner keeps it.

* A list older than one already seen says nothing, or an old "valid" would return.
* INVALID once seen is final, whatever a later or stapled list says.
* Two lists with one address and one ``iat`` but other words are evidence against their issuer, and neither is believed. Words are the
  values: the JWT and the CWT of one version are one statement, however each was compressed and signed.

All of this is kept by issuer and address together: what one trusted issuer says about an address of another is no word of that other's.

Two memories join (``merge``) in any order and any number of times to the same dates and cancellations, so several processes may learn
side by side; a contradiction becomes evidence where its two sides meet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from ..codec import base64url
from ..codec.reader import get_int, get_object, get_objects, get_str, get_strings, pointer
from ..errors import Malformed, StatusUnknown

LEEWAY = 120  # seconds: documents pass for a minute beyond their end (``shared.jose.jwt.check_times``)
MAX_EQUIVOCATIONS = 64
MAX_EVIDENCE = 2  # tokens kept of one equivocation: two are proof
MAX_PROOF = 100_000  # characters of one of them: of a larger list only the digests are kept
MAX_DIGESTS = 8  # of one equivocation
MAX_LISTS = 30_000  # in all: more of them would be more than can be read again
Name = tuple[str, str]  # the issuer's identifier, the list's address
Entry = tuple[str, str, int]  # likewise, and an index or an ``iat``


class SignedList(Protocol):
    """A verified list, of either kind: its address, its date, what it said, and itself as proof."""

    @property
    def uri(self) -> str: ...
    @property
    def iat(self) -> int: ...
    @property
    def said(self) -> bytes: ...
    @property
    def text(self) -> str: ...


@dataclass(frozen=True, slots=True, order=True)
class Seen:
    """The newest verified version of a list. ``said`` is the digest of its values, empty where only its date is known."""

    iat: int
    said: bytes

    def contradicts(self, other: Seen) -> bool:
        """Two statements of one second."""
        return self.iat == other.iat and self.said != other.said and bool(self.said and other.said)


@dataclass(frozen=True, slots=True)
class Equivocation:
    """Several statements of ``issuer`` under one ``uri`` and ``iat``; ``tokens`` are those that were at hand, as signed proof (their
    ``text``).
    """

    issuer: str
    uri: str
    iat: int
    digests: frozenset[bytes]
    tokens: frozenset[str] = frozenset()

    @property
    def entry(self) -> Entry:
        return self.issuer, self.uri, self.iat

    def join(self, other: Equivocation) -> Equivocation:
        """Both sides' evidence about the same entry."""
        tokens = sorted(self.tokens | other.tokens)[:MAX_EVIDENCE]
        return replace(self, digests=frozenset(sorted(self.digests | other.digests)[:MAX_DIGESTS]), tokens=frozenset(tokens))


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusMemory:
    """``invalid`` holds the second after which a document is past its own end, so that its entry may be forgotten."""

    lists: Mapping[Name, Seen] = field(default_factory=dict)
    invalid: Mapping[Entry, int] = field(default_factory=dict)
    equivocations: Mapping[Entry, Equivocation] = field(default_factory=dict)

    def check(self, issuer: str, token: SignedList) -> None:
        """``StatusUnknown`` for a list that was overtaken, or whose issuer said two things at once."""
        self.check_newest(issuer, token.uri, token.iat)
        seen = self.lists.get((issuer, token.uri))
        contradicts = seen is not None and seen.contradicts(Seen(token.iat, token.said))
        if contradicts or (issuer, token.uri, token.iat) in self.equivocations:
            raise StatusUnknown("the issuer signed two different status lists for the same second", where="/iat")

    def check_newest(self, issuer: str, uri: str, iat: int) -> None:
        """``StatusUnknown`` for a word about ``uri`` that is older than a list seen before."""
        seen = self.lists.get((issuer, uri))
        if seen is not None and iat < seen.iat:
            raise StatusUnknown("a newer version of this status list was seen before", where="/iat")

    def lessons(self, issuer: str, *tokens: SignedList) -> StatusMemory:
        """What ``tokens``, for which ``issuer`` vouches, teach beyond this memory: their dates, and the evidence that they give."""
        known: dict[Name, Seen] = {}
        equivocations: dict[Entry, Equivocation] = {}
        for token in tokens:
            name = issuer, token.uri
            seen, new = known.get(name, self.lists.get(name)), Seen(token.iat, token.said)
            if seen is not None and seen.contradicts(new):
                same = [each.text for each in tokens if (each.uri, each.iat) == (token.uri, token.iat)]
                proof = frozenset(each for each in same if len(each) <= MAX_PROOF)
                found = Equivocation(issuer, token.uri, token.iat, frozenset({seen.said, new.said}), proof)
                equivocations[found.entry] = equivocations.get(found.entry, found).join(found)
            if seen is None or new > seen:
                known[name] = new
        return StatusMemory(lists=known, equivocations=equivocations)

    def learn(self, issuer: str, *tokens: SignedList) -> StatusMemory:
        """What is known with ``tokens`` of ``issuer`` seen."""
        return self.merge(self.lessons(issuer, *tokens))

    def learn_invalid(self, issuer: str, uri: str, idx: int, *, until: int) -> StatusMemory:
        """With entry ``idx`` seen as INVALID."""
        return self.merge(StatusMemory(invalid={(issuer, uri, idx): until}))

    def merge(self, other: StatusMemory) -> StatusMemory:
        """What both know together."""
        if not (other.lists or other.invalid or other.equivocations):
            return self
        equivocations = dict(self.equivocations)
        for proof in (*other.equivocations.values(), *_contradictions(self.lists, other.lists)):
            equivocations[proof.entry] = equivocations.get(proof.entry, proof).join(proof)
        newest = sorted(equivocations.items(), key=lambda each: (each[1].iat, each[0]))[-MAX_EQUIVOCATIONS:]
        return StatusMemory(
            lists=_latest(self.lists, other.lists),
            invalid={entry: max(self.invalid.get(entry, 0), other.invalid.get(entry, 0)) for entry in {**self.invalid, **other.invalid}},
            equivocations=dict(newest),
        )

    def forget(self, at: int) -> StatusMemory:
        """Without the entries of documents that have ended on their own, by the clock of whoever is a little behind too."""
        return replace(self, invalid={entry: until for entry, until in self.invalid.items() if until + LEEWAY > at})


def _latest(one: Mapping[Name, Seen], other: Mapping[Name, Seen]) -> dict[Name, Seen]:
    """Of both. Whoever names other lists each hour loses what was known of its own oldest ones, and only then takes room from others."""
    nothing = Seen(-1, b"")
    found = {name: max(one.get(name, nothing), other.get(name, nothing)) for name in {**one, **other}}
    if len(found) <= MAX_LISTS:
        return found
    of: dict[str, list[Name]] = {}
    for name in sorted(found, key=lambda each: (found[each], each), reverse=True):
        of.setdefault(name[0], []).append(name)
    turns = sorted((turn, name) for names in of.values() for turn, name in enumerate(names))
    return {name: found[name] for _, name in turns[:MAX_LISTS]}


def _contradictions(one: Mapping[Name, Seen], other: Mapping[Name, Seen]) -> list[Equivocation]:
    both = ((name, one[name], other[name]) for name in one.keys() & other.keys())
    return [Equivocation(*name, a.iat, frozenset({a.said, b.said})) for name, a, b in both if a.contradicts(b)]


def render_statuses(memory: StatusMemory) -> dict[str, Any]:
    """A JSON object that ``parse_statuses`` reads back to the same value; lists and entries by issuer, then address."""
    lists: dict[str, dict[str, Any]] = {}
    for (issuer, uri), seen in sorted(memory.lists.items()):
        lists.setdefault(issuer, {})[uri] = {"iat": seen.iat, "said": base64url.encode(seen.said)}
    invalid: dict[str, dict[str, dict[str, int]]] = {}
    for (issuer, uri, idx), until in sorted(memory.invalid.items()):
        invalid.setdefault(issuer, {}).setdefault(uri, {})[str(idx)] = until
    return {"lists": lists, "invalid": invalid, "equivocations": [_render_equivocation(each) for each in memory.equivocations.values()]}


def _render_equivocation(each: Equivocation) -> dict[str, Any]:
    return {
        "issuer": each.issuer,
        "uri": each.uri,
        "iat": each.iat,
        "digests": sorted(map(base64url.encode, each.digests)),
        "tokens": sorted(each.tokens),
    }


def parse_statuses(obj: Mapping[str, Any], where: str = "") -> StatusMemory:
    """``Malformed`` with a pointer unless ``obj`` has the form that ``render_statuses`` writes."""
    lists = {name: _parse_seen(each, place) for name, each, place in _by_name(obj, "lists", where)}
    invalid = {
        (*name, _parse_index(idx, pointer(place, idx))): get_int(each, idx, place)
        for name, each, place in _by_name(obj, "invalid", where)
        for idx in each
    }
    proofs = get_objects(obj, "equivocations", where, max_items=MAX_EQUIVOCATIONS)
    found = [_parse_equivocation(each, f"{where}/equivocations/{index}") for index, each in enumerate(proofs)]
    return StatusMemory(lists=lists, invalid=invalid, equivocations={each.entry: each for each in found})


def _by_name(obj: Mapping[str, Any], member: str, where: str) -> Iterator[tuple[Name, dict[str, Any], str]]:
    """The objects two levels down, each with its issuer, its address and its pointer."""
    issuers = get_object(obj, member, where)
    for issuer in issuers:
        place = pointer(pointer(where, member), issuer)
        lists = get_object(issuers, issuer, pointer(where, member))
        for uri in lists:
            yield (issuer, uri), get_object(lists, uri, place), pointer(place, uri)


def _parse_seen(obj: Mapping[str, Any], where: str) -> Seen:
    """What version 0.1 wrote had the digest of something else: its dates count, and no more."""
    said = "" if "digest" in obj else get_str(obj, "said", where, min_length=0)
    return Seen(get_int(obj, "iat", where), base64url.decode(said, where=f"{where}/said"))


def _parse_index(text: str, where: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16) or (text[0] == "0" and text != "0"):
        raise Malformed("a whole number is demanded here", where=where)
    return int(text)


def _parse_equivocation(obj: Mapping[str, Any], where: str) -> Equivocation:
    digests = get_strings(obj, "digests", where, min_items=2)
    return Equivocation(
        get_str(obj, "issuer", where),
        get_str(obj, "uri", where),
        get_int(obj, "iat", where),
        frozenset(base64url.decode(each, where=f"{where}/digests/{index}") for index, each in enumerate(digests)),
        frozenset(get_strings(obj, "tokens", where, max_items=MAX_EVIDENCE)),
    )
