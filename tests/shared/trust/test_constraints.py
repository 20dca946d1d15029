from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Malformed, Untrusted, VcError
from shared.trust.constraints import Constraints, parse_constraints


def names(**rules: list[str]) -> Constraints:
    return parse_constraints({"naming_constraints": rules})


@pytest.mark.parametrize(
    ("length", "between", "fine"),
    [(0, 0, True), (0, 1, False), (1, 1, True), (1, 2, False), (2, 2, True), (None, 6, True)],
)
def test_how_many_may_stand_between(*, length: int | None, between: int, fine: bool) -> None:
    """Section 6.2.1: between the entity that sets the constraint and the subject."""
    rules = parse_constraints({} if length is None else {"max_path_length": length})
    below = [f"https://{index}.example" for index in range(between + 1)]
    if fine:
        rules.check_path(below)
    else:
        with pytest.raises(Untrusted) as caught:
            rules.check_path(below)
        assert caught.value.where == "/max_path_length"


@pytest.mark.parametrize(
    ("rules", "entity", "fine"),
    [
        ({"permitted": [".example.com"]}, "https://host.example.com", True),
        ({"permitted": [".example.com"]}, "https://my.host.example.com:8443/path", True),
        ({"permitted": [".example.com"]}, "https://example.com", False),
        ({"permitted": [".example.com"]}, "https://badexample.com", False),
        ({"permitted": ["host.example.com"]}, "https://host.example.com/a", True),
        ({"permitted": ["host.example.com"]}, "https://my.host.example.com", False),
        ({"permitted": ["HOST.Example.com"]}, "https://host.EXAMPLE.com", True),
        ({"permitted": ["other.example", ".example.com"]}, "https://a.example.com", True),
        ({"permitted": []}, "https://a.example.com", False),
        ({"excluded": ["east.example.com"]}, "https://east.example.com", False),
        ({"excluded": ["east.example.com"]}, "https://east.example.com.", False),
        ({"excluded": ["east.example.com"]}, "https://EAST.example.com", False),
        ({"excluded": ["east.example.com"]}, "https://e%61st.example.com", False),
        ({"excluded": ["east.example.com"]}, "https://west.example.com", True),
        ({"excluded": [".example.com"]}, "https://example.com", True),
        ({"excluded": ["east.example.com"], "permitted": ["east.example.com"]}, "https://east.example.com", False),
        ({"excluded": ["east.example.com"], "permitted": [".example.com"]}, "https://west.example.com", True),
        ({"excluded": [".example.com"]}, "https://192.0.2.1", False),
        ({"excluded": [".example.com"]}, "https://[2001:db8::1]", False),
        ({"permitted": [".example.com"]}, "https://[2001:db8::1]", False),
        ({}, "https://192.0.2.1", True),
    ],
)
def test_names(*, rules: dict[str, list[str]], entity: str, fine: bool) -> None:
    """Section 6.2.2, RFC 5280 section 4.2.1.10: rules are about the host, and an address that has no name meets none."""
    if fine:
        names(**rules).check_path([entity])
    else:
        with pytest.raises(Untrusted) as caught:
            names(**rules).check_path([entity])
        assert caught.value.where.startswith("/naming_constraints")


def test_every_entity_below_is_held_against_the_names() -> None:
    rules = names(permitted=[".example.com"])
    rules.check_path(["https://a.example.com", "https://b.example.com"])
    for below in (["https://a.example", "https://b.example.com"], ["https://b.example.com", "https://a.example"]):
        with pytest.raises(Untrusted):
            rules.check_path(below)


def test_entity_types_that_are_not_allowed_are_taken_away() -> None:
    """Section 6.2.3: all but ``federation_entity``."""
    metadata: dict[str, Any] = {"federation_entity": {}, "openid_provider": {"a": 1}, "openid_credential_issuer": {}}
    assert parse_constraints({}).filter_types(metadata) == metadata
    assert set(parse_constraints({"allowed_entity_types": ["openid_provider", "other"]}).filter_types(metadata)) == {
        "federation_entity",
        "openid_provider",
    }
    assert set(parse_constraints({"allowed_entity_types": []}).filter_types(metadata)) == {"federation_entity"}


@pytest.mark.parametrize(
    ("obj", "where"),
    [
        ({"max_path_length": -1}, "/max_path_length"),
        ({"max_path_length": 1.0}, "/max_path_length"),
        ({"max_path_length": True}, "/max_path_length"),
        ({"naming_constraints": []}, "/naming_constraints"),
        ({"naming_constraints": {"permitted": "a"}}, "/naming_constraints/permitted"),
        ({"naming_constraints": {"excluded": ["a", 1]}}, "/naming_constraints/excluded/1"),
        *(
            ({"naming_constraints": {"excluded": [each]}}, "/naming_constraints/excluded/0")
            for each in ("", ".", "..a", "a..b", "a.", "https://a.example", "a.example/b", "*.a", "-a.b", "192.0.2.1", "a b", "a" * 64)
        ),
        ({"allowed_entity_types": "a"}, "/allowed_entity_types"),
        ({"allowed_entity_types": ["federation_entity"]}, "/allowed_entity_types"),
    ],
)
def test_constraints_of_another_form(obj: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_constraints(obj)
    assert caught.value.where == where


def test_members_that_nobody_knows_are_ignored() -> None:
    """Section 6.2."""
    assert parse_constraints({"something_else": 1}) == Constraints()


HOSTS = st.text("ab.-1%", min_size=1, max_size=9)
FREE = st.fixed_dictionaries(
    {},
    optional={
        "max_path_length": st.integers(-2, 5) | st.none(),
        "naming_constraints": st.fixed_dictionaries({}, optional={"permitted": st.lists(HOSTS), "excluded": st.lists(HOSTS | st.none())}),
        "allowed_entity_types": st.lists(st.sampled_from(["a", "federation_entity"])) | st.none(),
    },
)


@given(FREE, HOSTS)
def test_constraints_or_an_error(obj: dict[str, Any], host: str) -> None:
    with suppress(VcError):
        rules = parse_constraints(obj)
        rules.filter_types({"a": {}})
        rules.check_path([f"https://{host}"])
        assert host.lower() not in rules.excluded
