"""The rules of a type in Python and in the page: equal answers for thousands of documents, uses and rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

from support.documents import document as example
from support.forge import LPA_1, REPRESENTATION, entropy
from support.judging import judge

from shared.credentials import Claim, CredentialType, Kind, all_types
from shared.credentials._page import page_type
from shared.credentials._rules import CODES, compile_rules
from shared.credentials._tree import portrait_url
from shared.errors import VcError

PAGE = page_type(REPRESENTATION)
CHOICES = {str(claim.path[0]): [choice.value for choice in claim.choices] for claim in REPRESENTATION.claims if len(claim.path) == 1}
POWERS = [choice.value for claim in REPRESENTATION.claims if claim.path == ("powers", None) for choice in claim.choices]
BASES = ["register", "inspection", "court-order"]
INSTRUMENTS = [*CHOICES["instrument_type"], "deputyship", "appointeeship"]
ODD = [None, True, 0, 1, -1, 1.5, "", " ", "x", "\u0085", "\ufeff", "\t", "\u2003", "é" * 201, "𝔐" * 200, [], ["x"], {}, {"x": 1}]
DATES = [
    "2024-02-29",
    "2023-02-29",
    "2000-02-29",
    "1900-02-29",
    "0000-01-01",
    "0001-01-01",
    "9999-12-31",
    "2024-13-01",
    "2024-1-01",
    "1938",
]
WEBP = b"RIFF\x10\x00\x00\x00WEBPVP8 \x04\x00\x00\x00abcd"
PICTURES = [portrait_url(WEBP), portrait_url(WEBP + b"x"), portrait_url(b""), portrait_url(bytes(801)), "data:image/webp;base64,UklGR", "x"]
KINDS: list[dict[str, Any]] = [
    {},
    {"instrument_type": "epa", "attestation_basis": ..., "authority_current": True, "registration_date": ...},
    {
        "instrument_type": "ordinary",
        "attestation_basis": "inspection",
        "evidence": {"attested_by": "x", "attested_on": "2024-01-01"},
        "registration_date": ...,
    },
    {"representation_kind": "deputyship", "instrument_type": ..., "usable_when": ..., "attestation_basis": "court-order"},
    {"representation_kind": "appointeeship", "instrument_type": ..., "usable_when": ..., "powers": ["benefits"]},
    {"decision_rule": "jointly", "cardinality": 2},
    {"has_restrictions": True, "restrictions_text": "Not to sell"},
    {"instrument_type": "lpa-personal-welfare", "usable_when": "when-capacity-lost", "powers": ["health-decisions"]},
]


class Dice:
    """The same throws in every run."""

    def __init__(self, seed: str) -> None:
        self._draw: Callable[[int], bytes] = entropy(seed)

    def below(self, sides: int) -> int:
        return int.from_bytes(self._draw(4)) % sides

    def one(self, of: Sequence[Any]) -> Any:
        return of[self.below(len(of))]

    def some(self, of: Sequence[Any], most: int) -> list[Any]:
        return [self.one(of) for _ in range(self.below(most + 1))]


def changes(dice: Dice) -> dict[str, Any]:
    """What a document may say otherwise, sensible or not."""
    name = dice.one([*LPA_1, "cardinality", "restrictions_text", "has_restrictions", "authority_current", "evidence", "new"])
    sensible: dict[str, Sequence[Any]] = {
        **{name: values for name, values in CHOICES.items() if values},
        "cardinality": [0, 1, 2, 3],
        "restrictions_text": ["Not to sell\nPoplar Court"],
        "has_restrictions": [True, False],
        "authority_current": [True, False],
        "evidence": [{}, {"attested_by": "x"}, {"attested_by": "x", "attested_on": dice.one(DATES)}],
        "powers": [dice.some(POWERS, 3), POWERS * 4],
        "grant_date": DATES,
        "proxy": [{"portrait": dice.one(PICTURES)}, {"birthdate": dice.one(DATES)}, {"given_name": dice.one(ODD)}],
        "represented": [{}, {"also_known_as": dice.some(["x", " ", 1], 9)}, {"address": {"a/b~c": 1}}, {"address": []}],
    }
    throw = dice.below(10)
    return {name: ... if throw < 2 else dice.one(ODD) if throw < 4 or name not in sensible else dice.one(sensible[name])}


def document(dice: Dice) -> dict[str, Any]:
    claims = deepcopy(LPA_1) | dice.one(KINDS)
    for _ in range(dice.one([0, 0, 1, 1, 2])):
        claims |= changes(dice)
    return {name: value for name, value in claims.items() if value is not ...}


def use(dice: Dice) -> dict[str, Any]:
    wishes: dict[str, Any] = {
        "powers": dice.some(["banking", "council-tax", "benefits", *POWERS, "sorcery"], 2),
        "attorneys": dice.below(4),
        "instruments": dice.some(INSTRUMENTS, 3),
        "bases": dice.some(BASES, 3),
        "capacity_evidence": dice.one([True, False, "yes", 1, None]),
        "restrictions_allow": dice.one([True, True, False, "perhaps", 1, None]),
    }
    odd = {"powers": "banking", "attorneys": "2", "instruments": {}, "bases": 1}
    return {name: odd.get(name, value) if dice.below(60) == 0 else value for name, value in wishes.items() if dice.below(2)}


TABLE = {"a": ["a", "b"], "b": "b", "": ["a"]}
MALFORMED = [
    "a",
    "",
    0,
    True,
    None,
    1.5,
    {},
    [],
    ["new", 1],
    ["claim"],
    ["claim", 1],
    ["not"],
    ["is", "a"],
    ["look", [], "a"],
    ["look", TABLE],
]
PLAIN: dict[str, list[Any]] = {
    "truth": [True, False, ["claim", "truth"]],
    "word": ["a", "b", "", ["item"], ["claim", "word"], ["claim", "part", "of", "it"], ["claim", "none"], ["use", "word"]],
    "words": [["claim", "words"], ["use", "words"], ["earlier"], ["claim", "none"], *(["look", TABLE, key] for key in ("a", "b", "c"))],
    "number": [0, 1, 2, 40, 36_525, ["claim", "number"], ["use", "number"]],
    "date": [
        "2027-02-03",
        "2028-02",
        "2027",
        "9999",
        "1900-02",
        "0001",
        "2027-2",
        "2027-02-29",
        ["claim", "date"],
        ["use", "date"],
        ["claim", "none"],
    ],
    "day": ["2027-02-03", "9999-12-31", "2028-02-29", "0001-01-01", "2027-02", ["use", "date"]],
}
MADE: dict[str, list[list[str]]] = {
    "truth": [
        *(["has", "word"], ["is", "word", "word"], ["is", "truth", "truth"], ["is", "word", "number"], ["in", "word", "words"]),
        *(["less", "number", "number"], ["not", "truth"], ["all", "truth", "truth"], ["any", "truth", "truth", "truth"]),
        *(["before", "day", "day"], ["before", "day", "day"], ["is", "day", "day"]),
    ],
    "word": [["else", "word", "word"], ["else", "day", "day"]],
    "day": [["first-day", "date"], ["last-day", "date"], ["days-after", "day", "number"]],
    "date": [["else", "date", "date"]],
    "words": [["else", "words", "words"]],
    "number": [["count", "words"], ["else", "number", "number"]],
}


def expression(dice: Dice, depth: int, kind: str = "truth") -> Any:
    """Of the wanted kind as a rule, of any now and then."""
    if dice.below(50) == 0:
        return dice.one(MALFORMED)
    if depth == 0:
        return dice.one(PLAIN[kind])
    name, *kinds = dice.one(MADE[kind])
    return [name, *(expression(dice, depth - 1, each) for each in kinds)]


def rule(dice: Dice, depth: int) -> Any:
    if dice.below(30) == 0:
        return dice.one([None, [], {}, "rule", {"rules": 1}])
    made: dict[str, Any] = {"when": expression(dice, 3)} if dice.below(8) else {}
    if depth and dice.below(3) == 0:
        made |= {"each": expression(dice, 1, "words")} if dice.below(2) else {}
        made |= {"rules": [rule(dice, depth - 1) for _ in range(dice.below(4))]}
    else:
        code = dice.one([*CODES] * 4 + ["accepted", "unknown_credential_type", "constructor", 1])
        made |= {"code": code, "where": dice.one(["", "/a", "/words/{at}"]), "detail": "{}"} | (
            {"of": expression(dice, 1)} if dice.below(2) else {}
        )
    return made if dice.below(40) else made | {"new": True}


def by_page(cases: Sequence[tuple[Any, Any, Any]]) -> list[Any]:
    """What the page's script answers, in order."""
    answers = judge({"op": "rules", "type": kind, "claims": claims, "use": asked} for kind, claims, asked in cases)
    return [answer["ok"] for answer in answers]


