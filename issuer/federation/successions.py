"""Who takes over from whom among the bodies below this office: looked at by two people, then published (domain sheet C24).

Both halves come signed, from a file or over the network: they prove who said it, and nothing counts before it is published. Where the outgoing
body or its key is gone, this office says it instead. To withdraw is the safe side, and one person does it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from issuer.approval import check_decides, read_reason
from issuer.federation.collect import Fetcher, read_configuration
from issuer.federation.enrol import check_superior
from issuer.federation.own import entity_of
from issuer.office import Office
from issuer.records import subordinates, successions, superior
from issuer.records.roll import Event
from issuer.records.successions import Handed
from issuer.sessions import Actor
from shared.errors import Conflict, Forbidden, Untrusted
from shared.keys import Role
from shared.storage import Tx
from shared.trust.artefact import SUCCESSOR, Artefact
from shared.trust.snapshot import COPY_LIFE, KeyHistory
from shared.trust.statements import check_statement
from shared.trust.succession import Succession, check_succession, parse_succession
from shared.web import handing
from shared.web.handing import Handing

MAX_SUCCESSIONS: Final = 500
FRESH: Final = COPY_LIFE  # seconds within which a new statement reaches its superior
OFFERED, LOOKED_AT, PUBLISHED, REFUSED, WITHDRAWN = (
    "succession-offered",
    "succession-looked-at",
    "succession-published",
    "succession-refused",
    "succession-withdrawn",
)


async def say_instead(office: Office, words: Handing, actor: Actor) -> str:
    """The statement of this office, of a body below it that is gone or whose key is. ``Missing`` for a body that is not below it."""
    check_superior(office)
    check_decides(actor)
    await office.storage.read(lambda tx: subordinates.get(tx, words.outgoing))
    return await handing.say(entity_of(office), words)


async def offer(office: Office, data: bytes, actor: Actor | None, fetch: Fetcher) -> Handed:
    """Both halves wait for two people from now on; ``actor`` is the first of them, where a person brings them.

    ``Missing`` where the outgoing body is not below this office; ``Conflict`` for what is old, known already or too much; errors as
    ``parse_succession`` and ``check_succession``, and of the visit to a successor that is not below this office.
    """
    check_superior(office)
    if actor is not None:
        check_decides(actor)
    found, at = parse_succession(data), office.clock()
    await _check(office, found, fetch)
    who = actor or Actor(role="service", name=found.outgoing)

    async def unit(tx: Tx) -> Handed:
        before = await successions.find(tx, found.outgoing, found.successor)
        if before is None and len(await successions.everything(tx)) >= MAX_SUCCESSIONS:
            raise Conflict(f"at most {MAX_SUCCESSIONS} successions are published by one superior")
        newest = max((each.iat for each in (before.published, before.waiting) if each is not None), default=0) if before else 0
        if found.iat <= newest:
            raise Conflict("a newer statement of this succession is known here, or this very one", where="/statement/iat")
        dropped = 0 if before is None or before.wanted else before.made_at
        if actor is None and found.iat <= dropped:  # whatever was published anybody can bring
            raise Conflict("this was sent back or withdrawn: it has to be signed anew", where="/statement/iat")
        changed = Handed(
            outgoing=found.outgoing,
            successor=found.successor,
            version=1 if before is None else before.version + 1,
            held=None if before is None else before.held,
            wanted=found.wire.decode(),
            wanted_by="" if actor is None else actor.name,
            made_at=at,
        )
        await successions.put(tx, changed, before=before)
        await subordinates.note(tx, found.outgoing, Event(at=at, kind=OFFERED, actor=who, reason=found.successor))
        return changed

    return await office.storage.write(unit, point="succession-offer")


async def approve(office: Office, outgoing: str, successor: str, actor: Actor, *, version: int, fetch: Fetcher) -> Handed:
    """The first person's look, or, by another, what is published from now on.

    ``Forbidden`` for who looked first; ``Conflict`` where nothing waits or it was changed since; errors as ``offer``, as keys may have ended.
    """
    check_decides(actor)
    at = office.clock()
    looked_at = await office.storage.read(lambda tx: _looked_at(tx, outgoing, successor, version))
    await _check(office, _waiting(looked_at), fetch)

    async def unit(tx: Tx) -> Handed:
        before = await _looked_at(tx, outgoing, successor, version)
        if before.wanted_by == actor.name:
            raise Forbidden("somebody else than the one who looked at it first decides this")
        first = not before.wanted_by
        changed = replace(before, version=before.version + 1, wanted_by=actor.name)
        if not first:
            changed = replace(changed, held=before.wanted, wanted=None, wanted_by="")
        await successions.put(tx, changed, before=before)
        kind = LOOKED_AT if first else PUBLISHED
        await subordinates.note(tx, outgoing, Event(at=at, kind=kind, actor=actor, reason=successor))
        return changed

    return await office.storage.write(unit, point="succession-approve")


async def refuse(office: Office, outgoing: str, successor: str, reason: str, actor: Actor, *, version: int) -> Handed:
    """What waits is dropped; what is published stays."""
    return await _drop(office, outgoing, successor, reason, actor, version=version, kind=REFUSED)


async def withdraw(office: Office, outgoing: str, successor: str, reason: str, actor: Actor, *, version: int) -> Handed:
    """Nothing of it is published any more, nor waits."""
    return await _drop(office, outgoing, successor, reason, actor, version=version, kind=WITHDRAWN)


async def _drop(office: Office, outgoing: str, successor: str, reason: str, actor: Actor, *, version: int, kind: str) -> Handed:
    check_decides(actor)
    event = Event(at=office.clock(), kind=kind, actor=actor, reason=f"{successor}: {read_reason(reason)}")

    async def unit(tx: Tx) -> Handed:
        before = await _looked_at(tx, outgoing, successor, version)
        if (before.wanted if kind == REFUSED else before.held) is None:
            raise Conflict("there is nothing of it to drop")
        held = before.held if kind == REFUSED else None
        changed = replace(before, version=before.version + 1, held=held, wanted=None, wanted_by="")
        await successions.put(tx, changed, before=before)
        await subordinates.note(tx, outgoing, event)
        return changed

    return await office.storage.write(unit, point="succession-drop")


async def _looked_at(tx: Tx, outgoing: str, successor: str, version: int) -> Handed:
    found = await successions.get(tx, outgoing, successor)
    if found.version != version:
        raise Conflict("this was changed since you looked: look again", where="/version")
    return found


def _waiting(handed: Handed) -> Succession:
    found = handed.waiting
    if found is None:
        raise Conflict("nothing waits for a second person here")
    return found


# --- whether it is right -------------------------------------------------------------------------------------------------------------------


async def _check(office: Office, succession: Succession, fetch: Fetcher) -> None:
    """Raise unless both bodies said it lately, with keys that are in force now as they were then."""
    at = office.clock()
    if succession.iat < at - FRESH:
        raise Conflict("this was said too long ago: it has to be signed anew", where="/statement/iat")
    known = await office.storage.read(lambda tx: _known(tx, succession.outgoing))
    if all(each.entity != succession.successor for each in known):
        known += await _at_its_address(succession.successor, fetch, at)
    found = {(each.entity, each.thumbprint): each for each in known if each.until is None}
    check_succession(succession, office.settings.public_url, lambda entity, name: found.get((entity, name)), at=at)


async def _known(tx: Tx, outgoing: str) -> list[KeyHistory]:
    """The federation keys of all bodies below and our own. ``Missing`` where the outgoing one is not below."""
    await subordinates.get(tx, outgoing)
    told = [*await subordinates.keys(tx), *(each.history for each in await superior.own_keys(tx))]
    return [each for each in told if each.role is Role.FEDERATION]


async def _at_its_address(entity: str, fetch: Fetcher, at: int) -> list[KeyHistory]:
    """The federation keys of a body that is not below this office, as its own address shows them now."""
    said = await read_configuration(entity, fetch)
    if said.sub != entity or not said.is_configuration:
        raise Untrusted("the successor's own address shows what somebody else says", where="/successor")
    check_statement(said, said.keys, at=at)
    return [KeyHistory.of(each.public, role=Role.FEDERATION, entity=entity, since=said.iat - FRESH) for each in said.keys]


# --- what is published ---------------------------------------------------------------------------------------------------------------------


async def published(tx: Tx) -> list[Artefact]:
    """All that is."""
    return [Artefact(media_type=SUCCESSOR, data=each.held.encode()) for each in await successions.everything(tx) if each.held]
