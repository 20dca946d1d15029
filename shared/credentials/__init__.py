"""Credential types as data: one type is one file of this package that ends in ``TYPE: CredentialType = …``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from ..errors import UnknownCredentialType
from ..registry import exports
from ._claim import Choice, Claim, ClaimPath, Disclosure, Group, Kind, Reason, Text
from ._model import CredentialType, Follow, ReadyQuery
from ._tree import Node

__all__ = [
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
]


@cache
def all_types() -> Mapping[str, CredentialType]:
    """Every type of this installation by its ``vct``."""
    found: dict[str, CredentialType] = {each.vct: each for each in exports(sys.modules[__name__], "TYPE").values()}
    return MappingProxyType(found)


def by_id(type_id: str) -> CredentialType:
    """The type with this short name (``representation``); ``UnknownCredentialType`` if there is none."""
    for each in all_types().values():
        if each.id == type_id:
            return each
    raise UnknownCredentialType("this installation does not know that type of document", where="/type")
