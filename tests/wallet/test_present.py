from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from support.holdings import put_document
from support.signing import AT, Signer, anchor
from support.trial_verify import CLAIMS, VCT, Authority
from support.wallets import Wallet
from support.world import BANK, BATCH, COUNCIL, Party, _json

from shared.codec import base64url
from shared.credentials import Text
from shared.dcql import parse_query
from shared.errors import (
    Conflict,
    Expired,
    InvalidRequest,
    InvalidTransactionData,
    Malformed,
    Unavailable,
    Untrusted,
    VcError,
    WrongAudience,
    WrongNonce,
    WrongTyp,
)
from shared.flow import Fetch, Fetched
from shared.formats import Binding, formats
from shared.jose import jwt
from shared.jose.jwt import parse_jwt
from shared.keys import KeyId
from shared.log_heads import LEEWAY
from shared.openid4vp import IntendedUse, RequestObject, render_request, render_use
from shared.receipts import LogHead
from shared.storage import Tx
from shared.web.dates import Dates
from shared.x509 import load_certificate, prepare_leaf, x5c_header
from wallet import cut_off, present
from wallet.cards import key_of, type_of
from wallet.cut_off import AGAIN, CUT_OFF, read_checked, settle_cut_off, stop, stop_showing
from wallet.means import Means
from wallet.pages.desk import Words
from wallet.pages.past import _reason
from wallet.present import agree, read_request, refuse
from wallet.records import COPIES, DOCUMENTS, REQUESTS
from wallet.resend import told_of
from wallet.sent import Change
from wallet.sessions import Agreed, Answered, Request, Unanswered, Withheld
from wallet.statement import make, year_of

WORDS = Words(lambda text: text, "en", Dates("en", "UTC"))
POWERS = {
    "credentials": [
        {"id": "p", "format": "dc+sd-jwt", "meta": {"vct_values": [VCT]}, "claims": [{"path": ["powers", None], "values": ["banking"]}]}
    ]
}


async def test_a_request_is_shown_answered_and_receipted(wallet: Wallet) -> None:
    await wallet.collect()
    view = await wallet.ask(wallet.world.council.ask())
    assert view.state == "asked"
    assert (view.asker.name, view.asker.proved, view.asker.party) == ("Test leaf", True, COUNCIL)
    shown = {detail.label: detail.value for detail in view.details}
    assert shown["Power"] == "Council tax"
    assert shown["Donor’s postcode"] == "ZZ99 4CD"
    assert "Donor’s date of birth" not in shown
    assert "Attorney’s date of birth" in view.not_shown
    assert "Power: Bank and building society accounts" in view.not_shown
    assert [extra.label for extra in view.optional] == ["Donor’s date of birth"]
    assert view.acting_for == "Margaret Ashdown"
    assert "You are acting for Margaret Ashdown as attorney." in view.sentence
    assert "To record that you may deal with" in view.sentence
    result = await agree(wallet.means, wallet.vault, view.id)
    assert isinstance(result.value.state, Answered)
    assert (result.value.state.receipt_problem, result.value.state.refusal) == ("", "")
    after = await wallet.look(view.id)
    assert (after.state, after.redirect_uri) == ("answered", f"{COUNCIL}/done")
    assert after.receipt is not None
    ((presentation,),) = wallet.world.council.got[0].values()
    sd_jwt = formats()["dc+sd-jwt"]
    parsed = sd_jwt.parse(presentation)
    request = wallet.world.council.requests["r0"]
    facts = sd_jwt.verify(
        parsed,
        load_certificate(wallet.world.office.by.x5c[0]).public,
        binding=Binding(audience=request.client_id, nonce=request.nonce),
        at=wallet.world.clock(),
    )
    assert facts.claims["powers"] == ["council-tax"]
    assert facts.claims["represented"] == {"given_name": "Margaret", "family_name": "Ashdown", "address": {"postal_code": "ZZ99 4CD"}}


async def test_history_holds_names_and_the_receipt_but_no_values(wallet: Wallet) -> None:
    await wallet.collect()
    await wallet.share(wallet.world.council.ask())
    line = (await wallet.lines())[-1]
    told = msgspec.json.encode(line.entry).decode()
    names = msgspec.to_builtins(line.entry)
    assert names["interactingPartyIdentifier"] == {"type": "uri", "identifier": COUNCIL}
    assert names["transactionResult"] == "success"
    assert names["intendedUseIdentifier"] == "council-tax"
    assert names["privacyPolicy"] == {"type": "privacy", "policyURI": f"{COUNCIL}/privacy"}
    assert names["on_behalf_of"] == (await wallet.document()).id
    assert "powers/*" in names["listOfClaimsPresented"][0]["claims"]
    assert names["receipt"].count(".") == 2
    for value in ("Margaret", "ZZ99", "1938", "council-tax-value"):
        assert value not in told.replace(names["receipt"], "")


