"""Telling several organisations at once what a document says: a copy for each, with what it registered for and no more, agreed to once.

Whom the holder picks is agreed to and kept (``telling``) before a copy is made. Each copy goes in a unit of work of its own together with its
letter (``sent``): whoever was interrupted goes on with those that are missing, and no letter is made twice. Copies share nothing (S22).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import msgspec

from shared.clock import DAY
from shared.codec import base64url, strict_json
from shared.credentials import CredentialType, Disclosure, ReadyQuery, Text
from shared.credentials._derive import leaves
from shared.credentials._joint import TAG, is_joint
from shared.credentials._marks import without_marks
from shared.errors import AccessDenied, Conflict, Malformed, Missing, VcError
from shared.formats import formats
from shared.inbox import Inbox, Letter, seal_letter
from shared.receipts import presentation_bytes
from shared.storage import Tx
from shared.trust.registered_use import RegisteredUse, Want
from shared.trust.relying_party import RpCertificate
from shared.web.finding import fits
from wallet import history, register
from wallet.cards import fresh_copies, key_of, type_of
from wallet.choose import LOOK_AGAIN, Offer
from wallet.keep import Vault
from wallet.means import Means
from wallet.outbox import Outbox
from wallet.records import DOCUMENTS, SENT, TELLINGS, Item
from wallet.registered import agreed_to, wider, words_of
from wallet.sent import Body, Sent, Telling, fault_of
from wallet.sent import key_of as body_key
from wallet.sessions import Document
from wallet.share import SMALL, Signed, Wish, keep, preview, sign_out, told_in

DAYS: Final = 14
MOST: Final = 100
"""Organisations that are told at once."""
TICKET: Final = 16
PREFERRED: Final = "dc+sd-jwt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A registered use that may be told what the document says. ``claims`` are the details that it needs, ``lacks`` what of it is not there.

    ``query`` is the ready question of that name, where no more is registered than it takes: of a list it asks for single elements.
    """

    party: RpCertificate
    use: RegisteredUse
    inbox: Inbox | None
    claims: tuple[str, ...]
    lacks: tuple[Text, ...]
    query: str | None

    @property
    def key(self) -> str:
        return body_key(self.party.entity, self.use.id)

    def fits(self, wanted: str) -> bool:
        """Whether all words of ``wanted`` are in its names."""
        said = (self.party.name, self.use.title, self.use.purpose)
        return fits(wanted, [self.party.entity, *(each for one in said for each in (one.en, one.cy))])


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one organisation would learn. ``offer`` is ``None`` where nothing in the wallet answers it; ``more``: it has registered for more than
    when the holder last agreed.
    """

    choice: Choice
    offer: Offer | None
    told: str
    more: bool
    about: str = ""
    about_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What agreeing would do. ``seen`` names all of it; ``fresh`` copies nobody has seen."""

    document: Item[Document]
    parts: tuple[Part, ...]
    seen: str
    fresh: int
    word: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """An earlier copy."""

    jti: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """What the holder picked: keys of choices. ``word`` says why those hear again who had ``about``, by key."""

    document: str
    keys: Sequence[str]
    word: str = ""
    about: Mapping[str, About] = field(default_factory=dict)


async def choices(means: Means, document: Document) -> list[Choice]:
    """Who has registered to be told this kind of thing, by name. From what was kept, never from the network."""
    found = [each for party in (await register.register(means)).certificates.values() for each in _choices(party, document, means.clock())]
    return sorted(found, key=lambda one: (one.party.name.en.casefold(), one.use.title.en.casefold(), one.key))


async def choice_of(means: Means, document: Document, entity: str, use: str) -> Choice | None:
    """One of them, if it may be told."""
    party = (await register.register(means)).certificates.get(entity)
    found = [] if party is None else _choices(party, document, means.clock())
    return next((each for each in found if each.use.id == use), None)


def _choices(party: RpCertificate, document: Document, at: int) -> list[Choice]:
    kind = type_of(document)
    wants = [(use, want) for use in party.uses for want in use.wants if want.vct == kind.vct_int and not _for_several(kind, use, want)]
    made = [_choice(document, party, use, want) for use, want in wants] if at < party.expires_at else []
    return [each for each in made if each is not None]


