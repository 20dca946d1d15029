"""S13: an SD-JWT that comes through the codes is judged alike by Python and by the scripts, whatever was done to it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from support import judging, twins
from support.forge import b64, disclosure, hashed, unb64
from support.signing import AT, Signer, leaf
from support.trial_verify import BANK, CLAIMS, DAY, IDX, LIST, MADE, issue
from support.trusting import Tiers, also_under, crl_by
from support.twins import Case

from shared.codec import base64url
from shared.jose.jwk import render_jwk
from shared.trust.relying_party import Want
from shared.x509 import x5c_header

pytestmark = pytest.mark.real

PREFIX = "OVJ1:"
WANT = Want(vct=65_001, required=(1,), optional=(2, 3, 4, 5, 9, 10, 11))
LIVE = {"iat": AT, "aud": twins.audience(), "nonce": base64url.encode(twins.NONCE)}
COPY = {"iat": AT, "aud": f"a:{BANK}", "nonce": b64(bytes(16)), "exp": AT + 7 * DAY, "jti": b64(bytes(16)), "purpose_id": "bank"}


def signed(payload: Any, signer: Signer, **header: Any) -> str:
    head = {name: value for name, value in ({"alg": signer.public.alg} | header).items() if value is not ...}
    body = payload if isinstance(payload, str) else json.dumps(payload)
    signing_input = f"{b64(json.dumps(head))}.{b64(body)}"
    return f"{signing_input}.{b64(signer.raw(signing_input.encode()))}"


class Draft:
    """An SD-JWT taken apart, signed again where it was changed."""

    def __init__(self, wire: str) -> None:
        token, *self.hidden, _ = wire.split("~")
        head, body, _ = token.split(".")
        self.header: dict[str, Any] = json.loads(unb64(head))
        self.payload: dict[str, Any] = json.loads(unb64(body))
        self.token: str | None = token
        self.binding: dict[str, Any] | None = dict(LIVE)
        self.typ: Any = "kb+jwt"
        self.by, self.to = twins.registry().signer, twins.holder()

    def put(self, **members: Any) -> None:
        self.payload = {name: value for name, value in (self.payload | members).items() if value is not ...}
        self.token = None

    def wire(self) -> str:
        token = self.token or signed(self.payload, self.by, **self.header)
        presented = "~".join([token, *self.hidden, ""])
        if self.binding is None:
            return presented
        claims = {"sd_hash": hashed(presented)} | self.binding
        return presented + signed({name: value for name, value in claims.items() if value is not ...}, self.to, typ=self.typ)


def _put(**members: Any) -> Any:
    return lambda draft: draft.put(**members)


def _bind(**members: Any) -> Any:
    return lambda draft: draft.binding.update(members)


def _hide(change: Any) -> Any:
    return lambda draft: change(draft.hidden)


def _with(text: str, **members: Any) -> Any:
    def bend(draft: Draft) -> None:
        draft.hidden.append(text)
        draft.put(_sd=[*draft.payload.get("_sd", ()), hashed(text)], **members)

    return bend


def _header(**members: Any) -> Any:
    def bend(draft: Draft) -> None:
        draft.header = {name: value for name, value in (draft.header | members).items() if value is not ...}
        draft.token = None

    return bend


LISTED: list[dict[str, Any]] = [
    {"idx": 5, "uri": LIST},
    {"idx": -1, "uri": LIST},
    {"idx": 1.0, "uri": LIST},
    {"idx": IDX},
    {"idx": IDX, "uri": LIST, "_sd": [b64(bytes(32))]},
]


def _stranger(draft: Draft) -> None:
    draft.by = Signer.new()
    draft.put()


BENDS: Mapping[str, Any] = {
    "as it is": lambda _draft: None,
    **{f"exp {value!r}": _put(exp=value) for value in (AT - 61, AT - 60, AT + 1, AT + 0.5, "x", None, True, ...)},
    **{f"iat {value!r}": _put(iat=value) for value in (AT + 60, AT + 61, 1.5, "x", ...)},
    **{f"nbf {value!r}": _put(nbf=value) for value in (AT, AT + 61)},
    **{f"iss {value!r:.20}": _put(iss=value) for value in ("https://unknown.example", "", 7, ...)},
    **{f"vct {value!r:.20}": _put(vct=value) for value in ("urn:other", "", 7, ...)},
    **{f"_sd_alg {value!r}": _put(_sd_alg=value) for value in ("sha-384", "md5", 7, ...)},
    **{f"status {place}": _put(status=value) for place, value in enumerate([..., 7, {}, *({"status_list": each} for each in LISTED)])},
    **{f"cnf {place}": _put(cnf=value) for place, value in enumerate([..., 7, {}, {"jwk": 7}, {"jwk": {"kty": "EC"}}, {"kid": "x"}])},
    "cnf of a stranger": lambda draft: draft.put(cnf={"jwk": render_jwk(Signer.new().public)}),
    "a limit taken out": _put(has_restrictions=...),
    "a limit hidden": _with(disclosure("salt", "has_restrictions", False), has_restrictions=...),
    "a limit hidden below": _put(evidence={"_sd": [b64(bytes(32))]}),
    "a claim that the type lacks": _put(extra=1),
    "a code that the type lacks": _put(decision_rule="never"),
    "a reserved name": _put(**{"...": 1}),
    "digests no list": _put(_sd=7),
    "a digest no text": _put(_sd=[7]),
    "a digest twice": _put(_sd=[b64(bytes(32))] * 2),
    "exp hidden": _with(disclosure("salt", "exp", AT + 1)),
    "iat hidden": lambda draft: (draft.put(iat=...), _with(disclosure("salt", "iat", MADE))(draft)),
    "a forbidden name": _with(disclosure("salt", "_sd", 1)),
    "a claim that is there": _with(disclosure("salt", "decision_rule", "alone")),
    "an element": _with(disclosure("salt", 7)),
    "a disclosure of nothing": _hide(lambda hidden: hidden.append(disclosure("salt", "x", 1))),
    "a disclosure twice": _hide(lambda hidden: hidden.append(hidden[0])),
    "a disclosure left out": _hide(lambda hidden: hidden.pop(0)),
    "another left out": _hide(lambda hidden: hidden.pop()),
    "no disclosures": _hide(lambda hidden: hidden.clear()),
    "another order": _hide(lambda hidden: hidden.reverse()),
    "a disclosure no array": _hide(lambda hidden: hidden.append(b64("{}"))),
    "a disclosure of four": _hide(lambda hidden: hidden.append(disclosure("a", "b", 1, 2))),
    "a disclosure no JSON": _hide(lambda hidden: hidden.append(b64("["))),
    "a disclosure no base64url": _hide(lambda hidden: hidden.append("*")),
    "an empty disclosure": _hide(lambda hidden: hidden.insert(0, "")),
    **{f"typ {value!r}": _header(typ=value) for value in ("kb+jwt", "vc+jwt", 7, ...)},
    **{f"alg {value!r}": _header(alg=value) for value in ("EdDSA", "none", 7)},
    "crit": _header(crit=["x"]),
    "no certificate": _header(x5c=...),
    "signed by a stranger": _stranger,
    "a member twice": lambda draft: setattr(draft, "token", signed(json.dumps(draft.payload)[:-1] + ',"exp":9}', draft.by, **draft.header)),
    "no binding": lambda draft: setattr(draft, "binding", None),
    "bound by a stranger": lambda draft: setattr(draft, "to", Signer.new()),
    "binding typ": lambda draft: setattr(draft, "typ", "dc+sd-jwt"),
    **{f"aud {value!r:.20}": _bind(aud=value) for value in ("l:x", [LIVE["aud"]], 7, ...)},
    **{f"nonce {value!r:.20}": _bind(nonce=value) for value in ("x", 7, "", ...)},
    **{f"made {value!r}": _bind(iat=value) for value in (AT + 60, AT + 61, AT - 15 * DAY, 1.5, "x", None, ...)},
    **{f"ends {value!r}": _bind(exp=value) for value in (AT, AT + 1, AT + 15 * DAY, "x", None)},
    **{f"begins {value!r}": _bind(nbf=value) for value in (AT, AT + 61, "x")},
    **{f"sd_hash {value!r:.20}": _bind(sd_hash=value) for value in (b64(bytes(32)), 7, ...)},
    **{f"jti {value!r}": _bind(jti=value) for value in ("", 7, ...)},
    **{f"purpose {value!r}": _bind(purpose_id=value) for value in ("other", 7, ...)},
}


def wire() -> str:
    return issue("dc+sd-jwt", by=twins.registry(), to=twins.holder(), claims=CLAIMS)


def chosen(draft: Draft, names: Sequence[str]) -> None:
    """Only the disclosures of members with these names, and of the array elements."""
    draft.hidden = [each for each in draft.hidden if len(parts := json.loads(unb64(each))) == 2 or parts[1] in names]


def compare(cases: Sequence[Case], known: Mapping[str, twins.Pack]) -> Counter[str]:
    answers = judging.judge([*twins.keep(known), *(twins.script_case(case, known) for case in cases)])[len(known) :]
    codes: Counter[str] = Counter()
    for case, answer in zip(cases, answers, strict=True):
        ours = twins.python_verdict(case, known)
        assert answer["ok"] == ours, f"{case.name} {case.mode}\n{ours}\n{answer['ok']}"
        codes[ours["code"]] += 1
    return codes


def test_sd_jwt_over_the_codes() -> None:
    known = {"plain": twins.pack([twins.token(values={5: 1})]), "cancelled": twins.pack([twins.token(values={IDX: 1})])}
    issued = wire()
    cases = []
    for name, bend in BENDS.items():
        for mode in ("live", "addressed"):
            draft = Draft(issued)
            chosen(draft, ("given_name", "family_name", "birthdate", "powers"))
            how: dict[str, Any] = {"mode": "live"}
            if mode == "addressed":
                draft.binding = dict(COPY)
                how = {"mode": mode, "audience": f"a:{BANK}", "purpose": "bank"}
            if draft.binding is not None:
                bend(draft)
            cases.append(Case(name, "plain", draft.wire().encode(), prefix=PREFIX, wants=(WANT,), **how))
    draft = Draft(issued)
    cases += [
        Case("cancelled", "cancelled", draft.wire().encode(), prefix=PREFIX, wants=()),
        Case("all", "plain", draft.wire().encode(), prefix=PREFIX, wants=(Want(vct=65_001, required=(1,)),)),
    ]
    codes = compare(cases, known)
    assert codes[""] > 20
    assert {"revoked", "bad_disclosure", "malformed", "other_presentation", "not_bound", "wrong_audience", "over_disclosed"} <= set(codes)


# --- certificates ------------------------------------------------------------------------------------------------------------------------


def certified(serial: int, *, at: int = AT - 30 * DAY, days: int = 365) -> bytes:
    """Another certificate of the registry's key."""
    by = twins.registry()
    return leaf(by.signer, by.certificate, by.root, uri=by.entity, at=at, days=days, serial=serial)


