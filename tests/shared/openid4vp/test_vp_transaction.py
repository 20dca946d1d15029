from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.asking import Asker
from support.signing import AT

from shared.codec import base64url
from shared.credentials import Text
from shared.errors import InvalidTransactionData
from shared.openid4vp import (
    AGREE,
    JOINT,
    Agreement,
    TransactionData,
    agreed_members,
    assign,
    hashes_of,
    parse_agreement,
    parse_request,
    parse_transaction_data,
    render_agreement,
    render_request,
    render_transaction_data,
)

BANK = Asker.new()
AGREEMENT = Agreement(statement=Text("I agree to the transfer.", "Cytunaf i’r trosglwyddiad."), reference="T-7")
ENTRY = render_agreement(AGREEMENT, ["poa"])
GOOD: dict[str, Any] = {"type": AGREE, "credential_ids": ["poa"], "statement": [{"lang": "en", "content": "Yes."}]}


def raw(document: Any) -> str:
    return base64url.encode(json.dumps(document).encode())


def sha256(text: str) -> str:
    return base64url.encode(hashlib.sha256(text.encode()).digest())


def request(*raws: Any) -> Any:
    return parse_request({**render_request(BANK.request(), at=AT), "transaction_data": list(raws)})


def test_an_agreement_is_written_sent_and_read() -> None:
    assert parse_agreement(ENTRY) == AGREEMENT
    asked = BANK.request(transaction_data=(ENTRY,))
    assert parse_request(render_request(asked, at=AT)) == asked
    assert parse_agreement(render_agreement(Agreement(statement=Text("Yes", "Ie")), ["a", "b"])).reference == ""


def test_what_several_agree_to_together_is_of_a_type_of_its_own() -> None:
    together = Agreement(statement=Text("Sell the house", "Gwerthu’r tŷ"), reference="T-8", together=True)
    entry = render_agreement(together, ["poa"])
    assert entry.type == JOINT != ENTRY.type
    assert parse_agreement(entry) == together
    assert parse_request(render_request(BANK.request(transaction_data=(entry,)), at=AT)).transaction_data == (entry,)


def test_the_text_that_was_sent_is_hashed_and_not_what_it_means() -> None:
    spaced = base64url.encode(json.dumps(GOOD, indent=2).encode())
    assert spaced != raw(GOOD)
    [entry] = request(spaced).transaction_data
    assert agreed_members([entry]) == {"transaction_data_hashes": [sha256(spaced)]}


def test_the_hash_is_one_that_all_entries_allow_and_named_if_any_named_some() -> None:
    def entry(*algs: str) -> TransactionData:
        return render_transaction_data("urn:x", ["poa"], {}, hash_algs=algs or None)

    assert agreed_members([]) == {}
    both = agreed_members([entry("sha-512", "sha-256"), entry()])
    assert (both["transaction_data_hashes_alg"], len(both["transaction_data_hashes"])) == ("sha-256", 2)
    longer = agreed_members([entry("sha-999", "sha-512")])
    assert longer["transaction_data_hashes_alg"] == "sha-512"
    assert len(base64url.decode(longer["transaction_data_hashes"][0])) == 64
    for many in ([entry("sha-512"), entry()], [entry("sha-1")]):
        with pytest.raises(InvalidTransactionData):
            agreed_members(many)


def test_every_hash_that_a_holder_may_have_signed_is_told() -> None:
    [alone] = [render_transaction_data("urn:x", ["poa"], {})]
    assert hashes_of(alone) == {"sha-256": sha256(alone.raw)}
    listed = render_transaction_data("urn:x", ["poa"], {}, hash_algs=["md5", "sha-512", "sha-256"])
    assert list(hashes_of(listed)) == ["sha-512", "sha-256"]
    assert hashes_of(listed)["sha-256"] == sha256(listed.raw)


def test_one_document_agrees_and_only_one_of_a_format_that_can() -> None:
    first, second = render_transaction_data("urn:x", ["m", "p", "r"], {}), render_transaction_data("urn:y", ["r"], {})
    answered = {"m": "mso_mdoc", "p": "dc+sd-jwt", "r": "vc+sd-jwt"}
    assert assign([first, second], answered) == {"p": (first,), "r": (second,)}
    assert assign([first, second], {"r": "dc+sd-jwt"}) == {"r": (first, second)}
    assert assign([], {}) == {}
    for those in ({}, {"m": "mso_mdoc"}, {"p": "vc+jwt", "m": "mso_mdoc"}):
        with pytest.raises(InvalidTransactionData) as caught:
            assign([first], those)
        assert caught.value.where == "/transaction_data/0"


