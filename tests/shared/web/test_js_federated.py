"""The differential test over federations: of bodies that no anchor certifies, whose rights have limits and ends, and who were taken over,
Python by its chains and the pages' scripts by their flattened keys come to the same verdicts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from support import judging, twin_realms, twins
from support.signing import AT
from support.trial_verify import CLAIMS, DAY, IDX, LIST, MADE, Authority, assertion, issue, show, status_cwt
from support.trusting import also_under
from support.twin_realms import DUTY, heir, next_key, third
from support.twins import Case, Draft, Pack

from shared.codec import base64url
from shared.formats import Binding
from shared.trust.relying_party import Want
from shared.trust.snapshot import COPY_LIFE

pytestmark = pytest.mark.real

PREFIX = "OVJ1:"
LIVE = Binding(audience=twins.audience(), nonce=base64url.encode(twins.NONCE))
ALL = Want(vct=65_001, required=(1,), optional=tuple(range(2, 13)))


def compare(cases: Iterable[Case], known: Mapping[str, Pack]) -> Counter[tuple[str, str]]:
    """Equal verdicts for all of them; how often each code decided, with what the line of the issuer says."""
    listed = list(cases)
    answers = judging.judge([*twins.keep(known), *(twins.script_case(case, known) for case in listed)])[len(known) :]
    codes: Counter[tuple[str, str]] = Counter()
    for case, answer in zip(listed, answers, strict=True):
        ours = twins.python_verdict(case, known)
        assert answer["ok"] == ours, f"{case.name} / {case.pack} at {case.at - AT}\n{ours}\n{answer['ok']}"
        codes[ours["code"], ours["checks"][2][2]] += 1
    return codes


def square(name: str, pack: str, *, by: Authority | None = None, staple: bytes = b"", at: int = AT, **made: Any) -> Case:
    """A document as square codes carry it: it names a key and brings no certificate."""
    by = by or twins.registry()
    draft = Draft.of(twins.issue(by=by, seed=name, **made), by=by)
    draft.signed = None  # maps have another order in a draft
    if staple:
        draft.bare[-70_301] = staple
    draft.members[6] = at
    return Case(name, pack, draft.content(), at=at, use={"stakes": "low"})


def certified(
    name: str, pack: str, *, by: Authority | None = None, x5c: tuple[bytes, ...] | None = None, at: int = AT, **made: Any
) -> Case:
    """An SD-JWT, which brings certificates."""
    by = by or twins.registry()
    wire = issue("dc+sd-jwt", by=by, to=twins.holder(), seed=name, **({} if x5c is None else {"x5c": x5c}), **made)
    shown = show(wire, binding=LIVE, by=twins.holder(), at=at)
    return Case(name, pack, shown.encode(), prefix=PREFIX, at=at, wants=(ALL,), use={"stakes": "low"})


FORMS: list[Any] = [square, certified]
KINDS: Mapping[str, Mapping[str, Any]] = {
    "of England": {},
    "of Scotland": {"claims": CLAIMS | {"issuing_jurisdiction": "GB-SCT"}},
    "of nowhere": {"claims": {name: value for name, value in CLAIMS.items() if name != "issuing_jurisdiction"}},
    "by inspection": {
        "claims": CLAIMS | {"attestation_basis": "inspection", "evidence": {"attested_by": "A.", "attested_on": "2026-01-02"}}
    },
    "made today": {"issued_at": AT - 60},
    "made last week": {"issued_at": MADE - 6 * DAY},
    "made a month ago": {"issued_at": AT - COPY_LIFE, "expires_at": AT + DAY},
}


@cache
def federated() -> Mapping[str, Pack]:
    return {name: twin_realms.pack(each) for name, each in twin_realms.realms().items()}


def test_rights_limits_and_keys() -> None:
    """Federated issuers in both forms: what a right covers, the month after it, jurisdiction and basis, and keys that end (S14, S15)."""
    cases: list[Case] = []
    for pack in federated():
        for name, made in KINDS.items():
            cases += [each(f"{name}, at once", pack, **made) for each in (square, certified)]
            cases += [each(f"{name}, later", pack, at=AT + 3_600, **made) for each in (square, certified)]
    codes = compare(cases, federated())
    assert {code for code, _ in codes} == {"", "not_entitled", "untrusted", "certificate_revoked", "malformed"}
    assert codes["", ""] > 50
    assert codes["", "authority_ended"] > 10


def test_what_superiors_said_runs_out() -> None:
    """First a statement, which is a no; then their whole word, and nobody can tell."""
    moments = (AT + DAY - 1, AT + DAY, AT + 3 * DAY, AT + 7 * DAY - 61, AT + 7 * DAY - 60, AT + 7 * DAY - 40)
    some = ("good", "silent", "of Scotland", "compromised", "on two ways", "another key", "made up")
    known = {name: pack for name, pack in federated().items() if name in some}
    by = (twins.registry(), next_key(), heir(), third(), twins.foreign())
    cases = [
        each(f"by {one.entity}", pack, at=at, by=one) for pack in known for at in moments for one in by for each in (square, certified)
    ]
    codes = compare(cases, known)
    assert {"expired", "snapshot_stale", "untrusted", "not_entitled"} <= {code for code, _ in codes}


def test_whatever_certificate_of_the_key_comes_along() -> None:
    """Of certificates that no anchor carries the first one's key counts, and what the document is signed with; the page follows no chain."""
    by, other = twins.registry(), twins.second()
    brought: Mapping[str, tuple[bytes, ...]] = {
        "its own": by.x5c,
        "another authority's": also_under(by).x5c,
        "with its anchor": (*by.x5c, by.certificate.der),
        "of another key first": (*other.x5c, *by.x5c),
        "of another key": other.x5c,
        "of the heir": heir().x5c,
    }
    known = {name: pack for name, pack in (dict(federated()) | twin_realms.pinned_too()).items() if ", all duties, " not in name}
    cases = [certified(name, pack, x5c=x5c) for name, x5c in brought.items() for pack in known]
    cases += [certified("next key", pack, by=next_key()) for pack in known]
    cases += [square("next key", pack, by=next_key()) for pack in known]
    cases += [square("the usual", pack) for pack in known]
    cases += [certified("the heir has nothing to say", pack, by=heir()) for pack in known]
    codes = compare(cases, known)
    assert codes["", ""] > 30
    assert {"untrusted", "not_entitled", "certificate_revoked"} <= {code for code, _ in codes}


