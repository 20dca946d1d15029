"""One process of an issuer that dies of a step of a rotation: ``python -m support.dying_keys FOLDER AT``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from issuer import config
from issuer.app import follow_keys, open_office, start, stop


async def main() -> None:
    directory, now = Path(sys.argv[1]), int(sys.argv[2])
    office = open_office(directory, config.read(directory), clock=lambda: now)
    await start(office)
    await follow_keys(office)
    await stop(office)


if __name__ == "__main__":
    asyncio.run(main())
