"""What is served here: kinds of document, and for each the uses that it is asked for. A use is a ready question of a kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from shared.credentials import ClaimPath, CredentialType, ReadyQuery, all_types
from shared.credentials._joint import TOGETHER
from shared.errors import ConfigError
from shared.trust.relying_party import Want

_DIED: Final[ClaimPath] = ("death_date", "value")
DIED_BY, WHOLE_DAY = "died_by", "full_date"
"""What the rules of a kind of document are told where the date of a death matters."""


@dataclass(frozen=True, slots=True)
class Use:
    """One ready question, with the kind of document that it is about."""

    type: CredentialType
    query: ReadyQuery

    def beside_others(self) -> Use:
        """The same where other kinds of document are asked for at once: also by whom it is held, so that this can be compared."""
        asked = tuple(dict.fromkeys((*self.query.paths, *self.type.holder_paths)))
        optional = tuple(path for path in self.query.optional if path not in asked)
        return replace(self, query=replace(self.query, paths=asked, optional=optional))

    def asks_date(self) -> bool:
        """Whether it asks when somebody died, of a kind of document whose rules answer questions about that day."""
        return _DIED in self.query.paths and _reads(self.type.uses, DIED_BY) and _reads(self.type.uses, WHOLE_DAY)

    def labels(self, paths: Iterable[ClaimPath], locale: str = "en") -> list[str]:
        """The kind's own words for details, each once."""
        found = (self.type.claim(path) for path in paths)
        return list(dict.fromkeys(claim.label.in_(locale) for claim in found if claim is not None))


def _reads(rules: Any, name: str) -> bool:
    """Whether any of these rules is told ``name`` of the use."""
    if isinstance(rules, Mapping):
        return any(_reads(each, name) for each in rules.values())
    return isinstance(rules, list | tuple) and ([*rules] == ["use", name] or any(_reads(each, name) for each in rules))


def wants_of(use: Use, *, by_code: bool = False) -> Want:
    """What a use asks for by groups, as a challenge says it: a group is shown whole, whichever of its details is asked for.

    A wallet that is given a code reads only what is registered (``by_code``): then what that needs beside is taken too.
    """
    required = _groups(use.type, use.query.paths)
    return Want(
        vct=use.type.vct_int,
        required=required,
        optional=tuple(
            number for number in _groups(use.type, use.type.welcome(use.query) if by_code else use.query.optional) if number not in required
        ),
    )


def _groups(kind: CredentialType, paths: Iterable[ClaimPath]) -> tuple[int, ...]:
    """Numbers of the groups that ``paths`` lie in; what is always in clear lies in none."""
    numbers = {group.id: group.cwt for group in kind.groups}
    claims = (kind.claim(path) for path in paths)
    return tuple(sorted({numbers[claim.group] for claim in claims if claim is not None and numbers[claim.group]}))


def served(types: Iterable[CredentialType], purposes: Iterable[str] = ()) -> list[Use]:
    """The ready questions of ``types``, or of them those named in ``purposes``, with what asks the same of several who act together."""
    return among((Use(each, query) for each in types for query in each.queries), purposes)


def among(uses: Iterable[Use], purposes: Iterable[str]) -> list[Use]:
    """Those named in ``purposes``, with what asks the same of several who act together; all where none is named."""
    wanted = frozenset(purposes)
    return [use for use in uses if not wanted or {use.query.id, alone(use.query.id)} & wanted]


def alone(query_id: str) -> str:
    """The name of the question that asks the same of one person."""
    return query_id.removesuffix(TOGETHER)


def chosen_types(names: Iterable[str]) -> Mapping[str, CredentialType]:
    """The installed kinds of document, or those named, by ``vct``; ``ConfigError`` for a name that is not installed."""
    wanted = frozenset(names)
    unknown = wanted - {each.id for each in all_types().values()}
    if unknown:
        raise ConfigError(f"unknown kinds of document: {', '.join(sorted(unknown))}", where="types")
    return MappingProxyType({vct: each for vct, each in all_types().items() if not wanted or each.id in wanted})