def test_who_took_over_and_whose_lists_count() -> None:
    """The keeper is named on the line of the issuer; its lists count from that day with the duty, and cancel with that power (C24)."""
    listed = dict(twin_realms.lists())
    known = {
        f"{name}; {which}": twin_realms.pack(made, told)
        for name, made in twin_realms.successions().items()
        for which, told in listed.items()
    }
    known |= twin_realms.pinned_too()
    cases = [square("usual", pack) for pack in known]
    cases += [certified("usual", pack) for pack in known if "as JWT" in pack or "pinned" in pack]
    cases += [square("tomorrow", pack, at=AT + DAY - 120) for pack in known if "tomorrow" in pack]
    codes = compare(cases, known)
    assert codes["", "succeeded"] > 20
    assert codes["revoked", "succeeded"] > 10
    assert codes["suspended", "succeeded"]
    assert codes["status_unknown", "succeeded"] > 20
    assert codes["", ""]


def test_assertions_by_who_took_over() -> None:
    told = [status_cwt({IDX: 0}, by=twins.registry(), iat=AT - 3 * DAY)]
    known = {name: twin_realms.pack(made, told) for name, made in twin_realms.successions().items()}
    cases = [
        square(f"{by.entity} {status} {iat - AT}", pack, staple=assertion(status, by=by, iat=iat, uri=LIST))
        for pack in known
        for by in (twins.registry(), heir(), third(), twins.unknown())
        for status in (0, 1, 2)
        for iat in (AT - 60, AT - DAY - 60)
    ]
    codes = compare(cases, known)
    assert {"", "revoked", "suspended", "status_unknown"} <= {code for code, _ in codes}


def test_chance() -> None:
    """Any right with any succession, any list and any document: eighty worlds."""
    dice = judging.dice(17)
    made = list(twin_realms.RIGHTS.values())
    listed = [told for _, told in twin_realms.lists()]
    known: dict[str, Pack] = {}
    for place in range(80):
        said: dict[str, Any] = {name: dice.random() < 0.8 for name in DUTY}
        realm = twin_realms.taken(*dice.choice(made), **said)
        pinned = dice.random() < 0.3
        how: dict[str, Any] = {"authorities": (twins.registry(),), "publishers": {0: {"at": AT - 60}}} if pinned else {}
        known[str(place)] = twin_realms.pack(realm, dice.choice(listed), **how)
    cases = []
    for pack in known:
        for _ in range(4):
            kind = dice.choice(list(KINDS))
            build: Any = dice.choice(FORMS)
            cases.append(build(kind, pack, at=AT + dice.choice([0, 60, 7_200]), **KINDS[kind]))
    codes = compare(cases, known)
    assert {"", "revoked", "suspended", "status_unknown", "not_entitled"} <= {code for code, _ in codes}


def test_the_key_inside_a_certificate() -> None:
    """Of every algorithm, and never another one: bent anywhere a certificate has this key, or none that can be read."""
    dice, cases, points = judging.dice(18), [], []
    for alg in ("ES256", "ES384", "EdDSA"):
        by = Authority.new(alg=alg)
        key, form = by.signer.public.key, PublicFormat.Raw if alg == "EdDSA" else PublicFormat.UncompressedPoint
        point = key.public_bytes(Encoding.Raw if alg == "EdDSA" else Encoding.X962, form)
        whole = by.x5c[0]
        place = whole.index(point)
        for at in [len(whole), *dice.sample(range(len(whole)), 120)]:
            bent = whole[:at] + bytes((whole[at] ^ 1 << dice.randrange(8),)) + whole[at + 1 :] if at < len(whole) else whole
            cases.append({"op": "point", "data": bent.hex()})
            points.append(bent[place : place + len(point)].hex())
    told = [answer["ok"] for answer in judging.judge(cases)]
    assert all(each in {None, point} for each, point in zip(told, points, strict=True))
    assert sum(each is not None for each in told) > 200
