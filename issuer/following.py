"""What ends with something else: this office hears of a document of another (a death that was shown to it, an authority that ended) and does
to its own what their kinds say (``CredentialType.follows``). Nobody in the middle tells it, and it tells nobody.

It acts by itself only on one person who is certain: names, a whole date of birth and one more item agree (``shared.marks``), or the document
was made for the very request in which the other was shown. Everything else waits for somebody of the office (``deciding_news``), as does what
somebody of it tells by hand about documents that a second person approves. What names
nobody of ours is counted and forgotten. All of it is one unit of work, and the same news twice change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from typing import Any

from issuer import revoke
from issuer.approval import first_approval
from issuer.claims import source
from issuer.marking import INSTRUMENT, instrument_of, marks_shown, name_of
from issuer.office import STORAGE, Office, keyed, reference_mac
from issuer.records import documents, listing, named, news
from issuer.records.news import Concerned, Side
from issuer.revoke import Wish
from issuer.sessions import SERVICE, Action, Actor, Approval, Document
from shared.clock import DAY
from shared.codec import strict_json
from shared.credentials import ClaimPath, CredentialType
from shared.credentials._joint import acts_alone
from shared.credentials._model import Follow
from shared.errors import Malformed
from shared.marks import Mark, compare, settle, sides, weakest
from shared.match import Likeness, full_names, person_of
from shared.storage import Tx

BECAME = ("shown", "valid", "on-hold", "cancelled")
AGAIN = "again"
"""The action of making a new document in the place of one that ended by mistake."""
_LEAST_DAYS = 31  # that details are kept for whoever has to compare


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """That a document of the kind ``vct`` was ``shown``, or what it ``became``. ``id`` is its sender's; ``request`` that of the showing, if any."""

    id: str
    vct: str
    became: str
    claims: Mapping[str, Any] = field(default_factory=dict)
    request: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came of it: ``changed`` of our documents did, ``waits`` are for somebody to decide. ``id`` names it here."""

    id: str
    state: str
    changed: int
    waits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One rule of one kind with what to look for; ``sure`` unless something that it demands was not shown."""

    kind: CredentialType
    follow: Follow
    looked_for: Mapping[str, frozenset[Mark]]
    sure: bool


async def hear(office: Office, told: News, *, by: Actor = SERVICE) -> Heard:
    """Do what follows. ``Malformed`` for a word that nothing can become.

    ``by`` is who says so, if somebody of the office does: what a second person approves does not end by one alone.
    """
    if told.became not in BECAME:
        raise Malformed(f"it was or became one of: {', '.join(BECAME)}", where="/became")
    at = office.clock()
    digest = await keyed(office, "news", told.id)
    request = await reference_mac(office, told.request) if told.request else None
    asked, later = await _asked(office, told), await _later(office, told)
    names = any(full_names(person_of(told.claims, side.other)) for each in asked for side in sides(each.follow.match))
    blank = told.became == "shown" and any(each.follow.action != Action.REINSTATE for each in asked) and not names
    number = office.number()
    sealed = await office.custodian.seal(STORAGE, strict_json.dumps(told.claims), context=context(number))

    async def unit(tx: Tx) -> Heard:
        before = await news.known(tx, digest)
        if before is not None:
            return await _told_before(tx, before)
        found = {} if request is None else await _by_request(tx, office, told, request)
        remembered = {} if request is None or names else await news.named_for(tx, request)
        heard = [] if request is None else [each for each in await news.of_request(tx, request) if each.vct == told.vct]
        overtaken = any(each.became != "shown" for each in heard)
        for each in asked:
            if overtaken and (each.follow.on, each.follow.action) == ("shown", Action.REINSTATE):
                continue  # it was shown before it became what was told of it
            likely = await _by_person(tx, office, _remembering(each, remembered))
            found = {**likely, **found}  # what is certain by the request is not compared
        until = at + max(_LEAST_DAYS, office.settings.undo_days) * DAY
        if told.became == "cancelled":
            back = await _mistaken(tx, office, heard, found)
            until = min([until, *(each.keep_until for each in heard if back)])  # no new term for details that are kept already
            found = {**found, **back}
            await _doubt(tx, heard)
        elif any(each.became == "cancelled" for each in heard):  # which overtook it
            found = {number: replace(each, outcome="open") for number, each in found.items()}
        if by != SERVICE:
            found = {number: await _one_alone(tx, office, each) for number, each in found.items()}
        changed = [await with_details(tx, office, each) for each in found.values()]
        waits = sum(each.outcome == "open" for each in changed)
        state = "open" if waits else "done" if changed else "blank" if blank else "nothing"
        new = news.NewNews(
            id=number, digest=digest, request=request, at=at, vct=told.vct, became=told.became, state=state,
            claims=sealed if waits else None, keep_until=until,
        )  # fmt: skip
        await apply(tx, office, [each for each in changed if each.outcome == "changed"], by, at)
        await news.add(tx, new, changed)
        await news.remember(tx, number, later)
        return Heard(id=number, state=state, changed=len(changed) - waits, waits=waits)

    return await office.storage.write(unit, point="news")


