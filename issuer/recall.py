"""The worst day: what a key signed since some moment, calling those copies in, and reporting the key.

A document whose copies are called in stays in force. Its copies are cancelled, and wallets that may renew find others, by the key that signs
now, when they next look. Therefore another key has to sign first.

    found  = await look(office, kid, since=…)                   what the key signed
    recall = await begin(office, kid, since=…, confirm_count=…) settled, with who did it and why; nothing is cancelled yet
    await tend(office)                                          in batches, by the clock or a command; killed at any point it goes on
    told   = await report(office, kid, …)                       from now on nothing by that key is believed, whatever date it bears (S15)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from issuer import entered, init
from issuer.federation import publish as federation
from issuer.federation.own import entity_of
from issuer.office import Office, reference_mac
from issuer.records import documents, recalls, statuses
from issuer.records.recalls import Kind, Recall, Signed
from issuer.records.statuses import SignedBy
from issuer.replace import MAX_REASON
from issuer.revoke import pad
from issuer.sessions import Actor, Event, Standing
from shared.errors import ConfigError, Conflict, Malformed, Missing
from shared.keys import Role
from shared.storage import Tx
from shared.trust.snapshot import KeyHistory, KeyState
from shared.web import own_trust

BATCH: Final = 100  # documents in one unit of work
PAGE: Final = 20
MAX_TYPED: Final = 200  # characters of a reference or number that is searched for


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a key signed: ``kinds`` counts all of it, ``rows`` is one page of the ``total`` that was searched for.

    ``earlier`` documents have copies by it from before the moment that was asked for. ``is_told``: what became of the key was published.
    """

    key: KeyHistory
    is_told: bool
    earlier: int
    kinds: Sequence[Kind]
    rows: Sequence[Signed]
    total: int
    recalls: Sequence[Recall]

    @property
    def documents(self) -> int:
        return sum(each.documents for each in self.kinds)

    @property
    def copies(self) -> int:
        return sum(each.copies for each in self.kinds)

    @property
    def unkept(self) -> int:
        return sum(each.unkept for each in self.kinds)

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


async def keys(office: Office) -> list[KeyHistory]:
    """The keys of documents, the first one first."""
    return await office.storage.read(_keys)


async def look(office: Office, kid: str, *, since: int, search: str = "", page: int = 1) -> Found:
    """What the key ``kid`` (or of that thumbprint) signed from ``since`` on that can still be used. ``Missing`` for no such key.

    ``search`` is a reference of the office's own, or a document's number.
    """
    at, typed = office.clock(), search.strip()[:MAX_TYPED]
    reference = await reference_mac(office, typed) if typed else None
    number = typed.replace("-", "").replace(" ", "").upper()

    async def unit(tx: Tx) -> Found:
        key, by = await _chosen(tx, kid, since)
        rows, total = await recalls.page(tx, by, at, number=number, reference=reference, offset=(page - 1) * PAGE, limit=PAGE)
        said = await own_trust.last(tx)
        return Found(
            key=key,
            is_told=key.until is None or (said is not None and said.issued_at >= key.until),
            earlier=await recalls.earlier(tx, by, at) if since else 0,
            kinds=await recalls.kinds(tx, by, at),
            rows=rows,
            total=total,
            recalls=await recalls.of_key(tx, key.thumbprint),
        )

    return await office.storage.read(unit)


async def newest(office: Office, kid: str) -> Recall | None:
    """How far it has come that this key's copies are called in, if they were; ``Missing`` for no such key."""

    async def unit(tx: Tx) -> Recall | None:
        key, _ = await _chosen(tx, kid, 0)
        return next(iter(await recalls.of_key(tx, key.thumbprint)), None)

    return await office.storage.read(unit)


async def begin(office: Office, kid: str, *, since: int, reason: str, actor: Actor, confirm_count: int | None) -> Recall:
    """Settle that all of it is called in; ``tend`` does it. ``Missing``, ``Malformed`` without a reason, ``Conflict`` while the key signs,
    while the same is under way, where there is nothing, or unless ``confirm_count`` is exactly the number of documents.
    """
    if not 1 <= len(reason.strip()) <= MAX_REASON:
        raise Malformed(f"a reason has 1 to {MAX_REASON} characters", where="/reason")
    at, name = office.clock(), office.secret(12)

    async def unit(tx: Tx) -> Recall:
        key, by = await _chosen(tx, kid, since)
        if not key.state.is_over:
            raise Conflict("this key signs documents: let another one sign first (keys rotate), or report it as compromised", where="/key")
        if any(each.ended_at is None for each in await recalls.of_key(tx, key.thumbprint)):
            raise Conflict("what this key signed is being called in already", where="/key")
        count = sum(each.documents for each in await recalls.kinds(tx, by, at))
        if not count:
            raise Conflict("this key signed nothing from then on that could still be used", where="/since")
        if confirm_count != count:
            raise Conflict(f"this would call in {count:,} documents: confirm exactly that number", where="/confirm_count")
        new = Recall(
            id=name,
            signed_by=key.thumbprint,
            since=since,
            reason=reason.strip(),
            actor=actor,
            begun_at=at,
            documents=count,
            place="",
            done=0,
            copies=0,
            ended_at=None,
        )
        await recalls.insert(tx, new)
        await own_trust.note(tx, own_trust.Event(at=at, actor=actor.name, kind="recalled", subject=key.kid, reason=new.reason))
        return new

    return await office.storage.write(unit, point="recall-begin")