async def test_optional_details_are_off_until_ticked(wallet: Wallet) -> None:
    await wallet.collect()
    view = await wallet.ask(wallet.world.council.ask())
    await agree(wallet.means, wallet.vault, view.id, optional=[view.optional[0].key])
    ((presentation,),) = wallet.world.council.got[0].values()
    assert formats()["dc+sd-jwt"].peek(formats()["dc+sd-jwt"].parse(presentation)).claims["represented"]["birthdate"] == "1938-11-02"


async def test_a_double_click_sends_once(wallet: Wallet) -> None:
    await wallet.collect()
    view = await wallet.ask(wallet.world.council.ask())
    results = await asyncio.gather(*(agree(wallet.means, wallet.vault, view.id) for _ in range(20)))
    assert len(wallet.world.council.got) == 1
    assert all(isinstance(result.value.state, Answered) for result in results)
    assert len([copy for copy in (await wallet.document()).copies if copy.shown_to]) == 1


async def test_two_processes_send_once(wallet: Wallet) -> None:
    """Without a common lock the loser of the write finds out and sends nothing."""
    await wallet.collect()
    view = await wallet.ask(wallet.world.council.ask())
    others = [replace(wallet.means, locks=type(wallet.means.locks)()) for _ in range(8)]
    results = await asyncio.gather(*(agree(means, wallet.vault, view.id) for means in others), return_exceptions=True)
    assert len(wallet.world.council.got) == 1
    assert all(isinstance(result, Conflict) or not isinstance(result, BaseException) for result in results)


async def test_the_same_request_again_shows_what_became_of_it(wallet: Wallet) -> None:
    await wallet.collect()
    link = wallet.world.council.ask()
    await wallet.share(link)
    view = await wallet.ask(link)
    assert view.state == "answered"
    await agree(wallet.means, wallet.vault, view.id)
    assert len(wallet.world.council.got) == 1


async def test_dont_share_tells_no_more_than_that(wallet: Wallet) -> None:
    await wallet.collect()
    view = await wallet.ask(wallet.world.council.ask())
    state = (await refuse(wallet.means, wallet.vault, view.id)).value.state
    assert isinstance(state, Withheld)
    assert state.told
    assert wallet.world.council.refused == [{"error": "access_denied"}]
    assert (await refuse(wallet.means, wallet.vault, view.id)).value.state == state
    assert isinstance((await agree(wallet.means, wallet.vault, view.id)).value.state, Withheld)
    assert wallet.world.council.got == []
    assert (await wallet.lines())[-1].entry.transaction_result == "declined"
    assert not [copy for copy in (await wallet.document()).copies if copy.shown_to]


async def test_dont_share_stands_even_if_nobody_hears_it(wallet: Wallet) -> None:
    view = await wallet.ask(wallet.world.council.ask())
    wallet.world.down.add(f"{COUNCIL}/response")
    state = (await refuse(wallet.means, wallet.vault, view.id)).value.state
    assert isinstance(state, Withheld)
    assert not state.told


async def test_nothing_that_answers_is_said_before_anything_is_sent(wallet: Wallet) -> None:
    view = await wallet.ask(wallet.world.council.ask())
    assert (view.parts, view.problem) == ((), "Nothing in your wallet answers what they ask for.")
    with pytest.raises(VcError):
        await agree(wallet.means, wallet.vault, view.id)
    assert wallet.world.council.got == []


async def test_a_wrong_kind_or_missing_power_answers_nothing(wallet: Wallet) -> None:
    await wallet.collect()
    query = json.loads(json.dumps(POWERS))
    query["credentials"][0]["claims"][0]["values"] = ["property.sale"]
    assert (await wallet.ask(wallet.world.council.ask(query))).parts == ()


# --- copies ----------------------------------------------------------------------------------------------------------------------------


async def test_one_copy_a_party_and_a_warning_before_reuse(wallet: Wallet) -> None:
    await wallet.collect()
    for _ in range(BATCH - 1):
        await wallet.share(wallet.world.council.ask())
    await wallet.share(wallet.world.bank.ask("bank"))
    document = await wallet.document()
    assert [copy.shown_to for copy in document.copies].count(COUNCIL) == BATCH - 1
    view = await wallet.ask(wallet.world.council.ask())
    assert view.parts[0].choices[0].reused_at == AT
    assert view.problem == ""
    await agree(wallet.means, wallet.vault, view.id)
    after = await wallet.document()
    assert [copy.shown_to for copy in after.copies].count(BANK) == 1
    tokens = [next(iter(got.values()))[0].partition("~")[0] for got in wallet.world.council.got]
    (at_bank,) = [next(iter(got.values()))[0].partition("~")[0] for got in wallet.world.bank.got]
    assert len(set(tokens)) == BATCH - 1
    assert at_bank not in tokens


