"""Locked links: a copy made out to one body, sealed for it so that it can lie in a mailbox or on anybody's server (security rule S28).

A link is a compact JWE (RFC 7516): ECDH-ES to the body's registered key where there is one, else PBES2-HS512+A256KW with seven words that
were generated for it, told by another way. Its size goes in doublings, and its header says nothing of holder or document; of the body it says
nothing where words open it, else which key and for whom (docs/adr/0016-locked-to-a-key.md). What is inside says for whom and until when, but
only the copy itself is signed: whoever opens a link can read it, and still has to check that copy.

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
from .inbox import Inbox, check_key
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
_MAX_NAME = 200  # characters, on the outside
_MAX_TYPED = 400  # characters; what people type beyond that is none of the words
_FIRST, _MIDDLE = "bdglmrst", "aeio"
_SHAPE = re.compile(f"([{_FIRST}][{_MIDDLE}][{_FIRST}][{_MIDDLE}][{_FIRST}]){{{WORDS}}}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){4}")
_IN_PAGE = re.compile(rb'<script type="application/jose" id="sealed">\s*([A-Za-z0-9_.-]+)\s*</script>')
_WORDS_MEMBERS = frozenset({"typ", "alg", "enc", "p2s", "p2c"})
_NAME, _NAME_CY = "name", "name#cy"
"""The Welsh name stands beside the other where it is a different one; the tag is that of OpenID Connect Core section 5.2."""
_KEY_MEMBERS = frozenset({"typ", "alg", "enc", "epk", "kid", "aud", _NAME, _NAME_CY})
"""``aud`` as RFC 7519 section 5.3 lets it stand outside."""
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

    name: Text
    until: int
    title: Text
    purpose: Text
    copy: AddressedPresentation = field(repr=False)
    details: tuple[Detail, ...] = field(default=(), repr=False)

    @property
    def entity(self) -> str:
        """Whose copy it is."""
        return self.copy.aud.removeprefix("a:")


@dataclass(frozen=True, slots=True)
class Addressee:
    """For whom a link was locked to a key, as stands on it in clear: identifier, name, and the key's thumbprint (RFC 7638)."""

    entity: str
    name: Text
    kid: str


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


def seal_for(link: Link, inbox: Inbox) -> str:
    """The link, for whoever holds the registered key of ``inbox`` alone. ``TooLarge`` for too much inside; the randomness is the library's own."""
    outside = {"typ": TYP, "aud": link.entity, **_named(link.name)}
    _addressee({**outside, "kid": inbox.kid})
    return jwe.encrypt(_render(link), {**check_key(inbox.key), "kid": inbox.kid}, enc=ENC, header=outside)


def _wrapping_key(password: bytes, salt: bytes, rounds: int) -> bytes:
    """RFC 7518 section 4.8.1.1."""
    return hashlib.pbkdf2_hmac("sha512", password, ALG.encode() + b"\0" + salt, rounds, 32)


def _render(link: Link) -> bytes:
    content = {
        **_named(link.name),
        "until": link.until,
        "title": _pair(link.title),
        "purpose": _pair(link.purpose),
        "details": [{"label": _pair(each.label), "value": _pair(each.value)} for each in link.details],
        "copy": addressed.render_file(link.copy).decode(),
    }
    return pad(strict_json.dumps(content), smallest=_SMALLEST, largest=_LARGEST, what="this copy shows too much for a locked link")


def _named(name: Text) -> dict[str, str]:
    """A Welsh name that is too long or has letters that nobody can see stays away: no reader would open what carries it."""
    fit = name.cy != name.en and name.cy.isprintable() and 0 < len(name.cy) <= _MAX_NAME
    return {_NAME: name.en} | ({_NAME_CY: name.cy} if fit else {})


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


