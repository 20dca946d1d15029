"""Credential identifiers: one for each document that a token is good for and each configuration of it (OpenID4VCI sections 6.2 and 8.2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from issuer.office import Configuration, Office
from issuer.records.invitations import Held
from shared.errors import InvalidAuthorizationDetails
from shared.openid4vci import AuthorizationDetail


def identifier_of(configuration: str, place: int) -> str:
    """``representation-sd-jwt.0``: good within its token alone, so it tells nothing and needs no secret."""
    return f"{configuration}.{place}"


def split_identifier(identifier: str) -> tuple[str, int] | None:
    """Configuration and place; ``None`` for what is no identifier of ours."""
    configuration, _, place = identifier.rpartition(".")
    return (configuration, int(place)) if configuration and place.isascii() and place.isdigit() and len(place) < 4 else None


def details_of(office: Office, configurations: Sequence[str], held: Iterable[Held]) -> tuple[AuthorizationDetail, ...]:
    """What a token response says that it is good for, document by document."""
    known = list(held)
    found = []
    for name in configurations:
        kind = office.configurations[name].type.id
        identifiers = tuple(identifier_of(name, each.place) for each in known if each.type == kind)
        if identifiers:
            found.append(AuthorizationDetail(configuration_id=name, identifiers=identifiers))
    return tuple(found)


def asked_for(office: Office, details: Sequence[AuthorizationDetail], allowed: Collection[str]) -> tuple[str, ...]:
    """The configurations that ``details`` name; ``InvalidAuthorizationDetails`` for one that is not among ``allowed``, or meant elsewhere."""
    for position, detail in enumerate(details):
        where = f"/authorization_details/{position}"
        if detail.locations and office.settings.public_url not in detail.locations:
            raise InvalidAuthorizationDetails("meant for another issuer", where=f"{where}/locations")
        if detail.configuration_id not in allowed:
            raise InvalidAuthorizationDetails("this is not to be had here", where=f"{where}/credential_configuration_id")
    return tuple(dict.fromkeys(detail.configuration_id for detail in details))


def ambiguous(configurations: Iterable[Configuration], held: Iterable[Held]) -> bool:
    """Whether a configuration alone does not say which document is meant."""
    types = [each.type for each in held]
    return any(types.count(configuration.type.id) > 1 for configuration in configurations)
