from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.forge import b64, bound, disclosure, entropy, hashed, jws, sd_jwt, unb64

from shared.errors import BadDisclosure, Malformed, TooLarge, VcError, WrongTyp
from shared.formats import _sd_jwt as machinery
from shared.formats._sd_jwt import ALGORITHMS, Redaction, digest, open_payload, parse_sd_jwt

A = disclosure("salt-a", "a", 1)
B = disclosure("salt-b", "b", "two")
ELEMENT = disclosure("salt-e", "element")
HA, HB, HE = hashed(A), hashed(B), hashed(ELEMENT)


def opened(payload: dict[str, Any], *disclosures: str) -> machinery.Opened:
    return open_payload(parse_sd_jwt(sd_jwt(payload, disclosures)))


# --- what opens (RFC 9901 section 7.1 step 3) ----------------------------------------------------------------------------------------


def test_members_elements_and_what_is_left_in_clear() -> None:
    payload = {
        "_sd": [HB, HA],
        "_sd_alg": "sha-256",
        "list": ["first", {"...": HE}, {"...": hashed("nothing")}, [1], {"x": 1}],
        "clear": {},
    }
    result = opened(payload, A, B, ELEMENT)
    assert result.document == {"a": 1, "b": "two", "list": ["first", "element", [1], {"x": 1}], "clear": {}}
    assert result.paths == (("a",), ("b",), ("list", 1))
    assert result.parents == (-1, -1, -1)
    assert set(result.leaves) == {("a",), ("b",), ("list", 1)}
    assert result.unexplained == 1


def test_what_is_withheld_leaves_nothing() -> None:
    result = opened({"_sd": [HA], "list": [{"...": HE}], "deep": {"_sd": [HB]}})
    assert result.document == {"list": [], "deep": {}}
    assert result.unexplained == 3
    assert result.leaves == ()
    assert opened({"_sd": [], "a": None}).document == {"a": None}


def test_recursive_disclosures() -> None:
    inner = disclosure("s1", "postal_code", "ZZ99 4CD")
    address = disclosure("s2", "address", {"_sd": [hashed(inner)], "country": "GB", "lines": ["one", {"...": HE}], "flat": None})
    for order in ((inner, address, ELEMENT), (ELEMENT, address, inner)):
        result = opened({"_sd": [hashed(address)]}, *order)
        assert result.document == {"address": {"postal_code": "ZZ99 4CD", "country": "GB", "lines": ["one", "element"], "flat": None}}
        at = order.index(inner)
        assert result.paths[at] == ("address", "postal_code")
        assert result.parents[at] == order.index(address)
        assert result.parents[order.index(address)] == -1
        assert set(result.leaves) == {
            ("address", "postal_code"),
            ("address", "country"),
            ("address", "flat"),
            ("address", "lines", 0),
            ("address", "lines", 1),
        }
    assert opened({"_sd": [hashed(address)]}, address).document == {"address": {"country": "GB", "lines": ["one"], "flat": None}}


def test_an_empty_part_that_was_shown_counts_as_a_leaf() -> None:
    hollow, bare = disclosure("s", "hollow", {"_sd": [HA]}), disclosure("s", [])
    result = opened({"_sd": [hashed(hollow)], "l": [{"...": hashed(bare)}]}, hollow, bare)
    assert set(result.leaves) == {("hollow",), ("l", 0)}


def test_elements_inside_elements() -> None:
    outer = disclosure("s", [{"...": HE}, {"_sd": [HA]}, [{"...": HB}]])
    result = opened({"l": [{"...": hashed(outer)}]}, outer, ELEMENT, A)
    assert result.document == {"l": [["element", {"a": 1}, []]]}
    assert result.paths == (("l", 0), ("l", 0, 0), ("l", 0, 1, "a"))


@pytest.mark.parametrize(("name", "python"), [("sha-256", "sha256"), ("sha-384", "sha384"), ("sha-512", "sha512")])
def test_hash_algorithms(name: str, python: str) -> None:
    assert opened({"_sd_alg": name, "_sd": [hashed(A, python)]}, A).document == {"a": 1}
    assert digest(name, A) == hashed(A, python)
    with pytest.raises(BadDisclosure):
        opened({"_sd_alg": name, "_sd": [hashed(A, "sha256" if python != "sha256" else "sha512")]}, A)


