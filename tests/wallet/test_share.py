from __future__ import annotations

import base64
import json
from dataclasses import replace
from io import BytesIO
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter
from support.holdings import put_document
from support.trial_verify import CLAIMS, Dice
from support.wallets import Wallet
from support.world import BANK, BATCH, COUNCIL

from shared import addressed
from shared.clock import DAY
from shared.codec import qr
from shared.errors import AccessDenied, Conflict, Malformed, Missing, TooLarge, VcError
from shared.formats import formats
from shared.jose.jwt import parse_jwt
from shared.ovp.answer import parse_answer
from shared.ovp.envelope import parse_text
from shared.x509 import load_certificate
from wallet import share
from wallet.choose import Offer
from wallet.holder_api import link_in, link_of
from wallet.share import Wish, check_wish, make_out
from wallet.upkeep import upkeep

FOR_BANK = Wish(entity=BANK, name="Northwold Bank", purpose_id="bank", query="bank")


async def test_a_copy_is_made_out_to_one_body_for_one_purpose(wallet: Wallet) -> None:
    await wallet.collect()
    made = (await make_out(wallet.means, wallet.vault, FOR_BANK)).value
    copy = addressed.parse_file(made.file)
    assert (copy.format, copy.aud, copy.purpose_id) == ("dc+sd-jwt", f"a:{BANK}", "bank")
    ((presentation,),) = copy.vp_token.values()
    binding = parse_jwt(presentation.rpartition("~")[2]).claims
    assert (binding["aud"], binding["purpose_id"], binding["exp"]) == (f"a:{BANK}", "bank", wallet.world.clock() + 7 * DAY)
    assert len(binding["jti"]) >= 22
    assert len(binding["nonce"]) >= 22
    facts = formats()["dc+sd-jwt"].verify(
        formats()["dc+sd-jwt"].parse(presentation),
        load_certificate(wallet.world.office.by.x5c[0]).public,
        binding=addressed.expected_binding(entity=BANK, purpose_id="bank"),
        at=wallet.world.clock() + 3_600,
    )
    assert facts.claims["powers"] == ["banking"]
    assert "address" in facts.claims["represented"]
    assert facts.status is not None
    assert addressed.staples(copy).keys() == {facts.status.uri}
    line = (await wallet.lines())[-1].entry
    assert (line.transaction_type, line.level, line.interacting_party_identifier.identifier) == ("addressed-copy", 1, BANK)


async def test_a_copy_shows_what_was_looked_at_or_is_not_made(wallet: Wallet) -> None:
    """Another document came, or the one that was named was corrected, since somebody looked at it."""
    first = await put_document(wallet.means, wallet.vault, ["dc+sd-jwt"])
    seen = _looked_at(await share.preview(wallet.means, wallet.vault, FOR_BANK))
    maud = {**CLAIMS, "represented": {**CLAIMS["represented"], "given_name": "Maud"}}
    second = await put_document(wallet.means, wallet.vault, ["dc+sd-jwt"], claims=maud, later=5)
    with pytest.raises(Conflict):
        await make_out(wallet.means, wallet.vault, FOR_BANK)
    with pytest.raises(Conflict):
        await make_out(wallet.means, wallet.vault, replace(FOR_BANK, document=second, seen=seen))
    kept = {item.id: item for item in await wallet.documents()}
    corrected = msgspec.structs.replace(kept[first].value, claims=maud, copies=kept[second].value.copies)
    await wallet.replace(kept[first], corrected)
    with pytest.raises(Conflict):
        await make_out(wallet.means, wallet.vault, replace(FOR_BANK, document=first, seen=seen))
    again = _looked_at(await share.preview(wallet.means, wallet.vault, replace(FOR_BANK, document=first)))
    assert again != seen
    assert (await make_out(wallet.means, wallet.vault, replace(FOR_BANK, document=first, seen=again))).value.document == first


def _looked_at(offer: Offer) -> str:
    return offer.seen(offer.sample)


async def test_small_copies_make_the_square_code_where_there_are_any(wallet: Wallet) -> None:
    """At error correction M, as a phone would show it; once they are used up the others serve."""
    wallet.world.office.formats = ("dc+sd-jwt", "dc+sd-cwt")
    await wallet.collect()
    for number in range(BATCH + 1):
        wish = replace(FOR_BANK, entity=f"{BANK}/{number}", days=14)
        made = (await make_out(wallet.means, wallet.vault, wish)).value
        text, strength = share.qr_of(made)
        copy = addressed.parse_file(made.file)
        small = number < BATCH
        assert (copy.format, text.partition(":")[0]) == (("dc+sd-cwt", "OVP1") if small else ("dc+sd-jwt", "OVJ1"))
        if not small:
            continue
        assert strength == "M"
        assert qr.read(share.qr_png(made)) == [text]
        answer = parse_answer(*parse_text(text))
        facts = formats()[answer.format].verify(
            formats()[answer.format].parse(answer.wire),
            load_certificate(wallet.world.office.by.x5c[0]).public,
            binding=addressed.expected_binding(entity=wish.entity, purpose_id="bank"),
            at=wallet.world.clock() + 3_600,
        )
        assert facts.claims["represented"]["family_name"] == "Ashdown"
        assert {"aud", "exp", "jti", "nonce", "purpose_id"} <= facts.binding_claims.keys()


