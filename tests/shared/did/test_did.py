from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import example, given
from hypothesis import strategies as st
from support.signing import Signer

from shared import did
from shared.codec import base58, base64url
from shared.errors import Malformed, TooLarge, Unavailable, Untrusted, VcError
from shared.flow import Fetch, Fetched, run
from shared.jose.jwk import parse_public_jwk, render_jwk
from shared.keys import PublicKey, ed25519_key

SIGNERS = [Signer.new(alg) for alg in ("ES256", "ES384", "EdDSA")]
KEY = SIGNERS[0].public
WEB = "did:web:opg.example"


def never(fetch: Fetch) -> Fetched:
    raise AssertionError(fetch.url)


def jwk_did(jwk: dict[str, Any]) -> str:
    return "did:jwk:" + base64url.encode(json.dumps(jwk).encode())


def answering(body: bytes, status: int = 200) -> Callable[[Fetch], Fetched]:
    return lambda _fetch: Fetched(status=status, body=body)


def document(**members: Any) -> bytes:
    base: dict[str, Any] = {
        "id": WEB,
        "verificationMethod": [{"id": f"{WEB}#a", "type": "JsonWebKey", "controller": WEB, "publicKeyJwk": render_jwk(KEY)}],
        "assertionMethod": [f"{WEB}#a"],
    }
    return json.dumps({name: value for name, value in (base | members).items() if value is not ...}).encode()


def method(**members: Any) -> dict[str, Any]:
    base = {"id": "#b", "type": "Multikey", "controller": WEB, "publicKeyMultibase": did.did_key(KEY)[len("did:key:") :]}
    return {name: value for name, value in (base | members).items() if value is not ...}


@pytest.mark.parametrize("signer", SIGNERS)
def test_a_key_is_its_own_identifier(signer: Signer) -> None:
    name = did.did_key(signer.public)
    found = run(did.resolve(name), never)
    assert found.did == name
    for purpose in (did.ASSERTION, did.AUTHENTICATION):
        for kid in ("", "#" + name[len("did:key:") :], f"{name}#{name[len('did:key:') :]}"):
            assert found.key(kid, purpose) == signer.public
    with pytest.raises(Untrusted):
        found.key("#other", did.ASSERTION)


@pytest.mark.parametrize("signer", SIGNERS)
def test_a_jwk_is_its_own_identifier(signer: Signer) -> None:
    name = jwk_did(render_jwk(signer.public))
    assert run(did.resolve(name), never).key(f"{name}#0", did.AUTHENTICATION) == signer.public


@pytest.mark.parametrize(
    "name",
    [
        "did:key:" + base58.encode(b"\x80\x24" + bytes(33)),
        "did:key:z" + base58.encode(b"\x80\x24\x05" + bytes(32)),
        "did:key:z" + base58.encode(b"\x80\x24" + bytes(34)),
        "did:key:z" + base58.encode(b"\xe7\x01" + bytes(33)),  # secp256k1
        "did:key:z" + base58.encode(b"\xed\x01\x01" + bytes(31)),  # of small order
        "did:key:z",
        "did:key:z0",
        did.did_key(KEY) + "1",
        "did:jwk:e30",
        "did:jwk:!",
        jwk_did(render_jwk(KEY) | {"use": "enc"}),
        jwk_did(render_jwk(KEY) | {"d": "AAAA"}),
        jwk_did({"kty": "RSA", "n": "AQAB", "e": "AQAB"}),
        "did:example:123",
        "did:plc:abc",
        "did:KEY:z",
        "did:web",
        "did:web:",
        "did:web:a:",
        "did:web:a::b",
        "did:web:a b",
        "DID:web:a",
        "did:web:a#b",
        "did:web:a/b",
        "did:web:a?b",
        "",
    ],
)
def test_refused(name: str) -> None:
    with pytest.raises(Malformed):
        run(did.resolve(name), never)


def test_a_did_is_bounded() -> None:
    with pytest.raises(TooLarge):
        run(did.resolve("did:web:" + "a" * 3_000), never)


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("did:web:opg.example", "https://opg.example/.well-known/did.json"),
        ("did:web:localhost%3A8101", "https://localhost:8101/.well-known/did.json"),
        ("did:web:localhost%3a8101:offices:1", "https://localhost:8101/offices/1/did.json"),
        ("did:web:a-b.example:user:al.ice_-", "https://a-b.example/user/al.ice_-/did.json"),
    ],
)
def test_where_a_document_lies(name: str, address: str) -> None:
    asked: list[Fetch] = []

    def answer(fetch: Fetch) -> Fetched:
        asked.append(fetch)
        return Fetched(status=200, body=document(id=name, verificationMethod=[], assertionMethod=[]))

    assert run(did.resolve(name), answer).keys == {}
    assert [(each.url, each.method, each.max_bytes) for each in asked] == [(address, "GET", did.MAX_BYTES)]


