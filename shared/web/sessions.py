"""Sessions of people: a random number in a cookie, its hash in a row. A stolen database opens no session.

A session ends after ``IDLE`` seconds without use and ``ABSOLUTE`` seconds after sign-in, whichever is first. Signing in makes a new one.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import msgspec

from ..clock import Entropy
from ..errors import CrossSiteRefused
from ..storage import Row, Tx

IDLE = 30 * 60
ABSOLUTE = 12 * 3_600
_TOUCH = 60
"""``seen_at`` is written at most this often, in seconds."""


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in. ``key`` (a hash) may index what a service keeps in memory for this session; ``form_token`` goes into forms.

    ``idle_until``: when it ends if nobody uses it before; ``expires_at``: when it ends in any case.
    """

    key: str
    subject: str
    data: Mapping[str, Any]
    created_at: int
    seen_at: int
    idle_until: int
    expires_at: int
    form_token: str = field(repr=False)


def hashed(cookie: str) -> str:
    """What the row knows of the cookie."""
    return sha256(cookie.encode()).hexdigest()


def form_token(cookie: str) -> str:
    """The token for forms follows from the cookie, which a foreign page cannot read; nothing more is kept."""
    return base64.urlsafe_b64encode(hmac.digest(cookie.encode(), b"form", "sha256")[:24]).decode()


def check_form_token(session: Session, token: str) -> None:
    """Raise ``CrossSiteRefused`` unless ``token`` belongs to ``session``."""
    if not hmac.compare_digest(session.form_token.encode(), token.encode("utf-8", "replace")):
        raise CrossSiteRefused("this form was not made for this session, or the session has ended since")


async def begin(
    tx: Tx, *, subject: str, at: int, entropy: Entropy, data: Mapping[str, Any] | None = None, idle: int = IDLE, absolute: int = ABSOLUTE
) -> tuple[str, Session]:
    """A new session: the cookie's value and the session."""
    cookie = base64.urlsafe_b64encode(entropy(32)).rstrip(b"=").decode()
    ends, idle_until = at + absolute, min(at + idle, at + absolute)
    await tx.execute(
        "INSERT INTO web_session (id_hash, subject, data, created_at, seen_at, idle_until, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        hashed(cookie),
        subject,
        msgspec.json.encode(data or {}).decode(),
        at,
        at,
        idle_until,
        ends,
    )
    return cookie, Session(hashed(cookie), subject, dict(data or {}), at, at, idle_until, ends, form_token(cookie))


async def find(tx: Tx, cookie: str, *, at: int) -> Session | None:
    """The session of ``cookie``, if it has not ended."""
    row = await tx.fetchrow("SELECT * FROM web_session WHERE id_hash = $1 AND idle_until > $2 AND expires_at > $2", hashed(cookie), at)
    return None if row is None else _session(row, cookie)


def wants_touch(session: Session, *, at: int) -> bool:
    """Whether its last use should be written down again."""
    return at - session.seen_at >= _TOUCH


def used(session: Session, *, at: int, idle: int = IDLE) -> Session:
    """The session after somebody used it at ``at``; no use takes it beyond its end."""
    return replace(session, seen_at=at, idle_until=min(at + idle, session.expires_at))


async def touch(tx: Tx, session: Session, *, at: int, idle: int = IDLE) -> Session:
    """Note that the session is in use."""
    now = used(session, at=at, idle=idle)
    await tx.execute("UPDATE web_session SET seen_at = $2, idle_until = $3 WHERE id_hash = $1", now.key, now.seen_at, now.idle_until)
    return now


async def store(tx: Tx, session: Session, data: Mapping[str, Any]) -> None:
    """Replace the session's data (small, and never a secret: the row is not sealed)."""
    await tx.execute("UPDATE web_session SET data = $2 WHERE id_hash = $1", session.key, msgspec.json.encode(data).decode())


async def end(tx: Tx, key: str) -> None:
    """End one session."""
    await tx.execute("DELETE FROM web_session WHERE id_hash = $1", key)


async def end_all(tx: Tx, subject: str, *, but: str = "") -> list[str]:
    """End all sessions of ``subject`` except the one with key ``but``; return the keys of those that ended."""
    rows = await tx.fetch("DELETE FROM web_session WHERE subject = $1 AND id_hash <> $2 RETURNING id_hash", subject, but)
    return [str(row["id_hash"]) for row in rows]


async def purge(tx: Tx, *, at: int) -> list[str]:
    """Drop sessions that have ended and return their keys, so that a service can drop what it held in memory for them."""
    rows = await tx.fetch("DELETE FROM web_session WHERE idle_until <= $1 OR expires_at <= $1 RETURNING id_hash", at)
    return [str(row["id_hash"]) for row in rows]


def _session(row: Row, cookie: str) -> Session:
    return Session(
        key=str(row["id_hash"]),
        subject=str(row["subject"]),
        data=msgspec.json.decode(str(row["data"])),
        created_at=int(row["created_at"]),
        seen_at=int(row["seen_at"]),
        idle_until=int(row["idle_until"]),
        expires_at=int(row["expires_at"]),
        form_token=form_token(cookie),
    )
