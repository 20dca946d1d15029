"""Who may vouch for wallets and their keys: the file ``trust.json`` of an office, changed by its owner alone (security rule S17)."""

from __future__ import annotations

from pathlib import Path

from issuer import config
from shared.keys import Role
from shared.trust.anchors import Anchor, TrustAnchors
from shared.web.federation_pins import without
from shared.web.setup import read_anchor
from shared.web.trust_file import TrustFile, change


def read(directory: Path) -> TrustAnchors:
    """Nobody where there is no file; ``ConfigError`` for one that cannot be read."""
    return TrustFile(config.trust(directory), may_lack=True).read()


def add(directory: Path, file: Path, *, name: str = "", entity: str | None = None, address: str | None = None) -> Anchor:
    """Trust an anchor; ``Conflict`` if it is trusted already."""
    anchor = read_anchor(file, Role.WALLET_PROVIDER, name=name, entity=entity, address=address)
    change(config.trust(directory), lambda trust: trust.add(anchor))
    return anchor


def remove(directory: Path, fingerprint: str) -> None:
    """Trust it no longer, or the federation of that identifier; ``Missing`` if there is neither."""
    change(config.trust(directory), lambda trust: without(trust, fingerprint))
