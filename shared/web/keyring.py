"""One key after another: which key of a role signs, which one follows it and when (security rule S15). The only place that decides it.

Every key is ``created``, told ahead for as long as anything that is published of keys counts, so that everybody knows it before it signs;
then ``active``; then ``verify-only``, until all that it signed has run out; then ``ended``. The database decides, so that all processes of
a service agree: each step is one unit of work that does nothing where another process did it before. A process that is killed between two
of them goes on with the next.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

from ..clock import DAY, Clock
from ..errors import ConfigError, Conflict, VcError
from ..keys import Custodian, KeyId, PublicKey, Role
from ..storage import Storage, Tx
from ..trust.snapshot import COPY_LIFE, MAX_LIFE, KeyHistory, KeyState
from ..x509 import Cert, load_certificate
from . import own_trust
from .certificates import day
from .own_trust import Certified, Event, OwnKey
from .signer import Signer, Signing

log = logging.getLogger("muniment.trust")

AFTER: Final = 2 * DAY  # seconds that a key is told ahead beyond the life of what tells it: for a day on which nothing could be published
TIMER: Final = "timer"
_NUMBERED: Final = re.compile(r"-(\d{1,6})$")
Certify = Callable[[PublicKey], Awaitable[Cert]]
Lagging = Callable[[OwnKey], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Turn:
    """All keys of a role, oldest first, and the certificates of all keys."""

    keys: Sequence[OwnKey]
    certificates: Sequence[Certified]

    @property
    def active(self) -> OwnKey | None:
        return self._in(KeyState.ACTIVE)

    @property
    def following(self) -> OwnKey | None:
        """The one that is told ahead."""
        return self._in(KeyState.CREATED)

    def _in(self, state: KeyState) -> OwnKey | None:
        return next((each for each in self.keys if each.state is state), None)

    def leaf(self, key: OwnKey, entity: str) -> Cert | None:
        """The certificate that is shown for a key: in force before withdrawn, with the present name before others, and the newest."""
        own = [
            (each.withdrawn_at is None, load_certificate(each.der))
            for each in self.certificates
            if each.thumbprint == key.history.thumbprint
        ]
        return max(own, key=lambda each: (each[0], entity in each[1].uris, each[1].not_after))[1] if own else None


class Coming(StrEnum):
    """What is known of the next key of a role."""

    NOBODY = "nobody"  # no key signs, and none could be made
    BY_HAND = "by hand"  # people decide
    UNTIL = "until"  # the one that signs is not due yet
    LATE = "late"  # another one is due and could not be made
    UNTOLD = "untold"  # it is made and not published
    FROM = "from"  # it is told ahead
    WAITS = "waits"  # for those who have to know it


@dataclass(frozen=True, slots=True)
class Outlook:
    """``name`` is that of the key which it is about, ``at`` when it begins or stops to sign, ``behind`` who does not know it."""

    coming: Coming
    name: KeyId
    at: int | None = None
    behind: Sequence[str] = ()


async def _nobody_lags(_: OwnKey) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """The keys of ``role``: ``first`` is what the custodian calls the first of them, ``<first>-n`` the n-th.

    ``days`` is how long each signs; 0 where people decide. ``life`` is how long, in seconds, what is published of keys counts. ``certify``
    has the anchor certify a key, in roles that have certificates. ``lagging`` names those who have to know a key before it signs and do not.
    """

    storage: Storage
    custodian: Custodian
    clock: Clock
    first: KeyId
    role: Role
    entity: str
    days: int
    life: int
    certify: Certify | None = None
    lagging: Lagging = _nobody_lags

    # --- what is ---

    async def turn(self) -> Turn:
        """As the database has it now."""
        return await self.storage.read(self._turn)

    async def _turn(self, tx: Tx) -> Turn:
        return Turn(await own_trust.own_keys(tx, self.role), await own_trust.certificates(tx))

    async def is_first(self) -> bool:
        """Whether the first key signs still, whose certificate lies in the folder."""
        turn = await self.turn()
        return not turn.keys or (turn.active is not None and turn.active.name == self.first)

    async def follow(self, signing: Signing) -> None:
        """Have whoever signs now sign: nobody while no key is active. Before there is any key, nothing changes."""
        turn = await self.turn()
        leaf = None if turn.active is None else turn.leaf(turn.active, self.entity)
        if turn.keys:
            signing.follow(None if turn.active is None or leaf is None else Signer.of(turn.active.name, leaf))

    def due(self, turn: Turn) -> int | None:
        """When another key is to sign: in time before its certificate runs out, and all copies by it with it. ``None`` where people decide."""
        active = turn.active
        if active is None or not self.days:
            return None
        ends = [(active.active_at or active.history.since) + self.days * DAY]
        leaf = turn.leaf(active, self.entity)
        if leaf is not None:
            ends.append(leaf.not_after - COPY_LIFE)
        return min(ends)

    @property
    def ahead(self) -> int:
        """Seconds before it signs that a key is created."""
        return self.life + AFTER

    def signs_from(self, turn: Turn) -> int | None:
        """When the key that is told ahead is to sign; ``None`` where people decide, and while it is not published."""
        due, following = self.due(turn), turn.following
        if due is None or following is None or following.told_at is None:
            return None
        return max(due, following.told_at + self.life)

    # --- by the clock ---

    async def tend(self) -> None:
        """Every step that is due. What cannot be done now, as while the anchor's keys are away, is told in the log and tried again."""
        try:
            await self.step()
        except VcError as error:
            log.warning("the next key %s could not be made: %s", self.first, error.detail)

    async def step(self, *, actor: str = TIMER) -> None:
        """As ``tend``; ``ConfigError`` where a certificate is needed and the anchor's keys are away."""
        turn, at = await self.turn(), self.clock()
        await self._finish(turn.keys, at)
        due = self.due(turn)
        if turn.keys and turn.active is None:  # the last one ended by hand: nobody has to be told ahead of what is missing already
            await self.rotate(now=True, actor=actor)
        elif due is not None and turn.following is None and at >= due - self.ahead:
            await self._create(turn, actor)
        elif (since := self.signs_from(turn)) is not None and turn.following is not None and at >= since:
            behind = await self.lagging(turn.following)
            if behind:
                log.warning("the key %s waits: %s does not know it yet", turn.following.name, ", ".join(behind))
            else:
                await self._activate(actor)

    async def _finish(self, keys: Iterable[OwnKey], at: int) -> None:
        window = COPY_LIFE if self.role is Role.CREDENTIAL_ISSUER else MAX_LIFE
        for each in keys:
            if each.state is KeyState.VERIFY_ONLY and at >= (each.history.until or at) + window:
                await self.storage.write(partial(own_trust.finish, old=each, at=at), point="finish-key")

    # --- by hand ---

    async def rotate(self, *, now: bool, actor: str) -> OwnKey:
        """The next key, made unless there is one that is told ahead already; ``now`` it signs at once, though not everybody knows it.

        ``ConfigError`` without the anchor's keys; ``Conflict`` before there is a first key.
        """
        turn = await self.turn()
        if not turn.keys:
            raise Conflict("there is no key yet that another could follow: start the service once")
        if turn.following is None:
            await self._create(turn, actor)
        if now:
            await self._activate(actor)
        turn = await self.turn()
        made = turn.active if now else turn.following
        return made or turn.keys[-1]

    async def renew(self, *, actor: str) -> Cert:
        """Another certificate of the active key. ``ConfigError`` without the anchor's keys; ``Conflict`` where nothing signs."""
        turn, at = await self.turn(), self.clock()
        if turn.active is None or self.certify is None:
            raise Conflict("no key signs here that could be certified: run `keys rotate --now`")
        leaf = await self.certify(turn.active.public)
        await self.storage.write(lambda tx: own_trust.certify(tx, leaf, actor=actor, at=at), point="certify")
        return leaf

    # --- steps ---

    async def _create(self, turn: Turn, actor: str) -> None:
        name, at = self._next_name(turn.keys), self.clock()
        with suppress(Conflict):  # another process was faster, or this one was killed after it
            await self.custodian.create(name, self.role, alg=turn.keys[-1].public.alg)
        public = await self.custodian.public(name)
        leaf = None if self.certify is None else await self.certify(public)
        new = KeyHistory.of(public, role=self.role, entity=self.entity, since=at, state=KeyState.CREATED)

        async def unit(tx: Tx) -> None:
            now = await self._turn(tx)
            if now.following is not None or any(each.history.thumbprint == new.thumbprint for each in now.keys):
                return
            await own_trust.add(tx, new, name=name, public=public, active_at=None)
            if leaf is not None:
                await own_trust.certify(tx, leaf, actor=actor, at=at)
            await own_trust.note(tx, Event(at=at, actor=actor, kind=KeyState.CREATED.value, subject=new.kid, reason=""))

        await self.storage.write(unit, point="create-key")

    async def _activate(self, actor: str) -> None:
        async def unit(tx: Tx) -> None:
            following = (await self._turn(tx)).following
            if following is not None:
                await own_trust.activate(tx, following, actor=actor, at=self.clock())

        await self.storage.write(unit, point="activate-key")

    def _next_name(self, keys: Iterable[OwnKey]) -> KeyId:
        numbers = [int(found[1]) if (found := _NUMBERED.search(each.name)) else 1 for each in keys]
        return KeyId(f"{self.first}-{max(numbers) + 1}")

    # --- what is told ---

    async def outlook(self) -> Outlook:
        """Which key comes next, and when, or what it waits for."""
        turn, at = await self.turn(), self.clock()
        if turn.active is None:
            return Outlook(Coming.NOBODY, self.first)
        due, name, following = self.due(turn), turn.active.name, turn.following
        if due is None:
            return Outlook(Coming.BY_HAND, name)
        if following is not None:
            since = self.signs_from(turn)
            if since is None:
                return Outlook(Coming.UNTOLD, following.name)
            behind = await self.lagging(following) if at >= since else ()
            return Outlook(Coming.WAITS, following.name, since, behind) if behind else Outlook(Coming.FROM, following.name, since)
        return Outlook(Coming.LATE if at >= due - self.ahead else Coming.UNTIL, name, due)

    async def examine(self) -> str:
        """The same in words; ``ConfigError`` while another key is due and cannot be made or sign, or none signs."""
        seen = await self.outlook()
        when = "" if seen.at is None else day(seen.at)
        match seen.coming:
            case Coming.NOBODY:
                raise ConfigError(f"no key signs: run `keys rotate {self.first} --now`")
            case Coming.LATE:
                raise ConfigError(f"the key that follows on {seen.name} is due and not made: bring the anchor's keys back")
            case Coming.WAITS:
                raise ConfigError(f"{seen.name} waits for {', '.join(seen.behind)}: not known there yet")
            case Coming.BY_HAND:
                return "another one follows by `keys rotate` only"
            case Coming.UNTOLD:
                return f"{seen.name} is not published yet"
            case Coming.FROM:
                return f"{seen.name} signs from {when}"
            case Coming.UNTIL:
                return f"{seen.name} signs until {when}"