async def test_a_letter_shows_no_power_but_the_one_that_is_needed(wallet: Wallet) -> None:
    """In the form of the square code powers are shown all or none; a letter goes in the other form, as long as there is one left."""
    await put_document(wallet.means, wallet.vault, ["dc+sd-cwt", "dc+sd-jwt"])
    powers = {}
    for small in (True, False):
        made = await make_out(wallet.means, wallet.vault, replace(FOR_BANK, small=small))
        copy = addressed.parse_file(made.value.file)
        ((wire,),) = copy.vp_token.values()
        powers[copy.format] = formats()[copy.format].peek(formats()[copy.format].parse(wire)).claims["powers"]
    assert powers == {"dc+sd-cwt": CLAIMS["powers"], "dc+sd-jwt": ["banking"]}
    left = await make_out(wallet.means, wallet.vault, replace(FOR_BANK, entity=COUNCIL, small=False))
    assert addressed.parse_file(left.value.file).format == "dc+sd-jwt"


async def test_a_copy_ends_no_later_than_what_it_is_made_of(wallet: Wallet) -> None:
    wallet.world.office.formats = ("dc+sd-cwt",)
    await wallet.collect()
    wallet.world.clock.at += 20 * DAY
    made = (await make_out(wallet.means, wallet.vault, replace(FOR_BANK, days=14))).value
    ((wire,),) = addressed.parse_file(made.file).vp_token.values()
    parsed = formats()["dc+sd-cwt"].parse(wire)
    facts = formats()["dc+sd-cwt"].verify(
        parsed,
        load_certificate(wallet.world.office.by.x5c[0]).public,
        binding=addressed.expected_binding(entity=BANK, purpose_id="bank"),
        at=wallet.world.clock(),
    )
    assert made.expires_at == facts.binding_claims["exp"] == facts.expires_at


async def test_nothing_is_fetched_for_a_copy(wallet: Wallet) -> None:
    await wallet.collect()
    before = len(wallet.world.log)
    await make_out(wallet.means, wallet.vault, FOR_BANK)
    assert len(wallet.world.log) == before


async def test_t_co_4_what_one_party_has_seen_goes_to_no_other(wallet: Wallet) -> None:
    """T-CO-4, by a copy and by a showing: the one who saw it may see it again, and is told of; whoever else asks gets none of these."""
    await wallet.collect()
    for _ in range(BATCH):
        await make_out(wallet.means, wallet.vault, FOR_BANK)
    await make_out(wallet.means, wallet.vault, FOR_BANK)
    with pytest.raises(Conflict):
        await make_out(wallet.means, wallet.vault, Wish(entity=COUNCIL, name="", purpose_id="tax", query="council-tax"))
    view = await wallet.ask(wallet.world.bank.ask("bank"))
    assert view.parts[0].choices[0].reused_at


async def test_two_copies_share_no_nonce_number_or_key(wallet: Wallet) -> None:
    await wallet.collect()
    first, second = [(await make_out(wallet.means, wallet.vault, FOR_BANK)).value for _ in range(2)]
    bindings = [
        parse_jwt(next(iter(addressed.parse_file(one.file).vp_token.values()))[0].rpartition("~")[2]).claims for one in (first, second)
    ]
    assert bindings[0]["nonce"] != bindings[1]["nonce"]
    assert bindings[0]["jti"] != bindings[1]["jti"]


async def test_named_details_only(wallet: Wallet) -> None:
    await wallet.collect()
    wish = Wish(entity=BANK, name="", purpose_id="x", claims=("represented/family_name", "powers/*"))
    made = (await make_out(wallet.means, wallet.vault, wish)).value
    ((presentation,),) = addressed.parse_file(made.file).vp_token.values()
    claims = formats()["dc+sd-jwt"].peek(formats()["dc+sd-jwt"].parse(presentation)).claims
    assert claims["represented"] == {"family_name": "Ashdown", "address": {}}
    assert claims["powers"] == CLAIMS["powers"]
    assert claims["proxy"] == {}


async def test_what_no_document_says_is_not_made(wallet: Wallet) -> None:
    with pytest.raises(AccessDenied):
        await make_out(wallet.means, wallet.vault, FOR_BANK)
    await wallet.collect()
    with pytest.raises(AccessDenied):
        await make_out(wallet.means, wallet.vault, Wish(entity=BANK, name="", purpose_id="x", claims=("restrictions_text",)))
    with pytest.raises(Malformed):
        await make_out(wallet.means, wallet.vault, Wish(entity=BANK, name="", purpose_id="x", query="no such question"))


