"""Our wallet's side against a verifier written by others (polaris-oid4vp), in one process and by the real clock, which is what it reads."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from polaris_oid4vp.verifier import Verifier
from support.asking import ENTITY, Asker
from support.signing import Signer, anchor, leaf
from support.trial_verify import CLAIMS, ISSUER, Dice

from shared import openid4vp as vp
from shared.clock import floor_day, system_clock
from shared.credentials import by_id
from shared.dcql import Held, match
from shared.errors import AccessDenied, InvalidRequest, InvalidTransactionData
from shared.flow import Fetch, Fetched, run
from shared.formats import Binding, Credential, Parsed, StatusReference, formats
from shared.keys import KeyId
from shared.x509 import render_pem

COUNTERPARTS = {"polaris-oid4vp": "verifier that our wallet's core shows to"}

NOW = system_clock()
FORM = formats()["dc+sd-jwt"]
TYPE = by_id("representation")
BANK = Asker.new(at=NOW)
REGISTRY, ABOVE, HOLDER = Signer.new(), Signer.new(), Signer.new()
ANCHOR = anchor(ABOVE, at=NOW)
WALLET_NONCE = "qPmxiNFCR3QTm19POc8uAA"
REQUEST_URI = f"{ENTITY}/request"


def document() -> Parsed:
    credential = Credential(
        type=TYPE,
        claims=CLAIMS,
        issuer=ISSUER,
        issued_at=floor_day(NOW),
        expires_at=floor_day(NOW) + 30 * 86_400,
        status=StatusReference(uri=f"{ISSUER}/status/1", idx=7),
        x5c=(leaf(REGISTRY, ANCHOR, ABOVE, uri=ISSUER, at=NOW),),
    )
    return FORM.parse(REGISTRY.finish(FORM.prepare(credential, key=KeyId("issuer"), holder=HOLDER.public, entropy=Dice())))


def polaris(**arguments: Any) -> Verifier:
    return Verifier(
        client_cert_pem=render_pem(BANK.certificate).encode(),
        client_key_pem=BANK.signer.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        request_uri=REQUEST_URI,
        response_uri=f"{ENTITY}/response",
        issuer_trust_anchors=[ANCHOR.parsed],
        vct_values=[TYPE.vct],
        **{"claims": [["represented", "given_name"], ["represented", "address", "postal_code"]], **arguments},
    )


class Wire:
    """Carries fetches to the foreign verifier."""

    def __init__(self, verifier: Verifier) -> None:
        self.verifier = verifier
        self.verdict: Any = None

    def __call__(self, fetch: Fetch) -> Fetched:
        body = (fetch.body or b"").decode()
        if fetch.url.startswith(REQUEST_URI):
            token = self.verifier.request_object(parse_qs(fetch.url.partition("?")[2])["state"][0], vp.parse_request_uri_post(body))
            return Fetched(status=200, headers={"content-type": vp.MEDIA_TYPE}, body=token.encode())
        status, members, self.verdict = self.verifier.handle_direct_post({name: each[0] for name, each in parse_qs(body).items()})
        return Fetched(status=status, headers={"content-type": "application/json"}, body=json.dumps(members).encode())


def ask(wire: Wire, transaction_data: Any = None) -> vp.ResolvedRequest:
    session, _ = wire.verifier.new_request(transaction_data=transaction_data)
    link = f"openid4vp://?{urlencode(wire.verifier.authorization_request_params(session))}"
    return run(vp.resolve_request(link, wallet_nonce=WALLET_NONCE, policy=BANK.policy(), at=system_clock()), wire)


def answer(wire: Wire, resolved: vp.ResolvedRequest, *, audience: str | None = None, nonce: str | None = None) -> vp.PostResult:
    parsed = document()
    seen = FORM.peek(parsed)
    held = Held(id="c", format="dc+sd-jwt", vct=parsed.vct, document=seen.document, disclosable=seen.disclosable)
    [candidate] = match(resolved.request.query, [held]).candidates["pid"]
    bound = Binding(audience=audience or resolved.request.client_id, nonce=nonce or resolved.request.nonce)
    unsigned = FORM.present(FORM.disclose(parsed, candidate.least().paths), bound, key=KeyId("copy"), at=system_clock())
    return run(vp.post_response(resolved.request, vp.render_response(resolved.request, {"pid": [HOLDER.finish(unsigned)]})), wire)


def test_a_foreign_verifier_finds_our_answer_authentic() -> None:
    wire = Wire(polaris())
    resolved = ask(wire)
    assert resolved.asker is not None
    assert resolved.use is None
    result = answer(wire, resolved)
    assert wire.verdict.authentic, wire.verdict
    assert wire.verdict.claims["represented"] == {"given_name": "Margaret", "address": {"postal_code": "ZZ99 4CD"}}
    assert result.refusal is None
    assert (result.redirect_uri or "").startswith(ENTITY)


@pytest.mark.parametrize("binding", [{"nonce": "another-nonce"}, {"audience": "x509_hash:another"}])
def test_a_foreign_verifier_refuses_what_is_for_somebody_else(binding: dict[str, str]) -> None:
    wire = Wire(polaris())
    result = answer(wire, ask(wire), **binding)
    assert isinstance(result.refusal, InvalidRequest)
    assert not wire.verdict.authentic


def test_a_foreign_verifier_reads_our_refusal() -> None:
    wire = Wire(polaris())
    assert run(vp.post_refusal(ask(wire).request, AccessDenied("the holder said no")), wire).refusal is None
    assert wire.verdict.wallet_error["error"] == "access_denied"


def test_a_foreign_request_for_another_value_is_not_answered() -> None:
    wire = Wire(polaris(claims=[{"path": ["represented", "given_name"], "values": ["Somebody"]}]))
    with pytest.raises(AccessDenied):
        answer(wire, ask(wire))


def test_a_foreign_request_to_agree_to_a_transaction_is_refused_and_told() -> None:
    wire = Wire(polaris())
    with pytest.raises(InvalidTransactionData):
        ask(wire, [{"type": "urn:example:unknown", "credential_ids": ["pid"]}])
    assert wire.verdict.wallet_error["error"] == "invalid_transaction_data"


def test_foreign_reasons_are_kept_and_not_taken_for_ours() -> None:
    wire = Wire(polaris(verifier_info=[{"format": "registration_cert", "data": "a.b.c"}]))
    resolved = ask(wire)
    assert resolved.request.verifier_info == (vp.VerifierInfo(format="registration_cert", data="a.b.c"),)
    assert resolved.use is None