@pytest.mark.parametrize(
    "name",
    [
        "did:web:127.0.0.1",
        "did:web:10",
        "did:web:a.123",
        "did:web:-a.example",
        "did:web:a..b",
        "did:web:a.",
        "did:web:%3A80",
        "did:web:a%3A",
        "did:web:a%3A0",
        "did:web:a%3A99999",
        "did:web:a%3A8_0",
        "did:web:a%3A80%3A81",
        "did:web:a%2Eexample",
        "did:web:a%40b",
        "did:web:user%40a%3A80",
        "did:web:a%00",
        "did:web:a:..",
        "did:web:a:.",
        "did:web:a:b%2Fc",
        "did:web:a:" + ":".join(["b"] * 17),
        "did:web:" + "a." * 130 + "b",
    ],
)
def test_addresses_that_are_none(name: str) -> None:
    with pytest.raises(Malformed):
        run(did.resolve(name), never)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://opg.example", "did:web:opg.example"),
        ("http://localhost:8101", "did:web:localhost%3A8101"),
        ("https://a.example/offices/1", "did:web:a.example:offices:1"),
    ],
)
def test_the_did_of_an_address(url: str, name: str) -> None:
    assert did.did_web(url) == name
    with pytest.raises(Malformed):
        did.did_web("http://127.0.0.1:8101")


def test_our_own_document_is_read_back() -> None:
    found = did.parse_document(did.render_document(WEB, KEY), WEB)
    assert found.key(f"{WEB}#key-1", did.ASSERTION) == KEY
    assert found.key("", did.ASSERTION) == KEY
    with pytest.raises(Untrusted):
        found.key("", did.AUTHENTICATION)


def test_a_key_counts_for_what_it_is_named_for() -> None:
    other = SIGNERS[1].public
    multikey = did.did_key(other)[len("did:key:") :]
    data = document(
        verificationMethod=[method(), method(id=f"{WEB}#c", publicKeyMultibase=multikey)],
        assertionMethod=["#b", f"{WEB}#unknown", "did:web:other.example#b"],
        authentication=["#c", method(id="#d")],
    )
    found = did.parse_document(data, WEB)
    assert found.key("#b", did.ASSERTION) == found.key("", did.ASSERTION) == KEY
    assert found.key("#c", did.AUTHENTICATION) == other
    assert found.key(f"{WEB}#d", did.AUTHENTICATION) == KEY
    for name, purpose in (
        ("#c", did.ASSERTION),
        ("#d", did.ASSERTION),
        ("#b", did.AUTHENTICATION),
        ("", did.AUTHENTICATION),
        ("#unknown", did.ASSERTION),
        ("did:web:other.example#b", did.ASSERTION),
        ("b", did.ASSERTION),
    ):
        with pytest.raises(Untrusted):
            found.key(name, purpose)


@pytest.mark.parametrize(
    "changes",
    [
        {"controller": "did:web:other.example"},
        {"type": "Ed25519VerificationKey2018", "publicKeyMultibase": ..., "publicKeyBase58": "abc"},
        {"type": "JsonWebKey"},
        {"publicKeyJwk": {}},
        {"publicKeyMultibase": "zzz"},
        {"publicKeyMultibase": 5},
        {"type": "JsonWebKey2020", "publicKeyMultibase": ..., "publicKeyJwk": {"kty": "RSA"}},
        {"type": "JsonWebKey2020", "publicKeyMultibase": ..., "publicKeyJwk": render_jwk(KEY) | {"d": "AA"}},
        {"type": None},
    ],
)
def test_keys_that_are_passed_over(changes: dict[str, Any]) -> None:
    found = did.parse_document(document(verificationMethod=[method(**changes)], assertionMethod=["#b"]), WEB)
    assert found.keys == {}
    with pytest.raises(Untrusted):
        found.key("#b", did.ASSERTION)


