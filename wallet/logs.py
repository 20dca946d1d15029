"""Whether bodies that gave receipts have changed their own records since (security rule S25, domain check T-AU-1).

Each receipt names where its body's log stood. On a schedule of its own, for each body of which a receipt is here and never because something
is shown or asked (S21), the wallet fetches what that body publishes of its log and sees whether every head that it was told lies on the way.
What does not is kept as evidence, and said on the line of the history.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from shared.clock import DAY
from shared.errors import HistoryRewritten, VcError
from shared.flow import arun
from shared.keys import Role
from shared.log_heads import STALE, Followed, SignedHead, follow_log, peek_log_head, verify_log_head
from shared.receipts import LogHead, Receipt, peek_receipt
from shared.storage import Tx
from shared.trust.policy import Policy
from wallet import history
from wallet.entries import Party, Sealed
from wallet.keep import Vault
from wallet.means import Means
from wallet.records import HEAD, Item, Shelf

log = logging.getLogger("muniment.wallet")


NO_HEAD = "no-head"
SOON = 3_600  # seconds after which a way that was too long for one visit is gone on with


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """How far a log was followed that is too long for one visit: where the next one begins, and up to which line of the history it is for.

    ``off``: something that was told does not lie on it so far, on these ``lines``. Nobody is accused before it has led to a signed head.
    """

    size: int
    digest: bytes
    settles: int
    off: bool = False
    lines: tuple[int, ...] = ()


class LogSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The log of ``entity`` as it was last followed. Instants are seconds since the epoch.

    ``token`` is the newest signed head that was found good, ``settled`` the number of the last line of the history up to which every receipt was
    held against it; ``checked_at`` is as of when, 0 for never. ``broken`` are the lines whose receipts speak of another log, ``evidence`` the
    signed heads that show it; ``fault`` is the code of what was in the way since, ``not-published`` where the body publishes none, ``older`` where
    its newest signed head is from before ``token``, ``stale`` where it is days old: a log that was frozen hides what followed. ``way`` is where
    the next visit goes on.
    """

    entity: str
    next_at: int
    checked_at: int = 0
    token: str = ""
    settled: int = 0
    broken: tuple[int, ...] = ()
    broken_at: int = 0
    evidence: tuple[str, ...] = ()
    fault: str = ""
    way: Way | None = None

    @property
    def apart(self) -> bool:
        """Whether nobody can tell what became of the log since ``checked_at``: then it is never called unchanged."""
        return bool(self.fault) or self.way is not None


