"""Domain sheet C01, who is presenting: its acceptance scenarios by their names."""

from __future__ import annotations

from pathlib import Path

from support.documents import DOCUMENTS
from support.holdings import minted, put_document
from support.long_values import decoded
from support.offices import BANK, COUNCIL, NINE
from support.wallets import serve_wallet
from support.world import World

from shared import addressed
from shared.codec import base64url
from shared.credentials import by_id
from wallet.share import Wish, make_out

PERSON = by_id("person")
KB_HEADER = base64url.encode(b'{"alg":"ES256","typ":"kb+jwt"}').encode()


async def test_at_c01_2_two_presentations_of_nora_share_no_value_of_16_bytes(tmp_path: Path) -> None:
    """To ABC and to BANK: what both decoded presentations have in common, any other holder's has as well."""
    async with serve_wallet(tmp_path, world=World()) as site:
        await site.open()
        means, vault = site.host.means, next(iter(site.host.unlocked.vaults()))
        await put_document(means, vault, vct=PERSON.vct, claims=DOCUMENTS["person"], copies=4)
        shown = []
        for entity, name in ((COUNCIL, "Anytown Borough Council"), (BANK, "Northwold Bank")):
            made = await make_out(
                means, vault, Wish(entity=entity, name=name, purpose_id="same-person", type="person", query="same-person")
            )
            copy = addressed.parse_file(made.value.file)
            shown += [decoded(copy.format, wire) for wires in copy.vp_token.values() for wire in wires]
        peter, _ = minted("dc+sd-jwt", PERSON.vct, {**DOCUMENTS["person"], "given_name": "Peter"}, index=77, at=NINE)
        constants = decoded("dc+sd-jwt", peter) | {KB_HEADER, base64url.encode(b"same-person").encode()}
    one, two = shown
    assert len(one) > 10
    assert one & two - constants == set()
