"""Decisions in words for people, once for pages, programs and terminals. Texts are marked with ``N_`` and translated where they are shown.

A sentence never claims more than was checked: what was not checked is said, also below a yes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from shared.credentials import DISPUTED, CredentialType
from shared.credentials._roles import acting
from shared.days import day_text
from shared.errors import OutsideScope, WrongAudience
from shared.sealed_link import made_for
from shared.verify import Check, Level

Translate = Callable[[str], str]


def N_(text: str) -> str:  # noqa: N802 - the name that extraction tools know; ours, because the terminal loads no Babel
    """Mark ``text`` for translation without translating it now."""
    return text


VERDICTS: Final[Mapping[str, str]] = {
    "accepted": N_("You can rely on this"),
    "rejected": N_("Do not rely on this"),
    "undecided": N_("Can’t tell yet"),
}

A_COPY: Final = N_("Genuine, but only a copy: it does not show who brings it")
"""Levels 0 and 1 are never a whole yes."""

PASSED: Final[Mapping[str, str]] = {
    "time": N_("The clock here is in order."),
    "parse": N_("It has the form that was expected."),
    "issuer_trust": N_("It comes from an issuer that we trust for this kind of document."),
    "signature": N_("The issuer signed it, and nothing was changed since."),
    "validity": N_("It is in date."),
    "disclosures": N_("Every detail shown is one that the issuer signed."),
    "holder_binding": N_("Its holder showed it, to us, for this."),
    "status": N_("The issuer has neither cancelled it nor put it on hold."),
    "type_rules": N_("It serves this purpose, and none of its limits was left out."),
    "request": N_("Everything asked for was shown, and nothing more."),
}
"""What a check found by its name, when it passed."""

OPEN: Final[Mapping[str, str]] = {
    "time": N_("We could not check the clock here."),
    "parse": N_("We could not check its form."),
    "issuer_trust": N_("We could not check who issued it."),
    "signature": N_("We could not check the issuer’s signature."),
    "validity": N_("We could not check whether it is in date."),
    "disclosures": N_("We could not check the details shown."),
    "holder_binding": N_("We could not check who showed it."),
    "status": N_("We could not check whether it was cancelled."),
    "type_rules": N_("We could not check whether it serves this purpose."),
    "request": N_("We could not check whether it is what was asked for."),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a check did not pass, and what to do next."""

    why: str
    next: str = ""


_ASK_AGAIN = N_("Ask for it again. If that does not help, ask for the document on paper.")
_ASK_ISSUER = N_("Ask the holder for another copy, or ask the issuer.")

