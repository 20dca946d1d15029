"""What is kept of whom was heard before: that nothing older returns, and that nobody is shut out for good by a thief or by others."""

from __future__ import annotations

import pytest
from support.federation import COURT, COURTS, MINISTRY
from support.federations import Realm, justice
from support.signing import AT, Signer
from support.trial_verify import ISSUER
from support.trial_web import Watch

from shared.errors import Untrusted
from shared.flow import Fetch, Fetched
from shared.storage import Storage
from shared.trust.anchors import TrustAnchors
from shared.trust.federation import Federation
from shared.web import heard


async def listen(rows: Storage, realm: Realm) -> dict[str, str]:
    """The faults, by site."""

    async def fetch(wanted: Fetch) -> Fetched:
        return realm.street().answer(wanted)

    told = await heard.listen(rows, fetch, TrustAnchors(federation=(realm.pin(MINISTRY),)), at=Watch(AT))
    return {each.site: each.fault for each in told}


async def known(rows: Storage, realm: Realm) -> Federation:
    return (await rows.read(lambda tx: heard.heard(tx, TrustAnchors(federation=(realm.pin(MINISTRY),))))).federation


async def test_a_thief_who_counted_to_the_end_shuts_nobody_out(rows: Storage) -> None:
    """The owner pins the anchor's next key, which goes on counting where it was."""
    realm = justice()
    realm[MINISTRY].seq = realm[COURTS].seq = 2**53 - 1
    assert not any((await listen(rows, realm)).values())
    for who in (MINISTRY, COURTS):
        realm[who].signer, realm[who].seq, realm[who].at = Signer.new(), 8, AT - 10
    assert not any((await listen(rows, realm)).values())
    assert (await known(rows, realm)).chain(COURT, AT).subject == COURT
    realm[MINISTRY].seq = 7
    assert "newer snapshot" in (await listen(rows, realm))[MINISTRY]


async def test_a_row_from_before_holds_to_its_number_until_the_next_word(rows: Storage) -> None:
    """Who signed, and when what was in it was made, is not known of what earlier versions heard."""
    realm = justice()
    realm[MINISTRY].seq = 9
    await listen(rows, realm)
    await rows.write(lambda tx: tx.execute("UPDATE heard_anchor SET signer = '', dates = '{}'"))
    old, realm[MINISTRY].signer, realm[MINISTRY].seq, realm[MINISTRY].at = realm[MINISTRY].signer, Signer.new(), 8, AT - 10
    assert "newer snapshot" in (await listen(rows, realm))[MINISTRY]
    realm[MINISTRY].signer, realm[MINISTRY].seq = old, 10
    assert not any((await listen(rows, realm)).values())
    assert (await known(rows, realm)).chain(COURT, AT).subject == COURT


async def test_what_a_body_said_before_does_not_come_back(rows: Storage) -> None:
    """S17, whoever reads it later: this process, another one, or a checking pack."""
    realm = justice()
    await listen(rows, realm)
    for _ in range(2):
        realm[ISSUER].claims["iat"] = AT - 90
        realm.again(MINISTRY)
        assert not any((await listen(rows, realm)).values())
        found = await known(rows, realm)
        assert found.chain(COURT, AT).subject == COURT
        with pytest.raises(Untrusted):
            found.chain(ISSUER, AT)
    assert (await rows.read(heard.dates))[MINISTRY][f"by {ISSUER}"] == AT - 60
    realm[ISSUER].claims.clear()
    realm.again(MINISTRY)
    await listen(rows, realm)
    assert (await known(rows, realm)).chain(ISSUER, AT).subject == ISSUER
