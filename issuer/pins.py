"""Who may vouch for wallets and their keys: the file ``trust.json`` of an office, changed by its owner alone (security rule S17)."""

from __future__ import annotations

from pathlib import Path

from issuer import config
from shared.keys import Role
from shared.trust.anchors import Anchor, TrustAnchors
from shared.trust.federation_anchor import FederationAnchor
from shared.web.federation_pins import with_federation, without
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


def add_federation(directory: Path, anchor: FederationAnchor) -> None:
    """Trust the anchor of a federation, and whom it vouches for."""
    change(config.trust(directory), lambda trust: with_federation(trust, anchor))


def remove(directory: Path, fingerprint: str) -> None:
    """Trust it no longer, or the federation of that identifier; ``Missing`` if there is neither."""
    change(config.trust(directory), lambda trust: without(trust, fingerprint))
