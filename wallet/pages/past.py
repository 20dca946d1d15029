"""The history: who was shown what and when, what they answered, and an export of it all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from aiohttp import web

from shared.credentials import Claim, ClaimPath, CredentialType, Text, all_types
from shared.errors import Missing, VcError
from shared.openid4vp import Agreement, category_text
from shared.receipts import peek_receipt
from shared.web.finding import fits, wanted_of
from shared.web.i18n import N_
from shared.web.pages import render
from wallet import cut_off, history, logs, register
from wallet.cards import iso_day
from wallet.consent import Agreeing, agreeing
from wallet.entries import AgreedTo, ClaimNames, Entry, Sealed, Words
from wallet.given import answers_to
from wallet.logs import LogSeen
from wallet.pages.asking import DECISIONS
from wallet.pages.desk import Desk
from wallet.pages.desk import Words as ReaderWords
from wallet.pages.given import at_desk
from wallet.pages.tell_words import REASONS, misfit, why
from wallet.showings import GROUP
from wallet.statement import ASKED, keeps_longer, registered_days

KINDS = {
    "presentation": N_("Shown"),
    "addressed-copy": N_("Copy made out"),
    "answer": N_("Their answer"),
    "issuance": N_("Collected"),
    "renewal": N_("New copies"),
    "correction": N_("Said to be wrong"),
    "removal": N_("Taken away"),
    "kept-on-phone": N_("Kept on a phone"),
    "lost-by-phone": N_("Lost by a phone"),
    "moved-off-phone": N_("Given up for a new phone"),
    "moved-to-phone": N_("Opened on a new phone"),
    "keeper-known": N_("Known who keeps it"),
    "told-by-permission": N_("Told by your permission"),
    "permission-withdrawn": N_("Permission taken back"),
    "backup-restored": N_("Restored from a backup"),
}
STANDINGS = {
    "registered": N_("registered to ask for this"),
    "other-use": N_("registered, but not to ask for this reason"),
    "unregistered": N_("nobody had registered what they may ask for"),
}
_CAME_TO = {
    **REASONS,
    history.UNHEARD: N_("Nobody knows whether it arrived."),
    history.UNSENT: N_("Your wallet could not sign it, so nothing was sent."),
}
UNFOLLOWED = {
    "stale": N_("The newest state of their record that they signed is more than two days old. What they entered since cannot be checked."),
    "not-published": N_("They publish nothing of their record that your wallet could check."),
    logs.NO_HEAD: N_("The receipt does not say where their record stood when they gave it."),
    "older": N_("They show an older state of their record than the one that your wallet saw before."),
    "": N_("Their record is long. Your wallet still follows it, and goes on by itself."),
}
"""Why nobody can tell whether a body changed its record (``logs.apart``), by its fault; anything else kept the wallet from looking."""
_NOT_SEEN = N_("Your wallet could not check their record when it last tried. It tries again by itself.")
RESULTS = {"success": N_("Done"), "declined": N_("Not shared"), "failed": N_("Did not work")}


class HistoryPages:
    """``/history``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: web.Application) -> None:
        """Register the pages."""
        app.router.add_get("/history", self.list)
        app.router.add_get("/history/export", self.export)
        app.router.add_get("/history/{seq:\\d{1,12}}", self.show)

    async def _lines(self, request: web.Request) -> tuple[list[Sealed], bool]:
        vault = (await self._desk.sitting(request)).vault
        return await history.read_checked(self._desk.means.storage, vault)

    async def _called(self, request: web.Request) -> Callable[[Entry], str]:
        """The name of the other side on a line, in the reader's language as far as the register knows that very name."""
        called = await register.calling(self._desk.means, self._desk.words(request).locale)
        return lambda entry: called(entry.interacting_party_identifier.identifier, entry.interacting_party_name)

    async def _logs(self, request: web.Request) -> dict[str, LogSeen]:
        return await logs.seen(self._desk.means, (await self._desk.sitting(request)).vault)

    async def list(self, request: web.Request) -> web.StreamResponse:
        means, vault = self._desk.means, (await self._desk.sitting(request)).vault
        lines, intact = await cut_off.read_checked(means, vault)
        wanted, kind = wanted_of(request.query), request.query.get("kind", "")
        called = await self._called(request)
        found = [line.entry for line in reversed(lines) if _fits(line, wanted, kind, called(line.entry))]
        known = await self._logs(request)
        apart = logs.apart(known, lines)
        return await render(
            request,
            "wallet/history.html",
            entries=found,
            called=called,
            total=len(lines),
            intact=intact,
            wanted=wanted,
            kind=kind,
            kinds=KINDS,
            results=RESULTS,
            changed=logs.broken(known),
            apart={name: apart[entity][0] for entity, name in _names(lines, list(apart), called).items()},
            changed_by=_names(lines, [each.entity for each in known.values() if each.broken_at], called),
        )

    async def show(self, request: web.Request) -> web.StreamResponse:
        lines, _ = await self._lines(request)
        seq = int(request.match_info["seq"])
        line = next((line for line in lines if line.entry.seq == seq), None)
        if line is None:
            raise Missing("there is no such line in this history")
        words, receipt = self._desk.words(request), _receipt(line.entry.receipt)
        told = logs.told_on(line)
        record = None if told is None else (await self._logs(request)).get(told.said.entity)
        return await render(
            request,
            "wallet/entry.html",
            record=record,
            compared_at=record.checked_at if record is not None and line.entry.seq <= record.settled else 0,
            unfollowed=_unfollowed(line, record),
            entry=line.entry,
            called=await self._called(request),
            reason=_reason(line.entry, words),
            kinds=KINDS,
            results=RESULTS,
            purpose=said(_purpose(line.entry, lines), words.locale),
            requested=labels(line.entry.claims_requested, words.locale),
            presented=labels(line.entry.claims_presented, words.locale),
            agreed=[_agreement(one, words.locale) for one in line.entry.agreed or ()],
            registered=line.entry.registered or None,
            standings=STANDINGS,
            benefit=said(line.entry.registered.benefit if line.entry.registered else (), words.locale),
            could_stop=said(line.entry.registered.could_we_stop_asking if line.entry.registered else (), words.locale),
            receipt=receipt,
            keeps_longer=receipt is not None
            and not line.entry.receipt_problem
            and keeps_longer(line.entry, receipt, registered_days(lines).get(line.entry.transaction_identifier)),
            misfit=partial(misfit, words=words),
            why="" if receipt is None else why(receipt.reason_code, words),
            answers=answers_to(lines, line.entry) if line.entry.transaction_type in ASKED else [],
            decisions=DECISIONS,
            desk=at_desk(line.entry, lines, words, at=self._desk.means.clock()),
        )

    async def export(self, request: web.Request) -> web.StreamResponse:
        sitting, at = await self._desk.sitting(request), self._desk.means.clock()
        lines, _ = await self._lines(request)
        name = f"history-{iso_day(at)}.json"
        return web.Response(
            body=history.export(lines, holder=sitting.holder, at=at),
            content_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def _purpose(entry: Entry, lines: Sequence[Sealed]) -> tuple[Words, ...]:
    """As it was said; an answer is to what was asked for that."""
    same = (line.entry for line in lines if line.entry.transaction_identifier == entry.transaction_identifier)
    return entry.purpose or (next((each.purpose for each in same if each.purpose), ()) if entry.transaction_identifier else ())


def _reason(entry: Entry, words: ReaderWords) -> str:
    """Why it did not work, or what else is to say of it, in a sentence; of a showing that failed what the other side said, where it is no code of ours."""
    code, _, detail = entry.reason_of_noncompletion.partition(": ")
    if entry.transaction_type == "backup-restored":
        made_at = entry.reason_of_noncompletion.rpartition(" ")[2]
        return words._("The backup was made on {day}.").format(day=words.dates.date(int(made_at))) if made_at.isdigit() else ""
    if not code or entry.transaction_result == "declined":
        return ""
    if entry.transaction_type == "answer":
        over = detail in {"expired", "lost"}
        return words._("They could not be reached until the copy ran out.") if over else words._("Their inbox did not take it.")
    if entry.transaction_type == "presentation":
        said = detail or code  # of some other side that has no codes
        return words._(_CAME_TO[code]) if code in _CAME_TO else said[:1].upper() + said[1:]
    return words._("What was sent did not pass the check of your wallet, so it was not kept.")


def _unfollowed(line: Sealed, record: LogSeen | None) -> str:
    if logs.is_headless(line):
        return UNFOLLOWED[logs.NO_HEAD]
    return UNFOLLOWED.get(record.fault, _NOT_SEEN) if record is not None and record.apart else ""


def said(words: tuple[Words, ...], locale: str) -> str:
    """In the reader's language, else in English; empty where nothing is said."""
    by_lang = {one.lang: one.content for one in words}
    return by_lang.get(locale, by_lang.get("en", ""))


def _names(lines: Sequence[Sealed], entities: Sequence[str], called: Callable[[Entry], str]) -> dict[str, str]:
    """By identifier, what these bodies are called in the history."""
    names = {line.entry.interacting_party_identifier.identifier: called(line.entry) for line in lines}
    return {entity: names.get(entity) or entity for entity in entities}


def _fits(line: Sealed, wanted: str, kind: str, called: str) -> bool:
    entry = line.entry
    said = [called, entry.interacting_party_name, entry.interacting_party_identifier.identifier, *(one.content for one in entry.purpose)]
    return fits(wanted, said) and kind in {"", entry.transaction_type}


def labels(names: tuple[ClaimNames, ...], locale: str) -> list[str]:
    """Names of claims as the type calls them."""
    labels: dict[str, None] = {}
    for one in names:
        kind = all_types().get(one.credential_identifier) or _of_name(one.credential_identifier)
        for name in one.claims:
            if name.startswith(GROUP):
                labels[_group(kind, name.removeprefix(GROUP), locale)] = None
                continue
            path = tuple(None if part == "*" or part.isdigit() else part for part in name.removeprefix("credentialSubject/").split("/"))
            claim = _claim(kind, path) if kind else None
            labels[claim.label.in_(locale) if claim else category_text(name, locale)] = None
    return list(labels)


def _of_name(name: str) -> CredentialType | None:
    """Of an mdoc, which was asked for by its doctype, or a document of the W3C's data model, by its type."""
    return next((kind for kind in all_types().values() if name in {kind.doctype, kind.vcdm_type}), None)


def _claim(kind: CredentialType, path: ClaimPath) -> Claim | None:
    """By its path, or by its name space and element."""
    element = path[1] if len(path) == 2 and path[0] == kind.doctype else None
    return kind.claim(path) or next((claim for claim in kind.claims if claim.mdoc_element == element is not None), None)


def _agreement(agreed: AgreedTo, locale: str) -> Agreeing:
    words = {one.lang: one.content for one in agreed.statement}
    return agreeing(Agreement(statement=Text(words["en"], words["cy"]), reference=agreed.reference), locale)


def _group(kind: CredentialType | None, name: str, locale: str) -> str:
    return next((group.label.in_(locale) for group in (kind.groups if kind else ()) if group.id == name), name)


def _receipt(token: str) -> Any:
    try:
        return peek_receipt(token) if token else None
    except VcError:
        return None
