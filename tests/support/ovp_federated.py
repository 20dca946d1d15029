"""Presentations of documents whose issuers only a federation carries, and who were taken over, for ``ovp_vectors``: each with its checking pack."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from support import twin_realms, twins
from support.federation import MINISTRY
from support.federations import Realm
from support.signing import AT
from support.trial_verify import CLAIMS, DAY, IDX, ISSUER, LIST, issue, show, status_cwt
from support.twin_realms import DUTY, HEIR, RIGHTS, heir
from support.twins import Draft, Pack

from shared.codec import base64url, cbor, strict_json
from shared.codec.packed import pack as packed
from shared.formats import Binding, StatusReference
from shared.jose.jwk import thumbprint as jwk_thumbprint
from shared.ovp.envelope import PRESENTATION, SD_JWT
from shared.trust.anchors import TrustAnchors, render_trust

Case = dict[str, Any]
SCOTTISH = CLAIMS | {"issuing_jurisdiction": "GB-SCT"}
BY_COURT = CLAIMS | {"attestation_basis": "court-order"}
CANCELLED = StatusReference(uri=LIST, idx=IDX + 1)
WANTS = [[65_001, [1], list(range(2, 13))]]


def worlds() -> dict[str, tuple[Realm, Pack]]:
    """By name, with all that a checker needs."""
    realms = {
        "ended lately": twin_realms.letting(*RIGHTS["ended lately"]),
        "of the register of England": twin_realms.letting(*RIGHTS["of the register of England"]),
        "taken over": twin_realms.succeeded(**DUTY),
        "taken over without duty": twin_realms.succeeded(),
        "taken over, may not cancel": twin_realms.succeeded(status_duty=True),
    }
    for realm in realms.values():
        for entity in {*realm.members} - {MINISTRY, ISSUER, HEIR}:
            del realm.members[entity]
    own, heirs = status_cwt(by=twins.registry()), status_cwt({CANCELLED.idx: 1}, by=heir(), x5c=())
    return {name: (realm, twin_realms.pack(realm, [heirs if realm[MINISTRY].more else own])) for name, realm in realms.items()}


def _square(name: str, **made: Any) -> tuple[str, bytes]:
    draft = Draft.of(twins.issue(seed=name, **made))
    draft.signed = None
    return PRESENTATION, draft.content()


def _certified(name: str, **made: Any) -> tuple[str, bytes]:
    binding = Binding(audience=twins.audience(), nonce=base64url.encode(twins.NONCE))
    wire = issue("dc+sd-jwt", by=twins.registry(), to=twins.holder(), seed=name, **made)
    return SD_JWT, cbor.dumps(packed(show(wire, binding=binding, by=twins.holder())))


FORMS: dict[str, Callable[..., tuple[str, bytes]]] = {"by the name of its key": _square, "by certificates": _certified}
# the pack, what is shown, when, and what comes of it: the code of the verdict and the remark on the issuer
EXPECTED: list[tuple[str, dict[str, Any], int, str, str]] = [
    ("ended lately", {}, AT, "", "authority_ended"),
    ("ended lately", {"issued_at": AT - 60}, AT, "not_entitled", "not_entitled"),
    ("of the register of England", {}, AT, "", ""),
    ("of the register of England", {"claims": SCOTTISH}, AT, "not_entitled", "not_entitled"),
    ("of the register of England", {"claims": BY_COURT}, AT, "not_entitled", "not_entitled"),
    ("of the register of England", {}, AT + DAY, "expired", "expired"),
    ("taken over", {}, AT, "", "succeeded"),
    ("taken over", {"status": CANCELLED}, AT, "revoked", "succeeded"),
    ("taken over without duty", {}, AT, "status_unknown", "succeeded"),
    ("taken over, may not cancel", {}, AT, "", "succeeded"),
    ("taken over, may not cancel", {"status": CANCELLED}, AT, "status_unknown", "succeeded"),
]


def file() -> Case:
    known = worlds()
    cases = []
    for place, (world, made, at, code, remark) in enumerate(EXPECTED):
        for form, build in FORMS.items():
            name = f"{place + 1} {world}, {form}"
            prefix, content = build(name, **made)
            accepted = {"decision": "accepted"} if not code else {"decision": "undecided" if code == "status_unknown" else "rejected"}
            keeper = HEIR if remark == "succeeded" and code != "revoked" else None
            expect = accepted | {"code": code, "issuer_trust": remark, "keeper": keeper}
            one = {"name": name, "pack": world, "at": at, "prefix": prefix, "presentation": base64url.encode(content), "expect": expect}
            cases.append(one)
    return {
        "signer": jwk_thumbprint(twins.packer().public),
        "packs": {name: base64.b64encode(pack.data).decode() for name, (_, pack) in known.items()},
        "expectation": {
            "audience": twins.audience(), "nonce": base64url.encode(twins.NONCE), "wants": WANTS, "use": {"stakes": "low"},
        },
        "python": {
            name: strict_json.load_object(render_trust(TrustAnchors(federation=(realm.pin(MINISTRY),)))) for name, (realm, _) in known.items()
        },
        "cases": cases,
    }  # fmt: skip
