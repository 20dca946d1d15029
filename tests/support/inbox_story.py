"""One thing that an inbox does, in a process of its own that may die of it:

``python -m support.inbox_story FOLDER STORAGE ACTION FAILPOINT ID AT``; a letter lies in ``FOLDER/letter``.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from shared.flow import Fetch, Fetched
from shared.web.operators import everybody
from shared.web.settings import load
from verifier import config, inbox, inbox_desk, passing
from verifier.desk import Desk
from verifier.inbox_desk import Said
from verifier.material import Store
from verifier.opening import open_desk, start, stop


async def act(desk: Desk, action: str, identifier: str, letter: str) -> None:
    store = Store(desk)
    if action == "take":
        await inbox.take(desk, store, letter)
    elif action == "late":
        await inbox.tend(desk)
    elif action == "pass":
        await passing.take(desk, letter)
    elif action == "deliver":
        await passing.deliver(desk, arrived)
    elif action == "dealt-with":
        await passing.deal_with(desk, identifier)
    else:
        who = (await desk.storage.read(everybody))[0]
        post = await inbox_desk.one(desk, who, identifier)
        await (inbox_desk.decide(desk, store, post, Said(accept=True)) if action == "decide" else inbox_desk.undone(desk, post))


async def arrived(_fetch: Fetch) -> Fetched:
    """The other inbox has it."""
    return Fetched(status=200)


async def main() -> None:
    name, storage, action, failpoint, identifier, at = sys.argv[1:]
    folder = Path(name)
    known = config.settle(load(config.Settings, config.toml(folder), {}, config.PREFIX), folder)
    desk = open_desk(folder, msgspec.structs.replace(known, failpoint=failpoint, storage=storage or known.storage), clock=lambda: int(at))
    await start(desk)
    try:
        await act(desk, action, identifier, (folder / "letter").read_text())
    finally:
        await stop(desk)


if __name__ == "__main__":
    asyncio.run(main())
