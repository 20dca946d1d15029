"""What pinned anchors publish, as this service last heard it: fetched on a timer for all of them alike, verified, kept in the database.

Nothing here is ever fetched because somebody asked or showed something (security rule S21): the list of visits follows from ``trust.json``
and the clock alone, and each visit is the same plain request. Of a federation every superior below a pinned anchor is visited; what each says
is kept under its way down from the anchor (``shared.trust.superiors``), as that of an anchor of certificates is under its fingerprint.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

from ..codec import strict_json
from ..errors import VcError
from ..flow import Fetch, Fetched, arun
from ..storage import Row, Storage, Tx
from ..trust.anchors import Anchor, TrustAnchors
from ..trust.artefact import OF_ANCHORS, OF_SUPERIORS, Artefact
from ..trust.federation import Federation
from ..trust.federation_anchor import FederationAnchor
from ..trust.memory import MAX_GONE
from ..trust.publication import MAX_PUBLICATION, Publication, fetch_publication, verify_publication
from ..trust.snapshot import MAX_LIFE, SeenSnapshot, Snapshot, check_order, parse_snapshot
from ..trust.superiors import Dates, Word, gather, name_path, recall
from .ahead import Ahead

Fetching = Callable[[Fetch], Awaitable[Fetched]]
SOON = 300  # seconds until a site is asked again that did not answer as it should
AT_FIRST = 60  # likewise, as long as it has never answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """How the last visit went. ``fault`` is empty where nothing was wrong; to publish nothing is no fault."""

    site: str
    tried_at: int
    fetched_at: int | None
    fault: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """``snapshots`` are the newest verified ones by fingerprint, ``artefacts`` all that they and the superiors of ``federation`` name; ``seen``
    also what is gone since, by fingerprint or way.
    """

    snapshots: Mapping[str, Snapshot] = field(default_factory=dict)
    artefacts: tuple[Artefact, ...] = field(default=(), repr=False)
    seen: Mapping[str, SeenSnapshot] = field(default_factory=dict)
    federation: Federation = field(default_factory=Federation)

    @property
    def floor(self) -> int:
        """The earliest time that can be now, by the word of anchors alone (security rule S18)."""
        return floor_of(self.seen)

    def of(self, media_type: str) -> tuple[bytes, ...]:
        """The statements of one kind."""
        return tuple(each.data for each in self.artefacts if each.media_type == media_type)


def floor_of(seen: Mapping[str, SeenSnapshot]) -> int:
    """As ``Heard.floor``. A way to a superior below an anchor has a space in it."""
    return max((each.iat for name, each in seen.items() if " " not in name), default=0)


async def listen(
    storage: Storage, fetch: Fetching, trust: TrustAnchors, *, at: Callable[[], int], plain_http: Collection[str] = ()
) -> list[Site]:
    """Visit every site of ``trust`` once, in one order, those of each federation in its own; what is genuine and new is kept. How it went."""
    listening = _Listening(storage, fetch, trust, at, plain_http)
    # side by side: nobody waits for what is slow elsewhere, and what fails for one fails for nobody else
    rounds = await asyncio.gather(listening.to_anchors(), *map(listening.to_federation, trust.federation), return_exceptions=True)
    told: list[Site] = []
    for each in rounds:
        if isinstance(each, BaseException):
            raise each
        told += each
    asked = {*sites(trust), *(each.site for each in told)}
    await storage.write(lambda tx: _forget_sites(tx, asked))
    return told


@dataclass(frozen=True, slots=True)
class _Listening:
    """One round. Each word is kept in a unit of work of its own: what cannot be kept takes nothing with it."""

    storage: Storage
    fetch: Fetching
    trust: TrustAnchors
    at: Callable[[], int]
    plain_http: Collection[str]

    async def to_anchors(self) -> list[Site]:
        """Anchors of certificates, one after another."""
        return [await self._to_site(site) for site in sorted({each.site for each in self.trust.anchors if each.site is not None})]

    async def _to_site(self, site: str) -> Site:
        anchors = [each for each in self.trust.anchors if each.site == site]
        try:
            publication = await arun(fetch_publication(site, plain_http=self.plain_http), self.fetch)
            if publication is None:
                return await self._says_nothing(site, anchors)
            await self.storage.write(lambda tx: keep(tx, publication, anchors, at=self.at()), point="hear-anchor")
        except VcError as error:
            return await self._told(site, error.detail)
        return await self._told(site)

    async def _says_nothing(self, site: str, anchors: Sequence[Anchor]) -> Site:
        known = await self.storage.read(seen)
        fault = "it no longer says what is in force" if any(each.fingerprint in known for each in anchors) else ""
        return await self._told(site, fault, brought=False)

    async def to_federation(self, anchor: FederationAnchor) -> list[Site]:
        """All superiors below an anchor; what is new is kept."""
        known = (await self.storage.read(lambda tx: heard(tx, self.trust))).federation.words
        remembered = await self.storage.read(seen)
        new: list[Word] = []
        faults: dict[str, str] = {}
        ahead = Ahead(self.fetch)

        async def fetch(wanted: Fetch) -> Fetched:
            await self._take(new, faults)
            return await ahead(wanted)

        flow = gather(anchor, known, remembered, at=self.at(), plain_http=self.plain_http, took=new.append, ahead=ahead.expect)
        try:
            gathered = await arun(flow, fetch)
        finally:
            await ahead.close()
        await self._take(new, faults)
        await self.storage.write(lambda tx: _forget(tx, anchor, self.at()), point="hear-forget")
        faults |= {name: error.detail for name, error in gathered.faults.items()}
        names = dict.fromkeys([*(each.name for each in gathered.words), *faults])
        return [await self._told(name.rpartition(" ")[2], faults.get(name, "")) for name in names]

    async def _take(self, new: list[Word], faults: dict[str, str]) -> None:
        """Keep each at once: what is slow after it holds nothing up. Another process may have heard a newer one meanwhile."""
        for word in new:
            try:
                await self.storage.write(partial(_put_word, word), point="hear-federation")
            except VcError as error:
                faults[word.name] = error.detail
        new.clear()

    async def _told(self, site: str, fault: str = "", *, brought: bool = True) -> Site:
        """How it went."""
        at = self.at()
        visit = Site(site=site, tried_at=at, fetched_at=at if brought and not fault else None, fault=plain(fault))
        return await self.storage.write(lambda tx: _note(tx, visit))


def plain(fault: str) -> str:
    """In words that any database takes: strangers may have written some of them."""
    return "".join(each if each.isprintable() else " " for each in fault)


def sites(trust: TrustAnchors) -> list[str]:
    """Where pinned anchors publish."""
    return sorted({each.site for each in trust.anchors if each.site is not None} | {each.entity for each in trust.federation})


async def due(storage: Storage, trust: TrustAnchors, *, every: int, at: int) -> bool:
    """Whether it is time to listen again: the clock decides, never anything that somebody asked or showed."""
    known = {each.site: each for each in await storage.read(visits)}
    return any(site not in known or known[site].tried_at + _pause(known[site], every) <= at for site in sites(trust))


def _pause(visit: Site, every: int) -> int:
    """A site that has never answered may only just be starting."""
    return every if not visit.fault else min(every, SOON if visit.fetched_at is not None else AT_FIRST)


async def keep(tx: Tx, publication: Publication, anchors: Sequence[Anchor], *, at: int) -> None:
    """Verify and keep; errors as ``verify_publication``. An older one never takes the place of a newer one (security rule S17)."""
    for anchor in verify_publication(publication, anchors, seen=await seen(tx), at=at):
        await put(tx, anchor.fingerprint, publication.snapshot, publication.artefacts)


async def _put_word(word: Word, tx: Tx) -> None:
    await put(tx, word.name, word.snapshot, word.publication.artefacts, word.dates)


async def put(
    tx: Tx, fingerprint: str, snapshot: Snapshot, artefacts: Sequence[Artefact], dates: Mapping[str, int] = MappingProxyType({})
) -> None:
    """Take the place of what was heard before of that anchor; ``BundleRolledBack`` if that was newer. The caller has verified it.

    ``dates`` as those of a ``Word``.
    """
    known = (await seen(tx)).get(fingerprint)
    check_order(snapshot, known)
    there = await tx.fetchrow("SELECT 1 FROM heard_anchor WHERE fingerprint = $1 AND token LIKE '%.%'", fingerprint)
    new = snapshot.seen
    await tx.execute(
        "INSERT INTO heard_anchor (fingerprint, seq, iat, digest, token, signer, dates) VALUES ($1, $2, $3, $4, $5, $6, $7) "
        "ON CONFLICT (fingerprint) DO UPDATE SET seq = $2, iat = $3, digest = $4, token = $5, signer = $6, dates = $7",
        fingerprint,
        new.seq,
        new.iat,
        new.digest,
        snapshot.jws.token,
        new.key,
        strict_json.dumps(dict(dates)).decode(),
    )
    if there is not None and known == new:
        return
    await tx.execute("DELETE FROM heard_statement WHERE fingerprint = $1", fingerprint)
    for each in artefacts:
        if each.sha256 in snapshot.statements:
            await tx.execute(
                "INSERT INTO heard_statement (fingerprint, sha256, media_type, data) VALUES ($1, $2, $3, $4)",
                fingerprint,
                each.sha256,
                snapshot.statements[each.sha256],
                each.data,
            )


async def heard(tx: Tx, trust: TrustAnchors) -> Heard:
    """What is known of the anchors that are pinned now."""
    kept = await _kept(tx, {*(each.fingerprint for each in trust.anchors), *(each.entity for each in trust.federation)})
    snapshots = {each.fingerprint: kept[each.fingerprint].snapshot for each in trust.anchors if each.fingerprint in kept}
    known = await seen(tx)
    federation = _federation(trust.federation, kept, known, await dates(tx))
    named = [*snapshots, *(each.name for each in federation.words)]
    return Heard(snapshots=snapshots, artefacts=_files(kept[name] for name in reversed(named)), seen=known, federation=federation)


def _files(publications: Iterable[Publication]) -> tuple[Artefact, ...]:
    """All that is read of it, as each kind that somebody says it is: what others say of the same bytes is nothing to an anchor. A checking pack
    can say one thing of a file: the last one here counts, that of whoever is above, and of anchors of certificates first.
    """
    found: dict[tuple[str, str], Artefact] = {}
    for publication in publications:
        for each in publication.artefacts:
            if each.media_type in OF_ANCHORS | OF_SUPERIORS:
                found.pop((each.sha256, each.media_type), None)
                found[each.sha256, each.media_type] = each
    return tuple(found.values())


async def _kept(tx: Tx, names: Iterable[str]) -> dict[str, Publication]:
    """What was kept of these anchors, and of all superiors below them, by fingerprint or way. What is kept of others is not read."""
    found: dict[str, Publication] = {}
    for name in sorted(names):
        files: dict[str, list[Artefact]] = {}
        wanted = name, len(name) + 1, name_path((name, ""))
        for row in await tx.fetch(
            "SELECT fingerprint, media_type, data FROM heard_statement WHERE fingerprint = $1 OR substr(fingerprint, 1, $2) = $3 "
            "ORDER BY media_type, sha256",
            *wanted,
        ):
            files.setdefault(row["fingerprint"], []).append(Artefact(media_type=row["media_type"], data=bytes(row["data"])))
        for row in await tx.fetch(
            "SELECT fingerprint, token FROM heard_anchor WHERE token LIKE '%.%' AND (fingerprint = $1 OR substr(fingerprint, 1, $2) = $3)",
            *wanted,
        ):
            artefacts = tuple(files.get(row["fingerprint"], ()))
            found[row["fingerprint"]] = Publication(snapshot=parse_snapshot(str(row["token"])), artefacts=artefacts)
    return found


async def _forget(tx: Tx, anchor: FederationAnchor, at: int) -> None:
    """What was heard on ways that are gone. The number of the newest snapshot and the key that signed it stay until all up to that one have
    run out (S17).
    """
    kept = await _kept(tx, [anchor.entity])
    for name in kept.keys() - {anchor.entity, *(each.name for each in recall(anchor, kept))}:
        await tx.execute("DELETE FROM heard_statement WHERE fingerprint = $1", name)
        await tx.execute("UPDATE heard_anchor SET token = '', dates = '{}' WHERE fingerprint = $1", name)
    await tx.execute("DELETE FROM heard_anchor WHERE token NOT LIKE '%.%' AND iat < $1", at - MAX_LIFE)
    below = name_path((anchor.entity, ""))
    await tx.execute(
        "DELETE FROM heard_anchor WHERE token NOT LIKE '%.%' AND substr(fingerprint, 1, $1) = $2 AND fingerprint NOT IN (SELECT fingerprint "
        "FROM heard_anchor WHERE token NOT LIKE '%.%' AND substr(fingerprint, 1, $1) = $2 ORDER BY iat DESC, fingerprint LIMIT $3)",
        len(below),
        below,
        MAX_GONE,
    )


async def _forget_sites(tx: Tx, asked: Collection[str]) -> None:
    for visit in await visits(tx):
        if visit.site not in asked:
            await tx.execute("DELETE FROM heard_site WHERE site = $1", visit.site)


def _federation(
    anchors: Sequence[FederationAnchor], kept: Mapping[str, Publication], known: Mapping[str, SeenSnapshot], dated: Dates
) -> Federation:
    if not anchors:
        return Federation()
    words = [word for anchor in anchors for word in recall(anchor, kept, dated)]
    return Federation(tuple(anchors), tuple(words), frozenset(known))


async def newest(tx: Tx) -> dict[str, str]:
    """Digests of the snapshots that are kept: while they are the same, so is all that was heard."""
    return {
        row["fingerprint"]: row["digest"] for row in await tx.fetch("SELECT fingerprint, digest FROM heard_anchor WHERE token LIKE '%.%'")
    }


async def seen(tx: Tx) -> dict[str, SeenSnapshot]:
    """The newest snapshot ever seen of each anchor, pinned now or not."""
    return {
        row["fingerprint"]: SeenSnapshot(seq=int(row["seq"]), iat=int(row["iat"]), digest=row["digest"], key=row["signer"])
        for row in await tx.fetch("SELECT fingerprint, seq, iat, digest, signer FROM heard_anchor")
    }


async def dates(tx: Tx) -> dict[str, dict[str, int]]:
    """Of the newest statement of each that superiors named, by way."""
    rows = await tx.fetch("SELECT fingerprint, dates FROM heard_anchor WHERE dates <> '{}'")
    return {row["fingerprint"]: strict_json.load_object(str(row["dates"]), max_bytes=MAX_PUBLICATION) for row in rows}


async def visits(tx: Tx) -> list[Site]:
    """How the last visits went."""
    return [_site(row) for row in await tx.fetch("SELECT * FROM heard_site ORDER BY site")]


async def _note(tx: Tx, visit: Site) -> Site:
    await tx.execute(
        "INSERT INTO heard_site (site, tried_at, fetched_at, fault) VALUES ($1, $2, $3, $4) ON CONFLICT (site) DO UPDATE SET "
        "tried_at = $2, fetched_at = COALESCE($3, heard_site.fetched_at), fault = $4",
        visit.site,
        visit.tried_at,
        visit.fetched_at,
        visit.fault,
    )
    return visit


def _site(row: Row) -> Site:
    return Site(site=row["site"], tried_at=int(row["tried_at"]), fetched_at=row["fetched_at"], fault=row["fault"])
