from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import errors
from shared.errors import Malformed, Refused, VcError
from shared.oauth import check_authorization_response, code_response_url, error_response_url

SERVER = "https://as.example"
CALLBACK = "https://wallet.example/cb?own=1"


def check(url: str, **arguments: Any) -> str:
    return check_authorization_response(url, **{"redirect_uri": CALLBACK, "issuer": SERVER, "state": "s", **arguments})


def coded(**arguments: Any) -> str:
    return code_response_url(CALLBACK, **{"issuer": SERVER, "state": "s", "code": "c&d", **arguments})


def test_a_code_comes_back() -> None:
    assert check(coded()) == "c&d"
    assert "own=1" in coded()


def test_without_a_state_none_is_echoed() -> None:
    assert "state" not in coded(state=None)


def test_refusals_keep_their_class() -> None:
    url = error_response_url(CALLBACK, issuer=SERVER, state="s", error=errors.AccessDenied('said "no"'))
    with pytest.raises(errors.AccessDenied) as caught:
        check(url)
    assert caught.value.detail == "said ?no?"
    with pytest.raises(Refused):
        check(f"{CALLBACK}&state=s&iss=https%3A%2F%2Fas.example&error=new_one")


@pytest.mark.parametrize(
    ("url", "where"),
    [
        (coded(state="other"), "state"),
        (coded(state=None), "state"),
        (coded(issuer="https://evil.example"), "iss"),
        (coded(issuer=SERVER + "/"), "iss"),
        (f"{CALLBACK}&state=s&code=c", "iss"),
        (error_response_url(CALLBACK, issuer="https://evil.example", state="s", error=errors.AccessDenied("no")), "iss"),
        (code_response_url("https://wallet.example/other", issuer=SERVER, state="s", code="c"), "redirect_uri"),
        (code_response_url("https://evil.example/cb", issuer=SERVER, state="s", code="c"), "redirect_uri"),
    ],
)
def test_mix_up_is_refused_before_anything_else_is_read(url: str, where: str) -> None:
    with pytest.raises(Refused) as caught:
        check(url)
    assert caught.value.where == where
    assert type(caught.value) is Refused


def test_a_server_that_never_names_itself_may_leave_it_out_but_not_lie() -> None:
    assert check(f"{CALLBACK}&state=s&code=c", names_itself=False) == "c"
    with pytest.raises(Refused):
        check(coded(issuer="https://evil.example"), names_itself=False)


@pytest.mark.parametrize("query", ["", "&code=", f"&code={'c' * 5_000}", "&code=a&code=b"])
def test_an_answer_without_a_code_is_malformed(query: str) -> None:
    with pytest.raises(Malformed):
        check(f"{CALLBACK}&state=s&iss=https%3A%2F%2Fas.example{query}")


@given(st.text())
def test_any_text_is_a_code_or_a_vc_error(text: str) -> None:
    for url in (text, CALLBACK + text, coded() + text):
        try:
            check(url)
        except VcError:
            continue
