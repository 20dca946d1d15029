"""Trust chains: from an entity over those above it to an anchor that is pinned here (OpenID Federation 1.0 sections 4 and 10).

A chain is ``[configuration of the subject, statement of its superior about it, …, statement of the anchor, configuration of the anchor]``, the last
of which may be missing. However it came here, in a header, a pack or over the network, ``verify_trust_chain`` judges it and nothing else does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType
from typing import Final, NamedTuple

from ..codec.reader import as_str, pointer
from ..errors import Malformed, NotEntitled, TooLarge, Unavailable, Untrusted, VcError
from ..flow import Fetch, Fetched, Flow
from ..jose.jwk import render_jwk
from ..urls import with_query
from .entitlements import Entitlement, Grants
from .federation_anchor import FederationAnchor
from .federation_keys import FederationKey, check_entity, find_key
from .metadata_policy import Metadata, MetadataPolicy, apply, check_nothing_emptied, resolve_policy
from .missing import ENDS_AT
from .statements import MAX_BYTES, MEDIA_TYPE, EntityStatement, check_statement, parse_statement
from .trust_marks import TrustMark, check_trust_mark, parse_trust_mark

MAX_STATEMENTS: Final = 8
MAX_FETCHES: Final = 64
MAX_CHAINS: Final = 32  # that are judged while one is looked for
FETCH_ENDPOINT: Final = "federation_fetch_endpoint"
_ACCEPT: Final = MappingProxyType({"accept": MEDIA_TYPE})
_CONTENT: Final = MappingProxyType({"content-type": MEDIA_TYPE})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustChain:
    """A verified chain. ``metadata`` is the subject's as its superiors let it stand; ``entitlements`` and ``may_register`` what it may say and
    where it may register others, by their word; ``trust_marks`` those that count and whose issuers are in this chain; ``exp`` when it ends.
    """

    anchor: FederationAnchor
    statements: tuple[EntityStatement, ...] = field(repr=False)
    keys: tuple[FederationKey, ...] = field(repr=False)
    metadata: Metadata
    entitlements: tuple[Entitlement, ...]
    may_register: tuple[str, ...]
    trust_marks: tuple[TrustMark, ...]
    exp: int

    @property
    def subject(self) -> str:
        """Whom the chain is about. ``keys`` are its keys as its superior knows them."""
        return self.statements[0].sub

    @property
    def tokens(self) -> tuple[str, ...]:
        """What others verify: the header ``trust_chain`` (section 4.3)."""
        return tuple(each.wire for each in self.statements)

    def is_named(self, kind: str) -> bool:
        """Whether every superior lists that entity type among those that it allows; silence allows others, but names none (S14)."""
        limits = [each.constraints for each in self.statements if not each.is_configuration]
        return all(each is not None and each.types is not None and kind in each.types for each in limits)

    def check_entitled(self, vct: str, made_at: int) -> Entitlement:
        """Why the subject may say this type in a document that it made then; ``NotEntitled`` if it may not."""
        for each in self.entitlements:
            if each.vct == vct and each.covers(made_at):
                return each
        raise NotEntitled("no superior lets it say this type of document at that time")


# --- judge -------------------------------------------------------------------------------------------------------------------------------


class _Line(NamedTuple):
    """A chain whose parts fit. ``about`` are the subordinate statements; ``entities`` the subject, its superior, …, the anchor."""

    anchor: FederationAnchor
    statements: tuple[EntityStatement, ...]
    about: tuple[EntityStatement, ...]
    entities: tuple[str, ...]

    def keys_of(self, index: int) -> tuple[FederationKey, ...]:
        """Those of ``entities[index]`` as its superior knows them; the anchor's as they are pinned, whatever it publishes."""
        return self.about[index].keys if index < len(self.about) else self.anchor.keys


class _Member(NamedTuple):
    """A body of the chain, for what it has signed."""

    subject: str
    keys: tuple[FederationKey, ...]
    anchor: FederationAnchor


