"""The attorney's side: what was done for a donor is reported to her, by the clock and whether or not there was anything (security rule S27).

At each hour that was settled for new copies one report goes to the office's box, sealed to the donor's key, always of the same size. What
finds no room in it, or finds nobody to seal it to, waits for the next. Nothing is ever sent because of a use. Once the document has ended, or was
removed from the wallet, ``LAST`` more come whatever is left to tell: their number tells nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec

from shared import donor
from shared.clock import DAY
from shared.codec.reader import get_int, get_object
from shared.credentials._reports import TAG
from shared.donor import Use
from shared.errors import Missing, Refused, VcError
from shared.jose import jwk
from shared.storage import Tx
from wallet import history
from wallet.at_office import post
from wallet.entries import Entry
from wallet.keep import Vault
from wallet.means import Means
from wallet.records import Item, Shelf
from wallet.sessions import Document
from wallet.statement import as_it_came_out

EVERY: Final = 20 * DAY  # where no hour is settled for new copies
RETRY: Final = 3_600  # seconds
LAST: Final = 3
"""Reports after the end."""


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """Where reports on a document go: the office, the mark, and the pass to it."""

    issuer: str
    tag: str
    report_pass: str


class Reporting(msgspec.Struct, frozen=True, kw_only=True):
    """How far the reports about one document have come: ``told`` uses have been, those numbers among them that ``failed`` as that, and the next is
    due at ``next_at`` (0: there will be none).

    ``key`` is the thumbprint of the donor's key at the last report, ``changed_at`` when it was another one than before; 0 if never. ``turn`` is how
    often the donor's wallet had been lost by then, and ``since`` and ``failed_since`` are what had been told before the last report with any.
    ``after`` counts the reports since the end. Of a document that was removed only ``gone`` is left, until the last of them.
    """

    next_at: int
    told: int = 0
    failed: tuple[int, ...] = ()
    since: int = 0
    failed_since: tuple[int, ...] = ()
    turn: int = 0
    key: str = ""
    changed_at: int = 0
    ended: bool = False
    after: int = 0
    gone: Box | None = None


REPORTINGS = Shelf("reportings", Reporting)
"""By the document's name."""


def reports(document: Document) -> bool:
    """Whether there is a donor to report to."""
    return isinstance(document.claims.get(str(TAG[0])), str)


async def tend(means: Means, vault: Vault, item: Item[Document]) -> None:
    """Send the report that is due. The hours are those of new copies, so that the office, which knows those, learns nothing."""
    if not reports(item.value):
        return
    at, known = means.clock(), await means.storage.read(lambda tx: REPORTINGS.find(tx, vault, item.id))
    state = Reporting(next_at=_following(item.value, at)) if known is None else known.value
    if known is not None and (state.ended or state.next_at > at):
        return
    if known is not None:
        over = item.value.standing == "invalid"
        state = await _send(means, vault, item.id, _box(item.value), state, over=over, next_at=_following(item.value, at))
    await means.storage.write(lambda tx: REPORTINGS.save(tx, vault, item.id, state, entropy=means.entropy), point="reported")


def _box(document: Document) -> Box:
    return Box(issuer=document.issuer, tag=document.claims[str(TAG[0])], report_pass=document.report_pass)


def _following(document: Document, at: int) -> int:
    return document.renewal.at if document.renewal is not None and document.renewal.at > at else at + EVERY


async def leave_behind(tx: Tx, means: Means, vault: Vault, item: Item[Document]) -> None:
    """The document goes out of the wallet, and what it takes to tell the rest of its use stays: part of a unit of work."""
    known = await REPORTINGS.find(tx, vault, item.id)
    if not reports(item.value) or (known is not None and known.value.ended):
        await REPORTINGS.drop(tx, vault, item.id)
        return
    state = Reporting(next_at=_following(item.value, means.clock())) if known is None else known.value
    state = msgspec.structs.replace(state, gone=_box(item.value))
    await REPORTINGS.save(tx, vault, item.id, state, entropy=means.entropy)


