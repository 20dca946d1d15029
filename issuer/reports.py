"""The boxes in which reports to donors lie: sealed to their keys, all of one size, and nothing is known here of what they say (S27)."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Any, Final

from issuer import entered
from issuer.donors import pass_after
from issuer.office import Office
from issuer.records import documents, donors
from issuer.records.donors import Kept
from issuer.sessions import Actor, Event
from shared import donor
from shared.clock import DAY, floor_day
from shared.codec import strict_json
from shared.donor import Told
from shared.errors import Malformed, Missing
from shared.sealed_link import generate_words
from shared.storage import Tx
from shared.web import rates
from shared.web.rates import Limit

AT_ONCE: Final = 50
SHEET: Final = "sheet-made"
RATE = Limit("reports", 600, 600)
"""By address; a service for many wallets has one."""
_DAILY = Limit("report", 8, DAY)
"""By box: an attorney's wallet leaves one a month, and tries again where an answer was lost."""


def _none() -> Missing:
    return Missing("no reports are taken under that mark")


async def check_pass(office: Office, tag: bytes, given: bytes) -> None:
    """``Missing`` unless it is the pass that went along with the copies of that mark (ADR 0011)."""
    found = await office.storage.read(lambda tx: donors.box(tx, tag))
    if found is None or not hmac.compare_digest(await pass_after(office, found.representation, found.pass_turn), given):
        raise _none()


async def tag_for(office: Office, secret: bytes) -> bytes:
    """The mark of the box that the donor's ``secret`` opens; ``Missing``, also for one that has turned since."""
    return await office.storage.read(lambda tx: _opened(tx, secret))


async def recipient_of(office: Office, tag: bytes) -> tuple[dict[str, Any], int]:
    """The public key that reports under ``tag`` are sealed to, and how often the donor's secret has turned; ``Missing`` where there is none."""
    found = await office.storage.read(lambda tx: donors.box(tx, tag))
    if found is None or not found.recipient:
        raise _none()
    return strict_json.load_object(found.recipient), found.secret_turn


async def key_for(office: Office, tag: bytes) -> dict[str, Any]:
    """That key alone; ``Missing``."""
    return (await recipient_of(office, tag))[0]


async def leave(office: Office, tag: bytes, report: str) -> None:
    """Put a report where its donor finds it. ``Missing``, ``Malformed``, ``TooMany``."""
    donor.check_report(report)
    at, name = office.clock(), office.secret(12)

    async def unit(tx: Tx) -> None:
        found = await donors.box(tx, tag)
        if found is None or not found.recipient:
            raise _none()
        await rates.take(tx, _DAILY, tag.hex(), at=at)
        await donors.add(tx, tag, Kept(id=name, sealed=report, turn=found.pass_turn), floor_day(at))

    await office.storage.write(unit, point="report")


async def take_key(office: Office, secret: bytes, key: dict[str, str]) -> None:
    """From now on reports are sealed to ``key``: whoever has the secret says so. ``Missing``."""
    text = strict_json.dumps(key).decode()

    async def unit(tx: Tx) -> None:
        await donors.set_recipient(tx, await _opened(tx, secret), text)

    await office.storage.write(unit, point="report-key")


async def _opened(tx: Tx, secret: bytes) -> bytes:
    found = await donors.opened_by(tx, donor.tag_of(secret))
    if found is None:
        raise _none()
    return found.tag


async def collect(office: Office, secret: bytes, had: Sequence[str] = (), *, skip: int = 0) -> list[Kept]:
    """What lies there, the oldest first, but for what she ``had``, which goes, and the first ``skip`` of the rest; ``AT_ONCE`` at most. ``Missing``."""

    async def unit(tx: Tx) -> list[Kept]:
        tag = await _opened(tx, secret)
        await donors.drop(tx, tag, had)
        return await donors.reports(tx, tag, AT_ONCE, skip=skip)

    return await office.storage.write(unit, point="reports-collected")


# --- for who has no wallet ---------------------------------------------------------------------------------------------------------------


async def new_sheet(office: Office, number: str, tag: bytes, actor: Actor) -> str:
    """Seven words for a sheet of paper, which open what is reported from now on; they are kept nowhere here. ``Missing``.

    That ``actor`` made one stands in the history of the attorney's document of that ``number``, and in the log.
    """
    words, at = generate_words(office.entropy), office.clock()
    text = strict_json.dumps(donor.public_key(donor.key_of_words(words))).decode()

    async def unit(tx: Tx) -> None:
        if not await donors.set_recipient(tx, tag, text, sheet=True):
            raise _none()
        await documents.note(tx, number, Event(at=at, kind=SHEET, actor=actor, reason="", copies=0))
        await entered.enter(tx, office, SHEET, actor=actor, at=at, type=(await documents.get(tx, number)).type)

    await office.storage.write(unit, point="report-key")
    return words


async def read_aloud(office: Office, tag: bytes, words: str) -> list[Told] | None:
    """What the reports say that the words of a sheet open, as ``donor.lines``, the newest first; ``None`` if they open none of those that lie there.

    Nothing of it is kept, and the reports stay where they are.
    """
    key, uses, opened = donor.key_of_words(words), list[Told](), 0
    found = await office.storage.read(lambda tx: donors.reports(tx, tag, donors.MOST))
    for each in found:
        try:
            uses += donor.open_report(each.sealed, key).told(each.turn)
            opened += 1
        except Malformed:
            continue
    return donor.lines(uses)[::-1] if opened or not found else None
