"""What stands on the consent page, as data: who asks, why, what they would see, what they would not, and on whose behalf.

The same data serve the page, the JSON API and the command line. Sentences follow the pattern of the domain study, section 0.4.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from shared.clock import DAY
from shared.errors import AccessDenied, InvalidTransactionData, Rejected, Undecided
from shared.formats import formats
from shared.openid4vp import Agreement, RequestObject, assign, parse_agreement, render_dc_api_refusal
from shared.web.dates import Dates
from shared.web.i18n import N_
from wallet.cards import Line, acting_for, fresh_copies, type_of
from wallet.choose import Answerable, Offer, Ways, way_name
from wallet.keep import Vault
from wallet.means import Means
from wallet.present import offers, request_object
from wallet.records import REQUESTS, Item
from wallet.sessions import Agreed, Answered, Asked, Asker, Request, Unanswered, Use, Withheld

Translate = Callable[[str], str]


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
    """One document that answers, and what showing it means. ``reused_at`` is when this party saw the same copy before, or 0."""

    document: str
    title: str
    subtitle: str
    issuer_name: str
    state: str
    copies_left: int
    usable: bool
    reused_at: int
    whole: bool
    acting_for: str
    details: tuple[Detail, ...]
    optional: tuple[Extra, ...]
    not_shown: tuple[str, ...]
    advice: tuple[str, ...]


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

    ``translation`` is what they say in the other language (``translation_lang``), empty where that is the same.
    """

    statement: str
    translation: str
    translation_lang: str
    reference: str
    document: str

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
    )


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """A request as a person sees it. ``state``: asked, sending, answered, unanswered or withheld.

    ``details``, ``optional`` and ``not_shown`` are those of the chosen documents, ``ways`` is how each set is met (see ``agree``).
    ``problem`` says why nothing can be shared, if so. ``handed`` is what goes back to the platform that brought the request, once it
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
    details: tuple[Detail, ...]
    optional: tuple[Extra, ...]
    not_shown: tuple[str, ...]
    parts: tuple[Part, ...]
    alternatives: tuple[Alternative, ...]
    ways: dict[str, str]
    agreeing: tuple[Agreeing, ...]
    problem: str
    receipt: str | None
    receipt_problem: str
    refusal: str
    redirect_uri: str | None
    answered_at: int
    handed: dict[str, Any] | None

    @property
    def documents(self) -> dict[str, str]:
        """What would be shown, by credential query."""
        return {part.query: part.choices[0].document for part in self.parts}


_STATES: Mapping[type, str] = {Asked: "asked", Agreed: "sending", Answered: "answered", Unanswered: "unanswered", Withheld: "withheld"}


async def consent(
    means: Means,
    vault: Vault,
    request_id: str,
    *,
    chosen: Mapping[str, str] | None = None,
    ways: Mapping[str, str] | None = None,
    translate: Translate = lambda text: text,
    locale: str = "en",
    dates: Dates | None = None,
) -> Consent:
    """The view of a request as it stands now. Looking changes and fetches nothing."""
    item = await means.storage.read(lambda tx: REQUESTS.get(tx, vault, request_id))
    words = _Words(translate, locale, dates or Dates(locale, "UTC"), means.clock())
    asked = request_object(means, item.value)
    shown = await _shown(means, vault, item, chosen or {}, ways or {}, words=words) if isinstance(item.value.state, Asked) else _Shown()
    return _view(item, asked, shown, words)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What would be shown, and ``problem`` if nothing can be."""

    parts: tuple[Part, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    ways: Mapping[str, str] = field(default_factory=dict)
    formats: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


class _Words:
    """Everything that turns data into sentences."""

    def __init__(self, translate: Translate, locale: str, dates: Dates, at: int) -> None:
        self._ = translate
        self.locale, self.dates, self.at = locale, dates, at

    def purpose(self, use: Use | None) -> str:
        """Their own words, without a full stop."""
        if use is None:
            return ""
        return use.purpose.get(self.locale, use.purpose.get("en", "")).rstrip(". ")

    def intends(self, asked: RequestObject, shown: _Shown) -> str:
        """What the question itself says of keeping (OpenID4VP appendix B.2.4), whatever was promised beside it."""
        queries = [asked.query.credential(part.query) for part in shown.parts]
        kept = any(claim.intent_to_retain for query in queries if query is not None for claim in query.claims or ())
        return self._("Its question says that it intends to keep some of what you show.") if kept else ""

    def keeps(self, use: Use | None) -> str:
        """What they promise to keep, and until when."""
        if use is None or use.retention_days is None:
            return self._("It does not say how long it keeps what you show.")
        what = ", ".join(use.claims_kept) or self._("what you show")
        if use.retention_days == 0:
            return self._("It says that it keeps nothing once it has looked.")
        until = self.dates.date(self.at + use.retention_days * DAY)
        return self._("It says that it will keep {what} until {date}, then delete it.").format(what=what, date=until)

    def agreeing(self, asked: RequestObject, shown: _Shown) -> tuple[tuple[Agreeing, ...], str]:
        """What is agreed to with the documents that would be shown, and why they cannot, if so; every word of it, whatever is decided."""
        titles = {part.query: part.choices[0].title for part in shown.parts}
        try:
            by = {entry.raw: query for query, entries in assign(asked.transaction_data, shown.formats).items() for entry in entries}
            problem = ""
        except InvalidTransactionData:
            by, problem = {}, self._("Nothing that you would show can be used to agree to what they want you to agree to.")
        agreements = [(parse_agreement(entry), titles.get(by.get(entry.raw, ""), "")) for entry in asked.transaction_data]
        return tuple(agreeing(agreement, self.locale, title) for agreement, title in agreements), problem

    def sentence(self, request: Request, choices: Sequence[Choice], agreeing: Sequence[Agreeing], intends: str) -> str:
        """The consent sentence in one paragraph, for terminals and programs."""
        labels = dict.fromkeys(detail.label for choice in choices for detail in choice.details if not detail.always)
        hidden = dict.fromkeys(label for choice in choices for label in choice.not_shown)
        behalf = next((choice.acting_for for choice in choices if choice.acting_for), "")
        purpose = self.purpose(request.use)
        name = request.asker.name if request.asker.proved else self._("Somebody whom we could not check")
        said = [
            self._("{name} asks to see: {details}.").format(name=name, details=_joined(labels)),
            self._("To {purpose}.").format(purpose=_lower(purpose)) if purpose else self._("It gave no reason."),
            self.keeps(request.use),
            intends,
            self._("It may not use it for anything else."),
            *(self._("You agree to this: {statement}").format(statement=said) for each in agreeing for said in each.said),
            self._("It will not see: {details}.").format(details=_joined(hidden)) if hidden else "",
            self._("You are acting for {name} as attorney.").format(name=behalf) if behalf else "",
        ]
        return " ".join(part for part in said if part)

    def advice(self, offer: Offer, shown: Mapping[str, object]) -> tuple[str, ...]:
        """What the type itself says about showing just this: a limit that is kept back, say."""
        try:
            type_of(offer.document).judge(shown, {})
        except (Undecided, Rejected) as error:
            return (_ADVICE[error.code],) if error.code in _ADVICE else ()
        return ()


_ADVICE = {
    "restricted_undisclosed": N_("There is a limit that you would not show. They may not be able to rely on this without it."),
    "needs_more_attorneys": N_("Another attorney must agree too. On its own this may not be enough."),
    "needs_capacity_evidence": N_("This may be used only once the donor has lost capacity. They may ask for evidence."),
}


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _joined(labels: Collection[str]) -> str:
    return ", ".join(labels)


async def _shown(
    means: Means, vault: Vault, item: Item[Request], chosen: Mapping[str, str], ways: Mapping[str, str], *, words: _Words
) -> _Shown:
    try:
        found = await offers(means, vault, item.value)
    except AccessDenied:
        return _Shown(problem=words._("Nothing in your wallet answers what they ask for."))
    picked = found.picked(ways)
    wanted = {query for option in picked.values() for query in option}
    shown = _Shown(
        parts=tuple(_part(query, answers, chosen.get(query), words) for query, answers in found.parts.items() if query in wanted),
        alternatives=tuple(each for ways, option in picked.items() if len((each := _alternative(ways, option, found, words)).ways) > 1),
        ways={str(each.position): way_name(option) for each, option in picked.items()},
        formats={query: answers[0].format for query, answers in found.parts.items() if query in wanted},
    )
    if not all(part.choices[0].usable for part in shown.parts):
        problem = words._("There is no copy left for this. New ones come by themselves; you can also ask for them now.")
        return replace(shown, problem=problem)
    return shown


def _part(query: str, answers: Sequence[Offer], chosen: str | None, words: _Words) -> Part:
    wanted = sorted(answers, key=lambda offer: offer.document.id != chosen)
    return Part(query=query, choices=tuple(_choice(offer, words) for offer in wanted))


def _alternative(ways: Ways, picked: tuple[str, ...], found: Answerable, words: _Words) -> Alternative:
    """The ways that differ for a person: of the same documents in several formats one will do."""
    options = ways.options if ways.required else (*ways.options, ())
    named = {tuple(_title(found.parts[query][0], words) for query in option): option for option in (*options, picked)}
    return Alternative(
        position=ways.position,
        required=ways.required,
        ways=tuple(Way(name=way_name(option), titles=titles, picked=option == picked) for titles, option in named.items()),
    )


def _title(offer: Offer, words: _Words) -> str:
    """Of a document, and for whom it is."""
    title, behalf = type_of(offer.document).title.in_(words.locale), acting_for(type_of(offer.document), offer.document.claims)
    return f"{title} ({behalf})" if behalf else title


def _choice(offer: Offer, words: _Words) -> Choice:
    document, kind = offer.document, type_of(offer.document)
    least, everything = offer.shown((), words.locale), offer.everything(words.locale)
    extras = [_extra(offer, key, least, words.locale) for key in offer.optional()]
    claims = formats()[offer.format].peek(offer.disclose(offer.sample, ())).claims
    seen = {line.same for line in least}
    ticked_labels = {extra.label for extra in extras}
    hidden = dict.fromkeys(hidden_label(line) for line in everything if line.same not in seen and line.label not in ticked_labels)
    return Choice(
        document=document.id,
        title=kind.title.in_(words.locale),
        subtitle=acting_for(kind, document.claims),
        issuer_name=document.issuer_name,
        state=document.status.value,
        copies_left=len(fresh_copies(document, offer.format, words.at)),
        usable=offer.copy is not None,
        reused_at=offer.copy.shown_at if offer.copy is not None and offer.reused else 0,
        whole=len(least) == len(everything),
        acting_for=acting_for(kind, document.claims),
        details=tuple(_detail(line) for line in least),
        optional=tuple(extra for extra in extras if extra.values or extra.picture),
        not_shown=tuple(hidden),
        advice=tuple(words._(line) for line in words.advice(offer, claims)),
    )


def hidden_label(line: Line) -> str:
    """Of a list whose other elements may be seen, the element itself has to be named."""
    return f"{line.label}: {line.value}" if "*" in line.name else line.label


def _detail(line: Line) -> Detail:
    return Detail(key=line.key, label=line.label, value=line.value, group=line.group, always=line.always)


def _extra(offer: Offer, key: str, least: Sequence[Line], locale: str) -> Extra:
    """What ticking ``key`` adds."""
    had = {line.same for line in least}
    more = [line for line in offer.shown((key,), locale) if line.same not in had]
    return Extra(
        key=key,
        label=", ".join(dict.fromkeys(line.label for line in more)),
        values=tuple(line.value for line in more if not line.picture),
        picture=next((line.value for line in more if line.picture), ""),
    )


def _view(item: Item[Request], asked: RequestObject, shown: _Shown, words: _Words) -> Consent:
    request, state = item.value, item.value.state
    choices = [part.choices[0] for part in shown.parts]
    answered = state if isinstance(state, Answered) else None
    agreeing, problem = words.agreeing(asked, shown)
    intends = words.intends(asked, shown)
    return Consent(
        id=item.id,
        state=_STATES[type(state)],
        asker=request.asker,
        use=request.use,
        purpose=words.purpose(request.use),
        keeps=words.keeps(request.use),
        intends=intends,
        sentence=words.sentence(request, choices, agreeing, intends),
        acting_for=next((choice.acting_for for choice in choices if choice.acting_for), ""),
        details=tuple(detail for choice in choices for detail in choice.details),
        optional=tuple(extra for choice in choices for extra in choice.optional),
        not_shown=tuple(label for choice in choices for label in choice.not_shown),
        parts=shown.parts,
        alternatives=shown.alternatives,
        ways=dict(shown.ways),
        agreeing=agreeing,
        problem=shown.problem or problem,
        receipt=answered.receipt if answered else None,
        receipt_problem=answered.receipt_problem if answered else "",
        refusal=answered.refusal if answered else state.detail if isinstance(state, Unanswered) else "",
        redirect_uri=answered.redirect_uri if answered else None,
        answered_at=getattr(state, "at", 0),
        handed=_handed(request),
    )


def _handed(request: Request) -> dict[str, Any] | None:
    if isinstance(request.state, Answered):
        return request.state.handed
    if request.origin and isinstance(request.state, Withheld):
        return dict(render_dc_api_refusal(AccessDenied("the holder did not agree")))
    return None
