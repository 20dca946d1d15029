"""One process of a superior that dies of what it does: ``python -m support.dying_superior FOLDER AT ACTION [CODE TOKEN]``."""

from __future__ import annotations

import asyncio
from functools import partial

from support.dying import once
from support.superior import ANA, BEN, COURT, SAYS

from issuer.federation import collect, enrol, publish, successions
from issuer.federation.own import entity_of
from issuer.federation.terms import Terms
from issuer.office import Office
from issuer.records import subordinates
from shared.flow import Fetch, Fetched


async def act(office: Office, action: str, code: str, token: str) -> None:
    if action == "invite":
        await enrol.invite(office, COURT, "Leeds court", SAYS, ANA)
    elif action == "join":
        await enrol.join(office, code, token, published=True)
    elif action == "publish":
        await publish.publish(office)
    elif action == "configure":
        await entity_of(office).configure()
    elif action == "visit":
        await collect.visit(office, partial(_say, token))
    elif action == "succession-offer":
        await successions.offer(office, token.encode(), ANA, partial(_say, ""))
    elif action == "succession-approve":
        await successions.approve(office, COURT, code, BEN, version=1, fetch=partial(_say, ""))
    elif action == "succession-drop":
        await successions.withdraw(office, COURT, code, "repealed", BEN, version=2)
    elif action == "end":
        await enrol.end(office, COURT, "closed", ANA)
    else:
        version = (await office.storage.read(lambda tx: subordinates.get(tx, COURT))).version
        if action == "approve":
            await enrol.approve(office, COURT, BEN, version=version)
        else:
            await enrol.propose(office, COURT, Terms(), ANA, version=version)


async def _say(token: str, _: Fetch) -> Fetched:
    """What the body's own address shows."""
    return Fetched(status=200, body=token.encode())


if __name__ == "__main__":
    asyncio.run(once(act))
