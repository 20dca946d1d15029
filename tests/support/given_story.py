"""One thing that a wallet does with a desk's receipt, in a process of its own that may die of it:

``python -m support.given_story FOLDER ACTION FAILPOINT AT``

The folder has the wallet (``wallet``), whom it trusts (``trust.json``), and in ``given.json`` what it is handed and what is answered to it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

import msgspec

from shared.flow import Fetch, Fetched
from shared.ovp.receipt import CONFIRM_AT
from shared.trust.anchors import parse_trust
from shared.trust.policy import Policy
from wallet import confirming, given, showings
from wallet.app import open_host
from wallet.config import open_place


async def main() -> None:
    name, action, failpoint, at = sys.argv[1:]
    folder = Path(name)
    place = open_place(folder / "wallet")
    handed = json.loads((folder / "given.json").read_text())

    async def answer(fetch: Fetch) -> Fetched:
        assert fetch.url.endswith(CONFIRM_AT)
        return Fetched(status=200, body=json.dumps({"receipt": handed["confirmation"]}).encode())

    place = replace(place, settings=msgspec.structs.replace(place.settings, failpoint=failpoint))
    host = open_host(place, clock=lambda: int(at))
    policy = Policy(parse_trust((folder / "trust.json").read_bytes()))
    means = replace(host.means, fetch=answer, trust=lambda: policy)
    await host.start()
    try:
        vault = (await host.doors.open_id(await host.doors.only() or "", handed["passphrase"])).vault
        match action:
            case "take":
                await given.take_in(means, vault, handed["seq"], handed["receipt"])
            case "tell":
                await showings.add(means, vault, [msgspec.convert(handed["showing"], showings.Showing)])
            case _:
                await confirming.tend(means, vault)
    finally:
        await host.close()


if __name__ == "__main__":
    asyncio.run(main())
