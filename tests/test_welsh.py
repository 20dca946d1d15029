"""No text of a page lacks Welsh, none has Welsh that is used nowhere, and both leave the same places for what is filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from support.page_texts import (
    FOR_DEVELOPERS,
    ROOT,
    SITES,
    Marked,
    marked,
    marked_in_code,
    marked_in_template,
    templates,
    unmarked_in_template,
)

from issuer.claims import SAYS, UNFIT
from shared.credentials import all_types

HOLES = re.compile(r"%\(\w+\)s|\{\w*\}|%")
NOT_WORDS = {"muniment", "muniment-wallet trust add"}


def forms(text: Any) -> Marked:
    """One text, or a text with its plurals."""
    return (text,) if isinstance(text, str) else tuple(text or ())


@cache
def read_catalogue(site: str) -> Catalog:
    return read_po(BytesIO((ROOT / site / "web" / "locale" / "cy.po").read_bytes()), locale="cy", abort_invalid=True)


@cache
def welsh(site: str) -> dict[Marked, Marked]:
    """The catalogue of a service: English forms, Welsh forms. What is fuzzy is not known."""
    catalogue = read_catalogue(site)
    assert catalogue.num_plurals == 5
    return {forms(message.id): forms(message.string) for message in catalogue if message.id and not message.fuzzy}


def details(rules: Any) -> Iterator[str]:
    """What the rules of a type say about a document that breaks them."""
    if isinstance(rules, dict):
        yield from [rules["detail"]] if "detail" in rules else details(rules["rules"])
    else:
        for each in rules:
            yield from details(each)


def said(site: str) -> set[Marked]:
    """All texts of a service's pages. What is wrong with a detail is said by rules and by a schema; the issuer's form shows it."""
    faults = {*SAYS.values(), UNFIT, *(text for kind in all_types().values() for text in details(kind.limits + kind.said))}
    return marked(site) | ({(text,) for text in faults} if site == "issuer" else set())


@pytest.mark.parametrize("site", SITES)
def test_no_welsh_is_a_guess(site: str) -> None:
    """What a tool has marked as fuzzy was carried over from a text that was like it; pages leave it out."""
    assert [message.id for message in read_catalogue(site) if message.id and message.fuzzy] == []


@pytest.mark.parametrize("site", SITES)
def test_every_text_has_welsh(site: str) -> None:
    known = welsh("shared") | welsh(site)
    alone = {text for texts in known for text in texts}  # a plural is also marked by halves, where code chooses between them
    assert {texts for texts in said(site) if texts not in known and not (len(texts) == 1 and texts[0] in alone)} == set()


@pytest.mark.parametrize("site", SITES)
def test_no_welsh_for_texts_that_are_gone(site: str) -> None:
    used = said(site)
    alone = {text for texts in used for text in texts}
    assert {texts for texts in welsh(site) if texts not in used and not alone.issuperset(texts)} == set()


@pytest.mark.parametrize("site", SITES)
def test_english_and_welsh_leave_the_same_places(site: str) -> None:
    for english, told in welsh(site).items():
        assert len(told) == (1 if len(english) == 1 else 5), english
        assert all(told), english
        places = [sorted(HOLES.findall(text)) for text in english]
        for text in told:
            assert sorted(HOLES.findall(text)) in places, text


def for_people() -> list[Path]:
    return [path for site in SITES for path in templates(site) if path.name not in FOR_DEVELOPERS]


@pytest.mark.parametrize("path", for_people(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_template_says_anything_unmarked(path: Path) -> None:
    texts = [re.sub(r"\S*[/=\"]\S*|[…–>]", " ", text).strip() for text in unmarked_in_template(path.read_text("utf-8"))]
    assert {text for text in texts if re.search(r"[A-Za-z]", text)} - NOT_WORDS == set()


def test_the_test_finds_what_it_should() -> None:
    page = """<p title="a title">{{ _("one %(a)s", a=1) }} words {{ ngettext("%(num)s day", "%(num)s days", 2) }}</p>{{ f({"text": "bare"}) }}"""
    assert set(marked_in_template(page)) == {("one %(a)s",), ("%(num)s day", "%(num)s days")}
    assert {text.strip(" …") for text in unmarked_in_template(page)} == {"", "a title", "words", "bare"}
    assert list(marked_in_code('N_("x"); say.translate("y"); ngettext("z", "zs", 1); other("w")')) == [("x",), ("y",), ("z", "zs")]
    assert HOLES.findall("%(a)s of {b}, 5 %") == ["%(a)s", "{b}", "%"]
