"""Which account elsewhere belongs to which operator, and whether an admin has a way to sign in beside a passphrase.

An account is known by an HMAC of its provider and its name there (security rule S24). Who came in by it once keeps her record and her
name for good, so that whoever compares two operators is not deceived by somebody who calls herself something else at the next login.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..clock import DAY
from ..errors import Conflict, SignInRequired
from ..storage import Tx
from . import operators, sessions
from .operators import Leaves, Operator, nothing_more

_MOST_NAMESAKES = 100
LATELY = 14 * DAY
"""How long a login elsewhere shows that there is a way in, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """Somebody who has just signed in elsewhere. ``role`` is that of her groups, if one of them is let in; ``id`` serves if she is new."""

    login: bytes
    provider: str
    name: str
    role: str | None
    id: str


async def admit(tx: Tx, coming: Coming, at: int, leaves: Leaves = nothing_more) -> Operator | None:
    """The operator, with the role that her groups have now. ``None`` if they have none: then her sessions are over, and what ``leaves`` ends.

    ``SignInRequired`` for one whom an admin has removed, whatever her groups are.
    """
    row = await tx.fetchrow("SELECT operator FROM operator_login WHERE login = $1", coming.login)
    if row is None:
        return await _first(tx, coming, at)
    identifier = str(row["operator"])
    refused_at = at if coming.role is None else None
    await tx.execute("UPDATE operator_login SET used_at = $1, refused_at = $2 WHERE login = $3", at, refused_at, coming.login)
    if coming.role is None:
        await sessions.end_all(tx, identifier)
        await leaves(tx, identifier, at)
        return None
    await tx.execute("UPDATE operator SET role = $1 WHERE id = $2", coming.role, identifier)
    found = await operators.by_id(tx, identifier)
    if found is None:
        raise SignInRequired("this operator was removed here")
    return found


async def _first(tx: Tx, coming: Coming, at: int) -> Operator | None:
    if coming.role is None:
        return None
    name = await _free_name(tx, coming.name)
    operator = Operator(id=coming.id, name=name, role=coming.role, passphrase="", made_at=at, ended_at=None)
    await operators.add(tx, operator)
    await tx.execute(
        "INSERT INTO operator_login (login, operator, provider, used_at, refused_at) VALUES ($1, $2, $3, $4, NULL)",
        coming.login,
        operator.id,
        coming.provider,
        at,
    )
    return operator


async def _free_name(tx: Tx, wanted: str) -> str:
    """A name that nobody has or had: the second of a name gets a number."""
    for number in range(1, _MOST_NAMESAKES + 1):
        name = wanted if number == 1 else f"{wanted} ({number})"
        if await tx.fetchrow("SELECT 1 AS one FROM operator WHERE folded = $1", operators.fold(name)) is None:
            return name
    raise Conflict("too many operators have that name")


async def another_way(tx: Tx, provider: str, *, host: str, at: int) -> bool:
    """Whether an admin may sign in without a passphrase: by a passkey for ``host``, or at ``provider``, where she was let in lately.

    Groups and providers change without telling us: a login of long ago promises no other.
    """
    row = await tx.fetchrow(
        "SELECT 1 AS one FROM operator o WHERE o.role = 'admin' AND o.ended_at IS NULL AND ("
        "EXISTS (SELECT 1 FROM passkey p WHERE p.subject = $1 || o.id AND p.host = $3) OR "
        "EXISTS (SELECT 1 FROM operator_login l WHERE l.operator = o.id AND l.provider = $2 AND l.refused_at IS NULL "
        "AND l.used_at >= $4)) LIMIT 1",
        operators.subject(""),
        provider,
        host,
        at - LATELY,
    )
    return row is not None


async def refused(tx: Tx) -> set[str]:
    """Operators whom their groups did not let in at their last login."""
    return {str(row["operator"]) for row in await tx.fetch("SELECT operator FROM operator_login WHERE refused_at IS NOT NULL")}
