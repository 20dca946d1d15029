"""What those above a service in federations say of it: asked by the clock, never because somebody asked (security rule S21), for its own page and
for the trust marks that it was given. Nobody's trust rests on it.

The two tables are made by steps of each service, which are alike: a step that was applied to a database is never changed or left out, so no
single one can make them for all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from ..clock import Clock
from ..errors import Malformed, Unavailable, Untrusted, VcError
from ..flow import Fetch, Fetched
from ..jose.jws import verify_jws
from ..storage import Storage, Tx
from ..trust.chain import FETCH_ENDPOINT, configuration_url
from ..trust.federation_keys import find_key
from ..trust.statements import MAX_BYTES, MEDIA_TYPE, EntityStatement, HeldMark, check_statement, parse_statement
from ..trust.trust_marks import TYP as MARK_TYP
from ..trust.trust_marks import parse_trust_mark
from ..urls import with_query

EVERY: Final = 3_600  # seconds between two visits to one superior
SOON: Final = 300  # after one that brought nothing: it may not have let us in yet
MAX_MARKS: Final = 16  # of one superior
Fetcher = Callable[[Fetch], Awaitable[Fetched]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Superior:
    """``statement`` is empty before anything was heard; ``fault`` says what was wrong with the last visit."""

    entity: str
    name: str
    statement: str = field(repr=False)
    tried_at: int
    fault: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnMark:
    """A trust mark of this service."""

    issuer: str
    type: str
    expires_at: int
    token: str = field(repr=False)


async def marks(tx: Tx, at: int) -> list[OwnMark]:
    """Those that count at ``at``."""
    rows = await tx.fetch("SELECT * FROM own_mark WHERE expires_at > $1 ORDER BY type, issuer", at)
    return [OwnMark(issuer=row["issuer"], type=row["type"], expires_at=int(row["expires_at"]), token=row["token"]) for row in rows]


async def keep_marks(tx: Tx, issuer: str, found: Collection[OwnMark]) -> None:
    """All that this issuer gives us now, in the place of what it gave before."""
    await tx.execute("DELETE FROM own_mark WHERE issuer = $1", issuer)
    for each in found:
        await tx.execute(
            "INSERT INTO own_mark (issuer, type, expires_at, token) VALUES ($1, $2, $3, $4)",
            each.issuer,
            each.type,
            each.expires_at,
            each.token,
        )


async def everybody(tx: Tx) -> list[Superior]:
    rows = await tx.fetch("SELECT * FROM own_superior ORDER BY entity")
    return [
        Superior(entity=row["entity"], name=row["name"], statement=row["statement"], tried_at=int(row["tried_at"]), fault=row["fault"])
        for row in rows
    ]


async def note(tx: Tx, entity: str, *, name: str, statement: str, fault: str, at: int) -> None:
    """What a visit brought; one that brought nothing leaves what was heard before."""
    await tx.execute(
        "INSERT INTO own_superior (entity, statement, name, tried_at, fault) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT (entity) DO UPDATE SET tried_at = $4, fault = $5",
        entity,
        statement,
        name,
        at,
        fault,
    )
    if statement:
        await tx.execute("UPDATE own_superior SET statement = $2, name = $3 WHERE entity = $1", entity, statement, name)


async def held(storage: Storage, hints: Collection[str], at: int) -> list[HeldMark]:
    """The trust marks for what a service says of itself: those by whoever is above it now."""
    return [HeldMark(each.type, each.token) for each in await storage.read(lambda tx: marks(tx, at)) if each.issuer in hints]


async def due(storage: Storage, hints: Sequence[str], at: int) -> list[str]:
    """Whom of those above it is time to ask."""
    known = {each.entity: each for each in await storage.read(everybody)}
    return [each for each in hints if each not in known or known[each].tried_at + (SOON if known[each].fault else EVERY) <= at]


async def visit(storage: Storage, fetch: Fetcher, *, own: str, hints: Sequence[str], clock: Clock) -> None:
    """Everybody above ``own`` whose time has come, one after the other."""
    for entity in await due(storage, hints, clock()):
        await ask(storage, entity, fetch, own=own, clock=clock)


async def ask(storage: Storage, entity: str, fetch: Fetcher, *, own: str, clock: Clock) -> None:
    """The statement of ``entity`` about ``own``, by the keys that it says it has; what could not be had leaves what was heard before."""
    at, before = clock(), await storage.read(everybody)
    name, token, fault = "", "", ""
    try:
        superior = await read_configuration(entity, fetch)
        name = superior.name
        said = parse_statement(await _get(with_query(superior.endpoint(FETCH_ENDPOINT), {"sub": own}), fetch))
        if (said.iss, said.sub) != (entity, own):
            raise Untrusted("it answers with a statement by or about somebody else")
        check_statement(said, superior.keys, at=at)
        check_not_older(said, next((each.statement for each in before if each.entity == entity), ""))
        token, found = said.wire, await _marks_of(superior, own, fetch, at)
    except VcError as error:
        fault, found = error.detail, None

    async def unit(tx: Tx) -> None:
        await note(tx, entity, name=name, statement=token, fault=fault, at=at)
        if found is not None:
            await keep_marks(tx, entity, found)

    await storage.write(unit, point="federation-above")


def check_not_older(said: EntityStatement, before: str) -> None:
    """``Malformed`` where it was made before what was kept of the same last, or nothing yet (security rule S17)."""
    if before and said.iat < parse_statement(before).iat:
        raise Malformed("it says something older than before: is this another machine of it, or an old backup?")


async def read_configuration(entity: str, fetch: Fetcher) -> EntityStatement:
    """What ``entity`` says of itself at its own address; nothing is checked yet. ``Unavailable``, ``Untrusted``, as ``parse_statement``."""
    return parse_statement(await _get(configuration_url(entity), fetch))


async def _get(url: str, fetch: Fetcher) -> str:
    got = await fetch(Fetch(url=url, headers={"accept": MEDIA_TYPE}, max_bytes=MAX_BYTES))
    if got.status != 200:
        raise (Unavailable if got.status >= 500 else Untrusted)(f"it answered {got.status}")
    return got.body.decode("ascii", "replace")


async def _marks_of(superior: EntityStatement, own: str, fetch: Fetcher, at: int) -> list[OwnMark]:
    """The trust marks of us among the types that it says it issues. One that cannot be had or is not in order is left out."""
    found = []
    for kind in [kind for kind, issuers in superior.trust_mark_issuers.items() if superior.sub in issuers][:MAX_MARKS]:
        try:
            query = {"trust_mark_type": kind, "sub": own}
            mark = parse_trust_mark(await _get(with_query(superior.endpoint("federation_trust_mark_endpoint"), query), fetch))
            verify_jws(mark.jws, find_key(superior.keys, mark.jws.header["kid"]), typ=MARK_TYP)
        except VcError:
            continue
        if (mark.iss, mark.sub, mark.trust_mark_type) == (superior.sub, own, kind) and mark.exp > at:
            found.append(OwnMark(issuer=mark.iss, type=kind, expires_at=mark.exp, token=mark.jws.token))
    return found
