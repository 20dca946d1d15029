"""Letters to inboxes: sealed for one key, of few sizes, read strictly (security rules S8, S28)."""

from __future__ import annotations

import json
import tracemalloc
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.counter import USE, Counter
from support.signing import Signer

from shared.codec import base64url, cbor
from shared.codec.padding import pad
from shared.cose import render_cose_key
from shared.errors import AlgorithmRefused, Malformed, TooLarge, VcError, WrongTyp
from shared.inbox import CTY, MAX_LETTER, Inbox, Letter, check_key, digest, open_letter, peek_kid, seal_letter
from shared.jose import jwe
from shared.jose.jwk import render_jwk
from shared.trust.register_json import read_inbox, render_party
from shared.trust.registered_use import parse_uses, render_uses, widening
from shared.trust.relying_party import parse_rp_certificate

PRIVATE = jwe.generate_ephemeral()
PUBLIC = {name: PRIVATE[name] for name in ("kty", "crv", "x", "y")}
INBOX = Inbox("https://bank.example/inbox", PUBLIC)
OWN = Inbox("https://bank.example/estates/inbox", render_jwk(Signer.new().public))
LETTER = Letter('{"aud":"a:https://bank.example"}', b"t" * 16)


def sealed(inside: object, **header: Any) -> str:
    """Anything at all, sealed for the inbox."""
    raw = inside if isinstance(inside, bytes) else json.dumps(inside).encode()
    return jwe.encrypt(raw, jwe.public_half(PRIVATE), enc=header.pop("enc", "A256GCM"), header={"cty": CTY} | header)


@pytest.mark.parametrize("letter", [LETTER, replace(LETTER, about="earlier-jti"), replace(LETTER, copy="c" * 20_000)])
def test_a_letter_is_opened_by_whom_it_was_sealed_for(letter: Letter) -> None:
    token = seal_letter(letter, INBOX)
    assert open_letter(token, PRIVATE) == letter
    assert peek_kid(token) == INBOX.kid == PRIVATE["kid"]
    with pytest.raises(Malformed):
        open_letter(token, jwe.generate_ephemeral())
    with pytest.raises(Malformed):
        open_letter(token, jwe.generate_ephemeral() | {"kid": PRIVATE["kid"]})


def test_nothing_of_a_letter_shows() -> None:
    token = seal_letter(LETTER, INBOX)
    header = json.loads(base64url.decode(token.split(".")[0]))
    assert header.keys() == {"alg", "enc", "cty", "kid", "epk"}
    assert len(seal_letter(replace(LETTER, copy="c" * 7_000), INBOX)) == len(token)
    assert len(seal_letter(replace(LETTER, copy="c" * 9_000), INBOX)) > len(token)
    assert seal_letter(LETTER, INBOX) != token
    assert digest(token) != digest(seal_letter(LETTER, INBOX))
    assert "ticket" not in repr(LETTER)


def test_bounds_of_a_letter() -> None:
    largest = seal_letter(replace(LETTER, copy="c" * 4_100_000), INBOX)
    assert len(open_letter(largest, PRIVATE).copy) == 4_100_000
    with pytest.raises(TooLarge, match="too much for one letter"):
        seal_letter(replace(LETTER, copy="c" * 4_200_000), INBOX)
    with pytest.raises(Malformed):
        seal_letter(replace(LETTER, ticket=b"short"), INBOX)
    for read in (digest, peek_kid):
        with pytest.raises(TooLarge):
            read("a" * (MAX_LETTER + 1))


@pytest.mark.parametrize(
    ("token", "error"),
    [
        (sealed({"copy": "c", "ticket": base64url.encode(b"t" * 16)}, cty="text/plain"), WrongTyp),
        (jwe.encrypt(b"{}", jwe.public_half(PRIVATE), enc="A256GCM"), WrongTyp),
        (sealed({"copy": "c", "ticket": base64url.encode(b"t" * 16)}, enc="A128GCM"), AlgorithmRefused),
        (sealed({"copy": "c", "ticket": base64url.encode(b"t" * 15)}), Malformed),
        (sealed({"copy": "", "ticket": base64url.encode(b"t" * 16)}), Malformed),
        (sealed({"copy": "c", "ticket": base64url.encode(b"t" * 16), "about": "a" * 201}), TooLarge),
        (sealed({"copy": "c"}), Malformed),
        (sealed(b"\xff"), Malformed),
        (sealed([]), Malformed),
        (sealed(b'{"copy":"c","copy":"d","ticket":"dHR0dHR0dHR0dHR0dHR0dA"}'), Malformed),
        (sealed(b'{"copy":"c","ticket":"dHR0dHR0dHR0dHR0dHR0dA","more":[]}'), Malformed),
        (sealed(b'{"copy":"c", "ticket":"dHR0dHR0dHR0dHR0dHR0dA"}'), Malformed),
        (sealed(b'{"copy":' + b"[" * 100_000), Malformed),
        ("a.b.c.d.e", Malformed),
    ],
)  # fmt: skip
def test_what_is_no_letter(token: str, error: type[VcError]) -> None:
    with pytest.raises(error):
        open_letter(token, PRIVATE)


