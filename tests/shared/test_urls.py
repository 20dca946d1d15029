from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.errors import Malformed, TooLarge, VcError
from shared.urls import (
    LOOPBACK,
    check_https,
    check_identifier,
    check_link,
    parse_form,
    query_of,
    render_form,
    same_house,
    split,
    well_known,
    with_query,
)


@pytest.mark.parametrize("url", ["https://a.example", "https://a.example:8443/x/y?z=1", "https://[::1]/", "HTTPS://a.example/"])
def test_https_addresses_pass_unchanged(url: str) -> None:
    assert check_https(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example/",
        "ftp://a.example/",
        "https:///path",
        "/path",
        "",
        "https://user@a.example/",
        "https://user:secret@a.example/",
        "https://a.example/#part",
        "https://a.example/#",
        "https://a.example/with space",
        "https://a.example/\u00e4",
        "https://a.example:99999/",
        "https://[::1/",
        "https://a.example/\\x",
        "javascript:alert(1)",
    ],
)
def test_other_addresses_are_malformed_with_their_place(url: str) -> None:
    with pytest.raises(Malformed) as caught:
        check_https(url, where="/there")
    assert caught.value.where == "/there"


@pytest.mark.parametrize(
    ("url", "hosts", "fine"),
    [
        ("http://localhost:8101/x", LOOPBACK, True),
        ("http://127.0.0.1/x", LOOPBACK, True),
        ("http://[::1]:1/x", LOOPBACK, True),
        ("http://localhost:8101/x", ("localhost:8101",), True),
        ("http://localhost/x", ("localhost:80",), True),
        ("http://localhost:8102/x", ("localhost:8101",), False),
        ("http://localhost.evil.example/x", LOOPBACK, False),
        ("http://a.example/x", (), False),
    ],
)
def test_plain_http_only_where_a_deployment_says_so(url: str, hosts: tuple[str, ...], fine: bool) -> None:
    if fine:
        assert check_https(url, plain_http=hosts) == url
    else:
        with pytest.raises(Malformed):
            check_https(url, plain_http=hosts)


@pytest.mark.parametrize(("one", "other", "same"), [
    ("https://council.example", "https://council.example/wallets", True),
    ("https://Council.example.:443", "https://council.example", True),
    ("https://wallets.council.example", "https://council.example", True),
    ("https://council.example", "https://wallets.council.example:443/x", True),
    ("https://notcouncil.example", "https://council.example", False),
    ("https://wallets.council.example", "https://documents.council.example", True),
    ("https://wallets.council.gov.uk", "https://documents.council.gov.uk", True),
    ("https://north-council.gov.uk", "https://south-council.gov.uk", False),
    ("https://council.gov.uk", "https://gov.uk", False),
    ("https://wallets.service.gov.uk", "https://documents.service.gov.uk", False),
    ("https://a.wallets.service.gov.uk", "https://wallets.service.gov.uk", True),
    ("https://wallets.gov.wales", "https://documents.gov.wales", False),
    ("https://north.nhs.wales", "https://south.nhs.wales", False),
    ("https://gogledd.gig.cymru", "https://de.gig.cymru", False),
    ("https://north.nhs.scot", "https://south.nhs.scot", False),
    ("https://wallets.north.nhs.scot", "https://north.nhs.scot", True),
    ("https://wallet.council.de", "https://office.council.de", True),
    ("https://north.de", "https://south.de", False),
    ("https://north.example", "https://south.example", False),
    ("https://192.168.1.20", "https://10.168.1.20", False),
    ("https://192.168.1.20", "https://192.168.1.20", True),
    ("https://[::1]", "https://[::2]", False),
    ("https://council.example", "https://example", False),
    ("https://council.example:8443", "https://council.example", False),
    ("http://localhost:8101", "http://localhost:8102", False),
    ("http://localhost:8102/x", "http://localhost:8102", True),
    ("http://council.example", "https://council.example", False),
    ("x509_hash:abc", "https://council.example", False),
    ("https://council.example", "not an address", False),
])  # fmt: skip
def test_who_lives_in_one_house(one: str, other: str, *, same: bool) -> None:
    assert same_house(one, other) is same is same_house(other, one)


def test_a_link_for_a_person_may_have_a_fragment() -> None:
    assert check_link("https://a.example/cb#response_code=1") == "https://a.example/cb#response_code=1"


def test_an_identifier_has_no_query() -> None:
    assert check_identifier("https://a.example/tenant") == "https://a.example/tenant"
    with pytest.raises(Malformed):
        check_identifier("https://a.example/tenant?")


def test_an_address_longer_than_any_link_is_too_large() -> None:
    with pytest.raises(TooLarge):
        split("https://a.example/" + "x" * 10_000)


@pytest.mark.parametrize(
    ("identifier", "name", "url"),
    [
        ("https://a.example", "openid-credential-issuer", "https://a.example/.well-known/openid-credential-issuer"),
        ("https://a.example/", "openid-credential-issuer", "https://a.example/.well-known/openid-credential-issuer"),
        ("https://a.example/t", "openid-credential-issuer", "https://a.example/.well-known/openid-credential-issuer/t"),
        ("https://a.example/t/", "openid-credential-issuer", "https://a.example/.well-known/openid-credential-issuer/t/"),
        ("https://a.example:81/t/", "oauth-authorization-server", "https://a.example:81/.well-known/oauth-authorization-server/t"),
    ],
)
def test_well_known_is_inserted_before_the_path(identifier: str, name: str, url: str) -> None:
    assert well_known(identifier, name) == url


def test_query_parameters_are_added_and_read_back() -> None:
    assert with_query("https://a.example/x?y=1", {"z": "a b&c"}) == "https://a.example/x?y=1&z=a%20b%26c"
    assert query_of(with_query("openid4vp://", {"client_id": "x509_hash:a", "u": "https://b/?c=d"})) == {
        "client_id": "x509_hash:a",
        "u": "https://b/?c=d",
    }
    assert query_of("https://a.example/x") == {}


@pytest.mark.parametrize("body", [b"a=1&a=2", b"a", b"\xff=1", b"a=%ff", b"&".join(b"a%d=1" % n for n in range(70)), "a=1&b"])
def test_a_form_that_is_not_one_value_a_name_is_malformed(body: bytes | str) -> None:
    with pytest.raises(Malformed):
        parse_form(body, where="form")


def test_a_form_past_its_bound_is_too_large() -> None:
    with pytest.raises(TooLarge):
        parse_form(b"a=" + b"x" * 100, max_bytes=50)


def test_a_form_reads_what_was_rendered() -> None:
    form = {"grant_type": "x y", "empty": "", "\u00e4": "\u20ac"}
    assert parse_form(render_form(form)) == form
    assert parse_form(b"") == {}


@given(st.text() | st.from_regex(r"[a-z0-9]{1,5}://[ -~]*", fullmatch=True))
@example("https://[a/")
def test_any_text_is_an_address_or_a_vc_error(text: str) -> None:
    for read in (check_https, check_link, check_identifier, query_of):
        try:
            read(text)
        except VcError:
            continue


@given(st.binary() | st.text())
def test_any_body_is_a_form_or_a_vc_error(body: bytes | str) -> None:
    try:
        form = parse_form(body)
    except VcError:
        return
    assert all(isinstance(value, str) for value in form.values())
