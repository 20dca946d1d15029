from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from shared import errors
from shared.verify import CHECKS, Check, Level
from verifier import words


def below(kind: type[errors.VcError]) -> Iterator[type[errors.VcError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from below(each)


@pytest.mark.parametrize("root", [errors.Rejected, errors.Undecided, errors.Malformed])
def test_every_reason_has_words(root: type[errors.VcError]) -> None:
    codes = {kind.code for kind in below(root) if kind.__module__ == "shared.errors"}
    assert codes - words.REASONS.keys() == set()


def test_every_check_and_level_has_words() -> None:
    assert words.PASSED.keys() == words.OPEN.keys() == set(CHECKS)
    assert words.LEVELS.keys() == set(Level)


@pytest.mark.parametrize("name", CHECKS)
def test_a_line_never_says_more_than_was_checked(name: str) -> None:
    assert words.line_of(Check(name, "passed")).text == words.PASSED[name]
    unchecked = words.line_of(Check(name, "unchecked", code="status_unknown"))
    assert unchecked.text.startswith("We could not check")
    assert unchecked.next
    assert words.PASSED[name] not in words.line_of(Check(name, "failed", code="made_up_code")).text


def test_remarks_go_with_a_passed_line() -> None:
    assert "so short" in words.line_of(Check("status", "passed", code="small_status_list")).text


def test_what_policy_can_do_without_is_said_plainly() -> None:
    line = words.line_of(Check("request", "unchecked", code="not_asked", needed=False))
    assert line.text.startswith("Nothing was asked for beforehand")


def test_sentences_of_a_verdict() -> None:
    bare: dict[str, Any] = {"decision": "accepted", "code": "", "pack": None, "status": None, "level": {"number": 3}, "checks": []}
    assert words.sentence(bare) == "You can rely on this."
    for number in (0, 1):  # never a whole yes
        assert words.sentence(bare | {"level": {"number": number}}) == "Genuine, but only a copy: it does not show who brings it."
    assert words.sentence(bare | {"decision": "rejected", "code": "revoked"}).startswith(
        "Do not rely on this: the issuer has cancelled it."
    )
    assert words.sentence(bare | {"decision": "undecided", "code": "not_reached"}) == "Can’t tell yet: an earlier check has to pass first."
    line = {"name": "type_rules", "state": "passed", "code": "disputed", "detail": "", "where": "/poa/0", "needed": True}
    told = "Its holder says that a detail is wrong; the issuer is looking at it."
    assert words.sentence(bare | {"checks": [line]}) == f"You can rely on this. {told}"
    assert words.sentence(bare | {"decision": "undecided", "code": "not_reached", "checks": [line]}).endswith(f" {told}")
    assert words.knowledge(bare) == "No list of cancelled documents was used."
    told = words.knowledge(bare | {"pack": {"as_of": 1_800_000_000, "age": 120}, "status": {"as_of": 1_799_996_400, "age": 3720}})
    assert told == (
        "Checked with the checking pack dated 15 January 2027 08:00 UTC, 2 minutes old. "
        "The list of cancelled documents is of 15 January 2027 07:00 UTC, 1 hour old; what was cancelled since is not known here."
    )


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 seconds"), (1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (7200, "2 hours"), (86_400, "1 day")]
)
def test_ages(seconds: int, text: str) -> None:
    assert words.age_text(seconds) == text
