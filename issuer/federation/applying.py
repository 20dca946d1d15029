"""Where an organisation applies to be registered, and whether its own address shows the key with which it does (domain sheet C23).

``POST /federation/register`` with ``{"application", "code"?}``. Only who holds an unused code, or is registered already, makes this office
look anywhere; while somebody waits, the clock does.
"""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from issuer.federation import registrar
from issuer.federation.collect import AT_ONCE, SOON, Fetcher, read_configuration
from issuer.federation.keys import name_of
from issuer.office import Office
from issuer.records import askers
from issuer.records.askers import Asker
from shared.codec import reader, strict_json
from shared.errors import VcError
from shared.keys import PublicKey, Role
from shared.trust.application import MAX_BYTES, parse_application
from shared.trust.carried import ENTITY_TYPES
from shared.trust.federation_keys import parse_jwks
from shared.web.app import bound_body
from shared.web.context import FETCHER
from shared.web.entity import told

REGISTER: Final = "/federation/register"
_MAX: Final = MAX_BYTES + 1_000


def add_to(app: web.Application, office: Office) -> None:
    """The route of a registrar."""
    app.router.add_post(REGISTER, told(Applying(office).apply))
    bound_body(app, REGISTER, _MAX)


class Applying:
    def __init__(self, office: Office) -> None:
        self._office = office

    async def apply(self, request: web.Request) -> web.StreamResponse:
        body = strict_json.load_object(await request.read(), max_bytes=_MAX)
        token = reader.get_str(body, "application", max_length=MAX_BYTES)
        code = reader.get_str(body, "code", optional=True, max_length=100) or ""
        said = await registrar.read_application(self._office, token, code)
        shown = await is_shown(said.entity, said.public, request.config_dict[FETCHER], self._office.clock())
        found = await registrar.apply(self._office, token, code, shown=shown)
        return web.json_response({"entity": found.entity, "state": found.state.value, "version": found.version}, status=202)


async def is_shown(entity: str, public: PublicKey, fetch: Fetcher, at: int) -> bool:
    """Whether the organisation's own address names the key as one with which it asks."""
    try:
        said = await read_configuration(entity, fetch)
        keys = parse_jwks(said.metadata.get(ENTITY_TYPES[Role.RELYING_PARTY], {}))
    except VcError:
        return False
    return said.sub == entity and said.is_configuration and at < said.exp and name_of(public) in {name_of(each.public) for each in keys}


async def visit(office: Office, fetch: Fetcher) -> None:
    """Look at each address whose application waits and that does not show its key yet, if it is time."""
    if not office.settings.superior:
        return
    turn, at = asyncio.Semaphore(AT_ONCE), office.clock()

    async def look(each: Asker) -> None:
        async with turn:
            await _look(office, each, fetch)

    waiting = [each for each in await office.storage.read(askers.everybody) if each.waits and each.shown_at is None]
    await asyncio.gather(*(look(each) for each in waiting if each.tried_at is None or each.tried_at + SOON <= at))


async def _look(office: Office, each: Asker, fetch: Fetcher) -> None:
    said, at = parse_application(each.wanted or ""), office.clock()
    shown = await is_shown(each.entity, said.public, fetch, at)
    await office.storage.write(lambda tx: askers.heard(tx, each.entity, version=each.version, shown=shown, at=at), point="register-heard")