def test_the_certificates_that_a_document_or_a_list_brings() -> None:
    """S16: the key is the same and its signature is good; whether this certificate of it is in force decides."""
    by, tiers = twins.registry(), Tiers.new()
    newer, over, short, gone, unnamed = certified(9), certified(8, days=20), certified(7, days=31), certified(6), certified(5)
    named = (*by.x5c, newer, over, short, gone)
    brought: dict[str, tuple[Signer, tuple[bytes, ...]]] = {
        "usual": (by.signer, by.x5c),
        "newer": (by.signer, (newer,)),
        "run out": (by.signer, (over,)),
        "runs out tomorrow": (by.signer, (short,)),
        "withdrawn": (by.signer, (gone,)),
        "not in the snapshot": (by.signer, (unnamed,)),
        "by nobody": (by.signer, also_under(by).x5c),
        "of another key": (by.signer, twins.second().x5c),
        "twice": (by.signer, (*by.x5c, *by.x5c)),
        "with its anchor": (by.signer, (*by.x5c, by.certificate.der)),
        "five": (by.signer, by.x5c * 5),
        "two tiers": (tiers.issuer.signer, tiers.issuer.x5c),
        "one of two tiers": (tiers.issuer.signer, tiers.issuer.x5c[:1]),
        "two tiers turned": (tiers.issuer.signer, tiers.issuer.x5c[::-1]),
    }
    trusted = (by, twins.second(), tiers.issuer)
    publishers: dict[int, dict[str, Any]] = {
        0: {"at": AT - 600, "certificates": named, "withdrawn": (6,)},
        1: {"at": AT - 600},
        2: {"at": AT - 600, "crls": tuple(crl_by(*each, at=AT - 600) for each in ((tiers.top, tiers.root), (tiers.between, tiers.middle)))},
    }
    lists = {name: twins.token(x5c=x5c) for name, (signer, x5c) in brought.items() if signer is by.signer and name != "five"}
    known = {name: twins.pack([token], authorities=trusted, publishers=publishers) for name, token in lists.items()}
    issued, cases = wire(), []
    for name, (signer, x5c) in brought.items():
        draft = Draft(issued)
        chosen(draft, ("given_name", "family_name", "birthdate", "powers"))
        draft.by, draft.header["x5c"], draft.token = signer, x5c_header(x5c), None
        content = draft.wire().encode()
        for pack, at in [
            ("usual", AT),
            ("usual", AT + DAY - 1),
            ("usual", AT + DAY),
            ("usual", AT + 2 * DAY),
            *((each, AT) for each in known),
        ]:
            cases.append(Case(name, pack, content, prefix=PREFIX, wants=(WANT,), at=at, use={"stakes": "low"}))
    codes = compare(cases, known)
    assert {"", "untrusted", "certificate_revoked", "status_unknown", "too_large"} <= set(codes)