def _for_several(kind: CredentialType, use: RegisteredUse, want: Want) -> bool:
    """Whether several people would have to agree to the same: nobody is told of which instrument a document is by the way (S22, S26)."""
    ready, mark = kind.query(use.id), kind.claim(TAG)
    if ready is not None and is_joint(ready):
        return True
    return mark is not None and any(group.cwt in want.required for group in kind.groups if group.id == mark.group)


def _choice(document: Document, party: RpCertificate, use: RegisteredUse, want: Want) -> Choice | None:
    """``None`` where the document says nothing that it waits for."""
    kind = type_of(document)
    claims, lacks = _needed(kind, document, want)
    ready = kind.query(use.id)
    if ready is not None and not _meant(kind, document, ready):
        return None
    if ready is not None and _asked(kind, ready) <= set(want.required):
        paths = {key_of(path) for path in ready.paths}
        claims = tuple(name for name in claims if name in paths)
    else:
        ready = None
    query = None if ready is None else ready.id
    return Choice(party=party, use=use, inbox=party.inbox_for(use.id), claims=claims, lacks=lacks, query=query) if claims else None


def _asked(kind: CredentialType, ready: ReadyQuery) -> set[int | None]:
    """The numbers of the groups that a ready question takes."""
    numbers = {group.id: group.cwt for group in kind.groups}
    claims = [claim for path in ready.paths if (claim := kind.claim(path)) is not None]
    return {numbers[claim.group] for claim in claims if claim.disclosure is not Disclosure.ALWAYS}


def _meant(kind: CredentialType, document: Document, ready: ReadyQuery) -> bool:
    """A ready question may ask for what the document does not say: of a marriage nobody tells those who wait for a death."""
    said = [(claim.path, value) for _, claim, value in leaves(kind, document.claims)]
    return all(any(path == one and value in values for one, value in said) for path, values in ready.values.items())


def _needed(kind: CredentialType, document: Document, want: Want) -> tuple[tuple[str, ...], tuple[Text, ...]]:
    """The details of the necessary groups that the document has, and the labels of groups of which it has none."""
    groups = {group.cwt: group for group in kind.groups if group.cwt}
    needed = [groups[number] for number in want.required if number in groups]
    told = without_marks(kind, document.claims)
    held = [claim for _, claim, _ in leaves(kind, told) if claim.disclosure is not Disclosure.ALWAYS]
    names = {group.id for group in needed}
    claims = tuple(dict.fromkeys(key_of(claim.path) for claim in held if claim.group in names))
    has = {claim.group for claim in held}
    return claims, tuple(group.label for group in needed if group.id not in has)


async def look(means: Means, vault: Vault, picked: Picked) -> Plan:
    """What each would learn, before anything is made. ``Malformed`` for nobody, too many, or somebody who is not registered for it."""
    item = await means.storage.read(lambda tx: DOCUMENTS.get(tx, vault, picked.document))
    keys = list(dict.fromkeys(picked.keys))
    if not 1 <= len(keys) <= MOST:
        raise Malformed(f"choose between 1 and {MOST} organisations", where="to")
    known = {choice.key: choice for choice in await choices(means, item.value)}
    if unknown := [key for key in keys if key not in known]:
        raise Malformed(f"not registered to be told this: {unknown[0]}", where="to")
    parts = [await _part(means, vault, item.value, known[key], picked.about.get(key)) for key in keys]
    said = [[part.choice.key, part.told, part.about, _address(part.choice)] for part in parts]
    seen = base64url.encode(sha256(strict_json.dumps([item.id, picked.word, said])).digest())
    return Plan(document=item, parts=tuple(parts), seen=seen, fresh=fresh(means, item.value), word=picked.word)


async def _part(means: Means, vault: Vault, document: Document, choice: Choice, about: About | None) -> Part:
    more = await means.storage.read(lambda tx: wider(tx, vault, choice.party.entity, choice.use)) is not None
    try:
        offer = await preview(means, vault, _wish(document, choice))
    except AccessDenied:
        return Part(choice=choice, offer=None, told="", more=more)
    told = told_in(type_of(document), formats()[offer.format].peek(offer.disclose(offer.sample, ())).claims)
    if about is None:
        return Part(choice=choice, offer=offer, told=told, more=more)
    return Part(choice=choice, offer=offer, told=told, more=more, about=about.jti, about_at=about.at)


