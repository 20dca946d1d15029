"""For whom a holder acts, as what, and with whom: the sentences on cards, consent pages and terminals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shared.credentials import CredentialType
from shared.credentials._joint import CARDINALITY
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


def needed(claims: Mapping[str, Any]) -> int:
    """How many have to act together, by the document; 0 where it does not say."""
    found = claims.get(str(CARDINALITY[0]))
    return found if type(found) is int else 0


def together_words(agreed: int, needed: int, translate: Callable[[str], str]) -> str:
    """Who else has to agree: ``agreed`` have by the word of whoever asks, ``needed`` must by the document, 0 where it does not say."""
    words = {"agreed": agreed, "needed": max(needed, agreed + 1)}
    if not agreed:
        first = translate("You are the first of {needed} who have to agree.") if needed else translate("You are the first who agrees.")
        return f"{first} {translate('It counts only once the others have agreed too. They have 7 days.')}".format(**words)
    if agreed + 1 < needed:
        return translate("They say that {agreed} of {needed} have agreed. After you, others still have to.").format(**words)
    return translate("They say that {agreed} of {needed} have agreed to the same. With you it counts.").format(**words)
