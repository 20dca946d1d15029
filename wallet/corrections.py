"""The holder says that a detail is wrong: a sealed ticket to whoever made the document, and its signed answer (ADR 0012, domain rule R8).

The ticket is made and kept before it is sent, and the same one is sent again until it arrived. While the wallet is open it asks by the clock what
became of it. Whom the wrong detail was shown stays here: ``wallet.resend`` offers to tell them once the document was replaced.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

import msgspec

from shared import addressed, corrections
from shared.addressed import AddressedPresentation
from shared.clock import DAY
from shared.codec import base64url, strict_json
from shared.codec.reader import get_str
from shared.corrections import MAX_ANSWER, PURPOSE, Answer, Ticket, check_words, make_binding, seal_ticket
from shared.credentials import DISPUTED, ClaimPath, CredentialType
from shared.credentials._derive import GROUPED_FORMAT, path_in, whole_groups
from shared.errors import Conflict, Missing, Unavailable, VcError
from shared.flow import Fetch
from shared.formats import Parsed, formats
from shared.inbox import MEDIA_TYPE, TICKET
from shared.storage import Tx
from shared.urls import check_https
from wallet import history
from wallet.cards import PREFERRED, Line, lines, type_of
from wallet.choose import pick_copy
from wallet.clients import metadata_of
from wallet.entries import ClaimNames
from wallet.holding import sign_presentation
from wallet.keep import Vault
from wallet.means import Means
from wallet.present import mark_used
from wallet.records import COPIES, CORRECTIONS, DOCUMENTS, Item
from wallet.said_wrong import Correction
from wallet.sessions import Copy, CopyLine, Document
from wallet.share import path_of

FORMATS: Final = (PREFERRED, "vc+sd-jwt", GROUPED_FORMAT)
"""Those in which a detail can be shown by itself to somebody by name, in the order of what else they show."""
RETRY: Final = 600  # seconds
ASK_EVERY: Final = 3_600  # seconds; each ticket by itself, from when it was taken
PATIENCE: Final = 56 * DAY
"""For how long after the promised day, or after it was said where nobody took it, the office is still asked."""
MOST_WAITING: Final = 5  # of one document, as at the office
log = logging.getLogger("muniment.wallet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What the office would be shown: the detail, and what no copy can leave out."""

    detail: Line
    shown: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    copy: Copy
    line: CopyLine
    presented: Parsed


# --- to say it ---------------------------------------------------------------------------------------------------------------------------


async def preview(means: Means, vault: Vault, document: str, key: str, *, locale: str = "en") -> Preview:
    """Before anything is made. ``Missing`` for a detail that the document does not have, ``Conflict`` where no copy is left."""

    async def read(tx: Tx) -> Preview:
        item = await DOCUMENTS.get(tx, vault, document)
        detail = _line(item.value, key, locale)
        chosen = await _choose(tx, vault, item.value, key, at=means.clock())
        claims = formats()[chosen.line.format].peek(chosen.presented).claims
        return Preview(detail=detail, shown=tuple(lines(type_of(item.value), claims, locale)))

    return await means.storage.read(read)


async def say_wrong(means: Means, vault: Vault, document: str, key: str, words: str) -> Item[Correction]:
    """Tell the office that made ``document`` that the detail ``key`` (``Line.key``) is wrong, in the holder's ``words``.

    The same said again before it is answered is the same message: it was sent twice, or nobody heard that it was kept. ``Malformed`` for no words,
    ``Missing`` for no such detail, ``Conflict`` where no copy is left, the office takes no such messages, or too many wait. An office that does not
    answer gets the ticket later.
    """
    words = words.replace("\r\n", "\n").strip()
    check_words(words)
    async with means.locks.of(f"{vault.wallet}/wrong/{document}"):
        waiting = [one for one in await of_document(means, vault, document) if not one.value.final]
        same = next((one for one in waiting if (one.value.key, one.value.words) == (key, words)), None)
        return await _tend(means, vault, same or await _made(means, vault, document, key, words))


