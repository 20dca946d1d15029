"""What can be wrong with a presentation, one thing at a time; each bend may be joined with others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import cbor2
from support import twins
from support.judging import Dice
from support.signing import AT, Signer
from support.trial_verify import BANK, DAY, IDX, LIST, MADE, assertion
from support.twins import Draft

from shared.codec import cbor

TYPE_MAP, STATUS = -70_000, 65_535
REDACTED: Final = cbor2.CBORSimpleValue(59)
Bend = Callable[[Draft, Dice], None]


def resigned(draft: Draft) -> None:
    """Whatever was bent inside, by the issuer itself."""
    draft.signed = None


def _payload(key: Any, value: Any) -> Bend:
    def bend(draft: Draft, _dice: Dice) -> None:
        if value is ...:
            draft.payload.pop(key, None)
        else:
            draft.payload[key] = value
        resigned(draft)

    return bend


def _member(key: Any, value: Any) -> Bend:
    def bend(draft: Draft, _dice: Dice) -> None:
        if value is ...:
            draft.members.pop(key, None)
        else:
            draft.members[key] = value

    return bend


def _map(change: Callable[[dict[Any, Any], Dice], None]) -> Bend:
    def bend(draft: Draft, dice: Dice) -> None:
        claims = dict(draft.payload[TYPE_MAP])
        change(claims, dice)
        draft.payload[TYPE_MAP] = claims
        resigned(draft)

    return bend


def _set(key: Any, value: Any) -> Bend:
    return _map(lambda claims, _dice: claims.pop(key, None) if value is ... else claims.__setitem__(key, value))


def _hidden(change: Callable[[list[bytes], Dice], None]) -> Bend:
    return lambda draft, dice: change(draft.hidden, dice)


def _header(key: int, value: Any, *, sign: bool = True) -> Bend:
    def bend(draft: Draft, _dice: Dice) -> None:
        if value is ...:
            draft.header.pop(key, None)
        else:
            draft.header[key] = value
        if sign:
            resigned(draft)

    return bend


def _binding(key: int, value: Any) -> Bend:
    def bend(draft: Draft, _dice: Dice) -> None:
        if value is ...:
            draft.binding.pop(key, None)
        else:
            draft.binding[key] = value

    return bend


def disclosed(draft: Draft, *parts: Any, listed: bool = True, at: int | None = None) -> None:
    """A disclosure of these parts, its digest among those in clear."""
    raw = cbor2.dumps([bytes(16), *parts])
    if listed:
        claims = dict(draft.payload[TYPE_MAP])
        claims[REDACTED] = [*claims[REDACTED], hashlib.sha256(raw).digest()]
        draft.payload[TYPE_MAP] = claims
        resigned(draft)
    draft.hidden.insert(len(draft.hidden) if at is None else at, raw)


def _again(draft: Draft, _dice: Dice) -> None:
    """A second disclosure for a group that is shown, in the place of one that is not: as many digests as ever."""
    raw = cbor2.dumps([bytes(16), *cbor2.loads(draft.hidden[0])[1:]])
    claims = dict(draft.payload[TYPE_MAP])
    shown = {hashlib.sha256(each).digest() for each in draft.hidden}
    spare = next((at for at, each in enumerate(claims[REDACTED]) if each not in shown), 0)
    claims[REDACTED] = [*claims[REDACTED][:spare], hashlib.sha256(raw).digest(), *claims[REDACTED][spare + 1 :]]
    draft.payload[TYPE_MAP] = claims
    resigned(draft)
    draft.hidden.append(raw)


def _disclosed(*parts: Any, listed: bool = True) -> Bend:
    return lambda draft, _dice: disclosed(draft, *parts, listed=listed)


def _hidden_limit(*parts: Any) -> Bend:
    def bend(draft: Draft, _dice: Dice) -> None:
        claims = dict(draft.payload[TYPE_MAP])
        claims.pop(9, None)
        draft.payload[TYPE_MAP] = claims
        disclosed(draft, *parts)

    return bend


def _listed(value: Any) -> Bend:
    """Something else where the disclosures stand."""

    def bend(draft: Draft, _dice: Dice) -> None:
        draft.bare[17] = value
        draft.hidden.clear()

    return bend


def _own(name: str) -> Bend:
    def bend(draft: Draft, _dice: Dice) -> None:
        setattr(draft, name, Signer.new(getattr(draft, name).public.alg))
        if name == "by":
            resigned(draft)

    return bend


def _high_s(draft: Draft, _dice: Dice) -> None:
    """(r, n - s): as good a signature, and another presentation only by its spelling."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    if draft.signed is not None and len(draft.signed) == 64:
        s = int.from_bytes(draft.signed[32:], "big")
        draft.signed = draft.signed[:32] + ((order - s) % order).to_bytes(32, "big")


