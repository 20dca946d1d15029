"""What a superior lets a body do, and what those above a service say of it, as pages show it; ``federation/parts.html`` draws it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from babel import Locale

from ..codec import strict_json
from ..credentials import all_types
from ..errors import Missing, Unavailable
from ..storage import Tx
from ..trust.constraints import Constraints
from ..trust.entitlements import Entitlement, Grants
from ..trust.metadata_policy import MetadataPolicy
from ..trust.statements import EntityStatement, parse_statement
from . import above
from .above import OwnMark, Superior
from .entity import OwnEntity
from .i18n import N_

Words = Callable[[str], str]
KINDS: Final[Mapping[str, str]] = {
    "openid_credential_issuer": N_("makers of documents"),
    "openid_credential_verifier": N_("organisations that ask"),
    "openid_wallet_provider": N_("makers of wallets"),
}
"""What a person calls entity types."""


def title(vct: str, locale: str) -> str:
    """What a type of document is called, where it is known here."""
    return next((each.title.in_(locale) for each in all_types().values() if each.vct == vct), vct)


def grants_view(grants: Grants, trust_marks: Sequence[str], locale: str, words: Words) -> list[dict[str, Any]]:
    """All that is granted, under its headings; dates stay numbers for the page to show, ``limits`` are words."""
    found = [_entry(words("May make"), each, locale, words) for each in grants.entitlements]
    found += [_entry(words("May let others make"), each, locale, words) for each in grants.accredits]
    for heading, texts in (
        (words("May register who asks, in"), _countries(grants.may_register, locale)),
        (words("May make others registrars, in"), _countries(grants.accredits_registrars, locale)),
        (words("Has the trust mark"), trust_marks),
    ):
        found += [{"label": heading, "title": each, "since": None, "until": None, "limits": []} for each in texts]
    return found


def _countries(codes: Sequence[str], locale: str) -> list[str]:
    return [Locale(locale).territories.get(code, code) for code in codes]


def _entry(label: str, each: Entitlement, locale: str, words: Words) -> dict[str, Any]:
    limits = [
        f"{heading} {', '.join(texts)}"
        for heading, texts in ((words("only for"), each.jurisdiction), (words("only on this basis:"), each.attestation_basis))
        if texts is not None
    ]
    return {"label": label, "title": title(each.vct, locale), "since": each.since, "until": each.until, "limits": limits}


def limits_view(limits: Constraints, policy: MetadataPolicy, words: Words) -> list[dict[str, Any]]:
    """The conditions of a statement: under each heading some lines."""
    found: list[dict[str, Any]] = []
    if limits.max_path_length is not None:
        found.append(
            {
                "label": words("Levels of bodies between it and those who make documents"),
                "lines": [str(limits.max_path_length or words("none"))],
            }
        )
    if limits.types is not None:
        kinds = [words(KINDS[each]) if each in KINDS else each for each in sorted(limits.types)]
        found.append({"label": words("It, and those below it, count only as"), "lines": kinds or [words("members")]})
    if limits.permitted is not None:
        found.append({"label": words("Only addresses at"), "lines": list(limits.permitted) or [words("none")]})
    if limits.excluded:
        found.append({"label": words("No addresses at"), "lines": list(limits.excluded)})
    lines = [
        f"{kind}: {parameter} {operator} {_plain(value)}"
        for kind, parameters in policy.items()
        for parameter, operators in parameters.items()
        for operator, value in operators.items()
    ]
    return [*found, *([{"label": words("What it has to say of itself"), "lines": lines}] if lines else [])]


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return value if isinstance(value, str) else strict_json.dumps(value).decode()


async def said_of_us(own: OwnEntity, locale: str, words: Words) -> list[dict[str, Any]]:
    """What each of those above ``own`` says of it, as it was last heard; ``key`` is false where it vouches for another key than the present one."""
    at, kid = own.clock(), ""
    with suppress(Missing, Unavailable):
        kid = (await own.key()).kid

    async def unit(tx: Tx) -> tuple[dict[str, Superior], list[OwnMark]]:
        return {each.entity: each for each in await above.everybody(tx)}, await above.marks(tx, at)

    heard, marks = await own.storage.read(unit)
    found = []
    for entity in own.hints:
        types = [each.type for each in marks if each.issuer == entity]
        found.append(_said(entity, heard.get(entity), kid, at=at) | _granted(heard.get(entity), types, locale, words))
    return found


def _said(entity: str, found: Superior | None, kid: str, *, at: int) -> dict[str, Any]:
    told = _told(found)
    return {
        "entity": entity,
        "name": entity if found is None else found.name or entity,
        "fault": found is not None and bool(found.fault),
        "tried_at": None if found is None else found.tried_at,
        "until": None if told is None else told.exp,
        "over": told is not None and told.exp <= at,
        "key": told is not None and kid in {each.kid for each in told.keys},
    }


def _granted(found: Superior | None, types: Sequence[str], locale: str, words: Words) -> dict[str, Any]:
    told = _told(found)
    if told is None:
        return {"granted": [], "limits": []}
    limits = limits_view(told.constraints or Constraints(), told.metadata_policy or {}, words)
    return {"granted": grants_view(told.grants, types, locale, words), "limits": limits}


def _told(found: Superior | None) -> EntityStatement | None:
    return None if found is None or not found.statement else parse_statement(found.statement)
