"""What this office says of itself in federations, and where it answers as a superior."""

from __future__ import annotations

from typing import Any, Final

from issuer.federation.terms import parse_terms
from issuer.office import Office
from issuer.records import subordinates
from shared.keys import Role
from shared.trust.constraints import FEDERATION_ENTITY
from shared.web import above
from shared.web.entity import OwnEntity, Said, key_ends, name_of, verifying

FETCH, LIST, RESOLVE = "/federation/fetch", "/federation/list", "/federation/resolve"
MARK, MARK_STATUS, MARKED = "/federation/trust-mark", "/federation/trust-mark-status", "/federation/trust-marked"
HISTORICAL, TRUST, JOIN = "/federation/historical-keys", "/federation/trust", "/federation/join"
ENDPOINTS: Final = {
    "federation_fetch_endpoint": FETCH,
    "federation_list_endpoint": LIST,
    "federation_resolve_endpoint": RESOLVE,
    "federation_trust_mark_endpoint": MARK,
    "federation_trust_mark_status_endpoint": MARK_STATUS,
    "federation_trust_mark_list_endpoint": MARKED,
    "federation_historical_keys_endpoint": HISTORICAL,
    "muniment_trust_endpoint": TRUST,
}


def entity_of(office: Office) -> OwnEntity:
    """What this office says of itself in federations."""
    return OwnEntity(
        storage=office.storage,
        custodian=office.custodian,
        clock=office.clock,
        entity=office.settings.public_url,
        url=office.settings.public_url,
        name=name_of(office.settings, office.settings.name),
        hints=office.settings.authority_hints,
        days=office.settings.key_days,
        says=lambda: said_by(office),
    )


async def said_by(office: Office) -> Said:
    """An issuer, with the keys of its documents; where it is a superior, also where it answers as one, and the marks that it issues.

    Its marks are those that it was given by whoever is above it now.
    """
    url = office.settings.public_url
    known = await verifying(office.storage, Role.CREDENTIAL_ISSUER)
    metadata: dict[str, Any] = {"openid_credential_issuer": {"credential_issuer": url, **key_ends(known)}}
    keys = {"openid_credential_issuer": [each.name for each in known]}
    marks = await above.held(office.storage, office.settings.authority_hints, office.clock())
    if not office.settings.superior:
        return Said(metadata, keys, trust_marks=marks)
    everybody = await office.storage.read(subordinates.everybody)
    types = sorted({kind for each in everybody for kind in parse_terms(each.terms).trust_marks})
    metadata[FEDERATION_ENTITY] = {name: office.url(path) for name, path in ENDPOINTS.items()}
    return Said(metadata, keys, {kind: [url] for kind in types}, marks)
