"""pyeudiw as a judge of metadata policies and trust chains: a line of JSON asks, a line of JSON answers. Run by an interpreter of its own."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from typing import Any

from pyeudiw.federation.policy import TrustChainPolicy
from pyeudiw.federation.trust_chain_validator import StaticTrustChainValidator

KIND = "kind"


def policy(case: dict[str, Any]) -> Any:
    """The metadata of one entity type after the policies of its superiors, the highest one's first."""
    judge = TrustChainPolicy()
    gathered = judge.gather_policies([{"metadata_policy": {KIND: each}} for each in case["policies"]], KIND)
    return judge.apply_policy(case["metadata"], gathered)


def chain(case: dict[str, Any]) -> Any:
    """When a chain ends that holds now."""
    judge = StaticTrustChainValidator(case["tokens"], case["jwks"], {})
    if not judge.is_valid:
        raise ValueError("not valid")
    return judge.exp


ASKED: dict[str, Callable[[dict[str, Any]], Any]] = {"policy": policy, "chain": chain}


def answer(work: Callable[[dict[str, Any]], Any], case: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"ok": work(case)}
    except Exception as error:  # noqa: BLE001 - whatever it raises, it did not say yes
        return {"refused": type(error).__name__, "detail": str(error)}


def main() -> None:
    logging.disable(logging.CRITICAL)
    for line in sys.stdin:
        question = json.loads(line)
        sys.stdout.write(json.dumps([answer(ASKED[question["op"]], case) for case in question["cases"]]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