def _cnf(change: Callable[[dict[int, Any]], Any]) -> Bend:
    def bend(draft: Draft, _dice: Dice) -> None:
        draft.payload[8] = change(dict(draft.payload[8][1])) if type(draft.payload.get(8)) is dict else 7
        resigned(draft)

    return bend


def _staple(**how: Any) -> Bend:
    def bend(draft: Draft, _dice: Dice) -> None:
        draft.bare[-70_301] = assertion(by=twins.registry(), **how)

    return bend


def _loosened(data: bytes) -> bytes:
    """With something in the header that nobody signs."""
    protected, _, payload, signature = cbor2.loads(data).value
    return cbor2.dumps(cbor2.CBORTag(18, [protected, {99: b"x"}, payload, signature]))


def _bare(key: Any, value: Any) -> Bend:
    return lambda draft, _dice: draft.bare.__setitem__(key, value)


def _take(claims: dict[Any, Any], dice: Dice) -> None:
    claims.pop(dice.choice(list(claims)))


def _swap(claims: dict[Any, Any], dice: Dice) -> None:
    key = dice.choice([each for each in claims if not cbor.is_redacted(each)])
    claims[key] = dice.choice([0, 1, 99, -1, "x", b"x", True, None, 1.5, [], {}, [0], cbor2.CBORTag(100, 1), 2**60, 2**70 % 2**64])


def _digests(change: Callable[[list[Any]], Any]) -> Bend:
    def apply(claims: dict[Any, Any], _dice: Dice) -> None:
        if REDACTED in claims:
            claims[REDACTED] = change(list(claims[REDACTED]))

    return _map(apply)


def _deep(levels: int, leaf: Any = 0) -> Any:
    return leaf if not levels else [_deep(levels - 1, leaf)]


def _drop_one(hidden: list[bytes], dice: Dice) -> None:
    if hidden:
        hidden.pop(dice.randrange(len(hidden)))


def _twice(hidden: list[bytes], dice: Dice) -> None:
    if hidden:
        hidden.append(dice.choice(hidden))


def _resalted(hidden: list[bytes], dice: Dice) -> None:
    if hidden:
        at = dice.randrange(len(hidden))
        hidden[at] = cbor2.dumps([dice.randbytes(16), *cbor2.loads(hidden[at])[1:]])


def _long_head(hidden: list[bytes], dice: Dice) -> None:
    if hidden:
        at = dice.randrange(len(hidden))
        hidden[at] = b"\x98\x03" + hidden[at][1:]


def _mixed(hidden: list[bytes], dice: Dice) -> None:
    dice.shuffle(hidden)


