"""What a stranger can send to make a parser work too long, read differently from another program, or do what nobody asked."""

from __future__ import annotations

import json
import math
from itertools import product
from typing import Any

import pytest
from support.signing import AT, Signer

from shared.codec import base64url, cbor, strict_json
from shared.dcql import Held, _select, _wallet, match, parse_query
from shared.errors import Malformed, TooLarge, VcError
from shared.jose import jwe, jwk, jws, jwt
from shared.urls import check_identifier, check_link, parse_form
from shared.x509 import load_certificate, parse_x5c

SIGNER = Signer.new()

# --- JSON ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf{}",
        b"{}\x00",
        b'{"a":1}//',
        b'/**/{"a":1}',
        b'{"a":1,}',
        b"1e400",
        b"[-1e999]",
        b"9007199254740992",
        b"-9007199254740992",
        b"123456789012345678901234567890",
        b'"\\ud800"',
        b'"\\udc00\\ud800"',
        b'{"a":1,"\\u0061":2}',
        b'{"a" :1,"a" :2,"b":":"}',
        b'{"a":{"b":1,"b":2},"c":"\\":"}',
        b"0x1",
        b"+1",
        b"01",
        b"1.",
        b".5",
        b"True",
        b"\xff",
        b"'a'",
        "{}\u00a0".encode(),
    ],
)
def test_json_that_programs_read_differently(text: bytes) -> None:
    with pytest.raises(Malformed):
        strict_json.loads(text)


@pytest.mark.parametrize(
    "text",
    [b"[" * 990_000, b'{"a":' * 190_000, b"[" * 33 + b"]" * 33, b'{"a":1,' * 140_000, b'"' + b"\\" * 900_000, b"[" + b"1," * 400_000],
)
def test_json_bombs(text: bytes) -> None:
    with pytest.raises(Malformed):
        strict_json.loads(text)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300, -1e300, 2**53, -(2**53), True, "1", None, [1], {}])
@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
def test_a_time_that_no_program_can_hold(name: str, value: object) -> None:
    """NaN compares false with everything, so that a document of that end would never end."""
    with pytest.raises(Malformed) as caught:
        jwt.check_times({name: value}, at=AT)
    assert caught.value.where == f"/{name}"


@pytest.mark.parametrize("tail", ["\n", " ", "=", "==", "+", "/", "é", "\u2028", "\x00", "．"])
@pytest.mark.parametrize("length", [4, 1024])
def test_base64url_has_one_spelling(tail: str, length: int) -> None:
    for text in (tail + "A" * length, "A" * length + tail, "AB" + tail + "A" * (length - 2)):
        with pytest.raises(Malformed):
            base64url.decode(text)


# --- CBOR ------------------------------------------------------------------------------------------------------------------------------


def map_of(*keys: bytes) -> bytes:
    return cbor.head(5, len(keys)) + b"".join(key + b"\x00" for key in keys)


def test_cbor_keys_that_all_have_one_hash() -> None:
    """-1 and -2 have one hash in Python, and so have all arrays of them: 32,768 such keys took minutes."""
    keys = [b"\x8f" + bytes(each) for each in product((0x20, 0x21), repeat=15)]
    with pytest.raises(Malformed, match="keys"):
        cbor.loads(map_of(*keys))


@pytest.mark.parametrize(
    "key", [b"\x80", b"\xa0", b"\xc1\x00", b"\xf5", b"\xf6", b"\xf9\x7e\x00", b"\xfb" + bytes(8), b"\x98\x18" + bytes(24)]
)
def test_cbor_keys_are_whole_numbers_and_strings(key: bytes) -> None:
    for data in (map_of(key), map_of(b"\x01", key), b"\x81" + map_of(key), b"\xa1\x01" + map_of(key), b"\xd8\x64" + map_of(key)):
        with pytest.raises(Malformed, match="keys"):
            cbor.loads(data)


