"""What this office publishes as a registrar: a certificate of each organisation (rp-cert), its key, and the register for programs and people.

A certificate lives a month and is made anew at half of it, and whenever it says something else or the federation key is another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from issuer.federation.registrar import read_key
from issuer.office import Office
from issuer.records import askers
from issuer.records.askers import Asker, AskerKey, Certificate, State
from shared.clock import DAY
from shared.codec import base64url, strict_json
from shared.credentials import Text, all_types
from shared.keys import Role, sign
from shared.storage import Tx
from shared.trust.application import parse_application
from shared.trust.artefact import RP_CERTIFICATE, Artefact
from shared.trust.register_json import SCHEMA, render_party, render_versions
from shared.trust.registered_use import Registrar, render_uses
from shared.trust.relying_party import MAX_RP_DAYS, prepare_rp_certificate
from shared.trust.snapshot import KeyHistory, KeyState
from shared.web.entity import FederationSigner, name_of

REGISTERED, REGISTERED_JSON = "/registered", "/registered.json"
_HALF: Final = MAX_RP_DAYS * DAY // 2


@dataclass(frozen=True, slots=True)
class Registry:
    """All that is known of those who are registered here; ``everybody`` are those in force."""

    everybody: Sequence[Asker]
    keys: Sequence[AskerKey]
    certificates: Mapping[str, Certificate]

    @property
    def content(self) -> list[object]:
        """What is said of them, dates left out."""
        return [[_said(each) for each in self.everybody], [[each.thumbprint, each.compromised_at] for each in self.keys]]

    def is_due(self, at: int) -> bool:
        """Whether the time of a certificate is half over."""
        return any(at >= each.issued_at + _HALF for each in self.certificates.values())


async def read(tx: Tx, at: int) -> Registry:
    everybody = [each for each in await askers.everybody(tx) if each.state is State.ACTIVE and (each.ends_at or 0) > at]
    return Registry(everybody, await askers.keys(tx), await askers.certificates(tx))


def _said(each: Asker) -> str:
    told = [each.entity, each.country, each.name, each.name_cy, each.jwk, base64url.encode(render_uses(each.uses)), each.ends_at]
    return base64url.encode(sha256(strict_json.dumps(told)).digest())


def registrar_of(office: Office) -> Registrar:
    """This office, as certificates name it."""
    settings = office.settings
    return Registrar(entity=settings.public_url, name=name_of(settings, settings.name), address=office.url(REGISTERED_JSON))


async def certify(office: Office, known: Registry, signer: FederationSigner, at: int) -> list[Certificate]:
    """One of each organisation, kept for half its life."""
    return [await _certificate(office, each, signer, known.certificates.get(each.entity), at) for each in known.everybody]


async def _certificate(office: Office, each: Asker, signer: FederationSigner, before: Certificate | None, at: int) -> Certificate:
    registrar = registrar_of(office)
    told = [signer.key.kid, _said(each), registrar.name.en, registrar.name.cy]
    content = base64url.encode(sha256(strict_json.dumps(told)).digest())
    if before is not None and before.content == content and at < before.issued_at + _HALF:
        return before
    days = max(1, min(MAX_RP_DAYS, ((each.ends_at or at) - at) // DAY))
    unsigned = prepare_rp_certificate(
        anchor=office.settings.public_url,
        anchor_public=signer.key.public,
        key=signer.name,
        entity=each.entity,
        public=read_key(each.jwk),
        name=Text(each.name, each.name_cy),
        uses=each.uses,
        at=at,
        days=days,
        registrar=registrar,
        country=each.country,
        by_registrar=True,
    )
    data = await sign(unsigned, office.custodian)
    return Certificate(entity=each.entity, content=content, issued_at=at, expires_at=at + days * DAY, data=data)


def files(made: Iterable[Certificate]) -> list[Artefact]:
    """What the snapshot names."""
    return [Artefact(media_type=RP_CERTIFICATE, data=each.data) for each in made]


def with_askers(keys: Iterable[KeyHistory], known: Registry) -> list[KeyHistory]:
    """Keys of those below, and of those who are registered: one history a key.

    An organisation that is below this office too keeps what was said of its key there; a key that it proved is nobody else's.
    """
    found = {each.thumbprint: each for each in keys}
    begun = {each.thumbprint: each for each in known.keys}
    for asker in known.everybody:
        history = KeyHistory.of(read_key(asker.jwk), role=Role.RELYING_PARTY, entity=asker.entity, since=0)
        said = found.get(history.thumbprint)
        if said is None or (said.entity, said.role) != (asker.entity, Role.RELYING_PARTY):
            found[history.thumbprint] = replace(history, since=begun[history.thumbprint].begun_at)
    for each in known.keys:
        if each.compromised_at is not None:
            found[each.thumbprint] = _compromised(each, each.compromised_at)
    return list(found.values())


def _compromised(each: AskerKey, at: int) -> KeyHistory:
    return KeyHistory(
        role=Role.RELYING_PARTY,
        entity=each.entity,
        kid=base64url.encode(base64url.decode(each.thumbprint)[:8]),
        thumbprint=each.thumbprint,
        state=KeyState.COMPROMISED,
        since=each.begun_at,
        until=at,
        reason="compromised",
    )


# --- the register for everybody ----------------------------------------------------------------------------------------------------------


async def register_json(office: Office) -> dict[str, Any]:
    """Who may ask for what, what was announced, and what changed when; the same for everybody."""
    kinds, by = tuple(all_types().values()), registrar_of(office)

    async def unit(tx: Tx) -> list[tuple[Asker, list[dict[str, Any]]]]:
        return [(each, render_versions(await askers.versions(tx, each.entity), kinds)) for each in await askers.everybody(tx)]

    parties, announced = [], []
    for each, versions in await office.storage.read(unit):
        if each.state is State.ACTIVE:
            name = Text(each.name, each.name_cy)
            party = render_party(entity=each.entity, name=name, uses=each.uses, registrar=by, types=kinds)
            parties.append(party | {"country": each.country, "until": each.ends_at, "versions": versions})
        elif versions:
            parties.append({"identifier": each.entity, "ended": each.ended_at, "versions": versions})
        if each.wanted is not None and each.counts_at is not None:
            said = parse_application(each.wanted)
            party = render_party(entity=each.entity, name=said.name, uses=said.uses, registrar=by, types=kinds)
            announced.append(party | {"country": each.next_country, "from": each.counts_at})
    return {"schema": SCHEMA, "parties": parties, "announced": announced}
