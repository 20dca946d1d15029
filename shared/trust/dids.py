"""Decentralized identifiers that this installation's owner pinned: entries of ``dids`` in ``trust.json``.

``{"did": "did:…", "name": text, "vcts"?: [vct, …], "without_snapshot"?: true}``. A DID says which keys it has, and nobody says when one of
them was lost: there is no list of withdrawn keys and no snapshot. So nothing is believed of one that is not written down here whole, and
from a checking pack it counts only where its owner bears that (``without_snapshot``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..codec.reader import get_bool, get_str, get_strings, pointer
from ..did import check_did


@dataclass(frozen=True, slots=True, kw_only=True)
class DidPin:
    """One DID, trusted as an issuer of documents; ``vcts``, where given, are the only types."""

    did: str
    name: str
    vcts: tuple[str, ...] | None = None
    without_snapshot: bool = False


def parse_pin(obj: Mapping[str, Any], where: str = "") -> DidPin:
    """``Malformed`` with a pointer for what has another form, and for methods that are not read here."""
    did = get_str(obj, "did", where)
    check_did(did, where=pointer(where, "did"))
    return DidPin(
        did=did,
        name=get_str(obj, "name", where),
        vcts=get_strings(obj, "vcts", where, optional=True),
        without_snapshot=get_bool(obj, "without_snapshot", where, optional=True) or False,
    )


def render_pin(pin: DidPin) -> dict[str, Any]:
    entry: dict[str, Any] = {"did": pin.did, "name": pin.name}
    if pin.vcts is not None:
        entry["vcts"] = list(pin.vcts)
    if pin.without_snapshot:
        entry["without_snapshot"] = True
    return entry
