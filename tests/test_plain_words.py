"""Texts that people agree to are read by anybody of eleven; no Welsh sentence is longer than twenty words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from support.page_texts import ROOT, SITES, marked_in_code, marked_in_template, named_twice, templates
from test_welsh import welsh

from shared.credentials import Text, all_types

READING_AGE = 11
WORDS = 20
AGREEMENT = (
    "issuer/holder/agree.html",
    "wallet/wallet/card.html",
    "wallet/wallet/consent.html",
    "wallet/wallet/copy_form.html",
    "wallet/wallet/copy_look.html",
    "wallet/wallet/lock.html",
    "wallet/wallet/donor_ask.html",
    "wallet/wallet/move.html",
    "wallet/wallet/permission.html",
    "wallet/wallet/permissions.html",
    "wallet/wallet/present.html",
    "wallet/wallet/receive.html",
    "wallet/wallet/tell_choose.html",
    "wallet/wallet/tell_look.html",
    "wallet/wallet/wrong.html",
    "wallet/wallet/phone/keeping.html",
    "wallet/wallet/phone/showing.html",
)
"""Pages on which a holder says yes, below the templates of their service."""
AGREEMENT_IN_CODE = ("wallet/consent.py", "wallet/acting.py", "wallet/share.py", "wallet/pages/tell_words.py")
_END = re.compile(r"[.!?:;](?:\s|$)|\n")
_HOLE = re.compile(r"%\(\w+\)s|\{\w*\}")
_SILENT = re.compile(r"(?:[^laeiouy]es|ed|[^laeiouy]e)$")


def sentences(text: str) -> list[str]:
    """Parts of ``text`` that end with a stop; what is filled in counts as one short word."""
    return [part for part in _END.split(_HOLE.sub("Ann", text)) if re.search(r"\w", part)]


def syllables(word: str) -> int:
    """Groups of vowels, without those that are not heard at the end of an English word."""
    return max(1, len(re.findall("[aeiouy]+", _SILENT.sub("", word.lower()))))


def reading_age(text: str) -> float:
    """The grade of Flesch and Kincaid (1975) in years of age: 5 more than the year of school."""
    parts = sentences(text)
    words = re.findall(r"[A-Za-z’']+", " ".join(parts))
    return 0.39 * len(words) / len(parts) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59 + 5


def texts_of(value: Any) -> Iterator[Text]:
    """Every text of a type, wherever it stands."""
    if isinstance(value, Text):
        yield value
    elif is_dataclass(value):
        for each in fields(value):
            yield from texts_of(getattr(value, each.name))
    elif isinstance(value, tuple | list):
        for each in value:
            yield from texts_of(each)


def test_the_formula_knows_easy_from_hard() -> None:
    assert reading_age("The cat sat on the mat. It was a big cat.") < 6
    assert (
        reading_age("Notwithstanding the aforementioned stipulations, representatives hereinafter designated are irrevocably bound.") > 18
    )


@pytest.mark.parametrize("page", AGREEMENT)
def test_t_ex_3_pages_of_agreement(page: str) -> None:
    site, _, name = page.partition("/")
    texts = [text for (text, *_) in marked_in_template((ROOT / site / "web" / "templates" / name).read_text("utf-8"))]
    assert texts
    assert reading_age("\n".join(texts)) <= READING_AGE


@pytest.mark.parametrize("module", AGREEMENT_IN_CODE)
def test_t_ex_3_what_is_agreed_to_in_code(module: str) -> None:
    texts = [text for (text, *_) in marked_in_code((ROOT / module).read_text("utf-8"))]
    assert texts
    assert reading_age("\n".join(texts)) <= READING_AGE


def test_t_ex_3_a_permission_as_its_signer_reads_it() -> None:
    told = (
        "I allow Westshire County Council to tell the Pensions department this, once, until 30 June 2027: assessment of the care "
        "contribution. The reason: so that her Pension Credit is right. Nothing else. I can withdraw this."
    )
    assert reading_age(told) <= READING_AGE


@pytest.mark.parametrize("purpose", [ready.purpose.en for kind in all_types().values() for ready in kind.queries])
def test_purposes_that_are_agreed_to(purpose: str) -> None:
    assert reading_age(purpose) <= READING_AGE


@pytest.mark.parametrize("site", SITES)
def test_welsh_sentences_on_pages(site: str) -> None:
    said = {part for forms in welsh(site).values() for text in forms for part in sentences(text)}
    assert [part for part in said if len(re.findall(r"[\w’'-]+", part)) > WORDS] == []


@pytest.mark.parametrize("kind", sorted(all_types()))
def test_welsh_sentences_of_types(kind: str) -> None:
    said = {part for text in texts_of(all_types()[kind]) for part in sentences(text.cy)}
    assert said
    assert [part for part in said if len(re.findall(r"[\w’'-]+", part)) > WORDS] == []


@pytest.mark.parametrize("site", SITES)
def test_no_table_of_texts_names_one_twice(site: str) -> None:
    """The checking page once said "This takes a moment." wherever it was to say when."""
    assert {path.name: found for path in templates(site) if (found := named_twice(path.read_text("utf-8")))} == {}
