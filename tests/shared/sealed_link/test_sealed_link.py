from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jwcrypto import jwa
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK

from shared import sealed_link
from shared.addressed import AddressedPresentation
from shared.clock import system_entropy
from shared.codec import base64url
from shared.credentials import Text
from shared.errors import AlgorithmRefused, Expired, Malformed, TooLarge, VcError, WrongAudience, WrongTyp
from shared.inbox import Inbox, Letter, check_key, open_letter, seal_letter
from shared.jose import jwe
from shared.sealed_link import (
    Addressee,
    Detail,
    Link,
    check,
    check_addressee,
    find,
    generate_words,
    open_with_key,
    open_with_words,
    peek_addressee,
    seal,
    seal_for,
    typed,
)

UTIL, BANK = "https://utilities.example", "https://bank.example"
AT = 1_800_000_000
COPY = AddressedPresentation(
    format="dc+sd-jwt", aud=f"a:{UTIL}", purpose_id="close-account", vp_token={"life-event": ("eyJ.eyJ.sig~WyJ~eyJ.eyJ.sig",)}
)
LINK = Link(
    name=Text("Brightwater Utilities", "Cyfleustodau Brightwater"),
    until=AT + 86_400,
    title=Text("Registered death", "Marwolaeth gofrestredig"),
    purpose=Text("to close the account", "i gau’r cyfrif"),
    copy=COPY,
    details=(Detail(label=Text("Family name", "Cyfenw"), value=Text("Ashdown", "Ashdown")),),
)


def dice(size: int) -> bytes:
    return hashlib.shake_256(b"dice").digest(size)


WORDS = generate_words(dice)
TOKEN = seal(LINK, WORDS, entropy=dice)
KEY = jwe.generate_ephemeral()
INBOX = Inbox(f"{UTIL}/inbox", check_key(jwe.public_half(KEY)))
KEYED = seal_for(LINK, INBOX)


def header_of(token: str) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(base64url.decode(token.split(".", maxsplit=1)[0]))
    return header


def with_header(token: str = TOKEN, /, **changes: object) -> str:
    header = {name: value for name, value in (header_of(token) | changes).items() if value is not None}
    return ".".join((base64url.encode(json.dumps(header).encode()), *token.split(".")[1:]))


def other_part(place: int, data: bytes, token: str = TOKEN) -> str:
    parts = token.split(".")
    return ".".join((*parts[:place], base64url.encode(data), *parts[place + 1 :]))


def sealed_json(inside: object, *, aud: str = "x", name: str = "X") -> str:
    """Anything at all, sealed for ``KEY``."""
    outside = {"typ": sealed_link.TYP, "aud": aud, "name": name}
    return jwe.encrypt(json.dumps(inside).encode(), jwe.public_half(KEY), enc="A256GCM", header=outside)


def test_words_open_what_they_sealed() -> None:
    assert open_with_words(TOKEN, WORDS) == LINK
    assert peek_addressee(TOKEN) is None
    assert LINK.entity == UTIL
    check(LINK, entity=UTIL, at=AT)


@pytest.mark.parametrize("form", [str.upper, str.title, lambda text: text.replace("-", " "), lambda text: f"  {text.replace('-', '')}.\n"])
def test_typing_is_forgiven(form: Any) -> None:
    assert typed(form(WORDS)) == typed(WORDS)
    assert open_with_words(TOKEN, form(WORDS)) == LINK


def test_words_are_91_bits_that_can_be_said() -> None:
    """Every word is as likely as every other, no two bit patterns make the same, and no list is needed."""

    def thrown(number: int) -> str:
        return generate_words(lambda size: number.to_bytes(size, "big")).split("-", maxsplit=1)[0]

    seen = {thrown(number) for number in range(2**13)}
    assert len(seen) == 2**13
    whole = generate_words(lambda size: b"\xff" * size)
    assert whole == "-".join(["totot"] * 7)
    assert len(WORDS.split("-")) == 7
    assert sealed_link.WORDS * sealed_link.WORD_BITS == 91


@pytest.mark.parametrize("chosen", ["", "secret", "correct horse battery staple", "totot-" * 6, "cwmba-" * 7, WORDS + "-totot"])
def test_chosen_words_are_refused(chosen: str) -> None:
    with pytest.raises(Malformed) as caught:
        seal(LINK, chosen, entropy=dice)
    assert caught.value.where == "words"


