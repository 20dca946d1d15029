"""The structure of documents of the W3C Verifiable Credentials Data Model 2.0 (section numbers below are its own).

What is checked is what JSON says: which members there are, of which form. No context is ever fetched. Of the contexts named, the base
context, the two others of the W3C that define everything by ``@vocab``, and those written into the document are known; where another
one is named, what it makes of a word is not known here, and not judged (docs/limits.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeGuard

from .codec.reader import as_object, pointer
from .errors import Malformed, TooLarge

CONTEXT: Final = "https://www.w3.org/ns/credentials/v2"
CREDENTIAL, PRESENTATION = "VerifiableCredential", "VerifiablePresentation"
ENVELOPED_CREDENTIAL, ENVELOPED_PRESENTATION = "EnvelopedVerifiableCredential", "EnvelopedVerifiablePresentation"
MAX_MANY: Final = 64  # contexts, types, subjects, statuses … in one place
_MAX_TERMS: Final = 256
_BASE_TERMS: Final = frozenset(
    {
        *("id", "type", "description", "digestMultibase", "digestSRI", "mediaType", "name"),
        *(CREDENTIAL, ENVELOPED_CREDENTIAL, PRESENTATION, ENVELOPED_PRESENTATION, "JsonSchemaCredential", "JsonSchema"),
        *("BitstringStatusListCredential", "BitstringStatusList", "BitstringStatusListEntry", "DataIntegrityProof"),
        *("...", "_sd", "_sd_alg", "aud", "cnf", "exp", "iat", "iss", "jku", "kid", "nbf", "sub", "x5u"),
    }
)
"""What the base context defines and protects: nobody gives these words another meaning."""
_OPEN_CONTEXTS: Final = frozenset({"https://www.w3.org/ns/credentials/examples/v2", "https://www.w3.org/ns/credentials/undefined-terms/v2"})
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`\x00-\x1f\x7f]+")
_MAX_URL: Final = 1_000_000  # characters: an enveloped document is one
_INSTANT: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d{1,18})?(Z|[+-]\d\d:\d\d)", re.ASCII)  # XML Schema dateTimeStamp
_LANGUAGE: Final = frozenset({"@value", "@language", "@direction"})


def check_credential(document: Mapping[str, Any], where: str = "") -> None:
    """``Malformed`` with a pointer unless ``document`` is a verifiable credential (section 4)."""
    words = _check_base(document, CREDENTIAL, where)
    issuer = _member(document, "issuer", where)
    _check_party(issuer, f"{where}/issuer")
    _check_words(document, where)
    _check_words(issuer, f"{where}/issuer")
    for subject, place in _objects(document, "credentialSubject", where):
        if not subject:
            raise Malformed("a subject has something said about it", where=place)
        _check_id(subject, place)
    begins, ends = (instant(document, name, where) for name in ("validFrom", "validUntil"))
    if begins and ends and ends < begins:
        raise Malformed("it ends before it begins", where=f"{where}/validUntil")
    for name, needs_id in (
        ("credentialStatus", False),
        ("credentialSchema", True),
        ("refreshService", False),
        ("termsOfUse", False),
        ("evidence", False),
        ("proof", False),
    ):
        for each, place in _objects(document, name, where) if name in document else ():
            words.check(each, place)
            _check_id(each, place, needed=needs_id)
    _check_resources(document, where)


def check_presentation(document: Mapping[str, Any], where: str = "") -> None:
    """``Malformed`` with a pointer unless ``document`` is a verifiable presentation (section 4.13), its credentials included.

    One that is enveloped is looked at no further than that it is one: who opens it reads it by its own rules.
    """
    words = _check_base(document, PRESENTATION, where)
    if "holder" in document:
        _check_party(document["holder"], f"{where}/holder")
    for proof, place in _objects(document, "proof", where) if "proof" in document else ():
        words.check(proof, place)
    for credential, place in _objects(document, "verifiableCredential", where, empty=True) if "verifiableCredential" in document else ():
        if ENVELOPED_CREDENTIAL in _as_list(credential.get("type")):
            enveloped(credential, ENVELOPED_CREDENTIAL, place)
        else:
            check_credential(credential, place)


def enveloped(document: Mapping[str, Any], kind: str, where: str = "") -> tuple[str, str]:
    """Media type and text of an ``EnvelopedVerifiableCredential`` or ``…Presentation`` (section 4.13): a ``data:`` URL without base64."""
    if kind not in _as_list(document.get("type")):
        raise Malformed(f"an {kind} is demanded here", where=f"{where}/type")
    if _as_list(document.get("@context"))[:1] != [CONTEXT]:
        raise Malformed("the first context is that of the data model 2.0", where=f"{where}/@context")
    url = document.get("id")
    if type(url) is not str or not url.startswith("data:") or "," not in url:
        raise Malformed("the address of an envelope is a data: URL", where=f"{where}/id")
    if len(url) > _MAX_URL:
        raise TooLarge("this envelope is too large", where=f"{where}/id")
    media_type, _, text = url.removeprefix("data:").partition(",")
    return media_type, text


def envelope(media_type: str, text: str, kind: str = ENVELOPED_CREDENTIAL) -> dict[str, Any]:
    """What ``enveloped`` reads."""
    return {"@context": CONTEXT, "type": kind, "id": f"data:{media_type},{text}"}


def instant(document: Mapping[str, Any], name: str, where: str = "") -> int:
    """Epoch seconds of a dateTimeStamp (section 4.9); 0 where it is absent, and never for one that is there."""
    if name not in document:
        return 0
    value = document[name]
    matched = _INSTANT.fullmatch(value) if type(value) is str else None
    if matched is None:
        raise Malformed("an instant with its time zone is demanded here", where=f"{where}/{name}")
    date, time, _, zone = matched.groups()
    try:
        at = datetime.fromisoformat(f"{date}T{time}{'+00:00' if zone == 'Z' else zone}")
    except ValueError as error:
        raise Malformed("this instant does not exist", where=f"{where}/{name}") from error
    return int(at.timestamp()) or 1


def render_instant(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_url(value: object) -> TypeGuard[str]:
    """Whether it has the form of a URL of whatever scheme."""
    return type(value) is str and len(value) <= _MAX_URL and _URL.fullmatch(value) is not None


def check_base(document: Mapping[str, Any], kind: str, where: str = "") -> None:
    """The first context and the type that every document of ``kind`` has (sections 4.3 and 4.5), and nothing more."""
    contexts = document.get("@context")
    if type(contexts) is not list or not contexts or contexts[0] != CONTEXT:
        raise Malformed("the first context is that of the data model 2.0", where=f"{where}/@context")
    if kind not in _as_list(document.get("type")):
        raise Malformed(f"the type is not {kind}", where=f"{where}/type")


# --- parts -----------------------------------------------------------------------------------------------------------------------------


def _check_base(document: Mapping[str, Any], kind: str, where: str) -> _Words:
    check_base(document, kind, where)
    words = _Words(_bounded(document["@context"], f"{where}/@context"), f"{where}/@context")
    words.check(document, where)
    _check_id(document, where)
    return words


class _Words:
    """What the contexts of one document define. ``known`` is false where a context is not known here, ``open`` where every word counts."""

    def __init__(self, contexts: Sequence[Any], where: str) -> None:
        self.known, self.open = True, False
        self.terms: dict[str, Any] = dict.fromkeys(_BASE_TERMS, True)
        self.protected = set(_BASE_TERMS)
        for at, context in enumerate(contexts[1:], 1):
            self._read(context, f"{where}/{at}")

    def _read(self, context: Any, where: str) -> None:
        if type(context) is dict:
            self._read_inline(context, where)
        elif not is_url(context):
            raise Malformed("a context is a URL or an object", where=where)
        elif context in _OPEN_CONTEXTS:
            self.open = True
        else:
            self.known = self.known and context == CONTEXT

    def _read_inline(self, context: Mapping[str, Any], where: str) -> None:
        if len(context) > _MAX_TERMS:
            raise TooLarge(f"a context of more than {_MAX_TERMS} words", where=where)
        if "@vocab" in context:
            self.open = context["@vocab"] is not None
        self.known = self.known and "@import" not in context
        for term, definition in context.items():
            if term.startswith("@"):
                continue
            place = pointer(where, term)
            if term in self.protected and self.terms[term] != definition:
                raise Malformed("this word has another meaning already, which is protected", where=place)
            if not _is_definition(definition):
                raise Malformed("a word stands for a URL", where=place)
            self.terms[term] = definition
            if context.get("@protected") is True:
                self.protected.add(term)

    def check(self, node: Mapping[str, Any], where: str) -> None:
        """The ``type`` of one object: texts, each a URL or a word that some context defines (section 4.5)."""
        types = _as_list(node.get("type"))
        if not types or len(types) > MAX_MANY or not all(type(each) is str and each for each in types):
            raise Malformed("this has one type or more, each a text", where=f"{where}/type")
        if self.known and not self.open and not all(is_url(each) or self.terms.get(each) is not None for each in types):
            raise Malformed("no context says what this type is", where=f"{where}/type")


def _is_definition(definition: Any) -> bool:
    """A URL, a shortened one (section 4.1.1 of JSON-LD), ``null``, or an object whose ``@id`` is one of these."""
    if type(definition) is dict:
        definition = definition.get("@id")
    return definition is None or is_url(definition) or (type(definition) is str and definition.startswith("@"))


def _check_party(party: Any, where: str) -> None:
    """A URL, or an object whose ``id`` is one (sections 4.7 and 4.13.1)."""
    name, place = (party.get("id"), f"{where}/id") if type(party) is dict else (party, where)
    if not is_url(name):
        raise Malformed("this is named by a URL", where=place)


def _check_id(node: Mapping[str, Any], where: str, *, needed: bool = False) -> None:
    """One URL (section 4.4)."""
    if (needed or "id" in node) and not is_url(node.get("id")):
        raise Malformed("an id is one URL", where=f"{where}/id")


def _check_words(node: Any, where: str) -> None:
    """Name and description: a text, or texts with their language and direction (sections 4.6 and 11.1)."""
    for name in ("name", "description") if type(node) is dict else ():
        for value in _bounded(_as_list(node[name]), f"{where}/{name}") if name in node else ():
            plain = value if type(value) is dict else {"@value": value}
            if "@value" not in plain or not plain.keys() <= _LANGUAGE or not all(type(each) is str for each in plain.values()):
                raise Malformed("a text, or one with its language and direction, is demanded here", where=f"{where}/{name}")


def _check_resources(document: Mapping[str, Any], where: str) -> None:
    """Section 5.3: what it speaks of, each once and with a digest."""
    seen: set[str] = set()
    for each, place in _objects(document, "relatedResource", where) if "relatedResource" in document else ():
        _check_id(each, place, needed=True)
        if each["id"] in seen or not ("digestSRI" in each or "digestMultibase" in each):
            raise Malformed("a related resource is named once, with its digest", where=place)
        seen.add(each["id"])


def _objects(document: Mapping[str, Any], name: str, where: str, *, empty: bool = False) -> Iterator[tuple[dict[str, Any], str]]:
    """One object or an array of them, each with its pointer."""
    value, place = _member(document, name, where), pointer(where, name)
    if type(value) is not list:
        yield as_object(value, place), place
        return
    if not value and not empty:
        raise Malformed("nothing is in this", where=place)
    for at, each in enumerate(_bounded(value, place)):
        yield as_object(each, f"{place}/{at}"), f"{place}/{at}"


def _member(document: Mapping[str, Any], name: str, where: str) -> Any:
    if name not in document:
        raise Malformed(f"there is no {name}", where=pointer(where, name))
    return document[name]


def _bounded(values: list[Any], where: str) -> list[Any]:
    if len(values) > MAX_MANY:
        raise TooLarge(f"more than {MAX_MANY} of this", where=where)
    return values


def _as_list(value: Any) -> list[Any]:
    return value if type(value) is list else [value]
