"""Nora shows her power of attorney to a bank: every part of the core in its place, no network, both formats."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from support.asking import ENTITY, Asker
from support.signing import AT
from support.trial_verify import LIST, Answers, Dice, holder, issue, material, status_token

from shared import openid4vp as vp
from shared.addressed import AddressedPresentation, expected_binding, make_binding, parse, render_qr
from shared.credentials import ClaimPath, by_id
from shared.credentials._derive import dcql
from shared.dcql import Held, Selection, match, parse_query
from shared.errors import AccessDenied
from shared.flow import Fetch, Fetched, run
from shared.formats import Binding, Parsed, formats
from shared.keys import KeyId
from shared.receipts import Exchange, Receipt, bind_presentation, prepare_receipt, presentation_bytes, verify_receipt
from shared.verify import Decision, Expectation, verify

BANK = Asker.new()
TYPE = by_id("representation")
QUESTION = TYPE.queries[0]
WALLET_NONCE = "qPmxiNFCR3QTm19POc8uAA"
URI = f"{ENTITY}/vp/request/7"


def held(format_name: str) -> tuple[Held, Parsed]:
    form = formats()[format_name]
    parsed = form.parse(issue(format_name))
    seen = form.peek(parsed)
    return Held(id="c", format=format_name, vct=parsed.vct, document=seen.document, disclosable=seen.disclosable), parsed


def present(parsed: Parsed, paths: tuple[ClaimPath, ...], binding: Binding) -> str:
    form = formats()[parsed.format]
    shown = form.disclose(parsed, paths)
    return holder().finish(form.present(shown, binding, key=KeyId("copy"), at=AT, alg=holder().public.alg))


def agreed(selection: Selection, format_name: str) -> tuple[ClaimPath, ...]:
    """A format that cannot withhold is shown whole, or not at all."""
    return selection.paths if format_name == "dc+sd-jwt" else (("credentialSubject",),)


@dataclass
class Desk:
    """The bank's end of the wire."""

    request: vp.RequestObject
    answer: Callable[[bytes], Fetched]

    def __call__(self, fetch: Fetch) -> Fetched:
        if fetch.url == URI:
            request = BANK.request(query=self.request.query, wallet_nonce=vp.parse_request_uri_post(fetch.body or b""))
            return Fetched(status=200, headers={"content-type": vp.MEDIA_TYPE}, body=BANK.sign(request).encode())
        return self.answer(fetch.body or b"")


def judge(vp_token: dict[str, tuple[str, ...]], request: vp.RequestObject, power: str = "banking") -> Decision:
    use = {"powers": (power,), "stakes": "low"}
    expected = Expectation(query=request.query, binding=Binding(audience=BANK.client_id, nonce=request.nonce), use=use)
    return run(verify(vp_token, expected, material(), at=AT), Answers({LIST: status_token()}))


@pytest.mark.parametrize("format_name", ["dc+sd-jwt", "vc+jwt"])
def test_a_question_is_asked_agreed_to_answered_and_receipted(format_name: str) -> None:
    asked = BANK.request(query=parse_query(dcql(TYPE, QUESTION.id, format_name)))
    decisions: list[Decision] = []

    def answer(body: bytes) -> Fetched:
        opened = vp.parse_response(body, BANK.private_jwk, state=asked.state or "")
        assert isinstance(opened, vp.VpResponse)
        decisions.append(judge(dict(opened.vp_token), asked, "council-tax"))
        salt, digest = bind_presentation(presentation_bytes(opened.vp_token), entropy=Dice("salt"))
        receipt = Receipt(
            receipt_id="r", entity=ENTITY, received_at=AT, decision=decisions[0].decision, purpose_id="open-account",
            salt=salt, presentation_digest=digest, nonce=asked.nonce,
        )  # fmt: skip
        signed = BANK.signer.finish(prepare_receipt(receipt, key=KeyId("relying-party"), x5c=[BANK.certificate], at=AT))
        members = vp.render_accepted(redirect_uri=f"{ENTITY}/done#response_code=1", receipt=signed)
        return Fetched(status=200, headers={"content-type": "application/json"}, body=json.dumps(members).encode())

    desk = Desk(asked, answer)
    link = vp.request_links(page=f"{ENTITY}/request/7", client_id=BANK.client_id, request_uri=URI).https
    resolved = run(vp.resolve_request(link, wallet_nonce=WALLET_NONCE, policy=BANK.policy(), at=AT), desk)
    assert resolved.asker is not None
    document, parsed = held(format_name)
    candidate = match(resolved.request.query, [document]).candidates[QUESTION.id][0]
    binding = Binding(audience=resolved.request.client_id, nonce=resolved.request.nonce)
    wire = present(parsed, agreed(candidate.least(), format_name), binding)
    result = run(vp.post_response(resolved.request, vp.render_response(resolved.request, {QUESTION.id: [wire]})), desk)
    assert decisions[0].decision == "accepted", decisions[0]
    assert result.redirect_uri == f"{ENTITY}/done#response_code=1"
    shown = presentation_bytes({QUESTION.id: [wire]})
    receipt = verify_receipt(result.receipt or "", Exchange(at=AT, presentation=shown, nonce=resolved.request.nonce), policy=BANK.policy())
    assert receipt.decision == "accepted"


