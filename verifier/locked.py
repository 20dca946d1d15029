"""Locked links that were brought in: opened with the words that came by another way, or with the inbox's key that they were locked for, before the
copy inside is judged like any other.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from shared import sealed_link
from shared.addressed import AddressedPresentation
from shared.errors import ConfigError, Malformed
from shared.private_file import read_secret

_MAX_TYPED: Final = 4_096


def is_locked(data: bytes) -> bool:
    """Whether this is a locked link, or a saved page with one; nothing of it is checked yet."""
    return sealed_link.find(data) is not None


def key_named(data: bytes, *, entity: str) -> str | None:
    """Which key opens it, by its thumbprint; ``None`` where words do. ``WrongAudience`` (``made for …``) where it says on its outside that it is
    for another body than ``entity``: then no key is looked for. ``Malformed`` and the like for what is no locked link.
    """
    addressee = sealed_link.peek_addressee(_found(data))
    if addressee is None:
        return None
    sealed_link.check_addressee(addressee, entity=entity)
    return addressee.kid


def unlock(data: bytes, secret: str | Mapping[str, Any], *, entity: str, at: int) -> AddressedPresentation:
    """The copy inside, still to be judged: with the words, which takes half a second of one processor, or the private key that ``key_named`` names.

    ``Malformed`` at ``words`` where they do not fit, ``WrongAudience`` (``made for …``) or ``Expired`` before anything of it is believed.
    """
    token = _found(data)
    if isinstance(secret, str):
        if not secret.strip():
            raise Malformed("this is locked: its seven words are needed", where="words")
        link = sealed_link.open_with_words(token, secret)
    else:
        link = sealed_link.open_with_key(token, secret)
    sealed_link.check(link, entity=entity, at=at)
    return link.copy


def _found(data: bytes) -> str:
    token = sealed_link.find(data)
    if token is None:
        raise Malformed("this is no locked link", where="link")
    return token


def words_at_terminal(file: str | None) -> str:
    """The words out of ``file`` (``-``: standard input), else asked for; never from the command line, which others on the machine can see."""
    if file == "-":
        return sys.stdin.read(_MAX_TYPED)
    if file is not None:
        return read_secret(Path(file), "words").decode("utf-8", "replace")[:_MAX_TYPED]
    if not sys.stdin.isatty():
        raise ConfigError("this is locked: give its seven words with --words FILE, or --words - from standard input", where="words")
    return getpass.getpass("The seven words: ")
