"""A wallet whose owner pinned a federation: documents and askers that only superiors vouch for, heard by the clock (security rules S14, S21)."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from support.federation import MINISTRY, critical, says
from support.federations import Realm, justice
from support.signing import AT, Signer, leaf
from support.trial_verify import BANK, DAY, ISSUER, VCT, Dice, credential, registry, stranger
from support.trial_web import Watch

from shared.errors import NotEntitled, Untrusted
from shared.flow import Fetch, Fetched
from shared.formats import formats
from shared.keys import KeyId, Role
from shared.storage import open_storage
from shared.trust.anchors import TrustAnchors, render_trust
from shared.trust.policy import Policy
from shared.web import heard
from wallet.check import check_batch
from wallet.init import migrations
from wallet.means import TrustFile

HOLDER = Signer.new()


def copy_for(holder: Signer) -> str:
    made = credential(x5c=registry().x5c)
    return registry().signer.finish(formats()["dc+sd-jwt"].prepare(made, key=KeyId("issuer"), holder=holder.public, entropy=Dice("wallet")))


def received(policy: Policy) -> str:
    parsed = formats()["dc+sd-jwt"].parse(copy_for(HOLDER))
    key = KeyId("copy")
    return check_batch({key: parsed}, (), {key: HOLDER.public}, policy=policy, at=AT)[0].issuer_name


def test_a_document_of_an_issuer_in_a_federation() -> None:
    assert received(justice().policy(MINISTRY)) == f"The body at {ISSUER}"


def test_self_declared_vct_not_entitled() -> None:
    for about in ({}, critical(entitlements=[says("urn:other")]), critical(entitlements=[says(VCT, until=AT - 3 * DAY)])):
        realm = justice()
        realm[MINISTRY].about[ISSUER] = about
        with pytest.raises(NotEntitled):
            received(realm.policy(MINISTRY))
    assert msgspec.structs.asdict(credential())["issuer"] == ISSUER


async def test_what_was_heard_counts_until_the_pin_is_gone(tmp_path: Path) -> None:
    realm: Realm = justice()
    file, clock = tmp_path / "trust.json", Watch(AT)
    file.write_bytes(render_trust(TrustAnchors(federation=(realm.pin(MINISTRY),))))
    trust = TrustFile(file)
    signer, own = realm[BANK].keys[Role.RELYING_PARTY], stranger()
    x5c = (leaf(signer, own.certificate, own.root, role=Role.RELYING_PARTY, uri=BANK, at=AT - DAY),)
    storage = open_storage(f"sqlite:///{tmp_path}/wallet.db")
    try:
        await storage.migrate(migrations())
        street, pinned = realm.street(), trust().anchors

        async def fetch(one: Fetch) -> Fetched:
            return street.answer(one)

        await heard.listen(storage, fetch, pinned, at=clock)
        trust.learn(await storage.read(lambda tx: heard.heard(tx, pinned)), {})
    finally:
        await storage.close()
    assert trust().check_relying_party(x5c, AT).subject == f"The body at {BANK}"
    file.write_bytes(render_trust(TrustAnchors()))
    with pytest.raises(Untrusted):
        trust().check_relying_party(x5c, AT)
