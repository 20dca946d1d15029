"""One document in every format: a key a copy and format, renewed together, each shown in its own way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.photos import photo
from support.trial_verify import CLAIMS, DAY, material
from support.wallets import Wallet, open_wallet
from support.world import BANK, BATCH, World

from issuer.portrait import make_portrait
from shared import addressed
from shared.codec import qr
from shared.errors import Conflict, NotBound
from shared.formats import formats
from shared.jose.jwk import thumbprint
from verifier.check import Judged, judge
from verifier.uses import served
from wallet.cards import fresh_copies
from wallet.share import Wish, make_out, qr_of, qr_png
from wallet.upkeep import renew

ALL = ("dc+sd-jwt", "dc+sd-cwt", "vc+jwt", "vc+sd-jwt", "mso_mdoc")
FOR_BANK = Wish(entity=BANK, name="Northwold Bank", purpose_id="bank", query="bank")


def world(*names: str) -> World:
    made = World()
    made.office.formats = names or ALL
    return made


@pytest.fixture
async def holder(storage_uri: str) -> AsyncIterator[Wallet]:
    async with open_wallet(storage_uri, world=world()) as opened:
        yield opened


async def keys(wallet: Wallet) -> dict[str, list[str]]:
    """The holder keys of all copies, by format."""
    found: dict[str, list[str]] = {name: [] for name in ALL}
    lines = {copy.id: copy.format for copy in (await wallet.document()).copies}
    for item in await wallet.copies():
        form = formats()[lines[item.id]]
        public = form.peek(form.parse(item.value.wire)).holder
        assert public is not None
        found[form.name].append(thumbprint(public))
    return found


def brought(wallet: Wallet, data: bytes) -> Judged:
    """What the bank's check says of a copy."""
    types = material().types
    return judge(
        data,
        entity=BANK,
        uses=served(types.values()),
        material=material(),
        answer=wallet.world.office.answer,
        at=wallet.world.clock() + 60,
    )


async def test_one_key_a_copy_and_format(holder: Wallet) -> None:
    """S1; and all of them come by one invitation."""
    item = await holder.collect()
    assert set(item.value.configurations) == set(ALL)
    for name in ALL:
        assert len(fresh_copies(item.value, name, holder.world.clock())) == BATCH
    found = [key for each in (await keys(holder)).values() for key in each]
    assert len(set(found)) == len(found) == len(ALL) * BATCH
    lists = {(copy.status_uri, copy.status_idx) for copy in item.value.copies}
    assert len(lists) == len(ALL) * BATCH


async def test_all_formats_are_renewed_together(holder: Wallet) -> None:
    await holder.collect()
    await make_out(holder.means, holder.vault, FOR_BANK)
    before = await keys(holder)
    holder.world.clock.at += DAY
    (item,) = await holder.documents()
    renewed = await renew(holder.means, holder.vault, item)
    after = await keys(holder)
    for name in ALL:
        kept = 1 if name == "dc+sd-cwt" else 0  # the one that was shown stays with whom it was shown to
        assert len(set(before[name]) & set(after[name])) == kept
        assert len(after[name]) == BATCH + kept
    assert len(renewed.value.copies) == len(ALL) * BATCH + 1


async def test_uses_are_counted_a_format(holder: Wallet) -> None:
    """A copy on paper takes a small one; an answer online takes the one that was asked for."""
    await holder.collect()
    await make_out(holder.means, holder.vault, FOR_BANK)
    await holder.share(holder.world.bank.ask("bank"))
    at, document = holder.world.clock(), await holder.document()
    assert {name: len(fresh_copies(document, name, at)) for name in ALL} == {
        "dc+sd-jwt": BATCH - 1,
        "dc+sd-cwt": BATCH - 1,
        "vc+jwt": BATCH,
        "vc+sd-jwt": BATCH,
        "mso_mdoc": BATCH,
    }


