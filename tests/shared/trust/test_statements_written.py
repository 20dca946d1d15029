from __future__ import annotations

from typing import Any

import pytest
from support.federation import COURT, COURTS, DAY, MINISTRY, Tree, signed
from support.signing import AT, Signer

from shared.errors import Malformed, PolicyError, VcError
from shared.keys import KeyId, Role, check_role
from shared.trust.constraints import Constraints
from shared.trust.entitlements import Entitlement, Grants
from shared.trust.statements import (
    HeldMark,
    MarkOwner,
    check_statement,
    parse_statement,
    prepare_entity_configuration,
    prepare_subordinate_statement,
)

TREE = Tree()
LEAF, MIDDLE = TREE.leaf, TREE.middle
KEY = KeyId("federation")
MARK = signed({"trust_mark_type": "urn:mark"}, Signer.new(), typ="trust-mark+jwt")


def own(**how: Any) -> str:
    said: dict[str, Any] = {"entity": COURT, "keys": (LEAF.key,), "at": AT, "exp": AT + DAY, "metadata": {}, "key": KEY, "signer": LEAF.key}
    return LEAF.signer.finish(prepare_entity_configuration(**(said | how)))


def of(**how: Any) -> str:
    said: dict[str, Any] = {
        "issuer": COURTS,
        "subject": COURT,
        "keys": (LEAF.key,),
        "at": AT,
        "exp": AT + DAY,
        "key": KEY,
        "signer": MIDDLE.key,
    }
    return MIDDLE.signer.finish(prepare_subordinate_statement(**(said | how)))


def test_a_configuration_is_written_and_read_back() -> None:
    whole = parse_statement(
        own(
            metadata={"federation_entity": {"organization_name": "Leeds"}},
            authority_hints=[COURTS],
            trust_marks=[HeldMark("urn:mark", MARK)],
            trust_mark_issuers={"urn:mark": [MINISTRY]},
            trust_mark_owners={"urn:mark": MarkOwner(MINISTRY, (LEAF.key,))},
        )
    )
    check_statement(whole, (LEAF.key,), at=AT)
    assert (whole.name, whole.authority_hints, whole.trust_marks) == ("Leeds", (COURTS,), (HeldMark("urn:mark", MARK),))
    assert (whole.trust_mark_issuers, whole.trust_mark_owners) == (
        {"urn:mark": (MINISTRY,)},
        {"urn:mark": MarkOwner(MINISTRY, (LEAF.key,))},
    )
    plain = parse_statement(own())
    assert (plain.metadata, plain.authority_hints, plain.trust_marks, plain.trust_mark_issuers, plain.trust_mark_owners) == (
        {},
        (),
        (),
        {},
        {},
    )


def test_a_subordinate_statement_is_written_and_read_back() -> None:
    grants = Grants(entitlements=(Entitlement(vct="urn:a", since=1, jurisdiction=("GB",)),), may_register=("GB",))
    policy = {"a": {"b": {"value": 1}}}
    whole = parse_statement(
        of(
            metadata={"a": {"c": 2}},
            metadata_policy=policy,
            constraints={"max_path_length": 1},
            grants=grants,
            source_endpoint=MIDDLE.fetch,
        )
    )
    check_statement(whole, (MIDDLE.key,), at=AT)
    assert (whole.metadata, whole.metadata_policy, whole.grants, whole.source_endpoint) == ({"a": {"c": 2}}, policy, grants, MIDDLE.fetch)
    assert whole.constraints == Constraints(max_path_length=1)
    plain = parse_statement(of())
    assert (plain.metadata, plain.metadata_policy, plain.constraints, plain.grants, plain.crit) == ({}, None, None, Grants(), ())


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ({"exp": AT + 8 * DAY}, Malformed),
        ({"subject": "x"}, Malformed),
        ({"metadata_policy": {"a": {"b": {"value": None, "default": 1}}}}, PolicyError),
        ({"constraints": {"allowed_entity_types": ["federation_entity"]}}, Malformed),
    ],
)
def test_what_nobody_would_take_is_not_written(how: dict[str, Any], error: type[VcError]) -> None:
    with pytest.raises(error):
        of(**how)


def test_only_a_federation_key_signs_them() -> None:
    check_role(Role.FEDERATION, "entity-statement+jwt")
    for role in set(Role) - {Role.FEDERATION}:
        with pytest.raises(VcError):
            check_role(role, "entity-statement+jwt")
