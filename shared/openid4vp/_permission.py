"""What a holder permits in showing a document: that one body tells another something, and nothing else (domain sheet C04).

It travels as an entry of ``transaction_data`` whose members are the limits themselves, those of ``disclosure-permission``: the words that the
holder agrees to are made of them here, in both languages, so that nobody signs a sentence that says less than what it is used for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final

from ..clock import DAY
from ..codec import base64url, reader
from ..credentials import CredentialType, Text, by_id
from ..days import day_text
from ..errors import InvalidTransactionData, Malformed, VcError
from ..urls import split
from ._use import parse_words, render_words

PERMISSION: Final = "urn:muniment:transaction:permission:1"
_MEMBERS: Final = frozenset(
    {
        "permission", "discloser", "recipient", "data_categories", "purpose", "not_before", "expires", "max_uses", "withdraw_at",
        "on_behalf_of",
    }
)  # fmt: skip
_BODY: Final = frozenset({"id", "name"})
_ID: Final = 16  # bytes
_SHORT: Final = 8  # characters
_MAX_NAME, _MAX_URI, _MAX_PURPOSE = 120, 500, 300
_SENTENCE: Final = Text(
    "I allow {discloser} to tell {recipient} ({id}) this, {times}, until {day}: {what}. The reason: {purpose}. Nothing else. "
    "I can withdraw this.",
    "Rwy’n caniatáu i {discloser} ddweud hyn wrth {recipient} ({id}), {times}, hyd at {day}: {what}. Y rheswm: {purpose}. Dim byd arall. "
    "Gallaf dynnu hyn yn ôl.",
)
_UNKNOWN: Final = Text(
    " Nobody has registered {id}: what it is called here is only what {discloser} says.",
    " Nid oes neb wedi cofrestru {id}: dim ond gair {discloser} yw’r enw a roddir yma.",
)
_ONCE: Final = Text("once", "unwaith")
_TIMES: Final = Text("at most {count} times", "{count} gwaith ar y mwyaf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """An organisation by its identifier, and as people call it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """``id`` is 128 random bits (base64url), ``categories`` are codes of the kind ``disclosure-permission``, days are ISO 8601.

    ``withdraw_at`` is where its giver takes it back and asks what was told; ``on_behalf_of``: it is given for somebody else.
    """

    id: str
    discloser: Body
    recipient: Body
    categories: tuple[str, ...]
    purpose: Text
    not_before: str
    expires: str
    max_uses: int
    withdraw_at: str
    on_behalf_of: bool

    @property
    def reference(self) -> str:
        """By what people call it: the beginning of its number."""
        return reference_of(self.id)

    @property
    def kept_until(self) -> int:
        """Until when its discloser keeps what was shown with it, to prove it: after its last day (UTC) for as long as its kind says."""
        last = datetime.combine(date.fromisoformat(self.expires), time(), UTC)
        return int(last.timestamp()) + (1 + (kind().kept_days or 0)) * DAY


def reference_of(number: str) -> str:
    """By what people call the permission of that number: the one who may tell and who allows it say the same."""
    return number[:_SHORT]


def kind() -> CredentialType:
    """The kind of document whose limits these are."""
    return by_id("disclosure-permission")


def members_of(permission: Permission) -> dict[str, Any]:
    """What ``parse_members`` reads back to the same value."""
    return {
        "permission": permission.id,
        "discloser": {"id": permission.discloser.id, "name": permission.discloser.name},
        "recipient": {"id": permission.recipient.id, "name": permission.recipient.name},
        "data_categories": list(permission.categories),
        "purpose": render_words(permission.purpose),
        "not_before": permission.not_before,
        "expires": permission.expires,
        "max_uses": permission.max_uses,
        "withdraw_at": permission.withdraw_at,
        "on_behalf_of": permission.on_behalf_of,
    }


def parse_members(members: Mapping[str, Any], where: str = "") -> Permission:
    """``InvalidTransactionData`` for a limit too few, too many, or that no permission of this kind may have."""
    if members.keys() != _MEMBERS:
        raise InvalidTransactionData("a permission has all of its limits, and nothing else", where=where)
    try:
        permission = Permission(
            id=_identifier(members, where),
            discloser=_body(members, "discloser", where),
            recipient=_body(members, "recipient", where),
            categories=reader.get_strings(members, "data_categories", where, min_items=1, max_items=16),
            purpose=_purpose(members, where),
            not_before=reader.get_str(members, "not_before", where, max_length=10),
            expires=reader.get_str(members, "expires", where, max_length=10),
            max_uses=reader.get_int(members, "max_uses", where, minimum=1, maximum=1_000),
            withdraw_at=reader.get_str(members, "withdraw_at", where, max_length=_MAX_URI),
            on_behalf_of=reader.get_bool(members, "on_behalf_of", where),
        )
        kind().judge(limits_of(permission), {})
    except VcError as error:
        raise InvalidTransactionData(error.detail, where=error.where) from error
    return permission


