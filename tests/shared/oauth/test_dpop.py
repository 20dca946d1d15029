from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signing import AT, Signer

from shared.codec import base64url
from shared.errors import InvalidDpopProof, InvalidToken, KeyRoleRefused, UseDpopNonce, VcError
from shared.jose.jwk import render_jwk, thumbprint
from shared.jose.jws import prepare_jws
from shared.keys import KeyId, Role, check_role
from shared.oauth import AccessToken, DpopProof, one_dpop_header, parse_authorization, prepare_dpop, same_target, verify_dpop

URL = "https://as.example/token"
KEY = KeyId("dpop")
HOLDER = Signer.new()
JWK = render_jwk(HOLDER.public)
TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
ATH = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"  # RFC 9449 section 7.1's own pair


def made(signer: Signer = HOLDER, **arguments: Any) -> str:
    given_: dict[str, Any] = {"method": "POST", "url": URL, "at": AT, "jti": "j1", **arguments}
    return signer.finish(prepare_dpop(key=KEY, public=signer.public, **given_))


def forged(signer: Signer = HOLDER, *, typ: str = "dpop+jwt", header: dict[str, Any] | None = None, **claims: Any) -> str:
    payload = {"jti": "j1", "htm": "POST", "htu": URL, "iat": AT, **claims}
    body = json.dumps({name: value for name, value in payload.items() if value is not None}).encode()
    members = {"jwk": render_jwk(signer.public)} if header is None else header
    return signer.finish(prepare_jws(typ=typ, payload=body, key=KEY, alg=signer.public.alg, header=members))


def by_hand(header: dict[str, Any], sign: Callable[[bytes], bytes] = HOLDER.raw) -> str:
    claims = json.dumps({"jti": "j1", "htm": "POST", "htu": URL, "iat": AT}).encode()
    signing_input = f"{base64url.encode(json.dumps(header).encode())}.{base64url.encode(claims)}"
    return f"{signing_input}.{base64url.encode(sign(signing_input.encode()))}"


def verify(proof: str, **arguments: Any) -> DpopProof:
    return verify_dpop(proof, **{"method": "POST", "url": URL, "at": AT, "nonce_ok": lambda _: True, **arguments})


@pytest.mark.parametrize("alg", ["ES256", "ES384", "EdDSA"])
def test_a_proof_gives_the_thumbprint_that_tokens_are_tied_to(alg: str) -> None:
    signer = Signer.new(alg)
    assert verify(made(signer, nonce="n")) == DpopProof(jkt=thumbprint(signer.public), jti="j1", iat=AT, nonce="n")


def test_a_proof_with_a_token_carries_its_hash() -> None:
    proof = made(access_token=TOKEN)
    assert json.loads(base64url.decode(proof.split(".")[1]))["ath"] == ATH
    assert verify(proof, access_token=TOKEN).jti == "j1"
    assert verify(proof).jti == "j1"  # where no token is shown its hash says nothing


def test_the_dpop_role_signs_proofs_and_no_other_role_does() -> None:
    unsigned = prepare_dpop(key=KEY, public=HOLDER.public, method="GET", url=URL, at=AT, jti="j")
    check_role(Role.DPOP, unsigned.typ)
    for role in set(Role) - {Role.DPOP}:
        with pytest.raises(KeyRoleRefused):
            check_role(role, unsigned.typ)


def test_query_and_fragment_stay_out_of_a_proof() -> None:
    claims = json.loads(base64url.decode(made(url=f"{URL}?a=b#c").split(".")[1]))
    assert claims["htu"] == URL


