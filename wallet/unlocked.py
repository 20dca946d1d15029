"""Wallets that are open now: their keys live in this process's memory only, each until it is idle too long or closed.

A browser or program holds a random token, the table its hash. Nothing of it is ever written: a restart closes every wallet, and the
database does not tell when one was open. ``Session`` is the shape that ``shared.web.auth`` works with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from shared.clock import Clock, Entropy
from shared.codec import base64url
from shared.errors import SignInRequired
from shared.web.sessions import Session, form_token, hashed, used
from wallet.deliveries import Told
from wallet.keep import Vault

LONGEST = 12 * 3_600  # seconds; however busy, a sitting ends


@dataclass(slots=True, kw_only=True)
class Sitting:
    """One browser's or program's open wallet. ``moved``: what became of the copies, by document, on the phone from which it came here."""

    vault: Vault
    holder: str
    session: Session
    moved: Mapping[str, Told] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Left:
    """A browser whose wallet moved to another one: it opens nothing, and is known until its session would have ended, to be told to forget.

    ``moved`` as in ``Sitting``.
    """

    session: Session
    moved: Mapping[str, Told] = field(default_factory=dict)


class Unlocked:
    """The table of sittings. ``idle`` is in seconds."""

    def __init__(self, clock: Clock, entropy: Entropy, *, idle: int) -> None:
        self._clock = clock
        self._entropy = entropy
        self._idle = idle
        self._sittings: dict[str, Sitting] = {}
        self._left: dict[str, Left] = {}
        self._closings = 0
        self._closed: dict[str, int] = {}  # which closing was a wallet's last

    def mark(self) -> int:
        """This moment, for ``open``: to be taken before the doors of a wallet are read."""
        return self._closings

    def open(self, vault: Vault, holder: str, *, since: int, until: int | None = None) -> tuple[str, Sitting]:
        """Begin a sitting: its token and itself. ``until``: it ends no later, because another that ends then stands for it.

        Opening takes its time. ``SignInRequired`` if the wallet was closed after the mark ``since``: what opened it may no longer count.
        """
        if self._closed.get(vault.wallet, 0) > since:
            raise SignInRequired("this wallet was closed while it was being opened")
        token, at = base64url.encode(self._entropy(32)), self._clock()
        ends = at + LONGEST if until is None else min(until, at + LONGEST)
        session = Session(hashed(token), vault.wallet, {}, at, at, min(at + self._idle, ends), ends, form_token(token))
        sitting = Sitting(vault=vault, holder=holder, session=session)
        self._sittings[session.key] = sitting
        return token, sitting

    def find(self, token: str) -> Sitting | None:
        """The sitting of ``token``, kept awake by this, if there still is one."""
        sitting = self.peek(token)
        if sitting is not None:
            sitting.session = used(sitting.session, at=self._clock(), idle=self._idle)
        return sitting

    def peek(self, token: str) -> Sitting | None:
        """The same; being asked does not keep it awake."""
        self.sweep()
        return self._sittings.get(hashed(token))

    def get(self, key: str) -> Sitting:
        """The sitting of a session's key; ``SignInRequired`` if it is over."""
        sitting = self._sittings.get(key)
        if sitting is None:
            raise SignInRequired("this wallet is closed; open it again with its passphrase")
        return sitting

    def is_open(self, key: str) -> bool:
        """Whether the sitting of a session's key goes on; being asked does not keep it awake."""
        self.sweep()
        return key in self._sittings

    def close(self, key: str) -> None:
        """End a sitting."""
        self._sittings.pop(key, None)
        self._left.pop(key, None)

    def leave(self, key: str) -> Left | None:
        """End a sitting whose wallet is moving to another browser; ``None`` if it is over."""
        sitting = self._sittings.pop(key, None)
        if sitting is None:
            return None
        self._left[key] = Left(session=sitting.session)
        return self._left[key]

    def left(self, token: str) -> Left | None:
        """What is known of a browser whose wallet moved away."""
        self.sweep()
        return self._left.get(hashed(token))

    def close_wallet(self, wallet: str, *, but: str = "") -> None:
        """End every sitting of a wallet but one, after its passphrase changed; whoever is still signing in by the old one comes too late."""
        self._closings += 1
        self._closed[wallet] = self._closings
        for key in [key for key, sitting in self._sittings.items() if sitting.vault.wallet == wallet and key != but]:
            del self._sittings[key]

    def sweep(self) -> None:
        """Forget what is idle too long, and browsers that wallets left whose sessions would have ended."""
        at = self._clock()
        over = [key for key, one in self._sittings.items() if at >= one.session.idle_until]
        for key in over:
            del self._sittings[key]
        for key in [key for key, one in self._left.items() if at >= one.session.expires_at]:
            del self._left[key]

    def vaults(self) -> Iterator[Vault]:
        """Every open wallet once."""
        self.sweep()
        yield from {one.vault.wallet: one.vault for one in self._sittings.values()}.values()
