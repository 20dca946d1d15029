"""How a body comes below this office: invited with a one-time code, joined by what it says of itself under its own key, looked at by two people.

Who invites or proposes never approves (as ``issuer.approval``). Whoever decides names the version that was looked at. To end is the safe
side, and one person does it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from issuer.approval import check_decides, read_reason
from issuer.federation import keys
from issuer.federation.keys import read_keys, render_keys
from issuer.federation.terms import Terms, parse_terms, render_terms
from issuer.office import Office, digest
from issuer.records import subordinates
from issuer.records.subordinates import Event, State, Subordinate
from issuer.sessions import Actor
from shared.clock import DAY
from shared.errors import Conflict, Forbidden, Malformed, Untrusted
from shared.storage import Tx
from shared.trust.key_proofs import proven_federation_keys
from shared.trust.statements import EntityStatement, check_statement, parse_statement
from shared.urls import LOOPBACK, check_identifier
from shared.web.settings import origin_of

INVITATION_DAYS: Final = 14
MAX_BODIES: Final = 500  # what one snapshot names has to stay within what its readers take
MAX_NAME: Final = 120
_JOINED: Final = "joined"


def check_superior(office: Office) -> None:
    """``Forbidden`` where this office is nobody's superior."""
    if not office.settings.superior:
        raise Forbidden("this office is no superior in any federation: switch the setting `superior` on")


def check_spelling(entity: str) -> None:
    """``Malformed`` for what is no identifier, or is one in a form in which no service calls itself: nobody could use the code."""
    check_identifier(entity, where="/entity", plain_http=LOOPBACK)
    if entity.endswith("/") or entity != origin_of(entity) + urlsplit(entity).path:
        raise Malformed("write it in small letters, without a usual port and without a final slash", where="/entity")


def check_invited(office: Office, entity: str) -> None:
    """``Malformed`` for what is no identifier, ``Conflict`` for ourselves."""
    check_spelling(entity)
    if entity == office.settings.public_url:
        raise Conflict("nobody is below itself", where="/entity")


async def invite(office: Office, entity: str, name: str, terms: Terms, actor: Actor) -> str:
    """A one-time code with which ``entity`` joins, also again with other keys; what it is to be granted waits for a second person.

    ``Malformed`` for what is no identifier or name; ``Conflict`` for ourselves, and when there are too many.
    """
    check_decides(actor)
    check_invited(office, entity)
    if not 1 <= len(name.strip()) <= MAX_NAME:
        raise Malformed(f"a name has 1 to {MAX_NAME} characters", where="/name")
    code, at = office.secret(16), office.clock()

    async def unit(tx: Tx) -> None:
        before = await subordinates.find(tx, entity)
        if before is None:
            if len(await subordinates.everybody(tx)) >= MAX_BODIES:
                raise Conflict(f"at most {MAX_BODIES} bodies are below one superior: let another take some")
            await subordinates.add(tx, _new(entity, name.strip(), terms, actor, at))
        else:
            named = before if before.state is State.ACTIVE else replace(before, name=name.strip())
            await subordinates.put(tx, _wanted(named, terms, actor, at), before=before)
        await subordinates.invite(tx, entity, digest("federation", code), expires_at=at + INVITATION_DAYS * DAY)
        await subordinates.note(tx, entity, Event(at=at, kind="invited", actor=actor))

    await office.storage.write(unit, point="federation-invite")
    return code


def _new(entity: str, name: str, terms: Terms, actor: Actor, at: int) -> Subordinate:
    return Subordinate(
        entity=entity,
        name=name,
        state=State.INVITED,
        version=1,
        terms=render_terms(Terms()),
        keys="",
        wanted_terms=render_terms(terms),
        wanted_keys=None,
        wanted_by=actor.name,
        configuration="",
        published_at=None,
        tried_at=None,
        fault="",
        made_at=at,
        ended_at=None,
    )


def _wanted(before: Subordinate, terms: Terms, actor: Actor, at: int) -> Subordinate:
    """With other terms that wait; ``Malformed`` if they could not be granted beside what stays of those before."""
    parse_terms(render_terms(terms.replacing(parse_terms(before.terms), at)))
    return replace(before, version=before.version + 1, wanted_terms=render_terms(terms), wanted_by=actor.name)


async def invited(office: Office, code: str) -> Subordinate:
    """Whom a code invites; ``Missing`` for one that is unknown, used or over."""
    found = digest("federation", code[:100])
    return await office.storage.read(lambda tx: subordinates.invited(tx, found, office.clock()))


async def join(office: Office, code: str, token: str, *, published: bool) -> Subordinate:
    """The invited body with the keys that its configuration proves, from now on waiting for a second person.

    ``published``: the configuration comes from the body's own address. ``Missing`` for the code; ``Untrusted`` where the configuration is
    another's or does not name this office; ``Conflict`` for keys that somebody else has; errors as ``parse_statement`` and
    ``check_statement``.
    """
    check_superior(office)
    said, secret, at = parse_statement(token), digest("federation", code[:100]), office.clock()
    own = await keys.own_names(office)

    async def unit(tx: Tx) -> Subordinate:
        before = await subordinates.invited(tx, secret, at)
        check_configuration(office, before.entity, said, at)
        proven = proven_federation_keys(said, at=at)
        await keys.check_apart(tx, before.entity, proven, own)
        await subordinates.use_code(tx, secret)
        changed = replace(
            before,
            state=before.state if before.keys and before.state is State.ACTIVE else State.WAITING,
            version=before.version + 1,
            wanted_keys=render_keys(proven),
            wanted_terms=before.wanted_terms or before.terms,
            configuration=before.configuration or said.wire,
            published_at=at if published else None,
        )
        await subordinates.put(tx, changed, before=before)
        await subordinates.note(tx, before.entity, Event(at=at, kind=_JOINED, actor=Actor(role="service", name=before.entity)))
        return changed

    return await office.storage.write(unit, point="federation-join")


