"""``inbox.json`` of the data folder: the public half of the key that letters are sealed for, as it is registered. No database is needed for it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from shared.codec import strict_json
from shared.errors import ConfigError, VcError
from shared.inbox import Inbox, check_key
from verifier.config import Settings

FILE: Final = "inbox.json"
PATH: Final = "/inbox"


def registered_inbox(directory: Path, settings: Settings) -> Inbox | None:
    """What is certified; ``None`` where there is no inbox, or no key yet."""
    if not settings.inbox:
        return None
    try:
        key = check_key(strict_json.load_object((directory / FILE).read_bytes()))
    except FileNotFoundError:
        return None
    except VcError as error:
        raise ConfigError(f"{FILE}: {error.detail}", where=FILE) from error
    return Inbox(settings.public_url + PATH, key)
