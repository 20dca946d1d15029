"""How a body comes below this office (see ``admission``): with the code of its invitation it joins by what it says of itself, under its own key."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from issuer.federation import keys
from issuer.federation.admission import NOTHING_WAITS, Admission, check_name, decision, waiting
from issuer.federation.keys import read_keys, render_keys
from issuer.federation.terms import Terms, parse_terms, render_terms
from issuer.office import Office
from issuer.records import subordinates
from issuer.records.roll import Event
from issuer.records.subordinates import State, Subordinate
from issuer.sessions import Actor
from shared.errors import Conflict, Forbidden, Malformed, Untrusted
from shared.storage import Tx
from shared.trust.key_proofs import proven_federation_keys
from shared.trust.statements import EntityStatement, check_statement, parse_statement
from shared.urls import LOOPBACK, check_identifier
from shared.web.settings import origin_of

MAX_BODIES: Final = 500  # what one snapshot names has to stay within what its readers take
BODIES: Final = Admission(subordinates.ROLL, "federation", full="bodies are below one superior")


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
    event = decision(office, "invited", actor)
    check_invited(office, entity)
    name = check_name(name)

    def invited(before: Subordinate | None) -> Subordinate:
        if before is None:
            return _new(entity, name, terms, actor, event.at)
        return _wanted(before if before.state is State.ACTIVE else replace(before, name=name), terms, actor, event.at)

    return await BODIES.invite(office, entity, event, invited, most=MAX_BODIES)


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
    return replace(before, wanted_terms=render_terms(terms), wanted_by=actor.name)


async def invited(office: Office, code: str) -> Subordinate:
    """Whom a code invites; ``Missing`` for one that is unknown, used or over."""
    return await office.storage.read(lambda tx: BODIES.invited(tx, code, office.clock()))


async def join(office: Office, code: str, token: str, *, published: bool) -> Subordinate:
    """The invited body with the keys that its configuration proves, from now on waiting for a second person.

    ``published``: the configuration comes from the body's own address. ``Missing`` for the code; ``Untrusted`` where the configuration is
    another's or does not name this office; ``Conflict`` for keys that somebody else has; errors as ``parse_statement`` and
    ``check_statement``.
    """
    check_superior(office)
    said, at, own = parse_statement(token), office.clock(), await keys.own_names(office)

    async def unit(tx: Tx) -> Subordinate:
        before = await BODIES.invited(tx, code, at)
        check_configuration(office, before.entity, said, at)
        proven = proven_federation_keys(said, at=at)
        await keys.check_apart(tx, before.entity, proven, own)
        await subordinates.ROLL.uninvite(tx, before.entity)
        changed = replace(
            before,
            state=before.state if before.keys and before.state is State.ACTIVE else State.WAITING,
            wanted_keys=render_keys(proven),
            wanted_terms=before.wanted_terms or before.terms,
            configuration=before.configuration or said.wire,
            published_at=at if published else None,
        )
        event = Event(at=at, kind="joined", actor=Actor(role="service", name=before.entity))
        return await subordinates.ROLL.change(tx, changed, event, before=before)

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
    event = decision(office, "proposed", actor)

    async def proposed(_: Tx, before: Subordinate) -> Subordinate:
        if before.state is State.ENDED:
            raise Conflict("this body has ended here: invite it again")
        return _wanted(before, terms, actor, event.at)

    return await BODIES.decide(office, "propose", entity, event, proposed, version=version)


async def approve(office: Office, entity: str, actor: Actor, *, version: int, compared: bool = False) -> Subordinate:
    """What waits counts from now on. ``compared``: the person has compared the fingerprints of new keys with the body itself.

    ``Forbidden`` for whoever wrote it; ``Conflict`` where nothing waits, it was changed since, or new keys are neither published at the
    body's own address nor compared.
    """
    event = decision(office, "approved", actor)

    async def approved(tx: Tx, before: Subordinate) -> Subordinate:
        wanted = parse_terms(waiting(before, before.wanted_terms, actor))
        if before.wanted_keys is not None and before.published_at is None and not compared:
            raise Conflict("the body's own address does not show these keys: compare their fingerprints with it first", where="/compared")
        counting = before.wanted_keys or before.keys
        await keys.approved(tx, entity, read_keys(counting), at=event.at)
        proposed_at = await subordinates.proposed_at(tx, entity)
        terms = wanted.replacing(parse_terms(before.terms), event.at, proposed_at=proposed_at)
        return replace(
            before,
            state=State.ACTIVE,
            terms=render_terms(parse_terms(render_terms(terms))),
            keys=counting,
            wanted_terms=None,
            wanted_keys=None,
            ended_at=None,
        )

    return await BODIES.decide(office, "approve", entity, event, approved, version=version)


async def refuse(office: Office, entity: str, reason: str, actor: Actor, *, version: int) -> Subordinate:
    """What waits is dropped; a body that was never approved has to be invited again."""
    event = decision(office, "refused", actor, reason)

    async def refused(tx: Tx, before: Subordinate) -> Subordinate:
        if before.wanted_terms is None:
            raise Conflict(NOTHING_WAITS)
        await subordinates.ROLL.uninvite(tx, entity)
        state, ended = (State.ACTIVE, None) if before.state is State.ACTIVE else (State.ENDED, before.ended_at or event.at)
        return replace(before, state=state, wanted_terms=None, wanted_keys=None, ended_at=ended)

    return await BODIES.decide(office, "refuse", entity, event, refused, version=version)


async def end(office: Office, entity: str, reason: str, actor: Actor, *, compromised: bool = False) -> Subordinate:
    """It is granted nothing from now on; what it said before stands, unless its keys were reported as ``compromised`` (S15)."""
    event = decision(office, "compromised" if compromised else "ended", actor, reason)

    async def ended(tx: Tx, before: Subordinate) -> Subordinate:
        if before.state is State.ENDED and not compromised:
            raise Conflict("this body has ended here already")
        await subordinates.ROLL.uninvite(tx, entity)
        if compromised:
            await subordinates.compromise_keys(tx, entity, at=event.at)
        return replace(
            before,
            state=State.ENDED,
            terms=render_terms(Terms() if compromised else parse_terms(before.terms).ended(event.at)),
            keys="" if compromised else before.keys,
            wanted_terms=None,
            wanted_keys=None,
            ended_at=before.ended_at or event.at,
        )

    return await BODIES.decide(office, "end", entity, event, ended)
