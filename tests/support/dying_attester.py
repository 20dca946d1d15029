"""One process of a wallet service that dies of a step of a rotation: ``python -m support.dying_attester FOLDER AT``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from support.vouching import vouching

from wallet.app import open_host
from wallet.config import open_place


async def main() -> None:
    folder, now = Path(sys.argv[1]), int(sys.argv[2])
    host = open_host(open_place(folder), clock=lambda: now)
    await host.start()
    await vouching(host).tend()
    await host.close()


if __name__ == "__main__":
    asyncio.run(main())