async def _told_before(tx: Tx, before: news.News) -> Heard:
    found = await news.concerned(tx, before.id)
    changed, waits = (sum(each.outcome in outcomes for each in found) for outcomes in (("changed",), ("open", "chosen")))
    return Heard(id=before.id, state=before.state, changed=changed, waits=waits)


async def follow_own(office: Office) -> None:
    """The same for documents of this office that follow others of its own: what changed since the last round is heard of like anybody's."""
    for change in await office.storage.read(news.changes):
        document = await office.storage.read(partial(documents.get, document=change.document))
        kind = next((each for each in office.types if each.id == document.type), None)
        if kind is not None:
            claims = await source(office, kind).give(change.claims, replace(document, keep_until=office.clock() + DAY))
            if revoke.is_followed(office, kind.vct, change.became):
                await hear(office, News(id=f"own {change.document} {change.version}", vct=kind.vct, became=change.became, claims=claims))
            if not acts_alone(claims):
                instrument = await instrument_of(office, kind, claims)
                hold = partial(_hold_others, office=office, change=change, kind=kind, instrument=instrument)
                await office.storage.write(hold, point="joint-stopped")
        await office.storage.write(partial(news.looked_at, change=change), point="own-change")


async def _hold_others(tx: Tx, office: Office, change: news.OwnChange, kind: CredentialType, instrument: bytes | None) -> None:
    """Of several who act jointly one has stopped: nobody of the others acts alone. What the instrument says of that is in words only, so that
    somebody has to read them: until then the documents of the others wait.
    """
    document = await documents.get(tx, change.document)
    reason = kind.others_wait(await documents.reason_of(tx, document.id, change.version + 1))
    if reason:
        others = [each for each in await _of_instrument(tx, document, instrument) if await revoke.able(tx, each, Action.HOLD, reason)]
        await revoke.apply(tx, office, others, Wish(action=Action.HOLD, reason=reason, actor=SERVICE), office.clock())


async def _of_instrument(tx: Tx, document: Document, instrument: bytes | None) -> list[Document]:
    """The others of the same entry in the register. The reference decides where one of two documents says nothing of an entry."""
    entered = await named.like(tx, document.type, () if instrument is None else (instrument,))
    same = [await documents.get(tx, number) for number in sorted(entered) if number != document.id]
    under = await documents.alike(tx, document)
    known = await named.having(tx, INSTRUMENT, [each.id for each in under])
    return same + [each for each in under if each.id not in entered and (instrument is None or each.id not in known)]


# --- what to look for ------------------------------------------------------------------------------------------------------------------


async def _asked(office: Office, told: News) -> list[_Asked]:
    found = []
    for kind in office.types:
        for follow in kind.follows:
            said = _says(told.claims, follow) if (follow.vct, follow.on) == (told.vct, told.became) else "otherwise"
            if said != "otherwise":
                looked_for = {name_of(side.own): await marks_shown(office, kind, side, told.claims) for side in sides(follow.match)}
                found.append(_Asked(kind=kind, follow=follow, looked_for=looked_for, sure=said == "so"))
    return found


async def _later(office: Office, told: News) -> dict[Side, frozenset[Mark]]:
    """Whom a document names that was shown for a request, for rules that count once it changes: its details may be gone by then."""
    found: dict[Side, frozenset[Mark]] = {}
    for kind in office.types if told.became == "shown" and told.request else ():
        for follow in kind.follows:
            if follow.vct == told.vct and follow.on != told.became and _says(told.claims, follow) != "otherwise":
                found |= {(kind.id, name_of(side.own)): await marks_shown(office, kind, side, told.claims) for side in sides(follow.match)}
    return found


def _remembering(asked: _Asked, remembered: Mapping[Side, frozenset[Mark]]) -> _Asked:
    return replace(asked, looked_for={side: remembered.get((asked.kind.id, side), marks) for side, marks in asked.looked_for.items()})


def _says(claims: Mapping[str, Any], follow: Follow) -> str:
    """``so`` if it says all that the rule demands, ``otherwise`` if it says something else, ``partly`` if that was not shown."""
    values = [(value_at(claims, path), allowed) for path, allowed in follow.values.items()]
    if any(value is not None and value not in allowed for value, allowed in values):
        return "otherwise"
    return "partly" if any(value is None for value, _ in values) else "so"


def value_at(claims: Mapping[str, Any], path: ClaimPath) -> Any:
    """What lies there, if anything does."""
    found: Any = claims
    for part in path:
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


# --- which of ours -----------------------------------------------------------------------------------------------------------------------


async def _by_request(tx: Tx, office: Office, told: News, request: bytes) -> dict[str, Concerned]:
    """Documents that were made for that very request, whoever they name. That it was accepted is no end of a hold that came after it."""
    found = {}
    for listed in await listing.by_reference(tx, request):
        document = listed.document
        for follow in _kind(office, document).follows if any(each.id == document.type for each in office.types) else ():
            meant, action = (follow.vct, follow.on) == (told.vct, told.became), Action(follow.action)
            meant = meant and (told.became, action) != ("shown", Action.REINSTATE)
            meant = meant and await revoke.able(tx, document, action, follow.reason)
            if meant and await revoke.began_alike(tx, office, document, action, follow.reason):
                found[document.id] = _concerned(document, follow, "")
    return found


