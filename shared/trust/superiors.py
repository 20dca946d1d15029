"""What the superiors of a federation publish of those below them, and how it is collected (ADR 0009).

``gather`` visits all superiors below a pinned anchor, on a timer and never because of something that was shown (security rule S21); a checking
pack brings the same publications. A superior's word counts on the way on which it was reached, from the anchor down over those who vouch for
each other's keys: what one of them says of its own changes nothing of what another says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final, NamedTuple

from ..codec import base64url
from ..cose import thumbprint
from ..errors import Malformed, TooLarge, Unavailable, Untrusted, VcError
from ..flow import Fetch, Flow
from ..keys import PublicKey
from ..urls import LOOPBACK, split, well_known
from .artefact import ENTITY_STATEMENT, OF_SUPERIORS, SUCCESSOR, Artefact
from .chain import FETCH_ENDPOINT, MAX_STATEMENTS
from .constraints import FEDERATION_ENTITY
from .federation_anchor import FederationAnchor
from .federation_keys import FederationKey
from .publication import DOCUMENT, Publication, fetch_publication_at, request_at
from .room import Room, Size, size_of
from .snapshot import SUPERIOR_AHEAD, KeyState, SeenSnapshot, Snapshot, verify_snapshot_of
from .statements import EntityStatement, check_statement, parse_statement
from .succession import Succession, parse_succession
from .turns import Coming, in_turn

MAX_SUPERIORS: Final = 256  # below one anchor that are asked in a round; twice as many words of them are kept
MAX_PATH: Final = MAX_STATEMENTS - 2  # superiors one above the other
MAX_NAME: Final = 2_000  # characters of a way down: databases find what was heard by it
TRUST_ENDPOINT: Final = "muniment_trust_endpoint"
_AT_HAND: Final = 1 << 62  # turns, where nobody has to be asked
Path = tuple[str, ...]
"""Entities from a pinned anchor down to a superior."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """The newest that one superior said, whose key the one above it in ``path`` vouches for.

    ``itself`` is its own configuration, ``about`` its statements by subject, ``configurations`` what those subjects say of themselves;
    ``successions`` who takes over from whom, by both; ``dates`` of the newest that was ever seen of each of them.
    """

    path: Path
    publication: Publication
    itself: EntityStatement | None
    about: Mapping[str, EntityStatement]
    configurations: Mapping[str, EntityStatement]
    successions: Mapping[tuple[str, str], Succession] = field(default_factory=dict)
    dates: Mapping[str, int] = field(default_factory=dict, repr=False)

    @property
    def entity(self) -> str:
        return self.path[-1]

    @property
    def name(self) -> str:
        """Under which it is remembered."""
        return name_path(self.path)

    @property
    def snapshot(self) -> Snapshot:
        return self.publication.snapshot


def name_path(path: Sequence[str]) -> str:
    """One text for a way down; of an anchor it is its identifier."""
    return " ".join(path)


def _read_word(path: Path, publication: Publication) -> Word:
    found: dict[tuple[str, str], EntityStatement] = {}
    for data in publication.of(ENTITY_STATEMENT):
        try:
            statement = parse_statement(data.decode("ascii", "replace"))
        except VcError:
            continue  # whoever is described by what cannot be read has no chain, and takes nothing from others
        if (statement.iss, statement.sub) in found:
            raise Malformed("a superior publishes two statements of one body about another", where="/statements")
        found[statement.iss, statement.sub] = statement
    about = {each.sub: each for each in found.values() if each.iss == path[-1] != each.sub}
    return Word(
        path=path,
        publication=publication,
        itself=found.get((path[-1], path[-1])),
        about=about,
        configurations={each.sub: each for each in found.values() if each.is_configuration and each.sub in about},
        successions=_read_successions(publication),
    )


def _read_successions(publication: Publication) -> Mapping[tuple[str, str], Succession]:
    """Whether they count is another matter (``successors``); what cannot be read hands over nothing."""
    found: dict[tuple[str, str], Succession] = {}
    for data in publication.of(SUCCESSOR):
        try:
            succession = parse_succession(data)
        except VcError:
            continue
        parties = succession.outgoing, succession.successor
        if parties in found:
            raise Malformed("a superior publishes two statements that one body takes over from another", where="/statements")
        found[parties] = succession
    return found


def _hold_to(word: Word, before: Mapping[str, int], limit: int) -> Word:
    """The word, no older in any part than what was there ``before`` (S17), with the dates to which the next one will be held.

    ``Malformed`` for what the superior itself brings back; what a body says of itself is left out then, which is nobody else's fault. A date
    after ``limit`` holds nobody to anything: neither a thief nor a wrong clock silences anybody for good.
    """
    own = {f"by {sub}": each.iat for sub, each in word.configurations.items()}
    said = own | {f"about {sub}": each.iat for sub, each in word.about.items()}
    said |= {f"after {name_path(parties)}": each.iat for parties, each in word.successions.items()}
    known = {name: iat for name, iat in before.items() if iat <= limit}
    older = {name for name, iat in said.items() if iat < known.get(name, 0)}
    if older - own.keys():
        raise Malformed("a superior brings back a statement that is older than one seen before", where="/statements")
    return replace(
        word,
        configurations={sub: each for sub, each in word.configurations.items() if f"by {sub}" not in older},
        dates={name: max(iat, known.get(name, 0)) for name, iat in said.items()},
    )


def _check_goes_on(word: Word, held: Word, keys: Sequence[PublicKey]) -> None:
    """What a superior said of keys stands (S15): none of its own speaks again that was over, none that was compromised is anything else later.
    That counts as long as the key of that word is known: a thief's does not once the one above it, or whoever pinned it, knows other keys.
    """
    before, now = held.snapshot, word.snapshot
    if now.seen == before.seen or all(base64url.encode(thumbprint(each)) != before.seen.key for each in keys):
        return
    fate = before.keys.get(now.seen.key)
    if fate is not None and fate.entity == word.entity and fate.state.is_over:
        raise Untrusted("the snapshot is signed by a key that was over before", where="/kid")
    stolen = {name for name, each in before.keys.items() if each.state is KeyState.COMPROMISED}
    if any(name in now.keys and now.keys[name].state is not KeyState.COMPROMISED for name in stolen):
        raise Malformed("the snapshot takes back that a key was reported as compromised", where="/keys")


Dates = Mapping[str, Mapping[str, int]]
"""``Word.dates`` by the name of the word."""

Find = Callable[[Path, str, Sequence[PublicKey]], Flow[Publication | None]]
"""What is published by the superior at the end of a path, at that address; the keys are those that it is known to have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """Every superior's word that is in force, those that could not be renewed among them; ``faults`` by the name of the path."""

    words: tuple[Word, ...]
    faults: Mapping[str, VcError]