def told(error: VcError | None) -> list[str] | None:
    return None if error is None else [error.code, error.where, error.detail]


def by_python(claims: Any, asked: Any, kind: CredentialType = REPRESENTATION) -> list[str] | None:
    try:
        kind.judge(claims, asked)
    except VcError as error:
        return told(error)
    return None


def test_page_and_service_judge_every_document_alike() -> None:
    dice = Dice("documents")
    cases = [(PAGE, document(dice), use(dice)) for _ in range(3_000)]
    answers = [(by_python(claims, asked), claims, asked) for _, claims, asked in cases]
    for (expected, claims, asked), answer in zip(answers, by_page(cases), strict=True):
        assert (expected and expected[:2]) == (answer and answer[:2]), (claims, asked, expected, answer)
    codes = [expected[0] if expected else "" for expected, _, _ in answers]
    assert set(codes) == {"", *(set(CODES) - {"needs_grant", "not_determined", "outside_permission"})}
    assert codes.count("") > 150


STARTS: dict[str, list[dict[str, Any]]] = {
    "estate-authority": [
        {},
        {"decision_rule": "jointly", "cardinality": 2},
        {"has_limits": True, "limits_text": "Only this"},
        {"acts_for_another": True, "acts": ["pensions"]},
    ],
    "life-event": [{}, {"death_date": {"value": "2027-02"}}, {"death_date": ..., "event_type": "marriage"}],
}


