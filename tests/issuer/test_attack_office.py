"""What other programs and people of the same office must not get at."""

from __future__ import annotations

from time import monotonic

import pytest
from support.registry import LPA_1, Registry

from issuer import revoke
from issuer.operator_api import CHANGE, CREATE, READ
from issuer.revoke import Wish
from issuer.sessions import Action, Actor
from shared.clock import system_entropy
from shared.errors import Malformed
from shared.web import api_keys


async def named_alike(registry: Registry) -> str:
    return (
        await registry.office.storage.write(
            lambda tx: api_keys.create(tx, name="letters", scopes=(CREATE, READ, CHANGE), at=registry.clock(), entropy=system_entropy)
        )
    ).token


async def test_keys_of_one_name_do_not_share_their_answers(registry: Registry) -> None:
    """The repeated answer holds link and collection code: it is for the key that asked, not for any of that name."""
    body = {"type": "representation", "claims": LPA_1}
    first, second = await named_alike(registry), await named_alike(registry)
    made = []
    for key in (first, second, first):
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "once"}
        async with registry.http.post(registry.base + "/api/credentials", json=body, headers=headers) as answer:
            assert answer.status == 201
            made.append(await answer.json())
    assert made[0] == made[2]
    assert made[0]["id"] != made[1]["id"]
    assert made[0]["code"] != made[1]["code"]


async def test_references_in_many_pieces_cost_nothing(registry: Registry) -> None:
    """Bringing marks in the wrong order to one spelling takes minutes, during which nothing else runs in the process."""
    wish = Wish(action=Action.CANCEL, reason="donor-died", actor=Actor(role="approver", name="Iris"))
    begun = monotonic()
    with pytest.raises(Malformed):
        await revoke.change_many(registry.office, ["a" + "\u0301\u0323" * 100_000], wish, preview=True, confirm_count=None)
    assert monotonic() - begun < 10  # on a busy machine; bringing it to one spelling takes half a minute of a quick one
