"""The states of an invitation and of a document, and the only ways from one to the next. No IO: ``records`` stores what these say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from shared.errors import Conflict, InvalidGrant, InvalidRequest


class Standing(IntEnum):
    """Whether a document can be relied on; the numbers are those of the status list (Token Status List section 7)."""

    IN_FORCE = 0
    CANCELLED = 1
    ON_HOLD = 2


class Action(StrEnum):
    CANCEL = "cancel"
    HOLD = "hold"
    REINSTATE = "reinstate"


_NEXT: dict[tuple[Standing, Action], Standing] = {
    (Standing.IN_FORCE, Action.CANCEL): Standing.CANCELLED,
    (Standing.IN_FORCE, Action.HOLD): Standing.ON_HOLD,
    (Standing.ON_HOLD, Action.REINSTATE): Standing.IN_FORCE,
    (Standing.ON_HOLD, Action.CANCEL): Standing.CANCELLED,
}
_WORDS = {Standing.IN_FORCE: "in force", Standing.CANCELLED: "cancelled", Standing.ON_HOLD: "on hold"}
PAST = {Action.CANCEL: "cancelled", Action.HOLD: "held", Action.REINSTATE: "reinstated"}
"""The word for the history once an action was taken."""


BY_DONOR: Final = "donor-asked"
"""The reason of a hold that the donor asked for, and may end. What stands for another reason is not hers to end, and ends without hers."""


def can_change(standing: Standing, action: Action, reason: str = "", held: Sequence[str] = ()) -> bool:
    return _after(standing, action, reason, held) is not None


def change(standing: Standing, action: Action, reason: str = "", held: Sequence[str] = ()) -> Standing:
    """The standing after ``action``; ``Conflict`` where there is no way: cancelled is final (security rule S19).

    ``held`` are the reasons for which it is on hold, the latest last. It is put on hold for another ``reason`` besides, for each once, and
    stays on hold until all have ended.
    """
    after = _after(standing, action, reason, held)
    if after is None:
        raise Conflict(f"a document that is {_WORDS[standing]} cannot be {PAST[action]}")
    return after


def _after(standing: Standing, action: Action, reason: str, held: Sequence[str]) -> Standing | None:
    besides = action is Action.HOLD and bool(held) and reason not in held
    beneath = action is Action.REINSTATE and len(held) > 1
    return standing if besides or beneath else _NEXT.get((standing, action))


class InvitationState(StrEnum):
    OFFERED = "offered"
    REDEEMED = "redeemed"
    LOCKED = "locked"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """An invitation that can still be redeemed. ``attempts`` counts the codes tried so far, over all processes."""

    id: str
    document: str
    needs_code: bool
    attempts: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Redeemed:
    id: str
    document: str


@dataclass(frozen=True, slots=True)
class Locked:
    """Dead after too many wrong codes (OpenID4VCI section 13.6.3)."""

    id: str
    document: str


@dataclass(frozen=True, slots=True)
class Ended:
    """Lapsed, withdrawn, locked or already used: nothing leads on from here."""

    id: str
    document: str
    state: InvitationState


Invitation = Offered | Ended


def check_code_presence(invitation: Invitation, *, sent: bool) -> Offered:
    """The invitation, still open, with a code sent exactly if one is needed (OpenID4VCI section 6.3)."""
    if isinstance(invitation, Ended):
        raise InvalidGrant("this invitation can no longer be used", where="pre-authorized_code")
    if invitation.needs_code and not sent:
        raise InvalidRequest("the collection code is needed", where="tx_code")
    if sent and not invitation.needs_code:
        raise InvalidRequest("this invitation has no collection code", where="tx_code")
    return invitation


def redeem(invitation: Offered, *, code_is_right: bool, limit: int, at: int) -> Offered | Redeemed | Locked:
    """After one try whose attempt is already counted in ``invitation.attempts``. A wrong code leaves it open until ``limit``."""
    if at >= invitation.expires_at:
        raise InvalidGrant("this invitation has lapsed", where="pre-authorized_code")
    if invitation.attempts > limit:
        return Locked(invitation.id, invitation.document)
    if code_is_right or not invitation.needs_code:
        return Redeemed(invitation.id, invitation.document)
    return invitation if invitation.attempts < limit else Locked(invitation.id, invitation.document)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who did something: an operator, a program with a key, a holder's wallet, or the service itself."""

    role: str  # clerk, approver, admin, program, wallet, service
    name: str


WALLET = Actor(role="wallet", name="")
SERVICE = Actor(role="service", name="")


class Approval(StrEnum):
    """Whether a second person has looked at a document before any copy of it is made."""

    NOT_NEEDED = ""
    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"

    @property
    def clears(self) -> bool:
        """Copies may be made: nobody has to look at it first, or somebody has."""
        return self in {Approval.NOT_NEEDED, Approval.APPROVED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One row of the register of documents, without its claims."""

    id: str
    type: str
    standing: Standing
    version: int
    made_at: int
    collected_at: int | None
    valid_until: int | None
    keep_until: int
    has_claims: bool
    approval: Approval = Approval.NOT_NEEDED

    @property
    def cleared(self) -> bool:
        """Copies of it may be made, as far as it is up to this document (``Approval.clears``)."""
        return self.approval.clears


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    at: int
    kind: str
    actor: Actor
    reason: str
    copies: int


def ending(held: Sequence[Event], reason: str) -> int:
    """Which of the holds ends for that ``reason``: the latest for the very same, else the latest that the donor did not ask for, else hers."""
    alike = [place for place, each in enumerate(held) if each.reason == reason]
    others = [place for place, each in enumerate(held) if each.reason != BY_DONOR]
    return (alike or others or range(len(held)))[-1]


def holds(history: Iterable[Event]) -> list[Event]:
    """The holds that have not ended, of a ``history`` from the oldest on, the latest last."""
    found: list[Event] = []
    for event in history:
        if event.kind == PAST[Action.HOLD]:
            found.append(event)
        elif event.kind == PAST[Action.REINSTATE] and found:
            del found[ending(found, event.reason)]
        elif event.kind == PAST[Action.CANCEL]:
            found.clear()
    return found


def lost_last(history: Iterable[Event]) -> bool:
    """Whether whoever collected the document last has lost phone or wallet since, by its ``history`` from the oldest on."""
    kinds = [event.kind for event in history if event.kind in {"collected", "lost"}]
    return "collected" in kinds and kinds[-1] == "lost"


def state_of(document: Document, invitation: InvitationState | None) -> str:
    """One word for lists and programs: what matters most about a document now."""
    if document.standing is Standing.CANCELLED:
        return "cancelled"
    if document.standing is Standing.ON_HOLD:
        return "on_hold"
    if document.collected_at is not None:  # a loss takes this moment away until somebody collects the document again
        return "collected"
    if invitation is InvitationState.OFFERED or invitation is InvitationState.REDEEMED:
        return "invited"
    return invitation.value if invitation is not None else "lapsed"