async def _made(means: Means, vault: Vault, document: str, key: str, words: str) -> Item[Correction]:
    """The ticket, in the wallet and not sent yet."""
    item = await means.storage.read(lambda tx: DOCUMENTS.get(tx, vault, document))
    _line(item.value, key, "en")
    server = item.value.renewal.server if item.value.renewal is not None else ""
    about = (await metadata_of(means, item.value.issuer, server)).issuer
    if about.correction_endpoint is None or about.request_encryption is None:
        raise Conflict("this office takes no such messages: turn to it in another way")
    at, ticket = means.clock(), means.entropy(TICKET)
    chosen = await means.storage.write(lambda tx: _spend(tx, means, vault, item.value, key, at=at), point="dispute")
    name = name_of(key)
    binding = make_binding(issuer=item.value.issuer, ticket=ticket, detail=name, words=words, at=at, entropy=means.entropy)
    wire = await sign_presentation(chosen.copy, chosen.presented, binding, at=at, entropy=means.entropy)
    copy = AddressedPresentation(format=chosen.line.format, aud=binding.audience, purpose_id=PURPOSE, vp_token={"wrong": (wire,)})
    sealed = seal_ticket(Ticket(addressed.render_file(copy).decode(), ticket, name, words), about.request_encryption.keys[0])
    made = Correction(
        at=at,
        document=document,
        issuer=item.value.issuer,
        issuer_name=item.value.issuer_name,
        detail=name,
        key=key,
        words=words,
        endpoint=about.correction_endpoint,
        ticket=ticket,
        sealed=sealed,
        digest=corrections.digest(sealed),
        next_at=at,
    )
    return await _keep(means, vault, made, item.value, chosen)


async def _spend(tx: Tx, means: Means, vault: Vault, document: Document, key: str, *, at: int) -> _Chosen:
    open_ones = [one for one in await CORRECTIONS.all(tx, vault) if one.value.document == document.id and not one.value.final]
    if len(open_ones) >= MOST_WAITING:
        raise Conflict("you have said several details of this document to be wrong: wait for the answers")
    chosen = await _choose(tx, vault, document, key, at=at)
    await mark_used(tx, means, vault, document=document.id, copy=chosen.line.id, party=document.issuer, name=document.issuer_name, at=at)
    return chosen


async def _choose(tx: Tx, vault: Vault, document: Document, key: str, *, at: int) -> _Chosen:
    """A copy that nobody but the office has seen, with nothing that can be left out but the detail."""
    kind = type_of(document)
    for name in FORMATS:
        line = pick_copy(document, name, document.issuer, at)
        if line is None:
            continue
        copy = (await COPIES.get(tx, vault, line.id)).value
        form = formats()[name]
        return _Chosen(copy=copy, line=line, presented=form.disclose(form.parse(copy.wire), _paths(kind, path_of(key), name)))
    raise Conflict("there is no copy left for this; new ones come by themselves, or ask for them on the document's page")


def _paths(kind: CredentialType, path: ClaimPath, format_name: str) -> list[ClaimPath]:
    if format_name == GROUPED_FORMAT:
        return list(whole_groups(kind, [path]))
    return [path_in(kind, path, format_name)]


async def _keep(means: Means, vault: Vault, made: Correction, document: Document, chosen: _Chosen) -> Item[Correction]:
    claims = formats()[chosen.line.format].peek(chosen.presented).claims
    shown = tuple(dict.fromkeys(one.name for one in lines(type_of(document), claims)))
    entry = history.said_wrong(document, ClaimNames(credential_identifier=document.vct, claims=shown), at=made.at)

    async def keep(tx: Tx) -> Item[Correction]:
        kept = await CORRECTIONS.put(tx, vault, ticket_name(vault, made.ticket), made, entropy=means.entropy)
        await history.append(tx, vault, entry, entropy=means.entropy)
        return kept

    return await means.storage.write(keep, point="dispute-kept")


def ticket_name(vault: Vault, ticket: bytes) -> str:
    """The opaque name of what was said with that ticket."""
    return vault.tag("correction", base64url.encode(ticket))


def is_changed(document: Document, said: Correction) -> bool:
    """Whether the document has come to say something else about that detail since; only then was anybody told what is wrong now."""
    return any(change.at >= said.at and said.detail in change.claims for change in document.changes)


# --- what becomes of it ------------------------------------------------------------------------------------------------------------------


async def of_document(means: Means, vault: Vault, document: str) -> list[Item[Correction]]:
    """What was said of it, newest first."""
    found = [one for one in await means.storage.read(lambda tx: CORRECTIONS.all(tx, vault)) if one.value.document == document]
    return sorted(found, key=lambda one: -one.value.at)


async def tend(means: Means, vault: Vault) -> None:
    """Send what could not be sent, and ask what became of the others, each at its own hour."""
    for item in await means.storage.read(lambda tx: CORRECTIONS.all(tx, vault)):
        if not item.value.final and item.value.next_at <= means.clock():
            await _tend(means, vault, item)


