"""Credential types as data: one type is one file of this package that ends in ``TYPE: CredentialType = …``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType

from ..errors import ConfigError, UnknownCredentialType
from ..registry import exports
from ._claim import Choice, Claim, ClaimPath, Disclosure, Group, Kind, Reason, Text
from ._disputed import DISPUTED
from ._load import parse_type, render_type
from ._model import CredentialType, Follow, ReadyQuery
from ._tree import Node

__all__ = [
    "DISPUTED",
    "Choice",
    "Claim",
    "ClaimPath",
    "CredentialType",
    "Disclosure",
    "Follow",
    "Group",
    "Kind",
    "Node",
    "ReadyQuery",
    "Reason",
    "Text",
    "all_types",
    "by_id",
    "install",
    "label_in",
    "parse_type",
    "render_type",
]


@cache
def all_types() -> Mapping[str, CredentialType]:
    """Every type of this installation by its ``vct``."""
    found: dict[str, CredentialType] = {each.vct: each for each in exports(sys.modules[__name__], "TYPE").values()}
    return MappingProxyType(found | _INSTALLED)


_INSTALLED: dict[str, CredentialType] = {}


def install(types: Iterable[CredentialType]) -> None:
    """Add types from outside this package, for the rest of the process: whoever starts a program does it, before anything asks for a type.

    ``ConfigError`` for one that has a name of another type; the same one once more is no other.
    """
    for each in types:
        others = [known for known in all_types().values() if known != each]
        for name in ("id", "vct", "vct_int", "doctype"):
            taken = next((known for known in others if getattr(known, name) == getattr(each, name)), None)
            if taken is not None:
                raise ConfigError(f"{name} {getattr(each, name)} is taken by the kind of document {taken.id}", where=name)
        if all_types().get(each.vct) != each:
            _INSTALLED[each.vct] = each
            all_types.cache_clear()


def by_id(type_id: str) -> CredentialType:
    """The type with this short name (``representation``); ``UnknownCredentialType`` if there is none."""
    for each in all_types().values():
        if each.id == type_id:
            return each
    raise UnknownCredentialType("this installation does not know that type of document", where="/type")


def label_in(label: str, locale: str) -> str:
    """What some kind of document here calls ``label`` in English, in another language; as it is where none does."""
    return next((claim.label.in_(locale) for kind in all_types().values() for claim in kind.claims if claim.label.en == label), label)
