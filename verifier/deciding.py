"""What is thought of an answer: when it comes, and whenever it is looked at once more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from shared.addressed import AddressedPresentation, audience
from shared.dcql import parse_query
from shared.flow import run
from shared.formats import NOTHING, Binding
from shared.openid4vp import hashes_of
from shared.verify import Agreed, Decision, Expectation, verify
from verifier.check import judge_copy
from verifier.desk import Desk
from verifier.material import Picture
from verifier.sessions import Asked, transactions
from verifier.settle import Opened

FRESH: Final = 300  # seconds that a holder's signature may be old


def decide(
    asked: Asked,
    binding: Binding,
    vp_token: Mapping[str, Sequence[str]],
    picture: Picture,
    *,
    at: int,
    max_age: int = FRESH,
    more: Mapping[str, Any] = NOTHING,
) -> Decision:
    """The decision about an answer. The holder has to have signed for us, for this request, after it was made.

    ``binding`` says for whom, and where the answer went; ``more`` is added to what the kind's own check is told.
    """
    expectation = Expectation(
        query=parse_query(asked.terms.query),
        binding=replace(binding, issued_after=asked.made_at, max_age=max_age),
        use={**asked.terms.use, **more},
        agreed=tuple(
            Agreed(query_ids=each.credential_ids, hashes=hashes_of(each), named=each.hash_algs is not None)
            for each in transactions(asked.terms)
        ),
    )
    return run(verify(vp_token, expectation, picture.material, at=at), picture.answer)


def decide_again(desk: Desk, picture: Picture, asked: Asked, opened: Opened, *, came_at: int, more: Mapping[str, Any]) -> Decision:
    """The decision about an answer that came at ``came_at``, checked whole once more: nothing is believed because it was checked before.

    A copy had to be in force when it came, for its holder cannot help how long we take; who made it, and whether it was cancelled, is asked as of now.
    """
    at, terms = desk.clock(), asked.terms
    if terms.kind == "request":
        # It was fresh when it came, and the nonce was used up then.
        return decide(asked, opened.binding, opened.vp_token, picture, at=at, max_age=FRESH + max(0, at - came_at), more=more)
    copy = AddressedPresentation(
        format=opened.format,
        aud=audience(desk.entity),
        purpose_id=terms.purpose_id,
        vp_token={name: tuple(wires) for name, wires in opened.vp_token.items()},
    )
    return judge_copy(
        copy,
        entity=desk.entity,
        uses=desk.uses(),
        material=picture.material,
        answer=picture.answer,
        at=at,
        more=more,
        came_at=came_at,
    ).decision
