"""The page's words for states, events and actions (never the developer's)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from issuer.sessions import Action, Approval, Event
from shared.web.i18n import N_

Words = Callable[[str], str]

_STATES = {
    "invited": (N_("Waiting to be collected"), "yellow"),
    "waiting": (N_("Waiting for a second person"), "yellow"),
    "refused": (N_("Sent back by a second person"), "orange"),
    "collected": (N_("Collected"), "green"),
    "on_hold": (N_("On hold"), "orange"),
    "cancelled": (N_("Cancelled"), "red"),
    "locked": (N_("Invitation blocked"), "red"),
    "lapsed": (N_("Invitation lapsed"), "grey"),
    "withdrawn": (N_("Invitation withdrawn"), "grey"),
}
_EVENTS = {
    "made": N_("Made, with an invitation to collect it"),
    "invited": N_("New invitation made; the earlier one ended"),
    "lost": N_("Phone or wallet lost, said at the counter; all copies are on hold for good"),
    "collected": N_("Collected"),
    "renewed": N_("Copies renewed"),
    "held": N_("Put on hold"),
    "reinstated": N_("Hold ended"),
    "cancelled": N_("Cancelled"),
    "lapsed": N_("Invitation lapsed without being collected"),
    "locked": N_("Invitation blocked after too many wrong collection codes"),
    "reuse-stopped": N_("Renewal stopped: an old key to it was used a second time"),
    "agreed": N_("The holder signed in and agreed"),
    "letter-locked": N_("Letter blocked after too many wrong dates of birth"),
    "approved": N_("Approved by a second person"),
    "sent-back": N_("Sent back by a second person"),
    "corrected": N_("Corrected; copies made before no longer count"),
    "sheet-made": N_("Sheet with seven words made, which locks reports to the donor from then on"),
    "disputed": N_("The holder says that a detail is wrong; copies made meanwhile say so"),
    "dispute-refused": N_("The holder was told that the detail stays as it is"),
    "recalled": N_("Copies called in because of the key that signed them; wallets get others"),
    "wallet-accepted": N_("The wallet has put it away"),
    "wallet-failure": N_("The wallet could not use it"),
    "wallet-deleted": N_("The wallet no longer has these copies; they are on hold for good"),
}
_APPROVALS = {
    Approval.WAITING: N_("Has to look at it before copies are made"),
    Approval.APPROVED: N_("Has approved it"),
    Approval.REFUSED: N_("Has sent it back: correct it"),
}
_ROLES = {
    "clerk": N_("clerk"),
    "approver": N_("approver"),
    "admin": N_("admin"),
    "program": N_("program"),
    "holder": N_("the holder"),
    "donor": N_("the donor"),
    "wallet": N_("the holder’s wallet"),
    "service": N_("this service"),
}
_SCOPES = {
    "credentials:create": N_("Make documents and invitations"),
    "credentials:read": N_("See how documents stand"),
    "status:change": N_("Cancel, hold and reinstate documents"),
}
_ACTIONS = {Action.CANCEL: N_("Cancel this document"), Action.HOLD: N_("Put on hold"), Action.REINSTATE: N_("End the hold")}
_QUESTIONS = {
    Action.CANCEL: N_("Do you want to cancel this document?"),
    Action.HOLD: N_("Do you want to put this document on hold?"),
    Action.REINSTATE: N_("Do you want to end the hold?"),
}
_CONSEQUENCES = {
    Action.CANCEL: N_("Every copy stops being valid, and the next check of any of them says that it is cancelled. This cannot be undone."),
    Action.HOLD: N_("Until the hold ends, every check of a copy says that the document is on hold. No new copies are given out."),
    Action.REINSTATE: N_("Copies that have not run out can be relied on again."),
}


_DONOR_ASKS = {
    "hold": N_("Stop the attorney for now"),
    "reinstate": N_("Let the attorney act again"),
    "end": N_("End it for good"),
}


@dataclass(frozen=True, slots=True)
class Tag:
    text: str
    colour: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a history."""

    at: int
    what: str
    who: str
    more: str


def tag(state: str, words: Words) -> Tag:
    text, colour = _STATES[state]
    return Tag(words(text), colour)


def waiting(state: str, words: Words) -> str:
    return words(_STATES[state][0])


def action(one: Action, words: Words) -> str:
    return words(_ACTIONS[one])


def question(one: Action, words: Words) -> str:
    return words(_QUESTIONS[one])


def consequence(one: Action, words: Words) -> str:
    return words(_CONSEQUENCES[one])


def donor_ask(one: str, words: Words) -> str:
    return words(_DONOR_ASKS[one])


def approval(one: Approval, words: Words) -> str:
    """Empty where nobody else has to look."""
    return words(_APPROVALS[one]) if one in _APPROVALS else ""


def role(name: str, words: Words) -> str:
    return words(_ROLES.get(name, name))


def scope(name: str, words: Words) -> str:
    return words(_SCOPES.get(name, name))


def line(event: Event, reasons: Mapping[str, str], words: Words) -> Line:
    who = role(event.actor.role, words)
    if event.actor.name:
        who = f"{event.actor.name} ({who})"
    more = []
    if event.reason:
        more.append(words("Reason: %(reason)s") % {"reason": reasons.get(event.reason, event.reason)})
    if event.copies:
        more.append(words("Copies: %(count)s") % {"count": event.copies})
    return Line(event.at, words(_EVENTS.get(event.kind, event.kind)), who, ". ".join(more))


def spaced(number: str) -> str:
    """A document's number in groups of four."""
    return "-".join(number[start : start + 4] for start in range(0, len(number), 4))


def grouped(code: str | None) -> str:
    """A collection code in two groups, as it is read out."""
    if code is None:
        return ""
    half = len(code) // 2
    return f"{code[:half]} {code[half:]}"
