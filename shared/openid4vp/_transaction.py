"""What a holder agrees to by showing a document: ``transaction_data`` (OpenID4VP 1.0 sections 5.1 and 8.4, appendix B.3.3).

Each entry is hashed as the text that was sent; the hashes stand in what the holder signs with the document that agrees. A verifier may
send entries of any type; a wallet knows ``AGREE`` and ``JOINT``, whose words it shows, and ``PERMISSION``, whose words it makes itself, and refuses every other one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from unicodedata import category

from ..codec import base64url, reader, strict_json
from ..credentials import Text
from ..errors import InvalidTransactionData, Malformed
from ._permission import PERMISSION, Permission, check_letters, members_of, parse_members, sentence_of
from ._use import parse_words, render_words

AGREE: Final = "urn:muniment:transaction:agree:1"
JOINT: Final = "urn:muniment:transaction:joint-act:1"
"""What several people have to agree to in the same text, each with a document of one instrument (security rule S26)."""
HASHES: Final = "transaction_data_hashes"
HASHES_ALG: Final = "transaction_data_hashes_alg"
AGREEING_FORMATS: Final = frozenset({"dc+sd-jwt", "vc+sd-jwt"})
"""Those whose holder's signature has room for hashes."""
_DIGESTS: Final = {"sha-256": hashlib.sha256, "sha-384": hashlib.sha384, "sha-512": hashlib.sha512}
_MAX_ENTRIES: Final = 16
_MAX_ENTRY: Final = 32_768  # characters
_COMMON: Final = frozenset({"type", "credential_ids", HASHES_ALG})
_LANGUAGES: Final = (["en"], ["cy"], ["en", "cy"], ["cy", "en"])


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionData:
    """One entry. ``raw`` is its text as it travels, ``members`` are those that its type defines; ``hash_algs`` ``None`` means SHA-256."""

    raw: str
    type: str
    credential_ids: tuple[str, ...]
    members: Mapping[str, Any]
    hash_algs: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """An entry of type ``AGREE`` or ``JOINT``: the words that the holder agrees to, and the other side's own reference for them.

    Where the words differ in the two languages, who agrees has to see both: both are signed. ``together``: it counts only once others have agreed;
    ``permits``: it is a ``PERMISSION``, whose words nobody but this software wrote.
    """

    statement: Text
    reference: str = ""
    together: bool = False
    permits: bool = False


# --- the verifier writes ---------------------------------------------------------------------------------------------------------------


def render_transaction_data(
    kind: str, credential_ids: Sequence[str], members: Mapping[str, Any], *, hash_algs: Sequence[str] | None = None
) -> TransactionData:
    """An entry of any type; any one of the documents that answer ``credential_ids`` may agree."""
    document = {**members, "type": kind, "credential_ids": list(credential_ids)}
    if hash_algs is not None:
        document[HASHES_ALG] = list(hash_algs)
    return parse_transaction_data(base64url.encode(strict_json.dumps(document)), "")


def render_agreement(agreement: Agreement, credential_ids: Sequence[str]) -> TransactionData:
    """An entry of one of our own types."""
    reference = {"reference": agreement.reference} if agreement.reference else {}
    kind = JOINT if agreement.together else AGREE
    return render_transaction_data(kind, credential_ids, {"statement": render_words(agreement.statement), **reference})


def render_permission(permission: Permission, credential_ids: Sequence[str]) -> TransactionData:
    """An entry that permits one body to tell another something."""
    return render_transaction_data(PERMISSION, credential_ids, members_of(permission))


# --- the wallet reads ------------------------------------------------------------------------------------------------------------------


def parse_transactions(request: Mapping[str, Any], queries: Mapping[str, str]) -> tuple[TransactionData, ...]:
    """The entries of a request whose credential queries (by id) have these formats.

    ``InvalidTransactionData`` for a type that is not one of ours, and for what no document could agree to.
    """
    if "transaction_data" not in request:
        return ()
    try:
        raws = reader.get_strings(request, "transaction_data", min_items=1, max_items=_MAX_ENTRIES)
    except Malformed as error:
        raise InvalidTransactionData(error.detail, where=error.where) from error
    entries = tuple(parse_transaction_data(raw, f"/transaction_data/{position}") for position, raw in enumerate(raws))
    for position, entry in enumerate(entries):
        parse_agreement(entry, f"/transaction_data/{position}")
        if not set(entry.credential_ids) <= set(queries):
            raise InvalidTransactionData("an id that no credential query has", where=f"/transaction_data/{position}")
    for agreed in assign(entries, queries).values():
        agreed_members(agreed)
    return entries