LOGS = Shelf("logs", LogSeen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Where a log stood by the word of a receipt that was found good, on line ``seq`` of the history."""

    seq: int
    said: SignedHead


def name_of(vault: Vault, entity: str) -> str:
    """The opaque name of what is known of the log of ``entity``."""
    return vault.tag("log", entity)


async def seen(means: Means, vault: Vault) -> dict[str, LogSeen]:
    """What is known of the logs of bodies, by their identifier."""
    return {item.value.entity: item.value for item in await means.storage.read(lambda tx: LOGS.all(tx, vault)) if item.value.entity}


def broken(known: Mapping[str, LogSeen]) -> dict[int, LogSeen]:
    """By number of the line, those whose receipt speaks of a log that is another now."""
    return {seq: each for each in known.values() for seq in each.broken}


def apart(known: Mapping[str, LogSeen], lines: Sequence[Sealed]) -> dict[str, tuple[int, str]]:
    """Those of whose logs nobody can tell what became of them, and which were not found changed before: since when, 0 for ever, and why.

    Why is ``LogSeen.fault``, or ``no-head`` where the newest receipt of ``lines`` does not say where the log stood (``is_headless``).
    """
    newest = {line.entry.interacting_party_identifier.identifier: is_headless(line) for line in lines if _theirs(line) is not None}
    found = {entity: (0, NO_HEAD) for entity, headless in newest.items() if headless}
    for entity, each in known.items():
        if each.broken_at:
            found.pop(entity, None)
        elif each.apart or entity in found:
            found[entity] = (each.checked_at, each.fault if each.apart else NO_HEAD)
    return found


async def tend(means: Means, vault: Vault) -> None:
    """Follow what is due. One body that fails keeps nobody from being followed. Writes: ``log-due``, ``log-seen``, ``log-looked``."""
    if not await _anything_due(means, vault):
        return
    lines = await means.storage.read(lambda tx: history.read(tx, vault))
    for entity, told in told_by(lines).items():
        async with means.locks.of(f"{vault.wallet}/log {entity}"):
            item = await _due(means, vault, entity)
            if item.value.next_at <= means.clock():
                await _visit(means, vault, item, told)
    looked = LogSeen(entity="", next_at=0, settled=lines[-1].entry.seq if lines else 0)

    async def unit(tx: Tx) -> None:
        await LOGS.save(tx, vault, name_of(vault, ""), looked, entropy=means.entropy)

    await means.storage.write(unit, point="log-looked")


async def _anything_due(means: Means, vault: Vault) -> bool:
    """Whether a log is due, or lines were added to the history since it was last looked through (the item of no body knows how far)."""

    async def unit(tx: Tx) -> tuple[list[Item[LogSeen]], int]:
        head = await HEAD.find(tx, vault, history.HEAD_NAME)
        return await LOGS.all(tx, vault), 0 if head is None else head.value.size

    items, size = await means.storage.read(unit)
    looked = next((item.value.settled for item in items if not item.value.entity), 0)
    return size > looked or any(item.value.entity and item.value.next_at <= means.clock() for item in items)


def told_by(lines: Sequence[Sealed]) -> dict[str, list[Told]]:
    """By body, oldest first. The instant is that at which the receipt came here: the log had the head by then, whatever the receipt says."""
    found: dict[str, list[Told]] = {}
    for each in filter(None, map(told_on, lines)):
        found.setdefault(each.said.entity, []).append(each)
    return found


def told_on(line: Sealed) -> Told | None:
    """What the receipt on a line of the history says, if it was found good and says anything.

    Nothing where nobody could check who it is by: anybody may certify for themselves to be somebody else.
    """
    receipt = _theirs(line)
    if receipt is None or receipt.log_head is None:
        return None
    return Told(seq=line.entry.seq, said=SignedHead(entity=receipt.entity, at=line.entry.time, head=receipt.log_head))


def is_headless(line: Sealed) -> bool:
    """Whether a receipt that was found good does not say where the log stood, so that nobody can hold the log against it."""
    receipt = _theirs(line)
    return receipt is not None and receipt.log_head is None


def _theirs(line: Sealed) -> Receipt | None:
    if not line.entry.receipt or line.entry.receipt_problem:
        return None
    receipt = peek_receipt(line.entry.receipt)
    return receipt if line.entry.interacting_party_identifier == Party(type="uri", identifier=receipt.entity) else None


async def _due(means: Means, vault: Vault, entity: str) -> Item[LogSeen]:
    """When its log is looked at next: for the first time at an hour that says nothing of when a receipt came."""
    name = name_of(vault, entity)
    first = means.clock() + int.from_bytes(means.entropy(4), "big") % means.log_every

    async def unit(tx: Tx) -> Item[LogSeen]:
        known = await LOGS.find(tx, vault, name)
        return known or await LOGS.put(tx, vault, name, LogSeen(entity=entity, next_at=first), entropy=means.entropy)

    return await means.storage.write(unit, point="log-due")


async def _visit(means: Means, vault: Vault, item: Item[LogSeen], told: Sequence[Told]) -> None:
    before, at = item.value, means.clock()
    new = [each for each in told if each.seq > before.settled]
    kept = [peek_log_head(before.token)] if before.token else []
    oldest = min(each.head.size for each in (*kept, *(one.said for one in new))) if kept or new else 0
    value = msgspec.structs.replace(before, next_at=at + means.log_every, fault="")
    try:
        followed = await _follow(means, before, oldest=oldest)
        if followed is None:
            value = msgspec.structs.replace(value, fault="not-published")
        elif followed.whole:
            value = _judged(value, followed, kept, new, at)
        else:
            value = msgspec.structs.replace(
                before, next_at=at + SOON, way=_gone_on(before, followed, kept, new), fault=_hidden(followed, kept, at)
            )
    except VcError as error:
        log.info("the log of a body could not be followed: %s", error.code)
        value = msgspec.structs.replace(before, next_at=at + min(DAY, means.log_every), fault=error.code)

    async def unit(tx: Tx) -> None:
        await LOGS.replace(tx, vault, item, value, entropy=means.entropy)

    await means.storage.write(unit, point="log-seen")


def site_of(policy: Policy, entity: str) -> str:
    """Where an organisation lives: as its anchor was pinned, else at its own name."""
    pinned = (each.site for each in policy.anchors.with_role(Role.RELYING_PARTY) if each.entity == entity)
    return next((each for each in pinned if each is not None), entity).rstrip("/")


async def _follow(means: Means, seen: LogSeen, *, oldest: int) -> Followed | None:
    policy, at, entity = means.trust(), means.clock(), seen.entity
    reached = None if seen.way is None else LogHead(size=seen.way.size, digest=seen.way.digest)

    def check(token: str) -> SignedHead:
        return verify_log_head(token, policy=policy, role=Role.RELYING_PARTY, entity=entity, at=at)

    flow = follow_log(site_of(policy, entity), oldest=oldest, check=check, plain_http=means.plain_http, reached=reached)
    return await arun(flow, means.fetch)


def _hidden(followed: Followed, kept: Sequence[SignedHead], at: int) -> str:
    """What keeps from sight what was entered of late; empty for nothing."""
    if any(followed.older(each) for each in kept):
        return "older"
    return "stale" if at - followed.newest.at > STALE else ""


def _gone_on(before: LogSeen, followed: Followed, kept: Sequence[SignedHead], new: Sequence[Told]) -> Way:
    """The way so far, with what does not lie on it."""
    way = before.way or Way(size=0, digest=b"", settles=max((each.seq for each in new), default=before.settled))
    reached = followed.reached
    return Way(
        size=reached.size,
        digest=reached.digest,
        settles=way.settles,
        off=way.off or not _lie_on(followed, [each.said for each in new], kept),
        lines=(*way.lines, *(each.seq for each in new if not _lie_on(followed, [each.said]))),
    )


def _judged(value: LogSeen, followed: Followed, kept: Sequence[SignedHead], new: Sequence[Told], at: int) -> LogSeen:
    """What the way says of the heads that were told; from now on the newest one that was ever seen is what the log is held against."""
    way, hidden = value.way, _hidden(followed, kept, at)
    changed = not _lie_on(followed, [each.said for each in new], kept) or (way is not None and way.off)
    wrong = [each.seq for each in new if not _lie_on(followed, [each.said])] if changed else []
    wrong += () if way is None else way.lines
    waiting = [each.seq for each in new if each.said.head.size > followed.newest.head.size and each.seq not in wrong]
    waiting += [] if way is None else [each.seq for each in new if each.seq > way.settles]  # they may be from before where this visit began
    settled = max((each.seq for each in new if each.seq < min(waiting, default=each.seq + 1)), default=value.settled)
    now = msgspec.structs.replace(
        value,
        token=value.token if hidden == "older" else followed.token,
        checked_at=max(value.checked_at, followed.newest.at) if hidden else at,
        settled=settled,
        way=None,
        fault=hidden,
    )
    if not changed:
        return now
    return msgspec.structs.replace(
        now,
        broken=tuple(sorted({*value.broken, *wrong})),
        broken_at=value.broken_at or at,
        evidence=tuple(dict.fromkeys((*value.evidence, *filter(None, (value.token, followed.token))))),
    )


def _lie_on(followed: Followed, told: Sequence[SignedHead], signed: Sequence[SignedHead] = ()) -> bool:
    try:
        followed.check(told, signed)
    except HistoryRewritten:
        return False
    return True