BENDS: Mapping[str, Bend] = {
    # the issuer's payload, signed by the issuer
    **{f"payload without {key}": _payload(key, ...) for key in (1, 2, 4, 6, 8, 11, STATUS, TYPE_MAP)},
    **{f"payload with {key!r}": _payload(key, value) for key, value in ((5, 1), (3, "x"), (99, 1), ("x", 1), (170, -16), (b"x", 1))},
    "payload with a digest": _payload(REDACTED, [bytes(32)]),
    **{f"iss {value!r:.20}": _payload(1, value) for value in ("", 7, "https://unknown.example", "x" * 2_048, "é" * 2_049, b"x")},
    **{f"sub {value!r}": _payload(2, value) for value in ("abcdef", "abcde", "abcdefg", "abcde!", 7, "ábcdef")},
    **{
        f"exp {value!r}": _payload(4, value)
        for value in (AT - 61, AT - 60, AT - 59, AT, AT + 1, MADE, MADE - 1, 2**53, 2**64 - 1, -1, "x", 1.5e9, True, None)
    },
    **{f"iat {value!r}": _payload(6, value) for value in (AT, AT + 60, AT + 61, AT + 40 * DAY, 0, -1, 2**53 - 1, "x", 1.0)},
    **{f"vct {value!r}": _payload(11, value) for value in (0, 65_002, -1, "65001", True, 2**60, 1.0)},
    **{
        f"status {place}": _payload(STATUS, value)
        for place, value in enumerate(
            [
                {},
                [],
                {"status_list": {}},
                {"status_list": {"idx": IDX}},
                {"status_list": {"idx": -1, "uri": LIST}},
                {"status_list": {"idx": 2**60, "uri": LIST}},
                {"status_list": {"idx": 2**18, "uri": LIST}},
                {"status_list": {"idx": 2**17 - 1, "uri": LIST}},
                {"status_list": {"idx": 2**17, "uri": LIST}},
                {"status_list": {"idx": True, "uri": LIST}},
                {"status_list": {"idx": IDX, "uri": ""}},
                {"status_list": {"idx": IDX, "uri": "https://opg.example/status/none"}},
                {"status_list": {"idx": IDX, "uri": LIST, "x": 1}},
                {"status_list": {"idx": IDX, "uri": LIST}, "x": 1},
                {"status_list": {"idx": IDX, "uri": LIST, REDACTED: []}},
                {"status_list": {"idx": 5, "uri": LIST}},
                {"status_list": {"idx": 6, "uri": LIST}},
                {"status_list": {"idx": 7, "uri": LIST}},
            ]
        )
    },
    "cnf without key": _payload(8, {}),
    "cnf with two": _cnf(lambda key: {1: key, 2: 3}),
    "cnf no map": _payload(8, [1]),
    "cnf odd curve": _cnf(lambda key: {1: key | {-1: 3}}),
    "cnf of another kind": _cnf(lambda key: {1: key | {1: 4}}),
    "cnf whole private": _cnf(lambda key: {1: key | {-4: bytes(32)}}),
    "cnf other sign": _cnf(lambda key: {1: key | {-3: not key.get(-3)}}),
    "cnf off the curve": _cnf(lambda key: {1: key | {-2: b"\xff" * 32}}),
    "cnf short": _cnf(lambda key: {1: key | {-2: key[-2][:-1]}}),
    "cnf of small order": _cnf(lambda _key: {1: {1: 1, -1: 6, -2: bytes(32)}}),
    # the map of the type
    "type map no map": _payload(TYPE_MAP, []),
    "type map empty": _payload(TYPE_MAP, {}),
    "a claim taken out": _map(_take),
    "a claim of another kind": _map(_swap),
    **{f"limit {key} taken out": _set(key, ...) for key in range(1, 10)},
    **{f"claim {key}": _set(key, 0) for key in (10, 12, 29, 30, 99, -1, -7, -13, "x")},
    "group in clear": _set(-1, {12: "Margaret", 13: "Ashdown"}),
    "element hidden": _set(11, [cbor2.CBORTag(60, bytes(32))]),
    "tag 60 for a value": _set(1, cbor2.CBORTag(60, bytes(32))),
    "bignum": _set(6, cbor2.CBORTag(2, b"\x01" * 9)),
    "large cardinality": _set(6, 2**60),
    "negative cardinality": _set(6, -1),
    "code past the end": _set(2, 4),
    "code before the beginning": _set(2, -1),
    "limit hidden": _hidden_limit(False, 9),
    "limit hidden in a group": _hidden_limit({9: False}, -6),
    "deep": _set(6, _deep(13)),
    "too deep": _set(6, _deep(15)),
    # digests
    "a digest twice": _digests(lambda found: [*found, found[0]] if found else [bytes(32)] * 2),
    "a short digest": _digests(lambda found: [*found, b"short"]),
    "a text for a digest": _digests(lambda found: [*found, "x" * 32]),
    "more digests": _digests(lambda found: [*found, bytes(32)]),
    "no digests": _digests(lambda _found: []),
    "digests no list": _digests(lambda _found: 7),
    "digests unsorted": _digests(lambda found: found[::-1]),
    # disclosures
    "a disclosure left out": _hidden(_drop_one),
    "a disclosure twice": _hidden(_twice),
    "a disclosure with another salt": _hidden(_resalted),
    "a disclosure with a long head": _hidden(_long_head),
    "disclosures in another order": _hidden(_mixed),
    "no disclosures": _hidden(lambda hidden, _dice: hidden.clear()),
    "a decoy shown": _disclosed(),
    "a decoy of nothing": _disclosed(listed=False),
    "an element": _disclosed(7),
    "an element of nothing": _disclosed(7, listed=False),
    "a group of nothing": _disclosed({}, -6, listed=False),
    "an empty group": _disclosed({}, -6),
    "a group that is none": _disclosed({}, -13),
    "a group of another level": _disclosed({18: "Nora"}, -8),
    "a positive key": _disclosed("x", 10),
    "a text key": _disclosed("x", "restrictions"),
    "a zero key": _disclosed({}, 0),
    "a long key": _disclosed({}, -(2**60)),
    "a key that is there": _disclosed({18: "Nora"}, -4),
    "a key that is there, among as many": _again,
    "a group no map": _disclosed([1], -6),
    "a portrait no bytes": _disclosed({29: "x"}, -6),
    "a portrait": _disclosed({29: b"RIFF\x0a\0\0\0WEBPVP8 \0\0"}, -6),
    "a portrait of nothing": _disclosed({29: b""}, -6),
    "a portrait too large": _disclosed({29: b"RIFF" + (1_000).to_bytes(4, "little") + b"WEBP" + bytes(996)}, -6),
    "a wrong claim in a group": _disclosed({10: "x"}, -6),
    "a nested digest": _disclosed({REDACTED: [bytes(32)]}, -6),
    "a nested element": _disclosed({29: [cbor2.CBORTag(60, bytes(32))]}, -6),
    "a deep value": _disclosed({29: _deep(14)}, -6),
    "four parts": _disclosed({}, -6, 1),
    "disclosures no list": _listed(7),
    "disclosures empty": _listed([]),
    "a disclosure no bytes": _listed(["x"]),
    "a disclosure of nothing": lambda draft, _dice: draft.hidden.append(b""),
    "a disclosure no array": lambda draft, _dice: draft.hidden.append(b"\xa0"),
    "a short salt": lambda draft, _dice: draft.hidden.append(cbor2.dumps([bytes(15), {}, -6])),
    "a salt of text": lambda draft, _dice: draft.hidden.append(cbor2.dumps(["x" * 16, {}, -6])),
    # the issuer's header and signature
    **{f"typ {value!r}": _header(16, value) for value in ("application/sd-cwt", 294, 61, "x", 293.0, ...)},
    **{f"alg {value!r}": _header(1, value) for value in (-7, -8, -19, -35, -51, 5, "ES256", ...)},
    **{f"kid {value!r:.20}": _header(4, value) for value in (bytes(8), bytes(7), "12345678", ...)},
    "header with more": _header(33, b"x"),
    "header with crit": _header(2, [16]),
    "header not signed": _header(4, bytes(8), sign=False),
    "signed by a stranger": _own("by"),
    "signature high": _high_s,
    "signature short": lambda draft, _dice: setattr(draft, "signed", bytes(63)),
    "signature of nothing": lambda draft, _dice: setattr(draft, "signed", bytes(64)),
    "payload not signed": lambda draft, _dice: draft.payload.__setitem__(
        4, draft.payload.get(4, 0) if type(draft.payload.get(4)) is not int else 7
    ),
    "a certificate outside": _bare(33, b"x"),
    "something outside": _bare(99, 1),
    "said twice": _bare(4, b"12345678"),
    # the holder's
    "bound by a stranger": _own("to"),
    "binding of nothing": lambda draft, _dice: setattr(draft, "bound", bytes(64)),
    "binding short": lambda draft, _dice: setattr(draft, "bound", bytes(10)),
    "outside the binding": lambda draft, _dice: draft.outside.__setitem__(4, b"x"),
    **{f"binding typ {value!r}": _binding(16, value) for value in ("application/kb+cwt", 293, 61, ...)},
    **{f"binding alg {value!r}": _binding(1, value) for value in (-7, -8, -51, -37, ...)},
    "binding with more": _binding(4, b"12345678"),
    **{f"aud {value!r:.20}": _member(3, value) for value in ("l:x", "", 7, ["l:x"], f"a:{BANK}", "c:x", ...)},
    **{f"nonce {value!r:.20}": _member(39, value) for value in (bytes(32), b"", "x", bytes(16), bytes(15), bytes(97), ...)},
    **{
        f"made {value!r}": _member(6, value)
        for value in (
            AT + 60,
            AT + 61,
            AT - 14 * DAY - 60,
            AT - 14 * DAY - 61,
            0,
            -1,
            2**60,
            "x",
            1.5,
            None,
            MADE - 1,
            MADE + 30 * DAY,
            ...,
        )
    },
    **{
        f"ends {value!r}": _member(4, value)
        for value in (AT, AT + 1, AT - 1, MADE + 30 * DAY, MADE + 30 * DAY + 1, AT + 14 * DAY, AT + 14 * DAY + 1, "x", 2**60, None, True)
    },
    **{f"begins {value!r}": _member(5, value) for value in (AT, AT - 1, AT + 1, AT + 60, AT + 61, "x", None, 2**60)},
    **{f"cti {value!r:.20}": _member(7, value) for value in (bytes(16), b"", "x", 7)},
    **{f"purpose {value!r}": _member(-70_001, value) for value in ("open-account", "other", "", 7)},
    **{f"member {key!r:.20}": _member(key, 1) for key in (2, 1, "x", "aud", b"x", "x" * 256)},
    **{
        f"member of {place}": _member("x", value)
        for place, value in enumerate([None, 1.5, b"x", [1, [True]], [None], {"a": 1}, {1: 1}, cbor2.CBORTag(1, 1)])
    },
    # words about the status
    "staple valid": _staple(),
    "staple newer": _staple(iat=AT - 5),
    "staple cancelled": _staple(status=1),
    "staple on hold, newer": _staple(status=2, iat=AT - 5),
    "staple on hold, older": _staple(status=2, iat=AT - 2 * DAY),
    "staple on hold, same second": _staple(status=2),
    "staple of nine": _staple(status=9, iat=AT - 5),
    "staple from the future": _staple(iat=AT + 61),
    "staple ahead": _staple(iat=AT + 60),
    "staple over": _staple(iat=AT - 5, exp=AT),
    "staple living long": _staple(exp=AT + 8 * DAY),
    "staple of another copy": _staple(idx=1, status=1),
    "staple of another list": _staple(uri="https://opg.example/status/2", status=1),
    "staple of an unknown key": _staple(status=1, kid=bytes(8)),
    "staple by another key": lambda draft, _dice: draft.bare.__setitem__(-70_301, assertion(status=1, by=twins.second())),
    "staple by a stranger": lambda draft, _dice: draft.bare.__setitem__(-70_301, assertion(status=1, by=twins.unknown())),
    "staple with more outside": lambda draft, _dice: draft.bare.__setitem__(-70_301, _loosened(assertion(by=twins.registry(), iat=AT - 5))),
    "staple of nothing": _bare(-70_301, b"x"),
    "staple no bytes": _bare(-70_301, 7),
}
