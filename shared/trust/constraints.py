"""Which chains a superior allows below itself (OpenID Federation 1.0 section 6.2): how long, of which names, of which entity types.

``{"max_path_length"?: number, "naming_constraints"?: {"permitted"?: [host, …], "excluded"?: [host, …]}, "allowed_entity_types"?: [type, …]}``.
A host is a domain name, or begins with a full stop for all names below it but not the domain itself (RFC 5280 section 4.2.1.10). Members
that are not known are ignored, as section 6.2 has it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from ..codec.reader import get_int, get_object, get_strings, pointer
from ..errors import Malformed, Untrusted
from .metadata_policy import Metadata

FEDERATION_ENTITY: Final = "federation_entity"
_LABEL: Final = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_LAST_IS_NUMBER: Final = re.compile(r"(^|\.)[0-9]+$")  # RFC 3986 section 3.2.2: an IPv4 address, and no name


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """``permitted`` and ``types`` are ``None`` where nothing is said of them: then all are allowed. Empty, they allow nothing more."""

    max_path_length: int | None = None
    permitted: tuple[str, ...] | None = None
    excluded: tuple[str, ...] = ()
    types: frozenset[str] | None = None

    def check_path(self, below: Sequence[str]) -> None:
        """``below`` are the entities from the subject of the chain up to the one to which the constraints are given.

        ``Untrusted`` where too many stand between, or one has a name outside the permitted or inside the excluded ones.
        """
        if self.max_path_length is not None and len(below) - 1 > self.max_path_length:
            raise Untrusted("there are more bodies in between than a superior allows", where="/max_path_length")
        if self.permitted is None and not self.excluded:
            return
        for entity in below:
            host = _host(entity)
            if any(_is_at(host, each) for each in self.excluded):
                raise Untrusted("a superior has excluded this name", where="/naming_constraints/excluded")
            if self.permitted is not None and not any(_is_at(host, each) for each in self.permitted):
                raise Untrusted("this name is none of those that a superior permits", where="/naming_constraints/permitted")

    def filter_types(self, metadata: Metadata) -> Metadata:
        """Without the entity types that are not allowed; ``federation_entity`` always is (section 6.2.3)."""
        if self.types is None:
            return metadata
        return {kind: members for kind, members in metadata.items() if kind in self.types or kind == FEDERATION_ENTITY}


@lru_cache(maxsize=4_096)
def _host(entity: str) -> str:
    """As names are compared. ``Untrusted`` for an address that is no name: rules about names cannot allow it (RFC 5280 section 4.2.1.10)."""
    host = (urlsplit(entity).hostname or "").removesuffix(".")
    if not _NAME.fullmatch(host) or _LAST_IS_NUMBER.search(host):
        raise Untrusted("a superior has rules about names, and this entity has none", where="/naming_constraints")
    return host


def _is_at(host: str, constraint: str) -> bool:
    return host.endswith(constraint) if constraint.startswith(".") else host == constraint


def parse_constraints(obj: Mapping[str, Any], where: str = "") -> Constraints:
    """``Malformed`` or ``TooLarge`` with a pointer."""
    names, place = get_object(obj, "naming_constraints", where, optional=True) or {}, pointer(where, "naming_constraints")
    types = get_strings(obj, "allowed_entity_types", where, optional=True)
    if types is not None and FEDERATION_ENTITY in types:
        raise Malformed("federation_entity is always allowed and never listed", where=pointer(where, "allowed_entity_types"))
    return Constraints(
        max_path_length=get_int(obj, "max_path_length", where, optional=True),
        permitted=_names(names, "permitted", place),
        excluded=_names(names, "excluded", place) or (),
        types=None if types is None else frozenset(types),
    )


def _names(obj: Mapping[str, Any], name: str, where: str) -> tuple[str, ...] | None:
    found = get_strings(obj, name, where, optional=True)
    if found is None:
        return None
    lowered = tuple(each.lower() for each in found)
    for index, each in enumerate(lowered):
        if not _NAME.fullmatch(each.removeprefix(".")) or _LAST_IS_NUMBER.search(each):
            raise Malformed("a domain name is demanded here, or one with a full stop before it", where=pointer(pointer(where, name), index))
    return lowered
