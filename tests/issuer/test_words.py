"""Every text of the office's pages exists in Welsh, and the page's words cover every state and event."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import issuer
from issuer.pages import words
from issuer.sessions import Action, InvitationState

ROOT = Path(issuer.__file__).parent


def used() -> set[str]:
    """All texts marked for translation."""
    methods = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
    options = {"**/templates/**.html": {"extensions": "jinja2.ext.do", "encoding": "utf-8", "trimmed": "true"}}
    keywords = {"_": None, "N_": None, "words": None, "ngettext": (1, 2)}
    found = extract_from_dir(ROOT, method_map=methods, options_map=options, keywords=keywords)
    return {text if isinstance(text, str) else text[0] for _, _, text, _, _ in found}


def test_every_text_has_welsh() -> None:
    with files("issuer.web").joinpath("locale", "cy.po").open("rb") as file:
        catalogue = read_po(file, locale="cy")
    known = {message.id if isinstance(message.id, str) else message.id[0]: message for message in catalogue if message.id}
    assert used() == set(known)
    places = re.compile(r"%\(\w+\)s")
    for text, message in known.items():
        told = [message.string] if isinstance(message.string, str) else list(message.string or ())
        assert told, text
        assert all(told), text
        for one in told:
            assert set(places.findall(one)) == set(places.findall(text)), text


def test_every_state_event_and_action_has_words() -> None:
    for state in [*InvitationState, "invited", "collected", "on_hold", "cancelled"]:
        if state not in {"offered", "redeemed"}:
            assert words.tag(state, str).text
    sources = "".join(file.read_text() for file in ROOT.rglob("*.py"))
    kinds = set(re.findall(r'kind="([a-z-]+)"', sources)) | {"held", "reinstated", "cancelled", "made", "collected", "renewed"}
    assert kinds <= set(words._EVENTS) | {"clerk"}
    for action in Action:
        assert words.question(action, str)
        assert words.consequence(action, str)
