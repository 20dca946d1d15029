"""Addressed copies: a presentation made out to one body for one purpose, as a file or as a QR text (security rule S8).

What binds it is inside the holder's signature: audience ``a:<entity>``, ``purpose_id``, a random nonce, ``jti`` and ``exp``. The envelope
around it repeats audience and purpose so that a desk can sort its post, and staples status lists; nothing in it is believed.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .clock import DAY, Entropy
from .codec import base45, base64url, cbor, packed, reader, strict_json
from .codec.inflate import inflate
from .errors import Malformed, TooLarge, VcError
from .formats import Binding
from .status.token_status_list import parse_token

MEDIA_TYPE = "application/vnd.muniment.addressed+json"
PREFIX = "OVJ1:"
MAX_DAYS = 14
MAX_FILE = 4_000_000  # bytes
MAX_QR = 4_296  # characters in the largest code, alphanumeric, error correction L
MAX_TRANSACTION = 64  # characters
_TRANSACTION = "transaction"
_MAX_UNPACKED = 65_536  # bytes inside a QR text
_MAX_PRESENTATIONS = 16
_MAX_STAPLES = 16
_MAX_NAME = 2_048


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressedPresentation:
    """``aud`` is ``a:`` and the entity; ``vp_token`` maps a name to presentations, as in OpenID4VP; ``format`` is that of all of them."""

    format: str
    aud: str
    purpose_id: str
    vp_token: Mapping[str, tuple[str, ...]] = field(repr=False)
    status_list_tokens: tuple[str, ...] = field(default=(), repr=False)


def audience(entity: str) -> str:
    """The audience of a copy made out to ``entity``; its first letters say the mode, so that no other mode accepts it (S6)."""
    return f"a:{entity}"


def make_binding(
    *, entity: str, purpose_id: str, at: int, entropy: Entropy, days: int = MAX_DAYS, transaction: str | None = None
) -> Binding:
    """What the holder signs: nonce and ``jti`` of 128 random bits each, ``exp`` after ``days`` (1 to 14).

    ``transaction`` names what several people agree to for that purpose, each by a copy of their own (security rule S26).
    """
    if not 1 <= days <= MAX_DAYS:
        raise Malformed(f"a copy made out to somebody lives 1 to {MAX_DAYS} days", where="/days")
    extra: dict[str, Any] = {"purpose_id": purpose_id, "jti": base64url.encode(entropy(16)), "exp": at + days * DAY}
    if transaction is not None:
        extra[_TRANSACTION] = transaction
    return Binding(audience=audience(entity), nonce=base64url.encode(entropy(16)), extra=extra)


def transaction_of(signed: Mapping[str, Any]) -> str:
    """What a holder agreed to together with others, by what they signed; empty for nothing, and for what could not be told on."""
    found = signed.get(_TRANSACTION)
    return found if isinstance(found, str) and 1 <= len(found) <= MAX_TRANSACTION and found.isascii() and found.isprintable() else ""


def expected_binding(*, entity: str, purpose_id: str | None = None) -> Binding:
    """What ``entity`` expects of a copy made out to it; with ``purpose_id``, for that purpose and no other."""
    extra = {} if purpose_id is None else {"purpose_id": purpose_id}
    return Binding(audience=audience(entity), nonce=None, max_age=MAX_DAYS * DAY, extra=extra)


def parse(data: bytes | str) -> AddressedPresentation:
    """A file's bytes or the text of a QR code, whichever it is. ``Malformed`` or ``TooLarge``."""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) and len(data) <= 2 * MAX_QR else data
    if isinstance(text, str) and text.strip().startswith(PREFIX):
        return parse_qr(text.strip())
    return parse_file(data)


def parse_file(data: bytes | str) -> AddressedPresentation:
    """The JSON file."""
    return _read(strict_json.load_object(data, max_bytes=MAX_FILE))


def parse_qr(text: str) -> AddressedPresentation:
    """``OVJ1:`` and base45 of zlib of the packed file, see ``render_qr``."""
    if not text.startswith(PREFIX):
        raise Malformed("this code holds something else")
    if len(text) > MAX_QR:
        raise TooLarge("this is longer than any QR code")
    return parse_content(inflate(base45.decode(text[len(PREFIX) :]), max_bytes=_MAX_UNPACKED))


def render_content(presentation: AddressedPresentation) -> bytes:
    """What is inside such a text, and what a desk's page makes of the file."""
    return cbor.dumps(packed.pack(_render(presentation)))


def parse_content(content: bytes) -> AddressedPresentation:
    """What is inside such a text, unpacked by its caller."""
    return _read(reader.as_object(packed.unpack(cbor.loads(content, max_bytes=_MAX_UNPACKED)), ""))


def _read(doc: Mapping[str, Any]) -> AddressedPresentation:
    aud = reader.get_str(doc, "aud", max_length=_MAX_NAME)
    if not aud.startswith("a:") or len(aud) < 3:
        raise Malformed("this is not made out to anybody", where="/aud")
    token = reader.get_object(doc, "vp_token")
    if not 1 <= len(token) <= _MAX_PRESENTATIONS:
        raise Malformed("a copy holds one or more presentations", where="/vp_token")
    return AddressedPresentation(
        format=reader.get_str(doc, "format", max_length=64),
        aud=aud,
        purpose_id=reader.get_str(doc, "purpose_id", max_length=_MAX_NAME),
        vp_token={name: reader.get_strings(token, name, "/vp_token", min_items=1, max_items=_MAX_PRESENTATIONS) for name in token},
        status_list_tokens=reader.get_strings(doc, "status_list_tokens", optional=True, max_items=_MAX_STAPLES) or (),
    )


def render_file(presentation: AddressedPresentation) -> bytes:
    """The JSON file, of ``MEDIA_TYPE``."""
    return strict_json.dumps(_render(presentation))


def _render(presentation: AddressedPresentation) -> dict[str, Any]:
    doc: dict[str, Any] = {
        "format": presentation.format,
        "aud": presentation.aud,
        "purpose_id": presentation.purpose_id,
        "vp_token": {name: list(wires) for name, wires in presentation.vp_token.items()},
    }
    if presentation.status_list_tokens:
        doc["status_list_tokens"] = list(presentation.status_list_tokens)
    return doc


def render_qr(presentation: AddressedPresentation, *, max_length: int = MAX_QR) -> str:
    """The text for a QR code, without the staples if they do not fit; ``TooLarge`` if the presentation itself does not.

    It is base45 of zlib of the same document as the file, see ``shared.codec.packed``. ``max_length`` is in characters: fewer make a
    picture that weaker cameras read.
    """
    bare = AddressedPresentation(
        format=presentation.format, aud=presentation.aud, purpose_id=presentation.purpose_id, vp_token=presentation.vp_token
    )
    for each in (presentation, bare):
        text = PREFIX + base45.encode(zlib.compress(render_content(each), 9))
        if len(text) <= max_length:
            return text
    raise TooLarge("this copy shows too much for one QR code; send the file")


def staples(presentation: AddressedPresentation) -> dict[str, str]:
    """The stapled status list tokens by the address of their list. Unverified; one that cannot be read is left out.

    A staple answers where nothing newer is known; it never overrules what was seen before (S19).
    """
    found: dict[str, str] = {}
    for token in presentation.status_list_tokens:
        try:
            found[parse_token(token).uri] = token
        except VcError:
            continue
    return found