async def test_a_copy_that_was_shown_meanwhile_is_not_shown_again_unseen(wallet: Wallet) -> None:
    """Two questions of one party were looked at while one copy was left that it had not seen: the second is looked at again."""
    await put_document(wallet.means, wallet.vault, ["dc+sd-jwt"], copies=1)
    first, second = [await wallet.ask(wallet.world.council.ask()) for _ in range(2)]
    assert [each.parts[0].choices[0].reused_at for each in (first, second)] == [0, 0]
    await agree(wallet.means, wallet.vault, first.id, chosen=first.documents, ways=first.ways, seen=first.seen)
    with pytest.raises(Conflict):
        await agree(wallet.means, wallet.vault, second.id, chosen=second.documents, ways=second.ways, seen=second.seen)
    again = await wallet.look(second.id)
    assert again.parts[0].choices[0].reused_at == AT
    await agree(wallet.means, wallet.vault, second.id, chosen=again.documents, ways=again.ways, seen=again.seen)


async def test_no_copy_for_a_party_that_has_seen_none(wallet: Wallet) -> None:
    await wallet.collect()
    for _ in range(BATCH):
        await wallet.share(wallet.world.council.ask())
    view = await wallet.ask(wallet.world.bank.ask("bank"))
    assert not view.parts[0].choices[0].usable
    assert "no copy left" in view.problem
    with pytest.raises(Conflict):
        await agree(wallet.means, wallet.vault, view.id)
    assert wallet.world.bank.got == []


async def test_several_documents_fit_and_one_is_chosen(wallet: Wallet) -> None:
    first = await wallet.collect("pre-1")
    wallet.world.office.claims = {**CLAIMS, "represented": {**CLAIMS["represented"], "given_name": "Maud"}}
    second = await wallet.collect("pre-2")
    view = await wallet.ask(wallet.world.council.ask())
    assert {choice.document for choice in view.parts[0].choices} == {first.id, second.id}
    query = view.parts[0].query
    chosen = await wallet.look(view.id, chosen={query: first.id})
    assert chosen.parts[0].choices[0].document == first.id
    with pytest.raises(Malformed):
        await agree(wallet.means, wallet.vault, view.id, chosen={query: "nothing"})
    await agree(wallet.means, wallet.vault, view.id, chosen={query: second.id})
    ((presentation,),) = wallet.world.council.got[0].values()
    assert formats()["dc+sd-jwt"].peek(formats()["dc+sd-jwt"].parse(presentation)).claims["represented"]["given_name"] == "Maud"


async def test_a_cancelled_document_is_offered_last_and_with_its_state(wallet: Wallet) -> None:
    item = await wallet.collect("pre-1")
    other = await wallet.collect("pre-2")
    now = await wallet.storage.read(lambda tx: DOCUMENTS.get(tx, wallet.vault, other.id))
    await wallet.replace(now, msgspec.structs.replace(now.value, status=msgspec.structs.replace(now.value.status, value="invalid")))
    choices = (await wallet.ask(wallet.world.council.ask())).parts[0].choices
    assert [(choice.document, choice.state) for choice in choices] == [(item.id, "valid"), (other.id, "invalid")]


async def test_a_format_that_cannot_hold_back_says_so(wallet: Wallet) -> None:
    wallet.world.office.formats = ("dc+sd-jwt", "vc+jwt")
    await wallet.collect()
    query = {
        "credentials": [
            {
                "id": "w",
                "format": "vc+jwt",
                "meta": {"type_values": [["VerifiableCredential"]]},
                "claims": [{"path": ["credentialSubject", "powers", None]}],
            }
        ]
    }
    view = await wallet.ask(wallet.world.council.ask(query))
    assert view.parts[0].choices[0].whole
    assert "Donor’s date of birth" in {detail.label for detail in view.details}
    await agree(wallet.means, wallet.vault, view.id)
    assert len(wallet.world.council.got) == 1


# --- who asks --------------------------------------------------------------------------------------------------------------------------


