"""What an open wallet does by the clock: status lists, new copies, owed notifications, answers that were cut off.

Every hour at which something is fetched was settled when a document came or was last looked after. Nothing is fetched because a copy
was shown or is about to be (security rule S21), and what is asked for is always the same: every list of the whole batch, the status of
every copy that has a place for it, a whole new batch, and no ETag. While a wallet is closed nothing is fetched: its addresses lie under seal.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import msgspec

from shared.clock import DAY
from shared.cose import kid_of
from shared.errors import Conflict, InvalidGrant, InvalidToken, InvalidTransactionId, Rejected, Unavailable, VcError
from shared.flow import Fetch, arun
from shared.formats import formats
from shared.keys import PublicKey
from shared.openid4vci import refresh
from shared.status.assertion import VerifiedAssertion, fetch_assertions, verify_assertion
from shared.status.token_status_list import (
    CWT_MEDIA_TYPE,
    INVALID,
    MAX_TOKEN,
    MEDIA_TYPE,
    SUSPENDED,
    VALID,
    VerifiedStatusToken,
    parse_token,
    status_at,
    verify_token,
)
from shared.storage import Tx
from shared.trust.document_signers import list_key
from wallet import both_sides, corrections, cut_off, history, invite, locking, permissions
from wallet.at_successor import check_moved, client_at, list_signer
from wallet.batch import Batch, NotKeptError, ask_again, ask_parts, check_renewed, ledger, put_copies, renewal, usable, wait_of
from wallet.cards import changed
from wallet.check import fullest
from wallet.clients import Client, token_of
from wallet.cut_off import settle_cut_off
from wallet.keep import Vault
from wallet.keepers import asks, check_acknowledged
from wallet.lease import grant_of, lock_of, note_renewal, note_token, problem_of, share, take_lease
from wallet.means import Means
from wallet.receive import collect, kept_by, renewed, send_notice
from wallet.records import COPIES, DOCUMENTS, RECEIVING, STATUS, Item
from wallet.said_wrong import Correction
from wallet.sessions import NONE_LEFT, CopyLine, Document, Granted, Part, Promised, Renewal, StatusCopy, StatusSeen
from wallet.share import drop_run_out

log = logging.getLogger("muniment.wallet")

RETRY = 3_600  # seconds
_LAST_WORDS = (InvalidGrant, InvalidToken)  # a request that is denied may be for now only, as while the office holds a document back
STAPLED = frozenset({"dc+sd-cwt"})  # formats whose copies can carry what is said of their status
LASTING = frozenset({"mso_mdoc"})  # formats whose lists know no hold: what they say of a copy is for ever
_LISTS = f"{MEDIA_TYPE}, {CWT_MEDIA_TYPE};q=0.5"
_WORDS = {VALID: "valid", SUSPENDED: "suspended", INVALID: "invalid"}


async def upkeep(means: Means, vault: Vault) -> None:
    """Everything that is due now. One thing that fails does not keep the others from being done."""
    at = means.clock()
    await settle_cut_off(means, vault)
    await corrections.tend(means, vault)
    for tidy in (drop_run_out, locking.drop_over, cut_off.forget_old, invite.forget_old):
        await tidy(means, vault)
    await _collect_promised(means, vault)
    for item in await means.storage.read(lambda tx: DOCUMENTS.all(tx, vault)):
        try:
            await _look_after(means, vault, item, at)
        except VcError as error:
            log.info("upkeep of a document: %s", error.code)
        await both_sides.tend(means, vault, item.id)
    await both_sides.tend_gone(means, vault)
    await permissions.tend(means, vault)


async def ask_now(means: Means, vault: Vault, name: str) -> Item[Correction]:
    """Ask what became of a detail that is wrong, by the holder's own wish. What it says now is here when this returns, if it can be had."""
    asked = await corrections.ask_now(means, vault, name)
    document = await means.storage.read(lambda tx: DOCUMENTS.find(tx, vault, asked.value.document))
    if asked.value.state in {"corrected", "ended"} and document is not None:
        try:
            await _look_after(means, vault, document, means.clock())
        except VcError as error:
            log.info("upkeep of a document: %s", error.code)
    return asked


async def _collect_promised(means: Means, vault: Vault) -> None:
    """What issuers needed time for, at the intervals that they said."""
    for item in await means.storage.read(lambda tx: RECEIVING.all(tx, vault)):
        if isinstance(item.value.state, Promised) and item.value.state.next_at <= means.clock():
            try:
                await collect_and_look(means, vault, item.id, None)
            except VcError as error:
                log.info("a document that was promised: %s", error.code)