@pytest.mark.parametrize("names", [("dc+sd-jwt", "dc+sd-cwt"), ("dc+sd-cwt", "dc+sd-jwt"), ("dc+sd-cwt",)])
async def test_the_order_of_formats_does_not_matter(tmp_path: Path, names: tuple[str, ...]) -> None:
    async with open_wallet(f"sqlite:///{tmp_path}/wallet.db", world=world(*names)) as wallet:
        document = (await wallet.collect()).value
        assert document.claims == CLAIMS
        assert set(document.configurations) == set(names)


async def test_a_copy_for_somebody_else_is_refused(tmp_path: Path) -> None:
    async with open_wallet(f"sqlite:///{tmp_path}/wallet.db", world=world("dc+sd-cwt")) as wallet:
        earlier: list[str] = []

        def keep(wire: str) -> str:
            earlier.append(wire)
            return earlier[0]

        wallet.world.office.bend = keep
        with pytest.raises(NotBound):
            await wallet.collect()
        assert await wallet.documents() == []


async def test_copies_with_a_photo_say_the_same(tmp_path: Path) -> None:
    there = world()
    claims = CLAIMS | {"proxy": CLAIMS["proxy"] | {"portrait": make_portrait(photo())}}
    there.office.claims = claims
    async with open_wallet(f"sqlite:///{tmp_path}/wallet.db", world=there) as wallet:
        assert (await wallet.collect()).value.claims == claims


# --- copies made out to somebody ---------------------------------------------------------------------------------------------------------


async def test_a_small_copy_makes_a_far_coarser_code(tmp_path: Path) -> None:
    texts = {}
    for names in (("dc+sd-jwt",), ALL):
        async with open_wallet(f"sqlite:///{tmp_path}/{len(names)}.db", world=world(*names)) as wallet:
            await wallet.collect()
            made = (await make_out(wallet.means, wallet.vault, FOR_BANK)).value
            text, strength = qr_of(made)
            texts[text[:5]] = len(text)
            assert strength == "M"
            assert qr.read(qr_png(made)) == [text]
            judged = brought(wallet, qr_png(made))
            assert (judged.decision.decision, judged.decision.level) == ("accepted", "addressed"), judged.decision
            assert "banking" in judged.decision.credentials[0].claims.claims["powers"]
    assert set(texts) == {"OVJ1:", "OVP1:"}
    assert texts["OVP1:"] < 0.7 * texts["OVJ1:"]


async def test_a_small_copy_by_file_picture_and_text(holder: Wallet) -> None:
    await holder.collect()
    made = (await make_out(holder.means, holder.vault, FOR_BANK)).value
    copy = addressed.parse_file(made.file)
    assert (copy.format, copy.aud, copy.purpose_id) == ("dc+sd-cwt", f"a:{BANK}", "bank")
    for data in (made.file.encode(), qr_of(made)[0].encode(), qr_png(made)):
        assert brought(holder, data).decision.decision == "accepted"
    other = replace(FOR_BANK, entity="https://council.example")
    theirs = (await make_out(holder.means, holder.vault, other)).value
    for data in (theirs.file.encode(), qr_png(theirs)):
        assert brought(holder, data).decision.code == "wrong_audience"


async def test_where_no_small_copy_is_left_another_is_made_out(holder: Wallet) -> None:
    await holder.collect()
    found = []
    for _ in range(2 * BATCH):
        made = (await make_out(holder.means, holder.vault, FOR_BANK)).value
        found.append(addressed.parse_file(made.file).format)
    assert found == ["dc+sd-cwt"] * BATCH + ["dc+sd-jwt"] * BATCH
    other = replace(FOR_BANK, entity="https://council.example")
    with pytest.raises(Conflict):
        await make_out(holder.means, holder.vault, other)


async def test_an_answer_online_is_never_the_small_form(holder: Wallet) -> None:
    await holder.collect()
    await holder.share(holder.world.bank.ask("bank"))
    shown = [copy for copy in (await holder.document()).copies if copy.shown_to]
    assert [copy.format for copy in shown] == ["dc+sd-jwt"]
