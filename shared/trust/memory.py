"""What a reader of checking packs and snapshots must keep, so that nothing older ever returns (security rules S17, S18). A pure value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..codec import strict_json
from ..codec.reader import get_int, get_object, get_str, pointer
from ..errors import Malformed
from ..status.memory import StatusMemory, parse_statuses, render_statuses
from .snapshot import MAX_LIFE, SeenSnapshot, Snapshot
from .superiors import Word, name_path

MAX_BYTES = 64_000_000
MAX_GONE = 1_000  # ways that nobody names any more, of which numbers are remembered
MAX_AWAY = 8_000_000  # characters of what is remembered of those who are not heard in a pack


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenBundle:
    """The newest pack seen of one signer. ``digest`` is that of its manifest's signing input."""

    seq: int
    iat: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleMemory:
    """What must survive between two uses: newest pack a signer, newest snapshot an anchor (by fingerprint; of superiors in a federation
    by their way) with the dates of what it named there, the time floor that snapshots have raised, and what status lists have taught.
    """

    signers: Mapping[str, SeenBundle] = field(default_factory=dict)
    snapshots: Mapping[str, SeenSnapshot] = field(default_factory=dict)
    dates: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    floor: int = 0
    statuses: StatusMemory = field(default_factory=StatusMemory)

    def with_statuses(self, learnt: StatusMemory) -> BundleMemory:
        """Joined with what a check has taught."""
        return replace(self, statuses=self.statuses.merge(learnt))

    def with_snapshot(self, fingerprint: str, snapshot: Snapshot) -> BundleMemory:
        """With a verified snapshot of that anchor seen: it is the newest, and the time is not before it (S18)."""
        snapshots = {**self.snapshots, fingerprint: snapshot.seen}
        return replace(self, snapshots=snapshots, floor=max(self.floor, snapshot.iat))

    def with_words(self, words: Iterable[Word], at: int) -> BundleMemory:
        """With all that a checking pack says of federations.

        What was said on ways that nobody names any more is forgotten, and the number of the newest snapshot there once all up to that one have
        run out. Of those who are named and not heard in this pack it stays, as far as there is room.
        """
        known, here = self, {each.name: each for each in words}
        for word in here.values():
            known = known._with_word(word)
        newest = {name: each.iat for name, each in known.snapshots.items()}
        away = sorted((newest.keys() | known.dates.keys()) - here.keys(), key=lambda name: (-newest.get(name, 0), name))
        gone = {name: place for place, name in enumerate(each for each in away if _is_unnamed(each, here))}
        past = {name for name, place in gone.items() if place >= MAX_GONE or newest.get(name, 0) < at - MAX_LIFE}
        room, dates = MAX_AWAY, {name: known.dates[name] for name in here}
        for name in away:
            room -= sum(map(len, known.dates.get(name, ())))
            if name in known.dates and name not in gone and room >= 0:
                dates[name] = known.dates[name]
        return replace(known, snapshots={name: each for name, each in known.snapshots.items() if name not in past}, dates=dates)

    def _with_word(self, word: Word) -> BundleMemory:
        """With what a superior in a federation says; only that of an anchor moves the time."""
        dated = replace(self, dates={**self.dates, word.name: word.dates})
        if len(word.path) == 1:
            return dated.with_snapshot(word.name, word.snapshot)
        return replace(dated, snapshots={**self.snapshots, word.name: word.snapshot.seen})


def _is_unnamed(name: str, here: Mapping[str, Word]) -> bool:
    """Whether the nearest one above it that is heard does not name it, or who leads to it."""
    path = name.split(" ")
    for length in range(len(path) - 1, 0, -1):
        above = here.get(name_path(path[:length]))
        if above is not None:
            return path[length] not in above.about
    return False


def render_memory(memory: BundleMemory) -> bytes:
    """The bytes that ``parse_memory`` reads back to the same value."""
    signers = {signer: {"seq": each.seq, "iat": each.iat, "digest": each.digest} for signer, each in sorted(memory.signers.items())}
    snapshots = {
        name: {"seq": each.seq, "iat": each.iat, "digest": each.digest, "key": each.key} for name, each in sorted(memory.snapshots.items())
    }
    return strict_json.dumps(
        {
            "version": 1,
            "floor": memory.floor,
            "signers": signers,
            "snapshots": snapshots,
            "dates": {name: dict(sorted(each.items())) for name, each in sorted(memory.dates.items())},
            "statuses": render_statuses(memory.statuses),
        }
    )


def parse_memory(data: bytes) -> BundleMemory:
    """``Malformed`` with a pointer unless ``data`` was written by ``render_memory``: a broken memory is never an empty one."""
    obj = strict_json.load_object(data, max_bytes=MAX_BYTES)
    if get_int(obj, "version") != 1:
        raise Malformed("this program reads version 1", where="/version")
    signers = get_object(obj, "signers")
    snapshots = get_object(obj, "snapshots", optional=True) or {}  # memories of 0.1 have none
    dates = get_object(obj, "dates", optional=True) or {}  # memories of 0.5 have none
    return BundleMemory(
        signers={name: SeenBundle(**_parse_seen(signers, name, "/signers")) for name in signers},
        snapshots={name: _parse_snapshot(snapshots, name) for name in snapshots},
        dates={name: _parse_dates(dates, name) for name in dates},
        floor=get_int(obj, "floor"),
        statuses=parse_statuses(get_object(obj, "statuses"), "/statuses"),
    )


def _parse_dates(members: Mapping[str, Any], name: str) -> dict[str, int]:
    obj, place = get_object(members, name, "/dates"), pointer("/dates", name)
    return {each: get_int(obj, each, place) for each in obj}


def _parse_snapshot(members: Mapping[str, Any], name: str) -> SeenSnapshot:
    key = get_str(get_object(members, name, "/snapshots"), "key", pointer("/snapshots", name), optional=True, min_length=0)
    return SeenSnapshot(**_parse_seen(members, name, "/snapshots"), key=key or "")  # memories of 0.5 have none


def _parse_seen(members: Mapping[str, Any], name: str, where: str) -> dict[str, Any]:
    obj, place = get_object(members, name, where), pointer(where, name)
    return {"seq": get_int(obj, "seq", place), "iat": get_int(obj, "iat", place), "digest": get_str(obj, "digest", place)}