async def tend_gone(means: Means, vault: Vault) -> None:
    """The last reports on documents that were removed, at the hours that they would have come at."""
    for item in await means.storage.read(lambda tx: REPORTINGS.all(tx, vault)):
        box, at = item.value.gone, means.clock()
        if box is None or item.value.next_at > at:
            continue
        async with means.locks.of(f"{vault.wallet}/upkeep/{item.id}"):
            state = await _send(means, vault, item.id, box, item.value, over=True, next_at=at + EVERY)
            await means.storage.write(partial(_gone_on, vault=vault, item=item, state=state, means=means), point="reported")


async def _gone_on(tx: Tx, *, vault: Vault, item: Item[Reporting], state: Reporting, means: Means) -> None:
    if state.ended:
        await REPORTINGS.drop(tx, vault, item.id)
    else:
        await REPORTINGS.replace(tx, vault, item, state, entropy=means.entropy)


async def _send(means: Means, vault: Vault, document: str, box: Box, state: Reporting, *, over: bool, next_at: int) -> Reporting:
    """The state after one report, or after an attempt that has to be repeated."""
    at, after = means.clock(), state.after + 1 if over else 0
    later = msgspec.structs.replace(state, next_at=next_at, after=after, ended=after >= LAST)
    proof = {"tag": box.tag, "pass": box.report_pass}
    try:
        to = await post(means, f"{box.issuer}/reports/to", proof)
        key, turn = donor.parse_key(get_object(to, "key"), where="/key"), get_int(to, "turn", optional=True) or 0
        mark = jwk.thumbprint(jwk.parse_public_jwk(key))
        uses = await means.storage.read(lambda tx: uses_of(tx, vault, document))
        before = state
        if turn != state.turn:  # what a lost wallet may not have fetched opens for nobody else
            before = msgspec.structs.replace(state, told=state.since, failed=state.failed_since)
        due = [each for each in uses if each.number > before.told or _failed(each) != (each.number in before.failed)]
        report, count = donor.seal_report(due, key)
        await post(means, f"{box.issuer}/reports", {**proof, "report": report})
    except (Missing, Refused):  # she has left no key, or the office takes none
        return later
    except VcError:
        return msgspec.structs.replace(state, next_at=at + RETRY)
    changed = at if state.key not in {"", mark} else state.changed_at
    return _told(before, due[:count], msgspec.structs.replace(later, turn=turn, key=mark, changed_at=changed))


def _told(before: Reporting, uses: Sequence[Use], state: Reporting) -> Reporting:
    """The ``state`` after these ``uses`` were told, in order."""
    if not uses:
        return msgspec.structs.replace(state, told=before.told, failed=before.failed)
    numbers = {use.number for use in uses}
    return msgspec.structs.replace(
        state,
        told=max(before.told, *numbers),
        failed=tuple(sorted({*before.failed} - numbers | {use.number for use in uses if _failed(use)})),
        since=before.told,
        failed_since=before.failed,
    )


def _failed(use: Use) -> bool:
    return use.result != "success"


async def uses_of(tx: Tx, vault: Vault, document: str) -> list[Use]:
    """Every time that the document was shown for the donor, in order, as she is told of it."""
    entries = [line.entry for line in as_it_came_out(await history.read(tx, vault))]
    shown = [each for each in entries if document in each.on_behalf_of.split(",") and each.transaction_result != "declined"]
    return [_use(number, each) for number, each in enumerate(shown, start=1)]


def _use(number: int, entry: Entry) -> Use:
    purpose = next((each.content for each in entry.purpose if each.lang == "en"), entry.intended_use_identifier)
    return Use(
        number=number,
        at=entry.time,
        name=_line(entry.interacting_party_name),
        entity=_line(entry.interacting_party_identifier.identifier),
        purpose=_line(purpose),
        result=entry.transaction_result,
        live=entry.transaction_type == "presentation",
    )


def _line(text: str) -> str:
    """Others wrote it: what cannot be seen is left out."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


async def state_of(means: Means, vault: Vault, document: str) -> Reporting | None:
    """How the reports about a document stand, for its page."""
    found = await means.storage.read(lambda tx: REPORTINGS.find(tx, vault, document))
    return None if found is None else found.value
