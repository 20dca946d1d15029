"""Presentations good, broken and bent, judged by Python and by the pages' scripts: the world of the differential test.

``Case`` holds everything that both need; ``python_verdict`` and ``SCRIPT`` (an operation of tests/js/judge.mjs) give verdicts in one form.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

import cbor2
from support.federation import MINISTRY
from support.federations import Realm
from support.signing import AT, Signer
from support.trial_verify import BANK, CLAIMS, DAY, IDX, LIST, MADE, Authority, Dice, credential_type, status_cwt, status_token
from support.trusting import Publisher, also_under

from shared.codec import base64url, cbor, strict_json
from shared.cose import kid_of, render_cose_key, thumbprint
from shared.cose.sign1 import to_sign
from shared.credentials import all_types
from shared.credentials._page import page_type
from shared.errors import VcError
from shared.flow import run
from shared.formats import BearerType, Binding, Credential, StatusReference, formats
from shared.jose.jwk import thumbprint as jwk_thumbprint
from shared.keys import KeyId
from shared.ovp.answer import asked_of
from shared.ovp.envelope import PRESENTATION
from shared.status.memory import render_statuses
from shared.trust.anchors import TrustAnchors, parse_trust, render_trust
from shared.trust.artefact import CERTIFICATE, PAGE_KEYS, PAGE_TYPES, STATUS_LIST, STATUS_LIST_CWT, Artefact
from shared.trust.bundle import BundleMemory, parse_bundle, prepare_bundle, render_memory, verify_bundle
from shared.trust.page_keys import Own, page_keys
from shared.trust.policy import Policy
from shared.trust.relying_party import Want
from shared.verify import Expectation, Keeper, Material, decide_error, level_of, verify

USE = "bank"
SHOWN = (1, 2, 3, 4, 5)  # donor's name, birth date and postcode, attorney's name, powers
WANT = Want(vct=65_001, required=(1, 4), optional=(2, 3, 5, 6, 7, 8, 9, 10, 11, 12))
KEY = KeyId("k")


@cache
def registry() -> Authority:
    return Authority.new()


@cache
def doubled() -> Authority:
    """Another anchor, which has certified the registry's key as well."""
    return also_under(registry())


@cache
def second() -> Authority:
    """Another key of the same registry, for its own documents."""
    return Authority.new(alg="ES384")


@cache
def edwards() -> Authority:
    return Authority.new(alg="EdDSA")


@cache
def foreign() -> Authority:
    """Trusted for another type alone."""
    return Authority.new("https://other.example")


@cache
def unknown() -> Authority:
    return Authority.new()


@cache
def holder() -> Signer:
    return Signer.new()


@cache
def desk() -> Signer:
    return Signer.new()


@cache
def packer() -> Signer:
    return Signer.new()


@dataclass(frozen=True)
class Pack:
    """A checking pack and how both sides open it. ``anchors`` are what the verifier pins."""

    data: bytes
    anchors: TrustAnchors
    memory: BundleMemory = field(default_factory=BundleMemory)


@dataclass(frozen=True)
class Case:
    """One question. ``nonce`` is bytes, ``None`` for a copy made out to somebody."""

    name: str
    pack: str
    content: bytes
    mode: str = "live"
    prefix: str = PRESENTATION
    at: int = AT
    audience: str = ""
    nonce: bytes | None = None
    purpose: str | None = None
    wants: tuple[Want, ...] = (WANT,)
    use: Mapping[str, Any] = field(default_factory=dict)


def audience() -> str:
    return "l:" + base64url.encode(thumbprint(desk().public))


NONCE = bytes(range(32))


# --- packs -------------------------------------------------------------------------------------------------------------------------------


