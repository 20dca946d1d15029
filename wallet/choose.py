"""Which documents answer a question, what each would show, and which copy goes to whom.

One copy belongs to one party: unused ones first; when none is left, the one that this party has seen already, with a warning; never one
that somebody else has seen (domain rule R7).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from shared.codec import base64url, strict_json
from shared.credentials import ClaimPath, CredentialType
from shared.credentials._derive import path_in
from shared.credentials._marks import marks_of, without_marks
from shared.credentials._reports import TAG
from shared.dcql import Candidate, DcqlQuery, Held, Match, match
from shared.errors import Conflict, Malformed, OverDisclosed, VcError, WrongInstrument
from shared.formats import Parsed, formats
from shared.storage import Tx
from shared.x509 import load_certificate
from wallet.cards import Line, fresh_copies, key_of, lines, type_of
from wallet.keep import Vault
from wallet.records import COPIES, DOCUMENTS
from wallet.sessions import CopyLine, Document


def pick_copy(document: Document, format_name: str, party: str, at: int, *, taken: Collection[str] = ()) -> CopyLine | None:
    """The copy for ``party`` that is not ``taken`` (by id), or ``None`` if there is none that it may have."""
    fresh = [copy for copy in fresh_copies(document, format_name, at) if copy.id not in taken]
    if fresh:
        return fresh[0]
    left = [copy for copy in document.copies if copy.format == format_name and copy.id not in taken]
    own = [copy for copy in left if copy.shown_to == party and copy.expires_at > at]
    return max(own, key=lambda copy: copy.shown_at, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One document that answers one credential query. ``sample`` is ``copy`` where there is one, else any in the format."""

    query_id: str
    document: Document
    format: str
    candidate: Candidate
    sample: Parsed
    copy: CopyLine | None

    def optional(self) -> dict[str, ClaimPath]:
        """Details that may be left out, by key (``query/path``)."""
        return {f"{self.query_id}/{key_of(path)}": path for path in self.candidate.optional()}

    def disclose(self, parsed: Parsed, ticked: Collection[str]) -> Parsed:
        """``parsed`` (any copy) with exactly what is asked and what was ticked; whole where the format cannot withhold.

        ``OverDisclosed`` where that would show the mark for reports to a donor: nobody ever sees it, whoever asks for what (ADR 0011).
        """
        form, wanted = formats()[self.format], [path for key, path in self.optional().items() if key in ticked]
        marks = [path_in(type_of(self.document), mark, self.format) for mark in marks_of(type_of(self.document))]
        document, paths = form.peek(parsed).document, self.candidate.choose(wanted).paths
        try:
            shown = form.disclose(parsed, [each for path in paths for each in _beside(document, path, marks)])
        except OverDisclosed:
            shown = parsed
        if TAG[0] in form.peek(shown).claims:
            raise OverDisclosed("this would show the mark for reports to a donor")
        return shown

    def shown(self, ticked: Collection[str], locale: str = "en") -> list[Line]:
        """Every detail that would be seen."""
        peeked = formats()[self.format].peek(self.disclose(self.sample, ticked))
        return lines(type_of(self.document), peeked.claims, locale)

    def everything(self, locale: str = "en") -> list[Line]:
        """Every detail of the document."""
        return lines(type_of(self.document), self.document.claims, locale)

    def seen(self, parsed: Parsed) -> str:
        """Names what stands before a person who looks at this: the document, and each detail that is, or may be ticked to be, shown of it.

        The same for each copy (``parsed``) that says the same; another one once nothing is left but copies that this party has seen.
        """
        peeked = formats()[self.format].peek(self.disclose(parsed, self.optional()))
        told = [line.same for line in lines(type_of(self.document), peeked.claims)]
        return base64url.encode(sha256(strict_json.dumps({"in": [self.document.id, self.format, self.reused], "told": told})).digest())

    @property
    def reused(self) -> bool:
        """Whether the copy has been seen by the same party before."""
        return self.copy is not None and bool(self.copy.shown_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """The ways to meet one credential set of the request (``position``), the preferred one first: ids of credential queries."""

    position: int
    required: bool
    options: tuple[tuple[str, ...], ...]

    def named(self, name: str | None, usable: Collection[str]) -> tuple[str, ...]:
        """The way of that name (``way_name``), and ``""`` for none of what need not be shown; ``Malformed`` for others.

        Of those that nobody named: the first for which there are copies, and nothing that need not be shown.
        """
        if name is None:
            able = [option for option in self.options if set(option) <= set(usable)]
            return (able or self.options)[0] if self.required else ()
        for option in self.options if self.required else (*self.options, ()):
            if way_name(option) == name:
                return option
        raise Malformed("there is no such way to answer", where=f"/sets/{self.position}")


def way_name(option: Sequence[str]) -> str:
    """A way to meet a credential set, in one word."""
    return ".".join(option)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answerable:
    """The documents for each credential query that can be answered, in the order of the request, and which of them go together."""

    parts: Mapping[str, Sequence[Offer]]
    ways: Sequence[Ways]

    def picked(self, named: Mapping[str, str]) -> dict[Ways, tuple[str, ...]]:
        """What answers each credential set; ``named`` has names of ways by position."""
        usable = [query_id for query_id, offers in self.parts.items() if offers[0].copy is not None]
        return {each: each.named(named.get(str(each.position)), usable) for each in self.ways}

    def choose(self, chosen: Mapping[str, str], named: Mapping[str, str]) -> list[Offer]:
        """One document for each credential query of the picked ways: the chosen one, or the only one.

        ``Conflict`` where something else could be shown than what was looked at: for there are several documents, or ways with several, and
        none was named, or the one that was named belongs to another way.
        """
        picked = {query_id for option in self.picked(named).values() for query_id in option}
        if not chosen.keys() <= picked or any(str(each.position) not in named and self._differ(each) for each in self.ways):
            raise Conflict(LOOK_AGAIN)
        return [_one(query_id, offers, chosen.get(query_id)) for query_id, offers in self.parts.items() if query_id in picked]

    def _differ(self, ways: Ways) -> bool:
        """Whether one of several ways that must be met would show other documents than another."""
        found = {frozenset(offer.document.id for query_id in option for offer in self.parts[query_id]) for option in ways.options}
        return ways.required and len(found) > 1


LOOK_AGAIN: Final = "what answers this has changed, or was not chosen: look at the request again"


def _one(query_id: str, offers: Sequence[Offer], document: str | None) -> Offer:
    if document is None:
        if len(offers) > 1:
            raise Conflict(LOOK_AGAIN)
        return offers[0]
    for offer in offers:
        if offer.document.id == document:
            return offer
    raise Malformed("this document does not answer what was asked", where=f"/chosen/{query_id}")


async def find_offers(tx: Tx, vault: Vault, query: DcqlQuery, party: str, *, at: int, use: str = "") -> Answerable:
    """What the wallet holds against the query; ``AccessDenied`` if a needed part cannot be answered. Nothing is fetched (S21).

    ``use`` is what it is for, where that is one of the ready questions: documents that could never serve it are left out.
    """
    pairs: dict[str, tuple[Document, str, Parsed]] = {}
    held: list[Held] = []
    for item in await DOCUMENTS.all(tx, vault):
        left_out = type_of(item.value).private or is_of_no_use(item.value, use)
        for format_name in () if left_out else item.value.configurations:
            sample = await _sample(tx, vault, item.value, format_name, party=party, at=at)
            if sample is not None and not _tells_marks(sample, type_of(item.value)):
                pairs[f"{item.id}/{format_name}"] = (item.value, format_name, sample)
                held.append(_held(f"{item.id}/{format_name}", sample, type_of(item.value)))
    held.sort(key=lambda one: -pairs[one.id][0].received_at)
    found = match(query, held)
    return Answerable(parts={name: _offers(name, found, pairs, party, at) for name in found.candidates}, ways=_ways(query, found))


def is_of_no_use(document: Document, use: str) -> bool:
    """Whether this kind of authority is refused for that use whatever else it says, so that nothing of anybody need be shown."""
    kind = type_of(document)
    ready = kind.query(use)
    try:
        kind.judge(document.claims, {} if ready is None else ready.use)
    except WrongInstrument:
        return True
    except VcError:
        return False
    return False


def _ways(query: DcqlQuery, found: Match) -> tuple[Ways, ...]:
    ways = (
        Ways(
            position=position,
            required=each.required,
            options=tuple(dict.fromkeys(option for option in each.options if set(option) <= set(found.candidates))),
        )
        for position, each in enumerate(query.sets())
    )
    return tuple(each for each in ways if each.options)


def _offers(name: str, found: Match, pairs: Mapping[str, tuple[Document, str, Parsed]], party: str, at: int) -> list[Offer]:
    offers = []
    for candidate in found.candidates[name]:
        document, format_name, sample = pairs[candidate.held.id]
        copy = pick_copy(document, format_name, party, at)
        offers.append(Offer(query_id=name, document=document, format=format_name, candidate=candidate, sample=sample, copy=copy))
    return sorted(offers, key=lambda offer: offer.copy is None or offer.document.status.value == "invalid")


async def _sample(tx: Tx, vault: Vault, document: Document, format_name: str, *, party: str, at: int) -> Parsed | None:
    """The copy that ``party`` would get, for one that somebody saw before may say what was true then; any in force where there is none."""
    line = pick_copy(document, format_name, party, at)
    if line is None:
        line = next((copy for copy in document.copies if copy.format == format_name and copy.expires_at > at), None)
    if line is None:
        return None
    return formats()[format_name].parse((await COPIES.get(tx, vault, line.id)).value.wire)


def _held(name: str, sample: Parsed, kind: CredentialType) -> Held:
    """What may be asked of it: the mark for reports to a donor is not among that, whoever asks (ADR 0011)."""
    peeked = formats()[sample.format].peek(sample)
    mark = () if kind.claim(TAG) is None else path_in(kind, TAG, sample.format)
    chain = [load_certificate(der) for der in sample.x5c]
    return Held(
        id=name,
        format=sample.format,
        vct=sample.vct,
        document=_without(peeked.document, mark) if mark else peeked.document,
        disclosable=tuple(path for path in peeked.disclosable if path != mark),
        authority_keys=tuple(base64url.encode(cert.authority_key_id) for cert in chain if cert.authority_key_id),
        bound=peeked.holder is not None,
    )


def _tells_marks(sample: Parsed, kind: CredentialType) -> bool:
    """Whether everybody who sees the copy would see marks: some offices put them into copies that are shown whole."""
    form = formats()[sample.format]
    return not form.withholds and len(without_marks(kind, claims := form.peek(sample).claims)) < len(claims)


def _beside(document: Any, path: ClaimPath, marks: Collection[ClaimPath], at: int = 0) -> list[ClaimPath]:
    """``path``, or where it leads above marks all that lies beside those: a mark is shown only to whom it was asked for by its own name."""
    below = [mark for mark in marks if len(mark) > len(path) and mark[: len(path)] == path]
    for part in path[at:]:
        document = document[part]
    if not below or not isinstance(document, Mapping):
        return [path]
    inner = [(*path, name) for name in document if (*path, name) not in below]
    return [each for one in inner for each in _beside(document, one, below, len(path))]


def _without(document: Mapping[str, Any], path: ClaimPath) -> Mapping[str, Any]:
    """The document as if that leaf were not in it."""
    first, rest = str(path[0]), path[1:]
    if first not in document:
        return document
    others = {name: value for name, value in document.items() if name != first}
    return {**others, first: _without(document[first], rest)} if rest else others
