"""Locked links that were brought in: opened with the words that came by another way, before the copy inside is judged like any other."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Final

from shared import sealed_link
from shared.addressed import AddressedPresentation
from shared.errors import ConfigError, Malformed
from shared.private_file import read_secret

_MAX_TYPED: Final = 4_096


def is_locked(data: bytes) -> bool:
    """Whether this is a locked link, or a saved page with one; nothing of it is checked yet."""
    return sealed_link.find(data) is not None


def unlock(data: bytes, words: str, *, entity: str, at: int) -> AddressedPresentation:
    """The copy inside, still to be judged. Takes half a second of one processor.

    ``Malformed`` at ``words`` where they do not fit, ``WrongAudience`` (``made for …``) or ``Expired`` before anything of it is believed.
    """
    token = sealed_link.find(data)
    if token is None:
        raise Malformed("this is no locked link", where="link")
    if not sealed_link.needs_words(token):
        raise Malformed("this was locked for a registered key; no words open it", where="words")
    if not words.strip():
        raise Malformed("this is locked: its seven words are needed", where="words")
    link = sealed_link.open_with_words(token, words)
    sealed_link.check(link, entity=entity, at=at)
    return link.copy


def words_at_terminal(file: str | None) -> str:
    """The words out of ``file`` (``-``: standard input), else asked for; never from the command line, which others on the machine can see."""
    if file == "-":
        return sys.stdin.read(_MAX_TYPED)
    if file is not None:
        return read_secret(Path(file), "words").decode("utf-8", "replace")[:_MAX_TYPED]
    if not sys.stdin.isatty():
        raise ConfigError("this is locked: give its seven words with --words FILE, or --words - from standard input", where="words")
    return getpass.getpass("The seven words: ")
