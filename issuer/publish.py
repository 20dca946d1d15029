"""Status lists as signed tokens: made anew after each change and before they grow old, the same bytes from every process.

A verifier that meets two tokens of one list with the same ``iat`` trusts neither (security rule S19). Therefore a token is kept in
the database, ``iat`` always rises, and whoever signs second serves what the first has kept.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
from dataclasses import dataclass, field

from issuer.office import ISSUER, Office
from issuer.records import statuses
from shared.clock import DAY
from shared.errors import Missing
from shared.keys import sign
from shared.status.token_status_list import StatusList, prepare_token
from shared.storage import Tx

AHEAD = 30  # seconds that ``iat`` may run before the clock when changes come faster than it ticks; verifiers bear 60
BITS = 2

log = logging.getLogger("muniment.issuer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A token ready to serve, plain and compressed. ``fresh_for`` is seconds until it should be fetched again."""

    body: bytes
    zipped: bytes
    etag: str
    fresh_for: int


def list_uri(office: Office, number: int) -> str:
    return office.url(f"/status/{number}")


@dataclass(slots=True)
class StatusLists:
    """The lists of one office, with the prepared bytes of each token in memory."""

    office: Office
    _kept: dict[int, tuple[str, bytes, bytes, str]] = field(default_factory=dict)

    async def uris(self) -> list[str]:
        """All lists, for whoever fetches them in advance (Token Status List section 9)."""
        return [list_uri(self.office, number) for number in await self.office.storage.read(statuses.numbers)]

    async def begin(self) -> None:
        """Make sure that there is a list to take indices from, with more than half of it free."""

        async def wanted(tx: Tx) -> int | None:
            current = await statuses.current(tx)
            if current is None:
                return 1
            return current.id + 1 if await statuses.fill(tx, current.id) * 2 > current.size else None

        number = await self.office.storage.read(wanted)
        if number is not None:
            size = self.office.settings.status_size
            await self.office.storage.write(lambda tx: statuses.open_list(tx, number, size), point="begin-list")

    async def get(self, number: int) -> Publication:
        """The token that says what the list says now; ``Missing`` if there is no such list."""
        at = self.office.clock()
        known = await self.office.storage.read(lambda tx: statuses.published(tx, number))
        if known is None:
            raise Missing("there is no such status list")
        if self._is_due(known, at):
            known = await self._renew(number, known, at)
        return self._prepared(number, known, at)

    async def refresh(self) -> None:
        """Sign what is due, so that no reader has to wait for it."""
        for number in await self.office.storage.read(statuses.numbers):
            await self.get(number)

    def _is_due(self, known: statuses.Published, at: int) -> bool:
        changed = known.version != known.published
        if changed and known.issued_at >= at + AHEAD:
            log.error("a change of a status list waits for the clock, which stands %s s behind the last list", known.issued_at - at)
            changed = False
        return changed or at >= known.issued_at + self.office.settings.status_ttl

    async def _renew(self, number: int, known: statuses.Published, at: int) -> statuses.Published:
        issued_at = max(at, known.issued_at + 1)

        async def values(tx: Tx) -> tuple[statuses.Published | None, list[tuple[int, int]]]:
            return await statuses.published(tx, number), await statuses.changed(tx, number)

        now, changed = await self.office.storage.read(values)
        if now is None or now.issued_at >= issued_at:
            return now or known
        filled = StatusList(BITS, now.size)
        for index, value in changed:
            filled.set(index, value)
        settings = self.office.settings
        unsigned = prepare_token(
            list=filled,
            uri=list_uri(self.office, number),
            iat=issued_at,
            exp=issued_at + settings.status_days * DAY,
            ttl=settings.status_ttl,
            key=ISSUER,
            x5c=self.office.x5c,
            alg=self.office.alg,
        )
        token = await sign(unsigned, self.office.custodian)

        async def keep(tx: Tx) -> statuses.Published | None:
            await statuses.publish(tx, number, version=now.version, issued_at=issued_at, token=token)
            return await statuses.published(tx, number)

        return await self.office.storage.write(keep, point="publish") or known

    def _prepared(self, number: int, known: statuses.Published, at: int) -> Publication:
        kept = self._kept.get(number)
        if kept is None or kept[0] != known.token:
            body = known.token.encode()
            kept = (known.token, body, gzip.compress(body, 6, mtime=0), hashlib.sha256(body).hexdigest()[:32])
            self._kept[number] = kept
        left = max(0, known.issued_at + self.office.settings.status_ttl - at)
        return Publication(body=kept[1], zipped=kept[2], etag=kept[3], fresh_for=left)