def verify_trust_chain(tokens: Sequence[object], anchors: Iterable[FederationAnchor], *, at: int, taken_over: bool = False) -> TrustChain:
    """The chain, if it holds at ``at`` (section 10.2); errors carry the index of the statement that is at fault.

    ``TooLarge`` for more than eight statements, and errors as ``parse_statement``; ``Untrusted`` where they do not follow each other, end at
    nobody who is pinned, share a key or break a constraint; ``Expired``, ``NotYetValid``, ``AlgorithmRefused``, ``BadSignature``;
    ``PolicyError`` for metadata policies that contradict each other or that the subject does not meet. What a subject said of itself that
    was ``taken_over`` since may have run out: nobody is left to say it anew, and its superior publishes it still.
    """
    if not tokens:
        raise Malformed("a trust chain has at least one statement")
    if len(tokens) > MAX_STATEMENTS:
        raise TooLarge(f"more than {MAX_STATEMENTS} statements")
    line = _line(tuple(_parse(each, index) for index, each in enumerate(tokens)), anchors)
    _check_keys_apart(line)
    _check_signatures(line, at, taken_over=taken_over)
    metadata = _resolved(line)
    grants = _granted(line)
    return TrustChain(
        anchor=line.anchor,
        statements=line.statements,
        keys=line.keys_of(0),
        metadata=metadata,
        entitlements=grants.entitlements,
        may_register=grants.may_register,
        trust_marks=_marks(line, at),
        exp=min(each.exp for each in line.statements[1 if taken_over else 0 :]),
    )


def _parse(token: object, index: int) -> EntityStatement:
    try:
        return parse_statement(as_str(token))
    except VcError as error:
        raise error.within(pointer("", index)) from error.__cause__


def _line(statements: tuple[EntityStatement, ...], anchors: Iterable[FederationAnchor]) -> _Line:
    """Sections 4 and 10.2: who speaks of whom, up to whom."""
    first, last = statements[0], statements[-1]
    about = statements[1:-1] if len(statements) > 1 and last.is_configuration else statements[1:]
    if not first.is_configuration or any(each.is_configuration for each in about) or len(statements) > 1 > len(about):
        raise Untrusted("a chain begins with its subject's own configuration, and none but the anchor's follows")
    for index, (lower, upper) in enumerate(pairwise(statements)):
        if lower.iss != upper.sub:
            raise Untrusted("this statement is about somebody else than the issuer of the one before", where=f"/{index + 1}/sub")
    entities = (first.sub, *(each.iss for each in about))
    if len(set(entities)) != len(entities):
        raise Untrusted("the chain comes back to where it was")
    if about and about[0].iss not in first.authority_hints:
        raise Untrusted("the entity does not name this superior", where="/0/authority_hints")
    for anchor in anchors:
        if anchor.entity == entities[-1]:
            return _Line(anchor, statements, about, entities)
    raise Untrusted(f"{ENDS_AT}{entities[-1]}", where=f"/{len(statements) - 1}/iss")


def _check_keys_apart(line: _Line) -> None:
    """One key, one body: whoever signs with another's key could speak for it (S1)."""
    owners = {render_jwk(each.public)["x"]: line.anchor.entity for each in line.anchor.keys}
    for index, statement in enumerate(line.statements):
        for each in statement.keys:
            if owners.setdefault(render_jwk(each.public)["x"], statement.sub) != statement.sub:
                raise Untrusted("two bodies of the chain have the same key", where=f"/{index}/jwks")


def _check_signatures(line: _Line, at: int, *, taken_over: bool) -> None:
    """Each by a key that its issuer's superior knows; the anchor's by one that is pinned and that it has not taken back."""
    published = line.statements[-1].keys if line.statements[-1].is_configuration else line.anchor.keys
    for index, each in enumerate(line.statements):
        keys = line.keys_of(index)
        try:
            check_statement(each, keys, at=min(at, each.exp - 1) if taken_over and index == 0 else at)
            if each.iss == line.anchor.entity and find_key(published, each.kid) != find_key(keys, each.kid):
                raise Untrusted("the anchor publishes another key under this name than is pinned here", where="/kid")
        except VcError as error:
            raise error.within(pointer("", index)) from error.__cause__


def _resolved(line: _Line) -> Metadata:
    """What the direct superior supplies, then constraints, then policies from the top (sections 6.1.4 and 6.2)."""
    metadata = line.statements[0].metadata
    if not line.about:
        return metadata
    supplied = line.about[0].metadata
    metadata = {kind: {**members, **supplied.get(kind, {})} for kind, members in metadata.items()}
    for index, each in enumerate(line.about):
        if each.constraints is not None:
            try:
                each.constraints.check_path(line.entities[: index + 1])
            except Untrusted as error:
                raise error.within(f"/{index + 1}/constraints") from error.__cause__
            metadata = each.constraints.filter_types(metadata)
    found = apply(_policy_of(tuple(each.wire for each in reversed(line.about) if each.metadata_policy)), metadata)
    check_nothing_emptied(metadata, found)
    return found


