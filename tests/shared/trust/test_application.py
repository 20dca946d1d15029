"""What an organisation sends to a registrar: by the key with which it asks, of this hour, for this registrar."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.counter import ARGUED, BANK, USE
from support.federation import signed
from support.signing import AT, Signer

from shared.codec import base64url, strict_json
from shared.credentials import Text
from shared.errors import BadSignature, Expired, KeyRoleRefused, Malformed, NotYetValid, Untrusted, VcError, WrongTyp
from shared.jose.jwk import render_jwk
from shared.keys import KeyId, Role, check_role
from shared.trust.application import LIFE, TYP, check_application, parse_application, prepare_application
from shared.trust.registered_use import render_uses

REGISTRAR = "https://registrar.example"
SIGNER = Signer.new()


def application(by: Signer = SIGNER, **changes: Any) -> str:
    how: dict[str, Any] = {"entity": BANK, "registrar": REGISTRAR, "name": Text("The Bank", "Y Banc"), "uses": (ARGUED,), "at": AT}
    return by.finish(prepare_application(**how | changes, key=KeyId("relying-party"), public=by.public))


def bent(**changes: Any) -> str:
    """Rightly signed, with members changed; one that is ``None`` is left out."""
    payload = {
        "iss": BANK,
        "aud": REGISTRAR,
        "iat": AT,
        "jwk": render_jwk(SIGNER.public),
        "name": {"en": "a", "cy": "b"},
        "uses": base64url.encode(render_uses((USE,))),
    }
    return signed(payload | changes, SIGNER, typ=TYP, kid=None)


@pytest.mark.parametrize("alg", ["ES256", "ES384", "EdDSA"])
def test_an_application_says_what_is_to_be_registered(alg: str) -> None:
    by = Signer.new(alg)
    one = parse_application(application(by))
    check_application(one, REGISTRAR, at=AT)
    assert (one.entity, one.name.cy, one.uses, one.public) == (BANK, "Y Banc", (ARGUED,), by.public)


def test_for_whom_when_and_by_whom() -> None:
    one = parse_application(application())
    check_application(one, REGISTRAR, at=AT + LIFE - 1)
    refused: list[tuple[type[VcError], str, int]] = [
        (Untrusted, "https://other.example", AT),
        (Expired, REGISTRAR, AT + LIFE),
        (NotYetValid, REGISTRAR, AT - 61),
    ]
    for error, registrar, at in refused:
        with pytest.raises(error):
            check_application(one, registrar, at=at)
    for key in (Signer.new(), Signer.new("EdDSA")):
        forged = parse_application(bent(jwk=render_jwk(key.public)))
        with pytest.raises(VcError):
            check_application(forged, REGISTRAR, at=AT)
    with pytest.raises(BadSignature):
        check_application(parse_application(bent(jwk=render_jwk(Signer.new().public))), REGISTRAR, at=AT)


def test_only_a_relying_partys_key_signs_one() -> None:
    check_role(Role.RELYING_PARTY, TYP)
    for role in set(Role) - {Role.RELYING_PARTY}:
        with pytest.raises(KeyRoleRefused):
            check_role(role, TYP)
    with pytest.raises(WrongTyp):
        parse_application(signed({"iss": BANK}, SIGNER))


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"iss": "bank"}, "/iss"),
        ({"aud": None}, "/aud"),
        ({"iat": "x"}, "/iat"),
        ({"jwk": {}}, "/jwk/kty"),
        ({"name": {"en": "a"}}, "/name/cy"),
        ({"name": {"en": "a", "cy": "b" * 201}}, "/name/cy"),
        ({"uses": "*"}, "/uses"),
        ({"uses": base64url.encode(render_uses(()))}, "/uses"),
        ({"uses": base64url.encode(render_uses((USE, USE)))}, "/uses"),
        ({"uses": base64url.encode(bytes(32_001))}, "/uses"),
    ],
)
def test_members_that_are_not_right(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(VcError) as caught:
        parse_application(bent(**changes))
    assert caught.value.where == where


def test_more_uses_than_a_certificate_holds() -> None:
    wide = tuple(replace(ARGUED, id=f"{number}", purpose=Text("x" * 1_000, "y" * 1_000)) for number in range(20))
    with pytest.raises(Malformed) as caught:
        application(uses=wide)
    assert caught.value.where == "/uses"


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)), st.text())
def test_an_application_or_an_error(value: object, text: str) -> None:
    tokens = [text, signed({"x": strict_json.dumps(text).decode()}, SIGNER, typ=TYP, kid=None)]
    tokens += [bent(**{name: value}) for name in ("iss", "aud", "iat", "jwk", "name", "uses")]
    for token in tokens:
        try:
            assert parse_application(token).uses
        except VcError:
            continue
