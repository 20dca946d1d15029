"""Who else may say what became of a document: whoever took over that duty from its issuer (``shared.trust.successors``; domain sheet C24)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ..errors import NotEntitled, Rejected, Undecided, Untrusted
from ..formats import Claims
from ..keys import PublicKey
from ..trust.policy import Policy
from ..x509 import Crl
from ._model import Keeper

SUCCEEDED: Final = "succeeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSigner:
    """Whose word it is, and with which key. Who may not cancel can only pass on that a document still counts."""

    entity: str
    public: PublicKey
    may_cancel: bool = True


def find_keeper(policy: Policy, claims: Claims, at: int) -> Keeper | None:
    """The last of those who took over from an issuer, who keeps its documents of that type now; ``None`` where nobody did."""
    federation = policy.federation
    try:
        line = federation.successors.line(claims.issuer, at, vct=claims.vct)
    except Untrusted:  # they go round in a circle: whatever they hand over, nobody keeps it
        return None
    return Keeper(name=federation.name(line[-1].successor), succession=line[-1]) if line else None


def find_heir(
    x5c: Sequence[bytes],
    kid: bytes,
    issuer: str,
    vct: str,
    policy: Policy,
    *,
    at: int,
    said_at: int,
    certificates: Mapping[tuple[str, bytes], tuple[bytes, ...]] | None = None,
    crls: Sequence[Crl] = (),
) -> ListSigner | None:
    """Which of those who took over from the issuer signed a word about the status, which was said at ``said_at``; ``None`` if none did.

    ``certificates`` are as in ``Material``. ``NotEntitled`` for one who did not take over that duty, or not yet then; ``Untrusted`` where they
    took over in a circle.
    """
    line = policy.federation.heirs(issuer, at, vct=vct)
    for index, each in enumerate(line):
        chain = x5c or (certificates or {}).get((each.successor, kid), ())
        try:
            public = policy.check_heir(chain, each.successor, at, crls, kid=kid)
        except (Rejected, Undecided):
            continue
        way = line[: index + 1]
        if not all(one.status_duty for one in way):
            raise NotEntitled("who signed it took over from the issuer, but not the duty to say what became of its documents")
        if said_at < each.since:
            raise NotEntitled("it was said before its signer took over from the issuer")
        return ListSigner(entity=each.successor, public=public, may_cancel=all(one.may_cancel for one in way))
    return None