def changed(dice: Dice, kind: CredentialType) -> dict[str, Any]:
    """The example of a type with some details otherwise or left out."""
    claims = example(kind, **dice.one(STARTS.get(kind.id, [{}])))
    for _ in range(dice.one([0, 0, 1, 1, 2, 3])):
        place(claims, dice.one(kind.claims), dice)
    return claims


def place(claims: dict[str, Any], claim: Claim, dice: Dice) -> None:
    *above, last = [part for part in claim.path if part is not None]
    for name in above:
        inner = claims.get(name)
        claims = inner if isinstance(inner, dict) else claims.setdefault(name, {})
    throw = dice.below(10)
    if throw < 3:
        claims.pop(last, None)
    elif isinstance(claims, dict):
        value = dice.one(ODD) if throw < 4 else fitting(dice, claim)
        claims[last] = [value] * dice.one([1, 1, 1, 2]) if None in claim.path and throw > 4 else value


def fitting(dice: Dice, claim: Claim) -> Any:
    if claim.kind is Kind.CODE:
        return dice.one(claim.choices).value
    if claim.kind in {Kind.DATE, Kind.PARTIAL_DATE}:
        return dice.one(["2027-02", "2027", "2027-02-28", "2026-12-31", "2027-02-03", "2028-01-15", *DATES])
    plain: dict[Kind, list[Any]] = {Kind.INTEGER: [0, 1, 2, 3], Kind.BOOLEAN: [True, False]}
    return dice.one(plain.get(claim.kind, ["x", "Only this"]))


def told_of(dice: Dice, kind: CredentialType) -> dict[str, Any]:
    """What is said of a use of any type."""
    codes = [choice.value for claim in kind.claims for choice in claim.choices] or ["x"]
    wishes: dict[str, Any] = {
        **{name: dice.some(codes, 3) for name in ("powers", "acts", "bands", "events", "states", "categories", "accepted_by")},
        **{name: dice.one(["2027-02-28", "2027-03-31", "2026-12-31", "2027-02", 1]) for name in ("today", "died_by")},
        **{name: dice.below(4) for name in ("attorneys", "used")},
        **{name: dice.one([True, True, False, 1]) for name in ("full_date", "restrictions_allow")},
        **{name: dice.one(["https://westshire-cc.example", "https://dwp.example"]) for name in ("discloser", "recipient")},
        "authority": dice.one(codes),
    }
    return {name: value for name, value in wishes.items() if dice.below(4) == 0} | (
        dict(dice.one(kind.queries).use) if kind.queries and dice.below(2) else {}
    )


