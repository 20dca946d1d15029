"""A small world to verify in: a registry with its anchor, Nora's wallet, a bank that asks, and status lists that can be bent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import msgspec
from support.signing import AT, Signer, anchor, leaf

from shared.cose import kid_of
from shared.credentials import CredentialType, all_types
from shared.errors import Unavailable
from shared.flow import Fetch, Fetched, run
from shared.formats import BearerType, Binding, Credential, Handover, StatusReference, formats
from shared.jose.jws import parse_jws, prepare_jws
from shared.keys import KeyId, Role
from shared.status.assertion import prepare_assertion
from shared.status.token_status_list import MIN_SIZE, VALID, StatusList, prepare_cwt, prepare_token
from shared.trust.anchors import Anchor, TrustAnchors
from shared.trust.policy import Policy
from shared.verify import Decision, Expectation, Material, verify

ISSUER = "https://opg.example"
LIST = "https://opg.example/status/1"
BANK = "https://northwold-bank.example"
CLIENT_ID = "x509_hash:bank"
NONCE = "n-0S6_WzA2Mj-bank-nonces"
VCT = "urn:fdc:vct.example:2027:representation:1"
DAY = 86_400
MADE = AT - AT % DAY - DAY
IDX = 70_001
CLAIMS: dict[str, Any] = {
    "representation_kind": "power_of_attorney",
    "issuing_authority": "Office of the Public Guardian (test)",
    "issuing_country": "GB",
    "issuing_jurisdiction": "GB-EAW",
    "instrument_type": "lpa-property-and-affairs",
    "attestation_basis": "register",
    "decision_rule": "jointly-and-severally",
    "usable_when": "when-has-capacity",
    "has_restrictions": False,
    "substitution": "not_allowed",
    "powers": ["council-tax", "banking"],
    "represented": {
        "given_name": "Margaret",
        "family_name": "Ashdown",
        "birthdate": "1938-11-02",
        "address": {"postal_code": "ZZ99 4CD"},
    },
    "proxy": {"given_name": "Nora", "family_name": "Ashdown", "birthdate": "1968-03-14", "appointment_type": "original"},
}


class Dice:
    """Bytes that look random and never repeat."""

    def __init__(self, seed: str = "") -> None:
        self._seed, self._count = seed, 0

    def __call__(self, size: int) -> bytes:
        self._count += 1
        return hashlib.shake_256(f"{self._seed}/{self._count}".encode()).digest(size)


@dataclass(frozen=True)
class Authority:
    """An anchor, a leaf below it and their keys."""

    root: Signer
    certificate: Any
    signer: Signer
    x5c: tuple[bytes, ...]
    entity: str

    @classmethod
    def new(
        cls,
        entity: str = ISSUER,
        *,
        role: Role = Role.CREDENTIAL_ISSUER,
        subject: str = "Test anchor",
        alg: str = "ES256",
        dns: Sequence[str] = (),
    ) -> Authority:
        root, signer = Signer.new(), Signer.new(alg)
        certificate = anchor(root, subject=subject, at=AT - 30 * DAY)
        made = leaf(signer, certificate, root, role=role, uri=entity, dns=dns, at=AT - 30 * DAY)
        return cls(root, certificate, signer, (made,), entity)

    def pin(self, *, role: Role = Role.CREDENTIAL_ISSUER, entity: str | None = None, vcts: tuple[str, ...] | None = None) -> Anchor:
        return Anchor(certificate=self.certificate, role=role, name="Test", entity=entity, vcts=vcts)


@cache
def registry() -> Authority:
    return Authority.new()


@cache
def stranger() -> Authority:
    """Everything right, but nobody trusts it."""
    return Authority.new()


@cache
def holder() -> Signer:
    return Signer.new()


def status_list(values: Mapping[int, int] | None = None, *, size: int = MIN_SIZE, bits: int = 2) -> StatusList:
    statuses = StatusList(bits, size)
    for index, value in (values or {}).items():
        statuses.set(index, value)
    return statuses


def status_token(
    values: Mapping[int, int] | None = None,
    *,
    by: Authority | None = None,
    uri: str = LIST,
    iat: int = AT - 3600,
    exp: int | None = None,
    size: int = MIN_SIZE,
    bits: int = 2,
    x5c: Sequence[bytes] | None = None,
    signer: Signer | None = None,
) -> str:
    by = by or registry()
    signer = signer or by.signer
    unsigned = prepare_token(
        list=status_list(values, size=size, bits=bits),
        uri=uri,
        iat=iat,
        exp=exp,
        key=KeyId("issuer"),
        x5c=by.x5c if x5c is None else x5c,
        alg=signer.public.alg,
    )
    return signer.finish(unsigned)


def status_cwt(
    values: Mapping[int, int] | None = None,
    *,
    by: Authority | None = None,
    uri: str = LIST,
    iat: int = AT - 3600,
    exp: int | None = None,
    size: int = MIN_SIZE,
    bits: int = 2,
    x5c: Sequence[bytes] | None = None,
) -> bytes:
    """The same list in its other form."""
    by = by or registry()
    unsigned = prepare_cwt(
        list=status_list(values, size=size, bits=bits),
        uri=uri,
        iat=iat,
        exp=exp,
        key=KeyId("issuer"),
        kid=kid_of(by.signer.public),
        x5c=by.x5c if x5c is None else x5c,
        alg=by.signer.public.alg,
    )
    return by.signer.finish(unsigned)


def assertion(
    status: int = VALID,
    *,
    by: Authority | None = None,
    uri: str = LIST,
    idx: int = IDX,
    iat: int = AT - 3600,
    exp: int | None = None,
    kid: bytes | None = None,
) -> bytes:
    """What the registry says of one copy."""
    signer = (by or registry()).signer
    unsigned = prepare_assertion(
        uri=uri,
        idx=idx,
        status=status,
        iat=iat,
        exp=iat + DAY if exp is None else exp,
        key=KeyId("issuer"),
        kid=kid_of(signer.public) if kid is None else kid,
        alg=signer.public.alg,
    )
    return signer.finish(unsigned)


def credential_type() -> CredentialType:
    return all_types()[VCT]


def credential(**changes: Any) -> Credential:
    whole = Credential(
        type=credential_type(),
        claims=CLAIMS,
        issuer=ISSUER,
        issued_at=MADE,
        expires_at=MADE + 30 * DAY,
        status=StatusReference(uri=LIST, idx=IDX),
        x5c=registry().x5c,
    )
    return msgspec.structs.replace(whole, **changes)


def issue(format_name: str = "dc+sd-jwt", *, by: Authority | None = None, to: Signer | None = None, seed: str = "", **changes: Any) -> str:
    by = by or registry()
    made = credential(**{"x5c": by.x5c, "alg": by.signer.public.alg, "issuer": by.entity, **changes})
    unsigned = formats()[format_name].prepare(made, key=KeyId("issuer"), holder=(to or holder()).public, entropy=Dice(seed))
    return by.signer.finish(unsigned)


def resign(wire: str, *, by: Authority | None = None, **changes: Any) -> str:
    """The same SD-JWT with other members in the signed part (``None`` takes one out): what only a careless issuer can make."""
    token, tail = wire.split("~", 1)
    jws = parse_jws(token)
    payload = {name: value for name, value in (json.loads(jws.payload) | changes).items() if value is not None}
    header = {"x5c": jws.header["x5c"]}
    by = by or registry()
    signed = by.signer.finish(prepare_jws(typ="dc+sd-jwt", payload=json.dumps(payload).encode(), key=KeyId("issuer"), header=header))
    return f"{signed}~{tail}"


LIVE = Binding(audience=CLIENT_ID, nonce=NONCE, handover=Handover(response_uri=f"{BANK}/response"))
COPY = Binding(audience=f"a:{BANK}", nonce=None, max_age=14 * DAY, extra={"purpose_id": "open-account"})


def show(
    wire: str,
    *,
    format_name: str = "dc+sd-jwt",
    paths: Sequence[Any] | None = None,
    binding: Binding = LIVE,
    by: Signer | None = None,
    at: int = AT,
) -> str:
    form = formats()[format_name]
    parsed = form.parse(wire)
    if paths is not None:
        parsed = form.disclose(parsed, paths)
    by = by or holder()
    return by.finish(form.present(parsed, binding, key=KeyId("copy"), at=at, alg=by.public.alg))


def copy_binding(*, seed: str = "copy", at: int = AT, days: int = 14, **changes: Any) -> Binding:
    """What Nora signs for the bank."""
    extra = {"purpose_id": "open-account", "exp": at + days * DAY, "jti": Dice(seed + "jti")(16).hex()}
    return replace(COPY, nonce=Dice(seed)(16).hex(), extra=extra, **changes)


def material(*pins: Anchor, **changes: Any) -> Material:
    trust = TrustAnchors(anchors=pins or (registry().pin(),))
    named = {(by.entity, kid_of(by.signer.public)): by.x5c for by in (registry(), stranger())}
    return replace(Material(policy=Policy(trust), types=all_types(), certificates=named), **changes)


def expectation(**changes: Any) -> Expectation:
    return replace(Expectation(query=None, binding=LIVE, format="dc+sd-jwt", use={"powers": ("banking",)}), **changes)


@dataclass
class Answers:
    """A driver from a dictionary that remembers what it was asked."""

    known: Mapping[str, str | bytes] = field(default_factory=dict)
    status: int = 200
    asked: list[str] = field(default_factory=list)

    def __call__(self, fetch: Fetch) -> Fetched:
        self.asked.append(fetch.url)
        if fetch.url not in self.known:
            raise Unavailable("nobody answers")
        body = self.known[fetch.url]
        return Fetched(status=self.status, body=body.encode() if isinstance(body, str) else body)


def decide(
    *wires: str,
    want: Expectation | None = None,
    trust: Material | None = None,
    answer: Callable[[Fetch], Fetched] | str | None = None,
    at: int = AT,
    stapled: Sequence[str] = (),
    query_id: str = "poa",
) -> Decision:
    driver = Answers({LIST: answer}) if isinstance(answer, str) else answer or Answers({LIST: status_token()})
    return run(verify({query_id: list(wires)}, want or expectation(), trust or material(), at=at, stapled=stapled), driver)


def states(decision: Decision) -> dict[str, str]:
    return {line.name: line.state for line in decision.checks}


BEARER = BearerType(vct=VCT)
