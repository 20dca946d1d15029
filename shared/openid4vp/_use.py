"""Why somebody asks, in their own words: a ``verifier_info`` entry (OpenID4VP 1.0 section 5.11) of our own format.

It stands inside the signed request object, so it is bound to whoever signs that. Nobody else has looked at it: a page shows it as the
organisation's own statement. ``registration`` is the certificate of a registrar that goes with it (rp-cert, docs/ovp.md section 5.1): what is
registered counts by that, for whoever trusts the registrar. Member names follow the European register (TS5, TS10) where it has one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..codec import base64url, reader
from ..credentials import Text
from ..errors import Malformed

FORMAT = "muniment-use"
_MAX_TEXT = 1_000  # characters
_MANY = 64  # people who act together
_MAX_REGISTRATION = 90_000  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class IntendedUse:
    """``claims_kept`` are claim names for people; ``retention_days`` is how long they are kept.

    ``agreed`` is how many have agreed before, to what several agree to together; ``None`` where nobody is to.
    """

    identifier: str  # intendedUseIdentifier
    purpose: Text
    privacy_policy: str | None = None  # URL
    retention_days: int | None = None
    claims_kept: tuple[str, ...] = ()
    contact: str | None = None
    how_to_complain: str | None = None
    registration: bytes | None = field(default=None, repr=False)
    agreed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierInfo:
    """Any entry, understood or not."""

    format: str
    data: str | Mapping[str, Any]
    credential_ids: tuple[str, ...] | None = None


def render_use(use: IntendedUse) -> VerifierInfo:
    """The entry that carries ``use``."""
    data: dict[str, Any] = {
        "intendedUseIdentifier": use.identifier,
        "purpose": render_words(use.purpose),
    }
    if use.privacy_policy is not None:
        data["privacyPolicy"] = {"policyURI": use.privacy_policy}
    optional: dict[str, Any] = {
        "retention_days": use.retention_days,
        "agreed": use.agreed,
        "contact": use.contact,
        "how_to_complain": use.how_to_complain,
    }
    data.update({name: value for name, value in optional.items() if value is not None})
    if use.claims_kept:
        data["claims_kept"] = list(use.claims_kept)
    if use.registration is not None:
        data["registration"] = base64url.encode(use.registration)
    return VerifierInfo(format=FORMAT, data=data)


def parse_use(data: Mapping[str, Any], where: str = "") -> IntendedUse:
    """``Malformed`` with a pointer."""
    policy = reader.get_object(data, "privacyPolicy", where, optional=True)
    registration = reader.get_str(data, "registration", where, optional=True, max_length=_MAX_REGISTRATION)
    return IntendedUse(
        identifier=reader.get_str(data, "intendedUseIdentifier", where, max_length=300),
        purpose=parse_words(data, "purpose", where),
        privacy_policy=None if policy is None else reader.get_str(policy, "policyURI", f"{where}/privacyPolicy", max_length=2_000),
        retention_days=reader.get_int(data, "retention_days", where, optional=True, maximum=36_525),
        claims_kept=reader.get_strings(data, "claims_kept", where, optional=True, max_items=128) or (),
        contact=reader.get_str(data, "contact", where, optional=True, max_length=_MAX_TEXT),
        how_to_complain=reader.get_str(data, "how_to_complain", where, optional=True, max_length=_MAX_TEXT),
        registration=None if registration is None else base64url.decode(registration, where=f"{where}/registration"),
        agreed=reader.get_int(data, "agreed", where, optional=True, maximum=_MANY),
    )


def render_words(words: Text) -> list[dict[str, str]]:
    """``[{lang, content}, …]``, as the European register writes words for people."""
    return [{"lang": lang, "content": text} for lang, text in (("en", words.en), ("cy", words.cy)) if text]


def parse_words(data: Mapping[str, Any], name: str, where: str) -> Text:
    """``Malformed`` without any. Where one language is missing the other stands in."""
    words = {}
    for position, entry in enumerate(reader.get_objects(data, name, where, min_items=1, max_items=32)):
        place = f"{where}/{name}/{position}"
        words[reader.get_str(entry, "lang", place, max_length=35)] = reader.get_str(entry, "content", place, max_length=_MAX_TEXT)
    first = next(iter(words.values()))
    return Text(words.get("en", first), words.get("cy", words.get("en", first)))


def parse_verifier_info(request: Mapping[str, Any], query_ids: Sequence[str]) -> tuple[VerifierInfo, ...]:
    """The entries of a request object (section 5.1); formats that are not known here are kept and ignored."""
    entries = reader.get_objects(request, "verifier_info", optional=True, min_items=1, max_items=32) or ()
    return tuple(_entry(entry, query_ids, f"/verifier_info/{position}") for position, entry in enumerate(entries))


def _entry(entry: Mapping[str, Any], query_ids: Sequence[str], where: str) -> VerifierInfo:
    data = entry.get("data")
    if not isinstance(data, str | dict):
        raise Malformed("a string or an object is demanded here", where=f"{where}/data")
    ids = reader.get_strings(entry, "credential_ids", where, optional=True, min_items=1, max_items=64)
    if ids is not None and not set(ids) <= set(query_ids):
        raise Malformed("an id that no credential query has", where=f"{where}/credential_ids")
    return VerifierInfo(format=reader.get_str(entry, "format", where, max_length=200), data=data, credential_ids=ids)


def find_use(entries: Sequence[VerifierInfo]) -> IntendedUse | None:
    """The first entry in our own format; ``None`` means "gave no reason"."""
    for position, entry in enumerate(entries):
        if entry.format == FORMAT and isinstance(entry.data, Mapping):
            return parse_use(entry.data, f"/verifier_info/{position}/data")
    return None