@pytest.mark.parametrize("member", [b"copy", b"more"])
def test_nothing_but_its_three_texts_is_made_of_what_is_inside(member: bytes) -> None:
    """Half a million small things would cost whoever opens it a hundred times what they cost whoever posts them."""
    token = sealed(b'{"copy":"c","' + member + b'":[' + b'{"a":1},' * 400_000 + b'1],"ticket":"dHR0dHR0dHR0dHR0dHR0dA"}')
    tracemalloc.start()
    try:
        with pytest.raises(Malformed):
            open_letter(token, PRIVATE)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 12 * len(token)


@given(st.binary(max_size=200))
def test_any_inside_is_a_letter_or_an_error(inside: bytes) -> None:
    with suppress(VcError):
        assert isinstance(open_letter(sealed(inside), PRIVATE), Letter)


@given(st.text(max_size=200))
def test_any_text_is_a_letter_or_an_error(token: str) -> None:
    with pytest.raises(VcError):
        open_letter(token, PRIVATE)


def test_only_p256_keys_take_letters() -> None:
    assert check_key(jwe.public_half(PRIVATE) | {"kid": "any"}) == PUBLIC
    with pytest.raises(Malformed):
        check_key(render_jwk(Signer.new("EdDSA").public))
    with pytest.raises(Malformed):
        check_key(PRIVATE)


def test_sizes_go_in_doublings() -> None:
    assert [len(pad(b"x" * size, smallest=8, largest=32, what="no")) for size in (0, 8, 9, 32)] == [8, 8, 16, 32]
    with pytest.raises(TooLarge):
        pad(b"x" * 33, smallest=8, largest=32, what="no")


# --- in a registration -------------------------------------------------------------------------------------------------------------------


def test_a_registration_names_inboxes() -> None:
    uses = (USE, replace(USE, id="estates", inbox=OWN))
    one = parse_rp_certificate(Counter(uses=uses).rp_certificate(inbox=INBOX))
    assert (one.inbox, one.uses) == (INBOX, uses)
    assert (one.inbox_for(USE.id), one.inbox_for("estates"), one.inbox_for("other")) == (INBOX, OWN, None)
    assert parse_rp_certificate(Counter(uses=uses).rp_certificate()).inbox_for(USE.id) is None
    assert parse_uses(render_uses(uses)) == uses
    assert not widening(*uses)
    assert len({*uses}) == 2


def test_the_register_tells_inboxes() -> None:
    told = render_party(entity="e", name=USE.title, uses=(USE, replace(USE, id="o", inbox=OWN)), registrar=None, types=(), inbox=INBOX)
    assert told["inbox"] == {"url": INBOX.url, "jwk": {**PUBLIC, "kid": PRIVATE["kid"]}}
    assert read_inbox(told["inbox"]) == INBOX
    wrong: list[dict[str, Any]] = [{"url": "ftp://bank.example"}, {"url": "https://bank.example/#x"}, {"jwk": {}}]
    for bent in (*wrong, {"jwk": render_jwk(Signer.new("EdDSA").public)}):
        with pytest.raises(Malformed):
            read_inbox({**told["inbox"], **bent})
    assert [each.get("inbox", {}).get("url") for each in told["intendedUse"]] == [None, OWN.url]


@pytest.mark.parametrize(
    "inbox",
    [
        {1: "ftp://bank.example", 2: render_cose_key(Signer.new().public)},
        {1: "https://bank.example/#x", 2: render_cose_key(Signer.new().public)},
        {1: "https://bank.example/", 2: render_cose_key(Signer.new("EdDSA").public)},
        {1: "https://bank.example/"},
        {1: "https://bank.example/", 2: render_cose_key(Signer.new().public), 3: 1},
    ],
)
def test_an_inbox_that_nobody_could_use(inbox: dict[int, Any]) -> None:
    (use,) = cbor.loads(render_uses((USE,)))
    with pytest.raises(Malformed) as refused:
        parse_uses(cbor.dumps([{**use, 14: inbox}]))
    assert refused.value.where.startswith("/0/14")
