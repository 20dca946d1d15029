"""Two bodies that know people already, each with an office of its own, in one street."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientSession
from support import desk as desks
from support.desk import Running
from support.offices import NINE, OPG, Street, open_office, set_up_desk, set_up_office
from support.ports import free_port
from support.registry import Registry
from support.thrift import easy_seal
from support.trial_web import Watch


@dataclass
class Body:
    """One organisation: its desk, its own office, and the entity that copies are made out to."""

    entity: str
    desk: Running
    office: Registry


@asynccontextmanager
async def open_bodies(folder: Path, **names: str) -> AsyncIterator[tuple[Street, dict[str, Body]]]:
    """The Public Guardian, and each of ``names`` (by a short word) with desk and office; desks stand where a browser finds them."""
    clock = Watch(NINE)
    ports = {word: (free_port(), free_port()) for word in names}
    with easy_seal():
        opg = await set_up_office(folder / "opg", OPG, "Office of the Public Guardian (test)", clock)
        made = {word: await set_up_office(folder / f"{word}-office", _own(word), name, clock) for word, name in names.items()}
        templates = {}
        for word, name in names.items():
            trust = (f"{opg.anchor}:credential-issuer:{OPG}", f"{made[word].anchor}:credential-issuer:{_own(word)}")
            templates[word] = await set_up_desk(folder / f"{word}-desk", _entity(word), name, trust, clock)
    async with AsyncExitStack() as stack:
        street = Street(clock=clock, http=await stack.enter_async_context(ClientSession()))
        street.offices[OPG] = await stack.enter_async_context(open_office(folder / "opg", OPG, opg, clock, types=("representation",)))
        bodies = {}
        for word, template in templates.items():
            key = template.directory / "own-issuer.key"
            key.touch(mode=0o600)
            key.write_text(made[word].api_key)
            types = ("known-here", "mandate-receipt")
            own = open_office(folder / f"{word}-office", _own(word), made[word], clock, port=ports[word][0], types=types)
            office = street.offices[_own(word)] = await stack.enter_async_context(own)
            serving = desks.serving(
                template,
                template.directory,
                site=street,
                clock=clock,
                refresh=False,
                local=True,
                entity=_entity(word),
                own_issuer=_own(word),
            )
            desk = street.desks[_entity(word)] = await stack.enter_async_context(serving)
            bodies[word] = Body(_entity(word), desk, office)
        await street.cycle()
        yield street, bodies


def _own(word: str) -> str:
    return f"https://documents.{word}.example"


def _entity(word: str) -> str:
    return f"https://{word}.example"
