"""How a request stands to the register that this wallet keeps, and what the holder knew of the organisation before (domain sheet C23).

Looking up reveals nothing: the register is here already, for all organisations alike (security rule S21). The certificate that a request
brings along counts only where nothing was ever heard of the anchor that signed it; else the kept register knows better (S17). What the
holder last agreed to is kept for each organisation and use, sealed like everything else of the wallet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec

from shared.credentials import Text
from shared.errors import PurposeMismatch, VcError
from shared.openid4vp import JOINT, IntendedUse, RequestObject, ResolvedRequest
from shared.storage import Tx
from shared.trust.registered_use import RegisteredUse, Widening, parse_uses, render_uses, widening
from shared.trust.relying_party import RpCertificate, parse_rp_certificate, verify_rp_certificate
from shared.web import heard
from wallet import register
from wallet.entries import Registered, Words
from wallet.keep import Vault
from wallet.known_uses import OTHER_USE, REGISTERED, UNREGISTERED, KnownUse, Registration
from wallet.means import Means
from wallet.narrow import Narrowed, apart, narrow
from wallet.records import KNOWN_USES, Item
from wallet.sessions import Request


async def look_up(means: Means, resolved: ResolvedRequest) -> Registration | None:
    """How the request stands; ``None`` where nobody knows who asks."""
    if not resolved.proved:
        return None
    party = await _party(means, resolved.party, resolved.use)
    if party is None:
        return Registration(standing=UNREGISTERED)
    use = None if resolved.use is None else party.use(resolved.use.identifier)
    registrar = {"en": party.anchor, "cy": party.anchor}
    if party.registrar is not None:
        registrar = {"en": party.registrar.name.en, "cy": party.registrar.name.cy}
    if use is None:
        return Registration(standing=OTHER_USE, registrar=registrar)
    return Registration(standing=REGISTERED, registrar=registrar, use=render_uses((use,)))


async def _party(means: Means, entity: str, use: IntendedUse | None) -> RpCertificate | None:
    """As it is registered: by the kept register, else by what it brings along from an anchor that was never heard."""
    try:
        return (await register.register(means)).find(entity, at=means.clock())
    except VcError:
        pass
    try:
        return None if use is None or use.registration is None else await _carried(means, entity, use.registration)
    except VcError:
        return None


async def _carried(means: Means, entity: str, data: bytes) -> RpCertificate | None:
    one, trust = parse_rp_certificate(data), register.askers(means)
    known = await means.storage.read(heard.seen)
    silent = replace(trust, anchors=tuple(each for each in trust.anchors if each.fingerprint not in known))
    verify_rp_certificate(one, silent, at=means.clock())
    return one if one.entity == entity else None


def use_of(request: Request) -> RegisteredUse | None:
    """What is registered for the request."""
    found = request.registration
    return parse_uses(found.use)[0] if found is not None and found.use else None


def asked_of(request: Request, asked: RequestObject) -> Narrowed:
    """The question as far as it may be answered: whole where nobody registered what this organisation may ask, nothing of another use.

    Only where several people are to agree to the same somebody is asked of which instrument theirs is.
    """
    use = use_of(request)
    together = any(entry.type == JOINT for entry in asked.transaction_data)
    query, left_out = (asked.query, ()) if together else apart(asked.query)
    if use is not None:
        narrowed = narrow(query, use)
        return replace(narrowed, left_out=left_out + narrowed.left_out) if left_out else narrowed
    other = request.registration is not None and request.registration.standing == OTHER_USE
    return Narrowed(query=None if other else query, left_out=left_out)


def check_use(request: Request) -> None:
    """``PurposeMismatch`` for a use that the organisation has not registered: nothing is shown for it (domain check T-FC-1)."""
    if request.registration is not None and request.registration.standing == OTHER_USE:
        raise PurposeMismatch("the organisation has not registered this use", where="/verifier_info")


def told(request: Request, asked: RequestObject) -> Registered | msgspec.UnsetType:
    """For the history: what the register said of who asked, and what they asked beyond it."""
    found, use = request.registration, use_of(request)
    if found is None:
        return msgspec.UNSET
    registrar = found.registrar.get("en", "")
    if use is None:
        return Registered(standing=found.standing, registrar=registrar)
    left_out = tuple(label.en for label in asked_of(request, asked).left_out)
    return msgspec.structs.replace(words_of(use, registrar), standing=found.standing, left_out=left_out)


async def told_of(means: Means, entity: str, use: str) -> Registered | msgspec.UnsetType:
    """For the history: what the register that was kept says of a use that a phone showed something for; nothing where it knows of none."""
    try:
        party = (await register.register(means)).find(entity, at=means.clock())
    except VcError:
        return msgspec.UNSET
    found = party.use(use)
    if found is None:
        return msgspec.UNSET
    return words_of(found, party.anchor if party.registrar is None else party.registrar.name.en)


def words_of(use: RegisteredUse, registrar: str) -> Registered:
    """What the register says of a use, for the history."""
    return Registered(
        standing=REGISTERED,
        registrar=registrar,
        benefit=_both(use.benefit),
        could_we_stop_asking=_both(use.could_stop),
        authority="" if use.authority is None else use.authority.en,
        authority_contact=use.authority_contact or "",
        retention_days=use.retention_days,
    )


def _both(words: Text | None) -> tuple[Words, ...]:
    return () if words is None else (Words(lang="en", content=words.en), Words(lang="cy", content=words.cy))


# --- what was known before ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class More:
    """What an organisation may ask for now and could not ``since`` the holder last agreed, or first saw it."""

    since: int
    widening: Widening


async def noticed(tx: Tx, vault: Vault, request: Request) -> More | None:
    """New demands, if there are any."""
    use = use_of(request)
    return None if use is None else await wider(tx, vault, request.asker.party, use)


async def wider(tx: Tx, vault: Vault, entity: str, use: RegisteredUse) -> More | None:
    """What the use is registered for now beyond what is remembered of it."""
    known = await KNOWN_USES.find(tx, vault, name_of(vault, entity, use.id))
    if known is None:
        return None
    more = widening(parse_uses(known.value.use)[0], use)
    return More(since=known.value.at, widening=more) if more else None


async def first_seen(tx: Tx, means: Means, vault: Vault, request: Request, *, over_asked: bool) -> None:
    """Remember what is registered, unless something is known already; count whoever asks for more."""
    use = use_of(request)
    if use is None:
        return
    name = name_of(vault, request.asker.party, use.id)
    known = await KNOWN_USES.find(tx, vault, name)
    if known is None:
        value = _known(means, request.asker.party, request.asker.name, use, over_asked=int(over_asked))
        await KNOWN_USES.put(tx, vault, name, value, entropy=means.entropy)
    elif over_asked:
        counted = msgspec.structs.replace(known.value, over_asked=known.value.over_asked + 1)
        await KNOWN_USES.replace(tx, vault, known, counted, entropy=means.entropy)


async def agreed(tx: Tx, means: Means, vault: Vault, request: Request) -> None:
    """The holder has seen what is registered now, and agreed."""
    use = use_of(request)
    if use is not None:
        await agreed_to(tx, means, vault, use, entity=request.asker.party, name=request.asker.name)


async def agreed_to(tx: Tx, means: Means, vault: Vault, use: RegisteredUse, *, entity: str, name: str) -> None:
    """The same of whoever is told without having asked."""
    place = name_of(vault, entity, use.id)
    known = await KNOWN_USES.find(tx, vault, place)
    counted = 0 if known is None else known.value.over_asked
    await KNOWN_USES.save(tx, vault, place, _known(means, entity, name, use, over_asked=counted), entropy=means.entropy)


def _known(means: Means, entity: str, name: str, use: RegisteredUse, *, over_asked: int) -> KnownUse:
    return KnownUse(entity=entity, name=name, id=use.id, use=render_uses((use,)), at=means.clock(), over_asked=over_asked)


async def known_uses(tx: Tx, vault: Vault) -> list[Item[KnownUse]]:
    """All that this wallet remembers."""
    return await KNOWN_USES.all(tx, vault)


def name_of(vault: Vault, entity: str, use: str) -> str:
    """The opaque name of what is remembered of one use."""
    return vault.tag("known use", entity, use)
