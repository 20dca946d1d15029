"""Marks that tie documents together are known in every type that has them."""

from __future__ import annotations

from shared.credentials import all_types, by_id
from shared.credentials._marks import MARKS, marks_of, without_marks


def test_each_kind_has_the_marks_that_it_names() -> None:
    assert marks_of(by_id("representation")) == (MARKS[0], *MARKS[2:])
    assert marks_of(by_id("representation-granted")) == (MARKS[1],)
    assert marks_of(by_id("estate-authority")) == MARKS[2:]
    assert marks_of(by_id("person")) == ()


def test_what_people_are_told_has_no_marks() -> None:
    claims = {str(path[0]): "x" for path in MARKS} | {"given_name": "Nora"}
    assert without_marks(by_id("person"), claims) == claims
    assert without_marks(by_id("representation"), claims) == {"given_name": "Nora", "report_secret": "x"}


def test_no_mark_is_ever_in_clear_where_it_can_be_hidden() -> None:
    for kind in all_types().values():
        for path in marks_of(kind):
            claim = kind.claim(path)
            assert claim is not None
            assert len(path) == 1
            assert claim.disclosure.name == "ONCE"
