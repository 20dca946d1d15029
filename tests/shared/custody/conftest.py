"""Each kind of custodian by name; a new one gets a line in ``KINDS`` and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from shared.clock import system_entropy
from shared.custody._envelope import Cost
from shared.custody.file import FileCustodian
from shared.custody.memory import MemoryCustodian
from shared.keys import Custodian

CHEAP = Cost(iterations=1, lanes=1, memory_kib=1024)
KINDS: dict[str, Callable[[Path], Custodian]] = {
    "memory": lambda _: MemoryCustodian(entropy=system_entropy),
    "file": lambda folder: FileCustodian(folder / "keys", entropy=system_entropy, passphrase=b"a passphrase", cost=CHEAP),
}


@pytest.fixture(params=sorted(KINDS))
async def custodian(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Custodian]:
    opened = KINDS[request.param](tmp_path)
    yield opened
    await opened.close()
