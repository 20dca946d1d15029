"""What this office was told of documents of others, and what became of its own for that (``0017_news.sql``)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.clock import DAY
from shared.errors import Conflict, Missing
from shared.marks import Mark
from shared.storage import Row, Tx

_FORGOTTEN = 400 * DAY  # seconds after which it is not even counted
Side = tuple[str, str]
"""A kind of our documents, and where such a document names the person."""
OPEN = ("open", "second", "making")
"""States in which somebody has to do something."""
_COLUMNS = "id, at, vct, became, state, version, first_by, keep_until, claims IS NOT NULL AS has_claims"


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """See the table for what each means."""

    id: str
    at: int
    vct: str
    became: str
    state: str
    version: int
    first_by: str
    keep_until: int
    has_claims: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNews:
    id: str
    digest: bytes
    request: bytes | None
    at: int
    vct: str
    became: str
    state: str
    claims: bytes | None = field(repr=False)
    keep_until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """A document of ours that the news are about, or may be about. ``claims`` are sealed under that document's number.

    The ``outcome`` is one of those in the table, or ``gone``: it was to be made again, and its details or its time were over.
    """

    document: str
    action: str
    reason: str
    likeness: str
    outcome: str
    claims: bytes | None = field(default=None, repr=False)
    made: str = ""


async def add(tx: Tx, new: NewNews, concerned: Iterable[Concerned]) -> None:
    await tx.execute(
        "INSERT INTO news (id, digest, request, at, vct, became, state, version, first_by, claims, keep_until) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, 0, '', $8, $9)",
        new.id,
        new.digest,
        new.request,
        new.at,
        new.vct,
        new.became,
        new.state,
        new.claims,
        new.keep_until,
    )
    for each in concerned:
        await tx.execute(
            "INSERT INTO news_document (news, document, action, reason, likeness, outcome, claims, made) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            new.id,
            each.document,
            each.action,
            each.reason,
            each.likeness,
            each.outcome,
            each.claims,
            each.made,
        )


async def remember(tx: Tx, identifier: str, later: Mapping[Side, frozenset[Mark]]) -> None:
    """Whom these news name, for what may be told later."""
    for (kind, side), marks in later.items():
        for mark in marks:
            sql = "INSERT INTO news_named (news, type, side, kind, digest) VALUES ($1, $2, $3, $4, $5)"
            await tx.execute(sql, identifier, kind, side, mark.kind, mark.value)


async def named_for(tx: Tx, request: bytes) -> dict[Side, frozenset[Mark]]:
    """Whom the documents named that were shown for a request."""
    rows = await tx.fetch("SELECT m.* FROM news_named m JOIN news n ON n.id = m.news WHERE n.request = $1", request)
    found: dict[Side, set[Mark]] = defaultdict(set)
    for row in rows:
        found[str(row["type"]), str(row["side"])].add(Mark(str(row["kind"]), bytes(row["digest"])))
    return {side: frozenset(marks) for side, marks in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnChange:
    """A document of ours that changed, with its details as they were sealed."""

    document: str
    version: int
    became: str
    claims: bytes = field(repr=False)


async def changed(tx: Tx, change: OwnChange) -> None:
    """To be looked at in the next round."""
    sql = "INSERT INTO own_change (document, version, became, claims) VALUES ($1, $2, $3, $4) ON CONFLICT (document, version) DO NOTHING"
    await tx.execute(sql, change.document, change.version, change.became, change.claims)


async def changes(tx: Tx) -> list[OwnChange]:
    """Some of those that nobody looked at yet."""
    rows = await tx.fetch("SELECT * FROM own_change ORDER BY document, version LIMIT 200")
    return [
        OwnChange(document=row["document"], version=int(row["version"]), became=row["became"], claims=bytes(row["claims"])) for row in rows
    ]


async def looked_at(tx: Tx, change: OwnChange) -> None:
    await tx.execute("DELETE FROM own_change WHERE document = $1 AND version = $2", change.document, change.version)


async def known(tx: Tx, digest: bytes) -> News | None:
    """What came of it when it came before."""
    row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM news WHERE digest = $1", digest)  # noqa: S608 - our own column names
    return None if row is None else _news(row)


async def get(tx: Tx, identifier: str) -> News:
    """``Missing`` if there is none of that number."""
    row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM news WHERE id = $1", identifier)  # noqa: S608 - our own column names
    if row is None:
        raise Missing("there are no news of that number")
    return _news(row)


async def of_request(tx: Tx, request: bytes) -> list[News]:
    """What was heard for one request, oldest first."""
    return [_news(row) for row in await tx.fetch(f"SELECT {_COLUMNS} FROM news WHERE request = $1 ORDER BY at, id", request)]  # noqa: S608 - our own column names


async def counts_no_longer(tx: Tx, identifier: str) -> bool:
    """Whether a list has said so of the document that was shown for the request of these news."""
    sql = (
        "SELECT other.id FROM news other JOIN news one ON one.request = other.request AND one.vct = other.vct "
        "WHERE one.id = $1 AND other.became = 'cancelled'"
    )
    return await tx.fetchrow(sql, identifier) is not None


async def stands_with(tx: Tx, document: str, action: str) -> bool:
    """Whether a document stands in any news with that action, unless somebody decided to leave it as it is."""
    sql = "SELECT document FROM news_document WHERE document = $1 AND action = $2 AND outcome <> 'left'"
    return await tx.fetchrow(sql, document, action) is not None


async def waits_with(tx: Tx, document: str, action: str, *, since: int) -> bool:
    """Whether somebody has that to decide of a document already, because of something that was heard ``since`` then and still counts."""
    sql = (
        "SELECT d.news FROM news_document d JOIN news n ON n.id = d.news "
        "WHERE d.document = $1 AND d.action = $2 AND d.outcome IN ('open', 'chosen') AND n.at >= $3"
    )
    rows = await tx.fetch(sql, document, action, since)
    return any([not await counts_no_longer(tx, str(row["news"])) for row in rows])


async def take_left(tx: Tx, document: str, action: str) -> bytes | None:
    """The sealed details of a document that somebody decided to leave as it is, for where that is asked anew; they are held there no longer."""
    row = await tx.fetchrow(
        "SELECT claims FROM news_document WHERE document = $1 AND action = $2 AND outcome = 'left' AND claims IS NOT NULL", document, action
    )
    await tx.execute("UPDATE news_document SET claims = NULL WHERE document = $1 AND action = $2 AND outcome = 'left'", document, action)
    return None if row is None else bytes(row["claims"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody looks for: news of that number or about our document of that number, or those that tell one of what is ``said``."""

    number: str
    said: Sequence[tuple[str, str]]