def _wish(document: Document, choice: Choice, told: str | None = None) -> Wish:
    return Wish(
        entity=choice.party.entity,
        name=choice.party.name.en,
        purpose_id=choice.use.id,
        type=document.type,
        query=choice.query,
        claims=() if choice.query else choice.claims,
        document=document.id,
        days=DAYS,
        whole_days=True,
        told=told,
        small=choice.inbox is None,
    )


def fresh(means: Means, document: Document) -> int:
    """Copies of which one each can go to somebody new."""
    return sum(len(fresh_copies(document, form, means.clock())) for form in (SMALL, PREFERRED))


async def tell(
    means: Means, vault: Vault, outbox: Outbox, name: str, picked: Picked, *, seen: str | None = None, wish: bytes = b""
) -> Item[Telling]:
    """The holder agreed. Asked again under the same ``name`` it changes nothing; ``wish`` is a digest of what a program asked for by it.

    ``Conflict`` where somebody would learn something else than what was ``seen``. Copies that cannot be made yet are made by ``carry_on``.
    """
    async with means.locks.of(f"{vault.wallet}/tell/{name}"):
        found = await means.storage.read(lambda tx: TELLINGS.find(tx, vault, name))
        if found is None:
            plan = await look(means, vault, picked)
            if seen is not None and plan.seen != seen:
                raise Conflict(LOOK_AGAIN)
            bodies = tuple(_body(part) for part in plan.parts if part.offer is not None)
            if not bodies:
                raise AccessDenied("no document in this wallet can tell them this")
            value = Telling(at=means.clock(), document=picked.document, bodies=bodies, word=picked.word, wish=wish)
            await means.storage.write(lambda tx: TELLINGS.put(tx, vault, name, value, entropy=means.entropy), point="telling")
        elif found.value.wish != wish:
            raise Conflict("this name was used for something else")
    return await carry_on(means, vault, outbox, name)


def _body(part: Part) -> Body:
    choice = part.choice
    return Body(
        entity=choice.party.entity,
        use=choice.use.id,
        name=choice.party.name.en,
        told=part.told,
        inbox=_address(choice),
        about=part.about,
        about_at=part.about_at,
    )


def _address(choice: Choice) -> str:
    """Where its letter goes; empty where the holder hands it over."""
    return "" if choice.inbox is None else choice.inbox.url


async def carry_on(means: Means, vault: Vault, outbox: Outbox, name: str) -> Item[Telling]:
    """Make every copy and letter that is missing; one that cannot be made does not keep the others from it.

    After ``DAYS``, or once the holder has stopped it, nothing is made any more: what was agreed to is that they are told now (check T-FC-5).
    """
    async with means.locks.of(f"{vault.wallet}/tell/{name}"):
        item = await means.storage.read(lambda tx: TELLINGS.get(tx, vault, name))
        missing = await means.storage.read(lambda tx: _missing(tx, vault, item))
        if item.value.given_up or not missing:
            return await _note(means, vault, item, faults=item.value.faults if missing else {}, given_up=item.value.given_up)
        if means.clock() >= item.value.at + DAYS * DAY:
            return await _note(means, vault, item, faults=item.value.faults, given_up=True)
        faults: dict[str, str] = {}
        for body in missing:
            try:
                await _make(means, vault, outbox, item, body)
            except VcError as error:
                faults[body.key] = fault_of(error)
        return await _note(means, vault, item, faults=faults, given_up=False)


async def stop(means: Means, vault: Vault, name: str) -> Item[Telling]:
    """The holder will not have the rest told: copies that are not made yet are never made. Letters that are made stay as they are."""
    async with means.locks.of(f"{vault.wallet}/tell/{name}"):
        item = await get(means, vault, name)
        missing = await means.storage.read(lambda tx: _missing(tx, vault, item))
        return await _note(means, vault, item, faults=item.value.faults, given_up=item.value.given_up or bool(missing))


async def _note(means: Means, vault: Vault, item: Item[Telling], *, faults: dict[str, str], given_up: bool) -> Item[Telling]:
    if faults == item.value.faults and given_up == item.value.given_up:
        return item
    value = msgspec.structs.replace(item.value, faults=faults, given_up=given_up)
    return await means.storage.write(lambda tx: TELLINGS.replace(tx, vault, item, value, entropy=means.entropy), point="telling-on")


