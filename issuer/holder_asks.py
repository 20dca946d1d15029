"""What the two sides of a power of attorney ask of the office: why a document does not count, and, of donors, to stop or end what theirs is about.

A donor shows a copy to the office itself, signed by its key for an address that names what is asked, with a nonce of ours that serves once. Who
has the mark of a document may ask why it does not count and gets the reason and how to contest it: never who asked for that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from issuer import revoke
from issuer.issue import spend_nonces
from issuer.nonces import check_nonce
from issuer.office import MOST_READ, Office
from issuer.publish import list_uri
from issuer.records import documents, donors, statuses
from issuer.revoke import Wish
from issuer.sessions import BY_DONOR, PAST, Action, Actor, Document, Event, Standing, holds
from shared.clock import floor_day
from shared.codec import base64url
from shared.cose import thumbprint
from shared.donor import ASKS, audience
from shared.errors import AccessDenied, Conflict, Missing, Revoked, Untrusted
from shared.formats import Binding, Parsed, StatusReference, formats
from shared.keys import PublicKey
from shared.storage import Tx
from shared.trust.snapshot import KeyState
from shared.web import own_trust
from shared.x509 import load_certificate

DONOR = Actor(role="donor", name="")
WISHES: Final[Mapping[str, Wish]] = {
    "hold": Wish(action=Action.HOLD, reason=BY_DONOR, actor=DONOR),
    "reinstate": Wish(action=Action.REINSTATE, reason=BY_DONOR, actor=DONOR),
    "end": Wish(action=Action.CANCEL, reason="donor-revoked", actor=DONOR),
}
_WORDS: Final = {Standing.IN_FORCE: "valid", Standing.ON_HOLD: "on-hold", Standing.CANCELLED: "cancelled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a document stands, and why since which day (seconds since the epoch), where it does not count."""

    type: str
    standing: Standing
    reason: str = ""
    since: int = 0

    def render(self, office: Office) -> dict[str, Any]:
        """As wallets get it; ``contest`` says in the office's words where to turn."""
        told: dict[str, Any] = {"standing": _WORDS[self.standing]}
        if self.reason:
            label = next((each.label for each in office.type(self.type).reasons if each.value == self.reason), None)
            told |= {"reason": self.reason, "since": self.since, "office": office.settings.name, "contest": office.settings.how_to_contest}
            told |= {} if label is None else {"words": {"en": label.en, "cy": label.cy}}
        return told


async def answer(office: Office, ask: str, nonce: str, presentation: str) -> Answer:
    """Do what a donor asks. ``Missing`` for what nobody can ask, ``Rejected`` or ``InvalidNonce`` for whoever does not show it rightly,
    ``AccessDenied`` where it is not theirs to ask, ``Conflict`` where there is no way. Asked once more, it is answered once more and not done again.
    """
    if ask not in ASKS:
        raise Missing("nothing like this can be asked")
    at = office.clock()
    end = await check_nonce(office, nonce, at)
    place = await _shown(office, audience(office.settings.public_url, ask), nonce, presentation, at)

    async def unit(tx: Tx) -> Answer:
        await spend_nonces(tx, {nonce: end})
        document = await documents.get(tx, await _document(tx, office, place))
        return await _do(tx, office, document, WISHES[ask], at)

    return await office.storage.write(unit, point="holder-ask")


async def why(office: Office, tag: bytes) -> Answer:
    """For whoever has the mark of an attorney's document; ``Missing``."""

    async def unit(tx: Tx) -> Answer:
        found = await donors.box(tx, tag)
        if found is None:
            raise Missing("there is no document of that mark")
        return await _why(tx, await documents.get(tx, found.representation))

    return await office.storage.read(unit)


async def change(office: Office, representation: str, wish: Wish) -> Answer:
    """The same for a donor who came to the counter, whose ``representation`` it is; ``wish`` names who sits there."""
    at = office.clock()
    return await office.storage.write(lambda tx: _change(tx, office, representation, wish, at), point="holder-ask")


async def _shown(office: Office, aud: str, nonce: str, presentation: str, at: int) -> StatusReference:
    """The place of the copy in its status list, once it was shown to us, for this, by its holder."""
    parsed = formats()[MOST_READ].parse(presentation)
    key = await _key(office, parsed)
    claims = formats()[MOST_READ].verify(parsed, key, binding=Binding(audience=aud, nonce=nonce, max_age=None), at=at)
    if claims.issuer != office.settings.public_url or claims.status is None:
        raise Untrusted("this office did not make that document", where="/presentation")
    return claims.status


async def _key(office: Office, parsed: Parsed) -> PublicKey:
    """Ours, that signed the copy."""
    if not parsed.x5c:
        raise Untrusted("this office did not make that document", where="/presentation")
    public = load_certificate(parsed.x5c[0]).public
    mark = base64url.encode(thumbprint(public))
    known = await office.storage.read(own_trust.keys)
    if not any(each.thumbprint == mark and each.state is not KeyState.COMPROMISED for each in known):
        raise Untrusted("this office did not make that document", where="/presentation")
    return public


async def _document(tx: Tx, office: Office, place: StatusReference) -> str:
    """Whose copy that is: one that was not reported as lost, nor replaced."""
    lists = {list_uri(office, number): number for number in await statuses.numbers(tx)}
    number = None if place.uri not in lists else await statuses.document_of(tx, lists[place.uri], place.idx)
    if number is None:
        raise Revoked("this copy no longer counts", where="/presentation")
    return number


# --- what is asked -----------------------------------------------------------------------------------------------------------------------


async def _why(tx: Tx, document: Document) -> Answer:
    """The reason for how it stands, and nothing about who wanted that, nor at what hour."""
    last = _last(await documents.history(tx, document.id), document.standing)
    if last is None:
        return Answer(type=document.type, standing=document.standing)
    return Answer(type=document.type, standing=document.standing, reason=last.reason, since=floor_day(last.at))


async def _do(tx: Tx, office: Office, document: Document, wish: Wish, at: int) -> Answer:
    about = await donors.representation_of(tx, document.id)
    if about is None:
        raise AccessDenied("only the donor's document stops what it is about", where="/presentation")
    return await _change(tx, office, about, wish, at)


async def _change(tx: Tx, office: Office, number: str, wish: Wish, at: int) -> Answer:
    document = await documents.get(tx, number)
    last = _last_change(await documents.history(tx, number))
    if last is not None and (last.kind, last.reason) == (PAST[wish.action], wish.reason):
        return await _why(tx, document)  # she asks again where the answer was lost
    if wish.action is Action.REINSTATE and document.standing is Standing.ON_HOLD and not await stopped_by_donor(tx, document):
        raise Conflict("it is on hold for another reason than yours: ask the office")
    await revoke.apply(tx, office, [document], wish, at)
    return await _why(tx, await documents.get(tx, number))


async def stopped_by_donor(tx: Tx, document: Document) -> bool:
    """Whether it is on hold because its donor asked for that."""
    return (await documents.held(tx, document))[-1:] == [BY_DONOR]


def _last_change(history: Sequence[Event]) -> Event | None:
    """What was last done to how a document stands, whoever wanted it."""
    return next((event for event in reversed(history) if event.kind in PAST.values()), None)


def _last(history: Sequence[Event], standing: Standing) -> Event | None:
    """What brought a document to where it stands."""
    ended = [event for event in history if event.kind == PAST[Action.CANCEL]]
    found = {Standing.IN_FORCE: [], Standing.ON_HOLD: holds(history), Standing.CANCELLED: ended}[standing]
    return found[-1] if found else None