def pack(
    lists: Sequence[bytes | str] | None = None,
    *,
    authorities: Sequence[Authority] | None = None,
    publishers: Mapping[int, Mapping[str, Any]] | None = None,
    at: int = AT - 600,
    life: int = 7 * DAY,
    seq: int = 1,
    memory: BundleMemory | None = None,
    types: bool = True,
    realm: Realm | None = None,
) -> Pack:
    """A pack as the verifier's service makes one, of what the authorities publish, and the superiors of ``realm``. ``publishers`` bends them by
    position.
    """
    used = tuple((registry(), second(), edwards(), foreign()) if authorities is None else authorities)
    trust = TrustAnchors(
        anchors=tuple(each.pin(entity=each.entity, vcts=("urn:other",) if each is foreign() else None) for each in used),
        federation=() if realm is None else (realm.pin(MINISTRY),),
    )
    told = [Publisher(by=each, entity=each.entity, **(publishers or {}).get(place, {"at": at})) for place, each in enumerate(used)]
    artefacts = [artefact for each in told for artefact in each.artefacts()]
    snapshots = {each.pin.fingerprint: each.snapshot() for each in told}
    crls = tuple(crl for each in told for crl in (each.crls or (each.crl(),)))
    policy = Policy.sealed(trust, snapshots, crls, federation=None if realm is None else realm.federation(MINISTRY))
    own = Own(entity=BANK, name="Northwold Bank", public=desk().public)
    heard = () if realm is None else (realm[MINISTRY].at,)
    floor = max([each.iat for each in snapshots.values()] + list(heard))
    artefacts += () if realm is None else realm.artefacts()
    certificates = dict.fromkeys(each.data for each in artefacts if each.media_type == CERTIFICATE)
    keys = page_keys(policy, certificates | dict.fromkeys(der for each in used for der in each.x5c), own, at=at, floor=floor)
    artefacts.append(Artefact(media_type=PAGE_KEYS, data=keys))
    if types:
        told_types = {"version": 1, "types": [page_type(each) for each in all_types().values()]}
        artefacts.append(Artefact(media_type=PAGE_TYPES, data=strict_json.dumps(told_types)))
    for each in [status_cwt(by=registry())] if lists is None else lists:
        kind, data = (STATUS_LIST, each.encode()) if isinstance(each, str) else (STATUS_LIST_CWT, each)
        artefacts.append(Artefact(media_type=kind, data=data))
    unsigned = prepare_bundle(issuer=BANK, seq=seq, prev=None, at=at, exp=at + life, artefacts=artefacts, key=KEY, public=packer().public)
    return Pack(packer().finish(unsigned), trust, memory or BundleMemory())


# --- documents ---------------------------------------------------------------------------------------------------------------------------


def issue(
    *, by: Authority | None = None, to: Signer | None = None, seed: str = "", claims: Mapping[str, Any] | None = None, **changes: Any
) -> bytes:
    """A copy as its issuer hands it over."""
    by = by or registry()
    fields: dict[str, Any] = {
        "type": credential_type(),
        "claims": CLAIMS if claims is None else claims,
        "issuer": by.entity,
        "issued_at": MADE,
        "expires_at": MADE + 30 * DAY,
        "status": StatusReference(uri=LIST, idx=IDX),
        "kid": kid_of(by.signer.public),
        "alg": by.signer.public.alg,
    } | changes
    form = formats()["dc+sd-cwt"]
    unsigned = form.prepare(Credential(**fields), key=KEY, holder=(to or holder()).public, entropy=Dice(seed))
    return base64url.decode(by.signer.finish(unsigned))


@dataclass
class Draft:
    """A presentation taken apart, to be bent anywhere and signed again by whom it belongs to.

    ``header``, ``payload``, ``hidden`` (encoded disclosures) and ``bare`` are the issuer's; ``binding`` and ``members`` the holder's.
    ``signed`` and ``bound`` are the signatures, made anew where ``None``.
    """

    header: dict[Any, Any]
    payload: dict[Any, Any]
    hidden: list[bytes]
    bare: dict[Any, Any]
    members: dict[Any, Any]
    binding: dict[Any, Any]
    by: Signer
    to: Signer
    outside: dict[Any, Any] = field(default_factory=dict)
    signed: bytes | None = None
    bound: bytes | None = None

    @classmethod
    def of(cls, copy: bytes, *, groups: Iterable[int] = SHOWN, by: Authority | None = None, to: Signer | None = None) -> Draft:
        header, bare, payload, signature = cbor2.loads(copy).value
        wanted = set(groups)
        wanted |= {7} if wanted & set(range(8, 13)) else set()
        hidden = [each for each in bare[17] if len(parts := cbor2.loads(each)) == 3 and -parts[2] in wanted]
        signer = (by or registry()).signer
        return cls(
            header=dict(cbor2.loads(header)),
            payload=dict(cbor2.loads(payload)),
            hidden=hidden,
            bare={},
            members={3: audience(), 6: AT, 39: NONCE},
            binding={1: ALG[(to or holder()).public.alg], 16: 294},
            by=signer,
            to=to or holder(),
            signed=signature,
        )

    def document(self) -> Any:
        header, payload = cbor.dumps(self.header, canonical=True), cbor.dumps(self.payload, canonical=True)
        signature = self.by.raw(to_sign(header, payload)) if self.signed is None else self.signed
        bare = dict(self.bare) | ({17: self.hidden} if self.hidden else {})
        return cbor2.CBORTag(18, [header, bare, payload, signature])

    def content(self) -> bytes:
        header = cbor2.dumps({**self.binding, 13: self.document()}, canonical=False)
        payload = cbor.dumps(self.members, canonical=True)
        signature = self.to.raw(to_sign(header, payload)) if self.bound is None else self.bound
        return cbor2.dumps(cbor2.CBORTag(18, [header, self.outside, payload, signature]))


ALG = {"ES256": -9, "ES384": -51, "EdDSA": -19}


def cose_key(signer: Signer) -> dict[int, Any]:
    return dict(render_cose_key(signer.public))