async def report(office: Office, kid: str, *, reason: str, actor: Actor) -> bool:
    """Say that a key of documents is in other hands: to everybody who hears this office, and in its federations. ``Missing``, ``Conflict`` if
    it was said. False where it is written down but not yet said, as the anchor's keys are elsewhere.
    """
    if not 1 <= len(reason.strip()) <= MAX_REASON:
        raise Malformed(f"a reason has 1 to {MAX_REASON} characters", where="/reason")
    key, _ = await office.storage.read(lambda tx: _chosen(tx, kid, 0))
    at = office.clock()
    await office.storage.write(
        lambda tx: own_trust.end_key(tx, key.thumbprint, KeyState.COMPROMISED, reason=reason.strip(), actor=actor.name, at=at),
        point="end-key",
    )
    ring = init.keyring_of(office)
    await ring.tend()  # another key, where none signs any more
    await ring.follow(office.signing)
    return await _tell(office, actor.name)


async def sign_with_another(office: Office, actor: Actor) -> None:
    """The next key signs at once, in this process too. ``ConfigError`` where the anchor's keys, which certify it, are elsewhere."""
    ring = init.keyring_of(office)
    await ring.rotate(now=True, actor=actor.name)
    await ring.follow(office.signing)
    await _tell(office, actor.name)


async def _tell(office: Office, actor: str) -> bool:
    """Say what is in force now, to everybody and in federations; false where the anchor's keys are elsewhere."""
    try:
        await init.anchored_of(office).publisher(office.storage).publish(actor=actor)
    except ConfigError:
        told = False
    else:
        told = True
    await entity_of(office).tend()
    await federation.tend(office)
    return told


async def tend(office: Office) -> None:
    """Do all that was settled and is not done. Where two processes do it at once, each takes the next batch."""
    while await step(office) is not None:
        pass


async def step(office: Office) -> Recall | None:
    """The next batch, of at most ``BATCH`` documents; ``None`` where nothing is under way."""
    at = office.clock()

    async def unit(tx: Tx) -> Recall | None:
        now = await recalls.under_way(tx)
        return None if now is None else await _batch(tx, office, now, at)

    if await office.storage.read(recalls.under_way) is None:
        return None
    return await office.storage.write(unit, point="recall")


async def _batch(tx: Tx, office: Office, recall: Recall, at: int) -> Recall:
    """It has ended once a whole pass finds nothing: a process that had not heard of the other key may have signed behind the first one."""
    _, by = await _chosen(tx, recall.signed_by, recall.since)
    found = await recalls.after(tx, by, at, place=recall.place, limit=BATCH)
    copies = await _cancel(tx, office, found, recall, by=by, at=at)
    now = replace(
        recall,
        place=found[-1] if found else "",
        done=recall.done + len(found),
        copies=recall.copies + copies,
        ended_at=at if not found and not recall.place else None,
    )
    await recalls.save(tx, now)
    return now


async def _cancel(tx: Tx, office: Office, found: Sequence[str], recall: Recall, *, by: SignedBy, at: int) -> int:
    """How many copies of these documents were cancelled, each list among decoys of its own (security rule S23)."""
    lists: Counter[tuple[int, Standing, bool]] = Counter()
    for number in found:
        standing = (await documents.get(tx, number)).standing
        gone = await statuses.supersede(tx, number, at, by=by)
        lists.update((place, Standing.ON_HOLD if lost else standing, lost) for place, lost in gone)
        await documents.note(tx, number, Event(at=at, kind="recalled", actor=recall.actor, reason=recall.reason, copies=len(gone)))
    for place, before, lost in sorted(lists):
        await pad(tx, office, place, before, Standing.CANCELLED, lost=lost)
    for place in sorted({place for place, _, _ in lists}):
        await statuses.touch(tx, place)
    if found:
        await entered.enter(tx, office, "recalled", actor=recall.actor, at=at, documents=len(found), copies=lists.total())
    return lists.total()


async def _keys(tx: Tx) -> list[KeyHistory]:
    known = await own_trust.own_keys(tx, Role.CREDENTIAL_ISSUER)
    return [each.history for each in sorted(known, key=lambda one: (one.history.since, len(one.name), one.name))]


async def _chosen(tx: Tx, kid: str, since: int) -> tuple[KeyHistory, SignedBy]:
    known = await _keys(tx)
    for each in known:
        if kid in {each.kid, each.thumbprint}:
            return each, SignedBy(thumbprint=each.thumbprint, is_first=each is known[0], since=since)
    raise Missing("there is no such key of documents here", where="/key")
