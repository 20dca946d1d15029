"""Invitations: read from a link, or found at an issuer whose address the holder typed. Nothing is collected here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.clock import DAY
from shared.codec import strict_json
from shared.errors import Malformed, Refused
from shared.flow import arun
from shared.openid4vci import (
    AUTHORIZATION_CODE,
    AuthorizationCodeGrant,
    Configuration,
    CredentialOffer,
    Metadata,
    OfferReference,
    TxCode,
    offer_metadata,
    parse_offer,
    parse_offer_link,
    render_offer,
    resolve_offer,
)
from shared.storage import Tx
from shared.urls import check_identifier, split
from wallet.batch import usable
from wallet.check import type_offered
from wallet.clients import metadata_of, signed_by
from wallet.keep import Vault
from wallet.means import Means
from wallet.records import RECEIVING, Item
from wallet.sessions import CodeLook, Offered, Promised, Receiving

KEEP_INVITATIONS = 60 * DAY


async def read_invitation(means: Means, vault: Vault, link: str, *, locale: str = "en") -> Item[Receiving]:
    """Follow the link to the offer and its issuer's metadata, and remember both. The same invitation twice is one thing.

    ``locale``: the language in which issuer and documents are named, where the issuer has it.

    What was read before is not asked for again: an invitation that was redeemed no longer lies where its link leads.
    """
    found = parse_offer_link(link.strip(), plain_http=means.plain_http)
    lies_at = found.uri if isinstance(found, OfferReference) else ""
    known = await _known(means, vault, lies_at)
    if known is not None:
        return known
    offer = await arun(resolve_offer(link.strip(), plain_http=means.plain_http), means.fetch)
    metadata = await metadata_for(means, offer)
    wanted = usable(means, metadata, offer.configuration_ids)
    grant = offer.authorization_code or AuthorizationCodeGrant()
    once = grant.issuer_state if offer.pre_authorized is None else offer.pre_authorized.code
    receiving = _receiving(means, metadata, offer, wanted, locale=locale, lies_at=lies_at if once else "")
    return await _remember(means, vault, receiving, vault.tag("invitation", offer.issuer, once) if once else "")


async def metadata_for(means: Means, offer: CredentialOffer) -> Metadata:
    """What issuer and server of an offer say now."""
    return await arun(offer_metadata(offer, plain_http=means.plain_http, signed=signed_by(means, offer.issuer)), means.fetch)


async def _known(means: Means, vault: Vault, lies_at: str) -> Item[Receiving] | None:
    items = await means.storage.read(lambda tx: RECEIVING.all(tx, vault)) if lies_at else []
    return next((item for item in items if item.value.lies_at == lies_at), None)


async def _remember(means: Means, vault: Vault, receiving: Receiving, name: str) -> Item[Receiving]:
    """Under ``name``, by which it is found again; without one it can be taken up any number of times."""
    fresh = name or means.entropy(12).hex()

    async def remember(tx: Tx) -> Item[Receiving]:
        here = await RECEIVING.find(tx, vault, fresh)
        return here or await RECEIVING.put(tx, vault, fresh, receiving, entropy=means.entropy)

    return await means.storage.write(remember, point="invite")


def _receiving(
    means: Means, metadata: Metadata, offer: CredentialOffer, wanted: Sequence[Configuration], *, locale: str, lies_at: str = ""
) -> Receiving:
    return Receiving(
        at=means.clock(),
        lies_at=lies_at,
        issuer=offer.issuer,
        issuer_name=metadata.issuer.name(locale) or "",
        titles=tuple(dict.fromkeys(_title(configuration, locale) for configuration in wanted)),
        offer=strict_json.dumps(render_offer(offer)).decode(),
        code=None if offer.pre_authorized is None else _look(offer.pre_authorized.tx_code),
        state=Offered(),
        sign_in_at="" if offer.pre_authorized is not None else _sign_in_at(metadata),
    )


def _sign_in_at(metadata: Metadata) -> str:
    """The host that the holder will be sent to."""
    if not metadata.server.takes_codes or metadata.server.authorization_endpoint is None:
        raise Refused("signing in at this issuer does not work in a way that this wallet trusts", where="/grants")
    return split(metadata.server.authorization_endpoint).netloc


def _title(configuration: Configuration, locale: str) -> str:
    display = configuration.metadata.get("display") or [{}]
    spoken = [each for each in display if str(each.get("locale", "")).partition("-")[0] == locale]
    name = (spoken or display)[0].get("name")
    return name[:100] if isinstance(name, str) else configuration.id[:100]


def _look(code: TxCode | None) -> CodeLook | None:
    if code is None:
        return None
    return CodeLook(numeric=code.input_mode == "numeric", length=code.length, description=code.description)


def offer_of(means: Means, receiving: Receiving) -> CredentialOffer:
    """The offer of an invitation."""
    return parse_offer(receiving.offer, plain_http=means.plain_http)


# --- without an invitation ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """What an issuer makes that this wallet can keep: titles by the id of the type, and where the holder would sign in."""

    issuer: str
    name: str
    sign_in_at: str
    titles: Mapping[str, str]


def address_of(typed: str, plain_http: Sequence[str] = ()) -> str:
    """What a person types for an issuer, as its identifier; ``Malformed`` for what is no address."""
    address = typed.strip()
    return check_identifier(address if "://" in address else f"https://{address}", where="issuer", plain_http=plain_http)


async def look_at(means: Means, issuer: str, *, locale: str = "en") -> Kinds:
    """Ask an issuer what it makes. ``Refused`` where there is nothing for this wallet, or no sign-in that it trusts."""
    metadata = await metadata_of(means, issuer, grant=AUTHORIZATION_CODE)
    by_type = _by_type(means, metadata)
    if not by_type:
        raise Refused("this issuer makes no kind of document that this wallet knows", where="issuer")
    titles = {kind: _title(some[0], locale) for kind, some in by_type.items()}
    return Kinds(issuer=issuer, name=metadata.issuer.name(locale) or "", sign_in_at=_sign_in_at(metadata), titles=titles)


def _by_type(means: Means, metadata: Metadata) -> dict[str, list[Configuration]]:
    by_type: dict[str, list[Configuration]] = {}
    for configuration in metadata.issuer.configurations.values():
        kind = type_offered(configuration, means.attester)
        if kind is not None:
            by_type.setdefault(kind, []).append(configuration)
    return by_type


async def choose(means: Means, vault: Vault, issuer: str, kind: str, *, locale: str = "en") -> Item[Receiving]:
    """An invitation of the holder's own making: every format of one type. ``Malformed`` for a type that the issuer does not make."""
    metadata = await metadata_of(means, issuer, grant=AUTHORIZATION_CODE)
    wanted = _by_type(means, metadata).get(kind)
    if not wanted:
        raise Malformed("this issuer does not make that document", where="type")
    ids = tuple(configuration.id for configuration in wanted)
    offer = CredentialOffer(issuer=issuer, configuration_ids=ids, authorization_code=AuthorizationCodeGrant())
    return await _remember(means, vault, _receiving(means, metadata, offer, wanted, locale=locale), "")


async def forget_old(means: Means, vault: Vault) -> None:
    """Invitations that were dealt with, or nobody took up, leave the wallet after a while; what an issuer has promised does not."""
    oldest = means.clock() - KEEP_INVITATIONS
    items = await means.storage.read(lambda tx: RECEIVING.all(tx, vault))
    old = [item.id for item in items if item.value.at < oldest and not isinstance(item.value.state, Promised)]

    async def drop(tx: Tx) -> None:
        for name in old:
            await RECEIVING.drop(tx, vault, name)

    if old:
        await means.storage.write(drop, point="forgotten")
