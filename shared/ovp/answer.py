"""What a holder signs in answer to a challenge or a code, and how it travels back (security rules S5 to S7, S13; docs/ovp.md section 7).

One ``Binding`` serves both sides: the wallet signs it, the desk expects it. The level follows from the mode that the desk opened; an
answer to no open question is ``Replayed``, never something lesser (S6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeVar

from ..clock import Entropy
from ..codec import base64url, cbor, packed
from ..cose import parse_sign1
from ..credentials import CredentialType
from ..errors import BadSignature, Malformed, Replayed, UnknownCredentialType
from ..formats import Binding
from ..jose.jwt import parse_jwt
from ..keys import PublicKey
from ..trust.relying_party import Want
from ..verify import Asked
from . import seal
from .challenge import Challenge
from .code import code_audience, code_nonce
from .envelope import PRESENTATION, SD_JWT, of_message, to_message

SD_CWT_FORMAT: Final = "dc+sd-cwt"
SD_JWT_FORMAT: Final = "dc+sd-jwt"
_NOT_OPEN: Final = "it answers no question that is open at this desk"
_AUD, _CTI, _CNONCE, _PURPOSE = 3, 7, 39, -70_001
T = TypeVar("T")


class OpenChallenge(NamedTuple):
    """A challenge that waits for its answer, with the private half of its sealing key; its desk forgets both together."""

    challenge: Challenge
    private: bytes


class Answer(NamedTuple):
    """A presentation as it travels: the format and its wire text, as ``shared.formats`` has it."""

    format: str
    wire: str


class Peeked(NamedTuple):
    """What an answer says of itself; nothing of it is believed."""

    audience: str
    nonce: str
    purpose_id: str
    number: str = ""
    """What the holder calls this copy (``jti``, ``cti``), empty for none."""


def live_binding(challenge: Challenge) -> Binding:
    """Level 3: made out to the desk's key, over the whole challenge. Freshness is the nonce's; a phone's wrong clock is no refusal."""
    return Binding(audience=challenge.audience, nonce=base64url.encode(challenge.digest), max_age=None)


def code_binding(code: str, *, entity: str, use: str, public: PublicKey) -> Binding:
    """Level 2: made out to the relying party's registered key, over the code, the body and the use."""
    return Binding(audience=code_audience(public), nonce=base64url.encode(code_nonce(code, entity=entity, use=use)), max_age=None)


def render_answer(answer: Answer) -> tuple[str, bytes]:
    """Prefix and content, for ``envelope.render_text`` or ``to_message``. ``Malformed`` for a format that does not travel so."""
    if answer.format == SD_CWT_FORMAT:
        return PRESENTATION, base64url.decode(answer.wire)
    if answer.format == SD_JWT_FORMAT:
        return SD_JWT, cbor.dumps(packed.pack(answer.wire))
    raise Malformed("documents of this format do not travel by QR code")


def parse_answer(prefix: str, content: bytes) -> Answer:
    """The inverse; ``Malformed``. A copy made out to somebody as SD-JWT is a map, see ``shared.addressed``."""
    if prefix == PRESENTATION:
        return Answer(SD_CWT_FORMAT, base64url.encode(content))
    wire = packed.unpack(cbor.loads(content)) if prefix == SD_JWT else None
    if not isinstance(wire, str):
        raise Malformed("this is no answer")
    return Answer(SD_JWT_FORMAT, wire)


def peek_answer(answer: Answer) -> Peeked:
    """Whom and what it says that it answers, so that a desk can pick what to hold it against. ``Malformed`` if it does not say."""
    if answer.format == SD_CWT_FORMAT:
        members = cbor.loads(parse_sign1(base64url.decode(answer.wire)).payload)
        if not isinstance(members, Mapping):
            raise Malformed("this is no answer")
        nonce, number = (None if type(each) is not bytes else base64url.encode(each) for each in (members.get(_CNONCE), members.get(_CTI)))
        named = (members.get(_AUD), nonce, members.get(_PURPOSE, ""), number or "")
    else:
        claims = parse_jwt(answer.wire.rpartition("~")[2]).claims
        named = (claims.get("aud"), claims.get("nonce"), claims.get("purpose_id", ""), claims.get("jti", ""))
    audience, text, purpose_id, name = named
    if not isinstance(audience, str) or not isinstance(text, str) or not isinstance(purpose_id, str) or not isinstance(name, str):
        raise Malformed("it does not say whom it answers")
    return Peeked(audience, text, purpose_id, name)


def find_open(nonce: str, waiting: Mapping[str, T]) -> T:
    """The open question with that nonce; ``Replayed`` if there is none (S6)."""
    found = waiting.get(nonce)
    if found is None:
        raise Replayed(_NOT_OPEN)
    return found


def seal_answer(answer: Answer, challenge: Challenge, *, entropy: Entropy) -> bytes:
    """The content of a sealed answer, for the desk that made ``challenge`` and for nobody whose camera looks on."""
    return seal.seal(to_message(*render_answer(answer)), challenge.seal_key, challenge.info, entropy=entropy)


def open_answer(sealed: bytes, waiting: Iterable[OpenChallenge]) -> tuple[OpenChallenge, Answer]:
    """Which open challenge it answers, and what with.

    ``Replayed`` if none: it was answered before, ran out, or is somebody else's. ``Malformed`` for what is no sealed answer.
    """
    for one in waiting:
        try:
            message = seal.open_sealed(sealed, one.private, one.challenge.info)
        except BadSignature:
            continue
        return one, parse_answer(*of_message(message))
    raise Replayed(_NOT_OPEN)


def asked_of(wants: Iterable[Want], types: Mapping[str, CredentialType]) -> tuple[Asked, ...]:
    """What ``wants`` ask for by number, in the names of ``types``. ``UnknownCredentialType``, ``Malformed`` for a group that no type has."""
    numbered = {each.vct_int: each for each in types.values()}
    return tuple(_asked(want, numbered.get(want.vct)) for want in wants)


def _asked(want: Want, credential_type: CredentialType | None) -> Asked:
    if credential_type is None:
        raise UnknownCredentialType("a type of document that is not known here is asked for")
    names = {group.cwt: group.id for group in credential_type.groups if group.cwt}
    if not {*want.required, *want.optional} <= names.keys():
        raise Malformed("a group that this type of document does not have is asked for")
    required, optional = ([names[number] for number in numbers] for numbers in (want.required, want.optional))
    return Asked(vct=credential_type.vct, required=tuple(required), optional=tuple(optional))
