"""Tickets that say that a detail is wrong: signed by the document's own key, sealed for its issuer, answered by it alone (ADR 0012)."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signing import AT, Signer
from support.trial_verify import ISSUER, Dice, copy_binding, issue, registry, show, stranger

from shared import addressed
from shared.addressed import AddressedPresentation
from shared.codec import base64url
from shared.corrections import (
    CTY,
    MAX_TICKET,
    PURPOSE,
    Answer,
    Ticket,
    digest,
    make_binding,
    open_ticket,
    parse_copy,
    peek_kid,
    prepare_answer,
    seal_ticket,
    verify_answer,
    verify_ticket,
)
from shared.errors import (
    BadSignature,
    KeyRoleRefused,
    Malformed,
    OtherPresentation,
    PurposeMismatch,
    TooLarge,
    Untrusted,
    VcError,
    WrongAudience,
    WrongNonce,
    WrongTyp,
)
from shared.jose import jwe
from shared.jose.jwt import prepare_jwt
from shared.keys import KeyId, Role, check_role
from shared.trust.anchors import TrustAnchors
from shared.trust.policy import Policy
from shared.x509 import x5c_header

NUMBER = b"t" * 16
DETAIL, WORDS = "represented/birthdate", "She was born on 2 November 1938.\nNot on the 12th."
PRIVATE = jwe.generate_ephemeral()
PUBLIC = jwe.public_half(PRIVATE)
POLICY = Policy(TrustAnchors(anchors=(registry().pin(entity=ISSUER),)))
KEYS = (Signer.new().public, registry().signer.public)
ADDRESSABLE = ("dc+sd-jwt", "dc+sd-cwt", "vc+sd-jwt", "vc+jwt")


def ticket(name: str = "dc+sd-jwt", *, binding: Any = None, wires: int = 1, **changes: Any) -> Ticket:
    bound = binding or make_binding(issuer=ISSUER, ticket=NUMBER, detail=DETAIL, words=WORDS, at=AT, entropy=Dice("b"))
    paths = [("represented", "birthdate")] if name == "dc+sd-jwt" else None
    shown = show(issue(name), format_name=name, paths=paths, binding=bound)
    copy = AddressedPresentation(format=name, aud=bound.audience, purpose_id=PURPOSE, vp_token={"wrong": (shown,) * wires})
    return replace(Ticket(addressed.render_file(copy).decode(), NUMBER, DETAIL, WORDS), **changes)


def verified(made: Ticket, *, entity: str = ISSUER, at: int = AT) -> Any:
    return verify_ticket(made, entity=entity, keys=KEYS, at=at)


def refused(error: type[VcError], call: Callable[[], object]) -> VcError:
    with pytest.raises(error) as found:
        call()
    assert type(found.value) is error
    return found.value


@pytest.mark.parametrize("name", ADDRESSABLE)
def test_a_ticket_in_every_format_that_can_be_made_out_to_somebody(name: str) -> None:
    sealed = seal_ticket(ticket(name), PUBLIC)
    assert peek_kid(sealed) == PRIVATE["kid"]
    opened = open_ticket(sealed, PRIVATE)
    assert (opened.detail, opened.words, opened.ticket) == (DETAIL, WORDS, NUMBER)
    claims = verified(opened)
    assert claims.issuer == ISSUER
    assert claims.claims["represented"]["birthdate"] == "1938-11-02"


def test_nothing_but_the_detail_is_shown_and_nothing_shows_outside() -> None:
    made = ticket()
    assert verified(made).disclosed == (("represented", "birthdate"),)
    sealed = seal_ticket(made, PUBLIC)
    assert json.loads(base64url.decode(sealed.split(".")[0])).keys() == {"alg", "enc", "cty", "kid", "epk"}
    assert len(seal_ticket(replace(made, words="x"), PUBLIC)) == len(sealed)
    assert WORDS not in repr(made)
    nameless = {name: PUBLIC[name] for name in ("kty", "crv", "x", "y")}
    assert peek_kid(seal_ticket(made, nameless)) == PRIVATE["kid"]


def test_words_and_detail_are_the_holders() -> None:
    for made in (ticket(words="The donor agrees."), ticket(detail="represented/given_name"), ticket(ticket=b"u" * 16)):
        assert refused(WrongNonce, partial(verified, made)).where == "/words"


def test_made_out_to_the_issuer_for_this_purpose_and_in_time() -> None:
    refused(WrongAudience, lambda: verify_ticket(ticket(), entity="https://other.example", keys=KEYS, at=AT))
    refused(PurposeMismatch, lambda: verified(ticket(binding=replace(copy_binding(), audience=f"a:{ISSUER}"))))
    with pytest.raises(VcError):
        verified(ticket(), at=AT + 3 * 86_400)


def test_only_a_document_of_ours_by_a_key_of_ours() -> None:
    refused(BadSignature, lambda: verify_ticket(ticket(), entity=ISSUER, keys=KEYS[:1], at=AT))
    bound = make_binding(issuer=ISSUER, ticket=NUMBER, detail=DETAIL, words=WORDS, at=AT, entropy=Dice("b"))
    foreign = show(issue(by=stranger(), issuer="https://other.example"), binding=bound)
    copy = AddressedPresentation(format="dc+sd-jwt", aud=bound.audience, purpose_id=PURPOSE, vp_token={"w": (foreign,)})
    made = Ticket(addressed.render_file(copy).decode(), NUMBER, DETAIL, WORDS)
    refused(Untrusted, lambda: verify_ticket(made, entity=ISSUER, keys=(stranger().signer.public,), at=AT))


def test_one_copy_of_one_document() -> None:
    refused(Malformed, lambda: parse_copy(ticket(wires=2)))
    odd = json.loads(ticket().copy) | {"format": "made-up"}
    refused(Malformed, lambda: parse_copy(ticket(copy=json.dumps(odd))))


@pytest.mark.parametrize(
    "changes",
    [
        {"words": " \n"},
        {"words": "x" * 1_001},
        {"words": "a\0b"},
        {"ticket": b"short"},
        {"detail": ""},
        {"detail": "a\nb"},
        {"detail": "x" * 201},
    ],
)
def test_what_no_ticket_says(changes: dict[str, Any]) -> None:
    refused(Malformed, lambda: seal_ticket(ticket(**changes), PUBLIC))


def test_sealed_for_somebody_else_or_for_something_else() -> None:
    refused(Malformed, lambda: open_ticket(seal_ticket(ticket(), PUBLIC), jwe.generate_ephemeral()))
    other = jwe.encrypt(b"{}", PUBLIC, enc="A256GCM", header={"cty": "muniment-letter+json"})
    refused(WrongTyp, lambda: open_ticket(other, PRIVATE))
    refused(TooLarge, lambda: peek_kid("x" * (MAX_TICKET + 1)))
    refused(TooLarge, lambda: seal_ticket(ticket(copy="c" * 140_000), PUBLIC))
    short = {"copy": "c", "ticket": base64url.encode(b"short"), "detail": DETAIL, "words": WORDS}
    sealed = jwe.encrypt(json.dumps(short).encode(), PUBLIC, enc="A256GCM", header={"cty": CTY})
    refused(Malformed, lambda: open_ticket(sealed, PRIVATE))


@given(st.binary(max_size=200) | st.dictionaries(st.sampled_from(["copy", "ticket", "detail", "words"]), st.text(max_size=30)))
def test_a_ticket_or_an_error(inside: Any) -> None:
    raw = inside if isinstance(inside, bytes) else json.dumps(inside).encode()
    with suppress(VcError):
        open_ticket(jwe.encrypt(raw, PUBLIC, enc="A256GCM", header={"cty": CTY}), PRIVATE)


@given(st.text(max_size=300))
def test_no_ticket_at_all(text: str) -> None:
    with suppress(VcError):
        peek_kid(text)


# --- answers -----------------------------------------------------------------------------------------------------------------------------

SEALED = digest("a.b.c.d.e")
OPEN = Answer(entity=ISSUER, reference="ABCD-EFGH", digest=SEALED, received_at=AT, answer_by=AT + 7 * 86_400)
NO = replace(
    OPEN, state="refused", answered_at=AT + 60, reason_code="record-agrees", words="The register agrees.", how_to_complain="Write to us."
)


def answered(answer: Answer, **changes: Any) -> str:
    by = changes.pop("by", registry())
    return str(by.signer.finish(prepare_answer(answer, key=KeyId("i"), x5c=by.x5c, at=AT)))


def read(token: str, *, entity: str = ISSUER, sealed: bytes = SEALED) -> Answer:
    return verify_answer(token, policy=POLICY, entity=entity, sealed=sealed, at=AT)


@pytest.mark.parametrize(
    "answer", [OPEN, NO, replace(OPEN, state="corrected", answered_at=AT), replace(NO, state="ended", reason_code="cancelled")]
)
def test_an_answer_says_what_becomes_of_it(answer: Answer) -> None:
    assert read(answered(answer)) == answer


@pytest.mark.parametrize("name", ["received_at", "answer_by", "answered_at"])
def test_an_answer_after_the_last_day_of_all_is_none(name: str) -> None:
    late: dict[str, Any] = {name: 2**53 - 1}
    assert refused(Malformed, lambda: read(answered(replace(OPEN, **late)))).where == f"/{name}"


def test_an_answer_of_somebody_else_or_to_something_else() -> None:
    refused(OtherPresentation, lambda: read(answered(OPEN), sealed=digest("another")))
    refused(Untrusted, lambda: read(answered(replace(OPEN, entity="https://other.example"))))
    with pytest.raises(VcError):
        read(answered(OPEN, by=stranger()))
    with pytest.raises(VcError):
        read(answered(OPEN), entity="https://other.example")
    head, body, signature = answered(OPEN).split(".")
    refused(BadSignature, lambda: read(".".join((head, body, base64url.encode(bytes(len(base64url.decode(signature))))))))


def test_an_answer_has_its_own_typ_and_a_known_state() -> None:
    claims = {"iss": ISSUER, "iat": AT, "state": "lost"}
    for typ, error in (("dc+sd-jwt", WrongTyp), ("correction+jwt", Malformed)):
        token = registry().signer.finish(prepare_jwt(claims, typ=typ, key=KeyId("i"), header={"x5c": x5c_header(registry().x5c)}))
        refused(error, partial(read, token))
    check_role(Role.CREDENTIAL_ISSUER, "correction+jwt")
    for role in set(Role) - {Role.CREDENTIAL_ISSUER}:
        with pytest.raises(KeyRoleRefused):
            check_role(role, "correction+jwt")
