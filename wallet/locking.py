"""Locked links around copies that were made out: sealed for the key that the asked body has registered, else with seven words (rule S28,
docs/adr/0016-locked-to-a-key.md). A file or a link to be sent; with words the service itself can show it instead.

What was sent cannot be called back. Withdrawing closes what the service shows, and takes a file off the list; a file that left stays good
until its end, or until the issuing office cancels the document: then later checks fail.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from shared import addressed, sealed_link
from shared.codec import base64url
from shared.credentials import Text, all_types
from shared.errors import Conflict
from shared.formats import formats
from shared.inbox import Inbox
from shared.sealed_link import Detail, Link
from shared.storage import Tx
from wallet import register
from wallet.cards import lines
from wallet.keep import Vault
from wallet.links import LockedLink
from wallet.means import Means
from wallet.records import ADDRESSED, LOCKED, Item
from wallet.sessions import Addressed
from wallet.views import KEPT, View, Views, take_back

MAX_ADDRESS = 60_000  # characters of a link that mail programs and browsers still take; beyond, the file goes


@dataclass(frozen=True, slots=True)
class Made:
    """``words`` are told by another way; they are in no storage. Empty where a key opens it."""

    item: Item[LockedLink]
    words: str


@dataclass(frozen=True, slots=True)
class Keyed:
    """Who has registered a key for what a copy is for. ``name`` is the registered one: it stands on the link in clear, what a holder calls somebody
    does not. ``until`` is the end of the certificate that names the key: so long it is kept, also where another one follows it.
    """

    name: Text
    inbox: Inbox
    until: int


async def key_for(means: Means, made: Addressed) -> Keyed | None:
    """The key of the asked body for that use, or for all of the body; ``None`` where none is registered. From what was kept, never from the network."""
    party = (await register.register(means)).certificates.get(made.entity)
    if party is None or party.expires_at <= means.clock():
        return None
    inbox = party.inbox_for(made.purpose_id)
    return None if inbox is None else Keyed(party.name, inbox, party.expires_at)


async def lock(means: Means, vault: Vault, views: Views, copy: str, *, uses: int = 0, words: bool | None = None) -> Made:
    """Seal the copy of that name. With ``uses`` the service shows it that many times at most, with words; else it is to be sent.

    ``words`` says whether words open it or a key, ``None``: a key where one is registered. ``Missing``, or ``Conflict`` once the copy has run
    out, or where the key is wanted and none is registered any more.
    """
    made = (await means.storage.read(lambda tx: ADDRESSED.get(tx, vault, copy))).value
    at = means.clock()
    if made.expires_at <= at:
        raise Conflict("this copy has run out; make a new one")
    keyed = None if words or uses else await key_for(means, made)
    if keyed is None and words is False:
        raise Conflict("this organisation has no registered key any more; lock it with words")
    link = link_of(made, await _name(means, made) if keyed is None else keyed.name)
    if keyed is not None:
        link = replace(link, until=min(link.until, keyed.until))
    told = "" if keyed is not None else sealed_link.generate_words(means.entropy)
    async with means.reading:  # one at a time, for it takes a processor
        if keyed is None:
            token = await asyncio.to_thread(sealed_link.seal, link, told, entropy=means.entropy)
        else:
            token = await asyncio.to_thread(sealed_link.seal_for, link, keyed.inbox)
    view = await views.ready(token, until=made.expires_at, uses=uses) if uses else None
    kept = LockedLink(
        at=at,
        copy=copy,
        entity=made.entity,
        name=link.name.en,
        expires_at=link.until,
        token="" if view else token,
        view=view.id if view else "",
        keyed=keyed is not None,
    )
    name = base64url.encode(means.entropy(16))

    async def unit(tx: Tx) -> Item[LockedLink]:
        if view is not None:
            await view.put(tx)
        return await LOCKED.put(tx, vault, name, kept, entropy=means.entropy)

    return Made(await means.storage.write(unit, point="locked"), told)


async def _name(means: Means, made: Addressed) -> Text:
    """What the holder calls the asked body, with its registered Welsh name where that is the registered English one."""
    called = await register.calling(means, "cy")
    return Text(made.name, called(made.entity, made.name))


def link_of(made: Addressed, name: Text) -> Link:
    """What is sealed: the copy itself, and what it shows in plain words of both languages. A photo is in the copy alone."""
    copy = addressed.parse_file(made.file)
    title, details = Text("", ""), []
    for wires in copy.vp_token.values():
        for wire in wires:
            form = formats()[copy.format]
            parsed = form.parse(wire)
            seen, kind = form.peek(parsed), all_types()[parsed.vct]
            title = kind.title
            pairs = zip(lines(kind, seen.claims), lines(kind, seen.claims, "cy"), strict=True)
            details += [
                Detail(label=Text(one.label, other.label), value=Text(one.value, other.value)) for one, other in pairs if not one.picture
            ]
    ready = next((found for kind in all_types().values() if (found := kind.query(copy.purpose_id)) is not None), None)
    purpose = Text(copy.purpose_id, copy.purpose_id) if ready is None else ready.title
    return Link(name=name, until=made.expires_at, title=title, purpose=purpose, details=tuple(details), copy=copy)


async def all_links(means: Means, vault: Vault) -> Sequence[Item[LockedLink]]:
    """Newest first."""
    items = await means.storage.read(lambda tx: LOCKED.all(tx, vault))
    return sorted(items, key=lambda item: -item.value.at)


async def get(means: Means, vault: Vault, name: str) -> Item[LockedLink]:
    """``Missing``."""
    return await means.storage.read(lambda tx: LOCKED.get(tx, vault, name))


async def who_looked(views: Views, link: LockedLink) -> View | None:
    """What the service counted; ``None`` for a link that was sent, of which nobody hears."""
    return await views.find(link.view) if link.view else None


async def withdraw(means: Means, vault: Vault, views: Views, name: str) -> Item[LockedLink]:
    """Close what the service shows; of what was sent only the list knows."""
    item = await get(means, vault, name)
    if item.value.withdrawn_at:
        return item
    if item.value.view:
        await views.close(item.value.view)
    value = msgspec.structs.replace(item.value, withdrawn_at=means.clock(), token="")
    return await means.storage.write(lambda tx: LOCKED.replace(tx, vault, item, value, entropy=means.entropy), point="withdrawn")


async def drop_over(means: Means, vault: Vault) -> None:
    """Links leave the list some weeks after their end, and with them what the service showed: nothing of a wallet lies here that it knows nothing of."""
    oldest = means.clock() - KEPT
    over = [item for item in await all_links(means, vault) if item.value.expires_at <= oldest]
    if not over:
        return

    async def drop(tx: Tx) -> None:
        for item in over:
            await take_back(tx, item.value.view)
            await LOCKED.drop(tx, vault, item.id)

    await means.storage.write(drop, point="locked-over")


def state_of(link: LockedLink, view: View | None, at: int) -> str:
    """``withdrawn``, ``over``, ``closed`` (all uses or tries are gone), or ``open``."""
    if link.withdrawn_at:
        return "withdrawn"
    if link.expires_at <= at:
        return "over"
    return "closed" if link.view and (view is None or not view.token) else "open"
