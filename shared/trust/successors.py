"""Who has taken over from whom, by what all superiors in pinned federations publish (``succession``; domain sheet C24).

A succession counts while every superior that speaks of the outgoing body, or has known its keys, publishes that it hands over to this
successor: a rogue one can hold it up, and cannot make one up. The successor's key is one that every superior knows which speaks of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ..errors import PurposeNotCarried, Untrusted, VcError
from ..keys import Role
from .snapshot import KeyHistory, KeyState
from .statements import AHEAD
from .succession import Succession, check_succession
from .superiors import Word

MAX_LINE: Final = 8  # bodies that take over one after the other
Parties = tuple[str, str]
"""The outgoing body and its successor."""


class Successors:
    """A view over verified words, judged once. ``faults`` are successions that are published and do not count, by both parties."""

    def __init__(self, words: Sequence[Word]) -> None:
        self._published: dict[Parties, list[tuple[Word, Succession]]] = {}
        for word in words:
            for parties, each in word.successions.items():
                self._published.setdefault(parties, []).append((word, each))
        self._words = words if self._published else ()
        self._at = {each.path: each for each in self._words}
        spoken = [(word, _spoken_of(word)) for word in self._words]
        bodies = {body for parties in self._published for body in parties}
        self._knowing = {body: [word for word, known in spoken if body in known] for body in bodies}
        self.faults: dict[Parties, VcError] = {}
        self._from: dict[str, list[tuple[Word, Succession]]] = {}
        self._to: dict[str, list[tuple[Word, Succession]]] = {}
        for word, each in self._judged():
            self._from.setdefault(each.outgoing, []).append((word, each))
            self._to.setdefault(each.successor, []).append((word, each))

    def _judged(self) -> Iterator[tuple[Word, Succession]]:
        for parties, told in self._published.items():
            try:
                yield max((self._judge(word, each) for word, each in told), key=lambda each: each[1].iat)
            except VcError as error:
                self.faults[parties] = error

    def _judge(self, word: Word, succession: Succession) -> tuple[Word, Succession]:
        parties = succession.outgoing, succession.successor
        if word not in self._knowing[succession.outgoing]:
            raise Untrusted("it is published by nobody who speaks of the outgoing body")
        self._check_allowed(word, succession.outgoing)
        if any(parties not in each.successions for each in self._knowing[succession.outgoing]):
            raise Untrusted("another superior speaks of the outgoing body, and does not say that this one takes over")
        at = max(succession.iat, succession.accepted_at)  # whether that is in the future depends on who asks (``_begun``)
        check_succession(succession, word.entity, self._key, at=at)
        return word, succession

    def _check_allowed(self, word: Word, entity: str) -> None:
        """``Untrusted`` where one of those above a superior forbids that name below it (section 6.2): who took over is for others to say."""
        below: tuple[str, ...] = (entity,)
        for length in range(len(word.path) - 1, 0, -1):
            below = (*below, word.path[length])
            limits = self._at[word.path[:length]].about[word.path[length]].constraints
            if limits is not None:
                limits.check_path(below)

    def _key(self, entity: str, name: str) -> KeyHistory | None:
        """By the word of every superior that speaks of the body, or did, and by its own, the worst first; ``None`` where one does not know it."""
        speaking = [each for each in self._words if entity in each.about or entity == each.entity] or self._knowing[entity]
        told = [each.snapshot.keys.get(name) for each in speaking]
        known = [each for each in told if each is not None]
        if not known or len(known) < len(told):
            return None
        return min(known, key=lambda each: (each.state is not KeyState.COMPROMISED, each.until is None, each.until))

    # --- asked ---

    def counting(self, at: int) -> Iterator[tuple[Succession, int]]:
        """All that count at ``at`` or will later, each with when the word that publishes it runs out."""
        for told in self._from.values():
            for word, each in told:
                if at < word.snapshot.next_update:
                    yield each, word.snapshot.next_update

    def begun(self, at: int) -> Iterator[Succession]:
        """All that count at ``at``."""
        for entity in self._from:
            yield from _begun(self._from, entity, at)

    def successor(self, entity: str, at: int, *, vct: str | None = None) -> Succession | None:
        """Who took over from ``entity``: with ``vct`` its documents of that type, else all of it. Where two claim the same, nobody."""
        found = [each for each in _begun(self._from, entity, at) if (each.vcts is None if vct is None else each.covers(vct))]
        nearest = [each for each in found if each.vcts is not None] or found
        return nearest[0] if len(nearest) == 1 else None

    def line(self, entity: str, at: int, *, vct: str | None = None) -> tuple[Succession, ...]:
        """All who took over, one after the other; the last one keeps it now. Empty where nobody did.

        ``Untrusted`` for one that comes back to where it was, or has more than eight.
        """
        found: list[Succession] = []
        while (each := self.successor(found[-1].successor if found else entity, at, vct=vct)) is not None:
            if each.successor in {entity, *(one.successor for one in found)}:
                raise Untrusted("bodies take over from each other in a circle")
            if len(found) >= MAX_LINE:
                raise Untrusted(f"more than {MAX_LINE} bodies took over one after the other")
            found.append(each)
        return tuple(found)

    def is_over(self, entity: str, at: int) -> bool:
        """Whether another took over all of ``entity``: it may be gone, and say nothing of itself any more."""
        return any(each.vcts is None for each in _begun(self._from, entity, at))

    def predecessors(self, entity: str, at: int) -> tuple[Succession, ...]:
        """From whom ``entity`` took over, itself."""
        return tuple(_begun(self._to, entity, at))

    def inherited(self, entity: str, at: int) -> tuple[Succession, ...]:
        """All by which ``entity`` came to keep the records of others, its own ones first: those that it took over, and whom these had taken over."""
        found: dict[Parties, Succession] = {}
        bodies = [entity]
        while bodies:
            told = {(each.outgoing, each.successor): each for body in bodies for each in self.predecessors(body, at)}
            fresh = {parties: each for parties, each in told.items() if parties not in found and each.outgoing != entity}
            found |= fresh
            bodies = [outgoing for outgoing, _ in fresh]
        return tuple(found.values())

    def check_use(self, entity: str, outgoing: str, use: str, at: int) -> tuple[Succession, ...]:
        """The way on which ``entity`` came to go on with that use of ``outgoing``, the latest first.

        ``PurposeNotCarried`` where it did not take over from it, directly or through others, or the use was left behind on the way.
        """
        ways: dict[str, tuple[Succession, ...]] = {entity: ()}
        for _ in range(MAX_LINE):
            reached = [(*way, each) for body, way in ways.items() for each in self.predecessors(body, at) if each.carries(use)]
            ways |= {way[-1].outgoing: way for way in reached if way[-1].outgoing not in ways}
        if outgoing == entity or outgoing not in ways:
            raise PurposeNotCarried("this purpose of the body that came before was not handed over to this one")
        return ways[outgoing]


def _begun(known: Mapping[str, Sequence[tuple[Word, Succession]]], entity: str, at: int) -> Iterator[Succession]:
    """Those that count at ``at``: published by a superior whose word has not run out, and begun."""
    for word, each in known.get(entity, ()):
        if at < word.snapshot.next_update and max(each.iat, each.accepted_at) <= at + AHEAD and each.since <= at:
            yield each


def _spoken_of(word: Word) -> set[str]:
    """The other bodies that a superior speaks of, or of which it knows keys with which they spoke."""
    known = {each.entity for each in word.snapshot.keys.values() if each.role is Role.FEDERATION}
    return (known | word.about.keys()) - {word.entity}
