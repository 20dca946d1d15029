"""What somebody asks who showed a document before: signed with the key of the very copy that was shown then, and with nothing new in it.

It is an addressed copy that discloses nothing, made out for a purpose that names the ask and what it is about. The issuer's part of it is not
looked at: the document may have run out since. Whoever kept the holder's key of that time knows whose ask it is, and learns no more.

    read_ask(data) -> Ask(what, about, …) -> look up the holder's key -> check_ask
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from . import addressed
from .addressed import AddressedPresentation
from .clock import Entropy
from .errors import Malformed, WrongAudience
from .formats import Binding
from .formats._kb import check_bound
from .formats._sd_jwt import parse_sd_jwt
from .keys import PublicKey
from .openid4vp import AGREEING_FORMATS

WITHDRAW: Final = "permission-withdraw"
"""A permission ends now."""
TOLD: Final = "permission-told"
"""What was told by it so far?"""
_KINDS: Final = frozenset({WITHDRAW, TOLD})
_NAME: Final = "ask"
_DAYS: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """``what`` is one of the kinds above, ``about`` names what it is about; nothing of it is proved before ``check_ask``."""

    what: str
    about: str
    copy: AddressedPresentation = field(repr=False)


def make_binding(what: str, about: str, *, entity: str, at: int, entropy: Entropy) -> Binding:
    """What the holder signs; good for a day."""
    return addressed.make_binding(entity=entity, purpose_id=f"{what}:{about}", at=at, entropy=entropy, days=_DAYS)


def render_ask(wire: str, format_name: str, *, what: str, about: str, entity: str) -> bytes:
    """What is posted: ``wire`` is the copy with nothing disclosed, signed for ``make_binding``."""
    vp_token: Mapping[str, Any] = {_NAME: (wire,)}
    return addressed.render_file(
        AddressedPresentation(
            format=format_name, aud=addressed.audience(entity), purpose_id=f"{what}:{about}", vp_token=vp_token, status_list_tokens=()
        )
    )


def read_ask(data: bytes) -> Ask:
    """Structure only. ``Malformed`` or ``TooLarge``."""
    copy = addressed.parse_file(data)
    what, colon, about = copy.purpose_id.partition(":")
    if what not in _KINDS or not colon or not about:
        raise Malformed("nothing of this kind can be asked", where="/purpose_id")
    if copy.format not in AGREEING_FORMATS or list(copy.vp_token) != [_NAME] or len(copy.vp_token[_NAME]) != 1:
        raise Malformed("an ask is one copy, by itself", where="/vp_token")
    return Ask(what=what, about=about, copy=copy)


def check_ask(ask: Ask, *, entity: str, holder: PublicKey, at: int) -> None:
    """Raise unless whoever has ``holder``'s key asked this of ``entity`` within the day.

    ``WrongAudience``, ``WrongTyp``, ``NotBound``, ``OtherPresentation``, ``StaleBinding``, ``PurposeMismatch`` or ``Malformed``.
    """
    if ask.copy.aud != addressed.audience(entity):
        raise WrongAudience("this asks somebody else", where="/aud")
    (wire,) = ask.copy.vp_token[_NAME]
    binding = addressed.expected_binding(entity=entity, purpose_id=f"{ask.what}:{ask.about}")
    check_bound(parse_sd_jwt(wire, typ=ask.copy.format), holder, binding, at=at)
