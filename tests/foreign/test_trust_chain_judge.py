"""pyeudiw judges policies and chains of federations, and we judge what it says of them.

Where it says something else than the specification, ``DIFFERS`` and ``TAKEN`` name the section.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from support.foreign import ROOT, Peer, Refused
from support.grown import DAY, NOW, Dice
from support.grown_chains import BREAKS, KIND, NAME, Grown

from shared.errors import PolicyError
from shared.trust.metadata_policy import apply, parse_policy, resolve_policy

COUNTERPARTS = {"pyeudiw": "judge of trust chains and metadata policies"}
pytestmark = pytest.mark.real

JUDGE = ROOT / ".venv" / "judges" / "bin" / "python"


@pytest.fixture(scope="module")
def judge() -> Iterator[Peer]:
    if not JUDGE.exists():
        pytest.fail("the judge is not there: `make test` brings it")
    peer = Peer([JUDGE, ROOT / "tests" / "foreign" / "trust_chain_judge.py"], PYTHONWARNINGS="ignore")
    yield peer
    peer.close()


# --- policies ----------------------------------------------------------------------------------------------------------------------------

CASES = 6_000
Case = dict[str, Any]  # {"policies": [{NAME: operators}, …] from the top, "metadata": {NAME: value} or {}}
REFUSED = "refused"


def items(dice: Dice) -> list[str]:
    return [each for each in "abc" if dice.below(2)]


VALUES: dict[str, Callable[[Dice], Any]] = {
    "value": lambda dice: dice.of([None, "a", "b", items(dice), items(dice)]),
    "add": items,
    "default": lambda dice: dice.of(["a", items(dice), items(dice)]),
    "one_of": items,
    "subset_of": items,
    "superset_of": items,
    "essential": lambda dice: bool(dice.below(2)),
}


def case(dice: Dice) -> Case:
    """Any operators, or often the same two."""
    names = tuple(VALUES) if dice.below(2) else (dice.of(tuple(VALUES)), dice.of(tuple(VALUES)))
    levels = [{name: VALUES[name](dice) for name in names if dice.below(len(names)) < 2} for _ in range(1 + dice.below(2))]
    value = dice.of([..., "a", items(dice), items(dice), items(dice)])
    return {"policies": [{NAME: each} for each in levels], "metadata": {} if value is ... else {NAME: value}}


def alike(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


def ours(given: Case) -> Any:
    try:
        policies = [parse_policy({KIND: each}) for each in given["policies"]]
        return alike(apply(resolve_policy(policies), {KIND: given["metadata"]})[KIND].get(NAME, "absent"))
    except PolicyError:
        return REFUSED


def theirs(judge: Peer, cases: list[Case]) -> list[Any]:
    answers = judge.ask_all("policy", cases)
    return [REFUSED if isinstance(each, Refused) else alike(each.get(NAME, "absent")) for each in answers]


class Seen:
    """One case as the reasons below look at it."""

    def __init__(self, given: Case) -> None:
        self.levels = [each[NAME] for each in given["policies"]]
        self.all = {name for each in self.levels for name in each}
        self.value = given["metadata"].get(NAME, ...)

    def values(self, name: str) -> list[Any]:
        return [each[name] for each in self.levels if name in each]


def _contradict(seen: Seen) -> bool:
    try:
        resolve_policy([parse_policy({KIND: {NAME: each}}) for each in seen.levels])
    except PolicyError:
        return True
    return False


def _emptied(seen: Seen) -> bool:
    allowed = set.intersection(*map(set, seen.values("subset_of")))
    return not allowed or (type(seen.value) is list and not allowed & {*seen.value, *(each for add in seen.values("add") for each in add)})


CHECKS = frozenset({"one_of", "subset_of", "superset_of"})
FILLS = frozenset({"value", "add", "default"})
DIFFERS: dict[str, Callable[[Seen], bool]] = {
    "6.1.3.1.1: null removes the parameter": lambda seen: None in seen.values("value"),
    "6.1.3.1.1: value may stand beside and above others": lambda seen: len(seen.levels) == 2 and "value" in seen.all and len(seen.all) > 1,
    "6.1.3.1: combinations are checked, in one statement too": _contradict,
    "6.1.3.1.2: add is for lists": lambda seen: "add" in seen.all and type(seen.value) is str,
    "6.1.3.1.2: the union of nothing is nothing": lambda seen: seen.values("add") == [[], []],
    "6.1.3.1.3: a default need not be within the others": lambda seen: (
        len(seen.levels) == 2 and "default" in seen.all and bool(seen.all & CHECKS)
    ),
    "6.1.3.1.4: a list is none of the values": lambda seen: "one_of" in seen.all and type(seen.value) is list,
    "6.1.3.1.5: an intersection may be empty": lambda seen: "subset_of" in seen.all and _emptied(seen),
    "6.1.3.1.5: subset_of and superset_of are for lists": lambda seen: (
        bool(seen.all & {"subset_of", "superset_of"}) and type(seen.value) is str
    ),
    "6.1.3.1.6: the union of superset_of": lambda seen: len(seen.values("superset_of")) == 2,
    "6.1.3.1.7: the disjunction of essential": lambda seen: len(seen.levels) == 2 and seen.levels[1].get("essential") is False,
    "6.1.4.2: checks also follow add and default": lambda seen: seen.value is ... and bool(seen.all & FILLS) and bool(seen.all & CHECKS),
}


def test_policies_lead_to_the_same_metadata(judge: Peer) -> None:
    """Everything else is the same; and each reason is needed, and is not there for nothing."""
    cases = [case(Dice(f"policy {at}")) for at in range(CASES)]
    needed, plain = Counter[str](), 0
    for given, answer in zip(cases, theirs(judge, cases), strict=True):
        reasons = [why for why, holds in DIFFERS.items() if holds(Seen(given))]
        plain += not reasons
        if ours(given) != answer:
            assert reasons, (given, ours(given), answer)
            needed.update(reasons if len(reasons) == 1 else ())
    assert set(needed) == set(DIFFERS)
    assert plain > CASES // 4


def test_policies_in_chains_lead_to_the_same_metadata(judge: Peer) -> None:
    """The anchor's and the nearest superior's, read from the chain and applied to what the subject says of itself."""
    cases = [
        each for each in (case(Dice(f"in a chain {at}")) for at in range(240)) if not any(holds(Seen(each)) for holds in DIFFERS.values())
    ]
    answers = theirs(judge, cases)
    assert {each == REFUSED for each in answers} == {True, False}
    for at, (given, answer) in enumerate(zip(cases, answers, strict=True)):
        grown = Grown(Dice(f"with policies {at}"))
        grown.parts[0].claims["metadata"] = {KIND: given["metadata"]}
        places = (grown.parts[len(grown.bodies) - 1], grown.parts[1])
        for part, policy in zip(places, given["policies"], strict=False):
            part.claims["metadata_policy"] = {KIND: policy}
        emptied = answer == [] and given["metadata"].get(NAME)  # a chain does not hold then: section 6.1.4.2
        found = grown.judged()
        assert (REFUSED if found is None else alike(found.metadata[KIND].get(NAME, "absent"))) == (REFUSED if emptied else answer)


# --- chains ------------------------------------------------------------------------------------------------------------------------------

GOOD, EACH = 60, 6


def chains(judge: Peer, grown: list[Grown]) -> list[int | None]:
    return [None if isinstance(each, Refused) else each for each in judge.ask_all("chain", [each.question() for each in grown])]


def test_chains_that_hold(judge: Peer) -> None:
    """And until when."""
    grown = [Grown(Dice(f"chain {at}")) for at in range(GOOD)]
    for at, each in enumerate(grown):
        each.any.claims["exp"] = NOW + DAY // 2 + at
    told = chains(judge, grown)
    held = [each.judged() for each in grown]
    assert [each and each.exp for each in held] == told
    assert None not in told


TAKEN: Mapping[str, str] = {
    "no_iat": "section 3.1.1: iat is required",
    "other_typ": "section 3: any other typ must be rejected",
    "other_subject": "section 10.2: the issuer of one statement is the subject of the next",
    "other_issuer": "section 10.2: the issuer of one statement is the subject of the next",
    "other_anchor": "section 10.2: the last issuer is the anchor",
    "about_another_first": "section 10.2: the first statement is its subject's own",
    "own_keys_differ": "section 10.2: the first statement is also signed by a key in it",
    "not_its_superior": "section 3.2: the superior is among the authority hints",
    "a_loop": "section 10.1: a hint that leads to a loop is not used",
    "own_configuration_between": "section 4: only the first and the last statement are configurations",
    "too_long": "section 18.1 leaves bounds to implementations; and section 4: only the first and the last statement are configurations",
    "critical_claim": "section 13.4: what is critical and not understood makes a statement invalid",
    "critical_header": "RFC 7515 section 4.1.11",
    "critical_operator": "section 3.1.3: critical operators that are not understood make the chain invalid",
    "kid_twice": "section 3.1.1: every key has a kid of its own",
    "null_in_metadata": "section 5: null is prohibited",
    "chain_in_a_statement": "section 4.3: statements carry no chains",
    "path_too_long": "section 6.2.1",
    "name_excluded": "section 6.2.2",
    "policy_not_met": "section 6.1.1: the chain is invalid",
    "policies_contradict": "section 6.1.1: the chain is invalid",
    "policy_of_itself": "section 3.2: only subordinate statements have one",
    "hints_of_another": "section 3.2: only configurations have them",
    "entitles_itself": "ours: security rule S14, entitlement counts from a superior only",
    "lives_too_long": "ours: security rule S14, a statement lives seven days",
    "one_key_for_two": "ours: security rule S1, one key has one role",
}


@pytest.mark.parametrize("spoil", BREAKS, ids=lambda spoil: spoil.__name__)
def test_chains_that_do_not_hold(judge: Peer, spoil: Callable[[Grown], None]) -> None:
    grown = [Grown(Dice(f"{spoil.__name__} {at}")) for at in range(EACH)]
    for each in grown:
        spoil(each)
        assert each.judged() is None
    took = sum(each is not None for each in chains(judge, grown))
    assert (took > 0) == (spoil.__name__ in TAKEN), (took, EACH)