async def told_of(tx: Tx) -> list[tuple[str, str]]:
    """Every kind of document of which something was told, with what became of it."""
    return [(str(row["vct"]), str(row["became"])) for row in await tx.fetch("SELECT DISTINCT vct, became FROM news")]


async def page(tx: Tx, *, open_only: bool, offset: int, limit: int, wanted: Wanted | None = None) -> list[News]:
    """Those to be decided oldest first, or all newest first."""
    where, values = _where(open_only, wanted)
    order, last = "at, id" if open_only else "at DESC, id", len(values)
    sql = f"SELECT {_COLUMNS} FROM news WHERE {where} ORDER BY {order} LIMIT ${last + 1} OFFSET ${last + 2}"  # noqa: S608 - our own words
    return [_news(row) for row in await tx.fetch(sql, *values, limit, offset)]


async def count(tx: Tx, *, open_only: bool, wanted: Wanted | None = None) -> int:
    """How many ``page`` has in all."""
    where, values = _where(open_only, wanted)
    row = await tx.fetchrow(f"SELECT count(*) AS n FROM news WHERE {where}", *values)  # noqa: S608 - our own words
    return 0 if row is None else int(row["n"])


def _where(open_only: bool, wanted: Wanted | None) -> tuple[str, list[str]]:
    state = "state IN ('open', 'second', 'making')" if open_only else "1 = 1"
    if wanted is None:
        return state, []
    ways = ["id = $1", "id IN (SELECT news FROM news_document WHERE document = $1)"]
    ways += [f"(vct = ${place} AND became = ${place + 1})" for place in range(2, 2 + 2 * len(wanted.said), 2)]
    return f"{state} AND ({' OR '.join(ways)})", [wanted.number, *(text for pair in wanted.said for text in pair)]


