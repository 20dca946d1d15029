"""A clerk's form made from a credential type: groups are sections, leaves are fields, and what was typed becomes a claim tree again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from multidict import MultiDict, MultiDictProxy

from issuer.claims import Fault
from issuer.portrait import make_portrait
from shared.credentials import Claim, CredentialType, Kind
from shared.errors import Malformed, TooLarge
from shared.web.dates import day_words
from shared.web.forms import Form

Words = Callable[[str], str]
FEW = 5  # choices that fit as radios; more become a list to pick from


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One question; ``title`` is its label without a word of whether it must be answered.

    ``kind``: text, long, lines, number, date, radios, checkboxes, pick, picture, or fixed (there is only one answer).
    """

    name: str
    kind: str
    title: str
    label: str
    hint: str
    options: tuple[Option, ...]
    required: bool
    default: str = ""
    autocomplete: str = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    id: str
    title: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A question with what was answered, in words for people."""

    label: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A question whose answer was another before; either side is empty where there was none."""

    label: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    picture: bool


def sections(kind: CredentialType, locale: str, defaults: Mapping[str, str], words: Words) -> list[Section]:
    """The questions in the order of the type's groups. ``defaults`` by field name."""
    made = []
    for group in kind.groups:
        fields = tuple(_field(claim, locale, defaults, words) for claim in kind.claims if claim.group == group.id)
        if fields:
            made.append(Section(id=group.id, title=group.label.in_(locale), fields=fields))
    return made


def field_name(claim: Claim) -> str:
    return "detail." + ".".join(part for part in claim.path if part is not None)


def _field(claim: Claim, locale: str, defaults: Mapping[str, str], words: Words) -> Field:
    kind = _kind(claim)
    options = tuple(Option(choice.value, choice.label.in_(locale)) for choice in claim.choices)
    if claim.kind is Kind.BOOLEAN:
        options = (Option("true", words("Yes")), Option("false", words("No")))
    if kind == "radios" and not claim.required:
        options = (*options, Option("", words("Not stated")))
    hint = claim.hint.in_(locale) if claim.hint else ""
    if kind == "lines":
        hint = f"{hint}. {words('One on each line')}" if hint else words("One on each line")
    name = field_name(claim)
    return Field(
        name=name,
        kind=kind,
        title=claim.label.in_(locale),
        label=claim.label.in_(locale) if claim.required else _optional(claim.label.in_(locale), words),
        hint=hint,
        options=options,
        required=claim.required,
        default=options[0].value if kind == "fixed" else defaults.get(name, ""),
    )


def _optional(label: str, words: Words) -> str:
    return f"{label} ({words('optional')})"


def _kind(claim: Claim) -> str:
    if None in claim.path:
        return "checkboxes" if claim.kind is Kind.CODE else "lines"
    if claim.kind is Kind.CODE:
        if len(claim.choices) == 1 and claim.required:
            return "fixed"
        return "radios" if len(claim.choices) <= FEW else "pick"
    if claim.kind is Kind.TEXT:
        return "long" if claim.max_length > 400 else "text"
    kinds = {Kind.BOOLEAN: "radios", Kind.INTEGER: "number", Kind.DATE: "date", Kind.PARTIAL_DATE: "date", Kind.PORTRAIT: "picture"}
    return kinds[claim.kind]


# --- pictures ----------------------------------------------------------------------------------------------------------------------------


def file_name(claim: Claim) -> str:
    """The field that a picture is chosen in; the picture at hand is in the field of the claim itself."""
    return f"{field_name(claim)}.file"


def take_pictures(kind: CredentialType, posted: MultiDictProxy[str], files: Mapping[str, bytes], words: Words) -> Form:
    """What was typed, with each chosen photo made small, and left out where that was asked for."""
    fields, wrong = MultiDict(posted), {}
    for claim in kind.claims:
        if claim.kind is not Kind.PORTRAIT:
            continue
        name = field_name(claim)
        if fields.pop(f"{name}.remove", ""):
            fields.pop(name, None)
        if photo := files.get(file_name(claim)):
            try:
                fields[name] = make_portrait(photo)
            except TooLarge:
                wrong[file_name(claim)] = words("The photo must be smaller than 6 MB")
            except Malformed:
                wrong[file_name(claim)] = words("The photo must be a JPEG, PNG or WebP picture")
    form = Form(MultiDictProxy(fields))
    for name, message in wrong.items():
        form.error(name, message)
    return form


# --- answers to claims -------------------------------------------------------------------------------------------------------------------


def read_claims(kind: CredentialType, form: Form) -> dict[str, Any]:
    """The claim tree of what was typed; whatever was left empty is left out. Nothing is judged here."""
    tree: dict[str, Any] = {}
    for claim in kind.claims:
        value = _value(claim, form)
        if value not in ("", [], None):
            _put(tree, [part for part in claim.path if part is not None], value)
    return tree


def _value(claim: Claim, form: Form) -> Any:
    name = field_name(claim)
    if None in claim.path:
        given = form.values(name) if claim.kind is Kind.CODE else form.value(name).splitlines()
        return [one.strip() for one in given if one.strip()]
    if claim.kind in (Kind.DATE, Kind.PARTIAL_DATE):
        return form.date(name)
    text = form.value(name).replace("\r\n", "\n")
    if claim.kind is Kind.BOOLEAN:
        return {"true": True, "false": False}.get(text)
    if claim.kind is Kind.INTEGER and text.isascii() and text.isdigit() and len(text) <= 15:
        return int(text)
    return text


