"""What must be true of a copy before the wallet keeps it. Everything here raises; nothing is kept "for now"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.credentials import CredentialType, all_types
from shared.credentials._marks import without_marks
from shared.errors import Malformed, NotBound, UnknownCredentialType
from shared.formats import Claims, Parsed, formats
from shared.keys import KeyId, PublicKey
from shared.openid4vci import Configuration, KeyDemand
from shared.trust.document_signers import check_document_signer
from shared.trust.policy import Policy
from shared.verify import check_said
from wallet.attester import Attester

_ALG = "ES256"  # of holders' keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A copy that passed: by a trusted issuer, in force, tied to ``key``, nothing hidden in it."""

    id: str
    key: KeyId
    parsed: Parsed
    claims: Claims
    type: CredentialType
    issuer_name: str


def proof_type(configuration: Configuration, attester: Attester | None = None) -> str:
    """How keys are proved: ``jwt``, or ``attestation`` where only that is taken; empty where this wallet cannot do what is demanded."""
    demand = configuration.key_demand
    if _ALG in configuration.proof_algs and (demand is None or (attester is not None and attester.meets(demand))):
        return "jwt"
    if attester is not None and _ALG in configuration.attestation_algs and attester.meets(configuration.attestation_demand or KeyDemand()):
        return "attestation"
    return ""


def type_offered(configuration: Configuration, attester: Attester | None = None) -> str | None:
    """The id of the type, if this wallet reads the format, knows the type and can prove its keys in the way demanded."""
    if configuration.format not in formats() or not configuration.bound or not proof_type(configuration, attester):
        return None
    for kind in all_types().values():
        if kind.vct in {configuration.vct, *configuration.types} or kind.vcdm_type in configuration.types:
            return kind.id
        if configuration.doctype == kind.doctype:
            return kind.id
    return None


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
    """``check_received`` also refuses hidden digests and limits that could be hidden (S3), and claims that break the type's rules."""
    kind = all_types().get(parsed.vct)
    if kind is None:
        raise UnknownCredentialType("this wallet does not know that type of document", where="/vct")
    signer = check_document_signer(policy, parsed.x5c, parsed.doctype, at) if parsed.doctype else None
    if signer is not None:
        parsed = signer.name(parsed)
    leaf = signer or policy.check_issuer(parsed.x5c, parsed.issuer, parsed.vct, at, kid=parsed.kid)
    claims = formats()[parsed.format].check_received(parsed, leaf.public, holder=holder, at=at)
    check_said(leaf, claims, at=at)
    return Checked(id=str(key), key=key, parsed=parsed, claims=claims, type=kind, issuer_name=leaf.subject)


def same_document(one: Checked, other: Checked) -> bool:
    """Whether both say the same, in whatever format: where one of them can leave nothing out, marks aside."""
    if one.type is not other.type or one.claims.issuer != other.claims.issuer:
        return False
    if all(formats()[each.parsed.format].withholds for each in (one, other)):
        return one.claims.claims == other.claims.claims
    said = [without_marks(each.type, each.claims.claims) for each in (one, other)]
    return said[0] == said[1]


def fullest(checked: Sequence[Checked]) -> Checked:
    """Of the copies of one document one that says all of it, marks included, where any does."""
    return next((each for each in checked if formats()[each.parsed.format].withholds), checked[0])


def _check_alike(checked: Sequence[Checked]) -> None:
    """Copies that differ would tell one showing from another."""
    first = checked[0]
    for one in checked[1:]:
        if not same_document(first, one):
            raise Malformed("the copies of this document do not all say the same", where="/credentials")
