"""Random SD-JWT VCs with key binding, in their parts, and everything that can be broken in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from support.forge import HOLDER, ISSUER, STRANGER, b64, bound, disclosure, entropy, hashed, jws
from support.signing import Signer

from shared.clock import system_clock
from shared.formats._sd_jwt import Redaction, open_payload, parse_sd_jwt
from shared.jose.jwk import render_jwk

T = TypeVar("T")
NOW = system_clock()  # judges by others read the clock themselves
DAY = 86_400
MADE = NOW - NOW % DAY
AUD, NONCE = "x509_hash:bank", "a-nonce-of-ours"
NAMES = ["given_name", "family_name", "address", "powers", "x", "ż", "a b"]


class Dice:
    """Choices that are the same in every run."""

    def __init__(self, seed: str) -> None:
        self.bytes = entropy(seed)

    def below(self, bound_: int) -> int:
        return int.from_bytes(self.bytes(4), "big") % bound_

    def of(self, items: Sequence[T]) -> T:
        return items[self.below(len(items))]


def scalar(dice: Dice) -> Any:
    return dice.of(["Margaret", "", 'ż"\\\n', 7, -1, True, None, 1.5, "_sd"])


def value(dice: Dice, redaction: Redaction, depth: int) -> tuple[Any, Any]:
    """What is signed, and what it opens to."""
    kind = dice.below(5) if depth else 4
    if kind == 0:
        return members(dice, redaction, depth - 1)
    if kind == 1:
        signed, plain = [], []
        for _ in range(dice.below(4)):
            below, opened = value(dice, redaction, depth - 1)
            signed.append(redaction.elements([below])[0] if dice.below(2) else below)
            plain.append(opened)
        if not dice.below(3):
            signed.insert(dice.below(len(signed) + 1), {"...": redaction.decoy()})
        return signed, plain
    plain = scalar(dice)
    return plain, plain


def members(dice: Dice, redaction: Redaction, depth: int) -> tuple[dict[str, Any], dict[str, Any]]:
    signed: dict[str, Any] = {}
    plain: dict[str, Any] = {}
    digests: list[str] = []
    for name in NAMES[dice.below(3) :: 1 + dice.below(3)]:
        below, plain[name] = value(dice, redaction, depth)
        if dice.below(2):
            digests.append(redaction.members([(name, below)])[0])
        else:
            signed[name] = below
    digests += [redaction.decoy() for _ in range(dice.below(3))]
    if digests or dice.below(2):
        signed["_sd"] = sorted(digests)
    return signed, plain


@dataclass
class Case:
    """A presentation in its parts, so that it can be broken in one of them and signed again."""

    payload: dict[str, Any]
    texts: list[str]
    plain: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    issuer: Signer = ISSUER
    holder: Signer = HOLDER
    binding: dict[str, Any] = field(default_factory=dict)
    binding_typ: str = "kb+jwt"

    @property
    def presented(self) -> str:
        return "~".join([jws(self.payload, self.issuer, **self.header), *self.texts, ""])

    def wire(self) -> str:
        claims = {"iat": system_clock(), "aud": AUD, "nonce": NONCE} | self.binding
        return bound(self.presented, holder=self.holder, typ=self.binding_typ, **claims)


def envelope() -> dict[str, Any]:
    cnf = {"jwk": render_jwk(HOLDER.public)}
    return {"iss": "https://opg.example", "iat": MADE, "exp": MADE + 30 * DAY, "vct": "https://types.example/1", "cnf": cnf}


def grown(seed: str) -> Case:
    """A random document with random parts hidden, shown in a random selection."""
    dice = Dice(seed)
    redaction = Redaction(dice.bytes)
    signed, plain = members(dice, redaction, 3)
    case = Case(
        payload={**envelope(), **signed, **({"_sd_alg": "sha-256"} if dice.below(2) else {})},
        texts=list(redaction.disclosures),
        plain=plain,
    )
    opened = open_payload(parse_sd_jwt(case.presented))
    assert opened.document == {**envelope(), **plain}
    chosen = {at for at in range(len(case.texts)) if dice.below(3)}
    for at in sorted(chosen):
        above = opened.parents[at]
        while above >= 0:
            chosen.add(above)
            above = opened.parents[above]
    case.texts = [case.texts[at] for at in sorted(chosen, key=lambda _at: dice.below(1000))]
    return case


# --- what is broken ------------------------------------------------------------------------------------------------------------------

Break = Callable[[Case, Dice], None]
EXTRA = disclosure("salt", "extra", 1)
ELEMENT = disclosure("salt", "element")


def add(case: Case, *texts: str, shown: bool = True, times: int = 1) -> None:
    """Digests at the top for ``texts``, and the texts themselves."""
    case.payload = {**case.payload, "_sd": [*case.payload.get("_sd", []), *[hashed(text) for text in texts] * times]}
    if shown:
        case.texts += texts


def repeat_disclosure(case: Case, dice: Dice) -> None:
    add(case, EXTRA)
    case.texts.append(dice.of(case.texts))


def unreferenced(case: Case, dice: Dice) -> None:
    case.texts.insert(dice.below(len(case.texts) + 1), dice.of([EXTRA, ELEMENT]))


def digest_twice(case: Case, dice: Dice) -> None:
    add(case, EXTRA, shown=bool(dice.below(2)), times=2)


def digest_in_two_places(case: Case, dice: Dice) -> None:
    add(case, EXTRA, shown=bool(dice.below(2)))
    case.payload["deeper"] = {"_sd": [hashed(EXTRA)]}


def digest_twice_in_arrays(case: Case, dice: Dice) -> None:
    case.payload["array"] = [{"...": hashed(ELEMENT)}] * 2
    case.texts += [ELEMENT] * dice.below(2)


def digest_of_member_in_array_too(case: Case, dice: Dice) -> None:
    add(case, EXTRA, shown=bool(dice.below(2)))
    case.payload["array"] = [{"...": hashed(EXTRA)}]


def collision_in_clear(case: Case, _dice: Dice) -> None:
    add(case, disclosure("salt", "iss", "https://mallory.example"))


def collision_of_disclosures(case: Case, _dice: Dice) -> None:
    add(case, EXTRA, disclosure("other", "extra", 2))


def element_as_member(case: Case, _dice: Dice) -> None:
    add(case, ELEMENT)


def member_as_element(case: Case, _dice: Dice) -> None:
    case.payload["array"] = [{"...": hashed(EXTRA)}]
    case.texts.append(EXTRA)


def four_parts(case: Case, _dice: Dice) -> None:
    add(case, disclosure("salt", "name", 1, 2))


def no_parts(case: Case, dice: Dice) -> None:
    add(case, dice.of([b64("[]"), b64('["salt"]'), b64("{}"), b64('"salt"')]))


def name_no_string(case: Case, dice: Dice) -> None:
    add(case, disclosure("salt", dice.of([1, None, True]), 1))


def name_sd(case: Case, _dice: Dice) -> None:
    add(case, disclosure("salt", "_sd", [hashed("x")]))


def name_dots(case: Case, _dice: Dice) -> None:
    add(case, disclosure("salt", "...", hashed("x")))


def no_json(case: Case, dice: Dice) -> None:
    add(case, dice.of([b64('["salt","name",'), "!!!!", b64(b"\xff")]))


def unknown_hash(case: Case, dice: Dice) -> None:
    case.payload["_sd_alg"] = dice.of(["sha-1", "md5", "SHA-256x", 5])


def wrong_hash(case: Case, _dice: Dice) -> None:
    add(case, EXTRA)
    case.payload["_sd_alg"] = "sha-512"


def sd_no_array(case: Case, dice: Dice) -> None:
    case.payload["deeper"] = {"_sd": dice.of([5, True])}


def digest_no_string(case: Case, dice: Dice) -> None:
    case.payload["deeper"] = {"_sd": [dice.of([5, True, None])]}


def issuer_is_a_stranger(case: Case, _dice: Dice) -> None:
    case.issuer = STRANGER


def holder_is_a_stranger(case: Case, _dice: Dice) -> None:
    case.holder = STRANGER


def no_holder(case: Case, _dice: Dice) -> None:
    del case.payload["cnf"]


def other_audience(case: Case, dice: Dice) -> None:
    case.binding["aud"] = dice.of(["x509_hash:other", AUD + "/", ""])


def audience_in_a_list(case: Case, _dice: Dice) -> None:
    case.binding["aud"] = [AUD]


def other_nonce(case: Case, dice: Dice) -> None:
    case.binding["nonce"] = dice.of(["other", NONCE.upper(), ""])


def other_selection(case: Case, _dice: Dice) -> None:
    case.binding["sd_hash"] = hashed(case.presented + EXTRA + "~")


def no_sd_hash(case: Case, _dice: Dice) -> None:
    case.binding["sd_hash"] = ...


def other_binding_typ(case: Case, dice: Dice) -> None:
    case.binding_typ = dice.of(["JWT", "kb+JWT", "openid4vci-proof+jwt"])


def stale_binding(case: Case, _dice: Dice) -> None:
    case.binding["iat"] = NOW - DAY


def future_binding(case: Case, _dice: Dice) -> None:
    case.binding["iat"] = NOW + DAY


def undated_binding(case: Case, _dice: Dice) -> None:
    case.binding["iat"] = ...


def expired(case: Case, _dice: Dice) -> None:
    case.payload["exp"] = NOW - DAY


def not_yet_valid(case: Case, _dice: Dice) -> None:
    case.payload["nbf"] = NOW + DAY


def other_typ(case: Case, dice: Dice) -> None:
    case.header["typ"] = dice.of(["JWT", "vc+sd-jwt", "example+sd-jwt"])


def no_vct(case: Case, _dice: Dice) -> None:
    del case.payload["vct"]


def hidden_vct(case: Case, _dice: Dice) -> None:
    add(case, disclosure("salt", "vct", case.payload.pop("vct")))


def hidden_exp(case: Case, _dice: Dice) -> None:
    add(case, disclosure("salt", "exp", case.payload.pop("exp")))


def hidden_status(case: Case, _dice: Dice) -> None:
    add(case, disclosure("salt", "status", {"status_list": {"idx": 1, "uri": "https://opg.example/1"}}))


def critical_header(case: Case, _dice: Dice) -> None:
    case.header |= {"crit": ["x"], "x": 1}


BREAKS: list[Break] = [
    repeat_disclosure,
    unreferenced,
    digest_twice,
    digest_in_two_places,
    digest_twice_in_arrays,
    digest_of_member_in_array_too,
    collision_in_clear,
    collision_of_disclosures,
    element_as_member,
    member_as_element,
    four_parts,
    no_parts,
    name_no_string,
    name_sd,
    name_dots,
    no_json,
    unknown_hash,
    wrong_hash,
    sd_no_array,
    digest_no_string,
    issuer_is_a_stranger,
    holder_is_a_stranger,
    no_holder,
    other_audience,
    audience_in_a_list,
    other_nonce,
    other_selection,
    no_sd_hash,
    other_binding_typ,
    stale_binding,
    future_binding,
    undated_binding,
    expired,
    not_yet_valid,
    other_typ,
    no_vct,
    hidden_vct,
    hidden_exp,
    hidden_status,
    critical_header,
]
