"""What checks are made with: status lists, descriptions, what lists have taught, and the checking packs that were made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from shared.codec import strict_json
from shared.status.bitstring import Bitstring
from shared.status.memory import StatusMemory, parse_statuses, render_statuses
from shared.status.token_status_list import StatusToken
from shared.storage import Row, Tx
from shared.web.heard import plain

_MEMORY = "statuses"
_MAX_MEMORY = 64_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """The last visit to an issuer. ``fetched_at`` is the last one that brought everything."""

    entity: str
    tried_at: int
    fetched_at: int | None
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptList:
    """A status list token, verified when it was kept and to be verified again when it is used.

    ``pack`` is the digest of the checking pack that brought it, empty where it was fetched.
    """

    uri: str
    entity: str
    iat: int
    fetched_at: int
    pack: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    entity: str
    vct: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A checking pack that was made. ``digest`` is what the next one names as ``prev``."""

    seq: int
    digest: str
    made_at: int
    expires_at: int


async def note_visit(tx: Tx, entity: str, at: int, faults: Sequence[str]) -> None:
    await tx.execute(
        "INSERT INTO issuer (entity, tried_at, fetched_at, faults) VALUES ($1, $2, $3, $4) ON CONFLICT (entity) DO UPDATE SET "
        "tried_at = $2, faults = $4, fetched_at = COALESCE($3, issuer.fetched_at)",
        entity,
        at,
        None if faults else at,
        "\n".join(map(plain, faults)),
    )


async def visits(tx: Tx) -> list[Visit]:
    return [
        Visit(
            entity=row["entity"], tried_at=int(row["tried_at"]), fetched_at=row["fetched_at"], faults=tuple(str(row["faults"]).splitlines())
        )
        for row in await tx.fetch("SELECT * FROM issuer ORDER BY entity")
    ]


async def keep_list(tx: Tx, entity: str, token: StatusToken, at: int, *, pack: str = "") -> None:
    """The newest version stays: an older one never returns (security rule S17). A list in CBOR is kept beside the other form, or in its
    place where there is none.
    """
    if not isinstance(token.wire, str) and await _in_json(tx, token.uri):
        await tx.execute(
            "INSERT INTO status_list_cwt (uri, iat, data) VALUES ($1, $2, $3) ON CONFLICT (uri) DO UPDATE SET iat = $2, data = $3 "
            "WHERE status_list_cwt.iat <= $2",
            token.uri,
            token.iat,
            token.wire,
        )
        return
    await tx.execute(
        "INSERT INTO status_list (uri, entity, iat, token, fetched_at, pack) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (uri) DO UPDATE "
        "SET entity = $2, iat = $3, token = $4, fetched_at = $5, pack = $6 WHERE status_list.iat <= $3",
        token.uri,
        entity,
        token.iat,
        token.text,
        at,
        pack,
    )


async def _in_json(tx: Tx, uri: str) -> bool:
    row = await tx.fetchrow("SELECT token FROM status_list WHERE uri = $1", uri)
    return row is not None and "." in str(row["token"])


async def lists(tx: Tx) -> list[KeptList]:
    """All of them, without the tokens."""
    return [_list(row) for row in await tx.fetch("SELECT uri, entity, iat, fetched_at, pack FROM status_list ORDER BY uri")]


async def sizes(tx: Tx) -> list[tuple[str, str, int]]:
    """Of each list its issuer, its address and how many characters are kept."""
    rows = await tx.fetch("SELECT entity, uri, length(token) AS size FROM status_list")
    return [(row["entity"], row["uri"], int(row["size"])) for row in rows]


async def token(tx: Tx, uri: str) -> str:
    """The token of a list as ``StatusToken.text``; empty if it went in the meantime."""
    row = await tx.fetchrow("SELECT token FROM status_list WHERE uri = $1", uri)
    return "" if row is None else str(row["token"])


async def cwt(tx: Tx, uri: str, iat: int) -> bytes | None:
    """The same version of a list in CBOR, if it is here."""
    row = await tx.fetchrow("SELECT data FROM status_list_cwt WHERE uri = $1 AND iat = $2", uri, iat)
    return None if row is None else bytes(row["data"])


async def keep_description(tx: Tx, each: Description, at: int) -> None:
    await tx.execute(
        "INSERT INTO type_metadata (entity, vct, data, fetched_at) VALUES ($1, $2, $3, $4) ON CONFLICT (entity, vct) DO UPDATE SET "
        "data = $3, fetched_at = $4",
        each.entity,
        each.vct,
        each.data,
        at,
    )


