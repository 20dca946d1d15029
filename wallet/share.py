"""Copies made out to one body for one purpose, to be sent, printed or handed over (security rule S8).

The copy is marked as used (``address``) before anything is signed; the finished file lies sealed in the wallet until it runs out
(``addressed``), so that its picture and its file can be fetched again.
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from shared import addressed
from shared.addressed import AddressedPresentation
from shared.clock import DAY, floor_day
from shared.codec import base64url, qr, strict_json
from shared.codec.qr import ErrorCorrection
from shared.credentials import ClaimPath, CredentialType, by_id
from shared.credentials._derive import dcql
from shared.credentials._joint import is_joint
from shared.credentials._marks import MARKS
from shared.dcql import DcqlQuery, parse_query
from shared.errors import AccessDenied, Conflict, Malformed, Missing, TooLarge
from shared.formats import Binding, formats
from shared.ovp.envelope import PRESENTATION, render_text
from shared.storage import Tx
from shared.web.dates import Dates
from wallet import history
from wallet.cards import PREFERRED, acting_for, lines, type_of
from wallet.choose import LOOK_AGAIN, Offer, find_offers, pick_copy
from wallet.entries import ClaimNames, Entry
from wallet.holding import sign_presentation
from wallet.keep import Vault
from wallet.means import Means
from wallet.present import Showing, mark_used
from wallet.records import ADDRESSED, COPIES, STATUS, Item
from wallet.sessions import Addressed, Document

DEFAULT_DAYS = 7
SMALL = "dc+sd-cwt"
"""The format whose copies make the coarser square code; taken where the document has any."""
AFTERWARDS = 30 * DAY
"""Seconds for which a copy that has run out stays, for a receipt to be held against it."""
_REFERENCE = 26  # characters of what others are told who have to agree too
_MEDIUM = 3_391  # characters in the largest code, alphanumeric, error correction M (ISO/IEC 18004 table 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to make: for whom, for what, from which document, showing what.

    ``query`` is a ready question of the type; ``claims`` are further details by key (``represented/given_name``, ``powers/*``). ``seen`` names
    what stood before a person who looked at it (``Offer.seen``), where one has, and ``told`` what it would say (``told_in``), from whichever copy. ``whole_days``: it
    ends with a day, as all others made then do (S22). ``together`` is what somebody was told by whom others have agreed with already. ``small``: as a
    coarser square code, in which the powers of a document are shown all or none; otherwise no power is shown but what is needed.
    """

    entity: str
    name: str
    purpose_id: str
    type: str = "representation"
    query: str | None = None
    claims: tuple[str, ...] = ()
    document: str | None = None
    days: int = DEFAULT_DAYS
    seen: str | None = None
    whole_days: bool = False
    told: str | None = None
    together: str = ""
    small: bool = True


def check_wish(wish: Wish) -> None:
    """``Malformed`` with the field's name."""
    parts = urlsplit(wish.entity)
    if not parts.scheme or not (parts.netloc or parts.path) or len(wish.entity) > 2_000 or not wish.entity.isascii() or " " in wish.entity:
        raise Malformed("an organisation's identifier is an address such as https://bank.example", where="to")
    if not 1 <= len(wish.purpose_id) <= 200 or not wish.purpose_id.isprintable():
        raise Malformed("say what the copy is for", where="purpose_id")
    if not 1 <= wish.days <= addressed.MAX_DAYS:
        raise Malformed(f"a copy lives between 1 and {addressed.MAX_DAYS} days", where="days")
    if wish.query is None and not wish.claims:
        raise Malformed("say what the copy is to show", where="query")
    if not _is_joint(wish) and any(path_of(key) in MARKS for key in wish.claims):
        raise Malformed("this is shown only where several people agree to the same", where="claims")
    if len(_plain(wish.together)) > addressed.MAX_TRANSACTION or not wish.together.isascii() or not wish.together.isprintable():
        raise Malformed("this is no reference that others were given", where="together")
    if wish.together and not _is_joint(wish):
        raise Malformed("nobody else has to agree to this", where="together")


