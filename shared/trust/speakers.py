"""Whose word counts about the keys and the name of a body (ADR 0009, security rules S14 and S16).

That a superior publishes something about a body proves nothing: anybody may. It speaks for the body where its statement is signed, where the
body names it as its superior in a configuration by the key that the statement gives, and where no one above forbids it that name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..codec import base64url
from ..cose import thumbprint
from ..credentials import Text
from ..errors import VcError
from .constraints import FEDERATION_ENTITY
from .federation_anchor import FederationAnchor
from .federation_keys import FederationKey
from .snapshot import KeyHistory, worst
from .statements import EntityStatement, check_statement
from .superiors import Path, Word


class Speakers:
    """A view over verified words. Whether one speaks for a body is judged when somebody asks, and once."""

    def __init__(self, words: Sequence[Word], anchors: Iterable[FederationAnchor]) -> None:
        self._at = {each.path: each for each in words}
        self._pinned = {each.entity: each.keys for each in anchors}
        self._held: dict[tuple[Path, str], bool] = {}
        self._about: dict[str, list[Word]] = {}
        for word in words:
            for entity in (word.entity, *word.about):
                self._about.setdefault(entity, []).append(word)

    def history(
        self, entity: str, name: str, *, way: Sequence[Word] | None = None, keys: Sequence[FederationKey] = ()
    ) -> KeyHistory | None:
        """What became of a key of ``entity``, by its thumbprint (RFC 9679): its end, by whoever speaks for it, before all else.

        With ``way`` it is about the body that is known on that way down, nearest superior first, by these ``keys``: who gives another body that
        name, or takes the name of a superior of it, says nothing of this one. ``None`` asks of whoever has that name.
        """
        told = []
        for word in self._about.get(entity, ()):
            said = word.snapshot.keys.get(name)
            if said is None or said.entity != entity:
                continue
            if self._speaks(word, entity) if way is None else self._speaks_of(word, entity, way, keys):
                told.append(said)
        return worst(told) or next(iter(told), None)

    def name(self, entity: str) -> Text:
        """What a body calls itself, in both languages; its identifier where nobody who speaks for it says, or several bodies have that name."""
        newest = {each.kid: each for each in sorted(self._configurations(entity), key=lambda each: each.iat)}
        names = {(each.name, each.metadata.get(FEDERATION_ENTITY, {}).get("organization_name#cy")) for each in newest.values()}
        if len(names) != 1:
            return Text(entity, entity)
        ((english, welsh),) = names
        return Text(english, welsh if type(welsh) is str and welsh else english)

    def _configurations(self, entity: str) -> Iterator[EntityStatement]:
        for word in self._about.get(entity, ()):
            said = word.itself if word.entity == entity else word.configurations.get(entity)
            if said is not None and self._speaks(word, entity):
                yield said

    def _speaks(self, word: Word, entity: str) -> bool:
        """As itself, where it was reached over one that speaks for it, or as one of its superiors."""
        if word.entity != entity:
            return self._holds(word, entity)
        return len(word.path) == 1 or self._holds(self._at[word.path[:-1]], entity)

    def _speaks_of(self, word: Word, entity: str, way: Sequence[Word], keys: Sequence[FederationKey]) -> bool:
        """As ``_speaks``, of the body that has one of ``keys`` and is known on ``way``."""
        if any(each.path == word.path for each in way):
            return True
        if word.entity == entity:
            return _is_by(word, keys)
        same = next((each for each in way if each.entity == word.entity), None)
        if same is not None and not _is_by(word, self._keys(same)):
            return False
        return self._holds(word, entity) and _is_good(word.configurations[entity], keys)

    def _holds(self, word: Word, entity: str) -> bool:
        """Whether ``word`` is a superior's of ``entity``, by both and by all above; when that was does not matter."""
        known = word.path, entity
        if known not in self._held:
            self._held[known] = self._is_superior(word, entity)
        return self._held[known]

    def _is_superior(self, word: Word, entity: str) -> bool:
        about, said = word.about.get(entity), word.configurations.get(entity)
        if about is None or said is None or word.entity not in said.authority_hints:
            return False
        return _is_good(about, self._keys(word)) and _is_good(said, about.keys) and self._is_allowed(word, entity)

    def _is_allowed(self, word: Word, entity: str) -> bool:
        """By the constraints of everybody above (section 6.2)."""
        below: tuple[str, ...] = (entity,)
        for length in range(len(word.path), 0, -1):
            upper = self._at[word.path[:length]]
            limits = upper.about[below[-1]].constraints
            if limits is not None:
                try:
                    limits.check_path(below)
                except VcError:
                    return False
            below = (*below, upper.entity)
        return True

    def _keys(self, word: Word) -> Sequence[FederationKey]:
        """Of a superior, as the one above it knows them."""
        if len(word.path) == 1:
            return self._pinned[word.entity]
        return self._at[word.path[:-1]].about[word.entity].keys


def _is_by(word: Word, keys: Iterable[FederationKey]) -> bool:
    return word.snapshot.jws.header.get("kid") in {base64url.encode(thumbprint(each.public)) for each in keys}


def _is_good(statement: EntityStatement, keys: Sequence[FederationKey]) -> bool:
    """Whether it is signed by one of ``keys``, whenever it counts."""
    try:
        check_statement(statement, keys, at=statement.iat)
    except VcError:
        return False
    return True
