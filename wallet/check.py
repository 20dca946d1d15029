"""What must be true of a copy before the wallet keeps it. Everything here raises; nothing is kept "for now"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.credentials import CredentialType, Disclosure, all_types
from shared.credentials._tree import leaves
from shared.errors import BadDisclosure, Malformed, NotBound, UnknownCredentialType, VcError
from shared.formats import Claims, Parsed, formats
from shared.keys import KeyId, PublicKey
from shared.openid4vci import Configuration
from shared.trust.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A copy that passed: by a trusted issuer, in force, tied to ``key``, nothing hidden in it."""

    id: str
    key: KeyId
    parsed: Parsed
    claims: Claims
    type: CredentialType
    issuer_name: str


def is_usable(configuration: Configuration) -> bool:
    """Whether this wallet reads the format, knows the type and can prove its keys in the way demanded."""
    if configuration.format not in formats() or not configuration.bound or configuration.needs_attestation:
        return False
    known = all_types()
    if configuration.vct is not None:
        return configuration.vct in known
    return any(each.vcdm_type in configuration.types for each in known.values())


def check_batch(
    bound: Mapping[KeyId, Parsed],
    bearer: Sequence[Parsed],
    keys: Mapping[KeyId, PublicKey],
    *,
    policy: Policy,
    at: int,
    before: Sequence[Checked] = (),
) -> list[Checked]:
    """Every copy of one answer. ``before`` are the copies of the same document in another format: all must say the same."""
    if bearer:
        raise NotBound("a copy is not tied to any key, so that whoever finds it could use it", where="/credentials")
    if not bound:
        raise Malformed("the issuer sent no copy", where="/credentials")
    checked = [_check_copy(key, parsed, keys[key], policy=policy, at=at) for key, parsed in bound.items()]
    _check_alike([*before, *checked])
    return checked


def _check_copy(key: KeyId, parsed: Parsed, holder: PublicKey, *, policy: Policy, at: int) -> Checked:
    kind = all_types().get(parsed.vct)
    if kind is None:
        raise UnknownCredentialType("this wallet does not know that type of document", where="/vct")
    leaf = policy.check_issuer(parsed.x5c, parsed.issuer, parsed.vct, at)
    claims = formats()[parsed.format].check_received(parsed, leaf.public, holder=holder, at=at)
    kind.check(claims.claims)
    _check_limits(kind, parsed)
    return Checked(id=str(key), key=key, parsed=parsed, claims=claims, type=kind, issuer_name=leaf.subject)


def _check_limits(kind: CredentialType, parsed: Parsed) -> None:
    """A limit that could be withheld is no limit (S3)."""
    peeked = formats()[parsed.format].peek(parsed)
    hidden = set(peeked.disclosable)
    for path, claim, _ in leaves(kind.tree, peeked.claims):
        if claim.disclosure is Disclosure.ALWAYS and any(path[:size] in hidden for size in range(1, len(path) + 1)):
            raise BadDisclosure("a limit of this document could be hidden by whoever shows it", where="/" + "/".join(map(str, path)))


def _check_alike(checked: Sequence[Checked]) -> None:
    """Copies that differ would tell one showing from another."""
    first = checked[0]
    for one in checked[1:]:
        if one.type is not first.type or one.claims.claims != first.claims.claims or one.claims.issuer != first.claims.issuer:
            raise Malformed("the copies of this document do not all say the same", where="/credentials")


def describe_failure(error: VcError) -> str:
    """The failed check in one line for the history."""
    return f"{error.code}{f' at {error.where}' if error.where else ''}: {error.detail}"