async def preview(means: Means, vault: Vault, wish: Wish) -> Offer:
    """What the copy would show, before it is made. ``AccessDenied`` if nothing in the wallet fits."""
    check_wish(wish)
    return await means.storage.read(lambda tx: _find(tx, vault, wish, at=means.clock()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A finished copy that does not lie in the wallet yet; its own is spent."""

    made: Addressed
    document: Document
    binding: Binding
    vp_token: Mapping[str, Sequence[str]]

    @property
    def jti(self) -> str:
        return str(self.binding.extra["jti"])


async def make_out(means: Means, vault: Vault, wish: Wish) -> Item[Addressed]:
    """The finished copy. ``Conflict`` where several documents fit and none was named, or it would show something else than was looked at."""
    signed = await sign_out(means, vault, wish)
    return await means.storage.write(lambda tx: keep(tx, means, vault, signed), point="addressed")


async def sign_out(means: Means, vault: Vault, wish: Wish) -> Signed:
    """As ``make_out``, still to be kept (``keep``)."""
    check_wish(wish)
    at = means.clock()
    showing = await means.storage.write(lambda tx: _spend(tx, means, vault, wish, at=at), point="address")
    together = (_plain(wish.together) or _reference(means.entropy(16))) if _is_joint(wish) else None
    binding = addressed.make_binding(
        entity=wish.entity, purpose_id=wish.purpose_id, at=at, entropy=means.entropy, days=wish.days, transaction=together
    )
    ends = at + wish.days * DAY
    until = min(floor_day(ends) if wish.whole_days else ends, showing.line.expires_at)
    binding = replace(binding, extra={**binding.extra, "exp": until})
    wire = await sign_presentation(showing.copy, showing.presented, binding, at=at, entropy=means.entropy)
    staples = await means.storage.read(lambda tx: _staples(tx, vault, showing.line.status_uri))
    presentation = AddressedPresentation(
        format=showing.line.format,
        aud=binding.audience,
        purpose_id=wish.purpose_id,
        vp_token={showing.query_id: (wire,)},
        status_list_tokens=tuple(staples),
    )
    made = Addressed(
        at=at,
        entity=wish.entity,
        name=wish.name or wish.entity,
        purpose_id=wish.purpose_id,
        document=showing.document.id,
        shown=showing.shown,
        expires_at=until,
        file=addressed.render_file(presentation).decode(),
        together=together or "",
    )
    return Signed(made=made, document=showing.document, binding=binding, vp_token=presentation.vp_token)


def _is_joint(wish: Wish) -> bool:
    ready = None if wish.query is None else by_id(wish.type).query(wish.query)
    return ready is not None and is_joint(ready)


def _reference(random: bytes) -> str:
    """Small letters and digits, which can be read out and typed."""
    return b32encode(random).decode().rstrip("=").lower()


def _plain(reference: str) -> str:
    """As it was made, however it was typed: its letters stand in groups where people read it."""
    plain = "".join(reference.split())
    return plain.lower() if len(plain) == _REFERENCE and plain.isalnum() else plain


def grouped(reference: str) -> str:
    """For people."""
    return " ".join(reference[at : at + 4] for at in range(0, len(reference), 4)) if len(reference) == _REFERENCE else reference


def _query(kind: CredentialType, wish: Wish, format_name: str) -> DcqlQuery:
    """The ready question, its own optional details left out, and what was named beside it."""
    if wish.query is not None:
        asked = dcql(kind, wish.query, format_name)["credentials"][0]
        ready = kind.query(wish.query)
        asked["claims"] = asked["claims"][: len(ready.paths) if ready else None]
        asked.pop("claim_sets", None)
    else:
        asked = {"id": kind.id, "format": format_name, "meta": {"vct_values": [kind.vct]}, "claims": []}
    named = [list(path_of(key)) for key in wish.claims]
    known = [claim["path"] for claim in asked["claims"]]
    asked["claims"] += [{"path": path} for path in named if path not in known]
    return parse_query({"credentials": [asked]})


def path_of(key: str) -> ClaimPath:
    """The inverse of ``cards.key_of``."""
    return tuple(None if part == "*" else int(part) if _is_place(part) else part for part in key.split("/"))


def _is_place(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) <= 9


async def _find(tx: Tx, vault: Vault, wish: Wish, *, at: int, named: bool = False) -> Offer:
    """A copy that nobody has seen in the form that was wished for, or in the other, else what there is."""
    for form in (SMALL, PREFERRED) if wish.small else (PREFERRED, SMALL):
        with suppress(AccessDenied):
            found = await _find_in(tx, vault, wish, form, at=at, named=named)
            if found.copy is not None and not found.reused:
                return found
    return await _find_in(tx, vault, wish, PREFERRED, at=at, named=named)


async def _find_in(tx: Tx, vault: Vault, wish: Wish, format_name: str, *, at: int, named: bool) -> Offer:
    """The document that was named; else the only one, or unless one of several has to be ``named``, the newest, for a person to look at.

    ``AccessDenied`` where what was named does not answer, whether another would or none.
    """
    found = await find_offers(tx, vault, _query(by_id(wish.type), wish, format_name), wish.entity, at=at, use=wish.query or "")
    ((name, answers),) = found.parts.items()
    if named and wish.document is None and len(answers) > 1:
        raise Conflict("several documents fit this: say which")
    if wish.document is not None and wish.document not in {each.document.id for each in answers}:
        raise AccessDenied("this document does not say all that they ask for")  # as where the wallet holds no other
    return found.choose({name: wish.document or answers[0].document.id}, {})[0]


async def _spend(tx: Tx, means: Means, vault: Vault, wish: Wish, *, at: int) -> Showing:
    offer = await _find(tx, vault, wish, at=at, named=True)
    line = pick_copy(offer.document, offer.format, wish.entity, at)
    if line is None:
        raise Conflict(
            "there is no copy left for this; new ones come by themselves, or ask for them on the document's page", where="copies"
        )
    copy = (await COPIES.get(tx, vault, line.id)).value
    parsed = formats()[offer.format].parse(copy.wire)
    if wish.seen is not None and offer.seen(parsed) != wish.seen:
        raise Conflict(LOOK_AGAIN)
    presented = offer.disclose(parsed, ())
    claims = formats()[offer.format].peek(presented).claims
    await mark_used(tx, means, vault, document=offer.document.id, copy=line.id, party=wish.entity, name=wish.name or wish.entity, at=at)
    kind = type_of(offer.document)
    if wish.told is not None and told_in(kind, claims) != wish.told:
        raise Conflict(LOOK_AGAIN)
    shown = tuple(dict.fromkeys(one.name for one in lines(kind, claims)))
    return Showing(query_id=offer.query_id, document=offer.document, copy=copy, line=line, presented=presented, shown=shown, agreed=())


def told_in(kind: CredentialType, claims: Mapping[str, Any]) -> str:
    """Names what a copy says: the same for each that says the same, in whichever format."""
    return base64url.encode(sha256(strict_json.dumps(sorted(one.same for one in lines(kind, claims)))).digest())


async def _staples(tx: Tx, vault: Vault, uri: str) -> list[str]:
    """The list as it was fetched on schedule; nothing is fetched for a copy (S21)."""
    known = await STATUS.find(tx, vault, vault.tag("status list", uri))
    return [] if known is None else [known.value.token]


async def keep(
    tx: Tx, means: Means, vault: Vault, signed: Signed, *, told: Callable[[Entry], Entry] = lambda line: line
) -> Item[Addressed]:
    """The copy lies in the wallet, and the history says so, as ``told`` completes it: part of a unit of work."""
    made, document, transaction = signed.made, signed.document, signed.jti
    entry = history.addressed(
        entity=made.entity,
        name=made.name,
        purpose_id=made.purpose_id,
        presented=ClaimNames(credential_identifier=document.vct, claims=made.shown),
        document=document,
        acting_for=document.id if acting_for(type_of(document), document.claims) else "",
        transaction=transaction,
        at=made.at,
    )
    kept = await ADDRESSED.put(tx, vault, vault.tag("addressed", transaction), made, entropy=means.entropy)
    await history.append(tx, vault, told(entry), entropy=means.entropy)
    return kept


async def get_copy(means: Means, vault: Vault, name: str) -> Item[Addressed]:
    """A copy that was made before; ``Missing``, also once it has run out."""
    item = await means.storage.read(lambda tx: ADDRESSED.get(tx, vault, name))
    if item.value.expires_at <= means.clock():
        raise Missing("this copy has run out")
    return item


async def drop_run_out(means: Means, vault: Vault) -> None:
    """Copies leave the wallet once nobody can use them and no receipt is to be expected for them; the history keeps their line."""
    at = means.clock()
    over = [item.id for item in await means.storage.read(lambda tx: ADDRESSED.all(tx, vault)) if item.value.expires_at + AFTERWARDS <= at]
    if not over:
        return

    async def drop(tx: Tx) -> None:
        for name in over:
            await ADDRESSED.drop(tx, vault, name)

    await means.storage.write(drop, point="addressed-over")


def qr_of(copy: Addressed) -> tuple[str, ErrorCorrection]:
    """The text for one code and how well it bears damage: M if that fits, else L. ``TooLarge``: send the file instead.

    The issuer's list stays in the file: whoever checks has it in the checking pack, and a coarser picture is read by weaker cameras.
    """
    presentation = replace(addressed.parse_file(copy.file), status_list_tokens=())
    if presentation.format == SMALL:
        return _small_text(presentation), "M"
    try:
        return addressed.render_qr(presentation, max_length=_MEDIUM), "M"
    except TooLarge:
        return addressed.render_qr(presentation), "L"


def _small_text(presentation: AddressedPresentation) -> str:
    """The presentation alone, as a phone would show it (docs/ovp.md)."""
    ((wire,),) = presentation.vp_token.values()
    text = render_text(PRESENTATION, base64url.decode(wire))
    if len(text) > _MEDIUM:
        raise TooLarge("this copy shows too much for one QR code; send the file")
    return text


def qr_png(copy: Addressed, *, scale: int = 6) -> bytes:
    """The code as a picture; ``TooLarge``."""
    text, strength = qr_of(copy)
    return qr.png(text, ec=strength, scale=scale)


def qr_svg(copy: Addressed) -> str:
    """The code as a drawing; ``TooLarge``."""
    text, strength = qr_of(copy)
    return qr.svg(text, ec=strength)


def sentence(made: Addressed, *, name: str = "", translate: Callable[[str], str] = lambda text: text, dates: Dates | None = None) -> str:
    """What such a copy is worth, in the words of its level (1: a copy made out to somebody); ``name`` is what the reader calls them."""
    until = (dates or Dates("en", "UTC")).date(made.expires_at)
    words = translate(
        "A copy made out to {name}, until {date}. Nobody else can rely on it. It does not show who hands it over or sends it."
    )
    return words.format(name=name or made.name, date=until)


def ready_questions(documents: Sequence[Document]) -> list[dict[str, Any]]:
    """What copies can be made for, from the types at hand."""
    kinds: Collection[CredentialType] = {document.vct: type_of(document) for document in documents}.values()
    return [
        {"type": kind.id, "query": ready.id, "title": ready.title, "purpose": ready.purpose} for kind in kinds for ready in kind.queries
    ]