async def test_somebody_unknown_is_shown_as_unchecked(wallet: Wallet) -> None:
    await wallet.collect()
    wallet.world.strangers.add(COUNCIL)
    view = await wallet.ask(wallet.world.council.ask(use=False))
    assert not view.asker.proved
    assert view.asker.party == wallet.world.council.client_id
    assert view.sentence.startswith("Somebody whom we could not check asks to see:")
    assert "It gave no reason." in view.sentence
    await agree(wallet.means, wallet.vault, view.id)
    assert (await wallet.lines())[-1].entry.interacting_party_identifier.type == "x509_hash"
    assert (await wallet.look(view.id)).receipt_problem == ""


def other_typ(party: Party, request: RequestObject) -> str:
    return _sign(party, render_request(request, at=AT), typ="JWT")


def other_audience(party: Party, request: RequestObject) -> str:
    return _sign(party, render_request(request, at=AT) | {"aud": "https://somebody.example"})


def with_redirect(party: Party, request: RequestObject) -> str:
    return _sign(party, render_request(request, at=AT) | {"redirect_uri": "https://council.example/cb"})


def with_transaction(party: Party, request: RequestObject) -> str:
    return _sign(party, render_request(request, at=AT) | {"transaction_data": ["e30"]})


def without_nonce(party: Party, request: RequestObject) -> str:
    claims = render_request(request, at=AT)
    del claims["nonce"]
    return _sign(party, claims)


def other_client_id(party: Party, request: RequestObject) -> str:
    return _sign(party, render_request(request, at=AT) | {"client_id": "x509_hash:" + "A" * 43})


def other_wallet(party: Party, request: RequestObject) -> str:
    return party.sign(replace(request, wallet_nonce="somebody-elses"))


def run_out(party: Party, request: RequestObject) -> str:
    return party.sign(replace(request, expires_at=AT - 3_600))


def _sign(party: Party, claims: dict[str, Any], typ: str = "oauth-authz-req+jwt") -> str:
    unsigned = jwt.prepare_jwt(claims, typ=typ, key=KeyId("k"), header={"x5c": x5c_header(party.by.x5c)})
    return party.by.signer.finish(unsigned)


@pytest.mark.parametrize(
    ("forge", "kind"),
    [
        (other_typ, WrongTyp),
        (other_audience, WrongAudience),
        (with_redirect, InvalidRequest),
        (with_transaction, InvalidTransactionData),
        (without_nonce, InvalidRequest),
        (other_client_id, InvalidRequest),
        (other_wallet, WrongNonce),
        (run_out, Expired),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_a_request_that_is_not_what_it_must_be_is_refused(wallet: Wallet, forge: Any, kind: type[VcError]) -> None:
    await wallet.collect()
    wallet.world.council.sign_as = forge
    with pytest.raises(kind):
        await wallet.ask(wallet.world.council.ask())
    assert await wallet.storage.read(lambda tx: REQUESTS.all(tx, wallet.vault)) == []
    assert wallet.world.council.got == []


async def test_a_self_signed_certificate_is_refused(wallet: Wallet) -> None:
    signer = Signer.new()
    own = anchor(signer, subject="I myself", at=AT - 60)
    council = wallet.world.council
    council.by = replace(council.by, signer=signer, x5c=(own.der,))
    with pytest.raises(Untrusted):
        await wallet.ask(council.ask())


async def test_a_leaf_of_another_role_is_refused(wallet: Wallet) -> None:
    wallet.world.council.by = Authority.new(COUNCIL)
    with pytest.raises(Untrusted):
        await wallet.ask(wallet.world.council.ask())


async def test_a_forged_root_of_the_same_name_is_not_proved(wallet: Wallet) -> None:
    real = wallet.world.council.by
    root, signer = Signer.new(), Signer.new()
    from shared.keys import Role

    twin = anchor(root, subject=real.certificate.subject, at=AT - 60)
    unsigned = prepare_leaf(
        subject="Council",
        uris=[COUNCIL],
        role=Role.RELYING_PARTY,
        public=signer.public,
        issuer=twin,
        key=KeyId("a"),
        at=AT - 60,
        days=9,
        serial=9,
    )
    policy = wallet.world.policy()
    wallet.means = replace(wallet.means, trust=lambda: policy)
    wallet.world.council.by = replace(real, signer=signer, x5c=(root.finish(unsigned),))
    assert not (await wallet.ask(wallet.world.council.ask())).asker.proved


async def test_what_is_no_request_is_malformed(wallet: Wallet) -> None:
    for link in ("", "hello", "https://council.example/request/1", "openid4vp://?client_id=&request_uri="):
        with pytest.raises(Malformed):
            await read_request(wallet.means, wallet.vault, link)
    with pytest.raises(InvalidRequest):
        await read_request(
            wallet.means, wallet.vault, "openid4vp://?client_id=redirect_uri%3Ahttps%3A%2F%2Fx.example&request_uri=https%3A%2F%2Fx.example"
        )


async def test_the_request_is_all_that_is_fetched(wallet: Wallet) -> None:
    """Nothing is fetched because of a request or a showing but the request itself and the answer (S21)."""
    await wallet.collect()
    before = len(wallet.world.log)
    await wallet.share(wallet.world.council.ask())
    assert [url for _, _, url in wallet.world.log[before:]] == [f"{COUNCIL}/object/r0", f"{COUNCIL}/response/r0"]


# --- receipts --------------------------------------------------------------------------------------------------------------------------


async def test_receipt_of_other_presentation_is_shown_as_mismatch(wallet: Wallet) -> None:
    await wallet.collect()
    wallet.world.council.receipt_for = {"council-tax": ("something else",)}
    item = await wallet.share(wallet.world.council.ask())
    assert isinstance(item.value.state, Answered)
    assert item.value.state.receipt_problem.startswith("other_presentation")
    line = (await wallet.lines())[-1]
    assert line.entry.receipt_problem.startswith("other_presentation")
    assert line.entry.receipt


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"nonce": "another"}, "wrong_nonce"),
        ({"entity": BANK}, "untrusted"),
        ({"purpose_id": "marketing"}, "purpose_mismatch"),
        ({"received_at": AT - 301}, "stale_binding"),
        ({"received_at": AT + 301}, "not_yet_valid"),
        ({"received_at": AT - 300}, ""),
    ],
)
async def test_a_receipt_for_another_exchange_or_by_another_body_is_a_mismatch(wallet: Wallet, changes: dict[str, Any], code: str) -> None:
    """Also one for another use than was agreed to, or from before anything was sent: such a one would hide a rewritten log."""
    await wallet.collect()
    wallet.world.council.receipt_changes = changes
    item = await wallet.share(wallet.world.council.ask())
    assert isinstance(item.value.state, Answered)
    assert item.value.state.receipt_problem.partition(":")[0] == code


