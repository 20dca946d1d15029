"""Operators with an account elsewhere: which groups of theirs are let in, and as what.

    elsewhere = elsewhere_of(settings, directory, roles=("clerk", "admin"), back=…)     ``None`` for nowhere; ``ConfigError``
    role      = elsewhere.role_of(claims)                                                 ``None`` where no group is let in

``claims`` are those of an ID token that ``oidc`` has checked. Groups are its word alone; nothing else is fetched.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ConfigError, Malformed, VcError
from ..private_file import read_secret
from ..urls import check_identifier
from . import operators
from .oidc import Provider
from .settings import OperatorSettings

MOST_GROUPS = 2_000
MAX_NAME = 90  # characters; a number may follow
_NAMED_BY = ("name", "preferred_username", "email")


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """``roles`` says which group has which role, ``ranks`` which roles there are, the lowest first."""

    provider: Provider
    name: str
    claim: str
    roles: Mapping[str, str]
    ranks: Sequence[str]
    hours: int

    def role_of(self, claims: Mapping[str, Any]) -> str | None:
        """The highest role of the groups in ``claims``; ``Malformed`` where that claim is no list of names."""
        held = {self.roles[group] for group in groups_in(claims, self.claim) if group in self.roles}
        return max(held, key=self.ranks.index, default=None)


def groups_in(claims: Mapping[str, Any], claim: str) -> tuple[str, ...]:
    """A list of names, or one; none where the claim is missing. ``Malformed``."""
    found = claims.get(claim, [])
    groups = [found] if isinstance(found, str) else found
    if not isinstance(groups, list) or len(groups) > MOST_GROUPS or not all(isinstance(group, str) for group in groups):
        raise Malformed("groups are a list of names", where=f"/{claim}")
    return tuple(groups)


def name_in(claims: Mapping[str, Any]) -> str:
    """What a person is called on our pages: what the provider says, on one line, without what cannot be seen; empty for nothing."""
    for claim in _NAMED_BY:
        said = claims.get(claim)
        seen = "".join(char if char.isprintable() else " " for char in said[:1_000]) if isinstance(said, str) else ""
        name = " ".join(unicodedata.normalize("NFC", seen).split())[:MAX_NAME].strip()
        if operators.fold(name):
            return name
    return ""


def elsewhere_of(settings: OperatorSettings, directory: Path, *, ranks: Sequence[str], back: str) -> Elsewhere | None:
    """As the settings say; ``None`` for nowhere. ``ConfigError`` names the setting that does not fit."""
    if not settings.operator_login_issuer:
        return None
    for name in ("operator_login_client_id", "operator_login_name", "operator_login_roles"):
        if not getattr(settings, name):
            raise ConfigError(f"operators who sign in elsewhere need {name} too", where=name)
    try:
        check_identifier(settings.operator_login_issuer)
    except VcError as error:
        raise ConfigError("operator_login_issuer is not the identifier of a provider", where="operator_login_issuer") from error
    file = directory / settings.operator_login_secret_file
    provider = Provider(
        issuer=settings.operator_login_issuer,
        client_id=settings.operator_login_client_id,
        secret=read_secret(file).decode() if file.exists() else "",
        redirect_uri=back,
        scopes=("openid", *settings.operator_login_scopes),
    )
    return Elsewhere(
        provider=provider,
        name=settings.operator_login_name,
        claim=settings.operator_login_claim,
        roles=_roles(settings.operator_login_roles, ranks),
        ranks=ranks,
        hours=settings.operator_login_hours,
    )


def _roles(entries: Sequence[str], ranks: Sequence[str]) -> dict[str, str]:
    """``GROUP=ROLE``; a group's own name may have `=` in it."""
    roles: dict[str, str] = {}
    for entry in entries:
        group, _, role = (part.strip() for part in entry.rpartition("="))
        if not group or role not in ranks or group in roles:
            raise ConfigError(
                f"operator_login_roles names each group once, as GROUP=ROLE with one of {', '.join(ranks)}", where="operator_login_roles"
            )
        roles[group] = role
    return roles
