from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.counter import BANK, USE, Counter
from support.signing import Signer

from shared.clock import system_entropy
from shared.codec import base64url
from shared.cose import thumbprint
from shared.errors import Malformed, Replayed, VcError
from shared.ovp import envelope, seal
from shared.ovp.answer import (
    Answer,
    code_binding,
    live_binding,
    open_answer,
    parse_answer,
    render_answer,
    seal_answer,
)

CWT = Answer("dc+sd-cwt", base64url.encode(b"\xd2\x84\x40\xa0\x40\x40"))
JWT = Answer("dc+sd-jwt", "eyJh.eyJi.c2ln~WyJz~eyJh.eyJi.c2ln")


def test_what_is_signed_live_and_by_code() -> None:
    counter = Counter()
    one = counter.open_challenge()
    live = live_binding(one.challenge)
    assert live.audience == "l:" + base64url.encode(thumbprint(counter.desk.public))
    assert live.nonce == base64url.encode(one.challenge.digest)
    code = code_binding("1234567890", entity=BANK, use=USE.id, public=counter.bank.public)
    assert code.audience == "c:" + base64url.encode(thumbprint(counter.bank.public))
    assert live.max_age is None
    assert code.max_age is None


@pytest.mark.parametrize("answer", [CWT, JWT])
def test_sealed_to_the_challenge_that_it_answers(answer: Answer) -> None:
    one, other = Counter().open_challenge(), Counter().open_challenge()
    sealed = seal_answer(answer, one.challenge, entropy=system_entropy)
    assert open_answer(sealed, [other, one]) == (one, answer)
    assert base64url.decode(CWT.wire) not in sealed


def test_foreign_challenge_same_nonce_refused() -> None:
    """A thief's challenge repeats the bank's nonce: the answer to it is bound to the thief's own bytes, and is none to the bank (S5)."""
    nonce = bytes(range(16))
    bank, thief = Counter().open_challenge(nonce=nonce), Counter().open_challenge(nonce=nonce)
    assert bank.challenge.nonce == thief.challenge.nonce
    assert live_binding(bank.challenge).nonce != live_binding(thief.challenge).nonce
    with pytest.raises(Replayed):
        open_answer(seal_answer(CWT, thief.challenge, entropy=system_entropy), [bank])


def test_same_seal_key_in_a_foreign_challenge() -> None:
    """Nor does the bank's own sealing key help: the seal is bound to the whole challenge as well."""
    bank, thief = Counter().open_challenge(), Counter()
    lured = thief.open_challenge()._replace(private=bank.private)
    sealed = seal.seal(b"P", bank.challenge.seal_key, lured.challenge.info, entropy=system_entropy)
    with pytest.raises(Replayed):
        open_answer(sealed, [bank])


def test_an_answer_to_a_question_that_is_not_open() -> None:
    one = Counter().open_challenge()
    sealed = seal_answer(CWT, one.challenge, entropy=system_entropy)
    assert open_answer(sealed, [one])[1] == CWT
    with pytest.raises(Replayed):
        open_answer(sealed, [])


@pytest.mark.parametrize("message", [b"", b"C\xd2", b"E" + bytes(60), b"B\xd2", b"J\xa0", b"J\x00", b"J", b"P\x78"])
def test_other_things_sealed(message: bytes) -> None:
    one = Counter().open_challenge()
    with pytest.raises(Malformed):
        open_answer(seal.seal(message, one.challenge.seal_key, one.challenge.info, entropy=system_entropy), [one])


def test_travels_as_one_code_too() -> None:
    for answer in (CWT, JWT):
        prefix, content = render_answer(answer)
        assert parse_answer(*envelope.parse_text(envelope.render_text(prefix, content))) == answer
    with pytest.raises(Malformed):
        render_answer(Answer("vc+jwt", "a.b.c"))
    with pytest.raises(Malformed):
        parse_answer(envelope.CHALLENGE, b"\xd2")
    assert len(cbor2.loads(render_answer(JWT)[1])) == 3


@given(st.binary(max_size=120))
def test_an_answer_or_an_error(sealed: bytes) -> None:
    with pytest.raises(VcError):
        open_answer(sealed, [ONE])


@given(st.sampled_from([envelope.PRESENTATION, envelope.SD_JWT, envelope.BEARER]), st.binary(max_size=60))
def test_content_or_an_error(prefix: str, content: bytes) -> None:
    try:
        answer = parse_answer(prefix, content)
    except VcError:
        return
    assert answer.format in {"dc+sd-cwt", "dc+sd-jwt"}


ONE = Counter(desk=Signer.new("EdDSA")).open_challenge()
