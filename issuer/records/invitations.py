"""Invitations to collect, and what redeeming one gives: an entitlement with its access and refresh tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from issuer.records import authorizations
from issuer.sessions import Ended, Invitation, InvitationState, Offered
from shared.storage import Row, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInvitation:
    """``page``, ``code`` and ``issuer_state`` are SHA-256 of random secrets; ``tx_code`` is an HMAC, for eight digits could be guessed."""

    id: str
    document: str
    page: bytes
    code: bytes
    tx_code: bytes | None
    sealed: bytes
    expires_at: int
    issuer_state: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTokens:
    """Digests of a fresh pair. ``refresh`` is ``None`` where copies cannot be renewed."""

    access: bytes
    access_until: int
    refresh: bytes | None
    refresh_until: int


async def insert(tx: Tx, new: NewInvitation) -> None:
    await tx.execute(
        "INSERT INTO invitation (id, document, turn, page, code, tx_code, sealed, attempts, state, expires_at, issuer_state) VALUES "
        "($1, $2, (SELECT count(*) + 1 FROM invitation WHERE document = $2), $3, $4, $5, $6, 0, 'offered', $7, $8)",
        new.id,
        new.document,
        new.page,
        new.code,
        new.tx_code,
        new.sealed,
        new.expires_at,
        new.issuer_state,
    )


async def by_issuer_state(tx: Tx, issuer_state: bytes, at: int) -> str | None:
    """The document that an offer with a sign-in was about, while the invitation is open."""
    row = await tx.fetchrow(
        "SELECT document FROM invitation WHERE issuer_state = $1 AND state = 'offered' AND expires_at > $2", issuer_state, at
    )
    return None if row is None else str(row["document"])


async def by_page(tx: Tx, page: bytes) -> Invitation | None:
    row = await tx.fetchrow(f"{_SELECT} WHERE page = $1", page)
    return None if row is None else _invitation(row)


async def newest(tx: Tx, document: str) -> tuple[Invitation, bytes | None] | None:
    """The newest invitation to a document with its sealed secrets, while it is open."""
    row = await tx.fetchrow(f"{_SELECT} WHERE document = $1 ORDER BY turn DESC LIMIT 1", document)
    if row is None:
        return None
    sealed = row["sealed"]
    return _invitation(row), None if sealed is None else bytes(sealed)


async def count_try(tx: Tx, code: bytes, *, limit: int, at: int) -> tuple[Offered, bytes | None] | None:
    """Find the open invitation of a pre-authorized code and count one try at it, in one statement that all processes share.

    Returns it with the HMAC of its collection code; ``None`` if there is none, or its tries are used up.
    """
    row = await tx.fetchrow(
        "UPDATE invitation SET attempts = attempts + 1 WHERE code = $1 AND state = 'offered' AND attempts < $2 AND expires_at > $3 "
        "RETURNING id, document, tx_code, attempts, state, expires_at",
        code,
        limit,
        at,
    )
    if row is None:
        return None
    return _offered(row), None if row["tx_code"] is None else bytes(row["tx_code"])


async def by_code(tx: Tx, code: bytes) -> Invitation | None:
    row = await tx.fetchrow(f"{_SELECT} WHERE code = $1", code)
    return None if row is None else _invitation(row)


async def end(tx: Tx, invitation: str, state: InvitationState) -> None:
    """Close an invitation and forget its secrets."""
    await tx.execute("UPDATE invitation SET state = $1, sealed = NULL, tx_code = NULL WHERE id = $2", state.value, invitation)


async def withdraw_all(tx: Tx, document: str) -> None:
    """Close what is open to a document, codes of sign-ins and tokens included, before a new invitation or for good."""
    await tx.execute(
        "UPDATE invitation SET state = 'withdrawn', sealed = NULL, tx_code = NULL WHERE document = $1 AND state = 'offered'", document
    )
    await authorizations.withdraw(tx, document)
    await tx.execute("DELETE FROM deferral WHERE document = $1", document)
    await tx.execute(
        "UPDATE entitlement SET ended = 1 WHERE ended = 0 AND id IN (SELECT entitlement FROM entitled WHERE document = $1) "
        "AND NOT EXISTS (SELECT 1 FROM entitled o WHERE o.entitlement = entitlement.id AND o.document <> $1)",
        document,
    )
    await tx.execute("DELETE FROM entitled WHERE document = $1 AND entitlement IN (SELECT id FROM entitlement WHERE ended = 0)", document)


async def lapse(tx: Tx, at: int) -> list[str]:
    """Close invitations that were not collected in time; the documents they led to."""
    rows = await tx.fetch(
        "UPDATE invitation SET state = 'lapsed', sealed = NULL, tx_code = NULL WHERE state = 'offered' AND expires_at <= $1 RETURNING document",
        at,
    )
    return [row["document"] for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entitlement:
    """What one redemption gives, and to whom: the family of its tokens. ``None`` and nothing where it is tied to nobody."""

    id: str
    documents: Sequence[str]
    client: str | None = None
    instance: str | None = None
    jkt: str | None = None
    configurations: Sequence[str] = ()
    named: bool = False


async def entitle(tx: Tx, new: Entitlement, *, expires_at: int, tokens: NewTokens) -> None:
    await tx.execute(
        "INSERT INTO entitlement (id, document, ended, expires_at, client, instance, jkt, configurations, named) "
        "VALUES ($1, $2, 0, $3, $4, $5, $6, $7, $8)",
        new.id,
        new.documents[0],
        expires_at,
        new.client,
        new.instance,
        new.jkt,
        " ".join(new.configurations),
        int(new.named),
    )
    for place, document in enumerate(new.documents):
        await tx.execute("INSERT INTO entitled (entitlement, place, document) VALUES ($1, $2, $3)", new.id, place, document)
    await add_tokens(tx, new.id, tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A document of an entitlement and its type; ``place`` is part of what copies of it are asked for by."""

    place: int
    document: str
    type: str


