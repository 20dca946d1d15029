"""The details of a document: checked against their type, kept sealed, and given back when copies are made.

Where details come from is a port, ``ClaimSource``, because registries differ: some let the issuer keep them sealed until they are
collected, some for as long as copies are renewed, some want to be asked each time. Which of them applies is the type's ``retention``;
``SealedClaims`` serves the first two. A register that is asked is one more class here and one more line in ``SOURCES``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jsonschema_rs

from issuer.office import STORAGE, Office
from issuer.records import documents
from issuer.sessions import Document
from shared.clock import DAY
from shared.codec import reader, strict_json
from shared.credentials import CredentialType
from shared.credentials._derive import json_schema
from shared.errors import ConfigError, CredentialRequestDenied, Malformed, VcError

SAYS = {
    "required": "this detail is needed",
    "additionalProperties": "this kind of document has no such detail",
    "unevaluatedProperties": "this kind of document has no such detail",
    "enum": "this is not one of the choices",
    "const": "this is not one of the choices",
    "type": "this is not of the right kind",
    "format": "this is not a real date written as year-month-day",
    "pattern": "this is not written in the right form",
    "maxLength": "this is too long",
    "minLength": "this is empty",
    "minItems": "at least one is needed",
    "maxItems": "these are too many",
    "uniqueItems": "one of these is given twice",
    "minimum": "this number is too small",
    "maximum": "this number is too large",
}
UNFIT = "this does not fit"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where: a JSON pointer into the claims. Never the value."""

    pointer: str
    detail: str


def faults(kind: CredentialType, claims: Mapping[str, Any]) -> list[Fault]:
    """Everything that is wrong with ``claims``: first their form, and only in good form what they say."""
    found = list(dict.fromkeys(_form_faults(kind, claims)))
    if found:
        return found
    try:
        kind.check(claims)
    except VcError as error:
        return [Fault(error.where, error.detail)]
    return []


def check_claims(kind: CredentialType, claims: Mapping[str, Any], *, where: str = "/claims") -> None:
    """``Malformed`` with the pointer of the first fault."""
    for fault in faults(kind, claims):
        raise Malformed(fault.detail, where=where + fault.pointer)


def _form_faults(kind: CredentialType, claims: Mapping[str, Any]) -> Iterator[Fault]:
    for error in _validator(kind).iter_errors(dict(claims)):
        path: Sequence[str | int] = list(error.instance_path)
        name = error.kind.name
        if name == "required":
            path = [*path, str(error.kind.as_dict()["property"])]
        elif name == "additionalProperties":
            path = [*path, *error.kind.as_dict()["unexpected"][:1]]
        pointer = ""
        for step in path:
            pointer = reader.pointer(pointer, step)
        yield Fault(pointer, SAYS.get(name, UNFIT))


_VALIDATORS: dict[str, jsonschema_rs.Validator] = {}  # by vct


def _validator(kind: CredentialType) -> jsonschema_rs.Validator:
    if kind.vct not in _VALIDATORS:
        _VALIDATORS[kind.vct] = jsonschema_rs.Draft202012Validator(json_schema(kind), validate_formats=True, retriever=_refuse)
    return _VALIDATORS[kind.vct]


def _refuse(uri: str) -> Any:
    """A schema is whole; nothing is ever fetched for it."""
    raise LookupError(uri)


class ClaimSource(Protocol):
    """Where the details of a document come from when copies are made."""

    async def keep(self, document: str, claims: Mapping[str, Any]) -> bytes | None:
        """What to store with the document, or ``None``; called before the document is."""

    async def give(self, stored: bytes | None, document: Document) -> Mapping[str, Any]:
        """The details; ``CredentialRequestDenied`` when they are no longer to be had. ``stored`` is what ``keep`` gave."""


@dataclass(frozen=True, slots=True)
class SealedClaims:
    """Details sealed under the custodian's storage key and tied to their document's number."""

    office: Office

    async def keep(self, document: str, claims: Mapping[str, Any]) -> bytes | None:
        return await self.office.custodian.seal(STORAGE, strict_json.dumps(claims), context=_context(document))

    async def give(self, stored: bytes | None, document: Document) -> Mapping[str, Any]:
        if stored is None or self.office.clock() >= document.keep_until:
            raise CredentialRequestDenied("the details of this document are no longer held: ask the office for a new invitation")
        opened = await self.office.custodian.unseal(STORAGE, stored, context=_context(document.id))
        return strict_json.load_object(opened)


SOURCES: Mapping[str, Callable[[Office], ClaimSource]] = {"sealed": SealedClaims, "until-collected": SealedClaims}
"""By the type's ``retention``."""


def source(office: Office, kind: CredentialType) -> ClaimSource:
    """Where the details of documents of this kind are kept, or asked for."""
    return SOURCES[kind.retention](office)


async def details(office: Office, document: Document) -> Mapping[str, Any] | None:
    """The details of a document for somebody of the office or its holder; ``None`` where they are no longer held."""
    if not document.has_claims or office.clock() >= document.keep_until:
        return None
    sealed = await office.storage.read(lambda tx: documents.sealed_claims(tx, document.id))
    return None if sealed is None else await source(office, office.type(document.type)).give(sealed, document)


def _context(document: str) -> bytes:
    return f"claims\0{document}".encode()


def keep_until(office: Office, at: int, valid_until: int | None) -> int:
    """When details go at the latest."""
    longest = at + office.settings.keep_claims_days * DAY
    return longest if valid_until is None else min(longest, valid_until)


def keeps_after_collection(kind: CredentialType) -> bool:
    """Whether copies can be renewed: only where details stay sealed."""
    return kind.retention == "sealed"


def check_sources(kinds: Iterable[CredentialType]) -> None:
    """``ConfigError`` at start for a kind of document whose details must be asked of a register, for none is connected here."""
    for kind in kinds:
        if kind.retention not in SOURCES:
            raise ConfigError(f"{kind.id} wants its details from a register, and no register is connected", where="types")