def test_header_says_nothing() -> None:
    """Neither holder nor body nor document, and no two links share more than the constants."""
    header = header_of(TOKEN)
    assert set(header) == {"typ", "alg", "enc", "p2s", "p2c"}
    assert (header["alg"], header["enc"], header["p2c"]) == ("PBES2-HS512+A256KW", "A256GCM", 600_000)
    other = seal(LINK, generate_words(system_entropy), entropy=system_entropy)
    assert header_of(other) | {"p2s": ""} == header | {"p2s": ""}
    assert not set(other.split(".")) & set(TOKEN.split("."))


def test_header_of_a_key_says_for_whom_and_nothing_else() -> None:
    """Of one body all links say the same, whatever the size of what is inside; the sender's key is new each time."""
    header, other = header_of(KEYED), header_of(seal_for(replace(LINK, details=()), INBOX))
    assert {name: value for name, value in header.items() if name != "epk"} == {
        "typ": "sealed-link+jwe", "alg": "ECDH-ES", "enc": "A256GCM", "kid": INBOX.kid, "aud": UTIL, "name": "Brightwater Utilities",
        "name#cy": "Cyfleustodau Brightwater",
    }  # fmt: skip
    assert set(header["epk"]) == {"kty", "crv", "x", "y"}
    assert other["epk"] != header["epk"]
    assert other | {"epk": ""} == header | {"epk": ""}
    assert [len(part) for part in KEYED.split(".")[1:]] == [0, 16, len(base64url.encode(bytes(8_192))), 22]


def test_sizes_go_in_doublings() -> None:
    small = seal(replace(LINK, details=(), purpose=Text("", "")), WORDS, entropy=dice)
    assert len(small) == len(TOKEN)
    large = replace(LINK, copy=replace(COPY, status_list_tokens=("x" * 20_000,)))
    assert len(base64url.decode(seal(large, WORDS, entropy=dice).split(".")[3])) == 32_768
    with pytest.raises(TooLarge):
        seal(replace(LINK, copy=replace(COPY, status_list_tokens=("x" * 9_000_000,))), WORDS, entropy=dice)