async def _look_after(means: Means, vault: Vault, item: Item[Document], at: int) -> None:
    async with means.locks.of(lock_of(vault, item)):
        if item.value.renewal is not None and item.value.renewal.grant:  # another document of that grant may just have been renewed
            item = await means.storage.read(lambda tx: DOCUMENTS.get(tx, vault, item.id))
        if item.value.notice is not None:
            item = await send_notice(means, vault, item)
        if item.value.next_check_at <= at:
            item = await check_status(means, vault, item)
        due = item.value.renewal
        if due is not None and due.at <= at and (item.value.status.value != "invalid" or due.cancelled):
            if not asks(means, item.value):
                await renew(means, vault, item)
            elif due.cancelled and not due.problem:  # nobody is asked before the holder has said that the new keeper is known
                await _postpone(means, vault, item, Conflict.code, wait=0)


async def collect_and_look(means: Means, vault: Vault, invitation: str, code: str | None) -> Item[Document]:
    """Collect, and look at the status of the new document at once: the issuer knows that it was just collected."""
    first = await collect(means, vault, invitation, code)
    looked = [await _first_look(means, vault, item) for item in await kept_by(means, vault, invitation)]
    return next((item for item in looked if item.id == first.id), first)


async def _first_look(means: Means, vault: Vault, item: Item[Document]) -> Item[Document]:
    if item.value.next_check_at > means.clock():
        return item
    try:
        return await check_status(means, vault, item)
    except VcError as error:
        log.info("a first look at a status list: %s", error.code)
        return item


# --- status --------------------------------------------------------------------------------------------------------------------------


async def check_status(means: Means, vault: Vault, item: Item[Document]) -> Item[Document]:
    """Fetch every list that any copy in force names, used or not, in one order, and note the worst that they say."""
    at, document = means.clock(), item.value
    living = [copy for copy in document.copies if copy.status_uri and copy.expires_at > at]
    own = await _own_chain(means, vault, living)
    mdocs = {copy.status_uri for copy in living if copy.format in LASTING}
    tokens = {
        uri: await _fetch_list(means, document, uri, own, accept=CWT_MEDIA_TYPE if uri in mdocs else _LISTS)
        for uri in sorted({copy.status_uri for copy in living})
    }
    said = await _fetch_assertions(means, document, _newest(copy for copy in living if copy.format in STAPLED), own, tokens)
    seen = _judge(document.status, [copy for copy in living if copy.format not in LASTING] or living, tokens, at)
    value = msgspec.structs.replace(document, status=seen, next_check_at=at + means.status_every)
    if value.renewal is not None and seen.value == "valid" and _gone_for_good(_newest(living), tokens):
        value = msgspec.structs.replace(value, renewal=msgspec.structs.replace(value.renewal, at=min(value.renewal.at, at)))
    if value.renewal is not None and seen.value == "invalid" != document.status.value:
        value = msgspec.structs.replace(
            value, renewal=msgspec.structs.replace(value.renewal, at=at, cancelled=True, problem="", heard_at=at)
        )

    async def note(tx: Tx) -> Item[Document]:
        for token in tokens.values():
            if token is not None:
                await _keep_newest(tx, means, vault, token, at)
        for copy, assertion in said.items():
            await _keep_assertion(tx, means, vault, copy, assertion)
        return await DOCUMENTS.replace(tx, vault, item, value, entropy=means.entropy)

    return await means.storage.write(note, point="status")


async def _keep_newest(tx: Tx, means: Means, vault: Vault, token: VerifiedStatusToken, at: int) -> None:
    name = vault.tag("status list", token.uri)
    known = await STATUS.find(tx, vault, name)
    if known is None or known.value.iat <= token.iat:
        kept = StatusCopy(uri=token.uri, token=token.text, iat=token.iat, fetched_at=at)
        await STATUS.save(tx, vault, name, kept, entropy=means.entropy)


async def _own_chain(means: Means, vault: Vault, living: Sequence[CopyLine]) -> tuple[bytes, ...]:
    """The certificates of the document itself: a list without any is by the same key (Token Status List section 11.3)."""
    if not living:
        return ()
    copy = await means.storage.read(lambda tx: COPIES.get(tx, vault, living[0].id))
    return formats()[living[0].format].parse(copy.value.wire).x5c


async def _fetch_list(means: Means, document: Document, uri: str, own: tuple[bytes, ...], *, accept: str) -> VerifiedStatusToken | None:
    """The list, signed for the issuer and type of this document; ``None`` when it cannot be had or believed."""
    try:
        got = await means.fetch(Fetch(url=uri, headers={"accept": accept}, max_bytes=MAX_TOKEN))
        if got.status != 200:
            return None
        parsed = parse_token(got.body)
        at = means.clock()
        key = list_key(means.trust(), document.issuer, parsed, at)
        if key is None:
            key = list_signer(means.trust(), document, parsed, parsed.x5c or own, at)
        return verify_token(parsed, uri=uri, key=key, at=at)
    except VcError as error:
        log.info("a status list was not taken: %s", error.code)
        return None


