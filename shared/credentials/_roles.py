"""As what the holder of a document acts, and for whom: an agent is always seen as one (domain rule R2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ._claim import Text
from ._model import CredentialType

_ADMINISTRATOR: Final = Text("administrator", "gweinyddwr")
_ROLES: Final[Mapping[str, Mapping[str, Text]]] = {
    "representation_kind": {
        "power_of_attorney": Text("attorney", "atwrnai"),
        "deputyship": Text("deputy", "dirprwy"),
        "appointeeship": Text("appointee", "penodai"),
    },
    "authority_level": {
        "informant": Text("the person who told the registrar", "y sawl a hysbysodd y cofrestrydd"),
        "named-executor": Text("executor named in the will", "ysgutor a enwir yn yr ewyllys"),
        "grant-of-probate": Text("executor", "ysgutor"),
        "letters-of-administration": _ADMINISTRATOR,
        "letters-with-will": _ADMINISTRATOR,
    },
}
"""By the detail that says so, which is always in clear."""
_ANOTHER: Final = "acts_for_another"
_SOLICITOR: Final = Text("solicitor", "cyfreithiwr")


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """``name`` is whom it is for, empty where that was not shown; ``role`` is ``None`` where the kind of document does not say.

    ``estate``: of that person, who has died; its holder is nobody's agent.
    """

    name: str
    role: Text | None
    estate: bool = False


def acting(kind: CredentialType, claims: Mapping[str, Any]) -> Acting | None:
    """What ``claims`` of that kind say; ``None`` for a document that its holder shows for nobody else."""
    role = next((roles.get(str(claims.get(said))) for said, roles in _ROLES.items() if said in claims), None)
    for_another = claims.get(_ANOTHER)
    if for_another is True:
        return Acting(name=name_at(kind.represents, claims), role=_SOLICITOR)
    if for_another is False:
        return Acting(name=name_at(kind.about, claims), role=role, estate=True)
    return Acting(name=name_at(kind.represents, claims), role=role) if kind.represents else None


def name_at(place: tuple[str, ...], claims: Mapping[str, Any]) -> str:
    """The full name below a path, as far as it is there."""
    found: Any = claims
    for part in place:
        found = found.get(part) if isinstance(found, Mapping) else None
    names = (found.get("given_name"), found.get("family_name")) if place and isinstance(found, Mapping) else ()
    return " ".join(name for name in names if isinstance(name, str))
