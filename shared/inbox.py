"""Inboxes of organisations: where a copy that is made out to one body can be posted, sealed for it alone (security rules S8, S28).

A registration names an address and a public key. What is posted is a compact JWE (RFC 7516), ECDH-ES to that key and A256GCM, whose size goes
in doublings; its header names the key and nothing of holder or document. Whoever carries it, a library's counter for instance, cannot read it.
What is inside is still a stranger's word: only the copy in it is signed. It is compact JSON of two or three texts, ``copy``, ``ticket`` and ``about``
in this order, so that whoever opens it reads no more than these, however many things somebody put there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from .codec import base64url, strict_json
from .codec.padding import pad
from .codec.reader import get_str
from .credentials import Text
from .errors import AlgorithmRefused, Malformed, TooLarge, WrongTyp
from .jose import jwe
from .jose.jwk import parse_public_jwk, thumbprint

CTY: Final = "muniment-letter+json"
MEDIA_TYPE: Final = "application/jose"
"""Of what is posted: a compact JWE."""
ENC: Final = "A256GCM"
TICKET: Final = 16
"""Random bytes by which the sender asks for the answer, and by which the same letter posted twice is one letter."""
_SMALLEST, _LARGEST = 8_192, 4_194_304  # bytes inside
WAITS, NO_ANSWER, PASSED_ON, UNDONE = "waits_for_person", "no_answer_yet", "passed_on", "undone"
NOT_DELIVERED = "not_delivered"
REASONS: Final[Mapping[str, Text]] = {
    WAITS: Text("A person will decide.", "Bydd person yn penderfynu."),
    NO_ANSWER: Text("Nobody has decided in the promised time.", "Does neb wedi penderfynu o fewn yr amser a addawyd."),
    PASSED_ON: Text("It was passed on, unopened.", "Cafodd ei drosglwyddo heb ei agor."),
    NOT_DELIVERED: Text("It could not be delivered, and somebody dealt with it.", "Ni ellid ei ddanfon, ac ymdriniodd rhywun ag ef."),
    UNDONE: Text("What rested on it was undone.", "Cafodd yr hyn oedd yn dibynnu arno ei ddadwneud."),
    "no_account": Text("Nobody like this was found in our records.", "Ni chafwyd hyd i neb fel hyn yn ein cofnodion."),
    "details_differ": Text("Our records say something else.", "Mae ein cofnodion yn dweud rhywbeth arall."),
    "not_enough": Text("We need more than this.", "Mae angen mwy na hyn arnom."),
    "refused_by_person": Text("A person decided against it.", "Penderfynodd person yn ei erbyn."),
}
"""Why a receipt says what no program has decided, by ``reason_code``."""
REFUSALS: Final = ("no_account", "details_differ", "not_enough", "refused_by_person")
"""Those of them for which a person may refuse."""
MAX_LETTER: Final = 5_600_000
"""Characters of a sealed letter: 4 MB inside."""
_MAX_ID = 200


@dataclass(frozen=True, slots=True)
class Inbox:
    """An address that takes letters, and a public P-256 key (JWK: ``kty``, ``crv``, ``x``, ``y``) that they are sealed for."""

    url: str
    key: Mapping[str, Any] = field(hash=False)

    @property
    def kid(self) -> str:
        """The key's thumbprint (RFC 7638), by which the header of a letter names it."""
        return thumbprint(parse_public_jwk(self.key))


@dataclass(frozen=True, slots=True)
class Letter:
    """``copy`` is a copy made out to the body, as the file of ``shared.addressed``; ``about`` is the ``jti`` of an earlier copy that it corrects
    or calls back.
    """

    copy: str = field(repr=False)
    ticket: bytes = field(repr=False)
    about: str = ""


class _Inside(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that can be in a letter. Texts alone: anything else ends the reading where it begins."""

    copy: str
    ticket: str
    about: str = ""


_decode = msgspec.json.Decoder(_Inside).decode


def check_key(jwk: Mapping[str, Any]) -> dict[str, str]:
    """The plain members of a key that letters can be sealed for. ``Malformed`` or ``AlgorithmRefused`` for any other."""
    jwe.check_recipient(jwk)
    return {name: jwk[name] for name in ("kty", "crv", "x", "y")}


def seal_letter(letter: Letter, inbox: Inbox) -> str:
    """What is posted to ``inbox.url``. ``TooLarge`` for a copy of more than 4 MB; the randomness is the library's own."""
    if len(letter.ticket) != TICKET:
        raise Malformed(f"a ticket has {TICKET} bytes", where="/ticket")
    inside = pad(strict_json.dumps(_content(letter)), smallest=_SMALLEST, largest=_LARGEST, what="this copy shows too much for one letter")
    return jwe.encrypt(inside, {**check_key(inbox.key), "kid": inbox.kid}, enc=ENC, header={"cty": CTY})


def _content(letter: Letter) -> dict[str, str]:
    return {"copy": letter.copy, "ticket": base64url.encode(letter.ticket)} | ({"about": letter.about} if letter.about else {})


def peek_kid(token: str) -> str:
    """Which key a letter was sealed for, or empty. ``Malformed``, ``TooLarge``, ``WrongTyp`` or ``AlgorithmRefused`` for what is no letter."""
    header = jwe.peek_header(token, max_bytes=MAX_LETTER)
    if header.get("cty") != CTY:
        raise WrongTyp("this is sealed for something else", where="/cty")
    if header["enc"] != ENC:
        raise AlgorithmRefused(f"a letter is sealed with {ENC}", where="/enc")
    return get_str(header, "kid", optional=True) or ""


def open_letter(token: str, private_jwk: Mapping[str, Any]) -> Letter:
    """What is inside, for the holder of the key. ``Malformed`` where it was sealed for another; nothing in it is believed yet."""
    peek_kid(token)
    raw = jwe.decrypt(token, private_jwk, max_bytes=MAX_LETTER).rstrip(b" ")
    try:
        inside = _decode(raw)
    except (msgspec.DecodeError, ValueError) as error:
        raise Malformed("there is no letter inside") from error
    doc = msgspec.structs.asdict(inside)
    ticket = base64url.decode(get_str(doc, "ticket", max_length=64), where="/ticket")
    if len(ticket) != TICKET:
        raise Malformed(f"a ticket has {TICKET} bytes", where="/ticket")
    letter = Letter(get_str(doc, "copy", max_length=_LARGEST), ticket, get_str(doc, "about", min_length=0, max_length=_MAX_ID))
    if strict_json.dumps(_content(letter)) != raw:
        raise Malformed("a letter says each thing once, and is written as letters are")
    return letter


def digest(token: str) -> bytes:
    """SHA-256 of a sealed letter as posted: the same ticket with another one is another letter."""
    if len(token) > MAX_LETTER:
        raise TooLarge("a letter of this size was never made")
    return hashlib.sha256(token.encode()).digest()