def _newest(copies: Iterable[CopyLine]) -> list[CopyLine]:
    """The copies of the last batch. Of an earlier one those have stayed that were shown, and asking for them would tell which (S21)."""
    found = list(copies)
    last = max((copy.expires_at for copy in found), default=0)
    return [copy for copy in found if copy.expires_at == last]


async def _fetch_assertions(
    means: Means, document: Document, copies: Sequence[CopyLine], own: tuple[bytes, ...], tokens: Mapping[str, VerifiedStatusToken | None]
) -> dict[str, VerifiedAssertion]:
    """What the issuer says of each copy, used or not, by the copy's id; nothing where it says none or cannot be believed.

    It signs that with the key of the copies, or with the one that signs its lists now. Only the issuer itself is asked: to anybody else who keeps its lists, the question would tell which copies belong together.
    """
    said: dict[str, VerifiedAssertion] = {}
    for uri in sorted({copy.status_uri for copy in copies if copy.status_uri.startswith(f"{document.issuer}/")}):
        mine = {copy.status_idx: copy.id for copy in copies if copy.status_uri == uri}
        try:
            found = await arun(fetch_assertions(uri, mine), means.fetch)
            at = means.clock()
            token = tokens.get(uri)
            keys = _keys_of(means, document, (own, () if token is None else token.x5c), at)
            for index, assertion in found.items():
                key = keys.get(assertion.kid) or next(iter(keys.values()))
                said[mine[index]] = verify_assertion(assertion, uri=uri, idx=index, key=key, at=at)
        except VcError as error:
            log.info("what is said of single copies was not taken: %s", error.code)
    return said


def _keys_of(means: Means, document: Document, chains: Iterable[tuple[bytes, ...]], at: int) -> dict[bytes, PublicKey]:
    """By ``kid``, the keys of these certificates that may speak for the document's issuer now; an error of the first where none may."""
    keys, fault = dict[bytes, PublicKey](), None
    for chain in chains:
        try:
            key = means.trust().check_issuer(chain, document.issuer, document.vct, at).public
            keys[kid_of(key)] = key
        except VcError as error:
            fault = fault or error
    if fault is not None and not keys:
        raise fault
    return keys


async def _keep_assertion(tx: Tx, means: Means, vault: Vault, copy: str, assertion: VerifiedAssertion) -> None:
    known = await COPIES.find(tx, vault, copy)
    if known is not None:
        value = msgspec.structs.replace(known.value, assertion=assertion.wire)
        await COPIES.replace(tx, vault, known, value, entropy=means.entropy)


def _gone_for_good(copies: Iterable[CopyLine], tokens: dict[str, VerifiedStatusToken | None]) -> bool:
    """Whether a hold that is over has cost copies: all of the last batch are replaced, shown or not (S21)."""
    for copy in copies:
        token = tokens.get(copy.status_uri)
        try:
            if copy.format in LASTING and token is not None and status_at(token, copy.status_idx) == INVALID:
                return True
        except Rejected:
            continue
    return False


def _judge(before: StatusSeen, living: list[CopyLine], tokens: dict[str, VerifiedStatusToken | None], at: int) -> StatusSeen:
    """INVALID once seen is final; otherwise the worst of all copies, and what is not known leaves everything as it was (S19)."""
    if before.value == "invalid":
        return msgspec.structs.replace(before, checked_at=at)
    values: list[int] = []
    for copy in living:
        token = tokens.get(copy.status_uri)
        if token is None or token.iat < before.list_iat:
            return before
        try:
            values.append(status_at(token, copy.status_idx))
        except Rejected:
            return before
    if not values:
        return msgspec.structs.replace(before, checked_at=at)
    worst = next((word for code, word in ((INVALID, "invalid"), (SUSPENDED, "suspended")) if code in values), None)
    value = worst or ("valid" if set(values) == {VALID} else "unknown")
    newest = max(token.iat for token in tokens.values() if token is not None)
    return StatusSeen(value=value, list_iat=newest, checked_at=at)


# --- new copies ----------------------------------------------------------------------------------------------------------------------