@pytest.mark.parametrize(
    "changes",
    [
        {"entity": "bank"},
        {"entity": "https://bank .example"},
        {"purpose_id": ""},
        {"days": 0},
        {"days": 15},
        {"query": None},
        {"entity": "x:" + "y" * 2_000},
    ],
)
def test_a_wish_that_cannot_be_is_malformed(changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        check_wish(replace(FOR_BANK, **changes))


async def test_the_picture_holds_the_copy_and_reads_back(wallet: Wallet) -> None:
    await wallet.collect()
    made = (await make_out(wallet.means, wallet.vault, FOR_BANK)).value
    (text,) = qr.read(share.qr_png(made))
    copy = addressed.parse(text)
    assert copy.vp_token == addressed.parse_file(made.file).vp_token
    assert copy.aud == f"a:{BANK}"
    assert "<svg" in share.qr_svg(made)
    assert "Northwold Bank" in share.sentence(made)


@pytest.mark.parametrize(("size", "strength"), [(0, "M"), (500, "L"), (1_300, None)])
async def test_too_much_for_one_code_is_said_and_the_file_remains(wallet: Wallet, size: int, strength: str | None) -> None:
    words = "not to sell " + base64.b64encode(Dice("restrictions")(size)).decode()
    wallet.world.office.claims = {**CLAIMS, "has_restrictions": True, "restrictions_text": words}
    await wallet.collect()
    wish = replace(FOR_BANK, claims=("restrictions_text",))
    made = (await make_out(wallet.means, wallet.vault, wish)).value
    if strength is None:
        with pytest.raises(TooLarge):
            share.qr_of(made)
        assert json.loads(made.file)["vp_token"]
    else:
        text, chosen = share.qr_of(made)
        assert len(text) <= addressed.MAX_QR
        assert chosen == strength
        assert qr.read(share.qr_png(made)) == [text]


async def test_a_copy_lies_in_the_wallet_until_it_runs_out(wallet: Wallet) -> None:
    await wallet.collect()
    item = await make_out(wallet.means, wallet.vault, FOR_BANK)
    assert (await share.get_copy(wallet.means, wallet.vault, item.id)).value == item.value
    wallet.world.clock.at += 8 * DAY
    await upkeep(wallet.means, wallet.vault)
    with pytest.raises(Missing):
        await share.get_copy(wallet.means, wallet.vault, item.id)


# --- pictures --------------------------------------------------------------------------------------------------------------------------

LINK = "https://opg.example/offer?credential_offer_uri=https%3A%2F%2Fopg.example%2Foffers%2Fpre-1"


def saved(picture: Image.Image, kind: str = "PNG") -> bytes:
    out = BytesIO()
    picture.convert("RGB").save(out, kind)
    return out.getvalue()


def code() -> Image.Image:
    return Image.open(BytesIO(qr.png(LINK, scale=6))).convert("L")


@pytest.mark.parametrize("turn", [0, 90, 180, 270, 13])
def test_a_rotated_picture_is_read(turn: int) -> None:
    assert link_in(saved(code().rotate(turn, expand=True, fillcolor=255))) == LINK


def test_a_slightly_blurred_or_dim_photograph_is_read() -> None:
    assert link_in(saved(code().filter(ImageFilter.GaussianBlur(2)))) == LINK
    assert link_in(saved(code().point(lambda value: 70 + value // 4), "JPEG")) == LINK


@pytest.mark.parametrize(
    "picture",
    [b"", b"hello", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, qr.png(LINK)[:400]],
    ids=["empty", "text", "broken", "cut off"],
)
def test_what_is_no_picture_is_malformed(picture: bytes) -> None:
    with pytest.raises(Malformed):
        link_in(picture)


def test_a_picture_without_code_or_with_something_else_is_malformed() -> None:
    with pytest.raises(Malformed):
        link_in(saved(Image.new("L", (200, 200), 255)))
    with pytest.raises(Malformed):
        link_in(saved(code().filter(ImageFilter.GaussianBlur(25))))
    with pytest.raises(Malformed):
        link_in(qr.png("just words"))


def test_two_links_in_one_picture_are_ambiguous() -> None:
    both = Image.new("L", (1_200, 500), 255)
    both.paste(code(), (10, 10))
    both.paste(Image.open(BytesIO(qr.png("https://other.example/", scale=6))).convert("L"), (700, 10))
    with pytest.raises(Malformed):
        link_in(saved(both))


def test_a_huge_picture_is_too_large() -> None:
    huge = BytesIO()
    Image.new("1", (20_000, 20_000), 1).save(huge, "PNG")
    with pytest.raises(TooLarge):
        link_in(huge.getvalue())


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_link_or_an_error(data: bytes) -> None:
    try:
        assert "://" in link_in(data)
    except VcError:
        return


@settings(deadline=None)
@given(st.one_of(st.none(), st.text(max_size=40)), st.one_of(st.none(), st.text(max_size=40)))
def test_link_or_picture_never_both(link: str | None, picture: str | None) -> None:
    try:
        assert link_of(link, picture) is not None
    except VcError:
        return
