"""JSON Web Encryption for responses (RFC 7516, RFC 7518 section 4.6): ECDH-ES direct on P-256 with AES-GCM, compact serialisation.

No other key agreement, no compression, no header extension. ``jwcrypto`` does the arithmetic and is imported only when it is needed;
what strangers wrote is read by our own strict parsers before it gets there.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric import ec

from ..codec import base64url, strict_json
from ..codec.reader import get_object, get_str
from ..errors import AlgorithmRefused, Malformed, TooLarge
from ..keys import PublicKey
from .jwk import check_public, parse_public_jwk, thumbprint

ALG = "ECDH-ES"
ENCS: tuple[str, ...] = ("A128GCM", "A256GCM")
MAX_BYTES = 2_000_000
# RFC 7517 section 4 and RFC 7518 section 6.2.1; ``ext`` is what browsers add (Web Cryptography API).
_EPHEMERAL = frozenset({"kty", "crv", "x", "y", "kid", "use", "key_ops", "alg", "ext", "x5u", "x5c", "x5t", "x5t#S256"})


def encrypt(plaintext: bytes, recipient_jwk: Mapping[str, Any], *, enc: str, header: Mapping[str, Any] = MappingProxyType({})) -> str:
    """``plaintext`` for the holder of ``recipient_jwk``, a public P-256 key whose ``kid`` is echoed.

    ``header`` adds protected members, such as ``apu`` and ``apv``. ``Malformed`` for an unusable key, ``AlgorithmRefused`` for another
    ``enc`` or a key that demands another ``alg``.
    """
    if enc not in ENCS:
        raise AlgorithmRefused("only A128GCM and A256GCM are used here", where="/enc")
    public = _agreement_key(recipient_jwk)
    own = {"alg": ALG, "enc": enc} | ({"kid": recipient_jwk["kid"]} if "kid" in recipient_jwk else {})
    from jwcrypto.jwe import JWE  # noqa: PLC0415 - off the import path of programs that never encrypt
    from jwcrypto.jwk import JWK  # noqa: PLC0415 - slow to import, and few need it

    jwe = JWE(plaintext, protected=strict_json.dumps(dict(header) | own).decode(), algs=[ALG, enc])
    jwe.add_recipient(JWK(**public))
    token: str = jwe.serialize(compact=True)
    return token


def decrypt(token: str, private_jwk: Mapping[str, Any], *, max_bytes: int = MAX_BYTES) -> bytes:
    """The plaintext of ``token``, which must have been made for ``private_jwk``: ``Malformed``, ``TooLarge``, ``AlgorithmRefused``."""
    header = peek_header(token, max_bytes=max_bytes)
    if "kid" in header and header["kid"] != private_jwk.get("kid", header["kid"]):
        raise Malformed("encrypted for another key", where="/kid")
    from jwcrypto.common import JWException  # noqa: PLC0415 - slow to import, and few need it
    from jwcrypto.jwe import JWE  # noqa: PLC0415 - slow to import, and few need it
    from jwcrypto.jwk import JWK  # noqa: PLC0415 - slow to import, and few need it

    jwe = JWE(algs=[ALG, header["enc"]])
    try:
        jwe.deserialize(token)
        jwe.decrypt(JWK(**{name: private_jwk[name] for name in ("kty", "crv", "x", "y", "d")}))
    except (JWException, ValueError, KeyError) as error:
        raise Malformed("cannot be decrypted with this key") from error
    return jwe.plaintext or b""


def agree(private_jwk: Mapping[str, Any], public: PublicKey) -> bytes:
    """The secret (RFC 5903 section 9: the x coordinate) that the key shares with another one on its curve; ``AlgorithmRefused`` off it."""
    if public.alg != "ES256":
        raise AlgorithmRefused("only keys on the same curve share a secret")
    private = ec.derive_private_key(int.from_bytes(base64url.decode(private_jwk["d"]), "big"), ec.SECP256R1())
    return private.exchange(ec.ECDH(), cast("ec.EllipticCurvePublicKey", public.key))


def check_recipient(jwk: Mapping[str, Any]) -> None:
    """``Malformed`` or ``AlgorithmRefused`` unless ``encrypt`` can encrypt for ``jwk``."""
    _agreement_key(jwk)


def peek_header(token: str, *, max_bytes: int = MAX_BYTES) -> Mapping[str, Any]:
    """The checked protected header of a token that is not yet decrypted; ``kid`` tells whose it is."""
    if len(token) > max_bytes:
        raise TooLarge(f"an encrypted object of more than {max_bytes} bytes")
    parts = token.split(".")
    if len(parts) != 5 or parts[1]:
        raise Malformed("a compact JWE with direct key agreement has five parts, the second one empty")
    for part in parts[2:]:
        base64url.decode(part)
    header = strict_json.load_object(base64url.decode(parts[0]), max_depth=8)
    if get_str(header, "alg") != ALG or get_str(header, "enc") not in ENCS:
        raise AlgorithmRefused("only ECDH-ES with A128GCM or A256GCM is used here", where="/alg")
    if "zip" in header or "crit" in header:
        raise Malformed("neither compression nor header extensions are understood here", where="/zip" if "zip" in header else "/crit")
    _check_ephemeral(get_object(header, "epk"))
    for name in ("apu", "apv"):
        base64url.decode(get_str(header, name, optional=True, min_length=0) or "", where=f"/{name}")
    get_str(header, "kid", optional=True)
    return MappingProxyType(header)


def generate_ephemeral() -> dict[str, str]:
    """A new private P-256 key for one response: ``kty``, ``crv``, ``x``, ``y``, ``d``, ``kid`` (its thumbprint), ``use``, ``alg``.

    The randomness is the library's own; the key lives as long as one session and is never a key of an entity.
    """
    from jwcrypto.jwk import JWK  # noqa: PLC0415 - slow to import, and few need it

    exported: dict[str, str] = JWK.generate(kty="EC", crv="P-256").export(private_key=True, as_dict=True)
    key = {name: exported[name] for name in ("kty", "crv", "x", "y", "d")}
    public = parse_public_jwk({name: key[name] for name in ("kty", "crv", "x", "y")})
    return key | {"kid": thumbprint(public), "use": "enc", "alg": ALG}


def public_half(private_jwk: Mapping[str, Any]) -> dict[str, Any]:
    """What may be published of ``generate_ephemeral``'s key."""
    return {name: value for name, value in private_jwk.items() if name != "d"}


def _check_ephemeral(epk: Mapping[str, Any]) -> None:
    """``jwcrypto`` takes every member for an instruction, ``generate`` and ``size`` too: a stranger could have us make large RSA keys."""
    check_public(epk, where="/epk")
    if not _EPHEMERAL.issuperset(epk):
        raise Malformed("the sender's key has members that no public key has", where="/epk")
    _point(epk, "/epk")


def _agreement_key(jwk: Mapping[str, Any]) -> dict[str, Any]:
    check_public(jwk)
    public = _point(jwk, "")
    if get_str(jwk, "alg", optional=True) not in (None, ALG):
        raise AlgorithmRefused("the recipient's key is for another algorithm", where="/alg")
    if get_str(jwk, "use", optional=True) not in (None, "enc"):
        raise Malformed("the recipient's key is not for encryption", where="/use")
    get_str(jwk, "kid", optional=True)
    return public


def _point(jwk: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Exactly a P-256 point: an invalid curve would leak the private key bit by bit."""
    public = {name: jwk[name] for name in ("kty", "crv", "x", "y") if name in jwk}
    if parse_public_jwk(public, where=where).alg != "ES256":
        raise Malformed("only P-256 keys are used here", where=where)
    return public
