"""For whom a holder acts, and as what: the sentence on cards, consent pages and terminals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shared.credentials import CredentialType
from shared.credentials._roles import acting


def acting_words(kind: CredentialType, claims: Mapping[str, Any], translate: Callable[[str], str], locale: str) -> str:
    """Empty for a document that is shown for nobody else; an executor is nobody's agent, and a solicitor no attorney."""
    found = acting(kind, claims)
    if found is None:
        return ""
    role = "" if found.role is None else found.role.in_(locale)
    if found.estate:
        if not found.name:
            return translate("You are dealing with an estate as {role}.").format(role=role)
        return translate("You are dealing with the estate of {name} as {role}.").format(name=found.name, role=role)
    name = found.name or translate("somebody")
    if not role:
        return translate("You are acting for {name}.").format(name=name)
    return translate("You are acting for {name} as {role}.").format(name=name, role=role)
