"""One process of an office that signs and enters what is due in its log, and dies of it: ``python -m support.dying_log FOLDER AT``."""

from __future__ import annotations

import asyncio

from support.dying import once

from issuer.app import log_site_of
from issuer.entered import enter_keys
from issuer.office import Office


async def _tend(office: Office) -> None:
    await enter_keys(office)
    await log_site_of(office).tend()


if __name__ == "__main__":
    asyncio.run(once(_tend))