REFUSED: dict[str, str] = {
    "not a jwt": "x",
    "two proofs": f"{made()},{made()}",
    "too long": "x" * 9_000,
    "other typ": forged(typ="JWT"),
    "typ_swap client attestation": forged(typ="oauth-client-attestation-pop+jwt"),
    "typ_swap key proof": forged(typ="openid4vci-proof+jwt"),
    "no typ": by_hand({"alg": "ES256", "jwk": JWK}),
    "no alg": by_hand({"typ": "dpop+jwt", "jwk": JWK}),
    "none": by_hand({"alg": "none", "typ": "dpop+jwt", "jwk": JWK}, lambda _: b""),
    "hmac": by_hand({"alg": "HS256", "typ": "dpop+jwt", "jwk": JWK}, lambda data: hmac.digest(b"k" * 32, data, hashlib.sha256)),
    "symmetric key": by_hand({"alg": "HS256", "typ": "dpop+jwt", "jwk": {"kty": "oct", "k": base64.b64encode(b"k" * 33).decode()}}),
    "no key": forged(header={}),
    "key is a text": by_hand({"alg": "ES256", "typ": "dpop+jwt", "jwk": "k"}),
    "private key": by_hand({"alg": "ES256", "typ": "dpop+jwt", "jwk": {**JWK, "d": "AA"}}),
    "key by kid": forged(header={"kid": "1"}),
    "signed by another": forged(Signer.new(), header={"jwk": JWK}),
    "algorithm of another curve": forged(Signer.new("ES384"), header={"jwk": JWK}),
    "no jti": forged(jti=None),
    "long jti": forged(jti="j" * 257),
    "no htm": forged(htm=None),
    "other htm": forged(htm="GET"),
    "htm in lower case": forged(htm="post"),
    "no htu": forged(htu=None),
    "other htu": forged(htu="https://as.example/par"),
    "other host": forged(htu="https://evil.example/token"),
    "other port": forged(htu="https://as.example:8443/token"),
    "other scheme": forged(htu="http://as.example/token"),
    "htu is a path": forged(htu="/token"),
    "htu is no address": forged(htu="https://as.example:port/token"),
    "no iat": forged(iat=None),
    "iat is a text": forged(iat=str(AT)),
    "iat is true": forged(iat=True),
    "iat too old": made(at=AT - 61),
    "iat in the future": made(at=AT + 61),
    "one hour old": made(at=AT - 3600),
    "expired": forged(exp=AT - 60),
    "not yet": forged(nbf=AT + 61),
    "nonce is a number": forged(nonce=1),
    "long nonce": forged(nonce="n" * 2_000),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_proof_is_refused(name: str) -> None:
    with pytest.raises(InvalidDpopProof):
        verify(REFUSED[name])


def test_the_proof_of_another_token_is_refused() -> None:
    for proof in (made(), made(access_token="other"), forged(ath=7), forged(ath=ATH + "=")):
        with pytest.raises(InvalidDpopProof):
            verify(proof, access_token=TOKEN)


def test_an_algorithm_outside_the_list_is_refused() -> None:
    with pytest.raises(InvalidDpopProof):
        verify(made(), algs=("EdDSA",))


@pytest.mark.parametrize("offset", [-60, -10, 0, 10, 60])
def test_clocks_may_differ_a_little(offset: int) -> None:
    assert verify(made(at=AT + offset)).iat == AT + offset
    assert verify(forged(iat=AT + offset + 0.0, nbf=AT + offset, exp=AT + offset + 10)).jti == "j1"


def test_unknown_members_are_ignored() -> None:
    assert verify(forged(header={"jwk": JWK, "x": {"y": 1}}, extra=[1])).jti == "j1"


def test_a_nonce_that_is_not_ours_is_told_apart_and_only_when_all_else_is_right() -> None:
    seen: list[str | None] = []

    def ok(nonce: str | None) -> bool:
        seen.append(nonce)
        return nonce == "n"

    assert verify(made(nonce="n"), nonce_ok=ok).nonce == "n"
    for proof in (made(), made(nonce="old")):
        with pytest.raises(UseDpopNonce):
            verify(proof, nonce_ok=ok)
    assert seen == ["n", None, "old"]
    with pytest.raises(InvalidDpopProof):
        verify(made(method="GET"), nonce_ok=ok)
    assert len(seen) == 3


def test_a_nonce_may_date_a_proof_instead_of_a_wrong_clock() -> None:
    assert verify(made(at=AT - 3_600, nonce="n"), dated_by_nonce=True).nonce == "n"
    with pytest.raises(InvalidDpopProof):
        verify(made(at=AT - 3_600), dated_by_nonce=True)


@pytest.mark.parametrize(
    "htu",
    [
        "HTTPS://AS.example/a/b",
        "https://as.example:443/a/b",
        "https://as.example/a/b?x=1#y",
        "https://as.example/a/./b",
        "https://as.example/a/c/../b",
        "https://as.example/%61/%62",
        "https://as.example/../a/b",
    ],
)
def test_one_resource_has_many_spellings(htu: str) -> None:
    assert same_target(htu, "https://as.example/a/b")


@pytest.mark.parametrize("htu", ["https://as.example/A/b", "https://as.example/a/b/", "https://as.example/a%2Fb", "https://as.example/a"])
def test_other_resources_stay_other(htu: str) -> None:
    assert not same_target(htu, "https://as.example/a/b")


def test_an_empty_path_is_the_root_and_encodings_have_one_spelling() -> None:
    assert same_target("https://as.example", "https://as.example/")
    assert same_target("http://localhost:8080/%e2%82%ac", "http://localhost:8080/%E2%82%AC")
    assert same_target("http://localhost/x", "http://localhost:80/x")


def test_a_request_has_one_proof() -> None:
    assert one_dpop_header([]) is None
    assert one_dpop_header([" p "]) == "p"
    with pytest.raises(InvalidDpopProof):
        one_dpop_header(["p", "p"])


@pytest.mark.parametrize(("header", "dpop"), [("DPoP t", True), ("dpop  t ", True), ("Bearer t", False), ("BEARER t", False)])
def test_the_kind_of_a_token_is_read_in_any_case(header: str, dpop: bool) -> None:
    assert parse_authorization(header) == AccessToken("t", dpop=dpop)


@pytest.mark.parametrize("header", [None, "", "DPoP", "Bearer ", "Basic dTpw", "Bearer " + "x" * 20_000, "Bearer \udcff"])
def test_without_a_token_nothing_is_shown(header: str | None) -> None:
    with pytest.raises(InvalidToken):
        parse_authorization(header)


@given(st.text() | st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")))
def test_any_text_is_a_proof_or_a_vc_error(text: str) -> None:
    for read in (lambda: verify(text), lambda: parse_authorization(text), lambda: same_target(text, URL)):
        try:
            read()
        except VcError:
            continue


@given(
    st.dictionaries(
        st.sampled_from(["jti", "htm", "htu", "iat", "nonce", "exp", "nbf", "ath"]),
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.just([]),
        min_size=1,
    )
)
def test_any_claims_are_a_proof_or_a_vc_error(claims: dict[str, Any]) -> None:
    try:
        verify(forged(**claims), access_token=TOKEN)
    except VcError:
        return
