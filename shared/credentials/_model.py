"""What a credential type is, as data. A type is one file that ends in ``TYPE = CredentialType(...)``.

Issuer metadata, the clerk's form, the wallet card, the sample queries, the verifier's page and the documents are all derived from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

ClaimPath = tuple[str | int | None, ...]
"""As in OpenID4VP section 7: a string names a member, ``None`` selects all elements of an array, a number selects one."""


@dataclass(frozen=True, slots=True)
class Text:
    """Words for people, in both languages."""

    en: str
    cy: str

    def in_(self, locale: str) -> str:
        """The Welsh words for ``cy``, the English ones for everything else."""
        return self.cy if locale == "cy" else self.en


class Disclosure(StrEnum):
    """Whether the holder may withhold a claim."""

    ALWAYS = "always"  # a limit, in clear in every format (security rule S3)
    SELECTIVE = "selective"
    ONCE = "once"  # selective, and asked for only in the named case


class Kind(StrEnum):
    """The JSON form of a leaf. A date is a full-date string; ``PARTIAL_DATE`` also allows YYYY and YYYY-MM and is never coerced."""

    TEXT = "text"
    DATE = "date"
    PARTIAL_DATE = "partial-date"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    CODE = "code"  # one of ``choices``


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One leaf. ``path`` holds ``None`` where a leaf repeats in an array, whose elements are then disclosed one by one."""

    path: tuple[str | None, ...]
    kind: Kind
    label: Text
    group: str
    disclosure: Disclosure = Disclosure.SELECTIVE
    required: bool = False
    choices: tuple[Choice, ...] = ()
    hint: Text | None = None
    max_length: int = 200
    max_items: int = 32
    cwt: int = 0  # lossless key inside the compact format; unique in the type
    mdoc: str = ""  # element identifier in the type's namespace
    vcdm: str = ""  # dotted path below credentialSubject; empty = the same as ``path``


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Leaves that a page shows together and that the compact format discloses together."""

    id: str
    label: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyQuery:
    """A question that relying parties usually ask of this type. ``optional`` paths start off on the consent page."""

    id: str
    title: Text
    purpose: Text
    paths: tuple[ClaimPath, ...]
    optional: tuple[ClaimPath, ...] = ()
    values: Mapping[ClaimPath, tuple[Any, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialType:
    """A kind of document. ``check`` judges claims before signing, ``judge`` judges disclosed claims for one use (both raise)."""

    id: str
    vct: str
    vct_int: int
    doctype: str
    title: Text
    description: Text
    groups: tuple[Group, ...]
    claims: tuple[Claim, ...]
    queries: tuple[ReadyQuery, ...]
    copy_days: int  # a copy lives so long; refreshed before
    batch_size: int
    status_bits: int
    status_max_age: Mapping[str, int]  # seconds, by stakes "low" | "high"
    represents: tuple[str, ...] = ()  # path prefix of the person acted for, if any: a page then says "acting for"
    bearer: bool = False  # only such a type may lack holder binding (S2)
    cancelled_by: tuple[Text, ...] = ()
    reasons: tuple[Choice, ...] = ()  # reason codes for cancel / hold / reinstate
    retention: str = "until-collected"  # "until-collected" | "sealed" | "ask-register"
    check: Callable[[Mapping[str, Any]], None] = lambda _claims: None
    judge: Callable[[Mapping[str, Any], Mapping[str, Any]], None] = lambda _claims, _use: None

    def claim(self, path: ClaimPath) -> Claim | None:
        """The leaf that ``path`` (array positions as number or ``None``) points at."""
        plain = tuple(None if isinstance(part, int) else part for part in path)
        return next((claim for claim in self.claims if claim.path == plain), None)
