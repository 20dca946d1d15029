"""Moving to a new phone by two scans. The old phone, whose wallet is open, shows a code; the new one brings it and shows a code that
names its fresh key; the old one brings that, and its holder confirms that both show the same number. Then the new one may enter.

Neither code alone is worth anything: the first only lets one browser wait, and names nobody; the second names a key that lies in the
browser that made it, and counts only from an open wallet that waits for it. Each is taken once. A first code that two browsers bring
was seen by somebody else: the move is over for both.

Moves lie in this process's memory, like the open wallets that they are of: no disk tells that anybody has a new phone.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from shared.clock import Clock, Entropy
from shared.errors import Conflict, Missing, TooMany
from wallet import history, phone
from wallet.deliveries import Delivery, Lost, OnPhone, Received, Told
from wallet.keep import Vault, as_spelt, spell
from wallet.means import Means
from wallet.records import Item
from wallet.unlocked import Sitting, Unlocked

log = logging.getLogger("muniment.wallet")

LIFE = 300  # seconds for each step
TRIES = 5  # codes of new phones that the old one may bring
OFTEN, WHILE = 20, 3_600  # begun of one wallet, and first codes brought from one address, in so many seconds
_FIRST, _SECOND = 26, 16  # symbols of five bits: 128 random bits, and 80 of a digest


class State(StrEnum):
    """How far a move has come."""

    SHOWN = "shown"  # the old phone shows the first code
    JOINED = "joined"  # a new phone has brought it and shows the second
    SEEN = "seen"  # the old phone has brought that
    AGREED = "agreed"  # its holder says that both show the same number
    ENTERING = "entering"  # the new phone enters now; nobody can stop it any more
    ENTERED = "entered"  # the wallet is open on the new phone
    OVER = "over"  # nothing came of it


_IN = {State.ENTERING, State.ENTERED}


class Why(StrEnum):
    """Why nothing came of a move."""

    LATE = "late"
    TRIES = "tries"
    TWICE = "twice"
    STOPPED = "stopped"


@dataclass(slots=True, kw_only=True)
class Move:
    """One move of the wallet of ``sitting``. ``phone`` is the name under which the old phone says that it keeps copies, where it says one.

    ``phones`` are those whose copies are given up, ``key`` is the digest of the new phone's secret, ``number`` what both screens show.
    """

    sitting: Sitting
    phone: str
    code: str
    until: int
    state: State = State.SHOWN
    why: Why | None = None
    key: str = ""
    second: str = ""
    number: str = ""
    tries: int = 0
    phones: tuple[str, ...] = ()


class Moves:
    """The moves of all open wallets, one a sitting."""

    def __init__(self, unlocked: Unlocked, *, clock: Clock, entropy: Entropy) -> None:
        self._unlocked = unlocked
        self._clock = clock
        self._entropy = entropy
        self._moves: dict[str, Move] = {}
        self._counted: dict[str, list[int]] = {}

    def count(self, key: str) -> None:
        """One try of ``key``, in memory as all of this; ``TooMany`` beyond ``OFTEN`` in ``WHILE``."""
        at = self._clock()
        self._counted = {one: kept for one, times in self._counted.items() if (kept := [each for each in times if each > at - WHILE])}
        times = self._counted.setdefault(key, [])
        if len(times) >= OFTEN:
            raise TooMany("too many tries: wait before the next", retry_after=max(1, times[0] + WHILE - at))
        times.append(at)

    # --- the old phone

    def begin(self, sitting: Sitting, phone: str) -> Move:
        """A first code for this sitting; the one that it had before is worth nothing from now on."""
        self._sweep()
        move = Move(sitting=sitting, phone=phone, code=spell(self._entropy(16), _FIRST), until=self._clock() + LIFE)
        self._moves[sitting.session.key] = move
        return move

    def of(self, sitting: Sitting) -> Move | None:
        """The move that this sitting has begun."""
        self._sweep()
        return self._moves.get(sitting.session.key)

    def see(self, sitting: Sitting, typed: str) -> bool:
        """The old phone brings the second code: whether it is that of the phone that waits. ``Conflict`` where none waits."""
        move = self._in(sitting, State.JOINED)
        move.tries += 1
        if hmac.compare_digest(as_spelt(typed)[:64].encode(), move.second.encode()):
            self._step(move, State.SEEN)
            return True
        if move.tries >= TRIES:
            self._end(move, Why.TRIES)
        return False

    def agree(self, sitting: Sitting, phones: tuple[str, ...] = ()) -> None:
        """Its holder says that both phones show the same number. ``Conflict`` before the second code was brought."""
        move = self._in(sitting, State.SEEN)
        move.phones = phones
        self._step(move, State.AGREED)

    def stop(self, sitting: Sitting) -> None:
        """Nothing comes of it, unless it has happened."""
        move = self.of(sitting)
        if move is not None and move.state not in _IN:
            self._end(move, Why.STOPPED)

    # --- the new phone

    def join(self, typed: str, secret: str) -> Move:
        """A new phone brings the first code and is known by ``secret`` from now on. ``Missing`` for a code that is none, or no longer."""
        self._sweep()
        code, key = as_spelt(typed)[:64].encode(), _digest(secret)
        found = [one for one in self._moves.values() if hmac.compare_digest(one.code.encode(), code)]
        move = found[0] if found else None
        if move is not None and move.state in {State.JOINED, State.SEEN, State.AGREED}:
            self._end(move, Why.TWICE)
        if move is None or move.state is not State.SHOWN:
            raise Missing("there is no such code, or it was used, or its time is over")
        move.key, move.second = key, spell(bytes.fromhex(key), _SECOND)
        move.number = f"{int.from_bytes(self._entropy(16), 'big') % 1_000_000:06d}"
        self._step(move, State.JOINED)
        return move

    def waiting(self, secret: str) -> Move | None:
        """The move of the new phone that has ``secret``."""
        self._sweep()
        key = _digest(secret)
        return next((one for one in self._moves.values() if one.key and hmac.compare_digest(one.key, key)), None) if secret else None

    def enter(self, move: Move) -> None:
        """The new phone enters, once. ``Conflict`` before the old phone's holder has agreed, or if the old sitting is over."""
        if move.state is not State.AGREED or not self._unlocked.is_open(move.sitting.session.key):
            raise Conflict("the old phone has not confirmed this move, or its time is over")
        self._step(move, State.ENTERING)

    def entered(self, move: Move) -> None:
        """It is in."""
        self._step(move, State.ENTERED)

    def not_entered(self, move: Move) -> None:
        """It could not be let in: it may try again."""
        self._step(move, State.AGREED)

    # --- steps

    def _in(self, sitting: Sitting, state: State) -> Move:
        move = self.of(sitting)
        if move is None or move.state is not state:
            raise Conflict("this step of the move is over, or has not come yet")
        return move

    def _step(self, move: Move, state: State) -> None:
        move.state, move.until = state, self._clock() + LIFE

    def _end(self, move: Move, why: Why) -> None:
        self._step(move, State.OVER)
        move.why = why

    def _sweep(self) -> None:
        """End what is late; forget what has been over for a while, and all of sittings that are over."""
        at = self._clock()
        for key, move in list(self._moves.items()):
            late = at >= move.until
            if late and move.state in {State.OVER, State.ENTERED}:
                del self._moves[key]
            elif move.state in _IN:
                continue
            elif not self._unlocked.is_open(key):
                del self._moves[key]
            elif late:
                self._end(move, Why.LATE)