class Step(NamedTuple):
    """A superior to visit: its path, the keys that it is known to have, where it publishes; the statement ``about`` it, by one of ``above``."""

    path: Path
    keys: tuple[FederationKey, ...]
    place: str
    about: EntityStatement | None = None
    above: tuple[FederationKey, ...] = ()

    def check(self) -> None:
        """Raise unless the one above it vouches for its keys; those of an anchor are pinned."""
        if self.about is not None:
            check_statement(self.about, self.above, at=self.about.iat)


def _nobody(_: object) -> None:
    """Who wants to be told nothing."""


class _Walk:
    """From one anchor down, bounded by a number of ``turns``. ``at`` is ``None`` where what is found was verified before."""

    def __init__(self, find: Find, held: Mapping[str, Word], seen: Mapping[str, SeenSnapshot], at: int | None, *, turns: int) -> None:
        self.find, self.held, self.seen, self.at, self.turns = find, held, seen, at, turns
        self.room = Room()
        self.took: Callable[[Word], None] = _nobody
        self.expect: Callable[[Path, Iterable[Step]], None] = lambda _path, _steps: None
        self.dates: Dates = {}
        self.words: dict[Path, Word] = {}
        self.faults: dict[str, VcError] = {}

    def visit(self, anchor: FederationAnchor, address: str) -> Flow[None]:
        """Who names a thousand superiors below it takes turns of its own only; whose turn does not come keeps its last word."""
        spared = False
        for step in in_turn(Step((anchor.entity,), anchor.keys, address), self._next):
            name = name_path(step.path)
            held = self.held.get(name)
            if len(self.words) == 2 * MAX_SUPERIORS:
                break
            if self.turns == 0:
                if held is None and spared:
                    continue
                spared = True
                self.faults[name] = Unavailable(
                    f"more than {MAX_SUPERIORS} superiors are below one anchor: neither it nor others are asked"
                )
                word = self._last(held)
            else:
                word = yield from self._word(step, held)
            if word is not None:
                self.words[step.path] = word
                self.expect(step.path, self._next(step))

    def _next(self, step: Step) -> Iterable[Step]:
        word = self.words.get(step.path)
        return () if word is None else islice(self._below(word, step.keys), MAX_SUPERIORS)

    def _below(self, word: Word, keys: tuple[FederationKey, ...]) -> Iterator[Step]:
        """Those that are superiors themselves, and can be remembered."""
        for sub, about in word.about.items():
            path, place = (*word.path, sub), _publishes_at(word.configurations.get(sub))
            if place is not None and sub not in word.path and len(path) <= MAX_PATH and len(name_path(path)) <= MAX_NAME:
                yield Step(path, about.keys, place, about, keys)

    def _word(self, step: Step, held: Word | None) -> Flow[Word | None]:
        """What it says now; where that cannot be had or believed, what it said last. Nothing of one for whom nobody vouches."""
        path, name = step.path, name_path(step.path)
        try:
            step.check()
        except VcError as error:
            self.faults[name] = error
            return None
        self.turns -= 1
        keys = [each.public for each in step.keys]
        try:
            publication = yield from self.find(path, step.place, keys)
            if publication is None:
                raise Unavailable("it does not say what is in force")
            snapshot = publication.snapshot
            verify_snapshot_of(snapshot, path[-1], keys, seen=self.seen.get(name), at=snapshot.iat if self.at is None else self.at)
            word = _read_word(path, publication)
            if held is not None:
                _check_goes_on(word, held, keys)
            before = self.dates.get(name, {}) if held is None else held.dates
            word = _hold_to(word, before, _AT_HAND if self.at is None else self.at + SUPERIOR_AHEAD)
            self.room.take(path, size_of(publication), held=self.at is None)
        except VcError as error:
            self.faults[name] = error
            return self._last(held)
        self.took(word)
        return word

    def _last(self, held: Word | None) -> Word | None:
        """What was heard before goes on, if those above it leave room for it."""
        if held is not None:
            try:
                self.room.take(held.path, size_of(held.publication), held=True)
            except TooLarge as error:
                self.faults[held.name] = error
                return None
        return held