@pytest.mark.parametrize(
    ("entries", "where"),
    [
        ([], "/transaction_data"),
        ([7], "/transaction_data/0"),
        ([raw(GOOD)] * 17, "/transaction_data"),
        (["not base64!"], "/transaction_data/0"),
        (["A" * 40_000], "/transaction_data/0"),
        ([base64url.encode(b"{")], "/transaction_data/0"),
        ([base64url.encode(b'{"type":"a","type":"b"}')], "/transaction_data/0"),
        ([raw([])], "/transaction_data/0"),
        ([raw({**GOOD, "type": "urn:example:unknown"})], "/transaction_data/0"),
        ([raw({**GOOD, "type": 7})], "/transaction_data/0/type"),
        ([raw({**GOOD, "type": f"{AGREE} "})], "/transaction_data/0"),
        ([raw({**GOOD, "credential_ids": []})], "/transaction_data/0/credential_ids"),
        ([raw({**GOOD, "credential_ids": ["other"]})], "/transaction_data/0"),
        ([raw(GOOD), raw({**GOOD, "credential_ids": ["poa", "other"]})], "/transaction_data/1"),
        ([raw({**GOOD, "amount": 7})], "/transaction_data/0"),
        ([raw({**GOOD, "statement": "Yes."})], "/transaction_data/0/statement"),
        ([raw({**GOOD, "statement": []})], "/transaction_data/0/statement"),
        ([raw({**GOOD, "reference": 7})], "/transaction_data/0/reference"),
        ([raw({name: value for name, value in GOOD.items() if name != "statement"})], "/transaction_data/0/statement"),
        ([raw({**GOOD, "transaction_data_hashes_alg": []})], "/transaction_data/0/transaction_data_hashes_alg"),
        ([raw({**GOOD, "transaction_data_hashes_alg": ["md5"]})], "/transaction_data"),
        ([raw(GOOD), raw({**GOOD, "type": "urn:example:unknown"})], "/transaction_data/1"),
    ],
)
def test_what_cannot_be_agreed_to_is_refused(entries: list[Any], where: str) -> None:
    with pytest.raises(InvalidTransactionData) as caught:
        request(*entries)
    assert caught.value.where == where


@pytest.mark.parametrize(
    "statement",
    [
        [{"lang": "en", "content": "Pay £4"}, {"lang": "de", "content": "Ich übertrage mein Haus"}],
        [{"lang": "de", "content": "Ich übertrage mein Haus"}],
        [{"lang": "en-GB", "content": "I give my house"}],
        [{"lang": "en", "content": "I give my house"}, {"lang": "en", "content": "Pay £4"}],
        [{"lang": "en", "content": "a"}, {"lang": "cy", "content": "b"}, {"lang": "en", "content": "c"}],
        [{"lang": "en", "content": "Pay £4", "amount": "4000"}],
        [{"lang": ["en"], "content": "Pay £4"}],
        [{"lang": "en"}],
        [{"lang": "en", "content": "Pay £4\u202e000"}],
        [{"lang": "en", "content": "Pay £4"}, {"lang": "cy", "content": "Talu £4\u200b"}],
        [{"lang": "en", "content": "Pay £4\n\n\n\nand give my house"}],
    ],
    ids=str,
)
def test_words_that_would_be_signed_unseen_are_refused(statement: list[Any]) -> None:
    with pytest.raises(InvalidTransactionData) as caught:
        request(raw({**GOOD, "statement": statement}))
    assert caught.value.where == "/transaction_data/0/statement"


@pytest.mark.parametrize(("reference", "fit"), [("pay\u202e-7", False), ("pay\u00a07", True)])
def test_a_reference_that_would_turn_the_sentence_is_refused(reference: str, *, fit: bool) -> None:
    """It stands beside the wallet's own words; every space may be in it."""
    asked = raw({**GOOD, "reference": reference})
    if fit:
        assert parse_agreement(request(asked).transaction_data[0]).reference == reference
        return
    with pytest.raises(InvalidTransactionData) as caught:
        request(asked)
    assert caught.value.where == "/transaction_data/0/reference"


def test_a_statement_in_either_language_or_both_is_read() -> None:
    yes, ie = {"lang": "en", "content": "Yes"}, {"lang": "cy", "content": "Ie"}
    for statement, text in (([yes], Text("Yes", "Yes")), ([ie], Text("Ie", "Ie")), ([ie, yes], Text("Yes", "Ie"))):
        [entry] = request(raw({**GOOD, "statement": statement})).transaction_data
        assert parse_agreement(entry).statement == text


def test_no_document_of_a_format_that_cannot_agree_is_asked_to() -> None:
    query = {"credentials": [{"id": "poa", "format": "mso_mdoc", "meta": {"doctype_value": "x"}}]}
    claims = {**render_request(BANK.request(), at=AT), "dcql_query": query, "transaction_data": [raw(GOOD)]}
    with pytest.raises(InvalidTransactionData):
        parse_request(claims)


@given(
    st.text() | st.binary().map(base64url.encode) | st.dictionaries(st.sampled_from([*GOOD, "reference"]), st.none() | st.text()).map(raw)
)
def test_any_text_is_an_entry_or_refused(text: str) -> None:
    try:
        parse_agreement(parse_transaction_data(text, "/x"))
    except InvalidTransactionData:
        return
