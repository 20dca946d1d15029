"""Two attorneys who must act together, at a desk that asks them one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from support.desk import BANK, PATHS, Running, present
from support.signing import AT, Signer
from support.trial_verify import CLAIMS, Dice, issue, show

from shared import addressed
from shared.addressed import AddressedPresentation
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


def joint_copy(
    *,
    number: int = 1,
    by: Signer = NORA,
    transaction: str | None = "abcd" * 6,
    seed: str = "",
    purpose: str = "bank-together",
    tag: str = TAG,
    at: int = AT,
    **claims: Any,
) -> AddressedPresentation:
    """A copy by which one attorney agrees."""
    binding = addressed.make_binding(entity=BANK, purpose_id=purpose, at=at, entropy=Dice(f"copy {number}{seed}"), transaction=transaction)
    proxy = CLAIMS["proxy"] if number == 1 else PETER_NAMES
    told = LPA_2 | {"attorney_number": number, "proxy": proxy, "instrument_tag": tag} | claims
    paths = (*SHOWN, ("restrictions_text",)) if "restrictions_text" in told else SHOWN
    shown = show(issue(seed=f"{number}{seed}", claims=told, to=by), paths=paths, binding=binding, by=by, at=at)
    return AddressedPresentation(format="dc+sd-jwt", aud=addressed.audience(BANK), purpose_id=purpose, vp_token={purpose: (shown,)})


async def agree(desk: Running, asked: Mapping[str, Any], **how: Any) -> tuple[int, dict[str, Any]]:
    """One attorney answers."""
    return await desk.post(asked, await answer_of(desk, asked, **how))


async def next_of(desk: Running, asked: Mapping[str, Any]) -> dict[str, Any]:
    status, made = await desk.call("POST", f"/api/presentation-requests/{asked['id']}/next")
    assert status == 201, made
    return dict(made)