def _check_own(entity: str, address: str) -> None:
    if split(address).netloc != split(entity).netloc:
        raise Malformed("a superior says what is in force at its own site", where=f"/metadata/{FEDERATION_ENTITY}/{TRUST_ENDPOINT}")


def _publishes_at(configuration: EntityStatement | None) -> str | None:
    """Where a body that is a superior itself says what is in force; ``None`` for one that has nobody below it."""
    if configuration is None:
        return None
    own = configuration.metadata.get(FEDERATION_ENTITY, {})
    address = own.get(TRUST_ENDPOINT)
    if type(address) is str:
        return address
    return well_known(configuration.sub, DOCUMENT) if FETCH_ENDPOINT in own else None


def gather(
    anchor: FederationAnchor,
    held: Iterable[Word] = (),
    seen: Mapping[str, SeenSnapshot] | None = None,
    *,
    at: int,
    plain_http: Collection[str] = LOOPBACK,
    took: Callable[[Word], None] = _nobody,
    ahead: Callable[[Sequence[Fetch]], None] = _nobody,
) -> Flow[Gathered]:
    """What all superiors below ``anchor`` say now: one request to each, the same from everybody.

    ``held`` is what they said before, ``seen`` the newest snapshots ever seen by name (S17). Never raises for what is published: who does not
    answer, lies or comes back older has a line in ``faults``, its last word stays in force, and nobody else is touched by it.
    ``took`` is told each new word at once, ``ahead``, before each request, it and those that will follow next, unless others come in between or
    turns run out.
    """
    asked: dict[str, Publication | VcError | None] = {}
    large: dict[str, Size] = {}
    coming = Coming((anchor.entity,))

    def find(path: Path, address: str, _keys: Sequence[PublicKey]) -> Flow[Publication | None]:
        """Once a round, on however many ways, and at nobody else's site; a second time where there was no room for it before."""
        _check_own(path[-1], address)
        if address in large:
            walk.room.check(path, large[address])
        if address not in asked:
            ahead(coming.next({*asked, *large}))
            try:
                asked[address] = yield from fetch_publication_at(address, plain_http=plain_http)
            except VcError as error:
                asked[address] = error
        found = asked[address]
        if isinstance(found, VcError):
            raise found
        if found is not None and not walk.room.fits(path, size_of(found)):
            large[address] = size_of(found)
            del asked[address]  # nobody holds it, or asks again, until there is room for it on another way
        return found

    def expect(path: Path, steps: Iterable[Step]) -> None:
        below, requests = list(steps), {}
        for step in below:
            with suppress(VcError):
                step.check()
                _check_own(step.path[-1], step.place)
                requests[step.path] = request_at(step.place, plain_http=plain_http)
        coming.add(path, [each.path for each in below], requests)

    words = {each.name: each for each in held}
    known = {name: each.snapshot.seen for name, each in words.items()} | dict(seen or {})
    walk = _Walk(find, words, known, at, turns=MAX_SUPERIORS)
    walk.took, walk.expect = took, expect
    yield from walk.visit(anchor, well_known(anchor.entity, DOCUMENT))
    return Gathered(words=tuple(walk.words.values()), faults=walk.faults)


