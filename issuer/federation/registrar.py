"""This office as a registrar of those who ask for documents: invited with a one-time code, applied for under the organisation's own key,
looked at by a second person, announced to everybody, in force for a year at most (domain sheet C23).

Who invites never approves. A change that a registered organisation applies for itself needs one person. Whoever decides names the version
that was looked at; to send back or to end is the safe side, and one person does it. Who lets this office register is above it: nobody counts
what it registers in countries for which no superior named it (security rule S14).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from issuer.approval import check_decides, read_reason
from issuer.federation.enrol import INVITATION_DAYS, MAX_NAME, check_spelling, check_superior
from issuer.federation.keys import name_of, own_names
from issuer.office import Office, digest
from issuer.records import askers, subordinates
from issuer.records.askers import Asker, State
from issuer.records.subordinates import Event
from issuer.sessions import Actor
from shared.clock import DAY
from shared.codec import strict_json
from shared.errors import Conflict, Forbidden, Malformed, Missing, Untrusted
from shared.jose.jwk import parse_public_jwk, render_jwk
from shared.keys import PublicKey, Role
from shared.storage import Tx
from shared.trust.application import Application, check_application, parse_application
from shared.trust.relying_party import check_country
from shared.trust.statements import parse_statement
from shared.web import above

MAX_ASKERS: Final = 1_000  # what one snapshot names has to stay within what its readers take
YEAR: Final = 365 * DAY  # then a registration has to be argued again
_CODE: Final = "register"


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
    check_decides(actor)
    check_spelling(entity)
    check_country(country, "/country")
    if not 1 <= len(name.strip()) <= MAX_NAME:
        raise Malformed(f"a name has 1 to {MAX_NAME} characters", where="/name")
    code, at = office.secret(16), office.clock()

    async def unit(tx: Tx) -> None:
        before = await askers.find(tx, entity)
        if before is None:
            if len(await askers.everybody(tx)) >= MAX_ASKERS:
                raise Conflict(f"at most {MAX_ASKERS} organisations are with one registrar: let another take some")
            await askers.add(tx, _new(entity, name.strip(), country, actor, at))
        else:
            changed = _invited(before, country, actor)
            await askers.put(tx, changed, before=before)
        await askers.invite(tx, entity, digest(_CODE, code), expires_at=at + INVITATION_DAYS * DAY)
        await askers.note(tx, entity, Event(at=at, kind="invited", actor=actor))

    await office.storage.write(unit, point="register-invite")
    return code


def _invited(before: Asker, country: str, actor: Actor) -> Asker:
    """The country of what is in force changes only with what a second person approves."""
    changed = replace(before, version=before.version + 1, wanted=None, wanted_by=actor.name, counts_at=None)
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
    found = await askers.invited(tx, digest(_CODE, code[:100]), at) if code else await askers.find(tx, said.entity)
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
        await askers.uninvite(tx, said.entity)
        changed = replace(
            before,
            version=before.version + 1,
            wanted=token,
            wanted_by=before.wanted_by if code else said.entity,
            wanted_country=before.wanted_country if code else None,
            counts_at=None,
            shown_at=at if shown else None,
            said_at=said.issued_at,
        )
        await askers.put(tx, changed, before=before)
        await askers.note(tx, said.entity, Event(at=at, kind="applied", actor=Actor(role="service", name=said.entity)))
        return changed

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
    check_decides(actor)
    at, days, own = office.clock(), office.settings.objection_days, await own_names(office)

    async def unit(tx: Tx) -> Asker:
        before = await _looked_at(tx, entity, version)
        if not before.waits or before.wanted is None:
            raise Conflict("nothing waits for a second person here")
        if before.wanted_by == actor.name:
            raise Forbidden("somebody else than the one who wrote it decides this")
        said = parse_application(before.wanted)
        if before.jwk != _render(said.public) and before.shown_at is None and not compared:
            raise Conflict("the organisation's own address does not show this key: compare its fingerprint first", where="/compared")
        await _check_key_apart(tx, said, own)
        changed = replace(before, version=before.version + 1, counts_at=at + days * DAY)
        if days == 0:
            changed = await _begin(tx, changed, said, at)
        await askers.put(tx, changed, before=before)
        await askers.note(tx, entity, Event(at=at, kind="announced" if days else "approved", actor=actor))
        return changed

    return await office.storage.write(unit, point="register-approve")


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
    check_decides(actor)
    event = Event(at=office.clock(), kind="refused", actor=actor, reason=read_reason(reason))

    async def unit(tx: Tx) -> Asker:
        before = await _looked_at(tx, entity, version)
        if before.wanted is None:
            raise Conflict("nothing waits here")
        changed = replace(before, version=before.version + 1, wanted=None, wanted_country=None, counts_at=None)
        await askers.put(tx, changed, before=before)
        await askers.note(tx, entity, event)
        return changed

    return await office.storage.write(unit, point="register-refuse")


async def end(office: Office, entity: str, reason: str, actor: Actor, *, compromised: bool = False) -> Asker:
    """It is registered no longer; with ``compromised`` its keys can never be registered again."""
    check_decides(actor)
    event = Event(at=office.clock(), kind="compromised" if compromised else "ended", actor=actor, reason=read_reason(reason))
    return await _end(office, entity, event)


async def _end(office: Office, entity: str, event: Event) -> Asker:
    async def unit(tx: Tx) -> Asker:
        before = await askers.get(tx, entity)
        if before.state is State.ENDED and event.kind != "compromised":
            raise Conflict("this organisation is registered no longer")
        changed = replace(
            before,
            state=State.ENDED,
            version=before.version + 1,
            wanted=None,
            wanted_country=None,
            counts_at=None,
            ended_at=before.ended_at or event.at,
        )
        await askers.put(tx, changed, before=before)
        await askers.uninvite(tx, entity)
        if before.uses:
            await askers.note_version(tx, entity, (), at=event.at)
        if event.kind == "compromised":
            await askers.compromise_keys(tx, entity, at=event.at)
        await askers.note(tx, entity, event)
        return changed

    return await office.storage.write(unit, point="register-end")


async def settle(office: Office) -> None:
    """By the clock: what was announced long enough counts; what was not argued again within its year ends."""
    at, own, clock = office.clock(), await own_names(office), Actor(role="service", name="timer")
    for each in await office.storage.read(askers.everybody):
        if each.wanted is not None and each.counts_at is not None and each.counts_at <= at:
            begun = _Begun(each, parse_application(each.wanted), own, at, clock)
            with suppress(Conflict):  # another process was faster, somebody changed it just now, or the key is another's meanwhile
                await office.storage.write(begun.note, point="register-begin")
        elif each.state is State.ACTIVE and each.ends_at is not None and each.ends_at <= at:
            await _end(office, each.entity, Event(at=at, kind="lapsed", actor=clock))


@dataclass(frozen=True, slots=True)
class _Begun:
    """One announced application whose day has come."""

    asker: Asker
    said: Application
    own: set[str]
    at: int
    clock: Actor

    async def note(self, tx: Tx) -> None:
        await _check_key_apart(tx, self.said, self.own)
        changed = await _begin(tx, replace(self.asker, version=self.asker.version + 1), self.said, self.at)
        await askers.put(tx, changed, before=self.asker)
        await askers.note(tx, self.asker.entity, Event(at=self.at, kind="approved", actor=self.clock))


async def _looked_at(tx: Tx, entity: str, version: int) -> Asker:
    found = await askers.get(tx, entity)
    if found.version != version:
        raise Conflict("this was changed since you looked: look again", where="/version")
    return found


def _render(public: PublicKey) -> str:
    return strict_json.dumps(render_jwk(public)).decode()


def read_key(jwk: str) -> PublicKey:
    """The key of a row."""
    return parse_public_jwk(strict_json.load_object(jwk))