async def test_a_receipt_that_did_not_fit_taints_no_later_one(wallet: Wallet) -> None:
    """What it says of a log is nobody's word; nor need it be a receipt at all."""
    await wallet.collect()
    council, problems = wallet.world.council, []
    council.receipt_changes = {"log_head": LogHead(size=99, digest=bytes(32))}
    council.receipt_for = {"council-tax": ("something else",)}
    for wrong in ("another presentation", "no receipt", ""):
        if wrong == "no receipt":
            council.says = lambda _: _json({"receipt": "x.y.z"})
        elif not wrong:
            council.says, council.receipt_for = None, None
            council.receipt_changes = {"log_head": LogHead(size=3, digest=bytes(32))}
        wallet.world.clock.at += 1
        state = (await wallet.share(council.ask())).value.state
        assert isinstance(state, Answered)
        problems.append(state.receipt_problem.partition(":")[0])
    assert problems == ["other_presentation", "malformed", ""]


async def test_rewritten_log_detected_by_receipt_head(wallet: Wallet) -> None:
    """The council's log cannot shrink, nor say something else at the same length (S25)."""
    await wallet.collect()
    council = wallet.world.council
    problems = []
    for size, digest in ((5, b"a"), (7, b"b"), (7, b"b"), (7, b"c"), (6, b"d"), (9, b"e")):
        council.receipt_changes = {"log_head": LogHead(size=size, digest=digest * 32)}
        wallet.world.clock.at += LEEWAY + 1  # of two receipts of about one time nobody knows which was first
        state = (await wallet.share(council.ask())).value.state
        assert isinstance(state, Answered)
        problems.append(state.receipt_problem.partition(":")[0])
    assert problems == ["", "", "", "history_rewritten", "history_rewritten", ""]


async def test_a_link_that_is_none_is_not_shown_as_one(wallet: Wallet) -> None:
    await wallet.collect()
    use = IntendedUse(identifier="x", purpose=Text("Why", "Pam"), privacy_policy="javascript:alert(1)")
    view = await wallet.ask(wallet.world.council.ask(verifier_info=(render_use(use),)))
    assert view.use is not None
    assert view.use.privacy_policy == ""
    assert view.keeps == "It does not say how long it keeps what you show."


async def test_old_requests_are_forgotten_and_their_lines_stay(wallet: Wallet) -> None:
    await wallet.collect()
    view = await wallet.ask(wallet.world.council.ask())
    await agree(wallet.means, wallet.vault, view.id)
    wallet.world.clock.at += 31 * 86_400
    await wallet.upkeep()
    assert await wallet.storage.read(lambda tx: REQUESTS.all(tx, wallet.vault)) == []
    assert "presentation" in [line.entry.transaction_type for line in await wallet.lines()]