@pytest.mark.parametrize(
    ("members", "where"),
    [
        ({"id": "did:web:opg.example."}, "/id"),
        ({"id": "did:web:OPG.example"}, "/id"),
        ({"id": ...}, "/id"),
        ({"verificationMethod": {}}, "/verificationMethod"),
        ({"verificationMethod": [5]}, "/verificationMethod/0"),
        ({"verificationMethod": [method(id=...)]}, "/verificationMethod/0/id"),
        ({"verificationMethod": [method(id="b")]}, "/verificationMethod/0/id"),
        ({"verificationMethod": [method(id=WEB)]}, "/verificationMethod/0/id"),
        ({"verificationMethod": [method(id="#")]}, "/verificationMethod/0/id"),
        ({"verificationMethod": [method(id="#a b")]}, "/verificationMethod/0/id"),
        ({"verificationMethod": [method(controller=...)]}, "/verificationMethod/0/controller"),
        ({"verificationMethod": [method(), method()]}, "/verificationMethod/1/id"),
        ({"authentication": [method(id="#a")]}, "/authentication/0/id"),
        ({"assertionMethod": ["b"]}, "/assertionMethod/0"),
        ({"assertionMethod": [5]}, "/assertionMethod/0"),
        ({"assertionMethod": "#a"}, "/assertionMethod"),
        ({"verificationMethod": [method(id=f"#{at}") for at in range(65)]}, "/verificationMethod"),
    ],
)
def test_documents_of_the_wrong_form(members: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        run(did.resolve(WEB), answering(document(**members)))
    assert caught.value.where == where


def test_an_address_that_does_not_answer() -> None:
    for status in (404, 301, 206):
        with pytest.raises(Unavailable):
            run(did.resolve(WEB), answering(document(), status))
    with pytest.raises(TooLarge):
        run(did.resolve(WEB), answering(b" " * 70_000))
    assert run(did.resolve(WEB), answering(document())).key("#a", did.ASSERTION) == KEY


def test_names_of_keys() -> None:
    assert did.parse_did_url(f"{WEB}#a") == did.DidUrl(WEB, "a")
    assert did.is_did(WEB)
    assert not did.is_did("https://opg.example")
    for text in (WEB, f"{WEB}#", f"{WEB}/p#a", f"{WEB}?q#a", f"{WEB}#a#b", "#a"):
        with pytest.raises(Malformed) as caught:
            did.parse_did_url(text, where="/kid")
        assert caught.value.where == "/kid"


@given(st.text() | st.from_regex(r"did:(key|jwk|web|x):[a-zA-Z0-9.%:_-]*", fullmatch=True))
@example("did:web:a%3A80:b")
def test_any_text_gives_a_document_or_an_error(text: str) -> None:
    try:
        found = run(did.resolve(text), answering(document(id=text)))
    except VcError:
        return
    assert found.did == text


@given(
    st.binary() | st.recursive(st.none() | st.text(max_size=8), lambda below: st.lists(below) | st.dictionaries(st.text(max_size=8), below))
)
def test_any_document_gives_keys_or_an_error(body: Any) -> None:
    for data in (
        body if isinstance(body, bytes) else json.dumps(body).encode(),
        document(verificationMethod=body if not isinstance(body, bytes) else []),
    ):
        try:
            did.parse_document(data, WEB)
        except VcError:
            continue


@given(
    st.sampled_from(["verificationMethod", "assertionMethod", "authentication"]),
    st.lists(
        st.dictionaries(
            st.sampled_from(["id", "type", "controller", "publicKeyJwk", "publicKeyMultibase"]), st.text(max_size=6) | st.just({})
        )
    ),
)
def test_any_method_gives_keys_or_an_error(name: str, methods: list[dict[str, Any]]) -> None:
    try:
        did.parse_document(document(**{name: methods}), WEB)
    except VcError:
        return


def _published(entry: dict[str, Any]) -> PublicKey:
    first = entry["didDocument"]["verificationMethod"][0]
    if "publicKeyJwk" in first:
        return parse_public_jwk(first["publicKeyJwk"])
    raw = base58.decode(first["publicKeyBase58"])
    if len(raw) == 32:
        return ed25519_key(raw)
    return PublicKey.of(ec.EllipticCurvePublicKey.from_encoded_point({33: ec.SECP256R1(), 49: ec.SECP384R1()}[len(raw)], raw))


@pytest.mark.vectors
def test_published_identifiers(vectors: Callable[[str], Path]) -> None:
    judged = 0
    for name in ("nist-curves", "ed25519-x25519", "secp256k1", "bls12381", "rsa"):
        for identifier, entry in json.loads(vectors(f"did/did-key/{name}.json").read_bytes()).items():
            ours = identifier.startswith(("did:key:zDn", "did:key:z82", "did:key:z6Mk"))  # P-256, P-384, Ed25519
            if ours:
                found = run(did.resolve(identifier), never)
                assert found.key(entry["didDocument"]["assertionMethod"][0], did.ASSERTION) == _published(entry)
                assert did.did_key(_published(entry)) == identifier
                judged += 1
            else:
                with pytest.raises(Malformed):
                    run(did.resolve(identifier), never)
    assert judged >= 8
