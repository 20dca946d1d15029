"""The page's words cover every state and event."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import issuer
from issuer.pages import federation, register, words
from issuer.sessions import Action, InvitationState

ROOT = Path(issuer.__file__).parent


def test_every_state_event_and_action_has_words() -> None:
    for state in [*InvitationState, "invited", "collected", "on_hold", "cancelled"]:
        if state not in {"offered", "redeemed"}:
            assert words.tag(state, str).text
    kinds = written(file for file in ROOT.rglob("*.py") if file.parent.name != "federation")
    assert kinds | {"held", "reinstated", "cancelled", "made", "collected", "renewed"} <= set(words._EVENTS) | {"clerk"}
    for action in Action:
        assert words.question(action, str)
        assert words.consequence(action, str)


def test_everything_that_happens_in_a_federation_has_words() -> None:
    files = {each.name: each for each in (ROOT / "federation").glob("*.py")}
    assert written([files.pop("registrar.py")]) <= set(register.KINDS)
    assert written(files.values()) | {"ended"} <= set(federation.KINDS)


def written(files: Iterable[Path]) -> set[str]:
    """The kinds of events that ``files`` note."""
    return set(re.findall(r'kind="([a-z-]+)"', "".join(file.read_text() for file in files)))