def check_configuration(office: Office, entity: str, said: EntityStatement, at: int) -> None:
    """Raise unless ``entity`` said it of itself, by a key that is in it, and names this office as its superior."""
    if said.sub != entity or not said.is_configuration:
        raise Untrusted("this is not what the invited body says of itself", where="/sub")
    if office.settings.public_url not in said.authority_hints:
        raise Untrusted("the body does not name this office as its superior", where="/authority_hints")
    check_statement(said, said.keys, at=at)


async def propose(office: Office, entity: str, terms: Terms, actor: Actor, *, version: int) -> Subordinate:
    """What it is to be granted from now on, instead of what it is granted: waits for a second person."""
    check_decides(actor)
    at = office.clock()

    async def unit(tx: Tx) -> Subordinate:
        before = await _looked_at(tx, entity, version)
        if before.state is State.ENDED:
            raise Conflict("this body has ended here: invite it again")
        changed = _wanted(before, terms, actor, at)
        await subordinates.put(tx, changed, before=before)
        await subordinates.note(tx, entity, Event(at=at, kind="proposed", actor=actor))
        return changed

    return await office.storage.write(unit, point="federation-propose")


async def approve(office: Office, entity: str, actor: Actor, *, version: int, compared: bool = False) -> Subordinate:
    """What waits counts from now on. ``compared``: the person has compared the fingerprints of new keys with the body itself.

    ``Forbidden`` for whoever wrote it; ``Conflict`` where nothing waits, it was changed since, or new keys are neither published at the
    body's own address nor compared.
    """
    check_decides(actor)
    at = office.clock()

    async def unit(tx: Tx) -> Subordinate:
        before = await _looked_at(tx, entity, version)
        if not before.waits or before.wanted_terms is None:
            raise Conflict("nothing waits for a second person here")
        if before.wanted_by == actor.name:
            raise Forbidden("somebody else than the one who wrote it decides this")
        if before.wanted_keys is not None and before.published_at is None and not compared:
            raise Conflict("the body's own address does not show these keys: compare their fingerprints with it first", where="/compared")
        counting = before.wanted_keys or before.keys
        proposed_at = await subordinates.proposed_at(tx, entity)
        terms = parse_terms(before.wanted_terms).replacing(parse_terms(before.terms), at, proposed_at=proposed_at)
        changed = replace(
            before,
            state=State.ACTIVE,
            version=before.version + 1,
            terms=render_terms(parse_terms(render_terms(terms))),
            keys=counting,
            wanted_terms=None,
            wanted_keys=None,
            ended_at=None,
        )
        await subordinates.put(tx, changed, before=before)
        await keys.approved(tx, entity, read_keys(counting), at=at)
        await subordinates.note(tx, entity, Event(at=at, kind="approved", actor=actor))
        return changed

    return await office.storage.write(unit, point="federation-approve")


async def refuse(office: Office, entity: str, reason: str, actor: Actor, *, version: int) -> Subordinate:
    """What waits is dropped; a body that was never approved has to be invited again."""
    check_decides(actor)
    event = Event(at=office.clock(), kind="refused", actor=actor, reason=read_reason(reason))

    async def unit(tx: Tx) -> Subordinate:
        before = await _looked_at(tx, entity, version)
        if before.wanted_terms is None:
            raise Conflict("nothing waits for a second person here")
        state, ended = (State.ACTIVE, None) if before.state is State.ACTIVE else (State.ENDED, before.ended_at or event.at)
        changed = replace(before, state=state, version=before.version + 1, wanted_terms=None, wanted_keys=None, ended_at=ended)
        await subordinates.put(tx, changed, before=before)
        await subordinates.uninvite(tx, entity)
        await subordinates.note(tx, entity, event)
        return changed

    return await office.storage.write(unit, point="federation-refuse")


async def end(office: Office, entity: str, reason: str, actor: Actor, *, compromised: bool = False) -> Subordinate:
    """It is granted nothing from now on; what it said before stands, unless its keys were reported as ``compromised`` (S15)."""
    check_decides(actor)
    event = Event(at=office.clock(), kind="compromised" if compromised else "ended", actor=actor, reason=read_reason(reason))

    async def unit(tx: Tx) -> Subordinate:
        before = await subordinates.get(tx, entity)
        if before.state is State.ENDED and not compromised:
            raise Conflict("this body has ended here already")
        changed = replace(
            before,
            state=State.ENDED,
            version=before.version + 1,
            terms=render_terms(Terms() if compromised else parse_terms(before.terms).ended(event.at)),
            keys="" if compromised else before.keys,
            wanted_terms=None,
            wanted_keys=None,
            ended_at=before.ended_at or event.at,
        )
        await subordinates.put(tx, changed, before=before)
        await subordinates.uninvite(tx, entity)
        if compromised:
            await subordinates.compromise_keys(tx, entity, at=event.at)
        await subordinates.note(tx, entity, event)
        return changed

    return await office.storage.write(unit, point="federation-end")


async def _looked_at(tx: Tx, entity: str, version: int) -> Subordinate:
    found = await subordinates.get(tx, entity)
    if found.version != version:
        raise Conflict("this body was changed since you looked: look again", where="/version")
    return found