async def held(tx: Tx, entitlement: str) -> list[Held]:
    rows = await tx.fetch(
        "SELECT h.place, d.id, d.type FROM entitled h JOIN document d ON d.id = h.document WHERE h.entitlement = $1 ORDER BY h.place",
        entitlement,
    )
    return [Held(place=int(row["place"]), document=row["id"], type=row["type"]) for row in rows]


async def end_family(tx: Tx, entitlement: str) -> str | None:
    """End all tokens of one redemption; a document of it, ``None`` where they had ended already."""
    row = await tx.fetchrow("UPDATE entitlement SET ended = 1 WHERE id = $1 AND ended = 0 RETURNING document", entitlement)
    return None if row is None else str(row["document"])


async def add_tokens(tx: Tx, entitlement: str, tokens: NewTokens) -> None:
    insert_token = "INSERT INTO token (digest, entitlement, kind, spent, expires_at) VALUES ($1, $2, $3, 0, $4)"  # noqa: S105 - SQL
    await tx.execute(insert_token, tokens.access, entitlement, "access", tokens.access_until)
    if tokens.refresh is not None:
        await tx.execute(insert_token, tokens.refresh, entitlement, "refresh", tokens.refresh_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """A refresh token that was shown, with what it belongs to (of its documents the first). ``used``: it had been spent before, for good."""

    entitlement: Entitlement
    used: bool


async def is_live(tx: Tx, access: bytes, at: int) -> bool:
    """Whether there is such an access token, and it is not over."""
    found = await tx.fetchrow(
        "SELECT 1 AS found FROM token t JOIN entitlement e ON e.id = t.entitlement "
        "WHERE t.digest = $1 AND t.kind = 'access' AND t.expires_at > $2 AND e.ended = 0",
        access,
        at,
    )
    return found is not None


async def by_refresh(tx: Tx, digest: bytes, at: int) -> Renewal | None:
    """``None`` if there is no such token, or it is over."""
    row = await tx.fetchrow(
        "SELECT e.id, e.document, e.client, e.instance, e.jkt, e.configurations, e.named, t.spent "
        "FROM token t JOIN entitlement e ON e.id = t.entitlement "
        "WHERE t.digest = $1 AND t.kind = 'refresh' AND t.expires_at > $2 AND e.ended = 0",
        digest,
        at,
    )
    if row is None:
        return None
    entitlement = Entitlement(
        id=row["id"],
        documents=(row["document"],),
        client=row["client"],
        instance=row["instance"],
        jkt=row["jkt"],
        configurations=tuple(str(row["configurations"]).split()),
        named=bool(row["named"]),
    )
    return Renewal(entitlement=entitlement, used=int(row["spent"]) == 1)


async def spend_refresh(tx: Tx, digest: bytes, entitlement: str, *, again: bool) -> None:
    """Take a refresh token, and whatever others of its family there were. ``again``: it serves until the one that follows it was used."""
    await tx.execute("UPDATE token SET spent = 1 WHERE entitlement = $1 AND kind = 'refresh' AND digest <> $2", entitlement, digest)
    await tx.execute("UPDATE token SET spent = $2 WHERE digest = $1 AND kind = 'refresh'", digest, 2 if again else 1)


async def prolong_refresh(tx: Tx, digest: bytes, until: int) -> None:
    """Let a refresh token live on."""
    await tx.execute("UPDATE token SET expires_at = $2 WHERE digest = $1 AND kind = 'refresh'", digest, until)


async def tie(tx: Tx, entitlement: str, *, client: str | None, instance: str | None, jkt: str | None) -> None:
    """Tie a family to its wallet and key, where it was not."""
    await tx.execute(
        "UPDATE entitlement SET client = coalesce(client, $2), instance = coalesce(instance, $3), jkt = coalesce(jkt, $4) WHERE id = $1",
        entitlement,
        client,
        instance,
        jkt,
    )


async def prolong(tx: Tx, entitlement: str, until: int) -> None:
    await tx.execute("UPDATE entitlement SET expires_at = $1 WHERE id = $2", until, entitlement)


async def purge(tx: Tx, at: int) -> None:
    """Forget tokens past their time, and entitlements without tokens."""
    await tx.execute("DELETE FROM token WHERE expires_at <= $1", at)
    await tx.execute("DELETE FROM deferral WHERE expires_at <= $1", at)
    over = (
        "SELECT e.id FROM entitlement e WHERE e.expires_at <= $1 AND NOT EXISTS (SELECT 1 FROM token t WHERE t.entitlement = e.id) "
        "AND NOT EXISTS (SELECT 1 FROM deferral f WHERE f.entitlement = e.id)"
    )
    await tx.execute(f"DELETE FROM entitled WHERE entitlement IN ({over})", at)  # noqa: S608 - the statement above
    await tx.execute(f"DELETE FROM entitlement WHERE id IN ({over})", at)  # noqa: S608 - the statement above


_SELECT = "SELECT id, document, tx_code, sealed, attempts, state, expires_at FROM invitation"


def _invitation(row: Row) -> Invitation:
    state = InvitationState(row["state"])
    if state is not InvitationState.OFFERED:
        return Ended(row["id"], row["document"], state)
    return _offered(row)


def _offered(row: Row) -> Offered:
    return Offered(
        id=row["id"],
        document=row["document"],
        needs_code=row["tx_code"] is not None,
        attempts=int(row["attempts"]),
        expires_at=int(row["expires_at"]),
    )