def test_others_open_it_by_the_standard(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 7518 section 4.8: jwcrypto reads what we seal, and we read what it seals."""
    monkeypatch.setattr(jwa, "default_max_pbkdf2_iterations", 1_000_000)
    algs = ["PBES2-HS512+A256KW", "A256GCM"]
    theirs = JWE(algs=algs)
    theirs.deserialize(TOKEN)
    theirs.decrypt(JWK.from_password(typed(WORDS).decode()))
    plaintext = theirs.plaintext or b""
    assert len(plaintext) == 8_192
    assert json.loads(plaintext)["name"] == LINK.name.en


def test_a_registered_key_opens_its_own() -> None:
    assert open_with_key(KEYED, KEY) == LINK
    assert peek_addressee(KEYED) == Addressee(UTIL, LINK.name, INBOX.kid)
    for other in (jwe.generate_ephemeral(), jwe.generate_ephemeral() | {"kid": INBOX.kid}):
        with pytest.raises(Malformed):
            open_with_key(KEYED, other)
    with pytest.raises(AlgorithmRefused):
        open_with_words(KEYED, WORDS)
    with pytest.raises(AlgorithmRefused):
        open_with_key(TOKEN, KEY)
    with pytest.raises(TooLarge):
        seal_for(replace(LINK, name=Text("x" * 201, "x" * 201)), INBOX)
    with pytest.raises(Malformed):
        seal_for(replace(LINK, name=Text("a\x1b[2J", "a\x1b[2J")), INBOX)


def test_a_name_that_is_the_same_in_both_languages_stands_there_once() -> None:
    """As it was written before there were two, and as older links have it."""
    same = replace(LINK, name=Text("Brightwater", "Brightwater"))
    keyed = seal_for(same, INBOX)
    assert "name#cy" not in header_of(keyed)
    assert b"name#cy" not in jwe.decrypt(keyed, KEY)
    assert open_with_key(keyed, KEY) == same


@pytest.mark.parametrize("name", ["Dŵr\u00adgloyw", "x" * 201, ""])
def test_a_welsh_name_that_nobody_could_read_stays_away(name: str) -> None:
    """No reader opens a name that is too long or has letters that cannot be seen, and whoever made the link would hear of it too late."""
    hidden = replace(LINK, name=Text("Brightwater", name))
    told = replace(LINK, name=Text("Brightwater", "Brightwater"))
    assert open_with_key(seal_for(hidden, INBOX), KEY) == told
    assert open_with_words(seal(hidden, WORDS, entropy=dice), WORDS) == told


def test_others_open_a_keyed_link_by_the_standard() -> None:
    """RFC 7518 section 4.6: jwcrypto reads what we seal with a key of its own making."""
    theirs = JWE(algs=["ECDH-ES", "A256GCM"])
    theirs.deserialize(KEYED)
    theirs.decrypt(JWK(**{name: KEY[name] for name in ("kty", "crv", "x", "y", "d")}))
    assert json.loads(theirs.plaintext or b"")["name"] == LINK.name.en


def test_what_stands_outside_is_what_is_inside() -> None:
    """The outside is under the seal; whoever seals says the same twice, or is not believed."""
    for changes in ({"aud": BANK}, {"name": "Northwold Bank"}, {"name#cy": "Banc Northwold"}, {"name#cy": None}, {"kid": "x"}):
        with pytest.raises(Malformed):
            open_with_key(with_header(KEYED, **changes), KEY)
    assert open_with_key(sealed_json(inside()), KEY).entity == "x"
    for outside in ({"aud": BANK}, {"name": "Y"}):
        with pytest.raises(Malformed) as caught:
            open_with_key(sealed_json(inside(), **outside), KEY)
        assert caught.value.where == "/aud"


def test_a_letter_is_no_link_and_a_link_no_letter() -> None:
    """Both are sealed for one key; neither is taken for the other."""
    letter = seal_letter(Letter("copy", bytes(16)), INBOX)
    with pytest.raises(Malformed) as caught:
        open_with_key(letter, KEY)
    assert caught.value.where == "/typ"
    with pytest.raises(WrongTyp):
        open_letter(KEYED, KEY)


def test_sealed_link_wrong_body_wording() -> None:
    """S28: the right words at the wrong body say for whom it was made; that comes before anything else, its end too."""
    opened = open_with_words(TOKEN, WORDS)
    with pytest.raises(WrongAudience) as caught:
        check(opened, entity=BANK, at=AT)
    assert caught.value.detail == "made for Brightwater Utilities"
    assert sealed_link.made_for(caught.value.detail) == "Brightwater Utilities"
    assert sealed_link.made_for("it was made out to somebody else") == ""
    with pytest.raises(WrongAudience):
        check(opened, entity=BANK, at=AT + 86_400)
    with pytest.raises(Expired):
        check(opened, entity=UTIL, at=AT + 86_400)
    addressee = peek_addressee(KEYED)
    assert addressee is not None
    check_addressee(addressee, entity=UTIL)
    with pytest.raises(WrongAudience) as caught:
        check_addressee(addressee, entity=BANK)
    assert caught.value.detail == "made for Brightwater Utilities"


def wrong(token: str, words: str) -> tuple[str, str, str]:
    with pytest.raises(Malformed) as caught:
        open_with_words(token, words)
    return type(caught.value).__name__, caught.value.detail, caught.value.where


def test_wrong_words_are_one_error() -> None:
    """Whether words, wrapped key, contents or header were wrong: the same error, and so no oracle."""
    parts = TOKEN.split(".")
    sealed = bytearray(base64url.decode(parts[3]))
    sealed[7] ^= 1
    cases = [
        (TOKEN, generate_words(system_entropy)),
        (TOKEN, "hello"),
        (TOKEN, ""),
        (TOKEN, WORDS + "x" * 500),
        (other_part(3, bytes(sealed)), WORDS),
        (other_part(1, bytes(40)), WORDS),
        (with_header(p2c=600_001), WORDS),
    ]
    assert {wrong(token, words) for token, words in cases} == {("Malformed", "these words do not open it", "words")}


def test_wrong_words_cost_what_right_ones_cost() -> None:
    """Same time within 20 % (AT-C05-2), by the processor's clock, in turns; of each the least, for others run beside."""
    costs: dict[str, list[float]] = {"right": [], "wrong": [], "none": []}
    for _ in range(9):
        for name, words in (("right", WORDS), ("wrong", generate_words(system_entropy)), ("none", "x")):
            begun = time.process_time()
            try:
                open_with_words(TOKEN, words)
            except Malformed:
                assert name != "right"
            costs[name].append(time.process_time() - begun)
        least = {name: min(each) for name, each in costs.items()}
        if len(costs["none"]) >= 3 and max(least.values()) < 1.2 * min(least.values()):
            return
    pytest.fail(f"not alike in nine turns: {costs}")


@pytest.mark.parametrize(
    ("token", "error"),
    [
        ("", Malformed),
        ("a.b.c", Malformed),
        ("!." + TOKEN, Malformed),
        (TOKEN + "A" * 12_000_000, TooLarge),
        (with_header(typ="other"), WrongTyp),
        (with_header(alg="dir"), AlgorithmRefused),
        (with_header(alg="PBES2-HS256+A128KW"), AlgorithmRefused),
        (with_header(enc="A128GCM"), AlgorithmRefused),
        (with_header(p2c=599_999), Malformed),
        (with_header(p2c=1_200_001), Malformed),
        (with_header(p2c=2**40), Malformed),
        (with_header(p2c=None), Malformed),
        (with_header(p2s=base64url.encode(bytes(15))), Malformed),
        (with_header(p2s=base64url.encode(bytes(65))), TooLarge),
        (with_header(kid="nora"), Malformed),
        (with_header(zip="DEF"), Malformed),
        (other_part(1, bytes(48)), Malformed),
        (other_part(2, bytes(16)), Malformed),
        (other_part(4, bytes(8)), Malformed),
    ],
)
def test_no_round_is_done_for_what_is_no_link(token: str, error: type[VcError], monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> bytes:
        raise AssertionError

    monkeypatch.setattr(hashlib, "pbkdf2_hmac", never)
    with pytest.raises(error):
        open_with_words(token, WORDS)
    with pytest.raises(VcError):
        open_with_key(token, KEY)


OFF_CURVE = {**header_of(KEYED)["epk"], "y": header_of(KEYED)["epk"]["x"]}
OTHER_CURVE = JWK.generate(kty="EC", crv="P-384").export_public(as_dict=True)


@pytest.mark.parametrize(
    ("token", "error"),
    [
        (KEYED + "A" * 12_000_000, TooLarge),
        (with_header(KEYED, typ="muniment-letter+json"), WrongTyp),
        (
            with_header(
                KEYED, alg="PBES2-HS512+A256KW", epk=None, kid=None, aud=None, name=None, p2s=base64url.encode(bytes(16)), p2c=600_000
            ),
            Malformed,
        ),
        (with_header(KEYED, alg="ECDH-ES+A256KW"), AlgorithmRefused),
        (with_header(KEYED, alg="dir"), AlgorithmRefused),
        (with_header(KEYED, alg="RSA-OAEP"), AlgorithmRefused),
        (with_header(KEYED, enc="A128GCM"), AlgorithmRefused),
        (with_header(KEYED, enc="A128CBC-HS256"), AlgorithmRefused),
        (with_header(KEYED, p2c=2**40), Malformed),
        (with_header(KEYED, zip="DEF"), Malformed),
        (with_header(KEYED, crit=["aud"]), Malformed),
        (with_header(KEYED, cty="muniment-letter+json"), Malformed),
        (with_header(KEYED, apu="AA"), Malformed),
        (with_header(KEYED, epk=None), Malformed),
        (with_header(KEYED, epk=OFF_CURVE), Malformed),
        (with_header(KEYED, epk={**OFF_CURVE, "x": base64url.encode(bytes(32)), "y": base64url.encode(bytes(32))}), Malformed),
        (with_header(KEYED, epk=OTHER_CURVE), Malformed),
        (with_header(KEYED, epk={**header_of(KEYED)["epk"], "d": KEY["d"]}), Malformed),
        (with_header(KEYED, epk={"kty": "oct", "k": "AAAA", "generate": "RSA", "size": 16_384}), Malformed),
        (with_header(KEYED, kid=None), Malformed),
        (with_header(KEYED, kid="x" * 44), TooLarge),
        (with_header(KEYED, aud=None), Malformed),
        (with_header(KEYED, aud=[UTIL, BANK]), Malformed),
        (with_header(KEYED, name="a\u202eb"), Malformed),
        (with_header(KEYED, name="x" * 201), TooLarge),
        (with_header(KEYED, **{"name#cy": "a\u202eb"}), Malformed),
        (with_header(KEYED, **{"name#cy": ""}), Malformed),
        (with_header(KEYED, **{"name#cy": "x" * 201}), TooLarge),
        (with_header(KEYED, **{"name#en": "x"}), Malformed),
        (with_header(TOKEN, alg="ECDH-ES"), Malformed),
        (with_header(TOKEN, **{**header_of(KEYED), "p2s": None, "p2c": None}), Malformed),
        (other_part(1, bytes(40), KEYED), Malformed),
        (other_part(2, bytes(16), KEYED), Malformed),
        (other_part(4, bytes(8), KEYED), Malformed),
        (other_part(3, bytes(8_388_609), KEYED), Malformed),
    ],
)
def test_no_key_is_tried_on_what_is_no_link(token: str, error: type[VcError], monkeypatch: pytest.MonkeyPatch) -> None:
    """One sealed with words dressed up as one for a key and the other way round, keys off the curve, and what is too large."""

    def never(*_: object, **__: object) -> bytes:
        raise AssertionError

    monkeypatch.setattr(jwe, "decrypt", never)
    monkeypatch.setattr(hashlib, "pbkdf2_hmac", never)
    for read in (peek_addressee, lambda text: open_with_key(text, KEY)):
        with pytest.raises(error):
            read(token)
    with pytest.raises(VcError):
        open_with_words(token, WORDS)


def inside(**changes: object) -> dict[str, Any]:
    pair = {"en": "a", "cy": "b"}
    copy = json.dumps({"format": "dc+sd-jwt", "aud": "a:x", "purpose_id": "p", "vp_token": {"a": ["b"]}})
    return {"name": "X", "until": 1, "title": pair, "purpose": pair, "details": [{"label": pair, "value": pair}], "copy": copy} | changes


def test_what_is_inside_is_read_strictly() -> None:
    assert open_with_key(sealed_json(inside()), KEY).name == Text("X", "X")
    bad: list[dict[str, Any]] = [
        {"name": ""}, {"name": "a\x1b[2J"}, {"name#cy": "a\x1b[2J"}, {"name#cy": 1}, {"until": "1"}, {"until": 2**53 - 1}, {"title": {"en": "a"}}, {"details": [{}] * 401}, {"details": [{"label": {"en": "a", "cy": "b"}}]},
        {"copy": "{}"}, {"copy": 1}, {"purpose": "x"},
    ]  # fmt: skip
    for changes in bad:
        with pytest.raises(Malformed):
            open_with_key(sealed_json(inside(**changes)), KEY)


def test_find() -> None:
    page = f'<!doctype html>\n<script type="application/jose" id="sealed">{TOKEN}</script>'
    for carrier in (TOKEN, f" {TOKEN}\n", f"https://view.example/locked#{TOKEN}", page, page.encode()):
        assert find(carrier) == TOKEN
    for other in ("", "{}", "OVJ1:AB", "https://view.example/", "a.b.c.d.e.f", "x" * 12_500_001, b"\xff\xfe"):
        assert find(other) is None


SOME = st.sampled_from(TOKEN.split(".")) | st.text("AQgw-_", max_size=60) | st.just("")


@settings(max_examples=150)
@given(st.lists(SOME, min_size=4, max_size=6).map(".".join) | st.text(max_size=80) | st.binary(max_size=60).map(base64url.encode))
@example(TOKEN)
@example(KEYED)
def test_any_token_is_a_link_or_an_error(token: str) -> None:
    found = find(token)
    assert found in {None, token.strip()}
    for read in (peek_addressee, lambda text: open_with_key(text, KEY)):
        try:
            read(token)
        except VcError:
            continue


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "until", "title", "purpose", "details", "copy", "en", "cy"]), inner, max_size=6), max_leaves=12), st.dictionaries(st.sampled_from(sorted(inside())), st.none() | st.text(max_size=5) | st.lists(st.integers(), max_size=2), max_size=2))  # fmt: skip
@settings(max_examples=100)
def test_any_contents_are_a_link_or_an_error(anything: Any, changes: dict[str, Any]) -> None:
    for content in (anything, inside(**changes)):
        try:
            token = sealed_json(content)
        except UnicodeEncodeError:
            continue
        try:
            assert isinstance(open_with_key(token, KEY), Link)
        except VcError:
            continue