# --- verdicts ----------------------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def _opened(data: bytes, at: int, trust: bytes, memory: bytes) -> Any:
    from shared.trust.bundle import parse_memory

    anchors = parse_trust(trust)
    try:
        bundle = parse_bundle(data)
        return verify_bundle(
            bundle,
            signers=[jwk_thumbprint(packer().public)],
            at=at,
            memory=parse_memory(memory),
            anchors=anchors.anchors,
            federation=anchors.federation,
        )
    except VcError as error:
        return error


def python_verdict(case: Case, packs: Mapping[str, Pack]) -> dict[str, Any]:
    """What Python decides, in the form of the operation ``decide``."""
    pack = packs[case.pack]
    opened = _opened(pack.data, case.at, render_trust(pack.anchors), render_memory(pack.memory))
    if isinstance(opened, VcError):
        decision = decide_error(opened, at=case.at)
        return {"decision": decision.decision, "code": decision.code, "checks": _lines(decision.checks)}
    policy = Policy.sealed(pack.anchors, opened.snapshots, opened.crls, seen=opened.memory.snapshots, federation=opened.federation)
    material = Material(
        policy=policy,
        types=all_types(),
        crls=opened.crls,
        certificates=opened.certificates,
        memory=opened.memory.statuses,
        source=opened.source,
        floor=opened.memory.floor,
    )
    expectation = Expectation(
        query=None,
        binding=_binding(case),
        use=case.use,
        format="dc+sd-cwt" if case.prefix == PRESENTATION else "dc+sd-jwt",
        asked=asked_of(case.wants, all_types()),
    )
    wire = base64url.encode(case.content) if case.prefix == PRESENTATION else case.content.decode()
    decision = run(verify({"q": [wire]}, expectation, material, at=case.at), opened.answer)
    learnt = opened.memory.statuses.merge(decision.learnt)
    return {
        "decision": decision.decision,
        "code": decision.code,
        "level": level_of(expectation.binding).number,
        "checks": _lines(decision.checks),
        "as_of": decision.status_iat,
        "freshness": decision.status_freshness,
        "replay": [base64url.encode(each) for each in decision.replay_keys],
        "statuses": _plain_statuses(render_statuses(learnt)),
        "claims": None if not decision.credentials else json.loads(strict_json.dumps(decision.credentials[0].claims.claims)),
        "keeper": None if not decision.credentials else _keeper(decision.credentials[0].succeeded_by),
    }


def _keeper(keeper: Keeper | None) -> list[Any] | None:
    return None if keeper is None else [keeper.succession.successor, {"en": keeper.name.en, "cy": keeper.name.cy}, keeper.succession.since]


def _binding(case: Case) -> Binding | BearerType:
    if case.mode == "bearer":
        return BearerType(vct=case.audience or credential_type().vct)
    if case.mode == "addressed":
        extra = {} if case.purpose is None else {"purpose_id": case.purpose}
        return Binding(audience=case.audience, nonce=None, max_age=14 * DAY, extra=extra)
    return Binding(audience=case.audience or audience(), nonce=base64url.encode(case.nonce or NONCE), max_age=None)


def _lines(checks: Iterable[Any]) -> list[list[Any]]:
    return [[each.name, each.state, each.code, each.needed] for each in checks]


def _plain_statuses(statuses: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(statuses, sort_keys=True))  # type: ignore[no-any-return] # an object went in


def script_case(case: Case, packs: Mapping[str, Pack]) -> dict[str, Any]:
    """The same question for tests/js/judge.mjs, whose packs were given before (``keep``)."""
    return {
        "op": "decide",
        "pack": case.pack,
        "signer": jwk_thumbprint(packer().public),
        "memory": json.loads(render_memory(packs[case.pack].memory)),
        "at": case.at,
        "prefix": case.prefix if case.prefix == PRESENTATION else "OVJ1:",
        "data": case.content.hex() if case.prefix == PRESENTATION else _packed(case.content.decode()).hex(),
        "expectation": {
            "mode": case.mode,
            "audience": case.audience or audience(),
            "nonce": None if case.mode in {"addressed", "bearer"} else (case.nonce or NONCE).hex(),
            **({"vct": case.audience or credential_type().vct} if case.mode == "bearer" else {}),
            "purposeId": case.purpose,
            "wants": [{"vct": each.vct, "required": list(each.required), "optional": list(each.optional)} for each in case.wants],
            "use": dict(case.use),
        },
    }


def _packed(wire: str) -> bytes:
    from shared.codec.packed import pack as packed

    return cbor.dumps(packed(wire))


def keep(packs: Mapping[str, Pack]) -> list[dict[str, Any]]:
    """What judge.mjs is told first."""
    return [{"op": "keep", "name": name, "data": each.data.hex()} for name, each in packs.items()]


def token(**how: Any) -> str:
    """The list as a JWT."""
    return status_token(by=registry(), **how)
