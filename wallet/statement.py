"""The holder's statement for one year: who asked, for what, who asked for more than is registered, who still keeps what and until when.

It is made from the history and the receipts in it, and from nothing else: what a body did without asking, no wallet knows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from shared.clock import DAY
from shared.errors import Replayed, VcError
from shared.receipts import Receipt, peek_receipt
from wallet.entries import ClaimNames, Entry, Sealed, Words
from wallet.given import open_desk_receipt
from wallet.known_uses import OTHER_USE, UNREGISTERED
from wallet.logs import LogSeen, apart

SCHEMA: Final = "urn:muniment:wallet-statement:1"
ASKED: Final = frozenset({"presentation", "addressed-copy"})
"""Kinds of lines that tell of somebody who was to see something; an answer to a copy belongs to the line of the copy."""
PASSED_ON: Final = "told-by-permission"


class AskedBy(msgspec.Struct, frozen=True, kw_only=True):
    """One body and one of its uses. ``declined`` counts what the holder did not share, ``failed`` what was sent without a good end: of that,
    ``may_have_seen`` names what they had not ``seen`` anyway. ``provisional`` counts what a desk without a network gave a receipt for, and
    nobody has confirmed.

    ``left_out`` names what was asked for beyond the registration, ``unregistered`` what was asked without any for it; ``standing`` is the
    registration's, as of the last time.
    """

    entity: str
    name: str
    use: str
    purpose: tuple[Words, ...] = ()
    first: int
    last: int
    shared: int = 0
    declined: int = 0
    failed: int = 0
    provisional: int = 0
    seen: tuple[ClaimNames, ...] = ()
    may_have_seen: tuple[ClaimNames, ...] = ()
    left_out: tuple[str, ...] = ()
    unregistered: tuple[ClaimNames, ...] = ()
    standing: str = ""


class Keeps(msgspec.Struct, frozen=True, kw_only=True):
    """What a body keeps by its own word: ``what`` in that of a receipt, or what it saw, as ``names``, where its receipt names no part of it.
    Where none came ``by`` is ``register``, or ``unknown`` where it registered no time either: it may keep all that it saw. ``provisional``
    where a desk gave one without a network, which names neither: until it is confirmed it is all that was seen, for the time registered.

    ``until`` is ``None`` where it says no end, ``longer`` where that is more than it registered; ``seq`` is the line of the history, 0 while nobody was
    heard yet.
    """

    entity: str
    name: str
    use: str
    longer: bool = False
    what: tuple[str, ...] = ()
    names: tuple[ClaimNames, ...] = ()
    until: int | None
    by: str
    seq: int


class PassedOn(msgspec.Struct, frozen=True, kw_only=True):
    """What ``entity`` told ``recipient`` by a permission, by its receipt: kinds of details, never what they say."""

    entity: str
    name: str
    recipient: str
    what: tuple[str, ...]
    at: int
    seq: int


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """A body that changed its own record after it gave receipts, and the signed heads that show it."""

    entity: str
    noticed_at: int
    lines: tuple[int, ...]
    evidence: tuple[str, ...]


class NotCompared(msgspec.Struct, frozen=True, kw_only=True):
    """A body that gave receipts, of whose own record nobody can tell what became of it ``since``, 0 for ever; ``fault`` is why (``logs.apart``)."""

    entity: str
    since: int
    fault: str


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """Of ``holder`` for the calendar year ``year`` (UTC). ``keeping`` is as of ``made_at``, from whichever year it is.

    ``intact`` says that no line of the history was changed or taken out.
    """

    schema: str
    holder: str
    year: int
    made_at: int
    intact: bool
    asked: tuple[AskedBy, ...]
    keeping: tuple[Keeps, ...]
    changed_records: tuple[Changed, ...] = ()
    not_compared: tuple[NotCompared, ...] = ()
    passed_on: tuple[PassedOn, ...] = ()

    @property
    def asked_for_more(self) -> tuple[AskedBy, ...]:
        """Those who asked for what they had not registered."""
        return tuple(each for each in self.asked if each.left_out or each.unregistered)


def year_of(at: int) -> int:
    """The calendar year, UTC."""
    return dt.datetime.fromtimestamp(at, dt.UTC).year


def years(lines: Sequence[Sealed]) -> list[int]:
    """Those in which somebody asked, newest first."""
    return sorted({year_of(line.entry.time) for line in lines if line.entry.transaction_type in {*ASKED, PASSED_ON}}, reverse=True)


def make(lines: Sequence[Sealed], *, holder: str, year: int, at: int, intact: bool, logs: Mapping[str, LogSeen] | None = None) -> Statement:
    """The statement for ``year``, as of ``at``; ``lines`` are the whole history, oldest first."""
    rows: dict[tuple[str, str], _Row] = {}
    provisional = _provisional(lines)
    for entry in (
        line.entry for line in as_it_came_out(lines) if line.entry.transaction_type in ASKED and year_of(line.entry.time) == year
    ):
        rows.setdefault((entry.interacting_party_identifier.identifier, entry.intended_use_identifier), _Row()).entries.append(entry)
    known = logs or {}
    changed = (each for each in known.values() if each.broken_at)
    passed = [line.entry for line in lines if line.entry.transaction_type == PASSED_ON and year_of(line.entry.time) == year]
    return Statement(
        schema=SCHEMA,
        holder=holder,
        year=year,
        made_at=at,
        intact=intact,
        asked=tuple(sorted((row.told(provisional) for row in rows.values()), key=lambda one: (one.name.casefold(), one.use))),
        keeping=tuple(sorted(_keeping(lines, at), key=lambda one: (one.name.casefold(), one.use, one.seq))),
        changed_records=tuple(
            Changed(entity=each.entity, noticed_at=each.broken_at, lines=each.broken, evidence=each.evidence) for each in changed
        ),
        not_compared=tuple(
            NotCompared(entity=entity, since=since, fault=fault) for entity, (since, fault) in sorted(apart(known, lines).items())
        ),
        passed_on=tuple(_passed_on(entry, names) for entry in passed for names in entry.claims_presented),
    )


def as_it_came_out(lines: Sequence[Sealed]) -> list[Sealed]:
    """The lines, with copies failed whose letters were not delivered: a later line says so, which no receipt does, whatever is wrong with it."""
    answers = (line.entry for line in lines if line.entry.transaction_type == "answer")
    lost = {entry.transaction_identifier for entry in answers if entry.reason_of_noncompletion}
    return [
        msgspec.structs.replace(line, entry=msgspec.structs.replace(line.entry, transaction_result="failed"))
        if line.entry.transaction_type == "addressed-copy" and line.entry.transaction_identifier in lost
        else line
        for line in lines
    ]


def _passed_on(entry: Entry, names: ClaimNames) -> PassedOn:
    return PassedOn(
        entity=entry.interacting_party_identifier.identifier,
        name=entry.interacting_party_name or entry.interacting_party_identifier.identifier,
        recipient=names.credential_identifier,
        what=tuple(names.claims),
        at=entry.time,
        seq=entry.seq,
    )


@dataclass(slots=True)
class _Row:
    """The lines of one body and one use, oldest first."""

    entries: list[Entry] = field(default_factory=list)

    def told(self, provisional: Mapping[str, Entry]) -> AskedBy:
        last = self.entries[-1]
        results = [entry.transaction_result for entry in self.entries]
        known = [entry.registered for entry in self.entries if entry.registered]
        seen = self._shown("success")
        return AskedBy(
            entity=last.interacting_party_identifier.identifier,
            name=last.interacting_party_name or last.interacting_party_identifier.identifier,
            use=last.intended_use_identifier,
            purpose=next((entry.purpose for entry in reversed(self.entries) if entry.purpose), ()),
            first=self.entries[0].time,
            last=last.time,
            shared=results.count("success"),
            declined=results.count("declined"),
            failed=results.count("failed"),
            provisional=sum(entry.transaction_identifier in provisional for entry in self.entries),
            seen=seen,
            may_have_seen=_without(self._shown("failed"), seen),
            left_out=tuple(dict.fromkeys(name for each in known for name in each.left_out)),
            unregistered=_joined(
                names
                for entry in self.entries
                if entry.registered and entry.registered.standing in {UNREGISTERED, OTHER_USE}
                for names in entry.claims_requested
            ),
            standing=known[-1].standing if known else "",
        )

    def _shown(self, result: str) -> tuple[ClaimNames, ...]:
        return _joined(names for entry in self.entries if entry.transaction_result == result for names in entry.claims_presented)


def _without(all_names: Iterable[ClaimNames], others: Iterable[ClaimNames]) -> tuple[ClaimNames, ...]:
    known = {each.credential_identifier: each.claims for each in others}
    left = (
        msgspec.structs.replace(
            each, claims=tuple(claim for claim in each.claims if claim not in known.get(each.credential_identifier, ()))
        )
        for each in all_names
    )
    return tuple(each for each in left if each.claims)


def _joined(all_names: Iterable[ClaimNames]) -> tuple[ClaimNames, ...]:
    """Each name once, under the kind of document that it is of."""
    found: dict[str, dict[str, None]] = {}
    for names in all_names:
        found.setdefault(names.credential_identifier, {}).update(dict.fromkeys(names.claims))
    return tuple(ClaimNames(credential_identifier=kind, claims=tuple(claims)) for kind, claims in found.items())


def _keeping(lines: Sequence[Sealed], at: int) -> list[Keeps]:
    """What is kept still: the longest of what a body says of the same things; where it gave no receipt, what its registration says, if any.

    Of several receipts for one thing that was shown the newest counts.
    """
    longest: dict[tuple[object, ...], Keeps] = {}
    answered, provisional = _answered(lines), _provisional(lines)
    days, over = registered_days(lines), _overtaken(lines)
    seen = {line.entry.transaction_identifier: line.entry.claims_presented for line in lines if line.entry.transaction_type in ASKED}
    for entry in (line.entry for line in lines if line.entry.seq not in over):
        about = entry.transaction_identifier
        found = _kept_by(entry, days.get(about), answered=about in answered, seen=seen.get(about, ()), desk=provisional.get(about))
        if found is None or (found.until is not None and found.until <= at):
            continue
        key = found.entity, found.use, found.what, found.names, found.by
        known = longest.get(key)
        if known is None or (known.until is not None and (found.until is None or found.until >= known.until)):
            longest[key] = found
    return list(longest.values())


def _answered(lines: Sequence[Sealed]) -> set[str]:
    """What there is a good receipt for that an organisation signed itself, by transaction."""
    return {line.entry.transaction_identifier for line in lines if line.entry.receipt and not line.entry.receipt_problem}


def _provisional(lines: Sequence[Sealed]) -> dict[str, Entry]:
    """The newest good receipt of a desk for each transaction, where its organisation has neither signed the same nor said otherwise."""
    answered, entries = _answered(lines), [line.entry for line in lines]
    heard = {entry.provisional for entry in entries if entry.provisional and entry.receipt}
    return {
        entry.transaction_identifier: entry
        for entry in entries
        if entry.provisional
        and not entry.receipt_problem
        and entry.provisional not in heard
        and entry.transaction_identifier not in answered
    }


def _overtaken(lines: Sequence[Sealed]) -> set[int]:
    """The lines of good receipts after which another came for the same. That a copy was there before takes back nothing that was said of it."""
    ranks: dict[str, list[tuple[bool, int, int]]] = {}
    for entry in (line.entry for line in lines):
        if entry.receipt and not entry.receipt_problem and entry.transaction_type in {*ASKED, "answer"}:
            receipt = peek_receipt(entry.receipt)
            rank = receipt.reason_code != Replayed.code, receipt.received_at, entry.seq
            ranks.setdefault(entry.transaction_identifier, []).append(rank)
    return {seq for each in ranks.values() for _, _, seq in sorted(each)[:-1]}


def registered_days(lines: Sequence[Sealed]) -> dict[str, int]:
    """For how many days it was registered that what was shown is kept, by transaction; an answer to a copy belongs to that of the copy."""
    known = {line.entry.transaction_identifier: line.entry.registered for line in lines if line.entry.registered}
    return {name: found.retention_days for name, found in known.items() if found.retention_days is not None}


def keeps_longer(entry: Entry, receipt: Receipt, days: int | None) -> bool:
    """Whether a body keeps what it saw longer than the ``days`` that it registered, by its own word; days are rounded.

    With a permission its giver agreed to more.
    """
    says = bool(receipt.claims_kept) or (receipt.keeps_all and receipt.retain_until is not None)
    if days is None or not says:
        return False
    agreed = max((each.kept_until or 0 for each in entry.agreed or ()), default=0)
    return receipt.retain_until is None or receipt.retain_until > max(receipt.received_at + (days + 1) * DAY, agreed)


def _kept_by(entry: Entry, days: int | None, *, answered: bool, seen: tuple[ClaimNames, ...], desk: Entry | None) -> Keeps | None:
    who = entry.interacting_party_identifier.identifier, entry.interacting_party_name or entry.interacting_party_identifier.identifier
    if entry.receipt and not entry.receipt_problem:
        receipt = peek_receipt(entry.receipt)
        names = seen if receipt.keeps_all else ()
        if not receipt.claims_kept and not names:
            return None
        return Keeps(
            entity=who[0],
            name=who[1],
            use=receipt.purpose_id,
            longer=keeps_longer(entry, receipt, days),
            what=tuple(receipt.claims_kept),
            names=names,
            until=receipt.retain_until,
            by="receipt" if receipt.claims_kept or receipt.retain_until is not None else "unknown",
            seq=entry.seq,
        )
    if answered or entry.transaction_type not in ASKED or not entry.claims_presented or entry.transaction_result == "declined":
        return None
    until, by = (None, "unknown") if days is None else (entry.time + days * DAY, "register")
    use, names, decision = entry.intended_use_identifier, entry.claims_presented, "" if desk is None else _decision(desk)
    if decision == "rejected":
        return None
    by, seq = ("provisional", desk.seq) if desk is not None and decision else (by, entry.seq)
    return Keeps(entity=who[0], name=who[1], use=use, names=names, until=until, by=by, seq=seq)


def _decision(desk: Entry) -> str:
    """What a desk's receipt says was decided; empty where it cannot be read, of which nothing is said."""
    try:
        return open_desk_receipt(desk.provisional or "").decision
    except VcError:
        return ""
