"""A service's log as others follow it: its head, signed once a UTC day, and the commitments behind it (security rule S25).

Everybody gets the same by the same addresses. Nothing is told beyond the newest signed head: how much happens in an hour is nobody's business.
"""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from ..clock import DAY, Clock
from ..errors import Malformed, Unavailable
from ..keys import Custodian, Role, sign
from ..log_heads import HEADS_PAGE, PAGE, SignedHead, peek_log_head, prepare_log_head, render_commitments, render_heads
from ..receipts import LogHead
from ..storage import Storage, Tx
from . import log
from .problem import PROBLEM, speak
from .signer import Signing

logger = logging.getLogger("muniment.log")

_NEVER: Final = 2**31  # a day that no clock reaches
_EPOCH: Final = dt.date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSite:
    """``entity`` is who keeps the log, ``url`` where the service is reached; its key of ``role`` signs (``signing``)."""

    storage: Storage
    custodian: Custodian
    clock: Clock
    entity: str
    url: str
    role: Role
    signing: Signing

    def add_to(self, app: web.Application) -> None:
        """Serve ``/log/heads`` and ``/log/commitments``, below the path of the public address."""
        base = f"{urlsplit(self.url).path.rstrip('/')}/log"
        app.router.add_get(f"{base}/heads", self.heads)
        app.router.add_get(f"{base}/commitments", self.commitments)
        speak(app, PROBLEM, base)

    async def tend(self) -> None:
        """Sign where the log stands, once a UTC day, whichever process is first. Writes: ``log-head``."""
        at = self.clock()
        day = at // DAY
        last, head = await self.storage.read(_state)
        if last >= day:
            return
        try:
            signer = self.signing.signer
        except Unavailable as error:
            logger.warning("the head of the log could not be signed: %s", error.detail)
            return
        said = SignedHead(entity=self.entity, at=at, head=head)
        token = await sign(prepare_log_head(said, role=self.role, key=signer.key, x5c=signer.x5c, alg=signer.alg), self.custodian)
        await self.storage.write(lambda tx: _keep(tx, day, said, token), point="log-head")

    async def heads(self, request: web.Request) -> web.Response:
        """``{"heads": [JWT, …], "before"?: day}``, newest first; ``?before=2027-02-01`` for those of earlier days."""
        given = request.query.get("before", "")
        before = _day(given) if given else _NEVER
        rows = await self.storage.read(
            lambda tx: tx.fetch("SELECT day, token FROM log_signed WHERE day < $1 ORDER BY day DESC LIMIT $2", before, HEADS_PAGE + 1)
        )
        shown = rows[:HEADS_PAGE]
        more = dt.date.fromordinal(_EPOCH + int(shown[-1]["day"])).isoformat() if len(rows) > len(shown) else None
        return _json(render_heads([str(row["token"]) for row in shown], more))

    async def commitments(self, request: web.Request) -> web.Response:
        """``{"from": n, "commitments": [base64url, …]}`` of the entries ``?from=`` to ``?to=``, at most 1,000, up to the newest signed head."""
        first, last = (_number(request, name) for name in ("from", "to"))
        if not first <= last < first + PAGE:
            raise Malformed(f"1 to {PAGE} entries are told at once", where="to")

        async def unit(tx: Tx) -> list[bytes]:
            row = await tx.fetchrow("SELECT max(size) AS size FROM log_signed")
            return await log.commitments(tx, first, min(last, int(row["size"] or 0) if row is not None else 0))

        return _json(render_commitments(first, await self.storage.read(unit)))


async def _state(tx: Tx) -> tuple[int, LogHead]:
    row = await tx.fetchrow("SELECT max(day) AS day FROM log_signed")
    return int(row["day"]) if row is not None and row["day"] is not None else -1, await log.head(tx)


async def _keep(tx: Tx, day: int, said: SignedHead, token: str) -> None:
    await tx.execute(
        "INSERT INTO log_signed (day, at, size, digest, token) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (day) DO NOTHING",
        day,
        said.at,
        said.head.size,
        said.head.digest,
        token,
    )


async def signed_heads(tx: Tx) -> list[LogHead]:
    """Every head that was signed here, oldest first: the log has to have had them all."""
    rows = await tx.fetch("SELECT size, digest FROM log_signed ORDER BY day")
    return [LogHead(size=int(row["size"]), digest=bytes(row["digest"])) for row in rows]


async def newest_signed(tx: Tx) -> SignedHead | None:
    """What was signed last; ``None`` before the first."""
    row = await tx.fetchrow("SELECT token FROM log_signed ORDER BY day DESC LIMIT 1")
    return None if row is None else peek_log_head(str(row["token"]))


def _day(text: str) -> int:
    try:
        return dt.date.fromisoformat(text).toordinal() - _EPOCH
    except ValueError as error:
        raise Malformed("a day is written as 2027-02-01", where="before") from error


def _number(request: web.Request, name: str) -> int:
    text = request.query.get(name, "")
    if not (text.isascii() and text.isdecimal() and 0 < len(text) <= 15) or int(text) < 1:
        raise Malformed("a number from 1 on is demanded here", where=name)
    return int(text)


def _json(body: bytes) -> web.Response:
    headers = {
        hdrs.CACHE_CONTROL: "public, max-age=300",
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return web.Response(body=body, content_type="application/json", headers=headers)