def test_page_and_service_judge_every_type_alike() -> None:
    dice = Dice("types")
    kinds = [kind for kind in all_types().values() for _ in range(700)]
    cases = [(kind, changed(dice, kind), told_of(dice, kind)) for kind in kinds]
    pages = {kind.id: page_type(kind) for kind in all_types().values()}
    seen: dict[str, set[str]] = {name: set() for name in pages}
    answers = by_page([(pages[kind.id], claims, asked) for kind, claims, asked in cases])
    for (kind, claims, asked), answer in zip(cases, answers, strict=True):
        expected = by_python(claims, asked, kind)
        assert (expected and expected[:2]) == (answer and answer[:2]), (kind.id, claims, asked, expected, answer)
        seen[kind.id].add(expected[0] if expected else "")
    assert seen.pop("representation-granted") == {"wrong_instrument", "type_rule_broken"}
    assert all({"", "type_rule_broken"} <= codes for codes in seen.values())
    assert seen["life-event"] >= {"not_determined", "outside_scope", "wrong_instrument"}
    assert seen["estate-authority"] >= {"needs_grant", "outside_scope", "needs_more_attorneys", "restrictions_to_read"}
    assert "outside_permission" in seen["disclosure-permission"]
    assert seen["mandate-receipt"] >= {"outside_scope", "wrong_instrument"}


def test_page_and_service_understand_every_rule_alike() -> None:
    dice = Dice("rules")
    seen = 0
    leaf = {"kind": "text", "max_length": 9, "max_items": 9, "choices": []}
    paths: list[list[str | None]] = [["word"], ["words", None], ["part", "of", "it"]]
    leaves = [{**leaf, "path": path} for path in paths]
    leaves += [{**leaf, "path": ["number"], "kind": "integer"}, {**leaf, "path": ["truth"], "kind": "boolean"}]
    leaves += [{**leaf, "path": ["date"], "kind": "partial-date"}]
    cases = []
    for _ in range(4_000):
        claims = {
            "word": "a",
            "words": dice.some(["a", "b"], 3),
            "number": dice.below(3),
            "truth": bool(dice.below(2)),
            "date": dice.one(["2027", "2028-02", "2027-02-03", "2000-12"]),
            "part": {"of": {"it": "b"}},
        }
        asked = {
            "words": dice.one([["a"], ["b", "a"], [], [1, None], "a"]),
            "word": dice.one(["a", "b", None, 1]),
            "number": 1,
            "truth": None,
            "date": dice.one(["2027-02-03", "2027-02", "x"]),
        }
        cases.append(({"claims": leaves, "rules": [rule(dice, 2) for _ in range(3)]}, claims, asked))
    for (kind, claims, asked), answer in zip(cases, by_page(cases), strict=True):
        expected = told(compile_rules(kind["rules"])(claims, asked))
        assert (expected and expected[:2]) == (answer and answer[:2]), (kind["rules"], claims, asked, expected, answer)
        if expected and not expected[2].startswith("a rule of this type"):
            assert expected == answer
            seen += 1
    assert seen > 150


def test_the_page_refuses_kinds_and_depths_that_it_does_not_know() -> None:
    deep: Any = True
    for _ in range(40):
        deep = ["not", deep]
    nested: Any = []
    for _ in range(40):
        nested = [{"rules": nested}]
    leaf = {"path": ["word"], "kind": "fingerprint", "max_length": 9, "max_items": 9, "choices": []}
    fires = {"code": "outside_scope", "where": "", "detail": ""}
    cases: list[tuple[Any, Any, Any]] = [
        ({"claims": [leaf], "rules": []}, {"word": "a"}, {}),
        ({"claims": [], "rules": [{"when": deep, **fires}]}, {}, {}),
        ({"claims": [], "rules": nested}, {}, {}),
        ({"claims": []}, {}, {}),
        ({"claims": [], "rules": []}, [], {}),
        ({"claims": [], "rules": []}, {}, {}),
    ]
    assert [answer and answer[0] for answer in by_page(cases)] == ["type_rule_broken"] * 5 + [None]
