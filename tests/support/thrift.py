"""What tests spare, so that more of a run is spent on what they test: nothing here is another part than the one that people use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pytest

from shared.custody._envelope import Cost
from shared.web import assets, i18n


@contextmanager
def easy_seal() -> Iterator[None]:
    """A key file that is made in the block opens easily, and says so itself: every start of a test's service opens it again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shared.custody.file.Cost", lambda: Cost(iterations=1, lanes=1, memory_kib=1024))
        yield


def pack_once(patch: pytest.MonkeyPatch) -> None:
    """Services over the same files pack each once, and compile each catalogue once."""
    patch.setattr(assets, "_asset", cache(assets._asset))
    patch.setattr(i18n, "_compiled", cache(i18n._compiled))


@pytest.fixture(scope="session", autouse=True)
def once_a_worker() -> Iterator[None]:
    """A worker starts hundreds of services."""
    with pytest.MonkeyPatch.context() as patch:
        pack_once(patch)
        yield
