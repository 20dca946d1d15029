"""What stands on the consent page, as data: who asks, why, what they would see, what they would not, and on whose behalf.

The same data serve the page, the JSON API and the command line. Sentences follow the pattern of the domain study, section 0.4.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from shared.clock import DAY
from shared.credentials import Text, all_types, label_in
from shared.errors import AccessDenied, InvalidTransactionData, OverDisclosed, Rejected, Undecided
from shared.formats import formats
from shared.openid4vp import RequestObject, assign, parse_agreement, render_dc_api_refusal
from shared.trust.register_json import group_label
from shared.trust.registered_use import Widening
from shared.web.dates import Dates
from shared.web.i18n import N_
from wallet import registered
from wallet.acting import acting_words, needed, together_words
from wallet.agreed import kept_until, names_of
from wallet.cards import Line, acting_for, fresh_copies, type_of
from wallet.choose import Answerable, Offer, Ways, way_name
from wallet.consent_view import (
    Agreeing,
    Alternative,
    Choice,
    Consent,
    Detail,
    Extra,
    Part,
    Registered,
    Way,
    agreeing,
)
from wallet.keep import Vault
from wallet.keepers import keeper_of
from wallet.known_uses import OTHER_USE
from wallet.means import Means
from wallet.narrow import check_shown
from wallet.present import offers, request_object, unavailable
from wallet.records import REQUESTS, Item
from wallet.registered import More
from wallet.sessions import Agreed, Answered, Asked, Request, Unanswered, Use, Withheld

__all__ = [
    "Agreeing",
    "Alternative",
    "Choice",
    "Consent",
    "Detail",
    "Extra",
    "Part",
    "Registered",
    "Way",
    "agreeing",
    "consent",
    "hidden_label",
]

Translate = Callable[[str], str]


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
    words = _Words(translate, locale, dates or Dates(locale, "UTC"), means)
    asked = request_object(means, item.value)
    shown = await _shown(means, vault, item, chosen or {}, ways or {}, words=words) if isinstance(item.value.state, Asked) else _Shown()
    more = await means.storage.read(lambda tx: registered.noticed(tx, vault, item.value))
    return msgspec.structs.replace(
        _view(item, asked, shown, words),
        standing="" if item.value.registration is None else item.value.registration.standing,
        registered=_registered(item.value, asked, more, words),
    )


def _registered(request: Request, asked: RequestObject, more: More | None, words: _Words) -> Registered | None:
    use = registered.use_of(request)
    if use is None or request.registration is None:
        return None
    narrowed, wider = registered.asked_of(request, asked), Widening() if more is None else more.widening
    kinds = tuple(all_types().values())
    return Registered(
        registrar=words.of(request.registration.registrar),
        benefit=words.text(use.benefit),
        could_stop=words.text(use.could_stop),
        authority=words.text(use.authority),
        authority_contact=use.authority_contact or "",
        support=use.support or "",
        evidence=use.evidence or "",
        left_out=tuple(label.in_(words.locale) for label in narrowed.left_out),
        freed=tuple(label.in_(words.locale) for label in narrowed.freed),
        more=tuple(group_label(pair, kinds).in_(words.locale) for pair in (*wider.new, *wider.demanded)),
        keeps_longer=wider.keeps_longer,
        since=0 if more is None else more.since,
    )


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

    def __init__(self, translate: Translate, locale: str, dates: Dates, means: Means) -> None:
        self._ = translate
        self.locale, self.dates, self.at, self.policy = locale, dates, means.clock(), means.trust()

    def of(self, words: Mapping[str, str]) -> str:
        """The reader's language, else English."""
        return words.get(self.locale, words.get("en", ""))

    def text(self, words: Text | None) -> str:
        """Empty where nothing is said."""
        return "" if words is None else words.in_(self.locale)

    def purpose(self, use: Use | None) -> str:
        """The words for why they ask, without a full stop."""
        return "" if use is None else self.of(use.purpose).rstrip(". ")

    def intends(self, asked: RequestObject, shown: _Shown) -> str:
        """What the question itself says of keeping (OpenID4VP appendix B.2.4), whatever was promised beside it."""
        queries = [asked.query.credential(part.query) for part in shown.parts]
        kept = any(claim.intent_to_retain for query in queries if query is not None for claim in query.claims or ())
        return self._("Its question says that it intends to keep some of what you show.") if kept else ""

    def keeps(self, use: Use | None, proof: int) -> str:
        """What they promise to keep, and until when; and that all of it is kept until ``proof``, where something is permitted with it."""
        proves = self._("To prove your permission, it keeps all that you show until {date}.").format(date=self.dates.date(proof))
        return f"{self._promised(use)} {proves}" if proof else self._promised(use)

    def _promised(self, use: Use | None) -> str:
        if use is None or use.retention_days is None:
            return self._("It does not say how long it keeps what you show.")
        what = ", ".join(label_in(each, self.locale) for each in use.claims_kept) or self._("what you show")
        if use.retention_days == 0:
            return self._("It says that it deletes what you show within a day.")
        until = self.dates.date(self.at + use.retention_days * DAY)
        return self._("It says that it will keep {what} until {date}, then delete it.").format(what=what, date=until)

    def agreeing(self, request: Request, asked: RequestObject, shown: _Shown) -> tuple[tuple[Agreeing, ...], str]:
        """What is agreed to with the documents that would be shown, and why they cannot, if so; every word of it, whatever is decided."""
        titles = {part.query: part.choices[0].title for part in shown.parts}
        try:
            by = {entry.raw: query for query, entries in assign(asked.transaction_data, shown.formats).items() for entry in entries}
            problem = ""
        except InvalidTransactionData:
            by, problem = {}, self._("Nothing that you would show can be used to agree to what they want you to agree to.")
        names = names_of(request)
        agreements = [(parse_agreement(entry, names=names), titles.get(by.get(entry.raw, ""), "")) for entry in asked.transaction_data]
        return tuple(agreeing(agreement, self.locale, title) for agreement, title in agreements), problem

    def sentence(self, request: Request, choices: Sequence[Choice], agreeing: Sequence[Agreeing], *keeps: str) -> str:
        """The consent sentence in one paragraph, for terminals and programs."""
        labels = dict.fromkeys(detail.label for choice in choices for detail in choice.details if not detail.always)
        hidden = dict.fromkeys(label for choice in choices for label in choice.not_shown)
        purpose = self.purpose(request.use)
        name = request.asker.name if request.asker.proved else self._("Somebody whom we could not check")
        said = [
            self._("{name} asks to see: {details}.").format(name=name, details=_joined(labels)),
            self._("To {purpose}.").format(purpose=_lower(purpose)) if purpose else self._("It gave no reason."),
            *keeps,
            self._("It may not use it for anything else."),
            *(self._("You agree to this: {statement}").format(statement=said) for each in agreeing for said in each.said),
            self._("It will not see: {details}.").format(details=_joined(hidden)) if hidden else "",
            *dict.fromkeys(choice.acting for choice in choices),
            self.together(request, agreeing, choices),
        ]
        return " ".join(part for part in said if part)

    def together(self, request: Request, agreeing: Sequence[Agreeing], choices: Sequence[Choice]) -> str:
        """Who else has to agree, as far as the document and the other side say it; empty where nobody has to."""
        if not any(each.together for each in agreeing):
            return ""
        agreed = (request.use.agreed if request.use else None) or 0
        return together_words(agreed, max((choice.needed for choice in choices), default=0), self._)

    def nothing(self, request: Request, asked: RequestObject) -> str:
        """Why nothing is shown."""
        if request.registration is not None and request.registration.standing == OTHER_USE:
            return self._("They ask for a reason that they have not registered. Your wallet shows nothing for it.")
        if registered.asked_of(request, asked).query is None:
            return self._("They did not register to ask for this kind of document for this reason. Your wallet does not show it.")
        return self._("Nothing in your wallet answers what they ask for.")

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
        return _Shown(problem=words.nothing(item.value, request_object(means, item.value)))
    picked = found.picked(ways)
    wanted = {query for option in picked.values() for query in option}
    shown = _Shown(
        parts=tuple(_part(query, answers, chosen.get(query), words) for query, answers in found.parts.items() if query in wanted),
        alternatives=tuple(each for ways, option in picked.items() if len((each := _alternative(ways, option, found, words)).ways) > 1),
        ways={str(each.position): way_name(option) for each, option in picked.items()},
        formats={query: answers[0].format for query, answers in found.parts.items() if query in wanted},
    )
    if any(_goes_beyond(found.parts[part.query], part.choices[0], item.value) for part in shown.parts):
        problem = words._(
            "Nothing in this document can be held back, and they did not register for all of it. Your wallet does not show it."
        )
        return replace(shown, problem=problem)
    if keeper := next((part.choices[0].keeper for part in shown.parts if part.choices[0].keeper and part.choices[0].keeper.asks), None):
        problem = words._(
            "%(name)s keeps this record now, and is not a public body. Say on the document’s page that you know this before you show it."
        )
        return replace(shown, problem=problem % {"name": words.of(keeper.name)})
    if not all(part.choices[0].usable for part in shown.parts):
        problem = words._("There is no copy left for this. New ones come by themselves; you can also ask for them now.")
        return replace(shown, problem=problem)
    return shown