@lru_cache(maxsize=256)
def _policy_of(tokens: tuple[str, ...]) -> MetadataPolicy:
    """What these statements demand together, the highest superior's first: the same for all who are below them."""
    return resolve_policy(parse_statement(each).metadata_policy or {} for each in tokens)


def _granted(line: _Line) -> Grants:
    """The word of the nearest superior, as far as those above it let it grant that, and the pin (S14)."""
    if not line.about:  # nobody is above an anchor: only the types that its pin names
        return Grants(entitlements=tuple(Entitlement(vct=vct, since=0) for vct in line.anchor.vcts or ()))
    grants = line.about[0].grants
    for each in line.about[1:]:
        grants = grants.narrowed(each.grants)
    return grants.within(line.anchor.vcts)


def _marks(line: _Line, at: int) -> tuple[TrustMark, ...]:
    """Those marks of the subject that count, of issuers in this very chain. The others need a chain of their issuer's own."""
    top, found = line.statements[-1], []
    for held in line.statements[0].trust_marks if top.is_configuration else ():
        try:
            mark = parse_trust_mark(held.token)
            if mark.iss in line.entities:
                issuer = _Member(mark.iss, line.keys_of(line.entities.index(mark.iss)), line.anchor)
                check_trust_mark(mark, issuer, top, line.entities[0], at=at)
                found.append(mark)
        except VcError:
            continue  # a mark that does not count takes nothing else away
    return tuple(found)


# --- collect -----------------------------------------------------------------------------------------------------------------------------


def configuration_url(entity: str) -> str:
    """Where an entity publishes what it says of itself (section 9)."""
    return f"{entity.removesuffix('/')}/.well-known/openid-federation"


def statement_url(superior: EntityStatement, sub: str) -> str:
    """Where a superior, by its own configuration, publishes what it says of ``sub`` (section 8.1.1); ``Malformed`` if it does not say."""
    return _with_sub(superior.endpoint(FETCH_ENDPOINT), sub)


@lru_cache(maxsize=4_096)
def _with_sub(endpoint: str, sub: str) -> str:
    return with_query(endpoint, {"sub": sub})


def resolve(
    entity: str, anchors: Iterable[FederationAnchor], *, at: int, vct: str | None = None, made_at: int | None = None
) -> Flow[TrustChain]:
    """A chain from ``entity`` to one of ``anchors``, depth first over what each names as its superiors (section 10.1).

    With ``vct`` the first chain by which it may say this type in a document made at ``made_at`` (now, if not given), else the first that holds. Where none does, the error of the path that came closest:
    as ``verify_trust_chain``, ``Unavailable`` where somebody did not answer, ``Untrusted`` where no path leads to an anchor.
    """
    check_entity(entity)
    search = _Search({each.entity: each for each in anchors}, at, None if vct is None else (vct, at if made_at is None else made_at))
    subject = yield from search.configuration(entity)
    yield from search.climb((subject,), subject, (entity,))
    return search.best()


