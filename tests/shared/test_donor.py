"""What is reported to a donor: always the same size, sealed to her alone, and found by a secret that nobody else has (security rule S27)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.trial_verify import Dice

from shared import donor
from shared.codec import base64url, strict_json
from shared.donor import MOST, SIZE, Report, Told, Use
from shared.errors import AlgorithmRefused, Malformed, VcError, WrongTyp
from shared.jose import jwe
from shared.sealed_link import generate_words

KEY = jwe.generate_ephemeral()
PUBLIC = donor.public_key(KEY)
BANK = Use(
    number=1, at=1_800_000_000, name="Northwold Bank", entity="https://bank.example", purpose="Bank account", result="success", live=True
)


def uses(count: int, **changes: Any) -> list[Use]:
    return [replace(BANK, number=number, **changes) for number in range(1, count + 1)]


@pytest.mark.parametrize("count", [0, 1, 9, 500])
def test_every_report_has_one_size(count: int) -> None:
    token, told = donor.seal_report(uses(count), PUBLIC)
    assert len(token) == SIZE
    report = donor.open_report(token, KEY)
    assert report == Report(uses=tuple(uses(count)[:told]), more=count - told)
    assert (told == count) == (count < 10)
    assert told >= min(count, 10)


def test_long_words_are_cut_and_short_uses_are_bounded() -> None:
    long = uses(1, name="é" * 900, entity="https://" + "x" * 900, purpose="p" * 900)
    report = donor.open_report(donor.seal_report(long, PUBLIC)[0], KEY)
    assert {len(text) for use in report.uses for text in (use.name, use.entity, use.purpose)} == {200}
    assert donor.seal_report([replace(BANK, name="", entity="", purpose="", result="x")] * 300, PUBLIC)[1] <= MOST


def sealed(inside: bytes, *, typ: str = donor.TYP, key: Any = PUBLIC) -> str:
    return jwe.encrypt(inside.ljust(2_851), key, enc="A256GCM", header={"typ": typ})


@pytest.mark.parametrize(
    ("bent", "error"),
    [
        (lambda token: token[:-4], Malformed),
        (lambda token: token + "AAAA", Malformed),
        (lambda _: "x" * SIZE, Malformed),
        (lambda _: sealed(b"{}", typ="use-repert+jwe"), WrongTyp),
        (lambda token: token[:-1] + ("A" if token[-1] != "A" else "E"), Malformed),
        (lambda _: sealed(b"{}"), Malformed),
        (lambda _: sealed(b'{"more":0,"uses":[{}]}'), Malformed),
        (lambda _: sealed(b'{"more":0,"uses":{}}'), Malformed),
    ],
)
def test_a_report_that_is_none(bent: Callable[[str], str], error: type[VcError]) -> None:
    with pytest.raises(error):
        donor.open_report(bent(donor.seal_report([], PUBLIC)[0]), KEY)


@pytest.mark.parametrize(
    "change",
    [{"live": 1}, {"n": 0}, {"at": "x"}, {"at": 2**53 - 1}, {"name": "a\nb"}, {"result": ""}, {"entity": "x" * 201}, {"purpose": None}],
)
def test_a_use_that_is_none(change: dict[str, Any]) -> None:
    use = {"n": 1, "at": 2, "name": "", "entity": "", "purpose": "", "result": "success", "live": True} | change
    with pytest.raises(Malformed):
        donor.open_report(sealed(strict_json.dumps({"more": 0, "uses": [use]})), KEY)


def test_nobody_else_reads_it() -> None:
    token, _ = donor.seal_report(uses(3), PUBLIC)
    with pytest.raises(Malformed):
        donor.open_report(token, jwe.generate_ephemeral())


@given(st.text(max_size=80) | st.binary(max_size=80).map(base64url.encode))
def test_whatever_is_typed_or_sent_is_a_value_or_an_error(text: str) -> None:
    for read in (donor.read_secret, donor.read_tag, donor.read_pass, donor.check_report, lambda token: donor.open_report(token, KEY)):
        try:
            read(text)
        except VcError:
            continue


def test_secret_and_tag() -> None:
    secret = bytes(range(16))
    assert donor.read_secret(base64url.encode(secret)) == secret
    assert donor.read_tag(base64url.encode(donor.tag_of(secret))) == hashlib.sha256(secret).digest()
    assert donor.read_pass(base64url.encode(secret)) == secret
    for read, size in ((donor.read_secret, 15), (donor.read_tag, 16), (donor.read_pass, 17)):
        with pytest.raises(Malformed, match="bits"):
            read(base64url.encode(bytes(size)))


def test_a_key_is_a_plain_point() -> None:
    assert donor.parse_key(PUBLIC) == PUBLIC
    for bent in (PUBLIC | {"kid": "x"}, KEY, {"kty": "EC"}, PUBLIC | {"x": PUBLIC["y"]}):
        with pytest.raises((Malformed, AlgorithmRefused)):
            donor.parse_key(bent)


def test_the_words_of_a_sheet_are_a_key() -> None:
    words = generate_words(Dice("sheet"))
    key = donor.key_of_words(words)
    assert key == donor.key_of_words(words.upper().replace("-", " "))
    assert key != donor.key_of_words(generate_words(Dice("other")))
    token, _ = donor.seal_report(uses(2), donor.public_key(key))
    assert donor.open_report(token, key).uses == tuple(uses(2))


def test_what_is_asked_is_meant_for_one_office_and_one_thing() -> None:
    asked = {donor.audience(office, ask) for office in ("https://a.example", "https://b.example") for ask in donor.ASKS}
    assert len(asked) == 2 * len(donor.ASKS)


def told(use: Use, turn: int = 0, **changes: Any) -> Told:
    (only,) = Report(uses=(replace(use, **changes),)).told(turn)
    return only


def test_of_how_a_use_came_out_the_later_word_counts() -> None:
    """One line a use, in the order of its number; what is told once more changes nothing, and how a letter came out makes nobody a liar."""
    second = replace(BANK, number=2, at=BANK.at + 60, live=False)
    lines = [told(second), told(BANK), told(second, result="failed"), told(BANK)]
    assert donor.lines(lines) == [told(BANK), told(second, result="failed")]
    assert donor.lines([*donor.lines(lines), told(second)]) == [told(BANK), told(second)]


def test_what_is_told_in_two_ways_under_one_number_fits_in_neither() -> None:
    """Each wallet of an attorney counts from 1, so that a number of another turn is another use."""
    other = told(BANK, entity="https://harmless.example")
    both = donor.lines([told(BANK), other, told(BANK, turn=1, name="Anytown Council"), other])
    assert [(use.turn, use.number, use.entity, use.result, use.fits) for use in both] == [
        (0, 1, BANK.entity, "success", False),
        (0, 1, other.entity, "success", False),
        (1, 1, BANK.entity, "success", True),
    ]


def test_how_something_came_out_that_was_shown_there_and_then_changes_no_more() -> None:
    """Only a letter is known to have failed later. Whoever takes back what worked is not believed: both words stay, and neither fits."""
    for first, later in (("success", "failed"), ("failed", "success")):
        lines = donor.lines([told(BANK, result=first), told(BANK, result=later), told(replace(BANK, number=2))])
        assert [(use.number, use.result, use.fits) for use in lines] == [(1, first, False), (1, later, False), (2, "success", True)]
        assert donor.lines([*lines, told(BANK, result=later)]) == lines
