"""Whose account is it? What was shown, held against records that the asker has found in its own files; nothing of them is kept.

Names and dates of birth are shared by strangers: they never decide alone (checks T-FM-1, T-FM-2, AT-C02-7).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from shared.credentials import CredentialType
from shared.errors import AmbiguousMatch, Malformed
from shared.match import Match, Person, match, person_of, place
from verifier.settle import Opened

MAX_RECORDS: Final = 50
MAX_TEXT: Final = 20_000
_REFERENCE: Final = "reference"
_DAY: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An account, or whatever the asker keeps of somebody; ``reference`` is its own name for it."""

    reference: str
    person: Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What somebody said beside what was shown: the one more item."""

    postal_code: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """``reference`` is that of the one record that it is; ``code`` says why it is none, as of an error."""

    outcome: str
    reference: str = ""
    code: str = ""


def find(opened: Opened, types: Mapping[str, CredentialType], records: Sequence[Record], told: Told) -> Found:
    """Which record is meant by the person whom the documents are about."""
    shown = _shown(opened, types)
    if told.postal_code and not place(shown.postal_code):
        shown = replace(shown, postal_code=told.postal_code)
    if told.reference:
        shown = replace(shown, more={_REFERENCE: told.reference})
    found: Match = match([replace(each.person, more={_REFERENCE: each.reference}) for each in records], shown)
    if found.outcome == "one":
        return Found(outcome=found.outcome, reference=records[found.at[0]].reference)
    return Found(outcome=found.outcome, code=AmbiguousMatch.code)


def _shown(opened: Opened, types: Mapping[str, CredentialType]) -> Person:
    """Whose account it would be: of whom a document is about, else of the person acted for, else of its holder."""
    for credential in opened.verdict["credentials"]:
        kind: CredentialType = types[credential["vct"]]
        person = person_of(credential["claims"], kind.about or kind.represents or kind.holder or ())
        if person.family_name:
            return person
    return Person()


def parse_records(text: str) -> list[Record]:
    """One record a line: number; first names; last name; date of birth; postcode. The last two may be left out. ``Malformed`` with the
    number of the line, from 1, as whoever typed them counts.
    """
    lines = {number: line for number, line in enumerate(text.splitlines(), 1) if line.strip()}
    if len(text) > MAX_TEXT or not 1 <= len(lines) <= MAX_RECORDS:
        raise Malformed(f"from 1 to {MAX_RECORDS} records", where="/records")
    return [_record(line, f"/records/{number}") for number, line in lines.items()]


def _record(line: str, where: str) -> Record:
    parts = [part.strip() for part in re.split(r"[;\t]", line)]
    if not 3 <= len(parts) <= 5 or not all(parts[:3]):
        raise Malformed("a record is: number; first names; last name; date of birth; postcode", where=where)
    reference, given, family, born, postcode = (*parts, "", "")[:5]
    return Record(reference=reference, person=Person(given_name=given, family_name=family, birthdate=_date(born), postal_code=postcode))


def _date(text: str) -> str:
    """As in documents: a day as people write it, or any other words as they are."""
    found = _DAY.fullmatch(text)
    return text if found is None else f"{found[3]}-{int(found[2]):02}-{int(found[1]):02}"


def described(record: Mapping[str, Any]) -> Record:
    """The record of a program."""
    return Record(
        reference=record["reference"],
        person=Person(
            given_name=record["given_name"],
            family_name=record["family_name"],
            also_known_as=tuple(record["also_known_as"]),
            birthdate=record["birthdate"],
            postal_code=record["postal_code"],
        ),
    )
