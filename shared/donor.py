"""The donor's side of a power of attorney: what is reported to her of its use, and what she asks of the office (security rule S27).

A report is a compact JWE of exactly ``SIZE`` characters, sealed to a key that only she has, whether or not there is anything to tell: whoever
carries it reads nothing and learns nothing. It lies under a tag, the SHA-256 of a secret that only her document has, and is left with a pass
that the attorney's wallet got beside its copies, and shows to nobody but the office. Who has no wallet keeps the key as seven words on a sheet of paper.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec

from .codec import base64url, strict_json
from .codec.reader import get_bool, get_instant, get_int, get_objects, get_str
from .errors import Malformed, WrongTyp
from .jose import jwe, jwk
from .keys import PublicKey
from .sealed_link import typed

TYP: Final = "use-report+jwe"
SIZE: Final = 4_096
SECRET_BYTES: Final = 16
PASS_BYTES: Final = 16
ASKS: Final = ("hold", "reinstate", "end")
"""What a donor asks of the office that made her document: to stop what it is about for now, to let it go on, to end it."""
MOST: Final = 100
"""Uses in one report at most."""
_ENC: Final = "A256GCM"
_INSIDE: Final = 2_851  # bytes that become exactly SIZE characters
_LONGEST: Final = 200  # characters of a name, an address or a purpose
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (SEC 2 section 2.4.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One time that an attorney showed the document. ``number`` counts the uses of that document from 1, ``at`` is in seconds since the epoch.

    ``result`` is how it ended, as in a history (``success`` …), ``live`` whether it was shown there and then or as a copy made out to somebody.
    """

    number: int
    at: int
    name: str
    entity: str
    purpose: str
    result: str
    live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Told(Use):
    """A use as a donor is told of it. ``turn``: how often the attorney's wallet had been lost, or the attorney been invited anew, by then, as each
    wallet counts from 1. ``fits``: that wallet told of no other use under its number.
    """

    turn: int = 0
    fits: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """``more`` uses did not find room and come with the next report."""

    uses: tuple[Use, ...]
    more: int = 0

    def told(self, turn: int) -> list[Told]:
        """Its uses, by the attorney's wallet of that ``turn``."""
        return [Told(**asdict(use), turn=turn) for use in self.uses]


def lines(told: Iterable[Told]) -> list[Told]:
    """Each use once, by turn and number, out of all that was ``told``, oldest first: of how a copy came out that was made out to somebody the later
    word counts, as of a letter that was not delivered after all; what was shown there and then came out as it did. Where different uses, or ends of
    one, were told of under one number all stay, so that none hides another, and none fits.
    """
    uses = {replace(each, result=each.result if each.live else "", fits=True): each.result for each in told}
    numbers = Counter((each.turn, each.number) for each in uses)
    ordered = sorted(uses.items(), key=lambda one: (one[0].turn, one[0].number))
    return [replace(each, result=result, fits=numbers[each.turn, each.number] == 1) for each, result in ordered]


# --- the two halves ----------------------------------------------------------------------------------------------------------------------


def tag_of(secret: bytes) -> bytes:
    """The mark in the attorney's document for the secret in the donor's."""
    return hashlib.sha256(secret).digest()


def read_secret(text: str, *, where: str = "") -> bytes:
    """A secret as documents and requests write it; ``Malformed``."""
    secret = base64url.decode(text, where=where)
    if len(secret) != SECRET_BYTES:
        raise Malformed("a secret for reports has 128 bits", where=where)
    return secret


def read_tag(text: str, *, where: str = "") -> bytes:
    """A mark in the same way."""
    tag = base64url.decode(text, where=where)
    if len(tag) != hashlib.sha256().digest_size:
        raise Malformed("a mark for reports has 256 bits", where=where)
    return tag


def read_pass(text: str, *, where: str = "") -> bytes:
    """What an attorney's wallet leaves reports with, in the same way."""
    given = base64url.decode(text, where=where)
    if len(given) != PASS_BYTES:
        raise Malformed("a pass for reports has 128 bits", where=where)
    return given


