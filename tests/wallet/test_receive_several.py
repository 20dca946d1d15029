"""Several documents by one grant: a token response names each, and each becomes a card of its own (OpenID4VCI 1.0 sections 6.2 and 8.2)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from support.strict_wallet import Visit, visit
from support.trial_verify import CLAIMS, Dice

from shared.clock import DAY
from shared.errors import Conflict, Refused, Unavailable
from shared.openid4vci import AuthorizationDetail
from wallet import history, moving, phone
from wallet.batch import MAX_DOCUMENTS
from wallet.deliveries import Begun, Told
from wallet.holding import make_keys
from wallet.lease import LEASE, take_lease
from wallet.receive import kept_by
from wallet.records import DOCUMENTS, Item
from wallet.sessions import Document, Kept, Renewal
from wallet.upkeep import renew, upkeep

NAMES = {"1": "Margaret", "2": "Arthur"}


def of_donor(name: str) -> Mapping[str, Any]:
    return {**CLAIMS, "represented": {**CLAIMS["represented"], "given_name": name}}


@asynccontextmanager
async def two(folder: Path, **ways: Any) -> AsyncIterator[Visit]:
    """An issuer whose grants are for a document of Margaret's and one of Arthur's."""
    async with visit(folder, **{"identified": True, "documents": 2, **ways}) as here:
        here.issuer.datasets = {number: of_donor(name) for number, name in NAMES.items()}
        yield here


async def cards(here: Visit) -> list[Item[Document]]:
    wallet = here.wallet
    items = await wallet.storage.read(lambda tx: DOCUMENTS.all(tx, wallet.vault))
    return sorted(items, key=donor, reverse=True)


def donor(item: Item[Document]) -> str:
    return str(item.value.claims["represented"]["given_name"])


def due(item: Item[Document]) -> Renewal:
    assert item.value.renewal is not None
    return item.value.renewal


def asked(here: Visit) -> list[str]:
    """What the issuer was asked for, by name."""
    return [json.loads(body)["credential_identifier"] for headers, body in here.issuer.calls("/credential") if "dpop" in headers]


async def test_each_name_in_the_token_response_becomes_a_card(tmp_path: Path) -> None:
    async with two(tmp_path) as here:
        invitation = await here.granted()
        first = await here.take(invitation)
        kept = await cards(here)
        assert [donor(item) for item in kept] == ["Margaret", "Arthur"]
        assert first == kept[0]
        assert [len(item.value.copies) for item in kept] == [10, 10]
        assert [item.value.status.value for item in kept] == ["valid", "valid"]
        assert [item.value.notice for item in kept] == [None, None]
        assert set(asked(here)) == {"poa-dc+sd-jwt:1", "poa-dc+sd-jwt:2"}
        assert len({each["notification_id"] for each in here.issuer.notified}) == 2
        assert (await here.look(invitation)).state == Kept(document=kept[0].id, others=(kept[1].id,))
        assert await kept_by(here.wallet.means, here.wallet.vault, invitation) == kept
        assert await here.take(invitation) == kept[0]
        owners = [copy.value.document for copy in await here.wallet.copies()]
        assert [owners.count(item.id) for item in kept] == [10, 10]
        lines = await here.wallet.storage.read(lambda tx: history.read(tx, here.wallet.vault))
        assert [line.entry.transaction_type for line in lines].count("issuance") == 2


async def test_forms_of_one_document_find_each_other_by_what_they_say(tmp_path: Path) -> None:
    """The second configuration names them the other way round, and names tell nothing."""
    async with two(tmp_path, formats=("dc+sd-jwt", "dc+sd-cwt")) as here:
        await here.take(await here.granted())
        kept = await cards(here)
        assert [donor(item) for item in kept] == ["Margaret", "Arthur"]
        for item, number in zip(kept, NAMES, strict=True):
            assert due(item).identifiers == {name: f"{name}:{number}" for name in ("poa-dc+sd-jwt", "poa-dc+sd-cwt")}
            assert len(item.value.copies) == 20


async def test_two_that_say_the_same_are_two_all_the_same(tmp_path: Path) -> None:
    async with two(tmp_path) as here:
        here.issuer.datasets = {}
        await here.take(await here.granted())
        assert [len(item.value.copies) for item in await cards(here)] == [10, 10]


async def test_what_is_promised_comes_as_several_too(tmp_path: Path) -> None:
    async with two(tmp_path, waits=1) as here:
        invitation = await here.granted()
        with pytest.raises(Unavailable):
            await here.take(invitation)
        here.clock.at += 60
        await upkeep(here.wallet.means, here.wallet.vault)
        assert [donor(item) for item in await cards(here)] == ["Margaret", "Arthur"]


async def test_each_is_renewed_by_its_own_name_and_the_token_that_they_share(tmp_path: Path) -> None:
    """The token rotates, and its issuer takes each one once."""
    async with two(tmp_path) as here:
        await here.take(await here.granted())
        before = {copy.id for item in await cards(here) for copy in item.value.copies}
        for names in ((), (AuthorizationDetail(configuration_id="poa-dc+sd-jwt", identifiers=("poa-dc+sd-jwt:1", "poa-dc+sd-jwt:2")),)):
            here.issuer.renamed = names
            here.clock.at += 21 * DAY
            await upkeep(here.wallet.means, here.wallet.vault)
        kept = await cards(here)
        assert [donor(item) for item in kept] == ["Margaret", "Arthur"]
        assert not before & {copy.id for item in kept for copy in item.value.copies}
        assert [due(item).problem for item in kept] == ["", ""]
        assert len(here.issuer.batches) == 6
        assert {due(item).token for item in kept} == set(here.issuer.rotating)
        assert len({due(item).grant for item in kept}) == 1


async def test_one_at_a_time_is_renewed(tmp_path: Path) -> None:
    async with two(tmp_path) as here:
        means, vault = here.wallet.means, here.wallet.vault
        await here.take(await here.granted())
        one, other = await cards(here)
        await take_lease(means, vault, one)
        with pytest.raises(Conflict):
            await take_lease(means, vault, other)
        one, other = await cards(here)
        with pytest.raises(Conflict):
            await renew(means, vault, other)
        here.clock.at += LEASE + 1
        await renew(means, vault, other)
        assert [due(item).lease_until for item in await cards(here)] == [0, 0]


async def test_names_that_are_all_new_leave_the_copies_as_they_are(tmp_path: Path) -> None:
    """Nobody can tell which of them this document is."""
    async with two(tmp_path) as here:
        await here.take(await here.granted())
        names = ("poa-dc+sd-jwt:2", "poa-dc+sd-jwt:3")
        here.issuer.renamed = (AuthorizationDetail(configuration_id="poa-dc+sd-jwt", identifiers=names),)
        before = (await cards(here))[0]
        after = await renew(here.wallet.means, here.wallet.vault, before)
        assert due(after).problem == "unknown_credential_identifier"
        assert due(after).at - here.clock() == DAY, "of a document that was cancelled that is the ordinary answer"
        assert after.value.copies == before.value.copies
        assert [each["event"] for each in here.issuer.notified].count("credential_accepted") == 2


async def test_more_than_anybody_looks_through_are_refused(tmp_path: Path) -> None:
    async with two(tmp_path, documents=MAX_DOCUMENTS + 1, batch_size=1) as here:
        invitation = await here.granted()
        with pytest.raises(Refused, match="at most 20 documents"):
            await here.take(invitation)
        assert await cards(here) == []


async def test_t_ex_5_an_old_phone_with_copies_of_both_is_told_of_both(tmp_path: Path) -> None:
    """Both are told by the one grant that they share, which takes them one after the other."""
    async with two(tmp_path, formats=("dc+sd-jwt", "dc+sd-cwt")) as here:
        means, vault, name = here.wallet.means, here.wallet.vault, "ab" * 16
        await here.take(await here.granted())
        for item in await cards(here):
            batch = await phone.begin(means, vault, item.id, name)
            assert isinstance(batch.value.state, Begun)
            ring = await make_keys(batch.value.state.count, Dice(item.id))
            proofs = await ring.prove(audience=item.value.issuer, nonce=batch.value.state.nonce, at=means.clock())
            await phone.fetch_copies(means, vault, batch.id, list(proofs))
            await phone.kept(means, vault, batch.id)
        told = await moving.tell(means, vault, await moving.give_up(means, vault, (name,)))
        assert set(told.values()) == {Told.HEARD}
        assert [each["event"] for each in here.issuer.notified].count("credential_deleted") == 2
        assert await phone.all_deliveries(means, vault) == []
