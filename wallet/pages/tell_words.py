"""What became of a letter, in words for its holder: where it stands, why it was refused, and what to do then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shared import inbox
from shared.errors import VcError
from shared.receipts import Receipt, peek_receipt
from shared.web.i18n import N_
from wallet.pages.desk import Words
from wallet.records import Item
from wallet.sent import Body, Sent, state_of

STATES: Final[Mapping[str, tuple[str, str]]] = {
    "no-copy": (N_("Not told yet"), "yellow"),
    "never": (N_("Not told"), "grey"),
    "by-hand": (N_("For you to send"), "yellow"),
    "carried": (N_("Yours to hand in"), "yellow"),
    "waiting": (N_("Waiting to be sent"), "grey"),
    "sent": (N_("Sent"), "blue"),
    "accepted": (N_("Accepted"), "green"),
    "refused": (N_("Refused"), "red"),
    "called-back": (N_("They know"), "green"),
    "undecided": (N_("They cannot tell"), "yellow"),
    "unanswered": (N_("No answer yet"), "yellow"),
    "misfit": (N_("Answer does not fit"), "red"),
    "undelivered": (N_("Not delivered"), "red"),
}
"""Each state in words, with its colour."""

NEXT: Final[Mapping[str, str]] = {
    "never": N_("Your wallet tries no more. Tell them again if you still want to."),
    "by-hand": N_("They have no inbox. Send their copy by e-mail or print it."),
    "carried": N_("Take the letter that you saved to any counter that takes post for others. Your wallet asks for the answer by itself."),
    "run-out": N_("The copy in it has run out: do not hand it in now. If you did before, your wallet still asks for the answer."),
    "waiting": N_("Your wallet sends it by itself, also when you close it."),
    "tried": N_("They could not be reached so far. Your wallet tries again by itself, also when you close it."),
    "undecided": N_("They could not check everything. Ask them, or tell them again later."),
    "unanswered": N_("They have not answered in time. Your wallet goes on asking; you can also ask them yourself."),
    "misfit": N_("This answer was not given for what you sent. Do not rely on it. Ask them by another way."),
    "undelivered": N_("They may not have it, for no receipt came. Send it by e-mail or print it instead."),
    "lapsed": N_("They may not have it, for no receipt came, and the copy in it has run out."),
    "refused": N_("If you think that this is wrong, ask them to look at it again."),
    "called-back": N_("They have seen that it no longer counts. Ask them to undo what they did because of it."),
}
"""What it means, and what to do."""

_UNREAD = N_("They could not read it as a genuine document.")
_OTHERS = N_("It was made for somebody else, or for something else.")
_OLD = N_("What they check documents with is too old, or not complete.")
_FAILED = N_("It did not pass their check.")
_UNKNOWN = N_("They gave a reason that your wallet does not know.")

REASONS: Final[Mapping[str, str]] = {
    "revoked": N_("The document was cancelled."),
    "suspended": N_("The document is on hold."),
    "expired": N_("The copy had run out."),
    "stale_binding": N_("The copy had run out."),
    "replayed": N_("They had this copy before."),
    "untrusted": N_("They do not trust the office that made the document."),
    "not_entitled": N_("They do not trust the office that made the document."),
    "outside_scope": N_("The document does not reach that far."),
    "restricted_undisclosed": N_("There is a limit that they were not shown."),
    "wrong_instrument": N_("They need another kind of document."),
    "purpose_mismatch": N_("They do not deal with this purpose."),
    "needs_more_attorneys": N_("Others must agree too."),
    "needs_capacity_evidence": N_("They need proof about the person’s ability to decide."),
    "needs_grant": N_("They need a grant of probate for this."),
    "ambiguous_match": N_("Several people in their records could be meant."),
    "status_unknown": N_("They could not find out whether the document still counts."),
    "not_determined": N_("The date is not known well enough for them."),
    "incomplete": N_("They need more than the document says."),
    **dict.fromkeys(
        ("malformed", "bad_signature", "algorithm_refused", "wrong_typ", "bad_disclosure", "status_index_out_of_range", "type_rule_broken"),
        _UNREAD,
    ),
    **dict.fromkeys(("not_bound", "wrong_audience", "wrong_nonce", "other_presentation"), _OTHERS),
    **dict.fromkeys(
        (
            "bundle_rolled_back",
            "bundle_stale",
            "bundle_incomplete",
            "snapshot_stale",
            "snapshot_missing",
            "issuer_keys_unknown",
            "crl_stale",
        ),
        _OLD,
    ),
    **dict.fromkeys(("rejected", "history_rewritten"), _FAILED),
    **dict.fromkeys(("metadata_policy", "certificate_revoked"), N_("They do not trust the office that made the document.")),
    **dict.fromkeys(("status_list_too_short", "status_stale"), N_("They could not find out whether the document still counts.")),
    "undecided": N_("They could not check everything."),
    "clock_behind": N_("The clock of their computer is wrong."),
    "not_yet_valid": N_("It does not count yet, or a clock is wrong."),
    "purpose_not_carried": N_("Another organisation was to use it for this, and did not hand that over to them."),
    "unknown_credential_type": N_("They do not know this kind of document."),
    "outside_permission": N_("The permission does not reach that far."),
    "request_not_satisfied": N_("Something that they need was not shown, or is different."),
    "other_instrument": N_("Somebody who has to agree too showed another document."),
    "different_people": N_("The documents are about different people."),
    "not_agreed": N_("What they asked you to agree to was not agreed to."),
    "over_disclosed": N_("More was shown than they asked for."),
}
"""Why, by the code in a receipt: all of ``Rejected`` and ``Undecided``. Those that a person gives are in ``shared.inbox``."""

MISFITS: Final[Mapping[str, str]] = {
    "other_presentation": N_("It is for something else than what you shared."),
    "wrong_nonce": N_("It answers another question than the one that you answered."),
    "purpose_mismatch": N_("It is for another reason than the one that you agreed to."),
    "stale_binding": N_("It is from before you shared anything."),
    "not_yet_valid": N_("It is dated in the future."),
    "history_rewritten": N_("It contradicts what they signed before: their own record was changed."),
    "untrusted": N_("It is by another organisation, or by one that nobody has registered here."),
    "bad_signature": N_("It is not signed by whoever it names."),
    "malformed": N_("Your wallet cannot read it as a receipt."),
    "wrong_typ": N_("Your wallet cannot read it as a receipt."),
}
"""What is wrong with a receipt, by the code that its problem begins with."""
_UNCHECKED = N_("Your wallet cannot check it.")

FAULTS: Final[Mapping[str, str]] = {
    "copies": N_("Your wallet has no unused copy left for them. It goes on when new ones have come."),
    "conflict": N_("What they would learn, or where it goes, is not what you agreed to any more. Tell them anew."),
    "not_found": N_("They are no longer registered to be told this."),
    "access_denied": N_("Your document does not say all that they ask for."),
    "keeper": N_("Say first on the document’s page that you know who keeps the record."),
    "document": N_("The document is no longer in your wallet."),
}
"""Why a copy could not be made (``sent.fault_of``)."""
_NOT_YET = N_("Their copy could not be made so far. Your wallet tries again by itself.")

_BY_HAND = frozenset({"by-hand", "carried", "sent", "unanswered", "undecided", "misfit", "undelivered"})
"""States in which an answer may come into the holder's hand."""

