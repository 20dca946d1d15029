from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import Vectors
from hypothesis import given
from hypothesis import strategies as st
from support.signing import AT, Signer, anchor, leaf

from shared.codec import base64url
from shared.errors import Expired, KeyRoleRefused, Malformed, NotYetValid, Untrusted, VcError, WrongTyp
from shared.flow import Fetch, Fetched, run
from shared.jose.jws import prepare_jws
from shared.keys import KeyId, Role, check_role
from shared.openid4vci import (
    AsMetadata,
    Configuration,
    IssuerMetadata,
    SignedBy,
    fetch_metadata,
    prepare_signed_metadata,
    render_as_metadata,
    render_issuer_metadata,
    verify_signed_metadata,
)
from shared.trust.anchors import Anchor, TrustAnchors
from shared.trust.policy import Policy
from shared.x509 import Cert, x5c_header

ISSUER = "https://opg.example/lpa"
ABOUT = IssuerMetadata(
    issuer=ISSUER,
    credential_endpoint=f"{ISSUER}/credential",
    configurations={"lpa": Configuration(id="lpa", format="dc+sd-jwt", vct="urn:poa", scope="lpa")},
)
ROOT, OFFICE = Signer.new(), Signer.new()
ANCHOR = anchor(ROOT)
CHAIN = (leaf(OFFICE, ANCHOR, ROOT, uri=ISSUER),)
POLICY = Policy(TrustAnchors(anchors=(Anchor(certificate=ANCHOR, role=Role.CREDENTIAL_ISSUER, name="office", vcts=("urn:poa",)),)))


def check(x5c: Any, at: int) -> Cert:
    return POLICY.check_metadata_signer(x5c, ISSUER, at)


def signed(signer: Signer = OFFICE, **arguments: Any) -> str:
    given_: dict[str, Any] = {"x5c": CHAIN, "at": AT, **arguments}
    return signer.finish(prepare_signed_metadata(ABOUT, key=KeyId("issuer"), alg=signer.public.alg, **given_))


def forged(typ: str = "openidvci-issuer-metadata+jwt", **changes: Any) -> str:
    claims = {**render_issuer_metadata(ABOUT), "sub": ISSUER, "iat": AT, **changes}
    payload = json.dumps({name: value for name, value in claims.items() if value is not None}).encode()
    return OFFICE.finish(prepare_jws(typ=typ, payload=payload, key=KeyId("k"), header={"x5c": x5c_header(CHAIN)}))


def verify(token: str, at: int = AT) -> IssuerMetadata:
    return verify_signed_metadata(token, issuer=ISSUER, check_signer=check, at=at)


def test_signed_metadata_are_the_plain_ones() -> None:
    assert verify(signed()) == ABOUT
    assert verify(signed(expires_at=AT + 60)) == ABOUT


def test_the_issuers_role_signs_metadata_and_no_other_role_does() -> None:
    check_role(Role.CREDENTIAL_ISSUER, "openidvci-issuer-metadata+jwt")
    for role in set(Role) - {Role.CREDENTIAL_ISSUER}:
        with pytest.raises(KeyRoleRefused):
            check_role(role, "openidvci-issuer-metadata+jwt")


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("x", Malformed),
        (forged("JWT"), WrongTyp),
        (forged("dc+sd-jwt"), WrongTyp),
        (signed(Signer.new()), VcError),
        (signed(x5c=(leaf(OFFICE, ANCHOR, ROOT, uri="https://other.example"),)), VcError),
        (signed(x5c=(leaf(OFFICE, ANCHOR, ROOT, role=Role.RELYING_PARTY, uri=ISSUER),)), Untrusted),
        (forged(sub=None), Malformed),
        (forged(sub="https://other.example"), Malformed),
        (forged(credential_issuer="https://other.example"), Malformed),
        (forged(iat=None), Malformed),
        (signed(at=AT + 61), NotYetValid),
        (signed(expires_at=AT - 60), Expired),
    ],
)
def test_other_metadata_are_refused(token: str, kind: type[VcError]) -> None:
    with pytest.raises(kind):
        verify(token)


SERVER = AsMetadata(issuer=ISSUER, token_endpoint=f"{ISSUER}/token")


def fetched(first: Fetched, *, signer: bool = True) -> tuple[IssuerMetadata, Fetch]:
    asked: list[Fetch] = []

    def answer(want: Fetch) -> Fetched:
        asked.append(want)
        if len(asked) == 1:
            return first
        return Fetched(status=200, headers={"content-type": "application/json"}, body=json.dumps(render_as_metadata(SERVER)).encode())

    return run(fetch_metadata(ISSUER, signed=SignedBy(check, AT) if signer else None), answer).issuer, asked[0]


def as_jwt(token: str) -> Fetched:
    return Fetched(status=200, headers={"content-type": "application/jwt"}, body=token.encode())


PLAIN = Fetched(status=200, headers={"content-type": "application/json"}, body=json.dumps(render_issuer_metadata(ABOUT)).encode())


def test_a_wallet_that_knows_the_signer_asks_for_the_signed_document() -> None:
    about, asked = fetched(as_jwt(signed()))
    assert about == ABOUT
    assert asked.headers["accept"].startswith("application/jwt")
    assert fetched(PLAIN)[0] == ABOUT
    with pytest.raises(VcError):
        fetched(as_jwt(signed(Signer.new())))


def test_a_wallet_that_knows_no_signer_takes_no_signed_document() -> None:
    about, asked = fetched(PLAIN, signer=False)
    assert (about, asked.headers["accept"]) == (ABOUT, "application/json")
    with pytest.raises(Malformed):
        fetched(as_jwt(signed()), signer=False)


@given(st.text())
def test_any_text_is_metadata_or_a_vc_error(text: str) -> None:
    with pytest.raises(VcError):
        verify(text)


@pytest.mark.vectors
def test_the_signed_example_of_the_specification_has_the_claims_that_are_read(vectors: Vectors) -> None:
    """Its certificate is self-signed, which HAIP section 4.1 forbids; its claims are read like ours."""
    token = "".join(vectors("oid4vci-1.0/credential_issuer_metadata_sd_jwt_jwt.txt").read_text().split())
    with pytest.raises(VcError):
        verify(token)
    read = json.loads(base64url.decode(token.split(".")[1]))
    assert {"sub", "iat", "credential_issuer"} <= set(read)
    assert json.loads(base64url.decode(token.split(".")[0]))["typ"] == "openidvci-issuer-metadata+jwt"
