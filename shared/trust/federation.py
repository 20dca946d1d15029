"""Which bodies a federation carries, with which keys, to say what: from what its superiors published when they were last heard (ADR 0009).

Nothing is fetched here, and a chain that does not stand in the newest snapshots of its superiors is none (security rule S17).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ..codec import base64url
from ..credentials import Text
from ..errors import CertificateRevoked, NotEntitled, Rejected, SnapshotMissing, Untrusted, VcError
from ..keys import PublicKey, Role
from .artefact import name_of
from .carried import Carried, Key
from .chain import TrustChain, verify_trust_chain
from .entitlements import Entitlement
from .federation_anchor import FederationAnchor
from .missing import SPOKEN_OF
from .snapshot import COPY_LIFE, MAX_LIFE, KeyHistory
from .speakers import Speakers
from .statements import AHEAD, EntityStatement
from .succession import Succession
from .successors import Successors
from .superiors import Path, Word

ENDED: Final = "authority_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class FederatedIssuer:
    """Whom superiors let say one type of document: ``entitlements`` of that type, as they stand at ``at``; ``as_of`` is how old their word is."""

    entity: str
    subject: str
    key: Key
    entitlements: tuple[Entitlement, ...]
    at: int
    as_of: int

    @property
    def public(self) -> PublicKey:
        return self.key.public

    def check_said(self, made_at: int, claims: Mapping[str, object] | None = None) -> str:
        """Nothing, or ``authority_ended``, for a document made then which says ``claims``.

        ``NotEntitled`` where no superior let it say this at that time, in that jurisdiction, on that basis.
        """
        covering = [each for each in self.entitlements if each.covers(made_at)]
        if not covering:
            raise NotEntitled("no superior let it say this type of document when this one was made")
        fitting = [each for each in covering if claims is None or _fits(each, claims)]
        if not fitting:
            raise NotEntitled("its superiors let it say this type only of other jurisdictions, or on another basis")
        return "" if any(each.covers(self.at) for each in fitting) else ENDED


def _fits(each: Entitlement, claims: Mapping[str, object]) -> bool:
    """A limit that the document does not speak of is not kept."""
    limits = ((each.jurisdiction, "issuing_jurisdiction"), (each.attestation_basis, "attestation_basis"))
    return all(allowed is None or claims.get(name) in allowed for allowed, name in limits)


Vouched = tuple[Carried, Key]


class _Judged(NamedTuple):
    """What was found of a way at ``since``, and stays so before ``until`` as long as ``over``: whether another took over from its end."""

    found: Carried | VcError
    over: bool
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Federation:
    """What pinned federation anchors and all superiors below them say, as it was last heard.

    ``words`` are verified. ``published`` are anchors that are known to publish snapshots, whatever their pins say.
    """

    anchors: tuple[FederationAnchor, ...] = ()
    words: tuple[Word, ...] = field(default=(), repr=False)
    published: Collection[str] = frozenset()
    _at: dict[Path, Word] = field(default_factory=dict, init=False, repr=False, compare=False)
    _ways: dict[str, list[tuple[Word, ...]]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _cache: dict[tuple[str, Path], _Judged] = field(default_factory=dict, init=False, repr=False, compare=False)
    _successors: list[Successors] = field(default_factory=list, init=False, repr=False, compare=False)
    _speakers: list[Speakers] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._at.update({each.path: each for each in self.words})
        for word in self.words:
            way = tuple(self._at[word.path[:length]] for length in range(len(word.path), 0, -1))
            for sub in word.about.keys() - set(word.path):
                self._ways.setdefault(sub, []).append(way)
            if len(way) == 1:
                self._ways.setdefault(word.entity, []).append(way)

    def pinned(self, anchors: Collection[FederationAnchor]) -> Federation:
        """The same by these anchors, which may have been pinned or removed since: with other keys an anchor is another."""
        keys = {each.entity: each.keys for each in anchors}
        before = {each.entity: each.keys for each in self.anchors}
        kept = tuple(each for each in self.words if keys.get(each.path[0]) == before[each.path[0]])
        return Federation(tuple(anchors), kept, self.published)

    def of(self, media_type: str) -> tuple[bytes, ...]:
        """All that superiors publish of one kind."""
        return tuple(data for word in self.words for data in word.publication.of(media_type))

    @property
    def entities(self) -> tuple[str, ...]:
        """All that are spoken of."""
        return tuple(sorted(self._ways))

    def knows(self, entity: str) -> bool:
        """Whether any superior speaks of it."""
        return entity in self._ways

    @property
    def silent(self) -> tuple[FederationAnchor, ...]:
        """Anchors of which nothing is known here, though their owner did not pin them as without."""
        return tuple(each for each in self.anchors if (each.entity,) not in self._at and self._must_publish(each))

    def run_out(self, at: int) -> tuple[str, ...]:
        """The names of anchors whose last word counts no more: nothing in their federations can be decided."""
        tops = {each.entity: each.snapshot for each in self.words if len(each.path) == 1}
        return tuple(each.name for each in self.anchors if each.entity in tops and at >= tops[each.entity].next_update)

    def _must_publish(self, anchor: FederationAnchor) -> bool:
        return not anchor.without_snapshot or anchor.entity in self.published

    # --- succession ---

    @property
    def successors(self) -> Successors:
        """Who has taken over from whom."""
        if not self._successors:
            self._successors.append(Successors(self.words))
        return self._successors[0]

    def successor(self, entity: str, at: int, *, vct: str | None = None) -> Succession | None:
        """As ``Successors.successor``."""
        return self.successors.successor(entity, at, vct=vct)

    def heirs(self, entity: str, at: int, *, vct: str) -> tuple[Succession, ...]:
        """``Successors.line`` of those whose word about its documents of that type counts; errors as there.

        Nobody's, where no superior lets the body say that type, now or while copies of it may live: who took over from one that is known
        otherwise, as by its certificate alone, any superior could make up. One that does let it could let anybody make such documents.
        """
        line = self.successors.line(entity, at, vct=vct)
        return line if line and self._lets(entity, at, vct) else ()

    def _lets(self, entity: str, at: int, vct: str) -> bool:
        try:
            said = [each for found in self.chains(entity, at) for each in found.chain.entitlements]
        except VcError:
            return False
        return any(each.vct == vct and (each.until is None or at < each.until + COPY_LIFE) for each in said)

    def predecessors(self, entity: str, at: int) -> tuple[Succession, ...]:
        """As ``Successors.predecessors``."""
        return self.successors.predecessors(entity, at)

    def name(self, entity: str) -> Text:
        """As ``Speakers.name``."""
        return self._speaking.name(entity)

    # --- chains ---

    def chain(self, entity: str, at: int, *, vct: str | None = None) -> TrustChain:
        """A chain to ``entity`` in force at ``at``, with ``vct`` one by which it may say this type, if there is one.

        ``Untrusted`` if nobody speaks of it; errors as ``verify_trust_chain``; ``SnapshotStale`` where a superior's word has run out.
        """
        found = self.chains(entity, at)
        return next((each.chain for each in found if any(said.vct == vct for said in each.chain.entitlements)), found[0].chain)

    def chains(self, entity: str, at: int) -> list[Carried]:
        """All chains in force, one for each way down to it; errors as ``chain``."""
        found: list[Carried] = []
        fault: VcError = Untrusted(f"{SPOKEN_OF}{entity}")
        for way in self._ways.get(entity, ()):
            try:
                found.append(self._through(way, entity, at))
            except VcError as error:
                fault = error
        if not found:
            raise fault
        return found

    def _through(self, way: tuple[Word, ...], entity: str, at: int) -> Carried:
        """As ``_judge``, which is asked again once what it found may have changed: many ways to one body may fail."""
        name, over = (entity, way[0].path), self.successors.is_over(entity, at)
        known = self._cache.get(name)
        if known is None or known.over is not over or not known.since <= at < known.until:
            try:
                found: Carried | VcError = self._judge(way, entity, at, over=over)
            except VcError as error:
                found = copy(error)
            known = self._cache[name] = _Judged(found, over, at, _changes(found, way, entity, at))
        if isinstance(known.found, VcError):
            raise copy(known.found)  # what is kept holds nothing of the check that met it, and so nothing that was shown
        return known.found

    def _judge(self, way: tuple[Word, ...], entity: str, at: int, *, over: bool) -> Carried:
        """By statements that the newest snapshots name, and by no others (S17)."""
        for word in way:
            word.snapshot.check_current(at)
        statements = _statements(way, entity)
        if statements[0] is None:
            raise Untrusted("its superior does not publish what this body says of itself")
        tokens = [each.wire for each in statements if each is not None]
        chain = verify_trust_chain(tokens, self.anchors, at=at, taken_over=len(tokens) > 1 and over)
        until = min([chain.exp, *(each.snapshot.next_update for each in way), *(each.exp for each in chain.trust_marks)])
        return Carried(chain=chain, words=way, since=at, until=until)

    def brought(self, tokens: Sequence[object], at: int) -> Carried:
        """A chain that came along, judged like any other, and by the snapshots of its superiors (S17).

        ``Untrusted`` for a statement that its issuer's newest snapshot does not name, and for a subject's configuration that is older than
        one that is known; ``SnapshotMissing`` where no snapshot is known, unless the owner pinned the anchor as without.
        """
        chain = verify_trust_chain(tokens, self.anchors, at=at)
        if (chain.anchor.entity,) not in self._at and not self._must_publish(chain.anchor):
            return Carried(chain=chain, words=(), since=at, until=chain.exp)
        about = [each for each in chain.statements if not each.is_configuration]
        issuers = [each.iss for each in about] or [chain.subject]
        way = tuple(self._known(tuple(reversed(issuers[index:])), at) for index in range(len(issuers)))
        for statement, word in zip(about, way, strict=False):
            if name_of(statement.wire.encode()) not in word.snapshot.statements:
                raise Untrusted(f"the newest snapshot of {word.entity} does not name this statement")
        newest = way[0].configurations.get(chain.subject)
        if newest is not None and newest.iat > chain.statements[0].iat:
            raise Untrusted("a newer configuration of this body is known here")
        return Carried(chain=chain, words=way, since=at, until=chain.exp)

    def _known(self, path: Path, at: int) -> Word:
        word = self._at.get(path)
        if word is None:
            raise SnapshotMissing(f"what {path[-1]} says now is not known here")
        word.snapshot.check_current(at)
        return word

    def branches(self, entity: str, at: int) -> list[Path]:
        """The ways down to it, no further than right below an anchor: all below one superior there are one branch. Errors as ``chain``."""
        return list(dict.fromkeys((*each.words[0].path, entity)[:2] for each in self.chains(entity, at)))

    # --- keys ---

    def named(self, kid: bytes) -> tuple[str, ...]:
        """Issuers of documents of whose keys one has that ``kid``, by the word of their superiors."""
        name = base64url.encode(kid)
        told = [each for word in self.words for each in word.snapshot.keys.values() if each.kid == name]
        return tuple(dict.fromkeys(each.entity for each in told if each.role is Role.CREDENTIAL_ISSUER))

    def makers(self, vcts: Collection[str], at: int) -> Iterator[str]:
        """The issuers that superiors let say any of these types, or did until lately; one at a time, as it takes a while."""
        for entity in self.entities:
            with suppress(VcError):
                if any(carried.entitled(vct, at) for carried in self.chains(entity, at) for vct in vcts):
                    yield entity

    def key(self, entity: str, name: str, carried: Carried | None = None) -> KeyHistory | None:
        """As ``Speakers.history``, of the body that ``carried`` is about, or of whoever is called ``entity``."""
        if carried is None:
            return self._speaking.history(entity, name)
        if name not in carried.fates:
            carried.fates[name] = self._speaking.history(entity, name, way=carried.words, keys=carried.chain.keys)
        return carried.fates[name]

    @property
    def _speaking(self) -> Speakers:
        if not self._speakers:
            self._speakers.append(Speakers(self.words, self.anchors))
        return self._speakers[0]

    def vouch(self, role: Role, entity: str, at: int, *, key: Key | None, kid: bytes = b"", tokens: Sequence[object] = ()) -> list[Vouched]:
        """Chains to ``entity``, at least one, with a key of it in that role: ``key``, or else the one of that ``kid``.

        ``Untrusted``, ``NotEntitled``, ``CertificateRevoked`` and errors as ``chain``; ``SnapshotMissing`` where an anchor was never heard.
        """
        found: list[Vouched] = []
        fault: Rejected = Untrusted("")
        for carried in self._reach(entity, at, tokens):
            try:
                known = carried.find_key(role, kid) if key is None else key
                carried.check_key(known, role, at)
                ended = self.key(entity, known.name, carried)
                if ended is not None:
                    ended.check(at)
                found.append((carried, known))
            except Rejected as error:
                fault = fault if isinstance(fault, CertificateRevoked) else error
        if not found:
            raise fault
        return found

    def _reach(self, entity: str, at: int, tokens: Sequence[object]) -> list[Carried]:
        if entity in self._ways:
            return self.chains(entity, at)
        if tokens:
            carried = self.brought(tokens, at)
            if carried.chain.subject != entity:
                raise NotEntitled("the chain that came along is another body's")
            return [carried]
        if self.silent:
            raise SnapshotMissing(f"nothing is known here yet of what {', '.join(each.name for each in self.silent)} says")
        return self.chains(entity, at)

    def issuer(
        self, entity: str, vct: str, at: int, *, key: Key | None, kid: bytes = b"", tokens: Sequence[object] = ()
    ) -> FederatedIssuer:
        """Who signed a document of that type, if it may say it, or might until lately. Errors as ``vouch``; ``NotEntitled``."""
        vouched = self.vouch(Role.CREDENTIAL_ISSUER, entity, at, key=key, kid=kid, tokens=tokens)
        saying = [(carried, known) for carried, known in vouched if carried.entitled(vct, at)]
        if not saying:
            raise NotEntitled("the issuer is known, but no superior lets it say this type of document")
        first, own = saying[0]
        return FederatedIssuer(
            entity=entity,
            subject=first.name,
            key=own,
            entitlements=tuple(each for carried, known in saying if known == own for each in carried.entitled(vct, at)),
            at=at,
            as_of=first.as_of,
        )


def _statements(way: tuple[Word, ...], entity: str) -> list[EntityStatement | None]:
    """Those of a chain, from what ``entity`` says of itself up to what the anchor does."""
    top = way[-1].itself
    if entity == way[-1].entity:
        return [top]
    about = [upper.about[sub] for upper, sub in zip(way, (entity, *(each.entity for each in way)), strict=False)]
    return [way[0].configurations.get(entity), *about, *(() if top is None else (top,))]


def _changes(found: Carried | VcError, way: tuple[Word, ...], entity: str, at: int) -> int:
    """The first moment after ``at`` at which another thing may be found."""
    if isinstance(found, Carried):
        return found.until
    dates = [each.snapshot.next_update for each in way]
    dates += [date for each in _statements(way, entity) if each is not None for date in (each.iat - AHEAD, each.exp)]
    return min((each for each in dates if each > at), default=at + MAX_LIFE)
