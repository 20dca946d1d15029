"""One process of an issuer that dies of a step of a rotation: ``python -m support.dying_keys FOLDER AT``."""

from __future__ import annotations

import asyncio

from support.dying import once

from issuer.app import follow_keys

if __name__ == "__main__":
    asyncio.run(once(follow_keys))
