"""The scripts' codecs against ours: the same values, and the same refusals, of whatever comes."""

from __future__ import annotations

import json
import math
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cbor2
import pytest
from support import judging

from shared import errors
from shared.codec import base45, base64url, cbor, frames, strict_json
from shared.codec.inflate import inflate
from shared.errors import VcError
from shared.ovp import envelope

pytestmark = pytest.mark.real

OVP = Path(__file__).resolve().parents[3] / "shared" / "web" / "static" / "js" / "ovp"


def test_codes_and_their_lines_are_those_of_python() -> None:
    text = (OVP / "errors.js").read_text("utf-8")
    found = {code: (check, state) for code, check, state in re.findall(r'^  (\w+): \["(\w+)", "(\w+)"\],$', text, re.MULTILINE)}

    def below(one: type[VcError]) -> Iterator[type[VcError]]:
        yield one
        for each in one.__subclasses__():
            yield from below(each)

    ours = {
        each.code: (each.check, "unchecked" if issubclass(each, errors.Undecided) else "failed")
        for each in below(VcError)
        if hasattr(each, "check")
    }
    assert found == ours


def shown(item: Any) -> str:
    """As ``shown`` in ops.mjs."""
    if isinstance(item, bytes):
        return f"h'{item.hex()}'"
    if isinstance(item, cbor2.CBORTag):
        return f"{item.tag}({shown(item.value)})"
    if isinstance(item, cbor2.CBORSimpleValue):
        return f"simple({item.value})"
    if isinstance(item, float):
        return "float nan" if math.isnan(item) else f"float {struct.pack('>d', item).hex()}"
    if isinstance(item, Mapping):
        return "{" + ", ".join(f"{shown(key)}: {shown(value)}" for key, value in item.items()) + "}"
    if isinstance(item, list | tuple):
        return "[" + ", ".join(map(shown, item)) + "]"
    if isinstance(item, str):
        return json.dumps([ord(char) for char in item], separators=(",", ":"))
    words = {None: "null", True: "true", False: "false"}
    if item is cbor2.undefined:
        return "undefined"
    return words[item] if item is None or isinstance(item, bool) else str(item)


def made(dice: judging.Dice, depth: int = 0) -> Any:
    kind = dice.randrange(12 if depth < 4 else 8)
    if kind < 2:
        return dice.choice([0, 1, 23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**53 - 1, 2**53, 2**64 - 1]) * dice.choice(
            [1, 1, -1]
        )
    if kind == 2:
        return dice.randbytes(dice.choice([0, 1, 16, 23, 24, 40]))
    if kind == 3:
        return "".join(dice.choice("aé‐😀 ") for _ in range(dice.randrange(30)))
    if kind == 4:
        return dice.choice([True, False, None, cbor2.undefined, cbor2.CBORSimpleValue(59), cbor2.CBORSimpleValue(3)])
    if kind < 7:
        return dice.choice([0.0, -0.0, 1.0, 1.5, float("nan"), float("inf"), 5e-324, 3.1415, 65504.0, 6e-8])
    if kind == 7:
        return cbor2.CBORTag(dice.choice([0, 18, 24, 100, 55_799, 2**40]), made(dice, depth + 1))
    if kind < 10:
        return [made(dice, depth + 1) for _ in range(dice.randrange(5))]
    keys = [
        dice.choice([dice.randrange(-300, 300), f"k{dice.randrange(9)}", dice.randbytes(2), cbor2.CBORSimpleValue(59)]) for _ in range(4)
    ]
    return {key: made(dice, depth + 1) for key in keys}


