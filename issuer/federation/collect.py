"""Visits by the clock: what those below say of themselves, for what is published of them, and what those above say of us, for our own page.

Never because somebody asked (security rule S21). What could not be had leaves what was known before, and the fault is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from typing import Final

from issuer.federation import keys
from issuer.federation.enrol import check_configuration
from issuer.federation.terms import MAX_MARKS
from issuer.office import Office
from issuer.records import above, subordinates
from issuer.records.subordinates import State, Subordinate
from shared.errors import Unavailable, Untrusted, VcError
from shared.flow import Fetch, Fetched
from shared.jose.jws import verify_jws
from shared.storage import Tx
from shared.trust.chain import FETCH_ENDPOINT, configuration_url
from shared.trust.federation_keys import find_key
from shared.trust.statements import MAX_BYTES, MEDIA_TYPE, EntityStatement, check_statement, parse_statement
from shared.trust.trust_marks import TYP as MARK_TYP
from shared.trust.trust_marks import parse_trust_mark
from shared.urls import with_query

EVERY: Final = 3_600  # seconds between two visits to one body
SOON: Final = 120  # while somebody waits for a second person, who wants to know what its address shows
AT_ONCE: Final = 8
Fetcher = Callable[[Fetch], Awaitable[Fetched]]


async def visit(office: Office, fetch: Fetcher) -> None:
    """Everybody whose time has come."""
    turn, at = asyncio.Semaphore(AT_ONCE), office.clock()

    async def one(work: Awaitable[None]) -> None:
        async with turn:
            await work

    below = await office.storage.read(subordinates.everybody) if office.settings.superior else []
    known = {each.entity: each for each in await office.storage.read(above.everybody)}
    due = [each for each in office.settings.authority_hints if each not in known or known[each].tried_at + EVERY <= at]
    await asyncio.gather(
        *(one(_visit_below(office, each, fetch)) for each in below if _is_due(each, at)),
        *(one(_visit_above(office, each, fetch)) for each in due),
    )


def _is_due(each: Subordinate, at: int) -> bool:
    waits = each.wanted_keys is not None
    return (waits or each.state is State.ACTIVE) and (each.tried_at is None or each.tried_at + (SOON if waits else EVERY) <= at)


async def read_configuration(entity: str, fetch: Fetcher) -> EntityStatement:
    """What ``entity`` says of itself at its own address; nothing is checked yet. ``Unavailable``, ``Untrusted``, as ``parse_statement``."""
    return parse_statement(await _get(configuration_url(entity), fetch))


async def _get(url: str, fetch: Fetcher) -> str:
    got = await fetch(Fetch(url=url, headers={"accept": MEDIA_TYPE}, max_bytes=MAX_BYTES))
    if got.status != 200:
        raise (Unavailable if got.status >= 500 else Untrusted)(f"it answered {got.status}")
    return got.body.decode("ascii", "replace")


# --- below -----------------------------------------------------------------------------------------------------------------------------


async def _visit_below(office: Office, each: Subordinate, fetch: Fetcher) -> None:
    at, said, own = office.clock(), None, await keys.own_names(office)
    try:
        said = await read_configuration(each.entity, fetch)
        check_configuration(office, each.entity, said, at)
    except VcError as error:
        said, fault = None, error.detail
    else:
        fault = ""
    await office.storage.write(lambda tx: _note(tx, each.entity, said, own, fault=fault, at=at), point="federation-heard")


async def _note(tx: Tx, entity: str, said: EntityStatement | None, own: AbstractSet[str], *, fault: str, at: int) -> None:
    """The row as it is now decides: it may have been changed during the visit."""
    now, token = await subordinates.get(tx, entity), None
    if said is not None and now.keys:
        try:
            check_statement(said, keys.read_keys(now.keys), at=at)
            now = await keys.heard(tx, now, said, own, at=at)
            token = said.wire
        except VcError as error:
            fault = error.detail
    shown = said is not None and keys.names_of(keys.read_keys(now.wanted_keys or now.keys)) <= keys.names_of(said.keys)
    if shown and said is not None and not now.keys:
        token = said.wire
    await subordinates.heard(tx, entity, configuration=token, published=shown, fault=fault, at=at)


# --- above -----------------------------------------------------------------------------------------------------------------------------


async def _visit_above(office: Office, entity: str, fetch: Fetcher) -> None:
    """The statement of ``entity`` about us, by the keys that it says it has: for our own page, and for nobody's trust."""
    at, own = office.clock(), office.settings.public_url
    name, token, fault = "", "", ""
    try:
        superior = await read_configuration(entity, fetch)
        name = superior.name
        said = parse_statement(await _get(with_query(superior.endpoint(FETCH_ENDPOINT), {"sub": own}), fetch))
        if (said.iss, said.sub) != (entity, own):
            raise Untrusted("it answers with a statement by or about somebody else")
        check_statement(said, superior.keys, at=at)
        token, marks = said.wire, await _marks_of(superior, own, fetch, at)
    except VcError as error:
        fault, marks = error.detail, None

    async def unit(tx: Tx) -> None:
        await above.note(tx, entity, name=name, statement=token, fault=fault, at=at)
        if marks is not None:
            await above.keep_marks(tx, entity, marks)

    await office.storage.write(unit, point="federation-above")


async def _marks_of(superior: EntityStatement, own: str, fetch: Fetcher, at: int) -> list[above.OwnMark]:
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
            found.append(above.OwnMark(issuer=mark.iss, type=kind, expires_at=mark.exp, token=mark.jws.token))
    return found