async def ask_now(means: Means, vault: Vault, name: str) -> Item[Correction]:
    """By the holder's own wish."""
    item = await means.storage.read(lambda tx: CORRECTIONS.get(tx, vault, name))
    return item if item.value.final else await _tend(means, vault, item)


async def _tend(means: Means, vault: Vault, item: Item[Correction]) -> Item[Correction]:
    """One try. What went wrong is noted and tried again, and no longer once the office has said that it never will do."""
    value, at = item.value, means.clock()
    try:
        token = await _post(means, value)
        answer = corrections.verify_answer(token, policy=means.trust(), entity=value.issuer, sealed=value.digest, at=at)
        after = _answered(value, answer, token, at)
    except Missing as error:
        after = msgspec.structs.replace(value, problem=error.code, state="forgotten")
    except Unavailable as error:
        log.info("a ticket: %s", error.code)
        after = msgspec.structs.replace(value, next_at=at + RETRY, problem=error.code)
    except VcError as error:
        log.info("a ticket: %s", error.code)
        refused = bool(value.sealed) and isinstance(error, Conflict)
        after = msgspec.structs.replace(value, next_at=at + ASK_EVERY, problem=error.code, state="unsent" if refused else value.state)

    if not after.final and at >= (value.answer_by or value.at) + PATIENCE:
        after = msgspec.structs.replace(after, state="unsent" if value.sealed else "forgotten")

    async def note(tx: Tx) -> Item[Correction]:
        kept = await CORRECTIONS.replace(tx, vault, item, after, entropy=means.entropy)
        document = await DOCUMENTS.find(tx, vault, value.document) if after.state in {"corrected", "ended"} else None
        if document is not None:  # the next round fetches the new copies, whether or not the list says by then that the old ones are over
            await DOCUMENTS.replace(tx, vault, document, _due(document.value, at), entropy=means.entropy)
        return kept

    return await means.storage.write(note, point="dispute-answered")


def _due(document: Document, at: int) -> Document:
    renewal = document.renewal and msgspec.structs.replace(document.renewal, at=min(document.renewal.at, at))
    return msgspec.structs.replace(document, next_check_at=at, renewal=renewal)


def _answered(value: Correction, answer: Answer, token: str, at: int) -> Correction:
    """With the newest answer; what was sent is no longer needed."""
    return msgspec.structs.replace(
        value,
        sealed="",
        state=answer.state,
        reference=answer.reference,
        answer_by=answer.answer_by,
        answered_at=answer.answered_at or 0,
        reason=answer.reason_code,
        told=answer.words,
        how_to_complain=answer.how_to_complain,
        answer=token,
        next_at=at + (ASK_EVERY if at < answer.answer_by else DAY),
        problem="",
    )


async def _post(means: Means, value: Correction) -> str:
    url = value.endpoint if value.sealed else f"{value.endpoint}/answer"
    body = value.sealed.encode() if value.sealed else strict_json.dumps({"ticket": base64url.encode(value.ticket)})
    kind = MEDIA_TYPE if value.sealed else "application/json"
    got = await means.fetch(
        Fetch(
            url=check_https(url, plain_http=means.plain_http),
            method="POST",
            headers={"content-type": kind, "accept": "application/json"},
            body=body,
            max_bytes=2 * MAX_ANSWER,
        )
    )
    if got.status == 404 and not value.sealed:
        raise Missing("the office knows nothing of it any more")
    if got.status in {400, 409, 410, 413, 415}:
        raise Conflict(f"the office refused it ({got.status})")
    if got.status != 200:
        raise Unavailable(f"the office answered {got.status}")
    return get_str(strict_json.load_object(got.body, max_bytes=2 * MAX_ANSWER), "answer", max_length=2 * MAX_ANSWER)


def name_of(key: str) -> str:
    """``powers/1`` is one of ``powers/*``."""
    return "/".join("*" if part.isdecimal() else part for part in key.split("/"))


def label_of(document: Document, detail: str, locale: str = "en") -> str:
    """The detail in the words of its kind of document."""
    claim = type_of(document).claim(tuple(None if part == "*" else part for part in detail.split("/")))
    return detail if claim is None else claim.label.in_(locale)


def _line(document: Document, key: str, locale: str) -> Line:
    found = next((one for one in lines(type_of(document), document.claims, locale) if one.key == key and key != DISPUTED), None)
    if found is None:
        raise Missing("this document has no such detail")
    return found