def _put(tree: dict[str, Any], path: Sequence[str], value: Any) -> None:
    *above, last = path
    for part in above:
        tree = tree.setdefault(part, {})
    tree[last] = value


def fill_in(kind: CredentialType, claims: Mapping[str, Any]) -> MultiDict[str]:
    """The fields of the form as somebody would have filled them in to get ``claims``."""
    fields: MultiDict[str] = MultiDict()
    for claim in kind.claims:
        name, value = field_name(claim), _held(claim, claims)
        if value is None:
            continue
        if isinstance(value, list):
            fields.extend((name, one) for one in (value if claim.kind is Kind.CODE else ["\n".join(value)]))
        elif claim.kind in (Kind.DATE, Kind.PARTIAL_DATE):
            fields.extend((f"{name}.{part}", one) for part, one in zip(("year", "month", "day"), str(value).split("-"), strict=False))
        else:
            fields[name] = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    return fields


# --- faults to errors beside the fields ------------------------------------------------------------------------------------------------------


def put_errors(kind: CredentialType, form: Form, faults: Iterable[Fault], locale: str, words: Words) -> None:
    """First what was left out though it is needed, then each fault beside the field that it points at."""
    by_pointer = {_pointer(claim): claim for claim in kind.claims}
    told = False
    for claim in kind.claims:
        if claim.required and _value(claim, form) in ("", [], None):
            form.error(field_name(claim), _ask(claim, locale, words), anchor=anchor(claim))
            told = True
    for fault in faults:
        found = _at(by_pointer, fault.pointer)
        if found is None:
            continue
        missing = _value(found, form) in ("", [], None)
        if missing and told and found.required:
            continue
        label = found.label.in_(locale)
        message = _ask(found, locale, words) if missing and fault.detail == NEEDED else f"{label}: {words(fault.detail)}"
        form.error(field_name(found), message, anchor=anchor(found))
    if faults and not form.wrong:
        form.error("detail", words("These details do not fit together"), anchor="main-content")


NEEDED = "this detail is needed"


def _ask(claim: Claim, locale: str, words: Words) -> str:
    label = claim.label.in_(locale)
    if _kind(claim) in ("radios", "checkboxes", "pick"):
        return words("Choose an answer: %(label)s") % {"label": label}
    return words("Enter: %(label)s") % {"label": label}


def anchor(claim: Claim) -> str:
    """The id of the first box of a field."""
    name = field_name(claim)
    return {"date": f"{name}.day", "picture": file_name(claim)}.get(_kind(claim), name)


def _pointer(claim: Claim) -> str:
    return "/" + "/".join(part for part in claim.path if part is not None)


def _at(by_pointer: Mapping[str, Claim], pointer: str) -> Claim | None:
    """The field of a pointer: positions in lists do not matter, and an object stands for its first leaf."""
    plain = "/" + "/".join(step for step in pointer.split("/") if step and not step.isdigit())
    if plain in by_pointer:
        return by_pointer[plain]
    return next((claim for known, claim in by_pointer.items() if known.startswith(plain + "/")), None)


def version_of(text: str) -> int:
    """Which version of a document the page showed that a form came from; -1, which none has, where it does not say."""
    return int(text) if len(text) < 10 and text.isascii() and text.isdigit() else -1


# --- answers as words ---------------------------------------------------------------------------------------------------------------------


def answers(kind: CredentialType, claims: Mapping[str, Any], locale: str, words: Words) -> list[tuple[str, list[Answer]]]:
    """What was answered, section by section, for checking before it is made."""
    told = []
    for group in kind.groups:
        lines = [_answer(claim, claims, locale, words) for claim in kind.claims if claim.group == group.id]
        given = [line for line in lines if line is not None]
        if given:
            told.append((group.label.in_(locale), given))
    return told


def changes(kind: CredentialType, before: Mapping[str, Any], after: Mapping[str, Any], locale: str, words: Words) -> list[Change]:
    """What a correction makes different, in the type's order."""
    told = []
    for claim in kind.claims:
        old, new = (_answer(claim, claims, locale, words) for claims in (before, after))
        if old != new:
            before_it, now = (() if each is None else each.values for each in (old, new))
            told.append(Change(claim.label.in_(locale), before_it, now, claim.kind is Kind.PORTRAIT))
    return told


def _held(claim: Claim, claims: Mapping[str, Any]) -> Any:
    """The value of a claim, a list whole; ``None`` where it is not there."""
    value: Any = claims
    for part in claim.path:
        if part is None:
            break
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _answer(claim: Claim, claims: Mapping[str, Any], locale: str, words: Words) -> Answer | None:
    value = _held(claim, claims)
    if value is None:
        return None
    values = value if isinstance(value, list) else [value]
    return Answer(claim.label.in_(locale), tuple(said(claim, one, locale, words) for one in values))


def said(claim: Claim, value: Any, locale: str, words: Words) -> str:
    """One value in words."""
    if isinstance(value, bool):
        return words("Yes") if value else words("No")
    if claim.kind in {Kind.DATE, Kind.PARTIAL_DATE}:
        return day_words(str(value), locale)
    choice = claim.choice(value)
    return str(value) if choice is None else choice.label.in_(locale)
