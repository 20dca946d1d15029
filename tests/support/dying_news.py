"""One process of an office that dies of what it hears or decides: ``python -m support.dying_news FOLDER AT ACTION NEWS [DOCUMENT]``."""

from __future__ import annotations

import asyncio

from support.dying import once
from support.own_verifier import of_margaret

from issuer import deciding_news, following
from issuer.office import Office
from issuer.records import news
from issuer.sessions import Actor
from shared.credentials import by_id

CLERK = Actor(role="clerk", name="Cleo Clerk")
DEATH = following.News(id="told once", vct=by_id("life-event").vct, became="shown", claims=of_margaret(), request="asked-1")
UNSURE = following.News(id="told once", vct=DEATH.vct, became="shown", claims=of_margaret(address={}), request="asked-1")


async def act(office: Office, action: str, told: str = "", document: str = "") -> None:
    if action == "hear":
        await following.hear(office, DEATH)
    elif action == "own":
        await following.follow_own(office)
    elif action == "mistake":
        await deciding_news.mistake(office, told)
    else:
        version = (await office.storage.read(lambda tx: news.get(tx, told))).version
        await deciding_news.decide(office, told, [document], CLERK, version=version)


if __name__ == "__main__":
    asyncio.run(once(act))