def _identifier(members: Mapping[str, Any], where: str) -> str:
    text = reader.get_str(members, "permission", where, max_length=64)
    if len(base64url.decode(text, where=f"{where}/permission")) != _ID:
        raise Malformed("a permission is named by 128 bits", where=f"{where}/permission")
    return text


def _body(members: Mapping[str, Any], name: str, where: str) -> Body:
    found, place = reader.get_object(members, name, where), f"{where}/{name}"
    if found.keys() != _BODY:
        raise Malformed("an organisation has an identifier and a name", where=place)
    return Body(id=reader.get_str(found, "id", place, max_length=_MAX_URI), name=reader.get_str(found, "name", place, max_length=_MAX_NAME))


def _purpose(members: Mapping[str, Any], where: str) -> Text:
    purpose = parse_words(members, "purpose", where)
    if max(len(purpose.en), len(purpose.cy)) > _MAX_PURPOSE:
        raise Malformed("a reason is told shortly", where=f"{where}/purpose")
    return purpose


def limits_of(permission: Permission) -> dict[str, Any]:
    """The claim tree of ``disclosure-permission`` that it amounts to, without the names of persons."""
    return {
        "discloser": permission.discloser.id,
        "recipient": permission.recipient.id,
        "data_categories": list(permission.categories),
        "purpose": permission.purpose.en,
        "legal_basis": "consent-by-attorney" if permission.on_behalf_of else "consent",
        "not_before": permission.not_before,
        "expires": permission.expires,
        "max_uses": permission.max_uses,
        "withdraw_at": permission.withdraw_at,
        "on_behalf_of": permission.on_behalf_of,
    }


def check_letters(permission: Permission, where: str = "") -> None:
    """``InvalidTransactionData`` for names, a reason or identifiers that hold what nobody sees: it could turn the sentence into another."""
    texts = {
        "/discloser/name": permission.discloser.name,
        "/recipient/name": permission.recipient.name,
        "/purpose": permission.purpose.en + permission.purpose.cy,
    }
    for place, text in texts.items():
        if not text.isprintable():
            raise InvalidTransactionData("only letters that can be seen", where=where + place)
    for place, body in (("/discloser/id", permission.discloser), ("/recipient/id", permission.recipient)):
        try:
            split(body.id, where=where + place)
        except VcError as error:
            raise InvalidTransactionData(error.detail, where=error.where) from error


def sentence_of(permission: Permission, names: Mapping[str, Text] | None = None) -> Text:
    """What its giver agrees to, in both languages.

    ``names`` is how whoever reads it knows organisations by their identifiers: by no other name are they called, and it says so where the one
    that is to be told is not among them. Without ``names`` they are called as in the permission.
    """
    return Text(_sentence(permission, "en", names), _sentence(permission, "cy", names))


def _sentence(permission: Permission, locale: str, names: Mapping[str, Text] | None) -> str:
    called = {each.id: each.name for each in (permission.recipient, permission.discloser)}
    called |= {each: name.in_(locale) for each, name in (names or {}).items()}
    discloser, recipient = called[permission.discloser.id], permission.recipient.id
    unknown = "" if names is None or recipient in names else _UNKNOWN.in_(locale).format(id=recipient, discloser=discloser)
    times = _ONCE.in_(locale) if permission.max_uses == 1 else _TIMES.in_(locale).format(count=permission.max_uses)
    said = _SENTENCE.in_(locale).format(
        discloser=discloser,
        recipient=called[recipient],
        id=recipient,
        times=times,
        day=day_text(date.fromisoformat(permission.expires), locale),
        what=", ".join(category_text(each, locale) for each in permission.categories),
        purpose=permission.purpose.in_(locale).rstrip(". "),
    )
    return said + unknown


def category_text(code: str, locale: str = "en") -> str:
    """What may be told, in words; a code that this installation does not know as it is."""
    claim = kind().claim(("data_categories", None))
    choice = None if claim is None else claim.choice(code)
    if choice is None:
        return code
    label = choice.label.in_(locale)
    return label[:1].lower() + label[1:]
