"""Moving to a new phone by two scans. The old phone, whose wallet is open, shows a code; the new one brings it and shows a code that
names its fresh key; the old one brings that, and its holder confirms that both show the same number. Then the new one may enter.

Neither code alone is worth anything: the first only lets one browser wait, and names nobody; the second names a key that lies in the
browser that made it, and counts only from an open wallet that waits for it. Each is taken once. A first code that two browsers bring
was seen by somebody else: the move is over for both.

Moves lie in this process's memory, like the open wallets that they are of: no disk tells that anybody has a new phone.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from shared.clock import Clock, Entropy
from shared.errors import Conflict, Missing
from wallet import history, phone
from wallet.deliveries import Lost
from wallet.keep import Vault, as_spelt, spell
from wallet.means import Means
from wallet.unlocked import Sitting, Unlocked

LIFE = 300  # seconds for each step
TRIES = 5  # codes of new phones that the old one may bring
_FIRST, _SECOND = 26, 16  # symbols of five bits: 128 random bits, and 80 of a digest


class State(StrEnum):
    """How far a move has come."""

    SHOWN = "shown"  # the old phone shows the first code
    JOINED = "joined"  # a new phone has brought it and shows the second
    SEEN = "seen"  # the old phone has brought that
    AGREED = "agreed"  # its holder says that both show the same number
    ENTERED = "entered"  # the wallet is open on the new phone
    OVER = "over"  # nothing came of it


class Why(StrEnum):
    """Why nothing came of a move."""

    LATE = "late"
    TRIES = "tries"
    TWICE = "twice"
    STOPPED = "stopped"


@dataclass(slots=True, kw_only=True)
class Move:
    """One move of the wallet of ``sitting``. ``phone`` is the name under which the old phone keeps copies, where it keeps any.

    ``key`` is the digest of the new phone's secret, ``number`` what both screens show.
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


class Moves:
    """The moves of all open wallets, one a sitting."""

    def __init__(self, unlocked: Unlocked, *, clock: Clock, entropy: Entropy) -> None:
        self._unlocked = unlocked
        self._clock = clock
        self._entropy = entropy
        self._moves: dict[str, Move] = {}

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

    def agree(self, sitting: Sitting) -> None:
        """Its holder says that both phones show the same number. ``Conflict`` before the second code was brought."""
        self._step(self._in(sitting, State.SEEN), State.AGREED)

    def stop(self, sitting: Sitting) -> None:
        """Nothing comes of it, unless it has happened."""
        move = self.of(sitting)
        if move is not None and move.state is not State.ENTERED:
            self._end(move, Why.STOPPED)

    def forget(self, sitting: Sitting) -> None:
        """The old phone is done with it."""
        self._moves.pop(sitting.session.key, None)

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

    def enter(self, secret: str) -> Move:
        """The new phone enters, once. ``Conflict`` before the old phone's holder has agreed, or if the old sitting is over."""
        move = self.waiting(secret)
        if move is None or move.state is not State.AGREED:
            raise Conflict("the old phone has not confirmed this move, or its time is over")
        self._step(move, State.ENTERED)
        return move

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
            if not self._unlocked.is_open(key) or (at >= move.until and move.state in {State.OVER, State.ENTERED}):
                del self._moves[key]
            elif at >= move.until:
                self._end(move, Why.LATE)


def _digest(secret: str) -> str:
    return sha256(b"muniment new phone\0" + secret.encode()).hexdigest()


async def give_up(means: Means, vault: Vault, name: str) -> tuple[str, ...]:
    """The move stands in the history. Copies on the phone of that ``name``, if it has one, are given up: noted now, told to the issuers in
    the next round. The documents they are of.
    """
    deliveries = await phone.all_deliveries(means, vault)
    batches = [item for item in deliveries if item.value.phone == name and not isinstance(item.value.state, Lost)]
    for item in batches:
        await phone.note_lost(means, vault, item, kind="moved-off-phone")
    entry = history.moved(at=means.clock())
    await means.storage.write(lambda tx: history.append(tx, vault, entry, entropy=means.entropy), point="moved")
    return tuple(dict.fromkeys(item.value.document for item in batches))
