"""One step of collecting as a process of its own, so that it can be killed: ``receive_steps.py FOLDER AT STEP [ARGUMENT]``."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from shared.errors import VcError
from wallet import sign_in
from wallet.app import open_host
from wallet.config import open_place
from wallet.invite import read_invitation
from wallet.keep import Vault
from wallet.means import Means
from wallet.receive import give_up
from wallet.records import COPIES, DOCUMENTS, RECEIVING
from wallet.upkeep import collect_and_look, upkeep

PASSPHRASE = "correct horse battery staple"
BACK = "http://localhost:8102/returned"


async def step(means: Means, vault: Vault, name: str, argument: str) -> Any:
    match name:
        case "invite":
            return (await read_invitation(means, vault, argument)).id
        case "begin":
            state = (await sign_in.begin(means, vault, argument, redirect_uri=BACK)).value.state
            return getattr(state, "url", "")
        case "finish":
            return (await sign_in.finish(means, vault, argument)).id
        case "collect":
            return (await collect_and_look(means, vault, argument, None)).id
        case "give-up":
            return await give_up(means, vault, argument)
        case "upkeep":
            return await upkeep(means, vault)
        case _:
            items = await means.storage.read(lambda tx: RECEIVING.all(tx, vault))
            documents = await means.storage.read(lambda tx: DOCUMENTS.all(tx, vault))
            copies = await means.storage.read(lambda tx: COPIES.all(tx, vault))
            states = [type(item.value.state).__name__ for item in items]
            return {"states": states, "documents": len(documents), "copies": len(copies)}


async def main() -> None:
    folder, at, name, argument = (*sys.argv[1:], "")[:4]
    host = open_host(open_place(Path(folder)), clock=lambda: int(at))
    try:
        await host.start()
        opened = await host.doors.open_id(await host.doors.only() or "", PASSPHRASE)
        said: Any = {"ok": await step(host.means, opened.vault, name, argument)}
    except VcError as error:
        said = {"error": error.code}
    finally:
        await host.close()
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    asyncio.run(main())
