"""Cancel, put on hold, reinstate: one document, or many by their references with a preview and a brake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from issuer import entered
from issuer.corrections import end_all
from issuer.offers import MAX_REFERENCE
from issuer.office import Office, draw_indices, reference_mac
from issuer.records import documents, donors, invitations, listing, named, news, statuses
from issuer.sessions import PAST, Action, Actor, Document, Event, Standing, can_change, change, ending
from shared.errors import Conflict, Malformed
from shared.storage import Tx

MAX_MANY = 10_000
DECOYS = 64
_BECAME = {Standing.IN_FORCE: "valid", Standing.ON_HOLD: "on-hold", Standing.CANCELLED: "cancelled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    action: Action
    reason: str
    actor: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """What a change by a list of references does or would do. ``unknown`` are positions in the list."""

    documents: int
    unchanged: int
    unknown: tuple[int, ...]
    done: bool


async def change_one(office: Office, number: str, wish: Wish) -> Document:
    """The document after the change. ``Missing``, ``Malformed`` for a reason that is none, ``Conflict`` where there is no way."""
    at = office.clock()

    async def unit(tx: Tx) -> Document:
        document = await documents.get(tx, number)
        _check_reason(office, document, wish)
        change(document.standing, wish.action, wish.reason, await documents.held(tx, document))
        if not await began_alike(tx, office, document, wish.action, wish.reason):
            raise Conflict("this document is on hold for another reason, which has to end by itself")
        await apply(tx, office, [document], wish, at)
        return await documents.get(tx, number)

    return await office.storage.write(unit, point="change")


async def change_many(
    office: Office, references: Sequence[str], wish: Wish, *, preview: bool, confirm_count: int | None, only: str = "", one: str = ""
) -> Many:
    """All documents made under ``references`` whose standing allows it. Nothing changes in a preview, or unless ``confirm_count``
    is exactly the number of documents that would change (``Conflict``). ``only``: those of that kind; ``one``: the document of that number, which
    has to be among them (``Malformed``).
    """
    if not 1 <= len(references) <= MAX_MANY:
        raise Malformed(f"1 to {MAX_MANY} references are taken at once", where="/references")
    if any(len(reference) > MAX_REFERENCE for reference in references):
        raise Malformed(f"a reference has 1 to {MAX_REFERENCE} characters", where="/references")
    macs = [await reference_mac(office, reference) for reference in references]
    at = office.clock()

    async def unit(tx: Tx) -> Many:
        found = [await listing.by_reference(tx, mac) for mac in macs]
        listed = {each.document.id: each.document for under in found for each in under if only in {"", each.document.type}}
        if one:
            if one not in listed:
                raise Malformed("no such document was made under this reference", where="/document")
            listed = {one: listed[one]}
        chosen = [document for document in listed.values() if await able(tx, document, wish.action, wish.reason)]
        for document in chosen:
            _check_reason(office, document, wish)
        if not preview:
            _brake(len(chosen), confirm_count, wish)
            await apply(tx, office, chosen, wish, at)
        return Many(
            documents=len(chosen),
            unchanged=len(listed) - len(chosen),
            unknown=tuple(place for place, under in enumerate(found) if not under),
            done=not preview,
        )

    return await (office.storage.read(unit) if preview else office.storage.write(unit, point="change-many"))


def _brake(count: int, confirmed: int | None, wish: Wish) -> None:
    if confirmed != count:
        words = {Action.CANCEL: "cancel", Action.HOLD: "put on hold", Action.REINSTATE: "reinstate"}[wish.action]
        raise Conflict(f"this would {words} {count:,} documents: confirm exactly that number", where="/confirm_count")


def _check_reason(office: Office, document: Document, wish: Wish) -> None:
    known = [reason.value for reason in office.type(document.type).reasons_for(wish.action.value)]
    if wish.reason not in known:
        raise Malformed(f"the reason is one of: {', '.join(known)}", where="/reason")


async def able(tx: Tx, document: Document, action: Action, reason: str) -> bool:
    """Whether there is a way for that, as the document stands and for the reasons for which it is on hold."""
    return can_change(document.standing, action, reason, await documents.held(tx, document))


async def began_alike(tx: Tx, office: Office, document: Document, action: Action, reason: str) -> bool:
    """False where a hold would end because of another document though it did not begin because of one (``CredentialType.follows``), or would
    begin because of one a second time, whatever became of that one since.
    """
    follows = office.type(document.type).follows
    if action is Action.CANCEL or reason not in {each.reason for each in follows if each.action == action.value}:
        return True
    because = {each.reason for each in follows if each.action == Action.HOLD.value}
    if action is Action.HOLD:
        return because.isdisjoint(await documents.held(tx, document))
    hold = await hold_before(tx, document, reason)
    return hold is not None and hold.reason in because


async def hold_before(tx: Tx, document: Document, reason: str) -> Event | None:
    """The hold that would end for that ``reason``, if it is on hold."""
    held = await documents.holds_of(tx, document)
    return held[ending(held, reason)] if held else None


async def apply(tx: Tx, office: Office, changed: Sequence[Document], wish: Wish, at: int) -> None:
    """Change all of ``changed``, whose reasons were checked, in the caller's unit of work. ``Conflict`` where there is no way.

    What donors hold about them goes along.
    """
    beside = [await documents.get(tx, number) for number in await donors.beside(tx, [each.id for each in changed])]
    changed = [*changed, *[each for each in beside if await able(tx, each, wish.action, wish.reason)]]
    lists: Counter[tuple[int, Standing, Standing, bool]] = Counter()
    for document in changed:
        after = change(document.standing, wish.action, wish.reason, await documents.held(tx, document))
        flipped = [] if after is document.standing else await statuses.flip(tx, document.id, int(after), at)
        lists.update((number, Standing.ON_HOLD if lost else document.standing, after, lost) for number, lost in flipped)
        event = Event(at=at, kind=PAST[wish.action], actor=wish.actor, reason=wish.reason, copies=len(flipped))
        await documents.set_standing(tx, document, after, event)
        if after is not document.standing:
            await _note_change(tx, office, document, after, wish.reason)
        if after is Standing.CANCELLED:  # final: nothing is collected or renewed any more
            await invitations.withdraw_all(tx, document.id)
            await documents.drop_claims(tx, document.id)
            await named.forget(tx, document.id)
            await end_all(tx, office, document.id, actor=wish.actor, at=at)
    for number, before, after, lost in lists:
        await pad(tx, office, number, before, after, lost=lost)
    for number in sorted({number for number, _, _, _ in lists}):
        await statuses.touch(tx, number)
    if changed:
        await entered.enter(
            tx,
            office,
            PAST[wish.action],
            actor=wish.actor,
            at=at,
            type=sorted({each.type for each in changed}),
            reason_code=wish.reason,
            documents=len(changed),
            copies=sum(lists.values()),
        )


def is_followed(office: Office, vct: str, became: str) -> bool:
    """Whether documents of this office follow those of that kind in this."""
    return any((follow.vct, follow.on) == (vct, became) for kind in office.types for follow in kind.follows)


async def _note_change(tx: Tx, office: Office, document: Document, after: Standing, reason: str) -> None:
    """For documents of this office that follow documents of this kind, or this one (``following``), as far as its details are held."""
    own = next((each for each in office.types if each.id == document.type), None)
    noted = own is not None and (own.others_wait(reason) != "" or is_followed(office, own.vct, _BECAME[after]))
    claims = await documents.sealed_claims(tx, document.id) if noted else None
    if claims is not None:
        await news.changed(tx, news.OwnChange(document=document.id, version=document.version, became=_BECAME[after], claims=claims))


async def pad(tx: Tx, office: Office, number: int, before: Standing, after: Standing, *, lost: bool = False) -> None:
    """At least 64 entries that belong to nobody change in the same way, so that those which change together are not one person's
    copies for certain (security rule S23). What was on hold is padded by decoys on hold; the first hold made them. Those of lost copies
    stay on hold with them when other holds end, and are cancelled with them.
    """
    count = DECOYS + office.entropy(1)[0] % DECOYS
    if await statuses.bits_of(tx, number) == statuses.LASTING:
        before, after = Standing.IN_FORCE, Standing.CANCELLED  # one value for both, and no way back
    if before is Standing.ON_HOLD:
        count -= await statuses.flip_decoys(tx, number, before=int(before), after=int(after), count=count, lost=lost)
        if after is Standing.IN_FORCE or count <= 0:
            return
    size = await statuses.size_of(tx, number)
    drawn = draw_indices(size, count * 4, office.entropy)
    used = await statuses.taken(tx, number, drawn)
    free = [index for index in drawn if index not in used][:count]
    if free:
        await statuses.reserve(tx, number, free, document=None, delivery=None, value=int(after), expires_at=0, lost=lost)


async def pad_lost(tx: Tx, office: Office, lists: Sequence[int]) -> None:
    """Lost copies stand in ``lists``. What stays on hold stays there among decoys of its own, also if it was on hold before (S23)."""
    for number in sorted(set(lists)):
        await pad(tx, office, number, Standing.IN_FORCE, Standing.ON_HOLD, lost=True)
        await statuses.touch(tx, number)