TITLES: Final[Mapping[str, str]] = {
    "": N_("Told what the document says"),
    "cancelled": N_("Told that it was cancelled"),
    "corrected": N_("Told the corrected details"),
}


def letter_view(body: Body, sent: Item[Sent] | None, at: int, words: Words, *, given_up: bool = False, fault: str = "") -> dict[str, Any]:
    """One line of the progress list; ``fault`` is why there is no copy."""
    value = None if sent is None else sent.value
    state = state_of(value, at, given_up=given_up)
    receipt, tried = _receipt(value), state == "waiting" and value is not None and value.tries > 0
    living = value is not None and at < value.expires_at
    then = _next(state, fault, tried=tried, living=living)
    return {
        "name": body.name,
        "entity": body.entity,
        "use": body.use,
        "state": state,
        "words": words._(STATES[state][0]),
        "colour": STATES[state][1],
        "next": words._(then) if then else "",
        "why": words._(FAULTS[fault]) if state == "never" and fault in FAULTS and fault != "copies" else _why(value, words),
        "answer_by": words.dates.date(value.answer_by) if value is not None and value.answer_by and state in {"sent", "unanswered"} else "",
        "made": value.copy if value is not None and (tried or state in {"by-hand", "undelivered"}) and living else "",
        "hand_in": sent.id if sent is not None and state in {"waiting", "carried"} and living else "",
        "again": state in {"undelivered", "carried"} and not living,
        "given": value.jti if value is not None and (tried or state in _BY_HAND) else "",
        "key": body.key,
        "receipt": receipt if state in {"accepted", "refused", "called-back", "undecided"} else None,
        "about_at": body.about_at,
        "token": "" if value is None else value.receipt,
    }


def _next(state: str, fault: str, *, tried: bool, living: bool) -> str:
    if state == "no-copy":
        return FAULTS.get(fault, _NOT_YET)
    over = "" if living else {"carried": "run-out", "undelivered": "lapsed"}.get(state, "")
    return NEXT.get("tried" if tried else over or state, "")


def _why(sent: Sent | None, words: Words) -> str:
    if sent is None or not sent.reason or sent.problem:
        return ""
    return why(sent.reason, words)


def why(code: str, words: Words) -> str:
    """The sentence for the reason in a receipt; empty where there is none."""
    code = inbox.WAITS if code == "restrictions_to_read" else code
    if code in inbox.REASONS:
        return inbox.REASONS[code].in_(words.locale)
    return words._(REASONS.get(code, _UNKNOWN)) if code else ""


def misfit(problem: str, words: Words) -> str:
    """The sentence for what is wrong with a receipt (``Entry.receipt_problem``)."""
    return words._(MISFITS.get(problem.partition(":")[0], _UNCHECKED))


def _receipt(sent: Sent | None) -> Receipt | None:
    """What the receipt says; whether it fits was checked when it came."""
    if sent is None or not sent.receipt or sent.problem:
        return None
    try:
        return peek_receipt(sent.receipt)
    except VcError:
        return None
