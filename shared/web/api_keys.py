"""API keys of programs: ``mun_<id>_<secret>``. The row keeps the SHA-256 of the secret, which has 256 bits and needs no slow hash."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import sha256

from ..clock import Entropy
from ..errors import InsufficientScope, InvalidToken
from ..storage import Tx

_FORM = re.compile(r"mun_([a-z2-7]{13})_([A-Za-z0-9_-]{43})")
_TOUCH = 60


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that was checked."""

    id: str
    name: str
    scopes: frozenset[str]
    last_used_at: int | None

    def check_scope(self, scope: str) -> None:
        """Raise ``InsufficientScope`` unless the key may do ``scope``."""
        if scope not in self.scopes:
            raise InsufficientScope(f"this API key does not have the scope {scope}")

    def wants_touch(self, *, at: int) -> bool:
        """Whether its last use should be written down again."""
        return self.last_used_at is None or at - self.last_used_at >= _TOUCH


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """``token`` is shown once and kept nowhere."""

    id: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLine:
    """One API key on the list of keys; its secret is kept nowhere."""

    id: str
    name: str
    scopes: str
    made_at: int
    last_used_at: int | None
    revoked_at: int | None


async def create(tx: Tx, *, name: str, scopes: Collection[str], at: int, entropy: Entropy, expires_at: int | None = None) -> NewApiKey:
    """A new key called ``name``."""
    key_id = base64.b32encode(entropy(8)).decode().lower().rstrip("=")
    secret = base64.urlsafe_b64encode(entropy(32)).decode().rstrip("=")
    await tx.execute(
        "INSERT INTO api_key (id, name, secret_hash, scopes, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        key_id,
        name,
        _hashed(secret),
        " ".join(sorted(scopes)),
        at,
        expires_at,
    )
    return NewApiKey(key_id, f"mun_{key_id}_{secret}")


async def check(tx: Tx, token: str, *, at: int) -> ApiKey:
    """The key of ``token``. ``InvalidToken``, with one and the same sentence, whatever is wrong with it."""
    form = _FORM.fullmatch(token)
    row = None if form is None else await tx.fetchrow("SELECT * FROM api_key WHERE id = $1", form[1])
    known = str(row["secret_hash"]) if row is not None else _hashed("")
    same = hmac.compare_digest(known, _hashed(form[2] if form is not None else ""))
    if row is None or not same or row["revoked_at"] is not None or (row["expires_at"] is not None and int(row["expires_at"]) <= at):
        raise InvalidToken("this API key is not known here, or is no longer in force")
    last = row["last_used_at"]
    return ApiKey(str(row["id"]), str(row["name"]), frozenset(str(row["scopes"]).split()), None if last is None else int(last))


async def touch(tx: Tx, key_id: str, *, at: int) -> None:
    """Note that the key is in use."""
    await tx.execute("UPDATE api_key SET last_used_at = $2 WHERE id = $1", key_id, at)


async def revoke(tx: Tx, key_id: str, *, at: int) -> int:
    """Take the key out of force; the number of keys that this changed (0 or 1)."""
    return await tx.execute("UPDATE api_key SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL", key_id, at)


async def all_keys(tx: Tx) -> list[KeyLine]:
    """Every key that was made, the oldest first."""
    rows = await tx.fetch("SELECT id, name, scopes, created_at, last_used_at, revoked_at FROM api_key ORDER BY created_at, id")
    return [
        KeyLine(
            id=row["id"],
            name=row["name"],
            scopes=row["scopes"],
            made_at=int(row["created_at"]),
            last_used_at=row["last_used_at"],
            revoked_at=row["revoked_at"],
        )
        for row in rows
    ]


def _hashed(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