async def descriptions(tx: Tx) -> list[Description]:
    rows = await tx.fetch("SELECT entity, vct, data FROM type_metadata ORDER BY entity, vct")
    return [Description(entity=row["entity"], vct=row["vct"], data=bytes(row["data"])) for row in rows]


async def keep_did(tx: Tx, did: str, data: bytes, at: int) -> None:
    await tx.execute(
        "INSERT INTO did_document (did, data, fetched_at) VALUES ($1, $2, $3) ON CONFLICT (did) DO UPDATE SET data = $2, fetched_at = $3",
        did,
        data,
        at,
    )


async def dids(tx: Tx, since: int) -> dict[str, bytes]:
    """The documents of DIDs that were fetched no earlier than ``since``."""
    rows = await tx.fetch("SELECT did, data FROM did_document WHERE fetched_at >= $1", since)
    return {row["did"]: bytes(row["data"]) for row in rows}


async def keep_bitstring(tx: Tx, each: Bitstring, at: int) -> None:
    """The newest version stays."""
    await tx.execute(
        "INSERT INTO bitstring_list (uri, iat, token, fetched_at) VALUES ($1, $2, $3, $4) ON CONFLICT (uri) DO UPDATE "
        "SET iat = $2, token = $3, fetched_at = $4 WHERE bitstring_list.iat <= $2",
        each.uri,
        each.iat,
        each.text,
        at,
    )


async def bitstrings(tx: Tx) -> dict[str, str]:
    """The lists that were named in the settings, by address."""
    return {row["uri"]: row["token"] for row in await tx.fetch("SELECT uri, token FROM bitstring_list")}


async def forget_bitstrings(tx: Tx, named: Iterable[str]) -> None:
    """Those that the settings name no longer go; what they have taught stays."""
    for uri in (await bitstrings(tx)).keys() - set(named):
        await tx.execute("DELETE FROM bitstring_list WHERE uri = $1", uri)


async def forget_issuers(tx: Tx, trusted: Iterable[str]) -> None:
    """What belongs to issuers that are no longer trusted goes; what their lists have taught stays."""
    known = set(trusted)
    for row in await tx.fetch("SELECT entity FROM issuer"):
        if row["entity"] not in known:
            await tx.execute("DELETE FROM status_list_cwt WHERE uri IN (SELECT uri FROM status_list WHERE entity = $1)", row["entity"])
            for table in ("issuer", "status_list", "type_metadata"):
                await tx.execute(f"DELETE FROM {table} WHERE entity = $1", row["entity"])  # noqa: S608 - the three names above


async def memory(tx: Tx) -> StatusMemory:
    """What status lists have taught so far."""
    row = await tx.fetchrow("SELECT data FROM status_memory WHERE name = $1", _MEMORY)
    return StatusMemory() if row is None else _statuses(str(row["data"]))


@lru_cache(maxsize=1)
def _statuses(data: str) -> StatusMemory:
    """Each check asks for it, and it may be large."""
    return parse_statuses(strict_json.load_object(data, max_bytes=_MAX_MEMORY))


async def learn(tx: Tx, learnt: StatusMemory, at: int) -> None:
    """Join what a check has taught to what is known; nothing that was known goes but what has ended on its own."""
    known = await memory(tx)
    merged = known.merge(learnt).forget(at)
    if merged != known:
        await tx.execute(
            "INSERT INTO status_memory (name, data) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET data = $2",
            _MEMORY,
            strict_json.dumps(render_statuses(merged)).decode(),
        )


def teaches(known: StatusMemory, learnt: StatusMemory) -> bool:
    """Whether ``learnt`` goes beyond ``known``."""
    return known.merge(learnt) != known


async def last_pack(tx: Tx) -> Pack | None:
    row = await tx.fetchrow("SELECT * FROM pack ORDER BY seq DESC LIMIT 1")
    if row is None:
        return None
    return Pack(seq=int(row["seq"]), digest=row["digest"], made_at=int(row["made_at"]), expires_at=int(row["expires_at"]))


async def add_pack(tx: Tx, pack: Pack) -> None:
    """``Conflict`` if another process has made one of that number."""
    await tx.execute(
        "INSERT INTO pack (seq, digest, made_at, expires_at) VALUES ($1, $2, $3, $4)", pack.seq, pack.digest, pack.made_at, pack.expires_at
    )


def _list(row: Row) -> KeptList:
    return KeptList(uri=row["uri"], entity=row["entity"], iat=int(row["iat"]), fetched_at=int(row["fetched_at"]), pack=row["pack"])


Tokens = Mapping[str, str]
