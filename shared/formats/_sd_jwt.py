"""Selective Disclosure for JWTs (RFC 9901): the machinery, for any payload. The credential layer is ``sd_jwt_vc``.

Issuing: ``Redaction`` makes disclosures and digests. Receiving: ``parse_sd_jwt`` takes a compact SD-JWT or SD-JWT+KB apart,
``open_payload`` puts the disclosures back where their digests stand and refuses whatever section 7.1 refuses.
"""

from __future__ import annotations

import hashlib
from binascii import b2a_base64
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from ..clock import Entropy
from ..codec import base64url, strict_json
from ..errors import BadDisclosure, Malformed, TooLarge, WrongTyp
from ..jose.jws import Jws, parse_jws
from ..jose.jwt import Jwt, parse_jwt

MAX_BYTES = 262_144
MAX_DISCLOSURES = 500
MAX_DEPTH = 24
"""Of the opened payload: recursive disclosures may not nest deeper than a document that came in clear."""

ALGORITHMS: Mapping[str, tuple[Callable[[bytes], Any], int, bytes]] = {
    "sha-256": (hashlib.sha256, 32, bytes(1)),
    "sha-384": (hashlib.sha384, 48, b""),
    "sha-512": (hashlib.sha512, 64, bytes(2)),
}
"""Function, size and filling. Named as in the registry of RFC 6920, RFC 9901 section 4.1.1. Nothing shorter than 256 bits."""

SD: Final = "_sd"
SD_ALG: Final = "_sd_alg"
DOTS: Final = "..."

RESERVED: Final = frozenset({SD, SD_ALG, DOTS})

Path = tuple[str | int, ...]

_encode = msgspec.json.Encoder().encode
_DRAWN: Final = 12  # salts at a time
_decode_texts = msgspec.json.Decoder(list[str]).decode
_URL = bytes.maketrans(b"+/", b"-_")


def _text(data: bytes) -> bytes:
    """base64url without padding; the hot twin of ``codec.base64url.encode`` for short data."""
    return b2a_base64(data, newline=False).translate(_URL, b"=")


# --- issuing -------------------------------------------------------------------------------------------------------------------------


def _salts(entropy: Entropy) -> Iterator[str]:
    """18 bytes are 24 characters without padding, so that one call of each kind makes many salts."""
    while True:
        text = _text(entropy(18 * _DRAWN)).decode()
        for at in range(0, 24 * _DRAWN, 24):
            yield text[at : at + 24]


class Redaction:
    """Makes disclosures with fresh 144-bit salts (section 9.3 asks for 128) and remembers them in order. One a credential."""

    __slots__ = ("_salt", "_texts", "alg")

    def __init__(self, entropy: Entropy, *, alg: str = "sha-256") -> None:
        self.alg = alg
        self._texts: list[bytes] = []
        self._salt = _salts(entropy).__next__

    def _add(self, disclosures: Iterable[tuple[Any, ...]]) -> list[str]:
        texts = [b2a_base64(_encode(each), newline=False).translate(_URL, b"=") for each in disclosures]
        self._texts += texts
        return digests(self.alg, texts)

    def members(self, members: Sequence[tuple[str, Any]]) -> list[str]:
        """The digests of disclosures of an object's members, for its ``_sd`` array (section 4.2.1)."""
        salt = self._salt
        for name, _ in members:
            if name in RESERVED:
                raise Malformed("a claim cannot have this name", where=f"/{name}")
        return self._add([(salt(), name, value) for name, value in members])

    def elements(self, values: Sequence[Any]) -> list[dict[str, str]]:
        """What stands in an array in place of ``values`` (section 4.2.2)."""
        salt = self._salt
        return [{DOTS: found} for found in self._add([(salt(), value) for value in values])]

    def decoy(self) -> str:
        """A digest that no disclosure explains (section 4.2.5)."""
        return digest(self.alg, self._salt())

    @property
    def disclosures(self) -> list[str]:
        return [text.decode() for text in self._texts]

    def tail(self) -> str:
        """What follows the issuer's JWS: ``~<disclosure>~…~<disclosure>~``."""
        return b"~".join([b"", *self._texts, b""]).decode() if self._texts else "~"


def digest(alg: str, text: str) -> str:
    """base64url of the hash over one text: ``sd_hash`` (section 4.3.1), a decoy (section 4.2.5)."""
    return _text(ALGORITHMS[alg][0](text.encode()).digest()).decode()


