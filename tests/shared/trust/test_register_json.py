"""The register of who may ask for what, as JSON, and what changed in it (AT-C23-3, T-FC-3)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.counter import ARGUED, BANK, REGISTRAR, USE

from shared.credentials import Text, all_types
from shared.errors import VcError
from shared.trust.register_json import Version, changes, group_label, render_party, render_versions, type_title
from shared.trust.registered_use import RegisteredUse, Want, parse_uses, render_uses

TYPES = tuple(all_types().values())
WIDER = replace(USE, wants=(Want(vct=65_001, required=(1, 4, 2, 5), optional=(8,)),), retention_days=60)


def test_an_organisation_by_the_names_of_the_european_register() -> None:
    found = render_party(entity=BANK, name=Text("The Bank", "Y Banc"), uses=(ARGUED,), registrar=REGISTRAR, types=TYPES)
    (use,) = found["intendedUse"]
    assert found["tradeName"] == [{"lang": "en", "content": "The Bank"}, {"lang": "cy", "content": "Y Banc"}]
    assert (found["identifier"], found["registrar"]["identifier"], found["registryURI"]) == (BANK, REGISTRAR.entity, REGISTRAR.address)
    assert use["supervisoryAuthority"]["contact"] == "complaints@regulator.example"
    assert use["could_we_stop_asking"][1]["content"] == "Nid tra bod y gyfraith yn gofyn i ni edrych."
    assert [each["content"] for words in use["credentials"][0]["necessary"] for each in words if each["lang"] == "en"] == [
        "Donor’s name",
        "Attorney’s name",
    ]
    assert use["lacks"] == []


def test_what_is_not_said_is_not_there_but_named() -> None:
    found = render_party(entity=BANK, name=Text("The Bank", "Y Banc"), uses=(USE,), registrar=None, types=TYPES)
    (use,) = found["intendedUse"]
    assert "registrar" not in found
    assert not {"benefit_statement", "supervisoryAuthority", "evidence_ref"} & use.keys()
    assert use["lacks"][:2] == ["benefit", "could_stop"]
    bare = render_party(entity=BANK, name=Text("", ""), uses=(), registrar=replace(REGISTRAR, address=None), types=())
    assert "registryURI" not in bare


def test_numbers_that_are_not_known_here_stay_numbers() -> None:
    assert group_label((65_001, 99), TYPES).en == "65001/99"
    assert type_title(7, TYPES).cy == "7"
    found = render_party(entity=BANK, name=Text("", ""), uses=(USE,), registrar=None, types=())
    assert found["intendedUse"][0]["credentials"][0]["vct"] == "65001"


def version(n: int, *uses: RegisteredUse) -> Version:
    return Version(n=n, at=1_800_000_000 + n, uses=uses)


@pytest.mark.parametrize(
    ("before", "now", "kinds"),
    [
        ((), (USE,), ["added"]),
        ((USE,), (USE,), []),
        ((USE,), (WIDER,), ["widened"]),
        ((WIDER,), (USE,), ["narrowed"]),
        ((USE,), (ARGUED,), ["reworded"]),
        ((USE,), (replace(USE, id="other"),), ["added", "ended"]),
    ],
)
def test_what_changed_between_two_versions(before: tuple[RegisteredUse, ...], now: tuple[RegisteredUse, ...], kinds: list[str]) -> None:
    assert [each.kind for each in changes(version(1, *before), version(2, *now), TYPES)] == kinds


def test_what_widened_and_when() -> None:
    first, second = render_versions([version(1, USE), version(2, WIDER)], TYPES)
    assert first["changes"] == [{"intendedUseIdentifier": "bank-account", "change": "added"}]
    (told,) = second["changes"]
    assert (second["at"], told["change"], told["keeps_longer"]) == (1_800_000_002, "widened", True)
    assert told["asks_more"][0][0]["content"] == "Powers"
    assert told["demands_more"][0][0]["content"] == "Donor’s date of birth"


def test_uses_are_kept_and_read_again() -> None:
    assert parse_uses(render_uses((USE, replace(ARGUED, id="argued")))) == (USE, replace(ARGUED, id="argued"))


@given(st.binary(max_size=60), st.integers(0, 200))
def test_uses_or_an_error(data: bytes, at: int) -> None:
    good = render_uses((ARGUED,))
    for whole in (data, good[:at] + data + good[at + 1 :]):
        try:
            parse_uses(whole)
        except VcError:
            continue
