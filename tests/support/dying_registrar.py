"""One process of a registrar that dies of what it does: ``python -m support.dying_registrar FOLDER AT ACTION [CODE TOKEN]``."""

from __future__ import annotations

import asyncio

from support.dying import once
from support.superior import ANA, BEN

from issuer.federation import publish, registrar
from issuer.office import Office
from issuer.records import askers

COUNCIL = "https://council.example"


async def act(office: Office, action: str, code: str = "", token: str = "") -> None:
    if action == "invite":
        await registrar.invite(office, COUNCIL, "Council", "GB", ANA)
    elif action == "apply":
        await registrar.apply(office, token, code, shown=True)
    elif action == "begin":
        await registrar.settle(office)
    elif action == "publish":
        await publish.publish(office)
    elif action == "end":
        await registrar.end(office, COUNCIL, "merged", ANA)
    else:
        version = (await office.storage.read(lambda tx: askers.get(tx, COUNCIL))).version
        if action == "approve":
            await registrar.approve(office, COUNCIL, BEN, version=version)
        else:
            await registrar.refuse(office, COUNCIL, "too wide", BEN, version=version)


if __name__ == "__main__":
    asyncio.run(once(act))
