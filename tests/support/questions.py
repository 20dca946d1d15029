"""Thousands of DCQL queries and the documents that they are asked of, from a seed: small alphabets, so that many nearly fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from support.trial_verify import Dice

T = TypeVar("T")
NAMES = ("a", "b", "c")
SCALARS: tuple[Any, ...] = ("x", "y", "", 0, 1, 2, True, False, 1.5)
KINDS = ("urn:one", "urn:two")
KEYS = ("s9tIpPmhxdiuNkHMEWNpYim8S8Y", "AAECAwQFBgcICQoLDA0ODxAREhM", "ICEiIyQlJicoKSorLC0uLzAxMjM")
W3C = "https://www.w3.org/2018/credentials#VerifiableCredential"
Json = dict[str, Any]


class Lots:
    """Draws by lot, the same ones for a seed."""

    def __init__(self, seed: str) -> None:
        self._dice = Dice(seed)

    def below(self, count: int) -> int:
        return int.from_bytes(self._dice(4), "big") % count

    def of(self, many: Sequence[T]) -> T:
        return many[self.below(len(many))]

    def chance(self, percent: int) -> bool:
        return self.below(100) < percent

    def some(self, many: Sequence[T], most: int) -> list[T]:
        return [self.of(many) for _ in range(1 + self.below(most))]


@dataclass(frozen=True)
class Holding:
    """A held document. ``claims``: of JSON the whole, of an mdoc its name spaces."""

    format: str
    kind: str
    claims: Json
    bound: bool
    key: str | None

    def theirs(self) -> Json:
        """As the package dcql takes it."""
        known: Json = {"credential_format": self.format, "cryptographic_holder_binding": self.bound}
        if self.key is not None:
            known["authority"] = {"type": "aki", "values": [self.key]}
        if self.format == "mso_mdoc":
            return known | {"doctype": self.kind, "namespaces": self.claims}
        if self.format == "ldp_vc":
            return known | {"type": [W3C, self.kind], "claims": self.claims}
        return known | {"vct": self.kind, "claims": self.claims}

    def document(self) -> Json:
        """As our formats show it."""
        if self.format == "mso_mdoc":
            return {"docType": self.kind, **self.claims}
        if self.format == "ldp_vc":
            return {"type": ["VerifiableCredential", self.kind], **self.claims}
        return self.claims


def _value(lots: Lots, depth: int) -> Any:
    kind = lots.below(10) if depth else 9
    if kind < 3:
        return {name: _value(lots, depth - 1) for name in NAMES if lots.chance(60)}
    if kind < 6:
        return [_value(lots, depth - 1) for _ in range(lots.below(4))]
    return None if lots.chance(5) else lots.of(SCALARS)


def holding(lots: Lots) -> Holding:
    form = lots.of(("dc+sd-jwt", "dc+sd-jwt", "mso_mdoc", "ldp_vc"))
    claims = {name: _value(lots, 0 if form == "mso_mdoc" else 2) for name in NAMES if lots.chance(80)}
    if form == "mso_mdoc":
        claims = {"ns": claims}
    return Holding(form, lots.of(KINDS), claims, lots.chance(90), lots.of(KEYS) if lots.chance(70) else None)


def _path(lots: Lots, value: Any) -> list[Any]:
    """Mostly a path that is there."""
    path: list[Any] = []
    while not path or (isinstance(value, dict | list) and value and lots.chance(75)):
        if lots.chance(6) or not isinstance(value, dict | list) or not value:
            path.append(lots.of((*NAMES, 0, 1, None)))
            break
        if isinstance(value, dict):
            path.append(lots.of(sorted(value)))
            value = value[path[-1]]
        else:
            path.append(lots.of((None, lots.below(len(value)))))
            value = value[path[-1] or 0]
    return path


def _claim(lots: Lots, document: Holding, number: int | None) -> Json:
    path = ["ns", lots.of(NAMES)] if document.format == "mso_mdoc" else _path(lots, document.claims)
    claim: Json = {"path": path}
    if number is not None:
        claim["id"] = f"c{number}"
    if lots.chance(30):
        claim["values"] = lots.some([each for each in SCALARS if not isinstance(each, float)], 3)
    return claim


def _meta(lots: Lots, form: str) -> Json:
    if form == "ldp_vc":
        return {"type_values": [lots.of(([W3C], [kind], [W3C, kind])) for kind in lots.some(KINDS, 2)]}
    if form == "mso_mdoc":
        return {"doctype_value": lots.of(KINDS)}
    return {} if lots.chance(25) else {"vct_values": lots.some(KINDS, 2)}


def _credential(lots: Lots, held: Sequence[Holding], number: int) -> Json:
    document = lots.of(held)
    query: Json = {"id": f"q{number}", "format": document.format, "meta": _meta(lots, document.format)}
    sets = lots.chance(35)
    if lots.chance(85):
        query["claims"] = [_claim(lots, document, count if sets else None) for count in range(1 + lots.below(3))]
        if sets:
            query["claim_sets"] = [lots.some([each["id"] for each in query["claims"]], 3) for _ in range(1 + lots.below(3))]
    if lots.chance(15):
        query["require_cryptographic_holder_binding"] = lots.chance(30)
    if lots.chance(20):
        query["trusted_authorities"] = [{"type": "aki", "values": lots.some(KEYS, 2)} for _ in range(1 + lots.below(2))]
    if lots.chance(20):
        query["multiple"] = lots.chance(50)
    return query


def question(seed: str) -> tuple[Json, list[Holding]]:
    """A query and what is held."""
    lots = Lots(seed)
    held = [holding(lots) for _ in range(1 + lots.below(4))]
    credentials = [_credential(lots, held, number) for number in range(1 + lots.below(3))]
    query: Json = {"credentials": credentials}
    if lots.chance(40):
        ids = [each["id"] for each in credentials]
        query["credential_sets"] = [
            {"options": [lots.some(ids, 2) for _ in range(1 + lots.below(3))], **({"required": lots.chance(60)} if lots.chance(60) else {})}
            for _ in range(1 + lots.below(2))
        ]
    return query, held