def test_only_the_power_that_was_asked_for_is_shown() -> None:
    asked = parse_query(
        {
            "credentials": [
                {
                    "id": "q",
                    "format": "dc+sd-jwt",
                    "meta": {"vct_values": [TYPE.vct]},
                    "claims": [{"path": ["powers", None], "values": ["banking"]}],
                }
            ]
        }
    )
    document, parsed = held("dc+sd-jwt")
    chosen = match(asked, [document]).candidates["q"][0].least()
    assert chosen.shown == (("powers", 1),)
    wire = present(parsed, chosen.paths, Binding(audience=BANK.client_id, nonce=BANK.request().nonce))
    decision = judge({"q": (wire,)}, BANK.request(query=asked))
    assert decision.decision == "accepted", decision
    assert decision.credentials[0].claims.document["powers"] == ["banking"]


def test_more_than_was_asked_for_is_refused() -> None:
    asked = parse_query(
        {"credentials": [{"id": "q", "format": "dc+sd-jwt", "meta": {}, "claims": [{"path": ["powers", None], "values": ["banking"]}]}]}
    )
    _, parsed = held("dc+sd-jwt")
    wire = present(parsed, (("powers",),), Binding(audience=BANK.client_id, nonce=BANK.request().nonce))
    decision = judge({"q": (wire,)}, BANK.request(query=asked))
    assert (decision.decision, decision.code) == ("rejected", "over_disclosed")


def test_a_document_of_another_format_does_not_answer() -> None:
    with pytest.raises(AccessDenied):
        match(parse_query(dcql(TYPE, QUESTION.id, "vc+jwt")), [held("dc+sd-jwt")[0]])


def test_a_copy_made_out_to_the_bank_is_accepted_there_and_nowhere_else() -> None:
    _, parsed = held("dc+sd-jwt")
    binding = make_binding(entity=ENTITY, purpose_id="open-account", at=AT, entropy=Dice("copy"))
    wire = present(parsed, (("powers", 1),), binding)
    copy = AddressedPresentation(format="dc+sd-jwt", aud=binding.audience, purpose_id="open-account", vp_token={TYPE.id: (wire,)})
    read = parse(render_qr(copy))

    def check(entity: str, purpose_id: str, at: int) -> Decision:
        expected = Expectation(
            query=None,
            binding=expected_binding(entity=entity, purpose_id=purpose_id),
            format=read.format,
            use={"powers": ("banking",), "stakes": "low"},
        )
        return run(verify(read.vp_token, expected, material(), at=at), Answers({LIST: status_token(iat=at - 60)}))

    assert check(ENTITY, "open-account", AT).decision == "accepted"
    assert check(ENTITY, "open-account", AT + 13 * 86_400).decision == "accepted"
    assert check("https://other.example", "open-account", AT).code == "wrong_audience"
    assert check(ENTITY, "parking", AT).code == "purpose_mismatch"
    assert check(ENTITY, "open-account", AT + 15 * 86_400).decision == "rejected"
