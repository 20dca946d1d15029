"""What is kept of whom was heard before: that nothing older returns, and that nobody is shut out for good by a thief or by others."""

from __future__ import annotations

from support.federation import COURT, COURTS, MINISTRY
from support.federations import Realm, justice
from support.signing import AT, Signer
from support.trial_web import Watch

from shared.flow import Fetch, Fetched
from shared.storage import Storage, Tx
from shared.trust.anchors import TrustAnchors
from shared.trust.federation import Federation
from shared.web import heard

LONG = "eyJ4IjoiMSJ9" * 100


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


async def test_a_row_that_does_not_say_who_signed_holds_to_its_number(rows: Storage) -> None:
    realm = justice()
    realm[MINISTRY].seq = 9
    await listen(rows, realm)
    for token in ("", LONG, "W10.", "e30.x"):

        async def bend(tx: Tx, token: str = token) -> None:
            await tx.execute("UPDATE heard_anchor SET token = $1", token)

        await rows.write(bend)
        assert {each.key for each in (await rows.read(heard.seen)).values()} == {""}
