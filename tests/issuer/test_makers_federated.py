"""Makers of wallets whom only a federation vouches for."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.federation import MINISTRY
from support.federations import Member, justice
from support.signing import AT, Signer, leaf
from support.trial_verify import DAY, stranger

from issuer.makers import Makers
from shared.errors import SnapshotMissing, Untrusted
from shared.keys import Role
from shared.trust.anchors import TrustAnchors, render_trust
from shared.web.heard import Heard
from shared.web.trust_file import TrustFile

MAKER = "https://maker.example"


def test_a_maker_counts_once_it_was_heard_and_until_the_pin_is_gone(tmp_path: Path) -> None:
    realm, key, own = justice(), Signer.new(), stranger()
    realm.members[MAKER] = Member(MAKER, superiors=(MINISTRY,), keys={Role.WALLET_PROVIDER: key})
    realm[MINISTRY].about[MAKER] = {"constraints": {"allowed_entity_types": ["openid_wallet_provider"]}}
    x5c = (leaf(key, own.certificate, own.root, role=Role.WALLET_PROVIDER, uri=MAKER, at=AT - DAY),)
    file = tmp_path / "trust.json"
    file.write_bytes(render_trust(TrustAnchors(federation=(realm.pin(MINISTRY),))))
    makers = Makers(TrustFile(file, may_lack=True))
    with pytest.raises(SnapshotMissing):
        makers.policy().check_wallet_provider(x5c, AT)
    makers.learn(Heard(federation=realm.federation(MINISTRY)))
    assert makers.policy().check_wallet_provider(x5c, AT).subject == f"The body at {MAKER}"
    file.unlink()
    with pytest.raises(Untrusted):
        makers.policy().check_wallet_provider(x5c, AT)
