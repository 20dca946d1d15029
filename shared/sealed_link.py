"""Locked links: a copy made out to one body, sealed for it so that it can lie in a mailbox or on anybody's server (security rule S28).

A link is a compact JWE (RFC 7516): ECDH-ES to the body's registered key where there is one, else PBES2-HS512+A256KW with seven words that
were generated for it, told by another way. Its header says nothing of holder, body or document, its size goes in doublings. What is inside
says for whom and until when, but only the copy itself is signed: whoever opens a link can read it, and still has to check that copy.

``cryptography`` does the arithmetic of PBES2 and AES. ``jwcrypto`` would take its randomness from elsewhere and refuses so many rounds, as
its limit is one for the whole process; a test holds the two against each other.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from . import addressed
from .addressed import AddressedPresentation
from .clock import Entropy
from .codec import base64url, strict_json
from .codec.padding import pad
from .codec.reader import get_instant, get_int, get_object, get_objects, get_str
from .credentials import Text
from .errors import AlgorithmRefused, Expired, Malformed, TooLarge, WrongAudience, WrongTyp
from .jose import jwe

TYP: Final = "sealed-link+jwe"
ALG: Final = "PBES2-HS512+A256KW"
ENC: Final = "A256GCM"
ROUNDS: Final = 600_000
"""Of PBKDF2 (``p2c``); what comes with fewer, or with more than twice as many, is refused before any is done."""
MAX_ROUNDS: Final = 1_200_000
WORDS: Final = 7
WORD_BITS: Final = 13
MAX_FILE: Final = 12_500_000
"""Bytes of a saved page with its link."""
_MAX_LINK: Final = 12_000_000  # characters
_SMALLEST, _LARGEST = 8_192, 8_388_608  # bytes inside
_MAX_DETAILS = 400
_MAX_TYPED = 400  # characters; what people type beyond that is none of the words
_FIRST, _MIDDLE = "bdglmrst", "aeio"
_SHAPE = re.compile(f"([{_FIRST}][{_MIDDLE}][{_FIRST}][{_MIDDLE}][{_FIRST}]){{{WORDS}}}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){4}")
_IN_PAGE = re.compile(rb'<script type="application/jose" id="sealed">\s*([A-Za-z0-9_.-]+)\s*</script>')
_WORDS_MEMBERS = frozenset({"typ", "alg", "enc", "p2s", "p2c"})
_MADE_FOR = "made for "
_SHUT = "these words do not open it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One line of what the copy shows, in plain words."""

    label: Text
    value: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What is inside. ``name`` is that of the body, ``until`` in seconds since the epoch; all but ``copy`` is only said by whoever made it."""

    name: str
    until: int
    title: Text
    purpose: Text
    copy: AddressedPresentation = field(repr=False)
    details: tuple[Detail, ...] = field(default=(), repr=False)

    @property
    def entity(self) -> str:
        """Whose copy it is."""
        return self.copy.aud.removeprefix("a:")


# --- words -------------------------------------------------------------------------------------------------------------------------------


def generate_words(entropy: Entropy) -> str:
    """Seven words of 13 random bits each (91 in all), such as ``badol-terim-…``, that English and Welsh people can say and spell.

    Each is consonant, vowel, consonant, vowel, consonant of eight and four letters that sound alike in both languages.
    """
    number = int.from_bytes(entropy(12), "big")
    return "-".join(_word(number >> (WORD_BITS * place) & (2**WORD_BITS - 1)) for place in range(WORDS))


def _word(bits: int) -> str:
    pieces = (_FIRST[bits >> 10], _MIDDLE[bits >> 8 & 3], _FIRST[bits >> 5 & 7], _MIDDLE[bits >> 3 & 3], _FIRST[bits & 7])
    return "".join(pieces)


def typed(words: str) -> bytes:
    """What the key is made of, however somebody typed it: capitals, spaces, hyphens and full stops make no difference."""
    return "".join(letter for letter in words[:_MAX_TYPED].lower() if "a" <= letter <= "z").encode()


# --- sealing -----------------------------------------------------------------------------------------------------------------------------


def seal(link: Link, words: str, *, entropy: Entropy) -> str:
    """The link, for whoever has ``words``, which ``generate_words`` made: ``Malformed`` for others, ``TooLarge`` for too much inside."""
    password = typed(words)
    if not _SHAPE.fullmatch(password.decode()):
        raise Malformed("the words of a link are generated, never chosen", where="words")
    salt, key, nonce = entropy(16), entropy(32), entropy(12)
    header = {"typ": TYP, "alg": ALG, "enc": ENC, "p2s": base64url.encode(salt), "p2c": ROUNDS}
    protected = base64url.encode(strict_json.dumps(header))
    sealed = AESGCM(key).encrypt(nonce, _render(link), protected.encode())
    wrapped = aes_key_wrap(_wrapping_key(password, salt, ROUNDS), key)
    return ".".join((protected, *map(base64url.encode, (wrapped, nonce, sealed[:-16], sealed[-16:]))))


def seal_for(link: Link, recipient_jwk: Mapping[str, Any]) -> str:
    """The link, for the holder of a registered key alone. The randomness is the library's own."""
    public = {name: value for name, value in recipient_jwk.items() if name != "kid"}  # its name would say whose key it is
    return jwe.encrypt(_render(link), public, enc=ENC, header={"typ": TYP})


def _wrapping_key(password: bytes, salt: bytes, rounds: int) -> bytes:
    """RFC 7518 section 4.8.1.1."""
    return hashlib.pbkdf2_hmac("sha512", password, ALG.encode() + b"\0" + salt, rounds, 32)