async def test_no_receipt_is_no_problem(wallet: Wallet) -> None:
    await wallet.collect()
    wallet.world.council.receipts = False
    item = await wallet.share(wallet.world.council.ask())
    assert isinstance(item.value.state, Answered)
    assert (item.value.state.receipt, item.value.state.receipt_problem) == (None, "")


# --- what goes wrong while sending -----------------------------------------------------------------------------------------------------


async def test_a_refusal_by_the_verifier_is_told(wallet: Wallet) -> None:
    await wallet.collect()
    wallet.world.council.says = lambda _: _json({"error": "invalid_request", "error_description": "we closed at five"}, 400)
    item = await wallet.share(wallet.world.council.ask())
    assert isinstance(item.value.state, Answered)
    assert item.value.state.refusal == "we closed at five"
    assert (await wallet.lines())[-1].entry.transaction_result == "failed"


def broken(_: Fetch) -> Fetched:
    raise Unavailable("the line went dead")


async def _given_up(wallet: Wallet) -> None:
    """The clock has posted again what nobody was heard about, until nobody waits for it any longer."""
    began = wallet.world.clock()
    for minutes in (2, 3, 8, 9, 20, 21, 44, 45, 60):
        wallet.world.clock.at = began + 60 * minutes
        await settle_cut_off(wallet.means, wallet.vault)


_REFUSED = _json({"error": "invalid_request", "error_description": "we closed at five"}, 400)


@pytest.mark.parametrize(("says", "why"), [(broken, "Nobody knows whether it arrived."), (lambda _: _REFUSED, "We closed at five")])
async def test_what_was_sent_may_have_been_seen_whatever_came_of_it(wallet: Wallet, says: Any, why: str) -> None:
    """The post carried everything: whoever answers anything but 200 may keep it, and hears of corrections like everybody who saw it."""
    await wallet.collect()
    wallet.world.council.says = says
    await wallet.share(wallet.world.council.ask())
    document = await wallet.document()
    if says is broken:  # and counts before it is given up, too
        (told,) = await told_of(wallet.means, wallet.vault, document.id)
        lines, intact = await read_checked(wallet.means, wallet.vault)
        assert (told.entity, told.at, lines[-1].entry.seq, intact) == (COUNCIL, AT, 0, True)
        assert [one.failed for one in make(lines, holder="Nora", year=year_of(AT), at=AT, intact=True).asked] == [1]
    await _given_up(wallet)
    lines = await wallet.lines()
    names = lines[-1].entry.claims_presented
    assert names
    assert (lines[-1].entry.time, _reason(lines[-1].entry, WORDS)) == (AT, why), "of when it was agreed to"
    statement = make(lines, holder="Nora", year=year_of(AT), at=AT + 1, intact=True)
    assert [(one.shared, one.failed, one.seen, one.may_have_seen) for one in statement.asked] == [(0, 1, (), names)]
    assert [(one.entity, one.names, one.until, one.by) for one in statement.keeping] == [(COUNCIL, names, None, "unknown")]
    (told,) = await told_of(wallet.means, wallet.vault, document.id)
    assert (told.entity, told.jti, told.stale) == (COUNCIL, "", False)
    await _corrected(wallet)
    wallet.world.clock.at += 3
    (told,) = await told_of(wallet.means, wallet.vault, document.id)
    assert told.stale
    await wallet.share(wallet.world.council.ask())
    await _given_up(wallet)  # fails again: nobody knows whether they heard the correction
    (told,) = await told_of(wallet.means, wallet.vault, document.id)
    assert told.stale
    wallet.world.council.says = None
    await wallet.share(wallet.world.council.ask())
    (told,) = await told_of(wallet.means, wallet.vault, document.id)
    assert not told.stale


async def _corrected(wallet: Wallet) -> None:
    """A second later every detail of the only document is another."""
    (item,) = await wallet.documents()
    names = tuple(key_of(claim.path) for claim in type_of(item.value).leaves)
    change = Change(at=wallet.world.clock() + 1, claims=names)
    await wallet.replace(item, msgspec.structs.replace(item.value, changes=(change,)))


async def test_what_was_never_sent_was_not_seen(wallet: Wallet) -> None:
    """The copy cannot be signed: it counts as used, and nothing went out."""
    await wallet.collect()
    copies = await wallet.copies()

    async def break_all(tx: Tx) -> None:
        for item in copies:
            await COPIES.replace(tx, wallet.vault, item, msgspec.structs.replace(item.value, alg="none"), entropy=wallet.means.entropy)

    await wallet.storage.write(break_all)
    await wallet.share(wallet.world.council.ask())
    assert wallet.world.council.got == []
    lines = await wallet.lines()
    assert (lines[-1].entry.transaction_result, lines[-1].entry.claims_presented) == ("failed", ())
    assert _reason(lines[-1].entry, WORDS) == "Your wallet could not sign it, so nothing was sent."
    assert make(lines, holder="Nora", year=year_of(AT), at=AT + 1, intact=True).keeping == ()