def parse_transaction_data(raw: str, where: str) -> TransactionData:
    """An entry of whatever type: ``InvalidTransactionData`` with the pointer of the place."""
    try:
        if len(raw) > _MAX_ENTRY:
            raise Malformed("an entry this long is not read", where=where)
        document = strict_json.load_object(base64url.decode(raw, where=where), max_depth=16, where=where)
        return TransactionData(
            raw=raw,
            type=reader.get_str(document, "type", where, max_length=300),
            credential_ids=reader.get_strings(document, "credential_ids", where, min_items=1, max_items=32),
            members={name: value for name, value in document.items() if name not in _COMMON},
            hash_algs=reader.get_strings(document, HASHES_ALG, where, optional=True, min_items=1, max_items=16),
        )
    except Malformed as error:
        raise InvalidTransactionData(error.detail, where=error.where) from error


def is_seen(text: str) -> bool:
    """Whether all of its letters, and every space, are seen: others could turn a sentence into another."""
    return all(each.isprintable() or category(each) == "Zs" for each in text)


def parse_agreement(entry: TransactionData, where: str = "", *, names: Mapping[str, Text] | None = None) -> Agreement:
    """``InvalidTransactionData`` for another type, and for one member or language too many or too few (section 8.5).

    ``names``: how organisations are called (``sentence_of``).
    """
    permission = parse_permission(entry, where)
    if permission is not None:
        return Agreement(statement=sentence_of(permission, names), reference=permission.id, permits=True)
    if entry.type not in {AGREE, JOINT}:
        raise InvalidTransactionData("this wallet knows no transaction of that kind", where=where)
    if not entry.members.keys() <= {"statement", "reference"}:
        raise InvalidTransactionData("there is more in this than can be shown", where=where)
    try:
        words = reader.get_objects(entry.members, "statement", where)
        if any(each.keys() != {"lang", "content"} for each in words) or [each["lang"] for each in words] not in _LANGUAGES:
            raise InvalidTransactionData("there is more in this than can be shown", where=f"{where}/statement")
        reference = reader.get_str(entry.members, "reference", where, optional=True, max_length=200)
        statement = parse_words(entry.members, "statement", where)
        for name, said in (("statement", statement.en + statement.cy), ("reference", reference or "")):
            if not is_seen(said):
                raise InvalidTransactionData("only letters that can be seen", where=f"{where}/{name}")
        return Agreement(statement=statement, reference=reference or "", together=entry.type == JOINT)
    except Malformed as error:
        raise InvalidTransactionData(error.detail, where=error.where) from error


def parse_permission(entry: TransactionData, where: str = "") -> Permission | None:
    """``None`` where something else is agreed to; ``InvalidTransactionData`` as ``parse_agreement``."""
    if entry.type != PERMISSION:
        return None
    permission = parse_members(entry.members, where)
    check_letters(permission, where)
    return permission


# --- what is signed --------------------------------------------------------------------------------------------------------------------


def assign(entries: Sequence[TransactionData], answered: Mapping[str, str]) -> dict[str, tuple[TransactionData, ...]]:
    """Which answered credential query (by id, with its format) agrees to what: for each entry one alone, the first that it names."""
    agreed: dict[str, tuple[TransactionData, ...]] = {}
    for position, entry in enumerate(entries):
        able = next((name for name in entry.credential_ids if answered.get(name) in AGREEING_FORMATS), None)
        if able is None:
            raise InvalidTransactionData("no document that is shown can agree to this", where=f"/transaction_data/{position}")
        agreed[able] = (*agreed.get(able, ()), entry)
    return agreed


def hashes_of(entry: TransactionData) -> dict[str, str]:
    """What a holder may have signed to agree to ``entry``: by name of the hash, base64url."""
    return {name: _hashed(name, entry) for name in entry.hash_algs or ("sha-256",) if name in _DIGESTS}


def _hashed(alg: str, entry: TransactionData) -> str:
    return base64url.encode(_DIGESTS[alg](entry.raw.encode()).digest())


def agreed_members(entries: Sequence[TransactionData]) -> dict[str, Any]:
    """What the holder signs with the document that agrees; nothing where there is nothing to agree to.

    The name of the hash is there if any entry lists some; ``InvalidTransactionData`` where the entries have none in common that is known.
    """
    if not entries:
        return {}
    alg = next((name for name in _DIGESTS if all(name in (entry.hash_algs or ("sha-256",)) for entry in entries)), None)
    if alg is None:
        raise InvalidTransactionData("it is to be hashed in a way that is not known here", where="/transaction_data")
    return {HASHES: [_hashed(alg, entry) for entry in entries], **({HASHES_ALG: alg} if any(entry.hash_algs for entry in entries) else {})}
