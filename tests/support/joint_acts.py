"""Two attorneys who must act together, at a desk that asks them one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from support.desk import PATHS, Running, present
from support.signing import Signer
from support.trial_verify import CLAIMS

from shared.openid4vp import agreed_members, render_response

TAG = "q83vEjRWeJCrze8SNFZ4kA"
LPA_2 = CLAIMS | {"decision_rule": "jointly", "cardinality": 2, "instrument_tag": TAG}
PETER_NAMES = {"given_name": "Peter", "family_name": "Ashdown", "birthdate": "1971-07-30", "appointment_type": "original"}
SHOWN = (*PATHS, ("instrument_tag",), ("attorney_number",))
NORA, PETER = Signer.new(), Signer.new()
ASK = {"query": "bank-together"}


async def answer_of(
    desk: Running, asked: Mapping[str, Any], *, number: int = 1, by: Signer = NORA, signs: Any = None, paths: Any = SHOWN, **changes: Any
) -> bytes:
    """What one attorney posts; ``signs`` are other entries than those that were asked."""
    request = await desk.read(asked)
    proxy = CLAIMS["proxy"] if number == 1 else PETER_NAMES
    claims = LPA_2 | {"attorney_number": number, "proxy": proxy} | changes.pop("claims", {})
    extra = agreed_members(request.transaction_data if signs is None else signs)
    token = present(
        request, at=desk.clock(), paths=paths, by=by, to=by, seed=f"{number}", binding={"extra": extra}, claims=claims, **changes
    )
    return render_response(request, token)


async def agree(desk: Running, asked: Mapping[str, Any], **how: Any) -> tuple[int, dict[str, Any]]:
    """One attorney answers."""
    return await desk.post(asked, await answer_of(desk, asked, **how))


async def next_of(desk: Running, asked: Mapping[str, Any]) -> dict[str, Any]:
    status, made = await desk.call("POST", f"/api/presentation-requests/{asked['id']}/next")
    assert status == 201, made
    return dict(made)
