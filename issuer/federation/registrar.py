"""This office as a registrar of those who ask for documents (see ``admission``): with the code of its invitation an organisation applies, under
its own key; what two persons agreed to is announced to everybody, and in force for a year at most (domain sheet C23).

A change that a registered organisation applies for itself needs one person. Who lets this office register is above it: nobody counts what it
registers in countries for which no superior named it (security rule S14).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Final

from issuer.federation.admission import Admission, check_name, decision, waiting
from issuer.federation.enrol import check_spelling, check_superior
from issuer.federation.keys import name_of, own_names
from issuer.office import Office
from issuer.records import askers, subordinates
from issuer.records.askers import Asker, State
from issuer.records.roll import Event
from issuer.sessions import Actor
from shared.clock import DAY
from shared.codec import strict_json
from shared.errors import Conflict, Missing, Untrusted
from shared.jose.jwk import parse_public_jwk, render_jwk
from shared.keys import PublicKey, Role
from shared.storage import Tx
from shared.trust.application import Application, check_application, parse_application
from shared.trust.relying_party import check_country
from shared.trust.statements import parse_statement
from shared.web import above

MAX_ASKERS: Final = 1_000  # what one snapshot names has to stay within what its readers take
YEAR: Final = 365 * DAY  # then a registration has to be argued again
LAPSED: Final = "lapsed"
ASKERS: Final = Admission(askers.ROLL, "register", full="organisations are with one registrar")


async def countries(office: Office) -> tuple[str, ...]:
    """Where those above let this office register, by their word as it was last heard."""
    at, found = office.clock(), dict[str, None]()
    for each in await office.storage.read(above.everybody):
        if each.entity in office.settings.authority_hints and each.statement:
            said = parse_statement(each.statement)
            found |= dict.fromkeys(said.grants.may_register if at < said.exp else ())
    return tuple(found)


async def invite(office: Office, entity: str, name: str, country: str, actor: Actor) -> str:
    """A one-time code with which ``entity`` applies, also again with another key.

    ``Malformed`` for what is no identifier, name or country; ``Conflict`` when there are too many.
    """
    check_superior(office)
    event = decision(office, "invited", actor)
    check_spelling(entity)
    check_country(country, "/country")
    name = check_name(name)

    def invited(before: Asker | None) -> Asker:
        return _new(entity, name, country, actor, event.at) if before is None else _invited(before, country, actor)

    return await ASKERS.invite(office, entity, event, invited, most=MAX_ASKERS)


def _invited(before: Asker, country: str, actor: Actor) -> Asker:
    """The country of what is in force changes only with what a second person approves."""
    changed = replace(before, wanted=None, wanted_by=actor.name, counts_at=None)
    return replace(changed, wanted_country=country) if before.state is State.ACTIVE else replace(changed, country=country)


def _new(entity: str, name: str, country: str, actor: Actor, at: int) -> Asker:
    return Asker(
        entity=entity,
        country=country,
        state=State.INVITED,
        version=1,
        name=name,
        name_cy=name,
        jwk="",
        uses=(),
        wanted=None,
        wanted_by=actor.name,
        counts_at=None,
        shown_at=None,
        tried_at=None,
        said_at=0,
        ends_at=None,
        made_at=at,
        ended_at=None,
    )


# --- applying --------------------------------------------------------------------------------------------------------------------------


async def read_application(office: Office, token: str, code: str) -> Application:
    """What is applied for, by whom it may be: with a code that is good, or else by the key that is registered.

    ``Missing`` for the code; ``Untrusted`` for another's code, key or registrar; ``Conflict`` for one that is no newer than the last; errors as
    ``parse_application`` and ``check_application``.
    """
    check_superior(office)
    said = parse_application(token)
    check_application(said, office.settings.public_url, at=office.clock())
    await office.storage.read(lambda tx: _may_apply(tx, said, code, office.clock()))
    return said


async def _may_apply(tx: Tx, said: Application, code: str, at: int) -> Asker:
    found = await ASKERS.invited(tx, code, at) if code else await askers.find(tx, said.entity)
    if code and found is not None and found.entity != said.entity:
        raise Untrusted("this code is for another organisation", where="/iss")
    if found is None or not (code or (found.state is State.ACTIVE and found.jwk == _render(said.public))):
        raise Missing("whoever is not registered with this key applies with the code of an invitation")
    if said.issued_at <= found.said_at:
        raise Conflict("a newer application of this organisation is here already", where="/iat")
    return found


async def apply(office: Office, token: str, code: str, *, shown: bool) -> Asker:
    """The organisation with an application that waits. ``shown``: its own address shows the key.

    Errors as ``read_application``; ``Conflict`` for a key of somebody else.
    """
    said, at, own = await read_application(office, token, code), office.clock(), await own_names(office)

    async def unit(tx: Tx) -> Asker:
        before = await _may_apply(tx, said, code, at)
        await _check_key_apart(tx, said, own)
        await askers.ROLL.uninvite(tx, said.entity)
        changed = replace(
            before,
            wanted=token,
            wanted_by=before.wanted_by if code else said.entity,
            wanted_country=before.wanted_country if code else None,
            counts_at=None,
            shown_at=at if shown else None,
            said_at=said.issued_at,
        )
        event = Event(at=at, kind="applied", actor=Actor(role="service", name=said.entity))
        return await askers.ROLL.change(tx, changed, event, before=before)

    return await office.storage.write(unit, point="register-apply")


async def _check_key_apart(tx: Tx, said: Application, own: set[str]) -> None:
    """One key, one body (security rule S1), and what was reported never begins again (S15)."""
    name = name_of(said.public)
    if name in own:
        raise Conflict("this key is the registrar's own", where="/jwk")
    for each in await askers.keys(tx):
        if each.thumbprint == name and (each.entity != said.entity or each.compromised_at is not None):
            raise Conflict("this key is another organisation's, or was reported as compromised", where="/jwk")
    for known in await subordinates.keys(tx):
        if known.thumbprint == name and (known.entity != said.entity or known.role is not Role.RELYING_PARTY or known.ends_at is not None):
            raise Conflict("this key is another body's, has another use, or has ended", where="/jwk")


# --- deciding --------------------------------------------------------------------------------------------------------------------------


async def approve(office: Office, entity: str, actor: Actor, *, version: int, compared: bool = False) -> Asker:
    """What waits counts, once the days for objections are over; at once where there are none.

    ``Forbidden`` for whoever invited; ``Conflict`` where nothing waits, it was changed since, or a new key is neither shown at the
    organisation's own address nor ``compared`` with it.
    """
    check_superior(office)
    days = office.settings.objection_days
    event, own = decision(office, "announced" if days else "approved", actor), await own_names(office)

    async def approved(tx: Tx, before: Asker) -> Asker:
        said = parse_application(waiting(before, before.wanted, actor))
        if before.jwk != _render(said.public) and before.shown_at is None and not compared:
            raise Conflict("the organisation's own address does not show this key: compare its fingerprint first", where="/compared")
        await _check_key_apart(tx, said, own)
        return replace(before, counts_at=event.at + days * DAY) if days else await _begin(tx, before, said, event.at)

    return await ASKERS.decide(office, "approve", entity, event, approved, version=version)


async def _begin(tx: Tx, asker: Asker, said: Application, at: int) -> Asker:
    """What was applied for counts from now on."""
    await askers.note_key(tx, name_of(said.public), asker.entity, at=at)
    await askers.note_version(tx, asker.entity, said.uses, at=at)
    return replace(
        asker,
        state=State.ACTIVE,
        country=asker.next_country,
        wanted_country=None,
        name=said.name.en,
        name_cy=said.name.cy,
        jwk=_render(said.public),
        uses=said.uses,
        wanted=None,
        counts_at=None,
        ends_at=at + YEAR,
        ended_at=None,
    )


async def refuse(office: Office, entity: str, reason: str, actor: Actor, *, version: int) -> Asker:
    """What waits, or was announced, is dropped; what counts already stays."""
    event = decision(office, "refused", actor, reason)

    async def refused(_: Tx, before: Asker) -> Asker:
        if before.wanted is None:
            raise Conflict("nothing waits here")
        return replace(before, wanted=None, wanted_country=None, counts_at=None)

    return await ASKERS.decide(office, "refuse", entity, event, refused, version=version)


async def end(office: Office, entity: str, reason: str, actor: Actor, *, compromised: bool = False) -> Asker:
    """It is registered no longer; with ``compromised`` its keys can never be registered again."""
    return await _end(office, entity, decision(office, "compromised" if compromised else "ended", actor, reason))


async def _end(office: Office, entity: str, event: Event) -> Asker:
    async def ended(tx: Tx, before: Asker) -> Asker:
        if before.state is State.ENDED and event.kind != "compromised":
            raise Conflict("this organisation is registered no longer")
        await askers.ROLL.uninvite(tx, entity)
        if before.uses:
            await askers.note_version(tx, entity, (), at=event.at)
        if event.kind == "compromised":
            await askers.compromise_keys(tx, entity, at=event.at)
        changed = replace(before, state=State.ENDED, ended_at=before.ended_at or event.at)
        if event.kind == LAPSED and before.counts_at is not None:  # argued in time, and agreed: it counts on the day that was announced
            return changed
        return replace(changed, wanted=None, wanted_country=None, counts_at=None)

    return await ASKERS.decide(office, "end", entity, event, ended)


async def settle(office: Office) -> None:
    """By the clock: what was announced long enough counts; what was not argued again within its year ends."""
    at, own, clock = office.clock(), await own_names(office), Actor(role="service", name="timer")
    for each in await office.storage.read(askers.everybody):
        if each.wanted is not None and each.counts_at is not None and each.counts_at <= at:
            with suppress(Conflict):  # another process was faster, somebody changed it just now, or the key is another's meanwhile
                await _begin_announced(office, each, own, Event(at=at, kind="approved", actor=clock))
        elif each.state is State.ACTIVE and each.ends_at is not None and each.ends_at <= at:
            await _end(office, each.entity, Event(at=at, kind=LAPSED, actor=clock))


async def _begin_announced(office: Office, asker: Asker, own: set[str], event: Event) -> None:
    """One application whose day has come."""
    said = parse_application(asker.wanted or "")

    async def begun(tx: Tx, before: Asker) -> Asker:
        await _check_key_apart(tx, said, own)
        return await _begin(tx, before, said, event.at)

    await ASKERS.decide(office, "begin", asker.entity, event, begun, version=asker.version)


def _render(public: PublicKey) -> str:
    return strict_json.dumps(render_jwk(public)).decode()


def read_key(jwk: str) -> PublicKey:
    """The key of a row."""
    return parse_public_jwk(strict_json.load_object(jwk))