def _goes_beyond(offers: Sequence[Offer], choice: Choice, request: Request) -> bool:
    """Whether what would be shown is more than is registered, for the document holds nothing back."""
    use = registered.use_of(request)
    if use is None:
        return False
    offer = next(each for each in offers if each.document.id == choice.document)
    try:
        check_shown(use, type_of(offer.document), formats()[offer.format].peek(offer.disclose(offer.sample, ())).claims)
    except OverDisclosed:
        return True
    return False


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
        seen=offer.seen(offer.sample),
        title=kind.title.in_(words.locale),
        subtitle=acting_for(kind, document.claims),
        issuer_name=document.issuer_name,
        state=document.standing,
        copies_left=len(fresh_copies(document, offer.format, words.at)),
        usable=offer.copy is not None,
        reused_at=offer.copy.shown_at if offer.copy is not None and offer.reused else 0,
        whole=len(least) == len(everything),
        acting_for=acting_for(kind, document.claims),
        acting=acting_words(kind, document.claims, words._, words.locale),
        needed=needed(document.claims),
        details=tuple(_detail(line) for line in least),
        optional=tuple(extra for extra in extras if extra.values or extra.picture),
        not_shown=tuple(hidden),
        advice=tuple(words._(line) for line in words.advice(offer, claims)),
        keeper=keeper_of(words.policy, document, words.at),
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
    agreeing, problem = words.agreeing(request, asked, shown)
    keeps, intends = words.keeps(request.use, kept_until(asked.transaction_data)), words.intends(asked, shown)
    return Consent(
        id=item.id,
        state=_STATES[type(state)],
        asker=request.asker,
        use=request.use,
        purpose=words.purpose(request.use),
        keeps=keeps,
        intends=intends,
        sentence=words.sentence(request, choices, agreeing, keeps, intends),
        acting_for=next((choice.acting_for for choice in choices if choice.acting_for), ""),
        acting=" ".join(dict.fromkeys(choice.acting for choice in choices if choice.acting)),
        together=words.together(request, agreeing, choices),
        details=tuple(detail for choice in choices for detail in choice.details),
        optional=tuple(extra for choice in choices for extra in choice.optional),
        not_shown=tuple(label for choice in choices for label in choice.not_shown),
        parts=shown.parts,
        alternatives=shown.alternatives,
        documents={part.query: part.choices[0].document for part in shown.parts},
        seen={part.query: part.choices[0].seen for part in shown.parts},
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
        return dict(render_dc_api_refusal(unavailable()))
    return None