async def _by_person(tx: Tx, office: Office, asked: _Asked) -> dict[str, Concerned]:
    digests = {bytes(mark.value) for marks in asked.looked_for.values() for mark in marks if isinstance(mark.value, bytes)}
    known = await named.like(tx, asked.kind.id, sorted(digests))
    likeness: dict[str, Likeness] = {
        number: weakest([compare(by_side.get(side, set()), marks) for side, marks in asked.looked_for.items()])
        for number, by_side in known.items()
    }
    outcome, numbers = settle(likeness)
    found = {}
    for number in numbers:
        document, action = await documents.get(tx, number), Action(asked.follow.action)
        if not await revoke.began_alike(tx, office, document, action, asked.follow.reason):
            continue
        hold = await revoke.hold_before(tx, document, asked.follow.reason) if action is Action.REINSTATE else None
        if hold is not None and await news.waits_with(tx, number, action.value, since=hold.at):
            continue  # one hold is one task
        if await revoke.able(tx, document, action, asked.follow.reason):
            certain = outcome == "one" and asked.sure and action is not Action.REINSTATE
            found[number] = _concerned(document, asked.follow, likeness[number], certain=certain)
    return found


def _concerned(document: Document, follow: Follow, likeness: str, *, certain: bool = True) -> Concerned:
    outcome = "changed" if certain else "open"
    return Concerned(document=document.id, action=follow.action, reason=follow.reason, likeness=likeness, outcome=outcome)


async def _one_alone(tx: Tx, office: Office, each: Concerned) -> Concerned:
    """``each``, to be decided where it is one that a second person approves."""
    return replace(each, outcome="open") if await needs_second(tx, office, each) else each


async def needs_second(tx: Tx, office: Office, each: Concerned) -> bool:
    """Whether somebody says so and somebody else confirms it. A document that comes back is a new one, which has a second person of its own."""
    if each.action == AGAIN:
        return False
    return first_approval(office, _kind(office, await documents.get(tx, each.document))) is Approval.WAITING


async def _doubt(tx: Tx, heard: Sequence[news.News]) -> None:
    """What follows from a document that counts no longer is still to be decided, by somebody who knows that: a list says the same of an
    entry that was cancelled and of one that was only corrected (``news.counts_no_longer``).
    """
    for before in heard:
        if before.became == "shown" and before.state in {"open", "second"}:
            await reopen(tx, before)


async def reopen(tx: Tx, found: news.News) -> None:
    """All of it is to be decided again; whoever looked before has to look again."""
    for each in await news.concerned(tx, found.id):
        if each.outcome in {"chosen", "left"}:
            await news.note(tx, found.id, replace(each, outcome="open"))
    await news.settle(tx, found, "open")


async def _mistaken(tx: Tx, office: Office, heard: Sequence[news.News], found: Mapping[str, Concerned]) -> dict[str, Concerned]:
    """What ended because of a document that counts no longer can come back, as new documents: somebody decides."""
    back: dict[str, Concerned] = {}
    for before in heard:
        back |= {each.document: each for each in await ended_by(tx, office, before) if each.document not in found}
    return back


async def ended_by(tx: Tx, office: Office, before: news.News) -> list[Concerned]:
    """What ended by earlier news and is to be made again, unless that was offered elsewhere; its sealed details move along, if they are
    still held.
    """
    kinds, back = {each.id for each in office.types}, []
    for each in await news.concerned(tx, before.id):
        ended = (each.action, each.outcome) == (Action.CANCEL, "changed") and (await documents.get(tx, each.document)).type in kinds
        if ended and not await news.stands_with(tx, each.document, AGAIN):
            left = await news.take_left(tx, each.document, AGAIN)
            await news.note(tx, before.id, replace(each, claims=None))
            back.append(replace(each, action=AGAIN, outcome="open", claims=each.claims or left))
    return back


# --- doing it ----------------------------------------------------------------------------------------------------------------------------


async def with_details(tx: Tx, office: Office, each: Concerned) -> Concerned:
    """``each`` with what its document says, sealed, if it ends and the office keeps that for a while."""
    if (each.action, each.outcome) != (Action.CANCEL.value, "changed") or not office.settings.undo_days:
        return each
    return replace(each, claims=await documents.sealed_claims(tx, each.document))


async def apply(tx: Tx, office: Office, concerned: Sequence[Concerned], actor: Actor, at: int) -> None:
    """Change all of them, padded as any others (security rule S23)."""

    def way(each: Concerned) -> tuple[str, str]:
        return each.action, each.reason

    for (action, reason), group in groupby(sorted(concerned, key=way), key=way):
        changed = [await documents.get(tx, each.document) for each in group]
        await revoke.apply(tx, office, changed, Wish(action=Action(action), reason=reason, actor=actor), at)


def _kind(office: Office, document: Document) -> CredentialType:
    return office.type(document.type)


def context(number: str) -> bytes:
    """What the sealed details of news are tied to."""
    return f"news\0{number}".encode()