def audience(issuer: str, ask: str) -> str:
    """For whom a donor signs what she asks of an office: nobody else, and nothing else, can be meant."""
    return f"{issuer}/holder/{ask}"


# --- keys --------------------------------------------------------------------------------------------------------------------------------


def parse_key(doc: Mapping[str, Any], *, where: str = "") -> dict[str, str]:
    """A public P-256 key for reports, and of it no more than that; ``Malformed``."""
    members = {name: get_str(doc, name, where, max_length=43) for name in ("kty", "crv", "x", "y")}
    if set(doc) != set(members) or jwk.parse_public_jwk(members, where=where).alg != "ES256":
        raise Malformed("reports are sealed to a plain P-256 key", where=where)
    return members


def public_key(private_jwk: Mapping[str, str]) -> dict[str, str]:
    """The half that the attorney's wallet seals to."""
    return {name: private_jwk[name] for name in ("kty", "crv", "x", "y")}


def key_of_words(words: str) -> dict[str, str]:
    """The private key that a printed sheet stands for, however somebody typed its words (``sealed_link.generate_words``, 91 bits)."""
    number = int.from_bytes(hashlib.sha512(b"muniment report sheet\0" + typed(words)).digest(), "big") % (_ORDER - 1) + 1
    public = PublicKey("ES256", ec.derive_private_key(number, ec.SECP256R1()).public_key())
    return {**jwk.render_jwk(public), "d": base64url.encode(number.to_bytes(32, "big"))}


# --- reports -----------------------------------------------------------------------------------------------------------------------------


def seal_report(uses: Sequence[Use], key: Mapping[str, str]) -> tuple[str, int]:
    """A report of as many of ``uses`` as find room, the first ones first, and how many those are. The randomness is the library's own."""
    count = min(len(uses), MOST)
    while len(inside := _render(uses[:count], len(uses) - count)) > _INSIDE:
        count -= 1
    return jwe.encrypt(inside.ljust(_INSIDE), key, enc=_ENC, header={"typ": TYP}), count


def check_report(token: str) -> None:
    """What a relay can tell of a report: its form and its size; ``Malformed``, ``WrongTyp``, ``AlgorithmRefused``."""
    if len(token) != SIZE:
        raise Malformed(f"a report has exactly {SIZE} characters", where="/report")
    if jwe.peek_header(token).get("typ") != TYP:
        raise WrongTyp("this is sealed for something else", where="/report")


def open_report(token: str, private_jwk: Mapping[str, str]) -> Report:
    """What was reported; errors as ``check_report``, and ``Malformed`` where it was sealed to another key."""
    check_report(token)
    doc = strict_json.load_object(jwe.decrypt(token, private_jwk).rstrip(b" "), max_depth=4)
    uses = tuple(_use(each, f"/uses/{at}") for at, each in enumerate(get_objects(doc, "uses", max_items=MOST)))
    return Report(uses=uses, more=get_int(doc, "more"))


def _render(uses: Sequence[Use], more: int) -> bytes:
    told = [
        {
            "n": each.number,
            "at": each.at,
            "name": each.name[:_LONGEST],
            "entity": each.entity[:_LONGEST],
            "purpose": each.purpose[:_LONGEST],
            "result": each.result,
            "live": each.live,
        }
        for each in uses
    ]
    return strict_json.dumps({"more": more, "uses": told})


def _use(doc: Mapping[str, Any], where: str) -> Use:
    texts = {name: get_str(doc, name, where, min_length=0, max_length=_LONGEST) for name in ("name", "entity", "purpose")}
    if not all(text.isprintable() for text in texts.values()):
        raise Malformed("only letters that can be seen", where=where)
    return Use(
        number=get_int(doc, "n", where, minimum=1),
        at=get_instant(doc, "at", where),
        result=get_str(doc, "result", where, max_length=40),
        live=get_bool(doc, "live", where),
        **texts,
    )
