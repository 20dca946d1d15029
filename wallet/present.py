"""Being asked: read the request, show it, and answer or withhold.

Order of writes (failpoints by name): ``ask`` remembers the request; ``present`` marks the copies as used, before anything is sent, so
that a process that dies can never show a copy twice, and keeps what will be posted; ``answered`` or ``withheld`` tells what came of it, with
its line of history. Where nobody was heard, those very bytes are posted again by the clock (``cut_off``), never others: one who got them
already knows them again. The copies count as used, whatever comes of it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from shared.codec import base64url, strict_json
from shared.dcql import DcqlQuery
from shared.errors import AccessDenied, Conflict, Unavailable, VcError
from shared.flow import arun
from shared.formats import Parsed, formats
from shared.openid4vp import (
    MAX_RESPONSE,
    RequestObject,
    ResolvedRequest,
    TransactionData,
    assign,
    parse_request,
    post_refusal,
    post_response,
    render_dc_api_response,
    render_request,
    render_response,
    resolve_dc_api_request,
    resolve_request,
)
from shared.receipts import peek_receipt, presentation_bytes
from shared.storage import Tx
from wallet import history, permissions, registered
from wallet.agreed import agreed_to, names_of, requested_names
from wallet.asker import asker_of, use_of
from wallet.cards import acting_for, lines, type_of
from wallet.choose import LOOK_AGAIN, Answerable, Offer, find_offers, pick_copy
from wallet.entries import ClaimNames, Entry
from wallet.holding import sign_presentation
from wallet.keep import Vault
from wallet.keepers import check_acknowledged
from wallet.means import Means
from wallet.narrow import check_shown
from wallet.receipted import fault_of
from wallet.records import COPIES, DOCUMENTS, REQUESTS, Item
from wallet.sessions import Agreed, Answered, Asked, Copy, CopyLine, Document, Request, Unanswered, Withheld

# --- reading -------------------------------------------------------------------------------------------------------------------------


async def read_request(means: Means, vault: Vault, link: str) -> Item[Request]:
    """Fetch and check the request that a link carries. The same request twice is one thing, whatever became of it."""
    flow = resolve_request(
        link.strip(),
        wallet_nonce=base64url.encode(means.entropy(16)),
        policy=means.trust(),
        at=means.clock(),
        plain_http=means.plain_http,
        admit=means.admit,
    )
    return await _remember(means, vault, await arun(flow, means.fetch))


async def read_platform_request(means: Means, vault: Vault, protocol: str, data: Mapping[str, Any], origin: str) -> Item[Request]:
    """Check a request of the Digital Credentials API; ``origin`` is believed, for a platform that the holder trusts says it."""
    flow = resolve_dc_api_request(protocol, data, origin, policy=means.trust(), at=means.clock(), admit=means.admit)
    return await _remember(means, vault, await arun(flow, means.fetch))


async def _remember(means: Means, vault: Vault, resolved: ResolvedRequest) -> Item[Request]:
    name = vault.tag("request", resolved.request.audience, resolved.request.nonce)
    registration = await registered.look_up(means, resolved)
    request = Request(
        at=means.clock(),
        asker=asker_of(resolved),
        use=None if resolved.use is None else use_of(resolved.use, registration),
        claims=json.dumps(render_request(resolved.request, at=means.clock())),
        signer=b"" if resolved.signer is None else resolved.signer.der,
        state=Asked(),
        origin=resolved.request.origin,
        registration=registration,
        names=await permissions.registered_names(means, resolved.request),
    )
    permissions.check_asked(means, resolved.request, request.asker)
    left_out = registered.asked_of(request, resolved.request).left_out

    async def remember(tx: Tx) -> Item[Request]:
        known = await REQUESTS.find(tx, vault, name)
        if known is not None:
            return known
        await permissions.check_new(tx, vault, resolved.request)
        await registered.first_seen(tx, means, vault, request, over_asked=bool(left_out))
        return await REQUESTS.put(tx, vault, name, request, entropy=means.entropy)

    return await means.storage.write(remember, point="ask")


def request_object(means: Means, request: Request) -> RequestObject:
    """The checked request as it was read."""
    return parse_request(json.loads(request.claims), plain_http=means.plain_http, origin=request.origin)


async def offers(means: Means, vault: Vault, request: Request) -> Answerable:
    """What of this wallet answers the request now, as far as it is registered; ``AccessDenied`` if nothing does."""
    query = _query(request, request_object(means, request))
    return await means.storage.read(lambda tx: find_offers(tx, vault, query, request.asker.party, at=means.clock(), use=_use_id(request)))


def _use_id(request: Request) -> str:
    return "" if request.use is None else request.use.use_id


def _query(request: Request, asked: RequestObject) -> DcqlQuery:
    query = registered.asked_of(request, asked).query
    if query is None:
        raise AccessDenied("nothing of what they ask for is registered for this use")
    return query


# --- agreeing ------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """One document as it will be shown: the copy, and the presentation that lacks only its holder's signature, to ``agreed`` as well."""

    query_id: str
    document: Document
    copy: Copy
    line: CopyLine
    presented: Parsed
    shown: tuple[str, ...]
    agreed: tuple[TransactionData, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """What the holder chose.

    ``optional`` names ticked details (``query/path``), ``chosen`` maps a credential query to the document that was looked at, ``ways``
    a credential set (its position) to the way in which it is met (``choose.way_name``). Where only one answers they may be left out.
    ``seen`` maps a credential query to what was looked at (``Offer.seen``); it is ``None`` only where nobody was shown anything.
    """

    optional: Collection[str]
    chosen: Mapping[str, str]
    ways: Mapping[str, str]
    seen: Mapping[str, str] | None


async def agree(
    means: Means,
    vault: Vault,
    request_id: str,
    *,
    optional: Collection[str] = (),
    chosen: Mapping[str, str] | None = None,
    ways: Mapping[str, str] | None = None,
    seen: Mapping[str, str] | None = None,
) -> Item[Request]:
    """Share once, what the holder chose (``Pick``). A second click waits for the first and finds its result; it sends nothing.

    ``Conflict`` where something else could be shown than what was looked at (``Answerable.choose``, ``Offer.seen``).
    """
    pick = Pick(optional=optional, chosen=chosen or {}, ways=ways or {}, seen=seen)
    async with means.locks.of(f"{vault.wallet}/{request_id}"):
        item = await means.storage.read(lambda tx: REQUESTS.get(tx, vault, request_id))
        if not isinstance(item.value.state, Asked):
            return item
        try:
            item = await _spend(means, vault, item, pick)
        except Conflict:
            now = await means.storage.read(lambda tx: REQUESTS.get(tx, vault, request_id))
            if isinstance(now.value.state, Asked):
                raise
            return now  # another process was first: its decision is the answer
        return await send(means, vault, item)


async def _spend(means: Means, vault: Vault, item: Item[Request], pick: Pick) -> Item[Request]:
    """Mark the copies and the request, and keep what is to be sent, all in one unit of work, before anything leaves."""
    asked, asker, at = request_object(means, item.value), item.value.asker, means.clock()
    if asked.expires_at is not None and asked.expires_at <= at:
        raise Conflict("this request has run out; ask for a new one")
    registered.check_use(item.value)
    query, use = _query(item.value, asked), registered.use_of(item.value)

    async def spend(tx: Tx) -> Item[Request]:
        found = await find_offers(tx, vault, query, asker.party, at=at, use=_use_id(item.value))
        offers = found.choose(pick.chosen, pick.ways)
        agreed = assign(asked.transaction_data, {offer.query_id: offer.format for offer in offers})
        showings: list[Showing] = []
        for offer in offers:
            taken = [one.line.id for one in showings]
            one = await _prepare(tx, vault, offer, pick, agreed.get(offer.query_id, ()), taken=taken, party=asker.party, at=at)
            if use is not None:
                check_shown(use, type_of(offer.document), formats()[offer.format].peek(one.presented).claims)
            showings.append(one)
        await registered.agreed(tx, means, vault, item.value)
        for one in showings:
            await mark_used(tx, means, vault, document=one.document.id, copy=one.line.id, party=asker.party, name=asker.name, at=at)
        signing = [(one.document.id, one.copy, one.presented.format, one.agreed) for one in showings]
        await permissions.check_new(tx, vault, asked)
        await permissions.keep(tx, means, vault, asker, names_of(item.value), nonce=asked.nonce, shown=signing)
        value = msgspec.structs.replace(item.value, state=await _agreed(means, asked, showings, at=at))
        return await REQUESTS.replace(tx, vault, item, value, entropy=means.entropy)

    return await means.storage.write(spend, point="present")


async def _prepare(
    tx: Tx, vault: Vault, offer: Offer, pick: Pick, agreed: tuple[TransactionData, ...], *, taken: Collection[str], party: str, at: int
) -> Showing:
    line = pick_copy(offer.document, offer.format, party, at, taken=taken)
    if line is None:
        raise Conflict("there is no copy left for this; new ones come by themselves, or ask for them on the document's page")
    copy = (await COPIES.get(tx, vault, line.id)).value
    parsed = formats()[offer.format].parse(copy.wire)
    if pick.seen is not None and pick.seen.get(offer.query_id) != offer.seen(parsed):
        raise Conflict(LOOK_AGAIN)
    presented = offer.disclose(parsed, pick.optional)
    claims = formats()[offer.format].peek(presented).claims
    shown = tuple(dict.fromkeys(one.name for one in lines(type_of(offer.document), claims)))
    return Showing(query_id=offer.query_id, document=offer.document, copy=copy, line=line, presented=presented, shown=shown, agreed=agreed)


async def mark_used(tx: Tx, means: Means, vault: Vault, *, document: str, copy: str, party: str, name: str, at: int) -> None:
    """The copy belongs to ``party`` from now on. ``Conflict`` if it belongs to another, or the holder has yet to say that its keeper is known."""
    item = await DOCUMENTS.get(tx, vault, document)
    check_acknowledged(means, item.value)
    ledger = []
    for line in item.value.copies:
        if line.id == copy:
            if line.shown_to not in {"", party}:
                raise Conflict("this copy was shown to somebody else")
            line = msgspec.structs.replace(line, shown_to=party, shown_name=name, shown_at=at)  # noqa: PLW2901 - the line as it is now
        ledger.append(line)
    await DOCUMENTS.replace(tx, vault, item, msgspec.structs.replace(item.value, copies=tuple(ledger)), entropy=means.entropy)


async def _agreed(means: Means, asked: RequestObject, showings: Sequence[Showing], *, at: int) -> Agreed:
    """Sign and lock what goes out."""
    state = Agreed(
        at=at,
        selection={one.query_id: one.document.id for one in showings},
        shown={one.query_id: one.shown for one in showings},
        kinds={one.query_id: one.document.vct for one in showings},
        acting=tuple(one.document.id for one in showings if acting_for(type_of(one.document), one.document.claims)),
    )
    try:
        vp_token = {one.query_id: [await _sign(means, one, asked)] for one in showings}
        body = b"" if asked.origin else render_response(asked, vp_token)
    except VcError as error:
        return msgspec.structs.replace(state, fault=error.detail)
    return msgspec.structs.replace(state, presentation=presentation_bytes(vp_token), body=body)


async def _sign(means: Means, one: Showing, asked: RequestObject) -> str:
    return await sign_presentation(one.copy, one.presented, asked.binding(one.agreed), at=means.clock(), entropy=means.entropy)


async def send(means: Means, vault: Vault, item: Item[Request]) -> Item[Request]:
    """Post what was agreed to, and note what came of it. It stays agreed to where nobody was heard."""
    asked, state = request_object(means, item.value), item.value.state
    if not isinstance(state, Agreed):
        return item
    unknown = Unanswered(at=means.clock(), shown=state.shown, detail=state.fault)
    try:
        if state.fault:
            return await close(means, vault, item, unknown)
        if asked.origin:
            handed = render_dc_api_response(asked, strict_json.load_object(state.presentation, max_bytes=MAX_RESPONSE))
            return await close(means, vault, item, Answered(at=means.clock(), shown=state.shown, handed=handed))
        result = await arun(post_response(asked, state.body, plain_http=means.plain_http), means.fetch)
        if result.refusal is not None and result.receipt is None and (state.again_at or isinstance(result.refusal, Unavailable)):
            raise result.refusal  # of what they may have had before it says nothing
    except VcError as error:
        if isinstance(error, Unavailable):
            return item
        return await close(means, vault, item, msgspec.structs.replace(unknown, at=means.clock(), detail=error.detail))
    answered = Answered(
        at=means.clock(),
        shown=state.shown,
        redirect_uri=result.redirect_uri,
        receipt=result.receipt,
        receipt_problem=await fault_of(
            means, vault, item.value, result.receipt, presentation=state.presentation, nonce=asked.nonce, sent_at=state.at
        ),
        refusal="" if result.refusal is None else result.refusal.detail,
    )
    return await close(means, vault, item, answered)


async def close(means: Means, vault: Vault, item: Item[Request], state: Answered | Unanswered) -> Item[Request]:
    """What came of what was agreed to, with its line of history; what was kept to be sent goes."""
    before, value, asked = item.value.state, msgspec.structs.replace(item.value, state=state), request_object(means, item.value)
    if not isinstance(before, Agreed):
        return item

    async def unit(tx: Tx) -> Item[Request]:
        closed = await REQUESTS.replace(tx, vault, item, value, entropy=means.entropy)
        await permissions.arrived(tx, means, vault, asked, before.presentation, decision=_decision(state))
        await history.append(tx, vault, closing_entry(means, item, before, state), entropy=means.entropy)
        return closed

    return await means.storage.write(unit, point="settled" if before.again_at else "answered")


def _decision(state: Answered | Unanswered) -> str:
    """What they decided, as far as their receipt says it."""
    if isinstance(state, Unanswered):
        return ""
    if state.refusal:
        return "rejected"
    return peek_receipt(state.receipt).decision if state.receipt and not state.receipt_problem else ""


def closing_entry(means: Means, item: Item[Request], before: Agreed, state: Answered | Unanswered) -> Entry:
    """The line of it, of when it was agreed to. Unless nothing was posted, they may have seen what was shown, whatever came of it."""
    failed = state.refusal if isinstance(state, Answered) else f"{history.UNSENT if before.fault else history.UNHEARD}: {state.detail}"
    asked = request_object(means, item.value)
    requested = requested_names(asked)
    kinds = {query.id: named.credential_identifier for query, named in zip(asked.query.credentials, requested, strict=True)} | before.kinds
    return history.exchange(
        item.value,
        at=before.at,
        result="failed" if failed else "success",
        requested=requested,
        presented=[ClaimNames(credential_identifier=kinds[query], claims=keys) for query, keys in state.shown.items() if not before.fault],
        transaction=item.id,
        documents=list(before.selection.values()),
        acting_for=",".join(before.acting),
        receipt=(state.receipt or "") if isinstance(state, Answered) else "",
        receipt_problem=state.receipt_problem if isinstance(state, Answered) else "",
        reason=failed,
        agreed=agreed_to(item.value, asked),
        registered=registered.told(item.value, asked),
    )


# --- withholding -----------------------------------------------------------------------------------------------------------------------


async def refuse(means: Means, vault: Vault, request_id: str) -> Item[Request]:
    """Don't share: ``unavailable`` goes out, and nothing else (OpenID4VP section 8.5). Asked again it changes nothing."""
    async with means.locks.of(f"{vault.wallet}/{request_id}"):
        item = await means.storage.read(lambda tx: REQUESTS.get(tx, vault, request_id))
        if not isinstance(item.value.state, Asked):
            return item
        asked = request_object(means, item.value)
        told = await _tell(means, asked)
        entry = history.exchange(
            item.value,
            at=means.clock(),
            result="declined",
            requested=requested_names(asked),
            transaction=item.id,
            reason="access_denied",
            registered=registered.told(item.value, asked),
        )
        value = msgspec.structs.replace(item.value, state=Withheld(at=means.clock(), told=told))

        async def close(tx: Tx) -> Item[Request]:
            closed = await REQUESTS.replace(tx, vault, item, value, entropy=means.entropy)
            await history.append(tx, vault, entry, entropy=means.entropy)
            return closed

        return await means.storage.write(close, point="withheld")


def unavailable() -> AccessDenied:
    """What whoever asks hears, whether the holder shares nothing or the wallet has nothing that answers: they cannot tell (check T-AG-4)."""
    return AccessDenied("what is asked for is not available")


async def _tell(means: Means, asked: RequestObject) -> bool:
    """Whether the refusal was heard; a platform gets it from us in any case."""
    if asked.origin:
        return True
    try:
        await arun(post_refusal(asked, unavailable(), plain_http=means.plain_http), means.fetch)
    except VcError:
        return False  # the decision stands; the other side will see its request run out
    return True
