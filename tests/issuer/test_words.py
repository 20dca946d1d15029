"""The page's words cover every state and event."""

from __future__ import annotations

import re
from pathlib import Path

import issuer
from issuer.pages import words
from issuer.sessions import Action, InvitationState

ROOT = Path(issuer.__file__).parent


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
