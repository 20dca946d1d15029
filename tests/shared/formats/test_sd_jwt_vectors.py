"""SD-JWTs that others made: the examples of RFC 9901, SD-JWT VC and OpenID4VP, and strings published in two other projects' tests."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from shared.errors import BadDisclosure, VcError, WrongTyp
from shared.formats import Binding, Claims, formats
from shared.formats._binding import check_binding
from shared.formats._sd_jwt import SdJwt, digest, open_payload, parse_sd_jwt
from shared.formats._sd_jwt_json import parse_sd_jwt_json
from shared.jose.jwk import parse_public_jwk
from shared.jose.jws import verify_jws
from shared.jose.jwt import check_times

pytestmark = pytest.mark.vectors
FORM = formats()["dc+sd-jwt"]
AT = 1_795_345_000  # between the binding's iat and the credentials' exp
SLACK = 86_400
IS_VC = {"arf-pid"}


def load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def parsed(value: Any) -> SdJwt:
    return parse_sd_jwt(value) if isinstance(value, str) else parse_sd_jwt_json(value)[0]


def bound_to(cases: dict[str, Any], case: dict[str, Any]) -> Binding:
    return Binding(audience=case["kb_jwt_payload"]["aud"], nonce=cases["key_binding_nonce"], max_age=SLACK)


def as_vc(cases: dict[str, Any], case: dict[str, Any], *, at: int = AT) -> Claims:
    issuer = parse_public_jwk(cases["issuer_public_jwks"][0])
    return FORM.verify(FORM.parse(case["presentation"]), issuer, binding=bound_to(cases, case), at=at)


def test_rfc9901(vectors: Any) -> None:
    cases = load(vectors("sd-jwt/rfc9901/cases.json"))
    issuer = parse_public_jwk(cases["issuer_public_jwks"][0])
    holder = parse_public_jwk(cases["holder_public_jwk"])
    assert len(cases["cases"]) == 15
    for case in cases["cases"]:
        whole, shown = parsed(case["issuance"]), parsed(case["presentation"])
        for each in (whole, shown):
            verify_jws(each.jws, issuer, typ=("dc+sd-jwt", "example+sd-jwt"))
            check_times(each.payload, at=AT)
            assert each.payload == case["sd_jwt_payload"]
        assert open_payload(shown).document == case["verified_contents"], case["name"]
        assert whole.binding is None
        everything = open_payload(whole).document
        assert case["user_claims"].items() <= everything.items()
        if case.get("kb_jwt_payload") is not None:
            assert shown.binding is not None
            verify_jws(shown.binding.jws, holder, typ="kb+jwt")
            check_binding(shown.binding.claims, bound_to(cases, case), at=AT)
            assert shown.binding.claims["sd_hash"] == digest(shown.alg, shown.presented)
        else:
            assert shown.binding is None


def test_rfc9901_as_credentials(vectors: Any) -> None:
    """Of the fifteen only one is an SD-JWT VC; the others are refused for their ``typ``."""
    cases = load(vectors("sd-jwt/rfc9901/cases.json"))
    for case in cases["cases"]:
        if not isinstance(case["presentation"], str):
            with pytest.raises(VcError):
                FORM.parse(json.dumps(case["presentation"]))
        elif case["name"] not in IS_VC:
            with pytest.raises(WrongTyp):
                FORM.parse(case["presentation"])
        else:
            assert as_vc(cases, case).document == case["verified_contents"]
            received = FORM.check_received(
                FORM.parse(case["issuance"]),
                parse_public_jwk(cases["issuer_public_jwks"][0]),
                holder=parse_public_jwk(cases["holder_public_jwk"]),
                at=AT,
            )
            assert case["user_claims"].items() <= received.document.items()


@pytest.mark.parametrize("folder", ["sdjwtvc", "oid4vp_sdjwtvcld"])
def test_sd_jwt_vc(vectors: Any, folder: str) -> None:
    cases = load(vectors(f"sd-jwt/{folder}/cases.json"))
    for case in cases["cases"]:
        if case.get("kb_jwt_payload") is None:
            with pytest.raises(VcError):  # nothing binds it to a holder
                FORM.verify(
                    FORM.parse(case["presentation"]),
                    parse_public_jwk(cases["issuer_public_jwks"][0]),
                    binding=Binding(audience="a", nonce="n"),
                    at=AT,
                )
            assert open_payload(parse_sd_jwt(case["presentation"])).document == case["verified_contents"]
            continue
        facts = as_vc(cases, case)
        assert facts.document == case["verified_contents"]
        assert facts.vct == case["sd_jwt_payload"]["vct"]
        # Whatever is changed about it is noticed.
        binding = bound_to(cases, case)
        verify = partial(FORM.verify, FORM.parse(case["presentation"]), parse_public_jwk(cases["issuer_public_jwks"][0]))
        for spoilt in (replace(binding, nonce="0"), replace(binding, audience="0"), replace(binding, max_age=0)):
            with pytest.raises(VcError):
                verify(binding=spoilt, at=AT)
        with pytest.raises(VcError):
            as_vc(cases, case, at=1_883_000_060)
        first = case["presentation"].split("~")[1]
        with pytest.raises(BadDisclosure):
            open_payload(parse_sd_jwt(case["presentation"].replace(first, f"{first}~{first}")))


@pytest.mark.parametrize("name", ["openwallet-foundation+multipaz", "spruceid+ssi"])
def test_published_strings(vectors: Any, name: str) -> None:
    for token in load(vectors(f"sd-jwt/published-strings/{name}.json"))["tokens"]:
        *parts, last = token.split("~")
        whole = token if parts and last.count(".") in (0, 2) and last != HALF else "~".join([*(parts or [last]), ""])
        found = parse_sd_jwt(whole)
        opened = open_payload(found)
        assert "_sd" not in opened.document
        assert len(opened.paths) == len(found.disclosures)
        if found.jws.typ != "dc+sd-jwt":
            with pytest.raises(WrongTyp):
                FORM.parse(whole)
        else:
            assert FORM.peek(FORM.parse(whole)).document == opened.document


HALF = "eyJhbGciOiAiRVMyNTYiLCAidHlwIjogImtiK2p3dCJ9"  # one binding was published cut short, after its header
