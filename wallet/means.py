"""What the use cases work with, put together once by the composition root."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from shared.clock import Clock, Entropy
from shared.flow import Fetch, Fetched
from shared.openid4vp import Admission
from shared.storage import Storage
from shared.trust.anchors import TrustAnchors, parse_trust
from shared.trust.artefact import CRL
from shared.trust.policy import Policy
from shared.trust.registrars import Registered
from shared.web.heard import Heard
from shared.x509 import parse_crls
from wallet.attester import Attester, NoAttester

if TYPE_CHECKING:
    from wallet.register import Directory

T = TypeVar("T")


class TrustFile:
    """``trust.json``, read again when it changes, so that ``muniment-wallet trust add`` works while the service runs.

    What the anchors of organisations that ask publish narrows it: a withdrawn certificate, a key that is over.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._policy = Policy(TrustAnchors())
        self._heard = Heard()
        self._registered: Mapping[str, Registered] = {}

    def __call__(self) -> Policy:
        """The policy as of now. No file is nobody trusted; a broken file is ``Malformed``, never an empty one."""
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return Policy(TrustAnchors())
        if self._seen != (stat.st_mtime_ns, stat.st_size):
            self._settle(parse_trust(self._path.read_bytes()))
            self._seen = (stat.st_mtime_ns, stat.st_size)
        return self._policy

    def learn(self, heard: Heard, registered: Mapping[str, Registered]) -> None:
        """From now on with what was heard, and with those whom registrars have registered by it."""
        self._heard, self._registered = heard, registered
        self._settle(self._policy.anchors)

    def _settle(self, anchors: TrustAnchors) -> None:
        crls = parse_crls(self._heard.of(CRL))
        federation = self._heard.federation.pinned(anchors.federation)
        pinned = {each.path[0] for each in federation.words}
        registered = {entity: each for entity, each in self._registered.items() if each.by.anchor in pinned}
        self._policy = Policy(anchors, self._heard.snapshots, crls, federation=federation, registered=registered)


class Last(Generic[T]):
    """What was worked out last, for as long as what is behind it stays the same."""

    def __init__(self) -> None:
        self._known: tuple[object, T, int, int] | None = None

    def find(self, behind: object, at: int) -> T | None:
        if self._known is None:
            return None
        before, found, since, until = self._known
        return found if since <= at < until and before == behind else None

    def keep(self, behind: object, found: T, *, since: int, until: int) -> None:
        """It counts from ``since`` on and before ``until``."""
        self._known = behind, found, since, until


class Locks:
    """One lock a name: of two clicks on the same button the second waits and then finds the first one's result."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def of(self, name: str) -> AsyncIterator[None]:
        """Held while the body runs; forgotten when nobody waits."""
        lock, users = self._held.get(name, (asyncio.Lock(), 0))
        self._held[name] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._held[name]
            if users == 1:
                del self._held[name]
            else:
                self._held[name] = (lock, users - 1)

    def busy(self, name: str) -> bool:
        """Whether somebody in this process is at it."""
        return name in self._held


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """Storage, network, trust, time and dice. ``plain_http`` are the hosts that may be called without TLS.

    ``admit`` says who is heard beside those with a certificate; ``learn`` is told what anchors were heard to publish; ``attester`` vouches
    for this wallet; ``status_every``, ``register_every`` and ``log_every`` are seconds between two visits.
    """

    storage: Storage
    fetch: Callable[[Fetch], Awaitable[Fetched]]
    trust: Callable[[], Policy]
    clock: Clock
    entropy: Entropy
    plain_http: Collection[str] = ()
    admit: Admission = field(default_factory=Admission)
    status_every: int = 3_600
    register_every: int = 12 * 3_600
    log_every: int = 7 * 24 * 3_600
    learn: Callable[[Heard, Mapping[str, Registered]], None] = lambda _heard, _registered: None
    last: Last[Directory] = field(default_factory=Last)  # the register as it was worked out last
    attester: Attester = field(default_factory=NoAttester)
    locks: Locks = field(default_factory=Locks)
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)  # one picture at a time
