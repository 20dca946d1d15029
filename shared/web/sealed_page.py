"""The page of a locked link (``shared.sealed_link``): one file that opens it in a browser, saved or served by anybody, without a connection.

Its policy allows its own script and style by their digests and nothing else; all texts are in it, in both languages. Without a link inside
it opens the one behind ``#`` of its address, which no browser sends to a server.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from importlib.resources import files
from typing import Final

from .i18n import LOCALES, N_, load_translations

_TEXTS: Final = {
    "draft": N_("Draft translation: not yet checked by a Welsh speaker. Where no Welsh exists yet, the text is in English."),
    "title": N_("A locked copy of a document"),
    "intro": N_("Somebody made this copy for one organisation. Seven words open it. Whoever made it told you the words in another way."),
    "label": N_("The seven words"),
    "hint": N_("Capital letters, spaces and hyphens make no difference."),
    "open": N_("Open it"),
    "opening": N_("Opening. This takes a moment."),
    "enter": N_("Enter the seven words"),
    "shut": N_("These words do not open it. Check each word with whoever told them to you."),
    "none": N_("There is no locked copy here, or the link was cut short. Ask for it again."),
    "unsafe": N_("This browser opens locked copies only from a saved file or a safe address (https)."),
    "only": N_("Only {name} can open it."),
    "theirs": N_("It was locked for a key that only they have. There are no words for it, and no page can open it. Whoever locked it wrote the name."),
    "keydesk": N_("At your desk: choose “Check a copy”, and give this page."),
    "others": N_("If it is not for you, delete it. It shows nothing more."),
    "for": N_("For {name}"),
    "until": N_("Good until {moment}"),
    "over": N_("Its time is over since {moment}. Do not rely on it. Ask for a new one."),
    "purpose": N_("What for: {purpose}"),
    "level": N_("A copy made out to one organisation. Nobody else can rely on it. It does not show who sends it or hands it over."),
    "checking": N_("Check it before you rely on it"),
    "cannot": N_(
        "This page only opens the copy. It cannot prove who signed it, or whether it was cancelled since. Whoever sent it wrote what stands here."
    ),
    "desk": N_("At your desk: choose “Check a copy”, give the saved page, and type the seven words."),
    "command": N_("Without a network, by command:"),
    "save": N_("Save the copy that was inside"),
    "print": N_("Print"),
    "close": N_("Close it again"),
}  # fmt: skip
_SCRIPT_NEEDED: Final = N_("This page needs JavaScript to open the copy. You can also give this file to your desk under “Check a copy”.")


def page(sealed: str = "", *, locale: str = "en") -> str:
    """The whole page around ``sealed``, a locked link, in ``locale`` at first; without one it waits for its address."""
    style, script, texts = _parts()
    locale = locale if locale in texts else "en"
    told = texts[locale]
    gaps = {
        "lang": locale,
        "policy": policy(),
        "title": told["title"],
        "draft": told["draft"],
        "undrafted": " hidden" if locale == "en" else "",
        "style": style,
        "noscript": told["noscript"],
        "sealed": sealed,
        "texts": json.dumps(texts, ensure_ascii=False).replace("<", "\\u003c"),
        "script": script,
    }
    return re.sub(r"\{(\w+)\}", lambda gap: gaps[gap.group(1)], _read("page.html"))


@cache
def policy() -> str:
    """What the page may do, as it stands in it and in the header of whoever serves it."""
    style, script, _ = _parts()
    parts = {
        "default-src": "'none'",
        "script-src": f"'sha256-{_digest(script)}'",
        "style-src": f"'sha256-{_digest(style)}'",
        "img-src": "data:",
        "connect-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in parts.items())


@cache
def _parts() -> tuple[str, str, dict[str, dict[str, str]]]:
    """Style, script and texts. The module that opens links becomes the first half of a plain script."""
    opener = (files("shared.web") / "static" / "js" / "ovp" / "sealed.js").read_text(encoding="utf-8")
    script = '"use strict";\n(() => {\n' + re.sub(r"^export ", "", opener, flags=re.MULTILINE) + _read("page.js") + "})();\n"
    folder = files("shared.web") / "locale"
    texts = {}
    for locale in LOCALES:
        translate = load_translations([folder], locale).gettext
        texts[locale] = {name: translate(text) for name, text in (_TEXTS | {"noscript": _SCRIPT_NEEDED}).items()}
    return _read("page.css"), script, texts


def _read(name: str) -> str:
    return (files("shared.web") / "locked" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