async def _missing(tx: Tx, vault: Vault, item: Item[Telling]) -> list[Body]:
    return [body for body in item.value.bodies if await SENT.find(tx, vault, name_of(vault, item.id, body)) is None]


def name_of(vault: Vault, telling: str, body: Body) -> str:
    """The opaque name of a letter."""
    return vault.tag("sent", telling, body.key)


async def _make(means: Means, vault: Vault, outbox: Outbox, item: Item[Telling], body: Body) -> None:
    document = (await means.storage.read(lambda tx: DOCUMENTS.get(tx, vault, item.value.document))).value
    choice = await choice_of(means, document, body.entity, body.use)
    if choice is None:
        raise Missing("the organisation is not registered for this any more")
    if body.inbox is not None and body.inbox != _address(choice):
        raise Conflict("its letters go somewhere else now than when this was agreed to")
    signed, ticket = await sign_out(means, vault, _wish(document, choice, body.told)), means.entropy(TICKET)
    ready = None
    if choice.inbox is not None:
        jwe = seal_letter(Letter(signed.made.file, ticket, body.about), choice.inbox)
        ready = await outbox.ready(url=choice.inbox.url, jwe=jwe, ticket=ticket, until=signed.made.expires_at)

    use, name = choice.use, choice.party.name.en
    said = words_of(use, choice.party.anchor if choice.party.registrar is None else choice.party.registrar.name.en)

    async def unit(tx: Tx) -> None:
        copy = await keep(tx, means, vault, signed, told=lambda line: history.for_use(line, use, said))
        await agreed_to(tx, means, vault, use, entity=choice.party.entity, name=name)
        value = _sent(item, body, signed, copy.id, ticket, row="" if ready is None else ready.id)
        await SENT.put(tx, vault, name_of(vault, item.id, body), value, entropy=means.entropy)
        if ready is not None:
            await ready.put(tx)

    await means.storage.write(unit, point="sent")


def _sent(item: Item[Telling], body: Body, signed: Signed, copy: str, ticket: bytes, *, row: str) -> Sent:
    return Sent(
        at=signed.made.at,
        telling=item.id,
        body=body,
        document=item.value.document,
        word=item.value.word,
        copy=copy,
        jti=signed.jti,
        nonce=signed.binding.nonce or "",
        ticket=ticket,
        presentation=presentation_bytes(signed.vp_token) if row else b"",
        shown=signed.made.shown,
        expires_at=signed.made.expires_at,
        by_hand=not row,
        row=row,
    )


async def carry_on_all(means: Means, vault: Vault, outbox: Outbox) -> None:
    """What is still to be made for this wallet, where there are copies again."""

    async def unfinished(tx: Tx) -> list[str]:
        items = [item for item in await TELLINGS.all(tx, vault) if not item.value.given_up]
        return [item.id for item in items if await _missing(tx, vault, item)]

    for name in await means.storage.read(unfinished):
        await carry_on(means, vault, outbox, name)


async def tellings(means: Means, vault: Vault) -> Sequence[Item[Telling]]:
    """Newest first."""
    items = await means.storage.read(lambda tx: TELLINGS.all(tx, vault))
    return sorted(items, key=lambda item: (-item.value.at, item.id))


def reference_of(vault: Vault, name: str) -> str:
    """By what its holder finds the telling of that ``name`` again, as ``3F2A-91BC``. Nobody else learns it: bodies could compare it (S22)."""
    tag = vault.tag("telling-reference", name)[:8].upper()
    return f"{tag[:4]}-{tag[4:]}"


async def letters(means: Means, vault: Vault, item: Item[Telling]) -> list[tuple[Body, Item[Sent] | None]]:
    """Each of its organisations with the letter to it, if that is made."""

    async def read(tx: Tx) -> list[tuple[Body, Item[Sent] | None]]:
        return [(body, await SENT.find(tx, vault, name_of(vault, item.id, body))) for body in item.value.bodies]

    return await means.storage.read(read)


async def get(means: Means, vault: Vault, name: str) -> Item[Telling]:
    """``Missing``."""
    return await means.storage.read(lambda tx: TELLINGS.get(tx, vault, name))
