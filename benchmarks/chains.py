"""A chain of three levels, from a court over the court service to the ministry, resolved from statements that are held already.

Every call looks for the way anew and checks all of it: four signatures, times, names, keys, constraints, policies and entitlements. Only how a
statement reads, and what the same superiors' policies come to together, is remembered from call to call, as it is while a service runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.jws import SHA256, raw
from benchmarks.measure import Row, interleaved, row
from shared.clock import DAY, system_clock
from shared.flow import run
from shared.keys import KeyId, PublicKey, Unsigned
from shared.trust.chain import FETCH_ENDPOINT, TrustChain, answer_from, resolve
from shared.trust.entitlements import Entitlement, Grants
from shared.trust.federation_anchor import FederationAnchor
from shared.trust.federation_keys import FederationKey
from shared.trust.statements import EntityStatement, parse_statement, prepare_entity_configuration, prepare_subordinate_statement

NOW = system_clock()
KEY = KeyId("federation")
MINISTRY, COURTS, COURT = "https://justice.example", "https://courts.example", "https://leeds.courts.example"
VCT = "urn:fdc:vct.example:2027:order:1"
SAYS = (Entitlement(vct=VCT, since=NOW - 300 * DAY),)
POLICY = {
    "openid_credential_issuer": {
        "contacts": {"add": ["help@justice.example"]},
        "algs": {"subset_of": ["ES256", "ES384"], "essential": True},
    }
}
CONSTRAINTS = {
    "max_path_length": 1,
    "naming_constraints": {"permitted": [".example"]},
    "allowed_entity_types": ["openid_credential_issuer"],
}


class Body:
    """An entity with its key."""

    def __init__(self, entity: str) -> None:
        self.entity = entity
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.key = FederationKey.of(PublicKey.of(self.private.public_key()))

    def sign(self, unsigned: Unsigned[str]) -> EntityStatement:
        return parse_statement(unsigned.complete(raw(self.private, unsigned.signing_input)))

    def itself(self, metadata: Mapping[str, Any], *hints: str) -> EntityStatement:
        named = {"organization_name": self.entity, FETCH_ENDPOINT: f"{self.entity}/fetch"}
        unsigned = prepare_entity_configuration(
            entity=self.entity, keys=(self.key,), at=NOW - 60, exp=NOW + DAY, metadata={"federation_entity": named, **metadata},
            authority_hints=hints, key=KEY, signer=self.key,
        )  # fmt: skip
        return self.sign(unsigned)

    def of(self, other: Body, **how: Any) -> EntityStatement:
        unsigned = prepare_subordinate_statement(
            issuer=self.entity, subject=other.entity, keys=(other.key,), at=NOW - 60, exp=NOW + DAY, key=KEY, signer=self.key, **how
        )
        return self.sign(unsigned)


def resolving() -> Row:
    """Floor: the four raw signatures over the same bytes."""
    top, middle, leaf = Body(MINISTRY), Body(COURTS), Body(COURT)
    issuer = {"openid_credential_issuer": {"display": ["Leeds"], "algs": ["ES256", "EdDSA"], "contacts": ["clerk@leeds.courts.example"]}}
    chain = [
        leaf.itself(issuer, COURTS),
        middle.of(leaf, grants=Grants(entitlements=SAYS), metadata_policy=POLICY),
        top.of(middle, grants=Grants(accredits=SAYS), metadata_policy=POLICY, constraints=CONSTRAINTS),
        top.itself({}),
    ]
    answer = answer_from([*chain, middle.itself({}, MINISTRY)])
    anchors = [FederationAnchor(entity=MINISTRY, keys=(top.key,), name="Justice", vcts=(VCT,))]
    signed = [(body.private, each.jws.signing_input) for body, each in zip((leaf, middle, top, top), chain, strict=True)]
    checks = [(private.public_key(), private.sign(data, SHA256), data) for private, data in signed]

    def floor() -> None:
        for public, signature, data in checks:
            public.verify(signature, data, SHA256)

    def ours() -> TrustChain:
        return run(resolve(COURT, anchors, at=NOW, vct=VCT), answer)

    assert ours().check_entitled(VCT, NOW).vct == VCT
    assert ours().metadata["openid_credential_issuer"]["algs"] == ["ES256"]
    return row("chain resolve", interleaved({"floor": floor, "ours": ours}), bar=0.60)
