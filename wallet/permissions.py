"""Permissions to tell another body something, on the side of whoever gives them (domain sheet C04).

The wallet makes the words of a permission from its limits, and takes it only from the very body that is to tell. It keeps the key of the copy
that it was signed with: that key alone withdraws it, when its holder says so. What was told it asks once a day, by the clock, for every permission
alike: with a ticket of what was shown, and nothing is signed for that (T-FC-5). What its holder signed to withdraw one is said again as it is.

Order of writes (failpoints by name): ``present`` keeps the permission before anything is sent; ``permission-withdraw`` remembers that it is to
end before that is said, so that a wallet that dies says it again; ``permission-answer`` keeps what came back, with a line of history a use.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from shared import addressed
from shared.asks import DAYS, WITHDRAW, make_binding, render_ask, render_told
from shared.clock import DAY
from shared.codec import reader, strict_json
from shared.credentials import Text
from shared.errors import InvalidTransactionData, Malformed, Missing, Unavailable, Untrusted, VcError
from shared.flow import Fetch
from shared.formats import formats
from shared.openid4vp import RequestObject, TransactionData, parse_permission, sentence_of
from shared.receipts import Exchange, Receipt, peek_receipt, verify_receipt
from shared.storage import Tx
from shared.urls import check_link
from wallet import history, register
from wallet.cards import iso_day
from wallet.entries import ClaimNames, Entry, Party, Words
from wallet.holding import sign_presentation
from wallet.keep import Vault
from wallet.means import Means
from wallet.permitted import Permitted, State
from wallet.records import PERMITTED, Item
from wallet.sessions import Asker, Copy

log = logging.getLogger("muniment.wallet")

EVERY: Final = DAY
_MAX_ANSWER: Final = 1_000_000
_STATES: Final[Mapping[str, State]] = {"in-force": "in-force", "withdrawn": "withdrawn", "used-up": "used-up", "over": "over"}
_OVER: Final = frozenset({"withdrawn", "used-up", "over"})


# --- giving ------------------------------------------------------------------------------------------------------------------------------


def check_asked(means: Means, asked: RequestObject, asker: Asker) -> None:
    """``InvalidTransactionData`` unless whoever asks for a permission is known, is who would tell, and hears at home that it is withdrawn."""
    for position, entry in enumerate(asked.transaction_data):
        permission = parse_permission(entry)
        where = f"/transaction_data/{position}"
        if permission is None:
            continue
        if not asker.proved or permission.discloser.id != asker.party:
            raise InvalidTransactionData("only the organisation that is to tell may ask for this, and it has to be known", where=where)
        check_link(permission.withdraw_at, where=f"{where}/withdraw_at", plain_http=means.plain_http)
        if urlsplit(permission.withdraw_at).netloc != urlsplit(asked.origin or asked.response_uri or "").netloc:
            raise InvalidTransactionData("it would be withdrawn somewhere else than where it is given", where=f"{where}/withdraw_at")


async def check_new(tx: Tx, vault: Vault, asked: RequestObject) -> None:
    """``InvalidTransactionData`` for a number that a permission for the same organisation has: one never takes the place of another."""
    names: set[str] = set()
    for position, entry in enumerate(asked.transaction_data):
        permission = parse_permission(entry)
        if permission is None:
            continue
        name = name_of(vault, permission.discloser.id, permission.id)
        if name in names or await PERMITTED.find(tx, vault, name) is not None:
            raise InvalidTransactionData("there is a permission of this number", where=f"/transaction_data/{position}/permission")
        names.add(name)


async def registered_names(means: Means, asked: RequestObject) -> dict[str, dict[str, str]]:
    """What those are called who would be told something, as far as the kept register knows them (security rule S21: nothing is asked)."""
    known = await register.register(means)
    found: dict[str, dict[str, str]] = {}
    for permission in filter(None, map(parse_permission, asked.transaction_data)):
        with suppress(VcError):
            name = known.find(permission.recipient.id, at=means.clock()).name
            found[permission.recipient.id] = {"en": name.en, "cy": name.cy}
    return found


async def keep(
    tx: Tx,
    means: Means,
    vault: Vault,
    asker: Asker,
    names: Mapping[str, Text],
    *,
    nonce: str,
    shown: Iterable[tuple[str, Copy, str, Sequence[TransactionData]]],
) -> None:
    """Before anything is sent: the permissions that go with what is ``shown`` (document, copy, format, what it agrees to)."""
    for document, copy, form, agreed in shown:
        for permission in filter(None, map(parse_permission, agreed)):
            words, recipient = sentence_of(permission, names), permission.recipient
            made = Permitted(
                at=means.clock(),
                permission=permission.id,
                entity=asker.party,
                name=asker.name,
                recipient=names[recipient.id].en if recipient.id in names else recipient.name,
                statement=(Words(lang="en", content=words.en), Words(lang="cy", content=words.cy)),
                expires=permission.expires,
                max_uses=permission.max_uses,
                withdraw_at=permission.withdraw_at,
                document=document,
                format=form,
                copy=copy,
                nonce=nonce,
                state="sent",
                next_at=means.clock() + EVERY,
            )
            await PERMITTED.put(tx, vault, name_of(vault, permission.discloser.id, permission.id), made, entropy=means.entropy)


async def arrived(tx: Tx, means: Means, vault: Vault, asked: RequestObject, presentation: bytes, *, decision: str) -> None:
    """What was sent with them, once it went out, and what was decided about it, where that is known: what was refused is no permission."""
    for permission in filter(None, map(parse_permission, asked.transaction_data)):
        item = await PERMITTED.find(tx, vault, name_of(vault, permission.discloser.id, permission.id))
        if item is not None and decision == "rejected":
            await PERMITTED.drop(tx, vault, item.id)
        elif item is not None:
            state: State = (
                "in-force" if decision == "accepted" and item.value.state == "sent" else item.value.state
            )  # it may be taken back by now
            value = msgspec.structs.replace(item.value, presentation=presentation, state=state)
            await PERMITTED.replace(tx, vault, item, value, entropy=means.entropy)


async def as_given(tx: Tx, vault: Vault, asked: RequestObject, at: int) -> bool:
    """Whether of those that go with an answer none was taken back, or ended, or had run out by ``at``, while nobody was heard of it."""
    names = [name_of(vault, one.discloser.id, one.id) for one in map(parse_permission, asked.transaction_data) if one is not None]
    found = [await PERMITTED.find(tx, vault, name) for name in names]
    return all(item is not None and item.value.state == "sent" and iso_day(at) <= item.value.expires for item in found)


def name_of(vault: Vault, entity: str, number: str) -> str:
    """The opaque name of the permission that ``entity`` knows by ``number``."""
    return vault.tag("permission", entity, number)


# --- afterwards ----------------------------------------------------------------------------------------------------------------------------


async def given(means: Means, vault: Vault) -> list[Item[Permitted]]:
    """All of them, newest first."""
    found = await means.storage.read(lambda tx: PERMITTED.all(tx, vault))
    return sorted(found, key=lambda item: item.value.at, reverse=True)


async def given_by(means: Means, vault: Vault, asked: RequestObject) -> list[Item[Permitted]]:
    """Those that were given by answering that request."""
    names = [name_of(vault, one.discloser.id, one.id) for one in map(parse_permission, asked.transaction_data) if one is not None]

    async def read(tx: Tx) -> list[Item[Permitted]]:
        return [item for name in names if (item := await PERMITTED.find(tx, vault, name)) is not None]

    return await means.storage.read(read)


async def find(means: Means, vault: Vault, name: str) -> Item[Permitted]:
    """``Missing`` if there is none of this name."""
    return await means.storage.read(lambda tx: PERMITTED.get(tx, vault, name))


async def withdraw(means: Means, vault: Vault, name: str) -> Item[Permitted]:
    """It is to end now. If that is not heard, ``state`` stays ``withdrawing``, and what was signed is said again by the clock for ``DAYS``."""
    async with means.locks.of(f"{vault.wallet}/permission/{name}"):
        item = await find(means, vault, name)
        if item.value.state in _OVER:
            return item
        at, ask = means.clock(), await _sign(means, item.value)
        value = msgspec.structs.replace(item.value, state="withdrawing", ask=ask, asked_at=at, problem="", next_at=at)
        item = await _replace(means, vault, item, value, point="permission-withdraw")
        return await _tend(means, vault, item)


async def look(means: Means, vault: Vault, name: str) -> Item[Permitted]:
    """Ask what was told by it so far."""
    async with means.locks.of(f"{vault.wallet}/permission/{name}"):
        return await _tend(means, vault, await find(means, vault, name))


async def tend(means: Means, vault: Vault) -> None:
    """What is due by the clock, for each permission by itself."""
    at = means.clock()
    for item in await given(means, vault):
        if item.value.next_at and item.value.next_at <= at:
            await look(means, vault, item.id)


async def _tend(means: Means, vault: Vault, item: Item[Permitted]) -> Item[Permitted]:
    """Say that it ends, or ask what was told; what goes wrong is kept, and tried again a day later."""
    at, value = means.clock(), item.value
    unheard = value.state == "withdrawing" and value.asked_at + DAYS * DAY <= at
    try:
        told = await _post(means, value, _asked(value, at))
        fresh = [token for token in reader.get_strings(told, "receipts", max_items=1_000) if token not in value.receipts]
        receipts = [_check(means, value, token) for token in fresh]
        seen = {peek_receipt(token).receipt_id for token in value.receipts}
        new = [(token, receipt) for token, receipt in zip(fresh, receipts, strict=True) if receipt.receipt_id not in seen]
        state = _STATES.get(reader.get_str(told, "state"), value.state)
        ended = reader.get_instant(told, "withdrawn_at", optional=True) or 0
    except VcError as error:
        over = iso_day(at) > value.expires
        done = over or unheard
        changed = msgspec.structs.replace(
            value, state="over" if over else value.state, problem=f"{error.code}: {error.detail}", next_at=0 if done else at + EVERY
        )
        return await _replace(means, vault, item, changed, point="permission-answer")
    done = state in _OVER
    changed = msgspec.structs.replace(
        value,
        state=state,
        withdrawn_at=ended,
        receipts=(*value.receipts, *(token for token, _ in new)),
        problem="",
        next_at=0 if done else at + EVERY,
    )
    lines = [_told(value, token, receipt) for token, receipt in new]
    if state == "withdrawn" and value.state != "withdrawn":
        lines.append(_withdrawn(value, at=ended or at))
    return await _replace(means, vault, item, changed, point="permission-answer", lines=lines)


def _asked(value: Permitted, at: int) -> bytes:
    """What is posted now; nothing is signed for it."""
    if value.state != "withdrawing":
        if not value.presentation:
            raise Missing("nobody knows whether they got it: you can take it back, not ask about it")
        return render_told(value.permission, value.presentation)
    if not value.ask or value.asked_at + DAYS * DAY <= at:
        raise Unavailable("they did not hear that it is over: take it back once more")
    return value.ask


async def _sign(means: Means, value: Permitted) -> bytes:
    """That it is over, by the key that gave it: because its holder says so, and never by the clock."""
    at, form = means.clock(), formats()[value.format]
    binding = make_binding(WITHDRAW, value.permission, entity=value.entity, at=at, entropy=means.entropy)
    bare = form.disclose(form.parse(value.copy.wire), ())
    wire = await sign_presentation(value.copy, bare, binding, at=at, entropy=means.entropy)
    return render_ask(wire, value.format, what=WITHDRAW, about=value.permission, entity=value.entity)


async def _post(means: Means, value: Permitted, body: bytes) -> dict[str, Any]:
    headers = {"content-type": addressed.MEDIA_TYPE if value.state == "withdrawing" else "application/json"}
    got = await means.fetch(Fetch(url=value.withdraw_at, method="POST", headers=headers, body=body, max_bytes=_MAX_ANSWER))
    if got.status == 404:
        raise Missing("they know of no such permission")
    if got.status != 200:
        raise Unavailable("they did not say how it stands")
    return strict_json.load_object(got.body, max_bytes=_MAX_ANSWER)


def _check(means: Means, value: Permitted, token: str) -> Receipt:
    """A receipt for a use, by the body that told, for what was signed then."""
    exchange = Exchange(presentation=value.presentation, nonce=value.nonce, at=means.clock(), sent_at=value.at)
    receipt = verify_receipt(token, exchange, policy=means.trust())
    if receipt.entity != value.entity:
        raise Untrusted("the receipt is by another organisation than the one that may tell")
    if not receipt.told:
        raise Malformed("the receipt does not say what was told")
    return receipt


async def _replace(
    means: Means, vault: Vault, item: Item[Permitted], value: Permitted, *, point: str, lines: Sequence[Entry] = ()
) -> Item[Permitted]:
    async def unit(tx: Tx) -> Item[Permitted]:
        changed = await PERMITTED.replace(tx, vault, item, value, entropy=means.entropy)
        for line in lines:
            await history.append(tx, vault, line, entropy=means.entropy)
        return changed

    return await means.storage.write(unit, point=point)


# --- lines of the history --------------------------------------------------------------------------------------------------------------------


def _line(value: Permitted, kind: str, *, at: int) -> Entry:
    return Entry(
        seq=0,
        time=at,
        transaction_identifier=value.permission,
        transaction_type=kind,
        transaction_result="success",
        interacting_party_identifier=Party(type="uri", identifier=value.entity),
        interacting_party_name=value.name,
        documents=(value.document,),
    )


def _withdrawn(value: Permitted, *, at: int) -> Entry:
    return _line(value, "permission-withdrawn", at=at)


def _told(value: Permitted, token: str, receipt: Receipt) -> Entry:
    """Somebody was told something: whom and what kind of detail, never what it said."""
    names = ClaimNames(credential_identifier=receipt.recipient, claims=receipt.told)
    return msgspec.structs.replace(_line(value, "told-by-permission", at=receipt.received_at), claims_presented=(names,), receipt=token)
