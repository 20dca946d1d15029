from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidGrant, InvalidRequest
from shared.oauth import challenge_of, check_pkce, parse_challenge, prepare_verifier

# RFC 7636 appendix B
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_example_of_the_rfc() -> None:
    assert challenge_of(VERIFIER) == CHALLENGE
    check_pkce(VERIFIER, CHALLENGE)


@given(st.binary(min_size=32, max_size=32))
def test_a_prepared_verifier_fits_its_challenge(random: bytes) -> None:
    verifier, challenge = prepare_verifier(lambda size: random[:size])
    assert parse_challenge(challenge, "S256") == challenge
    check_pkce(verifier, challenge)


@pytest.mark.parametrize("verifier", ["", VERIFIER[:-1], VERIFIER + "A", CHALLENGE, "x" * 129, "ä" * 43, VERIFIER + "\n"])
def test_another_verifier_is_an_invalid_grant(verifier: str) -> None:
    with pytest.raises(InvalidGrant):
        check_pkce(verifier, CHALLENGE)


def test_a_short_verifier_is_refused_even_if_it_fits() -> None:
    with pytest.raises(InvalidGrant):
        check_pkce("short", challenge_of("short"))


@pytest.mark.parametrize(
    ("challenge", "method", "where"),
    [
        (None, "S256", "code_challenge"),
        (CHALLENGE, None, "code_challenge_method"),
        (VERIFIER, "plain", "code_challenge_method"),
        (CHALLENGE, "s256", "code_challenge_method"),
        (CHALLENGE + "=", "S256", "code_challenge"),
        (CHALLENGE[:-1], "S256", "code_challenge"),
    ],
)
def test_other_challenges_are_refused(challenge: str | None, method: str | None, where: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_challenge(challenge, method)
    assert caught.value.where == where