def test_digests_are_over_the_text_as_received() -> None:
    spaced = b64('[ "salt-a",\n "a", 1 ]')
    assert opened({"_sd": [hashed(spaced)]}, spaced).document == {"a": 1}
    with pytest.raises(BadDisclosure):
        opened({"_sd": [HA]}, spaced)


# --- what is refused -----------------------------------------------------------------------------------------------------------------

TWIN = disclosure("other salt", "a", 2)
INSIDE = disclosure("s", "o", {"_sd": [HA]})


@pytest.mark.parametrize(
    ("payload", "disclosures"),
    [
        ({"_sd": [HA]}, [A, A]),  # repeated on the wire
        ({"_sd": [HB]}, [A]),  # unreferenced, step 5
        ({}, [A]),
        ({"list": [HE]}, [ELEMENT]),  # a digest that stands in clear is no reference
        ({"_sd": [HA, HA]}, [A]),  # a digest twice, step 4
        ({"_sd": [HA, HA]}, []),
        ({"_sd": [HA], "deep": {"_sd": [HA]}}, [A]),
        ({"_sd": [HE], "list": [{"...": HE}]}, []),
        ({"list": [{"...": HE}, {"...": HE}]}, [ELEMENT]),
        ({"_sd": [HA, hashed(INSIDE)]}, [INSIDE]),  # twice, once inside a disclosure
        ({"_sd": [hashed(INSIDE)], "x": [{"...": HA}]}, [INSIDE]),
        ({"_sd": [HA], "a": 0}, [A]),  # collides with a claim in clear, step 3.3.2.3
        ({"_sd": [HA], "a": {}}, [A]),
        ({"_sd": [HA, hashed(TWIN)]}, [A, TWIN]),  # with another disclosure
        ({"_sd": [HE]}, [ELEMENT]),  # an element in place of a member, step 3.3.2.1
        ({"list": [{"...": HA}]}, [A]),  # a member in place of an element, step 3.3.3.1
        *(
            ({"_sd": [hashed(evil)]}, [evil]) for evil in (disclosure("s", name, [HA]) for name in ("_sd", "...", "_sd_alg"))
        ),  # step 3.3.2.2
    ],
)
def test_disclosures_that_do_not_fit(payload: dict[str, Any], disclosures: list[str]) -> None:
    with pytest.raises(BadDisclosure):
        opened(payload, *disclosures)


