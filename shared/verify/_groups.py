"""Check 9 where a challenge or code asked: by groups of the type, which a compact document discloses whole (docs/ovp.md section 10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..credentials import Claim, CredentialType
from ..errors import OverDisclosed, RequestNotSatisfied
from ..formats import Claims
from ._model import Asked


def check_groups(asked: Sequence[Asked], claims: Claims, types: Mapping[str, CredentialType], *, or_more: bool) -> None:
    """Raise unless the document is of a kind that was asked for, with every required group whole, and with no group beyond the optional ones.

    ``OverDisclosed``, ``RequestNotSatisfied``. With ``or_more`` its holder may have put in further groups. A kind that is not in
    ``types`` has no groups: the check of the type has refused it.
    """
    wanted = next((one for one in asked if one.vct == claims.vct), None)
    if wanted is None:
        raise OverDisclosed("a document came that was not asked for")
    credential_type = types.get(claims.vct)
    if credential_type is None:
        return
    found = (credential_type.claim(path) for path in claims.disclosed)
    shown = {claim.group for claim in found if claim is not None}
    for group in wanted.required:
        if group not in shown or not _whole(credential_type, group, claims):
            raise RequestNotSatisfied(f"the group {group} was asked for and not shown")
    if not or_more and (extra := shown - {*wanted.required, *wanted.optional}):
        raise OverDisclosed(f"the group {min(extra)} was shown and not asked for")


def _whole(credential_type: CredentialType, group: str, claims: Claims) -> bool:
    """Where leaves can be withheld one by one, those that every document of the type has must all be there."""
    return all(_there(claim, claims) for claim in credential_type.claims if claim.group == group and claim.required)


def _there(claim: Claim, claims: Claims) -> bool:
    value: object = claims.claims
    for part in claim.path:
        if part is None:
            return bool(value)
        if not isinstance(value, Mapping) or part not in value:
            return False
        value = value[part]
    return True