REASONS: Final[Mapping[str, Reason]] = {
    "malformed": Reason(N_("This is not a document that can be read here, or it was damaged on the way."), _ASK_AGAIN),
    "too_large": Reason(N_("This is larger than any such document."), _ASK_AGAIN),
    "rejected": Reason(N_("A check failed."), _ASK_AGAIN),
    "bad_signature": Reason(N_("It was changed after it was signed, or somebody else signed it."), _ASK_ISSUER),
    "algorithm_refused": Reason(N_("It was signed in a way that is not safe enough."), _ASK_ISSUER),
    "wrong_typ": Reason(N_("This is a signed object of another kind."), _ASK_AGAIN),
    "untrusted": Reason(
        N_("Nobody whom we trust issued it."), N_("Ask for a document from an issuer that is listed under “Who we trust”.")
    ),
    "not_entitled": Reason(
        N_("Its issuer is known, but not trusted to say this."),
        N_("Ask for a document from an issuer that is listed under “Who we trust”."),
    ),
    "purpose_not_carried": Reason(
        N_("It was given to a body before us for a purpose that was not handed over."), N_("Ask the holder, for a purpose of our own.")
    ),
    "metadata_policy": Reason(
        N_("What its issuer says of itself is not as those above it demand."), N_("Ask for it on paper, and tell the issuer.")
    ),
    "certificate_revoked": Reason(N_("Its issuer’s certificate was withdrawn."), _ASK_ISSUER),
    "expired": Reason(N_("It has run out."), N_("Ask the holder to collect a fresh copy and show that.")),
    "not_yet_valid": Reason(N_("It may not be used yet."), N_("Look at the dates: it may be good later.")),
    "bad_disclosure": Reason(N_("Details were put in that do not belong to it."), _ASK_ISSUER),
    "not_bound": Reason(N_("Nobody proved to be its holder."), N_("Ask the holder to show it from their own wallet.")),
    "wrong_audience": Reason(N_("It was made out to someone else."), N_("Ask the holder for a copy made out to us.")),
    "wrong_nonce": Reason(N_("It answers another request."), N_("Make a new request and have it answered.")),
    "stale_binding": Reason(N_("The holder signed it too long ago."), N_("Ask the holder to show it again.")),
    "other_presentation": Reason(N_("The holder signed another selection of details."), N_("Ask the holder to show it again.")),
    "replayed": Reason(
        N_("It was shown here before, or answers no question that is open here."),
        N_("Each is good once. Ask the holder to show it again."),
    ),
    "purpose_mismatch": Reason(N_("It was made for another purpose."), N_("Ask the holder for a copy made for this purpose.")),
    "revoked": Reason(N_("The issuer has cancelled it."), N_("Do not act on it. If the holder disagrees, they can ask the issuer.")),
    "suspended": Reason(N_("The issuer has put it on hold."), N_("Do not act on it now. It may become good again: check later.")),
    "status_index_out_of_range": Reason(N_("The issuer’s list of cancelled documents does not know it."), _ASK_ISSUER),
    "unknown_credential_type": Reason(N_("This kind of document is not known here."), N_("Ask for a kind of document that is.")),
    "type_rule_broken": Reason(N_("What it says does not fit together, or a limit is missing."), _ASK_ISSUER),
    "wrong_instrument": Reason(N_("This kind of authority is not enough for this purpose."), N_("Ask for a document that covers it.")),
    "outside_scope": Reason(
        N_("It does not cover this purpose, or that was not shown."), N_("Ask whether the holder can show that it covers this.")
    ),
    "needs_grant": Reason(
        N_("This needs a grant of probate, or proof that the estate is small."),
        N_("Ask for the grant. Until then, do only what needs none."),
    ),
    "outside_permission": Reason(N_("The permission does not cover this."), N_("Ask for a permission that covers it, and tell nothing.")),
    "request_not_satisfied": Reason(N_("Something that was asked for is missing."), N_("Make a new request and have it answered.")),
    "other_instrument": Reason(
        N_("It is of another power or estate than the first person’s document."),
        N_("Each of them has to show their document of the same one. Ask the next person again."),
    ),
    "different_people": Reason(
        N_("The documents that were shown name different people as their holder."),
        N_("Each has to be the holder’s own. Ask for the right one."),
    ),
    "not_agreed": Reason(
        N_("The holder did not agree to what was asked, or agreed to something else."), N_("Make a new request and have it answered.")
    ),
    "over_disclosed": Reason(
        N_("More was shown than was asked for."), N_("Ask for it again, so that only what is needed is shown. Nothing was kept.")
    ),
    "bundle_rolled_back": Reason(
        N_("The checking pack is older than one used here before, or does not follow it."), N_("Fetch the newest checking pack.")
    ),
    "history_rewritten": Reason(N_("A record was changed afterwards."), N_("Tell whoever looks after this service.")),
    "undecided": Reason(N_("A check could not be made."), N_("Try again later.")),
    "status_unknown": Reason(
        N_("We have no usable list of this issuer’s cancelled documents."), N_("Fetch the lists again, then check once more.")
    ),
    "status_list_too_short": Reason(
        N_("The issuer’s list of cancelled documents is so short that it would tell whose document is checked."),
        N_("Ask the issuer, or ask for another document."),
    ),
    "issuer_keys_unknown": Reason(N_("We have not looked up this issuer’s keys yet."), N_("Fetch the lists, then check once more.")),
    "status_stale": Reason(
        N_("Our list of cancelled documents is older than this purpose allows."), N_("Fetch the lists again, then check once more.")
    ),
    "clock_behind": Reason(N_("The clock here runs far behind."), N_("Put the clock right, then check once more.")),
    "bundle_stale": Reason(N_("The checking pack is too old to begin with."), N_("Fetch a new checking pack, then check once more.")),
    "snapshot_stale": Reason(
        N_("What we know of this issuer’s certificates has run out."), N_("Fetch a new checking pack, then check once more.")
    ),
    "snapshot_missing": Reason(
        N_("The checking pack does not say which certificates of this issuer are in force."),
        N_("Fetch a new checking pack, then check once more."),
    ),
    "bundle_incomplete": Reason(N_("The checking pack lacks a part."), N_("Fetch a new checking pack, then check once more.")),
    "crl_stale": Reason(N_("Our list of withdrawn certificates has run out."), N_("Fetch a new checking pack, then check once more.")),
    "ambiguous_match": Reason(
        N_("Names and dates of birth alone do not say who is meant."),
        N_("Ask for one more item, such as a postcode or a reference. A person decides."),
    ),
    "needs_more_attorneys": Reason(
        N_("More than one person must act together, and the others have not agreed yet."), N_("Ask for the other people’s documents too.")
    ),
    "needs_capacity_evidence": Reason(
        N_("It may be used only once the person acted for can no longer decide."), N_("Ask for the evidence that this is so.")
    ),
    "restricted_undisclosed": Reason(
        N_("There is a limit that was not shown."), N_("Ask the holder to show it again with its restrictions.")
    ),
    "not_determined": Reason(N_("What is known only in part does not settle this."), N_("Ask for another proof, or decide by hand.")),
    "restrictions_to_read": Reason(
        N_("There are restrictions in words, and somebody has to read them."), N_("Read them below, and decide whether they allow this.")
    ),
    "not_reached": Reason(N_("An earlier check has to pass first.")),
    "not_asked": Reason(N_("Nothing was asked for beforehand: look whether it shows what you need.")),
    "no_status": Reason(N_("Documents of this kind are never cancelled; they only run out.")),
    "bearer": Reason(N_("Who brought it: it was made for whoever holds it.")),
}