def _digest(secret: str) -> str:
    return sha256(b"muniment new phone\0" + secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """What one phone keeps: its name, the day of its newest copies, and the documents they are of."""

    phone: str
    at: int
    documents: tuple[str, ...]


async def keeping(means: Means, vault: Vault) -> list[Keeping]:
    """The phones that keep copies, the newest first."""
    batches: dict[str, list[Delivery]] = {}
    for item in await phone.all_deliveries(means, vault):
        if isinstance(item.value.state, OnPhone | Received):  # it may have them and not have said so
            batches.setdefault(item.value.phone, []).append(item.value)
    found = [
        Keeping(phone=name, at=max(one.at for one in kept), documents=tuple(dict.fromkeys(one.document for one in kept)))
        for name, kept in batches.items()
    ]
    return sorted(found, key=lambda one: -one.at)


async def give_up(means: Means, vault: Vault, names: Collection[str]) -> list[Item[Delivery]]:
    """The move stands in the history, and copies on the phones of these ``names`` are given up: noted, for ``tell`` to tell their issuers."""
    deliveries = await phone.all_deliveries(means, vault)
    batches = [item for item in deliveries if item.value.phone in names and not isinstance(item.value.state, Lost)]
    noted = [await phone.note_lost(means, vault, item, kind="moved-off-phone") for item in batches]
    entry = history.moved(at=means.clock())
    await means.storage.write(lambda tx: history.append(tx, vault, entry, entropy=means.entropy), point="moved")
    return [item for item in noted if item is not None]


async def tell(means: Means, vault: Vault, noted: Sequence[Item[Delivery]]) -> dict[str, Told]:
    """Ask the issuers of what was given up to put it on hold, all at once: by document, whether they heard."""
    found = await asyncio.gather(*(phone.report_lost(means, vault, item) for item in noted), return_exceptions=True)
    told: dict[str, Told] = {}
    for item, one in zip(noted, found, strict=True):
        if isinstance(one, BaseException):
            log.warning("copies of an old phone could not be reported yet", exc_info=one)
        word = Told.LATER if isinstance(one, BaseException) else one
        told[item.value.document] = max(word, told.get(item.value.document, word), key=_WORST.index)
    return told


_WORST = (Told.HEARD, Told.LATER, Told.NEVER)