@pytest.mark.parametrize(
    "payload",
    [
        {"_sd": HA},
        {"_sd": {HA: 1}},
        {"_sd": None},
        {"_sd": [1]},
        {"_sd": [[HA]]},
        {"_sd": [{"...": HA}]},
        {"...": HA},
        {"deep": {"...": HA}},
        {"deep": {"...": {"x": 1}}},
        {"list": [{"...": HA, "more": 1}]},
        {"list": [{"...": 1}]},
        {"list": [{"...": [HA]}]},
        {"deep": {"_sd_alg": "sha-256"}},
        {"_sd_alg": "sha-1"},
        {"_sd_alg": "SHA-256"},
        {"_sd_alg": None},
        {"_sd_alg": ["sha-256"]},
    ],
)
def test_payloads_that_misuse_the_reserved_names(payload: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        opened(payload)


def test_a_disclosure_may_not_hide_how_hashing_goes() -> None:
    evil = disclosure("s", "deep", {"_sd_alg": "sha-512"})
    with pytest.raises(Malformed):
        opened({"_sd": [hashed(evil)]}, evil)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        "!",
        A + "=",
        b64("salt"),
        b64("{}"),
        b64("[]"),
        b64('["salt"]'),
        b64('["salt","a",1,2]'),
        b64('[1,"a",1]'),
        b64('[null,"e"]'),
        b64('["salt",1,1]'),
        b64('["salt",null,1]'),
        b64('["salt","a",NaN]'),
        b64('["salt","a",{"x":1,"x":2}]'),
        b64('["salt","a",1] '.rstrip() + ","),
        b64('["salt","a",1]["salt","b",2]'),
        b64('["salt","a",9007199254740993]'),
        b64(b'["salt","a","\xff"]'),
        b64(b'\xef\xbb\xbf["salt","a",1]'),
        b64('["salt","a","\\ud800"]'),
        b64('["salt","a",' + "[" * 30 + "]" * 30 + "]"),
    ],
)
def test_texts_that_are_no_disclosure(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_sd_jwt(sd_jwt({"_sd": [HA]}, [A, text]))
    assert caught.value.where.startswith("/disclosures/1")


def test_one_spelling_of_base64url() -> None:
    text = b64('["salt","a",12] ')  # 16 bytes: the last character has four bits to spare
    spelt = text[:-1] + chr(ord(text[-1]) + 1)
    assert unb64(spelt) == unb64(text)
    assert opened({"_sd": [hashed(text)]}, text).document == {"a": 12}
    with pytest.raises(Malformed):
        opened({"_sd": [hashed(spelt)]}, spelt)


@pytest.mark.parametrize("wire", ["", "a", "a.b.c", jws({}), f"{jws({})}~~", f"~{A}~", f"{jws({})}~{A}~~", "\ud800~", f"{jws({})}~é"])
def test_texts_that_are_no_sd_jwt(wire: str) -> None:
    with pytest.raises(Malformed):
        parse_sd_jwt(wire)


def test_parts_are_told_apart() -> None:
    wire = bound(sd_jwt({"_sd": [HA]}, [A]))
    parsed = parse_sd_jwt(wire)
    assert parsed.binding is not None
    assert parsed.binding.jws.token == wire.rpartition("~")[2]
    assert parsed.presented + parsed.binding.jws.token == wire
    assert parse_sd_jwt(parsed.presented).binding is None
    assert parse_sd_jwt(parsed.presented).presented == parsed.presented


def test_the_typ_comes_before_everything_else() -> None:
    wire = sd_jwt(b"this is no JSON", typ="vc+jwt")
    with pytest.raises(WrongTyp):
        parse_sd_jwt(wire, typ="dc+sd-jwt")
    with pytest.raises(Malformed):
        parse_sd_jwt(wire)


def nested(depth: int) -> tuple[dict[str, Any], list[str]]:
    """A disclosure in a disclosure in a disclosure."""
    texts: list[str] = []
    below: Any = 1
    for _ in range(depth):
        texts.append(disclosure("s", "a", below))
        below = {"_sd": [hashed(texts[-1])]}
    return below, texts


def test_bounds_on_size_number_and_depth() -> None:
    with pytest.raises(TooLarge):
        parse_sd_jwt("a" * (machinery.MAX_BYTES + 1))
    many = [disclosure("s", f"n{at}", at) for at in range(machinery.MAX_DISCLOSURES + 1)]
    with pytest.raises(TooLarge):
        parse_sd_jwt(sd_jwt({"_sd": []}, many))
    payload, texts = nested(machinery.MAX_DEPTH)
    assert opened(payload, *texts).unexplained == 0
    payload, texts = nested(machinery.MAX_DEPTH + 1)
    with pytest.raises(TooLarge):
        opened(payload, *texts)
    texts = [disclosure("s", 1)]
    for _ in range(machinery.MAX_DEPTH + 1):
        texts.append(disclosure("s", [{"...": hashed(texts[-1])}]))
    with pytest.raises(TooLarge):
        opened({"l": [{"...": hashed(texts[-1])}]}, *texts)
    with pytest.raises(TooLarge):
        open_payload(parse_sd_jwt(sd_jwt(b'{"a":' * 30 + b"1" + b"}" * 30)))
    with pytest.raises(TooLarge):
        parse_sd_jwt(sd_jwt(b'{"a":' * 3000 + b"1" + b"}" * 3000))


@pytest.mark.parametrize("number", ["9007199254740992", "-9007199254740992", "1" * 30])
def test_numbers_that_others_would_round(number: str) -> None:
    for payload in (f'{{"a":{number}}}', f'{{"a":[{number}]}}', f'{{"a":{{"b":{number}}}}}', f'{{"a": {number}}}'):
        with pytest.raises(Malformed):
            open_payload(parse_sd_jwt(sd_jwt(payload.encode())))
    assert opened({"a": [9007199254740991], "b": -9007199254740991}).unexplained == 0


@pytest.mark.parametrize(
    "payload", [b'{"a":1,"a":2}', b'{"a":1,"b":{"c":1,"c":1}}', b'{"a":1}{"a":2}', b'[{"a":1}]', b"1", b"", b'{"a":NaN}']
)
def test_payloads_that_are_not_one_object(payload: bytes) -> None:
    with pytest.raises(Malformed):
        parse_sd_jwt(sd_jwt(payload))


# --- issuing -------------------------------------------------------------------------------------------------------------------------


def test_salts_are_fresh_and_long() -> None:
    redaction = Redaction(entropy())
    for name in "abcdefgh":
        redaction.members([(name, 1)])[0]
        redaction.elements([1])[0]
    salts = [json.loads(unb64(text))[0] for text in redaction.disclosures]
    assert len(set(salts)) == 16
    assert all(len(unb64(salt)) * 8 == 144 for salt in salts)


def test_decoys_explain_nothing() -> None:
    redaction = Redaction(entropy())
    decoys = [redaction.decoy() for _ in range(3)]
    payload = {"_sd": [redaction.members([("a", 1)])[0], *decoys[:2]], "list": [{"...": decoys[2]}]}
    assert len(redaction.disclosures) == 1
    result = opened(payload, *redaction.disclosures)
    assert result.document == {"a": 1, "list": []}
    assert result.unexplained == 3
    assert all(len(decoy) == len(HA) for decoy in decoys)


@pytest.mark.parametrize("name", ["_sd", "...", "_sd_alg"])
def test_reserved_names_are_not_issued(name: str) -> None:
    with pytest.raises(Malformed):
        Redaction(entropy()).members([(name, 1)])


@pytest.mark.parametrize("alg", sorted(ALGORITHMS))
def test_round_trip_in_each_algorithm(alg: str) -> None:
    redaction = Redaction(entropy(), alg=alg)
    inner = redaction.members([("postal_code", "ZZ99 4CD")])[0]
    payload = {
        "_sd": [redaction.members([("address", {"_sd": [inner]})])[0]],
        "l": [redaction.elements([{"x": [1, 2]}])[0]],
        "_sd_alg": alg,
    }
    assert opened(payload, *redaction.disclosures).document == {"address": {"postal_code": "ZZ99 4CD"}, "l": [{"x": [1, 2]}]}


# --- whatever comes ------------------------------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from([HA, HB, HE]),
    lambda inner: (
        st.lists(inner | st.fixed_dictionaries({"...": st.sampled_from([HA, HB, HE])}), max_size=3)
        | st.dictionaries(
            st.sampled_from(["a", "b", "_sd", "...", "_sd_alg", "x"]), inner | st.lists(st.sampled_from([HA, HB]), max_size=2)
        )
    ),
    max_leaves=10,
)
VALUE_OR_ERROR: Callable[[Any], Any] = settings(deadline=None, max_examples=150)


@VALUE_OR_ERROR
@given(
    st.dictionaries(st.sampled_from(["a", "x", "_sd", "_sd_alg", "..."]), VALUES, max_size=4),
    st.lists(st.sampled_from([A, B, ELEMENT]), max_size=3),
)
def test_any_payload_opens_or_is_refused(payload: dict[str, Any], texts: list[str]) -> None:
    try:
        result = opened(payload, *texts)
    except VcError:
        return
    assert not {"_sd", "_sd_alg"} & set(result.document)
    assert '"..."' not in json.dumps(result.document)
    assert len(result.paths) == len(texts)


@VALUE_OR_ERROR
@given(st.text(alphabet='ey.~{}[]",:A0-_=\ud800é', max_size=60) | st.binary().map(b64))
def test_any_text_parses_or_is_refused(text: str) -> None:
    for wire in (text, f"{jws({})}~{text}~", f"{text}~", f"{jws({})}~{text}"):
        try:
            parse_sd_jwt(wire)
        except VcError as error:
            assert isinstance(error, Malformed)  # noqa: PT017 - there may be none