def recall(anchor: FederationAnchor, publications: Mapping[str, Publication], dates: Dates | None = None) -> tuple[Word, ...]:
    """The words below ``anchor`` among ``publications``, which were verified once and kept by name, with their ``dates``."""

    def find(path: Path, _address: str, _keys: Sequence[PublicKey]) -> Flow[Publication | None]:
        yield from ()
        return publications.get(name_path(path))

    walk = _Walk(find, {}, {}, None, turns=_AT_HAND)
    walk.dates = dates or {}
    return _answered(walk, anchor)


def unpack(
    anchor: FederationAnchor,
    snapshots: Iterable[Snapshot],
    artefacts: Mapping[str, Artefact],
    seen: Mapping[str, SeenSnapshot],
    *,
    at: int,
    dates: Dates | None = None,
) -> tuple[Word, ...]:
    """The words below ``anchor`` among what lies in a checking pack, files by their names. Of each snapshot those that are there.

    Raises for what is by a key of the anchor and not right: errors as ``verify_snapshot``, ``BundleRolledBack`` if it is older than what was
    seen. Of a superior below it such a word is left out, and nobody else's with it. Who was heard on two ways may be there in two versions:
    the newest counts.
    """

    def find(path: Path, _address: str, keys: Sequence[PublicKey]) -> Flow[Publication | None]:
        yield from ()
        names = {base64url.encode(thumbprint(each)) for each in keys}
        own = [each for each in snapshots if each.entity == path[-1] and each.jws.header.get("kid") in names]
        if not own:
            return None
        newest = max(own, key=lambda each: (each.iat, each.seq, each.seen.digest))
        # what others call the same bytes is nothing to it
        named = {name: kind for name, kind in newest.statements.items() if name in artefacts and kind in OF_SUPERIORS}
        files = tuple(Artefact(media_type=kind, data=artefacts[name].data) for name, kind in named.items())
        return Publication(snapshot=newest, artefacts=files)

    walk = _Walk(find, {}, seen, at, turns=_AT_HAND)
    walk.dates = dates or {}
    words = _answered(walk, anchor)
    fault = walk.faults.get(anchor.entity)
    if fault is not None and not isinstance(fault, Unavailable):
        raise fault
    return words


def _answered(walk: _Walk, anchor: FederationAnchor) -> tuple[Word, ...]:
    """The words where ``find`` has everything at hand, so that the walk asks for nothing."""
    list(walk.visit(anchor, ""))
    return tuple(walk.words.values())
