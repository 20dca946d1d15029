"""Who may vouch for wallets and their keys: the file ``trust.json`` of an office, changed by its owner alone (security rule S17)."""

from __future__ import annotations

from pathlib import Path

from issuer import config
from shared.keys import Role
from shared.private_file import write_whole
from shared.trust.anchors import Anchor, TrustAnchors, render_trust
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


def remove(directory: Path, fingerprint: str) -> None:
    """Trust it no longer; ``Missing`` if nobody has that fingerprint."""
    write_whole(config.trust(directory), render_trust(read(directory).remove(fingerprint)))