def _posts(wallet: Wallet) -> list[bytes | None]:
    return [fetch.body for fetch in wallet.world.fetches if "/response/" in fetch.url]


@pytest.mark.parametrize("says", [lambda _: Fetched(status=302, headers={"location": "https://x.example"}), lambda _: Fetched(status=200)])
async def test_an_answer_that_arrived_is_never_sent_again(wallet: Wallet, says: Any) -> None:
    await wallet.collect()
    wallet.world.council.says = says
    item = await wallet.share(wallet.world.council.ask())
    wallet.world.council.says = None
    again = await agree(wallet.means, wallet.vault, item.id)
    await _given_up(wallet)
    assert again.value.state == item.value.state
    assert (len(_posts(wallet)), len([copy for copy in (await wallet.document()).copies if copy.shown_to])) == (1, 1)


@pytest.mark.parametrize("says", [broken, lambda _: Fetched(status=503)])
@pytest.mark.parametrize("then", ["receipt", "refused", "silence"])
async def test_where_nobody_was_heard_the_same_bytes_are_posted_again(wallet: Wallet, says: Any, then: str) -> None:
    """By the clock and to the same address, at longer and longer intervals for an hour; nothing of it stays in the wallet afterwards but what came of it."""
    await wallet.collect()
    wallet.world.council.says = says
    item = await wallet.share(wallet.world.council.ask())
    assert isinstance(item.value.state, Agreed)
    assert (await agree(wallet.means, wallet.vault, item.id)).value.state == item.value.state
    await settle_cut_off(wallet.means, wallet.vault)
    assert (len(_posts(wallet)), (await wallet.look(item.id)).state) == (1, "sending")
    if then != "silence":
        closed = _json({"error": "invalid_request", "error_description": "this request was answered already"}, 400)
        wallet.world.council.says = (lambda _: closed) if then == "refused" else None
    for _ in range(3):
        await _given_up(wallet)
    first, *more = _posts(wallet)
    assert more == [first] * (4 if then == "silence" else 1)
    assert len([copy for copy in (await wallet.document()).copies if copy.shown_to]) == 1
    settled = await wallet.storage.read(lambda tx: REQUESTS.get(tx, wallet.vault, item.id))
    assert isinstance(settled.value.state, Answered if then == "receipt" else Unanswered)
    entry = (await wallet.lines())[-1].entry
    assert (entry.transaction_result, bool(entry.receipt), entry.receipt_problem) == (
        ("success", True, "") if then == "receipt" else ("failed", False, "")
    )
    assert entry.claims_presented


async def test_a_removed_document_is_not_sent_again(wallet: Wallet) -> None:
    await wallet.collect()
    wallet.world.council.says = broken
    item = await wallet.share(wallet.world.council.ask())
    (document,) = await wallet.documents()
    await wallet.storage.write(lambda tx: DOCUMENTS.drop(tx, wallet.vault, document.id))
    wallet.world.council.says = None
    await _given_up(wallet)
    assert (len(_posts(wallet)), (await wallet.look(item.id)).state) == (1, "unanswered")
    entry = (await wallet.lines())[-1].entry
    assert (entry.claims_presented[0].credential_identifier, entry.documents) == (document.value.vct, (document.id,))


async def test_what_was_to_be_sent_goes_with_its_document(wallet: Wallet) -> None:
    """What they may have seen stays in the history; of other documents it is sent again."""
    await wallet.collect()
    wallet.world.council.says = broken
    item = await wallet.share(wallet.world.council.ask())
    await stop_showing(wallet.means, wallet.vault, "another")
    assert (await wallet.look(item.id)).state == "sending"
    await stop_showing(wallet.means, wallet.vault, (await wallet.document()).id)
    assert (await wallet.look(item.id)).state == "unanswered"
    assert (await wallet.lines())[-1].entry.claims_presented