def peek_addressee(token: str) -> Addressee | None:
    """For whom it says that it is, whose key alone opens it; ``None`` where words do, which tells nothing.

    ``Malformed``, ``TooLarge``, ``WrongTyp`` or ``AlgorithmRefused`` for no link at all.
    """
    header = _header(token)
    return None if header["alg"] == ALG else _addressee(header)


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
    """What is inside a link that was sealed for this key; ``Malformed`` where it was sealed for another, or says so on its outside."""
    header = _header(token)
    if header["alg"] == ALG:
        raise AlgorithmRefused("this was sealed with words, not for a registered key", where="/alg")
    outside, link = _addressee(header), _parse(jwe.decrypt(token, private_jwk, max_bytes=_MAX_LINK))
    if (outside.entity, outside.name) != (link.entity, link.name):
        raise Malformed("this says on its outside that it is for somebody else than inside", where="/aud")
    return link


def check_addressee(addressee: Addressee, *, entity: str) -> None:
    """``WrongAudience`` as in ``check``, by what stands on the outside: before any key is tried."""
    if addressee.entity != entity:
        raise WrongAudience(f"{_MADE_FOR}{addressee.name.en}", where="/aud")


def check(link: Link, *, entity: str, at: int) -> None:
    """``WrongAudience``, which names the body that it was made for, or ``Expired``: before anything of it is shown or believed."""
    if link.entity != entity:
        raise WrongAudience(f"{_MADE_FOR}{link.name.en}", where="/aud")
    if link.until <= at:
        raise Expired("this link is past its end", where="/until")


def made_for(detail: str) -> str:
    """The name in what such a ``WrongAudience`` says, empty where it names nobody."""
    return detail.removeprefix(_MADE_FOR) if detail.startswith(_MADE_FOR) else ""


def _header(token: str) -> Mapping[str, Any]:
    """The whole form of a link, but what is sealed in it. No point is computed and no round done for anything else."""
    if len(token) > _MAX_LINK:
        raise TooLarge("a link of this size was never made")
    if not _TOKEN.fullmatch(token):
        raise Malformed("this is no locked link")
    protected, *parts = token.split(".")
    header = strict_json.load_object(base64url.decode(protected), max_bytes=4_096, max_depth=4)
    if get_str(header, "typ") != TYP:
        raise WrongTyp("this is sealed for something else", where="/typ")
    alg = get_str(header, "alg")
    if alg not in {ALG, jwe.ALG} or get_str(header, "enc") != ENC:
        raise AlgorithmRefused(f"only {ALG} and {jwe.ALG} with {ENC} are used here", where="/alg")
    if header.keys() - (_WORDS_MEMBERS if alg == ALG else _KEY_MEMBERS):
        raise Malformed("this header says more than a link's may")
    sizes = [len(base64url.decode(part)) for part in parts]
    if sizes[:2] != [40 if alg == ALG else 0, 12] or sizes[2] > _LARGEST or sizes[3] != 16:
        raise Malformed("a part of this link has a length that none has")
    if alg == ALG:
        _check_rounds(header)
    else:
        jwe.peek_header(token, max_bytes=_MAX_LINK)
        _addressee(header)
    return header


def _check_rounds(header: Mapping[str, Any]) -> None:
    get_int(header, "p2c", minimum=ROUNDS, maximum=MAX_ROUNDS)
    if not 16 <= len(base64url.decode(get_str(header, "p2s", max_length=86))) <= 64:
        raise Malformed("a part of this link has a length that none has", where="/p2s")


def _addressee(header: Mapping[str, Any]) -> Addressee:
    return Addressee(get_str(header, "aud", max_length=2_000), _name(header, _MAX_NAME), get_str(header, "kid", max_length=43))


def _name(doc: Mapping[str, Any], most: int) -> Text:
    en = get_str(doc, _NAME, max_length=most)
    cy = get_str(doc, _NAME_CY, max_length=most) if _NAME_CY in doc else en
    if not (en.isprintable() and cy.isprintable()):
        raise Malformed("a name has only letters that can be seen", where="/name")
    return Text(en, cy)


def _parse(inside: bytes) -> Link:
    doc = strict_json.load_object(inside.rstrip(b" "), max_bytes=_LARGEST, max_depth=8)
    details = get_objects(doc, "details", max_items=_MAX_DETAILS)
    return Link(
        name=_name(doc, 400),
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