async def renew(means: Means, vault: Vault, item: Item[Document]) -> Item[Document]:
    """A whole new batch by the rotating refresh token. Copies shown before stay with whom they were shown to, until they run out.

    Where the office no longer answers it comes from its successor, if the holder agreed, and no earlier copy stays. ``Conflict`` while the holder has yet to say that whoever keeps the records now is known.

    Writes: ``renew-lease`` before the token goes out, ``renew-token`` as soon as the next one is here, ``renew`` the new batch, or
    ``renew-later`` what the issuer needs time for.
    """
    check_acknowledged(means, item.value)
    item = await take_lease(means, vault, item)
    due = item.value.renewal
    if due is None:
        return item
    try:
        client = await client_at(means, vault, item.value, due)
        token = await client.run(refresh(client.metadata, due.token, client_id=due.client_id or None))
        item = await note_token(means, vault, item, token)
        grant = renewed(client, token, grant_of(due), means.clock(), shared=bool(due.grant))
        parts = await _ask(means, client, grant, item.value, due.parts)
        if wait := wait_of(parts):
            return await _postpone(means, vault, item, "", wait=wait, parts=parts)
        batch, issuer = await check_renewed(means, parts), client.metadata.issuer.issuer
        if issuer != due.issuer:
            check_moved(item.value, batch, issuer)
    except Unavailable:
        return await _postpone(means, vault, item, "")
    except NotKeptError as refusal:
        return await _postpone(means, vault, item, refusal.cause.code)
    except VcError as error:
        wait = DAY if error.code in NONE_LEFT else RETRY
        return await _postpone(means, vault, item, error.code, wait=wait, ended=isinstance(error, _LAST_WORDS))
    following = renewal(batch, issuer, grant, grant.refresh_token or due.token, means.clock(), shared=due.grant)
    return await _store_batch(means, vault, item, batch, following)


async def _ask(means: Means, client: Client, grant: Granted, document: Document, before: Sequence[Part]) -> tuple[Part, ...]:
    """For what was promised ``before``; for everything, with fresh keys, where nothing was or the issuer knows nothing of it any more."""
    if before:
        with suppress(InvalidTransactionId):
            return await ask_again(client, token_of(grant), before)
    return await ask_parts(means, client, grant, usable(means, client.metadata, tuple(document.configurations.values())))


async def _postpone(
    means: Means,
    vault: Vault,
    item: Item[Document],
    problem: str,
    *,
    wait: int = RETRY,
    parts: tuple[Part, ...] | None = None,
    ended: bool = False,
) -> Item[Document]:
    """Try again later, at an hour that does not depend on what was shown either. ``ended``: of a cancelled document there will be no others.

    Copies that were promised stay so until they or others are here, whatever becomes of one attempt to get them.
    """
    due = item.value.renewal
    if due is None:
        return item
    later = msgspec.structs.replace(
        due,
        at=means.clock() + wait,
        lease_until=0,
        problem="" if ended and due.cancelled else problem if parts is not None else problem_of(due, problem, means.clock()),
        heard_at=due.heard_at if parts is None else means.clock(),
        cancelled=due.cancelled and not ended,
        parts=due.parts if parts is None else parts,
    )
    return await note_renewal(means, vault, item, later, "renew-later")


async def _store_batch(means: Means, vault: Vault, item: Item[Document], batch: Batch, following: Renewal) -> Item[Document]:
    """New copies in, old copies that nobody saw or that have run out gone, claims as they are now: one unit of work.

    Of copies that were cancelled none stays, nor of those by an office that another took over from; what was seen of their status is not said of
    the new ones, whose places are others (S19).
    """
    at = means.clock()

    async def store(tx: Tx) -> Item[Document]:
        now = await DOCUMENTS.get(tx, vault, item.id)
        cancelled, first = now.value.status.value == "invalid", fullest(batch.checked)
        claims = msgspec.to_builtins(first.claims.claims)
        moved = now.value.renewal is not None and now.value.renewal.issuer != following.issuer
        staying = tuple(copy for copy in now.value.copies if copy.shown_to and copy.expires_at > at and not cancelled and not moved)
        value = msgspec.structs.replace(
            now.value if not moved else msgspec.structs.replace(now.value, issuer=first.claims.issuer, issuer_name=first.issuer_name),
            claims=claims,
            changes=(*now.value.changes, *changed(now.value, claims, at)),
            issued_at=first.claims.issued_at,
            copies=staying + ledger(batch.checked),
            renewal=following,
            status=StatusSeen() if moved else StatusSeen(list_iat=now.value.status.list_iat) if cancelled else now.value.status,
            next_check_at=at,
            restored=False,
            report_pass=batch.report_pass,
        )
        for gone in {copy.id for copy in now.value.copies} - {copy.id for copy in staying}:
            await COPIES.drop(tx, vault, gone)
        await share(tx, means, vault, value.id, following)
        await put_copies(tx, means, vault, value.id, batch)
        await history.append(tx, vault, history.issuance(value, at=at, renewed=True), entropy=means.entropy)
        return await DOCUMENTS.replace(tx, vault, now, value, entropy=means.entropy)

    return await means.storage.write(store, point="renew")
