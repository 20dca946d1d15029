"""What an open wallet asks of the office that made a document: why it does not count, and what a donor wants stopped (ADR 0011).

Why is asked by the mark of the document and the pass to it, by the clock. To stop something a donor shows her document to its own office with nothing disclosed,
signed by a copy's key for one address that names what is asked. One copy serves for all of it: the office made it and learns nothing by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from shared import donor
from shared.codec import strict_json
from shared.codec.reader import get_instant, get_object, get_str
from shared.credentials._reports import SECRET, TAG
from shared.errors import Conflict, Missing, Refused, Unavailable, VcError
from shared.flow import Fetch
from shared.formats import Binding, formats
from shared.openid4vci import fresh_nonce
from shared.storage import Tx
from wallet.cards import PREFERRED
from wallet.choose import pick_copy
from wallet.clients import client_of
from wallet.holding import sign_presentation
from wallet.keep import Vault
from wallet.means import Means
from wallet.records import COPIES, DOCUMENTS, Item, Shelf
from wallet.sessions import Copy, Document

MAX_ANSWER: Final = 65_536
_JSON: Final = {"accept": "application/json", "content-type": "application/json"}
_MAX_WORDS = 400


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What the office last said of a document: ``valid``, ``on-hold`` or ``cancelled``, and where it does not count why, in both languages.

    ``since`` is a day in seconds since the epoch, ``contest`` where to turn in the office's words; both may be missing (0, empty).
    """

    standing: str
    seen: str
    reason: str = ""
    words_en: str = ""
    words_cy: str = ""
    since: int = 0
    contest: str = ""


STANDINGS = Shelf("standings", Standing)
"""By the document's name."""


async def post(means: Means, url: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The office's answer. ``Missing`` where it knows nothing like this, ``Unavailable``, or a refusal in its words."""
    got = await means.fetch(Fetch(url=url, method="POST", headers=_JSON, body=strict_json.dumps(dict(body)), max_bytes=MAX_ANSWER * 8))
    if got.status == 204:
        return {}
    if got.status == 200:
        return strict_json.load_object(got.body, max_bytes=MAX_ANSWER * 8)
    if got.status in {404, 405, 410}:
        raise Missing("the office knows nothing of this")
    if got.status >= 500 or got.status == 429:
        raise Unavailable(f"the office answered {got.status}")
    raise (Conflict if got.status == 409 else Refused)(_refusal(got.body, got.status))


def _refusal(body: bytes, status: int) -> str:
    try:
        return get_str(strict_json.load_object(body, max_bytes=MAX_ANSWER), "error_description", max_length=_MAX_WORDS)
    except VcError:
        return f"the office answered {status}"


async def ask(means: Means, vault: Vault, item: Item[Document], what: str) -> Standing:
    """How the document stands, after what was asked; kept. ``Conflict`` where no copy is left to ask with, or the office sees no way."""
    document = item.value
    client = await client_of(means, vault, document.issuer)
    nonce = await client.run(fresh_nonce(client.metadata))
    if nonce is None:
        raise Missing("the office takes no such questions")
    copy = await means.storage.write(lambda tx: _copy(tx, means, vault, item.id), point="ask-office")
    at = means.clock()
    parsed = formats()[PREFERRED].parse(copy.wire)
    binding = Binding(audience=donor.audience(document.issuer, what), nonce=nonce)
    wire = await sign_presentation(copy, formats()[PREFERRED].disclose(parsed, []), binding, at=at, entropy=means.entropy)
    told = _standing(await post(means, donor.audience(document.issuer, what), {"nonce": nonce, "presentation": wire}), document)
    await means.storage.write(lambda tx: STANDINGS.save(tx, vault, item.id, told, entropy=means.entropy), point="office-answered")
    return told


async def _copy(tx: Tx, means: Means, vault: Vault, document: str) -> Copy:
    """The one that the office has seen, else one that nobody has: from now on the office's own."""
    item, at = await DOCUMENTS.get(tx, vault, document), means.clock()
    own = [each for each in item.value.copies if each.format == PREFERRED and each.shown_to == item.value.issuer and each.expires_at > at]
    line = own[0] if own else pick_copy(item.value, PREFERRED, item.value.issuer, at)
    if line is None:
        raise Conflict("no copy is left to ask the office with: get new copies first")
    if not own:
        marked = msgspec.structs.replace(line, shown_to=item.value.issuer, shown_name=item.value.issuer_name, shown_at=at)
        copies = tuple(marked if each.id == line.id else each for each in item.value.copies)
        await DOCUMENTS.replace(tx, vault, item, msgspec.structs.replace(item.value, copies=copies), entropy=means.entropy)
    return (await COPIES.get(tx, vault, line.id)).value


def _standing(doc: Mapping[str, Any], document: Document) -> Standing:
    """Words of a stranger, as far as a page can show them."""
    words = get_object(doc, "words", optional=True) or {}
    texts = {name: get_str(words, name, "/words", optional=True, max_length=_MAX_WORDS) or "" for name in ("en", "cy")}
    contest = get_str(doc, "contest", optional=True, min_length=0, max_length=_MAX_WORDS) or ""
    return Standing(
        standing=get_str(doc, "standing", max_length=20),
        seen=document.status.value,
        reason=get_str(doc, "reason", optional=True, max_length=60) or "",
        words_en=_plain(texts["en"]),
        words_cy=_plain(texts["cy"]),
        since=get_instant(doc, "since", optional=True) or 0,
        contest=_plain(contest),
    )


def _plain(text: str) -> str:
    return text if text.isprintable() else ""


async def standing_of(means: Means, vault: Vault, document: str) -> Standing | None:
    """What the office last said, if it was asked."""
    found = await means.storage.read(lambda tx: STANDINGS.find(tx, vault, document))
    return None if found is None else found.value


async def look(means: Means, vault: Vault, item: Item[Document]) -> None:
    """Ask why, once, when the lists have said that a document is on hold or cancelled: by the clock, and whatever was shown of it (S21)."""
    half = {name: item.value.claims[name] for name in (str(TAG[0]), str(SECRET[0])) if name in item.value.claims}
    known, seen = await standing_of(means, vault, item.id), item.value.status.value
    if known is not None and seen == "valid" != known.seen:  # another hold may have another reason
        await means.storage.write(lambda tx: STANDINGS.drop(tx, vault, item.id), point="office-answered")
    if not half or item.value.standing not in {"suspended", "invalid"} or (known is not None and known.seen == seen):
        return
    if str(SECRET[0]) not in half and not item.value.report_pass:  # it comes with the next copies
        return
    try:
        asked = {name.removeprefix("report_"): value for name, value in half.items()}
        asked |= {"pass": item.value.report_pass} if item.value.report_pass else {}
        told = _standing(await post(means, f"{item.value.issuer}/reports/why", asked), item.value)
    except (Missing, Refused, Conflict):  # an office that has no such answers is asked no more about this
        told = Standing(standing="", seen=seen)
    await means.storage.write(lambda tx: STANDINGS.save(tx, vault, item.id, told, entropy=means.entropy), point="office-answered")