def _render(link: Link) -> bytes:
    content = {
        "name": link.name,
        "until": link.until,
        "title": _pair(link.title),
        "purpose": _pair(link.purpose),
        "details": [{"label": _pair(each.label), "value": _pair(each.value)} for each in link.details],
        "copy": addressed.render_file(link.copy).decode(),
    }
    return pad(strict_json.dumps(content), smallest=_SMALLEST, largest=_LARGEST, what="this copy shows too much for a locked link")


def _pair(text: Text) -> dict[str, str]:
    return {"en": text.en, "cy": text.cy}


# --- opening -----------------------------------------------------------------------------------------------------------------------------


def find(data: bytes | str) -> str | None:
    """The link in a saved page, behind an address's ``#``, or as it is; ``None`` where there is none. Nothing of it is checked."""
    raw = data.encode("utf-8", "replace") if isinstance(data, str) else data
    if len(raw) > MAX_FILE:
        return None
    page = _IN_PAGE.search(raw)
    text = (page.group(1) if page else raw.strip()).decode("latin-1")
    token = text.rpartition("#")[2] if text.startswith(("https://", "http://", "file://")) else text
    return token if _TOKEN.fullmatch(token) else None


def needs_words(token: str) -> bool:
    """Whether words open it, and not a registered key. ``Malformed``, ``TooLarge``, ``WrongTyp`` or ``AlgorithmRefused`` for no link at all."""
    return get_str(_header(token), "alg") == ALG


def open_with_words(token: str, words: str) -> Link:
    """What is inside; ``Malformed`` where the words do not fit, which takes as long as if they did and says no more.

    Who may rely on it is asked by ``check``. Takes about half a second of one processor.
    """
    header = _header(token)
    if header["alg"] != ALG:
        raise AlgorithmRefused("this was sealed for a registered key, not with words", where="/alg")
    protected, *parts = token.split(".")
    wrapped, nonce, sealed, tag = (base64url.decode(part) for part in parts)
    outer = _wrapping_key(typed(words), base64url.decode(header["p2s"]), header["p2c"])
    try:
        inside = AESGCM(aes_key_unwrap(outer, wrapped)).decrypt(nonce, sealed + tag, protected.encode())
    except (InvalidUnwrap, InvalidTag) as error:
        raise Malformed(_SHUT, where="words") from error
    return _parse(inside)


def open_with_key(token: str, private_jwk: Mapping[str, Any]) -> Link:
    """What is inside a link that was sealed for this key; ``Malformed`` where it was sealed for another."""
    if _header(token)["alg"] == ALG:
        raise AlgorithmRefused("this was sealed with words, not for a registered key", where="/alg")
    return _parse(jwe.decrypt(token, private_jwk, max_bytes=_MAX_LINK))


def check(link: Link, *, entity: str, at: int) -> None:
    """``WrongAudience``, which names the body that it was made for, or ``Expired``: before anything of it is shown or believed."""
    if link.entity != entity:
        raise WrongAudience(f"{_MADE_FOR}{link.name}", where="/aud")
    if link.until <= at:
        raise Expired("this link is past its end", where="/until")


def made_for(detail: str) -> str:
    """The name in what such a ``WrongAudience`` says, empty where it names nobody."""
    return detail.removeprefix(_MADE_FOR) if detail.startswith(_MADE_FOR) else ""


def _header(token: str) -> Mapping[str, Any]:
    if len(token) > _MAX_LINK:
        raise TooLarge("a link of this size was never made")
    if not _TOKEN.fullmatch(token):
        raise Malformed("this is no locked link")
    protected, *parts = token.split(".")
    header = strict_json.load_object(base64url.decode(protected), max_bytes=4_096, max_depth=4)
    if get_str(header, "typ") != TYP:
        raise WrongTyp("this is sealed for something else", where="/typ")
    if get_str(header, "alg") == jwe.ALG:
        return jwe.peek_header(token, max_bytes=_MAX_LINK)
    if header["alg"] != ALG or get_str(header, "enc") != ENC:
        raise AlgorithmRefused(f"only {ALG} and {jwe.ALG} with {ENC} are used here", where="/alg")
    if not _WORDS_MEMBERS.issuperset(header):
        raise Malformed("this header says more than a link's may")
    get_int(header, "p2c", minimum=ROUNDS, maximum=MAX_ROUNDS)
    sizes = [len(base64url.decode(part)) for part in (get_str(header, "p2s", max_length=86), *parts)]
    if not 16 <= sizes[0] <= 64 or sizes[1:3] != [40, 12] or sizes[3] > _LARGEST or sizes[4] != 16:
        raise Malformed("a part of this link has a length that none has")
    return header


def _parse(inside: bytes) -> Link:
    doc = strict_json.load_object(inside.rstrip(b" "), max_bytes=_LARGEST, max_depth=8)
    details = get_objects(doc, "details", max_items=_MAX_DETAILS)
    name = get_str(doc, "name", max_length=400)
    if not name.isprintable():
        raise Malformed("a name has only letters that can be seen", where="/name")
    return Link(
        name=name,
        until=get_instant(doc, "until"),
        title=_text(doc, "title"),
        purpose=_text(doc, "purpose"),
        details=tuple(Detail(label=_text(each, "label", f"/details/{place}"), value=_text(each, "value", f"/details/{place}")) for place, each in enumerate(details)),
        copy=addressed.parse_file(get_str(doc, "copy", max_length=addressed.MAX_FILE)),
    )  # fmt: skip


def _text(doc: Mapping[str, Any], name: str, where: str = "") -> Text:
    pair = get_object(doc, name, where)
    within = f"{where}/{name}"
    return Text(get_str(pair, "en", within, min_length=0, max_length=10_000), get_str(pair, "cy", within, min_length=0, max_length=10_000))
