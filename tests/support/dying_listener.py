"""One process that listens to pinned anchors and dies of it: ``python -m support.dying_listener DATABASE TRUST AT FAILPOINT``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from shared.storage import open_storage
from shared.trust.anchors import parse_trust
from shared.urls import LOOPBACK
from shared.web.fetch import Fetcher
from shared.web.heard import listen


async def main(database: str, trust: bytes, at: int, failpoint: str) -> None:
    storage, fetcher = open_storage(f"sqlite://{database}", failpoint=failpoint), Fetcher(allow=["localhost:*"])
    await listen(storage, fetcher, parse_trust(trust), at=lambda: at, plain_http=LOOPBACK)
    await fetcher.close()
    await storage.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]).read_bytes(), int(sys.argv[3]), sys.argv[4]))
