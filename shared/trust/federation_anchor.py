"""Federations that this installation's owner pinned: entries of ``federation`` in ``trust.json``.

``{"entity": URI, "jwks": {"keys": [JWK, …]}, "name": text, "vcts"?: [vct, …], "without_snapshot"?: true}``. Only the keys written down here
speak for the anchor; what it publishes of new ones changes nothing until its owner pins them (security rule S17).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..codec.reader import get_bool, get_str, get_strings, pointer
from ..errors import Malformed
from .federation_keys import FederationKey, get_entity, parse_jwks, render_jwks


@dataclass(frozen=True, slots=True, kw_only=True)
class FederationAnchor:
    """One trust anchor. ``vcts``, where given, are the only types that its federation may entitle anybody to say."""

    entity: str
    keys: tuple[FederationKey, ...]
    name: str
    vcts: tuple[str, ...] | None = None
    without_snapshot: bool = False


def parse_federation_anchor(obj: Mapping[str, Any], where: str = "") -> FederationAnchor:
    """``Malformed`` with a pointer for what has another form, and where no key can be used here."""
    keys = parse_jwks(obj, where)
    if not keys:
        raise Malformed("only P-256, P-384 and Ed25519 keys are used here", where=pointer(where, "jwks"))
    return FederationAnchor(
        entity=get_entity(obj, "entity", where),
        keys=keys,
        name=get_str(obj, "name", where),
        vcts=get_strings(obj, "vcts", where, optional=True),
        without_snapshot=get_bool(obj, "without_snapshot", where, optional=True) or False,
    )


def render_federation_anchor(anchor: FederationAnchor) -> dict[str, Any]:
    """What ``parse_federation_anchor`` reads back to the same value."""
    entry: dict[str, Any] = {"entity": anchor.entity, "jwks": render_jwks(anchor.keys), "name": anchor.name}
    if anchor.vcts is not None:
        entry["vcts"] = list(anchor.vcts)
    if anchor.without_snapshot:
        entry["without_snapshot"] = True
    return entry
