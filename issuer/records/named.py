"""Whom documents name, as keyed digests (``0017_news.sql``)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from shared.marks import Mark
from shared.storage import Tx

_LINGERS = 32 * 86_400  # seconds after which no copy of a document is in force whose details went


@dataclass(frozen=True, slots=True)
class Named:
    """One mark of one person in a document; its value is a digest."""

    side: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Unmarked:
    """A document whose persons were not looked at yet, with its sealed details."""

    id: str
    type: str
    version: int


async def write(tx: Tx, document: str, marks: Iterable[Named]) -> None:
    """In the place of what was there."""
    await forget(tx, document)
    for each in marks:
        await tx.execute(
            "INSERT INTO named (document, side, kind, digest) VALUES ($1, $2, $3, $4)", document, each.side, each.mark.kind, each.mark.value
        )
    await tx.execute("UPDATE document SET marked = 1 WHERE id = $1", document)


async def forget(tx: Tx, document: str) -> None:
    await tx.execute("DELETE FROM named WHERE document = $1", document)


async def purge(tx: Tx, at: int) -> int:
    """Those of documents whose details went so long ago that nothing of them is in force."""
    return await tx.execute("DELETE FROM named WHERE document IN (SELECT id FROM document WHERE keep_until <= $1)", at - _LINGERS)


async def like(tx: Tx, kind: str, digests: Collection[bytes]) -> Mapping[str, Mapping[str, set[Mark]]]:
    """All marks, by document and side, of those documents of a kind that have one of ``digests`` and were not cancelled."""
    if not digests:
        return {}
    places = ", ".join(f"${place}" for place in range(2, len(digests) + 2))
    sql = (
        "SELECT n.document, n.side, n.kind, n.digest FROM named n WHERE n.document IN (SELECT m.document FROM named m "  # noqa: S608 - placeholders only
        f"JOIN document d ON d.id = m.document WHERE d.type = $1 AND d.standing <> 1 AND m.digest IN ({places}))"
    )
    found: dict[str, dict[str, set[Mark]]] = defaultdict(lambda: defaultdict(set))
    for row in await tx.fetch(sql, kind, *digests):
        found[str(row["document"])][str(row["side"])].add(Mark(str(row["kind"]), bytes(row["digest"])))
    return found


async def having(tx: Tx, side: str, numbers: Collection[str]) -> set[str]:
    """Which of these documents have a mark on that side."""
    if not numbers:
        return set()
    places = ", ".join(f"${place}" for place in range(2, len(numbers) + 2))
    sql = f"SELECT DISTINCT document FROM named WHERE side = $1 AND document IN ({places})"  # noqa: S608 - placeholders only
    return {str(row["document"]) for row in await tx.fetch(sql, side, *numbers)}


async def unmarked(tx: Tx, kinds: Collection[str], limit: int) -> list[Unmarked]:
    """Some of those of ``kinds`` that were made before this was kept, whose details are still held."""
    places = ", ".join(f"${place}" for place in range(2, len(kinds) + 2))
    rows = await tx.fetch(
        f"SELECT id, type, version FROM document WHERE marked = 0 AND claims IS NOT NULL AND standing <> 1 AND type IN ({places}) LIMIT $1",  # noqa: S608 - placeholders only
        limit,
        *kinds,
    )
    return [Unmarked(str(row["id"]), str(row["type"]), int(row["version"])) for row in rows]
