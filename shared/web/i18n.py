"""Languages: English in the source, Welsh from ``.po`` files read at start; what has no Welsh yet is shown in English.

Texts are marked ``_("…")`` in templates and in code, where ``_`` is the translator of the request (``pages.translator``); a constant is
marked with ``N_("…")`` and translated where it is shown.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Iterable
from importlib.resources.abc import Traversable

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES = ("en", "cy")
NAMES = {"en": "English", "cy": "Cymraeg"}


def N_(text: str) -> str:  # noqa: N802 - the name that extraction tools know
    """Mark ``text`` for translation without translating it now."""
    return text


def load_translations(folders: Iterable[Traversable], locale: str) -> gettext.NullTranslations:
    """All of ``<folder>/<locale>.po`` together; an earlier folder's text wins over a later one's."""
    loaded = gettext.NullTranslations()
    for folder in reversed(list(folders)):
        file = folder / f"{locale}.po"
        if not file.is_file():
            continue
        one = gettext.GNUTranslations(io.BytesIO(_compiled(file.read_bytes(), locale)))
        one.add_fallback(loaded)
        loaded = one
    return loaded


def _compiled(po: bytes, locale: str) -> bytes:
    """Without what is marked as fuzzy: a guess of a tool is no translation."""
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(po), locale=locale))
    return compiled.getvalue()


def negotiate(asked: str | None, remembered: str | None, accept: str) -> str:
    """The locale: what the link asks for, else what the cookie remembers, else the reader's browser, else English."""
    for choice in (asked, remembered):
        if choice in LOCALES:
            return choice
    return next((language for language in _accepted(accept) if language in LOCALES), LOCALES[0])


def _accepted(header: str) -> list[str]:
    """Languages of ``Accept-Language``, best first (RFC 9110 section 12.5.4); what cannot be read counts as not wanted."""
    weighed: list[tuple[float, str]] = []
    for part in header.split(",")[:20]:
        tag, _, parameter = part.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            weight = 0.0
        if weight > 0:
            weighed.append((-weight, tag.strip().lower().partition("-")[0]))
    return [language for _, language in sorted(weighed, key=lambda pair: pair[0])]