async def test_one_answer_that_cannot_be_read_keeps_no_other_from_being_seen_to(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    await wallet.collect()
    wallet.world.council.says = wallet.world.bank.says = broken
    first, second = [
        await wallet.share(each.ask(use)) for each, use in ((wallet.world.council, "council-tax"), (wallet.world.bank, "bank"))
    ]
    wallet.world.council.says = wallet.world.bank.says = None
    read = present.request_object

    def spoilt(means: Means, value: Request) -> RequestObject:
        if value.asker.party == COUNCIL:
            raise Malformed("this cannot be read any longer")
        return read(means, value)

    for module in (cut_off, present):
        monkeypatch.setattr(module, "request_object", spoilt)
    lines, intact = await read_checked(wallet.means, wallet.vault)
    assert ([one.entry.transaction_identifier for one in lines if not one.entry.seq], intact) == ([second.id], True)
    await _given_up(wallet)
    assert [(await wallet.look(each.id)).state for each in (first, second)] == ["sending", "answered"]


async def test_its_holder_has_it_not_sent_again(wallet: Wallet) -> None:
    await wallet.collect()
    wallet.world.council.says = broken
    item = await wallet.share(wallet.world.council.ask())
    stopped = await stop(wallet.means, wallet.vault, item.id)
    wallet.world.council.says = None
    await _given_up(wallet)
    assert isinstance(stopped.value.state, Unanswered)
    assert (await stop(wallet.means, wallet.vault, item.id)).value.state == stopped.value.state
    assert (len(_posts(wallet)), (await wallet.lines())[-1].entry.transaction_result) == (1, "failed")


@pytest.mark.parametrize("kept", [True, False])
async def test_a_cut_off_answer_is_settled_as_unknown(wallet: Wallet, *, kept: bool) -> None:
    """Where nothing was kept to be sent, by a wallet of before, and where too much time has gone, nothing is sent."""
    await wallet.collect()
    view = await wallet.ask(wallet.world.council.ask())
    item = await wallet.storage.read(lambda tx: REQUESTS.get(tx, wallet.vault, view.id))
    document = await wallet.document()
    state = Agreed(
        at=AT,
        selection={"council-tax": document.id},
        shown={"council-tax": ("powers/*",)},
        body=b"response=x" if kept else b"",
    )
    value = msgspec.structs.replace(item.value, state=state)
    await wallet.storage.write(lambda tx: REQUESTS.replace(tx, wallet.vault, item, value, entropy=wallet.means.entropy))
    await settle_cut_off(wallet.means, wallet.vault)
    assert (await wallet.look(view.id)).state == "sending"
    wallet.world.clock.at += AGAIN if kept else CUT_OFF
    await settle_cut_off(wallet.means, wallet.vault)
    settled = await wallet.storage.read(lambda tx: REQUESTS.get(tx, wallet.vault, view.id))
    assert isinstance(settled.value.state, Unanswered)
    entry = (await wallet.lines())[-1].entry
    assert (entry.transaction_result, entry.claims_presented[0].claims) == ("failed", ("powers/*",))
    assert entry.claims_presented[0].credential_identifier == document.vct
    assert _posts(wallet) == []


async def test_a_request_that_ran_out_is_not_answered(wallet: Wallet) -> None:
    await wallet.collect()
    view = await wallet.ask(wallet.world.council.ask())
    wallet.world.clock.at += 3_600
    with pytest.raises(Conflict):
        await agree(wallet.means, wallet.vault, view.id)


async def test_two_questions_of_one_document_with_one_copy_left_are_refused_whole(wallet: Wallet) -> None:
    await wallet.collect()
    for _ in range(BATCH - 1):
        await wallet.share(wallet.world.bank.ask())
    twice = {"credentials": [POWERS["credentials"][0], {**POWERS["credentials"][0], "id": "q"}]}
    view = await wallet.ask(wallet.world.council.ask(parse_query(twice)))
    with pytest.raises(Conflict):
        await agree(wallet.means, wallet.vault, view.id)
    assert [copy.shown_to for copy in (await wallet.document()).copies].count(COUNCIL) == 0
    assert wallet.world.council.got == []


async def test_the_answer_is_locked_for_the_asker(wallet: Wallet) -> None:
    await wallet.collect()
    await wallet.share(wallet.world.council.ask())
    posted = next(fetch for fetch in wallet.world.fetches if "/response/" in fetch.url)
    assert b"Margaret" not in (posted.body or b"")
    assert (posted.body or b"").startswith(b"response=eyJ")
    token = (posted.body or b"").partition(b"=")[2].decode()
    header = json.loads(base64url.decode(token.partition(".")[0]))
    assert (header["alg"], header["enc"]) == ("ECDH-ES", "A256GCM")


async def test_key_binding_names_the_whole_client_id(wallet: Wallet) -> None:
    await wallet.collect()
    await wallet.share(wallet.world.council.ask())
    ((presentation,),) = wallet.world.council.got[0].values()
    binding = parse_jwt(presentation.rpartition("~")[2]).claims
    assert binding["aud"] == wallet.world.council.client_id
    assert binding["nonce"] == wallet.world.council.requests["r0"].nonce