def mutated(dice: judging.Dice, data: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(dice.choice([0, 1, 1, 2])):
        at = dice.randrange(len(out) + 1)
        action = dice.randrange(4)
        if action == 0 and at < len(out):
            out[at] ^= 1 << dice.randrange(8)
        elif action == 1 and at < len(out):
            del out[at]
        elif action == 2:
            out.insert(at, dice.randrange(256))
        else:
            out += dice.randbytes(1)
    return bytes(out)


def test_cbor() -> None:
    dice = judging.dice(1)
    data = [mutated(dice, cbor2.dumps(made(dice), canonical=dice.random() < 0.5)) for _ in range(6_000)]
    data += [dice.randbytes(dice.randrange(9)) for _ in range(4_000)]
    data += [
        bytes.fromhex(head) * depth + tail for head in ("81", "c1", "a100") for depth in range(14, 19) for tail in (b"\0", b"\x80", b"\xa0")
    ]
    cases = [{"op": "cbor", "data": each.hex(), "redacted": dice.random() < 0.5} for each in data]
    assert judging.equal(cases, lambda case: shown(cbor.loads(bytes.fromhex(case["data"]), redacted=case["redacted"]))) > 2_000


def test_cbor_is_written_deterministically() -> None:
    dice = judging.dice(2)

    def plain() -> Any:
        while True:
            item = made(dice)
            if "float" not in shown(item):
                return item

    def ours(case: Mapping[str, Any]) -> str:
        return rewritten(cbor.loads(bytes.fromhex(case["data"]), redacted=True)).hex()

    data = [cbor2.dumps(plain()) for _ in range(1_500)]
    assert judging.equal([{"op": "again", "data": each.hex()} for each in data], ours) > 1_000


def rewritten(item: Any) -> bytes:
    """RFC 8949 section 4.2.1: keys in the order of their bytes, where cbor2 sorts by length first."""
    if isinstance(item, Mapping):
        entries = sorted((rewritten(key), rewritten(value)) for key, value in item.items())
        return headed(0xA0, len(entries)) + b"".join(key + value for key, value in entries)
    if isinstance(item, list | tuple):
        return headed(0x80, len(item)) + b"".join(map(rewritten, item))
    if isinstance(item, cbor2.CBORTag):
        return headed(0xC0, item.tag) + rewritten(item.value)
    return cbor2.dumps(item)


def headed(major: int, argument: int) -> bytes:
    head = bytearray(cbor2.dumps(argument))
    head[0] |= major
    return bytes(head)


def plain_json(value: Any) -> str:
    """As ``plainJson`` in ops.mjs."""
    if isinstance(value, list):
        return "[" + ", ".join(map(plain_json, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(sorted(f"{shown(name)}: {plain_json(each)}" for name, each in value.items())) + "}"
    return shown(value)


def texts(dice: judging.Dice) -> Iterator[bytes]:
    scalars = [
        "0",
        "-0",
        "1",
        "-1",
        "01",
        "1.0",
        "1e2",
        "1E+2",
        ".5",
        "5.",
        "-",
        "9007199254740991",
        "9007199254740992",
        "1e400",
        "null",
        "tru",
    ]
    scalars += [
        '"a"',
        '"\\u00e9"',
        '"\\ud800"',
        '"\\ud83d\\ude00"',
        '"\\/"',
        '"\\x"',
        '"\\"',
        '""',
        '"é😀"',
        '"\t"',
        '"__proto__"',
        "'a'",
        "NaN",
        "true",
    ]
    spaces = ["", "", "", " ", "\n", "\ufeff", "\u00a0"]

    def value(depth: int) -> str:
        kind = dice.randrange(6 if depth < 4 else 4)
        if kind < 4:
            return dice.choice(spaces) + dice.choice(scalars)
        items = [value(depth + 1) for _ in range(dice.randrange(4))]
        if kind == 4:
            return f"[{','.join(items)}]"
        names = ['"a"', '"b"', '"__proto__"', '"c"', "d"]
        return "{" + ",".join(f"{dice.choice(names)}:{item}" for item in items) + "}"

    for _ in range(3_000):
        yield value(0).encode()
    for depth in range(6, 11):
        yield ("[" * depth + "]" * depth).encode()
        yield ('{"a":' * depth + "1" + "}" * depth).encode()
    yield from (b"", b"\xff", b'"\xed\xa0\x80"', b"[1]x", b"[1,]", b'{"a":1,}', b'{"a":1 "b":2}', b'{"a" :1,"a": 2}', b'{"a:":1,"b":"a:"}')


def test_json() -> None:
    cases = [{"op": "json", "data": each.hex()} for each in texts(judging.dice(10))]
    assert judging.equal(cases, lambda case: plain_json(strict_json.loads(bytes.fromhex(case["data"]), max_depth=8))) > 500


def streams(dice: judging.Dice) -> Iterator[bytes]:
    for _ in range(1_500):
        size = dice.choice([0, 1, 10, 300, 999, 1_000, 1_001, 5_000])
        plain = dice.choice(
            [dice.randbytes(size), bytes(size), bytes(dice.choice(b"abcdefg") for _ in range(size)), (b"muniment " * 999)[:size]]
        )
        maker = zlib.compressobj(dice.randrange(10), zlib.DEFLATED, dice.choice([9, 12, 15]), 8, dice.choice([0, 2, 3, 4]))
        packed = maker.compress(plain) + maker.flush()
        yield mutated(dice, packed) if dice.random() < 0.7 else packed
    for _ in range(1_500):
        yield b"\x78\x9c" + dice.randbytes(dice.randrange(60))
    for code in range(0x10000):
        if code % 31 == 0:
            yield code.to_bytes(2, "big") + b"\x03\x00\x00\x00\x00\x01"


def test_inflate() -> None:
    cases = [{"op": "unpack", "data": each.hex(), "max": 1_000} for each in streams(judging.dice(3))]
    assert judging.equal(cases, lambda case: inflate(bytes.fromhex(case["data"]), max_bytes=case["max"]).hex()) > 300


def test_a_bomb_is_not_unfolded() -> None:
    bomb = zlib.compress(bytes(50_000_000), 9)
    assert judging.judge([{"op": "unpack", "data": bomb.hex(), "max": 16_384}])[0]["code"] == "too_large"


def test_texts() -> None:
    dice = judging.dice(4)
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:aé="
    some = ["".join(dice.choice(alphabet) for _ in range(dice.randrange(8))) for _ in range(1_000)]
    cases = [
        {"op": "base45", "text": text} for text in [*some, *(base45.encode(dice.randbytes(n)) for n in range(60)), "GGW", "GGX", "5U", "6U"]
    ]
    assert judging.equal(cases, lambda case: base45.decode(case["text"]).hex()) > 100
    urls = ["".join(dice.choice("AQgwZ-_+/= ") for _ in range(dice.randrange(8))) for _ in range(1_000)]
    cases = [{"op": "base64url", "text": text} for text in [*urls, *(base64url.encode(dice.randbytes(n)) for n in range(60))]]
    assert judging.equal(cases, lambda case: base64url.decode(case["text"]).hex()) > 100
    data = [{"op": op, "data": dice.randbytes(n).hex()} for n in range(80) for op in ("to_base45", "to_base64url")]
    judging.equal(data, lambda case: (base45 if case["op"] == "to_base45" else base64url).encode(bytes.fromhex(case["data"])))


def test_frames() -> None:
    dice = judging.dice(5)
    messages = [dice.randbytes(dice.choice([1, 10, 149, 150, 151, 299, 300, 301, 900, 1_500])) for _ in range(60)]
    cases = [{"op": "frames", "data": each.hex(), "chunk": dice.choice([4, 150, 300])} for each in messages]
    cases.append({"op": "frames", "data": "", "chunk": 300})
    assert judging.equal(cases, lambda case: frames.split(bytes.fromhex(case["data"]), chunk=case["chunk"])) > 30
    shows = []
    for _ in range(150):
        texts = [
            text for each in dice.sample(messages, dice.choice([1, 2, 6])) if len(each) < 1_000 for text in frames.split(each, chunk=150)
        ]
        dice.shuffle(texts)
        shows.append({"op": "assemble", "texts": [lied(dice, text) for text in texts[:40]]})
    judging.equal(shows, assembled)


def lied(dice: judging.Dice, text: str) -> str:
    if dice.random() < 0.9:
        return text
    return dice.choice([text[:-3], "OVC1:" + text[5:], "OVM1:" + base45.encode(mutated(dice, base45.decode(text[5:])))])


def assembled(case: Mapping[str, Any]) -> list[list[Any]]:
    assembly = frames.Assembly()
    seen = []
    for text in case["texts"]:
        try:
            whole = assembly.add(text)
            seen.append([whole and whole.hex(), *assembly.progress])
        except VcError as error:
            seen.append([error.code, *assembly.progress])
    return seen


def test_envelope() -> None:
    dice = judging.dice(6)
    cases: list[dict[str, Any]] = []
    for _ in range(400):
        prefix = dice.choice([envelope.CHALLENGE, envelope.PRESENTATION, envelope.SEALED, envelope.BEARER, envelope.SD_JWT])
        content = dice.choice([dice.randbytes(200), b"\xd2" + bytes(300), b"\x78" + dice.randbytes(20), b""])
        text, message = envelope.render_text(prefix, content), envelope.to_message(prefix, content)
        cases += [
            {"op": "text", "text": text if dice.random() < 0.5 else "OVX1:" + text[5:]},
            {"op": "message", "data": mutated(dice, message).hex()},
            {"op": "render", "prefix": prefix, "data": content.hex()},
            {"op": "to_message", "prefix": prefix, "data": content.hex()},
        ]
    cases += [{"op": "text", "text": text} for text in ("", "OVP1", "OVP1:", "OVP1:" + "0" * 4_300, "OVM1:000000")]
    cases.append({"op": "message", "data": "50" + "00" * 17_000})
    assert judging.equal(cases, enveloped) > 500


def enveloped(case: Mapping[str, Any]) -> list[str]:
    if case["op"] == "text":
        prefix, content = envelope.parse_text(case["text"])
    elif case["op"] == "message":
        prefix, content = envelope.of_message(bytes.fromhex(case["data"]))
    elif case["op"] == "render":
        prefix, content = envelope.parse_text(envelope.render_text(case["prefix"], bytes.fromhex(case["data"])))
    else:
        prefix, content = envelope.of_message(envelope.to_message(case["prefix"], bytes.fromhex(case["data"])))
    return [prefix, content.hex()]