def test_cbor_values_are_anything() -> None:
    assert cbor.loads(map_of(b"\x01", b"\x20", b"\x41a", b"\x61a", b"\x18\x64")) == {1: 0, -1: 0, b"a": 0, "a": 0, 100: 0}
    assert cbor.loads(bytes.fromhex("a2018261618101 02a10380".replace(" ", ""))) == {1: ["a", [1]], 2: {3: []}}
    assert cbor.loads(b"\xa1\x01\xf9\x3c\x00") == {1: 1.0}
    assert cbor.loads(b"\xa1\x01\xc1\x18\x64")[1].value == 100


@pytest.mark.parametrize(
    "data", ["", "a1", "a101", "81", "58ff00", "c1", "18", "bf", "9f", "1c", "fc", "9bffffffffffffffff", "bbffffffffffffffff"]
)
def test_cbor_that_is_cut_short_or_endless(data: str) -> None:
    with pytest.raises(Malformed):
        cbor.loads(bytes.fromhex(data))


# --- JOSE ------------------------------------------------------------------------------------------------------------------------------


def head(**members: Any) -> str:
    return base64url.encode(json.dumps(members).encode())


@pytest.mark.parametrize("token", ["", ".", "a.b", "..", "...", "a.b.c.d", "e30..", "e30．e30．e30", ".e30.", "." * 900_000])
def test_not_three_parts(token: str) -> None:
    with pytest.raises(Malformed):
        jws.parse_jws(token)


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"ES256","alg":"none"}',
        b'{"alg":"ES256","typ":["kb+jwt"]}',
        b'{"alg":["ES256"]}',
        b'{"alg":null}',
        b'{"alg":""}',
        b'{"alg":"ES256","crit":[]}',
        b'{"alg":"ES256","b64":true}',
        b'{"alg":"ES256","jwk":[]}',
        b'{"alg":"ES256","jwk":{"d":""}}',
        b'{"alg":"ES256","jwk":{"k":"AA"}}',
        b'[{"alg":"ES256"}]',
        b'{"alg":"ES256"} ' + b"x",
        b'{"alg":"ES256","x":' + b"[" * 9 + b"]" * 9 + b"}",
    ],
)
def test_headers(header: bytes) -> None:
    for _ in range(2):  # the second time from what is remembered, if it were
        with pytest.raises(Malformed):
            jws.parse_jws(f"{base64url.encode(header)}.e30.AA")


def test_a_remembered_header_is_nobody_elses_to_change() -> None:
    token = f"{head(alg='ES256', typ='kb+jwt', x5c=['AA'], jwk={'kty': 'EC'})}.e30.AA"
    first = jws.parse_jws(token).header
    first["jwk"]["d"] = "secret"
    assert jws.parse_jws(token).header["jwk"] == {"kty": "EC"}
    assert jws.parse_jws(f"{head(alg='ES256', x5c=['AA'])}.e30.AA").header["x5c"] == ("AA",)


PRIVATE = jwe.generate_ephemeral()
LOCKED = jwe.encrypt(b"{}", jwe.public_half(PRIVATE), enc="A128GCM")


def with_epk(**members: Any) -> str:
    first, rest = LOCKED.split(".", 1)
    header = json.loads(base64url.decode(first))
    header["epk"] = {name: value for name, value in (header["epk"] | members).items() if value is not ...}
    return f"{base64url.encode(json.dumps(header).encode())}.{rest}"


@pytest.mark.parametrize(
    "members",
    [
        {"generate": "RSA", "size": 16384},
        {"generate": "oct", "size": 8_000_000},
        {"generate": "EC"},
        {"size": 1},
        {"public_exponent": 3},
        {"pem": "x"},
        {"__proto__": {}},
        {"d": "AA"},
        {"k": "AA"},
        {"crv": "P-521"},
        {"crv": "P-256 "},
        {"kty": "RSA"},
        {"kty": "oct"},
        {"x": ...},
        {"y": 5},
    ],
)
def test_a_senders_key_gives_no_orders(members: dict[str, Any]) -> None:
    """One small posted form made the library draw an RSA key of the sender's size: seconds to hours of a service's time."""
    with pytest.raises(Malformed) as caught:
        jwe.decrypt(with_epk(**members), PRIVATE)
    assert caught.value.where.startswith("/epk")


