"""What somebody asks who showed a document before, and discloses nothing by it.

What changes something is signed with the key of the very copy that was shown then. It is an addressed copy that discloses nothing, made out for a
purpose that names the ask and what it is about. The issuer's part of it is not looked at: the document may have run out since. Whoever kept the
holder's key of that time knows whose ask it is, and learns no more.

    read_ask(data) -> Ask(what, about, …) -> look up the holder's key -> check_ask

Who only wants to hear what came of it signs nothing, so that a program can ask by the clock (T-FC-5). They send a ticket: a digest of what was
shown then, which only the two of them have, and which nobody can guess for the holder's signature in it.

    read_ask(data) -> Told(about, ticket) -> look up what was shown -> check_told
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from . import addressed
from .addressed import AddressedPresentation
from .clock import Entropy
from .codec import base64url, reader, strict_json
from .errors import Malformed, NotBound, WrongAudience
from .formats import Binding
from .formats._kb import check_bound
from .formats._sd_jwt import parse_sd_jwt
from .keys import PublicKey
from .openid4vp import AGREEING_FORMATS

WITHDRAW: Final = "permission-withdraw"
"""A permission ends now."""
TOLD: Final = "permission-told"
"""What was told by it so far?"""
DAYS: Final = addressed.MAX_DAYS
"""For which what was signed once can be said again, where nobody heard it."""
_NAME: Final = "ask"
_TICKET: Final = b"muniment permission-told ticket\0"
_MAX_ID: Final = 200  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """``what`` is ``WITHDRAW``, ``about`` names what it is about; nothing of it is proved before ``check_ask``."""

    what: str
    about: str
    copy: AddressedPresentation = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was told by ``about`` so far? Nothing of it is proved before ``check_told``."""

    about: str
    ticket: bytes = field(repr=False)


def make_binding(what: str, about: str, *, entity: str, at: int, entropy: Entropy) -> Binding:
    """What the holder signs; good for ``DAYS``."""
    return addressed.make_binding(entity=entity, purpose_id=f"{what}:{about}", at=at, entropy=entropy)


def render_ask(wire: str, format_name: str, *, what: str, about: str, entity: str) -> bytes:
    """What is posted: ``wire`` is the copy with nothing disclosed, signed for ``make_binding``."""
    vp_token: Mapping[str, Any] = {_NAME: (wire,)}
    return addressed.render_file(
        AddressedPresentation(
            format=format_name, aud=addressed.audience(entity), purpose_id=f"{what}:{about}", vp_token=vp_token, status_list_tokens=()
        )
    )


def render_told(about: str, presentation: bytes) -> bytes:
    """What is posted by whoever showed ``presentation`` (``receipts.presentation_bytes``); the same each time, whatever happened."""
    return strict_json.dumps({_NAME: TOLD, "about": about, "ticket": base64url.encode(_ticket(presentation))})


def _ticket(presentation: bytes) -> bytes:
    return hashlib.sha256(_TICKET + presentation).digest()


def read_ask(data: bytes) -> Ask | Told:
    """Structure only. ``Malformed`` or ``TooLarge``."""
    document = strict_json.load_object(data, max_bytes=addressed.MAX_FILE)
    if document.get(_NAME) == TOLD:
        ticket = reader.get_str(document, "ticket", max_length=_MAX_ID)
        return Told(about=reader.get_str(document, "about", max_length=_MAX_ID), ticket=base64url.decode(ticket, where="/ticket"))
    copy = addressed.parse_file(data)
    what, colon, about = copy.purpose_id.partition(":")
    if what != WITHDRAW or not colon or not about:
        raise Malformed("nothing of this kind can be asked", where="/purpose_id")
    if copy.format not in AGREEING_FORMATS or list(copy.vp_token) != [_NAME] or len(copy.vp_token[_NAME]) != 1:
        raise Malformed("an ask is one copy, by itself", where="/vp_token")
    return Ask(what=what, about=about, copy=copy)


def check_ask(ask: Ask, *, entity: str, holder: PublicKey, at: int) -> None:
    """Raise unless whoever has ``holder``'s key asked this of ``entity`` within ``DAYS``.

    ``WrongAudience``, ``WrongTyp``, ``NotBound``, ``OtherPresentation``, ``StaleBinding``, ``PurposeMismatch`` or ``Malformed``.
    """
    if ask.copy.aud != addressed.audience(entity):
        raise WrongAudience("this asks somebody else", where="/aud")
    (wire,) = ask.copy.vp_token[_NAME]
    binding = addressed.expected_binding(entity=entity, purpose_id=f"{ask.what}:{ask.about}")
    check_bound(parse_sd_jwt(wire, typ=ask.copy.format), holder, binding, at=at)


def check_told(told: Told, *, presentation: bytes) -> None:
    """``NotBound`` unless whoever asks has what was shown."""
    if not hmac.compare_digest(told.ticket, _ticket(presentation)):
        raise NotBound("nobody proves to have shown this", where="/ticket")