async def counts(tx: Tx) -> dict[str, int]:
    """How many are in each state."""
    return {str(row["state"]): int(row["n"]) for row in await tx.fetch("SELECT state, count(*) AS n FROM news GROUP BY state")}


async def concerned(tx: Tx, identifier: str) -> list[Concerned]:
    """The likeliest first."""
    rows = await tx.fetch("SELECT * FROM news_document WHERE news = $1 ORDER BY likeness DESC, document", identifier)
    return [_concerned(row) for row in rows]


async def concerned_count(tx: Tx, identifiers: Sequence[str]) -> dict[str, int]:
    """How many documents each of them is about."""
    if not identifiers:
        return {}
    places = ", ".join(f"${place}" for place in range(1, len(identifiers) + 1))
    sql = f"SELECT news, count(*) AS n FROM news_document WHERE news IN ({places}) GROUP BY news"  # noqa: S608 - placeholders only
    return {str(row["news"]): int(row["n"]) for row in await tx.fetch(sql, *identifiers)}


async def sealed_claims(tx: Tx, identifier: str) -> bytes | None:
    row = await tx.fetchrow("SELECT claims FROM news WHERE id = $1", identifier)
    return None if row is None or row["claims"] is None else bytes(row["claims"])


async def settle(tx: Tx, before: News, state: str, *, first_by: str = "") -> None:
    """The next state; what was kept to compare goes once nobody has to. ``Conflict`` with ``/version`` if somebody was faster."""
    done = await tx.execute(
        "UPDATE news SET state = $1, first_by = $2, version = version + 1, claims = CASE WHEN $5 = 1 THEN claims ELSE NULL END "
        "WHERE id = $3 AND version = $4",
        state,
        first_by,
        before.id,
        before.version,
        int(state in OPEN),
    )
    if done != 1:
        raise Conflict("somebody else decided this at the same moment: look again", where="/version")


async def note(tx: Tx, identifier: str, each: Concerned) -> None:
    """What became of one document."""
    await tx.execute(
        "UPDATE news_document SET outcome = $1, claims = $2, made = $3 WHERE news = $4 AND document = $5",
        each.outcome,
        each.claims,
        each.made,
        identifier,
        each.document,
    )


async def purge(tx: Tx, at: int) -> None:
    """Details whose time is over, and what was decided long ago."""
    await tx.execute(
        "UPDATE news_document SET claims = NULL WHERE claims IS NOT NULL AND news IN (SELECT id FROM news WHERE keep_until <= $1)", at
    )
    await tx.execute("UPDATE news SET claims = NULL WHERE claims IS NOT NULL AND keep_until <= $1", at)
    await tx.execute("DELETE FROM news_named WHERE news IN (SELECT id FROM news WHERE keep_until <= $1)", at)
    over = "(SELECT id FROM news WHERE at <= $1 AND state NOT IN ('open', 'second', 'making'))"
    await tx.execute(f"DELETE FROM news_document WHERE news IN {over}", at - _FORGOTTEN)  # noqa: S608 - the query above
    await tx.execute(f"DELETE FROM news WHERE id IN {over}", at - _FORGOTTEN)  # noqa: S608 - the query above


def _news(row: Row) -> News:
    return News(
        id=row["id"],
        at=int(row["at"]),
        vct=row["vct"],
        became=row["became"],
        state=row["state"],
        version=int(row["version"]),
        first_by=row["first_by"],
        keep_until=int(row["keep_until"]),
        has_claims=bool(row["has_claims"]),
    )


def _concerned(row: Row) -> Concerned:
    claims = row["claims"]
    return Concerned(
        document=row["document"],
        action=row["action"],
        reason=row["reason"],
        likeness=row["likeness"],
        outcome=row["outcome"],
        claims=None if claims is None else bytes(claims),
        made=row["made"],
    )