def test_a_senders_key_may_say_what_public_keys_say() -> None:
    for members in ({"kid": "a"}, {"use": "enc", "alg": "ECDH-ES"}, {"key_ops": [], "ext": True}):
        assert jwe.peek_header(with_epk(**members))["epk"]["kty"] == "EC"
        with pytest.raises(Malformed, match="decrypted"):  # the header is authenticated
            jwe.decrypt(with_epk(**members), PRIVATE)


@pytest.mark.parametrize("name", ["zip", "crit"])
def test_no_compression_no_extension(name: str) -> None:
    first, rest = LOCKED.split(".", 1)
    header = json.loads(base64url.decode(first)) | {name: "DEF"}
    with pytest.raises(Malformed):
        jwe.decrypt(f"{base64url.encode(json.dumps(header).encode())}.{rest}", PRIVATE)


def test_one_key_is_remembered_as_one_key() -> None:
    """The same coordinates on another curve, or as another kind, are another question."""
    own = jwk.render_jwk(SIGNER.public)
    assert jwk.parse_public_jwk(own) == SIGNER.public
    for members in (
        {"crv": "P-384"},
        {"x": own["y"]},
        {"crv": ["P-256"]},
        {"alg": "ES384"},
        {"use": "enc"},
    ):
        with pytest.raises(Malformed):
            jwk.parse_public_jwk(own | members)
    assert jwk.parse_public_jwk(own) == SIGNER.public


# --- certificates ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [b"-----BEGIN CERTIFICATE-----" * 30_000, b"-----BEGIN CERTIFICATE-----" + b" " * 900_000, b"\x30\x80" * 5000]
)
def test_certificate_bombs(data: bytes) -> None:
    with pytest.raises(Malformed):
        load_certificate(data)


@pytest.mark.parametrize("value", [["AA=="] * 100, "AA==", {"0": "AA=="}, [], None, [["AA=="]], ["AA"], ["AA==\n"], ["-_8="], [b"AA=="]])
def test_x5c_of_another_form(value: object) -> None:
    with pytest.raises(Malformed):
        parse_x5c(value, "/x5c")


# --- addresses -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://bank.example",
        "https://user@bank.example",
        "https://@bank.example",
        "https://bank.example:pw@evil.example",
        "https://bank.example#x",
        "https://bank.example?x",
        "https://bank.example\\@evil.example",
        "https:bank.example",
        "https:///bank.example",
        "//bank.example",
        "HTTPS://",
        "https://bank.example/\n",
        "https://bänk.example",
        "https://bank.example:99999",
        "https://[::1",
        "javascript:alert(1)",
        "data:,x",
        "file:///etc/passwd",
        "https://bank.example/{x}",
        "",
    ],
)
def test_identifiers_that_are_none(url: str) -> None:
    with pytest.raises(Malformed):
        check_identifier(url)


def test_plain_http_is_for_the_named_host_alone() -> None:
    assert check_link("http://localhost:8101/x", plain_http=["localhost"])
    for url in ("http://localhost.evil.example/", "http://localhost@evil.example/", "http://evil.example/localhost", "http://[::1]/"):
        with pytest.raises(Malformed):
            check_link(url, plain_http=["localhost"])


@pytest.mark.parametrize(
    "form", ["a=1&a=2", "a", "a=1&&b=2", "a=%ff", "&".join(f"a{at}=1" for at in range(65)), "a=b&" * 200_000, "\u00e9=1"]
)
def test_forms_that_are_none(form: str) -> None:
    with pytest.raises(Malformed):
        parse_form(form.encode())


# --- DCQL ------------------------------------------------------------------------------------------------------------------------------

DOCUMENT = {"powers": ["banking", True, 1, 1.0], "__proto__": {"x": 1}, "a": {"b": None}}
HELD = Held(id="1", format="dc+sd-jwt", vct="urn:x", document=DOCUMENT, disclosable=(("powers", 0), ("powers", 1), ("a",)))


def query(**members: Any) -> dict[str, Any]:
    return {"credentials": [{"id": "q", "format": "dc+sd-jwt", "meta": {}} | members]}