REMARKS: Final[Mapping[str, str]] = {
    "clock_behind": N_("The clock here runs a little behind; the checking pack’s date was used."),
    "small_status_list": N_("The issuer’s list is so short that whoever serves it could tell whose document was checked."),
    "authority_ended": N_("The issuer may no longer make such documents; it might when it made this one."),
    "succeeded": N_("Another body has taken over from the issuer since."),
    "copy_seen": N_("This very copy was shown here before; a wallet shows a fresh one as long as it has any."),
    "disputed": N_("Its holder says that a detail is wrong; the issuer is looking at it."),
}

LEVELS: Final[Mapping[Level, str]] = {
    Level.LIVE: N_("Shown live to you: whoever controls the holder’s wallet answered this request just now."),
    Level.RELAYABLE: N_(
        "Shown live, could be passed on: somebody who controls the holder’s wallet answered this desk’s code, perhaps earlier or from elsewhere."
    ),
    Level.ADDRESSED: N_("A copy made out to you: its holder made it for you and for this purpose, not necessarily today."),
    Level.BEARER: N_("A copy anyone may hold: nothing proves who brought it."),
}

SEEN: Final[Mapping[str, str]] = {
    "checked": N_("It was not shown here before."),
    "unchecked": N_("Whether it was shown before was not checked."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One check as a page or a terminal shows it."""

    name: str
    state: str
    text: str
    next: str = ""


def line_of(check: Check, translate: Translate = N_) -> Line:
    """What one check found, in a sentence; what to do about it, if it did not pass."""
    if check.state == "passed":
        text = translate(PASSED[check.name])
        if check.code in REMARKS:
            text = f"{text} {translate(REMARKS[check.code])}"
        return Line(name=check.name, state=check.state, text=text)
    reason = (
        reason_of(check.code, check.detail) if check.code in REASONS else REASONS["rejected" if check.state == "failed" else "undecided"]
    )
    if check.state == "failed":
        why, name = translate(reason.why), made_for(check.detail)
        if name and check.code == WrongAudience.code:
            why = f"{why} {translate(N_('It was made for {name}.')).format(name=name)}"
        return Line(name=check.name, state=check.state, text=why, next=translate(reason.next) if reason.next else "")
    text = f"{translate(OPEN[check.name])} {translate(reason.why)}" if check.needed else translate(reason.why)
    return Line(name=check.name, state=check.state, text=text, next=translate(reason.next) if reason.next else "")


def tables(translate: Translate = N_) -> dict[str, Any]:
    """The sentences above, translated, as scripts look them up: by name of a check, by code, by number of a level."""
    return {
        "verdicts": {name: translate(text) for name, text in VERDICTS.items()},
        "copy": translate(A_COPY),
        "passed": {name: translate(text) for name, text in PASSED.items()},
        "open": {name: translate(text) for name, text in OPEN.items()},
        "remarks": {code: translate(text) for code, text in REMARKS.items()},
        "reasons": {code: [translate(reason.why), translate(reason.next) if reason.next else ""] for code, reason in REASONS.items()},
        "levels": {str(each.number): translate(text) for each, text in LEVELS.items()},
        "seen": {name: translate(text) for name, text in SEEN.items()},
        "dates": translate(PACK_DATED),
        "lists": translate(LIST_DATED),
    }


def reason_of(code: str, detail: str = "") -> Reason:
    """Why a decision is not a yes; ``detail`` is that of the check which failed, where it is still kept."""
    if code == OutsideScope.code and detail.startswith(_DIED_AFTER):
        return Reason(N_("They died after the day that was asked about."), "")
    return REASONS.get(code, REASONS["undecided"])


def detail_of(verdict: Mapping[str, Any]) -> str:
    """What was said by the check that decided; empty where none did."""
    return next((line["detail"] for line in verdict["checks"] if line["code"] == verdict["code"] != ""), "")


# --- times -----------------------------------------------------------------------------------------------------------------------------

_DIED_AFTER: Final = "the person died after "
_UNITS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def moment_text(at: int) -> str:
    """``26 November 2026 00:31 UTC``, for terminals and programs."""
    when = datetime.fromtimestamp(at, UTC)
    return f"{day_text(when.date())} {when:%H:%M} UTC"


def age_text(seconds: int) -> str:
    """``2 minutes``: the largest unit that fits."""
    for size, unit in _UNITS:
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "0 seconds"


@dataclass(frozen=True, slots=True)
class Spoken:
    """How a reader is spoken to: translation, and instants and ages in words."""

    translate: Translate = N_
    moment: Callable[[int], str] = moment_text
    age: Callable[[int], str] = age_text
    locale: str = "en"


_ACTING: Final = N_("acting for %(name)s as %(role)s")
_ESTATE: Final = N_("dealing with the estate of %(name)s as %(role)s")
_FOR: Final = N_("acting for %(name)s")


def acting_words(kind: CredentialType, claims: Mapping[str, Any], spoken: Spoken) -> str:
    """For whom, and as what, whoever showed it acts; empty where the kind says nothing of it, or no name was shown."""
    found = acting(kind, claims)
    if found is None or not found.name:
        return ""
    role = "" if found.role is None else found.role.in_(spoken.locale)
    words = _FOR if not role else _ESTATE if found.estate else _ACTING
    return spoken.translate(words) % {"name": found.name, "role": role}


PACK_DATED: Final = N_("Checked with the checking pack dated {moment}, {age} old.")
LIST_DATED: Final = N_("The list of cancelled documents is of {moment}, {age} old; what was cancelled since is not known here.")


LIST_WITHIN: Final = N_("It is relied on until {moment}, or until a newer one comes.")


def knowledge(verdict: Mapping[str, Any], spoken: Spoken = Spoken(), *, within: int | None = None) -> str:
    """How old the knowledge is that a rendered verdict rests on, and until when, where a list may be ``within`` seconds old."""
    said = []
    pack, status = verdict["pack"], verdict["status"]
    if pack is not None:
        said.append(spoken.translate(PACK_DATED).format(moment=spoken.moment(pack["as_of"]), age=spoken.age(pack["age"])))
    if status is not None:
        said.append(spoken.translate(LIST_DATED).format(moment=spoken.moment(status["as_of"]), age=spoken.age(status["age"])))
        if within is not None:
            said.append(spoken.translate(LIST_WITHIN).format(moment=spoken.moment(status["as_of"] + within)))
    elif pack is None:
        said.append(spoken.translate(N_("No list of cancelled documents was used.")))
    return " ".join(said)


def sentence(verdict: Mapping[str, Any], spoken: Spoken = Spoken()) -> str:
    """The verdict in one line: whether to rely on it, and if not, why not and what to do next."""
    words = spoken.translate(VERDICTS[verdict["decision"]])
    if verdict["decision"] == "accepted":
        told = f"{words if verdict['level']['number'] > 1 else spoken.translate(A_COPY)}."
        return " ".join(filter(None, (told, disputed(verdict, spoken))))
    reason = reason_of(verdict["code"], detail_of(verdict))
    told = f"{words}: {_lower(spoken.translate(reason.why))}"
    return " ".join(filter(None, (told, spoken.translate(reason.next) if reason.next else "", disputed(verdict, spoken))))


def disputed(verdict: Mapping[str, Any], spoken: Spoken = Spoken()) -> str:
    """That the holder says a detail is wrong, where the document says so. It decides nothing."""
    said = any(check.state == "passed" and check.code == DISPUTED for check in checks_of(verdict))
    return spoken.translate(REMARKS[DISPUTED]) if said else ""


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def level(name: str, *, seen: str, spoken: Spoken = Spoken()) -> str:
    """What it proves about whoever showed it. ``seen`` is ``checked``, ``unchecked`` or empty where each answer is good once anyway."""
    text = spoken.translate(LEVELS[Level(name)])
    return f"{text} {spoken.translate(SEEN[seen])}" if seen else text


def open_lines(verdict: Mapping[str, Any]) -> list[Check]:
    """What was not checked, also below a yes."""
    return [check for check in checks_of(verdict) if check.state == "unchecked" and check.code != "not_reached"]


def checks_of(verdict: Mapping[str, Any]) -> list[Check]:
    """The lines of a rendered verdict."""
    return [Check(**line) for line in verdict["checks"]]
