"""An organisation asks a registrar to register what it asks for: signed by the very key with which it asks (domain sheet C23).

JWS, typ ``registration-request+jwt``; payload ``{iss: the organisation, aud: the registrar, iat, jwk, name: {en, cy}, uses}``, where ``uses``
are its registered uses to be (docs/ovp.md section 5.1), as CBOR in base64url. It proves who holds the key, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..codec import base64url, strict_json
from ..codec.reader import get_int, get_object, get_str
from ..credentials import Text
from ..errors import Expired, Malformed, NotYetValid, Untrusted, WrongTyp
from ..jose.jwk import parse_public_jwk, render_jwk
from ..jose.jws import Jws, parse_jws, prepare_jws, verify_jws
from ..keys import REGISTRATION_REQUEST, KeyId, PublicKey, Unsigned
from .federation_keys import get_entity
from .registered_use import RegisteredUse, parse_uses, render_uses
from .relying_party import AHEAD

TYP: Final = REGISTRATION_REQUEST
MAX_BYTES: Final = 64_000
MAX_USES: Final = 32_000  # bytes: the certificate that is made of them stays below 64 kB
LIFE: Final = 3_600  # seconds in which it is handed over
MAX_NAME: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A parsed one. ``registrar`` is whom it is for, ``public`` the key that signed it."""

    entity: str
    registrar: str
    issued_at: int
    public: PublicKey
    name: Text
    uses: tuple[RegisteredUse, ...]
    jws: Jws = field(repr=False)


def prepare_application(
    *, entity: str, registrar: str, name: Text, uses: Sequence[RegisteredUse], at: int, key: KeyId, public: PublicKey
) -> Unsigned[str]:
    """Lacks only the signature of ``public``. ``Malformed`` for more uses than a certificate has room for."""
    data = render_uses(uses)
    if len(data) > MAX_USES:
        raise Malformed(f"all uses together have at most {MAX_USES} bytes", where="/uses")
    payload = {
        "iss": entity,
        "aud": registrar,
        "iat": at,
        "jwk": render_jwk(public),
        "name": {"en": name.en, "cy": name.cy},
        "uses": base64url.encode(data),
    }
    return prepare_jws(typ=TYP, payload=strict_json.dumps(payload), key=key, alg=public.alg)


def parse_application(token: str) -> Application:
    """Structure and bounds, the ``typ`` before anything else (S1): ``WrongTyp``, ``Malformed``, ``TooLarge``, ``AlgorithmRefused``."""
    jws = parse_jws(token, max_bytes=MAX_BYTES)
    if jws.typ != TYP:
        raise WrongTyp("this signed object is of another kind", where="/typ")
    obj = strict_json.load_object(jws.payload, max_bytes=MAX_BYTES)
    data = base64url.decode(get_str(obj, "uses", max_length=MAX_BYTES), where="/uses")
    if len(data) > MAX_USES:
        raise Malformed(f"all uses together have at most {MAX_USES} bytes", where="/uses")
    uses = parse_uses(data)
    if not uses or len({use.id for use in uses}) != len(uses):
        raise Malformed("it names its uses, each once", where="/uses")
    return Application(
        entity=get_entity(obj, "iss"),
        registrar=get_entity(obj, "aud"),
        issued_at=get_int(obj, "iat"),
        public=parse_public_jwk(get_object(obj, "jwk"), where="/jwk"),
        name=_words(get_object(obj, "name")),
        uses=uses,
        jws=jws,
    )


def check_application(one: Application, registrar: str, *, at: int) -> None:
    """Raise unless it is for ``registrar``, of this hour and by its own key. ``Untrusted``, ``Expired``, ``NotYetValid``, ``BadSignature``."""
    if one.registrar != registrar:
        raise Untrusted("this application is for another registrar", where="/aud")
    if one.issued_at > at + AHEAD:
        raise NotYetValid("it is dated in the future", where="/iat")
    if at >= one.issued_at + LIFE:
        raise Expired("an application is handed over within the hour", where="/iat")
    verify_jws(one.jws, one.public, typ=TYP)


def _words(obj: dict[str, Any]) -> Text:
    return Text(get_str(obj, "en", "/name", max_length=MAX_NAME), get_str(obj, "cy", "/name", max_length=MAX_NAME))
