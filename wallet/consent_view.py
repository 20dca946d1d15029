"""What stands on the consent page, as closed frozen types: the same for the page, the JSON API and the command line."""

from __future__ import annotations

from typing import Any

import msgspec

from shared.openid4vp import Agreement
from wallet.keepers import Keeper
from wallet.sessions import Asker, Use


class Detail(msgspec.Struct, frozen=True, kw_only=True):
    """One detail that would be shown."""

    key: str
    label: str
    value: str
    group: str
    always: bool


class Extra(msgspec.Struct, frozen=True, kw_only=True):
    """A detail that is shown only if it is ticked. ``picture`` is the ``data:`` URL of a photo, empty where there is none."""

    key: str
    label: str
    values: tuple[str, ...]
    picture: str = ""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One document that answers, and what showing it means. ``reused_at`` is when this party saw the same copy before, or 0; ``seen``
    names what stands here, for whoever agrees to send it along. ``keeper`` is who took over its records, if anybody did. ``needed``: how many
    have to act together by it, 0 where it does not say.
    """

    document: str
    seen: str
    title: str
    subtitle: str
    issuer_name: str
    state: str
    copies_left: int
    usable: bool
    reused_at: int
    whole: bool
    acting_for: str
    acting: str
    details: tuple[Detail, ...]
    optional: tuple[Extra, ...]
    not_shown: tuple[str, ...]
    advice: tuple[str, ...]
    keeper: Keeper | None = None
    needed: int = 0


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is asked for, with every document that answers it; the chosen one first."""

    query: str
    choices: tuple[Choice, ...]


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One way to answer: ``name`` to choose it by, empty for showing nothing; the titles of its documents."""

    name: str
    titles: tuple[str, ...]
    picked: bool


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """Something that may be answered in several ways, or left out. ``position`` is its place in the request."""

    position: int
    required: bool
    ways: tuple[Way, ...]


class Agreeing(msgspec.Struct, frozen=True, kw_only=True):
    """What is agreed to in sharing: their words, their own reference, and the title of the document that agrees.

    ``translation`` is what they say in the other language (``translation_lang``), empty where that is the same. ``together``: it counts only
    once others have agreed to the same.
    """

    statement: str
    translation: str
    translation_lang: str
    reference: str
    document: str
    together: bool = False
    permits: bool = False

    @property
    def said(self) -> tuple[str, ...]:
        """All that is signed, in each language in which it differs."""
        return tuple(each for each in (self.statement, self.translation) if each)


def agreeing(agreement: Agreement, locale: str, document: str = "") -> Agreeing:
    """The agreement in both languages, the reader's own first."""
    other = "en" if locale == "cy" else "cy"
    own, translation = agreement.statement.in_(locale), agreement.statement.in_(other)
    return Agreeing(
        statement=own,
        translation=translation if translation != own else "",
        translation_lang=other,
        reference=agreement.reference,
        document=document,
        together=agreement.together,
        permits=agreement.permits,
    )


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """What is registered for this use, in the reader's words. ``left_out`` is what they asked beyond it and will not see, ``freed`` what
    they demanded and may be refused, ``more`` what they may ask now and could not ``since`` the holder last agreed or first saw them.
    """

    registrar: str
    benefit: str
    could_stop: str
    authority: str
    authority_contact: str
    support: str
    evidence: str
    left_out: tuple[str, ...]
    freed: tuple[str, ...]
    more: tuple[str, ...]
    keeps_longer: bool
    since: int


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """A request as a person sees it. ``state``: asked, sending, answered, unanswered or withheld.

    ``details``, ``optional`` and ``not_shown`` are those of the chosen documents. ``documents`` names these by credential query, ``seen`` what stands
    here of each, ``ways`` how each set is met: whoever agrees sends all three along as they are (see ``agree``).
    ``acting`` says for whom and as what the holder acts, and ``together`` who else has to agree, where somebody has.
    ``problem`` says why nothing can be shared, if so. ``standing`` is that of ``Registration``, empty where nobody knows who asks;
    ``registered`` is ``None`` where nothing is registered for it. ``handed`` is what goes back to the platform that brought the request, once it
    was decided.
    """

    id: str
    state: str
    asker: Asker
    use: Use | None
    purpose: str
    keeps: str
    intends: str
    sentence: str
    acting_for: str
    acting: str
    details: tuple[Detail, ...]
    optional: tuple[Extra, ...]
    not_shown: tuple[str, ...]
    parts: tuple[Part, ...]
    alternatives: tuple[Alternative, ...]
    documents: dict[str, str]
    seen: dict[str, str]
    ways: dict[str, str]
    agreeing: tuple[Agreeing, ...]
    problem: str
    receipt: str | None
    receipt_problem: str
    refusal: str
    redirect_uri: str | None
    answered_at: int
    handed: dict[str, Any] | None
    standing: str = ""
    registered: Registered | None = None
    together: str = ""
