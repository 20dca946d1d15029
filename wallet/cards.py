"""Documents in words for people: labels, values and states in English or Welsh, all from the type's own file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.codec.reader import LAST
from shared.credentials import DISPUTED, ClaimPath, CredentialType, Disclosure, Kind, Text, all_types
from shared.credentials._derive import leaves
from shared.credentials._reports import GROUP as REPORTS
from shared.credentials._tree import PORTRAIT
from shared.web.dates import day_words
from wallet.keepers import Keeper
from wallet.sent import Change
from wallet.sessions import CopyLine, Document

PREFERRED = "dc+sd-jwt"
COMPACT = "dc+sd-cwt"
STATES = {
    "valid": Text("in force", "mewn grym"),
    "suspended": Text("on hold", "wedi’i atal dros dro"),
    "invalid": Text("cancelled", "wedi’i ganslo"),
    "renewing": Text("new copies on their way", "copïau newydd ar y ffordd"),
    "unknown": Text("not checked yet", "heb ei wirio eto"),
    "expired": Text("run out", "wedi dod i ben"),
}
_YES, _NO = Text("Yes", "Ydy"), Text("No", "Nac ydy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One detail. ``key`` names its path (``powers/0``), ``name`` the claim (``powers/*``); ``always``: it cannot be withheld.

    Once others are withheld an element has another place in its list, so that two lines are the same if name and value are.
    """

    key: str
    name: str
    label: str
    value: str
    group: str
    always: bool

    @property
    def picture(self) -> bool:
        """Whether the value is the ``data:`` URL of a photo, which is shown and never spelled out."""
        return self.value.startswith(PORTRAIT)

    @property
    def same(self) -> tuple[str, str]:
        """What it is compared by."""
        return self.name, self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One document, ready to be shown. ``expires_on`` is a full date (ISO 8601); ``state_code`` is a key of ``STATES``."""

    id: str
    type: str
    title: str
    subtitle: str
    about: str  # whom it is about, where that is neither its holder nor somebody acted for
    issuer: str
    issuer_name: str
    state: str
    state_code: str
    expires_on: str
    expires_at: int
    copies_left: int
    codes_left: int  # copies in the compact form, of which those for one organisation are made
    copies_total: int
    checked_at: int
    renews_at: int
    trouble: str
    details: Sequence[Line]
    keeper: Keeper | None = None


def type_of(document: Document) -> CredentialType:
    """The type that the document was accepted as."""
    return all_types()[document.vct]


def lines(kind: CredentialType, claims: Mapping[str, Any], locale: str = "en") -> list[Line]:
    """Every leaf of ``claims`` in the type's order; elements of one list stand one by one."""
    groups = {group.id: group.label.in_(locale) for group in kind.groups}
    return [
        Line(
            key=key_of(path),
            name=key_of(claim.path),
            label=claim.label.in_(locale),
            value=_value(claim.kind, claim.choice(value), value, locale),
            group=groups.get(claim.group, ""),
            always=claim.disclosure is Disclosure.ALWAYS,
        )
        for path, claim, value in leaves(kind, claims)
        if claim.group != REPORTS
    ]


def changed(document: Document, claims: Mapping[str, Any], at: int) -> tuple[Change, ...]:
    """What ``claims`` say otherwise than the document does; nothing where they say the same."""
    kind = type_of(document)
    before, now = ({line.same for line in lines(kind, each)} for each in (document.claims, claims))
    names = tuple(sorted({name for name, _ in before ^ now} - {DISPUTED}))  # that one is disputed makes none another
    return (Change(at=at, claims=names),) if names else ()


def key_of(path: ClaimPath) -> str:
    """A path as one word: ``represented/given_name``, ``powers/0``; ``*`` for all elements."""
    return "/".join("*" if part is None else str(part) for part in path)


def _value(kind: Kind, choice: Any, value: Any, locale: str) -> str:
    if choice is not None:
        return str(choice.label.in_(locale))
    if kind is Kind.BOOLEAN:
        return (_YES if value else _NO).in_(locale)
    if kind in {Kind.DATE, Kind.PARTIAL_DATE}:
        return day_words(value, locale)
    return str(value)


def acting_for(kind: CredentialType, claims: Mapping[str, Any]) -> str:
    """The name of the person that the holder acts for, if this type has one and the name is there."""
    return _name_at(kind.represents, claims)


def _name_at(place: Sequence[str], claims: Mapping[str, Any]) -> str:
    found: Any = claims
    for part in place:
        found = found.get(part, {}) if isinstance(found, Mapping) else {}
    if not place or not isinstance(found, Mapping):
        return ""
    names = (found.get("given_name"), found.get("family_name"))
    return " ".join(name for name in names if isinstance(name, str))


def fresh_copies(document: Document, format_name: str, at: int) -> list[CopyLine]:
    """Copies that nobody has seen and that are still in force."""
    return [copy for copy in document.copies if copy.format == format_name and not copy.shown_to and copy.expires_at > at]


def main_format(document: Document) -> str:
    """The format whose copies are counted on the card."""
    return PREFERRED if PREFERRED in document.configurations else next(iter(document.configurations))


def state_of(document: Document, at: int) -> str:
    """A key of ``STATES``: what was seen of the status first, then whether all copies have run out."""
    over = document.status.value != "invalid" and all(copy.expires_at <= at for copy in document.copies)
    return "expired" if over else document.standing


def card(document: Document, *, at: int, locale: str = "en", keeper: Keeper | None = None) -> Card:
    """The document as a card; ``keeper`` is who took over its records."""
    kind = type_of(document)
    counted = [copy for copy in document.copies if copy.format == main_format(document)]
    code = state_of(document, at)
    expires = max((copy.expires_at for copy in counted), default=0)
    return Card(
        id=document.id,
        type=document.type,
        title=kind.title.in_(locale),
        subtitle=acting_for(kind, document.claims),
        about=_name_at(kind.about, document.claims),
        issuer=document.issuer,
        issuer_name=document.issuer_name,
        state=STATES[code].in_(locale),
        state_code=code,
        expires_on=iso_day(expires),
        expires_at=expires,
        copies_left=len(fresh_copies(document, main_format(document), at)),
        codes_left=len(fresh_copies(document, COMPACT, at)),
        copies_total=len(counted),
        checked_at=document.status.checked_at,
        renews_at=document.renewal.at if document.renewal else 0,
        trouble=document.trouble,
        details=lines(kind, document.claims, locale),
        keeper=keeper,
    )


def iso_day(at: int) -> str:
    """``2026-12-25``."""
    return datetime.fromtimestamp(min(at, LAST), UTC).date().isoformat()
