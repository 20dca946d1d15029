from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from support.signing import AT, Signer, leaf
from support.trial_verify import CLAIMS, assertion, status_token, stranger
from support.wallets import Wallet, open_wallet
from support.world import BANK, BATCH, CODE, ISSUER, World, _json

from shared.clock import DAY
from shared.codec import base64url
from shared.cose import kid_of
from shared.errors import Conflict
from shared.status.assertion import StatusAssertion, parse_assertion
from shared.status.token_status_list import INVALID, SUSPENDED
from wallet.cards import card
from wallet.lease import LEASE
from wallet.present import agree
from wallet.records import COPIES, DOCUMENTS, STATUS
from wallet.share import Wish, make_out
from wallet.upkeep import RETRY, renew


async def pass_days(wallet: Wallet, days: int, *, hours: int = 6) -> None:
    """The clock goes on, and the wallet looks after itself every ``hours``."""
    for _ in range(days * 24 // hours):
        wallet.world.clock.at += hours * 3_600
        await wallet.upkeep()


async def test_refill_independent_of_use(tmp_path: Path) -> None:
    """Two wallets with the same copies in every format: one shows nothing, the other shows all it has, online and made out to somebody.
    Nobody on the network can tell them apart, least of all the issuer: the same requests at the same moments, down to their sizes.
    """
    logs, sizes = [], []
    for used in (False, True):
        world = World()
        world.office.formats = ("dc+sd-jwt", "dc+sd-cwt", "vc+jwt")
        async with open_wallet(f"sqlite:///{tmp_path}/{used}.db", world=world, seed="same") as wallet:
            await wallet.collect()
            if used:
                for _ in range(BATCH):
                    await wallet.share(world.council.ask())
                    await make_out(wallet.means, wallet.vault, Wish(entity=BANK, name="", purpose_id="bank", query="bank"))
            await pass_days(wallet, 33)
            if used:
                await wallet.share(world.bank.ask("bank"))
                await pass_days(wallet, 3)
            else:
                await pass_days(wallet, 3)
            logs.append([entry for entry in world.log if entry[2].startswith(ISSUER)])
            asked = [fetch for fetch in world.fetches if fetch.url.startswith(ISSUER)]
            sizes.append([(sorted(fetch.headers), len(fetch.body or b"")) for fetch in asked])
            headers = {
                (fetch.method, *sorted(name.lower() for name in fetch.headers)) for fetch in world.fetches if "/status/" in fetch.url
            }
            assert headers - {("POST", "accept", "content-type")} == {("GET", "accept")}
    assert logs[0] == logs[1]
    assert sizes[0] == sizes[1]
    assert len([url for _, _, url in logs[0] if url.endswith("/credential")]) == 2 * 3


async def test_new_copies_come_before_the_old_run_out(wallet: Wallet) -> None:
    item = await wallet.collect()
    await wallet.share(wallet.world.council.ask())
    before = {copy.id for copy in item.value.copies}
    await pass_days(wallet, 22)
    document = await wallet.document()
    shown = [copy for copy in document.copies if copy.shown_to]
    assert len(document.copies) == BATCH + 1
    assert [copy.id in before for copy in shown] == [True]
    assert min(copy.expires_at for copy in document.copies if not copy.shown_to) > wallet.world.clock() + 20 * DAY
    assert len(await wallet.copies()) == BATCH + 1
    assert [line.entry.transaction_type for line in await wallet.lines()] == ["issuance", "presentation", "renewal"]
    await pass_days(wallet, 20)
    assert len([url for _, _, url in wallet.world.log if url.endswith("/credential")]) == 3
    assert len(await wallet.copies()) == BATCH


async def test_the_refresh_token_rotates(wallet: Wallet) -> None:
    await wallet.collect()
    for _ in range(3):
        await pass_days(wallet, 21)
    renewal = (await wallet.document()).renewal
    assert renewal is not None
    assert {renewal.token} == wallet.world.office.refresh_tokens


async def test_a_renewal_that_fails_is_tried_again_and_shown(wallet: Wallet) -> None:
    await wallet.collect()
    wallet.world.office.refresh_tokens.clear()
    await pass_days(wallet, 22)
    document = await wallet.document()
    assert document.renewal is not None
    assert document.renewal.problem == "invalid_grant"
    assert card(document, at=wallet.world.clock()).trouble
    assert len(document.copies) == BATCH


async def test_an_issuer_that_is_away_is_asked_again_later(wallet: Wallet) -> None:
    await wallet.collect()
    wallet.world.down.add(ISSUER)
    await pass_days(wallet, 21)
    assert (renewal := (await wallet.document()).renewal) is not None
    assert renewal.problem == ""
    wallet.world.down.clear()
    wallet.world.clock.at += RETRY
    await wallet.upkeep()
    assert len([url for _, _, url in wallet.world.log if url.endswith("/credential")]) == 2


async def test_new_copies_are_checked_like_the_first(wallet: Wallet) -> None:
    item = await wallet.collect()
    wallet.world.office.by = replace(stranger())
    await pass_days(wallet, 22)
    document = await wallet.document()
    assert document.copies == item.value.copies
    assert (document.renewal and document.renewal.problem) == "untrusted"


async def test_new_copies_that_hide_something_are_not_kept(wallet: Wallet) -> None:
    item = await wallet.collect()
    wallet.world.office.bend = lambda wire: wire.removesuffix("~").rpartition("~")[0] + "~"
    await pass_days(wallet, 22)
    document = await wallet.document()
    assert document.copies == item.value.copies
    assert (document.renewal and document.renewal.problem) == "bad_disclosure"


async def test_a_correction_comes_with_the_new_copies(wallet: Wallet) -> None:
    await wallet.collect()
    wallet.world.office.claims = {**CLAIMS, "powers": ["utilities"]}
    await pass_days(wallet, 22)
    assert (await wallet.document()).claims["powers"] == ["utilities"]


async def test_what_changed_between_page_and_click_is_looked_at_again(wallet: Wallet) -> None:
    """The page tells what the copy says that will be shown, not one that they saw before the correction."""
    await wallet.collect()
    first = await wallet.ask(wallet.world.council.ask())
    await agree(wallet.means, wallet.vault, first.id, seen=first.seen)
    view = await wallet.ask(wallet.world.council.ask())
    address = {**CLAIMS["represented"]["address"], "postal_code": "ZZ99 9ZZ"}
    wallet.world.office.claims = {**CLAIMS, "represented": {**CLAIMS["represented"], "address": address}}
    await renew(wallet.means, wallet.vault, (await wallet.documents())[0])
    for seen in (view.seen, {}):
        with pytest.raises(Conflict):
            await agree(wallet.means, wallet.vault, view.id, seen=seen)
    again = await wallet.look(view.id)
    assert {"ZZ99 9ZZ"} < {detail.value for detail in again.details}
    await agree(wallet.means, wallet.vault, view.id, seen=again.seen)
    assert (await wallet.look(view.id)).state == "answered"


async def test_two_processes_renew_once(wallet: Wallet) -> None:
    item = await wallet.collect()
    results = await asyncio.gather(*(renew(wallet.means, wallet.vault, item) for _ in range(5)), return_exceptions=True)
    assert len([result for result in results if isinstance(result, Conflict)]) == 4
    assert len(await wallet.copies()) == BATCH
    now = (await wallet.documents())[0]
    assert now.value.renewal is not None
    leased = msgspec.structs.replace(
        now.value, renewal=msgspec.structs.replace(now.value.renewal, lease_until=wallet.world.clock() + LEASE)
    )
    await wallet.replace(now, leased)
    with pytest.raises(Conflict):
        await renew(wallet.means, wallet.vault, (await wallet.documents())[0])


async def test_an_issuer_without_refresh_tokens_is_never_asked(wallet: Wallet) -> None:
    wallet.world.office.refreshes = False
    await wallet.collect()
    await pass_days(wallet, 31)
    assert len([url for _, _, url in wallet.world.log if url.endswith("/token")]) == 1
    assert card(await wallet.document(), at=wallet.world.clock()).state_code == "expired"


# --- status ----------------------------------------------------------------------------------------------------------------------------


async def test_hold_and_end_of_hold_are_seen(wallet: Wallet) -> None:
    item = await wallet.collect()
    index = item.value.copies[0].status_idx
    wallet.world.office.statuses[index] = SUSPENDED
    await pass_days(wallet, 1)
    assert (await wallet.document()).status.value == "suspended"
    del wallet.world.office.statuses[index]
    await pass_days(wallet, 1)
    assert (await wallet.document()).status.value == "valid"


async def test_cancelled_once_seen_is_final(wallet: Wallet) -> None:
    item = await wallet.collect()
    wallet.world.office.statuses[item.value.copies[0].status_idx] = INVALID
    wallet.world.office.refresh_tokens.clear()  # of a cancelled document there are no more copies
    await pass_days(wallet, 1)
    wallet.world.office.statuses.clear()
    await pass_days(wallet, 25)
    document = await wallet.document()
    assert document.status.value == "invalid"
    assert len([url for _, _, url in wallet.world.log if url.endswith("/token")]) == 2, "asked once whether there are others"
    assert len([url for _, _, url in wallet.world.log if url.endswith("/credential")]) == 1


async def test_cancelled_copies_give_way_to_others_where_there_are_any(wallet: Wallet) -> None:
    """As after a correction. None of the old ones stays, shown or not, and an issuer that is away is asked again."""
    item = await wallet.collect()
    await wallet.share(wallet.world.council.ask())
    wallet.world.office.statuses |= {copy.status_idx: INVALID for copy in item.value.copies}
    wallet.world.down.add(f"{ISSUER}/token")
    await pass_days(wallet, 1)
    document = await wallet.document()
    assert (document.status.value, document.standing) == ("invalid", "renewing")
    assert card(document, at=wallet.world.clock()).trouble == ""
    wallet.world.down.clear()
    await pass_days(wallet, 1)
    document = await wallet.document()
    assert document.status.value == "valid"
    assert not {copy.id for copy in document.copies} & {copy.id for copy in item.value.copies}
    assert len(await wallet.copies()) == BATCH


@pytest.mark.parametrize("bad", ["away", "404", "nonsense", "forged", "old"])
async def test_a_list_that_cannot_be_believed_changes_nothing(wallet: Wallet, bad: str) -> None:
    await wallet.collect()
    before = (await wallet.document()).status
    office = wallet.world.office
    good = office.status
    wallet.world.clock.at += 2 * 3_600
    if bad == "away":
        wallet.world.down.add(f"{ISSUER}/status")
    elif bad == "404":
        office.says = {f"/status/{n}": lambda _: _json({}, 404) for n in (1, 2)}
    elif bad == "nonsense":
        office.status = lambda uri: f"nonsense {uri}"  # type: ignore[method-assign]
    elif bad == "forged":
        office.status = lambda uri: status_token(dict.fromkeys(range(1000, 1100), INVALID), by=stranger(), uri=uri, iat=office.clock())  # type: ignore[method-assign]
    else:
        office.status = lambda uri: status_token({}, uri=uri, iat=office.clock() - 3 * 3_600)  # type: ignore[method-assign]
    await wallet.upkeep()
    assert (await wallet.document()).status == before
    office.status = good  # type: ignore[method-assign]


async def test_a_list_without_certificates_is_by_the_documents_own_key(wallet: Wallet) -> None:
    office = wallet.world.office
    office.status = lambda uri: status_token({}, uri=uri, iat=office.clock(), x5c=())  # type: ignore[method-assign]
    await wallet.collect()
    assert (await wallet.document()).status.value == "valid"
    office.status = lambda uri: status_token({}, uri=uri, iat=office.clock(), x5c=(), by=stranger())  # type: ignore[method-assign]
    seen = (await wallet.document()).status
    await pass_days(wallet, 1)
    assert (await wallet.document()).status == seen


async def test_lists_are_kept_for_copies_made_out(wallet: Wallet) -> None:
    await wallet.collect()
    first = {item.value.uri: item.value.iat for item in await wallet.storage.read(lambda tx: STATUS.all(tx, wallet.vault))}
    await pass_days(wallet, 1)
    later = {item.value.uri: item.value.iat for item in await wallet.storage.read(lambda tx: STATUS.all(tx, wallet.vault))}
    assert first.keys() == later.keys()
    assert all(later[uri] > first[uri] for uri in first)


# --- what is said of single copies -------------------------------------------------------------------------------------------------------


async def said(wallet: Wallet) -> dict[str, StatusAssertion]:
    """By the copy's id."""
    copies = await wallet.storage.read(lambda tx: COPIES.all(tx, wallet.vault))
    return {item.id: parse_assertion(item.value.assertion) for item in copies if item.value.assertion}


@pytest.fixture
async def compact(tmp_path: Path) -> AsyncIterator[Wallet]:
    """A wallet whose document came in the format with a place for assertions too."""
    world = World()
    world.office.formats = ("dc+sd-jwt", "dc+sd-cwt")
    async with open_wallet(f"sqlite:///{tmp_path}/compact.db", world=world) as wallet:
        await wallet.collect()
        yield wallet


async def test_assertions_are_collected_for_the_copies_that_can_carry_them(compact: Wallet) -> None:
    document = await compact.document()
    small = {copy.id: copy for copy in document.copies if copy.format == "dc+sd-cwt"}
    first = await said(compact)
    assert first.keys() == small.keys()
    assert {(each.uri, each.idx) for each in first.values()} == {(copy.status_uri, copy.status_idx) for copy in small.values()}
    compact.world.office.statuses[next(iter(small.values())).status_idx] = SUSPENDED
    await pass_days(compact, 1)
    later = await said(compact)
    assert all(later[copy].iat > first[copy].iat for copy in small)
    assert sorted(each.status for each in later.values()) == [0] * (len(small) - 1) + [2]


async def test_assertions_by_the_key_that_follows_are_kept_too(compact: Wallet) -> None:
    """After a rotation the issuer signs them with the key that signs its lists; copies bring the certificate of the one before."""
    office, signer, first = compact.world.office, Signer.new(), await said(compact)
    own = leaf(signer, office.by.certificate, office.by.root, uri=ISSUER, at=AT - DAY)
    office.by = replace(office.by, signer=signer, x5c=(own,))
    await pass_days(compact, 1)
    later = await said(compact)
    assert all(later[copy].iat > first[copy].iat for copy in first)
    assert {each.kid for each in later.values()} == {kid_of(signer.public)}


async def test_assertions_are_asked_for_by_the_clock_and_all_at_once(tmp_path: Path) -> None:
    """S21: used or not makes no difference to what is asked, when, or in which order."""
    asked = []
    for used in (False, True):
        world = World()
        world.office.formats = ("dc+sd-jwt", "dc+sd-cwt")
        async with open_wallet(f"sqlite:///{tmp_path}/{used}.db", world=world, seed="same") as wallet:
            await wallet.collect()
            if used:
                await wallet.share(world.council.ask())
            await pass_days(wallet, 3)
            questions = [(fetch.url, fetch.body) for fetch in world.fetches if fetch.url.endswith("/assertions")]
            asked.append(questions)
            for _, body in questions:
                indices = json.loads(body or b"")["idx"]
                assert indices == sorted(indices)
    assert asked[0] == asked[1]
    assert {url for url, _ in asked[0]} == {f"{ISSUER}/status/1/assertions", f"{ISSUER}/status/2/assertions"}


@pytest.mark.parametrize("bad", ["404", "nonsense", "forged", "another", "few"])
async def test_assertions_that_cannot_be_believed_are_not_kept(compact: Wallet, bad: str) -> None:
    before = await said(compact)
    office = compact.world.office
    good = office.assertions
    if bad == "404":
        office.says = {f"/status/{n}/assertions": lambda _: _json({}, 404) for n in (1, 2)}
    elif bad == "nonsense":
        office.assertions = lambda uri, indices: {"assertions": [f"nonsense of {uri}" for _ in indices]}  # type: ignore[method-assign]
    elif bad == "forged":
        office.assertions = lambda uri, indices: {  # type: ignore[method-assign]
            "assertions": [base64url.encode(assertion(by=stranger(), uri=uri, idx=idx, iat=office.clock())) for idx in indices]
        }
    elif bad == "another":
        office.assertions = lambda uri, indices: good(uri, [idx + 1 for idx in indices])  # type: ignore[method-assign]
    else:
        office.assertions = lambda uri, indices: good(uri, indices[1:])  # type: ignore[method-assign]
    await pass_days(compact, 1)
    assert await said(compact) == before
    assert (await compact.document()).status.value == "valid"


async def test_a_foreign_keeper_of_lists_is_never_asked_about_copies(compact: Wallet) -> None:
    """Its answer would cost it nothing, and the question tells it which copies are one holder's."""
    [item] = await compact.documents()
    away = tuple(msgspec.structs.replace(copy, status_uri=f"https://lists.example/{copy.status_idx % 2}") for copy in item.value.copies)
    await compact.replace(item, msgspec.structs.replace(item.value, copies=away))
    asked = len(compact.world.fetches)
    await pass_days(compact, 1)
    later = [fetch.url for fetch in compact.world.fetches[asked:]]
    assert any(url.startswith("https://lists.example/") for url in later)
    assert not any(url.endswith("/assertions") for url in later)


async def test_one_bad_document_does_not_stop_the_others(wallet: Wallet) -> None:
    await wallet.collect("pre-1")
    item = await wallet.collect("pre-2")
    broken = await wallet.storage.read(lambda tx: DOCUMENTS.get(tx, wallet.vault, item.id))
    assert broken.value.renewal is not None
    await wallet.replace(
        broken, msgspec.structs.replace(broken.value, renewal=msgspec.structs.replace(broken.value.renewal, issuer="nowhere", at=0))
    )
    await pass_days(wallet, 22)
    assert len([url for _, _, url in wallet.world.log if url.endswith("/credential")]) == 3


async def test_the_code_is_never_kept_in_the_world(wallet: Wallet) -> None:
    await wallet.collect()
    assert not [fetch.url for fetch in wallet.world.fetches if CODE in fetch.url]
