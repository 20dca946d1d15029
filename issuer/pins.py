"""Who may vouch for wallets and their keys: the file ``trust.json`` of an office, changed by its owner alone (security rule S17)."""

from __future__ import annotations

from pathlib import Path

from issuer import config
from shared.keys import Role
from shared.private_file import write_whole
from shared.trust.anchors import Anchor, TrustAnchors, render_trust
from shared.trust.federation_anchor import FederationAnchor
from shared.web.federation_pins import with_federation, without
from shared.web.setup import read_anchor
from shared.web.trust_file import TrustFile


def read(directory: Path) -> TrustAnchors:
    """Nobody where there is no file; ``ConfigError`` for one that cannot be read."""
    return TrustFile(config.trust(directory), may_lack=True).read()


def add(directory: Path, file: Path, *, name: str = "", entity: str | None = None, address: str | None = None) -> Anchor:
    """Trust an anchor; ``Conflict`` if it is trusted already."""
    anchor = read_anchor(file, Role.WALLET_PROVIDER, name=name, entity=entity, address=address)
    write_whole(config.trust(directory), render_trust(read(directory).add(anchor)))
    return anchor


def add_federation(directory: Path, anchor: FederationAnchor) -> None:
    """Trust the anchor of a federation, and whom it vouches for."""
    write_whole(config.trust(directory), render_trust(with_federation(read(directory), anchor)))


def remove(directory: Path, fingerprint: str) -> None:
    """Trust it no longer, or the federation of that identifier; ``Missing`` if there is neither."""
    write_whole(config.trust(directory), render_trust(without(read(directory), fingerprint)))
