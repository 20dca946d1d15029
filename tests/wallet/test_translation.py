"""Welsh stands for every word of the consent page and of what follows it; every Welsh entry belongs to a word that is still there."""

from __future__ import annotations

import re
from pathlib import Path

from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[2]
WALLET = ROOT / "wallet"
TEXT = re.compile(r"\b(?:_|N_|translate|ngettext)\(\s*\"((?:[^\"\\]|\\.)*)\"(?:,\s*\"((?:[^\"\\]|\\.)*)\")?")
IN_ATTRIBUTES = re.compile(r"\b_\('([^'\\]*)'\)")
HOLES = re.compile(r"%\(\w+\)s|\{\w+\}")
ALL_WELSH = (
    "web/templates/wallet/consent.html",
    "web/templates/wallet/result.html",
    "web/templates/wallet/phone.html",
    "web/templates/wallet/phone/parts.html",
    "web/templates/wallet/phone/showing.html",
    "web/templates/wallet/phone/keeping.html",
    "web/templates/wallet/phone/words.html",
    "consent.py",
)


def texts(path: Path) -> set[str]:
    text = path.read_text(encoding="utf-8")
    return {found for match in TEXT.findall(text) for found in match if found} | set(IN_ATTRIBUTES.findall(text))


def forms(text: str | list[str] | tuple[str, ...] | None) -> list[str]:
    """One text, or a text with its plurals."""
    return [text] if isinstance(text, str) else list(text or ())


def welsh(folder: Path = WALLET) -> set[str]:
    with (folder / "web" / "locale" / "cy.po").open("rb") as file:
        catalogue = read_po(file, locale="cy", abort_invalid=True)
    for message in catalogue:
        assert all(forms(message.string)), message.id
    return {text for message in catalogue for text in forms(message.id)} - {""}


def test_the_consent_page_is_all_welsh() -> None:
    missing = {text for name in ALL_WELSH for text in texts(WALLET / name)} - welsh() - welsh(ROOT / "shared")
    assert missing == set()


def test_no_welsh_for_words_that_are_gone() -> None:
    files = [*WALLET.rglob("*.py"), *WALLET.rglob("*.html")]
    assert welsh() - {text for file in files for text in texts(file)} == set()


def test_placeholders_are_the_same_in_welsh() -> None:
    with (WALLET / "web" / "locale" / "cy.po").open("rb") as file:
        catalogue = read_po(file, locale="cy")
    for message in catalogue:
        if message.id:
            source, *_ = forms(message.id)
            for target in forms(message.string):
                assert set(HOLES.findall(source)) == set(HOLES.findall(target)), source
