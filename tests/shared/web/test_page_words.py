"""People never see developers' words: the table "On the page" of the architecture, held against every template and marked text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.page_texts import FOR_DEVELOPERS, ROOT, SITES, code, marked_in_code, marked_in_template, templates, unmarked_in_template

BANNED = re.compile(
    r"\b(credentials?|mint(s|ed|ing)?|offers?|offering|tx_code|presentations?|relying part(y|ies)|vcts?|jwts?|jws|sd-jwt|tokens?|claims?|nonces?|"
    r"dcql|openid4\w+|oauth|json|payloads?|endpoints?|metadata|disclosures?|over-asking|intended uses?|undecided|unchecked|revo(ke|kes|ked|cation)|"
    r"suspend(s|ed)?|supersed(e|es|ed)|trust (bundle|anchor)s?|bundles?|sealed links?|predicates?|schemas?|subjects?|mandates?|representations?|"
    r"key binding|holder binding|wrong_audience|needs_more_attorneys|restricted_undisclosed|status lists?|pre-authorized|issuer id|uuid|sha-?256)\b",
    re.IGNORECASE,
)


def banned_in(text: str) -> re.Match[str] | None:
    """The first banned word; an address that the page shows, or the path of one, is no word."""
    return BANNED.search(re.sub(r"[a-z][a-z0-9+.-]*://\S*|(?<![\w])/[\w/…-]+|…/[\w/…-]+", " ", text))


def sources() -> list[Path]:
    return [path for site in SITES for path in (*templates(site), *code(site)) if path.name not in FOR_DEVELOPERS]


def texts_of(source: str, suffix: str) -> list[str]:
    """All that a person may come to read of a template or of code."""
    marked = marked_in_template(source) if suffix == ".html" else marked_in_code(source)
    bare = unmarked_in_template(source) if suffix == ".html" else ()
    return [*bare, *(text for texts in marked for text in texts)]


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_people_never_see_developers_words(path: Path) -> None:
    source = path.read_text("utf-8")
    found = {(match[0], " ".join(text.split())[:90]) for text in texts_of(source, path.suffix) if (match := banned_in(text))}
    assert not found


def test_the_test_finds_what_it_should() -> None:
    page = """<p class="credential">Your {{ token }} document</p>
      <a href="/offer/1" title="an offer">{{ _("the relying party") }}</a>{% call x({"text": "a JWT"}) %}claims{% endcall %}<script>token</script>"""
    found = {match[0] for text in texts_of(page, ".html") if (match := banned_in(text))}
    assert found == {"offer", "relying party", "JWT", "claims"}
    assert texts_of('N_("a nonce") + _("x") + other("token")', ".py") == ["a nonce", "x"]
    assert not banned_in("Your document is cancelled; the organisation asking")
    assert not banned_in("…/offer/…")
    assert banned_in("documents/tokens")
