"""What is served here: kinds of document, and for each the uses that it is asked for. A use is a ready question of a kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shared.credentials import ClaimPath, CredentialType, ReadyQuery, all_types
from shared.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Use:
    """One ready question, with the kind of document that it is about."""

    type: CredentialType
    query: ReadyQuery

    def labels(self, paths: Iterable[ClaimPath], locale: str = "en") -> list[str]:
        """The kind's own words for details, each once."""
        found = (self.type.claim(path) for path in paths)
        return list(dict.fromkeys(claim.label.in_(locale) for claim in found if claim is not None))


def served(types: Iterable[CredentialType], purposes: Iterable[str] = ()) -> list[Use]:
    """The ready questions of ``types``, or of them those named in ``purposes``."""
    wanted = frozenset(purposes)
    return [Use(each, query) for each in types for query in each.queries if not wanted or query.id in wanted]


def chosen_types(names: Iterable[str]) -> Mapping[str, CredentialType]:
    """The installed kinds of document, or those named, by ``vct``; ``ConfigError`` for a name that is not installed."""
    wanted = frozenset(names)
    unknown = wanted - {each.id for each in all_types().values()}
    if unknown:
        raise ConfigError(f"unknown kinds of document: {', '.join(sorted(unknown))}", where="types")
    return MappingProxyType({vct: each for vct, each in all_types().items() if not wanted or each.id in wanted})