@pytest.mark.parametrize(
    ("members", "where"),
    [
        ({"meta": None}, "/meta"),
        ({"meta": []}, "/meta"),
        ({"claims": []}, "/claims"),
        ({"claims": {}}, "/claims"),
        ({"claims": [{"path": []}]}, "/claims/0/path"),
        ({"claims": [{"path": "a"}]}, "/claims/0/path"),
        ({"claims": [{"path": [True]}]}, "/claims/0/path/0"),
        ({"claims": [{"path": [1.0]}]}, "/claims/0/path/0"),
        ({"claims": [{"path": [-1]}]}, "/claims/0/path/0"),
        ({"claims": [{"path": [["a"]]}]}, "/claims/0/path/0"),
        ({"claims": [{"path": ["a"] * 17}]}, "/claims/0/path"),
        ({"claims": [{"path": ["a"], "values": [1.0]}]}, "/claims/0/values/0"),
        ({"claims": [{"path": ["a"], "values": [None]}]}, "/claims/0/values/0"),
        ({"claims": [{"path": ["a"], "values": [[]]}]}, "/claims/0/values/0"),
        ({"claims": [{"path": ["a"], "values": "x"}]}, "/claims/0/values"),
        ({"claims": [{"path": ["a"], "id": "é"}]}, "/claims/0/id"),
        ({"claims": [{"path": ["a"]}], "claim_sets": [["a"]]}, "/claim_sets"),
        ({"claims": [{"path": ["a"], "id": "a"}], "claim_sets": [[]]}, "/claim_sets/0"),
        ({"claims": [{"path": ["a"], "id": "a"}], "claim_sets": [["a"]] * 65}, "/claim_sets"),
        ({"claims": [{"path": ["a"], "id": "a"}], "claim_sets": [["a"] * 129]}, "/claim_sets/0"),
        ({"claim_sets": [["a"]]}, "/claim_sets"),
        ({"multiple": 1}, "/multiple"),
        ({"require_cryptographic_holder_binding": "false"}, "/require_cryptographic_holder_binding"),
        ({"trusted_authorities": [{"type": "aki", "values": []}]}, "/trusted_authorities/0/values"),
    ],
)
def test_queries_of_another_form(members: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_query(query(**members))
    assert caught.value.where == f"/credentials/0{where}"


@pytest.mark.parametrize(
    ("value", "found"),
    [("banking", ("powers", 0)), (True, ("powers", 1)), (1, ("powers", 2)), (0, None), (False, None), ("1", None), ("true", None)],
)
def test_a_value_has_a_type(value: object, found: tuple[str | int, ...] | None) -> None:
    asked = parse_query(query(claims=[{"path": ["powers", None], "values": [value]}]))
    if found is None:
        with pytest.raises(VcError):
            match(asked, [HELD])
    else:
        [candidate] = match(asked, [HELD]).candidates["q"]
        assert candidate.options[0].paths == (found,)


def test_a_long_question_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty-four sets of 128 names are 40 KB to send and were 8,192 look-ups a document, each over all that may be withheld."""
    looked: list[object] = []
    genuine = _select.select

    def counting(document: Any, path: Any) -> Any:
        looked.append(path)
        return genuine(document, path)

    monkeypatch.setattr(_wallet, "select", counting)
    claims = [{"id": f"c{at}", "path": ["powers", 0]} for at in range(128)]
    sets = [[f"c{at}" for at in range(128)]] * 64
    [candidate] = match(parse_query(query(claims=claims, claim_sets=sets)), [HELD]).candidates["q"]
    assert len(candidate.options) == 64
    assert candidate.least().shown == (("powers", 0),)
    assert len(looked) == 128


def test_bounds_on_a_query() -> None:
    for asked in (
        {"credentials": [{"id": f"q{at}", "format": "x", "meta": {}} for at in range(33)]},
        query() | {"credential_sets": [{"options": [["q"]]}] * 65},
        query() | {"credential_sets": [{"options": [["q"]] * 65}]},
        query(claims=[{"path": ["a"]}] * 129),
        query(claims=[{"path": ["a"], "values": ["x"] * 129}]),
    ):
        with pytest.raises(TooLarge):
            parse_query(asked)