class _Search:
    """What was fetched and judged on the way. Nothing is fetched twice (section 10.1)."""

    def __init__(self, anchors: Mapping[str, FederationAnchor], at: int, wanted: tuple[str, int] | None) -> None:
        self.anchors, self.at, self.wanted = anchors, at, wanted
        self.fetched: dict[str, EntityStatement | VcError] = {}
        self.judged = 0
        self.chains: list[TrustChain] = []
        self.errors: list[tuple[int, VcError]] = [(-1, Untrusted("no path leads from this body to anybody who is trusted here"))]

    def best(self) -> TrustChain:
        if self.chains:
            return self.chains[-1 if self._is_entitled(self.chains[-1]) else 0]
        raise max(self.errors, key=lambda each: each[0])[1]

    def climb(self, path: tuple[EntityStatement, ...], here: EntityStatement, names: tuple[str, ...]) -> Flow[bool]:
        """Whether a chain was found above ``here``, which speaks of itself; ``path`` leads up to it."""
        if here.sub in self.anchors and self._judge(path if here is path[0] else (*path, here)):
            return True
        for hint in here.authority_hints:
            try:
                if hint in names:
                    raise Untrusted("a body is named as its own superior")
                if len(path) >= MAX_STATEMENTS - 1:
                    raise TooLarge(f"more than {MAX_STATEMENTS} statements")
                above = yield from self.configuration(hint)
                about = yield from self._about(above, here.sub)
            except VcError as error:
                self._note(error, len(path))
                continue
            if (yield from self.climb((*path, about), above, (*names, hint))):
                return True
        return False

    def _judge(self, path: tuple[EntityStatement, ...]) -> bool:
        """Whether to stop: this chain is what was asked for, or enough were tried."""
        self.judged += 1
        try:
            chain = verify_trust_chain([each.wire for each in path], self.anchors.values(), at=self.at)
        except VcError as error:
            self.errors.append((_REACHED, error))
        else:
            self.chains.append(chain)
        return self.judged >= MAX_CHAINS or (bool(self.chains) and self._is_entitled(self.chains[-1]))

    def _is_entitled(self, chain: TrustChain) -> bool:
        if self.wanted is None:
            return True
        vct, made_at = self.wanted
        return any(each.vct == vct and each.covers(made_at) for each in chain.entitlements)

    def _note(self, error: VcError, depth: int) -> None:
        """Who did not answer may have led on: that is closer than any refusal on the way."""
        self.errors.append((MAX_STATEMENTS if isinstance(error, Unavailable) else depth, error))

    def configuration(self, entity: str) -> Flow[EntityStatement]:
        found = yield from self._fetch(configuration_url(entity))
        if found.sub != entity or not found.is_configuration:
            raise Untrusted("there is the statement of somebody else where this body's own should be")
        return found

    def _about(self, superior: EntityStatement, sub: str) -> Flow[EntityStatement]:
        found = yield from self._fetch(statement_url(superior, sub))
        if (found.iss, found.sub) != (superior.sub, sub):
            raise Untrusted("the superior answers with a statement by or about somebody else")
        return found

    def _fetch(self, url: str) -> Flow[EntityStatement]:
        if url not in self.fetched:
            if len(self.fetched) >= MAX_FETCHES:
                raise TooLarge(f"more than {MAX_FETCHES} statements would have to be fetched")
            try:
                got = yield Fetch(url=url, headers=_ACCEPT, max_bytes=MAX_BYTES)
                self.fetched[url] = _read(got)
            except VcError as error:
                self.fetched[url] = error
        found = self.fetched[url]
        if isinstance(found, VcError):
            raise found
        return found


_REACHED: Final = MAX_STATEMENTS + 1  # an error of a chain that leads to an anchor comes closest


def _read(got: Fetched) -> EntityStatement:
    if got.status >= 500 or got.status == 429:
        raise Unavailable("a body of the federation does not answer now")
    if got.status != 200:
        raise Untrusted("a body of the federation does not publish this statement")
    try:
        return parse_statement(got.body.decode("ascii"))
    except UnicodeDecodeError as error:
        raise Malformed("a statement is ASCII text") from error


def answer_from(statements: Iterable[EntityStatement]) -> Callable[[Fetch], Fetched]:
    """A driver of flows: what a store of statements (a pack, a cache) holds under an address, or ``Unavailable``. The newest of each counts."""
    newest: dict[tuple[str, str], EntityStatement] = {}
    for each in statements:
        held = newest.setdefault((each.iss, each.sub), each)
        if each.iat > held.iat:
            newest[each.iss, each.sub] = each
    answers = {
        url: Fetched(status=200, headers=_CONTENT, body=each.wire.encode())
        for each in newest.values()
        if (url := _url_of(each, newest)) is not None
    }

    def answer(fetch: Fetch) -> Fetched:
        found = answers.get(fetch.url)
        if found is None:
            raise Unavailable("this statement is not among those that are held here")
        return found

    return answer


def _url_of(statement: EntityStatement, held: Mapping[tuple[str, str], EntityStatement]) -> str | None:
    """Where the network would have it; ``None`` where nobody could ask for it."""
    if statement.is_configuration:
        return configuration_url(statement.sub)
    try:
        return statement_url(held[statement.iss, statement.iss], statement.sub)
    except (KeyError, VcError):
        return None
