"""Passkeys by an authenticator of software: what is right is taken, and nothing else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fido2.cose import RS256
from hypothesis import given
from hypothesis import strategies as st
from support.soft_authenticator import BS, UP, UV, SoftAuthenticator

from shared.codec import base64url
from shared.errors import Conflict, Malformed, SignInRequired
from shared.storage import Storage, open_storage
from shared.web import passkeys
from shared.web.auth import MIGRATIONS
from shared.web.passkeys import AtHome, Passkey

HOME = AtHome("office.example", "https://office.example", "Office")
CHALLENGE, OTHER = b"\x01" * 32, b"\x02" * 32


def added(device: SoftAuthenticator) -> Passkey:
    identifier, data, uses = passkeys.check_creation(HOME, device.create(CHALLENGE), CHALLENGE)
    return Passkey(id=identifier, subject="holder:1", handle=device.handle, data=data, uses=uses, name="p", made_at=0, used_at=None)


def test_made_and_used() -> None:
    device = SoftAuthenticator()
    known = added(device)
    text = device.get(CHALLENGE)
    assert passkeys.peek_id(text) == known.id
    assert passkeys.check_answer(HOME, text, CHALLENGE, known) == 1


@pytest.mark.parametrize(
    "how",
    [
        {"origin": "https://evil.example"},
        {"origin": "https://office.example.evil.example"},
        {"origin": "http://office.example"},
        {"host": "evil.example"},
        {"flags": UP},
        {"flags": UV},
        {"alg": -47},
        {"flags": UP | UV | BS},
    ],
)
def test_passkeys_that_are_not_taken(how: dict[str, Any]) -> None:
    """For another page or host, without its person, or with a key that is not of its algorithm."""
    with pytest.raises(Malformed):
        passkeys.check_creation(HOME, SoftAuthenticator().create(CHALLENGE, **how), CHALLENGE)
    with pytest.raises(Malformed):
        passkeys.check_creation(HOME, SoftAuthenticator().create(OTHER), CHALLENGE)


@pytest.mark.parametrize(
    "how",
    [
        {"origin": "https://evil.example"},
        {"host": "evil.example"},
        {"flags": UP},
        {"flags": UV},
        {"handle": b"somebody else"},
        {"handle": b""},
        {"flags": UP | UV | BS},
        {"kind": "create"},
    ],
)
def test_passkey_answers_that_will_not_do(how: dict[str, Any]) -> None:
    device = SoftAuthenticator()
    known = added(device)
    with pytest.raises(SignInRequired):
        passkeys.check_answer(HOME, device.get(CHALLENGE, **how), CHALLENGE, known)


def test_passkeys_in_frames_of_others_are_not_taken() -> None:
    device = SoftAuthenticator()
    known, framed = added(device), replace(device, framed=True)
    with pytest.raises(Malformed):
        passkeys.check_creation(HOME, framed.create(CHALLENGE), CHALLENGE)
    with pytest.raises(SignInRequired):
        passkeys.check_answer(HOME, framed.get(CHALLENGE), CHALLENGE, known)


@pytest.mark.parametrize("bits", [1024, 2048])
def test_short_rsa_keys_are_not_taken(bits: int) -> None:
    numbers = rsa.generate_private_key(65537, bits).public_key().public_numbers()
    public = RS256({1: 3, 3: -257, -1: numbers.n.to_bytes(bits // 8, "big"), -2: b"\x01\x00\x01"})
    text = SoftAuthenticator().create(CHALLENGE, public=public)
    if bits == 2048:
        assert passkeys.check_creation(HOME, text, CHALLENGE)
    else:
        with pytest.raises(Malformed):
            passkeys.check_creation(HOME, text, CHALLENGE)


def test_passkey_answer_to_another_challenge_or_by_another_key() -> None:
    device, twin = SoftAuthenticator(), SoftAuthenticator()
    known = added(device)
    for text in (device.get(OTHER), twin.get(CHALLENGE), SoftAuthenticator(id=b"\x08" * 16).get(CHALLENGE)):
        with pytest.raises(SignInRequired):
            passkeys.check_answer(HOME, text, CHALLENGE, known)


def test_copied_passkey_is_noticed() -> None:
    """Its counter has to rise, unless it has none (WebAuthn section 6.1.1)."""
    device = SoftAuthenticator()
    known = replace(added(device), uses=5)
    for uses, right in ((3, False), (4, False), (5, True)):
        device.uses = uses
        if right:
            assert passkeys.check_answer(HOME, device.get(CHALLENGE), CHALLENGE, known) == 6
        else:
            with pytest.raises(SignInRequired):
                passkeys.check_answer(HOME, device.get(CHALLENGE), CHALLENGE, known)
    device.uses = -1
    assert passkeys.check_answer(HOME, device.get(CHALLENGE), CHALLENGE, replace(known, uses=0)) == 0


def test_key_that_is_not_what_it_says_signs_nobody_in() -> None:
    device = SoftAuthenticator()
    _, data, _ = passkeys.check_creation(HOME, device.create(CHALLENGE, alg=-257), CHALLENGE)
    with pytest.raises(SignInRequired):
        passkeys.check_answer(HOME, device.get(CHALLENGE), CHALLENGE, replace(added(device), data=data))


def test_options_demand_the_person() -> None:
    device = SoftAuthenticator()
    made = passkeys.creation_options(HOME, CHALLENGE, handle=b"h", name="Office", known=[added(device)])
    assert made["authenticatorSelection"] == {"residentKey": "required", "requireResidentKey": True, "userVerification": "required"}
    assert made["excludeCredentials"] == [{"type": "public-key", "id": base64url.encode(device.id)}]
    assert passkeys.request_options(HOME, CHALLENGE)["userVerification"] == "required"


def _broken(text: str) -> st.SearchStrategy[str]:
    doc = json.loads(text)
    values = (
        st.none()
        | st.integers()
        | st.text(max_size=40)
        | st.lists(st.text(max_size=5), max_size=2)
        | st.binary(max_size=60).map(base64url.encode)
    )
    outer = st.tuples(st.sampled_from(sorted(doc)), values).map(lambda pair: json.dumps({**doc, pair[0]: pair[1]}))
    inner = st.tuples(st.sampled_from(sorted(doc["response"])), values).map(
        lambda pair: json.dumps({**doc, "response": {**doc["response"], pair[0]: pair[1]}})
    )
    return outer | inner | st.text(max_size=100)


DEVICE = SoftAuthenticator()
KNOWN = added(DEVICE)


@given(_broken(DEVICE.create(CHALLENGE)))
def test_any_text_is_a_passkey_or_an_error(text: str) -> None:
    with suppress(Malformed):
        passkeys.check_creation(HOME, text, CHALLENGE)


@given(_broken(DEVICE.get(CHALLENGE)))
def test_any_text_is_an_answer_or_an_error(text: str) -> None:
    with suppress(SignInRequired):
        passkeys.peek_id(text)
        passkeys.check_answer(HOME, text, CHALLENGE, KNOWN)


@pytest.mark.parametrize("name", ["rawId", "id", "attestationObject", "clientDataJSON"])
def test_numbers_are_not_taken_for_bytes(name: str) -> None:
    """The library would make so many bytes of a number."""
    doc = json.loads(DEVICE.create(CHALLENGE))
    (doc if name in doc else doc["response"])[name] = 10**14
    with pytest.raises(Malformed):
        passkeys.check_creation(HOME, json.dumps(doc), CHALLENGE)


def test_long_texts_are_not_read() -> None:
    with pytest.raises(SignInRequired):
        passkeys.peek_id(" " * (passkeys.MAX_TEXT + 1))


# --- rows ------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    one = open_storage(f"sqlite://{tmp_path / 'web.db'}")
    await one.migrate(MIGRATIONS)
    yield one
    await one.close()


async def test_rows(storage: Storage) -> None:
    known = KNOWN
    await storage.write(lambda tx: passkeys.add(tx, known))
    with pytest.raises(Conflict):
        await storage.write(lambda tx: passkeys.add(tx, replace(known, subject="holder:2")))
    assert await storage.write(lambda tx: passkeys.note_use(tx, known, 7, 9, host="office.example"))
    assert not await storage.write(lambda tx: passkeys.note_use(tx, known, 8, 9, host="other.example"))  # somebody was faster
    await storage.write(lambda tx: passkeys.remove(tx, "holder:2", known.id))
    assert await storage.read(lambda tx: passkeys.of(tx, "holder:1")) == [replace(known, uses=7, used_at=9, host="office.example")]
    await storage.write(lambda tx: passkeys.move(tx, "holder:2", "holder:1"))
    assert await storage.read(lambda tx: passkeys.of(tx, "holder:1")) == []
    await storage.write(lambda tx: passkeys.remove(tx, "holder:2", known.id))
    assert await storage.read(lambda tx: passkeys.find(tx, known.id)) is None
    for number in range(passkeys.MAX_KNOWN):
        await storage.write(partial(passkeys.add, new=replace(known, id=bytes([number]))))
    with pytest.raises(Conflict):
        await storage.write(lambda tx: passkeys.add(tx, replace(known, id=b"x")))
