"""A leaf of a credential type, its words for people, and who may withhold it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile

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


NO_FIXED_ADDRESS = Text("ZZ99 3VZ for a person of no fixed address", "ZZ99 3VZ i berson heb gyfeiriad sefydlog")
"""The hint wherever a postcode is asked for; ``shared.match`` takes that code for nobody's own."""


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
    PORTRAIT = "portrait"  # a ``data:`` URL of a WebP of 800 bytes at most: for a person to compare, no biometric


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: Text


@dataclass(frozen=True, slots=True)
class Reason(Choice):
    """Why a status changes. ``actions`` are those it is a reason for: ``cancel``, ``hold``, ``reinstate``.

    ``others`` is the reason for which the documents of those wait who act jointly with whom it ended for.
    """

    actions: tuple[str, ...] = ()
    others: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One leaf. ``path`` holds ``None`` where a leaf repeats in an array, whose elements are then disclosed one by one.

    A required leaf makes what holds it required too: an array then has at least one element. ``max_length`` is in characters.
    """

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
    cwt: int = 0  # key inside the compact format, from 1, unique in the type; the choices of a code count from 0 and only grow
    mdoc: str = ""  # element identifier in the type's namespace; empty = made of ``path``

    @property
    def vcdm_path(self) -> tuple[str | None, ...]:
        """Where the leaf stands in a W3C credential."""
        return ("credentialSubject", *self.path)

    @property
    def mdoc_element(self) -> str:
        """Its element identifier in an mdoc, or that of the outermost list that it is in, which is shown whole."""
        names = takewhile(lambda part: part is not None, self.path)
        return self.mdoc or "_".join(str(part) for part in names)

    def choice(self, value: object) -> Choice | None:
        """The choice with this code."""
        return next((choice for choice in self.choices if choice.value == value), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Leaves that a page shows together and that the compact format discloses together.

    ``cwt`` is its number there, from 1; 0 for what is always in clear, or where the type has no compact form. It can be disclosed only
    along with the group that it is ``within``.
    """

    id: str
    label: Text
    cwt: int = 0
    within: str = ""