def digests(alg: str, texts: Sequence[bytes]) -> list[str]:
    """base64url of the hash over each disclosure (section 4.2.3).

    Encoded in one go: each digest is filled up with zeros to whole groups of three bytes, which changes none of its own characters
    because unused bits are zero anyway.
    """
    hash_, size, fill = ALGORITHMS[alg]
    text = b2a_base64(b"".join([hash_(each).digest() + fill for each in texts]), newline=False).translate(_URL).decode()
    width = (size * 8 + 5) // 6
    return [text[at : at + width] for at in range(0, len(text), (size + len(fill)) * 4 // 3)]


# --- receiving -----------------------------------------------------------------------------------------------------------------------


Disclosure = tuple[str, str | None, Any]
"""Text as received, name (``None`` for an array element), value. A bare tuple, because one is made for each of them."""


class SdJwt(NamedTuple):
    """Structure only. ``presented`` is what ``sd_hash`` covers: everything up to and with the last tilde before the binding."""

    jws: Jws
    payload: Mapping[str, Any]
    alg: str
    disclosures: tuple[Disclosure, ...]
    presented: str
    binding: Jwt | None


def parse_sd_jwt(wire: str, *, typ: str | None = None) -> SdJwt:
    """Compact serialisation, section 4: ``<issuer JWS>~<disclosure>~…~<disclosure>~[<KB-JWT>]``.

    Where a ``typ`` is demanded, another one is ``WrongTyp`` before anything else is read (security rule S1).
    """
    if len(wire) > MAX_BYTES:
        raise TooLarge(f"an SD-JWT of more than {MAX_BYTES} bytes")
    token, tilde, rest = wire.partition("~")
    if not tilde:
        raise Malformed("an SD-JWT has a tilde after each of its parts")
    *texts, binding = rest.split("~")
    presented = wire[: len(wire) - len(binding)] if binding else wire
    return assemble(token, texts, presented, binding, typ=typ)


def assemble(token: str, texts: Sequence[str], presented: str, binding: str, *, typ: str | None = None) -> SdJwt:
    """From the parts; ``binding`` is the empty string where there is none."""
    if len(texts) > MAX_DISCLOSURES:
        raise TooLarge(f"more than {MAX_DISCLOSURES} disclosures")
    jws = parse_jws(token, max_bytes=MAX_BYTES)
    if typ is not None and jws.typ != typ:
        raise WrongTyp("this signed object is of another kind")
    payload = strict_json.load_unmeasured(jws.payload)  # ``open_payload`` walks it
    alg = payload.get(SD_ALG, "sha-256")
    if type(alg) is not str or alg not in ALGORITHMS:
        raise Malformed("this hash algorithm is not known here", where=f"/{SD_ALG}")
    disclosures = _parse_disclosures(texts)
    return SdJwt(jws, payload, alg, disclosures, presented, parse_jwt(binding, max_bytes=MAX_BYTES) if binding else None)


def _parse_disclosures(texts: Sequence[str]) -> tuple[Disclosure, ...]:
    """Sections 4.2.1 and 4.2.2: ``[salt, name, value]`` or ``[salt, value]``."""
    parsed: list[Disclosure] = []
    try:
        for text in texts:
            raw = base64url.decode(text)
            # The usual disclosure is an array of texts: nothing in it can repeat, nest or lose digits, so that one pass is enough.
            try:
                value: Any = _decode_texts(raw)
            except ValueError:
                value = strict_json.loads(raw, max_depth=MAX_DEPTH)
                if type(value) is not list or not value or type(value[0]) is not str:
                    raise Malformed("a disclosure is an array that begins with its salt") from None
            if len(value) == 3 and type(value[1]) is str:
                parsed.append((text, value[1], value[2]))
            elif len(value) == 2:
                parsed.append((text, None, value[1]))
            else:
                raise Malformed("a disclosure has a salt, a name and a value, or a salt and a value")
    except Malformed as error:
        raise error.within(f"/disclosures/{len(parsed)}") from error.__cause__
    return tuple(parsed)


class Opened(NamedTuple):
    """The processed payload (section 7.1 step 3).

    ``paths`` and ``parents`` run along the disclosures: where each one landed in ``document``, and inside which other disclosure
    (-1: none). ``leaves`` are the paths of leaves that came through a disclosure. ``unexplained`` counts digests without one.
    """

    document: dict[str, Any]
    paths: tuple[Path, ...]
    parents: tuple[int, ...]
    leaves: tuple[Path, ...]
    unexplained: int


def open_payload(sd_jwt: SdJwt, plain: Collection[str] = ()) -> Opened:
    """``BadDisclosure`` for all that section 7.1 refuses; ``Malformed`` for a payload that uses the reserved names otherwise.

    ``plain`` names objects at the top that the caller has seen to hold no more than strings and small numbers.
    """
    opener = _Opener(sd_jwt.disclosures, sd_jwt.alg)
    document = opener.open_object(sd_jwt.payload, (), -1, plain)
    document.pop(SD_ALG, None)
    if opener.waiting:
        raise BadDisclosure("a disclosure belongs to no digest", where=f"/disclosures/{min(opener.waiting.values())}")
    digests = opener.digests
    if len(set(digests)) != len(digests):
        raise BadDisclosure("a digest is there twice")
    unexplained = len(digests) - len(sd_jwt.disclosures)
    return Opened(document, tuple(opener.paths), tuple(opener.parents), tuple(opener.leaves), unexplained)


_NO_DIGESTS: Final = ()


class _Opener:
    __slots__ = ("digests", "disclosures", "leaves", "parents", "paths", "waiting")

    def __init__(self, disclosures: Sequence[Disclosure], alg: str) -> None:
        count = len(disclosures)
        self.disclosures = disclosures
        self.waiting = dict(zip(digests(alg, [text.encode() for text, _, _ in disclosures]), range(count), strict=True))
        if len(self.waiting) != count:
            raise BadDisclosure("a disclosure is there twice", where="/disclosures")
        self.digests: list[str] = []
        self.paths: list[Path] = [()] * count
        self.parents = [-1] * count
        self.leaves: list[Path] = []

    def open_object(self, node: Mapping[str, Any], path: Path, owner: int, plain: Collection[str] = ()) -> dict[str, Any]:
        if len(path) >= MAX_DEPTH:
            raise TooLarge("disclosures are nested too deeply", where=_pointer(path))
        out = dict(node)
        digests = out.pop(SD, _NO_DIGESTS)
        if DOTS in out or (SD_ALG in out and path):
            raise Malformed("a reserved name is used as the name of a claim", where=_pointer(path))
        for name, value in out.items():
            kind = type(value)
            if kind is dict:
                if name not in plain:
                    out[name] = self.open_object(value, (*path, name), owner)
            elif kind is list:
                out[name] = self.open_array(value, (*path, name), owner)
            else:
                if kind is int:
                    _check_integer(value)
                if owner >= 0:
                    self.leaves.append((*path, name))
        if digests is not _NO_DIGESTS:
            self.open_members(digests, out, path, owner)
        return out

    def open_members(self, digests: Any, out: dict[str, Any], path: Path, owner: int) -> None:
        if type(digests) is not list:
            raise Malformed("digests stand in an array", where=_pointer((*path, SD)))
        waiting = self.waiting
        for found in digests:
            if type(found) is not str:
                raise Malformed("a digest is a string", where=_pointer((*path, SD)))
            if found in waiting:
                self.open_member(waiting.pop(found), out, path, owner)
        self.digests += digests

    def open_member(self, at: int, out: dict[str, Any], path: Path, owner: int) -> None:
        _, name, value = self.disclosures[at]
        if name is None:
            raise BadDisclosure("the disclosure of an array element stands for a member", where=f"/disclosures/{at}")
        if name in RESERVED:
            raise BadDisclosure("a disclosed claim has a forbidden name", where=f"/disclosures/{at}")
        if name in out:
            raise BadDisclosure("a disclosed claim is there already", where=f"/disclosures/{at}")
        out[name] = self.place(value, (*path, name), at, owner)

    def open_array(self, node: Sequence[Any], path: Path, owner: int) -> list[Any]:
        if len(path) >= MAX_DEPTH:
            raise TooLarge("disclosures are nested too deeply", where=_pointer(path))
        out: list[Any] = []
        for value in node:
            kind = type(value)
            if kind is dict and DOTS in value:
                self.open_element(value, out, path, owner)
            elif kind is dict:
                out.append(self.open_object(value, (*path, len(out)), owner))
            elif kind is list:
                out.append(self.open_array(value, (*path, len(out)), owner))
            else:
                if kind is int:
                    _check_integer(value)
                if owner >= 0:
                    self.leaves.append((*path, len(out)))
                out.append(value)
        return out

    def open_element(self, node: Mapping[str, Any], out: list[Any], path: Path, owner: int) -> None:
        found = node[DOTS]
        if len(node) != 1 or type(found) is not str:
            raise Malformed("a hidden element is its digest, a string, and nothing else", where=_pointer((*path, len(out))))
        self.digests.append(found)
        at = self.waiting.pop(found, -1)
        if at < 0:
            return
        _, name, value = self.disclosures[at]
        if name is not None:
            raise BadDisclosure("the disclosure of a member stands for an array element", where=f"/disclosures/{at}")
        out.append(self.place(value, (*path, len(out)), at, owner))

    def place(self, value: Any, path: Path, at: int, owner: int) -> Any:
        self.paths[at] = path
        self.parents[at] = owner
        kind = type(value)
        opened: Any = value
        if kind is dict:
            opened = self.open_object(value, path, at)
        elif kind is list:
            opened = self.open_array(value, path, at)
        if opened is value or not opened:
            self.leaves.append(path)
        return opened


def _check_integer(value: int) -> None:
    if not -strict_json.MAX_INTEGER <= value <= strict_json.MAX_INTEGER:
        raise Malformed("an integer is too large to be read alike by all programs")


def _pointer(path: Path) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
